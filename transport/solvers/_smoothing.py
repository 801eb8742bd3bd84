"""Loops of multigrid over one level, block of rows by block: products, smoothing, transfer, sums.

The rows are cut into `blocks` equal blocks, of which a call does `first` to `last`: threads share the blocks, and since
no block reads what another one writes, and each writes its own sum, the result is the same for any number of threads.
Differences x_i - x_j are taken before they are weighted: inside a good conductor they are small.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from transport.solvers._circuit import rounding_of_sum


@njit(cache=True, nogil=True)
def cut(block, blocks, size):
    """First row of a block."""
    return block * size // blocks


@njit(cache=True, nogil=True)
def entries(begin, end):
    """Places in an array, of which the compiler knows that none is negative: half the time of a loop over links."""
    return range(np.uint64(begin), np.uint64(end))


@njit(cache=True, nogil=True)
def arrange(first, last, blocks, indptr, lower, inner, indices, weight):
    """Order each row's links (in place): to rows before it, to `lower`; after it, to `inner`; out of its block."""
    for block in range(first, last):
        begin, end = cut(block, blocks, lower.size), cut(block + 1, blocks, lower.size)
        for i in range(begin, end):
            low = mid = indptr[i]
            for e in range(indptr[i], indptr[i + 1]):
                j, link = indices[e], weight[e]
                if begin <= j < end:
                    indices[e], weight[e] = indices[mid], weight[mid]
                    indices[mid], weight[mid] = j, link
                    if j < i:
                        indices[mid], weight[mid] = indices[low], weight[low]
                        indices[low], weight[low] = j, link
                        low += 1
                    mid += 1
            lower[i], inner[i] = low, mid


@njit(cache=True, nogil=True)
def invert_diagonal(first, last, blocks, indptr, lower, inner, indices, weight, excess, inverse):
    """Inverse diagonal of the smoother: links out of the block, which it cuts, count twice (l1 Gauss-Seidel).

    A. Baker, R. Falgout, T. Kolev, U. Yang, SIAM J. Sci. Comput. 33 (2011) 2864.
    """
    for i in range(cut(first, blocks, excess.size), cut(last, blocks, excess.size)):
        total = np.float64(excess[i])
        for e in entries(indptr[i], inner[i]):
            total += weight[e]
        for e in entries(inner[i], indptr[i + 1]):
            total += 2.0 * weight[e]
        inverse[i] = 1.0 / total if total > 0.0 else 0.0


@njit(cache=True, nogil=True)
def product_in_row(i, indptr, indices, weight, excess, x):
    """(A x) of one row, by differences."""
    total = excess[i] * x[i]
    for e in entries(indptr[i], indptr[i + 1]):
        total += weight[e] * (x[i] - x[indices[e]])
    return total


@njit(cache=True, nogil=True)
def multiply(first, last, blocks, indptr, lower, inner, indices, weight, excess, x, b, y, parts):
    """y = A x; x.A x and b.x of each block."""
    for block in range(first, last):
        energy, product = 0.0, 0.0
        for i in range(cut(block, blocks, x.size), cut(block + 1, blocks, x.size)):
            y[i] = product_in_row(i, indptr, indices, weight, excess, x)
            energy += np.float64(x[i]) * y[i]
            product += np.float64(b[i]) * x[i]
        parts[block, 0], parts[block, 1] = energy, product


@njit(cache=True, nogil=True)
def step(first, last, blocks, alpha, volts, p, product, high, low, r, parts):
    """high + low += alpha p in volts, to the last bit; r -= alpha A p, with the sum of |r| in each block."""
    alpha, way = np.float64(alpha), np.float64(alpha * volts)  # a number of Python would take on the vectors' precision
    for block in range(first, last):
        total = 0.0
        for i in range(cut(block, blocks, p.size), cut(block + 1, blocks, p.size)):
            more = low[i] + way * p[i]
            low[i] = rounding_of_sum(high[i], more)
            high[i] += more
            r[i] -= alpha * product[i]
            total += np.float64(abs(r[i]))
        parts[block] = total


@njit(cache=True, nogil=True)
def scale(first, last, blocks, divisor, r, out):
    """out = r / divisor, in its precision."""
    for i in range(cut(first, blocks, r.size), cut(last, blocks, r.size)):
        out[i] = r[i] / divisor


@njit(cache=True, nogil=True)
def forward(first, last, blocks, indptr, lower, inner, indices, weight, excess, inverse, r, x):
    """Gauss-Seidel sweep from zero, rows up."""
    for i in range(cut(first, blocks, x.size), cut(last, blocks, x.size)):
        total = r[i]
        for e in entries(indptr[i], lower[i]):
            total += weight[e] * x[indices[e]]
        x[i] = total * inverse[i]


@njit(cache=True, nogil=True)
def restrict(first, last, blocks, indptr, lower, inner, indices, weight, excess, x, aggregate, starts, coarse):
    """Sum r - A x over each aggregate, where x is the forward sweep of r: what rows after, and other blocks, add.

    The aggregates of a block are numbered from `starts[block]` on.
    """
    for block in range(first, last):
        coarse[starts[block] : starts[block + 1]] = 0
        for i in range(cut(block, blocks, x.size), cut(block + 1, blocks, x.size)):
            rest = x[i] - x[i]
            for e in entries(lower[i], inner[i]):
                rest += weight[e] * x[indices[e]]
            for e in entries(inner[i], indptr[i + 1]):
                rest += weight[e] * (x[i] + x[indices[e]])
            if aggregate[i] >= 0:
                coarse[aggregate[i]] += rest


@njit(cache=True, nogil=True)
def backward(first, last, blocks, indptr, lower, inner, indices, weight, excess, inverse, r, x, swept):
    """One Gauss-Seidel sweep of A x = r, rows down, from x to `swept`."""
    for block in range(first, last):
        begin, end = cut(block, blocks, x.size), cut(block + 1, blocks, x.size)
        swept[begin:end] = x[begin:end]
        for row in range(end - begin):
            i = np.uint64(end - 1 - row)
            here = x[i]
            rest = r[i] - excess[i] * here
            for e in entries(indptr[i], inner[i]):
                rest -= weight[e] * (here - swept[indices[e]])
            for e in entries(inner[i], indptr[i + np.uint64(1)]):
                rest -= weight[e] * (here - x[indices[e]])
            swept[i] = here + rest * inverse[i]


@njit(cache=True, nogil=True)
def prolong(first, last, blocks, aggregate, coarse, x):
    """Add its aggregate's value to each node."""
    for i in range(cut(first, blocks, x.size), cut(last, blocks, x.size)):
        if aggregate[i] >= 0:
            x[i] += coarse[aggregate[i]]


@njit(cache=True, nogil=True)
def combine(first, last, blocks, a, x, b, y, out):
    """out = a x + b y; out may be x or y."""
    for i in range(cut(first, blocks, x.size), cut(last, blocks, x.size)):
        out[i] = a * x[i] + b * y[i]


@njit(cache=True, nogil=True)
def inner_product(first, last, blocks, a, b, parts):
    """a.b of each block."""
    for block in range(first, last):
        total = 0.0
        for i in range(cut(block, blocks, a.size), cut(block + 1, blocks, a.size)):
            total += np.float64(a[i]) * b[i]
        parts[block] = total
