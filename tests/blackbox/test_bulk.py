"""Many messages at once: all arrive, and everybody counts the same."""
import collections
import os
import time

from harness.clients import Clients
from harness.gateway import until

TOTAL, CONNECTIONS = int(os.environ.get("HONGYAN_BULK", "20000")), 16


def test_bulk__20000_messages_are_counted_alike_by_all(make_gateway):
    g = make_gateway()
    begun = time.monotonic()
    with Clients(g, CONNECTIONS, most=TOTAL // CONNECTIONS) as clients:
        clients.join(600)
        accepted_s = time.monotonic() - begun
    total = TOTAL // CONNECTIONS * CONNECTIONS
    assert not clients.wrong and len(clients.accepted) == total
    g.settle(300)
    stats_wanted = {"received": total, "unique": total, "duplicates": 0, "receipts_failed": 0}

    def delivered():
        return g.metrics()['sms_messages_total{state="delivered"}'] == total
    until(delivered, 120, 0.2, told="not all were delivered")
    print("\n%d accepted in %.1f s, delivered in %.1f s" % (total, accepted_s, time.monotonic() - begun))
    stats = g.sim.stats()
    assert {k: stats[k] for k in stats_wanted} == stats_wanted
    assert stats["receipts_ok"] == 2 * total
    assert set(g.sim.times()) == set(clients.accepted)
    metrics = g.metrics()
    assert metrics["sms_accepted_total"] == metrics["sms_sent_total"] == metrics["sms_segments_sent_total"] == total
    for state in ("accepted", "sent", "delivered"):
        assert metrics['sms_messages_total{state="%s"}' % state] == total, state
    assert metrics["sms_receipts_total"] == 2 * total
    assert metrics["sms_outcome_unknown_total"] == metrics["sms_retries_total"] == metrics["sms_backlog"] == 0
    listed = list(g.all())
    assert {m["body"]: m["id"] for m in listed} == clients.accepted and len(listed) == total
    assert collections.Counter(m["status"] for m in listed) == {"delivered": total}
    assert all(m["attempts"] == 1 for m in listed)
