"""Webhooks whose endpoints are slow, dead, gone, redirecting, talkative, or whose gateway is killed under load."""
import collections
import concurrent.futures
import datetime
import random
import signal
import struct
import threading
import time

import pytest

from harness.clients import Clients
from harness.endpoint import Endpoint, Hooks, signature
from harness.gateway import SLOW, until
from harness.hostile_gateway import call, free_port, proc_status
from harness.shim import MACHINE_CLOCK, ShiftedClock

OPEN = {"allow_http": True, "allow_private": True}


@pytest.fixture
def endpoints():
    made = []

    def make(answer=204):
        made.append(Endpoint(answer))
        return made[-1]
    yield make
    for e in made:
        e.close()


@pytest.fixture
def start(make_gateway):
    def start(lane=None, **webhooks):
        g = make_gateway(lane=lane, webhooks={**OPEN, **webhooks})
        return g, Hooks(g, g.create_key(scopes="send,read,admin")["key"])
    return start


def reload(g, **changes):
    before = g.log().count("event=reload.done")
    g.write(**changes)
    g.process.send_signal(signal.SIGHUP)
    until(lambda: g.log().count("event=reload.done") > before, 20)


def in_order(posts):
    """Of each message the events of first posts rise."""
    seen = collections.defaultdict(list)
    for p in posts:
        number = int(p.id.split("-")[1])
        if number not in seen[p.data["id"]]:
            seen[p.data["id"]].append(number)
    wrong = {sid: numbers for sid, numbers in seen.items() if numbers != sorted(numbers)}
    assert not wrong, dict(list(wrong.items())[:3])
    return seen


def test_kill__every_event_arrives_in_order_under_the_same_ids(start, endpoints):
    g, hooks = start(lane={"timeout_ms": 2000, "connect_timeout_ms": 1000, "lookup_after_ms": 1500})
    dice = random.Random(11)
    flaky = endpoints(lambda post: 500 if dice.random() < 0.02 else 204)
    steady = endpoints()
    for e in (flaky, steady):
        hooks.create(e.url, events=["message.*"])
    with Clients(g, 3) as clients:
        for _ in range(3):
            target = clients.count() + dice.randint(40, 80)
            until(lambda: clients.count() >= target, timeout=60, step=0.002)
            g.kill9()
            g.start()
    g.settle(120)
    owed = {}
    for sid in clients.accepted.values():
        owed[sid] = {"%s-%d" % (sid, e["number"]): "message." + e["status"] for e in g.events(sid) if not e["note"]}
    assert len(owed) >= 60
    for e in (steady, flaky):
        def left(e=e):
            got = {p.id for p in list(e.posts)}
            return sum(len(ids.keys() - got) for ids in owed.values())
        until(lambda: left() == 0, 90, 0.2, told="events never came")
        in_order(e.posts)
        types = collections.defaultdict(set)
        for p in e.posts:
            types[p.id].add((p.type, p.json["timestamp"]))
        for ids in owed.values():
            for name, type in ids.items():
                assert [t for t, _ in types[name]] == [type]


def test_slow__holds_up_neither_other_webhooks_nor_messages(start, endpoints):
    g, hooks = start(timeout_ms=2000, window=4)
    release = threading.Event()
    slow = endpoints(lambda post: release.wait(60) and 204 or 204)
    fast = endpoints()
    hooks.create(slow.url)
    hooks.create(fast.url)
    sids = [g.create(to="+1415555%04d" % i) for i in range(100)]
    try:
        for sid in sids:
            g.wait(sid, "delivered", timeout=30)
        until(lambda: fast.types()["message.delivered"] == 100, 30)
        assert len(slow.posts) <= 100 * SLOW
    finally:
        release.set()


def test_failing__is_tried_again_until_it_is_well_and_nothing_is_lost(start, endpoints):
    g, hooks = start()
    well = threading.Event()
    e = endpoints(lambda post: 204 if well.is_set() else 500)
    hook = hooks.create(e.url, events=["message.sent", "message.delivered"])
    sids = [g.create() for _ in range(10)]
    for sid in sids:
        g.wait(sid, "delivered")
    until(lambda: len(e.posts) >= 5, 20)
    until(lambda: hooks.get(hook)["failing_since"], 20)
    assert not any(p.type == "message.delivered" for p in e.posts), "the second event came before the first was taken"
    well.set()
    until(lambda: len({p.id for p in list(e.posts) if p.type == "message.delivered"}) == 10, 60)
    until(lambda: not hooks.deliveries(hook, "&outcome=owed"), 20)
    until(lambda: hooks.get(hook)["failing_since"] is None, 20)
    in_order(e.posts)
    assert {r["status_code"] for r in hooks.deliveries(hook)} == {204}


