"""Coats on packed cores: a film on every core, and the rest of the matrix in recesses and interstices."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from microstructure._coats import Cores, Film, half_gaps, nearest_core
from microstructure.contacts import find_contacts
from microstructure.errors import RecipeError
from microstructure.materials import known
from microstructure.packing import Packing
from microstructure.recipe import Recipe

COAT_MODELS = ("film", "shell")


@dataclass(frozen=True)
class Coats:
    """How the matrix of a recipe lies on the cores of a packing."""

    model: str
    thickness: float = field(metadata={"unit": "m", "what": "of the film or shell, matrix pores included"})
    fill_height: float = field(metadata={"unit": "m", "what": "gaps up to twice this are filled with matrix"})
    film_share: float = field(metadata={"unit": "1", "what": "share of the matrix in the film"})
    recess_share: float = field(metadata={"unit": "1", "what": "share in recesses: half gap up to two thicknesses"})
    interstice_share: float = field(metadata={"unit": "1", "what": "share in the wider gaps"})

    @property
    def film(self) -> Film:
        """The film as the kernels want it."""
        return Film(self.thickness, self.fill_height)


@dataclass(frozen=True)
class Regions:
    """Voxel fields that the coats are cut from."""

    distance: NDArray[np.float32]  # [m] to the nearest core surface, negative inside
    owner: NDArray[np.int32]  # that core
    half_gap: NDArray[np.float32]  # [m] half the gap that faces the voxel


def coat_thickness(recipe: Recipe, model: str) -> float:
    """Thickness of one block's coat, the pores inside the matrix included [m].

    "film": the recipe's soft volume on the true (specific) surface of the cores; "shell": all of it evenly on smooth
    spheres of the median diameter.
    """
    known(model, dict.fromkeys(COAT_MODELS), "coat model")
    if model == "film":
        smooth = 6.0 / (recipe.materials["cam.density"] * recipe.materials["cam.median_diameter"])
        if recipe.materials["cam.specific_surface"] < smooth:
            raise RecipeError(
                f"a specific surface of {recipe.materials['cam.specific_surface']:.0f} m2/kg is less than the"
                f" {smooth:.0f} m2/kg of smooth spheres: use coat='shell' or a larger surface"
            )
        return recipe.film_thickness() / (1.0 - recipe.matrix_porosity)
    radius = 0.5 * recipe.materials["cam.median_diameter"]
    return radius * math.expm1(math.log1p(recipe.matrix_per_core) / 3.0)


def neighbourhood(packing: Packing, reach: float) -> Cores:
    """The cores, each with all those whose surfaces are less than `reach` apart, images included."""
    contacts = find_contacts(packing, gap=reach)
    sources, neighbours = np.concatenate([contacts.pairs, contacts.pairs[:, ::-1]]).T
    vectors = np.concatenate([contacts.vectors, -contacts.vectors])
    order = np.argsort(sources, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(sources, minlength=packing.count))])
    wall = 0.0 if packing.periodic[0] else float(packing.box[0])
    return Cores(packing.centres, packing.radii, start, vectors[order], neighbours[order].astype(np.int32), wall)


def measure_regions(packing: Packing, cores: Cores, voxel_size: float, reach: float) -> Regions:
    """Distance, owner and facing gap of every voxel of the box."""
    shape = tuple(round(edge / voxel_size) for edge in packing.box)
    distance = np.full(shape, np.float32(reach))
    owner = np.full(shape, -1, np.int32)
    half_gap = np.empty(shape, np.float32)
    periodic = np.asarray(packing.periodic)
    nearest_core(cores.centres, cores.radii, reach, voxel_size, periodic, distance, owner)
    half_gaps(distance, owner, cores, voxel_size, periodic, half_gap)
    return Regions(distance, owner, half_gap)


def lay_coats(regions: Regions, recipe: Recipe, *, model: str, core_fraction: float) -> tuple[NDArray[np.uint8], Coats]:
    """Label cores, matrix and pores so that each has the recipe's volume, exact to one voxel.

    Returns
    -------
    labels : uint8 [x, y, z]
        0 pore, 1 core, 2 matrix.
    coats : Coats
    """
    thickness = coat_thickness(recipe, model)
    size = regions.distance.size
    core_voxels = round(core_fraction * size)
    matrix_voxels = min(round(core_fraction * recipe.matrix_per_core * size), size - core_voxels)
    labels = np.zeros(size, np.uint8)
    distance, half_gap = regions.distance.ravel(), regions.half_gap.ravel()
    ranked = np.argpartition(distance, core_voxels - 1)
    labels[ranked[:core_voxels]] = 1
    outside = ranked[core_voxels:]
    in_film = distance[outside] <= thickness
    # the film first, from the core outwards; then the gaps, narrow ones first
    rank = np.where(in_film, distance[outside] - thickness, np.maximum(half_gap[outside], thickness))
    order = np.argsort(rank, kind="stable")[:matrix_voxels]
    labels[outside[order]] = 2
    last = float(rank[order[-1]]) if matrix_voxels < len(outside) else math.inf
    film = float(np.mean(in_film[order]))
    recess = float(np.mean((rank[order] > 0) & (rank[order] <= 2.0 * thickness)))
    coats = Coats(model, thickness, max(last, thickness), film, recess, max(0.0, 1.0 - film - recess))
    return labels.reshape(regions.distance.shape), coats
