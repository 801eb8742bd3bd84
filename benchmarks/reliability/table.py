"""The counts as a table in the terminal, and before and after as a page."""

from __future__ import annotations

from typing import Any

from benchmarks.tables import markdown

Found = dict[str, Any]
HEADINGS = ("kind of fault", "tried", "failed before", "failed now", "peak memory before (MB)", "now (MB)")
INTRODUCTION = """# Reliability

What happens when something goes wrong: a process is killed, a disk is full, a file is damaged or hostile, an input is wrong. It should end in
one of two ways: in the right number, or in one sentence that says what to do. This page counts what does not. It is made by

```
python -m benchmarks.reliability --out after.json     # on Linux; single kinds: python -m benchmarks.reliability grammar doors
python -m benchmarks.reliability --table benchmarks/reliability/before.json after.json > docs/reliability.md
```
"""
MEASURED = """## How it was measured

Each trial runs in a process of its own with its own folder, 60 s (on a busy machine longer, until it has had 10 s of processor) and 3 GB of address
space. **Failed** is, besides what is said for each kind: a wrong number without a word, an error as Python prints it, a signal, a hang, a
file left half written, and the refusal of what is fine. A refusal on the command line is one line of standard error that begins with "percoat:"
(or the usage note for a misspelt option), status 2, or 1 where the surroundings are at fault. In Python it is an error of a documented class that percoat
raises itself, with a sentence, not one that comes up from numpy or another library. Messages are not compared with known ones.

- **Grammar**: 20,000 random texts of digits, signs, commas, points, spaces and pieces of units, half of them a number with a unit that is changed a little,
  each read as a length, conductivity, mass, surface, density or share. What is accepted has the value that a second, plain reader of one number and
  one unit gives; nothing takes more than 0.1 s of processor.
- **Silent wrong numbers**: inputs that looked right and gave another number; each has its right value or has to be refused.
- **Hostile files**: honest files of other programs are read right; cut, random, lying and packed ones (400 MB of zeros in 0.1 to 0.5 MB, 50,000
  pages, a promise of 1.9 GB) are refused, with less than 200 MB of memory. Memory is the peak of the process less what it had with all packages imported
  (some 250 MB), so that the numbers are those of the file alone.
- **Wrong inputs in Python**: the front doors of microstructure, percolation and transport, each with one argument wrong: lengths in another unit,
  numbers that nothing can have, arrays of another shape or kind.
- **Wrong inputs on the command line**: refused within 10 s of processor, with an empty patch cache, and with nothing written or changed in the folder.
- **Full disk**: writing beyond 4 kB fails, or the results or the cache lie on a small disk of their own. Nothing half written stays.
- **Killed workers, idle workers, threads**: a worker is killed; none is left 20 s after its parent was; two threads of Python solve at once.
- **Targets that are no regular files**: a pipe or a device node (made in a folder of its own) stays one.
- **Read-only installation, no home**: the packages belong to somebody else, and there is no place for compiled code.
- **Terminals and encodings**: 20 and 1 columns, dumb, ASCII, Latin-1, no locale: the same numbers, no error.
- **Damaged results and caches**: one file of a finished task, drawn at random, is cut, emptied, overwritten, changed or exchanged; then the
  same command gives the same bytes as before the damage, or one sentence.
- **Kills**: the command and its workers are killed (SIGKILL) at random moments, up to five times in a row, then left to finish: the same bytes as
  an undisturbed run.

"""


def failures(found: Found) -> str:
    """Counts by kind, as lines."""
    lines = [f"{'kind':44s} {'tried':>6s} {'failed':>6s} {'MB':>6s}"]
    lines += [f"{t['kind']:44s} {t['tried']:6d} {len(t['failures']):6d} {t['increase']:6.0f}" for t in _tallies(found)]
    return "\n".join(lines) + "\n"


def page(before: Found, after: Found) -> str:
    """The page of docs: the table, how it was measured, and what fails still."""
    old, new = ({tally["kind"]: tally for tally in _tallies(found)} for found in (before, after))
    rows = [_row(kind, old.get(kind), new.get(kind)) for kind in dict.fromkeys((*new, *old))]
    versions = "Before: commit {}; now: commit {}.".format(
        *(found["version"]["commit"][:7] for found in (before, after))
    )
    table = markdown(HEADINGS, "| --- | ---: | ---: | ---: | ---: | ---: |", [*rows, _total(old, new)])
    return f"{INTRODUCTION}\n{versions}\n\n{table}\n\n{MEASURED}{_left(new)}"


def _tallies(found: Found) -> list[Found]:
    return [tally for kind in found["kinds"].values() for tally in kind]


def _row(kind: str, old: Found | None, new: Found | None) -> list[str]:
    tried = max(one["tried"] for one in (old, new) if one is not None)
    failed = ["" if one is None else str(len(one["failures"])) for one in (old, new)]
    hostile = (kind.startswith("hostile") and "structure" not in kind) or "(.h5)" in kind
    memory = ["" if one is None or not hostile else f"{one['increase']:.0f}" for one in (old, new)]
    return [kind, str(tried), *failed, *memory]


def _total(old: dict[str, Found], new: dict[str, Found]) -> list[str]:
    tried = sum(max(one["tried"] for one in (old.get(kind), new.get(kind)) if one) for kind in {*old, *new})
    return [
        "**all**",
        str(tried),
        *(str(sum(len(tally["failures"]) for tally in found.values())) for found in (old, new)),
        "",
        "",
    ]


def _left(new: dict[str, Found]) -> str:
    """What fails still, and what could not be tried."""
    failed = [
        f"- {kind}: {_code(name)}: {_code(reason)}"
        for kind, tally in new.items()
        for name, reason in tally["failures"].items()
    ]
    skipped = [
        f"- {kind}: {_code(name)}: {reason}" for kind, tally in new.items() for name, reason in tally["skipped"].items()
    ]
    text = "## What fails still\n\n" + ("\n".join(failed) or "Nothing of the above.") + "\n"
    return text + ("\n## What this machine could not try\n\n" + "\n".join(skipped) + "\n" if skipped else "")


def _code(text: str) -> str:
    """Text as it is, where some of it would be markup."""
    return "`" + text.replace("`", "'").replace("\n", " ") + "`"
