"""Constrictions: where the power is lost."""

from __future__ import annotations

import numpy as np
import pytest

from transport import effective_conductivity, find_hot_spots

SIGMA = {0: 0.0, 1: 2.0}


def two_slabs(necks):
    """Slabs that touch in single voxels."""
    labels = np.ones((13, 12, 11), np.uint8)
    labels[6] = 0
    for y, z in necks:
        labels[6, y, z] = 1
    return labels


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_necks_are_found_where_they_are(axis):
    size = np.roll((1e-7, 2e-7, 1.5e-7), axis)
    labels = np.moveaxis(two_slabs([(3, 2), (9, 8)]), (0, 1, 2), np.roll((0, 1, 2), -axis))
    found = effective_conductivity(labels, SIGMA, size, axis, (False,) * 3, keep_current=True)
    spots = find_hot_spots(found, labels, SIGMA, size, power_share=0.3)
    assert spots.count == 2
    expected = [np.roll(place, axis) for place in ((6.5, 3.5, 2.5), (6.5, 9.5, 8.5))]
    order = np.lexsort(spots.positions.T[::-1])
    wanted = sorted((np.asarray(expected) * size).tolist())
    np.testing.assert_allclose(spots.positions[order], wanted, atol=0.3 * size.min())
    assert spots.powers[0] == pytest.approx(spots.powers[1], rel=0.2)
    assert spots.power_share == pytest.approx(spots.powers.sum())
    assert spots.volume_share < 0.02


def test_an_even_block_has_no_hot_spot():
    labels = np.ones((6, 5, 4), np.uint8)
    found = effective_conductivity(labels, SIGMA, 1.0, keep_current=True)
    spots = find_hot_spots(found, labels, SIGMA, 1.0, power_share=0.5)
    assert spots.volume_share == pytest.approx(1.0, abs=0.51)  # all voxels are alike: which half is rounding
    assert spots.power_share >= 0.5


def test_power_of_all_voxels_is_that_of_the_image():
    """Resistances between middles of voxels and their faces: the sum falls short only where currents turn."""
    labels = np.repeat(np.array([1, 2, 1, 3], np.uint8), 3)[:, None, None] * np.ones((1, 4, 4), np.uint8)
    sigma = {1: 1.0, 2: 10.0, 3: 0.5}
    found = effective_conductivity(labels, sigma, 1e-6, 0, keep_current=True)
    power = sum((found.current_density[labels == k] ** 2).sum() / s for k, s in sigma.items()) * 1e-18
    assert power == pytest.approx(found.value * 16 / 12 * 1e-6, rel=1e-5)
    spots = find_hot_spots(found, labels, sigma, 1e-6, power_share=0.45)
    assert set(np.unique(labels[: labels.shape[0]])) == {1, 2, 3}
    assert spots.count == 1
    assert spots.positions[0, 0] == pytest.approx(10.5e-6, rel=1e-3)  # the poorest layer


@pytest.mark.parametrize(
    ("change", "message"),
    [({"power_share": 0.0}, "between 0 and 1"), ({"power_share": 1.0}, "between 0 and 1"), ({"labels": None}, "shape")],
)
def test_bad_input_is_told(change, message):
    labels = np.ones((4, 4, 4), np.uint8)
    found = effective_conductivity(labels, SIGMA, 1.0, keep_current=True)
    given = {"labels": labels, "conductivity": SIGMA, "voxel_size": 1.0, **change}
    if given["labels"] is None:
        given["labels"] = labels[:3]
    with pytest.raises(ValueError, match=message):
        find_hot_spots(found, **given)
    two = np.where(np.arange(4)[:, None, None] < 2, labels, 2)
    other = effective_conductivity(two, {1: 2.0, 2: 1.0}, 1.0, keep_current=True)
    with pytest.raises(ValueError, match="label 2 has no conductivity"):
        find_hot_spots(other, two, SIGMA, 1.0)
    with pytest.raises(TypeError, match="power_share"):
        find_hot_spots(found, labels, SIGMA, 1.0, power_share="half")
    blind = effective_conductivity(0 * labels, SIGMA, 1.0, keep_current=True)
    with pytest.raises(ValueError, match="no current flows along axis 0"):
        find_hot_spots(blind, 0 * labels, SIGMA, 1.0)
    bare = effective_conductivity(labels, SIGMA, 1.0)
    with pytest.raises(ValueError, match="keep_current"):
        find_hot_spots(bare, labels, SIGMA, 1.0)


@pytest.mark.parametrize("wrong", [None, 1.0, {"axis": 0}, np.ones((4, 4, 4))])
def test_what_is_no_result_is_refused(wrong):
    with pytest.raises(TypeError, match="result must be a Conduction"):
        find_hot_spots(wrong, np.ones((4, 4, 4), np.uint8), {1: 1.0}, 1.0)
