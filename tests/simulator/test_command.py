"""The command line."""
import json
import os
import signal
import subprocess

import pytest
import requests

from conftest import SID, TOKEN


def run(*options, env=None):
    return subprocess.run(os.environ["HONGYAN_SIMULATOR"].split() + list(options), capture_output=True, text=True,
                          timeout=20, env={**os.environ, **(env or {})})


def test_help():
    r = run("--help")
    assert r.returncode == 0 and "--listen" in r.stdout and r.stderr == ""


@pytest.mark.parametrize("options, code", [
    (["--nonsense"], 64), (["extra"], 64), (["--listen", "8081"], 64), (["--listen", "127.0.0.1:70000"], 64),
    (["--keep", "0"], 64), (["--keep"], 64), (["--profile", "/nonexistent"], 66), (["--listen", "nowhere:1"], 78),
    (["--account-sid", "AC1", "--auth-token", "x"], 78), (["--account-sid", SID], 78),
])
def test_mistakes_have_their_exit_codes(options, code):
    r = run(*options)
    assert r.returncode == code and r.stderr and r.stdout == ""


def test_bad_profile_is_a_configuration_error(tmp_path):
    f = tmp_path / "p.json"
    f.write_text('{"silense": 1}')
    r = run("--profile", str(f))
    assert r.returncode == 78 and "silense" in r.stderr


def test_taken_port_is_unavailable(sim):
    r = run("--listen", sim.url.split("//")[1])
    assert r.returncode == 69 and r.stderr


def test_account_from_the_environment(start):
    sim = start(env={"SIM_ACCOUNT_SID": SID, "SIM_AUTH_TOKEN": TOKEN})
    assert sim.create(auth=(SID, "wrong")).status_code == 401
    assert sim.create().status_code == 201


@pytest.mark.parametrize("address, url", [("127.0.0.1", "http://127.0.0.1:%d"), ("[::1]", "http://[::1]:%d")])
def test_json__says_where_it_listens(address, url):
    child = subprocess.Popen(os.environ["HONGYAN_SIMULATOR"].split() + ["--json", "--listen", address + ":0"],
                             stdout=subprocess.PIPE, text=True)
    said = json.loads(child.stdout.readline())
    try:
        assert said == {"url": url % said["port"], "port": said["port"]}
        assert requests.get(said["url"] + "/_sim/stats", timeout=5).status_code == 200
    finally:
        child.send_signal(signal.SIGINT)
        assert child.wait(10) == 0
        child.stdout.close()
