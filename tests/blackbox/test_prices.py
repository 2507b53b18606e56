"""Prices of lanes: what an attempt costs, which lane is the cheapest, what a message may cost, and what it came to."""
import concurrent.futures

from harness.cluster import STEADY, Cluster
from harness.gateway import until, whole_day
from harness.shim import ShiftedClock
from test_explain import admin, explain, says
from test_routes import prepare, reload, two_lanes

PRICES = {"home": {"prices": ["CN 0.045", "+86139 0.09", "* 0.02"]}, "abroad": {"prices": ["* 0.0075", "CN 0.05"]}}


def usage(g, **query):
    a = g.get("/v1/usage" + ("?by=" + query["by"] if "by" in query else ""))
    assert a.status == 200, a
    return a.json["data"]


def rows(g, by):
    return {r[by]: (r["messages"], r["segments"], r["price"]) for r in usage(g, by=by)}


def test_prices__the_cheapest_lane_that_serves_well_enough_goes_first(make_gateway):
    whole_day()
    g = two_lanes(make_gateway, [{"name": "all", "order": "cheapest", "lanes": ["home", "abroad"]}], lanes=PRICES)
    sent = {to: g.wait(g.create(to=to, topic="shop"), "delivered") for to in ("+8613800138000", "+8613900138000", "+14155550123")}
    assert [m["provider"] for m in sent.values()] == ["home", "abroad", "abroad"], sent
    tries = [g.attempts(m["id"])[0] for m in sent.values()]
    assert [(t["price"], t["currency"]) for t in tries] == [("0.045", "USD"), ("0.05", "USD"), ("0.0075", "USD")], tries
    two = g.wait(g.create(to="+14155550123", body="x" * 200), "delivered")
    assert g.attempts(two["id"])[0]["price"] == "0.015"  # two segments
    assert rows(g, "lane") == {"home": (1, 1, "0.045"), "abroad": (3, 4, "0.0725")}
    assert rows(g, "country") == {"CN": (2, 2, "0.095"), "US": (2, 3, "0.0225")}
    assert rows(g, "topic") == {"shop": (3, 3, "0.1025"), None: (1, 2, "0.015")}
    assert [(r["messages"], r["price"]) for r in usage(g)] == [(4, "0.1175")] and usage(g)[0]["day"]
    x = explain(g, to="+8613800138000", headers=admin(g))
    assert [(row["name"], row["price"]) for row in x["lanes"]] == [("home", "0.045"), ("abroad", "0.05")], x
    assert "0.045 USD" in says(x, "price")["text"]
    g.kill9()
    g.start()
    assert rows(g, "lane") == {"home": (1, 1, "0.045"), "abroad": (3, 4, "0.0725")}


