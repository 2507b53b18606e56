"""Replies and receipts that a provider keeps until it is asked (Tencent's PullSmsReplyStatus and PullSmsSendStatus), and hands out once:
fetched only where the lane says so, by one of several nodes, and on disk before they are forgotten here."""
import json
import os
import random
import sqlite3
import time

import pytest

from harness.cluster import Cluster
from harness.gateway import call, until

KEY, TO = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE", "+8618511122233"
LANE = {"name": "tc", "provider": "tencent", "secret_id": "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "secret_key": "${SECRET_KEY}",
        "sdk_app_id": "1400006666", "sign_name": "腾讯云", "template_id": "449739", "allow_private": True}
SQLITE = pytest.mark.skipif("HONGYAN_TEST_DATABASE" in os.environ, reason="the file of SQLite is locked from outside")


@pytest.fixture
def make(make_gateway):
    """Not running yet: a gateway with one such lane, and its provider, which posts nothing."""
    def made(profile=None, **lane):
        sim = make_gateway.simulator(profile=profile)
        g = make_gateway.gateway(provider_url=sim.url, env={"SECRET_KEY": KEY}, lanes=[{**LANE, "base_url": sim.url, **lane}])
        g.sim = sim
        return g
    return made


def reply(sim, body, sender=TO):
    said = call(sim.port, "POST", "/_sim/reply", json.dumps({"from": sender, "to": "腾讯云", "body": body, "provider": "tencent"}))
    assert said.status == 200, said


def came(g):
    return [m["body"] for m in g.all(direction="inbound")]


def test_pulls__fetch_replies_and_receipts_where_the_lane_asks_for_them(make):
    g = make(pull_replies_s=1, pull_receipts_s=1).start()
    sid = g.create(to=TO, body="您的验证码是 314159")
    g.wait(sid, "delivered")
    bad = g.create(to="+8613900000105", body="nobody there")
    assert g.wait(bad, "undelivered")["reason"] == "unreachable"
    reply(g.sim, "收到 👋")
    until(lambda: came(g) == ["收到 👋"], told="the reply is not fetched")
    (m,) = g.page(direction="inbound")["data"]
    assert (m["from"], m["to"]) == (TO, "腾讯云")
    reply(g.sim, "TD")
    until(lambda: len(came(g)) == 2, told="the second reply is not fetched")
    stats, meters = g.sim.stats(), g.metrics()
    assert stats["handed_out"] == 4 and stats["auth_failures"] == 0
    assert meters["provider_pulled_total"] == 4 and meters["provider_pulls_failed_total"] == 0
    assert g.term() == 0


def test_pulls__nothing_is_fetched_unless_the_lane_asks_for_it(make):
    g = make()
    reply(g.sim, "kept")
    g.start()
    sid = g.create(to=TO, body="x")
    g.wait(sid, "sent")
    time.sleep(0.5)  # nothing can be waited for: nothing happens
    assert g.message(sid)["status"] == "sent" and not came(g) and g.sim.stats()["handed_out"] == g.sim.stats()["lists"] == 0
    g.write(lanes=[{**g.settings["lanes"][0], "pull_replies_s": 1}])
    g.signal(1)
    until(lambda: came(g) == ["kept"], told="a reload does not begin to fetch")


def test_pulls__a_full_answer_is_followed_by_the_next_at_once(make):
    g = make(pull_replies_s=86400)
    for i in range(230):
        reply(g.sim, "reply %d" % i, "+861851%07d" % i)
    g.start()
    until(lambda: len(came(g)) == 230, 30, 0.2, told="not all are fetched")
    assert sorted(came(g)) == sorted("reply %d" % i for i in range(230)) and g.sim.stats()["lists"] == 3


def test_pulls__that_are_refused_are_told_and_tried_less_often(make):
    g = make({"providers": {"tencent": {"secret": "another"}}}, pull_replies_s=1).start()
    until(lambda: len(g.logged("pull.failed")) >= 2, told="nothing is told")
    assert "AuthFailure.SignatureFailure" in g.log() and KEY not in g.log()
    assert "again_in_ms=2000" in g.logged("pull.failed")[0].replace("1999", "2000"), g.logged("pull.failed")[0]
    assert g.metrics()["provider_pulls_failed_total"] >= 2
    reply(g.sim, "kept")
    g.sim.profile({"providers": {"tencent": {"secret": KEY}}})
    until(lambda: came(g) == ["kept"], 30, told="it is not tried again")


