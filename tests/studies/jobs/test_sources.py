"""What counts as the code that numbers come from."""

import subprocess
import sys
from pathlib import Path

import pytest

import studies.jobs.sources
import studies.series.run_study
import studies.two_scale.patch_library
from studies.chart.chart_plan import load_plan
from studies.chart.chart_tasks import chart_tasks
from studies.jobs.sources import PACKAGES, imported, source_digest
from studies.study import load_study
from studies.two_scale.patch_plan import CarbonState, PatchPlan
from studies.two_scale.patch_tasks import patch_tasks

TINY = Path(__file__).parents[2] / "data" / "tiny.toml"
FILES = {
    "studies": '"""Studies."""\n',
    "studies.task": (
        '"""A task."""\nfrom studies import law\n\ndef work():\n    """Do it."""\n    return law.twice(2)\n'
    ),
    "studies.law": (
        "from studies.table import read\nSIDES = {'a', 'b', 'c'}\n\ndef twice(x):\n"
        "    # a comment\n    return 2 * x if x in {1, 2, 3} else read('numbers.csv')\n"
    ),
    "studies.table": "def read(name):\n    return name\n",
    "studies.figure": "import studies.task\nCOLOUR = 1\n",
}


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """The digest of a small project whose sources are replaced as asked."""
    (tmp_path / "numbers.csv").write_text("1,2\n")

    def make(name="studies.task", old="", new="", start="studies.task"):
        paths = {}
        for module, text in FILES.items():
            paths[module] = tmp_path / f"{module}.py"
            assert module != name or old in text
            paths[module].write_text(text.replace(old, new) if module == name and old else text)
        monkeypatch.setattr(studies.jobs.sources, "project_modules", lambda: paths)
        return source_digest([start])

    return make


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("studies.law", "# a comment", "# another one\n\n    # on more lines"),
        ("studies.task", "Do it.", "Do it well."),
        ("studies.task", "A task.", "One task.\n\nOn more lines."),
        ("studies", "Studies.", "Cases."),
        ("studies.figure", "1", "2"),
    ],
)
def test_words_and_what_is_not_imported_do_not_count(digest, name, old, new):
    assert digest(name, old, new) == digest()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("studies.task", "twice(2)", "twice(3)"),
        ("studies.task", "twice(2)", "twice(2.0)"),
        ("studies.law", "2 * x", "2 + x"),
        ("studies.law", "{1, 2, 3}", "{1, 2, 4}"),
        ("studies.table", "return name", "return -name"),
        ("studies.table", "(name)", "(name, more=1)"),
        ("studies", '"""Studies."""\n', "LIMIT = 1\n"),
    ],
)
def test_what_is_imported_counts_through_others_too(digest, name, old, new):
    assert digest(name, old, new) != digest()


def test_data_that_is_named_counts(digest, tmp_path):
    before = digest()
    (tmp_path / "other.csv").write_text("3\n")
    assert digest() == before
    (tmp_path / "numbers.csv").write_text("1,3\n")
    assert digest() != before


def test_constants_of_materials_count():
    names = [path.name for path in studies.jobs.sources.data_files(["studies.two_scale.patch_tasks"])]
    assert names == ["materials.toml"]


def test_all_that_tasks_import_counts_and_nothing_else_and_the_same_in_every_process():
    modules = (*studies.series.run_study.MODULES, *studies.two_scale.patch_library.MODULES)
    code = f"import sys, {', '.join(modules)}\nprint(*sys.modules)\n"
    code += f"from studies.jobs.sources import source_digest; print(source_digest({modules}))"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded, digest = run.stdout.splitlines()
    assert set(imported(modules)) == {name for name in loaded.split() if name.partition(".")[0] in PACKAGES}
    assert {"percolation.statistics.pooling", "studies.summary", "studies.jobs.checkpoints"} <= set(
        imported(["studies.two_scale.patch_tasks"])
    )
    assert digest == source_digest(modules)


def test_every_task_is_done_by_a_module_that_counts(tmp_path):
    study = load_study(str(TINY))
    tasks = {
        studies.series.run_study.MODULES: studies.series.run_study.plan(study, None, tmp_path),
        studies.two_scale.patch_library.MODULES: patch_tasks(CarbonState.of(study), PatchPlan.quick()),
        ("studies.chart.chart_tasks",): chart_tasks(load_plan(quick=True)),
    }
    for modules, planned in tasks.items():
        assert {task.work.func.__module__ for task in planned} <= set(imported(modules))
