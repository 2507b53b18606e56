"""E-mail from the API to a real mail server and back: what it took, what it refused, what it never answered, bounces, one click."""
import json
import re
import threading
import urllib.parse

import pytest

from harness.gateway import Gateway, call, until
from harness.mail_server import MailServer, make_certificate

SECRET = "0123456789abcdef0123456789abcdef"
TITLE, TEXT = "【示例】您的验证码", "您的验证码是 123456。\n.请勿告诉他人 🎉"


def mail_lane(server, **more):
    return {"name": "mail", "provider": "smtp", "from": "示例商店 <noreply@example.com>", "host": "127.0.0.1", "port": str(server.port),
            "tls": "off", "allow_private": True, **more}


@pytest.fixture
def servers():
    """make(**how): a mail server that runs."""
    made = []

    def make(**how):
        made.append(MailServer(**how))
        made[-1].start()
        return made[-1]
    yield make
    for s in made:
        if not s.loop.is_closed():
            s.stop(no_assert=True)


def start(make_gateway, server, **lane):
    g = make_gateway.gateway(env={"CALLBACKS": SECRET})
    g.write(lanes=[mail_lane(server, **lane)])
    return g.start()


def test_a_mail_arrives_whole_with_both_parts(make_gateway, servers):
    server = servers()
    g = start(make_gateway, server)
    sid = g.create("zoe@example.org", TEXT, channel="email", title=TITLE, html="<p>您的验证码是 <b>123456</b></p>", language="zh-CN")
    m = g.wait(sid, "sent")
    assert m["provider_id"] == "Q000001"
    taken = server.taken[0]
    assert taken.sender == "noreply@example.com" and taken.recipients == ["zoe@example.org"]
    assert taken.greeting == "example.com"
    assert str(taken.message["Subject"]) == TITLE and str(taken.message["From"]) == "示例商店 <noreply@example.com>"
    assert taken.text() == TEXT and taken.text("html") == "<p>您的验证码是 <b>123456</b></p>"
    assert not taken.message.defects and taken.message["Content-Language"] == "zh-CN"


def test_many_mails_go_over_few_sessions_and_none_twice(make_gateway, servers):
    server = servers()
    g = start(make_gateway, server, in_flight_max=4)
    ids = [g.create("user%d@example.org" % i, "text %d" % i, channel="email", title="t") for i in range(200)]
    for sid in ids:
        g.wait(sid, "sent", timeout=60)
    assert sorted(t.text() for t in server.taken) == sorted("text %d" % i for i in range(200))
    assert len({t.peer for t in server.taken}) <= 8, "a connection for nearly every message"


def test_refusals_say_why_and_the_next_mail_still_goes(make_gateway, servers):
    server = servers()
    g = start(make_gateway, server)
    for box, reason in (("unknown", "invalid_number"), ("spam", "content_rejected")):
        m = g.wait(g.create(box + "@example.org", "x", channel="email", title="t"), "failed")
        assert m["reason"] == reason, m
    g.wait(g.create("zoe@example.org", "x", channel="email", title="t"), "sent")


def test_a_greylisted_mail_waits_and_holds_nobody_up(make_gateway, servers):
    server = servers()
    g = start(make_gateway, server)
    sid = g.create("grey@example.org", "x", channel="email", title="t")
    until(lambda: g.attempts(sid) and g.attempts(sid)[0]["reason"] == "throttled")
    g.wait(g.create("zoe@example.org", "x", channel="email", title="t"), "sent")
    assert g.message(sid)["status"] == "queued"


@pytest.mark.parametrize("box", ["gone", "cut"])
def test_no_reply_after_the_text_is_unknown_and_never_sent_again(make_gateway, servers, box):
    server = servers()
    g = start(make_gateway, server, timeout_ms=4000)
    sid = g.create(box + "@example.org", "x", channel="email", title="t")
    g.wait(sid, "unknown")
    g.wait(g.create("zoe@example.org", "x", channel="email", title="t"), "sent", timeout=60)
    assert len(server.handler.lost) == 1 and g.message(sid)["status"] == "unknown"


def test_a_server_that_is_away_costs_no_mail(make_gateway, servers):
    server = servers()
    g = start(make_gateway, server)
    server.stop(no_assert=True)
    sid = g.create("zoe@example.org", "x", channel="email", title="t")
    until(lambda: g.attempts(sid))
    again = servers(port=server.port)
    g.wait(sid, "sent", timeout=60)
    assert len(again.taken) == 1


