"""Business events and the rules that make messages of them: the program from outside, with rules of files and of the store."""
import base64
import concurrent.futures
import hashlib
import hmac
import json
import time

import pytest

from harness.gateway import after, unique, until

TEMPLATES = {
    "paid.txt": "{{ name }},您的订单 {{ order_id }} 已付款{% if urgent %},加急处理{% endif %}。",
    "reminder.en.txt": "{{ data.name }}, your table is booked for {{ data.start_at }}.",
    "reminder.zh.txt": "{{ data.name }},您预订的 {{ data.start_at }} 请准时到店。",
    "reminder.txt": "{{ data.name }}: {{ data.start_at }}",
    "summary.txt": "{{ count }} new: {% for e in events %}{{ e.data.item }}{% if not loop.last %}, {% endif %}{% endfor %}",
}

RULES = """\
rules:
  - name: order-paid
    on: order.paid
    when: data.total >= 10
    to: data.phone
    template: paid
    topic: orders
    priority: transactional
  - name: table-reminder
    on: [booking.created, booking.changed]
    to: data.phone
    template: reminder
    language: data.language
    key: data.booking_id
    delay: 24h before data.start_at
    cancel_on: [booking.cancelled, booking.changed]
  - name: once-a-day
    on: alarm.*
    to: data.phone
    template: summary
    vars: {count: "1", events: "[event]"}
    dedupe: {key: data.device, window: 1d}
  - name: gathered
    on: item.added
    to: data.phone
    template: summary
    digest: {window: 2s}
  - name: broken
    on: order.paid
    when: data.total.nothing.at.all > 1
    to: data.phone
    template: paid
"""


@pytest.fixture
def folders(tmp_path):
    templates, rules = tmp_path / "templates", tmp_path / "rules"
    templates.mkdir()
    rules.mkdir()
    for name, text in TEMPLATES.items():
        (templates / name).write_text(text, encoding="utf-8")
    (rules / "shop.yaml").write_text(RULES, encoding="utf-8")
    return {"templates": {"dir": str(templates)}, "rules": {"dir": str(rules)}}


def event(gateway, type, event_id=None, status=202, **data):
    body = {"type": type, "data": data}
    if event_id:
        body["id"] = event_id
    answer = gateway.post("/v1/events", body)
    assert answer.status == status, answer
    return answer.json


def did(answer, rule):
    return [o for o in answer["outcomes"] if o["rule"] == rule]


def fired(answer, rule):
    outcomes = [o for o in did(answer, rule) if o["did"] == "fired"]
    assert len(outcomes) == 1, answer
    return outcomes[0]["message_id"]


PAID = {"phone": "+14155550123", "name": "Li", "order_id": 1001, "total": 20, "urgent": False}


def test_event__a_rule_makes_a_text_of_it_and_another_rules_error_does_not_stop_it(make_gateway, folders):
    gateway = make_gateway(**folders)
    answer = event(gateway, "order.paid", **PAID)
    message = gateway.wait(fired(answer, "order-paid"), "delivered")
    assert message["body"] == "Li,您的订单 1001 已付款。"
    assert message["topic"] == "orders"
    assert did(answer, "broken")[0]["did"] == "error"
    assert "when" in did(answer, "broken")[0]["detail"]
    until(lambda: "event=rule.failed rule=broken type=order.paid id=%s" % answer["id"] in gateway.log(), told="an operator does not learn which event")
    stored = gateway.get("/v1/events/" + answer["id"]).json
    assert stored == answer
    assert event(gateway, "order.paid", **{**PAID, "total": 5})["not_matched"] == ["order-paid"]
    urgent = event(gateway, "order.paid", **{**PAID, "urgent": True})
    assert "加急" in gateway.message(fired(urgent, "order-paid"))["body"]
    assert event(gateway, "order.other", **PAID)["outcomes"] == []
    counts = {r["name"]: r["counts"] for r in gateway.get("/v1/rules").json["data"]}
    assert counts["order-paid"]["fired"] == 2 and counts["broken"]["errors"] == 3
    gateway.kill9()
    gateway.start()
    assert {r["name"]: r["counts"] for r in gateway.get("/v1/rules").json["data"]} == counts
    assert 'rule_results_total{account="default",rule="order-paid",result="fired"} 2' in gateway.get("/metrics").body.decode()


