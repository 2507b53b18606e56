"""A network of a test's own: hosts are network namespaces, each with one address, joined by a bridge; any two can be cut off from each
other. The test's thread lives in the bridge's namespace while it lasts, and what it starts lives there, too, unless it is started
by a host's `wrapper`. Nothing has a name outside: all of it is gone when this process ends."""
import ctypes
import os
import shutil
import subprocess

import pytest

NEW = 0x40000000  # CLONE_NEWNET
NOWHERE = "02:00:00:00:ff:ff"
libc = ctypes.CDLL(None, use_errno=True)


def checked(code):
    if code:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def ip(*words, within=()):
    done = subprocess.run([*within, "ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError("ip %s: %s" % (" ".join(words), done.stderr.strip()))


class Host:
    """A namespace; wrapper: what a program is run by, to run there."""

    def __init__(self, fd, name, number, device, wrapper):
        self.fd, self.name, self.device, self.wrapper = fd, name, device, wrapper
        self.address, self.link = "10.77.0.%d" % number, "02:00:00:00:00:%02x" % number

    def forget(self, other):
        """What goes to that one goes nowhere from now on, and nobody is told so: as behind a broken switch."""
        ip("neigh", "replace", other.address, "lladdr", NOWHERE, "nud", "permanent", "dev", self.device, within=self.wrapper)

    def know(self, other):
        ip("neigh", "replace", other.address, "lladdr", other.link, "nud", "permanent", "dev", self.device, within=self.wrapper)


class Network:
    def __init__(self):
        self.fds, self.home, self.cuts = [], os.open("/proc/thread-self/ns/net", os.O_RDONLY), []
        self.fds.append(self.home)
        try:
            inside = self.new()
            checked(libc.setns(inside, NEW))
            self.hub = Host(inside, "hub", 1, "hub", [])
            ip("link", "set", "lo", "up")
            ip("link", "add", "hub", "address", self.hub.link, "type", "bridge")
            ip("addr", "add", "10.77.0.1/24", "dev", "hub")
            ip("link", "set", "hub", "up")
        except BaseException:
            self.close()
            raise

    def new(self):
        """Another namespace, held by its descriptor."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            checked(libc.unshare(NEW))
            self.fds.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))
            checked(libc.setns(here, NEW))
        finally:
            os.close(here)
        return self.fds[-1]

    def host(self, name):
        fd = self.new()
        path = "/proc/%d/fd/%d" % (os.getpid(), fd)
        h = Host(fd, name, len(self.fds), "eth0", ["nsenter", "--net=" + path, "--"])
        port = "to-" + name
        ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "address", h.link, "netns", path)
        ip("link", "set", port, "master", "hub", "up")
        for words in (["link", "set", "lo", "up"], ["addr", "add", h.address + "/24", "dev", "eth0"], ["link", "set", "eth0", "up"]):
            ip(*words, within=h.wrapper)
        return h

    def cut(self, a, b, both=True):
        """both=False: what a sends does not come to b; the other way it does."""
        a.forget(b)
        if both:
            b.forget(a)
        self.cuts.append((a, b))

    def heal(self):
        while self.cuts:
            a, b = self.cuts.pop()
            a.know(b)
            b.know(a)

    def close(self):
        checked(libc.setns(self.home, NEW))
        for fd in self.fds:
            os.close(fd)


def network():
    """One, or the test is skipped with the reason why this machine cannot have one. HONGYAN_WHOLE=1: then it fails."""
    try:
        for tool in ("ip", "nsenter"):
            if not shutil.which(tool):
                raise OSError("there is no command " + tool)
        made = Network()
        try:
            made.host("probe")
        except BaseException:
            made.close()
            raise
    except OSError as e:
        if os.environ.get("HONGYAN_WHOLE") == "1":
            raise
        pytest.skip("this machine gives no network namespaces: %s" % e)
    return made
