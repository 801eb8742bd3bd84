"""Bonds between coated blocks: how likely carbon bridges a face, and what electrons and ions reach through them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.special import ndtri

from microstructure.arguments import check_kind, check_rng, check_runs
from microstructure.coats.contact_faces import Seams
from percolation.utilisation.reach import Floats, NarrowContacts, check_shares, find_narrow_contacts, weighted_mean

if TYPE_CHECKING:
    import networkx

MANY = 500.0  # expected, from which on the first term of the distribution is lost
MOST = 1e15  # expected, beyond which no number is exact
SMALLEST = 1e-17  # of the terms that still count

Rate = Callable[[Floats], Floats]  # bridges per area [1/m2] through coats of these heights [m]


@dataclass(frozen=True, eq=False)
class Bonds:
    """What may join the blocks of a packing: bridges of carbon through their faces, and bare contacts of cores."""

    seams: Seams = field(repr=False)
    bridges: Floats = field(
        repr=False, metadata={"unit": "1", "shape": "(m,)", "what": "expected at each face, the integral of the rate"}
    )
    narrow: NarrowContacts = field(repr=False)
    bare_share: float = field(metadata={"unit": "1", "what": "share of the narrow contacts that are bare"})

    @property
    def probability(self) -> Floats:
        """That a face is bridged: 1 - exp(-bridges), float64 (m,)."""
        return np.asarray(-np.expm1(-self.bridges))

    def graph(self) -> networkx.Graph:
        """The contact graph: cores by number, "separator" and "collector"; one edge for each face.

        Cores carry their `diameter` [m], edges the `area` of the face [m2], the `bridges` expected and the
        `probability` that there is one.
        """
        import networkx  # a tenth of a second, which all other work is spared

        seams, graph = self.seams, networkx.Graph()
        graph.add_nodes_from((core, {"diameter": float(size)}) for core, size in enumerate(seams.cores.diameters))
        names = [*range(seams.cores.count), "separator", "collector"]
        numbers = zip(seams.areas.tolist(), self.bridges.tolist(), self.probability.tolist(), strict=True)
        for (first, second), (area, bridges, probability) in zip(seams.pairs.tolist(), numbers, strict=True):
            graph.add_edge(names[first], names[second], area=area, bridges=bridges, probability=probability)
        return graph

    def draw(self, rng: np.random.Generator) -> DrawnBonds:
        """Draw one set of bridges (a Poisson number for each face) and of bare contacts.

        One number is drawn for each face and each narrow contact, and compared with what is expected there: where
        more is expected, nothing that was there is gone.
        """
        check_rng(rng)
        chosen = rng.random(len(self.narrow.pairs)) < self.bare_share
        ranks = rng.random(len(self.bridges))
        return DrawnBonds(poisson_numbers(ranks, self.bridges), ranks, self.narrow.bare(chosen).pairs)


def poisson_numbers(ranks: Floats, expected: Floats) -> NDArray[np.int64]:
    """Numbers with a Poisson distribution around what is expected, from evenly distributed ranks in [0, 1).

    For one rank the number rises with what is expected.
    """
    numbers, few = np.zeros(np.shape(expected), np.int64), expected <= MANY
    if not few.all():  # a normal distribution and what it lacks in skewness (Cornish and Fisher)
        deviates = ndtri(np.clip(ranks[~few], SMALLEST, 1.0 - 1e-16))
        many = np.minimum(expected[~few], MOST)
        numbers[~few] = np.rint(many + np.sqrt(many) * deviates + (deviates**2 - 1.0) / 6.0)
    # the distribution summed up term by term: a tenth of the time of scipy's inverse
    term = np.exp(-np.where(few, expected, 0.0))
    total, number = term.copy(), 0
    left = np.flatnonzero(few & (total < ranks))
    while left.size:
        number += 1
        term[left] *= expected[left] / number
        total[left] += term[left]
        numbers[left] = number
        left = left[(total[left] < ranks[left]) & ((term[left] > SMALLEST) | (number < expected[left]))]
    return numbers


@dataclass(frozen=True, eq=False)
class DrawnBonds:
    """One draw of what joins the blocks."""

    bridges: NDArray[np.int64] = field(repr=False, metadata={"shape": "(m,)", "what": "at each face"})
    ranks: Floats = field(repr=False, metadata={"unit": "1", "shape": "(m,)", "what": "of what was drawn there"})
    bare: NDArray[np.int64] = field(repr=False, metadata={"shape": "(b, 2)", "what": "cores, then both walls"})


@dataclass(frozen=True, eq=False)
class BlockUtilisation:
    """Shares of the active material of a packing of blocks that are reached."""

    electronic: float = field(metadata={"unit": "1", "what": "by volume, from the collector"})
    ionic: float = field(metadata={"unit": "1", "what": "by volume, from the separator"})
    joint: float = field(metadata={"unit": "1", "what": "by volume, by both"})
    reachable_area: float = field(metadata={"unit": "1", "what": "share of the core surface that ions reach"})
    area_per_volume: float = field(metadata={"unit": "1/m", "what": "that area over the volume of the box"})
    bond_share: float = field(metadata={"unit": "1", "what": "share of the faces between blocks that are bridged"})
    electronic_cores: Floats = field(repr=False, metadata={"unit": "1", "what": "share of the draws that reach it"})
    ionic_cores: NDArray[np.bool_] = field(repr=False)


def find_bonds(
    seams: Seams,
    *,
    bridge_rate: Rate,
    wall_bridge_rate: Rate,
    inner_bridge_rate: Rate | None = None,
    bare_contact_share: float,
) -> Bonds:
    """Integrate the bridge rates over the faces of a packing of coated blocks.

    Parameters
    ----------
    seams : Seams
    bridge_rate, wall_bridge_rate : callable
        Bridges per area [1/m2] for coats of these heights [m]: through the two coats at a seam, and through the one
        coat between a core and a wall.
    inner_bridge_rate : callable, optional
        The same between cores inside one building block, where all contacts carry; `bridge_rate` if not given.
    bare_contact_share : float
        Share of the contacts, where half of two coats or more is squeezed out, that are bare.

    Examples
    --------
    >>> from microstructure import Recipe, lay_seams, pack_spheres
    >>> rng, none = np.random.default_rng(1), np.zeros_like
    >>> cores = pack_spheres(np.full(60, 3e-6), fraction=0.5, periodic=(False, True, True), rng=rng)
    >>> seams = lay_seams(Recipe.parse("80:20:0"), cores)
    >>> bonds = find_bonds(seams, bridge_rate=none, wall_bridge_rate=none, bare_contact_share=0.0)
    >>> measure_blocks(bonds, rng=rng).electronic
    0.0
    """
    check_kind("seams", seams, Seams)
    for name, rate in (("bridge_rate", bridge_rate), ("wall_bridge_rate", wall_bridge_rate)):
        if not callable(rate):
            raise TypeError(f"{name} is a function of coat heights in m, to bridges per m2; got {rate!r}")
    check_shares(bare_contact_share=[bare_contact_share])
    bridges = np.where(seams.walls, seams.integrate(wall_bridge_rate), seams.integrate(bridge_rate))
    if inner_bridge_rate is not None and not seams.parting.all():
        bridges = np.where(seams.parting, bridges, seams.integrate(inner_bridge_rate))
    narrow = find_narrow_contacts(seams.cores, seams.coats.thickness)
    return Bonds(seams, bridges, narrow, bare_contact_share)


def measure_blocks(
    bonds: Bonds,
    *,
    ions_pass: bool = True,
    ionic_contact_share: float = 0.1,
    draws: int = 32,
    rng: np.random.Generator,
) -> BlockUtilisation:
    """Measure electronic, ionic and joint utilisation of a packing of blocks.

    Parameters
    ----------
    bonds : Bonds
    ions_pass : bool
        Whether ions pass through the matrix at this carbon content.
    ionic_contact_share : float
        A core is reached by ions when at least this share of its surface is covered by connected matrix.
    draws : int
        How often bridges and bare contacts are drawn; electronic shares are means.

    Raises
    ------
    ValueError
        If axis 0 is periodic: then there is neither separator nor collector.
    """
    check_kind("bonds", bonds, Bonds)
    if not isinstance(ions_pass, (bool, np.bool_)):
        raise TypeError(f"ions_pass is True or False; got {ions_pass!r}")
    check_shares(ionic_contact_share=[ionic_contact_share])
    check_rng(rng)
    draws, seams, count = check_runs(draws, "draws"), bonds.seams, bonds.seams.cores.count
    if seams.cores.periodic[0]:
        raise ValueError("axis 0 of this packing is periodic: pack the cores between two walls")
    separator, collector = count, count + 1
    cores = np.zeros(count)
    for drawn in (bonds.draw(rng) for _ in range(draws)):
        links = np.concatenate([seams.pairs[drawn.bridges > 0], drawn.bare])
        cores += _joined(links[links[:, 1] != separator], count + 2, collector)[:count]
    cores /= draws
    reached = _joined(seams.pairs[seams.pairs[:, 1] != collector], count + 2, separator)[:count] & ions_pass
    area = np.where(reached, seams.covered, 0.0)
    ionic = area >= max(ionic_contact_share, 1e-12)
    bodies = seams.cores.shapes
    shares = weighted_mean(np.stack([cores, ionic, cores * ionic]), bodies.volumes)
    reachable = float(weighted_mean(area[None], bodies.areas)[0])
    inner = seams.parting & ~seams.walls
    return BlockUtilisation(
        electronic=float(shares[0]),
        ionic=float(shares[1]),
        joint=float(shares[2]),
        reachable_area=reachable,
        area_per_volume=reachable * float(bodies.areas.sum()) / seams.volume,
        bond_share=float(bonds.probability[inner].mean()) if inner.any() else 0.0,
        electronic_cores=cores,
        ionic_cores=ionic,
    )


def _joined(links: NDArray[np.int64], count: int, source: int) -> NDArray[np.bool_]:
    """Which nodes links join to the source, bool (count,)."""
    graph = coo_matrix((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(count, count))
    label = connected_components(graph, directed=False)[1]
    return np.asarray(label == label[source])
