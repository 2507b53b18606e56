"""What nodes of one database count for each other without Redis: lanes on trial and the fraud guard. No node alone has seen enough to say
anything, all together have; what one has found out, or was told by somebody, holds for all and over kills."""
import time

import pytest
from harness.cluster import STEADY, Cluster
from harness.gateway import Gateway, call, until
from test_fraud import blocks, number
from test_routes import KEY, QUICK, trial


@pytest.fixture
def cluster(make_gateway, tmp_path):
    made = []

    def make(**how):
        made.append(Cluster(make_gateway, tmp_path, **how))
        return made[-1]
    yield make
    for c in made:
        c.balancer.close()


def on_trial(c, make_gateway, share="50%"):
    """A second lane whose provider reports that nothing arrives is tried with so many."""
    c.bad = make_gateway.simulator(profile={"receipts": {"undelivered": 1}})
    for g in c.nodes:
        g.write(lanes=[Gateway.lane("home", c.sim.url, **QUICK), Gateway.lane("abroad", c.bad.url, **QUICK)],
                routes=[{"name": "trial", "lanes": ["home"], "canary": "abroad " + share}])
    return c.start()


def test_canary__that_no_node_alone_can_judge_is_taken_out_on_all_and_stays_out(cluster, make_gateway):
    c = on_trial(cluster(env=KEY, **STEADY), make_gateway)
    for i in range(3 * 56):  # some 28 by each lane of each node; 50 of each are needed
        c.nodes[i % 3].create(to="+1415555%04d" % i, body="text %d" % i)
    until(lambda: all(trial(g)["out"] for g in c.nodes), 30, told="counts of the nodes do not come together")
    assert sum(g.metrics()["route_canaries_out_total"] for g in c.nodes) >= 1  # by whom it was found out; the others may have been told
    assert any("why=fails" in line for g in c.nodes for line in g.logged("route.canary_out"))
    c.settle()
    before = c.bad.stats()["received"]
    assert before < 3 * 56
    for g in c.nodes:
        g.kill9()
    for g in c.nodes:
        g.start()
    until(lambda: all(trial(g)["out"] for g in c.nodes), 30, told="a restart begins the trial anew")
    for i in range(60):
        c.nodes[i % 3].create(to="+1415556%04d" % i, body="later %d" % i)
    c.settle()
    assert c.bad.stats()["received"] == before


def test_burst__that_no_node_alone_sees_is_held_by_all_and_released_by_any(cluster):
    c = cluster(fraud={"burst_min": 60}, **STEADY).start()
    admin = {"Authorization": "Bearer " + c.nodes[0].create_key(scopes="send,read,admin")["key"]}
    for g in c.nodes:
        g.admin = admin
    a, b, last = c.nodes

    def is_held(g, i):
        return g.message(g.create(number(i), "pumped"))["reason"] == "fraud_hold"

    def comes_to(want, g):
        """Asked so seldom that this node's own texts are not what is found."""
        for i in range(30):
            if is_held(g, i) == want:
                return True
            time.sleep(0.3)
        return False

    def passes(g):
        return until(lambda: not is_held(g, 7), 20, told="a node does not hear that the prefix was released")

    for i in range(75):
        assert not is_held(c.nodes[i % 3], i) or i >= 60  # all together are enough from then on
    assert comes_to(True, a), "what others counted is not counted"
    for g in (b, last):
        until(lambda: is_held(g, 5), 20, told="a node does not hear of the flag")
    flag, = blocks(last)
    assert blocks(a) == blocks(b) == [flag] and flag["reason"] == "burst"
    assert call(last.port, "DELETE", "/v1/fraud/blocks/" + flag["prefix"], headers=admin).status == 204
    for g in c.nodes:
        passes(g)
    assert blocks(a) == []
    b.kill9()
    b.start()
    for i in range(70):  # more than a burst: it is let pass, over a restart, too
        assert not is_held(b, i)
