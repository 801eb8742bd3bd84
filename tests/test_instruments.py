"""XPS coverage, porosity and sections against cases worked by hand, integrals and slow twins."""

import math
from collections import deque

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.ndimage import gaussian_filter

from microstructure.block import building_block
from microstructure.carbon import Carbon
from microstructure.errors import RecipeError, StudyError
from microstructure.instruments import (
    SIZES,
    measure_porosity,
    measure_xps,
    porosity_from_mass,
    structure_mass,
    structure_xps,
    xps_coverage,
)
from microstructure.materials import Materials
from microstructure.micrograph import GREY_LEVELS, sem_section
from microstructure.patch import coating_patch
from microstructure.recipe import Recipe
from microstructure.relief import Unevenness
from microstructure.structure import Phase, Structure

DEPTH = 3.3e-9
FREE = (False, False, False)


def test_a_perfect_film_of_five_nanometres_does_not_reach_one():
    found = measure_xps([5e-9])
    assert found.coverage == pytest.approx(1 - math.exp(-5 / 3.3), rel=1e-12)
    assert found.coverage == pytest.approx(0.780, abs=5e-4)
    assert measure_xps([10e-9]).coverage == pytest.approx(0.952, abs=1e-3)
    assert measure_xps([0.0]).coverage == 0.0
    assert measure_xps([1e-6]).coverage == 1.0


def test_the_sensitivity_ratio_weighs_the_coating():
    for ratio in (0.5, 3.0):
        found = measure_xps([5e-9], sensitivity_ratio=ratio)
        core = math.exp(-5 / 3.3)
        assert found.coverage == pytest.approx(ratio * (1 - core) / (ratio * (1 - core) + core))


def test_bare_patches_count_by_their_area():
    found = measure_xps([1e-6, 0.0], area=[3.0, 1.0])
    assert found.coverage == pytest.approx(0.75)
    assert (found.coating_signal, found.core_signal) == pytest.approx((0.75, 0.25))


def test_layers_are_integrated_from_the_core_outwards():
    """Slowly: electrons that each thin slice emits and the slices above let through."""
    electrolyte, carbon = np.array([[2e-9, 1e-9, 0.5e-9]]), np.array([[0.5e-9, 2e-9, 0.0]])
    slices = 4000
    thin = np.repeat((electrolyte + carbon)[0] / slices, slices)
    share = np.repeat((electrolyte / (electrolyte + carbon))[0], slices)
    above = np.cumsum(thin[::-1])[::-1] - 0.5 * thin
    coating = float(np.sum(share * np.exp(-above / DEPTH) * thin / DEPTH))
    core = math.exp(-thin.sum() / DEPTH)
    found = measure_xps(electrolyte, carbon)
    assert found.coating_signal == pytest.approx(coating, rel=1e-5)
    assert found.core_signal == pytest.approx(core, rel=1e-12)
    assert found.coverage == pytest.approx(coating / (coating + core), rel=1e-5)


def test_carbon_over_everything_hides_both_alike():
    bare = measure_xps([[5e-9, 0.0]], [[0.0, 0.0]])
    under = measure_xps([[5e-9, 0.0]], [[0.0, 6e-9]])
    assert under.coverage == pytest.approx(bare.coverage)
    assert under.core_signal == pytest.approx(bare.core_signal * math.exp(-6 / 3.3))
    with pytest.raises(ValueError, match="no signal"):
        measure_xps([[5e-9, 0.0]], [[0.0, 1e-5]])


def test_more_film_is_never_less_coverage():
    thickness = np.linspace(0, 50e-9, 60)
    rising = [measure_xps([one]).coverage for one in thickness]
    assert np.all(np.diff(rising) > 0)


