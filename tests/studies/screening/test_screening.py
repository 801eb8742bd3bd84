"""A screening: what is asked for is counted or refused, winners are known by hand, folders go on where they stopped."""

import json
import math
import shutil

import numpy as np
import pandas as pd
import pytest

import studies.screening.screen_candidates
import studies.screening.sensitivity
from microstructure.errors import PercoatError, StudyError
from studies.screening.candidate import candidate_values
from studies.screening.design import candidates, load_screen
from studies.screening.ranking import KEY, by_seed, least_carbon, pareto_front, probability_best, table_of
from studies.screening.screen_candidates import run_screening
from studies.screening.screening_report import sentences, show_screening
from studies.seeding import PARAMETERS, PATCHES, stream
from studies.two_scale.fitted import load_fitted, with_fitted
from studies.two_scale.prediction import matrix_conductivities

HEAD = """title = "t"
compositions = ["80:20:1", "80:20:3"]
[ensemble]
seed = 5
seeds = 2
[cathode]
cores = 60
thickness = "16 um"
[measured.composite_electronic]
"80:20:3" = "1.8 mS/cm"
"""
VARIED = """[screen]
[screen.vary]
"cam.median_diameter" = ["2 um", "4 um"]
"composite.pores_between_blocks" = [0.25, 0.3, 0.35]
"""


@pytest.fixture
def plan_of(tmp_path):
    """Read a study file with these further lines."""

    def read(text="", **more):
        path = tmp_path / "mine.toml"
        path.write_text(HEAD + text)
        return load_screen(str(path), **more)

    return read


def test_a_list_is_screened_as_it_is(plan_of):
    found = candidates(plan_of())
    assert [one.composition for one in found] == ["80:20:1", "80:20:3"]
    assert [one.name for one in found] == ["80:20:1", "80:20:3"]


def test_a_grid_is_every_ratio_with_every_carbon_under_every_setting(plan_of):
    plan = plan_of('[screen]\ncam_to_se = ["70:30", "80:20", "90:10"]\nx = [0.0, 1.0]\n' + VARIED.split("\n", 1)[1])
    found = candidates(plan)
    assert len(found) == 3 * 2 * 2 * 3
    assert len({(one.composition, one.setting) for one in found}) == len(found)
    assert found[0].composition == "70:30:0"
    assert found[0].setting == "cam.median_diameter = 2 um, composite.pores_between_blocks = 0.25"
    last = found[-1]
    assert (last.recipe.cam, last.recipe.cb) == (90.0, 1.0)
    assert last.study.constants["cam.median_diameter"] == pytest.approx(4e-6)
    assert last.study.composite.pores_between_blocks == 0.35


