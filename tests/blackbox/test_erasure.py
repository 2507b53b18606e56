"""Erasing one person, as the law lets them ask: nothing of them is left in the files, an opt-out stays, the certificate is true; and showing them all there is."""
import glob
import json
import os
import subprocess
import urllib.parse

from harness.endpoint import Endpoint, Hooks
from harness.gateway import after, call, until
from postgres import programs

LI, HAN = "+8613800138017", "+8613800138018"


def ask(g, method, path, body=None, key=None):
    return call(g.port, method, path, json.dumps(body) if body is not None else None,
                {**(key or g.bearer), "Content-Type": "application/json"}, timeout=60)


def admin(g, account="default"):
    return {"Authorization": "Bearer " + g.create_key(account=account, scopes="send,read,admin")["key"]}


def left(g, *words):
    """Which of the words still stand in some file of the database; of a server's, in its tables."""
    found = set()
    if str(g.settings.get("database", "")).startswith("postgres"):
        dump = subprocess.run([os.path.join(programs(), "pg_dump"), "--data-only", g.settings["database"]], capture_output=True, text=True, check=True).stdout
        return {w for w in words if w in dump}
    for path in glob.glob(str(g.config.parent / "**" / "*"), recursive=True):
        if ".db" not in path and "sqlite" not in path:
            continue
        with open(path, "rb") as f:
            data = f.read()
        found |= {w for w in words if w.encode() in data}
    return found


def live(g, number=LI, contact="customer-4711"):
    """A life with us: a contact with a device, consents, messages of each kind, a link clicked, replies."""
    ask(g, "PUT", "/v1/contacts/" + contact, {"name": "Leibniz-Gottfried", "numbers": [number], "emails": ["gottfried@leibniz.example"],
                                              "attributes": {"diagnosis": "kaleidoscope"}})
    ask(g, "POST", "/v1/contacts/%s/devices" % contact, {"platform": "fcm", "token": "devicetoken-abcdefgh"})
    ask(g, "POST", "/v1/consents", {"number": number, "act": "granted", "topic": "news", "text": "yes-I-do-want", "ip": "203.0.113.77"})
    first = g.create(to=number, body="appointment at the haberdasher", metadata={"case": "umbrella-case"})
    g.wait(first, "delivered")
    second = g.create(to=number, template="ready", vars={"name": "Leibniz-Gottfried", "order": "zebra-order"}, body=None)
    g.wait(second, "delivered")
    sender = g.message(first)["from"] or "+15005550006"
    g.sim.reply(number, sender, "please call my quaggaphone")
    g.sim.reply(number, sender, "退订")
    return first, second


WORDS = ("Leibniz-Gottfried", "gottfried@leibniz", "kaleidoscope", "devicetoken-abcdefgh", "yes-I-do-want", "203.0.113.77", "haberdasher", "umbrella-case",
         "zebra-order", "quaggaphone", LI, "customer-4711")


def test_erasing__leaves_nothing_of_the_person_in_the_files_but_the_opt_out_by_hash(gateway):
    g = gateway
    key = admin(g)
    first, _ = live(g)
    other = g.create(to=HAN, body="for another altogether")
    g.wait(other, "delivered")
    assert left(g, *WORDS) == set(WORDS)
    assert ask(g, "POST", "/v1/contacts/customer-4711/erase").status == 403
    a = ask(g, "POST", "/v1/contacts/customer-4711/erase", key=key)
    assert a.status in (200, 202), a
    said = a.json
    assert (said["contacts"], said["devices"], said["marks"]) == (1, 1, 1) and said["consents"] >= 2, said

    def finished():
        b = ask(g, "GET", "/v1/erasures/" + said["id"])
        return b.status == 200 and b.json
    done = until(finished, 150, 1)
    assert (done["messages"], done["replies"], done["left_over"]) == (2, 2, 0) and done["finished_at"], done
    until(lambda: not left(g, *WORDS), 30, 0.5, told="left in the files")
    m = g.message(first)
    assert (m["to"], m["body"], m["metadata"], m["status"]) == ("erased", "", None, "delivered"), m
    assert ask(g, "GET", "/v1/contacts/customer-4711").status == 404
    m = g.message(g.create(to=LI, body="are you there"))
    assert (m["status"], m["reason"]) == ("suppressed", "opted_out"), m
    assert g.message(other)["body"] == "for another altogether"
    verdict = ask(g, "POST", "/v1/erasures/%s/verify" % done["id"], {"certificate": done, "subject": "customer-4711"}).json
    assert verdict == {"valid": True, "subject_matches": True}
    forged = {**done, "messages": 3}
    assert ask(g, "POST", "/v1/erasures/%s/verify" % done["id"], {"certificate": forged}).json == {"valid": False, "subject_matches": None}
    assert ask(g, "POST", "/v1/erasures/%s/verify" % done["id"], {"certificate": {}}).json["valid"] is False
    assert ask(g, "POST", "/v1/erasures/%s/verify" % done["id"], {"certificate": done, "subject": "somebody"}).json["subject_matches"] is False
    g.kill9()
    g.start()
    assert ask(g, "POST", "/v1/erasures/%s/verify" % done["id"], {"certificate": done}).json["valid"] is True
    assert ask(g, "POST", "/v1/contacts/customer-4711/erase", key=key).status == 404
    release = ask(g, "DELETE", "/v1/suppressions/" + urllib.parse.quote(LI) + "?kind=opt_out")
    assert release.status == 204, release
    g.wait(g.create(to=LI, body="welcome back"), "delivered")


