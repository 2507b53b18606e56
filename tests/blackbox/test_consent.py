"""The suppression list as an application and an operator meet it: what a provider's refusal teaches, opt-outs, blocks, lists."""
import json
import urllib.parse

import pytest

from harness.gateway import after, call, until

QUICK = {"lookup_after_ms": 300}
LI = "+8613800138000"


# ---- what providers teach ----

@pytest.mark.parametrize("to, reason", [("+15005550004", "opted_out"), ("+15005550009", "known_invalid"), ("+15005550001", "known_invalid")])
def test_refusal__of_the_provider_stops_the_next_message(make_gateway, to, reason):
    g = make_gateway(lane=QUICK)
    g.wait(g.create(to=to, body="one"), "failed")
    second = g.create(to=to, body="two")
    m = g.message(second)
    assert (m["status"], m["reason"], m["attempts"]) == ("suppressed", reason, 0), m
    assert [e["status"] for e in g.events(second)] == ["accepted", "suppressed"]
    assert g.sim.stats()["rejected"] == 1
    g.wait(g.create(to=LI, body="three"), "delivered")
    assert 'sms_messages_total{state="suppressed"} 1' in g.get("/metrics").body.decode()


def test_refusal__for_another_reason_stops_nothing(make_gateway):
    g = make_gateway(lane=QUICK)
    for body in ("one", "two"):
        assert g.wait(g.create(to="+15005550002", body=body), "failed")["reason"] == "unreachable"


# ---- the list ----

def quote(number):
    return urllib.parse.quote(number, safe="")


def ask(g, method, path, body=None, headers=None):
    data = json.dumps(body) if body is not None else None
    return call(g.port, method, path, data, {**(headers or g.bearer), "Content-Type": "application/json"})


def put(g, number, headers=None, **row):
    return ask(g, "PUT", "/v1/suppressions/" + quote(number), row, headers)


def release(g, number, headers=None, **query):
    return ask(g, "DELETE", "/v1/suppressions/%s?%s" % (quote(number), urllib.parse.urlencode(query)), None, headers)


def rows_of(g, number):
    a = ask(g, "GET", "/v1/suppressions/" + quote(number))
    assert a.status == 200, a
    return a.json["data"]


def admin(g):
    return {"Authorization": "Bearer " + g.create_key(scopes="send,read,admin")["key"]}


def test_opt_out__stops_what_waits_and_what_comes_and_can_be_taken_back(make_gateway):
    g = make_gateway(lane=QUICK)
    scheduled = g.create(to=LI, body="tomorrow", send_at=after(6))
    a = put(g, "138 0013 8000", note="by telephone")
    assert a.status == 201, a
    row = a.json["data"][0]
    assert (a.json["number"], row["kind"], row["source"], row["note"], row["everyone"]) == (LI, "opt_out", "api", "by telephone", False)
    assert row["by"].startswith("SK") and row["expires_at"] is None
    assert put(g, LI).status == 200
    m = g.message(g.create(to=LI, body="now"))
    assert (m["status"], m["reason"]) == ("suppressed", "opted_out"), m
    m = g.wait(scheduled, "suppressed")
    assert (m["reason"], m["attempts"], g.attempts(scheduled)) == ("opted_out", 0, [])
    assert g.moves(scheduled) == ["accepted", "scheduled", "suppressed"]
    assert release(g, LI, kind="opt_out").status == 204
    assert release(g, LI, kind="opt_out").status == 404
    assert rows_of(g, LI) == []
    g.wait(g.create(to=LI, body="again"), "delivered")
    assert g.sim.stats()["received"] == 1


def test_opt_out__that_comes_while_a_message_waits_for_its_lane_is_honoured(make_gateway):
    g = make_gateway(lane={**QUICK, "rates": ["1/3s"]})
    others = [g.create(to="+861380013800%d" % i, body="takes a place") for i in range(1, 4)]
    waiting = g.create(to=LI, body="waits")
    assert g.message(waiting)["waiting_for"] == "lane"
    assert put(g, LI).status == 201
    assert g.wait(waiting, "suppressed")["reason"] == "opted_out"
    for sid in others:
        g.wait(sid, "delivered")
    assert g.sim.stats()["received"] == 3


def test_topics__an_opt_out_is_for_one_or_all_and_some_are_exempt(make_gateway):
    g = make_gateway(lane=QUICK, consent={"exempt_topics": ["otp"]})
    assert put(g, LI, topic="news").status == 201
    assert g.message(g.create(to=LI, body="a", topic="news"))["reason"] == "opted_out"
    g.wait(g.create(to=LI, body="b", topic="orders"), "delivered")
    assert put(g, LI).status == 201
    assert g.message(g.create(to=LI, body="c", topic="orders"))["reason"] == "opted_out"
    g.wait(g.create(to=LI, body="d", topic="otp"), "delivered")
    assert put(g, LI, admin(g), kind="block").status == 201
    assert g.message(g.create(to=LI, body="e", topic="otp"))["reason"] == "blocked"
    assert len(rows_of(g, LI)) == 3


