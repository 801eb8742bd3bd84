"""Carbon black in place: its primaries, which aggregate each belongs to, and the order they were inserted in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from microstructure._placement import COMPRESS, CUT, bonds_of, place_bulk, place_flat
from microstructure.aggregates import AggregateLibrary
from microstructure.materials import known

FIT_MODES = {"reorient": COMPRESS, "compress": COMPRESS, "cut": CUT}
ORIENTATIONS = 8  # how many orientations "reorient" may choose from
CHUNK = 1024  # aggregates drawn at a time: fixed, so that a sequence does not depend on how much of it is used


@dataclass(frozen=True)
class Carbon:
    """The primaries of all aggregates, in the order of insertion."""

    centres: NDArray[np.float64] = field(repr=False, metadata={"unit": "m", "shape": "(n, 3)"})
    aggregate: NDArray[np.int32] = field(repr=False, metadata={"shape": "(n,)", "what": "rising from 0, as inserted"})
    bond: NDArray[np.int64] = field(
        repr=False, metadata={"shape": "(n,)", "what": "earlier primary it is fused to, or -1"}
    )
    coat: NDArray[np.int32] = field(repr=False, metadata={"shape": "(n,)", "what": "block that owns it, or -1"})
    diameter: float = field(metadata={"unit": "m"})
    fit: str
    left_out: float = field(
        default=0.0, metadata={"unit": "1", "what": "share of primaries cut off or without room, put elsewhere"}
    )

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
        place = np.empty(len(rows), np.int64)
        place[rows] = np.arange(len(rows))
        bond = self.bond[rows]
        return replace(
            self,
            centres=self.centres[rows],
            aggregate=turn[self.aggregate][rows].astype(np.int32),
            bond=np.where(bond < 0, -1, place[bond]),
            coat=self.coat[rows],
        )

    @property
    def volume(self) -> float:
        """Sum of the volumes of the primaries [m3]."""
        return self.count * math.pi / 6.0 * self.diameter**3

    def __repr__(self) -> str:
        aggregates = int(self.aggregate[-1]) + 1 if self.count else 0
        return f"Carbon({self.count} primaries of {self.diameter * 1e9:.0f} nm in {aggregates} aggregates, {self.fit})"


@dataclass(frozen=True)
class Insertion:
    """A chunk of the insertion sequence: where, what and how each aggregate is set, as bare random numbers."""

    positions: NDArray[np.float64]  # (m, 4) uniform in [0, 1)
    shapes: NDArray[np.int64]  # (m,) member of the library
    quaternions: NDArray[np.float64]  # (m, ORIENTATIONS, 4)


def insertion_sequence(library: AggregateLibrary, *, rng: np.random.Generator) -> Iterator[Insertion]:
    """An endless sequence of aggregates, the same for every geometry it is laid into."""
    while True:
        quaternions = rng.standard_normal((CHUNK, ORIENTATIONS, 4))
        quaternions /= np.linalg.norm(quaternions, axis=2, keepdims=True)
        yield Insertion(rng.random((CHUNK, 4)), library.draw(CHUNK, rng=rng), quaternions)


def fill_bulk(
    library: AggregateLibrary, *, box: tuple[float, float, float], volume: float, rng: np.random.Generator
) -> Carbon:
    """Carbon of an exact volume [m3], spread uniformly in a periodic box [m]."""

    def place(chunk: Insertion, rows: int) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int32]]:
        centres = np.empty((rows, 3))
        anchors = chunk.positions[:, :3] * box
        place_bulk(anchors, chunk.shapes, chunk.quaternions, library.start, library.centres, centres)
        return centres % np.array(box), np.ones(rows, bool), np.full(len(chunk.shapes), -1, np.int32)

    return fill(library, place, volume=volume, fit="reorient", rng=rng)


def fill_flat(
    library: AggregateLibrary,
    *,
    width: tuple[float, float],
    floor: float,
    ceiling: float,
    volume: float,
    fit: str = "reorient",
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
    fit : {"reorient", "compress", "cut"}
        How an aggregate taller than the coat is made to fit.
    """
    known(fit, FIT_MODES, "fit mode")
    tries = ORIENTATIONS if fit == "reorient" else 1
    ceiling = max(floor, ceiling)

    def place(chunk: Insertion, rows: int) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int32]]:
        centres, keep = np.empty((rows, 3)), np.empty(rows, bool)
        anchors = chunk.positions[:, :3] * (ceiling - floor, *width) + (floor, 0.0, 0.0)
        place_flat(
            anchors,
            chunk.shapes,
            chunk.quaternions,
            library.start,
            library.centres,
            floor,
            ceiling,
            FIT_MODES[fit],
            tries,
            centres,
            keep,
        )
        centres[:, 1:] %= np.array(width)
        return centres, keep, np.zeros(len(chunk.shapes), np.int32)

    return fill(library, place, volume=volume, fit=fit, rng=rng)


