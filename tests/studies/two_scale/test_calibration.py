"""The fit finds again the parameters that its numbers were made with, and says how well they are known."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import studies.screening.screen_candidates
import studies.screening.sensitivity
import studies.two_scale.patch_library
from microstructure.coats.outer_face import OuterFace
from microstructure.errors import StudyError
from microstructure.recipe import Recipe
from studies.command import app
from studies.contact_law import FACE_CONSTANTS
from studies.study import load_study, parse_study, with_constants
from studies.two_scale.calibrated_model import Model, Response
from studies.two_scale.calibration import (
    Calibration,
    calibrate,
    count_data,
    find_targets,
    fitted_parameters,
    solve,
)
from studies.two_scale.calibration_report import show_calibration
from studies.two_scale.fitted import load_fitted
from studies.two_scale.held_out import cathode_interval
from studies.two_scale.profile_likelihood import Profile

TRUTH = {
    "cb.neck_conductance": 2e-4,
    "se.grain_contact_loss": 9.0,
    "composite.bare_contact_share": 0.6,  # well above where bare contacts begin to percolate
    "cam.electronic_conductivity": 0.7,
    "coat.skin_thickness": 3e-9,  # one contact in nine carries
    "composite.block_resistance_ionic": 2e-4,
}
NAMES = fitted_parameters("skin")
FITTED = {
    "matrix_electronic 80:20:3": ("cb.neck_conductance", "S/m"),
    "matrix_ionic 80:20:3": ("se.grain_contact_loss", "S/m"),
    "utilisation_electronic 80:20:0": ("composite.bare_contact_share", ""),
    "composite_electronic 80:20:0": ("cam.electronic_conductivity", "S/m"),
    "composite_electronic 80:20:3": ("coat.skin_thickness", "S/m"),
    "composite_ionic 80:20:0": ("composite.block_resistance_ionic", "S/m"),
}
RISING = ("composite_electronic", "utilisation_electronic")
HELD_OUT = ("composite_ionic 80:20:3", "utilisation_electronic 80:20:3", "matrix_electronic 80:20:1")


@pytest.fixture(scope="module")
def library(handmade):
    return handmade()


@pytest.fixture(scope="module")
def measured(library):
    """A small study with what its true constants give, as if that had been measured."""
    plain = parse_study(
        {
            "title": "t",
            "compositions": ["80:20:0", "80:20:1", "80:20:3"],
            "ensemble": {"seed": 7, "seeds": 2},
            "cathode": {"cores": 60, "thickness": "16 um"},
        }
    )
    model, table = Model(plain, library), {}
    for name in (*FITTED, *HELD_OUT):
        quantity, composition = name.split(" ")
        value = model.by_seed(Recipe.parse(composition), quantity, TRUTH).mean()
        unit = "" if quantity.startswith("util") else "S/m"
        table.setdefault(quantity, {})[composition] = f"{value:.9g} {unit}"
    fitted = {name: parameter for name, (parameter, _) in FITTED.items()}
    return plain.model_copy(update={"measured": table, "fitted": fitted})


@pytest.fixture(scope="module")
def found(measured, library):
    return calibrate(measured, library)


def test_parameters_are_found_again(found):
    assert tuple(found.values) == NAMES
    for name in ("cb.neck_conductance", "se.grain_contact_loss", "composite.block_resistance_ionic"):
        assert found.values[name] == pytest.approx(TRUTH[name], rel=1e-3)
    # a share of few contacts is a staircase: any share on the same step reproduces the target
    assert found.values["composite.bare_contact_share"] == pytest.approx(0.6, abs=0.02)
    assert found.values["cam.electronic_conductivity"] == pytest.approx(0.7, rel=0.1)
    assert found.values["coat.skin_thickness"] == pytest.approx(3e-9, rel=0.05)


def test_targets_are_met(found, measured, library):
    model = Model(measured, library)
    for target in found.targets.values():
        value = model.by_seed(target.recipe, target.quantity, found.values).mean()
        assert value == pytest.approx(target.value, rel=0.02)


def test_numbers_held_out_are_predicted(found, measured):
    """Made with the true constants, they lie within their intervals; composites are predicted measured or not."""
    composites = {
        f"{quantity} {composition}"
        for quantity in ("composite_electronic", "composite_ionic", "utilisation_electronic")
        for composition in measured.compositions
    }
    assert set(found.held_out) == (composites | {*HELD_OUT}) - {*FITTED}
    for name in HELD_OUT:
        one, (quantity, composition) = found.held_out[name], name.split(" ")
        truth = float(measured.measured[quantity][composition].split(" ")[0])
        assert one.low <= one.value <= one.high
        assert one.low <= truth <= one.high
        assert one.value == pytest.approx(truth, rel=0.05)
    assert found.held_out["utilisation_electronic 80:20:3"].high <= 1.0


def test_without_carbon_between_blocks_bare_contacts_are_left(found):
    alone, all_of = (part["utilisation_electronic 80:20:3"].value for part in (found.bare_alone, found.held_out))
    assert alone < all_of
    assert set(found.bare_alone) == {name for name in found.held_out if "electronic 80" in name} - {HELD_OUT[2]}


def test_the_covariance_is_one(found):
    np.testing.assert_allclose(found.covariance, found.covariance.T, atol=1e-12)
    assert np.linalg.eigvalsh(found.covariance).min() > 0.0
    np.testing.assert_allclose(np.diag(found.correlations), 1.0, rtol=1e-12)
    assert np.abs(found.correlations).max() <= 1.0 + 1e-12
    np.testing.assert_allclose(found.errors**2, np.diag(found.covariance), rtol=1e-12)


def test_a_number_proportional_to_its_parameter_fixes_it_as_well_as_it_is_measured(found):
    """Conductivities within 20 %: their deviance is a parabola in the logarithm, if what else hangs on it gives way."""
    assert found.errors[0] == pytest.approx(0.2, rel=1e-3)
    profile = found.profiles["cb.neck_conductance"]
    turns = np.log(profile.values / found.values["cb.neck_conductance"])
    np.testing.assert_allclose(profile.deviance, (turns / 0.2) ** 2, rtol=1e-6, atol=1e-9)
    ends = np.log(np.array(profile.interval) / found.values["cb.neck_conductance"])
    np.testing.assert_allclose(ends, np.array([-1.96, 1.96]) * 0.2, rtol=1e-3)


def test_a_profile_bends_where_its_number_does(found, measured, library):
    """The share of bare contacts: utilisation is no straight line of it, and the slow twin refits by hand."""
    name = "composite.bare_contact_share"
    profile, target = found.profiles[name], found.targets[name]
    model, place = Model(measured, library), int(np.argmax(found.profiles[name].values))
    at = {**found.values, name: float(profile.values[place])}
    miss = np.log(model.by_seed(target.recipe, target.quantity, at).mean() / target.value)
    # the conductivity of the cores takes up what the other composites miss: this one number is left
    scatter = model.respond(found.values, [target.name]).scatter[0]
    assert profile.deviance[place] == pytest.approx((miss / np.hypot(target.error, scatter)) ** 2, rel=0.05)
    assert profile.interval[0] < found.values[name] < profile.interval[1]


@pytest.mark.slow
@pytest.mark.parametrize("law", ["share", "resistance"])
def test_rival_laws_are_fitted_alike(measured, library, law):
    parameter = FACE_CONSTANTS[law][0]
    fitted = {**measured.fitted, "composite_electronic 80:20:3": parameter}
    study = measured.model_copy(
        update={"carbon": measured.carbon.model_copy(update={"contact_law": law}), "fitted": fitted}
    )
    targets = find_targets(study)
    assert tuple(targets) == fitted_parameters(law)
    found = calibrate(study, library)
    value = Model(study, library).named("composite_electronic 80:20:3", found.values).mean()
    assert value == pytest.approx(targets[parameter].value, rel=0.02)


def test_one_number_does_not_fix_two_parameters(measured):
    shared = {"80:20:0, 80:20:1": "65 %"}
    study = measured.model_copy(
        update={
            "measured": {**measured.measured, "utilisation_electronic": shared},
            "fitted": {**measured.fitted, "utilisation_electronic 80:20:1": "coat.skin_thickness"},
        }
    )
    with pytest.raises(StudyError, match="cannot both be fixed by one number"):
        find_targets(study)


def test_electrons_rise_with_the_share_of_contacts_that_carry_on_one_structure(measured, library):
    model, found = Model(measured, library), []
    for share in (0.0, 1e-4, 1e-3, 0.01, 0.03, 0.1, 0.11, 0.3, 1.0):
        other = model.with_face(OuterFace(None, share, share))
        assert other.seams is model.seams
        found.append([other.number(model.recipe("80:20:3"), name, TRUTH, 0) for name in RISING])
    assert np.all(np.diff(found, axis=0) >= 0.0)
    assert found[-1][0] > found[0][0]


def test_intervals_of_a_cathode():
    """Student's t for one more of them; of conductivities in the logarithm, from 0 where some have no path."""
    values = np.array([0.6, 0.7, 0.8])
    half = 4.302653 * 0.1 * np.sqrt(4.0 / 3.0)
    assert cathode_interval(values, share=True) == pytest.approx((0.7 - half, 1.0))
    low, high = cathode_interval(np.exp(values), share=False)
    assert np.log([low, high]) == pytest.approx([0.7 - half, 0.7 + half])
    assert cathode_interval(np.append(np.exp(values), 0.0), share=False) == pytest.approx((0.0, high))
    assert cathode_interval(np.zeros(3), share=False) == (0.0, 0.0)


