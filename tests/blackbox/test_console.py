"""The console as a person meets it, in a real Chromium; what it shows is held against what the API says."""
import http.client
import http.server
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time

import pytest

from harness.browser import Browser
from harness.gateway import Gateway, after, call, until

pytestmark = pytest.mark.xdist_group("console")
SRC = pathlib.Path(__file__).parents[2] / "src"
LI = "+8613800138000"


@pytest.fixture(scope="module")
def chromium():
    """made(language): one browser a language; pages of several gateways do not share what they keep."""
    folder, open_ones = tempfile.mkdtemp(), {}

    def made(language="en"):
        if language not in open_ones:
            open_ones[language] = Browser("%s/%s" % (folder, language), language)
        return open_ones[language]
    yield made
    for b in open_ones.values():
        b.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def signed_in(chromium):
    """signed_in(gateway, page, language, scopes): a browser inside the console, with a key of its own."""
    def made(g, at="messages", language="en", scopes="send,read,admin"):
        b = chromium(language)
        b.key = g.create_key(scopes=scopes)["key"]
        b.complaints()
        b.open(g.url + "/console#/" + at)
        if b.driver.execute_script("const had = sessionStorage.length; sessionStorage.clear(); return had"):
            b.driver.refresh()
        b.fill({"en": "API key", "zh-CN": "API 密钥"}[language], b.key)
        b.click("button.main")
        b.until(lambda: b.all("header nav a"), "not inside")
        return b
    yield made


def visit(b, g, at):
    b.open(g.url + "/console#/" + at)


class Proxy:
    """In front of a gateway, which it shows under /sms/; it counts what is asked, takes its time, or has words of its own."""

    def __init__(self, g):
        self.asked, self.delay_s, self.instead = [], 0, None  # instead: (status, type, body)
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                assert self.path.startswith("/sms/"), self.path
                path = self.path.removeprefix("/sms")
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if path.startswith("/v1/"):
                    proxy.asked.append(path)
                    time.sleep(proxy.delay_s)
                if proxy.instead and path.startswith("/v1/"):
                    status, kind, said = proxy.instead
                    headers = [("Content-Type", kind)]
                else:
                    c = http.client.HTTPConnection("127.0.0.1", g.port, timeout=60)
                    try:
                        c.request(self.command, path, body or None, dict(self.headers))
                        a = c.getresponse()
                        status, headers, said = a.status, a.getheaders(), a.read()
                    except OSError:
                        status, headers, said = 502, [("Content-Type", "text/html")], b"<h1>Bad Gateway</h1>"
                    finally:
                        c.close()
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                        self.send_header(name, value)
                if status not in (204, 304):
                    self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_POST = do_PUT = do_DELETE = do_GET

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d/sms" % self.server.server_address[1]
        self.create_key = g.create_key
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def behind_proxy():
    """behind_proxy(gateway): a proxy."""
    proxies = []

    def made(g):
        proxies.append(Proxy(g))
        return proxies[-1]
    yield made
    for p in proxies:
        p.close()


@pytest.fixture
def hurried(chromium):
    """The English browser, whose pages look again ten times as often."""
    b = chromium()
    script = b.hurry(10)
    yield b
    b.unhurry(script)


# ---- words ----

@pytest.fixture(scope="module")
def words():
    """The console's own tables, read as the module that they are."""
    script = ("globalThis.localStorage = { getItem: () => null }; Object.defineProperty(globalThis, 'navigator', { value: { language: 'en' } });"
              "const { tables } = await import(process.argv[1]); console.log(JSON.stringify(tables))")
    with tempfile.TemporaryDirectory() as folder:
        module = shutil.copy(SRC / "console/pages/words.js", folder + "/words.mjs")
        p = subprocess.run(["node", "--input-type=module", "-e", script, module], capture_output=True, text=True, timeout=60)
    assert p.returncode == 0, p.stderr
    return json.loads(p.stdout)


