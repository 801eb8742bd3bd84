"""Kernels for networks of touching spheres that are inserted one by one."""

import numpy as np
from numba import njit

from percolation._union_find import find


@njit(cache=True)
def row_of(centres, i, box, rows):
    """Which row of cells along axis 2 sphere i lies in; what stands out of the box belongs to the row at its side."""
    a = min(max(int(centres[i, 0] / box[0] * rows[0]), 0), rows[0] - 1)
    b = min(max(int(centres[i, 1] / box[1] * rows[1]), 0), rows[1] - 1)
    return a * rows[1] + b


@njit(cache=True)
def fill_rows(centres, box, rows, start, order):
    """Sort spheres into rows by counting: row r holds `order[start[r]:start[r+1]]`."""
    names = np.empty(centres.shape[0], np.int32)
    for i in range(centres.shape[0]):
        names[i] = row_of(centres, i, box, rows)
        start[names[i] + 1] += 1
    for r in range(start.size - 1):
        start[r + 1] += start[r]
    fill = start[:-1].copy()
    for i in range(centres.shape[0]):
        order[fill[names[i]]] = i
        fill[names[i]] += 1


@njit(cache=True, nogil=True)
def sort_rows(first, last, centres, aggregate, start, order, places, owner):
    """Sort each row by height along axis 2, and copy centres and aggregates into that order: neighbours lie close."""
    for r in range(first, last):
        if start[r] == start[r + 1]:
            continue
        inside = order[start[r] : start[r + 1]].copy()
        heights = np.empty(inside.size)
        for k in range(inside.size):
            heights[k] = centres[inside[k], 2]
        turn = np.argsort(heights)
        for k in range(inside.size):
            slot, i = start[r] + k, inside[turn[k]]
            order[slot], owner[slot] = i, aggregate[i]
            for d in range(3):
                places[slot, d] = centres[i, d]


@njit(cache=True)
def note_contact(i, j, shift, reach, order, places, owner, pairs, number):
    """Note slots i and j as later and earlier sphere if they touch once j is shifted; give the number of contacts.

    Contacts for which `pairs` has no room are counted only.
    """
    square = 0.0
    for d in range(3):
        delta = places[j, d] - places[i, d] + shift[d]
        square += delta * delta
    if square > reach * reach or owner[i] == owner[j]:
        return number
    if number < pairs.shape[0]:
        pairs[number, 0], pairs[number, 1] = max(order[i], order[j]), min(order[i], order[j])
    return number + 1


@njit(cache=True)
def meet_rows(one, other, shift, reach, start, order, places, owner, pairs, number):
    """Contacts between two rows (or inside one, each once), the other row shifted; gives the number of contacts."""
    window = reach * (1.0 + 1e-9)  # a little more than the reach: rounding must not drop what only just touches
    begin, end = start[other], start[other + 1]
    for i in range(start[one], start[one + 1]):
        while begin < end and places[begin, 2] - places[i, 2] < -window:
            begin += 1
        for j in range(i + 1 if one == other else begin, end):
            if places[j, 2] - places[i, 2] > window:
                break
            number = note_contact(i, j, shift, reach, order, places, owner, pairs, number)
    return number


@njit(cache=True)
def meet_border(one, other, shift, reach, start, order, places, owner, pairs, number):
    """Contacts of the top of a row with the bottom of another that is `shift` higher; gives the number of contacts."""
    window = reach * (1.0 + 1e-9)
    for i in range(start[one + 1] - 1, start[one] - 1, -1):
        for j in range(start[other], start[other + 1]):
            if places[j, 2] - places[i, 2] + shift[2] > window:
                if j == start[other]:
                    return number
                break
            number = note_contact(i, j, shift, reach, order, places, owner, pairs, number)
    return number


@njit(cache=True)
def neighbour_row(one, da, db, box, periodic, rows, shift):
    """The row `da`, `db` further, -1 beyond a free side; `shift` is what brings its spheres next to ours."""
    a, b = one // rows[1] + da, one % rows[1] + db
    if (a == rows[0] and not periodic[0]) or ((b < 0 or b == rows[1]) and not periodic[1]):
        return -1
    shift[0] = box[0] if a == rows[0] else 0.0
    shift[1] = box[1] if b == rows[1] else (-box[1] if b < 0 else 0.0)
    return a % rows[0] * rows[1] + b % rows[1]


