"""Contacts as an application meets them: made, changed by several at once, found, given devices, kept apart by account."""
import json
import threading
import urllib.parse

from harness.gateway import call, until

LI = "+8613800138000"


def quote(text):
    return urllib.parse.quote(text, safe="")


def ask(g, method, path, body=None, headers=None, key=None):
    data = body if isinstance(body, (bytes, str)) or body is None else json.dumps(body)
    head = {**(key or g.bearer), "Content-Type": "application/json", **(headers or {})}
    return call(g.port, method, path, data, head)


def put(g, contact, headers=None, key=None, **fields):
    return ask(g, "PUT", "/v1/contacts/" + quote(contact), fields, headers, key)


def get(g, contact, key=None):
    return ask(g, "GET", "/v1/contacts/" + quote(contact), key=key)


def find(g, **query):
    a = ask(g, "GET", "/v1/contacts?" + urllib.parse.urlencode(query))
    assert a.status == 200, a
    return a.json


def test_contact__is_made_read_replaced_patched_and_deleted(gateway):
    g = gateway
    a = put(g, "客户/17 a".replace(" ", "-"), name="李雷", numbers=["138 0013 8000", "+1 415 555 0123", LI], emails=["Li@Example.COM"],
            language="zh_cn", time_zone="Asia/Shanghai", attributes={"tier": "gold", "order": {"n": 7, "city": "杭州"}})
    assert a.status == 201, a
    c = a.json
    assert (c["id"], c["name"], c["numbers"], c["emails"]) == ("客户/17-a", "李雷", [LI, "+14155550123"], ["li@example.com"])
    assert (c["language"], c["time_zone"], c["attributes"]["order"]["city"], c["devices"]) == ("zh-CN", "Asia/Shanghai", "杭州", [])
    assert get(g, c["id"]).json == c
    a = ask(g, "PATCH", "/v1/contacts/" + quote(c["id"]), {"name": None, "attributes": {"tier": None, "order": {"n": 8}}})
    assert a.status == 200, a
    assert (a.json["name"], a.json["attributes"], a.json["numbers"]) == (None, {"order": {"n": 8, "city": "杭州"}}, c["numbers"])
    a = put(g, c["id"], numbers=[LI])
    assert (a.status, a.json["attributes"], a.json["emails"], a.json["created_at"]) == (200, {}, [], c["created_at"])
    assert ask(g, "DELETE", "/v1/contacts/" + quote(c["id"])).status == 204
    assert get(g, c["id"]).status == 404
    assert ask(g, "DELETE", "/v1/contacts/" + quote(c["id"])).status == 404


def test_contact__without_an_id_gets_one_and_one_that_is_taken_is_refused(gateway):
    g = gateway
    a = ask(g, "POST", "/v1/contacts", {"numbers": [LI]})
    assert a.status == 201 and a.json["id"].startswith("CT") and len(a.json["id"]) == 34, a
    assert ask(g, "POST", "/v1/contacts", {"id": "li"}).status == 201
    a = ask(g, "POST", "/v1/contacts", {"id": "li", "name": "other"})
    assert (a.status, a.json["field"]) == (409, "id"), a
    assert get(g, "li").json["name"] is None


def test_contact__what_is_wrong_is_named(gateway):
    g = gateway
    for body, status, field in [
            ({"numbers": ["12"]}, 422, "numbers[0]"), ({"numbers": [LI, 7]}, 400, "numbers[1]"), ({"numbers": LI}, 400, "numbers"),
            ({"emails": ["nobody"]}, 400, "emails[0]"), ({"language": "中文"}, 400, "language"), ({"time_zone": "Mars/Base"}, 400, "time_zone"),
            ({"attributes": []}, 400, "attributes"), ({"attributes": {"x": "y" * 9000}}, 400, "attributes"), ({"nmae": "x"}, 400, "nmae"),
            ({"name": "a\nb"}, 400, "name"), ({"numbers": ["+86138001380%02d" % i for i in range(9)]}, 400, "numbers[8]")]:
        a = ask(g, "PUT", "/v1/contacts/x", body)
        assert (a.status, a.json.get("field")) == (status, field), (body, a)
        assert "1380013" not in a.json["detail"], a
    assert put(g, "a b").status == 400
    assert put(g, "x" * 129).status == 400
    assert get(g, "x").status == 404


def test_contact__a_version_that_is_not_the_latest_is_refused(gateway):
    g = gateway
    first = put(g, "li", name="one").headers["etag"]
    second = put(g, "li", {"If-Match": first}, name="two")
    assert second.status == 200 and second.headers["etag"] != first
    a = put(g, "li", {"If-Match": first}, name="three")
    assert (a.status, a.json["type"].rsplit("/", 1)[1]) == (412, "changed-meanwhile"), a
    assert ask(g, "PATCH", "/v1/contacts/li", {"name": "three"}, {"If-Match": first}).status == 412
    assert ask(g, "DELETE", "/v1/contacts/li", None, {"If-Match": '"7"'}).status == 412
    assert put(g, "li", {"If-None-Match": "*"}, name="three").status == 409
    assert put(g, "wang", {"If-Match": first}).status == 412
    assert get(g, "li").json["name"] == "two"
    assert ask(g, "DELETE", "/v1/contacts/li", None, {"If-Match": second.headers["etag"]}).status == 204
    assert put(g, "li", name="again").headers["etag"] not in (first, second.headers["etag"])


