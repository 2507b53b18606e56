"""A message that tries one channel after the other: what leads on, what ends it, and that nobody gets it twice for one channel."""
import time

import pytest

from harness.gateway import until

INVALID, OPTED_OUT, UNDELIVERED, SILENT = "+15005550001", "+15005550004", "+15005550105", "+15005550106"


@pytest.fixture
def g(make_gateway, mail):
    g = make_gateway.gateway()
    g.write(lanes=[*g.settings["lanes"], mail_lane(mail)])
    return g.start()


def mail_lane(server, **more):
    return {"name": "mail", "provider": "smtp", "from": "Shop <noreply@example.com>", "host": "127.0.0.1", "port": str(server.port),
            "tls": "off", "allow_private": True, **more}


def plan(first="sms", **first_more):
    return [{"channel": first, **first_more}, {"channel": "email", "to": "li@example.com", "title": "Your order"}]


@pytest.mark.parametrize("number,reason", [(INVALID, "invalid_number"), (UNDELIVERED, "invalid_number")])
def test_failure__leads_to_the_next_channel(g, mail, number, reason):
    sid = g.create(number, "Order 1 is ready", channels=plan())
    m = g.wait(sid, "sent")
    until(lambda: g.message(sid)["on_channel"] == "email" and mail.taken)
    m = g.wait(sid, "sent")
    assert m["plan"] == ["email"] and m["channel"] == "sms" and m["provider"] == "mail"
    assert [t.text() for t in mail.taken] == ["Order 1 is ready"] and str(mail.taken[0].message["Subject"]) == "Your order"
    assert reason in [e["reason"] for e in g.events(sid)]


def test_delivery__ends_the_plan(g, mail):
    begun = time.monotonic()
    sid = g.create("+14155550123", "Order 2", channels=plan(wait_s=8))
    m = g.wait(sid, "delivered")
    assert m["on_channel"] == "sms" and not mail.taken
    time.sleep(max(0, begun + 9 - time.monotonic()))
    g.wait(g.create("ann@example.com", "after", channel="email", title="t"), "sent")
    assert [t.text() for t in mail.taken] == ["after"]


def test_silence__leads_on_after_the_wait_and_only_then(g, mail):
    begun = time.monotonic()
    sid = g.create(SILENT, "Order 3", channels=plan(wait_s=8))
    assert g.wait(sid, "sent")["on_channel"] == "sms"
    until(lambda: mail.taken)
    assert time.monotonic() - begun > 7.5
    until(lambda: g.message(sid)["provider"] == "mail" and g.message(sid)["status"] == "sent")
    moves = [(e["status"], e["reason"]) for e in g.events(sid) if not e["note"]]
    assert ("queued", "no_receipt") in moves, moves
    assert len(mail.taken) == 1


def test_text__stays_while_the_plan_has_another_channel_for_it(g):
    sid = g.create(SILENT, "Order 3", channels=plan(wait_s=600))
    g.wait(sid, "sent")
    assert g.post("/v1/messages/%s/redact" % sid, b"").status == 409
    assert g.message(sid)["body"] == "Order 3"


def test_opt_out__leads_nowhere(g, mail):
    sid = g.create(OPTED_OUT, "Order 4", channels=plan())
    assert g.wait(sid, "failed", "suppressed")["reason"] == "opted_out"
    assert not mail.taken


def test_no_lane__is_skipped(g, mail):
    g.wait(g.create("+14155550123", "x", channels=["push", "sms"]), "delivered")
    a = g.post("/v1/messages", {"to": "+14155550123", "body": "x", "channels": ["push"]})
    assert a.status == 422 and a.json["field"].startswith("channel"), a


@pytest.mark.parametrize("channels,field", [
    ([], "channels"), ("sms", "channels"), (["fax"], "channels[0].channel"), ([{"to": "+1"}], "channels[0].channel"),
    (["sms", {"channel": "email"}], "channels[1].to"), (["sms", {"channel": "email", "to": "no"}], "channels[1].to"),
    (["sms", {"channel": "email", "to": "a@b.example", "title": "a\nb"}], "channels[1].title"),
    (["sms", {"channel": "email", "to": "a@b.example"}], "channels[1].title"),
    ([{"channel": "sms", "wait_s": 0}], "channels[0].wait_s"), ([{"channel": "sms", "colour": 1}], "channels[0].colour"),
    (["sms"] * 7, "channels")])
def test_bad_plans__are_told_by_field(g, channels, field):
    a = g.post("/v1/messages", {"to": "+14155550123", "body": "x", "channels": channels})
    assert a.status in (400, 422) and a.json["field"] == field, a


def test_kill__the_plan_goes_on_where_it_was(g, mail):
    ids = [g.create(SILENT, "Order 5.%d" % i, channels=plan(wait_s=3)) for i in range(20)]
    for sid in ids:
        g.wait(sid, "sent")
    g.kill9()
    g.start()
    until(lambda: len(mail.taken) >= len(ids), timeout=30)
    for sid in ids:
        until(lambda: g.message(sid)["provider"] == "mail" and g.message(sid)["status"] == "sent")
    assert sorted(t.text() for t in mail.taken) == sorted("Order 5.%d" % i for i in range(20))
    assert all(n == 1 for body, n in g.sim.times().items() if body.startswith("Order 5."))


def test_plan__goes_without_a_channel_that_no_lane_is_for_while_it_has_another(make_gateway):
    g = make_gateway()
    a = g.post("/v1/messages", {"to": "+14155550123", "body": "hello", "channels": [{"channel": "push", "to": "fcm:some-device"}, "sms"]})
    assert (a.status, a.json["channel"]) == (202, "sms"), a
    m = g.wait(a.json["id"], "delivered")
    assert (m["plan"], m["on_channel"], m["to"]) == (None, "sms", "+14155550123"), m
    a = g.post("/v1/messages", {"to": "+14155550123", "body": "hello", "channels": [{"channel": "push", "to": "fcm:some-device"}]})
    assert a.status == 422 and "no lane is for push" in a.json["detail"], a
