"""How a chain of primaries is set down in a coat: heights, cuts and turns, by hand."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from microstructure.carbon._compression import NECK
from microstructure.carbon._domains import FlatRoom
from microstructure.carbon._placement import COMPRESS, CUT, place_flat, rotate


def test_rotation_is_scipys():
    rng = np.random.default_rng(0)
    for rotation in Rotation.random(20, rng=rng):
        point, out = rng.standard_normal(3), np.empty(3)
        rotate(rotation.as_quat(), point, out)
        np.testing.assert_allclose(out, rotation.apply(point), atol=1e-14)


def chain(count):
    """A straight chain of touching primaries of radius 1 along the normal, and the primary each is fused to."""
    offsets = np.zeros((count, 3))
    offsets[:, 0] = 2.0 * np.arange(count)
    return offsets, np.arange(-1, count - 1, dtype=np.int32)


def set_down(count, anchor, mode, ceiling=10.0, max_overlap=0.1):
    offsets, parent = chain(count)
    points, kept, overlap = np.empty((count, 3)), np.empty(count, bool), np.empty(1)
    upright = np.tile([0.0, 0.0, 0.0, 1.0], (1, 8, 1))
    rows = np.array([0, count])
    where = (np.array([anchor]), np.zeros(1, np.int64), upright, rows, offsets, parent, rows)
    room, box, free = FlatRoom(1.0, ceiling, 0.0), np.full(3, 100.0), np.zeros(3, bool)
    place_flat(0, 1, *where, mode, 1, room, np.array([2.0, max_overlap]), box, free, points, kept, overlap)
    return points, kept, overlap[0]


@pytest.mark.parametrize(
    ("mode", "height", "expected", "kept"),
    [
        (COMPRESS, 3.0, [3.0, 5.0], [True, True]),  # fits as it is
        (COMPRESS, 0.0, [1.0, 3.0], [True, True]),  # shifted up from the core
        (COMPRESS, 9.0, [8.0, 10.0], [True, True]),  # shifted down from the outside
        (CUT, 0.5, [1.0, 2.5, 4.5, 6.5, 8.5, 10.0], [True, True, True, True, True, False]),
        (CUT, -0.1, [1.0, 1.9, 3.9], [False, True, True]),
    ],
)
def test_heights_between_a_floor_of_one_and_a_ceiling_of_ten(mode, height, expected, kept):
    points, keep, _ = set_down(len(expected), (height, 4.0, 5.0), mode)
    np.testing.assert_allclose(points[:, 0], expected)
    np.testing.assert_allclose(points[:, 1:], np.tile([4.0, 5.0], (len(expected), 1)))
    np.testing.assert_array_equal(keep, kept)


def test_a_lifted_primary_overlaps_its_neighbour_and_cut_says_so():
    assert set_down(3, (0.5, 0.0, 0.0), CUT)[2] == pytest.approx(0.25)


@pytest.mark.parametrize("ceiling", [1.0, 2.0, 4.0])
def test_an_upright_chain_lies_down_in_a_low_coat(ceiling):
    points, kept, overlap = set_down(8, (0.0, 0.0, 0.0), COMPRESS, ceiling=ceiling)
    assert kept.all()
    assert points[:, 0].min() >= 1.0
    assert points[:, 0].max() <= ceiling
    np.testing.assert_allclose(np.linalg.norm(np.diff(points, axis=0), axis=1), 2.0, rtol=NECK)
    assert 0.0 <= overlap <= 0.1
