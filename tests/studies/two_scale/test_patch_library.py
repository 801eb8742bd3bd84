"""Patch libraries: kept on disk, interpolated by hand, and right where a coat or the carbon in it is known exactly."""

import math
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import platformdirs
import pytest

import studies.jobs.checkpoints
import studies.two_scale.patch_library
from microstructure.carbon.dispersion import Dispersion
from microstructure.errors import StudyError
from microstructure.materials import Materials
from microstructure.recipe import box_share
from studies.jobs.checkpoints import Ledger, Task
from studies.study import parse_study
from studies.two_scale.patch_library import PatchLibrary, cache_folder, load_library, study_library
from studies.two_scale.patch_plan import CarbonState, PatchPlan
from studies.two_scale.patch_tasks import SEAM, WALL, _aggregates, bulk_rows, coat_rows, patch_tasks, rate_rows

THIN, MIDDLE, THICK = 18.5e-9, 75e-9, 300e-9
TINY = PatchPlan(
    thicknesses=(THIN, MIDDLE),
    contents=(0.06, 0.165),
    seeds=2,
    patches=3,
    widest=1.6e-6,
    width=0.8e-6,
    ion_width=0.5e-6,
    bulk_edge=0.8e-6,
    runs=3,
)
STATE = CarbonState(Materials.load())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("patches")
    return load_library(STATE, TINY, folder=folder), folder


