"""Kernels over blocks of rows, shared among threads: the same answer for any number of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from microstructure.threads import crew, thread_count

ROWS_A_BLOCK, MOST_BLOCKS = 15_000, 32  # of blocks that threads share
SHORT = 500_000  # numbers of a vector, below which one pass over it takes no longer than to wake another thread


def block_count(size: int) -> int:
    """Blocks that so many unknowns are cut into."""
    return int(np.clip(size // ROWS_A_BLOCK, 1, MOST_BLOCKS))


def shared(kernel: Callable[..., None], blocks: int, *arrays: Any) -> None:
    """Run a kernel over all blocks, shared among threads if there are several blocks."""
    threads = min(thread_count(), blocks)
    if threads == 1:
        kernel(0, blocks, blocks, *arrays)
        return
    bounds = [part * blocks // threads for part in range(threads + 1)]
    others = [crew().submit(kernel, a, b, blocks, *arrays) for a, b in itertools.pairwise(bounds[1:])]
    kernel(0, bounds[1], blocks, *arrays)
    for other in others:
        other.result()


def passed(kernel: Callable[..., None], size: int, *arrays: Any) -> None:
    """Run a kernel over vectors of some size: shared among threads if they are long."""
    blocks = block_count(size)
    if size < SHORT:
        kernel(0, blocks, blocks, *arrays)
    else:
        shared(kernel, blocks, *arrays)
