"""Kernels that set branched aggregates into bulk, flat and curved coats; all random numbers come in drawn."""

import numpy as np
from numba import njit

COMPRESS, CUT = 0, 1


@njit(cache=True)
def rotate(quaternion, point, out):
    """Rotate `point` by a unit quaternion (x, y, z, w) into `out`."""
    x, y, z, w = quaternion[0], quaternion[1], quaternion[2], quaternion[3]
    tx = 2.0 * (y * point[2] - z * point[1])
    ty = 2.0 * (z * point[0] - x * point[2])
    tz = 2.0 * (x * point[1] - y * point[0])
    out[0] = point[0] + w * tx + y * tz - z * ty
    out[1] = point[1] + w * ty + z * tx - x * tz
    out[2] = point[2] + w * tz + x * ty - y * tx


@njit(cache=True)
def misfit(heights, ceilings, floor):
    """How much taller than its room an aggregate is; 0 if it fits after a shift."""
    room = max(0.0, ceilings.mean() - floor)
    return max(0.0, heights.max() - heights.min() - room)


@njit(cache=True)
def fit_heights(heights, ceilings, floor, mode, keep):
    """Bring the heights of an aggregate's primaries between `floor` and their ceilings, in place.

    COMPRESS shifts the aggregate, and squeezes it linearly along the normal where a shift is not enough.
    CUT drops every primary whose centre lies below 0 or above its ceiling.
    """
    if mode == CUT:
        for k in range(heights.size):
            keep[k] = 0.0 <= heights[k] <= max(floor, ceilings[k])
    else:
        low, extent = heights.min(), heights.max() - heights.min()
        room = max(0.0, ceilings.mean() - floor)
        scale = 1.0 if extent <= room else room / extent
        start = min(max(low, floor), floor + room - scale * extent)
        for k in range(heights.size):
            keep[k] = True
            heights[k] = start + (heights[k] - low) * scale
    for k in range(heights.size):
        heights[k] = min(max(heights[k], floor), max(floor, ceilings[k]))


@njit(cache=True)
def place_bulk(anchors, shapes, quaternions, start, offsets, centres):
    """Set aggregates down whole, each turned by the first of its orientations."""
    row = 0
    for m in range(anchors.shape[0]):
        for k in range(start[shapes[m]], start[shapes[m] + 1]):
            rotate(quaternions[m, 0], offsets[k], centres[row])
            for d in range(3):
                centres[row, d] += anchors[m, d]
            row += 1


@njit(cache=True)
def place_flat(anchors, shapes, quaternions, start, offsets, floor, ceiling, mode, tries, centres, keep):
    """Set aggregates into a flat coat: primary centres between `floor` and `ceiling` along axis 0."""
    row = 0
    for m in range(anchors.shape[0]):
        first, last = start[shapes[m]], start[shapes[m] + 1]
        count = last - first
        block = centres[row : row + count]
        ceilings = np.full(count, ceiling)
        best, least = 0, np.inf
        for attempt in range(tries):
            for k in range(count):
                rotate(quaternions[m, attempt], offsets[first + k], block[k])
            excess = misfit(block[:, 0], ceilings, floor)
            if excess < least:
                best, least = attempt, excess
            if excess == 0.0:
                break
        for k in range(count):
            rotate(quaternions[m, best], offsets[first + k], block[k])
            for d in range(3):
                block[k, d] += anchors[m, d]
        fit_heights(block[:, 0], ceilings, floor, mode, keep[row : row + count])
        row += count


@njit(cache=True)
def bonds_of(shapes, start, parent, keep, bond, aggregate):
    """Number the kept primaries and give each the number of the kept one it is fused to, or -1."""
    row, number = 0, 0
    for m in range(shapes.size):
        first = start[shapes[m]]
        count = start[shapes[m] + 1] - first
        names = np.full(count, -1, np.int64)
        for k in range(count):
            if keep[row + k]:
                names[k] = number
                bond[number] = -1 if parent[first + k] < 0 else names[parent[first + k]]
                aggregate[number] = m
                number += 1
        row += count
    return number