def test_points_are_spread_between_the_ends(plan_of):
    """Sobol's points: every half of each range holds half of them; what shapes the carbon keeps its levels."""
    vary = '[screen.vary]\n"cam.median_diameter" = ["2 um", "4 um"]\n"cb.aggregate_diameter" = ["200 nm", "250 nm"]\n'
    plan = plan_of('[screen]\nsamples = 16\ncam_to_se = ["70:30", "90:10"]\nx = [0.0, 4.0]\n' + vary)
    found = candidates(plan)
    assert len(found) == 16
    recipes = [one.recipe for one in found]
    diameters = np.array([one.study.constants["cam.median_diameter"] for one in found])
    for values, low, high in (
        (np.array([one.se for one in recipes]), 10.0, 30.0),
        (np.array([one.cb for one in recipes]), 0.0, 4.0),
        (diameters, 2e-6, 4e-6),
    ):
        assert low <= values.min() <= values.max() <= high
        assert np.sum(values < 0.5 * (low + high)) == 8
    assert np.abs(np.corrcoef([[one.se for one in recipes], [one.cb for one in recipes], diameters])[0, 1:]).max() < 0.5
    assert abs(np.corrcoef(diameters, [one.cb for one in recipes])[0, 1]) < 0.5
    aggregates = [one.study.constants["cb.aggregate_diameter"] for one in found]
    assert sorted(set(aggregates)) == pytest.approx([200e-9, 250e-9])
    assert [one.name for one in candidates(plan)] == [one.name for one in found]
    assert len(candidates(plan_of("[screen]\nsamples = 5\n"))) == 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[screen.vary]\n"cam.median_diametr" = ["2 um"]\n', "Did you mean 'cam.median_diameter'"),
        ('[screen.vary]\n"carbon.disperion" = [0.8]\n', "Did you mean 'carbon.dispersion'"),
        ('[screen.vary]\n"cam.median_diameter" = ["2 mS"]\n', r"\[screen.vary\] 'cam.median_diameter': "),
        ('[screen.vary]\n"cam.median_diameter" = [2.0]\n', r"\[screen.vary\] 'cam.median_diameter': "),
        ('[screen.vary]\n"cam.median_diameter" = ["2 m"]\n', "cam.median_diameter.*must lie within"),
        ('[screen.vary]\n"cam.median_diameter" = []\n', "'cam.median_diameter' has no values"),
        ('[screen]\nsamples = 4\n[screen.vary]\n"cam.median_diameter" = ["2 um", "3 S"]\n', "'cam.median_diameter': "),
        ('[screen]\nmerit = 0.5\n', r"merit = 0.5 must be one of rates = \[0.1, 1.0\]"),
        ('[screen]\nrates = [0.1, 0.1]\nmerit = 0.1\n', "stand once"),
        ('[screen]\nrates = [-1.0]\n', "positive"),
        ('[screen]\nrtes = [1.0]\n', "Did you mean 'rates'"),
        ('[screen]\ngoal = "capacity"\n', "utilisation_joint"),
        ('[screen]\ncam_to_se = ["80:20"]\n', "cam_to_se and x go together"),
        ('[screen]\ncam_to_se = ["80"]\nx = [1.0]\n', "three weights"),
        ('[screen]\ngoal = "composite_ionic"\nleast = 0.1\n', "least"),
        ('[screen]\nleast = "0.1 mS/cm"\n', "least"),
        ('[screen]\nleast = "140 %"\n', "share is 0 to 100 %"),
        ('[screen]\nleast = 90\n', "share is 0 to 100 %"),
        ('[screen]\nleast = "0,9"\n', "write 0.9"),
        ('[screen]\nleast = true\n', "a value is a number, or text"),
        ('[screen]\nleast = nan\n', "finite"),
        ('[screen]\nsamples = "1_0"\n', "whole number"),
        ('[screen]\nsamples = 1000000000000\n', "the range is 0 to 2000"),
        ('[screen]\nrates = ["0.1"]\nmerit = 0.1\n', "plain number"),
        ('[screen]\nrates = [1e300]\nmerit = 1e300\n', "1e-06 to 1e"),
        ('[screen]\nmerit = true\n', "plain number"),
        ('[screen]\ncam_to_se = ["80:20"]\nx = ["1,5"]\n', "plain number"),
        ('[screen]\ncam_to_se = ["8_0:20"]\nx = [1.0]\n', "without anything between"),
        ('[screen]\ncam_to_se = ["80:20"]\nx = [1e-300]\n', "less carbon is 0"),
        (f'[screen]\ncam_to_se = {["80:20"] * 1000}\nx = {[0.1] * 1000}\n', "asks for 1000000 candidates"),
        ('[screen.vary]\n"cam.median_diameter" = ["2,5 um"]\n', "'cam.median_diameter': .*write 2.5 um"),
        ('[screen.vary]\n"cam.median_diameter" = [true]\n', "a value is a number, or text"),
        ('[screen.vary]\n"composite.porosity" = ["1_5 %"]\n', "'composite.porosity': .*without anything between"),
        (f'[screen.vary]\n"cb.aggregate_width" = {[0.3] * 1000}\n"cb.contact_ratio" = {[0.1] * 1000}\n',
         "asks for 2000000 candidates"),
        ('[screen.vary]\n"cathode.thickness" = ["3 um"]\n', "3 um thick, less than its largest core"),
        ('[screen.vary]\n"cathode.thickness" = ["5 mm"]\n', "um wide, less than its largest core"),
        ('[measured.utilisation_ionic]\n"80:20:9" = "140 %"\n', "100 % at most"),
        (f'[screen.vary]\n"cam.capacity" = {["150 mA*h/g"] * 1001}\n', "asks for 2002 candidates, 2000 at most"),
    ],
)  # fmt: skip
def test_what_cannot_be_screened_is_refused(plan_of, text, words):
    with pytest.raises(PercoatError, match=words) as refused:
        candidates(plan_of(text))
    assert "\n" not in str(refused.value)


