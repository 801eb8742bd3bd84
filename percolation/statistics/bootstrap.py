"""How well a threshold is known: what it would have been with other runs of the same kind (bootstrap)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from percolation.statistics.onsets import Sweep

FEWEST_RUNS = 8
REPLICATES = 2000
SEED = 20130521
_BLOCK = 2**21  # numbers drawn at once, 16 MB


def replicate_curves(
    sweep: Sweep, onsets: NDArray[np.float64], grid: NDArray[np.float64], count: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Yield the probability to percolate at the `grid` (m,) of `count` replicates, block by block, float64 (n, m)."""
    # Runs of equal onset are drawn together: the tails of every replicate are then one matrix product.
    distinct, counts = np.unique(onsets, return_counts=True)
    tails = sweep.tails(distinct, grid)
    block = max(1, _BLOCK // len(distinct))
    for start in range(0, count, block):
        drawn = rng.multinomial(sweep.runs, counts / sweep.runs, size=min(block, count - start))
        yield drawn @ tails / sweep.runs


def cover(onsets: Sequence[NDArray[np.float64]], total: int | None, points: int) -> NDArray[np.float64]:
    """Return values, float64 (points,), that cover every finite onset and, on `total` sites, its binomial tail."""
    finite = np.concatenate([some[np.isfinite(some)] for some in onsets])
    if total is None:
        return np.linspace(float(finite.min()), float(finite.max()), points)
    reach = 6 * math.sqrt(0.25 / total)
    return np.linspace(max(0.0, float(finite.min()) - reach), min(1.0, float(finite.max()) + reach), points)


def find_interval(replicates: NDArray[np.float64], value: float, runs: int, confidence: float) -> tuple[float, float]:
    """Return the ends of the percentile interval, expanded for few runs, and no narrower than up to the value."""
    # Hesterberg (2015), section 3.4: wider levels make up for the spread that few runs miss.
    tail = float(norm.cdf(math.sqrt(runs / (runs - 1)) * t.ppf((1 - confidence) / 2, runs - 1)))
    low = float(np.quantile(replicates, tail, method="lower"))
    high = float(np.quantile(replicates, 1 - tail, method="higher"))
    return min(low, value), max(high, value)
