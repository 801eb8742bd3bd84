"""A pressed or loose composite: packed cores, their coats, and every carbon aggregate in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from microstructure.aggregates import AggregateLibrary, build_library
from microstructure.arguments import check_kind, check_lengths, check_rng
from microstructure.building_blocks import Clusters
from microstructure.coat_carbon import fill_coats
from microstructure.coats import coat_reach, coat_thickness, dry_coats, neighbourhood
from microstructure.materials import Materials
from microstructure.packing import Packing, pack_spheres
from microstructure.recipe import Recipe
from microstructure.relief import Unevenness, draw_relief
from microstructure.sizes import Lognormal
from microstructure.structure import Structure
from microstructure.voxels import check_voxel, lay_coats

PERIODIC = (False, True, True)


def build_composite(
    recipe: Recipe,
    *,
    sizes: Any = None,
    porosity: float,
    coat: str = "film",
    box: tuple[float, float, float],
    voxel_size: float,
    fit: str = "reorient",
    library: AggregateLibrary | None = None,
    unevenness: Unevenness | None = None,
    clusters: Clusters | None = None,
    rng: np.random.Generator,
) -> Structure:
    """Build a composite between separator (x = 0) and collector (x = box[0]), periodic in y and z.

    Parameters
    ----------
    recipe : Recipe
    sizes : distribution, optional
        Core diameters; lognormal by volume with the median and width of the materials if not given.
    porosity : float
        Total porosity: the pores inside the matrix and those between the blocks.
    coat : {"film", "shell"}
        See `microstructure.coats.coat_thickness`. The recipe's matrix volume is kept in either case.
    box : three floats
        Edges [m].
    voxel_size : float
        Edge of a voxel [m]; the box is rounded to whole voxels.
    fit : {"reorient", "compress", "cut"}
        How an aggregate larger than the local coat is made to fit.
    library : AggregateLibrary, optional
        Aggregates to use; built from the materials if not given.
    unevenness : Unevenness, optional
        How the film varies over a core, and what share of it is bare; an even film if not given.
    clusters : Clusters, optional
        What share of the cores sits in blocks of several touching cores; every core is a block if not given.

    Returns
    -------
    Structure
        `labels` uint8 (0 pore, 1 core, 2 matrix), `owners` and `blocks` (core and block of each voxel, -1 for none),
        `cores`, `coats`, `carbon`.

    Raises
    ------
    RecipeError
        If the porosity is outside (0, 1) or below what the pores of the matrix need.
    ValueError
        If a length is not positive, or a voxel larger than a fifth of a core.
    PackingError
        If the cores cannot be packed that densely.

    Examples
    --------
    >>> recipe = Recipe.parse("80:20:0.2")
    >>> rng = np.random.default_rng(1)
    >>> cell = build_composite(recipe, porosity=0.2, box=(8e-6, 6e-6, 6e-6), voxel_size=125e-9, rng=rng)
    >>> round(float((cell.labels == 1).mean()), 3)
    0.546
    """
    check_kind("recipe", recipe, Recipe)
    check_rng(rng)
    materials, core_fraction = recipe.materials, recipe.core_fraction(porosity)
    check_lengths(voxel_size=voxel_size, **{f"box[{axis}]": edge for axis, edge in enumerate(box)})
    shape = [round(edge / voxel_size) for edge in box]
    core_rng, carbon_rng, library_rng = rng.spawn(3)
    packing = pack_spheres(
        core_sizes(materials) if sizes is None else sizes,
        fraction=core_fraction,
        box=tuple(count * voxel_size for count in shape),
        periodic=PERIODIC,
        clearance=coat_thickness(recipe, coat),
        clusters=clusters,
        rng=core_rng,
    )
    if library is None and recipe.cb > 0:
        library = carbon_library(materials, rng=library_rng)
    return coat_composite(
        recipe,
        packing,
        voxel_size=voxel_size,
        coat=coat,
        fit=fit,
        library=library,
        unevenness=unevenness,
        rng=carbon_rng,
    )


def coat_composite(
    recipe: Recipe,
    packing: Packing,
    *,
    voxel_size: float,
    coat: str = "film",
    fit: str = "reorient",
    library: AggregateLibrary | None,
    unevenness: Unevenness | None = None,
    walls: bool = True,
    rng: np.random.Generator,
) -> Structure:
    """Lay the recipe's matrix and carbon on cores that are already packed; the rest of the box is pore."""
    check_voxel(voxel_size, recipe, coat)
    near = neighbourhood(packing, coat_reach(recipe, coat, packing), walls=walls)
    relief = None if unevenness is None else draw_relief(unevenness, packing, rng=rng.spawn(1)[0])
    film = dry_coats(recipe, packing, coat, relief, walls=walls)
    image, coats = lay_coats(packing, near, recipe, voxel_size, film=film)
    carbon = None
    if recipe.cb > 0:
        if library is None:
            raise TypeError(f"{recipe} has carbon: give a library of aggregates")
        volumes = recipe.volume_fractions
        carbon = fill_coats(
            library,
            packing,
            near,
            image.labels,
            image.owners,
            coats,
            voxel_size=voxel_size,
            fit=fit,
            rng=rng,
            volume=packing.fraction * float(np.prod(packing.box)) * volumes.cb / volumes.cam,
        )
    length, width, depth = packing.box.tolist()
    box = (length, width, depth)
    return Structure(image.labels, voxel_size, packing.periodic, box, recipe, image.owners, packing, coats, carbon)


def core_sizes(materials: Materials) -> Lognormal:
    """The core size distribution of the materials."""
    return Lognormal(materials["cam.median_diameter"], materials["cam.size_width"], weighting="volume")


def carbon_library(
    materials: Materials, *, size_measure: str = "hydrodynamic", rng: np.random.Generator
) -> AggregateLibrary:
    """A library of aggregates as the materials describe them."""
    return build_library(
        rng=rng,
        diameter=materials["cb.aggregate_diameter"],
        width=materials["cb.aggregate_width"],
        size_measure=size_measure,
        primary_diameter=materials["cb.primary_diameter"],
        fractal_dimension=materials["cb.fractal_dimension"],
        prefactor=materials["cb.fractal_prefactor"],
    )
