"""Clusters as trees of parents: the root of one, and the union of two."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def find(parent, i):
    """Root of i, halving the path on the way."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True, nogil=True)
def join(parent, one, other):
    """Join two trees below the earlier root, so that roots keep their order; whether they were apart."""
    one, other = find(parent, np.int64(one)), find(parent, np.int64(other))
    if one < other:
        parent[other] = one
    else:
        parent[one] = other
    return one != other
