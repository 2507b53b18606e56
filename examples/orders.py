#!/usr/bin/env python3
"""Sends a text for each order of a CSV file with Twilio's own SDK through Hongyan, and follows each to its end.

    source data/quickstart.env
    python3 examples/orders.py examples/orders.csv

Needs Twilio's SDK (Debian: python3-twilio). Exits 0 when every text was delivered.
"""
import csv
import os
import sys
import time

try:
    from twilio.base.exceptions import TwilioRestException
    from twilio.rest import Client
except ImportError:
    sys.exit("this needs Twilio's SDK: apt install python3-twilio (for /usr/bin/python3), or pip install twilio")

TEXT = "{name},您的订单 {order}({item})已完成,请于 {pickup} 到店取餐。"
OPEN = {"accepted", "scheduled", "queued", "sending", "sent"}
PATIENCE_S = 60


def main(path):
    client = Client(os.environ["HONGYAN_ACCOUNT"], os.environ["HONGYAN_AUTH_TOKEN"])
    client.api.base_url = os.environ["HONGYAN_URL"]

    sent, failed = {}, 0
    with open(path, encoding="utf-8", newline="") as file:
        for order in csv.DictReader(file):
            try:
                message = client.messages.create(to=order["phone"], from_="+15005550006", body=TEXT.format(**order))
            except TwilioRestException as error:
                print(f"order {order['order']}: refused, {error.code}: {error.msg}")
                failed += 1
                continue
            sent[message.sid] = order["order"]
            print(f"order {order['order']}: {message.status} as {message.sid}")

    deadline = time.monotonic() + PATIENCE_S
    while sent and time.monotonic() < deadline:
        for sid in list(sent):
            status = client.messages(sid).fetch().status
            if status not in OPEN:
                print(f"order {sent.pop(sid)}: {status}")
                failed += status != "delivered"
        time.sleep(0.2)
    for order in sent.values():
        print(f"order {order}: not finished within {PATIENCE_S} s")
    return 1 if sent or failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "examples/orders.csv"))
