"""Loops that leave out the voxels without links: the others in rows along z, run by run, and which rows touch.

A line is all voxels of one x and y. `runs` (3, count) holds where each run of voxels begins and ends in the image
(flat), and where it begins among the voxels that are kept; those of a line from `starts[line]` on.
"""

from __future__ import annotations

import numpy as np
from numba import njit


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
def find_runs(live, gap):
    """`starts` and `runs` of the live voxels (nx, ny, nz), of which those nearer than `gap` make one run."""
    lines, size = live.shape[0] * live.shape[1], live.shape[2]
    of_line = live.reshape(lines, size)
    starts = np.zeros(lines + 1, np.int64)
    runs = np.empty((3, lines * ((size + gap) // (gap + 1))), np.int32)
    count = kept = 0
    for line in range(lines):
        begin = line * size
        for k in range(size):
            if of_line[line, k]:
                if count > starts[line] and begin + k < runs[1, count - 1] + gap:
                    kept += begin + k + 1 - runs[1, count - 1]
                else:
                    runs[0, count], runs[2, count] = begin + k, kept
                    count += 1
                    kept += 1
                runs[1, count - 1] = begin + k + 1
        starts[line + 1] = count
    return starts, runs[:, :count].copy()


@njit(cache=True, nogil=True)
def gather(runs, image, kept):
    """Take the voxels of the runs out of a flat image."""
    for run in range(runs.shape[1]):
        at = runs[2, run]
        for voxel in range(runs[0, run], runs[1, run]):
            kept[at + voxel - runs[0, run]] = image[voxel]


@njit(cache=True, nogil=True)
def scatter(runs, kept, image):
    """Put the voxels of the runs into a flat image."""
    for run in range(runs.shape[1]):
        at = runs[2, run]
        for voxel in range(runs[0, run], runs[1, run]):
            image[voxel] = kept[at + voxel - runs[0, run]]


@njit(cache=True, nogil=True)
def pair(starts, runs, shape, direction, classes):
    """Pieces of each line that touch the next line along x or y: first voxel, first one there, number of voxels.

    Those of a line begin at the first result; pieces without a link, of which all `classes` are 0, are left out.
    """
    first = np.zeros(starts.size, np.int64)
    pieces = np.empty((2 * runs.shape[1], 3), np.int32)
    count = 0
    for line in range(starts.size - 1):
        other = neighbours(line, shape)[2 * direction + 1]
        shift = (other - line) * shape[2]
        a, b = starts[line], starts[other]
        while a < starts[line + 1] and b < starts[other + 1]:
            begin = max(runs[0, a], runs[0, b] - shift)
            end = min(runs[1, a], runs[1, b] - shift)
            here = runs[2, a] + begin - runs[0, a]
            if begin < end and np.any(classes[here : here + end - begin]):
                pieces[count, 0] = here
                pieces[count, 1] = runs[2, b] + begin + shift - runs[0, b]
                pieces[count, 2] = end - begin
                count += 1
            if runs[1, a] < runs[1, b] - shift:
                a += 1
            else:
                b += 1
        first[line + 1] = count
    return first, pieces[:count].copy()
