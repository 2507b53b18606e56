"""The native API as a program meets it: keys and accounts, idempotency, lists, events, problems, and its own description."""
import concurrent.futures
import json
import os
import re
import threading
import urllib.parse

import pytest

from harness.gateway import Made, SLOW, after, call, unique, until
from harness.hostile_gateway import is_problem, number
from harness.receiver import check_signature
from harness.shim import ShiftedClock


@pytest.fixture(scope="module")
def shared_gateway(tmp_path_factory):
    made = Made(tmp_path_factory.mktemp("native"))
    try:
        yield made()
        made.check()
    finally:
        made.close()


def bearer(made):
    return {"Authorization": "Bearer " + made["key"]}


def ask(g, method, path, key, body=None):
    raw = json.dumps(body).encode() if body is not None else None
    return call(g.port, method, path, raw, {**bearer(key), "Content-Type": "application/json"})


# ---- idempotency (I2) ----

def test_idempotency__the_same_request_is_the_same_message(shared_gateway):
    g, body = shared_gateway, {"to": "+14155550123", "body": unique()}
    first = g.post("/v1/messages", body, {"Idempotency-Key": body["body"]})
    assert first.status == 202 and "idempotency-replayed" not in first.headers
    g.wait(first.json["id"], "delivered")
    again = g.post("/v1/messages", body, {"Idempotency-Key": body["body"]})
    assert (again.status, again.headers["idempotency-replayed"]) == (202, "true")
    assert again.json["id"] == first.json["id"] and again.headers["location"] == first.headers["location"]
    assert g.sim.times()[body["body"]] == 1


def test_idempotency__the_key_of_a_deleted_message_sends_nothing_again(shared_gateway):
    g, body = shared_gateway, {"to": "+14155550123", "body": unique()}
    first = g.post("/v1/messages", body, {"Idempotency-Key": body["body"]})
    g.wait(first.json["id"], "delivered")
    assert ask(g, "DELETE", "/v1/messages/" + first.json["id"], {"key": g.key}).status == 204
    p = is_problem(g.post("/v1/messages", body, {"Idempotency-Key": body["body"]}), 409)
    assert p["type"] == "/problems/conflict" and "deleted" in p["detail"]
    assert g.sim.times()[body["body"]] == 1


def test_idempotency__another_request_is_refused(shared_gateway):
    g, key = shared_gateway, unique()
    assert g.post("/v1/messages", {"to": "+14155550123", "body": "one"}, {"Idempotency-Key": key}).status == 202
    for other in ({"to": "+14155550123", "body": "two"}, {"to": "+14155550124", "body": "one"}):
        p = is_problem(g.post("/v1/messages", other, {"Idempotency-Key": key}), 422)
        assert p["type"] == "/problems/idempotency-key-reused"


def test_idempotency__concurrent_requests_make_one_message(shared_gateway):
    g = shared_gateway
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        for _ in range(20):
            text, start = unique("at-once"), threading.Barrier(12)

            def post():
                start.wait(60)
                return g.post("/v1/messages", {"to": "+14155550123", "body": text}, {"Idempotency-Key": text})

            answers = [f.result() for f in [pool.submit(post) for _ in range(12)]]
            assert {a.status for a in answers} <= {202, 409}, answers
            taken = [a for a in answers if a.status == 202]
            assert len({a.json["id"] for a in taken}) == 1
            assert sum("idempotency-replayed" not in a.headers for a in taken) == 1
            for a in answers:
                if a.status == 409:
                    assert is_problem(a, 409)["type"] == "/problems/idempotency-key-in-flight"
                    assert a.headers["retry-after"]
            g.wait(taken[0].json["id"], "delivered")
            assert g.sim.times()[text] == 1


