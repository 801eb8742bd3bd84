"""Which contacts of carbon through the outer faces of coats carry: one number per contact, compared with a share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microstructure.carbon.core_contacts import Touches, find_touches
from microstructure.carbon.placement import Carbon
from microstructure.coats.outer_face import OuterFace
from microstructure.cores.sphere_packing import Packing
from microstructure.structure import Structure
from percolation.carbon_paths.network import TOUCH, CarbonNetwork, link_carbon

# SplitMix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014): well mixed bits of any whole number
STEP = np.uint64(0x9E3779B97F4A7C15)
MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))


def tickets(seed: int, first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """A number in [0, 1) for each pair, the same in either order and for every primary of the two.

    A contact carries if its number lies below the share that carries: the contacts that carry at a small share are
    among those that carry at a larger one, so that what they conduct rises with the share.

    Parameters
    ----------
    seed : int
        Another one draws all contacts anew.
    first, second : whole numbers, shape (m,)
        Aggregates; or, from 2^32 on, cores and walls.
    """
    low, high = np.minimum(first, second), np.maximum(first, second)
    word = _mixed(np.full(np.shape(low), seed, np.uint64))
    for part in (low, high):
        word = _mixed(word ^ np.asarray(part).astype(np.uint64))
    return np.asarray((word >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def _mixed(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    word = word + STEP
    for shift, factor in zip(SHIFTS, MIX, strict=False):
        word = (word ^ (word >> shift)) * factor
    return np.asarray(word ^ (word >> SHIFTS[2]))


BODY = 2**32  # cores and walls are numbered from here on in tickets


def seam_links(network: CarbonNetwork, block: NDArray[np.signedinteger] | None = None) -> NDArray[np.bool_]:
    """Which links join carbon of two blocks, bool (links,).

    `block` is the building block of each core, where several cores share one.
    """
    coat = network.carbon.coat if block is None else block[network.carbon.coat]
    return np.asarray(coat[network.later] != coat[network.earlier])


def keep_carrying(
    network: CarbonNetwork, face: OuterFace, *, seed: int, block: NDArray[np.signedinteger] | None = None
) -> CarbonNetwork:
    """The network without the links through seams that do not carry.

    Parameters
    ----------
    network : CarbonNetwork
    face : OuterFace
    seed : int
        Of the numbers that are drawn once for each contact, a pair of aggregates.
    block : ndarray, optional
        Building block of each core; each core is one of its own if not given.
    """
    if face.seam_share == 1.0:
        return network
    seam = np.flatnonzero(seam_links(network, block))
    aggregate, later = network.carbon.aggregate, network.later
    closed = tickets(seed, aggregate[later[seam]], aggregate[network.earlier[seam]]) >= face.seam_share
    dropped = np.zeros(len(later), bool)
    dropped[seam[closed]] = True
    return without_links(network, dropped)


def without_links(network: CarbonNetwork, dropped: NDArray[np.bool_]) -> CarbonNetwork:
    """The network without some of its links, bool (links,)."""
    kept = ~dropped
    first = np.zeros(network.carbon.count + 1, np.int64)
    np.cumsum(np.bincount(network.later[kept], minlength=network.carbon.count), out=first[1:])
    return replace(network, first=first, earlier=network.earlier[kept])


def carrying_carbon(
    structure: Structure, contact_gap: float, face: OuterFace, rng: np.random.Generator
) -> tuple[CarbonNetwork, Touches]:
    """The carbon of a composite as a network, and what its primaries touch, through contacts that carry.

    Contacts are drawn from a stream of their own: what `rng` gives afterwards does not depend on the face.
    """
    carbon, cores = structure.carbon, structure.parts.cores
    if carbon is None:
        raise ValueError("there is no carbon in this structure")
    network = link_carbon(carbon, box=structure.box, periodic=structure.periodic, contact_gap=contact_gap)
    touches = find_touches(carbon, cores, reach=0.5 * carbon.diameter * (1.0 + TOUCH) + contact_gap)
    if not face.ideal:
        seed = int(rng.spawn(1)[0].integers(2**63))
        network = keep_carrying(network, face, seed=seed, block=cores.block)
        touches = keep_touches(touches, carbon, cores, face, seed=seed)
    return network, touches


def keep_touches(touches: Touches, carbon: Carbon, cores: Packing, face: OuterFace, *, seed: int) -> Touches:
    """The touches without those of the outer face that do not carry."""
    primary, body = np.repeat(np.arange(carbon.count), np.diff(touches.start)), touches.bodies
    share = touch_shares(body, carbon.coat[primary], cores, face)
    kept = carrying_touches(carbon.aggregate[primary], body, share, seed=seed)
    start = np.zeros(carbon.count + 1, np.int64)
    np.cumsum(np.bincount(primary[kept], minlength=carbon.count), out=start[1:])
    return Touches(start, body[kept])


def touch_shares(
    body: NDArray[np.integer], coat: NDArray[np.integer], cores: Packing, face: OuterFace
) -> NDArray[np.float64]:
    """How often carbon of a coat carries where it touches a core, or a wall (numbered after the last core), (touches,).

    An aggregate that touches the core of another block does so through its own skin and the film on that core: such a
    contact carries as often as one of two coats. On a core of its own block it always does.
    """
    block = np.append(cores.block, [-1, -2])
    share = np.where(body < cores.count, face.seam_share, face.wall_share)
    return np.where(block[body] == block[coat], 1.0, share)


def carrying_touches(
    aggregate: NDArray[np.signedinteger], body: NDArray[np.integer], share: float | NDArray[np.float64], *, seed: int
) -> NDArray[np.bool_]:
    """Whether aggregates carry where they touch a core of another block, or a wall, bool (touches,).

    Parameters
    ----------
    aggregate, body : ndarray
        Of each touch; bodies are cores and walls, numbered from 0.
    share : float, or float64 (touches,)
        1 where a touch always carries: an aggregate on the core of its own block.
    """
    return np.asarray(tickets(seed, aggregate, np.asarray(body, np.int64) + BODY) < share)
