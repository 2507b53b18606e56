"""Twilio's Node SDK as it is: runs sdk/messages.test.mjs against the gateway. The SDK comes by sdk/package-lock.json."""
import os
import pathlib
import subprocess

SDK = pathlib.Path(__file__).parent / "sdk"


def test_node_sdk(gateway, number, receiver):
    if not (SDK / "node_modules" / "twilio").is_dir():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=SDK, check=True, timeout=300)
    env = {**os.environ, "HONGYAN_URL": gateway.url, "HONGYAN_ACCOUNT": gateway.account,
           "HONGYAN_AUTH_TOKEN": gateway.auth_token, "HONGYAN_KEY": gateway.key, "TEST_NUMBER": number}
    done = subprocess.run(["node", "--test", "messages.test.mjs"], cwd=SDK, env=env, capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
