"""Who may do what: callers without rights, forged calls of providers, addresses inside. After each test the gateway still delivers
(the fixture `unharmed`)."""
import base64
import hashlib
import hmac
import json
import os
import random
import socket
import threading
import time
import urllib.parse

import pytest

from harness.hostile_fixtures import shared, start, unharmed  # noqa: F401
from harness.hostile_gateway import LANE_SID, TOKEN, call, free_port, is_problem, one, split, twilio_create, until

GOOD = {"to": "+14155550123", "body": "hello"}


# ---- who calls ----

@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer x", "Bearer .", "Basic", "Basic x", "Basic ====", "Basic Og==",
                                    "Bearer " + "a" * 5000, "Basic " + "QUJD" * 1000, "Digest x", "Bearer SK" + "0" * 32 + "." + "a" * 40,
                                    "bearer", "Bearer \xff\xfe", "Bearer {key}x", "Bearer {key_but_last}", "Bearer {sid}", "Bearer {sid}.",
                                    "Bearer {account}.{token_wrong}", "Basic {account:}", "Bearer {account}", "Bearer {account}.{token}x",
                                    "Bearer {lane}.{lane_token}"])
def test_wrong_credentials__401_in_constant_form(unharmed, header):
    g = unharmed
    headers = {"Content-Type": "application/json"}
    if header is not None:
        key = g.key
        for what, text in {"{key}": key, "{key_but_last}": key[:-1], "{sid}": key.split(".")[0], "{account}": g.account,
                           "{token_wrong}": "0" * 32, "{token}": g.auth_token, "{lane}": LANE_SID, "{lane_token}": TOKEN,
                           "{account:}": base64.b64encode((g.account + ":").encode()).decode()}.items():
            header = header.replace(what, text)
        headers["Authorization"] = header
    a = call(g.port, "POST", "/v1/messages", json.dumps(GOOD), headers)
    p = is_problem(a, 401)
    assert a.headers["www-authenticate"]
    if header and header.strip():
        assert p["detail"] == "these credentials are not known here, or were revoked"


def test_brute_force__never_lets_in_and_never_slows(unharmed):
    g = unharmed
    sid, secret = g.key.split(".")
    rng = random.Random(2)
    forms, took = set(), []
    for i in range(500):
        begun = time.monotonic()
        wrong = "".join(rng.choice("0123456789abcdef") for _ in secret)
        a = call(g.port, "GET", "/v1/whoami", headers={"Authorization": "Bearer %s.%s" % (sid if i % 2 else "SK" + wrong[:32], wrong)})
        assert a.status == 401
        took.append(time.monotonic() - begun)
        p = a.json
        p.pop("instance")
        forms.add(json.dumps(p, sort_keys=True))
    assert len(forms) == 1, "the answers tell known keys from unknown ones"
    assert sorted(took[-100:])[50] < 5 * sorted(took[:100])[50] + 0.1, (took[:100], took[-100:])


def test_key_without_scope__403(unharmed):
    g = unharmed
    made = json.loads(g.run("key", "create", "-c", str(g.config), "--scopes", "read", "--json").stdout)
    bearer = {"Authorization": "Bearer " + made["key"]}
    until(lambda: g.get("/v1/whoami", headers=bearer).status == 200)
    is_problem(g.post("/v1/messages", GOOD, headers=bearer), 403)


def test_revoked_key__is_refused_within_seconds(unharmed):
    g = unharmed
    made = json.loads(g.run("key", "create", "-c", str(g.config), "--json").stdout)
    bearer = {"Authorization": "Bearer " + made["key"]}
    until(lambda: g.get("/v1/whoami", headers=bearer).status == 200)
    assert g.run("key", "revoke", "-c", str(g.config), made["sid"]).returncode == 0
    until(lambda: g.get("/v1/whoami", headers=bearer).status == 401, told="a revoked key still works")


def test_other_accounts_messages__are_not_there(unharmed):
    g = unharmed
    made = json.loads(g.run("key", "create", "-c", str(g.config), "--account", "mallory", "--json").stdout)
    bearer = {"Authorization": "Bearer " + made["key"]}
    until(lambda: g.get("/v1/whoami", headers=bearer).status == 200)
    sid = g.send(send_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))).json["id"]
    for path in ("", "/events", "/attempts"):
        is_problem(g.get("/v1/messages/" + sid + path, headers=bearer), 404)
    for verb in ("cancel", "redact"):
        is_problem(g.post("/v1/messages/%s/%s" % (sid, verb), b"", headers=bearer), 404)
    is_problem(call(g.port, "DELETE", "/v1/messages/" + sid, headers=bearer), 404)
    assert call(g.port, "POST", "/2010-04-01/Accounts/%s/Messages/%s.json" % (g.account, sid), "Status=canceled",
                {**bearer, "Content-Type": "application/x-www-form-urlencoded"}).status in (401, 403, 404)
    auth = base64.b64encode(("%s:%s" % (made["account"], made["auth_token"])).encode()).decode()
    assert twilio_create(g, b"To=%2B14155550123&Body=x").status == 201
    a = call(g.port, "GET", "/2010-04-01/Accounts/%s/Messages/%s.json" % (g.account, sid), headers={"Authorization": "Basic " + auth})
    assert a.status in (401, 403, 404), a
    assert g.message(sid)["status"] == "scheduled"
    assert sid not in g.get("/v1/messages", headers=bearer).body.decode()


