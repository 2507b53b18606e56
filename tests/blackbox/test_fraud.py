"""The fraud guard, by the real program: countries, bursts to one prefix, codes that nobody gives back; what is held, released, dropped,
and what of that outlives a kill."""
import json
import random
import re

from harness.gateway import after, call, until
from test_explain import says

AFGHAN = "+9370123"  # where the pump's numbers are
ON_THE_SPOT = {"resend_s": 0, "rates": ["1000/s per recipient"]}


def shop(n, seed=1):
    dice = random.Random(seed)
    return ["+861%d%08d" % (dice.choice((38, 39, 50, 58, 86)), dice.randrange(10 ** 8)) for _ in range(n)]


def number(n):
    return AFGHAN + "%04d" % n


def pump(g, n):
    return [g.create(number(i), "pumped %d" % i) for i in range(n)]


def start(make_gateway, **settings):
    """With a key of an administrator."""
    g = make_gateway(**settings)
    g.admin = {"Authorization": "Bearer " + g.create_key(scopes="send,read,admin")["key"]}
    return g


def holds(g):
    return g.get("/v1/fraud/holds?limit=500", headers=g.admin).json["data"]


def blocks(g):
    return g.get("/v1/fraud/blocks", headers=g.admin).json["data"]


def settle(g, sid, how, headers=None):
    return g.post("/v1/fraud/holds/%s/%s" % (sid, how), b"", headers or g.admin)


def unblock(g, prefix):
    return call(g.port, "DELETE", "/v1/fraud/blocks/" + prefix, headers=g.admin).status


def test_texts_go_only_where_their_account_sends(make_gateway):
    g = start(make_gateway, fraud={"countries": ["CN", "GB"], "account_countries": ["other: US"]})
    m = g.message(g.create("+14155550123"))
    assert (m["status"], m["reason"]) == ("suppressed", "country_not_allowed")
    g.wait(g.create("+8613800138000"), "delivered")
    g.wait(g.create("+447400123456"), "delivered")
    other = {"Authorization": "Bearer " + g.create_key("other", "send,read")["key"]}
    answer = g.post("/v1/messages", {"to": "+14155550123", "body": "x"}, other)
    assert answer.json["status"] != "suppressed", answer
    answer = g.post("/v1/messages", {"to": "+8613800138000", "body": "x"}, other)
    assert (answer.json["status"], answer.json["reason"]) == ("suppressed", "country_not_allowed")
    assert g.metrics()["fraud_stopped_total"] == 2
    v = g.post("/v1/verifications", {"to": "+14155550123"})
    assert v.status == 201 and v.json["status"] == "pending", "the answer is the same for every number"
    assert g.message(v.json["message_id"])["reason"] == "country_not_allowed"


