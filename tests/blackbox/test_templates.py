"""Stored templates: their life over HTTP, what messages get of them, who sees them."""
import json
import urllib.parse

import pytest

from harness.clients import Clients
from harness.gateway import until

READY = {"default": {"sms": "{{ name }}, order {{ order }} is ready."},
         "zh": {"sms": "{{ name }},您的订单 {{ order }} 已完成。", "email": {"subject": "完成", "html": "<b>{{ order }}</b>"}}}
VARS = {"name": "Li", "order": 7}


class Account:
    """A caller with a key of its own."""

    def __init__(self, gateway, name="default", scopes="send,read,admin"):
        self.gateway = gateway
        self.headers = {"Authorization": "Bearer " + gateway.create_key(name, scopes)["key"]}

    def get(self, path):
        return self.gateway.get(path, headers=self.headers)

    def post(self, path, body=b""):
        return self.gateway.post(path, body, self.headers)

    def delete(self, path):
        from harness.gateway import call
        return call(self.gateway.port, "DELETE", path, headers=self.headers)

    def write(self, name, languages=None, **more):
        """A version that must be taken; its answer."""
        a = self.post("/v1/templates", {"name": name, "languages": languages or READY, **more})
        assert a.status in (200, 201), a
        return a.json

    def text(self, template, to="+14155550123", **more):
        """What a message of that template says, and the message."""
        a = self.post("/v1/messages", {"to": to, "template": template, "vars": VARS, **more})
        assert a.status == 202, a
        m = self.get("/v1/messages/" + a.json["id"])
        assert m.status == 200, m
        return m.json["body"], m.json


@pytest.fixture
def admin(gateway):
    return Account(gateway)


def at(name, *rest):
    return "/".join(["/v1/templates", urllib.parse.quote(name, safe=""), *map(str, rest)])


def problem(a, status, field=None, says=None):
    assert a.status == status, a
    assert a.headers["content-type"] == "application/problem+json", a.headers
    assert field is None or a.json.get("field") == field, a
    assert says is None or says in a.json["detail"], a
    return a.json


def test_a_template_goes_from_draft_to_published_to_archived(admin):
    v = admin.write("order", note="first", sample=VARS)
    assert (v["name"], v["version"], v["state"], v["note"], v["sample"]) == ("order", 1, "draft", "first", VARS), v
    assert v["languages"]["zh"]["email"] == READY["zh"]["email"]
    assert v["languages"]["default"]["sms"] == {"text": READY["default"]["sms"]}
    problem(admin.post("/v1/messages", {"to": "+14155550123", "template": "order", "vars": VARS}), 422, "template", "published")
    p = admin.post(at("order", "versions", 1, "publish"))
    assert p.status == 200 and p.json["state"] == "published" and p.json["published_at"], p
    body, m = admin.text("order")
    assert body == "Li, order 7 is ready."
    assert (m["template"], m["template_version"]) == ("order", 1)
    assert admin.post(at("order", "versions", 1, "archive")).json["state"] == "archived"
    problem(admin.post("/v1/messages", {"to": "+14155550123", "template": "order", "vars": VARS}), 422, "template")


def test_an_edit_is_a_new_version_and_publishing_it_archives_the_old_one(admin):
    assert admin.write("order", publish=True)["state"] == "published"
    v = admin.write("order", {"default": {"sms": "second {{ order }}"}})
    assert (v["version"], v["state"]) == (2, "draft")
    assert admin.text("order")[1]["template_version"] == 1
    admin.post(at("order", "versions", 2, "publish"))
    body, m = admin.text("order")
    assert (body, m["template_version"]) == ("second 7", 2)
    t = admin.get(at("order")).json
    assert (t["published_version"], t["latest_version"]) == (2, 2)
    assert [(x["version"], x["state"]) for x in t["versions"]] == [(2, "published"), (1, "archived")]
    admin.post(at("order", "versions", 1, "publish"))  # and back
    assert admin.text("order")[0] == "Li, order 7 is ready."


