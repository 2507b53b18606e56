"""The way of one message, from POST to its end, and everything a provider may do to it on the way (docs/simulator.md)."""
import concurrent.futures
import datetime
import json
import time

import pytest

from harness.gateway import Made, SLOW, after, unique, until
from harness.hostile_gateway import free_port, is_problem
from harness.receiver import check_signature

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
QUICK = {"lookup_after_ms": 200}
# One that does not wait for long, for providers that say nothing: a machine that stands still for so long loses a call, too.
IMPATIENT = {**QUICK, "timeout_ms": 600 * SLOW, "connect_timeout_ms": 500 * SLOW}
QUICK_RETRY = {"first_ms": 50, "max_ms": 200, "attempts_max": 4}


@pytest.fixture
def quick(make_gateway):
    return make_gateway(lane=QUICK, retry=QUICK_RETRY)


@pytest.fixture
def silent(make_gateway):
    """With a provider that posts no receipts: only a look-up can tell."""
    return make_gateway(lane=IMPATIENT, retry=QUICK_RETRY, profile={"receipts": {"none": 1}})


@pytest.fixture(scope="module")
def shared_gateway(tmp_path_factory):
    made = Made(tmp_path_factory.mktemp("spine"))
    try:
        yield made()
        made.check()
    finally:
        made.close()


def seconds(stamp):
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


# ---- the straight way ----

def test_message__is_delivered(gateway):
    sid = gateway.create(body="hello")
    m = gateway.wait(sid, "delivered")
    assert gateway.moves(sid) == ["accepted", "sending", "sent", "delivered"]
    assert (m["attempts"], m["provider"], m["reason"], m["code"], m["waiting_for"]) == (1, "sim", None, None, None)
    assert m["created_at"] <= m["sent_at"] <= m["done_at"] <= m["updated_at"]
    (received,) = gateway.sim.messages()
    assert (received["to"], received["from"], received["body"]) == ("+14155550123", "+15005550006", "hello")
    assert received["provider_id"] == m["provider_id"]
    (attempt,) = gateway.attempts(sid)
    assert (attempt["outcome"], attempt["http_status"], attempt["provider_id"]) == ("sent", 201, m["provider_id"])


