"""Magic numbers, the profile, and the counters."""
import re
import time
from pathlib import Path

import pytest
import requests

from conftest import SENDER, SID
from test_receipts import signed, statuses


def code_of(r):
    return r.status_code, r.json()["code"]


# ---- magic numbers ----

@pytest.mark.parametrize("last, code", [("0001", 21211), ("0002", 21612), ("0003", 21408), ("0004", 21610), ("0009", 21614)])
def test_magic__twilios_own(sim, last, code):
    assert code_of(sim.create(To="+1500555" + last)) == (400, code)
    assert sim.stats()["rejected"] == 1


def test_magic_0101__recorded_but_not_answered(sim, receiver):
    with pytest.raises(requests.ConnectionError):
        sim.create(To="+15005550101", StatusCallback=receiver.url)
    assert statuses(receiver.take(2)) == ["sent", "delivered"]
    stats = sim.stats()
    assert stats["lost_answers"] == 1 and stats["received"] == 1
    assert len(sim.api(SID + "/Messages.json", To="+15005550101").json()["messages"]) == 1


def test_magic_0102__silence(sim):
    with pytest.raises(requests.ReadTimeout):
        sim.create(To="+15005550102", timeout=0.5)
    stats = sim.stats()
    assert stats["silenced"] == 1 and stats["received"] == 0 and stats["held"] == 1


def test_silence__ends_by_closing_and_may_be_recorded(sim):
    sim.profile(silence=1, silence_ms=200, silence_recorded=True)
    with pytest.raises(requests.ConnectionError):
        sim.create()
    assert sim.stats()["received"] == 1


def test_magic_0103__server_error(sim):
    assert code_of(sim.create(To="+15005550103")) == (500, 20500)
    assert sim.stats()["server_errors"] == 1 and sim.stats()["received"] == 0


def test_magic_0104__throttled_once_a_text(sim):
    for body in ("one", "two"):
        r = sim.create(To="+15005550104", Body=body)
        assert code_of(r) == (429, 20429) and r.headers["Retry-After"] == "1"
        assert sim.create(To="+15005550104", Body=body).status_code == 201
    stats = sim.stats()
    assert stats["throttled"] == 2 and stats["received"] == 2


@pytest.mark.parametrize("to, expected, code", [
    ("+15005550105", ["sent", "undelivered"], "30005"), ("+15005550113", ["failed"], "30008"),
    ("+15005550107", ["sent", "sent", "delivered", "delivered"], None), ("+15005550108", ["delivered", "sent"], None),
])
def test_magic__receipts(sim, receiver, to, expected, code):
    assert sim.create(To=to, StatusCallback=receiver.url).status_code == 201
    posts = receiver.take(len(expected))
    assert statuses(posts) == expected and all(signed(p) for p in posts)
    assert [p["params"].get("ErrorCode") for p in posts][expected.index(expected[-1])] == code
    assert sim.until(lambda s: s["receipts_pending"] == 0)["receipts_sent"] == len(expected)


def test_magic_0106__no_receipt(sim, receiver):
    sid = sim.create(To="+15005550106", StatusCallback=receiver.url).json()["sid"]
    assert sim.stats()["receipts_pending"] == 0 and sim.stats()["receipts_sent"] == 0
    assert sim.api("%s/Messages/%s.json" % (SID, sid)).json()["status"] == "sent"


def test_magic_0109__receipts_before_the_answer(sim, receiver):
    r = sim.create(To="+15005550109", StatusCallback=receiver.url)
    posts = [receiver.posts.get_nowait() for _ in range(2)]  # both are there already
    assert statuses(posts) == ["sent", "delivered"] and r.status_code == 201
    assert r.json()["sid"] == posts[0]["params"]["MessageSid"]


def test_magic_0110__lost_request(sim):
    with pytest.raises(requests.ConnectionError):
        sim.create(To="+15005550110")
    stats = sim.stats()
    assert stats["lost_requests"] == 1 and stats["received"] == 0 and sim.messages() == []


def test_magic_0111__a_lie_first(sim, receiver):
    sim.create(To="+15005550111", StatusCallback=receiver.url)
    posts = receiver.take(3)
    assert statuses(posts) == ["failed", "sent", "delivered"]
    assert [signed(p) for p in posts] == [False, True, True]
    stats = sim.until(lambda s: s["receipts_pending"] == 0)
    assert (stats["forged_sent"], stats["forged_accepted"], stats["receipts_sent"]) == (1, 1, 2)


