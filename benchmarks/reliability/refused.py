"""A wrong input on the command line: refused in one sentence, before the work, with nothing written."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.reliability.sentences import one_sentence
from benchmarks.reliability.studies import write_studies
from benchmarks.reliability.tally import Tally
from benchmarks.reliability.trial import MEGABYTES, call_command, clear, in_child, scratch, tree

EARLY = 10.0  # s: later is after the work has begun
BEGUN = 5.0  # s for which something new stands in the folder, then the work has begun


class Begun:
    """Whether a command has begun to work: what it writes stays."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.before, self.since, self.what = folder, self._names(folder), 0.0, ""

    def __call__(self) -> bool:
        """Asked again and again."""
        new = sorted(self._names(self.folder) - self.before)
        if not new:
            self.since, self.what = 0.0, ""
            return False
        self.since, self.what = self.since or time.monotonic(), new[0]
        return time.monotonic() - self.since > BEGUN

    @staticmethod
    def _names(folder: Path) -> set[str]:
        return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def try_refusal(
    tally: Tally, name: str, arguments: Sequence[str], make: Callable[[Path], object] | None = None
) -> None:
    """One command in a folder of its own, with an empty patch cache, beside the study files."""
    folder = write_studies(scratch())
    if make is not None:
        make(folder)
    before = tree(folder)
    cache = {"PERCOAT_CACHE": str(folder / "cache")}
    begun = Begun(folder)
    ending = in_child(call_command(*arguments), folder=folder, seconds=2.0 * EARLY, environment=cache, stop=begun)
    reason = f"accepted: {begun.what} is written" if ending.hung and begun.what else one_sentence(ending)
    after = tree(folder)
    changed = [path for path in sorted({*before, *after}) if before.get(path, b"none") != after.get(path, b"none")]
    if not reason and ending.increase > MEGABYTES:
        reason = f"{ending.increase:.0f} MB of memory"
    if not reason and min(ending.seconds, ending.worked) > EARLY:
        reason = f"refused after {ending.worked:.0f} s of work"
    if not reason and changed:
        reason = f"left behind: {', '.join(changed[:3])}"
    tally.count(name, reason, ending=ending)
    clear(folder)