def test_a_slow_mail_server_does_not_hold_up_texts(make_gateway, servers):
    server = servers()
    g = make_gateway.gateway()
    g.write(lanes=[g.lane("sim", g.provider_url), mail_lane(server, timeout_ms=120000)])
    g.start()
    for i in range(5):
        g.create("gone@example.org", "x %d" % i, channel="email", title="t")
    until(lambda: len(server.handler.lost) == 5)
    sid = g.create(body="text beside mails that hang")
    g.wait(sid, "delivered")


def test_starttls_and_a_password_and_neither_is_optional(make_gateway, servers, tmp_path):
    certificate = make_certificate(tmp_path)
    server = servers(certificate=certificate, user=("gw", "s3cret pass"))
    g = make_gateway.gateway()
    lane = mail_lane(server, tls="starttls", user="gw", password="${MAILPW}", ca_file=certificate[1])
    g.env["MAILPW"] = "s3cret pass"
    g.write(lanes=[lane])
    assert b"ok" in g.run("doctor", "-c", str(g.config)).stdout
    g.start()
    g.wait(g.create("zoe@example.org", TEXT, channel="email", title="t"), "sent")
    assert server.taken[0].tls and server.logins >= 1
    g.stop()
    g.env["MAILPW"] = "wrong"
    told = g.run("doctor", "-c", str(g.config), "--json")
    assert told.returncode != 0 and b"refuses user and password" in told.stdout, json.dumps(json.loads(told.stdout), indent=1)
    g.env["MAILPW"] = "s3cret pass"
    g.write(lanes=[{k: v for k, v in lane.items() if k != "ca_file"}])
    told = g.run("doctor", "-c", str(g.config), "--json")
    assert told.returncode != 0 and b"certificate" in told.stdout, json.dumps(json.loads(told.stdout), indent=1)
    plain = servers()
    g.write(lanes=[{**lane, "port": str(plain.port)}])
    assert g.run("doctor", "-c", str(g.config)).returncode != 0


def test_nothing_of_a_message_becomes_a_header(make_gateway, servers):
    server = servers()
    g = start(make_gateway, server)
    a = g.send("zoe@example.org", "x", channel="email", title="x\r\nBcc: all@example.net\r\n\r\nbody")
    assert a.status == 400 and a.json["field"] == "title", a
    for to in ("zoe@example.org\r\nBcc: b@example.net", "zoe@example.org>, <b@example.net", "a b@example.org"):
        a = g.send(to, "x", channel="email", title="t")
        assert a.status == 400 and a.json["field"] == "to", a
    body = "x\n.\nRCPT TO:<all@example.net>\nBcc: all@example.net"
    g.wait(g.create("zoe@example.org", body, channel="email", title="Bcc: all@example.net"), "sent")
    mail, = server.taken
    assert mail.recipients == ["zoe@example.org"] and mail.text() == body
    assert mail.message["Bcc"] is None and mail.message["Subject"] == "Bcc: all@example.net"


def test_a_bounce_finds_its_message_and_a_forged_one_does_not(make_gateway, servers):
    server = servers()
    g = start(make_gateway, server, bounce_address="bounce@example.com", callback_token="${CALLBACKS}")
    sid = g.create("zoe@example.org", "x", channel="email", title="t")
    g.wait(sid, "sent")
    sender = server.taken[0].sender
    assert re.fullmatch(r"bounce\+[0-9a-f]{36}@example\.com", sender), sender
    report = ("From: MAILER-DAEMON@example.com\r\nTo: %s\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
              "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n"
              "Final-Recipient: rfc822; zoe@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n"
              "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--b--\r\n" % sender).encode()
    for key in ("", "?k=" + SECRET[::-1]):
        assert call(g.port, "POST", "/hooks/mail/status" + key, report).status in (401, 403)
    assert g.message(sid)["status"] == "sent"
    assert call(g.port, "POST", "/hooks/mail/status?k=" + SECRET, report).status == 204
    m = g.wait(sid, "undelivered")
    assert m["reason"] == "invalid_number", m


def test_an_address_beyond_ascii_goes_to_a_server_that_takes_it(make_gateway, servers):
    server = servers(utf8=True)
    g = start(make_gateway, server)
    for to in ("zoe@example.org", "zoë@例子.example", "李雷@example.org", "zoe@example.org"):
        g.wait(g.create(to, "您好 " + to, channel="email", title="t"), "sent")
    assert [t.recipients for t in server.taken] == [["zoe@example.org"], ["zoë@例子.example"], ["李雷@example.org"], ["zoe@example.org"]]
    assert server.taken[2].text() == "您好 李雷@example.org" and "李雷@example.org" in str(server.taken[2].message["To"])


