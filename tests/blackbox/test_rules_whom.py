"""Whom rules write to: lists of addresses and of contacts, digests for contacts; and how much work one event may cause."""
import json
import threading
import time

import pytest

from harness.gateway import call, until

TEMPLATES = {
    "hello.txt": "Hello {% if contact is defined %}{{ contact.name }}{% else %}all{% endif %}: {{ data.item }}",
    "summary.txt": "{{ contact.name }}: {% for e in events %}{{ e.data.item }} {% endfor %}",
    "plain.txt": "news: {% for e in events %}{{ e.data.item }} {% endfor %}",
    "heavy.txt": "{% for i in range(2000) %}{% if i < 0 %}x{% endif %}{% endfor %}heavy",
}


@pytest.fixture
def folders(tmp_path):
    def make(rules):
        for name in ("templates", "rules"):
            (tmp_path / name).mkdir()
        for name, text in TEMPLATES.items():
            (tmp_path / "templates" / name).write_text(text)
        (tmp_path / "rules" / "r.yaml").write_text("rules:\n" + rules)
        return {"templates": {"dir": str(tmp_path / "templates")}, "rules": {"dir": str(tmp_path / "rules")}}
    return make


def post(gateway, type, **data):
    answer = gateway.post("/v1/events", {"type": type, "data": data})
    assert answer.status == 202, answer
    return answer.json


def contact(gateway, id, name, number, **more):
    answer = call(gateway.port, "PUT", "/v1/contacts/" + id, json.dumps({"name": name, "numbers": [number], **more}).encode(),
                  {**gateway.bearer, "Content-Type": "application/json"})
    assert answer.status in (200, 201), answer


def texts(gateway, answer):
    assert any(o["did"] == "fired" for o in answer["outcomes"]), answer
    return sorted((m["to"], m["body"]) for m in
                  (gateway.wait(o["message_id"], "delivered") for o in answer["outcomes"] if o["did"] == "fired"))


LISTS = """\
  - {name: many, on: many.new, to: "[data.first, data.second, data.third]", template: hello, dedupe: {key: data.item, window: 1h}}
  - {name: people, on: people.new, contact: data.ids, template: hello}
  - {name: crew, on: crew.new, to: "data.crew | map(attribute='phone') | list", template: hello, key: data.item, delay: 1h,
     cancel_on: crew.gone}
"""


def test_rule__a_list_of_recipients_gets_a_text_each_and_nobody_two(make_gateway, folders):
    gateway = make_gateway(**folders(LISTS))
    answer = post(gateway, "many.new", item="a", first="+14155550131", second="+1 415-555-0131", third="+14155550132")
    assert texts(gateway, answer) == [("+14155550131", "Hello all: a"), ("+14155550132", "Hello all: a")]
    counts = gateway.get("/v1/rules/many").json["counts"]
    assert (counts["matched"], counts["fired"]) == (1, 2)
    again = post(gateway, "many.new", item="a", first="+14155550131", second=None, third="+14155550132")
    assert {o["did"] for o in again["outcomes"]} == {"deduplicated"}
    wrong = post(gateway, "many.new", item="b", first="nobody", second="+14155550133", third=None)
    assert sorted(o["did"] for o in wrong["outcomes"]) == ["error", "fired"]  # one does not hinder the others
    none = post(gateway, "many.new", item="c", first=None, second="", third=None)
    assert [o["did"] for o in none["outcomes"]] == ["error"] and "no value" in none["outcomes"][0]["detail"]


def test_rule__a_list_of_contacts_is_written_to_each_by_name(make_gateway, folders):
    gateway = make_gateway(**folders(LISTS))
    contact(gateway, "li", "Li", "+8613800138001")
    contact(gateway, "wang", "Wang", "+8613800138002")
    answer = post(gateway, "people.new", item="x", ids=["li", "wang", "li", "nobody"])
    assert texts(gateway, answer) == [("+8613800138001", "Hello Li: x"), ("+8613800138002", "Hello Wang: x")]
    assert ["nobody" in o["detail"] for o in answer["outcomes"] if o["did"] == "error"] == [True]
    one = post(gateway, "people.new", item="y", ids="wang")
    assert texts(gateway, one) == [("+8613800138002", "Hello Wang: y")]


def test_rule__a_list_is_withdrawn_as_a_whole_and_bounded(make_gateway, folders):
    gateway = make_gateway(**folders(LISTS))
    crew = [{"phone": "+141555502%02d" % i} for i in range(100)]
    made = post(gateway, "crew.new", item="z", crew=crew)
    assert [o["did"] for o in made["outcomes"]] == ["fired"] * 100
    gone = post(gateway, "crew.gone", item="z")
    canceled = [o for o in gone["outcomes"] if o["did"] == "canceled"]
    assert len(canceled) == 100
    for o in made["outcomes"]:
        until(lambda: gateway.message(o["message_id"])["status"] == "canceled" or None, 30)
    more = post(gateway, "crew.new", item="z", crew=crew + [{"phone": "+14155550999"}])
    assert [o["did"] for o in more["outcomes"]] == ["error"] and "100" in more["outcomes"][0]["detail"]
    tried = gateway.post("/v1/rules/test", {"event": {"type": "crew.new", "data": {"item": "q", "crew": crew}}}).json
    said = {r["rule"]: r for r in tried["rules"]}["crew"]
    assert said["would"] == "fire" and len(said["recipients"]) == 100 and said["to"] == crew[0]["phone"]


