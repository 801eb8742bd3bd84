"""Kernels that lay coats without voxels: rays from the surfaces of the cores, and the faces at which two coats meet."""

import numpy as np
from numba import njit

from microstructure.coats._coating import NOTHING, ceiling_above, film_at, foot_on, half_gap_at, next_above

FLATTEST = 0.05  # cosine between a ray and the normal of a face


@njit(cache=True)
def shell(radius, height):
    """Volume above one unit of area of a sphere, up to a height."""
    return radius * ((1.0 + height / radius) ** 3 - 1.0) / 3.0


@njit(cache=True)
def height_of(radius, volume):
    """Height above a sphere's surface below which one unit of area has this volume."""
    return radius * ((1.0 + 3.0 * volume / radius) ** (1.0 / 3.0) - 1.0)


@njit(cache=True, nogil=True)
def cast_rays(first, last, cores, film, radii, reach, points, normals, borders, entries, films, half_gaps, volumes):
    """Where each ray leaves its region, and what for (as `next_above`), the film's height, half gaps above it.

    Above the film the ray is cut into as many parts of equal volume as `half_gaps` has room for, each of `volumes` a
    unit of core surface, and looked at in their middles.
    """
    steps = half_gaps.shape[2]
    for core in range(first, last):
        for ray in range(points.shape[1]):
            x, y, z = points[core, ray]
            nx, ny, nz = normals[core, ray]
            border, entry = next_above(cores, core, x, y, z, nx, ny, nz)
            local = film_at(film, core, x, y, z)
            borders[core, ray], entries[core, ray], films[core, ray] = border, entry, min(local, border)
            top = min(border, reach)
            volumes[core, ray] = 0.0
            half_gaps[core, ray] = np.inf
            if local == 0.0 or local >= top:
                continue
            below = shell(radii[core], local)
            part = (shell(radii[core], top) - below) / steps
            volumes[core, ray] = part
            for step in range(steps):
                height = height_of(radii[core], below + (step + 0.5) * part)
                px, py, pz = x + height * nx, y + height * ny, z + height * nz
                half_gaps[core, ray, step] = half_gap_at(cores, core, px, py, pz, height)


@njit(cache=True, nogil=True)
def cast_faces(first, last, cores, film, radii, points, normals, borders, entries, heights, slants):
    """How high matrix reaches along each ray, and where it reaches the border how many times the face is the shell."""
    for core in range(first, last):
        for ray in range(points.shape[1]):
            x, y, z = points[core, ray]
            nx, ny, nz = normals[core, ray]
            border = borders[core, ray]
            height = ceiling_above(cores, film, core, x, y, z, nx, ny, nz, border)
            heights[core, ray], slants[core, ray] = height, 0.0
            if height < border or border == np.inf:
                continue
            entry = entries[core, ray]
            if entry == NOTHING:
                continue
            cosine = abs(nx)  # before a wall
            if entry >= 0:
                vector = cores.vectors[entry]
                px, py, pz = x + border * nx - vector[0], y + border * ny - vector[1], z + border * nz - vector[2]
                _, mx, my, mz = foot_on(cores, cores.neighbours[entry], px, py, pz)
                cosine = np.sqrt(max(0.5 * (1.0 - (nx * mx + ny * my + nz * mz)), 0.0))
            slants[core, ray] = (1.0 + max(border, 0.0) / radii[core]) ** 2 / max(cosine, FLATTEST)
