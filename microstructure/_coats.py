"""Kernels for coats on spheres: where a coat ends along a ray, voxel images, and aggregates in a curved coat."""

import numpy as np
from numba import njit, prange

from microstructure._placement import fit_heights, misfit, rotate


@njit(cache=True)
def ray_height(core, ux, uy, uz, position, radii, start, vectors, neighbours, length):
    """Height at which a ray from a core leaves its own region, and half the gap that it crosses there.

    Region borders lie half-way between two core surfaces (an additively weighted Voronoi cell); a wall at x = 0 or
    x = `length` ends the region itself, so that half its gap is half the height.
    """
    radius = radii[core]
    height, half_gap = np.inf, np.inf
    for n in range(start[core], start[core + 1]):
        difference = radii[neighbours[n]] - radius
        along = ux * vectors[n, 0] + uy * vectors[n, 1] + uz * vectors[n, 2] + difference
        if along > 0.0:
            square = vectors[n, 0] ** 2 + vectors[n, 1] ** 2 + vectors[n, 2] ** 2
            middle = 0.5 * (square - difference * difference) / along - radius
            height = min(height, middle)
    half_gap = height
    if length > 0.0 and ux != 0.0:
        wall = ((length - position) / ux if ux > 0.0 else -position / ux) - radius
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
def half_gaps(distance, owner, centres, radii, start, vectors, neighbours, length, voxel, periodic, out):
    """Half the gap between the two surfaces that face each other across each voxel outside the cores."""
    nx, ny, nz = distance.shape
    for i in prange(nx):
        for j in range(ny):
            for k in range(nz):
                c = owner[i, j, k]
                if c < 0:
                    out[i, j, k] = np.inf
                    continue
                dx = (i + 0.5) * voxel - centres[c, 0]
                dy = (j + 0.5) * voxel - centres[c, 1]
                dz = (k + 0.5) * voxel - centres[c, 2]
                if periodic[0]:
                    dx -= nx * voxel * np.rint(dx / (nx * voxel))
                if periodic[1]:
                    dy -= ny * voxel * np.rint(dy / (ny * voxel))
                if periodic[2]:
                    dz -= nz * voxel * np.rint(dz / (nz * voxel))
                norm = max(np.sqrt(dx * dx + dy * dy + dz * dz), 1e-30)
                out[i, j, k] = ray_height(
                    c, dx / norm, dy / norm, dz / norm, centres[c, 0], radii, start, vectors, neighbours, length
                )[1]


@njit(cache=True)
def place_curved(
    anchors,
    cores,
    shapes,
    quaternions,
    library_start,
    offsets,
    floor,
    film,
    fill,
    mode,
    tries,
    centres,
    radii,
    start,
    vectors,
    neighbours,
    length,
    out,
    keep,
):
    """Set aggregates into the coats of spheres; heights are measured from the core that owns the coat.

    A ray's ceiling is the border of the region where the gap is filled (half gap at most `fill`), else the film.
    A primary that finds less than its own radius between two cores is left out: there is no room for it.
    """
    row = 0
    for m in range(shapes.size):
        c, first = cores[m], library_start[shapes[m]]
        count = library_start[shapes[m] + 1] - first
        block, kept = out[row : row + count], keep[row : row + count]
        heights, ceilings, borders = np.empty(count), np.empty(count), np.empty(count)
        best, least = 0, np.inf
        for attempt in range(tries + 1):
            chosen = best if attempt == tries else attempt
            for k in range(count):
                rotate(quaternions[m, chosen], offsets[first + k], block[k])
                for d in range(3):
                    block[k, d] += anchors[m, d] - centres[c, d]
                norm = max(np.sqrt((block[k] * block[k]).sum()), 1e-30)
                heights[k] = norm - radii[c]
                block[k] /= norm
                height, half_gap = ray_height(
                    c, block[k, 0], block[k, 1], block[k, 2], centres[c, 0], radii, start, vectors, neighbours, length
                )
                borders[k] = height - (floor if half_gap < height else 0.0)  # a wall is hard, a seam is not
                ceilings[k] = borders[k] if half_gap <= max(fill, film) else film
                ceilings[k] = min(ceilings[k], 2.0 * radii[c])
            excess = misfit(heights, ceilings, floor)
            if attempt == tries:
                break
            if excess < least:
                best, least = attempt, excess
            if excess == 0.0:
                break
        fit_heights(heights, ceilings, floor, mode, kept)
        for k in range(count):
            if borders[k] < floor:
                kept[k] = False
            for d in range(3):
                block[k, d] = centres[c, d] + (radii[c] + heights[k]) * block[k, d]
        row += count
