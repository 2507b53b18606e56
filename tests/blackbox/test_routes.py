"""Routes: which lane carries a message, seen from outside with a provider for each lane."""
import signal
import time

from harness.gateway import Gateway, until

QUICK = {"lookup_after_ms": 300}
# By it and a number the lots are drawn: with one key for all runs none of these tests is one of chance.
KEY = {"HONGYAN_MASTER_KEY": "5e" * 32}


def two_lanes(make_gateway, routes, more=None, lanes=None, **settings):
    """A running gateway with the lanes `home` and `abroad`, each with a provider of its own."""
    g = prepare(make_gateway, routes, more, lanes, **settings)
    return g.start()


def prepare(make_gateway, routes, more=None, lanes=None, **settings):
    home, abroad = make_gateway.simulator(), make_gateway.simulator()
    made = [Gateway.lane("home", home.url, **{**QUICK, **(lanes or {}).get("home", {})}),
            Gateway.lane("abroad", abroad.url, **{**QUICK, **(lanes or {}).get("abroad", {})})]
    g = make_gateway.gateway(lanes=made, routes=routes, **{**settings, "env": {**KEY, **settings.get("env", {})}})
    g.sims = {"home": home, "abroad": abroad}
    return g


def reload(g, **changes):
    done = len(g.logged("reload.done"))
    g.write(**changes)
    g.signal(signal.SIGHUP)
    until(lambda: len(g.logged("reload.done")) > done, told="the reload is not done")


def lane_of(g, **message):
    return g.wait(g.create(**message), "delivered")["provider"]


def test_route__country_topic_template_account_and_sender_choose_the_lane(make_gateway, tmp_path):
    for name in ("code", "news"):
        (tmp_path / (name + ".txt")).write_text("This is " + name, encoding="utf-8")
    g = two_lanes(make_gateway, [
        {"name": "otp-china", "country": ["CN"], "topic": ["otp"], "lanes": ["home"]},
        {"name": "range", "prefix": ["+86139"], "lanes": ["abroad"]},
        {"name": "china", "country": "CN", "lanes": ["home"]},
        {"name": "asked-for", "sender": ["Shop"], "lanes": ["home"]},
        {"name": "tenant", "account": ["acme"], "lanes": ["home"]},
        {"name": "written", "template": ["code", "other"], "lanes": ["home"]},
        {"name": "rest", "lanes": ["abroad"]},
    ], templates={"dir": str(tmp_path)})
    assert lane_of(g, to="+14155550123", template="code", body=None) == "home"
    assert lane_of(g, to="+14155550123", template="news", body=None) == "abroad"
    assert lane_of(g, to="+8613900138000", topic="otp") == "home"
    assert lane_of(g, to="+8613900138000") == "abroad"
    assert lane_of(g, to="+8613800138000") == "home"
    assert lane_of(g, to="+14155550123") == "abroad"
    assert lane_of(g, to="+14155550123", **{"from": "Shop"}) == "home"
    key = g.create_key(account="acme")["key"]
    g.create(to="+14155550123", body="of acme", headers={"Authorization": "Bearer " + key})
    until(lambda: g.sims["home"].of("of acme"), told="the account's route is not taken")


def test_route__what_fits_none_waits_and_goes_once_a_route_is_for_it(make_gateway):
    only_china = [{"name": "china", "country": ["CN"], "lanes": ["home"]}]
    g = two_lanes(make_gateway, only_china)
    sid = g.create(to="+14155550123", body="waits")
    m = g.message(sid)
    assert (m["status"], m["reason"], m["waiting_for"]) == ("queued", "no_route", "route"), m
    assert lane_of(g, to="+8613800138000") == "home"  # it holds up nobody else
    reload(g, routes=only_china + [{"name": "rest", "lanes": ["abroad"]}])
    assert g.wait(sid, "delivered", timeout=20)["provider"] == "abroad"
    assert len(g.sims["abroad"].of("waits")) == 1 and not g.sims["home"].of("waits")


def test_route__an_account_keeps_its_route_over_a_restart(make_gateway):
    routes = [{"name": "tenant", "account": ["acme"], "lanes": ["home"]}, {"name": "rest", "lanes": ["abroad"]}]
    g = two_lanes(make_gateway, routes)
    key = g.create_key(account="acme")["key"]
    for sim in g.sims.values():
        sim.stop()
    sid = g.create(to="+14155550123", headers={"Authorization": "Bearer " + key})
    until(lambda: g.get("/v1/messages/" + sid, headers={"Authorization": "Bearer " + key}).json["attempts"] > 0)
    g.kill9()
    for sim in g.sims.values():
        sim.start()
    g.start()

    def delivered():
        m = g.get("/v1/messages/" + sid, headers={"Authorization": "Bearer " + key}).json
        return m["status"] == "delivered" and m
    assert until(delivered, 40)["provider"] == "home"


