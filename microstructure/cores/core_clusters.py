"""Which cores share a coat: a share of them are joined as clusters, each the cores of one building block."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_number

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Clusters:
    """Clusters of touching cores, each in one coat, as mixing at high intensity leaves them beside single cores.

    Parameters
    ----------
    share : float
        Share of the cores, by number, that sit in clusters; 0 for none, 1 for all.
    cores : float
        Mean number of cores in a cluster, 2 or more; a cluster has 2 and a random share of what is left beyond that.

    Raises
    ------
    TypeError
        If a number is not a number.
    ValueError
        If the share is outside [0, 1], or `cores` below 2 or not finite.

    Examples
    --------
    >>> blocks = choose_blocks(Clusters(share=0.6, cores=3), np.ones(100), rng=np.random.default_rng(1))
    >>> int(blocks.block.max()) + 1     # 60 cores in 20 clusters, and 40 single ones
    60
    """

    share: float = field(default=0.2, metadata={"unit": "1"})
    cores: float = field(default=3, metadata={"unit": "1"})

    def __post_init__(self) -> None:
        for name, value in (("share", self.share), ("cores", self.cores)):
            object.__setattr__(self, name, check_number(name, value))
        if not 0.0 <= self.share <= 1.0:
            raise ValueError(f"share must lie in [0, 1] (share of the cores that sit in clusters), got {self.share}")
        if not 2.0 <= self.cores < math.inf:
            raise ValueError(f"cores must be 2 or more in a cluster on average, got {self.cores}")


@dataclass(frozen=True)
class CoreGroups:
    """The building block of each core, the bonds that hold clusters together, and one shape of each cluster.

    Attributes
    ----------
    block : ndarray, int32 (n,)
        Numbered from 0 in the order of their first cores.
    bonds : ndarray, int64 (m, 2)
        Cores that touch; they join the cores of a cluster as a tree.
    roots : ndarray, int64 (n,)
        The core that each one's cluster was built from; a single core is its own.
    offsets : ndarray, float64 (n, 3)
        From the centre of the root, in the unit of the diameters; the cores of a cluster do not overlap.
    """

    block: NDArray[np.int32]
    bonds: NDArray[np.int64]
    roots: NDArray[np.int64]
    offsets: Floats


def single_blocks(count: int) -> CoreGroups:
    """Each core its own building block."""
    every = np.arange(count)
    return CoreGroups(every.astype(np.int32), np.empty((0, 2), np.int64), every, np.zeros((count, 3)))


def choose_blocks(clusters: Clusters | None, diameters: Floats, *, rng: np.random.Generator) -> CoreGroups:
    """Choose the cores that are joined, at random and whatever their sizes, and build each cluster in free space.

    Raises
    ------
    ValueError
        If the share holds fewer cores than one cluster needs.
    """
    if clusters is None or clusters.share == 0.0:
        return single_blocks(diameters.size)
    clustered = round(clusters.share * diameters.size)
    if clustered < clusters.cores:
        raise ValueError(
            f"a share of {clusters.share:g} of {diameters.size} cores is {clustered}, less than one cluster of "
            f"{clusters.cores:g}: raise the share, or take more cores"
        )
    count = min(max(1, round(clustered / clusters.cores)), clustered // 2)
    lengths = 2 + rng.multinomial(clustered - 2 * count, np.full(count, 1.0 / count))
    members = rng.permutation(diameters.size)[:clustered]
    return _build_clusters(members, lengths, diameters, rng)


def _build_clusters(
    members: NDArray[np.int64], lengths: NDArray[np.int64], diameters: Floats, rng: np.random.Generator
) -> CoreGroups:
    """All clusters at once: their second cores, then their third ones, each in touch with any of those before it."""
    begins = np.cumsum(lengths) - lengths
    radii = 0.5 * diameters[members]
    places, hosts = np.zeros((members.size, 3)), np.arange(members.size)
    for position in range(1, int(lengths.max())):
        waiting = begins[lengths > position]
        while waiting.size:  # the outermost core has half a space free of others: a place is always found
            core, host = waiting + position, waiting + rng.integers(position, size=waiting.size)
            direction = rng.standard_normal((waiting.size, 3))
            direction /= np.linalg.norm(direction, axis=1, keepdims=True)
            places[core] = places[host] + (radii[core] + radii[host])[:, None] * direction
            hosts[core] = host
            free = np.ones(waiting.size, dtype=bool)
            for before in range(position):
                other = waiting + before
                way = np.linalg.norm(places[core] - places[other], axis=1)
                free &= (other == host) | (way >= radii[core] + radii[other])
            waiting = waiting[~free]
    return _blocks(members, np.repeat(begins, lengths), hosts, places, diameters.size)


def _blocks(
    members: NDArray[np.int64], begins: NDArray[np.int64], hosts: NDArray[np.int64], places: Floats, count: int
) -> CoreGroups:
    single = single_blocks(count)
    roots, offsets = single.roots, single.offsets
    roots[members], offsets[members] = members[begins], places
    hung = hosts != np.arange(members.size)
    _, first, block = np.unique(roots, return_index=True, return_inverse=True)
    ranks = np.empty(first.size, np.int32)
    ranks[np.argsort(first)] = np.arange(first.size)
    bonds = np.stack([members[hosts[hung]], members[hung]], axis=1)
    return CoreGroups(ranks[block], bonds, roots, offsets)
