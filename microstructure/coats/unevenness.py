"""How a film varies over its cores: a thickness that wanders, and patches left bare."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from microstructure.arguments import check_fraction, check_kind, check_lengths, check_number, check_rng
from microstructure.coats._coating import Film, films_at
from microstructure.cores.sphere_packing import Packing

GRID = 128  # points along each edge of the periodic fields
POINTS_PER_LENGTH = 8  # so that the fields repeat after sixteen correlation lengths
SAMPLES = 400_000  # surface points at which the mean thickness and the bare share are set


@dataclass(frozen=True)
class Unevenness:
    """What is asked of a film: how far its thickness wanders, over what distance, and how much it covers.

    Parameters
    ----------
    thickness_width : float
        Standard deviation of the thickness over its mean, on the covered surface; 0 for an even film.
    correlation_length : float [m]
        Distance along which the correlation of the thickness, and of the bare patches, falls to 1/e.
    coverage : float
        Share of the surface that carries a film, in (0, 1]. The rest is bare; the film is thicker by as much.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind or out of range.

    Examples
    --------
    >>> Unevenness(thickness_width=0.3, coverage=0.9).coverage
    0.9
    """

    thickness_width: float = field(default=0.0, metadata={"unit": "1"})
    correlation_length: float = field(default=500e-9, metadata={"unit": "m"})
    coverage: float = field(default=1.0, metadata={"unit": "1"})

    def __post_init__(self) -> None:
        check_fraction("thickness_width", self.thickness_width)
        check_lengths(correlation_length=self.correlation_length)
        _check_coverage(self.coverage)

    @property
    def spread(self) -> float:
        """Standard deviation of ln(thickness)."""
        return math.sqrt(math.log1p(self.thickness_width**2))


@dataclass(frozen=True, eq=False)
class Relief:
    """The random fields behind an uneven film, and where every core lies in them."""

    unevenness: Unevenness
    thick: NDArray[np.float32] = field(repr=False, metadata={"unit": "1", "shape": "(n, n, n), periodic"})
    bare: NDArray[np.float32] = field(repr=False, metadata={"unit": "1", "shape": "(n, n, n), periodic"})
    offsets: NDArray[np.float64] = field(repr=False, metadata={"unit": "m", "shape": "(cores, 3)"})
    bare_below: float = field(metadata={"unit": "1", "what": "the film is missing where `bare` is below this"})
    scale: float = field(metadata={"unit": "1", "what": "keeps the mean thickness over the whole surface"})

    def film(self, thickness: float, roughness: float = 0.0, level: float = 0.0, open_height: float = 0.0) -> Film:
        """A film of this mean thickness [m], as the kernels want it."""
        spacing, spread = self.unevenness.correlation_length / POINTS_PER_LENGTH, self.unevenness.spread
        return Film(
            thickness,
            roughness,
            level,
            open_height,
            spread,
            self.scale,
            self.thick,
            self.bare,
            self.bare_below,
            spacing,
            self.offsets,
        )


def even_film(thickness: float, roughness: float = 0.0, level: float = 0.0, open_height: float = 0.0) -> Film:
    """A film of one thickness everywhere, as the kernels want it."""
    nothing = np.zeros((1, 1, 1), np.float32)
    return Film(thickness, roughness, level, open_height, 0.0, 1.0, nothing, nothing, -math.inf, 1.0, np.zeros((1, 3)))


def draw_relief(unevenness: Unevenness, cores: Packing, *, rng: np.random.Generator) -> Relief:
    """Draw the fields, and set bare share and mean thickness on the surfaces of these cores.

    Thickness is lognormal over the covered surface; its logarithm, and a second field whose lowest values are bare,
    are Gaussian with the correlation exp(-(r / correlation_length)^2). The fields repeat after sixteen correlation
    lengths; every core lies at a random place in them.
    """
    check_kind("unevenness", unevenness, Unevenness)
    check_kind("cores", cores, Packing)
    check_rng(rng)
    thick, bare = periodic_field(rng=rng), periodic_field(rng=rng)
    period = GRID / POINTS_PER_LENGTH * unevenness.correlation_length
    offsets = rng.random((cores.count, 3)) * period
    first = Relief(unevenness, thick, bare, offsets, -math.inf, 1.0)
    whose, points = _surface_points(cores, rng=rng)
    heights = np.empty(len(whose))
    limit = -math.inf
    if unevenness.coverage < 1.0:
        films_at(_bare_alone(first), whose, points, heights)
        limit = float(np.quantile(np.log(heights), 1.0 - unevenness.coverage))
    cut = Relief(unevenness, thick, bare, offsets, limit, 1.0)
    films_at(cut.film(1.0), whose, points, heights)
    return Relief(unevenness, thick, bare, offsets, limit, 1.0 / float(heights.mean()))


def periodic_field(*, rng: np.random.Generator) -> NDArray[np.float32]:
    """A Gaussian field, mean 0 and variance 1, that repeats after GRID points; its correlation is 1/e at a length."""
    noise = gaussian_filter(rng.standard_normal((GRID,) * 3), 0.5 * POINTS_PER_LENGTH, mode="wrap")
    return ((noise - noise.mean()) / noise.std()).astype(np.float32)


def _check_coverage(value: object) -> None:
    if not 0.0 < check_number("coverage", value) <= 1.0:
        raise ValueError(f"coverage lies in (0, 1]: matrix needs some surface to lie on; got {value!r}")


def _bare_alone(relief: Relief) -> Film:
    """A film whose logarithm is the field of the bare patches."""
    return relief.film(1.0)._replace(spread=1.0, thick=relief.bare)


def _surface_points(cores: Packing, *, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Points spread evenly over all surfaces: the core of each, and where it lies from that core's centre."""
    share = cores.diameters**2 / np.sum(cores.diameters**2)
    whose = rng.choice(cores.count, SAMPLES, p=share)
    points = rng.standard_normal((SAMPLES, 3))
    points *= (cores.radii[whose] / np.linalg.norm(points, axis=1))[:, None]
    return whose, points
