"""The network of primaries against slow twins, and against the threshold of overlapping spheres."""

from dataclasses import replace
from itertools import product

import numba
import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from microstructure.carbon.aggregates import AggregateLibrary, build_library
from microstructure.carbon.placement import Carbon, fill_bulk
from microstructure.composite import build_composite
from microstructure.patch import bulk_patch, coating_patch
from microstructure.recipe import Recipe
from percolation.carbon_paths._network import body_groups, first_unions
from percolation.carbon_paths.bridges import sweep_bridges
from percolation.carbon_paths.carbon_sweep import shuffle_aggregates, sweep_bulk, sweep_carbon, sweep_coat, wrap_onsets
from percolation.carbon_paths.coat_case import CASES
from percolation.carbon_paths.network import BOTH, link_carbon
from percolation.statistics.threshold import estimate_threshold

BOX = (0.9e-6, 1.0e-6, 1.1e-6)


def spheres(count, seed, box=BOX, diameter=100e-9):
    """Single primaries, each an aggregate of its own."""
    centres = np.random.default_rng(seed).random((count, 3)) * box
    names = np.arange(count, dtype=np.int32)
    return Carbon(centres, names, np.full(count, -1), np.full(count, -1, np.int32), diameter, "none")


def single_library(diameter=100e-9):
    return AggregateLibrary(
        centres=np.zeros((1, 3)),
        parent=np.array([-1], np.int32),
        start=np.array([0, 1]),
        diameters=np.array([diameter]),
        radius=diameter / 2,
        diameter=diameter,
        size_measure="extent",
        width=0.0,
        fractal_dimension=1.8,
        prefactor=1.3,
    )


@pytest.fixture(scope="module")
def library():
    return build_library(rng=np.random.default_rng(1), count=60)


@pytest.mark.parametrize("periodic", [(True, True, True), (False, True, True), (False, False, False)])
@pytest.mark.parametrize("gap", [0.0, 20e-9])
def test_links_are_those_of_a_tree_search(periodic, gap):
    carbon = spheres(400, 3)
    network = link_carbon(carbon, box=BOX, periodic=periodic, contact_gap=gap)
    boxsize = [edge if p else 0.0 for edge, p in zip(BOX, periodic, strict=True)]
    twin = cKDTree(carbon.centres, boxsize=boxsize).query_pairs(100e-9 + gap)
    found = {(int(j), int(i)) for i, j in zip(network.later, network.earlier, strict=True)}
    assert found == twin
    assert np.all(np.linalg.norm(network.displacements, axis=1) <= 100e-9 + gap)


def test_necks_come_from_the_aggregate_and_never_twice(library):
    carbon = fill_bulk(library, box=BOX, volume=0.03 * np.prod(BOX), rng=np.random.default_rng(1))
    network = link_carbon(carbon, box=BOX, periodic=(True,) * 3)
    assert np.count_nonzero(network.necks) == np.count_nonzero(carbon.bond >= 0)
    contacts = ~network.necks
    assert np.all(carbon.aggregate[network.later[contacts]] != carbon.aggregate[network.earlier[contacts]])


def twin_links(carbon, box, periodic, gap):
    """Every pair in turn: where each primary's links begin, its neck first, then its contacts in rising order."""
    box, first, earlier = np.asarray(box), [0], []
    for i in range(carbon.count):
        vectors = carbon.centres[:i] - carbon.centres[i]
        vectors -= np.where(periodic, box * np.rint(vectors / box), 0.0)
        near = np.linalg.norm(vectors, axis=1) <= carbon.diameter + gap
        neck = [carbon.bond[i]] if carbon.bond[i] >= 0 else []
        earlier += neck + list(np.flatnonzero(near & (carbon.aggregate[:i] != carbon.aggregate[i])))
        first.append(len(earlier))
    return first, earlier


@pytest.mark.parametrize("periodic", list(product((True, False), repeat=3)))
@pytest.mark.parametrize("gap", [0.0, 120e-9, 250e-9])
def test_links_come_neck_first_and_rise_for_any_number_of_threads(library, periodic, gap):
    """The widest gaps leave three rows of cells along the shorter edges, and more contacts than there is room for."""
    carbon = fill_bulk(library, box=BOX, volume=0.01 * np.prod(BOX), rng=np.random.default_rng(2))
    if not all(periodic):
        carbon = replace(carbon, bond=np.full(carbon.count, -1))  # necks through a free side are cut elsewhere
    first, earlier = twin_links(carbon, BOX, periodic, gap)
    threads = numba.get_num_threads()
    try:
        for count in {1, threads}:
            numba.set_num_threads(count)
            network = link_carbon(carbon, box=BOX, periodic=periodic, contact_gap=gap)
            np.testing.assert_array_equal(network.first, first)
            np.testing.assert_array_equal(network.earlier, earlier)
    finally:
        numba.set_num_threads(threads)


