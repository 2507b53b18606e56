"""WhatsApp by Twilio: from the API to the simulated provider and back."""
import json

from harness.gateway import call, until

SENDER = "+15005550006"


def start(make_gateway, **settings):
    return make_gateway(lane={"channel": "whatsapp"}, **settings)


def test_a_message_goes_out_by_whatsapp_and_its_receipt_comes_back(make_gateway):
    g = start(make_gateway)
    sid = g.create(body="hello by WhatsApp", channel="whatsapp")
    m = g.wait(sid, "delivered")
    assert m["to"] == "+14155550123" and m["channel"] == "whatsapp"
    assert [x["from"] for x in g.sim.of("hello by WhatsApp")] == ["whatsapp:" + SENDER]


def test_a_lane_for_whatsapp_carries_no_texts(make_gateway):
    g = start(make_gateway)
    sid = g.create(body="a text")
    g.wait(g.create(body="by WhatsApp", channel="whatsapp"), "delivered")
    m = g.message(sid)
    assert (m["status"], m["reason"]) == ("queued", "no_lane") and not g.sim.of("a text")


def test_an_answer_that_is_lost_is_found_and_not_sent_again(make_gateway):
    g = make_gateway(lane={"channel": "whatsapp", "lookup_after_ms": 500})
    sid = g.create("+15005550101", "lost on the way back", channel="whatsapp")  # its answer never comes (docs/simulator.md)
    g.wait(sid, "delivered", "sent", timeout=30)
    assert [x["times"] for x in g.sim.of("lost on the way back")] == [1]


def test_a_reply_by_whatsapp_is_a_reply_of_its_number(make_gateway):
    g = start(make_gateway)
    g.wait(g.create(body="hello", channel="whatsapp"), "delivered")
    posted = call(g.sim.port, "POST", "/_sim/reply", json.dumps({"from": "whatsapp:+14155550123", "to": "whatsapp:" + SENDER, "body": "yes"}))
    assert posted.status == 200, posted
    reply = until(lambda: [x for x in g.all() if x["status"] == "received"])[0]
    assert (reply["from"], reply["to"], reply["body"]) == ("+14155550123", SENDER, "yes")