def test_route__the_next_lane_takes_over_and_nothing_arrives_twice(make_gateway):
    g = two_lanes(make_gateway, [{"name": "all", "lanes": ["home", "abroad"]}], retry={"first_ms": 100})
    g.sims["home"].stop()
    sids = [g.create(to="+1415555%04d" % i, body="text %d" % i) for i in range(20)]
    for i, sid in enumerate(sids):
        m = g.wait(sid, "delivered", timeout=40)
        assert m["provider"] == "abroad", m
        assert [s["times"] for s in g.sims["abroad"].of("text %d" % i)] == [1]


def test_route__what_a_lane_may_have_taken_is_given_to_no_other(make_gateway):
    g = two_lanes(make_gateway, [{"name": "all", "lanes": ["home", "abroad"]}], lanes={"home": {"lookup_after_ms": 2500}})
    for kind, takes in (("lost_answers", True), ("lost_requests", False)):
        g.sims["home"].profile({"lost_answers": 0, "lost_requests": 0, kind: 1, "receipts": {"none": 1}})
        sids = [g.create(to="+1415555%04d" % i, body="%s %d" % (kind, i)) for i in range(2)]
        for sid in sids:
            g.wait(sid, "unknown")
        g.sims["home"].profile({kind: 0})
        before = g.sims["abroad"].stats()["received"]
        for i, sid in enumerate(sids):
            m = g.wait(sid, "sent", "delivered", timeout=30)
            bodies = [s["times"] for sim in g.sims.values() for s in sim.of("%s %d" % (kind, i))]
            assert bodies == [1] and m["attempts"] == (1 if takes else 2), (m, bodies)
        assert not takes or g.sims["abroad"].stats()["received"] == before == 0


def test_route__the_next_lane_takes_over_within_the_same_message(make_gateway):
    g = two_lanes(make_gateway, [{"name": "all", "lanes": ["home", "abroad"]}], retry={"first_ms": 600000, "max_ms": 600000})
    answers = [{"share": 1, "status": 429, "code": 20429, "retry_after_s": 60}, {"share": 1, "status": 401, "code": 20003}]
    for i, error in enumerate(answers):  # a throttle; refused credentials
        g.sims["home"].profile({"errors": [error]})
        m = g.wait(g.create(to="+14155550123", body="text %d" % i), "delivered")
        assert (m["provider"], [a["provider"] for a in g.attempts(m["id"])]) == ("abroad", ["home", "abroad"]), m
        assert [s["times"] for s in g.sims["abroad"].of("text %d" % i)] == [1] and not g.sims["home"].stats()["received"]
        g.sims["home"].profile({"errors": []})
        reload(g)  # opens it


def test_route__a_closed_lane_holds_up_only_those_who_have_no_other(make_gateway):
    routes = [{"name": "china", "country": ["CN"], "lanes": ["home"]}, {"name": "rest", "lanes": ["abroad"]}]
    g = two_lanes(make_gateway, routes, lanes={"home": {"rates": ["1/h"]}}, limits={"live_max": 40})
    waits = [g.create(to="+86138001%05d" % i, body="waits %d" % i) for i in range(200)]  # many times what memory holds
    for i in range(10):
        assert lane_of(g, to="+1415555%04d" % i, body="goes %d" % i) == "abroad"
    assert g.message(waits[-1])["status"] == "queued"
    g.kill9()  # and from disk, where all that waits stands before it
    g.start()
    assert lane_of(g, to="+14155550123", body="goes at last") == "abroad"
    assert g.sims["home"].stats()["received"] == 1


def test_fairness__a_campaign_of_one_account_does_not_delay_another(make_gateway):
    g = make_gateway(lane={**QUICK, "rates": ["2/s"]}, limits={"live_max": 100})
    key = g.create_key(account="other")["key"]
    for i in range(300):
        g.create(to="+1415555%04d" % i, body="campaign %d" % i, priority="marketing")
    before = g.sim.stats()["received"]
    g.create(to="+14155550123", body="of another account", priority="marketing",
             headers={"Authorization": "Bearer " + key})
    until(lambda: g.sim.of("of another account"), told="the other account waits behind the campaign")
    order = [m["body"] for m in reversed(g.sim.messages())]
    assert order.index("of another account") < before + 100 < 300, (before, order.index("of another account"))


def test_route__weights_are_shares_of_the_recipients_and_stick_to_them(make_gateway):
    g = two_lanes(make_gateway, [{"name": "shared", "lanes": ["home 3", "abroad 1"]}])
    first = {to: lane_of(g, to=to) for to in ("+1415555%04d" % i for i in range(40))}
    assert 20 <= sum(lane == "home" for lane in first.values()) <= 38, first
    g.stop()
    g.start()
    for to, lane in list(first.items())[:12]:
        assert lane_of(g, to=to) == lane


