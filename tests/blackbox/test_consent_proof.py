"""Consents with their proof, as an application brings them and recipients say them; topics that need one."""
import contextlib
import json
import os
import sqlite3
import urllib.parse

import pytest

from harness.gateway import after, call, until

LI = "+8613800138000"
MAIL = "li@example.com"


def ask(g, method, path, body=None, key=None):
    return call(g.port, method, path, json.dumps(body) if body is not None else None,
                {**(key or g.bearer), "Content-Type": "application/json"})


def say(g, number, act, key=None, **proof):
    return ask(g, "POST", "/v1/consents", {"number": number, "act": act, **proof}, key)


def history(g, number, key=None, **query):
    a = ask(g, "GET", "/v1/consents/%s?%s" % (urllib.parse.quote(number, safe=""), urllib.parse.urlencode(query)), key=key)
    assert a.status == 200, a
    return a.json["data"]


def opted_out(g, number):
    return [r["topic"] for r in ask(g, "GET", "/v1/suppressions/" + urllib.parse.quote(number, safe="")).json["data"]]


def ends(g, **fields):
    m = g.message(g.create(**fields))
    return m["status"], m["reason"]


STOPPED = ("suppressed", "no_consent")


def test_topic__that_needs_a_consent_goes_only_to_whoever_granted_it(make_gateway):
    g = make_gateway(consent={"required_topics": ["marketing"]})
    assert ends(g, to=LI, topic="marketing") == STOPPED
    g.wait(g.create(to=LI, topic="orders"), "delivered")
    a = say(g, "138 0013 8000", "granted", topic="marketing", method="web form", text="我同意接收促销短信", ip="203.0.113.7",
            url="https://shop.example/join", at="2026-01-31T08:30:00Z")
    assert a.status == 201, a
    c = a.json["data"][0]
    assert (a.json["number"], c["act"], c["topic"], c["source"], c["method"], c["text"], c["ip"], c["url"], c["at"]) == \
        (LI, "granted", "marketing", "api", "web form", "我同意接收促销短信", "203.0.113.7", "https://shop.example/join", "2026-01-31T08:30:00.000Z")
    assert c["by"].startswith("SK")
    g.wait(g.create(to=LI, topic="marketing"), "delivered")
    assert ends(g, to="+8613800138001", topic="marketing") == STOPPED
    scheduled = g.create(to=LI, topic="marketing", send_at=after(6))
    assert say(g, LI, "withdrawn", topic="marketing").status == 201
    assert g.wait(scheduled, "suppressed")["reason"] == "opted_out"
    assert ends(g, to=LI, topic="marketing") == ("suppressed", "opted_out")
    assert say(g, LI, "granted", by="clerk 7").status == 201  # for everything
    g.wait(g.create(to=LI, topic="marketing"), "delivered")
    assert [(c["act"], c["topic"]) for c in history(g, LI)] == [("granted", None), ("withdrawn", "marketing"), ("granted", "marketing")]


def test_consent__said_before_a_withdrawal_undoes_nothing_when_it_comes_late(make_gateway):
    g = make_gateway(consent={"required_topics": ["marketing"]})
    assert say(g, LI, "withdrawn", topic="marketing").status == 201
    assert say(g, LI, "granted", topic="marketing", at="2026-01-31T08:30:00Z").status == 201
    assert opted_out(g, LI) == ["marketing"]
    assert ends(g, to=LI, topic="marketing") == ("suppressed", "opted_out")
    assert [c["act"] for c in history(g, LI)] == ["withdrawn", "granted"]
    other = "+8613800138001"
    say(g, other, "granted", topic="marketing")
    say(g, other, "withdrawn", topic="marketing", at="2026-01-31T08:30:00Z")
    assert opted_out(g, other) == []
    g.wait(g.create(to=other, topic="marketing"), "delivered")


