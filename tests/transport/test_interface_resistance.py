"""Contacts between phases and between blocks: exact where flat, right where curved, and zero where cut."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from transport import effective_conductivity
from transport.voxels._faces import area_factor

CELL = (True, True, True)
PLATES = (False, True, True)
WALLS = (False, False, False)
AXES = (0, 1, 2)


def ball(n, radius, centre=(0.31, 0.17, -0.23)):
    x, y, z = (np.arange(n) + 0.5 - n / 2 - shift for shift in centre)
    return (x[:, None, None] ** 2 + y[None, :, None] ** 2 + z[None, None, :] ** 2 < radius**2).astype(np.uint8)


def interface_area(labels, voxel_size, periodic):
    """Area at which 0 and 1 meet, face by face: a plane of normal n shows |n_d| of its area along each axis d, and
    each of these faces counts |n_d| of its own, A (n1^2 + n2^2 + n3^2) in all."""
    phases, h, none = np.ascontiguousarray(labels, np.uint8), np.ones(3) * voxel_size, np.zeros((1, 1, 1), np.int32)
    total = 0.0
    for axis in AXES:
        differ = phases != np.roll(phases, -1, axis)
        if not periodic[axis]:
            differ[(slice(None),) * axis + (-1,)] = False
        for place in np.argwhere(differ):
            total += np.prod(h) / h[axis] * area_factor(phases, none, *place, axis, h, np.array(periodic))
    return total


@pytest.mark.parametrize("periodic", [CELL, PLATES, WALLS])
@pytest.mark.parametrize("normal", AXES)
def test_flat_interfaces_are_exact(normal, periodic):
    values, h = {0: 1.0, 1: 5.0, 2: 0.2}, np.array([1e-7, 2e-7, 5e-8])
    contact = {(0, 1): 3e-7, (2, 1): 1e-6, (0, 2): 2e-9}
    order = np.array([0, 1, 1, 2, 0, 2, 1, 0, 1])  # layers of one voxel too
    labels = np.moveaxis(np.broadcast_to(order[:, None, None], (9, 4, 3)), 0, normal)
    layers = np.array([values[k] for k in order])
    faces = list(itertools.pairwise(order)) + ([(order[-1], order[0])] if periodic[normal] else [])
    both = contact | {(b, a): r for (a, b), r in contact.items()}
    resistance = np.sum(h[normal] / layers) + sum(both.get((a, b), 0.0) for a, b in faces)
    for axis in AXES:
        expected = 9 * h[normal] / resistance if axis == normal else layers.mean()
        result = effective_conductivity(labels, values, h, axis, periodic, contact)
        assert result.value == pytest.approx(expected, rel=1e-8)
        assert result.bounds.lower == 0.0


@pytest.mark.parametrize("normal", AXES)
def test_blocks_of_one_phase(normal):
    blocks = np.moveaxis(np.broadcast_to(np.array([4, 4, 4, 9, 9, 2])[:, None, None], (6, 3, 3)), 0, normal)
    labels = np.ones(blocks.shape, np.uint8)
    across = effective_conductivity(labels, {1: 2.0}, 0.5, normal, WALLS, {(1, 1): 0.25}, blocks)
    assert across.value == pytest.approx(3.0 / (1.5 + 2 * 0.25), rel=1e-10)
    along = effective_conductivity(labels, {1: 2.0}, 0.5, (normal + 1) % 3, WALLS, {(1, 1): 0.25}, blocks)
    assert along.value == pytest.approx(2.0, rel=1e-10)
    same = np.zeros(labels.shape, int)
    one_block = effective_conductivity(labels, {1: 2.0}, 0.5, normal, WALLS, {(1, 1): 0.25}, same)
    assert one_block.value == pytest.approx(2.0, rel=1e-10)


def test_blocks_do_not_act_between_phases():
    labels = np.repeat([1, 2], 3)[:, None, None]
    blocks = np.arange(6)[:, None, None] // 3
    result = effective_conductivity(labels, {1: 1.0, 2: 1.0}, 1.0, 0, WALLS, {(1, 1): 5.0, (2, 2): 5.0}, blocks)
    assert result.value == pytest.approx(1.0, rel=1e-12)


def test_infinite_resistance_cuts_the_contact():
    labels = np.repeat([1, 2], 3)[:, None, None]
    cut = effective_conductivity(labels, {1: 1.0, 2: 1.0}, 1.0, 0, WALLS, {(1, 2): float("inf")})
    assert cut.value == 0.0
    assert not cut.percolates
    beside = np.moveaxis(labels, 0, 1)
    assert effective_conductivity(beside, {1: 1.0, 2: 3.0}, 1.0, 0, WALLS, {(1, 2): float("inf")}).value == 2.0


def test_one_pair_has_one_resistance():
    labels = np.repeat([1, 2], 3)[:, None, None]
    with pytest.raises(ValueError, match="two values"):
        effective_conductivity(labels, {1: 1.0, 2: 1.0}, 1.0, 0, WALLS, {(1, 2): 1.0, (2, 1): 2.0})
    same = effective_conductivity(labels, {1: 1.0, 2: 1.0}, 1.0, 0, WALLS, {(1, 2): 1.0, (2, 1): 1.0})
    assert same.value == pytest.approx(6.0 / 7.0, rel=1e-12)


def test_no_resistance_is_an_ideal_contact():
    labels = np.random.default_rng(0).integers(0, 2, (6, 6, 6))
    ideal = effective_conductivity(labels, {0: 1.0, 1: 9.0}, 1.0)
    zero = effective_conductivity(labels, {0: 1.0, 1: 9.0}, 1.0, interface_resistance={(0, 1): 0.0})
    assert zero.value == ideal.value
    assert zero.bounds == ideal.bounds


@pytest.mark.parametrize("axis", AXES)
def test_more_resistance_never_conducts_better(axis):
    labels = np.random.default_rng(3 + axis).integers(0, 3, (8, 8, 8))
    values = [
        effective_conductivity(labels, {0: 1.0, 1: 9.0, 2: 0.1}, 1.0, axis, CELL, {(0, 1): r}, tolerance=1e-10).value
        for r in (0.0, 1e-3, 0.1, 10.0, 1e6, float("inf"))
    ]
    assert all(after < before for before, after in itertools.pairwise(values[:5]))
    assert values[5] == pytest.approx(values[4], rel=1e-4)


@pytest.mark.parametrize(("radius", "tolerance"), [(3.0, 0.06), (6.0, 0.025), (12.0, 0.02), (20.0, 0.02)])
def test_area_of_a_sphere(radius, tolerance):
    n = 2 * int(radius) + 9
    labels = ball(n, radius)
    true = 4.0 * np.pi * radius**2
    assert interface_area(labels, 1.0, CELL) == pytest.approx(true, rel=tolerance)
    staircase = sum(int(np.sum(labels != np.roll(labels, 1, axis))) for axis in range(3))
    assert staircase / true == pytest.approx(1.5, abs=0.08)  # negative control: what the faces alone would say


def test_area_of_a_sphere_in_flat_voxels():
    h = np.array([1.0, 0.5, 2.0])
    x, y, z = ((np.arange(n) + 0.5 - n / 2) * d for n, d in zip((40, 80, 24), h, strict=True))
    square = x[:, None, None] ** 2 + y[None, :, None] ** 2 + z[None, None, :] ** 2
    area = interface_area(square < 14.0**2, h, CELL)
    assert area == pytest.approx(4.0 * np.pi * 14.0**2, rel=0.05)


def test_open_faces_do_not_look_at_the_other_side():
    labels = np.zeros((14, 16, 3), int)
    labels[4:, :8] = labels[9:, 8:] = 1  # a flat interface with one step, far from both ends
    mirrored = np.concatenate([labels, labels[:, ::-1]], axis=1)
    area = interface_area(labels, 1.0, WALLS)
    assert interface_area(mirrored, 1.0, (False, True, False)) == pytest.approx(2.0 * area, rel=1e-12)


@pytest.mark.parametrize(("conductivity", "resolutions"), [(10.0, (24, 36)), (2.0, (32, 48))])
def test_neutral_sphere(conductivity, resolutions):
    """Hasselman & Johnson, J. Compos. Mater. 21 (1987) 508: k / (1 + k R / a) = host, and the host is not disturbed."""
    errors = []
    for n in resolutions:
        radius = n * (0.25 * 3.0 / (4.0 * np.pi)) ** (1.0 / 3.0)
        kapitza = radius * (1.0 - 1.0 / conductivity)
        labels = ball(n, radius)
        result = effective_conductivity(labels, {0: 1.0, 1: conductivity}, 1.0, 0, CELL, {(0, 1): kapitza})
        errors.append(result.value - 1.0)
    assert np.max(np.abs(errors)) < 0.02
    assert abs(errors[1]) < abs(errors[0])
    without = effective_conductivity(labels, {0: 1.0, 1: conductivity}, 1.0, 0, CELL)
    assert without.value > 1.15  # negative control: the contact is what makes it neutral
    too_large = effective_conductivity(labels, {0: 1.0, 1: conductivity}, 1.0, 0, CELL, {(0, 1): kapitza / 1.5})
    assert too_large.value > 1.03  # negative control: the staircase's own area


@pytest.mark.parametrize("contact", [0.125, 1.25, 4.0])
def test_layers_at_45_degrees_between_blocks_converge_in_first_order(contact):
    """The staircase lies across the current along the layers too; that error must vanish with the voxel size."""
    values, off_axis = [], []
    for n in (24, 48):
        x, y, _ = np.indices((2 * n, 2 * n, 1))
        blocks = ((x + y) // n) % 2  # planes of normal (1, 1), 1 / sqrt(2) apart
        labels = np.ones((2 * n, 2 * n, 1), int)
        result = effective_conductivity(labels, {1: 1.0}, 1.0 / n, 0, CELL, {(1, 1): contact}, blocks)
        values.append(result.value)
        off_axis.append(result.mean_flux[1])
    across = 1.0 / (1.0 + contact * np.sqrt(2.0))
    assert values[0] < values[1] < 0.5 * (1.0 + across)
    assert 2.0 * values[1] - values[0] == pytest.approx(0.5 * (1.0 + across), rel=0.005)
    assert 2.0 * off_axis[1] - off_axis[0] == pytest.approx(0.5 * (across - 1.0), rel=0.04)


def test_grains_share_their_interfaces():
    """Forty grains of one phase: 780 pairs that resist alike, and as blocks of it."""
    rng = np.random.default_rng(5)
    grains = np.kron(rng.permutation(40).reshape(5, 2, 4), np.ones((3, 3, 3), int))
    pairs = dict.fromkeys(itertools.combinations(range(40), 2), 1e-07)
    by_label = effective_conductivity(grains, dict.fromkeys(range(40), 1.0), 1e-7, 0, PLATES, pairs)
    by_block = effective_conductivity(0 * grains, {0: 1.0}, 1e-7, 0, PLATES, {(0, 0): 1e-7}, grains)
    assert by_label.value == pytest.approx(by_block.value, rel=1e-6)
    many = {pair: 1e-7 * (1 + number) for number, pair in enumerate(pairs)}
    with pytest.raises(ValueError, match="tells 780 kinds of interfaces apart, at most 250"):
        effective_conductivity(grains, dict.fromkeys(range(40), 1.0), 1e-7, 0, PLATES, many)
