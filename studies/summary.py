"""The numbers a study yields: one value per quantity, composition and seed, then mean and interval over the seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

COLUMNS = ["quantity", "composition", "setting", "unit", "seed", "value"]
SHARES = (
    "utilisation", "reachable_area", "core_fraction", "porosity", "matrix_in", "carbon_left_out", "bond_share",
    "threshold",
)  # fmt: skip
NORMAL = 1.96  # standard deviations in half of a 95 % interval
DIGITS = 6  # significant digits written: what sums in another order cannot change


@dataclass(frozen=True)
class Value:
    """One number from one structure (or one seed's structures)."""

    quantity: str
    composition: str
    setting: str
    unit: str
    value: float


def tidy(values: dict[int, list[Value]]) -> pd.DataFrame:
    """One row per value, sorted, rounded to the digits that are written."""
    rows = [
        (v.quantity, v.composition, v.setting, v.unit, seed, rounded(v.value))
        for seed, found in values.items()
        for v in found
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.sort_values(COLUMNS[:5], kind="stable", ignore_index=True)


def summarise(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean and 95 % interval (Student's t over the seeds) of each quantity, composition and setting.

    Where a value is infinite in any seed (a threshold out of reach), so is the mean; its interval is then NaN.
    """
    rows = []
    for key, group in frame.groupby(COLUMNS[:4], sort=True):
        values = group["value"].to_numpy()
        mean, half = float(values.mean()), half_interval(values)
        # nothing here can be negative, and a share not above 1: what lies beyond is no part of the interval
        low, high = max(mean - half, 0.0), mean + half
        high = min(high, 1.0) if str(key[0]).startswith(SHARES) else high
        rows.append((*key, rounded(mean), rounded(low), rounded(high), len(values)))
    return pd.DataFrame(rows, columns=[*COLUMNS[:4], "mean", "low", "high", "seeds"])


def half_interval(values: NDArray[np.float64]) -> float:
    """Half of the 95 % interval of the mean of independent values; 0 if they are all the same, NaN if there is one."""
    count = len(values)
    if count < 2 or not math.isfinite(values.sum()):
        return math.nan
    return float(stats.t.ppf(0.975, count - 1) * values.std(ddof=1) / math.sqrt(count))


def rounded(value: float) -> float:
    """A float with so many significant digits as are written."""
    return float(f"{value:.{DIGITS}g}")