def test_gone__an_answer_of_410_disables_it_and_the_others_are_told(start, endpoints):
    g, hooks = start()
    gone, other = endpoints(410), endpoints()
    dead = hooks.create(gone.url, events=["message.delivered"])
    hooks.create(other.url, events=["webhook.*"])
    g.wait(g.create(), "delivered")
    notice = other.wait("webhook.disabled")
    assert notice.data["webhook_id"] == dead["id"] and notice.data["reason"] == "gone" and notice.data["url"] == gone.url
    shown = hooks.get(dead)
    assert shown["status"] == "disabled" and shown["disabled_reason"] == "gone" and shown["disabled_since"]
    assert "webhook.disabled" in g.log() and dead["id"] in g.log()
    posts = len(gone.posts)
    g.wait(g.create(), "delivered")
    gone.answer = 204
    hooks.ask("POST", "/%s/enable" % dead["id"])
    until(lambda: not hooks.deliveries(dead, "&outcome=owed"), 20)
    assert len(gone.posts) == posts + 1 and {p.id for p in gone.posts} == {gone.posts[0].id}


def test_dead__is_disabled_after_failing_for_long_and_its_log_says_why(start, endpoints):
    g, hooks = start(disable_s=2, give_up_s=600)
    other = endpoints()
    dead = hooks.create("http://127.0.0.1:%d/nobody" % free_port())
    hooks.create(other.url, events=["webhook.disabled"])
    for _ in range(8):
        g.create()
    assert other.wait("webhook.disabled", timeout=40).data["reason"] == "failing"
    shown = hooks.get(dead)
    assert shown["disabled_reason"] == "failing" and shown["failing_since"] < shown["disabled_since"]
    rows = [r for r in hooks.deliveries(dead) if r["attempts"]]
    assert rows and all(r["status_code"] is None and r["error"] and r["outcome"] == "owed" for r in rows)


def test_notices__have_numbers_of_their_own_though_the_clock_steps_back_over_a_kill(make_gateway, endpoints, tmp_path):
    """A number that is used twice would be taken for what is owed already, and the second event never told."""
    clock, e = ShiftedClock(tmp_path), endpoints()
    g = make_gateway(webhooks=OPEN, env=clock.env)
    hooks = Hooks(g, g.create_key(scopes="send,read,admin")["key"])
    hook = hooks.create(e.url)

    def tests(n):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: hooks.ask("POST", "/%s/test" % hook["id"], expect=202), range(n)))
    began = time.monotonic()
    tests(400)
    g.kill9()
    clock.set(-round(time.monotonic() - began) - 1)
    g.start()
    tests(400)
    until(lambda: len({p.id for p in list(e.posts)}) == 800, 60, told=lambda: "%d of 800 notices came" % len({p.id for p in list(e.posts)}))


def test_redirect__is_not_followed(start, endpoints):
    g, hooks = start()
    inner = endpoints()
    e = endpoints((302, {"Location": inner.url}))
    hook = hooks.create(e.url, events=["message.delivered"])
    g.create(status_callback=e.url + "/of-the-message")
    row = until(lambda: next((r for r in hooks.deliveries(hook) if r["attempts"]), None), 20)
    assert row["status_code"] == 302 and row["outcome"] == "owed" and row["next_attempt_at"]
    until(lambda: "event=callback.failed" in g.log(), 20, told="a callback that is redirected counts as taken")
    assert not inner.posts


def test_talkative__an_answer_of_ten_megabytes_counts_and_is_not_read(start, endpoints):
    g, hooks = start()
    e = endpoints((200, {}, b"x" * (10 << 20)))
    hook = hooks.create(e.url, events=["message.delivered"])
    before = int(proc_status(g.process.pid, "VmRSS"))
    for _ in range(20):
        g.create()
    until(lambda: len([r for r in hooks.deliveries(hook, "&outcome=taken")]) == 20, 40)
    assert len(e.posts) == 20
    assert int(proc_status(g.process.pid, "VmRSS")) - before < 60_000 * SLOW


def test_retry_after__is_honoured(start, endpoints):
    g, hooks = start()
    answers = [(503, {"Retry-After": "4"})]
    e = endpoints(lambda post: answers.pop() if answers else 204)
    hook = hooks.create(e.url, events=["message.delivered"])
    g.create()
    until(lambda: hooks.deliveries(hook, "&outcome=taken"), 30)
    assert len(e.posts) == 2 and e.posts[1].at - e.posts[0].at >= 3.9


def test_give_up__ends_an_event_and_lets_the_next_go(start, endpoints):
    g, hooks = start(give_up_s=1)
    e = endpoints(lambda post: 500 if post.type == "message.sent" else 204)
    hook = hooks.create(e.url, events=["message.sent", "message.delivered"])
    sid = g.create()
    e.wait("message.delivered", sid, timeout=30)
    rows = until(lambda: [r for r in hooks.deliveries(hook) if r["outcome"] != "owed"][1:] and hooks.deliveries(hook), 20)
    assert [(r["type"], r["outcome"]) for r in rows] == [("message.delivered", "taken"), ("message.sent", "given_up")]
    assert "webhook.given_up" in g.log()


def ahead(of, clock, seconds):
    """The clock of everybody but us stands so far from where it was at first."""
    clock.set(round(seconds))
    until(lambda: call(of.port, "GET", "/healthz").status == 200)


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


