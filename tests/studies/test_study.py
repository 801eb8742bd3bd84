"""Study files: what is wrong in one is said in a sentence that names it, and nothing is written."""

import tomllib
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microstructure.errors import PercoatError, StudyError
from studies.chart.chart_plan import load_plan
from studies.measured import Measured, parse_measured
from studies.quantities import check_measured, measured_text, measured_value
from studies.screening.design import candidates, load_screen
from studies.series.contact_check import contact_ratio
from studies.study import load_study, parse_study, shipped_studies
from studies.summary import Value, half_interval, summarise, tidy
from studies.terminal.texts import markdown_table

TINY = Path(__file__).parents[1] / "data" / "tiny.toml"


def table(**changes):
    return {"title": "t", "compositions": ["80:20:3"]} | changes


def test_shipped_studies_load():
    assert shipped_studies() == ["kissel2026", "neighbours"]  # a fitted set lies beside them, and is none
    full, quick = load_study("kissel2026"), load_study("kissel2026", quick=True)
    assert full.ensemble.seeds >= 8
    assert quick.ensemble.seeds == 3
    assert [str(recipe) for recipe in full.recipes] == [f"80:20:{x}" for x in ("0", "0.2", "0.5", "1", "2", "3")]
    check_measured(full)
    assert load_study("neighbours").cathode == full.cathode  # its [screen] table is for percoat screen


def test_shipped_screening_loads():
    plan = load_screen("neighbours")
    assert len(candidates(plan)) == 40
    assert load_screen("neighbours", quick=True).study.ensemble.seeds == 3


