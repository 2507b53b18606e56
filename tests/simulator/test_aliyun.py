"""The simulated Alibaba Cloud SMS, called by the vendor's own SDKs (the current one and pop-core) and by hand."""
import base64
import datetime
import hashlib
import hmac
import json
import subprocess
import urllib.parse
import uuid
from pathlib import Path

import pytest
import requests

ID, SECRET = "LTAI5tTestKey", "a secret of tests"
SDK = Path(__file__).parents[1] / "provider" / "aliyun" / "sdk" / "node_modules"
NUMBER = "13800138000"


@pytest.fixture
def ali(sim, receiver):
    receiver.status, receiver.body = 200, b'{"code":0,"msg":"ok"}'
    sim.profile(providers={"aliyun": {"account": ID, "secret": SECRET, "receipt_url": receiver.url + "/r?k=token0",
                                      "inbound_url": receiver.url + "/i?k=token0"}})
    return sim


def sdk(sim, action, params, sdk="v3", id=ID, secret=SECRET):
    assert SDK.is_dir(), "run script/bootstrap --test for the vendor's SDK"
    job = {"sdk": sdk, "url": sim.url, "id": id, "secret": secret, "action": action, "params": params}
    r = subprocess.run(["node", str(Path(__file__).with_name("aliyun_sdk.mjs")), json.dumps(job)], capture_output=True,
                       text=True, timeout=30)
    assert r.returncode == 0, r.stderr
    return json.loads(r.stdout)


def sms(**more):
    return {"PhoneNumbers": NUMBER, "SignName": "阿里云", "TemplateCode": "SMS_1", "TemplateParam": '{"code":"张 三!*\'()"}',
            "OutId": "our-id", **more}


def quote(v):
    return urllib.parse.quote(v, safe="-_.~")


def sign(params, secret=SECRET, method="POST"):
    """The older signature, written from its description."""
    params = {"AccessKeyId": ID, "Format": "JSON", "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0",
              "SignatureNonce": str(uuid.uuid4()), "Version": "2017-05-25",
              "Timestamp": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), **params}
    text = "&".join("%s=%s" % (quote(k), quote(v)) for k, v in sorted(params.items()))
    mac = hmac.new((secret + "&").encode(), (method + "&%2F&" + quote(text)).encode(), hashlib.sha1).digest()
    return {**params, "Signature": base64.b64encode(mac).decode()}


def post(sim, params, timeout=5):
    return requests.post(sim.url + "/", data=params, timeout=timeout)


def send(sim, number=NUMBER, timeout=5, **more):
    return post(sim, sign({"Action": "SendSms", **sms(PhoneNumbers=number, **more)}), timeout)


def today():
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=8)).strftime("%Y%m%d")


@pytest.mark.parametrize("kind", ["v3", "v1"])
def test_sdk__sends_and_finds_it_again(ali, kind):
    answer = sdk(ali, "SendSms", sms(), kind)["ok"]
    assert answer["Code"] == "OK" and answer["BizId"] and answer["RequestId"]
    m, = ali.messages()
    assert (m["provider"], m["to"], m["from"], m["body"], m["reference"]) == (
        "aliyun", "+8613800138000", "阿里云", "张 三!*'()", "our-id")
    assert m["extra"]["template_code"] == "SMS_1" and json.loads(m["extra"]["template_param"]) == {"code": "张 三!*'()"}
    query = {"PhoneNumber": NUMBER, "SendDate": today(), "PageSize": 10, "CurrentPage": 1, "BizId": answer["BizId"]}
    found = sdk(ali, "QuerySendDetails", query, kind)["ok"]
    entry, = found["SmsSendDetailDTOs"]["SmsSendDetailDTO"]
    assert entry["OutId"] == "our-id" and entry["SendStatus"] == 3 and entry["ErrCode"] == "DELIVERED"
    assert ali.stats()["lists"] == 1


@pytest.mark.parametrize("kind", ["v3", "v1"])
def test_sdk__batch_has_one_biz_id_and_a_text_for_each(ali, receiver, kind):
    batch = {"PhoneNumberJson": json.dumps(["13800138001", "13800138002"]), "SignNameJson": json.dumps(["甲", "乙"]),
             "TemplateCode": "SMS_1", "TemplateParamJson": json.dumps([{"code": "1"}, {"code": "2"}]), "OutId": "all"}
    answer = sdk(ali, "SendBatchSms", batch, kind)["ok"]
    assert answer["Code"] == "OK"
    assert sorted((m["to"], m["from"], m["body"]) for m in ali.messages()) == [
        ("+8613800138001", "甲", "1"), ("+8613800138002", "乙", "2")]
    reports = [json.loads(p["raw"])[0] for p in receiver.take(2)]
    assert sorted(r["phone_number"] for r in reports) == ["13800138001", "13800138002"]
    assert {(r["biz_id"], r["out_id"], r["success"]) for r in reports} == {(answer["BizId"], "all", True)}


