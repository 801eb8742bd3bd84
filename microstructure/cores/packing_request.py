"""What a packing is asked for: every argument checked, the sizes drawn, the box found."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import as_numbers, check_number
from microstructure.cores.core_clusters import Clusters, CoreGroups
from microstructure.cores.relaxation import Cell
from microstructure.cores.sizes import Distribution, check_count

Periods = tuple[bool, bool, bool]

MOST_SPHERES = 10_000_000
MOST_PAIRS = 5e8  # of spheres within reach: some 20 GB of lists
FEW_PAIRS, PAIRS_PER_SPHERE = 1e6, 5e3  # no packing of this many spheres asks for more


@dataclass(frozen=True)
class PackingRequest:
    """What is packed into what [m], and the same in mean diameters for the kernels."""

    diameters: NDArray[np.float64]
    box: NDArray[np.float64]
    periodic: Periods
    blocks: CoreGroups
    box_given: bool
    rng: np.random.Generator

    @property
    def unit(self) -> float:
        return float(self.diameters.mean())

    @property
    def fraction(self) -> float:
        return volume_fraction(self.diameters, self.box)

    @property
    def cell(self) -> Cell:
        periodic = np.array(self.periodic)
        return Cell(self.diameters / self.unit, self.box / self.unit, periodic, self.fraction, self.blocks)


def draw_sizes(
    sizes: Distribution,
    fraction: float | None,
    count: int | None,
    box: NDArray[np.float64] | None,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Diameters of a distribution [m], by count, or until they fill the box to the fraction."""
    if (fraction is None) + (count is None) + (box is None) != 1:
        raise TypeError("a distribution takes two of fraction=, count= and box=, or count= alone to pack to jamming")
    if count is not None:
        if check_count(count) > MOST_SPHERES:
            raise ValueError(f"count is {MOST_SPHERES:,} spheres at most, got {count}")
        return _drawn(sizes, check_count(count), rng)
    if fraction is None or box is None:
        raise TypeError("a distribution takes two of fraction=, count= and box=")
    return _draw_volume(sizes, fraction * float(np.prod(box)), rng)


def _draw_volume(sizes: Distribution, wanted: float, rng: np.random.Generator) -> NDArray[np.float64]:
    expected = wanted / sizes.mean_volume()
    if not 0.5 <= expected <= MOST_SPHERES:
        raise ValueError(
            f"the box would hold {expected:.3g} spheres of this distribution; "
            f"between 1 and {MOST_SPHERES:,} can be packed: check the units of box and sizes (metres)"
        )
    diameters = np.empty(0)
    while math.pi / 6.0 * np.sum(diameters**3) < wanted:
        diameters = np.concatenate((diameters, _drawn(sizes, int(expected) + 1, rng)))
    volumes = math.pi / 6.0 * np.cumsum(diameters**3)
    nearest = int(np.argmin(np.abs(volumes - wanted)))
    return np.asarray(diameters[: nearest + 1] * (wanted / volumes[nearest]) ** (1.0 / 3.0))