Place = Callable[[Insertion, int], tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int32]]]


def fill(library: AggregateLibrary, place: Place, *, volume: float, fit: str, rng: np.random.Generator) -> Carbon:
    """Lay the insertion sequence out with `place` until the primaries add up to `volume`, exact to one primary."""
    wanted = round(volume / library.primary_volume)
    parts: list[Carbon] = []
    found, seen, aggregates = 0, 0, 0
    sequence = insertion_sequence(library, rng=rng)
    while found < wanted:
        chunk = next(sequence)
        rows = int(library.sizes[chunk.shapes].sum())
        centres, keep, coats = place(chunk, rows)
        bond, aggregate = np.empty(rows, np.int64), np.empty(rows, np.int32)
        number = bonds_of(chunk.shapes, library.start, library.parent, keep, bond, aggregate)
        if number == 0:
            raise ValueError(
                "none of a thousand aggregates found room in the coat: take a thicker coat, or another fit than 'cut'"
            )
        bond, aggregate = bond[:number], aggregate[:number]
        part = Carbon(
            centres[keep],
            aggregate + aggregates,
            np.where(bond < 0, -1, bond + found),
            coats[aggregate],
            library.primary_diameter,
            fit,
        )
        parts.append(part)
        found, seen, aggregates = found + number, seen + rows, aggregates + len(chunk.shapes)
    return _joined(parts, wanted, 1.0 - found / seen if seen else 0.0, library.primary_diameter, fit)


def interleave(first: Carbon, second: Carbon) -> Carbon:
    """Two coats filled side by side: their aggregates in turn, so that both hold the same share at any time."""
    both = Carbon(
        np.concatenate([first.centres, second.centres]),
        np.concatenate([first.aggregate, second.aggregate + (first.aggregate[-1] + 1 if first.count else 0)]),
        np.concatenate([first.bond, np.where(second.bond < 0, -1, second.bond + first.count)]),
        np.repeat(np.array([0, 1], np.int32), [first.count, second.count]),
        first.diameter,
        first.fit,
        (first.left_out * first.count + second.left_out * second.count) / max(first.count + second.count, 1),
    )
    share = np.concatenate([np.arange(part.count) / max(part.count, 1) for part in (first, second)])
    beginnings = np.unique(both.aggregate, return_index=True)[1]
    turn = np.empty(len(beginnings), np.int64)
    turn[np.argsort(share[beginnings], kind="stable")] = np.arange(len(beginnings))
    return both.reordered(turn)


def _joined(parts: list[Carbon], wanted: int, left_out: float, diameter: float, fit: str) -> Carbon:
    if not parts:
        nothing = np.empty(0, np.int32)
        return Carbon(np.empty((0, 3)), nothing, np.empty(0, np.int64), nothing, diameter, fit)
    _, aggregate = np.unique(np.concatenate([part.aggregate for part in parts])[:wanted], return_inverse=True)
    return Carbon(
        np.concatenate([part.centres for part in parts])[:wanted],
        aggregate.astype(np.int32),
        np.concatenate([part.bond for part in parts])[:wanted],
        np.concatenate([part.coat for part in parts])[:wanted],
        diameter,
        fit,
        left_out,
    )
