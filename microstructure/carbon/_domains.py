"""Kernels that measure the room for carbon at a point: in a flat coat, and in the coat of one core among others."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

from microstructure.coats._coating import (
    Cores,
    Film,
    border_above,
    ceiling_above,
    film_at,
    foot_on,
    is_sphere,
    sphere_border,
    sphere_level,
)


class FlatRoom(NamedTuple):
    """A flat coat: centres of primaries lie between two heights along axis 0."""

    floor: float
    ceiling: float
    lid: float  # how far above the ceiling a primary is pressed back instead of cut: a radius under a core, else 0


class CurvedRoom(NamedTuple):
    """What one aggregate can reach of the coat of a core; points are given from the core's centre.

    Most cores are spheres among spheres, and most rays end below `bound`: those need a few numbers only, and are spared
    the long lists of all cores (which cost more to hand on than to use).
    """

    floor: float  # lowest height of a primary's centre: its radius
    sunk: float  # how far below the coat's outer face it lies at least, measured across that face
    lid: float  # as in a flat coat, which has a core above; 0 here
    radius: float
    centre: float  # along axis 0
    wall: float
    lone: bool  # neither neighbours nor walls
    axis: np.ndarray  # of a cone around the aggregate
    cosine: float  # of the cone's half-angle, above 1 for none
    bound: float
    vectors: np.ndarray  # to those neighbours that can end the core's region within the cone, below `bound`
    radii: np.ndarray
    film: Film
    cores: Cores
    core: int


def survey(room, points, heights, ceilings, normals):
    """Measure a room at each point: height above the core, how high the room is there, and which way is up.

    A ceiling below the floor says that a primary has no room there.
    """
    kernel = survey_flat if isinstance(room, FlatRoom) else survey_curved
    kernel(room, points, heights, ceilings, normals)


@overload(survey)
def _survey(room, points, heights, ceilings, normals):
    kernel = survey_flat if room.instance_class is FlatRoom else survey_curved

    def measure(room, points, heights, ceilings, normals):
        kernel(room, points, heights, ceilings, normals)

    return measure


@njit(cache=True)
def survey_flat(room, points, heights, ceilings, normals):
    """Height, ceiling and normal at each point of a flat coat."""
    for k in range(heights.size):
        heights[k], ceilings[k] = points[k, 0], room.ceiling
        normals[k, 0], normals[k, 1], normals[k, 2] = 1.0, 0.0, 0.0


@njit(cache=True)
def survey_curved(room, points, heights, ceilings, normals):
    """Height, ceiling and normal at each point around a core."""
    film, core, radius, axis = room.film, room.core, room.radius, room.axis
    for k in range(heights.size):
        x, y, z = points[k, 0], points[k, 1], points[k, 2]
        norm = max(np.sqrt(x * x + y * y + z * z), 1e-30)
        nx, ny, nz = x / norm, y / norm, z / norm
        ceiling = np.nan
        if nx * axis[0] + ny * axis[1] + nz * axis[2] >= room.cosine:
            heights[k] = norm - radius
            x, y, z = radius * nx, radius * ny, radius * nz
            border, filled = np.inf, 0.0
            for n in range(room.radii.size):
                dx, dy, dz = room.vectors[n, 0] - x, room.vectors[n, 1] - y, room.vectors[n, 2] - z
                border = min(border, sphere_border(dx, dy, dz, room.radii[n], nx, ny, nz))
                filled = max(filled, sphere_level(dx, dy, dz, room.radii[n], nx, ny, nz, film.level))
            if room.wall > 0.0:
                for side in range(2):  # each wall a mirror
                    mx = 2.0 * (side * room.wall - room.centre) - x
                    filled = max(filled, sphere_level(-mx, -y, -z, radius, -nx, ny, nz, film.level))
            border = min(border, wall_height(room.wall, room.centre + x, nx, 0.0))
            wall = wall_height(room.wall, room.centre + x, nx, room.floor)
            local = film_at(film, core, x, y, z)
            found = min(max(local, film.open if room.lone else filled), border) if local > 0.0 else 0.0
            if min(border, wall) < room.floor:
                ceiling = -1.0
            elif min(border, found) <= room.bound:  # above it a core that was left out could end the region
                ceiling = min(found - room.sunk, wall, 2.0 * radius)
                if room.sunk != 0.0:
                    for n in range(room.radii.size):
                        dx, dy, dz = room.vectors[n, 0] - x, room.vectors[n, 1] - y, room.vectors[n, 2] - z
                        grown = room.radii[n] + 2.0 * room.sunk
                        ceiling = min(ceiling, sphere_border(dx, dy, dz, grown, nx, ny, nz))
                ceiling = max(room.floor, ceiling)
        if np.isnan(ceiling):
            heights[k], nx, ny, nz = foot_on(room.cores, core, points[k, 0], points[k, 1], points[k, 2])
            x, y, z = points[k, 0] - heights[k] * nx, points[k, 1] - heights[k] * ny, points[k, 2] - heights[k] * nz
            ceiling = any_ceiling(room.cores, core, film, room.floor, room.sunk, x, y, z, nx, ny, nz)
        ceilings[k] = ceiling
        normals[k, 0], normals[k, 1], normals[k, 2] = nx, ny, nz


@njit(cache=True)
def any_ceiling(cores, core, film, floor, sunk, x, y, z, nx, ny, nz):
    """Highest centre of a primary above a surface point, along its normal: at the floor in a coat thinner than itself.

    -1 where another core or a wall leaves no room for it at all. A normal's ceiling is the film's, or the height up to
    which its gap is filled.
    """
    border = border_above(cores, core, x, y, z, nx, ny, nz)
    wall = wall_height(cores.wall, cores.centres[core, 0] + x, nx, floor)
    if min(border, wall) < floor:
        return -1.0
    ceiling = ceiling_above(cores, film, core, x, y, z, nx, ny, nz, border) - sunk
    if sunk != 0.0:
        ceiling = min(ceiling, border_above(cores, core, x, y, z, nx, ny, nz, 2.0 * sunk))
    return max(floor, min(ceiling, wall, 2.0 * cores.radii[core]))


@njit(cache=True)
def wall_height(wall, position, nx, floor):
    """How high one can go from a position along axis 0 without coming nearer than `floor` to a wall of it."""
    if wall == 0.0 or nx == 0.0:
        return np.inf
    return (wall - floor - position) / nx if nx > 0.0 else (floor - position) / nx


@njit(cache=True)
def enter_room(cores, film, core, anchor, reach, floor, sunk=0.0):
    """The part of a core's coat that an aggregate of this reach around its anchor (from the core's centre) can use."""
    radius, sine = cores.radii[core], reach / cores.radii[core]
    axis = anchor / max(np.sqrt((anchor * anchor).sum()), 1e-30)
    cosine = np.sqrt(1.0 - sine * sine) if sine < 0.9 else -1.0
    local = film_at(film, core, radius * axis[0], radius * axis[1], radius * axis[2])
    bound = max(1.2 * local, film.level, film.open, 2.0 * floor)
    first, last = cores.start[core], cores.start[core + 1]
    vectors, radii, number = np.empty((last - first, 3)), np.empty(last - first), 0
    simple = is_sphere(cores, core)
    for n in range(first, last):
        if concerns(cores, core, n, axis[0], axis[1], axis[2], cosine, bound, film.level, 2.0 * sunk):
            vectors[number], radii[number] = cores.vectors[n], cores.radii[cores.neighbours[n]]
            number += 1
            simple = simple and is_sphere(cores, cores.neighbours[n])
    cosine = cosine if simple else 2.0  # the normals of other bodies may point anywhere
    near, x = vectors[:number], cores.centres[core, 0]
    lone = first == last and cores.wall == 0.0
    return CurvedRoom(
        floor, sunk, 0.0, radius, x, cores.wall, lone, axis, cosine, bound, near, radii[:number], film, cores, core
    )  # fmt: skip


@njit(cache=True)
def concerns(cores, core, n, x, y, z, cosine, bound, level, grown):
    """Whether neighbour n can end a sphere's region below a bound, or fill a gap, over a cone around (x, y, z)."""
    a, b, c = cores.vectors[n, 0], cores.vectors[n, 1], cores.vectors[n, 2]
    length = np.sqrt(a * a + b * b + c * c)
    toward = (x * a + y * b + z * c) / max(length, 1e-30)
    nearest = 1.0  # cosine of the angle between the neighbour and the nearest ray of the cone
    if toward < cosine:
        nearest = toward * cosine + np.sqrt(max(0.0, (1.0 - toward * toward) * (1.0 - cosine * cosine)))
    own, other = cores.radii[core], cores.radii[cores.neighbours[n]] + grown
    surface = np.sqrt(max(length * length + own * own - 2.0 * length * own * nearest, 0.0))
    if surface - other < 2.0 * level:
        return True
    along = nearest * length + other - own
    return along > 0.0 and 0.5 * (length * length - (other - own) ** 2) / along - own < bound
