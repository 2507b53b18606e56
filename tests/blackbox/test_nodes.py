"""Several gateways on one database: whatever becomes of one, nothing accepted is lost and nothing is sent twice, the others resume its
work within the lease, and receipts and commands may come to any of them. HONGYAN_LONG=1: a hundred faults."""
import collections
import os
import random
import signal
import time

import pytest

from harness.cluster import LEASE_MS, STEADY, Cluster, Crowd
from harness.gateway import SLOW, until
from test_kill import BAD_DAY, LANE, Story, check_nothing_lost_or_doubled

FAULTS = 100 if os.environ.get("HONGYAN_LONG") else 4


@pytest.fixture
def cluster(make_gateway, tmp_path):
    made = []

    def make(**how):
        made.append(Cluster(make_gateway, tmp_path, **how))
        return made[-1]
    yield make
    for c in made:
        c.balancer.close()


def later(seconds=3600):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def check(cluster, clients, faults):
    cluster.settle(180)
    g = cluster.nodes[0]
    story = Story(g, clients.accepted)
    story.summary(faults, clients)
    check_nothing_lost_or_doubled(g, clients, story, cluster.sim.times())
    return story


def test_nodes__are_listed_with_their_lease_and_work(cluster):
    c = cluster(**STEADY).start()
    rows = c.listed()
    assert [r["name"] for r in rows] == ["n0", "n1", "n2"] and len({r["id"] for r in rows}) == 3
    assert all(r["state"] == "alive" and 0 < r["lease_ms"] <= STEADY["node"]["lease_ms"] and r["pending"] == 0 for r in rows), rows
    assert [r["address"] for r in rows] == ["127.0.0.1:%d" % g.port for g in c.nodes]
    table = c.nodes[1].run("nodes", "-c", str(c.nodes[1].config)).stdout.decode()
    assert table.splitlines()[0].split()[0] == "id" and "n2" in table
    assert c.nodes[2].term() == 0
    until(lambda: [r["name"] for r in c.listed()] == ["n0", "n1"], told="one that left is still listed")
    assert {r["name"]: r["state"] for r in c.listed(c.nodes[0], "--all")}["n2"] == "gone"


def test_node__sees_what_another_was_told(cluster):
    c = cluster(**STEADY).start()
    c.balancer.ports = [c.nodes[1].port]
    sid = c.nodes[0].create(body="told to n0")
    for g in c.nodes:
        assert g.message(sid)["body"] == "told to n0"
    c.nodes[2].wait(sid, "delivered")  # its receipts came to n1
    assert "node_parcels_total 0" not in c.nodes[1].get("/metrics").body.decode()
    assert "node_parcels_total 0" in c.nodes[0].get("/metrics").body.decode()


def test_node__cancels_what_another_owns(cluster):
    c = cluster(**STEADY).start()
    held = c.nodes[0].create(body="later", send_at=later())
    a = c.nodes[2].cancel(held)
    assert a.status == 200 and a.json["status"] == "canceled", a
    assert c.nodes[1].cancel(held).json["status"] == "canceled"
    sent = c.nodes[0].create(body="gone out")
    c.nodes[0].wait(sent, "delivered")
    a = c.nodes[1].cancel(sent)
    assert a.status == 409 and "delivered" in a.json["detail"], a
    assert c.nodes[2].cancel("SM" + "0" * 32).status == 404


def test_node__that_is_killed_has_its_work_resumed_within_the_lease(cluster):
    c = cluster(profile={"latency_ms": 5}).start()
    held = [c.nodes[0].create(body="held %d" % i, send_at=later(3)) for i in range(20)]
    c.nodes[0].kill9()
    began = time.monotonic()
    for sid in held:
        c.nodes[1].wait(sid, "sent", "delivered", timeout=60)
    took = time.monotonic() - began
    print("\n%d messages of a killed node were sent %.1f s after its end" % (len(held), took))
    assert took < (4 + 2 * LEASE_MS / 1000) * max(SLOW, 6)
    assert all(c.sim.times()["held %d" % i] == 1 for i in range(20))
    owners = [r for r in c.listed(c.nodes[1], "--all") if r["name"] == "n0"]
    assert owners[0]["state"] in ("taken", "gone"), owners


def test_node__that_ends_orderly_hands_over_at_once(cluster):
    c = cluster(**STEADY).start()
    held = [c.nodes[0].create(body="rest %d" % i, send_at=later()) for i in range(30)]
    assert c.nodes[0].term() == 0
    until(lambda: sum(r["pending"] for r in c.listed(c.nodes[1]) if r["state"] == "alive") == 30, told="it does not hand over before its lease ends")
    assert "node.left" in c.nodes[0].log()
    assert c.nodes[1].cancel(held[0]).status == 200


