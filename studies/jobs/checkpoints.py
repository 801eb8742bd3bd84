"""A results folder that a run goes on from: one file for each finished task, and a mark of what decides the numbers."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import platform
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import joblib

from microstructure.errors import StudyError, WorkerError
from microstructure.files import whole_file
from studies.jobs.sources import source_digest
from studies.jobs.workers import in_parallel

LOG = logging.getLogger(__name__)
MARK = "study.sha256"
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
    cache: bool = field(default=False, metadata={"what": "whether percoat chose the folder, named after the mark"})

    def complete(
        self, tasks: Sequence[Task], *, workers: int = 1, progress: Callable[[int, int], None] | None = None
    ) -> None:
        """Do every task that has no result yet, in `workers` processes; each result is kept as soon as it is there.

        Raises
        ------
        StudyError
            If the folder holds the results of something else or cannot be one, or `workers` is less than one.
        WorkerError
            If a process is killed: what is finished is kept.
        """
        if workers < 1:
            raise StudyError(f"workers is one or more; got {workers}")
        self.check()
        open_tasks = [task for task in tasks if self.read(task) is None]
        report, done = progress or (lambda done, total: None), len(tasks) - len(open_tasks)
        report(done, len(tasks))
        if not open_tasks:
            return
        self._mark()
        try:
            for name in self._carry_out(open_tasks, workers):
                done += 1
                LOG.info("finished %s", name)
                report(done, len(tasks))
        except WorkerError as error:
            self._release()
            kept = f"{done} of {len(tasks)} tasks are kept in {self.folder}, the same command goes on from there"
            raise WorkerError(f"{error}; {kept}") from None
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
        folder = self.folder
        above = next(one for one in (folder, *folder.absolute().parents) if one.exists())
        if not above.is_dir():
            raise self._refusal("is a file" if above == folder else f"would lie in {above}, which is a file")
        if (folder / "tasks").exists() and not (folder / "tasks").is_dir():
            raise self._refusal("holds a file called tasks, where results would be kept")
        if self.cache:
            return  # each result says itself where it comes from
        if not os.access(above, os.W_OK):
            raise self._refusal(f"cannot be written: {above} is read-only")
        if folder.exists():
            self._check_mark()

    def _check_mark(self) -> None:
        try:
            marked = (self.folder / MARK).read_text("utf-8").strip()
        except FileNotFoundError:
            if not all(_is_leftover(path) for path in self.folder.iterdir()):
                raise self._refusal("is no empty folder and holds no results of percoat") from None
        except (OSError, UnicodeDecodeError):
            raise self._refusal(f"holds a {MARK} that cannot be read") from None
        else:
            if marked != self.fingerprint:
                raise self._refusal("holds the results of other settings or another version")

    def _refusal(self, why: str) -> StudyError:
        if self.cache:
            return StudyError(f"the patch cache {self.folder} {why}: name another folder in $PERCOAT_CACHE")
        return StudyError(f"{self.folder} {why}: choose another --out")

    def read(self, task: Task) -> list[Any] | None:
        """The result of a finished task; None if there is none, or it is damaged and has to be made again."""
        path = self.path(task)
        try:
            kept = json.loads(path.read_text("utf-8"))
            if kept["sha256"] != checksum(self.fingerprint, task.name, kept["values"]):
                raise ValueError("its values are not those that were written")
            return [self.row(**entry) for entry in kept["values"]]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            LOG.warning("%s is damaged and is made again", path)
            return None

    def results(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, list[Any]]]:
        """Every task with its result.

        Raises
        ------
        StudyError
            If one has none: what is missing is never left out.
        """
        for task in tasks:
            rows = self.read(task)
            if rows is None:
                raise StudyError(f"{self.path(task)} was written and cannot be read again: is {self.folder} in use?")
            yield task, rows

    def path(self, task: Task) -> Path:
        """The file that keeps the result of a task."""
        return self.folder / "tasks" / f"{task.name}.json"

    def _carry_out(self, tasks: Sequence[Task], workers: int) -> Iterator[str]:
        # absolute: processes are kept from one call to the next, and stay in the folder that they were started in
        jobs = (joblib.delayed(_keep)(task, self.path(task).absolute(), self.fingerprint) for task in tasks)
        yield from in_parallel(jobs, workers, as_they_end=True)

    def _mark(self) -> None:
        """Say whose results the folder holds."""
        try:
            with whole_file(self.folder / MARK) as temporary:
                temporary.write_text(self.fingerprint + "\n", "utf-8")
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise self._refusal(f"cannot be written ({error.strerror})") from None

    def _release(self) -> None:
        """Take the mark back if nothing was finished: corrected settings may then use the folder."""
        if self.cache or any((self.folder / "tasks").glob("[!.]*.json")):
            return
        shutil.rmtree(self.folder / "structures", ignore_errors=True)
        shutil.rmtree(self.folder / "tasks", ignore_errors=True)
        (self.folder / MARK).unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def checksum(fingerprint: str, name: str, values: object) -> str:
    """Of what a task wrote, and of where it comes from: SHA-256 of canonical JSON."""
    return hashlib.sha256(json.dumps([fingerprint, name, values], sort_keys=True).encode()).hexdigest()


def _is_leftover(path: Path) -> bool:
    """Whether a file is a mark that was being written when its process was killed."""
    stem, suffix = os.path.splitext(MARK)
    return path.name.startswith(f".{stem}.") and path.suffix == suffix


def write_json(path: Path, content: object) -> None:
    """Write a whole file or none."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")


def fingerprint(settings: object, constants: object, modules: Sequence[str]) -> str:
    """Of all that decides the numbers: settings, constants, versions, and the code of the tasks' modules.

    Parameters
    ----------
    settings : object
        Anything that JSON holds.
    constants : object
        By its repr.
    modules : sequence of str
        Where the tasks' functions are; what they import from the project counts as well.
    """
    digest = hashlib.sha256(json.dumps([settings, versions()], sort_keys=True).encode())
    digest.update(repr(constants).encode())
    digest.update(source_digest(modules).encode())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Of Python and of the libraries that can move a number."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in LIBRARIES}


def _keep(task: Task, path: Path, fingerprint: str) -> str:
    values = [asdict(value) for value in task.work()]
    write_json(path, {"sha256": checksum(fingerprint, task.name, values), "values": values})
    return task.name
