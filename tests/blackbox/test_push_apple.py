"""Push by Apple over HTTP/2, against a stand-in made of Node's own http2 module: one connection for all, provider tokens that its
public key verifies, tokens that end, devices that are gone."""
import collections
import json
import pathlib
import re
import subprocess

import pytest

from harness.gateway import call, until
from harness.shim import ShiftedClock

KEY_ID, TEAM_ID, TOPIC = "ABC123DEFG", "DEF123GHIJ", "com.example.app"
DEVICE = "apns:%064x"
DEAD = "apns:dead" + "ab" * 30
SERVER = pathlib.Path(__file__).parent / "harness" / "apns_server.mjs"


def openssl(*words, cwd):
    subprocess.run(["openssl", *words], cwd=cwd, check=True, capture_output=True)


class Apple:
    def __init__(self, folder, delay_ms=20):
        folder.mkdir()
        self.folder = folder
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "ca.pem", cwd=folder)
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "AuthKey.p8", cwd=folder)
        openssl("pkey", "-in", "AuthKey.p8", "-pubout", "-out", "public.pem", cwd=folder)
        self.process = subprocess.Popen(
            ["node", str(SERVER), "ca.pem", "key.pem", "public.pem", KEY_ID, TEAM_ID, TOPIC, str(delay_ms)], cwd=folder,
            stdout=subprocess.PIPE, text=True)
        said = json.loads(self.process.stdout.readline())
        self.port, self.control = said["port"], said["control"]

    def lane(self, **more):
        return {"name": "apple", "provider": "apns", "key_file": str(self.folder / "AuthKey.p8"), "key_id": KEY_ID, "team_id": TEAM_ID,
                "topic": TOPIC, "ca_file": str(self.folder / "ca.pem"), "base_url": "https://localhost:%d" % self.port,
                "allow_private": True, "timeout_ms": 20000, "connect_timeout_ms": 10000, **more}

    def stats(self):
        return call(self.control, "GET", "/stats").json

    def texts(self):
        return collections.Counter(t["payload"]["aps"]["alert"]["body"] for t in self.stats()["taken"])

    def expire(self):
        call(self.control, "POST", "/expire", b"")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def apple(tmp_path):
    a = Apple(tmp_path / "apple")
    yield a
    a.close()


@pytest.fixture
def clock(tmp_path):
    return ShiftedClock(tmp_path)


def start(make_gateway, apple, env=None, **more):
    g = make_gateway.gateway(env=env)
    g.write(lanes=[*g.settings["lanes"], apple.lane(**more)])
    return g.start()


def push(g, to, body, **more):
    return g.create(to, body, channel="push", title="Order A-1", **more)


def test_stand_in__is_understood_by_a_client_that_is_not_ours(apple):
    """@parse/node-apn, by lock file: its tokens, requests and sense of the answers."""
    folder = pathlib.Path(__file__).parent.parent / "provider" / "apns"
    assert (folder / "sdk" / "node_modules").is_dir(), "run script/bootstrap --test for the client"
    devices = ["%064x" % 1, DEAD[5:], "%064x" % 2, "0" * 64]
    done = subprocess.run(["node", "call_server.mjs", str(apple.port), str(apple.folder), KEY_ID, TEAM_ID, TOPIC, *devices], cwd=folder,
                          capture_output=True, text=True, timeout=60, check=True)
    said = json.loads(done.stdout)
    assert said["sent"] == [devices[0], devices[2]], said
    assert sorted(map(tuple, said["failed"])) == sorted([(devices[1], 410, "Unregistered"), (devices[3], 400, "BadDeviceToken")])
    done = subprocess.run(["node", "call_server.mjs", str(apple.port), str(apple.folder), "OTHERKEYID", TEAM_ID, TOPIC, devices[0]],
                          cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["failed"] == [[devices[0], 403, "InvalidProviderToken"]]
    assert [t["device"] for t in apple.stats()["taken"]] == said["sent"]


def test_simulator__is_understood_by_a_client_that_is_not_ours(make_gateway, tmp_path):
    """The same client against the product's own simulator, by a front that carries its HTTP/2 there."""
    folder = pathlib.Path(__file__).parent.parent / "provider" / "apns"
    sim = make_gateway.simulator()
    key = call(sim.port, "GET", "/apns/key.json").json
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "ca.pem", cwd=tmp_path)
    (tmp_path / "AuthKey.p8").write_text(key["key"])
    front = subprocess.Popen(["node", str(SERVER.with_name("h2_front.mjs")), "ca.pem", "key.pem", "127.0.0.1:%d" % sim.port, "0"], cwd=tmp_path,
                             stdout=subprocess.PIPE, text=True)
    try:
        port = json.loads(front.stdout.readline())["port"]
        devices = ["%064x" % 1, DEAD[5:], "0" * 64]
        def said(key_id):
            return json.loads(subprocess.run(
                ["node", "call_server.mjs", str(port), str(tmp_path), key_id, key["team_id"], key["topic"], *devices], cwd=folder,
                capture_output=True, text=True, timeout=60, check=True).stdout)
        good = said(key["key_id"])
        assert good["sent"] == devices[:1], good
        assert sorted(map(tuple, good["failed"])) == sorted([(devices[1], 410, "Unregistered"), (devices[2], 400, "BadDeviceToken")])
        assert {tuple(f[1:]) for f in said("OTHERKEYID")["failed"]} == {(403, "InvalidProviderToken")}
        assert [m["to"] for m in sim.messages()] == devices[:1]
    finally:
        front.kill()
        front.wait()
        front.stdout.close()


