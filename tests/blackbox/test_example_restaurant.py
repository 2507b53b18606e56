"""examples/restaurant as a newcomer runs it: its templates, rules and script, against the real gateway."""
import datetime
import os
import pathlib
import subprocess
import sys

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples" / "restaurant"


def at(days):
    there = datetime.timezone(datetime.timedelta(hours=8))
    day = datetime.datetime.now(there) + datetime.timedelta(days=days)
    return day.replace(hour=19, minute=0, second=0, microsecond=0).isoformat()


def test_example__a_reservation_is_confirmed_reminded_of_moved_and_withdrawn(make_gateway):
    gateway = make_gateway(templates={"dir": str(EXAMPLE / "templates")}, rules={"dir": str(EXAMPLE / "rules")})

    def run(*args):
        env = {**os.environ, "HONGYAN_URL": "http://127.0.0.1:%d" % gateway.port, "HONGYAN_KEY": gateway.key}
        done = subprocess.run([sys.executable, str(EXAMPLE / "reservations.py"), *args], capture_output=True, env=env, timeout=60)
        assert done.returncode == 0, done.stderr
        return [line.split() for line in done.stdout.decode().splitlines()]
    guest = ["李雷", "+8613800138000"]
    booked = run("book", "b-42", *guest, "4", at(3), "zh")
    assert [o[:2] for o in booked] == [["table-booked", "fired"], ["table-tomorrow", "fired"]]
    assert gateway.wait(booked[0][2], "delivered")["body"] == "李雷,您已预订 19:00 4 人桌。"
    assert gateway.message(booked[1][2])["status"] == "scheduled"
    assert run("book", "b-42", *guest, "4", at(3), "zh") == booked  # told again: nothing more
    moved = run("move", "b-42", *guest, "4", at(5), "zh")
    assert ["table-tomorrow", "canceled", booked[1][2]] in moved
    reminder = [o[2] for o in moved if o[1] == "fired"][0]
    assert gateway.message(reminder)["body"].startswith("李雷,明天 19:00 恭候光临。")
    assert run("cancel", "b-42") == [["table-tomorrow", "canceled", reminder]]
    assert gateway.message(reminder)["status"] == "canceled"
    many = run("book", "b-43", "Ann", "+14155550123", "9", at(0))
    assert sorted(o[:2] for o in many) == [["big-table", "fired"], ["big-table", "fired"], ["table-booked", "fired"],
                                           ["table-tomorrow", "late"]]
