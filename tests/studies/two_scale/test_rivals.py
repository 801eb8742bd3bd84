"""Rival readings of the same numbers, and which measurement would tell them apart."""

import math

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import studies.two_scale.patch_library
from microstructure.errors import StudyError
from studies.command import app
from studies.study import parse_study
from studies.two_scale.calibrated_model import Model
from studies.two_scale.calibration import fitted_parameters
from studies.two_scale.calibration_report import show_rivals
from studies.two_scale.rivals import (
    ENOUGH,
    RIVALS,
    Expected,
    FittedRival,
    expected_evidence,
    fit_rival,
    which_measurement,
)

TRUTH = {
    "cb.neck_conductance": 2e-4,
    "se.grain_contact_loss": 9.0,
    "composite.bare_contact_share": 0.6,
    "cam.electronic_conductivity": 0.7,
    "coat.skin_thickness": 3e-9,
    "composite.block_resistance_ionic": 2e-4,
}
FITTED = {
    "matrix_electronic 80:20:3": "cb.neck_conductance",
    "matrix_ionic 80:20:3": "se.grain_contact_loss",
    "utilisation_electronic 80:20:0": "composite.bare_contact_share",
    "composite_electronic 80:20:0": "cam.electronic_conductivity",
    "composite_electronic 80:20:3": "coat.skin_thickness",
    "composite_ionic 80:20:0": "composite.block_resistance_ionic",
}
ASKED = ["80:20:0.5", "80:20:3"]
REACHED = ("electronic", "ionic", "joint")


def shares(*values):
    return [Expected(centre, spread, share=True) for centre, spread in values]


@pytest.fixture(scope="module")
def library(handmade):
    return handmade()


@pytest.fixture(scope="module")
def measured(library):
    """A small study with what its true constants give, as if that had been measured; x = 0.5 was never mixed."""
    plain = parse_study(
        {
            "title": "t",
            "compositions": ["80:20:0", "80:20:3"],
            "ensemble": {"seed": 7, "seeds": 2},
            "cathode": {"cores": 60, "thickness": "16 um"},
        }
    )
    model, table = Model(plain, library), {}
    for name in FITTED:
        quantity, composition = name.split(" ")
        unit = "" if quantity.startswith("util") else "S/m"
        table.setdefault(quantity, {})[composition] = f"{model.named(name, TRUTH).mean():.9g} {unit}"
    return plain.model_copy(update={"measured": table, "fitted": FITTED})


@pytest.fixture(scope="module")
def carbons():
    """The carbon of each library that was asked for."""
    return []


@pytest.fixture(scope="module")
def library_of(handmade, carbons):
    """Agglomerates bridge half as often."""

    def make(study):
        carbons.append(study.carbon.dispersion.share)
        return handmade(bridge_rate=0.5) if study.carbon.dispersion.share < 1.0 else handmade()

    return make


@pytest.fixture(scope="module")
def table(measured, library_of):
    return which_measurement(measured, library_of=library_of, compositions=ASKED)


def test_evidence_by_hand():
    """Equal widths: (d / s)^2 / 2. Equal centres, one twice as wide: (1/4 + 4) / 4 - 1/2."""
    assert expected_evidence(*shares((0.6, 0.05), (0.9, 0.05))) == pytest.approx(18.0)
    assert expected_evidence(*shares((0.6, 0.05), (0.6, 0.1))) == pytest.approx(4.25 / 4.0 - 0.5)
    one, other = shares((0.2, 0.3), (0.7, 0.4))
    assert expected_evidence(one, other) == expected_evidence(other, one)
    assert expected_evidence(one, one) == 0.0


def test_evidence_is_the_likelihood_ratio_that_measurements_give():
    """The slow twin: measurements drawn under either rival, and the mean logarithm of the ratio for that one."""
    one, other = shares((0.2, 0.3), (0.7, 0.4))
    rng, means = np.random.default_rng(3), []
    for true, false in ((one, other), (other, one)):
        drawn = rng.normal(true.centre, true.spread, 200_000)
        logs = [-0.5 * ((drawn - law.centre) / law.spread) ** 2 - math.log(law.spread) for law in (true, false)]
        means.append(float((logs[0] - logs[1]).mean()))
    assert expected_evidence(one, other) == pytest.approx(sum(means) / 2.0, rel=0.02)