@pytest.mark.parametrize("kind", ["v3", "v1"])
def test_sdk__texts_to_other_countries(ali, receiver, kind):
    answer = sdk(ali, "SendMessageToGlobe", {"To": "85291234567", "From": "Hongyan", "Message": "Hello 你好", "TaskId": "t1"}, kind)["ok"]
    assert answer["ResponseCode"] == "OK" and answer["MessageId"]
    report = json.loads(receiver.take(1)[0]["raw"])[0]
    assert (report["To"], report["Status"], report["TaskId"], report["MessageId"]) == (
        "85291234567", "1", "t1", answer["MessageId"])


@pytest.mark.parametrize("kind", ["v3", "v1"])
@pytest.mark.parametrize("key, code", [({"secret": "wrong"}, "SignatureDoesNotMatch"), ({"id": "nobody"}, "InvalidAccessKeyId.NotFound")])
def test_sdk__wrong_credentials(ali, kind, key, code):
    assert sdk(ali, "SendSms", sms(), kind, **key)["code"] == code
    assert ali.stats()["auth_failures"] == 1 and ali.messages() == []


def test_sdk__business_codes_come_as_the_vendor_says_them(ali):
    answer = sdk(ali, "SendSms", sms(PhoneNumbers="123"))["ok"]
    assert answer["Code"] == "isv.MOBILE_NUMBER_ILLEGAL"
    assert ali.stats()["rejected"] == 1


def test_signature__covers_everything(ali):
    good = sign({"Action": "SendSms", **sms()})
    assert post(ali, {**good, "PhoneNumbers": "13900139000"}).json()["Code"] == "SignatureDoesNotMatch"
    assert post(ali, good).json()["Code"] == "OK"
    r = post(ali, good)
    assert r.status_code == 400 and r.json()["Code"] == "SignatureNonceUsed"
    old = sign({"Action": "SendSms", "Timestamp": "2020-01-01T00:00:00Z", **sms()})
    assert post(ali, old).json()["Code"] == "InvalidTimeStamp.Expired"
    assert requests.get(ali.url + "/", params=sign({"Action": "SendSms", **sms()}, method="GET"), timeout=5).json()["Code"] == "OK"
    assert ali.stats()["received"] == 2


@pytest.mark.parametrize("params, status, code", [
    ({"Action": "Nonsense"}, 404, "InvalidAction.NotFound"),
    ({"Action": "SendSms", "Version": "2000-01-01"}, 400, "InvalidVersion"),
    ({"Action": "SendSms", **sms(PhoneNumbers="")}, 400, "MissingParameter"),
    ({"Action": "SendSms", **sms(TemplateCode="X")}, 200, "isv.SMS_TEMPLATE_ILLEGAL"),
    ({"Action": "SendSms", **sms(SignName="")}, 200, "isv.SMS_SIGNATURE_ILLEGAL"),
    ({"Action": "SendSms", **sms(TemplateParam='{"a":1}')}, 200, "isv.INVALID_JSON_PARAM"),
    ({"Action": "SendSms", **sms(TemplateParam="x")}, 200, "isv.INVALID_JSON_PARAM"),
    ({"Action": "SendSms", **sms(PhoneNumbers=",".join(["13800138000"] * 1001))}, 200, "isv.MOBILE_COUNT_OVER_LIMIT"),
    ({"Action": "SendBatchSms", "PhoneNumberJson": "[]"}, 200, "isv.INVALID_JSON_PARAM"),
    ({"Action": "QuerySendDetails", "PhoneNumber": "1"}, 400, "MissingParameter"),
])
def test_parameters__are_judged(ali, params, status, code):
    r = post(ali, sign(params))
    assert (r.status_code, r.json()["Code"]) == (status, code)


@pytest.mark.parametrize("last, status, code", [("001", 200, "isv.MOBILE_NUMBER_ILLEGAL"), ("004", 200, "isv.CUSTOMER_REFUSED"),
                                                ("103", 500, "InternalError"), ("104", 503, "Throttling.User")])
