"""Kernels for pairs of rounded convex bodies: their gaps, and the directions across them."""

from numba import njit

from microstructure.cores._shapes import gap


@njit(cache=True)
def pair_gaps(solids, pairs, vectors, gaps):
    """Gap of each pair of bodies, the vector leading from the centre of the first to that of the second."""
    for k in range(pairs.shape[0]):
        gaps[k] = gap(solids, pairs[k, 0], pairs[k, 1], vectors[k, 0], vectors[k, 1], vectors[k, 2])[0]


@njit(cache=True)
def pair_normals(solids, pairs, vectors, normals):
    """Unit normal across the gap of each pair, from the first body to the second."""
    for k in range(pairs.shape[0]):
        x, y, z = vectors[k, 0], vectors[k, 1], vectors[k, 2]
        found = gap(solids, pairs[k, 0], pairs[k, 1], x, y, z)[1]
        normals[k, 0], normals[k, 1], normals[k, 2] = found