def test_idempotency__over_a_kill(make_gateway):
    g = make_gateway()
    body, key = {"to": "+14155550123", "body": unique()}, {"Idempotency-Key": "k"}
    first = g.post("/v1/messages", body, key)
    g.kill9()
    g.start()
    again = g.post("/v1/messages", body, key)
    assert (again.status, again.json["id"]) == (202, first.json["id"]) and again.headers["idempotency-replayed"]
    assert is_problem(g.post("/v1/messages", {**body, "body": "x"}, key), 422)


def test_idempotency__a_key_is_remembered_for_a_day(make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path)
    g = make_gateway.gateway(env=clock.env)
    g.start()
    body, key = {"to": "+14155550123", "body": unique()}, {"Idempotency-Key": "k"}
    first = g.post("/v1/messages", body, key)
    g.wait(first.json["id"], "delivered")
    clock.set(86400 - 900)
    until(lambda: g.send().json["created_at"][:13] != first.json["created_at"][:13])
    again = g.post("/v1/messages", body, key)
    assert (again.json["id"], again.headers["idempotency-replayed"]) == (first.json["id"], "true")
    assert again.json["created_at"] == first.json["created_at"] and again.json["status"] == "delivered"  # as it stands now
    clock.set(86400 + 60)
    until(lambda: g.post("/v1/messages", body, key).json["id"] != first.json["id"], 30, told="the key is kept for longer")
    until(lambda: g.sim.times()[body["body"]] == 2)


def test_idempotency__a_refused_request_does_not_use_up_its_key(shared_gateway):
    g, key = shared_gateway, unique()
    is_problem(g.post("/v1/messages", {"to": "nobody", "body": "x"}, {"Idempotency-Key": key}), 422, "to")
    assert g.post("/v1/messages", {"to": "+14155550123", "body": "x"}, {"Idempotency-Key": key}).status == 202


def test_idempotency__keys_belong_to_accounts(shared_gateway):
    g, key = shared_gateway, unique()
    other = g.create_key("other")
    ids = set()
    for made in (g.key, other["key"]):
        a = g.post("/v1/messages", {"to": "+14155550123", "body": made[:5]},
                   {"Idempotency-Key": key, "Authorization": "Bearer " + made})
        assert a.status == 202, a
        ids.add(a.json["id"])
    assert len(ids) == 2


# ---- accounts, scopes, keys (I12) ----

def test_accounts__cannot_see_or_touch_each_other(shared_gateway):
    g = shared_gateway
    mine, yours = g.create_key("mine"), g.create_key("yours")
    assert mine["account"] != yours["account"]
    sid = ask(g, "POST", "/v1/messages", mine, {"to": "+14155550777", "body": "secret", "send_at": after(600)}).json["id"]
    path = "/v1/messages/" + sid
    for method, rest in [("GET", ""), ("DELETE", ""), ("GET", "/events"), ("GET", "/attempts"), ("POST", "/cancel"),
                         ("POST", "/redact")]:
        a = ask(g, method, path + rest, yours)
        assert is_problem(a, 404)["type"] == "/problems/not-found" and "secret" not in a.body.decode()
    assert ask(g, "GET", "/v1/messages", yours).json["data"] == []
    assert ask(g, "GET", "/v1/messages?to=%2B14155550777", yours).json["data"] == []
    assert ask(g, "GET", "/v1/messages?cursor=" + sid, yours).json["data"] == []
    twilio = "/2010-04-01/Accounts/%s/Messages/%s.json"
    assert ask(g, "GET", twilio % (yours["account"], sid), yours).status == 404
    assert ask(g, "GET", twilio % (mine["account"], sid), yours).status in (401, 403, 404)
    assert ask(g, "POST", path + "/cancel", mine).json["status"] == "canceled"
    assert ask(g, "GET", "/v1/whoami", yours).json["account_id"] == yours["account"]


def test_accounts__a_callback_is_signed_with_its_own_token(shared_gateway, receiver):
    other = shared_gateway.create_key("third")
    ask(shared_gateway, "POST", "/v1/messages", other,
        {"to": "+14155550123", "body": "x", "status_callback": receiver.url})
    check_signature(receiver.wait("delivered"), other["auth_token"])


