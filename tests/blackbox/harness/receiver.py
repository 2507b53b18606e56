"""An application's own server: takes status callbacks and keeps them."""
import base64
import hashlib
import hmac
import http.server
import json
import threading
import time

from harness.hostile_gateway import until


class Post:
    def __init__(self, path, headers, body):
        self.path, self.headers, self.body, self.at = path, headers, body, time.time()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def status(self):
        return self.json["data"]["status"]


class Receiver:
    """Answers with `answer`, or with what of `answers` is left, first to last."""

    def __init__(self, answer=204):
        self.posts, self.answer, self.answers = [], answer, []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.answers.pop(0) if receiver.answers else receiver.answer
                receiver.posts.append(Post(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d/callback" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def wait(self, status, timeout=30):
        """The first post that says so."""
        return until(lambda: next((p for p in list(self.posts) if p.status == status), None), timeout,
                     told="no callback says %s" % status)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def check_signature(post, secret, tolerance_s=60):
    """Standard Webhooks 1.0.0, "Verifying webhook authenticity" (standardwebhooks.com); the secret's bytes are its key."""
    assert abs(time.time() - int(post.headers["webhook-timestamp"])) < tolerance_s
    signed = b"%s.%s.%s" % (post.headers["webhook-id"].encode(), post.headers["webhook-timestamp"].encode(), post.body)
    right = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
    assert "v1," + right in post.headers["webhook-signature"].split(" ")
