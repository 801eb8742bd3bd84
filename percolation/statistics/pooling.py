"""One threshold from the onsets of several seeds, with an interval that counts the seeds as the independent ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from percolation.statistics.bootstrap import find_interval

REPLICATES = 400
SEED = 19791201
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Pooled:
    """A quantile of all onsets and its 95 % interval; infinite where too few structures ever show the event."""

    value: float
    low: float
    high: float


def pool(onsets: Sequence[NDArray[np.float64]], probability: float = 0.5) -> Pooled:
    """The content at which a share `probability` of all structures shows an event.

    Parameters
    ----------
    onsets : sequence of arrays
        One per seed, of any shape: structures of one seed share their aggregates, and windows of one patch their
        carbon, so only seeds are drawn anew in the bootstrap. The percentiles are expanded for few seeds
        (T. C. Hesterberg, Am. Stat. 69 (2015) 371).
    probability : float

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> found = pool([rng.normal(0.05, 0.01, 100) for _ in range(8)])
    >>> round(found.value, 2), found.low < 0.05 < found.high
    (0.05, True)
    """
    count, rng = len(onsets), np.random.default_rng(SEED)
    values = np.concatenate([one.ravel() for one in onsets])
    owner = np.repeat(np.arange(count), [one.size for one in onsets])
    order = np.argsort(values, kind="stable")
    values, owner = values[order], owner[order]
    value = _quantile(values, np.ones(len(values)), probability)
    draws = rng.multinomial(count, np.full(count, 1.0 / count), size=REPLICATES)
    replicates = np.array([_quantile(values, draw[owner].astype(float), probability) for draw in draws])
    return Pooled(value, *find_interval(replicates, value, count, CONFIDENCE))


def _quantile(values: NDArray[np.float64], weights: NDArray[np.float64], probability: float) -> float:
    """The quantile of sorted, weighted values; each stands in the middle of its weight."""
    places = (np.cumsum(weights) - 0.5 * weights) / weights.sum()
    right = int(np.searchsorted(places, probability))
    if right == 0:
        return float(values[0])
    if right == len(values) or math.isinf(values[right]):
        return math.inf
    left = right - 1
    share = (probability - places[left]) / (places[right] - places[left])
    return float(values[left] + share * (values[right] - values[left]))
