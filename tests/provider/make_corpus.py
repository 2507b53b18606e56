#!/usr/bin/python3
"""Makes the fuzz seeds in tests/fuzz/corpus from the case files: answers, callbacks, forms. Run it after adding
cases; seeds that a fuzzer found (other names) stay. --check writes nothing and fails when one would change."""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
CORPUS = HERE.parent / "fuzz" / "corpus"


def section(text, name):
    found = re.search(rf"^\[{name}\]\n(.*?)(?=^\[[a-z]+\]\n|\Z)", text, flags=re.M | re.S)
    return found[1].rstrip("\n") if found else ""


CHECK = "--check" in sys.argv[1:]
old = []


def put(target, name, text):
    path = CORPUS / target / name
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    old.append(str(path.relative_to(CORPUS)))
    if not CHECK:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


for adapter in ("fcm", "apns"):
    for path in sorted((HERE / adapter).glob("*.case")):
        response = section(path.read_text(encoding="utf-8"), "response")
        if response.startswith("HTTP "):
            put("fuzz_push_judge", f"{adapter}_{path.stem}", response)

for path in sorted((HERE / "twilio").glob("*.case")):
    text = path.read_text(encoding="utf-8")
    response, hook, request = (section(text, s) for s in ("response", "hook", "request"))
    if response.startswith("HTTP ") and path.stem != "garbage_deep":
        put("fuzz_twilio_judge", path.stem, response)
    if hook:
        put("fuzz_webhook_signature", path.stem, hook)
    form = (hook or request).partition("\n\n")[2]
    if form and section(text, "verdict" if request else "case"):
        put("fuzz_form", path.stem, form)

# What all other adapters are told, by one target: a few of each.
for folder in sorted(p for p in HERE.iterdir() if p.is_dir() and p.name not in ("fcm", "apns")):
    for path in sorted(folder.glob("*.case")):
        text = path.read_text(encoding="utf-8")
        response, hook = section(text, "response"), section(text, "hook")
        body = response if response.startswith("HTTP ") else "HTTP 200\n\n" + hook.partition("\n\n")[2] if hook else ""
        if body and len(body) < 8192 and re.search(r"receipt|inbound|key_|lookup|grant|garbage|post|batch|quota|(^|_)ok$", path.stem):
            put("fuzz_adapter", f"{folder.name}-{path.stem}", folder.name + "\n" + body)

print(f"{len(old)} seeds {'are old: run tests/provider/make_corpus.py: ' + ', '.join(old[:9]) if CHECK and old else 'written' if old else 'differ'}")
sys.exit(1 if CHECK and old else 0)