def test_magic_0112__half_an_answer(sim):
    r = sim.create(To="+15005550112")
    assert r.status_code == 201
    with pytest.raises(ValueError):
        r.json()
    assert sim.stats()["half_answers"] == 1 and sim.stats()["received"] == 1


def test_magic_0114__an_error_though_recorded(sim):
    assert code_of(sim.create(To="+15005550114")) == (500, 20500)
    assert sim.stats()["received"] == 1


# ---- the profile ----

def test_profile__merges(sim):
    sim.profile(latency_ms={"p50": 1, "p99": 5}, receipts={"undelivered": 0.25})
    p = sim.profile(receipts={"none": 0.25}, rate={"per_s": 5})
    assert p["latency_ms"] == {"p50": 1, "p99": 5}
    assert (p["receipts"]["undelivered"], p["receipts"]["none"], p["receipts"]["delivered"]) == (0.25, 0.25, 0.5)
    assert p["rate"]["per_s"] == 5
    assert sim.get("/_sim/profile") == p


def test_profile__can_be_posted_back(sim):
    p = sim.profile(errors=[{"share": 0.1, "status": 503}], latency_ms={"min": 1, "max": 2}, senders=["a"])
    assert sim.profile(**p) == p


@pytest.mark.parametrize("keys, field", [
    ({"latencyms": 1}, "latencyms"), ({"receipts": {"delays": 1}}, "receipts.delays"), ({"rate": 5}, "rate"),
    ({"silence": 1.5}, "silence"), ({"silence": "x"}, "silence"), ({"latency_ms": {"min": 2, "max": 1}}, "latency_ms"),
    ({"latency_ms": {"min": 2}}, "latency_ms"), ({"latency_ms": {"p50": 5, "p99": 1}}, "latency_ms"),
    ({"latency_ms": {"mean": 5}}, "latency_ms.mean"), ({"errors": {}}, "errors"), ({"errors": [{"share": 1}]}, "errors"),
    ({"errors": [{"status": 99, "share": 1}]}, "errors.status"), ({"errors": [{"statu": 500}]}, "errors.statu"),
    ({"silence": 0.6, "lost_answers": 0.6}, None), ({"receipts": {"failed": 0.6, "none": 0.6}}, "receipts"),
    ({"receipts": {"delivered": 0.5}}, "receipts.delivered"), ({"inbound_url": 5}, "inbound_url"), ({"seed": -1}, "seed"),
    ({"x" * 300: 1}, None),
])
def test_profile__a_mistake_is_named_and_changes_nothing(sim, keys, field):
    before = sim.get("/_sim/profile")
    r = sim.post("/_sim/profile", {"list_lag_ms": 5, **keys})
    assert r.status_code == 400 and r.json()["detail"]
    assert field is None or r.json()["field"] == field
    assert sim.get("/_sim/profile") == before


def test_profile__not_json_is_refused(sim):
    assert requests.post(sim.url + "/_sim/profile", data="{", timeout=5).status_code == 400


def test_profile__from_a_file_and_back_to_it_by_reset(start, tmp_path):
    f = tmp_path / "p.json"
    f.write_text('{"list_lag_ms": 7}')
    sim = start("--profile", str(f))
    assert sim.get("/_sim/profile")["list_lag_ms"] == 7
    sim.profile(list_lag_ms=8)
    sim.reset()
    assert sim.get("/_sim/profile")["list_lag_ms"] == 7


def outcomes(sim, n):
    sim.profile(seed=42, errors=[{"share": 0.2, "status": 429, "retry_after_s": 3}, {"share": 0.2, "status": 503}])
    return [sim.create(Body="n%d" % i).status_code for i in range(n)]


def test_profile__the_same_seed_does_the_same(sim):
    first = outcomes(sim, 60)
    assert outcomes(sim, 60) == first and set(first) == {201, 429, 503}


def test_profile__latency(sim):
    sim.profile(latency_ms={"min": 100, "max": 120})
    begin = time.monotonic()
    assert sim.create().status_code == 201
    assert 0.1 <= time.monotonic() - begin < 2
    sim.profile(latency_ms={"p50": 2, "p99": 20})
    assert all(sim.create().status_code == 201 for _ in range(20))


def test_profile__rate_limit(sim):
    sim.profile(rate={"per_s": 0.001, "burst": 3, "retry_after_s": 9})
    answers = [sim.create() for _ in range(5)]
    assert [r.status_code for r in answers] == [201, 201, 201, 429, 429]
    assert answers[-1].json()["code"] == 20429 and answers[-1].headers["Retry-After"] == "9"
    assert sim.stats()["throttled"] == 2