def test_study_repeats_the_numbers_of_the_paper():
    """CB:LIC mass ratios of 2 and 5 % are 2.57 and 6.20 vol% of the matrix."""
    study = load_study("kissel2026")
    low, high = (float(text.split()[0]) for text in study.measured["threshold_bulk"]["all"])
    materials = study.constants
    for ratio, percent in ((0.02, low), (0.05, high)):
        volume = ratio / materials["cb.density"] / (ratio / materials["cb.density"] + 1 / materials["se.density"])
        assert 100 * volume == pytest.approx(percent, abs=0.005)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"titel": "t"}, "'title'"),
        ({"composite": {"coers": 60}}, "'cores'"),
        ({"composite": {"cores": 10}}, "50"),
        ({"composite": {"thickness": 3.0}}, "5"),
        ({"composite": {"voxel_size": "3 mS"}}, "no quantity"),
        ({"composite": {"voxel_size": 100}}, "no unit"),
        ({"composite": {"porosity": 1.2}}, "less than 1"),
        ({"composite": {"porosity": 0.015}}, "1.8%"),
        ({"composite": {"porosity": 0.3, "pores_between_blocks": 0.1}}, "not both"),
        ({"carbon": {"fit": "squash"}}, "compress"),
        ({"carbon": {"contact_gap": "-1 nm"}}, "greater than or equal"),
        ({"materials": {"se": {"densty": "2 g/cm3"}}}, "'density'"),
        ({"materials": {"se": 3}}, "table"),
        ({"compositions": ["80:20"]}, "three weights"),
        ({"compositions": ["80:20:3", "80:20:3"]}, "twice"),
        ({"compositions": []}, "compositions"),
        ({"ensemble": {"seeds": 1}}, "2"),
        ({"compositions": ["80:20:1", "80:20:1.0"]}, "twice"),
        ({"thresholds": {"fits": ["cut", "cut"]}}, "twice"),
        ({"thresholds": {"bulk_edge": "50 nm"}}, "two aggregates"),
        ({"composite": {"voxel_size": "0 nm"}}, "greater than 0"),
        ({"materials": {"matrix": {"porosity": 1.2}}}, "porosity"),
        ({"materials": {"matrix": {"porosity": {"porositi": [0.1]}}}}, "'porosity'"),
        ({"materials": {"se": {"density": {"source": "y"}}}}, "wants a value"),
        ({"ensemble": {"seed": float("nan")}}, "seed"),
    ],
)
def test_what_is_wrong_is_named(changes, words):
    with pytest.raises(PercoatError, match=words):
        parse_study(table(**changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"composite": {"cores": "100"}}, "whole number is wanted here, without quotes"),
        ({"composite": {"cores": "1_00"}}, "whole number"),
        ({"composite": {"cores": True}}, "whole number"),
        ({"composite": {"cores": 60.5}}, "whole number"),
        ({"composite": {"cores": 10**12}}, "the range is 50 to 100000"),
        ({"composite": {"cores": 10**5000}}, "the range is 50 to 100000"),
        ({"thresholds": {"runs": 10**12}}, "the range is 8 to 100000"),
        ({"thresholds": {"windows": 10**9}}, "the range is 1 to 100"),
        ({"thresholds": {"bulk_edge": "1 m"}}, "1 nm to 25 um: check the unit"),
        ({"thresholds": {"coat_thickness": "150 m"}}, "1 nm to 10 um: check the unit"),
        ({"thresholds": {"coat_thickness": "0.01 nm"}}, "1 nm to 10 um: check the unit"),
        ({"thresholds": {"contact_gaps": ["2 m"]}}, "0 nm to 1 um: check the unit"),
        ({"ensemble": {"seed": 10**30}}, "the range is 0 to"),
        ({"ensemble": {"seeds": "3"}}, "whole number"),
        ({"composite": {"thickness": True}}, "plain number"),
        ({"composite": {"thickness": float("inf")}}, "finite"),
        ({"composite": {"thickness": 1e9}}, "the range is 5 to 1000"),
        ({"composite": {"thickness": "6.5"}}, "a number of median core diameters without quotes, or a length"),
        ({"composite": {"thickness": "6,5"}}, "write 6.5"),
        ({"composite": {"thickness": "10 um"}}, "the range is 5 to 1000"),
        ({"composite": {"thickness": date(2026, 1, 1)}}, "plain number"),
        ({"composite": {"porosity": "1_5 %"}}, "without anything between"),
        ({"composite": {"porosity": "150 %"}}, "less than 1"),
        ({"composite": {"porosity": "0,15"}}, "write 0.15"),
        ({"composite": {"porosity": float("nan")}}, "finite"),
        ({"composite": {"porosity": True}}, "ratio"),
        ({"composite": {"voxel_size": ""}}, "quantity"),
        ({"composite": {"voxel_size": "1 um"}}, "a fifth of the median core"),
        ({"composite": {"voxel_size": "2 nm"}}, "take larger ones or fewer cores"),
        ({"cathode": {"mass": "15 kg"}}, "1 ng to 1 kg: check the unit"),
        ({"cathode": {"mass": "15 Mg"}}, "did you mean 'mg'"),
        ({"materials": {"se": {"density": date(2026, 1, 1)}}}, "text, finite numbers, lists and tables"),
        ({"materials": {"se": {"grain_contact_loss": float("nan")}}}, "finite"),
        ({"materials": {"se": {"density": "1,86 g/cm3"}}}, "write 1.86 g/cm3"),
        ({"compositions": ["1e-320:20:1"]}, "three weights"),
        ({"compositions": ["8_0:20:1"]}, "without anything between"),
        ({"compositions": [""]}, "three weights"),
        ({"compositions": ["80:20:1"] * 3000}, "at most 2000"),
    ],
)
def test_numbers_are_read_strictly_and_have_ranges(changes, words):
    with pytest.raises(PercoatError, match=words) as refused:
        parse_study(table(**changes))
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 500


def test_shares_are_numbers_or_per_cent():
    given = parse_study(table(composite={"porosity": "25 %", "ionic_contact_share": "15%"})).composite
    assert (given.porosity, given.ionic_contact_share) == (0.25, 0.15)
    mixing = parse_study(table(carbon={"dispersion": {"share": "80 %", "solid_share": "0.3"}})).carbon.dispersion
    assert (mixing.share, mixing.solid_share) == (0.8, 0.3)
    assert parse_study(table(composite={"pores_between_blocks": "10 vol%"})).composite.pores_between_blocks == 0.1


