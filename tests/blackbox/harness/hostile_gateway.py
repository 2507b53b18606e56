"""The real program as an attacker and an operator meet it: started with any configuration, environment and wrapper,
spoken to over bare sockets, looked at from outside (memory, descriptors, exit code, log)."""
import base64
import http.client
import itertools
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = pathlib.Path(os.environ.get("HONGYAN_BINARY", ROOT / "build" / "hongyan"))
TOKEN = "0123456789abcdef0123456789abcdef"
LANE_SID = "AC" + "00000000000000000000000000000001"
# Sanitizers make everything slower and larger: limits of time and memory are stretched by this.
SLOW = int(os.environ.get("HONGYAN_SLOW", "1"))


def own_ports():
    """Below the range that outgoing connections take theirs from: one of those may take any other meanwhile. Each worker has its own, in
    turns from anywhere: a port that was given is not given again before the program that it is for listens."""
    each, worker = 2500, int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 8
    own = range(10000 + worker * each, 10000 + (worker + 1) * each)
    return itertools.islice(itertools.cycle(own), random.randrange(each), None)


ports = own_ports()


def free_port():
    for port in ports:
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("", port))
            except OSError:
                continue
            return port


def until(what, timeout=30.0, step=0.02, told=""):
    """The first true value of what(), or a failure that says what was waited for. Patience costs nothing where all is well: a machine that
    runs eight tests at once may stand still for seconds."""
    end = time.monotonic() + timeout * SLOW
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < end, (told() if callable(told) else told) or "waited %s s in vain for %s" % (timeout, what)
        time.sleep(step)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "%s %s" % (self.status, self.body[:500])


def call(port, method, path, body=None, headers=None, timeout=30):
    """port: of loopback, or an address and its port."""
    c = http.client.HTTPConnection(*(port if isinstance(port, tuple) else ("127.0.0.1", port)), timeout=timeout * SLOW)
    try:
        c.request(method, path, body=body, headers=headers or {})
        r = c.getresponse()
        return Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read())
    finally:
        c.close()


def proc_status(pid, key):
    for line in open("/proc/%d/status" % pid):
        if line.startswith(key + ":"):
            return line.split(":", 1)[1].split()[0]
    raise KeyError(key)


