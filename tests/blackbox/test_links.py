"""Short links: stored with their message in one transaction, opened by anybody, counted; as long as previews say."""
import concurrent.futures
import json
import re
import sqlite3

import pytest

from harness.gateway import call, until

BASE = "https://s.example.com"
LINK = re.compile(re.escape(BASE) + r"/l/([0-9A-Za-z]{10})(?![0-9A-Za-z])")
TARGET = "https://example.com/orders/7?from=sms&lang=zh"
SOURCE = "Order {{ order }}: {{ url | short_url }}"


@pytest.fixture
def linked(make_gateway):
    g = make_gateway(links={"base": BASE})
    g.headers = {"Authorization": "Bearer " + g.create_key(scopes="send,read,admin")["key"]}
    store(g, "order", SOURCE)
    return g


def store(g, name, source):
    a = g.post("/v1/templates", {"name": name, "languages": {"default": {"sms": source}}, "publish": True}, g.headers)
    assert a.status == 201, a


def send(g, url=TARGET, template="order", **more):
    """The message as it is shown, and the codes in its text."""
    a = g.post("/v1/messages", {"to": "+14155550123", "template": template, "vars": {"order": 7, "url": url}, **more}, g.headers)
    assert a.status == 202, a
    m = g.message(a.json["id"])
    return m, LINK.findall(m["body"])


def open_link(g, code, method="GET"):
    return call(g.port, method, "/l/" + code)


def clicks(g, m):
    return {l["code"]: l["clicks"] for l in g.message(m["id"])["links"]}


def rows(g, sql):
    db = sqlite3.connect("file:%s?mode=ro" % (g.data / "hongyan.db"), uri=True)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def test_a_link_in_a_text_leads_to_its_address(linked):
    m, codes = send(linked)
    assert len(codes) == 1 and m["body"] == "Order 7: %s/l/%s" % (BASE, codes[0])
    assert m["segments"] == 1 and m["encoding"] == "GSM-7"
    a = open_link(linked, codes[0])
    assert (a.status, a.headers["location"], a.headers["cache-control"]) == (302, TARGET, "no-store"), a.headers
    sent = until(lambda: linked.sim.of(m["body"]))
    assert len(sent) == 1, "what was counted is what the provider got"
    (link,) = m["links"]
    assert (link["code"], link["short_url"], link["url"]) == (codes[0], "%s/l/%s" % (BASE, codes[0]), TARGET)
    assert link["clicks"] == 0 and link["first_click_at"] is None and link["expires_at"] > link["created_at"]


def test_opening_counts_and_looking_ahead_does_not(linked):
    m, (code,) = send(linked)
    for _ in range(5):
        assert open_link(linked, code).status == 302
    assert open_link(linked, code, "HEAD").status == 302
    until(lambda: clicks(linked, m)[code] == 5)
    link = linked.message(m["id"])["links"][0]
    assert m["created_at"] <= link["first_click_at"] <= link["last_click_at"]
    until(lambda: "link_clicks_total 5\n" in linked.get("/metrics").body.decode())
    assert "\nlinks_total 1\n" in linked.get("/metrics").body.decode()


