"""What all black-box tests share: the folder on the path; `make_gateway`, which starts the program with any settings and a
provider of its own; `gateway`, the usual one; `receiver`, an application's server; `mail`, a server of e-mail. What failed shows the gateways' logs."""
import os
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(__file__))
sys.path.insert(1, os.path.dirname(os.path.dirname(__file__)))
if "HONGYAN_BIN" in os.environ:
    os.environ.setdefault("HONGYAN_BINARY", os.environ["HONGYAN_BIN"])

from harness.gateway import Made  # noqa: E402
from harness.receiver import Receiver  # noqa: E402


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    made = getattr(item, "funcargs", {}).get("make_gateway")
    if made and call.when == "call" and outcome.get_result().failed:
        outcome.get_result().sections.append(("gateway log", made.logs()))


@pytest.fixture
def make_gateway(tmp_path):
    """make_gateway(profile=None, lane=None, **settings): running. make_gateway.gateway(...): not yet."""
    made = Made(tmp_path)
    try:
        yield made
        made.check()
    finally:
        made.close()


@pytest.fixture
def gateway(make_gateway, tmp_path):
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "ready.txt").write_text("{{ name }},您的订单 {{ order }} 已完成。", encoding="utf-8")
    return make_gateway(templates={"dir": str(templates)})


@pytest.fixture
def receiver():
    r = Receiver()
    yield r
    r.close()


@pytest.fixture
def mail():
    from harness.mail_server import MailServer  # few tests need its library
    server = MailServer()
    server.start()
    yield server
    server.stop(no_assert=True)
