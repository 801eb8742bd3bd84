"""Carbon in place: exact volume, nothing in a core, necks kept, the same bytes for the same seed."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.stats import kstest

from microstructure._placement import COMPRESS, CUT, fit_heights, rotate
from microstructure.aggregates import build_library
from microstructure.carbon import FIT_MODES, fill_bulk, fill_flat, interleave
from microstructure.errors import StudyError

EDGE, THICK = 1.5e-6, 150e-9


@pytest.fixture(scope="module")
def library():
    return build_library(rng=np.random.default_rng(1), count=60)


def flat(library, fit="reorient", seed=2, share=0.1):
    return fill_flat(
        library,
        width=(EDGE, EDGE),
        floor=library.radius,
        ceiling=THICK,
        volume=share * THICK * EDGE**2,
        fit=fit,
        rng=np.random.default_rng(seed),
    )


def bulk(library, seed=2, share=0.05):
    return fill_bulk(library, box=(EDGE,) * 3, volume=share * EDGE**3, rng=np.random.default_rng(seed))


def test_rotation_is_scipys():
    rng = np.random.default_rng(0)
    for rotation in Rotation.random(20, rng=rng):
        point, out = rng.standard_normal(3), np.empty(3)
        rotate(rotation.as_quat(), point, out)
        np.testing.assert_allclose(out, rotation.apply(point), atol=1e-14)


@pytest.mark.parametrize(
    ("mode", "heights", "expected", "kept"),
    [
        (COMPRESS, [3.0, 4.0], [3.0, 4.0], [True, True]),  # fits as it is
        (COMPRESS, [0.0, 2.0], [1.0, 3.0], [True, True]),  # shifted up from the core
        (COMPRESS, [9.0, 12.0], [7.0, 10.0], [True, True]),  # shifted down from the outside
        (COMPRESS, [-9.0, 0.0, 9.0], [1.0, 5.5, 10.0], [True, True, True]),  # squeezed to half
        (CUT, [-0.1, 0.5, 5.0, 10.1], [1.0, 1.0, 5.0, 10.0], [False, True, True, False]),
    ],
)
def test_heights_between_a_floor_of_one_and_a_ceiling_of_ten(mode, heights, expected, kept):
    found, keep = np.array(heights), np.empty(len(heights), bool)
    fit_heights(found, np.full(len(heights), 10.0), 1.0, mode, keep)
    np.testing.assert_allclose(found, expected)
    np.testing.assert_array_equal(keep, kept)


@pytest.mark.parametrize("fit", FIT_MODES)
def test_volume_is_exact_to_one_primary(library, fit):
    wanted = 0.1 * THICK * EDGE**2
    assert abs(flat(library, fit).volume - wanted) <= library.primary_volume
    assert abs(bulk(library).volume - 0.05 * EDGE**3) <= library.primary_volume


@pytest.mark.parametrize("fit", FIT_MODES)
def test_no_primary_in_the_core_or_beyond_the_coat(library, fit):
    heights = flat(library, fit).centres[:, 0]
    assert heights.min() >= library.radius * (1 - 1e-12)
    assert heights.max() <= THICK * (1 + 1e-12)


def test_carbon_stands_out_of_a_coat_thinner_than_a_primary(library):
    carbon = fill_flat(
        library, width=(EDGE, EDGE), floor=library.radius, ceiling=5e-9, volume=1e-20, rng=np.random.default_rng(1)
    )
    np.testing.assert_allclose(carbon.centres[:, 0], library.radius)


@pytest.mark.parametrize("make", [bulk, flat])
def test_bonds_point_to_earlier_primaries_of_the_same_aggregate(library, make):
    carbon = make(library)
    bonded = carbon.bond >= 0
    assert np.all(carbon.bond[bonded] < np.flatnonzero(bonded))
    assert np.all(carbon.aggregate[carbon.bond[bonded]] == carbon.aggregate[bonded])
    assert np.all(np.diff(carbon.aggregate) >= 0)
    # each aggregate is one tree: exactly one primary without a bond
    assert np.all(np.bincount(carbon.aggregate[~bonded]) == 1)


def test_necks_touch_exactly_in_the_bulk(library):
    carbon = bulk(library)
    bonded = np.flatnonzero(carbon.bond >= 0)
    gap = carbon.centres[bonded] - carbon.centres[carbon.bond[bonded]]
    gap -= EDGE * np.rint(gap / EDGE)
    np.testing.assert_allclose(np.linalg.norm(gap, axis=1), carbon.diameter, rtol=1e-5)


def test_reorienting_squeezes_less_than_compressing(library):
    def stretch(carbon):
        bonded = np.flatnonzero(carbon.bond >= 0)
        gap = carbon.centres[bonded] - carbon.centres[carbon.bond[bonded]]
        gap[:, 1:] -= EDGE * np.rint(gap[:, 1:] / EDGE)
        length = np.linalg.norm(gap, axis=1) / carbon.diameter
        assert length.max() <= 1 + 1e-5
        return np.mean(length)

    assert stretch(flat(library, "reorient")) > stretch(flat(library, "compress")) > 0.5


def test_cut_leaves_out_and_says_how_much(library):
    assert 0.05 < flat(library, "cut").left_out < 0.8
    assert flat(library, "compress").left_out == 0.0


def test_uniform_in_the_bulk_and_not_in_a_squeezed_coat(library):
    """Aggregates are independent, primaries are not: one primary per aggregate is tested."""
    carbon = bulk(library, share=0.2)
    ones = carbon.centres[np.unique(carbon.aggregate, return_index=True)[1]] / EDGE
    for axis in range(3):
        assert kstest(ones[:, axis], "uniform").pvalue > 1e-3
    heights = flat(library, "cut", share=0.3)
    squeezed = heights.centres[np.unique(heights.aggregate, return_index=True)[1], 0] / THICK
    assert kstest(squeezed, "uniform").pvalue < 1e-3


def test_same_seed_same_bytes(library):
    assert flat(library).centres.tobytes() == flat(library).centres.tobytes()
    assert flat(library).centres.tobytes() != flat(library, seed=3).centres.tobytes()


def test_more_carbon_continues_the_same_sequence(library):
    less, more = bulk(library, share=0.03), bulk(library, share=0.06)
    np.testing.assert_array_equal(less.centres, more.centres[: less.count])


def test_interleaved_coats_keep_their_carbon_and_necks(library):
    lower, upper = flat(library, seed=4), flat(library, seed=5, share=0.05)
    both = interleave(lower, upper)
    assert both.count == lower.count + upper.count
    assert np.all(np.diff(both.aggregate) >= 0)
    bonded = both.bond >= 0
    assert np.count_nonzero(bonded) == np.count_nonzero(lower.bond >= 0) + np.count_nonzero(upper.bond >= 0)
    assert np.all(both.bond[bonded] < np.flatnonzero(bonded))
    assert np.all(both.aggregate[both.bond[bonded]] == both.aggregate[bonded])
    half = both.count // 2
    assert np.mean(both.coat[:half] == 0) == pytest.approx(lower.count / both.count, abs=0.05)


def test_order_of_insertion_is_the_aggregates_own(library):
    carbon = bulk(library)
    np.testing.assert_array_equal(carbon.order, carbon.aggregate)
    assert np.all(np.diff(carbon.order) >= 0)


def test_unknown_fit_names_the_nearest(library):
    with pytest.raises(StudyError, match="'reorient'"):
        flat(library, "reorientate")
