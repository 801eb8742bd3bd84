"""What the parts of a structure say of each other: cores where the image shows them, necks as long as stated."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from microstructure.carbon.domains import FIT_MODES
from microstructure.carbon.placement import Carbon
from microstructure.checks.ranges import PIECE, check_same, must, pieces, within
from microstructure.coats.coating import Coats
from microstructure.cores.sphere_packing import Packing
from microstructure.structure import Phase, Structure

Floats = NDArray[np.float64]

FUSED = 0.05  # of a diameter: squeezed into a coat, fused primaries come apart by as much as 0.02
CROWD = 1000  # primaries, or cores, in a cube one (smallest) diameter wide: a few dozen where they are densest


def check_agreement(structure: Structure) -> None:
    """Raise a ValueError if two parts of a structure contradict each other; ranges are taken as checked."""
    cores, carbon = structure.cores, structure.carbon
    if cores is not None:
        must(cores.periodic == structure.periodic, "cores.periodic", str(structure.periodic), cores.periodic)
        _check_cores(cores)
        _check_places(structure, cores)
    if structure.coats is not None:
        _check_coats(structure.coats)
    if carbon is None:
        return
    must(carbon.fit in FIT_MODES, "carbon.fit", " or ".join(FIT_MODES), carbon.fit)
    if carbon.count > 0:
        _check_crowd("carbon.centres", carbon.centres, carbon.diameter)
        _check_necks(carbon, np.asarray(structure.box), np.asarray(structure.periodic))


def _check_cores(cores: Packing) -> None:
    _check_crowd("cores.centres", cores.centres, float(cores.diameters.min()))
    volumes = cores.shapes.volumes
    check_same("cores.fraction", cores.fraction, float(np.sum(volumes) / np.prod(cores.box)))
    check_same("cores.diameters", cores.diameters, np.cbrt(6.0 / math.pi * volumes))
    if cores.bodies is not None:
        return
    for axis in (axis for axis in range(3) if not cores.periodic[axis]):
        wall = (1.0 - FUSED) * cores.radii
        inside = (cores.centres[:, axis] >= wall) & (cores.centres[:, axis] <= cores.box[axis] - wall)
        must(bool(inside.all()), "cores.centres", "a radius or more from a wall", cores.centres[~inside])


def _check_coats(coats: Coats) -> None:
    shares = (coats.film_share, coats.recess_share, coats.interstice_share, coats.roughness_share)
    check_same("coats: the shares", sum(shares), 1.0)


def _check_places(structure: Structure, cores: Packing) -> None:
    """Where a core has its centre, the image shows this core, if it is large enough to be seen."""
    seen = np.flatnonzero(2.0 * cores.shapes.inner_radius > 3.0 * structure.voxel_size)
    places = (cores.centres[seen] / structure.voxel_size).astype(np.int64)
    x, y, z = np.minimum(places, np.array(structure.labels.shape) - 1).T
    if np.any(structure.labels[x, y, z] != Phase.CORE):
        raise ValueError("labels and cores.centres contradict each other: there is no core where one has its centre")
    if structure.owners is not None and np.any(structure.owners[x, y, z] != seen):
        raise ValueError("owners and cores.centres contradict each other: another core owns the centre of one")


def _check_necks(carbon: Carbon, box: Floats, periodic: NDArray[np.bool_]) -> None:
    """Fused primaries are one diameter apart, or overlap by as much as is stated."""
    for piece in pieces(carbon.count):
        bond = carbon.bond[piece]
        vectors = carbon.centres[bond[bond >= 0]] - carbon.centres[piece][bond >= 0]
        vectors -= np.where(periodic, box * np.rint(vectors / box), 0.0)
        lengths = np.sqrt(np.sum(vectors**2, axis=1)) / carbon.diameter
        within("the distance of fused primaries, in diameters,", lengths, 0.0, 1.0 + FUSED)


def _check_crowd(path: str, centres: Floats, size: float) -> None:
    """Refuse a heap of centres in one place, whose contacts no memory holds: cubes are counted by a mixed number."""
    counts = np.zeros(max(len(centres), PIECE // 64), np.int64)
    for piece in pieces(len(centres)):
        cubes = np.floor(centres[piece] / size).astype(np.int64)
        mixed = (cubes @ np.array([73856093, 19349663, 83492791])) % len(counts)
        counts += np.bincount(mixed, minlength=len(counts))
    must(int(counts.max()) <= CROWD, path, f"at most {CROWD} in a cube of one diameter", int(counts.max()))
