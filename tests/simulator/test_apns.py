"""The simulator's Apple push service over HTTP/1.1: tokens signed by OpenSSL's own program, Apple's rules of headers and payloads, its words for
what goes wrong."""
import base64
import json
import re
import subprocess
import time

import pytest
import requests

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
DEVICE = "%064x" % 1
ID = "4d2f3c2a-0000-4000-8000-000000000000"


def plain(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def integer(der, at):
    """The integer of a DER signature that begins there, in 32 bytes, and where it ends."""
    n = der[at + 1]
    return der[at + 2:at + 2 + n].lstrip(b"\0").rjust(32, b"\0"), at + 2 + n


def jwt(folder, key, header, claims):
    (folder / "AuthKey.p8").write_text(key)
    text = plain(json.dumps(header).encode()) + "." + plain(json.dumps(claims).encode())
    der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", "AuthKey.p8"], cwd=folder, input=text.encode(), check=True,
                         capture_output=True).stdout
    r, at = integer(der, 2)
    s, _ = integer(der, at)
    return text + "." + plain(r + s)


class Apple:
    def __init__(self, sim, folder):
        self.sim, self.folder, self.key = sim, folder, sim.get("/apns/key.json")
        self.fresh = self.token()

    def token(self, iat=None, key=None, **more):
        header = {"alg": more.get("alg", "ES256"), "kid": more.get("kid", self.key["key_id"])}
        claims = {"iss": more.get("iss", self.key["team_id"]), "iat": int(time.time()) if iat is None else iat}
        return jwt(self.folder, key or self.key["key"], header, claims)

    def send(self, device=DEVICE, payload=None, token=None, method="POST", **headers):
        given = {"authorization": "bearer " + (token or self.fresh), "apns-topic": self.key["topic"], "apns-push-type": "alert",
                 **{k.replace("_", "-"): v for k, v in headers.items()}}
        data = payload if isinstance(payload, str) else json.dumps(payload or {"aps": {"alert": {"title": "Order A-1", "body": "ready"}}})
        return requests.request(method, self.sim.url + "/3/device/" + device, data=data.encode(), timeout=20,
                                headers={k: v for k, v in given.items() if v is not None})


def reason(r):
    return r.status_code, r.json()["reason"]


@pytest.fixture
def apple(sim, tmp_path):
    return Apple(sim, tmp_path)


def test_a_notification_is_taken_counted_and_kept(sim, apple):
    body = "您的订单 \"A\" 👋"
    r = apple.send(payload={"order": "A-1", "aps": {"alert": {"title": "Order A-1", "body": body}, "sound": "default"}}, apns_id=ID,
                   apns_priority="5", apns_expiration="1893456000", apns_collapse_id="order-A-1")
    assert (r.status_code, r.content, r.headers["apns-id"]) == (200, b"", ID)
    seen, = sim.messages(provider="apns")
    assert (seen["to"], seen["body"], seen["reference"], seen["times"]) == (DEVICE, body, ID, 1)
    assert seen["extra"] == {"apns-topic": apple.key["topic"], "apns-push-type": "alert", "apns-priority": "5", "apns-expiration": "1893456000",
                             "apns-collapse-id": "order-A-1",
                             "payload": {"order": "A-1", "aps": {"alert": {"title": "Order A-1", "body": body}, "sound": "default"}}}
    assert (sim.stats()["requests"], sim.stats()["received"]) == (1, 1)


def test_an_id_is_made_where_none_was_given(sim, apple):
    ids = [apple.send(payload={"aps": {"alert": "n %d" % i}}).headers["apns-id"] for i in range(3)]
    assert len(set(ids)) == 3 and all(re.fullmatch(UUID, i) for i in ids), ids
    assert [m["reference"] for m in sim.messages()] == ids[::-1] and sim.messages()[0]["body"] == "n 2"
    assert re.fullmatch(UUID, apple.send("bad" + DEVICE[3:]).headers["apns-id"])


def test_what_nobody_reads_is_taken_too(sim, apple):
    assert apple.send(payload={"aps": {"content-available": 1}}, apns_push_type="background").status_code == 200
    assert [m["body"] for m in sim.messages()] == [""]


def test_tokens_are_verified(sim, apple):
    other = subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], check=True, capture_output=True,
                           text=True).stdout
    now = int(time.time())
    bad = [apple.token(key=other), apple.token(kid="OTHERKEYID"), apple.token(iss="OTHERTEAM0"), apple.token(alg="RS256"),
           apple.token(iat=now + 3000), apple.token(iat="%d" % now), apple.token(iat=-1), apple.fresh[:-4] + "AAAA", "a.b.c", "."]
    for token in bad:
        assert reason(apple.send(token=token)) == (403, "InvalidProviderToken"), token
    assert reason(apple.send(token=apple.token(iat=now - 3700))) == (403, "ExpiredProviderToken")
    for none in (None, "basic eDp5", "bearer "):
        assert reason(apple.send(authorization=none)) == (403, "MissingProviderToken")
    assert sim.stats()["auth_failures"] == len(bad) + 4 and sim.stats()["rejected"] == 0 and sim.messages() == []
    assert apple.send(token=apple.token(iat=now - 3000)).status_code == 200


