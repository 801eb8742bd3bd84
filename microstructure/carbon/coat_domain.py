"""Carbon in the coats of packed cores: every aggregate set into the matrix of one block."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_kind, check_lengths
from microstructure.carbon._coat_domain import count_matrix, find_matrix, place_curved, points_in_coats
from microstructure.carbon.aggregates import AggregateLibrary
from microstructure.carbon.dispersion import Clump, Dispersion, Spots, aggregate_reaches
from microstructure.carbon.domains import MAX_OVERLAP, FitRule, Placed, parse_fit
from microstructure.carbon.placement import Carbon, fill
from microstructure.carbon.sequence import Insertion
from microstructure.coats._coating import Cores, Film
from microstructure.coats.coating import Coats
from microstructure.coats.outer_face import OuterFace
from microstructure.cores.sphere_packing import Packing
from microstructure.threads import in_threads

POINTS_A_PIECE = 64  # fewer are not worth another thread


def fill_coats(
    library: AggregateLibrary,
    packing: Packing,
    near: Cores,
    labels: NDArray[np.uint8],
    owner: NDArray[np.signedinteger],
    coats: Coats,
    *,
    voxel_size: float,
    volume: float,
    fit: str = "reorient",
    max_overlap: float = MAX_OVERLAP,
    hard: bool = False,
    dispersion: Dispersion | float = 1.0,
    protrusion: float | None = None,
    rng: np.random.Generator,
) -> Carbon:
    """Carbon of an exact volume [m3], spread uniformly over the matrix voxels of packed, coated cores.

    Each aggregate keeps to the coat of the core nearest to where it was set (a seam between blocks). `fit`,
    `max_overlap`, `hard` and `dispersion` as for `fill_flat`, `protrusion` as in `OuterFace`.

    Raises
    ------
    ValueError
        If no voxel of matrix belongs to a core.
    PackingError
        If no more hard aggregates fit; `best` holds the carbon so far.
    """
    check_kind("library", library, AggregateLibrary)
    check_lengths(voxel_size=voxel_size)
    matrix = find_coats(packing, near, labels, owner, coats, voxel_size)
    sunk = OuterFace(protrusion).sunk(library.radius)
    room = Coating(matrix, parse_fit(fit, max_overlap), aggregate_reaches(library), sunk)
    return fill(library, room, volume=volume, fit=fit, hard=hard, dispersion=dispersion, rng=rng)


HALF_DIAGONAL = 0.5 * math.sqrt(3.0) * (1.0 + 1e-9)  # of a voxel: what is nearer to a point holds the point's own


@dataclass(frozen=True)
class MatrixVoxels:
    """The voxels of matrix that belong to a core, numbered in the order of the image, and the coats they show."""

    packing: Packing
    near: Cores
    film: Film
    labels: NDArray[np.uint8]
    owner: NDArray[np.signedinteger]
    ends: NDArray[np.int64]  # how many there are up to the end of each row along axis 2
    voxel_size: float

    @property
    def periodic(self) -> NDArray[np.bool_]:
        """Which axes are."""
        return np.asarray(self.packing.periodic)

    def spots(self, voxels: NDArray[np.int64], draws: NDArray[np.float64]) -> Spots:
        """A random point in each of these voxels, from the centre of the core that owns it."""
        owners, anchors = self.owner[tuple(voxels.T)].astype(np.int32), np.empty((len(voxels), 3))
        where = (self.near, self.film, np.asarray(self.packing.box, float), self.periodic)
        in_threads(
            points_in_coats, len(voxels), voxels, draws, self.voxel_size, owners, *where, anchors, least=POINTS_A_PIECE
        )
        return Spots(anchors, owners)

    def draw(self, draws: NDArray[np.float64]) -> NDArray[np.int64]:
        """Random voxels from numbers in [0, 1), shape (m, 3)."""
        voxels = np.empty((len(draws), 3), np.int64)
        find_matrix((draws * self.ends[-1]).astype(np.int64), self.ends, self.labels, self.owner, voxels)
        return voxels

    def around(self, centre: NDArray[np.float64], radius: float) -> VoxelClump:
        """Those with their centre within a radius, the nearest first; at least the one around the centre."""
        middle = centre / self.voxel_size - 0.5
        half = max(radius / self.voxel_size, HALF_DIAGONAL)
        axes = [np.arange(math.ceil(c - half), math.floor(c + half) + 1) for c in middle]
        for axis, count in enumerate(self.labels.shape):
            if not self.periodic[axis]:
                axes[axis] = axes[axis][(axes[axis] >= 0) & (axes[axis] < count)]
        block = np.ix_(*(axis % count for axis, count in zip(axes, self.labels.shape, strict=True)))
        matrix = (self.labels[block] == 2) & (self.owner[block] >= 0)
        squares = sum(np.meshgrid(*((axis - c) ** 2 for axis, c in zip(axes, middle, strict=True)), indexing="ij"))
        distances = np.sqrt(squares) * self.voxel_size
        inside = np.flatnonzero(matrix & (distances <= half * self.voxel_size))
        ranked = inside[np.argsort(distances.ravel()[inside], kind="stable")]
        places = np.unravel_index(ranked, matrix.shape)
        voxels = np.stack([axis[place] for axis, place in zip(axes, places, strict=True)], axis=1)
        return VoxelClump(self, voxels % self.labels.shape, distances.ravel()[ranked], radius)


def find_coats(
    packing: Packing,
    near: Cores,
    labels: NDArray[np.uint8],
    owner: NDArray[np.signedinteger],
    coats: Coats,
    voxel_size: float,
) -> MatrixVoxels:
    """Count the matrix of the coats row by row: a list of its voxels would take more room than the image."""
    counts = np.empty(labels.shape[:2], np.int64)
    in_threads(count_matrix, len(labels), labels, owner, counts)
    ends = np.cumsum(counts.ravel())
    if ends[-1] == 0:
        raise ValueError("no voxel of matrix belongs to a core: carbon needs a coat, take smaller voxels")
    return MatrixVoxels(packing, near, coats.film, labels, owner, ends, voxel_size)


@dataclass(frozen=True)
class VoxelClump:
    """The matrix voxels inside one agglomerate."""

    matrix: MatrixVoxels
    voxels: NDArray[np.int64]
    distances: NDArray[np.float64]
    radius: float

    @property
    def volume(self) -> float:
        """Matrix in it [m3], one voxel at least."""
        return max(1, len(self.voxels)) * self.matrix.voxel_size**3

    def spread(self, draws: NDArray[np.float64], reaches: NDArray[np.float64]) -> Spots:
        """Uniform among the voxels from which an aggregate does not reach out of the sphere; the nearest if none is."""
        choices = np.maximum(1, np.searchsorted(self.distances, self.radius - reaches, side="right"))
        voxels = self.voxels[(draws[:, 3] * choices).astype(np.int64)]
        return self.matrix.spots(voxels, draws)


@dataclass(frozen=True)
class Coating:
    """The coats of packed cores; spots are given from the centre of the core that owns them."""

    matrix: MatrixVoxels
    fit: FitRule
    reaches: NDArray[np.float64]  # how far each aggregate of the library reaches from its centre [m]
    sunk: float = 0.0  # how far below the outer face the centre of a primary lies at least [m]

    @property
    def box(self) -> NDArray[np.float64]:
        """Edges [m]."""
        return np.asarray(self.matrix.packing.box, float)

    @property
    def periodic(self) -> NDArray[np.bool_]:
        """Which axes are."""
        return self.matrix.periodic

    def spread(self, draws: NDArray[np.float64]) -> Spots:
        """Uniform over the voxels of matrix."""
        return self.matrix.spots(self.matrix.draw(draws[:, 3]), draws)

    def gather(self, draw: NDArray[np.float64], size: float) -> Clump:
        """The matrix in a sphere around a spot of it."""
        middle = self.matrix.draw(draw[3:])[0] + draw[:3]
        return self.matrix.around(middle * self.matrix.voxel_size, 0.5 * size)

    def place(self, library: AggregateLibrary, spots: Spots, chunk: Insertion, rows: NDArray[np.int64]) -> Placed:
        """Set aggregates into the coats that own their spots."""
        placed = Placed.empty(chunk, rows)
        in_threads(
            place_curved,
            len(chunk.shapes),
            spots.anchors,
            spots.coats,
            chunk.shapes,
            chunk.quaternions,
            library.start,
            library.centres,
            library.parent,
            rows,
            self.fit.mode,
            self.fit.tries,
            np.array([library.primary_diameter, self.fit.max_overlap, self.sunk]),
            self.reaches,
            self.matrix.near,
            self.matrix.film,
            self.box,
            self.periodic,
            placed.centres,
            placed.keep,
            placed.overlaps,
        )
        return placed
