"""Loops over the faces of voxels, in the rows of `_grid`: which ones hang together, and the currents of a potential."""

from __future__ import annotations

import numpy as np
from numba import njit

from transport._circuit import find_root, rounding_of_sum
from transport._grid import side_of
from transport._runs import neighbours


@njit(cache=True, nogil=True)
def turns(grid, line, axis):
    """Whether the way from a line to the next one along x and y, and from its end to its beginning, turns round."""
    i, j = line // grid.shape[1], line % grid.shape[1]
    return axis == 0 and i == grid.shape[0] - 1, axis == 1 and j == grid.shape[1] - 1, axis == 2


@njit(cache=True, nogil=True)
def join_rows(grid, bound, axis):
    """Clusters of the rows that faces above a `bound` join.

    Root of each row (the first of its cluster), how often the way to it turns round `axis`, and for each root whether
    its cluster winds round the axis. Beside two rows that are joined, the next two are if both lines go on.
    """
    parent = np.arange(grid.ground.size).astype(np.int32)
    offset = np.zeros(parent.size, np.int32)
    winds = np.zeros(parent.size, np.bool_)
    z, along = grid.z, grid.table[2]
    for line in range(grid.lines.size - 1):
        begin, end = grid.lines[line], grid.lines[line + 1]
        around, turn = neighbours(line, grid.shape), turns(grid, line, axis)
        for k in range(begin, end):
            if along[z[k]] > bound:
                if k + 1 == end:
                    join(parent, offset, winds, k, begin, 1 if turn[2] else 0)
                elif parent[k + 1] == k + 1:  # a cluster of its own
                    parent[k + 1], offset[k + 1] = parent[k], offset[k]
                else:
                    join(parent, offset, winds, k, k + 1, 0)
        for direction in range(2):
            pieces, classes, conductance = side_of(grid, 2 * direction + 1, line, around[2 * direction + 1])
            step = 1 if turn[direction] else 0
            for piece in range(len(pieces)):
                shift, known = pieces[piece, 1] - pieces[piece, 0], False
                for here in range(pieces[piece, 0], pieces[piece, 0] + pieces[piece, 2]):
                    links = conductance[classes[here]] > bound
                    if links and not known:
                        join(parent, offset, winds, here, here + shift, step)
                    known = links and along[z[here]] > bound and along[z[here + shift]] > bound
    for node in range(parent.size):
        find_root(parent, offset, node)
    return parent, offset, winds


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
def even_out(root, offset, level, potential):
    """Give every row the level of its cluster (in place), unless that is NaN."""
    for node in range(root.size):
        if not np.isnan(level[root[node]]):
            potential[node] = level[root[node]] + offset[node]


@njit(cache=True, nogil=True)
def current(conductance, near, far, near_low, far_low, emf):
    """Current from near to far; no drop is lost to rounding."""
    drop = near - far
    rest = rounding_of_sum(near, -far) + rounding_of_sum(drop, emf)
    return conductance * ((drop + emf) + (rest + (near_low - far_low)))


@njit(cache=True, nogil=True)
def fed(excess, layer, layers, periodic):
    """Part of a voxel's excess that leads to the first plate; of a single layer half, the other half to the second."""
    if periodic or layer > 0:
        return 0.0
    return excess if layers > 1 else 0.5 * excess


@njit(cache=True, nogil=True)
def layer_of(grid, line, row, axis):
    """Where a row lies along an axis, if it is 0; some other number if not."""
    if axis < 2:
        return line // grid.shape[1] if axis == 0 else line % grid.shape[1]
    run = grid.starts[line]
    return grid.runs[0, run] - line * grid.shape[2] + row - grid.runs[2, run]


