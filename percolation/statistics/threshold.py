"""How much is needed before it percolates: one number with its interval, from many random structures."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from microstructure.arguments import check_number, check_rng
from microstructure.errors import ThresholdError
from percolation.lattice_arguments import parse_axis
from percolation.statistics.bootstrap import FEWEST_RUNS, REPLICATES, SEED, cover, find_interval, replicate_curves
from percolation.statistics.onsets import Sweep
from percolation.statistics.universal import critical_probability

_GRID = 257


@dataclass(frozen=True)
class Threshold:
    """A percolation threshold and how well it is known.

    Attributes
    ----------
    value : float
        Where the probability to percolate reaches `probability`, in the sweep's quantity.
    low, high : float
        Ends of the interval at `confidence`; `high` is inf if the runs do not bound it.
    width : float
        Standard deviation of the onset from structure to structure, of the runs that percolate: how sharp the
        threshold is in a sample of this size, not how well it is known. 0 after an extrapolation.
    method : str
        How it was found, in words.
    kind : str
        "wrap", "span" or "largest".
    axis : int or str
        Direction, "any" or "all".
    quantity : str
        What the value measures.
    runs : int
        Independent structures behind it.
    confidence : float
        Of the interval.
    probability : float
        To percolate at the threshold.
    """

    value: float = field(metadata={"unit": "1"})
    low: float = field(metadata={"unit": "1"})
    high: float = field(metadata={"unit": "1"})
    width: float = field(metadata={"unit": "1"})
    method: str = field(metadata={"unit": "1"})
    kind: str = field(metadata={"unit": "1"})
    axis: int | str = field(metadata={"unit": "1"})
    quantity: str = field(metadata={"unit": "1"})
    runs: int = field(metadata={"unit": "1"})
    confidence: float = field(default=0.95, metadata={"unit": "1"})
    probability: float = field(default=0.5, metadata={"unit": "1"})

    def __str__(self) -> str:
        """Tell the value, its interval and where both come from."""
        return (
            f"{self.quantity} {self.value:.5g} [{self.low:.5g}, {self.high:.5g}] "
            f"({100 * self.confidence:g} %, {self.runs} runs, width {self.width:.2g}; {self.method})"
        )


def estimate_threshold(
    sweep: Sweep,
    *,
    kind: str = "wrap",
    axis: int | str | None = None,
    probability: float | None = None,
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> Threshold:
    """Estimate where a sweep's structures percolate.

    Parameters
    ----------
    sweep : Sweep
        Onsets of at least 8 runs.
    kind : {"wrap", "span", "largest"}
        Closes on itself; joins two faces; the largest cluster grows most at once.
    axis : {0, 1, 2, "any", "either", "all", "both"}, optional
        Direction; the sweep's own by default.
    probability : float, optional
        To percolate at the threshold. By default the universal critical one for wrapping in a cube, or along a
        wide thin slab, where it is known; else 0.5.
    confidence : float
        Of the interval.
    rng : numpy.random.Generator, optional
        Draws the bootstrap replicates. By default one with a fixed seed, so that the same data give the same bytes.

    Returns
    -------
    Threshold
        Value, interval, and in words how they were found.

    Raises
    ------
    TypeError
        If `sweep` is not a Sweep or `rng` not a Generator.
    ValueError
        If `probability` or `confidence` is not between 0 and 1, or `kind` or `axis` is none of those offered.
    ThresholdError
        If there are fewer than 8 runs, too few of them ever percolate, or nothing can along that axis.

    Notes
    -----
    The other thresholds of a finite sample are `find_crossing`, of two sizes, and `extrapolate_threshold`, to an
    infinite one; `Threshold.width` says how sharp it is.

    The interval is the percentile bootstrap over runs, expanded for few runs as in the reference: the plain one would
    be too narrow by about a fifth for 8 runs. Measured in 500 experiments each, 95 % intervals of 8 runs hold the
    truth in 92 to 98 %, those of 16 and more in 94 to 97 %.

    References
    ----------
    T. C. Hesterberg, Am. Stat. 69 (2015) 371 (expanded percentile interval).

    Examples
    --------
    >>> import numpy as np
    >>> from percolation import sweep_sites
    >>> sweep = sweep_sites((16, 16, 16), runs=50, rng=np.random.default_rng(1))
    >>> found = estimate_threshold(sweep)
    >>> found.low < 0.3116 < found.high, round(found.value, 2)
    (True, 0.31)
    """
    if not isinstance(sweep, Sweep):
        raise TypeError(f"sweep must be a Sweep, got {type(sweep).__name__}: use sweep_sites first")
    rng = np.random.default_rng(SEED) if rng is None else check_rng(rng)
    confidence = parse_share(confidence, "confidence")
    onsets = sweep.onsets(kind, axis)
    looked = axis if isinstance(axis, str) else sweep.axis if axis is None else parse_axis(axis)
    critical = critical_probability(sweep, kind, looked)
    wanted = critical.value if probability is None else parse_share(probability, "probability")
    source = critical.source if probability is None else "as asked for"
    check_onsets(onsets, wanted, kind)
    value = _solve(sweep, onsets, wanted)
    replicates = _resample(sweep, onsets, wanted, rng)
    low, high = find_interval(replicates, value, sweep.runs, confidence)
    method = _describe(sweep, kind, looked, wanted, source)
    width = float(np.std(onsets[np.isfinite(onsets)], ddof=1))
    return Threshold(value, low, high, width, method, kind, looked, sweep.quantity, sweep.runs, confidence, wanted)


def check_onsets(onsets: NDArray[np.float64], wanted: float, kind: str) -> None:
    """Refuse data that cannot carry a threshold."""
    runs = len(onsets)
    if runs < FEWEST_RUNS:
        raise ThresholdError(f"a threshold needs at least {FEWEST_RUNS} runs, got {runs}: add runs")
    ever = int(np.isfinite(onsets).sum())
    if ever <= max(wanted * runs, 1):
        raise ThresholdError(
            f"only {ever} of {runs} runs ever show '{kind}', so its probability never passes {wanted:g}: "
            "sweep further, or ask for a smaller probability"
        )


def _solve(sweep: Sweep, onsets: NDArray[np.float64], wanted: float) -> float:
    """Return where the probability reaches `wanted`."""
    if sweep.total is None:
        value = float(_quantile(np.sort(onsets), wanted))
        if math.isinf(value):
            raise ThresholdError(f"too few runs percolate to place a probability of {wanted:g}: sweep further")
        return value
    distinct, counts = np.unique(onsets, return_counts=True)
    shares = counts / sweep.runs
    return float(brentq(lambda p: float((shares @ sweep.tails(distinct, p))[0]) - wanted, 0.0, 1.0, xtol=1e-13))


def _resample(
    sweep: Sweep, onsets: NDArray[np.float64], wanted: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the threshold of each bootstrap replicate, float64 (REPLICATES,)."""
    if sweep.total is None:
        return _quantile(np.sort(rng.choice(onsets, size=(REPLICATES, sweep.runs)), axis=1), wanted)
    grid = cover([onsets], sweep.total, _GRID)
    blocks = replicate_curves(sweep, onsets, grid, REPLICATES, rng)
    return np.concatenate([_crossings(grid, curves, wanted) for curves in blocks])


