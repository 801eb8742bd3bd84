"""Kernels for coats on cores: how thick a film is, and where a region ends along a ray."""

from typing import NamedTuple

import numpy as np
from numba import njit

from microstructure.cores._shapes import foot, ray_to_border

MOST_TANGENTS = 40  # of a height, where the other core is no sphere: some four are the rule
CLOSE = 1e-9  # of a level: the two distances to bodies add up to it so nearly
NOTHING, SEPARATOR, COLLECTOR = -1, -2, -3  # what lies beyond a region where it is no core


class Cores(NamedTuple):
    """Cores and, for each, those around it, nearest first: `vectors[start[c]:start[c + 1]]` lead to their images."""

    centres: np.ndarray
    radii: np.ndarray  # of the spheres that just hold them
    start: np.ndarray
    vectors: np.ndarray
    neighbours: np.ndarray
    gaps: np.ndarray  # between the two surfaces
    wall: float  # length of axis 0 if it has walls, else 0
    corners: np.ndarray  # from here on their true shapes, as in `Solids`: parallel loops take no tuple in a tuple
    corner_start: np.ndarray
    normals: np.ndarray
    offsets: np.ndarray
    face_start: np.ndarray
    rounding: np.ndarray


class Film(NamedTuple):
    """A film over the surfaces of its cores, and how far the gaps between them are filled with matrix."""

    thickness: float  # mean over the surface, bare patches included
    roughness: float  # matrix under the film, in the texture of the surface
    level: float  # matrix fills what is nearer than this, on average, to two surfaces
    open: float  # around a core without neighbours, matrix reaches at least this high
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
def mirrored(cores, core, x, nx, side):
    """x of a point and its direction, from a core's centre, seen in a wall (0: at x = 0, 1: at x = `cores.wall`)."""
    position = cores.centres[core, 0]
    wall = cores.wall if side == 1 else 0.0
    return 2.0 * (wall - position) - x, -nx


@njit(cache=True)
def next_above(cores, core, x, y, z, nx, ny, nz, grown=0.0):
    """Height at which the normal of a surface point leaves its core's region, and what lies beyond.

    (x, y, z) is relative to the core's centre. Region borders lie half-way between two core surfaces (for spheres an
    additively weighted Voronoi cell); a wall at x = 0 or x = `cores.wall` ends the region itself. Beyond lies the core
    of entry n of `neighbours`, or `SEPARATOR`, `COLLECTOR` or `NOTHING`. With all other cores `grown` by a length, what
    lies below keeps half of it away from the border.
    """
    height, beyond = np.inf, NOTHING
    for n in range(cores.start[core], cores.start[core + 1]):
        if 0.5 * (cores.gaps[n] - grown) > height:
            break
        other = cores.neighbours[n]
        dx, dy, dz = cores.vectors[n, 0] - x, cores.vectors[n, 1] - y, cores.vectors[n, 2] - z
        middle = sphere_border(dx, dy, dz, cores.radii[other] + grown, nx, ny, nz)
        if middle < height and not is_sphere(cores, other):  # so far a lower bound
            middle = ray_to_border(
                cores.corners,
                cores.corner_start[other],
                cores.corner_start[other + 1],
                cores.normals,
                cores.offsets,
                cores.face_start[other],
                cores.face_start[other + 1],
                cores.rounding[other] + grown,
                -dx,
                -dy,
                -dz,
                nx,
                ny,
                nz,
                height,
            )
        if middle < height:
            height, beyond = middle, n
    if cores.wall > 0.0 and nx != 0.0:
        position = cores.centres[core, 0] + x
        wall = (cores.wall - position) / nx if nx > 0.0 else -position / nx
        if wall < height:
            height, beyond = wall, COLLECTOR if nx > 0.0 else SEPARATOR
    return height, beyond


@njit(cache=True)
def border_above(cores, core, x, y, z, nx, ny, nz, grown=0.0):
    """Height at which the normal of a surface point leaves its core's region; see `next_above`."""
    return next_above(cores, core, x, y, z, nx, ny, nz, grown)[0]


@njit(cache=True)
def half_gap_at(cores, core, x, y, z, height):
    """Mean distance of a point, relative to its core's centre, to that core (`height`) and the next; inf without one.

    A wall counts as a mirror: a core has the gap before it that it would have before a second core of its kind.
    """
    second = np.inf
    for n in range(cores.start[core], cores.start[core + 1]):
        if cores.gaps[n] - height > second:
            break
        other = cores.neighbours[n]
        dx, dy, dz = x - cores.vectors[n, 0], y - cores.vectors[n, 1], z - cores.vectors[n, 2]
        outer = cores.radii[other] + second
        if dx * dx + dy * dy + dz * dz < outer * outer:
            second = min(second, foot_on(cores, other, dx, dy, dz)[0])
    if cores.wall > 0.0:
        for side in range(2):
            second = min(second, foot_on(cores, core, mirrored(cores, core, x, 0.0, side)[0], y, z)[0])
    return 0.5 * (height + second)


@njit(cache=True)
def sphere_level(dx, dy, dz, radius, nx, ny, nz, level):
    """As `level_before`, for a sphere."""
    reach = radius + 2.0 * level
    square = dx * dx + dy * dy + dz * dz
    return 0.5 * (reach * reach - square) / (reach - (nx * dx + ny * dy + nz * dz)) if square < reach * reach else 0.0


@njit(cache=True)
def level_before(cores, other, dx, dy, dz, nx, ny, nz, level):
    """Height up to which the normal of a surface point stays below a level before one other core; 0 if nowhere.

    (dx, dy, dz) leads from the surface point to the other core's centre. Below the level means that the distances to
    both surfaces add up to less than twice the level: along the normal their sum never falls, and is convex, so that
    tangents from above, at twice the level, come down to the height.
    """
    if is_sphere(cores, other):
        return sphere_level(dx, dy, dz, cores.radii[other], nx, ny, nz, level)
    reach = cores.radii[other] + 2.0 * level
    if dx * dx + dy * dy + dz * dz >= reach * reach:
        return 0.0
    height = 2.0 * level
    if foot_on(cores, other, -dx, -dy, -dz)[0] >= height:
        return 0.0
    for _ in range(MOST_TANGENTS):
        distance, mx, my, mz = foot_on(cores, other, height * nx - dx, height * ny - dy, height * nz - dz)
        excess = distance + height - 2.0 * level
        if excess <= CLOSE * level:
            break
        height -= excess / (1.0 + mx * nx + my * ny + mz * nz)
    return max(height, 0.0)


@njit(cache=True)
def ceiling_above(cores, film, core, x, y, z, nx, ny, nz, border):
    """How high matrix reaches above a surface point, in a region that ends at `border`: the film or the filled gap."""
    local = film_at(film, core, x, y, z)
    if local == 0.0:  # a bare patch
        return 0.0
    first, last = cores.start[core], cores.start[core + 1]
    if first == last and cores.wall == 0.0:
        return max(local, film.open)
    for n in range(first, last):
        if cores.gaps[n] >= 2.0 * film.level:
            break
        dx, dy, dz = cores.vectors[n, 0] - x, cores.vectors[n, 1] - y, cores.vectors[n, 2] - z
        local = max(local, level_before(cores, cores.neighbours[n], dx, dy, dz, nx, ny, nz, film.level))
    if cores.wall > 0.0:
        for side in range(2):
            mx, reverse = mirrored(cores, core, x, nx, side)
            local = max(local, level_before(cores, core, -mx, -y, -z, reverse, ny, nz, film.level))
    return min(local, border)
