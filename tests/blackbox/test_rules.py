"""Rules over HTTP and in files: versions, the dry run, what is wrong with them; and events through a kill under load."""
import http.client
import json
import os
import re
import signal
import threading
import time

import pytest

from harness.gateway import after, call, until

RULE = {"on": "order.*", "when": "data.total >= 10", "to": "data.phone", "template": "paid", "key": "data.order_id",
        "cancel_on": "order.refunded", "cancel_key": "data.order_id", "delay": "1h"}
PAID = {"phone": "+14155550123", "order_id": "A1", "total": 20}


@pytest.fixture
def folders(tmp_path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "rules").mkdir()
    (tmp_path / "templates" / "paid.txt").write_text("Order {{ order_id }} is paid.")
    return {"templates": {"dir": str(tmp_path / "templates")}, "rules": {"dir": str(tmp_path / "rules")}}


def admin(gateway):
    return {"Authorization": "Bearer " + gateway.create_key(scopes="send,read,admin")["key"]}


def test_rule__versions_are_put_to_work_and_switched_off(make_gateway, folders):
    gateway = make_gateway(**folders)
    key = admin(gateway)
    post = lambda path, body=b"": gateway.post(path, body, key)  # noqa: E731
    made = post("/v1/rules", {"name": "paid", "rule": RULE})
    assert made.status == 201 and made.json["version"] == 1 and made.json["published_version"] is None
    event = {"type": "order.paid", "data": PAID}
    assert gateway.post("/v1/events", event).json["outcomes"] == []
    assert post("/v1/rules/paid/versions/1/publish").json["published_version"] == 1
    first = gateway.post("/v1/events", event).json["outcomes"]
    assert [o["did"] for o in first] == ["fired"]
    assert post("/v1/rules", {"name": "paid", "rule": RULE}).status == 200
    changed = post("/v1/rules", {"name": "paid", "rule": {**RULE, "when": "data.total >= 100"}, "publish": True})
    assert changed.status == 201 and changed.json["published_version"] == 2
    assert gateway.post("/v1/events", event).json["not_matched"] == ["paid"]
    assert post("/v1/rules/paid/disable").json["published_version"] is None
    assert gateway.post("/v1/events", event).json["not_matched"] == []
    assert gateway.get("/v1/rules/paid").json["counts"]["fired"] == 1
    assert gateway.post("/v1/rules", {"name": "x", "rule": RULE}).status == 403  # no scope for it
    other = {"Authorization": "Bearer " + gateway.create_key(account="other", scopes="send,read,admin")["key"]}
    assert gateway.get("/v1/rules/paid", headers=other).status == 404
    assert call(gateway.port, "DELETE", "/v1/rules/paid", headers=key).status == 204
    assert gateway.get("/v1/rules/paid").status == 404


@pytest.mark.parametrize("change, field, words", [
    ({"when": "data.total >"}, "when", "no expression"),
    ({"to": None}, "to", "contact"),
    ({"on": "order paid"}, "on", "order.paid"),
    ({"delay": "soon"}, "delay", "24h before"),
    ({"template": None}, "template", "missing"),
    ({"cancel_on": "x", "key": None, "cancel_key": None}, "key", "missing"),
    ({"whenn": "true"}, "whenn", "there are: name"),
    ({"dedupe": {"key": "data.x"}}, "dedupe", "window"),
])
def test_rule__what_is_wrong_is_said_with_what_to_write(make_gateway, folders, change, field, words):
    gateway = make_gateway(**folders)
    rule = {k: v for k, v in {**RULE, **change}.items() if v is not None}
    answer = gateway.post("/v1/rules", {"name": "r", "rule": rule}, admin(gateway))
    assert answer.status == 400 and answer.json["field"] == field and words in answer.json["detail"], answer


def test_rule__a_file_with_a_mistake_is_told_by_line_and_the_old_rules_stay(make_gateway, folders):
    path = os.path.join(folders["rules"]["dir"], "shop.yaml")
    good = "rules:\n  - name: paid\n    on: order.paid\n    to: data.phone\n    template: paid\n"
    open(path, "w").write(good)
    gateway = make_gateway(**folders)
    fire = lambda: [o["rule"] for o in gateway.post("/v1/events", {"type": "order.paid", "data": PAID}).json["outcomes"]]  # noqa: E731
    assert fire() == ["paid"]
    open(path, "w").write(good + "    when: data.total >\n")
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: "shop.yaml:6:" in gateway.log(), 20, told="the mistake is not told")
    assert fire() == ["paid"]
    open(path, "w").write(good.replace("name: paid", "name: second"))
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: fire() == ["second"], 20, told="the new rules are not taken")


