"""Run a study: every task once, each result kept as soon as it is there, then tables, figures and a record."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from microstructure.files import whole_file
from microstructure.recipe import Recipe
from studies.jobs.checkpoints import Bars, Ledger, Task, fingerprint, no_bars, versions, write_json
from studies.series.comparison import comparison
from studies.series.composition import composition_task
from studies.series.contact_check import contact_task
from studies.series.study_thresholds import threshold_task
from studies.study import Study
from studies.summary import Value, summarise, tidy
from studies.terminal.texts import markdown_table
from studies.two_scale.patch_library import PatchLibrary, study_library, study_plan

MODULES = (
    "studies.series.composition",
    "studies.series.study_thresholds",
    "studies.series.contact_check",
)  # of the tasks


@dataclass(frozen=True, eq=False)
class Results:
    """What a study found."""

    study: Study
    values: pd.DataFrame
    summary: pd.DataFrame
    table: pd.DataFrame
    folder: Path


def run_study(study: Study, folder: Path, *, workers: int = 1, progress: Bars | None = None) -> Results:
    """Run all tasks that have no result in `folder` yet, then write the tables, figures and the record.

    Parameters
    ----------
    study : Study
    folder : Path
        Results folder; a run that was interrupted goes on from what it holds.
    workers : int
        Processes; the results do not depend on it.
    progress : callable, optional
        Given a title, returns what is called with the number of pieces done and to do.

    Raises
    ------
    StudyError
        If the folder holds the results of another study, or `workers` is less than one.
    """
    ledger, bars = study_ledger(study, folder), progress or no_bars
    ledger.check()
    for recipe in study.recipes:
        study_plan(study).check_content(recipe.volume_fraction)
    patches = study_library(study, workers=workers, progress=bars("patch library"))
    tasks = plan(study, patches, folder)
    ledger.complete(tasks, workers=workers, progress=bars(f"{study.ensemble.seeds} seeds"))
    return write_results(study, ledger, tasks)


def study_ledger(study: Study, folder: Path) -> Ledger:
    """The results folder of a study; more seeds may be added to it, nothing else may differ."""
    settings = study.model_dump(mode="json")
    settings["ensemble"] = {"seed": study.ensemble.seed}
    for shown in ("measured", "fitted", "title", "materials"):
        settings.pop(shown)
    return Ledger(folder, fingerprint(settings, study.constants, MODULES), Value)


def plan(study: Study, patches: PatchLibrary, folder: Path) -> list[Task]:
    """The tasks of a study: short ones first, so that something is kept soon, then the long ones."""
    seeds, structures = range(study.ensemble.seeds), (folder / "structures").absolute()
    lean, *rich = sorted(study.recipes, key=lambda recipe: recipe.cb)

    def composition(recipe: Recipe, seed: int) -> Task:
        name = f"seed{seed}-{str(recipe).replace(':', '-')}"
        return Task(name, seed, partial(composition_task, study, seed, recipe, patches, structures))

    short = [*(composition(lean, seed) for seed in seeds), Task("contact", 0, partial(contact_task, study))]
    thresholds = [Task(f"seed{seed}-thresholds", seed, partial(threshold_task, study, seed)) for seed in seeds]
    return short + thresholds + [composition(recipe, seed) for recipe in reversed(rich) for seed in seeds]


def write_results(study: Study, ledger: Ledger, tasks: list[Task]) -> Results:
    """Gather the kept results and write the tables, the record and the figures."""
    from studies.series.series_figures import draw_figures

    folder, frame = ledger.folder, tidy(values_by_seed(ledger, tasks))
    summary = summarise(frame)
    table = comparison(study, summary)
    for name, content in (("values", frame), ("summary", summary), ("table", table)):
        with whole_file(folder / f"{name}.csv") as path:
            content.to_csv(path, index=False, lineterminator="\n")
    known = summary.astype(object).where(summary.notna() & ~summary.isin([math.inf]), None)  # JSON has no NaN
    write_json(folder / "results.json", record(study) | {"summary": known.to_dict("records")})
    draw_figures(study, summary, folder)
    with whole_file(folder / "table.md") as path:
        path.write_text(markdown_table(table), "utf-8")
    return Results(study, frame, summary, table, folder)


def values_by_seed(ledger: Ledger, tasks: list[Task]) -> dict[int, list[Value]]:
    """All results of a study."""
    values: dict[int, list[Value]] = {}
    for task, found in ledger.results(tasks):
        values.setdefault(task.seed, []).extend(found)
    return values


def record(study: Study) -> dict[str, object]:
    """What a result must carry: the settings, the seeds, the constants with their sources, the versions."""
    constants = {name: asdict(constant) for name, constant in study.constants.constants.items()}
    return {
        "title": study.title,
        "settings": study.model_dump(mode="json"),
        "seeds": [{"entropy": study.ensemble.seed, "spawn_key": [seed]} for seed in range(study.ensemble.seeds)],
        "materials": {"names": dict(study.constants.names), "constants": constants},
        "versions": versions(),
        "interval": "95 % of the mean over the seeds, Student's t: scatter between structures, no error of the model",
    }
