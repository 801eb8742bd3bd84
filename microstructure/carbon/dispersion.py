"""How well the carbon is dispersed: aggregates each by themselves, or clumped in agglomerates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_lengths, check_number
from microstructure.carbon.aggregates import AggregateLibrary
from microstructure.carbon.sequence import Insertion


@dataclass(frozen=True)
class Dispersion:
    """Which share of the aggregates is placed independently, and what the agglomerates of the others are like.

    Agglomerates are spheres whose centres are uniform in the matrix; their aggregates lie within them, on matrix.

    Raises
    ------
    TypeError
        When an argument is not a number.
    ValueError
        When a share is outside [0, 1], `solid_share` not above 0, or the size not a positive length.

    Examples
    --------
    >>> Dispersion(0.5).agglomerate_size
    2e-06
    """

    share: float = field(default=1.0, metadata={"unit": "1", "what": "of the aggregates by number: independent"})
    agglomerate_size: float = field(default=2e-6, metadata={"unit": "m", "what": "diameter"})
    solid_share: float = field(
        default=0.25, metadata={"unit": "1", "what": "volume of carbon over that of the matrix in an agglomerate"}
    )

    def __post_init__(self) -> None:
        for name in ("share", "solid_share"):
            value = check_number(f"{name} of a Dispersion", getattr(self, name))
            if not 0.0 <= value <= 1.0 or (name == "solid_share" and value == 0.0):
                raise ValueError(f"{name} of a Dispersion lies in {'[' if name == 'share' else '('}0, 1], got {value}")
            object.__setattr__(self, name, value)
        check_lengths(agglomerate_size=self.agglomerate_size)
        object.__setattr__(self, "agglomerate_size", float(self.agglomerate_size))


def parse_dispersion(dispersion: Dispersion | float, box: NDArray[np.float64]) -> Dispersion:
    """A number is the share of independent aggregates; an agglomerate must be smaller than the box.

    Raises
    ------
    TypeError
        If it is neither a Dispersion nor a number.
    ValueError
        If it is out of range, or the agglomerates do not fit into the box.
    """
    if not isinstance(dispersion, Dispersion):
        if isinstance(dispersion, bool) or not isinstance(dispersion, (int, float, np.integer, np.floating)):
            raise TypeError(f"dispersion is a Dispersion, or a share from 0 to 1; got {dispersion!r}")
        if not 0.0 <= dispersion <= 1.0:
            raise ValueError(f"dispersion, a share of the aggregates, lies in [0, 1]; got {dispersion!r}")
        dispersion = Dispersion(float(dispersion))
    if dispersion.share < 1.0 and dispersion.agglomerate_size > box.min(initial=np.inf):
        raise ValueError(
            f"agglomerates of {dispersion.agglomerate_size * 1e9:.0f} nm need a box at least as wide; got"
            f" {box.min() * 1e9:.0f} nm: take a wider one, or a smaller agglomerate_size"
        )
    return dispersion


@dataclass(frozen=True)
class Spots:
    """Where aggregates are set down, and the coat each belongs to."""

    anchors: NDArray[np.float64]  # (m, 3) [m]
    coats: NDArray[np.int32]  # (m,)


class Clump(Protocol):
    """The matrix inside one agglomerate."""

    @property
    def volume(self) -> float:
        """Matrix in it [m3]."""
        ...

    def spread(self, draws: NDArray[np.float64], reaches: NDArray[np.float64]) -> Spots:
        """Uniform random spots in it, for aggregates that reach so far from their centres [m]."""
        ...


class Matter(Protocol):
    """Matrix that carbon can be spread in."""

    def spread(self, draws: NDArray[np.float64]) -> Spots:
        """Uniform random spots from (m, 4) random numbers."""
        ...

    def gather(self, draw: NDArray[np.float64], size: float) -> Clump:
        """An agglomerate of this diameter around a uniform random spot."""
        ...


class ClumpedPlaces:
    """Where the aggregates of an insertion sequence go, chunk after chunk: agglomerates are filled one by one."""

    def __init__(self, library: AggregateLibrary, matter: Matter, dispersion: Dispersion) -> None:
        self.library, self.matter, self.dispersion = library, matter, dispersion
        self.reaches = aggregate_reaches(library)
        self.clump: Clump | None = None
        self.missing = 0.0  # primaries that the open agglomerate still lacks

    def spots(self, chunk: Insertion) -> Spots:
        """The spot of every aggregate of the chunk."""
        spots = self.matter.spread(chunk.positions)
        members = np.flatnonzero(~chunk.independent)
        sizes = np.cumsum(self.library.sizes[chunk.shapes[members]])
        done = 0
        while done < len(members):
            clump = self._open(chunk.seeds[members[done]])
            before = sizes[done - 1] if done else 0
            last = int(np.searchsorted(sizes, before + self.missing)) + 1
            rows = members[done:last]
            inside = clump.spread(chunk.positions[rows], self.reaches[chunk.shapes[rows]])
            spots.anchors[rows], spots.coats[rows] = inside.anchors, inside.coats
            done = min(last, len(members))
            self.missing -= float(sizes[done - 1] - before)
        return spots

    def _open(self, seed: NDArray[np.float64]) -> Clump:
        if self.clump is None or self.missing <= 0.0:
            self.clump = self.matter.gather(seed, self.dispersion.agglomerate_size)
            self.missing = self.dispersion.solid_share * self.clump.volume / self.library.primary_volume
        return self.clump


def aggregate_reaches(library: AggregateLibrary) -> NDArray[np.float64]:
    """How far each aggregate of a library reaches from its centre [m], shape (count,)."""
    distances = np.linalg.norm(library.centres, axis=1)
    return np.maximum.reduceat(distances, library.start[:-1]) + library.radius
