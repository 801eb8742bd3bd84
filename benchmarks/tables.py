"""Tables, in the terminal and in a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table


def show(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table."""
    table = Table(title=title)
    for heading in headings:
        table.add_column(escape(heading))  # units in brackets are no markup
    for row in rows:
        table.add_row(*map(escape, row))
    Console(width=160).print(table)


def markdown(headings: Sequence[str], alignment: str, rows: Iterable[Sequence[str]]) -> str:
    """Return a table for a page."""
    return "\n".join([f"| {' | '.join(headings)} |", alignment, *(f"| {' | '.join(row)} |" for row in rows)])
