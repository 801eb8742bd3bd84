"""The bridge rate: bridges per area of a coat, free of the rim at which a window cuts its aggregates."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from microstructure.arguments import check_areas, check_kind, check_number, check_rng
from microstructure.errors import ThresholdError
from percolation.carbon_paths.bridges import Bridges

REPLICATES = 500
SEED = 20041107
FEWEST = 8  # windows of a size that must be open, and as many bridged, for it to count
WIDEST_RIM = 0.5  # of a window's edge: narrower windows do not follow the law
FACTOR = 16.0  # in area, over which a rate is asked to be constant


@dataclass(frozen=True)
class BridgeRate:
    """How often carbon crosses a coat at one content: P(no bridge in a square of side a) = exp(-value (a - rim)^2).

    Attributes
    ----------
    value, low, high : float
        Bridges per area and their 95 % interval.
    rim : float
        How much narrower a window is for bridges than it is cut: about the width of a bridge. It is 0 where the
        windows cannot tell it from 0.
    sizes : int
        Areas that had enough open and enough bridged windows.
    factor : float
        Between the largest and the smallest of them.
    consistency : float
        Probability of a scatter about the law as large as the one found, if it holds; 1 for two areas.
    """

    value: float = field(metadata={"unit": "1/m2"})
    low: float = field(metadata={"unit": "1/m2"})
    high: float = field(metadata={"unit": "1/m2"})
    rim: float = field(metadata={"unit": "m"})
    fraction: float = field(metadata={"unit": "1", "what": "CB volume fraction of the matrix, pores excluded"})
    sizes: int = field(metadata={"unit": "1"})
    factor: float = field(metadata={"unit": "1"})
    consistency: float = field(metadata={"unit": "1"})

    @property
    def constant(self) -> bool:
        """Whether one rate is known to describe windows whose areas differ by a factor of 16."""
        return self.factor >= FACTOR * (1.0 - 1e-9) and self.consistency > 0.01

    def probability(self, area: float) -> float:
        """Probability that a square contact of this area [m2] is bridged inside its rim.

        Examples
        --------
        >>> round(BridgeRate(1e12, 9e11, 1.1e12, 0.0, 0.03, 3, 16.0, 0.5).probability(1e-12), 4)
        0.6321
        """
        check_areas(area=area)
        return -math.expm1(-self.value * max(math.sqrt(area) - self.rim, 0.0) ** 2)


def fit_bridge_rate(
    bridges: Bridges, fraction: float, *, share: float = 1.0, rng: np.random.Generator | None = None
) -> BridgeRate:
    """Fit one rate to the windows of all areas at a carbon content.

    An aggregate bridges a window only if the bridge lies inside, so that a window of side a offers (a - rim)^2. The
    square root of -ln P0 is then a straight line in a, from which slope and rim are read.

    Parameters
    ----------
    bridges : Bridges
        With windows of two areas or more.
    fraction : float
        CB volume fraction of the matrix, pores excluded.
    share : float
        Of the contacts through the outer face that carry. Below 1 the `contents` of the bridges must have been counted
        at this fraction: a window with K contacts is then open with the probability (1 - share)^K.
    rng : numpy.random.Generator, optional
        Draws the bootstrap replicates over the patches. By default one with a fixed seed: same data, same bytes.

    Raises
    ------
    ValueError
        If the share is none, or contacts were not counted at this fraction.
    ThresholdError
        If fewer than two areas have both open and bridged windows enough: then no rate can be told from these.

    Examples
    --------
    >>> from microstructure.carbon.aggregates import build_library
    >>> from percolation import sweep_bridges
    >>> rng = np.random.default_rng(1)
    >>> library, areas = build_library(rng=rng, count=50), [1e-12, 0.5e-12, 0.25e-12]
    >>> bridges = sweep_bridges(library, thickness=150e-9, areas=areas, windows=3, runs=24, rng=rng)
    >>> fit_bridge_rate(bridges, 0.05).sizes
    3
    """
    check_kind("bridges", bridges, Bridges)
    bridges.check_content(fraction)
    if not 0.0 < check_number("share", share) <= 1.0:
        raise ValueError(f"share is a share of contacts in (0, 1]; got {share!r}")
    rng = np.random.default_rng(SEED) if rng is None else check_rng(rng)
    sides, opened, counts = _informative(bridges, fraction, share)
    picks = rng.integers(len(opened), size=(REPLICATES, len(opened)))
    while True:
        if len(sides) < 2:
            raise ThresholdError(
                f"a bridge rate at {fraction:.3g} needs windows of two areas, each with {FEWEST} of them open and"
                f" {FEWEST} bridged and twice as wide as its rim; got {len(sides)}: ask for other areas, or more runs"
            )
        lines = _lines(sides, opened, counts, picks, share)
        kept = lines.rim <= WIDEST_RIM * sides
        if kept.all():
            break
        sides, opened, counts = sides[kept], opened[:, kept], counts[kept]
    low, high = np.quantile(lines.rates, (0.025, 0.975))
    freedom = len(sides) - 2
    consistency = float(chi2.sf(lines.scatter, freedom)) if freedom else 1.0
    factor = float((sides.max() / sides.min()) ** 2)
    return BridgeRate(lines.rate, float(low), float(high), lines.rim, float(fraction), len(sides), factor, consistency)


@dataclass(frozen=True)
class _Lines:
    """Straight lines through sqrt(-ln P0) against the side: the fit, that of every replicate, and the scatter."""

    rate: float
    rim: float
    rates: NDArray[np.float64]
    scatter: float


def _informative(
    bridges: Bridges, fraction: float, share: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Sides [m] of the windows that can tell, the share of open ones in each patch (runs, sizes), windows of a size."""
    sides, columns, counts = [], [], []
    for area in bridges.areas:
        opened = bridges.open_windows(fraction, area, share)
        bridged = np.sum(opened < 1.0)  # windows with a contact, of which some share carries
        if opened.sum() >= FEWEST and bridged >= FEWEST:
            sides.append(math.sqrt(area))
            columns.append(opened.mean(axis=1))
            counts.append(opened.size)
    shares = np.stack(columns, axis=1) if columns else np.empty((len(bridges.onsets[0]), 0))
    return np.array(sides), shares, np.array(counts)


