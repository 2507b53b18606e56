"""Push by Firebase and Apple: a plan that ends on the phone's screen, tokens that end, devices that are gone, a kill."""
import collections
import json
import pathlib
import re
import subprocess
import threading

import pytest

from harness.gateway import call, until

SILENT, INVALID = "+15005550106", "+15005550001"
DEVICE = "fcm:dGVzdA-device-%04d:APA91bHPRgkF3JUikC4ENAHEeMrd41Zxv3hVZjC9KtT8OvPVGJ"
DEAD = "fcm:unregistered-0001:APA91bHPRgkF3JUikC4ENAHEeMrd41Zxv3hVZjC9KtT8OvPVGJ"


def fcm_lane(g, **more):
    account = g.folder / "account.json"
    account.write_text(json.dumps(call(g.sim.port, "GET", "/fcm/service-account.json").json, indent=2))  # as Google writes it
    return {"name": "android", "provider": "fcm", "service_account_file": str(account), "base_url": g.sim.url, "allow_private": True,
            **more}


def apns_lane(g, **more):
    key = call(g.sim.port, "GET", "/apns/key.json").json
    (g.folder / "AuthKey.p8").write_text(key["key"])
    return {"name": "apple", "provider": "apns", "key_file": str(g.folder / "AuthKey.p8"), "key_id": key["key_id"], "team_id": key["team_id"],
            "topic": key["topic"], "base_url": g.sim.url, "allow_private": True, **more}


@pytest.fixture
def g(make_gateway):
    g = make_gateway.gateway()
    g.folder.mkdir(exist_ok=True)
    g.write(lanes=[*g.settings["lanes"], fcm_lane(g)])
    return g.start()


def push(g, to, body, **more):
    return g.create(to, body, channel="push", title="Order A-1", **more)


def tokens(g):
    """How many access tokens were had, and how many calls they served."""
    seen = g.metrics()
    return seen["provider_tokens_total"], seen["provider_token_calls_total"]


def test_plan__falls_through_text_and_mail_to_the_phones_screen(make_gateway, g):
    g.write(lanes=[*g.settings["lanes"], {"name": "mail", "provider": "smtp", "from": "Shop <noreply@example.com>", "host": "127.0.0.1",
                                          "port": "1", "tls": "off", "allow_private": True}])
    g.term()
    g.start()
    sid = g.create(INVALID, "Order 7 is ready", title="Your order",
                   channels=["sms", {"channel": "email", "to": "li@example.com"}, {"channel": "push", "to": DEVICE % 1,
                             "push": {"data": {"order": "7"}, "collapse": "order-7"}}])
    until(lambda: g.message(sid)["on_channel"] == "push" and g.message(sid)["status"] == "sent", timeout=60)
    seen = g.sim.of("Order 7 is ready")
    assert [(m["provider"], m["to"]) for m in seen] == [("fcm", (DEVICE % 1)[4:])], seen
    message = seen[0]["extra"]["message"]
    assert message["notification"] == {"title": "Your order", "body": "Order 7 is ready"} and message["data"] == {"order": "7"}
    assert message["android"]["collapse_key"] == message["android"]["notification"]["tag"] == "order-7"
    assert message["android"]["priority"] == "high" and re.fullmatch(r"\d+s", message["android"]["ttl"])
    reasons = [e["reason"] for e in g.events(sid)]
    assert "invalid_number" in reasons, reasons


