#!/usr/bin/env python3
"""Checks a folder of cases against the vendor: runs its make_*.py and make_*.mjs with --check, and its check_*.py. Those in
Python are for Debian's (its packages python3-twilio, python3-botocore); those for Node have their SDK in sdk/ of the folder, or where they say themselves.
Without an SDK that script/bootstrap --test fetches it is skipped (77), but fails where HONGYAN_WHOLE says that all must run."""
import os
import pathlib
import shutil
import subprocess
import sys

DEBIAN = "/usr/bin/python3"


def main():
    folder = pathlib.Path(sys.argv[1])
    scripts = sorted([*folder.glob("make_*.py"), *folder.glob("make_*.mjs"), *folder.glob("check_*.py")])
    if not scripts:
        print(f"{folder}: nothing makes its requests a second time: see tests/provider/README.md")
        return 1
    wants = [folder / "sdk"] if (folder / "sdk").is_dir() else []
    if any(s.suffix == ".mjs" for s in scripts) and not wants:
        wants = [folder.parent / folder.name.split("-")[0] / "sdk"]
    missing = [str(w) for w in wants if not (w / "node_modules").is_dir()]
    if missing:
        print(f"{', '.join(missing)}: run script/bootstrap --test for the vendor's SDK")
        return 1 if os.environ.get("HONGYAN_WHOLE") else 77
    for script in scripts:
        runner = "node" if script.suffix == ".mjs" else DEBIAN if os.path.exists(DEBIAN) else sys.executable
        if not shutil.which(runner):
            print(f"{script}: there is no {runner}: script/bootstrap --test")
            return 1
        words = ["--check"] if script.name.startswith("make_") else []
        done = subprocess.run([runner, str(script), *words], check=False)
        if done.returncode:
            print(f"{script}: failed")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