def test_scopes__limit_what_a_key_may_do(shared_gateway):
    g = shared_gateway
    reader, sender = g.create_key(scopes="read"), g.create_key(scopes="send")
    message = {"to": "+14155550123", "body": "x"}
    sid = ask(g, "POST", "/v1/messages", sender, message).json["id"]
    p = is_problem(ask(g, "POST", "/v1/messages", reader, message), 403)
    assert p["type"] == "/problems/forbidden" and "send" in p["detail"]
    assert is_problem(ask(g, "GET", "/v1/messages", sender), 403)
    assert is_problem(ask(g, "POST", "/v1/messages/%s/cancel" % sid, reader), 403)
    assert ask(g, "GET", "/v1/messages/" + sid, reader).status == 200
    assert ask(g, "GET", "/v1/whoami", reader).json["scopes"] == "read"


def test_key__works_at_once_and_stops_when_revoked(shared_gateway):
    g = shared_gateway
    key = g.create_key()
    assert ask(g, "GET", "/v1/whoami", key).json["key_id"] == key["sid"]
    g.revoke(key["sid"])
    # Each front thread learns it by itself: all have when a run of connections meets none that does not know.
    until(lambda: all(ask(g, "GET", "/v1/whoami", key).status == 401 for _ in range(30)), told="a revoked key works on")
    a = ask(g, "GET", "/v1/whoami", key)
    assert is_problem(a, 401)["type"] == "/problems/unauthenticated" and a.headers["www-authenticate"]
    assert g.get("/v1/whoami").status == 200


@pytest.mark.parametrize("wrong", ["", "Bearer", "Bearer ", "Bearer x", "Bearer SK.x", "Basic x", "Digest a=b",
                                   "Bearer SK00000000000000000000000000000000.0000"])
def test_wrong_credentials__401(shared_gateway, wrong):
    assert is_problem(shared_gateway.get("/v1/messages", headers={"Authorization": wrong}), 401)


# ---- lists ----

@pytest.fixture(scope="module")
def many(shared_gateway):
    """An account of its own with 260 messages, oldest first."""
    g = shared_gateway
    key = g.create_key("many")
    ids = [ask(g, "POST", "/v1/messages", key, {"to": number(i % 13), "body": "n %d" % i,
                                                **({"send_at": after(900)} if i % 10 == 0 else {})}).json["id"]
           for i in range(260)]

    def ended(state):
        return len(walk(g, key, status=state, limit=1000)) == {"delivered": 234, "scheduled": 26}[state]
    until(lambda: ended("delivered") and ended("scheduled"), timeout=30)
    return key, ids


def walk(g, key, **query):
    found = []
    while True:
        a = ask(g, "GET", "/v1/messages?" + urllib.parse.urlencode(query), key)
        assert a.status == 200, a
        page = a.json
        assert len(page["data"]) <= query.get("limit", 50)
        found += page["data"]
        if not page["next_cursor"]:
            return found
        assert page["data"], "an empty page that is not the last"
        query["cursor"] = page["next_cursor"]


@pytest.mark.parametrize("limit", [7, 50, 260, 1000])
def test_list__pages_have_no_gaps_or_repeats(shared_gateway, many, limit):
    key, ids = many
    assert [m["id"] for m in walk(shared_gateway, key, limit=limit)] == ids[::-1]


