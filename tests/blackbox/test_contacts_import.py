"""Files of contacts as an operator imports and exports them: what Excel writes, what is wrong in them, long ones, two at once, a kill in the middle."""
import json
import os
import re
import resource
import signal
import subprocess
import time

from harness.gateway import SLOW, call, until
from harness.hostile_gateway import BINARY


def run(g, *args, stdin=None, timeout=120):
    return subprocess.run([str(BINARY), *args, "-c", str(g.config)], input=stdin, capture_output=True, timeout=timeout, env=g.env)


def take(g, path, *more):
    done = run(g, "import", "contacts", str(path), "--json", *more)
    return done, json.loads(done.stdout) if done.stdout else None


def contact(g, name):
    a = g.get("/v1/contacts/" + name)
    assert a.status == 200, a
    return a.json


def export(g, *more):
    done = run(g, "export", "contacts", *more)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def test_csv__with_a_mark_quotes_and_carriage_returns_is_taken_and_twice_is_the_same(gateway, tmp_path):
    g = gateway
    f = tmp_path / "c.csv"
    f.write_bytes('\ufeffName,phone,ID,attributes.tier,attributes,emails,time_zone,language\r\n'
                  '"李, ""雷""",138 0013 8000;+1 415 555 0123,li,gold,"{""n"": 7}",Li@Example.com,Asia/Shanghai,zh_cn\r\n'
                  '\r\n'
                  'Han,+8613800138001,,,,,,\r\n'.encode())
    done, said = take(g, f)
    assert done.returncode == 0 and (said["lines"], said["added"], said["renewed"], said["refused"]) == (4, 2, 0, 0), (done, said)
    li = contact(g, "li")
    assert (li["name"], li["numbers"], li["emails"], li["attributes"], li["time_zone"], li["language"]) == \
        ('李, "雷"', ["+8613800138000", "+14155550123"], ["li@example.com"], {"n": 7, "tier": "gold"}, "Asia/Shanghai", "zh-CN")
    assert contact(g, "+8613800138001")["name"] == "Han"
    assert take(g, f)[1]["renewed"] == 2
    out = tmp_path / "out.csv"
    out.write_text(export(g), encoding="utf-8")
    nd = tmp_path / "out.ndjson"
    nd.write_text(export(g, "--format", "ndjson"), encoding="utf-8")
    for back in (out, nd):
        assert call(g.port, "DELETE", "/v1/contacts/li", None, g.bearer).status == 204
        assert (take(g, back)[1]["added"], take(g, back)[1]["renewed"]) == (1, 2)
        again = contact(g, "li")
        assert {**again, "created_at": 0, "updated_at": 0} == {**li, "created_at": 0, "updated_at": 0}


def test_lines__that_are_wrong_are_named_with_their_column_and_the_others_taken(gateway, tmp_path):
    g = gateway
    f = tmp_path / "c.csv"
    f.write_text("id,numbers,time_zone\na,12,\nb,,Mars/Base\nc,+8613800138000\nd,\"+86138\ne,x,y,z\n,,\nf g,,\nh," + "9" * 70000 + "\ni,,\n")
    done, said = take(g, f)
    assert done.returncode == 65, done
    assert [(r["line"], r.get("column"), r.get("field")) for r in said["first_refused"]] == \
        [(2, 2, "numbers"), (3, 3, "time_zone"), (5, None, None), (6, None, None), (7, None, "id"), (8, None, "id"), (9, None, None)], said
    assert (said["added"], said["refused"]) == (2, 7)
    assert b"c.csv:2:2: " in done.stderr
    report = tmp_path / "refused.ndjson"
    take(g, f, "--refused", str(report))
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    assert [r["line"] for r in rows] == [2, 3, 5, 6, 7, 8, 9] and all(r["error"] for r in rows) and rows[1]["text"] == "b,,Mars/Base", rows
    nd = tmp_path / "c.ndjson"
    nd.write_text('{"id": "j", "name": "J"}\n{"id": "k"\n[]\n{"id": "l", "nmae": 1}\n{"id": "m", "numbers": ["+8613800138000", "x"]}\n')
    done, said = take(g, nd)
    assert [(r["line"], r.get("field")) for r in said["first_refused"]] == [(2, None), (3, None), (4, "nmae"), (5, "numbers[1]")], said
    assert contact(g, "j")["name"] == "J"
    bad = tmp_path / "bad.csv"
    bad.write_text("id,nmae\na,b\n")
    done, said = take(g, bad)
    assert done.returncode == 65 and b"column 2" in done.stderr and said["added"] == 0, done


