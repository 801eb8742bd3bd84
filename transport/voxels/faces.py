"""Classes of voxel faces, and what each conducts: a pair of phases, in perfect contact or through an interface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transport.solvers.operators import Array
from transport.solvers.row_threads import shared
from transport.voxels._faces import SMALLEST_FACTOR, STEPS, classify_faces
from transport.voxels.image import MOST_INTERFACES, PhaseImage

MOST_CONTRAST = 1e30  # of faces; multigrid, in single precision, ends at 1e38


@dataclass(frozen=True, eq=False)
class FaceClasses:
    """Classes of faces by the kinds of their two voxels, and what they conduct [S]: along x, y, z, and to the ground.

    Half cells in series, and the interface between them. A plate is half a cell of the voxel's own kind away; in an
    image of a single layer both are. So is the ground of a periodic axis, where it may be anything.
    """

    plain: Array
    bonded: Array
    table: NDArray[np.float64]

    @staticmethod
    def of(image: PhaseImage, axis: int) -> FaceClasses:
        """Number the pairs of kinds that conduct; each interface that resists gets a class for every area factor."""
        sigma, spacing = image.kind_conductivities, image.voxel_size
        plain, bonded = np.zeros((2, sigma.size, sigma.size), np.int64)
        p, q = np.triu_indices(sigma.size)
        conducting = (sigma[p] > 0.0) & (sigma[q] > 0.0)
        p, q = p[conducting], q[conducting]
        plain[p, q] = plain[q, p] = np.arange(1, p.size + 1)
        with np.errstate(all="ignore"):  # what is out of range is refused below
            half = (0.5 * spacing**2 / np.prod(spacing))[:, None]  # cells of 1 S/m [ohm]
            face = (spacing / np.prod(spacing))[:, None]  # 1 / area
            plain_pairs = half * (1.0 / sigma[p] + 1.0 / sigma[q])
            interfaces, p, q, number = _interfaces(image, p, q)
            bonded[p, q] = bonded[q, p] = 1 + plain_pairs.shape[1] + number * (STEPS + 1)
            per_area = 1.0 / np.linspace(1.0, SMALLEST_FACTOR, STEPS + 1)
            cells = (half * (1.0 / interfaces[0] + 1.0 / interfaces[1]))[:, :, None]
            bonded_pairs = (cells + (face * interfaces[2])[:, :, None] * per_area).reshape(3, -1)
            table = 1.0 / np.concatenate((np.full((3, 1), np.inf), plain_pairs, bonded_pairs), axis=1)
        _check_range(table[:, 1:])
        to_ground = (2.0 if image.shape[axis] > 1 or image.periodic[axis] else 4.0) * table[axis]
        return FaceClasses(plain, bonded, np.vstack((table, to_ground)))

    def faces(self, image: PhaseImage) -> tuple[Array, Array, Array]:
        """Return the class of every voxel face."""
        smallest = np.min_scalar_type(self.table.shape[1] - 1)
        x, y, z = (np.empty(image.shape, smallest) for _ in range(3))
        for direction, faces in enumerate((x, y, z)):
            shared(
                classify_faces, image.shape[0], image.phases, image.blocks, image.kinds, self.plain, self.bonded,
                image.interface, image.voxel_size, image.periodic, direction, faces,
            )  # fmt: skip
        return x, y, z

    def to_ground(self, image: PhaseImage, voxels: NDArray[np.integer]) -> Array:
        """Return the class of the link to the ground of the given voxels, by number."""
        found: Array = np.diagonal(self.plain)[image.kinds[image.phases.ravel()[voxels]]]
        return found


def _interfaces(image: PhaseImage, p: Array, q: Array) -> tuple[Array, Array, Array, Array]:
    """Interfaces that resist: two conductivities and ohm m2; the pairs of kinds that have one, and which one."""
    resistance, sigma = image.interface[p, q], image.kind_conductivities
    resisting = (resistance > 0.0) & np.isfinite(resistance)
    p, q = p[resisting], q[resisting]
    sides = np.sort([sigma[p], sigma[q]], axis=0)
    found, number = np.unique(np.vstack((sides, resistance[resisting])), axis=1, return_inverse=True)
    if found.shape[1] > MOST_INTERFACES:
        raise ValueError(
            f"interface_resistance tells {found.shape[1]} kinds of interfaces apart, at most {MOST_INTERFACES} can be: "
            "round the resistances, to two digits for example"
        )
    return found, p, q, number


def _check_range(conductances: NDArray[np.float64]) -> None:
    """Raise ValueError if faces conduct so unlike each other that single precision cannot hold them."""
    if conductances.size == 0:
        return
    least, most = float(conductances.min()), float(conductances.max())
    if not (0.0 < least <= most < np.inf and least / most >= 1.0 / MOST_CONTRAST):
        raise ValueError(
            f"faces of voxels must conduct alike to a factor of {MOST_CONTRAST:.0e}; got {least:.1e} to {most:.1e} S: "
            "give 0 S/m to a phase that conducts so little, infinity to an interface that resists so much, and take "
            "voxels that are not so long"
        )
