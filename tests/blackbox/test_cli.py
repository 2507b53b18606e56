"""The command line: help, exit codes of sysexits.h, --json, and Chinese where the locale is Chinese."""
import json
import re
import socket

import pytest

from harness.hostile_fixtures import shared, start  # noqa: F401
from harness.hostile_gateway import free_port, until

COMMANDS = ["serve", "send", "key", "render", "mood", "config", "doctor", "migrate", "simulator", "version"]
OK, USAGE, DATA, NO_INPUT, UNAVAILABLE, TEMPORARY, NO_PERMISSION, CONFIG = 0, 64, 65, 66, 69, 75, 77, 78
CHINESE = {"LANG": "zh_CN.UTF-8"}
HAN = re.compile("[\u4e00-\u9fff]")


def out(p):
    return p.stdout.decode("utf-8")


def err(p):
    return p.stderr.decode("utf-8")


# ---- help and wrong usage ----

@pytest.mark.parametrize("command", COMMANDS)
def test_help__on_stdout_with_exit_0(shared, command):
    p = shared.run(command, "--help")
    assert p.returncode == OK and out(shared.run("help", command)) == out(p), err(p)
    assert command in out(p) and not p.stderr
    assert len(out(p).splitlines()) >= 3, "this is no help"


@pytest.mark.parametrize("args", [["key", "create"], ["key", "list"], ["key", "revoke"], ["config", "check"], ["config", "print"],
                                  ["config", "explain"]])
def test_help_of_a_part__on_stdout_with_exit_0(shared, args):
    p = shared.run(*args, "--help")
    assert p.returncode == OK and out(p), err(p)


@pytest.mark.parametrize("args", [["--help"], ["-h"], ["help"]])
def test_help__names_every_command(shared, args):
    p = shared.run(*args)
    assert p.returncode == OK
    for c in COMMANDS:
        assert c in out(p)


@pytest.mark.parametrize("args", [
    [], ["nonsense"], ["serve", "--nonsense"], ["serve", "extra"], ["serve", "-c"], ["send"], ["send", "--to", "+14155550123"],
    ["send", "--to", "x", "--body", "y", "--template", "z"], ["send", "--nonsense"], ["key"], ["key", "nonsense"],
    ["key", "create", "--nonsense"], ["key", "create", "extra"], ["key", "revoke"], ["key", "list", "extra"], ["render"],
    ["render", "-t", "a", "-f", "b"], ["render", "--nonsense"], ["mood"], ["mood", "a", "b"],
    ["mood", "--nonsense", "a"], ["config"], ["config", "nonsense"], ["config", "check", "--nonsense"],
    ["config", "explain", "nonsense.key"], ["doctor", "--nonsense"], ["doctor", "extra"], ["migrate", "--nonsense"],
    ["migrate", "extra"], ["simulator", "--nonsense"], ["simulator", "extra"], ["simulator", "--listen", "nonsense"],
    ["version", "--nonsense"], ["version", "extra"]], ids=" ".join)
def test_wrong_usage__64_and_told_on_stderr(shared, args):
    p = shared.run(*args)
    assert p.returncode == USAGE, (p.returncode, out(p), err(p))
    assert p.stderr and not p.stdout


def test_version__plain_and_json(shared):
    assert re.fullmatch(r"hongyan \d+\.\d+\.\d+\S*\n", out(shared.run("version")))
    assert json.loads(out(shared.run("version", "--json")))["name"] == "hongyan"
    assert shared.run("--version").returncode == OK


# ---- keys ----

def test_keys__are_made_listed_and_revoked(shared):
    g, c = shared, ["-c", str(shared.config)]
    p = g.run("key", "create", *c, "--name", "my \"key\"\n", "--scopes", "send", "--json")
    assert p.returncode == OK, err(p)
    made = json.loads(out(p))
    assert made["key"].startswith(made["sid"] + ".") and made["account"].startswith("AC") and len(made["auth_token"]) == 32
    rows = json.loads(out(g.run("key", "list", *c, "--json")))
    row = next(r for r in rows if r["sid"] == made["sid"])
    assert row["name"] == "my \"key\"\n" and row["scopes"] == "send" and row["revoked_at"] is None
    secret = made["key"].split(".")[1]
    assert secret not in out(g.run("key", "list", *c)) + out(g.run("key", "list", *c, "--json"))
    assert made["auth_token"] not in out(g.run("key", "list", *c))
    assert g.run("key", "revoke", *c, made["sid"]).returncode == OK
    row = next(r for r in json.loads(out(g.run("key", "list", *c, "--json"))) if r["sid"] == made["sid"])
    assert row["revoked_at"]
    p = g.run("key", "create", *c)
    assert "SK" in out(p) and "AC" in out(p)