def test_words__of_the_api_are_said_in_both_languages(make_gateway, words):
    schemas = make_gateway().get("/openapi.json").json["components"]["schemas"]
    groups = {"status": ("Message", "status"), "direction": ("Message", "direction"), "priority": ("Message", "priority"),
              "channel": ("Message", "channel"), "outcome": ("Attempt", "outcome"), "hint": ("Attempt", "lane_hint"),
              "kind": ("Suppression", "kind"), "source": ("Suppression", "source"), "act": ("Consent", "act"),
              "mood": ("Reply", "mood"), "action": ("Reply", "action"), "explain": ("Explanation", "outcome")}
    for group, (schema, field) in groups.items():
        said = json.dumps(schemas[schema]["properties"][field])
        values = [v for v in json.loads(re.search(r'"enum": (\[.*?\])', said).group(1)) if v]
        assert len(values) > 1
        for language in words:
            missing = [v for v in values if "%s.%s" % (group, v) not in words[language]]
            assert not missing, (language, group, missing)
    state = (SRC / "model/state.c").read_text()
    reasons = [r for r in re.findall(r'\[REASON_\w+\]\s*=\s*{"(\w+)"', state) if r != "none"]
    assert len(reasons) > 40 and not [r for r in reasons if "reason." + r not in words["zh"]]
    waits = re.search(r'"waiting_for", FIELD_TEXT,(.*?)\},', (SRC / "api/native_shape.c").read_text(), re.S).group(1)
    waits = re.findall(r"\b(send_at|quiet_hours|frequency_cap|spend_ceiling|fraud_hold|lane|route|retry|provider|reconciliation|receipt)\b", waits)
    assert set(waits) <= {k.split(".")[1] for k in words["en"] if k.startswith("waiting.")}


def test_words__every_key_is_in_both_languages_and_used(words):
    en, zh = words["en"], words["zh"]
    assert set(en) == {k for k in zh if not k.startswith("reason.")}
    assert {k: sorted(re.findall(r"{\w+}", v)) for k, v in en.items()} == {k: sorted(re.findall(r"{\w+}", zh[k])) for k in en}
    pages = "".join(p.read_text() for p in (SRC / "console/pages").glob("*.js") if p.name != "words.js")
    asked = set(re.findall(r"\bt\('([\w.]+)'", pages)) - {"nav."}
    assert asked <= set(en), asked - set(en)
    groups = {"nav", "status", "direction", "priority", "channel", "outcome", "hint", "kind", "source", "act", "mood", "action", "breaker",
              "waiting", "expected", "explain"}
    assert not {k for k in en if k not in asked and k.split(".")[0] not in groups}, "nobody says these"


# ---- files ----

def test_files__are_the_programs_own_and_cannot_be_framed_or_fed(make_gateway):
    g = make_gateway()
    page = g.get("/console", headers={})
    assert page.status == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert page.headers["x-content-type-options"] == "nosniff" and page.headers["referrer-policy"] == "no-referrer"
    names = re.findall(r'(?:src|href)="console/([^"]+)"', page.body.decode())
    assert names, page
    seen = set()
    while names:
        name = names.pop()
        if name in seen:
            continue
        seen.add(name)
        a = g.get("/console/" + name, headers={})
        assert a.status == 200 and a.headers["etag"] and a.headers["cache-control"] == "no-cache", (name, a)
        again = g.get("/console/" + name, headers={"If-None-Match": a.headers["etag"]})
        assert again.status == 304 and again.body == b"", (name, again)
        assert g.get("/console/" + name, headers={"If-None-Match": '"another"'}).status == 200
        if name.endswith(".js"):
            assert a.headers["content-type"] == "text/javascript; charset=utf-8"
            names += re.findall(r"""\bfrom\s*["']\./([\w.]+)["']""", a.body.decode())
    assert {"main.js", "preact.js", "hooks.js", "htm.js", "console.css"} <= seen
    licences = g.get("/console/licences.txt", headers={}).body.decode()
    assert "The MIT License" in licences and "Apache License" in licences
    assert call(g.port, "HEAD", "/console", None, {}).status == 200
    for wrong in ("/console/none.js", "/console/..%2findex.html", "/console/index.html%00", "/console/main.js/x"):
        assert g.get(wrong, headers={}).status in (400, 404), wrong
    moved = g.get("/console/", headers={})
    assert moved.status == 308 and moved.headers["location"] == "../console"
    assert call(g.port, "POST", "/console", b"", {}).status == 405
    assert b'href="console"' in g.get("/", headers={}).body


# ---- signing in ----