def test_prices__a_cheap_lane_below_the_floor_stands_behind_until_it_is_well_again(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    g = two_lanes(make_gateway, [{"name": "all", "order": "cheapest", "health_floor": 80, "lanes": ["home", "abroad"]}],
                  lanes=PRICES, env=clock.env)
    headers = admin(g)
    g.sims["abroad"].profile({"receipts": {"undelivered": 1}})
    for i in range(40):
        m = g.wait(g.create(to="+14155550123", body="text %d" % i), "undelivered", "delivered")
        if m["provider"] == "home":
            break
    ill = g.get("/v1/lanes/abroad", headers=headers).json["health_percent"]
    assert 2 <= i < 40 and ill < 80, (i, ill)
    x = explain(g, headers=headers)
    assert [row["name"] for row in x["lanes"]] == ["home", "abroad"], x
    g.sims["home"].stop()  # better an ill one than none
    assert g.wait(g.create(to="+14155550123", body="all the same"), "undelivered", timeout=40)["provider"] == "abroad"
    g.sims["home"].start()
    g.sims["abroad"].profile({"receipts": {"undelivered": 0}})
    clock.set(2 * 3600)
    until(lambda: g.get("/v1/lanes/abroad", headers=headers).json["health_percent"] == 100, 30)
    assert g.wait(g.create(to="+14155550123", body="cheap again"), "delivered", timeout=30)["provider"] == "abroad"


def test_prices__what_was_surely_not_taken_costs_nothing(make_gateway):
    whole_day()
    g = make_gateway(lane={"prices": ["* 1"], "price_per": "message", "currency": "CNY", "lookup_after_ms": 300},
                     retry={"first_ms": 50, "max_ms": 100})
    g.sim.profile({"errors": [{"share": 1, "status": 429, "code": 20429}]})
    sid = g.create(body="x" * 200)
    until(lambda: len(g.attempts(sid)) >= 2)
    g.sim.profile({"errors": []})
    g.wait(sid, "delivered")
    assert [(r["messages"], r["segments"], r["price"], r["currency"]) for r in usage(g)] == [(1, 2, "1", "CNY")]
    g.wait(g.create(to="+15005550001"), "failed")  # refused: an invalid number
    assert [(r["messages"], r["price"]) for r in usage(g)] == [(1, "1")]


def test_prices__a_ceiling_passes_dear_lanes_by_and_waits_for_a_cheaper_one(make_gateway):
    route = {"name": "all", "max_price": "0.01", "lanes": ["home", "abroad"]}
    g = two_lanes(make_gateway, [route], lanes=PRICES)
    assert g.wait(g.create(to="+14155550123"), "delivered")["provider"] == "abroad"
    sid = g.create(to="+8613800138000")
    m = g.message(sid)
    assert (m["status"], m["reason"], m["expected_at"]) == ("queued", "price_ceiling", None), m
    x = explain(g, to="+8613800138000")
    assert (x["outcome"], says(x, "price")["reason"]) == ("waits", "price_ceiling"), x
    reload(g, routes=[{**route, "max_price": "0.05"}])
    assert g.wait(sid, "delivered", timeout=20)["provider"] == "home"
    dear = g.create(to="+8613900138000", validity_s=1, body="y" * 500)
    assert g.wait(dear, "expired", timeout=20)["provider"] is None


def test_prices__a_file_of_ten_thousand_prefixes_and_its_faults(make_gateway, tmp_path):
    table = tmp_path / "prices.csv"
    table.write_text("prefix,price\n# mainland\n" + "".join("+86%05d,0.0%05d\n" % (i, i) for i in range(10000, 20000)) + "CN,0.9\n")
    g = prepare(make_gateway, [{"name": "all", "lanes": ["home"]}], lanes={"home": {"prices_file": str(table)}}).start()
    m = g.wait(g.create(to="+8613800138000"), "delivered")
    assert g.attempts(m["id"])[0]["price"] == "0.0138"
    m = g.wait(g.create(to="+14155550123"), "delivered")
    assert g.attempts(m["id"])[0]["price"] is None
    table.write_text("prefix,price\n+86138,cheap\n")
    done = g.run("config", "check", "-c", g.settings_file)
    assert done.returncode != 0 and "line 2" in str(done.stdout) + str(done.stderr), (done.stdout, done.stderr)


def test_prices__a_message_says_what_it_came_to_and_may_have_a_ceiling_of_its_own(make_gateway):
    g = two_lanes(make_gateway, [{"name": "all", "lanes": ["home", "abroad"]}], lanes=PRICES)
    m = g.wait(g.create(to="+14155550123", max_price="0.01"), "delivered")
    assert (m["provider"], m["price"], m["currency"], m["max_price"]) == ("abroad", "0.0075", "USD", "0.01"), m
    assert [(r["price"], r["currency"]) for r in g.all() if r["id"] == m["id"]] == [("0.0075", "USD")]
    assert g.wait(g.create(to="+14155550123"), "delivered")["price"] == "0.02"
    sid = g.create(to="+14155550123", max_price="0.0001")
    g.kill9()
    g.start()
    m = g.message(sid)
    assert (m["status"], m["reason"], m["price"], m["max_price"]) == ("queued", "price_ceiling", None, "0.0001"), m
    x = explain(g, to="+14155550123", max_price="0.0001")
    assert (x["outcome"], says(x, "price")["reason"]) == ("waits", "price_ceiling") and "0.0001" in says(x, "price")["text"], x
    for wrong in ("cheap", "-1", "0", "0.12345678"):
        a = g.post("/v1/messages", {"to": "+14155550123", "body": "x", "max_price": wrong})
        assert (a.status, a.json["field"]) == (400, "max_price"), a


def test_prices__a_ceiling_where_nothing_has_a_price_is_refused_at_the_door(make_gateway):
    g = make_gateway()
    a = g.post("/v1/messages", {"to": "+14155550123", "body": "x", "max_price": "1"})
    assert (a.status, a.json["field"]) == (422, "max_price") and "prices" in a.json["detail"], a
    assert g.wait(g.create(), "delivered")["price"] is None


def saved(g):
    a = g.get("/v1/usage/saved")
    assert a.status == 200, a
    return {r["by"]: (r["messages"], r["segments"], r["price"], r["currency"]) for r in a.json["data"]}


def test_prices__what_an_account_may_spend_in_a_day_holds_to_the_last_message_over_a_kill(make_gateway):
    whole_day()
    g = make_gateway(lane={"prices": ["* 0.01"], "price_per": "message", "lookup_after_ms": 300},
                     limits={"spend": ["0.05 USD/day", "1 USD/day for account=rich"]})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda i: g.post("/v1/messages", {"to": "+14155550123", "body": "text %d" % i,
                                                               "validity_s": 2 * 86400}).json, range(12)))

    def held():  # one that waited for a place with the lane first is held when it has one
        return [m for m in (g.message(m["id"]) for m in made) if m["reason"] == "spend_ceiling"]
    until(lambda: len(held()) == 7, told="other than 5 may go")
    assert {m["status"] for m in held()} <= {"scheduled", "queued"}, held()
    m = held()[0]
    assert m["waiting_for"] == "spend_ceiling" and m["due_at"] and m["price"] is None, m
    late = g.post("/v1/messages", {"to": "+14155550123", "body": "soon", "validity_s": 1}).json
    assert (late["reason"], late["status"]) == ("spend_ceiling", "suppressed"), late
    x = explain(g, validity_s=2 * 86400)
    assert (x["outcome"], x["reason"]) == ("waits", "spend_ceiling") and "0.05 of 0.05 USD" in says(x, "spend")["text"], x
    until(lambda: g.sim.stats()["received"] == 5)
    g.kill9()
    g.start()
    after = g.create(validity_s=2 * 86400)
    until(lambda: g.message(after)["reason"] == "spend_ceiling", told="what was spent before the kill is forgotten")
    rich = g.create_key("rich")
    a = g.post("/v1/messages", {"to": "+14155550123", "body": "x"}, {"Authorization": "Bearer " + rich["key"]})
    assert a.json["reason"] is None, a
    until(lambda: g.sim.stats()["received"] == 6)
    assert [r["price"] for r in usage(g)] == ["0.05"]
    g.sim.profile({"errors": []})