def test_profile__lies_and_unsigned_ones(sim, receiver):
    sim.profile(receipts={"forged": 1, "unsigned": 1, "duplicate": 1, "out_of_order": 1})
    sim.create(StatusCallback=receiver.url)
    posts = receiver.take(6)
    assert statuses(posts) == ["failed", "failed", "delivered", "delivered", "sent", "sent"]
    assert [signed(p) for p in posts] == [False, False, True, True, True, True]
    assert "X-Twilio-Signature" in posts[0]["headers"] and "X-Twilio-Signature" not in posts[1]["headers"]


# ---- what it saw ----

def test_messages__count_copies(sim):
    sids = [sim.create(Body="same").json()["sid"] for _ in range(3)]
    sim.create(Body="other", headers={"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"})
    sim.create(Body="same", From="+15017250605")
    sim.create(Body="same", To="+15558675311")
    stats = sim.stats()
    assert (stats["received"], stats["unique"], stats["duplicates"], stats["requests"]) == (6, 3, 3, 6)
    seen = sim.messages(to="+15558675310")
    assert [(m["body"], m["from"], m["times"]) for m in seen] == [
        ("same", "+15017250605", 1), ("other", SENDER, 1), ("same", SENDER, 3)]
    assert seen[2]["provider_ids"] == sids[::-1] and seen[2]["provider_id"] == sids[-1]
    assert seen[1]["traceparent"].startswith("00-aaaa") and seen[2]["first_at"] <= seen[2]["last_at"]
    assert len(sim.messages()) == 4 and len(sim.messages(limit=1)) == 1
    assert [m["seq"] for m in sim.messages(before=seen[1]["seq"])] == [seen[2]["seq"]]


def test_messages__the_oldest_are_forgotten(start):
    sim = start("--keep", "10")
    sids = [sim.create(Body="n%d" % i).json()["sid"] for i in range(25)]
    assert [m["body"] for m in sim.messages()] == ["n%d" % i for i in range(24, 14, -1)]
    assert sim.stats()["received"] == 25 and sim.stats()["kept"] == 10
    assert sim.api("%s/Messages/%s.json" % (SID, sids[0])).status_code == 404
    assert len(sim.api(SID + "/Messages.json", To="+15558675310").json()["messages"]) == 10


def test_reset__forgets_everything(sim, receiver):
    sim.profile(receipts={"delay_ms": 3600000})
    sim.create(StatusCallback=receiver.url)
    sim.reset()
    assert {k: v for k, v in sim.stats().items() if v and k != "connections"} == {}
    assert sim.messages() == []
    assert sim.create().status_code == 201


def test_control__unknown_paths_and_methods(sim):
    assert requests.get(sim.url + "/_sim/nothing", timeout=5).status_code == 404
    assert requests.get(sim.url + "/_sim/reset", timeout=5).status_code == 405
    assert requests.get(sim.url + "/_sim/messages?limit=x", timeout=5).status_code == 400
    assert requests.get(sim.url + "/_sim/messages?to=%zz", timeout=5).status_code == 400


def test_control__refuses_pages_of_other_origins(sim):
    post = lambda origin: requests.post(sim.url + "/_sim/reset", headers={"Origin": origin}, timeout=5).status_code
    assert post("http://evil.example") == 403 and post("null") == 403 and post(sim.url) == 204


def test_page__is_html_of_its_own(sim):
    r = requests.get(sim.url + "/", timeout=5)
    assert r.status_code == 200 and r.headers["Content-Type"].startswith("text/html")
    assert "鸿雁" in r.content.decode() and not re.search(r'(src|href)="(https?:)?//', r.text)


# ---- the page of documentation ----

DOCS = Path(__file__).parents[2] / "docs" / "simulator.md"
SOURCE = Path(__file__).parents[2] / "src" / "simulator" / "sim_course.c"


def keys_of(profile, path=""):
    for k, v in profile.items():
        nested = isinstance(v, dict) and k not in ("latency_ms", "delay_ms")
        yield from keys_of(v, path + k + ".") if nested else [path + k]


def test_docs__name_each_key_counter_and_magic_number(sim):
    text = DOCS.read_text()
    keys = [re.sub(r"^providers\.[a-z-]+\.", "providers.NAME.", k) for k in keys_of(sim.get("/_sim/profile")) if k]
    missing = [k for k in [*keys, *sim.stats()] if "`%s`" % k not in text]
    missing += [n for n in re.findall(r"\{(1500555\d{4}),", SOURCE.read_text()) if "`+%s`" % n not in text]
    assert missing == []
