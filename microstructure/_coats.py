"""Kernels for coats on cores: how thick a film is, and where a region ends along a ray."""

from typing import NamedTuple

import numpy as np
from numba import njit

from microstructure._bodies import foot, ray_to_border


class Cores(NamedTuple):
    """Cores and, for each, the cores around it: `vectors[start[c]:start[c + 1]]` lead to the images of them."""

    centres: np.ndarray
    radii: np.ndarray  # of the spheres that just hold them
    start: np.ndarray
    vectors: np.ndarray
    neighbours: np.ndarray
    wall: float  # length of axis 0 if it has walls, else 0
    corners: np.ndarray  # from here on their true shapes, as in `Solids`: parallel loops take no tuple in a tuple
    corner_start: np.ndarray
    normals: np.ndarray
    offsets: np.ndarray
    face_start: np.ndarray
    rounding: np.ndarray


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
def is_sphere(cores, core):
    """Whether a core is a sphere: one corner and a rounding."""
    return cores.corner_start[core + 1] - cores.corner_start[core] == 1


@njit(cache=True)
def foot_on(cores, core, x, y, z):
    """Height of a point, relative to a core's centre, above the core's surface, and the outward unit normal there."""
    if is_sphere(cores, core):
        distance = max(np.sqrt(x * x + y * y + z * z), 1e-30)
        return distance - cores.rounding[core], x / distance, y / distance, z / distance
    return foot(
        cores.corners,
        cores.corner_start[core],
        cores.corner_start[core + 1],
        cores.normals,
        cores.offsets,
        cores.face_start[core],
        cores.face_start[core + 1],
        cores.rounding[core],
        x,
        y,
        z,
    )


@njit(cache=True)
def sphere_border(dx, dy, dz, radius, nx, ny, nz):
    """Height above a surface point at which a sphere, (dx, dy, dz) away, is as near as the point; inf if nowhere."""
    along = nx * dx + ny * dy + nz * dz + radius
    return 0.5 * (dx * dx + dy * dy + dz * dz - radius * radius) / along if along > 0.0 else np.inf


@njit(cache=True)
def border_above(cores, core, x, y, z, nx, ny, nz):
    """Height at which the normal of a surface point leaves its core's region, and half the gap that it crosses there.

    (x, y, z) is relative to the core's centre. Region borders lie half-way between two core surfaces (for spheres an
    additively weighted Voronoi cell); a wall at x = 0 or x = `cores.wall` ends the region itself, so that half its
    gap is half the height.
    """
    height, half_gap = np.inf, np.inf
    for n in range(cores.start[core], cores.start[core + 1]):
        other = cores.neighbours[n]
        dx, dy, dz = cores.vectors[n, 0] - x, cores.vectors[n, 1] - y, cores.vectors[n, 2] - z
        middle = sphere_border(dx, dy, dz, cores.radii[other], nx, ny, nz)
        if middle < height and not is_sphere(cores, other):  # so far a lower bound
            middle = ray_to_border(
                cores.corners,
                cores.corner_start[other],
                cores.corner_start[other + 1],
                cores.normals,
                cores.offsets,
                cores.face_start[other],
                cores.face_start[other + 1],
                cores.rounding[other],
                -dx,
                -dy,
                -dz,
                nx,
                ny,
                nz,
                height,
            )
        height = min(height, middle)
    half_gap = height
    if cores.wall > 0.0 and nx != 0.0:
        position = cores.centres[core, 0] + x
        wall = (cores.wall - position) / nx if nx > 0.0 else -position / nx
        if wall < height:
            height, half_gap = wall, 0.5 * wall
    return height, half_gap


@njit(cache=True)
def ray_height(cores, core, ux, uy, uz):
    """As `border_above`, for the ray that leaves the centre of a sphere."""
    radius = cores.radii[core]
    return border_above(cores, core, radius * ux, radius * uy, radius * uz, ux, uy, uz)
