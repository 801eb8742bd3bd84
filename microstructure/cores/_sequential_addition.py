"""Kernels of random sequential addition: spheres thrown one after the other where there is room."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


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
            for axis in range(3):
                centres[placed, axis] = centre[axis]
            link(placed, centre, first, following, box, cells, place)
            placed, failed = placed + 1, 0
        else:
            failed += 1
    return placed, failed


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
def fill_cells(centres, spheres, box, cells):
    """Linked cells of the first `spheres` centres: first sphere of each cell, next one in it (-1: none), places."""
    first = np.full(cells[0] * cells[1] * cells[2], -1, np.int64)
    following = np.full(centres.shape[0], -1, np.int64)
    places = np.empty(centres.shape, np.int64)
    for i in range(spheres):
        link(i, centres[i], first, following, box, cells, places[i])
    return first, following, places


@njit(cache=True, nogil=True)
def link(i, centre, first, following, box, cells, place):
    """Put sphere i into its cell and write the cell's place along each axis into `place`."""
    for axis in range(3):
        place[axis] = min(max(int(centre[axis] / box[axis] * cells[axis]), 0), cells[axis] - 1)
    cell = (place[0] * cells[1] + place[1]) * cells[2] + place[2]
    following[i] = first[cell]
    first[cell] = i


@njit(cache=True, nogil=True)
def image_place(place, cells, periodic):
    """Cell a place stands for and how many boxes it was shifted; the cell is -1 behind a wall."""
    if 0 <= place < cells:
        return place, 0
    if not periodic:
        return -1, 0
    shift = place // cells
    return place - shift * cells, shift
