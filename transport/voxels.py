"""The voxel image as resistors: one through each voxel face, of those voxels that a current can pass through."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from transport import _flux, _tree
from transport._links import face_conductances
from transport.graph import Grid, shared
from transport.image import PhaseImage
from transport.potential import Potential

Plates = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class VoxelCircuit:
    """Voxels with 1 V across the image along `axis`.

    An open axis ends in two plates, half a voxel from the outer voxels' centres: the first at 1 V, the second at 0 V.
    A periodic axis has no plates; the potential falls by 1 V from each voxel to its image, and the first voxel of each
    cluster is tied to the ground.
    """

    grid: Grid = field(repr=False)  # conductances over `scale`
    live: NDArray[np.bool_] = field(repr=False)
    root: NDArray[np.int32] = field(repr=False)  # first voxel of each one's cluster
    axis: int
    periodic: bool
    scale: float = field(metadata={"unit": "S"})
    voltage: float = 1.0

    @property
    def count(self) -> int:
        """Voxels that carry current."""
        return int(np.count_nonzero(self.live))

    @property
    def operator(self) -> Grid:
        """What is solved, in units of `scale`."""
        return self.grid

    def balance(self, potential: Potential) -> tuple[NDArray[np.float64], float]:
        """Return the current lost at each voxel [A] and the dissipated power [W]."""
        grid = self.grid
        inflow, parts = np.empty_like(potential.high), np.empty(grid.blocks)
        shared(
            _flux.balance, grid.blocks, *grid.faces, grid.excess, self.axis, self.periodic,
            potential.high, potential.low, inflow, parts,
        )  # fmt: skip
        inflow *= self.scale
        return inflow, self.scale * float(parts.sum())

    def power_gap(self, lost: NDArray[np.float64]) -> float:
        """Return the most by which the dissipated power can exceed the exact one [W], by the current lost [A].

        Led along any tree to the ground, what is lost makes the currents free of divergence, and these bound the
        power from below (Thomson's principle): by the power that the way takes. The tree is of the best conductors.
        """
        grid = self.grid
        least = min(float(np.min(array, where=array > 0.0, initial=1.0)) for array in (*grid.faces, grid.excess))
        bounds = 10.0 ** -np.arange(1.0, 2.0 - np.floor(np.log10(least)))
        tree = _tree.grow_tree(*grid.faces, grid.excess, bounds)
        return self.scale * _tree.lead_away(*grid.faces, grid.excess, tree, lost / self.scale)

    def face_currents(self, potential: Potential, direction: int) -> NDArray[np.float64]:
        """Return the current from each voxel to the next along a direction, (nx, ny, nz) [A]."""
        axis = self.axis if self.periodic else -1
        faces = self.grid.faces[direction]
        found: NDArray[np.float64] = _flux.face_currents(faces, direction, axis, potential.high, potential.low)
        found *= self.scale
        return found

    def plate_currents(self, potential: Potential) -> Plates:
        """Return the currents from the first plate into its layer, and from the last one into its own, by voxel [A]."""
        axis, shape = self.axis, self.grid.faces[0].shape
        high, low, excess = (array.reshape(shape) for array in (potential.high, potential.low, self.grid.excess))
        first, last = ((slice(None),) * axis + (end,) for end in (0, -1))
        scale = self.scale if shape[axis] > 1 else 0.5 * self.scale  # a single layer touches both
        entry = scale * excess[first] * ((1.0 - high[first]) - low[first])
        return entry, scale * excess[last] * (high[last] + low[last])

    def cell_currents(self, faces: NDArray[np.float64], direction: int, plates: Plates | None) -> NDArray[np.float64]:
        """Return the current through the middle of each voxel: the mean of what its two faces carry [A]."""
        middle = 0.5 * (faces + np.roll(faces, 1, direction))
        if plates is not None and direction == self.axis:
            for end, plate in zip((0, -1), plates, strict=True):
                middle[(slice(None),) * direction + (end,)] += 0.5 * plate
        return middle

    def first_guess(self) -> NDArray[np.float64]:
        """Return the potential of an even gradient, flat [V]."""
        shape, axis = self.grid.faces[0].shape, self.axis
        layer = np.arange(shape[axis]).reshape([-1 if d == axis else 1 for d in range(3)])
        linear = np.broadcast_to(1.0 - (layer + 0.5) / shape[axis], shape).flatten()
        if self.periodic:
            linear -= linear[self.root]
        linear[~self.live] = 0.0
        return linear


def voxel_circuit(image: PhaseImage, axis: int) -> VoxelCircuit | None:
    """Return the circuit along an axis, or None when no path leads through: decided by the faces, not solved."""
    faces = _faces(image)
    root, winds = _flux.join_faces(*faces, axis)
    periodic = bool(image.periodic[axis])
    excess = np.zeros(root.size)
    if periodic:
        live = winds[root]
    else:
        plates = [_touch_plate(image, axis, end, excess) for end in (0, -1)]
        live = np.isin(root, np.intersect1d(root[plates[0]], root[plates[1]]))
    if not live.any():
        return None
    excess[~live] = 0.0
    scale = max(float(array.max()) for array in (*faces, excess))
    for array in (*faces, excess):
        array /= scale
    grid = Grid(faces, excess)
    shared(_flux.keep_live, grid.blocks, *faces, live)
    if periodic:
        roots = np.unique(root[live])
        excess[roots] = _joined_conductance(grid, roots)
    return VoxelCircuit(grid, live, root, axis, periodic, scale)


def _faces(image: PhaseImage) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the conductance [S] of every voxel face: half cells in series, and the interface between them."""
    with np.errstate(divide="ignore"):
        resistivity = 1.0 / image.conductivities
    x, y, z = (
        face_conductances(
            image.phases, image.blocks, resistivity, image.interface, image.voxel_size, image.periodic, direction
        )
        for direction in range(3)
    )
    return x, y, z


def _touch_plate(image: PhaseImage, axis: int, end: int, excess: NDArray[np.float64]) -> NDArray[np.int64]:
    """Add the conductance [S] between a plate and the voxels it touches, and return those of them that conduct.

    It is half a cell of the voxel's own phase.
    """
    spacing = image.voxel_size
    layer = (slice(None),) * axis + (end,)
    touching = 2.0 * np.prod(spacing) / spacing[axis] ** 2 * image.conductivities[image.phases[layer]]
    excess.reshape(image.shape)[layer] += touching
    number = np.arange(excess.size).reshape(image.shape)[layer]
    conducting: NDArray[np.int64] = number[touching > 0.0]
    return conducting


def _joined_conductance(grid: Grid, nodes: NDArray[np.int32]) -> NDArray[np.float64]:
    """Sum of the conductances at each node."""
    total = np.zeros(nodes.size)
    at = np.unravel_index(nodes, grid.faces[0].shape)
    for axis, face in enumerate(grid.faces):
        before = [np.mod(at[d] - (d == axis), face.shape[d]) for d in range(3)]
        total += face[at] + face[tuple(before)]
    return total
