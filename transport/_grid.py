"""The loops of `_sweeps` over a grid of voxels, whose links are the classes of its faces: no matrix is stored.

`x_faces`, `y_faces` and `z_faces` (nx, ny, nz) hold the class of the face between each voxel and the next along an
axis, of the last one to the first; `ground` (flat) that of each voxel's link to the ground. `table` (4, classes) holds
what a class conducts: along x, y, z, and to the ground. Class 0 is no link. Vectors are flat. A block is a range of
lines along z; links from a line to itself, in grids one voxel wide, drop out.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from transport._sweeps import cut, two_sum


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
def faces_of(side, line, around, gx, gy):
    """Faces between a line and its neighbour on a side."""
    faces = gx if side < 2 else gy
    return faces[around[side] if side % 2 == 0 else line]


@njit(cache=True, nogil=True)
def invert_diagonal(first, last, blocks, x_faces, y_faces, z_faces, ground, table, inverse):
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
def product_on_line(line, x_faces, y_faces, z_faces, ground, table, x, out):
    """A x on one line, by differences in double precision."""
    shape, size = x_faces.shape, out.size
    gx, gy = rows_of(x_faces), rows_of(y_faces)
    west, east, south, north = neighbours(line, shape)
    own, to_ground = line_of(x, line, size), line_of(ground, line, size)
    x_west, x_east = line_of(x, west, size), line_of(x, east, size)
    x_south, x_north = line_of(x, south, size), line_of(x, north, size)
    to_west, to_east, to_south, to_north, along = gx[west], gx[line], gy[south], gy[line], rows_of(z_faces)[line]
    cx, cy, cz, cg = table[0], table[1], table[2], table[3]
    before = cz[along[size - 1]] * (np.float64(own[size - 1]) - np.float64(own[0]))
    for k in range(size):
        here, after = np.float64(own[k]), np.float64(own[k + 1 if k + 1 < size else 0])
        total = cg[to_ground[k]] * here
        total += cx[to_west[k]] * (here - np.float64(x_west[k])) + cx[to_east[k]] * (here - np.float64(x_east[k]))
        total += cy[to_south[k]] * (here - np.float64(x_south[k])) + cy[to_north[k]] * (here - np.float64(x_north[k]))
        flow = cz[along[k]] * (here - after)
        out[k] = total + (flow - before)
        before = flow


@njit(cache=True, nogil=True)
def multiply(first, last, blocks, x_faces, y_faces, z_faces, ground, table, x, y):
    """y = A x."""
    lines, size = x_faces.shape[0] * x_faces.shape[1], x_faces.shape[2]
    for line in range(cut(first, blocks, lines), cut(last, blocks, lines)):
        product_on_line(line, x_faces, y_faces, z_faces, ground, table, x, line_of(y, line, size))


@njit(cache=True, nogil=True)
def products(first, last, blocks, x_faces, y_faces, z_faces, ground, table, x, a, b, parts):
    """a.A x and b.x of each block; A x is not kept."""
    lines, size = x_faces.shape[0] * x_faces.shape[1], x_faces.shape[2]
    product = np.empty(size)
    for block in range(first, last):
        one, two = 0.0, 0.0
        for line in range(cut(block, blocks, lines), cut(block + 1, blocks, lines)):
            product_on_line(line, x_faces, y_faces, z_faces, ground, table, x, product)
            own, own_a, own_b = line_of(x, line, size), line_of(a, line, size), line_of(b, line, size)
            for k in range(size):
                one += own_a[k] * product[k]
                two += np.float64(own_b[k]) * own[k]
        parts[block, 0], parts[block, 1] = one, two


@njit(cache=True, nogil=True)
def step_down(first, last, blocks, x_faces, y_faces, z_faces, ground, table, alpha, p, high, low, r, parts):
    """high + low += alpha p, beyond the last bit of high, and r -= alpha A p, with the sum of |r| of each block."""
    lines, size = x_faces.shape[0] * x_faces.shape[1], x_faces.shape[2]
    product = np.empty(size)
    for block in range(first, last):
        total = 0.0
        for line in range(cut(block, blocks, lines), cut(block + 1, blocks, lines)):
            product_on_line(line, x_faces, y_faces, z_faces, ground, table, p, product)
            own_p, own_r = line_of(p, line, size), line_of(r, line, size)
            own_high, own_low = line_of(high, line, size), line_of(low, line, size)
            for k in range(size):
                own_high[k], own_low[k] = two_sum(own_high[k], own_low[k] + alpha * own_p[k])
                own_r[k] -= alpha * product[k]
                total += abs(own_r[k])
        parts[block] = total


@njit(cache=True, nogil=True)
def forward(first, last, blocks, x_faces, y_faces, z_faces, ground, table, inverse, r, x):
    """Gauss-Seidel sweep from zero, rows up."""
    shape = x_faces.shape
    lines, size = shape[0] * shape[1], shape[2]
    gx, gy, gz = rows_of(x_faces), rows_of(y_faces), rows_of(z_faces)
    total = np.empty(size, x.dtype)
    for block in range(first, last):
        begin, end = cut(block, blocks, lines), cut(block + 1, blocks, lines)
        for line in range(begin, end):
            around = neighbours(line, shape)
            total[:] = line_of(r, line, size)
            for side in range(4):
                if begin <= around[side] < line:
                    faces, conductance = faces_of(side, line, around, gx, gy), table[side // 2]
                    other = line_of(x, around[side], size)
                    for k in range(size):
                        total[k] += conductance[faces[k]] * other[k]
            sweep_up(total, gz[line], table[2], line_of(inverse, line, size), line_of(x, line, size))


@njit(cache=True, nogil=True)
def sweep_up(total, along, conductance, inverse, x):
    """Gauss-Seidel sweep along one line from zero; `total` is used up."""
    size = x.size
    value = total[0] * inverse[0]
    x[0] = value
    if size > 1:
        total[size - 1] += conductance[along[size - 1]] * value
    for k in range(1, size):
        value = total[k] * inverse[k] + (conductance[along[k - 1]] * inverse[k]) * value
        x[k] = value


@njit(cache=True, nogil=True)
def restrict(first, last, blocks, x_faces, y_faces, z_faces, ground, table, x, aggregate, starts, coarse):
    """Sum r - A x over each aggregate, where x is the forward sweep of r: what rows after, and other blocks, add.

    The aggregates of a block are numbered from `starts[block]` on.
    """
    shape = x_faces.shape
    lines, size = shape[0] * shape[1], shape[2]
    gx, gy, gz = rows_of(x_faces), rows_of(y_faces), rows_of(z_faces)
    rest = np.empty(size, x.dtype)
    for block in range(first, last):
        begin, end = cut(block, blocks, lines), cut(block + 1, blocks, lines)
        coarse[starts[block] : starts[block + 1]] = 0
        for line in range(begin, end):
            around = neighbours(line, shape)
            own, into = line_of(x, line, size), line_of(aggregate, line, size)
            for k in range(size):
                rest[k] = 0
            for side in range(4):
                faces, conductance = faces_of(side, line, around, gx, gy), table[side // 2]
                other = line_of(x, around[side], size)
                if not begin <= around[side] < end:
                    for k in range(size):
                        rest[k] += conductance[faces[k]] * (other[k] + own[k])
                elif around[side] > line:
                    for k in range(size):
                        rest[k] += conductance[faces[k]] * other[k]
            for k in range(size - 1):
                rest[k] += table[2, gz[line, k]] * own[k + 1]
            if size > 1:
                rest[0] += table[2, gz[line, size - 1]] * own[size - 1]
            for k in range(size):
                if into[k] >= 0:
                    coarse[into[k]] += rest[k]


@njit(cache=True, nogil=True)
def backward(first, last, blocks, x_faces, y_faces, z_faces, ground, table, inverse, r, x, swept):
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
            west, east, south, north = neighbours(line, shape)
            own = line_of(x, line, size)
            rest_across(
                total, own, line_of(r, line, size), line_of(ground, line, size), table,
                line_of(swept if line < west < end else x, west, size), gx[west],
                line_of(swept if line < east < end else x, east, size), gx[line],
                line_of(swept if line < south < end else x, south, size), gy[south],
                line_of(swept if line < north < end else x, north, size), gy[line],
            )  # fmt: skip
            sweep_down(total, own, gz[line], table[2], line_of(inverse, line, size), line_of(swept, line, size))


@njit(cache=True, nogil=True)
def rest_across(
    total, x, r, ground, table, x_west, to_west, x_east, to_east, x_south, to_south, x_north, to_north
):  # fmt: skip
    """What r leaves on one line after the flow to the ground and to the four lines beside it."""
    cx, cy, cg = table[0], table[1], table[3]
    for k in range(total.size - 1, -1, -1):
        here = x[k]
        rest = r[k] - cg[ground[k]] * here
        east_west = cx[to_west[k]] * (here - x_west[k]) + cx[to_east[k]] * (here - x_east[k])
        north_south = cy[to_south[k]] * (here - x_south[k]) + cy[to_north[k]] * (here - x_north[k])
        total[k] = rest - (east_west + north_south)


@njit(cache=True, nogil=True)
def sweep_down(total, x, along, conductance, inverse, swept):
    """Gauss-Seidel sweep along one line from x to `swept`; `total` lacks the flow along the line, and is used up."""
    size = x.size
    wrapped = conductance[along[size - 1]]
    closing = wrapped * (x[size - 1] - x[0])
    into = conductance[along[size - 2]] * (x[size - 2] - x[size - 1]) if size > 1 else closing
    step = (total[size - 1] - (closing - into)) * inverse[size - 1]
    swept[size - 1] = x[size - 1] + step
    if size > 1:
        total[0] += wrapped * step
    for k in range(size - 2, -1, -1):
        after = conductance[along[k]]
        out = after * (x[k] - x[k + 1])
        into = conductance[along[k - 1]] * (x[k - 1] - x[k]) if k > 0 else closing
        step = (total[k] - (out - into)) * inverse[k] + (after * inverse[k]) * step
        swept[k] = x[k] + step


@njit(cache=True, nogil=True)
def rows(begin, end, x_faces, y_faces, z_faces, ground, table):
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