def test_keys__wrong_input(shared):
    g, c = shared, ["-c", str(shared.config)]
    p = g.run("key", "create", *c, "--scopes", "sned")
    assert p.returncode == DATA and "sned" in err(p) and "send" in err(p)
    p = g.run("key", "create", *c, "--scopes", "")
    assert p.returncode in (DATA, USAGE)
    p = g.run("key", "revoke", *c, "SK" + "0" * 32)
    assert p.returncode == NO_INPUT and "SK" in err(p)
    for name in ("", "x" * 5000):
        p = g.run("key", "create", *c, "--account", name)
        assert p.returncode in (DATA, USAGE), (name[:5], p.returncode, out(p), err(p))
    p = g.run("key", "create", *c, "--name", "x" * 5000)
    assert p.returncode in (OK, DATA, USAGE)
    p = g.run("key", "create", *c, "--name", b"\xff\xfe")
    listed = g.run("key", "list", *c, "--json").stdout
    json.loads(listed.decode("utf-8"))


def test_keys__settings_wrong_or_missing(start):
    g = start.gateway()
    p = g.run("key", "list", "-c", "nowhere.yaml")
    assert p.returncode in (NO_INPUT, CONFIG) and "nowhere.yaml" in err(p), (p.returncode, err(p))
    g.config.write_text("lisen: x\n")
    p = g.run("key", "list", "-c", str(g.config))
    assert p.returncode == CONFIG, (p.returncode, err(p))


# ---- send ----

def env(g, **more):
    return {"HONGYAN_URL": g.url, "HONGYAN_KEY": g.key, **more}


def test_send__waits_for_the_delivery(shared):
    p = shared.run("send", "--to", "+14155550123", "--body", "from the shell: 'quotes' \"and\" \\ 好", "--wait", env=env(shared))
    assert p.returncode == OK, err(p)
    sid, status = out(p).split()[:2]
    assert status == "delivered"
    assert shared.message(sid)["body"] == "from the shell: 'quotes' \"and\" \\ 好"
    p = shared.run("send", "--to", "+14155550123", "--body", "x", "--wait", "--json", env=env(shared))
    assert json.loads(out(p))["status"] == "delivered"
    p = shared.run("send", "--to", "+14155550123", "--body", "x", "--json", env=env(shared))
    assert json.loads(out(p))["id"].startswith("SM")


def test_send__a_failure_has_its_exit_code(shared):
    p = shared.run("send", "--to", "+15005550105", "--body", "x", "--wait", env=env(shared))
    assert p.returncode == UNAVAILABLE and "undelivered" in out(p)
    p = shared.run("send", "--to", "nonsense", "--body", "x", env=env(shared))
    assert p.returncode == DATA and "422" in err(p)
    p = shared.run("send", "--to", "+14155550123", "--body", "x", env=env(shared, HONGYAN_KEY="SK.wrong"))
    assert p.returncode == NO_PERMISSION and "401" in err(p)
    p = shared.run("send", "--to", "+14155550123", "--body", "x", env={"HONGYAN_URL": shared.url})
    assert p.returncode == NO_PERMISSION and "HONGYAN_KEY" in err(p)
    p = shared.run("send", "--to", "+14155550123", "--body", "x", env=env(shared, HONGYAN_URL="http://127.0.0.1:%d" % free_port()))
    assert p.returncode == UNAVAILABLE and "running" in err(p)
    p = shared.run("send", "--to", "+14155550123", "--body", "x", env=env(shared, HONGYAN_URL="nonsense"))
    assert p.returncode in (DATA, USAGE, UNAVAILABLE) and err(p)
    p = shared.run("send", "--to", "+14155550123", "--template", "none", "--vars", "{broken", env=env(shared))
    assert p.returncode in (DATA, USAGE) and err(p)
    p = shared.run("send", "--to", "+14155550123", "--body", "x" * 100_000, env=env(shared))
    assert p.returncode == DATA and "long" in err(p) + "long" * ("413" in err(p)), err(p)


def test_send__vars_cannot_smuggle_fields(shared):
    """--vars is one JSON value, not a piece of the request."""
    p = shared.run("send", "--to", "+14155550123", "--template", "none", "--vars", '{},"body":"smuggled"', env=env(shared))
    assert p.returncode in (DATA, USAGE), out(p)


# ---- render ----

@pytest.fixture
def templates(start, tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "code.txt").write_text("Hello {{ name }}")
    (folder / "code.zh.txt").write_text("你好 {{ name }}")
    return start.gateway({"templates": {"dir": str(folder)}})


