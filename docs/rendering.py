"""Drawing spheres and voxels in three dimensions with numpy alone: parallel projection, first hits, soft shadows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SUN = np.array([-0.45, 0.5, 0.85])  # direction to the light: right, up, towards the viewer
SKY = 64  # directions from which shadows are averaged
COARSE = 3  # shadows are soft: found at every third row and column
DARKEST = 0.25  # light that reaches a point which sees no sky


@dataclass(frozen=True)
class Camera:
    """A parallel projection on a plane through `centre`; lengths in metres."""

    centre: Array
    towards: Array  # from the centre to the viewer
    upwards: Array
    width: float
    height: float
    pixel: float

    @property
    def basis(self) -> Array:
        """Rows right, up and towards the viewer, float64 (3, 3)."""
        towards = self.towards / np.linalg.norm(self.towards)
        right = np.cross(self.upwards, towards)
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(towards, right), towards])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the picture."""
        return round(self.height / self.pixel), round(self.width / self.pixel)

    def grid(self) -> Array:
        """Points of the picture's plane in space, float64 (rows, columns, 3); the first row is the highest."""
        rows, columns = self.shape
        right = (np.arange(columns) - 0.5 * (columns - 1)) * self.pixel
        up = (0.5 * (rows - 1) - np.arange(rows)) * self.pixel
        return self.centre + right[None, :, None] * self.basis[0] + up[:, None, None] * self.basis[1]

    def project(self, points: Array) -> Array:
        """Column, row (both as pixels, not rounded) and height towards the viewer [m]."""
        right, up, height = np.moveaxis((points - self.centre) @ self.basis.T, -1, 0)
        rows, columns = self.shape
        return np.stack([right / self.pixel + 0.5 * (columns - 1), 0.5 * (rows - 1) - up / self.pixel, height], axis=-1)


class Frame:
    """What each pixel of a camera sees: the nearest surface so far, its normal and its colour."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.height = np.full(camera.shape, -np.inf)
        self.normal = np.zeros((*camera.shape, 3))
        self.colour = np.ones((*camera.shape, 3))
        self.light = np.ones(camera.shape)
        self.glow = np.zeros(camera.shape)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Pixels that show a surface."""
        return self.height > -np.inf

    @property
    def points(self) -> Array:
        """The points seen, float64 (rows, columns, 3); those of the picture's plane where nothing is."""
        return self.camera.grid() + np.where(self.seen, self.height, 0.0)[..., None] * self.camera.basis[2]

    def put(
        self, where: NDArray[np.bool_], height: Array, normal: Array, colour: Array, glow: float = 0.0
    ) -> NDArray[np.bool_]:
        """Draw a surface where it is nearer than what is there; returns those pixels.

        With `glow` 1 it keeps its own colour, whatever the light: a cut, an outline.
        """
        nearer = where & (height > self.height)
        self.height[nearer] = height[nearer]
        self.normal[nearer] = np.broadcast_to(normal, self.normal.shape)[nearer]
        self.colour[nearer] = np.broadcast_to(colour, self.colour.shape)[nearer]
        self.light[nearer], self.glow[nearer] = 1.0, glow
        return nearer

    def shaded(self) -> Array:
        """The picture: colour times light, on white."""
        sun = SUN / np.linalg.norm(SUN) @ self.camera.basis
        lambert = (0.62 + 0.45 * np.clip(self.normal @ sun, 0.0, 1.0)) * self.light
        strength = np.where(self.seen, np.maximum(lambert, self.glow), 1.0)
        return np.clip(self.colour * strength[..., None], 0.0, 1.0)


@dataclass(frozen=True)
class Spheres:
    """Heights [m] of the nearest sphere at every pixel, -inf for none, and which it is."""

    height: Array
    which: NDArray[np.int64]


def draw_spheres(camera: Camera, centres: Array, radii: Array) -> Spheres:
    """The z-buffer of spheres."""
    places = camera.project(centres)
    height, which = np.full(camera.shape, -np.inf), np.full(camera.shape, -1)
    rows, columns = camera.shape
    for n, ((column, row, middle), radius) in enumerate(zip(places, radii, strict=True)):
        reach = radius / camera.pixel
        top, bottom = max(0, int(np.ceil(row - reach))), min(rows, int(row + reach) + 1)
        left, right = max(0, int(np.ceil(column - reach))), min(columns, int(column + reach) + 1)
        if top >= bottom or left >= right:
            continue
        across, down = np.arange(left, right) - column, np.arange(top, bottom) - row
        square = reach**2 - across**2 - down[:, None] ** 2
        front = np.where(square > 0.0, middle + camera.pixel * np.sqrt(np.maximum(square, 0.0)), -np.inf)
        window = (slice(top, bottom), slice(left, right))
        nearer = front > height[window]
        height[window][nearer] = front[nearer]
        which[window][nearer] = n
    return Spheres(height, which)


