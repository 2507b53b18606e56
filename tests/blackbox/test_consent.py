"""The suppression list as an application and an operator meet it: what a provider's refusal teaches, opt-outs, blocks, lists."""
import pytest

QUICK = {"lookup_after_ms": 300}
LI = "+8613800138000"


# ---- what providers teach ----

@pytest.mark.parametrize("to, reason", [("+15005550004", "opted_out"), ("+15005550009", "known_invalid"), ("+15005550001", "known_invalid")])
def test_refusal__of_the_provider_stops_the_next_message(make_gateway, to, reason):
    g = make_gateway(lane=QUICK)
    g.wait(g.create(to=to, body="one"), "failed")
    second = g.create(to=to, body="two")
    m = g.message(second)
    assert (m["status"], m["reason"], m["attempts"]) == ("suppressed", reason, 0), m
    assert [e["status"] for e in g.events(second)] == ["accepted", "suppressed"]
    assert g.sim.stats()["rejected"] == 1
    g.wait(g.create(to=LI, body="three"), "delivered")
    assert 'sms_messages_total{state="suppressed"} 1' in g.get("/metrics").body.decode()


def test_refusal__for_another_reason_stops_nothing(make_gateway):
    g = make_gateway(lane=QUICK)
    for body in ("one", "two"):
        assert g.wait(g.create(to="+15005550002", body=body), "failed")["reason"] == "unreachable"