def _lines(
    sides: NDArray[np.float64],
    opened: NDArray[np.float64],
    counts: NDArray[np.int64],
    picks: NDArray[np.int64],
    share: float,
) -> _Lines:
    """Weighted least squares on the patches and on every resampling of them."""
    roots = np.sqrt(-np.log(opened.mean(axis=0)))
    # a replicate in which every window of a size is bridged, or none, counts as if half a window were not
    shares = np.clip(opened[picks].mean(axis=1), 0.5 / counts, 1.0 - 0.5 * share / counts)
    resampled = np.sqrt(-np.log(shares))
    errors = resampled.std(axis=0, ddof=1)
    slope, intercept = _line(sides, roots[np.newaxis], errors)
    slopes, _ = _line(sides, resampled, errors)
    covariance = np.cov(resampled, rowvar=False)
    # windows of two sizes that tell the same have no inverse; where few contacts carry, all numbers are small
    covariance += max(1e-24, 0.0 if share == 1.0 else 1e-9 * float(np.trace(covariance))) * np.eye(len(sides))
    miss = roots - intercept[0] - slope[0] * sides
    # windows of all sizes are cut from the same patches, so their errors go together
    design = np.stack([np.ones_like(sides), sides], axis=1)
    inverse = np.linalg.inv(covariance)
    projector = inverse - inverse @ design @ np.linalg.inv(design.T @ inverse @ design) @ design.T @ inverse
    scatter = float(miss @ projector @ miss)
    rim = max(-intercept[0] / slope[0], 0.0) if slope[0] > 0 else math.inf
    return _Lines(float(slope[0] ** 2), float(rim), np.maximum(slopes, 0.0) ** 2, scatter)


def _line(
    sides: NDArray[np.float64], roots: NDArray[np.float64], errors: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slope and intercept of each row of roots (n, sizes) against the sides."""
    weights = errors**-2 / np.sum(errors**-2)
    middle = weights @ sides
    slopes = (
        (roots - (roots @ weights)[:, np.newaxis]) @ (weights * (sides - middle)) / (weights @ (sides - middle) ** 2)
    )
    return slopes, roots @ weights - slopes * middle
