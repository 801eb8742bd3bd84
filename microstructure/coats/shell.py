"""Coats as shells: all of the matrix evenly on smooth spheres."""

from __future__ import annotations

import math

from scipy.optimize import brentq

from microstructure.coats.thickness_model import CoatModel, left_over
from microstructure.cores.sphere_packing import Packing
from microstructure.recipe import Recipe


def on_one_core(recipe: Recipe, diameter: float) -> float:
    """Thickness on a core of this diameter [m]."""
    return 0.5 * diameter * math.expm1(math.log1p(recipe.matrix_per_core) / 3.0)


def on_packed_cores(recipe: Recipe, packing: Packing) -> float:
    """The one thickness at which the cores of a packing hold all of their matrix, whatever their sizes [m]."""
    widest = 2.0 * on_one_core(recipe, 2.0 * float(packing.shapes.outer_radius.max()))
    return float(brentq(lambda height: left_over(recipe, packing, height), 0.0, widest, xtol=1e-15))


SHELL = CoatModel(alone=on_one_core, packed=on_packed_cores)