def test_rule__the_dry_run_says_what_then_happens(make_gateway, folders):
    gateway = make_gateway(**folders)
    key = admin(gateway)
    gateway.post("/v1/rules", {"name": "paid", "rule": RULE, "publish": True}, key)
    gateway.post("/v1/rules", {"name": "sick", "rule": {**RULE, "when": "data.a.b.c"}, "publish": True}, key)

    def dry(type, data, **more):
        answer = gateway.post("/v1/rules/test", {"event": {"type": type, "data": data}, **more})
        assert answer.status == 200, answer
        return {r["rule"]: r for r in answer.json["rules"]}
    said = dry("order.paid", PAID)
    assert said["paid"]["would"] == "fire" and said["paid"]["text"] == "Order A1 is paid."
    assert said["paid"]["values"] == {"data.total": 20}
    assert said["sick"]["matched"] is False and said["sick"]["would"] == "fail" and said["sick"]["field"] == "when" and said["sick"]["line"] == 1
    small = dry("order.paid", {**PAID, "total": 3})["paid"]
    assert (small["matched"], small["would"], small["values"]) == (False, "nothing", {"data.total": 3})
    assert "does not match" in dry("cart.left", PAID)["paid"]["why"]
    event = gateway.post("/v1/events", {"type": "order.paid", "data": PAID}).json
    message = gateway.message([o["message_id"] for o in event["outcomes"] if o["rule"] == "paid"][0])
    assert (message["body"], message["to"]) == (said["paid"]["text"], said["paid"]["to"])
    assert abs(time.mktime(time.strptime(message["send_at"][:19], "%Y-%m-%dT%H:%M:%S"))
               - time.mktime(time.strptime(said["paid"]["send_at"][:19], "%Y-%m-%dT%H:%M:%S"))) < 60
    assert dry("order.refunded", {"order_id": "A1", "phone": "+14155550123", "total": 0})["paid"]["would_cancel"] == [message["id"]]
    alone = dry("order.paid", PAID, rule={**RULE, "delay": "2h"})
    assert list(alone) == ["given"] and alone["given"]["would"] == "fire"
    assert len(list(gateway.all())) == 1  # it made nothing


def test_event__a_kill_under_load_loses_none_and_doubles_none(make_gateway, folders):
    open(os.path.join(folders["rules"]["dir"], "r.yaml"), "w").write(
        "rules:\n  - {name: r, on: load.tick, to: data.phone, template: paid}\n")
    gateway = make_gateway(**folders)
    taken, stop = set(), threading.Event()

    def client(n):
        serial = 0
        while not stop.is_set():
            name = "c%d-%d" % (n, serial)
            body = json.dumps({"type": "load.tick", "id": name,
                               "data": {"phone": "+1415555%04d" % (serial % 10000), "order_id": name}})
            try:  # the same id until it is answered
                answer = gateway.post("/v1/events", body.encode())
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
                continue
            if answer.status in (200, 202):
                taken.add(name)
                serial += 1
    threads = [threading.Thread(target=client, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for _ in range(3):
        before = len(taken)
        until(lambda: len(taken) > before + 60, 30, told="events are not taken")
        gateway.kill9()
        gateway.start()
    until(lambda: len(taken) > before + 90, 30, told="events are not taken")
    stop.set()
    for t in threads:
        t.join(30)
    bodies = [m["body"] for m in gateway.all()]
    assert len(bodies) == len(set(bodies))
    assert {"Order %s is paid." % name for name in taken} <= set(bodies)


def test_docs__the_restaurant_of_the_page_runs(make_gateway, folders):
    page = open(os.path.join(os.path.dirname(__file__), "..", "..", "docs", "events.md"), encoding="utf-8").read()
    example = page[page.index("## A restaurant"):]
    for name, text in re.findall(r"`(table-[a-z.-]+\.txt)`\n```\n(.*?)\n```", example, re.S):
        open(os.path.join(folders["templates"]["dir"], name), "w", encoding="utf-8").write(text)
    rules = re.search(r"```yaml\n(.*?)```", example, re.S).group(1)
    open(os.path.join(folders["rules"]["dir"], "restaurant.yaml"), "w", encoding="utf-8").write(rules)
    created, cancelled = [json.loads(e) for e in re.findall(r"-d '\n(.*?)'\n", example, re.S)]
    created["data"]["start_at"] = after(3 * 86400)
    gateway = make_gateway(**folders)
    booked = {o["rule"]: o for o in gateway.post("/v1/events", created).json["outcomes"]}
    assert gateway.message(booked["table-booked"]["message_id"])["body"] == "李雷,您已预订 19:00 4 人桌。"
    reminder = gateway.message(booked["table-tomorrow"]["message_id"])
    assert reminder["status"] == "scheduled" and reminder["body"].startswith("李雷,明天 19:00 恭候光临。")
    gone = gateway.post("/v1/events", cancelled).json["outcomes"]
    assert [(o["did"], o["message_id"]) for o in gone] == [("canceled", reminder["id"])]
    assert gateway.message(reminder["id"])["status"] == "canceled"
    created["id"], created["data"]["booking_id"], created["data"]["language"] = "b-43", "b-43", "en"
    booked = {o["rule"]: o for o in gateway.post("/v1/events", created).json["outcomes"]}
    assert "your table for 4" in gateway.message(booked["table-booked"]["message_id"])["body"]


def test_import__files_of_rules_go_into_the_store_once(make_gateway, folders, tmp_path):
    gateway = make_gateway(templates=folders["templates"])
    path = tmp_path / "rules" / "shop.yaml"
    path.write_text("rules:\n  - name: paid\n    on: order.paid\n    to: data.phone\n    template: paid\n")

    def load(*more):
        return gateway.run("import", "rules", str(tmp_path / "rules"), "-c", str(gateway.config), *more)
    assert load("--dry-run").returncode == 0 and gateway.get("/v1/rules/paid").status == 404
    assert load("--publish").returncode == 0
    event = {"type": "order.paid", "data": PAID}
    until(lambda: gateway.post("/v1/events", event).json["outcomes"], 20, told="the rule is not taken")
    assert load("--publish").returncode == 0
    assert gateway.get("/v1/rules/paid").json["latest_version"] == 1
    path.write_text(path.read_text() + "    wen: 'true'\n")
    wrong = load("--publish")
    assert wrong.returncode != 0 and "shop.yaml:6:" in str(wrong.stderr) and "`wen`" in str(wrong.stderr), wrong
