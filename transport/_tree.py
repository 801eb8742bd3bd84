"""Loops that lead what a solve has lost along a tree of good conductors to the ground: the price bounds its error."""

from __future__ import annotations

import numpy as np
from numba import njit

from percolation._union_find import join

GROUND_LINK = 3  # bit of a voxel's link to the ground, after those of its three faces


@njit(cache=True, nogil=True)
def neighbour(here, link, shape):
    """Number of the next voxel along axis `link`; the ground, after the last voxel, for the link to it."""
    count = shape[0] * shape[1] * shape[2]
    if link == GROUND_LINK:
        return count
    stride = shape[1] * shape[2] if link == 0 else (shape[2] if link == 1 else 1)
    size = shape[link]
    return here + stride - (size * stride if (here // stride) % size == size - 1 else 0)


@njit(cache=True, nogil=True)
def previous(here, axis, shape):
    """Number of the voxel before along an axis."""
    stride = shape[1] * shape[2] if axis == 0 else (shape[2] if axis == 1 else 1)
    size = shape[axis]
    return here - stride + (size * stride if (here // stride) % size == 0 else 0)


@njit(cache=True, nogil=True)
def conductance(here, link, x_faces, y_faces, z_faces, ground, table):
    """Conductance of a voxel's link, by number."""
    if link == GROUND_LINK:
        return table[3, ground[here]]
    faces = x_faces if link == 0 else (y_faces if link == 1 else z_faces)
    return table[link, faces.ravel()[here]]


@njit(cache=True, nogil=True)
def grow_tree(x_faces, y_faces, z_faces, ground, table, bounds):
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
        here = -1
        for i in range(shape[0]):
            east = (1 if i + 1 < shape[0] else 1 - shape[0]) * shape[1] * shape[2]
            for j in range(shape[1]):
                north = (1 if j + 1 < shape[1] else 1 - shape[1]) * shape[2]
                for k in range(shape[2]):
                    here += 1
                    if bound < table[0, x[here]] <= above and join(parent, here, here + east):
                        tree[here] |= 1
                    if bound < table[1, y[here]] <= above and join(parent, here, here + north):
                        tree[here] |= 2
                    if bound < table[2, z[here]] <= above and join(
                        parent, here, here + (1 if k + 1 < shape[2] else 1 - shape[2])
                    ):
                        tree[here] |= 4
                    if bound < table[3, ground[here]] <= above and join(parent, here, count):
                        tree[here] |= 1 << GROUND_LINK
        above = bound
    return tree


@njit(cache=True, nogil=True)
def lead_away(x_faces, y_faces, z_faces, ground, table, tree, pending):
    """Power that it takes to lead what is `pending` at each voxel along the tree to the ground; both are used up."""
    shape = x_faces.shape
    count = ground.size
    degree = np.zeros(count + 1, np.uint8)
    for here in range(count):
        for link in range(4):
            if tree[here] & (1 << link):
                degree[here] += 1
                other = neighbour(here, link, shape)
                if other < count:
                    degree[other] += 1
    power = 0.0
    for start in range(count):
        node = start
        while node < count and degree[node] == 1:
            other, g = count, 0.0
            for link in range(4):
                if tree[node] & (1 << link):
                    other, g = (
                        neighbour(node, link, shape),
                        conductance(node, link, x_faces, y_faces, z_faces, ground, table),
                    )
                    tree[node] &= ~np.uint8(1 << link)
            for axis in range(3):
                before = previous(node, axis, shape)
                if tree[before] & (1 << axis):
                    other, g = before, conductance(before, axis, x_faces, y_faces, z_faces, ground, table)
                    tree[before] &= ~np.uint8(1 << axis)
            power += pending[node] * (pending[node] / g)
            degree[node] = 0
            if other < count:
                pending[other] += pending[node]
                degree[other] -= 1
            node = other
    return power