def test_a_thickness_is_a_multiple_of_the_median_core_or_a_length():
    assert parse_study(table(composite={"thickness": "33 um"})).composite.thickness == pytest.approx(10.0)
    larger = {"cam": {"median_diameter": "5 um"}}
    assert parse_study(table(composite={"thickness": "50 um"}, materials=larger)).composite.thickness == 10.0
    assert parse_study(table(composite={"thickness": 10})).composite.thickness == 10.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = " + "[" * 5000 + "]" * 5000, "go too deep"),
        (".".join("a" * 3000) + " = 1", "10 deep at most"),
        ("materials.se.density = " + "[" * 50 + "]" * 50, "10 deep at most"),
        ("[thresholds]\nruns = " + "9" * 5000, "no valid TOML"),
        ("[thresholds]\nruns = 0x" + "f" * 5000, "8 to 100000"),
        ("[composite]\nporosity = nan", "finite"),
        ("[composite]\ncores = 1e400", "whole number"),
        ("[composite]\nthickness = 2026-01-01", "plain number"),
    ],
)
def test_strange_toml_is_a_sentence(tmp_path, text, words):
    path = tmp_path / "strange.toml"
    path.write_text(f'title = "t"\ncompositions = ["80:20:3"]\n{text}\n')
    with pytest.raises(StudyError, match=words) as refused:
        load_study(str(path))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ("2.2 +- 0.3 mS/cm", Measured(0.22, 0.22, 0.03)),
        ("2.2±0.3 mS/cm", Measured(0.22, 0.22, 0.03)),
        ("2.2 mS/cm +/- 300 uS/cm", Measured(0.22, 0.22, 0.03)),
        ("2.2 mS/cm ± 0.3", Measured(0.22, 0.22, 0.03)),
        ("2.2e-1 +- 3e-2 S/m", Measured(0.22, 0.22, 0.03)),
        ("< 0.01 mS/cm", Measured(0.001, 0.001, bound=True)),
        (["1 mS/cm", "2 mS/cm"], Measured(0.1, 0.2)),
        ("2.2 mS/cm", Measured(0.22, 0.22)),
    ],
)
def test_a_measured_value_with_its_error(entry, found):
    assert parse_measured(entry, "S/m") == found


@pytest.mark.parametrize("entry", ["65 % +- 5 %", "65 +- 5 %", "65 % +- 5", "0.65 +- 0.05", "65 vol% ± 5 vol%"])
def test_a_measured_share_with_its_error(entry):
    assert parse_measured(entry, "1") == Measured(0.65, 0.65, 0.05)
    study = parse_study(table(measured={"utilisation_electronic": {"80:20:3": entry}}))
    check_measured(study)
    assert measured_text(study, "utilisation_electronic", "80:20:3") == "65"
    assert measured_value(study, "utilisation_electronic", "80:20:3").error == 0.05


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("0.65 +- 5 %", "share or per cent"),
        ("65 % +- 5 % +- 1 %", "one value and one error"),
        ("+- 5 %", "one value and one error"),
        ("65 % +-", "one value and one error"),
        ("65 % +- 0 %", "an error is above zero"),
        ("65 % +- -5 %", "an error is above zero"),
        ("65 % +- 5 nm", "no ratio"),
        ("6_5 % +- 5 %", "without anything between"),
        ("< 65 % +- 5 %", "error stands in .measured. alone"),
        (["60 % +- 1 %", "70 %"], "error stands in .measured. alone"),
        (["60 %"], "one value"),
        (["70 %", "60 %"], "one value"),
        ("140 %", "100 % at most"),
        (["60 %", "140 %"], "100 % at most"),
        (1.4, "100 % at most"),
        ("65 wt%", "share by volume"),
        ("65,5 %", "write 65.5 %"),
        (True, "ratio"),
        (date(2026, 1, 1), "ratio"),
        ("", "ratio"),
        ({"value": "65 %"}, "ratio"),
        (float("nan"), "finite"),
    ],
)
def test_what_is_no_measured_share(entry, words):
    with pytest.raises(StudyError, match=words) as refused:
        check_measured(parse_study(table(measured={"utilisation_electronic": {"80:20:3": entry}})))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("quantity", ["threshold_bulk", "reachable_area", "soft_volume", "porosity_total"])
