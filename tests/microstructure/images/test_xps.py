"""XPS coverage against cases worked by hand, integrals, and random discs."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from microstructure.building_block import building_block
from microstructure.coats.unevenness import Unevenness
from microstructure.images.xps import (
    SIZES,
    measure_xps,
    structure_xps,
    xps_coverage,
)
from microstructure.recipe import Recipe

DEPTH = 3.3e-9


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
        ({"carbon": "inside"}, ValueError, "unknown carbon: 'inside'"),
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
