"""Events out by Redis Streams: what webhooks tell, each at least once under one id, in order per message, over kill -9 of either side;
from the same outbox: log of deliveries, replay, filters."""
import collections
import json

import pytest

from harness import stream_server
from harness.gateway import unique, until

ENV = {"DOOR_PASSWORD": stream_server.PASSWORD}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    r = stream_server.Redis(tmp_path_factory.mktemp("redis") / "server").start()
    yield r
    r.stop()


@pytest.fixture
def name():
    return unique("events")


def door(server, name, **more):
    return server.door(name, name="told", direction="out", **more)


def entries(server, name):
    """[(id, type, what)] in the order of the stream."""
    return [(f[b"id"].decode(), f[b"type"].decode(), json.loads(f[b"json"])) for _, f in server.connect().xrange(name)]


def whole(server, name, ids, last="message.delivered"):
    """Every message has come to its last event."""
    return {e["data"]["id"] for _, t, e in entries(server, name) if t == last} >= set(ids)


def check_order(found):
    """Of each message the events came in their order, whatever was told again."""
    seen = collections.defaultdict(list)
    for eid, kind, e in found:
        assert eid == "%s-%d" % (e["data"]["id"], e["data"]["event"]) and e["type"] == kind
        if eid not in seen[e["data"]["id"]]:
            seen[e["data"]["id"]].append(eid)
    for sid, ids in seen.items():
        numbers = [int(i.rsplit("-", 1)[1]) for i in ids]
        assert numbers == sorted(numbers), (sid, numbers)


def test_door_out__tells_what_a_webhook_tells(make_gateway, server, name, receiver):
    g = make_gateway(doors=[door(server, name)], env=ENV, webhooks={"allow_http": True, "allow_private": True})
    key = g.create_key(scopes="send,read,admin")
    g.key = key["key"]
    made = g.post("/v1/webhooks", {"url": receiver.url}, g.bearer)
    assert made.status == 201, made
    sid = g.create(metadata={"order": 7}, topic="orders")
    until(lambda: whole(server, name, [sid]))
    until(lambda: len(receiver.posts) >= len(entries(server, name)))
    posted = {p.headers["webhook-id"]: p.json for p in receiver.posts}
    told = {eid: e for eid, _, e in entries(server, name)}
    assert told == posted and len(told) == len(entries(server, name))
    hooks = g.get("/v1/webhooks", headers=g.bearer).json["data"]
    mine = next(h for h in hooks if h["url"] == "door:told")
    log = g.get("/v1/webhooks/%s/deliveries" % mine["id"], headers=g.bearer).json["data"]
    assert len(log) == len(told) and {d["outcome"] for d in log} == {"taken"}
    a = g.post("/v1/webhooks/%s/replay" % mine["id"], {"since": "2020-01-01T00:00:00Z"}, g.bearer)
    assert a.status == 202, a
    until(lambda: len(entries(server, name)) == 2 * len(told))
    assert {eid for eid, _, _ in entries(server, name)} == set(told)
    metrics = g.get("/metrics").body.decode()
    assert 'door_told_total{door="told"} %d' % (2 * len(told)) in metrics and 'door_connected{door="told"} 1' in metrics


def test_door_out__is_for_its_types_and_topics_and_follows_its_settings(make_gateway, server, name):
    g = make_gateway(doors=[door(server, name, events=["message.delivered"], topics=["orders"])], env=ENV)
    wanted = [g.create(topic="orders") for _ in range(3)]
    other = g.create(topic="news")
    g.wait(other, "delivered")
    until(lambda: whole(server, name, wanted))
    assert [t for _, t, _ in entries(server, name)] == ["message.delivered"] * 3
    assert g.term() == 0
    g.write(doors=[door(server, name, events=["message.sent"])])
    g.start()
    sid = g.create()
    until(lambda: whole(server, name, [sid], "message.sent"))
    assert [t for _, t, _ in entries(server, name)] == ["message.delivered"] * 3 + ["message.sent"]


def some(g, ids, n):
    """n more messages, each with words and a number of its own."""
    for i in range(len(ids), len(ids) + n):
        ids.append(g.create("+1415%07d" % (2000000 + i), "text %d" % i))


def test_kill__of_either_side_loses_no_event(make_gateway, server, name):
    g = make_gateway(doors=[door(server, name)], env=ENV, lane={"lookup_after_ms": 1000, "timeout_ms": 2000, "connect_timeout_ms": 1000})
    ids = []
    for _ in range(2):
        some(g, ids, 60)
        g.kill9()
        g.start()
        some(g, ids, 60)
        server.kill9()
        some(g, ids, 30)
        until(lambda: "door.unreachable" in g.log(), 30)
        server.start()
    g.settle(60)
    owed = {"%s-%d" % (sid, e["number"]) for sid in ids for e in g.events(sid) if not e["note"]}
    until(lambda: {eid for eid, _, _ in entries(server, name)} >= owed, 90, 0.2, told="not all that happened was told")
    check_order(entries(server, name))
    assert 'door_connected{door="told"} 1' in g.get("/metrics").body.decode()
