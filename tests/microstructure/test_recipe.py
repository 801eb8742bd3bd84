"""Composition is exact arithmetic: every row has a known answer."""

import numpy as np
import pytest

from microstructure.errors import RecipeError, StudyError
from microstructure.materials import Materials
from microstructure.recipe import Recipe, box_share, carbon_scales, solid_fraction
from microstructure.units import parse_quantity


def test_mixed_density():
    assert Recipe.parse("80:20:3").mixed_density == pytest.approx(3947, abs=0.5)


@pytest.mark.parametrize(("text", "soft"), [("80:20:0", 0.3144), ("80:20:3", 0.3546)])
def test_soft_volume(text, soft):
    assert Recipe.parse(text).volume_fractions.soft == pytest.approx(soft, abs=5e-5)


@pytest.mark.parametrize(
    ("x", "ratio", "mass", "volume"),
    [
        (0.2, 0.01, 0.0099, 0.0130),
        (0.5, 0.025, 0.0244, 0.0320),
        (1.0, 0.05, 0.0476, 0.0620),
        (2.0, 0.10, 0.0909, 0.1167),
        (3.0, 0.15, 0.1304, 0.1654),
    ],
)
def test_three_carbon_scales(x, ratio, mass, volume):
    recipe = Recipe.parse(f"80:20:{x}")
    assert recipe.mass_ratio == pytest.approx(ratio)
    assert recipe.mass_fraction == pytest.approx(mass, abs=5e-5)
    assert recipe.volume_fraction == pytest.approx(volume, abs=5e-5)
    assert carbon_scales(recipe.volume_fraction, recipe.materials) == pytest.approx((ratio, recipe.mass_fraction))


@pytest.mark.parametrize(("text", "nanometres"), [("99:1:0", 10.1), ("80:20:3", 259.0)])
def test_shell(text, nanometres):
    assert Recipe.parse(text).shell_thickness(diameter=3.3e-6) == pytest.approx(nanometres * 1e-9, rel=5e-3)


@pytest.mark.parametrize(("text", "nanometres"), [("99:1:0", 5.0), ("80:20:3", 148.0)])
def test_film(text, nanometres):
    assert Recipe.parse(text).film_thickness(specific_surface=780.0) == pytest.approx(nanometres * 1e-9, rel=5e-3)


def test_carbon_per_core():
    recipe, core = Recipe.parse("80:20:0.5"), 3.3e-6**3 * 0.5235987755982988
    carbon = core * recipe.volume_fractions.cb / recipe.volume_fractions.cam
    assert carbon == pytest.approx(0.285e-18, rel=3e-3)
    assert carbon / (45 * 37e-9**3 * 0.5235987755982988) == pytest.approx(239, abs=1)


PELLET = {"matrix": {"least_porosity": "95 %"}}  # coats as porous as a pellet of their matrix


def test_minimum_porosity_of_thirty_percent_matrix_pores():
    assert Recipe.parse("80:20:3", Materials.load(PELLET)).minimum_porosity == pytest.approx(0.13, abs=0.005)


def test_the_matrix_of_a_coat_flows_down_to_its_least_porosity_and_not_beyond_a_pellets():
    for x, pellet, coat in ((0.0, 0.05, 0.05), (1.0, 0.05, 0.05), (2.0, 0.25, 0.05), (3.0, 0.30, 0.05)):
        recipe = Recipe.parse(f"80:20:{x}")
        assert (recipe.matrix_porosity, recipe.coat_porosity) == pytest.approx((pellet, coat))
        loose = Recipe.parse(f"80:20:{x}", Materials.load(PELLET))
        assert loose.coat_porosity == loose.matrix_porosity == pytest.approx(pellet)
    none = Recipe.parse("80:20:3", Materials.load({"matrix": {"least_porosity": "0 %"}}))
    assert none.coat_porosity == 0.0
    volumes = none.volume_fractions
    assert none.matrix_per_core == pytest.approx(volumes.soft / volumes.cam)


@pytest.mark.parametrize("most", [0.0, 0.05, 0.07, 0.25, 0.28, 0.3, 0.9])
def test_a_closure_is_capped_between_its_points_too(most):
    closure = Materials.load().matrix_porosity
    ratios = np.linspace(0.0, 0.3, 3001)
    capped = closure.capped(most)
    np.testing.assert_allclose(capped.curve(ratios), np.minimum(closure.curve(ratios), most), atol=1e-15)
    assert capped(0.08) == pytest.approx(min(closure(0.08), most))


def test_carbon_fills_more_of_a_coat_than_of_a_pellet():
    """The share of the box that carbon takes is contents over one less the pores; both ways round."""
    materials = Materials.load()
    contents = np.linspace(0.0, 0.45, 46)
    pellet, coat = box_share(contents, materials), box_share(contents, materials, materials.coat_porosity)
    np.testing.assert_allclose(coat, 0.95 * contents)
    assert np.all(coat >= pellet)
    np.testing.assert_allclose(solid_fraction(coat, materials, materials.coat_porosity), contents, atol=1e-4)
    np.testing.assert_allclose(solid_fraction(pellet, materials), contents, atol=1e-4)


def test_core_fraction_and_volumes_add_up():
    recipe = Recipe.parse("80:20:3")
    core = recipe.core_fraction(0.15)
    assert core * recipe.matrix_per_core + core <= 1.0
    solid = core / recipe.volume_fractions.cam
    assert solid == pytest.approx(0.85)


