"""Winding union-find of clusters that are cut open along one axis and meet again through its periodic boundary."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def find_winding(parent, winding, node):
    """Return the root of `node` after hanging it directly below; `winding[node]` is then relative to the root."""
    root = node
    total = 0
    while parent[root] != root:
        total += winding[root]
        root = parent[root]
    while parent[node] != node:
        above, step = parent[node], winding[node]
        parent[node], winding[node] = root, total
        total -= step
        node = above
    return root


@njit(cache=True, nogil=True)
def wrapping_labels(last, first, steps, periodic, count):
    """Return for each label whether its cluster closes on itself when `last` is followed by `first`.

    `last` and `first` are the labels of the outer layers, `steps` the lateral steps (n, 2) of a neighbour in the
    next layer, `periodic` the two lateral flags. Inside the cut-open box every label has winding 0, so each joint
    counts one turn; two different counts for the same pair of labels are a closed way round.
    """
    parent = np.arange(count + 1)
    winding = np.zeros(count + 1, dtype=np.int64)
    wraps = np.zeros(count + 1, dtype=np.bool_)
    ny, nz = last.shape
    for y in range(ny):
        for z in range(nz):
            if last[y, z] == 0:
                continue
            for s in range(steps.shape[0]):
                v, w = y + steps[s, 0], z + steps[s, 1]
                if (v < 0 or v >= ny) and not periodic[0]:
                    continue
                if (w < 0 or w >= nz) and not periodic[1]:
                    continue
                here, there = last[y, z], first[v % ny, w % nz]
                if there == 0:
                    continue
                one, other = find_winding(parent, winding, here), find_winding(parent, winding, there)
                turns = winding[here] + 1 - winding[there]
                if one == other:
                    wraps[one] |= turns != 0
                else:
                    parent[other], winding[other] = one, turns
                    wraps[one] |= wraps[other]
    for label in range(1, count + 1):
        wraps[label] = wraps[find_winding(parent, winding, label)]
    return wraps
