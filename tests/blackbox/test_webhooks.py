"""Webhooks out to customers: what is delivered, to whom, signed how, in which order; the log, replay, and who may see what."""
import base64
import datetime
import json
import time

import pytest

from harness.endpoint import Endpoint, Hooks, library_says, signature
from harness.gateway import after, call, unique, until

OPEN = {"allow_http": True, "allow_private": True}
NUMBER = "+14155550123"


@pytest.fixture
def endpoint():
    e = Endpoint()
    yield e
    e.close()


@pytest.fixture
def gateway(make_gateway):
    return make_gateway(webhooks=OPEN)


@pytest.fixture
def hooks(gateway):
    return Hooks(gateway, gateway.create_key(scopes="send,read,admin")["key"])


def test_webhook__tells_each_state_of_a_message_in_order(gateway, hooks, endpoint):
    hooks.create(endpoint.url)
    sid = gateway.create(topic="news", metadata={"order": 7})
    gateway.wait(sid, "delivered")
    endpoint.wait("message.delivered", sid)
    posts = endpoint.of(sid)
    moves = [e for e in gateway.events(sid) if not e["note"]]
    assert [p.type for p in posts] == ["message." + e["status"] for e in moves]
    assert [p.id for p in posts] == ["%s-%d" % (sid, e["number"]) for e in moves]
    last = posts[-1]
    assert last.data["to"] == NUMBER and last.data["topic"] == "news" and last.data["metadata"] == {"order": 7}
    assert last.json["timestamp"] == moves[-1]["at"]
    assert "body" not in last.data


def test_webhook__official_library_takes_our_signatures_during_a_rotation_too(gateway, hooks, endpoint):
    hook = hooks.create(endpoint.url, events=["message.delivered"])
    first = hook["secret"]
    assert first.startswith("whsec_") and len(base64.b64decode(first[6:])) == 32
    assert "secret" not in hooks.get(hook)
    gateway.create()
    one = endpoint.wait("message.delivered")
    second = hooks.ask("POST", "/%s/rotate" % hook["id"], {"overlap_s": 3600})["secret"]
    assert second != first
    sid = gateway.create()
    two = endpoint.wait("message.delivered", sid)
    third = hooks.ask("POST", "/%s/rotate" % hook["id"], {"overlap_s": 0})["secret"]
    sid = gateway.create()
    three = endpoint.wait("message.delivered", sid)
    assert len(two.headers["webhook-signature"].split(" ")) == 2
    assert len(three.headers["webhook-signature"].split(" ")) == 1
    said = library_says([(first, one), (first, two), (second, two), (third, three), (second, one), (second, three)])
    assert said[:4] == ["ok"] * 4, said
    assert "No matching signature found" in said[4] and "No matching signature found" in said[5]
    assert signature(third, three) == three.headers["webhook-signature"]


def test_webhook__takes_a_secret_of_ones_own(hooks, endpoint):
    own = "whsec_" + base64.b64encode(b"s" * 24).decode()
    hook = hooks.create(endpoint.url, secret=own)
    assert hook["secret"] == own
    hooks.ask("POST", "/%s/test" % hook["id"])
    assert library_says([(own, endpoint.wait("webhook.test"))]) == ["ok"]
    for bad in ("abc", "whsec_", "whsec_" + base64.b64encode(b"s" * 23).decode(), "whsec_" + base64.b64encode(b"s" * 65).decode()):
        assert hooks.ask("POST", "", {"url": endpoint.url, "secret": bad}, 400)["field"] == "secret"


def test_webhook__gets_only_the_events_and_topics_it_wants(gateway, hooks, endpoint):
    hooks.create(endpoint.url + "/final", events=["message.delivered", "message.failed"])
    hooks.create(endpoint.url + "/news", events=["message.*"], topics=["news", "games"])
    plain, news = gateway.create(), gateway.create(topic="news")
    for sid in (plain, news):
        gateway.wait(sid, "delivered")
    until(lambda: len(endpoint.of(plain)) == 1 and len(endpoint.of(news)) >= 5, 20)
    assert {(p.path, p.type) for p in endpoint.of(plain)} == {("/hook/final", "message.delivered")}
    paths = [p.path for p in endpoint.of(news)]
    assert paths.count("/hook/final") == 1 and paths.count("/hook/news") == len(paths) - 1


