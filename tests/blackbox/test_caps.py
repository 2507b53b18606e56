"""Frequency caps and duplicate windows as callers see them: the surplus is suppressed or put off and says why, also when many come at
once, over a kill, and when it was scheduled before; what failed or was canceled does not count."""
import concurrent.futures
import datetime

import pytest
from harness.gateway import after, until
from harness.shim import MACHINE_CLOCK, ShiftedClock

QUICK = {"lookup_after_ms": 300}
NEWS = {"topic": "news"}
DAY = 86400


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def post(g, body, **more):
    a = g.post("/v1/messages", {"to": "+14155550123", "body": body, **more})
    assert a.status == 202, a
    return a.json


def test_cap__the_surplus_is_suppressed_also_when_all_come_at_once_and_over_a_kill(make_gateway):
    g = make_gateway(lane=QUICK, limits={"caps": ["3/7d for topic=news"]})
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        made = list(pool.map(lambda i: post(g, "news %d" % i, **NEWS), range(12)))
    over = [m for m in made if m["status"] == "suppressed"]
    assert len(over) == 9 and {m["reason"] for m in over} == {"frequency_cap"}, made
    assert post(g, "an order", topic="orders")["status"] != "suppressed"
    assert post(g, "to another", to="+14155550199", **NEWS)["status"] != "suppressed"
    assert post(g, "a code of that topic", priority="otp", **NEWS)["reason"] == "frequency_cap"  # the rule names the topic
    until(lambda: g.sim.stats()["received"] == 5)
    g.kill9()
    g.start()
    assert post(g, "after the kill", **NEWS)["reason"] == "frequency_cap"
    assert g.sim.stats()["received"] == 5
    assert 'sms_failed_total{reason="frequency_cap"}' in g.get("/metrics").body.decode()


def test_cap__what_did_not_reach_anybody_does_not_count(make_gateway):
    g = make_gateway(lane=QUICK, limits={"caps": ["1/7d for topic=news"]})
    for body in ("it is off", "still off"):
        sid = post(g, body, to="+15005550105", **NEWS)["id"]
        g.wait(sid, "undelivered")
    sids = [post(g, "scheduled %d" % i, send_at=after(3600), **NEWS)["id"] for i in range(3)]
    assert {g.message(s)["status"] for s in sids} == {"scheduled"}  # judged when they are due
    for sid in sids:
        g.cancel(sid)
    first = post(g, "the one", **NEWS)
    g.wait(first["id"], "delivered")
    assert post(g, "one more", **NEWS)["reason"] == "frequency_cap"


