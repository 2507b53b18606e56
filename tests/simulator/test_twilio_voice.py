"""Twilio's own SDK (Debian's) against the simulator's calls."""
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.voice_response import VoiceResponse

from conftest import SENDER, SID, TOKEN

TO = "+15558675310"


def twiml(text="hello", times=2, **how):
    r = VoiceResponse()
    for _ in range(times):
        r.say(text, **how)
        r.pause(length=1)
    return str(r)


def test_a_call_says_what_its_twiml_says(sdk, sim):
    made = sdk.calls.create(to=TO, from_=SENDER, twiml=twiml("您的验证码 4，8 <&> \"x\"", language="cmn-CN", voice="Polly.Zhiyu"), timeout=20)
    assert made.sid.startswith("CA") and len(made.sid) == 34 and (made.status, made.to) == ("queued", TO)
    seen, = sim.messages()
    assert (seen["provider"], seen["to"], seen["body"]) == ("twilio-voice", TO, "您的验证码 4，8 <&> \"x\"")
    assert (seen["extra"]["language"], seen["extra"]["voice"], seen["extra"]["times"]) == ("cmn-CN", "Polly.Zhiyu", 2)
    got = sdk.calls(made.sid).fetch()
    assert (got.status, got.duration, got.direction) == ("completed", "9", "outbound-api") and got.date_created


def test_the_list_shows_calls_and_not_texts(sdk, sim):
    sdk.messages.create(to=TO, from_=SENDER, body="a text")
    one, two = (sdk.calls.create(to=to, from_=SENDER, twiml=twiml()).sid for to in (TO, "+15558675311"))
    assert [c.sid for c in sdk.calls.list()] == [two, one]
    assert [c.sid for c in sdk.calls.list(to=TO, from_=SENDER)] == [one] and sdk.calls.list(to=TO, from_="+15017250699") == []
    assert len(sdk.messages.list()) == 1
    sim.profile(list_lag_ms=60000)
    assert sdk.calls.list() == []


@pytest.mark.parametrize("fields, code", [
    ({"twiml": "<Response><Say>x</Response>"}, 12100), ({"twiml": "<Response><Say>x &nbsp;</Say></Response>"}, 12100),
    ({"twiml": "<Response><Message>x</Message></Response>"}, 12100), ({"twiml": twiml("x" * 4000)}, 32018), ({}, 21205),
    ({"twiml": twiml(), "to": "12"}, 21211), ({"twiml": twiml(), "from_": "MyBrand"}, 21210),
    ({"twiml": twiml(), "status_callback": "ftp://x"}, 21609)])
def test_what_cannot_be_called_is_refused(sdk, sim, fields, code):
    with pytest.raises(TwilioRestException) as e:
        sdk.calls.create(**{"to": TO, "from_": SENDER, **fields})
    assert e.value.code == code and sim.stats()["received"] == 0


def test_a_wrong_token_is_refused(sim):
    other = Client(SID, "f" * 32)
    other.api.base_url = sim.url
    with pytest.raises(TwilioRestException) as e:
        other.calls.create(to=TO, from_=SENDER, twiml=twiml())
    assert (e.value.status, e.value.code) == (401, 20003)


@pytest.mark.parametrize("how, said", [
    ({}, ("completed", "9", None)), ({"undelivered": 1, "undelivered_code": "busy"}, ("busy", "0", None)),
    ({"undelivered": 1}, ("no-answer", "0", None)), ({"failed": 1}, ("failed", "0", None))])
def test_the_end_is_told_and_signed(sdk, sim, receiver, how, said):
    sim.profile(receipts=how)
    made = sdk.calls.create(to=TO, from_=SENDER, twiml=twiml(), status_callback=receiver.url + "/s?t=1")
    post, = receiver.take(1)
    p = post["params"]
    assert (p["CallStatus"], p["CallDuration"], p.get("AnsweredBy")) == said and p["CallSid"] == made.sid
    assert RequestValidator(TOKEN).validate(post["url"], p, post["headers"]["X-Twilio-Signature"])
    assert sdk.calls(made.sid).fetch().status == said[0]


def test_machines_are_told_from_people_where_asked(sdk, sim, receiver):
    for to, how, by in [(TO, None, None), (TO, "Enable", "human"), ("+15005550120", "Enable", "machine_start"),
                        ("+15005550120", "DetectMessageEnd", "machine_end_beep"), ("+15005550120", None, None)]:
        more = {"machine_detection": how} if how else {}
        sdk.calls.create(to=to, from_=SENDER, twiml=twiml(), status_callback=receiver.url, **more)
        assert receiver.take(1)[0]["params"].get("AnsweredBy") == by


def test_a_pressed_key_is_told_to_the_action_of_gather_and_signed(sdk, sim, receiver):
    r = VoiceResponse()
    with r.gather(action=receiver.url + "/k?a=1&say=x", num_digits=1) as g:
        g.say("one")
        g.say("two")
        g.say("one")
    receiver.status, receiver.body = 200, b"<Response/>"
    press = {"provider": "twilio-voice", "from": TO, "to": SENDER, "body": "5"}
    assert sim.post("/_sim/reply", press).status_code == 409, "nobody is in a call"
    sim.profile(receipts={"delay_ms": 60000})
    made = sdk.calls.create(to=TO, from_=SENDER, twiml=str(r))
    assert (sim.messages()[0]["body"], sim.messages()[0]["extra"]["times"]) == ("one", 2)
    answer = sim.post("/_sim/reply", press).json()
    assert (answer["http_status"], answer["answer"]) == (200, "<Response/>")
    post, = receiver.take(1)
    p = post["params"]
    assert post["path"] == "/k?a=1&say=x" and (p["CallSid"], p["Digits"], p["CallStatus"]) == (made.sid, "5", "in-progress")
    assert RequestValidator(TOKEN).validate(post["url"], p, post["headers"]["X-Twilio-Signature"])
    sdk.calls(made.sid).update(status="completed")
    assert sim.post("/_sim/reply", press).status_code == 409, "it is over"
    sdk.calls.create(to=TO, from_=SENDER, twiml=twiml())
    assert "no keys" in sim.post("/_sim/reply", press).json()["detail"]


def test_a_call_that_rings_can_be_ended(sdk, sim):
    sim.profile(receipts={"delay_ms": 60000})
    made = sdk.calls.create(to=TO, from_=SENDER, twiml=twiml())
    assert sdk.calls(made.sid).update(status="canceled").status == "canceled"
    with pytest.raises(TwilioRestException) as e:
        sdk.calls(made.sid).update(status="completed")
    assert e.value.code == 21220
