"""The program and its provider as a caller meets them: what the hostile tests' bare versions do, plus the words of the
native API (create, wait, cancel, list) and of an operator's day (kill, drain, start again)."""
import collections
import json
import os
import signal
import time
import urllib.parse

from harness import hostile_gateway
from postgres import new_database
from harness.hostile_gateway import SLOW, call, until

OPEN = ("accepted", "scheduled", "queued", "sending", "unknown")
DONE = ("delivered", "undelivered", "failed", "expired", "canceled", "suppressed")


class Simulator(hostile_gateway.Simulator):
    """`hongyan simulator`: the provider. start() brings it back on the same port, having forgotten everything."""

    def __init__(self, port=0, profile=None, **where):
        super().__init__(port, profile, **where)
        self.first_profile, self.where = profile, where

    def start(self):
        super().__init__(self.port, self.first_profile, **self.where)
        return self

    def reset(self):
        assert call(self.place, "POST", "/_sim/reset", "{}").status == 200

    def reply(self, sender, to, body):
        """A text from a handset; what came of posting it to the gateway."""
        return call(self.place, "POST", "/_sim/reply", json.dumps({"from": sender, "to": to, "body": body})).json

    def of(self, body):
        """What was recorded with that text: a list, one for each recipient."""
        return [m for m in self.messages() if m["body"] == body]

    def times(self):
        """How often each text was recorded, over all of them."""
        counted = collections.Counter()
        for m in self.all():
            counted[m["body"]] += m["times"]
        return counted

    def all(self):
        """What was recorded, newest first."""
        before = None
        while True:
            query = "?limit=100000" + ("&before=%d" % before if before else "")
            page = call(self.place, "GET", "/_sim/messages" + query, timeout=60).json
            if not page:
                return
            yield from page
            before = page[-1]["seq"]