def test_tokens_of_before_a_revocation_have_expired(start, tmp_path):
    apple = Apple(start(), tmp_path)
    assert apple.send().status_code == 200
    assert requests.post(apple.sim.url + "/push/revoke", timeout=5).status_code == 200
    assert reason(apple.send()) == (403, "ExpiredProviderToken")
    assert apple.send(token=apple.token(iat=int(time.time()) + 2)).status_code == 200


def test_the_profile_says_whose_tokens_are_taken(sim, apple):
    sim.profile(providers={"apns": {"account": "OTHERTEAM0", "secret": "OTHERKEYID"}})
    assert reason(apple.send()) == (403, "InvalidProviderToken")
    other = Apple(sim, apple.folder)
    assert (other.key["team_id"], other.key["key_id"]) == ("OTHERTEAM0", "OTHERKEYID")
    assert other.send().status_code == 200


@pytest.mark.parametrize("device, said", [
    ("0" * 64, "BadDeviceToken"), ("bad" + "0" * 61, "BadDeviceToken"), ("ab" * 31, "BadDeviceToken"), ("xy" * 32, "BadDeviceToken"),
    ("ab" * 101, "BadDeviceToken"), ("facade" + "0" * 58, "DeviceTokenNotForTopic"), ("", "MissingDeviceToken")])
def test_devices_that_are_none_of_ours(sim, apple, device, said):
    assert reason(apple.send(device)) == (400, said)
    assert sim.stats()["rejected"] == 1 and sim.messages() == []


def test_a_device_that_is_gone_is_told_with_its_time(sim, apple):
    for device, ago_s in (("dead" + DEVICE[4:], 0), ("decade" + DEVICE[6:], 10 * 365 * 86400)):
        r = apple.send(device)
        assert reason(r) == (410, "Unregistered")
        assert abs(r.json()["timestamp"] / 1000 - (time.time() - ago_s)) < 60
    assert sim.messages() == []


@pytest.mark.parametrize("headers, said", [
    ({"apns_topic": None}, "MissingTopic"), ({"apns_topic": "a b"}, "BadTopic"), ({"apns_topic": "other.app"}, "TopicDisallowed"),
    ({"apns_push_type": "shout"}, "InvalidPushType"), ({"apns_push_type": None}, "InvalidPushType"), ({"apns_priority": "7"}, "BadPriority"),
    ({"apns_expiration": "soon"}, "BadExpirationDate"), ({"apns_expiration": "-1"}, "BadExpirationDate"),
    ({"apns_collapse_id": "x" * 65}, "BadCollapseId"), ({"apns_id": "7"}, "BadMessageId"), ({"apns_id": ID[:-1] + "g"}, "BadMessageId")])
def test_headers_are_judged(sim, apple, headers, said):
    assert reason(apple.send(**headers)) == (400, said)
    assert sim.messages() == []


def test_payloads_are_judged(sim, apple):
    def sized(n):
        empty = json.dumps({"aps": {"alert": ""}})
        return empty[:-3] + "x" * (n - len(empty)) + empty[-3:]
    assert apple.send(payload=sized(4096)).status_code == 200
    assert reason(apple.send(payload=sized(4097))) == (413, "PayloadTooLarge")
    assert apple.send(payload=sized(5120), apns_push_type="voip").status_code == 200
    assert reason(apple.send(payload=sized(5121), apns_push_type="voip")) == (413, "PayloadTooLarge")
    for junk in ("{", "[]", "7", "\x00"):
        assert reason(apple.send(payload=junk)) == (400, "PayloadEmpty"), junk
    assert sim.stats()["received"] == 2


def test_other_methods_and_paths_are_refused(apple):
    assert reason(apple.send(method="PUT")) == (405, "MethodNotAllowed")
    assert reason(apple.send(method="GET")) == (405, "MethodNotAllowed")
    r = requests.post(apple.sim.url + "/3/devices/" + DEVICE, timeout=5)
    assert reason(r) == (404, "BadPath")


@pytest.mark.parametrize("error, status, said", [
    ({"status": 429}, 429, "TooManyRequests"), ({"status": 500}, 500, "InternalServerError"), ({"status": 503}, 503, "ServiceUnavailable"),
    ({"status": 429, "code": "TooManyProviderTokenUpdates"}, 429, "TooManyProviderTokenUpdates"),
    ({"status": 410, "code": "ExpiredToken"}, 410, "ExpiredToken"), ({"status": 403, "code": "ExpiredProviderToken"}, 403, "ExpiredProviderToken")])
def test_errors_of_the_profile_come_in_apples_words(sim, apple, error, status, said):
    sim.profile(errors=[{"share": 1, **error}])
    assert reason(apple.send()) == (status, said)
    assert sim.messages() == []


def test_the_rate_of_the_profile_holds(sim, apple):
    sim.profile(rate={"per_s": 0.01, "burst": 2, "retry_after_s": 7})
    answers = [apple.send() for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 429, 429] and reason(answers[3]) == (429, "TooManyRequests")
    assert answers[3].headers["Retry-After"] == "7" and sim.stats()["throttled"] == 2


def test_an_answer_may_be_lost_or_late(sim, apple):
    sim.profile(lost_answers=1)
    with pytest.raises(requests.ConnectionError):
        apple.send()
    sim.profile(lost_answers=0, latency_ms=300)
    before = time.monotonic()
    assert apple.send().status_code == 200 and time.monotonic() - before >= 0.3
    assert sim.stats()["lost_answers"] == 1 and sim.messages()[0]["times"] == 2