def test_history__has_keywords_opt_outs_and_releases_too(make_gateway):
    g = make_gateway()
    sender = g.wait(g.create(to=LI, body="hello"), "delivered")
    g.sim.reply(LI, sender["from"] or "+15005550006", "退订")
    g.sim.reply(LI, sender["from"] or "+15005550006", "START")
    ask(g, "PUT", "/v1/suppressions/" + urllib.parse.quote(LI), {"topic": "news", "note": "by telephone"})
    ask(g, "DELETE", "/v1/suppressions/%s?kind=opt_out" % urllib.parse.quote(LI))
    got = [(c["act"], c["source"], c["topic"], c["by"] if c["source"] == "reply" else None) for c in history(g, LI)]
    assert got == [("released", "api", None, None), ("withdrawn", "api", "news", None), ("granted", "reply", None, "START"), ("withdrawn", "reply", None, "退订")]
    assert all(c["message_id"] for c in history(g, LI) if c["source"] == "reply")
    released, withdrawn = history(g, LI)[:2]
    assert released["by"] == withdrawn["by"] and released["by"].startswith("SK"), "who took it off the list"
    assert [c["act"] for c in history(g, LI, topic="other")] == ["released", "granted", "withdrawn"]


def test_consent__is_asked_about_the_address_of_each_channel(make_gateway):
    g = make_gateway(consent={"required_topics": ["marketing"]})
    say(g, MAIL.upper(), "granted", topic="marketing")
    assert [c["act"] for c in history(g, MAIL)] == ["granted"]
    assert ends(g, to=LI, topic="marketing", channels=["sms"]) == STOPPED


def test_consent__of_another_account_counts_for_nothing(make_gateway):
    g = make_gateway(consent={"required_topics": ["marketing"]})
    other = {"Authorization": "Bearer " + g.create_key(account="other")["key"]}
    assert say(g, LI, "granted", other, topic="marketing").status == 201
    assert history(g, LI) == [] and len(history(g, LI, other)) == 1
    assert ends(g, to=LI, topic="marketing") == STOPPED


def test_consent__what_is_wrong_is_named(make_gateway):
    g = make_gateway()
    for body, field in [({"act": "granted"}, "number"), ({"number": LI}, "act"), ({"number": LI, "act": "released"}, "act"),
                        ({"number": "++", "act": "granted"}, "number"), ({"number": LI, "act": "granted", "topic": "字" * 30}, "topic"),
                        ({"number": LI, "act": "granted", "at": after(86400)}, "at"), ({"number": LI, "act": "granted", "text": "x" * 2001}, "text")]:
        a = ask(g, "POST", "/v1/consents", body)
        assert (a.status, a.json.get("field")) == (400, field), (body, a)
    reader = {"Authorization": "Bearer " + g.create_key(scopes="read")["key"]}
    assert say(g, LI, "granted", reader).status == 403
    assert history(g, LI) == []


def test_consent__outlives_a_kill(make_gateway):
    g = make_gateway(consent={"required_topics": ["marketing"]})
    assert say(g, LI, "granted", topic="marketing", text="yes").status == 201
    g.kill9()
    g.start()
    assert history(g, LI)[0]["text"] == "yes"
    g.wait(g.create(to=LI, topic="marketing"), "delivered")


@pytest.mark.skipif("HONGYAN_TEST_DATABASE" in os.environ, reason="of SQLite's file")
def test_lists__of_an_older_database_and_words_by_another_hand_are_heeded(make_gateway):
    g = make_gateway(consent={"required_topics": ["marketing"]})
    agreed, left, never = "+8613800138001", "+8613800138002", "+8613800138003"
    for number in agreed, left:
        assert say(g, number, "granted", topic="marketing").status == 201
    assert ask(g, "PUT", "/v1/suppressions/" + urllib.parse.quote(left), {}).status < 300
    assert g.term() == 0
    with contextlib.closing(sqlite3.connect(g.data / "hongyan.db")) as db:
        made = [(kind, name) for kind, name in db.execute("SELECT type, name FROM sqlite_master WHERE name LIKE 'number_%' ORDER BY type DESC")]
        for kind, name in made:
            db.execute("DROP %s %s" % (kind, name))
        db.commit()
    assert len(made) == 8

    def heeded(g):
        g.wait(g.create(to=agreed, topic="marketing"), "delivered")
        assert ends(g, to=left, topic="marketing") == ("suppressed", "opted_out")
        assert ends(g, to=never, topic="marketing") == STOPPED

    heeded(g.start())  # it reads them at its start
    with contextlib.closing(sqlite3.connect(g.data / "hongyan.db", timeout=20)) as db:
        until(lambda: db.execute("SELECT count(*) FROM number_todo").fetchone() == (0,), told="the lists are not read")
        assert db.execute("SELECT count(*) FROM number_row").fetchone()[0] >= 2
        heeded(g)
        db.execute("UPDATE consent SET act=2 WHERE number=?", (agreed,))
        db.commit()
    assert ends(g, to=agreed, topic="marketing") == STOPPED