def test_the_same_content_again_is_the_same_version(admin):
    first = admin.post("/v1/templates", {"name": "order", "languages": READY})
    again = admin.post("/v1/templates", {"name": "order", "languages": dict(reversed(READY.items())), "note": "other"})
    assert (first.status, again.status) == (201, 200), again
    assert again.json["version"] == 1
    published = admin.post("/v1/templates", {"name": "order", "languages": READY, "publish": True})
    assert (published.json["version"], published.json["state"]) == (1, "published"), published


def test_languages_are_looked_for_from_narrow_to_wide(admin):
    admin.write("order", publish=True)
    for language, word in [("zh-CN", "已完成"), ("ZH_hans_cn", "已完成"), ("zh", "已完成"), ("en-US", "ready"), ("", "ready")]:
        assert word in admin.text("order", language=language)[0], language
    problem(admin.post("/v1/messages", {"to": "+14155550123", "template": "order", "vars": VARS, "language": "Chinese!"}), 400, "language")


def test_a_language_that_is_not_there_is_refused_with_those_that_are(admin):
    admin.write("bill", {"en": {"sms": {"text": "Your bill."}}, "zh": {"sms": {"text": "您的账单。"}}}, publish=True)
    for more, says in (({}, "has its sms text in en, zh: `language` must name one of these"), ({"language": "fr"}, "`language` names none of these")):
        problem(admin.post("/v1/messages", {"to": "+14155550123", "template": "bill", **more}), 422, "template", says)
    assert admin.text("bill", language="zh-CN")[0] == "您的账单。"


def test_only_drafts_are_deleted(admin):
    admin.write("order", publish=True)
    admin.write("order", {"default": {"sms": "x"}})
    assert admin.delete(at("order", "versions", 2)).status == 204
    problem(admin.delete(at("order", "versions", 2)), 404)
    problem(admin.delete(at("order", "versions", 1)), 409, says="published")
    problem(admin.get(at("order", "versions", 2)), 404)
    assert admin.write("order", {"default": {"sms": "y"}})["version"] == 3
    admin.write("lone", {"default": {"sms": "y"}})
    assert admin.delete(at("lone", "versions", 1)).status == 204
    problem(admin.get(at("lone")), 404)
    assert [t["name"] for t in admin.get("/v1/templates").json["data"]] == ["order"]


@pytest.mark.parametrize("name", ["order.ready", "订单 完成", "a?b=c&d#e", "%2e", "x" * 128])
def test_a_name_may_hold_nearly_anything(admin, name):
    admin.write(name, publish=True)
    assert admin.get(at(name)).json["name"] == name
    assert admin.text(name)[1]["template"] == name


@pytest.mark.parametrize("name", ["", ".x", "a/b", "a\nb", "x" * 129, " x"])
def test_a_name_that_could_be_a_path_is_refused(admin, name):
    problem(admin.post("/v1/templates", {"name": name, "languages": READY}), 400, "name")


def test_a_text_that_is_no_template_is_refused_with_line_and_column(admin):
    text = "Hello {{ name }},\nyour order {{ order | nonsense }} is ready"
    p = problem(admin.post("/v1/templates", {"name": "order", "languages": {"zh_cn": {"email": {"subject": text}}}}), 400,
                "languages.zh-CN.email.subject", "nonsense")
    assert (p["line"], p["column"]) == (2, 23), p
    problem(admin.get(at("order")), 404)


