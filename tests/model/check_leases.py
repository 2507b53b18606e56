"""Runs the model of leases and takeover through spin: it holds as it is written, and each of its guards, left out, shows as an error.
usage: check_leases.py MODEL. TAP."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

OTHER, SAME = "-DWITHOUT_R", "-DWITHOUT_B"  # who goes on: another node, or the same one started again
VARIANTS = [([OTHER], True, "nothing is sent twice or left lying, whenever a node pauses, dies or is taken over"),
            ([SAME], True, "nor when it is started again"),
            ([OTHER, "-DNO_FENCE"], False, "without the fence something is"),
            ([OTHER, "-DNO_GATE"], False, "without the send gate something is"),
            ([OTHER, "-DNO_WAIT"], False, "without waiting for what is on the wire something is"),
            ([OTHER, "-DNO_SOON"], False, "what is due far and not made due by who takes over is left lying"),
            ([SAME, "-DNO_RESUME"], False, "so it is when a process that starts does not look for it"),
            ([SAME, "-DMARK_EARLY"], False, "or by a mark that is above it"),
            ([SAME, "-DNO_SETTLING"], False, "asked at once, a provider may not have it yet"),
            ([SAME, "-DNO_LINGER"], False, "nor where the kernel of a dead process still sends it"),
            ([OTHER, "-DOLD"], True, "a node of before, which knows of nothing far, may take over"),
            ([OTHER, "-DOLD", "-DNO_SEES"], False, "if nothing is begun so while it is there"),
            ([OTHER, "-DJUMP", "-DLEASE=6"], False, "when the database's clock jumps over the lease of a node that is paused just then, something may be sent twice")]


def run(model, defines, folder):
    subprocess.run(["spin", "-a", *defines, str(model)], cwd=folder, check=True, capture_output=True, timeout=60)
    subprocess.run(["cc", "-O2", "-w", "-DSAFETY", "-o", "pan", "pan.c"], cwd=folder, check=True, timeout=120)
    done = subprocess.run(["./pan", "-E", "-m100000"], cwd=folder, capture_output=True, text=True, timeout=600)
    errors = next(line for line in done.stdout.splitlines() if "errors:" in line)
    assert "max search depth too small" not in done.stdout
    return int(errors.rsplit("errors:", 1)[1].split()[0]), errors


def main():
    model = pathlib.Path(sys.argv[1]).resolve()
    if not shutil.which("spin"):
        print("1..0 # SKIP spin is not installed: script/bootstrap --test")
        return
    print("1..%d" % len(VARIANTS))
    for number, (defines, holds, what) in enumerate(VARIANTS, 1):
        with tempfile.TemporaryDirectory() as folder:
            found, line = run(model, defines, folder)
        print("%s %d - %s" % ("ok" if (found == 0) == holds else "not ok", number, what))
        print("# %s" % line)


main()