def booking(start, **more):
    return {"booking_id": "B7", "phone": "+14155550124", "name": "Li", "start_at": after(start), "language": "zh", **more}


def test_event__a_reminder_is_withdrawn_when_the_booking_is_and_moved_when_it_is(make_gateway, folders):
    gateway = make_gateway(**folders)
    day = 86400
    first = fired(event(gateway, "booking.created", **booking(3 * day)), "table-reminder")
    message = gateway.message(first)
    assert message["status"] == "scheduled" and "请准时到店" in message["body"]
    changed = event(gateway, "booking.changed", **booking(5 * day, language="en"))
    second = fired(changed, "table-reminder")
    assert [o["message_id"] for o in changed["outcomes"] if o["did"] == "canceled"] == [first]
    assert gateway.message(first)["status"] == "canceled"
    moved = gateway.message(second)
    assert "your table is booked" in moved["body"] and moved["send_at"] > message["send_at"]
    gone = event(gateway, "booking.cancelled", booking_id="B7")
    assert [(o["did"], o["message_id"]) for o in gone["outcomes"]] == [("canceled", second)]
    assert gateway.message(second)["status"] == "canceled"
    assert event(gateway, "booking.cancelled", booking_id="B7")["outcomes"] == []
    late = event(gateway, "booking.created", **booking(3600))
    assert did(late, "table-reminder")[0]["did"] == "late"


