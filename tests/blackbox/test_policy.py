"""Lanes and routes seen from outside, a scenario each: the breaker and its one probe, the window that adapts, routes by prefix and type of
number, numbers known to be invalid, receipts that never come, messages a year ahead and many of them."""
import concurrent.futures
import datetime
import os
import signal

import pytest
from harness.fill import fill
from harness.gateway import call, until
from harness.shim import ShiftedClock
from test_explain import admin
from test_routes import two_lanes

QUICK = {"lookup_after_ms": 300}
SCHEDULED = 1_000_000 if os.environ.get("HONGYAN_LONG") else 50_000


def lane(g, headers, name="sim"):
    return g.get("/v1/lanes/" + name, headers=headers).json


def test_breaker__opens_lets_one_call_at_a_time_try_and_closes_when_the_provider_is_back(make_gateway):
    g = make_gateway(lane={**QUICK, "in_flight_max": 20}, retry={"first_ms": 50, "max_ms": 100, "attempts_max": 100})
    headers = admin(g)
    g.sim.stop()
    sids = [g.create(body="text %d" % i) for i in range(30)]
    until(lambda: lane(g, headers)["breaker"] in ("open", "half_open"))
    assert lane(g, headers)["reason"] == "provider_down"
    held = [g.message(s) for s in sids]
    assert {m["status"] for m in held} <= {"queued", "sending"} and all(m["waiting_for"] for m in held), held
    tries = sum(m["attempts"] for m in held)
    seen = set()

    def looked():
        now = lane(g, headers)
        seen.add((now["breaker"], now["in_flight"]))
        return sum(g.message(s)["attempts"] for s in sids) >= tries + 3
    until(looked, 60, told="the lane is not tried again")
    assert max(n for _, n in seen) <= 1, "more than one probe at a time: %s" % seen
    g.sim.start()
    for sid in sids:
        g.wait(sid, "delivered", timeout=60)
    assert lane(g, headers)["breaker"] == "closed"
    assert g.metrics()['lane_breaker_opened_total{lane="sim"}'] >= 1


def test_window__shrinks_when_the_provider_throttles_and_grows_again(make_gateway):
    g = make_gateway(lane={**QUICK, "in_flight_max": 16}, retry={"first_ms": 20, "max_ms": 40, "attempts_max": 100})
    headers = admin(g)
    widest = lane(g, headers)["window"]
    g.sim.profile({"latency_ms": 20, "errors": [{"share": 0.5, "status": 429, "code": 20429}]})
    sids = [g.create(body="text %d" % i) for i in range(60)]
    smallest = []
    until(lambda: (smallest.append(lane(g, headers)["window"]) or min(smallest) < widest), 30, told="the window stays as it was")
    g.sim.profile({"latency_ms": 5, "errors": []})
    for sid in sids:
        g.wait(sid, "delivered", timeout=60)
    low = min(smallest)
    i = iter(range(10 ** 6))

    def grown():
        for _ in range(10):
            g.create(body="more %d" % next(i))
        return lane(g, headers)["window"] > low
    until(grown, 60, told="the window does not grow")


def test_window__shrinks_when_calls_take_long_though_nobody_throttles_and_grows_again(make_gateway):
    g = make_gateway(lane={**QUICK, "in_flight_max": 24})
    headers, i = admin(g), iter(range(10 ** 6))

    def some(n):
        return [g.create(body="text %d" % next(i)) for _ in range(n)]
    for sid in some(40):
        g.wait(sid, "delivered")
    assert lane(g, headers)["window"] == 24
    g.sim.profile({"latency_ms": 900})
    sids = some(120)
    until(lambda: lane(g, headers)["window"] < 16, 30, told="the window stays as it was")
    assert g.metrics()['lane_throttled_total{lane="sim"}'] == 0 and lane(g, headers)["breaker"] == "closed"
    g.sim.profile({"latency_ms": 50})
    for sid in sids:
        g.wait(sid, "delivered", timeout=60)
    low = lane(g, headers)["window"]
    with concurrent.futures.ThreadPoolExecutor(24) as pool:  # it does not grow by what is not used
        until(lambda: list(pool.map(lambda _: some(4), range(24))) and lane(g, headers)["window"] > low, 60, told="the window does not grow")


