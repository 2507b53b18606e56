"""A real redis-server for one test, in a folder of its own, on a unix socket or (with TLS) a free port."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile

from harness.gateway import until
from harness.hostile_gateway import free_port


class RedisServer:
    def __init__(self, tls=False, acl=None, host=None, wrapper=()):
        """host: an address where it listens as well, on Redis' own port."""
        self.folder = tempfile.mkdtemp(prefix="hongyan-redis-")  # short: a socket's path has at most 107 bytes
        self.socket, self.process, self.more = self.folder + "/s", None, []
        self.url, self.ca_file, self.wrapper = "unix:" + self.socket, "", list(wrapper)
        if host:
            self.url = "redis://%s:6379" % host
            self.more = ["--bind", host, "--port", "6379", "--protected-mode", "no"]
        if tls:
            self.make_certificate()
            self.port = free_port()
            self.url = "rediss://localhost:%d" % self.port
            self.more = ["--tls-port", str(self.port), "--tls-key-file", self.folder + "/key.pem", "--tls-cert-file", self.ca_file,
                         "--tls-auth-clients", "no"]
        if acl:
            with open(self.folder + "/acl", "w", encoding="ascii") as f:
                f.write(acl)
            self.more += ["--aclfile", self.folder + "/acl"]
        self.start()

    def make_certificate(self):
        self.ca_file = self.folder + "/cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", self.folder + "/key.pem", "-out", self.ca_file], check=True, stderr=subprocess.DEVNULL)

    def start(self):
        """Empty: nothing is kept on disk."""
        self.process = subprocess.Popen(
            [*self.wrapper, "redis-server", "--save", "", "--appendonly", "no", "--dir", self.folder, "--bind", "127.0.0.1", "--port", "0",
             "--unixsocket", self.socket, *self.more], stdout=subprocess.DEVNULL)
        until(self.takes_connections, 30, told="redis-server does not start")
        return self

    def takes_connections(self):
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(self.socket) == 0

    def kill9(self):
        self.process.kill()
        self.process.wait()

    def pause(self, paused=True):
        self.process.send_signal(signal.SIGSTOP if paused else signal.SIGCONT)

    def ask(self, *words):
        """The raw reply to a command."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(self.socket)
            s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words))
            return s.recv(1 << 20).decode()

    def close(self):
        if self.process.poll() is None:
            self.kill9()
        shutil.rmtree(self.folder)
