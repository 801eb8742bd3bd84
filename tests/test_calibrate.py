"""The fit finds again the parameters that a study was computed with."""

from pathlib import Path

import numpy as np
import pytest

from microstructure.errors import StudyError
from studies.calibrate import Targets, calibrate
from studies.study import load_study
from studies.tasks import composition_task

TINY = Path(__file__).with_name("tiny.toml")


@pytest.fixture(scope="module")
def study():
    plain = load_study(str(TINY))
    materials = {"composite": {"bare_contact_share": 0.6}}  # well above where bare contacts begin to percolate
    return plain.model_copy(update={"compositions": ["80:20:0", "80:20:0.2", "80:20:2"], "materials": materials})


@pytest.fixture(scope="module")
def targets(study):
    """What the shipped constants give, as if it had been measured."""
    with pytest.warns(UserWarning, match="larger than the coat"):
        found = [
            {(v.quantity, v.composition): v.value for v in composition_task(study, seed, recipe) if v.setting == ""}
            for seed in range(2)
            for recipe in study.recipes
        ]
    mean = {key: np.mean([one[key] for one in found if key in one]) for one in found for key in one}
    return Targets(
        matrix_ionic=mean["matrix_ionic", "80:20:0"],
        matrix_electronic=mean["matrix_electronic", "80:20:2"],
        utilisation=mean["utilisation_electronic", "80:20:0"],
        composite_electronic_low=mean["composite_electronic", "80:20:0"],
        composite_electronic_high=mean["composite_electronic", "80:20:2"],
        composite_ionic=mean["composite_ionic", "80:20:0.2"],
    )


@pytest.mark.filterwarnings("ignore:a voxel of")
def test_parameters_are_found_again(study, targets):
    fit, constants = calibrate(study, targets), study.constants
    assert fit.ionic_conductivity == pytest.approx(constants["se.ionic_conductivity"], rel=1e-6)
    assert fit.neck_conductance == pytest.approx(constants["cb.neck_conductance"], rel=1e-6)
    # a share of few contacts is a staircase: any share on the same step reproduces the target
    assert fit.bare_contact_share == pytest.approx(constants["composite.bare_contact_share"], abs=0.03)
    assert fit.core_conductivity == pytest.approx(constants["cam.electronic_conductivity"], rel=0.2)
    for name in ("block_resistance_electronic", "block_resistance_ionic"):
        assert getattr(fit, name) == pytest.approx(constants[f"composite.{name}"], rel=0.05)


@pytest.mark.filterwarnings("ignore:a voxel of")
def test_a_target_out_of_reach_is_said(study, targets):
    from dataclasses import replace

    with pytest.raises(StudyError, match="bare_contact_share cannot reach"):
        calibrate(study, replace(targets, utilisation=1.5))