@pytest.mark.parametrize("axis", range(3))
def test_links_in_a_coat_thinner_than_a_primary(axis):
    """Centres may stand out of a free side: they lie in the row at that side."""
    thin = np.eye(3, dtype=bool)[axis]
    box = np.where(thin, 50e-9, 0.8e-6)
    carbon = spheres(300, 5, box)
    carbon.centres[:, axis] += 40e-9
    first, earlier = twin_links(carbon, box, ~thin, 0.0)
    network = link_carbon(carbon, box=tuple(box), periodic=tuple(~thin))
    np.testing.assert_array_equal(network.first, first)
    np.testing.assert_array_equal(network.earlier, earlier)


@pytest.mark.parametrize("count", [0, 1])
def test_one_primary_or_none_has_no_links(count):
    network = link_carbon(spheres(count, 1), box=BOX, periodic=(True,) * 3)
    np.testing.assert_array_equal(network.first, np.zeros(count + 1))
    assert len(network.earlier) == 0


def twin_wraps(carbon, box, gap, axis, count):
    """Tile three boxes along the axis, open at the ends: does a primary meet its own copy two boxes on?"""
    edges = np.array(box)
    copies = [carbon.centres[:count] + shift * edges * np.eye(3)[axis] for shift in range(3)]
    centres = np.concatenate(copies)
    boxsize = edges.copy()
    boxsize[axis] = 0.0
    pairs = cKDTree(centres, boxsize=boxsize).query_pairs(carbon.diameter + gap, output_type="ndarray")
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(centres),) * 2)
    label = connected_components(graph, directed=False)[1]
    return bool(np.any(label[:count] == label[2 * count :]))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("box", "count"), [(BOX, 1000), ((2e-6,) * 3, 6000)])
def test_wrapping_starts_where_a_tiled_box_says(box, count, seed):
    """The larger box has clusters deep enough for a wrong displacement on a shortened path to show."""
    carbon = spheres(count, seed, box)
    onsets = wrap_onsets(link_carbon(carbon, box=box, periodic=(True,) * 3))
    for axis in range(3):
        assert onsets[axis] > 0
        assert twin_wraps(carbon, box, 0.0, axis, onsets[axis])
        assert not twin_wraps(carbon, box, 0.0, axis, onsets[axis] - 1)


def test_nothing_wraps_along_a_free_axis():
    onsets = wrap_onsets(link_carbon(spheres(900, 1), box=BOX, periodic=(False, True, True)))
    assert onsets[0] == -1
    assert onsets[1] > 0


def test_overlapping_spheres_percolate_at_their_known_volume_fraction():
    """0.2896 of the volume (Lorenz & Ziff 2001), eta = 0.34189; 6 % more or less must be refused."""
    box, diameter = (1.2e-6,) * 3, 100e-9
    volume = np.pi / 6 * diameter**3
    etas = []
    for seed in range(60):
        onsets = wrap_onsets(link_carbon(spheres(1600, seed, box, diameter), box=box, periodic=(True,) * 3))
        etas.append(onsets * volume / np.prod(box))
    from percolation.statistics.onsets import Sweep

    never = np.full((60, 3), np.inf)
    sweep = Sweep(np.array(etas), never, never[:, 0], box, (True,) * 3, 0, "eta", "overlapping spheres")
    low, high = (
        1 - np.exp(-bound)
        for bound in (estimate_threshold(sweep, axis="any").low, estimate_threshold(sweep, axis="any").high)
    )
    assert low <= 0.2896 <= high
    assert high - low < 0.02
    for wrong in (0.2896 * 1.06, 0.2896 * 0.94):
        assert not low <= wrong <= high


def test_sweep_of_single_primaries_agrees_with_overlapping_spheres():
    """The same answer through the front door: shares of the matrix, pores excluded."""
    sweep = sweep_bulk(single_library(), edge=1.2e-6, runs=40, rng=np.random.default_rng(5))
    found = estimate_threshold(sweep, kind="wrap", axis="any")
    # eta 0.3419 of the box is 0.4884 of CB + SE where the matrix has 30 % pores
    assert found.low <= 0.3419 / 0.7 <= found.high


