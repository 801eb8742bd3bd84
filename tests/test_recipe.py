"""Composition is exact arithmetic: every row has a known answer."""

import pytest

from microstructure.errors import RecipeError, StudyError
from microstructure.materials import Materials
from microstructure.recipe import Recipe, carbon_scales
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


def test_minimum_porosity_of_thirty_percent_matrix_pores():
    assert Recipe.parse("80:20:3").minimum_porosity == pytest.approx(0.13, abs=0.005)


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


def test_recipe_of_another_kind():
    with pytest.raises(TypeError, match=r"80:20:0\.5"):
        Recipe.parse(80)


@pytest.mark.parametrize("porosity", [0.0, 1.0, -0.1, float("nan")])
def test_porosity_outside(porosity):
    with pytest.raises(RecipeError, match="between 0 and 1"):
        Recipe.parse("80:20:3").core_fraction(porosity)


def test_porosity_below_the_matrix_pores_names_the_minimum():
    with pytest.raises(RecipeError, match=r"13\.\d%"):
        Recipe.parse("80:20:3").core_fraction(0.10)


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