def test_an_address_beyond_ascii_is_refused_for_a_server_that_does_not_take_it(make_gateway, servers):
    server = servers()
    g = start(make_gateway, server)
    g.wait(g.create("zoe@example.org", "x", channel="email", title="t"), "sent")
    m = g.wait(g.create("李雷@example.org", "x", channel="email", title="t"), "failed")
    assert (m["attempts"], m["reason"]) == (1, "rejected") and g.attempts(m["id"])[0]["code"] == 553, (m, g.attempts(m["id"]))
    g.wait(g.create("zoe@example.org", "y", channel="email", title="t"), "sent")
    assert len(server.taken) == 2


def test_one_click_is_an_opt_out_and_a_look_at_the_page_is_not(make_gateway, servers):
    server = servers()
    g = start(make_gateway, server, list_unsubscribe="yes", callback_token="${CALLBACKS}")
    g.wait(g.create("zoe@example.org", "x", channel="email", title="t"), "sent")
    m = server.taken[0].message
    assert m["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = urllib.parse.urlsplit(re.search(r"<(http[^>]*)>", str(m["List-Unsubscribe"]))[1])
    target = link.path + "?" + link.query
    page = call(g.port, "GET", target)
    assert page.status == 200 and b"<form method=\"post\">" in page.body

    def replies():
        return [x for x in g.all() if x["status"] == "received"]
    assert not replies()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    forged = call(g.port, "POST", target.replace("zoe", "joe"), "List-Unsubscribe=One-Click", form)
    assert forged.status in (401, 403) and not replies()
    for _ in range(2):
        assert call(g.port, "POST", target, "List-Unsubscribe=One-Click", form).status == 200
    assert [(x["from"], x["to"]) for x in replies()] == [("zoe@example.org", "noreply@example.com")]


def test_one_click_of_a_topic_ends_that_topic_alone_for_that_address_alone(make_gateway, servers):
    server = servers()
    g = start(make_gateway, server, list_unsubscribe="yes", callback_token="${CALLBACKS}")

    def mail(to="zoe@example.org", topic=None):
        return g.create(to, "x", channel="email", title="t", **({"topic": topic} if topic else {}))

    def click(of):
        link = urllib.parse.urlsplit(re.search(r"<(http[^>]*)>", str(of["List-Unsubscribe"]))[1])
        assert call(g.port, "POST", link.path + "?" + link.query, "List-Unsubscribe=One-Click",
                    {"Content-Type": "application/x-www-form-urlencoded"}).status == 200
    g.wait(mail(topic="news"), "sent")
    g.wait(mail(topic="orders"), "sent")
    click(server.taken[0].message)
    stopped = g.wait(mail(topic="news"), "suppressed")
    assert stopped["reason"] == "opted_out", stopped
    for how in ({"topic": "orders"}, {}, {"to": "joe@example.org", "topic": "news"}):
        g.wait(mail(**how), "sent")
    g.kill9()
    g.start()
    g.wait(mail(topic="news"), "suppressed")
    click(server.taken[3].message)  # of no topic: everything
    g.wait(mail(topic="orders"), "suppressed")
    g.wait(mail(), "suppressed")
    g.wait(mail("joe@example.org"), "sent")


def test_a_kill_in_the_middle_loses_no_mail_and_doubles_none_that_was_answered(make_gateway, servers):
    server = servers()
    g = start(make_gateway, server, in_flight_max=8)
    ids, stop = [], threading.Event()

    def load():
        while not stop.is_set() and len(ids) < 300:
            try:
                a = g.send("zoe@example.org", "text %d" % len(ids), channel="email", title="t")
            except OSError:
                return
            if a.status == 202:
                ids.append(a.json["id"])
    loader = threading.Thread(target=load)
    loader.start()
    until(lambda: len(server.taken) > 50, timeout=30)
    g.kill9()
    stop.set()
    loader.join()
    g.start()
    for sid in ids:
        g.wait(sid, "sent", "unknown", timeout=60)
    texts = [t.text() for t in server.taken]
    assert len(texts) == len(set(texts)), "a mail was sent twice"
    sent = [i for i, sid in enumerate(ids) if g.message(sid)["status"] == "sent"]
    assert {"text %d" % i for i in sent} <= set(texts)
