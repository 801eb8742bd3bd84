"""Loops that tell which rows of `_grid` are connected: block by block, which threads share, and then across blocks."""

from __future__ import annotations

import numpy as np
from numba import njit

from transport.solvers._circuit import find_root
from transport.solvers._smoothing import entries
from transport.voxels._grid import ONE, ends, turns
from transport.voxels._tiles import TILE


@njit(cache=True, nogil=True)
def join_inside(first, last, blocks, grid, bound, axis, parent, offset, winds):
    """Clusters that faces above a `bound` join inside each block, as trees of parents.

    The root of a cluster is its first row; `offset` is how often the way from a row's parent turns round `axis`, and
    `winds` tells of a root whether its cluster winds round the axis.
    """
    z, along = grid.z, grid.table[2]
    for block in range(first, last):
        low, high = grid.lines[grid.bounds[block]], grid.lines[grid.bounds[block + 1]]
        for row in range(TILE * low, TILE * high):
            parent[row], offset[row], winds[row] = row, 0, False
        for line in range(grid.bounds[block], grid.bounds[block + 1]):
            if grid.lines[line] == grid.lines[line + 1]:
                continue
            begin, end, closed = ends(grid, line, True)
            for k in entries(TILE * grid.lines[line], end):
                if along[z[k]] > bound:
                    after = k + ONE
                    if parent[after] == after:  # a cluster of its own
                        parent[after], offset[after] = parent[k], offset[k]
                    else:
                        join(parent, offset, winds, k, after, 0)
            if closed > bound:
                turn = 1 if axis == 2 else 0
                join(parent, offset, winds, np.uint64(end), np.uint64(begin), turn)
            join_sides(grid, line, low, high, True, bound, axis, parent, offset, winds)


@njit(cache=True, nogil=True)
def join_across(grid, bound, axis, parent, offset, winds):
    """Join the clusters of all blocks, and make every row's parent its root."""
    for block in range(grid.bounds.size - 1):
        low, high = grid.lines[grid.bounds[block]], grid.lines[grid.bounds[block + 1]]
        for line in range(grid.bounds[block], grid.bounds[block + 1]):
            join_sides(grid, line, low, high, False, bound, axis, parent, offset, winds)
    for node in entries(0, parent.size):
        find_root(parent, offset, node)


@njit(cache=True, nogil=True)
def join_sides(grid, line, low, high, inside, bound, axis, parent, offset, winds):
    """Join the rows of a line to those after them along x and y, in tiles from `low` to `high`, or in all others.

    Beside two rows that are joined, the next two are if both lines go on.
    """
    z, along = grid.z, grid.table[2]
    turn = turns(grid, line, axis)
    for side in (1, 3):
        classes, conductance = (grid.x, grid.table[0]) if side == 1 else (grid.y, grid.table[1])
        step, shift, known = 1 if turn[side] else 0, 0, False
        for tile in range(grid.lines[line], grid.lines[line + 1]):
            near = grid.near[tile, side]
            if (low <= near < high) != inside:
                known = False
                continue
            known &= TILE * (near - tile) == shift
            shift = TILE * (near - tile)
            for here in entries(TILE * tile, TILE * (tile + 1)):
                there = np.uint64(np.int64(here) + shift)
                links = conductance[classes[here]] > bound
                if links and not known:
                    join(parent, offset, winds, here, there, step)
                known = links and along[z[here]] > bound and along[z[there]] > bound


@njit(cache=True, nogil=True)
def join(parent, offset, winds, here, there, turn):
    """Join two clusters by a link that turns round the axis so often."""
    a, b = find_root(parent, offset, here), find_root(parent, offset, there)
    step = offset[here] + turn - offset[there]  # winding of b's root seen from a's
    if a == b:
        if step != 0:
            winds[a] = True
    elif a < b:
        parent[b], offset[b] = a, step
        winds[a] |= winds[b]
    else:
        parent[a], offset[a] = b, -step
        winds[b] |= winds[a]


@njit(cache=True, nogil=True)
def cluster_means(root, offset, potential):
    """Mean potential of each cluster, seen from its root: each turn on the way raises it by 1 V."""
    total = np.zeros(root.size)
    number = np.zeros(root.size, np.int32)
    for node in range(root.size):
        total[root[node]] += potential[node] - offset[node]
        number[root[node]] += 1
    for node in range(root.size):
        if number[node] > 0:
            total[node] /= number[node]
    return total


@njit(cache=True, nogil=True)
def work(root, before, after, lost):
    """Power that each cluster saves when potentials change, exactly, as it is quadratic.

    `lost` is the current lost at each row, before and after together.
    """
    saved = np.zeros(root.size)
    for node in range(root.size):
        if after[node] != before[node]:
            saved[root[node]] += (after[node] - before[node]) * lost[node]
    return saved


@njit(cache=True, nogil=True)
def even_out(root, offset, level, potential):
    """Give every row the level of its cluster (in place), unless that is NaN."""
    for node in range(root.size):
        if not np.isnan(level[root[node]]):
            potential[node] = level[root[node]] + offset[node]
