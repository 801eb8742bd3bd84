"""What a screening says: intervals, the Pareto front, who is best and how surely, and how little carbon suffices."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from studies.summary import SHARES, half_interval

KEY = ["composition", "setting"]
DRAWS = 4000
SEED = 19470213


def table_of(values: pd.DataFrame, full: Mapping[tuple[str, str], float] | None = None) -> pd.DataFrame:
    """One row for each candidate and quantity: mean, and the interval that holds 95 % of cathodes like it.

    One cathode scatters with its structure and with what the fitted parameters and the patches may be: all are in the
    values of the seeds, and the interval is that of one more of them (Student's t). It ends where nothing can be: at
    zero, a share at one, a capacity at that of all active material, `full`, by composition and setting.
    """
    rows = []
    for key, group in values.groupby([*KEY, "quantity", "unit"], sort=False):
        found, quantity = group["value"].to_numpy(), str(key[2])
        mean, half = float(found.mean()), half_interval(found) * math.sqrt(len(found) + 1)
        most = 1.0 if quantity.startswith(SHARES) else math.inf
        if quantity.startswith("capacity") and full is not None:
            most = full[str(key[0]), str(key[1])]
        rows.append((*key, mean, max(mean - half, 0.0), max(min(mean + half, most), mean), len(found)))
    return pd.DataFrame(rows, columns=[*KEY, "quantity", "unit", "mean", "low", "high", "seeds"])


def by_seed(values: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Candidates down, seeds across."""
    own = values[values["quantity"] == quantity]
    order = pd.MultiIndex.from_frame(own[KEY].drop_duplicates())
    return own.pivot(index=KEY, columns="seed", values="value").reindex(order)


def probability_best(merit: pd.DataFrame) -> pd.Series:
    """Probability of each candidate to have the largest mean merit, float64 by candidate.

    Seeds are drawn with replacement, the same ones for all candidates, because all share their parameters in a seed.
    """
    found = merit.to_numpy()
    picks = np.random.default_rng(SEED).integers(found.shape[1], size=(DRAWS, found.shape[1]))
    means = found[:, picks].mean(axis=2)
    winners = means >= means.max(axis=0) * (1.0 - 1e-12)
    return pd.Series((winners / winners.sum(axis=0)).mean(axis=1), index=merit.index, name="probability_best")


def pareto_front(*merits: pd.Series) -> NDArray[np.bool_]:
    """Candidates that no other one matches in all merits and beats in one, bool (candidates,)."""
    points = np.stack([merit.to_numpy() for merit in merits], axis=1)
    beaten = [bool(np.any(np.all(points >= one, axis=1) & np.any(points > one, axis=1))) for one in points]
    return ~np.array(beaten)


def least_carbon(carbon: pd.Series, goal: pd.DataFrame, least: float) -> tuple[float, float, float]:
    """How little carbon reaches a goal, and its 95 % interval over the seeds; infinite where none does.

    Parameters
    ----------
    carbon : Series
        Carbon content of each candidate.
    goal : DataFrame
        Candidates down, seeds across.
    least : float
        What is wanted of the goal. Between two candidates it is taken to rise evenly.
    """
    order = np.argsort(carbon.to_numpy(), kind="stable")
    contents = carbon.to_numpy()[order]
    found = np.array([_crossing(contents, goal.to_numpy()[order, seed], least) for seed in range(goal.shape[1])])
    mean = _crossing(contents, goal.mean(axis=1).to_numpy()[order], least)
    if not np.isfinite(found).all():
        return mean, float(np.min(found)), math.inf
    low, high = np.quantile(found, (0.025, 0.975))
    return mean, float(low), float(high)


def _crossing(contents: NDArray[np.float64], values: NDArray[np.float64], least: float) -> float:
    reached = np.flatnonzero(values >= least)
    if reached.size == 0:
        return math.inf
    k = int(reached[0])
    if k == 0:
        return float(contents[0])
    share = (least - values[k - 1]) / (values[k] - values[k - 1])
    return float(contents[k - 1] + share * (contents[k] - contents[k - 1]))
