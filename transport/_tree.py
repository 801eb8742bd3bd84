"""Loops that lead what a solve has lost along a tree of good conductors to the ground: the price bounds its error."""

from __future__ import annotations

import numpy as np
from numba import njit

from percolation._union_find import join

GROUND_LINK = 6  # bit of a voxel's link to the ground, after those to the next voxels and to the ones before


@njit(cache=True, nogil=True)
def neighbour(here, link, shape):
    """Number of the voxel that a link leads to."""
    axis = link % 3
    stride = shape[1] * shape[2] if axis == 0 else (shape[2] if axis == 1 else 1)
    place, size = (here // stride) % shape[axis], shape[axis]
    if link < 3:
        return here + stride - (size * stride if place == size - 1 else 0)
    return here - stride + (size * stride if place == 0 else 0)


@njit(cache=True, nogil=True)
def grow_tree(x_faces, y_faces, z_faces, ground, table, starts, runs, bounds):
    """Bits of the links of a tree that joins all live voxels to the ground, best conductors first.

    Links above bounds[0] come first, then those above bounds[1], and so on: Kruskal's algorithm, in steps.
    """
    shape = x_faces.shape
    count = ground.size
    parent = np.empty(count + 1, np.int32)
    for node in range(count + 1):
        parent[node] = node
    tree = np.zeros(count, np.uint8)
    x, y, z = x_faces.ravel(), y_faces.ravel(), z_faces.ravel()
    above = np.inf
    for bound in bounds:
        for line in range(shape[0] * shape[1]):
            east = (1 if line // shape[1] + 1 < shape[0] else 1 - shape[0]) * shape[1] * shape[2]
            north = (1 if line % shape[1] + 1 < shape[1] else 1 - shape[1]) * shape[2]
            for run in range(starts[line], starts[line + 1]):
                for k in range(runs[run, 0], runs[run, 1]):
                    here = line * shape[2] + k
                    after = here + (1 if k + 1 < shape[2] else 1 - shape[2])
                    if bound < table[0, x[here]] <= above and join(parent, here, here + east):
                        tree[here] |= 1
                        tree[here + east] |= 8
                    if bound < table[1, y[here]] <= above and join(parent, here, here + north):
                        tree[here] |= 2
                        tree[here + north] |= 16
                    if bound < table[2, z[here]] <= above and join(parent, here, after):
                        tree[here] |= 4
                        tree[after] |= 32
                    if bound < table[3, ground[here]] <= above and join(parent, here, count):
                        tree[here] |= 1 << GROUND_LINK
        above = bound
    return tree


@njit(cache=True, nogil=True)
def lead_away(x_faces, y_faces, z_faces, ground, table, starts, runs, tree, pending):
    """Power that it takes to lead what is `pending` at each voxel along the tree to the ground; both are used up."""
    shape = x_faces.shape
    x, y, z = x_faces.ravel(), y_faces.ravel(), z_faces.ravel()
    power = 0.0
    for start in range(ground.size):
        node = start
        while tree[node] != 0 and tree[node] & (tree[node] - 1) == 0:  # a leaf: one link is left
            link = 0
            while tree[node] >> link != 1:
                link += 1
            tree[node] = 0
            if link == GROUND_LINK:
                power += pending[node] * (pending[node] / table[3, ground[node]])
                break
            other = neighbour(node, link, shape)
            owner, axis = (node if link < 3 else other), link % 3
            face = x[owner] if axis == 0 else (y[owner] if axis == 1 else z[owner])
            power += pending[node] * (pending[node] / table[axis, face])
            pending[other] += pending[node]
            tree[other] &= ~np.uint8(1 << (link + 3) % 6)
            node = other
    return power
