"""Kernels that grow one carbon-black aggregate out of touching primaries; lengths in primary radii."""

from __future__ import annotations

import numpy as np
from numba import njit

SCALING_FROM = 12  # primaries from which the scaling law is kept exactly; fewer meet it as nearly as spheres can
CONTACT = 2.0  # centre distance of two touching primaries, in radii
CLEARANCE = 2e-6  # smallest gap of two primaries that are not bonded: a contact search at 1e-6 finds the bonds alone
ROUNDING = 1e-9  # slack of a closed triangle of lengths that rounding may open
RELAXATION = 1.05  # step by which a small cluster is stretched when its primaries have no room


@njit(cache=True)
def grow(fractal_dimension, prefactor, attempts, restarts, rng, centres, bonds):
    """Fill `centres` (N, 3) with one aggregate about its centre of mass and `bonds` (N-1, 2); False if out of restarts.

    The primaries are the leaves of a complete binary tree whose nodes are merged bottom-up, left to right. A merge
    that finds no room sends the walk back to the first leaf below it: only the two clusters at fault are grown again.
    """
    count = centres.shape[0]
    depth = 0
    while (1 << depth) < count:
        depth += 1
    scratch = np.empty((count, 3))
    leaf = 0
    while leaf < (1 << depth):
        centres[(leaf * count) >> depth : ((leaf + 1) * count) >> depth] = 0.0
        leaf += 1
        height = 1
        while height <= depth and leaf % (1 << height) == 0:
            low = ((leaf - (1 << height)) * count) >> depth
            middle = ((leaf - (1 << (height - 1))) * count) >> depth
            high = (leaf * count) >> depth
            if not _merge(centres, low, middle, high, fractal_dimension, prefactor, attempts, rng, scratch, bonds):
                restarts -= 1
                if restarts < 0:
                    return False
                leaf -= 1 << height
                break
            height += 1
    return True


