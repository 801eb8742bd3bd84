"""The circuit of a voxel image: voxels that carry nothing, its first guess, sums over phases, currents of faces."""

from __future__ import annotations

import numpy as np
import pytest

from transport import effective_conductivity
from transport.solvers.potential import Potential
from transport.voxels.image import parse_image
from transport.voxels.voxel_circuit import voxel_circuit

SIGMA = {0: 0.0, 1: 1.0, 2: 1000.0}


def medium(seed, shape=(9, 11, 10)):
    """Half of it insulates: some clusters lead nowhere."""
    return np.random.default_rng(seed).choice(3, shape, p=(0.5, 0.3, 0.2)).astype(np.uint8)


@pytest.fixture(params=[1, 3])
def blocks(request, monkeypatch):
    """Small images, too, in several blocks."""
    monkeypatch.setattr("transport.voxels.grid.block_count", lambda _: request.param)
    return request.param


def circuit_of(labels, axis, periodic):
    found = voxel_circuit(parse_image(labels, SIGMA, 1.0, periodic, None, None), axis)
    assert found is not None
    return found


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("shape", [(9, 11, 10), (12, 2, 9), (10, 9, 2), (1, 30, 30), (25, 1, 20)])
def test_voxels_that_carry_nothing_may_stay_or_go(shape, axis, closed, blocks, monkeypatch):
    labels, periodic = medium(axis, shape), tuple(closed or side != axis for side in range(3))
    labels.reshape(-1, shape[2])[shape[1] // 2 :: shape[1]] = 1  # leads through along x and z
    labels[shape[0] // 2, :, shape[2] // 2] = 2  # and along y
    found, sizes = [], []
    for share in (0.0, 2.0):  # of the voxels that conduct: they stay, and they go
        monkeypatch.setattr("transport.voxels.voxel_circuit.WORTHWHILE", share)
        circuit = circuit_of(labels, axis, periodic)
        sizes.append((circuit.count, int(np.count_nonzero(circuit.grid.take(labels)))))
        more = {"tolerance": 1e-9, "keep_potential": True, "keep_current": True}
        found.append(effective_conductivity(labels, SIGMA, 1.0, axis, periodic, **more))
    stay, go = found
    assert sizes[0][0] == sizes[1][0] <= sizes[1][1] <= sizes[0][1]  # tiles hold a few dead rows
    assert stay.value == pytest.approx(go.value, rel=1e-9)
    assert stay.bracket.lower == pytest.approx(go.bracket.lower, rel=1e-9)
    assert stay.connected == go.connected
    np.testing.assert_allclose(stay.potential, go.potential, atol=1e-6)  # NaN in the same places
    np.testing.assert_allclose(stay.current_density, go.current_density, atol=1e-5)


@pytest.mark.parametrize("axis", range(3))
def test_the_first_guess_falls_evenly(axis, blocks):
    labels = np.ones((5, 6, 7), np.uint8)
    labels[2, 3, 1:] = 0
    circuit = circuit_of(labels, axis, (False,) * 3)
    layers = np.moveaxis(np.arange(labels.shape[axis])[:, None, None], 0, axis)
    even = np.where(labels > 0, 1.0 - (layers + 0.5) / labels.shape[axis], 0.0)
    np.testing.assert_allclose(circuit.grid.image(circuit.first_guess(), 0.0), even, rtol=1e-15)
    known = np.where(np.arange(7) % 2 == 0, 0.25, np.nan) * np.ones(labels.shape)
    mixed = np.where(np.isnan(known), even, 0.25) * (labels > 0)
    np.testing.assert_allclose(circuit.grid.image(circuit.first_guess(known), 0.0), mixed, rtol=1e-15)


@pytest.mark.parametrize("axis", range(3))
def test_a_start_is_evened_out_only_where_that_saves_power(axis, blocks):
    """In the slow twin each cluster is evened out alone."""
    labels, rng = medium(axis + 3), np.random.default_rng(axis)
    periodic = tuple(side != axis for side in range(3))
    circuit = circuit_of(labels, axis, periodic)

    def power(potential):
        return circuit.balance(Potential.of(potential))[1]

    solved = effective_conductivity(labels, SIGMA, 1.0, axis, periodic, tolerance=1e-10, keep_potential=True).potential
    np.testing.assert_allclose(circuit.first_guess(solved), np.nan_to_num(circuit.grid.take(solved)), atol=1e-13)
    given = solved + rng.normal(scale=0.01, size=labels.shape) * (rng.random(labels.shape) < 0.05)  # a few are wrong
    start = np.nan_to_num(circuit.grid.take(given))
    guess = circuit.first_guess(given)
    root, _, _ = circuit.grid.clusters(circuit._gaps()[0], -1)
    first, last = (root[rows] for rows in circuit._at_ends(circuit._gaps()[0]))
    evened = []
    for cluster in np.setdiff1d(root[circuit.live], np.intersect1d(first, last)):
        own = root == cluster
        level = 1.0 if cluster in first else 0.0 if cluster in last else start[own].mean()
        saved = power(start.copy()) - power(np.where(own, level, start))
        if own.sum() > 1 and abs(saved) > 1e-6 * power(start.copy()):  # neighbours may be evened out with it
            assert np.ptp(guess[own]) == 0.0 if saved > 0.0 else np.array_equal(guess[own], start[own])
            evened.append(saved > 0.0)
    assert 1 <= sum(evened) < len(evened)
    assert power(guess) < power(start)


def test_sums_over_phases_are_those_of_numpy(blocks):
    labels = medium(5)
    image = parse_image(labels, SIGMA, 1.0, (False, True, True), None, None)
    circuit = circuit_of(labels, 0, (False, True, True))
    values = np.random.default_rng(6).normal(size=circuit.grid.size) * circuit.live
    expected = [circuit.grid.image(values, 0.0)[labels == label].sum() for label in range(3)]
    np.testing.assert_allclose(circuit.sum_by_phase(image, values), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("closed", [False, True])
def test_currents_through_faces_are_differences_times_conductances(axis, closed, blocks):
    labels, periodic = medium(10 + axis), tuple(closed or side != axis for side in range(3))
    circuit = circuit_of(labels, axis, periodic)
    grid, rng = circuit.grid, np.random.default_rng(7)
    high, low = rng.normal(size=grid.size), rng.normal(scale=1e-9, size=grid.size).astype(np.float32)
    voltage = grid.image(high + low, 0.0)
    faces = np.empty(grid.size)
    for direction, classes in enumerate((grid.voxels.x, grid.voxels.y, grid.voxels.z)):
        circuit.face_currents(Potential(high, low), direction, faces)
        drop = voltage - np.roll(voltage, -1, direction)
        if direction == axis and closed:
            np.moveaxis(drop, axis, 0)[-1] += 1.0  # a turn raises the potential by 1 V
        conductance = circuit.scale * grid.voxels.table[direction][grid.image(classes, 0)]
        np.testing.assert_allclose(grid.image(faces, 0.0), conductance * drop, rtol=1e-12, atol=1e-12)
