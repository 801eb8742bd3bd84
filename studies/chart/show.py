"""What `percoat threshold` prints: the thresholds of one coat, or of every coat thickness of the chart."""

from __future__ import annotations

import math

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table

from microstructure.materials import Materials
from studies.chart.chart import SCALES, Chart, Reading, interpolation_error, scales
from studies.chart.formula import ALONG, LETTERS, Formula, fit_formulas
from studies.console import wide_console
from studies.texts import digits

WIDTH = 118
CASES = {
    "": "",
    "core_to_outside": "core to outside",
    "core_to_core_merged": "two coats, merged",
    "core_to_core_seam": "two coats, seam",
}
NAMES = {"bulk": "bulk pellet", "in_plane": "along the coat", "across": "across"}
QUESTION = {"structure": "aggregates", "dispersion": "dispersion", "fit": "fit"}


def show_coat(chart: Chart, thickness: float, **wanted: str) -> None:
    """Print all thresholds of one coat on the three scales of carbon content."""
    table = Table(title=f"carbon thresholds of a {thickness * 1e9:g} nm coat; {_settings(wanted)}")
    for name in ("threshold", *SCALES):
        table.add_column(f"{name} [%]".replace("[", r"\[") if name in SCALES else name, justify="right")
    table.columns[0].justify = "left"
    readings = chart.read(thickness, **wanted)
    for reading in readings:
        table.add_row(reading_name(reading), *reading_texts(reading, chart.materials))
    _print(table, *_notes(chart, thickness, readings, wanted))


def show_chart(chart: Chart, **wanted: str) -> None:
    """Print the thresholds at every thickness of the chart, for the default contact area."""
    rows = chart.choose(**wanted)
    bulk = rows[rows["quantity"] == "bulk"].iloc[0]
    table = Table(title=f"{chart.record['title']}\n{_settings(wanted)}; CB of CB+SE by volume, pores excluded")
    for name in ("coat [nm]", "t/d", "along [%]", *(f"{case} [%]" for case in list(CASES.values())[1:])):
        table.add_column(name.replace("[", r"\["), justify="right")
    coats = rows[(rows["quantity"] == "in_plane") | (rows["area_factor"] == 1.0)]
    for thickness, group in coats.groupby("thickness"):
        found = {row["case"]: interval_text(row["value"], row["low"], row["high"]) for row in group.to_dict("records")}
        size = [f"{float(str(thickness)) * 1e9:g}", f"{group['ratio'].iloc[0]:g}"]
        table.add_row(*size, *(found.get(case, "") for case in CASES))
    bulk_text = f"bulk: {interval_text(bulk['value'], bulk['low'], bulk['high'])} %, whatever the coat"
    formulas = [f for f in fit_formulas(chart) if all(getattr(f, key) == value for key, value in wanted.items())]
    lines = [_formula_text(formula) for formula in formulas if formula.area_factor in (0.0, 1.0)]
    _print(table, bulk_text, "across: half of the contacts of pi R (t1 + t2) are bridged, R = 1.65 um", *lines)


def reading_name(reading: Reading) -> str:
    """What was read, in words."""
    area = f" {reading.area * 1e12:.2g} um2," if reading.quantity == "across" else ""
    return f"{NAMES[reading.quantity]}{',' if area else ''}{area} {CASES[reading.case]}".strip()


def reading_texts(reading: Reading, materials: Materials) -> list[str]:
    """The reading with its interval on each scale."""
    columns = scales(np.array([reading.value, reading.low, reading.high]), materials)
    return [interval_text(*(float(number) for number in column)) for column in columns]


def interval_text(value: float, low: float, high: float) -> str:
    """A share in percent with its interval."""
    if not math.isfinite(value) or value >= 1.0:
        return "out of reach"
    ends = (digits(100 * low), digits(100 * high) if math.isfinite(high) else "?")
    return f"{digits(100 * value)} ({ends[0]} - {ends[1]})"


def _notes(chart: Chart, thickness: float, readings: list[Reading], wanted: dict[str, str]) -> list[str]:
    notes = dict.fromkeys(reading.remark for reading in readings if reading.remark)
    if any(reading.between for reading in readings):
        error = interpolation_error(chart, thickness, **wanted)
        notes[f"read off between two points of the chart: that adds {100 * error:.0f} % at most"] = None
    seeds = len(chart.record["seeds"])
    return [*notes, f"95 % intervals over {seeds} seeds: scatter of structures, no error of the model"]


def _formula_text(formula: Formula) -> str:
    numbers = ", ".join(f"{a} = {b:.4g}" for a, b in zip(LETTERS, formula.coefficients, strict=False))
    bulk = f", b = {formula.bulk:.4g}" if formula.formula == ALONG else ""
    name = "along" if formula.quantity == "in_plane" else CASES[formula.case]
    span = f"t/d {formula.thinnest:g} to {formula.thickest:g}, off by {100 * formula.largest_error:.0f} % at most"
    return f"{name}: {formula.formula}; {numbers}{bulk} ({span})"


def _settings(wanted: dict[str, str]) -> str:
    return ", ".join(f"{QUESTION[key]}: {value}" for key, value in wanted.items())


def _print(*parts: RenderableType) -> None:
    wide_console(WIDTH).print(Group(*parts))
