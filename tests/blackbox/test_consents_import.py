"""The history of consents as a file: taken once however often it is imported, moved whole, refused lines reported, killed in the middle."""
import json
import signal
import subprocess
import time
import urllib.parse

from harness.gateway import call
from harness.hostile_gateway import BINARY

LI, HAN = "+8613800138000", "+8613800138001"
HEAD = "number,act,topic,at,by,method,text,ip,url,note,source\n"


def run(g, *args, stdin=None):
    return subprocess.run([str(BINARY), *args, "-c", str(g.config)], input=stdin, capture_output=True, timeout=120, env=g.env)


def take(g, path, *more):
    done = run(g, "import", "consents", str(path), "--json", *more)
    return done.returncode, json.loads(done.stdout)


def export(g, *more):
    done = run(g, "export", "consents", *more)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def history(g, number=LI):
    return g.get("/v1/consents/" + urllib.parse.quote(number, safe="")).json["data"]


def fate(g, number, topic="marketing"):
    m = g.message(g.create(to=number, topic=topic, body="offers"))
    return m["reason"] if m["status"] == "suppressed" else "goes"


def test_consents__of_a_file_hold_at_once_and_a_second_import_adds_nothing(make_gateway, tmp_path):
    g = make_gateway(consent={"required_topics": ["marketing"]})
    f = tmp_path / "consents.csv"
    f.write_bytes(("\ufeffNumber,Act,Topic,At,Method,Text,IP\r\n"
                   '138 0013 8000,granted,marketing,2026-01-31T08:30:00Z,"paper, signed","同意 ""促销""",203.0.113.7\r\n'
                   "+8613800138001,granted,marketing,2026-01-01T00:00:00+08:00,,,\r\n"
                   "+8613800138001,withdrawn,marketing,2026-02-01T00:00:00Z,,,\r\n"
                   "+8613800138001,granted,marketing,2026-01-15T00:00:00Z,late,,\r\n").encode())
    assert fate(g, LI) == "no_consent"
    for added, renewed in ((4, 0), (0, 4)):
        code, said = take(g, f)
        assert (code, said["added"], said["renewed"], said["refused"]) == (0, added, renewed, 0), said
    c = history(g)
    assert [(x["act"], x["source"], x["method"], x["text"], x["ip"], x["at"]) for x in c] == \
        [("granted", "import", "paper, signed", '同意 "促销"', "203.0.113.7", "2026-01-31T08:30:00.000Z")]
    assert fate(g, LI) == "goes" and fate(g, HAN) == "opted_out"


def test_history__goes_to_another_installation_whole_in_both_forms(make_gateway, tmp_path):
    g = make_gateway()
    g.post("/v1/consents", {"number": LI, "act": "granted", "topic": "news", "text": "line one\nline two", "url": "https://shop.example/?a=1,2"})
    g.post("/v1/consents", {"number": "li@example.com", "act": "withdrawn", "by": "clerk 7"})
    other = make_gateway(consent={"required_topics": ["news"]})
    nd = tmp_path / "all.ndjson"
    nd.write_text(export(g, "--format", "ndjson"))
    code, said = take(other, nd)
    assert (code, said["added"]) == (0, 2), said
    assert export(other, "--format", "ndjson") == export(g, "--format", "ndjson")
    assert history(other)[0]["text"] == "line one\nline two" and fate(other, LI, "news") == "goes"
    out = tmp_path / "all.csv"
    out.write_text(export(g))
    assert out.read_text().startswith(HEAD)
    assert take(other, out)[1]["renewed"] == 2
    third = make_gateway()
    assert take(third, out)[1]["added"] == 2 and history(third)[0]["text"] == "line one\nline two"
    assert export(third) == export(g)


