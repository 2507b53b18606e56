"""SIGHUP opens, closes and changes doors while entries come and events go: none is lost, none is sent twice, those that stay as they are
are not touched."""
import threading

import pytest
from harness import rabbit, stream_server
from harness.gateway import unique, until
from test_doors_out import entries
from test_doors_rabbit import Queue, broker, session_broker  # noqa: F401 (fixtures)
from test_doors_redis import ENV, Stream, all_there, session_server  # noqa: F401 (fixtures)
from test_routes import reload


def lines(g, event, door):
    return [line for line in g.logged(event) if "door=%s " % door in line + " "]


def came(g, event, door, times=1):
    until(lambda: len(lines(g, event, door)) >= times, 30, told="%s: %s does not come" % (event, door))


class Pouring(threading.Thread):
    """Entries for two streams, without end."""

    def __init__(self, *streams):
        super().__init__(daemon=True)
        self.streams, self.texts, self.stopping = streams, [], threading.Event()

    def run(self):
        while not self.stopping.wait(0.005):
            n = len(self.texts)
            self.texts.append("text %d" % n)
            self.streams[n % len(self.streams)].put({"to": "+1415%07d" % (2000000 + n), "body": self.texts[-1]})

    def more(self, n=40):
        target = len(self.texts) + n
        until(lambda: len(self.texts) >= target, 60)


def test_doors__are_opened_closed_and_changed_under_load(make_gateway, session_server):
    a, b = Stream(session_server), Stream(session_server)
    told = unique("events")

    def way_in(stream, name, **more):
        return session_server.door(stream.name, name=name, **more)

    def way_out(stream):
        return session_server.door(stream, name="told", direction="out", events=["message.sent"])
    g = make_gateway(doors=[way_in(a, "one")], env=ENV)
    came(g, "door.open", "one")
    pour = Pouring(a, b)
    pour.start()
    pour.more()
    reload(g, doors=[way_in(a, "one"), way_in(b, "two"), way_out(told)])  # two are new
    came(g, "door.open", "two")
    came(g, "door.open", "told")
    until(lambda: entries(session_server, told), 30, told="the new door out tells nothing")
    since = len(pour.texts)
    for prefetch in (3, 50, 7):  # one is changed, again and again
        before = len(lines(g, "door.open", "two"))
        reload(g, doors=[way_in(a, "one"), way_in(b, "two", prefetch=prefetch), way_out(told)])
        came(g, "door.open", "two", before + 1)
        pour.more()
    reload(g, doors=[way_in(b, "two", prefetch=7), way_out(told + ".2")])  # one is gone, the way out leads elsewhere
    came(g, "door.closed", "one")
    until(lambda: entries(session_server, told + ".2"), 30, told="the changed door out tells nothing")
    came(g, "door.closed", "told")
    idle = a.pending()  # what was on its way to it when it closed is claimed when it is open again
    pour.more()
    assert a.pending() == idle <= 7, "what it had taken is acknowledged, and nothing else is taken"
    opened = len(lines(g, "door.open", "two"))
    reload(g, doors=[way_in(a, "one"), way_in(b, "two", prefetch=7), way_out(told + ".2")])
    came(g, "door.open", "one", 2)
    pour.more()
    pour.stopping.set()
    pour.join()
    all_there(g, pour.texts)
    assert len(lines(g, "door.open", "two")) == opened and not g.logged("door.lost"), "what stays as it is is not touched"
    g.settle()
    owed = {m["id"] for m in g.all(direction="outbound") if int(m["body"].split()[1]) >= since}

    def heard():
        return {e["data"]["id"] for name in (told, told + ".2") for _, _, e in entries(session_server, name)}
    until(lambda: heard() >= owed, 60, 0.2, told="not all that was sent since the door out was there is told")
    until(lambda: a.pending() == b.pending() == 0, 30)
    assert session_server.connect().exists(a.name + ".dead", b.name + ".dead") == 0


def test_door__of_rabbitmq_is_changed_while_its_queue_is_full(make_gateway, broker):  # noqa: F811
    queue = Queue(broker)
    g = make_gateway(doors=[broker.door(queue.name, prefetch=20)], env={"DOOR_PASSWORD": rabbit.PASSWORD})
    until(lambda: g.logged("door.open"), 30)
    texts = []
    for prefetch in (5, 60, 1):
        texts += [queue.text(len(texts) + i) for i in range(150)]
        reload(g, doors=[broker.door(queue.name, prefetch=prefetch)])
    all_there(g, texts)
    until(lambda: queue.waiting() == 0 and queue.waiting(queue.name + ".dead") == 0)
    came(g, "door.closed", broker.door(queue.name)["name"], 3)
    del g.settings["doors"]
    reload(g)
    came(g, "door.closed", broker.door(queue.name)["name"], 4)
    queue.text(len(texts))
    until(lambda: queue.waiting() == 1)
    assert g.term() == 0


def test_door_out__that_is_taken_away_is_closed_and_its_events_wait(make_gateway, session_server):
    told = unique("events")
    out = session_server.door(told, name="told", direction="out", events=["message.sent"])
    g = make_gateway(doors=[out], env=ENV)
    g.create(body="told")
    until(lambda: len(entries(session_server, told)) == 1, 30)
    del g.settings["doors"]
    reload(g)
    came(g, "door.closed", "told")
    assert 'door_connected{door="told"} 0' in g.get("/metrics").body.decode()
    sid = g.create(body="waits")
    g.wait(sid, "delivered")
    assert len(entries(session_server, told)) == 1
    reload(g, doors=[out])
    until(lambda: sid in {e["data"]["id"] for _, _, e in entries(session_server, told)}, 60, told="what was owed is not told")
