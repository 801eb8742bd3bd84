"""Union-find labelling of a voxel image: one raster scan, then the joints through the periodic boundaries."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def find(parent, node):
    """Return the root of `node`, halving the path on the way."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@njit(cache=True, nogil=True)
def join(parent, one, other):
    """Join two trees and return their root, always the smaller one: labels then keep raster order."""
    one = find(parent, one)
    other = find(parent, other)
    if one < other:
        parent[other] = one
        return one
    parent[one] = other
    return other


@njit(cache=True, nogil=True)
def label_inside(mask, steps, labels, parent):
    """Write provisional labels, joined inside the box, and return the first unused one; `steps` point backwards."""
    nx, ny, nz = mask.shape
    fresh = 1
    for x in range(nx):
        for y in range(ny):
            for z in range(nz):
                if not mask[x, y, z]:
                    continue
                root = 0
                for s in range(steps.shape[0]):
                    u, v, w = x + steps[s, 0], y + steps[s, 1], z + steps[s, 2]
                    if u < 0 or v < 0 or w < 0 or v >= ny or w >= nz or not mask[u, v, w]:
                        continue
                    near = labels[u, v, w]
                    if root == 0:
                        root = find(parent, near)
                    elif near != root:
                        root = join(parent, near, root)
                if root == 0:
                    root = fresh
                    parent[fresh] = fresh
                    fresh += 1
                labels[x, y, z] = root
    return fresh


@njit(cache=True, nogil=True)
def join_boundaries(labels, steps, periodic, parent):
    """Join what touches through a periodic boundary; only voxels in the outer layers are visited."""
    nx, ny, nz = labels.shape
    for x in range(nx):
        for y in range(ny):
            outside = x == 0 or y == 0 or y == ny - 1  # no backward step leaves through the last x
            stride = 1 if outside else max(nz - 1, 1)
            for z in range(0, nz, stride):
                if labels[x, y, z] == 0:
                    continue
                for s in range(steps.shape[0]):
                    u, v, w = x + steps[s, 0], y + steps[s, 1], z + steps[s, 2]
                    leaves_x, leaves_y, leaves_z = u < 0, v < 0 or v >= ny, w < 0 or w >= nz
                    if not (leaves_x or leaves_y or leaves_z):
                        continue
                    if (leaves_x and not periodic[0]) or (leaves_y and not periodic[1]):
                        continue
                    if leaves_z and not periodic[2]:
                        continue
                    near = labels[u % nx, v % ny, w % nz]
                    if near != 0:
                        join(parent, near, labels[x, y, z])


@njit(cache=True, nogil=True)
def renumber(parent, fresh):
    """Turn the trees into consecutive final labels, in place, and return how many there are."""
    count = 0
    for provisional in range(1, fresh):
        # A root is the smallest of its tree, so the label of every parent is already final here.
        if parent[provisional] == provisional:
            count += 1
            parent[provisional] = count
        else:
            parent[provisional] = parent[parent[provisional]]
    return count


@njit(cache=True, nogil=True)
def relabel(labels, final, sizes):
    """Replace provisional by final labels, in place, and count the voxels of each."""
    flat = labels.reshape(-1)
    for i in range(flat.size):
        label = final[flat[i]]
        flat[i] = label
        sizes[label] += 1


def label_clusters(
    mask: NDArray[np.bool_], steps: NDArray[np.int64], periodic: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return labels int32 [x, y, z] and sizes int64 (count + 1,); `steps` is the backward half of the neighbours."""
    nx, ny, nz = mask.shape
    mask = np.ascontiguousarray(mask)  # one memory layout, one compiled kernel
    labels = np.zeros(mask.shape, dtype=np.int32)
    # Two voxels in a row along z never both start a label.
    parent = np.zeros(nx * ny * ((nz + 1) // 2) + 1, dtype=np.int32)
    fresh = label_inside(mask, steps, labels, parent)
    if periodic.any():
        join_boundaries(labels, steps, periodic, parent)
    count = renumber(parent, fresh)
    sizes = np.zeros(count + 1, dtype=np.int64)
    relabel(labels, parent, sizes)
    return labels, sizes