def test_erasing__by_number_cancels_what_waits_and_needs_no_contact(gateway):
    g = gateway
    key = admin(g)
    waiting = g.create(to=LI, body="tomorrow's haberdasher", send_at=after(3600))
    kept = g.create(to=HAN, body="tomorrow, too", send_at=after(3600))
    a = ask(g, "POST", "/v1/erasures", {"number": "138 0013 8017"}, key)
    assert (a.status, a.json["contacts"], a.json["messages"]) == (200, 0, 1), a
    assert (g.message(waiting)["status"], g.message(waiting)["to"], g.message(waiting)["body"]) == ("canceled", "erased", "")
    assert g.message(kept)["status"] == "scheduled"
    until(lambda: not left(g, LI, "haberdasher"), 30, 0.5, told="left in the files")
    assert ask(g, "POST", "/v1/erasures", {"number": "no number at all"}, key).status == 400


def test_erasing__in_one_account_touches_no_other(gateway):
    g = gateway
    mine = g.create(to=LI, body="ours")
    g.wait(mine, "delivered")
    other = admin(g, "other")
    ask(g, "PUT", "/v1/contacts/li", {"numbers": [LI]})
    assert ask(g, "POST", "/v1/contacts/li/erase", key=other).status == 404
    a = ask(g, "POST", "/v1/erasures", {"number": LI}, other)
    assert (a.status, a.json["messages"]) == (200, 0), a
    assert g.message(mine)["to"] == LI and ask(g, "GET", "/v1/contacts/li").status == 200
    assert ask(g, "GET", "/v1/erasures/" + a.json["id"]).status == 404
    assert ask(g, "POST", "/v1/erasures/%s/verify" % a.json["id"], {"certificate": a.json}).json["valid"] is True


def once(members):
    """No name stands twice in an object."""
    assert len(dict(members)) == len(members), [name for name, _ in members]
    return dict(members)


def test_data__of_one_person_is_all_of_it(gateway):
    g = gateway
    v = ask(g, "POST", "/v1/verifications", {"to": LI, "purpose": "login"}).json
    g.wait(v["message_id"], "delivered")
    first, second = live(g)
    g.wait(g.create(to=HAN, body="for another altogether"), "delivered")
    a = ask(g, "GET", "/v1/contacts/customer-4711/data")
    assert a.status == 200, a
    d = a.json
    assert d["contact"]["attributes"] == {"diagnosis": "kaleidoscope"} and d["contact"]["devices"][0]["token"] == "devicetoken-abcdefgh"
    assert [(c["number"], [w["act"] for w in c["data"]]) for c in d["consents"]] == [(LI, ["withdrawn", "granted"])]
    assert d["consents"][0]["data"][1]["ip"] == "203.0.113.77"
    assert [(s["number"], s["kind"]) for s in d["suppressions"]] == [(LI, "opt_out")]
    assert [m["id"] for m in d["messages"] if m["direction"] == "outbound"] == [v["message_id"], first, second]
    assert [(x["id"], x["purpose"]) for x in d["verifications"]] == [(v["id"], "login")]
    assert all(m["attempts"] == len(m["calls"]) > 0 for m in d["messages"] if m["direction"] == "outbound")
    json.loads(a.body, object_pairs_hook=once)
    inbound = [m for m in d["messages"] if m["direction"] == "inbound"]
    assert [m["body"] for m in inbound] == ["please call my quaggaphone", "退订"] and inbound[1]["reply"]["action"] == "stop"
    assert d["next_cursor"] is None and "for another" not in a.body.decode()
    for i in range(120):
        g.create(to=LI, body="many", send_at=after(3600))
    got, cursor = [], ""
    while cursor is not None:
        page = ask(g, "GET", "/v1/contacts/customer-4711/data?cursor=" + cursor).json
        got += [m["id"] for m in page["messages"]]
        cursor = page["next_cursor"]
    assert len(got) == len(set(got)) == 125
    other = {"Authorization": "Bearer " + g.create_key(account="other")["key"]}
    assert ask(g, "GET", "/v1/contacts/customer-4711/data", key=other).status == 404


