"""Loops over the resistors of a circuit: currents, node balances, clusters that close on themselves, dangling ends."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def rounding_of_sum(a, b):
    """What a + b loses to rounding (Knuth's two-sum): a + b is exactly (a + b) + this."""
    total = a + b
    part = total - a
    return (a - (total - part)) + (b - part)


@njit(cache=True, nogil=True)
def edge_currents(tail, head, conductance, emf, high, low):
    """Current of each resistor, tail to head, of the potential high + low; no drop is lost to rounding."""
    current = np.empty(tail.size)
    for e in range(tail.size):
        t, h = tail[e], head[e]
        drop = high[t] - high[h]
        rest = rounding_of_sum(high[t], -high[h]) + rounding_of_sum(drop, emf[e])
        current[e] = conductance[e] * ((drop + emf[e]) + (rest + (low[t] - low[h])))
    return current


@njit(cache=True, nogil=True)
def node_inflow(tail, head, current, count):
    """Net current that flows into each node; zero everywhere when the potentials are exact."""
    inflow = np.zeros(count)
    for e in range(tail.size):
        inflow[head[e]] += current[e]
        inflow[tail[e]] -= current[e]
    return inflow


@njit(cache=True, nogil=True)
def find_root(parent, offset, node):
    """Root of a node's cluster; on return offset[node] is the node's position relative to that root."""
    root = node
    total = 0.0
    while parent[root] != root:
        total += offset[root]
        root = parent[root]
    while parent[node] != root and node != root:
        step, rest = parent[node], total - offset[node]
        parent[node], offset[node] = root, total
        node, total = step, rest
    return root


@njit(cache=True, nogil=True)
def join_clusters(tail, head, offset_of_edge, count, tolerance):
    """Weighted union-find: root of each node, and for each root whether a closed loop has a net displacement."""
    parent = np.arange(count)
    offset = np.zeros(count)
    size = np.ones(count, np.int64)
    winds = np.zeros(count, np.bool_)
    for e in range(tail.size):
        a, b = find_root(parent, offset, tail[e]), find_root(parent, offset, head[e])
        step = offset[tail[e]] + offset_of_edge[e] - offset[head[e]]  # position of b's root seen from a's
        if a == b:
            winds[a] |= abs(step) > tolerance
            continue
        if size[a] < size[b]:
            a, b, step = b, a, -step
        parent[b], offset[b] = a, step
        size[a] += size[b]
        winds[a] |= winds[b]
    for node in range(count):
        find_root(parent, offset, node)
    return parent, winds


@njit(cache=True, nogil=True)
def prune_ends(tail, head, kept):
    """Dangling resistors in the order they fall off; kept nodes never fall. Entry e is (node, resistor)."""
    count = kept.size
    degree = np.zeros(count, np.int64)
    mixed = np.zeros(count, np.int64)  # exclusive or of a node's open resistors: at degree 1 it is the last one
    for e in range(tail.size):
        for node in (tail[e], head[e]):
            degree[node] += 1
            mixed[node] ^= e
    fallen = np.empty((count, 2), np.int64)
    number = 0
    for start in range(count):
        node = start
        while degree[node] == 1 and not kept[node]:
            edge = mixed[node]
            fallen[number, 0], fallen[number, 1] = node, edge
            number += 1
            other = head[edge] if tail[edge] == node else tail[edge]
            degree[node] = 0
            degree[other] -= 1
            mixed[other] ^= edge
            node = other
    return fallen[:number]
