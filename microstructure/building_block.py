"""One building block by itself: a core, or a few that touch, in a coat with all of its carbon."""

from __future__ import annotations

import math
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_kind, check_lengths, check_rng, check_runs
from microstructure.carbon.aggregates import AggregateLibrary
from microstructure.carbon.placement import CarbonOptions
from microstructure.coats.coat_models import coat_thickness
from microstructure.coats.unevenness import Unevenness
from microstructure.composite import carbon_library, check_options, coat_composite
from microstructure.cores.sphere_packing import Packing
from microstructure.images.voxelise import check_core
from microstructure.materials import Materials
from microstructure.recipe import Recipe
from microstructure.structure import Structure

ROOM = 2.5  # coat thicknesses around the cores: an uneven coat and the carbon that stands out of it fit in
MOST_CORES = 1_000  # in one block
PLACES = 10_000  # tried for each further core of a cluster


def building_block(
    recipe: Recipe,
    *,
    diameter: float | None = None,
    cores: int = 1,
    coat: str = "shell",
    voxel_size: float,
    unevenness: Unevenness | None = None,
    library: AggregateLibrary | None = None,
    rng: np.random.Generator,
    **carbon: Unpack[CarbonOptions],
) -> Structure:
    """Build one block with free space around it.

    Parameters
    ----------
    recipe : Recipe
    diameter : float
        Diameter of each core [m]; the median of the materials if not given.
    cores : int
        Cores in the block; each touches an earlier one. The recesses between them are filled first.
    coat : {"shell", "film"}
        See `microstructure.coats.coat_thickness`. What a film leaves over lies in recesses, then around the film.
    voxel_size : float
        Edge of a voxel [m].
    unevenness, library, rng, **carbon
        As in `build_composite`; `carbon` is any of fit, max_overlap, hard and dispersion.

    Returns
    -------
    Structure
        With walls nowhere and nothing periodic; matrix and carbon have the recipe's volume.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind or out of range.

    Examples
    --------
    >>> block = building_block(Recipe.parse("80:20:0"), voxel_size=50e-9, rng=np.random.default_rng(1))
    >>> round(block.coats.thickness * 1e9)
    231
    """
    check_kind("recipe", recipe, Recipe)
    check_rng(rng)
    if unknown := set(carbon) - set(CarbonOptions.__annotations__):
        raise TypeError(f"building_block takes no {', '.join(sorted(unknown))}=")
    size = recipe.materials["cam.median_diameter"] if diameter is None else diameter
    check_lengths(diameter=size, voxel_size=voxel_size)
    check_core(voxel_size, size)
    check_options(unevenness, library, np.empty(0), carbon)
    core_rng, carbon_rng, library_rng = rng.spawn(3)
    centres = _touching(check_runs(cores, "cores"), size, rng=core_rng)
    room = 0.5 * size + ROOM * coat_thickness(recipe, coat, size)
    extent = np.ceil((np.ptp(centres, axis=0) + 2.0 * room) / voxel_size) * voxel_size
    centres += 0.5 * (extent - centres.max(axis=0) - centres.min(axis=0))
    fraction = cores * math.pi / 6.0 * size**3 / float(np.prod(extent))
    alone = (False, False, False)
    packing = Packing(centres, np.full(cores, size), extent, alone, fraction, 0.0, "block")
    if library is None and recipe.cb > 0:
        library = carbon_library(recipe.materials, rng=library_rng)
    return coat_composite(
        recipe,
        packing,
        voxel_size=voxel_size,
        coat=coat,
        unevenness=unevenness,
        walls=False,
        library=library,
        rng=carbon_rng,
        **carbon,
    )


def coated_core(diameter: float, thickness: float, *, voxel_size: float, materials: Materials) -> Structure:
    """One core in an even coat of this thickness [m], without carbon yet.

    Examples
    --------
    >>> block = coated_core(3.3e-6, 150e-9, voxel_size=50e-9, materials=Materials.load())
    >>> round(block.coats.thickness * 1e9, 6)
    150.0
    """
    check_lengths(diameter=diameter, thickness=thickness, voxel_size=voxel_size)
    check_kind("materials", materials, Materials)
    matrix = (1.0 + 2.0 * thickness / diameter) ** 3 - 1.0  # per volume of the core, its pores included
    soft = matrix * (1.0 - materials.coat_porosity(0.0))
    recipe = Recipe(materials["cam.density"], soft * materials["se.density"], 0.0, materials)
    rng = np.random.default_rng(0)  # nothing of it is used: an even coat on one core has no chance in it
    return building_block(recipe, diameter=diameter, coat="shell", voxel_size=voxel_size, rng=rng)


def _touching(count: int, diameter: float, *, rng: np.random.Generator) -> NDArray[np.float64]:
    """Centres of spheres of which each touches an earlier one and none overlaps another, float64 (count, 3)."""
    if count > MOST_CORES:
        raise ValueError(f"a block has {MOST_CORES} cores at most, got {count}: build_composite packs more of them")
    centres = np.zeros((1, 3))
    while len(centres) < count:
        for _ in range(PLACES):
            direction = rng.standard_normal(3)
            place = centres[rng.integers(len(centres))] + diameter * direction / np.linalg.norm(direction)
            if np.all(np.linalg.norm(centres - place, axis=1) > diameter * (1.0 - 1e-9)):
                break
        else:
            raise ValueError(f"{count} cores of one size cannot touch in one block; ask for fewer")
        centres = np.append(centres, place[None], axis=0)
    return centres
