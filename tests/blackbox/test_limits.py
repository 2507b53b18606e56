"""limits.rates as a caller meets them: who is counted, what the answers say, and that none slips through."""
import base64
import concurrent.futures
import http.client
import itertools
import json
import re
import signal
import time
import urllib.parse

from harness.gateway import call, unique, until
from harness.hostile_gateway import ROOT, is_problem


def post(g, to, **more):
    headers = more.pop("headers", None)
    return g.post("/v1/messages", {"to": to, "body": "hello", **more}, headers)


serial = itertools.count(1000)


def unique_number():
    return "+86138%08d" % next(serial)


def told(answer):
    return tuple(int(answer.headers["ratelimit-" + name]) for name in ("limit", "remaining", "reset"))


def test_rate__is_told_and_kept_for_each_recipient(make_gateway):
    g = make_gateway(limits={"rates": ["3/h per recipient"]})
    for left in (2, 1, 0):
        a = post(g, "+14155550123")
        assert a.status == 202 and told(a)[:2] == (3, left), a
    refused = post(g, "+14155550123")
    p = is_problem(refused, 429)
    assert p["type"] == "/problems/rate-limited" and "3/h per recipient" in p["detail"], p
    wait = int(refused.headers["retry-after"])
    assert 3000 < wait <= 3900 and told(refused) == (3, 0, wait)
    assert post(g, "+14155550124").status == 202  # another person
    assert g.metrics()["sms_limited_total"] == 1
    assert len(g.page(to="+14155550123")["data"]) == 3  # what was refused is not stored


def test_rate__comes_free_again(make_gateway):
    g = make_gateway(limits={"rates": ["2/6s per account"]})
    begun = time.monotonic()
    assert [post(g, "+14155550123").status for _ in range(3)] == [202, 202, 429]
    until(lambda: post(g, "+14155550123").status == 202)
    assert time.monotonic() - begun > 5.5


def test_rate__is_exact_under_many_hands(make_gateway):
    g = make_gateway(limits={"rates": ["40/h per account", "1000/s per source"]})
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda i: post(g, "+1415555%04d" % i).status, range(200)))
    assert answers.count(202) == 40 and answers.count(429) == 160


def test_rate__replays_are_free(make_gateway):
    g = make_gateway(limits={"rates": ["2/h per recipient"]})
    key = {"Idempotency-Key": unique()}
    for _ in range(5):
        assert post(g, "+14155550123", headers=key).status == 202
    assert post(g, "+14155550123").status == 202
    assert post(g, "+14155550123").status == 429
    again = post(g, "+14155550123", headers=key)  # a client that lost its answer gets it, whatever the rate
    assert again.status == 202 and again.headers["idempotency-replayed"] == "true"
    assert post(g, "+14155550123", headers=key, body="another").status == 422
    assert post(g, "+14155550123", headers={"Idempotency-Key": unique()}).status == 429


def test_rate__accounts_templates_and_topics_are_counted_apart(make_gateway, tmp_path):
    (tmp_path / "code.txt").write_text("Your code is {{ code }}.", encoding="utf-8")
    g = make_gateway(limits={"rates": ["2/h per recipient+template", "1/h per recipient for topic marketing"]},
                     templates={"dir": str(tmp_path)})
    code = {"template": "code", "vars": {"code": "4711"}, "body": None}

    def with_template():
        return g.post("/v1/messages", {k: v for k, v in {"to": "+14155550123", **code}.items() if v is not None}).status

    assert [with_template() for _ in range(3)] == [202, 202, 429]
    assert [post(g, "+14155550123", topic="marketing").status for _ in range(2)] == [202, 429]
    assert [post(g, "+14155550123", topic="news").status for _ in range(4)] == [202] * 4
    other = g.create_key("other")
    again = call(g.port, "POST", "/v1/messages", '{"to":"+14155550123","body":"x","topic":"marketing"}',
                 {"Authorization": "Bearer " + other["key"], "Content-Type": "application/json"})
    assert again.status == 202


def test_rate__of_a_topic_counts_all_its_recipients_together(make_gateway):
    g = make_gateway(limits={"rates": ["3/h per topic"]})
    assert [post(g, unique_number(), topic="news").status for _ in range(4)] == [202, 202, 202, 429]
    assert [post(g, unique_number(), topic="offers").status for _ in range(4)] == [202, 202, 202, 429]
    assert [post(g, unique_number()).status for _ in range(5)] == [202] * 5  # of no topic
    refused = post(g, unique_number(), topic="news")
    assert "3/h per topic" in refused.json["detail"] and told(refused)[:2] == (3, 0), refused