def test_records__run_over_lines_in_quotes_and_a_slip_swallows_no_line(gateway, tmp_path):
    rows = [LI + ',granted,news,2026-01-01T00:00:00Z,,paper,"同意:\r\n一、""促销""\r\n\r\n二、通知"', "no number,granted,news,2026-01-01T00:00:00Z",
            HAN + ',granted,news,2026-01-01T00:00:00Z,,"a slip', "+8613800138002,granted,news,2026-01-01T00:00:00Z", '+8613800138003,granted,"news",2026-01-01T00:00:00Z',
            '+8613800138004,granted,news,2026-01-01T00:00:00Z,,,"of the last: no end', "+8613800138005,granted,news,2026-01-01T00:00:00Z"]
    f = tmp_path / "lines.csv"
    f.write_bytes((HEAD + "\r\n".join(rows)).encode())
    code, said = take(gateway, f)
    assert (code, said["lines"], said["added"], [r["line"] for r in said["first_refused"]]) == (65, 11, 4, [6, 7, 10]), said
    assert all("a quote is not closed" in r["error"] for r in said["first_refused"][1:])
    assert history(gateway)[0]["text"] == '同意:\n一、"促销"\n\n二、通知'
    long = tmp_path / "long.csv"  # longer than what is held of a file at once
    long.write_text(HEAD + "".join('+861390%07d,granted,news,2026-01-01T00:00:00Z,,,"one\n%d\nthree"\n' % (i, i) for i in range(9000)))
    code, said = take(gateway, long)
    assert (code, said["lines"], said["added"]) == (0, 27001, 9000), said
    assert history(gateway, "+8613900008999")[0]["text"] == "one\n8999\nthree"
    listed = run(gateway, "import", "suppressions", "-", "--json", stdin=b'number,note\n+8613800138006,"called,\nangry"\n+8613800138007,"x\n')
    said = json.loads(listed.stdout)
    assert (said["lines"], said["added"], [r["line"] for r in said["first_refused"]]) == (4, 1, [4]), said
    assert '"called,\nangry"' in run(gateway, "export", "suppressions").stdout.decode()


def test_lines__that_are_wrong_are_left_out_named_and_reported_whole(gateway, tmp_path):
    f, report = tmp_path / "c.csv", tmp_path / "refused.ndjson"
    wrong = ["no number,granted,news,2026-01-01T00:00:00Z", "%s,perhaps,news,2026-01-01T00:00:00Z" % LI, "%s,granted,news," % LI,
             "%s,granted,news,2126-01-01T00:00:00Z" % LI, "%s,granted,%s,2026-01-01T00:00:00Z" % (LI, "x" * 65), '%s,"granted' % LI, "1,2,3,4,5,6,7,8,9,10,11,12",
             LI + ",granted,caf\udce9,2026-01-01T00:00:00Z", "x" * 100000]
    f.write_bytes((HEAD + "\n".join(wrong * 30) + "\n" + "%s,granted,news,2026-01-01T00:00:00Z\n" % LI).encode("utf-8", "surrogateescape"))
    code, said = take(gateway, f, "--refused", str(report))
    assert (code, said["added"], said["refused"], len(said["first_refused"])) == (65, 1, 270, 100), said
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    assert [r["line"] for r in rows] == list(range(2, 272)) and all(r["error"] and r["text"] for r in rows)
    assert [r["text"] for r in rows[:7]] == wrong[:7] and len(rows[8]["text"]) == 64 * 1024
    assert [r.get("field") for r in rows[1:5]] == ["act", "at", "at", "topic"]
    assert take(gateway, tmp_path / "c.csv", "--refused", "/nowhere/at/all")[0] != 0
    odd = tmp_path / "odd.ndjson"
    odd.write_text('{"number": 7}\n[]\n{"x": "y"}\nnot json\n' + "[" * 50000 + "\n")
    assert take(gateway, odd)[1]["refused"] == 5
    gbk = tmp_path / "gbk.csv"
    gbk.write_bytes((HEAD + LI + ",granted,新闻,2026-01-01T00:00:00Z\n").encode("gbk"))
    assert take(gateway, gbk)[1]["first_refused"][0]["error"].startswith("topic is not UTF-8 (of a file in GBK say --encoding gbk)")
    assert take(gateway, gbk, "--encoding", "gbk")[1]["added"] == 1


def test_import__that_was_killed_is_run_again_and_nothing_is_twice(gateway, tmp_path):
    f = tmp_path / "many.csv"
    n = 20000
    f.write_text(HEAD + "".join("+861390%07d,granted,news,2026-01-01T00:00:00Z\n" % i for i in range(n)))
    p = subprocess.Popen([str(BINARY), "import", "consents", str(f), "--json", "-c", str(gateway.config)], stdout=subprocess.PIPE, env=gateway.env)
    deadline = time.monotonic() + 60
    while not history(gateway, "+8613900001500") and time.monotonic() < deadline and p.poll() is None:
        time.sleep(0.01)
    p.send_signal(signal.SIGKILL)
    p.wait()
    p.stdout.close()
    code, said = take(gateway, f)
    assert code == 0 and said["added"] + said["renewed"] == n and said["renewed"] > 0, said
    assert export(gateway).count("\n") == n + 1


