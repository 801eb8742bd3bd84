"""Run kinds of fault and count what fails: python -m benchmarks.reliability [kind ...] [--out results.json]."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.reliability.sentences import PACKAGES
from benchmarks.reliability.table import failures, page
from benchmarks.reliability.trial import import_all

KINDS = (
    "grammar", "numbers", "images", "texts", "structures", "doors", "command_line", "environment", "terminals", "caches", "kills",
)  # fmt: skip


def main() -> None:
    """Run the kinds asked for, or make the page from two results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="kind", help=f"of {', '.join(KINDS)}; all if none is named")
    parser.add_argument("--out", type=Path, help="keep the counts as JSON; kinds that were not run stay as they are")
    parser.add_argument("--table", nargs=2, type=Path, metavar=("BEFORE", "AFTER"), help="print the page of the two")
    asked = parser.parse_args()
    if asked.table:
        before, after = (json.loads(path.read_text("utf-8")) for path in asked.table)
        sys.stdout.write(page(before, after))
        return
    unknown = sorted(set(asked.kinds) - set(KINDS))
    if unknown:
        parser.error(f"no kind {unknown[0]!r}: choose among {', '.join(KINDS)}")
    os.environ.setdefault("MPLBACKEND", "Agg")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the trial that runs is ended too
    import_all()
    found = _start(asked.out)
    for kind in asked.kinds or KINDS:
        sys.stderr.write(f"{kind}\n")
        begin = time.monotonic()
        found["kinds"][kind] = []
        for tally in importlib.import_module(f"benchmarks.reliability.{kind}").run():
            sys.stderr.write(f" {tally.kind}: {tally.tried} tried, {len(tally.failures)} failed\n")
            found["kinds"][kind].append(tally.content())
            found["seconds"][kind] = round(time.monotonic() - begin)
            if asked.out:
                asked.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    sys.stdout.write(failures(found))


def _start(path: Path | None) -> dict:
    """What is known already, with the version that is measured."""
    found = {"kinds": {}, "seconds": {}}
    if path is not None and path.exists():
        found = json.loads(path.read_text("utf-8"))
    # the last commit that changed what is measured
    command = ["git", "log", "-1", "--format=%H", "--", *PACKAGES]
    git = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    found["version"] = {"commit": git.stdout.strip(), "python": platform.python_version()}
    return found


if __name__ == "__main__":
    main()