def test_ends_of_an_expectation():
    assert Expected(0.95, 0.05, share=True).ends == pytest.approx((0.95, 0.852, 1.0))
    ends = Expected(math.log(2.0), 0.1, share=False).ends
    assert ends == pytest.approx((2.0, 2.0 / math.exp(0.196), 2.0 * math.exp(0.196)))


def test_a_rival_is_a_switch_on_a_study(measured):
    for name, rival in RIVALS.items():
        own = rival.of(measured)
        assert own.carbon.contact_law == rival.law
        assert tuple(own.fitted.values()) == fitted_parameters(rival.law)
        assert (own.carbon.dispersion.share == 0.5) == (name == "agglomerates")
    assert measured.carbon.contact_law == "skin"


@pytest.mark.slow
def test_every_rival_meets_what_was_measured(measured, table):
    """Conductivity and utilisation that fixed a parameter are the same under all of them."""
    values = table[(table["quantity"] == "composite_electronic") & (table["composition"] == "80:20:3")]
    truth = float(measured.measured["composite_electronic"]["80:20:3"].split(" ")[0])
    for name in {*RIVALS} - {"ions"}:
        assert float(values[name].iloc[0]) == pytest.approx(truth, rel=0.03)
    assert set(table["composition"]) == {*ASKED}


@pytest.mark.slow
def test_ions_that_reach_every_core_make_no_rival(measured, library, table):
    """Films are whole and hang together: it is said. Where a core must be covered all over, ions reach fewer."""
    assert list(table.attrs["left_out"]) == ["ions"]
    assert "ions reach every core" in table.attrs["left_out"]["ions"]
    whole = measured.model_copy(
        update={"composite": measured.composite.model_copy(update={"ionic_contact_share": 1.0})}
    )
    reached = [Model(whole, library, reached=what).named("utilisation_electronic 80:20:0", TRUTH) for what in REACHED]
    assert np.all(reached[1] < 1.0)
    assert np.all(reached[2] <= np.minimum(reached[0], reached[1]))


def test_measured_numbers_are_flagged_and_come_last(table):
    flags = table["measured"].tolist()
    assert flags == sorted(flags)
    assert table[table["measured"]][["quantity", "composition"]].to_numpy().tolist() == [
        ["composite_electronic", "80:20:3"]
    ]
    new = table[~table["measured"]]
    assert new["mean"].is_monotonic_decreasing
    assert 0.0 <= table["mean"].min() <= table["mean"].max() <= ENOUGH
    assert (table["smallest"] >= 0.0).all()


def test_a_library_is_asked_for_once_for_each_carbon(table, carbons):
    assert carbons[:2] == [1.0, 0.5]
    assert len(table) == 6


@pytest.mark.slow
def test_predictions_are_the_same_again_whichever_rivals_stand_beside(measured, library_of, table):
    again = which_measurement(measured, ["share", "skin"], library_of=library_of, compositions=ASKED)
    columns = [f"{name}{end}" for name in ("skin", "share") for end in ("", "_low", "_high")]
    first, second = (one.set_index(["quantity", "composition"])[columns].sort_index() for one in (table, again))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


@pytest.mark.slow
def test_equal_rivals_are_told_apart_nowhere(measured, library_of, monkeypatch):
    monkeypatch.setitem(RIVALS, "twin", RIVALS["skin"])
    found = which_measurement(measured, ["skin", "twin"], library_of=library_of, compositions=["80:20:0.5"])
    assert found["mean"].tolist() == [0.0] * 3
    assert set(found["alike"]) == {"skin = twin"}


