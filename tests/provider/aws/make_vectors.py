#!/usr/bin/python3
"""Holds the requests of the cases in this folder against the vendor's own SDK (Debian: python3-botocore).

  make_vectors.py --check

For each [request]: its parameters are what a client of botocore sends for the same call (SNS: the form; End User
Messaging: the JSON), its Authorization is what botocore's SigV4Auth makes of the same method, address, headers
and body at the case's time, and so are date and token. Where credentials are fetched (call: grant), method, address
and headers are those that botocore's own fetchers ask with. Nothing is sent.
"""
import datetime
import json
import os
import pathlib
import re
import sys
import urllib.parse

import botocore.auth
import botocore.session
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.utils import ContainerMetadataFetcher, InstanceMetadataFetcher

HERE = pathlib.Path(__file__).parent


def sections(text):
    parts = re.split(r"^\[([a-z]+)\]\n", text, flags=re.M)
    return {name: body.rstrip("\n") for name, body in zip(parts[1::2], parts[2::2])}


def pairs(section):
    out = {}
    for line in section.split("\n"):
        if ": " in line:
            key, value = line.split(": ", 1)
            out[key] = re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), value)
    return out


def time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Recorded(Exception):
    def __init__(self, request):
        self.request = request


class Clock(datetime.datetime):
    at = None

    @classmethod
    def utcnow(cls):
        return cls.at


def sdk_request(lane, service, operation, params):
    """What a client would send."""
    session = botocore.session.get_session()
    client = session.create_client(
        service if service != "sms-voice" else "pinpoint-sms-voice-v2", region_name=lane["region"],
        aws_access_key_id=lane["access_key_id"], aws_secret_access_key=lane["secret_access_key"])
    def stop(request, **_):
        raise Recorded(request)

    client.meta.events.register("before-send", stop)
    try:
        getattr(client, operation)(**params)
    except Recorded as recorded:
        return recorded.request
    raise AssertionError("the SDK sent nothing")


def sns_params(lane, a):
    price, kind = lane.get("max_price"), lane.get("message_type", "TRANSACTIONAL").capitalize()
    sender = a.get("from") or lane.get("from") or lane.get("origination")
    attributes = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": kind}}
    if price:
        attributes["AWS.SNS.SMS.MaxPrice"] = {"DataType": "Number", "StringValue": price}
    if sender:
        name = "AWS.MM.SMS.OriginationNumber" if sender.startswith("+") else "AWS.SNS.SMS.SenderID"
        attributes[name] = {"DataType": "String", "StringValue": sender}
    return "publish", {"PhoneNumber": a["to"], "Message": a["body"], "MessageAttributes": attributes}


def sms_params(lane, a, now):
    voice = a.get("channel") == "voice"
    p = {"DestinationPhoneNumber": a["to"], "MessageBody": a["body"]}
    p["OriginationIdentity"] = a.get("from") or lane.get("from") or lane.get("origination")
    if voice:
        p.update(MessageBodyTextType="TEXT", VoiceId=lane.get("voice_id"))
    else:
        p["MessageType"] = lane.get("message_type", "TRANSACTIONAL")
    p["ConfigurationSetName"] = lane.get("configuration_set")
    p["MaxPricePerMinute" if voice else "MaxPrice"] = lane.get("max_price")
    if a.get("expires_at"):
        p["TimeToLive"] = int((time(a["expires_at"]) - now).total_seconds())
    if a.get("token"):
        p["Context"] = {"t": a["token"]}
    return "send_voice_message" if voice else "send_text_message", {k: v for k, v in p.items() if v is not None}


class Answers:
    """Instead of botocore's HTTP session: keeps what is asked, and answers as the metadata services do."""

    def __init__(self):
        self.asked = []

    def send(self, request):
        self.asked.append(request)
        texts = {"/latest/api/token": "AQAEAMdKo==", "/latest/meta-data/iam/security-credentials/": "gateway-role"}
        text = texts.get(urllib.parse.urlsplit(request.url).path, json.dumps({
            "Code": "Success", "AccessKeyId": "A", "SecretAccessKey": "B", "Token": "C",
            "LastUpdated": "2026-01-02T03:00:00Z", "Expiration": "2026-01-02T09:04:05Z"}))
        return type("Answer", (), {"status_code": 200, "content": text.encode(), "text": text})()