@njit(cache=True)
def link_rows(begin, end, box, periodic, rows, reach, start, order, places, owner, pairs):
    """Contacts inside the rows `begin` to `end` and with the four rows after each; gives their number."""
    number = 0
    shift, back = np.zeros(3), np.zeros(3)
    for one in range(begin, end):
        if start[one] == start[one + 1]:
            continue
        for da, db in ((0, 0), (0, 1), (1, -1), (1, 0), (1, 1)):
            other = neighbour_row(one, da, db, box, periodic, rows, shift)
            if other < 0 or start[other] == start[other + 1]:
                continue
            shift[2] = 0.0
            number = meet_rows(one, other, shift, reach, start, order, places, owner, pairs, number)
            if not periodic[2]:
                continue
            shift[2] = box[2]
            number = meet_border(one, other, shift, reach, start, order, places, owner, pairs, number)
            if other != one:
                back[0], back[1], back[2] = -shift[0], -shift[1], box[2]
                number = meet_border(other, one, back, reach, start, order, places, owner, pairs, number)
    return number


@njit(cache=True, nogil=True)
def find_contacts(first, last, bounds, box, periodic, rows, reach, start, order, places, owner, pairs, room, found):
    """All contacts (later, earlier), those of the rows `bounds[k:k+2]` in `pairs[room[k]:room[k+1]]`.

    `found` tells how many there are in each share of the rows, also where there is no room for them.
    """
    for k in range(first, last):
        share = pairs[room[k] : room[k + 1]]
        found[k] = link_rows(bounds[k], bounds[k + 1], box, periodic, rows, reach, start, order, places, owner, share)


@njit(cache=True)
def count_links(bond, pairs, room, found, counts, first):
    """How many links each sphere has to earlier ones, its neck and its contacts, and where they begin."""
    for i in range(bond.size):
        counts[i] = 1 if bond[i] >= 0 else 0
    for k in range(found.size):
        for slot in range(room[k], room[k] + found[k]):
            counts[pairs[slot, 0]] += 1
    first[0] = 0
    for i in range(bond.size):
        first[i + 1] = first[i] + counts[i]


@njit(cache=True)
def write_links(bond, pairs, room, found, counts, first, earlier):
    """The links counted before, the neck first, then the contacts in rising order; uses up the counts."""
    for k in range(found.size):
        for slot in range(room[k], room[k] + found[k]):
            i = pairs[slot, 0]
            counts[i] -= 1
            earlier[first[i] + counts[i]] = pairs[slot, 1]
    for i in range(bond.size):
        begin = first[i]
        if bond[i] >= 0:
            earlier[begin] = bond[i]
            begin += 1
        for slot in range(begin + 1, first[i + 1]):
            contact, place = earlier[slot], slot
            while place > begin and earlier[place - 1] > contact:
                earlier[place] = earlier[place - 1]
                place -= 1
            earlier[place] = contact


@njit(cache=True)
def image_shift(i, j, d, centres, box, periodic):
    """How many boxes to add to sphere j along axis d to bring it next to sphere i."""
    if not periodic[d]:
        return 0
    return -int(np.rint((centres[j, d] - centres[i, d]) / box[d]))


@njit(cache=True)
def find_with_shift(parent, shift, i):
    """Root of i; afterwards `shift[i]` is i's image in the frame of the root (path compression)."""
    root, x, y, z = i, 0, 0, 0
    while parent[root] != root:
        x, y, z = x + shift[root, 0], y + shift[root, 1], z + shift[root, 2]
        root = parent[root]
    while parent[i] != root and i != root:
        above, sx, sy, sz = parent[i], shift[i, 0], shift[i, 1], shift[i, 2]
        parent[i] = root
        shift[i, 0], shift[i, 1], shift[i, 2] = x, y, z
        x, y, z = x - sx, y - sy, z - sz
        i = above
    return root


