"""Carbon in the coats of packed cores: in its room whatever the fit, overlaps bounded, uniform where coats are wide."""

from typing import NamedTuple

import numba
import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.stats import chi2_contingency

from microstructure.carbon._compression import NECK
from microstructure.carbon._domains import enter_room, survey_curved
from microstructure.carbon.aggregates import build_library
from microstructure.carbon.coat_domain import fill_coats, find_coats
from microstructure.carbon.dispersion import Dispersion
from microstructure.carbon.placement import MAX_OVERLAP
from microstructure.coats._coating import border_above, ceiling_above, half_gap_at
from microstructure.coats.coating import neighbourhood
from microstructure.composite import build_composite
from microstructure.recipe import Recipe

BOX = (9e-6, 7e-6, 7e-6)
POROSITY = {"80:20:0": 0.25, "90:10:0": 0.4}
VOXEL = {"80:20:0": 125e-9, "90:10:0": 50e-9}


@pytest.fixture(scope="module")
def library():
    return build_library(rng=np.random.default_rng(1), count=60)


@pytest.fixture(scope="module")
def small():
    """Aggregates far smaller than a coat."""
    rng = np.random.default_rng(2)
    return build_library(rng=rng, count=40, diameter=50e-9, width=0.2, primary_diameter=15e-9)


@pytest.fixture(scope="module", params=["80:20:0", "90:10:0"])
def cell(request):
    """Packed, coated cores: a thick coat with wide filled gaps, and a thin one."""
    recipe, rng = Recipe.parse(request.param), np.random.default_rng(3)
    return build_composite(recipe, porosity=POROSITY[request.param], box=BOX, voxel_size=VOXEL[request.param], rng=rng)


def fill(cell, library, volume=None, seed=5, **more):
    near = neighbourhood(cell.cores, 4e-6)
    volume = 30_000 * library.primary_volume if volume is None else volume
    rng = np.random.default_rng(seed)
    where = (cell.cores, near, cell.labels, cell.blocks, cell.coats)
    return fill_coats(library, *where, voxel_size=cell.voxel_size, volume=volume, rng=rng, **more)


def voxels_of(cell):
    near = neighbourhood(cell.cores, 4e-6)
    return find_coats(cell.cores, near, cell.labels, cell.blocks, cell.coats, cell.voxel_size)


def wrapped(vectors):
    vectors[..., 1:] -= np.array(BOX[1:]) * np.rint(vectors[..., 1:] / BOX[1:])
    return vectors


def heights(cell, points):
    """Distance to every core surface, slowly: shape (points, cores)."""
    return np.linalg.norm(wrapped(points[:, None] - cell.cores.centres), axis=2) - 0.5 * cell.cores.diameters


def slow_ceiling(cell, near, core, direction, floor):
    """How high the centre of a primary may lie along a ray, from every core and the walls; -1 for no room."""
    radius, x = near.radii[core], near.centres[core, 0]
    border = border_above(near, core, *(radius * direction), *direction)
    if direction[0] != 0.0:
        room = cell.box[0] - floor - x if direction[0] > 0.0 else x - floor
        border = min(border, room / abs(direction[0]) - radius)
    if border < floor:
        return -1.0
    ceiling = ceiling_above(near, cell.coats.film, core, *(radius * direction), *direction, border)
    return max(floor, min(ceiling, 2.0 * radius))


