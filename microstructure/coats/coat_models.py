"""The models of a coat by name: what study files, the command line and charts know."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from microstructure.arguments import check_kind, check_lengths, check_name
from microstructure.coats.film import FILM
from microstructure.coats.shell import SHELL
from microstructure.coats.thickness_model import CoatModel
from microstructure.recipe import Recipe

COAT_MODELS: Mapping[str, CoatModel] = MappingProxyType(
    {
        "film": FILM,
        "shell": SHELL,
    }
)


def coat_model(name: str) -> CoatModel:
    """The model of this name; a ValueError that brings the known ones if there is none."""
    return COAT_MODELS[check_name("coat", name, COAT_MODELS)]


def coat_thickness(recipe: Recipe, model: str, diameter: float | None = None) -> float:
    """Thickness of one block's coat, the pores inside the matrix included [m].

    "film": the recipe's soft volume on the true (specific) surface of the cores; "shell": all of it evenly on smooth
    spheres of one diameter, the median of the materials if not given.

    Parameters
    ----------
    recipe : Recipe
    model : str
        A name of `COAT_MODELS`.
    diameter : float, optional
        Of the core [m].

    Returns
    -------
    float
        [m]

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
