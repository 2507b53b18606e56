"""Receipts and replies of every provider that posts them, taken on their way and given to the gateway by hand: forged, malformed,
again, at once, and again after a crash. What stands between is `public_url`: the provider posts to a recorder, and what it posted (bytes,
headers and address, so that its signature holds) is what each test delivers."""
import concurrent.futures
import json
import re
import urllib.parse

import pytest

from harness.gateway import Gateway, call, until
from harness.receiver import Receiver

TOKEN = "callback-token-0123456789"
SECRET = "secret of the tests"
CHINA, ABROAD = "+8618511122233", "+14155550123"

# name -> the lane, what the simulator is told, whom it texts
LANES = {
    "twilio": ({}, None, ABROAD),
    "twilio-voice": ({}, None, ABROAD),
    "aliyun": ({"access_key_id": "LTAI5tAgain", "access_key_secret": "${SECRET}", "sign_name": "阿里云", "template_code": "SMS_1",
                "template_param": "content", "callback_token": "${TOKEN}"}, {"account": "LTAI5tAgain", "secret": SECRET}, CHINA),
    "tencent": ({"secret_id": "AKIDagain", "secret_key": "${SECRET}", "sdk_app_id": "1400006666", "sign_name": "腾讯云",
                 "template_id": "449739", "callback_token": "${TOKEN}"}, {"account": "AKIDagain", "secret": SECRET}, CHINA),
    "tencent-appkey": ({"sdk_app_id": "1400006666", "app_key": "${SECRET}", "sign_name": "腾讯云", "callback_token": "${TOKEN}"},
                       {"account": "1400006666", "secret": SECRET}, CHINA),
    "aws": ({"region": "eu-west-1", "access_key_id": "AKIAAGAIN", "configuration_set": "gateway", "secret_access_key": "${SECRET}",
             "callback_token": "${TOKEN}", "from": "+15017250604"}, {"account": "AKIAAGAIN", "secret": SECRET}, ABROAD),
    "vonage": ({"api_key": "bb123456", "api_secret": "${SECRET}", "signature_secret": "${SECRET}", "from": "ExampleShop"},
               {"account": "bb123456", "secret": SECRET}, ABROAD),
}