def test_ceilings_are_those_of_all_neighbours(cell):
    near, floor, rng = neighbourhood(cell.cores, 4e-6), 18.5e-9, np.random.default_rng(1)
    used = []
    for core in range(0, cell.cores.count, 3):
        for _ in range(20):
            axis = rng.standard_normal(3)
            axis /= np.linalg.norm(axis)
            room = enter_room(near, cell.coats.film, core, axis * (near.radii[core] + 1e-7), 350e-9, floor)
            used.append(len(room.radii) / (near.start[core + 1] - near.start[core]))
            rays = axis + np.array([[0.03], [0.1], [2.0]]) * rng.standard_normal((3, 3))
            rays /= np.linalg.norm(rays, axis=1)[:, None]
            height = rng.random() * 4e-7 - 1e-7
            heights, ceilings, normals = np.empty(3), np.empty(3), np.empty((3, 3))
            survey_curved(room, rays * (near.radii[core] + height), heights, ceilings, normals)
            expected = [slow_ceiling(cell, near, core, ray, floor) for ray in rays]
            np.testing.assert_allclose(ceilings, expected, rtol=1e-7)
            np.testing.assert_allclose(heights, height, atol=1e-18)
            np.testing.assert_allclose(normals, rays, atol=1e-12)
            # without the short cut for spheres among spheres
            survey_curved(room._replace(cosine=2.0), rays * (near.radii[core] + height), heights, ceilings, normals)
            np.testing.assert_allclose(ceilings, expected, rtol=1e-7)
    assert np.mean(used) < 0.4


class Checked(NamedTuple):
    below: float
    above: float
    other: float


def check_room(cell, carbon, step=1):
    """How far primaries reach into a core, above their ceiling, and how much nearer than their own core another is."""
    near, radius = neighbourhood(cell.cores, 4e-6), 0.5 * carbon.diameter
    points, owners = carbon.centres[::step], carbon.coat[::step]
    found = heights(cell, points)
    own = found[np.arange(len(points)), owners]
    vectors = wrapped(points - cell.cores.centres[owners])
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    ceilings = [slow_ceiling(cell, near, c, v, radius) for c, v in zip(owners, vectors, strict=True)]
    return Checked(radius - found.min(), (own - ceilings).max(), (own - found.min(axis=1)).max())


@pytest.mark.parametrize("fit", ["reorient", "compress", "cut"])
def test_primaries_keep_to_their_room(cell, library, fit):
    carbon = fill(cell, library, fit=fit)
    assert carbon.volume == pytest.approx(30_000 * library.primary_volume, abs=library.primary_volume)
    checked = check_room(cell, carbon, step=7)
    assert checked.below < 1e-12
    assert checked.above < 1e-12
    assert checked.other < 1e-12
    radius = 0.5 * carbon.diameter
    assert carbon.centres[:, 0].min() >= radius - 1e-12
    assert carbon.centres[:, 0].max() <= cell.box[0] - radius + 1e-12


@pytest.mark.parametrize("fit", ["reorient", "compress"])
def test_overlap_inside_an_aggregate_is_bounded_and_necks_hold(cell, library, fit):
    carbon = fill(cell, library, fit=fit)
    assert carbon.overlap <= MAX_OVERLAP + 1e-9
    bonded = np.flatnonzero(carbon.bond >= 0)
    lengths = np.linalg.norm(wrapped(carbon.centres[bonded] - carbon.centres[carbon.bond[bonded]]), axis=1)
    np.testing.assert_allclose(lengths / carbon.diameter, 1.0, atol=NECK + 1e-9)
    nearest = carbon.diameter
    for number in range(0, carbon.aggregate[-1], 3):
        points = carbon.centres[carbon.aggregate == number]
        gaps = np.linalg.norm(wrapped(points[:, None] - points), axis=2)[np.triu_indices(len(points), 1)]
        nearest = min(nearest, gaps.min(initial=np.inf))
    assert 1.0 - nearest / carbon.diameter <= carbon.overlap + 1e-9
    assert carbon.left_out < (1e-3 if cell.coats.thickness > 1e-7 else 0.03)


def test_aggregates_that_end_just_above_their_core_touch_it(cell, library):
    """Pressed into a room that narrows and then relaxed, one in twelve would end a fraction of a nanometre short."""
    carbon = fill(cell, library)
    vectors = wrapped(carbon.centres - cell.cores.centres[carbon.coat])
    above = np.linalg.norm(vectors, axis=1) - 0.5 * (cell.cores.diameters[carbon.coat] + carbon.diameter)
    lowest = np.minimum.reduceat(above, np.flatnonzero(np.diff(carbon.aggregate, prepend=-1)))
    assert np.mean(lowest <= 0.02e-9) > 0.25
    assert np.mean((lowest > 0.02e-9) & (lowest < 0.5e-9)) < 0.01


