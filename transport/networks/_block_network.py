"""Kernels of a network of blocks: each coat as resistors between its contacts, and the solution of the whole."""

import numpy as np
from numba import njit

from transport.solvers._smoothing import entries

END = 2.0 * np.log(2.0) / np.pi  # thicknesses that a sheet reaches on below the rim of a wide electrode (conformal map)
EULER = 0.5772156649015329
THINNEST = 1e-12  # m, of a coat that a core does not have
WIDE = 50.0  # transfer lengths, above which a disc's rim is as good as straight


@njit(cache=True)
def entry_resistance(area, thickness, conductivity, face):
    """Resistance from an electrode through a face of so many ohm to the rim of the disc of sheet below it [ohm].

    A wide disc is fed like a transmission line (G. Reeves, Solid-State Electron. 23 (1980) 487), whose transfer length
    is `END` thicknesses if the face resists nothing; a narrow one has the spreading resistance of Holm's disc, mirrored
    in the other surface of the sheet. Each is too large where the other holds.
    """
    radius, sheet = np.sqrt(area / np.pi), conductivity * thickness
    through = END**2 * thickness / (conductivity * area) + face
    ratio = radius / np.sqrt(through * area * sheet)
    rest = ratio - 1.5
    if ratio < WIDE:  # ratio I0(ratio) / I1(ratio) as a continued fraction
        rest = 0.0
        for term in range(int(ratio) + 20, 1, -1):
            rest = ratio**2 / (2.0 * term + rest)
    narrow = 0.25 / (conductivity * radius) - (np.log(4.0 * thickness / radius) - EULER) / (2.0 * np.pi * sheet)
    return min(through * (1.0 + 0.5 * rest), narrow + face)


@njit(cache=True)
def sheet_resistance(ports, sides, areas, normals, faces, radius, thickness, conductivity, matrix):
    """Potential at each port of a spherical sheet for a unit current out of each; see `blocks.BlockNetwork`."""
    thickness = max(thickness, THINNEST)
    middle = radius + 0.5 * thickness
    sphere = 4.0 * np.pi * middle**2
    total = 0.0
    for port in ports:
        total += areas[port]
    squeeze = min(1.0, sphere / total)
    scale = 4.0 * np.pi * conductivity * thickness
    for a in range(ports.size):
        p = ports[a]
        cap = 2.0 * areas[p] / sphere * squeeze
        for b in range(a):
            q = ports[b]
            cosine = sides[a] * sides[b] * (normals[p] * normals[q]).sum()
            beside = cap + 2.0 * areas[q] / sphere * squeeze  # contacts share no area: as caps they lie side by side
            beside += 2.0 * np.sqrt(cap * (beside - cap))
            chord = min(max(1.0 - cosine, beside), 2.0)
            matrix[a, b] = matrix[b, a] = -np.log(0.5 * chord) / scale
        matrix[a, a] = entry_resistance(areas[p], thickness, conductivity, faces[p]) - np.log(0.5 * cap) / scale


@njit(cache=True, nogil=True)
def coat_resistors(
    first, last, start, ports, sides, areas, normals, faces, radii, thickness, conductivity, begin, rows, values
):  # fmt: skip
    """For each block the conductances between its ports, and between them and the mean of its coat.

    `begin[b]` is where the (k + 1)^2 entries of block b begin in `rows` (row, column) and `values`; a port has the
    number of its contact, the mean of coat b that of all contacts plus b.
    """
    contacts = areas.size
    for block in range(first, last):
        own = ports[start[block] : start[block + 1]]
        open_ports = faces[own] < np.inf  # at the others nothing joins the coats
        own = own[open_ports]
        k = own.size
        if k == 0 or conductivity[block] == 0.0:
            continue
        matrix = np.empty((k, k))
        sheet_resistance(
            own,
            sides[start[block] : start[block + 1]][open_ports],
            areas,
            normals,
            faces,
            radii[block],
            thickness[block],
            conductivity[block],
            matrix,
        )
        inverse = np.linalg.inv(matrix)
        at = begin[block]
        total = 0.0
        for a in range(k):
            line = 0.0
            for b in range(k):
                value = 0.5 * (inverse[a, b] + inverse[b, a])
                rows[at, 0], rows[at, 1], values[at] = own[a], own[b], value
                line += value
                at += 1
            for swap in range(2):
                rows[at, swap], rows[at, 1 - swap], values[at] = own[a], contacts + block, -line
                at += 1
            total += line
        rows[at, 0], rows[at, 1], values[at] = contacts + block, contacts + block, total


@njit(cache=True)
def conjugate_gradients(indptr, indices, values, diagonal, drive, tolerance, most_steps):
    """Solution of a symmetric system in CSR, scaled by its diagonal, to a share of the drive's norm if it gets there.

    scipy's takes half as long again for the 7,000 unknowns of 1,000 blocks: the time between its products.
    """
    x, r, p, product, inverse = np.zeros((5, drive.size))
    wanted = gain = 0.0
    for i in range(drive.size):
        r[i] = drive[i]
        inverse[i] = 1.0 / diagonal[i]
        p[i] = r[i] * inverse[i]
        wanted += r[i] * r[i]
        gain += r[i] * p[i]
    wanted *= tolerance**2
    for _ in range(most_steps):
        curvature = 0.0
        for i in range(drive.size):
            total = 0.0
            for e in entries(indptr[i], indptr[i + 1]):
                total += values[e] * p[np.uint32(indices[e])]
            product[i] = total
            curvature += p[i] * total
        if not curvature > 0.0:
            break
        alpha, before = gain / curvature, gain
        gain = left = 0.0
        for i in range(drive.size):
            x[i] += alpha * p[i]
            r[i] -= alpha * product[i]
            gain += r[i] * r[i] * inverse[i]
            left += r[i] * r[i]
        if left <= wanted:
            break
        for i in range(drive.size):
            p[i] = r[i] * inverse[i] + gain / before * p[i]
    return x
