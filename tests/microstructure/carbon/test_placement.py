"""Carbon in place: exact volume, nothing in a core, necks kept, overlaps bounded, the same bytes for the same seed."""

from dataclasses import replace

import numba
import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.stats import kstest

from microstructure.carbon._compression import NECK
from microstructure.carbon.aggregates import build_library
from microstructure.carbon.dispersion import Dispersion
from microstructure.carbon.placement import FIT_MODES, MAX_OVERLAP, fill_bulk, fill_flat, interleave
from microstructure.errors import PackingError
from percolation.carbon_paths.network import link_carbon

EDGE, THICK = 1.5e-6, 150e-9
SQUEEZING = ["reorient", "compress"]


@pytest.fixture(scope="module")
def library():
    return build_library(rng=np.random.default_rng(1), count=60)


def flat(library, fit="reorient", seed=2, share=0.1, thickness=THICK, **more):
    return fill_flat(
        library,
        width=(EDGE, EDGE),
        floor=library.radius,
        ceiling=thickness,
        volume=share * THICK * EDGE**2,
        fit=fit,
        rng=np.random.default_rng(seed),
        **more,
    )


def bulk(library, seed=2, share=0.05, **more):
    return fill_bulk(library, box=(EDGE,) * 3, volume=share * EDGE**3, rng=np.random.default_rng(seed), **more)


def neck_lengths(carbon, periodic=(False, True, True)):
    """Over a diameter."""
    bonded = np.flatnonzero(carbon.bond >= 0)
    gap = carbon.centres[bonded] - carbon.centres[carbon.bond[bonded]]
    gap -= np.where(periodic, EDGE * np.rint(gap / EDGE), 0.0)
    return np.linalg.norm(gap, axis=1) / carbon.diameter


def overlap_inside(carbon, periodic=(False, True, True)):
    """Largest overlap of two primaries of one aggregate, over a diameter, slowly."""
    nearest = carbon.diameter
    for number in range(carbon.aggregate[-1] + 1):
        points = carbon.centres[carbon.aggregate == number]
        for k in range(1, len(points)):
            gap = points[:k] - points[k]
            gap -= np.where(periodic, EDGE * np.rint(gap / EDGE), 0.0)
            nearest = min(nearest, np.linalg.norm(gap, axis=1).min())
    return 1.0 - nearest / carbon.diameter


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


@pytest.mark.parametrize("thickness", [20e-9, 40e-9, 80e-9, 150e-9, 500e-9])
@pytest.mark.parametrize("fit", SQUEEZING)
def test_primaries_of_one_aggregate_overlap_no_more_than_stated(library, fit, thickness):
    carbon = flat(library, fit, thickness=thickness, share=0.05)
    assert carbon.overlap <= MAX_OVERLAP + 1e-9
    # the reported one is of all that were set down, the last of which may be cut short
    assert overlap_inside(carbon) <= carbon.overlap + 1e-9
    np.testing.assert_allclose(neck_lengths(carbon), 1.0, atol=NECK + 1e-9)
    assert carbon.left_out < (0.03 if thickness < 50e-9 else 1e-3)
    assert carbon.centres[:, 0].max() <= max(thickness, library.radius) * (1 + 1e-12)


def test_a_stricter_bound_holds_too(library):
    loose, strict = (flat(library, thickness=60e-9, max_overlap=bound) for bound in (0.3, NECK))
    assert overlap_inside(strict) <= NECK + 1e-9
    assert NECK < overlap_inside(loose) <= 0.3 + 1e-9


def test_the_overlap_check_sees_a_linear_squeeze(library):
    """Negative control: heights pressed together as they are overlap far beyond the bound."""
    carbon = bulk(library, share=0.01)
    squeezed = replace(carbon, centres=carbon.centres * (0.1, 1.0, 1.0))
    assert overlap_inside(squeezed) > 3 * MAX_OVERLAP


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
    assert np.all(np.isin(np.diff(carbon.aggregate), [0, 1]))
    # each aggregate is one tree: exactly one primary without a bond
    assert np.all(np.bincount(carbon.aggregate[~bonded]) == 1)


def test_primaries_left_out_leave_no_bond_to_them(library):
    carbon = flat(library, "compress", thickness=20e-9, share=0.3)
    assert carbon.left_out > 0.0
    bonded = carbon.bond >= 0
    assert np.all(carbon.aggregate[carbon.bond[bonded]] == carbon.aggregate[bonded])
    assert np.all(carbon.bond[bonded] < np.flatnonzero(bonded))


def test_necks_touch_exactly_in_the_bulk(library):
    np.testing.assert_allclose(neck_lengths(bulk(library), (True,) * 3), 1.0, rtol=1e-5)
    assert bulk(library).overlap == 0.0


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


