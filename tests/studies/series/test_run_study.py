"""The main job on a tiny study: the same bytes for any workers, and for a run that was killed and resumed."""

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from microstructure.errors import StudyError
from studies.series.run_study import run_study
from studies.series.series_figures import draw_figures
from studies.series.series_report import show_results
from studies.study import load_study

pytestmark = pytest.mark.slow

TINY = Path(__file__).parents[2] / "data" / "tiny.toml"
TABLES = ("values.csv", "summary.csv", "table.csv")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return run_study(load_study(str(TINY)), tmp_path_factory.mktemp("one") / "out", workers=1)


def contents(folder):
    return {name: (folder / name).read_bytes() for name in TABLES}


def test_results_folder_is_complete(done):
    names = {path.name for path in done.folder.iterdir()}
    assert {*TABLES, "results.json", "thresholds.png", "utilisation.png", "conductivity.png", "structures"} <= names
    assert len(list((done.folder / "structures").glob("*.h5"))) == 4
    record = json.loads((done.folder / "results.json").read_text())
    assert record["materials"]["constants"]["se.density"]["value"] == 1860.0
    assert record["materials"]["constants"]["se.density"]["source"].startswith("yours")
    assert record["seeds"][1] == {"entropy": 7, "spawn_key": [1]}
    assert {"percoat", "numpy", "python"} <= set(record["versions"])


WILD = "[/foo] $x_$ [bold]80:100:20[/bold] 1 | 2\n$\\frac$ \x1b[31m \N{WAVE DASH}\N{CJK UNIFIED IDEOGRAPH-6B63}"
PLAIN = "[/foo] $x_$ [bold]80:100:20[/bold] 1 | 2 $\\frac$ [31m \N{WAVE DASH}\N{CJK UNIFIED IDEOGRAPH-6B63}"


def test_a_title_is_text_and_no_markup(done, tmp_path, capsys):
    """Neither rich's, nor that of formulas in pictures, nor what steers a terminal."""
    constants = {"se": {"density": {"value": "1.86 g/cm3", "source": WILD}}}
    study = done.study.model_copy(update={"title": WILD, "materials": constants})
    show_results(replace(done, study=study))
    shown = capsys.readouterr().out
    assert PLAIN in " ".join(shown.split())  # however wide the terminal is
    assert "\x1b" not in shown
    assert "mixed density [g/cm3]" in shown
    assert "your own in [materials]" in shown
    draw_figures(study, done.summary, tmp_path)
    assert len(list(tmp_path.glob("*.png"))) == 3


def test_values_make_sense(done):
    values = done.values.set_index(["quantity", "composition", "setting", "seed"])["value"].sort_index()
    for seed in (0, 1):
        assert (
            values["utilisation_electronic", "70:30:2", "", seed]
            >= values["utilisation_electronic", "70:30:0", "", seed]
        )
        assert values["matrix_electronic", "70:30:0", "", seed] == 0.0
        assert 0 < values["composite_ionic", "70:30:0", "", seed] < values["matrix_ionic", "70:30:0", "", seed] < 0.2
    assert (done.values["value"] >= 0).all()
    row = done.table[(done.table["quantity"] == "composite_ionic") & (done.table["measured"] != "")].iloc[0]
    assert row["measured"] == "0.3"


def test_two_workers_write_the_same_bytes(done, tmp_path):
    other = run_study(load_study(str(TINY)), tmp_path / "out", workers=2)
    assert contents(other.folder) == contents(done.folder)


def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(done, tmp_path):
    folder = tmp_path / "out"
    command = [sys.executable, "-c", "from studies.command import main; main()", "run", str(TINY), "--out", str(folder)]
    process = subprocess.Popen([*command, "--workers", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list((folder / "tasks").glob("seed*.json"))) < 2:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in (folder / "tasks").glob("seed*.json")}
    assert len(kept) >= 2
    again = run_study(load_study(str(TINY)), folder, workers=1)
    assert contents(again.folder) == contents(done.folder)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in kept.items())


def test_another_studys_folder_is_refused(done, tmp_path):
    other = load_study(str(TINY)).model_copy(update={"compositions": ["70:30:0"]})
    with pytest.raises(StudyError, match="other settings"):
        run_study(other, done.folder)
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(StudyError, match="no empty folder"):
        run_study(other, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_more_seeds_go_on_from_the_same_folder(done, tmp_path):
    study = load_study(str(TINY), seeds=3)
    shutil.copytree(done.folder, tmp_path / "out")
    before = pd.read_csv(done.folder / "values.csv")
    grown = run_study(study, tmp_path / "out").values
    merged = grown[grown["seed"] < 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(merged.fillna(""), before.fillna(""), check_dtype=False)


def test_a_damaged_result_is_made_again(done, tmp_path):
    folder, study = tmp_path / "out", load_study(str(TINY))
    shutil.copytree(done.folder, folder)
    before = contents(folder)
    for damage in ("", "[]", '{"values": [{"quantity": 1}]}'):
        (folder / "tasks" / "contact.json").write_text(damage)
        assert contents(run_study(study, folder).folder) == before


def test_changed_constants_are_noticed(done):
    changed = load_study(str(TINY)).model_copy(update={"materials": {"se": {"density": "1.9 g/cm3"}}})
    with pytest.raises(StudyError, match="other settings"):
        run_study(changed, done.folder)


@pytest.mark.parametrize(
    ("lean", "rich", "said"),
    [("97:3:0", "97:3:1", "cannot be packed"), ("97:3:0", "97:3:4", "more is not extrapolated")],
)
def test_what_is_out_of_reach_is_one_sentence_and_leaves_nothing(percoat, tmp_path, lean, rich, said):
    text = TINY.read_text().replace("pores_between_blocks = 0.12", "pores_between_blocks = 0.0")
    text = text.replace("70:30:0", lean).replace("70:30:2", rich)
    (tmp_path / "dense.toml").write_text(text.replace('"250 nm"', '"150 nm"'))
    done = percoat("run", "dense.toml", "--out", "out", "--workers", 1, folder=tmp_path)
    assert done.status == 2
    assert said in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["dense.toml"]
