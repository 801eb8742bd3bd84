"""Porosity against cases worked by hand and a slow twin."""

from collections import deque

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from microstructure.errors import RecipeError
from microstructure.images.porosity import measure_porosity, porosity_from_mass
from microstructure.recipe import Recipe
from microstructure.structure import Phase, Structure

FREE = (False, False, False)


def structure(labels, periodic=FREE, recipe=None, carbon=None, voxel=1e-7):
    labels = np.asarray(labels, np.uint8)
    return Structure(labels, voxel, periodic, tuple(n * voxel for n in labels.shape), recipe, carbon=carbon)


def slow_open_share(pore, periodic):
    """Breadth first from the free sides."""
    seen, queue = np.zeros_like(pore), deque()
    for point in map(tuple, np.argwhere(pore)):
        if any(not periodic[axis] and point[axis] in (0, pore.shape[axis] - 1) for axis in range(3)):
            seen[point] = True
            queue.append(point)
    while queue:
        point = queue.popleft()
        for axis in range(3):
            for sign in (1, -1):
                near = list(point)
                near[axis] += sign
                if not 0 <= near[axis] < pore.shape[axis]:
                    if not periodic[axis]:
                        continue
                    near[axis] %= pore.shape[axis]
                if pore[tuple(near)] and not seen[tuple(near)]:
                    seen[tuple(near)] = True
                    queue.append(tuple(near))
    return seen.mean()


@pytest.mark.parametrize(
    "periodic", [FREE, (False, True, True), (True, False, True), (True, True, False), (True, False, False)]
)
@pytest.mark.parametrize("seed", [1, 2])
def test_open_pores_agree_with_a_slow_twin(periodic, seed):
    field = gaussian_filter(np.random.default_rng(seed).standard_normal((14, 12, 13)), 0.8)
    pore = field > np.quantile(field, 0.72)
    found = measure_porosity(structure(~pore, periodic))
    assert found.open == pytest.approx(slow_open_share(pore, periodic), abs=1e-12)
    assert found.total == found.between_blocks == pytest.approx(pore.mean())
    assert found.closed == pytest.approx(found.total - found.open)
    assert found.closed > 0


def test_a_pore_may_be_open_through_a_periodic_side_alone():
    labels = np.ones((6, 6, 6), np.uint8)
    labels[0, 0, 2] = labels[1, 0, 2] = labels[1, 5, 2] = 0  # from the free face x = 0 back through y = 0
    assert measure_porosity(structure(labels, (False, True, True))).closed == 0.0
    assert measure_porosity(structure(labels[1:], (False, True, False))).closed == 0.0
    inner = np.roll(labels, 2, axis=0)
    assert measure_porosity(structure(inner, (False, True, True))).open == 0.0


def test_pores_inside_the_matrix_come_from_the_recipe():
    recipe = Recipe.parse("80:20:3")
    labels = np.full((4, 4, 5), Phase.MATRIX, np.uint8)
    labels[0], labels[3] = Phase.CORE, Phase.PORE
    found = measure_porosity(structure(labels, recipe=recipe))
    assert found.inside_matrix == pytest.approx(0.5 * recipe.coat_porosity)
    assert found.total == pytest.approx(0.25 + 0.5 * recipe.coat_porosity)
    assert found.open == pytest.approx(0.25)
    assert measure_porosity(structure(labels, recipe=recipe), open_matrix_share=1.0).closed == pytest.approx(0.0)
    with pytest.raises(ValueError, match="recipe"):
        measure_porosity(structure(labels))
    with pytest.raises(ValueError, match="periodic"):
        measure_porosity(structure(labels, (True, True, True), recipe))
    with pytest.raises(ValueError, match="open_matrix_share"):
        measure_porosity(structure(labels, recipe=recipe), open_matrix_share=1.5)
    with pytest.raises(TypeError, match="structure"):
        measure_porosity(labels)


def mass_of(cell):
    """All solids [kg]: the phases of the image times the densities of its recipe."""
    recipe, density = cell.recipe, cell.recipe.materials
    carbon = recipe.volume_fraction
    matrix = carbon * density["cb.density"] + (1.0 - carbon) * density["se.density"]
    solids = (1.0 - recipe.coat_porosity) * matrix
    return cell.volume * (cell.fraction(Phase.CORE) * density["cam.density"] + cell.fraction(Phase.MATRIX) * solids)


@pytest.mark.parametrize("text", ["80:20:0", "80:20:3", "95:5:0.8"])
def test_weighing_a_composite_gives_its_total_porosity(text):
    """An image with the recipe's volumes: the paper's mass, volume and mixed density lead back to the pores."""
    recipe, size = Recipe.parse(text), 60**3
    cores = round(recipe.core_fraction(0.3) * size)
    matrix = round(cores * recipe.matrix_per_core)
    labels = np.repeat([Phase.CORE, Phase.MATRIX, Phase.PORE], [cores, matrix, size - cores - matrix])
    cell = structure(labels.reshape(60, 60, 60), recipe=recipe)
    weighed = porosity_from_mass(recipe, mass=mass_of(cell), volume=cell.volume)
    assert weighed == pytest.approx(measure_porosity(cell).total, abs=2e-5) == pytest.approx(0.3, abs=2e-5)


def test_porosity_from_mass():
    recipe = Recipe.parse("80:20:3")
    assert porosity_from_mass(recipe, mass=1e-3, volume=1e-3 / 3947.0) == pytest.approx(0.0, abs=1e-4)
    with pytest.raises(RecipeError, match="without a pore"):
        porosity_from_mass(recipe, mass=1e-3, volume=1e-3 / 4200.0)
    with pytest.raises(ValueError, match="mass"):
        porosity_from_mass(recipe, mass=-1.0, volume=1.0)
