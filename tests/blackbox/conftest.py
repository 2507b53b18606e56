"""What all black-box tests share: the folder on the path, and `gateway`, one running program with a provider of its own."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from harness.hostile_fixtures import Started  # noqa: E402


@pytest.fixture
def gateway(tmp_path):
    started = Started(tmp_path)
    try:
        templates = tmp_path / "templates"
        templates.mkdir()
        (templates / "ready.txt").write_text("{{ name }},您的订单 {{ order }} 已完成。", encoding="utf-8")
        g = started({"callbacks": {"allow_private": True}, "templates": {"dir": str(templates)}})
        g.sim_url, g.settings_file = g.sim.url, str(g.config)
        yield g
        started.check()
    finally:
        started.close()
