"""Coats on packed cores: a film on every core, and the rest of the matrix in its roughness, recesses, interstices."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from scipy.optimize import brentq

from microstructure.arguments import check_kind, check_lengths, check_name
from microstructure.coats._coating import Cores, Film
from microstructure.coats.unevenness import Relief, even_film
from microstructure.cores.contacts import find_contacts
from microstructure.cores.sphere_packing import Packing
from microstructure.errors import RecipeError
from microstructure.recipe import Recipe


@dataclass(frozen=True)
class Coats:
    """How the matrix of a recipe lies on the cores of a packing."""

    model: str
    thickness: float = field(metadata={"unit": "m", "what": "mean of the film or shell, matrix pores included"})
    fill_height: float = field(
        metadata={"unit": "m", "what": "filled with matrix: all that is nearer than this, on average, to two cores"}
    )
    film_share: float = field(metadata={"unit": "1", "what": "share of the matrix in the film"})
    recess_share: float = field(
        metadata={"unit": "1", "what": "share in recesses, up to two thicknesses from two cores"}
    )
    interstice_share: float = field(metadata={"unit": "1", "what": "share in wider gaps, and over bare patches"})
    roughness_share: float = field(default=0.0, metadata={"unit": "1", "what": "share in the roughness of the cores"})
    roughness: float = field(
        default=0.0, metadata={"unit": "m", "what": "matrix under the film, in the texture of the surface"}
    )
    open_height: float = field(
        default=0.0, metadata={"unit": "m", "what": "how high matrix reaches where no core faces, if above the film"}
    )
    walls: bool = field(default=True, metadata={"what": "whether gaps end at the faces of x that are not periodic"})
    relief: Relief | None = field(default=None, repr=False, metadata={"what": "how the film varies, if it does"})

    @property
    def film(self) -> Film:
        """The film as the kernels want it."""
        shape = even_film if self.relief is None else self.relief.film
        return shape(self.thickness, self.roughness, self.fill_height, self.open_height)


@dataclass(frozen=True)
class CoatModel:
    """How thick the coats of a recipe are: a model brings both computations, so that none stands in for another."""

    alone: Callable[[Recipe, float], float]  # of one block with a core of this diameter [m]
    packed: Callable[[Recipe, Packing], float]  # of the cores of a packing [m]


def coat_thickness(recipe: Recipe, model: str, diameter: float | None = None) -> float:
    """Thickness of one block's coat, the pores inside the matrix included [m].

    "film": the recipe's soft volume on the true (specific) surface of the cores; "shell": all of it evenly on smooth
    spheres of one diameter, the median of the materials if not given.

    Raises
    ------
    TypeError, ValueError
        If the model is none of `COAT_MODELS`, or the diameter no length.
    """
    check_kind("recipe", recipe, Recipe)
    chosen = coat_model(model)
    size = recipe.materials["cam.median_diameter"] if diameter is None else diameter
    check_lengths(diameter=size)
    return chosen.alone(recipe, size)


def coat_model(name: str) -> CoatModel:
    """The model of this name; a ValueError that brings the known ones if there is none."""
    return COAT_MODELS[check_name("coat model", name, COAT_MODELS)]


def _film_thickness(recipe: Recipe) -> float:
    smooth = 6.0 / (recipe.materials["cam.density"] * recipe.materials["cam.median_diameter"])
    if recipe.materials["cam.specific_surface"] < smooth:
        raise RecipeError(
            f"a specific surface of {recipe.materials['cam.specific_surface']:.0f} m2/kg is less than the"
            f" {smooth:.0f} m2/kg of smooth spheres: use coat='shell' or a larger surface"
        )
    return recipe.film_thickness() / (1.0 - recipe.coat_porosity)


def _shell_alone(recipe: Recipe, diameter: float) -> float:
    return 0.5 * diameter * math.expm1(math.log1p(recipe.matrix_per_core) / 3.0)


def _shell_packed(recipe: Recipe, packing: Packing) -> float:
    widest = 2.0 * _shell_alone(recipe, 2.0 * float(packing.shapes.outer_radius.max()))
    return float(brentq(lambda height: _left_over(recipe, packing, height), 0.0, widest, xtol=1e-15))


COAT_MODELS: Mapping[str, CoatModel] = MappingProxyType(
    {
        "film": CoatModel(lambda recipe, _: _film_thickness(recipe), lambda recipe, _: _film_thickness(recipe)),
        "shell": CoatModel(_shell_alone, _shell_packed),
    }
)


def dry_coats(
    recipe: Recipe, packing: Packing, model: str, relief: Relief | None = None, *, walls: bool = True
) -> Coats:
    """The film and what lies in the roughness under it, before any gap is filled."""
    thickness = thickness_on(packing, recipe, model)
    return Coats(
        model,
        thickness,
        fill_height=0.0,
        film_share=1.0,
        recess_share=0.0,
        interstice_share=0.0,
        roughness=roughness_depth(recipe, packing, thickness),
        walls=walls,
        relief=relief,
    )


def thickness_on(packing: Packing, recipe: Recipe, model: str) -> float:
    """Thickness of the coats of these very cores [m]: a shell takes all of their matrix, whatever their sizes."""
    return coat_model(model).packed(recipe, packing)


def roughness_depth(recipe: Recipe, packing: Packing, thickness: float) -> float:
    """Matrix in the roughness of the cores over their smooth area [m]: its capacity, or all that the film leaves over.

    Drawn as a layer under the film, because the cores are drawn smooth.
    """
    capacity = recipe.materials["cam.roughness"]
    if _left_over(recipe, packing, thickness + capacity) >= 0.0:
        return capacity
    if _left_over(recipe, packing, thickness) <= 0.0:
        return 0.0
    return float(brentq(lambda depth: _left_over(recipe, packing, thickness + depth), 0.0, capacity))


def _left_over(recipe: Recipe, packing: Packing, height: float) -> float:
    """Share of the recipe's matrix that even coats of this height do not hold; negative where they would hold more."""
    bodies = packing.shapes
    cores = bodies.volumes
    return float(1.0 - np.sum(bodies.volumes_within(height) - cores) / (np.sum(cores) * recipe.matrix_per_core))


def coat_reach(recipe: Recipe, model: str, packing: Packing) -> float:
    """How far from a core matrix is looked for [m]."""
    height = thickness_on(packing, recipe, model) + recipe.materials["cam.roughness"]
    return max(float(np.median(packing.diameters)), 4.0 * height)


def neighbourhood(packing: Packing, reach: float, *, walls: bool = True) -> Cores:
    """The cores, each with all those whose surfaces are less than `reach` apart, images included, the nearest first."""
    bodies = packing.shapes
    contacts = find_contacts(packing, gap=reach)
    sources, neighbours = np.concatenate([contacts.pairs, contacts.pairs[:, ::-1]]).T
    vectors = np.concatenate([contacts.vectors, -contacts.vectors])
    gaps = np.tile(contacts.gaps, 2)
    order = np.lexsort((gaps, sources))
    start = np.concatenate([[0], np.cumsum(np.bincount(sources, minlength=packing.count))])
    wall = float(packing.box[0]) if walls and not packing.periodic[0] else 0.0
    return Cores(
        packing.centres,
        bodies.outer_radius,
        start,
        vectors[order],
        neighbours[order].astype(np.int32),
        gaps[order],
        wall,
        *bodies.solids,
    )
