"""What finite samples say about an infinite one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from microstructure.arguments import as_numbers, check_each, check_number
from microstructure.errors import ThresholdError
from percolation.statistics.threshold import Threshold, parse_share

FITTED = "fitted"
LARGEST_EXPONENT = 10.0  # of a power law in size: known ones are near 1
_EXPONENTS = np.geomspace(0.1, 5.0, 2001)  # tried, 0.2 % apart


def extrapolate_threshold(
    sizes: Sequence[float], thresholds: Sequence[Threshold], *, exponent: float | str, confidence: float = 0.95
) -> Threshold:
    """Extrapolate thresholds of finite samples to an infinite one, as value + slope * size^-exponent.

    Parameters
    ----------
    sizes : sequence of float (n,)
        Edge lengths, all in one unit.
    thresholds : sequence of Threshold (n,)
        One per size, at least two; each is weighted by the inverse square of its interval.
    exponent : float or "fitted"
        The known one: `INVERSE_NU_3D`, 1.141, if all edges grow, `INVERSE_NU_2D`, 3/4, for the lateral size of a slab
        of fixed thickness; `known_exponent` picks between them. "fitted" finds it together with the value and the
        slope, from at least three sizes.
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
        If there are fewer than two sizes (three for a fitted exponent), an interval is empty or unbounded, the
        thresholds differ in kind, or they cannot tell the exponent.

    Notes
    -----
    At the universal critical probability the leading shift vanishes and this exponent is too small; use a fixed
    probability such as 0.5. The interval of a fitted exponent is that of the profile likelihood: it holds every value
    that some exponent makes as likely as `confidence` asks for.

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
    edges = as_numbers("sizes", sizes).astype(np.float64)
    check_each("thresholds", thresholds, Threshold)
    if isinstance(exponent, str) and exponent != FITTED:
        raise ValueError(f"exponent must be a positive number or '{FITTED}', got {exponent!r}")
    confidence = parse_share(confidence, "confidence")
    data = _parse_points(edges, thresholds)
    if isinstance(exponent, str):
        fit = _fit_exponent(edges, data, confidence)
    else:
        known = check_number("exponent", exponent)
        if not 0.0 < known <= LARGEST_EXPONENT:
            raise ValueError(f"exponent must be positive, {LARGEST_EXPONENT:g} at most, got {exponent}")
        fit = _fit_line(edges, data, known, confidence)
    first = thresholds[0]
    return Threshold(
        fit.value,
        fit.low,
        fit.high,
        0.0,
        f"{first.kind} along axis {first.axis}, {len(edges)} sizes extrapolated as {fit.method}",
        first.kind,
        first.axis,
        first.quantity,
        sum(point.runs for point in thresholds),
        confidence,
        first.probability,
    )


class _Fit(NamedTuple):
    value: float
    low: float
    high: float
    method: str


def _solve(edges: NDArray[np.float64], data: NDArray[np.float64], exponent: float) -> tuple[NDArray, NDArray, float]:
    """Return value and slope, their covariance, and chi-square of the weighted line in size^-exponent."""
    values, errors = data
    # Sizes in units of the largest, and one column scaled to 1: well conditioned for any unit and exponent.
    design = np.stack([np.ones_like(edges), (edges / edges.min()) ** -exponent], axis=1) / errors[:, np.newaxis]
    covariance = np.linalg.inv(design.T @ design)
    found = covariance @ design.T @ (values / errors)
    return found, covariance, float(np.sum((design @ found - values / errors) ** 2))


def _fit_line(edges: NDArray[np.float64], data: NDArray[np.float64], exponent: float, confidence: float) -> _Fit:
    (value, slope), covariance, scatter = _solve(edges, data, exponent)
    freedom = len(edges) - 2
    error = math.sqrt(covariance[0, 0] * max(1.0, scatter / freedom if freedom else 1.0))
    error *= norm.ppf((1 + confidence) / 2)
    slope *= float(edges.min()) ** exponent
    method = f"size^-{exponent:g}, slope {slope:.3g}, chi-square {scatter:.2g} for {freedom} degrees of freedom"
    return _Fit(float(value), float(value - error), float(value + error), method)


def _fit_exponent(edges: NDArray[np.float64], data: NDArray[np.float64], confidence: float) -> _Fit:
    """Fit value, slope and exponent; their intervals are all that some fit makes likely enough."""
    if len(np.unique(edges)) < 3:
        raise ThresholdError(f"a fitted exponent needs at least three sizes, got {edges.tolist()}: give a known one")
    fits = [_solve(edges, data, exponent) for exponent in _EXPONENTS]
    scatters = np.array([scatter for _, _, scatter in fits])
    best, freedom = int(scatters.argmin()), len(edges) - 3
    least = float(scatters[best])
    allowed = norm.ppf((1 + confidence) / 2) ** 2 * max(1.0, least / freedom if freedom else 1.0)
    likely = np.flatnonzero(scatters <= least + allowed)
    if likely[0] == 0 or likely[-1] == len(_EXPONENTS) - 1:
        raise ThresholdError(
            f"the thresholds do not tell an exponent between {_EXPONENTS[0]:g} and {_EXPONENTS[-1]:g}: add runs, or "
            "sizes further apart, or give a known exponent"
        )
    ends = [(fits[i][0][0], math.sqrt(fits[i][1][0, 0] * (least + allowed - scatters[i]))) for i in likely]
    method = (
        f"size^-{_EXPONENTS[best]:.3g}, exponent fitted [{_EXPONENTS[likely[0]]:.3g}, {_EXPONENTS[likely[-1]]:.3g}], "
        f"chi-square {least:.2g} for {freedom} degrees of freedom"
    )
    low, high = min(value - error for value, error in ends), max(value + error for value, error in ends)
    return _Fit(float(fits[best][0][0]), float(low), float(high), method)


def _parse_points(edges: NDArray[np.float64], thresholds: Sequence[Threshold]) -> NDArray[np.float64]:
    """Return values and standard errors, float64 (2, n)."""
    if edges.shape != (len(thresholds),):
        raise ValueError(f"sizes and thresholds must be as many, got {edges.size} and {len(thresholds)}")
    if not (np.isfinite(edges) & (edges > 0)).all():
        raise ValueError(f"sizes must be positive, got {edges.tolist()}")
    if len(np.unique(edges)) < 2:
        raise ThresholdError(f"an extrapolation needs at least two sizes, got {edges.tolist()}")
    if len({(point.kind, point.axis, point.quantity, point.probability) for point in thresholds}) > 1:
        raise ThresholdError("the thresholds differ in kind, axis, quantity or probability: extrapolate each by itself")
    errors = np.array([(p.high - p.low) / (2 * norm.ppf((1 + p.confidence) / 2)) for p in thresholds])
    if not (np.isfinite(errors) & (errors > 0)).all():
        raise ThresholdError("every threshold needs a finite interval that is not empty: add runs")
    return np.array([[point.value for point in thresholds], errors])
