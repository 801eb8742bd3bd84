"""Kernels that set branched aggregates into the coats of cores, and find the voxels of the matrix."""

import numpy as np
from numba import njit

from microstructure.carbon._compression import copy_rows, snap, stands_out
from microstructure.carbon._domains import enter_room
from microstructure.carbon._placement import place, wrap
from microstructure.coats._coating import border_above, ceiling_above, foot_on

POINTS = 32  # points of a voxel tried until one lies in the coat itself
GOLDEN = (0.8191725133961645, 0.6710436067037893, 0.5497004779019703)  # powers of 1 / 1.2207..., spread evenly in 3D


@njit(cache=True, nogil=True)
def place_curved(
    first, last, anchors, owners, shapes, quaternions, start, offsets, parent, rows, mode, tries, limits, reaches,
    cores, film, box, periodic, centres, keep, overlaps,
):  # fmt: skip
    """Set aggregates into the coats of cores; anchors are given from the centre of the core that owns the coat."""
    for m in range(first, last):
        low, high = start[shapes[m]], start[shapes[m] + 1]
        points, kept = centres[rows[m] : rows[m + 1]], keep[rows[m] : rows[m + 1]]
        diameter, reach = limits[0], reaches[shapes[m]]
        room = enter_room(cores, film, owners[m], anchors[m], reach + 2.0 * diameter, 0.5 * diameter, limits[2])
        overlaps[m] = place(
            room, quaternions[m], offsets[low:high], parent[low:high], anchors[m], mode, tries, diameter,
            limits[1], points, kept,
        )  # fmt: skip
        before = points.copy()
        snap(room, points, parent[low:high], diameter, kept)
        if room.sunk > 0.0 and stands_out(room, points, kept):
            copy_rows(before, points)
        points += cores.centres[owners[m]]
        wrap(points, box, periodic)


@njit(cache=True, nogil=True)
def count_matrix(first, last, labels, owners, counts):
    """Number of voxels of matrix that belong to a core, in each row along axis 2."""
    for i in range(first, last):
        for j in range(labels.shape[1]):
            number = 0
            for k in range(labels.shape[2]):
                number += labels[i, j, k] == 2 and owners[i, j, k] >= 0
            counts[i, j] = number


@njit(cache=True)
def find_matrix(numbers, ends, labels, owners, voxels):
    """Where the voxels of matrix with these numbers lie, counted in the order of the image."""
    for n in range(numbers.size):
        row = np.searchsorted(ends, numbers[n], side="right")
        i, j = row // labels.shape[1], row % labels.shape[1]
        left = numbers[n] - (ends[row - 1] if row > 0 else 0)
        for k in range(labels.shape[2]):
            if labels[i, j, k] == 2 and owners[i, j, k] >= 0:
                if left == 0:
                    voxels[n, 0], voxels[n, 1], voxels[n, 2] = i, j, k
                    break
                left -= 1


@njit(cache=True, nogil=True)
def points_in_coats(first, last, voxels, draws, voxel, owners, cores, film, box, periodic, anchors):
    """A random point of each voxel in the coat of the core that owns it, from the centre of that core.

    The image shows the coat in steps: a point that lies above it is moved within its voxel, if the voxel has another.
    """
    for n in range(first, last):
        core, trial = owners[n], np.empty(3)
        for attempt in range(POINTS):
            for d in range(3):
                offset = (draws[n, d] + attempt * GOLDEN[d]) % 1.0
                trial[d] = (voxels[n, d] + offset) * voxel - cores.centres[core, d]
                if periodic[d]:
                    trial[d] -= box[d] * np.rint(trial[d] / box[d])
            inside = in_coat(trial, core, cores, film)
            if inside or attempt == 0:
                for d in range(3):
                    anchors[n, d] = trial[d]
            if inside:
                break


@njit(cache=True)
def in_coat(point, core, cores, film):
    """Whether a point, given from the centre of a core, lies in its coat."""
    height, nx, ny, nz = foot_on(cores, core, point[0], point[1], point[2])
    if height < 0.0:
        return False
    x, y, z = point[0] - height * nx, point[1] - height * ny, point[2] - height * nz
    border = border_above(cores, core, x, y, z, nx, ny, nz)
    return height <= ceiling_above(cores, film, core, x, y, z, nx, ny, nz, border)
