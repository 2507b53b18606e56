"""provider: aws with credentials that AWS lends: by the real program, against a stand-in for the metadata services and STS that
botocore's own fetchers understand, and for End User Messaging that takes only what is lent now."""
import datetime
import hashlib
import hmac
import http.server
import json
import threading
import urllib.parse

import pytest
from botocore.utils import ContainerMetadataFetcher, InstanceMetadataFetcher

from harness.gateway import Gateway, Made, until

TOKEN = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"


def digest(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Lender:
    """Gives out credentials number 1, 2, ... that live for `life_s`; SendTextMessage takes the newest alone, or what `taken` says."""

    def __init__(self):
        self.life_s, self.lent, self.steps, self.texts, self.errors, self.down = 3600, 0, [], [], [], False
        lender = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_all(self):
                body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
                status, text = lender.answer(self.command, self.path, self.headers, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_PUT = do_POST = handle_all

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.lock = threading.Lock()
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def lend(self):
        self.lent += 1
        until_at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.life_s)
        return {"AccessKeyId": "ASIA%d" % self.lent, "SecretAccessKey": "secret+/%d" % self.lent, "Token": "token//%d==" % self.lent,
                "Expiration": until_at.strftime("%Y-%m-%dT%H:%M:%SZ"), "Code": "Success", "LastUpdated": "2026-01-02T03:04:05Z"}

    def answer(self, method, path, headers, body):
        with self.lock:
            if path == "/" and "X-Amz-Target" in headers:
                return self.send(headers, body)
            self.steps.append((method, path))
            if self.down:
                return 503, ""
            if path == "/" and method == "POST":
                form = dict(urllib.parse.parse_qsl(body))
                if form["WebIdentityToken"] != TOKEN or form["RoleArn"] != "arn:aws:iam::123456789012:role/gateway":
                    return 400, "<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>"
                said = self.lend()
                said["SessionToken"] = said["Token"]
                return 200, "<R><Credentials>%s</Credentials></R>" % "".join("<%s>%s</%s>" % (k, v, k) for k, v in said.items())
            if path == "/v2/credentials":
                return (200, json.dumps(self.lend())) if headers["Authorization"] in (None, TOKEN) else (401, "")
            if (method, path) == ("PUT", "/latest/api/token"):
                return (200, "metadata-token") if headers["X-aws-ec2-metadata-token-ttl-seconds"] == "21600" else (400, "")
            if headers["X-aws-ec2-metadata-token"] != "metadata-token":
                return 401, ""
            roles = "/latest/meta-data/iam/security-credentials/"
            if path == roles:
                return 200, "gateway-role"
            return (200, json.dumps(self.lend())) if path == roles + "gateway-role" else (404, "")

    def send(self, headers, body):
        said = dict(p.split("=", 1) for p in headers["Authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(", "))
        day, names = headers["X-Amz-Date"][:8], said["SignedHeaders"].split(";")
        scope = "%s/eu-west-1/sms-voice/aws4_request" % day
        canonical = "POST\n/\n\n%s\n%s\n%s" % ("".join("%s:%s\n" % (n, headers[n]) for n in names), ";".join(names),
                                               hashlib.sha256(body.encode()).hexdigest())
        to_sign = "AWS4-HMAC-SHA256\n%s\n%s\n%s" % (headers["X-Amz-Date"], scope, hashlib.sha256(canonical.encode()).hexdigest())
        number = headers["X-Amz-Security-Token"].removeprefix("token//").removesuffix("==")
        key = digest(digest(digest(digest(b"AWS4secret+/" + number.encode(), day), "eu-west-1"), "sms-voice"), "aws4_request")
        right = said["Credential"] == "ASIA%s/%s" % (number, scope) and said["Signature"] == digest(key, to_sign).hex()
        if not right or "x-amz-security-token" not in names:
            return 400, json.dumps({"__type": "InvalidSignatureException", "message": "no"})
        if self.errors:
            return 400, json.dumps({"__type": self.errors.pop(0), "message": "no"})
        if headers["X-Amz-Target"].endswith("DescribeAccountAttributes"):
            return 200, json.dumps({"AccountAttributes": []})
        self.texts.append((json.loads(body)["MessageBody"], int(number)))
        return 200, json.dumps({"MessageId": "id-%d" % len(self.texts)})


@pytest.fixture
def lender():
    it = Lender()
    yield it
    it.server.shutdown()
    it.server.server_close()


@pytest.fixture
def make(tmp_path, lender):
    made = Made(tmp_path)
    (tmp_path / "token").write_text(TOKEN + "\n")

    def start(kind="container", **lane):
        path = {"container": "/v2/credentials"}.get(kind, "")
        # Calls to End User Messaging are allowed to go to this machine; those for credentials need no such leave.
        g = Gateway(tmp_path / "gateway", lender.url, {"threads": {"sender": 1}}, lanes=[{
            "name": "aws", "provider": "aws", "region": "eu-west-1", "from": "+15017250604", "base_url": lender.url,
            "credentials": kind, "credentials_url": lender.url + path, "allow_private": True, **lane}])
        made.gateways.append(g)
        return g.start()

    yield start
    made.check()
    made.close()


def test_stand_in__is_understood_by_botocore(lender):
    got = ContainerMetadataFetcher().retrieve_full_uri(lender.url + "/v2/credentials", {"Authorization": TOKEN})
    assert got["AccessKeyId"] == "ASIA1"
    got = InstanceMetadataFetcher(base_url=lender.url).retrieve_iam_role_credentials()
    assert (got["role_name"], got["access_key"]) == ("gateway-role", "ASIA2")


@pytest.mark.parametrize("kind, more, steps", [
    ("container", {}, 1), ("container", {"credentials_token_file": "token"}, 1), ("instance", {}, 3),
    ("instance", {"role": "gateway-role"}, 2),
    ("web-identity", {"credentials_token_file": "token", "role": "arn:aws:iam::123456789012:role/gateway"}, 1)])
def test_many_texts__cost_one_fetch(make, lender, tmp_path, kind, more, steps):
    if "credentials_token_file" in more:
        more["credentials_token_file"] = str(tmp_path / "token")
    g = make(kind, **more)
    sids = [g.create(to="+1415555%04d" % i, body="%s %d" % (kind, i)) for i in range(40)]
    for sid in sids:
        g.wait(sid, "sent")
    assert len(lender.texts) == 40 and {n for _, n in lender.texts} == {1}, lender.texts
    assert len(lender.steps) == steps, lender.steps
    p = g.run("doctor", "-c", str(g.config), "--json")
    said = {row["check"]: row for row in json.loads(p.stdout)}["lane aws"]
    assert said["result"] == "ok", said


def test_credentials_at_their_end__are_fetched_anew(make, lender):
    lender.life_s = 30  # a minute before their end they are not used any more
    g = make()
    for i, body in enumerate(("one", "two", "three")):
        g.wait(g.create(body=body), "sent")
        assert lender.texts[i] == (body, i + 1)


def test_ended_early__others_are_fetched_and_the_text_goes(make, lender):
    g = make()
    g.wait(g.create(body="one"), "sent")
    lender.errors = ["ExpiredTokenException"]
    g.wait(g.create(body="two"), "sent", timeout=30)
    assert lender.texts == [("one", 1), ("two", 2)]


def test_lender_away__texts_wait_and_go(make, lender):
    lender.down = True
    g = make("instance")
    sid = g.create(body="patience")
    until(lambda: lender.steps, told="nothing is asked")
    assert g.message(sid)["status"] in ("queued", "sending") and not lender.texts
    lender.down = False
    g.wait(sid, "sent", timeout=60)
    assert len(lender.texts) == 1


def test_lender_that_refuses__stops_the_lane_and_the_doctor_says_so(make, lender, tmp_path):
    (tmp_path / "token").write_text("another\n")
    g = make("web-identity", credentials_token_file=str(tmp_path / "token"), role="arn:aws:iam::123456789012:role/gateway")
    sid = g.create()
    until(lambda: g.message(sid)["reason"] == "credentials", told="the reason is not shown")
    p = g.run("doctor", "-c", str(g.config), "--json")
    said = {row["check"]: row for row in json.loads(p.stdout)}["lane aws"]
    assert said["result"] == "failure" and "InvalidIdentityToken" in said["detail"], said


def test_other_private_address__is_no_place_to_ask_for_credentials(make, lender):
    g = make()
    for url in ("http://10.0.0.1/creds", "http://localhost/creds", "http://169.254.169.254.evil.example/", "http://169.254.170.2@10.0.0.1/"):
        bad = g.folder / "bad.yaml"
        bad.write_text(g.config.read_text().replace(lender.url + "/v2/credentials", url))
        p = g.run("config", "check", "-c", str(bad))
        assert p.returncode != 0 and b"credentials_url" in p.stdout + p.stderr, (url, p)


def test_secrets__are_in_no_log(make, lender):
    g = make()
    g.wait(g.create(), "sent")
    assert "secret+/" not in g.log() and "token//" not in g.log()
