"""Voxels as a linear operator: a byte or two for each face, no matrix, and nothing for voxels without links."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transport.solvers.operators import Array, Rows
from transport.solvers.row_threads import ROWS_A_BLOCK, block_count, shared
from transport.voxels import _connected_rows, _grid, _tiles
from transport.voxels._cuboids import cuboids
from transport.voxels._grid import Voxels
from transport.voxels._tiles import TILE

BRICK = 8, 16  # lines along x and y: 200 voxels of each make 26,000 rows


@dataclass(frozen=True, eq=False)
class Grid:
    """Links through the faces of voxels, told by their classes: a row for each voxel that has some.

    Rows are lines along z, brick by brick of `BRICK` lines, `TILE` rows at a time; some may have no links, or no voxel.
    """

    voxels: Voxels = field(repr=False)
    cuts: NDArray[np.int64] = field(repr=False)  # first line of each part of a block
    kernels = _grid

    @staticmethod
    def of(faces: tuple[Array, Array, Array], table: Array, live: NDArray[np.bool_]) -> Grid:
        """Take the live voxels (nx, ny, nz) out of an image; the others are as if they had no links.

        `faces[d]` (nx, ny, nz) is the class of the face between each voxel and the next along axis d, `table`
        (4, classes) what a class conducts along x, y and z, and to the ground; class 0 is no link.
        """
        order, bricks = _in_bricks(live.shape)
        lines, kept, kept_as = _tiles.find_tiles(order, live)
        x, y, z, ground = np.zeros((4, TILE * kept.size), faces[0].dtype)
        linked = np.empty(ground.size, np.bool_)
        for image, rows in zip((live, *faces), (linked, x, y, z), strict=True):
            shared(_tiles.take, block_count(x.size), order, lines, kept, np.ascontiguousarray(image), rows)
        near = np.empty((kept.size, 4), np.int32)
        shared(_tiles.touching, block_count(x.size), order, lines, kept, kept_as, live.shape, near)
        bounds = _cut(np.arange(lines.size), lines, min(block_count(x.size), lines.size - 1))
        cuts = np.union1d(bounds, _cut(bricks, lines, max(x.size // ROWS_A_BLOCK, 1)))
        found = Grid(Voxels(live.shape, bounds, order, lines, kept, near, x, y, z, ground, table), cuts)
        found.keep(linked)
        return found

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

    @property
    def _places(self) -> tuple[Array, ...]:
        """Where the tiles lie in the image."""
        return self.voxels.order, self.voxels.lines, self.voxels.kept

    def bounds(self) -> list[int]:
        """Whole lines, and nearly equal numbers of rows."""
        found: list[int] = (TILE * self.voxels.lines[self.voxels.bounds]).tolist()
        return found

    def parts(self) -> list[int]:
        """Whole bricks, of few enough rows for a cache."""
        found: list[int] = (TILE * self.voxels.lines[self.cuts]).tolist()
        return found

    def rows(self, part: int) -> Rows:
        """Made on the spot."""
        made: Rows = _grid.rows(*self.cuts[part : part + 2], self.voxels)
        return made

    def known_aggregates(self, part: int, inverse: Array, kappa: float) -> NDArray[np.int32]:
        """Cuboids that conduct nearly evenly."""
        found: NDArray[np.int32] = cuboids(*self.cuts[part : part + 2], self.voxels, inverse, kappa)
        return found

    def keep(self, linked: NDArray[np.bool_]) -> None:
        """All other rows lose their faces (in place), none of which may be one to a linked row."""
        for classes in (self.voxels.x, self.voxels.y, self.voxels.z):
            classes *= linked

    def clusters(self, bound: float, axis: int) -> tuple[NDArray[np.uint32], NDArray[np.int32], NDArray[np.bool_]]:
        """Return which rows are connected by links above a bound, those to the ground left out.

        Root of each row (the first of its cluster), how often the way to it turns round the axis, and for each root
        whether its cluster winds round it.
        """
        root, offset = np.empty(self.size, np.uint32), np.empty(self.size, np.int32)
        winds = np.empty(self.size, np.bool_)
        shared(_connected_rows.join_inside, self.blocks, *self.arrays, bound, axis, root, offset, winds)
        _connected_rows.join_across(*self.arrays, bound, axis, root, offset, winds)
        return root, offset, winds

    def astype(self, precision: np.dtype[Any]) -> Grid:
        """The same classes, which conduct in another precision."""
        return replace(self, voxels=self.voxels._replace(table=self.voxels.table.astype(precision)))

    def take(self, image: Array) -> Array:
        """Return the rows' values out of an image; 0 for a row without a voxel."""
        found = np.empty(self.size, image.dtype)
        shared(_tiles.take, block_count(self.size), *self._places, np.ascontiguousarray(image), found)
        return found

    def image(self, values: Array, other: Any) -> Array:
        """Return the rows' values as an image (nx, ny, nz), with another value elsewhere."""
        found = np.full(self.voxels.shape, other, values.dtype)
        shared(_tiles.put, block_count(self.size), *self._places, values, found)
        return found

    def rows_at(self, places: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the rows of voxels, by their place in the flat image; all of them must have one."""
        size = self.voxels.shape[2]
        tiles, lacking = _tiles.tiles_of_line(size)
        line, k = np.divmod(places, size)
        tile, row = np.divmod(k + lacking, TILE)
        place = np.argsort(self.voxels.order)
        return TILE * np.searchsorted(self.voxels.kept, place[line] * tiles + tile) + row

    def places_of(self, rows: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the places of rows in the flat image; each of them must have a voxel."""
        size = self.voxels.shape[2]
        tiles, lacking = _tiles.tiles_of_line(size)
        tile, row = np.divmod(rows, TILE)
        line, number = np.divmod(self.voxels.kept[tile].astype(np.int64), tiles)
        places: NDArray[np.int64] = self.voxels.order.astype(np.int64)[line] * size + TILE * number + row - lacking
        return places


def _in_bricks(shape: tuple[int, ...]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Order of the lines of an image, brick by brick, with one more line at the end; where each brick begins."""
    i, j = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    brick = (i // BRICK[0]) * shape[1] + j // BRICK[1]
    order = np.lexsort((j, i, brick))
    starts = np.flatnonzero(np.diff(brick[order], prepend=-1))
    return np.append(order, order.size).astype(np.int32), starts


def _cut(choice: NDArray[np.integer], lines: NDArray[np.int64], parts: int) -> NDArray[np.int64]:
    """First line of each of some parts of nearly equal size, out of a choice of lines, and the end."""
    wanted = np.linspace(0, lines[-1], parts + 1)[:-1]
    found = choice[np.minimum(np.searchsorted(lines[choice], wanted), choice.size - 1)]
    return np.unique(np.append(found, lines.size - 1)).astype(np.int64)
