"""A lane of AWS from end to end: the real gateway against the simulated services (which the vendor's own SDK proved in
tests/simulator/test_aws.py), and posts as Firehose makes them."""
import base64
import json

import pytest

from harness.gateway import after, call, unique, until

ID, SECRET, EVENTS = "AKIABLACKBOX", "secret+/of the tests", "firehose-key-0123456789"


@pytest.fixture
def start(make_gateway):
    def begin(profile=None, run=True, secret=SECRET, **lane):
        g = make_gateway.gateway(env={"AWS_SECRET": secret, "AWS_EVENTS": EVENTS})
        g.write(lanes=[{"name": "aws", "provider": "aws", "region": "eu-west-1", "access_key_id": ID, "configuration_set": "gateway",
                        "secret_access_key": "${AWS_SECRET}", "callback_token": "${AWS_EVENTS}", "from": "+15017250604",
                        "base_url": g.sim.url, "allow_private": True, **lane}])
        hooks = g.url + "/hooks/aws/%s?k=" + EVENTS
        own = {"account": ID, "secret": SECRET, "receipt_url": hooks % "status", "inbound_url": hooks % "inbound"}
        g.sim.profile({"providers": {"aws": own, "aws-sns": {"account": ID, "secret": SECRET}}, **(profile or {})})
        return g.start() if run else g
    return begin


def firehose(g, path, *events, key=EVENTS):
    body = {"requestId": "ed4acda5", "timestamp": 1767323045000,
            "records": [{"data": base64.b64encode(json.dumps(e).encode()).decode()} for e in events]}
    return call(g.port, "POST", "/hooks/aws/" + path, json.dumps(body),
                {"Content-Type": "application/json", "X-Amz-Firehose-Access-Key": key})


def test_text__is_signed_sent_and_delivered_by_its_event(start):
    g = start()
    body = "Hello 世界 & \"x\" + ~* 👋"
    m = g.wait(g.create(body=body), "delivered")
    seen, = g.sim.messages()
    assert (seen["provider"], seen["body"], seen["from"]) == ("aws", body, "+15017250604") and len(m["provider_id"]) == 36
    assert seen["extra"]["ConfigurationSetName"] == "gateway"


@pytest.mark.parametrize("kind, path", [("container", "/v2/credentials/a-task"), ("instance", ""), ("web-identity", "")])
def test_text__goes_with_credentials_that_aws_lends(make_gateway, tmp_path, kind, path):
    (tmp_path / "token").write_text("e30.e30.c2ln\n")
    web = {"role": "arn:aws:iam::123456789012:role/gateway", "credentials_token_file": str(tmp_path / "token")}
    g = make_gateway.gateway()
    g.write(lanes=[{"name": name, "provider": "aws", "region": "eu-west-1", "credentials": kind, "credentials_url": g.sim.url + path,
                    "from": "+15017250604", "base_url": g.sim.url, "allow_private": True, **more, **(web if kind == "web-identity" else {})}
                   for name, more in (("texts", {"api": "sms-voice"}), ("topics", {"api": "sns", "channel": "sms"}))])
    g.start()
    sids = [g.create("+1415555%04d" % i, "lent %d" % i) for i in range(20)]
    for sid in sids:
        g.wait(sid, "sent", "delivered")
    assert set(g.sim.times().values()) == {1} and g.sim.stats()["auth_failures"] == 0
    assert g.metrics()["provider_tokens_total"] <= 2


def test_events__forged_ones_are_refused_and_doubles_collapse(start):
    g = start({"receipts": {"forged": 1, "unsigned": 1, "duplicate": 1}})
    g.wait(g.create(), "delivered")
    until(lambda: g.sim.stats()["receipts_ok"] == 4)
    stats = until(lambda: (s := g.sim.stats())["receipts_sent"] == 4 and s)
    assert (stats["forged_sent"], stats["forged_accepted"]) == (2, 0)


def test_events__say_what_became_of_a_text(start):
    g = start({"receipts": {"undelivered": 1, "undelivered_code": 30004, "out_of_order": 0.5}})
    assert g.wait(g.create(), "undelivered")["reason"] == "blocked"
    g.sim.profile({"receipts": {"undelivered": 0, "failed": 1, "failed_code": "TEXT_INVALID_MESSAGE"}})
    assert g.wait(g.create(), "failed")["reason"] == "content_rejected"


def test_call__speaks_and_is_completed(start):
    g = start(voice_id="JOANNA")
    g.wait(g.create(body="your code is 1234", channel="voice"), "delivered")
    assert g.sim.messages()[0]["extra"]["VoiceId"] == "JOANNA"


