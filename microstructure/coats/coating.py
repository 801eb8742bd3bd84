"""Coats on packed cores: a film on every core, and the rest of the matrix in its roughness, recesses, interstices."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import brentq

from microstructure.coats._coating import Cores, Film
from microstructure.coats.coat_models import coat_model
from microstructure.coats.thickness_model import left_over
from microstructure.coats.unevenness import Relief, even_film
from microstructure.cores.contacts import find_contacts
from microstructure.cores.sphere_packing import Packing
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
    if left_over(recipe, packing, thickness + capacity) >= 0.0:
        return capacity
    if left_over(recipe, packing, thickness) <= 0.0:
        return 0.0
    return float(brentq(lambda depth: left_over(recipe, packing, thickness + depth), 0.0, capacity))


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