@pytest.mark.parametrize("languages, status, field", [
    ({}, 400, "languages"), ({"default": {}}, 400, "languages"), ({"default": "x"}, 400, "languages.default"),
    ({"default": {"sms": 5}}, 400, "languages.default.sms"), ({"default": {"fax": "x"}}, 400, "languages.default.fax"),
    ({"default": {"sms": {"subject": "x"}}}, 400, "languages.default.sms.subject"),
    ({"default": {"email": "x"}}, 400, "languages.default.email"), ({"Klingon!": {"sms": "x"}}, 400, "languages.Klingon!"),
    ({"zh-CN": {"sms": "x"}, "zh_cn": {"sms": "y"}}, 400, "languages"),
    ({"default": {"sms": "x" * 65537}}, 413, None),
    ({"default": {"sms": "x", "codes": {"aliyun": {}}}}, 400, "languages.default.codes.aliyun"),
    ({"default": {"sms": "x", "codes": {"aliyun": {"code": "S", "params": {"a": 1}}}}}, 400, "languages.default.codes.aliyun.params"),
    ({"default": {"sms": "x", "codes": {"aliyun": {"code": "S", "params": ["{{"]}}}}, 400, "languages.default.codes.aliyun.params"),
])
def test_a_malformed_document_is_refused_by_its_place(admin, languages, status, field):
    a = admin.post("/v1/templates", {"name": "order", "languages": languages})
    assert a.status == status, a
    if field:
        problem(a, status, field)


def test_provider_codes_come_back_as_they_were_given(admin):
    codes = {"aliyun": {"code": "SMS_1", "sign": "鸿雁", "params": {"code": "{{ order }}"}},
             "tencent": {"code": 1234567, "params": ["{{ order }}", "5"]}}
    v = admin.write("order", {"zh": {"sms": "{{ order }}", "codes": codes}, "en": {"codes": {"aliyun": {"code": "SMS_2"}}}})
    assert v["languages"]["zh"]["codes"] == {"aliyun": codes["aliyun"],
                                             "tencent": {"code": "1234567", "sign": None, "params": codes["tencent"]["params"]}}
    assert v["languages"]["en"] == {"codes": {"aliyun": {"code": "SMS_2", "sign": None, "params": None}}}


def test_accounts_do_not_see_each_others_templates(gateway, admin):
    other = Account(gateway, "other")
    admin.write("order", publish=True)
    for path in (at("order"), at("order", "versions", 1)):
        problem(other.get(path), 404)
    for act in ("publish", "archive"):
        problem(other.post(at("order", "versions", 1, act)), 404)
    problem(other.delete(at("order", "versions", 1)), 404)
    assert other.get("/v1/templates").json["data"] == []
    problem(other.post("/v1/messages", {"to": "+14155550123", "template": "order", "vars": VARS}), 422, "template")
    problem(other.post("/v1/templates/preview", {"template": "order", "vars": VARS}), 422, "template")
    other.write("footer", {"default": {"sms": "theirs"}}, publish=True)
    admin.write("order", {"default": {"sms": "{% include 'footer' ignore missing %}mine"}}, publish=True)
    assert admin.text("order")[0] == "mine"
    assert other.write("order", {"default": {"sms": "theirs"}}, publish=True)["version"] == 1
    assert (admin.text("order")[0], other.text("order")[0]) == ("mine", "theirs")


@pytest.mark.parametrize("scopes, may_read, may_write", [("send", False, False), ("read", True, False), ("admin", False, True)])
def test_writing_needs_admin_and_reading_read(gateway, admin, scopes, may_read, may_write):
    admin.write("order")
    key = Account(gateway, "default", scopes)
    for path in ("/v1/templates", at("order"), at("order", "versions", 1)):
        assert key.get(path).status == (200 if may_read else 403)
    assert key.post("/v1/templates", {"name": "order", "languages": READY}).status == (200 if may_write else 403)
    for act in ("publish", "archive"):
        assert key.post(at("order", "versions", 1, act)).status == (200 if may_write else 403)


def test_an_account_s_template_comes_before_the_file_of_its_name(admin):
    assert "已完成" in admin.text("ready")[0]  # the folder's
    assert admin.text("ready")[1]["template_version"] is None
    admin.write("ready", {"default": {"sms": "stored"}})
    assert "已完成" in admin.text("ready")[0]  # a draft changes nothing
    admin.post(at("ready", "versions", 1, "publish"))
    assert admin.text("ready")[0] == "stored"
    admin.post(at("ready", "versions", 1, "archive"))
    assert "已完成" in admin.text("ready")[0]


