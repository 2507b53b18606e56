"""Events of others: CloudEvents as their official SDK posts them, and sources that sign by the official library of Standard Webhooks while
their secret changes."""
import base64
import json
import pathlib
import signal

import pytest

from harness.endpoint import library_signs
from harness.gateway import until

POSTS = json.loads((pathlib.Path(__file__).parent / "cloudevents" / "posts.json").read_text(encoding="utf-8"))
RULES = """\
rules:
  - name: paid
    on: order.paid
    when: event.source == '/shop/1?till=2' or event.source == 'shop'
    to: data.phone
    template: paid
"""


@pytest.fixture
def folders(tmp_path):
    for name, file, text in (("templates", "paid.txt", "{{ data.name }} {{ data.order_id }} {{ event.subject }} {{ event.id }}"), ("rules", "r.yaml", RULES)):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(text, encoding="utf-8")
    return {name: {"dir": str(tmp_path / name)} for name in ("templates", "rules")}


def take(g, name, to="/v1/events", **more):
    p = POSTS[name]
    return g.post(to, p["body"].encode(), {"Content-Type": "", **p["headers"], **more})


def test_cloud_events__of_the_official_sdk_say_the_same_in_every_mode(make_gateway, folders):
    g = make_gateway(**folders)
    for name, id in (("structured", "s-1"), ("binary", "b-1"), ("structured, other JSON", "s-2"), ("structured, bytes", "s-3")):
        a = take(g, name)
        assert a.status == 202, (name, a)
        said = a.json
        assert (said["type"], said["source"], said["subject"], said["event_id"], said["time"]) == \
            ("order.paid", "/shop/1?till=2", "orders/1001", id, "2026-01-31T08:30:00.000Z"), said
        assert said["data"] == {"phone": "+14155550123", "name": "李雷", "order_id": 1001, "total": 20, "urgent": False}, said
        fired = [o for o in said["outcomes"] if o["did"] == "fired"]
        assert g.message(fired[0]["message_id"])["body"] == "李雷 1001 orders/1001 " + id
        again = take(g, name)
        assert (again.status, again.json) == (200, said), name
    empty = take(g, "binary, without data")
    assert (empty.status, empty.json["data"], empty.json["subject"], empty.json["outcomes"]) == (202, {}, None, []), empty
    batch = take(g, "batch")
    assert (batch.status, batch.json["accepted"], batch.json["repeated"], batch.json["refused"]) == (200, 2, 1, []), batch
    assert len(list(g.all())) == 6


def test_cloud_events__that_lack_something_are_refused_by_its_name(make_gateway, folders):
    g = make_gateway(**folders)
    good, binary = json.loads(POSTS["structured"]["body"]), POSTS["binary"]
    for without in ("id", "source", "type"):
        a = g.post("/v1/events", json.dumps({k: v for k, v in good.items() if k != without}).encode(), POSTS["structured"]["headers"])
        assert (a.status, a.json["field"]) == (400, without), a
        a = g.post("/v1/events", binary["body"].encode(), {k: v for k, v in binary["headers"].items() if k != "ce-" + without})
        assert (a.status, a.json["field"]) == (400, without), a
    for change, field in (({"time": "yesterday"}, "time"), ({"specversion": "2.0"}, "specversion"), ({"data": None, "data_base64": "%%%"}, "data_base64")):
        body = {k: v for k, v in {**good, **change}.items() if v is not None}
        a = g.post("/v1/events", json.dumps(body).encode(), POSTS["structured"]["headers"])
        assert (a.status, a.json["field"]) == (400, field), a
    wrong = [good, {**good, "id": "other", "source": ""}, {**good, "id": "third"}, 7]
    a = g.post("/v1/events", json.dumps(wrong).encode(), POSTS["batch"]["headers"])
    assert (a.status, a.json["accepted"], [r["line"] for r in a.json["refused"]]) == (200, 2, [2, 4]), a


def secret(letter):
    return "whsec_" + base64.b64encode(letter.encode() * 24).decode()


def test_source__is_believed_by_either_secret_while_they_change_and_then_by_the_new_alone(make_gateway, folders):
    old, new, other = secret("o"), secret("n"), secret("x")
    g = make_gateway.gateway(sources=[{"name": "shop", "secret": "${SHOP_SECRET}"}], **folders)
    environment = g.config.parent / ".env"
    environment.write_text("SHOP_SECRET=%s\n" % old)
    g.start()
    paid = [json.dumps({"type": "order.paid", "data": {"phone": "+14155550123", "name": "Li", "order_id": n}}) for n in range(12)]
    posts = [(key, "msg_%d" % n, body) for n, (key, body) in enumerate(zip([old, new, other] * 4, paid))] + [(new, "msg_12", POSTS["structured"]["body"])]
    signed = iter(list(zip(library_signs(posts), posts)))

    def next_says():
        headers, (_, _, body) = next(signed)
        return g.post("/v1/events/from/shop", body.encode(), {**headers, "Authorization": ""})

    def old_new_other():
        return [next_says().status for _ in range(3)]

    def turn(value):
        before = len(g.logged("reload.done"))
        environment.write_text('SHOP_SECRET="%s"\n' % value)
        g.signal(signal.SIGHUP)
        until(lambda: len(g.logged("reload.done")) > before)
    assert old_new_other() == [202, 401, 401]
    turn("%s %s" % (new, old))  # the source may change now, before or after
    assert old_new_other() == [202, 202, 401]
    turn("%s %s" % (old, new))
    assert old_new_other() == [202, 202, 401]
    turn(new)
    assert old_new_other() == [401, 202, 401]
    cloud = next_says()
    assert cloud.status == 202 and cloud.json["event_id"] == "s-1" and cloud.json["outcomes"][0]["did"] == "fired", cloud
    assert len(list(g.all())) == 7
