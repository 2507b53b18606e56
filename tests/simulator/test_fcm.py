"""Google's own SDK (firebase-admin, by lock file) against the simulator's Firebase Cloud Messaging."""
import json
import pathlib
import re
import subprocess

import pytest
import requests

FOLDER = pathlib.Path(__file__).parent.parent / "provider" / "fcm"
DEVICE = "dGVzdA-device-%04d:APA91bHPRgkF3JUikC4ENAHEeMrd41Zxv3hVZjC9KtT8OvPVGJ"


@pytest.fixture
def account(sim, tmp_path):
    path = tmp_path / "account.json"
    path.write_text(json.dumps(sim.get("/fcm/service-account.json")))
    return path


def sdk(sim, account, *calls):
    assert (FOLDER / "sdk" / "node_modules").is_dir(), "run script/bootstrap --test for the vendor's SDK"
    done = subprocess.run(["node", "call_simulator.mjs", sim.url.split("//")[1], str(account)], cwd=FOLDER, input=json.dumps(calls),
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def message(i=1, body="Your order is ready", **more):
    return {"token": DEVICE % i, "notification": {"title": "Order A-1", "body": body}, **more}


def test_the_sdk_gets_a_token_and_sends(sim, account):
    said, = sdk(sim, account, ["send", message(body="您的订单 \"A\" 👋", data={"order": "A-1"}, android={
        "priority": "high", "ttl": 60000, "collapseKey": "order", "notification": {"tag": "t"}})])
    assert re.fullmatch(r"projects/[\w-]+/messages/0:SM[0-9a-f]{32}", said), said
    seen, = sim.messages()
    assert (seen["provider"], seen["to"], seen["body"]) == ("fcm", DEVICE % 1, "您的订单 \"A\" 👋")
    kept = seen["extra"]["message"]
    assert kept["data"] == {"order": "A-1"} and kept["android"] == {
        "priority": "high", "ttl": "60s", "collapse_key": "order", "notification": {"tag": "t"}}


def test_a_dry_run_delivers_nothing(sim, account):
    said, = sdk(sim, account, ["send", message(), True])
    assert said.startswith("projects/") and sim.messages() == []


def test_each_of_many_has_its_answer(sim, account):
    dead = {**message(), "token": "unregistered-" + DEVICE % 2}
    said, = sdk(sim, account, ["sendEach", [message(1), dead, message(3)]])
    assert said[1] == {"error": "messaging/registration-token-not-registered"} and all(s.startswith("projects/") for s in said[::2])
    assert {m["to"] for m in sim.messages()} == {DEVICE % 1, DEVICE % 3}


@pytest.mark.parametrize("token, code", [
    ("unregistered-", "messaging/registration-token-not-registered"), ("other-sender-", "messaging/mismatched-credential")])
def test_devices_that_are_none_of_ours(sim, account, token, code):
    said, = sdk(sim, account, ["send", {**message(), "token": token + DEVICE % 1}])
    assert said["error"] == code and sim.messages() == []


@pytest.mark.parametrize("word, status, code", [
    ("QUOTA_EXCEEDED", 429, "messaging/message-rate-exceeded"), ("INVALID_ARGUMENT", 400, "messaging/invalid-argument"),
    ("THIRD_PARTY_AUTH_ERROR", 401, "messaging/third-party-auth-error")])
def test_errors_of_the_profile_come_in_googles_words(sim, account, word, status, code):
    sim.profile(errors=[{"share": 1, "status": status, "code": word}])
    said, = sdk(sim, account, ["send", message()])
    assert said["error"] == code, said


def test_a_key_of_somebody_else_gets_no_token(sim, account):
    other = json.loads(account.read_text())
    other["private_key"] = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], check=True,
                                          capture_output=True, text=True).stdout
    account.write_text(json.dumps(other))
    said, = sdk(sim, account, ["send", message()])
    assert said["error"] == "app/invalid-credential", said
    assert sim.stats()["auth_failures"] >= 1 and sim.messages() == []


def test_without_a_token_nothing_is_taken(sim, account):
    project = json.loads(account.read_text())["project_id"]
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp5"}):
        r = requests.post("%s/v1/projects/%s/messages:send" % (sim.url, project), json={"message": message()}, headers=headers, timeout=5)
        assert (r.status_code, r.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
