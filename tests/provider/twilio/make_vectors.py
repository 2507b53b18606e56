#!/usr/bin/python3
"""Makes the expected requests of the cases in this folder with the vendor's own SDK (Debian: python3-twilio).

  make_vectors.py           writes each [request] section anew
  make_vectors.py --check   compares instead: same method, address, credentials and form fields

A recording HTTP client stands where the SDK's own would be, so nothing is sent. Three headers of the SDK
(User-Agent, X-Twilio-Client, Accept-Charset) say who calls, not what; they are left out. traceparent is ours,
not Twilio's, and is copied from the attempt. Signatures of callbacks are made by make_signatures.mjs.
"""

import datetime
import pathlib
import re
import sys
import urllib.parse

import requests
from twilio.base import values
from twilio.http import HttpClient
from twilio.rest import Client

HERE = pathlib.Path(__file__).parent
API = "https://api.twilio.com"
HEADERS = ["Authorization", "Accept", "Content-Type"]


class Recorded(Exception):
    pass


class Recorder(HttpClient):
    """Prepares the request as the SDK's own client does, and stops there."""

    def request(self, method, url, params=None, data=None, headers=None, auth=None, timeout=None,
                allow_redirects=False):
        self.prepared = requests.Request(method, url, params=params, data=data, headers=headers,
                                         auth=auth).prepare()
        raise Recorded


def sections(text):
    parts = re.split(r"^\[([a-z]+)\]\n", text, flags=re.M)
    return {name: body.rstrip("\n") for name, body in zip(parts[1::2], parts[2::2])}


def pairs(section):
    unescape = {"n": "\n", "t": "\t"}
    out = {}
    for line in section.split("\n"):
        if ": " in line:
            key, value = line.split(": ", 1)
            out[key] = re.sub(r"\\(x..|.)", lambda m: chr(int(m[1][1:], 16)) if m[1][0] == "x" and len(m[1]) > 1
                              else unescape.get(m[1], m[1]), value)
    return out


def time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def seconds_left(case, attempt):
    if "expires_at" not in attempt:
        return values.unset
    left = (time(attempt["expires_at"]) - time(case["now"])) // datetime.timedelta(seconds=1)
    return min(max(left, 1), 36000)


def record(case, lane, attempt):
    sid = lane["account_sid"]
    if "api_key" in lane:
        user, password = lane["api_key"], lane["api_secret"]
    else:
        user, password = sid, lane["auth_token"]
    recorder = Recorder()
    client = Client(user, password, sid, http_client=recorder)
    sender = attempt.get("from") or lane.get("from") or values.unset
    service = lane.get("messaging_service_sid", values.unset)
    to = attempt.get("to")
    if attempt.get("channel") == "whatsapp":
        to = "whatsapp:" + to
        sender = sender if sender is values.unset else "whatsapp:" + sender
    try:
        if case["call"] == "send":
            client.messages.create(to=to, from_=sender, messaging_service_sid=service,
                                   body=attempt["body"],
                                   status_callback=attempt.get("status_url", values.unset),
                                   validity_period=seconds_left(case, attempt))
        elif case["call"] == "lookup":
            client.messages.page(to=to, from_=sender if service is values.unset else values.unset, page_size=50)
        elif "api_key" in lane:
            client.messages.page(page_size=1)
        else:
            client.api.accounts(sid).fetch()
    except Recorded:
        pass
    return recorder.prepared


def write_out(prepared, lane, attempt):
    url = prepared.url.replace(API, lane.get("base_url", API), 1)
    lines = [f"{prepared.method} {url}"]
    lines += [f"{h}: {prepared.headers[h]}" for h in HEADERS if h in prepared.headers]
    if "traceparent" in attempt:
        lines.append(f"traceparent: {attempt['traceparent']}")
    if prepared.body:
        lines += ["", prepared.body]
    return "\n".join(lines)


def meaning(request):
    head, _, body = request.partition("\n\n")
    first, *headers = head.split("\n")
    method, url = first.split(" ", 1)
    parts = urllib.parse.urlsplit(url)
    form = sorted(urllib.parse.parse_qsl(body, keep_blank_values=True))
    query = sorted(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
    return (method, parts.scheme, parts.netloc, parts.path, query, form,
            sorted(h for h in headers if h.startswith(("Authorization:", "Content-Type:", "Accept:"))))


def main():
    check = "--check" in sys.argv[1:]
    paths = sorted(HERE.glob("*.case"))
    made, wrong = 0, []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        s = sections(text)
        if "request" not in s:
            continue
        case, lane, attempt = pairs(s["case"]), pairs(s["lane"]), pairs(s.get("attempt", ""))
        if case["call"] == "send" and attempt.get("code", "").startswith("HX"):
            continue  # newer than this SDK: make_content.mjs
        request = write_out(record(case, lane, attempt), lane, attempt)
        made += 1
        if not check:
            path.write_text(text.replace("[request]\n" + s["request"], "[request]\n" + request, 1), encoding="utf-8")
        elif meaning(request) != meaning(s["request"]):
            wrong.append(f"{path.name}:\n  the SDK:  {meaning(request)}\n  the case: {meaning(s['request'])}")
    print("\n".join(wrong + [f"{made} requests {'compared' if check else 'written'}, {len(wrong)} differ"]))
    return 1 if wrong or not made else 0


sys.exit(main())