def test_magic__numbers_of_china_do_what_twilios_do(ali, last, status, code):
    r = send(ali, "13900000" + last)
    assert (r.status_code, r.json()["Code"]) == (status, code)


def test_magic__lost_answer_is_recorded(ali):
    with pytest.raises(requests.ConnectionError):
        send(ali, "13900000101")
    assert [m["to"] for m in ali.messages()] == ["+8613900000101"] and ali.stats()["lost_answers"] == 1


def test_profile__errors_may_be_the_vendors_words(ali):
    ali.profile(errors=[{"share": 1, "status": 400, "code": "isv.BUSINESS_LIMIT_CONTROL"}])
    r = send(ali)
    assert (r.status_code, r.json()["Code"]) == (200, "isv.BUSINESS_LIMIT_CONTROL")
    ali.profile(errors=[], rate={"per_s": 0.001, "retry_after_s": 7})
    assert send(ali).json()["Code"] == "OK"
    r = send(ali)
    assert (r.json()["Code"], r.headers["Retry-After"]) == ("Throttling.User", "7")
    assert ali.stats()["throttled"] == 1


def test_receipts__say_what_became_of_it(ali, receiver):
    ali.profile(receipts={"undelivered": 1, "undelivered_code": "MOBILE_NOT_ON_SERVICE"})
    biz_id = send(ali).json()["BizId"]
    got = receiver.take(1)[0]
    report, = json.loads(got["raw"])
    assert got["path"] == "/r?k=token0" and got["headers"]["Content-Type"].startswith("application/json")
    assert (report["success"], report["err_code"], report["biz_id"], report["out_id"], report["phone_number"]) == (
        False, "MOBILE_NOT_ON_SERVICE", biz_id, "our-id", NUMBER)
    stats = ali.until(lambda s: s["receipts_pending"] == 0)
    assert (stats["receipts_sent"], stats["receipts_ok"]) == (1, 1)
    assert ali.messages()[0]["error_code"] == "MOBILE_NOT_ON_SERVICE"


def test_receipts__an_answer_without_a_code_is_not_what_the_vendor_wants(ali, receiver):
    receiver.body = b"ok"
    send(ali)
    stats = ali.until(lambda s: s["receipts_pending"] == 0)
    assert (stats["receipts_ok"], stats["receipts_failed"]) == (0, 1)


def test_receipts__lies_have_a_wrong_address(ali, receiver):
    ali.profile(receipts={"forged": 1, "unsigned": 1})
    send(ali)
    paths = [p["path"] for p in receiver.take(3)]
    assert paths == ["/r?k=tokenx", "/r", "/r?k=token0"]


def test_reply__comes_as_sms_up(ali, receiver):
    r = ali.post("/_sim/reply", {"provider": "aliyun", "from": "+8613800138000", "to": "1234", "body": "TD 退订"})
    assert r.status_code == 200 and r.json()["http_status"] == 200
    up, = json.loads(receiver.take(1)[0]["raw"])
    assert (up["phone_number"], up["dest_code"], up["content"]) == ("13800138000", "1234", "TD 退订") and up["sequence_id"]
    assert ali.stats()["replies_ok"] == 1


def test_query__pages_and_lag(ali):
    for i in range(3):
        send(ali, OutId="n%d" % i)

    def ask(size, page):
        return post(ali, sign({"Action": "QuerySendDetails", "PhoneNumber": NUMBER, "SendDate": today(),
                               "PageSize": str(size), "CurrentPage": str(page)})).json()
    first, second = ask(2, 1), ask(2, 2)
    ids = [e["OutId"] for p in (first, second) for e in p["SmsSendDetailDTOs"]["SmsSendDetailDTO"]]
    assert ids == ["n2", "n1", "n0"] and first["TotalCount"] == "3"
    ali.profile(list_lag_ms=60000)
    assert ask(2, 1)["TotalCount"] == "0"


def test_others__are_not_mixed_up(ali):
    send(ali)
    ali.create(To="+8613800138000")
    assert [m["provider"] for m in ali.messages()] == ["twilio", "aliyun"]
    assert [m["provider"] for m in ali.messages(provider="aliyun")] == ["aliyun"]
    from conftest import SID
    assert [m["to"] for m in ali.api(SID + "/Messages.json").json()["messages"]] == ["+8613800138000"]
