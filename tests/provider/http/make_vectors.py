#!/usr/bin/env python3
"""Checks the expected requests of the presets' cases against the vendors' documentation.

  make_vectors.py --check

There is no official SDK for these; what each page says of its request is written down here a second time, in
another language and without a look at the presets: address, signature, headers, and the JSON as values. The
case files hold the bytes; here they are read and compared.
"""

import base64
import datetime
import hashlib
import hmac
import json
import pathlib
import re
import sys
import urllib.parse

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


def unix_ms(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def hmac_base64(key, data):
    return base64.b64encode(hmac.new(key.encode(), data.encode(), hashlib.sha256).digest()).decode()


def text_of(a):
    return f"{a['title']}\n{a['body']}" if a.get("title") else a["body"]


def mobile(a):
    to = a["to"]
    return [to[3:] if to.startswith("+86") else to[1:]] if to.startswith("+") else []


def ntfy(lane, a, now_ms):
    headers = {}
    if lane.get("token"):
        headers["Authorization"] = "Bearer " + lane["token"]
    elif lane.get("user"):
        headers["Authorization"] = "Basic " + base64.b64encode(f"{lane['user']}:{lane['secret']}".encode()).decode()
    body = {"topic": a["to"].split(":", 1)[1], "message": a["body"]}
    if a.get("title"):
        body["title"] = a["title"]
    return lane.get("url", "https://ntfy.sh") + "/", headers, body


def gotify(lane, a, now_ms):
    body = {"message": a["body"], "priority": 5}
    if a.get("title"):
        body["title"] = a["title"]
    return lane["url"] + "/message", {"X-Gotify-Key": lane["token"]}, body


def bark(lane, a, now_ms):
    body = {"device_key": a["to"].split(":", 1)[1], "body": a["body"]}
    if a.get("title"):
        body["title"] = a["title"]
    return "https://api.day.app/push", {}, body


def dingtalk(lane, a, now_ms):
    url = "https://oapi.dingtalk.com/robot/send?access_token=" + lane["token"]
    if lane.get("secret"):
        sign = urllib.parse.quote_plus(hmac_base64(lane["secret"], f"{now_ms}\n{lane['secret']}"))
        url += f"&timestamp={now_ms}&sign={sign}"
    body = {"msgtype": "text", "text": {"content": text_of(a)}}
    if mobile(a):
        body["at"] = {"atMobiles": mobile(a)}
    return url, {}, body


def feishu(lane, a, now_ms):
    body = {"msg_type": "text", "content": {"text": text_of(a)}}
    if lane.get("secret"):
        body["timestamp"] = str(now_ms // 1000)
        body["sign"] = hmac_base64(f"{now_ms // 1000}\n{lane['secret']}", "")
    return "https://open.feishu.cn/open-apis/bot/v2/hook/" + lane["token"], {}, body


def wecom(lane, a, now_ms):
    text = {"content": text_of(a)}
    if mobile(a):
        text["mentioned_mobile_list"] = mobile(a)
    return ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + lane["token"], {},
            {"msgtype": "text", "text": text})


def acme(lane, a, now_ms):
    """A provider of one's own, as its cases describe it."""
    body = {"to": a["to"], "from": lane["from"], "text": a["body"],
            "dlr": a["status_url"] + "&k=" + lane["callback_token"],
            "ttl": (unix_ms(a["expires_at"]) - now_ms) // 1000, "at": "2026-01-02T03:04:05.000Z"}
    said = f"{a['to']}|{a['body']}|{now_ms // 1000}"
    sign = hmac.new(lane["secret"].encode(), said.encode(), hashlib.sha256).hexdigest()
    return (f"https://api.acme.example/v1/sms?ref={a['token']}",
            {"Authorization": "Bearer " + lane["token"], "Content-Type": "application/json", "X-Sign": sign}, body)


def check(path):
    parts = sections(path.read_text())
    lane, attempt, case = (pairs(parts.get(k, "")) for k in ("lane", "attempt", "case"))
    ours = lane.get("from") == "ACME"
    if case["call"] != "send" or "request" not in parts or not ("preset" in lane or ours):
        return False
    make = acme if ours else globals()[lane["preset"]]
    url, headers, body = make(lane, attempt, unix_ms(case["now"]))
    head, _, sent = parts["request"].partition("\n\n")
    lines = head.split("\n")
    right = headers if ours else {"Content-Type": "application/json; charset=utf-8", **headers}
    assert lines[0] == "POST " + url, (path.name, lines[0], url)
    assert dict(line.split(": ", 1) for line in lines[1:]) == right, (path.name, lines[1:], right)
    assert json.loads(sent) == body, (path.name, sent, body)
    return True


if sys.argv[1:] != ["--check"]:
    sys.exit(__doc__)
checked = sum(check(p) for p in sorted(HERE.glob("*.case")))
assert checked >= 60, checked
print(f"ok: {checked} requests are as documented")
