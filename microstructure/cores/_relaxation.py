"""Kernels of the sphere packing: neighbouring pairs through periodic images, overlap energy, bonds, walls, FIRE.

Lengths are in any one unit; the callers use the mean diameter, on which the constants below rely.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

SKIN = 0.3  # mean diameters; neighbours are listed this far beyond contact, so that a list lasts for many steps
CELL = 0.65  # mean diameters; each sphere looks for smaller ones, so that the largest does not set the cells of all
# FIRE, Bitzek et al. 2006, values of their table; the time is in units of sqrt(mass / stiffness), both 1.
STEPS_BEFORE_SPEEDING_UP = 5
SPEED_UP = 1.1
SLOW_DOWN = 0.5
MIXING = 0.1
MIXING_DECAY = 0.99
FIRST_TIME_STEP = 0.1
SMALLEST_TIME_STEP = 1e-3
LARGEST_TIME_STEP = 0.5
BALANCED = 1e-4  # net force over contact force (root mean squares): below it the spheres hold each other, jammed


class Spheres(NamedTuple):
    """What is relaxed, in any order: `hard` are the diameters without coats, `block` the building block of each."""

    centres: np.ndarray
    velocities: np.ndarray
    diameters: np.ndarray
    hard: np.ndarray
    block: np.ndarray
    index: np.ndarray


class Neighbours(NamedTuple):
    """Neighbours of sphere i: others[first[i]:first[i + 1]], each shifted by shifts[image]; every pair stands once.

    `bonds` are pairs of spheres that hold each other, `centres` where all were when the list was made.
    """

    first: np.ndarray
    others: np.ndarray
    images: np.ndarray
    shifts: np.ndarray
    bonds: np.ndarray
    centres: np.ndarray


@njit(cache=True, nogil=True)
def cell_grid(diameters, box):
    """Cells along each axis."""
    cells = np.empty(3, np.int64)
    most = 2 * int(diameters.size ** (1.0 / 3.0)) + 1  # about eight cells a sphere, however thin the packing
    for axis in range(3):
        cells[axis] = int(max(1.0, min(float(most), box[axis] / (CELL * diameters.mean()))))
    return cells


@njit(cache=True, nogil=True)
def sort_spheres(spheres, box, cells):
    """The spheres in the order of the cells they lie in, and the first sphere of each cell."""
    n = spheres.centres.shape[0]
    cell = np.empty(n, np.int64)
    first = np.zeros(cells[0] * cells[1] * cells[2] + 1, np.int32)
    for i in range(n):
        c = 0
        for axis in range(3):
            place = int(spheres.centres[i, axis] / box[axis] * cells[axis])
            c = c * cells[axis] + min(max(place, 0), cells[axis] - 1)
        cell[i] = c
        first[c + 1] += 1
    for c in range(first.size - 1):
        first[c + 1] += first[c]
    order = np.empty(n, np.int64)
    used = first[:-1].copy()
    for i in range(n):
        order[used[cell[i]]] = i
        used[cell[i]] += 1
    centres, velocities, diameters, hard, block, index = spheres
    return Spheres(centres[order], velocities[order], diameters[order], hard[order], block[order], index[order]), first


@njit(cache=True, nogil=True)
def image_shifts(most, box):
    """The shift of every image up to `most` boxes away along each axis, one row each."""
    shifts = np.empty(((2 * most[0] + 1) * (2 * most[1] + 1) * (2 * most[2] + 1), 3))
    row = 0
    for a in range(-most[0], most[0] + 1):
        for b in range(-most[1], most[1] + 1):
            for c in range(-most[2], most[2] + 1):
                shifts[row, 0], shifts[row, 1], shifts[row, 2] = a * box[0], b * box[1], c * box[2]
                row += 1
    return shifts


@njit(cache=True, nogil=True)
def scan(i, centres, diameters, reach, cells, starts, box, periodic, most, shifts, found, others, images):
    """List neighbours of sphere i that come after it (smaller, or of lower number): the list's end, -1 if too short."""
    low = np.empty(3, np.int64)
    high = np.empty(3, np.int64)
    for axis in range(3):
        place = centres[i, axis] / box[axis] * cells[axis]
        way = 1.000001 * (diameters[i] + reach) / box[axis] * cells[axis]  # never short of a cell by round-off
        low[axis], high[axis] = math.floor(place - way), math.floor(place + way)
        if not periodic[axis]:
            low[axis], high[axis] = max(low[axis], 0), min(high[axis], cells[axis] - 1)
    own = shifts.shape[0] // 2
    for a in range(low[0], high[0] + 1):
        sx = a // cells[0]
        for b in range(low[1], high[1] + 1):
            sy = b // cells[1]
            row = ((a - sx * cells[0]) * cells[1] + b - sy * cells[1]) * cells[2]
            for sz in range(low[2] // cells[2], high[2] // cells[2] + 1):
                begin = starts[row + max(low[2] - sz * cells[2], 0)]
                end = starts[row + min(high[2] - sz * cells[2], cells[2] - 1) + 1]
                if found + end - begin > others.size:
                    return -1
                image = ((sx + most[0]) * (2 * most[1] + 1) + sy + most[1]) * (2 * most[2] + 1) + sz + most[2]
                px, py, pz = shifts[image, 0], shifts[image, 1], shifts[image, 2]
                for j in range(begin, end):
                    x = centres[j, 0] + px - centres[i, 0]
                    y = centres[j, 1] + py - centres[i, 1]
                    z = centres[j, 2] + pz - centres[i, 2]
                    limit = 0.5 * (diameters[i] + diameters[j]) + reach
                    if x * x + y * y + z * z <= limit * limit:
                        follows = j < i or (j == i and image > own)
                        if diameters[j] < diameters[i] or (diameters[j] == diameters[i] and follows):
                            others[found], images[found] = j, image
                            found += 1
    return found


@njit(cache=True, nogil=True)
def list_neighbours(spheres, bonds, box, periodic, reach):
    """The spheres in the order of their cells, and all pairs, image by image, whose surfaces are at most `reach` apart.

    Centres lie in the box. `bonds` are numbered as the spheres were at first (`spheres.index`).
    """
    n = spheres.centres.shape[0]
    cells = cell_grid(spheres.diameters, box)
    spheres, starts = sort_spheres(spheres, box, cells)
    most = np.zeros(3, np.int64)
    for axis in range(3):
        if periodic[axis]:
            most[axis] = math.ceil((spheres.diameters.max() + reach) / box[axis]) + 1
    shifts = image_shifts(most, box)
    first = np.zeros(n + 1, np.int64)
    others = np.empty(10 * n + 1000, np.int32)
    images = np.empty(10 * n + 1000, np.int32)
    for i in range(n):
        found = -1
        while found < 0:
            found = scan(
                i, spheres.centres, spheres.diameters, reach, cells, starts, box, periodic, most, shifts, first[i],
                others, images,
            )  # fmt: skip
            if found < 0:
                others = np.concatenate((others, np.empty_like(others)))
                images = np.concatenate((images, np.empty_like(images)))
        first[i + 1] = found
    ranks = np.empty(n, np.int64)
    ranks[spheres.index] = np.arange(n)
    bonded = ranks[bonds.ravel()].reshape(bonds.shape)
    return spheres, Neighbours(first, others, images, shifts, bonded, spheres.centres.copy())


@njit(cache=True, nogil=True)
def find_pairs(centres, diameters, box, periodic, reach):
    """All pairs i <= j, image by image, whose surfaces are at most `reach` apart: (pairs, shifts of j).

    Centres lie in the box. A pair stands once for every image within reach; a sphere and its own image (i == j)
    once for the two opposite images.
    """
    n = centres.shape[0]
    spheres = Spheres(centres, np.zeros_like(centres), diameters, diameters, np.zeros(n, np.int32), np.arange(n))
    spheres, near = list_neighbours(spheres, np.empty((0, 2), np.int64), box, periodic, reach)
    pairs = np.empty((near.first[n], 2), np.int64)
    shifts = np.empty((near.first[n], 3))
    for i in range(n):
        for k in range(near.first[i], near.first[i + 1]):
            one, other = spheres.index[i], spheres.index[near.others[k]]
            pairs[k, 0], pairs[k, 1] = min(one, other), max(one, other)
            shifts[k] = near.shifts[near.images[k]] * (1.0 if one <= other else -1.0)
    return pairs, shifts


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
def overlap_forces(spheres, neighbours, forces):
    """Harmonic repulsion of overlapping pairs into `forces`: (2 x energy, largest overlap / smaller diameter).

    Between spheres of one block the coats do not count.
    """
    centres, diameters, hard, block = spheres.centres, spheres.diameters, spheres.hard, spheres.block
    others, images, shifts = neighbours.others, neighbours.images, neighbours.shifts
    forces[:] = 0.0
    twice_energy = 0.0
    largest = 0.0
    for i in range(centres.shape[0]):
        fx, fy, fz = 0.0, 0.0, 0.0
        for k in range(neighbours.first[i], neighbours.first[i + 1]):
            j, image = others[k], images[k]
            if i == j:
                continue
            x = centres[j, 0] + shifts[image, 0] - centres[i, 0]
            y = centres[j, 1] + shifts[image, 1] - centres[i, 1]
            z = centres[j, 2] + shifts[image, 2] - centres[i, 2]
            touch = 0.5 * (diameters[i] + diameters[j])
            squared = x * x + y * y + z * z
            if squared >= touch * touch:
                continue
            smaller = diameters[j]
            if block[i] == block[j]:
                touch, smaller = 0.5 * (hard[i] + hard[j]), hard[j]
                if squared >= touch * touch:
                    continue
            if squared == 0.0:  # two spheres pressed into one corner: any oblique direction parts them
                x = y = z = 1e-9
                squared = 3e-18
            distance = math.sqrt(squared)
            overlap = touch - distance
            twice_energy += overlap * overlap
            largest = max(largest, overlap / smaller)
            push = overlap / distance
            fx, fy, fz = fx - push * x, fy - push * y, fz - push * z
            forces[j, 0] += push * x
            forces[j, 1] += push * y
            forces[j, 2] += push * z
        forces[i, 0] += fx
        forces[i, 1] += fy
        forces[i, 2] += fz
    return twice_energy, largest


@njit(cache=True, nogil=True)
def bond_forces(spheres, bonds, box, periodic, forces):
    """Bonded spheres that have come apart pull each other: (2 x energy, largest gap / smaller diameter).

    Where they overlap they are pushed apart as all others, so that a bond is a spring of two sides.
    """
    centres, hard = spheres.centres, spheres.hard
    vector = np.empty(3)
    twice_energy = 0.0
    largest = 0.0
    for k in range(bonds.shape[0]):
        i, j = bonds[k, 0], bonds[k, 1]
        squared = 0.0
        for axis in range(3):
            vector[axis] = centres[j, axis] - centres[i, axis]
            if periodic[axis]:
                vector[axis] -= box[axis] * np.rint(vector[axis] / box[axis])
            squared += vector[axis] * vector[axis]
        distance = math.sqrt(squared)
        gap = distance - 0.5 * (hard[i] + hard[j])
        if gap <= 0.0:
            continue
        twice_energy += gap * gap
        largest = max(largest, gap / min(hard[i], hard[j]))
        for axis in range(3):
            forces[i, axis] += gap / distance * vector[axis]
            forces[j, axis] -= gap / distance * vector[axis]
    return twice_energy, largest


@njit(cache=True, nogil=True)
def wall_forces(spheres, box, periodic, forces):
    """Walls push spheres of `diameters`, and hold up the `hard` ones inside: (2 x energy, largest overlap / diameter).

    A force that presses a hard sphere onto the wall it stands on is taken off: the wall answers it.
    """
    centres, diameters, hard = spheres.centres, spheres.diameters, spheres.hard
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
def advance(spheres, near, forces, box, periodic, keep, turn, time_step):
    """Turn all velocities, move all spheres, stop those that meet a wall; the longest way since they were listed."""
    centres, velocities, hard = spheres.centres, spheres.velocities, spheres.hard
    longest = 0.0
    for i in range(centres.shape[0]):
        squared = 0.0
        for axis in range(3):
            velocities[i, axis] = keep * velocities[i, axis] + (turn + time_step) * forces[i, axis]
            centres[i, axis] += time_step * velocities[i, axis]
            if not periodic[axis]:
                lowest, highest = 0.5 * hard[i], box[axis] - 0.5 * hard[i]
                if centres[i, axis] < lowest or centres[i, axis] > highest:
                    centres[i, axis] = min(max(centres[i, axis], lowest), highest)
                    velocities[i, axis] = 0.0
            moved = centres[i, axis] - near.centres[i, axis]
            squared += moved * moved
        longest = max(longest, squared)
    return math.sqrt(longest)


@njit(cache=True, nogil=True)
def fire_sums(velocities, forces):
    """Power, squared force and squared speed of all spheres together."""
    power, force_squared, speed_squared = 0.0, 0.0, 0.0
    for i in range(forces.shape[0]):
        for axis in range(3):
            power += forces[i, axis] * velocities[i, axis]
            force_squared += forces[i, axis] * forces[i, axis]
            speed_squared += velocities[i, axis] * velocities[i, axis]
    return power, force_squared, speed_squared


@njit(cache=True, nogil=True)
def all_forces(spheres, near, box, periodic, forces):
    """Pairs, bonds and walls together: (2 x energy, largest overlap or gap of a bond / smaller diameter)."""
    pair_energy, overlap = overlap_forces(spheres, near, forces)
    bond_energy, gap = bond_forces(spheres, near.bonds, box, periodic, forces)
    wall_energy, pressed = wall_forces(spheres, box, periodic, forces)
    return pair_energy + bond_energy + wall_energy, max(overlap, max(gap, pressed))


@njit(cache=True, nogil=True)
def relax(centres, diameters, hard, block, bonds, box, periodic, wanted, most_steps):
    """Minimise the overlap energy in place by FIRE (Bitzek et al. 2006): (largest overlap or gap of a bond, steps).

    Ends when neither exceeds `wanted` of the smaller diameter, when the forces balance, or after `most_steps`.
    """
    n = centres.shape[0]
    confine(centres, hard, box, periodic)
    spheres = Spheres(centres.copy(), np.zeros_like(centres), diameters, hard, block, np.arange(n))
    spheres, near = list_neighbours(spheres, bonds, box, periodic, SKIN)
    forces = np.zeros_like(centres)
    time_step, mixing, downhill = FIRST_TIME_STEP, MIXING, 0
    largest, moved = 0.0, 0.0
    step = 0
    while step < most_steps:
        if moved > 0.5 * SKIN:
            confine(spheres.centres, spheres.hard, box, periodic)
            spheres, near = list_neighbours(spheres, bonds, box, periodic, SKIN)
        twice_energy, largest = all_forces(spheres, near, box, periodic, forces)
        power, force_squared, speed_squared = fire_sums(spheres.velocities, forces)
        if largest <= wanted or force_squared <= BALANCED * BALANCED * twice_energy:
            break
        if power > 0.0:  # downhill: turn the velocity towards the force
            keep, turn = 1.0 - mixing, mixing * math.sqrt(speed_squared / force_squared)
            downhill += 1
            if downhill > STEPS_BEFORE_SPEEDING_UP:
                time_step = min(time_step * SPEED_UP, LARGEST_TIME_STEP)
                mixing *= MIXING_DECAY
        else:  # uphill: stop, and start again with care
            keep, turn, downhill = 0.0, 0.0, 0
            time_step, mixing = max(time_step * SLOW_DOWN, SMALLEST_TIME_STEP), MIXING
        moved = advance(spheres, near, forces, box, periodic, keep, turn, time_step)
        step += 1
    centres[spheres.index] = spheres.centres
    confine(centres, hard, box, periodic)
    return largest, step
