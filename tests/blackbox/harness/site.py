"""A whole installation in a network of its own: three gateways, PostgreSQL, Redis, RabbitMQ and a provider, each a host with its own
address and each to be killed, slowed, set wrong or cut off from any other; and the load on it, which keeps what it was promised."""
import collections
import concurrent.futures
import contextlib
import http.client
import json
import os
import random
import secrets
import shutil
import tempfile
import threading
import time
import urllib.parse

import pika

from harness import rabbit
from harness.clients import Client, Clients
from harness.cluster import LEASE_MS, Balancer, Cluster
from harness.endpoint import Endpoint, Hooks
from harness.gateway import after, until
from harness.nodes import last_said
from harness.rabbit import Rabbit
from harness.redis_server import RedisServer
from harness.shim import ShiftedClock, SlowDisk
from postgres import Postgres, ask

EXCHANGE, QUEUE, TOLD = "sms.events", "sms", "told"
RATE = 30  # a second, of the account by HTTP and doors
QUOTA = 10  # a day, of the second lane
HOT = "+447911123456"  # goes by the second lane
CAP = 2  # a day, of news to one number
OWN = "+15005550006"  # the number that texts of handsets come to


class Site(Cluster):
    def __init__(self, made, network, folder, lane, profile, n=3):
        self.network, self.open = network, contextlib.ExitStack()
        hosts = self.hosts = {name: network.host(name) for name in ("postgres", "redis", "rabbit", "provider", "spare", *("n%d" % i for i in range(n)))}
        shims = tempfile.mkdtemp(prefix="hongyan-site-")
        self.open.callback(shutil.rmtree, shims, True)
        self.disk, self.database_clock = self.shim(shims, SlowDisk, "disk"), self.shim(shims, ShiftedClock, "database-clock")
        shims_of_database = {**self.disk.env, **self.database_clock.env,
                             "LD_PRELOAD": "%s:%s" % (self.disk.env["LD_PRELOAD"], self.database_clock.env["LD_PRELOAD"])}
        self.rabbit = Rabbit(folder / "rabbit", host=hosts["rabbit"].address, wrapper=hosts["rabbit"].wrapper)
        self.rabbit.launch()  # it takes its time
        self.open.callback(self.rabbit.stop)
        self.redis = RedisServer(host=hosts["redis"].address, wrapper=hosts["redis"].wrapper)
        self.open.callback(self.redis.close)
        self.postgres = self.open.enter_context(Postgres(
            port=5432, host=hosts["postgres"].address, network="10.77.0.0/24",
            wrapper=[*hosts["postgres"].wrapper, "env", *("%s=%s" % kv for kv in shims_of_database.items())]))
        self.sim, self.spare = (made.simulator(profile=profile, host=hosts[name].address, wrapper=hosts[name].wrapper) for name in ("provider", "spare"))
        self.balancer = Balancer(network.hub.address)
        self.open.callback(self.balancer.close)
        self.sim.profile({"inbound_url": self.balancer.url + "/hooks/sim/inbound"})
        self.endpoint = Endpoint(host=network.hub.address)
        self.open.callback(self.endpoint.close)
        self.clocks, self.holds = [], 0
        self.make_nodes(made, n, shims, lane)

    @staticmethod
    def shim(folder, kind, name):
        """In a folder that the database's user may read, too."""
        os.chmod(folder, 0o755)
        path = os.path.join(folder, name)
        os.mkdir(path)
        return kind(path)

    def make_nodes(self, made, n, shims, lane):
        self.database = urllib.parse.urlsplit(self.postgres.new_database()).path.strip("/")
        database = "postgres://hongyan@%s:5432/%s" % (self.hosts["postgres"].address, self.database)
        key = secrets.token_hex(32)
        url = self.sim.url
        hours = 12 - time.gmtime().tm_hour
        zone = "Etc/GMT%+d" % -hours if hours else "UTC"  # about noon: no midnight, also by clocks that are an hour wrong
        self.nodes = []
        for i in range(n):
            host = self.hosts["n%d" % i]
            clock = self.shim(shims, ShiftedClock, "clock%d" % i)
            self.clocks.append(clock)
            env = {"HONGYAN_MASTER_KEY": key, "DOOR_PASSWORD": rabbit.PASSWORD, **clock.env}
            self.nodes.append(made.gateway(
                provider_url=url, env=env, lane=lane, where={"host": host.address, "port": 8080, "wrapper": host.wrapper},
                database=database, public_url=self.balancer.url, node={"name": host.name, "shared": "yes", "lease_ms": LEASE_MS},
                retry={"first_ms": 100}, redis={"url": self.redis.url, "nodes_expected": n},
                limits={"rates": ["%d/s per account" % RATE], "caps": ["%d/1d for topic=news" % CAP]}, replies={"answer": False},
                routes=[{"name": "hot", "prefix": [HOT], "lanes": ["small"]}, {"name": "all", "lanes": ["sim", "spare"]}],
                webhooks={"allow_http": True, "allow_private": True, "timeout_ms": 2000},
                doors=[self.rabbit.door(QUEUE), self.rabbit.door(EXCHANGE, name=TOLD, direction="out", events=["message.*"])]))
            g = self.nodes[-1]
            g.sim = self.sim
            g.write(lanes=[*g.settings["lanes"], g.lane("spare", self.spare.url, **lane),
                           g.lane("small", url, **{**lane, "time_zone": zone, "quota": {"day": QUOTA}})])
        self.balancer.ports = [g.place for g in self.nodes]

    def start(self):
        first = self.nodes[0]
        first.make_key()
        for g in self.nodes:
            g.key, g.account, g.auth_token = first.key, first.account, first.auth_token
        self.rabbit.wait_ready()
        self.listen()
        super().start()
        Hooks(first, first.create_key(scopes="send,read,admin")["key"]).create(self.endpoint.url, events=["message.*"])
        return self

    def listen(self):
        """A queue for what the gateways tell."""
        channel = self.rabbit.connect().channel()
        channel.exchange_declare(EXCHANGE, "topic", durable=True)
        channel.queue_declare("heard", durable=True)
        channel.queue_bind("heard", EXCHANGE, "#")
        channel.connection.close()

    def hear(self):
        """What of it has come, in the order it came in."""
        found, connection = [], self.rabbit.connect()
        for method, properties, body in connection.channel().consume("heard", auto_ack=True, inactivity_timeout=0.5):
            if not method:
                connection.close()
                return found
            found.append(Told(properties.message_id, properties.type, json.loads(body)["data"]))

    def received(self):
        """How often each text came to the providers."""
        return self.sim.times() + self.spare.times()

    def begun(self):
        """When each text came to a provider first, in UTC."""
        seen = {}
        for sim in (self.sim, self.spare):
            for m in sim.all():
                seen[m["body"]] = min(m["first_at"], seen.get(m["body"], m["first_at"]))
        return seen

    @staticmethod
    def send(g, **fields):
        """Its id, or None where it was not taken or nobody knows."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            for _ in range(60):
                a = g.send(timeout=4, **fields)
                if a.status != 429:
                    return a.json["id"] if a.status == 202 else None
                time.sleep(0.05)
        return None

    def hold(self, g, n=3):
        """Texts that node will have to send in some seconds, or None where it takes none; their number."""
        self.holds += 1
        number = "+1707%07d" % (2000000 + self.holds)
        taken = [self.send(g, to=number, body="held %d of %d" % (i, self.holds), send_at=after(5)) for i in range(n)]
        return number if all(taken) else None

    def resumed(self, number, but, n=3):
        """The others send what that one had for that number."""
        began = time.monotonic()

        def there():
            self.revive(but)
            return sum(len(s.messages(to=number)) for s in (self.sim, self.spare)) >= n
        until(there, 4 * LEASE_MS / 1000, told="what a killed node had is not resumed")
        print("what a killed node had was sent %.1f s after its end" % (time.monotonic() - began))

    def settle(self, timeout=120):
        super().settle(timeout)

        def silent():
            stats = self.spare.stats()
            return stats["receipts_pending"] == stats["in_flight"] == 0
        until(silent, 30, told="receipts are still to come")

    def stored(self, like):
        return int(ask(self.postgres.url(self.database), "SELECT count(*) FROM message WHERE body LIKE '%s'" % like)[0][0])

    def dead_letters(self):
        channel = self.rabbit.connect().channel()
        count = channel.queue_declare(QUEUE + ".dead", durable=True, passive=True).method.message_count
        channel.connection.close()
        return count

    def revive(self, but=None):
        """What service managers do: one that cannot reach what it needs is started again, and again."""
        for g in self.nodes:
            if g is but or g.process.poll() is None:
                continue
            assert g.process.returncode in (0, 1, 69, 75, -9), (g.process.returncode, g.log()[-3000:])
            g.launch()
        time.sleep(0.2)

    def well(self, timeout=90):
        """All is reachable again, and all work together."""
        def there():
            self.revive()
            return all(ready(g) for g in self.nodes) and all("shared.together" in last_said(g) for g in self.nodes)
        until(there, timeout, told="the nodes do not come back")

    def close(self):
        for g in self.nodes:
            g.end()
        self.sim.stop()
        self.open.close()


def ready(g):
    try:
        return g.process.poll() is None and g.get("/readyz", timeout=2).status == 200
    except OSError:
        return False


Told = collections.namedtuple("Told", "id type data")


class Steady(Client):
    """Posts some texts a second, and repeats one to another node than the one that did not answer; a refusal for its rate is no answer. Keeps
    between which moments each was taken, and before when some may not be sent."""

    def __init__(self, nodes, gateway, number, pause):
        super().__init__(gateway, number)
        self.nodes, self.pause, self.taken, self.limited, self.not_before = nodes, pause, [], 0, {}

    def more(self, text):
        if self.dice.random() >= 0.1:
            return {}
        self.not_before[text] = after(self.dice.choice([3, 6]))
        return {"send_at": self.not_before[text]}

    def one(self, text):
        super().one(text)
        time.sleep(self.pause)

    def post(self, body, key):
        while True:
            begun = time.monotonic()
            try:
                status, answer = super().post(body, key)
            except (OSError, http.client.HTTPException):
                self.gateway = self.dice.choice(self.nodes)
                raise
            if status == 202:
                self.taken.append((begun, time.monotonic()))
            if status != 429 or self.stopping:
                return (503, answer) if status == 429 else (status, answer)
            self.limited += 1
            time.sleep(0.05)


class Hot(threading.Thread):
    """Texts by the lane with a quota, to any node; most of them can never go."""

    def __init__(self, site):
        super().__init__(daemon=True)
        self.site, self.stopping, self.serial = site, False, 0

    def run(self):
        while not self.stopping:
            g = self.site.nodes[self.serial % len(self.site.nodes)]
            self.serial += 1
            with contextlib.suppress(OSError):
                g.send(to=HOT, body="hot %d" % self.serial, validity_s=5, timeout=3)
            time.sleep(0.3)


class Promises(threading.Thread):
    """What a caller was told and relies on, whichever node is asked next: a number that opted out gets nothing, what was canceled is not
    sent, and no number gets more than the cap. Texts `never N`, `withdrawn N`, `news N of GROUP`."""

    def __init__(self, site):
        super().__init__(daemon=True)
        self.site, self.stopping, self.serial = site, False, 0
        self.never, self.canceled = set(), set()  # ids of those that were taken
        self.dice, self.pool = random.Random(99), concurrent.futures.ThreadPoolExecutor(len(site.nodes))

    def run(self):
        while not self.stopping:
            self.serial += 1
            for act in (self.opt_out, self.cancel, self.cap):
                with contextlib.suppress(OSError, http.client.HTTPException):
                    act(self.serial)
            time.sleep(0.3)

    def opt_out(self, n):
        number = "+1628%07d" % (2000000 + n)
        if self.site.sim.reply(number, OWN, "STOP").get("http_status") == 200:
            sid = self.site.send(self.dice.choice(self.site.nodes), to=number, body="never %d" % n)
            self.never |= {sid} - {None}

    def cancel(self, n):
        sid = self.site.send(self.dice.choice(self.site.nodes), body="withdrawn %d" % n, send_at=after(self.dice.choice([3, 6])))
        if sid:
            time.sleep(self.dice.choice([0, 1]))
            if self.dice.choice(self.site.nodes).post("/v1/messages/%s/cancel" % sid, b"", timeout=8).status == 200:
                self.canceled.add(sid)

    def cap(self, n):
        """One more than may come, at the same time."""
        asked = [self.pool.submit(self.site.send, self.site.nodes[i % len(self.site.nodes)], to="+1650%07d" % (2000000 + n), topic="news",
                                  body="news %d of %d" % (i, n)) for i in range(CAP + 1)]
        concurrent.futures.wait(asked)


class Producer(threading.Thread):
    """Puts texts into the queue, and keeps those that the broker has confirmed. What was not confirmed it puts again, under the same
    id, as a good producer does."""

    def __init__(self, site, pause):
        super().__init__(daemon=True)
        self.site, self.pause, self.stopping, self.put = site, pause, False, []

    def run(self):
        channel, serial = None, 0
        while not self.stopping:
            text = "entry %d" % serial
            try:
                if not channel:
                    channel = self.site.rabbit.connect().channel()
                    channel.confirm_delivery()
                channel.basic_publish("", QUEUE, json.dumps({"to": "+1415%07d" % (2000000 + serial), "body": text}),
                                      pika.BasicProperties(message_id="m%d" % serial, delivery_mode=2), mandatory=True)
            except (pika.exceptions.AMQPError, OSError):
                channel = None
                time.sleep(0.2)
                continue
            self.put.append(text)
            serial += 1
            time.sleep(self.pause)


class Load(Clients):
    def __init__(self, site, each=2, pause=0.05):
        self.site = site
        self.all = [Steady(site.nodes, g, 10 * i + k, pause) for i, g in enumerate(site.nodes) for k in range(each)]
        self.hot, self.producer, self.promises = Hot(site), Producer(site, 4 * pause), Promises(site)
        self.others = self.hot, self.producer, self.promises

    def __enter__(self):
        for t in self.others:
            t.start()
        return super().__enter__()

    def stop(self):
        for t in self.others:
            t.stopping = True
        super().stop()
        for t in self.others:
            t.join(60)

    def limited(self):
        return sum(c.limited for c in self.all)

    @property
    def not_before(self):
        return {text: at for c in self.all for text, at in c.not_before.items()}

    def fullest(self, since=0, interval=1.0):
        """The most that were surely taken within any interval of that many seconds."""
        taken = sorted(x for c in self.all for x in c.taken if x[0] >= since)
        return max((sum(done <= begun + interval for _, done in taken[i:i + 20 * RATE]) for i, (begun, _) in enumerate(taken)), default=0)