def files(folder):
    """What each task wrote, and when."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*.json")}


def library_of(rows, thicknesses=(THIN, MIDDLE, THICK), contents=(0.1, 0.3)):
    """A library of rows (quantity, thickness, content, value[, note]), its intervals 10 % to either side."""
    table = [(*row[:4], 0.9 * row[3], 1.1 * row[3], row[4] if len(row) > 4 else "", 1.0) for row in rows]
    columns = ["quantity", "thickness", "content", "value", "low", "high", "note", "share"]
    plan = PatchPlan(thicknesses=thicknesses, contents=contents)
    return PatchLibrary(STATE, plan, pd.DataFrame(table, columns=columns))


def test_a_library_on_disk_is_read_and_nothing_is_done(made, monkeypatch):
    library, folder = made
    monkeypatch.setattr(studies.jobs.checkpoints, "in_parallel", lambda *more, **other: pytest.fail("it is all there"))
    monkeypatch.setattr(studies.jobs.checkpoints, "whole_file", lambda *more, **other: pytest.fail("it is all there"))
    pd.testing.assert_frame_equal(load_library(STATE, TINY, folder=folder).rows, library.rows)


def test_what_is_missing_alone_is_made_and_two_workers_write_the_same_bytes(made, tmp_path):
    _, folder = made
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    before = files(tmp_path)
    lost = [name for name in before if name.startswith(("75nm-0.06", "bulk-0", f"18.5nm-{SEAM}"))]
    assert len(lost) == 5
    for path in list(tmp_path.rglob("*.json")):
        if path.name in lost:
            path.unlink()
    load_library(STATE, TINY, folder=tmp_path, workers=2)
    after = files(tmp_path)
    assert {name: content for name, (content, _) in after.items()} == {name: one for name, (one, _) in before.items()}
    assert {name for name in before if after[name] != before[name]} == set(lost)


@pytest.mark.parametrize("damage", ["", '{"values": []}', "changed"])
def test_what_is_damaged_is_made_again(made, tmp_path, damage, caplog):
    library, folder = made
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    [path] = tmp_path.rglob("bulk-0.06.json")
    before = path.read_text()
    path.write_text(before.replace('"value": 0.', '"value": 0.1') if damage == "changed" else damage)
    assert path.read_text() != before
    pd.testing.assert_frame_equal(load_library(STATE, TINY, folder=tmp_path).rows, library.rows)
    assert path.read_text() == before
    assert [record.message for record in caplog.records] == [f"{path} is damaged and is made again"]


def test_a_cache_that_cannot_be_one_is_named(tmp_path, monkeypatch):
    (tmp_path / "notes").write_text("mine")
    monkeypatch.setenv("PERCOAT_CACHE", str(tmp_path / "notes"))
    with pytest.raises(StudyError, match=r"the patch cache .*notes, which is a file: .*PERCOAT_CACHE") as refused:
        load_library(STATE, TINY)
    assert "--out" not in str(refused.value)


def test_where_the_users_caches_cannot_be_written_libraries_last_as_long_as_the_process(tmp_path, monkeypatch):
    (tmp_path / "home").write_text("no folder")
    monkeypatch.delenv("PERCOAT_CACHE")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / "home" / name)
    monkeypatch.setattr(studies.two_scale.patch_library, "temporary_folder", lambda: tmp_path / "once")
    monkeypatch.setattr(studies.two_scale.patch_library, "patch_tasks", lambda state, plan: [Task("one", 0, list)])
    load_library(STATE, TINY)
    assert len(list((tmp_path / "once").rglob("one.json"))) == 1


def place_of(state, monkeypatch, tmp_path):
    """The folder in which the library of a state is kept."""
    places = []
    monkeypatch.setattr(studies.two_scale.patch_library, "patch_tasks", lambda state, plan: [])
    monkeypatch.setattr(
        studies.two_scale.patch_library,
        "Ledger",
        lambda place, *more, **other: places.append(place) or Ledger(place, *more, **other),
    )
    load_library(state, TINY, folder=tmp_path)
    assert not list(tmp_path.iterdir())
    return places[0]


def with_constants(**groups):
    return CarbonState(Materials.load(groups))


@pytest.mark.parametrize(
    "other",
    [
        with_constants(cb={"aggregate_diameter": "200 nm"}),
        with_constants(cb={"contact_ratio": 0.2}),
        with_constants(se={"density": "1.86 g/cm3"}),
        with_constants(matrix={"porosity": 0.1}),
        replace(STATE, contact_gap=2e-9),
        replace(STATE, fit="cut"),
        replace(STATE, size_measure="gyration"),
        replace(STATE, dispersion=Dispersion(0.8, 1e-6)),
    ],
)
def test_other_carbon_has_another_folder(other, monkeypatch, tmp_path):
    assert place_of(other, monkeypatch, tmp_path) != place_of(STATE, monkeypatch, tmp_path)


@pytest.mark.parametrize(
    "other",
    [
        with_constants(cb={"neck_conductance": "1 mS"}),
        with_constants(se={"ionic_conductivity": "2 mS/cm", "grain_contact_loss": 3.0}),
        with_constants(cam={"median_diameter": "5 um"}, composite={"bare_contact_share": 0.5}),
    ],
)
def test_what_only_scales_patches_or_lies_outside_of_them_has_the_same_folder(other, monkeypatch, tmp_path):
    assert place_of(other, monkeypatch, tmp_path) == place_of(STATE, monkeypatch, tmp_path)


def test_a_study_asks_for_its_own_carbon_and_effort(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(
        studies.two_scale.patch_library,
        "load_library",
        lambda state, plan, **more: asked.append((state, plan)) or "library",
    )
    carbon = {"contact_gap": "3 nm", "dispersion": {"share": 0.7, "agglomerate_size": "1 um"}}
    table = {"title": "t", "compositions": ["80:20:1"], "carbon": carbon, "patches": {"effort": "quick"}}
    assert study_library(parse_study(table)) == "library"
    state, plan = asked[0]
    assert (state.contact_gap, state.dispersion) == (pytest.approx(3e-9), Dispersion(0.7, 1e-6))
    assert plan == PatchPlan.quick()


def test_agglomerates_find_room_in_the_boxes():
    assert TINY.around(STATE) == TINY
    wider = TINY.around(replace(STATE, dispersion=Dispersion(0.5, 2e-6)))
    assert {wider.widest, wider.width, wider.ion_width, wider.bulk_edge} == {2.4e-6}


def test_windows_halve_down_to_the_narrowest():
    areas = PatchPlan(widest=1.6e-6, narrowest=0.4e-6).windows
    np.testing.assert_allclose(areas, np.array([2.56, 1.28, 0.64, 0.32, 0.16]) * 1e-12)


def test_ions_are_interpolated_by_straight_lines():
    """In the content, and in the logarithm of the thickness: 150 nm is half-way from 75 to 300 nm."""
    values = {(MIDDLE, 0.1): 0.8, (MIDDLE, 0.3): 0.4, (THICK, 0.1): 0.9, (THICK, 0.3): 0.7}
    library = library_of([("along_ionic", *where, value) for where, value in values.items()], (MIDDLE, THICK))
    for (thickness, content), value in values.items():
        assert library.value("along_ionic", content, thickness) == pytest.approx(value, rel=1e-12)
    assert library.value("along_ionic", 0.2, MIDDLE) == pytest.approx(0.6, rel=1e-12)
    np.testing.assert_allclose(library.value("along_ionic", 0.1, np.array([150e-9, 300e-9])), [0.85, 0.9], rtol=1e-12)
    assert library.value("along_ionic", 0.2, 150e-9) == pytest.approx(0.7, rel=1e-12)


def test_electrons_are_interpolated_by_straight_lines_through_their_square_roots():
    """Roots of 2 and 6 at the two contents: 4 between them, and 1 half-way to no carbon."""
    library = library_of([("along_electronic", MIDDLE, 0.1, 4.0), ("along_electronic", MIDDLE, 0.3, 36.0)], (MIDDLE,))
    expected = {0.0: 0.0, 0.05: 1.0, 0.1: 4.0, 0.2: 16.0, 0.3: 36.0}
    for content, value in expected.items():
        assert library.value("along_electronic", content, MIDDLE) == pytest.approx(value, rel=1e-12, abs=0.0)
    assert float(library.value("along_electronic", 0.0, MIDDLE)) == 0.0


def test_coats_beyond_the_thinnest_and_the_thickest_count_as_those():
    library = library_of([("along_ionic", thickness, 0.1, 1e6 * thickness) for thickness in (MIDDLE, THICK)])
    found = library.value("along_ionic", 0.1, np.array([1e-9, MIDDLE, THICK, 1e-6]))
    thinnest = library_of(
        [("along_ionic", t, 0.1, 1e6 * t) for t in (THIN, MIDDLE, THICK)], (THIN, MIDDLE, THICK)
    ).value("along_ionic", 0.1, 1e-9)
    assert library.reach == (THIN, THICK)
    np.testing.assert_allclose(found, [0.075, 0.075, 0.3, 0.3], rtol=1e-12)
    assert thinnest == pytest.approx(0.0185, rel=1e-12)


def test_more_carbon_than_the_library_has_is_refused(handmade):
    library = handmade()
    assert library.value("bulk_ionic", 0.45) == pytest.approx(0.55)
    with pytest.raises(StudyError, match=r"up to 45% of carbon .* 46\.0% are asked for: more is not extrapolated"):
        library.value("bulk_ionic", 0.46)
    with pytest.raises(StudyError, match="more is not extrapolated"):
        library.bridge_rate(0.5)(np.array([1e-7]))


def test_ends_of_the_intervals(handmade):
    library = handmade()
    for quantity in ("along_ionic", "along_electronic", "bridge_rate"):
        low, value, high = (float(library.at_end(side).value(quantity, 0.1, 1e-7)) for side in (-1, 0, 1))
        assert (low, high) == (pytest.approx(0.8 * value), pytest.approx(1.2 * value))
    np.testing.assert_allclose([library.at_end(side).threshold(1e-7) for side in (-1, 0, 1)], [0.072, 0.08, 0.088])
    assert library.threshold(0.0) == 0.05


def test_draws_scatter_as_the_intervals_say(handmade):
    """Half of an interval is 1.96 standard errors, or Student's t of six seeds; one deviate for all of a quantity."""
    library, rng = handmade(), np.random.default_rng(5)
    drawn = [library.draw(rng) for _ in range(400)]
    for quantity, half in (("along_ionic", 2.571), ("along_electronic", 2.571), ("bridge_rate", 1.96)):
        factors = np.array([one.value(quantity, 0.1, np.array([5e-8, 2e-7])) for one in drawn])
        factors /= library.value(quantity, 0.1, np.array([5e-8, 2e-7]))
        np.testing.assert_allclose(factors[:, 0], factors[:, 1], rtol=1e-9)
        assert factors[:, 0].mean() == pytest.approx(1.0, abs=0.02)
        assert factors[:, 0].std() == pytest.approx(0.2 / half, rel=0.12)
    ions, electrons = (np.array([one.deviates[name] for one in drawn]) for name in ("along_ionic", "along_electronic"))
    assert abs(np.corrcoef(ions, electrons)[0, 1]) < 0.15
    again = library.draw(np.random.default_rng(5))
    assert again.deviates == drawn[0].deviates


