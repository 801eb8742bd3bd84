"""Charts of coats with a pellet's pores are read as coats with their own; seams through the skin beside ideal ones."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microstructure import Materials
from microstructure.errors import StudyError
from microstructure.recipe import box_share, solid_fraction
from studies.chart.chart_plan import load_plan
from studies.chart.chart_rows import SEAM, SKIN
from studies.chart.chart_tasks import SKIN_COATS, Condition, coat_rows, skin_rows
from studies.chart.older_charts import LEAST, with_coat_pores
from studies.chart.threshold_chart import RECORD, TABLE, Chart

TINY = Path(__file__).parents[2] / "data" / "tiny_chart.toml"
OPEN = {"structure": "open", "dispersion": "ideal", "fit": "reorient"}
ENDS = ["value", "low", "high"]


@pytest.fixture(scope="module")
def shipped():
    return Chart.load()


def older(chart):
    """The chart as it would have been written when coats had a pellet's pores; nothing rounded."""
    materials, rows = Materials.load(), chart.rows.copy()

    def pellet(contents):
        found = solid_fraction(box_share(contents, materials, materials.coat_porosity), materials)
        return np.where(np.isfinite(contents), found, contents)

    coats, rates = rows["quantity"] != "bulk", rows["quantity"] == "bridge_rate"
    for name in ENDS:
        rows.loc[coats & ~rates, name] = pellet(rows.loc[coats & ~rates, name].to_numpy())
    rows.loc[rates, "content"] = pellet(rows.loc[rates, "content"].to_numpy())
    constants = {name: value for name, value in chart.record["materials"].items() if name != LEAST}
    return Chart(rows, {**chart.record, "materials": constants})


def test_an_older_chart_is_read_as_one_of_coats_with_their_own_pores(shipped, tmp_path):
    before = older(shipped)
    before.save(tmp_path)
    again = Chart.load(tmp_path)
    assert again.record["materials"][LEAST] == 0.05
    assert "with the pores of a pellet" in again.record["converted"]
    for name in (*ENDS, "content"):
        assert not np.allclose(before.rows[name], shipped.rows[name], rtol=1e-2)
        np.testing.assert_allclose(again.rows[name], shipped.rows[name], rtol=1e-4)
    others = [name for name in shipped.rows if name not in (*ENDS, "content")]
    pd.testing.assert_frame_equal(again.rows[others], shipped.rows[others], check_dtype=False)
    again.save(tmp_path / "again")
    kept = Chart.load(tmp_path / "again")  # told once, not twice
    pd.testing.assert_frame_equal(kept.rows, again.rows, check_dtype=False)


def test_the_same_carbon_fills_the_same_share_of_the_coat():
    """17.2 vol% with 30 % of pores are 12.7 vol% with 5 %; little carbon, the bulk and what is out of reach stay."""
    record = {
        "plan": {"up_to": 0.25},
        "materials": {
            "se.density": 2590.0,
            "cb.density": 1960.0,
            "matrix.porosity": {"points": [0.0, 0.05, 0.1, 0.15], "values": [0.05, 0.05, 0.25, 0.3], "source": ""},
        },
    }
    rows = pd.DataFrame(
        {
            "quantity": ["bulk", "in_plane", "across", "across", "bridge_rate"],
            "value": [0.08, 0.172, 0.04, np.inf, 2e12],
            "low": [0.07, 0.166, 0.03, 0.24, 1e12],
            "high": [0.09, 0.179, 0.05, np.inf, 3e12],
            "content": [0.0, 0.0, 0.0, 0.0, 0.2],
        }
    )
    found, told = with_coat_pores(rows, record)
    thinned = 0.7 / 0.95
    assert found["value"].tolist() == pytest.approx([0.08, 0.172 * thinned, 0.04, np.inf, 2e12], rel=1e-4)
    assert found["low"].tolist() == pytest.approx([0.07, 0.166 * thinned, 0.03, 0.24 * thinned, 1e12], rel=1e-4)
    assert found["content"].tolist() == pytest.approx([0.0] * 4 + [0.2 * thinned], rel=1e-4)
    materials = Materials.load()
    shares = [box_share(rows["value"][1:3], materials)]
    shares += [box_share(found["value"][1:3], materials, materials.coat_porosity)]
    np.testing.assert_allclose(*shares, rtol=1e-4)
    assert "beyond 18.4 vol% across, beyond 67.4 vol% along and around" in told["converted"]
    assert LEAST not in record["materials"]