def test_clicks_on_both_fronts_are_all_counted(linked):
    links = [send(linked) for _ in range(20)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for a in pool.map(lambda i: open_link(linked, links[i % 20][1][0]), range(400)):
            assert a.status == 302
    until(lambda: all(clicks(linked, m)[codes[0]] == 20 for m, codes in links))


def test_an_orderly_stop_loses_no_click(linked):
    m, (code,) = send(linked)
    for _ in range(3):
        open_link(linked, code)
    assert linked.term() == 0
    assert rows(linked, "SELECT clicks FROM link") == [(3,)]


@pytest.mark.parametrize("code", ["0000000000", "short", "elevenchars", "x" * 3000, "..%2f..%2fetc", "a%0d%0abcdefg"])
def test_what_is_no_link_is_told_to_people(linked, code):
    a = open_link(linked, code)
    assert a.status == 404 and a.headers["content-type"].startswith("text/html"), a
    assert "链接无效" in a.body.decode()


def test_the_header_of_an_answer_is_one_line_of_ascii(linked):
    m, (code,) = send(linked, "https://example.com/中文?a=<b>\\{c}\"`|^")
    where = open_link(linked, code).headers["location"]
    assert where == "https://example.com/%E4%B8%AD%E6%96%87?a=%3Cb%3E%5C%7Bc%7D%22%60%7C%5E"
    assert m["links"][0]["url"] == "https://example.com/中文?a=<b>\\{c}\"`|^"


@pytest.mark.parametrize("url", ["https://example.com/\r\nSet-Cookie: a=b", "javascript:alert(1)", "//example.com", "https://a b", "",
                                 "https://example.com/" + "x" * 2048])
def test_what_cannot_be_opened_is_refused_when_sending(linked, url):
    a = linked.post("/v1/messages", {"to": "+14155550123", "template": "order", "vars": {"order": 7, "url": url}}, linked.headers)
    assert a.status == 422 and "short_url" in a.json["detail"], a
    assert rows(linked, "SELECT * FROM link") == []


def test_each_message_has_links_of_its_own_and_a_repeat_none(linked):
    (one, a), (two, b) = send(linked), send(linked)
    assert a != b and one["links"][0]["code"] == a[0] and two["links"][0]["code"] == b[0]
    headers = {**linked.headers, "Idempotency-Key": "k"}
    body = {"to": "+14155550123", "template": "order", "vars": {"order": 7, "url": TARGET}}
    first = linked.post("/v1/messages", body, headers)
    again = linked.post("/v1/messages", body, headers)
    assert first.status == again.status == 202 and first.json["id"] == again.json["id"], again
    assert rows(linked, "SELECT count(*) FROM link") == [(3,)]


def test_links_end_with_their_message(linked):
    m, (code,) = send(linked)
    linked.wait(m["id"], "delivered", "sent")
    linked.settle()
    a = call(linked.port, "DELETE", "/v1/messages/" + m["id"], headers=linked.headers)
    assert a.status == 204, a
    assert open_link(linked, code).status == 404


def test_a_redacted_text_keeps_its_links_for_who_has_it(linked):
    m, (code,) = send(linked)
    linked.settle()
    a = linked.post("/v1/messages/%s/redact" % m["id"], b"", linked.headers)
    assert a.status == 200 and a.json["body"] == "", a
    assert open_link(linked, code).status == 302


def test_a_preview_is_as_long_as_the_text_and_stores_nothing(linked):
    a = linked.post("/v1/templates/preview", {"template": "order", "vars": {"order": 7, "url": TARGET},
                                              "lengths": {"order": [1, 1, "ascii"], "url": [20, 2000, "ascii"]}}, linked.headers)
    assert a.status == 200, a
    assert a.json["text"] == "Order 7: %s/l/xxxxxxxxxx" % BASE
    assert (a.json["segments_least"], a.json["segments_most"], a.json["ucs2"]) == (1, 1, "no")
    assert rows(linked, "SELECT * FROM link") == []
    m, _ = send(linked)
    assert len(m["body"]) == len(a.json["text"]) and m["segments"] == a.json["segments"]
    assert open_link(linked, "x" * 10).status == 404


def test_render_shows_a_link_and_tells_its_length(linked):
    def render(*how):
        p = linked.run("render", "-c", str(linked.config), *how)
        assert p.returncode == 0, p.stderr
        return p.stdout.decode(), p.stderr.decode()

    stored, lengths = ("-t", "order", "--account", "default"), ("--lengths", '{"order": [1, 1, "ascii"], "url": [20, 2000, "ascii"]}')
    text, told = render(*stored, "--vars", '{"order": 7, "url": "%s"}' % TARGET, *lengths)
    assert text == "Order 7: %s/l/xxxxxxxxxx\n" % BASE and "to 1 segment(s)" in told
    want = {"variables": [{"name": "order", "required": True}, {"name": "url", "required": True}],
            "segments_least": 1, "segments_most": 1, "ucs2": "no"}
    assert json.loads(render(*stored, *lengths)[0]) == want
    (linked.folder / "draft.txt").write_text(SOURCE)
    assert json.loads(render("-f", "draft.txt", *lengths)[0]) == want
    assert rows(linked, "SELECT * FROM link") == []


def test_without_a_base_addresses_stay_as_they_are(linked):
    m, (code,) = send(linked)
    linked.term()
    linked.write(links={})
    linked.start()
    plain, codes = send(linked)
    assert plain["body"] == "Order 7: " + TARGET and codes == [] and plain["links"] == []
    assert open_link(linked, code).status == 302, "what was sent goes on leading somewhere"
    assert linked.message(m["id"])["links"][0]["short_url"] is None


def test_kill__a_text_that_was_accepted_has_its_links_and_no_link_is_without_its_text(linked):
    accepted = {}

    def post(i):
        try:
            a = linked.post("/v1/messages", {"to": "+1415555%04d" % (i % 10000), "template": "order",
                                             "vars": {"order": i, "url": "https://example.com/%d" % i}}, linked.headers)
        except OSError:
            return
        if a.status == 202:
            accepted[a.json["id"]] = i

    for round_ in range(4):
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            work = [pool.submit(post, round_ * 1000 + i) for i in range(300)]
            before = len(accepted)
            until(lambda: len(accepted) > before + 60 or all(w.done() for w in work), step=0.001)
            linked.kill9()
        linked.start()
    assert len(accepted) > 200
    stored = {m["id"]: m for m in linked.all()}
    for sid, i in accepted.items():
        (code,) = LINK.findall(stored[sid]["body"])
        a = open_link(linked, code)
        assert (a.status, a.headers["location"]) == (302, "https://example.com/%d" % i)
    assert rows(linked, "SELECT count(*) FROM link") == [(len(stored),)]
    assert rows(linked, "SELECT count(*) FROM link WHERE message_id NOT IN (SELECT id FROM message)") == [(0,)]


def test_kill__clicks_of_the_last_second_may_be_lost_and_no_more(linked):
    m, (code,) = send(linked)
    for _ in range(7):
        open_link(linked, code)
    until(lambda: clicks(linked, m)[code] == 7)
    open_link(linked, code)
    linked.kill9()
    linked.start()
    assert clicks(linked, m)[code] in (7, 8)