def test_shares_are_varied_as_per_cent(plan_of):
    found = candidates(plan_of('[screen]\n[screen.vary]\n"composite.porosity" = ["40 %", 0.45]\n'))
    assert [one.study.composite.porosity for one in found] == [0.4, 0.4, 0.45, 0.45]


def test_goals_have_their_unit(plan_of):
    assert plan_of('[screen]\nleast = "85 %"\n').screen.wanted == pytest.approx(0.85)
    assert plan_of('[screen]\ngoal = "composite_ionic"\nleast = "0.1 mS/cm"\n').screen.wanted == pytest.approx(0.01)


def merits(*rows):
    return pd.DataFrame(rows, index=[f"c{number}" for number in range(len(rows))])


def test_pareto_front_by_hand():
    """The first beats the second in one and loses in the other; the third is beaten by the first; the last ties it."""
    one, two = pd.Series([3.0, 1.0, 2.0, 3.0]), pd.Series([1.0, 3.0, 1.0, 1.0])
    assert pareto_front(one, two).tolist() == [True, True, False, True]
    assert pareto_front(one).tolist() == [True, False, False, True]
    assert pareto_front(pd.Series([1.0]), pd.Series([0.0])).tolist() == [True]


def test_probability_to_be_best_by_hand():
    assert probability_best(merits([2.0, 3.0], [1.0, 2.0])).tolist() == [1.0, 0.0]
    np.testing.assert_array_equal(probability_best(merits([2.0, 3.0], [2.0, 3.0], [0.0, 0.0])), [0.5, 0.5, 0.0])
    # one seed each way, of unequal size: the larger one wins unless only the other seed is drawn, one time in four
    found = probability_best(merits([3.0, 0.0], [0.0, 2.0]))
    np.testing.assert_allclose(found, [0.75, 0.25], atol=0.03)
    assert not np.allclose(found, [0.5, 0.5], atol=0.03)
    assert found.sum() == pytest.approx(1.0)


def test_least_carbon_by_hand():
    """Half-way between contents of 2 and 4; where the order is another, the same."""
    carbon, goal = pd.Series([4.0, 0.0, 2.0]), merits([1.0, 1.0], [0.0, 0.0], [0.5, 0.5])
    assert least_carbon(carbon, goal, 0.75) == (3.0, 3.0, 3.0)
    assert least_carbon(carbon, goal, 0.0) == (0.0, 0.0, 0.0)
    assert least_carbon(carbon, goal, 0.5) == (2.0, 2.0, 2.0)
    assert least_carbon(carbon, goal, 1.1) == (math.inf, math.inf, math.inf)
    # one seed reaches it at 2, the other at 4, their mean at 3
    mixed = merits([1.5, 0.5], [0.0, 0.0], [0.5, 0.0])
    mean, low, high = least_carbon(carbon, mixed, 0.5)
    assert mean == pytest.approx(2.0 + 2.0 * 0.25 / 0.75)
    assert low == pytest.approx(2.05)
    assert high == pytest.approx(3.95)
    assert least_carbon(carbon, merits([1.5, 0.1], [0.0, 0.0], [0.5, 0.0]), 0.5)[2] == math.inf


