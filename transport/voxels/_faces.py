"""Loops over voxel faces: the class of each face, and the true area that a staircase face stands for."""

from __future__ import annotations

import numpy as np
from numba import njit

from transport.solvers._smoothing import cut, entries

REACH = 3  # voxels on each side from which the normal is taken; tests/test_interface_resistance.py measures the choice
SPREAD = 1.5  # standard deviation of the weights, voxels
ALONG = np.exp(-0.5 * ((np.arange(2 * REACH) - REACH + 0.5) / SPREAD) ** 2)
ACROSS = np.exp(-0.5 * ((np.arange(2 * REACH + 1) - REACH) / SPREAD) ** 2)
ALONG_MOMENT = np.sum(ALONG * (np.arange(2 * REACH) - REACH + 0.5) ** 2) / np.sum(ALONG)
ACROSS_MOMENT = np.sum(ACROSS * (np.arange(2 * REACH + 1) - REACH) ** 2) / np.sum(ACROSS)
SMALLEST_FACTOR = 0.05  # a face nearly parallel to the normal keeps this share of its area
NOISE = 1e-24  # rounding of the gradient, squared
STEPS = 4096  # of the area factor, from 1 down to the smallest


@njit(cache=True, nogil=True)
def shifted(position, step, size, periodic):
    """Index of a neighbour along one axis: wrapped when periodic, held at the end when not."""
    position += step
    if periodic:
        return position % size
    return min(max(position, 0), size - 1)


@njit(cache=True, nogil=True)
def side(phase, block, a, b, by_block):
    """+1 in the body of voxel b, -1 in the body of voxel a, 0 elsewhere, at the two arrays' current voxel."""
    if by_block:
        return (phase == b[0] and block == b[1]) * 1 - (phase == a[0] and block == a[1]) * 1
    return (phase == b[0]) * 1 - (phase == a[0]) * 1


@njit(cache=True, nogil=True)
def area_factor(phases, blocks, x, y, z, direction, spacing, periodic):
    """True area / face area of the face between a voxel and the next: |n_d|, n the normal of the smoothed interface."""
    shape = phases.shape
    step = np.zeros(3, np.int64)
    step[direction] = 1
    bx = shifted(x, step[0], shape[0], periodic[0])
    by = shifted(y, step[1], shape[1], periodic[1])
    bz = shifted(z, step[2], shape[2], periodic[2])
    by_block = phases[x, y, z] == phases[bx, by, bz]
    a = (phases[x, y, z], blocks[x, y, z] if by_block else 0)
    b = (phases[bx, by, bz], blocks[bx, by, bz] if by_block else 0)
    low = np.full(3, -REACH)
    low[direction] += 1
    normal = np.zeros(3)
    for i in range(low[0], REACH + 1):
        u = shifted(x, i, shape[0], periodic[0])
        for j in range(low[1], REACH + 1):
            v = shifted(y, j, shape[1], periodic[1])
            for k in range(low[2], REACH + 1):
                w = shifted(z, k, shape[2], periodic[2])
                s = side(phases[u, v, w], blocks[u, v, w] if by_block else 0, a, b, by_block)
                if s == 0:
                    continue
                weight = float(s)
                for d, offset in ((0, i), (1, j), (2, k)):
                    weight *= ALONG[offset + REACH - 1] if d == direction else ACROSS[offset + REACH]
                for d, offset in ((0, i), (1, j), (2, k)):
                    normal[d] += weight * (offset - 0.5 if d == direction else float(offset))
    length = 0.0
    for d in range(3):
        normal[d] /= (ALONG_MOMENT if d == direction else ACROSS_MOMENT) * spacing[d]
        length += normal[d] ** 2
    # thin layers may turn the gradient round or cancel it, but not tilt it: its sign says nothing, zero means flat
    across = length - normal[direction] ** 2
    if across <= NOISE * (ALONG_MOMENT / spacing[direction]) ** 2:
        return 1.0
    return max(abs(normal[direction]) / np.sqrt(length), SMALLEST_FACTOR)


@njit(cache=True, nogil=True)
def classify_faces(
    first, last, parts, phases, blocks, kinds, plain, bonded, interface, spacing, periodic, direction, faces
):
    """Class of the face between each voxel and the next along `direction`; 0 beyond an open end, or if nothing passes.

    `plain` (kinds, kinds) is the class of a pair in perfect contact, `bonded` that of one with its interface, the first
    of `STEPS` if the interface resists: the others stand for smaller and smaller true areas.
    """
    shape = phases.shape
    for x in range(cut(first, parts, shape[0]), cut(last, parts, shape[0])):
        for y in range(shape[1]):
            u, v = x + 1 if direction == 0 else x, y + 1 if direction == 1 else y
            if (u == shape[0] or v == shape[1]) and not periodic[direction]:
                faces[x, y] = 0
                continue
            u, v = u % shape[0], v % shape[1]
            here, there, found = phases[x, y], phases[u, v], faces[x, y]
            for z in entries(0, shape[2]):
                w = z
                if direction == 2:
                    w = z + np.uint64(1) if z + np.uint64(1) < shape[2] else np.uint64(0)
                    if w <= z and not periodic[direction]:
                        found[z] = 0
                        continue
                p, q = kinds[here[z]], kinds[there[w]]
                contact = interface[p, q]
                if contact == 0.0 or (p == q and blocks[x, y, z] == blocks[u, v, w]):
                    found[z] = plain[p, q]
                elif bonded[p, q] > 0 and contact < np.inf:
                    area = area_factor(phases, blocks, x, y, np.int64(z), direction, spacing, periodic)
                    found[z] = bonded[p, q] + np.int64(np.rint((1.0 - area) / (1.0 - SMALLEST_FACTOR) * STEPS))
                else:
                    found[z] = 0
