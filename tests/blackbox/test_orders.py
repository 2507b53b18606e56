"""The main job on real input: a CSV of orders, sent with Twilio's own SDK, each followed to `delivered`; and the README's first command."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def test_orders__every_row_is_delivered(gateway):
    env = {**os.environ, "HONGYAN_URL": gateway.url, "HONGYAN_ACCOUNT": gateway.account,
           "HONGYAN_AUTH_TOKEN": gateway.auth_token}
    done = subprocess.run([sys.executable, "-B", os.path.join(ROOT, "examples/orders.py"),
                           os.path.join(ROOT, "examples/orders.csv")], env=env, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": delivered") == 5, done.stdout
    texts = [m["body"] for m in gateway.sim.messages()]
    assert sum("您的订单" in text for text in texts) == 5 and any("王小明" in text for text in texts)


def test_send__the_command_waits_for_delivery(gateway):
    done = gateway.run("send", "--to", "+8613800138000", "--body", "您的餐位已准备好。", "--wait",
                       env={"HONGYAN_URL": gateway.url, "HONGYAN_KEY": gateway.key})
    assert done.returncode == 0, done.stderr
    assert b" delivered" in done.stdout
