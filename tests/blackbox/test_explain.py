"""POST /v1/route/explain and "why is it waiting?": what would become of a message, and what one that waits waits for."""
import datetime

from harness.gateway import Gateway, after, until
from test_consent import put
from test_lane_quotas import QUICK, noon, texts
from test_routes import two_lanes


def explain(g, headers=None, **message):
    def told():
        a = g.post("/v1/route/explain", {"to": "+14155550123", "body": "hello", **message}, headers=headers)
        assert a.status == 200, a
        return a.json
    # In the first milliseconds of a gateway what its lanes counted is still being read: then they open at once.
    return until(lambda: (x := told())["outcome"] != "waits" or x["expected_at"] != x["at"] and x) and told()


def says(x, decision):
    return next(d for d in x["decisions"] if d["decision"] == decision)


def admin(g):
    return {"Authorization": "Bearer " + g.create_key(scopes="admin,send,read")["key"]}


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_explain__tells_every_decision_in_order_and_stores_nothing(make_gateway):
    g = two_lanes(make_gateway, [
        {"name": "codes", "country": ["CN"], "topic": ["otp"], "lanes": ["home"]},
        {"name": "china", "country": ["CN"], "lanes": ["abroad", "home"], "senders": ["Shop for CN"]},
        {"name": "rest", "lanes": ["home"]},
    ], limits={"rates": ["2/h per recipient"]})
    x = explain(g, to="008613800138000", body="您好")
    assert [d["decision"] for d in x["decisions"]] == ["number", "text", "screening", "suppression", "rates", "country", "fraud", "schedule",
                                                       "quiet_hours", "duplicates", "caps", "route", "canary", "lanes", "sender", "price", "spend", "queue"]
    assert x["outcome"] == "sends" and x["reason"] is None and x["expected_is"] == "estimate", x
    assert x["number"] == {"country": "CN", "country_code": 86, "type": "mobile", "prefix": "+86138"}
    assert (x["text"]["to"], x["text"]["encoding"], x["text"]["segments"]) == ("+8613800138000", "UCS-2", 1)
    assert [(r["name"], r["says"], r["misfits"]) for r in x["routes"]] == [
        ("codes", "does_not_fit", ["topic"]), ("china", "taken", []), ("rest", "behind", [])]
    assert [(row["name"], row["place"], row["takes"], row["from"], row["from_of"]) for row in x["lanes"]] == [
        ("abroad", 1, True, "Shop", "route"), ("home", 2, True, "Shop", "route")]
    assert x["rates"] == [{"rate": "2/h per recipient", "applies": True, "left": 2, "free_at": None}]
    assert x["lanes"][0]["state"] is None  # how much all accounts send is the operator's
    for _ in range(5):
        assert explain(g, to="008613800138000")["rates"][0]["left"] == 2
    assert explain(g, headers=admin(g))["lanes"][0]["state"]["window"] >= 1
    assert not list(g.all()) and not g.sims["home"].stats()["received"] and not g.sims["abroad"].stats()["received"]
    assert g.metrics()["sms_accepted_total"] == 0


def test_explain__says_what_a_rate_would_refuse_and_until_when(make_gateway):
    g = make_gateway(limits={"rates": ["1/h per recipient"]})
    g.wait(g.create(), "delivered")
    x = explain(g)
    assert x["outcome"] == "refused" and says(x, "rates")["until"] == x["rates"][0]["free_at"], x
    assert seconds(x["rates"][0]["free_at"]) > seconds(x["at"]) + 3000
    later = explain(g, at=(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=3)).isoformat())
    assert later["outcome"] == "sends" and later["rates"][0]["left"] == 1, later
    assert explain(g)["rates"][0]["left"] == 0  # to look into the future changed nothing
    assert g.post("/v1/messages", {"to": "+14155550123", "body": "x"}).status == 429


def test_explain__tells_who_does_not_want_messages_and_who_said_so(make_gateway):
    g = make_gateway(consent={"exempt_topics": ["otp"]})
    assert put(g, "+14155550123", note="said it by telephone").status == 201
    x = explain(g)
    assert (x["outcome"], x["reason"]) == ("suppressed", "opted_out"), x
    assert [(r["kind"], r["note"]) for r in x["suppressions"]] == [("opt_out", "said it by telephone")]
    assert says(x, "suppression")["says"] == "stops"
    assert explain(g, topic="otp")["outcome"] == "sends"
    assert explain(g, to="+14155550199")["outcome"] == "sends"