@MACHINE_CLOCK
def test_cap__scheduled_texts_are_judged_when_they_are_due_and_wait_where_the_cap_says_so(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    g = make_gateway.gateway(lane=QUICK, env=clock.env, limits={"caps": ["1/1h else wait for topic=news"]})
    g.start()
    sids = [post(g, "news %d" % i, send_at=after(600), validity_s=86400, **NEWS)["id"] for i in range(3)]
    clock.set(700)
    until(lambda: g.sim.stats()["received"] == 1, 30)
    until(lambda: sum(g.message(s)["reason"] == "frequency_cap" for s in sids) == 2, 30)
    waits = [g.message(s) for s in sids if g.message(s)["reason"] == "frequency_cap"]
    assert {m["waiting_for"] for m in waits} == {"frequency_cap"}
    begun = [a for s in sids for a in g.attempts(s)]
    assert len(begun) == 1
    for m in waits:
        assert abs((when(m["due_at"]) - when(begun[0]["started_at"])).total_seconds() - 3600) < 1
    now = post(g, "at once", validity_s=7200, **NEWS)
    assert (now["status"], now["reason"]) == ("scheduled", "frequency_cap"), now
    assert post(g, "soon stale", validity_s=600, **NEWS)["status"] == "suppressed"
    clock.set(700 + 3700)
    until(lambda: g.sim.stats()["received"] == 2, 30)
    clock.set(700 - 3600)  # the machine's clock steps back: no second hour
    until(lambda: g.sim.stats()["received"] == 2, 30)
    clock.set(700 + 2 * 3700)
    until(lambda: g.sim.stats()["received"] == 3, 30)
    assert max(sum(e["reason"] == "frequency_cap" for e in g.events(s)) for s in sids) == 1  # told once, however often it is put off


def test_cap__what_may_have_arrived_counts(make_gateway):
    g = make_gateway(lane={**QUICK, "lookups_max": 0}, limits={"caps": ["1/7d for topic=news"]})
    lost = post(g, "perhaps there", to="+15005550110", validity_s=6, **NEWS)["id"]
    assert g.wait(lost, "failed")["reason"] == "outcome_unknown"
    assert post(g, "one more", to="+15005550110", **NEWS)["reason"] == "frequency_cap"


@MACHINE_CLOCK
def test_cap__a_calendar_day_is_the_recipients(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    g = make_gateway.gateway(lane=QUICK, env=clock.env, limits={"caps": ["1/calendar-day for topic=news"]})
    g.start()
    now = datetime.datetime.now(datetime.timezone.utc)
    offset = (12 - now.hour + 11) % 24 - 11
    zone = "Etc/GMT%+d" % -offset if offset else "UTC"  # about noon there
    g.wait(post(g, "first", time_zone=zone, **NEWS)["id"], "delivered")
    assert post(g, "second", time_zone=zone, **NEWS)["reason"] == "frequency_cap"
    clock.set(13 * 3600)  # after midnight there, less than a day later
    until(lambda: post(g, "next day", time_zone=zone, **NEWS)["status"] != "suppressed", 30)


@MACHINE_CLOCK
def test_duplicate__the_same_text_is_sent_once_and_the_event_names_the_first(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    g = make_gateway.gateway(lane=QUICK, env=clock.env, limits={"duplicates": ["10min"]})
    g.start()
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        made = list(pool.map(lambda _: post(g, "Your order is ready"), range(10)))
    first = [m for m in made if m["status"] != "suppressed"]
    assert len(first) == 1, made
    again = next(m for m in made if m["status"] == "suppressed")
    assert again["reason"] == "duplicate"
    last = g.events(again["id"])[-1]
    assert (last["status"], last["reason"], last["duplicate_of"]) == ("suppressed", "duplicate", first[0]["id"]), last
    g.wait(first[0]["id"], "delivered")
    for more in ({"to": "+14155550199"}, {"body": "Your order is late"}, {"priority": "otp"}, {"topic": "otp"}):
        assert post(g, **{"body": "Your order is ready", **more})["status"] != "suppressed", more
    g.kill9()
    g.start()
    assert post(g, "Your order is ready")["reason"] == "duplicate"
    clock.set(601)
    until(lambda: post(g, "Your order is ready")["status"] != "suppressed", 30)


@MACHINE_CLOCK
def test_cap__of_a_week_ends_a_week_later_and_is_each_numbers_own(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    g = make_gateway.gateway(lane=QUICK, env=clock.env, limits={"caps": ["2/7d for topic=marketing"]})
    g.start()
    said = {"topic": "marketing", "validity_s": 600000}
    g.wait(post(g, "one", **said)["id"], "delivered")
    clock.set(3 * DAY)
    g.wait(post(g, "two", **said)["id"], "delivered", timeout=30)
    assert post(g, "three", **said)["reason"] == "frequency_cap"
    assert post(g, "of another", to="+14155550199", **said)["status"] != "suppressed"
    clock.set(7 * DAY - 600)
    until(lambda: g.logged("message.accepted") and post(g, "still", **said)["reason"] == "frequency_cap")
    g.kill9()
    clock.set(7 * DAY + 60)
    g.start()
    g.wait(post(g, "the first has left the window", **said)["id"], "delivered")
    assert post(g, "the second is in it", **said)["reason"] == "frequency_cap"
    clock.set(10 * DAY + 60)
    until(lambda: post(g, "and has left", **said)["reason"] is None, 30)


@MACHINE_CLOCK
def test_duplicate__by_template_is_the_same_whatever_it_says(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    for name in ("offer", "other"):
        (tmp_path / (name + ".txt")).write_text(name + " for {{ name }}", encoding="utf-8")
    g = make_gateway.gateway(lane=QUICK, env=clock.env, templates={"dir": str(tmp_path)},
                             limits={"duplicates": ["1d by template for topic=offers"]})
    g.start()

    def offer(template="offer", name="Li", topic="offers", to="+14155550123"):
        a = g.post("/v1/messages", {"to": to, "template": template, "vars": {"name": name}, "topic": topic})
        assert a.status == 202, a
        return a.json["reason"] == "duplicate"  # else it may wait for a lane that has just been started
    assert [offer(), offer(), offer(name="Wang")] == [False, True, True]
    assert [offer(template="other"), offer(to="+14155550199"), offer(topic="orders"), offer(topic="orders")] == [False] * 4
    g.kill9()
    g.start()
    assert offer(name="after a kill")
    clock.set(DAY + 1)
    until(lambda: not offer(name="a day later"), 30)


def test_duplicate__what_waits_is_spoken_for_and_what_was_canceled_is_not(make_gateway):
    g = make_gateway(lane=QUICK, limits={"duplicates": ["1h for topic=news"]})
    waits = post(g, "later", send_at=after(1800), **NEWS)
    assert post(g, "later", **NEWS)["reason"] == "duplicate"  # it would come half an hour after this one
    assert post(g, "later", send_at=after(2 * 3600), **NEWS)["status"] == "scheduled"
    g.cancel(waits["id"])
    assert post(g, "later", **NEWS)["status"] != "suppressed"


def test_retry__a_class_has_attempts_of_its_own(make_gateway):
    g = make_gateway(lane=QUICK, profile={"errors": [{"status": 429, "code": 20429, "share": 1}]},
                     retry={"classes": ["throttled first=10ms max=20ms attempts=2"]})
    m = g.wait(post(g, "never")["id"], "failed", timeout=30)
    assert (m["reason"], m["attempts"]) == ("attempts_exhausted", 2)


@pytest.mark.parametrize("limits, says", [
    ({"caps": ["3 a week"]}, "`limits.caps` must be such as"),
    ({"caps": ["3/90d"]}, "`limits.caps` must be such as"),
    ({"caps": ["1/calendar-day in Mars/Olympus"]}, "names the time zone"),
    ({"duplicates": ["10min by size"]}, "`limits.duplicates` must be such as"),
    ({"duplicates": ["10min for colour=red"]}, "names no messages that are known"),
])
def test_limits__a_rule_that_cannot_be_is_told_by_line(make_gateway, limits, says):
    g = make_gateway.gateway(lane=QUICK, limits=limits)
    told = g.run("config", "check", "-c", g.settings_file)
    assert told.returncode != 0 and says in (told.stdout + told.stderr).decode(), told


def test_caps_and_duplicates__hold_for_messages_that_rules_make(make_gateway, tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "rules" / "r.yaml").write_text("rules:\n  - {name: paid, on: paid, to: data.phone, template: paid, topic: news}\n")
    (tmp_path / "templates" / "paid.txt").write_text("{{ text }}")
    g = make_gateway(lane=QUICK, rules={"dir": str(tmp_path / "rules")}, templates={"dir": str(tmp_path / "templates")},
                     limits={"caps": ["2/7d for topic=news"], "duplicates": ["1h"]})

    def event(text):
        a = g.post("/v1/events", {"type": "paid", "data": {"phone": "+14155550123", "text": text}})
        assert a.status == 202 and a.json["outcomes"][0]["did"] == "fired", a
        m = g.message(a.json["outcomes"][0]["message_id"])
        return m["reason"] if m["status"] == "suppressed" else "sent"
    assert [event(t) for t in ("one", "one", "two", "three")] == ["sent", "duplicate", "sent", "frequency_cap"]
    assert post(g, "by hand", **NEWS)["reason"] == "frequency_cap"
    until(lambda: g.sim.stats()["received"] == 2)
