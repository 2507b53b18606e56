"""Consents that a recipient must confirm by answering a text: asked for, confirmed, refused, run out, over a kill; with its proof."""
import concurrent.futures
import urllib.parse
import uuid
import xml.etree.ElementTree

import pytest
from twilio.request_validator import RequestValidator

from harness.endpoint import Endpoint, Hooks
from harness.gateway import call, until
from harness.shim import MACHINE_CLOCK, ShiftedClock
from harness.hostile_gateway import TOKEN

LI, ANN, OWN = "+8613800138000", "+14155550123", "+15005550006"
QUICK = {"lookup_after_ms": 300}
ASKS = {"confirm_topics": ["marketing", "news"], "required_topics": ["marketing", "news"], "brand": "鸿雁"}
PROOF = {"method": "web form", "text": "I want offers", "ip": "203.0.113.7", "url": "https://shop.example/join"}


def grant(g, number=LI, topic="marketing", **more):
    return g.post("/v1/consents", {"number": number, "act": "granted", "topic": topic, **PROOF, **more})


def says(g, sender, body, to=OWN, sid=None, **more):
    """A handset writes; what it is answered by TwiML."""
    sid = sid or "SM" + uuid.uuid4().hex
    form = {"MessageSid": sid, "SmsSid": sid, "From": sender, "To": to, "Body": body, **more}
    url = g.url + "/hooks/sim/inbound"
    a = call(g.port, "POST", "/hooks/sim/inbound", urllib.parse.urlencode(form),
             {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(url, form)})
    assert a.status == 200, a
    return [m.text for m in xml.etree.ElementTree.fromstring(a.body).findall("Message")]


def history(g, number=LI):
    return g.get("/v1/consents/" + urllib.parse.quote(number, safe="")).json["data"]


def acts(g, number=LI):
    return [(c["act"], c["topic"]) for c in history(g, number)]


def fate(g, number=LI, topic="marketing"):
    m = g.message(g.create(to=number, topic=topic, body="offers"))
    return m["reason"] if m["status"] == "suppressed" else "goes"


def test_consent__counts_only_when_the_recipient_has_answered_yes(make_gateway):
    g = make_gateway(lane=QUICK, consent=ASKS)
    a = grant(g)
    assert a.status == 202, a
    asked = a.json["data"][0]
    assert (asked["act"], asked["topic"], asked["source"], asked["method"], asked["text"], asked["ip"]) == \
        ("requested", "marketing", "api", "web form", "I want offers", "203.0.113.7")
    assert asked["expires_at"] > asked["created_at"]
    m = g.wait(asked["message_id"], "delivered")
    assert m["body"] == "【鸿雁】您是否同意接收 marketing 短信？回复 Y 确认，48 小时内有效；不回复即不订阅。" and m["topic"] is None
    assert fate(g) == "no_consent"
    assert says(g, LI, "多少钱") == [] and fate(g) == "no_consent"
    assert says(g, LI, " y。") == ["您已确认订阅,回复\"退订\"可随时退订"]
    assert fate(g) == "goes" and fate(g, topic="news") == "no_consent"
    granted = history(g)[0]
    assert (granted["act"], granted["topic"], granted["source"], granted["by"], granted["method"], granted["text"], granted["url"]) == \
        ("granted", "marketing", "reply", "Y", "double opt-in", "I want offers", "https://shop.example/join")
    reply = g.message(granted["message_id"])
    assert (reply["direction"], reply["body"], reply["in_reply_to"]) == ("inbound", " y。", asked["message_id"])
    shown = g.get("/v1/replies?action=confirm").json["data"]
    assert [(r["id"], r["action"]) for r in shown] == [(granted["message_id"], "confirm")]
    assert grant(g).status == 201  # confirmed before: nobody is asked again
    assert says(g, LI, "Y") == []  # there is nothing to confirm any more
    assert says(g, LI, "退订") == ["您已退订通知"] and fate(g) == "opted_out"


def test_yes__is_the_word_that_starts_where_nothing_was_asked(make_gateway):
    g = make_gateway(lane=QUICK, consent=ASKS)
    assert says(g, ANN, "STOP")
    assert grant(g, ANN).status == 422 and acts(g, ANN) == [("withdrawn", None)]  # who opted out is not asked
    assert says(g, ANN, "YES") == ["You are subscribed again. Reply STOP to unsubscribe."]
    assert grant(g, ANN, topic="news").status == 201  # START was their own word, for everything
    other = "+14155550126"
    a = grant(g, other, topic="news")
    m = g.wait(a.json["data"][0]["message_id"], "delivered")
    assert m["body"] == "鸿雁: reply Y within 48 h to confirm that you want texts about news. Without an answer you get none. STOP ends all."
    assert says(g, other, "Yes!") == ["Thank you, you are subscribed. Reply STOP to unsubscribe."]
    assert acts(g, other)[0] == ("granted", "news")