def test_include_finds_the_account_s_templates_in_the_language_then_files(admin):
    admin.write("footer", {"default": {"sms": "Bye"}, "zh": {"sms": "再见", "email": {"subject": "主题"}}}, publish=True)
    admin.write("order", {"default": {"sms": "{{ name }}. {% include 'footer' %}"}}, publish=True)
    assert admin.text("order")[0] == "Li. Bye"
    assert admin.text("order", language="zh-CN")[0] == "Li. 再见"
    admin.write("footer", {"default": {"sms": "Tschüss"}}, publish=True)
    assert admin.text("order")[0] == "Li. Tschüss"
    admin.write("file", {"default": {"sms": "[{% include 'ready' %}]"}}, publish=True)
    assert admin.text("file")[0] == "[Li,您的订单 7 已完成。]"
    admin.write("round", {"default": {"sms": "{% include 'round' %}"}}, publish=True)
    problem(admin.post("/v1/messages", {"to": "+14155550123", "template": "round"}), 422, "vars")
    admin.write("none", {"default": {"sms": "{% include 'absent' %}"}}, publish=True)
    problem(admin.post("/v1/messages", {"to": "+14155550123", "template": "none"}), 422, "vars", "absent")


def test_a_template_without_a_text_message_is_no_message(admin):
    admin.write("mail", {"default": {"email": {"subject": "x", "text": "y"}}}, publish=True)
    problem(admin.post("/v1/messages", {"to": "+14155550123", "template": "mail"}), 422, "template", "sms")


def test_lists_go_on_behind_their_cursor(admin):
    names = sorted("t%02d" % i for i in range(7))
    for name in reversed(names):
        admin.write(name, {"default": {"sms": "x"}})
    seen, cursor = [], ""
    while cursor is not None:
        page = admin.get("/v1/templates?limit=3" + ("&cursor=" + cursor if cursor else "")).json
        assert len(page["data"]) <= 3
        seen += [t["name"] for t in page["data"]]
        cursor = page["next_cursor"]
    assert seen == names
    problem(admin.get("/v1/templates?cursor=xyz"), 400, "cursor")


def test_templates_outlive_a_kill(make_gateway):
    g = make_gateway()
    admin = Account(g)
    v = admin.write("order", publish=True, sample=VARS)
    g.kill9()
    g.start()
    assert admin.get(at("order", "versions", 1)).json == v
    assert admin.text("order")[1]["template_version"] == 1


def test_publishing_is_seen_by_every_front_at_once(make_gateway):
    g = make_gateway(threads={"front": 3})
    admin = Account(g)
    for n in range(20):
        admin.write("order", {"default": {"sms": "text %d" % n}}, publish=True)
        assert {admin.text("order")[0] for _ in range(6)} == {"text %d" % n}  # each on a connection of its own


def test_publishing_under_load_loses_nothing(make_gateway):
    g = make_gateway()
    admin = Account(g)
    with Clients(g, 4) as clients:
        for n in range(60):
            v = admin.write("order", {"default": {"sms": "text %d {{ order }}" % n}}, publish=True)
            assert v["version"] == n + 1
            body, m = admin.text("order", to="+14155559999")
            assert (body, m["template_version"]) == ("text %d 7" % n, n + 1)
        until(lambda: clients.count() > 100, 30)
    assert not clients.wrong
    g.settle()
    times = g.sim.times()
    for text in clients.accepted:
        assert times[text] == 1, text


def test_the_openapi_document_names_what_there_is(gateway):
    paths = gateway.get("/openapi.json").json["paths"]
    assert set(paths["/v1/templates"]) == {"get", "post"}
    assert set(paths["/v1/templates/{name}/versions/{version}"]) == {"get", "delete"}
    assert paths["/v1/templates"]["post"]["x-scope"] == "admin"
    json.dumps(paths)


