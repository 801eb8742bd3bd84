"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from studies.terminal.options import whole_number

SEEDS, WORKERS, COUNT = whole_number(2, 1000), whole_number(1), "INTEGER"
Measured = Annotated[
    Path | None,
    typer.Option("--measured", help="Your own measurements (.csv): quantity, composition, value, unit; they go first."),
]