@pytest.mark.parametrize(
    ("text", "film", "coverage"),
    [
        ("99:1:0", 5.00e-9, 0.7802),
        ("98:2:0", 10.10e-9, 0.9532),
        ("95:5:0", 26.05e-9, 0.9996),
        ("90:10:0", 55.0e-9, 1.0),
        ("80:20:0", 123.7e-9, 1.0),
    ],
)
def test_coverage_of_table_1_without_carbon(text, film, coverage):
    recipe = Recipe.parse(text)
    assert recipe.film_thickness() == pytest.approx(film, rel=2e-3)
    assert xps_coverage(recipe).coverage == pytest.approx(coverage, abs=2e-4)


@pytest.mark.parametrize(
    ("text", "core", "film", "mixed"),
    [
        ("99:1:0.2", 0.7846, 0.7802, 0.8208),
        ("98:2:0.3", 0.9582, 0.9532, 0.9696),
        ("95:5:0.8", 0.9999, 0.9996, 0.9999),
        ("90:10:1.5", 1.0, 1.0, 1.0),
        ("80:20:3", 1.0, 1.0, 1.0),
    ],
)
def test_coverage_of_table_1_with_carbon(text, core, film, mixed):
    recipe = Recipe.parse(text)
    found = [xps_coverage(recipe, carbon=seat).coverage for seat in ("core", "film", "mixed")]
    assert found == pytest.approx([core, film, mixed], abs=2e-4)
    without = xps_coverage(Recipe.parse(":".join([*text.split(":")[:2], "0"]))).coverage
    assert found[0] >= without - 1e-12  # as measured; the primaries leave hardly any of it
    assert found[2] >= without - 1e-12


def test_carbon_that_lies_on_the_film_changes_nothing():
    """Both signals lose exactly the same under a primary."""
    with_carbon = xps_coverage(Recipe.parse("98:2:0.3"), carbon="film")
    without = xps_coverage(Recipe.parse("98:2:0"))
    assert with_carbon.coverage == pytest.approx(without.coverage, rel=1e-9)
    assert with_carbon.core_signal < 0.95 * without.core_signal


def test_primaries_in_a_film_agree_with_random_discs():
    """Slowly: spheres thrown on a plane, electrolyte poured between them, and the ratio of signals."""
    recipe, rng = Recipe.parse("98:2:0.3"), np.random.default_rng(3)
    radius = 0.5 * recipe.materials["cb.primary_diameter"]
    mean, share, edge = recipe.film_thickness(), recipe.volume_fraction, 4e-6
    number = round(mean * share * edge**2 / (4 / 3 * math.pi * radius**3))
    discs = rng.random((number, 2)) * edge
    points = rng.random((20_000, 2)) * edge
    half = np.zeros(len(points))
    for disc in discs:
        apart = points - disc
        apart -= edge * np.rint(apart / edge)
        half = np.maximum(half, np.sqrt(np.maximum(radius**2 - np.sum(apart**2, axis=1), 0.0)))
    assert np.mean(half > 0) == pytest.approx(1 - math.exp(-number * math.pi * radius**2 / edge**2), abs=0.015)

    def poured(height):
        under = np.where(half > 0, np.minimum(height, radius - half), height)
        over = np.where(half > 0, np.maximum(height - radius - half, 0.0), 0.0)
        return under, over

    heights = np.linspace(0.5, 1.5, 400) * mean
    film = heights[np.argmin([abs(np.add(*poured(one)).mean() - mean * (1 - share)) for one in heights])]
    under, over = poured(film)
    found = measure_xps(np.stack([under, 0 * under, over], 1), np.stack([0 * half, 2 * half, 0 * half], 1))
    predicted = xps_coverage(recipe)
    assert found.coverage == pytest.approx(predicted.coverage, abs=1e-3)
    assert found.core_signal == pytest.approx(predicted.core_signal, rel=0.05)