def test_file__in_gbk_is_refused_with_the_remedy_and_taken_when_told(gateway, tmp_path):
    g = gateway
    f = tmp_path / "gbk.csv"
    f.write_bytes("id,name\n1,张伟\n2,plain\n".encode("gbk"))
    done, said = take(g, f)
    assert (said["added"], said["refused"]) == (1, 1) and b"--encoding gbk" in done.stderr, done
    done, said = take(g, f, "--encoding", "gbk")
    assert (done.returncode, said["added"], said["renewed"]) == (0, 1, 1), (done, said)
    assert contact(g, "1")["name"] == "张伟"
    assert b"not known" in take(g, f, "--encoding", "klingon")[0].stderr


def test_ndjson__moves_devices_too_and_takes_none_from_whoever_showed_it_later(make_gateway, tmp_path):
    g, other = make_gateway(), make_gateway()

    def register(g, contact, platform, token):
        a = call(g.port, "POST", "/v1/contacts/%s/devices" % contact, json.dumps({"platform": platform, "token": token}), {**g.bearer, "Content-Type": "application/json"})
        assert a.status == 200, a

    def devices(g, name):
        return [(d["platform"], d["token"], d["seen_at"]) for d in contact(g, name)["devices"]]
    nd = tmp_path / "c.ndjson"
    nd.write_text('{"id": "li"}\n{"id": "han"}\n')
    assert take(g, nd)[1]["added"] == 2 and take(other, nd)[1]["added"] == 2
    register(g, "li", "fcm", "t:1/x")
    register(g, "li", "apns", "AB" * 32)
    register(g, "han", "fcm", "of-both")
    nd.write_text(export(g, "--format", "ndjson"))
    register(other, "li", "fcm", "of-both")
    for _ in range(2):
        assert take(other, nd)[1]["renewed"] == 2
    assert devices(other, "li")[1:] == devices(g, "li") and devices(other, "li")[0][:2] == ("fcm", "of-both") and devices(other, "han") == []
    call(other.port, "DELETE", "/v1/contacts/li/devices/fcm/of-both", None, other.bearer)
    a = post_part(other, nd.read_bytes(), kind="application/x-ndjson")
    assert a.json["renewed"] == 2 and devices(other, "han") == devices(g, "han") != [], a
    nd.write_text('{"id": "a", "devices": [{"platform": "fcm", "token": "x y"}]}\n{"id": "b", "devices": {}}\n{"id": "c", "devices": [{"token": "t"}]}\n'
                  '{"id": "d", "devices": [{"platform": "fcm", "token": "t", "seen_at": "soon"}]}\n{"id": "e", "devices": [{"platform": "fcm", "token": "new"}]}\n')
    assert [r["field"] for r in take(g, nd)[1]["first_refused"]] == ["devices[0].token", "devices", "devices[0].platform", "devices[0].seen_at"]
    assert [d[1] for d in devices(g, "e")] == ["new"]


def test_dry_run__writes_nothing(gateway, tmp_path):
    f = tmp_path / "c.csv"
    f.write_text("id\na\nb\n")
    done, said = take(gateway, f, "--dry-run")
    assert (said["added"], said["dry_run"]) == (2, True)
    assert export(gateway).count("\n") == 1


def long_file(path, n):
    with open(path, "w", encoding="utf-8") as f:
        f.write("id,name,numbers,attributes.tier\n")
        for i in range(n):
            f.write("c%d,客户%d,+86138%08d,gold\n" % (i, i, i))
    return path


def bounded():
    resource.setrlimit(resource.RLIMIT_DATA, (256 << 20, 256 << 20))