def test_rate__of_the_quickstart_is_sixty_a_minute_for_each_recipient(make_gateway):
    written = (ROOT / "script" / "server").read_text(encoding="utf-8")
    g = make_gateway(limits={"rates": [re.search(r"^limits:\n  rates: \[(.*)\]$", written, re.M).group(1)]})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(g, "+14155550123"), range(70)))
    assert [a.status for a in answers].count(202) == 60, answers
    assert {told(a)[:2] for a in answers if a.status != 202} == {(60, 0)}
    assert post(g, "+14155550124").status == 202


def test_rate__speaks_twilio(make_gateway):
    g = make_gateway(limits={"rates": ["1/h per account"]})
    made = g.create_key("twilio")
    basic = base64.b64encode(("%s:%s" % (made["account"], made["auth_token"])).encode()).decode()

    def create():
        return call(g.port, "POST", "/2010-04-01/Accounts/%s/Messages.json" % made["account"],
                    urllib.parse.urlencode({"To": "+14155550123", "From": "+15005550006", "Body": "hi"}),
                    {"Authorization": "Basic " + basic, "Content-Type": "application/x-www-form-urlencoded"})

    assert create().status == 201
    a = create()
    assert a.status == 429 and a.json["code"] == 20429 and int(a.headers["retry-after"]) > 3000


def test_rate__a_bad_rule_is_named_with_its_line(make_gateway):
    g = make_gateway.gateway(limits={"rates": ["60/min per user"]})
    done = g.run("config", "check", "-c", g.settings_file)
    said = str(done.stdout) + str(done.stderr)
    assert done.returncode == 78 and "limits.rates" in said and "60/min per recipient" in said, done


def test_rate__a_reload_brings_a_new_rule(make_gateway):
    g = make_gateway()
    assert "ratelimit-limit" not in post(g, "+14155550123").headers
    g.write(limits={"rates": ["1/h per recipient"]})
    g.signal(signal.SIGHUP)
    until(lambda: "ratelimit-limit" in post(g, unique_number()).headers)
    to = unique_number()
    assert [post(g, to).status for _ in range(2)] == [202, 429]


def test_rate__several_that_overlap_are_all_kept_and_the_one_in_the_way_is_named(make_gateway):
    g = make_gateway(limits={"rates": ["4/h per key", "6/h per account", "2/h per recipient+template", "3/h per source"]})
    first, second = ({"Authorization": "Bearer " + g.create_key()["key"]} for _ in range(2))

    def from_there(headers, source):
        """From another address of the loopback."""
        c = http.client.HTTPConnection("127.0.0.1", g.port, timeout=15, source_address=(source, 0))
        c.request("POST", "/v1/messages", json.dumps({"to": unique_number(), "body": unique()}), {**headers, "Content-Type": "application/json"})
        a = c.getresponse()
        told = a.status, json.loads(a.read()).get("detail", "")
        c.close()
        return told
    assert [from_there(first, "127.0.0.2")[0] for _ in range(3)] == [202] * 3
    status, detail = from_there(first, "127.0.0.2")
    assert status == 429 and "3/h per source" in detail, detail
    assert from_there(first, "127.0.0.3")[0] == 202
    status, detail = from_there(first, "127.0.0.4")
    assert status == 429 and "4/h per key" in detail, detail
    assert [from_there(second, "127.0.0.5")[0] for _ in range(2)] == [202] * 2
    status, detail = from_there(second, "127.0.0.6")
    assert status == 429 and "6/h per account" in detail, detail
    # What one rule refused was not counted by the others.
    seen = g.post("/v1/route/explain", {"to": "+14155550123", "body": "x"}, second).json
    rates = next(d for d in seen["decisions"] if d["decision"] == "rates")
    assert rates["says"] == "refused" and "6/h per account" in rates["text"], rates


