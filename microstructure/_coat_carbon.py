"""Kernel that sets branched aggregates into the coats of cores."""

import numpy as np
from numba import njit

from microstructure._coats import ceiling_at, ray_height
from microstructure._placement import fit_heights, misfit, rotate


@njit(cache=True)
def place_curved(
    anchors, owners, shapes, quaternions, library_start, offsets, floor, mode, tries, cores, film, out, keep
):
    """Set aggregates into the coats of spheres; heights are measured from the core that owns the coat.

    A ray's ceiling is the border of the region where the gap is filled (half gap at most `fill`), else the film.
    A primary that finds less than its own radius between two cores is left out: there is no room for it.
    """
    row = 0
    for m in range(shapes.size):
        c, first = owners[m], library_start[shapes[m]]
        count = library_start[shapes[m] + 1] - first
        block, kept = out[row : row + count], keep[row : row + count]
        heights, ceilings, borders = np.empty(count), np.empty(count), np.empty(count)
        best, least = 0, np.inf
        for attempt in range(tries + 1):
            chosen = best if attempt == tries else attempt
            for k in range(count):
                rotate(quaternions[m, chosen], offsets[first + k], block[k])
                for d in range(3):
                    block[k, d] += anchors[m, d] - cores.centres[c, d]
                norm = max(np.sqrt((block[k] * block[k]).sum()), 1e-30)
                heights[k] = norm - cores.radii[c]
                block[k] /= norm
                x, y, z = block[k, 0], block[k, 1], block[k, 2]
                height, half_gap = ray_height(cores, c, x, y, z)
                borders[k] = height - (floor if half_gap < height else 0.0)  # a wall is hard, a seam is not
                radius = cores.radii[c]
                ceiling = ceiling_at(film, c, radius * x, radius * y, radius * z, borders[k], half_gap)
                ceilings[k] = min(ceiling, 2.0 * radius)
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
                block[k, d] = cores.centres[c, d] + (cores.radii[c] + heights[k]) * block[k, d]
        row += count
