"""Prediction beside measurement: one row for each quantity and composition, and what was fitted to it."""

from __future__ import annotations

import pandas as pd

from studies.quantities import ARITHMETIC, SHOWN, composition_value, measured_error, measured_text, natural
from studies.study import Study
from studies.summary import rounded

COLUMNS = [
    "quantity", "composition", "setting", "unit", "prediction", "low", "high", "seeds", "measured", "error", "role",
]  # fmt: skip


def comparison(study: Study, summary: pd.DataFrame) -> pd.DataFrame:
    """The table of a study: prediction with its 95 % interval, the measured value, and its role.

    Returns
    -------
    DataFrame
        Columns quantity, composition, setting, unit, prediction, low, high, seeds, measured, error, role. The error
        is the standard error of the measured value in the unit shown, NaN of a bound or where nothing was measured.
        The role is "arithmetic", "predicted", "fitted: PARAMETER", "compared" (a variant) or empty where nothing was
        measured.
    """
    rows = [*_composition_rows(study), *_summary_rows(study, summary)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _own_settings(study: Study, quantity: str) -> str:
    """The carbon settings that a study's own thresholds stand for; variants name what differs."""
    carbon = study.carbon
    text = f"as set: {carbon.size_measure}, gap {carbon.contact_gap * 1e9:g} nm"
    if quantity != "threshold_bulk":
        text += f", {carbon.fit}, {study.coat_thickness * 1e9:.3g} nm"
    return text + (
        f", seam, ideal contact, {study.contact_area * 1e12:.2g} um2" if quantity == "threshold_across" else ""
    )


def _composition_rows(study: Study) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for quantity, (_, unit, scale) in ARITHMETIC.items():
        for recipe in study.recipes:
            shown = rounded(composition_value(quantity, recipe) / scale)
            measured = _measured_cells(study, quantity, str(recipe))
            role = _role(study, quantity, str(recipe), "arithmetic")
            rows.append((quantity, str(recipe), "", unit, shown, shown, shown, 0, *measured, role))
    return rows


def _summary_rows(study: Study, summary: pd.DataFrame) -> list[tuple[object, ...]]:
    order = {quantity: number for number, quantity in enumerate(SHOWN)}
    compositions = {text: number for number, text in enumerate(str(recipe) for recipe in study.recipes)}
    rows: list[tuple[object, ...]] = []
    for row in summary[summary["quantity"].isin(order)].to_dict("records"):
        quantity, composition, setting = str(row["quantity"]), str(row["composition"]), str(row["setting"])
        _, unit, scale = SHOWN[quantity]
        numbers = [rounded(float(row[name]) / scale) for name in ("mean", "low", "high")]
        measured = _measured_cells(study, quantity, composition)
        shown = _own_settings(study, quantity) if quantity.startswith("threshold") and setting == "" else setting
        # a fitted number is fitted in the headline setting only; variants of it are shown beside for comparison
        role = resolved_role(study, quantity, composition, "predicted") if setting == "" else "compared"
        rows.append(
            (quantity, composition, shown, unit, *numbers, int(row["seeds"]), *measured, role if measured[0] else "")
        )
    return sorted(rows, key=lambda row: (order[str(row[0])], natural(str(row[2])), compositions.get(str(row[1]), -1)))


def _measured_cells(study: Study, quantity: str, composition: str) -> tuple[str, float]:
    """The measured value as text, and its standard error, in the unit shown."""
    error = measured_error(study, quantity, composition) / SHOWN[quantity][2]
    return measured_text(study, quantity, composition), rounded(error)


def _role(study: Study, quantity: str, composition: str, default: str) -> str:
    parameter = study.fitted.get(f"{quantity} {composition}")
    return f"fitted: {parameter}" if parameter else default


def resolved_role(study: Study, quantity: str, composition: str, default: str) -> str:
    """The role of a number of the resolved route: what was fitted to it, was fitted with the two-scale one."""
    parameter = study.fitted.get(f"{quantity} {composition}")
    if parameter and quantity.startswith(("composite", "utilisation")):
        return f"compared: {parameter} was fitted to it on blocks"
    return _role(study, quantity, composition, default)