def test_rate__is_told_by_every_face(make_gateway):
    g = make_gateway(limits={"rates": ["3/h per account", "100/h per recipient"]})
    made = g.create_key("shop")
    bearer = {"Authorization": "Bearer " + made["key"], "Content-Type": "application/json"}
    basic = base64.b64encode(("%s:%s" % (made["account"], made["auth_token"])).encode()).decode()
    form = {"Authorization": "Basic " + basic, "Content-Type": "application/x-www-form-urlencoded"}

    def native():
        return call(g.port, "POST", "/v1/messages", json.dumps({"to": unique_number(), "body": "x"}), bearer)

    def send():
        return call(g.port, "POST", "/send", json.dumps({"to": unique_number(), "message": "x"}), bearer)

    def twilio():
        return call(g.port, "POST", "/2010-04-01/Accounts/%s/Messages.json" % made["account"],
                    urllib.parse.urlencode({"To": unique_number(), "From": "+15005550006", "Body": "x"}), form)
    for left, ask in zip((2, 1, 0), (native, send, twilio)):
        a = ask()
        assert a.status < 300 and told(a)[:2] == (3, left), a
    for ask in (native, send, twilio):
        a = ask()
        wait = int(a.headers["retry-after"])
        assert a.status == 429 and told(a) == (3, 0, wait) and 3000 < wait <= 3900, a


def test_rate__of_recipient_and_template_counts_each_pair_apart(make_gateway, tmp_path):
    for name in ("code", "news"):
        (tmp_path / (name + ".txt")).write_text("This is " + name, encoding="utf-8")
    g = make_gateway(limits={"rates": ["2/h per recipient+template"]}, templates={"dir": str(tmp_path)})

    def sent(template, to="+14155550123"):
        return g.post("/v1/messages", {"to": to, "template": template}).status
    assert [sent("code") for _ in range(3)] == [202, 202, 429]
    assert [sent("news") for _ in range(3)] == [202, 202, 429]
    assert [sent("code", "+14155550199") for _ in range(3)] == [202, 202, 429]
    refused = g.post("/v1/messages", {"to": "+14155550123", "template": "code"})
    assert "2/h per recipient+template" in refused.json["detail"] and int(refused.headers["retry-after"]) > 3000, refused
    g.kill9()
    g.start()
    assert g.post("/v1/messages", {"to": "+14155550123", "body": "without a template"}).status == 202


def test_rate__of_a_source_behind_proxies_is_the_callers_and_nobody_elses_word_is_taken(make_gateway):
    g = make_gateway(limits={"rates": ["2/h per source"], "proxies": ["127.0.0.2", "127.0.0.3", "fd00::1"]})
    key = {"Authorization": "Bearer " + g.create_key()["key"], "Content-Type": "application/json"}

    def ask(peer, *forwarded):
        c = http.client.HTTPConnection("127.0.0.1", g.port, timeout=15, source_address=(peer, 0))
        c.putrequest("POST", "/v1/messages")
        body = json.dumps({"to": unique_number(), "body": "x"}).encode()
        for name, value in [*key.items(), ("Content-Length", str(len(body))), *(("X-Forwarded-For", f) for f in forwarded)]:
            c.putheader(name, value)
        c.endheaders(body)
        status = c.getresponse().status
        c.close()
        return status

    def three(peer, *forwarded):
        return [ask(peer, *forwarded) for _ in range(3)]
    spent = [202, 202, 429]
    assert three("127.0.0.2", "198.51.100.1") == spent
    assert three("127.0.0.3", "198.51.100.2, 127.0.0.2") == spent  # one proxy behind the other
    assert ask("127.0.0.3", "198.51.100.1") == 429  # the same caller by another proxy
    # What a caller writes himself stands before what the proxy adds, in the same header or in one of its own.
    assert ask("127.0.0.2", "203.0.113.9, 198.51.100.1") == 429 and ask("127.0.0.2", "203.0.113.9", "198.51.100.1") == 429
    assert three("127.0.0.2", "2001:DB8::1")[:2] == [202, 202] and ask("127.0.0.2", "2001:db8:0::1") == 429  # one address, however it is written
    # Whoever is no proxy is counted by his own address, whatever he says; so is a proxy that says nothing, or nonsense.
    assert [ask("127.0.0.9", "198.51.100.%d" % i) for i in range(20, 23)] == spent
    assert [ask("127.0.0.2"), ask("127.0.0.2", "unknown"), ask("127.0.0.2", "198.51.100.77, <script>")] == spent


def test_rate__a_proxy_that_is_no_address_is_named_with_its_line(make_gateway):
    g = make_gateway.gateway(limits={"rates": ["2/h per source"], "proxies": ["proxy.example.com"]})
    done = g.run("config", "check", "-c", g.settings_file)
    said = str(done.stdout) + str(done.stderr)
    assert done.returncode == 78 and "limits.proxies" in said and "proxy.example.com is no address" in said, said
