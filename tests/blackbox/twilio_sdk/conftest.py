"""What both SDKs' tests share: somebody who takes status callbacks, and numbers of a test's own."""
import http.server
import itertools
import os
import queue
import threading
import time
import urllib.parse

import pytest


class Receiver:
    """Takes form posts on a free port and keeps them as (url, params, headers)."""

    def __init__(self):
        self.posts = queue.Queue()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                params = dict(urllib.parse.parse_qsl(raw.decode(), keep_blank_values=True))
                receiver.posts.put((receiver.url + self.path, params, self.headers))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def until(self, status, timeout=15):
        """All posts up to and with the first of that status."""
        seen = []
        end = time.monotonic() + timeout
        while not seen or seen[-1][1]["MessageStatus"] != status:
            seen.append(self.posts.get(timeout=max(0.01, end - time.monotonic())))
        return seen

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    r = Receiver()
    yield r
    r.close()


@pytest.fixture(scope="session")
def numbers():
    """Numbers nobody else writes to, so that lists hold what the test made."""
    start = os.getpid() % 900 * 10000
    return ("+1415%07d" % (2000000 + (start + i) % 7000000) for i in itertools.count())


@pytest.fixture
def number(numbers):
    return next(numbers)
