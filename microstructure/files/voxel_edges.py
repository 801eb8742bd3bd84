"""Edges of a voxel: the units that image files write, and the lengths that can be."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from microstructure.arguments import SHORTEST, check_lengths

Edges = tuple[float, float, float]

SMALLEST_VOXEL = 1e-15  # [m]: TIFF has no numbers for a smaller one
LARGEST_VOXEL = 1e-4  # [m]: a larger one was not given in metres, or is no voxel of an electrode
CUBE = 1e-3  # edges that differ by a larger share make no cube
MICROMETRE = ("um", "µm", "μm", "\\u00b5m", "micron", "microns", "micrometer", "micrometre")
PER_METRE = {"nm": 1e9, "mm": 1e3, "cm": 1e2, "m": 1.0} | dict.fromkeys(MICROMETRE, 1e6)
PER_METRE |= {"pm": 1e12, "å": 1e10, "angstrom": 1e10} | dict.fromkeys(("nanometer", "nanometre"), 1e9)


def units_a_metre(unit: object) -> float | None:
    """How many of this unit make a metre; None for pixels, inches and words that are no length."""
    return PER_METRE.get(str(unit).strip().lower())


def check_voxel_size(voxel_size: object) -> float:
    """The edge [m] as a float, if it is one that is written and read again."""
    (edge,) = check_lengths(voxel_size=voxel_size)
    if edge >= LARGEST_VOXEL:
        raise ValueError(
            f"voxel_size is a length in metres, {SHORTEST:g} to below {LARGEST_VOXEL:g}; got {edge}: 80 nm are 80e-9"
        )
    return edge


def check_stated(edges: Edges, source: Path) -> Edges:
    """The edges that a file states, if voxels can have them."""
    if not all(np.isfinite(edge) and edge > 0 for edge in edges):
        raise ValueError(f"{source}: the edges of a voxel are positive lengths; it states {edges} m")
    if not all(SMALLEST_VOXEL <= edge < LARGEST_VOXEL for edge in edges):
        raise ValueError(
            f"{source}: the edges of a voxel lie between {SMALLEST_VOXEL} and {LARGEST_VOXEL} m; it states {edges} m:"
            " give the voxel size yourself"
        )
    return edges


def is_cube(edges: Edges) -> bool:
    """Whether the three edges are one length, but for the rounding of a file."""
    return max(edges) - min(edges) <= CUBE * max(edges)
