"""Quiet hours as callers and providers see them: what falls into them waits, says why and until when, survives a kill, and goes out
when they are over by the recipient's clock; codes go at once; the validity holds."""
import datetime
import json
import signal
import time
import zoneinfo

import pytest
from harness.gateway import call, until, whole_day
from harness.shim import ShiftedClock

QUICK = {"lookup_after_ms": 300}
UTC = datetime.timezone.utc


def at(hours):
    """A zone whose clock shows that many hours now (its minutes are UTC's)."""
    now = datetime.datetime.now(UTC)
    offset = (hours - now.hour + 11) % 24 - 11  # -11 .. 12
    return "Etc/GMT%+d" % -offset if offset else "UTC"  # POSIX: its sign is the other way round


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def span(begins, ends):
    """Quiet hours from and to so many minutes from now, in UTC."""
    now = datetime.datetime.now(UTC)
    return "-".join((now + datetime.timedelta(minutes=m)).strftime("%H:%M") for m in (begins, ends)) + " in UTC for topic=marketing"


NIGHT = ["21:00-09:00 for topic=marketing"]


def test_quiet__a_text_waits_for_the_end_says_so_and_a_code_does_not(make_gateway):
    g = make_gateway(lane=QUICK, quiet={"hours": NIGHT, "spread_s": 60})
    zone = at(23)
    a = g.post("/v1/messages", {"to": "+14155550123", "body": "sale", "topic": "marketing", "time_zone": zone})
    assert (a.status, a.json["status"], a.json["reason"]) == (202, "scheduled", "quiet_hours"), a
    m = g.message(a.json["id"])
    assert m["waiting_for"] == "quiet_hours" and m["expires_at"] == a.json["expires_at"]
    wait = when(m["due_at"]) - datetime.datetime.now(UTC)
    late = datetime.timedelta(minutes=2)  # it is somewhat later by now, and may be midnight there
    assert datetime.timedelta(hours=9) <= wait + late <= datetime.timedelta(hours=10, seconds=61) + late, m
    assert when(m["due_at"]).minute <= 1
    # The default validity counts from their end.
    left = when(m["expires_at"]) - when(m["due_at"])
    assert datetime.timedelta(hours=4, seconds=-60) <= left <= datetime.timedelta(hours=4), m
    assert [(e["status"], e["reason"]) for e in g.events(m["id"])] == [("accepted", None), ("scheduled", "quiet_hours")]
    # Another topic, another place, a code of that topic, and a time zone that is none.
    for more in ({"topic": "orders", "time_zone": zone}, {"topic": "marketing", "time_zone": at(12)},
                 {"topic": "marketing", "time_zone": zone, "priority": "otp"}):
        expect = "scheduled" if more.get("priority") == "otp" else "delivered"
        sid = g.create(body=str(more), **more)
        if expect == "scheduled":  # the rule names the topic, so it means codes of that topic, too
            assert g.message(sid)["reason"] == "quiet_hours"
        else:
            g.wait(sid, "delivered")
    a = g.post("/v1/messages", {"to": "+14155550123", "body": "x", "time_zone": "Mars/Olympus"})
    assert a.status == 400 and a.json["field"] == "time_zone", a
    assert g.post("/v1/messages/%s/cancel" % m["id"], {}).json["status"] == "canceled"
    assert 'event=message.scheduled id=%s' % m["id"] in g.log()
    assert "sms_quiet_hours_total 2" in g.get("/metrics").body.decode()


def test_quiet__codes_are_exempt_where_no_rule_names_them(make_gateway):
    g = make_gateway(lane=QUICK, quiet={"hours": ["21:00-09:00"], "time_zone": at(23)})
    for more in ({"priority": "otp"}, {"topic": "otp"}):
        g.wait(g.create(body=str(more), time_zone=at(23), **more), "delivered")
    assert g.message(g.create(body="other", time_zone=at(23)))["status"] == "scheduled"
    # The zone of a number of the United States is that of its area; here it is one for all.
    zone = at(12)
    g.write(quiet={"hours": ["21:00-09:00 in %s" % zone]})
    g.signal(signal.SIGHUP)
    until(lambda: g.logged("reload.done"))
    g.wait(g.create(body="by day there", time_zone=at(23)), "delivered")


