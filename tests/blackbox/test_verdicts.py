"""What an answer of a provider means, for the message and for its lane, as attempts, events and webhooks tell it: a lane and a provider for each class."""
import json

import pytest

from harness.endpoint import Endpoint, Hooks
from harness.gateway import Gateway, until

# What the provider answers; what then stands in the attempt: outcome, hint for the lane, reason, code; and the message's state.
ANSWERS = {
    "taken": (None, "sent", "fine", None, None, "sent"),
    "number": ({"status": 400, "code": 21211}, "rejected", "fine", "invalid_number", 21211, "failed"),
    "throttle": ({"status": 429, "code": 20429, "retry_after_s": 60}, "retry", "slow_down", "throttled", 20429, "queued"),
    "quota": ({"status": 429, "code": 63038}, "retry", "slow_down", "quota", 63038, "queued"),
    "account": ({"status": 401, "code": 20003}, "retry", "broken", "credentials", 20003, "queued"),
    "fault": ({"status": 500, "code": 20500}, "unknown", "down", "provider_down", 20500, "unknown"),
    # Codes that nobody knows, by their HTTP status.
    "400": ({"status": 400, "code": 29871}, "rejected", "fine", "rejected", 29871, "failed"),
    "401": ({"status": 401, "code": 29872}, "retry", "broken", "credentials", 29872, "queued"),
    "429": ({"status": 429, "code": 29873}, "retry", "slow_down", "throttled", 29873, "queued"),
    "500": ({"status": 500, "code": 29874}, "unknown", "down", "provider_down", 29874, "unknown"),
    "503": ({"status": 503, "code": 29875}, "unknown", "down", "provider_down", 29875, "unknown"),
}
UNKNOWN_CODES = {name: row[4] for name, row in ANSWERS.items() if row[4] and 29870 < row[4] < 29880}


@pytest.fixture
def gateway(make_gateway):
    sims = {name: make_gateway.simulator(profile={"errors": [{"share": 1, **row[0]}]} if row[0] else {"receipts": {"none": 1}})
            for name, row in ANSWERS.items()}
    g = make_gateway.gateway(lanes=[Gateway.lane("lane-" + name, sim.url, lookup_after_ms=600000) for name, sim in sims.items()],
                             routes=[{"name": "route-" + name, "topic": [name], "lanes": ["lane-" + name]} for name in sims],
                             webhooks={"allow_http": True, "allow_private": True}, retry={"first_ms": 60000, "max_ms": 60000})
    return g.start()


def test_verdict__its_class_is_shown_by_attempts_events_and_webhooks(gateway):
    g, endpoint = gateway, Endpoint()
    Hooks(g, g.create_key(scopes="send,read,admin")["key"]).create(endpoint.url)
    sids = {name: g.create("+1415555%04d" % i, topic=name) for i, name in enumerate(ANSWERS)}
    for name, (_, outcome, hint, reason, code, state) in ANSWERS.items():
        sid = sids[name]
        until(lambda: g.message(sid)["status"] == state and g.attempts(sid)[0]["ended_at"], 30, told="%s: %s" % (name, g.message(sid)))
        a = g.attempts(sid)[0]
        assert (a["outcome"], a["lane_hint"], a["reason"], a["code"]) == (outcome, hint, reason, code), (name, a)
        told = [e for e in g.events(sid) if e["outcome"]]
        assert {(e["outcome"], e["lane_hint"]) for e in told} == {(outcome, hint)}, (name, told)  # by now it may have been tried again
        assert (told[0]["status"], told[0]["attempt"]) == (state, 1), (name, told)
        number = told[0]["number"]
        post = until(lambda: next((p for p in endpoint.of(sid) if p.data["event"] == number), None), 30)
        assert (post.data["outcome"], post.data["lane_hint"]) == (outcome, hint), (name, post.data)
        assert [p.type for p in endpoint.of(sid) if p.data["event"] < number and "lane_hint" in p.data] == [], name
    endpoint.close()
    metrics = g.metrics()
    for name, code in UNKNOWN_CODES.items():
        assert metrics['sms_unknown_codes_total{lane="lane-%s",code="%d"}' % (name, code)] >= 1
    assert sum(key.startswith("sms_unknown_codes_total{") for key in metrics) == len(UNKNOWN_CODES)


def test_verdict__what_an_open_outcome_turned_out_to_be_leaves_its_event_as_it_was(make_gateway):
    g = make_gateway(lane={"lookup_after_ms": 300}, profile={"lost_answers": 1, "receipts": {"none": 1}})
    sid = g.create()
    g.wait(sid, "sent", timeout=30)  # the provider was asked: it has it
    assert [(a["outcome"], a["lane_hint"]) for a in g.attempts(sid)] == [("sent", "down")]
    assert [(e["status"], e["outcome"], e["lane_hint"]) for e in g.events(sid) if e["outcome"]] == [("unknown", "unknown", "down")]


def test_verdict__the_document_of_the_api_says_every_word(make_gateway):
    schemas = make_gateway().get("/openapi.json").json["components"]["schemas"]
    for shape in ("Attempt", "Event"):
        told = json.dumps(schemas[shape]["properties"]["lane_hint"])
        assert all('"%s"' % word in told for word in ("fine", "slow_down", "down", "broken")), told
