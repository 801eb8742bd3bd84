"""Kernels that cut a voxel image into runs along its last axis, and join runs that touch into clusters."""

from typing import NamedTuple

import numpy as np
from numba import config, njit, types
from numba.extending import intrinsic

from percolation._union_find import join

ONE, LAST = np.uint64(1), np.uint64(63)


class Runs(NamedTuple):
    """Runs of True voxels in raster order: row r = x * ny + y holds the runs start[r] to start[r + 1]."""

    start: np.ndarray  # int64 (rows + 1,)
    ends: np.ndarray  # uint16 or int32 (runs, 2): first voxel of a run along z, and the one behind its last
    bits: np.ndarray  # uint64 (rows, words): one bit a voxel, the first in the lowest bit
    parent: np.ndarray  # int32 (runs,): an earlier run of the same cluster, at last its label


class RunLattice(NamedTuple):
    """The shape of an image, which axes are periodic, and the rows that can touch a row from before it."""

    nx: int
    ny: int
    nz: int
    periodic: np.ndarray  # bool (3,)
    rows: np.ndarray  # int64 (n, 3): steps along x and y to such a row, and 1 if runs also touch by their ends


if config.DISABLE_JIT:

    def count_bits(word):
        """How many bits of a word are set."""
        return np.uint64(word.bit_count())

else:

    @intrinsic
    def count_bits(_, word):
        """How many bits of a word are set."""

        def generate(_, builder, __, arguments):
            return builder.ctpop(arguments[0])

        return types.uint64(types.uint64), generate


@njit(cache=True, nogil=True)
def count_runs(first, last, bits, counts):
    """How many runs each row has."""
    for r in range(first, last):
        number, before = np.uint64(0), np.uint64(0)
        for w in range(bits.shape[1]):
            word = bits[r, w]
            number += count_bits(word & ~((word << ONE) | before))
            before = word >> LAST
        counts[r] = number


@njit(cache=True, nogil=True)
def find_runs(first, last, bits, start, ends, length):
    """Where each run begins and ends; rows are `length` voxels long."""
    for r in range(first, last):
        own, place, before = ends[start[r] : start[r + 1]].reshape(-1), 0, np.uint64(0)
        for w in range(bits.shape[1]):
            word = bits[r, w]
            changes = word ^ ((word << ONE) | before)
            before = word >> LAST
            while changes != 0:
                own[place] = 64 * w + np.int64(count_bits(changes ^ (changes - ONE))) - 1
                place += 1
                changes &= changes - ONE
        if place < own.size:
            own[place] = length


@njit(cache=True)
def shifted(row, w, shift):
    """Word w of a row of bits that is moved by one voxel up or down, or not at all."""
    word = row[w]
    if shift > 0:
        return (word << ONE) | (row[w - 1] >> LAST if w > 0 else np.uint64(0))
    if shift < 0:
        return (word >> ONE) | (row[w + 1] << LAST if w + 1 < row.size else np.uint64(0))
    return word


@njit(cache=True)
def join_rows(runs, one, other, shift):
    """Join the runs of a row with those of another that overlap them once moved by `shift` voxels.

    Where both have a voxel a common run begins; bits below it tell the numbers of both runs. No branch depends on
    single voxels but that on the next common run.
    """
    mine, theirs = runs.bits[one], runs.bits[other]
    i, j = runs.start[one] - 1, runs.start[other] - 1
    if shift < 0 and theirs[0] & np.uint64(3) == ONE:
        j += 1  # a run of one voxel is moved out of the row
    before_i, before_j, before = np.uint64(0), np.uint64(0), np.uint64(0)
    for w in range(mine.size):
        a, b = mine[w], shifted(theirs, w, shift)
        begin_i, begin_j = a & ~((a << ONE) | before_i), b & ~((b << ONE) | before_j)
        both = a & b
        begin = both & ~((both << ONE) | before)
        while begin != 0:
            below = begin ^ (begin - ONE)  # and the bit itself
            join(runs.parent, i + count_bits(begin_i & below), j + count_bits(begin_j & below))
            begin &= begin - ONE
        i += np.int64(count_bits(begin_i))
        j += np.int64(count_bits(begin_j))
        before_i, before_j, before = a >> LAST, b >> LAST, both >> LAST