def test_node__that_restarts_goes_on_with_its_own_work(cluster):
    c = cluster(n=2, **STEADY).start()
    held = [c.nodes[0].create(body="mine %d" % i, send_at=later()) for i in range(5)]
    before = {r["name"]: r for r in c.listed()}
    c.nodes[0].kill9()
    c.nodes[0].start()
    after = {r["name"]: r for r in c.listed()}
    assert (after["n0"]["id"], after["n0"]["pending"]) == (before["n0"]["id"], 5), after
    assert c.nodes[1].cancel(held[4]).status == 200


def test_node__that_was_paused_over_its_lease_ends_and_sends_nothing_twice(cluster):
    c = cluster(profile=BAD_DAY, lane=LANE).start()
    dice = random.Random(3)
    with Crowd(c) as clients:
        c.some_more(clients, dice)
        pause(c.nodes[0])
        until(lambda: "event=node.taken node=%d " % c.id_of(0) in c.nodes[1].log() + c.nodes[2].log(), 60)
        c.some_more(clients, dice)
        c.nodes[0].signal(signal.SIGCONT)
        c.ended_for_its_lease(c.nodes[0])
        c.nodes[0].start()
        c.some_more(clients, dice)
    c.revive()
    check(c, clients, 1)


def pause(g):
    """SIGSTOP. On SQLite one that is stopped in the middle of a write holds up all others until their own leases end: then it goes on
    at once, and is stopped again."""
    g.pause()
    while g.holds_a_lock():
        g.signal(signal.SIGCONT)
        time.sleep(0.05)
        g.pause()


def fault(c, dice):
    c.revive()
    g = dice.choice(c.nodes)
    kind = dice.choice(["kill", "kill", "stop", "term", "wink"])
    if kind == "kill":
        g.kill9()
        time.sleep(dice.choice([0, 0, 2 * LEASE_MS / 1000]))  # back before its lease ends, or after
        g.start()
    elif kind == "term":
        if g.term(60) != 0:
            c.ended_for_its_lease(g)
        g.start()
    elif kind == "wink":  # shorter than its lease
        g.signal(signal.SIGSTOP)
        time.sleep(0.3 * LEASE_MS / 1000)
        g.signal(signal.SIGCONT)
    else:
        pause(g)
        time.sleep(1.6 * LEASE_MS / 1000)
        g.signal(signal.SIGCONT)
    return kind


def test_nodes__whatever_happens_nothing_is_lost_and_nothing_is_sent_twice(cluster):
    c = cluster(profile=BAD_DAY, lane=LANE).start()
    dice, faults = random.Random(20), collections.Counter()
    with Crowd(c) as clients:
        for _ in range(FAULTS):
            c.some_more(clients, dice)
            faults[fault(c, dice)] += 1
        c.some_more(clients, dice)
    c.revive()
    print("\n%s" % dict(faults))
    check(c, clients, FAULTS)


def test_nodes__of_one_name_are_two_and_each_has_its_own_work(cluster):
    c = cluster(n=2)
    for g in c.nodes:
        g.write(node={**g.settings["node"], "name": "twin"})
    c.start()
    held = [g.create(body="of %d" % g.port, send_at=later()) for g in c.nodes]
    rows = c.listed()
    assert [r["name"] for r in rows] == ["twin"] * 2 and len({r["id"] for r in rows}) == 2 and [r["pending"] for r in rows] == [1, 1]
    c.nodes[0].kill9()
    until(lambda: [(r["name"], r["pending"]) for r in c.listed(c.nodes[1]) if r["state"] == "alive"] == [("twin", 2)], LEASE_MS / 1000 + 20,
          told="the twin does not take over")
    c.nodes[0].start()
    assert {c.nodes[1].cancel(sid).json["status"] for sid in held} == {"canceled"}
    for g in c.nodes:
        g.wait(g.create(body="again by %d" % g.port), "delivered")


def test_node__that_is_gone_leaves_its_work_to_all_that_are_left(cluster):
    """In turn, a thousand each: a node that is held up for some looks has less, and none has all."""
    c = cluster(n=4, profile={"receipts": {"none": 1}}).start()
    many, at = 6000, later()
    c.nodes[0].wait(c.nodes[0].create(body="at once"), "sent")
    for i in range(many):
        assert c.nodes[0].post("/v1/messages", {"to": "+86138%08d" % i, "body": "later", "send_at": at}).status == 202
    assert {r["name"]: r["pending"] for r in c.listed()}["n0"] >= many
    c.nodes[0].kill9()

    def shares():
        rows = c.listed(c.nodes[1])
        return {r["name"]: r["pending"] for r in rows if r["name"] != "n0"} if sum(r["pending"] for r in rows if r["name"] != "n0") >= many else None
    left = until(shares, 60, told=lambda: c.listed(c.nodes[1]))
    print("\n", left)
    assert len(left) == 3 and max(left.values()) <= many * 2 / 3, left