def test_render__text_and_segments(templates):
    g, c = templates, ["-c", str(templates.config)]
    p = g.run("render", "-t", "code", *c, "--vars", '{"name":"Li"}')
    assert p.returncode == OK and "Hello Li" in out(p), err(p)
    p = g.run("render", "-t", "code", "--lang", "zh-CN", *c, "--vars", '{"name":"Li"}', "--json")
    assert p.returncode == OK, err(p)
    assert json.loads(out(p))["text"] == "你好 Li"
    p = g.run("render", "-f", "-", "--vars", '{"n":3}', stdin=b"{{ n * 2 }}")
    assert p.returncode == OK and "6" in out(p), err(p)


def test_render__says_what_forced_ucs2_and_what_avoiding_it_costs(templates):
    p = templates.run("render", "-f", "-", "--json", stdin="It’s € 5 — ok".encode())
    right = {"text": "It’s € 5 — ok", "encoding": "UCS-2", "segments": 1, "units": 13, "units_left": 57,
             "forced_ucs2": ["’", "—"], "gsm7_segments": 1, "gsm7_units": 14}
    assert {k: v for k, v in json.loads(out(p)).items() if k in right} == right
    p = templates.run("render", "-f", "-", stdin="It’s".encode())
    assert "’" in err(p) and "4" in err(p)


def test_render__lengths_tell_variables_and_segments(templates):
    def told(source, lengths):
        p = templates.run("render", "-f", "-", "--lengths", lengths, stdin=source.encode())
        return json.loads(out(p)) if p.returncode == OK else err(p)

    assert told("{{ name }}: {{ text|default('-') }}", '{"name":[2,20,"ascii"],"text":[0,300,"gsm7"]}') == {
        "variables": [{"name": "name", "required": True}, {"name": "text", "required": False}],
        "segments_least": 1, "segments_most": 3, "ucs2": "no"}
    assert told("中{{ n }}", '{"*":[1,9]}')["ucs2"] == "certain"
    assert told("{{ n * 3 }}", "{}")["segments_most"] is None
    for broken in ("", "[]", "{", '{"a":1}', '{"a":[2,1]}', '{"a":[1,2,"latin"]}', '{"a":[0,1e9]}', '{"a":[-1,2]}'):
        assert "--lengths" in told("x", broken), broken


def test_render__without_settings_is_as_strict_as_with_them_and_names_the_file(templates, tmp_path):
    file = tmp_path / "ready.txt"
    file.write_text("Hello {{ name }}\n{{ order }}\n")
    p = templates.run("render", "-f", str(file), "--vars", '{"name":"Li"}')
    assert p.returncode == DATA and "ready.txt:2:" in err(p) and "'order' is undefined" in err(p), err(p)
    file.write_text("{{ na")
    p = templates.run("render", "-f", str(file))
    assert p.returncode == DATA and "ready.txt:1:" in err(p), err(p)


def test_render__what_is_wrong_is_told(templates):
    g, c = templates, ["-c", str(templates.config)]
    assert g.run("render", "-t", "none", *c).returncode in (NO_INPUT, DATA)
    p = g.run("render", "-t", "code", *c)
    assert p.returncode == DATA and "name" in err(p), (p.returncode, err(p))
    assert g.run("render", "-f", "/nowhere").returncode == NO_INPUT
    for broken in ("{broken", "[]", "5", ""):
        p = g.run("render", "-t", "code", *c, "--vars", broken)
        assert p.returncode in (DATA, USAGE) and err(p), (broken, out(p))
    p = g.run("render", "-f", "-", stdin=b"{{ x")
    assert p.returncode == DATA and "1" in err(p)
    for raw in (b"\xff\xfe", b"\0", b"{{" * 10_000, b"{% for i in range(100000000) %}x{% endfor %}", b"x" * 5_000_000, b"("):
        p = g.run("render", "-f", "-", stdin=raw, timeout=60)
        assert p.returncode in (OK, DATA), (raw[:10], p.returncode, err(p)[:300])


# ---- mood ----

@pytest.mark.parametrize("text, label", [("Great service, thanks!", "positive"), ("太差了，骗子", "negative"), ("at 5 pm", "neutral")])
def test_mood__of_a_text(shared, text, label):
    p = shared.run("mood", "--json", text)
    assert p.returncode == OK, err(p)
    said = json.loads(out(p))
    assert said["label"] == label and -1 <= said["polarity"] <= 1 and said["words"] >= 0
    p = shared.run("mood", "-", stdin=text.encode())
    assert p.returncode == OK and label in out(p), err(p)
    p = shared.run("mood", text, env=CHINESE)
    assert p.returncode == OK and HAN.search(out(p)), err(p)


