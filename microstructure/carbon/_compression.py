"""Kernels that press one branched aggregate into its room: necks keep their length, primaries stay apart."""

import numpy as np
from numba import njit

from microstructure.carbon._domains import survey

NECK = 0.01  # of a diameter: how far two fused primaries may be from touching
MARGIN = 0.02  # of a diameter: primaries are pushed this far beyond what is asked, so that a few sweeps do
REACH = 1.4  # diameters: pairs nearer than this at the start of a round are kept apart in it
SHORT, SNAPS = 0.1, 4  # of a radius that counts as a little short, and shifts that make up for it
ROUNDS, SWEEPS = 10, 8  # rooms are measured once a round
AZIMUTHS = 24  # places tried around a primary, at each of four heights


@njit(cache=True)
def press(room, points, parent, diameter, max_overlap, kept):
    """Press an aggregate into its room, in place; gives the largest overlap of two kept primaries.

    It is shifted, squeezed where a shift is not enough, relaxed, and what still overlaps or has left its
    neck is set anew around the primary it is fused to; `kept` is False for what finds no place.
    """
    count = points.shape[0]
    heights, ceilings, normals = np.empty(count), np.empty(count), np.empty((count, 3))
    kept[:] = True
    squeezed = shift_or_squeeze(room, points, heights, ceilings, normals)
    moved = settle(room, points, heights, ceilings, normals)
    if not (squeezed or moved):
        return 0.0  # it fits, rigid
    pairs = np.empty((8 * count + 8, 2), np.int32)
    for _ in range(ROUNDS):
        number, overlap = near_pairs(points, parent, diameter, pairs)
        if overlap <= max_overlap and ceilings.min() >= room.floor and necks_hold(points, parent, diameter, kept):
            return overlap
        relax(room.floor, points, parent, diameter, max_overlap, heights, ceilings, normals, pairs[:number])
        settle(room, points, heights, ceilings, normals)
    regrow(room, points, parent, diameter, max_overlap, kept)
    return largest_overlap(points, kept, diameter)


@njit(cache=True)
def misfit(heights, ceilings, floor):
    """How much taller than its room an aggregate is, on average over its primaries; 0 if it fits after a shift."""
    extent, total = heights.max() - heights.min(), 0.0
    for ceiling in ceilings:
        total += max(0.0, extent - max(0.0, ceiling - floor))
    return total / ceilings.size


@njit(cache=True)
def shift_or_squeeze(room, points, heights, ceilings, normals):
    """Shift an aggregate as a whole towards its room; True where that is too low and it is squeezed.

    Squeezed primaries spread evenly over the height of their room, in their order, from its floor to its ceiling: what
    is taller than its room touches both. A linear squeeze would crowd them in the middle, where aggregates are densest.
    """
    survey(room, points, heights, ceilings, normals)
    low, extent = heights.min(), heights.max() - heights.min()
    least, most = np.inf, -np.inf
    rises, ranks = np.empty(heights.size), np.empty(heights.size)
    ranks[np.argsort(heights)] = np.arange(heights.size) / max(heights.size - 1, 1)
    for k in range(heights.size):
        height = max(0.0, ceilings[k] - room.floor)
        scale = 1.0 if extent <= height else height / extent
        start = min(max(low, room.floor), room.floor + height - scale * extent)
        share = ranks[k] * height if scale < 1.0 else heights[k] - low
        rises[k] = start + share - heights[k]
        least, most = min(least, rises[k]), max(most, rises[k])
    squeezed = most - least > 1e-6 * room.floor
    for d in range(3):
        upwards = normals[:, d].mean()
        for k in range(heights.size):
            points[k, d] += rises[k] * (normals[k, d] if squeezed else upwards)
    return squeezed


@njit(cache=True)
def settle(room, points, heights, ceilings, normals):
    """Bring every primary between floor and ceiling along its own ray; True if one had to move or has no room."""
    survey(room, points, heights, ceilings, normals)
    moved = False
    for k in range(heights.size):
        height = min(max(heights[k], room.floor), max(room.floor, ceilings[k]))
        if height != heights[k]:
            for d in range(3):
                points[k, d] += (height - heights[k]) * normals[k, d]
            moved = moved or abs(height - heights[k]) > 1e-6 * room.floor
            heights[k] = height
        moved = moved or ceilings[k] < room.floor
    return moved


