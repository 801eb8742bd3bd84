"""Cores of any rounded convex shape: spheres, and polyhedra whose edges and corners are rounded off."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microstructure.cores._shapes import Solids, surface_points

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Surface:
    """Points on the surfaces of n bodies, m on each, from the centre of the body."""

    points: Floats = field(repr=False, metadata={"unit": "m", "shape": "(n, m, 3)"})
    normals: Floats = field(repr=False, metadata={"unit": "1", "shape": "(n, m, 3)", "what": "outward unit normals"})
    areas: Floats = field(repr=False, metadata={"unit": "m2", "shape": "(n, m)", "what": "that each stands for"})


@dataclass(frozen=True, eq=False, repr=False)
class Bodies:
    """Rounded convex polyhedra: each is all that lies within its rounding of a convex polyhedron.

    A sphere is the special case of one corner at its centre and the radius as rounding. Bodies grown by a coat are
    such bodies again. All coordinates are relative to the centre of the body, along the axes of the box.

    Attributes
    ----------
    corners : ndarray, float64 (corners, 3) [m]
        Corners of the polyhedra, body after body.
    start : ndarray, int64 (n + 1,)
        Body i has the corners start[i] to start[i + 1] (exclusive).
    normals : ndarray, float64 (faces, 3)
        Outward unit normals of the faces; a sphere has none.
    offsets : ndarray, float64 (faces,) [m]
        Heights of the face planes above the centre: inside, normal . point <= offset.
    face_start : ndarray, int64 (n + 1,)
        Body i has the faces face_start[i] to face_start[i + 1] (exclusive).
    rounding : ndarray, float64 (n,) [m]
        Radius of the ball that rolls off edges and corners.
    steiner : ndarray, float64 (n, 3)
        Of the polyhedra without rounding: volume [m3], area [m2], integral of the mean curvature [m].
    axes : ndarray, float64 (n, 3, 3)
        Unit vectors (rows) along which the body is longest, in between, and shortest.
    """

    corners: Floats = field(metadata={"unit": "m"})
    start: Integers = field(metadata={"unit": ""})
    normals: Floats = field(metadata={"unit": "1"})
    offsets: Floats = field(metadata={"unit": "m"})
    face_start: Integers = field(metadata={"unit": ""})
    rounding: Floats = field(metadata={"unit": "m"})
    steiner: Floats = field(metadata={"unit": "m3, m2, m"})
    axes: Floats = field(metadata={"unit": "1"})

    @classmethod
    def spheres(cls, diameters: Floats) -> Bodies:
        """Spheres of these diameters, float64 (n,) [m]."""
        n = len(diameters)
        return cls(
            corners=np.zeros((n, 3)),
            start=np.arange(n + 1),
            normals=np.empty((0, 3)),
            offsets=np.empty(0),
            face_start=np.zeros(n + 1, np.int64),
            rounding=0.5 * np.asarray(diameters, np.float64),
            steiner=np.zeros((n, 3)),
            axes=np.tile(np.eye(3), (n, 1, 1)),
        )

    @property
    def count(self) -> int:
        """Number of bodies."""
        return int(self.rounding.size)

    @property
    def volumes(self) -> Floats:
        """Volumes, float64 (n,) [m3], by Steiner's formula: exact."""
        return self.volumes_within(0.0)

    def volumes_within(self, height: float) -> Floats:
        """Volumes of the bodies in an even coat of this height [m], float64 (n,) [m3]: exact."""
        volume, area, curvature = self.steiner.T
        radius = self.rounding + height
        return np.asarray(volume + area * radius + curvature * radius**2 + 4.0 / 3.0 * math.pi * radius**3)

    @property
    def areas(self) -> Floats:
        """Surface areas, float64 (n,) [m2], by Steiner's formula: exact."""
        _, area, curvature = self.steiner.T
        return np.asarray(area + 2.0 * curvature * self.rounding + 4.0 * math.pi * self.rounding**2)

    def surface(self, directions: Floats) -> Surface:
        """Where rays from the centres along unit vectors spread evenly, float64 (m, 3), leave the bodies."""
        shape = (self.count, len(directions))
        points, normals, areas = np.empty((*shape, 3)), np.empty((*shape, 3)), np.empty(shape)
        surface_points(self.solids, self.outer_radius, directions, points, normals, areas)
        return Surface(points, normals, areas)

    @property
    def diameters(self) -> Floats:
        """Diameters of the spheres of equal volume, float64 (n,) [m]."""
        return np.asarray(np.cbrt(6.0 / math.pi * self.volumes))

    @property
    def outer_radius(self) -> Floats:
        """Radius of the sphere about the centre that just holds the body, float64 (n,) [m]."""
        lengths = np.sqrt(np.sum(self.corners**2, axis=1))
        return np.asarray(np.maximum.reduceat(lengths, self.start[:-1]) + self.rounding)

    @property
    def inner_radius(self) -> Floats:
        """Radius of the largest sphere about the centre inside the body, float64 (n,) [m]."""
        inner = self.rounding.copy()
        faceted = self.face_start[1:] > self.face_start[:-1]
        if np.any(faceted):
            inner[faceted] += np.minimum.reduceat(self.offsets, self.face_start[:-1][faceted])
        return inner

    @property
    def extents(self) -> Floats:
        """Widths along the body's own three axes, float64 (n, 3) [m], the longest first."""
        own = np.einsum("cj,cij->ci", self.corners, np.repeat(self.axes, np.diff(self.start), axis=0))
        highest, lowest = (extreme.reduceat(own, self.start[:-1], axis=0) for extreme in (np.maximum, np.minimum))
        return np.asarray(highest - lowest + 2.0 * self.rounding[:, None])

    @property
    def solids(self) -> Solids:
        """The arrays as the kernels want them."""
        return Solids(self.corners, self.start, self.normals, self.offsets, self.face_start, self.rounding)

    def turned(self, quaternions: Floats) -> Bodies:
        """The bodies turned about their centres by quaternions (x, y, z, w), float64 (n, 4), of any length but 0."""
        turns = _matrices(quaternions, self.count)
        return replace(
            self,
            corners=_turn(turns, self.corners, self.start),
            normals=_turn(turns, self.normals, self.face_start),
            axes=np.einsum("nij,nkj->nki", turns, self.axes),
        )

    def scaled(self, factors: ArrayLike) -> Bodies:
        """The same shapes, all lengths of each times its factor, float64 (n,), or times the one number given."""
        each = np.asarray(factors)
        if each.dtype.kind not in "iuf":
            raise TypeError(f"factors must be numbers, got {factors!r}")
        if each.shape not in ((), (self.count,)) or not np.all(np.isfinite(each) & (each > 0.0)):
            raise ValueError(f"one finite factor above 0, or one per body ({self.count}), is needed, got {factors!r}")
        each = np.broadcast_to(each.astype(np.float64), (self.count,))
        return replace(
            self,
            corners=self.corners * np.repeat(each, np.diff(self.start))[:, None],
            offsets=self.offsets * np.repeat(each, np.diff(self.face_start)),
            rounding=self.rounding * each,
            steiner=self.steiner * each[:, None] ** np.array([3.0, 2.0, 1.0]),
        )

    def __repr__(self) -> str:
        faces = np.diff(self.face_start)
        kind = "spheres" if not faces.any() else f"bodies of up to {faces.max()} faces"
        return f"Bodies({self.count} {kind}, mean diameter {1e6 * self.diameters.mean():.4g} um)"


def _matrices(quaternions: object, count: int) -> Floats:
    array = np.asarray(quaternions)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"quaternions must hold numbers (x, y, z, w), got {quaternions!r}")
    if array.shape != (count, 4) or not np.all(np.isfinite(array)) or np.any(np.all(array == 0.0, axis=1)):
        raise ValueError(f"one finite quaternion (x, y, z, w) per body is needed, ({count}, 4), got {array.shape}")
    x, y, z, w = (array / np.sqrt(np.sum(array.astype(np.float64) ** 2, axis=1, keepdims=True))).T
    rows = [
        [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)],
        [2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)],
        [2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)],
    ]
    return np.asarray(np.moveaxis(np.array(rows), 2, 0))


def _turn(turns: Floats, vectors: Floats, start: Integers) -> Floats:
    return np.asarray(np.einsum("cij,cj->ci", np.repeat(turns, np.diff(start), axis=0), vectors))
