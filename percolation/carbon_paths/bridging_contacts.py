"""Contacts through the outer face of a coat that would each bridge their window if they alone carried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from percolation.carbon_paths._network import gather_touches, join_inside
from percolation.carbon_paths.coat_case import LOWER, UPPER, CoatCase
from percolation.carbon_paths.network import CarbonNetwork
from percolation.carbon_paths.outer_contacts import BODY, seam_links, without_links

ROUNDING = 1.0 + 1e-9


def cut_windows(network: CarbonNetwork, coat: CoatCase, side: float) -> tuple[NDArray[np.int64], int]:
    """The square window of this side [m] that each primary lies in, and how many there are.

    Only whole windows count; what is left of the patch has the number after the last one.
    """
    edge = int(coat.width / side * ROUNDING)
    place = (network.carbon.centres[:, 1:] / (side * ROUNDING)).astype(np.int64)
    return np.where((place < edge).all(axis=1), place @ (edge, 1), edge * edge), edge * edge


def count_bridging(
    network: CarbonNetwork, coat: CoatCase, sides: Sequence[float], shares: NDArray[np.float64]
) -> list[NDArray[np.int64]]:
    """Contacts of each window that join carbon on one core to carbon on the other one, or on the wall.

    Inside a coat all carbon is joined that touches. A window is then open with the probability (1 - s)^K if a share s
    of its K contacts carries, since each of them alone bridges it; paths through three contacts or more, over carbon
    that stands on neither core, come on top: they are fewer by the square of s.

    Parameters
    ----------
    network : CarbonNetwork
        Of a patch, all contacts in it.
    coat : CoatCase
    sides : sequence of float
        Of the windows [m].
    shares : float64 (contents,)
        Of the box that carbon takes, rising.

    Returns
    -------
    list of int64 (contents, windows)
        One for each side.
    """
    faces, foreign = coat.faces(network.carbon), coat.foreign(network.carbon)
    found, crossing = find_outer_contacts(network, faces & foreign), seam_links(network)
    filled = network.complete * (coat.library.primary_volume / (coat.height * coat.width**2))
    inserted = np.searchsorted(filled, shares * ROUNDING, side="right").tolist()
    counts = []
    for side in sides:
        window, number = cut_windows(network, coat, side)
        inside = window[found.one] == window[found.other]
        within = OuterContacts(*(part[inside] for part in found))
        joined = _joined_touches(network, crossing, faces & ~foreign, window, inserted)
        rows = [_bridging_in(within, window, count, *one, number) for count, one in zip(inserted, joined, strict=True)]
        counts.append(np.array(rows, np.int64).reshape(len(shares), number))
    return counts


def _joined_touches(
    network: CarbonNetwork,
    crossing: NDArray[np.bool_],
    own: NDArray[np.uint8],
    window: NDArray[np.int64],
    inserted: Sequence[int],
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
    """Root of each primary, and at each root what its cluster inside one coat and window touches, as carbon comes in.

    The same two arrays every time: the last state is overwritten.
    """
    count, done = network.carbon.count, 0
    parent, size = np.arange(count), np.ones(count, np.int64)
    root, touched = np.empty(count, np.int64), np.empty(count, np.uint8)
    for end in inserted:
        join_inside(network.first, network.earlier, crossing, window, done, end, parent, size)
        gather_touches(own, end, parent, root, touched)
        done = end
        yield root, touched


def _bridging_in(
    found: OuterContacts,
    window: NDArray[np.int64],
    inserted: int,
    root: NDArray[np.int64],
    touched: NDArray[np.uint8],
    number: int,
) -> NDArray[np.int64]:
    """How many contacts of each window bridge it when so many primaries are in."""
    there = np.flatnonzero(np.maximum(found.one, found.other) < inserted)
    cores = touched[root[found.one[there]]] | touched[root[found.other[there]]]
    beyond = found.second[there] == BODY
    bridging = there[np.where(beyond, cores != 0, cores == (LOWER | UPPER))]
    codes = np.stack([window[found.one[bridging]], found.first[bridging], found.second[bridging]], axis=1)
    return np.bincount(np.unique(codes, axis=0)[:, 0], minlength=number + 1)[:number]


def count_contacts(network: CarbonNetwork, coat: CoatCase) -> int:
    """How many contacts of the outer face a patch has, whatever they join."""
    found = find_outer_contacts(network, coat.faces(network.carbon) & coat.foreign(network.carbon))
    return len(np.unique(np.stack([found.first, found.second], axis=1), axis=0))


def single_bridges(
    network: CarbonNetwork, coat: CoatCase, most: int, *, rng: np.random.Generator
) -> Iterator[tuple[CarbonNetwork, NDArray[np.uint8]]]:
    """Some of the contacts of a patch that bridge it, each as if it alone carried: its network and its faces."""
    carbon, faces, foreign = network.carbon, coat.faces(network.carbon), coat.foreign(network.carbon)
    found, crossing, own = find_outer_contacts(network, faces & foreign), seam_links(network), faces & ~foreign
    parent, size = np.arange(carbon.count), np.ones(carbon.count, np.int64)
    root, touched = np.empty(carbon.count, np.int64), np.empty(carbon.count, np.uint8)
    everywhere = np.zeros(carbon.count, np.int64)
    join_inside(network.first, network.earlier, crossing, everywhere, 0, carbon.count, parent, size)
    gather_touches(own, carbon.count, parent, root, touched)
    cores = touched[root[found.one]] | touched[root[found.other]]
    bridging = np.where(found.second == BODY, cores != 0, cores == (LOWER | UPPER))
    codes = np.stack([found.first, found.second], axis=1)
    contacts = np.unique(codes[bridging], axis=0)
    inner = without_links(network, crossing)
    for number in rng.permutation(len(contacts))[:most]:
        chosen = np.all(codes == contacts[number], axis=1)
        through, beyond = chosen[: int(crossing.sum())], found.one[chosen & (found.second == BODY)]
        closed = crossing.copy()
        closed[np.flatnonzero(crossing)[through]] = False
        alone = own.copy()
        alone[beyond] |= (faces & foreign)[beyond]
        yield without_links(network, closed) if through.any() else inner, alone


class OuterContacts(NamedTuple):
    """Links and touches through the outer face: several of them may be one contact."""

    one: NDArray[np.int64]  # primary
    other: NDArray[np.int64]  # primary that it links to; itself where it touches the body beyond
    first: NDArray[np.int64]  # of the contact: the lower aggregate
    second: NDArray[np.int64]  # the higher aggregate, or `BODY`


def find_outer_contacts(network: CarbonNetwork, touches: NDArray[np.uint8]) -> OuterContacts:
    """All links between two blocks, and the primaries that touch the body beyond the outer face."""
    crossing, aggregate = seam_links(network), network.carbon.aggregate.astype(np.int64)
    one, other, beyond = network.later[crossing], network.earlier[crossing], np.flatnonzero(touches)
    first, second = np.minimum(aggregate[one], aggregate[other]), np.maximum(aggregate[one], aggregate[other])
    return OuterContacts(
        np.concatenate([one, beyond]),
        np.concatenate([other, beyond]),
        np.concatenate([first, aggregate[beyond]]),
        np.concatenate([second, np.full(len(beyond), BODY)]),
    )
