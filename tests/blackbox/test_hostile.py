"""What may come in at the port, from people who mean harm and programs that mean well: bytes, bodies, connections. Each gets a
clear answer, and the gateway stays well: after each test it still delivers (the fixture `unharmed`)."""
import concurrent.futures
import json
import random
import resource
import socket
import struct
import time
import urllib.parse

import pytest

from harness.hostile_fixtures import shared, start, unharmed  # noqa: F401
from harness.hostile_gateway import SLOW, call, is_problem, number, one, split, twilio_create, until

GOOD = {"to": "+14155550123", "body": "hello"}
AT_ONCE_S = 15 * SLOW  # on a machine that runs eight tests; left open, a connection is open for minutes (limits.idle_s)


# ---- many connections, slow connections ----

def test_10000_idle_connections__others_are_served(start):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 11000:
        raise AssertionError("this test needs 11000 descriptors, the limit is %d" % hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    g = start({"limits": {"connections_max": 20000}})
    g.is_well()
    before, idle = g.rss_mb(), []
    try:
        for i in range(10000):
            s = socket.socket()
            s.bind(("127.0.0.%d" % (2 + i // 5000), 0))
            s.connect(("127.0.0.1", g.port))
            idle.append(s)
        until(lambda: g.metrics()["http_connections"] >= 10000, told="not all connections were taken")
        took = []
        for _ in range(50):
            begun = time.monotonic()
            assert call(g.port, "GET", "/healthz").status == 200
            took.append(time.monotonic() - begun)
        assert sorted(took)[len(took) // 2] < 0.1 * SLOW, took
        for _ in range(20):
            g.is_well()
        grown = g.rss_mb() - before
        assert grown < 150 * SLOW, "%d MB for 10000 idle connections" % grown
    finally:
        for s in idle:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    until(lambda: g.metrics()["http_connections"] < 100, told="closed connections are not forgotten")
    g.is_well()


def test_more_connections_than_allowed__old_ones_still_served(start):
    g = start({"limits": {"connections_max": 64}, "threads": {"front": 1}})
    kept = [g.connect() for _ in range(40)]
    more = [g.connect() for _ in range(200)]
    time.sleep(0.2)
    kept[0].sendall(g.request("GET", "/healthz"))
    assert b"200 OK" in kept[0].recv(4096)
    for s in kept + more:
        s.close()
    until(lambda: answers(g), told="no new connection is taken any more")
    g.is_well()


def answers(g):
    try:
        return g.get("/healthz", timeout=2).status == 200
    except OSError:
        return False


@pytest.mark.parametrize("what", ["headers", "body", "request line", "chunks"])
def test_slow_loris__is_cut(unharmed, what):
    g = unharmed
    s = g.connect()
    whole = {"headers": g.request(headers=["X-%d: 1" % i for i in range(500)]),
             "request line": b"GET /" + b"a" * 1000,
             "body": g.request(body=b" " * 1000),
             "chunks": g.request("GET").replace(b"GET", b"POST", 1)[:-2] + b"Transfer-Encoding: chunked\r\n\r\n" +
             b"1\r\n \r\n" * 500}[what]
    begun = time.monotonic()
    at_once = whole.find(b"\r\n\r\n") + 4 if what in ("body", "chunks") else 4
    s.sendall(whole[:at_once])
    s.settimeout(0.02)
    got, cut = b"", False
    for i in range(at_once, len(whole)):
        try:
            s.send(whole[i:i + 1])
            piece = s.recv(4096)
            cut = not piece
            got += piece
        except TimeoutError:
            pass
        except OSError:
            cut = True
        if cut or time.monotonic() - begun > 30 * SLOW:
            break
    took = time.monotonic() - begun
    s.close()
    assert cut, "still open after %.1f s" % took
    assert took < AT_ONCE_S  # limits.request_ms_max is 2 s
    if got:
        is_problem(one(got), 408)


def test_many_slow_clients__do_not_slow_others(unharmed):
    g = unharmed
    slow = [g.connect() for _ in range(500)]
    for s in slow:
        s.sendall(g.request(body=b"{", length=100))
    begun = time.monotonic()
    for _ in range(20):
        assert call(g.port, "GET", "/healthz").status == 200
    assert time.monotonic() - begun < AT_ONCE_S
    g.is_well()
    for s in slow:
        s.close()


def test_client_that_reads_nothing__holds_no_memory(unharmed):
    """Asks for large pages and takes no answer."""
    g = unharmed
    before = g.rss_mb()
    socks = []
    for _ in range(50):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.connect(("127.0.0.1", g.port))
        s.settimeout(0.2)
        try:
            s.sendall(g.request("GET", "/openapi.json") * 100)
        except OSError:
            pass
        socks.append(s)
    time.sleep(0.5)
    assert call(g.port, "GET", "/healthz").status == 200
    assert g.rss_mb() - before < 60 * SLOW
    for s in socks:
        s.close()


# ---- too much ----

def test_body_of_10_mb__413_at_once(unharmed):
    begun = time.monotonic()
    body = json.dumps({**GOOD, "body": "a" * 10_000_000}).encode()
    is_problem(one(unharmed.talk(unharmed.request(body=body))), 413)
    assert time.monotonic() - begun < AT_ONCE_S


def test_body_of_10_mb_in_chunks__413_at_once(unharmed):
    g = unharmed
    head = g.request("GET").replace(b"GET", b"POST", 1)[:-2] + b"Transfer-Encoding: chunked\r\n\r\n"
    begun = time.monotonic()
    is_problem(one(g.talk(head + (b"10000\r\n" + b"a" * 65536 + b"\r\n") * 160 + b"0\r\n\r\n")), 413)
    assert time.monotonic() - begun < AT_ONCE_S


def test_body_announced_too_large__413_before_it_is_sent(unharmed):
    raw = unharmed.talk(unharmed.request(length=10 ** 12), timeout=20)
    is_problem(one(raw), 413)
    raw = unharmed.talk(unharmed.request(length=10 ** 7, headers=["Expect: 100-continue"]), timeout=20)
    is_problem(one(raw), 413)


@pytest.mark.parametrize("face", ["native", "twilio", "send", "hook"])
def test_body_over_the_limit_by_one__413(unharmed, face):
    g = unharmed
    path = {"native": "/v1/messages", "twilio": "/2010-04-01/Accounts/%s/Messages.json" % g.account, "send": "/send",
            "hook": "/hooks/sim/status"}[face]
    assert g.post(path, b" " * 65537).status == 413
    assert g.post(path, b" " * 65536).status != 413


@pytest.mark.parametrize("kind", ["one header", "many headers", "request line", "query", "cookie"])
def test_1_mb_of_headers__refused(unharmed, kind):
    g = unharmed
    mb = 1 << 20
    raw = {"one header": g.request("GET", "/healthz", headers=["X: " + "a" * mb]),
           "many headers": g.request("GET", "/healthz", headers=["X%d: a" % i for i in range(mb // 12)]),
           "request line": g.request("GET", "/" + "a" * mb),
           "query": g.request("GET", "/v1/messages?to=" + "a" * mb),
           "cookie": g.request("GET", "/healthz", headers=["Cookie: " + "a=b; " * (mb // 5)])}[kind]
    begun = time.monotonic()
    got = g.talk(raw)
    assert time.monotonic() - begun < AT_ONCE_S
    if got:  # the connection may be reset while we still send
        assert one(got).status in (400, 413, 414, 431)


# ---- broken JSON ----

BROKEN = [
    (b"", "empty"), (b"   ", "JSON"), (b"{", "line 1"), (b'{"to":', "line 1"), (b"[]", "object"), (b"null", "JSON"),
    (b'"x"', "JSON"), (b"5", "JSON"), (b"{} {}", "line 1"), (b"{'to':'x'}", "line 1"), (b'{"to":"+1",}', "line 1"),
    (b"\xef\xbb\xbf{}", "line 1"), (b"\xff\xfe{\x00}\x00", "line 1"), (b'{"to":NaN}', "line 1"),
    (b'{"to":"+14155550123","body":"\xff\xfe"}', "UTF-8"), (b'{"to":"+14155550123","body":"\xc0\xaf"}', "UTF-8"),
    (b'{"to":"+14155550123","body":"\xed\xa0\x80"}', "UTF-8"), (b'{"to":"+14155550123","body":"\xf8\x88\x80\x80\x80"}', "UTF-8"),
    (b'{"to":"+14155550123","body":"\\ud800"}', "line 1"), (b'{"to":"+14155550123","body":"\\udc00\\ud800"}', "line 1"),
    (b'{"to":"+14155550123","body":"a\\u0000b"}', "NUL"), (b'{"to":"+1415\\u00005550123","body":"x"}', "NUL"),
    (b'{"to":"+14155550123","body":"a\x00b"}', "line 1"), (b'{"to":"+14155550123","\\u0000":1,"body":"b"}', "line 1"),
    (b'{"to":"+14155550123","body":"a\nb"}', "line"), (b'{"to":"+14155550123","body":"x","body":"y"}', "twice"),
    (b'{"to":"+14155550123","body":"x","metadata":{"a":1,"a":2}}', "twice"),
    (b'{"to":"+14155550123","body":"x","validity_s":1e999}', "large"),
    (b'{"to":"+14155550123","body":"x","validity_s":' + b"9" * 400 + b"}", "large"),
    (b'{"to":"+14155550123","body":"x","validity_s":-0}', "validity_s"),
    (b"[" * 100_000, None), (b'{"vars":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001, "nested"),
    (b"[" * 30_000 + b"]" * 30_000, "nested"), (b'{"metadata":' + b"[" * 33 + b"]" * 33 + b"}", "nested"),
    (b'{"to":"+14155550123","body":"x","metadata":{"a":[' + b"1," * 30_000 + b"1]}}", "values"),
]


@pytest.mark.parametrize("body,says", BROKEN, ids=[str(i) for i in range(len(BROKEN))])
def test_broken_json__refused_with_its_place(unharmed, body, says):
    begun = time.monotonic()
    a = unharmed.post("/v1/messages", body)
    assert a.status in (400, 413), a
    p = is_problem(a, a.status)
    assert says is None or says in p["detail"], p
    assert time.monotonic() - begun < AT_ONCE_S


def test_broken_json__its_text_is_not_repeated(unharmed):
    a = unharmed.post("/v1/messages", b'{"to":"+14155550123","body":"the secret is 918273" oops}')
    assert "918273" not in is_problem(a, 400)["detail"]


UNKNOWN = [("too", "to"), ("boddy", "body"), ("bdy", "body"), ("form", "from"), ("sendAt", "send_at"), ("template_", "template"),
           ("BODY", "body"), ("validty_s", "validity_s"), ("status_calback", "status_callback"), ("metdata", "metadata")]


@pytest.mark.parametrize("wrong,right", UNKNOWN)
def test_unknown_field__the_nearest_is_named(unharmed, wrong, right):
    p = is_problem(unharmed.post("/v1/messages", {**GOOD, wrong: "x"}), 400, field=wrong)
    assert "`%s`" % right in p["detail"]


def test_unknown_field__long_or_strange_names_are_harmless(unharmed):
    for name in ("x" * 60_000, "é" * 5000, "%s%n%s", "\x01\x7f", "𝕏" * 100, "", "__proto__", "to\n"):
        p = is_problem(unharmed.post("/v1/messages", {**GOOD, name: 1}), 400)
        assert len(p["detail"]) < 500
        p["detail"].encode("utf-8")


FIELDS = ["to", "from", "body", "template", "vars", "language", "send_at", "validity_s", "priority", "topic", "metadata",
          "status_callback", "delivery", "smart_encoding"]
STRINGS = {"to", "from", "body", "template", "language", "send_at", "priority", "topic", "status_callback", "delivery"}


@pytest.mark.parametrize("field", FIELDS)
def test_wrong_type__refused_by_name(unharmed, field):
    for value in (5, -1, 1.5, 2 ** 62, True, False, [], ["x"], {}, {"a": {"b": []}}, "x", "", "\U0001f600" * 10):
        right = (isinstance(value, str) if field in STRINGS else isinstance(value, dict) if field in ("vars", "metadata")
                 else isinstance(value, bool) if field == "smart_encoding" else type(value) is int)
        a = unharmed.post("/v1/messages", {**GOOD, field: value})
        if right:
            assert a.status in (202, 400, 422), (value, a)
            if a.status != 202:
                is_problem(a, a.status)
        else:
            p = is_problem(a, 400, field=field)
            assert field in p["detail"]


@pytest.mark.parametrize("to", ["", " ", "+", "+0", "0", "1", "abc", "+1" + "2" * 50, "+1415555012" + "3" * 40, "９" * 11,
                                "+١٤١٥٥٥٥٠١٢٣", "tel:+14155550123;ext=5", "+1 415 555 0123 ext 99999", "+999123456789",
                                "+12", "'; DROP TABLE message; --", "\u202e+14155550123", "+14155550123,+14155550124", "☎",
                                "911", "110", "+86110", "../../etc/passwd", "%2B14155550123", "+1-415-55x-0123", "-5"])
def test_absurd_number__refused_with_the_field(unharmed, to):
    a = unharmed.send(to=to)
    if a.status == 202:  # what libphonenumber takes for a real number must at least be one in E.164
        assert a.json["to"].startswith("+") and a.json["to"][1:].isdigit() and len(a.json["to"]) <= 16, a
        return
    assert a.status in (400, 422), a
    is_problem(a, a.status, field="to")


def test_body_too_long__refused_with_the_limit(unharmed):
    is_problem(unharmed.send(body="x" * 1601), 422, field="body", says="1600")
    assert unharmed.send(body="好" * 1600).status == 202


def test_huge_times__refused(unharmed):
    for when in ("9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "now",
                 "99999-01-01T00:00:00Z", "2026-01-01T00:00:00+99:99", "-1", "2026-01-01", "2026-01-01T24:00:01Z",
                 "2026-01-31T08:30:00.%sZ" % ("1" * 1000)):
        a = unharmed.send(send_at=when)
        assert a.status in (400, 422), (when, a)
        is_problem(a, a.status, field="send_at")


# ---- forms and query strings ----

@pytest.mark.parametrize("form", [
    b"", b"&&&&", b"=", b"To", b"To=%", b"To=%4", b"To=%zz&Body=x", b"To=%00&Body=x", b"To=%2B14155550123&Body=a%00b",
    b"To=%2B14155550123&Body=%ff%fe", b"To=%2B14155550123&Body=%ED%A0%80", b"To=\xff&Body=\x00", b"a=b&" * 16000,
    b"To=%2B14155550123&To=%2B14155550124&From=x&Body=x" + b"&Body=y" * 5000, b"%00=1", b"To[]=1&Body[x]=2",
    b"To=%2B14155550123&Body=x&MediaUrl=" + b"x" * 60000], ids=lambda f: repr(f[:30]))
def test_broken_form__refused_in_twilios_words(unharmed, form):
    a = twilio_create(unharmed, form)
    assert 400 <= a.status < 500, a
    assert a.json["code"] and a.json["message"] and a.json["status"] == a.status


@pytest.mark.parametrize("path", [
    "/v1/messages?limit=0", "/v1/messages?limit=-1", "/v1/messages?limit=99999999999999999999", "/v1/messages?limit=1e3",
    "/v1/messages?cursor=x", "/v1/messages?cursor=%00", "/v1/messages?to=%ff", "/v1/messages?too=1", "/v1/messages?limit=1&limit=2",
    "/v1/messages?created_from=yesterday", "/v1/messages?status=fine", "/v1/messages?%zz=1", "/v1/messages?" + "a=b&" * 100,
    "/v1/messages?cursor=" + "f" * 64])
def test_broken_query__refused(unharmed, path):
    a = unharmed.get(path)
    is_problem(a, 400)


def test_query_of_1500_parameters__answered_or_cut_off(unharmed):
    """The library's record of so many parameters does not fit into a connection's memory; it may then end the connection
    without a word. What matters: soon, and nobody else notices."""
    begun = time.monotonic()
    raw = unharmed.talk(unharmed.request("GET", "/v1/messages?" + "a=b&" * 1500, headers=["Connection: close"]), timeout=20)
    assert raw == b"" or one(raw).status in (400, 408, 413, 414, 431)
    assert time.monotonic() - begun < AT_ONCE_S
    assert one(unharmed.talk(unharmed.request("GET", "/v1/messages?" + "a=b&" * 100, headers=["Connection: close"]))).status == 400


# ---- ids and paths ----

def test_mistyped_id__404_without_a_look(unharmed):
    g = unharmed
    made = g.send().json["id"]
    g.delivered(made)
    jobs = g.metrics()["journal_jobs_total"]
    for i in range(2, 34):
        for path in ("/v1/messages/%s", "/v1/messages/%s/events"):
            wrong = made[:i] + ("0" if made[i] != "0" else "1") + made[i + 1:]
            is_problem(g.get(path % wrong), 404)
    for wrong in (made[:-1], made + "0", made.lower(), "SM" + "0" * 32, "SM" + "f" * 32, "AC" + made[2:], "x", "SM",
                  made.upper(), "%20" + made, made + "%20", "..", "%2e%2e", "SM" + "g" * 32, "é", "%F0%9F%98%80", "'"):
        is_problem(g.get("/v1/messages/" + urllib.parse.quote(wrong, safe="%")), 404)
    for wrong in (made[:-1] + ("0" if made[-1] != "0" else "1"),):
        for verb in ("cancel", "redact"):
            is_problem(g.post("/v1/messages/%s/%s" % (wrong, verb), b""), 404)
        is_problem(call(g.port, "DELETE", "/v1/messages/" + wrong, headers=g.bearer), 404)
    # sweeps and scans go on by themselves, so a few jobs are no look-ups of ours; with look-ups there were more than eighty
    assert g.metrics()["journal_jobs_total"] - jobs < 50


@pytest.mark.parametrize("path", ["/%", "/%z", "/%00", "/v1/messages/%00", "/v1/messages/%", "/v1/messages/%ff", "/v1/messages/%c0%af",
                                  "/v1/messages//", "//v1/messages", "/v1/../v1/messages", "/v1/messages/%2e%2e/%2e%2e/etc/passwd",
                                  "/problems/../../etc/passwd", "/problems/%2e%2e%2fpasswd", "/hooks//status", "/hooks/%00/status",
                                  "/hooks/sim/../sim/status", "/v1/messages/" + "a" * 5000, "/" + "/" * 5000, "*", "/v1/messages#x",
                                  "/\x01", "/v1/messages/\xff\xfe", "/console/../../etc/passwd", "/2010-04-01/Accounts/%00/Messages.json",
                                  "/2010-04-01/Accounts/x/Messages/%zz.json"])
def test_percent_nonsense_in_the_path__refused(unharmed, path):
    raw = unharmed.talk(b"GET " + path.encode("latin-1") + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", timeout=20)
    a = one(raw)
    assert 400 <= a.status < 500, a
    assert b"root:" not in a.body


def test_absolute_target__is_understood(unharmed):
    """RFC 9112, section 3.2.2: a server MUST accept the absolute form, as proxies send it."""
    raw = unharmed.talk(b"GET http://x/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", timeout=20)
    assert one(raw).status == 200, raw


@pytest.mark.parametrize("method", ["BREW", "TRACE", "CONNECT", "PUT", "OPTIONS", "GET\x00", "X" * 1000, "post"])
def test_strange_method__refused(unharmed, method):
    raw = unharmed.talk(method.encode() + b" /v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", timeout=20)
    if raw:
        assert 400 <= one(raw).status < 600
    if method in ("BREW", "PUT", "post"):
        is_problem(one(raw), 405)
        assert "POST" in one(raw).headers["allow"]


# ---- HTTP that is none ----

LIBRARY = [
    (b"GET /\r\n\r\n", {400, 505}), (b"GET\r\n\r\n", {400}), (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", {400, 505}),
    (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", {400}),
    (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", {400, 413}),
    (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", {400}),
    (b"GET / HTTP/1.1\r\nHost: x\r\nbroken\r\n\r\n", {400}), (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 50000, {431}),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}), (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),
]


@pytest.mark.parametrize("raw,statuses", LIBRARY, ids=[repr(r[:40]) for r, _ in LIBRARY])
def test_malformed_http__is_refused_and_closed(unharmed, raw, statuses):
    """What the HTTP library refuses by itself it answers in its own words (libmicrohttpd 0.9.75 even says the head twice)."""
    begun = time.monotonic()
    got = unharmed.talk(raw, timeout=20)
    assert time.monotonic() - begun < AT_ONCE_S, "still open"
    if got:  # closed without a word is fair, too
        assert int(got.split()[1]) in statuses, got


OURS = [
    b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n: empty\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n folded\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
    b"GET / HTTP/1.1\nHost: x\n\n", b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
]


@pytest.mark.parametrize("raw", OURS, ids=[repr(r[:60]) for r in OURS])
def test_ambiguous_http__400_in_our_words_and_closed(unharmed, raw):
    begun = time.monotonic()
    is_problem(one(unharmed.talk(raw, timeout=20)), 400)
    assert time.monotonic() - begun < AT_ONCE_S, "still open"


SMUGGLED = [
    ["Content-Length: 5", "Transfer-Encoding: chunked"], ["Transfer-Encoding: chunked", "Content-Length: 5"],
    ["Content-Length: 5", "Content-Length: 6"], ["Content-Length: 5", "Content-Length: 5"], ["Transfer-Encoding: chunked, identity"],
    ["Transfer-Encoding: xchunked"], ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], ["Transfer-Encoding:\x0bchunked"],
    ["Transfer-Encoding:\r\n chunked", "Content-Length: 5"], ["Transfer-Encoding : chunked", "Content-Length: 5"],
    [" Transfer-Encoding: chunked", "Content-Length: 5"], ["Content-Length : 5"], ["X: a\rContent-Length: 5"],
    ["X: a\nTransfer-Encoding: chunked"], ["Content-Length: 5\0 6"], ["Host: y", "Content-Length: 5"],
    # what the library itself cannot read as a number
    ["Content-Length: +5"], ["Content-Length: 0x5"], ["Content-Length: 5,5"], ["Content-Length: "], ["Content-Length: 5 5"],
]


@pytest.mark.parametrize("headers", SMUGGLED)
def test_smuggling__refused_and_the_connection_closed(unharmed, headers):
    """RFC 9112, section 6.3: what two programs may read in two ways is refused."""
    head = "\r\n".join(["POST /v1/messages HTTP/1.1", "Host: x", "Authorization: Bearer " + unharmed.key,
                        "Content-Type: application/json", *headers]).encode() + b"\r\n\r\n"
    hidden = unharmed.request("GET", "/v1/whoami")
    begun = time.monotonic()
    got = unharmed.talk(head + b"0\r\n\r\n" + hidden, timeout=20)
    assert time.monotonic() - begun < AT_ONCE_S, "still open"
    assert b"account_id" not in got, got
    assert {a.status for a in split(got)} == {400}, got


def test_length_too_long__answered_after_the_time_for_a_request(unharmed):
    begun = time.monotonic()
    got = unharmed.talk(unharmed.request(body=b'{"to":', length=60))
    is_problem(one(got), 408)
    assert time.monotonic() - begun < AT_ONCE_S


def test_length_too_short__the_rest_is_the_next_request(unharmed):
    got = unharmed.talk(unharmed.request(body=json.dumps(GOOD).encode(), length=5), timeout=20)
    assert split(got)[0].status == 400


def test_pipelined_requests__answered_in_order(unharmed):
    g = unharmed
    raw = b"".join(g.request(body=json.dumps({**GOOD, "to": number(i), "topic": "t%d" % i}).encode()) for i in range(100))
    raw += g.request("GET", "/healthz", headers=["Connection: close"])
    answered = split(g.talk(raw, timeout=10))
    assert [a.status for a in answered] == [202] * 100 + [200]
    assert [a.json["to"] for a in answered[:100]] == [number(i) for i in range(100)]
    assert len({a.json["id"] for a in answered[:100]}) == 100


def test_10_mb_of_noise__the_gateway_goes_on(unharmed):
    noise = random.Random(1)
    begun = time.monotonic()
    for i in range(40):
        unharmed.talk(noise.randbytes(256 * 1024), timeout=0.5, close_after=True)
    assert time.monotonic() - begun < 120 * SLOW
    # and noise that has the look of HTTP
    words = [b"GET ", b"POST ", b"/v1/messages", b" HTTP/1.1\r\n", b"Host: x\r\n", b"Content-Length: ", b"Transfer-Encoding: chunked\r\n",
             b"\r\n", b"\r\n\r\n", b"{}", b"0\r\n\r\n", b"ffffffff\r\n", b"%00", b"\x00", b"Expect: 100-continue\r\n", b"5", b": ", b"Connection: close\r\n"]
    for i in range(400):
        raw = b"".join(noise.choice(words) for _ in range(noise.randrange(1, 60)))
        unharmed.talk(raw, timeout=0.2, close_after=True)


def test_descriptors__none_are_lost(start):
    g = start({"limits": {"request_ms_max": 1000, "idle_s": 3}})
    g.is_well()
    before = g.descriptors()
    for i in range(300):
        s = g.connect()
        s.sendall(g.request(body=b"{", length=50)[:random.Random(i).randrange(1, 200)])
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", i % 2, 0))
        s.close()
    until(lambda: g.descriptors() <= before + 5, told="descriptors are lost")


# ---- clients that vanish ----

def test_clients_that_vanish__each_message_is_there_or_not(unharmed):
    g = unharmed
    topic = "vanish%d" % time.monotonic_ns()

    def vanish(i):
        raw = g.request(body=json.dumps({**GOOD, "to": number(500_000 + i), "topic": topic}).encode())
        s = g.connect()
        s.sendall(raw if i % 3 else raw[:len(raw) - 1])
        if i % 2:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(vanish, range(300)))
    g.is_well()

    def made():
        return {i: g.get("/v1/messages?to=" + urllib.parse.quote_plus(number(500_000 + i))).json for i in range(300)}

    found = made()
    lists = [found[i]["data"] for i in range(300)]
    assert all(len(rows) <= 1 for rows in lists), "stored twice"
    assert not any(len(lists[i]) for i in range(0, 300, 3)), "stored without its last byte"
    assert any(lists), "none was ever stored: this proves little"
    for rows in lists:
        for m in rows:
            g.delivered(m["id"])
