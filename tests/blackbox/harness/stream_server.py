"""A redis-server of our own: a folder of its own, a free port on loopback, a password, every write on disk; TLS with our own CA."""
import contextlib
import pathlib
import signal
import subprocess

import redis

from harness.hostile_gateway import SLOW, free_port, until
from harness.rabbit import certificates

USER, PASSWORD = "hongyan", "correct-horse"


class Redis:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        certificates(self.folder)
        self.port, self.tls_port, self.process = free_port(), free_port(), None

    def start(self):
        f = self.folder
        with open(f / "out", "ab") as out:
            self.process = subprocess.Popen(
                ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(f), "--save", "",
                 "--appendonly", "yes", "--appendfsync", "always", "--tls-port", str(self.tls_port),
                 "--tls-cert-file", str(f / "server.pem"), "--tls-key-file", str(f / "server.key"),
                 "--tls-ca-cert-file", str(f / "ca.pem"), "--tls-auth-clients", "no",
                 "--user", USER, "on", ">" + PASSWORD, "~*", "+@all"], stdout=out, stderr=subprocess.STDOUT)
        until(self.answers, 20, told="redis-server does not start: see %s/out" % f)
        return self

    def answers(self):
        with contextlib.suppress(redis.exceptions.RedisError):
            return self.connect().ping()

    def kill9(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.kill9()

    def connect(self):
        return redis.Redis("127.0.0.1", self.port, username=USER, password=PASSWORD, socket_timeout=20 * SLOW)

    def door(self, queue, **more):
        return {"name": "orders", "kind": "redis", "url": "redis://127.0.0.1:%d" % self.port, "user": USER,
                "password": "${DOOR_PASSWORD}", "queue": queue, "claim_s": 2, **more}
