"""Opt-outs and opt-ins that no text made (API, imports) come to the account's webhooks, once, over kills."""
import json
import subprocess
import urllib.parse

import pytest

from harness.endpoint import Endpoint, Hooks
from harness.gateway import call, until
from harness.hostile_gateway import BINARY


@pytest.fixture
def endpoint():
    e = Endpoint()
    yield e
    e.close()


@pytest.fixture
def gateway(make_gateway):
    return make_gateway(webhooks={"allow_http": True, "allow_private": True})


def ask(gateway, key, method, path, body=None):
    headers = {"Authorization": "Bearer " + key, "Content-Type": "application/json"}
    a = call(gateway.port, method, path, b"" if body is None else json.dumps(body).encode(), headers)
    assert a.status in (200, 201, 204), a
    return a


def told(endpoint):
    return [(p.type, p.data["number"], p.data["topic"] or "", p.data["source"], p.data["act"]) for p in endpoint.posts
            if p.type.startswith("consent.")]


def test_consent__what_the_api_writes_is_told_once_in_order_over_a_kill(gateway, endpoint):
    hooks = Hooks(gateway, gateway.create_key(scopes="send,read,admin")["key"])
    quiet = "+14155550110"
    ask(gateway, hooks.key, "PUT", "/v1/suppressions/" + urllib.parse.quote(quiet, safe=""))  # nobody listens yet
    hooks.create(endpoint.url, events=["consent.*"])
    number = "+14155550111"
    path = "/v1/suppressions/" + urllib.parse.quote(number, safe="")
    ask(gateway, hooks.key, "PUT", path)
    assert endpoint.wait("consent.opted_out").data["number"] == number
    ask(gateway, hooks.key, "DELETE", path)
    endpoint.wait("consent.opted_in")
    ask(gateway, hooks.key, "POST", "/v1/consents", {"number": number, "act": "granted", "topic": "news", "method": "form"})
    ask(gateway, hooks.key, "POST", "/v1/consents", {"number": number, "act": "withdrawn", "topic": "news"})
    gateway.kill9()
    gateway.start()
    until(lambda: len(told(endpoint)) >= 4 or None, 30, told="the webhook heard %s" % told(endpoint))
    ask(gateway, hooks.key, "PUT", "/v1/suppressions/%2B14155550112")  # what came before it has been told by then
    until(lambda: [t for t in told(endpoint) if t[1] == "+14155550112"] or None, 30)
    assert len({p.id for p in endpoint.posts}) == 5 and all(p.id.startswith("EV") for p in endpoint.posts)
    assert sorted(set(told(endpoint))) == sorted([
        ("consent.opted_out", number, "", "api", "withdrawn"), ("consent.opted_in", number, "", "api", "released"),
        ("consent.opted_in", number, "news", "api", "granted"), ("consent.opted_out", number, "news", "api", "withdrawn"),
        ("consent.opted_out", "+14155550112", "", "api", "withdrawn")])


def test_consent__only_the_topics_a_webhook_wants_and_only_its_accounts(gateway, endpoint):
    hooks = Hooks(gateway, gateway.create_key(scopes="send,read,admin")["key"])
    hooks.create(endpoint.url, events=["consent.*"], topics=["news"])
    other = gateway.create_key(account="other", scopes="send,read,admin")["key"]
    for key, topic in ((other, "news"), (hooks.key, "offers"), (hooks.key, "news")):
        ask(gateway, key, "POST", "/v1/consents", {"number": "+14155550113", "act": "withdrawn", "topic": topic})
    endpoint.wait("consent.opted_out")
    ask(gateway, hooks.key, "POST", "/v1/consents", {"number": "+14155550114", "act": "granted", "topic": "news"})
    endpoint.wait("consent.opted_in")
    assert [(t[1], t[2]) for t in told(endpoint)] == [("+14155550113", "news"), ("+14155550114", "news")]


def test_consent__an_import_of_words_with_proof_is_told(gateway, endpoint, tmp_path):
    hooks = Hooks(gateway, gateway.create_key(scopes="send,read,admin")["key"])
    hooks.create(endpoint.url, events=["consent.opted_out"])
    file = tmp_path / "consents.csv"
    file.write_text("number,act,topic,at\n" + "".join("+141555502%02d,withdrawn,news,2026-01-02T03:04:05Z\n" % i for i in range(50))
                    + "".join("+141555503%02d,withdrawn,,2026-01-02T03:04:05Z\n" % i for i in range(99)))
    done = subprocess.run([str(BINARY), "import", "consents", str(file), "--account", "default", "-c", str(gateway.config)],
                          capture_output=True, env=gateway.env, timeout=60)
    assert done.returncode == 0, done
    until(lambda: len({t[1] for t in told(endpoint)}) == 149 or None, 60, told="not all were told")
    assert len({p.id for p in endpoint.posts}) == 149
