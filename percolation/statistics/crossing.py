"""Where the curves of two sizes cross: a threshold that needs no critical probability to be known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_rng
from microstructure.errors import ThresholdError
from percolation.lattice_arguments import parse_axis
from percolation.statistics.bootstrap import REPLICATES, SEED, cover, find_interval, replicate_curves
from percolation.statistics.onsets import Sweep
from percolation.statistics.threshold import Threshold, check_onsets, parse_share

_GRID = 1025
_SURE = 3.0  # standard errors by which the larger sample must be below before the crossing and above after it
_MOST_LOST = 0.01  # share of replicates that may not cross


def find_crossing(
    one: Sweep,
    other: Sweep,
    *,
    kind: str = "wrap",
    axis: int | str | None = None,
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> Threshold:
    """Find where the probability to percolate is the same in samples of two sizes.

    Below the threshold a larger sample percolates less often, above it more often.

    Parameters
    ----------
    one, other : Sweep
        Samples of one kind and two sizes, in any order, each of at least 8 runs.
    kind : {"wrap", "span", "largest"}
        As for `estimate_threshold`.
    axis : {0, 1, 2, "any", "either", "all", "both"}, optional
        Direction; that of `one` by default.
    confidence : float
        Of the interval.
    rng : numpy.random.Generator, optional
        Draws the bootstrap replicates; by default one with a fixed seed.

    Returns
    -------
    Threshold
        Its probability is that at the crossing; its width that of the larger sample.

    Raises
    ------
    TypeError
        If `one` or `other` is not a Sweep, or `rng` not a Generator.
    ValueError
        If they differ in neighbours, periodic axes or quantity, or do not differ in size.
    ThresholdError
        If the curves do not cross, or the runs are too few to tell, or nothing can percolate along that axis.

    Notes
    -----
    The crossing is where the area between the curves, summed from the left, is least, so that noise where both are
    nearly 0 or 1 does not count. The crossing of wrapping curves tends to the threshold faster than a 50 % point.

    References
    ----------
    P. J. Reynolds, H. E. Stanley and W. Klein, Phys. Rev. B 21 (1980) 1223 (cell-to-cell transformation).

    Examples
    --------
    >>> import numpy as np
    >>> from percolation import sweep_sites
    >>> rng = np.random.default_rng(1)
    >>> small, large = (sweep_sites((edge,) * 3, runs=500, rng=rng) for edge in (6, 18))
    >>> round(find_crossing(small, large).value, 2)
    0.31
    """
    small, large = _order(one, other)
    rng = np.random.default_rng(SEED) if rng is None else check_rng(rng)
    confidence = parse_share(confidence, "confidence")
    looked = axis if isinstance(axis, str) else one.axis if axis is None else parse_axis(axis)
    onsets = [sweep.onsets(kind, looked) for sweep in (small, large)]
    for some in onsets:
        check_onsets(some, 0.5, kind)
    grid = cover(onsets, small.total, _GRID)
    curves = [sweep.curve(grid, kind, looked) for sweep in (small, large)]
    value = float(_cross(grid, (curves[1] - curves[0])[np.newaxis])[0])
    below, above = (
        np.concatenate(list(replicate_curves(sweep, some, grid, REPLICATES, rng)))
        for sweep, some in zip((small, large), onsets, strict=True)
    )
    gaps = above - below
    _check_sides(grid, gaps, value, small, large)
    found = _cross(grid, gaps)
    if np.isnan(found).mean() > _MOST_LOST:
        raise ThresholdError(f"{_name(small, large)} cross in too few replicates to tell where: add runs")
    runs = min(small.runs, large.runs)
    low, high = find_interval(found[np.isfinite(found)], value, runs, confidence)
    event = "largest jump of the largest cluster" if kind == "largest" else f"{kind} along axis {looked}"
    method = f"crossing of {event} in {_name(small, large)}, expanded percentile bootstrap over runs"
    width = float(np.std(onsets[1][np.isfinite(onsets[1])], ddof=1))
    height = float(np.interp(value, grid, curves[1]))
    both = small.runs + large.runs
    return Threshold(value, low, high, width, method, kind, looked, one.quantity, both, confidence, height)


def _order(one: Sweep, other: Sweep) -> tuple[Sweep, Sweep]:
    """Return the smaller and the larger sample, once they are known to be comparable."""
    for name, sweep in (("one", one), ("other", other)):
        if not isinstance(sweep, Sweep):
            raise TypeError(f"{name} must be a Sweep, got {type(sweep).__name__}: use sweep_sites first")
    for what in ("neighbours", "periodic", "quantity"):
        first, second = getattr(one, what), getattr(other, what)
        if first != second:
            raise ValueError(f"both sweeps must have the same {what}, got {first!r} and {second!r}")
    if (one.total is None) != (other.total is None):
        raise ValueError("both sweeps must be lattices or both continuum ones, got one of each")
    sizes = [float(np.prod(sweep.shape)) for sweep in (one, other)]
    if np.isclose(sizes[0], sizes[1], rtol=1e-6):
        raise ValueError(f"the sweeps must differ in size, got {one.shape} and {other.shape}")
    return (one, other) if sizes[0] < sizes[1] else (other, one)


def _cross(grid: NDArray[np.float64], gaps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where each difference (n, m), larger minus smaller, rises through 0; NaN where it does not."""
    area = np.cumsum(gaps, axis=1)
    last = area.argmin(axis=1)  # the last point below zero: the next one is above
    rows = np.arange(len(gaps))
    after = np.minimum(last + 1, len(grid) - 1)
    left, right = gaps[rows, last], gaps[rows, after]
    rise = np.where(right > left, right - left, 1.0)
    found = grid[last] - left / rise * (grid[after] - grid[last])
    return np.where((left < 0) & (right >= 0) & (area[:, -1] > area[rows, last]), found, np.nan)


def _check_sides(
    grid: NDArray[np.float64], gaps: NDArray[np.float64], value: float, small: Sweep, large: Sweep
) -> None:
    """Refuse curves whose order on either side of the crossing could be chance."""
    if np.isnan(value):
        raise ThresholdError(f"{_name(small, large)} do not cross: one lies above the other everywhere")
    below, above = gaps[:, grid <= value].sum(axis=1), gaps[:, grid > value].sum(axis=1)
    for side, sign, area in (("below", -1, below), ("above", 1, above)):
        if sign * area.mean() < _SURE * area.std():
            raise ThresholdError(
                f"the runs do not tell that {_name(small, large)} differ {side} {value:.4g}: "
                "add runs, or take sizes further apart"
            )


def _name(small: Sweep, large: Sweep) -> str:
    boxes = (" x ".join(f"{edge:g}" for edge in sweep.shape) for sweep in (small, large))
    return "samples of " + " and ".join(boxes)
