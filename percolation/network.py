"""The network of carbon primaries: who is fused to whom, and who touches whom."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from microstructure.carbon import Carbon
from percolation._network import cell_lists, count_links, write_links

TOUCH = 1e-3  # of a primary's radius: what counts as zero distance after rounding


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
    ValueError
        If the gap is negative or not finite, or zero between hard aggregates, or a periodic edge is shorter than three
        reaches.
    """
    if not (math.isfinite(contact_gap) and contact_gap >= 0.0):
        raise ValueError(f"contact_gap is a length of zero or more in m; got {contact_gap!r}")
    if carbon.hard and contact_gap == 0.0:
        raise ValueError(
            "hard aggregates never touch: give the contact_gap above 0 in m across which two of them are joined"
        )
    reach = carbon.diameter + contact_gap
    cells = np.array([max(1, min(int(edge / reach), 2048)) for edge in box], np.int64)
    for axis in range(3):
        if periodic[axis] and cells[axis] < 3:
            raise ValueError(
                f"a periodic edge must be at least three primaries long ({3e9 * reach:.0f} nm);"
                f" axis {axis} has {box[axis] * 1e9:.0f} nm"
            )
    edges, sides = np.asarray(box, float), np.asarray(periodic)
    carbon = _cut_at_free_sides(carbon, edges, sides)
    start, members = np.zeros(int(np.prod(cells)) + 1, np.int64), np.empty(carbon.count, np.int64)
    cell_lists(carbon.centres, edges, cells, start, members)
    shared = (carbon.centres, carbon.aggregate, carbon.bond, edges, sides, reach, cells, start, members)
    counts = np.zeros(carbon.count, np.int64)
    count_links(*shared, counts)
    first = np.concatenate([[0], np.cumsum(counts)])
    earlier = np.empty(first[-1], np.int64)
    write_links(*shared, first, earlier)
    return CarbonNetwork(first, earlier, carbon, box, periodic, contact_gap)


def _cut_at_free_sides(carbon: Carbon, box: NDArray[np.float64], periodic: NDArray[np.bool_]) -> Carbon:
    """Carbon was filled into a periodic box: where a side is free now, a neck through it is no neck."""
    stretch = np.abs(carbon.centres - carbon.centres[carbon.bond])
    through = (carbon.bond >= 0) & np.any(~periodic & (stretch > 0.5 * box), axis=1)
    return replace(carbon, bond=np.where(through, -1, carbon.bond)) if through.any() else carbon
