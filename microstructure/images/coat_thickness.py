"""How thick the coats on the cores are, and how much of the cores they cover: read off an image, or from a list."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microstructure.arguments import as_numbers, check_kind, check_number, check_room
from microstructure.coats._coating import films_at
from microstructure.cores.directions import sphere_points
from microstructure.images._descriptors import ray_coats
from microstructure.structure import Phase, Structure
from microstructure.threads import in_threads

Weighting = Literal["area", "volume"]
Floats = NDArray[np.float64]

BYTES_A_POINT = 150.0
COATING = (Phase.MATRIX, Phase.ELECTROLYTE, Phase.CARBON)


@dataclass(frozen=True, eq=False)
class CoatThickness:
    """Local coat thickness over sampled points of core surface; a bare point counts with 0."""

    thickness: Floats = field(repr=False, metadata={"unit": "m", "shape": "(n,)"})
    area: Floats = field(repr=False, metadata={"unit": "m2", "shape": "(n,)", "what": "core surface of each point"})
    volume: Floats = field(repr=False, metadata={"unit": "m3", "shape": "(n,)", "what": "coat over each point"})
    coverage: float = field(metadata={"unit": "1", "what": "share of the core surface that is covered"})

    def mean(self, weighting: Weighting = "area") -> float:
        """Mean thickness [m]."""
        return float(np.average(self.thickness, weights=self._weights(weighting)))

    def quantile(self, share: float, weighting: Weighting = "area") -> float:
        """Thickness [m] that this share of the core surface, or of the coat's volume, does not exceed."""
        if not 0.0 <= check_number("share", share) <= 1.0:
            raise ValueError(f"a quantile wants a share in [0, 1]; got {share!r}")
        order = np.argsort(self.thickness, kind="stable")
        below = np.cumsum(self._weights(weighting)[order])
        return float(self.thickness[order[min(np.searchsorted(below, share * below[-1]), len(order) - 1)]])

    def median(self, weighting: Weighting = "area") -> float:
        """Median thickness [m]."""
        return self.quantile(0.5, weighting)

    def _weights(self, weighting: str) -> Floats:
        if weighting not in ("area", "volume"):
            raise ValueError(f"weighting is 'area' or 'volume'; got {weighting!r}")
        weights = self.area if weighting == "area" else self.volume
        if not weights.sum() > 0.0:
            raise ValueError("there is no coat on these cores, so no mean over its volume: take weighting='area'")
        return weights


def measure_coats(structure: Structure, *, points: int = 400, least: float = 0.0) -> CoatThickness:
    """Thickness of the coat above points spread evenly over every core, read off the voxel image.

    From each point of the true surface a ray goes outwards along the normal to the end of the coat, of the core's
    own region (half-way to the next core), or of the box. The end is found between voxels, where the trilinear
    share of core and coat falls to a half. A point is bare if the first voxel above the surface is no coat; a film
    thinner than a voxel shows as holes.

    Parameters
    ----------
    structure : Structure
        A composite.
    points : int
        Points per core, on a Fibonacci lattice.
    least : float
        Thickness [m] from which a point counts as covered; by default any coat in the first voxel does.

    Raises
    ------
    ValueError
        If the structure has no cores.
    """
    check_kind("structure", structure, Structure)
    check_number("least", least)
    if structure.cores is None or structure.owners is None:
        raise ValueError("a coat lies on a core: give a composite of build_composite, which has cores and their ids")
    cores, directions = structure.cores, _directions(points, structure.cores.count)
    surface = cores.shapes.surface(directions)
    thickness, covered = np.empty(surface.areas.shape), np.empty(surface.areas.shape, np.bool_)
    coating = np.isin(np.arange(256), COATING)
    in_threads(
        ray_coats,
        structure.cores.count,
        structure.labels,
        structure.owners,
        coating,
        int(Phase.CORE),
        cores.centres / structure.voxel_size,
        np.asarray(structure.periodic),
        surface.points / structure.voxel_size,
        surface.normals,
        thickness,
        covered,
    )
    area = surface.areas.ravel()
    lengths = np.where(covered, thickness * structure.voxel_size, 0.0).ravel()
    found = coat_statistics(lengths, area, radius=np.repeat(cores.radii, len(directions)), least=least)
    if least > 0.0:
        return found
    return CoatThickness(found.thickness, found.area, found.volume, float(np.average(covered.ravel(), weights=area)))


