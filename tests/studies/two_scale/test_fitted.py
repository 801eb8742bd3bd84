"""A fitted set as a file: written and read it is the same, broken ones are refused, draws scatter as they say."""

from pathlib import Path

import numpy as np
import pytest

from microstructure.errors import StudyError
from microstructure.materials import Materials
from microstructure.recipe import Recipe
from studies.study import parse_study
from studies.two_scale.calibration import Calibration, Target, fitted_parameters
from studies.two_scale.fitted import FittedSet, fitted_text, load_fitted, with_fitted, write_fitted

NAMES = fitted_parameters("skin")
VALUES = dict(zip(NAMES, (5e-4, 13.0, 0.34, 1.4, 2.5e-8, 4e-4), strict=True))
TABLE = {"title": "t", "compositions": ["80:20:3"]}


def covariance(scale=0.01):
    """Of the logarithms; the third and the fourth are strongly correlated."""
    found = scale * np.diag([1.0, 0.5, 0.2, 4.0, 1.0, 2.0])
    found[2, 3] = found[3, 2] = -0.7 * scale
    return found


@pytest.fixture
def calibration():
    target = Target(Recipe.parse("80:20:3"), "matrix_electronic", 100.0, 0.2)
    return Calibration(VALUES, dict.fromkeys(NAMES, target), covariance(), {}, {}, {})


def test_what_is_written_is_read(calibration, tmp_path):
    path = tmp_path / "mine.toml"
    write_fitted(calibration, path, 'my "cathodes", C:\\data')
    found = load_fitted(path)
    assert found.values == VALUES
    np.testing.assert_allclose(found.covariance, covariance(), rtol=1e-12)
    assert found.provenance == 'my "cathodes", C:\\data'
    assert [one.name for one in tmp_path.iterdir()] == ["mine.toml"]
    lines = path.read_text()
    assert '"composite.bare_contact_share" = 0.34 # 1, within 4%; fixed by matrix_electronic 80:20:3 = 100' in lines


def broken(calibration, old, new):
    text = fitted_text(calibration, "p")
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"se.grain_contact_loss" = 13.0', '"se.grain" = 13', "mine.toml is no fitted set .*grain_contact_loss"),
        ('"se.grain_contact_loss" = 13.0', '"se.grain_contact_loss" = "much"', "mine.toml is no fitted set"),
        ("provenance", "origin", "mine.toml is no fitted set of percoat .'provenance'.: write one with percoat cal"),
        ("[values]", "[numbers]", "mine.toml is no fitted set"),
        (
            "[0.01, 0.0, 0.0, 0.0, 0.0, 0.0],",
            "",
            "the covariance in mine.toml must be symmetric and positive definite, 6 by 6",
        ),
        (
            "[0.01, 0.0, 0.0, 0.0, 0.0, 0.0]",
            "[-0.01, 0, 0, 0, 0, 0]",
            "covariance in mine.toml must be symmetric and positive",
        ),
        ("[0.01, 0.0, 0.0, 0.0, 0.0, 0.0]", "[0.01, 0.2, 0, 0, 0, 0]", "the covariance in mine.toml must be symmetric"),
        ("[0.01, 0.0, 0.0, 0.0, 0.0, 0.0]", "[nan, 0, 0, 0, 0, 0]", "covariance in mine.toml"),
        ("[0.01, 0.0, 0.0, 0.0, 0.0, 0.0]", "[0.01, 0]", "mine.toml is no fitted set"),
        (
            '"cb.neck_conductance" = 0.0005',
            '"cb.neck_conductance" = -1',
            "the value of cb.neck_conductance in mine.toml must be positive",
        ),
        (
            '"cb.neck_conductance" = 0.0005',
            '"cb.neck_conductance" = nan',
            "the value of cb.neck_conductance in mine.toml must be positive",
        ),
        ("[values]", "values", "mine.toml is no valid TOML"),
        (
            '"se.grain_contact_loss" = 13.0',
            '"se.grain_contact_loss" = "13"',
            "a plain number is wanted, without quotes",
        ),
        ('"se.grain_contact_loss" = 13.0', '"se.grain_contact_loss" = true', "a plain number is wanted"),
        ('"se.grain_contact_loss" = 13.0', f'"se.grain_contact_loss" = 1{"0" * 400}', "must be positive and finite"),
        ('"se.grain_contact_loss" = 13.0', '"se.grain_contact_loss" = 2020-01-01', "a plain number is wanted"),
        ("[0.01, 0.0, 0.0, 0.0, 0.0, 0.0]", '["0_1", 0, 0, 0, 0, 0]', "a plain number is wanted"),
        ("[0.01, 0.0, 0.0, 0.0, 0.0, 0.0]", "0.01", "mine.toml is no fitted set"),
        ('provenance = "p"', "provenance = 5", "provenance is text"),
    ],
)
def test_a_broken_file_is_refused_in_one_sentence_with_its_name(calibration, tmp_path, old, new, words):
    path = tmp_path / "mine.toml"
    path.write_text(broken(calibration, old, new))
    with pytest.raises(StudyError, match=words) as refused:
        load_fitted(path)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there():
    with pytest.raises(StudyError, match=r"cannot read .*nowhere\.toml"):
        load_fitted(Path("nowhere.toml"))


