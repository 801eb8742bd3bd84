"""Kernels of the sphere packing: neighbouring pairs through periodic images, overlap energy, FIRE, random addition.

Lengths are in any one unit; the callers use the mean diameter, on which the constants below rely.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

SKIN = 0.3  # mean diameters; pairs are listed this far beyond contact, so that a list lasts for many steps
# FIRE, Bitzek et al. 2006, values of their table; the time is in units of sqrt(mass / stiffness), both 1.
STEPS_BEFORE_SPEEDING_UP = 5
SPEED_UP = 1.1
SLOW_DOWN = 0.5
MIXING = 0.1
MIXING_DECAY = 0.99
FIRST_TIME_STEP = 0.1
LARGEST_TIME_STEP = 0.5
BALANCED = 1e-4  # net force over contact force (root mean squares): below it the spheres hold each other, jammed


@njit(cache=True, nogil=True)
def cell_grid(spheres, reach, box):
    """Cells per axis, none smaller than `reach` unless the box is, and how many layers of them `reach` spans."""
    cells = np.empty(3, np.int64)
    layers = np.empty(3, np.int64)
    most = 2 * int(spheres ** (1.0 / 3.0)) + 1  # about eight cells a sphere, however thin the packing
    for axis in range(3):
        cells[axis] = int(max(1.0, min(float(most), box[axis] / reach)))
        layers[axis] = math.ceil(reach * cells[axis] / box[axis])
    return cells, layers


@njit(cache=True, nogil=True)
def link(i, centre, first, following, box, cells, place):
    """Put sphere i into its cell and write the cell's place along each axis into `place`."""
    for axis in range(3):
        place[axis] = min(max(int(centre[axis] / box[axis] * cells[axis]), 0), cells[axis] - 1)
    cell = (place[0] * cells[1] + place[1]) * cells[2] + place[2]
    following[i] = first[cell]
    first[cell] = i


@njit(cache=True, nogil=True)
def fill_cells(centres, spheres, box, cells):
    """Linked cells of the first `spheres` centres: first sphere of each cell, next one in it (-1: none), places."""
    first = np.full(cells[0] * cells[1] * cells[2], -1, np.int64)
    following = np.full(centres.shape[0], -1, np.int64)
    places = np.empty(centres.shape, np.int64)
    for i in range(spheres):
        link(i, centres[i], first, following, box, cells, places[i])
    return first, following, places


@njit(cache=True, nogil=True)
def image_place(place, cells, periodic):
    """Cell a place stands for and how many boxes it was shifted; the cell is -1 behind a wall."""
    if 0 <= place < cells:
        return place, 0
    if not periodic:
        return -1, 0
    shift = place // cells
    return place - shift * cells, shift


@njit(cache=True, nogil=True)
def find_pairs(centres, diameters, box, periodic, reach):
    """All pairs i <= j, image by image, whose surfaces are at most `reach` apart: (pairs, shifts of j).

    Centres lie in the box. A pair stands once for every image within reach; a sphere and its own image (i == j)
    once for the two opposite images.
    """
    n = centres.shape[0]
    cells, layers = cell_grid(n, diameters.max() + reach, box)
    first, following, places = fill_cells(centres, n, box, cells)
    pairs = np.empty((16 * n, 2), np.int64)
    shifts = np.empty((16 * n, 3))
    found = 0
    for i in range(n):
        for a in range(-layers[0], layers[0] + 1):
            px, sx = image_place(places[i, 0] + a, cells[0], periodic[0])
            if px < 0:
                continue
            for b in range(-layers[1], layers[1] + 1):
                py, sy = image_place(places[i, 1] + b, cells[1], periodic[1])
                if py < 0:
                    continue
                for c in range(-layers[2], layers[2] + 1):
                    pz, sz = image_place(places[i, 2] + c, cells[2], periodic[2])
                    if pz < 0:
                        continue
                    forward = sx > 0 or (sx == 0 and (sy > 0 or (sy == 0 and sz > 0)))
                    j = first[(px * cells[1] + py) * cells[2] + pz]
                    while j >= 0:
                        if j > i or (j == i and forward):
                            x = centres[j, 0] + sx * box[0] - centres[i, 0]
                            y = centres[j, 1] + sy * box[1] - centres[i, 1]
                            z = centres[j, 2] + sz * box[2] - centres[i, 2]
                            limit = 0.5 * (diameters[i] + diameters[j]) + reach
                            if x * x + y * y + z * z <= limit * limit:
                                if found == pairs.shape[0]:
                                    pairs = np.concatenate((pairs, np.empty_like(pairs)))
                                    shifts = np.concatenate((shifts, np.empty_like(shifts)))
                                pairs[found, 0], pairs[found, 1] = i, j
                                shifts[found, 0], shifts[found, 1], shifts[found, 2] = (
                                    sx * box[0],
                                    sy * box[1],
                                    sz * box[2],
                                )
                                found += 1
                        j = following[j]
    return pairs[:found].copy(), shifts[:found].copy()


