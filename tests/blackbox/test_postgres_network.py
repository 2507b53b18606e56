"""PostgreSQL over the network: TLS that checks whose server it is, and a standby that takes over under load with nothing lost or sent
twice (HONGYAN_LONG=1: again and again, a new standby made each time)."""
import os
import random
import subprocess

import pytest

from harness.clients import Clients
from harness.cluster import Balancer
from harness.gateway import until
from harness.hostile_gateway import free_port
from postgres import Postgres, Standby, ask
from test_kill import BAD_DAY, LANE, Story, after_some_more, check_nothing_lost_or_doubled

TIMES = 6 if os.environ.get("HONGYAN_LONG") else 1


def authority(folder, name):
    """A CA of its own; (certificate, key)."""
    pem, key = folder / (name + ".pem"), folder / (name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=" + name,
                    "-keyout", key, "-out", pem], check=True, capture_output=True)
    return pem, key


def give_certificate(server, folder, ca):
    """The server has one for localhost, signed by that CA, and offers TLS from now on."""
    wish, key, pem, names = [folder / ("server." + end) for end in ("csr", "key", "crt", "ext")]
    names.write_text("subjectAltName=DNS:localhost\n")
    subprocess.run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", wish],
                   check=True, capture_output=True)
    subprocess.run(["openssl", "x509", "-req", "-in", wish, "-CA", ca[0], "-CAkey", ca[1], "-CAcreateserial", "-days", "2", "-extfile", names, "-out", pem],
                   check=True, capture_output=True)
    for path in (key, pem):
        server.take(path)
    ask(server.url(), "ALTER SYSTEM SET ssl=on")
    ask(server.url(), "SELECT pg_reload_conf()")


def synchronous(server, names):
    """What is committed there is on disk at these, too."""
    ask(server.url(), "ALTER SYSTEM SET synchronous_standby_names='%s'" % names)
    ask(server.url(), "SELECT pg_reload_conf()")


class Turnstile(Balancer):
    """Lets so many connections through to a server, and refuses all after them."""

    def __init__(self, port):
        super().__init__()
        self.ports, self.passed, self.refused, self.most = [port], 0, 0, None

    def serve(self, near):
        if self.most is not None and self.passed >= self.most:
            self.refused += 1
            near.close()
            return
        self.passed += 1
        super().serve(near)


def doctor(g):
    done = g.run("doctor", "-c", str(g.config), env={"LC_ALL": "C"})
    return next(line for line in done.stdout.decode().splitlines() if line[6:].startswith("database"))


def test_tls__is_checked_and_a_strange_certificate_name_or_plain_server_is_refused(make_gateway, tmp_path):
    ours, others = authority(tmp_path, "ours"), authority(tmp_path, "others")
    with Postgres(port=free_port()) as server:
        ask(server.url(), "CREATE DATABASE shop")
        url = "postgres://hongyan@%s:%d/shop?sslmode=verify-full&sslrootcert=%s"
        good = url % ("localhost", server.port, ours[0])
        g = make_gateway.gateway(database=good)
        assert "FAIL" in doctor(g) and "server does not support SSL" in doctor(g)
        give_certificate(server, tmp_path, ours)
        until(lambda: "ok" in doctor(g), 30, told="doctor does not find the database")
        g.start()
        g.wait(g.create(body="by TLS"), "delivered")
        assert ask(server.url(), "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname='shop'") == [["t"]]
        g.term()
        for wrong, says in ((url % ("localhost", server.port, others[0]), "certificate verify failed"),
                            (url % ("127.0.0.1", server.port, ours[0]), "does not match host name \"127.0.0.1\"")):
            g.write(database=wrong)
            assert doctor(g).startswith("FAIL") and says in doctor(g)
            g.launch()
            assert g.process.wait(60) == 69
            assert says in g.log().splitlines()[-1], g.log()[-2000:]
        g.process = None


@pytest.mark.skipif(TIMES == 1, reason="a standby takes over: HONGYAN_LONG=1")
def test_fail_over__to_a_synchronous_standby_loses_and_doubles_nothing(make_gateway, tmp_path):
    dice = random.Random(13)
    with Postgres() as first:
        ask(first.url(), "CREATE DATABASE shop")
        servers = [first, Standby(first)]
        synchronous(first, "*")
        g = make_gateway(profile=BAD_DAY, lane=LANE, retry={"first_ms": 100}, database=Standby.url_of(servers, "shop"))
        try:
            with Clients(g, 6) as clients:
                for i in range(TIMES):
                    after_some_more(clients, dice)
                    servers[0].stop("immediate")
                    servers[1].promote()
                    synchronous(servers[1], "")
                    after_some_more(clients, dice)
                    if i % 2:
                        g.kill9()
                    servers[0].follow(servers[1])
                    synchronous(servers[1], "*")
                    servers.reverse()
                    if i % 2:
                        g.start()
                after_some_more(clients, dice)
            g.settle(180)
            story = Story(g, clients.accepted)
            story.summary(TIMES, clients)
            check_nothing_lost_or_doubled(g, clients, story, g.sim.times())
        finally:
            for s in servers:
                if s is not first:
                    s.close()


def test_server__that_goes_away_just_after_the_start_is_waited_for_by_all_threads(make_gateway):
    port = free_port()
    with Postgres(port=port) as server:
        ask(server.url(), "CREATE DATABASE shop")
        gate = Turnstile(port)
        g = make_gateway.gateway(database="postgres://hongyan@127.0.0.1:%s/shop" % gate.url.rsplit(":", 1)[1])
        g.make_key()
        before = gate.passed
        g.start()
        g.wait(g.create(body="all is there"), "delivered")
        used = gate.passed - before  # the last two: the sender's and the checkpoint's, from threads of their own
        g.kill9()
        gate.passed, gate.most = 0, used - 2
        g.start()
        until(lambda: gate.refused > 4, told="nobody asks any more: %d connections had been let through" % used)
        assert g.process.poll() is None, g.log()[-2000:]
        gate.most = None
        g.wait(g.create(body="there again"), "delivered", timeout=30)
        assert g.term() == 0
        gate.close()
