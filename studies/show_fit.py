"""What the command line prints of a calibration, and of bulk against thin coats."""

from __future__ import annotations

import math

import pandas as pd
from rich.table import Table

from microstructure.materials import UNITS
from studies.calibrate import MEASURED_WITHIN, Calibration, count_data
from studies.compare import SHOWN, measured_text
from studies.console import wide_console
from studies.study import Study
from studies.values import NORMAL

WIDTH = 132
STRONG = 0.5  # correlation from which a pair of parameters is named


def show_calibration(study: Study, found: Calibration) -> None:
    """Print parameters with profile likelihoods, correlated pairs, held-out numbers, and [materials] tables."""
    console = wide_console(WIDTH)
    for sentence in count_data(study):
        console.print(sentence)
    table = Table(
        title="Fitted", caption=f"profile likelihood, linear about the fit; numbers within {MEASURED_WITHIN:.0%}"
    )
    for heading in ("parameter", "value", "95 %", "unit", "fixed by"):
        table.add_column(heading)
    for (name, value), error in zip(found.values.items(), found.errors, strict=True):
        allowed, unit = study.constants.constants[name], UNITS[name.split(".")[1]]
        ends = (min(max(value * math.exp(sign * NORMAL * error), allowed.low), allowed.high) for sign in (-1, 1))
        table.add_row(name, f"{value:.4g}", " - ".join(f"{end:.3g}" for end in ends), unit, found.targets[name].name)
    console.print(table)
    names, correlations = list(found.values), found.correlations
    pairs = [(correlations[i, j], names[i], names[j]) for i in range(len(names)) for j in range(i)]
    strong = [f"{one} and {other} ({value:+.2f})" for value, one, other in pairs if abs(value) >= STRONG]
    console.print(
        f"Correlated: {', '.join(strong)}." if strong else "No two parameters are correlated by half or more."
    )
    held = Table(title="Held out, and predicted")
    for heading in ("quantity", "composition", "predicted (95 %)", "measured", "unit"):
        held.add_column(heading)
    for name, (value, low, high) in found.held_out.items():
        quantity, composition = name.split(" ")
        _, unit, scale = SHOWN[quantity]
        text = f"{value / scale:.3g} ({low / scale:.3g} - {high / scale:.3g})"
        held.add_row(SHOWN[quantity][0], composition, text, measured_text(study, quantity, composition), unit)
    console.print(held)
    for name, value in found.values.items():
        group, key = name.split(".")
        unit = UNITS[key]
        text = f"{value:.4g}" if unit == "1" else f'"{value:.4g} {unit}"'
        source = f"fitted: {found.targets[name].name}, {study.ensemble.seeds} seeds"
        console.print(f'[materials.{group}]\n{key} = {{ value = {text}, source = "{source}" }}', soft_wrap=True)


def show_coats(table: pd.DataFrame, composition: str) -> None:
    """Print bulk against coat for every thickness."""
    console = wide_console(WIDTH)
    caption = "95 % intervals of the patches" + "".join(f"; * {note}" for note in sorted({*table["note"]} - {""}))
    shown = Table(title=f"The matrix of {composition}: a thick pellet, and coats", caption=caption)
    for heading in ("quantity", "unit", "coat (nm)", "bulk", "coat", "coat / bulk"):
        shown.add_column(heading, justify="left" if heading == "quantity" else "right")
    scales = {"1": (1e-2, "vol%"), "S/m": (0.1, "mS/cm")}
    for quantity, rows in table.groupby("quantity", sort=False):
        for row in rows.to_dict("records"):
            scale, unit = scales[str(row["unit"])]
            ends = " - ".join(_end(float(row[name]) / scale) for name in ("low", "high"))
            value, factor = float(row["coat"]), float(row["factor"])
            text = f"{value / scale:.3g} ({ends})" if math.isfinite(value) else "out of reach"
            cells = (f"{text} *" if row["note"] else text, f"{factor:.2f}" if math.isfinite(factor) else "")
            bulk = f"{float(row['bulk']) / scale:.3g}"
            shown.add_row(str(quantity), unit, f"{1e9 * float(row['thickness']):.3g}", bulk, *cells)
        shown.add_section()
    console.print(shown)


def _end(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "out of reach"
