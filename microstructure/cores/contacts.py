"""Which cores touch: the pairs of a packing, and the cores at its two end faces, within a stated gap."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_number
from microstructure.cores._contacts import pair_gaps, pair_normals
from microstructure.cores._relaxation import find_pairs
from microstructure.cores.packing_request import check_reach
from microstructure.cores.shapes import Bodies
from microstructure.cores.sphere_packing import Packing


@dataclass(frozen=True, eq=False, repr=False)
class Contacts:
    """Pairs of cores, and of cores and end faces, whose surfaces are at most `gap` apart.

    A pair stands once for each image of the second sphere within reach, so in a small periodic box it may stand more
    than once. A sphere that reaches its own image stands as (i, i), once for the two opposite images: such a pair
    closes the packing on itself, but carries no current between different spheres.

    Attributes
    ----------
    pairs : ndarray, int64 (m, 2)
        Spheres i <= j, sorted.
    gaps : ndarray, float64 (m,) [m]
        Surface to surface; negative where two spheres overlap.
    vectors : ndarray, float64 (m, 3) [m]
        From the centre of i to the centre of that image of j.
    separator, collector : ndarray, int64 (k,)
        Spheres at x = 0 and at x = box[0]; empty where x is periodic. Walls of the other axes are not listed.
    separator_gaps, collector_gaps : ndarray, float64 (k,) [m]
        From the surface of each of them to the face.
    gap : float [m]
        The largest gap that counts.
    """

    pairs: NDArray[np.int64] = field(metadata={"unit": ""})
    gaps: NDArray[np.float64] = field(metadata={"unit": "m"})
    vectors: NDArray[np.float64] = field(metadata={"unit": "m"})
    separator: NDArray[np.int64] = field(metadata={"unit": ""})
    separator_gaps: NDArray[np.float64] = field(metadata={"unit": "m"})
    collector: NDArray[np.int64] = field(metadata={"unit": ""})
    collector_gaps: NDArray[np.float64] = field(metadata={"unit": "m"})
    gap: float = field(metadata={"unit": "m"})

    def __repr__(self) -> str:
        return (
            f"Contacts({len(self.pairs)} pairs, {self.separator.size} at the separator, "
            f"{self.collector.size} at the collector, gap <= {1e9 * self.gap:.4g} nm)"
        )


def find_contacts(packing: Packing, *, gap: float) -> Contacts:
    """Find all pairs of cores, and of cores and end faces, whose surfaces are at most `gap` apart.

    Parameters
    ----------
    packing : Packing
        The spheres; their periodic images count.
    gap : float
        Largest distance between two surfaces that counts as a contact [m]. The spheres of a packing may be a
        ten-thousandth of a diameter apart or overlap by as much, so touching spheres need a gap above 0.

    Returns
    -------
    Contacts

    Raises
    ------
    TypeError
        If `packing` is not a Packing, or `gap` not a number.
    ValueError
        If `gap` is negative or not finite, or takes in too many pairs for any memory.

    Examples
    --------
    >>> from microstructure.cores.sphere_packing import pack_spheres
    >>> rng = np.random.default_rng(1)
    >>> spheres = pack_spheres([2e-6, 2e-6], box=(2e-6, 4e-6, 4e-6), rng=rng)
    >>> find_contacts(spheres, gap=1e-8).collector.size
    2
    """
    if not isinstance(packing, Packing):
        raise TypeError(f"packing must be a Packing, as pack_spheres returns it, got {type(packing).__name__}")
    reach, bodies = _check_gap(gap), packing.shapes
    spheres = 2.0 * bodies.outer_radius
    check_reach("gap", packing.count, packing.box, packing.periodic, float(spheres.mean()) + reach)
    pairs, shifts = find_pairs(packing.centres, spheres, packing.box, np.array(packing.periodic), reach)
    vectors = packing.centres[pairs[:, 1]] + shifts - packing.centres[pairs[:, 0]]
    gaps = np.empty(len(pairs))
    pair_gaps(bodies.solids, pairs, vectors, gaps)
    near = gaps <= reach
    pairs, vectors, gaps = pairs[near], vectors[near], gaps[near]
    order = np.lexsort((vectors[:, 2], vectors[:, 1], vectors[:, 0], pairs[:, 1], pairs[:, 0]))
    below = packing.centres[:, 0] - _reach(bodies, -1.0)
    above = packing.box[0] - packing.centres[:, 0] - _reach(bodies, 1.0)
    separator, collector = (
        np.flatnonzero((distance <= reach) & (not packing.periodic[0])) for distance in (below, above)
    )
    return Contacts(
        pairs[order], gaps[order], vectors[order], separator, below[separator], collector, above[collector], reach
    )


def gap_normals(packing: Packing, pairs: NDArray[np.int64], vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit normals across the gaps of pairs of cores, from the first to the second, float64 (m, 3).

    `vectors` [m] lead from the centre of the first to that image of the second.
    """
    normals = np.empty((len(pairs), 3))
    pair_normals(packing.shapes.solids, pairs, vectors, normals)
    return normals


def _reach(bodies: Bodies, sign: float) -> NDArray[np.float64]:
    """How far each body reaches from its centre, down (-1) or up (1) along x, float64 (n,) [m]."""
    return np.asarray(np.maximum.reduceat(sign * bodies.corners[:, 0], bodies.start[:-1]) + bodies.rounding)


def _check_gap(gap: object) -> float:
    reach = check_number("gap", gap)
    if not 0.0 <= reach < math.inf:
        raise ValueError(f"gap must be finite and not negative [m], got {gap}")
    return reach