def test_an_account_restricts_itself_to_countries_over_http_and_never_beyond_the_settings(make_gateway):
    g = start(make_gateway, fraud={"countries": ["CN", "GB", "US"]})
    path = "/v1/fraud/countries"

    def put(body):
        return call(g.port, "PUT", path, json.dumps(body).encode(), g.admin)

    def reason(to, **more):
        return g.post("/v1/messages", {"to": to, "body": "x", **more}).json["reason"]

    assert g.get(path, headers=g.admin).json == {"countries": None, "configured": ["CN", "GB", "US"]}
    a = put({"countries": ["GB", "CN"]})
    assert (a.status, a.json) == (200, {"countries": ["CN", "GB"], "configured": ["CN", "GB", "US"]}), a
    until(lambda: reason("+14155550123") == "country_not_allowed")
    assert reason("+8613800138000") is None
    def explained():
        return g.post("/v1/route/explain", {"to": "+14155550123", "body": "x"}).json

    until(lambda: explained()["outcome"] == "suppressed")  # each front reads it within a second
    until(lambda: path in says(explained(), "country")["text"])
    other = {"Authorization": "Bearer " + g.create_key("other", "send,read,admin")["key"]}
    a = g.post("/v1/messages", {"to": "+14155550123", "body": "x"}, other)
    assert a.json["reason"] is None, "another account's list is not ours"
    assert g.get(path, headers=other).json["countries"] is None
    for bad, status, word in (({"countries": []}, 400, "DELETE"), ({"countries": ["UK"]}, 400, "GB"), ({"countries": ["cn"]}, 400, "capitals"),
                              ({"countries": [7]}, 400, "capitals"), ({"countries": ["FR"]}, 422, "FR"), ({"countries": "CN"}, 400, "list"), ({}, 400, "countries")):
        a = put(bad)
        assert a.status == status and word in a.json["detail"], (bad, a)
    assert g.get(path).status == 403, "a key that may send may not say where"
    g.kill9()
    g.start()
    assert reason("+14155550123") == "country_not_allowed"
    v = g.post("/v1/verifications", {"to": "+14155550123"})
    assert g.message(v.json["message_id"])["reason"] == "country_not_allowed"
    assert call(g.port, "DELETE", path, headers=g.admin).status == 204
    until(lambda: reason("+14155550123") is None)
    assert g.get(path, headers=g.admin).json["countries"] is None


def test_a_burst_is_held_and_outlives_a_kill_and_is_released_or_dropped(make_gateway):
    g = start(make_gateway, fraud={"burst_min": 20})
    for to in shop(15):
        g.create(to)
    sids = pump(g, 30)
    held = [m["id"] for m in holds(g)]
    assert held == sids[19:][::-1], "the twentieth is the first that is held"
    m = g.message(held[0])
    assert (m["status"], m["reason"], m["waiting_for"]) == ("queued", "fraud_hold", "fraud_hold")
    assert [(e["status"], e["reason"]) for e in g.events(held[0])] == [("accepted", None), ("queued", "fraud_hold")]
    flag, = blocks(g)
    assert AFGHAN.startswith(flag["prefix"]) or flag["prefix"].startswith(AFGHAN[:7])
    assert flag["reason"] == "burst"
    line, = g.logged("fraud.flagged")
    assert "reason=burst" in line
    g.kill9()
    g.start()
    assert [m["id"] for m in holds(g)] == held and blocks(g) == [flag]
    assert until(lambda: g.message(g.create(number(77)))["reason"] == "fraud_hold")
    g.wait(g.create(shop(1, 2)[0]), "delivered")
    a = settle(g, held[0], "release")
    assert a.status == 200, a
    g.wait(held[0], "delivered")
    assert "released" in [e["reason"] for e in g.events(held[0])]
    a = settle(g, held[1], "drop")
    assert (a.status, a.json["status"], a.json["reason"]) == (200, "suppressed", "prefix_blocked"), a
    assert settle(g, held[1], "drop").status == 409
    assert settle(g, sids[0], "release").status == 409
    assert unblock(g, flag["prefix"]) == 204
    assert unblock(g, flag["prefix"]) == 404
    assert blocks(g) == []
    for sid in pump(g, 30):
        g.wait(sid, "delivered")
    other = {"Authorization": "Bearer " + g.create_key("other", "send,read,admin")["key"]}
    assert settle(g, held[2], "release", other).status == 404
    assert g.get("/v1/fraud/holds", headers=other).json["data"] == []
    small = {"Authorization": "Bearer " + g.create_key(scopes="send,read")["key"]}
    assert g.get("/v1/fraud/holds", headers=small).status == 403
    seen = g.metrics()
    assert seen["fraud_flags_total"] == 0, "counted since the start"
    assert seen["fraud_held_total"] == 1


