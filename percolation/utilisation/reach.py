"""Which cores the electrons of the collector and the ions of the separator reach, against the carbon that is in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from microstructure.arguments import check_gap, check_kind, check_number, check_optional, check_rng, check_runs
from microstructure.checks.integrity import check_computable
from microstructure.coats.outer_face import OuterFace
from microstructure.cores.contacts import find_contacts
from microstructure.cores.sphere_packing import Packing
from microstructure.materials import Materials
from microstructure.recipe import carbon_scales, solid_fraction
from microstructure.structure import Phase, Structure
from percolation.carbon_paths._network import body_groups
from percolation.carbon_paths.outer_contacts import carrying_carbon
from percolation.utilisation.ions import reach_ions

Floats = NDArray[np.float64]

QUANTITY = "CB volume fraction of the matrix, pores excluded"
TOUCHING = 2e-3  # of the smaller diameter: the gap to which packings hold bonded cores together


@dataclass(frozen=True, eq=False)
class Utilisation:
    """Shares of the active material that are reached, one value for each share of the carbon inserted."""

    carbon: Floats = field(metadata={"unit": "1", "shape": "(steps,)", "what": "share of the structure's carbon, in"})
    volume_fraction: Floats = field(metadata={"unit": "1", "shape": "(steps,)", "what": QUANTITY})
    mass_ratio: Floats = field(metadata={"unit": "1", "shape": "(steps,)", "what": "CB over SE in the matrix, by mass"})
    electronic: Floats = field(metadata={"unit": "1", "what": "by volume, reached from the collector"})
    ionic: Floats = field(metadata={"unit": "1", "what": "by volume, reached from the separator"})
    joint: Floats = field(metadata={"unit": "1", "what": "by volume, reached by both"})
    reachable_area: Floats = field(
        metadata={"unit": "1", "what": "share of the core surface on electrolyte connected to the separator"}
    )
    area_per_volume: Floats = field(metadata={"unit": "1/m", "what": "that CAM|SE area over the volume of the box"})
    electronic_cores: Floats = field(
        repr=False, metadata={"unit": "1", "shape": "(steps, cores)", "what": "share of the draws that reach it"}
    )
    ionic_cores: NDArray[np.bool_] = field(repr=False, metadata={"shape": "(steps, cores)"})
    area_cores: Floats = field(
        repr=False, metadata={"unit": "1", "shape": "(steps, cores)", "what": "share of its surface that ions reach"}
    )
    draws: int = field(metadata={"what": "draws of the bare contacts averaged over"})
    ionic_contact_share: float = field(metadata={"unit": "1", "what": "of its surface that makes a core reached"})
    resolved: bool = field(metadata={"what": "whether the image shows carbon: else ions are the same at every step"})
    neighbours: int = 6


@dataclass(frozen=True, eq=False)
class BareContacts:
    """Contacts where two cores, or a core and a wall, touch through their coats."""

    pairs: NDArray[np.int64] = field(repr=False, metadata={"shape": "(m, 2)", "what": "cores, then both walls"})
    candidates: int = field(metadata={"what": "contacts narrow enough to be bare"})


def measure_utilisation(
    structure: Structure,
    *,
    carbon: Sequence[float] = (1.0,),
    bare_contact_share: float | None = None,
    contact_gap: float = 0.0,
    face: OuterFace | None = None,
    ionic_contact_share: float = 0.1,
    draws: int = 32,
    rng: np.random.Generator,
) -> Utilisation:
    """Measure electronic, ionic and joint utilisation along the insertion sequence of one structure, in one pass.

    Electrons come from the collector, through carbon and bare contacts. Ions come from the separator, through the
    electrolyte: where the image resolves the carbon (`microstructure.voxelise(..., resolve_carbon=True)`), carbon that
    is not in yet counts as electrolyte, and ionic utilisation falls as it comes in; in an image of homogeneous matrix
    it has the same value at every step.

    Parameters
    ----------
    structure : Structure
        A composite with cores; axis 0 runs from the separator to the collector.
    carbon : sequence of float
        Shares of its carbon at which to look, rising, in [0, 1].
    bare_contact_share : float, optional
        Share of the narrow contacts that are bare; from the recipe's materials if not given.
    contact_gap : float
        [m], between primaries of different aggregates and between a primary and a core.
    face : OuterFace, optional
        What share of the contacts of carbon through the outer faces of the coats carries; all of them if not given.
        (How far carbon stands out of its coat was decided when the structure was built.)
    ionic_contact_share : float
        A core is ionically reached when at least this share of its surface touches connected electrolyte.
    draws : int
        How often the bare contacts are drawn anew; the result is the mean.
    rng : numpy.random.Generator
        Draws which of the narrow contacts are bare, and which contacts of carbon carry.

    Returns
    -------
    Utilisation
        The carbon is told as a share of what is there, as CB volume fraction of the matrix (of a recipe whose matrix,
        with its pores, holds so much carbon in a volume, as for `sweep_carbon`) and as CB:SE mass ratio.

    Raises
    ------
    ValueError
        If there are no cores or coats, axis 0 is periodic, a share lies outside [0, 1] or they do not rise, or `draws`
        is less than one.

    Examples
    --------
    >>> from microstructure import Recipe, build_composite
    >>> rng = np.random.default_rng(1)
    >>> cell = build_composite(Recipe.parse("80:20:0"), porosity=0.2, box=(8e-6,) * 3, voxel_size=125e-9, rng=rng)
    >>> measure_utilisation(cell, carbon=[0.0], bare_contact_share=0.0, rng=rng).electronic.tolist()
    [0.0]
    """
    check_computable(structure)
    check_rng(rng)
    parts, draws = structure.parts, check_runs(draws, "draws")
    contact_gap = check_gap("contact_gap", contact_gap)
    bare_contact_share = bare_share(structure, bare_contact_share)
    shares = check_shares(carbon=carbon, ionic_contact_share=[ionic_contact_share])
    inserted = count_inserted(structure, shares)
    area = reach_ions(structure, inserted)
    electronic = reach_electrons(
        structure,
        inserted,
        bare_contact_share=bare_contact_share,
        contact_gap=contact_gap,
        face=check_optional("face", face, OuterFace),
        draws=draws,
        rng=rng,
    )
    ionic = area >= max(ionic_contact_share, 1e-12)
    volumes, surfaces = parts.cores.shapes.volumes, parts.cores.shapes.areas
    volume_fraction = _carbon_content(structure, inserted)
    return Utilisation(
        carbon=shares,
        volume_fraction=volume_fraction,
        mass_ratio=_mass_ratio(volume_fraction, parts.recipe.materials),
        electronic=weighted_mean(electronic, volumes),
        ionic=weighted_mean(ionic, volumes),
        joint=weighted_mean(electronic * ionic, volumes),
        reachable_area=weighted_mean(area, surfaces),
        area_per_volume=weighted_mean(area, surfaces) * (surfaces.sum() / structure.volume),
        electronic_cores=electronic,
        ionic_cores=ionic,
        area_cores=area,
        draws=draws,
        ionic_contact_share=float(ionic_contact_share),
        resolved=bool(np.any(structure.labels == Phase.CARBON) or np.any(structure.labels == Phase.ELECTROLYTE)),
    )


def reach_electrons(
    structure: Structure,
    inserted: NDArray[np.int64],
    *,
    bare_contact_share: float,
    contact_gap: float = 0.0,
    face: OuterFace | None = None,
    draws: int = 32,
    rng: np.random.Generator,
) -> Floats:
    """Share of the draws in which carbon and bare contacts join each core to the collector, float64 (steps, cores).

    `inserted` is how many primaries are in at each step, rising; all else is as for `measure_utilisation`.
    """
    groups = _carbon_groups(structure, inserted, contact_gap, face or OuterFace(), rng)
    reached = np.zeros((len(groups), structure.parts.cores.count), np.int64)
    for _ in range(draws):
        reached += _reached(groups, find_bare_contacts(structure, share=bare_contact_share, rng=rng).pairs)
    return np.asarray(reached / draws)


def find_bare_contacts(structure: Structure, *, share: float, rng: np.random.Generator) -> BareContacts:
    """Draw the bare contacts among those where half of the two coats, or more, is squeezed out.

    The draw belongs to the pair of bodies: another share, or another coat on the same cores, keeps it. Cores that touch
    inside one building block did so before they were coated: such contacts are bare, whatever the share.

    Parameters
    ----------
    structure : Structure
        A composite with cores.
    share : float
        Of those narrow contacts that is bare, 0 to 1.
    rng : numpy.random.Generator

    Returns
    -------
    BareContacts
        `pairs` int64 (m, 2): cores, or a core and a wall.

    Raises
    ------
    TypeError, ValueError
        If the structure has no cores, or the share is none.
    """
    cores = check_kind("structure", structure, Structure).parts.cores
    check_shares(share=[share])
    check_rng(rng)
    narrow = find_narrow_contacts(cores, structure.parts.coats.thickness)
    pairs, draw = narrow.pairs, rng.random((cores.count + 2) * (cores.count + 1) // 2)
    ticket = draw[pairs[:, 1] * (pairs[:, 1] - 1) // 2 + pairs[:, 0]]
    return narrow.bare(ticket < share)


@dataclass(frozen=True, eq=False)
class NarrowContacts:
    """Contacts of two cores, or of a core and a wall, that may be bare, and those that are: inside one block."""

    pairs: NDArray[np.int64] = field(repr=False, metadata={"shape": "(m, 2)", "what": "cores, then both walls"})
    bonded: NDArray[np.int64] = field(repr=False, metadata={"shape": "(b, 2)"})

    def bare(self, chosen: NDArray[np.bool_]) -> BareContacts:
        """The chosen ones, and those inside blocks."""
        touching = np.concatenate([self.pairs[chosen], self.bonded])
        return BareContacts(np.unique(touching, axis=0) if len(self.bonded) else touching, len(self.pairs))


def find_narrow_contacts(cores: Packing, gap: float) -> NarrowContacts:
    """The contacts between which the cores are at most a gap apart [m], walls included."""
    count, near = cores.count, find_contacts(cores, gap=gap)
    inner = near.pairs[:, 0] < near.pairs[:, 1]
    blocks = np.unique(near.pairs[inner], axis=0)
    bonded = inner & (cores.block[near.pairs[:, 0]] == cores.block[near.pairs[:, 1]])
    bonded &= near.gaps <= TOUCHING * cores.diameters[near.pairs].min(axis=1)
    walls = [
        np.stack([touching, np.full(len(touching), count + wall)], axis=1)
        for wall, touching in enumerate((near.separator, near.collector))
    ]
    return NarrowContacts(np.concatenate([blocks, *walls]), near.pairs[bonded])


def weighted_mean(shares: NDArray[Any], weights: Floats) -> Floats:
    """Mean over the cores, float64 (steps,): all rows sum in one order, so that more never adds up to less."""
    return np.asarray(np.sum(shares * weights, axis=1) / np.sum(weights))


def count_inserted(structure: Structure, shares: Floats) -> NDArray[np.int64]:
    """How many primaries are in at each share of the carbon, int64 (steps,)."""
    return np.rint(shares * (0 if structure.carbon is None else structure.carbon.count)).astype(np.int64)


def bare_share(structure: Structure, given: float | None) -> float:
    """The share of the narrow contacts that are bare: as given, or that of the recipe's materials."""
    if given is None:
        return structure.parts.recipe.materials["composite.bare_contact_share"]
    check_shares(bare_contact_share=[given])
    return given


