"""The smallest studies, and one undisturbed run of each: what every killed or damaged one has to give again."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.reliability.trial import Ending, call_command, in_child, scratch, tree

TESTS = Path(__file__).parents[2] / "tests" / "data"
SCREEN = """title = "a screening for tests"
compositions = ["70:30:0", "70:30:2"]
[ensemble]
seed = 5
seeds = 2
[cathode]
cores = 60
thickness = "16 um"
[patches]
effort = "quick"
[measured.composite_electronic]
"70:30:2" = "1.8 mS/cm"
"""
COMMANDS = ("run", "screen", "threshold --recompute", "patch cache")
OUT = "out"
PATIENCE = 900.0  # s, for what is not disturbed: it may compile


@dataclass(frozen=True)
class Undisturbed:
    """One command, what it needs, and what it gives when nobody disturbs it."""

    name: str
    arguments: tuple[str, ...]
    seconds: float
    results: dict[str, bytes | None] = field(repr=False)
    cache: Path = field(metadata={"what": "the patch cache, filled"})

    def call(self, folder: Path, cache: Path, *, seconds: float = PATIENCE) -> Ending:
        """The command in this folder, with this cache."""
        return call_in(self.arguments, folder, cache, seconds)

    def differs(self, folder: Path) -> str:
        """Which results are missing or other than undisturbed; nothing if all are the same."""
        found = tree(folder / OUT)
        wrong = [name for name, content in self.results.items() if found.get(name, b"missing") != content]
        return f"other bytes in {', '.join(wrong[:3])}, {len(wrong)} files" if wrong else ""


def call_in(arguments: tuple[str, ...], folder: Path, cache: Path, seconds: float) -> Ending:
    """A command of percoat in a folder, with a cache of its own."""
    environment = {"PERCOAT_CACHE": str(cache)}
    return in_child(
        call_command(*arguments), folder=folder, seconds=seconds, fair=False, environment=environment, ceiling=None
    )


def undisturbed(name: str, cache: Path) -> Undisturbed:
    """Run it twice from nothing: the first compiles and fills the cache, the second is timed and gives the results."""
    arguments = _arguments(name, write_studies(cache.parent))
    seconds, results = 0.0, {}
    for again in (False, True):
        folder = scratch()
        used = folder / "cache" if name == "patch cache" else cache
        ending = call_in(arguments, folder, used, PATIENCE)
        if ending.status != 0:
            raise RuntimeError(f"percoat {' '.join(arguments)} fails undisturbed: {ending.stderr[-300:]}")
        if name == "patch cache" and not again:
            shutil.copytree(used, cache, dirs_exist_ok=True)
        seconds, results = ending.seconds, tree(folder / OUT)
        shutil.rmtree(folder)
    return Undisturbed(name, arguments, seconds, results, cache)


def write_studies(folder: Path) -> Path:
    """The study files, in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "screen.toml").write_text(SCREEN, "utf-8")
    for name in ("tiny.toml", "tiny_chart.toml"):
        shutil.copy(TESTS / name, folder / name)
    return folder


def _arguments(name: str, home: Path) -> tuple[str, ...]:
    out = ("--out", OUT)
    return {
        "run": ("run", str(home / "tiny.toml"), *out),
        "screen": ("screen", str(home / "screen.toml"), *out),
        "threshold --recompute": ("threshold", "--recompute", "--plan", str(home / "tiny_chart.toml"), *out),
        "patch cache": ("compare", str(home / "screen.toml"), "--composition", "70:30:2", "--csv", f"{OUT}/coats.csv"),
    }[name]