def test_explain__a_country_the_account_may_not_send_to_stops_it(make_gateway):
    g = make_gateway(fraud={"countries": ["CN"]})
    x = explain(g)
    assert (x["outcome"], x["reason"], says(x, "country")["says"]) == ("suppressed", "country_not_allowed", "stops"), x
    assert explain(g, to="+8613800138000")["outcome"] == "sends"


def test_explain__what_would_be_refused_is_told_with_its_field(make_gateway):
    g = make_gateway()
    x = explain(g, to="12")
    assert x["outcome"] == "refused" and x["text"] is None, x
    assert [(d["decision"], d["field"], d["status"]) for d in x["decisions"]] == [("message", "to", 422)]
    assert explain(g, template="none", body=None)["decisions"][0]["field"] == "template"
    assert g.post("/v1/route/explain", {"to": "+14155550123", "bodi": "x"}).status == 400
    assert g.post("/v1/route/explain", {"to": "+14155550123", "body": "x", "at": "soon"}).status == 400
    assert g.post("/v1/route/explain", {}, headers={"Authorization": "Bearer SKnone"}).status == 401


def test_explain__a_used_up_quota_and_a_broken_account_are_told_of_each_lane(make_gateway):
    zone, _ = noon()
    broken = make_gateway.simulator(profile={"errors": [{"share": 1, "status": 401, "code": 20003}]})
    small = make_gateway.simulator()
    g = make_gateway.gateway(lanes=[Gateway.lane("broken", broken.url, **QUICK),
                                    Gateway.lane("small", small.url, **QUICK, time_zone=zone, quota={"day": 1})]).start()
    g.wait(g.create(), "delivered")
    assert explain(g, validity_s=1)["expected_at"] is None  # it would expire before
    x = explain(g, headers=admin(g), validity_s=3 * 86400)
    lanes = {row["name"]: row for row in x["lanes"]}
    assert (x["outcome"], says(x, "lanes")["says"]) == ("waits", "waits"), x
    assert (lanes["broken"]["reason"], lanes["broken"]["until"]) == ("credentials", None)
    assert lanes["broken"]["state"]["breaker"] == "broken"
    assert (lanes["small"]["reason"], lanes["small"]["until_is"]) == ("lane_quota", "earliest")
    assert lanes["small"]["until"] == lanes["small"]["state"]["day"]["ends_at"] == x["expected_at"]
    tomorrow = explain(g, at=lanes["small"]["until"], validity_s=3 * 86400)
    assert tomorrow["outcome"] == "sends" and tomorrow["lanes"][1]["takes"], tomorrow


def test_explain__a_schedule_says_when(make_gateway):
    g = make_gateway()
    at = after(3600)
    x = explain(g, send_at=at)
    assert (x["outcome"], x["reason"]) == ("waits", "scheduled") and seconds(x["expected_at"]) == seconds(at), x
    m = g.message(g.create(send_at=at))
    assert (m["waiting_for"], m["expected_at"], m["expected_is"], m["ahead"]) == ("send_at", m["send_at"], "set", None)


def test_waiting__a_message_says_what_it_waits_for_when_it_comes_and_how_many_are_before_it(make_gateway):
    g = make_gateway(lane={**QUICK, "rates": ["2/h"]})
    sids = texts(g, 5)
    for sid in sids[:2]:
        g.wait(sid, "delivered")
    seen = [g.message(sid) for sid in sids[2:]]
    assert [(m["status"], m["reason"], m["waiting_for"], m["ahead"]) for m in seen] == [
        ("queued", "lane_rate", "lane", n) for n in range(3)], seen
    assert seen[0]["expected_is"] == "earliest" and seen[2]["expected_is"] == "estimate", seen
    times = [seconds(m["expected_at"]) - seconds(m["created_at"]) for m in seen]
    assert 3000 < times[0] < times[1] < times[2], times
    assert seconds(g.message(sids[0])["done_at"]) and g.message(sids[0])["expected_at"] is None
    x = explain(g)
    assert (x["outcome"], says(x, "queue")["says"]) == ("waits", "waits") and seconds(x["expected_at"]) > seconds(
        seen[2]["expected_at"]), x


