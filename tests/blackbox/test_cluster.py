"""`script/server --cluster` as a newcomer has it: started, used, one of its gateways killed, ended, and started again on the same folder."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

from harness.gateway import SLOW, after, call, until
from harness.hostile_gateway import ROOT, free_port

HONGYAN = ROOT / "build" / "hongyan"  # what the script builds and starts
START_S = 240  # all its parts, one after the other


class Started:
    """The script in a folder of the test's."""

    def __init__(self, folder):
        self.folder, self.port, self.sim_port, self.process = folder, free_port(), free_port(), None
        self.said = folder.with_name(folder.name + ".out")

    def start(self):
        env = {**os.environ, "PORT": str(self.port), "SIM_PORT": str(self.sim_port), "DATA_DIR": str(self.folder)}
        with open(self.said, "wb") as out:
            self.process = subprocess.Popen([ROOT / "script/server", "--cluster"], env=env, cwd="/", stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                            start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # ignored in background jobs
        until(lambda: "Three gateways run" in self.text() or self.process.poll() is not None, START_S, 0.2, told=self.text)
        assert self.process.poll() is None, self.text()
        facts = dict(re.findall(r"^export (\w+)=(.*)$", (self.folder / "quickstart.env").read_text(), re.M))
        self.headers = {"Authorization": "Bearer " + facts["HONGYAN_KEY"], "Content-Type": "application/json"}
        assert facts["HONGYAN_URL"] == "http://127.0.0.1:%d" % self.port and facts["HONGYAN_KEY"] in self.text()
        return self

    def text(self):
        return self.said.read_text(errors="replace")

    def pids(self):
        """name: process, as the script says."""
        return {name: int(pid) for name, pid in re.findall(r"\b(node\d|postgres|redis) (\d+)", self.text().split("Three gateways run", 1)[1])}

    def end(self, how, timeout=150):
        self.process.send_signal(how)
        return self.process.wait(timeout * SLOW)

    def create(self, **fields):
        a = call(self.port, "POST", "/v1/messages", json.dumps({"to": "+8613800138000", **fields}), self.headers)
        assert a.status == 202, a
        return a.json["id"]

    def status(self, sid):
        with contextlib.suppress(OSError):
            a = call(self.port, "GET", "/v1/messages/" + sid, headers=self.headers)
            return a.json["status"] if a.status == 200 else None

    def delivered(self, *sids, timeout=60):
        until(lambda: all(self.status(sid) == "delivered" for sid in sids), timeout, 0.1, told=lambda: [self.status(sid) for sid in sids])

    def nodes(self):
        """As the command shows them that the script names."""
        done = subprocess.run([HONGYAN, "nodes", "-c", self.folder / "node1.yaml", "--json"], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return {n["name"]: n for n in json.loads(done.stdout) if n["state"] == "alive"}

    def ports(self):
        return {"proxy": self.port, "simulator": self.sim_port, **json.loads((self.folder / "ports.json").read_text())}

    def listening(self):
        def listens(port):
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", port)) == 0
        return [name for name, port in self.ports().items() if listens(port)]

    def processes(self):
        """Those that work in the folder, or were told of it."""
        found = []
        for p in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                line = (p / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if (os.readlink(p / "cwd") + "/").startswith(str(self.folder) + "/") or str(self.folder) + "/" in line:
                    found.append((int(p.name), line[:200]))
        return found


@pytest.fixture
def cluster():
    parent = pathlib.Path(tempfile.mkdtemp(prefix="hongyan-cluster-"))
    parent.chmod(0o755)  # the servers' user looks into it
    made = Started(parent / "data")
    try:
        yield made
    finally:
        if made.process and made.process.poll() is None:
            made.process.terminate()
            made.process.wait(150 * SLOW)
        shutil.rmtree(parent)


def test_cluster__survives_a_killed_gateway_ends_whole_and_is_there_again(cluster):
    c = cluster.start()
    assert set(c.nodes()) == {"node1", "node2", "node3"}
    sent = [c.create(body="您的餐位已准备好。%d" % i) for i in range(6)]
    c.delivered(*sent)
    assert sorted(c.listening()) == sorted(c.ports())

    held = c.create(body="later", send_at=after(3))
    owner = next(name for name, n in c.nodes().items() if n["pending"])
    os.kill(c.pids()[owner], signal.SIGKILL)
    c.delivered(held, c.create(body="meanwhile"))
    assert re.search(r"%s has ended: it is started again" % owner, c.text())
    assert call(c.sim_port, "GET", "/_sim/stats").json["received"] == 8
    until(lambda: "%s is started again" % owner in c.text(), 60, told=c.text)
    until(lambda: len(c.nodes()) == 3, 60, 0.2, told="the one that was killed does not come back")

    assert c.end(signal.SIGTERM) == 0, c.text()
    assert not c.listening() and not c.processes()

    c.port = free_port()
    c.start()
    assert {c.status(sid) for sid in [*sent, held]} == {"delivered"}
    assert call(c.port, "GET", "/console").status == 200 and "http://127.0.0.1:%d/console" % c.port in c.text()
    c.delivered(c.create(body="again"))
    assert c.end(signal.SIGINT) == 0, c.text()
    assert not c.listening() and not c.processes()