def test_intervals_are_those_of_one_more_cathode():
    """Of normal numbers, 95 % of further ones lie inside; of the interval of the mean they do not."""
    rng, hits, narrow, count = np.random.default_rng(1), 0, 0, 600
    for _ in range(count):
        values = rng.normal(5.0, 1.0, 5)
        frame = pd.DataFrame({"composition": "c", "setting": "", "quantity": "q", "unit": "1", "value": values})
        row, further = table_of(frame).iloc[0], rng.normal(5.0)
        hits += row["low"] <= further <= row["high"]
        narrow += abs(further - row["mean"]) <= (row["high"] - row["mean"]) / math.sqrt(6.0)
    assert 0.92 < hits / count < 0.98
    assert narrow / count < 0.85


def test_an_interval_of_a_share_ends_at_all_of_it():
    frame = pd.DataFrame({"composition": "c", "setting": "", "unit": "1", "value": [0.2, 0.9]})
    share, ratio = (table_of(frame.assign(quantity=name)).iloc[0] for name in ("utilisation_joint", "over_threshold"))
    assert (share["low"], share["high"]) == (0.0, 1.0)
    assert ratio["high"] > 1.0


def test_an_interval_of_a_capacity_ends_at_all_of_it():
    frame = pd.DataFrame({"composition": "c", "setting": "", "unit": "mA*h/g", "value": [100.0, 150.0]})
    (row,) = table_of(frame.assign(quantity="capacity_1C"), {("c", ""): 160.0}).to_dict("records")
    assert (row["mean"], row["low"], row["high"]) == (125.0, 0.0, 160.0)


def test_values_by_candidate_and_seed_keep_the_order_of_the_candidates():
    rows = [(c, "", "q", "1", s, 10.0 * k + s) for k, c in enumerate(("80:20:3", "80:20:1")) for s in (0, 1)]
    found = by_seed(pd.DataFrame(rows, columns=[*KEY, "quantity", "unit", "seed", "value"]), "q")
    assert found.index.tolist() == [("80:20:3", ""), ("80:20:1", "")]
    assert found.to_numpy().tolist() == [[0.0, 1.0], [10.0, 11.0]]


@pytest.fixture
def no_patches(handmade, monkeypatch):
    """A library made by hand in place of one in the user's cache."""
    for module in (studies.screening.screen_candidates, studies.screening.sensitivity):
        monkeypatch.setattr(module, "study_library", lambda study, **more: handmade())


FILES = {"values.csv", "table.csv", "ranking.csv", "screening.json", "screening.png"}


def test_a_small_screening_from_end_to_end(plan_of, no_patches, tmp_path, capsys):
    plan, fitted, folder = plan_of(), load_fitted(), tmp_path / "out"
    screening = run_screening(plan, fitted, folder)
    assert {path.name for path in folder.iterdir()} == FILES | {"tasks", "study.sha256"}
    record = json.loads((folder / "screening.json").read_text())
    assert record["seeds"] == 2
    assert record["fitted"]["values"] == fitted.values
    ranking = pd.read_csv(folder / "ranking.csv")
    assert sorted(ranking["composition"]) == ["80:20:1", "80:20:3"]
    assert ranking["probability_best"].sum() == pytest.approx(1.0)
    assert ranking["pareto"].any()
    table = screening.table
    assert (table["low"] <= table["mean"]).all()
    assert (table["mean"] <= table["high"]).all()
    # without resistance between blocks everything conducts better
    for quantity in ("composite_electronic", "composite_ionic"):
        rows = screening.rows(quantity)
        for composition in plan.study.compositions:
            assert rows[composition, "ideal contacts"]["mean"] > rows[composition, ""]["mean"]
    # 1C gives no more than 0.1C, and that no more than what is reached
    for composition in plan.study.compositions:
        fast, slow, reached = (
            screening.rows(name)[composition, ""]["mean"]
            for name in ("capacity_1C", "capacity_0.1C", "utilisation_joint")
        )
        assert fast <= slow <= 200.0 * 0.8 * reached * (1.0 + 1e-6)
    assert all(one.nominal == screening.scatter[0].nominal for one in screening.scatter)
    swings = [one.swing for one in screening.scatter]
    assert swings == sorted(swings, reverse=True)
    assert len(swings) == 6
    show_screening(screening)
    shown = capsys.readouterr().out
    assert "80:20:3" in shown
    assert "Beside what was measured" in shown
    assert sentences(screening)[0].startswith("At 1C 80:20:")