def test_aggregates_that_end_just_short_of_a_wall_touch_it(cell, library):
    """Squeezed between core and wall and then relaxed, one in two would end a fraction of a nanometre short."""
    carbon = fill(cell, library, 90_000 * library.primary_volume)
    starts = np.flatnonzero(np.diff(carbon.aggregate, prepend=-1))
    along = carbon.centres[:, 0]
    short = [np.minimum.reduceat(depth, starts) - 0.5 * carbon.diameter for depth in (along, cell.box[0] - along)]
    short = np.concatenate(short)
    touching, nearly = np.sum(short <= 0.02e-9), np.sum((short > 0.02e-9) & (short < 0.5e-9))
    assert short.min() > -1e-15
    assert touching > 30
    assert nearly < 0.1 * touching


@pytest.mark.slow
@pytest.mark.parametrize("text", ["99:1:0.2", "95:5:0.8"])
def test_coats_thinner_than_a_primary_work_too(library, text):
    with pytest.warns(UserWarning, match="larger than the coat"):
        thin = build_composite(
            Recipe.parse(text), porosity=0.42, box=BOX, voxel_size=250e-9, library=library, rng=np.random.default_rng(3)
        )
    assert thin.carbon.overlap <= MAX_OVERLAP + 1e-9
    assert thin.carbon.left_out < 0.05
    checked = check_room(thin, thin.carbon)
    assert max(checked) < 1e-11  # m: in gaps narrower than a primary it is squeezed against both sides


def test_random_voxels_are_those_of_a_list_of_them(cell):
    matrix = voxels_of(cell)
    listed = np.flatnonzero((cell.labels == 2) & (cell.blocks >= 0))
    draws = np.concatenate([np.random.default_rng(1).random(500), [0.0, 1.0 - 1e-16]])
    expected = np.stack(np.unravel_index(listed[(draws * len(listed)).astype(int)], cell.labels.shape), axis=1)
    np.testing.assert_array_equal(matrix.draw(draws), expected)


def test_voxels_around_a_spot_are_those_of_a_distance_map(cell):
    matrix = voxels_of(cell)
    listed = np.argwhere((cell.labels == 2) & (cell.blocks >= 0))
    for centre in [np.array([0.3e-6, 6.8e-6, 0.1e-6]), np.array([4e-6, 3e-6, 3e-6])]:
        distances = np.linalg.norm(wrapped((listed + 0.5) * cell.voxel_size - centre), axis=1)
        clump = matrix.around(centre, 1e-6)
        expected = {tuple(voxel) for voxel in listed[distances <= 1e-6].tolist()}
        assert {tuple(voxel) for voxel in clump.voxels.tolist()} == expected
        np.testing.assert_allclose(np.sort(distances)[: len(expected)], clump.distances)
        assert clump.volume == pytest.approx(len(expected) * cell.voxel_size**3)


def test_same_bytes_for_any_number_of_threads(cell, library):
    many, found = numba.get_num_threads(), fill(cell, library, hard=False)
    numba.set_num_threads(1)
    try:
        alone = fill(cell, library)
    finally:
        numba.set_num_threads(many)
    assert found.centres.tobytes() == alone.centres.tobytes()
    assert found.coat.tobytes() == alone.coat.tobytes()


def test_hard_aggregates_of_all_coats_stay_apart(cell, library):
    volume = 0.01 * np.count_nonzero(cell.labels == 2) * cell.voxel_size**3
    carbon = fill(cell, library, volume, hard=True)
    wall = [0.0, *BOX[1:]]
    pairs = cKDTree(carbon.centres, boxsize=wall).query_pairs(carbon.diameter, output_type="ndarray")
    pairs = pairs[carbon.aggregate[pairs[:, 0]] != carbon.aggregate[pairs[:, 1]]]
    gaps = np.linalg.norm(wrapped(carbon.centres[pairs[:, 0]] - carbon.centres[pairs[:, 1]]), axis=1)
    assert np.all(gaps >= carbon.diameter * (1 - 1e-12))
    assert carbon.hard


