"""What scatter of the inputs does to a candidate, at the edge of what can be predicted."""

import math
from dataclasses import replace

import pytest

import studies.screening.sensitivity
from microstructure.recipe import carbon_scales
from studies.screening.design import candidates, load_screen
from studies.screening.sensitivity import scatter_of
from studies.two_scale.fitted import load_fitted

STUDY = """title = "t"
compositions = ["80:20:3"]
[ensemble]
seeds = 2
[cathode]
cores = 60
thickness = "16 um"
"""


def test_a_scatter_ends_where_nothing_can_be_predicted(handmade, tmp_path, monkeypatch):
    """A candidate with as much carbon as the patches hold, and one with a little less."""
    (tmp_path / "mine.toml").write_text(STUDY)
    (candidate,), library = candidates(load_screen(str(tmp_path / "mine.toml"))), handmade()
    ratio, _ = carbon_scales(library.plan.contents[-1], candidate.recipe.materials)
    text = f"80:20:{math.floor(20e4 * ratio) / 1e4}"
    full = replace(candidate, composition=text, study=candidate.study.model_copy(update={"compositions": [text]}))
    monkeypatch.setattr(studies.screening.sensitivity, "study_library", lambda study, **more: library)
    monkeypatch.setattr(studies.screening.sensitivity, "_merit", lambda one, *rest: one.recipe.cb / one.recipe.se)
    found = {one.what: one for one in scatter_of(full, library, load_fitted(), 1.0)}
    carbon = found["carbon weighed within 2% (up only 0% of that: more cannot be predicted)"]
    assert (carbon.low, carbon.high) == pytest.approx((0.98 * carbon.nominal, carbon.nominal), rel=1e-5)
    electrolyte = found["electrolyte weighed within 2% (down only 0% of that: more cannot be predicted)"]
    assert electrolyte.high == pytest.approx(carbon.nominal / 1.02, rel=1e-5)
    assert "mass of the cathode within 5%" in found
    text = text.replace("80:20", "80:20.25")
    near = replace(full, composition=text, study=full.study.model_copy(update={"compositions": [text]}))
    found = {one.what: one for one in scatter_of(near, library, load_fitted(), 1.0)}
    assert "carbon weighed within 2% (up only 50% of that: more cannot be predicted)" in found
