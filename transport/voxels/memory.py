"""What a solve will take, asked before it is taken."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from microstructure.arguments import as_numbers, check_number
from microstructure.free_memory import free_memory
from transport.voxels._faces import STEPS
from transport.voxels.image import MOST_INTERFACES, PhaseImage

BYTES_A_VOXEL, BYTES_AN_UNKNOWN = 38, 42  # measured at 200^3: 68 to 80, 41 to 58 if half insulates, 24 if most does
WIDE, WIDE_CLASSES = 25, 2**16  # bytes an unknown more, from so many classes of faces
BYTES_A_CLASS = 100
FIXED = 32e6  # bytes


def estimate_memory(shape: Sequence[int], conducting: float = 1.0) -> float:
    """Return the memory that conduction in an image takes on top of the image [bytes].

    Parameters
    ----------
    shape
        Voxels along each axis, (nx, ny, nz).
    conducting
        Share of the voxels that conduct: the others take little.

    Returns
    -------
    float
        Measured per voxel and rounded up.

    Examples
    --------
    >>> f"{estimate_memory((200, 200, 200)) / 1e9:.1f} GB, {estimate_memory((200, 200, 200), 0.5) / 1e9:.1f} GB"
    '0.7 GB, 0.5 GB'
    """
    voxels = as_numbers("shape", shape, "iu")
    if voxels.shape != (3,) or np.any(voxels < 1):
        raise ValueError(f"shape is three numbers of voxels, 1 or more; got {shape!r}")
    if not 0.0 <= check_number("conducting", conducting) <= 1.0:
        raise ValueError(f"conducting is a share of the voxels, 0 to 1; got {conducting!r}")
    return (BYTES_A_VOXEL + BYTES_AN_UNKNOWN * conducting) * math.prod(voxels.tolist()) + FIXED


def check_memory(image: PhaseImage, kept: float = 0.0) -> None:
    """Raise MemoryError if conduction in an image needs more than is free, and name a size that would fit.

    `kept`: what stays beside a solve, or is asked for in images [bytes a voxel].
    """
    conducting = float(image.amounts[image.conductivities > 0.0].sum() / image.phases.size)
    kinds, interfaces = image.kind_conductivities.size, int(np.count_nonzero(np.triu(image.interface)))
    classes = kinds * (kinds + 1) // 2 + (STEPS + 1) * min(interfaces, MOST_INTERFACES)
    wide = WIDE * conducting if classes >= WIDE_CLASSES else 0.0
    tables = BYTES_A_CLASS * classes
    fixed = FIXED + tables
    needed = estimate_memory(image.shape, conducting) + tables + (kept + wide) * image.phases.size
    free = free_memory()
    if needed > free:
        share = (max(free - fixed, 0.0) / (needed - fixed)) ** (1.0 / 3.0)
        fits = " x ".join(str(max(int(share * size), 1)) for size in image.shape)
        raise MemoryError(
            f"conduction in {' x '.join(map(str, image.shape))} voxels needs about {needed / 1e9:.1f} GB, "
            f"{free / 1e9:.1f} GB are free; {fits} would fit: cut the image, or make it coarser"
        )
