"""When rules write: moments before something that moves, withdrawn in time and over a kill; keys seen once; rules of files and of the store."""
import os
import signal
import time

import pytest

from harness.gateway import SLOW, after, call, until

RULES = """\
rules:
  - name: soon
    on: [booking.created, booking.changed]
    to: data.phone
    template: soon
    key: data.id
    delay: 24h before data.start_at
    cancel_on: [booking.cancelled, booking.changed]
  - name: seldom
    on: alarm
    to: data.phone
    template: soon
    dedupe: {key: data.device, window: 6s}
"""
PHONE = "+14155550123"
DAY = 86400
SOON = 12 + 3 * SLOW  # seconds in which the bookings are posted


@pytest.fixture
def folders(tmp_path):
    for name, file, text in (("templates", "soon.txt", "{{ data.id }} is soon"), ("rules", "r.yaml", RULES)):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(text, encoding="utf-8")
    return {name: {"dir": str(tmp_path / name)} for name in ("templates", "rules")}


def post(g, type, **data):
    a = g.post("/v1/events", {"type": type, "data": {"phone": PHONE, **data}})
    assert a.status == 202, a
    return a.json


def did(said, rule):
    return [(o["did"], o["message_id"]) for o in said["outcomes"] if o["rule"] == rule]


def made(said, rule="soon"):
    id, = [m for d, m in did(said, rule) if d == "fired"]
    return id


def moment(seconds):
    return after(DAY + seconds)


def test_reminders__go_at_their_moment_unless_withdrawn_and_follow_what_moves(make_gateway, folders):
    """Of six bookings, over a kill: kept, cancelled, moved to sooner, to later, to so soon that the moment is over, cancelled and booked again."""
    g = make_gateway(**folders)
    far = 3600
    kept = made(post(g, "booking.created", id="kept", start_at=moment(SOON)))
    cancelled = made(post(g, "booking.created", id="cancelled", start_at=moment(SOON)))
    first = {id: made(post(g, "booking.created", id=id, start_at=moment(far if id == "sooner" else SOON - 1))) for id in ("sooner", "later", "over", "again")}
    assert did(post(g, "booking.cancelled", id="cancelled"), "soon") == [("canceled", cancelled)]
    moved = {id: post(g, "booking.changed", id=id, start_at=at) for id, at in (("sooner", moment(SOON)), ("later", moment(far)), ("over", after(DAY - 60)))}
    for id, said in moved.items():
        assert ("canceled", first[id]) in did(said, "soon"), said
    assert sorted(d for d, _ in did(moved["over"], "soon")) == ["canceled", "late"]
    assert did(post(g, "booking.cancelled", id="again"), "soon") == [("canceled", first["again"])]
    again = made(post(g, "booking.created", id="again", start_at=moment(SOON)))
    g.kill9()
    g.start()
    for id in (kept, made(moved["sooner"]), again):
        g.wait(id, "delivered", timeout=40)
    for id in (cancelled, *first.values()):
        assert g.message(id)["status"] == "canceled", id
    waits = g.message(made(moved["later"]))
    assert waits["status"] == "scheduled" and waits["send_at"] > g.message(kept)["send_at"], waits
    texts = g.sim.times()
    assert sorted(t.split()[0] for t in texts) == ["again", "kept", "sooner"] and set(texts.values()) == {1}, texts


def test_key__that_was_seen_is_seen_over_a_kill_and_again_when_its_window_is_over(make_gateway, folders):
    g = make_gateway(**folders)
    began = time.monotonic()
    assert [d for d, _ in did(post(g, "alarm", id="1", device="pump"), "seldom")] == ["fired"]
    g.kill9()
    g.start()
    again = [d for d, _ in did(post(g, "alarm", id="2", device="pump"), "seldom")]
    assert again == ["deduplicated"] or time.monotonic() - began > 6, again
    assert [d for d, _ in did(post(g, "alarm", id="3", device="fan"), "seldom")] == ["fired"]
    other = {"Authorization": "Bearer " + g.create_key(account="other")["key"]}
    theirs = g.post("/v1/events", {"type": "alarm", "data": {"phone": PHONE, "id": "4", "device": "pump"}}, other).json
    assert [d for d, _ in did(theirs, "seldom")] == ["fired"], "a key is an account's own"
    until(lambda: [d for d, _ in did(post(g, "alarm", id="5", device="pump"), "seldom")] == ["fired"], 20, 0.5, told="the window does not end")


def test_rule__of_the_store_goes_before_one_of_a_file_until_it_is_deleted(make_gateway, folders):
    g = make_gateway(**folders)
    admin = {"Authorization": "Bearer " + g.create_key(scopes="send,read,admin")["key"]}
    fires = lambda: sorted(o["rule"] for o in post(g, "alarm", id="x", device=str(time.monotonic()))["outcomes"] if o["did"] == "fired")  # noqa: E731
    rows = lambda: {r["name"]: r for r in g.get("/v1/rules").json["data"]}  # noqa: E731
    stored = {"on": "nothing.else", "to": "data.phone", "template": "soon"}
    assert fires() == ["seldom"]
    assert g.post("/v1/rules", {"name": "seldom", "rule": stored}, admin).status == 201
    assert fires() == ["seldom"], "a version that is not published does nothing"
    assert g.post("/v1/rules/seldom/versions/1/publish", b"", admin).status == 200
    assert fires() == [] and post(g, "nothing.else", id="y")["outcomes"][0]["did"] == "fired"
    second = g.post("/v1/rules", {"name": "seldom", "rule": {**stored, "on": "alarm", "template": "soon", "delay": "1h"}, "publish": True}, admin)
    assert second.json["published_version"] == 2 and fires() == ["seldom"]
    assert g.post("/v1/rules/seldom/versions/1/publish", b"", admin).json["published_version"] == 1 and fires() == []
    path = os.path.join(folders["rules"]["dir"], "r.yaml")
    before = len(g.logged("reload.done"))
    open(path, "a", encoding="utf-8").write("  - {name: more, on: alarm, to: data.phone, template: soon}\n")
    g.signal(signal.SIGHUP)
    until(lambda: len(g.logged("reload.done")) > before)
    assert fires() == ["more"], "a reload of the files changes nothing about that"
    counts = rows()["seldom"]["counts"]
    assert call(g.port, "DELETE", "/v1/rules/seldom", headers=admin).status == 204
    until(lambda: fires() == ["more", "seldom"], 20, told="the file's rule does not come back")
    assert counts["fired"] == 4, counts
