"""`hongyan hooks listen`: a developer sees what webhooks post, and whether the signature fits."""
import os
import re
import subprocess

import pytest

from harness.endpoint import Hooks
from harness.gateway import call
from harness.hostile_gateway import BINARY


@pytest.fixture
def listen():
    started = []

    def start(secret, *args):
        p = subprocess.Popen([str(BINARY), "hooks", "listen", "--port", "0", *args], stdout=subprocess.PIPE, text=True,
                             env={**os.environ, "WEBHOOK_SECRET": secret, "LC_ALL": "C"})
        started.append(p)
        return p, int(re.search(r":(\d+)/", p.stdout.readline()).group(1))
    yield start
    for p in started:
        p.kill()
        p.wait()


def test_listen__shows_what_the_gateway_posts_and_that_its_signature_fits(make_gateway, listen):
    gateway = make_gateway(webhooks={"allow_http": True, "allow_private": True})
    hooks = Hooks(gateway, gateway.create_key(scopes="send,read,admin")["key"])
    secret = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    p, port = listen(secret)
    hook = hooks.create("http://127.0.0.1:%d/" % port, secret=secret)
    hooks.ask("POST", "/%s/test" % hook["id"], expect=202)
    assert re.match(r"signed EV[0-9a-f]{32}$", p.stdout.readline()) and '"webhook.test"' in p.stdout.readline()


def test_listen__names_forgeries_and_lets_nothing_act_on_the_terminal(listen):
    p, port = listen("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert call(port, "POST", "/", b"\x1b[2Jx", {}).status == 401
    assert p.stdout.readline().startswith("NOT SIGNED") and p.stdout.readline() == " [2Jx\n"
    headers = {"webhook-id": "e1", "webhook-timestamp": "1790000000", "webhook-signature": "v1,AAAA"}
    assert call(port, "POST", "/", b"{}", headers).status == 401
    assert p.stdout.readline().startswith("WRONG SIGNATURE") and p.stdout.readline() == "{}\n"


def test_listen__without_a_secret_says_what_to_set():
    env = {k: v for k, v in os.environ.items() if k != "WEBHOOK_SECRET"}
    done = subprocess.run([str(BINARY), "hooks", "listen"], capture_output=True, text=True, env=env, timeout=30)
    assert done.returncode == 64 and "WEBHOOK_SECRET" in done.stderr
    assert subprocess.run([str(BINARY), "hooks"], capture_output=True, env=env, timeout=30).returncode == 64
