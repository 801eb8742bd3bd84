"""Branched carbon-black aggregates: clusters of touching primaries, and a library of them with a measured size."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, field
from functools import partial
from typing import SupportsIndex

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from microstructure.arguments import check_lengths, check_number, check_rng
from microstructure.carbon import _aggregates
from microstructure.carbon.size_measures import measure_size, parse_measure
from microstructure.errors import PackingError

ATTEMPTS = 2000  # random contacts tried per merge before its two clusters are grown again
RESTARTS = 500  # such regrowths per aggregate before giving up
CALIBRATION_STEP = 1.5  # ratio of successive primary counts at which the mean size is measured
CALIBRATION_ERROR = 0.003  # standard error of the mean ln(size) at which a count is measured well enough
CALIBRATION_RUNS = 16  # aggregates per round of measuring; the extent, which scatters most, takes some 30 rounds
MOST_MEMBERS, MOST_PRIMARIES, MOST_DRAWN = 1_000_000, 100_000, 10_000_000
DENSEST_GYRATION = 2.0  # radii: random contacts bring the spheres that the law begins with no closer together
LARGEST = 5000  # primaries by the scaling law above which a library would take minutes


@dataclass(frozen=True, eq=False)
class Aggregate:
    """One aggregate of equal spheres, bonded as a tree."""

    centres: NDArray[np.float64] = field(repr=False, metadata={"unit": "m"})
    """float64, (N, 3): primary centres relative to their mean."""
    parent: NDArray[np.int32] = field(repr=False, metadata={"unit": "1"})
    """int32, (N,): the earlier primary that each is bonded to; -1 for the first."""
    radius: float = field(metadata={"unit": "m"})

    @property
    def count(self) -> int:
        """Number of primaries."""
        return len(self.parent)

    def __str__(self) -> str:
        return f"aggregate of {self.count} primaries of {2e9 * self.radius:.4g} nm"


@dataclass(frozen=True, eq=False, repr=False)
class AggregateLibrary:
    """Aggregates whose sizes follow a lognormal distribution by volume; draw from it by number with `draw`."""

    centres: NDArray[np.float64] = field(metadata={"unit": "m"})
    """float64, (total, 3): primary centres, each relative to the mean of its own aggregate."""
    parent: NDArray[np.int32] = field(metadata={"unit": "1"})
    """int32, (total,): place *within the aggregate* of the earlier primary that each is bonded to; -1 for the first."""
    start: NDArray[np.int64] = field(metadata={"unit": "1"})
    """int64, (count + 1,): aggregate k owns the primaries start[k] to start[k + 1] - 1."""
    diameters: NDArray[np.float64] = field(metadata={"unit": "m"})
    """float64, (count,): size of each aggregate, measured by `size_measure`."""
    radius: float = field(metadata={"unit": "m"})
    """Radius of a primary."""
    diameter: float = field(metadata={"unit": "m"})
    """The median by volume that was asked for."""
    size_measure: str = field(metadata={"unit": "name"})
    width: float = field(metadata={"unit": "1"})
    """Standard deviation of ln(size) by volume, before the spread of size at a given number of primaries."""
    fractal_dimension: float = field(metadata={"unit": "1"})
    prefactor: float = field(metadata={"unit": "1"})

    @property
    def count(self) -> int:
        """Number of aggregates."""
        return len(self.start) - 1

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Number of primaries of each aggregate, int64, (count,)."""
        return np.diff(self.start)

    @property
    def primary_diameter(self) -> float:
        """Diameter of a primary [m]."""
        return 2.0 * self.radius

    @property
    def primary_volume(self) -> float:
        """Volume of one primary [m3]."""
        return 4.0 / 3.0 * math.pi * self.radius**3

    @property
    def median_size(self) -> float:
        """Median by volume of the sizes reached [m]; every member stands for the same volume of carbon."""
        return float(np.median(self.diameters))

    def member(self, index: SupportsIndex) -> Aggregate:
        """Return one aggregate of the library, a view of its arrays."""
        k = _integer("index", index, least=0)
        if not 0 <= k < self.count:
            raise ValueError(f"index must be in 0 ... {self.count - 1}; got {k}")
        own = slice(int(self.start[k]), int(self.start[k + 1]))
        return Aggregate(centres=self.centres[own], parent=self.parent[own], radius=self.radius)

    def draw(self, count: SupportsIndex, *, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw aggregates as they come out of the bag, one by one.

        A member stands for its share of the volume, so the number of such aggregates goes with 1 / primaries. The
        volume-weighted size distribution of what is drawn is then the library's.

        Returns
        -------
        int64 array (count,)
            Indices of aggregates, drawn with replacement.

        Raises
        ------
        TypeError
            When `count` is not an integer or `rng` not a `numpy.random.Generator`.
        ValueError
            When `count` is negative, or above ten million.
        """
        check_rng(rng)
        share, wanted = 1.0 / self.sizes, _integer("count", count, least=0, most=MOST_DRAWN)
        return rng.choice(self.count, size=wanted, p=share / share.sum())

    def __repr__(self) -> str:
        sizes = self.sizes
        return (
            f"{self.count} aggregates of {sizes.min()}-{sizes.max()} primaries of {1e9 * self.primary_diameter:.4g} nm,"
            f" {self.size_measure} size {1e9 * self.median_size:.4g} nm, median by volume (asked: "
            f"{1e9 * self.diameter:.4g} nm, width {self.width:g}), "
            f"N = {self.prefactor:g} (R_g / a)^{self.fractal_dimension:g}"
        )


def grow_aggregate(
    primaries: SupportsIndex,
    *,
    rng: np.random.Generator,
    primary_diameter: float = 37e-9,
    fractal_dimension: float = 1.8,
    prefactor: float = 1.3,
) -> Aggregate:
    """Grow one branched aggregate of equal, touching spheres by tunable cluster-cluster aggregation.

    From 12 primaries on, and for every cluster of 12 or more on the way, N = k_f (R_g / a)^D_f holds to rounding
    error, with R_g the root mean square distance of the primary centres from their mean (the primary's own gyration
    is not included). Smaller ones meet it where touching spheres can (from 3 primaries on at the defaults). There are
    exactly N - 1 contacts; no other two primaries come nearer than 2e-6 radii.

    Parameters
    ----------
    primaries
        Number of primaries N, at least 1.
    rng
        Source of all randomness.
    primary_diameter
        Diameter 2 a of a primary [m].
    fractal_dimension, prefactor
        D_f in (1, 3] and k_f of the scaling law. 1.8 and 1.3: diffusion-limited cluster aggregation.

    Raises
    ------
    TypeError
        When an argument is of the wrong kind.
    ValueError
        When an argument is out of range, or when even a straight chain is too short for the scaling law.
    PackingError
        When the scaling law asks for more primaries in the space than random contacts can bring there.

    References
    ----------
    Filippov, Zurita and Rosner (2000), J. Colloid Interface Sci. 229, 261.

    Examples
    --------
    >>> aggregate = grow_aggregate(60, rng=np.random.default_rng(1))
    >>> gyration = (aggregate.centres**2).sum(axis=1).mean() ** 0.5
    >>> round(float(1.3 * (gyration / aggregate.radius) ** 1.8), 6)
    60.0
    """
    check_rng(rng)
    count = _integer("primaries", primaries, least=1, most=MOST_PRIMARIES)
    check_lengths(primary_diameter=primary_diameter)
    radius = 0.5 * float(primary_diameter)
    _require_law(fractal_dimension, prefactor)
    return _grow(count, radius, float(fractal_dimension), float(prefactor), rng)


def build_library(
    *,
    rng: np.random.Generator,
    count: SupportsIndex = 400,
    diameter: float = 250e-9,
    width: float = 0.3,
    size_measure: str = "hydrodynamic",
    primary_diameter: float = 37e-9,
    fractal_dimension: float = 1.8,
    prefactor: float = 1.3,
    cutoff: float = 2.5,
) -> AggregateLibrary:
    """Grow a library of carbon-black aggregates with a given size distribution by volume.

    Sizes are lognormal by volume. A calibration, grown first, turns each size into a number of primaries; the size at
    a given number scatters by 6 % (extent), 1.6 % (hydrodynamic), 0.5 % (projected area) or not at all (gyration),
    which adds to `width`. A size below that of two primaries becomes the nearer of one and two.

    Parameters
    ----------
    rng
        Source of all randomness.
    count
        Number of aggregates, at least 1.
    diameter
        Median size by volume [m], at least one primary diameter.
    width
        Standard deviation of ln(size) by volume; 0.3 is assumed.
    size_measure
        What `diameter` means: ``"hydrodynamic"``, ``"gyration"``, ``"extent"`` or ``"projected_area"``, see
        `measure_size`. At the defaults, the median aggregate has 58, 41, 16 or 67 primaries.
    primary_diameter
        Diameter of a primary [m].
    fractal_dimension, prefactor
        D_f in (1, 3] and k_f of the scaling law, see `grow_aggregate`.
    cutoff
        The distribution is cut at this many widths on either side of the median.

    Raises
    ------
    TypeError
        When an argument is of the wrong kind.
    ValueError
        When an argument is out of range, unknown or asks for aggregates of more than 5000 primaries.
    PackingError
        When the scaling law cannot be met by random contacts.

    References
    ----------
    Filippov, Zurita and Rosner (2000), J. Colloid Interface Sci. 229, 261.

    Examples
    --------
    >>> library = build_library(rng=np.random.default_rng(1), count=50)
    >>> round(library.median_size * 1e9, -1)
    250.0
    """
    check_rng(rng)
    parse_measure(size_measure)
    members = _integer("count", count, least=1, most=MOST_MEMBERS)
    check_lengths(primary_diameter=primary_diameter, diameter=diameter)
    radius = 0.5 * float(primary_diameter)
    _require_law(fractal_dimension, prefactor)
    _require_sizes(diameter, width, cutoff, radius, fractal_dimension, prefactor)
    grow = partial(
        _grow, radius=radius, fractal_dimension=float(fractal_dimension), prefactor=float(prefactor), rng=rng
    )
    targets = diameter * np.exp(width * _truncated_normals(members, cutoff, rng))
    calibration = _calibrate(grow, radius, size_measure, float(diameter * math.exp(width * cutoff)))
    aggregates = [grow(primaries) for primaries in calibration.primaries(targets)]
    return AggregateLibrary(
        centres=np.concatenate([aggregate.centres for aggregate in aggregates]),
        parent=np.concatenate([aggregate.parent for aggregate in aggregates]),
        start=np.concatenate([[0], np.cumsum([aggregate.count for aggregate in aggregates])]).astype(np.int64),
        diameters=np.array([measure_size(aggregate.centres, radius, size_measure) for aggregate in aggregates]),
        radius=radius,
        diameter=float(diameter),
        size_measure=size_measure,
        width=float(width),
        fractal_dimension=float(fractal_dimension),
        prefactor=float(prefactor),
    )


@dataclass(frozen=True, eq=False)
class _Calibration:
    """Typical size against number of primaries, both increasing from 1 primary on."""

    counts: NDArray[np.int64]
    sizes: NDArray[np.float64]

    def primaries(self, sizes: NDArray[np.float64]) -> list[int]:
        """Number of primaries of each size: interpolated in log-log, and below two primaries the nearer of 1 and 2."""
        logarithms = np.interp(np.log(sizes), np.log(self.sizes[1:]), np.log(self.counts[1:]))
        numbers = np.rint(np.exp(logarithms)).astype(np.int64)
        numbers[sizes < 0.5 * (self.sizes[0] + self.sizes[1])] = 1
        return [int(number) for number in numbers]


def _calibrate(grow: partial[Aggregate], radius: float, measure: str, largest: float) -> _Calibration:
    """Measure aggregates of ever more primaries until their typical size passes the largest one wanted."""
    counts = [1, 2]
    sizes = [measure_size(grow(number).centres, radius, measure) for number in counts]  # one and two have one shape
    while sizes[-1] <= largest:
        counts.append(max(counts[-1] + 1, round(CALIBRATION_STEP * counts[-1])))
        runs: list[float] = []
        while not runs or np.std(runs) > CALIBRATION_ERROR * len(runs) ** 0.5:
            round_of_runs = (grow(counts[-1]).centres for _ in range(CALIBRATION_RUNS))
            runs.extend(math.log(measure_size(centres, radius, measure)) for centres in round_of_runs)
        sizes.append(max(math.exp(np.mean(runs)), sizes[-1]))
    return _Calibration(counts=np.array(counts), sizes=np.array(sizes))


def _grow(
    primaries: int, radius: float, fractal_dimension: float, prefactor: float, rng: np.random.Generator
) -> Aggregate:
    centres = np.empty((primaries, 3))
    bonds = np.empty((primaries - 1, 2), dtype=np.int64)
    if not _aggregates.grow(fractal_dimension, prefactor, ATTEMPTS, RESTARTS, rng, centres, bonds):
        raise PackingError(
            f"no aggregate of {primaries} primaries with fractal dimension {fractal_dimension:g} and prefactor "
            f"{prefactor:g} found in {RESTARTS} regrowths: it would be too dense; lower either of them"
        )
    order = np.empty(primaries, dtype=np.int64)
    parent = np.empty(primaries, dtype=np.int32)
    _aggregates.breadth_first(bonds, order, parent)
    return Aggregate(centres=radius * centres[order], parent=parent, radius=radius)


def _truncated_normals(count: int, cutoff: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Standard normals within +-cutoff, one from each of `count` equal shares of probability, in random order.

    Each is distributed as asked; the shares keep the median of a small library from wandering.
    """
    shares = (rng.permutation(count) + rng.random(count)) / count
    below = ndtr(-cutoff)
    normals: NDArray[np.float64] = ndtri(below + (1.0 - 2.0 * below) * shares)
    return normals


def _require_law(fractal_dimension: float, prefactor: float) -> None:
    exponent, factor = _positive("fractal_dimension", fractal_dimension), _positive("prefactor", prefactor)
    if not 1.0 < exponent <= 3.0:
        raise ValueError(f"fractal_dimension must be above 1 and at most 3; got {exponent:g}")
    shortest = _aggregates.SCALING_FROM
    chain = math.sqrt((shortest**2 - 1) / 3.0)  # radius of gyration of a straight chain of touching spheres, in radii
    least = shortest / chain**exponent
    if factor < least:
        raise ValueError(
            f"prefactor must be at least {least:.3g} at fractal dimension {exponent:g}, where {shortest} primaries are "
            f"a straight chain; got {factor:g}"
        )
    most = shortest / DENSEST_GYRATION**exponent
    if factor > most:
        raise ValueError(
            f"prefactor must be at most {most:.3g} at fractal dimension {exponent:g}, where {shortest} primaries are "
            f"as close together as contacts bring them; got {factor:g}"
        )


def _require_sizes(
    diameter: float, width: float, cutoff: float, radius: float, fractal_dimension: float, prefactor: float
) -> None:
    median, bound = float(diameter), _positive("cutoff", cutoff)
    if median < 2.0 * radius:
        raise ValueError(f"diameter must be at least one primary diameter ({2 * radius:g} m); got {median:g} m")
    spread = check_number("width", width)
    if not 0.0 <= spread < math.inf:
        raise ValueError(f"width, the standard deviation of ln(size), must be 0 or positive; got {spread:g}")
    exponent = math.log(prefactor) + fractal_dimension * (math.log(0.5 * median / radius) + spread * bound)
    if exponent > math.log(LARGEST):
        raise ValueError(
            f"a diameter of {median:g} m with width {spread:g} and cutoff {bound:g} asks for aggregates of more than "
            f"{LARGEST} primaries; make one of them smaller"
        )


def _positive(name: str, value: float) -> float:
    number = check_number(name, value)
    if not 0.0 < number < math.inf:
        raise ValueError(f"{name} must be positive and finite; got {number:g}")
    return number


def _integer(name: str, value: SupportsIndex, *, least: int, most: int | None = None) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer; got {type(value).__name__}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer; got {value!r}") from None
    if number < least:
        raise ValueError(f"{name} must be at least {least}; got {number}")
    if most is not None and number > most:
        raise ValueError(f"{name} must be {most:,} at most; got {number}")
    return number