def test_idempotency_keys__of_strange_form(unharmed):
    for key in ("", " ", "a b", "\x01", "k" * 256, "é", "a\tb"):
        a = unharmed.post("/v1/messages", GOOD, headers={"Idempotency-Key": key.encode("latin-1")})
        is_problem(a, 400, field="Idempotency-Key")


# ---- /send without a key ----

def test_keyless_send__from_a_proxy_or_a_page_is_refused(unharmed):
    body = {"to": "+14155550123", "message": "x"}
    for name, value in (("X-Forwarded-For", "1.2.3.4"), ("Forwarded", "for=1.2.3.4"), ("X-Real-IP", "1.2.3.4"), ("Via", "1.1 x"),
                        ("Origin", "http://evil.example"), ("Sec-Fetch-Site", "cross-site"), ("Origin", "null")):
        a = call(unharmed.port, "POST", "/send", json.dumps(body), {"Content-Type": "application/json", name: value})
        is_problem(a, 401)


@pytest.mark.parametrize("settings,named", [({}, None), ({"public_url": "https://sms.example.com"}, "public_url"),
                                            ({"listen": "0.0.0.0:%d"}, "listen")], ids=["here", "proxied", "open"])
def test_keyless_send__only_where_nobody_else_can_come(start, settings, named):
    """A proxy that adds no header makes everybody look as if he were on this machine."""
    port = free_port()
    g = start({k: v.replace("%d", str(port)) for k, v in settings.items()}, port=port)
    a = call(g.port, "POST", "/send", json.dumps({"to": "+14155550123", "message": "x"}), {"Content-Type": "application/json"})
    if named:
        is_problem(a, 401, says="`%s`" % named)
    else:
        assert a.status == 202, a


def test_keyless_send__with_a_whole_address_is_refused(unharmed):
    """A proxy may ask so, and the Host beside it means nothing."""
    body = json.dumps({"to": "+14155550123", "message": "x"}).encode()
    raw = b"POST http://127.0.0.1/send HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\n"
    is_problem(one(unharmed.talk(raw + b"Content-Length: %d\r\n\r\n" % len(body) + body)), 401)


def test_keyless_send__under_a_name_that_looks_like_an_address_is_refused(unharmed):
    a = call(unharmed.port, "POST", "/send", json.dumps({"to": "+14155550123", "message": "x"}),
             {"Content-Type": "application/json", "Host": "127.0.0.1.evil.example"})
    is_problem(a, 401)


def test_keyless_send__under_another_hosts_name_is_refused(unharmed):
    """DNS rebinding, and proxies that add no header: the request names another host than this machine."""
    a = call(unharmed.port, "POST", "/send", json.dumps({"to": "+14155550123", "message": "x"}),
             {"Content-Type": "application/json", "Host": "sms.example.com"})
    is_problem(a, 401)


# ---- provider hooks ----

def sign(url, form, token=TOKEN):
    """Twilio's signature: HMAC-SHA1 over the address and the sorted parameters (twilio.com/docs/usage/security)."""
    text = url + "".join(k + form[k] for k in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def hook(g, path, form, signature):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if signature is not None:
        headers["X-Twilio-Signature"] = signature
    return call(g.port, "POST", path, urllib.parse.urlencode(form), headers)


@pytest.fixture
def sent(start):
    """A gateway with a message that waits for its receipt, and the receipt's address as the provider was given it."""
    catcher = Catcher()
    g = start(provider_url=catcher.url)
    try:
        m = g.send(to="+14155550199", body="wait for it").json
        call_form = until(lambda: catcher.forms and catcher.forms[0])
        until(lambda: g.message(m["id"])["status"] == "sent")
        yield g, m["id"], call_form["StatusCallback"], catcher
    finally:
        catcher.close()


class Catcher:
    """A provider that takes everything and reports nothing."""

    def __init__(self):
        self.forms = []
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                s, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        f = s.makefile("rwb")
        try:
            while True:
                line, n = f.readline(), 0
                if not line:
                    return
                while True:
                    header = f.readline()
                    if header in (b"\r\n", b""):
                        break
                    if header.lower().startswith(b"content-length:"):
                        n = int(header.split(b":")[1])
                self.forms.append(dict(urllib.parse.parse_qsl(f.read(n).decode(), keep_blank_values=True)))
                answer = json.dumps({"sid": "SM%032x" % len(self.forms), "status": "queued", "error_code": None}).encode()
                f.write(b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer))
                f.flush()
        except (OSError, ValueError):
            pass

    def close(self):
        self.socket.close()


