"""Where carbon lies: in a periodic block of bulk matrix, or in a flat coat."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_name, check_number
from microstructure.carbon._compression import NECK
from microstructure.carbon._domains import FlatRoom
from microstructure.carbon._placement import COMPRESS, CUT, place_bulk, place_flat
from microstructure.carbon.aggregates import AggregateLibrary
from microstructure.carbon.dispersion import Clump, Matter, Spots
from microstructure.carbon.sequence import ORIENTATIONS, Insertion
from microstructure.threads import in_threads


class FitMode(NamedTuple):
    """What the kernel does with an aggregate, and how many orientations it may choose from."""

    kernel: int
    tries: int


FIT_MODES: Mapping[str, FitMode] = MappingProxyType(
    {
        "reorient": FitMode(COMPRESS, ORIENTATIONS),
        "compress": FitMode(COMPRESS, 1),
        "cut": FitMode(CUT, 1),
    }
)
AGGREGATES_A_PIECE = 64  # set down whole, which takes a microsecond: fewer are not worth another thread
MAX_OVERLAP = 0.1  # share of a diameter by which two primaries of one squeezed aggregate may overlap


@dataclass(frozen=True)
class FitRule:
    """How an aggregate larger than its room is made to fit."""

    name: str
    max_overlap: float

    @property
    def mode(self) -> int:
        """The kernel's number of it."""
        return fit_mode(self.name).kernel

    @property
    def tries(self) -> int:
        """How many orientations may be chosen from."""
        return fit_mode(self.name).tries


def fit_mode(name: str) -> FitMode:
    """The way of fitting of this name; a ValueError that brings the known ones if there is none."""
    return FIT_MODES[check_name("fit", name, FIT_MODES)]


def parse_fit(fit: str, max_overlap: float) -> FitRule:
    """Check a fit mode and the overlap it may reach inside an aggregate.

    Raises
    ------
    TypeError, ValueError
        If the mode is unknown, or `max_overlap` not a number of at least the precision of a neck and below 1.
    """
    fit_mode(fit)
    if not NECK <= check_number("max_overlap", max_overlap) < 1.0:
        raise ValueError(f"max_overlap lies in [{NECK}, 1): necks are kept to {NECK} of a diameter; got {max_overlap}")
    return FitRule(fit, float(max_overlap))


@dataclass(frozen=True)
class Placed:
    """A chunk of aggregates laid out: its primaries, which of them are kept, and the overlap inside each aggregate."""

    centres: NDArray[np.float64]
    keep: NDArray[np.bool_]
    overlaps: NDArray[np.float64]

    @classmethod
    def empty(cls, chunk: Insertion, rows: NDArray[np.int64]) -> Placed:
        """Arrays to be filled."""
        return cls(np.empty((rows[-1], 3)), np.ones(rows[-1], bool), np.zeros(len(chunk.shapes)))


class Room(Matter, Protocol):
    """Matrix that aggregates can be set into."""

    @property
    def box(self) -> NDArray[np.float64]:
        """Edges [m]."""
        ...

    @property
    def periodic(self) -> NDArray[np.bool_]:
        """Which axes are."""
        ...

    def place(self, library: AggregateLibrary, spots: Spots, chunk: Insertion, rows: NDArray[np.int64]) -> Placed:
        """Set aggregates down on their spots; aggregate k owns the rows from rows[k] to rows[k + 1]."""
        ...


@dataclass(frozen=True)
class Bulk:
    """A periodic block of matrix."""

    box: NDArray[np.float64]
    periodic: NDArray[np.bool_]

    def spread(self, draws: NDArray[np.float64]) -> Spots:
        """Uniform in the block."""
        return Spots(draws[:, :3] * self.box, np.full(len(draws), -1, np.int32))

    def gather(self, draw: NDArray[np.float64], size: float) -> Clump:
        """A sphere around a spot of it."""
        return Ball(draw[:3] * self.box, 0.5 * size, -math.inf, math.inf, (-math.inf, math.inf), -1)

    def place(self, library: AggregateLibrary, spots: Spots, chunk: Insertion, rows: NDArray[np.int64]) -> Placed:
        """Set aggregates down whole."""
        placed = Placed.empty(chunk, rows)
        in_threads(
            place_bulk,
            len(chunk.shapes),
            spots.anchors,
            chunk.shapes,
            chunk.quaternions,
            library.start,
            library.centres,
            rows,
            self.box,
            self.periodic,
            placed.centres,
            least=AGGREGATES_A_PIECE,
        )
        return placed


