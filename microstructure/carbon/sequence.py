"""The insertion sequence: which aggregate comes next, turned how and put where, as random numbers of any geometry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from microstructure.carbon.aggregates import AggregateLibrary

ORIENTATIONS = 8  # how many orientations "reorient" may choose from
CHUNK = 1024  # aggregates drawn at a time: fixed, so that a sequence does not depend on how much of it is used
HARD_CHUNK = 16  # hard ones tried at a time: so few can wait while smaller ones find a place


@dataclass(frozen=True)
class Insertion:
    """A chunk of the insertion sequence: where, what and how each aggregate is set, as bare random numbers."""

    positions: NDArray[np.float64]  # (m, 4) uniform in [0, 1)
    shapes: NDArray[np.int64]  # (m,) member of the library
    quaternions: NDArray[np.float64]  # (m, ORIENTATIONS, 4)
    independent: NDArray[np.bool_]  # (m,) False for members of agglomerates
    seeds: NDArray[np.float64]  # (m, 4) uniform in [0, 1): where an agglomerate begins with it, if one does

    def split(self, size: int) -> Iterator[Insertion]:
        """The same in smaller chunks."""
        for first in range(0, len(self.shapes), size):
            own = slice(first, first + size)
            yield Insertion(
                self.positions[own], self.shapes[own], self.quaternions[own], self.independent[own], self.seeds[own]
            )


def insertion_sequence(
    library: AggregateLibrary, *, independent: float = 1.0, at_a_time: int = CHUNK, rng: np.random.Generator
) -> Iterator[Insertion]:
    """An endless sequence of aggregates, the same for every geometry it is laid into.

    `independent` is the share of aggregates that belong to no agglomerate.
    """
    alone, nowhere = np.ones(CHUNK, bool), np.empty((CHUNK, 4))
    while True:
        quaternions = rng.standard_normal((CHUNK, ORIENTATIONS, 4))
        quaternions /= np.linalg.norm(quaternions, axis=2, keepdims=True)
        positions, shapes = rng.random((CHUNK, 4)), library.draw(CHUNK, rng=rng)
        if independent < 1.0:
            alone, nowhere = rng.random(CHUNK) < independent, rng.random((CHUNK, 4))
        yield from Insertion(positions, shapes, quaternions, alone, nowhere).split(at_a_time)


class Waiting:
    """Aggregates in line: one that was refused is tried elsewhere before new ones are, so that none are favoured."""

    def __init__(self) -> None:
        self.shapes, self.independent = np.empty(0, np.int64), np.empty(0, bool)

    def first(self, chunk: Insertion) -> Insertion:
        """The chunk's places, for those in line; the rest of the places is for its own aggregates."""
        new = len(chunk.shapes) - len(self.shapes)
        shapes = np.concatenate([self.shapes, chunk.shapes[:new]])
        return replace(chunk, shapes=shapes, independent=np.concatenate([self.independent, chunk.independent[:new]]))

    def back(self, chunk: Insertion, refused: NDArray[np.bool_]) -> None:
        """These wait for the next places."""
        self.shapes, self.independent = chunk.shapes[refused], chunk.independent[refused]
