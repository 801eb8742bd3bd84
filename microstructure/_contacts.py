"""Kernel for the gaps between pairs of rounded convex bodies."""

from numba import njit

from microstructure._bodies import gap


@njit(cache=True)
def pair_gaps(solids, pairs, vectors, gaps):
    """Gap of each pair of bodies, the vector leading from the centre of the first to that of the second."""
    for k in range(pairs.shape[0]):
        gaps[k] = gap(solids, pairs[k, 0], pairs[k, 1], vectors[k, 0], vectors[k, 1], vectors[k, 2])[0]