def test_sign_in__a_wrong_key_is_told_and_the_right_one_stays_in_the_tab(make_gateway, chromium):
    g, b = make_gateway(), chromium()
    b.open(g.url + "/console")
    b.says("Sign in", "API key")
    b.fill("API key", "SK0123456789abcdef0123456789abcdef.nonsense")
    b.click("button.main")
    b.says("does not know this key")
    assert not b.all("nav a")
    key = g.create_key(scopes="read")["key"]
    b.fill("API key", key)
    b.click("button.main")
    b.says("Messages", "Nothing here.", "default")
    assert key not in b.driver.current_url and key not in b.driver.page_source
    kept = b.driver.execute_script("return [JSON.stringify(localStorage), document.cookie]")
    assert key not in "".join(kept)
    b.driver.refresh()
    b.says("Nothing here.")
    b.click("button", "Sign out")
    b.says("API key")
    assert key not in b.driver.execute_script("return JSON.stringify(sessionStorage)")
    b.driver.refresh()
    b.says("API key")


def test_sign_in__a_key_that_is_revoked_meanwhile_leads_out(make_gateway, signed_in, hurried):
    g = make_gateway()
    b = signed_in(g)
    b.says("Nothing here.")
    assert g.run("key", "revoke", "-c", str(g.config), b.key.split(".")[0]).returncode == 0
    b.says("does not know this key")
    assert not b.all("nav a") and b.driver.execute_script("return sessionStorage.length") == 0
    b.fill("API key", g.create_key(scopes="read")["key"])  # and it is the new key's rights that count
    b.click("button.main")
    b.says("Nothing here.")
    visit(b, g, "lanes")
    b.says("keys of the scope “admin”")


def test_sign_in__a_key_is_taken_without_what_came_with_it_and_never_sent_where_no_header_takes_it(make_gateway, chromium):
    g, b = make_gateway(), chromium()
    key = g.create_key(scopes="read")["key"]
    b.open(g.url + "/console")
    b.fill("API key", "密钥" + key)
    b.click("button.main")
    b.says("does not know this key")
    b.fill("API key", " %s %s  " % (key[:20], key[20:]))
    b.click("button.main")
    b.says("Nothing here.")


def test_sign_in__a_gateway_that_is_away_is_waited_for(make_gateway, chromium, hurried):
    g, b = make_gateway(), chromium()
    key = g.create_key(scopes="read")["key"]
    b.open(g.url + "/console")
    b.says("API key")
    g.kill9()
    b.fill("API key", key)
    b.click("button.main")
    b.says("The gateway does not answer.", "Sign out")
    g.start()
    b.says("Nothing here.", "default")


def test_language__is_the_browsers_until_another_is_chosen(make_gateway, chromium, signed_in):
    g = make_gateway()
    b = chromium("zh-CN")
    b.open(g.url + "/console")
    b.says("登录", "API 密钥")
    assert b.driver.execute_script("return document.documentElement.lang") == "zh-CN"
    b.click("button.language")
    b.says("Sign in")
    b.driver.refresh()
    b.says("Sign in")
    b.click("button.language")
    b.says("登录")
    b = signed_in(g)
    b.says("Messages", "Nothing here.")
    b.click("button.language")
    b.says("消息", "暂无内容。")
    b.click("button.language")


# ---- messages ----

