"""What is not sent says why: each reason for which a message ends `suppressed` stands in its answer, in its events, in the metrics and in what
webhooks are told; and it is kept, and found again."""
import pytest

from harness.endpoint import Endpoint, Hooks
from harness.gateway import after, until
from test_consent import ask, put

LI, DEAD, FOREIGN = "+8613800138000", "+15005550001", "+447400123456"
REASONS = ("opted_out", "blocked", "known_invalid", "no_consent", "screened", "duplicate", "frequency_cap", "country_not_allowed",
           "spend_ceiling", "prefix_blocked")


@pytest.fixture
def g(make_gateway, tmp_path):
    (tmp_path / "words.txt").write_text("casino\n", encoding="utf-8")
    g = make_gateway(lane={"prices": ["* 1"], "price_per": "message", "lookup_after_ms": 300},
                     consent={"required_topics": ["marketing"]}, screen={"words": [str(tmp_path / "words.txt")], "action": "block"},
                     limits={"duplicates": ["10min for topic=notes"], "caps": ["1/7d for topic=news"],
                             "spend": ["1000 USD/day", "0.5 USD/day for account=poor"]},
                     fraud={"countries": ["CN", "US", "AF"], "burst_min": 30, "action": "block"},
                     webhooks={"allow_http": True, "allow_private": True})
    g.boss = {"Authorization": "Bearer " + g.create_key(scopes="send,read,admin")["key"]}
    return g


def make(g, reason):
    """A message that ends so, and the key that may look at it."""
    def post(headers=None, **message):
        a = g.post("/v1/messages", {"to": LI, "body": reason, **message}, headers)
        assert a.status == 202, a
        return a.json["id"], headers
    if reason == "opted_out":
        put(g, "+8613800138001")
        return post(to="+8613800138001")
    if reason == "blocked":
        put(g, "+8613800138002", g.boss, kind="block")
        return post(to="+8613800138002")
    if reason == "known_invalid":
        g.wait(post(to=DEAD)[0], "failed")
        return post(to=DEAD)
    if reason == "no_consent":
        return post(topic="marketing")
    if reason == "screened":
        return post(body="a casino")
    if reason in ("duplicate", "frequency_cap"):
        topic = {"duplicate": "notes", "frequency_cap": "news"}[reason]
        g.wait(post(topic=topic, body="the first" if topic == "news" else reason)[0], "delivered")
        return post(topic=topic)
    if reason == "country_not_allowed":
        return post(to=FOREIGN)
    if reason == "prefix_blocked":
        for i in range(30):
            made = post(to="+9370123%04d" % i)
        return made
    poor = {"Authorization": "Bearer " + g.create_key("poor", "send,read,admin")["key"]}
    Hooks(g, poor["Authorization"].split()[1]).create(g.endpoint.url)
    return post(poor, validity_s=1)


def test_suppressed__each_reason_is_told_by_answer_event_metric_and_webhook(g):
    g.endpoint = Endpoint()
    Hooks(g, g.boss["Authorization"].split()[1]).create(g.endpoint.url)
    for reason in REASONS:
        sid, headers = make(g, reason)
        m = g.get("/v1/messages/" + sid, headers=headers).json
        assert (m["status"], m["reason"]) == ("suppressed", reason) and m["reason_text"], m
        assert (m["attempts"], m["waiting_for"]) == (0, None) and m["done_at"], m
        last = g.get("/v1/messages/%s/events" % sid, headers=headers).json["data"][-1]
        assert (last["status"], last["reason"]) == ("suppressed", reason), last
        assert g.metrics()['sms_failed_total{reason="%s"}' % reason] == 1, reason
        post = until(lambda: next((p for p in g.endpoint.of(sid) if p.type == "message.suppressed"), None), 20, told=reason)
        assert post.data["reason"] == reason, post.data
        assert sid in [row["id"] for row in g.get("/v1/messages?status=suppressed&limit=1000", headers=headers).json["data"]]
        assert "id=" + sid in "".join(line for line in g.logged("message.suppressed") if "reason=" + reason in line), reason
    assert {m["body"] for m in g.sim.messages()}.isdisjoint(set(REASONS) - {"duplicate", "prefix_blocked"})
    g.endpoint.close()


def test_suppressed__what_waited_says_so_too_when_its_time_comes(g):
    later = {"to": LI, "send_at": after(2)}
    refused, scheduled = g.create(body="now", topic="marketing"), g.create(**later)
    assert g.message(scheduled)["status"] == "scheduled" and g.message(refused)["reason"] == "no_consent"
    assert ask(g, "PUT", "/v1/suppressions/%2B8613800138000", {}).status == 201
    assert g.wait(scheduled, "suppressed")["reason"] == "opted_out"
    assert [e["status"] for e in g.events(scheduled)] == ["accepted", "scheduled", "suppressed"]
    assert g.metrics()['sms_failed_total{reason="opted_out"}'] == 1 and not g.sim.stats()["received"]
