"""Open and closed pores of a structure, as a pycnometer would find them, and the porosity of a pellet by its mass."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from microstructure.arguments import check_kind, check_number, check_positive
from microstructure.errors import RecipeError
from microstructure.recipe import Recipe
from microstructure.structure import Phase, Structure


@dataclass(frozen=True)
class Porosity:
    """Shares of the volume that are pore."""

    total: float = field(metadata={"unit": "1"})
    between_blocks: float = field(metadata={"unit": "1", "what": "pores that the image shows"})
    inside_matrix: float = field(metadata={"unit": "1", "what": "pores of the unresolved matrix, from the recipe"})
    open: float = field(metadata={"unit": "1", "what": "what gas reaches from the free sides"})

    @property
    def closed(self) -> float:
        """Pores that gas does not reach."""
        return self.total - self.open


def measure_porosity(structure: Structure, *, open_matrix_share: float = 0.0) -> Porosity:
    """Total and open porosity: of the image, and inside the matrix where the image does not resolve it.

    Open is what gas (helium in a pycnometer) reaches through the faces of pore voxels from a free side of the box.

    Parameters
    ----------
    structure : Structure
    open_matrix_share : float
        Share of the pores inside the unresolved matrix that gas reaches, 0 to 1: an assumption.

    Raises
    ------
    ValueError
        If every axis is periodic, so that there is no outside; or if the image has matrix voxels and no recipe.

    Examples
    --------
    >>> labels = np.ones((5, 5, 5), np.uint8)
    >>> labels[2, 2, 2] = labels[0, 0, 0] = 0
    >>> found = measure_porosity(Structure(labels, 1e-6, (False, True, True), (5e-6,) * 3))
    >>> (found.total, found.open)
    (0.016, 0.008)
    """
    check_kind("structure", structure, Structure)
    if not 0.0 <= check_number("open_matrix_share", open_matrix_share) <= 1.0:
        raise ValueError(f"open_matrix_share lies in [0, 1]; got {open_matrix_share!r}")
    if all(structure.periodic):
        raise ValueError("with three periodic axes nothing is outside: phase_fractions gives the total porosity")
    between, matrix = structure.fraction(Phase.PORE), structure.fraction(Phase.MATRIX)
    inside = matrix * _recipe_of(structure).coat_porosity if matrix > 0.0 else 0.0
    reached = _reached_share(structure.labels == Phase.PORE, structure.periodic)
    return Porosity(between + inside, between, inside, reached + open_matrix_share * inside)


def porosity_from_mass(recipe: Recipe, *, mass: float, volume: float) -> float:
    """Porosity as the paper determines it: 1 - mass / (volume x mixed density of the recipe).

    Parameters
    ----------
    mass, volume : float
        Of the pellet [kg], [m3].

    Raises
    ------
    RecipeError
        If the pellet is denser than the recipe's solids.

    Examples
    --------
    >>> round(porosity_from_mass(Recipe.parse("80:20:3"), mass=1e-3, volume=1e-3 / 2960.0), 2)
    0.25
    """
    density = check_kind("recipe", recipe, Recipe).mixed_density
    check_positive("mass", mass, "kg")
    check_positive("volume", volume, "m3")
    porosity = 1.0 - mass / (volume * density)
    if porosity < -1e-12:
        raise RecipeError(f"{mass / volume:.0f} kg/m3 is more than the {density:.0f} kg/m3 of {recipe} without a pore")
    return max(porosity, 0.0)


def _reached_share(pore: NDArray[np.bool_], periodic: tuple[bool, bool, bool]) -> float:
    """Share of the voxels that are pore and joined to a free side, through faces and periodic boundaries."""
    labels, count = ndimage.label(pore)
    joints = [np.empty((2, 0), np.int64)]
    outside = np.zeros(count + 1, np.bool_)
    for axis, wrap in enumerate(periodic):
        first, last = (np.asarray(labels.take(end, axis), np.int64).ravel() for end in (0, -1))
        if wrap:
            joints.append(np.stack([first, last])[:, (first > 0) & (last > 0)])
        else:
            outside[first] = outside[last] = True
    one, other = np.concatenate(joints, axis=1)
    graph = sparse.coo_array((np.ones(len(one), np.bool_), (one, other)), shape=(count + 1, count + 1))
    groups = sparse.csgraph.connected_components(graph, directed=False)[1]
    outside[0] = False
    reached = np.isin(groups, groups[outside])
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    return float(sizes[1:][reached[1:]].sum() / pore.size)


def _recipe_of(structure: Structure) -> Recipe:
    if structure.recipe is None:
        raise ValueError("this needs the recipe, for what the matrix is made of: give a composite of build_composite")
    return structure.recipe