def test_history__that_is_full_takes_opt_outs_of_all_topics_and_what_recipients_say(make_gateway):
    g = make_gateway(consent={"required_topics": ["marketing"]})
    number, other = "+14155550123", "+14155550124"
    admin = {"Authorization": "Bearer " + g.create_key(scopes="send,read,admin")["key"]}
    assert say(g, number, "granted", topic="marketing").status == 201
    for first in range(0, 5000, 500):  # the last of these parts goes a little beyond
        rows = "number,act,topic,at\n" + "".join("%s,granted,t%d,2026-01-31T08:30:%02dZ\n" % (number, i, i % 60) for i in range(first, first + 500))
        a = call(g.port, "POST", "/v1/imports/consents", rows, {**g.bearer, "Content-Type": "text/csv"}, timeout=60)
        assert a.status == 200 and a.json["added"] == 500, a
    path = "/v1/suppressions/%2B14155550123"
    for a in (say(g, number, "granted", topic="one more"), say(g, number, "withdrawn"), ask(g, "PUT", path, {"topic": "t1"}), ask(g, "DELETE", path + "?kind=opt_out")):
        assert a.status == 422 and "5000 words" in a.json["detail"] and "/v1/suppressions" in a.json["detail"], a
    a = call(g.port, "POST", "/v1/imports/consents", "number,act,topic,at\n%s,granted,x,2026-01-31T08:30:00Z\n%s,granted,x,2026-01-31T08:30:00Z\n" % (number, other),
             {**g.bearer, "Content-Type": "text/csv"})
    assert (a.json["added"], [r["line"] for r in a.json["refused"]]) == (1, [2]), a
    a = ask(g, "POST", "/v1/suppressions", {"suppressions": [{"number": number, "topic": "t1"}, {"number": other, "topic": "t1"}]})
    assert (a.json["added"], [r["index"] for r in a.json["refused"]]) == (1, [0]), a
    assert ask(g, "PUT", path, {"kind": "block", "topic": "t1"}, admin).status == 201  # of which the history says nothing
    assert ends(g, to=number, topic="orders")[0] != "suppressed"
    assert ask(g, "PUT", path, {}).status == 201
    assert ends(g, to=number, topic="orders") == ("suppressed", "opted_out")
    g.sim.reply(number, "+15005550006", "START")
    until(lambda: opted_out(g, number) == ["t1"])  # the block
    assert history(g, number)[0]["act"] == "granted"
    assert ends(g, to=number, topic="orders")[0] != "suppressed"
    assert say(g, other, "granted", topic="one more").status == 201


def test_list__of_a_number_with_opt_outs_of_many_topics_holds_each_of_them_and_no_other(make_gateway):
    """Imported, they leave the history alone."""
    g = make_gateway()
    number = "+14155550123"
    for first in range(0, 2000, 500):
        rows = "number,kind,topic\n" + "".join("%s,opt_out,t%d\n" % (number, i) for i in range(first, first + 500))
        a = call(g.port, "POST", "/v1/imports/suppressions", rows, {**g.bearer, "Content-Type": "text/csv"}, timeout=60)
        assert a.status == 200 and a.json["added"] == 500, a
    path = "/v1/suppressions/%2B14155550123"
    assert ends(g, to=number, topic="t1999") == ends(g, to=number, topic="t0") == ("suppressed", "opted_out")
    assert ends(g, to=number, topic="t2000")[0] != "suppressed" and ends(g, to=number)[0] != "suppressed"
    assert ask(g, "DELETE", path + "?kind=opt_out&topic=t0").status == 204
    assert ends(g, to=number, topic="t0")[0] != "suppressed" and ends(g, to=number, topic="t1")[1] == "opted_out"
    assert say(g, number, "granted", topic="t1").status == 201
    assert ends(g, to=number, topic="t1")[0] != "suppressed" and ends(g, to=number, topic="t2")[1] == "opted_out"
    assert say(g, number, "granted", topic="t2", at="2026-01-31T08:30:00Z").status == 201  # they were said to be off the list later
    assert ends(g, to=number, topic="t2")[1] == "opted_out"
    assert say(g, number, "granted").status == 201  # for everything
    assert ends(g, to=number, topic="t2")[0] != "suppressed" and opted_out(g, number) == []
