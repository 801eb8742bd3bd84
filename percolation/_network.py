"""Kernels for networks of touching spheres that are inserted one by one."""

import numpy as np
from numba import njit, prange


@njit(cache=True)
def cell_lists(centres, box, cells, start, members):
    """Sort spheres into cells by counting; `members[start[c]:start[c+1]]` rise in number."""
    names = np.empty(centres.shape[0], np.int64)
    for i in range(centres.shape[0]):
        name = 0
        for d in range(3):
            index = int(centres[i, d] / box[d] * cells[d])
            name = name * cells[d] + min(max(index, 0), cells[d] - 1)
        names[i] = name
        start[name + 1] += 1
    for c in range(start.size - 1):
        start[c + 1] += start[c]
    fill = start.copy()
    for i in range(centres.shape[0]):
        members[fill[names[i]]] = i
        fill[names[i]] += 1


@njit(cache=True)
def earlier_neighbours(i, centres, aggregate, box, periodic, reach, cells, start, members, found):
    """Write the earlier spheres of other aggregates within `reach` of sphere i to `found`; give their number."""
    number = 0
    home = np.empty(3, np.int64)
    for d in range(3):
        home[d] = min(max(int(centres[i, d] / box[d] * cells[d]), 0), cells[d] - 1)
    for da in range(-1, 2):
        a = home[0] + da
        if (a < 0 or a >= cells[0]) and not periodic[0]:
            continue
        for db in range(-1, 2):
            b = home[1] + db
            if (b < 0 or b >= cells[1]) and not periodic[1]:
                continue
            for dc in range(-1, 2):
                c = home[2] + dc
                if (c < 0 or c >= cells[2]) and not periodic[2]:
                    continue
                cell = ((a % cells[0]) * cells[1] + b % cells[1]) * cells[2] + c % cells[2]
                for slot in range(start[cell], start[cell + 1]):
                    j = members[slot]
                    if j >= i:
                        break
                    if aggregate[j] == aggregate[i]:
                        continue
                    square = 0.0
                    for d in range(3):
                        delta = centres[j, d] - centres[i, d]
                        if periodic[d]:
                            delta -= box[d] * np.rint(delta / box[d])
                        square += delta * delta
                    if square <= reach * reach:
                        if number < found.size:
                            found[number] = j
                        number += 1
    return number


@njit(cache=True, parallel=True)
def count_links(centres, aggregate, bond, box, periodic, reach, cells, start, members, counts):
    """Number of links from each sphere to earlier ones: its neck and its contacts."""
    for i in prange(centres.shape[0]):
        none = np.empty(0, np.int64)
        contacts = earlier_neighbours(i, centres, aggregate, box, periodic, reach, cells, start, members, none)
        counts[i] = contacts + (1 if bond[i] >= 0 else 0)


@njit(cache=True, parallel=True)
def write_links(centres, aggregate, bond, box, periodic, reach, cells, start, members, first, earlier):
    """The links counted before, the neck first, then the contacts in rising order."""
    for i in prange(centres.shape[0]):
        slot = first[i]
        if bond[i] >= 0:
            earlier[slot] = bond[i]
            slot += 1
        found = np.empty(first[i + 1] - slot, np.int64)
        earlier_neighbours(i, centres, aggregate, box, periodic, reach, cells, start, members, found)
        earlier[slot : first[i + 1]] = np.sort(found)


@njit(cache=True)
def image_shift(i, j, d, centres, box, periodic):
    """How many boxes to add to sphere j along axis d to bring it next to sphere i."""
    if not periodic[d]:
        return 0
    return -int(np.rint((centres[j, d] - centres[i, d]) / box[d]))


@njit(cache=True)
def find_with_shift(parent, shift, i):
    """Root of i; afterwards `shift[i]` is i's image in the frame of the root (path compression)."""
    root = i
    total = np.zeros(3, np.int64)
    while parent[root] != root:
        total += shift[root]
        root = parent[root]
    while parent[i] != root and i != root:
        above = parent[i]
        step = shift[i].copy()
        parent[i] = root
        shift[i] = total
        total = total - step
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
def find(parent, i):
    """Root of i, halving the path on the way."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True)
def first_bridges(first, earlier, faces, window, onsets):
    """Number of spheres at which each window first joins both faces; -1 if never.

    `faces` has bit 1 where a sphere touches the lower face, bit 2 for the upper. Links between windows do not count.
    """
    count = first.size - 1
    parent = np.arange(count)
    size = np.ones(count, np.int64)
    touched = faces.copy()
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
        if touched[a] == 3 and onsets[window[i]] < 0:
            onsets[window[i]] = i + 1


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
