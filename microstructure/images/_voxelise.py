"""Kernels that rank the voxels of a box by a 16-bit key, and label the lowest of them: exact volumes in one image."""

import numpy as np
from numba import njit

from microstructure.coats._coating import field_at, film_at, foot_on, half_gap_at, is_sphere

NEVER = 65535  # key of a voxel that cannot take the label
FINEST = 65533  # highest key of a plain length
FILM_KEYS = 8192  # keys of the film, by height over thickness; then the gaps, logarithmic in their width
GAP_KEYS = 48128
OPEN_KEYS = 1024  # where no surface faces the core: by height
BARE_KEYS = 8000  # bare patches come last


@njit(cache=True)
def span(centre, half, voxel, count, periodic):
    """First and last voxel (exclusive) whose centre lies within `half` of `centre`; behind a wall there is none."""
    low = int(np.ceil((centre - half) / voxel - 0.5))
    high = int(np.floor((centre + half) / voxel - 0.5)) + 1
    if not periodic:
        return max(0, low), min(count, high)
    return low, high


@njit(cache=True)
def nearest_in_plane(i, cores, reach, voxel, shape, periodic, distance, owner):
    """Signed distance of the voxels of plane i to the nearest core surface (at most `reach`), and that core or -1."""
    nx, ny, nz = shape
    distance[:] = reach
    owner[:] = -1
    for c in range(cores.radii.size):
        radius, sphere = cores.radii[c], is_sphere(cores, c)
        dx = (i + 0.5) * voxel - cores.centres[c, 0]
        if periodic[0]:
            dx -= nx * voxel * np.rint(dx / (nx * voxel))
        half_square = (radius + reach) ** 2 - dx * dx
        if half_square <= 0.0:
            continue
        j0, j1 = span(cores.centres[c, 1], np.sqrt(half_square), voxel, ny, periodic[1])
        for j in range(j0, j1):
            dy = (j + 0.5) * voxel - cores.centres[c, 1]
            row = dx * dx + dy * dy
            chord = np.sqrt(max((radius + reach) ** 2 - row, 0.0))
            k0, k1 = span(cores.centres[c, 2], chord, voxel, nz, periodic[2])
            near, whose = distance[j % ny], owner[j % ny]
            place = k0 % nz
            for k in range(k0, k1):
                dz = (k + 0.5) * voxel - cores.centres[c, 2]
                square = row + dz * dz
                limit = radius + near[place]
                if limit > 0.0 and square < limit * limit:
                    height = np.sqrt(square) - radius if sphere else foot_on(cores, c, dx, dy, dz)[0]
                    if height < near[place]:
                        near[place] = height
                        whose[place] = c
                place = place + 1 if place + 1 < nz else 0


@njit(cache=True, nogil=True)
def core_keys(first, last, cores, margin, voxel, periodic, keys):
    """Keys by signed distance to the nearest core surface, from -margin to margin; the deep inside is 0."""
    nx, ny, nz = keys.shape
    for i in range(first, last):
        distance, owner = np.empty((ny, nz), np.float32), np.empty((ny, nz), np.int32)
        nearest_in_plane(i, cores, margin, voxel, (nx, ny, nz), periodic, distance, owner)
        for j in range(ny):
            for k in range(nz):
                share = 0.5 * (1.0 + np.float64(distance[j, k]) / margin)
                keys[i, j, k] = NEVER if share >= 1.0 else int(max(share, 0.0) * FINEST)


@njit(cache=True)
def gap_key(half_gap, narrowest, widest):
    """Key of a gap: logarithmic between the two widths."""
    share = np.log(max(half_gap, narrowest) / narrowest) / np.log(widest / narrowest)
    return FILM_KEYS + int(min(share, 1.0) * (GAP_KEYS - 1))


@njit(cache=True)
def region_key(film, cores, c, dx, dy, dz, narrowest, widest, reach):
    """Key of the point (dx, dy, dz) from the centre of its core: in the film, a gap, the open, or over a bare patch."""
    height, ux, uy, uz = foot_on(cores, c, dx, dy, dz)
    x, y, z = dx - height * ux, dy - height * uy, dz - height * uz  # on the surface
    height = max(height, 0.0)
    local = film_at(film, c, x, y, z)
    if height < local:
        return int(height / local * FILM_KEYS)
    if local == 0.0 and height < film.thickness:
        return FILM_KEYS + GAP_KEYS + OPEN_KEYS + int(height / film.thickness * BARE_KEYS)
    half_gap = half_gap_at(cores, c, dx, dy, dz, height)
    if half_gap < np.inf:
        return gap_key(half_gap, narrowest, widest)
    return FILM_KEYS + GAP_KEYS + int(min(height / reach, 1.0) * (OPEN_KEYS - 1))


