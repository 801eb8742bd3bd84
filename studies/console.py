"""A terminal wide enough for tables."""

from __future__ import annotations

from rich.console import Console


def wide_console(least: int) -> Console:
    """As wide as the terminal, and at least so many columns: in fewer a table would break its numbers."""
    console = Console()
    return Console(width=max(least, console.width if console.is_terminal else least))
