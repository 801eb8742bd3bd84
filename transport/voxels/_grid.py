"""The loops of `_smoothing` over voxels whose links are the classes of their faces: no matrix is stored.

A row is a voxel, in the tiles of `_tiles`: `TILE` rows along z, of which those that carry no current have no links.
Links from a row to itself, in grids one voxel wide, drop out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from transport.solvers._smoothing import entries
from transport.voxels._tiles import TILE, tiles_of_line

ONE, TWO, THREE, WIDTH = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(TILE)


class Voxels(NamedTuple):
    """Links of voxels: `x`, `y` and `z` (rows,) are the classes of the face to the next voxel along each axis.

    `ground` is that of the link to the ground; `table` (4, classes) is what a class conducts along x, y, z, and to the
    ground, class 0 nothing. `lines` is the first tile of each line, `bounds` the first line of each block, `near`
    (tiles, 4) the tiles before and after along x, then y. `order` and `kept` tell where each line and each tile lie in
    the image of `shape`.
    """

    shape: tuple[int, int, int]
    bounds: NDArray[np.int64]
    order: NDArray[np.int32]
    lines: NDArray[np.int64]
    kept: NDArray[np.int32]
    near: NDArray[np.int32]
    x: NDArray[np.unsignedinteger]
    y: NDArray[np.unsignedinteger]
    z: NDArray[np.unsignedinteger]
    ground: NDArray[np.unsignedinteger]
    table: NDArray[np.floating]


@njit(cache=True, nogil=True)
def ends(grid, line, alone):
    """First and last row of a line that is closed, and the conductance of the link from the last round to the first.

    Of a single voxel, to itself, it counts only if `alone`.
    """
    first = TILE * grid.lines[line] + tiles_of_line(grid.shape[2])[1]
    last = TILE * grid.lines[line + 1] - 1
    return first, last, grid.table[2, grid.z[last] if last > first or alone else 0]


@njit(cache=True, nogil=True)
def turns(grid, line, axis):
    """Whether the ways from a line to those before and after it, along x and y, and from its end to its beginning, turn
    round an axis."""
    i, j = grid.order[line] // grid.shape[1], grid.order[line] % grid.shape[1]
    return (
        axis == 0 and i == 0,
        axis == 0 and i == grid.shape[0] - 1,
        axis == 1 and j == 0,
        axis == 1 and j == grid.shape[1] - 1,
        axis == 2,
    )


@njit(cache=True, nogil=True)
def four(values, k):
    """Values of a tile that begins at row k: in registers, they cost a sixth less than in an array."""
    return values[k], values[k + ONE], values[k + TWO], values[k + THREE]


@njit(cache=True, nogil=True)
def weights(conductance, classes, k):
    """What the faces of a tile that begins at row k conduct."""
    a, b, c, d = four(classes, k)
    return conductance[a], conductance[b], conductance[c], conductance[d]


@njit(cache=True, nogil=True)
def plus(total, g, x):
    """total + g x, of a tile."""
    return total[0] + g[0] * x[0], total[1] + g[1] * x[1], total[2] + g[2] * x[2], total[3] + g[3] * x[3]


@njit(cache=True, nogil=True)
def added(x, y):
    """x + y, of a tile."""
    return x[0] + y[0], x[1] + y[1], x[2] + y[2], x[3] + y[3]


@njit(cache=True, nogil=True)
def less(x, y):
    """x - y, of a tile."""
    return x[0] - y[0], x[1] - y[1], x[2] - y[2], x[3] - y[3]


@njit(cache=True, nogil=True)
def exact(x):
    """Values of a tile, in double precision."""
    return np.float64(x[0]), np.float64(x[1]), np.float64(x[2]), np.float64(x[3])


@njit(cache=True, nogil=True)
def invert_diagonal(first, last, blocks, grid, inverse):
    """Inverse diagonal of the smoother: links out of the block, which it cuts, count twice (l1 Gauss-Seidel)."""
    total = np.empty(TILE)
    for block in range(first, last):
        low, high = grid.lines[grid.bounds[block]], grid.lines[grid.bounds[block + 1]]
        for line in range(grid.bounds[block], grid.bounds[block + 1]):
            if grid.lines[line] == grid.lines[line + 1]:
                continue
            begin, end, closed = ends(grid, line, False)
            for tile in range(grid.lines[line], grid.lines[line + 1]):
                for k in range(TILE):
                    row = TILE * tile + k
                    total[k] = grid.table[3, grid.ground[row]]
                    total[k] += grid.table[2, grid.z[row]] if row < end else closed
                    total[k] += grid.table[2, grid.z[row - 1]] if row > TILE * grid.lines[line] else 0.0
                    total[k] += closed if row == begin else 0.0
                for side in range(4):
                    near = grid.near[tile, side]
                    if near != tile:
                        times = 1.0 if low <= near < high else 2.0
                        for k in range(TILE):
                            face = TILE * (tile if side % 2 else near) + k
                            total[k] += times * grid.table[side // 2, (grid.x if side < 2 else grid.y)[face]]
                for k in range(TILE):
                    inverse[TILE * tile + k] = 1.0 / total[k] if total[k] > 0.0 else 0.0


@njit(cache=True, nogil=True)
def multiply(first, last, blocks, grid, x, b, y, parts):
    """y = A x, by differences in double precision; x.A x and b.x of each block."""
    total = np.empty(TILE)
    x_classes, y_classes, z_classes, ground = grid.x, grid.y, grid.z, grid.ground
    near, along_x, along_y, along_z, to_ground = grid.near, grid.table[0], grid.table[1], grid.table[2], grid.table[3]
    for block in range(first, last):
        energy = product = 0.0
        for line in range(grid.bounds[block], grid.bounds[block + 1]):
            if grid.lines[line] == grid.lines[line + 1]:
                continue
            head, tail, closed = ends(grid, line, False)
            begin, end = np.uint64(head), np.uint64(tail)
            round_ = closed * (np.float64(x[end]) - np.float64(x[begin]))
            into = 0.0
            for tile in entries(grid.lines[line], grid.lines[line + 1]):
                here = WIDTH * tile
                own = exact(four(x, here))
                flow = plus((0.0, 0.0, 0.0, 0.0), weights(to_ground, ground, here), own)
                there = WIDTH * np.uint64(near[tile, 0])
                flow = plus(flow, weights(along_x, x_classes, there), less(own, exact(four(x, there))))
                there = WIDTH * np.uint64(near[tile, 1])
                flow = plus(flow, weights(along_x, x_classes, here), less(own, exact(four(x, there))))
                there = WIDTH * np.uint64(near[tile, 2])
                flow = plus(flow, weights(along_y, y_classes, there), less(own, exact(four(x, there))))
                there = WIDTH * np.uint64(near[tile, 3])
                flow = plus(flow, weights(along_y, y_classes, here), less(own, exact(four(x, there))))
                total[0], total[1], total[2], total[3] = flow
                for k in entries(here, here + WIDTH):
                    value = np.float64(x[k])
                    after = np.float64(x[k + ONE if k < end else begin])
                    onward = (np.float64(along_z[z_classes[k]]) if k < end else closed) * (value - after)
                    lost = (onward - into) + total[k - here]
                    if k == begin:
                        lost -= round_
                    into = onward
                    y[k] = lost
                    energy += value * lost
                    product += value * np.float64(b[k])
        parts[block, 0], parts[block, 1] = energy, product


@njit(cache=True, nogil=True)
def forward(first, last, blocks, grid, inverse, r, x):
    """Gauss-Seidel sweep from zero, rows up."""
    total = np.empty(TILE, x.dtype)
    x_classes, y_classes, z_classes = grid.x, grid.y, grid.z
    near, along_x, along_y, along_z = grid.near, grid.table[0], grid.table[1], grid.table[2]
    none = x.dtype.type(0)
    for block in range(first, last):
        low = np.uint64(grid.lines[grid.bounds[block]])
        for line in range(grid.bounds[block], grid.bounds[block + 1]):
            if grid.lines[line] == grid.lines[line + 1]:
                continue
            head, tail, closed = ends(grid, line, False)
            begin, end = np.uint64(head), np.uint64(tail)
            value = before = none
            for tile in entries(grid.lines[line], grid.lines[line + 1]):
                here = WIDTH * tile
                flow = four(r, here)
                other = np.uint64(near[tile, 0])
                if low <= other < tile:
                    flow = plus(flow, weights(along_x, x_classes, WIDTH * other), four(x, WIDTH * other))
                other = np.uint64(near[tile, 2])
                if low <= other < tile:
                    flow = plus(flow, weights(along_y, y_classes, WIDTH * other), four(x, WIDTH * other))
                other = np.uint64(near[tile, 1])
                if low <= other < tile:
                    flow = plus(flow, weights(along_x, x_classes, here), four(x, WIDTH * other))
                other = np.uint64(near[tile, 3])
                if low <= other < tile:
                    flow = plus(flow, weights(along_y, y_classes, here), four(x, WIDTH * other))
                total[0], total[1], total[2], total[3] = flow
                for k in entries(here, here + WIDTH):
                    if k == end:
                        total[k - here] += closed * x[begin]
                    value = total[k - here] * inverse[k] + (before * inverse[k]) * value
                    x[k] = value
                    before = along_z[z_classes[k]]


@njit(cache=True, nogil=True)
def restrict(first, last, blocks, grid, x, aggregate, counts, coarse):
    """Sum r - A x over each aggregate, where x is the forward sweep of r: what rows after, and other blocks, add.

    The aggregates of a block are numbered from `counts[block]` on.
    """
    rest = np.empty(TILE, x.dtype)
    x_classes, y_classes, z_classes = grid.x, grid.y, grid.z
    near, along_x, along_y, along_z = grid.near, grid.table[0], grid.table[1], grid.table[2]
    none = x.dtype.type(0)
    for block in range(first, last):
        coarse[counts[block] : counts[block + 1]] = 0
        low, high = np.uint64(grid.lines[grid.bounds[block]]), np.uint64(grid.lines[grid.bounds[block + 1]])
        for line in range(grid.bounds[block], grid.bounds[block + 1]):
            if grid.lines[line] == grid.lines[line + 1]:
                continue
            head, tail, closed = ends(grid, line, False)
            begin, end = np.uint64(head), np.uint64(tail)
            for tile in entries(grid.lines[line], grid.lines[line + 1]):
                here = WIDTH * tile
                own, flow = four(x, here), (none, none, none, none)
                other = np.uint64(near[tile, 0])
                there = WIDTH * other
                if not low <= other < high:
                    flow = plus(flow, weights(along_x, x_classes, there), added(own, four(x, there)))
                elif other > tile:
                    flow = plus(flow, weights(along_x, x_classes, there), four(x, there))
                other = np.uint64(near[tile, 2])
                there = WIDTH * other
                if not low <= other < high:
                    flow = plus(flow, weights(along_y, y_classes, there), added(own, four(x, there)))
                elif other > tile:
                    flow = plus(flow, weights(along_y, y_classes, there), four(x, there))
                other = np.uint64(near[tile, 1])
                there = WIDTH * other
                if not low <= other < high:
                    flow = plus(flow, weights(along_x, x_classes, here), added(own, four(x, there)))
                elif other > tile:
                    flow = plus(flow, weights(along_x, x_classes, here), four(x, there))
                other = np.uint64(near[tile, 3])
                there = WIDTH * other
                if not low <= other < high:
                    flow = plus(flow, weights(along_y, y_classes, here), added(own, four(x, there)))
                elif other > tile:
                    flow = plus(flow, weights(along_y, y_classes, here), four(x, there))
                rest[0], rest[1], rest[2], rest[3] = flow
                for k in entries(here, here + WIDTH):
                    if k < end:
                        rest[k - here] += along_z[z_classes[k]] * x[k + ONE]
                    if k == begin:
                        rest[k - here] += closed * x[end]
                for k in entries(here, here + WIDTH):
                    if aggregate[k] >= 0:
                        coarse[aggregate[k]] += rest[k - here]


@njit(cache=True, nogil=True)
def backward(first, last, blocks, grid, inverse, r, x, swept):
    """One Gauss-Seidel sweep of A x = r, rows down, from x to `swept`."""
    total = np.empty(TILE, x.dtype)
    x_classes, y_classes, z_classes, ground = grid.x, grid.y, grid.z, grid.ground
    near, along_x, along_y, along_z, to_ground = grid.near, grid.table[0], grid.table[1], grid.table[2], grid.table[3]
    none = x.dtype.type(0)
    for block in range(first, last):
        high = np.uint64(grid.lines[grid.bounds[block + 1]])
        for line in range(grid.bounds[block + 1] - 1, grid.bounds[block] - 1, -1):
            if grid.lines[line] == grid.lines[line + 1]:
                continue
            head, tail, closed = ends(grid, line, False)
            begin, end = np.uint64(head), np.uint64(tail)
            start, tiles = np.uint64(TILE * grid.lines[line]), grid.lines[line + 1] - grid.lines[line]
            round_ = closed * (x[end] - x[begin])  # from the last row to the first
            out, after, step = round_, none, none
            for number in entries(0, tiles):
                tile = np.uint64(grid.lines[line + 1] - 1) - number
                here = WIDTH * tile
                own = four(x, here)
                flow = plus(four(r, here), weights(to_ground, ground, here), less((none, none, none, none), own))
                other = np.uint64(near[tile, 0])
                there = WIDTH * other
                beside = four(swept if tile < other < high else x, there)
                flow = plus(flow, weights(along_x, x_classes, there), less(beside, own))
                other = np.uint64(near[tile, 2])
                there = WIDTH * other
                beside = four(swept if tile < other < high else x, there)
                flow = plus(flow, weights(along_y, y_classes, there), less(beside, own))
                other = np.uint64(near[tile, 1])
                there = WIDTH * other
                beside = four(swept if tile < other < high else x, there)
                flow = plus(flow, weights(along_x, x_classes, here), less(beside, own))
                other = np.uint64(near[tile, 3])
                there = WIDTH * other
                beside = four(swept if tile < other < high else x, there)
                flow = plus(flow, weights(along_y, y_classes, here), less(beside, own))
                total[0], total[1], total[2], total[3] = flow
                for left in entries(ONE, WIDTH + ONE):
                    k = here + WIDTH - left
                    link = into = none
                    if k > start:
                        link = along_z[z_classes[k - ONE]]
                        into = link * (x[k - ONE] - x[k])
                    if k == begin:
                        total[k - here] += round_
                    step = (total[k - here] - (out - into)) * inverse[k] + (after * inverse[k]) * step
                    swept[k] = x[k] + step
                    if k == end:
                        round_ += closed * step
                    out, after = into, link


@njit(cache=True, nogil=True)
def rows(first, last, grid):
    """Links of lines as CSR, their rows counted from 0, and to the ground."""
    low, high = grid.lines[first], grid.lines[last]
    count = TILE * (high - low)
    indptr = np.zeros(count + 1, np.int64)
    indices = np.empty(6 * count, np.uint32)
    weight = np.empty(6 * count)
    excess = np.empty(count)
    filled = 0
    for line in range(first, last):
        if grid.lines[line] == grid.lines[line + 1]:
            continue
        begin, end, closed = ends(grid, line, False)
        for tile in range(grid.lines[line], grid.lines[line + 1]):
            beside = TILE * grid.near[tile]
            for here in range(TILE * tile, TILE * (tile + 1)):
                k = here - TILE * tile
                after, onward = (here + 1, grid.table[2, grid.z[here]]) if here < end else (begin, closed)
                back = grid.table[2, grid.z[here - 1]] if here > TILE * grid.lines[line] else 0.0
                for other, link in (
                    (after, onward),
                    (beside[3] + k, grid.table[1, grid.y[here]]),
                    (beside[1] + k, grid.table[0, grid.x[here]]),
                    (beside[0] + k, grid.table[0, grid.x[beside[0] + k]]),
                    (beside[2] + k, grid.table[1, grid.y[beside[2] + k]]),
                    (here - 1, back),
                    (end, closed if here == begin else 0.0),
                ):
                    if link > 0.0 and other != here:
                        indices[filled], weight[filled] = other, link
                        filled += 1
                indptr[here - TILE * low + 1] = filled
                excess[here - TILE * low] = grid.table[3, grid.ground[here]]
    return indptr, indices[:filled], weight[:filled], excess