def receipt(status="delivered", sid="SM%032x" % 1, **more):
    return {"MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "To": "+14155550199", "From": "+15005550006",
            "AccountSid": LANE_SID, "ApiVersion": "2010-04-01", **more}


def test_forged_receipt__403_and_nothing_changes(sent):
    g, sid, url, _ = sent
    path = url[len(g.url):]
    form = receipt("failed", ErrorCode="30007")
    before = g.get("/v1/messages/%s/events" % sid).json
    right = sign(url, form)
    wrong = [None, "", "x", right[:-1], right + "A", right.swapcase(), sign(url, form, "0" * 32), sign(url + "x", form),
             sign(url, {**form, "MessageStatus": "delivered"}), sign(url, {}), "=" * 28, "A" * 5000, "\xff" * 28,
             sign(url, form, ""), base64.b64encode(b"\0" * 20).decode()]
    for signature in wrong:
        is_problem(hook(g, path, form, signature), 403)
    assert g.get("/v1/messages/%s/events" % sid).json == before
    assert g.message(sid)["status"] == "sent"
    assert g.metrics()["sms_receipts_refused_total"] >= len(wrong)
    good = receipt()
    assert hook(g, path, good, sign(url, good)).status in (200, 204)
    until(lambda: g.message(sid)["status"] == "delivered")


def test_replayed_receipt__changes_nothing(sent):
    g, sid, url, _ = sent
    path, good = url[len(g.url):], receipt()
    for _ in range(20):
        assert hook(g, path, good, sign(url, good)).status in (200, 204)
    m = g.message(sid)
    assert m["status"] == "delivered"
    assert len([e for e in g.get("/v1/messages/%s/events" % sid).json["data"] if e["status"] == "delivered" and not e["note"]]) == 1
    lie = receipt("failed", ErrorCode="30007")  # signed: the provider contradicts itself
    assert hook(g, path, lie, sign(url, lie)).status in (200, 204)
    assert g.message(sid)["status"] == "delivered"


def test_receipt_for_another_message__is_not_joined_to_it(sent):
    g, sid, url, catcher = sent
    other = g.send(to="+14155550198", body="another").json["id"]
    until(lambda: len(catcher.forms) > 1 and g.message(other)["status"] == "sent")
    theirs = next(f["StatusCallback"] for f in catcher.forms if f["To"] == "+14155550198")
    # the first message's receipt, sent to the second one's address: the token and the provider's id disagree
    form = receipt("failed", ErrorCode="30007")
    hook(g, theirs[len(g.url):], form, sign(theirs, form))
    assert g.message(other)["status"] == "sent", "a receipt with another message's provider id was believed"


def test_receipt_with_a_wrong_token__changes_nothing(sent):
    g, sid, url, _ = sent
    base, _, token = url.rpartition("=") if "=" in url else url.rpartition("/")
    sep = "=" if "=" in url else "/"
    rng = random.Random(3)
    for wrong in ["", "x", token[:-1], token + "0", token[::-1], "%00", "A" * 3000, "".join(rng.sample(token, len(token)))]:
        bad = base + sep + wrong
        form = receipt("failed", sid="SM" + "9" * 32)
        a = hook(g, bad[len(g.url):], form, sign(bad, form))
        assert a.status < 500, (wrong, a)
    assert g.message(sid)["status"] == "sent"


def test_hooks_of_no_lane__404(unharmed):
    for path in ("/hooks/nolane/status", "/hooks/sim/other", "/hooks/SIM/status", "/hooks/sim", "/hooks/sim/status/x", "/hooks/sim%00/status"):
        a = hook(unharmed, path, receipt(), "x")
        assert a.status in (400, 404), (path, a)
        is_problem(a, a.status)