@pytest.mark.parametrize("seed", range(3))
def test_bridges_are_those_of_a_labelled_graph(seed):
    carbon = spheres(1500, seed)
    network = link_carbon(carbon, box=BOX, periodic=(False,) * 3)
    faces = (carbon.centres[:, 0] < 1e-7).astype(np.uint8) + 2 * (carbon.centres[:, 0] > BOX[0] - 1e-7).astype(np.uint8)
    window = (carbon.centres[:, 1] > 0.5e-6).astype(np.int64)
    onsets = np.full(2, -1, np.int64)
    first_unions(network.first, network.earlier, faces, BOTH, window, onsets)
    same = window[network.later] == window[network.earlier]
    for pane in (0, 1):
        for count, expected in ((onsets[pane], True), (onsets[pane] - 1, False)):
            inside = same & (network.later < count)
            graph = coo_matrix(
                (np.ones(inside.sum()), (network.later[inside], network.earlier[inside])), shape=(1500, 1500)
            )
            label = connected_components(graph, directed=False)[1]
            rows = np.flatnonzero((window == pane) & (np.arange(1500) < count))
            lower, upper = (set(label[rows[faces[rows] & bit > 0]]) for bit in (1, 2))
            assert bool(lower & upper) is expected


def test_joined_bodies_are_those_of_a_labelled_graph():
    carbon, rng = spheres(300, 8), np.random.default_rng(0)
    network = link_carbon(carbon, box=BOX, periodic=(True,) * 3)
    bodies, touches = 40, rng.integers(0, 40, size=150)
    touch_first = np.minimum(np.arange(301), 150)  # the second half touches nothing
    checkpoints = np.array([0, 40, 150, 300])
    groups = np.zeros((4, bodies), np.int64)
    body_groups(network.first, network.earlier, touch_first, touches, bodies, checkpoints, groups)
    assert len(np.unique(groups[0])) == bodies
    for step, count in enumerate(checkpoints):
        inside = network.later < count
        first = min(count, 150)
        rows = np.concatenate([network.later[inside] + bodies, np.arange(first) + bodies])
        columns = np.concatenate([network.earlier[inside] + bodies, touches[:first]])
        graph = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(bodies + 300,) * 2)
        label = connected_components(graph, directed=False)[1][:bodies]
        np.testing.assert_array_equal(groups[step][:, None] == groups[step], label[:, None] == label)


def test_shuffled_aggregates_are_the_same_carbon(library):
    carbon = fill_bulk(library, box=BOX, volume=0.03 * np.prod(BOX), rng=np.random.default_rng(1))
    other = shuffle_aggregates(carbon, rng=np.random.default_rng(2))
    assert sorted(map(tuple, other.centres)) == sorted(map(tuple, carbon.centres))
    first, second = (link_carbon(c, box=BOX, periodic=(True,) * 3) for c in (carbon, other))
    assert len(first.earlier) == len(second.earlier)


def test_patch_sweep_states_the_carbon_of_the_patch(library):
    rng = np.random.default_rng(3)
    patch = coating_patch(150e-9, 2e-6, 0.3, 25e-9, library=library, rng=rng)
    found = sweep_carbon(patch, steps=20, runs=2, rng=rng)
    wrap = found.sweep.wrap
    assert np.all(np.isinf(wrap[:, 0]))
    assert np.all((wrap[:, 1:] > 0.05) & (wrap[:, 1:] <= 0.3 * 1.001))
    np.testing.assert_array_equal(found.wraps[:, 1], found.fraction >= wrap[0, 1] * (1 - 1e-9))
    assert not found.wraps[:, 0].any()
    assert found.fraction[-1] == pytest.approx(0.3, rel=2e-3)


def test_largest_cluster_is_that_of_a_labelled_graph(library):
    cube = bulk_patch(1e-6, 0.05, 25e-9, library=library, rng=np.random.default_rng(2))  # pores still constant
    found = sweep_carbon(cube, steps=5, rng=np.random.default_rng(0))
    network = link_carbon(cube.carbon, box=cube.box, periodic=cube.periodic)
    for fraction, share in zip(found.fraction, found.largest, strict=True):
        count = round(fraction / found.fraction[-1] * cube.carbon.count)
        inside = network.later < count
        graph = coo_matrix(
            (np.ones(inside.sum()), (network.later[inside], network.earlier[inside])), shape=(count, count)
        )
        assert share == np.bincount(connected_components(graph, directed=False)[1]).max() / count


@pytest.mark.parametrize("steps", [[0.2, 0.1], [-0.1], [0.5], []])
def test_steps_beyond_the_carbon_are_refused(library, steps):
    cube = bulk_patch(1e-6, 0.08, 25e-9, library=library, rng=np.random.default_rng(2))
    with pytest.raises(ValueError, match="steps are"):
        sweep_carbon(cube, steps=steps, rng=np.random.default_rng(0))


