"""Which voxels are connected: every connected cluster of a phase, numbered and counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from percolation.lattice.runs import join_voxels
from percolation.lattice.sides import name_sides
from percolation.lattice_arguments import Triple, parse_mask, parse_neighbours, parse_periodic


@dataclass(frozen=True, eq=False)
class Clusters:
    """The connected clusters of a mask.

    Attributes
    ----------
    labels : ndarray of int32 [x, y, z]
        0 where the mask is False, else the cluster's number, 1 to `count`, in the order of their first voxels.
    sizes : ndarray of int64 (count + 1,)
        Voxels per label, so that ``sizes[labels]`` works: ``sizes[0]`` is the background, ``sizes[1:]`` the clusters.
    count : int
        Number of clusters, background not counted.
    neighbours : int
        6, 18 or 26.
    periodic : tuple of three bool
        Axes through whose boundary clusters were joined.
    """

    labels: NDArray[np.int32] = field(repr=False, metadata={"unit": "1"})
    sizes: NDArray[np.int64] = field(repr=False, metadata={"unit": "voxels"})
    count: int = field(metadata={"unit": "1"})
    neighbours: int = field(metadata={"unit": "1"})
    periodic: Triple = field(metadata={"unit": "1"})

    def __str__(self) -> str:
        """Tell how many clusters there are and how large the largest is."""
        largest = int(self.sizes[1:].max(initial=0))
        occupied = int(self.sizes[1:].sum())
        return (
            f"{self.count} clusters in {self.labels.shape} voxels, {occupied} occupied, the largest has {largest} "
            f"({self.neighbours} neighbours, {name_sides(self.periodic)})"
        )


def find_clusters(
    mask: NDArray[np.bool_], *, neighbours: int = 6, periodic: Sequence[bool] = (False, False, False)
) -> Clusters:
    """Label the connected clusters of a phase.

    Parameters
    ----------
    mask : ndarray of bool [x, y, z]
        True where the phase is.
    neighbours : {6, 18, 26}
        Voxels touch by faces; by faces and edges; by faces, edges and corners. A finite-volume solver sees 6.
    periodic : sequence of three bool
        Axes through whose boundary voxels touch: none of an image whose sides were not made to fit together. Of a
        structure, hand on ``structure.periodic``.

    Returns
    -------
    Clusters
        Labels in raster order of each cluster's first voxel, so the same mask gives the same labels.

    Raises
    ------
    TypeError
        If the mask is not an array of bool, or `periodic` not three bools.
    ValueError
        If the mask has not three axes or `neighbours` is none of the three.

    Notes
    -----
    Memory beyond the mask is 4 bytes a voxel for the labels, one bit a voxel, and 8 bytes for each run of voxels along
    the last axis: together with their sizes 6.5 bytes a voxel for random sites at the threshold, 4.3 for blobs.

    References
    ----------
    J. Hoshen and R. Kopelman, Phys. Rev. B 14 (1976) 3438; L. He, Y. Chao and K. Suzuki, IEEE Trans. Image Process. 17
    (2008) 749 (labels of runs).

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.array([True, False, True]).reshape(3, 1, 1)
    >>> find_clusters(mask).count, find_clusters(mask, periodic=(True, False, False)).count
    (2, 1)
    """
    neighbours, periodic = parse_neighbours(neighbours), parse_periodic(periodic)
    found = join_voxels(parse_mask(mask), neighbours, periodic)
    labels = found.paint(np.arange(found.count + 1, dtype=np.int32))
    return Clusters(labels, found.sizes, found.count, neighbours, periodic)
