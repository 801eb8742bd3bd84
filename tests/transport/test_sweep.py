"""Sweeps over conductivities, and solves that start from another potential: cheaper, with the same answers."""

from __future__ import annotations

import numpy as np
import pytest

from transport import effective_conductivity, sweep, sweep_conductivities
from transport.solvers import multigrid

CELL, PLATES = (True, True, True), (False, True, True)


def three_phases(edge, seed=0):
    return np.random.default_rng(seed).choice(3, (edge,) * 3, p=(0.3, 0.6, 0.1)).astype(np.uint8)


@pytest.mark.parametrize("periodic", [CELL, PLATES])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_sweep_finds_what_single_solves_find(axis, periodic):
    labels = three_phases(14, axis)
    sets = [{0: 0.0, 1: 1.0, 2: value} for value in (0.0, 1.0, 2.0, 500.0, 1e-6)]
    found = sweep_conductivities(labels, sets, 1e-7, axis, periodic, tolerance=1e-8)
    for result, values in zip(found, sets, strict=True):
        alone = effective_conductivity(labels, values, 1e-7, axis, periodic, tolerance=1e-8)
        assert result.converged
        assert result.value == pytest.approx(alone.value, rel=2e-8)
        assert result.bracket.lower <= alone.bracket.upper * (1 + 1e-13)
        assert alone.bracket.lower <= result.bracket.upper * (1 + 1e-13)
        assert result.potential is None


def test_close_sets_keep_the_multigrid_and_need_fewer_steps(monkeypatch):
    made = []

    class Counted(multigrid.Multigrid):
        def __init__(self, finest):
            made.append(finest)
            super().__init__(finest)

    monkeypatch.setattr(sweep, "Multigrid", Counted)
    labels = three_phases(24)
    for least, share in ((1e-3, 0.8), (1e-6, 0.6)):
        made.clear()
        sets = [{0: least * change, 1: 1.0, 2: 10.0} for change in (1.0, 1.1, 1.2, 100.0)]
        found = sweep_conductivities(labels, sets, 1e-7)
        assert len(made) == 2
        alone = [effective_conductivity(labels, values, 1e-7).iterations for values in sets]
        assert all(result.iterations < share * single for result, single in zip(found[1:3], alone[1:3], strict=True))


def test_a_set_at_fault_is_found_before_the_first_solve(monkeypatch):
    monkeypatch.setattr(sweep, "solve_axis", lambda *_, **__: pytest.fail("solved"))
    labels = three_phases(4)
    for wrong in ({0: 1.0, 1: 1.0}, {0: 1.0, 1: 1.0, 2: -1.0}, {0: 1.0, 1: 1.0, 2: float("nan")}):
        with pytest.raises(ValueError, match="conductivity"):
            sweep_conductivities(labels, [{0: 1.0, 1: 1.0, 2: 1.0}, wrong], 1.0)
    with pytest.raises(TypeError, match="list of sets"):
        sweep_conductivities(labels, {0: 1.0, 1: 1.0, 2: 1.0}, 1.0)


@pytest.mark.parametrize("values", [{0: 0.0, 1: 1.0, 2: 50.0}, {0: 1e-7, 1: 1e-3, 2: 1.0}, {0: 1.0, 1: 0.0, 2: 1e4}])
@pytest.mark.parametrize("periodic", [CELL, PLATES])
def test_a_start_changes_the_steps_and_not_the_answer(periodic, values):
    labels = three_phases(20)
    before = effective_conductivity(labels, values, 1.0, 0, periodic, keep_potential=True)
    again = effective_conductivity(labels, values, 1.0, 0, periodic, start=before.potential)
    assert again.iterations == 0
    assert again.value == pytest.approx(before.value, rel=1e-6)
    more = labels.copy()
    more[(labels == 1) & (np.random.default_rng(1).random(labels.shape) < 0.002)] = 2  # a little more carbon
    cold = effective_conductivity(more, values, 1.0, 0, periodic)
    warm = effective_conductivity(more, values, 1.0, 0, periodic, start=before.potential)
    assert warm.iterations < cold.iterations
    assert warm.value == pytest.approx(cold.value, rel=1e-6)
    nonsense = effective_conductivity(more, values, 1.0, 0, periodic, start=np.full(labels.shape, np.nan))
    assert nonsense.value == pytest.approx(cold.value, rel=1e-6)


def test_what_is_no_potential_is_refused():
    with pytest.raises(ValueError, match="shape of labels"):
        effective_conductivity(three_phases(4), {0: 1.0, 1: 1.0, 2: 1.0}, 1.0, start=np.zeros((4, 4, 5)))
    with pytest.raises(ValueError, match="1 V across the image; got 0 to 1e"):
        effective_conductivity(three_phases(4), {0: 1.0, 1: 1.0, 2: 1.0}, 1.0, start=np.full((4, 4, 4), 1e300))
    with pytest.raises(TypeError, match="potential in V"):
        effective_conductivity(three_phases(4), {0: 1.0, 1: 1.0, 2: 1.0}, 1.0, start=np.full((4, 4, 4), "x"))
