"""The kernels of packing against all pairs, and against the derivative of the energy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from microstructure.cores._relaxation import Spheres, all_forces, find_pairs, list_neighbours

WALLED = list(itertools.product([False, True], repeat=3))


def generator(seed=1):
    return np.random.default_rng(seed)


def slow_pairs(centres, diameters, box, periodic, reach):
    """(i, j, shift in boxes) of all pairs within reach, images up to three boxes away; half of a sphere's own."""
    found = set()
    for shift in itertools.product(*(range(-3, 4) if p else (0,) for p in periodic)):
        vectors = centres[None] + np.array(shift) * box - centres[:, None]
        near = np.linalg.norm(vectors, axis=2) - 0.5 * (diameters[:, None] + diameters[None]) <= reach
        found |= {(i, j, shift) for i, j in np.argwhere(near) if i < j or (i == j and shift > (0, 0, 0))}
    return found


@pytest.mark.parametrize("periodic", WALLED, ids=str)
@pytest.mark.parametrize("width", [0.0, 0.5, 1.2])
def test_pairs_are_all_pairs(periodic, width):
    """From equal spheres to ones of which the largest is wider than a side of the box."""
    rng, box = generator(5), np.array([3.0, 5.0, 4.0])
    diameters = np.exp(width * rng.standard_normal(60)) * 0.5
    centres = rng.random((60, 3)) * box
    for reach in (0.0, 0.3, 1.5):
        pairs, shifts = find_pairs(centres, diameters, box, np.array(periodic), reach)
        rows = [(i, j, tuple(shift)) for (i, j), shift in zip(pairs, np.rint(shifts / box).astype(int), strict=True)]
        assert len(set(rows)) == len(rows)
        assert set(rows) == slow_pairs(centres, diameters, box, periodic, reach)


def test_spheres_in_touch_are_found_whatever_the_round_off():
    """A row of touching spheres, each at the very end of the other's reach, at many places on the grid of cells."""
    for count in range(2, 60):
        diameter = 1.0 / count
        centres = np.stack([(np.arange(count) + 0.5) * diameter, np.full(count, 0.4), np.full(count, 0.7)], axis=1)
        pairs, _ = find_pairs(centres, np.full(count, diameter), np.ones(3), np.array([True] * 3), 1e-9)
        assert len(pairs) == count


def slow_energy(centres, diameters, box, periodic, bonds=(), hard=None, block=None):
    energy = 0.0
    for i, j in itertools.combinations(range(len(centres)), 2):
        vector = centres[j] - centres[i]
        vector -= np.where(periodic, box * np.round(vector / box), 0.0)
        sizes = hard if block is not None and block[i] == block[j] else diameters
        overlap = 0.5 * (sizes[i] + sizes[j]) - np.linalg.norm(vector)
        energy += 0.5 * (overlap if {i, j} in bonds else max(overlap, 0.0)) ** 2
    for axis in np.flatnonzero(~periodic):
        for x, d in zip(centres[:, axis], diameters, strict=True):
            energy += 0.5 * max(0.5 * d - x, 0.0) ** 2 + 0.5 * max(x + 0.5 * d - box[axis], 0.0) ** 2
    return energy


def kernel_forces(centres, diameters, hard, block, bonds, box, periodic):
    """Forces in the order given, twice the energy, and the largest overlap or gap."""
    count = len(centres)
    spheres = Spheres(centres, np.zeros((count, 3)), diameters, hard, block.astype(np.int32), np.arange(count))
    spheres, near = list_neighbours(spheres, bonds, box, periodic, 0.1)
    forces = np.zeros_like(centres)
    twice_energy, largest = all_forces(spheres, near, box, periodic, forces)
    return forces[np.argsort(spheres.index)], twice_energy, largest


@pytest.mark.parametrize("periodic", WALLED, ids=str)
def test_forces_are_minus_the_gradient_of_the_energy(periodic):
    """Coats of 0.1, blocks of four, and in each block three bonds, stretched and pressed; no hard sphere on a wall."""
    rng, periodic, box = generator(4), np.array(periodic), np.array([4.0, 5.0, 4.5])
    hard = rng.uniform(0.4, 1.4, 40)
    diameters, block = hard + 0.2, np.arange(40) // 4
    centres = 0.7 + rng.random((40, 3)) * (box - 1.4)
    bonds = np.array([(i, i + 1) for i in range(39) if block[i] == block[i + 1]])
    bonded = [set(pair) for pair in bonds.tolist()]
    forces, twice_energy, _ = kernel_forces(centres, diameters, hard, block, bonds, box, periodic)
    energy = slow_energy(centres, diameters, box, periodic, bonded, hard, block)
    assert 0.5 * twice_energy == pytest.approx(energy, rel=1e-12)
    for i, axis in itertools.product(range(0, 40, 8), range(3)):
        step = np.zeros_like(centres)
        step[i, axis] = 1e-6
        up, down = (slow_energy(centres + s * step, diameters, box, periodic, bonded, hard, block) for s in (1, -1))
        assert forces[i, axis] == pytest.approx(-(up - down) / 2e-6, abs=1e-7)


def test_spheres_in_one_point_are_parted():
    """Walls can press two spheres into the same corner, where their overlap has no direction."""
    centres, sizes, none = np.full((2, 3), 4.0), np.array([2.0, 1.0]), np.empty((0, 2), dtype=np.int64)
    forces, *overlap = kernel_forces(centres, sizes, sizes, np.arange(2), none, np.full(3, 9.0), np.array([False] * 3))
    assert overlap == pytest.approx((1.5**2, 1.5))
    assert np.all(np.abs(forces) > 0.8)
    assert np.array_equal(forces[0], -forces[1])


def test_a_stretched_bond_pulls_and_is_measured_by_the_smaller_sphere():
    centres, sizes = np.array([[0.5, 1.0, 1.0], [3.5, 1.0, 1.0]]), np.array([0.4, 0.8])
    box, bonds = np.full(3, 4.0), np.array([[0, 1]])
    for periodic, gap, sign in ((False, 2.4, 1.0), (True, 0.4, -1.0)):
        forces, *measured = kernel_forces(centres, sizes, sizes, np.zeros(2), bonds, box, np.array([periodic] * 3))
        assert measured == pytest.approx((gap**2, gap / 0.4))
        assert forces[0] == pytest.approx((sign * gap, 0.0, 0.0))
        assert forces[1] == pytest.approx(-forces[0])