def test_event__the_same_id_again_fires_nothing_and_says_what_it_said(make_gateway, folders):
    gateway = make_gateway(**folders)
    first = event(gateway, "order.paid", event_id="e1", **PAID)
    again = gateway.post("/v1/events", {"type": "order.paid", "id": "e1", "data": PAID})
    assert again.status == 200 and again.json == first
    assert again.headers["idempotency-replayed"] == "true"
    other = gateway.post("/v1/events", {"type": "order.paid", "id": "e1", "source": "till", "data": PAID})
    assert other.status == 202
    stranger = {"Authorization": "Bearer " + gateway.create_key(account="other")["key"]}
    path = "/v1/events/" + first["id"]
    assert (gateway.get(path).status, gateway.get(path, headers=stranger).status) == (200, 404)
    assert gateway.post("/v1/events", {"type": "order.paid", "id": "e1", "data": {}}, stranger).status == 202

    def post(n):
        return gateway.post("/v1/events", {"type": "order.paid", "id": "twin%d" % (n // 8), "data": PAID})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(64)))
    assert sorted(a.status for a in answers) == [200] * 56 + [202] * 8
    assert len({a.json["id"] for a in answers}) == 8
    assert len({fired(a.json, "order-paid") for a in answers}) == 8


def test_event__a_dedupe_key_is_seen_once_in_its_window(make_gateway, folders):
    gateway = make_gateway(**folders)
    data = {"phone": "+14155550125", "device": "pump", "item": "pressure"}
    assert did(event(gateway, "alarm.high", **data), "once-a-day")[0]["did"] == "fired"
    assert did(event(gateway, "alarm.low.again", **data), "once-a-day")[0]["did"] == "deduplicated"
    assert did(event(gateway, "alarm.low", **{**data, "device": "fan"}), "once-a-day")[0]["did"] == "fired"


def test_event__five_events_become_one_text_through_a_kill(make_gateway, folders):
    gateway = make_gateway(**folders)
    events = [event(gateway, "item.added", phone="+14155550126", item="thing%d" % i) for i in range(3)]
    gateway.kill9()
    gateway.start()
    events += [event(gateway, "item.added", phone="+1 415-555-0126", item="thing%d" % i) for i in range(3, 5)]
    assert all(did(e, "gathered")[0]["did"] == "digested" for e in events)

    def ids():
        found = {did(gateway.get("/v1/events/" + e["id"]).json, "gathered")[0]["message_id"] for e in events}
        return None if None in found else found
    messages = until(ids, 30, told="the digest is not made")
    texts = [gateway.wait(m, "delivered")["body"] for m in messages]
    joined = " ".join(texts)
    assert sum(int(t.split()[0]) for t in texts) == 5
    assert all(joined.count("thing%d" % i) == 1 for i in range(5))


def test_event__batches_say_line_by_line_what_was_wrong(make_gateway, folders):
    gateway = make_gateway(**folders)
    lines = [json.dumps({"type": "order.paid", "id": "n%d" % i, "data": PAID}) for i in range(3)]
    lines[1] = '{"type": "order paid"}'
    lines += ["not json", "", lines[0]]
    answer = gateway.post("/v1/events", "\n".join(lines).encode(), {"Content-Type": "application/x-ndjson"})
    assert answer.status == 200, answer
    assert (answer.json["accepted"], answer.json["repeated"]) == (2, 1)
    assert [r["line"] for r in answer.json["refused"]] == [2, 4]
    assert answer.json["ids"][0] == answer.json["ids"][4] and answer.json["ids"][1] is None


def test_event__cloud_events_are_taken_in_all_three_forms(make_gateway, folders):
    gateway = make_gateway(**folders)
    cloud = {"specversion": "1.0", "id": "c1", "source": "/shop", "type": "order.paid", "data": PAID, "ext": 1}
    one = gateway.post("/v1/events", json.dumps(cloud).encode(), {"Content-Type": "application/cloudevents+json"})
    assert one.status == 202 and one.json["source"] == "/shop" and fired(one.json, "order-paid")
    many = gateway.post("/v1/events", json.dumps([cloud, {**cloud, "id": "c2"}]).encode(),
                        {"Content-Type": "application/cloudevents-batch+json"})
    assert (many.json["accepted"], many.json["repeated"]) == (1, 1)
    binary = gateway.post("/v1/events", json.dumps(PAID).encode(),
                          {"Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "c3",
                           "ce-source": "/shop%20one", "ce-type": "order.paid"})
    assert binary.status == 202 and binary.json["source"] == "/shop one" and fired(binary.json, "order-paid")
    assert gateway.post("/v1/events", json.dumps({**cloud, "specversion": "0.3"}).encode()).status == 400


SECRET = "whsec_" + base64.b64encode(b"a secret of 32 bytes for testing").decode()


def signed(body, key=SECRET, at=None, post="msg_1"):
    at = str(int(at or time.time()))
    mac = hmac.new(base64.b64decode(key[6:]), ("%s.%s.%s" % (post, at, body)).encode(), hashlib.sha256)
    return {"webhook-id": post, "webhook-timestamp": at, "Authorization": "",
            "webhook-signature": "v1,AAAA v1," + base64.b64encode(mac.digest()).decode()}


def test_event__a_source_signs_instead_of_having_a_key(make_gateway, folders):
    gateway = make_gateway(env={"SHOP_SECRET": SECRET}, sources=[{"name": "shop", "secret": "${SHOP_SECRET}"}], **folders)
    body = json.dumps({"type": "order.paid", "data": PAID})

    def post(headers, text=body, source="shop"):
        return gateway.post("/v1/events/from/" + source, text.encode(), headers)
    first = post(signed(body))
    assert first.status == 202 and first.json["source"] == "shop" and fired(first.json, "order-paid")
    again = post(signed(body))
    assert again.status == 200 and again.json == first.json
    assert post(signed(body, post="msg_2")).status == 202
    assert post(signed(body, post="msg_3"), body + " ").status == 401
    assert post(signed(body, post="msg_3", at=time.time() - 400)).status == 401
    assert post(signed(body, post="msg_3", at=time.time() + 400)).status == 401
    assert post(signed(body, key="whsec_" + base64.b64encode(b"another secret, as long").decode())).status == 401
    assert post({"Authorization": ""}).status == 401
    assert post(signed(body), source="till").status == 404
    metrics = gateway.get("/metrics").body.decode()
    assert "events_forged_total 5" in metrics
    assert SECRET not in gateway.log()
    shown = gateway.run("config", "print", "-c", str(gateway.config)).stdout
    assert "sources:" in str(shown) and SECRET not in str(shown)
