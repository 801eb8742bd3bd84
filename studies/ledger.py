"""A results folder that a run goes on from: one file for each finished task, and a mark of what decides the numbers."""

from __future__ import annotations

import hashlib
import json
import logging
import platform
import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import joblib

from microstructure.errors import StudyError
from microstructure.files import whole_file

LOG = logging.getLogger(__name__)
MARK = "study.sha256"
PACKAGES = ("microstructure", "percolation", "transport", "studies")
LIBRARIES = ("percoat", "numpy", "scipy", "numba")

Bars = Callable[[str], Callable[[int, int], None]]  # given a title, a bar, told how many pieces are done and to do


def no_bars(title: str) -> Callable[[int, int], None]:
    """Progress that nobody sees."""
    return lambda done, total: None


@dataclass(frozen=True)
class Task:
    """One piece of work, named after the file that keeps its result."""

    name: str
    seed: int
    work: Callable[[], list[Any]]


@dataclass(frozen=True)
class Ledger:
    """What is finished of a list of tasks."""

    folder: Path
    fingerprint: str
    row: type[Any] = field(metadata={"what": "the dataclass of which every task returns a list"})

    def complete(
        self, tasks: Sequence[Task], *, workers: int = 1, progress: Callable[[int, int], None] | None = None
    ) -> None:
        """Do every task that has no result yet, in `workers` processes; each result is kept as soon as it is there.

        Raises
        ------
        StudyError
            If the folder holds the results of something else, or `workers` is less than one.
        """
        if workers < 1:
            raise StudyError(f"workers is one or more; got {workers}")
        self._claim()
        open_tasks = [task for task in tasks if self.read(task) is None]
        report, before = progress or (lambda done, total: None), len(tasks) - len(open_tasks)
        report(before, len(tasks))
        try:
            for done, name in enumerate(self._carry_out(open_tasks, workers), before + 1):
                LOG.info("finished %s", name)
                report(done, len(tasks))
        except BaseException:
            self._release()
            raise

    def check(self) -> None:
        """Refuse a folder that holds something else; more seeds may be added to it later, nothing else may differ.

        Raises
        ------
        StudyError
            As `complete` does, but before anything is made.
        """
        folder, path = self.folder, self.folder / MARK
        if path.exists() and path.read_text("utf-8").strip() != self.fingerprint:
            raise StudyError(f"{folder} holds the results of other settings or another version: choose another --out")
        if not path.exists() and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise StudyError(f"{folder} is no empty folder and holds no results of percoat: choose another --out")

    def read(self, task: Task) -> list[Any] | None:
        """The result of a finished task; None if there is none, or it is damaged and has to be made again."""
        try:
            return [self.row(**entry) for entry in json.loads(self.path(task).read_text("utf-8"))["values"]]
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def path(self, task: Task) -> Path:
        """The file that keeps the result of a task."""
        return self.folder / "tasks" / f"{task.name}.json"

    def _carry_out(self, tasks: Sequence[Task], workers: int) -> Iterator[str]:
        # absolute: processes are kept from one call to the next, and stay in the folder that they were started in
        jobs = (joblib.delayed(_keep)(task, self.path(task).absolute()) for task in tasks)
        yield from in_parallel(jobs, workers, as_they_end=True)

    def _claim(self) -> None:
        """Mark the folder."""
        self.check()
        path = self.folder / MARK
        if not path.exists():
            with whole_file(path) as temporary:
                temporary.write_text(self.fingerprint + "\n", "utf-8")

    def _release(self) -> None:
        """Take the mark back if nothing was finished: corrected settings may then use the folder."""
        if not any((self.folder / "tasks").glob("*.json")):
            shutil.rmtree(self.folder / "structures", ignore_errors=True)
            shutil.rmtree(self.folder / "tasks", ignore_errors=True)
            (self.folder / MARK).unlink(missing_ok=True)
            if not any(self.folder.iterdir()):
                self.folder.rmdir()


def in_parallel(jobs: Iterable[Any], workers: int, *, as_they_end: bool = False) -> Iterator[Any]:
    """Results of jobs shared among processes, in their order or as they end.

    A process that has grown by a few hundred megabytes is replaced, of which joblib warns: nothing is lost by it.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs", category=UserWarning)
        order = "generator_unordered" if as_they_end else "generator"
        yield from joblib.Parallel(n_jobs=workers, return_as=order)(jobs)


def write_json(path: Path, content: object) -> None:
    """Write a whole file or none."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")


def fingerprint(settings: object, constants: object, *, packages: Sequence[str] = PACKAGES) -> str:
    """Of all that decides the numbers: settings, constants, versions, and the source of percoat's packages."""
    digest = hashlib.sha256(json.dumps([settings, versions()], sort_keys=True).encode())
    digest.update(repr(constants).encode())
    for package in packages:
        for file in sorted(Path(str(resources.files(package))).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Of Python and of the libraries that can move a number."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in LIBRARIES}


def _keep(task: Task, path: Path) -> str:
    write_json(path, {"values": [asdict(value) for value in task.work()]})
    return task.name