def test_health__falls_by_calls_and_by_receipts_and_each_is_forgotten_in_its_time(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    g = make_gateway.gateway(lane={**QUICK, "lookups_max": 0}, env=clock.env)
    g.start()
    headers = admin(g)

    def health():
        return lane(g, headers)["health_percent"]
    for i in range(20):
        g.wait(g.create("+15005550105", "not delivered %d" % i), "undelivered")
    receipts = health()
    assert receipts < 60 and lane(g, headers)["calls_bad"] == 0, lane(g, headers)
    for i in range(8):  # never five failures in a row: the breaker stays out of it
        g.wait(g.create("+15005550103", "failing %d" % i), "unknown")
        g.wait(g.create("+15005550105", "not delivered either %d" % i), "undelivered")
    now = lane(g, headers)
    assert now["health_percent"] < receipts * 0.8 and (now["calls_bad"], now["breaker"]) == (8, "closed"), now
    clock.set(360)
    now = until(lambda: (x := lane(g, headers))["calls_bad"] == 0 and x, 30, told="failed calls are not forgotten after five minutes")
    assert now["undelivered"] == 28 and now["health_percent"] <= receipts, now
    clock.set(4200)  # an hour, and what it is counted in
    until(lambda: (lane(g, headers)["undelivered"], health()) == (0, 100), 30, told="receipts are not forgotten after an hour: %s" % lane(g, headers))


def test_route__prefix_and_type_of_number_choose_the_lane(make_gateway):
    g = two_lanes(make_gateway, [{"name": "mobile", "prefix": ["+86138"], "lanes": ["abroad"]},
                                 {"name": "fixed-or-mobile", "number_type": ["fixed_or_mobile"], "lanes": ["abroad"]},
                                 {"name": "rest", "lanes": ["home"]}])
    for to, name in (("+8613800138000", "abroad"), ("+8613900138000", "home"), ("+14155550123", "abroad"), ("+447400123456", "home")):
        assert g.wait(g.create(to=to, body="to " + to), "delivered")["provider"] == name, to


def test_send_at__may_be_a_year_ahead_and_no_more_and_is_kept_over_a_kill(make_gateway):
    def ahead(days):
        return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    g = make_gateway()
    at = ahead(364)
    sid = g.create(body="happy new year", send_at=at)
    a = g.post("/v1/messages", {"to": "+14155550123", "body": "x", "send_at": ahead(367)})
    assert a.status == 400 and a.json["field"] == "send_at" and "year" in a.json["detail"], a
    g.kill9()
    g.start()
    m = g.message(sid)
    assert (m["status"], m["waiting_for"]) == ("scheduled", "send_at") and m["send_at"][:19] == at[:19], m


def test_breaker__that_was_open_when_the_process_died_is_tried_by_one_call_at_a_time(make_gateway):
    g = make_gateway(lane={**QUICK, "in_flight_max": 20}, retry={"first_ms": 50, "max_ms": 100, "attempts_max": 100})
    g.sim.stop()
    sids = [g.create(body="text %d" % i) for i in range(30)]
    until(lambda: g.metrics()['lane_breaker_opened_total{lane="sim"}'] >= 1, told="it does not open")
    tries = sum(g.message(s)["attempts"] for s in sids)
    g.kill9()
    g.start()
    headers = admin(g)
    seen = set()

    def looked():
        now = lane(g, headers)
        seen.add((now["breaker"], now["in_flight"]))
        return sum(g.message(s)["attempts"] for s in sids) >= tries + 2
    until(looked, 60, told="the lane is not tried again")
    assert {state for state, _ in seen} <= {"open", "half_open"} and max(n for _, n in seen) <= 1, seen
    g.sim.start()
    for sid in sids:
        g.wait(sid, "delivered", timeout=60)


def test_known_invalid__ends_by_itself_and_by_hand(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    dead, other = "+15005550001", "+15005550009"
    g = make_gateway.gateway(lane=QUICK, env=clock.env, consent={"invalid_days": 1})
    g.start()
    for number in (dead, other):
        g.wait(g.create(number, "one"), "failed")
        m = g.message(g.create(number, "two"))
        assert (m["status"], m["reason"], m["attempts"]) == ("suppressed", "known_invalid", 0), m
    assert [e["reason"] for e in g.events(m["id"])][-1] == "known_invalid"
    ended = {k: n for k, n in g.metrics().items() if "known_invalid" in k}
    assert list(ended.values()) == [2], ended
    assert call(g.port, "DELETE", "/v1/suppressions/%2B15005550009", headers=admin(g)).status in (200, 204)
    assert g.wait(g.create(other, "three"), "failed")["attempts"] == 1  # it was asked again, and again in vain
    asked = g.sim.stats()["rejected"]
    assert g.message(g.create(dead, "three"))["reason"] == "known_invalid" and g.sim.stats()["rejected"] == asked
    clock.set(25 * 3600)
    until(lambda: g.message(g.create(dead, "a day later"))["status"] != "suppressed", 30, told="it does not end")
    until(lambda: g.sim.stats()["rejected"] > asked, 30, told="the provider is not asked again")


def test_no_receipt__ends_what_was_sent_with_that_reason_and_nothing_moves_it_then(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    g = make_gateway.gateway(lane={**QUICK, "receipt_window_s": 3600, "receipt_poll_after_s": 0}, env=clock.env)
    g.start()
    sid = g.create("+15005550106")
    assert g.wait(sid, "sent")["waiting_for"] == "receipt"
    clock.set(2 * 3600)
    m = until(lambda: g.message(sid)["reason"] == "no_receipt" and g.message(sid), 60, told="its window does not end")
    assert (m["status"], m["waiting_for"], m["expected_at"]) == ("sent", None, None), m
    assert [e["reason"] for e in g.events(sid)][-1] == "no_receipt"
    g.kill9()
    g.start()
    m = g.message(sid)
    assert (m["status"], m["reason"]) == ("sent", "no_receipt"), m


def test_receipt__that_comes_after_the_end_is_noted_and_moves_nothing(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    g = make_gateway.gateway(lane={**QUICK, "receipt_window_s": 3600, "receipt_poll_after_s": 0}, env=clock.env,
                             profile={"receipts": {"sent": False, "delay_ms": 4000}})
    g.start()
    sid = g.create()
    g.wait(sid, "sent")
    clock.set(2 * 3600)
    until(lambda: g.message(sid)["reason"] == "no_receipt", told="its window does not end")
    assert g.sim.stats()["receipts_sent"] == 0, "it came in time: this proves nothing"
    until(lambda: g.sim.stats()["receipts_ok"] == 1, 30, told="it is refused")
    until(lambda: g.events(sid)[-1]["note"], told="it is not noted")
    last = g.events(sid)[-1]
    assert (last["status"], last["note"]) == ("delivered", True), last
    m = g.message(sid)
    assert (m["status"], m["reason"], m["waiting_for"]) == ("sent", "no_receipt", None), m


def test_receipt__with_a_code_that_nobody_knows_is_counted_by_it(make_gateway):
    g = make_gateway(lane=QUICK, profile={"receipts": {"undelivered": 1, "undelivered_code": 39871}})
    for i in range(2):
        m = g.wait(g.create(body="text %d" % i), "undelivered")
        assert (m["reason"], m["code"]) == ("rejected", 39871), m
    assert g.metrics()['sms_unknown_codes_total{lane="sim",code="39871"}'] == 2


@pytest.mark.skipif("HONGYAN_TEST_DATABASE" in os.environ, reason="they are written into the file of SQLite")
def test_send_at__many_that_wait_for_it_cost_no_memory(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    g = make_gateway.gateway(lane=QUICK, env=clock.env)
    g.start()
    g.create(body="warm")
    empty = g.rss_mb()
    g.create_key("shop")
    assert g.term() == 0
    fill(g, "shop", SCHEDULED, ahead_s=7200)
    g.start()
    soon = g.create(send_at=(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)).isoformat())
    assert g.wait(soon, "delivered", timeout=60)["status"] == "delivered"
    print("%.0f MB with %d scheduled, %.0f MB without" % (g.rss_mb(), SCHEDULED, empty))
    assert g.rss_mb() < empty + 32, (g.rss_mb(), empty)  # the cache of a larger file; thirty bytes each are as much
    clock.set(7200)
    until(lambda: g.metrics()['sms_messages_total{state="delivered"}'] > 10, 60, told="they do not go when they are due")


def test_lane__its_window_its_health_and_a_wait_that_it_was_told_outlive_a_kill(make_gateway):
    g = make_gateway(lane={**QUICK, "in_flight_max": 16}, retry={"first_ms": 20, "max_ms": 40, "attempts_max": 100})
    headers = admin(g)
    for i in range(3):
        g.wait(g.create("+15005550105", "not delivered %d" % i), "undelivered")
    g.sim.profile({"errors": [{"share": 1, "status": 429, "code": 20429, "retry_after_s": 600}]})
    sid = g.create()
    until(lambda: g.message(sid)["reason"] == "throttled", told="it is not throttled")
    before, asked = lane(g, headers), g.sim.stats()["requests"]
    assert (before["window"], before["undelivered"], before["reason"]) == (8, 3, "throttled") and before["health_percent"] < 100, before
    g.sim.profile({"errors": []})
    for _ in range(2):  # and what was read is not forgotten by the next
        g.kill9()
        g.start()
        until(lambda: lane(g, headers)["reason"] == "throttled", told="it does not wait any more: %s" % lane(g, headers))
        after = lane(g, headers)
        for field in ("window", "undelivered", "health_percent", "opens_at"):
            assert after[field] == before[field], (field, before, after)
        m = g.message(g.create(body="another"))
        assert (m["status"], m["reason"], m["waiting_for"], m["expected_at"]) == ("queued", "throttled", "lane", before["opens_at"]), m
    assert g.sim.stats()["requests"] == asked
    g.signal(signal.SIGHUP)  # a person has looked at it: the lane is tried at once
    g.wait(m["id"], "delivered", timeout=30)


def test_receipt__that_comes_before_the_answer_settles_the_message_though_the_process_dies_in_between(make_gateway):
    g = make_gateway(lane={**QUICK, "timeout_ms": 30000}, profile={"silence": 1, "silence_recorded": True})
    sids = [g.create(body="early %d" % i) for i in range(5)]
    for sid in sids:
        g.wait(sid, "delivered")
        assert not g.attempts(sid)[0]["http_status"], "the answer was there already"
    g.kill9()
    g.sim.profile({"silence": 0})
    g.start()
    for sid in sids:
        assert [(a["outcome"], bool(a["provider_id"])) for a in g.attempts(sid)] == [("sent", True)]
        assert [e["status"] for e in g.events(sid) if not e["note"]][-1] == "delivered"
    g.wait(g.create(body="the lane goes on"), "delivered", timeout=30)
    assert set(g.sim.times().values()) == {1}
