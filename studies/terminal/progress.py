"""Bars on standard error while long work is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from studies.terminal.console import plain_console

if TYPE_CHECKING:
    from studies.jobs.checkpoints import Bars

Result = TypeVar("Result")


def with_bars(work: Callable[[Bars], Result]) -> Result:
    """Do a long piece of work that names its parts, one bar for each, on standard error."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=plain_console(stderr=True))

    def start(title: str) -> Callable[[int, int], None]:
        bar.start()  # now, and not before: what is refused leaves no empty line
        line = bar.add_task(title, total=None)
        return lambda done, total: bar.update(line, completed=done, total=total)

    try:
        return work(start)
    finally:
        if bar.tasks:
            bar.stop()


def with_progress(title: str, work: Callable[[Callable[[int, int], None]], Result]) -> Result:
    """Do a long piece of work under a bar on standard error, from the first piece that it tells of."""
    lines: list[Callable[[int, int], None]] = []

    def report(bars: Bars, done: int, total: int) -> None:
        if not lines:
            lines.append(bars(title))
        lines[0](done, total)

    return with_bars(lambda bars: work(lambda done, total: report(bars, done, total)))
