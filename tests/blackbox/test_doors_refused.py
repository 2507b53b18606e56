"""Brokers that are there and say no: out of memory, under an alarm, rights taken away while a door is open. What comes and what is told waits, in
order, and is neither lost nor doubled."""
import subprocess

from harness import rabbit
from harness.gateway import unique, until
from test_doors_out import check_order, entries
from test_doors_rabbit import POISON, Queue, broker, everything, session_broker, taken  # noqa: F401 (fixtures)
from test_doors_redis import ENV, Stream, all_there, door, session_server, stream  # noqa: F401 (fixtures)


def owed(g):
    return {"%s-%d" % (m["id"], e["number"]) for m in g.all(direction="outbound") for e in g.events(m["id"]) if not e["note"]}


def test_redis__that_is_out_of_memory_is_told_all_when_it_has_some(make_gateway, session_server):
    name, admin = unique("told"), session_server.connect()
    g = make_gateway(doors=[session_server.door(name, name="told", direction="out")], env=ENV, retry={"first_ms": 100})
    until(lambda: g.logged("door.open"), 30)
    g.create(body="before")
    until(lambda: len(entries(session_server, name)) >= 4, 30)
    admin.config_set("maxmemory", "1mb")
    admin.config_set("maxmemory-policy", "noeviction")
    try:
        for i in range(20):
            g.create("+1415%07d" % (2000000 + i), "text %d" % i)
        until(lambda: g.logged("webhook.failed"), 30)
        g.settle()
    finally:
        admin.config_set("maxmemory", "0")
    until(lambda: {eid for eid, _, _ in entries(session_server, name)} == owed(g), 90, 0.5, told="not all is told")
    check_order(entries(session_server, name))
    assert not g.logged("door.lost")


def test_rights__that_are_taken_away_and_given_back_lose_and_double_nothing(make_gateway, stream):  # noqa: F811
    user, client = unique("door"), stream.client
    client.execute_command("ACL", "SETUSER", user, "on", ">" + rabbit.PASSWORD, "~*", "+@all")
    g = door(make_gateway, stream, user=user, claim_s=1, settings={"retry": {"first_ms": 100}})
    texts = []
    for taken_away in (["-xreadgroup"], ["-xack"], ["resetkeys"], ["-@all"], ["off"]):
        texts += [stream.text(len(texts) + i) for i in range(20)]
        before = len(g.logged("door.lost")) + len(g.logged("door.unreachable"))
        client.execute_command("ACL", "SETUSER", user, *taken_away)
        if taken_away == ["off"]:
            client.execute_command("CLIENT", "KILL", "USER", user)
        texts += [stream.text(len(texts) + i) for i in range(20)]
        until(lambda before=before: len(g.logged("door.lost")) + len(g.logged("door.unreachable")) > before, 30, told="%s is not noticed" % taken_away)
        client.execute_command("ACL", "SETUSER", user, "on", "~*", "+@all")
    g.settle()
    all_there(g, texts)
    until(lambda: stream.pending() == 0, 60)
    assert client.exists(stream.name + ".dead") == 0


def test_rabbitmq__under_a_memory_alarm_is_told_all_when_it_is_over(make_gateway, broker):  # noqa: F811
    queue, exchange = Queue(broker), unique("told")
    queue.channel.exchange_declare(exchange, "topic", durable=True)
    queue.channel.queue_declare("q" + exchange, durable=True, arguments={"x-queue-type": "quorum"})
    queue.channel.queue_bind("q" + exchange, exchange, "#")
    g = make_gateway(doors=[broker.door(queue.name), broker.door(exchange, name="told", direction="out")], env=ENV, webhooks={"timeout_ms": 3000},
                     retry={"first_ms": 100})
    until(lambda: len(g.logged("door.open")) == 2, 60)
    for i in range(10):  # a moment before
        queue.put(POISON["rubbish"][0], message_id="bad %d" % i, delivery_mode=2)
    texts = [queue.text(i) for i in range(30)]

    def watermark(share):
        subprocess.run([rabbit.BIN / "rabbitmqctl", "set_vm_memory_high_watermark", share], env=broker.env(), check=True, capture_output=True, timeout=300)
    watermark("0.0000001")
    try:
        for i in range(10):
            texts.append("posted %d" % i)
            g.create("+1415%07d" % (3000000 + i), texts[-1])
        until(lambda: g.logged("webhook.failed"), 60, told="the door out does not notice")
    finally:
        watermark("0.4")
    g.settle()
    all_there(g, texts)
    queue.connect()
    until(lambda: queue.waiting() == 0, 60, 0.5)
    numbers = owed(g)
    told = []
    until(lambda: told.extend(taken(queue.channel, "q" + exchange, 1)) or {p.message_id for _, p, _ in told} == numbers, 90, 0,
          told="not all is told")
    check_order([(p.message_id, p.type, e) for _, p, e in told])
    dead = {}
    until(lambda: dead.update(everything(queue)) or len(dead) == 10, 30, 0.5)
