"""A restaurant's reservations, told to the gateway as events; its rules write the texts. Python's own library only.

    reservations.py book ID NAME PHONE PEOPLE 2027-01-20T19:00:00+08:00 [LANGUAGE]
    reservations.py move ID NAME PHONE PEOPLE 2027-01-21T20:00:00+08:00 [LANGUAGE]
    reservations.py cancel ID
"""
import json
import os
import sys
import urllib.request

STAFF = os.environ.get("STAFF", "+14155550101,+14155550102").split(",")
TYPES = {"book": "booking.created", "move": "booking.changed", "cancel": "booking.cancelled"}


def tell(type, data, event_id):
    """The same event_id may be told again: it is done once."""
    request = urllib.request.Request(
        os.environ["HONGYAN_URL"] + "/v1/events", json.dumps({"type": type, "id": event_id, "source": "reservations", "data": data}).encode(),
        {"Authorization": "Bearer " + os.environ["HONGYAN_KEY"], "Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


verb, booking = sys.argv[1:3]
data = {"booking_id": booking, "staff": STAFF}
if verb != "cancel":
    name, phone, people, start = sys.argv[3:7]
    data |= {"name": name, "phone": phone, "people": int(people), "start_at": start, "when": start[11:16],
             "language": sys.argv[7] if len(sys.argv) > 7 else "en"}
told = tell(TYPES[verb], data, "%s-%s-%s" % (booking, verb, data.get("start_at", "")))
for outcome in told["outcomes"]:
    print(outcome["rule"], outcome["did"], outcome["message_id"] or "", outcome["detail"] or "")