def check_grant(path, lane, so_far, method, url, headers, body):
    """That request is one that botocore makes on its way to credentials."""
    kind, answers = lane["credentials"], Answers()
    ContainerMetadataFetcher._ALLOWED_HOSTS = ["169.254.170.2", "169.254.170.23"]  # Debian's is older than EKS's
    if kind == "container":
        token = {"Authorization": so_far.strip()} if so_far else {}
        ContainerMetadataFetcher(answers).retrieve_full_uri(url, token)
        asked = {(r.method, r.url, r.headers.get("Authorization")) for r in answers.asked}
        assert (method, url, headers.get("Authorization")) in asked, (path.name, asked)
    elif kind == "instance":
        fetcher = InstanceMetadataFetcher()
        fetcher._session = answers
        assert fetcher.retrieve_iam_role_credentials(), path.name
        asked = [(r.method, r.url, {k: v for k, v in r.headers.items() if k.lower().startswith("x-aws")})
                 for r in answers.asked]
        assert len(asked) == 3 and any(
            (method, url) == (m, u) and {k.lower(): v for k, v in headers.items()} == {k.lower(): v for k, v in h.items()}
            for m, u, h in asked), (path.name, url, asked)
    else:
        form = dict(urllib.parse.parse_qsl(body, strict_parsing=True))
        session = form["RoleSessionName"]
        os.environ["AWS_STS_REGIONAL_ENDPOINTS"] = "regional"
        theirs = sdk_request({"access_key_id": "A", "secret_access_key": "B", **lane}, "sts", "assume_role_with_web_identity", {
            "RoleArn": lane["role"], "RoleSessionName": session, "WebIdentityToken": so_far.strip()})
        assert form == dict(urllib.parse.parse_qsl(theirs.body)) and theirs.url == url, (path.name, form, theirs.body, theirs.url)
    return True


def check(path):
    parts = sections(path.read_text())
    lane, a, case = (pairs(parts.get(k, "")) for k in ("lane", "attempt", "case"))
    if "request" not in parts:
        return False
    service, now = lane.get("api", "sms-voice"), time(case["now"])
    head, _, body = parts["request"].partition("\n\n")
    lines = head.split("\n")
    method, url = lines[0].split(" ")
    headers = dict(line.split(": ", 1) for line in lines[1:])

    if case["call"] == "grant":
        return check_grant(path, lane, case.get("so_far"), method, url, headers, body)
    if "grant" in a:
        lane.update(zip(("access_key_id", "secret_access_key", "session_token"), a["grant"].split("\n")))

    if case["call"] == "probe":
        operation, params = ("get_sms_attributes", {}) if service == "sns" else ("describe_account_attributes", {})
    else:
        operation, params = sns_params(lane, a) if service == "sns" else sms_params(lane, a, now)
    theirs = sdk_request(lane, service, operation, params)
    said = theirs.body.decode() if isinstance(theirs.body, bytes) else theirs.body
    if service == "sns":
        form = lambda text: sorted(urllib.parse.parse_qsl(text, strict_parsing=True))  # noqa: E731
        names = lambda pairs: sorted(v for k, v in pairs)  # noqa: E731 (the order of attributes is free)
        assert names(form(body)) == names(form(said)), (path.name, body, said)
        assert {k for k, v in form(body)} == {k for k, v in form(said)}, path.name
    else:
        assert json.loads(body) == json.loads(said), (path.name, body, said)
        target = theirs.headers["X-Amz-Target"]
        assert headers["X-Amz-Target"] == (target.decode() if isinstance(target, bytes) else target), path.name
    assert lane.get("base_url", theirs.url.rstrip("/")) == url.rstrip("/"), (path.name, url, theirs.url)

    Clock.at = now.replace(tzinfo=None)
    botocore.auth.datetime = type("datetime", (), {"datetime": Clock})
    signed = AWSRequest(method, url, data=body.encode(),
                        headers={k: v for k, v in headers.items() if k in ("Content-Type", "X-Amz-Target")})
    credentials = Credentials(lane["access_key_id"], lane["secret_access_key"], lane.get("session_token"))
    botocore.auth.SigV4Auth(credentials, service, lane["region"]).add_auth(signed)
    botocore.auth.datetime = datetime
    right = dict(signed.headers.items())
    assert headers == right, (path.name, headers, right)
    return True


if sys.argv[1:] != ["--check"]:
    sys.exit(__doc__)
checked = sum(check(p) for p in sorted(HERE.glob("*.case")))
assert checked >= 60, checked
print(f"ok: {checked} requests are what the SDK makes")