def test_webhook__replies_come_with_text_mood_and_what_they_answer(gateway, hooks, endpoint):
    hooks.create(endpoint.url, events=["message.received", "consent.*"])
    sid = gateway.create(body="hello")
    gateway.wait(sid, "delivered")
    gateway.sim.reply(NUMBER, "+15005550006", "STOP")
    got = endpoint.wait("message.received")
    out = endpoint.wait("consent.opted_out")
    assert got.data["body"] == "STOP" and got.data["from"] == NUMBER and got.data["in_reply_to"] == sid
    assert got.data["action"] == "stop" and got.data["mood"] in ("negative", "neutral", "positive")
    assert out.data == {"message_id": got.data["id"], "number": NUMBER, "topic": None, "source": "reply", "keyword": "STOP"}
    gateway.sim.reply(NUMBER, "+15005550006", "START")
    assert endpoint.wait("consent.opted_in").data["number"] == NUMBER


def test_webhook__a_negative_reply_raises_an_alarm_once_and_others_do_not(gateway, hooks, endpoint):
    hooks.create(endpoint.url + "/alarm", events=["reply.negative"])
    hooks.create(endpoint.url + "/all", events=["message.received", "reply.*"])
    sid = gateway.create(body="hello")
    gateway.wait(sid, "delivered")
    for body in ("at 5 pm", "Great service, thanks!", "太差了，骗子"):
        gateway.sim.reply(NUMBER, "+15005550006", body)
        until(lambda b=body: any(p.type == "message.received" and p.data["body"] == b for p in list(endpoint.posts)), 20)
    alarm = endpoint.wait("reply.negative")
    until(lambda: len([p for p in list(endpoint.posts) if p.type == "reply.negative"]) == 2, 20)
    alarms = [p for p in list(endpoint.posts) if p.type == "reply.negative"]
    assert sorted(p.path for p in alarms) == ["/hook/alarm", "/hook/all"] and {p.path for p in list(endpoint.posts)} == {"/hook/alarm", "/hook/all"}
    received = next(p for p in list(endpoint.posts) if p.type == "message.received" and p.data["body"] == "太差了，骗子")
    assert alarm.data == received.data and alarm.data["in_reply_to"] == sid and alarm.data["mood"] == "negative" and alarm.data["polarity"] < -500
    assert alarm.id != received.id and len({p.id for p in alarms}) == 1
    inbox = gateway.get("/v1/replies?mood=negative").json["data"]
    assert [r["id"] for r in inbox] == [alarm.data["id"]]
    assert "replies_negative_total 1" in gateway.get("/metrics").body.decode()
    late = hooks.create(endpoint.url + "/late", events=["reply.negative"])
    hooks.ask("POST", "/%s/replay" % late["id"], {"since": alarm.json["timestamp"][:16] + ":00Z"})
    again = until(lambda: [p for p in list(endpoint.posts) if p.path == "/hook/late"], 20)
    assert [(p.id, p.type, p.data) for p in again] == [(alarm.id, "reply.negative", alarm.data)]


def test_webhook__suppressed_messages_are_told(gateway, hooks, endpoint):
    hooks.create(endpoint.url, events=["message.suppressed"])
    a = call(gateway.port, "PUT", "/v1/suppressions/%2B14155550199", b"",
             {"Authorization": "Bearer " + hooks.key})
    assert a.status == 201, a
    sid = gateway.create(to="+14155550199")
    assert endpoint.wait("message.suppressed", sid).data["reason"] == "opted_out"


def test_webhook__test_event_goes_to_it_alone_whatever_it_wants(hooks, endpoint):
    hook = hooks.create(endpoint.url + "/a", events=["message.failed"])
    hooks.create(endpoint.url + "/b", events=["*"])
    hooks.ask("POST", "/%s/test" % hook["id"], expect=202)
    post = endpoint.wait("webhook.test")
    assert post.path == "/hook/a" and post.id.startswith("EV") and post.data == {"test": True}
    row = until(lambda: [r for r in hooks.deliveries(hook) if r["outcome"] == "taken"])[0]
    assert row["webhook_id"] == post.id and row["type"] == "webhook.test" and row["message_id"] is None
    assert [p.path for p in endpoint.posts] == ["/hook/a"]


def test_webhook__log_says_what_came_of_each(gateway, hooks, endpoint):
    refuse = [503]
    endpoint.answer = lambda post: refuse.pop() if refuse else 204
    hook = hooks.create(endpoint.url, events=["message.delivered"])
    sid = gateway.create()
    row = until(lambda: next((r for r in hooks.deliveries(hook) if r["attempts"] == 2), None), 30)
    assert row["outcome"] == "taken" and row["status_code"] == 204 and row["message_id"] == sid
    assert row["duration_ms"] >= 0 and row["next_attempt_at"] is None and row["error"] is None
    assert [p.id for p in endpoint.posts] == [row["webhook_id"]] * 2
    assert hooks.deliveries(hook, "&outcome=owed") == [] and len(hooks.deliveries(hook, "&outcome=taken")) == 1


