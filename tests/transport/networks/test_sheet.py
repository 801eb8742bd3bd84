"""The effective medium of a sheet of patches: known answers, bounds, and a checkerboard solved in voxels."""

import numpy as np
import pytest

from transport import effective_conductivity
from transport.networks.sheet import effective_sheet


def one(values, shares=None):
    values = np.atleast_2d(np.asarray(values, float))
    shares = np.full(values.shape, 1.0 / values.shape[1]) if shares is None else np.atleast_2d(shares)
    return effective_sheet(values, shares)


def test_equal_shares_of_two_conduct_as_their_geometric_mean():
    assert one([3.0, 48.0])[0] == pytest.approx(12.0, rel=1e-9)
    assert one([1e-9, 1.0])[0] == pytest.approx(np.sqrt(1e-9), rel=1e-6)


def test_a_lognormal_sheet_conducts_as_its_median():
    quantiles = np.random.default_rng(1).normal(size=4000)
    values = np.exp(np.concatenate([quantiles, -quantiles]))
    assert one(7.0 * values)[0] == pytest.approx(7.0, rel=1e-9)


def test_half_of_it_must_conduct():
    assert one([0.0, 1.0], [0.5, 0.5])[0] < 1e-9
    assert one([0.0, 1.0], [0.6, 0.4])[0] < 1e-9
    assert one([0.0, 1.0], [0.25, 0.75])[0] == pytest.approx(0.5, rel=1e-9)
    assert one([0.0, 0.0])[0] == 0.0
    assert one([2.0, 2.0])[0] == 2.0


def test_between_the_harmonic_and_the_arithmetic_mean():
    rng = np.random.default_rng(2)
    values, shares = rng.lognormal(sigma=1.5, size=(50, 30)), rng.random((50, 30))
    shares /= shares.sum(axis=1, keepdims=True)
    found = effective_sheet(values, shares)
    assert (found < np.sum(values * shares, axis=1)).all()
    assert (found > 1.0 / np.sum(shares / values, axis=1)).all()
    np.testing.assert_allclose(effective_sheet(3.0 * values, shares), 3.0 * found, rtol=1e-9)


def test_random_patches_conduct_as_in_voxels():
    """Three kinds of patches, 8 voxels wide, thrown at random: within 4 %, where the mean is 26 % off."""
    rng, kinds = np.random.default_rng(3), np.array([0.3, 1.0, 4.0])
    found = []
    for _ in range(4):
        labels = rng.integers(3, size=(40, 40, 1)).repeat(8, axis=0).repeat(8, axis=1).astype(np.uint8)
        solved = effective_conductivity(
            labels, conductivity=dict(enumerate(kinds)), voxel_size=1.0, axis=0, periodic=(True, True, True)
        )
        found.append(solved.value)
    assert one(kinds)[0] == pytest.approx(np.mean(found), rel=0.04)
    assert kinds.mean() > 1.2 * np.mean(found)