@njit(cache=True, nogil=True)
def largest_overlap(centres, diameters, pairs, shifts):
    """Largest overlap of a pair over the smaller diameter; 0 when none overlap."""
    largest = 0.0
    for k in range(pairs.shape[0]):
        i, j = pairs[k, 0], pairs[k, 1]
        x = centres[j, 0] + shifts[k, 0] - centres[i, 0]
        y = centres[j, 1] + shifts[k, 1] - centres[i, 1]
        z = centres[j, 2] + shifts[k, 2] - centres[i, 2]
        overlap = 0.5 * (diameters[i] + diameters[j]) - math.sqrt(x * x + y * y + z * z)
        largest = max(largest, overlap / min(diameters[i], diameters[j]))
    return largest


@njit(cache=True, nogil=True)
def overlap_forces(centres, diameters, pairs, shifts, forces):
    """Harmonic repulsion of overlapping pairs into `forces`: (2 x energy, largest overlap / smaller diameter)."""
    forces[:] = 0.0
    twice_energy = 0.0
    largest = 0.0
    for k in range(pairs.shape[0]):
        i, j = pairs[k, 0], pairs[k, 1]
        x = centres[j, 0] + shifts[k, 0] - centres[i, 0]
        y = centres[j, 1] + shifts[k, 1] - centres[i, 1]
        z = centres[j, 2] + shifts[k, 2] - centres[i, 2]
        touch = 0.5 * (diameters[i] + diameters[j])
        squared = x * x + y * y + z * z
        if i == j or squared >= touch * touch:
            continue
        if squared == 0.0:  # two spheres pressed into one corner: any oblique direction parts them
            x = y = z = 1e-9
            squared = 3e-18
        distance = math.sqrt(squared)
        overlap = touch - distance
        twice_energy += overlap * overlap
        largest = max(largest, overlap / min(diameters[i], diameters[j]))
        push = overlap / distance
        forces[i, 0] -= push * x
        forces[i, 1] -= push * y
        forces[i, 2] -= push * z
        forces[j, 0] += push * x
        forces[j, 1] += push * y
        forces[j, 2] += push * z
    return twice_energy, largest


@njit(cache=True, nogil=True)
def wall_forces(centres, diameters, hard, box, periodic, forces):
    """Walls push spheres of `diameters`, and hold up the `hard` ones inside: (2 x energy, largest overlap / diameter).

    A force that presses a hard sphere onto the wall it stands on is taken off: the wall answers it.
    """
    twice_energy = 0.0
    largest = 0.0
    for axis in range(3):
        if periodic[axis]:
            continue
        for i in range(centres.shape[0]):
            below = max(0.5 * diameters[i] - centres[i, axis], 0.0)
            above = max(centres[i, axis] + 0.5 * diameters[i] - box[axis], 0.0)
            lowest, highest = 0.5 * hard[i], box[axis] - 0.5 * hard[i]
            if diameters[i] > hard[i]:  # else an overlap is round-off: `advance` keeps hard spheres inside
                forces[i, axis] += below - above
                twice_energy += below * below + above * above
                largest = max(largest, max(below, above) / diameters[i])
            on_lower, on_upper = centres[i, axis] <= lowest, centres[i, axis] >= highest
            if (on_lower and forces[i, axis] < 0.0) or (on_upper and forces[i, axis] > 0.0):
                forces[i, axis] = 0.0
    return twice_energy, largest


@njit(cache=True, nogil=True)
def confine(centres, hard, box, periodic):
    """Fold periodic coordinates into the box and put every hard sphere wholly between the walls."""
    for i in range(centres.shape[0]):
        for axis in range(3):
            if periodic[axis]:
                centres[i, axis] -= box[axis] * math.floor(centres[i, axis] / box[axis])
                if centres[i, axis] >= box[axis]:  # a tiny negative coordinate rounds up to the box
                    centres[i, axis] = 0.0
            else:
                centres[i, axis] = min(max(centres[i, axis], 0.5 * hard[i]), box[axis] - 0.5 * hard[i])


@njit(cache=True, nogil=True)
def advance(centres, velocities, hard, box, periodic, time_step):
    """Move all spheres for one time step, stop those that meet a wall; the longest way moved."""
    longest = 0.0
    for i in range(centres.shape[0]):
        squared = 0.0
        for axis in range(3):
            moved = time_step * velocities[i, axis]
            squared += moved * moved
            centres[i, axis] += moved
            if not periodic[axis]:
                lowest, highest = 0.5 * hard[i], box[axis] - 0.5 * hard[i]
                if centres[i, axis] < lowest or centres[i, axis] > highest:
                    centres[i, axis] = min(max(centres[i, axis], lowest), highest)
                    velocities[i, axis] = 0.0
        longest = max(longest, squared)
    return math.sqrt(longest)