def test_blocks__are_an_administrators_to_make_and_to_release(make_gateway):
    g = make_gateway(lane=QUICK)
    assert put(g, LI, kind="block").status == 403
    boss = admin(g)
    assert put(g, LI, boss, kind="block", expires_at=after(3600)).status == 201
    for how in ({}, {"kind": "block"}):
        assert release(g, LI, **how).status == 403
    assert release(g, LI, kind="opt_out").status == 404
    assert release(g, LI, boss).status == 204


def test_accounts__do_not_see_or_change_each_others_rows(make_gateway):
    g = make_gateway(lane=QUICK)
    other = {"Authorization": "Bearer " + g.create_key(account="other", scopes="send,read,admin")["key"]}
    assert put(g, LI).status == 201
    assert ask(g, "GET", "/v1/suppressions/" + quote(LI), headers=other).json["data"] == []
    assert ask(g, "GET", "/v1/suppressions", headers=other).json["data"] == []
    assert release(g, LI, other).status == 404
    sent = g.post("/v1/messages", {"to": LI, "body": "hello"}, other)
    assert sent.status == 202 and sent.json["status"] != "suppressed"


def test_idempotency__a_repeat_of_a_suppressed_message_is_the_same_message(make_gateway):
    g = make_gateway(lane=QUICK)
    put(g, LI)
    key = {**g.bearer, "Idempotency-Key": "k-1"}
    first, second = (g.post("/v1/messages", {"to": LI, "body": "hello"}, key) for _ in range(2))
    assert (first.status, second.status) == (202, 202) and first.json["id"] == second.json["id"]
    assert first.json["status"] == second.json["status"] == "suppressed"
    assert first.json["created_at"] == g.message(first.json["id"])["created_at"]


def test_bulk__takes_the_good_rows_and_names_the_others(make_gateway):
    g = make_gateway(lane=QUICK)
    rows = [{"number": LI}, {"number": "nonsense 12"}, {"number": "+8613800138001", "topic": "news"}, {"nummer": LI}, "x",
            {"number": "+8613800138002", "kind": "block"}, {"number": "Li@Example.com"}]
    a = ask(g, "POST", "/v1/suppressions", {"suppressions": rows})
    assert a.status == 200, a
    assert (a.json["added"], a.json["renewed"]) == (3, 0)
    assert [(r["index"], r["field"]) for r in a.json["refused"]] == [(1, "number"), (3, "nummer"), (4, None), (5, None)], a
    assert ask(g, "POST", "/v1/suppressions", {"suppressions": rows[:1]}).json["renewed"] == 1
    assert [r["number"] for r in ask(g, "GET", "/v1/suppressions").json["data"]] == [LI, "+8613800138001", "li@example.com"]
    many = [{"number": LI}] * 1001
    assert ask(g, "POST", "/v1/suppressions", {"suppressions": many}).status == 413


def test_list__pages_and_filters(make_gateway):
    g = make_gateway(lane=QUICK)
    boss = admin(g)
    rows = [{"number": "+86138001380%02d" % i, "kind": ("opt_out", "block", "invalid")[i % 3], "topic": "news" if i % 2 else ""}
            for i in range(30)]
    assert ask(g, "POST", "/v1/suppressions", {"suppressions": rows}, boss).json["added"] == 30

    def walk(**query):
        seen = []
        while True:
            page = ask(g, "GET", "/v1/suppressions?" + urllib.parse.urlencode(query)).json
            seen += page["data"]
            if not page["next_cursor"]:
                return seen
            query["cursor"] = page["next_cursor"]
    assert [r["number"] for r in walk(limit=7)] == [r["number"] for r in rows]
    assert len(walk(limit=4, kind="block")) == 10 and len(walk(topic="news", limit=3)) == 15
    assert len(walk(source="api")) == 30 and walk(source="import") == []
    assert all(r["expires_at"] for r in walk(kind="invalid"))
    assert ask(g, "GET", "/v1/suppressions?cursor=zz").status == 400


@pytest.mark.parametrize("number", ["", "12 34 56 78 90 12 34 56", "a b", "+", "%00", "%FF", "x" * 300])
def test_number__that_is_none_is_refused(make_gateway, number):
    g = make_gateway(lane=QUICK)
    for method in ("GET", "PUT", "DELETE"):
        path = "/v1/suppressions/" + (number if "%" in number else quote(number)) + ("?kind=opt_out" if method == "DELETE" else "")
        assert ask(g, method, path).status in (400, 404, 405), (method, path)


