"""Kernels for coats on cores: how thick a film is, and where a region ends along a ray."""

from typing import NamedTuple

import numpy as np
from numba import njit


class Cores(NamedTuple):
    """Cores and, for each, the cores around it: `vectors[start[c]:start[c + 1]]` lead to the images of them."""

    centres: np.ndarray
    radii: np.ndarray
    start: np.ndarray
    vectors: np.ndarray
    neighbours: np.ndarray
    wall: float  # length of axis 0 if it has walls, else 0


class Film(NamedTuple):
    """A film over the surfaces of its cores, and the half gap up to which gaps are filled with matrix."""

    thickness: float  # mean over the surface, bare patches included
    roughness: float  # matrix under the film, in the texture of the surface
    fill: float
    open: float  # where no surface faces the core, matrix reaches at least this high
    spread: float  # standard deviation of ln(thickness); 0 for an even film
    scale: float  # factor that keeps the mean
    thick: np.ndarray  # two periodic Gaussian fields, float32 (n, n, n)
    bare: np.ndarray
    bare_below: float  # patches where the second field is below this are bare; -inf for none
    spacing: float
    offsets: np.ndarray  # where each core lies in the fields, float64 (cores, 3)


@njit(cache=True)
def field_at(field, x, y, z, spacing):
    """A periodic field between its grid points, trilinear."""
    n = field.shape[0]
    gx, gy, gz = x / spacing, y / spacing, z / spacing
    i, j, k = int(np.floor(gx)), int(np.floor(gy)), int(np.floor(gz))
    wx, wy, wz = gx - i, gy - j, gz - k
    i, j, k = i % n, j % n, k % n
    p, q, r = (i + 1) % n, (j + 1) % n, (k + 1) % n
    low = (field[i, j, k] * (1.0 - wz) + field[i, j, r] * wz) * (1.0 - wy)
    low += (field[i, q, k] * (1.0 - wz) + field[i, q, r] * wz) * wy
    high = (field[p, j, k] * (1.0 - wz) + field[p, j, r] * wz) * (1.0 - wy)
    high += (field[p, q, k] * (1.0 - wz) + field[p, q, r] * wz) * wy
    return low * (1.0 - wx) + high * wx


@njit(cache=True)
def film_at(film, core, x, y, z):
    """Height of the film over the surface point (x, y, z), measured from the core's centre; 0 on a bare patch."""
    if film.spread == 0.0 and film.bare_below == -np.inf:
        return film.roughness + film.thickness
    x, y, z = x + film.offsets[core, 0], y + film.offsets[core, 1], z + film.offsets[core, 2]
    if film.bare_below > -np.inf and field_at(film.bare, x, y, z, film.spacing) < film.bare_below:
        return 0.0
    factor = film.scale
    if film.spread > 0.0:
        factor *= np.exp(film.spread * field_at(film.thick, x, y, z, film.spacing))
    return film.roughness + film.thickness * factor


@njit(cache=True)
def films_at(film, cores, points, out):
    """Height of the film over many surface points."""
    for n in range(cores.size):
        out[n] = film_at(film, cores[n], points[n, 0], points[n, 1], points[n, 2])


@njit(cache=True)
def ceiling_at(film, core, x, y, z, border, half_gap):
    """How high matrix reaches above a surface point whose region ends at `border`, half a gap of `half_gap` wide."""
    local = film_at(film, core, x, y, z)
    if local == 0.0:  # over a bare patch
        return 0.0
    if half_gap == np.inf:
        return max(local, film.open)
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