def test_mood__any_bytes_are_a_text_but_not_without_end(shared):
    for raw in (b"", b"\xff\xfe", b"\0", b"a-" * 500_000):
        p = shared.run("mood", "--json", "-", stdin=raw, timeout=60)
        assert p.returncode == OK and json.loads(out(p))["label"], (raw[:10], err(p))
    p = shared.run("mood", "-", stdin=b"x" * 1_100_000, timeout=60)
    assert p.returncode == DATA and err(p)


# ---- config ----

def check(g, yaml, *args):
    g.config.write_bytes(yaml if isinstance(yaml, bytes) else yaml.encode())
    return g.run("config", "check", "-c", str(g.config), *args)


LANE = "lanes:\n  - name: sim\n    provider: twilio\n    account_sid: AC" + "1" * 32 + "\n    auth_token: ${TOK}\n    from: \"+15005550006\"\n"


def test_config_check__fine(shared):
    assert shared.run("config", "check", "-c", str(shared.config)).returncode == OK
    p = shared.run("config", "check", "-c", "nowhere.yaml")
    assert p.returncode == NO_INPUT and "nowhere.yaml" in err(p) + out(p)


BROKEN = [
    ("lisen: 127.0.0.1:1\n" + LANE, 1, "listen"), ("listen: [\n", 2, ""), ("listen: 127.0.0.1:99999\n" + LANE, 1, "listen"),
    ("listen: localhost:80\n" + LANE, 1, "listen"), ("# one\n\nlog:\n  level: loud\n" + LANE, 4, "level"),
    ("limits:\n  idle_s: -1\n" + LANE, 2, "idle_s"), ("limits:\n  idle_s: 99999999999999999999\n" + LANE, 2, "idle_s"),
    ("limits:\n  idle_s: [1]\n" + LANE, 2, "idle_s"), (LANE.replace("${TOK}", "literal-secret"), 5, "auth_token"),
    (LANE.replace("TOK", "NOT_SET"), 5, "NOT_SET"), (LANE.replace("twilio", "twillio"), 3, "twilio"), ("listen: 127.0.0.1:1\n", None, "lanes"),
    (LANE + LANE[7:], None, "earlier lane"), ("listen: a\nlisten: b\n" + LANE, 2, "listen"), ("- a\n- b\n", 1, ""), ("a: &x 1\nb: *x\n", 1, ""),
    ("\ttabs: 1\n", 1, ""), ("--- \na: 1\n---\nb: 1\n", None, ""), ("", None, ""), (b"\xff\xfe\n", None, ""), (b"a: \x00\n", None, ""),
    ("a: " + "[" * 5000 + "\n", 1, ""), ("public_url: ftp://x\n" + LANE, 1, "public_url"), ("database: mysql:x\n" + LANE, 1, "sqlite"),
    ("defaults:\n  region: ZZZ\n" + LANE, 2, "region"), ("retry: 5\n" + LANE, 1, "retry"), ("threads:\n  front: 0\n" + LANE, 2, "front"),
    ("x" * 1_100_000, None, ""), (LANE.replace("name: sim", "name: S I M"), 2, "name"), ("!!python/object:os.system a: 1\n", 1, "")]


@pytest.mark.parametrize("yaml,line,word", BROKEN, ids=[repr(y[:24]) for y, _, _ in BROKEN])
def test_config_check__broken_file(shared, start, yaml, line, word):
    g = start.gateway()
    p = check(g, yaml)
    told = err(p) + out(p)
    expected = CONFIG if len(yaml) < 1024 * 1024 else NO_INPUT
    assert p.returncode == expected, (p.returncode, told)
    assert g.config.name in told and word in told, told
    if line:
        assert "hongyan.yaml:%d:" % line in told, told
    assert "literal-secret" not in told
    assert len(told) < 20_000
    p = check(g, yaml, "--json")
    assert p.returncode == expected
    json.loads(out(p))
    p = g.run("serve", "-c", str(g.config))
    assert p.returncode == CONFIG, (p.returncode, err(p))


def test_config_print__keeps_secrets(shared):
    p = shared.run("config", "print", "-c", str(shared.config))
    assert p.returncode == OK and "***" in out(p) and shared.env["TOK"] not in out(p)


