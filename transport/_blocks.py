"""Kernel that turns each coat into resistors between its contacts: the inverse of the sheet's resistance matrix."""

import numpy as np
from numba import njit, prange


@njit(cache=True)
def sheet_resistance(ports, sides, areas, normals, faces, radius, thickness, conductivity, matrix):
    """Potential at each port of a spherical sheet for a unit current out of each; see `blocks.BlockNetwork`."""
    middle = radius + 0.5 * thickness
    sphere = 4.0 * np.pi * middle**2
    total = 0.0
    for port in ports:
        total += areas[port]
    squeeze = min(1.0, sphere / total)
    scale = 4.0 * np.pi * conductivity * max(thickness, 1e-12)
    for a in range(ports.size):
        p = ports[a]
        cap = 2.0 * areas[p] / sphere * squeeze
        for b in range(a):
            q = ports[b]
            cosine = sides[a] * sides[b] * (normals[p] * normals[q]).sum()
            chord = max(1.0 - cosine, cap, 2.0 * areas[q] / sphere * squeeze)
            matrix[a, b] = matrix[b, a] = -np.log(0.5 * chord) / scale
        matrix[a, a] = (0.5 - np.log(0.5 * cap)) / scale + 0.5 * thickness / (conductivity * areas[p]) + faces[p]


@njit(cache=True, parallel=True)
def coat_resistors(start, ports, sides, areas, normals, faces, radii, thickness, conductivity, first, rows, values):
    """For each block the conductances between its ports, and between them and the mean of its coat.

    `first[b]` is where the (k + 1)^2 entries of block b begin in `rows` (row, column) and `values`; a port has the
    number of its contact, the mean of coat b that of all contacts plus b.
    """
    contacts = areas.size
    for block in prange(radii.size):
        own = ports[start[block] : start[block + 1]]
        k = own.size
        if k == 0 or conductivity[block] == 0.0:
            continue
        matrix = np.empty((k, k))
        sheet_resistance(
            own,
            sides[start[block] : start[block + 1]],
            areas,
            normals,
            faces,
            radii[block],
            thickness[block],
            conductivity[block],
            matrix,
        )
        inverse = np.linalg.inv(matrix)
        at = first[block]
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