# ---- over HTTP ----

def post_part(g, body, kind="text/csv", **query):
    path = "/v1/imports/consents?" + "&".join("%s=%s" % kv for kv in query.items())
    return call(g.port, "POST", path, body, {**g.bearer, "Content-Type": kind}, timeout=60)


def test_http__parts_of_a_file_are_taken_once_their_lines_counted_and_wrong_ones_named(make_gateway):
    g = make_gateway(consent={"required_topics": ["marketing"]})
    lines = ["number,act,topic,at,text,by"] + ["+86138%08d,granted,marketing,2026-01-01T00:00:00Z,同意,form %d" % (i, i) for i in range(900)]
    lines[7] = "no number,granted,marketing,2026-01-01T00:00:00Z,,"
    lines[9] = "+8613900000009,granted,marketing,2126-01-01T00:00:00Z,,"
    lines[10] = '+8613900000010,granted,marketing,2026-01-01T00:00:00Z,"one\ntwo",'
    first, rest = "\ufeff" + "\r\n".join(lines[:451]) + "\r\n", "\n".join(lines[451:])
    assert fate(g, "+8613800000000") == "no_consent"
    looked = post_part(g, first.encode(), dry_run="true")
    assert (looked.status, looked.json["added"], looked.json["dry_run"], len(looked.json["refused"])) == (200, 0, True, 2), looked
    assert fate(g, "+8613800000000") == "no_consent"
    a = post_part(g, first.encode())
    assert a.status == 200, a
    assert (a.json["lines"], a.json["next_line"], a.json["added"], [(r["line"], r["column"], r["field"]) for r in a.json["refused"]]) == \
        (452, 453, 448, [(8, 1, "number"), (10, 4, "at")]), a
    assert a.json["refused"][1]["detail"] == "this time has not come"
    again = post_part(g, first.encode())
    assert (again.json["added"], again.json["renewed"]) == (0, 448), again
    b = post_part(g, rest.encode(), line=453, columns="number,act,topic,at,text,by")
    assert (b.status, b.json["added"], b.json["next_line"]) == (200, 450, 903), b
    said = history(g, "+8613800000000")
    assert [(c["act"], c["topic"], c["source"], c["by"], c["text"], c["at"]) for c in said] == \
        [("granted", "marketing", "import", "form 0", "同意", "2026-01-01T00:00:00.000Z")]
    assert history(g, "+8613900000010")[0]["text"] == "one\ntwo"
    assert fate(g, "+8613800000000") == "goes" and fate(g, "+8613800000899") == "goes"
    nd = "\n".join(json.dumps(r) for r in ({"number": LI, "act": "withdrawn", "at": "2026-02-01T00:00:00Z"}, {"number": LI, "act": 7}, {"number": HAN, "nmae": "x"}))
    c = post_part(g, nd.encode() + b"\n\xff\n" + b"[" * 9000, kind="application/x-ndjson")
    assert (c.status, c.json["added"], [r["line"] for r in c.json["refused"]]) == (200, 1, [2, 3, 4, 5]), c
    assert fate(g, LI) == "opted_out"


def test_http__what_cannot_be_a_part_of_consents_is_refused_whole(gateway):
    g = gateway
    assert post_part(g, b"number\n", kind="application/json").status in (400, 415)
    for body, query in ((b"number,nmae\na,b\n", {}), (b"x", {"columns": "act,at"}), (b"x", {"columns": "number," * 20})):
        a = post_part(g, body, **query)
        assert (a.status, a.json["field"]) == (400, "columns"), a
    many = "".join("+86138%08d,granted,,2026-01-01T00:00:00Z\n" % i for i in range(501)).encode()
    assert post_part(g, many).status == 413
    read_only = g.create_key(scopes="read")["key"]
    refused = call(g.port, "POST", "/v1/imports/consents", many[:100], {"Authorization": "Bearer " + read_only, "Content-Type": "text/csv"})
    assert refused.status == 403, refused
    a = post_part(g, b"x\n" * 20000)
    assert a.status == 200 and len(a.json["refused"]) + a.json["refused_more"] == 20000 and a.json["refused_more"] > 0, a.status
    assert export(g).count("\n") == 1