def test_a_threshold_out_of_reach_stays_so_in_every_draw():
    library = library_of(
        [("threshold", t, math.nan, value) for t, value in ((0.0, 0.05), (MIDDLE, math.inf), (THICK, 0.1))]
    )
    for one in (library, library.at_end(-1), library.at_end(1), library.draw(np.random.default_rng(1))):
        assert one.threshold(MIDDLE) == math.inf
        assert one.threshold(THICK) == pytest.approx(0.1, rel=0.2)


def test_the_cache_is_where_the_user_wants_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PERCOAT_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("PERCOAT_CACHE")
    assert cache_folder().name == "percoat"


def test_thresholds_between_coats_lie_between_theirs():
    library = library_of([("threshold", t, math.nan, value) for t, value in ((0.0, 0.05), (MIDDLE, 0.3), (THICK, 0.1))])
    np.testing.assert_allclose(
        library.threshold(np.array([0.0, MIDDLE, 150e-9, THICK, 1e-6])), [0.05, 0.3, 0.2, 0.1, 0.1], rtol=1e-12
    )


def test_below_a_primary_bridges_fall_linearly_to_none(handmade):
    """In a gap no wider than a primary every aggregate is a bridge: half the gap, half the aggregates."""
    library = handmade()
    for rate in (library.bridge_rate(0.1), library.wall_bridge_rate(0.1)):
        thinnest, half, none, above = rate(np.array([THIN, 0.5 * THIN, 0.0, 1.01 * THIN]))
        assert half == pytest.approx(0.5 * thinnest, rel=1e-12)
        assert none == 0.0
        assert above == pytest.approx(thinnest, rel=1e-12)
    assert library.bridge_rate(0.1)(np.array([THIN])) == pytest.approx(4e12, rel=1e-9)


