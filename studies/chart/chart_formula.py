"""Fitted formulas for a spreadsheet: the thresholds along and across a coat against its thickness."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import least_squares

from studies.chart.threshold_chart import KEYS, Chart

ALONG = "f = b (1 + p (d/t)^q)"
ACROSS = "ln f = p + q L + r L^2 + s L^3, L = ln(t/d)"
LETTERS = ("p", "q", "r", "s")
Curve = Callable[[NDArray[np.float64], NDArray[np.float64], float], NDArray[np.float64]]


@dataclass(frozen=True)
class Formula:
    """A fitted formula and how far it is from the points it was fitted to.

    f is the CB volume fraction of the matrix (pores excluded), b that of the bulk threshold, t the thickness of one
    coat, d the size of an aggregate. Across, half of the contacts of `area_factor` times pi R (t1 + t2) are bridged.
    """

    quantity: str
    structure: str
    dispersion: str
    fit: str
    case: str
    area_factor: float
    formula: str
    bulk: float = field(metadata={"unit": "1"})
    coefficients: tuple[float, ...] = field(metadata={"unit": "1"})
    typical_error: float = field(metadata={"unit": "1", "what": "root mean square of ln(formula / chart)"})
    largest_error: float = field(metadata={"unit": "1", "what": "largest relative error, each inner point left out"})
    points: int
    thinnest: float = field(metadata={"unit": "1", "what": "t/d from which it holds"})
    thickest: float = field(metadata={"unit": "1", "what": "t/d up to which it holds"})

    def __call__(self, ratio: float) -> float:
        """The threshold at a thickness over d.

        Raises
        ------
        ValueError
            If it lies outside the thicknesses that the formula was fitted to.
        """
        if not self.thinnest * (1 - 1e-9) <= ratio <= self.thickest * (1 + 1e-9):
            raise ValueError(f"the formula holds for t/d from {self.thinnest:g} to {self.thickest:g}; got {ratio!r}")
        curve = _along if self.formula == ALONG else _across
        return float(curve(np.array(self.coefficients), np.array([ratio]), self.bulk)[0])


def fit_formulas(chart: Chart) -> list[Formula]:
    """One formula along and one for each case across, for every structure, dispersion and fit of a chart.

    Coats thinner than a primary, and thresholds out of reach, are left out. Where fewer points than coefficients plus
    two remain there is no formula: read the chart.
    """
    found = []
    rows = chart.choose()
    bulk = rows[rows["quantity"] == "bulk"].groupby(["structure", "dispersion"])["value"].first()
    rows = rows[np.isfinite(rows["value"]) & (rows["thickness"] >= chart.record["materials"]["cb.primary_diameter"])]
    rows = rows[rows["value"] < 1.0]
    for quantity, curve in (("in_plane", _along), ("across", _across)):
        groups = rows[rows["quantity"] == quantity].groupby([*KEYS, "case", "area_factor"], sort=False)
        found += [_fit(quantity, key, group.sort_values("ratio"), float(bulk[key[:2]]), curve) for key, group in groups]
    return [formula for formula in found if formula is not None]


def formula_table(formulas: list[Formula]) -> pd.DataFrame:
    """One row for each formula, one column for each coefficient."""
    table = pd.DataFrame([asdict(one) for one in formulas], columns=[one.name for one in fields(Formula)])
    coefficients = table.pop("coefficients")
    for k, letter in enumerate(LETTERS):
        table[letter] = [f"{numbers[k]:.5g}" if k < len(numbers) else "" for numbers in coefficients]
    return table


def _fit(quantity: str, key: tuple[Any, ...], group: pd.DataFrame, bulk: float, curve: Curve) -> Formula | None:
    """Least squares in ln(f); the error is that of inner points left out in turn, so that nothing is extrapolated."""
    ratios, values = group["ratio"].to_numpy(float), group["value"].to_numpy(float)
    size = 2 if curve is _along else len(LETTERS)
    if len(values) < size + 2:
        return None

    def solve(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        def misses(coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.log(curve(coefficients, ratios[rows], bulk) / values[rows])

        bounds = (np.where(curve is _along, 1e-9, -np.inf), np.inf)
        return np.asarray(least_squares(misses, np.ones(size), bounds=bounds).x)

    every = np.arange(len(values))
    left_out = [curve(solve(np.delete(every, k)), ratios, bulk)[k] / values[k] - 1.0 for k in every[1:-1]]
    best = solve(every)
    rest = np.log(curve(best, ratios, bulk) / values)
    structure, dispersion, fit, case, factor = key
    return Formula(
        quantity,
        structure,
        dispersion,
        fit,
        case,
        float(factor),
        ALONG if curve is _along else ACROSS,
        bulk,
        tuple(float(f"{number:.6g}") for number in best),
        float(f"{math.sqrt(float(np.mean(rest**2))):.3g}"),
        float(f"{float(np.max(np.abs(left_out))):.3g}"),
        len(values),
        float(ratios[0]),
        float(ratios[-1]),
    )


def _along(coefficients: NDArray[np.float64], ratios: NDArray[np.float64], bulk: float) -> NDArray[np.float64]:
    return np.asarray(bulk * (1.0 + coefficients[0] * ratios ** -coefficients[1]))


def _across(coefficients: NDArray[np.float64], ratios: NDArray[np.float64], bulk: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(np.polynomial.polynomial.polyval(np.log(ratios), coefficients)))
