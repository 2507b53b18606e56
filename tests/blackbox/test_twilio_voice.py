"""Calls that speak: the real program against a stand-in for Twilio's Calls API. Signatures are made by Twilio's own SDK (Debian's
python3-twilio), and what is said is read as XML."""
import base64
import email.utils
import http.server
import json
import threading
import time
import urllib.parse
import urllib.request
import xml.etree.ElementTree

import pytest
from twilio.request_validator import RequestValidator

from harness.gateway import Gateway, call, until
from harness.hostile_gateway import LANE_SID, TOKEN

SENDER = "+15005550006"
# What becomes of a call, by the number's end; all others are answered by a person.
BUSY, LOST, NOWHERE, MACHINE = "+14155550101", "+14155550102", "+14155550103", "+14155550104"


class Twilio:
    def __init__(self):
        self.calls, self.requests, self.lock = [], 0, threading.Lock()
        twilio = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def answer(self, status, body):
                raw = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def lets_in(self):
                right = "Basic " + base64.b64encode(("%s:%s" % (LANE_SID, TOKEN)).encode()).decode()
                if self.headers["Authorization"] == right:
                    return True
                self.answer(401, {"code": 20003, "message": "Authenticate", "status": 401})
                return False

            def do_GET(self):
                if not self.lets_in():
                    return
                path, _, query = self.path.partition("?")
                if not path.endswith("/Calls.json"):
                    self.answer(200, {"sid": LANE_SID, "status": "active"})
                    return
                to = dict(urllib.parse.parse_qsl(query))["To"]
                self.answer(200, {"calls": [c["shown"] for c in reversed(twilio.calls) if c["form"]["To"] == to], "next_page_uri": None})

            def do_POST(self):
                form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode(), strict_parsing=True))
                if not self.lets_in():
                    return
                to = form["To"]
                with twilio.lock:
                    twilio.requests += 1
                    first = twilio.requests == 1
                if to == NOWHERE and first:
                    self.close_connection = True
                    return
                made = twilio.record(form)
                if to == LOST:
                    self.close_connection = True
                    return
                self.answer(201, made["shown"])
                threading.Thread(target=twilio.report, args=(made,)).start()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def record(self, form):
        with self.lock:
            sid = "CA%032x" % (len(self.calls) + 1)
            shown = {"sid": sid, "to": form["To"], "from": form["From"], "direction": "outbound-api", "status": "completed", "duration": "9",
                     "date_created": email.utils.formatdate(time.time()).replace("-0000", "+0000")}
            self.calls.append({"form": form, "sid": sid, "shown": shown})
            return self.calls[-1]

    def report(self, made, token=TOKEN):
        form = made["form"]
        status = {BUSY: "busy"}.get(form["To"], "completed")
        said = {"CallSid": made["sid"], "AccountSid": LANE_SID, "From": form["From"], "To": form["To"], "CallStatus": status,
                "CallDuration": "9" if status == "completed" else "0", "Direction": "outbound-api", "ApiVersion": "2010-04-01"}
        if "MachineDetection" in form:
            said["AnsweredBy"] = "machine_start" if form["To"] == MACHINE else "human"
        url = form["StatusCallback"]
        signature = RequestValidator(token).compute_signature(url, said)
        rq = urllib.request.Request(url, urllib.parse.urlencode(said).encode(), {
            "Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature})
        try:
            return urllib.request.urlopen(rq, timeout=10).status
        except urllib.error.HTTPError as e:
            return e.code

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def twilio():
    t = Twilio()
    yield t
    t.close()


def start(make_gateway, twilio, **lane):
    g = make_gateway.gateway()
    g.write(lanes=[{**Gateway.lane("calls", twilio.url), "provider": "twilio-voice", "timeout_ms": 3000, "connect_timeout_ms": 1000,
                    "lookup_after_ms": 500, **lane}])
    return g.start()


def test_a_code_is_spoken_digit_by_digit_in_the_recipients_language(make_gateway, twilio):
    g = start(make_gateway, twilio)
    g.wait(g.create(body="您的验证码是 482913 <请勿告诉他人>", channel="voice", language="zh-CN"), "delivered")
    form = twilio.calls[0]["form"]
    assert (form["To"], form["From"]) == ("+14155550123", SENDER)
    spoken = xml.etree.ElementTree.fromstring(form["Twiml"])
    says = spoken.findall("Say")
    assert len(says) == 3 and [s.get("language") for s in says] == ["cmn-CN"] * 3
    assert says[0].text == "您的验证码是 4，8，2，9，1，3 <请勿告诉他人>"


def test_what_became_of_a_call_is_what_its_receipt_says(make_gateway, twilio):
    g = start(make_gateway, twilio, machine_detection="hear")
    assert g.wait(g.create(BUSY, "x", channel="voice"), "undelivered")["reason"] == "unreachable"
    assert g.wait(g.create(MACHINE, "x", channel="voice"), "undelivered")["reason"] == "unreachable"
    g.wait(g.create("+14155550199", "x", channel="voice"), "delivered")


def test_a_lost_answer_is_looked_up_and_nobody_is_called_twice(make_gateway, twilio):
    g = start(make_gateway, twilio)
    g.wait(g.create(LOST, "x", channel="voice"), "delivered", timeout=30)
    assert len(twilio.calls) == 1 and twilio.requests == 1


def test_a_call_that_twilio_never_got_is_made_again(make_gateway, twilio):
    g = start(make_gateway, twilio)
    g.wait(g.create(NOWHERE, "x", channel="voice"), "delivered", timeout=60)
    assert len(twilio.calls) == 1 and twilio.requests == 2


def test_a_forged_receipt_is_refused(make_gateway, twilio):
    g = start(make_gateway, twilio)
    g.wait(g.create(LOST, "x", channel="voice"), "delivered", timeout=30)
    assert twilio.report(twilio.calls[0], token="0" * 32) in (401, 403)
    assert call(g.port, "POST", "/hooks/calls/status", "CallSid=CA1&CallStatus=failed").status in (401, 403)


def test_doctor_tells_a_right_token_from_a_wrong_one(make_gateway, twilio):
    g = start(make_gateway, twilio)
    assert b'"lane calls","result":"ok"' in g.run("doctor", "-c", str(g.config), "--json").stdout
    g.env["TOK"] = "f" * 32
    assert b"Twilio refuses the credentials" in g.run("doctor", "-c", str(g.config), "--json").stdout


def test_texts_and_calls_go_by_their_own_lanes(make_gateway, twilio):
    g = make_gateway.gateway()
    g.write(lanes=[g.lane("sim", g.provider_url), {**Gateway.lane("calls", twilio.url), "provider": "twilio-voice"}])
    g.start()
    text, spoken = g.create(body="a text"), g.create(body="a call", channel="voice")
    g.wait(text, "delivered")
    g.wait(spoken, "delivered")
    until(lambda: len(twilio.calls) == 1 and g.sim.of("a text"))
    assert not g.sim.of("a call")
