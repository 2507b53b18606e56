"""Lanes and routes seen from outside, a scenario each: the breaker and its one probe, the window that adapts, routes by prefix and type of
number, messages a year ahead."""
import datetime

from harness.gateway import until
from test_explain import admin
from test_routes import two_lanes

QUICK = {"lookup_after_ms": 300}


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