@SQLITE
def test_pulls__what_was_handed_out_waits_here_until_the_database_takes_it(make):
    g = make(pull_replies_s=1)
    g.start()
    until(lambda: g.sim.stats()["lists"] >= 1, told="nothing is fetched")
    lock = sqlite3.connect(g.data / "hongyan.db", timeout=30, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    reply(g.sim, "while nothing is taken")
    until(lambda: g.logged("pull.waits"), 30, told="it does not wait")
    lists = g.sim.stats()["lists"]
    time.sleep(1.5)  # longer than the interval: no fetch comes while the database takes nothing
    assert g.sim.stats()["handed_out"] == 1 and g.sim.stats()["lists"] == lists and not came(g)
    lock.execute("ROLLBACK")
    lock.close()
    until(lambda: came(g) == ["while nothing is taken"], 30, told="it is lost")
    reply(g.sim, "afterwards")
    until(lambda: sorted(came(g)) == ["afterwards", "while nothing is taken"], 30, told="no fetch comes afterwards")


@SQLITE
def test_pulls__what_nobody_takes_is_told_and_counted_as_a_failure(make):
    g = make(pull_replies_s=1).start()
    until(lambda: g.sim.stats()["lists"] >= 1, told="nothing is fetched")
    lock = sqlite3.connect(g.data / "hongyan.db", timeout=30, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    reply(g.sim, "it comes when its lane has gone")
    until(lambda: g.logged("pull.waits"), 30, told="it does not wait")
    g.write(lanes=[{**LANE, "base_url": g.sim.url, "name": "other"}])
    g.signal(1)
    until(lambda: g.logged("pull.lost"), 30, told="nobody is told")
    lock.execute("ROLLBACK")
    lock.close()
    assert g.metrics()["provider_pulls_failed_total"] == 1


def test_kill__loses_one_answer_of_the_provider_at_most_and_doubles_nothing(make):
    """What Tencent has handed out it has forgotten: an answer that was on its way, or not yet on disk, at a kill -9 is lost. That is all."""
    kills, replies = 2, 350
    g = make(pull_replies_s=1)
    for i in range(replies):
        reply(g.sim, "r%d" % i, "+861851%07d" % i)
    for _ in range(kills):
        before = g.sim.stats()["handed_out"]
        g.start()
        until(lambda: g.sim.stats()["handed_out"] > before, step=0.002, told="nothing is fetched")
        time.sleep(random.random() * 0.02)
        g.kill9()
    g.start()
    until(lambda: g.sim.stats()["handed_out"] == replies, 30, told="not all are fetched")
    until(lambda: g.metrics()["provider_pulled_total"] <= len(came(g)), 30, told="what this run fetched is not stored")
    got = came(g)
    assert len(got) == len(set(got)), "doubled"
    lost = replies - len(got)
    print("\n%d kills lost %d of %d replies" % (kills, lost, replies))
    assert 0 <= lost <= 100 * kills


def test_nodes__only_the_keeper_fetches_and_another_does_when_it_is_gone(make_gateway, tmp_path):
    c = Cluster(make_gateway, tmp_path, n=2, env={"SECRET_KEY": KEY})
    try:
        for g in c.nodes:
            g.write(lanes=[*g.settings["lanes"], {**LANE, "base_url": c.sim.url, "pull_replies_s": 1}])
        c.start()
        reply(c.sim, "one")
        until(lambda: came(c.nodes[0]) == ["one"], told="nothing is fetched")
        pulls = [g.metrics()["provider_pulls_total"] for g in c.nodes]
        assert sorted(p > 0 for p in pulls) == [False, True], pulls
        keeper = c.nodes[pulls.index(max(pulls))]
        other = c.nodes[1 - c.nodes.index(keeper)]
        keeper.kill9()
        reply(c.sim, "two")
        until(lambda: sorted(came(other)) == ["one", "two"], 60, told="nobody fetches any more")
    finally:
        c.balancer.close()