def test_every_share_ends_at_all_of_it(quantity):
    with pytest.raises(StudyError, match="100 % at most"):
        check_measured(parse_study(table(measured={quantity: {"all": "101 %"}})))


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        ({"matrix_ionik": {"80:20:3": "1 mS/cm"}}, "'matrix_ionic'"),
        ({"matrix_ionic": {"80:20:4": "1 mS/cm"}}, "'80:20:3'"),
        ({"matrix_ionic": {"80:20:3": "1 nm"}}, "no quantity"),
        ({"matrix_ionic": {"80:20:3": 1.0}}, "unit|quantity"),
        ({"matrix_ionic": {"80:20:3": "-1 mS/cm"}}, "one value"),
        ({"matrix_ionic": {"80:20:3": ["2 mS/cm", "1 mS/cm"]}}, "one value"),
        ({"matrix_ionic": {"80:20:3": "> 1 mS/cm"}}, "quantity"),
    ],
)
def test_measured_values_are_checked_before_anything_runs(measured, words):
    with pytest.raises(StudyError, match=words):
        check_measured(parse_study(table(measured=measured)))


def test_no_such_study():
    with pytest.raises(StudyError, match="kissel2026"):
        load_study("kisel2026")
    with pytest.raises(StudyError, match="no study 'fitted'"):
        load_study("fitted")
    with pytest.raises(StudyError, match="cannot read"):
        load_study("nowhere.toml")


@pytest.mark.parametrize("load", [load_study, load_screen])
def test_quick_settings_are_tables(load, tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text('title = "t"\ncompositions = ["80:20:3"]\nquick = 3\n')
    with pytest.raises(StudyError, match=r"\[quick\] holds tables of settings; got 3"):
        load(str(path), quick=True)


def test_porosity_between_blocks_and_total_agree():
    study = parse_study(table(composite={"pores_between_blocks": 0.1}))
    recipe = study.recipes[0]
    total = study.composite.total_porosity(recipe)
    core = recipe.core_fraction(total)
    assert 1 - core - core * recipe.matrix_per_core == pytest.approx(0.1)


def test_contact_network_and_voxels_agree_on_one_contact():
    """Within 20 %: the formula takes a coat for a sheet, and its contact for an evenly fed cap."""
    study = load_study("kissel2026", quick=True)
    ratio = contact_ratio(study, study.recipes[-1])
    assert ratio == pytest.approx(1.0, abs=0.2)
    thin = parse_study(table(compositions=["99:1:0.2"], composite={"porosity": 0.42}))
    assert contact_ratio(thin, thin.recipes[0]) is None


def test_named_states():
    pressed, loose = (parse_study(table(composite={"state": state})) for state in ("pressed", "loose"))
    recipe = pressed.recipes[0]
    assert loose.composite.total_porosity(recipe) == 0.25
    core = recipe.core_fraction(pressed.composite.total_porosity(recipe))
    assert core == pytest.approx(0.62)  # jammed: the matrix does not fill what is left
    assert 1 - core - core * recipe.matrix_per_core == pytest.approx(0.0215, abs=1e-4)


@pytest.mark.parametrize(
    ("composition", "least", "jammed", "cores"),
    [
        ("80:20:3", "5 %", "74 %", 0.633),  # all that is left is matrix
        ("80:20:3", "95 %", "74 %", 0.560),  # as porous as a pellet, 30 %
        ("80:20:3", "5 %", "63 %", 0.63),  # jammed
        ("80:20:0", "5 %", "63 %", 0.63),
        ("90:10:0", "5 %", "62 %", 0.62),
        ("70:30:0", "5 %", "63 %", 0.547),
    ],
)
def test_pressed_cores_jam_or_float_in_the_matrix(composition, least, jammed, cores):
    """The lower of where cores jam and of where the matrix at its least porosity fills what they leave."""
    constants = {"matrix": {"least_porosity": least}, "pressed": {"largest_core_fraction": jammed}}
    study = parse_study(table(compositions=[composition], materials=constants))
    recipe = study.recipes[0]
    assert recipe.core_fraction(study.composite.total_porosity(recipe)) == pytest.approx(cores, abs=6e-4)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "bad.toml", "--out", "out"], "'cores'"),
        (["run", "nowhere.toml", "--out", "out"], "cannot read"),
        (["run", "broken.toml", "--out", "out"], "valid TOML"),
        (["run", "kissel2026", "--seeds", "one"], "--seeds"),
        (["run", "kissel2026", "--sedes", "3"], "--sedes"),
    ],
)
def test_the_command_line_says_one_sentence_and_leaves_nothing(percoat, tmp_path, words, said):
    (tmp_path / "bad.toml").write_text('title = "t"\ncompositions = ["80:20:3"]\n[composite]\ncoers = 60\n')
    (tmp_path / "broken.toml").write_text("title = \n")
    done = percoat(*words, folder=tmp_path)
    assert done.status == 2
    assert said in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.toml", "broken.toml"]


