"""Extrapolation in voxel size, and memory asked before it is taken."""

from __future__ import annotations

import numpy as np
import psutil
import pytest

from transport import conductivity_tensor, effective_conductivity, estimate_memory, extrapolate_voxel_size


@pytest.mark.parametrize("order", [0.5, 1.0, 1.7, 3.0])
def test_a_power_of_the_voxel_size_is_found_again(order):
    sizes = np.array([9e-8, 1e-8, 3e-8])
    found = extrapolate_voxel_size(sizes, 2.5 - 0.01 * (sizes / 1e-8) ** order)
    assert found.value == pytest.approx(2.5, rel=1e-9)
    assert found.order == pytest.approx(order, rel=1e-9)


def test_two_sizes_give_first_order_and_the_correction_as_error():
    found = extrapolate_voxel_size([1e-8, 2e-8], [1.1, 1.2])
    assert (found.value, found.order, found.error) == pytest.approx((1.0, 1.0, 0.1))


def test_the_error_holds_what_a_second_order_term_leaves():
    sizes = np.array([4.0, 2.0, 1.0])
    found = extrapolate_voxel_size(sizes, 1.0 + 0.05 * sizes + 0.01 * sizes**2)
    assert abs(found.value - 1.0) <= found.error


def test_insulating_spheres_extrapolate_to_the_known_value_in_first_order():
    fraction, known = 0.3, 0.6057
    edges, values = (16, 32, 64), []
    for edge in edges:
        line = (np.arange(edge) + 0.5) / edge - 0.5
        square = line[:, None, None] ** 2 + line[:, None] ** 2 + line**2
        radius = (3.0 * fraction / (4.0 * np.pi)) ** (2.0 / 3.0)
        labels = (square > radius).astype(np.uint8)
        values.append(effective_conductivity(labels, {0: 0.0, 1: 1.0}, 1.0 / edge, periodic=(True, True, True)).value)
    found = extrapolate_voxel_size([1.0 / edge for edge in edges], values)
    assert abs(found.value - known) < max(found.error, 0.006)
    assert abs(values[0] - known) > abs(found.value - known)


@pytest.mark.parametrize(
    ("sizes", "values", "message"),
    [
        ([1.0], [1.0], "two or three"),
        ([1.0, 1.0], [1.0, 2.0], "differ"),
        ([1.0, 0.0], [1.0, 2.0], "above zero"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], "equal ratios"),
        ([1.0, 2.0, 4.0], [1.0, 2.0, 1.5], "finer image"),
        ([1.0, 2.0], [np.nan, 2.0], "finite"),
    ],
)
def test_what_cannot_be_extrapolated_is_refused(sizes, values, message):
    with pytest.raises(ValueError, match=message):
        extrapolate_voxel_size(sizes, values)


def test_too_large_an_image_is_refused_before_memory_is_taken(monkeypatch):
    labels = np.zeros((30, 30, 30), np.uint8)
    free = psutil.virtual_memory()._replace(available=int(estimate_memory((14, 14, 15))))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    with pytest.raises(MemoryError, match="14 x 14 x 14 would fit"):
        effective_conductivity(labels, {0: 1.0}, 1.0)
    with pytest.raises(MemoryError, match="would fit"):
        conductivity_tensor(labels, {0: 1.0}, 1.0)


def test_more_voxels_than_can_be_numbered_are_refused():
    with pytest.raises(ValueError, match=r"fewer than 2\^31 voxels, got 2197000000"):
        effective_conductivity(np.broadcast_to(np.uint8(0), (1300, 1300, 1300)), {0: 1.0}, 1.0)
