"""Bulk against coat: factors known from a library made by hand, down to films thinner than a primary."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import studies.two_scale.patch_library
from microstructure.coats.outer_face import OuterFace
from microstructure.recipe import Recipe
from studies.command import app
from studies.two_scale.patch_plan import PatchPlan
from studies.two_scale.pellet_against_coat import FITTED, IDEAL, THICKNESSES, THIN, compare_coats, half_bridged

RECIPE = Recipe.parse("80:20:3")
CONTENT = RECIPE.volume_fraction
QUANTITIES = {
    "threshold along the coat", IDEAL, FITTED, "electrons along two coats", "ions along the coat",
    "ions across the coat",
}  # fmt: skip


@pytest.fixture(scope="module")
def table(handmade):
    return compare_coats(RECIPE, handmade())


def rows(table, quantity):
    return table[(table.quantity == quantity) & (table.note == "")]


def thin(table, quantity):
    return table[(table.quantity == quantity) & (table.note == THIN)].set_index("thickness")


def test_every_quantity_has_every_thickness(table):
    assert len(table) == 6 * len(THICKNESSES)
    for _, found in table.groupby("quantity"):
        assert found.thickness.tolist() == sorted(THICKNESSES)
    assert set(table.quantity) == QUANTITIES


def test_factors_between_bulk_and_coat(table):
    """A sheet of 2e7 and a bulk of 7e6 per neck and squared content; a threshold of 8 vol% and one of 5."""
    neck = RECIPE.materials["cb.neck_conductance"]
    electrons = rows(table, "electrons along two coats")
    np.testing.assert_allclose(electrons.bulk, neck * 7e6 * CONTENT**2, rtol=1e-9)
    np.testing.assert_allclose(electrons.factor, 20.0 / 7.0, rtol=1e-9)
    np.testing.assert_allclose(electrons.low / electrons.coat, 0.8, rtol=1e-9)
    np.testing.assert_allclose(electrons.high / electrons.coat, 1.2, rtol=1e-9)
    np.testing.assert_allclose(rows(table, "threshold along the coat").factor, 1.6, rtol=1e-12)
    for quantity in ("ions along the coat", "ions across the coat"):
        ions = rows(table, quantity)
        np.testing.assert_allclose(ions.factor, 1.0, rtol=1e-12)
        np.testing.assert_allclose(ions.bulk, RECIPE.electrolyte_conductivity * (1.0 - CONTENT), rtol=1e-12)


def test_in_coats_thinner_than_a_primary_carbon_per_area_counts(table):
    """Half as thin holds half as many primaries: twice the threshold; by the squared content, half the conductivity."""
    assert (table.note == THIN).sum() == 12
    assert set(table.thickness[table.note == THIN]) == {5e-9, 10e-9}
    along = thin(table, "threshold along the coat").coat
    np.testing.assert_allclose(along, 0.08 * 18.5e-9 / along.index, rtol=1e-9)
    electrons = thin(table, "electrons along two coats")
    np.testing.assert_allclose(electrons.factor, 20.0 / 7.0 * electrons.index / 18.5e-9, rtol=1e-9)
    across = thin(table, IDEAL).coat
    assert across[5e-9] / across[10e-9] == pytest.approx(2.0, rel=1e-3)


def test_a_threshold_beyond_all_carbon_is_infinite(handmade):
    coats = handmade()
    coats.rows.loc[coats.rows.quantity == "threshold", ["value", "low", "high"]] *= 5.0
    along = thin(compare_coats(RECIPE, coats), "threshold along the coat")
    assert along.coat[5e-9] == math.inf
    assert along.coat[10e-9] == pytest.approx(0.4 * 1.85)


def test_ions_in_a_thin_film_lie_between_the_thinnest_coat_and_one_without_carbon(table):
    for way in ("along", "across"):
        ions = thin(table, f"ions {way} the coat")
        np.testing.assert_allclose(ions.coat, RECIPE.electrolyte_conductivity * (1.0 - CONTENT), rtol=1e-12)
        np.testing.assert_allclose(ions.low, 0.8 * ions.coat, rtol=1e-12)
        np.testing.assert_allclose(ions.high, RECIPE.electrolyte_conductivity * (1.0 - RECIPE.coat_porosity))


def test_half_of_the_seams_are_bridged_where_the_rate_says_so(handmade):
    """4e14/m2 by the squared content: on 1 um2, ln 2 bridges are there at a content of sqrt(ln 2 / 400)."""
    library = handmade()
    for area in (1e-12, 0.25e-12):
        expected = math.sqrt(math.log(2.0) / (4e14 * area))
        assert half_bridged(library, 100e-9, area) == pytest.approx(expected, abs=2e-5)
    assert half_bridged(handmade(PatchPlan(contents=(0.01, 0.02))), 100e-9, 1e-12) == math.inf


def test_of_contacts_that_all_carry_the_face_is_ideal_and_of_none_out_of_reach(handmade):
    for share, same in ((1.0, True), (0.0, False)):
        table = compare_coats(RECIPE, handmade(), OuterFace(seam_share=share))
        ideal, fitted = (table[table.quantity == name] for name in (IDEAL, FITTED))
        if same:
            for name in ("bulk", "coat", "low", "high", "factor"):
                np.testing.assert_array_equal(fitted[name], ideal[name])
        else:
            assert np.isinf(fitted.coat).all()
            assert np.isinf(fitted.low).all()


def test_the_fewer_contacts_carry_the_more_carbon(handmade):
    """By the squared content: a hundredth of the contacts needs ten times the carbon, beyond the library at last."""
    library, area = handmade(), 5e-12
    found = [half_bridged(library, 100e-9, area, share) for share in (1.0, 0.1, 0.01, 0.001)]
    np.testing.assert_allclose(found[:3], found[0] * np.array([1.0, 10.0**0.5, 10.0]), rtol=2e-3)
    assert found[3] == math.inf
    coats = [compare_coats(RECIPE, library, OuterFace(seam_share=share)) for share in (0.3, 0.03, 0.003)]
    values = [table[table.quantity == FITTED].coat.to_numpy() for table in coats]
    for more, less in pairwise(values):
        assert ((less > more) | np.isinf(less)).all()


def test_the_face_is_by_default_the_skin_of_the_materials(table, handmade):
    face = OuterFace.with_skin(
        RECIPE.materials["coat.skin_thickness"], tunnelling_range=RECIPE.materials["coat.tunnelling_range"]
    )
    pd.testing.assert_frame_equal(compare_coats(RECIPE, handmade(), face), table)


def test_the_command_prints_and_writes_the_table(table, handmade, monkeypatch, tmp_path):
    monkeypatch.setattr(studies.two_scale.patch_library, "study_library", lambda study, **more: handmade())
    path = tmp_path / "coats.csv"
    done = CliRunner().invoke(app, ["compare", "kissel2026", "--csv", str(path)])
    assert done.exit_code == 0, done.output
    assert IDEAL in done.output
    assert FITTED in done.output
    assert "lies on the core" in done.output
    written = pd.read_csv(path, keep_default_na=False, na_values=[""])
    assert written.quantity.tolist() == table.quantity.tolist()
    np.testing.assert_allclose(written.coat, table.coat, rtol=1e-4)


def test_seams_grow_with_the_coat(table):
    """pi R (t1 + t2): with one rate for all coats, twice the thickness needs 1 / sqrt(2) of the carbon."""
    across = rows(table, IDEAL).set_index("thickness").coat
    assert across[50e-9] / across[100e-9] == pytest.approx(math.sqrt(2.0), rel=1e-3)


def test_a_rate_that_is_known_less_well_has_wider_thresholds(table):
    """More bridges, less carbon: the upper end of the rate is the lower one of the threshold."""
    across = rows(table, IDEAL)
    np.testing.assert_allclose(across.low / across.coat, 1.2**-0.5, rtol=2e-3)
    np.testing.assert_allclose(across.high / across.coat, 0.8**-0.5, rtol=2e-3)


def test_a_matrix_without_carbon_has_no_factor(handmade):
    electrons = rows(compare_coats(Recipe.parse("80:20:0"), handmade()), "electrons along two coats")
    assert (electrons.bulk == 0.0).all()
    assert (electrons.coat == 0.0).all()
    assert electrons.factor.isna().all()
