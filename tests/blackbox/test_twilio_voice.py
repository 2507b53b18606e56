"""Calls that speak: the real gateway against the simulated Calls API (which Twilio's own SDK proved in
tests/simulator/test_twilio_voice.py)."""
import http.server
import json
import re
import threading
import urllib.parse
import xml.etree.ElementTree

import pytest
from twilio.request_validator import RequestValidator

from harness.hostile_gateway import TOKEN
from harness.gateway import Gateway, after, call, unique, until

PERSON, MACHINE, FORGED = "+14155550123", "+15005550120", "+15005550111"


@pytest.fixture
def start(make_gateway):
    def begin(profile=None, **lane):
        g = make_gateway.gateway(profile=profile)
        g.write(lanes=[{**Gateway.lane("calls", g.sim.url), "provider": "twilio-voice", "lookup_after_ms": 500, **lane}])
        return g.start()
    return begin


def test_a_code_is_spoken_digit_by_digit_in_the_recipients_language(start):
    g = start()
    g.wait(g.create(body="您的验证码是 482913 <请勿告诉他人>", channel="voice", language="zh-CN"), "delivered")
    seen, = g.sim.messages()
    assert (seen["provider"], seen["to"], seen["from"]) == ("twilio-voice", PERSON, "+15005550006")
    assert seen["body"] == "您的验证码是 4，8，2，9，1，3 <请勿告诉他人>"
    assert (seen["extra"]["times"], seen["extra"]["language"], seen["extra"]["voice"]) == (3, "cmn-CN", "Polly.Zhiyu")
    says = xml.etree.ElementTree.fromstring(seen["extra"]["twiml"]).iter("Say")
    assert {s.text for s in says} == {seen["body"], "重听请按任意键。"}


SILENCE = {"receipts": {"delay_ms": 60000}}  # the call goes on


def press(g, key="1"):
    return call(g.sim.port, "POST", "/_sim/reply", json.dumps({"provider": "twilio-voice", "from": PERSON, "to": "+15005550006", "body": key})).json


def spoken(document):
    return [s.text for s in xml.etree.ElementTree.fromstring(document).iter("Say")]


def test_any_key_repeats_what_is_said_also_after_a_kill(start):
    g = start(SILENCE)
    g.create(body="您的验证码是 482913", channel="voice", language="zh-CN")
    until(lambda: g.sim.messages(), told="nobody is called")
    document = g.sim.messages()[0]["extra"]["twiml"]
    assert "482913" not in document and spoken(document).count("您的验证码是 4，8，2，9，1，3") == 3 and "重听请按任意键。" in spoken(document)
    for key in "1#5":
        assert press(g, key)["http_status"] == 200
    g.kill9()
    g.start()
    answer = press(g)
    assert spoken(answer["answer"]) == ["您的验证码是 4，8，2，9，1，3", "重听请按任意键。"]


def test_keys_are_answered_nine_times_and_then_the_call_ends(start):
    g = start(SILENCE)
    g.create(body="Your code is 482913", channel="voice", language="en")
    until(lambda: g.sim.messages(), told="nobody is called")
    document, seen = g.sim.messages()[0]["extra"]["twiml"], set()
    for left in range(10, 0, -1):
        gather = xml.etree.ElementTree.fromstring(document).find("Gather")
        assert gather is not None, left
        url, form = gather.get("action"), {"CallSid": "CA" + "0" * 32, "Digits": "1"}
        assert url not in seen
        seen.add(url)
        signature = RequestValidator(TOKEN).compute_signature(url, form)
        path, body = "/" + url.split("/", 3)[3], urllib.parse.urlencode(form)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        for wrong in ({}, {"X-Twilio-Signature": signature.swapcase()}):
            assert call(g.port, "POST", path, body, headers={**kind, **wrong}).status in (401, 403)
        answer = call(g.port, "POST", path, body, headers={**kind, "X-Twilio-Signature": signature})
        assert answer.status == 200 and answer.headers["content-type"].startswith("text/xml")
        document = answer.body.decode()
        assert spoken(document)[0] == "Your code is 4, 8, 2, 9, 1, 3"
    assert xml.etree.ElementTree.fromstring(document).find("Gather") is None


def test_a_one_time_code_spoken_stands_in_no_file(make_gateway):
    g = make_gateway.gateway(profile=SILENCE)
    g.write(lanes=[{**Gateway.lane("calls", g.sim.url), "provider": "twilio-voice"}], verifications={"channels": ["voice"], "code_length": 10})
    g.start()
    codes = []
    for to in (PERSON, "+14155550124"):
        made = g.post("/v1/verifications", {"to": to, "channel": "voice"})
        assert made.status in (200, 201, 202), made
        said = until(lambda to=to: [m["body"] for m in g.sim.messages() if m["to"] == to], told="nobody is called")[0]
        codes.append(re.sub("[^0-9]", "", re.search("[0-9](, [0-9]){9}", said)[0]))
    assert codes[0] in re.sub("[^0-9]", "", spoken(press(g)["answer"])[0])
    g.stop()
    found = [(code, path) for path in g.folder.rglob("*") if path.is_file() for code in codes if code.encode() in path.read_bytes()]
    assert len({code for code, _ in found}) < 2, found  # ten digits may stand somewhere by chance, but not those of both