def test_a_coat_sweep_is_the_same_for_the_same_seed(library):
    def once():
        return sweep_coat(library, thickness=150e-9, width=1e-6, runs=8, rng=np.random.default_rng(4)).wrap

    np.testing.assert_array_equal(once(), once())


@pytest.mark.parametrize("case", CASES)
def test_bridge_rate_rises_with_carbon_and_half_point_falls_with_area(library, case):
    def bridges(area, windows):
        return sweep_bridges(
            library, thickness=150e-9, areas=[area], windows=windows, runs=6, case=case, rng=np.random.default_rng(6)
        )

    small, large = bridges(0.16e-12, 6), bridges(1.44e-12, 2)
    rates = [small.rate(fraction) for fraction in np.linspace(0.0, np.median(small.onsets[0]), 5)]
    assert rates[0] == 0.0
    assert np.all(np.diff(rates) >= 0)
    assert large.half_point().value < small.half_point().value


def test_a_single_coat_is_bridged_before_two(library):
    def half(case):
        rng = np.random.default_rng(7)
        return sweep_bridges(
            library, thickness=150e-9, areas=[1e-12], windows=3, runs=16, case=case, rng=rng
        ).half_point()

    one, merged, seam = (half(case) for case in list(CASES)[:3])
    assert one.high < merged.low
    assert merged.high < seam.low


def test_a_path_through_the_side_of_a_window_does_not_count(library):
    """One of nine windows of a patch, or of 64 in a wider one: the same area, the same answer.

    (In a patch of a single window the last aggregate, which is counted whole, would already raise the content.)
    """

    def half(windows, runs):
        rng = np.random.default_rng(9)
        return sweep_bridges(
            library, thickness=150e-9, areas=[0.1e-12], windows=windows, runs=runs, case="core_to_outside", rng=rng
        ).half_point()

    one, many = half(3, 24), half(8, 4)
    assert one.low < many.high
    assert many.low < one.high


def test_the_content_is_the_same_whatever_more_is_in_the_box(library):
    """An onset is stated in the carbon that is in then: more carbon behind it, with more pores, changes nothing."""
    onsets = []
    for content in (0.06, 0.16):
        rng = np.random.default_rng(3)
        cube = bulk_patch(1e-6, content, 25e-9, library=library, rng=rng)
        onsets.append(sweep_carbon(cube, rng=rng).sweep.wrap[0].min())
    assert onsets[0] == pytest.approx(onsets[1], rel=1e-9)


def test_content_of_all_the_carbon_is_that_of_the_recipe():
    recipe = Recipe.parse("80:20:3")
    cell = build_composite(recipe, porosity=0.3, box=(8e-6,) * 3, voxel_size=125e-9, rng=np.random.default_rng(1))
    found = sweep_carbon(cell, steps=3, rng=np.random.default_rng(1))
    assert found.fraction[-1] == pytest.approx(recipe.volume_fraction, rel=1e-4)


@pytest.mark.parametrize("bad", [None, 1, "seed", np.random.RandomState(1)])
def test_a_generator_is_required(library, bad):
    cube = bulk_patch(1e-6, 0.02, 25e-9, library=library, rng=np.random.default_rng(1))
    for call in (
        lambda: sweep_carbon(cube, rng=bad),
        lambda: sweep_bulk(library, edge=1e-6, runs=8, rng=bad),
        lambda: sweep_coat(library, thickness=1e-7, width=1e-6, runs=8, rng=bad),
        lambda: sweep_bridges(library, thickness=1e-7, areas=[1e-12], windows=1, runs=2, rng=bad),
        lambda: coating_patch(150e-9, 2e-6, 0.03, 25e-9, rng=bad),
        lambda: build_composite(Recipe.parse("80:20:0"), porosity=0.2, box=(8e-6,) * 3, voxel_size=1e-7, rng=bad),
    ):
        with pytest.raises(TypeError, match="rng"):
            call()


@pytest.mark.parametrize("gap", [-1e-9, np.nan, np.inf])
def test_contact_gap_is_a_length(gap):
    with pytest.raises(ValueError, match="contact_gap"):
        link_carbon(spheres(10, 1), box=BOX, periodic=(True,) * 3, contact_gap=gap)


def test_a_box_too_small_for_its_primaries_is_refused():
    with pytest.raises(ValueError, match="three primaries"):
        link_carbon(spheres(10, 1, (2e-7,) * 3), box=(2e-7,) * 3, periodic=(True,) * 3)