def test_import__of_a_long_file_takes_bounded_memory_while_the_gateway_serves(gateway, tmp_path):
    g, n = gateway, 20000
    f = long_file(tmp_path / "long.csv", n)
    p = subprocess.Popen([str(BINARY), "import", "contacts", str(f), "--json", "-c", str(g.config)], stdout=subprocess.PIPE, env=g.env,
                         preexec_fn=bounded if SLOW == 1 else None)  # sanitizers map more than any limit at their start
    sent = 0
    while p.poll() is None:
        assert g.post("/v1/messages", {"to": "+14155550123", "body": "meanwhile"}, timeout=60).status in (202, 503)
        sent += 1
        time.sleep(0.05)
    said = json.loads(p.stdout.read())
    assert (p.returncode, said["added"]) == (0, n) and sent > 0, said
    assert export(g).count("\n") == n + 1


def on_a_terminal(g, out, *args):
    """What somebody sees at a terminal who has the rows in a file; and how it ended."""
    ours, theirs = os.openpty()
    try:
        p = subprocess.Popen([str(BINARY), *args, "-c", str(g.config)], stdout=out, stderr=theirs, env={**g.env, "LC_ALL": "C"})
        os.close(theirs)
        said = b""
        while True:
            try:
                more = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not more:
                break
            said += more
        return said, p.wait(120)
    finally:
        os.close(ours)


def test_import__shows_on_a_terminal_how_far_it_is(gateway, tmp_path):
    n = 200000  # more than a quick machine reads before it first tells
    f = long_file(tmp_path / "long.csv", n)
    with open(f, "a", encoding="utf-8") as out:
        out.write("bad,x,12,\n")
    said, code = on_a_terminal(gateway, subprocess.DEVNULL, "import", "contacts", str(f), "--dry-run")
    assert code == 65
    shown = [tuple(map(int, m)) for m in re.findall(rb"\r *(\d+) %, (\d+) lines, (\d+) refused", said)]
    assert shown and shown == sorted(shown) and all(0 <= percent <= 100 and lines <= n + 2 for percent, lines, _ in shown), said[-300:]
    plain = run(gateway, "import", "contacts", str(f), "--dry-run")
    assert b"\r" not in plain.stderr


def test_export__shows_on_a_terminal_how_many_rows_it_has(gateway, tmp_path):
    n = 3000
    assert run(gateway, "import", "contacts", str(long_file(tmp_path / "long.csv", n))).returncode == 0
    with open(tmp_path / "out.csv", "w+", encoding="utf-8") as out:
        said, code = on_a_terminal(gateway, out, "export", "contacts")
        out.seek(0)
        assert code == 0 and out.read().count("\n") == n + 1
    shown = [int(m) for m in re.findall(rb"\r *(\d+) rows", said)]
    assert shown == sorted(shown) and shown[-1] == n and len(shown) > 1 and shown[0] < n, said
    assert not run(gateway, "export", "contacts").stderr


def test_imports__two_at_once_and_one_killed_end_with_the_same_contacts(gateway, tmp_path):
    g, n = gateway, 6000
    f = long_file(tmp_path / "long.csv", n)
    command = [str(BINARY), "import", "contacts", str(f), "--json", "-c", str(g.config)]
    killed = subprocess.Popen(command, stdout=subprocess.PIPE, env=g.env)
    until(lambda: killed.poll() is not None or g.get("/v1/contacts?limit=1", timeout=60).json["data"], 60)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, env=g.env) for _ in range(2)]
    said = [json.loads(p.communicate(timeout=120)[0]) for p in both]
    assert [s["added"] + s["renewed"] for s in said] == [n, n], said
    lines = export(g).splitlines()
    assert len(lines) == n + 1 and len(set(line.split(",")[0] for line in lines)) == n + 1


