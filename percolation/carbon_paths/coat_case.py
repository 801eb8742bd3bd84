"""A flat piece of coat seen across: one coat with a free face, two that have merged, or two that meet at a seam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microstructure.carbon.aggregates import AggregateLibrary
from microstructure.carbon.dispersion import Dispersion
from microstructure.carbon.placement import Carbon, fill_flat, interleave
from microstructure.coats.outer_face import IDEAL, OuterFace
from percolation.carbon_paths.network import TOUCH, CarbonNetwork
from percolation.carbon_paths.outer_contacts import carrying_touches, keep_carrying

CASES = ("core_to_outside", "core_to_core_merged", "core_to_core_seam", "core_to_wall")
LOWER, UPPER = np.uint8(1), np.uint8(2)


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
    face: OuterFace = IDEAL

    @property
    def height(self) -> float:
        """From the lower core to the upper one, to the wall, or to the free face [m]."""
        return self.thickness if self.case in ("core_to_outside", "core_to_wall") else 2.0 * self.thickness

    @property
    def closed(self) -> bool:
        """Whether one coat fills all the room between two bodies: two cores, or a core and a wall."""
        return self.case in ("core_to_core_merged", "core_to_wall")

    @property
    def box(self) -> tuple[float, float, float]:
        """Edges [m]."""
        return self.height, self.width, self.width

    def grow(self, share: float, seed: np.random.SeedSequence) -> Carbon:
        """Carbon of this share of the box."""
        volume = share * self.height * self.width**2
        lower_rng, upper_rng = (np.random.default_rng(child) for child in np.random.SeedSequence(seed.entropy).spawn(2))
        radius = self.library.radius
        free = self.face.ceiling(self.thickness, radius)
        if self.case == "core_to_core_seam":
            lower, upper = (self._fill(0.5 * volume, free, rng) for rng in (lower_rng, upper_rng))
            upper.centres[:, 0] = self.height - upper.centres[:, 0]
            return interleave(lower, upper)
        # between bodies less than a primary apart it lies on both
        return self._fill(volume, max(self.height - radius, radius) if self.closed else free, lower_rng)

    def _fill(self, volume: float, ceiling: float, rng: np.random.Generator) -> Carbon:
        width = (self.width, self.width)
        return fill_flat(
            self.library,
            width=width,
            floor=self.library.radius,
            ceiling=ceiling,
            core_above=self.closed,
            volume=volume,
            fit=self.fit,
            dispersion=self.dispersion,
            rng=rng,
        )

    def faces(self, carbon: Carbon) -> NDArray[np.uint8]:
        """1 where a primary touches the lower core, 2 where it touches the upper one or pierces the outer face."""
        reach = self.library.radius * (1.0 + TOUCH) + self.contact_gap
        heights = carbon.centres[:, 0]
        return LOWER * (heights <= reach) + UPPER * (heights >= self.height - reach)

    def foreign(self, carbon: Carbon) -> NDArray[np.uint8]:
        """The faces that a primary touches by a contact of the outer face: the other block's core, or the wall."""
        if self.case == "core_to_core_seam":
            return np.where(carbon.coat == 0, UPPER, LOWER)
        return np.full(carbon.count, UPPER if self.case == "core_to_wall" else 0, np.uint8)

    def carrying(self, network: CarbonNetwork, seed: int) -> tuple[CarbonNetwork, NDArray[np.uint8]]:
        """The network, and the faces that its primaries touch, without the contacts that do not carry."""
        carbon, face = network.carbon, self.face
        faces = self.faces(carbon)
        if face.ideal:
            return network, faces
        share = face.wall_share if self.case == "core_to_wall" else face.seam_share
        outer = faces & self.foreign(carbon)
        closed = ~carrying_touches(carbon.aggregate, outer, share, seed=seed)
        return keep_carrying(network, face, seed=seed), np.where(closed, faces & ~outer, faces)
