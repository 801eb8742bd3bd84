"""A pressed or loose composite: packed cores, their coats, and every carbon aggregate in them."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_edges, check_kind, check_lengths, check_optional, check_rng, check_voxels
from microstructure.carbon.aggregates import AggregateLibrary, build_library
from microstructure.carbon.coat_domain import fill_coats
from microstructure.carbon.dispersion import Dispersion, parse_dispersion
from microstructure.carbon.domains import parse_fit
from microstructure.carbon.placement import MAX_OVERLAP, CarbonOptions
from microstructure.coats.coat_models import coat_thickness
from microstructure.coats.coating import coat_reach, dry_coats, neighbourhood
from microstructure.coats.outer_face import OuterFace
from microstructure.coats.unevenness import Unevenness, draw_relief
from microstructure.cores.core_clusters import Clusters
from microstructure.cores.facet_packing import pack_bodies
from microstructure.cores.facets import Facets
from microstructure.cores.sizes import Lognormal
from microstructure.cores.sphere_packing import Packing, pack_spheres
from microstructure.images.voxelise import check_core, check_voxel, lay_coats
from microstructure.materials import Materials
from microstructure.recipe import Recipe
from microstructure.structure import Structure

PERIODIC = (False, True, True)


def build_composite(
    recipe: Recipe,
    *,
    sizes: Any = None,
    porosity: float,
    coat: str = "film",
    box: tuple[float, float, float],
    voxel_size: float,
    shape: Facets | None = None,
    clusters: Clusters | None = None,
    unevenness: Unevenness | None = None,
    library: AggregateLibrary | None = None,
    fit: str = "reorient",
    max_overlap: float = MAX_OVERLAP,
    hard: bool = False,
    dispersion: Dispersion | float = 1.0,
    protrusion: float | None = None,
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
    shape : Facets, optional
        Aspect ratio, sharpness and faces of single crystals; spheres if not given.
    clusters : Clusters, optional
        What share of the cores sits in blocks of several touching cores; every core is a block if not given.
    unevenness : Unevenness, optional
        How the film varies over a core, and what share of it is bare; an even film if not given.
    library : AggregateLibrary, optional
        Aggregates to use; built from the materials if not given.
    fit : {"reorient", "compress", "cut"}
        How an aggregate larger than the local coat is made to fit.
    max_overlap : float
        Share of a diameter by which two primaries of one squeezed aggregate may overlap. ("cut" lifts some onto the
        core; there they may overlap by half.)
    hard : bool
        Whether aggregates keep apart; by default they may overlap. Above some 5 vol% of carbon they cannot.
    dispersion : Dispersion or float
        Share of the aggregates that lie independently, 0 to 1; the others come in agglomerates.
    protrusion : float, optional
        How far carbon may stand out of the outer face of its coat [m], 0 for flush; a primary's radius if not given.

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
    edges = whole_edges(box, voxel_size)
    check_core(voxel_size, materials["cam.median_diameter"])
    carbon = CarbonOptions(fit=fit, max_overlap=max_overlap, hard=hard, dispersion=dispersion, protrusion=protrusion)
    check_options(unevenness, library, np.array(edges)[list(PERIODIC)], carbon)
    core_rng, carbon_rng, library_rng = rng.spawn(3)
    packing = pack_cores(
        core_sizes(materials) if sizes is None else sizes,
        shape,
        clusters,
        fraction=core_fraction,
        box=edges,
        clearance=coat_thickness(recipe, coat),
        rng=core_rng,
    )
    if library is None and recipe.cb > 0:
        library = carbon_library(materials, rng=library_rng)
    return coat_composite(
        recipe,
        packing,
        voxel_size=voxel_size,
        coat=coat,
        unevenness=unevenness,
        library=library,
        rng=carbon_rng,
        **carbon,
    )


def whole_edges(box: object, voxel_size: float) -> tuple[float, ...]:
    """The edges of a box [m] rounded to whole voxels."""
    check_lengths(voxel_size=voxel_size)
    shape = tuple(round(edge / voxel_size) for edge in check_edges("box", box))
    check_voxels(voxel_size, shape)
    return tuple(count * voxel_size for count in shape)


def check_options(
    unevenness: object, library: object, periodic_edges: NDArray[np.float64], carbon: CarbonOptions
) -> None:
    """Refuse at once what would else be found wrong only after the cores are packed."""
    check_optional("unevenness", unevenness, Unevenness)
    check_optional("library", library, AggregateLibrary)
    parse_fit(carbon.get("fit", "reorient"), carbon.get("max_overlap", MAX_OVERLAP))
    check_kind("hard", carbon.get("hard", False), bool)
    parse_dispersion(carbon.get("dispersion", 1.0), periodic_edges)
    OuterFace(carbon.get("protrusion"))


def pack_cores(
    sizes: Any,
    shape: Facets | None,
    clusters: Clusters | None,
    *,
    fraction: float,
    box: tuple[float, ...],
    clearance: float,
    rng: np.random.Generator,
) -> Packing:
    """Pack cores between separator and collector: spheres, clusters of spheres, or faceted crystals.

    Raises
    ------
    ValueError
        If faceted cores are to be clustered.
    """
    if shape is None:
        return pack_spheres(
            sizes, fraction=fraction, box=box, periodic=PERIODIC, clearance=clearance, clusters=clusters, rng=rng
        )
    if clusters is not None:
        raise ValueError("clusters are made of spheres: give either shape= or clusters=")
    return pack_bodies(shape, sizes, fraction=fraction, box=box, periodic=PERIODIC, clearance=clearance, rng=rng)


def coat_composite(
    recipe: Recipe,
    packing: Packing,
    *,
    voxel_size: float,
    coat: str = "film",
    unevenness: Unevenness | None = None,
    walls: bool = True,
    library: AggregateLibrary | None,
    rng: np.random.Generator,
    **carbon: Unpack[CarbonOptions],
) -> Structure:
    """Lay the recipe's matrix and carbon on cores that are already packed; the rest of the box is pore.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind or out of range.
    """
    check_kind("recipe", recipe, Recipe)
    check_kind("packing", packing, Packing)
    check_kind("walls", walls, bool)
    if recipe.cb > 0 or unevenness is not None:
        check_rng(rng)
    check_lengths(voxel_size=voxel_size)
    check_options(unevenness, library, packing.box[np.asarray(packing.periodic)], carbon)
    check_voxel(voxel_size, recipe, coat)
    check_core(voxel_size, float(packing.diameters.max()))
    near = neighbourhood(packing, coat_reach(recipe, coat, packing), walls=walls)
    relief = None if unevenness is None else draw_relief(unevenness, packing, rng=rng.spawn(1)[0])
    film = dry_coats(recipe, packing, coat, relief, walls=walls)
    image, coats = lay_coats(packing, near, recipe, voxel_size, film=film)
    placed = None
    if recipe.cb > 0:
        if library is None:
            raise TypeError(f"{recipe} has carbon: give a library of aggregates")
        volumes = recipe.volume_fractions
        placed = fill_coats(
            library,
            packing,
            near,
            image.labels,
            image.owners,
            coats,
            voxel_size=voxel_size,
            rng=rng,
            volume=packing.fraction * float(np.prod(packing.box)) * volumes.cb / volumes.cam,
            **carbon,
        )
    length, width, depth = packing.box.tolist()
    box = (length, width, depth)
    return Structure(image.labels, voxel_size, packing.periodic, box, recipe, image.owners, packing, coats, placed)


def core_sizes(materials: Materials) -> Lognormal:
    """The core size distribution of the materials."""
    return Lognormal(materials["cam.median_diameter"], materials["cam.size_width"], weighting="volume")


def carbon_library(
    materials: Materials, *, size_measure: str = "hydrodynamic", rng: np.random.Generator
) -> AggregateLibrary:
    """A library of aggregates as the materials describe them."""
    check_kind("materials", materials, Materials)
    return build_library(
        rng=rng,
        diameter=materials["cb.aggregate_diameter"],
        width=materials["cb.aggregate_width"],
        size_measure=size_measure,
        primary_diameter=materials["cb.primary_diameter"],
        fractal_dimension=materials["cb.fractal_dimension"],
        prefactor=materials["cb.fractal_prefactor"],
    )
