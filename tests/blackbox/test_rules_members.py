"""What a rule may say, member by member, as the message that it makes shows it: its moment, its plan of channels, its sender, how long and how it
may be sent, which events it is for; the contact's language and clock; whom an opt-out keeps from it; and lists of events in one post."""
import concurrent.futures
import datetime
import json

import pytest

from harness.gateway import Gateway, after, call, until
from test_nodes_events import database  # noqa: F401
from test_quiet_hours import at, when

PHONE, HOUR = "+14155550123", 3600
TEMPLATES = {"said.txt": "{{ data.item }}", "said.zh.txt": "{{ data.item }}!", "gathered.txt": "{% for e in events %}{{ e.data.item }} {% endfor %}"}


@pytest.fixture
def start(make_gateway, tmp_path):
    def start(rules, profile=None, lanes=None, **settings):
        for name in ("templates", "rules"):
            (tmp_path / name).mkdir()
        for name, text in TEMPLATES.items():
            (tmp_path / "templates" / name).write_text(text)
        (tmp_path / "rules" / "r.yaml").write_text("rules:\n" + "".join("  - {name: %s, %s}\n" % r for r in rules.items()))
        g = make_gateway.gateway(profile=profile, templates={"dir": str(tmp_path / "templates")}, rules={"dir": str(tmp_path / "rules")}, **settings)
        if lanes:
            g.write(lanes=lanes(g))
        return g.start()
    return start


def lanes(g):
    """One for texts, one for calls."""
    return [g.lane("sim", g.provider_url), {**Gateway.lane("calls", g.sim.url), "provider": "twilio-voice"}]


def post(g, type, key=None, **data):
    a = g.post("/v1/events", {"type": type, "data": {"phone": PHONE, "item": type, **data}}, key)
    assert a.status == 202, a
    return a.json


def did(said):
    return {o["rule"]: o["did"] for o in said["outcomes"]}


def made(g, said, rule=None):
    id, = [o["message_id"] for o in said["outcomes"] if o["did"] == "fired" and rule in (None, o["rule"])]
    return g.message(id)


def contact(g, id, **fields):
    a = call(g.port, "PUT", "/v1/contacts/" + id, json.dumps(fields), {**g.bearer, "Content-Type": "application/json"})
    assert a.status in (200, 201), a


