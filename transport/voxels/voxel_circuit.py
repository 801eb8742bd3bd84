"""The voxel image as resistors: one through each voxel face, of those voxels that a current can pass through."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from transport.solvers.operators import Array
from transport.solvers.potential import Potential
from transport.solvers.row_threads import shared
from transport.voxels import _connected_rows, _error_bound, _flux
from transport.voxels.faces import FaceClasses
from transport.voxels.grid import Grid
from transport.voxels.image import PhaseImage

WORTHWHILE = 0.9  # of the voxels that conduct: if fewer carry current, the others are left out
WIDE = 30.0  # ratio of conductances, above which the better conductor is nearly at one potential
Plate = tuple[NDArray[np.int64], NDArray[np.float64]]  # the rows that touch it, and their currents [A]


@dataclass(frozen=True, eq=False)
class VoxelCircuit:
    """Voxels with 1 V across the image along `axis`.

    An open axis ends in two plates, half a voxel from the outer voxels' centres: the first at 1 V, the second at 0 V.
    A periodic axis has no plates; the potential falls by 1 V from each voxel to its image, and the first voxel of each
    cluster is tied to the ground.
    """

    grid: Grid = field(repr=False)  # conductances over `scale`
    live: NDArray[np.bool_] = field(repr=False)  # of the grid's rows: those that carry current
    root: NDArray[np.uint32] | None = field(repr=False)  # first row of each one's cluster, if the axis is periodic
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
        """Return the current lost at each row [A] and the dissipated power [W]."""
        grid = self.grid
        inflow, parts = np.empty(grid.size), np.empty(grid.blocks)
        shared(
            _flux.balance, grid.blocks, *grid.arrays, self.axis, self.periodic,
            potential.high, potential.low, inflow, parts,
        )  # fmt: skip
        inflow *= self.scale
        return inflow, self.scale * float(parts.sum())

    def imbalance(self, inflow: Array) -> float:
        """Return the largest difference of the currents through any two planes [A]: what their layers lose."""
        lost = np.cumsum(self.layer_sums(inflow))
        return float(max(lost.max(), 0.0) - min(lost.min(), 0.0))

    def layer_sums(self, values: Array) -> NDArray[np.float64]:
        """Return the sum over each layer across the axis."""
        grid = self.grid
        parts = np.empty((grid.blocks, grid.voxels.shape[self.axis]))
        shared(_flux.layer_sums, grid.blocks, *grid.arrays, self.axis, values, parts)
        sums: NDArray[np.float64] = parts.sum(axis=0)
        return sums

    def sum_by_phase(self, image: PhaseImage, values: Array) -> NDArray[np.float64]:
        """Return the sum of the rows' values over each phase of the image."""
        phases, parts = self.grid.take(image.phases), np.empty((self.grid.blocks, len(image.labels)))
        shared(_flux.phase_sums, self.grid.blocks, *self.grid.arrays, phases, values, parts)
        sums: NDArray[np.float64] = parts.sum(axis=0)
        return sums

    def power_gap(self, lost: NDArray[np.float64]) -> float:
        """Return the most by which the dissipated power can exceed the exact one [W], by the current lost [A].

        Led along any tree to the ground, what is lost makes the currents free of divergence, and these bound the
        power from below (Thomson's principle): by the power that the way takes. The tree is of the best conductors.
        `lost` is used up.
        """
        table = self.grid.voxels.table
        conductances = np.unique(table[table > 0.0])
        _, least = np.unique(np.floor(np.log10(conductances)), return_index=True)  # of each decade
        links = np.zeros(self.grid.size + 1, np.min_scalar_type(4 * table.shape[1]))
        tree = _error_bound.grow_tree(*self.grid.arrays, 0.999 * conductances[least][::-1], links)
        lost /= self.scale
        return self.scale * float(_error_bound.lead_away(table, *tree, links, lost))

    def face_currents(self, potential: Potential, direction: int, faces: NDArray[np.float64]) -> None:
        """Write the current from each row's voxel to the next along a direction [A]."""
        shared(
            _flux.face_currents, self.grid.blocks, *self.grid.arrays, direction, self.axis if self.periodic else -1,
            potential.high, potential.low, faces,
        )  # fmt: skip
        faces *= self.scale

    def plate_currents(self, potential: Potential) -> tuple[Plate, Plate]:
        """Return the currents from the first plate into its layer, and from the last layer into its own plate."""
        grid, high, low = self.grid.voxels, potential.high, potential.low
        layers = grid.shape[self.axis]
        first, last = self._at_ends()
        plate = self.scale * (1.0 if layers > 1 else 0.5) * grid.table[3]  # a single layer touches both
        entry = plate[grid.ground[first]] * ((1.0 - high[first]) - low[first])
        return (first, entry), (last, plate[grid.ground[last]] * (high[last] + low[last]))

    def cell_currents(
        self, faces: NDArray[np.float64], direction: int, plates: tuple[Plate, Plate] | None
    ) -> NDArray[np.float64]:
        """Return the current through the middle of each row's voxel: the mean of what its two faces carry [A]."""
        grid, middle = self.grid, np.empty(self.grid.size)
        shared(_flux.cell_currents, grid.blocks, *grid.arrays, direction, faces, middle)
        if plates is not None and direction == self.axis:
            for rows, currents in plates:
                middle[rows] += 0.5 * currents
        return middle

    def first_guess(self, start: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Return the potential of an even gradient, evened out inside good conductors that lead nowhere, by row [V].

        Where `start` (nx, ny, nz) is a number it takes the place of the gradient; it may be right inside them already.
        """
        rows = np.zeros(self.grid.size)
        shared(_flux.even_fall, self.grid.blocks, *self.grid.arrays, self.axis, rows)
        if start is not None:
            given = self.grid.take(start)
            np.copyto(rows, given, where=np.isfinite(given))
            del given
        for bound in self._gaps():
            self._even_out(bound, rows, if_better=start is not None)
        if self.root is not None:
            rows -= rows[self.root]
        rows[~self.live] = 0.0
        return rows

    def _gaps(self) -> list[float]:
        """Conductances that lie in wide gaps between the others, falling."""
        conductances = np.unique(self.grid.voxels.table[:3])[1:]
        above = conductances[1:][conductances[1:] > WIDE * conductances[:-1]]
        return (above[::-1] / math.sqrt(WIDE)).tolist()

    def _even_out(self, bound: float, potential: NDArray[np.float64], *, if_better: bool) -> None:
        """Give clusters of conductances above a bound one potential (in place), but not those that lead through.

        It is that of the plate, or the mean of what its voxels have. `if_better`: only those in which that saves power.
        """
        root, offset, winds = self.grid.clusters(bound, self.axis if self.periodic else -1)
        level = _connected_rows.cluster_means(root, offset, potential)
        if self.periodic:
            level[winds] = np.nan
        else:
            first, last = (root[rows] for rows in self._at_ends(bound))
            level[first], level[last] = 1.0, 0.0
            level[np.intersect1d(first, last)] = np.nan
        if if_better:
            even, low = potential.copy(), np.zeros(potential.size, np.float32)
            _connected_rows.even_out(root, offset, level, even)
            lost, _ = self.balance(Potential(potential, low))
            lost += self.balance(Potential(even, low))[0]
            level[_connected_rows.work(root, potential, even, lost) <= 0.0] = np.nan
        _connected_rows.even_out(root, offset, level, potential)

    def _at_ends(self, bound: float = 0.0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows that links above a bound join to the plates: of the first layer along the axis, and of the last one."""
        shape, axis, ground = self.grid.voxels.shape, self.axis, self.grid.voxels.ground
        rows = np.flatnonzero(ground != 0)
        rows = rows[self.grid.voxels.table[3][ground[rows]] > bound]
        layer = np.unravel_index(self.grid.places_of(rows), shape)[axis]
        return rows[layer == 0], rows[layer == shape[axis] - 1]


def voxel_circuit(image: PhaseImage, axis: int) -> VoxelCircuit | None:
    """Return the circuit along an axis, or None when no path leads through: decided by the faces, not solved."""
    classes = FaceClasses.of(image, axis)
    scale = float(classes.table.max())
    if scale == 0.0:
        return None
    faces = classes.faces(image)
    conducting = (image.kind_conductivities > 0.0)[image.kinds][image.phases]
    grid = Grid.of(faces, classes.table / scale, conducting)
    root, _, winds = grid.clusters(0.0, axis)
    periodic = bool(image.periodic[axis])
    if periodic:
        live = winds[root]
        grounded = grid.places_of(np.unique(root[live]))
    else:
        first, last = (grid.rows_at(end[conducting.ravel()[end]]) for end in _ends(image.shape, axis))
        spanning = np.zeros(root.size, np.bool_)
        spanning[np.intersect1d(root[first], root[last])] = True
        live = spanning[root]
        grounded = grid.places_of(np.concatenate((first[live[first]], last[live[last]])))
    if not live.any():
        return None
    if np.count_nonzero(live) < WORTHWHILE * np.count_nonzero(conducting):
        leading = grid.image(live, False)
        grid = Grid.of(faces, grid.voxels.table, leading)
        live = grid.take(leading)
        root = grid.clusters(0.0, axis)[0] if periodic else root
    else:
        grid.keep(live)
    grid.voxels.ground[grid.rows_at(grounded)] = classes.to_ground(image, grounded)
    return VoxelCircuit(grid, live, root if periodic else None, axis, periodic, scale)


def _ends(shape: tuple[int, ...], axis: int) -> list[NDArray[np.int64]]:
    """Numbers of the voxels of the first layer along an axis, and of the last."""
    places = [np.arange(size) for size in shape]
    return [
        np.ravel_multi_index(np.ix_(*places[:axis], np.array([end]), *places[axis + 1 :]), shape).ravel()
        for end in (0, shape[axis] - 1)
    ]