@MACHINE_CLOCK
def test_request__that_is_stopped_withdrawn_or_run_out_is_confirmed_by_nobody(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    g = make_gateway.gateway(lane=QUICK, env=clock.env, consent=ASKS)
    g.start()
    assert grant(g).status == 202
    assert says(g, LI, "STOP") and says(g, LI, "START")
    assert says(g, LI, "Y") == [] and ("granted", "marketing") not in acts(g)
    assert grant(g, ANN).status == 202
    assert g.post("/v1/consents", {"number": ANN, "act": "withdrawn", "topic": "marketing"}).status == 201
    assert says(g, ANN, "Y") == [] and fate(g, ANN) == "opted_out"
    late = "+14155550124"
    assert grant(g, late).status == 202
    clock.set(48 * 3600 + 1)
    until(lambda: call(g.port, "GET", "/healthz").status == 200)
    assert says(g, late, "Y") == [] and acts(g, late) == [("requested", "marketing")]
    assert grant(g, late).status == 202  # and once more
    assert says(g, late, "Y") and acts(g, late)[0] == ("granted", "marketing")


def test_request__is_texted_once_however_often_the_form_is_sent(make_gateway):
    g = make_gateway(lane=QUICK, consent=ASKS)
    assert grant(g).status == 202
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert {a.status for a in pool.map(lambda _: grant(g), range(12))} == {202}
    assert acts(g) == [("requested", "marketing")]
    until(lambda: g.sim.stats()["received"] == 1)
    assert grant(g, ANN, confirmed=True).status == 201 and fate(g, ANN) == "goes"
    assert grant(g, "li@example.com").status == 201  # an address has its own ways
    assert grant(g, "+14155550125", topic="orders").status == 201


def test_answer__is_for_the_request_it_answers_and_counts_once_over_a_kill(make_gateway):
    g = make_gateway(lane=QUICK, consent=ASKS)
    first = grant(g).json["data"][0]["message_id"]
    g.wait(first, "delivered")
    g.wait(grant(g, topic="news").json["data"][0]["message_id"], "delivered")
    g.kill9()
    g.start()
    sid = "SM" + uuid.uuid4().hex
    assert len(says(g, LI, "Y", sid=sid)) == 1
    assert says(g, LI, "Y", sid=sid) == []  # posted again by the provider
    assert acts(g) == [("granted", "news"), ("requested", "news"), ("requested", "marketing")]
    g.kill9()
    g.start()
    assert fate(g, topic="news") == "goes" and fate(g) == "no_consent"
    assert says(g, LI, "确认") and fate(g) == "goes"


def test_confirming__is_told_to_webhooks_and_may_have_words_of_ones_own(make_gateway, tmp_path):
    (tmp_path / "ask.en.txt").write_text("{{ brand }} asks: {{ text }} ({{ topic }}, {{ hours }}h)? YEP")
    g = make_gateway(lane=QUICK, consent={**ASKS, "confirm_template": "ask", "confirm_hours": 2}, templates={"dir": str(tmp_path)},
                     replies={"keywords": ["confirm YEP for language=en", "ignore Y"], "answers": ["confirm en Welcome!"]},
                     webhooks={"allow_http": True, "allow_private": True})
    endpoint = Endpoint()
    try:
        Hooks(g, g.create_key(scopes="send,read,admin")["key"]).create(endpoint.url)
        m = g.wait(grant(g, ANN, language="en-GB").json["data"][0]["message_id"], "delivered")
        assert m["body"] == "鸿雁 asks: I want offers (marketing, 2h)? YEP"
        assert says(g, ANN, "Y") == []
        assert says(g, ANN, "yep") == ["Welcome!"]
        told = until(lambda: [p.json for p in list(endpoint.posts) if p.type == "consent.opted_in"], 30)
        assert len(told) == 1 and {k: told[0]["data"][k] for k in ("number", "topic", "source", "keyword")} == \
            {"number": ANN, "topic": "marketing", "source": "reply", "keyword": "YEP"}
    finally:
        endpoint.close()


def test_brand__is_the_languages_own(make_gateway):
    g = make_gateway(lane=QUICK, consent={**ASKS, "brand": "Goose", "brands": ["zh: 雁", "zh-TW: 雁子"]})
    for number, said in ((LI, "【雁】您是否同意"), (ANN, "Goose: reply Y"), ("+886912345678", "【雁子】您是否同意")):
        assert g.wait(grant(g, number).json["data"][0]["message_id"], "delivered")["body"].startswith(said)


@pytest.mark.parametrize("bad", [{"confirm_hours": 0}, {"confirm_hours": 721}, {"brands": ["雁"]}])
def test_settings__that_cannot_be_are_refused(make_gateway, bad):
    g = make_gateway.gateway(consent={**ASKS, **bad})
    with pytest.raises(Exception):
        g.start()