def test_many_notifications__share_one_connection_and_one_token(make_gateway, apple):
    g = start(make_gateway, apple, in_flight_max=80, in_flight_adaptive=False)
    for i in range(300):
        push(g, DEVICE % (i + 1), "news %d" % i)
    until(lambda: len(apple.stats()["taken"]) >= 300, timeout=60)
    stats = apple.stats()
    assert set(apple.texts().values()) == {1} and not stats["wrong"], stats["wrong"][:1]
    assert (stats["connections"], len(stats["tokens"])) == (1, 1)
    assert stats["most"] > 1, "one after the other"
    assert len({t["id"] for t in stats["taken"]}) == len({t["collapse"] for t in stats["taken"]}) == 300
    until(lambda: g.metrics()["provider_token_calls_total"] == 300)
    assert g.metrics()["provider_tokens_total"] == 1
    assert g.metrics()["provider_connection_reuse_ratio"] >= 0.99 and g.metrics()["provider_token_reuse_ratio"] >= 0.99


def test_notification__carries_what_was_given(make_gateway, apple):
    g = start(make_gateway, apple)
    sid = push(g, "apns:" + "AB" * 32, "您的订单已完成", priority="marketing", push={"data": {"order": "A-1"}, "collapse": "order-A-1"})
    m = g.wait(sid, "sent")
    taken = apple.stats()["taken"][0]
    assert m["to"] == "apns:" + "ab" * 32
    assert taken == {"device": "ab" * 32, "id": taken["id"], "collapse": "order-A-1", "priority": "5", "payload": {
        "order": "A-1", "aps": {"sound": "default", "alert": {"title": "Order A-1", "body": "您的订单已完成"}}}}
    assert g.attempts(sid)[0]["provider_id"] == taken["id"]


def test_dead_device__is_known_from_then_on(make_gateway, apple):
    g = start(make_gateway, apple)
    assert g.wait(push(g, DEAD, "one"), "failed")["reason"] == "invalid_number"
    assert g.wait(push(g, DEAD.replace("ab", "AB"), "two"), "suppressed")["reason"] == "known_invalid"


def test_expired_token__is_replaced_and_nothing_is_lost_or_doubled(make_gateway, apple, clock):
    g = start(make_gateway, apple, env=clock.env)
    g.wait(push(g, DEVICE % 1, "before"), "sent")
    clock.set(25 * 60)
    apple.expire()
    sids = [push(g, DEVICE % i, "after %d" % i) for i in range(1, 31)]
    for sid in sids:
        g.wait(sid, "sent", timeout=30)
    assert set(apple.texts().values()) == {1} and len(apple.texts()) == 31
    assert len(apple.stats()["tokens"]) == 2 and all(len(g.attempts(s)) == 1 for s in sids)


def test_token__is_renewed_before_its_hour_is_over(make_gateway, apple, clock):
    g = start(make_gateway, apple, env=clock.env)
    g.wait(push(g, DEVICE % 1, "first"), "sent")
    clock.set(46 * 60)
    g.wait(push(g, DEVICE % 1, "second"), "sent")
    assert len(apple.stats()["tokens"]) == 2


def test_token_refused_when_young__is_kept_and_the_lane_says_so(make_gateway, apple):
    g = start(make_gateway, apple)
    g.wait(push(g, DEVICE % 1, "before"), "sent")
    apple.expire()
    sid = push(g, DEVICE % 1, "after")
    until(lambda: "event=lane.broken" in g.log(), timeout=20)
    assert g.wait(sid, "queued")["reason"] == "credentials"
    assert len(apple.stats()["tokens"]) == 1, "Apple takes no newer one so soon"


def test_server_error__is_sent_again_only_where_that_was_asked_for(make_gateway, apple):
    g = start(make_gateway, apple)
    device = "apns:5555" + "0" * 60
    once = push(g, device, "once", validity_s=3600)
    assert g.wait(once, "unknown")["reason"] == "outcome_unknown"
    again = push(g, device, "again", delivery="at_least_once", validity_s=3600)
    until(lambda: len(g.attempts(again)) >= 2, timeout=30)
    assert len(g.attempts(once)) == 1


def test_kill__loses_and_doubles_nothing(make_gateway, apple):
    g = start(make_gateway, apple, timeout_ms=3000, connect_timeout_ms=2000)  # so that leases are short
    sids = {}
    for round_ in range(2):
        for i in range(40):
            text = "round %d text %d" % (round_, i)
            sids[text] = push(g, DEVICE % (i + 1), text)
        g.kill9()
        g.start()
    until(lambda: all(g.message(s)["status"] in ("sent", "unknown") for s in sids.values()), timeout=60)
    texts = apple.texts()
    unsure = {t for t, s in sids.items() if g.message(s)["status"] == "unknown"}
    assert all(texts[t] == 1 for t in sids if t not in unsure) and all(texts[t] <= 1 for t in unsure)


def test_doctor__tells_a_good_key_from_another(make_gateway, apple):
    g = start(make_gateway, apple)
    done = g.run("doctor", "-c", str(g.config))
    assert re.search(r"ok\s+lane apple\s+apns, \d+ ms", done.stdout.decode()), done.stdout
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "AuthKey.p8", cwd=apple.folder)
    done = g.run("doctor", "-c", str(g.config))
    assert b"APNs refuses the key (InvalidProviderToken)" in done.stdout, done.stdout
