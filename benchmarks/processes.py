"""Work done in a process of its own, with its seconds and the memory it takes."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

import psutil

Result = TypeVar("Result")

SAMPLING = 0.02  # s, how often the memory is read


@dataclass(frozen=True)
class Measured(Generic[Result]):
    """What came out; the seconds; and the megabytes on top of what the process held before."""

    result: Result
    seconds: float
    memory: float


def measured(work: Callable[[], Result], warm: Callable[[], object]) -> Measured[Result]:
    """One run in a fresh process, its memory watched from outside; `warm` runs first and compiles the same code."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, work, warm))
    process.start()
    theirs.close()  # so that a child that dies is noticed
    try:
        ours.recv()
        watched = psutil.Process(process.pid)
        before = most = watched.memory_info().rss
        ours.send("go")
        while not ours.poll(SAMPLING):
            most = max(most, watched.memory_info().rss)
        seconds, result = ours.recv()
    finally:
        ours.close()  # so that a child that still waits ends
        process.join()
    return Measured(result, seconds, (most - before) / 1e6)


def _work(pipe: Connection, work: Callable[[], object], warm: Callable[[], object]) -> None:
    warm()
    pipe.send("ready")
    pipe.recv()
    begin = time.perf_counter()
    result = work()
    pipe.send((time.perf_counter() - begin, result))
