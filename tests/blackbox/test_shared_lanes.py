"""Lanes of several gateways at one provider account: rates and quotas hold for all of them, counted at the provider."""
import time

import pytest
from harness.gateway import until
from harness.nodes import alone, sharing, together
from harness.redis_server import RedisServer
from test_lane_quotas import noon
from test_lane_rates import fullest, watch

QUICK = {"lookup_after_ms": 300}


@pytest.fixture
def redis_server():
    r = RedisServer()
    yield r
    r.close()


def fill(gateways, n, begin=0):
    """n messages for each; their ids, as pairs with their gateway."""
    return [(g, g.create(to="+1415555%04d" % (begin + k * n + i), body="text %d" % (begin + k * n + i)))
            for i in range(n) for k, g in enumerate(gateways)]


def test_rate__holds_for_all_gateways_in_every_interval(make_gateway, redis_server):
    gateways = sharing(make_gateway, 2, redis_server, lane={**QUICK, "rates": ["10/4s"]})
    together(*gateways)
    fill(gateways, 15)
    assert fullest(watch(gateways[0].sim, 30), 2.5) <= 10  # what was let go may come a second later, on a busy machine
    for g in gateways:
        assert g.metrics()["shared_up"] == 1


def test_rate__what_one_does_not_use_is_the_others(make_gateway, redis_server):
    a, b = sharing(make_gateway, 2, redis_server, lane={**QUICK, "rates": ["20/h"]})
    together(a, b)
    fill([a], 16)
    until(lambda: a.sim.stats()["received"] == 16, 30, told="a does not get more than its part")
    sids = fill([b], 8, 100)
    until(lambda: a.sim.stats()["received"] == 20, 30)
    time.sleep(1.5)  # a slice ends, and nothing more comes of it
    assert a.sim.stats()["received"] == 20
    assert [g.message(s)["reason"] for g, s in sids].count("lane_rate") == 4


def test_rate__each_keeps_its_part_while_redis_is_away(make_gateway, redis_server):
    gateways = sharing(make_gateway, 2, redis_server, lane={**QUICK, "rates": ["10/h"]})
    together(*gateways)
    fill(gateways, 2)
    sim = gateways[0].sim
    until(lambda: sim.stats()["received"] == 4, 30)
    redis_server.kill9()
    alone(*gateways)
    fill(gateways, 10, 100)
    until(lambda: sim.stats()["received"] == 10, 30)
    redis_server.start()  # it has forgotten everything
    together(*gateways)
    time.sleep(1.5)
    assert sim.stats()["received"] == 10


def test_quota__of_a_day_holds_for_all_gateways(make_gateway, redis_server):
    gateways = sharing(make_gateway, 3, redis_server, lane={**QUICK, "time_zone": noon()[0], "quota": {"day": 12}})
    together(*gateways)
    sids = fill(gateways, 6)
    sim = gateways[0].sim
    until(lambda: sim.stats()["received"] == 12, 40, told="the quota is not used up")
    time.sleep(1.5)  # what others have begun is heard twice a second
    redis_server.kill9()
    alone(*gateways)
    fill(gateways, 2, 200)
    redis_server.start()
    together(*gateways)
    time.sleep(1.5)
    assert sim.stats()["received"] == 12
    waiting = [m for m in (g.message(s) for g, s in sids) if m["status"] == "queued"]
    assert [m["reason"] for m in waiting] == ["lane_quota"] * 6, waiting


def test_quota__alone_each_has_its_part_of_what_is_left(make_gateway, redis_server):
    a, b = sharing(make_gateway, 2, redis_server, lane={**QUICK, "time_zone": noon()[0], "quota": {"day": 20}})
    together(a, b)
    fill([a], 6)
    until(lambda: a.sim.stats()["received"] == 6, 30)
    fill([b], 2, 50)
    until(lambda: a.sim.stats()["received"] == 8, 30)
    time.sleep(1.5)  # what others have begun is heard twice a second
    redis_server.kill9()
    alone(a, b)
    fill([a, b], 15, 100)
    time.sleep(3)
    assert 8 + 6 <= a.sim.stats()["received"] <= 20


def failing(make_gateway, redis_server):
    """Two gateways whose provider is down, with keys that may look at lanes."""
    made = sharing(make_gateway, 2, redis_server, lane=QUICK, retry={"first_ms": 100}, profile={"errors": [{"share": 1, "status": 500}]})
    for g in made:
        g.key = g.create_key(scopes="send,read,admin")["key"]
    together(*made)
    return made


def lane(g):
    return g.get("/v1/lanes").json["data"][0]


def test_breaker__of_one_gateway_closes_the_lane_for_all(make_gateway, redis_server):
    a, b = failing(make_gateway, redis_server)
    sid = a.create(body="fails")
    until(lambda: lane(a)["calls_bad"] >= 8, 60, told="the breaker does not open")  # and stays so for some seconds
    until(lambda: lane(b)["breaker"] == "open", 30, told="the other does not hear of it")
    assert lane(b)["calls_bad"] == 0

    def held():  # every few seconds one call may try
        sid = b.create(body="waits")
        return b.message(sid)["reason"] == "provider_down" and b.attempts(sid) == [] and sid
    waits = until(held, told="nothing is held up")
    a.sim.profile({"errors": []})
    a.wait(sid, "delivered", timeout=90)
    b.wait(waits, "delivered", timeout=90)
    until(lambda: lane(a)["breaker"] == lane(b)["breaker"] == "closed", 60)


def test_breaker__is_each_gateways_own_while_redis_is_away(make_gateway, redis_server):
    a, b = failing(make_gateway, redis_server)
    redis_server.kill9()
    alone(a, b)
    a.create(body="fails")
    until(lambda: lane(a)["breaker"] == "open", 60, told="the breaker does not open")
    assert lane(b)["breaker"] == "closed" and b.message(b.create(body="tried"))["reason"] != "provider_down"


def test_throttle__that_one_gateway_is_told_all_wait_for(make_gateway, redis_server):
    a, b = sharing(make_gateway, 2, redis_server, lane=QUICK, retry={"first_ms": 100},
                   profile={"errors": [{"share": 1, "status": 429, "code": 20429, "retry_after_s": 30}]})
    together(a, b)
    sid = a.create(body="throttled")
    until(lambda: 'lane_open{lane="sim"} 0' in b.get("/metrics").body.decode(), 20, told="the other does not hear of it")
    waits = [b.create(body="waits %d" % i) for i in range(5)]
    time.sleep(1)
    assert a.sim.stats()["throttled"] == 1 and all(b.attempts(w) == [] for w in waits)
    a.sim.profile({"errors": []})
    redis_server.kill9()  # what was heard holds
    alone(a, b)
    time.sleep(1)
    assert a.sim.stats()["throttled"] == 1 and all(b.attempts(w) == [] for w in waits)
    assert a.message(sid)["status"] == "queued"