def test_what_a_number_does_not_depend_on_has_no_slope(measured, library):
    """Bare contacts, cores and blocks are nothing to the matrix, necks nothing to a composite without carbon."""
    found = Model(measured, library).respond(TRUTH, list(FITTED))
    slopes, scatter = found.slopes, found.scatter
    at = {name: column for column, name in enumerate(NAMES)}
    for row in (0, 1):
        assert np.count_nonzero(slopes[row]) == 1
        assert scatter[row] == 0.0
    # d ln exp(-loss ratio) / d ln loss
    assert slopes[0, at["cb.neck_conductance"]] == pytest.approx(1.0, rel=1e-3)
    assert slopes[1, at["se.grain_contact_loss"]] == pytest.approx(-9.0 * 3.0 / 20.0, rel=1e-2)
    for row in (2, 3):
        assert slopes[row, at["cb.neck_conductance"]] == 0.0
        assert slopes[row, at["composite.block_resistance_ionic"]] == 0.0
    assert slopes[3, at["cam.electronic_conductivity"]] == pytest.approx(1.0, rel=1e-3)
    assert slopes[4, at["coat.skin_thickness"]] < 0.0
    assert slopes[5, at["composite.block_resistance_ionic"]] < 0.0


def test_a_number_that_does_not_move_with_its_parameter_is_said(measured, library, monkeypatch):
    """As a utilisation of few cores may: then nothing is known about the parameter."""
    flat = np.diag([1.0, 1.0, 0.0, 1.0, 1.0, 1.0])
    monkeypatch.setattr(Model, "respond", lambda *more: Response(np.ones(6), np.zeros(6), flat))
    with pytest.raises(
        StudyError, match=r"utilisation_electronic 80:20:0 does not change with composite\.bare_contact"
    ):
        calibrate(measured, library)