@njit(cache=True)
def first_wraps(first, earlier, centres, box, periodic, onsets):
    """Number of spheres at which a cluster first closes on itself along each axis; -1 if never."""
    count = first.size - 1
    parent = np.arange(count)
    shift = np.zeros((count, 3), np.int64)
    size = np.ones(count, np.int64)
    for i in range(count):
        for slot in range(first[i], first[i + 1]):
            j = earlier[slot]
            a, b = find_with_shift(parent, shift, i), find_with_shift(parent, shift, j)
            for d in range(3):
                step = image_shift(i, j, d, centres, box, periodic)
                here = (shift[i, d] if i != a else 0) + step
                there = shift[j, d] if j != b else 0
                if a == b:
                    if here != there and onsets[d] < 0:
                        onsets[d] = i + 1
                elif size[a] >= size[b]:
                    shift[b, d] = here - there
                else:
                    shift[a, d] = there - here
            if a != b:
                if size[a] >= size[b]:
                    parent[b] = a
                    size[a] += size[b]
                else:
                    parent[a] = b
                    size[b] += size[a]


@njit(cache=True)
def first_unions(first, earlier, touches, all_places, window, onsets):
    """Number of spheres at which a cluster of each window first touches all places; -1 if never.

    `touches` has one bit for each place that a sphere touches. Links between windows do not count.
    """
    count = first.size - 1
    parent = np.arange(count)
    size = np.ones(count, np.int64)
    touched = touches.copy()
    for i in range(count):
        a = i
        for slot in range(first[i], first[i + 1]):
            j = earlier[slot]
            if window[j] != window[i]:
                continue
            a, b = find(parent, a), find(parent, j)
            if a == b:
                continue
            if size[a] < size[b]:
                a, b = b, a
            parent[b] = a
            size[a] += size[b]
            touched[a] |= touched[b]
        a = find(parent, a)
        if touched[a] == all_places and onsets[window[i]] < 0:
            onsets[window[i]] = i + 1


@njit(cache=True)
def join_inside(first, earlier, crossing, window, begin, end, parent, size):
    """Unite the spheres `begin` to `end` with earlier ones of their window, but not through links that cross a seam."""
    for i in range(begin, end):
        for slot in range(first[i], first[i + 1]):
            if not crossing[slot] and window[earlier[slot]] == window[i]:
                unite(parent, size, i, earlier[slot])


@njit(cache=True)
def gather_touches(touches, count, parent, root, touched):
    """The root of each of the first spheres, and at every root the bits of all places its cluster touches."""
    touched[:count] = 0
    for i in range(count):
        root[i] = find(parent, i)
        touched[root[i]] |= touches[i]


@njit(cache=True)
def largest_clusters(first, earlier, checkpoints, largest):
    """Number of spheres in the largest cluster at each number of spheres inserted."""
    count = first.size - 1
    parent = np.arange(count)
    size = np.ones(count, np.int64)
    inserted, most = 0, 0
    for step in range(checkpoints.size):
        while inserted < checkpoints[step]:
            most = max(most, 1)
            for slot in range(first[inserted], first[inserted + 1]):
                unite(parent, size, inserted, earlier[slot])
            most = max(most, size[find(parent, inserted)])
            inserted += 1
        largest[step] = most


@njit(cache=True)
def body_groups(first, earlier, touch_start, touches, bodies, checkpoints, groups):
    """Which of `bodies` large bodies the spheres join to each other, at each number of spheres inserted.

    Sphere i touches bodies `touches[touch_start[i]:touch_start[i+1]]`. Bodies with the same number in a row of
    `groups` are joined.
    """
    count = first.size - 1
    parent = np.arange(bodies + count)
    size = np.ones(bodies + count, np.int64)
    inserted = 0
    for step in range(checkpoints.size):
        while inserted < checkpoints[step]:
            for slot in range(touch_start[inserted], touch_start[inserted + 1]):
                unite(parent, size, bodies + inserted, touches[slot])
            for slot in range(first[inserted], first[inserted + 1]):
                unite(parent, size, bodies + inserted, bodies + earlier[slot])
            inserted += 1
        for body in range(bodies):
            groups[step, body] = find(parent, body)


@njit(cache=True)
def unite(parent, size, i, j):
    """Join the sets of i and j, the smaller under the larger."""
    a, b = find(parent, i), find(parent, j)
    if a != b:
        if size[a] < size[b]:
            a, b = b, a
        parent[b] = a
        size[a] += size[b]
