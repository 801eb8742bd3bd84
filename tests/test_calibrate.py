"""The fit finds again the parameters that a study was computed with."""

import warnings
from pathlib import Path

import pytest

from microstructure.errors import StudyError
from studies.calibrate import PARAMETERS, calibrate, count_data, find_targets, solve
from studies.study import load_study
from studies.tasks import composition_task
from studies.values import summarise, tidy

TINY = Path(__file__).with_name("tiny.toml")


@pytest.fixture(scope="module")
def study():
    plain = load_study(str(TINY))
    materials = {"composite": {"bare_contact_share": 0.6}}  # well above where bare contacts begin to percolate
    return plain.model_copy(update={"compositions": ["80:20:0", "80:20:1"], "materials": materials})


@pytest.fixture(scope="module")
def measured(study):
    """The study with what its own constants give, as if that had been measured."""
    quantities = {
        "matrix_ionic 80:20:0": ("se.ionic_conductivity", "S/m"),
        "matrix_electronic 80:20:1": ("cb.neck_conductance", "S/m"),
        "utilisation_electronic 80:20:0": ("composite.bare_contact_share", ""),
        "composite_electronic 80:20:0": ("cam.electronic_conductivity", "S/m"),
        "composite_electronic 80:20:1": ("composite.block_resistance_electronic", "S/m"),
        "composite_ionic 80:20:0": ("composite.block_resistance_ionic", "S/m"),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # voxels larger than the coat: the fit does not mind
        values = {
            seed: [value for recipe in study.recipes for value in composition_task(study, seed, recipe)]
            for seed in range(2)
        }
    mean = summarise(tidy(values)).query("setting == ''").set_index(["quantity", "composition"])["mean"]
    table = {}
    for name, (_, unit) in quantities.items():
        quantity, composition = name.split(" ")
        table.setdefault(quantity, {})[composition] = f"{mean[quantity, composition]} {unit}"
    fitted = {name: parameter for name, (parameter, _) in quantities.items()}
    return study.model_copy(update={"measured": table, "fitted": fitted})


@pytest.mark.filterwarnings("ignore:a voxel of")
def test_parameters_are_found_again(measured):
    fit, constants = calibrate(measured), measured.constants
    assert set(fit) == set(PARAMETERS)
    for name in ("se.ionic_conductivity", "cb.neck_conductance"):
        assert fit[name] == pytest.approx(constants[name], rel=1e-4)
    # a share of few contacts is a staircase: any share on the same step reproduces the target
    assert fit["composite.bare_contact_share"] == pytest.approx(constants["composite.bare_contact_share"], abs=0.03)
    assert fit["cam.electronic_conductivity"] == pytest.approx(constants["cam.electronic_conductivity"], rel=0.2)
    for name in ("composite.block_resistance_electronic", "composite.block_resistance_ionic"):
        assert fit[name] == pytest.approx(constants[name], rel=0.05)


def test_every_parameter_needs_one_number(measured):
    short = measured.model_copy(update={"fitted": {"matrix_ionic 80:20:0": "se.ionic_conductivity"}})
    with pytest.raises(StudyError, match=r"missing: cb\.neck_conductance"):
        find_targets(short)
    bound = {**measured.measured, "matrix_ionic": {"80:20:0": "< 1 S/m"}}
    with pytest.raises(StudyError, match="one measured value"):
        find_targets(measured.model_copy(update={"measured": bound}))


def test_data_and_parameters_are_counted():
    total, fixing, held_out = count_data(load_study("kissel2026"))
    assert total == "19 measured numbers, of which 4 are arithmetic of the recipe."
    assert fixing.startswith("7 fix a parameter each: ")
    assert "matrix_ionic 80:20:3" in held_out  # the same quantity, but not the number that fixes it
    assert "utilisation_electronic 80:20:3" in held_out
    assert held_out.startswith("8 are held out")


def test_a_target_out_of_reach_is_said():
    with pytest.raises(StudyError, match=r"composite\.x cannot reach its target: it is missed by \+1 to \+2"):
        solve(lambda value: 1.0 + value, "composite.x")