@dataclass(frozen=True)
class FlatCoat:
    """A flat coat on a core below, periodic in axes 1 and 2."""

    box: NDArray[np.float64]
    periodic: NDArray[np.bool_]
    floor: float
    ceiling: float
    fit: FitRule
    lid: float = 0.0  # a radius where a core lies above

    @property
    def top(self) -> float:
        """Highest centre of a primary [m]: one that stands out of a thin coat is at the floor."""
        return max(self.floor, self.ceiling)

    def spread(self, draws: NDArray[np.float64]) -> Spots:
        """Uniform between the lowest and the highest centre of a primary."""
        edges = (self.top - self.floor, self.box[1], self.box[2])
        return Spots(draws[:, :3] * edges + (self.floor, 0.0, 0.0), np.zeros(len(draws), np.int32))

    def gather(self, draw: NDArray[np.float64], size: float) -> Clump:
        """The part in the coat of a sphere around a spot of it."""
        centre = draw[:3] * (self.ceiling, self.box[1], self.box[2])
        return Ball(centre, 0.5 * size, self.floor, self.top, (0.0, self.ceiling), 0)

    def place(self, library: AggregateLibrary, spots: Spots, chunk: Insertion, rows: NDArray[np.int64]) -> Placed:
        """Set aggregates between floor and ceiling."""
        placed = Placed.empty(chunk, rows)
        in_threads(
            place_flat,
            len(chunk.shapes),
            spots.anchors,
            chunk.shapes,
            chunk.quaternions,
            library.start,
            library.centres,
            library.parent,
            rows,
            self.fit.mode,
            self.fit.tries,
            FlatRoom(self.floor, self.top, self.lid),
            np.array([library.primary_diameter, self.fit.max_overlap]),
            self.box,
            self.periodic,
            placed.centres,
            placed.keep,
            placed.overlaps,
        )
        return placed


@dataclass(frozen=True)
class Ball:
    """A sphere of matrix, or its part between two heights along axis 0."""

    centre: NDArray[np.float64]
    radius: float
    lowest: float  # of the spots [m]
    highest: float
    matrix: tuple[float, float]  # where the matrix begins and ends [m]
    coat: int

    @property
    def volume(self) -> float:
        """Matrix in it [m3]."""
        ends = np.clip(np.array(self.matrix) - self.centre[0], -self.radius, self.radius)
        return float(math.pi * np.diff(_primitive(ends, self.radius))[0])

    def spread(self, draws: NDArray[np.float64], reaches: NDArray[np.float64]) -> Spots:
        """Uniform among the spots from which an aggregate does not reach out of the sphere; its centre if none is."""
        radii = np.maximum(self.radius - reaches, 1e-3 * self.radius)
        low = _primitive(np.clip(self.lowest - self.centre[0], -radii, radii), radii)
        high = _primitive(np.clip(self.highest - self.centre[0], -radii, radii), radii)
        # the discs of a sphere up to height x hold pi (r^2 x - x^3 / 3): solved for x
        sine = np.clip(1.5 * (low + draws[:, 0] * (high - low)) / radii**3, -1.0, 1.0)
        heights = 2.0 * radii * np.sin(np.arcsin(sine) / 3.0)
        rings = np.sqrt(np.maximum(radii**2 - heights**2, 0.0) * draws[:, 1])
        angles = 2.0 * math.pi * draws[:, 2]
        offsets = np.stack([heights, rings * np.cos(angles), rings * np.sin(angles)], axis=1)
        anchors = self.centre + offsets
        anchors[:, 0] = np.clip(anchors[:, 0], self.lowest, self.highest)
        return Spots(anchors, np.full(len(draws), self.coat, np.int32))


def _primitive(heights: NDArray[np.float64], radius: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return radius**2 * heights - heights**3 / 3.0
