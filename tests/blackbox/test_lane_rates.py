"""lanes[].rates as the provider sees them: no interval holds more, not even across a kill; what waits says why."""
import concurrent.futures
import datetime
import os
import time

import pytest
from harness.gateway import until

QUICK = {"lookup_after_ms": 300}


def watch(sim, n, step=0.05):
    """(moment before, received so far, moment after) of each look, until so many have come."""
    seen = []

    def came():
        before = time.monotonic()
        seen.append((before, sim.stats()["received"], time.monotonic()))
        return seen[-1][1] >= n
    until(came, 60, step, told="some are not sent")
    return seen


def fullest(seen, interval):
    """The most that surely came within the interval: between the end of one look and the beginning of another."""
    return max((b - a for i, (t, a, _) in enumerate(seen) for _, b, s in seen[i:] if s - t <= interval), default=0)


def test_rate__holds_in_every_interval_and_all_arrive(make_gateway):
    g = make_gateway(lane={**QUICK, "rates": ["10/4s"]})
    begun = time.monotonic()
    sids = [g.create(to="+1415555%04d" % i, body="text %d" % i) for i in range(25)]
    waiting = g.message(sids[-1])
    assert (waiting["status"], waiting["reason"], waiting["waiting_for"]) == ("queued", "lane_rate", "lane"), waiting
    seen = watch(g.sim, 25)
    assert fullest(seen, 2.5) <= 10  # what was let go may come a second later, on a busy machine
    assert time.monotonic() - begun >= 7.5
    for sid in sids:
        g.wait(sid, "delivered")


def test_rate__is_counted_in_segments_where_the_provider_does(make_gateway):
    g = make_gateway(lane={**QUICK, "rates": ["6/h"]})
    long = "x" * 400  # three segments
    sids = [g.create(to="+1415555%04d" % i, body="%d %s" % (i, long)) for i in range(3)]
    g.wait(sids[0], "delivered")
    g.wait(sids[1], "delivered")
    assert g.message(sids[2])["reason"] == "lane_rate" and g.sim.stats()["received"] == 2


def test_rate__a_kill_is_no_way_around_it(make_gateway):
    g = make_gateway(lane={**QUICK, "rates": ["20/h"]})
    for i in range(15):
        g.create(to="+1415555%04d" % i, body="before %d" % i)
    until(lambda: g.sim.stats()["received"] == 15)
    g.kill9()
    g.start()
    sids = [g.create(to="+1415556%04d" % i, body="after %d" % i) for i in range(15)]
    until(lambda: g.sim.stats()["received"] == 20)
    time.sleep(2)
    assert g.sim.stats()["received"] == 20
    assert g.message(sids[-1])["reason"] == "lane_rate"
    assert g.post("/v1/messages/%s/cancel" % sids[-1], {}).status == 200  # what waits can be withdrawn


def test_rate__what_waits_expires_in_its_time(make_gateway):
    g = make_gateway(lane={**QUICK, "rates": ["1/h"]})
    g.wait(g.create(body="the one of this hour"), "delivered")
    m = g.wait(g.create(body="too late", validity_s=2), "expired")
    assert m["reason"] == "expired" and g.sim.stats()["received"] == 1


def lane_now(g):
    g.operator = getattr(g, "operator", None) or {"Authorization": "Bearer " + g.create_key(scopes="admin,read")["key"]}
    return g.get("/v1/lanes/sim", headers=g.operator).json


def learn(make_gateway, n, per_s, timeout):
    g = make_gateway(lane={**QUICK, "rate_learn": True})
    g.sim.profile({"rate": {"per_s": per_s, "burst": per_s // 4}})
    assert lane_now(g)["learned_rate"] == "5.0" and lane_now(g)["throttled_rate"] is None
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: g.create(to="+1415%07d" % (5550000 + i), body="text %d" % i), range(n)))
    until(lambda: g.sim.stats()["received"] >= n, timeout, told="they are not all sent: %s" % lane_now(g))
    return g


def test_learned_rate__is_what_a_waiting_message_expects(make_gateway):
    g = make_gateway(lane={**QUICK, "rate_learn": True})
    g.sim.profile({"rate": {"per_s": 2, "burst": 1}})
    sids = [g.create(to="+1415555%04d" % i, body="text %d" % i) for i in range(200)]
    m = until(lambda: g.message(sids[-1])["reason"] == "lane_rate" and g.message(sids[-1]), 20, told="it does not wait for the pace")
    left = datetime.datetime.fromisoformat(m["expected_at"].replace("Z", "+00:00")) - datetime.datetime.now(datetime.timezone.utc)
    assert (m["waiting_for"], m["expected_is"]) == ("lane", "estimate"), m
    assert left.total_seconds() > m["ahead"] / 12 and m["ahead"] > 100, (left, m)  # it begins with five a second, and cannot have got to twelve


def test_learned_rate__stays_below_what_the_provider_throttles_and_outlives_a_kill(make_gateway):
    g = learn(make_gateway, 500, 40, 120)
    stats, lane = g.sim.stats(), lane_now(g)
    assert 20 <= float(lane["learned_rate"]) <= 48 and float(lane["throttled_rate"]) >= 30, lane
    assert 1 <= stats["throttled"] <= 25, stats  # the first tries cost most of it
    before = float(lane["learned_rate"])
    g.kill9()
    g.start()
    until(lambda: abs(float(lane_now(g)["learned_rate"]) - before) <= 0.2 * before, 10, told=lambda: "before %s, now %s" % (before, lane_now(g)))
    assert 'lane_learned_rate{lane="sim"}' in g.get("/metrics").body.decode()


@pytest.mark.skipif(not os.environ.get("HONGYAN_LONG"), reason="HONGYAN_LONG=1: three minutes")
def test_learned_rate__less_than_one_in_a_hundred_is_refused(make_gateway):
    g = learn(make_gateway, 9000, 60, 600)
    stats = g.sim.stats()
    assert stats["throttled"] * 100 <= stats["received"] + stats["throttled"], (stats, lane_now(g))
    assert float(lane_now(g)["learned_rate"]) >= 45, lane_now(g)
