"""Loops that gather unknowns into aggregates of sure quality, and the coarse graph that these aggregates make.

A level is a graph: `weight` of each link (CSR, both directions, above zero) and `excess`, the conductance of each node
to the ground. Its matrix has the sums of a row's weights and excess on the diagonal, and minus the weights beside it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from transport.solvers._smoothing import entries

PASSES = 4  # of merging in pairs
MOST = 2**PASSES  # members of an aggregate
NOWHERE = MOST  # place of a node that is no member
ALONE = -1  # of a node that no aggregate takes in: its ground holds it, smoothing alone is enough
APART = -2  # of a node that seeks no partner: it stays alone, or its aggregate is known
TRIES = 2  # partners that are checked, best first
PLAUSIBLE = 0.5  # of kappa, seen with one value on each part: above it one union in sixteen was good in three images
BETTER = 0.95  # of the best partner's kappa: nearly equal ones keep the order of the grid, so that pairs line up
SLACK = 1e-6  # a pivot that rounding of the levels below, in single precision, explains


@njit(cache=True, nogil=True)
def merit(weight, diagonal, other, excess, next_excess):
    """Smallest kappa at which two parts may merge, seen with one value on each: never above the true one."""
    across = weight
    if excess > 0.0 and next_excess > 0.0:
        across += excess * next_excess / (excess + next_excess)
    return diagonal * other / ((diagonal + other) * across)


@njit(cache=True, nogil=True)
def is_good(members, count, once, excess, diagonal, kappa, place, work):
    """Whether kappa A_G - D + D 1 1' D / 1' D 1 is positive semi-definite, by the pivots of its upper triangle.

    A_G is the aggregate by itself, with its links to the ground, D the level's own diagonal. Of `once`, node i has the
    links from start[i] to end[i]: each link is listed by one of its two nodes. `place` is `NOWHERE` for every node,
    before and after.
    Y. Notay, A. Napov, SIAM J. Sci. Comput. 34 (2012) A1079, theorem 3.2.
    """
    start, end, head, link = once
    last = np.uint64(count - 1)
    width = np.uint64(MOST if count > MOST // 2 else MOST // 2)  # loops of few lengths are fast
    own = work[MOST]
    own[:] = 0.0
    total = 0.0
    grounded = False
    for a in entries(0, count):
        node = members[a]
        place[node] = a
        own[a] = diagonal[node]
        total += own[a]
        grounded |= excess[node] > 0.0
    for a in entries(0, count):
        row, share = work[a], own[a] / total
        for b in entries(0, width):
            row[b] = share * own[b]
        row[a] += kappa * excess[members[a]] - own[a]
    for a in entries(0, count):
        node = members[a]
        for e in entries(start[node], end[node]):
            b = np.uint64(place[head[e]])
            if b < NOWHERE:
                weight = kappa * link[e]
                work[min(a, b), max(a, b)] -= weight
                work[a, a] += weight
                work[b, b] += weight
    for a in entries(0, count):
        place[members[a]] = NOWHERE
    for a in entries(0, count if grounded else count - 1):  # without ground the constant is in the null space
        row = work[a]
        pivot = row[a]
        scale = SLACK * kappa * own[a]
        if pivot < scale:
            return a == last and pivot > -scale
        inverse = 1.0 / pivot
        for b in entries(a + np.uint64(1), count if grounded else count - 1):
            below, factor = work[b], row[b] * inverse
            for c in entries(0, width):  # of which only those from b on count
                below[c] -= factor * row[c]
    return True


@njit(cache=True, nogil=True)
def gather(indptr, indices, weight, excess, kappa, low, high, first, known, aggregate):
    """Write the aggregate of each row (counted from 0).

    Return the graph of the aggregates: links inside the part as CSR, conductances to the ground, and links to rows of
    other parts as row (of the part), other row (of the level), and weight. The rows are a part, from row `first` of the
    level, of the block from row `low` to `high`; `indices` count from the level's first row. Links out of the block
    count twice, as they do in the smoother, which cuts them. Rows of which an aggregate is `known` (a number that they
    share, or ALONE) keep it. Of the others, pairs merge in turn, best partner first, if the whole union is good.
    Aggregates are numbered in the order of their first rows.
    """
    diagonal, once, outer = split(indptr, indices, weight, excess, low, high, first)
    fine = (once[0], once[2], once[3])
    part, count = seekers(diagonal, excess, known, kappa)
    members, counts = np.flatnonzero(part >= 0).astype(np.uint32).reshape(count, 1), np.ones(count, np.int8)
    graph, weights, grounds, merged = fine, diagonal, excess, part
    place, work = np.full(part.size, NOWHERE, np.uint8), np.empty((MOST + 1, MOST))
    for _ in range(PASSES):
        order, begin = sort_by(merged, 0, count)
        weights = sum_by(order, begin, weights)
        graph, grounds = coarsen(order, begin, graph, grounds, merged)
        merged, count = merge(graph, weights, grounds, members, counts, once, excess, diagonal, kappa, place, work)
        members, counts = regroup(members, counts, merged, count)
        for node in range(part.size):
            if part[node] >= 0:
                part[node] = merged[part[node]]
    count = renumber(part, known, count, aggregate)
    order, begin = sort_by(aggregate, 0, count)
    graph, grounds = coarsen(order, begin, fine, excess, aggregate)
    return (graph[0], graph[1], graph[2].astype(np.float32)), grounds, outer


@njit(cache=True, nogil=True)
def split(indptr, indices, weight, excess, low, high, first):
    """Diagonal of each row of a part, its links inside, and those to rows of other parts, as `gather` returns them.

    Inside, row i has the links from start[i], to rows after it until end[i], then to rows before it.
    """
    size = excess.size
    diagonal = np.empty(size)
    start, end = np.empty(size + 1, np.int64), np.empty(size, np.int64)
    start[0] = inner = 0
    for node in range(size):
        total = 0.0
        after = 0
        for e in entries(indptr[node], indptr[node + 1]):
            total += weight[e] if low <= indices[e] < high else 2.0 * weight[e]
            after += first + node < indices[e] < first + size
            inner += first <= indices[e] < first + size
        end[node] = start[node] + after
        start[node + 1] = inner
        diagonal[node] = total + excess[node]
    head, link = np.empty(inner, np.uint32), np.empty(inner)
    leaving = indptr[size] - inner
    outer = (np.empty(leaving, np.uint32), np.empty(leaving, np.uint32), np.empty(leaving, np.float32))
    left = 0
    for node in range(size):
        after, before = start[node], end[node]
        for e in entries(indptr[node], indptr[node + 1]):
            if first + node < indices[e] < first + size:
                head[after], link[after] = indices[e] - first, weight[e]
                after += 1
            elif first <= indices[e] < first + size:
                head[before], link[before] = indices[e] - first, weight[e]
                before += 1
            else:
                outer[0][left], outer[1][left], outer[2][left] = node, indices[e], weight[e]
                left += 1
    return diagonal, (start, end, head, link), outer


@njit(cache=True, nogil=True)
def seekers(diagonal, excess, known, kappa):
    """Number the rows that seek partners, and return how many; APART for those that the ground holds, and the known."""
    part = np.empty(excess.size, np.int32)
    count = 0
    for node in range(part.size):
        links = diagonal[node] - excess[node]
        held = excess[node] * (kappa - 2.0) >= 2.0 * links  # the diagonal is kappa / (kappa - 2) links or more
        part[node] = APART if held or known[node] >= 0 else count
        count += part[node] == count
    return part, count


@njit(cache=True, nogil=True)
def merge(graph, weights, grounds, members, counts, once, excess, diagonal, kappa, place, work):
    """Number the pairs of parts that may merge; a part without a partner goes on alone."""
    indptr, indices, weight = graph
    merged = np.full(counts.size, ALONE, np.int32)
    union = np.empty(MOST, np.uint32)
    best = np.empty(TRIES, np.int64)
    value = np.empty(TRIES)
    number = 0
    for here in range(counts.size):
        if merged[here] != ALONE:
            continue
        found = 0
        for e in entries(indptr[here], indptr[here + 1]):
            other = indices[e]
            if merged[other] != ALONE:
                continue
            quality = merit(weight[e], weights[here], weights[other], grounds[here], grounds[other])
            if quality > (kappa if counts[here] + counts[other] == 2 else PLAUSIBLE * kappa):
                continue
            slot = found if found < TRIES else TRIES - 1
            if found == TRIES and quality >= BETTER * value[slot]:
                continue
            while slot > 0 and quality < BETTER * value[slot - 1]:
                value[slot], best[slot] = value[slot - 1], best[slot - 1]
                slot -= 1
            value[slot], best[slot] = quality, other
            found = min(found + 1, TRIES)
        partner = -1
        for slot in range(found):
            other = best[slot]
            mine, its = counts[here], counts[other]
            for a in range(mine):
                union[a] = members[here, a]
            for a in range(its):
                union[mine + a] = members[other, a]
            if mine + its == 2 or is_good(union, mine + its, once, excess, diagonal, kappa, place, work):
                partner = other
                break
        merged[here] = number
        if partner >= 0:
            merged[partner] = number
        number += 1
    return merged, number


@njit(cache=True, nogil=True)
def renumber(part, known, count, aggregate):
    """Number the parts, and the aggregates that were known, in the order of their first rows; return how many."""
    number = np.full(count + known.size, ALONE, np.int32)
    found = 0
    for node in range(part.size):
        aggregate[node] = ALONE
        if part[node] >= 0 or known[node] >= 0:
            name = part[node] if part[node] >= 0 else count + known[node]
            if number[name] == ALONE:
                number[name] = found
                found += 1
            aggregate[node] = number[name]
    return found


@njit(cache=True, nogil=True)
def regroup(members, counts, merged, count):
    """Members of each merged part."""
    wide = np.zeros((count, 2 * members.shape[1]), np.uint32)
    sizes = np.zeros(count, np.int8)
    for here in range(counts.size):
        into = merged[here]
        for a in range(counts[here]):
            wide[into, sizes[into]] = members[here, a]
            sizes[into] += 1
    return wide, sizes


@njit(cache=True, nogil=True)
def coarsen(order, begin, graph, excess, aggregate):
    """Graph of aggregates and their conductances to the ground, to which links to ALONE go; links to APART are dropped.

    `order` and `begin` sort the rows by aggregate.
    """
    indptr, indices, weight = graph
    count = begin.size - 1
    seen = np.full(count, -1, np.int64)  # where the link to each aggregate is
    start = np.empty(count + 1, np.int64)
    ground = sum_by(order, begin, excess)
    head = np.empty(indices.size, np.uint32)
    link = np.empty(indices.size)
    start[0] = filled = 0
    for here in range(count):
        opened = filled
        for m in entries(begin[here], begin[here + 1]):
            node = order[m]
            for e in entries(indptr[node], indptr[node + 1]):
                other = aggregate[indices[e]]
                if other == ALONE:
                    ground[here] += weight[e]
                elif other != APART and other != here:
                    at = seen[np.uint64(other)]
                    if at < opened:
                        at = filled
                        seen[np.uint64(other)] = at
                        head[at], link[at] = other, 0.0
                        filled += 1
                    link[at] += weight[e]
        start[here + 1] = filled
    return (start, head[:filled].copy(), link[:filled].copy()), ground


@njit(cache=True, nogil=True)
def attach(graph, ground, outer, own, low, aggregate):
    """Links of the aggregates from `low` on, those of a part, to all; conductances to the ground are added in place.

    `graph`, `ground` and `outer` are what `gather` found; `own` is the aggregate of each row of the part, `aggregate`
    that of every row of the level.
    """
    indptr, indices, weight = graph
    row, beyond, leaving = outer
    order, begin = sort_by(own[row], low, ground.size)
    degree = np.empty(ground.size, np.int64)
    head = np.empty(indices.size + order.size, np.uint32)
    link = np.empty(head.size)
    filled = 0
    for here in range(ground.size):
        opened = filled
        for e in entries(indptr[here], indptr[here + 1]):
            head[filled], link[filled] = low + indices[e], weight[e]
            filled += 1
        known = filled
        for m in entries(begin[here], begin[here + 1]):
            other = aggregate[beyond[order[m]]]
            if other == ALONE:
                ground[here] += leaving[order[m]]
                continue
            at = known
            while at < filled and head[at] != other:
                at += 1
            if at == filled:
                head[at], link[at] = other, 0.0
                filled += 1
            link[at] += leaving[order[m]]
        degree[here] = filled - opened
    return degree, head[:filled].copy(), link[:filled].astype(np.float32)


@njit(cache=True, nogil=True)
def sum_by(order, begin, values):
    """Sum of the values of each aggregate's rows."""
    sums = np.zeros(begin.size - 1)
    for here in range(sums.size):
        for m in entries(begin[here], begin[here + 1]):
            sums[here] += values[order[m]]
    return sums


@njit(cache=True, nogil=True)
def sort_by(own, low, count):
    """Rows in the order of their aggregates, and where each aggregate begins; rows without one are left out."""
    begin = np.zeros(count + 1, np.int64)
    for node in range(own.size):
        if own[node] >= 0:
            begin[own[node] - low + 1] += 1
    for here in range(count):
        begin[here + 1] += begin[here]
    order = np.empty(begin[count], np.uint32)
    filled = begin[:-1].copy()
    for node in range(own.size):
        if own[node] >= 0:
            order[filled[own[node] - low]] = node
            filled[own[node] - low] += 1
    return order, begin