def test_quiet__a_validity_that_ends_before_they_do_is_over_at_once(make_gateway):
    g = make_gateway(lane=QUICK, quiet={"hours": NIGHT})
    a = g.post("/v1/messages", {"to": "+14155550123", "body": "tonight only", "topic": "marketing", "time_zone": at(23),
                                "validity_s": 3600})
    assert (a.json["status"], a.json["reason"]) == ("expired", "quiet_hours"), a
    sid = g.create(body="till noon", topic="marketing", time_zone=at(23), validity_s=13 * 3600)
    m = g.message(sid)
    assert m["status"] == "scheduled" and when(m["due_at"]) < when(m["expires_at"])
    assert 'sms_failed_total{reason="quiet_hours"} 1' in g.get("/metrics").body.decode()


def test_quiet__what_waits_survives_a_kill_and_goes_out_in_the_morning_spread(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    g = make_gateway.gateway(lane=QUICK, quiet={"hours": NIGHT, "spread_s": 600}, env=clock.env)
    g.start()
    sids = [g.create(to="+1415555%04d" % i, body="sale %d" % i, topic="marketing", time_zone=at(23)) for i in range(20)]
    due = sorted(when(g.message(sid)["due_at"]) for sid in sids)
    assert len(set(due)) > 10 and due[-1] - due[0] > datetime.timedelta(seconds=60)
    g.kill9()
    g.start()
    now = datetime.datetime.now(UTC)
    clock.set(int((due[0] - now).total_seconds()) - 300)
    g.wait(g.create(body="awake"), "delivered", timeout=30)
    assert g.sim.stats()["received"] == 1  # five minutes before their end none of them went
    clock.set(int((due[-1] - now).total_seconds()) + 2)
    for sid in sids:
        g.wait(sid, "delivered", timeout=30)
    assert g.sim.stats()["received"] == 21
    assert not [sid for sid in sids if len(g.attempts(sid)) != 1]


def test_quiet__a_backlog_waits_for_the_morning_and_a_clock_that_steps_back_is_not_believed(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    g = make_gateway.gateway(lane={**QUICK, "rates": ["1/10min"]}, env=clock.env,
                             quiet={"hours": [span(30, 12 * 60)], "spread_s": 0})
    g.start()
    sids = [g.create(to="+1415555%04d" % i, body="slow %d" % i, topic="marketing", validity_s=2 * 86400) for i in range(3)]
    g.wait(sids[0], "delivered")
    until(lambda: g.message(sids[2])["status"] == "queued")
    clock.set(3600)  # the lane is free again, and the night has begun
    until(lambda: all(g.message(sid)["reason"] == "quiet_hours" for sid in sids[1:]), 60, told="the backlog does not notice the night")
    m = g.message(sids[2])
    assert (m["status"], m["waiting_for"]) == ("queued", "quiet_hours")
    assert [e["reason"] for e in g.events(sids[2]) if e["note"]] == ["quiet_hours"]
    clock.set(0)  # the machine's clock steps back; the program's goes on from where it was
    late = g.create(to="+14155559999", body="late", topic="marketing", validity_s=2 * 86400)
    assert g.message(late)["reason"] == "quiet_hours"
    assert g.sim.stats()["received"] == 1
    clock.set(13 * 3600)
    until(lambda: g.sim.stats()["received"] == 2, 60, told="the morning lets nothing go")


def test_quiet__retries_wait_too_and_end_with_the_validity(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    g = make_gateway.gateway(profile={"errors": [{"status": 429, "code": 20429, "share": 1}]}, lane=QUICK, env=clock.env, retry={"first_ms": 500, "max_ms": 1000},
                             quiet={"hours": [span(30, 12 * 60)], "spread_s": 0})
    g.start()
    sid = g.create(body="again and again", topic="marketing", validity_s=2 * 86400)
    short = g.create(to="+14155559999", body="till midnight", topic="marketing", validity_s=2 * 3600)
    until(lambda: len(g.attempts(sid)) >= 2 and g.attempts(short), 30)
    clock.set(3600)
    until(lambda: g.message(sid)["reason"] == "quiet_hours", 60, told="it is tried on in the night")
    m = g.message(sid)
    assert m["waiting_for"] == "quiet_hours"
    assert when(m["due_at"]) > max(when(a["started_at"]) for a in g.attempts(sid)) + datetime.timedelta(hours=10)
    m = g.wait(short, "expired", timeout=60)
    assert m["reason"] == "quiet_hours"


@pytest.mark.parametrize("quiet, says", [
    ({"hours": ["21-09"]}, "`quiet.hours` must be such as"),
    ({"hours": ["00:00-24:00"]}, "is quiet at all times"),
    ({"hours": ["21:00-09:00 in Mars/Olympus"]}, "names the time zone `Mars/Olympus`"),
    ({"hours": ["00:00-24:00 on holidays of xx"]}, "names the calendar `xx`"),
    ({"hours": ["00:00-24:00 on holidays of x"], "calendars": ["/nonexistent/x.yaml"]}, "cannot be read"),
])
def test_quiet__a_rule_that_cannot_be_is_told_by_line(make_gateway, quiet, says):
    g = make_gateway.gateway(lane=QUICK, quiet=quiet)
    told = g.run("config", "check", "-c", g.settings_file)
    assert told.returncode != 0 and says in (told.stdout + told.stderr).decode(), told


def test_quiet__holidays_come_from_calendars_and_an_ended_one_is_told(make_gateway, tmp_path):
    whole_day()
    mine = tmp_path / "mine.yaml"
    today = datetime.datetime.now(UTC).date()
    day = datetime.timedelta(days=1)
    mine.write_text("name: mine\nfirst: %s\nlast: %s\nholidays: [%s..%s]\n" % (today - 9 * day, today + 9 * day, today - day, today + 2 * day))
    old = tmp_path / "old.yaml"
    old.write_text("name: old\nfirst: 2020-01-01\nlast: 2020-12-31\nholidays: [2020-01-01]\n")
    g = make_gateway(lane=QUICK, quiet={"hours": ["00:00-24:00 on holidays of mine in UTC for topic=marketing",
                                                  "00:00-24:00 on holidays of old in UTC for topic=news"],
                                        "calendars": [str(mine), str(old)], "spread_s": 0})
    m = g.message(g.create(body="shop", topic="marketing"))
    assert m["status"] == "scheduled" and when(m["due_at"]).date() == today + 3 * day, m
    g.wait(g.create(body="news", topic="news"), "delivered")
    assert "event=quiet.calendar_ended calendar=old" in g.log()


def around_now(zone):
    """Two hours with now in their middle, by the clock there."""
    now = datetime.datetime.now(zoneinfo.ZoneInfo(zone))
    return "-".join((now + datetime.timedelta(hours=h)).strftime("%H:%M") for h in (-1, 1)) + " for topic=marketing"


@pytest.mark.parametrize("zone, quiet, awake, wait_h", [
    ("Asia/Tokyo", "+819012345678", "+447400123456", 1),
    ("Asia/Shanghai", "+8613800138000", "+12125550123", 1),
    ("America/New_York", "+12125550123", "+14155550123", 1),  # by its area code
    ("Australia/Perth", "+61412345678", "+12125550123", 10),  # a mobile may be in any zone of its country, and must be awake in all
    ("Australia/Sydney", "+61412345678", "+12125550123", 10),
])
def test_quiet__is_judged_by_the_region_of_the_number(make_gateway, zone, quiet, awake, wait_h):
    """Nobody says where anybody is; the clocks of `awake` are further than an hour away from those of the zone."""
    g = make_gateway(lane={**QUICK, "senders": ["Shop for AU,GB,JP,CN", "+15005550006"]}, quiet={"hours": [around_now(zone)]})
    m = g.message(g.create(to=quiet, body="sale", topic="marketing"))
    assert (m["status"], m["reason"], m["waiting_for"]) == ("scheduled", "quiet_hours", "quiet_hours"), m
    assert 0 < (when(m["due_at"]) - datetime.datetime.now(UTC)).total_seconds() < wait_h * 3600 + 660, m
    g.wait(g.create(to=awake, body="sale", topic="marketing"), "delivered", "sent")
    g.wait(g.create(to=quiet, body="news", topic="news"), "delivered", "sent")


def test_quiet__is_judged_by_the_contact_before_its_number(make_gateway):
    g = make_gateway(lane=QUICK, quiet={"hours": [around_now("Asia/Tokyo")]})
    people = {"moved": ("+14155550123", "Asia/Tokyo"), "away": ("+819012345678", "America/Los_Angeles"), "home": ("+14155550124", None)}
    for name, (number, zone) in people.items():
        body = {"numbers": [number], **({"time_zone": zone} if zone else {})}
        a = call(g.port, "PUT", "/v1/contacts/" + name, json.dumps(body), {**g.bearer, "Content-Type": "application/json"})
        assert a.status in (200, 201), a

    def reason(**message):
        a = g.post("/v1/messages", {"body": "sale", "topic": "marketing", **message})
        assert a.status == 202, a
        return a.json["reason"]
    assert [reason(contact=name) for name in people] == ["quiet_hours", None, None]
    assert reason(contact="home", time_zone="Asia/Tokyo") == "quiet_hours"  # what the message says goes first
    assert reason(to="+819012345678") == "quiet_hours"


def at_that_time(make_gateway, tmp_path, moment, **settings):
    """A gateway whose clock shows that moment."""
    clock = ShiftedClock(tmp_path)
    ahead = lambda text: int(when(text).timestamp() - time.time())  # noqa: E731
    clock.set(ahead(moment))
    g = make_gateway.gateway(env=clock.env, **settings)
    g.set = lambda text: clock.set(ahead(text))
    return g.start()


def test_quiet__knows_the_holidays_that_come_with_it(make_gateway, tmp_path):
    g = at_that_time(make_gateway, tmp_path, "2026-02-01T00:00:00Z", lane=QUICK, quiet={
        "hours": ["00:00-24:00 on holidays of cn in Asia/Shanghai for topic=a", "00:00-24:00 on restdays of cn in Asia/Shanghai for topic=b",
                  "00:00-24:00 on holidays of us in America/New_York for topic=c", "00:00-24:00 on workdays of de in Europe/Berlin for topic=d"]})

    def quiet(topic, day):
        a = g.post("/v1/route/explain", {"to": "+14155550123", "body": "x", "topic": topic, "at": day + "T15:00:00Z"})
        assert a.status == 200, a
        row = next(d for d in a.json["decisions"] if d["decision"] == "quiet_hours")
        return row["until"] and row["until"][:10] if row["says"] == "waits" else False
    # Spring Festival of 2026: 15 to 23 February; the 14th, a Saturday, and the 28th are worked. At 15:00 UTC it is 23:00 in Shanghai.
    assert quiet("a", "2026-02-16") == "2026-02-23" and not quiet("a", "2026-02-13") and not quiet("a", "2026-02-24")
    assert not quiet("b", "2026-02-14") and quiet("b", "2026-02-07") and quiet("b", "2026-02-18") == "2026-02-23"
    assert quiet("c", "2026-11-26") == "2026-11-27" and not quiet("c", "2026-11-25")  # Thanksgiving
    assert quiet("d", "2026-04-02") and not quiet("d", "2026-04-03") and not quiet("d", "2026-04-06")  # around Easter


def test_leap_day__is_a_day(make_gateway, tmp_path):
    g = at_that_time(make_gateway, tmp_path, "2028-02-28T20:00:00Z", lane=QUICK, limits={"caps": ["1/calendar-day in UTC for topic=news"]},
                     quiet={"hours": ["21:00-09:00 in UTC for topic=marketing"], "spread_s": 0})
    for wrong in ("2028-02-30T08:00:00Z", "2029-02-29T08:00:00Z"):
        a = g.post("/v1/messages", {"to": "+14155550123", "body": "x", "send_at": wrong})
        assert a.status == 400 and a.json["field"] == "send_at", (wrong, a)
    leap = g.create(body="leap", send_at="2028-02-29T08:00:00Z", validity_s=3600)
    year = g.create(body="in a year", send_at="2029-02-28T00:00:00Z")
    assert [g.message(s)["send_at"][:10] for s in (leap, year)] == ["2028-02-29", "2029-02-28"]

    def cap(body):
        return g.post("/v1/messages", {"to": "+14155550123", "body": body, "topic": "news"}).json["reason"]
    assert [cap("monday"), cap("monday again")] == [None, "frequency_cap"]
    g.set("2028-02-28T22:00:00Z")
    m = g.message(until(lambda: (s := g.create(body="sale", topic="marketing")) and g.message(s)["reason"] == "quiet_hours" and s))
    assert m["due_at"][:19] == "2028-02-29T09:00:00", m
    g.set("2028-02-29T08:00:01Z")
    g.wait(leap, "delivered", timeout=30)
    assert g.attempts(leap)[0]["started_at"].startswith("2028-02-29T08:00:0")
    assert [cap("leap day"), cap("leap day again")] == [None, "frequency_cap"]
    g.set("2028-02-29T22:00:00Z")
    m = g.message(until(lambda: (s := g.create(body="late sale", topic="marketing")) and g.message(s)["reason"] == "quiet_hours" and s))
    assert m["due_at"][:19] == "2028-03-01T09:00:00", m
    g.set("2028-03-01T00:00:05Z")
    until(lambda: cap("first of march %s" % time.time()) is None, 20)
    assert g.message(year)["status"] == "scheduled"


def test_quiet__ends_by_the_clock_of_the_day_on_which_clocks_change(make_gateway):
    """Asked through explain, of days to come: the next two Sundays on which New York changes its clocks."""
    zone = zoneinfo.ZoneInfo("America/New_York")
    g = make_gateway(quiet={"hours": ["21:00-08:00 in America/New_York"]})
    now = datetime.datetime.now(UTC)
    day, found = now.astimezone(zone).date() + datetime.timedelta(days=2), {}
    while len(found) < 2 and (day - now.date()).days < 360:
        night, morning = (datetime.datetime.combine(day, datetime.time(h), zone) for h in (0, 8))
        if night.utcoffset() != morning.utcoffset():
            found[morning.dst() > datetime.timedelta(0)] = (night, morning)
        day += datetime.timedelta(days=1)
    assert found
    for spring, (night, morning) in found.items():
        assert (morning.astimezone(UTC) - night.astimezone(UTC)).total_seconds() == (7 if spring else 9) * 3600
        a = g.post("/v1/route/explain", {"to": "+14155550123", "body": "x", "at": night.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")})
        assert a.status == 200, a
        row = next(d for d in a.json["decisions"] if d["decision"] == "quiet_hours")
        assert (row["says"], row["until"][:19]) == ("waits", morning.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")), (spring, row)


def test_send_at__knows_the_calendar(make_gateway):
    g = make_gateway()
    year = datetime.datetime.now(UTC).year + 1
    common = year if year % 4 else year + 1
    for wrong in ("%d-02-29T08:00:00Z" % common, "%d-04-31T08:00:00Z" % year, "%d-01-01T24:01:00Z" % year, "%d-01-01T08:60:00Z" % year):
        a = g.post("/v1/messages", {"to": "+14155550123", "body": "x", "send_at": wrong})
        assert a.status == 400 and a.json["field"] == "send_at", (wrong, a)
    # The same moment, as other clocks write it.
    at = (datetime.datetime.now(UTC) + datetime.timedelta(days=30)).replace(microsecond=0)
    there = at.astimezone(datetime.timezone(datetime.timedelta(hours=5, minutes=45)))
    sids = [g.create(send_at=text, body=text) for text in (at.isoformat(), there.isoformat())]
    assert {g.message(sid)["send_at"][:19] for sid in sids} == {at.strftime("%Y-%m-%dT%H:%M:%S")}