def seconds_ahead(text):
    return (when(text) - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


TO = "to: data.phone, template: said"


def test_delay__counts_from_now_or_before_or_after_a_time_of_the_event(start):
    g = start({"half": "on: half, delay: 30m, " + TO, "ago": "on: visit, delay: 1h after data.end_at, " + TO,
               "ahead": "on: visit, delay: 24h before data.start_at, " + TO, "late": "on: visit, delay: 1h after data.over_at, late: send, " + TO,
               "over": "on: visit, delay: 1h before data.over_at, late: send, " + TO})
    half = made(g, post(g, "half"))
    assert half["status"] == "scheduled" and 1790 < seconds_ahead(half["send_at"]) < 1801, half
    starts, over = when(after(72 * HOUR)), when(after(-2 * HOUR))
    said = post(g, "visit", start_at=starts.astimezone(datetime.timezone(datetime.timedelta(hours=8))).isoformat(), end_at=int(starts.timestamp()), over_at=over.isoformat())
    assert did(said) == {"ago": "fired", "ahead": "fired", "late": "fired", "over": "late"}, said
    hour = datetime.timedelta(hours=1)
    assert when(made(g, said, "ago")["send_at"]) == starts + hour and when(made(g, said, "ahead")["send_at"]) == starts - 24 * hour
    g.wait(made(g, said, "late")["id"], "delivered")
    for wrong in ("tomorrow", "2026-12-24T19:00:00", None, -1):
        said = post(g, "visit", start_at=wrong, end_at=int(starts.timestamp()), over_at=after(3 * HOUR))
        error, = [o for o in said["outcomes"] if o["did"] == "error"]
        assert error["rule"] == "ahead" and "RFC 3339" in error["detail"] or "offset" in error["detail"], error


def test_pattern__star_is_one_word_and_at_the_end_one_or_more(start):
    g = start({"exact": "on: order.paid, " + TO, "any": "on: 'order.*', " + TO, "middle": "on: 'order.*.late', " + TO, "two": "on: [cart.left, order.paid], " + TO,
               "all": "on: '*', " + TO, "off": "on: '*', enabled: false, " + TO})
    for type, rules in {"order.paid": "all any exact two", "order": "all", "order.paid.late": "all any middle", "order.a.b.late": "all any", "orders.paid": "all",
                        "cart.left": "all two", "order.paid.now": "all any"}.items():
        assert " ".join(sorted(did(post(g, type)))) == rules, type


def test_message__is_as_its_rule_says(start):
    g = start({"all": "on: sale, from: '+14155550100', topic: offers, priority: marketing, delivery: at_least_once, validity: 90m, language: data.tongue, " + TO,
               "plain": "on: plain, to: data.phone, template: said, vars: {data: '{\"item\": data.item ~ event.type}'}"})
    m = made(g, post(g, "sale", tongue="zh-CN"))
    assert (m["from"], m["topic"], m["priority"], m["delivery"], m["body"]) == ("+14155550100", "offers", "marketing", "at_least_once", "sale!"), m
    assert (when(m["expires_at"]) - when(m["created_at"])).total_seconds() == pytest.approx(90 * 60, abs=2)
    m = made(g, post(g, "plain"))
    assert (m["body"], m["priority"], m["delivery"], m["topic"]) == ("plainplain", "transactional", "at_most_once", None), m


def test_channels__of_a_rule_are_tried_one_after_the_other(start):
    """A text that does not arrive is followed by a call; of a contact, what they cannot be reached by is left out."""
    g = start({"plan": "on: alarm, channels: [sms, voice], " + TO, "who": "on: visit, contact: data.who, template: said, channels: [email, sms, voice]"},
              profile={"receipts": {"undelivered": 1}}, lanes=lanes)
    contact(g, "li", numbers=["+14155550124"], language="zh")
    ids = [made(g, post(g, "alarm"))["id"], made(g, post(g, "visit", who="li"))["id"]]

    def calls():
        return {c["to"]: c["body"] for c in g.sim.messages() if c["provider"] == "twilio-voice"}
    heard = until(lambda: calls() if len(calls()) == 2 else None, 30, told="who got no text is not called")
    assert "alarm" in heard[PHONE] and "visit!" in heard["+14155550124"], heard
    for id in ids:
        assert [a["provider"] for a in g.attempts(id)] == ["sim", "calls"], g.attempts(id)


def test_opt_out__keeps_the_texts_of_rules_away_and_those_that_wait(start):
    g = start({"news": "on: news, topic: news, " + TO, "later": "on: news, topic: news, delay: 2s, " + TO, "orders": "on: news, topic: orders, " + TO})
    early = made(g, post(g, "news"), "later")
    a = call(g.port, "PUT", "/v1/suppressions/%2B" + PHONE[1:], '{"topic": "news"}', {**g.bearer, "Content-Type": "application/json"})
    assert a.status == 201, a
    said = post(g, "news", item="again")
    assert (made(g, said, "news")["status"], made(g, said, "news")["reason"]) == ("suppressed", "opted_out")
    g.wait(made(g, said, "orders")["id"], "delivered")
    assert g.wait(early["id"], "suppressed")["reason"] == "opted_out"


def test_event__whose_texts_may_not_all_be_sent_costs_others_nothing(start, database):  # noqa: F811
    """It is written again for each text that turns out to be suppressed; what was stored beside it in the same transaction stays."""
    g = start({"r%d" % i: "on: news, topic: news, " + TO for i in range(3)}, **({"database": database} if database else {}))
    a = call(g.port, "PUT", "/v1/suppressions/%2B" + PHONE[1:], "{}", {**g.bearer, "Content-Type": "application/json"})
    assert a.status == 201, a
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        texts = [pool.submit(g.create, to="+1415666%04d" % i, body="beside %d" % i) for i in range(120)]
        events = [pool.submit(post, g, "news", item=str(i)) for i in range(40)]
        ids, said = [t.result() for t in texts], [e.result() for e in events]
    assert [len(s["outcomes"]) for s in said] == [3] * 40
    for s in said:
        assert {g.message(o["message_id"])["reason"] for o in s["outcomes"]} == {"opted_out"}, s
    for id in ids:
        g.wait(id, "delivered", timeout=40)
    assert len(list(g.all())) == 120 + 3 * 40 and set(g.sim.times().values()) == {1}


def test_contact__is_written_to_in_their_language_and_by_their_clock(start):
    """Whoever sleeps where they live is not woken, by a message, a rule, or a digest."""
    g = start({"at-once": "on: visit, contact: data.who, template: said", "gathered": "on: visit, contact: data.who, template: gathered, digest: {window: 1s}"},
              quiet={"hours": ["21:00-09:00"]})
    contact(g, "asleep", numbers=["+14155550125"], time_zone=at(23), language="zh-CN")
    contact(g, "awake", numbers=["+14155550126"], time_zone=at(12))
    for who, expected in (("asleep", "scheduled"), ("awake", "delivered")):
        said = post(g, "visit", who=who)
        one = [made(g, said, "at-once")["id"], g.post("/v1/messages", {"contact": who, "body": "by hand"}).json["id"],
               until(lambda: next(o["message_id"] for o in g.get("/v1/events/" + said["id"]).json["outcomes"] if o["rule"] == "gathered"), 30)]
        for m in (g.wait(id, expected) for id in one):
            assert (m["reason"] == "quiet_hours") == (who == "asleep"), m
        assert g.message(one[0])["body"] == ("visit!" if who == "asleep" else "visit")


def test_template__that_lacks_the_language_is_told_with_those_it_has_whatever_the_plan(start):
    g = start({"none": "on: nothing, " + TO}, lanes=lanes)
    admin = {"Authorization": "Bearer " + g.create_key(scopes="send,read,admin")["key"]}
    doc = {"en": {"sms": "{{ data.item }}", "voice": "Hello. {{ data.item }}"}, "zh": {"sms": "{{ data.item }}"}}
    assert g.post("/v1/templates", {"name": "two", "publish": True, "languages": doc}, admin).status == 201
    for channels, words in ((None, "sms text in en, zh: `language` must name one of these"), (["sms", "voice"], "sms text in en, zh: `language` must name one of these"),
                            (["voice", "sms"], "voice text in en: `language` must name one of these")):
        rule = {"on": "x", "to": "data.phone", "template": "two", **({"channels": channels} if channels else {})}
        answer = g.post("/v1/rules/test", {"rule": rule, "event": {"type": "x", "data": {"phone": PHONE, "item": "1"}}}, admin).json["rules"][0]
        assert answer["would"] == "fail" and words in answer["why"], answer


def test_list__of_events_in_one_post_is_taken_in_order_and_bounded(start):
    g = start({"r": "on: tick, dedupe: {key: data.n, window: 1h}, " + TO}, limits={"request_bytes_max": 1 << 20})
    events = [{"type": "tick", "id": "e%d" % i, "data": {"phone": PHONE, "n": i % 3, "item": str(i)}} for i in range(6)]
    a = g.post("/v1/events", [*events, {"type": "tick", "id": 7}, 7])
    assert (a.status, a.json["accepted"], [(r["line"], r.get("retry")) for r in a.json["refused"]]) == (200, 6, [(7, False), (8, False)]), a
    assert sorted(m["body"] for m in g.all()) == ["0", "1", "2"], "the first of each key"
    for body, kind in ((json.dumps([events[0]] * 1001), "application/json"), ("\n".join([json.dumps(events[0])] * 1001), "application/x-ndjson")):
        a = g.post("/v1/events", body.encode(), {"Content-Type": kind})
        assert a.status == 413 and "1000" in a.json["detail"], a
    assert g.post("/v1/events", []).status == 400 and g.post("/v1/events", b"", {"Content-Type": "application/x-ndjson"}).status == 400
