"""Rows of the comparison as text, for the terminal, for Markdown and for figures."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from studies.quantities import PREDICTED
from studies.terminal.console import one_line


def markdown_table(table: pd.DataFrame) -> str:
    """The rows as Markdown: every threshold, and everything else as the study sets it."""
    lines = ["| quantity | case | prediction (95 %) | measured | the measured value was |", "|---|---|---:|---:|---|"]
    for row in table.to_dict("records"):
        quantity = str(row["quantity"])
        if quantity in PREDICTED and (quantity.startswith("threshold") or row["setting"] == ""):
            cells = [f"{PREDICTED[quantity][0]} ({row['unit']})", *row_texts(row)]
            lines.append(f"| {' | '.join(map(markdown_cell, cells))} |")
    return "\n".join(lines) + "\n"


def markdown_cell(text: str) -> str:
    """Text as a cell of a Markdown table: on one line, and with bars that do not end the cell."""
    return one_line(text).replace("|", r"\|")


def row_texts(row: Any) -> list[str]:
    """Case, prediction with interval, measured value and role of one row."""
    case = case_text(str(row["composition"]), str(row["setting"]))
    return [case, number_text(row), str(row["measured"]), str(row["role"])]


def case_text(composition: str, setting: str) -> str:
    """What a row is about, in few words."""
    if composition == "all":
        return setting.replace("_", " ").replace("=", ": ")
    return f"{composition}, {setting}" if setting else composition


def number_text(row: Any) -> str:
    """Mean, and interval if there is one."""
    if not math.isfinite(row["prediction"]):
        return "out of reach"
    interval = row["high"] > row["low"]  # false for NaN too
    mean, low, high = (digits(row[name]) for name in ("prediction", "low", "high"))
    return f"{mean} ({low} - {high})" if interval else mean


def interval_text(mean: float, low: float, high: float) -> str:
    """A number with the ends of its interval, or bare where there is none or it is narrower than what is shown."""
    narrow = not high - low > 2e-3 * abs(mean)  # so is NaN
    return digits(mean) if narrow else f"{digits(mean)} ({digits(low)} - {digits(high)})"


def digits(value: float) -> str:
    """Three significant digits, without an exponent where a person would not write one."""
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e5 else f"{value:.3g}"
