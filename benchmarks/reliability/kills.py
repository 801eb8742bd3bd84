"""Kills: the processes of a command are killed at random moments, then it goes on; the results are the same bytes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.reliability.studies import COMMANDS, OUT, Undisturbed, undisturbed
from benchmarks.reliability.tally import Tally
from benchmarks.reliability.trial import clear, scratch, tree

KILLS = 20
IN_A_ROW = 5  # kills before a command is let go to its end


def run() -> Iterator[Tally]:
    """Kill each command."""
    home = scratch()
    for number, name in enumerate(COMMANDS):
        tally = Tally(f"kills: {name}")
        quiet = undisturbed(name, home / "cache")
        rng = np.random.default_rng(number)
        while tally.tried < KILLS:
            _chain(quiet, tally, rng)
        yield tally
    clear(home)


def _chain(quiet: Undisturbed, tally: Tally, rng: np.random.Generator) -> None:
    """Some kills in a row, each going on where the last one stopped, then the results beside the undisturbed ones."""
    folder, kills = scratch(), 0
    cache = folder / "cache" if quiet.name == "patch cache" else quiet.cache
    while kills < min(IN_A_ROW, KILLS - tally.tried):
        if not _killed(quiet, folder, cache, rng.uniform(0.1, 0.6 * quiet.seconds)):
            break
        kills += 1
    ending = quiet.call(folder, cache)
    reason = ending.disaster or (f"status {ending.status}: {ending.stderr[-200:]}" if ending.status else "")
    reason = reason or quiet.differs(folder)
    sys.stderr.write(f"  {tally.kind}: {tally.tried + kills} of {KILLS}\n")
    for number in range(kills):
        tally.count(f"kill {tally.tried + 1}", reason if number == kills - 1 else "", ending=ending)
    left = [name for name in tree(folder / OUT) if Path(name).name.startswith(".")]
    for _ in left:
        tally.note("hidden temporary file of a killed process left in the results folder")
    clear(folder)


def _killed(quiet: Undisturbed, folder: Path, cache: Path, moment: float) -> bool:
    """Whether the command still ran at this moment, when it and all its workers were killed."""
    ending = quiet.call(folder, cache, seconds=moment)
    if not ending.hung and ending.status != 0:
        raise RuntimeError(f"ended by itself: {ending.stderr[-300:]}")
    return ending.hung