def test_a_lognormal_film_agrees_with_the_integral():
    """exp(-t / length) over a lognormal of mean t and relative width w (Hatch & Choate: ln-width^2 = ln(1 + w^2))."""
    recipe, width = Recipe.parse("99:1:0"), 0.5
    mean, log_width = recipe.film_thickness(), math.sqrt(math.log1p(width**2))

    def core(score):
        thickness = mean * math.exp(log_width * score - 0.5 * log_width**2)
        return math.exp(-thickness / DEPTH - 0.5 * score**2) / math.sqrt(2 * math.pi)

    exact = quad(core, -8, 8)[0]
    found = xps_coverage(recipe, thickness_width=width)
    assert found.core_signal == pytest.approx(exact, rel=2.0 / SIZES)
    assert found.coverage < xps_coverage(recipe).coverage  # an uneven film shields less


def test_bare_share_and_surface_enter_as_they_should():
    recipe = Recipe.parse("80:20:0")
    assert xps_coverage(recipe, coverage=0.6).coverage == pytest.approx(0.6, abs=1e-9)
    thin = Recipe.parse("99:1:0")
    half = xps_coverage(thin, coverage=0.5)  # the film is twice as thick on one half
    assert half.coverage == pytest.approx(0.5 * (1 - math.exp(-2 * thin.film_thickness() / DEPTH)))
    assert xps_coverage(thin, specific_surface=390.0).coverage == pytest.approx(1 - math.exp(-10.0 / 3.3), abs=1e-3)


@pytest.mark.parametrize(
    ("wrong", "error", "match"),
    [
        ({"coverage": 0.0}, ValueError, "coverage"),
        ({"coverage": 1.1}, ValueError, "coverage"),
        ({"coverage": math.nan}, ValueError, "coverage"),
        ({"coverage": "all"}, TypeError, "coverage"),
        ({"thickness_width": -0.1}, ValueError, "thickness_width"),
        ({"thickness_width": math.inf}, ValueError, "thickness_width"),
        ({"carbon": "inside"}, StudyError, "place of the carbon"),
        ({"attenuation_length": 0.0}, ValueError, "attenuation_length"),
        ({"sensitivity_ratio": 0.0}, ValueError, "sensitivity_ratio"),
        ({"specific_surface": -1.0}, ValueError, "surface"),
    ],
)
def test_bad_xps_arguments_are_refused(wrong, error, match):
    with pytest.raises(error, match=match):
        xps_coverage(Recipe.parse("99:1:0.2"), **wrong)


def test_bad_lines_of_sight_are_refused():
    for bad in ([-1e-9], [math.nan], []):
        with pytest.raises(ValueError, match="electrolyte"):
            measure_xps(bad)
    with pytest.raises(TypeError, match="carbon"):
        measure_xps([1e-9], ["black"])
    with pytest.raises(ValueError, match="one shape"):
        measure_xps([1e-9], [1e-9, 2e-9])
    with pytest.raises(ValueError, match="one shape"):
        measure_xps([1e-9], area=[1.0, 2.0])
    with pytest.raises(ValueError, match="shape"):
        measure_xps(np.zeros((2, 2, 2)))
    with pytest.raises(ValueError, match="area"):
        measure_xps([1e-9], area=[0.0])
    with pytest.raises(TypeError, match="recipe"):
        xps_coverage("99:1:0")


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
    assert found.inside_matrix == pytest.approx(0.5 * recipe.matrix_porosity)
    assert found.total == pytest.approx(0.25 + 0.5 * recipe.matrix_porosity)
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


@pytest.mark.parametrize("text", ["80:20:0", "80:20:3", "95:5:0.8"])
def test_weighing_a_composite_gives_its_total_porosity(text):
    """An image with the recipe's volumes: the paper's mass, volume and mixed density lead back to the pores."""
    recipe, size = Recipe.parse(text), 60**3
    cores = round(recipe.core_fraction(0.3) * size)
    matrix = round(cores * recipe.matrix_per_core)
    labels = np.repeat([Phase.CORE, Phase.MATRIX, Phase.PORE], [cores, matrix, size - cores - matrix])
    cell = structure(labels.reshape(60, 60, 60), recipe=recipe)
    weighed = porosity_from_mass(recipe, mass=structure_mass(cell), volume=cell.volume)
    assert weighed == pytest.approx(measure_porosity(cell).total, abs=2e-5) == pytest.approx(0.3, abs=2e-5)


