#!/usr/bin/env python3
"""Reads every message of the case files as a mail program would (Python's e-mail package) and holds what it finds against the
[attempt]: nothing added, nothing lost, nothing that the package calls a defect."""
import email
import email.policy
import email.utils
import pathlib
import re
import sys

LINE_MAX = 998  # RFC 5322, 2.1.1; encoded parts and words keep to 76


def sections(path):
    out, name = {}, None
    for line in path.read_text(encoding="utf-8").split("\n"):
        head = re.fullmatch(r"\[([a-z]+)\]", line)
        if head:
            name = head.group(1)
            out[name] = []
        elif name:
            out[name].append(line)
    return {k: "\n".join(v).rstrip("\n") for k, v in out.items()}


def unescape(v):
    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", lambda m: chr(int(m[1][1:], 16)) if len(m[1]) > 1 else
                  {"n": "\n", "t": "\t"}.get(m[1], m[1]), v)


def pairs(text):
    return {k: unescape(v) for k, v in (line.split(": ", 1) for line in text.split("\n") if ": " in line)}


def one_line(v):
    return re.sub(r"[\x00-\x1f\x7f]", " ", v)


def lines(v):
    return v.replace("\r\n", "\n").rstrip("\n")


def check(path, case):
    attempt, lane = pairs(case["attempt"]), pairs(case["lane"])
    envelope, text = case["request"].split("\n\n", 1)
    wire = (text + "\n").replace("\n", "\r\n")
    assert wire.isascii() and all(len(line) <= LINE_MAX for line in wire.split("\r\n")), "a line that is too long, or not ASCII"
    m = email.message_from_string(wire, policy=email.policy.SMTP)
    name, address = email.utils.parseaddr(str(m["From"]))
    wanted = attempt.get("from") or lane["from"]
    sender = re.fullmatch(r'\s*"?(.*?)"?\s*<(.*)>', wanted, re.S)
    assert address == (sender[2] if sender else wanted), "From is %s" % m["From"]
    assert name == (one_line(sender[1]) if sender else ""), "From is %s" % m["From"]
    assert str(m["To"]) == attempt["to"] and m.get_all("To") and len(m.get_all("To")) == 1
    assert m["Bcc"] is None and m["Cc"] is None and m["X"] is None, "a header that nobody asked for"
    assert str(m["Subject"]) == one_line(attempt.get("title") or lane.get("subject", "Notification")), "Subject is %r" % str(m["Subject"])
    assert m["Message-ID"] == "<%s@%s>" % (attempt["token"], address.split("@")[1])
    assert m["Date"].datetime.isoformat() == "2026-01-02T03:04:05+00:00"
    assert m["MIME-Version"] == "1.0" and m["Auto-Submitted"] == "auto-generated"
    assert "RCPT TO:<%s>" % attempt["to"] in envelope.split("\n")
    plain = m.get_body(("plain",))
    assert lines(plain.get_content()) == lines(attempt["body"]), "the text is %r" % plain.get_content()
    parts = [plain]
    if "html" in attempt:
        html = m.get_body(("html",))
        assert lines(html.get_content()) == lines(attempt["html"])
        assert m.get_content_type() == "multipart/alternative" and [p.get_content_subtype() for p in m.iter_parts()] == ["plain", "html"]
        parts.append(html)
    for part in parts + [m]:
        assert not part.defects, part.defects
        assert all(not h.defects for h in part.values() if hasattr(h, "defects")), [h.defects for h in part.values()]
    for part in parts:
        assert part.get_content_charset() == "utf-8"
        assert all(len(line) <= 76 for line in part.get_payload().splitlines()), "an encoded line that is too long"
    if lane.get("list_unsubscribe") == "yes":
        links = re.findall(r"<([^>]*)>", str(m["List-Unsubscribe"]))
        assert links[0].startswith("https://") and m["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    else:
        assert m["List-Unsubscribe"] is None


def main():
    checked, failed = 0, 0
    for path in sorted(pathlib.Path(__file__).parent.glob("*.case")):
        case = sections(path)
        if "attempt" not in case or "request" not in case:
            continue
        checked += 1
        try:
            check(path, case)
        except AssertionError as e:
            failed += 1
            print("%s: %s" % (path.name, e), file=sys.stderr)
    print("%d messages read, %d wrong" % (checked, failed))
    return 1 if failed or checked < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
