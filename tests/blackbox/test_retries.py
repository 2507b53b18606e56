"""When a message that was not taken is tried again: waits that double below a ceiling and are drawn evenly, what the provider asked for, the
message's validity, settings of single classes, a quota's window."""
import datetime

from harness.gateway import until
from harness.shim import ShiftedClock

QUICK = {"lookup_after_ms": 300}
DAY = 86400
OFF = {"share": 1, "status": 400, "code": 30003}  # the handset is off: this message later, nothing about the lane
QUOTA = {"share": 1, "status": 429, "code": 63038}


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def wait_of(g, sid, n):
    """Seconds from the end of the nth attempt to the next."""
    m = g.message(sid)
    if m["attempts"] != n or m["status"] != "queued":
        return None
    return (when(m["due_at"]) - when(g.attempts(sid)[-1]["ended_at"])).total_seconds()


def test_backoff__doubles_up_to_its_most_and_is_drawn_evenly_below_it(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    g = make_gateway.gateway(lane=QUICK, profile={"errors": [OFF]}, env=clock.env,
                             retry={"first_ms": 3_600_000, "max_ms": 9_000_000, "attempts_max": 4})
    g.start()
    sids = [g.create("+1415555%04d" % i, "text %d" % i, validity_s=DAY) for i in range(60)]
    ahead = 0
    for n, ceiling in ((1, 3600), (2, 7200), (3, 9000)):
        until(lambda: all(g.message(s)["attempts"] >= n and g.message(s)["status"] != "sending" for s in sids), 60, 0.3,
              told="not all were tried %d times" % n)
        waits = {s: wait_of(g, s, n) for s in sids}
        sids = [s for s in sids if waits[s] is not None]  # one that had to wait a few seconds only is on its way again
        assert len(sids) >= 55, waits
        waits = sorted(waits[s] for s in sids)
        assert 0 < waits[0] and waits[-1] <= ceiling + 1, (n, waits)
        assert waits[0] < ceiling / 5 and waits[-1] > ceiling * 4 / 5, (n, waits)
        assert abs(sum(waits) / len(waits) - ceiling / 2) < ceiling * 0.17, (n, waits)  # 4.5 deviations
        ahead += ceiling + 5
        clock.set(ahead)
    for sid in sids:
        m = g.wait(sid, "failed", timeout=60)
        assert (m["reason"], m["attempts"]) == ("attempts_exhausted", 4), m
    assert g.metrics()['lane_breaker_opened_total{lane="sim"}'] == 0


def test_retry_after__is_waited_for_but_never_beyond_the_validity(make_gateway):
    told = {"share": 1, "status": 429, "code": 20429, "retry_after_s": 3600}
    g = make_gateway(lane=QUICK, profile={"errors": [told]}, retry={"first_ms": 10, "max_ms": 10})
    long, short = g.create(body="long", validity_s=DAY), g.create(body="short", validity_s=3)
    m = g.wait(short, "expired", timeout=20)
    assert m["reason"] == "expired" and (when(m["done_at"]) - when(m["created_at"])).total_seconds() < 8, m
    assert 3600 <= wait_of(g, long, 1) < 3610
    assert g.sim.stats()["requests"] <= 2


def test_retry__a_class_waits_by_its_own_settings_and_the_others_by_the_common(make_gateway):
    g = make_gateway(lane=QUICK, profile={"errors": [OFF]},
                     retry={"first_ms": 10, "max_ms": 20, "attempts_max": 2, "classes": ["unreachable first=12h max=12h attempts=9"]})
    sids = [g.create("+1415555%04d" % i, "off %d" % i, validity_s=2 * DAY) for i in range(4)]
    until(lambda: all(wait_of(g, s, 1) is not None for s in sids))
    assert 600 < max(wait_of(g, s, 1) for s in sids) <= 12 * 3600 + 1
    g.sim.profile({"errors": [{"share": 1, "status": 400, "code": 14107}]})  # too many from this sender to this number
    other = g.create("+14155550199", "same pair", validity_s=2 * DAY)
    assert g.wait(other, "queued")["waiting_for"] == "retry"
    assert 30 <= wait_of(g, other, 1) < 31  # what its table says, not what the class of another reason says


def test_quota__closes_the_lane_until_its_window_is_over(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    g = make_gateway.gateway(lane=QUICK, profile={"errors": [QUOTA]}, env=clock.env)
    g.start()
    first = g.create(body="one", validity_s=DAY)
    until(lambda: g.message(first)["reason"] == "quota", told="that the quota is used up is not told")
    rest = [g.create("+1415555%04d" % i, "rest %d" % i, validity_s=DAY) for i in range(5)]
    seen = [g.message(s) for s in rest]
    assert {(m["status"], m["waiting_for"], m["attempts"]) for m in seen} == {("queued", "lane", 0)}, seen
    opens = {when(m["expected_at"]) for m in seen}
    assert max(opens) - when(seen[0]["created_at"]) > datetime.timedelta(minutes=50), seen
    assert g.sim.stats()["requests"] == 1
    g.sim.profile({"errors": []})
    clock.set(2 * 3600)
    for sid in [first, *rest]:
        g.wait(sid, "delivered", timeout=60)