def test_message__its_class_is_shown_in_both_languages(make_gateway, signed_in):
    answers = {"sent": None, "rejected": {"status": 400, "code": 21211}, "retry": {"status": 429, "code": 20429, "retry_after_s": 60},
               "unknown": {"status": 500, "code": 20500}, "account": {"status": 401, "code": 20003}}
    hints = {"sent": "fine", "rejected": "fine", "retry": "slow_down", "unknown": "down", "account": "broken"}
    outcomes = {**{name: name for name in answers}, "account": "retry"}
    sims = {name: make_gateway.simulator(profile={"errors": [{"share": 1, **answer}]} if answer else {"receipts": {"none": 1}}) for name, answer in answers.items()}
    g = make_gateway.gateway(lanes=[Gateway.lane("lane-" + name, sim.url, lookup_after_ms=600000) for name, sim in sims.items()],
                             routes=[{"name": "route-" + name, "topic": [name], "lanes": ["lane-" + name]} for name in sims],
                             retry={"first_ms": 60000, "max_ms": 60000}).start()
    sids = {name: g.create("+1415555%04d" % i, body="text of " + name, topic=name) for i, name in enumerate(answers)}
    for name, sid in sids.items():
        until(lambda: g.attempts(sid) and g.attempts(sid)[0]["ended_at"], 30, told=name)
    pages = {"en": {"sent": "sent: the provider has it", "rejected": "rejected: never again", "retry": "retry: surely not taken",
                    "unknown": "unknown: the provider may have it", "fine": "fine", "slow_down": "slow down", "down": "down",
                    "broken": "broken: a person must mend it"},
             "zh-CN": {"sent": "已受理：服务商已接收", "rejected": "拒绝：不再尝试", "retry": "可重试：服务商肯定未接收", "unknown": "未知：服务商可能已接收",
                       "fine": "正常", "slow_down": "减速", "down": "不可用", "broken": "须人工修复"}}
    for language, word in pages.items():
        b = signed_in(g, language=language)
        b.until(lambda: len(b.rows()) == len(answers), "not all messages")
        for name, sid in sids.items():
            visit(b, g, "messages/" + sid)
            b.says("text of " + name)
            a = g.attempts(sid)[0]
            attempts, events = b.until(lambda: len(b.all("main table")) == 2 and b.all("main table"), "two tables")
            cells = attempts.find_elements("css selector", "tbody tr:first-child td")
            told = [c.text for c in cells]
            assert "lane-" + name in told and word[outcomes[name]] in told and word[hints[name]] in told, (language, name, told)
            titles = [e.get_attribute("title") for e in attempts.find_elements("css selector", ".badge")]
            assert titles[:2] == [a["outcome"], a["lane_hint"]], titles
            assert not a["code"] or any(str(a["code"]) in t for t in told), told
            assert word[outcomes[name]] in events.text and word[hints[name]] in events.text, events.text
        assert b.complaints() == []


def test_message__that_waits_says_for_what_and_can_be_cancelled(make_gateway, signed_in):
    g = make_gateway()
    sid = g.create(LI, "later", send_at=after(3600))
    b = signed_in(g, "messages/" + sid)
    b.says("scheduled", "its time", "decided")
    b.click("button", "Cancel it")
    assert "will not be sent" in b.accept()
    b.says("canceled")
    assert g.message(sid)["status"] == "canceled"
    assert not [e for e in b.all("button") if e.text == "Cancel it"]


def test_messages__are_found_by_number_and_state_and_turned_page_by_page(make_gateway, signed_in):
    g = make_gateway()
    for i in range(70):
        g.create("+1415555%04d" % i, "text %d" % i)
    g.wait(g.create("+15005550002", "refused"), "failed")
    g.settle()
    b = signed_in(g)
    b.until(lambda: len(b.rows()) == 50, "fifty")
    b.click("button", "Older")
    b.until(lambda: len(b.rows()) == 21, "the others")
    b.click("button", "Newest")
    b.until(lambda: len(b.rows()) == 50, "fifty")
    b.choose("Status", "failed")
    b.click("button.main", "Show")
    assert b.until(lambda: len(b.rows()) == 1 and b.rows(), "the one that failed")[0][2] == "+15005550002"
    b.choose("Status", "all")
    b.fill("To", "+14155550007")
    b.click("button.main", "Show")
    b.until(lambda: [r[3] for r in b.rows()] == ["text 7"], "the one to that number")
    b.click("main table a")
    b.says("Attempts", "+14155550007", "text 7")
    b.driver.back()
    b.until(lambda: [r[3] for r in b.rows()] == ["text 7"], "back at the list")
    b.open(g.url + "/console#/messages?status=nonsense")
    assert b.find(".notice.bad").text.startswith("Status: ")


def test_messages__new_ones_appear_by_themselves_and_a_gateway_that_is_away_is_told(make_gateway, signed_in, hurried):
    g = make_gateway()
    b = signed_in(g)
    b.says("Nothing here.")
    g.create(LI, "fresh")
    b.says("fresh")
    g.kill9()
    b.says("The gateway does not answer.", "fresh")
    g.start()
    b.until(lambda: "does not answer" not in b.text() and "fresh" in b.text(), "back")