def test_draws_scatter_as_the_covariance_says():
    """Variances within 5 standard errors of a normal law; those of a covariance a fifth larger are not."""
    study, rng, count = parse_study(TABLE), np.random.default_rng(1), 4000
    fitted = FittedSet(VALUES, covariance(), "p")
    turns = np.log([list(fitted.draw(rng, study).values()) for _ in range(count)]) - np.log(list(VALUES.values()))
    found = np.cov(turns, rowvar=False)

    def standard_errors(wanted):
        return np.abs(found - wanted) / np.sqrt((np.outer(*2 * [np.diag(wanted)]) + wanted**2) / count)

    assert np.all(standard_errors(covariance()) < 5.0)
    assert np.all(np.diag(standard_errors(covariance(0.012))) > 5.0)
    assert np.all(np.abs(turns.mean(axis=0)) < 5.0 * np.sqrt(np.diag(covariance()) / count))


def test_draws_stay_within_the_range_of_each_constant():
    study, rng = parse_study(TABLE), np.random.default_rng(2)
    wide = FittedSet({**VALUES, "composite.bare_contact_share": 0.95}, covariance(1.0), "p")
    drawn = [wide.draw(rng, study)["composite.bare_contact_share"] for _ in range(200)]
    assert max(drawn) == 1.0
    assert min(drawn) > 0.0


def test_one_stream_gives_one_draw():
    study, fitted = parse_study(TABLE), load_fitted()
    first, again, other = (fitted.draw(np.random.default_rng(seed), study) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_constants_of_the_study_go_first():
    study = parse_study(TABLE | {"materials": {"cb": {"neck_conductance": "1 mS"}}})
    constants = with_fitted(study, VALUES).constants
    assert constants["cb.neck_conductance"] == pytest.approx(1e-3)
    for name in NAMES[1:]:
        assert constants[name] == pytest.approx(VALUES[name])


def test_the_shipped_set_is_that_of_the_constants():
    fitted, constants = load_fitted(), Materials.load()
    assert tuple(fitted.values) == NAMES
    assert fitted.provenance.startswith("Kissel 2026")
    for name, value in fitted.values.items():
        assert value == pytest.approx(constants[name], rel=0.01)
        assert "fitted" in constants.constants[name].source


@pytest.mark.parametrize("law", ["skin", "share", "resistance"])
def test_a_set_of_any_law_is_read_and_goes_into_a_study_of_that_law_alone(calibration, tmp_path, law):
    names = fitted_parameters(law)
    values = dict(zip(names, VALUES.values(), strict=True)) | ({names[-2]: 2e-3} if law == "share" else {})
    target = calibration.targets["cb.neck_conductance"]
    written = Calibration(values, dict.fromkeys(names, target), covariance(), {}, {}, {})
    write_fitted(written, tmp_path / "mine.toml", "p")
    found = load_fitted(tmp_path / "mine.toml")
    assert found.values == values
    own = parse_study(TABLE | {"carbon": {"contact_law": law}})
    assert with_fitted(own, found.values).constants[names[-2]] == values[names[-2]]
    other = parse_study(TABLE | {"carbon": {"contact_law": "skin" if law != "skin" else "share"}})
    with pytest.raises(StudyError, match=rf"the fitted set has {names[-2]}, a study .* wants .*percoat calibrate"):
        with_fitted(other, found.values)
