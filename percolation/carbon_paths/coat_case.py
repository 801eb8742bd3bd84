"""A flat piece of coat seen across: one coat with a free face, two that have merged, or two that meet at a seam."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_name
from microstructure.carbon.aggregates import AggregateLibrary
from microstructure.carbon.dispersion import Dispersion
from microstructure.carbon.placement import Carbon, fill_flat, interleave
from microstructure.coats.outer_face import IDEAL, OuterFace
from percolation.carbon_paths.network import TOUCH, CarbonNetwork
from percolation.carbon_paths.outer_contacts import carrying_touches, keep_carrying

LOWER, UPPER = np.uint8(1), np.uint8(2)


@dataclass(frozen=True)
class Section:
    """What lies across: how many coats, and what is above them."""

    coats: int
    closed: bool = False  # all the room between two bodies is one coat
    seam: bool = False  # each coat holds its own carbon
    wall: bool = False  # the upper body is a wall


CASES: Mapping[str, Section] = MappingProxyType(
    {
        "core_to_outside": Section(coats=1),
        "core_to_core_merged": Section(coats=2, closed=True),
        "core_to_core_seam": Section(coats=2, seam=True),
        "core_to_wall": Section(coats=1, closed=True, wall=True),
    }
)


def section_across(case: str) -> Section:
    """The section of this name; a ValueError that brings the known ones if there is none."""
    return CASES[check_name("case", case, CASES)]


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
        return self.section.coats * self.thickness

    @property
    def section(self) -> Section:
        """What lies across."""
        return section_across(self.case)

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
        if self.section.seam:
            lower, upper = (self._fill(0.5 * volume, free, rng) for rng in (lower_rng, upper_rng))
            upper.centres[:, 0] = self.height - upper.centres[:, 0]
            return interleave(lower, upper)
        # between bodies less than a primary apart it lies on both
        return self._fill(volume, max(self.height - radius, radius) if self.section.closed else free, lower_rng)

    def _fill(self, volume: float, ceiling: float, rng: np.random.Generator) -> Carbon:
        width = (self.width, self.width)
        return fill_flat(
            self.library,
            width=width,
            floor=self.library.radius,
            ceiling=ceiling,
            core_above=self.section.closed,
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
        if self.section.seam:
            return np.where(carbon.coat == 0, UPPER, LOWER)
        return np.full(carbon.count, UPPER if self.section.wall else 0, np.uint8)

    def carrying(self, network: CarbonNetwork, seed: int) -> tuple[CarbonNetwork, NDArray[np.uint8]]:
        """The network, and the faces that its primaries touch, without the contacts that do not carry."""
        carbon, face = network.carbon, self.face
        faces = self.faces(carbon)
        if face.ideal:
            return network, faces
        share = face.wall_share if self.section.wall else face.seam_share
        outer = faces & self.foreign(carbon)
        closed = ~carrying_touches(carbon.aggregate, outer, share, seed=seed)
        return keep_carrying(network, face, seed=seed), np.where(closed, faces & ~outer, faces)
