"""The simulator as a child process, a receiver for what it posts, and Twilio's own SDK pointed at it."""
import http.server
import json
import os
import queue
import re
import signal
import subprocess
import threading
import time
import urllib.parse

import pytest
import requests
from twilio.rest import Client

SID = "AC" + "0123456789abcdef" * 2
TOKEN = "12345678901234567890123456789012"
SENDER = "+15017250604"


class Receiver:
    """Takes posts on a free port and keeps them; answers with `status` and `body`, or hangs up."""

    def __init__(self):
        self.posts = queue.Queue()
        self.status = 204
        self.body = b""
        self.hang_ups = 0  # how many of the next posts to close without an answer
        self.gate = None  # an Event: answer only once it is set
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                url = "http://127.0.0.1:%d%s" % (receiver.port, self.path)
                params = dict(urllib.parse.parse_qsl(raw.decode(), keep_blank_values=True))
                receiver.posts.put({"url": url, "path": self.path, "params": params, "headers": self.headers, "raw": raw})
                if receiver.hang_ups > 0:
                    receiver.hang_ups -= 1
                    self.close_connection = True
                    return
                if receiver.gate:
                    receiver.gate.wait(5)
                self.send_response(receiver.status)
                self.send_header("Content-Length", str(len(receiver.body)))
                self.end_headers()
                self.wfile.write(receiver.body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # the simulator may end before it hears the answer
        self.port = self.server.server_address[1]
        self.url = "http://127.0.0.1:%d" % self.port
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def take(self, n, timeout=5):
        return [self.posts.get(timeout=timeout) for _ in range(n)]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Simulator:
    def __init__(self, *options, env=None):
        binary = os.environ.get("HONGYAN_SIMULATOR")
        assert binary, "set HONGYAN_SIMULATOR to the simulator's program"
        self.child = subprocess.Popen(binary.split() + ["--listen", "127.0.0.1:0", *options], stdout=subprocess.PIPE,
                                      text=True, env={**os.environ, **(env or {})})
        line = self.child.stdout.readline()
        assert line, "the simulator did not start"
        self.url = re.search(r"http://[0-9.]+:\d+", line).group()

    def get(self, path, **query):
        r = requests.get(self.url + path, params=query, timeout=5)
        assert r.status_code == 200, r.text
        return r.json()

    def post(self, path, data):
        return requests.post(self.url + path, data=json.dumps(data), timeout=20)

    def profile(self, **keys):
        r = self.post("/_sim/profile", keys)
        assert r.status_code == 200, r.text
        return r.json()

    def reset(self):
        assert self.post("/_sim/reset", {}).status_code == 204

    def stats(self):
        return self.get("/_sim/stats")

    def messages(self, **query):
        return self.get("/_sim/messages", **query)

    def until(self, condition, timeout=5):
        """Polls the counters until the condition holds."""
        end = time.monotonic() + timeout
        while True:
            stats = self.stats()
            if condition(stats):
                return stats
            assert time.monotonic() < end, stats
            time.sleep(0.01)

    def create(self, auth=(SID, TOKEN), timeout=5, headers=None, **fields):
        """A create call without the SDK, for what the SDK would hide."""
        fields = {"To": "+15558675310", "From": SENDER, "Body": "hello", **fields}
        fields = {k: v for k, v in fields.items() if v is not None}
        return requests.post("%s/2010-04-01/Accounts/%s/Messages.json" % (self.url, auth[0]), data=fields, auth=auth,
                             timeout=timeout, headers=headers)

    def api(self, path, auth=(SID, TOKEN), method="GET", **query):
        return requests.request(method, self.url + "/2010-04-01/Accounts/" + path, params=query, auth=auth, timeout=5)

    def end(self):
        self.child.send_signal(signal.SIGTERM)
        code = self.child.wait(10)
        self.child.stdout.close()
        return code


@pytest.fixture(scope="session")
def shared():
    sim = Simulator("--account-sid", SID, "--auth-token", TOKEN)
    yield sim
    assert sim.end() == 0


@pytest.fixture
def sim(shared):
    shared.reset()
    return shared


@pytest.fixture
def start():
    """Starts simulators of the test's own."""
    running = []

    def begin(*options, env=None):
        running.append(Simulator(*options, env=env))
        return running[-1]

    yield begin
    for one in running:
        if one.child.poll() is None:
            assert one.end() == 0


@pytest.fixture
def receiver():
    r = Receiver()
    yield r
    r.close()


@pytest.fixture
def sdk(sim):
    client = Client(SID, TOKEN)
    client.api.base_url = sim.url
    return client
