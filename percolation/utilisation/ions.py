"""Which share of every core's surface the ions of the separator reach, while carbon takes the electrolyte's place."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import as_numbers, check_kind
from microstructure.carbon.placement import Carbon
from microstructure.checks.ranges import check_owners
from microstructure.structure import Phase, Structure
from percolation.utilisation._ions import SEEN, UNSET, core_faces, first_covers, flood, nearest_primaries


def reach_ions(structure: Structure, inserted: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of each core's surface that touches electrolyte connected to the separator, float64 (steps, cores).

    Where the image resolves the carbon, a voxel of carbon is electrolyte as long as no primary that is in covers it,
    and pores stay pores. Where it does not, the homogeneous matrix conducts ions whatever carbon is in it: every step
    has the same value. Voxels are connected through their 6 faces.

    One pass whatever the number of steps: a flood from the separator notes for how many steps each voxel is joined to
    it (its widest path), and one look at the faces of the cores adds up their surface by that number.

    Parameters
    ----------
    structure : Structure
        A composite; axis 0 runs from the separator to the collector.
    inserted : ndarray of int64 (steps,)
        Primaries that are in at each step, rising.

    Returns
    -------
    ndarray, float64 (steps, cores)
        Both areas are counted in voxel faces, those between two cores left out. The staircase has 1.5 times the area
        of a sphere, but of any part of it nearly as much: shares of caps that face any way, of a fifth of the sphere or
        more, are 4 % off at most from a radius of 16 voxels on, as with faces weighted by the local normal. A true
        area is a share times the true surface of the core.

    Raises
    ------
    ValueError
        If axis 0 is periodic, or the image shows carbon that the structure does not hold.

    Examples
    --------
    >>> from microstructure import Recipe, build_composite
    >>> rng = np.random.default_rng(1)
    >>> cell = build_composite(Recipe.parse("80:20:0"), porosity=0.2, box=(8e-6,) * 3, voxel_size=125e-9, rng=rng)
    >>> round(float(reach_ions(cell, np.array([0])).min()), 2)
    0.99
    """
    check_owners(check_kind("structure", structure, Structure))
    inserted = _check_inserted(inserted)
    if structure.periodic[0]:
        raise ValueError("axis 0 is periodic, so there is no separator: give a composite with walls along axis 0")
    labels, owners = structure.labels, structure.parts.owners
    periodic, steps = np.asarray(structure.periodic), len(inserted)
    if steps >= UNSET:
        raise ValueError(f"fewer than {UNSET} steps can be looked at in one pass; got {steps}")
    until = open_steps(structure, inserted)
    reached = np.zeros(labels.shape, np.uint16)
    flood(until, periodic, np.full(labels.shape, SEEN, np.int32 if labels.size < 2**31 else np.int64), reached)
    faces = np.zeros((structure.parts.cores.count, steps + 1), np.int64)
    core_faces(labels, owners, int(Phase.CORE), periodic, reached, faces)
    longer = np.cumsum(faces[:, :0:-1], axis=1)[:, ::-1]  # what is reached for n steps is so at the first n
    return np.ascontiguousarray((longer / np.maximum(faces.sum(axis=1), 1)[:, None]).T)


def _check_inserted(inserted: object) -> NDArray[np.int64]:
    numbers = as_numbers("inserted", inserted, "iu")
    if numbers.ndim != 1 or numbers.size == 0 or numbers[0] < 0 or np.any(numbers[1:] < numbers[:-1]):
        raise ValueError(f"inserted is a row of numbers of primaries that rise from 0 on; got {inserted!r}")
    return numbers.astype(np.int64, copy=False)


def open_steps(structure: Structure, inserted: NDArray[np.int64]) -> NDArray[np.uint16]:
    """At how many of the first steps each voxel conducts ions, uint16 [x, y, z]."""
    labels, steps = structure.labels, len(inserted)
    until = np.zeros(labels.shape, np.uint16)
    until[(labels == Phase.MATRIX) | (labels == Phase.ELECTROLYTE)] = steps
    dark = labels == Phase.CARBON
    if dark.any():
        if structure.carbon is None or structure.carbon.count == 0:
            raise ValueError("the image shows carbon, the structure holds no primaries: give it with its .carbon")
        until[dark] = UNSET
        _cover(structure, structure.carbon, inserted, until)
    return until


def _cover(structure: Structure, carbon: Carbon, inserted: NDArray[np.int64], until: NDArray[np.uint16]) -> None:
    """Set each carbon voxel to the steps before a primary covers it.

    The image has as carbon all voxels that lie closer than some distance to a primary, which is found first.
    """
    shared = structure.voxel_size, np.asarray(structure.periodic)
    squares, reach = np.full(until.shape, np.inf, np.float32), 0.5 * carbon.diameter + structure.voxel_size
    while not math.isfinite(square := float(squares[until == UNSET].max())):
        if reach > max(structure.box):
            raise ValueError("the image shows carbon where the structure has no primary: both must be of one composite")
        nearest_primaries(carbon.centres, reach, *shared, structure.labels, int(Phase.CARBON), squares)
        reach *= 2.0
    first_covers(carbon.centres, square, *shared, inserted, until)