def test_signed_nonsense__never_breaks(sent):
    """Whoever knows the token still sends nonsense."""
    g, sid, url, _ = sent
    path = url[len(g.url):]
    for form in ({}, {"MessageStatus": "x"}, {"MessageSid": "x" * 5000, "MessageStatus": "delivered"}, {"MessageStatus": "delivered"},
                 receipt("\x00"), receipt(ErrorCode="9" * 50), receipt(ErrorCode="-1"), receipt(ErrorCode="x"), receipt(To=""),
                 receipt(To="+1" * 1000), receipt(sid="SM" + "é" * 16), {"x%d" % i: "y" for i in range(3000)}):
        assert hook(g, path, form, sign(url, form)).status < 500, form
    for form in ({"From": "+14155550111", "To": "+15005550006", "Body": "\x00", "MessageSid": "SM1"},
                 {"From": "", "To": "", "Body": "", "MessageSid": ""}, {"From": "x" * 3000, "To": "y" * 3000, "Body": "z" * 30000, "MessageSid": "w" * 3000},
                 {"From": "+14155550111", "To": "+15005550006", "Body": "hi", "MessageSid": "SM" + "1" * 300}, {"Body": "only"},
                 {"From": "+14155550111", "To": "+15005550006", "Body": "x" * 20000, "MessageSid": "SM" + "1" * 32}):
        to = g.url + "/hooks/sim/inbound"
        assert hook(g, "/hooks/sim/inbound", form, sign(to, form)).status < 500, form
    good = receipt()
    assert hook(g, path, good, sign(url, good)).status in (200, 204)
    until(lambda: g.message(sid)["status"] == "delivered")


def test_forged_reply__403_and_nothing_is_stored(unharmed):
    g = unharmed
    before = g.metrics()["sms_inbound_total"]
    form = {"From": "+14155550111", "To": "+15005550006", "Body": "STOP", "MessageSid": "SM" + "2" * 32}
    for signature in (None, "x", sign(g.url + "/hooks/sim/inbound", form, "0" * 32)):
        is_problem(hook(g, "/hooks/sim/inbound", form, signature), 403)
    assert g.metrics()["sms_inbound_total"] == before


# ---- status callbacks to inside ----

INSIDE = ["http://127.0.0.1/", "http://127.0.0.1:%d/", "http://localhost/", "http://LOCALHOST./", "http://foo.localhost/", "http://[::1]/",
          "http://169.254.169.254/latest/meta-data/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:a9fe:a9fe]/", "http://0/", "http://0.0.0.0/",
          "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://10.0.0.1/", "http://192.168.1.1/",
          "http://172.16.0.1/", "http://100.100.100.200/", "http://[fe80::1]/", "http://[fd00:ec2::254]/", "http://[64:ff9b::7f00:1]/",
          "http://127.0.0.1./", "http://1.2.3.4@127.0.0.1/", "http://127.0.0.1#@example.com/", "http://example.com\\@127.0.0.1/",
          "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "//example.com/", "http://", "http:///x", "javascript:1",
          "http://exa mple.com/", "http://example.com/\r\nX: y", "http://[::1", "http://[]/", "http://:80/", "http://１２７.0.0.1/",
          "http://127。0。0。1/", "http://ⓛocalhost/"]


def listen_at_80():
    """None: a test beside this one has it."""
    try:
        return socket.create_server(("127.0.0.1", 80))
    except OSError:
        return None


@pytest.mark.parametrize("url", INSIDE)
def test_callback_to_the_inside__refused(unharmed, url):
    target = url % unharmed.sim.port if "%d" in url else url
    a = unharmed.send(status_callback=target)
    if a.status == 202:
        # what only looks like a name is looked up, and judged, at the time of the call: no call may get through
        listener = until(listen_at_80, 60) if os.getuid() == 0 else None
        if listener:
            listener.settimeout(1.5)
            try:
                listener.accept()
                raise AssertionError("%s was called" % url)
            except TimeoutError:
                pass
            finally:
                listener.close()
        return
    is_problem(a, 400, field="status_callback")


def test_callback_to_a_name_of_the_inside__is_not_called(start):
    """A name that means this machine: nothing to see in the URL, so the call itself must be refused."""
    catcher = Catcher()
    name = socket.gethostname()
    try:
        socket.gethostbyname(name)
    except OSError:
        name = "ip6-localhost"
    g = start()
    a = g.send(status_callback="http://%s:%s/" % (name, catcher.url.rsplit(":", 1)[1]))
    try:
        if a.status == 202:
            g.delivered(a.json["id"])
            until(lambda: g.metrics()["callback_failed_total"] >= 1, told="the callback was neither made nor refused")
        else:
            is_problem(a, 400, field="status_callback")
        assert not catcher.forms
    finally:
        catcher.close()


# ---- answers are safe to show ----

def test_answers__carry_nothing_of_the_request_raw(unharmed):
    for text in ("<script>alert(1)</script>", "\r\nSet-Cookie: x=y", "%0d%0aSet-Cookie: x=y"):
        a = unharmed.get("/" + urllib.parse.quote(text))
        assert "set-cookie" not in a.headers
        a = unharmed.post("/v1/messages", {**GOOD, text: 1})
        assert a.headers["content-type"].startswith("application/problem+json")
        assert "set-cookie" not in a.headers