@njit(cache=True)
def join_borders(runs, one, other, nz):
    """Join the last run of one row with the first of another through the periodic boundary of the last axis."""
    first, last = runs.start[other], runs.start[one + 1] - 1
    if last < runs.start[one] or first == runs.start[other + 1]:
        return
    if runs.ends[last, 1] == nz and runs.ends[first, 0] == 0:
        join(runs.parent, last, first)


@njit(cache=True)
def join_layer(runs, lattice, x, within):
    """Join the rows of layer x with each other (`within`), or with the layer before."""
    for y in range(lattice.ny):
        one = x * lattice.ny + y
        if runs.start[one] == runs.start[one + 1]:
            continue
        if within and lattice.periodic[2]:
            join_borders(runs, one, one, lattice.nz)
        for k in range(lattice.rows.shape[0]):
            u, v, reach = x + lattice.rows[k, 0], y + lattice.rows[k, 1], lattice.rows[k, 2]
            if (lattice.rows[k, 0] == 0) != within:
                continue
            if ((v < 0 or v >= lattice.ny) and not lattice.periodic[1]) or (u < 0 and not lattice.periodic[0]):
                continue
            other = u % lattice.nx * lattice.ny + v % lattice.ny
            for shift in range(-reach, reach + 1):
                join_rows(runs, one, other, shift)
            if reach == 1 and lattice.periodic[2]:
                join_borders(runs, one, other, lattice.nz)
                join_borders(runs, other, one, lattice.nz)


@njit(cache=True, nogil=True)
def join_slabs(first, last, runs, lattice, bounds):
    """Join the runs that touch inside slabs of layers.

    Each slab touches only its own runs, and the earlier root wins every time: any number of threads, same trees' roots.
    """
    for slab in range(first, last):
        for x in range(bounds[slab], bounds[slab + 1]):
            join_layer(runs, lattice, x, True)
            if x > bounds[slab]:
                join_layer(runs, lattice, x, False)


@njit(cache=True)
def join_seams(runs, lattice, bounds):
    """Join the runs that touch from slab to slab, once all slabs are done."""
    for slab in range(bounds.size - 1):
        join_layer(runs, lattice, bounds[slab], False)


@njit(cache=True)
def number_clusters(parent):
    """Turn the trees into labels 1, 2, ... in place, in the order of first runs; gives their number."""
    count = 0
    for run in range(parent.size):
        if parent[run] == run:
            count += 1
            parent[run] = count
        else:
            # a parent comes before its child, so that it is a label already
            parent[run] = parent[parent[run]]
    return count


@njit(cache=True)
def count_voxels(runs, sizes):
    """Add up the voxels of each label."""
    for run in range(runs.parent.size):
        sizes[runs.parent[run]] += runs.ends[run, 1] - runs.ends[run, 0]


@njit(cache=True, nogil=True)
def paint(first, last, mask, runs, values, image):
    """Write the value of each run's label into its voxels, and that of label 0 elsewhere; images are (rows, nz)."""
    for r in range(first, last):
        row, out, run, before = mask[r], image[r], runs.start[r] - 1, np.uint8(0)
        for z in range(row.size):
            run += row[z] & (before ^ 1)
            before = row[z]
            out[z] = values[runs.parent[max(run, 0)] * row[z]]


@njit(cache=True)
def paint_labels(runs, first, step, image):
    """Write labels into the rows first, first + step, ...; image is (number of rows, nz)."""
    for k in range(image.shape[0]):
        image[k] = 0
        row = first + k * step
        for run in range(runs.start[row], runs.start[row + 1]):
            image[k, runs.ends[run, 0] : runs.ends[run, 1]] = runs.parent[run]


@njit(cache=True)
def end_labels(runs, z, labels):
    """The label at place z of every row, for the first or the last z; labels is (rows,)."""
    for row in range(labels.size):
        labels[row] = 0
        if runs.start[row] == runs.start[row + 1]:
            continue
        run = runs.start[row] if z == 0 else runs.start[row + 1] - 1
        if runs.ends[run, 0] <= z < runs.ends[run, 1]:
            labels[row] = runs.parent[run]