def test_erasing__takes_out_what_endpoints_were_told_too(make_gateway):
    g = make_gateway(webhooks={"allow_http": True, "allow_private": True})
    key = admin(g)
    endpoint = Endpoint()
    try:
        Hooks(g, key["Authorization"].split()[1]).create(endpoint.url)
        sid = g.create(to=LI, body="appointment at the haberdasher")
        g.wait(sid, "delivered")
        endpoint.wait("message.delivered", sid)
        g.sim.reply(LI, g.message(sid)["from"] or "+15005550006", "退订")
        until(lambda: any(LI in json.dumps(p.json) and "opted_out" in p.type for p in list(endpoint.posts)), 30, 0.2)
        a = ask(g, "POST", "/v1/erasures", {"number": LI}, key)
        assert a.status in (200, 202), a
        until(lambda: ask(g, "GET", "/v1/erasures/" + a.json["id"]).status == 200, 150, 1)
        until(lambda: not left(g, LI, "haberdasher"), 30, 0.5, told="left in the files")
    finally:
        endpoint.close()


RULES = """
rules:
  - {name: paid, on: order.paid, to: data.phone, template: ready, vars: {name: data.name, order: data.id}, dedupe: {key: data.phone, window: 1d}}
  - {name: daily, on: cart.left, to: data.phone, template: ready, vars: {name: data.name, order: data.id}, digest: {window: 1h}}
  - {name: nobody, on: seen, when: data.never, to: data.phone, template: ready}
"""


def posted(g, type, data, **more):
    a = ask(g, "POST", "/v1/events", {"type": type, "data": data, **more})
    assert a.status == 202, a
    return a.json


def test_erasing__takes_the_person_out_of_business_events_digests_and_dedupe_keys(make_gateway, tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "r.yaml").write_text(RULES)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "ready.txt").write_text("{{ name }}: {{ order }} is ready.")
    g = make_gateway(rules={"dir": str(tmp_path / "rules")}, templates={"dir": str(tmp_path / "templates")}, limits={"caps": ["100/1d"]})
    key = admin(g)
    ask(g, "PUT", "/v1/contacts/customer-4711", {"numbers": [LI], "emails": ["gottfried@leibniz.example"]})
    paid = posted(g, "order.paid", {"phone": "138 0013 8017", "name": "Leibniz-Gottfried", "id": "zebra-order"}, id="order-of-" + LI)
    assert [o["did"] for o in paid["outcomes"]] == ["fired"], paid["outcomes"]
    g.wait(paid["outcomes"][0]["message_id"], "delivered")
    cart = posted(g, "cart.left", {"phone": LI, "name": "Leibniz-Gottfried", "id": "teapot"})
    assert [o["did"] for o in cart["outcomes"]] == ["digested"], cart
    seen = [posted(g, "seen", {"never": False, "who": "x", **d}) for d in (
        {"mobile": 13800138017}, {"mail": "Gottfried@Leibniz.example"}, {"note": "call (+86) 138-0013-8017"}, {"by": "customer-4711"})]
    seen.append(posted(g, "seen", {"never": False, "plain": "umbrella-case"}, subject="customer-4711"))
    kept = [posted(g, "seen", {"never": False, **d}, id="kept-%d" % i)
            for i, d in enumerate(({"mobile": 13800138018}, {"mail": "x.gottfried@leibniz.example"}, {"by": "customer-47112"}))]
    d = ask(g, "GET", "/v1/contacts/customer-4711/data").json
    assert [e["id"] for e in d["events"]] == [e["id"] for e in (paid, cart, *seen)] and d["next_cursor"] is None, d["events"]
    words = ("Leibniz-Gottfried", "zebra-order", "teapot", "umbrella-case", "138-0013-8017", "138 0013 8017", LI, "Gottfried@Leibniz")
    assert left(g, *words) == set(words)
    a = ask(g, "POST", "/v1/contacts/customer-4711/erase", key=key)
    assert a.status == 200 and (a.json["events"], a.json["gathered"]) == (7, 1) and a.json["counted"] >= 2, a
    assert ask(g, "POST", "/v1/erasures/%s/verify" % a.json["id"], {"certificate": a.json}).json["valid"] is True
    earlier = {k: v for k, v in a.json.items() if k not in ("events", "gathered", "counted")}
    assert ask(g, "POST", "/v1/erasures/%s/verify" % a.json["id"], {"certificate": earlier}).json["valid"] is False
    until(lambda: not left(g, *words), 30, 0.5, told="left in the files")
    e = ask(g, "GET", "/v1/events/" + paid["id"]).json
    assert (e["type"], e["event_id"], e["data"], e["outcomes"][0]["did"]) == ("order.paid", None, {}, "fired"), e
    for e in kept:
        assert ask(g, "GET", "/v1/events/" + e["id"]).json["data"] == e["data"]


