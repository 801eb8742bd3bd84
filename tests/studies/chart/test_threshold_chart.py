"""The chart of thresholds: made again it is the same, readings stay inside it, and its claims hold in its data."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microstructure import Recipe
from microstructure.errors import StudyError
from percolation.statistics.pooling import pool
from studies.chart.chart_formula import fit_formulas, formula_table
from studies.chart.chart_plan import load_plan
from studies.chart.chart_report import show_chart
from studies.chart.chart_tasks import Condition, bulk_rows, chart_tasks, in_plane_row
from studies.chart.make_chart import make_chart
from studies.chart.threshold_chart import SCALES, Chart, _line_error, with_scales

TINY = Path(__file__).parents[2] / "data" / "tiny_chart.toml"
OPEN = {"structure": "open", "dispersion": "ideal", "fit": "reorient"}


@pytest.fixture(scope="module")
def shipped():
    return Chart.load()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chart") / "out"
    return make_chart(load_plan(TINY), folder, workers=2), folder


@pytest.mark.slow
def test_a_chart_made_again_by_one_worker_from_half_of_its_tasks_has_the_same_bytes(made, tmp_path):
    _, folder = made
    (tmp_path / "out" / "tasks").mkdir(parents=True)
    kept = sorted((folder / "tasks").glob("*.json"))
    (tmp_path / "out" / "study.sha256").write_bytes((folder / "study.sha256").read_bytes())
    for path in kept[::2]:
        (tmp_path / "out" / "tasks" / path.name).write_bytes(path.read_bytes())
    make_chart(load_plan(TINY), tmp_path / "out", workers=1)
    for name in ("coat_chart.csv", "coat_chart.json", "thresholds.csv", "formulas.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (folder / name).read_bytes()


def test_what_a_folder_of_a_chart_holds(made):
    chart, folder = made
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "coat_chart.csv", "coat_chart.json", "thresholds.csv", "formulas.csv", "chart.png", "tasks", "study.sha256"
    }  # fmt: skip
    again = Chart.load(folder)
    assert again.record == json.loads(json.dumps(chart.record))
    pd.testing.assert_frame_equal(again.rows, chart.rows, check_dtype=False)
    assert set(chart.rows["quantity"]) == {
        "bulk", "in_plane", "across", "bridge_rate", "all_round", "outward", "octants", "flat_in_plane", "flat_outward"
    }  # fmt: skip
    assert (chart.rows["low"] <= chart.rows["value"]).all()
    assert (chart.rows["value"] <= chart.rows["high"]).all()


def test_a_condition_draws_the_same_whatever_else_is_planned():
    plan = load_plan(TINY)
    other = plan.model_copy(update={"ratios": [0.8], "contents": []})
    condition = Condition("open", "ideal", thickness=200e-9)
    assert in_plane_row(plan, condition) == in_plane_row(other, condition)


@pytest.mark.slow
def test_the_shipped_chart_is_what_its_plan_gives(shipped):
    """Two of its rows, computed anew with its own seeds, to the last digit written."""
    plan = load_plan()
    assert shipped.record["plan"] == json.loads(plan.model_dump_json())
    assert len(shipped.record["seeds"]) == plan.ensemble.seeds
    (bulk,) = bulk_rows(plan, Condition("open", "ideal"))
    rows = shipped.choose(structure="open", dispersion="ideal")
    found = rows[rows["quantity"] == "bulk"].iloc[0]
    assert (bulk.value, bulk.low, bulk.high) == (found["value"], found["low"], found["high"])
    coat = in_plane_row(plan, Condition("open", "ideal", thickness=150e-9))
    found = rows[(rows["quantity"] == "in_plane") & np.isclose(rows["ratio"], 0.6) & (rows["fit"] == "reorient")].iloc[
        0
    ]
    # its coats were told anew for fewer pores, from numbers of five digits
    assert (coat.value, coat.low, coat.high) == pytest.approx((found["value"], found["low"], found["high"]), rel=1e-4)


def test_bulk_falls_into_the_measured_interval(shipped):
    """2.57 - 6.20 vol% by experiment; the structure of the aggregates alone decides, nothing is fitted."""
    rows = shipped.choose(structure="open", dispersion="ideal")
    bulk = rows[rows["quantity"] == "bulk"].iloc[0]
    assert 0.0257 < bulk["low"] < bulk["high"] < 0.0620


@pytest.mark.parametrize("ratio", [0.4, 0.6])
def test_what_the_text_says_of_the_papers_coats(shipped, ratio):
    """Along the coat the claim is reversed; across, it holds for large contacts and single coats."""
    rows = shipped.choose(**OPEN)
    bulk = rows[rows["quantity"] == "bulk"].iloc[0]
    here = rows[np.isclose(rows["ratio"], ratio)]
    along = here[here["quantity"] == "in_plane"].iloc[0]
    assert along["low"] > 3.0 * bulk["high"]
    across = here[here["quantity"] == "across"].set_index(["case", "area_factor"])
    assert across.loc[("core_to_outside", 1.0), "high"] < bulk["low"]
    assert across.loc[("core_to_core_seam", 10.0), "high"] < bulk["low"]
    assert across.loc[("core_to_core_merged", 0.1), "low"] > bulk["high"]


def test_thick_coats_end_at_the_bulk_from_above_along_and_from_below_across(shipped):
    rows = shipped.choose(**OPEN)
    bulk = rows[rows["quantity"] == "bulk"].iloc[0]["value"]
    along = rows[rows["quantity"] == "in_plane"].sort_values("ratio")["value"].to_numpy()
    assert (np.diff(along) < 0).all()
    assert bulk < along[-1] < 1.2 * bulk
    thick = rows[(rows["quantity"] == "across") & (rows["area_factor"] == 1.0) & np.isclose(rows["ratio"], 10.0)]
    outside = thick[thick["case"] == "core_to_outside"]["value"].iloc[0]
    assert 0.7 * bulk < outside < bulk


def test_a_reading_at_a_point_is_that_point_and_between_points_lies_between(shipped):
    rows = shipped.choose(**OPEN)
    (along,) = (one for one in shipped.read(150e-9, **OPEN) if one.quantity == "in_plane")
    found = rows[(rows["quantity"] == "in_plane") & np.isclose(rows["ratio"], 0.6)].iloc[0]
    assert (along.value, along.low, along.high) == (found["value"], found["low"], found["high"])
    assert not along.between
    (middle,) = (one for one in shipped.read(200e-9, **OPEN) if one.quantity == "in_plane")
    after = rows[(rows["quantity"] == "in_plane") & np.isclose(rows["ratio"], 1.0)].iloc[0]
    assert after["value"] < middle.value < found["value"]
    assert middle.between
    assert along.error == 0.0
    assert 0.0 < middle.error < 0.05


def test_the_error_between_two_points_is_that_of_the_thickness_asked_for():
    """A parabola in the logarithms, c x^2: a straight line is off by c (x - a) (b - x)."""
    x = np.log([1.0, 2.0, 5.0, 9.0])
    thicknesses, values = np.exp(x), np.exp(0.3 * x**2)
    for thickness in (1.5, 2.5, 4.0, 8.0):
        at, right = np.log(thickness), int(np.searchsorted(thicknesses, thickness))
        expected = np.expm1(0.3 * (at - x[right - 1]) * (x[right] - at))
        assert _line_error(thicknesses, values, thickness) == pytest.approx(expected, rel=1e-9)
        truth, read = 0.3 * at**2, np.interp(at, x, 0.3 * x**2)
        assert np.expm1(read - truth) == pytest.approx(expected, rel=1e-9)
    assert _line_error(thicknesses, values, 2.0 + 1e-9) < 1e-8
    assert np.isnan(_line_error(thicknesses[:2], values[:2], 1.5))
    assert np.isnan(_line_error(thicknesses, np.array([np.inf, 1.0, 2.0, np.inf]), 4.0))


@pytest.mark.parametrize(
    ("thickness", "changed", "words"),
    [
        (5e-9, {}, "not extrapolated"),
        (1e-5, {}, "not extrapolated"),
        (1e-7, {"structure": "opne"}, "Did you mean 'open'"),
        (1e-7, {"dispersion": "bad"}, "Valid: ideal, fair, poor"),
        (1e-7, {"fit": "squeeze"}, "Valid: reorient, compress, cut"),
    ],
)
def test_what_the_chart_does_not_hold_is_refused(shipped, thickness, changed, words):
    with pytest.raises(StudyError, match=words):
        shipped.read(thickness, **(OPEN | changed))


def test_formulas_are_as_far_from_the_chart_as_they_say(shipped):
    formulas = fit_formulas(shipped)
    assert {formula.quantity for formula in formulas} == {"in_plane", "across"}
    for formula in formulas:
        rows = shipped.choose(structure=formula.structure, dispersion=formula.dispersion, fit=formula.fit)
        rows = rows[(rows["quantity"] == formula.quantity) & (rows["case"] == formula.case)]
        rows = rows[np.isfinite(rows["value"]) & rows["ratio"].between(formula.thinnest, formula.thickest)]
        rows = rows[np.isclose(rows["area_factor"], formula.area_factor) & (rows["value"] < 1.0)]
        misses = np.log([formula(row["ratio"]) / row["value"] for row in rows.to_dict("records")])
        assert len(misses) == formula.points
        assert np.sqrt(np.mean(misses**2)) == pytest.approx(formula.typical_error, rel=0.05, abs=2e-3)
    along = next(f for f in formulas if f.quantity == "in_plane" and (f.structure, f.fit) == ("open", "reorient"))
    assert along.largest_error < 0.25
    with pytest.raises(ValueError, match="holds for"):
        along(0.01)
    assert list(formula_table(formulas).columns[-4:]) == ["p", "q", "r", "s"]


def test_the_table_has_every_scale_and_they_agree(shipped):
    table = with_scales(shipped)
    volume, ratio, mass = (table[f"{scale}, value [%]"] for scale in SCALES)
    known = pd.to_numeric(volume, errors="coerce").notna()
    assert known.any()
    recipe = Recipe.parse("80:20:0.5")
    row = table[known].iloc[0]
    share = float(row[f"{SCALES[0]}, value [%]"]) / 100
    expected = share / (1 - share) * recipe.materials["cb.density"] / recipe.materials["se.density"]
    assert float(ratio[known].iloc[0]) == pytest.approx(100 * expected, rel=1e-3)
    assert float(mass[known].iloc[0]) == pytest.approx(100 * expected / (1 + expected), rel=1e-3)
    assert (table.loc[~known, f"{SCALES[0]}, value [%]"] == "out of reach").all()


def test_the_radius_is_that_of_the_plan(made, capsys):
    chart, _ = made
    record = {**chart.record, "plan": {**chart.record["plan"], "core_diameter": 5e-6}}
    show_chart(Chart(chart.rows, record), **chart.first)
    assert "R = 2.5 um" in capsys.readouterr().out


def cut(text, lines):
    return "".join(text.splitlines(keepends=True)[:lines])


@pytest.mark.parametrize(
    "damage",
    [
        {"coat_chart.json": lambda text: ""},
        {"coat_chart.json": lambda text: "{}"},
        {"coat_chart.json": lambda text: "[]"},
        {"coat_chart.json": lambda text: "null"},
        {"coat_chart.json": lambda text: "[" * 100_000},
        {"coat_chart.json": lambda text: text[: len(text) // 2]},
        {"coat_chart.json": lambda text: text.replace('"core_diameter": 3.3e-06', '"core_diameter": "wide"')},
        {"coat_chart.json": lambda text: text.replace('"cb.aggregate_diameter"', '"cb.diameter"')},
        {"coat_chart.csv": lambda text: ""},
        {"coat_chart.csv": lambda text: "quantity\n"},
        {"coat_chart.csv": lambda text: text[:-10]},
        {"coat_chart.csv": lambda text: text[: len(text) // 2]},
        {"coat_chart.csv": lambda text: cut(text, 1)},
        {"coat_chart.csv": lambda text: cut(text, 2)},
        {"coat_chart.csv": lambda text: cut(text, -1)},
        {"coat_chart.csv": lambda text: text.replace("bulk", "bulky")},
        {"coat_chart.csv": lambda text: text.replace(",0.4,", ",wide,")},
        {"coat_chart.csv": lambda text: "\x00" * 100},
    ],
)
def test_a_damaged_chart_is_one_sentence(made, percoat, tmp_path, damage):
    _, folder = made
    for name in ("coat_chart.csv", "coat_chart.json"):
        text = (folder / name).read_text()
        (tmp_path / name).write_text(damage.get(name, str)(text))
    for words in ((), ("--thickness", "150 nm"), ("--csv", "t.csv", "--formulas", "f.csv", "--figure", "f.png")):
        done = percoat("threshold", "--chart", tmp_path, *words, folder=tmp_path)
        assert done.status == 2
        assert "is damaged" in done.err
        assert len(done.err.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"coat_chart.csv", "coat_chart.json"}


def test_a_recomputed_chart_needs_no_structure_called_open(made, percoat, tmp_path, monkeypatch):
    """What is not asked for is the first of the plan; what is asked for is looked up in it before the work."""
    chart, _ = made
    text = TINY.read_text().replace("[structures.open]", "[structures.mine]")
    (tmp_path / "plan.toml").write_text(text.replace("[dispersions.ideal]", '[dispersions."as mixed"]'))
    rows = chart.rows.replace({"structure": {"open": "mine"}, "dispersion": {"ideal": "as mixed"}})
    plan = load_plan(tmp_path / "plan.toml")
    own = Chart(rows, {**chart.record, "plan": plan.model_dump(mode="json")})
    calls = []
    monkeypatch.setattr("studies.chart.make_chart.make_chart", lambda plan, folder, **more: calls.append(folder) or own)
    words = ("threshold", "--recompute", "--plan", "plan.toml")
    for more in ((), ("--thickness", "150 nm"), ("--figure", "chart.png")):
        done = percoat(*words, *more, folder=tmp_path)
        assert done.status == 0, done.err
        assert "aggregates: mine, dispersion: as mixed, fit: reorient" in done.out
    assert len(calls) == 3
    for more, said in (
        (("--structure", "open"), "structure in the plan"),
        (("--dispersion", "ideal"), "dispersion in the plan"),
        (("--fit", "cut"), "fit in the plan"),
        (("--thickness", "5 um"), "not extrapolated"),
        (("--out", "plan.toml"), "--out wants a folder"),
        (("--out", "plan.toml/below"), "lies below"),
        (("--csv", "."), "is a folder"),
        (("--figure", "chart.pdf"), ".png"),
        (("--chart", "."), "give one of them"),
        (("--se-density", "1.86 g/cm3"), "[materials] of its plan"),
    ):
        done = percoat(*words, *more, folder=tmp_path)
        assert done.status == 2
        assert said in done.err
    assert len(calls) == 3


def test_pooled_quantiles_and_their_intervals():
    rng = np.random.default_rng(1)
    flat = [rng.random(50) for _ in range(8)]
    assert pool(flat).value == pytest.approx(np.median(np.concatenate(flat)), abs=1e-12)
    assert pool([np.full(9, np.inf)] * 8).value == np.inf
    hits, wrong = 0, 0
    for _ in range(200):
        shift = 0.03 * rng.standard_normal(8)  # what the runs of one seed have in common
        found = pool([0.5 + s + 0.05 * rng.standard_normal(20) for s in shift])
        hits += found.low <= 0.5 <= found.high
        wrong += found.low <= 0.56 <= found.high
    assert hits >= 176
    assert wrong < 20


def test_the_command_prints_writes_and_refuses(percoat, tmp_path):
    done = percoat("threshold", "--thickness", "150 nm", "--csv", "t.csv", "--formulas", "f.csv", folder=tmp_path)
    assert done.status == 0, done.err
    for words in ("bulk pellet", "along the coat", "seam", "CB:SE by mass"):
        assert words in done.out
    assert len(pd.read_csv(tmp_path / "t.csv")) > 100
    assert {"p", "q", "largest_error"} <= set(pd.read_csv(tmp_path / "f.csv").columns)
    for arguments, words in (
        (("--thickness", "150"), "no unit"),
        (("--thickness", "3 um"), "not extrapolated"),
        (("--structure", "closed"), "Valid: open, compact"),
        (("--quick",), "go with --recompute"),
        (("--chart", tmp_path / "nowhere"), "holds no chart"),
        (("--recompute", "--plan", tmp_path / "none.toml"), "cannot read"),
    ):
        done = percoat("threshold", *arguments, folder=tmp_path)
        assert done.status == 2
        assert words in done.err
    assert {path.name for path in tmp_path.iterdir()} == {"t.csv", "f.csv"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("ratios = [0.4, 0.8, 1.6]", "ratios = [0.8, 0.4]"), "rise"),
        (("up_to = 0.1", "up_to = 0.01"), "must not pass"),
        (("[structures.open]", "[structures.open]\nfractal = 2"), "fractal_dimension"),
        (('coat_width = "1.2 um"', 'coat_width = "100 nm"'), "two aggregates"),
        (("[dispersions.ideal]", "[dispersions.ideal]\nshare = 1.5"), "less than or equal to 1"),
        (("title =", "titel ="), "title"),
        (("[quick]\nratios = [0.4, 1.6]", ""), None),
        (("[quick]\nratios = [0.4, 1.6]", "[quick]\nratios = [1.6, 0.4]"), "rise"),
        (("[structures.open]", '[structures."../open"]'), "a name is 1 to 60 letters"),
        (("[structures.open]", '[structures.".open"]'), "a name is 1 to 60 letters"),
        (("[structures.open]", '[structures."a/b"]'), "a name is 1 to 60 letters"),
        (("[structures.open]", '[structures.""]'), "a name is 1 to 60 letters"),
        (("[dispersions.ideal]", '[dispersions."a\\nb"]'), "a name is 1 to 60 letters"),
        (("[dispersions.ideal]", f"[dispersions.{'a' * 200}]"), "a name is 1 to 60 letters"),
        (
            ("[structures.open]", "[structures.a-b]\n[structures.a]\n[dispersions.b-c]\n[dispersions.c]"),
            "'a-b-c' twice",
        ),
        (('compositions = ["80:20:3"]', 'compositions = ["80:20"]'), "own_coats.compositions.*three weights"),
        (('compositions = ["80:20:3"]', 'compositions = ["80:20:3,5"]'), "own_coats.compositions.*write 3.5"),
        (("bulk_runs = 4", "bulk_runs = 1000000000000"), "the range is 1 to 100000"),
        (("bulk_runs = 4", 'bulk_runs = "4"'), "whole number"),
        (("runs = 2\n", "runs = true\n"), "whole number"),
        (("ratios = [0.4, 0.8, 1.6]", "ratios = [0.4, 1e9]"), "positive numbers that rise, 0.001 to 1000"),
        (("ratios = [0.4, 0.8, 1.6]", "ratios = [0.4, 0.400001]"), "'100 nm' twice"),
        (("ratios = [0.4, 0.8, 1.6]", 'ratios = ["0.4", 0.8]'), "plain number"),
        (("ratios = [0.4, 0.8, 1.6]", "ratios = [nan, 0.8]"), "finite"),
        (('bulk_edge = "1 um"', 'bulk_edge = "1 m"'), "check the unit"),
        (("contents = [0.05]", 'contents = ["5_0 %"]'), "without anything between"),
        (("contents = [0.05]", 'contents = ["5 %"]'), None),
        (("up_to = 0.1", 'up_to = "10 %"'), None),
        (("[quick]", "[quik]"), "quik"),
    ],
)
def test_a_plan_with_a_mistake_is_refused_in_words(tmp_path, change, words):
    (tmp_path / "plan.toml").write_text(TINY.read_text().replace(*change))
    if words is None:
        assert load_plan(tmp_path / "plan.toml").contents == [0.05]
        return
    with pytest.raises(StudyError, match=words) as refused:
        load_plan(tmp_path / "plan.toml")
    assert "\n" not in str(refused.value)


def test_quick_settings_of_a_plan_are_tables(tmp_path):
    (tmp_path / "plan.toml").write_text("quick = 5\n" + TINY.read_text().partition("[quick]")[0])
    for quick in (False, True):
        with pytest.raises(StudyError, match=r"\[quick\] holds tables of settings; got 5"):
            load_plan(tmp_path / "plan.toml", quick=quick)


def test_what_a_plan_does_not_hold_is_refused_before_it_is_made(percoat, tmp_path):
    (tmp_path / "plan.toml").write_text(TINY.read_text())
    for arguments, words in (
        (("--structure", "compact"), "Valid: open"),
        (("--fit", "cut"), "Valid: reorient"),
        (("--thickness", "3 um"), "the plan holds coats of 100 to 400 nm"),
        (("--seeds", "1_0"), "digits alone"),
        (("--workers", "2.0"), "digits alone"),
    ):
        done = percoat("threshold", "--recompute", "--plan", "plan.toml", *arguments, folder=tmp_path)
        assert done.status == 2
        assert words in " ".join(done.err.replace("│", " ").split())
    assert [path.name for path in tmp_path.iterdir()] == ["plan.toml"]


def test_a_chart_without_the_usual_names_is_shown_by_its_own(percoat, shipped, tmp_path):
    """The first of its own is taken, where "open", "ideal" and "reorient" stand in the shipped one."""
    named = {"structure": {"open": "branched"}, "dispersion": {"ideal": "as mixed"}}
    rows = shipped.rows[~shipped.rows["fit"].isin(["reorient"])].replace(named)
    plan = dict(shipped.record["plan"])
    for key, names in (("structures", named["structure"]), ("dispersions", named["dispersion"])):
        plan[key] = {names.get(name, name): settings for name, settings in plan[key].items()}
    Chart(rows, {**shipped.record, "plan": plan, "rows": len(rows)}).save(tmp_path)
    done = percoat("threshold", "--chart", ".", folder=tmp_path)
    assert done.status == 0, done.err
    assert "aggregates: branched, dispersion: as mixed, fit: compress" in done.out


def test_tasks_have_names_of_their_own():
    for quick in (False, True):
        names = [task.name for task in chart_tasks(load_plan(quick=quick))]
        assert len(set(names)) == len(names)
