"""Lanes of `provider: http` by their presets: the real gateway against the simulated ntfy, Gotify, Bark, DingTalk, Feishu and WeCom."""
import http.server
import json
import threading

import pytest

from harness.gateway import unique, until

TOKEN, SECRET = "token-of-the-tests", "secret of/the+tests"
# preset -> channel and where to
PRESETS = {"ntfy": ("push", "ntfy:alerts"), "gotify": ("push", "gotify:phone"), "bark": ("push", "bark:device-1"), "dingtalk": ("chat", "team"),
           "feishu": ("chat", "team"), "wecom": ("chat", "team")}


@pytest.fixture
def start(make_gateway):
    def begin(preset, profile=None, token=TOKEN, secret=SECRET):
        g = make_gateway.gateway(env={"P_TOKEN": token, "P_SECRET": secret})
        own = {} if preset == "bark" else {"token": "${P_TOKEN}"}
        if preset in ("dingtalk", "feishu"):
            own["secret"] = "${P_SECRET}"
        g.write(lanes=[{"name": preset, "provider": "http", "preset": preset, "url": g.sim.url, "allow_private": True, **own}])
        g.sim.profile({"providers": {"http": {"account": TOKEN, "secret": SECRET}}, **(profile or {})})
        return g.start()
    return begin


@pytest.mark.parametrize("preset", PRESETS)
def test_a_message_goes_out_signed(start, preset):
    channel, to = PRESETS[preset]
    g = start(preset)
    body = unique("磁盘 91% \"满\" 👋\n")
    g.wait(g.create(to=to, channel=channel, title="告警", body=body), "sent")
    seen, = g.sim.messages()
    assert seen["extra"]["preset"] == preset and body in seen["body"] and "告警" in json.dumps(seen["extra"], ensure_ascii=False)
    p = g.run("doctor", "-c", str(g.config), "--json")
    assert {row["check"]: row["result"] for row in json.loads(p.stdout)}["lane " + preset] == "ok", p.stdout


@pytest.mark.parametrize("preset", PRESETS)
def test_throttles_and_lost_answers_send_nothing_twice(start, preset):
    channel, to = PRESETS[preset]
    g = start(preset, {"errors": [{"share": 0.3, "status": 500}], "lost_answers": 0.2, "half_answers": 0.1})
    texts = [unique("t%d" % i) for i in range(10)]
    sids = [g.create(to=to, channel=channel, body=t) for t in texts]
    until(lambda: all(g.message(sid)["status"] in ("sent", "unknown", "queued") and g.message(sid)["attempts"] for sid in sids), 30,
          told="not all are tried")
    assert set(g.sim.times().values()) == {1}


@pytest.mark.parametrize("preset, wrong", [("ntfy", "token"), ("gotify", "token"), ("dingtalk", "secret"), ("feishu", "secret"), ("wecom", "token")])
def test_wrong_credentials_are_told(start, preset, wrong):
    channel, to = PRESETS[preset]
    g = start(preset, **{wrong: "wrong"})
    sid = g.create(to=to, channel=channel, body="x")
    until(lambda: g.message(sid)["reason"] == "credentials" or g.message(sid)["status"] == "failed", told="the reason is not shown")
    assert g.message(sid)["reason"] == "credentials" and g.sim.stats()["received"] == 0


@pytest.mark.parametrize("words", ["keywords not in content", "description:关键词不匹配;solution:请联系群管理员查看此机器人的关键词，并在发送的信息中包含此关键词;"])
def test_dingtalk_without_its_keyword_refuses_the_text_and_not_the_lane(make_gateway, words):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            raw = json.dumps({"errcode": 310000, "errmsg": words}).encode()
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *args):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = "http://127.0.0.1:%d" % server.server_port
    g = make_gateway.gateway(provider_url=url, env={"P_TOKEN": "x"})
    g.write(lanes=[{"name": "ding", "provider": "http", "preset": "dingtalk", "url": url, "allow_private": True, "token": "${P_TOKEN}"}])
    g.start()
    for _ in range(2):
        assert g.wait(g.create(to="team", channel="chat", body="x"), "failed")["reason"] == "content_rejected"
    server.shutdown()
    server.server_close()