def laid_film(structure: Structure, *, points: int = 400) -> CoatThickness:
    """Thickness of the film alone above points spread evenly over every core, from the coat model: no voxels.

    What lies in the roughness under it, and what fills the gaps between cores, is left out: this is what a block by
    itself shows to an instrument. The pores of the matrix are in it.

    Raises
    ------
    ValueError
        If the structure has no cores or coats.
    """
    check_kind("structure", structure, Structure)
    cores, film = structure.parts.cores, structure.parts.coats.film
    surface = cores.shapes.surface(_directions(points, cores.count))
    heights = np.empty(surface.areas.size)
    films_at(film, np.repeat(np.arange(cores.count), points), surface.points.reshape(-1, 3), heights)
    heights = np.where(heights > 0.0, heights - film.roughness, 0.0)
    return coat_statistics(heights, surface.areas.ravel(), radius=np.repeat(cores.radii, points))


def coat_statistics(
    thickness: ArrayLike, area: ArrayLike, *, radius: ArrayLike = math.inf, least: float = 0.0
) -> CoatThickness:
    """The distribution of local coat thicknesses that somebody else found.

    Parameters
    ----------
    thickness : array_like of float (n,) [m]
        0 where the core is bare.
    area : array_like of float (n,) [m2]
        Core surface that each stands for.
    radius : array_like of float, () or (n,) [m]
        Of the core below, for the coat's volume; flat if not given.
    least : float
        Thickness [m] from which a point counts as covered; by default any above 0.

    Examples
    --------
    >>> round(coat_statistics([0.0, 1e-7, 3e-7], [2.0, 1.0, 1.0]).mean() * 1e9)
    100
    """
    heights, areas = check_measured("thickness", thickness), check_measured("area", area)
    if heights.shape != areas.shape or not areas.sum() > 0.0:
        raise ValueError(f"thickness and area are of one length, not all areas 0; got {heights.shape}, {areas.shape}")
    if not 0.0 <= check_number("least", least) < math.inf:
        raise ValueError(f"least is a thickness of 0 m or more; got {least!r}")
    curvature = heights / _check_radii(radius, heights.size)
    volume = areas * heights * (1.0 + curvature + curvature**2 / 3.0)
    covered = (heights > 0.0) & (heights >= least)
    return CoatThickness(heights, areas, volume, float(areas[covered].sum() / areas.sum()))


def _directions(points: int, cores: int) -> Floats:
    directions = sphere_points(points)
    check_room("points", cores * len(directions), BYTES_A_POINT, "ask for fewer points")
    return directions


def _check_radii(radius: ArrayLike, count: int) -> Floats:
    """One radius, or one for each point [m]; infinite for a flat core."""
    radii = as_numbers("radius", radius).astype(np.float64)
    if radii.shape not in ((), (1,), (count,)) or not np.all(radii > 0.0):
        raise ValueError(f"radius is above 0 m, one or one for each of {count} points; got {radius!r}")
    return radii


def check_measured(name: str, values: ArrayLike) -> Floats:
    """Finite numbers of 0 or more, float64 (n,), n of 1 or more."""
    array = as_numbers(name, values).astype(np.float64, copy=False)
    if array.ndim != 1 or array.size == 0 or not np.all(np.isfinite(array)) or array.min() < 0.0:
        raise ValueError(f"{name} is one row of finite numbers, none negative; got {values!r}")
    return array
