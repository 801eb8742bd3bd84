"""What counts as an answer: one sentence on the command line, or an error of percoat's own in Python."""

from __future__ import annotations

import functools
import importlib
import linecache
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.reliability.trial import MEGABYTES, Ending

PACKAGES = ("microstructure", "percolation", "transport", "studies")
STATUSES = (1, 2)


def one_sentence(ending: Ending) -> str:
    """Why an end on the command line is no refusal in one sentence; nothing if it is one.

    One line of standard error begins with "percoat:"; or it is the usage note of the command line's own library.
    """
    if ending.disaster:
        return ending.disaster
    lines = [line.strip() for line in ending.stderr.splitlines()]
    own = [line for line in lines if line.startswith("percoat:")]
    usage = any(line.startswith("Usage:") for line in lines) and "Error" in ending.stderr
    if ending.status == 0:
        return "accepted: status 0"
    if ending.status not in STATUSES:
        return f"status {ending.status}: {ending.stderr[-100:]}"
    if usage and not own:
        return ""
    if len(own) != 1 or len(own[0]) < len("percoat: no"):
        return f"{len(own)} lines begin with 'percoat:'; {ending.stderr.strip()[-120:]}"
    return ""


def attempt(work: Callable[[], Any]) -> Callable[[], dict[str, Any]]:
    """Work in Python, and what came of it: a value as text, or an error and whether percoat raised it itself."""

    def tried() -> dict[str, Any]:
        try:
            value = work()
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            return {"error": type(error).__name__, "words": str(error)[:300], "own": _own(error, frame)}
        return {"value": repr(value)[:300], "good": value is True}

    return tried


def refusal(ending: Ending, *, memory: float = MEGABYTES) -> str:
    """Why an end in Python is no refusal of percoat's own; nothing if it is one."""
    if ending.disaster:
        return ending.disaster
    if ending.increase > memory:
        return f"{ending.increase:.0f} MB of memory"
    if ending.report is None:
        return f"ended with status {ending.status}: {ending.stderr[-100:]}"
    if "error" not in ending.report:
        return f"accepted: {ending.report['value']}"
    if not ending.report["own"]:
        return f"raw {ending.report['error']}: {ending.report['words']}"
    return ""


def right(ending: Ending, *, memory: float = MEGABYTES) -> str:
    """Why an end in Python is not the right answer; the work says True if it is."""
    if ending.disaster:
        return ending.disaster
    if ending.increase > memory:
        return f"{ending.increase:.0f} MB of memory"
    if ending.report is None:
        return f"ended with status {ending.status}: {ending.stderr[-100:]}"
    if "error" in ending.report:
        return f"refused though fine: {ending.report['error']}: {ending.report['words']}"
    return "" if ending.report["good"] else f"wrong: {ending.report['value']}"


def either(ending: Ending) -> str:
    """Right, or refused by percoat itself."""
    return right(ending) and refusal(ending)


def _own(error: Exception, frame: traceback.FrameSummary) -> bool:
    """Raised on purpose: by a line of percoat that says so, with a sentence and a documented class."""
    from microstructure.errors import PercoatError

    if isinstance(error, FileNotFoundError):
        return True
    documented = isinstance(error, (TypeError, ValueError, PercoatError, OSError)) and type(error) is not UnicodeError
    inside = any(frame.filename.startswith(home) for home in _homes())
    line = linecache.getline(frame.filename, frame.lineno or 0).strip()
    return documented and inside and line.startswith("raise") and len(str(error).split()) > 2


@functools.cache
def _homes() -> tuple[str, ...]:
    return tuple(str(Path(str(importlib.import_module(name).__file__)).parent) for name in PACKAGES)
