"""Current densities at the voxels' middles, and the share of the current in each phase."""

from __future__ import annotations

import numpy as np
import pytest

from transport import effective_conductivity

CELL, PLATES = (True, True, True), (False, True, True)


@pytest.mark.parametrize("periodic", [CELL, PLATES, (False, False, False)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_layers_share_the_current_as_they_conduct(axis, periodic):
    labels = np.zeros((4, 6, 8), np.uint8)
    labels[tuple(slice(0, 1) if d == (axis + 1) % 3 else slice(None) for d in range(3))] = 3
    layers = labels.shape[(axis + 1) % 3]
    found = effective_conductivity(labels, {0: 2.0, 3: 10.0}, (1.0, 2.0, 0.5), axis, periodic, keep_current=True)
    total = 10.0 + 2.0 * (layers - 1)
    assert found.current_shares == pytest.approx({0: 1 - 10.0 / total, 3: 10.0 / total}, rel=1e-6)
    gradient = 1.0 / (labels.shape[axis] * (1.0, 2.0, 0.5)[axis])
    expected = np.zeros((*labels.shape, 3))
    expected[..., axis] = np.where(labels == 3, 10.0, 2.0) * gradient
    np.testing.assert_allclose(found.current_density, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("periodic", [CELL, PLATES, (False, True, False)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_mean_current_density_of_random_media_is_the_mean_flux(axis, periodic):
    labels = np.random.default_rng(axis).choice(3, (9, 10, 11), p=(0.3, 0.4, 0.3)).astype(np.uint8)
    size = (1.0, 0.7, 1.3)
    found = effective_conductivity(labels, {0: 0.0, 1: 1.0, 2: 50.0}, size, axis, periodic, keep_current=True)
    length = labels.shape[axis] * size[axis]
    np.testing.assert_allclose(length * found.current_density[..., axis].mean(), found.value, rtol=1e-5)
    planes = length * found.current_density.mean(axis=(0, 1, 2))
    np.testing.assert_allclose(planes, found.mean_flux, rtol=1e-4, atol=1e-4 * found.value)
    assert sum(found.current_shares.values()) == pytest.approx(1.0)
    assert found.current_shares[0] == 0.0
    assert np.all(found.current_density[labels == 0] == 0.0)


def test_without_a_path_nothing_flows():
    labels = np.zeros((3, 4, 5), np.uint8)
    labels[1] = 1
    found = effective_conductivity(labels, {0: 2.0, 1: 0.0}, 1.0, keep_current=True, keep_potential=True)
    assert found.current_shares == {0: 0.0, 1: 0.0}
    assert found.connected == {0: 0.0}
    assert not np.any(found.current_density)
    assert found.current_density.shape == (3, 4, 5, 3)
    assert np.isnan(found.potential).all()
    assert found.potential.shape == (3, 4, 5)
    bare = effective_conductivity(labels, {0: 2.0, 1: 0.0}, 1.0)
    assert bare.potential is None
    assert bare.current_density is None
