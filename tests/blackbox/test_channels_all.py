"""Plans over texts, calls, e-mail and pushes, in any order: each step with its own lane, retries and recipient, what leads on and what ends
them, and who is asked for a consent."""
import pytest

from harness.gateway import Gateway, after, until
from test_channels import mail_lane
from test_consent import ask, put
from test_push import DEAD, DEVICE, fcm_lane

INVALID, LI, SILENT = "+15005550001", "+8613800138000", "+15005550106"
MAIL = "li@example.com"
OFF = {"share": 1, "status": 400, "code": 30003}  # the handset is off: later


@pytest.fixture
def start(make_gateway, mail):
    """All four channels; texts and calls have a provider each."""
    def begin(**settings):
        g = make_gateway.gateway(**settings)
        g.calls = make_gateway.simulator()
        g.folder.mkdir(exist_ok=True)
        g.write(lanes=[*g.settings["lanes"], Gateway.lane("calls", g.calls.url, provider="twilio-voice"), mail_lane(mail), fcm_lane(g)])
        return g.start()
    return begin


def step(channel, to=None, **more):
    return {"channel": channel, **({"to": to} if to else {}), **more}


def by(g, sid):
    return [a["provider"] for a in g.attempts(sid)]


def ended(g, sid, *states):
    """Once its plan has come to its end in one of these."""
    def there():
        m = g.message(sid)
        return m["status"] in states and m["on_channel"] == (m["plan"] or [m["channel"]])[-1] and m
    return until(there, 60, told=lambda: "it ends otherwise: %s %s" % (g.message(sid), g.events(sid)))


def test_plan__goes_through_texts_calls_mail_and_pushes_in_the_order_it_says(start):
    g = start()
    sid = g.create(INVALID, "first", title="Order", channels=[step("sms"), step("voice"), step("email", "unknown@example.com"),
                                                              step("push", DEVICE % 1)])
    ended(g, sid, "sent")
    assert by(g, sid) == ["sim", "calls", "mail", "android"] and g.message(sid)["plan"] == ["voice", "email", "push"]
    sid = g.create(DEAD, "second", title="Order", channels=[step("push"), step("email", "unknown@example.net"), step("voice", INVALID), step("sms", LI)])
    ended(g, sid, "delivered")
    assert by(g, sid) == ["android", "mail", "calls", "sim"]
    assert [(m["to"], m["provider"]) for m in g.sim.of("second")] == [(LI, "twilio")]
    sid = g.create(INVALID, "third", title="Order", channels=[step("voice"), step("push", DEAD), step("sms"), step("email", MAIL)])
    ended(g, sid, "sent")
    assert by(g, sid) == ["calls", "mail"]  # known to be dead, and no number for texts, by now


def test_plan__each_step_has_its_own_tries(start):
    g = start(retry={"first_ms": 20, "max_ms": 40, "attempts_max": 3})
    for sim in (g.sim, g.calls):
        sim.profile({"errors": [OFF]})
    sid = g.create(LI, "text", title="Order", channels=["sms", "voice", step("email", MAIL)])
    ended(g, sid, "sent")
    assert by(g, sid) == ["sim"] * 3 + ["calls"] * 3 + ["mail"]
    assert [e["reason"] for e in g.events(sid) if e["status"] == "queued"].count("attempts_exhausted") == 2, g.events(sid)


def test_plan__leads_on_where_no_lane_can_be_reckoned_with(start, mail):
    g = start(retry={"first_ms": 50, "max_ms": 100, "attempts_max": 100})
    g.sim.profile({"errors": [{"share": 1, "status": 401, "code": 20003}]})  # broken credentials
    sid = g.create(LI, "credentials", title="Order", channels=["sms", step("email", MAIL)])
    ended(g, sid, "sent")
    g.calls.stop()  # a provider that is down
    sids = [g.create("+8613800138%03d" % i, "down %d" % i, title="Order", channels=["voice", step("email", MAIL)]) for i in range(3)]
    for sid in sids:
        ended(g, sid, "sent")
    assert len(mail.taken) == 4
    sid = g.create(LI, "both", title="Order", channels=["sms", "voice", step("email", MAIL)])
    assert by(g, sid)[-1:] == ["mail"] or ended(g, sid, "sent")


