"""Where an image comes from: an array, with what is said beside it, or a structure, which says it itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microstructure.checks.ranges import check_owners
from microstructure.structure import Structure
from percolation.lattice_arguments import Triple, parse_periodic

CLOSED: Triple = (False, False, False)  # the sides of an image of which nothing else is known


@dataclass(frozen=True, eq=False)
class Source:
    """Labels, and what the image they come from is said to be."""

    labels: ArrayLike
    voxel_size: NDArray[np.float64]  # (3,) [m]
    periodic: Triple
    given_blocks: ArrayLike | None
    structure: Structure | None

    @property
    def blocks(self) -> ArrayLike | None:
        """Block of each voxel; a structure's are an image of their own, made when they are asked for."""
        if self.given_blocks is not None or self.structure is None:
            return self.given_blocks
        check_owners(self.structure)
        return self.structure.blocks


def parse_source(
    labels: ArrayLike | Structure,
    voxel_size: float | Sequence[float] | None,
    periodic: Sequence[bool] | None,
    blocks: ArrayLike | None,
) -> Source:
    """Return an image with its voxel size, sides and blocks.

    An array has closed sides unless `periodic` says otherwise. A structure is taken as it is: a TypeError if anything
    said beside it contradicts it.
    """
    size = None if voxel_size is None else parse_voxel_size(voxel_size)
    sides = None if periodic is None else parse_periodic(periodic)
    if not isinstance(labels, Structure):
        if size is None:
            raise TypeError("voxel_size is missing: give the edge of a voxel in m; only a Structure brings its own")
        return Source(labels, size, CLOSED if sides is None else sides, blocks, None)
    own, own_sides = parse_voxel_size(labels.voxel_size), parse_periodic(labels.periodic)
    if size is not None and not np.allclose(size, own, rtol=1e-9, atol=0.0):
        raise _contradiction("voxel_size", voxel_size, labels.voxel_size)
    if sides is not None and sides != own_sides:
        raise _contradiction("periodic", sides, own_sides)
    if blocks is not None and labels.blocks is not None and not np.array_equal(np.asarray(blocks), labels.blocks):
        raise _contradiction("blocks", "others", "its own")
    return Source(labels.labels, own, own_sides, blocks, labels)


def parse_voxel_size(voxel_size: float | Sequence[float]) -> NDArray[np.float64]:
    """Return the three edges of a voxel [m]."""
    try:
        edges = np.atleast_1d(np.asarray(voxel_size))
    except ValueError:  # rows of several lengths
        edges = np.empty(1, object)
    if edges.dtype.kind not in "iuf":
        raise TypeError(f"voxel_size must be a number or three numbers in m, got {voxel_size!r}")
    if edges.shape not in ((1,), (3,)) or not np.all(np.isfinite(edges)) or np.any(edges <= 0.0):
        raise ValueError(f"voxel_size must be one or three lengths above zero, in m; got {voxel_size!r}")
    return np.ones(3) * edges


def _contradiction(name: str, said: object, own: object) -> TypeError:
    return TypeError(
        f"a Structure brings its own {name}, {own}, and {name}= says {said}: leave {name}= out, or give the "
        "structure's .labels with what you mean"
    )
