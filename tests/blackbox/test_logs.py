"""I13: no secret, code or body in a log; numbers masked. A varied load with texts that can be recognised, and then a search."""
import json
import os
import re
import time
import urllib.parse

import pytest

from harness.hostile_fixtures import start  # noqa: F401
from harness.hostile_gateway import TOKEN, call, number, until

MASTER = "5ec7e7" * 10 + "abcd"
SECRET_WORDS = ["Xyzzy-Secret-Body", "柠檬秘密正文", "topsecretmeta", "callbacksecret", "inboundsecret", "templatesecret"]
CODES = ["082913", "0391", "00417", "03920174", "0182736"]  # no number that a line may have otherwise begins with nought
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

LINE = re.compile(r'^(?:[a-z_]+=(?:[^\s"=\\]+|"(?:[^"\\]|\\.)*")(?: |$))+$')


def load(g, sim):
    """Everything that may make a line: good, refused, failed, unknown, looked up, replied to, reloaded."""
    ids = {}
    for i, code in enumerate(CODES):
        body = "%s: your code is %s" % (SECRET_WORDS[i % 2], code)
        ids[g.send(to=number(1000 + i), body=body, headers={"traceparent": TRACE}).json["id"]] = True
        g.send(to=number(1000 + i), body=body, metadata={"k": SECRET_WORDS[2]}, topic="t",
               status_callback="http://127.0.0.1:9/%s?code=%s" % (SECRET_WORDS[3], code))
    for magic in ("0001", "0002", "0003", "0004", "0009", "0101", "0103", "0104", "0105", "0106", "0107", "0108", "0109", "0110",
                  "0111", "0112", "0113", "0114"):
        a = g.send(to="+1500555" + magic, body="%s code %s" % (SECRET_WORDS[0], CODES[0]))
        if a.status == 202:
            ids[a.json["id"]] = False
    for to in ("nonsense", "+1415", number(7) + "99999", "+86 138 0013 8000 9"):
        g.send(to=to, body="%s %s" % (SECRET_WORDS[1], CODES[1]))
    g.post("/v1/messages", ('{"to":"%s","body":"%s %s' % (number(1), SECRET_WORDS[0], CODES[2])).encode())
    g.post("/v1/messages", {"to": number(1), "body": "x", SECRET_WORDS[0]: CODES[3]})
    g.post("/v1/messages", {"to": number(1), "template": "none", "vars": {"code": CODES[3], "a": SECRET_WORDS[5]}})
    g.post("/v1/messages", {"to": number(1), "template": "code", "vars": {"code": CODES[3], "a": SECRET_WORDS[5]}})
    g.post("/v1/messages", {"to": number(1), "template": "code", "vars": {"code": CODES[3]}})
    g.post("/v1/templates/preview", {"source": "{{ a | %s }} %s" % (SECRET_WORDS[5], CODES[0]), "vars": {"a": SECRET_WORDS[5]}})
    for key in (g.key[:-1], "x", g.key + "x", g.auth_token, TOKEN):
        g.get("/v1/messages", headers={"Authorization": "Bearer " + key})
        g.get("/v1/messages?to=" + urllib.parse.quote_plus(number(3)), headers={"Authorization": "Basic " + key})
    g.get("/%s?code=%s" % (SECRET_WORDS[0], CODES[0]))
    g.get("/v1/messages/%s" % CODES[3])
    form = urllib.parse.urlencode({"From": number(9), "To": "+15005550006", "Body": "%s %s" % (SECRET_WORDS[4], CODES[4]),
                                   "MessageSid": "SM" + "3" * 32, "MessageStatus": "delivered"})
    for path in ("/hooks/sim/inbound", "/hooks/sim/status", "/hooks/sim/status?t=" + CODES[3], "/hooks/none/status"):
        call(g.port, "POST", path, form, {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": "x" * 28})
    call(sim.port, "POST", "/_sim/reply", json.dumps({"from": number(1000), "to": "+15005550006", "body": "%s %s" % (SECRET_WORDS[4], CODES[4])}))
    g.talk(b"GET /%s HTTP/1.1\r\n\r\n" % SECRET_WORDS[0].encode(), timeout=1)
    return ids


@pytest.fixture(params=["logfmt", "json"])
def told(request, start, tmp_path):
    """(gateway, its log's lines, ids of the load)"""
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "code.txt").write_text("Hello {{ a }}, your code is {{ code }}")
    g = start.gateway({"log": {"level": "debug", "format": request.param}, "templates": {"dir": str(templates)},
                       "retry": {"first_ms": 50, "max_ms": 100, "attempts_max": 3},
                       "callbacks": {"allow_private": True, "attempts_max": 2}}, env={"HONGYAN_MASTER_KEY": MASTER})
    lanes = g.settings["lanes"]
    lanes[0].update(timeout_ms=1000, connect_timeout_ms=500, lookup_after_ms=100, lookups_max=2)
    g.sim.profile({"inbound_url": g.url + "/hooks/sim/inbound"})
    g.write(lanes=lanes)
    g.start()
    ids = load(g, g.sim)
    for sid, good in ids.items():
        if good:
            g.delivered(sid)
    time.sleep(3)
    g.config.write_text(g.config.read_text().replace('"listen"', '"lisen"'))
    g.signal(1)
    time.sleep(0.5)
    cmdline = open("/proc/%d/cmdline" % g.pid()).read()
    assert g.stop() == 0
    return g, g.log(), ids, request.param, cmdline


def test_log__tells_nothing_it_must_not(told):
    g, log, ids, form, cmdline = told
    text = log + cmdline
    assert len(log.splitlines()) > 100
    for secret in [g.key, g.key.split(".")[1], g.auth_token, TOKEN, MASTER, g.key.split(".")[1][:12], g.auth_token[:12], *SECRET_WORDS]:
        found = [line for line in text.splitlines() if secret in line]
        assert not found, found[:3]
    numbers = [number(1000 + i) for i in range(len(CODES))] + [number(n) for n in (1, 3, 7, 9)] + ["+1500555010%d" % i for i in range(1, 10)]
    for n in numbers:
        for form in (n, n[1:], n[2:], n.replace("+", "%2B"), n.replace("+", "%2b")):
            found = [line for line in text.splitlines() if form in line]
            assert not found, found[:3]
    for code in CODES:
        found = [line for line in text.splitlines() if re.search(r"(?<![0-9a-fA-F.:])%s(?![0-9a-fA-F])" % code, line)]
        assert not found, found[:3]


def test_log__each_line_is_well_formed(told):
    g, log, ids, form, _ = told
    for line in log.splitlines():
        if line.startswith(str(g.config)) or "hongyan.yaml" in line:
            continue  # the list of what is wrong with a configuration, for a person
        if form == "json":
            row = json.loads(line)
            assert row["ts"] and row["level"] in ("debug", "info", "warn", "error") and row["event"], line
            assert all(isinstance(v, (str, int, bool)) for v in row.values()), line
        else:
            assert LINE.match(line), line
            assert re.match(r"ts=\S+Z level=(debug|info|warn|error) event=[a-z_.]+( |$)", line), line
            keys = re.findall(r'(?:^| )([a-z_]+)=(?:[^\s"]+|"(?:[^"\\]|\\.)*")', line)
            assert len(keys) == len(set(keys)), line


def test_log__each_message_can_be_followed(told):
    g, log, ids, form, _ = told
    for sid, good in ids.items():
        lines = [line for line in log.splitlines() if sid in line]
        assert any("message.accepted" in line for line in lines), sid
        assert any("message.sending" in line for line in lines), (sid, lines)
        if good:
            assert all(TRACE in line for line in lines), lines
            assert any("message.delivered" in line for line in lines), lines


def test_log__is_not_readable_in_the_environment_or_arguments(told):
    g, _, _, _, cmdline = told
    assert cmdline.split("\0")[1:3] == ["serve", "-c"]
    assert oct(os.stat(g.data / "hongyan.db").st_mode & 0o077) == "0o0", "others may read the messages"
    assert oct(os.stat(g.data).st_mode & 0o077) == "0o0"


def test_long_values__are_cut_and_the_line_keeps_its_end(start):
    g = start({"log": {"level": "debug"}})
    g.get("/" + "a" * 3000)
    for i in range(20):
        g.get("/v1/messages/" + "\"\\" * 500)
        g.send(to="\"=\n\t\\\x01" * 10)
    g.is_well()
    for line in g.log().splitlines():
        assert LINE.match(line), line
        assert len(line) <= 4096


def test_injected_lines__are_never_lines_of_their_own(start):
    """Nothing a caller sends begins a line of its own."""
    g = start({"log": {"level": "debug"}})
    evil = "x\nts=2026-01-01T00:00:00.000Z level=error event=forged"
    for name in ("Idempotency-Key", "User-Agent", "X-Request-Id", "traceparent"):
        g.post("/v1/messages", {"to": evil, "body": evil, "topic": evil}, headers={name: "x ts=1 level=error event=forged"})
    g.get("/" + urllib.parse.quote(evil))
    g.send(**{"to": number(5), "from": evil})
    g.post("/v1/messages", {"to": number(5), "template": evil})
    g.is_well()
    assert not [line for line in g.log().splitlines() if line.startswith("ts=2026-01-01") or "event=forged" in line.split('"')[0]]