@njit(cache=True)
def breadth_first(bonds, order, parent):
    """Order primaries from primary 0 outwards; `parent` (N,) is the earlier neighbour's place in that order, or -1."""
    count = order.size
    head = np.full(count, -1, dtype=np.int64)  # linked lists of bonds: slot 2 b + s belongs to side s of bond b
    following = np.full(2 * (count - 1), -1, dtype=np.int64)
    for bond in range(count - 1):
        for side in range(2):
            slot = 2 * bond + side
            following[slot] = head[bonds[bond, side]]
            head[bonds[bond, side]] = slot
    seen = np.zeros(count, dtype=np.bool_)
    order[0], parent[0], seen[0] = 0, -1, True
    filled = 1
    for place in range(count):
        slot = head[order[place]]
        while slot >= 0:
            neighbour = bonds[slot // 2, 1 - slot % 2]
            if not seen[neighbour]:
                seen[neighbour] = True
                order[filled], parent[filled] = neighbour, place
                filled += 1
            slot = following[slot]


@njit(cache=True)
def _merge(centres, low, middle, high, fractal_dimension, prefactor, attempts, rng, scratch, bonds):
    """Bring the clusters [low, middle) and [middle, high), each about its own centre of mass, into one contact."""
    first, second, total = middle - low, high - middle, high - low
    if first == 0 or second == 0:
        return True
    first_squares, first_reach = _spread(centres, low, middle)
    second_squares, second_reach = _spread(centres, middle, high)
    reach = first_reach + second_reach + CONTACT
    gyration_squared = (total / prefactor) ** (2.0 / fractal_dimension)  # Filippov et al. (2000), eq. (1)
    squared = (total * gyration_squared - first_squares - second_squares) * total / (first * second)
    small = total < SCALING_FROM
    if not small and (squared <= 0.0 or squared > reach * reach):
        return False
    separation = min(np.sqrt(max(squared, 0.01)), reach)
    while not _join(centres, low, middle, high, separation, first_reach, attempts, rng, scratch, bonds):
        if not small or separation >= reach:
            return False
        separation = min(separation * RELAXATION, reach)
    return True


@njit(cache=True)
def _spread(centres, low, high):
    """Sum of squared distances from the origin, and the largest distance."""
    squares, largest = 0.0, 0.0
    for k in range(low, high):
        square = centres[k, 0] ** 2 + centres[k, 1] ** 2 + centres[k, 2] ** 2
        squares += square
        largest = max(largest, square)
    return squares, np.sqrt(largest)


@njit(cache=True)
def _join(centres, low, middle, high, separation, first_reach, attempts, rng, scratch, bonds):
    """Try random contacts at the given distance of the centres of mass; on success write the merged cluster."""
    first, second = middle - low, high - middle
    offset = np.empty(3)
    turn = np.empty((3, 3))
    for _ in range(attempts):
        i = low + int(rng.random() * first)
        j = middle + int(rng.random() * second)
        if not _pose(centres[i], centres[j], separation, rng, offset, turn):
            continue
        if not _place(centres, low, middle, high, i, j, offset, turn, first_reach, scratch):
            continue
        for axis in range(3):
            shift = offset[axis] * second / (first + second)
            for k in range(low, middle):
                centres[k, axis] -= shift
            for k in range(middle, high):
                centres[k, axis] = scratch[k, axis] - shift
        bonds[middle - 1, 0], bonds[middle - 1, 1] = i, j
        return True
    return False


@njit(cache=True)
def _pose(primary, partner, separation, rng, offset, turn):
    """Draw the second cluster's centre of mass (`offset`) and rotation (`turn`) that make `partner` touch `primary`.

    The four lengths |primary|, CONTACT, |partner| and `separation` close a quadrilateral; its diagonal, from `primary`
    to the second centre, is drawn uniformly (both centres uniform on their spheres), then the three free angles.
    """
    inner, outer = _norm(primary), _norm(partner)
    shortest = max(abs(outer - CONTACT), abs(separation - inner))
    longest = min(outer + CONTACT, separation + inner)
    if shortest > longest + ROUNDING:
        return False
    diagonal = shortest + (longest - shortest) * rng.random()
    frame = np.empty((3, 3))
    _random_frame(primary, rng, frame)
    _swing(frame, _cosine(separation, inner, diagonal), separation, offset)
    arm, touch, target = np.empty(3), np.empty(3), np.empty(3)
    for axis in range(3):
        arm[axis] = offset[axis] - primary[axis]
    _random_frame(arm, rng, frame)
    _swing(frame, _cosine(CONTACT, diagonal, outer), CONTACT, touch)
    for axis in range(3):
        target[axis] = touch[axis] - arm[axis]
    source = np.empty((3, 3))
    _random_frame(target, rng, frame)
    _random_frame(partner, rng, source)
    for row in range(3):
        for column in range(3):
            turn[row, column] = (
                frame[0, row] * source[0, column]
                + frame[1, row] * source[1, column]
                + frame[2, row] * source[2, column]
            )
    return True


@njit(cache=True)
def _place(centres, low, middle, high, i, j, offset, turn, first_reach, scratch):
    """Write the turned second cluster into `scratch`; False when a pair other than the bond (i, j) has no clearance."""
    free = (CONTACT + CLEARANCE) ** 2
    beyond = (first_reach + CONTACT + CLEARANCE) ** 2
    for k in range(middle, high):
        x = offset[0] + turn[0, 0] * centres[k, 0] + turn[0, 1] * centres[k, 1] + turn[0, 2] * centres[k, 2]
        y = offset[1] + turn[1, 0] * centres[k, 0] + turn[1, 1] * centres[k, 1] + turn[1, 2] * centres[k, 2]
        z = offset[2] + turn[2, 0] * centres[k, 0] + turn[2, 1] * centres[k, 1] + turn[2, 2] * centres[k, 2]
        scratch[k, 0], scratch[k, 1], scratch[k, 2] = x, y, z
        if k == j:
            gap = np.sqrt((centres[i, 0] - x) ** 2 + (centres[i, 1] - y) ** 2 + (centres[i, 2] - z) ** 2) - CONTACT
            if abs(gap) > ROUNDING:
                return False
        if x * x + y * y + z * z > beyond:
            continue
        for m in range(low, middle):
            square = (centres[m, 0] - x) ** 2 + (centres[m, 1] - y) ** 2 + (centres[m, 2] - z) ** 2
            if square < free and not (m == i and k == j):
                return False
    return True


@njit(cache=True)
def _norm(vector):
    return np.sqrt(vector[0] ** 2 + vector[1] ** 2 + vector[2] ** 2)


@njit(cache=True)
def _cosine(near, base, opposite):
    """Cosine of the angle between the sides `near` and `base` of a triangle; any number will do when a side is 0."""
    if near * base < ROUNDING:
        return 1.0
    return min(1.0, max(-1.0, (near * near + base * base - opposite * opposite) / (2.0 * near * base)))


@njit(cache=True)
def _swing(frame, cosine, length, out):
    """Vector of the given length at the given angle to the frame's first axis; the frame's spin is the azimuth."""
    sine = np.sqrt(1.0 - cosine * cosine)
    for axis in range(3):
        out[axis] = length * (cosine * frame[0, axis] + sine * frame[1, axis])


@njit(cache=True)
def _random_frame(direction, rng, frame):
    """Right-handed orthonormal rows: the direction (a random one when it is 0), then a uniformly spun pair."""
    length = _norm(direction)
    for axis in range(3):
        frame[0, axis] = direction[axis] if length > ROUNDING else rng.standard_normal()
    length = _norm(frame[0])
    along = 0.0
    for axis in range(3):
        frame[0, axis] /= length
        frame[1, axis] = rng.standard_normal()
        along += frame[0, axis] * frame[1, axis]
    for axis in range(3):
        frame[1, axis] -= along * frame[0, axis]
    length = _norm(frame[1])
    for axis in range(3):
        frame[1, axis] /= length
    for axis in range(3):
        after, last = (axis + 1) % 3, (axis + 2) % 3
        frame[2, axis] = frame[0, after] * frame[1, last] - frame[0, last] * frame[1, after]
