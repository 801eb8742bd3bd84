"""Labelling of voxel clusters side by side: million voxels a second and bytes a voxel, ours beside four peers."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, label

from benchmarks.processes import measured
from benchmarks.tables import show

EDGE, RUNS, SEED = 512, 3, 1
THRESHOLD = 0.3116
IMAGES = ("sites at the threshold", "blobs")


@dataclass(frozen=True)
class Row:
    """One line of the table: medians over the runs, memory on top of the mask."""

    image: str
    what: str
    seconds: float
    rate: float
    bytes_a_voxel: float


def main() -> None:
    """Run every peer in turn, each time in a process of its own, and print the table."""
    title = f"clusters of {EDGE}^3 voxels, 6 neighbours; medians of {RUNS} runs in turn"
    show(title, ("image", "what", "time [s]", "Mvox/s", "bytes a voxel"), map(cells, rows()))


def cells(row: Row) -> list[str]:
    """A row as text."""
    return [row.image, row.what, f"{row.seconds:.2f}", f"{row.rate:.0f}", f"{row.bytes_a_voxel:.1f}"]


def rows(*, small: bool = False) -> list[Row]:
    """Every image with every way to label it; with `small` a single one, once."""
    edge, runs, images = (48, 1, IMAGES[:1]) if small else (EDGE, RUNS, IMAGES)
    found = []
    for image in images:
        times: dict[str, list[tuple[float, float]]] = {what: [] for what in WAYS}
        for _ in range(runs):
            for what in WAYS:
                run = measured(
                    partial(work, what, image, edge), partial(work, what, image, edge if small else 64, edge)
                )
                times[what].append((run.seconds, run.memory * 1e6 / edge**3))
        for what, values in times.items():
            seconds, memory = (statistics.median(column) for column in zip(*values, strict=True))
            found.append(Row(image, what, seconds, edge**3 / seconds / 1e6, memory))
    return found


def work(what: str, image: str, edge: int, prepare: int = 0) -> int:
    """Label one image; `prepare` makes the mask of another size ahead, so that only the labelling is measured."""
    if prepare:
        mask(image, prepare)
    return WAYS[what](mask(image, edge))


@cache
def mask(image: str, edge: int) -> NDArray[np.bool_]:
    """Random sites, or Gaussian noise smoothed over four voxels, cut at its middle."""
    rng = np.random.default_rng(SEED)
    if image == "blobs":
        return gaussian_filter(rng.standard_normal((edge,) * 3, dtype=np.float32), 4.0, mode="wrap") > 0
    return rng.random((edge,) * 3, dtype=np.float32) < THRESHOLD


def ours(voxels: NDArray[np.bool_]) -> int:
    """percoat on all processors."""
    from percolation import find_clusters

    return find_clusters(voxels, neighbours=6).count


def ours_on_one(voxels: NDArray[np.bool_]) -> int:
    """percoat on one processor."""
    import numba

    numba.set_num_threads(1)
    return ours(voxels)


def of_scipy(voxels: NDArray[np.bool_]) -> int:
    """scipy.ndimage."""
    return int(label(voxels)[1])


def of_skimage(voxels: NDArray[np.bool_]) -> int:
    """scikit-image."""
    from skimage.measure import label as label_regions

    return int(label_regions(voxels, connectivity=1, return_num=True)[1])


def of_cc3d(voxels: NDArray[np.bool_]) -> int:
    """connected-components-3d, which comes with PoreSpy and which its own filters call."""
    import cc3d

    return int(cc3d.connected_components(voxels, connectivity=6, return_N=True)[1])


def of_porespy(voxels: NDArray[np.bool_]) -> int:
    """PoreSpy's trimming of clusters that do not span, the nearest it has."""
    import porespy

    return int(np.count_nonzero(porespy.filters.trim_nonpercolating_paths(voxels, axis=0)))


WAYS: dict[str, Callable[[NDArray[np.bool_]], int]] = {
    "percoat": ours,
    "percoat, one thread": ours_on_one,
    "scipy.ndimage.label": of_scipy,
    "skimage.measure.label": of_skimage,
    "connected-components-3d": of_cc3d,
    "PoreSpy trim_nonpercolating_paths": of_porespy,
}

if __name__ == "__main__":
    main()
