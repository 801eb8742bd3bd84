"""What the command line prints of a calibration, and of bulk against thin coats."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from rich.table import Table

from microstructure.materials import UNITS
from studies.contact_law import FACE_CONSTANTS
from studies.quantities import SHOWN, measured_text
from studies.study import Study, with_constants
from studies.terminal.console import wide_console
from studies.terminal.texts import digits, interval_text
from studies.two_scale.calibration import Calibration, count_data
from studies.two_scale.held_out import Prediction
from studies.two_scale.rivals import RIVALS

WIDTH = 132
STRONG = 0.5  # correlation from which a pair of parameters is named


def show_calibration(study: Study, found: Calibration) -> None:
    """Print parameters with profile likelihoods, correlated pairs, held-out numbers, and [materials] tables."""
    console = wide_console(WIDTH)
    for sentence in count_data(study):
        console.print(sentence)
    table = Table(title="Fitted", caption="95 % by profile likelihood: the number computed anew, the others refitted")
    for heading in ("parameter", "value", "95 %", "unit", "fixed by", "measured within"):
        table.add_column(heading)
    for name, value in found.values.items():
        unit, target = UNITS[name.split(".")[1]], found.targets[name]
        interval = " - ".join(f"{end:.3g}" for end in found.profiles[name].interval)
        table.add_row(name, f"{value:.4g}", interval, unit, target.name, f"{target.error:.0%}")
    console.print(table)
    for sentence in _face_sentences(study, found):
        console.print(sentence)
    names, correlations = list(found.values), found.correlations
    pairs = [(correlations[i, j], names[i], names[j]) for i in range(len(names)) for j in range(i)]
    strong = [f"{one} and {other} ({value:+.2f})" for value, one, other in pairs if abs(value) >= STRONG]
    console.print(
        f"Correlated: {', '.join(strong)}." if strong else "No two parameters are correlated by half or more."
    )
    held = Table(title="Held out, and predicted: the mean, and the interval that holds 95 % of cathodes")
    for heading in ("quantity", "composition", "predicted", "without carbon between blocks", "measured", "unit"):
        held.add_column(heading)
    for name, one in found.held_out.items():
        quantity, composition = name.split(" ")
        shown, unit, _ = SHOWN[quantity]
        alone = _cathodes_text(found.bare_alone[name], quantity) if name in found.bare_alone else ""
        measured = measured_text(study, quantity, composition)
        held.add_row(shown, composition, _cathodes_text(one, quantity), alone, measured, unit)
    console.print(held)
    for name, value in found.values.items():
        group, key = name.split(".")
        unit = UNITS[key]
        text = f"{value:.4g}" if unit == "1" else f'"{value:.4g} {unit}"'
        source = f"fitted: {found.targets[name].name}, {study.ensemble.seeds} seeds"
        console.print(f'[materials.{group}]\n{key} = {{ value = {text}, source = "{source}" }}', soft_wrap=True)


def _face_sentences(study: Study, found: Calibration) -> list[str]:
    """Which share of the contacts between blocks carries, at the fit and at the ends of its interval."""
    law = study.carbon.contact_law
    if law == "resistance":
        return []
    name = FACE_CONSTANTS[law][0]
    values = (found.values[name], *found.profiles[name].interval)
    faces = [with_constants(study, {name: value}).outer_face for value in values]
    seam, wall = (
        "{:.2%} ({:.2%} - {:.2%})".format(shares[0], *sorted(shares[1:]))
        for shares in ([face.seam_share for face in faces], [face.wall_share for face in faces])
    )
    return [f"Of the carbon contacts between two blocks {seam} carry, of those of a block and a wall {wall}."]


def _cathodes_text(found: Prediction, quantity: str) -> str:
    """A prediction in the unit shown, and how many cathodes have no path for electrons."""
    scale = SHOWN[quantity][2]
    text = interval_text(found.value / scale, found.low / scale, found.high / scale)
    lost = f"; no path in {found.without_path} of {found.cathodes}"
    return text + (lost if found.without_path and quantity == "composite_electronic" else "")


def show_rivals(table: pd.DataFrame) -> None:
    """Print what rivals predict for every measurement, and how well it tells them apart; see `which_measurement`."""
    console, names = wide_console(WIDTH), [name for name in RIVALS if name in table]
    for name in names:
        console.print(f"{name}: {RIVALS[name].assumes}.")
    for reason in table.attrs["left_out"].values():
        console.print(f"Left out: {reason}.")
    shown = Table(
        title="Which measurement next: what rivals predict, and 95 % of measurements on one more cathode",
        caption="evidence: expected of one measurement between two rivals, in nats (4.6: odds of 100 to 1), each at"
        " most that in the mean; * measured already; below 1e-5 mS/cm no electrons are measured",
    )
    for heading in ("quantity", "composition", *names, "evidence", "not told apart"):
        shown.add_column(heading)
    for row in table.to_dict("records"):
        quantity, unit, scale = SHOWN[str(row["quantity"])]
        cells = [_measurement_text(row, name, scale) for name in names]
        mark = " *" if row["measured"] else ""
        evidence = f"{row['mean']:.1f}\n{row['smallest']:.1f} least"
        shown.add_row(f"{quantity} [{unit}]", f"{row['composition']}{mark}", *cells, evidence, str(row["alike"]))
    console.print(shown)


def _measurement_text(row: Mapping[Hashable, Any], name: str, scale: float) -> str:
    """A value, and below it the interval, in the unit shown."""
    if name in str(row["below_floor"]).split(", "):
        return "no path"
    value, low, high = (digits(float(row[key]) / scale) for key in (name, f"{name}_low", f"{name}_high"))
    return f"{value}\n{low} - {high}"


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
