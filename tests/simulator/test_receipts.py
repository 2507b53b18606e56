"""Status callbacks and replies: signed, in order, as often as told."""
import threading

import pytest
from twilio.request_validator import RequestValidator

from conftest import SENDER, SID, TOKEN

VALIDATOR = RequestValidator(TOKEN)


def signed(post):
    return VALIDATOR.validate(post["url"], post["params"], post["headers"].get("X-Twilio-Signature", ""))


def statuses(posts):
    return [p["params"]["MessageStatus"] for p in posts]


def test_receipts__sent_then_delivered_and_signed(sdk, sim, receiver):
    url = receiver.url + "/hooks/status?token=a%20b&x=1"
    m = sdk.messages.create(to="+15558675310", from_=SENDER, body="hello", status_callback=url)
    posts = receiver.take(2)
    assert statuses(posts) == ["sent", "delivered"] and all(signed(p) for p in posts)
    last = posts[1]
    assert last["url"] == url
    assert {k: last["params"][k] for k in ("MessageSid", "SmsSid", "SmsStatus", "To", "From", "AccountSid", "ApiVersion")} == {
        "MessageSid": m.sid, "SmsSid": m.sid, "SmsStatus": "delivered", "To": "+15558675310", "From": SENDER,
        "AccountSid": SID, "ApiVersion": "2010-04-01"}
    assert len(last["params"]["RawDlrDoneDate"]) == 10 and "ErrorCode" not in last["params"]
    stats = sim.until(lambda s: s["receipts_pending"] == 0)
    assert stats["receipts_sent"] == stats["receipts_ok"] == 2


def test_receipts__the_fragment_is_neither_sent_nor_signed(sim, receiver):
    sim.create(StatusCallback=receiver.url + "/s#rc=2")
    post = receiver.take(1)[0]
    assert post["path"] == "/s" and signed(post)


def test_receipts__carry_the_service(sim, receiver):
    service = "MG" + "a" * 32
    sim.create(From=None, MessagingServiceSid=service, StatusCallback=receiver.url)
    post = receiver.take(1)[0]
    assert post["params"]["MessagingServiceSid"] == service and signed(post)


@pytest.mark.parametrize("share, status, code, expected", [
    ({"undelivered": 1}, "undelivered", 30005, ["sent", "undelivered"]),
    ({"undelivered": 1, "undelivered_code": 30003}, "undelivered", 30003, ["sent", "undelivered"]),
    ({"failed": 1}, "failed", 30008, ["failed"]),
    ({"delivered": 0, "failed": 1, "failed_code": 30007}, "failed", 30007, ["failed"]),
])
def test_receipts__end_badly_as_told(sim, receiver, share, status, code, expected):
    sim.profile(receipts=share)
    sid = sim.create(StatusCallback=receiver.url).json()["sid"]
    posts = receiver.take(len(expected))
    assert statuses(posts) == expected and posts[-1]["params"]["ErrorCode"] == str(code)
    m = sim.api("%s/Messages/%s.json" % (SID, sid)).json()
    assert m["status"] == status and m["error_code"] == code


def test_receipts__without_sent(sim, receiver):
    sim.profile(receipts={"sent": False})
    sim.create(StatusCallback=receiver.url)
    assert statuses(receiver.take(1)) == ["delivered"]
    assert sim.until(lambda s: s["receipts_pending"] == 0)["receipts_sent"] == 1


def test_receipts__a_refusal_is_not_repeated(sim, receiver):
    receiver.status = 500
    sim.create(StatusCallback=receiver.url)
    stats = sim.until(lambda s: s["receipts_pending"] == 0)
    assert (stats["receipts_sent"], stats["receipts_failed"], stats["receipts_ok"]) == (2, 2, 0)