def test_list__new_messages_do_not_move_pages(shared_gateway):
    g = shared_gateway
    key = g.create_key("moving")

    def send(n):
        return ask(g, "POST", "/v1/messages", key, {"to": number(n), "body": "x"}).json["id"]
    ids = [send(n) for n in range(20)]
    found, cursor = [], None
    while True:
        page = ask(g, "GET", "/v1/messages?limit=3" + ("&cursor=" + cursor if cursor else ""), key).json
        found += [m["id"] for m in page["data"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
        send(99)
    assert found == ids[::-1]


def test_list__filters(shared_gateway, many):
    g, (key, ids) = shared_gateway, many
    scheduled = walk(g, key, status="scheduled", limit=5)
    assert [m["id"] for m in scheduled] == [s for i, s in enumerate(ids) if i % 10 == 0][::-1]
    to = walk(g, key, to=number(3), limit=6)
    assert [m["id"] for m in to] == [s for i, s in enumerate(ids) if i % 13 == 3][::-1]
    both = walk(g, key, to=number(0), status="delivered")
    assert [m["id"] for m in both] == [s for i, s in enumerate(ids) if i % 13 == 0 and i % 10][::-1]
    assert walk(g, key, direction="inbound") == [] and len(walk(g, key, direction="outbound")) == 260
    everything = walk(g, key, limit=1000)
    middle = everything[130]["created_at"]
    late, early = walk(g, key, created_from=middle, limit=40), walk(g, key, created_until=middle, limit=40)
    assert [m["id"] for m in late + early] == ids[::-1]
    assert all(m["created_at"] >= middle for m in late) and all(m["created_at"] <= middle for m in early)
    assert len(walk(g, key, **{"from": "+15005550006"})) == 260 and walk(g, key, **{"from": "+15005550007"}) == []


@pytest.mark.parametrize("query, field", [("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"),
                                          ("status=gone", "status"), ("cursor=SM1", "cursor"),
                                          ("created_from=yesterday", "created_from"), ("state=sent", "state")])
def test_list__malformed_filters_are_named(shared_gateway, query, field):
    is_problem(shared_gateway.get("/v1/messages?" + query), 400, field)


# ---- events ----

def test_events__are_numbered_without_gaps_and_in_time(shared_gateway):
    g = shared_gateway
    for to in ("+14155550123", "+15005550104", "+15005550107", "+15005550108", "+15005550109", "+15005550001"):
        sid = g.create(to=to)
        m = g.wait(sid, "delivered", "failed")
        events = g.events(sid)
        assert [e["number"] for e in events] == list(range(1, len(events) + 1))
        assert [e["at"] for e in events] == sorted(e["at"] for e in events)
        moves = [e for e in events if not e["note"]]
        assert moves[0]["status"] == "accepted" and moves[-1]["status"] == m["status"]
        assert [a["number"] for a in g.attempts(sid)] == list(range(1, m["attempts"] + 1))


def test_delete_and_redact__only_what_is_finished(shared_gateway):
    g = shared_gateway
    waits, done = g.create(send_at=after(600)), g.create(body="a secret")
    g.wait(done, "delivered")
    for method, rest in (("DELETE", ""), ("POST", "/redact")):
        assert is_problem(ask(g, method, "/v1/messages/" + waits + rest, {"key": g.key}), 409)["type"] == \
            "/problems/too-late"
    a = g.post("/v1/messages/%s/redact" % done, b"")
    assert (a.status, a.json["body"]) == (200, "") and g.message(done)["body"] == ""
    assert ask(g, "DELETE", "/v1/messages/" + done, {"key": g.key}).status == 204
    assert g.get("/v1/messages/" + done).status == 404
    assert g.get("/v1/messages/" + done + "/events").status == 404
    assert done not in [m["id"] for m in g.all()]
    assert g.cancel(waits).status == 200


# ---- problems (RFC 9457) ----

PROBLEMS = [
    (b"{", 400, "invalid-request", None), (b"[]", 400, "invalid-request", None), (b"", 400, "invalid-request", None),
    ({"body": "x"}, 400, "invalid-request", "to"), ({"to": "+14155550123"}, 400, "invalid-request", "body"),
    ({"to": 1, "body": "x"}, 400, "invalid-request", "to"), ({"to": "+14155550123", "body": ""}, 400, "invalid-request", "body"),
    ({"to": "call me", "body": "x"}, 422, "unprocessable", "to"), ({"to": "+1415555", "body": "x"}, 422, "unprocessable", "to"),
    ({"to": "+14155550123", "body": "x" * 1601}, 422, "unprocessable", "body"),
    ({"to": "+14155550123", "body": "a\0b"}, 400, "invalid-request", None),
    ({"to": "+14155550123", "body": "x", "send_at": "soon"}, 400, "invalid-request", "send_at"),
    ({"to": "+14155550123", "body": "x", "send_at": "2001-01-01T00:00:00Z"}, 400, "invalid-request", "send_at"),
    ({"to": "+14155550123", "body": "x", "validity_s": 0}, 400, "invalid-request", "validity_s"),
    ({"to": "+14155550123", "body": "x", "priority": "high"}, 400, "invalid-request", "priority"),
    ({"to": "+14155550123", "body": "x", "status_callback": "ftp://x"}, 400, "invalid-request", "status_callback"),
    ({"to": "+14155550123", "body": "x", "metadata": "x"}, 400, "invalid-request", "metadata"),
    ({"to": "+14155550123", "body": "x", "metadata": {"a": "x" * 2100}}, 400, "invalid-request", "metadata"),
    ({"to": "+14155550123", "body": "x", "template": "t"}, (400, 422), None, None),
    ({"to": "+14155550123", "bdoy": "x"}, 400, "unknown-field", "bdoy"),
]


@pytest.mark.parametrize("body, status, name, field", PROBLEMS, ids=range(len(PROBLEMS)))
def test_problem__has_a_stable_type_and_names_the_field(shared_gateway, body, status, name, field):
    a = shared_gateway.post("/v1/messages", body)
    p = is_problem(a, a.status, field)
    assert a.status in (status if isinstance(status, tuple) else (status,)), a
    assert name is None or p["type"] == "/problems/" + name
    assert p["instance"] == a.headers["x-request-id"]
    explained = shared_gateway.get(p["type"], headers={})
    assert explained.status == 200 and explained.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("wrong, right", [("bdoy", "body"), ("Body", "body"), ("send-at", "send_at"), ("validity", None),
                                          ("statuscallback", "status_callback"), ("tempalte", "template")])
def test_unknown_field__names_the_nearest(shared_gateway, wrong, right):
    p = is_problem(shared_gateway.post("/v1/messages", {"to": "+14155550123", "body": "x", wrong: "x"}), 400, wrong)
    assert p["type"] == "/problems/unknown-field"
    assert ("did you mean `%s`" % right in p["detail"]) if right else p["detail"]


def test_problem__wrong_address_method_and_form(shared_gateway):
    g = shared_gateway
    assert is_problem(g.get("/v1/mesages"), 404)["type"] == "/problems/no-such-address"
    a = ask(g, "PUT", "/v1/messages", {"key": g.key}, {})
    assert is_problem(a, 405)["type"] == "/problems/method-not-allowed"
    assert {"GET", "POST"} <= set(re.split(r", *", a.headers["allow"]))
    assert is_problem(g.post("/v1/messages", b"to=1", {"Content-Type": "text/plain"}), 415)
    assert is_problem(g.get("/v1/messages/SM" + "0" * 32), 404)
    assert is_problem(g.get("/v1/messages/nonsense"), 404)


# ---- its own description ----

ROUTES = {
    ("post", "/v1/messages"), ("get", "/v1/messages"), ("get", "/v1/messages/{id}"), ("delete", "/v1/messages/{id}"),
    ("get", "/v1/messages/{id}/events"), ("get", "/v1/messages/{id}/attempts"), ("post", "/v1/messages/{id}/cancel"),
    ("post", "/v1/messages/{id}/redact"), ("post", "/v1/templates/preview"), ("get", "/v1/whoami"), ("post", "/send"),
    ("get", "/healthz"), ("get", "/readyz"), ("get", "/metrics"), ("get", "/openapi.json"), ("get", "/problems/{name}"),
}
METHODS = {"get", "put", "post", "delete", "patch"}


@pytest.fixture(scope="module")
def description(shared_gateway):
    a = shared_gateway.get("/openapi.json", headers={})
    assert a.status == 200 and a.headers["content-type"].startswith("application/json")
    return a.json


def nodes(node):
    yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(child)


def resolve(doc, node):
    while isinstance(node, dict) and "$ref" in node:
        assert node["$ref"].startswith("#/"), node
        target = doc
        for step in node["$ref"][2:].split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def test_openapi__is_well_formed(description):
    doc = description
    assert re.fullmatch(r"3\.1\.\d+", doc["openapi"]) and doc["info"]["title"] and doc["info"]["version"]
    names = []
    for node in nodes(doc):
        if isinstance(node, dict) and "$ref" in node:
            resolve(doc, node)
    for path, item in doc["paths"].items():
        assert path.startswith("/")
        for method in METHODS & set(item):
            row = item[method]
            names.append(row["operationId"])
            assert row["summary"] and row["responses"], (method, path)
            for status, answer in row["responses"].items():
                assert re.fullmatch(r"[1-5](\d\d|XX)|default", status) and resolve(doc, answer)["description"]
            given = [resolve(doc, p) for p in row.get("parameters", []) + item.get("parameters", [])]
            assert {p["name"] for p in given if p["in"] == "path"} == set(re.findall(r"{(\w+)}", path)), path
            assert all(p.get("required") for p in given if p["in"] == "path") and all("schema" in p for p in given)
            for kind, media in resolve(doc, row.get("requestBody", {})).get("content", {}).items():
                assert resolve(doc, media["schema"])["type"] == ("object" if kind in ("application/json", "application/x-www-form-urlencoded") else "string")
    assert len(names) == len(set(names))
    for name, schema in doc["components"]["schemas"].items():
        assert set(schema.get("required", [])) <= set(schema["properties"]), name


def test_openapi__tells_what_webhooks_take(description):
    for method, path, fields in [("post", "", {"url", "events", "topics", "secret", "description"}), ("patch", "/{id}", {"url", "events"}),
                                 ("post", "/{id}/rotate", {"overlap_s"}), ("post", "/{id}/replay", {"since"})]:
        body = description["paths"]["/v1/webhooks" + path][method]["requestBody"]
        shape = description["components"]["schemas"][body["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]]
        assert fields <= set(shape["properties"]) and body["required"] == (path != "/{id}/rotate"), (path, shape)


def test_openapi__tells_what_is_posted_to_webhooks_and_what_a_rule_says(description):
    schemas = description["components"]["schemas"]
    page = open(os.path.join(os.path.dirname(__file__), "..", "..", "docs", "webhooks.md"), encoding="utf-8").read()
    assert set(description["webhooks"]) == set(re.findall(r"^\| `((?:message|consent|webhook|reply)\.[a-z_]+)` \|", page, re.M))
    for name, item in description["webhooks"].items():
        shape = item["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
        assert shape["type"] == {"const": name} and shape["data"]["$ref"].rsplit("/", 1)[1] in schemas, name
    assert {"number", "topic", "source", "act"} <= set(schemas["WebhookConsentData"]["properties"])
    rule = schemas["RuleCreate"]["properties"]["rule"]["$ref"].rsplit("/", 1)[1]
    rules = open(os.path.join(os.path.dirname(__file__), "..", "..", "docs", "events.md"), encoding="utf-8").read()
    rows = re.search(r"\| `on` \|.*?\| `note` \|", rules, re.S).group(0)
    said = {w for cell in re.findall(r"^\| (`[^|]*?) \|", rows + " |", re.M) for w in re.findall(r"`(\w+)`", cell)}
    assert said - {"name"} <= set(schemas[rule]["properties"]) and "note" in schemas[rule]["properties"], said


def test_openapi__tells_in_what_form_contacts_are_imported(description):
    body = description["paths"]["/v1/imports/contacts"]["post"]["requestBody"]
    assert body["required"] is True and set(body["content"]) == {"text/csv", "application/x-ndjson"}


def test_openapi__names_every_route_and_every_route_answers(shared_gateway, description):
    g = shared_gateway
    named = {(m, path) for path, item in description["paths"].items() for m in METHODS & set(item)}
    assert ROUTES <= named, ROUTES - named
    sid = g.create(send_at=after(600))
    for method, path in sorted(named):
        where = path.replace("{id}", sid).replace("{name}", "busy")
        a = ask(g, method.upper(), where, {"key": g.key}, {} if method == "post" else None)
        assert a.status != 405 and "no-such-address" not in a.body.decode(), (method, path, a)
        assert str(a.status) in description["paths"][path][method]["responses"] or a.status in (400, 401, 403, 415), \
            (method, path, a)


def holds(doc, schema, value, where):
    schema = resolve(doc, schema)
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    kind = {dict: "object", list: "array", str: "string", int: "integer", bool: "boolean", type(None): "null",
            float: "number"}[type(value)]
    assert not kinds or kind in kinds or (kind == "integer" and "number" in kinds), (where, kinds, value)
    if "enum" in schema:
        assert value in schema["enum"], (where, value)
    if kind == "object" and "properties" in schema:
        assert set(schema.get("required", [])) <= set(value), (where, value)
        assert set(value) <= set(schema["properties"]), (where, set(value) - set(schema["properties"]))
        for key, child in value.items():
            holds(doc, schema["properties"][key], child, where + "." + key)
    if kind == "array" and "items" in schema:
        for i, child in enumerate(value):
            holds(doc, schema["items"], child, "%s[%d]" % (where, i))


def test_openapi__answers_are_as_it_says(shared_gateway, description):
    g, doc = shared_gateway, description

    def check(method, path, a):
        answer = resolve(doc, doc["paths"][path][method]["responses"][str(a.status)])
        (media,) = answer["content"].values()
        holds(doc, media["schema"], a.json, method + " " + path)

    made = g.send(metadata={"a": 1}, topic="t")
    check("post", "/v1/messages", made)
    g.wait(made.json["id"], "delivered")
    failed = g.create(to="+15005550001")
    g.wait(failed, "failed", "suppressed")  # known to be invalid, once the provider has said so
    waits = g.create(send_at=after(600))
    for sid in (made.json["id"], failed, waits):
        for rest in ("", "/events", "/attempts"):
            check("get", "/v1/messages/{id}" + rest, g.get("/v1/messages/" + sid + rest))
    check("get", "/v1/messages", g.get("/v1/messages"))
    check("get", "/v1/whoami", g.get("/v1/whoami"))
    check("get", "/readyz", g.get("/readyz"))
    check("post", "/v1/messages/{id}/cancel", g.cancel(waits))
    check("post", "/v1/messages/{id}/cancel", g.cancel(failed))
    check("post", "/v1/templates/preview", g.post("/v1/templates/preview", {"source": "{{ a }}", "vars": {"a": "€"}}))
    check("post", "/v1/messages", g.post("/v1/messages", {"to": "x", "body": "x"}))
    check("post", "/v1/messages", g.post("/v1/messages", {}))
    check("get", "/v1/messages/{id}", g.get("/v1/messages/SM" + "0" * 32))


def test_answers__say_how_long_a_stopping_gateway_needs(make_gateway):
    """While it drains: 503 with Retry-After for new messages, or no connection at all."""
    g = make_gateway(profile={"latency_ms": 1500}, lane={"timeout_ms": 20000})
    g.create()
    s = g.connect()
    s.sendall(g.request("GET", "/healthz"))
    assert b"200 OK" in s.recv(4096)
    g.signal(15)
    until(lambda: "event=gateway.stop" in g.log() or "drain" in g.log())
    try:
        s.sendall(g.request(body=b'{"to":"+14155550123","body":"late"}'))
        got = s.recv(4096)
        assert not got or (b" 503 " in got and b"Retry-After" in got), got
    except OSError:
        pass
    s.close()
    assert g.process.wait(60 * SLOW) == 0
    assert g.sim.stats()["received"] == 1