def test_config__faults_of_routes_are_named_by_line(make_gateway, tmp_path):
    g = prepare(make_gateway, [])
    g.write(yaml="""lanes:
  - {name: home, provider: twilio, account_sid: AC0123456789abcdef0123456789abcdef, auth_token: "${TOK}", from: "+15005550006"}
routes:
  - name: one
    country: [CN]
    lanes: [hone]
  - {name: two, country: [], lanes: [home]}
  - {name: two, lanes: [home]}
  - {name: three, country: [XX], lanes: [home]}
  - {name: four, topic: otp, lanes: []}
  - {name: five, country: GB, lanes: [home], canary: home 5%}
""")
    told = g.run("config", "check", "-c", str(g.config)).stderr.decode()
    for line in ("6: `routes[0].lanes` names `hone`, which is no lane of `lanes:`; did you mean `home`?",
                 "7: `routes[1].country` is an empty list", "8: `routes[2].name` is the name of an earlier route, too",
                 "9: `routes[3].country` must be a list of two-letter country codes", "10: `routes[4].lanes` is an empty list",
                 "11: `routes[5].canary` names a lane that is among the route's `lanes`, too"):
        assert "hongyan.yaml:" + line in told, told
    g.write(yaml="""lanes:
  - {name: home, provider: twilio, account_sid: AC0123456789abcdef0123456789abcdef, auth_token: "${TOK}", from: "+15005550006"}
routes:
  - {name: all, channel: [sms], lanes: [home]}
  - {name: china, country: [CN], channel: [sms], lanes: [home]}
""")
    told = g.run("config", "check", "-c", str(g.config)).stderr.decode()
    assert "hongyan.yaml:5: `routes[1]` (china) can never be reached: `all` before it takes every message" in told, told


def test_senders__a_recipient_keeps_seeing_the_same_and_the_country_has_its_own(make_gateway):
    pool = ["+15005550006", "+15005550010", "Shop for GB,IE"]
    g = two_lanes(make_gateway, [{"name": "china", "country": ["CN"], "lanes": ["home"], "senders": ["10690000"]},
                                 {"name": "rest", "lanes": ["abroad"]}], lanes={"abroad": {"senders": pool}})

    def sender(lane, to, body, **more):
        sid = g.create(to=to, body=body, **more)
        g.wait(sid, "delivered")
        return g.attempts(sid)[-1]["from"], g.sims[lane].of(body)[0]["from"]
    first = {to: sender("abroad", to, "first to " + to) for to in ("+1415555%04d" % i for i in range(40))}
    assert {told for told, _ in first.values()} == set(pool[:2])
    assert all(told == seen for told, seen in first.values()), first
    for to in first:
        assert sender("abroad", to, "again to " + to) == first[to]
    assert sender("abroad", "+447400123456", "to Britain") == ("Shop", "Shop")
    assert sender("home", "+8613800138000", "to China") == ("10690000", "10690000")
    assert sender("abroad", "+14155550000", "asked for", **{"from": "+15005550099"}) == (None, "+15005550099")


def test_senders__are_of_a_kind_that_the_country_takes(make_gateway):
    g = make_gateway(lane={"from": "+15005550006", "senders": ["Shop", "+447400123456", "Salon for KR"]}, env=KEY)

    def sender(to):
        sid = g.create(to=to, body="to " + to)
        g.wait(sid, "delivered")
        return g.attempts(sid)[-1]["from"], g.sim.of("to " + to)[0]["from"]
    assert sender("+14155550123") == (None, "+15005550006"), "no name, no British number; the lane's own"
    assert sender("+5511961234567") == ("+447400123456", "+447400123456"), "Brazil: no name"
    assert sender("+821012345678") == ("Salon", "Salon"), "who names it for a country knows"
    assert {sender("+4474001234%02d" % i)[0] for i in range(40)} == {"Shop", "+447400123456"}
    x = g.post("/v1/route/explain", {"to": "+5511961234567", "body": "x"}).json
    assert "`+447400123456` (number)" in next(d for d in x["decisions"] if d["decision"] == "sender")["text"], x


