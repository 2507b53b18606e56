"""kill -9 at random moments under load, with a provider that loses answers and receipts: what was answered 2xx is never lost (I1),
and nothing is sent twice (I2, I5). HONGYAN_LONG=1: thirty kills in one run."""
import collections
import os
import pathlib
import random
import signal

from harness.clients import Clients
from harness.gateway import SLOW, until

KILLS = 30 if os.environ.get("HONGYAN_LONG") else 5
LANE = {"timeout_ms": 2000, "connect_timeout_ms": 1000, "lookup_after_ms": 1500}
BAD_DAY = {"lost_answers": 0.01, "lost_requests": 0.005, "half_answers": 0.002, "latency_ms": {"min": 0, "max": 20},
           "errors": [{"share": 0.002, "status": 503, "recorded": True}],
           "receipts": {"none": 0.05, "duplicate": 0.02, "out_of_order": 0.02, "early": 0.01, "delay_ms": {"min": 0, "max": 50}}}
ARCHITECTURE = pathlib.Path(__file__).resolve().parents[2] / "ARCHITECTURE.md"


def allowed_moves():
    """The table of states: {state: those it may move to}."""
    lines = ARCHITECTURE.read_text(encoding="utf-8").split("\n## States", 1)[1].split("\n## ", 1)[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][1:]
    return {state: set(filter(None, nexts.split(", "))) for state, _, nexts in rows}


class Story:
    """What became of each message, by its events; what does not fit together fails."""

    def __init__(self, g, ids):
        self.moves, self.told, self.final, self.counts = {}, {}, {}, collections.Counter()
        table = allowed_moves()
        stored = {m["id"]: m for m in g.all(direction="outbound")}
        for text, sid in ids.items():
            assert sid in stored, "answered 2xx, and not there: %s %s" % (text, sid)
            m, events = stored[sid], g.events(sid)
            assert m["body"] == text
            assert [e["number"] for e in events] == list(range(1, len(events) + 1)), events
            moves = [e["status"] for e in events if not e["note"]]
            if moves[-1] != m["status"]:
                m = g.message(sid)  # a last receipt came between the two reads
            assert moves[0] == "accepted" and moves[-1] == m["status"], (m, events)
            for before, after in zip(moves, moves[1:]):
                assert after in table[before], (before, after, events)
                self.counts["%s->%s" % (before, after)] += 1
            self.moves[text], self.final[text] = moves, m
            self.told[text] = [(e["number"], e["status"]) for e in events if not e["note"]]
        self.bodies = collections.Counter(m["body"] for m in stored.values())

    def failed(self):
        return collections.Counter("%s/%s" % (m["status"], m["reason"]) for m in self.final.values())

    def summary(self, kills, clients):
        back = {k: v for k, v in self.counts.items() if k.startswith("unknown->")}
        absent = back.pop("unknown->queued", 0)
        unknown = self.counts["sending->unknown"]
        gone = sum(m["reason"] == "outcome_unknown" for m in self.final.values())
        print("\n%d kills: %d accepted, %d unsure, %d repeated with their key; %d outcomes unknown: %d found, %d absent, "
              "%d never known; ends %s" % (kills, clients.count(), len(clients.union("unsure")),
                                          sum(c.repeats for c in clients.all), unknown, sum(back.values()) - gone, absent, gone,
                                          dict(self.failed())))


def check_nothing_lost_or_doubled(g, clients, story, received):
    assert not clients.wrong, clients.wrong[:5]
    honest = {t for t, m in story.final.items() if m["status"] == "failed" and m["reason"] == "outcome_unknown"}
    lost = [(t, story.final[t]["status"], story.moves[t]) for t in story.final if not received[t] and t not in honest]
    assert not lost, lost[:5]
    repeatable = clients.union("repeatable")
    twice = [(t, n, story.moves.get(t)) for t, n in received.items() if n > 1 and t not in repeatable]
    assert not twice, twice[:5]
    two = [t for t, n in story.bodies.items() if n > 1]
    assert not two, two[:5]  # keyed ones, that were repeated, included
    known = {"delivered", "sent", "failed", "undelivered"}
    odd = [(t, m["status"], m["reason"]) for t, m in story.final.items() if m["status"] not in known]
    assert not odd, odd[:5]


