"""Why is it waiting? Every way in which a message may wait, as `GET /v1/messages/{id}` tells it: reason, what it waits for, and when that comes. Those of
rates, routes, retries, schedules, quiet hours, caps, prices and the fraud guard stand with what makes them."""
import datetime
import signal
import time

import pytest
from harness.gateway import until
from test_channels import mail_lane

QUICK = {"lookup_after_ms": 300}
SILENT = "+15005550106"


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def told(g, sid):
    m = g.message(sid)
    return m["status"], m["reason"], m["waiting_for"], m["expected_is"]


def comes_to(g, sid, *wanted):
    seen = []
    try:
        until(lambda: seen.append(told(g, sid)) or seen[-1] == wanted, 20)
    except AssertionError:
        raise AssertionError("%s is told, not %s" % (sorted(set(seen), key=str), wanted)) from None
    return g.message(sid)


def noon():
    """A time zone in which it is about noon, and the date there."""
    hours = 12 - datetime.datetime.now(datetime.timezone.utc).hour
    zone = "Etc/GMT%+d" % -hours if hours else "UTC"
    return zone, (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)).date().isoformat()


def test_waiting__for_its_provider_and_for_a_place_in_the_lane(make_gateway):
    g = make_gateway(lane={**QUICK, "timeout_ms": 90000, "in_flight_max": 1, "in_flight_adaptive": False})
    g.sim.profile({"latency_ms": 60000, "receipts": {"none": 1}})
    first, second = g.create(body="one"), g.create(body="two")
    m = comes_to(g, first, "sending", None, "provider", "latest")
    assert seconds(m["expected_at"]) > time.time(), m
    m = comes_to(g, second, "queued", "lane_full", "lane", "estimate")
    assert abs(seconds(m["expected_at"]) - time.time()) < 120, m


def test_waiting__for_the_provider_to_say_whether_it_has_it(make_gateway):
    g = make_gateway(lane={"lookup_after_ms": 600000}, profile={"receipts": {"none": 1}, "lost_answers": 1})
    m = comes_to(g, g.create(), "unknown", "outcome_unknown", "reconciliation", "set")
    assert 500 < seconds(m["expected_at"]) - time.time() < 700, m


@pytest.mark.parametrize("lane, reason", [({"quota": {"day": 1}}, "lane_quota"), ({"warm_up": {"days": [1, 100]}}, "warm_up"),
                                          ({"sender_warm_up": {"days": [1, 100]}}, "warm_up")], ids=["quota", "warm-up", "sender"])
def test_waiting__for_the_next_day_of_a_quota(make_gateway, lane, reason):
    zone, today = noon()
    if "warm_up" in lane:
        lane = {"warm_up": {"start": today, **lane["warm_up"]}}
    g = make_gateway(lane={**QUICK, "time_zone": zone, **lane})
    g.wait(g.create(body="one"), "delivered")
    m = comes_to(g, g.create(body="two", validity_s=2 * 86400), "queued", reason, "lane", "earliest")
    assert 10 * 3600 < seconds(m["expected_at"]) - time.time() < 13 * 3600, m


def test_waiting__for_a_provider_that_is_away(make_gateway):
    g = make_gateway(lane=QUICK, retry={"first_ms": 60000, "max_ms": 120000, "attempts_max": 100})
    g.sim.stop()
    sids = [g.create(body="text %d" % i) for i in range(12)]  # enough of them open the breaker
    until(lambda: all(g.message(s)["reason"] == "provider_down" for s in sids), 20, told="that it is away is not told")
    seen = [g.message(s) for s in sids]
    assert {m["waiting_for"] for m in seen} <= {"retry", "lane"} and all(m["expected_at"] for m in seen), seen
    assert {m["expected_is"] for m in seen} <= {"set", "earliest", "estimate"}, seen


def test_waiting__for_the_quota_of_the_providers_account(make_gateway):
    g = make_gateway(lane=QUICK, profile={"errors": [{"share": 1, "status": 429, "code": 63038}]})
    m = until(lambda: g.message(sid := g.create(body="one"))["waiting_for"] and g.message(sid))
    m = until(lambda: g.message(m["id"])["reason"] == "quota" and g.message(m["id"]))
    assert (m["status"], m["waiting_for"]) == ("queued", "retry") and seconds(m["expected_at"]) > time.time() + 600, m


def test_waiting__for_somebody_to_mend_a_refused_account(make_gateway):
    g = make_gateway(lane=QUICK, retry={"first_ms": 50, "max_ms": 50}, profile={"errors": [{"share": 1, "status": 401, "code": 20003}]})
    first = g.create(body="one")
    comes_to(g, first, "queued", "credentials", "lane", None)  # no more for its own next try
    second = g.message(g.create(body="two"))
    assert (second["reason"], second["waiting_for"], second["expected_at"], second["attempts"]) == ("credentials", "lane", None, 0), second
    g.sim.profile({"errors": []})
    g.signal(signal.SIGHUP)
    for sid in (first, second["id"]):
        g.wait(sid, "delivered")


def test_waiting__ends_where_no_receipt_came_and_what_comes_later_moves_nothing(make_gateway):
    g = make_gateway(lane={**QUICK, "receipt_window_s": 60, "receipt_poll_after_s": 0})
    sid = g.create(to=SILENT)
    m = comes_to(g, sid, "sent", None, "receipt", "latest")
    left = seconds(m["expected_at"]) - time.time()
    assert 0 < left <= 60, m


def test_waiting__is_over_with_the_message(make_gateway):
    g = make_gateway(lane=QUICK)
    for sid, state in ((g.create(), "delivered"), (g.create("+15005550001"), "failed")):
        m = g.wait(sid, state)
        assert (m["waiting_for"], m["expected_at"], m["expected_is"], m["ahead"]) == (None, None, None, None), m


def test_waiting__for_a_lane_that_is_not_there(make_gateway, mail):
    g = make_gateway.gateway()
    sms, by_mail = g.settings["lanes"], mail_lane(mail)

    def lanes(*more):
        g.write(lanes=[*sms, *more])
        g.signal(signal.SIGHUP)
    g.write(lanes=[*sms, {**by_mail, "rates": ["1/h"]}])
    g.start()
    sids = [g.create("li@example.com", "text %d" % i, channel="email", title="t") for i in range(2)]
    g.wait(sids[0], "sent")
    assert g.message(sids[1])["reason"] == "lane_rate"
    lanes()
    m = comes_to(g, sids[1], "queued", "no_lane", "lane", None)
    assert m["expected_at"] is None and "no lane" in m["reason_text"], m  # a reload must bring one
    refused = g.post("/v1/messages", {"to": "li@example.com", "body": "x", "channel": "email", "title": "t"})
    assert refused.status == 422 and "no lane" in refused.json["detail"], refused
    g.wait(g.create(), "delivered")  # nobody else waits for it
    g.kill9()
    g.start()
    comes_to(g, sids[1], "queued", "no_lane", "lane", None)
    lanes(by_mail)
    g.wait(sids[1], "sent")
    assert sorted(t.text() for t in mail.taken) == ["text 0", "text 1"]