def test_canary__that_does_not_deliver_is_taken_out_and_stays_out_over_a_reload(make_gateway):
    routes = [{"name": "trial", "lanes": ["home"], "canary": "abroad 40%"}]
    g = two_lanes(make_gateway, routes)
    g.sims["abroad"].profile({"receipts": {"undelivered": 0.5}})
    for i in range(400):
        g.create(to="+1415555%04d" % i, body="text %d" % i)
    until(lambda: g.logged("route.canary_out"), 20, told="the canary is not taken out")
    line = g.logged("route.canary_out")[0]
    assert "route=trial" in line and "lane=abroad" in line and "why=fails" in line, line
    assert "route_canaries_out_total 1" in g.get("/metrics").body.decode()
    reload(g, routes=routes)
    g.settle()
    before = g.sims["abroad"].stats()["received"]
    for i in range(60):
        g.create(to="+1415556%04d" % i, body="later %d" % i)
    g.settle()
    assert g.sims["abroad"].stats()["received"] == before
    g.kill9()
    g.start()
    until(lambda: [d for d in g.post("/v1/route/explain", {"to": "+14155550123", "body": "x"}).json["decisions"]
                   if d["decision"] == "canary" and "taken out" in d["text"]], told="a restart begins the trial anew")
    reload(g, routes=[{"name": "trial", "lanes": ["home"], "canary": "abroad 50%"}])  # another trial begins
    for i in range(40):
        g.create(to="+1415557%04d" % i, body="anew %d" % i)
    until(lambda: g.sims["abroad"].stats()["received"] > before, told="a changed canary does not begin anew")


def test_canary__whose_calls_take_longer_is_taken_out_though_all_arrives(make_gateway):
    g = two_lanes(make_gateway, [{"name": "trial", "lanes": ["home"], "canary": "abroad 40%"}])
    g.sims["home"].profile({"latency_ms": 60})
    g.sims["abroad"].profile({"latency_ms": 500})
    begun = 0
    while not g.logged("route.canary_out") and begun < 600:
        for i in range(begun, begun + 40):
            g.create(to="+1415555%04d" % i, body="text %d" % i)
        begun += 40
        g.settle()
        until(lambda: g.sims["abroad"].stats()["held"] == 0)  # receipts come before the answers
    line, = g.logged("route.canary_out")
    assert "lane=abroad" in line and "why=slow" in line, line
    assert 50 <= g.sims["abroad"].stats()["received"] <= 140, g.sims["abroad"].stats()  # a hundred, and what was begun with them
    out = trial(g)
    assert out["out"] and out["own"]["failed"] == out["others"]["failed"] == 0 and out["own"]["call_ms"] > 2 * out["others"]["call_ms"], out
    before = g.sims["abroad"].stats()["received"]
    for i in range(40):
        g.wait(g.create(to="+1415556%04d" % i, body="later %d" % i), "delivered")
    assert g.sims["abroad"].stats()["received"] == before


def trial(g):
    g.operator = getattr(g, "operator", None) or {"Authorization": "Bearer " + g.create_key(scopes="admin,read")["key"]}
    a = g.get("/v1/routes", headers=g.operator)
    assert a.status == 200, a
    return a.json["data"][0]["canary"]


def test_canary__what_was_counted_is_shown_to_operators_and_goes_on_after_a_kill(make_gateway):
    g = two_lanes(make_gateway, [{"name": "trial", "lanes": ["home"], "canary": "abroad 40%"}])
    assert g.get("/v1/routes").status == 403
    assert trial(g) == {"lane": "abroad", "permille": 400, "out": False, "own": {"attempts": 0, "failed": 0, "call_ms": None},
                        "others": {"attempts": 0, "failed": 0, "call_ms": None}}
    for i in range(60):
        g.create(to="+1415555%04d" % i, body="text %d" % i)
    g.settle()
    until(lambda: trial(g)["own"]["attempts"] + trial(g)["others"]["attempts"] == 60)
    before = trial(g)
    assert 10 <= before["own"]["attempts"] <= 40 and before["own"]["call_ms"] is not None, before
    time.sleep(8)  # what a kill may lose is what was counted in the last five seconds
    g.create(to="+14155559999")
    g.settle()
    until(lambda: trial(g)["own"]["attempts"] + trial(g)["others"]["attempts"] == 61)
    g.kill9()
    g.start()
    until(lambda: trial(g)["own"]["attempts"] + trial(g)["others"]["attempts"] >= 60, told="the counts are gone")


def test_shares__a_recipient_keeps_its_lane_and_its_side_of_a_trial_over_a_kill(make_gateway):
    g = two_lanes(make_gateway, [{"name": "shared", "country": ["CN"], "lanes": ["home 50", "abroad 50"]},
                                 {"name": "tried", "lanes": ["home"], "canary": "abroad 40%"}])
    numbers = ["+8613800138%03d" % i for i in range(20)] + ["+1415555%04d" % i for i in range(20)]

    def lanes(body):
        sids = [g.create(to=to, body=body) for to in numbers]
        return [g.wait(sid, "delivered", timeout=30)["provider"] for sid in sids]
    first = lanes("before")
    for part in (first[:20], first[20:]):
        assert set(part) == {"home", "abroad"}, part
    g.kill9()
    g.start()
    assert lanes("after") == first
    x = [g.post("/v1/route/explain", {"to": to, "body": "x"}).json for to in numbers]
    assert [next(row["name"] for row in e["lanes"] if row["takes"]) for e in x] == first  # and what is said is what is done
