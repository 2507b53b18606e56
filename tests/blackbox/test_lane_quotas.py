"""lanes[].quota and warm-ups as the provider sees them: a day holds no more, not even across a kill or a reload; what waits says
why; the surplus takes another lane; the next day lets it go."""
import datetime
import json
import os
import signal
import time

import pytest
from harness.gateway import Gateway, until
from harness.shim import ShiftedClock

QUICK = {"lookup_after_ms": 300}


def noon():
    """A time zone in which it is about noon, so that no test meets a midnight, and the date there."""
    hours = 12 - datetime.datetime.now(datetime.timezone.utc).hour
    zone = "Etc/GMT%+d" % -hours if hours else "UTC"  # POSIX: its sign is the other way round
    return zone, (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)).date().isoformat()


def texts(g, n, prefix="text", **more):
    return [g.create(to="+1415555%04d" % i, body="%s %d" % (prefix, i), **more) for i in range(n)]


def test_quota__a_day_holds_no_more_and_the_rest_waits_and_says_why(make_gateway):
    zone, _ = noon()
    g = make_gateway(lane={**QUICK, "time_zone": zone, "quota": {"day": 5}})
    sids = texts(g, 8)
    for sid in sids[:5]:
        g.wait(sid, "delivered")
    for sid in sids[5:]:
        m = g.message(sid)
        assert (m["status"], m["reason"], m["waiting_for"]) == ("queued", "lane_quota", "lane"), m
        again = datetime.datetime.fromisoformat(m["due_at"].replace("Z", "+00:00")) - datetime.datetime.now(datetime.timezone.utc)
        assert datetime.timedelta(0) < again <= datetime.timedelta(minutes=15), m  # a quota may be raised meanwhile
    assert g.sim.stats()["received"] == 5
    log = g.log()
    assert "event=lane.quota lane=sim of=day percent=80 used=4 max=5" in log, log[-2000:]
    assert log.count("percent=100 used=5 max=5") == 1
    assert "lane_quota_alarms_total 2" in g.get("/metrics").body.decode()
    assert g.post("/v1/messages/%s/cancel" % sids[-1], {}).status == 200


def test_warm_up__a_kill_and_a_reload_in_the_middle_of_its_day_are_no_way_around_it(make_gateway):
    zone, today = noon()
    g = make_gateway(lane={**QUICK, "time_zone": zone, "warm_up": {"start": today, "days": [12, 100]}})
    texts(g, 9, "before")
    until(lambda: g.sim.stats()["received"] == 9)
    g.kill9()
    g.start()
    sids = texts(g, 9, "after")
    until(lambda: g.sim.stats()["received"] == 12)
    g.signal(signal.SIGHUP)
    until(lambda: g.logged("reload.done"))
    texts(g, 3, "later")
    until(lambda: g.message(sids[-1])["reason"] == "warm_up")
    g.kill9()
    g.start()
    last = texts(g, 1, "last")[0]
    until(lambda: g.message(last)["reason"] == "warm_up")
    assert g.sim.stats()["received"] == 12


def test_warm_up__each_sender_has_its_own_and_does_not_hold_up_others(make_gateway):
    zone, _ = noon()
    g = make_gateway(lane={**QUICK, "time_zone": zone, "sender_warm_up": {"days": [3]}})
    first = texts(g, 5, "first", **{"from": "+14155552671"})
    for sid in first[:3]:
        g.wait(sid, "delivered")
    g.kill9()
    g.start()
    second = texts(g, 3, "second", **{"from": "+14155552672"})
    for sid in second:
        g.wait(sid, "delivered")
    until(lambda: all(g.message(sid)["reason"] == "warm_up" for sid in first[3:]))
    assert g.sim.stats()["received"] == 6


def test_warm_up__counts_each_sender_of_a_pool_by_itself_also_over_a_kill(make_gateway):
    zone, _ = noon()
    pool = ["+15005550006", "+15005550010"]
    g = make_gateway(lane={**QUICK, "time_zone": zone, "senders": pool, "sender_warm_up": {"days": [3]}})
    sids = [g.create(to="+1415555%04d" % i, body="text %d" % i) for i in range(24)]
    until(lambda: g.sim.stats()["received"] == 6)
    g.kill9()
    g.start()
    sids += [g.create(to="+1415556%04d" % i, body="more %d" % i) for i in range(8)]
    until(lambda: sum(g.message(sid)["reason"] == "warm_up" for sid in sids) == 26)
    sent = [g.attempts(sid)[0]["from"] for sid in sids if g.message(sid)["attempts"]]
    assert sorted(sent) == sorted(pool * 3) and g.sim.stats()["received"] == 6, sent


def test_quota__the_surplus_takes_another_lane(make_gateway):
    zone, _ = noon()
    g = make_gateway.gateway(lane={**QUICK, "time_zone": zone, "quota": {"day": 2}})
    g.write(lanes=[*g.settings["lanes"], Gateway.lane("other", g.sim.url, **QUICK)])
    g.start()
    sids = texts(g, 6)
    for sid in sids:
        g.wait(sid, "delivered")
    lanes = [g.message(sid)["provider"] for sid in sids]
    assert lanes.count("sim") == 2 and lanes.count("other") == 4, lanes


