"""Small structures made by hand, for kernels to work on: none of their numbers comes out of a kernel."""

from dataclasses import replace
from itertools import product

import numpy as np

from microstructure.carbon.aggregates import AggregateLibrary
from microstructure.carbon.placement import Carbon
from microstructure.coats.unevenness import even_film
from microstructure.cores.shapes import Bodies
from microstructure.cores.sphere_packing import Packing

EVERYWHERE, WALLED = (True, True, True), (False, True, True)


def rng(seed=1):
    """Numbers that are the same in both runs."""
    return np.random.default_rng(seed)


def balls(centres, diameters, box, periodic):
    """Spheres where they are wanted."""
    diameters, box = np.asarray(diameters, float), np.asarray(box, float)
    fraction = float(np.pi / 6 * np.sum(diameters**3) / np.prod(box))
    return Packing(np.asarray(centres, float), diameters, box, periodic, fraction, 0.0, "by hand")


def pair(periodic=WALLED):
    """Two spheres that nearly touch."""
    return balls([[1.2e-6, 2e-6, 2e-6], [2.9e-6, 2.2e-6, 2.1e-6]], [1.6e-6, 1.6e-6], [4e-6] * 3, periodic)


def cubes(count):
    """Cubes of edge 2 with edges rounded by 0.2, each turned its own way."""
    corners, faces = np.array(list(product((-1.0, 1.0), repeat=3))), np.concatenate([np.eye(3), -np.eye(3)])
    unit = Bodies(
        np.tile(corners, (count, 1)),
        8 * np.arange(count + 1),
        np.tile(faces, (count, 1)),
        np.ones(6 * count),
        6 * np.arange(count + 1),
        np.full(count, 0.2),
        np.tile([8.0, 24.0, 6.0 * np.pi], (count, 1)),
        np.tile(np.eye(3), (count, 1, 1)),
    )
    return unit.turned(rng().standard_normal((count, 4)))


def crystals():
    """Two rounded cubes, one at a wall; a periodic image is near."""
    bodies = cubes(2).scaled(0.5e-6)
    packing = balls([[0.8e-6, 1e-6, 1e-6], [2.3e-6, 1.2e-6, 1.1e-6]], bodies.diameters, [4e-6] * 3, WALLED)
    return replace(packing, bodies=bodies)


def library():
    """A single primary, a chain of three, and a bent one of four; radius 20 nm."""
    centres = 2.0 * np.array(
        [[0, 0, 0], [-1, 0, 0], [0, 0, 0], [1, 0, 0], [-1, -1, 0], [-1, 0, 0], [0, 0, 0], [0, 0, 1]], float
    )
    parent, start = np.array([-1, -1, 0, 1, -1, 0, 1, 2], np.int32), np.array([0, 1, 4, 8])
    sizes = np.array([40e-9, 120e-9, 100e-9])
    return AggregateLibrary(20e-9 * centres, parent, start, sizes, 20e-9, 100e-9, "extent", 0.3, 1.8, 1.3)


def primaries(centres, coat, diameter):
    """Single primaries at these places, in this order, all but the first two of their own aggregate."""
    count = len(centres)
    bond = np.full(count, -1, np.int32)
    bond[1] = 0
    names = np.maximum(np.arange(count, dtype=np.int32) - 1, 0)
    return Carbon(np.asarray(centres, float), names, bond, np.asarray(coat, np.int32), diameter, "by hand")


def shells(cores, size, thickness):
    """Voxels of spheres and of shells around them, and the nearest sphere of each."""
    shape = np.rint(cores.box / size).astype(int)
    points = (np.moveaxis(np.indices(shape), 0, -1)[..., None, :] + 0.5) * size - cores.centres
    points -= np.where(cores.periodic, cores.box * np.rint(points / cores.box), 0.0)
    heights = np.linalg.norm(points, axis=-1) - cores.radii
    least = heights.min(axis=-1)
    labels = np.where(least < 0.0, 1, np.where(least < thickness, 2, 0)).astype(np.uint8)
    return labels, heights.argmin(axis=-1).astype(np.int16)


def uneven():
    """A film that varies, with bare patches."""
    thick, bare = rng().standard_normal((2, 8, 8, 8)).astype(np.float32)
    offsets = np.array([[0.0, 1e-6, 2e-6], [1e-6, 0.0, 0.5e-6]])
    return even_film(0.1e-6, 0.02e-6, 0.15e-6, 0.2e-6)._replace(
        spread=0.4, scale=0.9, thick=thick, bare=bare, bare_below=-1.0, spacing=0.2e-6, offsets=offsets
    )
