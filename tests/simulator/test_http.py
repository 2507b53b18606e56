"""ntfy, Gotify, Bark and the robots of team chats as the simulator plays them; signatures are made here, as the vendors' pages say."""
import base64
import hashlib
import hmac
import time
import urllib.parse

import pytest
import requests

TOKEN, SECRET = "simulator-token", "simulator-secret"


def mac(key, text):
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def ntfy(sim, token=TOKEN, **more):
    return requests.post(sim.url + "/", json={"topic": "alerts", "message": "hello 世界", **more}, headers={"Authorization": "Bearer " + token})


def gotify(sim, token=TOKEN, **more):
    return requests.post(sim.url + "/message", json={"message": "hello 世界", **more}, headers={"X-Gotify-Key": token})


def bark(sim, device_key="device-1", **more):
    return requests.post(sim.url + "/push", json={"device_key": device_key, "body": "hello 世界", **more})


def dingtalk(sim, token=TOKEN, secret=SECRET, skew_ms=0, **more):
    at = str(int(time.time() * 1000) + skew_ms)
    query = {"access_token": token, "timestamp": at, "sign": mac(secret, at + "\n" + secret)}
    return requests.post(sim.url + "/robot/send?" + urllib.parse.urlencode(query),
                         json={"msgtype": "text", "text": {"content": "hello 世界"}, **more})


def feishu(sim, token=TOKEN, secret=SECRET, skew_s=0, **more):
    at = str(int(time.time()) + skew_s)
    return requests.post(sim.url + "/open-apis/bot/v2/hook/" + token, json={
        "timestamp": at, "sign": mac(at + "\n" + secret, ""), "msg_type": "text", "content": {"text": "hello 世界"}, **more})


def wecom(sim, token=TOKEN, **more):
    return requests.post(sim.url + "/cgi-bin/webhook/send?key=" + token, json={"msgtype": "text", "text": {"content": "hello 世界"}, **more})


@pytest.mark.parametrize("send, says", [(ntfy, {"event": "message", "topic": "alerts"}), (gotify, {"appid": 1}), (bark, {"code": 200}),
                                        (dingtalk, {"errcode": 0}), (feishu, {"code": 0}), (wecom, {"errcode": 0})])
def test_a_message_is_taken_and_seen(sim, send, says):
    r = send(sim)
    assert r.status_code == 200 and says.items() <= r.json().items(), r.text
    seen, = sim.messages()
    assert (seen["provider"], seen["body"], seen["extra"]["preset"]) == ("http", "hello 世界", send.__name__)


@pytest.mark.parametrize("send, how, status, code", [
    (ntfy, {"token": "x"}, 403, 40301), (gotify, {"token": "x"}, 401, 401), (dingtalk, {"token": "x"}, 200, 300005),
    (dingtalk, {"secret": "x"}, 200, 310000), (dingtalk, {"skew_ms": -3700000}, 200, 310000), (feishu, {"token": "x"}, 200, 19001),
    (feishu, {"secret": "x"}, 200, 19021), (feishu, {"skew_s": 3700}, 200, 19021), (wecom, {"token": "x"}, 200, 93000)])
def test_who_is_not_known_is_refused(sim, send, how, status, code):
    r = send(sim, **how)
    said = r.json()
    assert (r.status_code, said.get("errcode", said.get("errorCode", said.get("code")))) == (status, code), r.text
    assert (sim.stats()["auth_failures"], sim.stats()["received"]) == (1, 0)


@pytest.mark.parametrize("send, busy", [(ntfy, 42901), (gotify, 429), (bark, 429), (dingtalk, 130101), (feishu, 11232), (wecom, 45009)])
def test_errors_of_the_profile_are_the_vendors(sim, send, busy):
    sim.profile(errors=[{"share": 1, "status": 429}])
    said = send(sim).json()
    assert said.get("errcode", said.get("errorCode", said.get("code"))) == busy
    sim.profile(errors=[{"share": 1, "status": 503}])
    assert send(sim).status_code == 503
    sim.profile(errors=[{"share": 1, "status": 400, "code": "44004"}])
    said = send(sim).json()
    assert said.get("errcode", said.get("errorCode", said.get("code"))) == 44004


def test_what_makes_no_sense_is_refused(sim):
    assert wecom(sim, msgtype="image").json()["errcode"] == 40058
    assert feishu(sim, msg_type=None).json()["code"] == 9499
    assert requests.post(sim.url + "/push", data=b"\0{").status_code == 400
    assert bark(sim, device_key="unknown-1").json()["code"] == 400
    assert sim.stats()["received"] == 0


def test_the_services_are_well(sim):
    assert sim.get("/v1/health") == {"healthy": True} and sim.get("/health")["health"] == "green" and sim.get("/ping")["code"] == 200
