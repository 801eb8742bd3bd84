"""A terminal wide enough for tables, in which what a user wrote is text and never markup."""

from __future__ import annotations

import contextlib
import sys

from rich.console import Console


def plain_console(**settings: object) -> Console:
    """A console that prints text as it is: "[/foo]" is no markup, and ":100:" in a recipe no picture."""
    return Console(markup=False, emoji=False, **settings)  # type: ignore[arg-type]


def wide_console(least: int) -> Console:
    """As wide as the terminal, and at least so many columns: in fewer a table would break its numbers."""
    console = plain_console()
    width = max(least, console.width if console.is_terminal else least)
    # with its height too: else a dumb terminal has 80 columns, whatever it is told
    return plain_console(width=width, height=console.height)


def one_line(text: str) -> str:
    """Text that a user wrote, on one line and without what would steer a terminal."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def say(text: str) -> None:
    """A line on standard error, if there is one."""
    if sys.stderr is not None:
        with contextlib.suppress(BrokenPipeError):
            sys.stderr.write(f"{text}\n")
