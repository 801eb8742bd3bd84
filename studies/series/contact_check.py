"""One contact of two coated cores, solved in voxels and by the formula of a network of blocks."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from microstructure.coats.coat_models import coat_thickness
from microstructure.recipe import Recipe
from studies.study import Study
from studies.summary import Value
from transport import effective_conductivity
from transport.networks.block_network import BlockNetwork, CoatContacts

GAP = 0.5  # gap between the two cores, in coat thicknesses
LAYERS = 6  # voxels across a coat, and half as many: the staircase error is extrapolated away
LARGEST = 100  # voxels across a core radius: a coat too thin for that is not checked


def contact_task(study: Study) -> list[Value]:
    """Ion conductance of a two-block contact, formula over voxel solve: the first and the last composition's coat."""
    recipes = {str(recipe): recipe for recipe in (study.recipes[0], study.recipes[-1])}
    found = {name: contact_ratio(study, recipe) for name, recipe in recipes.items()}
    quantity, setting = "contact_network_over_voxels", f"gap={GAP:g} coats"
    return [Value(quantity, name, setting, "1", ratio) for name, ratio in found.items() if ratio is not None]


def contact_ratio(study: Study, recipe: Recipe) -> float | None:
    """Conductance between the equators of two equal coated cores: formula over voxels; None for a coat too thin."""
    radius = 0.5 * study.constants["cam.median_diameter"]
    thickness = coat_thickness(recipe, study.composite.coat)
    voxels = 2 * math.ceil(0.5 * LAYERS * radius / thickness)
    if voxels > LARGEST:
        return None
    gap = GAP * thickness
    fine, coarse = (voxel_conductance(radius, thickness, gap, count) for count in (voxels, voxels // 2))
    return formula_conductance(radius, thickness, gap) / (2.0 * fine - coarse)


def formula_conductance(radius: float, thickness: float, gap: float) -> float:
    """The answer of a network of blocks for a matrix of 1 S/m [S].

    From the equator of one block over the contact to the equator of the next is as far as from pole to pole of one.
    """
    area = face_area(radius, thickness, gap)
    poles = CoatContacts(
        pairs=np.array([[0, 1], [0, 2]]),
        areas=np.full(2, area),
        normals=np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]),
        thickness=np.array([thickness]),
        radii=np.array([radius]),
    )
    return BlockNetwork.of_coats(poles, 1.0).conductance()


def face_area(radius: float, thickness: float, gap: float) -> float:
    """Area of the plane half-way between two cores that lies in both coats [m2]."""
    return math.pi * max(0.0, (radius + thickness) ** 2 - (radius + 0.5 * gap) ** 2)


def voxel_conductance(radius: float, thickness: float, gap: float, voxels: int) -> float:
    """Voxel solve of a quarter of the same two coats between their equator planes, for a matrix of 1 S/m [S]."""
    labels, voxel = contact_image(radius, thickness, gap, voxels)
    found = effective_conductivity(
        labels, conductivity={0: 0.0, 1: 0.0, 2: 1.0}, voxel_size=voxel, axis=0, periodic=(False, False, False)
    )
    return 4.0 * found.value * labels.shape[1] * labels.shape[2] / labels.shape[0] * voxel


def contact_image(radius: float, thickness: float, gap: float, voxels: int) -> tuple[NDArray[np.uint8], float]:
    """A quarter of two coated cores, from the centre of one to the centre of the other, and the voxel size."""
    distance = 2.0 * radius + gap
    voxel = distance / round(distance / (radius / voxels))
    sides = math.ceil((radius + thickness) / voxel) + 1
    x = (np.arange(round(distance / voxel)) + 0.5)[:, None, None] * voxel
    square = ((np.arange(sides) + 0.5) * voxel) ** 2
    across = square[None, :, None] + square[None, None, :]
    nearest = np.sqrt(np.minimum(x, distance - x) ** 2 + across)
    return np.where(nearest <= radius, 1, np.where(nearest <= radius + thickness, 2, 0)).astype(np.uint8), voxel
