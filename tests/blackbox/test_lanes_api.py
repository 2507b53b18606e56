"""GET /v1/lanes and the metrics of lanes: what an operator sees of each account at a provider."""
from harness.gateway import until
from test_lane_quotas import QUICK, noon, texts


def admin(g):
    return {"Authorization": "Bearer " + g.create_key(scopes="admin")["key"]}


def lane(g, headers, name="sim"):
    a = g.get("/v1/lanes/" + name, headers=headers)
    assert a.status == 200, a
    return a.json


def test_lanes__tell_window_rates_quotas_and_warm_up(make_gateway):
    zone, today = noon()
    g = make_gateway(lane={**QUICK, "time_zone": zone, "in_flight_max": 7, "rates": ["100/h"],
                           "quota": {"day": 50, "month": 1000}, "warm_up": {"start": today, "days": [5, 20]}})
    headers = admin(g)
    idle = lane(g, headers)
    assert (idle["breaker"], idle["reason"], idle["in_flight"], idle["in_flight_max"]) == ("closed", None, 0, 7), idle
    assert idle["health_percent"] == 100 and idle["warm_up"] == {"day": 1, "max": 5, "left": 5}
    sids = texts(g, 6)
    for sid in sids[:5]:
        g.wait(sid, "delivered")
    busy = lane(g, headers)
    assert (busy["reason"], busy["calls_good"], busy["delivered"]) == ("warm_up", 5, 5), busy
    assert "next day" in busy["reason_text"] and busy["opens_at"] == busy["day"]["ends_at"]
    assert busy["rates"] == [{"rate": "100/h", "used": 5, "max": 100}] and busy["counts"] == "segments"
    assert (busy["day"]["used"], busy["day"]["max"], busy["month"]["used"]) == (5, 50, 5)
    assert busy["warm_up"] == {"day": 1, "max": 5, "left": 0} and busy["time_zone"] == zone
    assert [x["name"] for x in g.get("/v1/lanes", headers=headers).json["data"]] == ["sim"]
    m = g.metrics()
    assert m['lane_outcomes_total{lane="sim",outcome="sent"}'] == 5
    assert m['lane_receipts_total{lane="sim",outcome="delivered"}'] == 5
    assert m['lane_quota_used{lane="sim",period="day"}'] == 5 and m['lane_quota_max{lane="sim",period="day"}'] == 5
    assert m['lane_open{lane="sim"}'] == 1 and m['lane_in_flight{lane="sim"}'] == 0


def test_lanes__are_for_admins_only(make_gateway):
    g = make_gateway()
    for path in ("/v1/lanes", "/v1/lanes/sim"):
        assert g.get(path).status == 403
        assert g.get(path, headers={}).status == 401
    assert g.get("/v1/lanes/none", headers=admin(g)).status == 404


def test_lanes__a_broken_account_says_so(make_gateway):
    g = make_gateway(profile={"errors": [{"share": 1, "status": 401, "code": 20003}]})
    headers = admin(g)
    g.create()
    until(lambda: lane(g, headers)["breaker"] == "broken")
    seen = lane(g, headers)
    assert seen["reason"] == "credentials" and seen["health_percent"] == 0 and seen["reason_text"], seen
    until(lambda: g.metrics()['lane_open{lane="sim"}'] == 0)
    assert g.metrics()['lane_breaker_opened_total{lane="sim"}'] == 1


def test_lanes__codes_that_nobody_knows_are_counted_by_themselves(make_gateway):
    g = make_gateway(profile={"errors": [{"share": 1, "status": 400, "code": 29876}]})
    sids = texts(g, 3)
    for sid in sids:
        assert g.wait(sid, "failed")["reason"] == "rejected"
    assert g.metrics()['sms_unknown_codes_total{lane="sim",code="29876"}'] == 3
    assert "event=lane.unknown_code lane=sim code=29876" in g.log()


def test_lanes__a_restart_tries_a_broken_account_with_one_call(make_gateway):
    g = make_gateway(profile={"errors": [{"share": 1, "status": 401, "code": 20003}]}, retry={"first_ms": 50, "max_ms": 100})
    headers = admin(g)
    sids = texts(g, 6)
    until(lambda: lane(g, headers)["breaker"] == "broken" and lane(g, headers)["in_flight"] == 0)
    before = g.sim.stats()["requests"]
    g.kill9()
    g.start()
    until(lambda: lane(g, headers)["breaker"] == "broken")
    assert g.sim.stats()["requests"] == before + 1
    g.kill9()
    g.sim.profile({"errors": []})  # a person has mended the account, and not told the gateway
    g.start()
    for sid in sids:
        g.wait(sid, "delivered", timeout=30)
    assert lane(g, headers)["breaker"] == "closed"
    g.kill9()
    g.start()
    assert lane(g, headers)["breaker"] == "closed"
