"""rig: starts the programs that script/bench measures, loads them, and reads what they cost.

It owns one fresh folder (same disk as the build) and every process it started; both go when the rig is
closed, processes by their own id only. Everything listens on loopback, on free ports. Nothing waits without
a limit. CPU comes from /proc/PID/task/*/stat, rates from /metrics, so nothing in the program knows that it
is being measured.
"""
import json
import os
import random
import re
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.request

TOKEN = "0123456789abcdef0123456789abcdef"  # the simulator lets any in
SCREEN_WORDS = 1000
TEMPLATE = "Hi {{ name }}, order {{ order }} is on its way and comes on {{ day }}. Reply STOP to opt out."
TEXT_TEMPLATE = ',"template":"order","vars":{"name":"Li Wei","order":"A-10372","day":"Monday"}'
TEXT_BODY = ',"body":"Hi Li Wei, order A-10372 is on its way and comes on Monday. Reply STOP to opt out."'
TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")


class Trouble(Exception):
    pass


def free_port():
    """Below the range that outgoing connections take theirs from."""
    while True:
        port = random.randrange(10000, 30000)
        with socket.socket() as s:
            try:
                s.bind(("", port))
            except OSError:
                continue
            return port


def get(port, path, timeout=5):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=timeout) as r:
        return r.read().decode()


def children(pid):
    """Those that run now, and itself."""
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [pid, *map(int, f.read().split())]


def cpu_us(pid):
    """CPU of each thread so far, by name; threads of one name together. pid: or a list of them."""
    out = {}
    if isinstance(pid, list):
        for p in pid:
            for name, us in cpu_us(p).items() if os.path.exists(f"/proc/{p}") else ():
                out[name] = out.get(name, 0) + us
        return out
    for tid in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{tid}/stat") as f:
                text = f.read()
        except FileNotFoundError:
            continue
        name, fields = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
        out[name] = out.get(name, 0) + (int(fields[11]) + int(fields[12])) * TICK_US
    return out


def machine_us():
    """CPU used by everything on the machine so far (without idle and waiting for the disk)."""
    with open("/proc/stat") as f:
        fields = [int(x) for x in f.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) * TICK_US


def rss_mb(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) / 1024


class Meter:
    """CPU of some processes, and of all the others, between two moments."""

    def __init__(self, pids):
        self.pids = pids
        self.before = {n: cpu_us(p) for n, p in pids.items()}
        self.machine, self.at = machine_us(), time.monotonic()

    def stop(self, messages):
        seconds = time.monotonic() - self.at
        used = {n: {t: us - self.before[n].get(t, 0) for t, us in cpu_us(p).items()} for n, p in self.pids.items()}
        ours = sum(sum(t.values()) for t in used.values())
        others = max(0, machine_us() - self.machine - ours) / (seconds * 1e6 * os.cpu_count())
        each = {n: {t: us / max(messages, 1) for t, us in sorted(ts.items(), key=lambda x: -x[1]) if us}
                for n, ts in used.items()}
        return {"us": each, "us_total": ours / max(messages, 1), "others": others, "seconds": seconds}


class Process:
    def __init__(self, rig, name, argv, env=None):
        self.name = name
        self.log = open(os.path.join(rig.folder, f"{name}.log"), "ab")
        self.child = subprocess.Popen(argv, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                                      stdout=self.log, stderr=self.log)
        self.pid = self.child.pid
        rig.children.append(self)

    def ended(self):
        return self.child.poll() is not None

    def stop(self, kill=False):
        if self.ended():
            return
        self.child.kill() if kill else self.child.terminate()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait(10)

    def last_words(self):
        with open(self.log.name, errors="replace") as f:
            return f.read()[-2000:]


