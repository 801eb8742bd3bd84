"""Numbers on the command line, read as strictly as those in files."""

from __future__ import annotations

from collections.abc import Callable

import typer

from microstructure.units import parse_whole


def whole_number(least: int, most: int | None = None) -> Callable[[str | int], int]:
    """What reads a whole number within a range: digits alone, so that "1_0" is not ten."""
    words = f"{least} or more" if most is None else f"{least} to {most}"

    def integer(value: str | int) -> int:
        try:
            number = value if isinstance(value, int) else parse_whole(value)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        if number < least or (most is not None and number > most):
            raise typer.BadParameter(f"{number} is not {words}")
        return number

    return integer
