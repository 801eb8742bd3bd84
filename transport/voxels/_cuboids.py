"""Loops that find cuboids of voxels which conduct nearly evenly: aggregates of sure quality, without a search."""

from __future__ import annotations

import numpy as np
from numba import njit

from transport.solvers._aggregation import ALONE
from transport.voxels._tiles import TILE

PAIR, CHAIN = 2.0, 2.0 - 2.0 * np.cos(np.pi / TILE)  # smallest eigenvalues above 0 of 2 and `TILE` nodes in a row


@njit(cache=True, nogil=True)
def cuboids(first, last, grid, inverse, kappa):
    """Number the good cuboids of 2 x 2 x `TILE` voxels of some lines, by row; ALONE for a row in none.

    Eigenvalues of a lattice are sums of those of its chains. With v the smallest above zero, of the weakest links, and
    d the largest diagonal, x' D x <= d x' x <= d / v x' A x for every x of mean zero: the quality is d / v or better.
    `inverse` is 1 / diagonal of each row of the level.
    """
    low, high = grid.lines[first], grid.lines[last]
    number = np.full(TILE * (high - low), ALONE, np.int32)
    four = np.empty(4, np.int64)
    found = 0
    for line in range(first, last):
        if grid.order[line] // grid.shape[1] % 2 == 1 or grid.order[line] % grid.shape[1] % 2 == 1:
            continue
        for tile in range(grid.lines[line], grid.lines[line + 1]):
            beside, behind = grid.near[tile, 1], grid.near[tile, 3]
            four[0], four[1], four[2], four[3] = tile, beside, behind, grid.near[beside, 3]
            if tile < four[1:].min() and four.max() < high and kappa * evenness(four, grid, inverse) >= 1.0:
                for corner in four:
                    number[TILE * (corner - low) : TILE * (corner - low + 1)] = found
                found += 1
    return number


@njit(cache=True, nogil=True)
def evenness(four, grid, inverse):
    """Smallest eigenvalue above zero, or less, over the largest diagonal.

    Of four tiles: one, the next along x, and those behind these two along y.
    """
    least = slowest = np.inf
    for corner in range(4):
        for k in range(TILE):
            row = TILE * four[corner] + k
            least = min(least, inverse[row])
            if k < TILE - 1:
                slowest = min(slowest, CHAIN * grid.table[2, grid.z[row]])
            if corner % 2 == 0:
                slowest = min(slowest, PAIR * grid.table[0, grid.x[row]])
            if corner < 2:
                slowest = min(slowest, PAIR * grid.table[1, grid.y[row]])
    return slowest * least
