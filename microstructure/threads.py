"""Kernels that numba shares among threads, called from several Python threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numba

TURN = threading.RLock()
SAFE = ("omp", "tbb")  # threading layers that several Python threads can use at once


def in_turn(kernel: Callable[..., Any], *arrays: Any) -> None:
    """Run a parallel kernel, after those of other Python threads where two at once would end the process.

    Numba's layer "workqueue", the only one where neither OpenMP nor TBB is there, or chosen by
    $NUMBA_THREADING_LAYER, aborts. OpenMP comes with numba for Linux and Windows.
    """
    if _safe():
        kernel(*arrays)
        return
    with TURN:
        kernel(*arrays)


def _safe() -> bool:
    try:
        return numba.threading_layer() in SAFE
    except ValueError:  # not chosen before the first parallel kernel
        return False