def _carbon_content(structure: Structure, inserted: NDArray[np.int64]) -> Floats:
    """CB volume fraction of the matrix, pores excluded, at each number of primaries."""
    recipe, cores, carbon = structure.parts.recipe, structure.parts.cores, structure.carbon
    if carbon is None:
        return np.zeros(len(inserted))
    matrix = cores.fraction * structure.volume * recipe.matrix_per_core
    shares = inserted.astype(np.float64) * (math.pi / 6.0 * carbon.diameter**3 / matrix)
    return solid_fraction(shares, recipe.materials, recipe.materials.coat_porosity)


def _mass_ratio(volume_fraction: Floats, materials: Materials) -> Floats:
    """CB over SE by mass; infinite where no matrix holds so much carbon."""
    return np.array([carbon_scales(one, materials)[0] if one < 1.0 else math.inf for one in volume_fraction])


def _carbon_groups(
    structure: Structure, inserted: NDArray[np.int64], contact_gap: float, face: OuterFace, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Which cores, and the collector behind them, carbon joins at each step: (steps, cores + 1) numbers."""
    cores, carbon = structure.parts.cores, structure.carbon
    bodies = cores.count + 1
    groups = np.tile(np.arange(bodies), (len(inserted), 1))
    if carbon is not None:
        network, touches = carrying_carbon(structure, contact_gap, face, rng)
        body_groups(network.first, network.earlier, touches.start, touches.bodies, bodies, inserted, groups)
    return groups


def _reached(groups: NDArray[np.int64], bare: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which cores carbon and bare contacts join to the collector, bool (steps, cores)."""
    collector = groups.shape[1] - 1
    # the separator has the lower number of the two walls and passes no electrons
    contacts = np.minimum(bare[bare[:, 1] != collector], collector)
    reached = np.empty((len(groups), collector), bool)
    for step, group in enumerate(groups):
        names, index = np.unique(group, return_inverse=True)
        ends = index[contacts]
        graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(names),) * 2)
        label = connected_components(graph, directed=False)[1][index]
        reached[step] = label[:collector] == label[collector]
    return reached


def check_shares(**named: Sequence[float]) -> Floats:
    """The first of some sequences of shares in [0, 1], which must rise; a TypeError or ValueError for any of them."""
    for name, values in named.items():
        row = isinstance(values, (list, tuple)) or (isinstance(values, np.ndarray) and values.ndim == 1)
        if not row or len(values) == 0:
            raise TypeError(f"{name} is a sequence of shares such as [0.0, 0.5, 1.0]; got {values!r}")
        if not all(0.0 <= check_number(name, value) <= 1.0 for value in values):
            raise ValueError(f"{name} lies in [0, 1]; got {values!r}")
    shares = np.asarray(next(iter(named.values())), float)
    if np.any(np.diff(shares) < 0):
        raise ValueError(f"{next(iter(named))} holds shares that rise: sort them; got {shares.tolist()!r}")
    return shares