def test_prices__nodes_on_one_database_spend_together_no_more_than_one_may(make_gateway, tmp_path):
    """HONGYAN_TEST_DATABASE: on PostgreSQL; test_postgres.py runs it there, too."""
    spend_together(make_gateway, tmp_path)


def spend_together(make_gateway, tmp_path, **how):
    whole_day()
    c = Cluster(make_gateway, tmp_path, n=2, lane={"prices": ["* 0.01"], "price_per": "message"},
                limits={"spend": ["0.41 USD/day"]}, **STEADY, **how).start()
    try:
        def post(i):
            a = c.nodes[i % 2].post("/v1/messages", {"to": "+14155550123", "body": "text %d" % i, "validity_s": 2 * 86400})
            assert a.status == 202, a
            return a.json["id"]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            sids = list(pool.map(post, range(120)))

        def held():
            return sum(c.nodes[0].message(sid)["reason"] == "spend_ceiling" for sid in sids)
        until(lambda: held() == 120 - 41, 60, told="other than 41 may go")
        until(lambda: c.sim.stats()["received"] == 41, 30)
        assert [r["price"] for r in usage(c.nodes[0])] == ["0.41"] == [r["price"] for r in usage(c.nodes[1])]
    finally:
        c.balancer.close()


def test_prices__what_was_saved_says_thanks_to_what(make_gateway):
    g = two_lanes(make_gateway, [{"name": "all", "order": "cheapest", "lanes": ["home", "abroad"]}], lanes=PRICES,
                  limits={"duplicates": ["10min"]})
    us = "+14155550123"
    g.wait(g.create(to=us, body="hello"), "delivered")  # 0.0075 instead of 0.02
    assert saved(g) == {"cheapest_route": (0, 0, "0.0125", "USD")}
    for _ in range(2):
        assert g.post("/v1/messages", {"to": us, "body": "hello"}).json["reason"] == "duplicate"
    g.wait(g.create(to="+15005550001", body="y"), "failed")  # a number that is none
    assert g.message(g.create(to="+15005550001", body="z"))["reason"] == "known_invalid"
    g.wait(g.create(to=us, body="“" + "a" * 120 + "”", smart_encoding=True), "delivered")
    until(lambda: saved(g).get("cheapest_route", "--")[2] == "0.025")
    now = saved(g)
    assert now["duplicates"] == (2, 2, "0.015", "USD") and now["dead_numbers"][:2] == (1, 1), now
    assert now["smart_encoding"] == (0, 1, "0.0075", "USD") and now["cheapest_route"][2] == "0.025", now
    metrics = g.get("/metrics").body.decode()
    told = [line for line in metrics.splitlines() if line.startswith(("sms_saved", "lane_cost"))]
    assert 'sms_saved_messages_total{by="duplicates"} 2' in told, told
    assert 'lane_cost_total{lane="abroad",currency="USD"} 0.015000' in told, told[-3:]
    g.kill9()
    g.start()
    assert saved(g) == now
    assert g.get("/v1/usage/saved?from=2026-01-01T00:00:00Z&until=2025-01-01T00:00:00Z").status == 400
