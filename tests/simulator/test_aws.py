"""AWS's own SDK (botocore, Debian's) against the simulator's End User Messaging and SNS, and its posts as Firehose makes them."""
import base64
import json
import os
import uuid

import botocore.session
import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import ContainerProvider, Credentials, InstanceMetadataProvider
from botocore.exceptions import ClientError
from botocore.utils import InstanceMetadataFetcher

ID, SECRET, TO = "AKIASIMULATOR", "simulator-secret", "+15558675310"


def client(sim, service, key=ID, secret=SECRET, region="eu-west-1"):
    return botocore.session.get_session().create_client(
        service, region_name=region, endpoint_url=sim.url, aws_access_key_id=key, aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 0}))


def eum(sim, **how):
    return client(sim, "pinpoint-sms-voice-v2", **how)


def test_a_text_is_taken_and_seen(sim):
    said = eum(sim).send_text_message(DestinationPhoneNumber=TO, OriginationIdentity="+15017250604", MessageBody="Hello 世界 & \"x\"",
                                      MessageType="TRANSACTIONAL", Context={"t": "mine"}, TimeToLive=60)
    assert uuid.UUID(said["MessageId"])
    seen, = sim.messages()
    assert (seen["provider"], seen["to"], seen["from"], seen["body"]) == ("aws", TO, "+15017250604", "Hello 世界 & \"x\"")
    assert (seen["extra"]["Action"], seen["extra"]["Context"], seen["extra"]["TimeToLive"]) == ("SendTextMessage", {"t": "mine"}, 60)


def test_a_call_is_taken(sim):
    eum(sim).send_voice_message(DestinationPhoneNumber=TO, OriginationIdentity="+15017250604", MessageBody="hello", VoiceId="JOANNA")
    assert sim.messages()[0]["extra"]["Action"] == "SendVoiceMessage"


