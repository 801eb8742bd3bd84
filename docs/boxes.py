"""A box of voxels with a corner cut out: its faces with their phases, and what is seen through the pores in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from phases import FULL, Sampler, colours_of
from rendering import Camera, Frame, draw_face, even_directions

from microstructure import Phase

Array = NDArray[np.float64]

STEP = 0.6  # voxels between two samples along a ray
FARTHEST = 600  # samples
SKY = 24  # directions from which light falls into a pore
HAZE, FADE = 0.7, 300e-9  # what lies deep in a pore pales: at most by HAZE, by 1/e over FADE
DIMMEST = 0.55  # light in a pore that sees no sky
REACHES = np.array([2.0, 5.0, 9.0, 15.0, 24.0])  # voxels, where each of them is looked at


@dataclass(frozen=True)
class Box:
    """A box from the origin, seen towards its corner (edge x, 0, edge z), where a smaller box is missing."""

    edges: Array
    inner: Array  # the corner of the missing box that lies inside

    @property
    def faces(self) -> list[tuple[Array, Array]]:
        """Lower corner and two edges (2, 3) of every rectangle that the viewer sees."""
        (a, b, c), (x, y, z) = self.edges, self.inner
        spans = [
            ((a, y, 0), (a, b, c)),
            ((a, 0, 0), (a, y, z)),
            ((0, 0, 0), (x, 0, c)),
            ((x, 0, 0), (a, 0, z)),
            ((0, 0, c), (x, b, c)),
            ((x, y, c), (a, b, c)),
            ((x, 0, z), (x, y, c)),
            ((x, y, z), (a, y, c)),
            ((x, 0, z), (a, y, z)),
        ]
        found = []
        for low, high in spans:
            size = np.subtract(high, low)
            found.append((np.array(low, float), np.diag(size)[size > 0.0]))
        return found


def look_into(sampler: Sampler, camera: Camera, box: Box) -> Array:
    """The picture of the box."""
    frame, face = Frame(camera), np.full(camera.shape, -1)
    for number, (corner, edges) in enumerate(box.faces):
        face[draw_face(frame, corner, edges, np.ones(3))] = number
    phases, points = np.zeros(camera.shape, np.uint8), frame.points
    for number in range(len(box.faces)):
        here = face == number
        if here.any():
            phases[here] = sampler.phases(points[here] - 1e-9 * frame.normal[here])
    frame.colour[:] = colours_of(phases)
    look_deeper(frame, sampler, frame.seen & (phases == Phase.PORE))
    return frame.shaded()


def look_deeper(frame: Frame, sampler: Sampler, open_face: NDArray[np.bool_]) -> None:
    """Follow the rays that enter a pore to the first solid."""
    voxel, towards = sampler.structure.voxel_size, frame.camera.basis[2]
    start = frame.points[open_face] / voxel - 0.5
    places, found = first_solid(sampler, start, -STEP * towards)
    normal = slope(sampler, places)
    labels = sampler.structure.labels[tuple(whole(sampler, places - 0.7 * normal).T)]
    labels = np.where(labels == Phase.PORE, Phase.ELECTROLYTE, labels)
    rows, columns = np.nonzero(open_face)
    depth = np.linalg.norm(places - start, axis=1) * voxel
    haze = np.where(found, HAZE * (1.0 - np.exp(-depth / FADE)), 1.0)[:, None]
    frame.colour[rows, columns] = haze + (1.0 - haze) * colours_of(labels)
    frame.normal[rows, columns] = normal
    frame.light[rows, columns] = openness(sampler, places, normal)
    frame.glow[rows, columns] = np.where(found, 0.0, 1.0)


def first_solid(sampler: Sampler, start: Array, step: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Where rays first meet a solid, in voxels, and whether they do."""
    places, found = start.copy(), np.zeros(len(start), bool)
    going = np.arange(len(start))
    for _ in range(FARTHEST):
        places[going] += step
        here = whole(sampler, places[going])
        solid = sampler.solid[tuple(here.T)] > 0.5 * FULL
        found[going[solid]] = True
        inside = np.all((places[going] > -1.0) & (places[going] < np.array(sampler.solid.shape)), axis=1)
        going = going[inside & ~solid]
        if not len(going):
            break
    return places, found


def slope(sampler: Sampler, places: Array) -> Array:
    """Unit normals out of the solid."""
    normal = np.empty(places.shape)
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = 1.5
        low, high = (sampler.solidity((places + sign * step + 0.5) * sampler.structure.voxel_size) for sign in (-1, 1))
        normal[:, axis] = low - high
    return normal / np.maximum(np.linalg.norm(normal, axis=1), 1e-9)[:, None]


def openness(sampler: Sampler, places: Array, normal: Array) -> Array:
    """Light that reaches points on a pore's wall, from DIMMEST to 1; outside the box all is open."""
    seen, whole_sky = np.zeros(len(places)), np.full(len(places), 1e-9)
    shape = np.array(sampler.solid.shape)
    for direction in even_directions(SKY):
        weight = np.clip(normal @ direction, 0.0, None)
        blocked = np.zeros(len(places), bool)
        for reach in REACHES:
            there = places + normal + reach * direction
            inside = np.all((there > -0.5) & (there < shape - 0.5), axis=1)
            blocked |= inside & (sampler.solid[tuple(whole(sampler, there).T)] > 0.5 * FULL)
        seen += weight * ~blocked
        whole_sky += weight
    return DIMMEST + (1.0 - DIMMEST) * seen / whole_sky


def whole(sampler: Sampler, places: Array) -> NDArray[np.int64]:
    """The voxels at places, the outermost ones beyond the box."""
    return np.clip(np.rint(places).astype(np.int64), 0, np.array(sampler.solid.shape) - 1)
