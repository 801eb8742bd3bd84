"""What `percoat threshold` prints: the thresholds of one coat, or of every coat thickness of the chart."""

from __future__ import annotations

import math

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table

from microstructure.materials import Materials
from studies.chart.chart_formula import ALONG, LETTERS, Formula, fit_formulas
from studies.chart.chart_rows import SEAM, SKIN
from studies.chart.threshold_chart import SCALES, Chart, Reading, material_name, scales
from studies.terminal.console import one_line, wide_console
from studies.terminal.texts import digits

WIDTH = 138
CASES = {
    "": "",
    "core_to_outside": "core to outside",
    "core_to_core_merged": "two coats, merged",
    SEAM: "seam, ideal contact",
    SKIN: "seam, through the skin",
}
FREE = "core to outside and merged: carbon crosses no contact between blocks, nothing there is thinned by a skin"
NAMES = {"bulk": "bulk pellet", "in_plane": "along the coat", "across": "across"}
QUESTION = {"structure": "aggregates", "dispersion": "dispersion", "fit": "fit"}


def show_coat(chart: Chart, thickness: float, *notes: str, **wanted: str) -> None:
    """Print all thresholds of one coat on the three scales of carbon content."""
    title = f"carbon thresholds of a {thickness * 1e9:g} nm coat; {_settings(wanted)}\n{masses_text(chart.materials)}"
    table = Table(title=title)
    readings = chart.read(thickness, **wanted)
    between = any(reading.between for reading in readings)
    table.add_column("threshold")
    for name in (*(f"{scale} [%]" for scale in SCALES), *(["between points, within"] if between else [])):
        table.add_column(name, justify="right")
    for reading in readings:
        within = [error_text(reading)] if between else []
        table.add_row(reading_name(reading), *reading_texts(reading, chart.materials), *within)
    if between:
        notes = (*notes, "within: how far off a straight line between the two nearest coats of the chart may be here")
    _print(table, *_notes(chart, readings), *notes)


def show_chart(chart: Chart, *notes: str, **wanted: str) -> None:
    """Print the thresholds at every thickness of the chart, for the default contact area."""
    rows = chart.choose(**wanted)
    bulk = rows[rows["quantity"] == "bulk"].iloc[0]
    title = one_line(chart.record["title"])
    table = Table(title=f"{title}\n{_settings(wanted)}; CB of CB+SE by volume, pores excluded")
    coats = rows[(rows["quantity"] == "in_plane") | (rows["area_factor"] == 1.0)]
    cases = [case for case in CASES if case and (case != SKIN or case in set(coats["case"]))]
    lines = []
    for thickness, group in coats.groupby("thickness"):
        found = {row["case"]: interval_text(row["value"], row["low"], row["high"]) for row in group.to_dict("records")}
        size = [f"{float(str(thickness)) * 1e9:g}", f"{group['ratio'].iloc[0]:g}"]
        lines.append([*size, *(found.get(case, "") for case in ("", *cases))])
    headings = ("coat [nm]", "t/d", "along [%]", *(f"{CASES[case]} [%]" for case in cases))
    for name, cells in zip(headings, zip(*lines, strict=True), strict=True):
        table.add_column(name, justify="right", min_width=max(map(len, cells)))
    for line in lines:
        table.add_row(*line)
    bulk_text = f"bulk: {interval_text(bulk['value'], bulk['low'], bulk['high'])} %, whatever the coat"
    radius = 0.5e6 * chart.record["plan"]["core_diameter"]
    across = f"across: half of the contacts of pi R (t1 + t2) are bridged, R = {radius:.3g} um"
    formulas = [f for f in fit_formulas(chart) if all(getattr(f, key) == value for key, value in wanted.items())]
    texts = [_formula_text(formula) for formula in formulas if formula.area_factor in (0.0, 1.0)]
    skins = dict.fromkeys(coats.loc[coats["case"] == SKIN, "remark"])
    _print(table, bulk_text, across, FREE, *skins, *_converted(chart), *texts, *notes)


def masses_text(materials: Materials) -> str:
    """Which densities the mass columns hold for."""
    parts = (
        f"{material_name(materials, group)} {1e-3 * materials[f'{group}.density']:.4g} g/cm3" for group in ("se", "cb")
    )
    return one_line(f"by mass: for {' and '.join(parts)}")


def error_text(reading: Reading) -> str:
    """How far off a reading between two points of the chart may be."""
    if not reading.between or not math.isfinite(reading.value):
        return ""
    return f"{100.0 * reading.error:.2g} %" if math.isfinite(reading.error) else "not known"


def reading_name(reading: Reading) -> str:
    """What was read, in words."""
    area = f" {reading.area * 1e12:.2g} um2," if reading.quantity == "across" else ""
    return f"{NAMES[reading.quantity]}{',' if area else ''}{area} {CASES[reading.case]}".strip()


def reading_texts(reading: Reading, materials: Materials) -> list[str]:
    """The reading with its interval on each scale."""
    columns = scales(np.array([reading.value, reading.low, reading.high]), materials)
    # of the three a ratio alone may be more than 100 %
    largest = (1.0, math.inf, 1.0)
    numbers = ((float(number) for number in column) for column in columns)
    return [interval_text(*ends, most=most) for ends, most in zip(numbers, largest, strict=True)]


def interval_text(value: float, low: float, high: float, *, most: float = 1.0) -> str:
    """A share in percent with its interval; out of reach from `most` on."""
    if not math.isfinite(value) or value >= most:
        return "out of reach"
    ends = (digits(100 * low), digits(100 * min(high, most)) if math.isfinite(high) else "?")
    return f"{digits(100 * value)} ({ends[0]} - {ends[1]})"


def _notes(chart: Chart, readings: list[Reading]) -> list[str]:
    notes = dict.fromkeys(reading.remark for reading in readings if reading.remark)
    seeds = len(chart.record["seeds"])
    if any(reading.quantity == "across" for reading in readings):
        notes[FREE] = FREE
    return [
        *notes,
        *_converted(chart),
        f"95 % intervals over {seeds} seeds: scatter of structures, no error of the model",
    ]


def _converted(chart: Chart) -> list[str]:
    """A sentence if the coats of the chart were computed with other pores."""
    return [one_line(str(chart.record["converted"]))] if "converted" in chart.record else []


def _formula_text(formula: Formula) -> str:
    numbers = ", ".join(f"{a} = {b:.4g}" for a, b in zip(LETTERS, formula.coefficients, strict=False))
    bulk = f", b = {formula.bulk:.4g}" if formula.formula == ALONG else ""
    name = "along" if formula.quantity == "in_plane" else CASES[formula.case]
    span = f"t/d {formula.thinnest:g} to {formula.thickest:g}"
    usual, worst = (100 * error for error in (formula.typical_error, formula.largest_error))
    rest = f"{usual:.2g} % off the chart as a rule, {worst:.2g} % at its worst point"
    return f"{name}: {formula.formula}; {numbers}{bulk} ({span}; {rest})"


def _settings(wanted: dict[str, str]) -> str:
    return one_line(", ".join(f"{QUESTION[key]}: {value}" for key, value in wanted.items()))


def _print(*parts: RenderableType) -> None:
    wide_console(WIDTH).print(Group(*parts))
