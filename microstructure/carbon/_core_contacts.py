"""Kernels that find the cores each primary touches."""

import numpy as np
from numba import njit

from microstructure.coats._coating import foot_on, is_sphere


@njit(cache=True)
def within(cores, core, x, y, z, reach):
    """Whether a point, relative to a core's centre, lies at most `reach` above the core's surface."""
    square, outer = x * x + y * y + z * z, cores.radii[core] + reach
    if square > outer * outer:
        return False
    return is_sphere(cores, core) or foot_on(cores, core, x, y, z)[0] <= reach


@njit(cache=True)
def touched_bodies(i, centres, coat, cores, box, periodic, reach, found):
    """Write the cores that sphere i touches, and the collector (one past the last core), to `found`; give their number.

    The separator at x = 0 passes no electrons and is no body.
    """
    number, home = 0, coat[i]
    offset = np.empty(3)
    for d in range(3):
        offset[d] = centres[i, d] - cores.centres[home, d]
        if periodic[d]:
            offset[d] -= box[d] * np.rint(offset[d] / box[d])
    if within(cores, home, offset[0], offset[1], offset[2], reach):
        found[number] = home
        number += 1
    for n in range(cores.start[home], cores.start[home + 1]):
        x, y, z = offset[0] - cores.vectors[n, 0], offset[1] - cores.vectors[n, 1], offset[2] - cores.vectors[n, 2]
        if number < found.size and within(cores, cores.neighbours[n], x, y, z, reach):
            found[number] = cores.neighbours[n]
            number += 1
    if not periodic[0] and centres[i, 0] >= box[0] - reach and number < found.size:
        found[number] = cores.radii.size
        number += 1
    return number


@njit(cache=True)
def list_touches(centres, coat, cores, box, periodic, reach, first, touches):
    """The bodies each sphere touches, as lists one after another; gives the total number."""
    found, total = np.empty(64, np.int64), 0  # a primary has no room for more than a few cores around it
    for i in range(centres.shape[0]):
        number = touched_bodies(i, centres, coat, cores, box, periodic, reach, found)
        if touches.size > 0:
            for k in range(number):
                touches[total + k] = found[k]
        total += number
        first[i + 1] = total
    return total
