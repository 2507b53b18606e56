"""Receipts that never come: the provider is asked, a few times, and what it says settles the message like a receipt would."""
from harness.gateway import until

QUICK = {"lookup_after_ms": 300, "receipt_poll_after_s": 1}


def polls(g):
    m = g.metrics()
    return m["sms_receipt_polls_total"], m["sms_receipt_polls_found_total"]


def test_poll__a_message_whose_receipt_is_lost_is_delivered_all_the_same(make_gateway):
    g = make_gateway(lane=QUICK, public_url="")  # nobody can post receipts
    sids = [g.create(to="+1415555%04d" % i, body="text %d" % i) for i in range(5)]
    for sid in sids:
        m = g.wait(sid, "delivered")
        assert (m["attempts"], m["due_at"]) == (1, None) and m["done_at"], m
        assert g.moves(sid)[-2:] == ["sent", "delivered"]
    asked, found = polls(g)
    assert found == 5 and 5 <= asked <= 20
    assert g.sim.stats()["received"] == 5


def test_poll__is_made_a_few_times_only_and_not_begun_anew_by_a_kill(make_gateway):
    g = make_gateway(lane={**QUICK, "receipt_poll_after_s": 3, "receipt_polls_max": 2})
    sid = g.create(to="+15005550106")  # stays `sent` for ever
    m = g.wait(sid, "sent")
    assert (m["waiting_for"], m["expected_is"]) == ("receipt", "latest")
    until(lambda: polls(g)[0] >= 1)
    g.kill9()
    g.start()
    until(lambda: polls(g)[0] == 1, told="the second question")
    m = until(lambda: (lambda m: m["due_at"] > m["sent_at"] and m["status"] == "sent" and m)(g.message(sid)))
    g.wait(g.create(), "delivered")
    assert polls(g) == (1, 0) and g.sim.stats()["received"] == 2  # one before the kill, one after


def test_poll__they_hold_to_their_own_rate_and_leave_the_lane_to_texts(make_gateway):
    g = make_gateway(lane={**QUICK, "receipt_polls_per_minute": 3}, public_url="")
    sids = [g.create(to="+1415555%04d" % i, body="text %d" % i) for i in range(12)]
    until(lambda: polls(g)[0] == 3)
    g.wait(g.create(body="goes at once"), "sent")
    assert polls(g)[0] == 3 and sum(g.message(s)["status"] == "delivered" for s in sids) <= 3
