"""A grid of voxels as a linear operator: a byte or two for each face, and no matrix."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transport import _grid
from transport.graph import Array, Rows, block_count

GAP = 6  # voxels without links, in a row, that are worth leaving out


@dataclass(frozen=True, eq=False)
class Grid:
    """Links through the faces of voxels, told by their classes.

    `faces[d]` (nx, ny, nz) is the class of the face between each voxel and the next along axis d, `ground` (flat) that
    of the link to the ground. `table` (4, classes) is what each class conducts along x, y and z, and to the ground;
    class 0 is no link. `runs` (count, 2) are the first and last + 1 of voxels with links, along z, those of a line
    from `starts[line]` on.
    """

    faces: tuple[Array, Array, Array] = field(repr=False)
    ground: Array = field(repr=False)
    table: Array
    starts: NDArray[np.int64] = field(repr=False)
    runs: NDArray[np.int64] = field(repr=False)
    kernels = _grid

    @staticmethod
    def of(faces: tuple[Array, Array, Array], ground: Array, table: Array, live: NDArray[np.bool_]) -> Grid:
        """Find the runs of live voxels (flat): the others have no links, and take no time."""
        return Grid(faces, ground, table, *_grid.find_runs(live.reshape(faces[0].shape), GAP))

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        return self.faces[0].shape

    @property
    def size(self) -> int:
        """Voxels."""
        return self.ground.size

    @property
    def arrays(self) -> tuple[Array, ...]:
        """Classes and what they conduct."""
        return (*self.faces, self.ground, self.table, self.starts, self.runs)

    @property
    def blocks(self) -> int:
        """By the number of voxels, a line at least."""
        return min(block_count(self.size), self.shape[0] * self.shape[1])

    def bounds(self) -> list[int]:
        """Equal numbers of lines along z."""
        lines = self.shape[0] * self.shape[1]
        return [block * lines // self.blocks * self.shape[2] for block in range(self.blocks + 1)]

    def rows(self, block: int) -> Rows:
        """Made on the spot."""
        begin, end = (bound // self.shape[2] for bound in self.bounds()[block : block + 2])
        made: Rows = _grid.rows(begin, end, *self.arrays)
        return made

    def astype(self, precision: np.dtype[Any]) -> Grid:
        """The same classes, which conduct in another precision."""
        return replace(self, table=self.table.astype(precision))
