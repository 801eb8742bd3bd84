"""Kernels for which bodies belong to a cluster that closes on itself through the periodic axis 0."""

import numpy as np
from numba import njit


@njit(cache=True)
def find_along(parent, shift, i):
    """Root of i; afterwards `shift[i]` is how many boxes i lies beyond its root along axis 0 (path compression)."""
    root, total = i, 0
    while parent[root] != root:
        total += shift[root]
        root = parent[root]
    while parent[i] != root and i != root:
        above, own = parent[i], shift[i]
        parent[i], shift[i] = root, total
        total -= own
        i = above
    return root


@njit(cache=True)
def join_along(parent, shift, size, wraps, i, j, step):
    """Join i to the image of j that lies `step` boxes on; a cluster that so meets its own image wraps."""
    a, b = find_along(parent, shift, i), find_along(parent, shift, j)
    here, there = shift[i], shift[j]  # of a root they are 0
    if a == b:
        if here + step != there:
            wraps[a] = True
        return
    if size[a] >= size[b]:
        parent[b], shift[b] = a, here + step - there
        size[a] += size[b]
        wraps[a] |= wraps[b]
    else:
        parent[a], shift[a] = b, there - step - here
        size[b] += size[a]
        wraps[b] |= wraps[a]


@njit(cache=True)
def steps_along(start, end, edge):
    """How many boxes to add to `end` to bring it next to `start` along a periodic axis."""
    return -int(np.rint((end - start) / edge))


@njit(cache=True)
def wrapping_groups(heights, bodies, edge, first, earlier, touch_start, touches, checkpoints, groups, shifts, wraps):
    """What spheres join `bodies` large bodies to, at each number of spheres inserted, along the periodic axis 0.

    `heights` are those of the bodies, then of the spheres. In row s body i hangs together with body `groups[s, i]`,
    and lies `shifts[s, i]` boxes beyond it; `wraps[s, groups[s, i]]` is whether that cluster closes on itself.
    """
    total = heights.size
    parent, shift = np.arange(total), np.zeros(total, np.int64)
    size, closed = np.ones(total, np.int64), np.zeros(total, np.bool_)
    inserted, name, place = 0, np.empty(total, np.int64), np.empty(total, np.int64)
    for step in range(checkpoints.size):
        while inserted < checkpoints[step]:
            sphere = bodies + inserted
            for slot in range(touch_start[inserted], touch_start[inserted + 1]):
                body = touches[slot]
                along = steps_along(heights[sphere], heights[body], edge)
                join_along(parent, shift, size, closed, sphere, body, along)
            for slot in range(first[inserted], first[inserted + 1]):
                other = bodies + earlier[slot]
                along = steps_along(heights[sphere], heights[other], edge)
                join_along(parent, shift, size, closed, sphere, other, along)
            inserted += 1
        name[:] = -1
        for body in range(bodies):  # each cluster is named after its first body
            root = find_along(parent, shift, body)
            if name[root] < 0:
                name[root], place[root] = body, shift[body]
                wraps[step, body] = closed[root]
            groups[step, body] = name[root]
            shifts[step, body] = shift[body] - place[root]


@njit(cache=True)
def in_wrapping_cluster(heights, edge, pairs, groups, shifts, wraps, inside):
    """Whether each body is in a cluster that closes on itself, once pairs that touch are joined to the groups."""
    bodies = heights.size
    parent, shift = groups.copy(), shifts.copy()
    size, closed = np.ones(bodies, np.int64), wraps.copy()
    for k in range(pairs.shape[0]):
        i, j = pairs[k]
        join_along(parent, shift, size, closed, i, j, steps_along(heights[i], heights[j], edge))
    for body in range(bodies):
        inside[body] = closed[find_along(parent, shift, body)]