@pytest.mark.slow
def test_a_screening_goes_on_with_the_same_bytes_by_two_workers_and_refuses_another(plan_of, no_patches, tmp_path):
    plan, fitted, folder, again = plan_of(), load_fitted(), tmp_path / "out", tmp_path / "again"
    run_screening(plan, fitted, folder)
    shutil.copytree(folder, again)
    tasks = sorted((again / "tasks").glob("*.json"))
    assert len(tasks) == 4
    kept, times = tasks[1:3], [path.stat().st_mtime_ns for path in tasks[1:3]]
    for path in (tasks[0], tasks[3], *(again / name for name in FILES)):
        path.unlink()
    run_screening(plan, fitted, again, workers=2)
    for path in (*(folder / "tasks").iterdir(), *(folder / name for name in FILES)):
        assert (again / path.relative_to(folder)).read_bytes() == path.read_bytes(), path
    assert [path.stat().st_mtime_ns for path in kept] == times
    for other in ("[composite]\npores_between_blocks = 0.1\n", "[screen]\nrates = [1.0, 2.0]\n"):
        with pytest.raises(StudyError, match="other settings or another version"):
            run_screening(plan_of(other), fitted, again)


def test_cores_that_electrons_reach_count_where_they_do_not_span(plan_of, no_patches, tmp_path, capsys):
    """Few bare contacts and no carbon: the cores at the collector work, and the table says what loss is theirs."""
    text = '[screen]\ncam_to_se = ["80:20"]\nx = [0.0]\n[materials.composite]\nbare_contact_share = 0.02\n'
    screening = run_screening(plan_of(text), load_fitted(), tmp_path / "out")
    rows = {name: screening.rows(name)["80:20:0", ""] for name in screening.quantities}
    assert rows["composite_electronic"]["mean"] == 0.0
    assert 0.0 < rows["utilisation_joint"]["mean"] < 0.3
    reached = 200.0 * 0.8 * rows["utilisation_joint"]["mean"]
    assert 0.5 * reached < rows["capacity_0.1C"]["mean"] <= reached * (1.0 + 1e-6)
    assert rows["electronic_feeding"]["mean"] > 0.0
    assert rows["electronic_feeding"]["unit"] == "S/m"
    assert screening.ranking["electrons_span"].tolist() == [0.0]
    assert pd.read_csv(tmp_path / "out" / "ranking.csv")["electrons_span"].tolist() == [0.0]
    show_screening(screening)
    shown = capsys.readouterr().out
    assert "* electrons do not span the cathode: loss from the collector to the cores they reach" in shown
    assert "+-" not in shown
    assert "In 100% of its cathodes electrons do not span" in sentences(screening)[0]


def test_candidates_of_one_seed_share_their_drawn_parameters(plan_of, handmade):
    """So that two of them differ by what they are, not by what they drew: the same bulk matrix is the same number."""
    first, second = candidates(plan_of('[screen]\ncam_to_se = ["80:20", "60:15"]\nx = [0.0]\n'))
    fitted, library = load_fitted(), handmade()
    found = {
        (one.composition, seed): {
            value.quantity: value.value for value in candidate_values(one, seed, library, fitted, ())
        }
        for one in (first, second)
        for seed in (0, 1)
    }
    one, other, again = found["80:20:0", 0], found["80:20:0", 1], found["60:15:0", 0]
    assert one["composite_electronic"] != other["composite_electronic"]
    for quantity in ("composite_electronic", "composite_ionic", "utilisation_joint"):
        assert again[quantity] == pytest.approx(one[quantity], rel=1e-9)


