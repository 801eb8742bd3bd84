"""Kernels that set branched aggregates into bulk and flat coats; all random numbers come in drawn."""

import numpy as np
from numba import njit

from microstructure.carbon._compression import largest_overlap, misfit, press
from microstructure.carbon._domains import survey

COMPRESS, CUT = 0, 1
FALLBACKS = 3  # orientations that an aggregate is pressed in before primaries are left out


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
def turn(quaternion, offsets, anchor, out):
    """An aggregate, turned and set on its anchor."""
    for k in range(offsets.shape[0]):
        rotate(quaternion, offsets[k], out[k])
        for d in range(3):
            out[k, d] += anchor[d]


@njit(cache=True)
def wrap(points, box, periodic):
    """Bring points back into a periodic box."""
    for k in range(points.shape[0]):
        for d in range(3):
            if periodic[d] and not 0.0 <= points[k, d] < box[d]:
                points[k, d] %= box[d]


@njit(cache=True)
def choose(room, quaternions, offsets, anchor, tries, points):
    """The first orientation in which an aggregate fits its room after a shift, else that which fits best."""
    count = offsets.shape[0]
    heights, ceilings, normals = np.empty(count), np.empty(count), np.empty((count, 3))
    best, least = 0, np.inf
    for attempt in range(tries):
        turn(quaternions[attempt], offsets, anchor, points)
        survey(room, points, heights, ceilings, normals)
        excess = misfit(heights, ceilings, room.floor)
        if excess < least:
            best, least = attempt, excess
        if excess == 0.0:
            break
    return best


@njit(cache=True)
def compress(room, quaternions, offsets, parent, anchor, tries, diameter, max_overlap, points, kept):
    """Set an aggregate into its room, pressed where it must be; gives the largest overlap inside it.

    Where primaries would have to be left out, other orientations are tried, and that which keeps most is taken.
    """
    first = choose(room, quaternions, offsets, anchor, tries, points)
    best, most = first, 0
    for attempt in range(FALLBACKS + 1):
        # the last time around, what was best is set down again
        orientation = best if attempt == FALLBACKS else (first + attempt) % quaternions.shape[0]
        turn(quaternions[orientation], offsets, anchor, points)
        overlap = press(room, points, parent, diameter, max_overlap, kept)
        number = kept.sum()
        if number == kept.size:
            break
        if number > most:
            best, most = orientation, number
    return overlap


@njit(cache=True)
def cut(room, quaternion, offsets, anchor, diameter, points, kept):
    """Set an aggregate down and drop what sticks out of its room; gives the largest overlap inside it.

    What reaches into the core by less than a radius is lifted onto it, and may then overlap its neighbour; what reaches
    into a core above is pressed onto that one.
    """
    count = offsets.shape[0]
    heights, ceilings, normals = np.empty(count), np.empty(count), np.empty((count, 3))
    turn(quaternion, offsets, anchor, points)
    survey(room, points, heights, ceilings, normals)
    for k in range(count):
        highest = max(room.floor, ceilings[k])
        kept[k] = 0.0 <= heights[k] <= highest + room.lid and ceilings[k] >= room.floor
        height = min(max(heights[k], room.floor), highest)
        for d in range(3):
            points[k, d] += (height - heights[k]) * normals[k, d]
    return largest_overlap(points, kept, diameter)


@njit(cache=True, nogil=True)
def place_bulk(first, last, anchors, shapes, quaternions, start, offsets, rows, box, periodic, centres):
    """Set aggregates down whole, each turned by the first of its orientations."""
    for m in range(first, last):
        points = centres[rows[m] : rows[m + 1]]
        turn(quaternions[m, 0], offsets[start[shapes[m]] : start[shapes[m] + 1]], anchors[m], points)
        wrap(points, box, periodic)


@njit(cache=True)
def place(room, quaternions, offsets, parent, anchor, mode, tries, diameter, max_overlap, points, kept):
    """Set one aggregate into its room; gives the largest overlap inside it."""
    if mode == CUT:
        return cut(room, quaternions[0], offsets, anchor, diameter, points, kept)
    return compress(room, quaternions, offsets, parent, anchor, tries, diameter, max_overlap, points, kept)


@njit(cache=True, nogil=True)
def place_flat(
    first, last, anchors, shapes, quaternions, start, offsets, parent, rows, mode, tries, room, limits, box, periodic,
    centres, keep, overlaps,
):  # fmt: skip
    """Set aggregates into a flat coat: primary centres between floor and ceiling along axis 0."""
    for m in range(first, last):
        low, high = start[shapes[m]], start[shapes[m] + 1]
        points, kept = centres[rows[m] : rows[m + 1]], keep[rows[m] : rows[m + 1]]
        overlaps[m] = place(
            room, quaternions[m], offsets[low:high], parent[low:high], anchors[m], mode, tries, limits[0],
            limits[1], points, kept,
        )  # fmt: skip
        wrap(points, box, periodic)
