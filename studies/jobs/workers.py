"""Work shared among processes that end with the one that started them."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import joblib
import psutil

from microstructure.errors import WorkerError

LOG = logging.getLogger(__name__)
A_PROCESSOR = 4  # processes at most: more of them only take memory
LOOK = 1.0  # s between two looks at the process that started this one


def in_parallel(jobs: Iterable[Any], workers: int, *, as_they_end: bool = False) -> Iterator[Any]:
    """Results of jobs shared among processes, in their order or as they end.

    No more processes than jobs are started, nor more than `A_PROCESSOR` for each processor. A process that has grown
    by a few hundred megabytes is replaced, of which joblib warns: nothing is lost by it.

    Raises
    ------
    WorkerError
        If a process is killed.
    """
    work = list(jobs)
    count = process_count(workers, len(work))
    order = "generator_unordered" if as_they_end else "generator"
    watch = {"initializer": end_with, "initargs": (os.getpid(),)}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs", category=UserWarning)
        try:
            yield from joblib.Parallel(n_jobs=count, return_as=order, **watch)(work)
        except BrokenProcessPool as error:
            told = re.search(r"exit codes of the workers are \{(.*?)\}", str(error))
            how = f" ({told[1]})" if told else ""
            raise WorkerError(
                f"a worker process was killed{how}, most often because memory ran out: try again with fewer workers"
            ) from None


def process_count(workers: int, jobs: int) -> int:
    """Processes that are started for so many jobs where `workers` are asked for."""
    processors = joblib.cpu_count()
    most = A_PROCESSOR * processors
    if min(workers, jobs) > most:
        LOG.warning("%d workers are asked for, %d are started: %d for each processor", workers, most, A_PROCESSOR)
    return max(min(workers, jobs, most), 1)


def end_with(parent: int) -> None:
    """Let this process end within seconds once the one that started it is gone, killed perhaps."""
    threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    # not PR_SET_PDEATHSIG: it tells of the end of the thread that started this process, not of its process
    while os.getppid() == parent and psutil.pid_exists(parent):
        time.sleep(LOOK)
    os._exit(1)
