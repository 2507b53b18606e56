"""What script/test runs, in order; counts every test once and ends with "N passed, N failed".

The gcc build runs everything; clang's builds with sanitizers run the C tests again (ASan and UBSan all of them, TSan those with
threads); with --long the black-box suite runs against the ASan build, too. Each step's output is in build*/ and shown when it fails.
"""
import argparse
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTEST_ALONE = ["/usr/bin/python3", "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
UNSTEADY_MAX = 2
PYTEST = [*PYTEST_ALONE,
          "-n", str(min(8, 2 * (os.cpu_count() or 1))),  # most of a black-box test is waiting
          "--dist", "loadgroup"]  # those of a group beside none of it: one browser at a time is enough
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1",
}
WHOLE = {"HONGYAN_WHOLE": "1"}  # script/bootstrap --test has been run: what is missing is a failure, not a reason to skip


class Count:
    def __init__(self):
        self.passed, self.failed, self.names = 0, 0, []

    def add(self, name, ok):
        self.passed += ok
        self.failed += not ok
        if not ok:
            self.names.append(name)


def say(text):
    print(text, flush=True)


def run(argv, env=None, log=None, timeout=3000):
    out = open(log, "wb") if log else subprocess.DEVNULL
    try:
        return subprocess.run(argv, cwd=ROOT, env={**os.environ, **(env or {})}, stdout=out, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, timeout=timeout, check=False).returncode
    except subprocess.TimeoutExpired:
        return 124


def tail(path, lines=40):
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="replace") as file:
            say("".join(file.readlines()[-lines:]))


def step(count, name, argv, log, env=None):
    begun = time.monotonic()
    ok = run(argv, env, log) == 0
    say(f"{'ok  ' if ok else 'FAIL'} {name} ({time.monotonic() - begun:.0f} s)")
    count.add(name, ok)
    if not ok:
        tail(log)
    return ok


def failed(case):
    return case.find("failure") is not None or case.find("error") is not None


def cases(path):
    return xml.parse(path).getroot().iter("testcase") if os.path.exists(path) else []


def count_junit(count, suite, path, excused=()):
    """Each test case of a junit file; False when there is none."""
    seen = 0
    for case in cases(path):
        if case.find("skipped") is not None:
            continue
        bad = failed(case) and node_of(case) not in excused
        name = f"{suite}: {case.get('classname') or ''} {case.get('name')}"
        count.add(name, not bad)
        seen += 1
    return seen > 0


def meson(count, folder, setup, compiler, args):
    """Builds and runs the C tests there; their subtests count one by one."""
    path = os.path.join(ROOT, folder)
    env = {**SANITIZERS, **WHOLE, **compiler}
    log = path + ".log"
    begun = time.monotonic()
    if not os.path.exists(os.path.join(path, "build.ninja")):
        if run(["meson", "setup", folder, *setup], env, log) != 0:
            count.add(f"{folder}: meson setup", False)
            tail(log)
            return False
    else:
        run(["meson", "configure", folder, "-Dtests=true"], env, log)  # script/server builds without them
    if run(["ninja", "-C", folder], env, log) != 0:
        count.add(f"{folder}: build", False)
        tail(log)
        return False
    count.add(f"{folder}: build", True)
    junit = os.path.join(path, "meson-logs", "testlog.junit.xml")
    if os.path.exists(junit):
        os.remove(junit)
    code = run(["meson", "test", "-C", folder, "--no-rebuild", "--print-errorlogs", *args], env, log)
    before = count.failed
    if not count_junit(count, folder, junit) or (code != 0 and count.failed == before):
        count.add(f"{folder}: meson test", False)
    ok = code == 0 and count.failed == before
    say(f"{'ok  ' if ok else 'FAIL'} {folder} ({time.monotonic() - begun:.0f} s)")
    if not ok:
        tail(log, 80)
    return ok


def node_of(case):
    return "tests/blackbox/%s.py::%s" % ((case.get("classname") or "").replace(".", "/"), (case.get("name") or "").split("@")[0])