def _drawn(sizes: Distribution, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    diameters = check_diameters(sizes.draw(count, rng=rng))  # anybody's distribution
    if diameters.size != count:
        raise ValueError(f"draw() of {sizes!r} must return {count} diameters, got {diameters.size}")
    return diameters


def box_for(diameters: NDArray[np.float64], fraction: float, aspect: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges of the box that the spheres fill to the fraction [m]."""
    volume = math.pi / 6.0 * float(np.sum(diameters**3)) / fraction
    return np.asarray(aspect * (volume / np.prod(aspect)) ** (1.0 / 3.0))


def volume_fraction(diameters: NDArray[np.float64], box: NDArray[np.float64]) -> float:
    """Sum of the sphere volumes over the volume of the box."""
    return float(math.pi / 6.0 * np.sum(diameters**3) / np.prod(box))


def check_fits(diameters: NDArray[np.float64], box: NDArray[np.float64]) -> None:
    """Refuse a box that no packing of these spheres can have."""
    if diameters.max() > box.min():
        raise ValueError(
            f"the box is {' x '.join(f'{side:.4g}' for side in box)} m, smaller than the largest sphere "
            f"({diameters.max():.4g} m): give a larger box or more spheres"
        )
    fraction = volume_fraction(diameters, box)
    if not fraction < 1.0:
        raise ValueError(f"the spheres have {fraction:.4g} times the volume of the box: enlarge it")


def check_reach(name: str, count: int, box: NDArray[np.float64], periodic: Periods, reach: float) -> None:
    """Refuse a reach [m] within which spheres have so many neighbours, images included, that no memory holds them."""
    shares = [
        2.0 * reach / side if wrap else min(1.0, 2.0 * reach / side) for side, wrap in zip(box, periodic, strict=True)
    ]
    pairs = 0.5 * count**2 * math.prod(shares)
    most = min(MOST_PAIRS, max(FEW_PAIRS, PAIRS_PER_SPHERE * count))
    if pairs > most:
        raise ValueError(
            f"{name} is so large that {count} spheres would have some {pairs:.0e} neighbours, {most:.0e} at most:"
            " take a smaller one, and check its unit (metres)"
        )


def check_sizes(sizes: object) -> None:
    """A distribution, or diameters; TypeError for another kind, ValueError for a diameter that is no size."""
    if isinstance(sizes, type):
        raise TypeError(f"sizes is a class, {sizes.__name__}: give a distribution such as Equal(3e-6), or diameters")
    if not isinstance(sizes, Distribution):
        check_diameters(sizes)


def check_target(fraction: object) -> float:
    """The fraction as a float; TypeError for another kind, ValueError outside (0, 1)."""
    target = check_number("fraction", fraction)
    if not 0.0 < target < 1.0:
        raise ValueError(f"fraction must lie between 0 and 1 (volume of the spheres over the box), got {fraction}")
    return target


def check_clusters(clusters: object, method: str) -> Clusters | None:
    """The clusters asked for; TypeError for another kind, ValueError for a method that cannot hold cores together."""
    if clusters is None:
        return None
    if not isinstance(clusters, Clusters):
        raise TypeError(f"clusters must be a Clusters such as Clusters(share=0.2, cores=3), got {clusters!r}")
    if method != "relax":
        raise ValueError(f"clusters need method='relax', {method!r} cannot hold cores together")
    return clusters


def check_clearance(clearance: object, method: str) -> float:
    """The thickness of the coats [m]; ValueError where the method knows none."""
    coat = check_number("clearance", clearance)
    if not 0.0 <= coat < math.inf:
        raise ValueError(f"clearance must be finite and not negative [m], got {clearance}")
    if coat > 0.0 and method != "relax":
        raise ValueError(f"clearance needs method='relax', coats cannot be pressed by {method!r}")
    return coat


def check_sides(sides: object, name: str, unit: str) -> NDArray[np.float64]:
    """Three lengths, float64 (3,); TypeError for another kind, ValueError if one is not positive."""
    values = _floats(sides, name)
    if values.shape != (3,) or not np.all(np.isfinite(values) & (values > 0.0)):
        raise ValueError(f"{name} must be three finite numbers above 0{' ' + unit if unit else ''}, got {sides!r}")
    return values


def check_diameters(sizes: object, name: str = "sizes") -> NDArray[np.float64]:
    """A copy of the diameters, float64 (n,) [m]; TypeError for another kind, ValueError if one is no size."""
    values = _floats(sizes, name)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"{name} must be one row of at least 1 diameter, got the shape {values.shape}")
    wrong = ~(np.isfinite(values) & (values > 0.0))
    if np.any(wrong):
        raise ValueError(f"all {name} must be finite and above 0 m, got {values[wrong][0]} at place {np.argmax(wrong)}")
    return values


def _floats(values: object, name: str) -> NDArray[np.float64]:
    return as_numbers(name, values).astype(np.float64)  # a copy: what the caller gave is never changed