def test_webhook__log_has_pages(gateway, hooks, endpoint):
    hook = hooks.create(endpoint.url)
    for _ in range(5):
        gateway.create()
    until(lambda: endpoint.types()["message.delivered"] == 5, 20)
    first = hooks.ask("GET", "/%s/deliveries?limit=7" % hook["id"])
    rest = hooks.ask("GET", "/%s/deliveries?limit=500&cursor=%s" % (hook["id"], first["next_cursor"]))
    ids = [r["webhook_id"] for r in first["data"] + rest["data"]]
    assert len(first["data"]) == 7 and len(ids) == len(set(ids)) >= 20 and rest["next_cursor"] is None


def test_webhook__replay_delivers_again_with_the_same_ids_in_order(gateway, hooks, endpoint):
    hook = hooks.create(endpoint.url)
    early = gateway.create()
    until(lambda: [p.type for p in endpoint.of(early)][-1:] == ["message.delivered"], 20)
    time.sleep(0.01)
    since = datetime.datetime.now(datetime.timezone.utc).isoformat()
    late = [gateway.create() for _ in range(20)]
    until(lambda: endpoint.types()["message.delivered"] == 21, 20)
    until(lambda: not hooks.deliveries(hook, "&outcome=owed"), 20)
    before = {sid: [p.id for p in endpoint.of(sid)] for sid in late}
    endpoint.posts.clear()
    hooks.ask("POST", "/%s/replay" % hook["id"], {"since": since}, 202)
    until(lambda: endpoint.types()["message.delivered"] >= 20, 20)
    until(lambda: not hooks.deliveries(hook, "&outcome=owed") and not hooks.get(hook)["replaying"], 20)
    assert {sid: [p.id for p in endpoint.of(sid)] for sid in late} == before
    assert not endpoint.of(early)


def test_webhook__what_happened_while_it_was_disabled_comes_by_replay_only(gateway, hooks, endpoint):
    hook = hooks.create(endpoint.url, events=["message.delivered"])
    since = after(-1)
    off = hooks.ask("POST", "/%s/disable" % hook["id"])
    assert off["status"] == "disabled" and off["disabled_reason"] == "by_caller" and off["disabled_since"]
    for path, body in (("test", None), ("replay", {"since": since})):
        assert "enable" in hooks.ask("POST", "/%s/%s" % (hook["id"], path), body, 409)["detail"]
    missed = gateway.create()
    gateway.wait(missed, "delivered")
    assert hooks.ask("POST", "/%s/enable" % hook["id"])["status"] == "enabled"
    seen = gateway.create()
    endpoint.wait("message.delivered", seen)
    assert not endpoint.of(missed)
    hooks.ask("POST", "/%s/replay" % hook["id"], {"since": since})
    endpoint.wait("message.delivered", missed)


def test_webhook__update_changes_what_is_given_and_delete_ends_it(gateway, hooks, endpoint):
    hook = hooks.create(endpoint.url + "/old", events=["message.delivered"], description="mine")
    new = hooks.ask("PATCH", "/" + hook["id"], {"url": endpoint.url + "/new"})
    assert new["events"] == ["message.delivered"] and new["description"] == "mine" and new["url"].endswith("/new")
    sid = gateway.create()
    assert endpoint.wait("message.delivered", sid).path == "/hook/new"
    assert hooks.ask("PATCH", "/" + hook["id"], {"description": "", "topics": ["a"]})["description"] is None
    assert hooks.ask("GET", "")["data"][0]["topics"] == ["a"]
    hooks.ask("DELETE", "/" + hook["id"], expect=204)
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/enable"), ("POST", "/test"), ("GET", "/deliveries")):
        hooks.ask(method, "/" + hook["id"] + path, expect=404)
    assert hooks.ask("GET", "")["data"] == []
    endpoint.posts.clear()
    gateway.wait(gateway.create(), "delivered")
    assert not endpoint.posts


