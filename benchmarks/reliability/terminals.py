"""Terminals that are narrow or dumb, other encodings, and texts that look like markup: the same numbers, the same words."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

from benchmarks.reliability.studies import PATIENCE, SCREEN, TESTS, call_in, undisturbed, write_studies
from benchmarks.reliability.tally import Tally
from benchmarks.reliability.trial import Ending, clear, scratch

CALL = "from studies.command import main; main()"
COAT = ("threshold", "--thickness", "120 nm")
TITLE = "[/foo] $x_$ \\\\frac{ [bold]x"


def run() -> Iterator[Tally]:
    """Terminals, then titles."""
    yield _terminals()
    home = scratch()
    quiet = undisturbed("screen", home / "cache")
    undisturbed("run", home / "cache")
    yield _markup(quiet.cache)
    clear(home)


def _terminals() -> Tally:
    """Narrow, dumb, and in other encodings: the same numbers."""
    tally, folder = Tally("terminals and encodings"), scratch()
    surroundings: dict[str, dict[str, str]] = {
        "20 columns": {"COLUMNS": "20"},
        "dumb": {"TERM": "dumb"},
        "no TERM": {"TERM": ""},
        "ASCII": {"PYTHONIOENCODING": "ascii"},
        "Latin-1": {"PYTHONIOENCODING": "latin-1"},
        "POSIX locale": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    }
    for arguments in (COAT, ("threshold",), ("calibrate", "--help")):
        wanted = _numbers(_fresh(folder, arguments).stdout)
        for name, changes in surroundings.items():
            done = _fresh(folder, arguments, **changes)
            same = _numbers(done.stdout) == wanted or "--help" in arguments
            good = done.returncode == 0 and "Traceback" not in done.stderr
            tally.count(
                f"{' '.join(arguments)}: {name}",
                ""
                if good and same
                else f"status {done.returncode}, numbers {'kept' if same else 'changed'}: {done.stderr[-150:]}",
            )
        for columns in (20, 1):
            status, text = _in_terminal(folder, arguments, columns)
            same = _numbers(text) == wanted or "--help" in arguments
            tally.count(
                f"{' '.join(arguments)}: a terminal of {columns}",
                ""
                if status == 0 and same and "Traceback" not in text
                else f"status {status}, numbers {'kept' if same else 'changed'}",
            )
    refused = _fresh(folder, ("threshold", "--structure", "größer µ"), PYTHONIOENCODING="ascii")
    good = refused.returncode == 2 and "Traceback" not in refused.stderr and "percoat:" in refused.stderr
    tally.count(
        "a refusal with letters that ASCII has not",
        "" if good else f"status {refused.returncode}: {refused.stderr[-150:]}",
    )
    piped = subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -c '{CALL}' threshold | head -n 1"],
        cwd=folder,
        env=environment_of(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    tally.count("a reader that stops reading", "traceback" if "Traceback" in piped.stderr else "")
    for command, words in (("screen", "[screen]"), ("calibrate", "[fitted]")):
        shown = " ".join(_fresh(folder, (command, "--help"), COLUMNS="200").stdout.split())
        tally.count(f"{command} --help names {words}", "" if words in shown else "it does not")
    clear(folder)
    return tally


def _fresh(folder: Path, arguments: tuple[str, ...], **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CALL, *arguments], cwd=folder, env=environment_of(**changes), capture_output=True,
        text=True, errors="replace", timeout=300, check=False,
    )  # fmt: skip


def _in_terminal(folder: Path, arguments: tuple[str, ...], columns: int) -> tuple[int, str]:
    """The command with a terminal of so many columns for its output."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {key: value for key, value in environment_of(TERM="xterm").items() if key != "COLUMNS"}
    process = subprocess.Popen(
        [sys.executable, "-c", CALL, *arguments],
        cwd=folder,
        env=environment,
        stdout=theirs,
        stderr=theirs,
        stdin=theirs,
    )
    os.close(theirs)
    parts = []
    while True:
        try:
            part = os.read(ours, 2**16)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(parts).decode("utf-8", "replace"))
    return process.wait(), text


def _numbers(text: str) -> list[str]:
    return sorted(re.findall(r"\d+(?:\.\d+)?", text))


def environment_of(**changes: str) -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")} | changes


def _markup(cache: Path) -> Tally:
    """A title that looks like markup is printed as it is."""
    tally, folder = Tally("texts that look like markup"), write_studies(scratch())
    sources = {
        "run": ((TESTS / "tiny.toml").read_text("utf-8"), "Li6PS5Cl, 70:30:x", ("run", "mine.toml")),
        "screen": (SCREEN, "a screening for tests", ("screen", "mine.toml")),
        "threshold": ((TESTS / "tiny_chart.toml").read_text("utf-8"), "a chart for tests", ("threshold", "--recompute", "--plan", "mine.toml")),
    }  # fmt: skip
    for name, (text, title, arguments) in sources.items():
        (folder / "mine.toml").write_text(text.replace(title, TITLE), "utf-8")
        ending: Ending = call_in((*arguments, "--out", name), folder, cache, PATIENCE)
        shown = TITLE.replace("\\\\", "\\") in " ".join((ending.stdout + ending.stderr).split()) or name == "screen"
        reason = ending.disaster or (f"status {ending.status}: {ending.stderr[-200:]}" if ending.status else "")
        tally.count(f"{name}: a title", reason or ("" if shown else "the title is not shown as it is written"))
    mine = (TESTS / "tiny_chart.toml").read_text("utf-8").replace("[structures.open]", "[structures.mine]")
    (folder / "mine.toml").write_text(mine, "utf-8")
    ending = call_in(("threshold", "--recompute", "--plan", "mine.toml", "--out", "named"), folder, cache, PATIENCE)
    tally.count(
        "a chart without a structure called open",
        ending.disaster or (f"status {ending.status}: {ending.stderr[-200:]}" if ending.status else ""),
    )
    clear(folder)
    return tally
