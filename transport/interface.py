"""The true area of an interface in a voxel image, whose staircase shows 1.5 times the area of a sphere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from transport._links import interface_areas
from transport.image import parse_image


def interface_area(
    labels: ArrayLike,
    pair: tuple[int, int],
    voxel_size: float | Sequence[float],
    periodic: Sequence[bool] = (False, True, True),
    blocks: ArrayLike | None = None,
) -> float:
    """Return the area at which two phases meet, as interface resistances see it.

    A plane of area A and normal n shows faces of area A |n_d| along each axis d. Each face therefore counts |n_d| of
    its own area, and the sum is A (n1^2 + n2^2 + n3^2) = A. The normal at a face is the gradient of the smoothed
    difference of the two phases (Gaussian weights of 1.5 voxels, cut off at 3 voxels).

    Parameters
    ----------
    labels
        Phase of each voxel, integers (nx, ny, nz).
    pair
        The two labels; (k, k) means different blocks of label k, and needs `blocks`.
    voxel_size
        Edge of a voxel, or its three edges [m].
    periodic
        Per axis.
    blocks
        Block of each voxel, integers of the shape of `labels`.

    Returns
    -------
    float
        Area [m2]. Measured on spheres: 2 to 3 % high at a radius of 3 voxels, 1 % at 8 and above; exact on planes
        along the axes. Voxels of edges 1 : 0.5 : 2 make it 3 to 4 % high.

    Raises
    ------
    TypeError, ValueError
        As `effective_conductivity`.

    Examples
    --------
    >>> halves = np.zeros((4, 5, 6), np.uint8)
    >>> halves[2:] = 1
    >>> interface_area(halves, (0, 1), voxel_size=1.0)
    30.0
    """
    found = {int(label) for label in np.unique(np.asarray(labels))}
    known = dict.fromkeys(found | set(pair), 1.0)
    image = parse_image(labels, known, voxel_size, periodic, {pair: 1.0}, blocks)
    if not found.issuperset(pair):
        return 0.0
    first, second = np.searchsorted(sorted(found), pair).tolist()
    by_block = first == second
    return float(interface_areas(image.phases, image.blocks, first, second, by_block, image.voxel_size, image.periodic))
