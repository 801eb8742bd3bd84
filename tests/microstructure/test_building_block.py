"""One building block: its coat has the recipe's volume, lies all round, and recesses of a cluster fill first."""

import numpy as np
import pytest

from microstructure.building_block import building_block
from microstructure.carbon.aggregates import build_library
from microstructure.coats.unevenness import Unevenness
from microstructure.images.voxelise import voxelise
from microstructure.recipe import Recipe
from microstructure.structure import Phase


@pytest.fixture(scope="module")
def library():
    return build_library(rng=np.random.default_rng(1), count=60)


@pytest.mark.parametrize("cores", [1, 2, 4])
@pytest.mark.parametrize("coat", ["shell", "film"])
def test_a_block_has_the_volumes_of_its_recipe(library, cores, coat):
    recipe = Recipe.parse("80:20:1")
    block = building_block(
        recipe, cores=cores, coat=coat, voxel_size=100e-9, library=library, rng=np.random.default_rng(2)
    )
    core = cores * np.pi / 6.0 * (3.3e-6) ** 3
    one = block.voxel_size**3
    assert block.fraction(Phase.CORE) * block.volume == pytest.approx(core, abs=one)
    assert block.fraction(Phase.MATRIX) * block.volume == pytest.approx(core * recipe.matrix_per_core, abs=one)
    volumes = recipe.volume_fractions
    assert block.carbon.volume == pytest.approx(core * volumes.cb / volumes.cam, abs=library.primary_volume)
    assert block.cores.count == cores


def test_a_shell_is_a_shell_and_carbon_lies_all_round(library):
    block = building_block(Recipe.parse("80:20:3"), voxel_size=75e-9, library=library, rng=np.random.default_rng(2))
    centre = block.cores.centres[0]
    points = (np.argwhere(block.labels == Phase.MATRIX) + 0.5) * block.voxel_size
    heights = np.linalg.norm(points - centre, axis=1) - 1.65e-6
    assert heights.max() < block.coats.thickness + 75e-9
    fine = voxelise(block, 0.75 * block.voxel_size)  # at another resolution it is the same shell
    points = (np.argwhere(fine.labels == Phase.MATRIX) + 0.5) * fine.voxel_size
    assert (np.linalg.norm(points - centre, axis=1) - 1.65e-6).max() < block.coats.thickness + 75e-9
    directions = block.carbon.centres - centre
    mean = (directions / np.linalg.norm(directions, axis=1)[:, None]).mean(axis=0)
    assert np.linalg.norm(mean) < 0.1
    carbon = np.linalg.norm(directions, axis=1) - 1.65e-6
    assert carbon.min() >= 18.5e-9 * (1 - 1e-9)
    assert carbon.max() < block.coats.thickness * 1.02


def test_the_recess_between_two_touching_cores_fills_before_the_outside():
    block = building_block(
        Recipe.parse("90:10:0"), cores=2, coat="film", voxel_size=50e-9, rng=np.random.default_rng(3)
    )
    first, second = block.cores.centres
    middle, axis = 0.5 * (first + second), (second - first) / np.linalg.norm(second - first)
    side = np.cross(axis, [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)

    def label(radius):  # in the plane half-way between the cores
        return block.labels[tuple(((middle + radius * side) / block.voxel_size).astype(int))]

    gap = np.hypot(1.65e-6, 0.8e-6) - 1.65e-6  # half the gap at this radius is more than the film
    assert gap > block.coats.thickness
    assert label(0.8e-6) == Phase.MATRIX
    assert label(2.4e-6) == Phase.PORE


def test_an_uneven_coat_has_patches_without_matrix():
    block = building_block(
        Recipe.parse("80:20:0"),
        voxel_size=60e-9,
        unevenness=Unevenness(thickness_width=0.3, coverage=0.7, correlation_length=600e-9),
        rng=np.random.default_rng(4),
    )
    points = np.random.default_rng(5).standard_normal((4000, 3))
    points *= 1.72e-6 / np.linalg.norm(points, axis=1)[:, None]
    index = ((block.cores.centres[0] + points) / block.voxel_size).astype(int)
    labels = block.labels[tuple(index.T)]
    assert np.mean(labels == Phase.PORE) == pytest.approx(0.3, abs=0.08)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ({"diameter": -1e-6}, ValueError),
        ({"diameter": "large"}, TypeError),
        ({"cores": 0}, ValueError),
        ({"cores": 2.5}, TypeError),
        ({"voxel_size": 0.0}, ValueError),
        ({"voxel_size": 1e-6}, ValueError),
    ],
)
def test_a_block_that_cannot_be_is_refused(words, error):
    with pytest.raises(error):
        building_block(Recipe.parse("80:20:0"), **{"voxel_size": 1e-7, "rng": np.random.default_rng(1)} | words)


@pytest.mark.parametrize("diameter", [1.5e-6, 3.3e-6, 6e-6])
def test_a_shell_holds_all_the_matrix_of_a_core_of_any_size(diameter):
    recipe = Recipe.parse("80:20:0")
    block = building_block(recipe, diameter=diameter, voxel_size=diameter / 40, rng=np.random.default_rng(1))
    assert (1 + 2 * block.coats.thickness / diameter) ** 3 - 1 == pytest.approx(recipe.matrix_per_core, rel=0.02)
    assert block.coats.film_share > 0.98
