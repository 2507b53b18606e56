"""Runs the model of leases and takeover through spin: it holds as it is written, and each of its guards, left out, shows as an error.
usage: check_leases.py MODEL. TAP."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

VARIANTS = [("", True, "nothing is sent twice, whenever a node pauses, dies or is taken over"),
            ("-DNO_FENCE", False, "without the fence something is"),
            ("-DNO_GATE", False, "without the send gate something is"),
            ("-DNO_WAIT", False, "without waiting for what is on the wire something is"),
            ("-DJUMP", False, "when the database's clock jumps over the lease of a node that is paused just then, something may be")]


def run(model, define, folder):
    spin = ["spin", "-a"] + ([define] if define else []) + [str(model)]
    subprocess.run(spin, cwd=folder, check=True, capture_output=True, timeout=60)
    subprocess.run(["cc", "-O2", "-w", "-DSAFETY", "-o", "pan", "pan.c"], cwd=folder, check=True, timeout=120)
    done = subprocess.run(["./pan", "-E", "-m100000"], cwd=folder, capture_output=True, text=True, timeout=300)
    errors = next(line for line in done.stdout.splitlines() if "errors:" in line)
    assert "max search depth too small" not in done.stdout
    return int(errors.rsplit("errors:", 1)[1].split()[0]), errors


def main():
    model = pathlib.Path(sys.argv[1]).resolve()
    if not shutil.which("spin"):
        print("1..0 # SKIP spin is not installed: script/bootstrap --test")
        return
    print("1..%d" % len(VARIANTS))
    for number, (define, holds, what) in enumerate(VARIANTS, 1):
        with tempfile.TemporaryDirectory() as folder:
            found, line = run(model, define, folder)
        print("%s %d - %s" % ("ok" if (found == 0) == holds else "not ok", number, what))
        print("# %s" % line)


main()
