"""Kernels over a range of indices, shared among threads: the same answer for any number of them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import Any

import numba

PIECES = 4  # for each thread, so that one with easy pieces takes over some of the others'


def in_threads(kernel: Callable[..., None], count: int, *arrays: Any, least: int = 1) -> None:
    """Run ``kernel(first, last, *arrays)`` over the pieces of ``range(count)``, shared among threads.

    No piece is smaller than `least`; one alone is run by the thread that asks. That thread works too, and waits for
    no thread that has not begun: several may ask at once, also one of the crew.
    """
    threads = thread_count()
    pieces = min(PIECES * threads, count // least)
    if threads == 1 or pieces < 2:
        kernel(0, count, *arrays)
        return
    bounds = itertools.pairwise([count * piece // pieces for piece in range(pieces + 1)])
    left = iter(list(bounds))  # whoever is free takes the next
    helpers = [crew().submit(_work, kernel, left, arrays) for _ in range(min(threads, pieces) - 1)]
    try:
        _work(kernel, left, arrays)
    finally:
        begun = [helper for helper in helpers if not helper.cancel()]
        wait(begun)  # also after an exception: nobody writes into the arrays any more
    for helper in begun:
        helper.result()


def thread_count() -> int:
    """How many threads kernels use: as numba was told, by $NUMBA_NUM_THREADS or for this thread."""
    try:
        numba.threading_layer()
    except ValueError:  # nobody has called set_num_threads; get_num_threads would start threads of numba's own
        return int(numba.config.NUMBA_NUM_THREADS)
    return numba.get_num_threads()


@cache
def crew() -> ThreadPoolExecutor:
    """Threads, kept; a forked process has none of them, and makes its own."""
    return ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS, thread_name_prefix="percoat")


def _work(kernel: Callable[..., None], left: Iterator[tuple[int, int]], arrays: tuple[Any, ...]) -> None:
    try:
        for first, last in left:
            kernel(first, last, *arrays)
    except BaseException:
        for _ in left:  # the others need not begin what is of no use any more
            pass
        raise


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=crew.cache_clear)