def test_porosity_from_mass():
    recipe = Recipe.parse("80:20:3")
    assert porosity_from_mass(recipe, mass=1e-3, volume=1e-3 / 3947.0) == pytest.approx(0.0, abs=1e-4)
    with pytest.raises(RecipeError, match="without a pore"):
        porosity_from_mass(recipe, mass=1e-3, volume=1e-3 / 4200.0)
    with pytest.raises(ValueError, match="mass"):
        porosity_from_mass(recipe, mass=-1.0, volume=1.0)
    with pytest.raises(ValueError, match="recipe"):
        structure_mass(structure(np.ones((2, 2, 2))))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_section_shows_the_phases_of_its_plane(axis):
    labels = np.random.default_rng(1).integers(0, 4, (5, 6, 7)).astype(np.uint8)
    found = sem_section(structure(labels), axis=axis, position=3.2e-7)
    table = np.array([GREY_LEVELS[phase] for phase in range(4)])
    np.testing.assert_array_equal(found.image, table[labels.take(3, axis=axis)])
    finer = sem_section(structure(labels), axis=axis, position=3.2e-7, pixel_size=0.5e-7)
    np.testing.assert_array_equal(finer.image, np.kron(found.image, np.ones((2, 2), np.uint8)))
    assert (found.axis, found.position, found.pixel_size) == (axis, 3.2e-7, 1e-7)


def primaries(centres, diameter=2e-7):
    centres = np.atleast_2d(np.asarray(centres, float))
    number = np.arange(len(centres), dtype=np.int32)
    return Carbon(centres, number, np.full(len(centres), -1), number, diameter, "reorient")


@pytest.mark.parametrize("pixel", [5e-9, 2e-8, 1e-7, 5e-7])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_primary_is_cut_as_a_disc_at_any_pixel_size(pixel, axis):
    centre = np.array([5.13e-7, 4.71e-7, 5.34e-7])
    matrix = structure(np.full((10, 10, 10), Phase.MATRIX), carbon=primaries(centre))
    for height, radius in ((0.0, 1.0), (6e-8, 0.8), (1.01e-7, 0.0)):
        found = sem_section(matrix, axis=axis, position=centre[axis] + height, pixel_size=pixel)
        lost = float(np.sum(GREY_LEVELS[Phase.MATRIX] - found.image.astype(float)))
        area = lost / (GREY_LEVELS[Phase.MATRIX] - GREY_LEVELS[Phase.CARBON]) * (pixel / 1e-7) ** 2
        allowed = {5e-9: 0.01, 2e-8: 0.06, 1e-7: 0.15, 5e-7: 0.3}[pixel]  # samples in a disc, whole grey levels
        assert area == pytest.approx(math.pi * radius**2, rel=allowed)


def test_discs_go_on_through_periodic_sides_only():
    corner = primaries([[1e-8, 2e-8, 9.95e-7]])
    for periodic, share in (((True, True, True), 1.0), ((True, True, False), 1.0), (FREE, None)):
        cell = structure(np.full((10, 10, 10), Phase.MATRIX), periodic, carbon=corner)
        found = sem_section(cell, axis=2, position=9.95e-7, pixel_size=5e-9).image
        area = np.count_nonzero(found < 100) * 0.05**2  # in squares of the radius
        if share:
            assert area == pytest.approx(math.pi, rel=0.02)
        else:
            assert 0.25 * math.pi < area < 0.5 * math.pi
        seen = sem_section(cell, axis=2, position=1e-8, pixel_size=5e-9).image.min() < 100
        assert seen == periodic[2]


