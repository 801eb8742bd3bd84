"""Kernels for coats on cores: how thick a film is, where a region ends along a ray, and voxel images."""

from typing import NamedTuple

import numpy as np
from numba import njit, prange


class Cores(NamedTuple):
    """Cores and, for each, the cores around it: `vectors[start[c]:start[c + 1]]` lead to the images of them."""

    centres: np.ndarray
    radii: np.ndarray
    start: np.ndarray
    vectors: np.ndarray
    neighbours: np.ndarray
    wall: float  # length of axis 0 if it has walls, else 0


class Film(NamedTuple):
    """Thickness of a film over the surfaces of its cores, and the half gap up to which gaps are filled."""

    thickness: float
    fill: float


@njit(cache=True)
def film_at(film, core, x, y, z):
    """Thickness of the film on the surface point (x, y, z) of a core, measured from the core's centre."""
    return film.thickness


@njit(cache=True)
def ceiling_at(film, core, x, y, z, border, half_gap):
    """How high matrix reaches above a surface point whose region ends at `border`, half a gap of `half_gap` wide."""
    local = film_at(film, core, x, y, z)
    return border if half_gap <= max(film.fill, local) else min(local, border)


@njit(cache=True)
def ray_height(cores, core, ux, uy, uz):
    """Height at which a ray from a core leaves its own region, and half the gap that it crosses there.

    Region borders lie half-way between two core surfaces (an additively weighted Voronoi cell); a wall at x = 0 or
    x = `cores.wall` ends the region itself, so that half its gap is half the height.
    """
    radius = cores.radii[core]
    height, half_gap = np.inf, np.inf
    for n in range(cores.start[core], cores.start[core + 1]):
        x, y, z = cores.vectors[n, 0], cores.vectors[n, 1], cores.vectors[n, 2]
        difference = cores.radii[cores.neighbours[n]] - radius
        along = ux * x + uy * y + uz * z + difference
        if along > 0.0:
            middle = 0.5 * (x * x + y * y + z * z - difference * difference) / along - radius
            height = min(height, middle)
    half_gap = height
    if cores.wall > 0.0 and ux != 0.0:
        position = cores.centres[core, 0]
        wall = ((cores.wall - position) / ux if ux > 0.0 else -position / ux) - radius
        if wall < height:
            height = wall
            half_gap = 0.5 * wall
    return height, half_gap


@njit(cache=True, parallel=True)
def nearest_core(centres, radii, reach, voxel, periodic, distance, owner):
    """Signed distance of each voxel centre to the nearest core surface (at most `reach`), and that core."""
    nx, ny, nz = distance.shape
    for i in prange(nx):
        x = (i + 0.5) * voxel
        for c in range(radii.size):
            outer = radii[c] + reach
            dx = x - centres[c, 0]
            if periodic[0]:
                dx -= nx * voxel * np.rint(dx / (nx * voxel))
            if abs(dx) > outer:
                continue
            half = np.sqrt(outer * outer - dx * dx)
            j0, j1 = span(centres[c, 1], half, voxel, ny, periodic[1])
            k0, k1 = span(centres[c, 2], half, voxel, nz, periodic[2])
            for j in range(j0, j1):
                dy = (j + 0.5) * voxel - centres[c, 1]
                for k in range(k0, k1):
                    dz = (k + 0.5) * voxel - centres[c, 2]
                    delta = np.sqrt(dx * dx + dy * dy + dz * dz) - radii[c]
                    if delta < distance[i, j % ny, k % nz]:
                        distance[i, j % ny, k % nz] = delta
                        owner[i, j % ny, k % nz] = c


@njit(cache=True)
def span(centre, half, voxel, count, periodic):
    """First and last voxel (exclusive) whose centre lies within `half` of `centre`; no voxel twice."""
    low = int(np.ceil((centre - half) / voxel - 0.5))
    high = int(np.floor((centre + half) / voxel - 0.5)) + 1
    if not periodic:
        return max(0, low), min(count, high)
    return low, high


@njit(cache=True, parallel=True)
def half_gaps(distance, owner, cores, voxel, periodic, out):
    """Half the gap between the two surfaces that face each other across each voxel outside the cores."""
    nx, ny, nz = distance.shape
    for i in prange(nx):
        for j in range(ny):
            for k in range(nz):
                c = owner[i, j, k]
                if c < 0:
                    out[i, j, k] = np.inf
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
                norm = max(np.sqrt(dx * dx + dy * dy + dz * dz), 1e-30)
                out[i, j, k] = ray_height(cores, c, dx / norm, dy / norm, dz / norm)[1]