TEXTS = [
    "plain", " spaces around ", "line\nbreak\r\nand\ttab", "a=b&c=d+e%20f;#", "\"quoted\" \\back\\ </tag>",
    "您的验证码是 123456,五分钟内有效。", "👩‍👩‍👧‍👦 family, 🇨🇳 flag", "café vs cafe\u0301", "\u200bzero\u200dwidth\ufeff",
    "العربية עברית", "€[]{}|^~\\", "\U0010ffff", "x\x7f", "x" * 1600, "好" * 1600,
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_text__arrives_byte_for_byte(shared_gateway, text):
    g = shared_gateway
    sid = g.create(body=text)
    assert g.wait(sid, "delivered")["body"] == text
    m = next(m for m in g.sim.messages() if m["provider_id"] == g.message(sid)["provider_id"])
    assert m["body"].encode() == text.encode()
    assert m["segments"] == g.message(sid)["segments"]  # I11: what we counted is what the provider counts


@pytest.mark.parametrize("text, encoding, segments", [
    ("x" * 160, "gsm7", 1), ("x" * 161, "gsm7", 2), ("x" * 306, "gsm7", 2), ("x" * 307, "gsm7", 3), ("€" * 80, "gsm7", 1),
    ("€" * 81, "gsm7", 2), ("好" * 70, "ucs2", 1), ("好" * 71, "ucs2", 2), ("好" * 134, "ucs2", 2),
    ("好" * 135, "ucs2", 3), ("😀" * 35, "ucs2", 1), ("😀" * 36, "ucs2", 2)])
def test_segments__are_counted(shared_gateway, text, encoding, segments):
    a = shared_gateway.send(body=text)
    assert (a.status, a.json["encoding"].lower().replace("-", ""), a.json["segments"]) == (202, encoding, segments)


def test_traceparent__goes_to_the_provider_and_the_callback(gateway, receiver):
    sid = gateway.create(status_callback=receiver.url, headers={"traceparent": TRACE})
    post = receiver.wait("delivered")
    assert post.headers["traceparent"].split("-")[1] == TRACE.split("-")[1]
    assert gateway.sim.messages()[0]["traceparent"].split("-")[1] == TRACE.split("-")[1]
    assert gateway.message(sid)["traceparent"] == TRACE


# ---- status callbacks ----

def test_callback__is_signed_as_standard_webhooks(gateway, receiver):
    sid = gateway.create(status_callback=receiver.url, metadata={"order": 7, "名": "值"})
    receiver.wait("sent")
    receiver.wait("delivered")
    for post in receiver.posts:
        check_signature(post, gateway.auth_token)
        assert post.headers["content-type"] == "application/json"
        assert post.json["type"] == "message." + post.status and seconds(post.json["timestamp"])
        assert post.json["data"]["id"] == sid and post.json["data"]["metadata"] == {"order": 7, "名": "值"}
    assert len({p.headers["webhook-id"] for p in receiver.posts}) == len(receiver.posts) == 2
    numbers = {e["number"]: e["status"] for e in gateway.events(sid)}
    assert all(numbers[p.json["data"]["event"]] == p.status for p in receiver.posts)


def test_callback__is_repeated_with_the_same_id_until_taken(make_gateway, receiver):
    g = make_gateway(retry=QUICK_RETRY, profile={"receipts": {"none": 1}})
    receiver.answers = [500, 503]
    g.create(status_callback=receiver.url)
    until(lambda: len(receiver.posts) == 3)
    assert len({p.headers["webhook-id"] for p in receiver.posts}) == 1
    for post in receiver.posts:
        check_signature(post, g.auth_token)
    until(lambda: g.metrics()["callback_delivered_total"] == 1)


def test_callback__tells_when_it_happened_not_when_it_is_told(make_gateway, receiver):
    """Standard Webhooks, payload: `timestamp` is when the event occurred. Repeats are the same post."""
    g = make_gateway(retry=QUICK_RETRY, profile={"receipts": {"none": 1}})
    receiver.answers = [500]
    sid = g.create(status_callback=receiver.url)
    until(lambda: len(receiver.posts) == 2)
    happened = next(e["at"] for e in g.events(sid) if e["status"] == "sent")
    assert [p.json["timestamp"] for p in receiver.posts] == [happened, happened]


def test_callback__survives_a_kill(make_gateway, receiver):
    g = make_gateway(retry=QUICK_RETRY)
    receiver.answer = 500
    sid = g.create(status_callback=receiver.url)
    receiver.wait("delivered")
    g.kill9()
    seen = len(receiver.posts)
    receiver.answer = 204
    g.start()
    until(lambda: {"sent", "delivered"} <= {p.status for p in receiver.posts[seen:]}, 30,
          told="what is owed is forgotten")
    assert {p.json["data"]["id"] for p in receiver.posts} == {sid}


# ---- when ----

def test_send_at__not_before(gateway):
    at = after(3)
    sid = gateway.create(send_at=at)
    m = gateway.message(sid)
    assert (m["status"], m["waiting_for"], m["reason"]) == ("scheduled", "send_at", "scheduled")
    assert gateway.sim.stats()["received"] == 0
    m = gateway.wait(sid, "delivered")
    (attempt,) = gateway.attempts(sid)
    assert 0 <= seconds(attempt["started_at"]) - seconds(at) < 15
    assert gateway.sim.messages()[0]["first_at"] and gateway.moves(sid)[:2] == ["accepted", "scheduled"]


def test_send_at__over_a_kill(gateway):
    sid = gateway.create(send_at=after(3))
    gateway.kill9()
    gateway.start()
    gateway.wait(sid, "delivered")
    assert gateway.sim.stats()["received"] == 1


def test_send_at__validity_counts_from_then(gateway):
    at = after(3)
    sid = gateway.create(send_at=at, validity_s=20)
    assert abs(seconds(gateway.message(sid)["expires_at"]) - seconds(at) - 20) < 0.01
    gateway.wait(sid, "delivered")


def test_cancel__a_scheduled_message_is_never_sent(gateway, receiver):
    sid = gateway.create(send_at=after(6), status_callback=receiver.url)
    other = gateway.create(send_at=after(7))
    a = gateway.cancel(sid)
    assert (a.status, a.json["status"], a.json["reason"]) == (200, "canceled", "canceled")
    assert gateway.cancel(sid).status == 200  # again: nothing changes
    gateway.wait(other, "delivered")          # its time was later
    assert [m["provider_id"] for m in gateway.sim.messages()] == [gateway.message(other)["provider_id"]]
    assert gateway.moves(sid) == ["accepted", "scheduled", "canceled"]
    receiver.wait("canceled")


def test_cancel__is_too_late_once_sent(gateway):
    sid = gateway.create()
    gateway.wait(sid, "delivered")
    p = is_problem(gateway.cancel(sid), 409)
    assert p["type"] == "/problems/too-late" and "delivered" in p["detail"]


def test_cancel__at_the_very_moment_it_is_due(gateway):
    """Whoever wins, both sides say the same: canceled and never sent, or too late and delivered."""
    at = after(8)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        sids = list(pool.map(lambda i: gateway.create(send_at=at, body="race %d" % i), range(150)))
    until(lambda: time.time() > seconds(at) - 0.15, step=0.005)
    answers = {sid: gateway.cancel(sid).status for sid in sids}
    assert set(answers.values()) <= {200, 409}
    for sid, status in answers.items():
        gateway.wait(sid, "canceled" if status == 200 else "delivered")
    received = {m["provider_id"] for m in gateway.sim.messages(limit=1000)}
    assert received == {gateway.message(sid)["provider_id"] for sid, status in answers.items() if status == 409}


def test_cancel__one_that_waits_for_the_provider(make_gateway):
    g = make_gateway(lane=QUICK, retry=QUICK_RETRY)
    g.sim.stop()
    sids = [g.create(body="waits %d" % i) for i in range(6)]
    until(lambda: g.message(sids[0])["status"] == "queued" and g.message(sids[0])["attempts"])
    for sid in sids[:3]:
        until(lambda: g.cancel(sid).status == 200, step=0.005)  # 409 while an attempt is being made
    g.sim.start()
    for sid in sids[3:]:
        g.wait(sid, "delivered", "sent", timeout=30)
    assert g.sim.stats()["received"] == 3
    assert all(g.message(sid)["status"] == "canceled" for sid in sids[:3])


# ---- how many at once, and who goes first ----

def test_window__is_never_passed(make_gateway):
    g = make_gateway(lane={"in_flight_max": 3}, profile={"latency_ms": 800})  # long beside a request, on a slow machine, too
    sids, most = [], 0
    while len(sids) < 18 or g.message(sids[-1])["status"] != "delivered":
        if len(sids) < 18:
            sids.append(g.create(body="window %d" % len(sids)))
        most = max(most, g.sim.stats()["held"])
    assert most == 3, most  # I8
    g.settle()
    assert g.sim.stats()["received"] == 18


def test_priority__a_code_overtakes_a_campaign(make_gateway):
    g = make_gateway(lane={"in_flight_max": 1}, profile={"latency_ms": 200})
    for i in range(60):
        g.create(body="campaign %d" % i, priority="marketing")
    code = g.create(body="your code", priority="otp")
    g.wait(code, "delivered")
    assert g.page(status="queued", limit=1000)["data"], "the campaign is over already: this proves nothing"
    order = [m["body"] for m in reversed(g.sim.messages(limit=1000))]
    assert len(order) - order.index("your code") <= 8, order


def test_priority__codes_before_transactions_before_campaigns(make_gateway):
    g = make_gateway(lane={"in_flight_max": 1, "in_flight_adaptive": False}, profile={"latency_ms": 4000})
    g.create(body="takes the lane")
    until(lambda: g.sim.stats()["requests"] == 1)
    kinds = ("marketing", "transactional", "otp")
    sids = [g.create(body="%s %d" % (kind, i), priority=kind) for i in range(4) for kind in kinds]
    g.sim.profile({"latency_ms": 1})
    for sid in sids:
        g.wait(sid, "delivered", timeout=30)
    order = [m["body"].split()[0] for m in reversed(g.sim.messages(limit=100))][1:]
    order.remove("lane") if "lane" in order else None
    assert [kind for kind in order if kind in kinds] == ["otp"] * 4 + ["transactional"] * 4 + ["marketing"] * 4, order


def test_priority__codes_that_never_end_starve_neither_transactions_nor_campaigns(make_gateway):
    g = make_gateway(lane={"in_flight_max": 1, "in_flight_adaptive": False}, limits={"urgent_run": 3}, profile={"latency_ms": 5000})
    g.create(body="takes the lane", priority="otp")
    until(lambda: g.sim.stats()["requests"] == 1)
    for i in range(2):
        for kind in ("marketing", "transactional"):
            g.create(body=kind, priority=kind, to="+1415555000%d" % i)
    sids = [g.create(body="code %d" % i, priority="otp") for i in range(40)]
    g.sim.profile({"latency_ms": 1})
    for sid in sids:
        g.wait(sid, "delivered", timeout=30)
    order = [m["body"] for m in reversed(g.sim.messages(limit=100))]
    last = order.index("code 39")
    assert order[:last].count("transactional") == order[:last].count("marketing") == 2, order


def test_priority__codes_that_never_end_do_not_starve_a_campaign(make_gateway):
    def before_the_campaign(run):
        g = make_gateway(lane={"in_flight_max": 1, "in_flight_adaptive": False}, limits={"urgent_run": run}, profile={"latency_ms": 8000})
        g.create(body="takes the lane", priority="otp")
        until(lambda: g.sim.stats()["requests"] == 1)
        g.create(body="campaign", priority="marketing")
        sids = [g.create(body="code %d" % i, priority="otp") for i in range(12)]
        g.sim.profile({"latency_ms": 1})
        for sid in sids:
            g.wait(sid, "delivered")
        order = [m["body"] for m in reversed(g.sim.messages(limit=100))]
        return order.index("campaign") - 1 if "campaign" in order else None
    assert before_the_campaign(4) == 4
    assert before_the_campaign(0) in (12, None), "strictly by priority"


def test_validity__ends_while_the_provider_is_unreachable(make_gateway, receiver):
    g = make_gateway(provider_url="http://127.0.0.1:%d" % free_port(), lane=QUICK, retry=QUICK_RETRY)
    sid = g.create(validity_s=2, status_callback=receiver.url)
    m = g.wait(sid, "expired")
    assert m["reason"] == "expired" and 0 <= seconds(m["done_at"]) - seconds(m["expires_at"]) < 15
    assert {(a["outcome"], a["reason"]) for a in g.attempts(sid)} == {("retry", "provider_down")}
    check_signature(receiver.wait("expired"), g.auth_token)


def test_unreachable_provider__is_sent_to_when_it_is_back(make_gateway):
    g = make_gateway(lane=QUICK, retry=QUICK_RETRY)
    g.sim.stop()
    sids = [g.create(body="waits %d" % i) for i in range(20)]
    until(lambda: any(g.message(s)["attempts"] for s in sids))
    g.sim.start()
    for sid in sids:
        g.wait(sid, "delivered", "sent", timeout=30)
    assert g.sim.stats()["duplicates"] == 0 and g.sim.stats()["received"] == 20


# ---- what the provider may do: the magic numbers ----

@pytest.mark.parametrize("to, reason, code", [
    ("+15005550001", "invalid_number", 21211), ("+15005550002", "unreachable", 21612),
    ("+15005550003", "sender_rejected", 21408), ("+15005550004", "opted_out", 21610),
    ("+15005550009", "invalid_number", 21614)])
def test_rejected__fails_at_once_for_good(quick, to, reason, code):
    sid = quick.create(to=to)
    m = quick.wait(sid, "failed")
    assert (m["reason"], m["code"], m["attempts"]) == (reason, code, 1)
    assert quick.attempts(sid)[0]["outcome"] == "rejected"
    assert quick.sim.stats()["received"] == 0


@pytest.mark.parametrize("fault", [{"lost_answers": 1}, {"half_answers": 1}, {"silence": 1, "silence_recorded": True},
                                   {"errors": [{"share": 1, "status": 500, "code": 20500, "recorded": True}]}],
                         ids=["answer lost", "half an answer", "silence", "500 but recorded"])
def test_unknown__is_found_by_asking_and_sent_once(silent, fault):
    silent.sim.profile(fault)
    sid = silent.create()
    m = silent.wait(sid, "sent")
    assert silent.moves(sid) == ["accepted", "sending", "unknown", "sent"]
    assert (m["attempts"], m["provider_id"]) == (1, silent.sim.messages()[0]["provider_id"])
    assert silent.sim.stats()["received"] == 1
    assert silent.metrics()["sms_lookups_found_total"] == 1


@pytest.mark.parametrize("to", ["+15005550101", "+15005550112", "+15005550114"],
                         ids=["answer lost", "half an answer", "500 but recorded"])
def test_unknown__is_settled_by_the_receipt(make_gateway, to):
    g = make_gateway(lane={**QUICK, "lookup_after_ms": 600000})
    sid = g.create(to=to)
    m = g.wait(sid, "delivered")
    assert m["provider_id"] == g.sim.messages()[0]["provider_id"] and m["attempts"] == 1
    assert g.sim.stats()["received"] == 1 and g.metrics()["sms_lookups_total"] == 0


@pytest.mark.parametrize("to", ["+15005550102", "+15005550103", "+15005550110"],
                         ids=["silence", "500", "request lost"])
def test_unknown__is_sent_again_only_after_a_clear_no(silent, to):
    """These numbers are never taken, so each attempt is looked up, until there are no more."""
    sid = silent.create(to=to, validity_s=10 * SLOW)
    m = silent.wait(sid, "failed", "expired", timeout=30)
    moves = silent.moves(sid)
    assert m["attempts"] >= 2 and silent.sim.stats()["received"] == 0
    assert moves[:4] == ["accepted", "sending", "unknown", "queued"], moves
    for before, move in zip(moves, moves[1:]):
        assert move != "sending" or before in ("accepted", "queued"), moves
    assert silent.metrics()["sms_lookups_absent_total"] >= m["attempts"] - 1


def test_unknown__not_asked_and_at_most_once_is_not_sent_again(make_gateway):
    g = make_gateway(lane={**QUICK, "lookups_max": 0}, profile={"receipts": {"none": 1}, "lost_answers": 1})
    sid = g.create(validity_s=6)
    m = g.wait(sid, "failed")
    assert (m["reason"], m["attempts"]) == ("outcome_unknown", 1)
    assert g.sim.stats()["received"] == 1


def test_unknown__not_asked_and_at_least_once_is_sent_again(make_gateway):
    g = make_gateway(lane={**QUICK, "lookups_max": 0}, retry={**QUICK_RETRY, "attempts_max": 100},
                     profile={"receipts": {"none": 1}, "lost_answers": 1})
    sid = g.create(delivery="at_least_once", validity_s=60)
    until(lambda: g.message(sid)["status"] == "unknown")
    g.sim.profile({"lost_answers": 0})
    g.wait(sid, "sent")
    assert g.sim.messages()[0]["times"] == g.message(sid)["attempts"] >= 2


def test_unknown__the_same_text_twice_is_not_taken_for_one(silent):
    """Two messages that look the same to the provider, of which it has one: neither may be sent again by guesswork."""
    silent.sim.profile({"lost_answers": 1})
    body = unique()
    sids = [silent.create(body=body) for _ in range(2)]
    for sid in sids:
        silent.wait(sid, "unknown", "sent")
    until(lambda: silent.metrics()["sms_lookups_total"] >= 2)
    silent.sim.profile({"lost_answers": 0})
    assert silent.sim.messages()[0]["times"] == 2
    ids = [silent.message(s)["provider_id"] for s in sids if silent.message(s)["provider_id"]]
    assert len(ids) == len(set(ids))


def test_throttled__waits_as_told_and_goes_through(quick):
    sid = quick.create(to="+15005550104")
    quick.wait(sid, "delivered")
    first, second = quick.attempts(sid)
    assert (first["outcome"], first["reason"], first["http_status"], first["code"]) == ("retry", "throttled", 429, 20429)
    assert seconds(second["started_at"]) - seconds(first["ended_at"]) >= 1
    assert quick.moves(sid) == ["accepted", "sending", "queued", "sending", "sent", "delivered"]
    assert quick.sim.stats()["received"] == 1


def test_undelivered__says_why(quick):
    m = quick.wait(quick.create(to="+15005550105"), "undelivered")
    assert (m["reason"], m["code"]) == ("invalid_number", 30005)


def test_failed_receipt__says_why(quick):
    m = quick.wait(quick.create(to="+15005550113"), "failed", "undelivered")
    assert m["code"] == 30008 and m["reason"]


def test_no_receipt__stays_sent_and_waits(quick):
    sid = quick.create(to="+15005550106")
    m = quick.wait(sid, "sent")
    assert m["waiting_for"] == "receipt" and seconds(m["due_at"]) > time.time() + 600  # then the provider is asked


def test_receipts_twice__count_once(quick, receiver):
    sid = quick.create(to="+15005550107", status_callback=receiver.url)
    quick.wait(sid, "delivered")
    until(lambda: quick.sim.stats()["receipts_ok"] == 4)
    assert quick.moves(sid) == ["accepted", "sending", "sent", "delivered"]
    until(lambda: quick.metrics()["callback_delivered_total"] == 2)
    assert sorted(p.status for p in receiver.posts) == ["delivered", "sent"]


def test_receipts_in_the_wrong_order__delivered_stays(quick):
    sid = quick.create(to="+15005550108")
    until(lambda: quick.sim.stats()["receipts_ok"] == 2)
    assert quick.message(sid)["status"] == "delivered"
    assert quick.moves(sid)[-1] == "delivered" and quick.moves(sid).count("delivered") == 1


def test_receipts_before_the_answer__are_joined(quick):
    sid = quick.create(to="+15005550109")
    m = quick.wait(sid, "delivered")
    assert m["provider_id"] == quick.sim.messages()[0]["provider_id"]
    until(lambda: quick.attempts(sid)[0]["ended_at"])
    assert quick.attempts(sid)[0]["outcome"] == "sent" and quick.moves(sid)[-1] == "delivered"
    assert quick.sim.stats()["receipts_failed"] == 0


def test_forged_receipt__is_refused(quick):
    sid = quick.create(to="+15005550111")
    quick.wait(sid, "delivered")
    stats = quick.sim.stats()
    assert stats["forged_sent"] >= 1 and stats["forged_accepted"] == 0
    assert quick.metrics()["sms_receipts_refused_total"] == stats["forged_sent"]
    assert "failed" not in [e["status"] for e in quick.events(sid)]


def test_unsigned_receipt__is_refused(quick):
    quick.sim.profile({"receipts": {"unsigned": 1}})
    quick.wait(quick.create(), "delivered")
    stats = quick.sim.stats()
    assert stats["forged_sent"] >= 1 and stats["forged_accepted"] == 0


def test_bad_credentials__stop_the_lane_and_say_so(make_gateway):
    g = make_gateway.gateway(lane=QUICK, retry=QUICK_RETRY)
    g.sim.profile({"errors": [{"share": 1, "status": 401, "code": 20003}]})
    g.start()
    sids = [g.create(body="waits %d" % i) for i in range(3)]
    until(lambda: all(g.message(s)["reason"] == "credentials" or g.message(s)["waiting_for"] == "lane" for s in sids))
    asked = g.sim.stats()["requests"]
    assert asked <= 3
    g.sim.profile({"errors": []})
    g.signal(1)  # SIGHUP: a person has looked at it
    for sid in sids:
        g.wait(sid, "delivered", timeout=30)


def test_validity__ends_while_the_lane_is_broken(make_gateway):
    """Nobody may have looked at it by then: a message must not wait beyond its time (I9)."""
    g = make_gateway(lane=QUICK, retry=QUICK_RETRY, profile={"errors": [{"share": 1, "status": 401, "code": 20003}]})
    sids = [g.create(body="waits %d" % i, validity_s=2) for i in range(5)]
    for sid in sids:
        m = g.wait(sid, "expired", timeout=20)
        assert m["reason"] == "expired"
    assert g.sim.stats()["received"] == 0


def test_validity__ends_an_unknown_while_the_lane_is_broken(make_gateway):
    g = make_gateway(lane={"lookup_after_ms": 4000, "timeout_ms": 3000, "connect_timeout_ms": 2000}, retry=QUICK_RETRY,
                     profile={"receipts": {"none": 1}, "lost_answers": 1})
    sid = g.create(body="unknown", validity_s=6)
    until(lambda: g.message(sid)["status"] == "unknown")
    g.sim.profile({"lost_answers": 0, "errors": [{"share": 1, "status": 401, "code": 20003}]})
    g.create(body="breaks the lane")
    m = g.wait(sid, "failed", timeout=60)
    assert m["reason"] == "outcome_unknown" and g.sim.stats()["received"] == 1


def test_unknown__is_not_asked_of_another_account(make_gateway):
    """The new one has truly no such message, which says nothing: sent again, it would come twice."""
    quick = {**QUICK, "lookup_after_ms": 5000}
    g = make_gateway(lane=quick, retry=QUICK_RETRY, profile={"receipts": {"none": 1}, "lost_answers": 1})
    sid = g.create(body="unknown", validity_s=10)
    until(lambda: g.message(sid)["status"] == "unknown")
    other = make_gateway.simulator()
    lane = {**g.settings["lanes"][0], "base_url": other.url}
    g.write(lanes=[lane])
    g.signal(1)  # SIGHUP
    until(lambda: g.logged("reload.done"))
    m = g.wait(sid, "failed", timeout=60)
    assert m["reason"] == "outcome_unknown" and (g.sim.stats()["received"], other.stats()["received"]) == (1, 0)
    g.wait(g.create(body="new ones go there"), "delivered")
    assert other.stats()["received"] == 1


# ---- texts from handsets ----

def test_reply__becomes_an_inbound_message(gateway):
    gateway.wait(gateway.create(to="+8613800138000"), "delivered")
    done = gateway.sim.reply("+8613800138000", "+15005550006", "退订 ✓")
    assert done["http_status"] == 200 and "<Response" in done["answer"], done
    (m,) = gateway.page(direction="inbound")["data"]
    assert (m["from"], m["to"], m["body"]) == ("+8613800138000", "+15005550006", "退订 ✓")
    assert (m["status"], m["direction"], m["provider_id"]) == ("received", "inbound", done["message_sid"])
    assert gateway.metrics()["sms_inbound_total"] == 1
    assert [e["status"] for e in gateway.events(m["id"])] == ["received"]


# ---- templates and words ----

def test_template__is_rendered_by_language(make_gateway, tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "code.txt").write_text("{% include 'sign' %} Your code is {{ code }}.", encoding="utf-8")
    (folder / "code.zh.txt").write_text("{% include 'sign' %}您的验证码是 {{ code }}。", encoding="utf-8")
    (folder / "sign.txt").write_text("[Shop]", encoding="utf-8")
    g = make_gateway(templates={"dir": str(folder)})
    wanted = {"zh-CN": "[Shop]您的验证码是 042。", "zh": "[Shop]您的验证码是 042。", "en": "[Shop] Your code is 042.",
              None: "[Shop] Your code is 042."}
    for language, text in wanted.items():
        sid = g.create(body=None, template="code", vars={"code": "042"}, language=language)
        m = g.wait(sid, "delivered")
        assert (m["body"], m["template"]) == (text, "code")
    assert set(g.sim.times()) == set(wanted.values())
    p = is_problem(g.post("/v1/messages", {"to": "+14155550123", "template": "code"}), 422, "vars", "code")
    assert p["type"] == "/problems/unprocessable"
    is_problem(g.post("/v1/messages", {"to": "+14155550123", "template": "nope"}), 422, "template", "nope")


def screened(make_gateway, tmp_path, action):
    (tmp_path / "words.txt").write_text("# words\n赌博\nviagra\n", encoding="utf-8")
    (tmp_path / "allow.txt").write_text("禁止赌博\n", encoding="utf-8")
    return make_gateway(screen={"words": [str(tmp_path / "words.txt")], "allow": str(tmp_path / "allow.txt"),
                                "action": action})


def test_screened__block_is_suppressed_with_the_reason(make_gateway, tmp_path, receiver):
    g = screened(make_gateway, tmp_path, "block")
    for text in ("来赌博吧", "赌 博", "buy V1agra now"):
        a = g.send(body=text, status_callback=receiver.url)
        assert (a.status, a.json["status"], a.json["reason"]) == (202, "suppressed", "screened")
        assert g.moves(a.json["id"]) == ["accepted", "suppressed"]
    receiver.wait("suppressed")
    good = g.create(body="公益宣传:禁止赌博")
    g.wait(good, "delivered")
    assert g.sim.stats()["received"] == 1


def test_screened__replace_sends_stars_and_counts_them(make_gateway, tmp_path):
    g = screened(make_gateway, tmp_path, "replace")
    sid = g.create(body="来赌博吧")
    m = g.wait(sid, "delivered")
    assert "赌博" not in m["body"] and "*" in m["body"]
    assert [s["body"] for s in g.sim.messages()] == [m["body"]]  # I11
    assert g.sim.messages()[0]["segments"] == m["segments"]


def test_screened__flag_sends_it_as_it_is(make_gateway, tmp_path):
    g = screened(make_gateway, tmp_path, "flag")
    assert g.wait(g.create(body="来赌博吧"), "delivered")["body"] == "来赌博吧"


# ---- the settings file as people write it ----

def test_yaml__as_people_write_it(make_gateway, tmp_path):
    g = make_gateway.gateway()
    port, data, sim = g.port, g.data, g.provider_url
    g.write(yaml=f"""# a comment
listen: 127.0.0.1:{port}
public_url: http://127.0.0.1:{port}
data_dir: "{data}"
defaults: {{region: CN, priority: otp}}
lanes:
  - name: sim
    provider: twilio
    account_sid: ${{SID:-AC00000000000000000000000000000001}}
    auth_token: ${{TOK}}
    base_url: {sim}
    from: "+15005550006"
    allow_private: true
""")
    g.start()
    a = g.send(to="138 0013 8000")
    assert (a.status, a.json["to"], a.json["priority"]) == (202, "+8613800138000", "otp"), a
    g.wait(a.json["id"], "delivered")
    assert json.loads(g.run("config", "check", "-c", g.settings_file, "--json").stdout)
