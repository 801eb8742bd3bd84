"""Damaged results and caches: what was kept is damaged, and the answer is the same bytes, or one sentence."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.reliability.sentences import one_sentence
from benchmarks.reliability.studies import OUT, Undisturbed, undisturbed
from benchmarks.reliability.tally import Tally
from benchmarks.reliability.trial import clear, scratch

Damage = Callable[[Path], object]


def run() -> Iterator[Tally]:
    """The patch cache in every way, the results folders of run, screen and threshold --recompute in a third of them each."""
    home = scratch()
    for number, name in enumerate(("patch cache", "run", "screen", "threshold --recompute")):
        tally = Tally(f"damaged: {'patch cache' if name == 'patch cache' else f'results of {name}'}")
        quiet = undisturbed(name, home / "cache")
        rng = np.random.default_rng(number)
        kept = scratch()
        if name != "patch cache":
            quiet.call(kept, quiet.cache)
        chosen = list(damages().items())
        for what, damage in chosen if name == "patch cache" else chosen[number - 1 :: 3]:
            _damaged(tally, quiet, kept, what, damage, rng)
        clear(kept)
        yield tally
    clear(home)


def _damaged(tally: Tally, quiet: Undisturbed, kept: Path, what: str, damage: Damage, rng: np.random.Generator) -> None:
    """One task file, drawn at random, is damaged; the command runs again in a copy of the folder."""
    folder = scratch()
    shutil.copytree(quiet.cache, folder / "cache")
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    where = folder / ("cache" if quiet.name == "patch cache" else OUT)
    tasks = sorted(where.rglob("tasks/*.json"))
    full = [task for task in tasks if json.loads(task.read_text("utf-8"))["values"]]
    if not full:
        raise RuntimeError(f"{quiet.name}: there is no task file to damage in {where}")
    damage(full[rng.integers(len(full))])
    ending = quiet.call(folder, folder / "cache")
    reason = quiet.differs(folder) if ending.status == 0 else one_sentence(ending)
    tally.count(what, ending.disaster or reason)
    clear(folder)


def damages() -> dict[str, Damage]:
    """What can become of a file, by name."""

    def text(content: str | bytes) -> Damage:
        return lambda path: path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def values(change: Callable[[list], object]) -> Damage:
        def damage(path: Path) -> None:
            words = json.loads(path.read_text("utf-8"))
            path.write_text(json.dumps(words | {"values": change(words["values"])}), "utf-8")

        return damage

    def numbers(value: object) -> Damage:
        return values(lambda rows: [{k: value if isinstance(v, float) else v for k, v in row.items()} for row in rows])

    def as_folder(path: Path) -> None:
        path.unlink()
        path.mkdir()

    def digit(path: Path) -> None:
        """The last digit of a value that stands at the end of its number."""
        words = path.read_text("utf-8")
        place = words.rindex('"value": ') + len('"value": ')
        changed = "3" if words[place] != "3" else "4"
        path.write_text(words[:place] + changed + words[place + 1 :], "utf-8")

    return {
        "emptied": text(""),
        "cut in half": lambda path: os.truncate(path, path.stat().st_size // 2),
        "cut by a byte": lambda path: os.truncate(path, path.stat().st_size - 3),
        "random bytes": text(np.random.default_rng(7).bytes(500)),
        "a block of zeros, as after a crash": lambda path: path.write_bytes(bytes(path.stat().st_size)),
        "no values": text('{"values": []}'),
        "an empty object": text("{}"),
        "an empty list": text("[]"),
        "null": text("null"),
        "a number": text("7"),
        "100,000 levels deep": text('{"values": ' + "[" * 100_000),
        "values are null": text('{"values": null}'),
        "values are words": text('{"values": ["a"]}'),
        "values are NaN": numbers(float("nan")),
        "values are infinite": numbers(float("inf")),
        "values are texts": numbers("0.5"),
        "values are lists": numbers([0.5]),
        "values are true": numbers(True),
        "rows without a value": values(lambda rows: [{k: v for k, v in row.items() if k != "value"} for row in rows]),
        "the last row missing": values(lambda rows: rows[:-1]),
        "the first row twice": values(lambda rows: [rows[0], *rows]),
        "one digit changed": digit,
        "a folder in its place": as_folder,
        "gone": lambda path: path.unlink(),
    }
