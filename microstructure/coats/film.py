"""Coats as films: the recipe's soft volume evenly on the true (specific) surface of the cores."""

from __future__ import annotations

from microstructure.coats.thickness_model import CoatModel
from microstructure.cores.sphere_packing import Packing
from microstructure.errors import RecipeError
from microstructure.recipe import Recipe


def film_thickness(recipe: Recipe) -> float:
    """Thickness [m], the pores inside the matrix included; a RecipeError for less surface than smooth spheres have."""
    smooth = 6.0 / (recipe.materials["cam.density"] * recipe.materials["cam.median_diameter"])
    if recipe.materials["cam.specific_surface"] < smooth:
        raise RecipeError(
            f"a specific surface of {recipe.materials['cam.specific_surface']:.0f} m2/kg is less than the"
            f" {smooth:.0f} m2/kg of smooth spheres: use coat='shell' or a larger surface"
        )
    return recipe.film_thickness() / (1.0 - recipe.coat_porosity)


def on_one_core(recipe: Recipe, diameter: float) -> float:
    """The same on a core of any diameter [m]."""
    return film_thickness(recipe)


def on_packed_cores(recipe: Recipe, packing: Packing) -> float:
    """The same on the cores of any packing [m]."""
    return film_thickness(recipe)


FILM = CoatModel(alone=on_one_core, packed=on_packed_cores)
