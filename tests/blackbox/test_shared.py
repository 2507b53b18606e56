"""Rates that gateways count together in a real Redis, and what holds when it is away."""
import concurrent.futures
import itertools
import time

import pytest
from harness.gateway import until
from harness.nodes import alone, sharing, together
from harness.redis_server import RedisServer

serial = itertools.count(1000)


def unique_number():
    return "+86138%08d" % next(serial)  # a quick machine asks for many thousands


@pytest.fixture(scope="module")
def steady():
    """One that no test harms."""
    r = RedisServer()
    yield r
    r.close()


@pytest.fixture
def redis_server():
    made = []

    def make(**how):
        made.append(RedisServer(**how))
        return made[-1]
    yield make
    for r in made:
        r.close()


@pytest.fixture
def nodes(make_gateway):
    def make(n, server, rates, **settings):
        return sharing(make_gateway, n, server, rates=rates, **settings)
    return make


def post(g, to, **more):
    headers = more.pop("headers", None)
    return g.post("/v1/messages", {"to": to, "body": "hello", **more}, headers)


def posts(gateways, n, to=None):
    """n requests, in turns and many at once; how many were taken. None may be answered with anything else than 202 or 429."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda i: post(gateways[i % len(gateways)], to or unique_number()).status, range(n)))
    assert set(got) <= {202, 429}, got
    return got.count(202)


def test_rates__hold_for_all_gateways_together(steady, nodes):
    a, b, c = gateways = nodes(3, steady, ["40/h per account", "3/h per recipient", "1000/s per source"])
    together(*gateways)
    to = unique_number()
    answers = [post(g, to) for g in (a, b, c, a)]
    assert [x.status for x in answers] == [202, 202, 202, 429]
    assert [x.headers["ratelimit-remaining"] for x in answers] == ["2", "1", "0", "0"]
    assert 3000 < int(answers[3].headers["retry-after"]) <= 3900
    assert "3/h per recipient" in answers[3].json["detail"]
    assert posts(gateways, 150) == 37  # and what was refused has used up nothing
    assert sum(g.metrics()["sms_accepted_total"] for g in gateways) == 40
    for g in gateways:
        m = g.metrics()
        assert m["shared_up"] == 1 and m["shared_calls_total"] > 0 and m["shared_fallbacks_total"] == 0, m


def test_rates__replays_and_what_was_not_stored_are_given_back(steady, nodes):
    a, b = nodes(2, steady, ["2/h per recipient"])
    together(a, b)
    to, key = unique_number(), {"Idempotency-Key": "same"}
    assert {post(a, to, headers=key).status for _ in range(4)} <= {200, 202}
    until(lambda: post(b, to).status == 202)
    assert post(b, to).status == 429
    assert post(a, to, headers=key).status in (200, 202)  # a replay is answered all the same


def test_rates__of_one_time_codes_hold_together(steady, nodes):
    a, b = nodes(2, steady, ["100/h per account"], verifications={"rates": ["2/h per recipient"], "resend_s": 0})
    together(a, b)
    to = unique_number()
    got = [g.post("/v1/verifications", {"to": to}) for g in (a, b, a)]
    assert [x.status for x in got] == [201, 201, 429], got
    assert "2/h per recipient" in got[2].json["detail"]


def test_rates__hold_in_every_second(steady, nodes):
    """Counted at the provider, over both gateways: what was let in within any second."""
    gateways = nodes(2, steady, ["20/s per account"])
    together(*gateways)
    let_in = []

    def hammer(i):
        end = time.monotonic() + 3
        while time.monotonic() < end:
            begun = time.monotonic()
            if post(gateways[i % 2], unique_number()).status == 202:
                let_in.append((begun, time.monotonic()))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(hammer, range(4)))
    assert len(let_in) >= 20
    for first, _ in let_in:  # those that surely lie within one second
        assert sum(1 for begun, done in let_in if begun >= first and done <= first + 1) <= 20


def test_redis_killed__each_gateway_goes_on_with_its_part(redis_server, nodes):
    r = redis_server()
    gateways = nodes(2, r, ["10/h per account"])
    together(*gateways)
    assert posts(gateways, 4) == 4
    r.kill9()
    taken = posts(gateways, 40)
    # each lets through 5 in all, and has let through 2
    assert 4 + taken == 10, taken
    for g in gateways:
        assert g.metrics()["shared_up"] == 0 and g.metrics()["shared_fallbacks_total"] > 0
    alone(*gateways)
    r.start()  # and it has forgotten everything
    together(*gateways)
    assert posts(gateways, 20) == 0  # it was told
    assert "event=redis.away" in gateways[0].log() and "event=redis.there" in gateways[0].log()


def test_redis_killed__no_burst_beyond_twice_the_rate(redis_server, nodes):
    r = redis_server()
    a, b = nodes(2, r, ["10/h per account"])
    together(a, b)
    assert posts([a], 30) == 10
    r.kill9()
    assert posts([a], 10) == 0 and posts([b], 10) == 5  # b's part; it does not know what a did
    r.start()
    together(a, b)
    assert posts([a, b], 10) == 0


def test_redis_hangs__nobody_waits_for_it_long(redis_server, nodes):
    r = redis_server()
    a, b = nodes(2, r, ["100/d per account"])
    together(a, b)
    r.pause()
    try:
        begun = time.monotonic()
        assert post(a, unique_number()).status == 202
        assert time.monotonic() - begun < 10
        alone(a, b)
        assert posts([a, b], 120) + 1 == 100
    finally:
        r.pause(False)
    together(a, b)
    assert posts([a, b], 10) == 0


def test_redis_emptied__is_told_again(redis_server, nodes):
    r = redis_server()
    a, b = nodes(2, r, ["6/h per account"])
    together(a, b)
    assert posts([a], 4) == 4
    assert r.ask("FLUSHALL").startswith("+OK")
    alone(a, b)
    together(a, b)
    assert posts([a, b], 10) == 2


def test_a_gateway_that_was_killed__has_counted(steady, nodes):
    a, b = nodes(2, steady, ["6/h per account"])
    together(a, b)
    assert posts([a], 4) == 4
    a.kill9()
    assert posts([b], 10) == 2


def test_events__are_judged_together_and_each_part_apart(steady, nodes, tmp_path):
    rules = tmp_path / "rules"
    rules.mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "ready.txt").write_text("Ready.")
    (rules / "ready.yaml").write_text("rules:\n  - {name: ready, on: order.ready, to: data.phone, template: ready}\n")
    a, b = nodes(2, steady, ["2/h per recipient"], rules={"dir": str(rules)}, templates={"dir": str(tmp_path / "templates")})
    together(a, b)
    to = unique_number()
    dids = []
    for i, g in enumerate((a, b, a, b)):
        said = g.post("/v1/events", {"type": "order.ready", "id": "e%d" % i, "source": "shop", "data": {"phone": to}})
        assert said.status in (200, 202), said
        dids.append(said.json)
    assert sum("limited" in str(d) for d in dids) == 2, dids


def test_acl_and_tls__as_the_operator_set_them(redis_server, nodes):
    acl = "user default off\nuser hongyan on >s3cret-word ~shop:* +get +set +time +info +evalsha +script|load\n"
    r = redis_server(tls=True, acl=acl)
    settings = {"redis": {"user": "hongyan", "password": "${REDIS_PASSWORD}", "ca_file": r.ca_file, "prefix": "shop"}}
    a, b = nodes(2, r, ["3/h per account"], env={"REDIS_PASSWORD": "s3cret-word"}, **settings)
    together(a, b)
    assert posts([a, b], 10) == 3
    doctor = a.run("doctor", "-c", str(a.config))
    assert b"rediss://localhost" in doctor.stdout, doctor.stdout
    printed = a.run("config", "print", "-c", str(a.config))
    assert printed.returncode == 0 and b"s3cret" not in printed.stdout + printed.stderr
    assert "s3cret" not in a.log()


def test_acl_refused__is_said_and_each_keeps_its_part(redis_server, nodes):
    r = redis_server(acl="user default on nopass ~* +ping\n")
    a, b = nodes(2, r, ["4/h per account"])
    until(lambda: "redis.away" in a.log(), 30)
    assert "NOPERM" in a.log()
    assert posts([a, b], 12) == 4
    doctor = a.run("doctor", "-c", str(a.config))
    assert doctor.returncode != 0 and b"NOPERM" in doctor.stdout, doctor.stdout
