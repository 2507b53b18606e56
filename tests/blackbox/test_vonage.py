"""A lane of Vonage from end to end: the real gateway against the simulated API (which Vonage's own SDK proved in
tests/simulator/test_vonage.py)."""
import json

import pytest

from harness.gateway import after, call, unique, until

KEY, SECRET, FORGED = "bb123456", "secret of the tests", "+15005550111"


@pytest.fixture
def start(make_gateway):
    def begin(profile=None, run=True, secret=SECRET, **lane):
        g = make_gateway.gateway(env={"VONAGE": secret})
        g.write(lanes=[{"name": "vonage", "provider": "vonage", "api_key": KEY, "api_secret": "${VONAGE}", "signature_secret": "${VONAGE}",
                        "from": "ExampleShop", "base_url": g.sim.url, "allow_private": True, **lane}])
        own = {"account": KEY, "secret": SECRET, "inbound_url": g.url + "/hooks/vonage/inbound"}
        g.sim.profile({"providers": {"vonage": own}, **(profile or {})})
        return g.start() if run else g
    return begin


def test_a_text_is_taken_and_its_receipt_comes_back(start):
    g = start()
    sid = g.create(body="您的验证码是 482913 & = 👋")
    g.wait(sid, "delivered")
    seen, = g.sim.messages()
    assert (seen["provider"], seen["from"], seen["body"]) == ("vonage", "ExampleShop", "您的验证码是 482913 & = 👋")
    attempt, = g.attempts(sid)
    assert attempt["provider_id"].startswith("SM")


def test_a_long_text_is_one_message_and_counts_its_parts(start):
    g = start()
    sid = g.create(body="word " * 60)
    g.wait(sid, "delivered")
    assert g.sim.stats()["received"] == 1 and g.message(sid)["segments"] == 2


def test_what_became_of_a_text_is_what_its_receipt_says(start):
    g = start({"receipts": {"undelivered": 1, "undelivered_code": 30005}})
    m = g.wait(g.create(body="x"), "undelivered")
    assert (m["reason"], m["provider_code"] if "provider_code" in m else 9) == ("invalid_number", 9)


def test_forged_doubled_and_early_receipts_move_nothing_twice(start):
    g = start({"receipts": {"duplicate": 0.5, "early": 0.3}})
    g.wait(g.create(FORGED, "x"), "delivered", timeout=30)
    assert (g.sim.stats()["forged_sent"], g.sim.stats()["forged_accepted"]) == (1, 0)
    sids = [g.create("+1415555%04d" % i, "text %d" % i) for i in range(30)]
    for sid in sids:
        g.wait(sid, "delivered", timeout=60)
        assert [e["status"] for e in g.events(sid) if not e["note"]].count("delivered") == 1
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in ("messageId=x&status=failed", "messageId=x&status=failed&sig=" + "0" * 64, "", "\0", "a" * 100000, "&=" * 50):
        assert call(g.port, "POST", "/hooks/vonage/status", body, form).status in (400, 401, 403, 413), body[:20]


def test_throttled_lost_and_refused(start):
    g = start({"errors": [{"share": 0.3, "status": 429}]})
    sids = [g.create("+1415555%04d" % i, "text %d" % i) for i in range(20)]
    for sid in sids:
        g.wait(sid, "delivered", timeout=60)
    assert set(g.sim.times().values()) == {1}
    g.sim.profile({"errors": [], "lost_answers": 1})
    g.wait(g.create(body="lost"), "delivered", timeout=30)  # its receipt settles what the answer did not say
    assert len(g.sim.of("lost")) == 1
    g.sim.profile({"lost_answers": 0})
    assert g.wait(g.create("+15005550001", "nobody"), "failed")["reason"] == "invalid_number"


def test_a_reply_arrives_once(start):
    g = start()
    said = {"provider": "vonage", "from": "+14155550123", "to": "+447700900001", "body": "Yes & = 好"}
    answer = call(g.sim.port, "POST", "/_sim/reply", json.dumps(said)).json
    assert answer["http_status"] == 200 and answer["answer"] == "ok"
    m, = [m for m in g.page()["data"] if m["direction"] == "inbound"]
    assert (m["from"], m["body"]) == ("+14155550123", "Yes & = 好")


def test_a_wrong_secret_stops_the_lane_and_the_doctor_says_so(start):
    g = start(secret="wrong")
    sid = g.create(body="x")
    until(lambda: "event=lane.broken" in g.log(), timeout=20)
    assert g.wait(sid, "queued")["reason"] == "credentials"
    assert b"Vonage refuses api_key and api_secret" in g.run("doctor", "-c", str(g.config)).stdout


def test_the_doctor_is_content_with_a_lane_that_works(start):
    g = start()
    assert b'"lane vonage","result":"ok"' in g.run("doctor", "-c", str(g.config), "--json").stdout


def test_kill__nothing_is_lost_or_sent_twice(start):
    g = start({"latency_ms": 30})
    then, texts = after(2), [unique("k%d" % i) for i in range(30)]
    sids = [g.create("+1415555%04d" % i, t, send_at=then) for i, t in enumerate(texts)]
    until(lambda: g.sim.stats()["received"] >= 3, told="nothing is sent")
    g.kill9()
    g.start()
    # What was on its way at the kill, and whose receipt came while nobody listened, stays unknown: Vonage cannot be asked.
    until(lambda: all(g.message(s)["status"] in ("delivered", "sent", "unknown") for s in sids), 60, told="not all are sent")
    times = g.sim.times()
    assert set(times.values()) == {1}
    assert all(times[t] for t, s in zip(texts, sids) if g.message(s)["status"] != "unknown")