def test_patches_are_drawn_as_the_parameters_are(plan_of, handmade):
    plan, library, fitted = plan_of(), handmade(), load_fitted()
    candidate, seed = candidates(plan)[1], 1
    study = with_fitted(candidate.study, fitted.draw(stream(candidate.study, seed, PARAMETERS), candidate.study))
    drawn = library.draw(stream(candidate.study, seed, PATCHES))
    recipe, (electronic, ionic) = study.recipes[0], matrix_conductivities(study.recipes[0], drawn)
    found = {one.quantity: one.value for one in candidate_values(candidate, seed, library, fitted, ())}
    assert found["matrix_electronic"] == pytest.approx(electronic, rel=1e-12)
    assert found["matrix_ionic"] == pytest.approx(ionic, rel=1e-12)
    assert matrix_conductivities(recipe, library)[0] != pytest.approx(electronic, rel=1e-3)


def test_constants_of_the_study_are_not_drawn(plan_of):
    plan = plan_of("[materials.composite]\nbare_contact_share = 0.5\n")
    changed = with_fitted(plan.study, load_fitted().draw(np.random.default_rng(1), plan.study))
    assert changed.constants["composite.bare_contact_share"] == 0.5
    assert changed.constants["cb.neck_conductance"] != plan.study.constants["cb.neck_conductance"]


def test_more_carbon_than_the_library_has_is_refused_before_anything_is_predicted(plan_of, no_patches, tmp_path):
    plan = plan_of('[screen]\ncam_to_se = ["80:20"]\nx = [1.0, 30.0]\n')
    with pytest.raises(StudyError, match="more is not extrapolated"):
        run_screening(plan, load_fitted(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


BAD = {
    "unknown.toml": HEAD + '[screen.vary]\n"cam.median_diametr" = ["2 um"]\n',
    "merit.toml": HEAD + "[screen]\nmerit = 3.0\n",
    "plain.toml": HEAD,
    "fitted.toml": 'provenance = "none"\n',
}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["screen", "unknown.toml"], "Did you mean 'cam.median_diameter'"),
        (["screen", "merit.toml"], "merit = 3 must be one of rates"),
        (["screen", "plain.toml", "--fitted", "fitted.toml"], "fitted.toml is no fitted set of percoat"),
        (["screen", "plain.toml", "--fitted", "nowhere.toml"], "cannot read"),
        (["screen", "nowhere.toml"], "cannot read"),
        (["screen", "kisel"], "no study 'kisel'"),
        (["screen", "plain.toml", "--seeds", "1"], "--seeds"),
        (["compare", "nowhere.toml"], "cannot read"),
        (["compare", "plain.toml", "--composition", "80:20"], "three weights"),
        (["calibrate", "plain.toml"], "missing: cb.neck_conductance"),
        (["calibrate", "nowhere.toml"], "cannot read"),
    ],
)
def test_the_command_line_says_one_sentence_and_leaves_nothing(percoat, tmp_path, monkeypatch, words, said):
    monkeypatch.setattr("platformdirs.user_cache_path", None)
    for name, text in BAD.items():
        (tmp_path / name).write_text(text)
    done = percoat(*words, folder=tmp_path)
    assert done.status == 2
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1 or "Usage" in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(BAD)


def test_cores_that_would_jam_are_refused_before_anything_is_packed(plan_of):
    plan = plan_of('[screen]\n[screen.vary]\n"composite.pores_between_blocks" = [0.01]\n')
    with pytest.raises(StudyError, match=r"the cores of 80:20:1, .* would fill 65.4% of the volume and jam at 62%"):
        candidates(plan)