def draw_face(frame: Frame, corner: Array, edges: Array, colour: Array) -> NDArray[np.bool_]:
    """A flat face from `corner` along the two rows of `edges`, at a right angle; returns the pixels that show it."""
    normal = np.cross(edges[0], edges[1])
    normal /= np.linalg.norm(normal)
    normal *= np.sign(normal @ frame.camera.basis[2])
    grid = frame.camera.grid()
    height = (corner - grid) @ normal / (normal @ frame.camera.basis[2])
    shares = (grid + height[..., None] * frame.camera.basis[2] - corner) @ (edges / np.sum(edges**2, axis=1)[:, None]).T
    return frame.put(np.all((shares >= 0.0) & (shares <= 1.0), axis=-1), height, normal, colour)


def fitting_camera(towards: Array, upwards: Array, points: Array, columns: int, margin: float) -> Camera:
    """The camera whose picture holds the points with a margin [m], `columns` pixels wide."""
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
    turned = (points - middle) @ Camera(middle, towards, upwards, 1.0, 1.0, 1.0).basis.T
    low, high = turned.min(axis=0) - margin, turned.max(axis=0) + margin
    basis = Camera(middle, towards, upwards, 1.0, 1.0, 1.0).basis
    centre = middle + 0.5 * (low + high)[:2] @ basis[:2]
    return Camera(centre, towards, upwards, high[0] - low[0], high[1] - low[1], (high[0] - low[0]) / columns)


def cast_shadows(frame: Frame, centres: Array, radii: Array, pixel: float) -> None:
    """Dim each point by the share of the sky that the spheres hide from it, weighted by the cosine.

    One z-buffer for each of many directions, spread evenly over the sphere.
    """
    middle = 0.5 * (centres.min(axis=0) + centres.max(axis=0))
    extent = 2.0 * float((np.linalg.norm(centres - middle, axis=1) + radii).max())
    every = (slice(COARSE // 2, None, COARSE),) * 2
    shown = frame.seen[every]
    normals = frame.normal[every][shown].astype(np.float32)
    points = (frame.points[every][shown] + 2.0 * pixel * normals - middle).astype(np.float32)
    seen, whole = np.zeros(len(points), np.float32), np.full(len(points), 1e-9, np.float32)
    for direction in even_directions(SKY):
        sideways = np.array([1.0, 0.0, 0.0]) if abs(direction[0]) < 0.8 else np.array([0.0, 1.0, 0.0])
        camera = Camera(middle, direction, sideways, extent, extent, pixel)
        buffer = draw_spheres(camera, centres, radii).height.astype(np.float32)
        right, up, towards = camera.basis.astype(np.float32)
        row = np.rint(0.5 * (camera.shape[0] - 1) - points @ up / np.float32(pixel)).astype(np.int32)
        column = np.rint(0.5 * (camera.shape[1] - 1) + points @ right / np.float32(pixel)).astype(np.int32)
        hidden = buffer[row.clip(0, camera.shape[0] - 1), column.clip(0, camera.shape[1] - 1)] > points @ towards
        weight = np.maximum(normals @ towards, 0.0)
        seen += weight * ~hidden
        whole += weight
    light = np.ones(shown.shape)
    light[shown] = DARKEST + (1.0 - DARKEST) * seen / whole
    nearest = [np.minimum(np.arange(n) // COARSE, m - 1) for n, m in zip(frame.light.shape, light.shape, strict=True)]
    frame.light[:] = light[np.ix_(*nearest)]


def even_directions(count: int) -> Array:
    """Unit vectors spread evenly over the sphere (a Fibonacci lattice), float64 (count, 3)."""
    steps = np.arange(count) + 0.5
    height, turn = 1.0 - 2.0 * steps / count, steps * np.pi * (3.0 - np.sqrt(5.0))
    flat = np.sqrt(1.0 - height**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=1)


def averaged(picture: Array, times: int) -> Array:
    """A picture with `times` by `times` samples averaged to one pixel; odd rows and columns are dropped."""
    rows, columns = picture.shape[0] // times, picture.shape[1] // times
    part = picture[: rows * times, : columns * times]
    return part.reshape(rows, times, columns, times, 3).mean(axis=(1, 3))