@MACHINE_CLOCK
def test_dead__is_tried_for_a_day_at_growing_distances_and_then_no_more(make_gateway, endpoints, tmp_path):
    """By the settings that are the default; hours pass by a clock that is set."""
    clock, e = ShiftedClock(tmp_path), endpoints(500)
    g = make_gateway(webhooks=OPEN, env=clock.env)
    hooks = Hooks(g, g.create_key(scopes="send,read,admin")["key"])
    hook = hooks.create(e.url, events=["message.delivered"])
    g.wait(g.create(), "delivered")
    tries = []
    while True:
        row, = until(lambda: [r for r in hooks.deliveries(hook) if r["attempts"] > len(tries)], 40, told="it is not tried for the %dth time" % (len(tries) + 1))
        tries.append(time.time() + clock_now(clock))
        if row["outcome"] == "given_up":
            break
        assert len(tries) < 60, tries
        if row["next_attempt_at"]:
            ahead(g, clock, max(clock_now(clock), instant(row["next_attempt_at"]) - time.time() + 1))
    gaps = [b - a for a, b in zip(tries, tries[1:])]
    assert 24 * 3600 <= tries[-1] - tries[0] < 28 * 3600, tries
    assert gaps[0] < 60 and 3000 < max(gaps) <= 3.1 * 3600 and len(tries) > 12, gaps
    assert sum(gaps[:5]) < sum(gaps[5:10]) < sum(gaps[-5:]), gaps
    assert "webhook.given_up" in g.log() and hooks.get(hook)["status"] == "enabled", "three days disable it, not one"
    posts = {p.id for p in e.posts}
    assert len(posts) == 1 and len(e.posts) == len(tries)
    e.answer = 204
    late = g.create()
    e.wait("message.delivered", late, timeout=90)


def clock_now(clock):
    return struct.unpack("q", clock.file.read_bytes())[0]


@MACHINE_CLOCK
def test_rotation__the_old_secret_signs_until_its_time_is_over(make_gateway, endpoints, tmp_path):
    clock, e = ShiftedClock(tmp_path), endpoints()
    g = make_gateway(webhooks=OPEN, env=clock.env)
    hooks = Hooks(g, g.create_key(scopes="send,read,admin")["key"])
    hook = hooks.create(e.url, events=["message.delivered"])
    old, new = hook["secret"], hooks.ask("POST", "/%s/rotate" % hook["id"])["secret"]

    def signatures(seconds):
        ahead(g, clock, seconds)
        return e.wait("message.delivered", g.create())
    assert hooks.get(hook)["old_secret_until"]
    posts = [signatures(n * 3600) for n in (0, 23, 25)]
    counts = [len(p.headers["webhook-signature"].split(" ")) for p in posts]
    assert counts == [2, 2, 1], counts
    mine = [[signature(s, p) in p.headers["webhook-signature"].split(" ") for s in (old, new)] for p in posts]
    assert mine == [[True, True], [True, True], [False, True]], mine
    assert hooks.get(hook)["old_secret_until"] is None


def test_private__an_address_allowed_before_is_refused_at_the_connection(start, endpoints):
    """As for a name that leads elsewhere since it was checked."""
    g, hooks = start()
    e = endpoints()
    hook = hooks.create(e.url, events=["message.delivered"])
    g.term()
    g.write(webhooks={"allow_http": True})
    g.start()
    g.wait(g.create(), "delivered")
    row = until(lambda: next((r for r in hooks.deliveries(hook) if r["attempts"]), None), 20)
    assert row["status_code"] is None and "private network" in row["error"] and not e.posts


def test_retention__deliveries_are_forgotten_after_keep_s(start, endpoints):
    g, hooks = start(give_up_s=1, keep_s=1)
    e = endpoints()
    hook = hooks.create(e.url)
    g.wait(g.create(), "delivered")
    e.wait("message.delivered")
    until(lambda: not hooks.deliveries(hook, "&outcome=owed"), 20)
    g.term()
    time.sleep(1.1)
    g.start()  # it looks at once
    until(lambda: not hooks.deliveries(hook), 20)
    sid = g.create()
    e.wait("message.delivered", sid)


def test_deleted__a_message_takes_what_is_owed_of_it_along(start, endpoints):
    g, hooks = start()
    e = endpoints(500)
    hook = hooks.create(e.url)
    sid = g.create()
    g.wait(sid, "delivered")
    until(lambda: e.of(sid), 20)
    assert call(g.port, "DELETE", "/v1/messages/" + sid, headers=g.bearer).status == 204
    until(lambda: not hooks.deliveries(hook), 20)


def test_reload__changes_what_holds_for_webhooks(start, endpoints):
    g, hooks = start(timeout_ms=60000)
    e = endpoints()
    hooks.create(e.url, events=["message.delivered"])
    reload(g, webhooks={"allow_http": True})
    g.create()
    until(lambda: "webhook.failed" in g.log(), 20)
    assert not e.posts
    reload(g, webhooks=OPEN)
    e.wait("message.delivered")