def test_a_held_message_ends_with_its_validity(make_gateway):
    g = start(make_gateway, fraud={"burst_min": 5})
    pump(g, 6)
    m = g.message(g.create(number(7), send_at=after(3600)))
    assert m["reason"] == "fraud_hold" and settle(g, m["id"], "release").status == 200
    assert g.message(m["id"])["due_at"] == m["send_at"]  # a release is no order to hurry
    sid = g.create(number(99), "held", validity_s=5)
    assert g.message(sid)["waiting_for"] == "fraud_hold"
    assert g.wait(sid, "expired", timeout=30)["reason"] == "expired"


def test_a_burst_may_be_blocked_instead_and_the_flag_ends(make_gateway):
    g = start(make_gateway, fraud={"burst_min": 5, "action": "block", "flag_s": 6})
    sids = pump(g, 6)
    m = g.message(sids[-1])
    assert (m["status"], m["reason"]) == ("suppressed", "prefix_blocked")
    assert [(e["status"], e["reason"]) for e in g.events(m["id"])] == [("accepted", None), ("suppressed", "prefix_blocked")]
    assert holds(g) == []
    until(lambda: blocks(g) == [])


def test_codes_that_nobody_gives_back_flag_their_prefix(make_gateway):
    g = start(make_gateway, fraud={"conversion": True}, verifications={**ON_THE_SPOT, "attempts_max": 1})

    def code_to(to):
        return until(lambda: [re.search("[0-9]{6}", m["body"]).group() for m in g.sim.messages() if m["to"] == to])[0]

    for to in shop(60, 3):
        v = g.post("/v1/verifications", {"to": to}).json
        assert g.post("/v1/verifications/%s/check" % v["id"], {"code": code_to(to)}).json["valid"]
    for n in range(21):  # 20 count; each is guessed wrong once, which ends it
        v = g.post("/v1/verifications", {"to": number(n)}).json
        if blocks(g):
            break
        code = code_to(number(n))
        assert g.post("/v1/verifications/%s/check" % v["id"], {"code": "000000" if code != "000000" else "1111"}).json["status"] == "max_attempts"
        if n < 19:
            assert blocks(g) == []
    flag, = blocks(g)
    assert flag["reason"] == "conversion" and n == 20
    assert g.message(v["message_id"])["reason"] == "fraud_hold"


def test_without_settings_nothing_is_watched(make_gateway):
    g = start(make_gateway)
    for sid in pump(g, 120)[-3:]:
        g.wait(sid, "delivered")
    assert blocks(g) == [] and holds(g) == []
    assert g.get("/v1/fraud/holds?cursor=nonsense", headers=g.admin).status == 400
    assert unblock(g, "nonsense") == 404


def test_all_that_is_held_is_released_or_dropped_at_once_by_prefix(make_gateway):
    g = start(make_gateway, fraud={"burst_min": 20})
    for to in shop(15):
        g.create(to)
    pump(g, 80)
    held = {m["id"] for m in holds(g)}
    assert len(held) == 61
    few = g.get("/v1/fraud/holds?prefix=" + number(50)[:-1].replace("+", "%2B"), headers=g.admin).json["data"]
    assert [m["to"] for m in few] == [number(n) for n in range(59, 49, -1)]
    settle_all = lambda how, body, headers=g.admin: g.post("/v1/fraud/holds/" + how, body, headers)  # noqa: E731
    assert settle_all("drop", {"prefix": number(50)[:-1]}).json == {"done": 10, "more": False}
    assert settle_all("drop", {"prefix": "+1"}).json == {"done": 0, "more": False}
    assert {g.message(m["id"])["reason"] for m in few} == {"prefix_blocked"}
    other = {"Authorization": "Bearer " + g.create_key("other", "send,read,admin")["key"]}
    assert settle_all("release", b"", other).json["done"] == 0 and settle_all("release", b"", None).status == 403
    assert settle_all("release", {"prefix": "9370"}).status == 400
    a = settle_all("release", b"")
    assert a.json == {"done": 51, "more": False}, a
    assert holds(g) == []
    for sid in held - {m["id"] for m in few}:
        g.wait(sid, "delivered")
    assert settle_all("release", b"").json["done"] == 0
