"""Posts of SNS to a lane of AWS: subscription, events and replies, signed with a certificate made here (by openssl), which a stand-in
for SNS serves; and all that is not from there."""
import base64
import http.server
import json
import subprocess
import threading
import time
import urllib.parse

import pytest

from harness.gateway import call, until

TOPIC, KEY = "arn:aws:sns:eu-west-1:123456789012:gateway-events", "callback-token-0123456789"
CERTIFICATE = "/SimpleNotificationService-0123456789abcdef.pem"


class Sns:
    """Serves the certificate, counts confirmations, and signs."""

    def __init__(self, folder):
        self.folder, self.gets, self.away = folder, [], 0
        self.key, pem = folder / "key.pem", folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", pem, "-days", "30",
                        "-subj", "/CN=sns.amazonaws.com"], check=True, capture_output=True)
        sns, pem = self, pem.read_bytes()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                sns.gets.append(self.path)
                status = 503 if sns.away else 200
                sns.away -= bool(sns.away)
                body = pem if self.path == CERTIFICATE else b"<ConfirmSubscriptionResponse/>"
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def sign(self, said, version):
        keys = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        if said["Type"] != "Notification":
            keys = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
        text = "".join("%s\n%s\n" % (k, said[k]) for k in keys if k in said)
        p = subprocess.run(["openssl", "dgst", "-sha1" if version == "1" else "-sha256", "-sign", self.key], input=text.encode(),
                           capture_output=True, check=True)
        return base64.b64encode(p.stdout).decode()

    def post_of(self, kind="Notification", message="", version="2", **more):
        said = {"Type": kind, "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn": TOPIC, "Message": message,
                "Timestamp": more.pop("Timestamp", None) or time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
                "SignatureVersion": version, "SigningCertURL": self.url + CERTIFICATE, **more}
        if kind != "Notification":
            said.setdefault("Token", "2336412f37")
            said.setdefault("SubscribeURL", self.url + "/?Action=ConfirmSubscription&TopicArn=" + TOPIC + "&Token=2336412f37")
        return {**said, "Signature": self.sign(said, version)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sns")


@pytest.fixture
def sns(folder):
    s = Sns(folder)
    yield s
    s.server.shutdown()
    s.server.server_close()


@pytest.fixture
def start(make_gateway, sns):
    def begin(**lane):
        g = make_gateway.gateway(env={"AWS_EVENTS": KEY, "AWS_SECRET": "simulator-secret"})
        # Two lanes of one account: texts go by the simulator; posts come to the one whose AWS is this file's.
        mine = {"provider": "aws", "region": "eu-west-1", "access_key_id": "AKIASIMULATOR", "secret_access_key": "${AWS_SECRET}",
                "callback_token": "${AWS_EVENTS}", "from": "+15017250604", "allow_private": True}
        g.write(lanes=[{**mine, "name": "aws", "base_url": g.sim.url, "topics": TOPIC},
                       {**mine, "name": "posts", "base_url": sns.url, "topics": TOPIC + " arn:aws:sns:eu-west-1:123456789012:other", **lane}])
        return g.start()
    return begin


def post(g, said, path="status", lane="posts", key=KEY, **headers):
    query = "?" + urllib.parse.urlencode({"k": key}) if key else ""
    raw = said if isinstance(said, bytes) else json.dumps(said).encode()
    kind = said.get("Type", "Notification") if isinstance(said, dict) else "Notification"
    return call(g.port, "POST", "/hooks/%s/%s%s" % (lane, path, query), raw,
                {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": kind, **headers})


def accepted(g, said, path="status"):
    """As SNS does: again until it is taken."""
    def taken():
        a = post(g, said, path)
        assert a.status in (204, 503), a
        return a.status == 204
    until(taken, 20, step=0.1, told="the post is not taken")


@pytest.mark.parametrize("version", ["1", "2"])
def test_subscription__is_confirmed_once(start, sns, version):
    g = start()
    first = post(g, sns.post_of("SubscriptionConfirmation", "You have chosen ...", version))
    assert first.status == 503 and first.headers.get("retry-after", first.headers.get("Retry-After")), first
    said = sns.post_of("SubscriptionConfirmation", "You have chosen ...", version)
    accepted(g, said)
    accepted(g, said)
    assert sns.gets == [CERTIFICATE, "/?Action=ConfirmSubscription&TopicArn=" + TOPIC + "&Token=2336412f37"]
    accepted(g, sns.post_of("UnsubscribeConfirmation", "You have chosen to deactivate ...", version))
    assert len(sns.gets) == 2 and "2336412f37" not in g.log()


@pytest.mark.parametrize("version", ["1", "2"])
def test_event__moves_its_text_once(start, sns, version):
    g = start()
    sid = g.create(body="hello")
    g.wait(sid, "sent")
    seen, = g.sim.messages()
    event = {"eventType": "TEXT_DELIVERED", "messageId": g.message(sid)["provider_id"], "destinationPhoneNumber": "+14155550123",
             "context": seen["extra"]["Context"]}
    said = sns.post_of(message=json.dumps(event), version=version, Subject="an event")
    accepted(g, said)
    g.wait(sid, "delivered")
    events = len(g.events(sid))
    accepted(g, said)
    assert len(g.events(sid)) == events


def test_log_of_sns__tells_delivery(start, sns):
    g = start()
    sid = g.create(body="hello")
    g.wait(sid, "sent")
    log = {"notification": {"messageId": g.message(sid)["provider_id"], "timestamp": "2026-01-02 03:04:05.000"},
           "delivery": {"destination": "+14155550123", "providerResponse": "Unknown error attempting to reach phone"}, "status": "FAILURE"}
    seen = json.dumps(log)
    accepted(g, sns.post_of(message=seen))
    accepted(g, sns.post_of(message="not JSON at all"))
    accepted(g, sns.post_of(message='{"eventType": []}'))


def test_reply__arrives_once(start, sns):
    g = start()
    reply = {"originationNumber": "+14155550123", "destinationNumber": "+15017250604", "messageBody": "好的 👋", "inboundMessageId": "in-1"}
    said = sns.post_of(message=json.dumps(reply))
    accepted(g, said, "inbound")
    accepted(g, said, "inbound")
    received = until(lambda: [m for m in g.all() if m["direction"] == "inbound"])
    assert [m["body"] for m in received] == ["好的 👋"]


def test_sns_away__is_asked_again(start, sns):
    sns.away = 1
    g = start()
    accepted(g, sns.post_of(message="{}"))
    assert sns.gets == [CERTIFICATE] * 2


def test_posts_that_are_not_of_the_topic__are_refused(start, sns):
    g = start()
    good = sns.post_of(message="{}")
    accepted(g, good)
    gets = len(sns.gets)
    other = {**good, "TopicArn": "arn:aws:sns:eu-west-1:999999999999:mine"}
    wrong = {
        "changed": {**good, "Message": "{ }"}, "moved": {**good, "Type": "UnsubscribeConfirmation", "Token": "1", "SubscribeURL": "x"},
        "foreign topic": {**other, "Signature": sns.sign(other, "2")}, "hash of the other version": {**good, "SignatureVersion": "1"},
        "unknown version": {**good, "SignatureVersion": "3"}, "no signature": {**good, "Signature": ""}, "rubbish": {**good, "Signature": "%%"},
        "subject added": {**good, "Subject": "x"}, "old": sns.post_of(message="{}", Timestamp="2001-01-01T00:00:00.000Z"),
        **{u: sns.post_of(message="{}", SigningCertURL=u) for u in (
            "http://169.254.169.254/latest/meta-data/", "https://sns.eu-west-1.amazonaws.com.evil.example" + CERTIFICATE, sns.url + "/other.pem",
            sns.url + "/SimpleNotificationService-/../../x.pem", sns.url + "@evil.example" + CERTIFICATE, "file:///etc/passwd", "")}}
    for name, said in wrong.items():
        a = post(g, said)
        assert a.status in (401, 403), (name, a)
    for u in (sns.url + "/other", "http://127.0.0.1:1/?Action=ConfirmSubscription&x", sns.url + "/?Action=DeleteTopic&x", "https://evil.example/"):
        a = post(g, sns.post_of("SubscriptionConfirmation", SubscribeURL=u))
        assert a.status in (401, 403), (u, a)
    assert post(g, good, key=None).status == 403 and post(g, good, key="x" * 25).status == 403
    assert post(g, good, **{"x-amz-sns-rawdelivery": "true"}).status == 403
    for raw in (b"", b"[]", b"\0\xff" * 500, b"{" * 100000, b'{"Type":"Notification"}', b'{"Type":7}'):
        assert post(g, raw).status in (400, 401, 403, 413), raw[:20]
    assert len(sns.gets) == gets, sns.gets


def test_certificates__come_from_the_topics_region_alone_in_production(start, sns):
    """Without leave for private networks a lane's own base_url says nothing of certificates."""
    g = start(allow_private=False, base_url="https://api.example.org")
    for url in (sns.url + CERTIFICATE, "https://api.example.org" + CERTIFICATE, "https://sns.us-east-1.amazonaws.com" + CERTIFICATE,
                "http://sns.eu-west-1.amazonaws.com" + CERTIFICATE):
        assert post(g, sns.post_of(message="{}", SigningCertURL=url)).status == 403, url
    assert sns.gets == []


def test_lane_without_topics__takes_no_posts_of_sns(start, sns):
    g = start(topics=None)
    assert post(g, sns.post_of(message="{}")).status == 403 and sns.gets == []