def test_webhook__another_account_sees_and_gets_nothing_of_it(gateway, hooks, endpoint):
    other = Hooks(gateway, gateway.create_key("other", "send,read,admin")["key"])
    mine = hooks.create(endpoint.url + "/mine")
    theirs = other.create(endpoint.url + "/theirs")
    assert [h["id"] for h in other.ask("GET", "")["data"]] == [theirs["id"]]
    for method, path, body in (("GET", "", None), ("PATCH", "", {"description": "x"}), ("DELETE", "", None), ("POST", "/rotate", None),
                               ("POST", "/enable", None), ("POST", "/disable", None), ("POST", "/test", None),
                               ("POST", "/replay", {"since": after(-5)}), ("GET", "/deliveries", None)):
        other.ask(method, "/" + mine["id"] + path, body, 404)
    sid = gateway.create()
    gateway.wait(sid, "delivered")
    endpoint.wait("message.delivered", sid)
    assert {p.path for p in endpoint.posts} == {"/hook/mine"}
    assert hooks.get(mine)["description"] is None and hooks.get(mine)["status"] == "enabled"


def test_webhook__needs_the_scope_admin(gateway):
    plain = Hooks(gateway, gateway.create_key()["key"])
    assert "admin" in plain.ask("GET", "", expect=403)["detail"]


BAD = [
    ({}, "url"), ({"url": "https://example.com/", "events": []}, "events"), ({"url": "https://example.com/", "events": ["message.gone"]}, "events"),
    ({"url": "https://example.com/", "events": ["mess*"]}, "events"), ({"url": "https://example.com/", "events": [7]}, "events"),
    ({"url": "https://example.com/", "topics": [""]}, "topics"), ({"url": "https://example.com/", "topics": ["a\nb"]}, "topics"),
    ({"url": "https://example.com/", "topics": ["a"] * 33}, "topics"), ({"url": "https://example.com/" + "a" * 2048}, "url"),
    ({"url": "https://exa mple.com/"}, "url"), ({"url": "https://example.com/\n"}, "url"), ({"url": "ftp://example.com/"}, "url"),
    ({"url": "https://me:secret@example.com/"}, "url"), ({"url": "https:///x"}, "url"), ({"url": "https://example.com/", "secret": "x"}, "secret"),
]


def test_webhook__bad_requests_name_the_field(hooks):
    for body, field in BAD:
        assert hooks.ask("POST", "", body, 400)["field"] == field, body
    assert hooks.ask("GET", "")["data"] == []


def test_webhook__at_most_sixteen_an_account(hooks, endpoint):
    made = [hooks.create(endpoint.url) for _ in range(16)]
    assert "16" in hooks.ask("POST", "", {"url": endpoint.url}, 409)["detail"]
    hooks.ask("DELETE", "/" + made[0]["id"])
    hooks.create(endpoint.url)


INSIDE = ("https://127.0.0.1/", "https://localhost/", "https://10.0.0.1/x", "https://[::1]/", "https://169.254.169.254/latest",
          "https://0x7f000001/", "https://2130706433/", "https://a.localhost:99/")


def test_webhook__private_addresses_and_plain_http_are_refused_by_default(make_gateway):
    g = make_gateway()
    hooks = Hooks(g, g.create_key(scopes="admin")["key"])
    for url in ("http://example.com/",) + INSIDE:
        assert hooks.ask("POST", "", {"url": url}, 400)["field"] == "url", url


def test_webhook__a_port_that_cannot_be_called_is_refused(make_gateway):
    g = make_gateway()
    hooks = Hooks(g, g.create_key(scopes="admin")["key"])
    for port in (":0", ":65536", ":99999", ":-1", ":x", ":443x", ":4 3", ":18446744073709551617"):
        assert hooks.ask("POST", "", {"url": "https://example.com%s/" % port}, 400)["field"] == "url", port
    assert hooks.ask("POST", "", {"url": "https://[2606:4700::1111]x/"}, 400)["field"] == "url"
    for good in ("https://example.com:65535", "https://example.com:/", "https://[2606:4700::1111]:1/", "https://[2606:4700::1111]"):
        hooks.create(good)


def test_webhook__secret_is_not_in_the_database_or_the_log(gateway, hooks, endpoint):
    hook = hooks.create(endpoint.url)
    gateway.create()
    endpoint.wait("message.delivered")
    raw = base64.b64decode(hook["secret"][6:])
    for path in gateway.data.glob("hongyan.db*"):
        data = path.read_bytes()
        assert raw not in data and hook["secret"].encode() not in data
    assert hook["secret"] not in gateway.log()


def test_webhook__unique_text_of_a_message_is_not_told(gateway, hooks, endpoint):
    hooks.create(endpoint.url)
    text = unique()
    sid = gateway.create(body=text)
    endpoint.wait("message.delivered", sid)
    assert all(text not in json.dumps(p.json) for p in endpoint.posts)
