"""Conversations by number pair: which message a text from a handset answers, and whose it is, where several numbers write to one handset."""
from harness.gateway import until
from test_replies import LI, QUICK, inbox, says, suppressed

ONE, TWO, NEVER = "+15005550006", "+14155550100", "+14155550199"


def test_reply__answers_what_the_number_it_was_written_to_said_last(make_gateway):
    g = make_gateway(lane=QUICK)
    shop = g.create(to=LI, body="your order is ready", **{"from": ONE})
    g.wait(shop, "delivered")
    clinic = g.create(to=LI, body="see you at 9", **{"from": TWO})
    g.wait(clinic, "delivered")
    for to in (ONE, TWO, ONE, NEVER):
        says(g, LI, "about that", to=to)
    joined = [r["in_reply_to"] for r in reversed(inbox(g))]
    assert joined == [shop, clinic, shop, clinic], "of a number that wrote to nobody: the newest of all"
    assert [len(g.get("/v1/messages/%s/replies" % m).json["data"]) for m in (shop, clinic)] == [2, 2]
    later = g.create(to=LI, body="and your change", **{"from": ONE})
    g.wait(later, "delivered")
    g.kill9()
    g.start()
    says(g, LI, "keep it", to=ONE)
    assert inbox(g)[0]["in_reply_to"] == later


def test_reply__and_its_opt_out_are_of_the_account_whose_number_was_answered(make_gateway):
    g = make_gateway(lane=QUICK)
    other = {"Authorization": "Bearer " + g.create_key(account="other", scopes="send,read,admin")["key"]}
    mine = g.create(to=LI, body="ours", **{"from": ONE})
    g.wait(mine, "delivered")
    theirs = g.post("/v1/messages", {"to": LI, "body": "theirs", "from": TWO}, other).json["id"]
    until(lambda: g.get("/v1/messages/" + theirs, headers=other).json["status"] == "delivered")
    says(g, LI, "which table?", to=ONE)
    assert [r["in_reply_to"] for r in inbox(g)] == [mine], "though the other account wrote last"
    says(g, LI, "退订", to=TWO)
    assert len(inbox(g)) == 1 and suppressed(g) == []
    row, = g.get("/v1/replies", headers=other).json["data"]
    assert (row["in_reply_to"], row["action"]) == (theirs, "stop")
    assert [r["kind"] for r in g.get("/v1/suppressions/%2B" + LI[1:], headers=other).json["data"]] == ["opt_out"]
    g.wait(g.create(to=LI, body="ours again", **{"from": ONE}), "delivered")
    says(g, LI, "N", to=ONE)
    assert [r[0] for r in suppressed(g)] == ["opt_out"] and len(g.get("/v1/replies", headers=other).json["data"]) == 1


def test_answer__goes_out_by_the_number_that_was_written_to(make_gateway):
    g = make_gateway(lane=QUICK, replies={"inline": False, "answer_other": True})
    g.wait(g.create(to=LI, body="see you at 9", **{"from": TWO}), "delivered")
    says(g, LI, "which door?", to=TWO)
    answer = until(lambda: [m for m in g.all(to=LI, direction="outbound") if m["from"] == TWO and "取消" in m["body"]])[0]
    g.wait(answer["id"], "delivered")
    assert inbox(g)[0]["answer"] == '回复"取消"退订'
