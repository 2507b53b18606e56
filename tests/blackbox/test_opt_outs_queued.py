"""Messages that are queued already honour an opt-out, by whichever way it comes: a keyword, what a provider says, the API, a consent that is withdrawn, files."""
import json
import signal

from harness.gateway import call, until
from test_replies import OWN, QUICK, provider_posts, says


def opt_outs(g):
    """How to opt out, by name: each takes a number that has queued texts."""
    def posts(path, rows, kind="application/json"):
        body = rows if isinstance(rows, bytes) else json.dumps(rows)
        a = call(g.port, "POST", path, body, {**g.bearer, "Content-Type": kind})
        assert a.status in (200, 201), a
        return a

    def command(what, line):
        done = g.run("import", what, "-", "-c", str(g.config), stdin=line.encode())
        assert done.returncode == 0, done.stderr
    at = "2026-01-01T00:00:00Z"
    return {
        "keyword": lambda n: says(g, n, "取消"),
        "keyword by a handset of the simulator": lambda n: g.sim.reply(n, OWN, "N"),
        "provider says STOP": lambda n: provider_posts(g, "SM" + "ab" * 16, n, OWN, "arret s'il vous plait", OptOutType="STOP"),
        "api": lambda n: call(g.port, "PUT", "/v1/suppressions/%2B" + n[1:], "{}", {**g.bearer, "Content-Type": "application/json"}),
        "api, many": lambda n: posts("/v1/suppressions", {"suppressions": [{"number": n}]}),
        "withdrawn": lambda n: posts("/v1/consents", {"number": n, "act": "withdrawn"}),
        "from the console": lambda n: posts("/v1/imports/consents", ("number,act,at,source\n%s,withdrawn,%s,console\n" % (n, at)).encode(), "text/csv"),
        "file of suppressions": lambda n: command("suppressions", n + "\n"),
        "file of consents": lambda n: command("consents", "%s,withdrawn,,%s\n" % (n, at)),
        "suppressions over HTTP": lambda n: posts("/v1/imports/suppressions", (n + "\n").encode(), "text/csv"),
        "everyone's register": lambda n: g.run("import", "suppressions", "-", "--everyone", "-c", str(g.config), stdin=n.encode()),
    }


def test_queued__are_stopped_by_every_way_to_opt_out_and_the_others_go(make_gateway):
    g = make_gateway(lane={**QUICK, "in_flight_max": 1, "rates": ["1/d"]})
    g.wait(g.create(body="the one that may go today"), "delivered")
    ways = opt_outs(g)
    numbers = {way: "+1415555%04d" % i for i, way in enumerate(ways)}
    queued = {way: [g.create(to=n, body="%s %d" % (way, i)) for i in range(2)] for way, n in numbers.items()}
    goes = [g.create(to="+14155559999", body="nobody minds"), g.create(to="+15005550004", body="refused by the provider: 21610")]
    learned = g.create(to="+15005550004", body="to whom the provider has refused one")
    for way, ids in queued.items():
        assert all(g.message(id)["status"] == "queued" for id in ids), way
        ways[way](numbers[way])
        rows = g.get("/v1/suppressions/%2B" + numbers[way][1:]).json["data"]
        assert [r["kind"] for r in rows] == ["opt_out"], (way, rows)
    g.write(lanes=[g.lane("sim", g.provider_url, **QUICK, in_flight_max=1)])
    g.signal(signal.SIGHUP)
    g.wait(goes[0], "delivered")
    for way, ids in queued.items():
        for id in ids:
            m = g.wait(id, "suppressed")
            assert (m["reason"], m["attempts"], g.attempts(id)) == ("opted_out", 0, []), (way, m)
    assert g.wait(goes[1], "failed")["reason"] == "opted_out"
    assert g.wait(learned, "suppressed")["reason"] == "opted_out"
    until(lambda: not g.pending())
    texts = set(g.sim.times())
    assert "nobody minds" in texts and not [t for t in texts if any(t.startswith(way) for way in ways)], texts