def test_texts__are_shown_and_never_run(make_gateway, signed_in):
    g = make_gateway()
    evil = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>{{7*7}}${7*7}"
    sid = g.create(LI, evil)
    g.wait(sid, "delivered")
    g.sim.reply(LI, "+15005550006", evil)
    until(lambda: g.get("/v1/replies").json["data"], 20)
    call(g.port, "PUT", "/v1/suppressions/%2B14155550123", json.dumps({"note": evil}), {**g.bearer, "Content-Type": "application/json"})
    b = signed_in(g)
    for at in ("messages", "messages/" + sid, "replies", "numbers", "numbers/%2B14155550123"):
        visit(b, g, at)
        b.says("<script>document.title='owned'</script>{{7*7}}${7*7}")
        assert "owned" not in b.driver.title
    visit(b, g, "send?to=" + "%22%3E%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    b.until(lambda: b.all("input")[0].get_attribute("value").startswith('">'), "the field")
    assert b.driver.title == "Send · Hongyan 鸿雁" and b.complaints() == []


def test_frame__of_another_page_stays_empty(make_gateway, chromium):
    g, b = make_gateway(), chromium()
    b.open("data:text/html,<iframe src='%s/console'></iframe>" % g.url)
    b.driver.switch_to.frame(b.find("iframe"))
    try:
        b.until(lambda: b.driver.execute_script("return location.href").startswith("chrome-error:"), "the frame is shown")
        assert "API key" not in b.text()
    finally:
        b.driver.switch_to.default_content()


def test_address__that_is_broken_or_leads_elsewhere_does_no_harm(make_gateway, signed_in):
    g = make_gateway()
    b = signed_in(g)
    b.says("Nothing here.")
    for at, said in (("numbers/%zz", "consents of %zz"), ("messages/..", "Nothing here."), ("messages/%2e%2e", "Nothing here."),
                     ("numbers/../..", "Look up"), ("messages/..%2f..", "this is no message id"), ("messages/__proto__", "this is no message id"),
                     ("constructor", "Nothing here.")):
        b.open("about:blank")
        visit(b, g, at)
        b.says(said)
    assert not [c for c in b.complaints() if "Failed to load" not in c]


# ---- behind a proxy ----

def test_proxy__a_path_of_its_own_is_all_the_console_needs(make_gateway, signed_in, behind_proxy):
    g = make_gateway()
    sid = g.create(LI, "under a path")
    p = behind_proxy(g)
    b = signed_in(p)
    b.says("under a path")
    b.click("main table a")
    b.says("Attempts")
    assert b.driver.current_url == p.url + "/console#/messages/" + sid
    b.open(p.url + "/console/")
    b.says("under a path")
    assert b.driver.current_url == p.url + "/console"
    assert b.complaints() == []
    b.click("footer a", "openapi.json")
    b.says('"openapi"')


def test_proxy__whose_gateway_is_away_or_another_program_is_told(make_gateway, signed_in, behind_proxy, hurried):
    p = behind_proxy(make_gateway())
    b = signed_in(p)
    b.says("Nothing here.")
    p.instead = (502, "text/html", b"<h1>Bad Gateway</h1>")
    b.says("The gateway does not answer.", "Nothing here.")
    p.instead = (200, "text/html", b"<h1>Welcome</h1>")
    visit(b, p, "replies")
    b.says("The gateway does not answer.")
    p.instead = (200, "application/json", b'{"data": {"of": "another"}}')
    visit(b, p, "messages")
    b.says("cannot be shown", "Sign out")
    p.instead = None
    visit(b, p, "numbers")
    b.says("Look up", "Nothing here.")
    b.driver.refresh()
    b.says("Nothing here.", "default")


def test_poll__slow_answers_are_shown_all_the_same(make_gateway, signed_in, behind_proxy, hurried):
    g = make_gateway()
    p = behind_proxy(g)
    signed_in(p).says("Nothing here.")
    p.delay_s = 1  # twice as long as until the next look
    g.create(LI, "slow and sure")
    hurried.says("slow and sure")


def test_poll__ends_with_the_message_and_rests_while_nobody_looks(make_gateway, signed_in, behind_proxy, hurried):
    g, b = make_gateway(), hurried
    sid = g.create(LI, "soon done", send_at=after(3))
    p = behind_proxy(g)
    signed_in(p, "messages/" + sid)
    b.says("scheduled", "soon done")
    b.says("delivered", "What happened")

    def looked(path):
        return sum(path in asked for asked in p.asked)
    before, alarms = looked(sid), looked("lanes")
    until(lambda: looked("lanes") >= alarms + 3, 30)  # three seconds, in which an open message is asked for ten times
    assert looked(sid) <= before + 3  # a last look may have been under way
    first = b.driver.current_window_handle
    b.driver.switch_to.new_window("tab")
    time.sleep(1.5)
    before = len(p.asked)
    time.sleep(2.5)
    assert len(p.asked) == before
    b.driver.close()
    b.driver.switch_to.window(first)
    until(lambda: len(p.asked) > before, 30)


# ---- everybody's hands, eyes and screens ----

def test_screen__a_telephones_holds_every_page_and_every_field_has_a_name(make_gateway, signed_in):
    g = make_gateway(lane={"quota": {"day": 10}})
    sid = g.create("+15005550002", "refused " + "w" * 300)
    g.wait(sid, "failed")
    g.wait(g.create(LI, "hello"), "delivered")
    for said in ("w" * 300, "STOP"):
        g.sim.reply(LI, "+15005550006", said)
    until(lambda: len(g.get("/v1/replies").json["data"]) == 2, 20)
    b = signed_in(g)
    b.narrow()
    try:
        for at, said in (("messages", "refused"), ("messages/" + sid, "What happened"), ("send", "What would happen?"), ("replies", "wwww"),
                         ("numbers", "Look up"), ("numbers/" + LI, "withdrawn"), ("numbers/" + "9" * 200, "999"), ("lanes", "of 10 · today")):
            visit(b, g, at)
            b.says(said)
            assert b.driver.execute_script("""
                return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth).map(e => e.outerHTML)""") == [], at
            assert b.driver.execute_script("return [...document.querySelectorAll('input, select, textarea, meter')]"
                                           ".filter(e => !e.labels?.length && !e.ariaLabel).map(e => e.outerHTML)") == [], at
    finally:
        b.narrow(0)


def test_keyboard__keeps_its_place(make_gateway, signed_in, hurried):
    g = make_gateway()
    sid = g.create(LI, "the first")
    b = signed_in(g, "replies")
    b.choose("Mood", "negative")
    b.until(lambda: b.driver.current_url.endswith("?mood=negative"), "the address")
    assert b.driver.execute_script("return document.activeElement.value") == "negative"
    visit(b, g, "messages")
    b.driver.execute_script("arguments[0].focus()", b.find("main table a"))
    g.create(LI, "above it")
    b.until(lambda: len(b.rows()) == 2, "both")
    assert b.driver.execute_script("return document.activeElement.hash") == "#/messages/" + sid


# ---- sending ----

def test_send__says_first_what_would_happen_and_sends_once(make_gateway, signed_in):
    g = make_gateway(profile={"receipts": {"none": 1}})
    b = signed_in(g, "send")
    b.fill("To", LI)
    b.fill("Text", "您的餐位已准备好。")
    b.click("button", "What would happen?")
    b.says("It would be sent.")
    assert g.sim.times() == {} and list(g.all()) == []
    b.driver.execute_script("const f = document.querySelector('form'); f.requestSubmit(); f.requestSubmit(); f.requestSubmit()")
    b.says("Attempts", "您的餐位已准备好。")
    g.settle()
    assert g.sim.times() == {"您的餐位已准备好。": 1}
    assert len(list(g.all())) == 1
    visit(b, g, "send")
    b.fill("To", "12")
    b.fill("Text", "x")
    b.click("button.main", "Send")
    assert b.find(".notice.bad").text.startswith("To: ")
    b.fill("To", LI)
    b.click("button", "What would happen?")
    b.says("It would be sent.")
    assert not b.all(".notice.bad")
    b.fill("To", "+15005550009")
    assert "It would be sent." not in b.text()


def test_send__a_key_that_may_not_is_told_what_it_lacks(make_gateway, signed_in):
    g = make_gateway()
    b = signed_in(g, "send", scopes="read")
    b.fill("To", LI)
    b.fill("Text", "x")
    b.click("button.main", "Send")
    b.says("it needs the scope “send”")
    visit(b, g, "lanes")
    b.says("keys of the scope “admin”")
    b = signed_in(g, "send", scopes="send")
    b.fill("To", LI)
    b.fill("Text", "unseen")
    b.click("button.main", "Send")
    sid = b.until(lambda: re.search(r"It is taken: (SM[0-9a-f]{32})", b.text()), "what became of it").group(1)
    assert g.message(sid)["body"] == "unseen"


# ---- opt-outs ----

def test_opt_out__by_the_console_stops_what_is_queued_and_keeps_its_proof(make_gateway, signed_in):
    g = make_gateway()
    queued = g.create(LI, "later", send_at=after(6))
    b = signed_in(g, "numbers")
    b.fill("Number or address", LI)
    b.click("button.main", "Look up")
    b.says("Nothing stands against writing to it.", "Nothing was said yet.")
    b.fill("Proof", "by telephone, Mrs Li")
    b.click("button.main", "Put on the list")
    b.says("It is on the list: opt-out, every topic.", "by telephone, Mrs Li", "opt-out", "console", "withdrawn")
    row = g.get("/v1/suppressions/" + LI.replace("+", "%2B")).json["data"]
    assert [(r["kind"], r["source"], r["note"], r["topic"]) for r in row] == [("opt_out", "console", "by telephone, Mrs Li", None)]
    assert row[0]["by"] == b.key.split(".")[0]
    said = g.get("/v1/consents/" + LI.replace("+", "%2B")).json["data"]
    assert [(c["act"], c["source"], c["note"], c["by"]) for c in said] == [("withdrawn", "console", "by telephone, Mrs Li", b.key.split(".")[0])]
    assert g.wait(queued, "suppressed", timeout=30)["reason"] == "opted_out"
    assert g.sim.times() == {}
    # Off the list again: whoever does it stands in the history, too.
    b.click("button", "Take off")
    assert LI in b.accept()
    b.says("Nothing stands against writing to it.", "taken off the list")
    assert "It is on the list" not in b.text()
    said = g.get("/v1/consents/" + LI.replace("+", "%2B")).json["data"]
    assert (said[0]["act"], said[0]["source"], said[0]["by"]) == ("released", "console", b.key.split(".")[0])
    g.wait(g.create(LI, "welcome back"), "delivered")
    assert b.complaints() == []


def test_opt_out__one_topic_is_taken_off_and_the_others_stay(make_gateway, signed_in):
    g = make_gateway()
    b = signed_in(g, "numbers/" + LI)
    for topic in ("", "news", "offers"):
        b.fill("Topic", topic)
        b.click("button.main", "Put on the list")
        b.until(lambda: any(r[0] == "opt-out" and r[1] == (topic or "every topic") for r in b.rows()), "no row of %r" % topic)
    first = b.all("main table")[0]

    def release(topic):
        row = next(r for r in b.all("main table")[0].find_elements("css selector", "tbody tr") if topic in r.text)
        row.find_element("css selector", "button").click()
        assert topic in b.accept()

    def left():
        return sorted(r["topic"] or "" for r in g.get("/v1/suppressions/" + LI.replace("+", "%2B")).json["data"])
    assert first and left() == ["", "news", "offers"]
    release("every topic")
    until(lambda: left() == ["news", "offers"], 20, told=left)
    b.until(lambda: len(b.all("main table")[0].find_elements("css selector", "tbody tr")) == 2, "two rows")
    release("news")
    until(lambda: left() == ["offers"], 20, told=left)


def test_opt_out__blocks_need_a_key_that_may(make_gateway, signed_in):
    g = make_gateway()
    b = signed_in(g, "numbers/" + LI, scopes="send,read")
    b.choose("Kind", "block")
    b.click("button.main", "Put on the list")
    b.says("it needs the scope “admin”")
    assert g.get("/v1/suppressions/" + LI.replace("+", "%2B")).json["data"] == []


def test_opt_outs__are_listed_with_where_they_come_from(make_gateway, signed_in):
    g = make_gateway()
    g.wait(g.create("+15005550009", "to a landline"), "failed")
    g.wait(g.create(LI, "hello"), "delivered")
    g.sim.reply(LI, "+15005550006", "退订")
    until(lambda: g.get("/v1/suppressions/" + LI.replace("+", "%2B")).json["data"], 20)
    b = signed_in(g, "numbers", language="zh-CN")
    rows = b.until(lambda: len(b.rows()) == 2 and b.rows(), "two rows")
    assert sorted((r[0], r[1], r[3]) for r in rows) == [("+15005550009", "无效号码", "服务商"), (LI, "退订", "回复")]
    b.choose("类型", "退订")
    b.until(lambda: [r[0] for r in b.rows()] == [LI], "opt-outs alone")
    b.click("main table a")
    b.says(LI + " 的退订与同意", "撤回同意")
    b.fill("凭证", "电话，李女士")
    b.click("button.main", "登记")
    b.says("已列入名单：退订，所有主题。", "备注", "电话，李女士")
    assert "note" not in b.text()
    b.click("main a", "发给它的消息")
    b.until(lambda: [r[2:5] for r in b.rows()] == [[LI, "hello", "已送达"]], "the one that was for it")
    visit(b, g, "numbers/1380013800")
    b.says("“号码或地址”填写有误")


# ---- replies ----

def test_replies__are_read_marked_and_answered(make_gateway, signed_in):
    g = make_gateway()
    first = g.create(LI, "您的订单已发货。")
    g.wait(first, "delivered")
    g.sim.reply(LI, "+15005550006", "太差了，再也不来了，气死我了")
    g.sim.reply(LI, "+15005550006", "谢谢，很好")
    until(lambda: len(g.get("/v1/replies").json["data"]) == 2, 20)
    b = signed_in(g, "replies")
    b.says("太差了", "谢谢", "negative", "positive")
    assert len(b.all("tr.unread")) == 2
    b.choose("Mood", "negative")
    b.until(lambda: len(b.rows()) == 1, "the angry one")
    b.click("button", "Mark as read")
    b.until(lambda: not b.all("tr.unread"), "read")
    assert [r["mood"] for r in g.get("/v1/replies?unread=true").json["data"]] == ["positive"]
    b.click("a", "Answer")
    b.until(lambda: b.all("input")[0].get_attribute("value") == LI, "to whom")
    b.fill("Text", "非常抱歉，我们马上处理。")
    b.click("button.main", "Send")
    b.says("Attempts")
    until(lambda: g.sim.of("非常抱歉，我们马上处理。"), 20)
    assert g.sim.of("非常抱歉，我们马上处理。")[0]["from"] == "+15005550006"
    visit(b, g, "messages?status=received")
    b.says("From " + LI)
    b = signed_in(g, "replies", scopes="read")
    b.click("button", "Mark as read")
    b.says("it needs the scope “send”")


# ---- lanes ----

def noon():
    """A time zone in which it is about noon: no day ends during a test."""
    return "Etc/GMT%+d" % (time.gmtime().tm_hour - 12)


def test_lanes__a_quota_that_is_nearly_used_is_told_on_every_page(make_gateway, signed_in):
    g = make_gateway(lane={"quota": {"day": 10, "month": 1000}, "rates": ["100/s"], "time_zone": noon(),
                           "warm_up": {"start": time.strftime("%Y-%m-%d", time.gmtime()), "first": 50, "target": 1000}})
    for i in range(7):
        g.wait(g.create("+1415555%04d" % i, "text %d" % i), "delivered")
    b = signed_in(g, "lanes")
    b.says("7 of 10 · today", "7 of 1000 · this month", "closed: calls go", "7 taken, 0 failed", "7 of 50 · warm-up, day 1", "· 100/s")
    assert not b.all(".notice")
    g.wait(g.create("+14155550099", "one more"), "delivered")
    b.says("8 of 10 · today")  # by itself
    b.driver.refresh()
    b.says("8 of 10 · today", "sim: 8 of 10 used today.")
    visit(b, g, "numbers")
    b.says("sim: 8 of 10 used today.", "Look up")
    b = signed_in(g, "lanes", language="zh-CN")
    b.says("8 / 10 · 今日", "sim：今日已用 8 / 10。")


def test_lanes__a_provider_that_fails_is_told(make_gateway, signed_in):
    g = make_gateway(profile={"errors": [{"share": 1, "status": 401, "code": 20003}]})
    g.create(LI, "x")
    b = signed_in(g, "lanes")
    b.says("broken: mend the settings or the account, then reload", "sim: broken")
    visit(b, g, "send")
    b.says("sim: broken")
