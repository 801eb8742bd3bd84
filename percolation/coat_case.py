"""A flat piece of coat seen across: one coat with a free face, two that have merged, or two that meet at a seam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microstructure.aggregates import AggregateLibrary
from microstructure.carbon import Carbon, fill_flat, interleave
from microstructure.dispersion import Dispersion
from percolation.network import TOUCH

CASES = ("core_to_outside", "core_to_core_merged", "core_to_core_seam")


@dataclass(frozen=True)
class CoatCase:
    """One case across the coat, ready to be filled with carbon."""

    library: AggregateLibrary
    thickness: float
    width: float
    case: str
    fit: str
    contact_gap: float
    dispersion: Dispersion | float

    @property
    def height(self) -> float:
        """From the lower core to the upper one, or to the free face [m]."""
        return self.thickness if self.case == "core_to_outside" else 2.0 * self.thickness

    @property
    def box(self) -> tuple[float, float, float]:
        """Edges [m]."""
        return self.height, self.width, self.width

    def grow(self, share: float, seed: np.random.SeedSequence) -> Carbon:
        """Carbon of this share of the box."""
        volume = share * self.height * self.width**2
        lower_rng, upper_rng = (np.random.default_rng(child) for child in np.random.SeedSequence(seed.entropy).spawn(2))
        if self.case == "core_to_core_seam":
            lower, upper = (self._fill(0.5 * volume, self.thickness, rng) for rng in (lower_rng, upper_rng))
            upper.centres[:, 0] = self.height - upper.centres[:, 0]
            return interleave(lower, upper)
        upper_core = self.library.radius if self.case == "core_to_core_merged" else 0.0
        # between cores less than a primary apart it lies on both
        ceiling = max(self.height - upper_core, self.library.radius)
        return self._fill(volume, ceiling, lower_rng)

    def _fill(self, volume: float, ceiling: float, rng: np.random.Generator) -> Carbon:
        width = (self.width, self.width)
        return fill_flat(
            self.library,
            width=width,
            floor=self.library.radius,
            ceiling=ceiling,
            core_above=self.case == "core_to_core_merged",
            volume=volume,
            fit=self.fit,
            dispersion=self.dispersion,
            rng=rng,
        )

    def faces(self, carbon: Carbon) -> NDArray[np.uint8]:
        """1 where a primary touches the lower core, 2 where it touches the upper one or pierces the outer face."""
        reach = self.library.radius * (1.0 + TOUCH) + self.contact_gap
        heights = carbon.centres[:, 0]
        return (heights <= reach).astype(np.uint8) + 2 * (heights >= self.height - reach).astype(np.uint8)