def test_import__that_waits_for_its_pipe_holds_up_nobody(gateway):
    g = gateway
    with subprocess.Popen([str(BINARY), "import", "contacts", "-", "-c", str(g.config)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, env=g.env) as p:
        p.stdin.write(b"id,numbers\nslow,+14155550123\n" + b"wrong,x\n" * 20000)
        p.stdin.flush()
        until(lambda: g.get("/v1/contacts/slow").status == 200, told="what was read is not written while more may come")
        for i in range(20):
            assert g.post("/v1/messages", {"to": "+14155550100", "body": "%d" % i}).status == 202
        p.stdin.close()
        assert b"20000" in p.stdout.read()


# ---- over HTTP ----

def post_part(g, body, kind="text/csv", **query):
    path = "/v1/imports/contacts?" + "&".join("%s=%s" % kv for kv in query.items())
    return call(g.port, "POST", path, body, {**g.bearer, "Content-Type": kind}, timeout=60)


def test_http__more_wrong_lines_than_there_is_room_for_are_counted(gateway):
    body = b"number,name\n" + b"x\n" * 20000
    a = post_part(gateway, body)
    assert a.status == 200 and len(a.json["refused"]) + a.json["refused_more"] == 20000 and a.json["refused_more"] > 0, a.status


def test_http__parts_of_a_file_are_taken_and_their_lines_counted(gateway):
    g = gateway
    lines = ["id,name,numbers"] + ["c%d,N%d,+86138%08d" % (i, i, i) for i in range(900)]
    lines[300] = "bad,x,12"
    first, rest = "\ufeff" + "\r\n".join(lines[:451]) + "\r\n", "\n".join(lines[451:])
    a = post_part(g, first.encode())
    assert a.status == 200, a
    assert (a.json["lines"], a.json["next_line"], a.json["added"], [(r["line"], r["column"], r["field"]) for r in a.json["refused"]]) == \
        (451, 452, 449, [(301, 3, "numbers")])
    b = post_part(g, rest.encode(), line=a.json["next_line"], columns="id,name,numbers")
    assert (b.status, b.json["added"], b.json["next_line"]) == (200, 450, 902), b
    assert post_part(g, rest.encode(), line=452, columns="id,name,numbers").json["renewed"] == 450
    text, cursor, parts = "", None, 0
    while parts == 0 or cursor:
        page = g.get("/v1/exports/contacts?limit=400" + ("&cursor=" + cursor if cursor else ""))
        text, cursor, parts = text + page.body.decode(), page.headers.get("next-cursor"), parts + 1
    assert parts == 3 and text == export(g)
    assert len(text.splitlines()) == 900


def test_http__records_run_over_lines_in_quotes(gateway):
    body = 'id,numbers,attributes.address\r\na,+8613800138000,"1 High Street\r\nLondon"\r\n"b\nb",+8613800138001,x\r\nc,+8613800138002,"y\nd,+8613800138003,z'
    a = post_part(gateway, body.encode())
    assert (a.status, a.json["lines"], a.json["next_line"], a.json["added"]) == (200, 7, 8, 2), a
    assert [(r["line"], r["column"]) for r in a.json["refused"]] == [(4, 1), (6, None)], a
    assert gateway.get("/v1/contacts/a").json["attributes"] == {"address": "1 High Street\nLondon"}
    b = post_part(gateway, gateway.get("/v1/exports/contacts").body)
    assert b.json["renewed"] == 2 and gateway.get("/v1/contacts/a").json["attributes"] == {"address": "1 High Street\nLondon"}


def test_http__what_cannot_be_a_part_is_refused_whole(gateway):
    g = gateway
    assert post_part(g, b"id\na\n", kind="application/json").status in (400, 415)
    a = post_part(g, b"id,nmae\na,b\n")
    assert (a.status, a.json["field"]) == (400, "columns"), a
    assert post_part(g, "".join("c%d\n" % i for i in range(501)).encode()).status == 413
    a = post_part(g, b'{"id": "a"}\n\n{"id": \n\xff\n', kind="application/x-ndjson", dry_run="true")
    assert (a.json["lines"], [r["line"] for r in a.json["refused"]], a.json["dry_run"]) == (4, [3, 4], True), a
    assert post_part(g, b"\x00\x01" * 3000).status == 200
    assert export(g).count("\n") == 1
