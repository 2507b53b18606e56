"""What an operator lives through: full disks, broken files, providers that fail, clocks that jump, reloads and restarts."""
import os
import pathlib
import random
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import pytest

from harness.shim import ShiftedClock
from harness.hostile_fixtures import start  # noqa: F401
from harness.hostile_gateway import BINARY, SLOW, call, free_port, is_problem, number, until
from harness.hostile_load import Load

EX_UNAVAILABLE, EX_DATAERR, EX_CONFIG = 69, 65, 78


def ends(g, wrapper=None, timeout=15):
    """Starts a gateway that should not come up; its exit code and what it said."""
    if not g.key:
        g.key = "SK.x"
    g.launch(wrapper)
    try:
        code = g.process.wait(timeout * SLOW)
    except subprocess.TimeoutExpired:
        raise AssertionError("it runs: " + g.log()[-2000:])
    return code, g.log()


def quiet():
    """A port that takes connections and never says a word."""
    s = socket.create_server(("127.0.0.1", 0), backlog=4096)
    return s, "http://127.0.0.1:%d" % s.getsockname()[1]


# ---- the disk is full ----

def full_disk_story(g, fill, free):
    """Under load: space ends, and comes back. Nothing answered 202 is lost, and what is refused is told why."""
    with Load(g) as load:
        until(lambda: len(load.accepted) > 50)
        fill()
        until(lambda: any(a.status == 503 for a in load.refused), 30, told="no 503 although the disk is full")
        until(lambda: g.logged("journal.failing"), told="the log does not say that the journal is failing")
        assert g.get("/healthz").status == 200
        assert g.get("/readyz").status == 503
        until(lambda: g.message(load.accepted[0])["id"], told="reading stopped, too")
        time.sleep(1)
        refused = [a for a in load.refused]
        free()
        until(lambda: g.logged("journal.recovered"), 30, told="it does not recover")
        seen = len(load.accepted)
        until(lambda: len(load.accepted) > seen + 50, 30)
    for a in refused:
        p = is_problem(a, 503)
        assert a.headers["retry-after"] and "database" in p["detail"], p
    assert g.get("/readyz").status == 200
    # A receipt that was refused for want of space is not posted again by this provider: sent is all there is to know.
    load.all_come_to(("sent", "delivered"), 40)
    assert g.sim.stats()["duplicates"] == 0
    sent = {(m["to"], m["body"]) for m in g.sim.messages(limit=100000)}
    assert set(load.bodies.values()) <= sent
    assert not load.cut


# A mount of its own for the gateway alone; without root, in a user namespace of its own, too.
ALONE = ["unshare", "-m" if os.getuid() == 0 else "-Urm"]
# sh -c this FOLDER COMMAND...: the folder and what is in it on a small tmpfs.
ON_SMALL_DISK = """mkdir "$0.small" && mount -t tmpfs -o size=8m,mode=0700 tmpfs "$0.small" && cp -a "$0/." "$0.small" &&
    mount --bind "$0.small" "$0" && exec "$@\""""


