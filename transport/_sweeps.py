"""Loops of multigrid over one level, block of rows by block: products, smoothing, transfer, sums.

The rows are cut into `blocks` equal blocks, of which a call does `first` to `last`: threads share the blocks, and since
no block reads what another one writes, and each writes its own sum, the result is the same for any number of threads.
Differences x_i - x_j are taken before they are weighted: inside a good conductor they are small.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def cut(block, blocks, size):
    """First row of a block."""
    return block * size // blocks


@njit(cache=True, nogil=True)
def smoothing_diagonal(first, last, blocks, indptr, indices, weight, excess, diagonal):
    """Diagonal of the smoother: links out of the block, which it cuts, count twice (l1 Gauss-Seidel).

    A. Baker, R. Falgout, T. Kolev, U. Yang, SIAM J. Sci. Comput. 33 (2011) 2864.
    """
    for block in range(first, last):
        begin, end = cut(block, blocks, excess.size), cut(block + 1, blocks, excess.size)
        for i in range(begin, end):
            total = np.float64(excess[i])
            for e in range(indptr[i], indptr[i + 1]):
                total += weight[e] if begin <= indices[e] < end else 2.0 * weight[e]
            diagonal[i] = total


@njit(cache=True, nogil=True)
def multiply(first, last, blocks, indptr, indices, weight, excess, x, y):
    """y = A x."""
    for i in range(cut(first, blocks, x.size), cut(last, blocks, x.size)):
        total = excess[i] * x[i]
        for e in range(indptr[i], indptr[i + 1]):
            total += weight[e] * (x[i] - x[indices[e]])
        y[i] = total


@njit(cache=True, nogil=True)
def forward(first, last, blocks, indptr, indices, weight, diagonal, r, x):
    """Gauss-Seidel sweep from zero, rows up."""
    for block in range(first, last):
        begin, end = cut(block, blocks, x.size), cut(block + 1, blocks, x.size)
        for i in range(begin, end):
            total = r[i]
            for e in range(indptr[i], indptr[i + 1]):
                if begin <= indices[e] < i:
                    total += weight[e] * x[indices[e]]
            x[i] = total / diagonal[i]


@njit(cache=True, nogil=True)
def backward(first, last, blocks, indptr, indices, weight, diagonal, r, step):
    """Gauss-Seidel sweep from zero, rows down."""
    for block in range(first, last):
        begin, end = cut(block, blocks, step.size), cut(block + 1, blocks, step.size)
        for i in range(end - 1, begin - 1, -1):
            total = r[i]
            for e in range(indptr[i], indptr[i + 1]):
                if i < indices[e] < end:
                    total += weight[e] * step[indices[e]]
            step[i] = total / diagonal[i]


@njit(cache=True, nogil=True)
def residual(first, last, blocks, indptr, indices, weight, excess, r, x, rest):
    """rest = r - A x."""
    for i in range(cut(first, blocks, x.size), cut(last, blocks, x.size)):
        total = r[i] - excess[i] * x[i]
        for e in range(indptr[i], indptr[i + 1]):
            total -= weight[e] * (x[i] - x[indices[e]])
        rest[i] = total


@njit(cache=True, nogil=True)
def restrict(first, last, blocks, order, begin, rest, coarse):
    """Sum what each aggregate lacks."""
    for here in range(cut(first, blocks, coarse.size), cut(last, blocks, coarse.size)):
        total = 0.0
        for m in range(begin[here], begin[here + 1]):
            total += rest[order[m]]
        coarse[here] = total


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
def inner_products(first, last, blocks, a, b, c, parts):
    """a.b and a.c of each block."""
    for block in range(first, last):
        one, two = 0.0, 0.0
        for i in range(cut(block, blocks, a.size), cut(block + 1, blocks, a.size)):
            one += np.float64(a[i]) * b[i]
            two += np.float64(a[i]) * c[i]
        parts[block, 0], parts[block, 1] = one, two


@njit(cache=True, nogil=True)
def step_down(first, last, blocks, alpha, p, product, x, r, parts):
    """x += alpha p and r -= alpha A p, with the sum of |r| and the largest |r| of each block."""
    for block in range(first, last):
        total, largest = 0.0, 0.0
        for i in range(cut(block, blocks, x.size), cut(block + 1, blocks, x.size)):
            x[i] += alpha * p[i]
            r[i] -= alpha * product[i]
            total += abs(r[i])
            largest = max(largest, abs(r[i]))
        parts[block, 0], parts[block, 1] = total, largest