class Gateway(hostile_gateway.Gateway):
    """One `hongyan serve` with a data folder, a port and a settings file of its own; restarts keep them."""

    # ---- life ----

    def wait_ready(self, timeout=30):
        until(self.ready, timeout, told="the gateway does not become ready")
        return self

    def ready(self):
        try:
            return call(self.place, "GET", "/readyz", timeout=2).status == 200
        except OSError:
            assert self.process.poll() is None, "the gateway ended with %s: %s" % (self.process.returncode,
                                                                                   self.log()[-3000:])
            return False

    def start(self, wrapper=None):
        super().start(wrapper)
        return self.wait_ready()

    def kill9(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def pause(self):
        """SIGSTOP, and all its threads are stopped."""
        self.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def holds_a_lock(self):
        """For writing, on a file of which others may wait: SQLite's."""
        with open("/proc/locks", encoding="ascii") as locks:
            rows = [line.split() for line in locks]
        return any(row[1] == "POSIX" and row[3:5] == ["WRITE", str(self.process.pid)] for row in rows)

    def term(self, timeout=60):
        """SIGTERM, and what it ended with."""
        return self.stop(timeout)

    def create_key(self, account="default", scopes="send,read"):
        """{"account", "auth_token", "sid", "key"}"""
        made = self.run("key", "create", "-c", str(self.config), "--account", account, "--scopes", scopes, "--json")
        assert made.returncode == 0, made.stderr
        return json.loads(made.stdout)

    def revoke(self, key_sid):
        done = self.run("key", "revoke", "-c", str(self.config), key_sid)
        assert done.returncode == 0, done.stderr

    @property
    def settings_file(self):
        return str(self.config)

    @property
    def sim_url(self):
        return self.provider_url

    # ---- the native API ----

    def create(self, to="+14155550123", body="hello", **more):
        """A message that must be accepted; its id."""
        fields = {"to": to, "body": body, **more}
        headers = fields.pop("headers", None)
        a = self.post("/v1/messages", {k: v for k, v in fields.items() if v is not None}, headers)
        assert a.status == 202, a
        assert a.headers["location"] == "/v1/messages/" + a.json["id"]
        return a.json["id"]

    def wait(self, sid, *states, timeout=30):
        """The message once it is in one of these states; a failure that shows it when it ends in another."""
        def there():
            m = self.message(sid)
            assert m["status"] in states or m["status"] not in DONE, (m, self.events(sid))
            return m if m["status"] in states else None
        return until(there, timeout, told="%s does not become %s" % (sid, " or ".join(states)))

    def events(self, sid):
        a = self.get("/v1/messages/%s/events" % sid)
        assert a.status == 200, a
        return a.json["data"]

    def moves(self, sid):
        """The states it went through. A message that came before the queue was read after a start waits a moment in `queued`; that
        wait is left out."""
        moves = [e["status"] for e in self.events(sid) if not e["note"]]
        return moves[:1] + moves[2:] if moves[:3] == ["accepted", "queued", "sending"] else moves

    def attempts(self, sid):
        a = self.get("/v1/messages/%s/attempts" % sid)
        assert a.status == 200, a
        return a.json["data"]

    def cancel(self, sid, headers=None):
        return self.post("/v1/messages/%s/cancel" % sid, b"", headers)

    def page(self, **query):
        a = self.get("/v1/messages?" + urllib.parse.urlencode(query), timeout=60)
        assert a.status == 200, a
        return a.json

    def all(self, **query):
        """Every message that the filters let through, page by page, newest first."""
        query.setdefault("limit", 1000)
        while True:
            page = self.page(**query)
            yield from page["data"]
            if not page["next_cursor"]:
                return
            query["cursor"] = page["next_cursor"]

    def pending(self):
        """How many messages are not finished; a state that has more than a page counts as that."""
        return sum(len(self.page(status=s, limit=1000)["data"]) for s in OPEN)

    def settle(self, timeout=90):
        """Until nothing is open, and no receipt is to come."""
        def open_still():
            found = [m for s in OPEN for m in self.page(status=s, limit=10)["data"]][:5]
            return "messages stay open: %s" % [(m, self.events(m["id"])) for m in found]
        until(lambda: self.pending() == 0, timeout, 0.2, told=open_still)

        def silent():
            stats = self.sim.stats()
            return stats["receipts_pending"] == stats["in_flight"] == 0
        until(silent, 30, told="receipts are still to come")


class Made:
    """Makes gateways and providers for one test, ends them with it, and keeps what they logged."""

    def __init__(self, folder):
        self.folder, self.gateways, self.simulators = folder, [], []

    def simulator(self, **how):
        self.simulators.append(Simulator(**how))
        return self.simulators[-1]

    def gateway(self, profile=None, lane=None, provider_url=None, env=None, where=None, **settings):
        """Not running yet. profile: the provider's; lane: keys of the one lane; where: host, port, wrapper; settings: keys of the file's top level."""
        sim = None if provider_url else self.simulator(profile=profile)
        url = provider_url or sim.url
        folder = self.folder / ("gateway%d" % len(self.gateways))
        settings.setdefault("callbacks", {"allow_private": True})
        if "HONGYAN_TEST_DATABASE" in os.environ: # a PostgreSQL server: each gateway has a database there
            settings.setdefault("database", new_database(os.environ["HONGYAN_TEST_DATABASE"]))
        g = Gateway(folder, url, settings, env=env, **(where or {}), lanes=[Gateway.lane("sim", url, **(lane or {}))])
        g.sim = sim
        self.gateways.append(g)
        if sim:
            call(sim.port, "POST", "/_sim/profile", json.dumps({"inbound_url": g.url + "/hooks/sim/inbound"}))
        return g

    def __call__(self, **how):
        return self.gateway(**how).start()

    def logs(self):
        return "\n".join("%s\n%s" % (g.log_path, g.log()[-6000:]) for g in self.gateways)

    def check(self):
        """No gateway died by itself, or saw a bug of its own."""
        for g in self.gateways:
            code = g.process.poll() if g.process else None
            assert code in (None, 0, -signal.SIGKILL), "ended with %s: %s" % (code, g.log()[-3000:])
            for word in ("Sanitizer", "runtime error:", "BUG:"):
                assert word not in g.log(), g.log()[-5000:]

    def close(self):
        for g in self.gateways:
            g.end()
        for s in self.simulators:
            s.stop()


def after(seconds):
    """That time from now, as the API writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + seconds)) + "Z"


def whole_day(seconds=120):
    """No midnight of UTC comes for so long: where one is near it is waited for. For tests of what is counted by the day."""
    left = -time.time() % 86400
    if left < seconds:
        time.sleep(left + 1)


def unique(prefix="text"):
    """A text nobody else sends."""
    return "%s-%d-%d" % (prefix, os.getpid(), time.monotonic_ns())


__all__ = ["DONE", "Gateway", "Made", "OPEN", "SLOW", "Simulator", "after", "call", "unique", "until", "whole_day"]