def test_quota__the_next_day_lets_go_what_waited(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    zone, _ = noon()
    g = make_gateway.gateway(lane={**QUICK, "time_zone": zone, "quota": {"day": 2}}, env=clock.env)
    g.start()
    sids = texts(g, 5, validity_s=200000)
    until(lambda: g.sim.stats()["received"] == 2)
    for day, received in ((1, 4), (2, 5)):
        clock.set(day * 86400)
        until(lambda: g.sim.stats()["received"] == received, 30, told="the next day lets nothing go")
        assert g.sim.stats()["received"] == received
    for sid in sids:
        g.wait(sid, "delivered", "sent")


def test_quota__a_month_holds_no_more_over_days_and_kills_and_the_next_one_lets_go(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    zone, today = noon()
    today = datetime.date.fromisoformat(today)
    first = (today.replace(day=1) + datetime.timedelta(days=32)).replace(day=1)
    g = make_gateway.gateway(lane={**QUICK, "time_zone": zone, "quota": {"month": 4}}, env=clock.env)
    g.start()
    texts(g, 3, "first")
    until(lambda: g.sim.stats()["received"] == 3)
    if today + datetime.timedelta(days=1) < first:
        clock.set(86400)
    g.kill9()
    g.start()
    sids = texts(g, 3, "second", validity_s=7 * 86400)
    until(lambda: g.sim.stats()["received"] == 4)
    until(lambda: [g.message(s)["reason"] for s in sids].count("lane_quota") == 2, told="the month holds more")
    clock.set(((first - today).days - 1) * 86400)  # its last day
    late = texts(g, 2, "late", validity_s=7 * 86400)
    until(lambda: {g.message(s)["reason"] for s in late} == {"lane_quota"}, 30, told="its last day is another month")
    m = g.message(late[0])
    assert m["expected_at"] and 6 * 3600 < (datetime.datetime.fromisoformat(m["expected_at"].replace("Z", "+00:00")) -
                                            datetime.datetime.fromisoformat(m["created_at"].replace("Z", "+00:00"))).total_seconds() < 19 * 3600, m
    assert g.sim.stats()["received"] == 4
    clock.set((first - today).days * 86400)
    for sid in late:
        g.wait(sid, "delivered", timeout=60)


def test_warm_up__begins_with_fifty_doubles_daily_up_to_its_target_and_may_be_changed_on_the_way(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    zone, today = noon()
    lane = {**QUICK, "time_zone": zone, "warm_up": {"start": today, "target": 300}}
    g = make_gateway.gateway(lane=lane, env=clock.env)
    g.start()
    sids = texts(g, 420, validity_s=7 * 86400)

    def holds(n):
        until(lambda: g.sim.stats()["received"] >= n, 40, told="it does not come to %d" % n)
        until(lambda: sum(g.message(s)["reason"] == "warm_up" for s in sids) == len(sids) - n, 40, told="other than %d go" % n)
        assert g.sim.stats()["received"] == n
    holds(50)
    clock.set(86400)
    holds(150)
    g.write(lanes=[Gateway.lane("sim", g.sim.url, **{**lane, "warm_up": {"start": today, "days": [50, 120, 100]}})])
    g.signal(signal.SIGHUP)
    until(lambda: g.logged("reload.done"))
    clock.set(86400 + 1000)  # what waits for another day is looked at again every quarter of an hour
    holds(170)  # what its second day had begun by the old one counts
    g.kill9()
    clock.set(2 * 86400)
    g.start()
    holds(270)
    g.write(lanes=[Gateway.lane("sim", g.sim.url, **lane)])
    done = len(g.logged("reload.done"))
    g.signal(signal.SIGHUP)
    until(lambda: len(g.logged("reload.done")) > done)
    clock.set(2 * 86400 + 1000)
    holds(370)  # the third day of the old one has two hundred
    clock.set(3 * 86400)
    for sid in sids:  # on the day on which it would reach its target it is over
        g.wait(sid, "delivered", timeout=60)


@pytest.mark.parametrize("keys, told", [
    ({"quota": {"daily": 5}}, "unknown key `lanes[0].quota.daily`"),
    ({"quota": 5}, "`lanes[0].quota` is a section"),
    ({"time_zone": "Asia/Shangai"}, "`lanes[0].time_zone` must be a time zone"),
    ({"warm_up": {"target": 1000}}, "`lanes[0].warm_up.start` is missing"),
    ({"warm_up": {"start": "yesterday", "target": 1000}}, "`lanes[0].warm_up.start` must be a date"),
])
def test_quota__settings_that_cannot_be_are_told(make_gateway, keys, told):
    g = make_gateway.gateway(lane=keys)
    checked = g.run("config", "check", "-c", g.settings_file)
    assert checked.returncode == 78 and told in (checked.stderr + checked.stdout).decode(), (json.dumps(keys), checked)


@pytest.mark.skipif(not os.environ.get("HONGYAN_LONG"), reason="HONGYAN_LONG=1: half a minute, in which nothing may happen")
def test_warm_up__a_clock_that_jumps_is_no_way_around_it_either(make_gateway, tmp_path):
    """It overlaps with a quota and a rate; the clock jumps while the gateway runs, and while it does not."""
    clock = ShiftedClock(tmp_path)
    zone, today = noon()
    g = make_gateway.gateway(lane={**QUICK, "time_zone": zone, "rates": ["50/s"], "quota": {"day": 8},
                                   "warm_up": {"start": today, "days": [5, 10, 100]}}, env=clock.env)
    g.start()
    texts(g, 40, validity_s=5 * 86400)

    def takes(n):
        until(lambda: g.sim.stats()["received"] >= n, 30)
        time.sleep(3)
        assert g.sim.stats()["received"] == n
    takes(5)
    for hours in (-1, -24, 0):
        g.kill9()
        clock.set(hours * 3600)
        g.start()
        takes(5)
    clock.set(86400)
    takes(13)  # the quota is less than the warm-up
    clock.set(0)
    takes(13)
    g.kill9()
    g.start()
    takes(13)
    clock.set(86400 + 10)
    takes(13)
    clock.set(2 * 86400)
    takes(21)
