"""The resolved route beside the two-scale one: which contacts carbon bridges, and what electrons conduct, primary by
primary."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from microstructure.carbon.core_contacts import find_touches
from microstructure.coats.outer_face import OuterFace
from microstructure.structure import Structure
from percolation.carbon_paths.network import TOUCH, CarbonNetwork, link_carbon
from percolation.carbon_paths.outer_contacts import carrying_touches, keep_carrying, touch_shares
from percolation.utilisation.reach import BareContacts
from transport.networks.block_network import Resistors
from transport.networks.resistors import network_conductance

Pairs = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ResolvedCarbon:
    """The carbon of a structure as a network, and which cores and walls its primaries touch."""

    structure: Structure
    network: CarbonNetwork
    touching: Pairs = field(metadata={"shape": "(t, 2)", "what": "primary, and core or wall (separator, collector)"})

    def through(self, face: OuterFace, *, seed: int = 0) -> ResolvedCarbon:
        """What is left of it where only those contacts of the outer faces carry that the `face` says."""
        if face.ideal:
            return self
        cores, carbon = self.structure.parts.cores, self.network.carbon
        network = keep_carrying(self.network, face, seed=seed, block=cores.block)
        primary, body = self.touching.T
        walls = 2 * cores.count + 1 - body  # the collector comes first where contacts are numbered
        numbered = np.where(body < cores.count, body, walls)
        share = touch_shares(numbered, carbon.coat[primary], cores, face)
        kept = carrying_touches(carbon.aggregate[primary], numbered, share, seed=seed)
        return replace(self, network=network, touching=self.touching[kept])


def resolve_carbon(
    structure: Structure, contact_gap: float = 0.0, *, face: OuterFace | None = None, seed: int = 0
) -> ResolvedCarbon:
    """Link the carbon of a composite, and find what it touches, through those contacts of the `face` that carry."""
    if structure.carbon is None:
        raise ValueError("there is no carbon in this structure")
    network = link_carbon(structure.carbon, box=structure.box, periodic=structure.periodic, contact_gap=contact_gap)
    cores = structure.parts.cores
    reach = 0.5 * structure.carbon.diameter * (1.0 + TOUCH) + contact_gap
    touches = find_touches(structure.carbon, cores, reach=reach)
    primaries = np.repeat(np.arange(structure.carbon.count), np.diff(touches.start))
    bodies = np.where(touches.bodies == cores.count, cores.count + 1, touches.bodies)  # the collector comes last
    separator = np.flatnonzero(structure.carbon.centres[:, 0] <= reach)
    walls = np.stack([separator, np.full(len(separator), cores.count)], axis=1)
    touching = np.concatenate([np.stack([primaries, bodies], axis=1), walls])
    carbon = ResolvedCarbon(structure, network, touching)
    return carbon if face is None else carbon.through(face, seed=seed)


def find_resolved_bonds(carbon: ResolvedCarbon, pairs: Pairs) -> NDArray[np.bool_]:
    """Whether carbon of two coats alone joins the two cores, or core and wall, of each pair, bool (pairs,)."""
    coat, links = carbon.network.carbon.coat.astype(np.int64), carbon.network.links
    same = coat[links[:, 0]] == coat[links[:, 1]]
    count = len(coat)
    graph = coo_matrix((np.ones(same.sum()), links[same].T), shape=(count, count))
    cluster = connected_components(graph, directed=False)[1]
    owner = np.zeros(cluster.max() + 1, np.int64)
    owner[cluster] = coat
    between = defaultdict(set)
    for a, b in np.unique(np.sort(cluster[links[~same]], axis=1), axis=0).tolist():
        between[_ordered(owner[a], owner[b])].add((a, b))
    reached = defaultdict(set)
    for a, body in np.unique(
        np.stack([cluster[carbon.touching[:, 0]], carbon.touching[:, 1]], axis=1), axis=0
    ).tolist():
        reached[owner[a], body].add(a)
    return np.array([_bonded(i, j, between[_ordered(i, j)], reached) for i, j in pairs.tolist()])


def resolved_conductance(
    carbon: ResolvedCarbon, bare: BareContacts, *, neck: float, contact_ratio: float, core: float, bare_radius: float
) -> float:
    """Electronic conductance between the walls [S], every primary a node; blocks touch ideally.

    Cores are nodes; a primary on a core is a contact, and an aggregate on a core is in series with the core's spreading
    resistance at one disc of a primary's radius, as in the two-scale route.
    """
    placed, cores = carbon.network.carbon, carbon.structure.parts.cores.count
    primary, body = carbon.touching.T
    on_core = body < cores
    feet, foot = np.unique(placed.aggregate[primary[on_core]] * np.int64(cores) + body[on_core], return_inverse=True)
    walls = placed.count + cores
    first_foot = walls + 2
    ends = np.where(on_core, 0, placed.count + body)
    ends[on_core] = first_foot + foot
    standing = np.stack([first_foot + np.arange(len(feet)), placed.count + feet % cores], axis=1)
    edges = [carbon.network.links, np.stack([primary, ends], axis=1), standing, bare.pairs + placed.count]
    contact = neck * contact_ratio
    conductances = [
        np.where(carbon.network.necks, neck, contact),
        np.full(len(primary), contact),
        np.full(len(feet), 4.0 * core * 0.5 * placed.diameter),
        Resistors.spots(bare.pairs, cores, core, bare_radius).conductance,
    ]
    return network_conductance(
        np.concatenate(edges),
        np.concatenate(conductances),
        count=first_foot + len(feet),
        source=[walls],
        sink=[walls + 1],
        tolerance=1e-6,
    ).value


def _ordered(i: int, j: int) -> tuple[int, int]:
    return (int(i), int(j)) if i < j else (int(j), int(i))


def _bonded(i: int, j: int, between: set[tuple[int, int]], reached: dict[tuple[int, int], set[int]]) -> bool:
    """Whether clusters of the coats i and j join what touches i to what touches j."""
    starts = reached.get((i, i), set()) | reached.get((j, i), set())
    ends = reached.get((i, j), set()) | reached.get((j, j), set())
    grown, edge = set(starts), set(starts)
    while edge:
        edge = {b for pair in between for a, b in (pair, pair[::-1]) if a in edge} - grown
        grown |= edge
    return not grown.isdisjoint(ends)