def _crossings(grid: NDArray[np.float64], curves: NDArray[np.float64], wanted: float) -> NDArray[np.float64]:
    """Return where each rising curve (n, m) reaches `wanted`, between two grid points; inf where it does not."""
    above = curves >= wanted
    right = np.maximum(above.argmax(axis=1), 1)
    rows = np.arange(len(curves))
    lower, upper = curves[rows, right - 1], curves[rows, right]
    rise = np.where(upper > lower, upper - lower, 1.0)
    found = grid[right - 1] + (grid[right] - grid[right - 1]) * np.clip((wanted - lower) / rise, 0.0, 1.0)
    return np.where(above.any(axis=1), found, np.inf)


def _quantile(onsets: NDArray[np.float64], wanted: float) -> NDArray[np.float64]:
    """Return the quantile of sorted onsets (..., n), the k-th standing at (k - 1/2) / n; inf beside an inf."""
    runs = onsets.shape[-1]
    place = min(max(wanted * runs - 0.5, 0.0), runs - 1.0)
    left = int(place)
    weight = place - left
    if weight == 0.0:
        return np.asarray(onsets[..., left])
    with np.errstate(invalid="ignore"):  # inf - inf, replaced below
        between = onsets[..., left] + weight * (onsets[..., left + 1] - onsets[..., left])
    return np.where(np.isinf(onsets[..., left + 1]), np.inf, between)


def _describe(sweep: Sweep, kind: str, axis: int | str, wanted: float, source: str) -> str:
    """Return how the threshold was found, in words."""
    event = "largest jump of the largest cluster" if kind == "largest" else f"{kind} along axis {axis}"
    average = "share of runs" if sweep.total is None else "binomial average over occupations"
    return f"{event} with probability {wanted:.6g} ({source}), {average}, expanded percentile bootstrap over runs"


def parse_share(value: float, name: str) -> float:
    """Return a number between 0 and 1, both excluded."""
    number = check_number(name, value)
    if not 0.0 < number < 1.0:
        raise ValueError(f"{name} must lie between 0 and 1, got {value}")
    return number
