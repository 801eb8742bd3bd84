"""Study files: what is wrong in one is said in a sentence that names it, and nothing is written."""

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microstructure.errors import PercoatError, StudyError
from studies.compare import check_measured
from studies.contact_check import contact_ratio
from studies.screening.design import candidates, load_screen
from studies.study import load_study, parse_study, shipped_studies
from studies.texts import markdown_table
from studies.values import Value, half_interval, summarise, tidy

TINY = Path(__file__).with_name("tiny.toml")


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
        ({"composite": {"porosity": 0.1}}, "13.2%"),
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
    assert 1 - core - core * recipe.matrix_per_core == pytest.approx(0.08)


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