@njit(cache=True, nogil=True)
def balance(first, last, blocks, grid, axis, periodic, high, low, inflow, parts):
    """Net current into each row; power of each block.

    A turn round a periodic `axis` raises the potential by 1 V; if it is open, the first layer's links to the
    ground lead to 1 V.
    """
    turn = axis if periodic else -1
    shape = grid.shape
    for block in range(first, last):
        power = 0.0
        for line in range(grid.bounds[block], grid.bounds[block + 1]):
            begin, end = grid.lines[line], grid.lines[line + 1]
            inflow[begin:end] = 0.0
            around = neighbours(line, shape)
            for side in range(4):
                pieces, classes, conductance = side_of(grid, side, line, around[side])
                owner = line if side % 2 else around[side]
                emf = 1.0 if turns(grid, owner, turn)[side // 2] else 0.0
                for piece in range(len(pieces)):
                    for k in range(pieces[piece, 2]):
                        here, there = pieces[piece, 0] + k, pieces[piece, 1] + k
                        g = conductance[classes[here]]
                        if g > 0.0:
                            flow = current(g, high[here], high[there], low[here], low[there], emf)
                            if side % 2:
                                inflow[here] -= flow
                                power += flow * (flow / g)
                            else:
                                inflow[there] += flow
            for here in range(begin, end):
                there = here + 1 if here + 1 < end else begin
                g = grid.table[2, grid.z[here]]
                if g > 0.0:
                    emf = 1.0 if turn == 2 and there == begin else 0.0
                    flow = current(g, high[here], high[there], low[here], low[there], emf)
                    inflow[here] -= flow
                    inflow[there] += flow
                    power += flow * (flow / g)
                if grid.ground[here] > 0:
                    excess = grid.table[3, grid.ground[here]]
                    feed = fed(excess, layer_of(grid, line, here, axis), shape[axis], periodic)
                    sink = excess - feed
                    if feed > 0.0:
                        into = current(feed, 0.0, high[here], 0.0, low[here], 1.0)
                        inflow[here] += into
                        power += into * (into / feed)
                    if sink > 0.0:
                        out = current(sink, high[here], 0.0, low[here], 0.0, 0.0)
                        inflow[here] -= out
                        power += out * (out / sink)
        parts[block] = power


@njit(cache=True, nogil=True)
def face_currents(first, last, blocks, grid, direction, axis, high, low, faces):
    """Current from each row to the next along `direction`; a turn round `axis` raises the potential by 1 V."""
    for block in range(first, last):
        for line in range(grid.bounds[block], grid.bounds[block + 1]):
            begin, end = grid.lines[line], grid.lines[line + 1]
            faces[begin:end] = 0.0
            turn = turns(grid, line, axis)
            if direction == 2:
                for here in range(begin, end):
                    there = here + 1 if here + 1 < end else begin
                    emf = 1.0 if turn[2] and there == begin else 0.0
                    g = grid.table[2, grid.z[here]]
                    if g > 0.0:
                        faces[here] = current(g, high[here], high[there], low[here], low[there], emf)
                continue
            emf = 1.0 if turn[direction] else 0.0
            side = 2 * direction + 1
            pieces, classes, conductance = side_of(grid, side, line, neighbours(line, grid.shape)[side])
            for piece in range(len(pieces)):
                for k in range(pieces[piece, 2]):
                    here, there = pieces[piece, 0] + k, pieces[piece, 1] + k
                    g = conductance[classes[here]]
                    if g > 0.0:
                        faces[here] = current(g, high[here], high[there], low[here], low[there], emf)


@njit(cache=True, nogil=True)
def cell_currents(first, last, blocks, grid, direction, faces, cells):
    """Mean of what the two faces of each row carry along `direction`."""
    for block in range(first, last):
        for line in range(grid.bounds[block], grid.bounds[block + 1]):
            begin, end = grid.lines[line], grid.lines[line + 1]
            for here in range(begin, end):
                cells[here] = 0.5 * faces[here]
            if direction == 2:
                for here in range(begin, end):
                    cells[here] += 0.5 * faces[here - 1 if here > begin else end - 1]
                continue
            side = 2 * direction
            pieces = side_of(grid, side, line, neighbours(line, grid.shape)[side])[0]
            for piece in range(len(pieces)):
                for k in range(pieces[piece, 2]):
                    cells[pieces[piece, 1] + k] += 0.5 * faces[pieces[piece, 0] + k]


@njit(cache=True, nogil=True)
def layer_sums(first, last, blocks, grid, axis, values, parts):
    """Sum of the rows' values in each layer along an axis, of each block."""
    for block in range(first, last):
        parts[block] = 0.0
        for line in range(grid.bounds[block], grid.bounds[block + 1]):
            if axis < 2:
                layer = line // grid.shape[1] if axis == 0 else line % grid.shape[1]
                parts[block, layer] += np.sum(values[grid.lines[line] : grid.lines[line + 1]])
                continue
            for run in range(grid.starts[line], grid.starts[line + 1]):
                begin, row = grid.runs[0, run] - line * grid.shape[2], grid.runs[2, run]
                for k in range(grid.runs[1, run] - grid.runs[0, run]):
                    parts[block, begin + k] += values[row + k]
