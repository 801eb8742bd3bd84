"""Run a study: every task once, each result kept as soon as it is there, then tables, figures and a record."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata, resources
from pathlib import Path

import joblib
import pandas as pd

from microstructure.errors import StudyError
from microstructure.files import whole_file
from microstructure.recipe import Recipe
from studies.compare import comparison
from studies.contact_check import contact_task
from studies.study import Study
from studies.tasks import composition_task
from studies.texts import markdown_table
from studies.thresholds import threshold_task
from studies.values import Value, summarise, tidy

LOG = logging.getLogger(__name__)
MARK = "study.sha256"
PACKAGES = ("microstructure", "percolation", "transport", "studies")
LIBRARIES = ("percoat", "numpy", "scipy", "numba", "pyamg")


@dataclass(frozen=True)
class Task:
    """One piece of work, named after the file that keeps its result."""

    name: str
    seed: int
    work: Callable[[], list[Value]]


@dataclass(frozen=True, eq=False)
class Results:
    """What a study found."""

    study: Study
    values: pd.DataFrame
    summary: pd.DataFrame
    table: pd.DataFrame
    folder: Path


def run_study(
    study: Study, folder: Path, *, workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> Results:
    """Run all tasks that have no result in `folder` yet, then write the tables, figures and the record.

    Parameters
    ----------
    study : Study
    folder : Path
        Results folder; a run that was interrupted goes on from what it holds.
    workers : int
        Processes; the results do not depend on it.
    progress : callable, optional
        Called with the number of tasks done and to do.

    Raises
    ------
    StudyError
        If the folder holds the results of another study, or `workers` is less than one.
    """
    if workers < 1:
        raise StudyError(f"workers is one or more; got {workers}")
    _claim(study, folder)
    tasks = plan(study, folder)
    open_tasks = [task for task in tasks if read_kept(folder, task) is None]
    report = progress or (lambda done, total: None)
    report(len(tasks) - len(open_tasks), len(tasks))
    try:
        for done, task in enumerate(_carry_out(open_tasks, folder, workers), len(tasks) - len(open_tasks) + 1):
            LOG.info("finished %s", task)
            report(done, len(tasks))
    except BaseException:
        _release(folder)
        raise
    return write_results(study, folder, tasks)


def plan(study: Study, folder: Path) -> list[Task]:
    """The tasks of a study: short ones first, so that something is kept soon, then the long ones."""
    seeds, structures = range(study.ensemble.seeds), folder / "structures"
    lean, *rich = sorted(study.recipes, key=lambda recipe: recipe.cb)

    def composition(recipe: Recipe, seed: int) -> Task:
        name = f"seed{seed}-{str(recipe).replace(':', '-')}"
        return Task(name, seed, partial(composition_task, study, seed, recipe, structures))

    short = [*(composition(lean, seed) for seed in seeds), Task("contact", 0, partial(contact_task, study))]
    thresholds = [Task(f"seed{seed}-thresholds", seed, partial(threshold_task, study, seed)) for seed in seeds]
    return short + thresholds + [composition(recipe, seed) for recipe in reversed(rich) for seed in seeds]


def write_results(study: Study, folder: Path, tasks: list[Task]) -> Results:
    """Gather the kept results and write the tables, the record and the figures."""
    from studies.figures import draw_figures

    values: dict[int, list[Value]] = {}
    for task in tasks:
        values.setdefault(task.seed, []).extend(read_kept(folder, task) or [])
    frame = tidy(values)
    summary = summarise(frame)
    table = comparison(study, summary)
    for name, content in (("values", frame), ("summary", summary), ("table", table)):
        with whole_file(folder / f"{name}.csv") as path:
            content.to_csv(path, index=False, lineterminator="\n")
    known = summary.astype(object).where(summary.notna() & ~summary.isin([math.inf]), None)  # JSON has no NaN
    _write_json(folder / "results.json", record(study) | {"summary": known.to_dict("records")})
    draw_figures(study, summary, folder)
    with whole_file(folder / "table.md") as path:
        path.write_text(markdown_table(table), "utf-8")
    return Results(study, frame, summary, table, folder)


def record(study: Study) -> dict[str, object]:
    """What a result must carry: the settings, the seeds, the constants with their sources, the versions."""
    constants = {name: asdict(constant) for name, constant in study.constants.constants.items()}
    return {
        "title": study.title,
        "settings": study.model_dump(mode="json"),
        "seeds": [{"entropy": study.ensemble.seed, "spawn_key": [seed]} for seed in range(study.ensemble.seeds)],
        "materials": {"names": dict(study.constants.names), "constants": constants},
        "versions": _versions(),
        "interval": "95 % of the mean over the seeds, Student's t: scatter between structures, no error of the model",
    }


def _carry_out(tasks: list[Task], folder: Path, workers: int) -> Iterator[str]:
    jobs = [joblib.delayed(_keep)(task, _kept(folder, task)) for task in tasks]
    yield from joblib.Parallel(n_jobs=workers, return_as="generator_unordered")(jobs)


def _keep(task: Task, path: Path) -> str:
    _write_json(path, {"values": [asdict(value) for value in task.work()]})
    return task.name


def read_kept(folder: Path, task: Task) -> list[Value] | None:
    """The result of a finished task; None if there is none, or it is damaged and has to be made again."""
    try:
        return [Value(**entry) for entry in json.loads(_kept(folder, task).read_text("utf-8"))["values"]]
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _kept(folder: Path, task: Task) -> Path:
    return folder / "tasks" / f"{task.name}.json"


def _write_json(path: Path, content: object) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")


def fingerprint(study: Study) -> str:
    """Of all that decides the numbers: settings, constants, versions, and percoat's own source."""
    settings = study.model_dump(mode="json")
    settings["ensemble"] = {"seed": study.ensemble.seed}
    for shown in ("measured", "fitted", "title", "materials"):
        settings.pop(shown)
    digest = hashlib.sha256(json.dumps([settings, _versions()], sort_keys=True).encode())
    digest.update(repr(study.constants).encode())
    for package in PACKAGES:
        for file in sorted(Path(str(resources.files(package))).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in LIBRARIES}


def _claim(study: Study, folder: Path) -> None:
    """Mark the folder as this study's; more seeds may be added to it, nothing else may differ."""
    mark, path = fingerprint(study), folder / MARK
    if path.exists() and path.read_text("utf-8").strip() != mark:
        raise StudyError(f"{folder} holds the results of other settings or another version: choose another --out")
    if not path.exists():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise StudyError(f"{folder} is no empty folder and holds no results of percoat: choose another --out")
        with whole_file(path) as temporary:
            temporary.write_text(mark + "\n", "utf-8")


def _release(folder: Path) -> None:
    """Take the mark back if nothing was finished: a corrected study may then use the folder."""
    if not any((folder / "tasks").glob("*.json")):
        shutil.rmtree(folder / "structures", ignore_errors=True)
        shutil.rmtree(folder / "tasks", ignore_errors=True)
        (folder / MARK).unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()