@njit(cache=True, nogil=True)
def coat_keys(first, last, cores, film, reach, narrowest, widest, voxel, periodic, labels, keys, owners):
    """Keys of all voxels that have no label yet, in the order in which matrix fills them, and the core of every voxel.

    The film comes first, from the core outwards, then the gaps by their mean distance to two cores, then the room over
    bare patches.
    """
    nx, ny, nz = keys.shape
    for i in range(first, last):
        distance, owner = np.empty((ny, nz), np.float32), np.empty((ny, nz), np.int32)
        nearest_in_plane(i, cores, reach, voxel, (nx, ny, nz), periodic, distance, owner)
        for j in range(ny):
            for k in range(nz):
                c = owner[j, k]
                owners[i, j, k] = c
                keys[i, j, k] = NEVER
                if labels[i, j, k] != 0:
                    continue
                if c < 0:
                    keys[i, j, k] = FILM_KEYS + GAP_KEYS + OPEN_KEYS - 1
                    continue
                dx = (i + 0.5) * voxel - cores.centres[c, 0]
                dy = (j + 0.5) * voxel - cores.centres[c, 1]
                dz = (k + 0.5) * voxel - cores.centres[c, 2]
                if periodic[0]:
                    dx -= nx * voxel * np.rint(dx / (nx * voxel))
                if periodic[1]:
                    dy -= ny * voxel * np.rint(dy / (ny * voxel))
                if periodic[2]:
                    dz -= nz * voxel * np.rint(dz / (nz * voxel))
                keys[i, j, k] = region_key(film, cores, c, dx, dy, dz, narrowest, widest, reach)


@njit(cache=True)
def sort_into_planes(centres, voxel, start, order):
    """Number the points plane by plane: `order[start[i]:start[i + 1]]` lie in plane i, in rising order."""
    planes = start.size - 1
    for n in range(centres.shape[0]):
        start[min(max(int(centres[n, 0] / voxel), 0), planes - 1) + 1] += 1
    for i in range(planes):
        start[i + 1] += start[i]
    place = start[:-1].copy()
    for n in range(centres.shape[0]):
        i = min(max(int(centres[n, 0] / voxel), 0), planes - 1)
        order[place[i]] = n
        place[i] += 1


@njit(cache=True, nogil=True)
def primary_keys(first, last, centres, start, order, reach, voxel, periodic, forbidden, labels, keys):
    """Keys by distance to the nearest point of `centres`, up to `reach`, of all voxels but the forbidden label's."""
    nx, ny, nz = keys.shape
    planes = int(reach / voxel) + 2
    for i in range(first, last):
        best = np.full((ny, nz), np.float32(reach * reach))
        low, high = i - planes, i + planes + 1
        if not periodic[0]:
            low, high = max(low, 0), min(high, nx)
        elif high - low > nx:
            low, high = 0, nx
        for plane in range(low, high):
            for slot in range(start[plane % nx], start[plane % nx + 1]):
                n = order[slot]
                dx = (i + 0.5) * voxel - centres[n, 0]
                if periodic[0]:
                    dx -= nx * voxel * np.rint(dx / (nx * voxel))
                half_square = reach * reach - dx * dx
                if half_square <= 0.0:
                    continue
                half = np.sqrt(half_square)
                j0, j1 = span(centres[n, 1], half, voxel, ny, periodic[1])
                k0, k1 = span(centres[n, 2], half, voxel, nz, periodic[2])
                for j in range(j0, j1):
                    dy = (j + 0.5) * voxel - centres[n, 1]
                    for k in range(k0, k1):
                        dz = (k + 0.5) * voxel - centres[n, 2]
                        square = dx * dx + dy * dy + dz * dz
                        if square < best[j % ny, k % nz]:
                            best[j % ny, k % nz] = square
        for j in range(ny):
            for k in range(nz):
                share = np.float64(np.sqrt(best[j, k])) / reach
                free = share < 1.0 and labels[i, j, k] != forbidden
                keys[i, j, k] = int(share * FINEST) if free else NEVER


@njit(cache=True, nogil=True)
def count_keys(first, last, keys, counts):
    """How many voxels have each key: one row of `counts` for each share of the planes."""
    nx, ny, nz = keys.shape
    rows = counts.shape[0]
    for row in range(first, last):
        for i in range(nx * row // rows, nx * (row + 1) // rows):
            for j in range(ny):
                for k in range(nz):
                    counts[row, keys[i, j, k]] += 1


@njit(cache=True, nogil=True)
def label_keys(first, last, keys, limit, ties, label, labels):
    """Label all voxels whose key is below `limit`, and of those at the limit the first `ties[i]` of plane i."""
    _, ny, nz = keys.shape
    for i in range(first, last):
        left = ties[i]
        for j in range(ny):
            for k in range(nz):
                key = keys[i, j, k]
                if key < limit:
                    labels[i, j, k] = label
                elif key == limit and left > 0:
                    labels[i, j, k] = label
                    left -= 1


@njit(cache=True, nogil=True)
def count_in_planes(first, last, keys, key, counts):
    """How many voxels of each plane have this key."""
    _, ny, nz = keys.shape
    for i in range(first, last):
        number = 0
        for j in range(ny):
            for k in range(nz):
                if keys[i, j, k] == key:
                    number += 1
        counts[i] = number


@njit(cache=True, nogil=True)
def field_keys(first, last, field, spacings, highest, voxel, wanted, labels, keys):
    """Keys of the voxels that carry the label `wanted`: low values of a periodic field first."""
    _, ny, nz = keys.shape
    for i in range(first, last):
        for j in range(ny):
            for k in range(nz):
                keys[i, j, k] = NEVER
                if labels[i, j, k] == wanted:
                    x = (i + 0.5) * voxel / spacings[0]
                    y = (j + 0.5) * voxel / spacings[1]
                    z = (k + 0.5) * voxel / spacings[2]
                    share = 0.5 * (1.0 + field_at(field, x, y, z, 1.0) / highest)
                    keys[i, j, k] = int(min(max(share, 0.0), 1.0) * FINEST)
