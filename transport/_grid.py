"""The loops of `_sweeps` over voxels whose links are the classes of their faces: no matrix is stored.

A row is a voxel, in the order of `_runs`; a line, all voxels of one x and y, has no gaps: between its runs there is no
link. Links from a line to itself, in grids one voxel wide, drop out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from transport._runs import neighbours
from transport._sweeps import entries

ONE = np.uint64(1)


class Voxels(NamedTuple):
    """Links of voxels: `x`, `y` and `z` (rows,) are the classes of the face to the next voxel along each axis.

    `ground` is that of the link to the ground; `table` (4, classes) is what a class conducts along x, y, z, and to the
    ground, class 0 nothing. `lines` is the first row of each line, `bounds` the first line of each block. `x_pieces`
    (count, 3) are parts of lines that touch the next line along x: row, row there, number; those of a line from
    `x_first[line]` on. `starts` and `runs` tell where each row lies in the image of `shape`.
    """

    shape: tuple[int, int, int]
    bounds: NDArray[np.int64]
    lines: NDArray[np.int64]
    x_first: NDArray[np.int64]
    x_pieces: NDArray[np.int32]
    y_first: NDArray[np.int64]
    y_pieces: NDArray[np.int32]
    x: NDArray[np.unsignedinteger]
    y: NDArray[np.unsignedinteger]
    z: NDArray[np.unsignedinteger]
    ground: NDArray[np.unsignedinteger]
    table: NDArray[np.floating]
    starts: NDArray[np.int64]
    runs: NDArray[np.int32]


@njit(cache=True, nogil=True)
def longest(lines):
    """Rows of the longest line."""
    most = 0
    for line in range(lines.size - 1):
        most = max(most, lines[line + 1] - lines[line])
    return most


@njit(cache=True, nogil=True)
def side_of(grid, side, line, other):
    """Pieces that touch the line on a side (before and after along x, then y), the classes and conductances of faces.

    Own rows are in the last column but one: 0 if the faces are those of the line, 1 if they are those of the other.
    """
    owner = line if side % 2 else other
    if side < 2:
        return grid.x_pieces[grid.x_first[owner] : grid.x_first[owner + 1]], grid.x, grid.table[0]
    return grid.y_pieces[grid.y_first[owner] : grid.y_first[owner + 1]], grid.y, grid.table[1]


@njit(cache=True, nogil=True)
def add_side(total, first, pieces, mine, classes, conductance, other):
    """Add conductance times the `other` vector of the rows that pieces touch to a line that begins at row `first`."""
    for piece in range(len(pieces)):
        face, there = np.uint64(pieces[piece, 0]), np.uint64(pieces[piece, 1 - mine])
        own = np.uint64(pieces[piece, mine] - first)
        for k in entries(0, pieces[piece, 2]):
            total[own + k] += conductance[classes[face + k]] * other[there + k]


@njit(cache=True, nogil=True)
def add_pairs(total, first, pieces, mine, classes, conductance, other, share, x):
    """Add conductance times (`other` there + `share` times x here)."""
    for piece in range(len(pieces)):
        face, there = np.uint64(pieces[piece, 0]), np.uint64(pieces[piece, 1 - mine])
        here = np.uint64(pieces[piece, mine])
        own = np.uint64(pieces[piece, mine] - first)
        for k in entries(0, pieces[piece, 2]):
            total[own + k] += conductance[classes[face + k]] * (other[there + k] + share * x[here + k])


@njit(cache=True, nogil=True)
def closing(grid, begin, end):
    """Conductance of the link from the end of a line round to its beginning."""
    return grid.table[2, grid.z[end - 1]] if end - begin > 1 else grid.table[2, 0]


@njit(cache=True, nogil=True)
def invert_diagonal(first, last, blocks, grid, inverse):
    """Inverse diagonal of the smoother: links out of the block, which it cuts, count twice (l1 Gauss-Seidel)."""
    total = np.empty(longest(grid.lines))
    for block in range(first, last):
        for line in range(grid.bounds[block], grid.bounds[block + 1]):
            begin, end = grid.lines[line], grid.lines[line + 1]
            if begin == end:
                continue
            around = neighbours(line, grid.shape)
            for k in range(begin, end):
                total[k - begin] = grid.table[3, grid.ground[k]]
            for k in range(begin, end - 1):
                total[k - begin] += grid.table[2, grid.z[k]]
                total[k + 1 - begin] += grid.table[2, grid.z[k]]
            total[0] += closing(grid, begin, end)
            total[end - begin - 1] += closing(grid, begin, end)
            for side in range(4):
                if around[side] != line:
                    pieces, classes, conductance = side_of(grid, side, line, around[side])
                    mine = 1 - side % 2
                    times = 1.0 if grid.bounds[block] <= around[side] < grid.bounds[block + 1] else 2.0
                    for piece in range(len(pieces)):
                        for k in range(pieces[piece, 2]):
                            link = conductance[classes[pieces[piece, 0] + k]]
                            total[pieces[piece, mine] - begin + k] += times * link
            for k in range(begin, end):
                inverse[k] = 1.0 / total[k - begin] if total[k - begin] > 0.0 else 0.0


@njit(cache=True, nogil=True)
def multiply(first, last, blocks, grid, x, b, y, parts):
    """y = A x, by differences in double precision; x.A x and b.x of each block."""
    along, to_ground = grid.table[2], grid.table[3]
    for block in range(first, last):
        low, high = grid.bounds[block], grid.bounds[block + 1]
        y[grid.lines[low] : grid.lines[high]] = 0.0
        for line in range(low, high):
            around = neighbours(line, grid.shape)
            for side in range(4):
                pieces, classes, conductance = side_of(grid, side, line, around[side])
                within = low <= around[side] < high
                if side % 2 and within:
                    exchange(pieces, classes, conductance, x, y)
                elif not within:
                    take_out(pieces, 1 - side % 2, classes, conductance, x, y)
        energy, product = 0.0, 0.0
        for line in range(low, high):
            begin, end = np.uint64(grid.lines[line]), np.uint64(grid.lines[line + 1])
            if begin == end:
                continue
            closed = np.float64(closing(grid, grid.lines[line], grid.lines[line + 1]))
            into = closed * (np.float64(x[end - ONE]) - np.float64(x[begin]))
            for k in entries(begin, end):
                here = np.float64(x[k])
                after = np.float64(x[k + ONE if k + ONE < end else begin])
                link = np.float64(along[grid.z[k]]) if k + ONE < end else closed
                onward = link * (here - after)
                total = y[k] + to_ground[grid.ground[k]] * here + (onward - into)
                into = onward
                y[k] = total
                energy += here * total
                product += here * np.float64(b[k])
        parts[block, 0], parts[block, 1] = energy, product


@njit(cache=True, nogil=True)
def exchange(pieces, classes, conductance, x, y):
    """Add to y, at both ends, what the links of pieces take out."""
    for piece in range(len(pieces)):
        here, there = np.uint64(pieces[piece, 0]), np.uint64(pieces[piece, 1])
        for k in entries(0, pieces[piece, 2]):
            flow = conductance[classes[here + k]] * (np.float64(x[here + k]) - np.float64(x[there + k]))
            y[here + k] += flow
            y[there + k] -= flow


@njit(cache=True, nogil=True)
def take_out(pieces, mine, classes, conductance, x, y):
    """The same at one end alone."""
    for piece in range(len(pieces)):
        face = np.uint64(pieces[piece, 0])
        here, there = np.uint64(pieces[piece, mine]), np.uint64(pieces[piece, 1 - mine])
        for k in entries(0, pieces[piece, 2]):
            y[here + k] += conductance[classes[face + k]] * (np.float64(x[here + k]) - np.float64(x[there + k]))


@njit(cache=True, nogil=True)
def forward(first, last, blocks, grid, inverse, r, x):
    """Gauss-Seidel sweep from zero, rows up."""
    total = np.empty(longest(grid.lines), x.dtype)
    for block in range(first, last):
        for line in range(grid.bounds[block], grid.bounds[block + 1]):
            begin, end = grid.lines[line], grid.lines[line + 1]
            if begin == end:
                continue
            total[: end - begin] = r[begin:end]
            around = neighbours(line, grid.shape)
            for side in range(4):
                if grid.bounds[block] <= around[side] < line:
                    pieces, classes, conductance = side_of(grid, side, line, around[side])
                    add_side(total, begin, pieces, 1 - side % 2, classes, conductance, x)
            closed = closing(grid, begin, end)
            sweep_up(total, grid.z[begin:end], grid.table[2], closed, inverse[begin:end], x[begin:end])


@njit(cache=True, nogil=True)
def sweep_up(total, along, conductance, closed, inverse, x):
    """Gauss-Seidel sweep along a line from zero; `total` is used up."""
    value = total[0] * inverse[0]
    x[0] = value
    total[x.size - 1] += closed * value
    for k in entries(1, x.size):
        value = total[k] * inverse[k] + (conductance[along[k - ONE]] * inverse[k]) * value
        x[k] = value


@njit(cache=True, nogil=True)
def restrict(first, last, blocks, grid, x, aggregate, counts, coarse):
    """Sum r - A x over each aggregate, where x is the forward sweep of r: what rows after, and other blocks, add.

    The aggregates of a block are numbered from `counts[block]` on.
    """
    rest = np.empty(longest(grid.lines), x.dtype)
    along, once = grid.table[2], x.dtype.type(1)
    for block in range(first, last):
        coarse[counts[block] : counts[block + 1]] = 0
        for line in range(grid.bounds[block], grid.bounds[block + 1]):
            begin, end = grid.lines[line], grid.lines[line + 1]
            if begin == end:
                continue
            for k in entries(begin, end - 1):
                rest[k - np.uint64(begin)] = along[grid.z[k]] * x[k + ONE]
            rest[end - begin - 1] = 0
            rest[0] += closing(grid, begin, end) * x[end - 1]
            around = neighbours(line, grid.shape)
            for side in range(4):
                pieces, classes, conductance = side_of(grid, side, line, around[side])
                mine = 1 - side % 2
                if not grid.bounds[block] <= around[side] < grid.bounds[block + 1]:
                    add_pairs(rest, begin, pieces, mine, classes, conductance, x, once, x)
                elif around[side] > line:
                    add_side(rest, begin, pieces, mine, classes, conductance, x)
            for k in entries(begin, end):
                if aggregate[k] >= 0:
                    coarse[aggregate[k]] += rest[k - np.uint64(begin)]


@njit(cache=True, nogil=True)
def backward(first, last, blocks, grid, inverse, r, x, swept):
    """One Gauss-Seidel sweep of A x = r, rows down, from x to `swept`."""
    total = np.empty(longest(grid.lines), x.dtype)
    to_ground, less = grid.table[3], x.dtype.type(-1)
    for block in range(first, last):
        for line in range(grid.bounds[block + 1] - 1, grid.bounds[block] - 1, -1):
            begin, end = grid.lines[line], grid.lines[line + 1]
            if begin == end:
                continue
            for k in entries(begin, end):
                total[k - np.uint64(begin)] = r[k] - to_ground[grid.ground[k]] * x[k]
            around = neighbours(line, grid.shape)
            for side in range(4):
                pieces, classes, conductance = side_of(grid, side, line, around[side])
                other = swept if line < around[side] < grid.bounds[block + 1] else x
                add_pairs(total, begin, pieces, 1 - side % 2, classes, conductance, other, less, x)
            closed = closing(grid, begin, end)
            sweep_down(
                total, x[begin:end], grid.z[begin:end], grid.table[2], closed, inverse[begin:end], swept[begin:end]
            )


@njit(cache=True, nogil=True)
def sweep_down(total, x, along, conductance, closed, inverse, swept):
    """Gauss-Seidel sweep along one line from x to `swept`; `total` lacks the flow along the line, and is used up."""
    last = np.uint64(x.size - 1)
    wrap = closed * (x[last] - x[0])
    out, after, step = wrap, closed - closed, x[0] - x[0]
    for left in entries(0, last):
        k = last - left
        before = conductance[along[k - ONE]]
        into = before * (x[k - ONE] - x[k])
        step = (total[k] - (out - into)) * inverse[k] + (after * inverse[k]) * step
        swept[k] = x[k] + step
        total[0] += closed * step
        out, after, closed = into, before, closed - closed
    step = (total[0] - (out - wrap)) * inverse[0] + (after * inverse[0]) * step
    swept[0] = x[0] + step


@njit(cache=True, nogil=True)
def rows(block, grid):
    """Links of a block as CSR, its rows counted from 0, and to the ground."""
    low, high = grid.lines[grid.bounds[block]], grid.lines[grid.bounds[block + 1]]
    count = high - low
    indptr = np.zeros(count + 1, np.int64)
    indices = np.empty(6 * count, np.uint32)
    weight = np.empty(6 * count)
    excess = np.empty(count)
    size = longest(grid.lines)
    others, links = np.empty((4, size), np.int64), np.empty((4, size))
    filled = 0
    for line in range(grid.bounds[block], grid.bounds[block + 1]):
        begin, end = grid.lines[line], grid.lines[line + 1]
        links[:, : end - begin] = 0.0
        around = neighbours(line, grid.shape)
        for side in range(4):
            if around[side] != line:
                pieces, classes, conductance = side_of(grid, side, line, around[side])
                mine = 1 - side % 2
                for piece in range(len(pieces)):
                    for k in range(pieces[piece, 2]):
                        own = pieces[piece, mine] - begin + k
                        others[side, own] = pieces[piece, 1 - mine] + k
                        links[side, own] = conductance[classes[pieces[piece, 0] + k]]
        for here in range(begin, end):
            own = here - begin
            before, after = (here - 1 if here > begin else end - 1), (here + 1 if here + 1 < end else begin)
            for other, link in (
                (after, grid.table[2, grid.z[here]]),
                (others[3, own], links[3, own]),
                (others[1, own], links[1, own]),
                (others[0, own], links[0, own]),
                (others[2, own], links[2, own]),
                (before, grid.table[2, grid.z[before]]),
            ):
                if link > 0.0 and other != here:
                    indices[filled], weight[filled] = other, link
                    filled += 1
            indptr[here - low + 1] = filled
            excess[here - low] = grid.table[3, grid.ground[here]]
    return indptr, indices[:filled], weight[:filled], excess
