"""Uneven films: mean, spread, correlation and bare share as asked, and the same volume whatever the film looks like."""

import math

import numpy as np
import pytest

from microstructure import pack_spheres
from microstructure.coats._coating import field_at, films_at
from microstructure.coats.unevenness import GRID, POINTS_PER_LENGTH, Unevenness, draw_relief, even_film, periodic_field
from microstructure.composite import build_composite
from microstructure.recipe import Recipe
from microstructure.structure import Phase

LENGTH = 400e-9


@pytest.fixture(scope="module")
def cores():
    return pack_spheres(np.full(60, 3e-6), fraction=0.4, rng=np.random.default_rng(1))


def heights(film, cores, count=60_000, seed=5):
    """The film over random surface points, and where these are."""
    rng = np.random.default_rng(seed)
    whose = rng.integers(0, cores.count, count)
    points = rng.standard_normal((count, 3))
    points *= (cores.radii[whose] / np.linalg.norm(points, axis=1))[:, None]
    out = np.empty(count)
    films_at(film, whose, points, out)
    return out, whose, points


@pytest.mark.parametrize(("width", "coverage"), [(0.0, 1.0), (0.3, 1.0), (0.0, 0.6), (0.5, 0.8)])
def test_mean_spread_and_coverage_are_as_asked(cores, width, coverage):
    asked = Unevenness(thickness_width=width, correlation_length=LENGTH, coverage=coverage)
    film = draw_relief(asked, cores, rng=np.random.default_rng(2)).film(150e-9, 0.0, 0.0)
    found, _, _ = heights(film, cores)
    covered = found > 0.0
    assert covered.mean() == pytest.approx(coverage, abs=0.02)
    assert found.mean() == pytest.approx(150e-9, rel=0.02)
    assert found[covered].std() / found[covered].mean() == pytest.approx(width, abs=0.03)


def test_roughness_lies_under_the_film_and_not_under_bare_patches(cores):
    relief = draw_relief(Unevenness(coverage=0.7), cores, rng=np.random.default_rng(2))
    bare, _, _ = heights(relief.film(100e-9, 0.0, 0.0), cores)
    rough, _, _ = heights(relief.film(100e-9, 20e-9, 0.0), cores)
    np.testing.assert_allclose(rough, np.where(bare > 0, bare + 20e-9, 0.0))


@pytest.mark.parametrize("direction", range(3))
def test_correlation_falls_to_1_over_e_at_its_length(direction):
    field = periodic_field(rng=np.random.default_rng(3))
    near = np.mean(field * np.roll(field, POINTS_PER_LENGTH, direction))
    far = np.mean(field * np.roll(field, GRID // 2, direction))
    assert near == pytest.approx(math.exp(-1), abs=0.06)
    assert abs(far) < 0.08  # negative control


def test_between_its_points_a_field_is_trilinear():
    field = np.random.default_rng(4).standard_normal((4, 4, 4)).astype(np.float32)
    rng = np.random.default_rng(5)
    for x, y, z in rng.uniform(-9, 9, (50, 3)):
        corner = np.floor([x, y, z]).astype(int)
        slow = 0.0
        for offset in np.ndindex(2, 2, 2):
            weight = np.prod([1 - abs(p - c) for p, c in zip((x, y, z), corner + offset, strict=True)])
            slow += weight * field[tuple((corner + offset) % 4)]
        assert field_at(field, x * 0.5, y * 0.5, z * 0.5, 0.5) == pytest.approx(slow, abs=1e-6)


def test_an_even_film_is_the_same_everywhere(cores):
    found, _, _ = heights(even_film(150e-9, 10e-9, 0.0), cores)
    np.testing.assert_allclose(found, 160e-9, rtol=1e-12)


def test_bare_patches_stay_bare_and_the_recipe_keeps_its_volume():
    recipe, voxel = Recipe.parse("95:5:0"), 50e-9
    with pytest.warns(UserWarning, match="larger than the coat"):
        cell = build_composite(
            recipe,
            porosity=0.5,
            box=(6e-6,) * 3,
            voxel_size=voxel,
            unevenness=Unevenness(coverage=0.5, correlation_length=1e-6),
            rng=np.random.default_rng(1),
        )
    core = recipe.volume_fractions.cam * 0.5
    assert cell.fraction(Phase.MATRIX) == pytest.approx(core * recipe.matrix_per_core, abs=2.0 / cell.labels.size)
    film, _, _ = heights(cell.coats.film, cell.cores)
    assert np.mean(film == 0.0) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ({"coverage": 0.0}, ValueError),
        ({"coverage": 1.2}, ValueError),
        ({"coverage": math.nan}, ValueError),
        ({"coverage": "all"}, TypeError),
        ({"thickness_width": -0.1}, ValueError),
        ({"correlation_length": 0.0}, ValueError),
        ({"correlation_length": math.inf}, ValueError),
    ],
)
def test_an_unevenness_that_cannot_be_is_refused(words, error):
    with pytest.raises(error):
        Unevenness(**words)
