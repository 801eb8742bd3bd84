"""How fast the conductivity approaches known answers as the voxels shrink: by the order that theory gives each case."""

from __future__ import annotations

import math

import numpy as np
import pytest

from transport import effective_conductivity


def observed_orders(errors):
    """Order between each size and the next, twice as fine."""
    return np.log2(np.abs(errors[:-1]) / np.abs(errors[1:]))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_graded_material_is_of_second_order(axis):
    """sigma = f(x) g(y) with walls: current flows straight, and conducts <g> / <1/f> = (4/3) / ln 2."""
    errors = []
    for cells in (8, 16, 32):
        middle = (np.arange(cells) + 0.5) / cells
        f, g = 1.0 + middle, 1.0 + middle**2
        image = np.moveaxis(
            np.arange(cells**2, dtype=np.uint16).reshape(cells, cells, 1), (0, 1, 2), np.roll((0, 1, 2), -axis)
        )
        values = dict(enumerate(np.outer(f, g).ravel().tolist()))
        direction = int(np.roll((0, 1, 2), -axis)[0])
        found = effective_conductivity(image, values, 1.0 / cells, direction, (False,) * 3, tolerance=1e-10)
        errors.append(found.value * math.log(2.0) / (4.0 / 3.0) - 1.0)
    assert observed_orders(np.array(errors)) == pytest.approx(2.0, abs=0.05)
    assert abs(errors[-1]) < 1e-4


def test_a_checkerboard_converges_as_the_singularity_of_its_corners_allows():
    """Keller's sqrt(10). At a corner the potential goes as r^s, s = 4/pi atan(10^-1/2) = 0.390 (1 without contrast);
    the power that a cell there misses goes as its size to 2 s."""
    errors = []
    for half in (16, 32, 64):
        board = np.kron(np.array([[0, 1], [1, 0]], np.uint8), np.ones((half, half), np.uint8))[:, :, None]
        found = effective_conductivity(board, {0: 1.0, 1: 10.0}, 1.0, 0, (True, True, True), tolerance=1e-8)
        errors.append(found.value / math.sqrt(10.0) - 1.0)
    expected = 2.0 * 4.0 / math.pi * math.atan(10.0**-0.5)
    assert observed_orders(np.array(errors)) == pytest.approx(expected, abs=0.04)
    assert np.all(np.array(errors) < 0.0)


def test_staircases_are_of_first_order():
    """Insulating spheres, simple cubic, f = 0.3: 0.6057 at the realised fraction (Zuzovsky & Brenner 1977)."""
    errors = []
    for cells in (16, 32, 64):
        x = (np.arange(cells) + 0.5) / cells - 0.5
        inside = np.add.outer(np.add.outer(x**2, x**2), x**2) < (0.3 * 3.0 / (4.0 * math.pi)) ** (2.0 / 3.0)
        found = effective_conductivity(inside.astype(np.uint8), {0: 1.0, 1: 0.0}, 1.0, 0, (True,) * 3)
        errors.append(found.value / 0.6057 - 1.0)
    assert np.polyfit(np.log2([16, 32, 64]), -np.log2(np.abs(errors)), 1)[0] == pytest.approx(1.0, abs=0.35)