# ---- previews ----

def preview(caller, **fields):
    a = caller.post("/v1/templates/preview", fields)
    assert a.status == 200, a
    return a.json


def test_a_preview_says_what_would_be_sent_and_why_it_costs_what_it_costs(admin):
    admin.write("order", publish=True, sample={"name": "Ann", "order": 3})
    p = preview(admin, template="order", vars=VARS)
    assert (p["text"], p["encoding"], p["segments"], p["version"], p["language"]) == ("Li, order 7 is ready.", "GSM-7", 1, 1, "default"), p
    assert (p["units"], p["units_left"], p["forced_ucs2"], p["sample"]) == (21, 139, [], False)
    p = preview(admin, source="{{ a }}" + "x" * 100, vars={"a": "“Hi”"})
    assert (p["encoding"], p["segments"], p["gsm7_segments"]) == ("UCS-2", 2, 1)
    assert (p["forced_ucs2"], p["version"]) == (["“", "”"], None)


def test_a_preview_without_variables_shows_the_sample(admin):
    admin.write("order", sample={"name": "Ann", "order": 3})
    p = preview(admin, template="order", version=1, language="zh-CN")
    assert (p["text"], p["sample"], p["language"], p["missing"]) == ("Ann,您的订单 3 已完成。", True, "zh", [])
    problem(admin.post("/v1/templates/preview", {"template": "order"}), 422, "template", "published")
    problem(admin.post("/v1/templates/preview", {"template": "order", "version": 2}), 404)
    admin.delete(at("order", "versions", 1))
    problem(admin.post("/v1/templates/preview", {"template": "order", "version": 1}), 404)


def test_a_preview_names_the_variables_it_needs_and_those_it_lacks(admin):
    admin.write("footer", {"default": {"sms": "{{ shop }} {{ hours | default('9-5') }}"}}, publish=True)
    p = preview(admin, source="{{ name }} {% set shop2 = 1 %}{% include 'footer' %}", vars={"name": "Li"})
    assert (p["required"], p["optional"], p["missing"]) == (["name", "shop"], ["hours"], ["shop"])
    assert p["text"] is None and "shop" in p["failure"] and p["segments"] is None and p["segments_least"] == 1, p


def test_a_preview_bounds_the_segments(admin):
    source = "Dear {{ name }}, {% if long %}" + "x" * 200 + "{% endif %}"
    p = preview(admin, source=source, vars={"name": "Li", "long": False}, lengths={"name": [1, 30, "gsm7"]})
    assert (p["segments"], p["segments_least"], p["segments_most"], p["ucs2"]) == (1, 1, 2, "no")
    assert preview(admin, source=source, lengths={"name": [1, 30]})["segments_most"] == 4
    assert preview(admin, source="{{ name * 3 }}", vars={"name": "x"})["segments_most"] is None
    for bad in ({"name": "x"}, {"name": [-1, 2]}, {"name": [5, 2]}, {"name": [0, 2, "x"]}, {"name": [0, 10**12]}):
        problem(admin.post("/v1/templates/preview", {"source": "x", "lengths": bad}), 400, "lengths")


