"""A microstructure: its voxel image, its cores, its coats and its carbon, with the recipe they were made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from microstructure.carbon.placement import Carbon
from microstructure.coats.coating import Coats
from microstructure.cores.sphere_packing import Packing
from microstructure.recipe import Recipe


class Phase(IntEnum):
    """The labels of a voxel image."""

    PORE = 0
    CORE = 1  # active material
    MATRIX = 2  # electrolyte with carbon and pores in it, not resolved
    ELECTROLYTE = 3
    CARBON = 4


@dataclass(frozen=True, eq=False)
class CompositeParts:
    """What a composite has and a patch of matrix has not."""

    recipe: Recipe
    cores: Packing
    coats: Coats
    owners: NDArray[np.signedinteger]


@dataclass(frozen=True, eq=False)
class Structure:
    """Voxels and spheres of one microstructure.

    Axis 0 runs from the separator to the collector. A patch of coat has its normal along axis 0, the core below.
    """

    labels: NDArray[np.uint8] = field(repr=False, metadata={"shape": "[x, y, z]", "what": "Phase of each voxel"})
    voxel_size: float = field(metadata={"unit": "m"})
    periodic: tuple[bool, bool, bool]
    box: tuple[float, float, float] = field(metadata={"unit": "m"})
    recipe: Recipe | None = None
    owners: NDArray[np.signedinteger] | None = field(
        default=None, repr=False, metadata={"shape": "[x, y, z]", "what": "core nearest to the voxel, -1 for none"}
    )
    cores: Packing | None = field(default=None, metadata={"what": "the cores as spheres"})
    coats: Coats | None = None
    carbon: Carbon | None = None

    @property
    def phases(self) -> dict[int, Phase]:
        """Which phase each label in the image stands for."""
        return {int(label): Phase(label) for label in np.unique(self.labels)}

    @property
    def parts(self) -> CompositeParts:
        """Recipe, cores, coats and core ids of a composite; a ValueError if this is none."""
        if self.recipe is None or self.cores is None or self.coats is None or self.owners is None:
            raise ValueError("this needs cores, coats, core ids and a recipe: give a composite of build_composite")
        return CompositeParts(self.recipe, self.cores, self.coats, self.owners)

    @property
    def blocks(self) -> NDArray[np.signedinteger] | None:
        """Building block of each voxel, -1 for none; the numbers of the cores where each is a block of its own."""
        if self.owners is None or self.cores is None or self.cores.blocks == self.cores.count:
            return self.owners
        return np.append(self.cores.block, -1).astype(self.owners.dtype)[self.owners]

    @property
    def volume(self) -> float:
        """Volume of the box [m3]."""
        return float(np.prod(self.box))

    def fraction(self, phase: Phase) -> float:
        """Share of the voxels that carry this phase."""
        if isinstance(phase, bool) or not isinstance(phase, (int, np.integer)):
            raise TypeError(f"phase is a label, such as Phase.CORE; got {phase!r}")
        return float(np.count_nonzero(self.labels == phase) / self.labels.size)