@njit(cache=True)
def snap(room, points, parent, diameter, kept):
    """Bring an aggregate that ended a little short of its core, or of its ceiling, right onto it.

    In a room that narrows, what was pressed and then relaxed ends a fraction of a nanometre short of both: one in five
    would not touch its core, and one in two at a wall not the wall. It is shifted onto the core and stretched to the
    ceiling, if its necks hold.
    """
    heights, ceilings, normals = np.empty(kept.size), np.empty(kept.size), np.empty((kept.size, 3))
    survey(room, points, heights, ceilings, normals)
    for _ in range(SNAPS):
        lowest = nearest(heights, kept)
        short = heights[lowest] - room.floor
        if not 0.0 < short <= SHORT * room.floor:
            break
        upwards = np.array([normals[:, d].mean() for d in range(3)])
        rate = (upwards * normals[lowest]).sum()
        if rate < 0.5:
            break
        points -= short / rate * upwards
        survey(room, points, heights, ceilings, normals)
    for _ in range(SNAPS):
        lowest, highest = nearest(heights, kept), nearest(ceilings - heights, kept)
        short, extent = ceilings[highest] - heights[highest], heights[highest] - heights[lowest]
        if not 0.0 < short <= SHORT * min(room.floor, extent):
            break
        before = points.copy()
        for k in range(heights.size):
            rise = short * min((heights[k] - heights[lowest]) / extent, 1.0)
            for d in range(3):
                points[k, d] += rise * normals[k, d]
        if not necks_hold(points, parent, diameter, kept):
            copy_rows(before, points)
            break
        survey(room, points, heights, ceilings, normals)


@njit(cache=True)
def copy_rows(source, target):
    """Copy points, number by number: a whole row at a time brings seconds of compiling for a message about shapes."""
    for k in range(source.shape[0]):
        for d in range(3):
            target[k, d] = source[k, d]


@njit(cache=True)
def stands_out(room, points, kept):
    """Whether a kept primary lies above its ceiling, and not because it lies on the core."""
    heights, ceilings, normals = np.empty(kept.size), np.empty(kept.size), np.empty((kept.size, 3))
    survey(room, points, heights, ceilings, normals)
    highest = 0.0
    for k in range(kept.size):
        if kept[k]:
            highest = max(highest, heights[k] / max(ceilings[k], room.floor))
    return highest > 1.0 + 1e-9


@njit(cache=True)
def nearest(distances, kept):
    """The kept primary with the smallest distance; the first if none was kept."""
    found = np.argmax(kept)
    for k in range(kept.size):
        if kept[k] and distances[k] < distances[found]:
            found = k
    return found


@njit(cache=True)
def near_pairs(points, parent, diameter, pairs):
    """List the pairs that are not fused and could come to overlap within a round; gives their number.

    And how deep the two nearest primaries overlap, as a share of a diameter.
    """
    number, square_reach, least = 0, REACH * REACH * diameter * diameter, diameter * diameter
    for i in range(points.shape[0]):
        for j in range(i):
            x = points[i, 0] - points[j, 0]
            y = points[i, 1] - points[j, 1]
            z = points[i, 2] - points[j, 2]
            square = x * x + y * y + z * z
            if square >= square_reach:
                continue
            least = min(least, square)
            if parent[i] != j and number < pairs.shape[0]:
                pairs[number, 0], pairs[number, 1] = i, j
                number += 1
    return number, 1.0 - np.sqrt(least) / diameter


@njit(cache=True)
def relax(floor, points, parent, diameter, max_overlap, heights, ceilings, normals, pairs):
    """Pull necks to their length, push overlapping primaries apart, keep heights: one after another, some sweeps.

    Position-based dynamics (Mueller et al. 2007, J. Vis. Commun. Image Represent. 18, 109), with the normals fixed.
    """
    start = points.copy()
    apart = (1.0 - max_overlap + MARGIN) * diameter
    for _ in range(SWEEPS):
        for k in range(points.shape[0]):
            if parent[k] >= 0:
                separate(points, normals, k, parent[k], diameter, True)
        for n in range(pairs.shape[0]):
            separate(points, normals, pairs[n, 0], pairs[n, 1], apart, False)
        for k in range(points.shape[0]):
            height = heights[k]
            for d in range(3):
                height += (points[k, d] - start[k, d]) * normals[k, d]
            wanted = min(max(height, floor), max(floor, ceilings[k]))
            if wanted != height:
                for d in range(3):
                    points[k, d] += (wanted - height) * normals[k, d]


@njit(cache=True)
def separate(points, normals, i, j, distance, both_ways):
    """Bring two primaries to a distance, each by half; nearer ones only, or both ways."""
    x, y, z = points[i, 0] - points[j, 0], points[i, 1] - points[j, 1], points[i, 2] - points[j, 2]
    square = x * x + y * y + z * z
    if square >= distance * distance and not both_ways:
        return
    length = np.sqrt(square)
    if length < 1e-3 * distance:  # one on top of the other: any direction along the coat
        x, y, z = sideways(normals[i], 1.0 * i + 2.0 * j)
        length = 1.0
        step = 0.5 * distance
    else:
        step = 0.5 * (distance - length) / length
    points[i, 0] += step * x
    points[i, 1] += step * y
    points[i, 2] += step * z
    points[j, 0] -= step * x
    points[j, 1] -= step * y
    points[j, 2] -= step * z