def test_config_explain__every_key_in_both_languages(shared):
    for key in ("listen", "limits.idle_s", "lanes.timeout_ms", "log", "lanes"):
        p = shared.run("config", "explain", key)
        assert p.returncode == OK and not HAN.search(out(p)), out(p)
        assert HAN.search(out(shared.run("config", "explain", "--zh", key)))
    p = shared.run("config", "explain", "limits.idel_s")
    assert p.returncode == USAGE and "limits.idle_s" in err(p)


# ---- doctor and migrate ----

def findings(p):
    return {row["check"]: row["result"] for row in json.loads(out(p))}


def test_doctor__all_well(shared):
    p = shared.run("doctor", "-c", str(shared.config))
    assert p.returncode == OK, out(p)
    f = findings(shared.run("doctor", "-c", str(shared.config), "--json"))
    assert f["lane sim"] == "ok" and f["database"] == "ok" and f["data_dir"] == "ok" and f["public_url"] == "ok", f


def test_doctor__finds_what_is_wrong(start, tmp_path):
    g = start.gateway(provider_url="http://127.0.0.1:%d" % free_port())
    p = g.run("doctor", "-c", str(g.config), "--json")
    assert p.returncode == UNAVAILABLE and findings(p)["lane sim"] == "failure", out(p)
    assert findings(p)["public_url"] == "warning"
    g.write(screen={"words": [str(tmp_path / "none.txt")]})
    p = g.run("doctor", "-c", str(g.config), "--json")
    assert findings(p)["templates, words"] == "failure"
    assert "none.txt" in out(p)
    g.config.write_text("lisen: x\n")
    assert g.run("doctor", "-c", str(g.config)).returncode == CONFIG
    assert g.run("doctor", "-c", "nowhere.yaml").returncode in (NO_INPUT, CONFIG)


def test_doctor__finds_wrong_credentials(start):
    g = start.gateway()
    g.sim.stop()
    import subprocess
    from harness.hostile_gateway import BINARY, LANE_SID
    port = free_port()
    sim = subprocess.Popen([BINARY, "simulator", "--listen", "127.0.0.1:%d" % port, "--account-sid", LANE_SID, "--auth-token", "f" * 32],
                           stdout=subprocess.DEVNULL)
    try:
        g.write(lanes=[g.lane("sim", "http://127.0.0.1:%d" % port)])
        until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        p = g.run("doctor", "-c", str(g.config), "--json")
        assert p.returncode == UNAVAILABLE and findings(p)["lane sim"] == "failure", out(p)
        assert g.env["TOK"] not in out(p) + err(p)
    finally:
        sim.kill()
        sim.wait()


def test_doctor__finds_a_corrupt_database(start):
    g = start.gateway()
    g.data.mkdir()
    (g.data / "hongyan.db").write_bytes(b"noise" * 10_000)
    p = g.run("doctor", "-c", str(g.config), "--json")
    assert p.returncode == UNAVAILABLE and findings(p)["database"] == "failure", out(p)


def test_doctor__data_dir_that_cannot_be_made(start):
    g = start.gateway(data_dir="/proc/nowhere/data")
    p = g.run("doctor", "-c", str(g.config), "--json")
    assert findings(p)["data_dir"] in ("warning", "failure")


def test_migrate__twice(start):
    g = start.gateway()
    p = g.run("migrate", "-c", str(g.config))
    assert p.returncode == OK and "->" in out(p), err(p)
    assert g.run("migrate", "-c", str(g.config)).returncode == OK


# ---- Chinese ----

def test_chinese_locale__messages_are_chinese(shared, start):
    for name in ("LANG", "LC_ALL", "LC_MESSAGES"):
        assert HAN.search(out(shared.run("--help", env={name: "zh_CN.UTF-8"})))
    assert not HAN.search(out(shared.run("--help", env={"LANG": "zh_CN.UTF-8", "LC_ALL": "C"})))
    c = ["-c", str(shared.config)]
    assert HAN.search(out(shared.run("key", "create", *c, env=CHINESE)))
    assert HAN.search(out(shared.run("doctor", *c, env=CHINESE)))
    assert HAN.search(err(shared.run("send", "--to", "x", "--body", "y", env=CHINESE)))
    assert HAN.search(out(shared.run("config", "explain", "listen", env=CHINESE)))
    assert HAN.search(err(shared.run("nonsense", env=CHINESE)))
    assert json.loads(out(shared.run("doctor", *c, "--json", env=CHINESE)))
    for row in json.loads(out(shared.run("key", "list", *c, "--json", env=CHINESE))):
        assert not HAN.search(row["scopes"])


def test_chinese_locale__json_stays_english(shared):
    p = shared.run("doctor", "-c", str(shared.config), "--json", env=CHINESE)
    assert not HAN.search(out(p)), "cli.h: with --json a command prints JSON, always in English"
