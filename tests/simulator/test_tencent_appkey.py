"""Tencent's SDK of the older API (qcloudsms_js, by lock file) against the simulator's part of it."""
import json
import pathlib
import subprocess

import pytest

FOLDER = pathlib.Path(__file__).parent.parent / "provider" / "tencent-appkey"
APP, KEY = "1400006666", "5f03a35d00ee52a21327ab048186a2c4"


@pytest.fixture(scope="session", autouse=True)
def fetched_appkey():
    if not (FOLDER / "sdk" / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=FOLDER / "sdk", check=True, timeout=300)


def sdk(sim, *calls, app=APP, key=KEY):
    done = subprocess.run(["node", "call_simulator.mjs", sim.url.split("//")[1], app, key], cwd=FOLDER,
                          input=json.dumps(calls), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_whole_text_and_a_template_are_taken(sim):
    text, template = sdk(sim, ["SmsSingleSender", "send", 0, "86", "18511122233", "【腾讯云】hello", "", "mine"],
                         ["SmsSingleSender", "sendWithParam", "86", "18511122244", 19, ["314159", "5"], "腾讯云", "", ""])
    assert (text["result"], text["fee"], text["ext"], template["result"]) == (0, 1, "mine", 0)
    newest, oldest = sim.messages()
    assert (oldest["to"], oldest["body"], oldest["reference"], oldest["provider"]) == (
        "+8618511122233", "【腾讯云】hello", "mine", "tencent-appkey")
    assert (newest["body"], newest["from"], newest["extra"]["tpl_id"]) == ("314159,5", "腾讯云", 19)


def test_many_numbers_have_a_result_each(sim):
    (answer,) = sdk(sim, ["SmsMultiSender", "sendWithParam", "86", ["18511122233", "13900000004", "123"], 19, ["1"], "腾讯云", "", ""])
    assert answer["result"] == 0 and [d["result"] for d in answer["detail"]] == [0, 1015, 1016]
    assert answer["detail"][0]["mobile"] == "18511122233" and answer["detail"][0]["sid"]


def test_a_wrong_key_or_application_is_refused(sim):
    call = ["SmsSingleSender", "send", 0, "86", "18511122233", "hello", "", ""]
    assert sdk(sim, call, key="wrong")[0]["result"] == 1001
    assert sdk(sim, call, app="1400000000")[0]["result"] == 1019
    assert (sim.stats()["auth_failures"], sim.stats()["received"]) == (2, 0)


def test_errors_of_the_profile_are_numbers(sim):
    call = ["SmsSingleSender", "send", 0, "86", "18511122233", "hello", "", ""]
    sim.profile(errors=[{"share": 1, "status": 500}])
    assert sdk(sim, call)[0]["result"] == 1008
    sim.profile(errors=[{"share": 1, "status": 400, "code": "1022"}])
    assert sdk(sim, call)[0]["result"] == 1022