def test_erasing__takes_a_contact_out_of_digests_that_know_them_by_id(make_gateway, tmp_path):
    for name in ("rules", "templates"):
        (tmp_path / name).mkdir()
    (tmp_path / "rules" / "r.yaml").write_text(
        "rules:\n  - {name: daily, on: cart.left, contact: data.who, template: ready, digest: {window: 10s}}\n")
    (tmp_path / "templates" / "ready.txt").write_text("{{ contact.numbers[0] }} {% for e in events %}{{ e.data.what }} {% endfor %}")
    g = make_gateway(rules={"dir": str(tmp_path / "rules")}, templates={"dir": str(tmp_path / "templates")})
    key = admin(g)
    for who, number in (("customer-4711", LI), ("customer-4712", HAN)):
        ask(g, "PUT", "/v1/contacts/" + who, {"numbers": [number]})
    left_behind = [posted(g, "cart.left", {"who": who, "what": "teapot"}) for who in ("customer-4711", "customer-4712")]
    a = ask(g, "POST", "/v1/contacts/customer-4711/erase", key=key)
    assert a.status == 200 and a.json["gathered"] == 1, a
    kept = until(lambda: ask(g, "GET", "/v1/events/" + left_behind[1]["id"]).json["outcomes"][0]["message_id"], 30)
    g.wait(kept, "delivered")
    until(lambda: not left(g, "customer-4711", LI), 30, 0.5, told="left in the files")
    assert ask(g, "GET", "/v1/events/" + left_behind[0]["id"]).json["outcomes"][0]["message_id"] is None


def test_erasing__goes_through_more_events_than_one_transaction_should_and_over_a_kill(make_gateway):
    g = make_gateway()
    key = admin(g)

    def many(n, **data):
        lines = "\n".join(json.dumps({"type": "seen", "data": {"n": i, **data}}) for i in range(n))
        a = call(g.port, "POST", "/v1/events", lines, {**g.bearer, "Content-Type": "application/x-ndjson"}, timeout=60)
        assert a.status == 200 and a.json["accepted"] == n, a
        return a.json["ids"]
    first = many(1, phone=LI, word="haberdasher")
    for _ in range(3):
        many(1000, phone=HAN)
    last = many(1, phone=LI, word="haberdasher")
    a = ask(g, "POST", "/v1/erasures", {"number": LI}, key)
    assert (a.status, a.json["events"], a.json["finished_at"]) == (202, 1, None), a
    g.kill9()
    g.start()
    after_it = many(1, phone=LI, word="later")

    def finished():
        b = ask(g, "GET", "/v1/erasures/" + a.json["id"])
        return b.status == 200 and b.json
    done = until(finished, 150, 0.5)
    assert (done["events"], done["left_over"]) == (2, 0), done
    assert [ask(g, "GET", "/v1/events/" + x[0]).json["data"] == {} for x in (first, last, after_it)] == [True, True, False]
    until(lambda: not left(g, "haberdasher"), 30, 0.5, told="left in the files")
