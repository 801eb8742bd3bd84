"""Carbon on a curved coat: when it goes all round one building block, and when it reaches from core to outside."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_kind, check_lengths, check_name, check_optional, check_rng, check_runs
from microstructure.building_block import coated_core
from microstructure.carbon.aggregates import AggregateLibrary
from microstructure.carbon.coat_domain import fill_coats
from microstructure.carbon.dispersion import Dispersion, parse_dispersion
from microstructure.carbon.domains import MAX_OVERLAP, parse_fit
from microstructure.carbon.placement import Carbon
from microstructure.coats.coating import neighbourhood
from microstructure.materials import Materials
from microstructure.recipe import solid_fraction
from microstructure.structure import Structure
from percolation.carbon_paths._network import first_unions
from percolation.carbon_paths.carbon_sweep import (
    FIRST_SHARE,
    LAST_SHARE,
    QUANTITY,
    check_carbon_fits,
    completed,
    half_point,
    run_seeds,
)
from percolation.carbon_paths.network import BOTH, TOUCH, CarbonNetwork, check_contact_gap, link_carbon
from percolation.statistics.threshold import Threshold

HEMISPHERES = 64  # that a cluster must all leave
OCTANTS = 8
LAYERS = 3  # voxels across the coat, in which the aggregates find their spots
FINEST = 20e-9  # m: an aggregate need not be set down more exactly in a thinner coat


@dataclass(frozen=True, eq=False)
class BlockSweep:
    """The carbon content at which events first happen on single building blocks, one per run.

    Attributes
    ----------
    all_round : ndarray of float64 (runs,)
        A cluster goes all round the core: none of 64 hemispheres holds it.
    outward : ndarray of float64 (runs,)
        Carbon joins core and outer face, somewhere.
    octants : ndarray of float64 (runs, 8)
        Carbon joins core and outer face inside each eighth of the coat.
    """

    all_round: NDArray[np.float64] = field(repr=False, metadata={"unit": "1", "what": QUANTITY})
    outward: NDArray[np.float64] = field(repr=False, metadata={"unit": "1", "what": QUANTITY})
    octants: NDArray[np.float64] = field(repr=False, metadata={"unit": "1", "what": QUANTITY})
    diameter: float = field(metadata={"unit": "m", "what": "of the core"})
    thickness: float = field(metadata={"unit": "m", "what": "of the coat"})
    recipe: str

    def half_point(self, event: str = "all_round", *, rng: np.random.Generator | None = None) -> Threshold:
        """The content at which half of the blocks show an event; of the octants, half of these.

        Raises
        ------
        ValueError
            If the event is none of all_round, outward and octants.
        """
        check_name("event", event, ("all_round", "outward", "octants"))
        edge = self.diameter + 2.0 * self.thickness
        return half_point(getattr(self, event), (edge, edge, edge), f"{event}, {self.recipe}", rng)


def sweep_block(
    library: AggregateLibrary,
    *,
    diameter: float,
    thickness: float,
    runs: int,
    fit: str = "reorient",
    contact_gap: float = 0.0,
    dispersion: Dispersion | float = 1.0,
    materials: Materials | None = None,
    rng: np.random.Generator,
) -> BlockSweep:
    """Add carbon to the coat of one spherical core, and note when it goes all round and when it reaches outside.

    Parameters
    ----------
    library : AggregateLibrary
    diameter, thickness : float
        Of the core and of its coat [m].
    runs : int
        Independent blocks.
    fit, contact_gap, dispersion, materials
        As for `sweep_bridges`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> from microstructure.carbon.aggregates import build_library
    >>> rng = np.random.default_rng(1)
    >>> library = build_library(rng=rng, count=20)
    >>> blocks = sweep_block(library, diameter=1e-6, thickness=150e-9, runs=8, rng=rng)
    >>> bool(np.all(blocks.outward <= blocks.octants.min(axis=1)))
    True
    """
    check_kind("library", library, AggregateLibrary)
    diameter, thickness = check_lengths(diameter=diameter, thickness=thickness)
    runs = check_runs(runs)
    check_contact_gap(contact_gap, library.primary_diameter)
    parse_fit(fit, MAX_OVERLAP)
    parse_dispersion(dispersion, np.empty(0))
    check_rng(rng)
    materials = check_optional("materials", materials, Materials) or Materials.load()
    voxel_size = min(max(thickness / LAYERS, FINEST), 0.1 * diameter)
    block = coated_core(diameter, thickness, voxel_size=voxel_size, materials=materials)
    coat = _CurvedCoat(library, block, diameter, thickness, fit, contact_gap, dispersion)
    check_carbon_fits(library, coat.volume)
    shares = np.stack([coat.onsets(seed) for seed in run_seeds(rng, runs)])
    contents = solid_fraction(shares, materials, materials.coat_porosity)
    recipe = f"core of {diameter:g} m in a coat of {thickness:g} m, {library}"
    return BlockSweep(contents[:, 0], contents[:, 1], contents[:, 2:], diameter, thickness, recipe)


@dataclass(frozen=True)
class _CurvedCoat:
    """One coated core, ready to be filled with carbon."""

    library: AggregateLibrary
    block: Structure
    diameter: float
    thickness: float
    fit: str
    contact_gap: float
    dispersion: Dispersion | float

    @property
    def volume(self) -> float:
        """Matrix of the coat [m3]."""
        return math.pi / 6.0 * ((self.diameter + 2.0 * self.thickness) ** 3 - self.diameter**3)

    def grow(self, share: float, seed: np.random.SeedSequence) -> Carbon:
        """Carbon of this share of the coat."""
        parts, block = self.block.parts, self.block
        return fill_coats(
            self.library,
            parts.cores,
            neighbourhood(parts.cores, 4.0 * self.thickness, walls=False),
            block.labels,
            parts.owners,
            parts.coats,
            voxel_size=block.voxel_size,
            volume=share * self.volume,
            fit=self.fit,
            dispersion=self.dispersion,
            rng=np.random.default_rng(seed),
        )

    def onsets(self, seed: np.random.SeedSequence) -> NDArray[np.float64]:
        """Carbon shares at which it goes all round, reaches outside, and does so in each octant; float64 (10,)."""
        share = FIRST_SHARE
        while True:
            carbon = self.grow(share, seed)
            network = link_carbon(
                carbon, box=self.block.box, periodic=self.block.periodic, contact_gap=self.contact_gap
            )
            offsets = carbon.centres - self.block.parts.cores.centres[0]
            whole, sides = np.zeros(carbon.count, np.int64), self._faces(offsets)
            found = [
                _union(network, _hemispheres(offsets), np.uint64(2**HEMISPHERES - 1), whole, 1),
                _union(network, sides, BOTH, whole, 1),
                _union(network, sides, BOTH, (offsets > 0.0) @ (1, 2, 4), OCTANTS),
            ]
            shares = np.concatenate(found) * (self.library.primary_volume / self.volume)
            if np.isfinite(shares).all() or share >= LAST_SHARE:
                return shares
            share *= 2.0

    def _faces(self, offsets: NDArray[np.float64]) -> NDArray[np.uint8]:
        """1 where a primary touches the core, 2 where it pierces the outer face."""
        reach = self.library.radius * (1.0 + TOUCH) + self.contact_gap
        heights = np.linalg.norm(offsets, axis=1) - 0.5 * self.diameter
        return (heights <= reach).astype(np.uint8) + 2 * (heights >= self.thickness - reach).astype(np.uint8)


def _union(
    network: CarbonNetwork,
    touches: NDArray[Any],
    all_places: np.unsignedinteger,
    window: NDArray[np.int64],
    windows: int,
) -> NDArray[np.float64]:
    """Primaries in each window when a cluster first touches all places, the last aggregate counted whole."""
    onsets = np.full(windows, -1, np.int64)
    first_unions(network.first, network.earlier, touches, all_places, window, onsets)
    return completed(network, onsets)


def _hemispheres(offsets: NDArray[np.float64]) -> NDArray[np.uint64]:
    """One bit for each hemisphere that a point does not lie in, uint64 (n,)."""
    bits = np.zeros(len(offsets), np.uint64)
    for k, pole in enumerate(_spread_poles(HEMISPHERES)):
        bits |= (offsets @ pole > 0.0).astype(np.uint64) << np.uint64(k)
    return bits


def _spread_poles(count: int) -> NDArray[np.float64]:
    """Directions spread evenly over the sphere by the golden angle, float64 (count, 3)."""
    heights = 1.0 - (2.0 * np.arange(count) + 1.0) / count
    angles = np.arange(count) * math.pi * (3.0 - math.sqrt(5.0))
    rings = np.sqrt(1.0 - heights**2)
    return np.stack([rings * np.cos(angles), rings * np.sin(angles), heights], axis=1)
