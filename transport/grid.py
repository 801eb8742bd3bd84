"""Voxels as a linear operator: a byte or two for each face, no matrix, and nothing for voxels without links."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transport import _grid, _runs
from transport._grid import Voxels
from transport.graph import Array, Rows, block_count

GAP = 6  # voxels without links, in a row, that are worth leaving out


@dataclass(frozen=True, eq=False)
class Grid:
    """Links through the faces of voxels, told by their classes: a row for each voxel that has some.

    Rows are in the order of the image; a few voxels without links may lie between them.
    """

    voxels: Voxels = field(repr=False)
    kernels = _grid

    @staticmethod
    def of(faces: tuple[Array, Array, Array], table: Array, live: NDArray[np.bool_]) -> Grid:
        """Take the live voxels (nx, ny, nz) out of an image; the others are as if they had no links.

        `faces[d]` (nx, ny, nz) is the class of the face between each voxel and the next along axis d, `table`
        (4, classes) what a class conducts along x, y and z, and to the ground; class 0 is no link.
        """
        starts, runs = _runs.find_runs(live, GAP)
        lines = np.concatenate((runs[2], [np.sum(runs[1] - runs[0])]))[starts].astype(np.int64)
        x, y, z, ground = np.zeros((4, lines[-1]), faces[0].dtype)
        for image, kept in zip(faces, (x, y, z), strict=True):
            _runs.gather(runs, np.where(live, image, 0).ravel(), kept)
        blocks = min(block_count(x.size), starts.size - 1)
        bounds = np.searchsorted(lines, np.linspace(0, x.size, blocks + 1).astype(np.int64))
        bounds[-1] = starts.size - 1
        x_first, x_pieces = _runs.pair(starts, runs, live.shape, 0, x)
        y_first, y_pieces = _runs.pair(starts, runs, live.shape, 1, y)
        return Grid(
            Voxels(
                live.shape, bounds, lines, x_first, x_pieces, y_first, y_pieces, x, y, z, ground, table, starts, runs
            )
        )

    @property
    def size(self) -> int:
        """Rows."""
        return self.voxels.ground.size

    @property
    def arrays(self) -> tuple[Voxels]:
        """What its kernels take."""
        return (self.voxels,)

    @property
    def blocks(self) -> int:
        """By the number of rows, a line at least."""
        return self.voxels.bounds.size - 1

    def bounds(self) -> list[int]:
        """Whole lines, and nearly equal numbers of rows."""
        found: list[int] = self.voxels.lines[self.voxels.bounds].tolist()
        return found

    def rows(self, block: int) -> Rows:
        """Made on the spot."""
        made: Rows = _grid.rows(block, self.voxels)
        return made

    def astype(self, precision: np.dtype[Any]) -> Grid:
        """The same classes, which conduct in another precision."""
        return Grid(self.voxels._replace(table=self.voxels.table.astype(precision)))

    def take(self, image: Array) -> Array:
        """Return the rows' values out of an image."""
        found = np.empty(self.size, image.dtype)
        _runs.gather(self.voxels.runs, image.reshape(-1), found)
        return found

    def image(self, values: Array, other: Any) -> Array:
        """Return the rows' values as an image (nx, ny, nz), with another value elsewhere."""
        found = np.full(self.voxels.shape, other, values.dtype)
        _runs.scatter(self.voxels.runs, values, found.reshape(-1))
        return found

    def rows_at(self, places: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the rows of voxels, by their place in the flat image; all of them must have one."""
        begin, _, row = self.voxels.runs.astype(np.int64)
        return _renumbered(places, begin, row)

    def places_of(self, rows: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the places of rows in the flat image."""
        begin, _, row = self.voxels.runs.astype(np.int64)
        return _renumbered(rows, row, begin)


def _renumbered(
    numbers: NDArray[np.integer], begins: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Numbers in runs that begin at `begins`, as those of runs that begin at `others`."""
    run = np.searchsorted(begins, numbers, "right") - 1
    found: NDArray[np.int64] = others[run] + numbers - begins[run]
    return found