def after_some_more(clients, dice, least=40, most=400):
    """A random moment, counted in messages, so that it comes under load on any machine."""
    target = clients.count() + dice.randint(least, most)
    until(lambda: clients.count() >= target, timeout=60, step=0.002)


def test_kill__nothing_accepted_is_lost_and_nothing_is_sent_twice(make_gateway):
    g = make_gateway(profile=BAD_DAY, lane=LANE, retry={"first_ms": 100})
    dice = random.Random(7)
    with Clients(g, 6) as clients:
        for _ in range(KILLS):
            after_some_more(clients, dice)
            g.kill9()
            g.start()
        after_some_more(clients, dice)
    g.settle(120)
    story = Story(g, clients.accepted)
    story.summary(KILLS, clients)
    check_nothing_lost_or_doubled(g, clients, story, g.sim.times())
    assert story.counts["sending->unknown"] > 0, "nothing was ever unknown: this proves little"


def test_kill_during_start__is_a_kill_like_any_other(make_gateway):
    """Killed again and again before it is ready, with work left over from before."""
    g = make_gateway(profile=BAD_DAY, lane=LANE, retry={"first_ms": 100})
    dice = random.Random(8)
    with Clients(g, 6) as clients:
        after_some_more(clients, dice, 300, 400)
        g.kill9()
        for _ in range(KILLS * 2):
            g.launch()
            lines, wanted = len(g.log()), dice.randint(0, 3)
            until(lambda: g.log()[lines:].count("\n") >= wanted or g.process.poll() is not None, step=0.001)
            g.kill9()
        g.start()
        after_some_more(clients, dice)
    g.settle(120)
    story = Story(g, clients.accepted)
    story.summary(KILLS * 2, clients)
    check_nothing_lost_or_doubled(g, clients, story, g.sim.times())


