"""The clusters of a mask as runs of voxels: what labels, spanning masks and sizes are painted from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from microstructure.threads import in_threads, thread_count
from percolation.lattice._runs import (
    RunLattice,
    Runs,
    count_runs,
    count_voxels,
    end_labels,
    find_runs,
    join_seams,
    join_slabs,
    number_clusters,
    paint,
    paint_labels,
)
from percolation.lattice_arguments import Triple, neighbour_offsets

SLABS = 4  # for each thread: their seams are joined one after the other, so few of them
MOST_RUNS = 2**31 - 2
VOXELS_A_PIECE = 2**17  # below which one pass takes no longer than to wake another thread


@dataclass(frozen=True, eq=False)
class ClusterRuns:
    """Runs along the last axis with the label of their cluster, in raster order of each cluster's first voxel."""

    runs: Runs = field(repr=False)
    rows: NDArray[np.uint8] = field(
        repr=False, metadata={"what": "the mask, one row along the last axis after another"}
    )
    sizes: NDArray[np.int64] = field(repr=False, metadata={"unit": "voxels", "shape": "(count + 1,)"})
    shape: tuple[int, int, int]

    @property
    def count(self) -> int:
        """Number of clusters."""
        return len(self.sizes) - 1

    def paint(self, values: NDArray) -> NDArray:
        """An image with `values[label]` in every voxel; label 0 is the background."""
        image = np.empty(self.rows.shape, values.dtype)
        if self.count == 0:
            image[:] = values[0]
        else:
            in_threads(paint, len(image), self.rows, self.runs, values, image, least=_at_least(image.shape[1]))
        return image.reshape(self.shape)

    def layer(self, axis: int, *, last: bool) -> NDArray[np.int32]:
        """The labels of the first or last layer across an axis, int32 of the two other axes."""
        nx, ny, nz = self.shape
        if axis == 2:
            labels = np.empty(nx * ny, np.int32)
            end_labels(self.runs, nz - 1 if last else 0, labels)
            return labels.reshape(nx, ny)
        image = np.empty((ny if axis == 0 else nx, nz), np.int32)
        first, step = ((nx - 1) * ny, 1) if axis == 0 else (ny - 1, ny)
        paint_labels(self.runs, first if last else 0, step, image)
        return image


def join_voxels(mask: NDArray[np.bool_], neighbours: int, periodic: Triple) -> ClusterRuns:
    """Find the clusters of a mask; arguments are parsed already.

    Raises
    ------
    ValueError
        If the image has more runs than an int32 can name.

    References
    ----------
    L. He, Y. Chao and K. Suzuki, IEEE Trans. Image Process. 17 (2008) 749 (labels of runs).
    """
    nx, ny, nz = mask.shape
    rows = np.ascontiguousarray(mask).view(np.uint8).reshape(nx * ny, nz)
    bits, counts = _pack(rows), np.empty(nx * ny, np.int32)
    least = _at_least(nz)
    in_threads(count_runs, len(counts), bits, counts, least=least)
    start = np.zeros(nx * ny + 1, np.int64)
    np.cumsum(counts, out=start[1:])
    if start[-1] > MOST_RUNS:
        raise ValueError(f"the mask has {start[-1]:.3g} runs of voxels, more than {MOST_RUNS:.3g}: label parts of it")
    ends = np.empty((start[-1], 2), np.uint16 if nz < 2**16 else np.int32)
    in_threads(find_runs, len(counts), bits, start, ends, nz, least=least)
    runs = Runs(start, ends, bits, np.arange(start[-1], dtype=np.int32))
    slabs = min(nx, SLABS * thread_count())
    lattice = RunLattice(nx, ny, nz, np.array(periodic), _earlier_rows(neighbours))
    bounds = np.linspace(0, nx, slabs + 1).astype(np.int64)
    in_threads(join_slabs, slabs, runs, lattice, bounds, least=_at_least(mask.size // slabs))
    join_seams(runs, lattice, bounds)
    sizes = np.zeros(number_clusters(runs.parent) + 1, np.int64)
    count_voxels(runs, sizes)
    sizes[0] = mask.size - sizes.sum()
    return ClusterRuns(runs, rows, sizes, (nx, ny, nz))


def _at_least(voxels: int) -> int:
    """How many rows or slabs of so many voxels are worth another thread."""
    return 1 + VOXELS_A_PIECE // voxels


def _pack(rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """One bit a voxel, each row filled up to whole words of 64."""
    packed = np.packbits(rows, axis=1, bitorder="little")
    missing = -packed.shape[1] % 8
    if missing:
        packed = np.pad(packed, ((0, 0), (0, missing)))
    return packed.view("<u8")


def _earlier_rows(neighbours: int) -> NDArray[np.int64]:
    """Steps (x, y) to the rows before a row that hold neighbours of it, and whether these stand askew too."""
    steps = [tuple(step) for step in neighbour_offsets(neighbours).tolist()]
    straight = [(x, y) for x, y, z in steps if z == 0 and (x, y) < (0, 0)]
    return np.array([(x, y, int((x, y, 1) in steps)) for x, y in straight], np.int64)
