"""Names whose address changes between a check and a connection: neither a webhook nor a callback reaches an address inside. The tests run in a
network namespace of their own, where a public address is this machine's and a name server says what it likes."""
import os
import pathlib
import subprocess
import sys

import pytest

from harness.endpoint import Endpoint, Hooks
from harness.gateway import Made, until
from harness.name_server import NameServer

PUBLIC, DEAD, INSIDE = "93.184.215.14", "93.184.215.15", "10.9.8.7"
SETUP = """
ip link set lo up
for a in %s %s %s; do ip addr add $a/32 dev lo; done
echo 'nameserver 127.0.0.1' >"$1"
mount --bind "$1" "$(readlink -f /etc/resolv.conf)"
shift
exec "$@"
""" % (PUBLIC, DEAD, INSIDE)


class World:
    """The endpoint that the name is to lead to, and services inside on the same port, which nobody may reach."""

    def __init__(self, make_gateway):
        self.dns = NameServer()
        self.outside = Endpoint(host=PUBLIC)
        self.inside = [Endpoint(host=a, port=self.outside.port) for a in ("127.0.0.1", INSIDE)]
        self.gateway = make_gateway(webhooks={"allow_http": True}, callbacks={"allow_private": False})
        self.hooks = Hooks(self.gateway, self.gateway.create_key(scopes="send,read,admin")["key"])

    def url(self, name):
        return "http://%s:%d/hook" % (name, self.outside.port)

    def sent(self, **more):
        sid = self.gateway.create(**more)
        self.gateway.wait(sid, "delivered", timeout=30)
        return sid

    def refused(self, hook):
        return until(lambda: [r for r in self.hooks.deliveries(hook) if "private network" in (r["error"] or "")], 30, told="no try is refused")

    def check(self):
        assert not [p.path for e in self.inside for p in e.posts]


def name_leads_inside_later(make_gateway):
    w = World(make_gateway)
    w.dns.names["shop.example"] = [PUBLIC]
    hook = w.hooks.create(w.url("shop.example"), events=["message.delivered"])
    w.outside.wait("message.delivered", w.sent(), timeout=30)
    for inside in ("127.0.0.1", INSIDE, "::ffff:127.0.0.1"):
        w.dns.names["shop.example"] = [inside]
        w.gateway.kill9()  # a name is asked for anew
        w.gateway.start()
        before = len(w.refused(hook)) if inside != "127.0.0.1" else 0
        sid = w.sent(body="to " + inside)
        until(lambda: len(w.refused(hook)) > before, 30, told="the try to %s is not refused" % inside)
        assert not w.outside.of(sid)
    w.check()
    w.dns.names["shop.example"] = [PUBLIC]
    w.gateway.kill9()
    w.gateway.start()
    until(lambda: len(w.outside.types()) and w.outside.types()["message.delivered"] == 4, 60, told="what was owed does not come")


def name_of_which_each_answer_is_another(make_gateway):
    """The first answer is for who checks; those behind it are for who connects."""
    w = World(make_gateway)
    hooks = []
    for i in range(6):
        w.dns.names["flip%d.example" % i] = lambda times, i=i: [PUBLIC] if times < i % 3 else [INSIDE]
        hooks.append(w.hooks.create(w.url("flip%d.example" % i), events=["message.delivered"]))
    w.sent()
    for h in hooks:
        until(lambda h=h: [r for r in w.hooks.deliveries(h) if r["attempts"]], 30)
    for _ in range(2):
        w.gateway.kill9()
        w.gateway.start()
        w.sent()
    for h in hooks:
        w.refused(h)
    w.check()


def name_with_an_address_outside_and_one_inside(make_gateway):
    """Who connects goes on to the next address when the first does not answer."""
    w = World(make_gateway)
    w.dns.names["both.example"] = [DEAD, INSIDE, "127.0.0.1"]
    hook = w.hooks.create(w.url("both.example"), events=["message.delivered"])
    sid = w.sent(status_callback=w.url("both.example"))
    w.sent()
    until(lambda: all(r["attempts"] for r in w.hooks.deliveries(hook)), 30)
    until(lambda: "event=callback.failed" in w.gateway.log(), 30, told="the callback was not tried: " + sid)
    w.check()


SCENES = {f.__name__: f for f in (name_leads_inside_later, name_of_which_each_answer_is_another, name_with_an_address_outside_and_one_inside)}


@pytest.mark.parametrize("scene", SCENES)
def test_names__that_lead_inside_reach_nobody(tmp_path, scene):
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    done = subprocess.run(["unshare", *as_root, "--net", "--mount", "sh", "-euc", SETUP, "sh", str(tmp_path / "resolv.conf"),
                           sys.executable, "-B", __file__, str(tmp_path), scene], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(os.path.abspath(__file__)))})
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def main(folder, scene):
    """In the namespace."""
    made = Made(pathlib.Path(folder))
    try:
        SCENES[scene](made)
        made.check()
    except BaseException:
        print(made.logs())
        raise
    finally:
        made.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