def test_full_disk__503_and_nothing_is_lost(start):
    if subprocess.run([*ALONE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine lets nobody mount, not even for himself; the file size limit below is the same story")
    g = start.gateway()
    g.make_key()
    g.start(wrapper=[*ALONE, "sh", "-c", ON_SMALL_DISK, str(g.data)])
    disk = pathlib.Path("/proc/%d/root" % g.pid()) / g.data.relative_to("/")  # as the gateway sees it
    assert os.statvfs(disk).f_blocks * os.statvfs(disk).f_frsize == 8 << 20
    ballast = disk / "ballast"

    def fill():
        with open(ballast, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"\0" * 4096)
            except OSError:
                pass

    full_disk_story(g, fill, ballast.unlink)


def test_file_size_limit__503_and_nothing_is_lost(start):
    g = start()

    def limit(n):
        subprocess.run(["prlimit", "--pid", str(g.pid()), "--fsize=%s" % n], check=True)

    full_disk_story(g, lambda: limit("65536:unlimited"), lambda: limit("unlimited:unlimited"))


# ---- the database cannot be used ----

@pytest.fixture
def stopped(start):
    g = start()
    g.is_well()
    assert g.stop() == 0
    g.log_path.unlink()
    return g


def test_corrupt_database__refused_by_name_and_left_alone(stopped):
    g = stopped
    db = g.data / "hongyan.db"
    noise = random.Random(4).randbytes(100_000)
    db.write_bytes(noise)
    code, log = ends(g)
    assert code in (EX_UNAVAILABLE, EX_DATAERR)
    assert "hongyan.db" in log, log
    assert db.read_bytes() == noise
    assert len(log.splitlines()) < 10, log


def test_truncated_database__refused_by_name_and_left_alone(stopped):
    g = stopped
    db = g.data / "hongyan.db"
    whole = db.read_bytes()
    for n in (len(whole) // 2, 4096 + 100, 100, 50):
        db.write_bytes(whole[:n])
        code, log = ends(g)
        assert code in (EX_UNAVAILABLE, EX_DATAERR), (n, log)
        assert "hongyan.db" in log, (n, log)
        assert db.read_bytes() == whole[:n], n
        g.log_path.unlink()


def test_database_of_a_newer_program__refused(stopped):
    db = sqlite3.connect(stopped.data / "hongyan.db")
    db.execute("PRAGMA user_version=9999")
    tables = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
    db.execute("UPDATE meta SET value=9999 WHERE name LIKE '%schema%'")
    db.commit()
    changed = db.execute("SELECT count(*) FROM meta WHERE value=9999").fetchone()[0]
    db.close()
    if changed == 0 and "schema_version" in tables:
        pytest.fail("this test does not know where the schema's version stands")
    code, log = ends(stopped)
    assert code in (EX_UNAVAILABLE, EX_DATAERR), log
    assert "newer" in log or "schema" in log, log


def test_another_programs_database__refused(stopped):
    path = stopped.data / "hongyan.db"
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(str(path) + suffix):
            os.unlink(str(path) + suffix)
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE message (x)")
    db.commit()
    db.close()
    before = path.read_bytes()
    code, log = ends(stopped)
    assert code in (EX_UNAVAILABLE, EX_DATAERR), log
    assert "hongyan.db" in log, log
    assert path.read_bytes() == before


def as_nobody(*folders):
    """Root may write everywhere, so the program runs as somebody else."""
    if os.getuid() != 0:
        return []
    for folder in folders:
        for place in [folder, *folder.parents]:
            if str(place).startswith("/tmp/pytest") or place == folder:
                os.chmod(place, os.stat(place).st_mode | 0o055)
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def test_read_only_folder__clear_error(start):
    g = start.gateway()
    g.data.mkdir()
    g.data.chmod(0o555)
    g.key = "SK.x"
    code, log = ends(g, as_nobody(g.folder, g.data))
    assert code == EX_UNAVAILABLE, log
    assert str(g.data) in log and "ermission" in log, log


def test_read_only_database__clear_error(stopped):
    g = stopped
    for f in g.data.iterdir():
        os.chmod(f, 0o444)
    if os.getuid() == 0:
        for f in [g.data, *g.data.iterdir()]:
            os.chown(f, 65534, 65534)
    code, log = ends(g, as_nobody(g.folder, g.data))
    assert code == EX_UNAVAILABLE, log
    assert str(g.data) in log, log
    assert "ermission" in log or "read" in log or "write" in log, log


def test_locked_database__503_soon_and_well_afterwards(start):
    """Somebody's shell holds a transaction open. Each request learns soon that it cannot be stored, and none is stored after all."""
    g = start()
    g.is_well()
    other = sqlite3.connect(g.data / "hongyan.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    took, lock = [], threading.Lock()

    def caller(n):
        time.sleep(n * 0.13)  # so that some come just when another's wait has begun
        begun = time.monotonic()
        a = g.send(to=number(n), body="refused", timeout=30)
        with lock:
            took.append((time.monotonic() - begun, a))

    callers = [threading.Thread(target=caller, args=(n,)) for n in range(24)]
    for t in callers:
        t.start()
    for t in callers:
        t.join()
    for _, a in took:
        is_problem(a, 503)
        assert a.headers["retry-after"]
    assert g.get("/readyz").status == 503
    assert g.logged("journal.failing")
    other.execute("ROLLBACK")
    until(lambda: g.get("/readyz").status == 200)
    g.is_well()
    assert other.execute("SELECT count(*) FROM message WHERE body='refused'").fetchone()[0] == 0
    other.close()
    assert sorted(t for t, _ in took)[len(took) // 2] < 2.1 * SLOW and max(t for t, _ in took) < 10 * SLOW, sorted(t for t, _ in took)


DISPLACED = {
    "deleted": lambda path, away: os.rename(path, away),
    "replaced": lambda path, away: (os.rename(path, away), path.write_bytes(away.read_bytes())),
}


@pytest.mark.parametrize("part", ["hongyan.db", "hongyan.db-wal"])
@pytest.mark.parametrize("how", DISPLACED)
def test_database_taken_away__503_until_it_is_back(start, part, how):
    """A commit into a file without a name succeeds, and nobody will ever read it: 202 would be a lie (I1)."""
    g = start()
    g.is_well()
    path, away = g.data / part, g.data / "away"
    DISPLACED[how](path, away)
    a = g.send(body="into nowhere")
    p = is_problem(a, 503)
    assert a.headers["retry-after"] and "database" in p["detail"], p
    until(lambda: g.get("/readyz").status == 503, told="/readyz does not see it")
    assert g.get("/healthz").status == 200
    failing = g.logged("journal.failing")
    assert failing and path.name in failing[0] and "put it back" in failing[0], failing  # a folder with four digits is masked
    os.rename(away, path)
    until(lambda: g.get("/readyz").status == 200, told="/readyz does not see that it is back")
    assert g.logged("journal.recovered")
    g.is_well()


def test_database_taken_away__readyz_tells_without_traffic(start):
    g = start()
    g.is_well()
    for f in g.data.glob("hongyan.db*"):
        f.unlink()
    until(lambda: g.get("/readyz").status == 503, told="/readyz does not see it")
    assert g.logged("journal.failing")
    assert g.stop() == 0
    g.launch()
    until(g.answers, told="it does not start afresh")


def test_keys_made_under_load__neither_fails(start):
    g = start()
    with Load(g, threads=4) as load:
        for _ in range(20):
            assert g.run("key", "create", "-c", str(g.config), "--json").returncode == 0
        until(lambda: len(load.accepted) > 50)
    assert not load.refused and not load.cut
    load.all_delivered()


def test_lost_master_key__clear_error(stopped):
    """The database is there, its key is not: accounts cannot be read, and ids would all change."""
    key = stopped.data / "master.key"
    assert key.exists()
    key.unlink()
    code, log = ends(stopped)
    assert code != 0
    assert "master" in log, log


def test_port_taken__clear_error(start):
    taken = socket.create_server(("127.0.0.1", 0))
    g = start.gateway(port=taken.getsockname()[1])
    code, log = ends(g)
    assert code == EX_UNAVAILABLE, log
    assert "127.0.0.1:%d" % g.port in log or ("127.0.0.1" in log and str(g.port) in log), log
    taken.close()


def test_port_of_another_gateway__clear_error(start):
    one = start()
    two = start.gateway(port=one.port)
    code, log = ends(two)
    assert code == EX_UNAVAILABLE, log
    assert str(two.port) in log
    one.is_well()


def test_second_serve_on_one_folder__refused(start):
    one = start()
    two = start.gateway(data_dir=one.data, provider_url=one.sim.url)
    code, log = ends(two)
    assert code == EX_UNAVAILABLE, log
    assert "another hongyan" in log and str(one.data) in log, log
    one.is_well()


# ---- the provider fails ----

def test_unreachable_provider__messages_wait_and_go_out_later(start):
    port = free_port()
    g = start({"retry": {"first_ms": 200, "max_ms": 1000, "attempts_max": 100}}, provider_url="http://127.0.0.1:%d" % port)
    before = g.rss_mb()
    ids = []
    for i in range(2000):
        a = g.send(to=number(i), body="wait %d" % i)
        assert a.status == 202
        ids.append(a.json["id"])
    time.sleep(1)
    states = {g.message(i)["status"] for i in ids[::50]}
    assert states <= {"queued", "sending"}, states
    assert "queued" in states
    m = g.message(ids[0])
    assert m["reason"] == "provider_down", m
    assert g.logged("lane.down")
    assert len(g.log().splitlines()) < 2000 * 4 + 500, "a failing provider floods the log"
    assert g.rss_mb() - before < 60 * SLOW
    g.sim = start.simulator(port=port)
    for i in ids:
        g.delivered(i, 60)
    assert g.sim.stats()["duplicates"] == 0 and g.sim.stats()["unique"] == 2000


def test_silent_provider__its_lane_closes_and_another_takes_over(start):
    """One lane's provider takes the connection and says nothing. What it may have is not sent twice; the rest goes elsewhere."""
    silent, url = quiet()
    sim = start.simulator()
    g = start.gateway(provider_url=url)
    lanes = [g.lane("silent", url, timeout_ms=500, connect_timeout_ms=300, in_flight_max=10, lookups_max=0), g.lane("sim", sim.url)]
    g.write(lanes=lanes, defaults={"validity_s": 3600})
    g.sim = sim
    g.start()
    ids = [g.send(to=number(i), body="s%d" % i).json["id"] for i in range(200)]

    def settled():
        states = [g.message(i)["status"] for i in ids]
        return states.count("delivered") >= 150 and states

    states = until(settled, 40, 0.3, told="the other lane does not take over")
    assert set(states) <= {"delivered", "unknown", "sending", "queued", "sent"}, set(states)
    assert sim.stats()["duplicates"] == 0
    until(lambda: g.logged("lane.down"), told="a lane that only times out is not closed")
    begun = time.monotonic()
    assert call(g.port, "GET", "/healthz").status == 200
    assert time.monotonic() - begun < 10 * SLOW
    silent.close()


def test_provider_that_drops_every_connection__memory_is_bounded(start):
    g = start({"retry": {"first_ms": 10, "max_ms": 100, "attempts_max": 100}},
              profile={"lost_requests": 1.0})
    for i in range(500):
        assert g.send(to=number(i)).status == 202
    time.sleep(3)
    assert g.rss_mb() < 100 * SLOW
    assert g.answers()


def test_provider_with_a_huge_answer__is_no_harm(start):
    """100 MB of JSON, headers without end, a body without end."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def serve(s, n):
        try:
            s.recv(65536)
            if n % 2:
                s.sendall(b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n{\"sid\":\"")
                for _ in range(1000):
                    s.sendall(b"a" * 100_000)
            else:
                s.sendall(b"HTTP/1.1 201 Created\r\n")
                for i in range(100_000):
                    s.sendall(b"X-%d: " % i + b"a" * 1000 + b"\r\n")
        except OSError:
            pass
        finally:
            s.close()

    def accept():
        n = 0
        while True:
            try:
                s, _ = listener.accept()
            except OSError:
                return
            n += 1
            threading.Thread(target=serve, args=(s, n), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    g = start(provider_url="http://127.0.0.1:%d" % listener.getsockname()[1])
    for i in range(20):
        assert g.send(to=number(i)).status == 202
    time.sleep(2)
    assert g.rss_mb() < 150 * SLOW
    assert g.answers()
    listener.close()


def test_callback_receiver_that_hangs__holds_nothing_up(start):
    silent, url = quiet()
    g = start({"callbacks": {"allow_private": True, "timeout_ms": 1000}})
    ids = [g.send(to=number(i), status_callback=url + "/x").json["id"] for i in range(300)]
    for i in ids:
        g.delivered(i, 20)
    silent.close()


# ---- the clock jumps ----

def test_clock_steps_back_and_forward__nothing_sticks_and_ids_rise(start, tmp_path):
    clock = ShiftedClock(tmp_path)
    g = start.gateway({"log": {"level": "info"}}, env=clock.env)
    g.start()
    g.is_well()
    ids = []

    def send(n):
        for i in range(n):
            a = g.send(to=number(len(ids)), body="t%d" % len(ids))
            assert a.status == 202, a
            ids.append(a.json["id"])

    for shift in (0, -3600, 3600, -3600, 86400, 0, -86400):
        clock.set(shift)
        send(60)
        for sid in ids[-60:]:
            g.delivered(sid)
    assert [i[:18] for i in ids] == sorted(i[:18] for i in ids), "ids do not rise"
    assert len(set(ids)) == len(ids)
    until(lambda: g.logged("clock.set_back"))
    time.sleep(5)
    assert len(g.logged("clock.set_back")) < 4, "the same warning every second"
    assert g.stop() == 0
    g.launch()  # started an hour before what it had seen
    until(g.answers)
    g.is_well()
    send(20)
    for sid in ids[-20:]:
        g.delivered(sid)
    assert [i[:18] for i in ids] == sorted(i[:18] for i in ids), "ids do not rise across a restart"


def test_restart_after_the_clock_went_back__waiting_messages_go_out(start, tmp_path):
    """Accepted while the clock was an hour ahead, the provider down; restarted with the right time: not an hour late."""
    clock = ShiftedClock(tmp_path)
    port = free_port()
    clock.set(3600)
    g = start.gateway({"retry": {"first_ms": 100, "max_ms": 500, "attempts_max": 100}},
                      provider_url="http://127.0.0.1:%d" % port, env=clock.env)
    g.start()
    sid = g.send(body="late?").json["id"]
    until(lambda: g.message(sid)["status"] == "queued")
    assert g.stop() == 0
    clock.set(0)
    g.sim = start.simulator(port=port)
    g.launch()
    until(g.answers)
    g.delivered(sid, 20)


# ---- screening ----

def test_screen__lists_block_star_out_and_flag_by_topic(start, tmp_path):
    for name, text in (("gambling", "# for promotions\npoker\n"), ("links", "bit\\.ly/\\w+\n"), ("rude", "damn\n")):
        (tmp_path / name).write_text(text)
    g = start({"screen": {"lists": ["block words %s/gambling for topic=promo" % tmp_path,
                                    "flag patterns %s/links" % tmp_path, "replace words %s/rude" % tmp_path]}})

    def sent(body, **more):
        return g.message(g.send(body=body, **more).json["id"])

    assert sent("P o k e r is fun: POKER", topic="promo")["status"] == "suppressed"
    assert sent("poker is fun", topic="code")["status"] != "suppressed"
    assert sent("a damn good deal")["body"] == "a **** good deal"
    flagged = sent("see bit.ly/abc")
    assert flagged["body"] == "see bit.ly/abc" and flagged["status"] != "suppressed"
    events = g.get("/v1/messages/%s/events" % flagged["id"]).json["data"]
    assert [e for e in events if e.get("reason") == "screened"], events
    g.delivered(flagged["id"])
    lines = g.logged("message.screened")
    assert [line for line in lines if "links" in str(line) and "bit.ly" not in str(line)], lines


# ---- signals ----

def test_reload__new_settings_take_effect_and_nothing_is_lost(start, tmp_path):
    words, templates = tmp_path / "words.txt", tmp_path / "templates"
    templates.mkdir()
    (templates / "hi.txt").write_text("Hi {{ name }}, old")
    words.write_text("lottery\n")
    g = start({"screen": {"words": [str(words)]}, "templates": {"dir": str(templates)}})

    def screened(word):
        a = g.send(body="the %s is yours" % word)
        return a.status == 422 or a.json.get("status") == "suppressed"

    assert screened("lottery") and not screened("casino")
    with Load(g) as load:
        for i in range(10):
            until(lambda: len(load.accepted) > 40 * i)
            words.write_text("casino\n" if i % 2 == 0 else "lottery\n")
            (templates / "hi.txt").write_text("Hi {{ name }}, new %d" % i)
            done = len(g.logged("reload.done"))
            g.signal(signal.SIGHUP)
            until(lambda: len(g.logged("reload.done")) > done)
    assert not load.refused and not load.cut
    until(lambda: screened("lottery"))
    assert not screened("casino")
    sid = g.post("/v1/messages", {"to": "+14155550123", "template": "hi", "vars": {"name": "Li"}}).json["id"]
    assert g.message(sid)["body"] == "Hi Li, new 9"
    load.all_delivered()
    # a new lane, and the old one gone
    other = start.simulator()
    g.write(lanes=[g.lane("other", other.url)])
    done = len(g.logged("reload.done"))
    g.signal(signal.SIGHUP)
    until(lambda: len(g.logged("reload.done")) > done)
    sid = g.send(body="over the new lane").json["id"]
    g.delivered(sid)
    assert g.message(sid)["provider"] == "other"
    assert other.stats()["unique"] == 1


def test_reload__asked_for_while_one_is_under_way_comes_after_it(start, tmp_path):
    (tmp_path / "hi.txt").write_text("old")
    g = start({"templates": {"dir": str(tmp_path)}})

    def told():
        return g.message(g.post("/v1/messages", {"to": "+14155550123", "template": "hi"}).json["id"])["body"]
    with Load(g, threads=4) as load:
        until(lambda: len(load.accepted) > 20)
        for i in range(400):
            (tmp_path / "hi.txt").write_text("new %d" % i)
            g.signal(signal.SIGHUP)
            time.sleep(0.0005 * (i % 5))
        until(lambda: told() == "new 399", 60, told="the last SIGHUP is forgotten")
    assert not load.refused and not g.logged("reload.refused")


def test_reload__log_level_takes_effect(start):
    g = start({"log": {"level": "error"}})
    g.is_well()
    assert not g.logged("message.sent")
    g.write(log={"level": "info"})
    g.signal(signal.SIGHUP)

    def heard():
        g.is_well()
        return g.logged("message.sent")
    until(heard, 30, 0.2, told="log.level is not taken over, and nothing says so")


def test_reload__a_limit_that_is_not_taken_over_is_told(start):
    g = start()
    g.write(limits={"request_bytes_max": 4096})
    g.signal(signal.SIGHUP)
    until(lambda: g.logged("reload.done"))
    until(lambda: g.post("/v1/messages", b" " * 10_000).status == 413 or g.logged("reload.partial"),
          told="limits.request_bytes_max is silently ignored by a reload")


@pytest.mark.parametrize("broken", ["yaml", "unknown key", "no lanes", "missing words", "missing variable", "gone"])
def test_reload_of_a_broken_file__the_old_settings_stay(start, tmp_path, broken):
    g = start()
    if broken == "yaml":
        g.config.write_text("listen: [")
    elif broken == "unknown key":
        g.write(lisen="x")
    elif broken == "no lanes":
        g.write(lanes=[])
    elif broken == "missing words":
        g.write(screen={"words": [str(tmp_path / "none.txt")]})
    elif broken == "missing variable":
        g.write(public_url="${NOT_SET_ANYWHERE}")
    else:
        g.config.unlink()
    with Load(g) as load:
        until(lambda: len(load.accepted) > 20)
        g.signal(signal.SIGHUP)
        until(lambda: g.logged("reload.refused"))
        seen = len(load.accepted)
        until(lambda: len(load.accepted) > seen + 20)
    assert not load.refused and not load.cut
    load.all_delivered()
    assert not g.logged("reload.done")


def test_many_reloads__memory_is_bounded(start):
    g = start()
    g.is_well()
    before = g.rss_mb()
    for i in range(60):
        done = len(g.logged("reload.done"))
        g.signal(signal.SIGHUP)
        until(lambda: len(g.logged("reload.done")) > done)
    assert g.rss_mb() - before < 20 * SLOW
    g.is_well()


@pytest.mark.parametrize("latency_ms", [0, 700])
def test_sigterm_under_load__drains_and_loses_nothing(start, latency_ms):
    g = start(profile={"latency_ms": latency_ms})
    with Load(g, threads=8) as load:
        until(lambda: len(load.accepted) > 100)
        begun = time.monotonic()
        assert g.stop() == 0
        took = time.monotonic() - begun
    assert took < 24 * SLOW  # drain_ms is 25 s
    assert g.logged("gateway.stopped") and "in_flight=none" in g.logged("gateway.stopped")[0], g.logged("gateway.stopped")
    for a in load.refused:
        is_problem(a, 503)
    g.launch()
    until(g.answers)
    # A receipt that met with nobody was given up by the provider; what it has, it has once.
    load.all_come_to(("sent", "delivered"), 30)
    assert g.sim.stats()["duplicates"] == 0 and g.sim.stats()["unique"] >= len(load.accepted)


def test_sigterm_with_a_silent_provider__ends_within_drain_ms(start):
    silent, url = quiet()
    g = start({"drain_ms": 1000}, provider_url=url)
    for i in range(20):
        g.send(to=number(i))
    begun = time.monotonic()
    assert g.stop() == 0
    assert time.monotonic() - begun < 9 * SLOW  # its calls would be given up after 10 s
    assert "in_flight=\"some" in g.log()
    silent.close()


def test_sigint_twice_and_sighup_flood__no_harm(start):
    g = start()
    for _ in range(200):
        g.signal(signal.SIGHUP)
    g.is_well()
    g.signal(signal.SIGINT)
    g.signal(signal.SIGINT)
    assert g.process.wait(20) == 0


# ---- threads ----

@pytest.mark.parametrize("front,sender", [(2, 2), (4, 3), (1, 1)])
def test_several_threads__all_work(start, front, sender):
    g = start({"threads": {"front": front, "sender": sender}})
    with Load(g, threads=8) as load:
        until(lambda: len(load.accepted) > 300)
    load.all_delivered()
    assert g.sim.stats()["duplicates"] == 0
    assert not load.refused and not load.cut
    names = [open("/proc/%d/task/%s/comm" % (g.pid(), t)).read().strip() for t in os.listdir("/proc/%d/task" % g.pid())]
    assert names.count("front") == front and names.count("sender") == sender


@pytest.mark.parametrize("name", ["front", "sender"])
def test_as_many_threads_as_the_configuration_allows__work(start, name):
    """What docs/config.md allows must not abort; one more is refused."""
    g = start.gateway()
    told = g.run("config", "explain", "threads." + name).stdout.decode()
    most = int(re.search(r"1 to (\d+)", told).group(1))
    g.write(threads={name: most})
    g.start()
    g.is_well()
    assert g.stop() == 0
    g.write(threads={name: most + 1})
    assert g.run("config", "check", "-c", str(g.config)).returncode == EX_CONFIG


# ---- systemd ----

def test_systemd__is_told_ready_alive_and_stopping(start, tmp_path):
    place = str(tmp_path / "n")
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(place)
    s.settimeout(30)
    g = start.gateway(env={"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "4000000"})
    g.make_key().launch()
    assert s.recv(1000) == b"READY=1"
    assert g.get("/healthz").status == 200
    pings = 0
    begun = time.monotonic()
    while pings < 3:
        pings += s.recv(1000) == b"WATCHDOG=1"
    assert time.monotonic() - begun < 3 * 4 + 1
    g.signal(signal.SIGTERM)
    said = [s.recv(1000)]
    while said[-1] != b"STOPPING=1":
        said.append(s.recv(1000))
    assert g.process.wait(20) == 0


# ---- figures ----

def test_metrics__agree_with_what_happened(start):
    g = start()
    with Load(g, threads=8) as load:
        until(lambda: len(load.accepted) > 400)
    for i in range(20):
        g.send(to="nonsense %d" % i)
    load.all_delivered()
    n = len(load.accepted)
    m = until(lambda: (lambda m: m["sms_in_flight"] == 0 and m["sms_backlog"] == 0 and m)(g.metrics()))
    assert m["sms_accepted_total"] == n
    assert m["sms_sent_total"] == n
    assert m['sms_messages_total{state="delivered"}'] == n
    assert m["sms_segments_sent_total"] == n
    assert m["sms_live"] == 0 and m["sms_ready"] == 0
    assert m["http_requests_refused_total"] >= 20
    assert m["provider_calls_total"] == n
    assert m["http_accept_seconds_count"] >= n
    assert m["sms_receipts_total"] >= n
    assert m["provider_call_seconds_count"] == n
    assert m["journal_healthy"] == 1
    buckets = [v for k, v in m.items() if k.startswith("http_accept_seconds_bucket")]
    assert buckets == sorted(buckets)


def test_idle__takes_at_most_40_mb_and_no_cpu(start):
    g = start()
    g.is_well()
    time.sleep(1)
    assert g.rss_mb() <= 40 * SLOW

    def ticks():
        row = open("/proc/%d/stat" % g.pid()).read().rsplit(")", 1)[1].split()
        return int(row[11]) + int(row[12])

    before = ticks()
    time.sleep(3)
    assert (ticks() - before) / os.sysconf("SC_CLK_TCK") < 0.09 * SLOW, "an idle gateway takes more than 3 % of a core"


def test_log_that_nobody_reads__stops_no_message(start):
    """Standard error is a pipe whose reader hangs: `a log that cannot be written must never stop a message`."""
    g = start.gateway({"log": {"level": "debug"}})
    g.make_key()
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    g.process = subprocess.Popen([str(BINARY), "serve", "-c", str(g.config)], cwd=g.folder, env=g.env,
                                 stdin=subprocess.DEVNULL, stdout=writing, stderr=writing)
    os.close(writing)
    try:
        until(g.answers)
        for i in range(600):  # some 600 bytes of log each: more than a pipe holds
            assert g.send(to=number(i)).status == 202
        g.is_well()
    finally:
        os.close(reading)


def test_log_whose_reader_is_gone__stops_no_message(start):
    g = start.gateway({"log": {"level": "debug"}})
    g.make_key()
    reading, writing = os.pipe()
    g.process = subprocess.Popen([str(BINARY), "serve", "-c", str(g.config)], cwd=g.folder, env=g.env,
                                 stdin=subprocess.DEVNULL, stdout=writing, stderr=writing)
    os.close(writing)
    os.close(reading)
    until(g.answers)
    g.is_well()
    assert g.stop() == 0