def test_explain__what_waits_for_a_route_is_before_nobody(make_gateway):
    g = two_lanes(make_gateway, [{"name": "china", "country": ["CN"], "lanes": ["home"]}])
    sid = g.create(to="+14155550123")
    until(lambda: g.message(sid)["waiting_for"] == "route", told="it does not wait for a route")
    for _ in range(2):  # before the first call, and when the lane's pace is known
        x = explain(g, to="+8613800138000")
        assert (x["outcome"], says(x, "queue")["says"], says(x, "queue")["until"]) == ("sends", "passes", None), x
        assert says(x, "queue")["text"].startswith("1 message of its priority"), x
        g.wait(g.create(to="+8613800138000"), "delivered")


def test_waiting__a_retry_a_broken_account_and_a_receipt_say_so(make_gateway):
    g = make_gateway(profile={"errors": [{"share": 1, "status": 429, "code": 20429, "retry_after_s": 600}]})
    sid = g.create()
    m = until(lambda: g.message(sid)["waiting_for"] == "retry" and g.message(sid))
    assert (m["reason"], m["expected_at"], m["expected_is"]) == ("throttled", m["due_at"], "set"), m
    other = g.create()
    m = g.message(other)
    assert (m["reason"], m["waiting_for"], m["expected_is"]) == ("throttled", "lane", "earliest") and m["expected_at"], m
    x = explain(g)
    assert (x["outcome"], x["reason"], says(x, "lanes")["reason"]) == ("waits", "throttled", "throttled"), x
    g = make_gateway(profile={"errors": [{"share": 1, "status": 401, "code": 20003}]})
    sid = g.create()
    until(lambda: (g.message(sid)["reason"], g.message(sid)["expected_at"]) == ("credentials", None),
          told="nobody knows when a person mends it")
    g = make_gateway()
    m = g.wait(g.create(to="+15005550106"), "sent")
    assert (m["waiting_for"], m["expected_at"], m["expected_is"]) == ("receipt", m["due_at"], "latest"), m


def test_explain__a_duplicate_and_a_used_up_cap_are_told_and_nothing_is_counted(make_gateway):
    g = make_gateway(limits={"caps": ["2/7d for topic=news", "2/1d else wait for topic=tips"], "duplicates": ["10min"]})
    for _ in range(3):
        assert explain(g, topic="news")["outcome"] == "sends"  # asking does not count
    first = g.wait(g.create(to="+14155550123", body="hello", topic="news"), "delivered")
    x = explain(g, topic="news")
    assert (x["outcome"], x["reason"]) == ("suppressed", "duplicate") and first["id"] in says(x, "duplicates")["text"], x
    assert says(x, "caps")["says"] == "passes" and explain(g, topic="news", body="other")["outcome"] == "sends"
    assert g.create(to="+14155550123", body="hello", topic="news") and explain(g, topic="news", body="other")["outcome"] == "sends"
    g.wait(g.create(to="+14155550123", body="second", topic="news"), "delivered")
    x = explain(g, topic="news", body="third")
    assert (x["outcome"], x["reason"], x["expected_at"]) == ("suppressed", "frequency_cap", None), x
    made = g.post("/v1/messages", {"to": "+14155550123", "body": "third", "topic": "news"}).json
    assert (made["status"], made["reason"]) == ("suppressed", "frequency_cap")
    assert explain(g, topic="news", body="third", to="+14155550199")["outcome"] == "sends"
    for body in ("a", "b"):
        g.wait(g.create(to="+14155550123", body=body, topic="tips"), "delivered")
    x = explain(g, topic="tips", body="c", validity_s=2 * 86400)
    assert (x["outcome"], x["reason"]) == ("waits", "frequency_cap") and x["expected_at"] == says(x, "caps")["until"], x
    assert seconds(x["expected_at"]) > seconds(x["at"]) + 86000
    g.kill9()
    g.start()
    assert explain(g, topic="news", body="third")["reason"] == "frequency_cap"


def test_explain__a_flagged_prefix_is_told_as_it_would_end(make_gateway):
    for action, outcome, reason in (("hold", "waits", "fraud_hold"), ("block", "suppressed", "prefix_blocked")):
        g = make_gateway(fraud={"burst_min": 20, "action": action})
        for i in range(25):
            g.create(to="+9377000%04d" % i)
        x = explain(g, to="+93770000099")
        assert (x["outcome"], x["reason"], x["expected_at"]) == (outcome, reason, None), x
        assert "burst" in says(x, "fraud")["text"] and explain(g, to="+8613800138000")["outcome"] == "sends"