def test_throttle__is_tried_again(start):
    g = start({"errors": [{"share": 0.5, "status": 429}]})
    texts = [unique("t%d" % i) for i in range(20)]
    for sid in [g.create(body=t) for t in texts]:
        g.wait(sid, "delivered", timeout=60)
    assert g.sim.times() == dict.fromkeys(texts, 1)


def test_lost_answers__are_settled_by_events_and_never_sent_again(start):
    g = start({"lost_answers": 0.3, "half_answers": 0.2, "latency_ms": 20})
    texts = [unique("l%d" % i) for i in range(40)]
    for sid in [g.create(body=t) for t in texts]:
        g.wait(sid, "delivered", timeout=60)
    assert g.sim.times() == dict.fromkeys(texts, 1)


def test_garbage__is_refused_and_moves_nothing(start):
    g = start({"receipts": {"none": 1}})
    sid = g.create()
    g.wait(sid, "sent")
    headers = {"X-Amz-Firehose-Access-Key": EVENTS, "Content-Type": "application/json"}
    for body in (b"", b"[]", b"{" * 5000, b'{"requestId":"1","records":[{"data":"!"}]}', b"\0\xff" * 1000):
        assert call(g.port, "POST", "/hooks/aws/status", body, headers).status in (400, 413, 422), body[:20]
    assert firehose(g, "status", {"eventType": "TEXT_DELIVERED", "messageId": "x" * 4000}, {"eventType": 7}).status == 200
    assert firehose(g, "status", {"eventType": "TEXT_DELIVERED", "messageId": "1"}, key="firehose-key-0123456780").status == 403
    assert g.message(sid)["status"] == "sent"


def test_reply__arrives_once(start):
    g = start()
    reply = {"originationNumber": "+14155550123", "destinationNumber": "+15017250604", "messageBody": "好的 👋",
             "inboundMessageId": "in-1"}
    assert firehose(g, "inbound", reply).status == 200 and firehose(g, "inbound", reply).status == 200
    said = call(g.sim.port, "POST", "/_sim/reply", json.dumps({"provider": "aws", "from": "+14155550123", "to": "+15017250604", "body": "two"}))
    assert said.json["http_status"] == 200
    received = until(lambda: (m := [m for m in g.all() if m["direction"] == "inbound"]) and len(m) == 2 and m)
    assert sorted(m["body"] for m in received) == ["two", "好的 👋"]


def test_wrong_credentials__stop_the_lane_and_the_doctor_says_so(start):
    g = start(secret="another")
    sid = g.create()
    until(lambda: g.message(sid)["reason"] == "credentials", told="the reason is not shown")
    p = g.run("doctor", "-c", str(g.config), "--json")
    said = {row["check"]: row for row in json.loads(p.stdout)}["lane aws"]
    assert said["result"] == "failure" and "InvalidSignature" in said["detail"], said


def test_sns__publishes(start):
    g = start(api="sns", max_price="0.50", configuration_set=None, **{"from": "MyBrand"})
    sid = g.create(body="Hello 世界 & + ~*")
    g.wait(sid, "sent")
    seen, = g.sim.messages()
    assert (seen["provider"], seen["from"], seen["body"]) == ("aws-sns", "MyBrand", "Hello 世界 & + ~*")
    assert seen["extra"] == {"AWS.SNS.SMS.SMSType": "Transactional", "AWS.SNS.SMS.MaxPrice": "0.50", "AWS.SNS.SMS.SenderID": "MyBrand"}
    p = g.run("doctor", "-c", str(g.config), "--json")
    assert {row["check"]: row["result"] for row in json.loads(p.stdout)}["lane aws"] == "ok", p.stdout


def test_kill__nothing_is_lost_or_sent_twice(start):
    g = start({"latency_ms": 30, "receipts": {"delay_ms": 8000}})  # longer than a start, on a busy machine too
    texts = ["kill %d" % i for i in range(40)]
    then = after(2)
    sids = [g.create(to="+1415555%04d" % i, body=t, send_at=then) for i, t in enumerate(texts)]
    until(lambda: g.sim.stats()["received"] >= 5, told="nothing goes out")
    g.kill9()
    g.start()


    def over(sid, text):
        """A call that was written down and died before it was made stays unknown: nobody can be asked."""
        status = g.message(sid)["status"]
        return status in ("delivered", "sent") or (status == "unknown" and text not in g.sim.times())
    for sid, text in zip(sids, texts):  # an event that came while nobody was there is not posted for ever
        until(lambda: over(sid, text), 60, told=lambda: g.message(sid))
    times = g.sim.times()
    assert set(times.values()) == {1} and len(times) >= 5
    assert {t for sid, t in zip(sids, texts) if g.message(sid)["status"] != "unknown"} == set(times)
