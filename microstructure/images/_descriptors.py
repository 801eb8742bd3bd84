"""Kernels that measure label images: interface area by local normals, and coat thickness along rays."""

import numpy as np
from numba import njit


@njit(cache=True, inline="always")
def wrapped(i, n, periodic):
    """Index inside the box: through a periodic boundary, or -1 beyond a free one."""
    if 0 <= i < n:
        return i
    return i % n if periodic else -1


@njit(cache=True, nogil=True)
def crossing_rate(steps, shares, nx, ny, nz):
    """What Crofton's formula with these directions gives per area of a plane with normal (nx, ny, nz)."""
    rate = 0.0
    for d in range(steps.shape[0] // 2):  # the second half are the opposites of the first
        rate += shares[d] * abs(steps[d, 0] * nx + steps[d, 1] * ny + steps[d, 2] * nz)
    return 4.0 * rate


@njit(cache=True, nogil=True)
def local_rate(padded, weights, steps, shares, x, y, z, here, there):
    """`crossing_rate` for the interface of two phases near a voxel: its normal is their weighted first moment."""
    nx, ny, nz = 0.0, 0.0, 0.0
    reach = weights.shape[0] // 2
    for i in range(-reach, reach + 1):
        for j in range(-reach, reach + 1):
            for k in range(-reach, reach + 1):
                label = padded[x + i, y + j, z + k]
                weight = weights[i + reach, j + reach, k + reach] * (np.int64(label == there) - np.int64(label == here))
                nx += weight * i
                ny += weight * j
                nz += weight * k
    norm = np.sqrt(nx * nx + ny * ny + nz * nz)
    return crossing_rate(steps, shares, nx / norm, ny / norm, nz / norm) if norm > 0.0 else 1.0


@njit(cache=True, nogil=True)
def first_of_its_phase(padded, steps, d, x, y, z):
    """Whether no neighbour before number `d` has the label of that one."""
    label = padded[x + steps[d, 0], y + steps[d, 1], z + steps[d, 2]]
    e = 0
    while padded[x + steps[e, 0], y + steps[e, 1], z + steps[e, 2]] != label:
        e += 1
    return e == d


@njit(cache=True, nogil=True)
def interface_areas(first, last, padded, index, steps, shares, weights, areas):
    """Add the interface area [voxel faces] of each layer x and pair of phases to areas[x, low, high].

    `padded` has a margin as wide as the reach of `weights` on every side. Each layer has its own sums, so that the
    result is the same for any number of threads.
    """
    margin = weights.shape[0] // 2
    for layer in range(first, last):
        x = layer + margin
        for y in range(margin, padded.shape[1] - margin):
            for z in range(margin, padded.shape[2] - margin):
                here = padded[x, y, z]
                for d in range(steps.shape[0]):
                    there = padded[x + steps[d, 0], y + steps[d, 1], z + steps[d, 2]]
                    if there == here or not first_of_its_phase(padded, steps, d, x, y, z):
                        continue
                    crossings = 0.0
                    for e in range(d, steps.shape[0]):
                        if padded[x + steps[e, 0], y + steps[e, 1], z + steps[e, 2]] == there:
                            crossings += shares[e]
                    low, high = min(index[here], index[there]), max(index[here], index[there])
                    rate = local_rate(padded, weights, steps, shares, x, y, z, here, there)
                    areas[layer, low, high] += 2.0 * crossings / rate


@njit(cache=True, nogil=True)
def own_share(labels, owners, coating, core_label, core, periodic, x, y, z):
    """How much of the point (x, y, z), in voxels, is the core or its coat: trilinear between voxels."""
    i, j, k = int(np.floor(x - 0.5)), int(np.floor(y - 0.5)), int(np.floor(z - 0.5))
    f, g, h = x - 0.5 - i, y - 0.5 - j, z - 0.5 - k
    nx, ny, nz = labels.shape
    share = 0.0
    for a in range(2):
        u = (i + a) % nx if periodic[0] else min(max(i + a, 0), nx - 1)
        for b in range(2):
            v = (j + b) % ny if periodic[1] else min(max(j + b, 0), ny - 1)
            for c in range(2):
                w = (k + c) % nz if periodic[2] else min(max(k + c, 0), nz - 1)
                label = labels[u, v, w]
                if owners[u, v, w] == core and (coating[label] or label == core_label):
                    share += (f if a else 1.0 - f) * (g if b else 1.0 - g) * (h if c else 1.0 - h)
    return share


@njit(cache=True, nogil=True)
def touches_coat(labels, owners, coating, core_label, core, periodic, point, direction):
    """Whether the first voxel above the surface that is not of the core itself is coat; lengths in voxels."""
    nx, ny, nz = labels.shape
    for step in range(16):  # a ray leaves the staircase of its own sphere within sqrt(3) voxels
        s = 0.125 * step
        i = wrapped(int(np.floor(point[0] + s * direction[0])), nx, periodic[0])
        j = wrapped(int(np.floor(point[1] + s * direction[1])), ny, periodic[1])
        k = wrapped(int(np.floor(point[2] + s * direction[2])), nz, periodic[2])
        if i < 0 or j < 0 or k < 0:
            return False
        label = labels[i, j, k]
        if label != core_label or owners[i, j, k] != core:
            return coating[label]
    return False


@njit(cache=True, nogil=True)
def reach_of(shape, centre, point, periodic, normal):
    """How far a ray may go from a surface point: to a free side, or half-way to its own core's next image [voxels]."""
    reach = np.inf
    for axis in range(3):
        along = normal[axis]
        if along == 0.0:
            continue
        if periodic[axis]:
            edge = 0.5 * shape[axis] / abs(along) - (point[axis] - centre[axis]) / along
        else:
            edge = ((shape[axis] - point[axis]) if along > 0.0 else -point[axis]) / along
        reach = min(reach, edge)
    return max(reach, 0.0)


@njit(cache=True, nogil=True)
def ray_coats(first, last, labels, owners, coating, core_label, centres, periodic, points, normals, thickness, covered):
    """Coat thickness [voxels] above surface points of each core, along their normals, and whether coat begins there."""
    for core in range(first, last):
        for d in range(points.shape[1]):
            direction = normals[core, d]
            point = centres[core] + points[core, d]
            covered[core, d] = touches_coat(labels, owners, coating, core_label, core, periodic, point, direction)
            thickness[core, d] = 0.0
            if not covered[core, d]:
                continue
            reach = reach_of(labels.shape, centres[core], point, periodic, direction)
            s, before = 0.0, 1.0
            while s <= reach:
                x, y, z = point + s * direction
                share = own_share(labels, owners, coating, core_label, core, periodic, x, y, z)
                if share < 0.5:
                    thickness[core, d] = max(0.0, s - 0.25 * (0.5 - share) / (before - share)) if s > 0.0 else 0.0
                    break
                before = share
                s += 0.25
            else:
                thickness[core, d] = reach