def test_plan__ends_with_a_delivery_that_is_told_late_by_a_channel_left_behind(start, mail):
    g = start()
    g.sim.profile({"receipts": {"delay_ms": 2500}})  # before `sent`, and again before `delivered`
    sid = g.create(LI, "late", title="Order", channels=[step("sms", wait_s=1), step("email", MAIL, wait_s=30), step("push", DEVICE % 3)])
    until(lambda: g.message(sid)["on_channel"] == "email" and mail.taken, 20)
    m = g.wait(sid, "delivered", timeout=20)
    assert by(g, sid) == ["sim", "mail"] and m["waiting_for"] is None, m
    until(lambda: g.sim.stats()["receipts_pending"] == 0)
    assert by(g, sid) == ["sim", "mail"]


def test_plan__asks_for_the_consent_of_each_channels_address(start, mail):
    g = start(consent={"required_topics": ["marketing"]})
    assert put(g, MAIL, topic="orders").status == 201
    sid = g.create(INVALID, "to who wants no mail", title="Order", topic="orders", channels=["sms", step("email", MAIL), step("push", DEVICE % 4)])
    m = g.wait(sid, "suppressed")
    assert (m["reason"], m["on_channel"], by(g, sid)) == ("opted_out", "email", ["sim"]), m
    # Known to be invalid now: passed by, without an attempt.
    sid = g.create(INVALID, "again", title="Order", topic="news", channels=["sms", step("email", MAIL)])
    ended(g, sid, "sent")
    assert by(g, sid) == ["mail"]
    assert [(e["note"], e["reason"]) for e in g.events(sid)][1] == (True, "known_invalid"), g.events(sid)
    a = g.post("/v1/route/explain", {"to": INVALID, "body": "x", "title": "Order", "channels": ["sms", step("email", MAIL)]})
    assert "passed by" in next(d for d in a.json["decisions"] if d["decision"] == "suppression")["text"], a
    assert g.message(g.create(INVALID, "alone"))["reason"] == "known_invalid"
    # Nobody has agreed to texts, and nobody refused them.
    assert ask(g, "POST", "/v1/consents", {"number": "di@example.com", "act": "granted", "topic": "marketing"}).status == 201
    plan = ["sms", step("email", "di@example.com")]
    sids = [g.create(LI, "promo %d" % i, title="Sale", topic="marketing", channels=plan, **how) for i, how in enumerate(({}, {"send_at": after(2)}))]
    for sid in sids:
        ended(g, sid, "sent")
        assert by(g, sid) == ["mail"] and "no_consent" in [e["reason"] for e in g.events(sid) if e["note"]], g.events(sid)
    m = g.wait(g.create(LI, "promo", title="Sale", topic="marketing", channels=["sms", step("email", "nobody@example.com")]), "suppressed")
    assert (m["reason"], m["on_channel"], m["attempts"]) == ("no_consent", "email", 0), m
    # A consent that one address has given is not another's.
    for number in (LI, MAIL):
        assert ask(g, "POST", "/v1/consents", {"number": number, "act": "granted", "topic": "marketing"}).status == 201
    other = "ann@example.com"
    sids = [g.create(SILENT if i else LI, "marketing %d" % i, title="Sale", topic="marketing", validity_s=60,
                     channels=[step("sms", LI), step("email", to)]) for i, to in enumerate((MAIL, other))]
    g.wait(sids[0], "delivered")
    g.sim.profile({"receipts": {"undelivered": 1}})
    for to, state in ((MAIL, "sent"), (other, "suppressed")):
        sid = g.create(LI, "marketing to " + to, title="Sale", topic="marketing", channels=["sms", step("email", to)])
        m = ended(g, sid, state)
        assert m["reason"] == (None if state == "sent" else "no_consent"), m
    assert not [t for t in mail.taken if t.recipients == [other]]
    # Withdrawn while the plan waits.
    g.sim.profile({"receipts": {"undelivered": 0}})
    sid = g.create(SILENT, "waits", title="Order", topic="orders", channels=[step("sms", wait_s=3), step("email", "bo@example.com")])
    g.wait(sid, "sent")
    assert put(g, "bo@example.com").status == 201
    assert g.wait(sid, "suppressed")["reason"] == "opted_out"
    assert not [t for t in mail.taken if t.recipients == ["bo@example.com"]]


def test_plan__a_schedule_a_kill_and_a_refusal_make_no_step_twice(start, mail):
    g = start()
    at = after(3)
    sids = [g.create(INVALID, "planned %d" % i, title="Order", send_at=at, channels=["sms", step("voice", LI), step("email", MAIL)]) for i in range(8)]
    g.kill9()
    g.start()
    for sid in sids:
        ended_on = g.wait(sid, "delivered", timeout=40)
        assert ended_on["on_channel"] == "voice"
    assert not mail.taken and all(n == 1 for body, n in g.calls.times().items())
    assert sum(len(by(g, s)) for s in sids) <= 16
