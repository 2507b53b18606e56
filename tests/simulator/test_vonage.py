"""Vonage's own SDK (@vonage/sms, by lock file) against the simulator's part of it."""
import json
import pathlib
import subprocess

import pytest

FOLDER = pathlib.Path(__file__).parent.parent / "provider" / "vonage"
KEY, SECRET, TO = "abcd1234", "simulator-secret", "447700900000"


def sdk(sim, *calls, key=KEY, secret=SECRET):
    assert (FOLDER / "sdk" / "node_modules").is_dir(), "run script/bootstrap --test for the vendor's SDK"
    done = subprocess.run(["node", "call_simulator.mjs", sim.url, key, secret], cwd=FOLDER, input=json.dumps(calls), capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def text(**more):
    return {"to": TO, "from": "ExampleShop", "text": "hello", **more}


def test_a_text_is_taken_and_seen(sim):
    said, = sdk(sim, ["send", text(text="您的验证码 & = 👋", type="unicode", clientRef="our-token", ttl=60000)])
    assert len(said) == 1 and said[0]["status"] == "0" and said[0]["to"] == TO and said[0]["messageId"]
    seen, = sim.messages()
    assert (seen["provider"], seen["to"], seen["from"], seen["body"]) == ("vonage", "+" + TO, "ExampleShop", "您的验证码 & = 👋")
    assert seen["extra"] == {"type": "unicode", "ttl": 60000}


def test_each_part_has_an_entry(sim):
    said, = sdk(sim, ["send", text(text="x" * 200)])
    assert len(said) == 2 and len({s["messageId"] for s in said}) == 2 and len(sim.messages()) == 1


def test_the_balance_answers(sim):
    assert sdk(sim, ["getBalance"])[0]["value"] == 10.28


def test_wrong_credentials_are_refused(sim):
    assert sdk(sim, ["send", text()], ["getBalance"], secret="wrong")[0]["error"] == "4"
    assert sdk(sim, ["send", text()], key="other123")[0]["error"] == "4"
    assert sim.stats()["auth_failures"] == 3 and sim.messages() == []


@pytest.mark.parametrize("more, code", [
    ({"to": "12"}, "6"), ({"to": "15005550001"}, "6"), ({"text": ""}, "3"), ({"text": "世界"}, "3"), ({"text": "x" * 4000}, "12"),
    ({"from": "+447700900001"}, "15")])
def test_what_makes_no_sense_is_refused(sim, more, code):
    assert sdk(sim, ["send", text(**more)])[0]["error"] == code and sim.stats()["received"] == 0


@pytest.mark.parametrize("how, code", [({"status": 429}, "1"), ({"status": 400, "code": "9"}, "9"), ({"status": 400, "code": 21610}, "7")])
def test_errors_of_the_profile_are_vonages(sim, how, code):
    sim.profile(errors=[{"share": 1, **how}])
    assert sdk(sim, ["send", text()])[0]["error"] == code


@pytest.mark.parametrize("how, said", [({}, ("delivered", "0")), ({"undelivered": 1, "undelivered_code": 30005}, ("failed", "9")),
                                       ({"undelivered": 1, "undelivered_code": "53"}, ("failed", "53")), ({"failed": 1}, ("rejected", None))])
def test_receipts_are_signed_as_the_sdk_checks_it(sim, receiver, how, said):
    sim.profile(receipts=how)
    sdk(sim, ["send", text(clientRef="our&token=1", callback=receiver.url + "/s?t=1")])
    post, = receiver.take(1)
    p = post["params"]
    assert post["path"] == "/s?t=1" and (p["status"], said[1] and p["err-code"]) == said and p["client-ref"] == "our&token=1"
    params = {k: v for k, v in p.items() if k != "sig"}
    assert sdk(sim, ["verifySignature", p["sig"], params, SECRET, "sha256hmac"],
               ["verifySignature", p["sig"], {**params, "status": "x"}, SECRET, "sha256hmac"]) == [True, False]


def test_a_reply_is_signed(sim, receiver):
    sim.profile(providers={"vonage": {"inbound_url": receiver.url + "/i"}})
    assert sim.post("/_sim/reply", {"provider": "vonage", "from": "+" + TO, "to": "+447700900001", "body": "STOP 停 & ="}).status_code == 200
    p = receiver.take(1)[0]["params"]
    assert (p["msisdn"], p["to"], p["text"]) == (TO, "447700900001", "STOP 停 & =")
    assert sdk(sim, ["verifySignature", p["sig"], {k: v for k, v in p.items() if k != "sig"}, SECRET, "sha256hmac"]) == [True]
