"""Thin images are turned before they are solved: nothing of it shows in what is found."""

from __future__ import annotations

import numpy as np
import pytest

from transport import conduction, conductivity_tensor, effective_conductivity, sweep_conductivities

VALUES = {0: 1e-3, 1: 1.0, 2: 0.1}
SIZES = (1e-7, 2e-7, 3e-7)


def image(shape):
    rng = np.random.default_rng(sum(shape))
    return rng.choice(3, shape, p=(0.2, 0.4, 0.4)).astype(np.uint8), rng.integers(0, 4, shape)


@pytest.mark.parametrize("shape", [(12, 7, 3), (5, 12, 2), (9, 8, 1), (1, 9, 2), (30, 1, 1)])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("periodic", [(False, False, False), (True, True, True), (False, True, False)])
def test_a_thin_image_says_the_same_whichever_way_it_is_solved(shape, axis, periodic, monkeypatch):
    labels, blocks = image(shape)
    given = (labels, VALUES, SIZES, axis, periodic, {(1, 1): 1e-7, (0, 1): 1e-6}, blocks)
    kept = {"keep_potential": True, "keep_current": True, "tolerance": 1e-10}
    assert conduction._line_order(shape) != (0, 1, 2)
    turned = effective_conductivity(*given, **kept, start=np.linspace(0, 1, labels.size).reshape(shape))
    monkeypatch.setattr(conduction, "_line_order", lambda shape: (0, 1, 2))
    plain = effective_conductivity(*given, **kept)
    assert turned.axis == plain.axis == axis
    assert turned.value == pytest.approx(plain.value, rel=1e-9)
    assert turned.potential.shape == shape
    assert turned.current_density.shape == (*shape, 3)
    for name in ("mean_flux", "plane_flux", "potential", "current_density"):
        found, expected = getattr(turned, name), getattr(plain, name)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * np.nanmax(np.abs(expected)) + 1e-9)
    assert turned.current_shares == pytest.approx(plain.current_shares)
    assert turned.connected == plain.connected


def test_tensors_and_sweeps_of_thin_images(monkeypatch):
    labels, _ = image((16, 9, 3))
    sets = [VALUES, {**VALUES, 0: 2e-3}]

    def found():
        swept = sweep_conductivities(labels, sets, SIZES, 1, tolerance=1e-9)
        return [conductivity_tensor(labels, VALUES, SIZES, tolerance=1e-9).values, [one.value for one in swept]]

    turned = found()
    monkeypatch.setattr(conduction, "_line_order", lambda shape: (0, 1, 2))
    for one, other in zip(turned, found(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-8)


def test_only_thin_images_are_turned():
    shapes = [(8, 8, 8), (16, 8, 8), (8, 100, 60), (8, 8, 1), (3, 9, 2), (1, 1, 1)]
    assert [conduction._line_order(shape) for shape in shapes] == [
        (0, 1, 2), (0, 1, 2), (0, 1, 2), (2, 1, 0), (0, 2, 1), (0, 1, 2),
    ]  # fmt: skip