def test_an_older_chart_with_fewer_pores_than_coats_have_is_read_as_it_is(shipped, tmp_path):
    before = older(shipped)
    dense = {"points": [0.0], "values": [0.02], "source": "dense"}
    constants = {**before.record["materials"], "matrix.porosity": dense}
    Chart(before.rows, {**before.record, "materials": constants}).save(tmp_path)
    np.testing.assert_allclose(Chart.load(tmp_path).rows["value"], before.rows["value"], rtol=1e-4)


@pytest.mark.parametrize("porosity", [None, 5, {"points": [0.0], "values": []}, {"points": "?", "values": [2.0]}])
def test_an_older_chart_that_does_not_say_its_pores_is_refused(shipped, tmp_path, porosity):
    before = older(shipped)
    before.save(tmp_path)
    record = json.loads((tmp_path / RECORD).read_text("utf-8"))
    record["materials"]["matrix.porosity"] = porosity
    (tmp_path / RECORD).write_text(json.dumps(record), "utf-8")
    with pytest.raises(StudyError, match="is damaged"):
        Chart.load(tmp_path)
    assert (tmp_path / TABLE).exists()


def test_the_shipped_chart_holds_all_that_was_planned(shipped):
    plan = load_plan()
    rows = shipped.choose()
    coats = len(plan.structures) * len(plan.dispersions) * len(plan.fits) * len(plan.ratios)
    assert (rows["quantity"] == "in_plane").sum() == coats
    defaults = rows[(rows["quantity"] == "across") & (rows["area_factor"] == 1.0)]
    skins = defaults["case"] == SKIN
    assert (~skins).sum() == coats * len(plan.cases)
    assert defaults.loc[skins, "ratio"].tolist() == [ratio for ratio in plan.ratios if ratio <= SKIN_COATS]
    own = shipped.rows[shipped.rows["composition"] == "80:20:3"]
    assert set(own["size_measure"]) == set(plan.own_coats.size_measures)
    assert set(own["contact_gap"]) == set(plan.own_coats.contact_gaps)


def with_skin(**coat):
    plan = load_plan(TINY)
    return plan.model_copy(update={"materials": {"coat": coat}, "up_to": 0.45, "contents": []})


def skin_values(**coat):
    return [row.value for row in skin_rows(with_skin(**coat), Condition("open", "ideal", thickness=200e-9))]


def test_without_a_skin_the_seam_is_that_of_ideal_contact():
    ideal = [row for row in coat_rows(with_skin(), Condition("open", "ideal", thickness=200e-9)) if row.case == SEAM]
    assert skin_values(skin_thickness="0 nm") == [row.value for row in ideal if row.quantity == "across"]


@pytest.mark.slow
def test_the_thicker_the_skin_the_more_carbon_and_through_a_thick_one_nothing():
    """0.1 nm of tunnelling through skins of 1 um: one contact in 200 million."""
    skins = [skin_values(skin_thickness=skin) for skin in ("0 nm", "2 nm", "5 nm")]
    assert (np.diff(skins, axis=0) > 0.0).all()
    assert np.isinf(skin_values(skin_thickness="1 um", tunnelling_range="0.1 nm")).all()


def test_the_shipped_chart_through_the_skin(shipped):
    """More carbon than ideal contact at every coat and contact area, and never below the bulk at the default area."""
    rows = shipped.choose(**OPEN)
    bulk = rows[rows["quantity"] == "bulk"].iloc[0]
    across = rows[rows["quantity"] == "across"].set_index(["case", "ratio", "area_factor"])["value"]
    assert len(across[SKIN]) > 10
    for place, value in across[SKIN].items():
        assert value > across[(SEAM, *place)] or np.isinf(value)
        assert value > bulk["high"] or place[1] > 1.0


def test_the_command_names_ideal_contact_and_the_skin(percoat, shipped, tmp_path):
    done = percoat("threshold", "--thickness", "150 nm", folder=tmp_path)
    text = " ".join(done.out.split())
    for words in ("seam, ideal contact", "seam, through the skin", "nothing there is thinned"):
        assert words in text
    assert "skin of 25.1 nm: 0.22 % of the contacts of two coats carry" in text
    rows = shipped.rows[shipped.rows["case"] != SKIN]
    Chart(rows, {**shipped.record, "rows": len(rows)}).save(tmp_path)
    for words in ((), ("--thickness", "150 nm")):  # a chart of a version without them
        done = percoat("threshold", "--chart", ".", *words, folder=tmp_path)
        assert done.status == 0, done.err
        assert "ideal contact" in " ".join(done.out.split())
        assert "seam, through" not in done.out