def test_a_preview_shows_all_parts_of_a_channel_and_what_providers_get(admin):
    codes = {"aliyun": {"code": "SMS_1", "sign": "鸿雁", "params": {"order \"no\"": "{{ order }}", "x": "a"}},
             "tencent": {"code": 77, "params": ["{{ name | upper }}"]}}
    admin.write("order", {"default": {"sms": "s", "email": {"subject": "S {{ order }}", "html": "<b>", "text": "T"},
                                      "push": {"title": "P", "body": "B {{ name }}"}, "codes": codes}}, publish=True)
    p = preview(admin, template="order", channel="email", vars=VARS)
    assert (p["text"], p["parts"], p["segments"], p["encoding"]) == ("T", {"subject": "S 7", "html": "<b>", "text": "T"}, None, None)
    assert preview(admin, template="order", channel="push", vars=VARS)["text"] == "B Li"
    assert preview(admin, template="order", vars=VARS)["codes"] == {
        "aliyun": {"code": "SMS_1", "sign": "鸿雁", "params": {"order \"no\"": "7", "x": "a"}},
        "tencent": {"code": "77", "sign": None, "params": ["LI"]}}
    problem(admin.post("/v1/templates/preview", {"template": "order", "channel": "voice"}), 422, "channel")
    problem(admin.post("/v1/templates/preview", {"template": "order", "channel": "fax"}), 400, "channel")


def test_a_source_that_is_no_template_is_told_with_its_place(admin):
    p = problem(admin.post("/v1/templates/preview", {"source": "a\n{{ b"}), 422, "source")
    assert (p["line"], p["column"]) == (2, 5), p


# ---- import ----

def load(gateway, folder, *more):
    """What `hongyan import templates` says as JSON, and its exit code."""
    p = gateway.run("import", "templates", str(folder), "-c", str(gateway.config), "--json", *more)
    assert p.stdout, p.stderr
    return json.loads(p.stdout), p.returncode


@pytest.fixture
def folder(tmp_path):
    d = tmp_path / "stock"
    d.mkdir()
    (d / "order.txt").write_text("---\nnote: first\nsample: {name: Li, order: 7}\nemail:\n  subject: Done\n  html: |\n    <b>{{ order }}</b>\n"
                                 "codes: {tencent: {code: 123, params: ['{{ order }}']}}\n---\n{{ name }}: {{ order }}\n", encoding="utf-8")
    (d / "order.zh-CN.txt").write_text("{{ name }}:订单 {{ order }}\n", encoding="utf-8")
    (d / "order.ready.txt").write_text("ready")
    (d / "notes.md").write_text("not a template {{")
    return d


def test_import_takes_a_folder_once(gateway, admin, folder):
    said, code = load(gateway, folder)
    assert code == 0 and said["refused"] == [], said
    assert [(t["name"], t["version"], t["state"], t["outcome"]) for t in said["templates"]] == [
        ("order", 1, "draft", "created"), ("order.ready", 1, "draft", "created")]
    v = admin.get(at("order", "versions", 1)).json
    assert (v["note"], v["sample"]) == ("first", {"name": "Li", "order": 7})
    assert v["languages"] == {
        "default": {"sms": {"text": "{{ name }}: {{ order }}"}, "email": {"subject": "Done", "html": "<b>{{ order }}</b>\n"},
                    "codes": {"tencent": {"code": "123", "sign": None, "params": ["{{ order }}"]}}},
        "zh-CN": {"sms": {"text": "{{ name }}:订单 {{ order }}"}}}
    said, code = load(gateway, folder)
    assert (code, said["created"], said["unchanged"]) == (0, 0, 2)
    said, _ = load(gateway, folder, "--publish")
    assert [t["outcome"] for t in said["templates"]] == ["published", "published"]
    assert load(gateway, folder, "--publish")[0]["unchanged"] == 2
    (folder / "order.zh-CN.txt").write_text("新 {{ order }}", encoding="utf-8")
    said, _ = load(gateway, folder, "--publish")
    assert [(t["name"], t["version"], t["outcome"]) for t in said["templates"]] == [("order", 2, "published"), ("order.ready", 1, "unchanged")]
    until(lambda: admin.text("order", language="zh-CN")[0] == "新 7")  # the running gateway looks once a second


def test_import_without_writing_says_what_it_would_do(gateway, admin, folder):
    said, code = load(gateway, folder, "--dry-run", "--publish")
    assert (code, said["created"], said["dry_run"]) == (0, 2, True)
    assert admin.get("/v1/templates").json["data"] == []