def test_no_carbon_means_no_bridges_and_no_electrons():
    """Whether or not a row says so."""
    library = library_of([(name, MIDDLE, 0.1, 1.0) for name in ("bridge_rate", "bulk_electronic")], (MIDDLE,))
    assert float(library.value("bulk_electronic", 0.0)) == 0.0
    assert library.bridge_rate(0.0)(np.array([MIDDLE])).tolist() == [0.0]


def test_a_rate_known_to_be_larger_only_never_lowers_the_curve():
    """Known at 0.1 and 0.3 as 1 and 9; at 0.2 and 0.4 all windows are bridged, which says no more than "at least".

    Between those known the node lies on a straight line, beyond the last one the rate stays.
    """
    rows = [(0.1, 1.0), (0.2, 1.0, "at least"), (0.3, 9.0), (0.4, 9.0, "at least")]
    library = library_of([("bridge_rate", MIDDLE, *row) for row in rows], (MIDDLE,), (0.1, 0.2, 0.3, 0.4))
    found = [float(library.bridge_rate(content)(np.array([MIDDLE]))[0]) for content in (0.1, 0.2, 0.3, 0.35, 0.4)]
    np.testing.assert_allclose(found, [1.0, 5.0, 9.0, 9.0, 9.0], rtol=1e-12)


def test_error_of_interpolation_of_a_known_curve():
    """1 + x^2 at 0, 0.1, 0.2: left out in the middle it is missed by 0.01 in 1.01, and by a quarter of that with it."""
    rows = [("along_ionic", MIDDLE, content, 1.0 + content**2) for content in (0.0, 0.1, 0.2)]
    found = library_of(rows, (MIDDLE,), (0.1, 0.2)).interpolation_error("along_ionic")
    assert found == pytest.approx(0.01 / 1.01 / 4.0, rel=1e-9)
    straight = [("along_ionic", MIDDLE, content, 1.0 - content) for content in (0.0, 0.1, 0.2)]
    assert library_of(straight, (MIDDLE,), (0.1, 0.2)).interpolation_error("along_ionic") == pytest.approx(0, abs=1e-12)
    assert math.isnan(library_of(straight[:2], (MIDDLE,), (0.1,)).interpolation_error("along_ionic"))


