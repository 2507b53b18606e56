"""The list of those not written to as a file over HTTP: part by part, refused lines reported, held at once. (What waits already: test_opt_outs_queued.py.)"""
import json
import urllib.parse

from harness.gateway import call

LI, HAN, WANG = "+8613800138000", "+8613800138001", "+8613800138002"
HEAD = "number,kind,topic,note,expires_at"


def post_part(g, body, kind="text/csv", key=None, **query):
    path = "/v1/imports/suppressions?" + urllib.parse.urlencode(query)
    bearer = {"Authorization": "Bearer " + key} if key else g.bearer
    return call(g.port, "POST", path, body, {**bearer, "Content-Type": kind}, timeout=60)


def rows(g, number):
    return g.get("/v1/suppressions/" + urllib.parse.quote(number, safe="")).json["data"]


def test_parts__are_taken_their_lines_counted_wrong_ones_named_and_hold_at_once(make_gateway):
    g = make_gateway()
    lines = [HEAD] + ["+86138%08d,,,form %d," % (i, i) for i in range(900)]
    lines[7] = "no number,,,,"
    lines[9] = "+8613900000009,perhaps,,,"
    lines[10] = '+8613900000010,opt_out,news,"one\ntwo",2126-01-01T00:00:00Z'
    lines[11] = ""
    first, rest = "\ufeff" + "\r\n".join(lines[:451]) + "\r\n", "\n".join(lines[451:])
    looked = post_part(g, first.encode(), dry_run="true")
    assert (looked.status, looked.json["added"], looked.json["records"], looked.json["dry_run"]) == (200, 0, 449, True), looked
    assert rows(g, "+8613800000000") == []
    a = post_part(g, first.encode())
    assert a.status == 200, a
    # 451 lines and one within quotes; of them a head, and one that is empty
    assert (a.json["lines"], a.json["records"], a.json["next_line"], a.json["added"], a.json["renewed"]) == (452, 449, 453, 447, 0), a
    assert [(r["line"], r["column"], r["field"]) for r in a.json["refused"]] == [(8, 1, "number"), (10, 2, "kind")], a
    assert a.json["refused"][1]["detail"] == "kind is opt_out, block or invalid"
    again = post_part(g, first.encode())
    assert (again.json["added"], again.json["renewed"]) == (0, 447), again
    b = post_part(g, rest.encode(), line=453, columns=HEAD)
    assert (b.status, b.json["added"], b.json["records"], b.json["lines"], b.json["next_line"]) == (200, 450, 450, 450, 903), b
    row = rows(g, "+8613900000010")[0]
    assert (row["kind"], row["topic"], row["note"], row["source"], row["everyone"], row["expires_at"]) == \
        ("opt_out", "news", "one\ntwo", "import", False, "2126-01-01T00:00:00.000Z"), row
    assert row["by"].startswith("SK"), row  # the key that it came by
    for number in ("+8613800000000", "+8613800000899"):
        m = g.message(g.create(to=number, body="hello"))
        assert (m["status"], m["reason"]) == ("suppressed", "opted_out"), m
    nd = "\n".join(json.dumps(r) for r in ({"number": LI}, {"number": LI, "kind": 7}, {"number": HAN, "nmae": "x"}, {"number": "138 0013 8002", "kind": "block", "topic": None}))
    c = post_part(g, nd.encode() + b"\n\xff\n" + b"[" * 9000, kind="application/x-ndjson", key=g.create_key(scopes="send,admin")["key"])
    assert (c.status, c.json["added"], [r["line"] for r in c.json["refused"]]) == (200, 2, [2, 3, 5, 6]), c
    assert [r["kind"] for r in rows(g, WANG)] == ["block"]


def test_blocks__are_refused_line_by_line_to_whoever_may_not_make_them(gateway):
    key = gateway.create_key(scopes="send")["key"]
    a = post_part(gateway, (LI + ",block\n" + HAN + ",opt_out\n").encode(), key=key)
    assert (a.status, a.json["added"], [r["line"] for r in a.json["refused"]]) == (200, 1, [1]), a
    assert "admin" in a.json["refused"][0]["detail"]
    assert rows(gateway, LI) == [] and len(rows(gateway, HAN)) == 1


def test_accounts__get_rows_of_their_own(make_gateway):
    g = make_gateway()
    other = g.create_key(account="other")["key"]
    assert post_part(g, (LI + "\n").encode(), key=other).json["added"] == 1
    assert rows(g, LI) == []


def test_what_cannot_be_a_part_is_refused_whole(gateway):
    g = gateway
    assert post_part(g, b"number\n", kind="application/json").status in (400, 415)
    for body, query in ((b"number,nmae\na,b\n", {}), (b"x", {"columns": "kind,topic"}), (b"x", {"columns": "number," * 20})):
        a = post_part(g, body, **query)
        assert (a.status, a.json["field"]) == (400, "columns"), a
    assert "number, kind, topic, note, expires_at" in post_part(g, b"number,nmae\na,b\n").json["detail"]
    many = "".join("+86138%08d\n" % i for i in range(501)).encode()
    assert post_part(g, many).status == 413
    assert post_part(g, many[:100], key=g.create_key(scopes="read")["key"]).status == 403
    a = post_part(g, b"x\n" * 20000)
    assert a.status == 200 and len(a.json["refused"]) + a.json["refused_more"] == a.json["records"] == 20000 and a.json["refused_more"] > 0, a.status
    assert g.get("/v1/suppressions").json["data"] == []