@pytest.mark.slow
def test_a_calibration_is_the_same_again(found, measured, library):
    again = calibrate(measured, library)
    assert again.values == found.values
    assert again.covariance.tobytes() == found.covariance.tobytes()


def test_every_parameter_needs_one_number(measured):
    short = measured.model_copy(update={"fitted": {"matrix_electronic 80:20:3": "cb.neck_conductance"}})
    with pytest.raises(StudyError, match=r"missing: se\.grain_contact_loss, composite\.bare_contact_share"):
        find_targets(short)
    for wrong in ("< 1 S/m", "0 S/m"):
        bound = {**measured.measured, "matrix_ionic": {"80:20:3": wrong}}
        with pytest.raises(StudyError, match="one measured value"):
            find_targets(measured.model_copy(update={"measured": bound}))
    between = {**measured.measured, "matrix_ionic": {"80:20:3": ["1 S/m", "2 S/m"]}}
    target = find_targets(measured.model_copy(update={"measured": between}))["se.grain_contact_loss"]
    assert (target.value, target.error) == pytest.approx((1.5, 0.5 / 1.5))


def test_targets_are_in_si_units():
    targets = find_targets(load_study("kissel2026"))
    assert targets["cb.neck_conductance"].value == pytest.approx(100.0)
    bare = targets["composite.bare_contact_share"]
    assert (bare.value, bare.error) == pytest.approx((0.675, 0.025 / 0.675))
    assert targets["composite.block_resistance_ionic"].name == "composite_ionic 80:20:0.2"


