"""Whether a phase makes a path through the box: from face to face (spans), or round the periodic box (wraps)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from percolation.lattice._spanning import wrapping_labels
from percolation.lattice.runs import join_voxels
from percolation.lattice.sides import name_sides
from percolation.lattice_arguments import (
    Triple,
    neighbour_offsets,
    parse_axis,
    parse_mask,
    parse_neighbours,
    parse_periodic,
)


@dataclass(frozen=True, eq=False)
class Spanning:
    """Whether and where a phase percolates along one axis.

    Attributes
    ----------
    spans : bool
        A path inside the box joins the two opposite faces; the periodic boundary of this very axis is not used.
    wraps : bool
        A cluster closes on itself through the periodic boundary of this axis; False if the axis is not periodic.
    mask : ndarray of bool [x, y, z]
        Voxels of the percolating clusters: the wrapping ones if the axis is periodic, else the spanning ones.
    fraction : float
        Share of the phase's voxels that lie in `mask`; 0 for an empty phase.
    axis, neighbours, periodic
        As asked for.
    """

    spans: bool = field(metadata={"unit": "1"})
    wraps: bool = field(metadata={"unit": "1"})
    mask: NDArray[np.bool_] = field(repr=False, metadata={"unit": "1"})
    fraction: float = field(metadata={"unit": "1"})
    axis: int = field(metadata={"unit": "1"})
    neighbours: int = field(metadata={"unit": "1"})
    periodic: Triple = field(metadata={"unit": "1"})

    def __str__(self) -> str:
        """Tell both answers and the share that percolates."""
        spans, wraps = ("yes" if flag else "no" for flag in (self.spans, self.wraps))
        return (
            f"along axis {self.axis}: spans {spans}, wraps {wraps}, {100 * self.fraction:.1f} % of it percolates "
            f"({self.neighbours} neighbours, {name_sides(self.periodic)})"
        )


def find_spanning(
    mask: NDArray[np.bool_], *, axis: int = 0, neighbours: int = 6, periodic: Sequence[bool] = (False, False, False)
) -> Spanning:
    """Ask whether a phase percolates along an axis.

    Parameters
    ----------
    mask : ndarray of bool [x, y, z]
        True where the phase is.
    axis : {0, 1, 2}
        Direction of the path; 0 runs from separator to collector.
    neighbours : {6, 18, 26}
        Voxels touch by faces; by faces and edges; by faces, edges and corners.
    periodic : sequence of three bool
        Axes through whose boundary voxels touch: none of an image whose sides were not made to fit together. Of a
        structure, hand on ``structure.periodic``.

    Returns
    -------
    Spanning
        Both answers, `spans` and `wraps`, and the voxels of the percolating clusters.

    Raises
    ------
    TypeError
        If the mask is not an array of bool, or `periodic` not three bools.
    ValueError
        If the mask has not three axes, or `axis` or `neighbours` is none of those offered.

    Notes
    -----
    Along a periodic axis of one layer every voxel touches its own image, so whatever is there wraps.

    References
    ----------
    J. Machta, Y. S. Choi, A. Lucke, T. Schweizer and L. M. Chayes, Phys. Rev. E 54 (1996) 1332 (winding of clusters).

    Examples
    --------
    A staircase that leaves at another place than it entered spans, but does not close on itself:

    >>> import numpy as np
    >>> stairs = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1]], dtype=bool)[:, :, np.newaxis]
    >>> found = find_spanning(stairs, axis=0, periodic=(True, False, False))
    >>> found.spans, found.wraps, found.fraction
    (True, False, 0.0)
    """
    mask, axis = parse_mask(mask), parse_axis(axis)
    neighbours, periodic = parse_neighbours(neighbours), parse_periodic(periodic)
    cut = [flag and a != axis for a, flag in enumerate(periodic)]
    clusters = join_voxels(mask, neighbours, (cut[0], cut[1], cut[2]))
    first, last = clusters.layer(axis, last=False), clusters.layer(axis, last=True)
    spanning = _mark(first, clusters.count) & _mark(last, clusters.count)
    wrapping = np.zeros_like(spanning)
    if periodic[axis]:
        steps = neighbour_offsets(neighbours)
        lateral = np.ascontiguousarray(np.delete(steps[steps[:, axis] == 1], axis, axis=1))
        wrapping = wrapping_labels(last, first, lateral, np.delete(np.array(periodic), axis), clusters.count)
    chosen = wrapping if periodic[axis] else spanning
    occupied = int(clusters.sizes[1:].sum())
    fraction = float(clusters.sizes[chosen].sum() / occupied) if occupied else 0.0
    found = clusters.paint(chosen)
    return Spanning(bool(spanning.any()), bool(wrapping.any()), found, fraction, axis, neighbours, periodic)


def _mark(layer: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
    """Which labels occur in a layer, bool (count + 1,); the background is none."""
    marked = np.zeros(count + 1, np.bool_)
    marked[layer] = True
    marked[0] = False
    return marked
