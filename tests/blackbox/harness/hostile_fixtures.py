"""Fixtures of the hostile, operations, logs and command line tests. Use: `from harness.hostile_fixtures import start`."""
import pytest

from harness.hostile_gateway import Gateway, Simulator, SLOW

RSS_MB_MAX = 250 * SLOW


class Started:
    """What a test started; ended with it, whatever happened."""

    def __init__(self, folder):
        self.folder, self.gateways, self.simulators = folder, [], []

    def simulator(self, **how):
        self.simulators.append(Simulator(**how))
        return self.simulators[-1]

    def gateway(self, settings=None, **how):
        """Not running yet. Has a provider of its own unless provider_url says otherwise."""
        url = how.pop("provider_url", None)
        sim = None if url else self.simulator(profile=how.pop("profile", None))
        g = Gateway(self.folder / ("gateway%d" % len(self.gateways)), url or sim.url, settings, **how)
        g.sim = sim
        self.gateways.append(g)
        return g

    def __call__(self, settings=None, **how):
        return self.gateway(settings, **how).start()

    def close(self):
        for g in self.gateways:
            g.end()
        for s in self.simulators:
            s.stop()

    def check(self):
        for g in self.gateways:
            if g.process and g.process.poll() is not None:
                code = g.process.returncode
                assert code in (0, -9) or code > 0, "died of signal %d: %s" % (-code, g.log()[-3000:])
            for word in ("Sanitizer", "runtime error:", "assertion", "BUG:"):
                assert word not in g.log(), g.log()[-5000:]


@pytest.fixture
def start(tmp_path):
    s = Started(tmp_path)
    try:
        yield s
        s.check()
    finally:
        s.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One gateway for all tests of a file that leave it as it was."""
    s = Started(tmp_path_factory.mktemp("shared"))
    try:
        yield s({"limits": {"request_ms_max": 2000}, "log": {"level": "debug"}})
        s.check()
    finally:
        s.close()


@pytest.fixture
def unharmed(shared):
    """The shared gateway, which must be as well after the test as before."""
    pid = shared.pid()
    yield shared
    assert shared.process.poll() is None, shared.log()[-3000:]
    assert shared.pid() == pid
    shared.is_well()
    assert shared.rss_mb() < RSS_MB_MAX
