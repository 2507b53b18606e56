"""Texts from handsets: keywords, answers as TwiML and as messages, whose they are, how they sound, the inbox."""
import json
import pathlib
import re
import urllib.parse
import uuid
import xml.etree.ElementTree

import pytest
from twilio.request_validator import RequestValidator

from harness.gateway import call, until
from harness.hostile_gateway import TOKEN

QUICK = {"lookup_after_ms": 300}
LI, OWN = "+8613800138000", "+15005550006"


def twiml(body):
    """The texts that TwiML has the provider send back."""
    root = xml.etree.ElementTree.fromstring(body)
    assert root.tag == "Response"
    return [m.text for m in root.findall("Message")]


def provider_posts(g, sid, sender, to, body, **more):
    """A text as Twilio posts it, signed by Twilio's own SDK."""
    form = {"MessageSid": sid, "SmsSid": sid, "From": sender, "To": to, "Body": body, **more}
    url = g.url + "/hooks/sim/inbound"
    headers = {"Content-Type": "application/x-www-form-urlencoded",
               "X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(url, form)}
    return call(g.port, "POST", "/hooks/sim/inbound", urllib.parse.urlencode(form), headers)


def says(g, sender, body, to=OWN, **more):
    """A handset writes; what it is answered."""
    a = provider_posts(g, "SM" + uuid.uuid4().hex, sender, to, body, **more)
    assert a.status == 200, a
    return twiml(a.body)


def suppressed(g, number=LI):
    a = g.get("/v1/suppressions/" + urllib.parse.quote(number, safe=""))
    assert a.status == 200, a
    return [(r["kind"], r["topic"], r["source"], r["by"]) for r in a.json["data"]]


# ---- keywords and answers ----

def test_reply__of_a_handset_by_way_of_the_simulator(make_gateway):
    g = make_gateway(lane=QUICK)
    g.wait(g.create(to=LI, body="您的订单已完成"), "delivered")
    answer = g.sim.reply(LI, OWN, "退订")
    assert answer["http_status"] == 200 and twiml(answer["answer"].encode()) == ["您已退订通知"], answer
    assert g.message(g.create(to=LI, body="又一条"))["reason"] == "opted_out"


@pytest.mark.parametrize("text", ["取消", "退订", "退訂", "T", "td", "N", "R", "拒收", "STOP", "stop", " Stop. ", "ＳＴＯＰ", "“取消”", "取 消", "「退订」!",
                                  "unsubscribe", "Quit", "CANCEL", "End", "STOPALL", "停止", "stop 🙏"])
def test_stop_word__opts_out_and_is_confirmed_in_the_articles_words(make_gateway, text):
    g = make_gateway(lane=QUICK)
    assert says(g, LI, text)[0].startswith("您已退订通知"), text
    assert [r[:3] for r in suppressed(g)] == [("opt_out", None, "reply")]
    m = g.message(g.create(to=LI, body="hello"))
    assert (m["status"], m["reason"]) == ("suppressed", "opted_out")


PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "replies.md"
WIDE = {c: c + 0xFEE0 for c in range(0x21, 0x7F)} | {0x20: 0x3000}
TRADITIONAL = str.maketrans("订阅恢复帮确认", "訂閱恢復幫確認")


def test_words__all_that_the_page_names_work_however_they_are_written(make_gateway):
    g = make_gateway(lane=QUICK)
    rows = dict(re.findall(r"^\| (stop|start|help) \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.M))
    words = {action: [w for w in line.split() if w != "·"] for action, line in rows.items()}
    assert set("取消 退订 T TD N R 拒收 STOP STOPALL UNSUBSCRIBE CANCEL END QUIT".split()) <= set(words["stop"])
    assert set("START UNSTOP YES".split()) <= set(words["start"]) and set("HELP INFO".split()) <= set(words["help"])
    sent = [(action, text) for action, list_ in words.items() for w in list_
            for text in dict.fromkeys((w, w.lower(), w.title(), w.translate(WIDE), w.translate(TRADITIONAL), " \t“%s”!! 。" % w, w + "\n"))]
    for i, (action, text) in enumerate(sent):
        says(g, "+1415%07d" % (5550000 + i), text)
    said, cursor = {}, ""
    while cursor is not None:
        page = g.get("/v1/replies?limit=100" + (cursor and "&cursor=" + cursor)).json
        said.update({r["from"]: r["action"] for r in page["data"]})
        cursor = page.get("next_cursor")
    wrong = [(text, action, said["+1415%07d" % (5550000 + i)]) for i, (action, text) in enumerate(sent) if said["+1415%07d" % (5550000 + i)] != action]
    assert not wrong and len(sent) > 200, wrong


# Who stops is told how to come back, and who asks how to stop: by the words they were told.
TONGUES = {"fr": ("+33612345678", "arrêt", "REPRENDRE", "Aide", "STOP"), "es": ("+34612345678", "Baja", "alta", "AYUDA", "BAJA"), "pt": ("+351912345678", "sair", "Voltar", "ajuda", "SAIR"),
           "de": ("+4915112345678", "Stopp", "anmelden", "Hilfe", "STOPP"), "ru": ("+79161234567", "стоп", "Старт", "помощь", "СТОП"),
           "ja": ("+819012345678", "停止", "再開", "ヘルプ", "停止"), "ko": ("+821012345678", "수신거부", "수신동의", "도움말", "수신거부")}


def test_languages__are_answered_in_their_own_with_words_that_work(make_gateway):
    g = make_gateway(lane=QUICK)
    for number, stop, start, help, told in TONGUES.values():
        answer, = says(g, number, stop)
        assert start.casefold() in answer.casefold() and [r[:3] for r in suppressed(g, number)] == [("opt_out", None, "reply")], (stop, answer)
        answer, = says(g, number, start)
        assert told in answer and suppressed(g, number) == [], (start, answer)
        answer, = says(g, number, help)
        assert told in answer and "Reply" not in answer, (help, answer)
        assert says(g, number, told) != [] and len(suppressed(g, number)) == 1, told


@pytest.mark.parametrize("text", ["No, N street", "don't stop", "取消订单1234", "T恤多少钱", "STOP 12345", "", "停车", "I will cancel my order", "nn"])
def test_text__that_only_contains_a_keyword_opts_nobody_out(make_gateway, text):
    g = make_gateway(lane=QUICK)
    assert says(g, LI, text) == []
    assert suppressed(g) == []


def test_other_text__is_answered_with_how_to_opt_out_where_that_is_on(make_gateway):
    g = make_gateway(lane=QUICK, replies={"answer_other": True})
    assert says(g, LI, "好的,谢谢") == ['回复"取消"退订']
    assert says(g, "+14155550123", "thank you") == ["Reply STOP to unsubscribe."]
    assert says(g, "+14155550124", "谢谢") == ['回复"取消"退订']


def test_start__brings_the_number_back_and_help_helps(make_gateway):
    g = make_gateway(lane=QUICK)
    number = "+14155550123"
    assert says(g, number, "STOP")[0].startswith("You have unsubscribed")
    assert says(g, number, "help") == ["Reply STOP to unsubscribe."]
    assert suppressed(g, number) == [("opt_out", None, "reply", "STOP")]
    assert says(g, number, "Start")[0].startswith("You are subscribed again")
    assert suppressed(g, number) == []
    g.wait(g.create(to=number, body="hello"), "delivered")


def test_start__releases_no_block(make_gateway):
    g = make_gateway(lane=QUICK)
    boss = {"Authorization": "Bearer " + g.create_key(scopes="send,read,admin")["key"], "Content-Type": "application/json"}
    put = call(g.port, "PUT", "/v1/suppressions/" + urllib.parse.quote(LI), json.dumps({"kind": "block"}), boss)
    assert put.status == 201, put
    assert says(g, LI, "恢复") == [] and [r[0] for r in suppressed(g)] == ["block"]


def test_settings__words_topics_accounts_languages_and_answers(make_gateway):
    g = make_gateway.gateway(lane=QUICK, replies={
        "keywords": ["stop NONEWS for topic=news", "ignore N, R for account=default", "stop 退出 for account=other", "stop SCHLUSS for language=de"],
        "answers": ["stop de Sie erhalten keine Nachrichten mehr.", "stop en account=default Bye & <good> luck."]})
    _, other = g.create_key(), {"Authorization": "Bearer " + g.create_key(account="other")["key"]}  # texts of nobody's are the first account's
    g.start()
    number = "+14155550123"
    assert says(g, number, "N") == [] and suppressed(g, number) == []
    assert says(g, number, "退出") == [] and suppressed(g, number) == []
    assert says(g, number, "NoNews") == ["Bye & <good> luck."]
    assert suppressed(g, number) == [("opt_out", "news", "reply", "NONEWS")]
    g.wait(g.create(to=number, body="about an order", topic="orders"), "delivered")
    assert says(g, "+4915112345678", "Schluss!") == ["Sie erhalten keine Nachrichten mehr."]
    guest = "+14155550129"
    g.post("/v1/messages", {"to": guest, "body": "of the other account"}, other)
    until(lambda: g.sim.times().get("of the other account"))
    assert says(g, guest, "退出") != [] and says(g, number, "退出") == [], "a word is its account's own"
    rows = g.get("/v1/suppressions/%2B" + guest[1:], headers=other).json["data"]
    assert [(r["kind"], r["by"]) for r in rows] == [("opt_out", "退出")] and suppressed(g, guest) == []


def test_settings__that_are_wrong_are_refused_with_their_place(make_gateway):
    g = make_gateway.gateway(replies={"keywords": ["halt X"], "answers": ["stop"]})
    checked = g.run("config", "check", "-c", str(g.config))
    told = checked.stderr + checked.stdout
    assert checked.returncode != 0 and b"replies.keywords" in told and b"replies.answers" in told, told


def test_answers__are_off_where_the_settings_say_so_but_the_opt_out_counts(make_gateway):
    g = make_gateway(lane=QUICK, replies={"answer": False})
    assert says(g, LI, "退订") == []
    assert suppressed(g) == [("opt_out", None, "reply", "退订")]


def test_loops__are_cut_short(make_gateway):
    g = make_gateway(lane=QUICK, replies={"answer_other": True, "answers_max": 3})
    answers = [says(g, LI, "text %d" % i) for i in range(6)]
    assert [len(a) for a in answers] == [1, 1, 1, 0, 0, 0]
    assert says(g, "10690000", "验证码") == []  # a short code
    assert says(g, "+8613800138001", "[自动回复] 我正在开会") == []
    assert says(g, "+8613800138002", "I'm driving, will call you later") == []
    assert says(g, "+8613800138003", '回复"取消"退订') == []  # our own words
    assert says(g, "+8613800138004", "退订") != []
    assert says(g, "+8613800138004", "怎么又发") == []  # opted out: only keywords are answered


def test_loop__of_a_machine_that_says_something_new_each_time_is_cut_short_over_a_kill(make_gateway):
    g = make_gateway(lane=QUICK, replies={"answer_other": True, "answers_max": 3, "inline": False})
    for i in range(6):
        says(g, LI, "您的来信已收到,编号 %d" % i)
        if i in (1, 3):
            g.kill9()
            g.start()
    g.settle()
    assert g.sim.times() == {'回复"取消"退订': 3}, "the kill counts nothing anew"
    says(g, LI, "退订")
    assert [r[0] for r in suppressed(g)] == ["opt_out"], "who is answered no more may opt out all the same"


def test_answer__goes_as_a_message_where_it_is_not_taken_inline(make_gateway):
    g = make_gateway(lane=QUICK, replies={"inline": False})
    assert says(g, LI, "退订") == []
    sent = until(lambda: [m for m in g.all(to=LI, direction="outbound")])[0]
    m = g.wait(sent["id"], "delivered")
    assert (m["to"], m["from"], m["body"]) == (LI, OWN, "您已退订通知"), m  # though the number has opted out
    assert g.message(g.create(to=LI, body="hello"))["reason"] == "opted_out"
    assert g.sim.stats()["received"] == 1


def test_repeat__of_the_same_text_is_one_text_and_answered_once(make_gateway):
    g = make_gateway(lane=QUICK)
    sid = "SM" + "0123456789abcdef" * 2
    answers = [provider_posts(g, sid, LI, OWN, "退订") for _ in range(3)]
    assert [a.status for a in answers] == [200] * 3
    assert sum("<Message>" in a.body.decode() for a in answers) == 1
    assert len([m for m in g.all(direction="inbound")]) == 1


@pytest.mark.parametrize("kind, action", [("STOP", "stop"), ("START", "start"), ("HELP", "help")])
def test_provider__that_has_answered_is_not_answered_over(make_gateway, kind, action):
    g = make_gateway(lane=QUICK, replies={"answer_other": True})
    a = provider_posts(g, "SM" + "ab" * 16, LI, OWN, "whatever they agreed on", OptOutType=kind)
    assert a.status == 200 and "<Message>" not in a.body.decode()
    assert bool(suppressed(g)) == (kind == "STOP")


# ---- the inbox ----

def inbox(g, **query):
    a = g.get("/v1/replies?" + urllib.parse.urlencode(query))
    assert a.status == 200, a
    return a.json["data"]


def test_inbox__joins_texts_to_messages_and_filters_them(make_gateway):
    g = make_gateway(lane=QUICK, replies={"answer_other": True})
    first = g.create(to=LI, body="您的订单已完成")
    g.wait(first, "delivered")
    second = g.create(to=LI, body="评价一下吧")
    g.wait(second, "delivered")
    says(g, LI, "太糟糕了,非常失望,垃圾服务!")
    says(g, LI, "谢谢,非常好,我很喜欢!")
    says(g, "+14155550123", "hello")
    says(g, LI, "退订")
    rows = inbox(g)
    assert [r["body"][:2] for r in rows] == ["退订", "he", "谢谢", "太糟"]
    assert [r["in_reply_to"] for r in rows] == [second, None, second, second]
    assert (rows[0]["action"], rows[0]["keyword"], rows[0]["answer"]) == ("stop", "退订", "您已退订通知")
    assert rows[3]["mood"] == "negative" and rows[3]["polarity"] < -500 and rows[3]["answer"] == '回复"取消"退订'
    assert rows[2]["mood"] == "positive"
    assert [r["id"] for r in inbox(g, mood="negative")] == [rows[3]["id"]]
    assert [r["id"] for r in inbox(g, action="stop")] == [rows[0]["id"]]
    assert len(inbox(g, **{"from": LI})) == 3 and len(inbox(g, to=OWN)) == 4 and inbox(g, to=LI) == []
    assert inbox(g, since="2100-01-01T00:00:00Z") == [] and len(inbox(g, until="2100-01-01T00:00:00Z")) == 4
    page = g.get("/v1/replies?limit=3").json
    assert len(page["data"]) == 3 and len(inbox(g, limit=3, cursor=page["next_cursor"])) == 1
    answers = g.get("/v1/messages/%s/replies" % second).json["data"]
    assert len(answers) == 3 and g.get("/v1/messages/%s/replies" % first).json["data"] == []
    assert g.message(rows[0]["id"])["in_reply_to"] == second and g.message(rows[1]["id"])["in_reply_to"] is None
    assert g.message(second)["in_reply_to"] is None
    until(lambda: "reply.negative" in g.log())
    metrics = g.get("/metrics").body.decode()
    for line in ("replies_negative_total 1", "replies_opt_out_total 1", "replies_answered_total 4"):
        assert line in metrics, line


def test_inbox__texts_are_read_and_unread_by_their_own_account(make_gateway):
    g = make_gateway(lane=QUICK)
    says(g, LI, "你好")
    row = inbox(g)[0]
    other = {"Authorization": "Bearer " + g.create_key(account="other")["key"]}
    mark = lambda what, headers=None: g.post("/v1/replies/%s/%s" % (row["id"], what), b"", headers).status  # noqa: E731
    assert row["read_at"] is None and mark("read", other) == 404 and len(inbox(g, unread="true")) == 1
    assert mark("read") == 204 and inbox(g, unread="true") == [] and inbox(g)[0]["read_at"]
    assert mark("unread") == 204 and len(inbox(g, unread="true")) == 1
    assert g.get("/v1/replies", headers=other).json["data"] == []
    deleted = call(g.port, "DELETE", "/v1/messages/" + row["id"], None, g.bearer)
    assert deleted.status == 204 and inbox(g) == []
