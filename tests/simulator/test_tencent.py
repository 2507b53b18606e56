"""Tencent Cloud's own SDK (Node.js, by lock file) against the simulator's part of it, which so proves to be what the SDK expects."""
import json
import pathlib
import subprocess
import time

import pytest
import requests

FOLDER = pathlib.Path(__file__).parent.parent / "provider" / "tencent"
SECRET_ID, SECRET_KEY = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"


@pytest.fixture(scope="session", autouse=True)
def fetched():
    if not (FOLDER / "sdk" / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=FOLDER / "sdk", check=True, timeout=300)


def sdk(sim, *calls, secret_id=SECRET_ID, secret_key=SECRET_KEY):
    done = subprocess.run(["node", "call_simulator.mjs", sim.url.split("//")[1], secret_id, secret_key], cwd=FOLDER,
                          input=json.dumps(calls), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def text(*numbers, **more):
    return ["SendSms", {"PhoneNumberSet": list(numbers), "SmsSdkAppId": "1400006666", "TemplateId": "449739",
                        "SignName": "腾讯云", "TemplateParamSet": ["314159", "5"], **more}]


def pull(number, begin=None):
    return ["PullSmsSendStatusByPhoneNumber", {"BeginTime": begin or int(time.time()) - 60, "Offset": 0, "Limit": 100,
                                               "PhoneNumber": number, "SmsSdkAppId": "1400006666"}]


def test_the_sdk_sends_and_finds_its_report(sim):
    sent, listed = sdk(sim, text("+8618511122233", SessionContext="mine"), pull("+8618511122233"))
    (status,) = sent["SendStatusSet"]
    assert (status["Code"], status["PhoneNumber"], status["SessionContext"]) == ("Ok", "+8618511122233", "mine")
    (report,) = listed["PullSmsSendStatusSet"]
    assert (report["SerialNo"], report["ReportStatus"], report["SessionContext"]) == (status["SerialNo"], "SUCCESS", "mine")
    (m,) = sim.messages()
    assert (m["to"], m["from"], m["body"], m["provider"]) == ("+8618511122233", "腾讯云", "314159,5", "tencent")
    assert m["extra"]["TemplateId"] == "449739" and m["reference"] == "mine"


def test_each_number_has_a_verdict_of_its_own(sim):
    (sent,) = sdk(sim, text("+8618511122233", "18511122244", "+86123", "+8613900000004"))
    assert [s["Code"] for s in sent["SendStatusSet"]] == [
        "Ok", "Ok", "InvalidParameterValue.IncorrectPhoneNumber", "FailedOperation.PhoneNumberInBlacklist"]
    assert [s["PhoneNumber"] for s in sent["SendStatusSet"]][:2] == ["+8618511122233", "+8618511122244"]
    assert (sim.stats()["received"], sim.stats()["rejected"]) == (2, 1)


def test_a_wrong_key_and_an_unknown_id_are_refused(sim):
    wrong = sdk(sim, text("+8618511122233"), secret_key="wrong")
    unknown = sdk(sim, text("+8618511122233"), secret_id="AKIDunknown")
    assert (wrong[0]["error"], unknown[0]["error"]) == ("AuthFailure.SignatureFailure", "AuthFailure.SecretIdNotFound")
    assert (sim.stats()["auth_failures"], sim.stats()["received"]) == (2, 0)


def test_what_makes_no_sense_is_refused_in_tencents_words(sim):
    codes = [a["error"] for a in sdk(
        sim, text(), text("+8618511122233", "+85261234567"), text("+8618511122233", SignName=None),
        text(*["+861851112%04d" % i for i in range(201)]), text("+8618511122233", SessionContext="x" * 512),
        ["DescribeSmsSignList", {"SignIdSet": [1], "International": 0}], pull("+8618511122233", 1))]
    assert codes == ["MissingParameter", "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
                     "FailedOperation.SignatureIncorrectOrUnapproved", "LimitExceeded.PhoneNumberCountLimit",
                     "InvalidParameterValue", "InvalidAction", "InvalidParameterValue"]


def test_numbers_abroad_need_no_sign(sim):
    (sent,) = sdk(sim, text("+85261234567", SignName=None, SenderId="HONGYAN"))
    assert sent["SendStatusSet"][0]["Code"] == "Ok"
    assert sim.messages()[0]["extra"]["SenderId"] == "HONGYAN"


def test_errors_of_the_profile_come_in_tencents_words(sim):
    sim.profile(errors=[{"share": 1, "status": 500}])
    assert sdk(sim, text("+8618511122233"))[0]["error"] == "InternalError.Timeout"
    sim.profile(errors=[{"share": 1, "status": 429}])
    assert sdk(sim, text("+8618511122233"))[0]["error"] == "RequestLimitExceeded"
    sim.profile(errors=[{"share": 1, "status": 400, "code": "LimitExceeded.PhoneNumberDailyLimit"}])
    assert sdk(sim, text("+8618511122233"))[0]["SendStatusSet"][0]["Code"] == "LimitExceeded.PhoneNumberDailyLimit"


def test_receipts_are_arrays_with_the_secret_in_their_address(sim, receiver):
    receiver.status, receiver.body = 200, b'{"result":0,"errmsg":"OK"}'
    sim.profile(providers={"tencent": {"receipt_url": receiver.url + "/status?k=secret"}})
    (sent,) = sdk(sim, text("+8618511122233", "+8613900000111"))
    posts = receiver.take(3)
    assert sorted(p["path"] for p in posts) == ["/status?k=secret", "/status?k=secret", "/status?k=secreu"]
    sim.until(lambda s: s["receipts_ok"] == 2)
    assert sim.stats()["forged_accepted"] == 1  # this receiver looks at nothing
    assert sent["SendStatusSet"][0]["Code"] == "Ok"


def test_an_answer_other_than_result_0_is_no_acceptance(sim, receiver):
    receiver.status = 200
    sim.profile(providers={"tencent": {"receipt_url": receiver.url + "/status"}})
    sdk(sim, text("+8618511122233"))
    sim.until(lambda s: s["receipts_failed"] == 1)


@pytest.mark.parametrize("header", ["", "TC3-HMAC-SHA256", "Basic eDp5", "TC3-HMAC-SHA256 Credential=a/b/c/d, SignedHeaders=host, Signature=0"])
def test_garbage_instead_of_a_signature_is_refused(sim, header):
    r = requests.post(sim.url + "/", data="{}", timeout=5, headers={"X-TC-Action": "SendSms", "X-TC-Timestamp": str(int(time.time())),
                                                                   "Authorization": header})
    assert r.json()["Response"]["Error"]["Code"] == "AuthFailure.InvalidAuthorization"


def queue(kind, limit=100):
    return ["PullSms%sStatus" % kind, {"Limit": limit, "SmsSdkAppId": "1400006666"}]


def test_what_is_posted_nowhere_is_kept_and_handed_out_once(sim):
    for i in range(3):
        said = {"from": "+8618511122233", "to": "腾讯云", "body": "reply %d 👋" % i, "provider": "tencent"}
        assert requests.post(sim.url + "/_sim/reply", json=said, timeout=10).status_code == 200
    first, second, third, _, reports, none = sdk(sim, queue("Reply", 2), queue("Reply"), queue("Reply"), text("+8618511122233"),
                                                 queue("Send"), queue("Send"))
    assert [r["ReplyContent"] for r in first["PullSmsReplyStatusSet"]] == ["reply 0 👋", "reply 1 👋"]
    (r,) = second["PullSmsReplyStatusSet"]
    assert (r["PhoneNumber"], r["CountryCode"], r["SubscriberNumber"], r["SignName"]) == ("+8618511122233", "86", "18511122233", "腾讯云")
    assert third["PullSmsReplyStatusSet"] == none["PullSmsSendStatusSet"] == []
    (r,) = reports["PullSmsSendStatusSet"]
    assert (r["PhoneNumber"], r["ReportStatus"]) == ("+8618511122233", "SUCCESS") and sim.stats()["handed_out"] == 4
    refused = sdk(sim, queue("Reply"), queue("Reply", 101), secret_key="wrong") + sdk(sim, queue("Reply", 101))
    assert [r["error"] for r in refused] == ["AuthFailure.SignatureFailure"] * 2 + ["InvalidParameterValue"]
