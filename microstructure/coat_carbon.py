"""Carbon in the coats of packed cores: every aggregate set into the matrix of one block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from microstructure._coat_carbon import place_curved
from microstructure._coats import Cores
from microstructure.aggregates import AggregateLibrary
from microstructure.carbon import FIT_MODES, ORIENTATIONS, Carbon, Insertion, fill
from microstructure.coats import Coats
from microstructure.materials import known
from microstructure.packing import Packing


def fill_coats(
    library: AggregateLibrary,
    packing: Packing,
    near: Cores,
    labels: NDArray[np.uint8],
    owner: NDArray[np.int32],
    coats: Coats,
    *,
    voxel_size: float,
    volume: float,
    fit: str = "reorient",
    rng: np.random.Generator,
) -> Carbon:
    """Carbon of an exact volume [m3], spread uniformly over the matrix voxels of packed, coated cores.

    Each aggregate keeps to the coat of the core nearest to where it was set (a seam between blocks).
    """
    known(fit, FIT_MODES, "fit mode")
    matrix = np.flatnonzero((labels == 2) & (owner >= 0))
    tries = ORIENTATIONS if fit == "reorient" else 1
    owners, box = owner.ravel(), np.asarray(packing.box)
    periodic = np.asarray(packing.periodic)

    def place(chunk: Insertion, rows: int) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int32]]:
        voxels = matrix[(chunk.positions[:, 3] * len(matrix)).astype(np.int64)]
        corners = np.stack(np.unravel_index(voxels, labels.shape), axis=1)
        anchors = (corners + chunk.positions[:, :3]) * voxel_size
        cores = owners[voxels]
        offset = anchors - packing.centres[cores]
        anchors -= np.where(periodic, box * np.rint(offset / box), 0.0)
        centres, keep = np.empty((rows, 3)), np.empty(rows, bool)
        place_curved(
            anchors,
            cores,
            chunk.shapes,
            chunk.quaternions,
            library.start,
            library.centres,
            library.radius,
            FIT_MODES[fit],
            tries,
            near,
            coats.film,
            centres,
            keep,
        )
        return np.where(periodic, centres % box, centres), keep, cores

    return fill(library, place, volume=volume, fit=fit, rng=rng)