def test_data_and_parameters_are_counted():
    total, converted, fixing, held_out = count_data(load_study("kissel2026"))
    assert total == "17 measured numbers, of which 4 are arithmetic of the recipe."
    assert converted.startswith("2 are material constants in another form: ")
    assert fixing.startswith("6 fix a parameter each: ")
    assert "utilisation_electronic 80:20:0 = 80:20:0.2 = 80:20:0.5" in fixing  # one number, and not three
    assert held_out.startswith("5 are held out, and predicted: ")
    assert "composite_ionic 80:20:3" in held_out  # the same quantity, but not the number that fixes it
    assert "utilisation_electronic 80:20:3" in held_out


def test_a_target_out_of_reach_is_said(measured, library):
    with pytest.raises(StudyError, match=r"composite\.x cannot reach its target: its logarithm is missed by \+1 to"):
        solve(lambda value: 1.0 + value, "composite.x")
    much = {**measured.measured, "matrix_electronic": {"80:20:3": "1e9 S/m"}}
    with pytest.raises(StudyError, match=r"cb\.neck_conductance cannot reach its target"):
        calibrate(measured.model_copy(update={"measured": much}), library)


@pytest.mark.parametrize(("name", "root"), [("composite.bare_contact_share", 0.123), ("composite.x", 3e-7)])
def test_a_root_within_the_range_is_found(name, root):
    assert solve(lambda value: value - root, name) == pytest.approx(root, rel=2e-4)


def test_constants_are_replaced_in_si_units_and_others_stay():
    study = parse_study({"title": "t", "compositions": ["80:20:3"], "materials": {"se": {"density": "2 g/cm3"}}})
    constants = with_constants(study, TRUTH).constants
    assert {name: constants[name] for name in TRUTH} == pytest.approx(TRUTH)
    assert constants["se.density"] == pytest.approx(2000.0)
    assert study.constants["cb.neck_conductance"] == pytest.approx(511e-6)


def test_a_calibration_is_shown(found, measured, capsys):
    assert isinstance(found, Calibration)
    show_calibration(measured, found)
    shown = capsys.readouterr().out
    for name in NAMES:
        assert name in shown
    assert "[materials.cb]\nneck_conductance = { value = " in shown
    assert "9 measured numbers" in shown


@pytest.mark.slow
def test_on_the_command_line_a_screening_takes_what_a_calibration_wrote(
    found, measured, handmade, monkeypatch, tmp_path
):
    """From a study file to the fitted set, to the ranking: the same numbers as from Python."""
    for module in (studies.two_scale.patch_library, studies.screening.screen_candidates, studies.screening.sensitivity):
        monkeypatch.setattr(module, "study_library", lambda study, **more: handmade())
    path, written, folder = tmp_path / "mine.toml", tmp_path / "fitted.toml", tmp_path / "out"
    path.write_text(study_text(measured))
    done = CliRunner().invoke(app, ["calibrate", str(path), "--out", str(written)])
    assert done.exit_code == 0, done.output
    assert "cam.electronic_conductivity" in done.output
    assert load_fitted(written).values == pytest.approx(found.values, rel=1e-5)
    done = CliRunner().invoke(app, ["screen", str(path), "--fitted", str(written), "--out", str(folder)])
    assert done.exit_code == 0, done.output
    assert "80:20:3" in done.output
    record = json.loads((folder / "screening.json").read_text())
    assert record["fitted"]["values"] == load_fitted(written).values
    ranking = pd.read_csv(folder / "ranking.csv")
    assert sorted(ranking["composition"]) == ["80:20:0", "80:20:1", "80:20:3"]


def study_text(study):
    """A study as the file that a user would write."""
    lines = ['title = "t"', f"compositions = {study.compositions!r}", "[ensemble]", "seed = 7", "seeds = 2"]
    lines += ["[cathode]", "cores = 60", 'thickness = "16 um"']
    for quantity, found in study.measured.items():
        lines += [f"[measured.{quantity}]", *(f'"{name}" = "{text.strip()}"' for name, text in found.items())]
    lines += ["[fitted]", *(f'"{name}" = "{parameter}"' for name, parameter in study.fitted.items())]
    return "\n".join(lines)


def test_a_number_that_fixes_little_leaves_the_range_of_its_parameter():
    values, deviance = np.array([0.5, 1.0, 2.0]), np.array([1.0, 0.0, 8.0])
    low, high = Profile(values, deviance, (0.1, 5.0)).interval
    assert low == 0.1
    assert high == pytest.approx(2.0 ** np.sqrt(3.841459 / 8.0))
