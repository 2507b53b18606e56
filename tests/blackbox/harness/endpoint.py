"""A customer's endpoint for webhooks: takes posts, keeps them, answers as it is told; and the webhooks of one account."""
import base64
import collections
import hashlib
import hmac
import http.server
import json
import pathlib
import socketserver
import subprocess
import threading
import time

from harness.hostile_gateway import call, until

SDK = pathlib.Path(__file__).resolve().parents[1] / "standardwebhooks"


class Post:
    def __init__(self, path, headers, body):
        self.path, self.headers, self.body, self.at = path, headers, body, time.monotonic()

    @property
    def id(self):
        return self.headers["webhook-id"]

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def type(self):
        return self.json["type"]

    @property
    def data(self):
        return self.json["data"]


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 512


class Endpoint:
    """answer(post) -> a status, or (status, headers), or (status, headers, body); may sleep. `answer` may be a number."""

    def __init__(self, answer=204, host="127.0.0.1", port=0):
        self.posts, self.answer = [], answer
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                post = Post(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                endpoint.posts.append(post)
                said = endpoint.answer(post) if callable(endpoint.answer) else endpoint.answer
                status, headers, text = (said + ({}, b""))[:3] if isinstance(said, tuple) else (said, {}, b"")
                try:
                    self.send_response(status)
                    for k, v in headers.items():
                        self.send_header(k, v)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)
                except OSError:
                    self.close_connection = True

            do_GET = do_POST

            def log_message(self, *args):
                pass

            def handle_one_request(self):
                try:
                    super().handle_one_request()
                except OSError:
                    self.close_connection = True

        self.server = Server((host, port), Handler)
        self.port = self.server.server_address[1]
        self.url = "http://%s:%d/hook" % (host, self.port)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def of(self, sid):
        return [p for p in list(self.posts) if p.data.get("id") == sid]

    def wait(self, type, sid=None, timeout=30):
        def there():
            return next((p for p in list(self.posts) if p.type == type and (sid is None or p.data.get("id") == sid)), None)
        return until(there, timeout, told="no %s comes" % type)

    def types(self):
        return collections.Counter(p.type for p in list(self.posts))

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Hooks:
    """/v1/webhooks of one key."""

    def __init__(self, gateway, key):
        self.gateway, self.key = gateway, key

    def ask(self, method, path, body=None, expect=(200, 201, 202, 204)):
        a = call(self.gateway.place, method, "/v1/webhooks" + path, json.dumps(body) if body is not None else None,
                 {"Authorization": "Bearer " + self.key, "Content-Type": "application/json"})
        assert a.status in ((expect,) if isinstance(expect, int) else expect), a
        return a.json if a.body else None

    def create(self, url, **more):
        return self.ask("POST", "", {"url": url, **more}, 201)

    def get(self, hook):
        return self.ask("GET", "/" + hook["id"])

    def deliveries(self, hook, query=""):
        rows, cursor = [], None
        while True:
            page = self.ask("GET", "/%s/deliveries?limit=200%s%s" % (hook["id"], query, "&cursor=" + cursor if cursor else ""))
            rows += page["data"]
            cursor = page["next_cursor"]
            if not cursor:
                return rows


def signature(secret, post):
    """Standard Webhooks 1.0.0, by hand."""
    signed = b"%s.%s.%s" % (post.id.encode(), post.headers["webhook-timestamp"].encode(), post.body)
    return "v1," + base64.b64encode(hmac.new(base64.b64decode(secret[6:]), signed, hashlib.sha256).digest()).decode()


def library(script, rows):
    """What a program of the official library answers to rows, a line each."""
    if not (SDK / "node_modules" / "standardwebhooks").is_dir():
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=SDK, check=True, timeout=300)
    done = subprocess.run(["node", script], cwd=SDK, input="".join(json.dumps(r) + "\n" for r in rows), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def library_says(posts):
    """[(secret, post)] -> what the official library says of each: "ok", or what is wrong."""
    return library("verify.mjs", [{"secret": s, "headers": p.headers, "body": p.body.decode()} for s, p in posts])


def library_signs(posts):
    """[(secret, id, body)] -> headers as the official library has a source send them, of now."""
    at = int(time.time())
    signatures = library("sign.mjs", [{"secret": s, "id": id, "at": at, "body": body} for s, id, body in posts])
    return [{"webhook-id": id, "webhook-timestamp": str(at), "webhook-signature": s} for (_, id, _), s in zip(posts, signatures)]
