"""Kernels behind the size of an aggregate: pair sums over its primaries and the area of its shadow."""

from __future__ import annotations

import numpy as np
from numba import njit

GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))
COINCIDENT = 1e-12  # two discs nearer than this share of a radius are one


@njit(cache=True)
def square_gyration(centres):
    """Mean squared distance of the primary centres from their mean."""
    count = centres.shape[0]
    total = 0.0
    for axis in range(3):
        mean = 0.0
        for k in range(count):
            mean += centres[k, axis]
        mean /= count
        for k in range(count):
            total += (centres[k, axis] - mean) ** 2
    return total / count


@njit(cache=True)
def largest_distance(centres):
    """Largest distance between two centres."""
    largest = 0.0
    for i in range(centres.shape[0]):
        for j in range(i):
            largest = max(largest, _square(centres, i, j))
    return np.sqrt(largest)


@njit(cache=True)
def reciprocal_distances(centres):
    """Sum of 1/r over ordered pairs i != j."""
    total = 0.0
    for i in range(centres.shape[0]):
        for j in range(i):
            total += 2.0 / np.sqrt(_square(centres, i, j))
    return total


@njit(cache=True)
def mean_projected_area(centres, radius, directions):
    """Area of the union of the primaries' shadows, averaged over viewing directions spread evenly on a hemisphere."""
    count = centres.shape[0]
    x, y = np.empty(count), np.empty(count)
    starts, ends = np.empty(2 * count), np.empty(2 * count)
    total = 0.0
    for view in range(directions):
        cosine = (view + 0.5) / directions
        sine = np.sqrt(1.0 - cosine * cosine)
        along, across = np.cos(view * GOLDEN_ANGLE), np.sin(view * GOLDEN_ANGLE)
        for k in range(count):
            level = along * centres[k, 0] + across * centres[k, 1]
            x[k] = cosine * level - sine * centres[k, 2]
            y[k] = along * centres[k, 1] - across * centres[k, 0]
        total += union_area(x, y, radius, starts, ends)
    return total / directions


@njit(cache=True)
def union_area(x, y, radius, starts, ends):
    """Exact area of a union of equal discs: Green's theorem along the arcs that no other disc covers.

    `starts` and `ends` (2 N) are scratch space for the covered angles of one disc.
    """
    area = 0.0
    for i in range(x.size):
        covered = _covered_angles(x, y, radius, i, starts, ends)
        if covered < 0:
            continue
        order = np.argsort(starts[:covered])
        reached = 0.0
        for place in range(covered):
            start = starts[order[place]]
            if start > reached:
                area += _arc(x[i], y[i], radius, reached, start)
            reached = max(reached, ends[order[place]])
        if reached < 2.0 * np.pi:
            area += _arc(x[i], y[i], radius, reached, 2.0 * np.pi)
    return area


@njit(cache=True)
def _covered_angles(x, y, radius, i, starts, ends):
    """Number of angle intervals in [0, 2 pi] of disc i's rim inside other discs; -1 if an earlier disc is the same."""
    covered = 0
    for j in range(x.size):
        across, along = x[j] - x[i], y[j] - y[i]
        square = across * across + along * along
        if j == i or square >= 4.0 * radius * radius:
            continue
        if square < (COINCIDENT * radius) ** 2:
            if j < i:
                return -1
            continue
        half = np.arccos(np.sqrt(square) / (2.0 * radius))
        start = (np.arctan2(along, across) - half) % (2.0 * np.pi)
        starts[covered], ends[covered] = start, min(start + 2.0 * half, 2.0 * np.pi)
        covered += 1
        if start + 2.0 * half > 2.0 * np.pi:
            starts[covered], ends[covered] = 0.0, start + 2.0 * half - 2.0 * np.pi
            covered += 1
    return covered


@njit(cache=True)
def _arc(x, y, radius, start, end):
    """Share of an arc in the contour integral of (x dy - y dx) / 2."""
    swept = radius * (end - start) + x * (np.sin(end) - np.sin(start)) - y * (np.cos(end) - np.cos(start))
    return 0.5 * radius * swept


@njit(cache=True)
def _square(centres, i, j):
    return (
        (centres[i, 0] - centres[j, 0]) ** 2
        + (centres[i, 1] - centres[j, 1]) ** 2
        + (centres[i, 2] - centres[j, 2]) ** 2
    )