@njit(cache=True, nogil=True)
def relax(centres, diameters, hard, box, periodic, wanted, most_steps):
    """Minimise the overlap energy in place by FIRE (Bitzek et al. 2006): (largest overlap, steps).

    Ends when no overlap exceeds `wanted` of the smaller diameter, when the forces balance, or after `most_steps`.
    """
    velocities = np.zeros_like(centres)
    forces = np.zeros_like(centres)
    time_step, mixing, downhill = FIRST_TIME_STEP, MIXING, 0
    confine(centres, hard, box, periodic)
    pairs, shifts = find_pairs(centres, diameters, box, periodic, SKIN)
    moved = 0.0
    largest = 0.0
    for step in range(most_steps):
        if moved > 0.5 * SKIN:
            confine(centres, hard, box, periodic)
            pairs, shifts = find_pairs(centres, diameters, box, periodic, SKIN)
            moved = 0.0
        twice_energy, largest = overlap_forces(centres, diameters, pairs, shifts, forces)
        wall_energy, wall_overlap = wall_forces(centres, diameters, hard, box, periodic, forces)
        twice_energy, largest = twice_energy + wall_energy, max(largest, wall_overlap)
        power, force_squared, speed_squared = 0.0, 0.0, 0.0
        for i in range(centres.shape[0]):
            for axis in range(3):
                power += forces[i, axis] * velocities[i, axis]
                force_squared += forces[i, axis] * forces[i, axis]
                speed_squared += velocities[i, axis] * velocities[i, axis]
        if largest <= wanted or force_squared <= BALANCED * BALANCED * twice_energy:
            confine(centres, hard, box, periodic)
            return largest, step
        if power > 0.0:  # downhill: turn the velocity towards the force
            turn = mixing * math.sqrt(speed_squared / force_squared)
            downhill += 1
            if downhill > STEPS_BEFORE_SPEEDING_UP:
                time_step = min(time_step * SPEED_UP, LARGEST_TIME_STEP)
                mixing *= MIXING_DECAY
            keep = 1.0 - mixing
        else:  # uphill: stop, and start again with care
            turn, keep, downhill = 0.0, 0.0, 0
            time_step, mixing = max(time_step * SLOW_DOWN, 1e-3), MIXING
        for i in range(centres.shape[0]):
            for axis in range(3):
                velocities[i, axis] = keep * velocities[i, axis] + (turn + time_step) * forces[i, axis]
        moved += advance(centres, velocities, hard, box, periodic, time_step)
    confine(centres, hard, box, periodic)
    return largest, most_steps


@njit(cache=True, nogil=True)
def is_free(centre, place, diameter, centres, diameters, first, following, box, cells, layers, periodic):
    """Whether a sphere at `centre`, in the cell at `place`, overlaps none of those in the linked cells."""
    for a in range(-layers[0], layers[0] + 1):
        px, sx = image_place(place[0] + a, cells[0], periodic[0])
        for b in range(-layers[1], layers[1] + 1):
            py, sy = image_place(place[1] + b, cells[1], periodic[1])
            for c in range(-layers[2], layers[2] + 1):
                pz, sz = image_place(place[2] + c, cells[2], periodic[2])
                if px < 0 or py < 0 or pz < 0:
                    continue
                j = first[(px * cells[1] + py) * cells[2] + pz]
                while j >= 0:
                    x = centres[j, 0] + sx * box[0] - centre[0]
                    y = centres[j, 1] + sy * box[1] - centre[1]
                    z = centres[j, 2] + sz * box[2] - centre[2]
                    touch = 0.5 * (diameter + diameters[j])
                    if x * x + y * y + z * z < touch * touch:
                        return False
                    j = following[j]
    return True


@njit(cache=True, nogil=True)
def add_spheres(centres, diameters, placed, failed, patience, box, periodic, trials):
    """Random sequential addition with the uniform numbers of `trials`: (spheres placed, failures of the next one).

    The first `placed` spheres stay where they are; ends when all are placed, a sphere failed `patience` times in a
    row, or the trials are used up.
    """
    cells, layers = cell_grid(centres.shape[0], diameters.max(), box)
    first, following, _ = fill_cells(centres, placed, box, cells)
    centre = np.empty(3)
    place = np.empty(3, np.int64)
    for trial in range(trials.shape[0]):
        if placed == centres.shape[0] or failed == patience:
            break
        diameter = diameters[placed]
        for axis in range(3):
            room = 0.0 if periodic[axis] else diameter
            centre[axis] = 0.5 * room + trials[trial, axis] * (box[axis] - room)
            place[axis] = min(int(centre[axis] / box[axis] * cells[axis]), cells[axis] - 1)
        if is_free(centre, place, diameter, centres, diameters, first, following, box, cells, layers, periodic):
            centres[placed] = centre
            link(placed, centre, first, following, box, cells, place)
            placed, failed = placed + 1, 0
        else:
            failed += 1
    return placed, failed
