"""Kernels for what ions reach from the separator while carbon takes their place step by step."""

import numpy as np
from numba import njit

UNSET = np.iinfo(np.uint16).max
SEEN, END = -1, -2  # of the lists of voxels: not in any list yet, and the end of one


@njit(cache=True)
def span(centre, reach, voxel, count, periodic):
    """Voxels along one axis whose centres may lie within reach: first and last plus one, cut at free sides."""
    low = int(np.floor((centre - reach) / voxel - 0.5))
    high = int(np.ceil((centre + reach) / voxel - 0.5)) + 1
    if not periodic:
        return max(low, 0), min(high, count)
    return low, min(high, low + count)


@njit(cache=True)
def nearest_primaries(centres, reach, voxel, periodic, labels, carbon, squares):
    """Lower `squares` of each carbon voxel to the square of its distance to the nearest primary within reach."""
    limit = reach * reach
    nx, ny, nz = labels.shape
    for n in range(centres.shape[0]):
        x, y, z = centres[n]
        i0, i1 = span(x, reach, voxel, nx, periodic[0])
        j0, j1 = span(y, reach, voxel, ny, periodic[1])
        k0, k1 = span(z, reach, voxel, nz, periodic[2])
        for i in range(i0, i1):
            dx = (i + 0.5) * voxel - x
            for j in range(j0, j1):
                dy = (j + 0.5) * voxel - y
                for k in range(k0, k1):
                    dz = (k + 0.5) * voxel - z
                    square = dx * dx + dy * dy + dz * dz
                    at = (i % nx, j % ny, k % nz)
                    if square <= limit and labels[at] == carbon and square < squares[at]:
                        squares[at] = square


@njit(cache=True)
def first_covers(centres, square, voxel, periodic, checkpoints, until):
    """Number of checkpoints before each voxel marked UNSET is first covered by a primary in the order of insertion.

    A primary covers the voxels whose centres lie within the root of `square`; primary n is in at the checkpoints above
    n.
    """
    nx, ny, nz = until.shape
    reach, before = np.sqrt(square), 0
    for n in range(centres.shape[0]):
        while before < checkpoints.size and checkpoints[before] <= n:
            before += 1
        x, y, z = centres[n]
        i0, i1 = span(x, reach, voxel, nx, periodic[0])
        j0, j1 = span(y, reach, voxel, ny, periodic[1])
        k0, k1 = span(z, reach, voxel, nz, periodic[2])
        for i in range(i0, i1):
            dx = (i + 0.5) * voxel - x
            for j in range(j0, j1):
                dy = (j + 0.5) * voxel - y
                for k in range(k0, k1):
                    dz = (k + 0.5) * voxel - z
                    at = (i % nx, j % ny, k % nz)
                    if until[at] == UNSET and np.float32(dx * dx + dy * dy + dz * dz) <= square:
                        until[at] = before


@njit(cache=True)
def beside(i, count, step, periodic):
    """The index one step on, -1 beyond a free side."""
    next_one = i + step
    if 0 <= next_one < count:
        return next_one
    return next_one % count if periodic else -1


@njit(cache=True)
def flood(until, periodic, following, reached):
    """For how many steps each voxel is joined to the first layer: the widest path over voxels open `until` then.

    Every voxel enters one list, that of the step at which the path to it closes; lists are emptied from the last step
    down, so that the first neighbour to find a voxel has the widest path to it.
    """
    nx, ny, nz = until.shape
    last = 0
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                last = max(last, until[i, j, k])
    heads = np.full(last + 1, END, np.int64)
    lists = following.reshape(-1)
    for j in range(ny):
        for k in range(nz):
            if until[0, j, k] > 0:
                lists[j * nz + k] = heads[until[0, j, k]]
                heads[until[0, j, k]] = j * nz + k
    for level in range(last, 0, -1):
        while heads[level] != END:
            at = heads[level]
            heads[level] = lists[at]
            i, j, k = at // (ny * nz), at // nz % ny, at % nz
            reached[i, j, k] = level
            for axis in range(3):
                for step in (-1, 1):
                    a, b, c = i, j, k
                    if axis == 0:
                        a = beside(i, nx, step, periodic[0])
                    elif axis == 1:
                        b = beside(j, ny, step, periodic[1])
                    else:
                        c = beside(k, nz, step, periodic[2])
                    if a < 0 or b < 0 or c < 0 or until[a, b, c] == 0 or following[a, b, c] != SEEN:
                        continue
                    own = min(level, until[a, b, c])
                    following[a, b, c] = heads[own]
                    heads[own] = (a * ny + b) * nz + c


@njit(cache=True)
def core_faces(labels, owners, core, periodic, reached, faces):
    """Count the voxel faces of each core into faces[core, steps for which the voxel outside is reached].

    Faces between two cores, and at free sides, are left out.
    """
    nx, ny, nz = labels.shape
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                if labels[i, j, k] != core:
                    continue
                for axis in range(3):
                    for step in (-1, 1):
                        a, b, c = i, j, k
                        if axis == 0:
                            a = beside(i, nx, step, periodic[0])
                        elif axis == 1:
                            b = beside(j, ny, step, periodic[1])
                        else:
                            c = beside(k, nz, step, periodic[2])
                        if a >= 0 and b >= 0 and c >= 0 and labels[a, b, c] != core:
                            faces[owners[i, j, k], reached[a, b, c]] += 1
