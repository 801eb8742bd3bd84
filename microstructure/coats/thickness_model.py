"""A model of a coat: how thick it is on a core by itself, and on each core of a packing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from microstructure.cores.sphere_packing import Packing
from microstructure.recipe import Recipe


@dataclass(frozen=True)
class CoatModel:
    """How thick the coats of a recipe are: a model brings both computations, so that none stands in for another."""

    alone: Callable[[Recipe, float], float]  # of one block with a core of this diameter [m]
    packed: Callable[[Recipe, Packing], float]  # of the cores of a packing [m]


def left_over(recipe: Recipe, packing: Packing, height: float) -> float:
    """Share of the recipe's matrix that even coats of this height do not hold; negative where they would hold more."""
    bodies = packing.shapes
    cores = bodies.volumes
    return float(1.0 - np.sum(bodies.volumes_within(height) - cores) / (np.sum(cores) * recipe.matrix_per_core))