def regions(cell, near, points, owners):
    """0 in the film, 1 in a recess (up to two thicknesses from two cores), 2 in a wider gap."""
    vectors = wrapped(points - cell.cores.centres[owners])
    lengths = np.linalg.norm(vectors, axis=1)
    film = lengths - near.radii[owners] <= cell.coats.thickness + getattr(cell.coats, "roughness", 0.0)
    own = lengths - near.radii[owners]
    gaps = np.array([half_gap_at(near, c, *v, h) for c, v, h in zip(owners, vectors, own, strict=True)])
    return np.where(film, 0, np.where(gaps <= 2.0 * cell.coats.thickness, 1, 2))


def matrix_points(cell, near, rng, count=40_000):
    """Uniform points of the box that lie in the coats themselves, not in their voxels, and the cores that own them."""
    points = rng.random((count, 3)) * BOX
    found = heights(cell, points)
    owners, own = found.argmin(axis=1), found.min(axis=1)
    inside = []
    for point, core, height in zip(points, owners, own, strict=True):
        ray = wrapped(point - cell.cores.centres[core])
        ray /= np.linalg.norm(ray)
        border = border_above(near, core, *(near.radii[core] * ray), *ray)
        ceiling = ceiling_above(near, cell.coats.film, core, *(near.radii[core] * ray), *ray, border)
        inside.append(0.0 <= height <= ceiling)
    return points[inside], owners[inside]


def region_pvalue(cell, carbon):
    """p-value that aggregates fall into film, recesses and interstices as the matrix does."""
    near, rng = neighbourhood(cell.cores, 4e-6), np.random.default_rng(0)
    first = np.flatnonzero(np.diff(carbon.aggregate, prepend=-1))[:4000]
    found = np.bincount(regions(cell, near, carbon.centres[first], carbon.coat[first]), minlength=3)
    matrix = np.bincount(regions(cell, near, *matrix_points(cell, near, rng)), minlength=3)
    return chi2_contingency([found, matrix]).pvalue


@pytest.mark.slow
def test_carbon_is_uniform_over_film_recesses_and_interstices_of_wide_coats(cell, small):
    if cell.recipe.se < 15:
        return  # the coat is as thin as the aggregates are wide
    carbon = fill(cell, small, volume=4200 * small.sizes.mean() * small.primary_volume)
    assert region_pvalue(cell, carbon) > 1e-3
    # negative control: agglomerates are not uniform at the level of aggregates
    clumped = fill(cell, small, carbon.volume, dispersion=Dispersion(0.0, 1e-6))
    assert region_pvalue(cell, clumped) < 1e-3


def test_agglomerates_lie_on_matrix_within_their_size(cell, library):
    size = 1.5e-6
    matrix = voxels_of(cell)
    carbon = fill(cell, library, dispersion=Dispersion(0.0, size))
    assert max(check_room(cell, carbon, step=11)) < 1e-12
    # the first agglomerate is filled with a quarter of the matrix around its middle, at least that in half its size
    volume = 0.25 * matrix.around(carbon.centres[0], 0.25 * size).volume
    first = carbon.centres[: int(0.5 * volume / library.primary_volume)]
    extent = np.ptp(wrapped(first - first[0]), axis=0).max()
    assert extent < 1.2 * size
    spread = fill(cell, library).centres[: len(first)]
    assert np.ptp(wrapped(spread - spread[0]), axis=0).max() > 1.5 * extent


def test_an_image_without_coats_is_refused(cell, library):
    near = neighbourhood(cell.cores, 4e-6)
    with pytest.raises(ValueError, match="no voxel of matrix"):
        fill_coats(
            library,
            cell.cores,
            near,
            np.zeros_like(cell.labels),
            cell.blocks,
            cell.coats,
            voxel_size=cell.voxel_size,
            volume=1e-20,
            rng=np.random.default_rng(1),
        )
