"""Conduction takes the memory that it says it takes."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from transport import effective_conductivity, estimate_memory


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
