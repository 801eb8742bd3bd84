"""What a solve will take, asked before it is taken."""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Sequence

import psutil

BYTES_A_VOXEL = 80  # measured on top of the image, two threads: 73 at 200^3 and 256^3
FIXED = 32e6  # bytes; 92 a voxel at 128^3


def estimate_memory(shape: Sequence[int]) -> float:
    """Return the memory that conduction in an image takes on top of the image [bytes].

    Parameters
    ----------
    shape
        Voxels along each axis, (nx, ny, nz).

    Returns
    -------
    float
        Measured per voxel and rounded up, where all of them carry current; the others take less.

    Examples
    --------
    >>> f"{estimate_memory((200, 200, 200)) / 1e9:.1f} GB"
    '0.7 GB'
    """
    return BYTES_A_VOXEL * math.prod(shape) + FIXED


def check_memory(shape: Sequence[int]) -> None:
    """Raise MemoryError if conduction in an image needs more than is free, and name a size that would fit."""
    needed, free = estimate_memory(shape), float(psutil.virtual_memory().available)
    if needed > free:
        share = (max(free - FIXED, 0.0) / (needed - FIXED)) ** (1.0 / 3.0)
        fits = " x ".join(str(max(int(share * size), 1)) for size in shape)
        raise MemoryError(
            f"conduction in {' x '.join(map(str, shape))} voxels needs about {needed / 1e9:.1f} GB, "
            f"{free / 1e9:.1f} GB are free; {fits} would fit: cut the image, or make it coarser"
        )


def trim_heap() -> None:
    """Hand freed memory back to the system, where glibc keeps it: 15 bytes a voxel at 200^3, left by threads."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none, and keeps nothing
        if trim is not None:
            trim(0)
