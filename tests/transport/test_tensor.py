"""The tensor of a periodic cell: symmetric, consistent with single axes, and right for layers at an angle."""

from __future__ import annotations

import numpy as np
import pytest

from transport import conductivity_tensor, effective_conductivity

CELL = (True, True, True)


def test_layers_give_a_diagonal_tensor():
    labels = np.zeros((4, 6, 3), np.uint8)
    labels[:, ::2] = 1
    tensor = conductivity_tensor(labels, {0: 1.0, 1: 3.0}, (1e-7, 2e-7, 3e-7))
    np.testing.assert_allclose(tensor.values, np.diag([2.0, 1.5, 2.0]), atol=1e-9)
    assert tensor.principal == pytest.approx((1.5, 2.0, 2.0), rel=1e-8)
    assert tensor.percolates == (True, True, True)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_random_media_are_symmetric_and_agree_with_single_axes(seed):
    labels = np.random.default_rng(seed).integers(0, 3, (7, 9, 8))
    values = {0: 0.0, 1: 1.0, 2: 50.0}
    tensor = conductivity_tensor(labels, values, (1.0, 0.7, 2.0))
    assert tensor.asymmetry < 1e-7
    assert np.abs(tensor.values - np.diag(np.diag(tensor.values))).max() > 1e-3  # the off-diagonals are really there
    assert tensor.principal[0] > 0.0
    for axis in range(3):
        single = effective_conductivity(labels, values, (1.0, 0.7, 2.0), axis, CELL)
        assert tensor.values[axis, axis] == single.value
        assert tensor.axes[axis].residuals == single.residuals


def test_turned_image_turns_the_tensor():
    labels = np.random.default_rng(5).integers(0, 2, (6, 7, 8))
    order = (2, 0, 1)
    plain = conductivity_tensor(labels, {0: 1.0, 1: 20.0}, 1.0)
    turned = conductivity_tensor(labels.transpose(order), {0: 1.0, 1: 20.0}, 1.0)
    np.testing.assert_allclose(turned.values, plain.values[np.ix_(order, order)], rtol=1e-6, atol=1e-7)


def test_layers_at_45_degrees():
    n = 32
    x, y, _ = np.indices((2 * n, 2 * n, 1))
    tensor = conductivity_tensor(((x + y) // n) % 2, {0: 1.0, 1: 3.0}, 1.0)
    np.testing.assert_allclose(tensor.values[:2, :2], [[1.75, -0.25], [-0.25, 1.75]], atol=0.01)
    assert tensor.principal == pytest.approx((1.5, 2.0, 2.0), rel=0.01)


def test_no_wrapping_cluster_is_exactly_zero():
    labels = np.zeros((5, 5, 5), np.uint8)
    labels[2, 2, :] = 1
    tensor = conductivity_tensor(labels, {0: 0.0, 1: 1.0}, 1.0)
    assert tensor.percolates == (False, False, True)
    assert tensor.values[2, 2] == pytest.approx(0.04, rel=1e-9)
    assert np.count_nonzero(tensor.values[:, :2]) == 0


def test_blocks_reach_the_tensor():
    labels = np.ones((4, 4, 4), int)
    blocks = np.indices(labels.shape)[2] // 2
    tensor = conductivity_tensor(labels, {1: 1.0}, 1.0, {(1, 1): 2.0}, blocks)
    np.testing.assert_allclose(np.diag(tensor.values), [1.0, 1.0, 0.5], rtol=1e-9)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="label 0 has no conductivity"):
        conductivity_tensor(np.zeros((2, 2, 2), int), {1: 1.0}, 1.0)
    with pytest.raises(TypeError, match="strict must be True or False, got 1"):
        conductivity_tensor(np.zeros((2, 2, 2), int), {0: 1.0}, 1.0, strict=1)


@pytest.mark.parametrize("door", [conductivity_tensor, effective_conductivity])
def test_a_voxel_size_of_ragged_rows_is_refused(door):
    for wrong in ([1.0, [1.0, 2.0]], [[1.0], [1.0, 2.0]], "1 um", [1.0, None, 1.0]):
        with pytest.raises(TypeError, match="voxel_size must be a number or three numbers in m"):
            door(np.zeros((2, 2, 2), int), {0: 1.0}, wrong)


def test_tensor_prints_itself():
    assert "principal" in str(conductivity_tensor(np.zeros((2, 2, 2), int), {0: 1.0}, 1.0))