def test_what_became_of_a_call_is_what_its_receipt_says(start):
    g = start(machine_detection="hear")
    assert g.wait(g.create(MACHINE, "x", channel="voice"), "undelivered")["reason"] == "unreachable"
    g.wait(g.create(body="x", channel="voice"), "delivered")
    g.sim.profile({"receipts": {"undelivered": 1, "undelivered_code": "busy"}})
    assert g.wait(g.create(body="x", channel="voice"), "undelivered")["reason"] == "unreachable"


def test_a_text_left_on_a_machine_counts_where_it_is_asked_for(start):
    g = start(machine_detection="leave")
    g.wait(g.create(MACHINE, "x", channel="voice"), "delivered")


def test_a_lost_answer_is_looked_up_and_nobody_is_called_twice(start):
    g = start({"lost_answers": 1, "receipts": {"none": 1}})
    g.wait(g.create(body="x", channel="voice"), "sent", timeout=30)
    assert g.sim.stats()["received"] == 1 and g.sim.stats()["lists"] >= 1


def test_a_call_that_twilio_never_got_is_made_again(start):
    g = start({"lost_requests": 1})
    sid = g.create(body="again", channel="voice")
    until(lambda: g.sim.stats()["lost_requests"] >= 1, told="nothing is tried")
    g.sim.profile({"lost_requests": 0})
    g.wait(sid, "delivered", timeout=60)
    assert g.sim.stats()["received"] == 1


def test_errors_late_and_doubled_receipts_move_each_call_once(start):
    g = start({"errors": [{"share": 0.2, "status": 429}, {"share": 0.1, "status": 400, "code": 21211}], "latency_ms": 10,
               "receipts": {"duplicate": 0.5, "early": 0.3, "undelivered": 0.2}})
    sids = [g.create("+1415555%04d" % i, "call %d" % i, channel="voice") for i in range(40)]
    ends = [g.wait(sid, "delivered", "undelivered", "failed", timeout=60)["status"] for sid in sids]
    assert {"delivered", "undelivered"} <= set(ends)
    times = g.sim.times()
    assert set(times.values()) == {1} and len(times) == len(sids) - ends.count("failed")


def test_a_forged_receipt_is_refused(start):
    g = start()
    g.wait(g.create(FORGED, "x", channel="voice"), "delivered", timeout=30)
    assert (g.sim.stats()["forged_sent"], g.sim.stats()["forged_accepted"]) == (1, 0)
    for body in ("CallSid=CA1&CallStatus=failed", "", "\0", "a" * 100000):
        assert call(g.port, "POST", "/hooks/calls/status", body).status in (400, 401, 403, 413), body[:20]


def test_kill__nobody_is_called_twice(start):
    g = start({"latency_ms": 30})
    then = after(2)
    texts = [re.sub("[0-9]", lambda m: "abcdefghij"[int(m[0])], unique("k%d" % i)) for i in range(30)]
    sids = [g.create("+1415555%04d" % i, t, channel="voice", send_at=then) for i, t in enumerate(texts)]
    until(lambda: g.sim.stats()["received"] >= 3, told="nobody is called")
    g.kill9()
    g.start()
    for sid in sids:
        g.wait(sid, "delivered", "sent", timeout=60)
    assert g.sim.times() == dict.fromkeys(texts, 1)


def test_the_doctor_is_content_with_a_lane_that_works(start):
    g = start()
    assert b'"lane calls","result":"ok"' in g.run("doctor", "-c", str(g.config), "--json").stdout


def test_texts_and_calls_go_by_their_own_lanes(make_gateway):
    g = make_gateway.gateway()
    g.write(lanes=[g.lane("sim", g.sim.url), {**Gateway.lane("calls", g.sim.url), "provider": "twilio-voice"}])
    g.start()
    text, spoken = g.create(body="a text"), g.create(body="a call", channel="voice")
    g.wait(text, "delivered")
    g.wait(spoken, "delivered")
    assert {(m["body"], m["provider"]) for m in g.sim.messages()} == {("a text", "twilio"), ("a call", "twilio-voice")}


@pytest.fixture
def document():
    """An application's own TwiML by http; .asked is what Twilio posted for it."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.server.asked.append((self.path, dict(urllib.parse.parse_qsl(body)), self.headers["X-Twilio-Signature"]))
            self.send_response(200 if self.path.startswith("/speak") else 500)
            self.end_headers()
            self.wfile.write("<Response><Say language=\"de-DE\">Ihre Bestellung &amp; mehr</Say></Response>".encode())

        def log_message(self, *args):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.url = [], "http://127.0.0.1:%d" % server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_template_code_that_is_an_address_is_what_the_call_says(start, document):
    g = start()
    url = document.url + "/speak?order=1"
    g.wait(g.create(body="not said", channel="voice", provider_template={"code": url}), "delivered")
    until(lambda: g.sim.of("Ihre Bestellung & mehr"), told="the document is not what is said")
    (path, asked, signature), = document.asked
    assert path == "/speak?order=1" and asked["To"] == PERSON and RequestValidator(TOKEN).validate(url, asked, signature)
    assert g.sim.messages()[0]["extra"]["url"] == url and not g.sim.of("not said")
    g.wait(g.create(body="x", channel="voice", provider_template={"code": document.url + "/broken"}), "delivered")
    until(lambda: g.sim.of("We're sorry, an application error has occurred. Goodbye."), told="a broken document is not told")
