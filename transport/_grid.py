"""The loops of `_sweeps` over a grid of voxels, whose links are the conductances of its faces: no matrix is stored.

`x_faces`, `y_faces` and `z_faces` (nx, ny, nz) join each voxel to the next along an axis, the last one to the first.
Vectors are flat. A block is a range of lines along z; links from a line to itself, in grids one voxel wide, drop out.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from transport._sweeps import cut


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
def invert_diagonal(first, last, blocks, x_faces, y_faces, z_faces, excess, inverse):
    """Inverse diagonal of the smoother: links out of the block, which it cuts, count twice (l1 Gauss-Seidel)."""
    shape = x_faces.shape
    lines, size = shape[0] * shape[1], shape[2]
    gx, gy, gz = rows_of(x_faces), rows_of(y_faces), rows_of(z_faces)
    for block in range(first, last):
        begin, end = cut(block, blocks, lines), cut(block + 1, blocks, lines)
        for line in range(begin, end):
            west, east, south, north = neighbours(line, shape)
            w = 0.0 if west == line else (1.0 if begin <= west < end else 2.0)
            e = 0.0 if east == line else (1.0 if begin <= east < end else 2.0)
            s = 0.0 if south == line else (1.0 if begin <= south < end else 2.0)
            n = 0.0 if north == line else (1.0 if begin <= north < end else 2.0)
            for k in range(size):
                total = np.float64(excess[line * size + k])
                total += w * gx[west, k] + e * gx[line, k] + s * gy[south, k] + n * gy[line, k]
                if size > 1:
                    total += gz[line, k] + gz[line, k - 1]
                inverse[line * size + k] = 1.0 / total if total > 0.0 else 0.0


@njit(cache=True, nogil=True)
def outflow(line, k, around, gx, gy, gz, excess, x, size):
    """(A x) at one voxel, by differences."""
    west, east, south, north = around
    here = line * size + k
    mine = x[here]
    total = excess[here] * mine
    total += gx[west, k] * (mine - x[west * size + k]) + gx[line, k] * (mine - x[east * size + k])
    total += gy[south, k] * (mine - x[south * size + k]) + gy[line, k] * (mine - x[north * size + k])
    before, after = (k - 1 if k > 0 else size - 1), (k + 1 if k + 1 < size else 0)
    return total + gz[line, before] * (mine - x[line * size + before]) + gz[line, k] * (mine - x[line * size + after])


@njit(cache=True, nogil=True)
def multiply(first, last, blocks, x_faces, y_faces, z_faces, excess, x, y):
    """y = A x."""
    shape = x_faces.shape
    lines, size = shape[0] * shape[1], shape[2]
    gx, gy, gz = rows_of(x_faces), rows_of(y_faces), rows_of(z_faces)
    for line in range(cut(first, blocks, lines), cut(last, blocks, lines)):
        around = neighbours(line, shape)
        for k in range(size):
            y[line * size + k] = outflow(line, k, around, gx, gy, gz, excess, x, size)


@njit(cache=True, nogil=True)
def residual(first, last, blocks, x_faces, y_faces, z_faces, excess, r, x, rest):
    """rest = r - A x."""
    shape = x_faces.shape
    lines, size = shape[0] * shape[1], shape[2]
    gx, gy, gz = rows_of(x_faces), rows_of(y_faces), rows_of(z_faces)
    for line in range(cut(first, blocks, lines), cut(last, blocks, lines)):
        around = neighbours(line, shape)
        for k in range(size):
            rest[line * size + k] = r[line * size + k] - outflow(line, k, around, gx, gy, gz, excess, x, size)


@njit(cache=True, nogil=True)
def forward(first, last, blocks, x_faces, y_faces, z_faces, inverse, r, x):
    """Gauss-Seidel sweep from zero, rows up."""
    shape = x_faces.shape
    lines, size = shape[0] * shape[1], shape[2]
    gx, gy, gz = rows_of(x_faces), rows_of(y_faces), rows_of(z_faces)
    for block in range(first, last):
        begin, end = cut(block, blocks, lines), cut(block + 1, blocks, lines)
        for line in range(begin, end):
            west, east, south, north = neighbours(line, shape)
            to_west, to_east = begin <= west < line, begin <= east < line
            to_south, to_north = begin <= south < line, begin <= north < line
            for k in range(size):
                here = line * size + k
                total = r[here]
                if to_west:
                    total += gx[west, k] * x[west * size + k]
                if to_east:
                    total += gx[line, k] * x[east * size + k]
                if to_south:
                    total += gy[south, k] * x[south * size + k]
                if to_north:
                    total += gy[line, k] * x[north * size + k]
                if k > 0:
                    total += gz[line, k - 1] * x[here - 1]
                    if k == size - 1:
                        total += gz[line, k] * x[line * size]
                x[here] = total * inverse[here]


@njit(cache=True, nogil=True)
def rest_of_forward(first, last, blocks, x_faces, y_faces, z_faces, x, rest):
    """rest = r - A x, where x is the forward sweep of r: what the rows after, and other blocks, have added."""
    shape = x_faces.shape
    lines, size = shape[0] * shape[1], shape[2]
    gx, gy, gz = rows_of(x_faces), rows_of(y_faces), rows_of(z_faces)
    zero = x_faces[0, 0, 0] - x_faces[0, 0, 0]
    for block in range(first, last):
        begin, end = cut(block, blocks, lines), cut(block + 1, blocks, lines)
        for line in range(begin, end):
            around = neighbours(line, shape)
            for k in range(size):
                rest[line * size + k] = zero
            for side in range(4):
                other = around[side]
                faces = gx if side < 2 else gy
                row = other if side % 2 == 0 else line
                if not begin <= other < end:
                    for k in range(size):
                        rest[line * size + k] += faces[row, k] * (x[other * size + k] + x[line * size + k])
                elif other > line:
                    for k in range(size):
                        rest[line * size + k] += faces[row, k] * x[other * size + k]
            for k in range(size - 1):
                rest[line * size + k] += gz[line, k] * x[line * size + k + 1]
            if size > 1:
                rest[line * size] += gz[line, size - 1] * x[line * size + size - 1]


@njit(cache=True, nogil=True)
def backward(first, last, blocks, x_faces, y_faces, z_faces, inverse, r, step):
    """Gauss-Seidel sweep from zero, rows down."""
    shape = x_faces.shape
    lines, size = shape[0] * shape[1], shape[2]
    gx, gy, gz = rows_of(x_faces), rows_of(y_faces), rows_of(z_faces)
    for block in range(first, last):
        begin, end = cut(block, blocks, lines), cut(block + 1, blocks, lines)
        for line in range(end - 1, begin - 1, -1):
            west, east, south, north = neighbours(line, shape)
            to_west, to_east = line < west < end, line < east < end
            to_south, to_north = line < south < end, line < north < end
            for k in range(size - 1, -1, -1):
                here = line * size + k
                total = r[here]
                if to_west:
                    total += gx[west, k] * step[west * size + k]
                if to_east:
                    total += gx[line, k] * step[east * size + k]
                if to_south:
                    total += gy[south, k] * step[south * size + k]
                if to_north:
                    total += gy[line, k] * step[north * size + k]
                if k < size - 1:
                    total += gz[line, k] * step[here + 1]
                    if k == 0:
                        total += gz[line, size - 1] * step[line * size + size - 1]
                step[here] = total * inverse[here]


@njit(cache=True, nogil=True)
def rows(begin, end, x_faces, y_faces, z_faces):
    """Links of the lines `begin` to `end` as CSR: rows counted from the first of them, indices over the whole grid."""
    shape = x_faces.shape
    size = shape[2]
    gx, gy, gz = rows_of(x_faces), rows_of(y_faces), rows_of(z_faces)
    count = (end - begin) * size
    indptr = np.zeros(count + 1, np.int64)
    indices = np.empty(6 * count, np.int32)
    weight = np.empty(6 * count)
    filled = 0
    for line in range(begin, end):
        west, east, south, north = neighbours(line, shape)
        for k in range(size):
            here = line * size + k
            before, after = (k - 1 if k > 0 else size - 1), (k + 1 if k + 1 < size else 0)
            for other, link in (
                (line * size + after, gz[line, k]),
                (north * size + k, gy[line, k]),
                (east * size + k, gx[line, k]),
                (west * size + k, gx[west, k]),
                (south * size + k, gy[south, k]),
                (line * size + before, gz[line, before]),
            ):
                if link > 0.0 and other != here:
                    indices[filled], weight[filled] = other, link
                    filled += 1
            indptr[here - begin * size + 1] = filled
    return indptr, indices[:filled], weight[:filled]
