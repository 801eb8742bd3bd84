"""From thresholds of finite samples to that of an infinite one, with a known exponent or a fitted one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import norm, t

from microstructure.arguments import check_rng
from microstructure.errors import ThresholdError
from percolation.sweep import Sweep
from percolation.threshold import FEWEST_RUNS, Threshold, expanded_tail, parse_share

EXPONENT_3D = 1.141  # 1/nu, nu = 0.8764(12), Wang et al., Phys. Rev. E 87 (2013) 052107
EXPONENT_2D = 0.75  # 1/nu of the plane; also that of a slab of fixed thickness in its lateral size
STEEPEST, FLATTEST = 4.0, 0.1  # exponents that a fit looks at
REPLICATES = 1000
SEED = 19941201


@dataclass(frozen=True)
class Exponent:
    """How fast the scatter of a threshold falls with the size of the sample: width ~ size^-value."""

    value: float = field(metadata={"unit": "1"})
    low: float = field(metadata={"unit": "1"})
    high: float = field(metadata={"unit": "1"})
    sizes: int = field(metadata={"unit": "1"})
    confidence: float = field(default=0.95, metadata={"unit": "1"})


def extrapolate_threshold(
    sizes: Sequence[float], thresholds: Sequence[Threshold], *, exponent: float | None = None, confidence: float = 0.95
) -> Threshold:
    """Extrapolate thresholds of finite samples to an infinite one, as value + slope * size^-exponent.

    Parameters
    ----------
    sizes : sequence of float (n,)
        Edge lengths, all in one unit.
    thresholds : sequence of Threshold (n,)
        One per size; each is weighted by the inverse square of its interval.
    exponent : float, optional
        Known: `EXPONENT_3D` (1.141), or `EXPONENT_2D` (3/4) in the plane and for the lateral size of a slab of fixed
        thickness. Fitted if not given, which takes three sizes and wider intervals.
    confidence : float
        Of the interval, which is widened if the points scatter about the line more than their intervals allow.

    Returns
    -------
    Threshold
        Its width is 0: an infinite sample has a sharp threshold.

    Raises
    ------
    ValueError
        If sizes and thresholds differ in number, or `exponent` or a size is not positive.
    ThresholdError
        If there are too few sizes, an interval is empty or unbounded, the thresholds differ in kind, or a fitted
        exponent is not told by the data.

    Notes
    -----
    At the universal critical probability the leading shift vanishes and the known exponent is too small; use a fixed
    probability such as 0.5.

    References
    ----------
    D. Stauffer and A. Aharony, Introduction to Percolation Theory, 2nd ed. (1994), section 4.1.

    Examples
    --------
    >>> one = Threshold(0.35, 0.34, 0.36, 0.0, "", "span", 0, "site occupation", 10)
    >>> two = Threshold(0.33, 0.32, 0.34, 0.0, "", "span", 0, "site occupation", 10)
    >>> round(extrapolate_threshold([1, 2], [one, two], exponent=1.0).value, 12)
    0.31
    """
    edges, confidence = np.asarray(sizes, dtype=np.float64), parse_share(confidence, "confidence")
    values, errors = _parse_points(edges, thresholds, exponent)
    how = "known"
    if exponent is None:
        exponent, how = _fit_shift(edges, values, errors), "fitted"
    design = np.stack([np.ones_like(edges), edges**-exponent], axis=1) / errors[:, np.newaxis]
    value, slope = np.linalg.lstsq(design, values / errors, rcond=None)[0]
    scatter = float(np.sum((design @ (value, slope) - values / errors) ** 2))
    if how == "fitted":  # the third column: how the line moves with the exponent
        design = np.column_stack([design, -slope * np.log(edges) * edges**-exponent / errors])
    freedom = len(edges) - design.shape[1]
    covariance = np.linalg.inv(design.T @ design) * max(1.0, scatter / freedom if freedom else 1.0)
    share = float(
        t.ppf((1 + confidence) / 2, freedom) if freedom and how == "fitted" else norm.ppf((1 + confidence) / 2)
    )
    if how == "fitted" and share * math.sqrt(covariance[2, 2]) > exponent:
        raise ThresholdError(
            f"the fitted exponent is {exponent:.2g} and may be 0: these sizes do not tell it, give a known exponent,"
            " larger sizes or more runs"
        )
    error, first = math.sqrt(covariance[0, 0]) * share, thresholds[0]
    method = (
        f"{first.kind} along axis {first.axis}, {len(edges)} sizes extrapolated as size^-{exponent:.4g} ({how}), "
        f"slope {slope:.3g}, chi-square {scatter:.2g} for {freedom} degrees of freedom"
    )
    return Threshold(
        float(value),
        float(value - error),
        float(value + error),
        0.0,
        method,
        first.kind,
        first.axis,
        first.quantity,
        sum(point.runs for point in thresholds),
        confidence,
        first.probability,
    )


def fit_exponent(
    sizes: Sequence[float],
    sweeps: Sequence[Sweep],
    *,
    kind: str = "wrap",
    axis: int | str | None = None,
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> Exponent:
    """Fit how the scatter of onsets falls with the size of the sample: 1/nu at its threshold.

    Parameters
    ----------
    sizes : sequence of float (n,)
        Edge lengths that grow together; the lateral ones of slabs of one thickness.
    sweeps : sequence of Sweep (n,)
        One per size.
    kind, axis
        As for `estimate_threshold`.
    confidence : float
    rng : numpy.random.Generator, optional
        Draws the bootstrap replicates over the runs. By default one with a fixed seed.

    Raises
    ------
    ThresholdError
        If there are fewer than two sizes, fewer than 8 runs, or runs that never percolate.

    Examples
    --------
    >>> from percolation import sweep_sites
    >>> rng = np.random.default_rng(1)
    >>> sweeps = [sweep_sites((s, s, s), runs=300, rng=rng) for s in (6, 12)]
    >>> found = fit_exponent([6, 12], sweeps)
    >>> found.low < 1.141 < found.high
    True
    """
    edges = np.asarray(sizes, dtype=np.float64)
    if edges.shape != (len(sweeps),) or not (edges > 0).all():
        raise ValueError(f"give one positive size for each sweep, got {edges.tolist()} for {len(sweeps)} sweeps")
    if len(np.unique(edges)) < 2:
        raise ThresholdError(f"an exponent needs at least two sizes, got {edges.tolist()}")
    tables = [sweep.onsets(kind, axis) for sweep in sweeps]
    if min(map(len, tables)) < FEWEST_RUNS or not all(np.isfinite(onsets).all() for onsets in tables):
        raise ThresholdError(f"an exponent needs {FEWEST_RUNS} runs or more of each size, all of which percolate")
    rng = np.random.default_rng(SEED) if rng is None else check_rng(rng)
    widths = np.array([np.std(onsets, ddof=1) for onsets in tables])
    if not (widths > 0).all():
        raise ThresholdError("the onsets of a size do not scatter at all: they are no random structures")
    drawn = np.stack([np.std(rng.choice(one, (REPLICATES, len(one))), axis=1, ddof=1) for one in tables])
    value, replicates = _slope(edges, widths[:, np.newaxis])[0], _slope(edges, drawn)
    tail = expanded_tail(min(map(len, tables)), parse_share(confidence, "confidence"))
    low, high = np.quantile(replicates, (tail, 1 - tail))
    return Exponent(float(value), float(low), float(high), len(edges), confidence)


def _slope(edges: NDArray[np.float64], widths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exponent of widths (n, m) against edges (n,), all points with one weight."""
    x = np.log(edges) - np.log(edges).mean()
    return np.asarray(-(x @ np.log(widths)) / (x @ x))


