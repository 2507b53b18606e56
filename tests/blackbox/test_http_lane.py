"""provider: http, by the real program against a provider of its own here, which checks what it is sent by code of its own."""
import hashlib
import hmac
import http.server
import json
import threading
import urllib.parse

import pytest

from harness.gateway import Gateway, Made, call, until

TOKEN, SECRET, CALLBACKS = "acme-token", "acme-secret", "0123456789abcdef0123"
ENV = {"ACME_TOKEN": TOKEN, "ACME_SECRET": SECRET, "ACME_CALLBACKS": CALLBACKS}


class Provider:
    """A made-up text provider (/v1/sms, /v1/messages)."""

    def __init__(self):
        self.messages, self.refused, self.lose, self.code = [], [], 0, 0
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.say(provider.send(self.headers, body))

            def do_GET(self):
                ref = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("ref")
                self.say((200, {"messages": [m for m in provider.messages if [m["ref"]] == ref]}))

            def say(self, answer):
                if answer is None:
                    self.close_connection = True
                    return
                body = json.dumps(answer[1]).encode()
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def send(self, headers, body):
        said = "%s|%s" % (body["to"], body["text"])
        if headers["Authorization"] != "Bearer " + TOKEN or headers["X-Sign"] != hmac.new(
                SECRET.encode(), said.encode(), hashlib.sha256).hexdigest():
            return 401, {"code": 9, "message": "who are you?"}
        if self.code:
            code, self.code = self.code, 0
            self.refused.append(body["to"])
            return 400, {"code": code, "message": "no"}
        if self.lose == 2:  # the request never arrived, as far as this provider knows
            self.lose = 0
            return None
        self.messages.append({"id": "m-%d" % (len(self.messages) + 1), "state": "ACCEPTD", **body})
        if self.lose == 1:
            self.lose = 0
            return None
        return 200, {"code": 0, "data": {"id": self.messages[-1]["id"]}}

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def provider():
    p = Provider()
    yield p
    p.close()


@pytest.fixture
def acme(tmp_path, provider):
    """A running gateway with the lane `acme`."""
    url = provider.url
    texts = {
        "name": "acme", "provider": "http", "allow_private": True, "from": "ACME", "lookup_after_ms": 200,
        "url": url + "/v1/sms", "token": "${ACME_TOKEN}", "secret": "${ACME_SECRET}",
        "callback_token": "${ACME_CALLBACKS}",
        "headers": "Authorization: Bearer {{ lane.token }}\nContent-Type: application/json\n"
                   "X-Sign: {{ (to ~ '|' ~ body) | hmac(lane.secret) }}\n",
        "body": '{"to": {{ to | tojson }}, "text": {{ body | tojson }}, "ref": "{{ token }}",'
                ' "dlr": {{ status_url | tojson }}}',
        "success": "status == 200 and json.code == 0", "id": "json.data.id", "error_code": "json.code",
        "error_text": "json.message", "errors": "1001: invalid_number\n1004: throttled 300ms\n9: credentials\n",
        "receipt_status": "json.state", "receipt_id": "json.id", "receipt_code": "json.err",
        "statuses": "DELIVRD: delivered\nUNDELIV: undelivered unreachable\nACCEPTD: sent\n",
        "inbound_from": "json.msisdn", "inbound_to": "json.to", "inbound_body": "json.text", "inbound_id": "json.id",
        "lookup_url": url + "/v1/messages?ref={{ token }}", "lookup_found": "json.messages | length == 1",
        "lookup_absent": "status == 200 and json.messages is defined and json.messages | length == 0",
        "lookup_id": "json.messages[0].id", "lookup_status": "json.messages[0].state",
    }
    made = Made(tmp_path)
    g = Gateway(tmp_path / "gateway", url, {"callbacks": {"allow_private": True}}, env=ENV, lanes=[texts])
    made.gateways.append(g)
    g.start()
    yield g
    made.check()
    made.close()


def post(url, body):
    u = urllib.parse.urlsplit(url)
    return call(u.port, "POST", u.path + "?" + u.query, json.dumps(body), {"Content-Type": "application/json"}).status


def test_text__goes_out_and_its_receipt_comes_back(acme, provider):
    sid = acme.create(body="Hello 世界 \"quoted\" \\ 👋\n{{ not a template }}")
    acme.wait(sid, "sent")
    sent = provider.messages[0]
    assert sent["text"] == "Hello 世界 \"quoted\" \\ 👋\n{{ not a template }}" and sent["to"] == "+14155550123"
    assert acme.message(sid)["provider_id"] == "m-1"
    assert post(sent["dlr"].replace(CALLBACKS, "0" * 20), {"id": "m-1", "state": "DELIVRD"}) == 403
    assert acme.message(sid)["status"] == "sent"
    assert post(sent["dlr"], {"id": "m-1", "state": "DELIVRD"}) == 204
    acme.wait(sid, "delivered")
    for again in ("DELIVRD", "ACCEPTD", "UNDELIV"):  # replayed, late, contradicting
        assert post(sent["dlr"], {"id": "m-1", "state": again}) == 204
    for nonsense in ([], {}, {"state": "DELIVRD"}, {"id": 7, "state": {}}, "x", "\0" * 50):
        assert post(sent["dlr"], nonsense) in (204, 400), nonsense
    assert acme.moves(sid).count("delivered") == 1 and acme.message(sid)["status"] == "delivered"


def test_refusals__are_read_by_the_table(acme, provider):
    provider.code = 1001
    sid = acme.create(to="+14155550111")
    m = acme.wait(sid, "failed")
    assert m["reason"] == "invalid_number" and acme.attempts(sid)[0]["code"] == 1001, acme.attempts(sid)
    provider.code = 1004
    acme.wait(acme.create(to="+14155550112"), "sent", timeout=30)
    assert provider.refused == ["+14155550111", "+14155550112"] and len(provider.messages) == 1


@pytest.mark.parametrize("lost", [1, 2], ids=["answer", "request"])
def test_unknown__is_looked_up_and_sent_once(acme, provider, lost):
    provider.lose = lost
    sid = acme.create(body="once")
    acme.wait(sid, "sent", timeout=40)
    assert "unknown" in acme.moves(sid), acme.moves(sid)
    assert [m["text"] for m in provider.messages] == ["once"]


def test_reply__arrives_once(acme, provider):
    url = "%s/hooks/acme/inbound?k=%s" % (acme.url, CALLBACKS)
    body = {"id": "in-1", "msisdn": "+14155550123", "to": "10690", "text": "好的 👋"}
    assert post(url.replace(CALLBACKS, "x" * 20), body) == 403
    assert post(url, body) == 204 and post(url, body) == 204
    received = until(lambda: [m for m in acme.all() if m["direction"] == "inbound"])
    assert [m["body"] for m in received] == ["好的 👋"]


def test_kill__nothing_is_lost_or_sent_twice(acme, provider):
    sids = [acme.create(to="+1415555%04d" % i, body="kill %d" % i) for i in range(40)]
    acme.kill9()
    acme.start()
    for sid in sids:
        acme.wait(sid, "sent", timeout=60)
    assert sorted(m["text"] for m in provider.messages) == sorted("kill %d" % i for i in range(40))