@pytest.mark.parametrize("make", [bulk, flat])
def test_same_bytes_for_any_number_of_threads(library, make):
    many = numba.get_num_threads()
    found = make(library, share=0.2)
    numba.set_num_threads(1)
    try:
        alone = make(library, share=0.2)
    finally:
        numba.set_num_threads(many)
    assert found.centres.tobytes() == alone.centres.tobytes()


def test_arrays_are_compact(library):
    carbon = bulk(library)
    assert [a.dtype for a in (carbon.centres, carbon.aggregate, carbon.bond, carbon.coat)] == ["f8", "i4", "i4", "i4"]


@pytest.mark.parametrize("more", [{}, {"hard": True}, {"dispersion": 0.5}])
@pytest.mark.parametrize("make", [bulk, flat])
def test_more_carbon_continues_the_same_sequence(library, make, more):
    if "dispersion" in more:
        more = {"dispersion": agglomerates(0.5)}
    less, rest = make(library, share=0.015, **more), make(library, share=0.03, **more)
    np.testing.assert_array_equal(less.centres, rest.centres[: less.count])
    np.testing.assert_array_equal(less.bond, rest.bond[: less.count])


def agglomerates(share):
    return Dispersion(share, agglomerate_size=0.8e-6)


def nearest_of_others(carbon, periodic):
    """Least distance of two primaries of different aggregates, over a diameter, by a tree search."""
    box = [EDGE if p else 0.0 for p in periodic]
    pairs = cKDTree(carbon.centres, boxsize=box).query_pairs(1.5 * carbon.diameter, output_type="ndarray")
    pairs = pairs[carbon.aggregate[pairs[:, 0]] != carbon.aggregate[pairs[:, 1]]]
    gap = carbon.centres[pairs[:, 0]] - carbon.centres[pairs[:, 1]]
    gap -= np.where(periodic, EDGE * np.rint(gap / EDGE), 0.0)
    return np.linalg.norm(gap, axis=1).min() / carbon.diameter


@pytest.mark.parametrize(("make", "periodic"), [(bulk, (True, True, True)), (flat, (False, True, True))])
def test_hard_aggregates_do_not_overlap(library, make, periodic):
    hard, soft = make(library, share=0.03, hard=True), make(library, share=0.03)
    assert hard.hard
    assert not soft.hard
    assert hard.count == soft.count
    assert nearest_of_others(hard, periodic) >= 1.0
    assert nearest_of_others(soft, periodic) < 0.9


def test_hard_aggregates_refused_are_tried_elsewhere_not_replaced_by_small_ones(library):
    sizes = [np.bincount(bulk(library, share=0.03, hard=hard).aggregate)[:-1] for hard in (False, True)]
    # the same aggregates in another order, but for the few still in line
    assert np.mean(sizes[1]) == pytest.approx(np.mean(sizes[0]), rel=0.15)


def test_hard_aggregates_jam_and_say_where(library, monkeypatch):
    monkeypatch.setattr("microstructure.carbon.placement.MOST_REFUSED", 500)
    with pytest.raises(PackingError, match=r"of 2\d+ primaries") as caught:
        fill_bulk(library, box=(0.6e-6,) * 3, volume=0.35 * 0.6e-6**3, hard=True, rng=np.random.default_rng(1))
    best = caught.value.best
    assert best.hard
    assert 0.02 < best.volume / 0.6e-6**3 < 0.3


def test_hard_aggregates_need_a_gap_to_be_joined(library):
    carbon = bulk(library, share=0.02, hard=True)
    with pytest.raises(ValueError, match="contact_gap above 0"):
        link_carbon(carbon, box=(EDGE,) * 3, periodic=(True,) * 3)
    links = [
        len(link_carbon(carbon, box=(EDGE,) * 3, periodic=(True,) * 3, contact_gap=gap).earlier)
        for gap in (1e-15, 20e-9)
    ]
    assert links[0] == np.count_nonzero(carbon.bond >= 0) < links[1]


def test_interleaved_coats_keep_their_carbon_and_necks(library):
    lower, upper = flat(library, seed=4), flat(library, seed=5, share=0.05)
    both = interleave(lower, upper)
    assert both.count == lower.count + upper.count
    assert both.overlap == max(lower.overlap, upper.overlap)
    assert np.all(np.diff(both.aggregate) >= 0)
    bonded = both.bond >= 0
    assert np.count_nonzero(bonded) == np.count_nonzero(lower.bond >= 0) + np.count_nonzero(upper.bond >= 0)
    assert np.all(both.bond[bonded] < np.flatnonzero(bonded))
    assert np.all(both.aggregate[both.bond[bonded]] == both.aggregate[bonded])
    half = both.count // 2
    assert np.mean(both.coat[:half] == 0) == pytest.approx(lower.count / both.count, abs=0.05)


