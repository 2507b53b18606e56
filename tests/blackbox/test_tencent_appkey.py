"""Tencent Cloud SMS by application id and key, from outside: the program with a `tencent-appkey` lane against the simulator."""
import json

import pytest

from harness.gateway import after, call, until

SECRET, KEY = "0123456789abcdef0123", "5f03a35d00ee52a21327ab048186a2c4"
TO = "+8618511122233"


@pytest.fixture
def make(make_gateway):
    """make(profile, **lane): a running gateway with one lane, and its provider as .sim"""
    def made(profile=None, **lane):
        sim = make_gateway.simulator(profile=profile)
        fields = {"name": "tc", "provider": "tencent-appkey", "sdk_app_id": "1400006666", "app_key": "${APP_KEY}", "sign_name": "腾讯云",
                  "callback_token": "${CALLBACK_TOKEN}", "base_url": sim.url, "allow_private": True, **lane}
        g = make_gateway.gateway(provider_url=sim.url, env={"APP_KEY": KEY, "CALLBACK_TOKEN": SECRET}, lanes=[fields])
        g.sim = sim
        sim.profile({"providers": {"tencent-appkey": {"receipt_url": "%s/hooks/tc/status?k=%s" % (g.url, SECRET),
                                                      "inbound_url": "%s/hooks/tc/inbound?k=%s" % (g.url, SECRET)}}})
        return g.start()
    return made


def test_a_text_is_delivered_with_its_sign(make):
    g = make()
    m = g.wait(g.create(to=TO, body="您的验证码是 314159"), "delivered")
    (received,) = g.sim.messages()
    assert (received["body"], received["provider_id"]) == ("【腾讯云】您的验证码是 314159", m["provider_id"])


def test_many_numbers_share_a_call_and_each_has_its_end(make):
    g = make(in_flight_max=400)
    at = after(2)
    ids = {to: g.create(to=to, body="同一条通知", send_at=at) for to in ["+861851%07d" % i for i in range(20)] + ["+8613900000004"]}
    bad = ids.pop("+8613900000004")
    for sid in ids.values():
        g.wait(sid, "delivered")
    assert g.wait(bad, "failed")["code"] == 1015
    assert g.sim.stats()["requests"] < 20 and g.sim.stats()["received"] == 20


def test_throttled_lost_and_undelivered(make):
    g = make()
    assert g.wait(g.create(to="+8613900000105"), "undelivered")["reason"] == "unreachable"
    throttled = g.create(to="+8613900000104")
    assert g.wait(throttled, "delivered", timeout=60)["attempts"] == 2
    lost = g.create(to="+8613900000110", validity_s=6)
    assert g.wait(lost, "failed", timeout=30)["reason"] == "outcome_unknown"


def test_forged_receipts_are_refused_and_replies_arrive(make):
    g = make({"receipts": {"forged": 1, "duplicate": 1}})
    sid = g.create(to=TO)
    g.wait(sid, "delivered")
    until(lambda: g.sim.stats()["receipts_ok"] >= 2, told="no receipt comes twice")
    assert g.sim.stats()["forged_accepted"] == 0 and g.moves(sid).count("delivered") == 1
    for body in ("", "{}", "[]", "[1]", '[{"sid":7}]', "\0" * 50, "[" * 5000):
        assert call(g.port, "POST", "/hooks/%s/status?k=x" % g.settings["lanes"][0]["name"], body).status in (400, 401, 403), body[:9]
    said = json.dumps({"from": TO, "to": "腾讯云", "body": "TD", "provider": "tencent-appkey"})
    assert call(g.sim.port, "POST", "/_sim/reply", said).json["http_status"] == 200
    (m,) = g.page(direction="inbound")["data"]
    assert (m["from"], m["body"]) == (TO, "TD")


def test_a_wrong_key_stops_the_lane(make):
    g = make({"providers": {"tencent-appkey": {"secret": "another"}}})
    sid = g.create(to=TO)
    until(lambda: g.sim.stats()["auth_failures"] >= 1)
    assert g.wait(sid, "queued")["attempts"] == 1
