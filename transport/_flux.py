"""Loops over the faces of a voxel grid: which voxels a current can reach, and the currents of a potential."""

from __future__ import annotations

import numpy as np
from numba import njit

from transport._circuit import find_root, rounding_of_sum
from transport._grid import neighbours, rows_of
from transport._sweeps import cut


@njit(cache=True, nogil=True)
def join_faces(x_faces, y_faces, z_faces, table, bound, axis):
    """Clusters of the voxels that faces above a `bound` join.

    Root of each voxel (the first of its cluster), how often the way to it turns round `axis`, and for each root whether
    its cluster winds round the axis.
    """
    shape = x_faces.shape
    count = shape[0] * shape[1] * shape[2]
    parent = np.empty(count, np.int32)
    for node in range(count):
        parent[node] = node
    offset = np.zeros(count, np.int32)
    winds = np.zeros(count, np.bool_)
    here = 0
    for i in range(shape[0]):
        for j in range(shape[1]):
            for k in range(shape[2]):
                for d in range(3):
                    faces = x_faces if d == 0 else (y_faces if d == 1 else z_faces)
                    if table[d, faces[i, j, k]] > bound:
                        u = (i + 1) % shape[0] if d == 0 else i
                        v = (j + 1) % shape[1] if d == 1 else j
                        w = (k + 1) % shape[2] if d == 2 else k
                        turn = 1 if d == axis and (u, v, w)[d] == 0 else 0
                        other = (u * shape[1] + v) * shape[2] + w
                        a, b = find_root(parent, offset, here), find_root(parent, offset, other)
                        step = offset[here] + turn - offset[other]  # winding of b's root seen from a's
                        if a == b:
                            if step != 0:
                                winds[a] = True
                        elif a < b:
                            parent[b], offset[b] = a, step
                            winds[a] |= winds[b]
                        else:
                            parent[a], offset[a] = b, -step
                            winds[b] |= winds[a]
                here += 1
    for node in range(count):
        find_root(parent, offset, node)
    return parent, offset, winds


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
    """Give every voxel the level of its cluster (in place), unless that is NaN."""
    for node in range(root.size):
        if not np.isnan(level[root[node]]):
            potential[node] = level[root[node]] + offset[node]


@njit(cache=True, nogil=True)
def keep_live(first, last, blocks, x_faces, y_faces, z_faces, live):
    """Cut the faces of voxels that carry no current (in place)."""
    lines, size = x_faces.shape[0] * x_faces.shape[1], x_faces.shape[2]
    gx, gy, gz = rows_of(x_faces), rows_of(y_faces), rows_of(z_faces)
    for line in range(cut(first, blocks, lines), cut(last, blocks, lines)):
        for k in range(size):
            if not live[line * size + k]:
                gx[line, k] = gy[line, k] = gz[line, k] = 0


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
def balance(
    first, last, blocks, x_faces, y_faces, z_faces, ground, table, starts, runs, axis, periodic, high, low,
    inflow, parts,
):  # fmt: skip
    """Net current into each voxel; power of each block.

    A turn round a periodic `axis` raises the potential by 1 V; if it is open, the first layer's links to the
    ground lead to 1 V.
    """
    shape = x_faces.shape
    turn = axis if periodic else -1
    lines, size = shape[0] * shape[1], shape[2]
    gx, gy, gz = rows_of(x_faces), rows_of(y_faces), rows_of(z_faces)
    for block in range(first, last):
        power = 0.0
        for line in range(cut(block, blocks, lines), cut(block + 1, blocks, lines)):
            west, east, south, north = neighbours(line, shape)
            i, j = line // shape[1], line % shape[1]
            emf_west, emf_east = (
                (1.0 if turn == 0 and i == 0 else 0.0),
                (1.0 if turn == 0 and i == shape[0] - 1 else 0.0),
            )
            emf_south, emf_north = (
                (1.0 if turn == 1 and j == 0 else 0.0),
                (1.0 if turn == 1 and j == shape[1] - 1 else 0.0),
            )
            for run in range(starts[line], starts[line + 1]):
                for k in range(runs[run, 0], runs[run, 1]):
                    here = line * size + k
                    mine, fine = high[here], low[here]
                    total = 0.0
                    for face in range(6):
                        emf = 0.0
                        if face == 0:
                            other, g, emf = east * size + k, table[0, gx[line, k]], emf_east
                        elif face == 1:
                            other, g, emf = north * size + k, table[1, gy[line, k]], emf_north
                        elif face == 2:
                            other, g = (here + 1 if k + 1 < size else line * size), table[2, gz[line, k]]
                            emf = 1.0 if turn == 2 and k == size - 1 else 0.0
                        elif face == 3:
                            other, g, emf = west * size + k, table[0, gx[west, k]], emf_west
                        elif face == 4:
                            other, g, emf = south * size + k, table[1, gy[south, k]], emf_south
                        else:
                            other, g = (here - 1 if k > 0 else here + size - 1), table[2, gz[line, k - 1]]
                            emf = 1.0 if turn == 2 and k == 0 else 0.0
                        if g > 0.0:
                            if face < 3:
                                out = current(g, mine, high[other], fine, low[other], emf)
                                total -= out
                                power += out * (out / g)
                            else:
                                total += current(g, high[other], mine, low[other], fine, emf)
                    if ground[here] > 0:
                        excess = table[3, ground[here]]
                        feed = fed(excess, (i, j, k)[axis], shape[axis], periodic)
                        sink = excess - feed
                        if feed > 0.0:
                            into = current(feed, 0.0, mine, 0.0, fine, 1.0)
                            total += into
                            power += into * (into / feed)
                        if sink > 0.0:
                            out = current(sink, mine, 0.0, fine, 0.0, 0.0)
                            total -= out
                            power += out * (out / sink)
                    inflow[here] = total
        parts[block] = power


@njit(cache=True, nogil=True)
def face_currents(faces, conductance, direction, axis, high, low):
    """Current from each voxel to the next along `direction`; a turn round `axis` raises the potential by 1 V."""
    shape = faces.shape
    found = np.zeros(shape)
    here = 0
    for i in range(shape[0]):
        for j in range(shape[1]):
            for k in range(shape[2]):
                if faces[i, j, k] > 0:
                    u = (i + 1) % shape[0] if direction == 0 else i
                    v = (j + 1) % shape[1] if direction == 1 else j
                    w = (k + 1) % shape[2] if direction == 2 else k
                    other = (u * shape[1] + v) * shape[2] + w
                    emf = 1.0 if axis == direction and (u, v, w)[direction] == 0 else 0.0
                    g = conductance[faces[i, j, k]]
                    found[i, j, k] = current(g, high[here], high[other], low[here], low[other], emf)
                here += 1
    return found