class Simulator:
    """`hongyan simulator`: the provider."""

    def __init__(self, port=0, profile=None, host="127.0.0.1", wrapper=()):
        self.process = subprocess.Popen([*wrapper, BINARY, "simulator", "--listen", "%s:%d" % (host, port), "--json"],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        first = json.loads(self.process.stdout.readline())
        self.port, self.url = first["port"], "http://%s:%d" % (host, first["port"])
        self.place = (host, self.port)
        if profile:
            self.profile(profile)

    def profile(self, profile):
        a = call(self.place, "POST", "/_sim/profile", json.dumps(profile))
        assert a.status == 200, a

    def stats(self):
        return call(self.place, "GET", "/_sim/stats").json

    def messages(self, to=None, limit=1000):
        query = "?limit=%d" % limit + ("&to=" + urllib.parse.quote(to) if to else "")
        return call(self.place, "GET", "/_sim/messages" + query, timeout=60).json

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


class Gateway:
    """One `hongyan serve` on a free port. settings is merged into the file; env into the environment."""

    binary = BINARY

    def __init__(self, folder, provider_url, settings=None, env=None, wrapper=(), lanes=None, data_dir=None, port=None, host="127.0.0.1"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.host = port or free_port(), host
        self.place, self.url = (host, self.port), "http://%s:%d" % (host, self.port)
        self.data = pathlib.Path(data_dir) if data_dir else self.folder / "data"
        self.config = self.folder / "hongyan.yaml"
        self.log_path = self.folder / "log"
        self.provider_url = provider_url
        self.env = {"PATH": os.environ["PATH"], "TOK": TOKEN, **(env or {})}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ and name not in self.env:
                self.env[name] = os.environ[name]
        self.wrapper = list(wrapper)
        self.process = None
        self.key = self.account = self.auth_token = None
        self.settings = {"listen": "%s:%d" % self.place, "public_url": self.url, "data_dir": str(self.data),
                         "lanes": lanes or [self.lane("sim", provider_url)]}
        self.settings.update(settings or {})
        self.write()

    @staticmethod
    def lane(name, url, **more):
        return {"name": name, "provider": "twilio", "account_sid": LANE_SID, "auth_token": "${TOK}", "base_url": url,
                "from": "+15005550006", "allow_private": True, **more}

    def write(self, **changes):
        self.settings.update(changes)
        self.config.write_text(json.dumps(self.settings, indent=1) if "yaml" not in changes else changes["yaml"])

    def run(self, *args, env=None, stdin=None, timeout=60):
        return subprocess.run([self.binary, *args], cwd=self.folder, env={**self.env, **(env or {})}, input=stdin,
                              capture_output=True, timeout=timeout * SLOW)

    def make_key(self, **env):
        made = self.run("key", "create", "-c", str(self.config), "--json", env=env)
        assert made.returncode == 0, made.stderr
        made = json.loads(made.stdout)
        self.key, self.account, self.auth_token = made["key"], made["account"], made["auth_token"]
        return self

    def launch(self, wrapper=None):
        """Starts, waiting for nothing."""
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [*(self.wrapper if wrapper is None else wrapper), str(self.binary), "serve", "-c", str(self.config)],
            cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        return self

    def start(self, wrapper=None):
        if not self.key:
            self.make_key()
        self.launch(wrapper)
        until(self.answers, told="the gateway does not come up")
        return self

    def answers(self):
        assert self.process.poll() is None, "the gateway ended with %s: %s" % (self.process.returncode, self.log()[-3000:])
        try:
            return self.get("/healthz", timeout=2).status == 200
        except OSError:
            return False

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, timeout=60):
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def logged(self, event):
        return [line for line in self.log().splitlines() if "event=%s " % event in line + " "]

    # ---- HTTP ----

    @property
    def bearer(self):
        return {"Authorization": "Bearer " + self.key}

    def get(self, path, timeout=30, headers=None):
        return call(self.place, "GET", path, headers=self.bearer if headers is None and self.key else headers,
                    timeout=timeout)

    def post(self, path, body, headers=None, timeout=30):
        """body: bytes as they are, anything else as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return call(self.place, "POST", path, raw,
                    {**self.bearer, "Content-Type": "application/json", **(headers or {})}, timeout)

    def send(self, to="+14155550123", body="hello", **more):
        headers = more.pop("headers", None)
        timeout = more.pop("timeout", 30)
        return self.post("/v1/messages", {"to": to, "body": body, **more}, headers, timeout)

    def message(self, sid):
        a = self.get("/v1/messages/" + sid)
        assert a.status == 200, a
        return a.json

    def delivered(self, sid, timeout=30):
        return self.comes_to(sid, ("delivered",), timeout)

    def comes_to(self, sid, states, timeout=30):
        """Waits until the message is in one of these states."""
        end = time.monotonic() + timeout * SLOW
        while True:
            m = self.message(sid)
            if m["status"] in states:
                return m
            assert time.monotonic() < end, "%s is not %s: %s" % (sid, " or ".join(states), m)
            time.sleep(0.02)

    def is_well(self, timeout=30):
        """A message still goes all the way."""
        a = self.send(body="are you well? %d" % time.monotonic_ns(), timeout=timeout)
        assert a.status == 202, a
        self.delivered(a.json["id"], timeout)

    def metrics(self):
        rows = {}
        for line in self.get("/metrics").body.decode().splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                rows[name] = float(value)
        return rows

    # ---- from outside ----

    def pid(self):
        """The program's own, below any wrapper."""
        pid = self.process.pid
        while True:
            if os.readlink("/proc/%d/exe" % pid).removesuffix(" (deleted)") == str(self.binary):  # it may be rebuilt meanwhile
                return pid
            children = open("/proc/%d/task/%d/children" % (pid, pid)).read().split()
            assert children
            pid = int(children[0])

    def rss_mb(self):
        return int(proc_status(self.pid(), "VmRSS")) / 1024

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.pid()))

    # ---- bare sockets ----

    def connect(self, timeout=10):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=timeout * SLOW)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def talk(self, raw, timeout=10, close_after=False):
        """Sends raw, returns all that comes until the gateway closes, or until it is silent for the time-out."""
        s = self.connect(timeout)
        try:
            try:
                s.sendall(raw)
                if close_after:
                    s.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # cut while we sent: what it said before that counts
            return read_all(s)
        finally:
            s.close()

    def request(self, method="POST", path="/v1/messages", body=b"", headers=(), auth=True, length=None):
        """The bytes of a request."""
        lines = ["%s %s HTTP/1.1" % (method, path), "Host: x"]
        if auth:
            lines.append("Authorization: Bearer " + self.key)
        if method == "POST":
            lines.append("Content-Type: application/json")
            lines.append("Content-Length: %d" % (len(body) if length is None else length))
        lines += headers
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def read_all(s):
    got = b""
    try:
        while True:
            piece = s.recv(65536)
            if not piece:
                return got
            got += piece
    except OSError:
        return got


def split(raw):
    """The answers in raw as Answers: each with its Content-Length."""
    answers = []
    while raw:
        head, gap, rest = raw.partition(b"\r\n\r\n")
        if not gap:
            break
        lines = head.decode("latin-1").split("\r\n")
        headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        n = int(headers.get("content-length", 0))
        answers.append(Answer(int(lines[0].split()[1]), headers, rest[:n]))
        raw = rest[n:]
    return answers


def is_problem(answer, status, field=None, says=None):
    """A problem as RFC 9457 has it, that says what is wrong."""
    assert answer.status == status, answer
    assert answer.headers["content-type"].split(";")[0] == "application/problem+json", answer.headers
    p = answer.json
    assert p["status"] == status and p["type"] and p["title"] and p["detail"], p
    if field is not None:
        assert p.get("field") == field, p
    if says is not None:
        assert says in p["detail"], p
    return p


def number(n):
    """The nth of many different numbers that exist."""
    return "+1415%07d" % (2000000 + n % 8000000)


def one(raw):
    """The one answer in raw."""
    answers = split(raw)
    assert len(answers) == 1, raw[:2000]
    return answers[0]


def twilio_create(g, form, account=None):
    """A text by the Twilio-compatible API."""
    auth = base64.b64encode(("%s:%s" % (g.account, g.auth_token)).encode()).decode()
    return call(g.port, "POST", "/2010-04-01/Accounts/%s/Messages.json" % (account or g.account), form,
                {"Authorization": "Basic " + auth, "Content-Type": "application/x-www-form-urlencoded"})
