"""Several gateways, nodes, on one database, behind one address, with one provider. Connections to that address go to the nodes in
turn, so most receipts come to a node that does not own their message."""
import itertools
import json
import os
import secrets
import socket
import threading

from harness.clients import Client, Clients
from harness.gateway import new_database, until

LEASE_MS = 5000  # where a node is to be taken over
STEADY = {"node": {"lease_ms": 60000}}  # where none is: a busy machine may hold up any of them for longer than that


class Balancer:
    """A port whose connections go to the next of these ports (of loopback, or with their address) that takes them."""

    def __init__(self, host="127.0.0.1"):
        self.listener = socket.create_server((host, 0), backlog=512)
        self.url = "http://%s:%d" % self.listener.getsockname()
        self.ports, self.turn = [], itertools.count()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(near,), daemon=True).start()

    def serve(self, near):
        for _ in range(2 * len(self.ports)):
            try:
                port = self.ports[next(self.turn) % len(self.ports)]
                far = socket.create_connection(port if isinstance(port, tuple) else ("127.0.0.1", port), 2)
                break
            except OSError:
                continue
        else:
            near.close()
            return
        far.settimeout(None)
        threading.Thread(target=self.pump, args=(near, far), daemon=True).start()
        self.pump(far, near)

    @staticmethod
    def pump(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


class Cluster:
    def __init__(self, made, folder, n=3, database=None, profile=None, lane=None, env=None, **settings):
        self.sim = made.simulator(profile=profile)
        server = os.environ.get("HONGYAN_TEST_DATABASE")
        self.database = database or (new_database(server) if server else "sqlite:%s" % (folder / "shared.db"))
        env = {"HONGYAN_MASTER_KEY": secrets.token_hex(32), **(env or {})}
        settings.setdefault("retry", {"first_ms": 100})
        node = {"shared": "yes", "lease_ms": LEASE_MS, **settings.pop("node", {})}
        self.nodes = [made.gateway(provider_url=self.sim.url, lane=lane, env=env, database=self.database,
                                   node={"name": "n%d" % i, **node}, **settings)
                      for i in range(n)]
        self.balancer = Balancer()
        self.balancer.ports = [g.port for g in self.nodes]
        for g in self.nodes:
            g.sim = self.sim
            g.write(public_url=self.balancer.url)
        self.nodes[0].make_key()
        for g in self.nodes:
            g.key, g.account, g.auth_token = self.nodes[0].key, self.nodes[0].account, self.nodes[0].auth_token

    def start(self):
        for g in self.nodes:
            g.start()
        return self

    def listed(self, g=None, *more):
        g = g or self.nodes[0]
        done = g.run("nodes", "-c", str(g.config), "--json", *more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def id_of(self, i):
        """Which node it was at its latest start."""
        return int(self.nodes[i].log().rsplit("event=node.joined node=", 1)[1].split()[0])

    def alive(self):
        return [n for n in self.listed() if n["state"] == "alive"]

    def settle(self, timeout=120):
        self.nodes[0].settle(timeout)

    def revive(self):
        """What its service manager does. A loaded machine may hold up any node for longer than its lease."""
        for g in self.nodes:
            if g.process and g.process.poll() is not None:
                self.ended_for_its_lease(g)
                g.start()

    def some_more(self, clients, dice, least=40, most=150):
        """A random moment, counted in messages."""
        target = clients.count() + dice.randint(least, most)

        def there():
            self.revive()
            return clients.count() >= target
        until(there, 120)

    def ended_for_its_lease(self, g, timeout=20):
        """The process ends by itself, and says why."""
        until(lambda: g.process.poll() is not None, timeout, told="a node that was taken over does not end")
        assert g.process.returncode not in (0, -6, -11), g.process.returncode
        assert "has taken over the work of node" in g.log()[-3000:]


class Crowd(Clients):
    """Clients of every node."""

    def __init__(self, cluster, each=2, most=None):
        self.all = [Client(g, 10 * i + k, most) for i, g in enumerate(cluster.nodes) for k in range(each)]