def test_sns_publishes(sim):
    said = client(sim, "sns").publish(PhoneNumber=TO, Message="Hello 世界 & + ~*", MessageAttributes={
        "AWS.SNS.SMS.SenderID": {"DataType": "String", "StringValue": "MyBrand"},
        "AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}})
    assert uuid.UUID(said["MessageId"])
    seen, = sim.messages()
    assert (seen["provider"], seen["from"], seen["body"]) == ("aws-sns", "MyBrand", "Hello 世界 & + ~*")
    assert seen["extra"]["AWS.SNS.SMS.SMSType"] == "Transactional"


def test_the_harmless_calls_answer(sim):
    assert eum(sim).describe_account_attributes()["AccountAttributes"]
    assert client(sim, "sns").get_sms_attributes()["attributes"] == {}


@pytest.mark.parametrize("service, how, code", [
    ("pinpoint-sms-voice-v2", {"secret": "wrong"}, "InvalidSignatureException"),
    ("pinpoint-sms-voice-v2", {"key": "AKIAOTHER"}, "UnrecognizedClientException"),
    ("sns", {"secret": "wrong"}, "SignatureDoesNotMatch"), ("sns", {"key": "AKIAOTHER"}, "InvalidClientTokenId")])
def test_wrong_credentials_are_refused(sim, service, how, code):
    c = client(sim, service, **how)
    with pytest.raises(ClientError) as e:
        c.publish(PhoneNumber=TO, Message="x") if service == "sns" else c.describe_account_attributes()
    assert e.value.response["Error"]["Code"] == code and sim.stats()["auth_failures"] == 1


def test_a_changed_body_is_refused(sim):
    caught = []
    c = client(sim, "sns")
    c.meta.events.register("before-send", lambda request, **_: caught.append(request))
    c.publish(PhoneNumber=TO, Message="hello")
    rq = caught[0]
    body = rq.body if isinstance(rq.body, bytes) else rq.body.encode()
    assert requests.post(rq.url, data=body, headers=dict(rq.headers)).status_code == 200
    assert requests.post(rq.url, data=body.replace(b"hello", b"hallo"), headers=dict(rq.headers)).status_code == 403
    assert requests.post(rq.url, data=body).status_code == 403


def test_errors_are_the_vendors_words(sim):
    c = eum(sim)
    for to, code, reason in [("+15005550001", "ValidationException", "INVALID_PARAMETER"),
                             ("+15005550004", "ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT")]:
        with pytest.raises(ClientError) as e:
            c.send_text_message(DestinationPhoneNumber=to, MessageBody="x")
        assert (e.value.response["Error"]["Code"], e.value.response["Reason"]) == (code, reason)
    sim.profile(errors=[{"share": 1, "status": 429}])
    with pytest.raises(ClientError) as e:
        c.send_text_message(DestinationPhoneNumber=TO, MessageBody="x")
    assert e.value.response["Error"]["Code"] == "ThrottlingException"
    with pytest.raises(ClientError) as e:
        client(sim, "sns").publish(PhoneNumber=TO, Message="x")
    assert e.value.response["Error"]["Code"] == "Throttling"
    sim.profile(errors=[{"share": 1, "status": 400, "code": "ServiceQuotaExceededException DAILY_DESTINATION_CALL_LIMIT"}])
    with pytest.raises(ClientError) as e:
        c.send_text_message(DestinationPhoneNumber=TO, MessageBody="x")
    assert e.value.response["Reason"] == "DAILY_DESTINATION_CALL_LIMIT"


def test_events_and_replies_come_as_firehose_posts(sim, receiver):
    sim.profile(providers={"aws": {"receipt_url": receiver.url + "/status?k=key-0123456789abcdef",
                                   "inbound_url": receiver.url + "/inbound?k=key-0123456789abcdef"}},
                receipts={"forged": 1})
    sid = eum(sim).send_text_message(DestinationPhoneNumber=TO, MessageBody="x", Context={"t": "mine"})["MessageId"]
    posts = receiver.take(3)
    assert [p["headers"]["X-Amz-Firehose-Access-Key"] == "key-0123456789abcdef" for p in posts] == [False, True, True]
    events = []
    for p in posts[1:]:
        said = json.loads(p["raw"])
        assert said["requestId"] == p["headers"]["X-Amz-Firehose-Request-Id"]
        events += [json.loads(base64.b64decode(r["data"])) for r in said["records"]]
    assert [e["eventType"] for e in events] == ["TEXT_SUCCESSFUL", "TEXT_DELIVERED"]
    assert events[0]["messageId"] == sid and events[0]["context"] == {"t": "mine"} and events[0]["destinationPhoneNumber"] == TO
    assert sim.post("/_sim/reply", {"provider": "aws", "from": TO, "to": "+15017250604", "body": "好的"}).status_code == 200
    reply = json.loads(base64.b64decode(json.loads(receiver.take(1)[0]["raw"])["records"][0]["data"]))
    assert (reply["originationNumber"], reply["messageBody"]) == (TO, "好的")


def lent_by(kind, sim, tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    if kind == "container":
        return ContainerProvider(environ={"AWS_CONTAINER_CREDENTIALS_FULL_URI": sim.url + "/v2/credentials/a-task"}).load()
    if kind == "instance":
        fetcher = InstanceMetadataFetcher(timeout=5, num_attempts=1, base_url=sim.url + "/")
        return InstanceMetadataProvider(iam_role_fetcher=fetcher).load()
    said = botocore.session.get_session().create_client("sts", region_name="eu-west-1", endpoint_url=sim.url, config=Config(
        signature_version=UNSIGNED)).assume_role_with_web_identity(RoleArn="arn:aws:iam::123456789012:role/gateway", RoleSessionName="session",
                                                                   WebIdentityToken="e30.e30.c2ln")["Credentials"]
    return Credentials(said["AccessKeyId"], said["SecretAccessKey"], said["SessionToken"])


@pytest.mark.parametrize("kind", ["container", "instance", "web-identity"])
def test_lent_credentials_are_found_by_the_sdk_and_taken(sim, tmp_path, monkeypatch, kind):
    keys = lent_by(kind, sim, tmp_path, monkeypatch).get_frozen_credentials()
    assert keys.access_key.startswith("ASIA") and len(keys.access_key) == 20

    def send(token=keys.token, secret=keys.secret_key):
        c = botocore.session.get_session().create_client(
            "pinpoint-sms-voice-v2", region_name="eu-west-1", endpoint_url=sim.url, aws_access_key_id=keys.access_key,
            aws_secret_access_key=secret, aws_session_token=token, config=Config(retries={"max_attempts": 0}))
        return c.send_text_message(DestinationPhoneNumber=TO, OriginationIdentity="+15017250604", MessageBody="lent")

    assert uuid.UUID(send()["MessageId"]) and sim.messages()[0]["body"] == "lent"
    for wrong in ({"token": None}, {"token": "9" + keys.token[1:]}, {"token": keys.token[:-1] + "x"}, {"secret": "x"}):
        with pytest.raises(ClientError) as e:
            send(**wrong)
        assert e.value.response["Error"]["Code"] in ("UnrecognizedClientException", "InvalidSignatureException")
    assert sim.stats()["received"] == 1


@pytest.mark.parametrize("method, path, headers, status", [
    ("PUT", "/latest/api/token", {}, 400), ("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "21601"}, 400),
    ("GET", "/latest/meta-data/iam/security-credentials/", {}, 401),
    ("GET", "/latest/meta-data/iam/security-credentials/simulated-role", {"X-aws-ec2-metadata-token": "1.x"}, 401)])
def test_metadata_is_for_those_with_a_token(sim, method, path, headers, status):
    assert requests.request(method, sim.url + path, headers=headers, timeout=5).status_code == status


def test_sts_refuses_what_is_no_token(sim):
    form = {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": "arn:aws:iam::1:role/x", "RoleSessionName": "s"}
    r = requests.post(sim.url + "/", data={**form, "WebIdentityToken": "nonsense"}, timeout=5)
    assert r.status_code == 400 and "<Code>InvalidIdentityToken</Code>" in r.text