@pytest.mark.parametrize("text, line, column, says", [
    ("ok\n{{ a | nonsense }}", 2, 8, "nonsense"),
    ("---\nnote: x\n---\nok\n{{", 5, None, ""),
    ("---\nemail: {subject: \"{% if %}\"}\n---\nok", 2, None, ""),
    ("---\nemail:\n  html: |\n    fine\n    {% endif %}\n---\nok", 5, None, "endif"),
    ("---\nfax: x\n---\nok", 2, None, "fax"),
    ("---\na: [\n---\nok", None, None, "YAML"),
    ("---\nnote: x\nnote: y\n---\nok", 3, 1, "twice"),
    ("---\n- x\n---\nok", None, None, "mapping"),
    ("---\nsample: 5\n---\nok", None, None, "sample"),
    ("---\nsms: one\n---\ntwo", None, None, "same place"),
    ("", None, None, "at least one text"),
    ("---\na: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
     "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: [*e, *e, *e]\n---\nx", None, None, "too much"),
])
def test_import_names_what_it_refuses_and_takes_the_rest(gateway, admin, tmp_path, text, line, column, says):
    d = tmp_path / "broken"
    d.mkdir()
    (d / "bad.txt").write_text(text, encoding="utf-8")
    (d / "good.txt").write_text("fine")
    said, code = load(gateway, d)
    assert code == 65 and [t["name"] for t in said["templates"]] == ["good"], said
    wrong = said["refused"][0]
    assert wrong["file"] == "bad.txt" and says in wrong["error"], wrong
    assert line is None or wrong["line"] == line, wrong
    assert column is None or wrong["column"] == column, wrong
    problem(admin.get(at("bad")), 404)


def test_import_is_for_an_account_that_is_there(gateway, folder):
    p = gateway.run("import", "templates", str(folder), "-c", str(gateway.config), "--account", "nobody")
    assert p.returncode == 66 and b"nobody" in p.stderr, p
    assert gateway.run("import", "templates", "/nowhere", "-c", str(gateway.config)).returncode == 66
    other = Account(gateway, "other")
    load(gateway, folder, "--account", "other")
    assert len(other.get("/v1/templates").json["data"]) == 2


def test_import_while_sending_loses_nothing(make_gateway, tmp_path):
    g = make_gateway()
    Account(g)
    d = tmp_path / "many"
    d.mkdir()
    for n in range(300):
        (d / ("t%03d.txt" % n)).write_text("text %d {{ order }}" % n)
    with Clients(g, 4) as clients:
        said, code = load(g, d, "--publish")
        assert (code, said["created"]) == (0, 300)
        until(lambda: clients.count() > 100, 30)
    assert not clients.wrong
    g.settle()
    times = g.sim.times()
    assert all(times[text] == 1 for text in clients.accepted)


def test_a_file_of_the_folder_may_have_a_head(make_gateway, tmp_path):
    d = tmp_path / "templates"
    d.mkdir()
    (d / "order.txt").write_text("---\nnote: x\n---\n{{ name }}: {{ order }}\n")
    g = make_gateway(templates={"dir": str(d)})
    assert Account(g).text("order")[0] == "Li: 7"


def test_render_shows_what_is_stored(gateway, admin, folder):
    load(gateway, folder, "--publish")
    c = ["-c", str(gateway.config), "--account", "default"]
    p = gateway.run("render", "-t", "order", *c, "--lang", "zh-CN", "--json")
    said = json.loads(p.stdout)
    assert (said["text"], said["version"], said["language"], said["sample"]) == ("Li:订单 7", 1, "zh-CN", True), said
    p = gateway.run("render", "-t", "order", *c, "--channel", "email")
    assert p.returncode == 0 and p.stdout.decode() == "subject: Done\nhtml: <b>7</b>\n", p
    assert gateway.run("render", "-t", "order", *c, "--version", "9").returncode == 66