def test_carbon_that_the_image_resolves_is_not_drawn_twice():
    labels = np.full((10, 10, 10), Phase.ELECTROLYTE)
    labels[0, 0, 0] = Phase.CARBON
    found = sem_section(structure(labels, carbon=primaries([5e-7, 5e-7, 5e-7])))
    assert np.all(found.image == GREY_LEVELS[Phase.ELECTROLYTE])


def test_a_section_of_a_patch_holds_its_carbon():
    patch = coating_patch(
        150e-9, 2e-6, 0.1, 10e-9, materials=Materials.load({"matrix": {"porosity": 0.0}}), rng=np.random.default_rng(1)
    )
    bare = Structure(np.full_like(patch.labels, Phase.MATRIX), 1e-8, patch.periodic, patch.box, carbon=patch.carbon)
    shares = [
        np.mean(sem_section(bare, axis=2, position=place, pixel_size=2e-9).image < 90)
        for place in np.linspace(0, 1.99e-6, 12)
    ]
    assert 0.05 < np.mean(shares) <= 0.1  # penetrable primaries cover a little less than their volume


def test_blur_spreads_and_noise_is_drawn_from_the_generator():
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[:10] = Phase.CORE
    sharp = sem_section(structure(labels)).image
    soft = sem_section(structure(labels), blur=2e-7).image
    assert len(np.unique(sharp)) == 2 < len(np.unique(soft))
    assert soft.mean() == pytest.approx(sharp.mean(), abs=0.5)
    assert soft[0, 0] == sharp[0, 0]  # a free side lets nothing in
    assert sem_section(structure(labels, (True, True, True)), blur=2e-7).image[0, 0] < sharp[0, 0] - 50
    twice = [sem_section(structure(labels), noise=5.0, rng=np.random.default_rng(4)).image for _ in range(2)]
    np.testing.assert_array_equal(*twice)
    assert np.std(twice[0][:10].astype(float)) == pytest.approx(5.0, rel=0.2)


@pytest.mark.parametrize(
    ("wrong", "error", "match"),
    [
        ({"axis": 3}, ValueError, "axis"),
        ({"position": 1.0}, ValueError, "position"),
        ({"position": math.nan}, ValueError, "position"),
        ({"pixel_size": 0.0}, ValueError, "pixel_size"),
        ({"pixel_size": 1.0}, ValueError, "smaller"),
        ({"blur": -1.0}, ValueError, "blur"),
        ({"noise": -1.0}, ValueError, "noise"),
        ({"noise": 1.0}, TypeError, "rng"),
        ({"noise": "much"}, TypeError, "noise"),
        ({"rng": 1}, TypeError, "rng"),
        ({"grey_levels": {0: 10}}, ValueError, "phase 1"),
        ({"grey_levels": {1: 300}}, ValueError, "grey levels"),
    ],
)
def test_bad_section_arguments_are_refused(wrong, error, match):
    with pytest.raises(error, match=match):
        sem_section(structure(np.ones((3, 3, 3))), **wrong)


@pytest.mark.parametrize(
    ("text", "width", "coverage"), [("99:1:0", 0.0, 1.0), ("98:2:0.3", 0.5, 1.0), ("98:2:0", 0.3, 0.8)]
)
def test_a_generated_block_shows_the_coverage_of_its_recipe(text, width, coverage):
    recipe = Recipe.parse(text)
    with pytest.warns(UserWarning, match="larger than the coat"):
        block = building_block(
            recipe,
            coat="film",
            voxel_size=100e-9,
            unevenness=Unevenness(thickness_width=width, coverage=coverage, correlation_length=100e-9),
            rng=np.random.default_rng(1),
        )
    found = structure_xps(block, points=20_000).coverage
    expected = xps_coverage(recipe, thickness_width=width, coverage=coverage, carbon="mixed").coverage
    assert found == pytest.approx(expected, abs=0.015)
