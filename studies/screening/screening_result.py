"""What a screening yields: its table of candidates, and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from studies.screening.design import Candidate, ScreenPlan
from studies.screening.mechanism import Held
from studies.screening.sensitivity import InputScatter

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Screening:
    """What a screening found."""

    plan: ScreenPlan
    candidates: list[Candidate]
    values: pd.DataFrame
    table: pd.DataFrame
    ranking: pd.DataFrame
    enough: tuple[float, float, float]
    scatter: list[InputScatter]
    held: list[Held]
    folder: Path

    @property
    def quantities(self) -> list[str]:
        """All quantities of the table."""
        return [str(name) for name in self.table["quantity"].unique()]

    def rows(self, quantity: str) -> dict[tuple[str, str], Row]:
        """Rows of the table for one quantity, by composition and setting."""
        rows: list[Row] = self.table[self.table["quantity"] == quantity].to_dict("records")  # type: ignore[assignment]
        return {(row["composition"], row["setting"]): row for row in rows}
