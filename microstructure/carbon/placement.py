"""Carbon black in place: its primaries, which aggregate each belongs to, and the order they were inserted in."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import (
    check_edges,
    check_kind,
    check_lengths,
    check_number,
    check_rng,
    check_room,
)
from microstructure.carbon._acceptance import KEPT, PRIMARIES, REFUSED, SEEN, HashedCells, Shelf, insert
from microstructure.carbon.aggregates import AggregateLibrary
from microstructure.carbon.dispersion import ClumpedPlaces, Dispersion, parse_dispersion
from microstructure.carbon.domains import FIT_MODES, MAX_OVERLAP, Bulk, FlatCoat, Room, parse_fit
from microstructure.carbon.sequence import CHUNK, HARD_CHUNK, Waiting, insertion_sequence
from microstructure.errors import PackingError

__all__ = ["FIT_MODES", "MAX_OVERLAP", "Carbon", "CarbonOptions", "fill", "fill_bulk", "fill_flat", "interleave"]

SPARE = 1.1  # aggregates laid out over those expected to be needed
BYTES_A_PRIMARY = 100.0  # laid out and linked
MOST_REFUSED = 20_000  # tries in a row that find no place among hard aggregates before the box counts as full


@dataclass(frozen=True)
class Carbon:
    """The primaries of all aggregates, in the order of insertion."""

    centres: NDArray[np.float64] = field(repr=False, metadata={"unit": "m", "shape": "(n, 3)"})
    aggregate: NDArray[np.int32] = field(repr=False, metadata={"shape": "(n,)", "what": "rising from 0, as inserted"})
    bond: NDArray[np.signedinteger] = field(
        repr=False, metadata={"shape": "(n,)", "what": "earlier primary it is fused to, or -1"}
    )
    coat: NDArray[np.int32] = field(repr=False, metadata={"shape": "(n,)", "what": "block that owns it, or -1"})
    diameter: float = field(metadata={"unit": "m"})
    fit: str
    left_out: float = field(
        default=0.0, metadata={"unit": "1", "what": "share of primaries cut off or without room, put elsewhere"}
    )
    overlap: float = field(
        default=0.0, metadata={"unit": "1", "what": "largest overlap inside an aggregate, over a diameter"}
    )
    hard: bool = field(default=False, metadata={"what": "whether no two aggregates overlap"})

    @property
    def count(self) -> int:
        """Number of primaries."""
        return len(self.centres)

    @property
    def order(self) -> NDArray[np.int32]:
        """When each primary was inserted: the number of its aggregate, shape (n,)."""
        return self.aggregate

    def reordered(self, turn: NDArray[np.int64]) -> Carbon:
        """The same carbon, with aggregate k inserted as number `turn[k]`."""
        rows = np.argsort(turn[self.aggregate], kind="stable")
        place = np.empty(len(rows), self.bond.dtype)
        place[rows] = np.arange(len(rows), dtype=self.bond.dtype)
        bond = self.bond[rows]
        return replace(
            self,
            centres=self.centres[rows],
            aggregate=turn[self.aggregate][rows].astype(np.int32),
            bond=np.where(bond < 0, self.bond.dtype.type(-1), place[bond]),
            coat=self.coat[rows],
        )

    @property
    def volume(self) -> float:
        """Sum of the volumes of the primaries [m3]."""
        return self.count * math.pi / 6.0 * self.diameter**3

    def __repr__(self) -> str:
        aggregates = int(self.aggregate[-1]) + 1 if self.count else 0
        hard = ", hard" if self.hard else ""
        size = f"{self.diameter * 1e9:.0f} nm"
        return f"Carbon({self.count} primaries of {size} in {aggregates} aggregates, {self.fit}{hard})"


class CarbonOptions(TypedDict, total=False):
    """How carbon lies in a coat, as `fill_flat` and `fill_coats` take it."""

    fit: str
    max_overlap: float
    hard: bool
    dispersion: Dispersion | float
    protrusion: float | None


def fill_bulk(
    library: AggregateLibrary,
    *,
    box: tuple[float, float, float],
    volume: float,
    hard: bool = False,
    dispersion: Dispersion | float = 1.0,
    rng: np.random.Generator,
) -> Carbon:
    """Carbon of an exact volume [m3], spread uniformly in a periodic box [m].

    Parameters
    ----------
    hard : bool
        Refuse aggregates that overlap another one, and try them elsewhere.
    dispersion : Dispersion or float
        A number is the share of the aggregates that are placed independently, the others come in agglomerates.

    Raises
    ------
    PackingError
        If no more hard aggregates fit; `best` holds the carbon so far.

    Examples
    --------
    >>> from microstructure.carbon.aggregates import build_library
    >>> rng = np.random.default_rng(1)
    >>> carbon = fill_bulk(build_library(rng=rng, count=20), box=(1e-6,) * 3, volume=0.03e-18, rng=rng)
    >>> round(carbon.volume * 1e18, 3)
    0.03
    """
    room = Bulk(np.array(check_edges("box", box)), np.ones(3, bool))
    return fill(library, room, volume=volume, fit="reorient", hard=hard, dispersion=dispersion, rng=rng)


def fill_flat(
    library: AggregateLibrary,
    *,
    width: tuple[float, float],
    floor: float,
    ceiling: float,
    core_above: bool = False,
    volume: float,
    fit: str = "reorient",
    max_overlap: float = MAX_OVERLAP,
    hard: bool = False,
    dispersion: Dispersion | float = 1.0,
    rng: np.random.Generator,
) -> Carbon:
    """Carbon of an exact volume [m3] in a flat coat on a core below, periodic in axes 1 and 2.

    Parameters
    ----------
    width : two floats
        Edges of the coat along axes 1 and 2 [m].
    floor, ceiling : float
        Lowest and highest centre of a primary along axis 0 [m]; a coat thinner than a primary has both at the
        primary's radius, and the carbon stands out of it.
    core_above : bool
        Whether a second core ends the coat, a radius above the ceiling; by default its outer face is free. Then "cut"
        presses onto that core what reaches into it by less than a radius, as it does below.
    fit : {"reorient", "compress", "cut"}
        How an aggregate taller than the coat is made to fit: the first two squeeze it, "reorient" in the best of
        eight orientations.
    max_overlap : float
        Share of a diameter by which two primaries of one squeezed aggregate may overlap. ("cut" lifts some onto the
        core; there they may overlap by half.)
    hard, dispersion
        As for `fill_bulk`.

    Raises
    ------
    PackingError
        If no more hard aggregates fit; `best` holds the carbon so far.
    """
    check_kind("library", library, AggregateLibrary)
    floor, ceiling = check_lengths(floor=floor, ceiling=ceiling)
    box = np.array([max(floor, ceiling) + floor, *check_edges("width", width, "yz")])
    lid = library.radius if check_kind("core_above", core_above, bool) else 0.0
    room = FlatCoat(box, np.array([False, True, True]), floor, ceiling, parse_fit(fit, max_overlap), lid)
    return fill(library, room, volume=volume, fit=fit, hard=hard, dispersion=dispersion, rng=rng)


def fill(
    library: AggregateLibrary,
    room: Room,
    *,
    volume: float,
    fit: str,
    hard: bool,
    dispersion: Dispersion | float,
    rng: np.random.Generator,
) -> Carbon:
    """Set the insertion sequence into a room until the primaries add up to `volume`, exact to one primary."""
    check_kind("library", library, AggregateLibrary)
    hard = check_kind("hard", hard, bool)
    dispersion = parse_dispersion(dispersion, room.box[room.periodic])
    wanted = _primaries(volume, library)
    shelf, grid = _shelf(wanted), _grid(library, room, wanted if hard else 0)
    scatter, waiting, overlap = ClumpedPlaces(library, room, dispersion), Waiting(), 0.0
    size = HARD_CHUNK if hard else _at_a_time(wanted, library)
    sequence = insertion_sequence(library, independent=dispersion.share, at_a_time=size, rng=check_rng(rng))
    while shelf.tally[PRIMARIES] < wanted and shelf.tally[REFUSED] < MOST_REFUSED:
        chunk = waiting.first(next(sequence))
        rows = np.concatenate([[0], np.cumsum(library.sizes[chunk.shapes])])
        spots, refused = scatter.spots(chunk), np.zeros(len(chunk.shapes), bool)
        placed = room.place(library, spots, chunk, rows)
        laid = (chunk.shapes, rows, library.start, library.parent, spots.coats, placed.centres, placed.keep)
        insert(*laid, shelf, grid, MOST_REFUSED, refused)
        _require_progress(shelf)
        waiting.back(chunk, refused)
        overlap = max(overlap, float(placed.overlaps[~refused].max(initial=0.0)))
    return _finished(shelf, wanted, library.primary_diameter, fit, hard, overlap)


def _at_a_time(wanted: int, library: AggregateLibrary) -> int:
    """Aggregates laid out together: about those that are wanted, since squeezing costs more than all else."""
    mean = library.count / float(np.sum(1.0 / library.sizes))  # primaries of an aggregate as `draw` picks them
    return min(CHUNK, 1 + round(SPARE * wanted / mean))


def interleave(first: Carbon, second: Carbon) -> Carbon:
    """Two coats filled side by side: their aggregates in turn, so that both hold the same share at any time."""
    count = first.count + second.count
    index = np.dtype(np.int32 if count < 2**31 else np.int64)
    bonds = second.bond.astype(index)
    bonds[bonds >= 0] += first.count
    both = Carbon(
        np.concatenate([first.centres, second.centres]),
        np.concatenate([first.aggregate, second.aggregate + (first.aggregate[-1] + 1 if first.count else 0)]),
        np.concatenate([first.bond.astype(index), bonds]),
        np.repeat(np.array([0, 1], np.int32), [first.count, second.count]),
        first.diameter,
        first.fit,
        (first.left_out * first.count + second.left_out * second.count) / max(count, 1),
        max(first.overlap, second.overlap),
        first.hard and second.hard,
    )
    share = np.concatenate([np.arange(part.count) / max(part.count, 1) for part in (first, second)])
    beginnings = np.flatnonzero(np.diff(both.aggregate, prepend=-1))
    turn = np.empty(len(beginnings), np.int64)
    turn[np.argsort(share[beginnings], kind="stable")] = np.arange(len(beginnings))
    return both.reordered(turn)


def _primaries(volume: float, library: AggregateLibrary) -> int:
    number = check_number("volume", volume)
    if not (math.isfinite(number) and number >= 0.0):
        raise ValueError(f"volume is a volume of carbon of zero or more in m3; got {volume!r}")
    count = number / library.primary_volume
    check_room("primaries of carbon", count, BYTES_A_PRIMARY, "take a smaller box or patch, or less carbon")
    return round(count)


def _shelf(wanted: int) -> Shelf:
    names = np.empty(wanted, np.int32), np.empty(wanted, np.int32 if wanted < 2**31 else np.int64)
    return Shelf(np.empty((wanted, 3)), *names, np.empty(wanted, np.int32), np.zeros(5, np.int64))


def _grid(library: AggregateLibrary, room: Room, wanted: int) -> HashedCells:
    """Lists for `wanted` hard primaries, none if that is zero."""
    lists = 2 ** math.ceil(math.log2(2 * wanted)) if wanted else 0
    cells = np.maximum(1, (room.box / library.primary_diameter).astype(np.int64))
    following = np.empty(wanted, np.int64)
    return HashedCells(
        np.full(lists, -1, np.int64), following, cells, room.box, room.periodic, library.primary_diameter
    )


def _require_progress(shelf: Shelf) -> None:
    if shelf.tally[SEEN] > 0 and shelf.tally[KEPT] == 0:
        raise ValueError(
            "none of a thousand aggregates found room in the coat: take a thicker coat, or another fit than 'cut'"
        )


def _finished(shelf: Shelf, wanted: int, diameter: float, fit: str, hard: bool, overlap: float) -> Carbon:
    reached, seen = int(shelf.tally[PRIMARIES]), int(shelf.tally[SEEN])
    left_out = 1.0 - int(shelf.tally[KEPT]) / seen if seen else 0.0
    carbon = Carbon(
        shelf.centres[:reached],
        shelf.aggregate[:reached],
        shelf.bond[:reached],
        shelf.coat[:reached],
        diameter,
        fit,
        left_out,
        overlap,
        hard,
    )
    if reached < wanted:
        raise PackingError(
            f"hard aggregates found no place {MOST_REFUSED} times in a row at {reached} of {wanted} primaries"
            f" ({reached / wanted:.1%}): take less carbon, or hard=False",
            best=carbon,
        )
    return carbon
