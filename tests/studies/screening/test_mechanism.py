"""A ranking is looked at again at other shares of the contacts between blocks that carry."""

import pandas as pd
import pytest

from microstructure.coats.outer_face import carrying_share
from microstructure.errors import StudyError
from studies.screening.design import Screen, ScreenPlan, candidates
from studies.screening.mechanism import rank_again, skin_of
from studies.study import parse_study
from studies.two_scale.calibration import fitted_parameters
from studies.two_scale.fitted import FittedSet, load_fitted

TABLE = {
    "title": "t",
    "compositions": ["80:20:1", "80:20:3"],
    "ensemble": {"seed": 7, "seeds": 2},
    "cathode": {"cores": 60, "thickness": "16 um"},
}
RANKING = pd.DataFrame({"number": [1, 0]})


@pytest.mark.parametrize("share", [1e-6, 5e-4, 0.01, 0.5, 0.999])
def test_a_skin_gives_its_share(share):
    assert carrying_share(skin_of(share, 1.7e-9), tunnelling_range=1.7e-9) == pytest.approx(share, rel=1e-6)


@pytest.mark.parametrize("law", ["skin", "share"])
def test_the_first_candidates_gain_with_the_share_that_carries(handmade, law):
    table = TABLE | {"carbon": {"contact_law": law}}
    plan = ScreenPlan(parse_study(table), Screen(carrying=("0.05 %", "50 %"), rates=[1.0]), table)
    found, library = candidates(plan), handmade()
    low, high = rank_again(plan, found, [library] * 2, RANKING, fitted_set(law))
    assert (low.share, high.share) == (5e-4, 0.5)
    assert low.names == high.names == ["80:20:3", "80:20:1"]
    assert all(few < many for few, many in zip(low.merits, high.merits, strict=True))
    assert low.merits[low.names.index(low.best)] == max(low.merits)


def test_contacts_that_all_carry_have_no_share(handmade):
    table = TABLE | {"carbon": {"contact_law": "resistance"}}
    plan = ScreenPlan(parse_study(table), Screen(), table)
    assert rank_again(plan, candidates(plan), [handmade()] * 2, RANKING, fitted_set("resistance")) == []


def test_what_does_not_count_under_the_law_is_not_varied():
    plan = ScreenPlan(parse_study(TABLE), Screen(vary={"composite.block_resistance_electronic": ["0 ohm*m^2"]}), TABLE)
    with pytest.raises(StudyError, match=r"\[screen.vary\]: .* counts only with carbon.contact_law = 'resistance'"):
        candidates(plan)


def fitted_set(law):
    """The shipped values under the name of another law's parameter."""
    shipped = load_fitted()
    values = dict(zip(fitted_parameters(law), shipped.values.values(), strict=True))
    return FittedSet(values | {fitted_parameters(law)[-2]: 2e-3}, shipped.covariance, "p")


@pytest.mark.parametrize("shares", [("1 %", "0.05 %"), ("0 %", "1 %"), ("1 %", "150 %"), ("many", "1 %")])
def test_credible_shares_rise(shares):
    with pytest.raises(ValueError, match=r"shares that rise|wanted|number"):
        _ = Screen(carrying=shares).credible_shares