class Rig:
    """A gateway with one lane of that provider, whose posts go to a recorder."""

    def __init__(self, make, name):
        self.name, self.recorder = name, Receiver()
        lane, told, self.to = LANES[name]
        self.public = self.recorder.url.rpartition("/")[0]
        self.g = g = make.gateway(env={"SECRET": SECRET, "TOKEN": TOKEN}, public_url=self.public)
        base = Gateway.lane("sim", g.sim.url) if told is None else {"name": "sim", "base_url": g.sim.url, "allow_private": True}
        g.write(lanes=[{**base, "provider": name, **lane}])
        at = {kind: "%s/hooks/sim/%s?k=%s" % (self.public, "status" if kind == "receipt_url" else "inbound", TOKEN)
              for kind in ("receipt_url", "inbound_url")}
        at = at if told else {"inbound_url": "%s/hooks/sim/inbound" % self.public}
        if name in ("twilio", "twilio-voice"):
            g.sim.profile({"inbound_url": at["inbound_url"]})
        else:
            g.sim.profile({"providers": {name: {**told, **at}}})
        g.start()

    def text(self):
        """A message that was sent, and the provider's own post that it was delivered."""
        before = len(self.recorder.posts)
        sid = self.g.create(self.to, "again", channel="voice" if self.name == "twilio-voice" else None)
        self.g.wait(sid, "sent")
        until(lambda: self.g.sim.stats()["receipts_pending"] == 0 and len(self.recorder.posts) > before, told="no receipt is posted")
        return sid, self.recorder.posts[-1]

    def reply(self, body):
        said = {"from": self.to, "to": "+15017250604", "body": body, "provider": self.name}
        assert call(self.g.sim.port, "POST", "/_sim/reply", json.dumps(said)).json["http_status"] == 204
        return self.recorder.posts[-1]

    def give(self, post, path=None, body=None, headers=None):
        keep = {k: v for k, v in post.headers.items() if k not in ("host", "content-length", "connection", "accept-encoding", "expect")}
        return call(self.g.port, "POST", path or post.path, post.body if body is None else body, {**keep, **(headers or {})}).status

    def forged(self, post):
        """(path, body, headers) that the provider cannot have sent: nothing shown, something else shown, something else said."""
        signature = post.headers.get("x-twilio-signature")
        if signature:
            other = ("A" if signature[0] != "A" else "B") + signature[1:]
            said = re.sub(rb"(Sid=\w\w)(.)", lambda m: m[1] + (b"1" if m[2] == b"0" else b"0"), post.body, count=1)
            assert said != post.body
            return [(None, None, {"x-twilio-signature": ""}), (None, None, {"x-twilio-signature": other}), (None, said, None),
                    (post.path + "&x=1" if "?" in post.path else post.path + "?x=1", None, None)]
        if self.name == "vonage":
            text, found = post.body.decode(), re.search(r"sig=(\w+)", post.body.decode())
            other = text.replace(found[1], found[1][::-1])
            return [(None, text.replace(found[0], "sig="), None), (None, other, None), (None, text + "&more=1", None)]
        bare = post.path.partition("?")[0]
        key = "x-amz-firehose-access-key"
        shown = {key: TOKEN[::-1]} if key in post.headers else None
        return [(bare, None, {key: ""}), (bare + "?k=" + TOKEN[:-1], None, shown), (bare + "?k=" + TOKEN + "0", None, shown)]

    def refused(self):
        return self.g.metrics()["sms_receipts_refused_total"]


@pytest.fixture
def rig(make_gateway):
    made = []

    def make(name):
        made.append(Rig(make_gateway, name))
        return made[-1]
    yield make
    for r in made:
        r.recorder.close()


RUBBISH = (b"", b"\0" * 60, b"[" * 5000, b"{" * 5000, b"[1,2,3]", b'[{"sid":7}]', b'{"a":{"b":[]}}', b"a=%zz&&&=", b"\xff\xfe" * 400,
           b'{"requestId":"1","records":[{"data":"!"}]}')


def rubbish_of(r, post):
    """Refused, or heard without a word that could be believed; never more."""
    for body in RUBBISH:
        assert r.give(post, body=body) in (200, 204, 400, 401, 403, 413, 422), body[:20]
    assert r.give(post, body=b"x" * (11 * 1024 * 1024)) in (400, 401, 403, 413)


def all_at_once(r, post):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda i: r.give(post), range(8))) <= {200, 204}


@pytest.mark.parametrize("name", sorted(LANES))
def test_posts__forged_are_refused_and_counted_and_true_ones_count_once_however_often_they_come(rig, name):
    r = rig(name)
    sid, receipt = r.text()
    posts = [receipt] + ([r.reply("Yes & 好 %s" % name)] if name != "twilio-voice" else [])
    for post in posts:
        before, forged = r.refused(), r.forged(post)
        for path, body, headers in forged:
            assert r.give(post, path, body, headers) in (401, 403), (path, body, headers)
        assert r.refused() == before + len(forged)
        rubbish_of(r, post)
    assert r.g.message(sid)["status"] == "sent" and not r.g.page(direction="inbound")["data"]
    for post in posts:
        all_at_once(r, post)
    r.g.wait(sid, "delivered")
    r.g.kill9()
    r.g.start()
    for post in posts:
        assert r.give(post) in (200, 204)
    assert r.g.moves(sid).count("delivered") == 1 and r.g.message(sid)["status"] == "delivered"
    came = [(m["from"], m["body"]) for m in r.g.page(direction="inbound")["data"]]
    assert came == [(r.to, "Yes & 好 %s" % name)] * (len(posts) - 1)
