"""The network of carbon primaries: who is fused to whom, and who touches whom."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_edges, check_gap, check_kind
from microstructure.carbon.placement import Carbon
from microstructure.threads import in_threads
from percolation.carbon_paths._network import count_links, fill_rows, find_contacts, sort_rows, write_links
from percolation.lattice_arguments import parse_periodic

BOTH = np.uint8(3)  # faces that a cluster touches: bit 1 for the lower, bit 2 for the upper
TOUCH = 1e-3  # of a primary's radius: what counts as zero distance after rounding
MOST_CELLS = 2048  # along an edge
SHARES = 64  # of the rows, searched side by side
ROWS_A_PIECE = 256  # fewer are not worth another thread to sort them
MOST_GAP = 10.0  # diameters of a primary: beyond, each would touch a thousand others
ROOM = 3  # contacts a primary there is room for at first; where there are more the search is done again


@dataclass(frozen=True, eq=False)
class CarbonNetwork:
    """Links between primaries, each noted at the later of the two: a list that grows as carbon is inserted."""

    first: NDArray[np.int64] = field(
        repr=False, metadata={"shape": "(n + 1,)", "what": "where a primary's links begin"}
    )
    earlier: NDArray[np.int64] = field(repr=False, metadata={"shape": "(links,)", "what": "the primary it links to"})
    carbon: Carbon
    box: tuple[float, float, float] = field(metadata={"unit": "m"})
    periodic: tuple[bool, bool, bool]
    contact_gap: float = field(metadata={"unit": "m"})

    @property
    def later(self) -> NDArray[np.int64]:
        """The primary at which each link is noted, shape (links,)."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))

    @property
    def links(self) -> NDArray[np.int64]:
        """The later and the earlier primary of each link, shape (links, 2)."""
        return np.stack([self.later, self.earlier], axis=1)

    @property
    def necks(self) -> NDArray[np.bool_]:
        """Whether each link is a fused neck inside an aggregate (else a contact between two), shape (links,)."""
        return self.carbon.bond[self.later] == self.earlier

    @property
    def displacements(self) -> NDArray[np.float64]:
        """Vector from the later to the nearest image of the earlier primary [m], shape (links, 3)."""
        box = np.asarray(self.box)
        vectors = self.carbon.centres[self.earlier] - self.carbon.centres[self.later]
        return vectors - np.where(self.periodic, box * np.rint(vectors / box), 0.0)

    @property
    def complete(self) -> NDArray[np.int64]:
        """For each primary, how many are in once its aggregate is complete, shape (n,)."""
        aggregate = self.carbon.aggregate
        return np.searchsorted(aggregate, aggregate, side="right")


def link_carbon(
    carbon: Carbon,
    *,
    box: tuple[float, float, float],
    periodic: tuple[bool, bool, bool],
    contact_gap: float = 0.0,
) -> CarbonNetwork:
    """Find all necks and contacts between primaries.

    Parameters
    ----------
    carbon : Carbon
    box : three floats
        Edges [m].
    periodic : three bools
    contact_gap : float
        Primaries of two aggregates are joined when the gap between their surfaces is at most this [m].

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If the gap is negative, not finite or wider than ten primaries, or zero between hard aggregates, or a periodic
        edge is shorter than three reaches.

    Notes
    -----
    Time and memory are linear in the number of primaries: 50 bytes each at the peak of the search and 8 for each
    contact found, and what is kept has 8 bytes for each primary and each link. The links are the same for any
    number of threads.
    """
    check_kind("carbon", carbon, Carbon)
    periodic = parse_periodic(periodic)
    check_edges("box", box)
    check_contact_gap(contact_gap, carbon.diameter)
    if carbon.hard and contact_gap == 0.0:
        raise ValueError(
            "hard aggregates never touch: give the contact_gap above 0 in m across which two of them are joined"
        )
    reach = carbon.diameter + contact_gap
    for axis in range(3):
        if periodic[axis] and int(box[axis] / reach) < 3:
            raise ValueError(
                f"a periodic edge must be at least three primaries long ({3e9 * reach:.0f} nm);"
                f" axis {axis} has {box[axis] * 1e9:.0f} nm"
            )
    edges, sides = np.asarray(box, float), np.asarray(periodic)
    carbon = _cut_at_free_sides(carbon, edges, sides)
    contacts = _find_contacts(carbon, edges, sides, reach)
    counts, first = np.empty(carbon.count, np.int32), np.empty(carbon.count + 1, np.int64)
    count_links(carbon.bond, *contacts, counts, first)
    earlier = np.empty(first[-1], np.int64)
    write_links(carbon.bond, *contacts, counts, first, earlier)
    return CarbonNetwork(first, earlier, carbon, box, periodic, contact_gap)


def check_contact_gap(contact_gap: object, diameter: float) -> float:
    """A gap of zero or more [m], no wider than a few primaries of this diameter [m]."""
    gap = check_gap("contact_gap", contact_gap)
    if gap > MOST_GAP * diameter:
        raise ValueError(
            f"contact_gap is {MOST_GAP:g} primaries of {diameter:.3g} m at most; got {contact_gap!r} m: electrons cross"
            " some nanometres, check the units"
        )
    return gap


class _Contacts(NamedTuple):
    """Contacts in no order that matters, found share by share."""

    pairs: NDArray[np.int32]  # later and earlier primary
    room: NDArray[np.int64]  # where each share of the pairs begins
    found: NDArray[np.int64]  # how many pairs each share has


def _find_contacts(carbon: Carbon, box: NDArray[np.float64], periodic: NDArray[np.bool_], reach: float) -> _Contacts:
    """All contacts between primaries of two aggregates, searched in rows of cells one reach wide."""
    rows = np.array([max(1, min(int(edge / reach), MOST_CELLS)) for edge in box[:2]], np.int64)
    start, order = np.zeros(rows.prod() + 1, np.int64), np.empty(carbon.count, np.int32)
    places, owner = np.empty((carbon.count, 3)), np.empty(carbon.count, np.int32)
    fill_rows(carbon.centres, box, rows, start, order)
    in_threads(
        sort_rows, len(start) - 1, carbon.centres, carbon.aggregate, start, order, places, owner, least=ROWS_A_PIECE
    )
    bounds = np.searchsorted(start, np.linspace(0, carbon.count, SHARES + 1), side="left")
    bounds[0], bounds[-1] = 0, len(start) - 1
    room, found = ROOM * start[bounds], np.zeros(SHARES, np.int64)
    while True:
        pairs = np.empty((room[-1], 2), np.int32)  # what stays empty of it costs no memory
        shares = bounds, box, periodic, rows, reach, start, order, places, owner, pairs, room, found
        in_threads(find_contacts, SHARES, *shares)
        if np.all(found <= np.diff(room)):
            return _Contacts(pairs, room, found)
        room = np.concatenate([[0], np.cumsum(found)])


def _cut_at_free_sides(carbon: Carbon, box: NDArray[np.float64], periodic: NDArray[np.bool_]) -> Carbon:
    """Carbon was filled into a periodic box: where a side is free now, a neck through it is no neck."""
    through = np.zeros(carbon.count, np.bool_)
    for axis in np.flatnonzero(~periodic):
        heights = carbon.centres[:, axis]
        through |= np.abs(heights - heights[carbon.bond]) > 0.5 * box[axis]
    through &= carbon.bond >= 0
    return replace(carbon, bond=np.where(through, -1, carbon.bond)) if through.any() else carbon