def test_log__has_no_number_of_the_list(make_gateway):
    g = make_gateway(lane=QUICK)
    put(g, LI)
    g.create(to=LI, body="hello")
    release(g, LI, kind="opt_out")
    until(lambda: "released=1" in g.log())
    assert "13800138000" not in g.log()


# ---- files ----

def run(g, *words):
    done = g.run(words[0], "suppressions", *words[1:], "-c", str(g.config))
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_import__of_a_file_works_beside_the_gateway_and_names_wrong_lines(make_gateway, tmp_path):
    g = make_gateway(lane=QUICK)
    file = tmp_path / "list.csv"
    file.write_text("\ufeffnumber,topic,note\r\n13800138000,,\"said so, twice \"\"now\"\"\"\r\nnonsense 12,,\r\n\r\n+8613800138001,news,\r\n"
                    "+8613800138002,\"open\r\n", encoding="utf-8")
    code, out, err = run(g, "import", str(file), "--dry-run", "--json")
    assert code == 65 and json.loads(out)["added"] == 2 and rows_of(g, LI) == []
    assert "6 lines (the first names the columns): 2 added, 0 there before, 2 refused (dry run" in run(g, "import", str(file), "--dry-run")[1]
    code, out, err = run(g, "import", str(file), "--json")
    told = json.loads(out)
    assert (code, told["added"], told["renewed"], told["refused"]) == (65, 2, 0, 2), told
    assert [r["line"] for r in told["first_refused"]] == [3, 6] and "list.csv:3:" in err
    row = rows_of(g, LI)[0]
    assert (row["source"], row["note"], row["kind"]) == ("import", 'said so, twice "now"', "opt_out")
    assert g.message(g.create(to=LI, body="hello"))["reason"] == "opted_out"
    code, out, _ = run(g, "export")
    assert code == 0 and out.splitlines() == ["number,kind,topic,note,expires_at", LI + ',opt_out,,"said so, twice ""now""",',
                                              "+8613800138001,opt_out,news,,"]
    again = tmp_path / "again.csv"
    again.write_text(out, encoding="utf-8")
    code, out, _ = run(g, "import", str(again), "--json")
    assert code == 0 and json.loads(out)["renewed"] == 2


def test_list__takes_no_word_where_a_number_was_meant(make_gateway, tmp_path):
    g = make_gateway(lane=QUICK)
    file = tmp_path / "list.csv"
    good = ["10086", "a@example.com", "whatsapp:+8613800138000", "zHBbNeCWTkaVcuoWUKGMPk9bB", "~0123456789abcdef0123456789abcdef"]
    file.write_text("phone,why\n+86138O0138000,the letter O\nhello,\n" + "\n".join(good) + "\n")
    code, out, err = run(g, "import", str(file), "--json")
    told = json.loads(out)
    assert (code, told["added"], [r["line"] for r in told["first_refused"]]) == (65, 5, [1, 2, 3]), told
    assert "is a word: " in err and "a telephone number with letters in it: " in err
    for word, status in ("hello", 400), ("+86138O0138000", 400), ("10010", 201):
        assert put(g, word).status == status
    assert ask(g, "POST", "/v1/consents", {"number": "hello", "act": "granted"}).status == 400


def test_import__for_everyone_is_shown_and_released_by_no_account(make_gateway, tmp_path):
    g = make_gateway(lane=QUICK)
    file = tmp_path / "register.csv"
    file.write_text(LI + "\n")
    assert run(g, "import", str(file), "--everyone", "--kind", "block")[0] == 0
    assert [(r["kind"], r["everyone"]) for r in rows_of(g, LI)] == [("block", True)]
    assert g.message(g.create(to=LI, body="hello"))["reason"] == "blocked"
    assert release(g, LI, admin(g)).status == 404
    assert run(g, "export", "--everyone")[1].splitlines()[1:] == [LI + ",block,,,"]


def test_import__takes_a_hundred_thousand_rows_and_export_gives_them_back(make_gateway, tmp_path):
    g = make_gateway(lane=QUICK)
    file = tmp_path / "many.csv"
    numbers = ["+861%010d" % (3000000000 + i * 7) for i in range(100000)]
    file.write_text("\n".join(numbers) + "\n")
    code, out, err = run(g, "import", str(file), "--json")
    assert code == 0 and json.loads(out)["added"] == 100000, (out, err)
    assert [line.split(",")[0] for line in run(g, "export")[1].splitlines()[1:]] == numbers
    assert g.message(g.create(to=numbers[77777], body="hello"))["reason"] == "opted_out"


@pytest.mark.parametrize("words", [("import",), ("import", "x.csv", "--kind", "nonsense"), ("export", "surplus"), ("import", "/nonexistent.csv")])
def test_files__wrong_words_are_told(make_gateway, words):
    g = make_gateway.gateway()
    code, _, err = run(g, *words)
    assert code in (64, 66, 69, 1, 72) and err, (code, err)
