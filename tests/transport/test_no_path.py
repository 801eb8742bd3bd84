"""Where no path leads through: exactly zero, and what does not carry is left out."""

from __future__ import annotations

import numpy as np
import pytest

from transport import effective_conductivity

CELL = (True, True, True)
PLATES = (False, True, True)
WALLS = (False, False, False)
AXES = (0, 1, 2)


@pytest.mark.parametrize("axis", AXES)
def test_no_path_is_exactly_zero(axis):
    labels = np.moveaxis(np.zeros((6, 5, 4), np.uint8), 0, axis)
    cut = [slice(None)] * 3
    cut[axis] = 3
    labels = labels.copy()
    labels[tuple(cut)] = 1
    for periodic in (CELL, PLATES, WALLS):
        result = effective_conductivity(labels, {0: 1.0, 1: 0.0}, 1.0, axis, periodic)
        assert result.value == 0.0
        assert not result.percolates
        assert result.converged
        assert result.iterations == 0
        assert result.residuals == ()
        assert result.plane_flux.tolist() == [0.0] * len(result.plane_flux)


def test_edge_contact_is_no_path():
    labels = np.zeros((2, 2, 1), np.uint8)
    labels[0, 0] = labels[1, 1] = 1
    assert effective_conductivity(labels, {0: 0.0, 1: 1.0}, 1.0, 0, WALLS).value == 0.0


def test_spanning_is_not_wrapping():
    labels = np.zeros((4, 4, 1), np.uint8)
    labels[0:2, 0] = labels[1, 1] = labels[1:4, 1] = 1  # a staircase from plate to plate that does not meet its image
    assert effective_conductivity(labels, {0: 0.0, 1: 1.0}, 1.0, 0, (False, False, False)).value > 0.0
    assert effective_conductivity(labels, {0: 0.0, 1: 1.0}, 1.0, 0, (True, False, False)).value == 0.0


def test_helix_wraps_along_two_axes_at_once():
    n = 6
    labels = np.zeros((n, n, 1), np.uint8)
    steps = np.arange(n)
    labels[steps, steps] = labels[steps, (steps + 1) % n] = 1  # one strand, a voxel per step: wraps along (1, 1)
    for axis in (0, 1):
        value = effective_conductivity(labels, {0: 0.0, 1: 1.0}, 1.0, axis, CELL).value
        assert value == pytest.approx(1.0 / (2 * n) * 1.0, rel=1e-9)  # 2 n resistors in series, over n x 1 faces


def test_dead_clusters_are_left_out_of_the_potential():
    labels = np.zeros((6, 5, 1), np.uint8)
    labels[:, 0] = 1
    labels[0:3, 2] = 1  # hangs on the first plate alone
    labels[4, 4] = 1
    result = effective_conductivity(labels, {0: 0.0, 1: 2.0}, 1.0, 0, WALLS, keep_potential=True)
    assert result.value == pytest.approx(0.4, rel=1e-12)
    assert np.isnan(result.potential[:, 1:]).all()
    np.testing.assert_allclose(result.potential[:, 0, 0], 1.0 - (np.arange(6) + 0.5) / 6, rtol=1e-9)


def test_strands_that_do_not_touch_each_have_their_own_zero():
    labels = np.zeros((4, 7, 1), np.uint8)
    labels[:, 1], labels[:, 3], labels[:, 5] = 1, 2, 1
    labels[0, 3:6:2] = 3
    result = effective_conductivity(labels, {0: 0.0, 1: 1.0, 2: 10.0, 3: 2.0}, 1.0, 0, CELL, keep_potential=True)
    assert result.value == pytest.approx((1.0 + 4.0 / 0.8 + 4.0 / 3.5) / 7.0, rel=1e-12)
    assert np.sum(result.potential == 0.0, axis=(0, 2)).tolist() == [0, 1, 0, 1, 0, 1, 0]
