"""Voxel images: the same phases at every resolution, with exact volumes, and a slow twin that ranks every voxel."""

import numpy as np
import pytest

from microstructure.carbon.aggregates import build_library
from microstructure.coats._coating import film_at
from microstructure.coats.unevenness import Unevenness
from microstructure.composite import build_composite
from microstructure.images import _voxelise
from microstructure.images.voxelise import label_lowest, voxelise
from microstructure.materials import Materials
from microstructure.recipe import Recipe
from microstructure.structure import Phase

BOX = (8e-6, 6e-6, 7e-6)
VOXEL = 200e-9
PELLET = Materials.load({"matrix": {"least_porosity": "95 %"}})  # coats as porous as a pellet: thicker than a voxel


@pytest.fixture(scope="module")
def library():
    return build_library(rng=np.random.default_rng(1), count=60)


@pytest.fixture(scope="module", params=[None, Unevenness(thickness_width=0.4, coverage=0.7)], ids=["even", "uneven"])
def cell(request, library):
    return build_composite(
        Recipe.parse("80:20:3", PELLET),
        porosity=0.25,
        box=BOX,
        voxel_size=VOXEL,
        library=library,
        unevenness=request.param,
        rng=np.random.default_rng(3),
    )


def ranked(cell):
    """Labels by sorting all voxels, slowly."""
    film, size, periodic = cell.coats.film, cell.labels.size, np.asarray(cell.periodic)
    points = (np.indices(cell.labels.shape).reshape(3, -1).T + 0.5) * cell.voxel_size
    vectors = points[:, None] - cell.cores.centres
    vectors -= np.where(periodic, np.asarray(cell.box) * np.rint(vectors / cell.box), 0.0)
    heights = np.linalg.norm(vectors, axis=2) - cell.cores.radii
    owner = heights.argmin(axis=1)
    height = heights.min(axis=1)
    for wall in (0.0, cell.box[0]):  # a wall is a mirror to the nearest core
        mirror = points.copy()
        mirror[:, 0] = 2 * wall - mirror[:, 0]
        vector = mirror - cell.cores.centres[owner]
        vector -= np.where(periodic, np.asarray(cell.box) * np.rint(vector / cell.box), 0.0)
        heights = np.column_stack([heights, np.linalg.norm(vector, axis=1) - cell.cores.radii[owner]])
    second = np.sort(heights, axis=1)[:, 1]
    rank = np.empty(size)
    for n, core in enumerate(owner):
        u = vectors[n, core] / np.linalg.norm(vectors[n, core])
        local = film_at(film, core, *(cell.cores.radii[core] * u))
        if local > 0.0 and height[n] < local:
            rank[n] = height[n] / local - 1.0
        elif local == 0.0 and height[n] < film.thickness:
            rank[n] = 1e3 + height[n]
        else:
            rank[n] = 1e6 * 0.5 * (height[n] + second[n])
    labels = np.zeros(size, np.uint8)
    cores = round(cell.cores.fraction * size)
    order = np.argsort(height, kind="stable")
    labels[order[:cores]] = Phase.CORE
    rest = order[cores:]
    matrix = round(cell.cores.fraction * cell.recipe.matrix_per_core * size)
    labels[rest[np.argsort(rank[rest], kind="stable")[:matrix]]] = Phase.MATRIX
    return labels.reshape(cell.labels.shape), owner.reshape(cell.labels.shape)


@pytest.mark.slow
def test_an_image_is_the_one_that_sorting_gives(cell):
    labels, owner = ranked(cell)
    assert np.mean(labels != cell.labels) < 1e-3  # keys of 16 bits tie where sorting does not
    np.testing.assert_array_equal(owner, cell.owners)


@pytest.mark.parametrize("voxel", [200e-9, 100e-9, 62.5e-9])
def test_every_resolution_has_the_recipes_volumes(cell, voxel):
    image = voxelise(cell, voxel)
    one = 1.0 / image.labels.size
    assert image.fraction(Phase.CORE) == pytest.approx(cell.cores.fraction, abs=0.51 * one)
    matrix = cell.cores.fraction * cell.recipe.matrix_per_core
    assert image.fraction(Phase.MATRIX) == pytest.approx(matrix, abs=0.51 * one)


def test_finer_images_show_the_same_cores_and_coats(cell):
    fine = voxelise(cell, 100e-9)
    blocks = fine.labels.reshape(40, 2, 30, 2, 35, 2).transpose(0, 2, 4, 1, 3, 5).reshape(*cell.labels.shape, 8)
    whole = np.all(blocks == blocks[..., :1], axis=-1)  # away from phase borders nothing changes
    assert np.mean(whole) > 0.4
    assert np.mean(blocks[whole][:, 0] == cell.labels[whole]) > 0.97


@pytest.mark.slow
def test_resolved_images_have_the_volumes_of_all_five_phases(cell):
    image = voxelise(cell, 25e-9, resolve_carbon=True, rng=np.random.default_rng(1))
    volumes, core, one = cell.recipe.volume_fractions, cell.cores.fraction, 1.0 / image.labels.size
    assert image.fraction(Phase.CORE) == pytest.approx(core, abs=one)
    assert image.fraction(Phase.CARBON) == pytest.approx(cell.carbon.volume / cell.volume, abs=one)
    assert image.fraction(Phase.ELECTROLYTE) == pytest.approx(core * volumes.se / volumes.cam, abs=one)
    assert image.fraction(Phase.MATRIX) == 0.0
    rows = np.random.default_rng(2).choice(cell.carbon.count, 2000)
    index = (cell.carbon.centres[rows] / 25e-9).astype(int) % image.labels.shape
    assert np.mean(image.labels[tuple(index.T)] == Phase.CARBON) > 0.9


def test_carbon_needs_a_generator_to_be_resolved(cell):
    with pytest.raises(TypeError, match="rng"):
        voxelise(cell, 25e-9, resolve_carbon=True)


def test_a_voxel_larger_than_the_coat_is_told(cell):
    with pytest.warns(UserWarning, match="larger than the coat"):
        voxelise(cell, 250e-9)


@pytest.mark.parametrize(("voxel", "advice"), [(70e-9, "try"), (210e-9, "200 nm")])
def test_voxels_that_do_not_fit_the_box_are_refused(cell, voxel, advice):
    with pytest.raises(ValueError, match=advice):
        voxelise(cell, voxel)


@pytest.mark.parametrize("wanted", [0, 1, 17, 900, 1000])
def test_exactly_the_lowest_keys_are_labelled(wanted):
    keys = np.random.default_rng(wanted).integers(0, 12, (10, 10, 10)).astype(np.uint16)
    labels = np.zeros(keys.shape, np.uint8)
    filled = label_lowest(labels, keys, wanted, 7)
    assert np.count_nonzero(labels == 7) == wanted == filled.counts.sum()
    expected = np.zeros(keys.size, np.uint8)
    expected[np.argsort(keys.ravel(), kind="stable")[:wanted]] = 7
    np.testing.assert_array_equal(labels.ravel(), expected)


def test_more_voxels_than_there_is_room_for_are_refused():
    keys = np.full((4, 4, 4), _voxelise.NEVER, np.uint16)
    keys[0] = 3
    with pytest.raises(ValueError, match="room for 16"):
        label_lowest(np.zeros(keys.shape, np.uint8), keys, 17, 1)
