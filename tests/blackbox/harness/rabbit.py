"""A RabbitMQ of our own: a node in a folder of its own, on loopback and free ports, with a certificate of our own CA. It takes ten
seconds and more to start, so that the tests of a run share one (`shared`), each for itself while it runs."""
import contextlib
import fcntl
import json
import os
import pathlib
import signal
import subprocess

import pika

from harness.hostile_gateway import SLOW, free_port, until

BIN = pathlib.Path("/usr/lib/rabbitmq/bin")
USER, PASSWORD = "hongyan", "correct-horse"


def certificates(folder):
    """ca.pem, server.pem, server.key (for localhost and 127.0.0.1) and client.pem, client.key in that folder."""
    folder = pathlib.Path(folder)

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=Our CA")
    for name in ("server", "client"):
        (folder / (name + ".ext")).write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name)
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", name + ".pem",
                "-days", "30", "-extfile", name + ".ext")
    return folder


def runs(pid):
    try:
        return open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Rabbit:
    """ports: of one that was made in that folder before, by whatever process."""

    def __init__(self, folder, ports=None, host="127.0.0.1", wrapper=()):
        self.folder, self.host, self.wrapper = pathlib.Path(folder), host, list(wrapper)
        self.ports = ports or [free_port() for _ in range(4)]
        self.port, self.tls_port, self.node_port, self.epmd_port = self.ports
        if not ports:
            self.folder.mkdir(parents=True)
            certificates(self.folder)
            self.write()

    def write(self):
        (self.folder / "plugins").write_text("[].\n")
        (self.folder / "rabbitmq.conf").write_text("\n".join([
            "listeners.tcp.1 = %s:%d" % (self.host, self.port), "listeners.ssl.1 = %s:%d" % (self.host, self.tls_port),
            *("ssl_options.%s = %s" % (k, self.folder / f) for k, f in
              (("cacertfile", "ca.pem"), ("certfile", "server.pem"), ("keyfile", "server.key"))),
            "ssl_options.verify = verify_peer", "ssl_options.fail_if_no_peer_cert = true",
            "default_user = " + USER, "default_pass = " + PASSWORD, "disk_free_limit.absolute = 50MB", ""]))

    def env(self):
        f = self.folder
        return {"PATH": os.environ["PATH"], "HOME": str(f), "RABBITMQ_NODENAME": "hongyan%d@localhost" % self.port,
                "RABBITMQ_DIST_PORT": str(self.node_port), "RABBITMQ_MNESIA_BASE": str(f / "mnesia"),
                "RABBITMQ_LOG_BASE": str(f / "log"), "RABBITMQ_PID_FILE": str(f / "pid"),
                "ERL_EPMD_PORT": str(self.epmd_port), "ERL_EPMD_ADDRESS": "127.0.0.1",
                "RABBITMQ_CONFIG_FILE": str(f / "rabbitmq"), "RABBITMQ_ENABLED_PLUGINS_FILE": str(f / "plugins"),
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}"}

    def launch(self):
        """The port mapper and the broker; who started them may be gone before them, so files hold their numbers."""
        if not (self.folder / "epmd.pid").exists():
            epmd = subprocess.Popen([*self.wrapper, "epmd", "-address", "127.0.0.1", "-port", str(self.epmd_port)],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
            (self.folder / "epmd.pid").write_text(str(epmd.pid))
            until(self.maps_ports, 60, 0.1, told="epmd does not start")  # else the broker starts another, which nobody ends
        with open(self.folder / "out", "ab") as out:
            subprocess.Popen([*self.wrapper, BIN / "rabbitmq-server"], env=self.env(), cwd=self.folder, start_new_session=True, stdout=out,
                             stderr=subprocess.STDOUT)

    def maps_ports(self):
        asked = [*self.wrapper, "epmd", "-port", str(self.epmd_port), "-names"]
        return subprocess.run(asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0

    def start(self):
        self.launch()
        return self.wait_ready()

    def wait_ready(self):
        until(self.answers, 400, 0.2, told="RabbitMQ does not start: see %s/out" % self.folder)
        return self

    def answers(self):
        try:
            self.connect().close()
            return True
        except (pika.exceptions.AMQPError, OSError):
            return False

    def kill9(self):
        """The broker's own process, found by the file it wrote."""
        pid = int((self.folder / "pid").read_text())
        os.kill(pid, signal.SIGKILL)
        until(lambda: not runs(pid), 20)

    def stop(self):
        with contextlib.suppress(OSError, ValueError):
            self.kill9()
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self.folder / "epmd.pid").read_text()), signal.SIGKILL)

    @property
    def url(self):
        return "amqp://%s:%d" % (self.host, self.port)

    def connect(self):
        return pika.BlockingConnection(pika.ConnectionParameters(
            self.host, self.port, credentials=pika.PlainCredentials(USER, PASSWORD), heartbeat=0,
            blocked_connection_timeout=60 * SLOW, socket_timeout=20 * SLOW, stack_timeout=30 * SLOW))

    def door(self, queue, **more):
        return {"name": "orders", "kind": "amqp", "url": self.url, "user": USER, "password": "${DOOR_PASSWORD}", "queue": queue, **more}


@contextlib.contextmanager
def locked(path):
    with open(path, "a") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def shared(folder):
    """The run's broker: the first who asks starts it, the last who is done ends it."""
    folder = pathlib.Path(folder)
    facts = folder / "rabbit.json"
    with locked(folder / "rabbit.lock"):
        known = json.loads(facts.read_text()) if facts.exists() else {"users": 0}
        broker = Rabbit(folder / "rabbit", known.get("ports"))
        if not known["users"]:
            broker.start()
        facts.write_text(json.dumps({"users": known["users"] + 1, "ports": broker.ports}))
    try:
        yield broker
    finally:
        with locked(folder / "rabbit.lock"):
            known = json.loads(facts.read_text())
            facts.write_text(json.dumps({**known, "users": known["users"] - 1}))
            if known["users"] == 1:
                broker.stop()