@njit(cache=True)
def sideways(normal, angle):
    """The unit vector at this angle around a normal."""
    x, y, z = normal[0], normal[1], normal[2]
    if abs(x) < 0.6:
        a, b, c = 0.0, z, -y
    else:
        a, b, c = -z, 0.0, x
    norm = np.sqrt(a * a + b * b + c * c)
    a, b, c = a / norm, b / norm, c / norm
    cosine, sine = np.cos(angle), np.sin(angle)
    return (
        cosine * a + sine * (y * c - z * b),
        cosine * b + sine * (z * a - x * c),
        cosine * c + sine * (x * b - y * a),
    )


@njit(cache=True)
def necks_hold(points, parent, diameter, kept):
    """Whether all fused primaries that were kept touch within `NECK`."""
    for k in range(points.shape[0]):
        j = parent[k]
        if j >= 0 and kept[k] and kept[j] and not touching(points[k], points[j], diameter):
            return False
    return True


@njit(cache=True)
def touching(one, other, diameter):
    """Whether two primaries touch within `NECK`."""
    length = np.sqrt((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2 + (one[2] - other[2]) ** 2)
    return abs(length - diameter) <= NECK * diameter


@njit(cache=True)
def largest_overlap(points, kept, diameter):
    """How deep the two nearest kept primaries overlap, as a share of a diameter; 0 if none do."""
    least = diameter * diameter
    for i in range(points.shape[0]):
        for j in range(i):
            x = points[i, 0] - points[j, 0]
            y = points[i, 1] - points[j, 1]
            z = points[i, 2] - points[j, 2]
            square = x * x + y * y + z * z
            if square < least and kept[i] and kept[j]:
                least = square
    return 1.0 - np.sqrt(least) / diameter


@njit(cache=True)
def regrow(room, points, parent, diameter, max_overlap, kept):
    """From the first primary outwards, turn anew around its parent whoever overlaps or stretches its neck.

    What hangs on it moves along. Who finds no place is left out, and its children carry on without a neck to it.
    """
    shifts = np.zeros((points.shape[0], 3))
    here = np.empty(3)
    for k in range(points.shape[0]):
        j = parent[k]
        for d in range(3):
            here[d] = points[k, d]
            if j >= 0:
                points[k, d] += shifts[j, d]
        kept[k] = stands(room, points, k, diameter, max_overlap, kept)
        fused = j >= 0 and kept[j]
        if fused and not (kept[k] and touching(points[k], points[j], diameter)):
            kept[k] = turn_around_parent(room, points, k, j, diameter, max_overlap, kept)
        for d in range(3):
            shifts[k, d] = points[k, d] - here[d]


@njit(cache=True)
def stands(room, points, k, diameter, max_overlap, kept):
    """Bring a primary into its room; True if it has one, and overlaps no earlier kept one."""
    height, ceiling, normal = np.empty(1), np.empty(1), np.empty((1, 3))
    settle(room, points[k : k + 1], height, ceiling, normal)
    if ceiling[0] < room.floor:
        return False
    least = (1.0 - max_overlap) * diameter
    for i in range(k):
        x, y, z = points[k, 0] - points[i, 0], points[k, 1] - points[i, 1], points[k, 2] - points[i, 2]
        if kept[i] and x * x + y * y + z * z < least * least:
            return False
    return True


@njit(cache=True)
def turn_around_parent(room, points, k, j, diameter, max_overlap, kept):
    """Try places around primary j for primary k, its own height and direction first; True if one was found."""
    heights, ceilings, normals = np.empty(2), np.empty(2), np.empty((2, 3))
    both = np.empty((2, 3))
    for d in range(3):
        both[0, d], both[1, d] = points[j, d], points[k, d]
    survey(room, both, heights, ceilings, normals)
    levels = np.array([heights[1], heights[0], room.floor, max(room.floor, ceilings[0])])
    e, f = sideways(normals[0], 0.0), sideways(normals[0], 0.5 * np.pi)
    along, across = 0.0, 0.0
    for d in range(3):
        along += (both[1, d] - both[0, d]) * e[d]
        across += (both[1, d] - both[0, d]) * f[d]
    azimuth = np.arctan2(across, along)
    for level in levels:
        rise = min(max(min(max(level, room.floor), levels[3]) - heights[0], -diameter), diameter)
        side = np.sqrt(diameter * diameter - rise * rise)
        for n in range(AZIMUTHS):
            turn = azimuth + 2.0 * np.pi / AZIMUTHS * ((n + 1) // 2) * (1.0 if n % 2 else -1.0)
            direction = sideways(normals[0], turn)
            for d in range(3):
                points[k, d] = both[0, d] + rise * normals[0, d] + side * direction[d]
            if stands(room, points, k, diameter, max_overlap, kept) and touching(points[k], both[0], diameter):
                return True
    for d in range(3):
        points[k, d] = both[1, d]
    return False
