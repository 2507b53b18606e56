"""provider: aws, by the real program against a stand-in for both APIs, which checks Signature Version 4 by code of its own, and
against posts as Firehose makes them."""
import base64
import hashlib
import hmac
import http.server
import json
import threading
import urllib.parse

import pytest

from harness.gateway import Gateway, Made, call, until

KEY_ID, SECRET, EVENTS = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "firehose-key-0123456789"


def digest(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def is_signed(headers, body, service, region="eu-west-1"):
    """The signature of the AWS General Reference, of a POST to / without a query."""
    said = dict(p.split("=", 1) for p in headers["Authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(", "))
    day, names = headers["X-Amz-Date"][:8], said["SignedHeaders"].split(";")
    scope = "%s/%s/%s/aws4_request" % (day, region, service)
    canonical = "POST\n/\n\n%s\n%s\n%s" % ("".join("%s:%s\n" % (n, headers[n]) for n in names), ";".join(names),
                                           hashlib.sha256(body).hexdigest())
    to_sign = "AWS4-HMAC-SHA256\n%s\n%s\n%s" % (headers["X-Amz-Date"], scope,
                                                hashlib.sha256(canonical.encode()).hexdigest())
    key = digest(digest(digest(digest(b"AWS4" + SECRET.encode(), day), region), service), "aws4_request")
    return (said["Credential"] == "%s/%s" % (KEY_ID, scope) and "host" in names and "content-type" in names
            and hmac.compare_digest(said["Signature"], digest(key, to_sign).hex()))


class Aws:
    """SendTextMessage and SendVoiceMessage where there is a target, else Publish."""

    def __init__(self):
        self.messages, self.errors, self.lose = [], [], False
        aws = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                target = self.headers["X-Amz-Target"]
                answer = aws.eum(target, self.headers, body) if target else aws.sns(self.headers, body)
                if aws.lose:
                    aws.lose, self.close_connection = False, True
                    return
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1].encode())

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def eum(self, target, headers, body):
        if not is_signed(headers, body, "sms-voice"):
            return 400, json.dumps({"__type": "InvalidSignatureException", "message": "no"})
        if self.errors:
            return 400, json.dumps({"__type": self.errors.pop(0), "Message": "no"})
        self.messages.append({"target": target, "id": "id-%d" % (len(self.messages) + 1), **json.loads(body)})
        return 200, json.dumps({"MessageId": self.messages[-1]["id"]})

    def sns(self, headers, body):
        if not is_signed(headers, body, "sns"):
            return 403, "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>"
        self.messages.append(dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True)))
        return 200, "<PublishResponse><PublishResult><MessageId>sns-%d</MessageId></PublishResult></PublishResponse>" % len(
            self.messages)


@pytest.fixture
def aws():
    a = Aws()
    yield a
    a.server.shutdown()
    a.server.server_close()


@pytest.fixture
def make(tmp_path, aws):
    made = Made(tmp_path)

    def start(**lane):
        g = Gateway(tmp_path / "gateway", aws.url, {"callbacks": {"allow_private": True}},
                    env={"AWS_SECRET": SECRET, "AWS_EVENTS": EVENTS}, lanes=[{
                        "name": "aws", "provider": "aws", "region": "eu-west-1", "access_key_id": KEY_ID,
                        "secret_access_key": "${AWS_SECRET}", "callback_token": "${AWS_EVENTS}", "from": "+15017250604",
                        "base_url": aws.url, "allow_private": True, **lane}])
        made.gateways.append(g)
        return g.start()

    yield start
    made.check()
    made.close()


def firehose(g, path, *events, key=EVENTS):
    body = {"requestId": "ed4acda5", "timestamp": 1767323045000,
            "records": [{"data": base64.b64encode(json.dumps(e).encode()).decode()} for e in events]}
    return call(g.port, "POST", "/hooks/aws/" + path, json.dumps(body),
                {"Content-Type": "application/json", "X-Amz-Firehose-Access-Key": key})


def test_text__is_signed_sent_and_delivered_by_its_event(make, aws):
    g = make(configuration_set="gateway")
    sid = g.create(body="Hello 世界 & \"x\" + ~* 👋")
    g.wait(sid, "sent")
    sent = aws.messages[0]
    assert (sent["target"], sent["MessageBody"]) == ("PinpointSMSVoiceV2.SendTextMessage", "Hello 世界 & \"x\" + ~* 👋")
    event = {"eventType": "TEXT_DELIVERED", "messageId": "id-1", "context": sent["Context"]}
    assert firehose(g, "status", event, key="firehose-key-0123456780").status == 403
    assert g.message(sid)["status"] == "sent"
    a = firehose(g, "status", {**event, "eventType": "TEXT_SENT"}, event, event)
    assert a.status == 200 and a.json == {"requestId": "ed4acda5", "timestamp": 1767323045000}
    g.wait(sid, "delivered")


def test_throttle__is_tried_again(make, aws):
    aws.errors = ["com.amazonaws.pinpointsmsvoicev2#ThrottlingException"]
    g = make()
    g.wait(g.create(), "sent", timeout=30)
    assert len(aws.messages) == 1


def test_lost_answer__is_settled_by_the_event_and_not_sent_again(make, aws):
    aws.lose = True
    g = make()
    sid = g.create(body="once")
    g.wait(sid, "unknown")
    assert firehose(g, "status", {"eventType": "TEXT_DELIVERED", "messageId": "id-1",
                                  "context": aws.messages[0]["Context"]}).status == 200
    g.wait(sid, "delivered")
    assert len(aws.messages) == 1


def test_reply__arrives_once(make, aws):
    g = make()
    reply = {"originationNumber": "+14155550123", "destinationNumber": "+15017250604", "messageBody": "好的 👋",
             "inboundMessageId": "in-1"}
    assert firehose(g, "inbound", reply).status == 200 and firehose(g, "inbound", reply).status == 200
    received = until(lambda: [m for m in g.all() if m["direction"] == "inbound"])
    assert [m["body"] for m in received] == ["好的 👋"]


def test_sns__publishes(make, aws):
    g = make(api="sns", max_price="0.50", **{"from": "MyBrand"})
    sid = g.create(body="Hello 世界 & + ~*")
    assert g.wait(sid, "sent")["provider_id"] == "sns-1"
    sent = aws.messages[0]
    assert (sent["PhoneNumber"], sent["Message"]) == ("+14155550123", "Hello 世界 & + ~*")
    assert {"AWS.SNS.SMS.SMSType", "AWS.SNS.SMS.MaxPrice", "AWS.SNS.SMS.SenderID", "MyBrand"} <= set(sent.values())


def test_kill__nothing_is_lost_or_sent_twice(make, aws):
    g = make()
    sids = [g.create(to="+1415555%04d" % i, body="kill %d" % i) for i in range(20)]
    g.kill9()
    g.start()
    for sid in sids:
        g.wait(sid, "sent", "unknown", timeout=60)
    texts = [m["MessageBody"] for m in aws.messages]
    assert len(texts) == len(set(texts))