def test_contact__patches_at_the_same_time_lose_nothing(gateway):
    g = gateway
    put(g, "li")
    answers = []

    def patch(i):
        answers.append(ask(g, "PATCH", "/v1/contacts/li", {"attributes": {"k%d" % i: i}}).status)
    threads = [threading.Thread(target=patch, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert answers == [200] * 4
    assert get(g, "li").json["attributes"] == {"k%d" % i: i for i in range(4)}


def test_contacts__are_found_by_number_and_address_page_by_page_and_only_by_their_account(gateway):
    g = gateway
    for i in range(7):
        assert put(g, "c%d" % i, numbers=["+861380013800%d" % (i % 5)], emails=["All@example.com"], language="zh" if i % 2 else "en").status == 201
    assert [c["id"] for c in find(g, number="13800138001")["data"]] == ["c1", "c6"]
    assert [c["id"] for c in find(g, email="ALL@example.com", language="zh")["data"]] == ["c1", "c3", "c5"]
    got, cursor = [], None
    while True:
        page = find(g, limit=3, **({"cursor": cursor} if cursor else {}))
        got += [c["id"] for c in page["data"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert got == ["c%d" % i for i in range(7)]
    assert find(g, number="+8613800138009")["data"] == []
    other = {"Authorization": "Bearer " + g.create_key(account="other")["key"]}
    assert ask(g, "GET", "/v1/contacts", key=other).json["data"] == []
    assert get(g, "c1", other).status == 404
    assert ask(g, "DELETE", "/v1/contacts/c1", key=other).status == 404
    assert put(g, "c1", key=other, name="theirs").status == 201
    assert get(g, "c1").json["name"] is None
    reader = {"Authorization": "Bearer " + g.create_key(scopes="read")["key"]}
    assert put(g, "c1", key=reader).status == 403


def test_devices__are_registered_seen_again_moved_and_removed(gateway):
    g = gateway
    put(g, "li")
    put(g, "han")

    def add(contact, platform, token):
        return ask(g, "POST", "/v1/contacts/%s/devices" % contact, {"platform": platform, "token": token})
    a = add("li", "fcm", "t:1/x")
    assert (a.status, [(d["platform"], d["token"]) for d in a.json["devices"]]) == (200, [("fcm", "t:1/x")]), a
    assert add("li", "apns", "ab" * 32).status == 200
    again = add("li", "fcm", "t:1/x").json["devices"]
    assert [d["platform"] for d in again] == ["fcm", "apns"] and again[0]["seen_at"] >= again[0]["added_at"]
    assert put(g, "li", name="kept").json["devices"] == again
    assert [d["token"] for d in add("han", "fcm", "t:1/x").json["devices"]] == ["t:1/x"]
    assert [d["platform"] for d in get(g, "li").json["devices"]] == ["apns"]
    assert add("nobody", "fcm", "t").status == 404
    assert add("li", "FCM", "t").status == 400 and add("li", "fcm", "a b").status == 400
    path = "/v1/contacts/li/devices/apns/" + "ab" * 32
    assert ask(g, "DELETE", path).status == 204 and ask(g, "DELETE", path).status == 404
    for i in range(20):
        a = add("li", "fcm", "token-%02d" % i)
    assert [d["token"] for d in a.json["devices"]] == ["token-%02d" % i for i in range(19, 3, -1)]


def test_message__to_a_contact_goes_to_their_number_in_their_language(gateway, tmp_path):
    g = gateway
    (tmp_path / "templates" / "ready.en.txt").write_text("Dear {{ contact.name }}, order {{ contact.order.id }} of {{ shop }} is ready ({{ contact.attributes.tier }}).")
    (tmp_path / "templates" / "plain.txt").write_text("{{ contact }}!")
    assert call(g.port, "GET", "/healthz").status == 200
    g.process.send_signal(1)
    put(g, "li", name="Li", numbers=[LI, "+14155550123"], language="en-GB", attributes={"tier": "gold", "order": {"id": "A-7"}, "number": "none of it"})

    def create(**fields):
        return g.post("/v1/messages", fields)

    def there():
        a = create(contact="li", template="ready", vars={"shop": "Yan"})
        assert a.status in (202, 422), a
        return a.status == 202 and g.message(a.json["id"])["body"].startswith("Dear") and a
    m = g.wait(until(there, 20).json["id"], "delivered")
    assert (m["to"], m["body"]) == (LI, "Dear Li, order A-7 of Yan is ready (gold)."), m
    m = g.message(create(contact="li", body="plain").json["id"])
    assert (m["to"], m["body"]) == (LI, "plain")
    m = g.message(create(contact="li", to="+14155550199", body="elsewhere").json["id"])
    assert m["to"] == "+14155550199"
    m = g.message(create(contact="li", template="plain", vars={"contact": "mine"}).json["id"])
    assert m["body"] == "mine!"
    a = create(contact="nobody", body="x")
    assert (a.status, a.json["field"]) == (422, "contact"), a
    put(g, "bare", emails=["bare@example.com"])
    a = create(contact="bare", body="x")
    assert (a.status, a.json["field"]) == (422, "contact") and "number" in a.json["detail"], a
    other = {"Authorization": "Bearer " + g.create_key(account="other")["key"]}
    assert g.post("/v1/messages", {"contact": "li", "body": "x"}, other).status == 422


def test_message__with_a_plan_skips_channels_the_contact_has_nothing_for(make_gateway):
    g = make_gateway()
    put(g, "li", numbers=[LI])
    a = g.post("/v1/messages", {"contact": "li", "body": "x", "channels": ["push", {"channel": "email", "title": "t"}, "sms"]})
    assert a.status == 202, a
    m = g.wait(a.json["id"], "delivered")
    assert (m["to"], m["channel"]) == (LI, "sms"), m
    a = g.post("/v1/messages", {"contact": "li", "body": "x", "channels": ["push", {"channel": "email", "title": "t"}]})
    assert (a.status, a.json["field"]) == (422, "contact"), a