def test_kill_both__nothing_accepted_is_lost(make_gateway):
    """The provider is killed too, and forgets all it had. What the gateway knew to be sent is not sent again; what it did not know, a
    provider with no memory cannot tell, so that may come once to each of the provider's lives."""
    g = make_gateway(profile=BAD_DAY, lane=LANE, retry={"first_ms": 100})
    dice, lives = random.Random(9), []
    with Clients(g, 6) as clients:
        for _ in range(max(3, KILLS // 3)):
            after_some_more(clients, dice)
            g.kill9()
            lives.append(g.sim.times())
            g.sim.stop()
            g.start()
            after_some_more(clients, dice, 10, 100)  # accepted while the provider is away
            g.sim.start()
            after_some_more(clients, dice)
    g.settle(120)
    lives.append(g.sim.times())
    story = Story(g, clients.accepted)
    story.summary(len(lives) - 1, clients)
    repeatable = clients.union("repeatable")
    for life in lives:
        assert [t for t, n in life.items() if n > 1 and t not in repeatable] == []
    ever = sum(lives, collections.Counter())
    for text, n in ever.items():
        if n > 1 and text in story.moves:
            assert "unknown" in story.moves[text], (text, story.moves[text])
    honest = {t for t, m in story.final.items() if m["reason"] == "outcome_unknown"}
    assert [t for t in story.final if not ever[t] and t not in honest] == []
    assert not clients.wrong


def test_kill_with_two_providers__a_message_goes_to_one_of_them(make_gateway):
    """What is unknown at one provider is not sent by the other before the first was asked."""
    g = make_gateway.gateway(profile=BAD_DAY, retry={"first_ms": 100})
    other = make_gateway.simulator(profile={**BAD_DAY, "lost_answers": 0.05})
    g.write(lanes=[g.lane("one", g.sim.url, in_flight_max=8, **LANE), g.lane("two", other.url, in_flight_max=8, **LANE)])
    g.start()
    dice = random.Random(11)
    with Clients(g, 6) as clients:
        for _ in range(KILLS):
            after_some_more(clients, dice)
            g.kill9()
            g.start()
        after_some_more(clients, dice)
    g.settle(120)
    until(lambda: other.stats()["receipts_pending"] == other.stats()["in_flight"] == 0, 30)
    story = Story(g, clients.accepted)
    story.summary(KILLS, clients)
    assert g.sim.stats()["received"] and other.stats()["received"]
    check_nothing_lost_or_doubled(g, clients, story, g.sim.times() + other.times())


def test_kill_with_one_text_for_all__no_look_up_takes_anothers_message(make_gateway):
    """The provider cannot tell these messages from each other. Rather than sent twice, some are never known."""
    g = make_gateway(lane={**LANE, "timeout_ms": 1000, "lookup_after_ms": 300, "lookups_max": 2}, retry={"first_ms": 100},
                     profile={"lost_answers": 0.1, "lost_requests": 0.1, "receipts": {"none": 1}})
    ids = []
    for part in range(3):
        ids += [g.create(body="the same", validity_s=8) for _ in range(40)]
        g.kill9()
        g.start()
    g.settle(60)
    stored = list(g.all())
    assert {m["id"] for m in stored} == set(ids)
    known = [m["provider_id"] for m in stored if m["provider_id"]]
    assert len(known) == len(set(known)), "two messages claim the same"
    ends = collections.Counter("%s/%s" % (m["status"], m["reason"]) for m in stored)
    received = g.sim.times()["the same"]
    print("\n%d accepted, %d received, ends %s" % (len(ids), received, dict(ends)))
    assert sum(m["status"] == "sent" for m in stored) <= received <= len(ids)
    assert set(ends) <= {"sent/None", "failed/outcome_unknown", "expired/expired"}


def test_kill_with_a_backlog__what_waits_on_disk_is_sent_once(make_gateway):
    """Far more messages than are held in memory, with a provider too slow for them."""
    g = make_gateway(lane={**LANE, "in_flight_max": 8}, retry={"first_ms": 100}, limits={"live_max": 32},
                     profile={"latency_ms": 20, "lost_answers": 0.005, "receipts": {"none": 0.1}})
    dice = random.Random(12)
    with Clients(g, 8, most=60 * KILLS) as clients:
        for _ in range(KILLS):
            after_some_more(clients, dice, 100, 250)
            g.kill9()
            g.start()
        clients.join()
    g.settle(120)
    story = Story(g, clients.accepted)
    story.summary(KILLS, clients)
    check_nothing_lost_or_doubled(g, clients, story, g.sim.times())


def test_sigterm__drains_and_loses_nothing(make_gateway):
    """An orderly stop under load: what was with the provider is waited for, so nothing is ever unknown."""
    g = make_gateway(profile={"latency_ms": {"min": 20, "max": 200}}, lane={**LANE, "timeout_ms": 20000, "connect_timeout_ms": 10000})
    dice = random.Random(10)
    with Clients(g, 6) as clients:
        for _ in range(KILLS):
            after_some_more(clients, dice, 40, 150)
            assert g.term() == 0
            g.start()
        after_some_more(clients, dice, 40, 150)
    g.settle(60)
    story = Story(g, clients.accepted)
    story.summary(0, clients)
    received = g.sim.times()
    check_nothing_lost_or_doubled(g, clients, story, received)
    assert story.counts["sending->unknown"] == 0 and "message.unknown" not in g.log()
    assert set(story.failed()) <= {"delivered/None", "sent/None"}, story.failed()
    assert set(received) <= set(clients.accepted) | clients.union("unsure")


def test_sigterm__with_a_silent_provider_ends_within_the_drain_time(make_gateway):
    g = make_gateway(profile={"silence": 1, "silence_recorded": True}, lane={**LANE, "timeout_ms": 60000}, drain_ms=1000)
    sids = [g.create(body="held %d" % i) for i in range(5)]
    until(lambda: g.sim.stats()["held"] == 5)
    g.signal(signal.SIGTERM)
    assert g.process.wait(30 * SLOW) == 0
    g.sim.profile({"silence": 0})
    g.write(lanes=[g.lane("sim", g.provider_url, **{**LANE, "timeout_ms": 1000})])
    g.start()
    for sid in sids:  # recorded, and found by asking once their lease is over
        g.wait(sid, "sent", "delivered", timeout=90)
    assert g.sim.stats()["received"] == 5
