"""Conduction takes the memory that it says it takes."""

from __future__ import annotations

import tracemalloc
from functools import partial

import numpy as np
import psutil
import pytest

from benchmarks.images import CONDUCTIVITIES, PERIODIC
from benchmarks.images import labels as benchmark_labels
from benchmarks.processes import measured
from transport import effective_conductivity, estimate_memory, sweep_conductivities
from transport.sweep import KEPT


@pytest.mark.parametrize("resisting", [False, True])
@pytest.mark.parametrize("matrix", [0.0, 1e-7])
def test_arrays_of_a_solve_stay_below_the_estimate(resisting, matrix):
    rng = np.random.default_rng(1)
    labels = np.kron(rng.choice(3, (24,) * 3, p=(0.3, 0.5, 0.2)), np.ones((4, 4, 4))).astype(np.uint8)
    blocks = np.kron(np.arange(12**3).reshape((12,) * 3), np.ones((8, 8, 8))).astype(np.int32)
    contacts = {(1, 1): 1e-7, (1, 2): 1e-7} if resisting else None
    values = {0: matrix, 1: 1.0, 2: 1e-3}
    conducting = 1.0 if matrix else float(np.mean(labels > 0))
    effective_conductivity(labels[:8], values, 1e-7, 1, (True,) * 3, contacts, blocks[:8])  # compiles
    tracemalloc.start()
    try:
        effective_conductivity(labels, values, 1e-7, 1, (True,) * 3, contacts, blocks)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 30 * labels.size < peak < estimate_memory(labels.shape, conducting)


EDGE = 128


def solve(edge):
    labels = benchmark_labels("three phases", edge)
    return effective_conductivity(labels, CONDUCTIVITIES["three phases"], 1.0, periodic=PERIODIC).iterations


def sweep(edge):
    labels, sigma = benchmark_labels("three phases", edge), CONDUCTIVITIES["three phases"]
    swept = sweep_conductivities(labels, [sigma, {**sigma, 0: 1.3e-7}], 1.0, periodic=PERIODIC)
    return [found.iterations for found in swept]


def warm(work, edge):
    work(24)
    benchmark_labels("three phases", edge)


@pytest.mark.parametrize(("work", "kept"), [(solve, 0.0), (sweep, KEPT)])
def test_a_process_takes_no_more_than_it_asked_for(work, kept):
    """Seen from outside: what threads and compiled loops take, too. Without the fixed part at most 80 bytes a voxel."""
    run = measured(partial(work, EDGE), partial(warm, work, EDGE))
    asked = estimate_memory((EDGE,) * 3) + kept * EDGE**3
    assert 0.5 * asked < 1e6 * run.memory < asked


def test_what_is_kept_is_asked_for(monkeypatch):
    labels = np.ones((40, 40, 40), np.uint8)
    free = psutil.virtual_memory()._replace(available=int(estimate_memory(labels.shape) + 10 * labels.size))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    effective_conductivity(labels, {1: 1.0}, 1.0, keep_potential=True)
    for more in ({"keep_current": True}, {"keep_current": True, "keep_potential": True}):
        with pytest.raises(MemoryError, match="would fit"):
            effective_conductivity(labels, {1: 1.0}, 1.0, **more)
    with pytest.raises(MemoryError, match="would fit"):
        sweep_conductivities(labels, [{1: 1.0}, {1: 2.0}], 1.0)