def _fit_shift(edges: NDArray[np.float64], values: NDArray[np.float64], errors: NDArray[np.float64]) -> float:
    """The exponent that fits best; the line is solved for each exponent tried."""

    def misses(exponent: NDArray[np.float64]) -> NDArray[np.float64]:
        design = np.stack([np.ones_like(edges), edges ** -exponent[0]], axis=1) / errors[:, np.newaxis]
        line = np.linalg.lstsq(design, values / errors, rcond=None)[0]
        return np.asarray(design @ line - values / errors)

    starts = np.geomspace(FLATTEST, STEEPEST, 12)
    best = starts[int(np.argmin([np.sum(misses(np.array([one])) ** 2) for one in starts]))]
    found = float(least_squares(misses, [best], bounds=(FLATTEST, STEEPEST)).x[0])
    if not FLATTEST * 1.01 < found < STEEPEST * 0.99:
        raise ThresholdError(
            f"no exponent between {FLATTEST} and {STEEPEST} fits these thresholds best: they do not tell it, give a"
            " known exponent"
        )
    return found


def _parse_points(
    edges: NDArray[np.float64], thresholds: Sequence[Threshold], exponent: float | None
) -> NDArray[np.float64]:
    """Return values and standard errors, float64 (2, n)."""
    if edges.shape != (len(thresholds),):
        raise ValueError(f"sizes and thresholds must be as many, got {edges.size} and {len(thresholds)}")
    if not ((exponent is None or exponent > 0) and (edges > 0).all()):
        raise ValueError(f"exponent and sizes must be positive, got {exponent} and {edges.tolist()}")
    least = "two sizes" if exponent is not None else "three sizes where the exponent is fitted"
    if len(np.unique(edges)) < (2 if exponent is not None else 3):
        raise ThresholdError(f"an extrapolation needs at least {least}, got {edges.tolist()}")
    if len({(point.kind, point.axis, point.quantity, point.probability) for point in thresholds}) > 1:
        raise ThresholdError("the thresholds differ in kind, axis, quantity or probability: extrapolate each by itself")
    errors = np.array([(p.high - p.low) / (2 * norm.ppf((1 + p.confidence) / 2)) for p in thresholds])
    if not (np.isfinite(errors) & (errors > 0)).all():
        raise ThresholdError("every threshold needs a finite interval that is not empty: add runs")
    return np.array([[point.value for point in thresholds], errors])