def test_one_token__serves_a_thousand_messages(g):
    def some(first):
        for i in range(first, first + 250):
            push(g, DEVICE % i, "news %d" % i)
    threads = [threading.Thread(target=some, args=(n * 250,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    until(lambda: g.sim.stats()["received"] >= 1000, timeout=90)
    assert collections.Counter(g.sim.times().values()) == {1: 1000}
    assert tokens(g) == (1, 1000)


@pytest.fixture
def h2(make_gateway, tmp_path):
    """A gateway whose messages go to the simulator through a front that speaks HTTP/2; and what that saw."""
    g = make_gateway.gateway()
    g.folder.mkdir(exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "ca.pem"], cwd=tmp_path,
                   check=True, capture_output=True)
    front = subprocess.Popen(["node", str(pathlib.Path(__file__).parent / "harness" / "h2_front.mjs"), "ca.pem", "key.pem",
                              "127.0.0.1:%d" % g.sim.port, "20"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    said = json.loads(front.stdout.readline())
    g.write(lanes=[fcm_lane(g, base_url="https://localhost:%d" % said["port"], ca_file=str(tmp_path / "ca.pem"), in_flight_max=80,
                            in_flight_adaptive=False, timeout_ms=20000, connect_timeout_ms=10000)])
    g.start()
    yield g, lambda: call(said["control"], "GET", "/").json
    front.kill()
    front.wait()
    front.stdout.close()


def test_messages__share_one_connection_of_http_2_and_one_token(h2):
    g, seen = h2
    sids = [push(g, DEVICE % i, "news %d" % i) for i in range(200)]
    for sid in sids:
        g.wait(sid, "sent", timeout=60)
    assert seen()["connections"] == 1 and seen()["streams"] == 200 and seen()["most"] > 1, seen()
    assert set(g.sim.times().values()) == {1}
    ratios = g.metrics()
    assert ratios["provider_connection_reuse_ratio"] >= 0.98 and ratios["provider_token_reuse_ratio"] >= 0.99, ratios


def test_token_that_is_refused__is_renewed_once_and_nothing_is_lost(g):
    g.wait(push(g, DEVICE % 1, "before"), "sent")
    assert call(g.sim.port, "POST", "/push/revoke", b"").json == {"given": 1}
    sids = [push(g, DEVICE % i, "after %d" % i) for i in range(40)]
    for sid in sids:
        g.wait(sid, "sent", timeout=30)
    assert tokens(g)[0] == 2
    assert collections.Counter(g.sim.times().values()) == {1: 41}
    assert all(len(g.attempts(sid)) == 1 for sid in sids)


def test_dead_token__is_known_from_then_on(g):
    first = g.wait(push(g, DEAD, "one"), "failed")
    assert first["reason"] == "invalid_number"
    second = g.wait(push(g, DEAD, "two"), "suppressed")
    assert second["reason"] == "known_invalid"
    rows = g.get("/v1/suppressions").json["data"]
    assert [(r["number"], r["kind"]) for r in rows] == [(DEAD, "invalid")], rows


def test_device_of_another_project__is_not_taken_for_dead(g):
    other = "fcm:other-sender-1:APA91bHPRgkF3JUikC4ENAHEeMrd41"
    assert g.wait(push(g, other, "one"), "failed")["reason"] == "sender_rejected"
    assert g.wait(push(g, other, "two"), "failed")["reason"] == "sender_rejected"


def test_wrong_account__breaks_the_lane_and_keeps_the_message(g, make_gateway):
    g.kill9()
    g.sim.stop()
    g.sim.start()  # another key: the service account is not known any more
    g.start()
    sid = push(g, DEVICE % 1, "kept")
    until(lambda: "lane.no_grant" in g.log(), timeout=20)
    g.wait(sid, "queued")
    assert "PRIVATE KEY" not in g.log()


def test_request_that_cannot_be_sent__is_refused_with_its_field(g):
    for more, field in [
            ({"to": "fcm:"}, "to"), ({"to": "apns:xyz"}, "to"), ({"push": {"data": {"a": 1}}}, "push"),
            ({"push": {"data": {"from": "a"}}}, "push"), ({"push": {"collapse": "a b"}}, "push"), ({"push": {"colour": "red"}}, "push"),
            ({"body": "x" * 3900}, "body"), ({"push": {"data": {"a": "x" * 3900}}}, "body")]:
        a = g.post("/v1/messages", {"channel": "push", "to": DEVICE % 1, "title": "t", "body": "b", **more})
        assert a.status in (400, 413) and a.json["field"] == field, a


def test_device_of_another_service__waits_for_nobody(g):
    m = g.wait(push(g, "apns:" + "ab" * 32, "one"), "failed", "queued")
    assert m["reason"] == "no_lane", m


def test_kill__loses_and_doubles_nothing(g):
    sids = {}
    for round_ in range(3):
        for i in range(60):
            text = "round %d text %d" % (round_, i)
            sids[text] = push(g, DEVICE % i, text)
        g.kill9()
        g.start()

    def ended():
        return all(g.message(s)["status"] in ("sent", "unknown") for s in sids.values())
    until(ended, timeout=90)
    times = g.sim.times()
    unsure = {t for t, s in sids.items() if g.message(s)["status"] == "unknown"}
    assert all(times[t] == 1 for t in sids if t not in unsure), [t for t in sids if times[t] != 1]
    assert all(times[t] <= 1 for t in unsure)


def test_doctor__asks_fcm_about_nobody(g):
    done = g.run("doctor", "-c", str(g.config))
    assert re.search(r"ok\s+lane android\s+fcm, \d+ ms", done.stdout.decode()), done.stdout
    assert not g.sim.messages()


def contact(g, *devices):
    """A contact with these devices; the last is the one seen last."""
    made = call(g.port, "PUT", "/v1/contacts/li", json.dumps({"numbers": ["+14155550123"]}),
                {**g.bearer, "Content-Type": "application/json"})
    assert made.status in (200, 201), made
    for device in devices:
        platform, token = device.split(":", 1)
        assert g.post("/v1/contacts/li/devices", {"platform": platform, "token": token}).status < 300


def devices(g):
    return ["%s:%s" % (d["platform"], d["token"]) for d in g.get("/v1/contacts/li").json["devices"]]


def test_contact__is_reached_on_the_next_device_when_one_is_gone(g):
    contact(g, DEVICE % 1, DEAD)
    a = g.post("/v1/messages", {"contact": "li", "channel": "push", "title": "t", "body": "one"})
    assert a.status == 202, a
    until(lambda: g.sim.of("one"), timeout=20)
    assert [m["to"] for m in g.sim.of("one")] == [(DEVICE % 1)[4:]]
    g.wait(a.json["id"], "sent")
    assert devices(g) == [DEVICE % 1], "the dead one is forgotten"
    second = g.post("/v1/messages", {"contact": "li", "channel": "push", "title": "t", "body": "two"}).json["id"]
    assert len(g.attempts(g.wait(second, "sent")["id"])) == 1


def test_device_that_shows_itself_again__is_written_to_again(g):
    contact(g, DEAD)
    assert g.wait(g.create(None, "one", contact="li", channel="push"), "failed")["reason"] == "invalid_number"
    assert devices(g) == []
    contact(g, DEAD)
    assert g.get("/v1/suppressions").json["data"] == []
    assert g.wait(g.create(None, "two", contact="li", channel="push"), "failed")["reason"] == "invalid_number"


@pytest.fixture
def apple(make_gateway):
    """A gateway whose notifications go to the simulator's APNs, in clear text."""
    g = make_gateway.gateway()
    g.folder.mkdir(exist_ok=True)
    g.write(lanes=[apns_lane(g)])
    return g.start()


def test_simulated_apns__takes_a_notification_with_all_that_was_said(apple):
    sid = push(apple, "apns:" + "AB" * 32, "您的订单已完成", priority="marketing", push={"data": {"order": "A-1"}, "collapse": "order-A-1"})
    apple.wait(sid, "sent")
    m, = apple.sim.of("您的订单已完成")
    assert (m["provider"], m["to"], m["times"]) == ("apns", "ab" * 32, 1)
    assert m["extra"]["payload"] == {"order": "A-1", "aps": {"sound": "default", "alert": {"title": "Order A-1", "body": "您的订单已完成"}}}
    assert (m["extra"]["apns-priority"], m["extra"]["apns-collapse-id"]) == ("5", "order-A-1")
    assert apple.attempts(sid)[0]["provider_id"] == m["reference"], "the apns-id of the answer"
    done = apple.run("doctor", "-c", str(apple.config))
    assert re.search(r"ok\s+lane apple\s+apns, \d+ ms", done.stdout.decode()), done.stdout


def test_simulated_apns__a_device_is_forgotten_unless_it_was_seen_since(apple):
    alive, gone, bad = ("apns:" + word.ljust(64, "0") for word in ("decade", "dead", "bad"))
    contact(apple, alive, gone, bad)  # the service knows the first to be gone for ten years, longer than its app is installed
    sid = apple.wait(apple.create(None, "one", contact="li", channel="push"), "failed")["id"]
    assert len(apple.attempts(sid)) == 3 and devices(apple) == [alive]
    assert [(r["number"], r["kind"]) for r in apple.get("/v1/suppressions").json["data"]] in (
        [(gone, "invalid"), (bad, "invalid")], [(bad, "invalid"), (gone, "invalid")])
    assert apple.wait(push(apple, gone, "two"), "suppressed")["reason"] == "known_invalid"


def test_simulated_apns__lost_answers_send_nothing_twice(apple):
    apple.sim.profile({"lost_answers": 1})
    sids = [push(apple, "apns:%064x" % (i + 1), "lost %d" % i) for i in range(5)]
    for sid in sids:
        assert apple.wait(sid, "unknown")["reason"] == "outcome_unknown"
    assert set(apple.sim.times().values()) == {1} and len(apple.sim.times()) == 5
