"""Which cores the electrons of the collector and the ions of the separator reach, against the carbon that is in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from microstructure.arguments import check_kind, check_rng, check_runs
from microstructure.contacts import find_contacts
from microstructure.structure import Phase, Structure
from microstructure.touches import find_touches
from percolation._network import body_groups
from percolation.clusters import find_clusters
from percolation.network import TOUCH, link_carbon

TOUCHING = 2e-3  # of the smaller diameter: the gap to which packings hold bonded cores together


@dataclass(frozen=True, eq=False)
class Utilisation:
    """Shares of the active material that are reached, one value for each share of the carbon inserted."""

    carbon: NDArray[np.float64] = field(metadata={"unit": "1", "what": "share of the structure's carbon that is in"})
    electronic: NDArray[np.float64] = field(metadata={"unit": "1", "what": "by volume, reached from the collector"})
    ionic: float = field(metadata={"unit": "1", "what": "by volume, reached from the separator"})
    joint: NDArray[np.float64] = field(metadata={"unit": "1", "what": "by volume, reached by both"})
    joint_by_number: NDArray[np.float64] = field(metadata={"unit": "1"})
    reachable_area: float = field(
        metadata={"unit": "1", "what": "share of the core surface that touches matrix connected to the separator"}
    )
    electronic_cores: NDArray[np.float64] = field(
        repr=False, metadata={"unit": "1", "shape": "(steps, cores)", "what": "share of the draws that reach it"}
    )
    ionic_cores: NDArray[np.bool_] = field(repr=False, metadata={"shape": "(cores,)"})
    draws: int = field(metadata={"what": "draws of the bare contacts averaged over"})
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
    ionic_contact_share: float = 0.1,
    draws: int = 32,
    rng: np.random.Generator,
) -> Utilisation:
    """Measure electronic, ionic and joint utilisation along the insertion sequence of one structure.

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
    ionic_contact_share : float
        A core is ionically reached when at least this share of its surface touches connected matrix.
    draws : int
        How often the bare contacts are drawn anew; the result is the mean.
    rng : numpy.random.Generator
        Draws which of the narrow contacts are bare.

    Returns
    -------
    Utilisation

    Raises
    ------
    ValueError
        If there are no cores or coats, a share lies outside [0, 1], or `draws` is less than one.
    """
    check_kind("structure", structure, Structure)
    check_rng(rng)
    parts, draws = structure.parts, check_runs(draws, "draws")
    if bare_contact_share is None:
        bare_contact_share = parts.recipe.materials["composite.bare_contact_share"]
    shares = _shares(carbon=carbon, bare_contact_share=[bare_contact_share], ionic_contact_share=[ionic_contact_share])
    groups = _carbon_groups(structure, shares, contact_gap)
    bare = [find_bare_contacts(structure, share=bare_contact_share, rng=rng) for _ in range(draws)]
    electronic = np.mean([_reached(groups, contacts.pairs) for contacts in bare], axis=0)
    area = ionic_area(structure)
    ionic = area >= max(ionic_contact_share, 1e-12)
    weights = parts.cores.diameters**3 / np.sum(parts.cores.diameters**3)
    surfaces = parts.cores.diameters**2 / np.sum(parts.cores.diameters**2)
    joint = electronic * ionic
    return Utilisation(
        carbon=shares,
        electronic=electronic @ weights,
        ionic=float(ionic @ weights),
        joint=joint @ weights,
        joint_by_number=joint.mean(axis=1),
        reachable_area=float(area @ surfaces),
        electronic_cores=electronic,
        ionic_cores=ionic,
        draws=draws,
    )


def find_bare_contacts(structure: Structure, *, share: float, rng: np.random.Generator) -> BareContacts:
    """Draw the bare contacts among those where half of the two coats, or more, is squeezed out.

    The draw belongs to the pair of bodies: another share, or another coat on the same cores, keeps it. Cores that touch
    inside one building block did so before they were coated: such contacts are bare, whatever the share.
    """
    cores = structure.parts.cores
    count, near = cores.count, find_contacts(cores, gap=structure.parts.coats.thickness)
    inner = near.pairs[:, 0] < near.pairs[:, 1]
    blocks = np.unique(near.pairs[inner], axis=0)
    bonded = inner & (cores.block[near.pairs[:, 0]] == cores.block[near.pairs[:, 1]])
    bonded &= near.gaps <= TOUCHING * cores.diameters[near.pairs].min(axis=1)
    separator, collector = (
        np.stack([touching, np.full(len(touching), count + wall)], axis=1)
        for wall, touching in enumerate((near.separator, near.collector))
    )
    pairs = np.concatenate([blocks, separator, collector])
    draw = rng.random((count + 2) * (count + 1) // 2)
    ticket = draw[pairs[:, 1] * (pairs[:, 1] - 1) // 2 + pairs[:, 0]]
    touching = np.concatenate([pairs[ticket < share], near.pairs[bonded]])
    return BareContacts(np.unique(touching, axis=0) if bonded.any() else touching, len(pairs))


def ionic_area(structure: Structure) -> NDArray[np.float64]:
    """Share of each core's surface that touches matrix connected to the separator, shape (cores,).

    Both areas are counted in voxel faces, whose staircase factor cancels.
    """
    matrix = structure.labels == Phase.MATRIX
    clusters = find_clusters(matrix, neighbours=6, periodic=structure.periodic).labels
    connected = np.isin(clusters, np.setdiff1d(clusters[0], [0])) & matrix
    parts, count = structure.parts, structure.parts.cores.count
    cores = np.where(structure.labels == Phase.CORE, parts.owners, -1)
    faces, reached = np.zeros(count), np.zeros(count)
    for axis in range(3):
        for step in (1, -1):
            towards, lit = np.roll(cores, step, axis), np.roll(connected, step, axis)
            outer = (cores >= 0) & (towards < 0)
            if not structure.periodic[axis]:
                np.moveaxis(outer, axis, 0)[0 if step == 1 else -1] = False
            faces += np.bincount(cores[outer], minlength=count)
            reached += np.bincount(cores[outer & lit], minlength=count)
    return reached / np.maximum(faces, 1.0)


def _carbon_groups(structure: Structure, shares: NDArray[np.float64], contact_gap: float) -> NDArray[np.int64]:
    """Which cores, and the collector behind them, carbon joins at each share of it: (steps, cores + 1) numbers."""
    bodies, carbon = structure.parts.cores.count + 1, structure.carbon
    groups = np.tile(np.arange(bodies), (len(shares), 1))
    if carbon is not None:
        network = link_carbon(carbon, box=structure.box, periodic=structure.periodic, contact_gap=contact_gap)
        checkpoints = np.rint(shares * carbon.count).astype(np.int64)
        reach = 0.5 * carbon.diameter * (1.0 + TOUCH) + contact_gap
        touches = find_touches(carbon, structure.parts.cores, reach=reach)
        body_groups(network.first, network.earlier, touches.start, touches.bodies, bodies, checkpoints, groups)
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


def _shares(**named: Sequence[float]) -> NDArray[np.float64]:
    for name, values in named.items():
        if not isinstance(values, (Sequence, np.ndarray)) or len(values) == 0:
            raise TypeError(f"{name} is a sequence of shares; got {values!r}")
        if not all(math.isfinite(value) and 0.0 <= value <= 1.0 for value in values):
            raise ValueError(f"{name} lies in [0, 1]; got {values!r}")
    shares = np.asarray(named["carbon"], float)
    if np.any(np.diff(shares) < 0):
        raise ValueError(f"shares of the carbon must rise; got {named['carbon']!r}")
    return shares
