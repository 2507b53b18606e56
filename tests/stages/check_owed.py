"""Verifies the callbacks of owed_tool as a receiver would: Twilio's form by Twilio's own validator, the JSON form by
the text of the Standard Webhooks specification (HMAC-SHA256 over "id.timestamp.body", base64, "v1,")."""

import base64
import hashlib
import hmac
import json
import subprocess
import sys
from urllib.parse import parse_qsl

try:
    from twilio.request_validator import RequestValidator
except ImportError:
    RequestValidator = None

STATES = {"accepted", "scheduled", "queued", "sending", "sent", "delivered", "undelivered", "failed", "canceled", "received"}


def check_twilio(token, url, body, headers):
    form = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, encoding="utf-8", errors="strict")
    pairs = dict(form)
    assert len(pairs) == len(form), "a key stands twice"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    signature = headers["X-Twilio-Signature"]
    validator = RequestValidator(token)
    assert validator.validate(url, pairs, signature), "Twilio's validator refuses it"
    assert not validator.validate(url + "x", pairs, signature)
    assert not validator.validate(url, {**pairs, "MessageStatus": "x"}, signature)
    assert pairs["MessageSid"] == pairs["SmsSid"] and pairs["MessageSid"].startswith("SM")
    assert pairs["MessageStatus"] == pairs["SmsStatus"] and pairs["MessageStatus"] in STATES
    assert pairs["To"] == "+8613800138000" and "From" in pairs
    assert "ErrorCode" not in pairs or int(pairs["ErrorCode"]) > 0


def check_native(token, url, body, headers):
    data = json.loads(body.decode("utf-8"))
    assert headers["Content-Type"] == "application/json"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    right = base64.b64encode(hmac.new(token.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == "v1," + right, "the signature is another"
    assert headers["webhook-timestamp"] == "1767225600"
    assert headers["webhook-id"] == f"{data['data']['id']}-{data['data']['event']}"
    assert data["type"] == "message." + data["data"]["status"]
    assert data["timestamp"] == "2025-12-31T23:59:58.500Z"  # when it happened, not when it is told
    assert data["data"]["to"] == "+8613800138000"


def main():
    lines = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout.splitlines()
    if RequestValidator is None:
        lines = [line for line in lines if not line.startswith("twilio")]
        print("# Debian's python3-twilio is not installed: only the native form is checked")
    faults, ids, counts = [], set(), {"twilio": 0, "native": 0}
    for number, line in enumerate(lines, 1):
        face, *fields = line.split("\t")
        token, url, body, *rest = (bytes.fromhex(f) for f in fields)
        headers = {name.decode(): value.decode() for name, value in zip(rest[::2], rest[1::2])}
        counts[face] += 1
        try:
            check = check_twilio if face == "twilio" else check_native
            check(token.decode(), url.decode(), body, headers)
            if face == "native":
                assert headers["webhook-id"] not in ids, "an id comes twice"
                ids.add(headers["webhook-id"])
        except (AssertionError, KeyError, ValueError) as fault:
            faults.append(f"line {number}: {face} {url.decode()}: {fault!r}")
    print("1..1")
    for fault in faults[:20]:
        print("#", fault)
    good = not faults and counts["native"] > 200
    print("ok" if good else "not ok", f"1 - {counts['twilio']} form posts and {counts['native']} JSON posts verified")


main()
