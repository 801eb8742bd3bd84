"""Newman and Ziff's insertion of lattice sites, with a union-find that counts how often a path wound round the box."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import config, njit, types
from numba.extending import intrinsic

# A node is one int64, so that it costs one access to memory. Its upper half is the site it depends on, or at a root
# minus the size of its tree. Its lower half is its periodic image relative to that site, or at a root the outer faces
# that its tree touches. An image is three counts of boxes, modulo 512, each with a guard bit that stops the carry:
# only a path that closes for the first time after winding a multiple of 512 times would be missed.
HALF = 32
LOWER = np.int64((1 << HALF) - 1)
ONE = np.int64(1) << HALF
SLOT = 10
FIELD = np.int64(511)
IMAGE = np.int64(511 | 511 << SLOT | 511 << 2 * SLOT)
GUARDS = np.int64(512 | 512 << SLOT | 512 << 2 * SLOT)
FACES = np.int64(63)

# Columns of a run's result [number of sites]: wraps along x, y, z; spans along x, y, z; jump of the largest cluster.
SPAN = 3
JUMP = 6

AHEAD = 16  # sites whose nodes are asked for before their turn: halves the time of 256^3 [measured], 8 to 32 are alike


class SiteLattice(NamedTuple):
    """A box of sites; from `low` to `high` all neighbours are `offsets` away, and the outer faces are `inner`."""

    edges: tuple[int, int, int]  # [sites]
    periodic: tuple[bool, bool, bool]
    low: tuple[int, int, int]  # [sites]
    high: tuple[int, int, int]  # [sites]
    inner: int  # bits of touch_faces
    steps: np.ndarray  # int64 (n, 3) [sites]
    offsets: np.ndarray  # int64 (n,) [sites]


if config.DISABLE_JIT:

    def prefetch(array, index):
        """Nothing to ask for: Python waits far longer for itself than for memory."""

else:

    @intrinsic
    def prefetch(context, array, index):
        """Ask for an element of an array before it is needed; the processor does not wait for it."""

        def generate(context, builder, signature, arguments):
            number, byte = ir.IntType(32), ir.IntType(8).as_pointer()
            data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            place = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
            kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
            call = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
            builder.call(call, [place, number(0), number(3), number(1)])  # to read, keep in all caches, data
            return context.get_dummy_value()

        return types.void(array, types.intp), generate


@njit(cache=True, nogil=True)
def find_root(nodes, site):
    """Return the root of `site` and its image relative to that root, and halve the path on the way."""
    image = np.int64(0)
    node = nodes[site]
    while node >= 0:
        above = node >> HALF
        upper = nodes[above]
        if upper < 0:
            return above, (image + node) & IMAGE
        node = (upper & ~LOWER) | ((node + upper) & IMAGE)
        nodes[site] = node
        image = (image + node) & IMAGE
        site = node >> HALF
        node = nodes[site]
    return site, image


@njit(cache=True, nogil=True)
def hang(nodes, root, branch, image):
    """Hang the tree of `branch`, seen in `image`, below `root`."""
    one, other = nodes[root], nodes[branch]
    nodes[root] = ((one & ~LOWER) + (other & ~LOWER)) | ((one | other) & FACES)
    nodes[branch] = (root << HALF) | image


@njit(cache=True, nogil=True)
def touch_faces(position, lattice):
    """Return the outer faces of the free axes on which a site lies, as bits: low x, high x, low y, ..."""
    bits = np.int64(0)
    for a in range(3):
        if not lattice.periodic[a]:
            if position[a] == 0:
                bits |= 1 << (2 * a)
            if position[a] == lattice.edges[a] - 1:
                bits |= 2 << (2 * a)
    return bits


@njit(cache=True, nogil=True)
def step_over(position, step, lattice):
    """Return the site one step away, or -1 outside the box, and the image that it lies in."""
    site, crossing = np.int64(0), np.int64(0)
    for a in range(3):
        edge = lattice.edges[a]
        moved = position[a] + step[a]
        if moved < 0 or moved >= edge:
            if not lattice.periodic[a]:
                return np.int64(-1), crossing
            boxes = 1 if moved > 0 else -1
            crossing |= (boxes & FIELD) << (a * SLOT)
            moved -= boxes * edge
        site = site * edge + moved
    return site, crossing


@njit(cache=True, nogil=True)
def locate(site, lattice):
    """Return the coordinates of a site; divided without a sign, which is faster."""
    row = np.uint32(lattice.edges[2])
    layer = np.uint32(lattice.edges[1] * lattice.edges[2])
    x = np.uint32(site) // layer
    rest = np.uint32(site) - x * layer
    y = rest // row
    return np.int64(x), np.int64(y), np.int64(rest - y * row)


@njit(cache=True, nogil=True)
def add_site(site, lattice, nodes, filled):
    """Occupy a site; return its root, what that does (bits: wraps x, y, z, spans x, y, z), and the pairs joined.

    Pairs are ordered pairs of sites, a site with itself included, that are in one cluster now and were not before.
    """
    x, y, z = locate(site, lattice)
    low, high = lattice.low, lattice.high
    inside = low[0] <= x < high[0] and low[1] <= y < high[1] and low[2] <= z < high[2]
    faces = np.int64(lattice.inner) if inside else touch_faces((x, y, z), lattice)
    nodes[site] = faces - ONE
    filled[site >> 3] |= np.uint8(1 << (site & 7))
    root, image, crossing = site, np.int64(0), np.int64(0)
    wraps, pairs = np.int64(0), np.int64(1)
    for s in range(lattice.offsets.size):
        if inside:
            near = site + lattice.offsets[s]
        else:
            near, crossing = step_over((x, y, z), lattice.steps[s], lattice)
        if near < 0 or not (filled[near >> 3] >> (near & 7)) & 1:
            continue
        other, there = find_root(nodes, near)
        seen = (((image + crossing) & IMAGE) + GUARDS - there) & IMAGE  # the other root, from this one
        if other == root:
            wraps |= seen
            continue
        one, two = nodes[root] >> HALF, nodes[other] >> HALF
        pairs += 2 * one * two
        if one <= two:
            hang(nodes, root, other, seen)
        else:
            hang(nodes, other, root, (GUARDS - seen) & IMAGE)
            root, image = other, (image + GUARDS - seen) & IMAGE
    faces = nodes[root] & (nodes[root] >> 1)
    events = ((faces & 1) | (faces >> 1 & 2) | (faces >> 2 & 4)) << SPAN
    if wraps:
        for a in range(3):
            if (wraps >> (a * SLOT)) & FIELD:
                events |= 1 << a
    return root, events, pairs


@njit(cache=True, nogil=True)
def insert_sites(order, lattice, nodes, filled, marks, onset, largest, pairs):
    """Occupy the sites in `order` and write how many were there at each first event; inf stays where none happens.

    At each number of sites in `marks`, which rise, the size of the largest cluster and the number of pairs of sites in
    one cluster are written too. Without marks it ends as soon as nothing is left to happen.
    """
    filled[:] = 0
    seen, together, most, jump, mark = np.int64(0), np.int64(0), np.int64(0), np.int64(0), 0
    for n in range(order.size):
        if n + AHEAD < order.size:
            ahead = np.int64(order[n + AHEAD])
            prefetch(nodes, ahead)
            for s in range(lattice.offsets.size):
                prefetch(nodes, min(max(ahead + lattice.offsets[s], 0), order.size - 1))
        root, events, joined = add_site(np.int64(order[n]), lattice, nodes, filled)
        together += joined
        fresh = events & ~seen
        if fresh:
            seen |= fresh
            for column in range(JUMP):
                if fresh >> column & 1:
                    onset[column] = n + 1
        size = -(nodes[root] >> HALF)
        if size > most:
            if size - most > jump:
                jump = size - most
                onset[JUMP] = n + 1
            most = size
        if mark < marks.size and marks[mark] == n + 1:
            largest[mark], pairs[mark] = most, together
            mark += 1
        # Each axis either wraps or spans; a jump can be no larger than what is outside the largest cluster.
        if marks.size == 0 and order.size - most <= jump and (seen | seen >> SPAN) & 7 == 7:
            return


@njit(cache=True, nogil=True)
def insert_each(orders, lattice, nodes, filled, marks, onsets, largest, pairs):
    """Occupy one lattice after the other, a row of `orders` each, with the same scratch."""
    for run in range(orders.shape[0]):
        insert_sites(orders[run], lattice, nodes, filled, marks, onsets[run], largest[run], pairs[run])
