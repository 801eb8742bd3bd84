"""Newman and Ziff's insertion of lattice sites, with a union-find that counts how often a path wound round the box."""

from __future__ import annotations

import numpy as np
from numba import njit

# Columns of a node: its parent (or minus the size of its tree at a root, or EMPTY), then its periodic image relative
# to the parent, in boxes along x, y, z. One row of 16 bytes is one access to memory.
PARENT = 0
EMPTY = np.int32(-(2**31))

# Columns of a run's result [number of sites]: wraps along x, y, z; spans along x, y, z; jump of the largest cluster.
SPAN = 3
JUMP = 6


@njit(cache=True, nogil=True)
def find_image(nodes, site, image):
    """Return the root of `site`, write its image relative to that root, and halve the path on the way."""
    image[:] = 0
    while nodes[site, PARENT] >= 0:
        above = nodes[site, PARENT]
        over = nodes[above, PARENT]
        if over >= 0:
            for a in range(3):
                nodes[site, 1 + a] += nodes[above, 1 + a]
            nodes[site, PARENT] = over
        for a in range(3):
            image[a] += nodes[site, 1 + a]
        site = nodes[site, PARENT]
    return site


@njit(cache=True, nogil=True)
def hang(nodes, faces, root, branch, image, sign):
    """Hang the tree of `branch` below `root`, which sees it in `sign` times `image`."""
    nodes[root, PARENT] += nodes[branch, PARENT]
    nodes[branch, PARENT] = root
    faces[root] |= faces[branch]
    for a in range(3):
        nodes[branch, 1 + a] = sign * image[a]


@njit(cache=True, nogil=True)
def touch_faces(position, shape, periodic):
    """Return the outer faces of the free axes on which a site lies, as bits: low x, high x, low y, ..."""
    bits = 0
    for a in range(3):
        if not periodic[a]:
            if position[a] == 0:
                bits |= 1 << (2 * a)
            if position[a] == shape[a] - 1:
                bits |= 2 << (2 * a)
    return bits


@njit(cache=True, nogil=True)
def neighbour_site(position, step, shape, periodic, crossing):
    """Return the site one step away, or -1 outside the box; write through which boundary the step went."""
    site = 0
    for a in range(3):
        moved = position[a] + step[a]
        crossing[a] = 0
        if moved < 0 or moved >= shape[a]:
            if not periodic[a]:
                return -1
            crossing[a] = 1 if moved > 0 else -1
            moved -= crossing[a] * shape[a]
        site = site * shape[a] + moved
    return site


@njit(cache=True, nogil=True)
def insert_sites(order, shape, steps, periodic, nodes, faces, onset):
    """Occupy the sites in `order` and write how many were there at each first event; inf stays where none happens."""
    nodes[:, PARENT] = EMPTY
    position, crossing = np.empty(3, np.int64), np.empty(3, np.int64)
    here, there = np.empty(3, np.int64), np.empty(3, np.int64)
    missing = 3  # each axis either wraps or spans, once
    largest, jump = 0, 0
    for n in range(order.size):
        site = order[n]
        position[0] = site // (shape[1] * shape[2])
        position[1] = (site // shape[2]) % shape[1]
        position[2] = site % shape[2]
        nodes[site, PARENT] = -1
        nodes[site, 1:] = 0
        faces[site] = touch_faces(position, shape, periodic)
        for s in range(steps.shape[0]):
            near = neighbour_site(position, steps[s], shape, periodic, crossing)
            if near < 0 or nodes[near, PARENT] == EMPTY:
                continue
            one, other = find_image(nodes, site, here), find_image(nodes, near, there)
            for a in range(3):
                here[a] += crossing[a] - there[a]  # image of the other root, seen from this one
            if one == other:
                for a in range(3):
                    if here[a] != 0 and onset[a] > n + 1:
                        onset[a] = n + 1
                        missing -= 1
            elif nodes[one, PARENT] <= nodes[other, PARENT]:
                hang(nodes, faces, one, other, here, 1)
            else:
                hang(nodes, faces, other, one, here, -1)
        root = find_image(nodes, site, here)
        for a in range(3):
            if (faces[root] >> (2 * a)) & 3 == 3 and onset[SPAN + a] > n + 1:
                onset[SPAN + a] = n + 1
                missing -= 1
        size = -nodes[root, PARENT]
        if size > largest:
            if size - largest > jump:
                jump = size - largest
                onset[JUMP] = n + 1
            largest = size
        if missing == 0 and order.size - largest <= jump:
            return  # nothing left could make a larger jump
