"""Loops that lead what a solve has lost along a tree of good conductors to the ground: the price bounds its error."""

from __future__ import annotations

import numpy as np
from numba import njit

from percolation._union_find import join
from transport.solvers._smoothing import entries
from transport.voxels._grid import ONE, ends
from transport.voxels._tiles import TILE

GROUND = 3  # row of the table for a link to the ground, after those along x, y and z


@njit(cache=True, nogil=True)
def grow_tree(grid, bounds, links):
    """Tree that joins all rows to the ground, best conductors first: how many links each row has, and which.

    Links above bounds[0] come first, then those above bounds[1], and so on: Kruskal's algorithm, in steps. Where a
    row's links lead to, and which they are (4 x class + row of the table, written to `links`, of zeros), is kept as
    the exclusive or of them all: when one is left, it is that one. The ground is one more row.
    """
    count = grid.ground.size
    parent = own_roots(count + 1)
    degree = np.zeros(count + 1, np.uint8)
    others = np.zeros(count + 1, np.uint32)
    z, along = grid.z, grid.table[2]
    above = np.inf
    for bound in bounds:
        for line in range(grid.lines.size - 2):
            if grid.lines[line] == grid.lines[line + 1]:
                continue
            begin, end, _ = ends(grid, line, False)
            for k in entries(TILE * grid.lines[line], end + 1):
                if bound < along[z[k]] <= above:
                    after = k + ONE if k < end else np.uint64(begin)
                    single = after > k and parent[after] == after
                    if single:  # joins the other, without a search for its root
                        parent[after] = parent[k]
                    if single or join(parent, k, after):
                        note(degree, others, links, k, after, 4 * np.int64(z[k]) + 2)
                if bound < grid.table[3, grid.ground[k]] <= above and join(parent, k, count):
                    note(degree, others, links, k, count, 4 * np.int64(grid.ground[k]) + GROUND)
            for axis in range(2):
                classes, conductance = (grid.x, grid.table[0]) if axis == 0 else (grid.y, grid.table[1])
                shift, known = 0, False
                for tile in range(grid.lines[line], grid.lines[line + 1]):
                    known &= TILE * (grid.near[tile, 2 * axis + 1] - tile) == shift
                    shift = TILE * (grid.near[tile, 2 * axis + 1] - tile)
                    for k in entries(TILE * tile, TILE * (tile + 1)):
                        found, there = conductance[classes[k]], np.uint64(np.int64(k) + shift)
                        if bound < found <= above and not known and join(parent, k, there):
                            note(degree, others, links, k, there, 4 * np.int64(classes[k]) + axis)
                        known = found > bound and along[z[k]] > bound and along[z[there]] > bound
        above = bound
    return degree, others


@njit(cache=True, nogil=True)
def own_roots(count):
    """Clusters of one row each."""
    parent = np.empty(count, np.uint32)
    for node in range(count):
        parent[node] = node
    return parent


@njit(cache=True, nogil=True)
def note(degree, others, links, here, there, link):
    """Add a link to what its two ends keep."""
    degree[here] += 1
    degree[there] += 1
    others[here] ^= np.uint32(there)
    others[there] ^= np.uint32(here)
    links[here] ^= links.dtype.type(link)
    links[there] ^= links.dtype.type(link)


@njit(cache=True, nogil=True)
def lead_away(table, degree, others, links, pending):
    """Power that leads what is `pending` at each row along the tree to the ground; all but `table` is used up."""
    power = 0.0
    ground = np.uint64(pending.size)
    for start in entries(0, ground):
        node = start
        while node < ground and degree[node] == 1:
            other, link = others[node], links[node]
            power += pending[node] * (pending[node] / table[link % 4, link // 4])
            degree[node] = 0
            degree[other] -= 1
            others[other] ^= np.uint32(node)
            links[other] ^= link
            if other < ground:
                pending[other] += pending[node]
            node = np.uint64(other)
    return power