def test_receipts__a_failed_connection_is_tried_once_more(sim, receiver):
    receiver.hang_ups = 1
    sim.create(StatusCallback=receiver.url)
    posts = receiver.take(3)
    assert statuses(posts) == ["sent", "sent", "delivered"]
    assert posts[0]["headers"]["I-Twilio-Idempotency-Token"] == posts[1]["headers"]["I-Twilio-Idempotency-Token"]
    stats = sim.until(lambda s: s["receipts_pending"] == 0)
    assert (stats["receipts_ok"], stats["receipts_failed"], stats["receipts_retried"]) == (2, 0, 1)


def test_receipts__nobody_there_is_given_up(sim, receiver):
    url = receiver.url
    receiver.close()
    sim.create(StatusCallback=url)
    stats = sim.until(lambda s: s["receipts_pending"] == 0)
    assert (stats["receipts_ok"], stats["receipts_failed"], stats["receipts_retried"]) == (0, 2, 2)
    receiver.server.server_close()


def test_receipts__delays_are_kept(sim, receiver):
    sim.profile(receipts={"delay_ms": {"min": 150, "max": 200}})
    sid = sim.create(StatusCallback=receiver.url).json()["sid"]
    assert sim.api("%s/Messages/%s.json" % (SID, sid)).json()["status"] == "queued"
    assert sim.stats()["receipts_pending"] == 1
    assert statuses(receiver.take(2)) == ["sent", "delivered"]


def test_receipts__many_at_once_all_arrive(sim, receiver):
    sim.profile(receipts={"delay_ms": {"min": 0, "max": 50}})
    for i in range(400):
        assert sim.create(Body="n%d" % i, StatusCallback=receiver.url).status_code == 201
    posts = receiver.take(800, timeout=10)
    by_sid = {}
    for p in posts:
        assert signed(p)
        by_sid.setdefault(p["params"]["MessageSid"], []).append(p["params"]["MessageStatus"])
    assert len(by_sid) == 400 and all(s == ["sent", "delivered"] for s in by_sid.values())


def test_reply__is_posted_signed_and_answered(sim, receiver):
    receiver.status = 200
    receiver.body = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
    sim.profile(inbound_url=receiver.url + "/hooks/inbound?a=1")
    r = sim.post("/_sim/reply", {"from": "+15558675310", "to": SENDER, "body": "STOP 停 &+="})
    assert r.status_code == 200
    assert r.json()["http_status"] == 200 and r.json()["answer"] == receiver.body.decode()
    post = receiver.take(1)[0]
    assert signed(post) and post["params"]["Body"] == "STOP 停 &+=" and post["params"]["SmsStatus"] == "received"
    assert post["params"]["MessageSid"] == r.json()["message_sid"]
    assert sim.stats()["replies_ok"] == 1


def test_reply__without_an_address_is_a_conflict(sim):
    assert sim.post("/_sim/reply", {"from": "+15558675310", "to": SENDER, "body": "hi"}).status_code == 409


@pytest.mark.parametrize("body", [{}, [], None, {"from": "+1", "to": "+2"}, {"from": 1, "to": "+2", "body": "x"}])
def test_reply__malformed_is_refused(sim, body):
    assert sim.post("/_sim/reply", body).status_code == 400


def test_open_house__signs_with_the_password_given(start, receiver):
    sim = start()
    sim.create(auth=(SID, "another password"), StatusCallback=receiver.url)
    post = receiver.take(1)[0]
    assert RequestValidator("another password").validate(post["url"], post["params"],
                                                         post["headers"]["X-Twilio-Signature"])


def test_end__with_receipts_on_the_wire_and_requests_held_is_clean(start, receiver):
    receiver.gate = threading.Event()
    sim = start("--inbound-url", receiver.url)
    sim.create(StatusCallback=receiver.url)
    threading.Thread(target=lambda: pytest.raises(Exception, sim.create, To="+15005550102")).start()
    sim.until(lambda s: s["in_flight"] == 1 and s["held"] == 1)
    assert sim.end() == 0
    receiver.gate.set()
