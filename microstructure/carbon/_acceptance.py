"""Kernels that put placed aggregates into the final arrays one after another, and refuse those that overlap others."""

from typing import NamedTuple

import numpy as np
from numba import njit

SPREAD = (73856093, 19349663, 83492791)  # Teschner et al. 2003, "Optimized spatial hashing"


class HashedCells(NamedTuple):
    """Cells of at least a primary's diameter, hashed into lists of the primaries in them; empty if none are hard."""

    first: np.ndarray  # int64, a power of two: last primary put into each list, or -1
    following: np.ndarray  # int64 (n,): the one before it
    cells: np.ndarray  # int64 (3,)
    box: np.ndarray
    periodic: np.ndarray
    diameter: float


class Shelf(NamedTuple):
    """The final arrays, and how far they are filled."""

    centres: np.ndarray
    aggregate: np.ndarray
    bond: np.ndarray
    coat: np.ndarray
    tally: np.ndarray  # int64: primaries in, aggregates in, primaries seen, kept of them, refused in a row


PRIMARIES, AGGREGATES, SEEN, KEPT, REFUSED = range(5)


@njit(cache=True)
def insert(shapes, rows, start, parent, coats, centres, keep, shelf, grid, most_refused, refused):
    """Put placed aggregates on the shelf until it is full, or too many in a row overlap what is there."""
    tally, hard = shelf.tally, grid.first.size > 0
    names = np.empty((rows[1:] - rows[:-1]).max(), np.int64)
    for m in range(shapes.size):
        points, kept = centres[rows[m] : rows[m + 1]], keep[rows[m] : rows[m + 1]]
        if hard:
            if tally[PRIMARIES] == shelf.bond.size or tally[REFUSED] >= most_refused:
                return
            refused[m] = blocked(points, kept, shelf.centres, grid)
            if refused[m]:
                tally[REFUSED] += 1
                continue
            tally[REFUSED] = 0
        before = tally[PRIMARIES]
        first = start[shapes[m]]
        for k in range(kept.size):
            names[k] = -1
            tally[SEEN] += 1
            tally[KEPT] += kept[k]
            row = tally[PRIMARIES]
            if not kept[k] or row == shelf.bond.size:
                continue
            names[k] = row
            for d in range(3):
                shelf.centres[row, d] = points[k, d]
            shelf.aggregate[row] = tally[AGGREGATES]
            shelf.bond[row] = -1 if parent[first + k] < 0 else names[parent[first + k]]
            shelf.coat[row] = coats[m]
            tally[PRIMARIES] += 1
            if hard:
                name = cell_name(points[k], 0, 0, 0, grid)
                grid.following[row] = grid.first[name]
                grid.first[name] = row
        if tally[PRIMARIES] > before:
            tally[AGGREGATES] += 1


@njit(cache=True)
def cell_name(point, da, db, dc, grid):
    """The list of the cell of a point, or of one beside it."""
    name = 0
    steps = (da, db, dc)
    for d in range(3):
        index = int(np.floor(point[d] / grid.box[d] * grid.cells[d])) + steps[d]
        if grid.periodic[d]:
            index %= grid.cells[d]
        name ^= index * SPREAD[d]
    return name & (grid.first.size - 1)


@njit(cache=True)
def blocked(points, kept, centres, grid):
    """Whether a kept primary overlaps one that is in already."""
    least = grid.diameter * grid.diameter
    for k in range(kept.size):
        if not kept[k]:
            continue
        for cell in range(27):
            i = grid.first[cell_name(points[k], cell // 9 - 1, cell // 3 % 3 - 1, cell % 3 - 1, grid)]
            while i >= 0:
                square = 0.0
                for d in range(3):
                    delta = points[k, d] - centres[i, d]
                    if grid.periodic[d]:
                        delta -= grid.box[d] * np.rint(delta / grid.box[d])
                    square += delta * delta
                if square < least:
                    return True
                i = grid.following[i]
    return False
