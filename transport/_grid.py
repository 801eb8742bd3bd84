"""The loops of `_sweeps` over a grid of voxels, whose links are the classes of its faces: no matrix is stored.

`x_faces`, `y_faces` and `z_faces` (nx, ny, nz) hold the class of the face between each voxel and the next along an
axis, of the last one to the first; `ground` (flat) that of each voxel's link to the ground. `table` (4, classes) holds
what a class conducts: along x, y, z, and to the ground. Class 0 is no link. Vectors are flat. A block is a range of
lines along z; links from a line to itself, in grids one voxel wide, drop out.

Voxels without links are left out: `runs` (count, 2) holds where each run of a line's voxels begins and ends, those of a
line from `starts[line]` on. Vectors must be zero between runs, and stay so.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from transport._sweeps import cut, entries

NONE, ONE = np.uint64(0), np.uint64(1)


@njit(cache=True, nogil=True)
def neighbours(line, shape):
    """The lines before and after along x, then y."""
    i, j = line // shape[1], line % shape[1]
    return (
        ((i - 1) % shape[0]) * shape[1] + j,
        ((i + 1) % shape[0]) * shape[1] + j,
        i * shape[1] + (j - 1) % shape[1],
        i * shape[1] + (j + 1) % shape[1],
    )


@njit(cache=True, nogil=True)
def rows_of(faces):
    """The same faces by line and position in it."""
    return faces.reshape(faces.shape[0] * faces.shape[1], faces.shape[2])


@njit(cache=True, nogil=True)
def line_of(vector, line, size):
    """The part of a vector on one line."""
    return vector[line * size : (line + 1) * size]


@njit(cache=True, nogil=True)
def find_runs(live, gap):
    """`starts` and `runs` of the live voxels (nx, ny, nz), of which those nearer than `gap` make one run."""
    of_line = rows_of(live)
    lines, size = of_line.shape
    starts = np.zeros(lines + 1, np.int64)
    runs = np.empty((lines * ((size + gap) // (gap + 1)), 2), np.int64)
    count = 0
    for line in range(lines):
        for k in range(size):
            if of_line[line, k]:
                if count > starts[line] and k < runs[count - 1, 1] + gap:
                    runs[count - 1, 1] = k + 1
                else:
                    runs[count, 0], runs[count, 1] = k, k + 1
                    count += 1
        starts[line + 1] = count
    return starts, runs[:count].copy()


@njit(cache=True, nogil=True)
def faces_of(side, line, around, gx, gy):
    """Faces between a line and its neighbour on a side."""
    faces = gx if side < 2 else gy
    return faces[around[side] if side % 2 == 0 else line]


@njit(cache=True, nogil=True)
def invert_diagonal(first, last, blocks, x_faces, y_faces, z_faces, ground, table, starts, runs, inverse):
    """Inverse diagonal of the smoother: links out of the block, which it cuts, count twice (l1 Gauss-Seidel)."""
    shape = x_faces.shape
    lines, size = shape[0] * shape[1], shape[2]
    gx, gy, gz = rows_of(x_faces), rows_of(y_faces), rows_of(z_faces)
    total = np.empty(size)
    for block in range(first, last):
        begin, end = cut(block, blocks, lines), cut(block + 1, blocks, lines)
        for line in range(begin, end):
            around = neighbours(line, shape)
            to_ground, own = line_of(ground, line, size), line_of(inverse, line, size)
            for k in range(size):
                total[k] = table[3, to_ground[k]]
                if size > 1:
                    total[k] += np.float64(table[2, gz[line, k]]) + table[2, gz[line, k - 1]]
            for side in range(4):
                if around[side] != line:
                    faces, conductance = faces_of(side, line, around, gx, gy), table[side // 2]
                    times = 1.0 if begin <= around[side] < end else 2.0
                    for k in range(size):
                        total[k] += times * conductance[faces[k]]
            for k in range(size):
                own[k] = 1.0 / total[k] if total[k] > 0.0 else 0.0


@njit(cache=True, nogil=True)
def multiply(first, last, blocks, x_faces, y_faces, z_faces, ground, table, starts, runs, x, b, y, parts):
    """y = A x, by differences in double precision, 0 without links; x.A x and b.x of each block."""
    shape = x_faces.shape
    lines, size = shape[0] * shape[1], shape[2]
    gx, gy, gz = rows_of(x_faces), rows_of(y_faces), rows_of(z_faces)
    cx, cy, cz, cg = table[0], table[1], table[2], table[3]
    for block in range(first, last):
        energy, product = 0.0, 0.0
        for line in range(cut(block, blocks, lines), cut(block + 1, blocks, lines)):
            west, east, south, north = neighbours(line, shape)
            own, to_ground = line_of(x, line, size), line_of(ground, line, size)
            x_west, x_east = line_of(x, west, size), line_of(x, east, size)
            x_south, x_north = line_of(x, south, size), line_of(x, north, size)
            to_west, to_east, to_south, to_north, along = gx[west], gx[line], gy[south], gy[line], gz[line]
            own_b, out = line_of(b, line, size), line_of(y, line, size)
            out[:] = 0
            into = cz[along[size - 1]] * (np.float64(own[size - 1]) - np.float64(own[0]))
            for run in range(starts[line], starts[line + 1]):
                for k in entries(runs[run, 0], runs[run, 1]):
                    here, after = np.float64(own[k]), np.float64(own[k + ONE if k + ONE < size else NONE])
                    onward = cz[along[k]] * (here - after)
                    total = cg[to_ground[k]] * here
                    total += cx[to_west[k]] * (here - np.float64(x_west[k]))
                    total += cx[to_east[k]] * (here - np.float64(x_east[k]))
                    total += cy[to_south[k]] * (here - np.float64(x_south[k]))
                    total += cy[to_north[k]] * (here - np.float64(x_north[k]))
                    total += onward - into
                    into = onward
                    out[k] = total
                    energy += here * total
                    product += here * np.float64(own_b[k])
                into = 0.0
        parts[block, 0], parts[block, 1] = energy, product


@njit(cache=True, nogil=True)
def forward(first, last, blocks, x_faces, y_faces, z_faces, ground, table, starts, runs, inverse, r, x):
    """Gauss-Seidel sweep from zero, rows up."""
    shape = x_faces.shape
    lines, size = shape[0] * shape[1], shape[2]
    gx, gy, gz = rows_of(x_faces), rows_of(y_faces), rows_of(z_faces)
    total = np.empty(size, x.dtype)
    for block in range(first, last):
        begin, end = cut(block, blocks, lines), cut(block + 1, blocks, lines)
        for line in range(begin, end):
            around = neighbours(line, shape)
            own_r = line_of(r, line, size)
            for run in range(starts[line], starts[line + 1]):
                for k in entries(runs[run, 0], runs[run, 1]):
                    total[k] = own_r[k]
            for side in range(4):
                if begin <= around[side] < line:
                    faces, conductance = faces_of(side, line, around, gx, gy), table[side // 2]
                    other = line_of(x, around[side], size)
                    for run in range(starts[line], starts[line + 1]):
                        for k in entries(runs[run, 0], runs[run, 1]):
                            total[k] += conductance[faces[k]] * other[k]
            own, to_next = line_of(x, line, size), gz[line]
            own_inverse, conductance = line_of(inverse, line, size), table[2]
            for run in range(starts[line], starts[line + 1]):
                sweep_up(runs[run, 0], runs[run, 1], total, to_next, conductance, own_inverse, own)


@njit(cache=True, nogil=True)
def sweep_up(begin, end, total, along, conductance, inverse, x):
    """Gauss-Seidel sweep along a run of a line from zero; `total` is used up."""
    size = x.size
    value = total[begin] * inverse[begin]
    x[begin] = value
    if begin == 0 and size > 1:
        total[size - 1] += conductance[along[size - 1]] * value
    for k in entries(begin + 1, end):
        value = total[k] * inverse[k] + (conductance[along[k - ONE]] * inverse[k]) * value
        x[k] = value


@njit(cache=True, nogil=True)
def restrict(first, last, blocks, x_faces, y_faces, z_faces, ground, table, starts, runs, x, aggregate, counts, coarse):
    """Sum r - A x over each aggregate, where x is the forward sweep of r: what rows after, and other blocks, add.

    The aggregates of a block are numbered from `counts[block]` on.
    """
    shape = x_faces.shape
    lines, size = shape[0] * shape[1], shape[2]
    gx, gy, gz = rows_of(x_faces), rows_of(y_faces), rows_of(z_faces)
    rest = np.empty(size, x.dtype)
    for block in range(first, last):
        begin, end = cut(block, blocks, lines), cut(block + 1, blocks, lines)
        coarse[counts[block] : counts[block + 1]] = 0
        for line in range(begin, end):
            around = neighbours(line, shape)
            own, into, along, conductance = line_of(x, line, size), line_of(aggregate, line, size), gz[line], table[2]
            for run in range(starts[line], starts[line + 1]):
                for k in entries(runs[run, 0], runs[run, 1]):
                    rest[k] = conductance[along[k]] * own[k + ONE] if k + ONE < size else 0
            if size > 1:
                rest[0] += conductance[along[size - 1]] * own[size - 1]
            for side in range(4):
                faces, conductance = faces_of(side, line, around, gx, gy), table[side // 2]
                other = line_of(x, around[side], size)
                if not begin <= around[side] < end:
                    for run in range(starts[line], starts[line + 1]):
                        for k in entries(runs[run, 0], runs[run, 1]):
                            rest[k] += conductance[faces[k]] * (other[k] + own[k])
                elif around[side] > line:
                    for run in range(starts[line], starts[line + 1]):
                        for k in entries(runs[run, 0], runs[run, 1]):
                            rest[k] += conductance[faces[k]] * other[k]
            for run in range(starts[line], starts[line + 1]):
                for k in entries(runs[run, 0], runs[run, 1]):
                    if into[k] >= 0:
                        coarse[into[k]] += rest[k]


@njit(cache=True, nogil=True)
def backward(first, last, blocks, x_faces, y_faces, z_faces, ground, table, starts, runs, inverse, r, x, swept):
    """One Gauss-Seidel sweep of A x = r, rows down, from x to `swept`.

    All loops run down, as memory is then read in one direction.
    """
    shape = x_faces.shape
    lines, size = shape[0] * shape[1], shape[2]
    gx, gy, gz = rows_of(x_faces), rows_of(y_faces), rows_of(z_faces)
    total = np.empty(size, x.dtype)
    for block in range(first, last):
        begin, end = cut(block, blocks, lines), cut(block + 1, blocks, lines)
        for line in range(end - 1, begin - 1, -1):
            own_runs = runs[starts[line] : starts[line + 1]]
            west, east, south, north = neighbours(line, shape)
            own = line_of(x, line, size)
            rest_across(
                total, own, line_of(r, line, size), line_of(ground, line, size), table, own_runs,
                line_of(swept if line < west < end else x, west, size), gx[west],
                line_of(swept if line < east < end else x, east, size), gx[line],
                line_of(swept if line < south < end else x, south, size), gy[south],
                line_of(swept if line < north < end else x, north, size), gy[line],
            )  # fmt: skip
            sweep_down(
                total, own, gz[line], table[2], own_runs, line_of(inverse, line, size), line_of(swept, line, size)
            )


@njit(cache=True, nogil=True)
def rest_across(
    total, x, r, ground, table, runs, x_west, to_west, x_east, to_east, x_south, to_south, x_north, to_north
):  # fmt: skip
    """What r leaves on one line after the flow to the ground and to the four lines beside it."""
    cx, cy, cg = table[0], table[1], table[3]
    for run in range(len(runs) - 1, -1, -1):
        for left in entries(0, runs[run, 1] - runs[run, 0]):
            k = np.uint64(runs[run, 1]) - ONE - left
            here = x[k]
            rest = r[k] - cg[ground[k]] * here
            east_west = cx[to_west[k]] * (here - x_west[k]) + cx[to_east[k]] * (here - x_east[k])
            north_south = cy[to_south[k]] * (here - x_south[k]) + cy[to_north[k]] * (here - x_north[k])
            total[k] = rest - (east_west + north_south)


@njit(cache=True, nogil=True)
def sweep_down(total, x, along, conductance, runs, inverse, swept):
    """Gauss-Seidel sweep along one line from x to `swept`; `total` lacks the flow along the line, and is used up."""
    size = x.size
    wrapped = conductance[along[size - 1]]
    closing = wrapped * (x[size - 1] - x[0])
    for run in range(len(runs) - 1, -1, -1):
        begin, end = np.uint64(runs[run, 0]), np.uint64(runs[run, 1])
        step = x[0] - x[0]
        if runs[run, 1] == size:
            end -= ONE
            into = conductance[along[end - ONE]] * (x[end - ONE] - x[end]) if size > 1 else closing
            step = (total[end] - (closing - into)) * inverse[end]
            swept[end] = x[end] + step
            if size > 1:
                total[0] += wrapped * step
        inside = max(begin, ONE)
        for left in entries(inside, end):
            k = end - ONE - (left - inside)
            after = conductance[along[k]]
            out = after * (x[k] - x[k + ONE])
            into = conductance[along[k - ONE]] * (x[k - ONE] - x[k])
            step = (total[k] - (out - into)) * inverse[k] + (after * inverse[k]) * step
            swept[k] = x[k] + step
        if begin == NONE and size > 1:
            after = conductance[along[0]]
            out = after * (x[0] - x[1])
            step = (total[0] - (out - closing)) * inverse[0] + (after * inverse[0]) * step
            swept[0] = x[0] + step


@njit(cache=True, nogil=True)
def rows(begin, end, x_faces, y_faces, z_faces, ground, table, starts, runs):
    """Links of the lines `begin` to `end` as CSR, and to the ground: rows counted from the first of them."""
    shape = x_faces.shape
    size = shape[2]
    gx, gy, gz = rows_of(x_faces), rows_of(y_faces), rows_of(z_faces)
    count = (end - begin) * size
    indptr = np.zeros(count + 1, np.int64)
    indices = np.empty(6 * count, np.uint32)
    weight = np.empty(6 * count)
    excess = np.empty(count)
    filled = 0
    for line in range(begin, end):
        west, east, south, north = neighbours(line, shape)
        for k in range(size):
            here = line * size + k
            before, after = (k - 1 if k > 0 else size - 1), (k + 1 if k + 1 < size else 0)
            for other, link in (
                (line * size + after, table[2, gz[line, k]]),
                (north * size + k, table[1, gy[line, k]]),
                (east * size + k, table[0, gx[line, k]]),
                (west * size + k, table[0, gx[west, k]]),
                (south * size + k, table[1, gy[south, k]]),
                (line * size + before, table[2, gz[line, before]]),
            ):
                if link > 0.0 and other != here:
                    indices[filled], weight[filled] = other, link
                    filled += 1
            indptr[here - begin * size + 1] = filled
            excess[here - begin * size] = table[3, ground[here]]
    return indptr, indices[:filled], weight[:filled], excess