@pytest.mark.slow
def test_contacts_that_stay_are_fixed_by_the_utilisation_with_most_carbon(measured, library):
    """Where none was measured, none stays: bare contacts are left."""
    rival, quantity = RIVALS["breathing"], "utilisation_electronic"
    alone = fit_rival(rival, Model(rival.of(measured), library))
    assert alone.staying == (0.0, 0.0)
    bare, all_of = alone.expect(f"{quantity} 80:20:3"), FittedRival(RIVALS["resistance"], alone.model, alone.fit)
    full = all_of.expect(f"{quantity} 80:20:3")
    assert bare.centre < full.centre
    middle = 0.5 * (bare.centre + full.centre)
    table = {**measured.measured, quantity: {**measured.measured[quantity], "80:20:3": f"{middle:.6f}"}}
    fixed = fit_rival(rival, Model(rival.of(measured.model_copy(update={"measured": table})), library))
    assert 0.0 < fixed.staying[0] < 1.0
    assert fixed.expect(f"{quantity} 80:20:3").centre == pytest.approx(middle, rel=0.01)
    # pristine, all contacts are there
    pristine = [one.expect("composite_electronic 80:20:3").centre for one in (fixed, all_of)]
    assert pristine[0] == pytest.approx(pristine[1])


def test_electrons_without_a_path_stand_at_the_floor(measured, library):
    """Few bare contacts reach the collector and do not span: nothing conducts under any law."""
    found = fit_rival(RIVALS["skin"], Model(RIVALS["skin"].of(measured), library))
    values = {**found.fit.values, "composite.bare_contact_share": 0.0}
    none = FittedRival(found.rival, found.model, type(found.fit)(values, *list(vars(found.fit).values())[1:]))
    one = none.expect("composite_electronic 80:20:0")
    assert one.below
    assert one.ends[0] == pytest.approx(1e-6)


def test_a_rival_that_lacks_a_number_is_refused(measured, library_of):
    """By name; left out with the reason if none was named."""
    carbon = {"utilisation_electronic": {"80:20:3": "0.65"}}
    fitted = {name: parameter for name, parameter in FITTED.items() if not name.startswith("util")}
    fitted["utilisation_electronic 80:20:3"] = "composite.bare_contact_share"
    study = measured.model_copy(update={"measured": measured.measured | carbon, "fitted": fitted})
    with pytest.raises(StudyError, match="rival 'breathing': needs the utilisation of a composition without carbon"):
        which_measurement(study, ["breathing", "skin"], library_of=library_of)
    short = measured.model_copy(update={"fitted": {}})
    with pytest.raises(StudyError, match=r"two rivals or more are compared; left out: rival 'skin': \[fitted\] must"):
        which_measurement(short, library_of=library_of)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"rivals": ["skin"]}, "two rivals or more"),
        ({"rivals": ["skin", "skin"]}, "each named once"),
        ({"rivals": ["skin", "skim"]}, "unknown rival: 'skim'. Did you mean 'skin'"),
        ({"quantities": ["porosity_total"]}, "unknown quantity that blocks and patches give"),
        ({"compositions": []}, "needs a composition"),
    ],
)
def test_what_cannot_be_asked_is_refused(measured, library_of, more, sentence):
    with pytest.raises(StudyError, match=sentence):
        which_measurement(measured, library_of=library_of, **more)


def test_the_table_is_shown(table, capsys):
    show_rivals(table)
    shown = capsys.readouterr().out
    for text in ("Left out: rival 'ions'", *RIVALS, *ASKED, "80:20:3 *", "no electrons are measured"):
        assert text in shown


def test_on_the_command_line(monkeypatch, tmp_path, measured, table):
    """A flag of the calibration; the files are as without it."""
    monkeypatch.setattr("studies.two_scale.rivals.which_measurement", lambda *more, **settings: table)
    monkeypatch.setattr(studies.two_scale.patch_library, "study_library", lambda study, **more: None)
    monkeypatch.setattr("studies.two_scale.calibration.calibrate", lambda *more, **settings: None)
    monkeypatch.setattr("studies.two_scale.calibration_report.show_calibration", lambda *more: None)
    shown = CliRunner().invoke(app, ["calibrate", "kissel2026", "--rivals"])
    assert shown.exit_code == 0, shown.output
    assert "Which measurement next" in shown.output
    assert "Which measurement next" not in CliRunner().invoke(app, ["calibrate", "kissel2026"]).output
