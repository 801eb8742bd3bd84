"""A threshold without a universal number: where samples of two sizes are as likely to percolate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_rng
from microstructure.errors import ThresholdError
from percolation.sweep import Sweep
from percolation.threshold import FEWEST_RUNS, Threshold, expanded_tail, parse_share

REPLICATES = 1000
SHUFFLES = 400
SEED = 19850612
GRID = 513
CHANCE = 0.05  # that sizes which do not differ are taken to cross


def cross_thresholds(
    small: Sweep,
    large: Sweep,
    *,
    kind: str = "wrap",
    axis: int | str | None = None,
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> Threshold:
    """Find where the curves of two sizes cross: below it the larger sample percolates less often, above it more.

    Parameters
    ----------
    small, large : Sweep
        Structures of one kind in a smaller and a larger box, 8 runs or more of each.
    kind, axis
        As for `estimate_threshold`.
    confidence : float
        Of the interval.
    rng : numpy.random.Generator, optional
        Draws replicates. By default one with a fixed seed, so that the same data give the same bytes.

    Returns
    -------
    Threshold
        Its probability is that of the curves at the crossing, its width 0.

    Raises
    ------
    ValueError
        If the second sample is not the larger, or the quantities differ.
    ThresholdError
        If there are fewer than 8 runs, or the curves do not cross, or no more clearly than those of two halves of the
        same runs would.

    Notes
    -----
    The crossing is where the integral of the difference of both curves is least: one number also where two noisy
    curves touch more than once.

    References
    ----------
    K. Binder, Z. Phys. B 43 (1981) 119 (crossings); P. J. Reynolds, H. E. Stanley and W. Klein, Phys. Rev. B 21 (1980)
    1223 (cell-to-cell renormalisation of the probability to percolate).

    Examples
    --------
    >>> from percolation import sweep_sites
    >>> rng = np.random.default_rng(1)
    >>> small, large = (sweep_sites((s, s, s), runs=400, rng=rng) for s in (6, 12))
    >>> found = cross_thresholds(small, large)
    >>> found.low < 0.3116 < found.high
    True
    """
    for name, sweep in (("small", small), ("large", large)):
        if not isinstance(sweep, Sweep):
            raise TypeError(f"{name} must be a Sweep, got {type(sweep).__name__}")
        if sweep.runs < FEWEST_RUNS:
            raise ThresholdError(f"a crossing needs at least {FEWEST_RUNS} runs of each size, got {sweep.runs}")
    if np.prod(large.shape) <= np.prod(small.shape) or small.quantity != large.quantity:
        raise ValueError("give two sweeps of the same quantity, the smaller box first")
    rng, confidence = (
        np.random.default_rng(SEED) if rng is None else check_rng(rng),
        parse_share(confidence, "confidence"),
    )
    grid = _grid(small.onsets(kind, axis), large.onsets(kind, axis), lattice=small.total is not None)
    curves = [sweep.tails(sweep.onsets(kind, axis), grid) for sweep in (small, large)]
    means = [rows.mean(axis=0) for rows in curves]
    _require_crossing(curves, rng)
    place = int(_crossings(means[1] - means[0]))
    drawn = [_resample(rows, rng) for rows in curves]
    places = np.sort(grid[_crossings(drawn[1] - drawn[0])])
    tail = expanded_tail(min(small.runs, large.runs), confidence)
    low = float(np.quantile(places, tail, method="lower"))
    high = float(np.quantile(places, 1 - tail, method="higher"))
    value, probability = float(grid[place]), float(0.5 * (means[0][place] + means[1][place]))
    looked = axis if isinstance(axis, str) else small.axis if axis is None else int(axis)
    method = f"crossing of {kind} along axis {looked} of two sizes, percentile bootstrap over runs"
    runs = small.runs + large.runs
    return Threshold(
        value,
        min(low, value),
        max(high, value),
        0.0,
        method,
        kind,
        looked,
        small.quantity,
        runs,
        confidence,
        probability,
    )


def _grid(small: NDArray[np.float64], large: NDArray[np.float64], *, lattice: bool) -> NDArray[np.float64]:
    """Even points from the first to the last onset, and some beyond."""
    finite = np.concatenate([small[np.isfinite(small)], large[np.isfinite(large)]])
    if finite.size == 0:
        raise ThresholdError("no run of either size ever percolates: sweep further")
    margin = 0.05 * (finite.max() - finite.min()) + 1e-9
    low, high = finite.min() - margin, finite.max() + margin
    return np.linspace(max(low, 0.0), min(high, 1.0) if lattice else high, GRID)


def _crossings(difference: NDArray[np.float64]) -> NDArray[np.int64]:
    """Grid point at which the running sum of large minus small is least, for curves (..., grid)."""
    return np.asarray(np.argmin(np.cumsum(difference, axis=-1), axis=-1))


def _clarity(difference: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the running sum falls before the crossing and rises after it, the lesser of both; curves (..., grid)."""
    total = np.cumsum(difference, axis=-1)
    least = total.min(axis=-1)
    return np.asarray(np.minimum(-np.minimum(least, 0.0), total[..., -1] - least))


def _resample(rows: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Mean curves of bootstrap replicates, float64 (REPLICATES, grid)."""
    counts = rng.multinomial(len(rows), np.full(len(rows), 1.0 / len(rows)), size=REPLICATES)
    return np.asarray(counts @ rows / len(rows))


def _require_crossing(curves: list[NDArray[np.float64]], rng: np.random.Generator) -> None:
    """Refuse what runs that were dealt to both sizes at random would show as clearly."""
    both, count = np.concatenate(curves), len(curves[0])
    found = float(_clarity(curves[1].mean(axis=0) - curves[0].mean(axis=0)))
    dealt = np.empty(SHUFFLES)
    for k in range(SHUFFLES):
        turn = rng.permutation(len(both))
        dealt[k] = _clarity(both[turn[count:]].mean(axis=0) - both[turn[:count]].mean(axis=0))
    if found <= float(np.quantile(dealt, 1 - CHANCE)):
        raise ThresholdError(
            "the curves of the two sizes do not cross, or not clearly enough: take sizes that differ more, or more runs"
        )