class Gateway:
    """One gateway's folder: settings, database, key. serve() starts it, as often as wanted."""

    def __init__(self, rig, name, provider_port, window, public=False, copy_of=None, database=None, more=""):
        self.rig, self.name, self.process, self.database, self.more = rig, name, None, database, more
        self.folder = os.path.join(rig.folder, name)
        self.port = free_port()
        self.data = os.path.join(self.folder, "data")
        os.mkdir(self.folder)
        if copy_of:
            shutil.copytree(copy_of.data, self.data)
        with open(self.config(), "w") as f:
            f.write(self.settings(provider_port, window, public))
        if copy_of:
            self.key = copy_of.key
            return
        made = subprocess.run([rig.hongyan, "key", "create", "-c", self.config(), "--json"], env=self.env(),
                              capture_output=True, text=True, timeout=30)
        if made.returncode:
            raise Trouble(f"key create: {made.stderr}")
        self.key = json.loads(made.stdout)["key"]

    def config(self):
        return os.path.join(self.folder, "hongyan.yaml")

    def env(self):
        return {**os.environ, "BENCH_TOKEN": TOKEN}

    def settings(self, provider_port, window, public):
        templates = f"templates:\n  dir: {self.rig.templates}\n" if self.rig.templates else ""
        database = f"database: {self.database}\n" if self.database else ""
        public_url = f"public_url: http://127.0.0.1:{self.port}\n" if public else ""
        return f"""listen: 127.0.0.1:{self.port}
{public_url}{database}data_dir: {self.data}
drain_ms: 3000
log:
  level: warn
screen:
  words: [{self.rig.words}]
webhooks:
  allow_http: true
  allow_private: true
{self.more}{templates}lanes:
  - name: sim
    provider: twilio
    account_sid: AC00000000000000000000000000000001
    auth_token: ${{BENCH_TOKEN}}
    base_url: http://127.0.0.1:{provider_port}
    from: "+15005550006"
    in_flight_max: {window}
    allow_private: true
"""

    def launch(self):
        self.process = Process(self.rig, self.name, [self.rig.hongyan, "serve", "-c", self.config()],
                               {"BENCH_TOKEN": TOKEN})
        return self.process

    def serve(self):
        self.launch()
        until = time.monotonic() + 20
        while time.monotonic() < until and not self.process.ended():
            try:
                get(self.port, "/metrics", 2)
                return self
            except OSError:
                time.sleep(0.02)
        raise Trouble(f"{self.name} does not serve: {self.process.last_words()}")

    def stop(self, kill=False):
        self.process.stop(kill)

    def metrics(self):
        text = get(self.port, "/metrics")
        return {name: float(value) for name, value in re.findall(r"^(\S+) (\S+)$", text, re.M)}

    def hook(self, path="", fields=None):
        """POST /v1/webhooks, with a key that may."""
        made = subprocess.run([self.rig.hongyan, "key", "create", "-c", self.config(), "--scopes", "send,read,admin", "--json"],
                              env=self.env(), capture_output=True, text=True, timeout=30)
        if made.returncode:
            raise Trouble(f"key create: {made.stderr}")
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/webhooks{path}", json.dumps(fields or {}).encode(),
                                         {"Authorization": "Bearer " + json.loads(made.stdout)["key"],
                                          "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as r:
            return json.load(r)

    def settle(self, seconds=6):
        """Waits until it sends nothing more."""
        last, until = -1, time.monotonic() + seconds
        while time.monotonic() < until:
            sent = self.metrics()["sms_sent_total"]
            if sent == last:
                return
            last = sent
            time.sleep(0.25)

    def fill(self, count, due):
        """Pending messages, as the API would have left them: due now (queued), or a day ahead (scheduled)."""
        state, reason, due_at = (3, 22, "at") if due else (2, 21, "at + 86400000000")
        start_ms = int(time.time() * 1000) - count
        db = sqlite3.connect(os.path.join(self.data, "hongyan.db"), isolation_level=None)
        account = db.execute("SELECT id FROM account").fetchone()[0]
        db.execute("PRAGMA journal_mode=DELETE")
        db.execute("PRAGMA synchronous=OFF")
        db.execute("PRAGMA cache_size=-400000")
        db.execute("BEGIN")
        db.execute(f"CREATE TEMP TABLE fresh AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n "
                   f"WHERE i < {count - 1}) SELECT i, ({start_ms} + i - 1704067200000) << 22 AS id, "
                   f"({start_ms} + i) * 1000 AS at FROM n")
        send_at = "0" if due else due_at
        columns = dict(
            id="id", account_id=str(account), direction="0", priority="1", delivery="0", face="0", encoding="0",
            segments="1", created_at="at", send_at=send_at, expires_at=f"{due_at} + 6 * 86400000000",
            state=str(state), reason=str(reason), attempts="0", lookups="0", events="2", code="0", due_at=due_at,
            updated_at="at", sent_at="0", done_at="0",
            recipient="'+86139' || substr('00000000' || (i * 7919 % 100000000), -8)", sender="'+15005550006'",
            body="'Hi Li Wei, order ' || i || ' is on its way and comes on Monday. Reply STOP to opt out.'")
        db.execute(f"INSERT INTO message ({','.join(columns)}) SELECT {','.join(columns.values())} FROM fresh "
                   "ORDER BY id")
        db.execute(f"INSERT INTO event (message_id, number, at, state, reason, attempt, code, note) "
                   f"SELECT id, k, at, iif(k = 1, 1, {state}), iif(k = 1, 0, {reason}), 0, 0, 0 "
                   "FROM fresh, (SELECT 1 AS k UNION ALL SELECT 2) ORDER BY id, k")
        db.execute("COMMIT")
        db.close()


class Rig:
    def __init__(self, build, hongyan, root, templates=True):
        self.build, self.hongyan, self.root = build, hongyan, root
        self.folder = tempfile.mkdtemp(prefix="bench-", dir=build)
        self.children, self.commands, self.first = [], [], random.randrange(1, 50_000_000)
        self.text = TEXT_TEMPLATE if templates else TEXT_BODY
        self.templates = os.path.join(self.folder, "templates") if templates else None
        self.words = os.path.join(self.folder, "words.txt")
        self.write_texts()

    def write_texts(self):
        dice = random.Random(1)
        syllables = [a + b for a in "bcdfgjklmprtvz" for b in "aeiou"]
        english = {"".join(dice.choices(syllables, k=4)) for _ in range(SCREEN_WORDS)}
        chinese = {"".join(chr(dice.randrange(0x4e00, 0x9fa5)) for _ in range(3)) for _ in range(SCREEN_WORDS)}
        with open(self.words, "w") as f:
            f.write("\n".join(sorted(english)[:SCREEN_WORDS // 2] + sorted(chinese)[:SCREEN_WORDS // 2]) + "\n")
        if self.templates:
            os.mkdir(self.templates)
            with open(os.path.join(self.templates, "order.txt"), "w") as f:
                f.write(TEMPLATE)

    def tail(self, ahead_s=0):
        """What follows "to" in a request; ahead_s: to be sent so much later."""
        later = time.strftime(',"send_at":"%Y-%m-%dT%H:%M:%SZ"', time.gmtime(time.time() + ahead_s)) if ahead_s else ""
        return self.text + later + "}"

    def next_first(self):
        self.first += 1_000_000
        return str(self.first)

    def load_env(self, key, tail):
        return {"KEY": key, "TAIL": tail, "FIRST": self.next_first()}

    def wrk(self, port, key, tail, connections, seconds):
        """wrk in the background; its result by wrk_result."""
        return self.wrk_script("post.lua", port, connections, seconds, self.load_env(key, tail))

    def wrk_script(self, script, port, connections, seconds, env):
        argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s",
                os.path.join(self.root, "tests/bench", script), f"http://127.0.0.1:{port}"]
        self.note(argv)
        return subprocess.Popen(argv, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def wrk_result(self, child, seconds):
        try:
            text = child.communicate(timeout=seconds + 15)[0]
        except subprocess.TimeoutExpired:
            child.kill()
            raise Trouble("wrk does not end")
        found = re.search(r"^BENCH (.*)$", text, re.M)
        if not found:
            raise Trouble(f"wrk: {text}")
        r = json.loads(found.group(1))
        r["rate"] = (r["requests"] - r["refused"]) * 1e6 / r["us"]
        return r

    def program(self, name):
        """One of our own load tools; compiled when first used."""
        sources = [os.path.join(self.root, "tests/bench", f) for f in (f"{name}.c", "post.c", "post.h")]
        program = os.path.join(self.build, f"bench-{name}")
        if not os.path.exists(program) or any(os.path.getmtime(s) > os.path.getmtime(program) for s in sources):
            subprocess.run(["cc", "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-o", program,
                            *sources[:2], "-lm"], check=True, timeout=60)
        return program

    def tool(self, name, *args, env):
        """Runs one of our own load tools. Its line of JSON."""
        argv = [self.program(name), *map(str, args)]
        self.note(argv)
        done = subprocess.run(argv, env={**os.environ, **env}, capture_output=True, text=True, timeout=90)
        if done.returncode:
            raise Trouble(f"{name}: {done.stderr}")
        return json.loads(done.stdout)

    def simulator(self, profile):
        port = free_port()
        path = os.path.join(self.folder, f"profile-{port}.json")
        with open(path, "w") as f:
            json.dump(profile, f)
        p = Process(self, f"simulator-{port}", [self.hongyan, "simulator", "--listen", f"127.0.0.1:{port}",
                                                "--quiet", "--profile", path])
        p.port = port
        self.wait_port(p)
        return p

    def provider(self, latency_ms):
        """A provider that costs next to nothing: what is measured is the gateway."""
        port = free_port()
        p = Process(self, f"provider-{port}", [self.program("provider"), str(port), str(latency_ms)])
        p.port = port
        self.wait_port(p)
        return p

    def noop(self):
        """The handler that does nothing, on the same HTTP library. Its port is its own."""
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", 18080)) == 0:
                raise Trouble("port 18080 is taken: net_bench needs it")
        p = Process(self, "noop", [os.path.join(self.build, "tests/net/net_bench"), "server"])
        p.port = 18080
        self.wait_port(p)
        return p

    def wait_port(self, process):
        until = time.monotonic() + 10
        while time.monotonic() < until and not process.ended():
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", process.port)) == 0:
                    return
            time.sleep(0.02)
        raise Trouble(f"{process.name} does not serve: {process.last_words()}")

    def note(self, argv):
        line = " ".join(argv)
        if line not in self.commands:
            self.commands.append(line)

    def fsync_us(self, times=60):
        """Median time of writing 4 KB and one fdatasync, on the database's disk."""
        path, took = os.path.join(self.folder, "fsync"), []
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        block = os.urandom(4096)
        for i in range(times):
            os.pwrite(fd, block, 4096 * i)  # appends, as the write-ahead log does
            begun = time.perf_counter()
            os.fdatasync(fd)
            took.append((time.perf_counter() - begun) * 1e6)
            time.sleep(0.005)
        os.close(fd)
        return sorted(took)[len(took) // 2]

    def close(self):
        for p in self.children:
            p.stop()
            p.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
