"""Which phase lies at a point: cores and primaries exact, as spheres; electrolyte and pores from the voxel image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import cKDTree

from microstructure import Phase, Structure

Array = NDArray[np.float64]

COLOURS = {  # told apart by lightness alone, so for every kind of colour vision
    Phase.PORE: "#ffffff",
    Phase.CORE: "#8b8e95",
    Phase.ELECTROLYTE: "#86c5dc",
    Phase.CARBON: "#17181c",
}
FULL = 200  # stands for a share of 1 in 8 bits
NAMES = {Phase.CORE: "core", Phase.ELECTROLYTE: "electrolyte", Phase.CARBON: "carbon", Phase.PORE: "pore"}


def colours_of(phases: NDArray[np.uint8]) -> Array:
    """Red, green and blue of phases."""
    table = np.ones((max(Phase) + 1, 3))
    for phase, colour in COLOURS.items():
        table[phase] = to_rgb(colour)
    table[Phase.MATRIX] = table[Phase.ELECTROLYTE]
    return table[phases]


@dataclass(frozen=True, eq=False)
class Sampler:
    """Phases anywhere in a structure whose matrix is resolved."""

    structure: Structure

    @cached_property
    def solid(self) -> NDArray[np.uint8]:
        """Share of solid in and around each voxel, 0 to FULL: without the steps of the voxels."""
        solid = np.where(self.structure.labels == Phase.PORE, 0, FULL).astype(np.uint8)
        return gaussian_filter(solid, 0.7, mode=["wrap" if wraps else "nearest" for wraps in self.structure.periodic])

    def phases(self, points: Array) -> NDArray[np.uint8]:
        """Phase at points of any shape (..., 3); beyond a wall or an open side it is pore."""
        flat = np.ascontiguousarray(points.reshape(-1, 3))
        phases = np.where(self.solidity(flat) > 0.5 * FULL, Phase.ELECTROLYTE, Phase.PORE).astype(np.uint8)
        phases[self.in_carbon(flat)] = Phase.CARBON
        if self.structure.cores is not None:
            phases[self.nearest_core(flat).distance < 0.0] = Phase.CORE
        return phases.reshape(points.shape[:-1])

    def solidity(self, points: Array) -> NDArray[np.float32]:
        """Share of solid times FULL, linear between the voxels, float32 (n,)."""
        places = points / self.structure.voxel_size - 0.5
        outside = np.zeros(len(points), bool)
        for axis, (count, periodic) in enumerate(zip(self.solid.shape, self.structure.periodic, strict=True)):
            if not periodic:
                outside |= (places[:, axis] < -0.5) | (places[:, axis] > count - 0.5)
                places[:, axis] = np.clip(places[:, axis], 0, count - 1)
        share = map_coordinates(self.solid, places.T, np.float32, order=1, mode="grid-wrap")
        share[outside] = 0.0
        return share

    def in_carbon(self, points: Array) -> NDArray[np.bool_]:
        """Whether points lie in a primary."""
        carbon, inside = self.structure.carbon, np.zeros(len(points), bool)
        if carbon is None or not carbon.count:
            return inside
        radius = 0.5 * carbon.diameter
        low, high = points.min(axis=0) - radius, points.max(axis=0) + radius
        centres = with_images(carbon.centres, self.structure.box, self.structure.periodic, radius)
        near = centres[np.all((centres > low) & (centres < high), axis=1)]
        if len(near):
            inside = cKDTree(near).query(points, distance_upper_bound=radius, workers=-1)[0] < radius
        return inside

    def nearest_core(self, points: Array) -> Nearest:
        """Distance to the nearest surface of a core [m], negative inside, and which core."""
        distance, which = np.full(len(points), np.inf), np.full(len(points), -1)
        low, high = points.min(axis=0), points.max(axis=0)
        for centre, radius, owner in zip(*self._cores, strict=True):
            reach = radius + 1e-6
            if np.any(centre + reach < low) or np.any(centre - reach > high):
                continue
            near = np.flatnonzero(np.all(np.abs(points - centre) < reach, axis=1))
            gap = np.linalg.norm(points[near] - centre, axis=1) - radius
            nearer = gap < distance[near]
            distance[near[nearer]], which[near[nearer]] = gap[nearer], owner
        return Nearest(distance, which)

    @cached_property
    def _cores(self) -> tuple[Array, Array, NDArray[np.int64]]:
        cores = self.structure.cores
        rows = np.arange(cores.count)[:, None].astype(float)
        reach = float(cores.radii.max()) + 1e-6
        images = with_images(np.hstack([cores.centres, rows]), self.structure.box, self.structure.periodic, reach)
        owner = images[:, 3].astype(int)
        return images[:, :3], cores.radii[owner], owner


@dataclass(frozen=True)
class Nearest:
    """Distances [m] and numbers of the nearest cores."""

    distance: Array
    which: NDArray[np.int64]


def with_images(rows: Array, box: tuple[float, float, float], periodic: tuple[bool, ...], reach: float) -> Array:
    """Rows that begin with x, y, z, and the periodic images of those within `reach` of a side."""
    for axis, edge in enumerate(box):
        if periodic[axis]:
            step = np.zeros(rows.shape[1])
            step[axis] = edge
            low, high = rows[:, axis] < reach, rows[:, axis] > edge - reach
            rows = np.concatenate([rows, rows[low] + step, rows[high] - step])
    return rows
