"""The settings that the pages of docs/ show are settings: `hongyan config check` takes each of them, with the variables and the files they name."""
import json
import os
import pathlib
import re
import subprocess

import pytest
from harness.hostile_gateway import BINARY, ROOT

DOCS = pathlib.Path(ROOT) / "docs"
LANE = """
lanes:
  - {name: x, provider: twilio, account_sid: AC0123456789abcdef0123456789abcdef, auth_token: "${TOKEN}", from: "+15005550006"}
"""
CALENDAR, RULES = re.compile(r"^holidays:", re.M), re.compile(r"^rules:\n  - ", re.M)


def blocks():
    for page in sorted(DOCS.rglob("*.md")):
        for number, text in enumerate(re.findall(r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)):
            yield pytest.param(page, text, id=f"{page.relative_to(DOCS)}-{number}")


def made(kind, *args):
    return subprocess.run(["openssl", "genpkey", "-algorithm", kind, *args], check=True, capture_output=True, text=True).stdout


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def files_of(folder):
    """What stands in each file that a page names, by the name's end."""
    account = {"type": "service_account", "project_id": "demo", "private_key_id": "1", "private_key": made("RSA"),
               "client_email": "x@demo.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token"}
    calendar = re.search(r"^```yaml\n(name: cn\n.*?)^```", (DOCS / "quiet-hours.md").read_text(encoding="utf-8"), re.M | re.S).group(1)
    return {"/etc/hongyan/firebase.json": write(folder / "firebase.json", json.dumps(account)),
            "/etc/hongyan/AuthKey_ABC123DEFG.p8": write(folder / "key.p8", made("EC", "-pkeyopt", "ec_paramgen_curve:P-256")),
            "/etc/hongyan/holidays/cn.yaml": write(folder / "cn.yaml", calendar),
            "prices/aliyun.csv": write(folder / "aliyun.csv", "prefix,price\n+86170,0.009\n")}


@pytest.mark.parametrize("page, text", list(blocks()))
def test_settings_of_a_page(page, text, tmp_path):
    if CALENDAR.search(text):
        text = f"quiet: {{calendars: [{write(tmp_path / 'a.yaml', text)}]}}\n"
    elif RULES.search(text):
        for name in re.findall(r"template: (\S+)", text):
            write(tmp_path / "templates" / f"{name}.txt", "a text")
        folder = pathlib.Path(write(tmp_path / "rules" / "a.yaml", text)).parent
        text = f"rules: {{dir: {folder}}}\ntemplates: {{dir: {tmp_path / 'templates'}}}\n"
    elif text.startswith("  - "):
        text = "lanes:\n" + text
    if not re.search(r"^lanes:", text, re.M):
        text += LANE
    if "_file:" in text or "calendars:" in text:
        for name, path in files_of(tmp_path).items():
            text = text.replace(name, path)
    variables = dict.fromkeys(re.findall(r"\$\{(\w+)", text), "AC0123456789abcdef0123456789abcdef")
    if "SHOP_SECRET" in variables:
        variables["SHOP_SECRET"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwABCDEFGHIJKLM="
    config = write(tmp_path / "hongyan.yaml", text)
    done = subprocess.run([BINARY, "config", "check", "-c", config], cwd=tmp_path, capture_output=True, text=True,
                          env={"PATH": os.environ["PATH"], **variables})
    assert done.returncode == 0, f"{page}\n{text}\n{done.stdout}{done.stderr}"


def test_there_are_such_pages():
    assert len(list(blocks())) > 20
