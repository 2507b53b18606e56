"""Doors under attack: queues that somebody deletes while they are consumed are made again, and nothing of what was taken is doubled;
entries made to hurt go to the dead letters."""
from harness import rabbit
from harness.gateway import until
from test_doors_rabbit import Queue, broker, session_broker  # noqa: F401 (fixtures)
from test_doors_redis import ENV, Stream, all_there, door, opened, session_server, stream  # noqa: F401 (fixtures)


def test_stream__that_is_flushed_away_is_read_again_when_it_is_back(make_gateway, stream):  # noqa: F811
    g = door(make_gateway, stream)
    texts = [stream.text(i) for i in range(100)]
    stream.client.delete(stream.name)  # with its group, in mid-flight
    until(lambda: len(g.logged("door.lost")) or len(g.logged("door.open")) > 1, 30, told="nobody notices")
    more = [stream.text(i) for i in range(100, 200)]
    until(lambda: set(more) <= set(g.sim.times()), 60, told="the door does not go on")
    g.settle()
    times = g.sim.times()
    assert set(times.values()) == {1} and set(times) <= set(texts + more)
    until(lambda: stream.pending() == 0)


def test_queue__that_is_deleted_while_it_is_consumed_is_made_again(make_gateway, broker):  # noqa: F811
    queue = Queue(broker)
    g = opened(make_gateway(doors=[broker.door(queue.name, prefetch=5)], env={"DOOR_PASSWORD": rabbit.PASSWORD}))
    texts = [queue.text(i) for i in range(60)]
    queue.channel.queue_delete(queue.name)
    until(lambda: len(g.logged("door.open")) > 1, 30, told="the door does not open again")
    queue.connect()
    more = [queue.text(i) for i in range(100, 160)]
    until(lambda: set(more) <= set(g.sim.times()), 60, told="the door does not go on")
    g.settle()
    times = g.sim.times()
    assert set(times.values()) == {1} and set(times) <= set(texts + more)
    until(lambda: queue.waiting() == 0)


DEEP, LATIN = b"[" * 20000, b'{"to": "+14155550123", "body": "caf\xe9"}'


def test_poison__of_a_stream_is_put_aside_with_its_reason_and_holds_up_nobody(make_gateway, stream):  # noqa: F811
    g = door(make_gateway, stream)
    stream.put(DEEP, id="deep")
    stream.put(LATIN, id="latin")
    stream.put(b"x" * 10_000_000, id="large")
    texts = [stream.text(i) for i in range(10)]
    all_there(g, texts)
    dead = {d["id"].decode(): int(d["status"]) for d in stream.dead(3)}
    assert dead == {"deep": 400, "latin": 400, "large": 413}
    until(lambda: stream.pending() == 0)


def test_entries__of_a_stream_that_are_too_much_for_one_reply_are_taken_in_turn(make_gateway, stream):  # noqa: F811
    for i in range(3):
        stream.put(b"x" * 9_000_000, id="large %d" % i)
    for i in range(24):
        stream.put(b"y" * 1_000_000, id="some %d" % i)
    texts = [stream.text(i) for i in range(10)]
    g = door(make_gateway, stream)
    all_there(g, texts)
    assert len({d["id"] for d in stream.dead(27)}) == 27
    until(lambda: stream.pending() == 0)
    assert not g.logged("door.lost")


def test_dead_letters__that_redis_refuses_wait_and_hold_up_nobody(make_gateway, stream):  # noqa: F811
    stream.client.set(stream.name + ".dead", "no stream")
    g = door(make_gateway, stream)
    for i in range(5):
        stream.put(b"{rubbish", id="bad %d" % i)
    texts = [stream.text(i) for i in range(50)]
    all_there(g, texts)
    until(lambda: stream.pending() == 5, 30)
    assert "WRONGTYPE" in g.log() and not g.logged("door.lost")
    stream.client.delete(stream.name + ".dead")
    assert {d["id"] for d in stream.dead(5)} == {b"bad %d" % i for i in range(5)}
    until(lambda: stream.pending() == 0)


def test_poison__of_a_queue_is_put_aside_with_its_reason_and_holds_up_nobody(make_gateway, broker):  # noqa: F811
    queue = Queue(broker)
    g = opened(make_gateway(doors=[broker.door(queue.name)], env={"DOOR_PASSWORD": rabbit.PASSWORD}))
    queue.put(DEEP, message_id="deep")
    queue.put(LATIN, message_id="latin")
    queue.put(b"x" * 10_000_000, message_id="large")
    texts = [queue.text(i) for i in range(10)]
    all_there(g, texts)
    dead = {p.message_id: p.headers["x-hongyan-status"] for p, _ in queue.dead(3)}
    assert dead == {"deep": 400, "latin": 400, "large": 413}
    until(lambda: queue.waiting() == 0)
