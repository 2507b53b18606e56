"""Tencent Cloud SMS from outside: the program with a `tencent` lane against the simulator's part of Tencent Cloud, whose signatures are
checked by code of its own (and which the vendor's SDK is run against: tests/simulator/test_tencent.py)."""
import json
import re
import urllib.parse

import pytest

from harness.gateway import after, call, unique, until

SECRET = "0123456789abcdef0123"
KEY = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"
TO = "+8618511122233"
QUICK = {"lookup_after_ms": 1000}


@pytest.fixture
def make(make_gateway):
    """make(profile, **lane): a running gateway with one tencent lane, and its provider as .sim"""
    def made(profile=None, settings=None, **lane):
        sim = make_gateway.simulator(profile=profile)
        fields = {"name": "tc", "provider": "tencent", "secret_id": "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
                  "secret_key": "${SECRET_KEY}", "sdk_app_id": "1400006666", "sign_name": "腾讯云",
                  "template_id": "449739", "callback_token": "${CALLBACK_TOKEN}", "base_url": sim.url, "allow_private": True, **lane}
        g = make_gateway.gateway(provider_url=sim.url, env={"SECRET_KEY": KEY, "CALLBACK_TOKEN": SECRET},
                                 lanes=[{k: v for k, v in fields.items() if v is not None}],
                                 **(settings or {}))
        g.sim = sim
        sim.profile({"providers": {"tencent": {"receipt_url": "%s/hooks/tc/status?k=%s" % (g.url, SECRET),
                                               "inbound_url": "%s/hooks/tc/inbound?k=%s" % (g.url, SECRET)}}})
        return g.start()
    return made


def numbers(n):
    return ["+861851%07d" % i for i in range(n)]


def test_a_plain_text_goes_by_the_lanes_template_and_is_delivered(make):
    g = make()
    sid = g.create(to=TO, body="您的验证码是 314159")
    m = g.wait(sid, "delivered")
    (received,) = g.sim.messages()
    assert (received["to"], received["from"], received["body"]) == (TO, "腾讯云", "您的验证码是 314159")
    assert received["extra"]["TemplateId"] == "449739" and received["provider_id"] == m["provider_id"]
    assert g.sim.stats()["receipts_ok"] == 1


def test_a_message_without_a_template_is_never_offered_to_it(make):
    g = make(template_id=None)
    sid = g.create(to=TO, validity_s=2)
    g.wait(sid, "expired", "failed")
    assert g.attempts(sid) == [] and g.sim.stats()["requests"] == 0


def test_many_numbers_share_a_call_and_each_has_its_end(make):
    g = make({"latency_ms": {"min": 40, "max": 60}}, in_flight_max=400)
    ids = {to: g.create(to=to, body="同一条通知") for to in numbers(60) + ["+8613900000004"]}
    bad = ids.pop("+8613900000004")
    for sid in ids.values():
        g.wait(sid, "delivered")
    assert g.wait(bad, "failed")["reason"] == "opted_out"
    stats = g.sim.stats()
    assert (stats["received"], stats["rejected"]) == (60, 1)
    assert stats["requests"] < 61, "none shared a call"


def test_a_throttled_call_is_made_again(make):
    g = make()
    sid = g.create(to="+8613900000104")
    assert g.wait(sid, "delivered")["attempts"] == 2
    assert g.sim.stats()["throttled"] == 1


def test_a_lost_answer_is_found_by_its_session_context(make):
    g = make(**QUICK)
    g.sim.profile({"providers": {"tencent": {"receipt_url": ""}}})
    sid = g.create(to="+8613900000101")
    assert g.wait(sid, "delivered", timeout=30)["attempts"] == 1
    assert "unknown" in g.moves(sid)
    assert g.sim.stats()["lists"] >= 1 and g.sim.messages()[0]["times"] == 1


def test_lost_answers_of_many_numbers_are_found_by_the_set_of_their_tokens(make):
    g = make(in_flight_max=400, **QUICK)
    g.sim.profile({"lost_answers": 1, "providers": {"tencent": {"receipt_url": ""}}})
    at = after(3)
    ids = [g.create(to=to, body="同一条通知", send_at=at) for to in numbers(30)]
    until(lambda: g.sim.stats()["received"] == 30, 60)  # no receipt is posted of what is answered
    g.sim.profile({"lost_answers": 0})
    for sid in ids:
        g.wait(sid, "delivered", timeout=60)
    stats = g.sim.stats()
    assert stats["requests"] - stats["lists"] < 30, "none shared a call"
    assert stats["lists"] > 1 and all(m["times"] == 1 for m in g.sim.messages())


def test_a_lost_request_is_sent_again_where_the_lane_says_how_long_to_wait_for_a_report(make):
    g = make({"lost_requests": 1}, absent_after_s=1, **QUICK)
    sid = g.create(to=TO)
    g.wait(sid, "unknown")
    g.sim.profile({"lost_requests": 0})
    assert g.wait(sid, "delivered", timeout=30)["attempts"] == 2
    assert g.sim.messages()[0]["times"] == 1


def test_without_that_it_stays_unknown_and_is_never_sent_twice(make):
    g = make({"lost_requests": 1}, **QUICK)
    sid = g.create(to=TO, validity_s=8)
    g.wait(sid, "unknown")
    g.sim.profile({"lost_requests": 0})
    m = g.wait(sid, "failed", timeout=40)
    assert (m["reason"], m["attempts"]) == ("outcome_unknown", 1)
    assert g.sim.stats()["received"] == 0 and g.sim.stats()["lists"] >= 1