def test_interleaving_with_an_empty_coat_changes_nothing(library):
    lower, nothing = flat(library), flat(library, share=0.0)
    assert nothing.count == 0
    np.testing.assert_array_equal(interleave(lower, nothing).centres, lower.centres)


def test_order_of_insertion_is_the_aggregates_own(library):
    carbon = bulk(library)
    np.testing.assert_array_equal(carbon.order, carbon.aggregate)
    assert np.all(np.diff(carbon.order) >= 0)


def test_unknown_fit_names_the_nearest(library):
    with pytest.raises(ValueError, match="'reorient'"):
        flat(library, "reorientate")


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"max_overlap": 0.0}, ValueError),
        ({"max_overlap": 1.0}, ValueError),
        ({"max_overlap": "some"}, TypeError),
        ({"hard": 1}, TypeError),
        ({"dispersion": 1.5}, ValueError),
        ({"dispersion": float("nan")}, ValueError),
        ({"dispersion": "good"}, TypeError),
        ({"dispersion": 0.5}, ValueError),  # agglomerates of 2 um do not fit into the box
        ({"share": -1.0}, ValueError),
        ({"share": float("nan")}, ValueError),
        ({"thickness": float("inf")}, ValueError),
    ],
)
def test_bad_input_is_refused(library, more, error):
    with pytest.raises(error):
        flat(library, **more)


def test_a_hidden_seed_is_refused(library):
    with pytest.raises(TypeError, match="Generator"):
        fill_bulk(library, box=(EDGE,) * 3, volume=1e-20, rng=3)


@pytest.mark.parametrize("fit", ["reorient", "compress"])
def test_squeezed_aggregates_spread_evenly_over_the_thickness_of_their_coat(fit):
    library, thickness, width = build_library(rng=np.random.default_rng(1), count=200), 150e-9, 8e-6
    carbon = fill_flat(
        library,
        width=(width, width),
        floor=library.radius,
        ceiling=thickness,
        volume=0.1 * thickness * width**2,
        fit=fit,
        rng=np.random.default_rng(3),
    )
    layers = np.histogram(carbon.centres[:, 0], 8, (library.radius, thickness))[0]
    assert np.abs(layers / layers.mean() - 1.0).max() < 0.15  # a linear squeeze leaves 0.65 at the faces


def test_more_carbon_begins_with_the_same_whatever_is_laid_out_at_a_time():
    library = build_library(rng=np.random.default_rng(1), count=20)
    for dispersion in (1.0, Dispersion(0.5, 0.8e-6)):
        few, many = (
            fill_bulk(
                library, box=(2e-6,) * 3, volume=share * 8e-18, dispersion=dispersion, rng=np.random.default_rng(2)
            )
            for share in (0.01, 0.2)
        )
        np.testing.assert_array_equal(many.centres[: few.count], few.centres)
        np.testing.assert_array_equal(many.bond[: few.count], few.bond)


def test_an_aggregate_taller_than_its_coat_touches_both_faces():
    """It is squeezed between them: one that ended a nanometre short of a face would not be."""
    library = build_library(rng=np.random.default_rng(1), count=20)
    carbon = fill_flat(
        library, width=(8e-6, 8e-6), floor=library.radius, ceiling=100e-9, volume=2e-19, rng=np.random.default_rng(2)
    )
    heights = carbon.centres[:, 0] / library.radius
    count = int(carbon.aggregate[-1])  # the last may be incomplete
    lowest, highest = (
        np.array([pick(heights[carbon.aggregate == k]) for k in range(count)]) for pick in (np.min, np.max)
    )
    reaches = (lowest <= 1.001) & (highest >= 100e-9 / library.radius - 0.001)  # the rest fits without being squeezed
    assert np.mean(reaches) > 0.8


def test_cut_treats_a_core_above_like_the_one_below():
    """Between two cores both are touched as often; under a free face nothing is pressed back."""
    library, width, height = build_library(rng=np.random.default_rng(1), count=20), (4e-6, 4e-6), 300e-9
    below, above = library.radius, height - library.radius

    def touching(core_above):
        carbon = fill_flat(
            library, width=width, floor=below, ceiling=above, core_above=core_above, volume=2e-19, fit="cut",
            rng=np.random.default_rng(2),
        )  # fmt: skip
        return np.mean(carbon.centres[:, 0] <= below * 1.001), np.mean(carbon.centres[:, 0] >= above - 0.001 * below)

    lower, upper = touching(True)
    assert lower == pytest.approx(upper, rel=0.25)
    assert touching(False)[1] < 0.05 * lower