def test_digest__is_made_for_a_contact_as_it_is_when_the_text_is_made(make_gateway, folders):
    gateway = make_gateway(**folders(
        "  - {name: news, on: item.new, contact: data.people, template: summary, digest: {window: 12s}}\n"))
    contact(gateway, "li", "Li", "+8613800138001")
    contact(gateway, "wang", "Wang", "+8613800138002")
    events = [post(gateway, "item.new", item="a", people=["li", "wang"]), post(gateway, "item.new", item="b", people=["li", "nobody"])]
    assert [o["did"] for e in events for o in e["outcomes"]] == ["digested", "digested", "digested", "error"]
    contact(gateway, "li", "Li Lei", "+8613800138009")

    def made():
        ids = [m["id"] for m in gateway.get("/v1/messages").json["data"]]
        return ids if len(ids) == 2 else None
    found = sorted((m["to"], m["body"].split(": ")) for m in (gateway.wait(i, "delivered") for i in until(made, 60)))
    said = {to: (name, items.split()) for to, (name, items) in found}
    assert said["+8613800138002"] == ("Wang", ["a"])
    assert said["+8613800138009"] == ("Li Lei", ["a", "b"])
    # Each outcome tells of the text to whom it was for, not of the one that was made last.
    for event in events:
        went_to = [gateway.message(o["message_id"])["to"] for o in gateway.get("/v1/events/" + event["id"]).json["outcomes"] if o["did"] == "digested"]
        assert went_to == ["+8613800138009", "+8613800138002"][:len(went_to)] and went_to, went_to


def test_digest__gathers_once_for_who_is_named_twice(make_gateway, folders):
    gateway = make_gateway(**folders(
        "  - {name: news, on: item.new, to: '[data.first, data.second]', template: plain, digest: {window: 1s}}\n"))
    event = post(gateway, "item.new", item="a", first="+14155550131", second="+1 415-555-0131")
    assert [o["did"] for o in event["outcomes"]] == ["digested"]
    made = until(lambda: gateway.get("/v1/events/" + event["id"]).json["outcomes"][0]["message_id"], 30)
    assert gateway.wait(made, "delivered")["body"] == "news: a "


def test_budget__heavy_rules_leave_others_unjudged_say_so_and_hold_nobody_up(make_gateway, folders):
    heavy = "(range(6000) | list | length) < 0"
    rules = "".join("  - {name: r%03d, on: heavy.new, when: \"%s\", to: data.phone, template: hello}\n" % (i, heavy) for i in range(900))
    rules += "  - {name: zz, on: heavy.new, to: data.phone, template: hello}\n"
    gateway = make_gateway(**folders(rules), limits={"request_bytes_max": 1 << 20})
    first = post(gateway, "heavy.new", phone="+14155550131", item="h")
    judged, left = first["not_matched"], first["not_judged"]
    assert len(judged) + len(left) == 901 and 1 < len(judged) < 900 and left[-1] == "zz", (len(judged), len(left))
    assert first["outcomes"] == [] and gateway.get("/v1/events/" + first["id"]).json == first
    assert "rules_unjudged_total %d" % len(left) in gateway.get("/metrics").body.decode()
    batch = "\n".join(json.dumps({"type": "heavy.new", "data": {"phone": "+14155550131"}}) for _ in range(200)).encode()
    answers, slowest = [], 0
    poster = threading.Thread(target=lambda: answers.append(
        gateway.post("/v1/events", batch, {"Content-Type": "application/x-ndjson"})))
    poster.start()
    while poster.is_alive():
        begun = time.monotonic()
        assert gateway.get("/healthz").status == 200
        slowest = max(slowest, time.monotonic() - begun)
    said = answers[0].json
    assert 0 < said["accepted"] < 200 and said["accepted"] + len(said["refused"]) == 200
    assert all(r["retry"] and "post it again" in r["detail"] for r in said["refused"])
    assert slowest < 10, slowest  # a busy machine; by itself a few tenths
    tried = gateway.post("/v1/rules/test", {"event": {"type": "heavy.new", "data": {"phone": "+14155550131"}}}).json["rules"]
    assert tried[-1]["would"] == "be_left"


def test_budget__texts_count_too(make_gateway, folders):
    rules = "".join("  - {name: r%03d, on: t.new, to: data.phones, template: heavy}\n" % i for i in range(3))
    gateway = make_gateway(**folders(rules))
    answer = post(gateway, "t.new", phones=["+1415555%04d" % (100 + i) for i in range(90)])
    fired = [o for o in answer["outcomes"] if o["did"] == "fired"]
    assert 0 < len(fired) < 100 and answer["not_judged"][-1] == "r002", (len(fired), answer["not_judged"])


def test_event__is_found_by_its_senders_id(make_gateway, folders):
    gateway = make_gateway(**folders(LISTS))
    made = gateway.post("/v1/events", {"type": "a.b", "id": "order 7/paid"}).json
    other = gateway.post("/v1/events", {"type": "a.b", "id": "order 7/paid", "source": "shop"}).json

    def find(query):
        answer = gateway.get("/v1/events?" + query)
        assert answer.status == 200, answer
        return [e["id"] for e in answer.json["data"]]
    assert find("event_id=order%207%2Fpaid") == [made["id"]]
    assert find("event_id=order%207%2Fpaid&source=shop") == [other["id"]]
    assert find("event_id=order%207%2Fpaid&type=c.d") == [] and find("event_id=x") == []
    stranger = {"Authorization": "Bearer " + gateway.create_key(account="other", scopes="send,read")["key"]}
    assert gateway.get("/v1/events?event_id=order%207%2Fpaid", headers=stranger).json["data"] == []