@pytest.mark.parametrize("text", ["80:20", "80:20:x", "80:20:3:1", "80:-20:3", "nan:20:3", "0:20:1", "80:inf:1", ""])
def test_weights_that_are_not_a_recipe(text):
    with pytest.raises(RecipeError, match="weights"):
        Recipe.parse(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("8_0:20:1", "without anything between them"),
        ("80 :20", "three weights"),
        ("80:20:0,5", "write 0.5"),
        ("80:20:1,000", "ambiguous: write 1.000 if it marks decimals, 1000 if thousands"),
        ("８０:20:1", "a number is wanted"),
        ("80:20:1\n", "a number is wanted"),
        ("80:20:1 %", "a number is wanted"),
        ("80:20:" + "1" * 5000, "a number is wanted"),
        ("1e-320:20:1", "no smaller|from 1e-307"),
        ("1e-300:20:1", "within a factor 1e"),
        ("80:1e-8:0", "within a factor 1e"),
        ("1e-12:1e-12:0", "weights lie within 1e-09"),
        ("1e12:1e12:1", "weights lie within 1e-09"),
        ("80:20:1e9", "within a factor 1e"),
        ("80:20:1e-20", "less carbon is 0"),
    ],
)  # fmt: skip
def test_weights_that_are_no_plain_numbers(text, said):
    with pytest.raises(RecipeError, match=said) as refused:
        Recipe.parse(text)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400


def test_weights_with_spaces_around_and_in_any_measure():
    assert str(Recipe.parse("80 : 20 : 0.5")) == "80:20:0.5"
    assert Recipe.parse("8e-5:2e-5:5e-7").mixed_density == pytest.approx(Recipe.parse("80:20:0.5").mixed_density)
    assert Recipe.parse("80:20:1e-6").volume_fraction == pytest.approx(1e-6 / 1.96 / (20 / 2.59), rel=1e-6)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"density": "1,86 g/cm3"}, "write 1.86 g/cm3"),
        ({"density": True}, "quantity"),
        ({"density": {"value": "1.86 g/cm3", "range": ["1 g/cm3"]}}, "range is a list of 2 values"),
        ({"density": {"value": "1.86 g/cm3", "range": "wide"}}, "range is a list of 2 values"),
        ({"density": {"value": "1.86 g/cm3", "source": 5}}, "source' is text"),
        ({"density": {"value": ["1.86 g/cm3"]}}, "quantity"),
        ({"name": 5}, "name' is text"),
        ({"grain_contact_loss": float("nan")}, "finite"),
        ({"grain_contact_loss": 10**400}, "finite"),
        ({"grain_contact_loss": "1_3"}, "without anything between"),
    ],
)
def test_a_constant_that_is_none(entry, said):
    with pytest.raises(StudyError, match=said):
        Materials.load({"se": entry})


@pytest.mark.parametrize("porosity", ["15 %", 0.15, "0.15", {"mass_ratio": [0.0], "porosity": ["15 %"]}])
def test_a_porosity_as_people_write_it(porosity):
    assert Materials.load({"matrix": {"porosity": porosity}}).matrix_porosity(0.1) == 0.15


def test_a_porosity_that_is_no_list():
    with pytest.raises(StudyError, match="porosity is a list"):
        Materials.load({"matrix": {"porosity": {"mass_ratio": [0.0], "porosity": 0.1}}})


def test_recipe_of_another_kind():
    with pytest.raises(TypeError, match=r"80:20:0\.5"):
        Recipe.parse(80)


@pytest.mark.parametrize("porosity", [0.0, 1.0, -0.1, float("nan")])
def test_porosity_outside(porosity):
    with pytest.raises(RecipeError, match="between 0 and 1"):
        Recipe.parse("80:20:3").core_fraction(porosity)


def test_porosity_below_the_matrix_pores_names_the_minimum():
    with pytest.raises(RecipeError, match=r"13\.\d%"):
        Recipe.parse("80:20:3", Materials.load(PELLET)).core_fraction(0.10)


def test_another_electrolyte():
    materials = Materials.load({"se": {"density": "1.86 g/cm3", "name": "Li6PS5Cl"}})
    recipe = Recipe.parse("70:30:3", materials)
    assert recipe.volume_fractions.se == pytest.approx((30 / 1.86) / (70 / 4.75 + 30 / 1.86 + 3 / 1.96))
    assert materials.constants["se.density"].source.startswith("yours")


def test_unknown_material_names_the_nearest():
    with pytest.raises(StudyError, match="'density'"):
        Materials.load({"se": {"densty": "1.86 g/cm3"}})
    with pytest.raises(StudyError, match="unknown material"):
        Materials.load({"sse": {"density": "1.86 g/cm3"}})


def test_constant_out_of_range_or_without_unit():
    with pytest.raises(StudyError, match="must lie within"):
        Materials.load({"se": {"density": "186 g/cm3"}})
    with pytest.raises(StudyError, match="no unit"):
        Materials.load({"se": {"density": 1.86}})
    with pytest.raises(StudyError, match="no quantity"):
        Materials.load({"se": {"density": "1.86 mS/cm"}})


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("150 nm", "m", 150e-9),
        ("0.7 mS/cm", "S/m", 0.07),
        ("0.78 m2/g", "m^2/kg", 780.0),
        ("5 %", "1", 0.05),
        (0.3, "1", 0.3),
    ],
)
def test_quantities(text, unit, value):
    assert parse_quantity(text, unit) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("text", ["nan nm", "abc", "150 nm nm nm(", "", "1e999 nm"])
def test_no_quantity(text):
    with pytest.raises(ValueError, match="quantity"):
        parse_quantity(text, "m")
