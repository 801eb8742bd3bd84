"""The voxel solver against a dense twin that goes face by face."""

from __future__ import annotations

import numpy as np
import pytest

from percolation import find_spanning
from transport import effective_conductivity, sweep_conductivities

CELL = (True, True, True)
PLATES = (False, True, True)
WALLS = (False, False, False)
AXES = (0, 1, 2)


def random_medium(shape, seed, fractions=(0.4, 0.3, 0.3)):
    return np.random.default_rng(seed).choice(len(fractions), size=shape, p=fractions).astype(np.uint8)


def dense_twin(labels, conductivity, voxel_size, axis, periodic, interface_resistance=None):
    """The same finite volumes, one voxel at a time, with a dense matrix and least squares; axis-parallel faces only."""
    size, h = labels.shape, np.ones(3) * voxel_size
    number = np.arange(labels.size).reshape(size)
    matrix, drive, wires = np.zeros((labels.size, labels.size)), np.zeros(labels.size), []
    for place in np.ndindex(*size):
        for d in range(3):
            area = np.prod(h) / h[d]
            k = conductivity[int(labels[place])]
            nearby = list(place)
            nearby[d] = (place[d] + 1) % size[d]
            last = place[d] == size[d] - 1
            if (not last or periodic[d]) and k > 0:
                other = conductivity[int(labels[tuple(nearby)])]
                pair = tuple(sorted((int(labels[place]), int(labels[tuple(nearby)]))))
                if other > 0:
                    resistance = h[d] / (2 * k) + h[d] / (2 * other) + (interface_resistance or {}).get(pair, 0.0)
                    wires.append((number[place], number[tuple(nearby)], area / resistance, float(last and d == axis)))
            if d == axis and not periodic[d] and k > 0:
                if place[d] == 0:
                    wires.append((-1, number[place], 2 * k * area / h[d], 1.0))
                if last:
                    wires.append((number[place], -1, 2 * k * area / h[d], 0.0))
    for a, b, g, jump in wires:
        for node, sign in ((a, 1.0), (b, -1.0)):
            if node >= 0:
                drive[node] -= sign * g * jump
                for other, mark in ((a, 1.0), (b, -1.0)):
                    if other >= 0:
                        matrix[node, other] += sign * mark * g
    voltage = np.append(np.linalg.lstsq(matrix, drive, rcond=1e-13)[0], 0.0)
    power = sum(g * (voltage[a] - voltage[b] + jump) ** 2 for a, b, g, jump in wires)
    length = size[axis] * h[axis]
    return power * length**2 / (np.prod(h) * labels.size)


def test_images_of_every_shape_agree_with_the_dense_twin():
    rng = np.random.default_rng(11)
    for _ in range(150):
        shape = tuple(rng.integers(1, 6, 3).tolist())
        phases = int(rng.integers(1, 4))
        labels = np.asarray(rng.integers(0, phases, shape, dtype=np.uint8), order=rng.choice(["C", "F"]))
        values = {phase: float(rng.choice([0.0, 1e-3, 1.0, 7.0])) for phase in range(phases)}
        axis, periodic = int(rng.integers(3)), tuple((rng.random(3) < 0.5).tolist())
        expected = dense_twin(labels, values, 1.0, axis, periodic)
        found = effective_conductivity(labels, values, 1.0, axis, periodic).value
        assert found == pytest.approx(expected, rel=1e-7, abs=1e-9), (shape, values, axis, periodic)


@pytest.mark.parametrize("periodic", [CELL, PLATES, (False, True, False), WALLS])
@pytest.mark.parametrize("axis", AXES)
def test_dense_twin(axis, periodic):
    labels = random_medium((4, 5, 3), 10 + axis)
    for values in ({0: 1.0, 1: 20.0, 2: 0.0}, {0: 1e-3, 1: 0.0, 2: 5.0}, {0: 1.0, 1: 2.0, 2: 100.0}):
        result = effective_conductivity(labels, values, (1.0, 2.0, 0.5), axis, periodic)
        expected = dense_twin(labels, values, (1.0, 2.0, 0.5), axis, periodic)
        assert result.value == pytest.approx(expected, rel=1e-8, abs=1e-14)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("seed", range(2))
def test_an_array_of_which_nothing_is_said_has_plates_and_closed_sides(axis, seed):
    labels, values = random_medium((4, 6, 5), 10 * seed + axis, (0.5, 0.3, 0.2)), {0: 0.0, 1: 1.0, 2: 30.0}
    expected = dense_twin(labels, values, 1.0, axis, WALLS)
    found = effective_conductivity(labels, values, 1.0, axis)
    (swept,) = sweep_conductivities(labels, [values], 1.0, axis)
    assert found.value == pytest.approx(expected, rel=1e-8, abs=1e-14)
    assert swept.value == pytest.approx(expected, rel=1e-8, abs=1e-14)
    assert find_spanning(labels > 0, axis=axis).spans == found.percolates
    joined = dense_twin(labels, values, 1.0, axis, [other != axis for other in AXES])
    assert joined > 1.001 * found.value  # the control: joined sides are seen