def test_interval_of_the_mean():
    """Coverage of Student's interval on normal draws, with a negative control."""
    rng = np.random.default_rng(1)
    hits, misses = 0, 0
    for _ in range(2000):
        values = rng.normal(5.0, 1.0, size=3)
        half = half_interval(values)
        hits += abs(values.mean() - 5.0) <= half
        misses += abs(values.mean() - 5.0) <= half / 2.48  # about the normal quantile: too narrow for three seeds
    assert 0.935 < hits / 2000 < 0.965
    assert misses / 2000 < 0.88


def test_summary_of_values():
    values = {seed: [Value("utilisation_ionic", "80:20:0", "", "1", value)] for seed, value in ((0, 0.9), (1, 1.0))}
    row = summarise(tidy(values)).iloc[0]
    assert row["mean"] == 0.95
    assert row["high"] == 1.0  # a share ends at 1
    assert row["seeds"] == 2


def test_tiny_study_is_valid_toml_with_its_own_electrolyte():
    assert tomllib.loads(TINY.read_text())["materials"]["se"]["density"] == "1.86 g/cm3"
    assert load_study(str(TINY)).constants["se.density"] == 1860.0


def test_markdown_rows_have_five_cells():
    row = {"quantity": "reachable_area", "composition": "80:20:0", "setting": "", "unit": "%", "seeds": 3}
    numbers = {"prediction": 99.0, "low": 98.0, "high": 100.0, "measured": "", "role": ""}
    line = markdown_table(pd.DataFrame([row | numbers])).splitlines()[-1]
    assert line == "| reachable CAM\\|SE area (%) | 80:20:0 | 99 (98 - 100) |  |  |"


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("thresholds.coat_thickness", "1 m"),
        ("thresholds.core_diameter", "1 m"),
        ("composite.voxel_size", "1 mm"),
        ("matrix.ion_voxel_size", "1 mm"),
    ],
)
def test_a_length_that_its_object_cannot_have_is_refused(where, value):
    table, key = where.split(".")
    with pytest.raises(StudyError, match=f"{key}.* is .*um: check the unit"):
        parse_study({"title": "t", "compositions": ["80:20:1"], table: {key: value}})


@pytest.mark.parametrize(("key", "value"), [("diameters", "1 m"), ("thicknesses", "1 m")])
def test_a_block_of_a_metre_is_refused_before_a_chart_is_made(tmp_path, key, value):
    text = TINY.with_name("tiny_chart.toml").read_text()
    before = next(line for line in text.splitlines() if line.startswith(f"{key} ="))
    (tmp_path / "plan.toml").write_text(text.replace(before, f'{key} = ["{value}"]'))
    with pytest.raises(StudyError, match=r"um: check the unit"):
        load_plan(tmp_path / "plan.toml")