def test_forged_receipts_are_refused(make):
    g = make({"receipts": {"forged": 1, "unsigned": 1}})
    sid = g.create(to=TO)
    assert g.wait(sid, "delivered")
    until(lambda: g.sim.stats()["receipts_ok"] == 1)
    stats = g.sim.stats()
    assert (stats["forged_sent"], stats["forged_accepted"]) == (2, 0)


def test_a_text_that_did_not_arrive_says_so(make):
    g = make()
    m = g.wait(g.create(to="+8613900000105"), "undelivered")
    assert (m["reason"], m["code"]) == ("unreachable", 2)


def test_a_reply_becomes_an_inbound_message_once(make):
    g = make()
    g.wait(g.create(to=TO), "delivered")
    said = json.dumps({"from": TO, "to": "腾讯云", "body": "收到", "provider": "tencent"})
    assert call(g.sim.port, "POST", "/_sim/reply", said).json["http_status"] == 200
    (m,) = g.page(direction="inbound")["data"]
    assert (m["from"], m["to"], m["body"]) == (TO, "腾讯云", "收到")
    again = json.dumps({"extend": "", "mobile": "18511122233", "nationcode": "86", "sign": "腾讯云", "text": "again", "time": 1})
    for _ in range(2):
        a = call(g.port, "POST", "/hooks/tc/inbound?k=" + SECRET, again, {"Content-Type": "application/json"})
        assert (a.status, a.json) == (200, {"result": 0, "errmsg": "OK"})
    assert len(g.page(direction="inbound")["data"]) == 2


def listed(g, number):
    rows = g.get("/v1/suppressions/" + urllib.parse.quote(number, safe="")).json["data"]
    return [(r["kind"], r["source"]) for r in rows]


def test_whoever_unsubscribes_by_a_reply_or_at_tencent_gets_nothing_more(make):
    g = make()
    g.wait(g.create(to=TO), "delivered")
    said = json.dumps({"from": TO, "to": "腾讯云", "body": "拒收", "provider": "tencent"})
    assert call(g.sim.port, "POST", "/_sim/reply", said).json["http_status"] == 200
    assert listed(g, TO) == [("opt_out", "reply")]
    # No TwiML here: the answer is a message of its own, sent although the number is on the list by then.
    until(lambda: "您已退订通知" in [m["body"] for m in g.sim.messages() if m["to"] == TO], 20, told="no answer comes")
    assert g.message(g.create(to=TO))["reason"] == "opted_out"
    refused = "+8613900000004"  # unsubscribed at the provider, the simulator says
    assert g.wait(g.create(to=refused), "failed")["reason"] == "opted_out" and listed(g, refused) == [("opt_out", "provider")]
    again = g.message(g.create(to=refused))
    assert (again["status"], again["reason"]) == ("suppressed", "opted_out")


def test_doctor_tells_a_right_key_from_a_wrong_one(make):
    g = make()
    assert g.run("doctor", "-c", g.settings_file).returncode == 0, g.run("doctor", "-c", g.settings_file).stdout
    g.sim.profile({"providers": {"tencent": {"secret": "another"}}})
    told = g.run("doctor", "-c", g.settings_file)
    assert told.returncode != 0 and b"SecretKey" in told.stdout + told.stderr


def test_a_wrong_key_stops_the_lane_and_loses_nothing(make):
    g = make({"providers": {"tencent": {"secret": "another"}}})
    sid = g.create(to=TO)
    until(lambda: g.sim.stats()["auth_failures"] >= 1)
    assert g.wait(sid, "queued")["attempts"] == 1


def test_kill_9_loses_nothing_and_sends_nothing_twice(make):
    # Tencent's look-up cannot tell a request that died with the gateway from one still on its way: absent_after_s says when.
    g = make({"latency_ms": {"min": 0, "max": 30}, "lost_answers": 0.05, "receipts": {"delay_ms": {"min": 0, "max": 50}}},
             in_flight_max=100, absent_after_s=12, **QUICK)
    ids = [g.create(to=to, body=unique()) for to in numbers(40)]
    g.kill9()
    g.start()
    ids += [g.create(to=to, body=unique()) for to in numbers(10)]
    for sid in ids:  # a receipt that came while nobody was there is not posted again
        g.wait(sid, "delivered", "sent", timeout=60)
    assert set(g.sim.times().values()) == {1} and len(g.sim.times()) == len(ids)


def test_a_one_time_code_is_the_templates_first_parameter(make):
    g = make()
    admin = {"Authorization": "Bearer " + g.create_key(scopes="send,read,admin")["key"]}
    codes = {"tencent": {"code": "1110", "sign": "腾讯云", "params": ["{{ code }}", "{{ minutes }}"]}}
    made = g.post("/v1/templates", {"name": "login", "publish": True, "languages": {"default": {"sms": "{{ code }}", "codes": codes}}}, admin)
    assert made.status in (200, 201), made
    v = g.post("/v1/verifications", {"to": TO, "template": "login", "code_length": 4})
    assert v.status == 201, v
    seen, = until(lambda: g.sim.messages())
    code, minutes = re.findall("[0-9]+", seen["body"])
    assert seen["extra"]["TemplateId"] == "1110" and minutes == "10" and len(code) == 4, seen
    assert g.message(v.json["message_id"])["body"] == "****"
    assert g.post("/v1/verifications/%s/check" % v.json["id"], {"code": code}).json["valid"] is True