def test_rows_of_a_simulated_library(made):
    library, _ = made
    rows = library.rows[library.rows.quantity != "bridge_spread"]
    assert (rows.low <= rows.value).all()
    assert (rows.value <= rows.high).all()
    assert set(rows.thickness) == {0.0, *TINY.thicknesses}
    for thickness in TINY.thicknesses:
        for rate in (library.bridge_rate, library.wall_bridge_rate):
            found = [float(rate(content)(np.array([thickness]))[0]) for content in (0.0, 0.03, 0.06, 0.1, 0.165)]
            assert found[0] == 0.0
            assert np.all(np.diff(found) > 0.0)
    # one coat between a core and a wall is as wide as two of half its height, and has no seam
    for content in TINY.contents:
        seam, wall = (
            float(rate(content)(np.array([MIDDLE]))[0]) for rate in (library.bridge_rate, library.wall_bridge_rate)
        )
        assert wall > seam


def test_no_carbon_is_exactly_nothing(made):
    rows = made[0].rows.query("content == 0.0").set_index("quantity").value
    for quantity in ("along_electronic", "across_electronic", "across_touches", "bulk_electronic", "bridges"):
        assert np.all(rows[quantity] == 0.0)


def test_ions_in_a_matrix_without_carbon_and_pores_are_those_of_the_electrolyte():
    dense = with_constants(matrix={"porosity": 0.0})
    for row in [*coat_rows(dense, TINY, MIDDLE, 0.0), *bulk_rows(dense, TINY, 0.0)]:
        if row.quantity.endswith("_ionic"):
            assert row.value == pytest.approx(1.0, rel=1e-4)
            assert row.high - row.low < 1e-4
    porous = {row.quantity: row.value for row in bulk_rows(STATE, TINY, 0.0)}
    assert porous["bulk_ionic"] < 0.98


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("case", "thickness"), [(SEAM, THIN), (WALL, 2 * THIN)])
def test_in_a_gap_of_one_primary_every_aggregate_is_a_bridge(case, thickness, seed):
    """As many bridges per area as aggregates lie there: their share of the gap over their volume. Twice it is refused.

    Small aggregates, few of them: no two meet, and windows are far wider than they.
    """
    state = with_constants(cb={"aggregate_diameter": "100 nm", "aggregate_width": 0.0})
    plan = PatchPlan(contents=(0.003, 0.03), seeds=2, patches=8, widest=2.4e-6, narrowest=0.3e-6, seed=seed)
    row = next(row for row in rate_rows(state, plan, thickness, case) if row.share == 1.0)
    libraries = [_aggregates(state, plan, number) for number in range(plan.seeds)]
    volume = np.mean([one.sizes.mean() * one.primary_volume for one in libraries])
    expected = float(box_share(0.003, state.materials)) * 2.0 * THIN / volume
    assert row.low < expected < row.high
    assert not row.low < 2.0 * expected < row.high


def test_every_coat_and_content_has_its_task():
    names = [task.name for task in patch_tasks(STATE, TINY)]
    assert len(names) == len(set(names)) == 4 + 3 + 6 + 2 + 1


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (0.0, (0.1, 0.2)),
        (0.1, (0.1, 0.2)),
        (0.15, (0.1, 0.2, 0.3)),
        (0.25, (0.1, 0.2, 0.3, 0.4)),
        (0.6, (0.3, 0.4, 0.5)),
    ],
)
def test_a_plan_for_one_content_keeps_two_on_either_side(content, kept):
    plan = PatchPlan(contents=(0.1, 0.2, 0.3, 0.4, 0.5))
    assert plan.near(content).contents == kept
    names = {task.name for task in patch_tasks(STATE, plan)}
    assert {task.name for task in patch_tasks(STATE, plan.near(content))} < names


def test_a_coat_of_which_rates_are_only_known_to_be_larger_is_left_to_its_neighbours():
    known = [("bridge_rate", coat, content, 1e12) for coat in (THIN, THICK) for content in (0.1, 0.3)]
    unknown = [("bridge_rate", MIDDLE, content, 5e11, "at least") for content in (0.1, 0.3)]
    library = library_of(known + unknown)
    assert float(library.value("bridge_rate", 0.2, MIDDLE)) == pytest.approx(1e12)
