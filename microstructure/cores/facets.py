"""Faceted single crystals: convex polyhedra with a set aspect ratio, edges rounded as sharply as asked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull

from microstructure.arguments import check_fraction, check_rng, check_runs
from microstructure.cores._facets import spread
from microstructure.cores.packing_request import check_diameters
from microstructure.cores.shapes import Bodies

Floats = NDArray[np.float64]

FEWEST_FACES, MOST_FACES = 6, 30
LARGEST_ASPECT_RATIO = 10.0
SPREAD_ROUNDS = 40
SCATTER = 0.15  # of the spacing of the normals: without it every body of six faces would be a cube
FARTHEST_CORNER = 3.0  # inner radii; farther ones are needles
THINNEST = 1e-6  # of the body: a polyhedron without rounding is never flatter, for the sake of its planes


@dataclass(frozen=True)
class Facets:
    """The shape of faceted cores: each is a random convex polyhedron of its own, its edges rounded.

    Parameters
    ----------
    aspect_ratio : float
        Longest over shortest extent of each body, rounding included, from 1 to 10. Extents are the widths along
        three perpendicular axes of the body, the middle one the geometric mean of the others. (Calipers that look for
        the largest and the smallest width anywhere find more: 1.42 for the defaults, 1.23 where 1 is asked.)
    sharpness : float
        1 - rounding / (half the shortest extent), from 0 to below 1. With 0 an aspect ratio of 1 gives spheres, a
        larger one a flat polygon inside a tube: a rounded pebble without edges.
    faces : int
        Faces of each polyhedron, 6 to 30, their normals spread evenly with some scatter.

    Raises
    ------
    TypeError, ValueError
        If one of them is of the wrong kind or out of range.

    Examples
    --------
    >>> crystals = Facets(aspect_ratio=1.5).draw([3e-6, 4e-6], rng=np.random.default_rng(1))
    >>> (crystals.extents[:, 0] / crystals.extents[:, 2]).round(3).tolist()
    [1.5, 1.5]
    """

    aspect_ratio: float = field(default=1.3, metadata={"unit": "1"})
    sharpness: float = field(default=0.8, metadata={"unit": "1"})
    faces: int = field(default=14, metadata={"unit": ""})

    def __post_init__(self) -> None:
        object.__setattr__(self, "aspect_ratio", _check_aspect_ratio(self.aspect_ratio))
        object.__setattr__(self, "sharpness", check_fraction("sharpness", self.sharpness))
        object.__setattr__(self, "faces", check_runs(self.faces, "faces"))
        if not FEWEST_FACES <= self.faces <= MOST_FACES:
            raise ValueError(f"faces must be {FEWEST_FACES} to {MOST_FACES}, got {self.faces}")

    def draw(self, diameters: ArrayLike, *, rng: np.random.Generator) -> Bodies:
        """Draw a body for each diameter, turned at random.

        Parameters
        ----------
        diameters : array_like of float (n,) [m]
            Each body has exactly the volume of the sphere of its diameter.
        rng : numpy.random.Generator

        Returns
        -------
        Bodies
            The centre of each is the centroid of its polyhedron.

        References
        ----------
        R. Schneider, Convex Bodies: The Brunn-Minkowski Theory, 2nd ed., Cambridge 2014, chapter 4 (Steiner's formula).
        """
        check_rng(rng)
        sizes = check_diameters(diameters, "diameters")
        if self.aspect_ratio == 1.0 and self.sharpness == 0.0:
            return Bodies.spheres(sizes)
        shapes = [self._shape(polyhedron) for polyhedron in _polyhedra(sizes.size, self.faces, rng)]
        bodies = _assemble(shapes, sizes, rounding=1.0 - self.sharpness)
        return bodies.turned(rng.standard_normal((sizes.size, 4)))

    def _shape(self, polyhedron: _Polyhedron) -> _Polyhedron:
        """Stretched until the rounded body has the extents asked, half the shortest of them being 1."""
        wanted = self.aspect_ratio ** np.array([1.0, 0.5, 0.0])
        stretch = np.maximum(wanted - (1.0 - self.sharpness), THINNEST) / (0.5 * np.ptp(polyhedron.corners, axis=0))
        return polyhedron.stretched(stretch)


@dataclass(frozen=True, eq=False)
class _Polyhedron:
    """Corners about the centroid; edges as pairs of corners, each between two faces; planes."""

    corners: Floats
    edges: NDArray[np.int64]
    between: NDArray[np.int64]
    normals: Floats
    feet: Floats  # a point on each face
    volume: float

    def stretched(self, factors: Floats) -> _Polyhedron:
        """Stretched along the three axes."""
        normals = self.normals / factors
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        volume = self.volume * float(np.prod(factors))
        return _Polyhedron(self.corners * factors, self.edges, self.between, normals, self.feet * factors, volume)

    @property
    def steiner(self) -> Floats:
        """Volume, area, and integral of the mean curvature: half the sum of edge length times turn of the normal."""
        ends = self.corners[self.edges]
        triangles = np.cross(ends[:, None, 0] - self.feet[self.between], ends[:, None, 1] - self.feet[self.between])
        area = 0.5 * float(np.linalg.norm(triangles, axis=2).sum())
        first, second = self.normals[self.between[:, 0]], self.normals[self.between[:, 1]]
        turn = np.arctan2(np.linalg.norm(np.cross(first, second), axis=1), np.sum(first * second, axis=1))
        curvature = 0.5 * float(np.sum(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1) * turn))
        return np.array([self.volume, area, curvature])


def _polyhedra(count: int, faces: int, rng: np.random.Generator) -> list[_Polyhedron]:
    """Polyhedra around the unit sphere, which touches every face."""
    normals = _unit(rng.standard_normal((count, faces, 3)))
    spread(normals, SPREAD_ROUNDS)
    scatter = SCATTER * math.sqrt(4.0 * math.pi / faces)
    normals = _unit(normals + scatter * rng.standard_normal(normals.shape))
    return [_polyhedron(row) for row in normals]


def _polyhedron(normals: Floats) -> _Polyhedron:
    """The points x with normal . x <= 1 for all normals, whose hull is the dual polyhedron: its facets are corners."""
    hull = ConvexHull(normals)
    while np.max(hull.equations[:, 3]) > -1.0 / FARTHEST_CORNER:
        normals = normals[None].copy()
        spread(normals, 1)
        normals = normals[0]
        hull = ConvexHull(normals)
    corners = hull.equations[:, :3] / -hull.equations[:, 3:]
    one, opposite = np.nonzero(hull.neighbors > np.arange(len(corners))[:, None])
    edges = np.column_stack((one, hull.neighbors[one, opposite])).astype(np.int64)
    between = hull.simplices[one[:, None], np.array([[1, 2], [0, 2], [0, 1]])[opposite]].astype(np.int64)
    centroid, volume = _centroid(corners[edges], normals[between])
    return _Polyhedron(corners - centroid, edges, between, normals, normals - centroid, volume)


def _centroid(ends: Floats, feet: Floats) -> tuple[Floats, float]:
    """Centroid and volume, from a pyramid over each triangle of a foot and an edge; all faces are 1 from the origin."""
    triangles = np.cross(ends[:, None, 0] - feet, ends[:, None, 1] - feet)
    volumes = np.linalg.norm(triangles, axis=2) / 6.0
    middles = 0.25 * (feet + ends[:, None, 0] + ends[:, None, 1])
    return np.sum(volumes[:, :, None] * middles, axis=(0, 1)) / volumes.sum(), float(volumes.sum())


def _assemble(shapes: list[_Polyhedron], diameters: Floats, *, rounding: float) -> Bodies:
    corners = [shape.corners for shape in shapes]
    offsets = [np.sum(shape.normals * shape.feet, axis=1) for shape in shapes]
    unit = Bodies(
        corners=np.concatenate(corners),
        start=np.concatenate(([0], np.cumsum([len(part) for part in corners]))),
        normals=np.concatenate([shape.normals for shape in shapes]),
        offsets=np.concatenate(offsets),
        face_start=np.concatenate(([0], np.cumsum([len(part) for part in offsets]))),
        rounding=np.full(len(shapes), rounding),
        steiner=np.array([shape.steiner for shape in shapes]),
        axes=np.tile(np.eye(3), (len(shapes), 1, 1)),
    )
    return unit.scaled(diameters / unit.diameters)


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def _check_aspect_ratio(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"aspect_ratio must be a number, longest over shortest extent, got {value!r}")
    if not 1.0 <= value <= LARGEST_ASPECT_RATIO:
        raise ValueError(
            f"aspect_ratio is the longest over the shortest extent, 1 to {LARGEST_ASPECT_RATIO:.0f}, got {value}"
        )
    return float(value)
