"""What a caller may say about a lattice (mask, shape, neighbours, periodic, generator), parsed once at the door."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_periodic
from microstructure.structure import Structure

Triple = tuple[bool, bool, bool]

# Largest number of coordinates in which two neighbours may differ: faces; faces and edges; faces, edges and corners.
_REACH = {6: 1, 18: 2, 26: 3}


def parse_mask(mask: Any) -> NDArray[np.bool_]:
    """Return `mask` as it is, once it is known to be a non-empty 3D bool array."""
    if isinstance(mask, Structure):
        raise TypeError(
            "mask must be a numpy array of bool, got a Structure: compare its labels first, as in structure.labels == "
            "2, and hand on periodic=structure.periodic"
        )
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        came = f"an array of {mask.dtype}" if isinstance(mask, np.ndarray) else type(mask).__name__
        raise TypeError(f"mask must be a numpy array of bool, got {came}: compare first, as in labels == 2")
    if mask.ndim == 2:
        raise ValueError("mask must have three axes, got two: add one of a single layer, as in mask[:, :, np.newaxis]")
    if mask.ndim != 3 or mask.size == 0:
        raise ValueError(f"mask must have three axes with at least one voxel each, got shape {mask.shape}")
    return mask


def parse_shape(shape: Any) -> tuple[int, int, int]:
    """Return the three edge lengths in sites."""
    if isinstance(shape, str) or not isinstance(shape, Sequence | np.ndarray) or getattr(shape, "ndim", 1) != 1:
        raise TypeError(f"shape must be three whole numbers, got {shape!r}")
    if len(shape) != 3:
        raise ValueError(f"shape must be three whole numbers, got {len(shape)}: a square lattice has the third edge 1")
    x, y, z = (parse_count(edge, f"shape[{i}]") for i, edge in enumerate(shape))
    if x * y * z >= 2**31:
        raise ValueError(f"shape must hold fewer than 2^31 sites, got {x} x {y} x {z}: take a smaller lattice")
    return x, y, z


def parse_count(value: Any, name: str) -> int:
    """Return a whole number of at least 1."""
    count = _parse_whole(value, name)
    if count < 1:
        raise ValueError(f"{name} must be at least 1, got {count}")
    return count


def parse_neighbours(neighbours: Any) -> int:
    """Return 6, 18 or 26."""
    number = _parse_whole(neighbours, "neighbours")
    if number not in _REACH:
        raise ValueError(f"neighbours must be 6 (faces), 18 (and edges) or 26 (and corners), got {number}")
    return number


def parse_axis(axis: Any) -> int:
    """Return 0, 1 or 2."""
    number = _parse_whole(axis, "axis")
    if number not in (0, 1, 2):
        raise ValueError(f"axis must be 0, 1 or 2 (x, y, z), got {number}")
    return number


def parse_periodic(periodic: Any) -> Triple:
    """Return three Python bools."""
    return check_periodic(periodic)


def neighbour_offsets(neighbours: int) -> NDArray[np.int64]:
    """Return the steps to all neighbours, int64 (neighbours, 3) [voxels], raster order: the first half lies before."""
    steps = itertools.product((-1, 0, 1), repeat=3)
    reach = _REACH[neighbours]
    return np.array([step for step in steps if 0 < sum(map(abs, step)) <= reach], dtype=np.int64)


def _parse_whole(value: Any, name: str) -> int:
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, got {value!r}") from None