def unsteady(junit, env, name):
    """Those that failed beside others and pass alone, three times in a row: told, and not counted. When more than UNSTEADY_MAX failed,
    or one fails again, something is broken."""
    nodes = [node_of(case) for case in cases(junit) if failed(case)]
    if not 0 < len(nodes) <= UNSTEADY_MAX:
        return set()
    log = os.path.join(ROOT, "build", f"{name}-again.log")
    passed = {n for n in nodes if all(run([*PYTEST_ALONE, n], env, log) == 0 for _ in range(3))}
    for node in sorted(passed):
        say(f"UNSTEADY {node}: failed beside others, passed alone; what it said first is in build/{name}.log")
    return passed


def pytest(count, name, paths, env, excuse):
    junit, log = os.path.join(ROOT, "build", f"{name}.xml"), os.path.join(ROOT, "build", f"{name}.log")
    begun = time.monotonic()
    code = run([*PYTEST, f"--junitxml={junit}", *paths], env, log)
    if code != 0:
        tail(log, 80)
    excused = unsteady(junit, env, name) if code == 1 and excuse else set()
    before = count.failed
    if not count_junit(count, name, junit, excused) or (code != 0 and count.failed == before and not excused):
        count.add(name, False)
    say(f"{'ok  ' if count.failed == before else 'FAIL'} {name} ({time.monotonic() - begun:.0f} s)")


def checks(count):
    for name in ("floors", "format", "banned", "docs", "cases"):
        script = os.path.join(ROOT, "script", f"check-{name}")
        if os.path.exists(script):
            step(count, f"check-{name}", [script], os.path.join(ROOT, "build", f"check-{name}.log"))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--long", action="store_true", help="20,000 seeds, 30 kills, the black box under ASan, clang-tidy")
    options.add_argument("--quick", action="store_true", help="the gcc build only, no black box")
    given = options.parse_args()
    os.makedirs(os.path.join(ROOT, "build"), exist_ok=True)
    count = Count()
    built = meson(count, "build", [], {"CC": "gcc", "CXX": "g++"}, [])
    checks(count)
    if not given.quick:
        clang = {"CC": "clang", "CXX": "clang++"}
        meson(count, "build-asan", ["-Db_sanitize=address,undefined", "-Db_lundef=false"], clang,
              ["--timeout-multiplier", "5"])
        meson(count, "build-tsan", ["-Db_sanitize=thread", "-Db_lundef=false"], clang,
              ["--timeout-multiplier", "5", "base-mailbox", "base-log", "net server", "api", "loops"])
        if built and os.path.isdir(os.path.join(ROOT, "tests/blackbox")):
            env = {"HONGYAN_BINARY": os.path.join(ROOT, "build/hongyan"), "HONGYAN_LONG": "1" if given.long else ""}
            pytest(count, "blackbox", ["tests/blackbox"], env, excuse=not given.long)
            asan = os.path.join(ROOT, "build-asan/hongyan")
            if given.long and os.path.exists(asan):
                pytest(count, "blackbox-asan", ["tests/blackbox"], {**SANITIZERS, "HONGYAN_BINARY": asan, "HONGYAN_SLOW": "3"}, excuse=False)
    if given.long and built:
        step(count, "check-tidy", [os.path.join(ROOT, "script/check-tidy")], os.path.join(ROOT, "build", "check-tidy.log"))
        step(count, "20,000 seeds", [os.path.join(ROOT, "build/tests/world/world_test"), "1", "20000"],
             os.path.join(ROOT, "build", "world-long.log"))
        for name, seeds in (("trials", "1000"), ("rates", "200")):
            step(count, f"{seeds} seeds of {name}", [os.path.join(ROOT, "build/tests/world/world_test"), "1", seeds, f"--{name}"],
                 os.path.join(ROOT, "build", f"world-{name}.log"))
    for name in count.names:
        say(f"FAILED {name}")
    say(f"{count.passed} passed, {count.failed} failed")
    return 1 if count.failed or not count.passed else 0


if __name__ == "__main__":
    sys.exit(main())
