"""Clusters: exact cases, a breadth-first twin for every neighbourhood and boundary, and what the door refuses."""

from __future__ import annotations

import itertools
from collections import deque

import numba
import numpy as np
import pytest
from scipy.ndimage import label

from percolation import find_clusters

NEIGHBOURS = (6, 18, 26)
BOUNDARIES = tuple(itertools.product((False, True), repeat=3))


def steps_of(neighbours):
    reach = {6: 1, 18: 2, 26: 3}[neighbours]
    return [step for step in itertools.product((-1, 0, 1), repeat=3) if 0 < sum(map(abs, step)) <= reach]


def label_breadth_first(mask, neighbours, periodic):
    """The slow obvious twin: flood from each voxel that has no label yet."""
    labels, count = np.zeros(mask.shape, dtype=int), 0
    for start in map(tuple, np.argwhere(mask)):
        if labels[start]:
            continue
        count += 1
        labels[start] = count
        queue = deque([start])
        while queue:
            here = queue.popleft()
            for step in steps_of(neighbours):
                there = [here[a] + step[a] for a in range(3)]
                if any(not 0 <= there[a] < mask.shape[a] and not periodic[a] for a in range(3)):
                    continue
                there = tuple(there[a] % mask.shape[a] for a in range(3))
                if mask[there] and not labels[there]:
                    labels[there] = count
                    queue.append(there)
    return labels


def test_corner_contact_needs_26_neighbours_and_edge_contact_18():
    corner, edge = np.zeros((2, 2, 2), dtype=bool), np.zeros((2, 2, 2), dtype=bool)
    corner[0, 0, 0] = corner[1, 1, 1] = True
    edge[0, 0, 0] = edge[0, 1, 1] = True
    assert [find_clusters(corner, neighbours=n).count for n in NEIGHBOURS] == [2, 2, 1]
    assert [find_clusters(edge, neighbours=n).count for n in NEIGHBOURS] == [2, 1, 1]


def test_periodic_boundary_joins_only_its_own_axis():
    for axis in range(3):
        mask = np.zeros((5, 5, 5), dtype=bool)
        mask.swapaxes(0, axis)[[0, -1], 2, 2] = True
        for periodic in BOUNDARIES:
            assert find_clusters(mask, periodic=periodic).count == (1 if periodic[axis] else 2)


def test_empty_and_full_masks():
    empty, full = np.zeros((3, 4, 5), dtype=bool), np.ones((3, 4, 5), dtype=bool)
    assert find_clusters(empty).count == 0
    assert find_clusters(empty).sizes.tolist() == [60]
    assert find_clusters(full).sizes.tolist() == [0, 60]


def test_checkerboard_is_all_single_voxels():
    x, y, z = np.indices((5, 4, 3))
    found = find_clusters((x + y + z) % 2 == 0)
    assert found.count == 30
    assert set(found.sizes[1:].tolist()) == {1}


@pytest.mark.parametrize("neighbours", NEIGHBOURS)
@pytest.mark.parametrize("shape", [(6, 5, 7), (1, 4, 5), (4, 1, 6), (5, 6, 1), (2, 5, 2), (1, 1, 6), (7, 2, 1)])
def test_labels_equal_the_breadth_first_twin(neighbours, shape):
    rng = np.random.default_rng(20240501)
    # Around each neighbourhood's own threshold the clusters are the most intricate.
    fraction = {6: 0.35, 18: 0.16, 26: 0.12}[neighbours] * (1 if min(shape) > 2 else 1.4)
    for periodic in BOUNDARIES:
        mask = rng.random(shape) < fraction
        found = find_clusters(mask, neighbours=neighbours, periodic=periodic)
        twin = label_breadth_first(mask, neighbours, periodic)
        np.testing.assert_array_equal(found.labels, twin)  # both number clusters by their first voxel
        np.testing.assert_array_equal(found.sizes, np.bincount(twin.ravel(), minlength=found.count + 1))
        assert found.count == twin.max()


@pytest.mark.parametrize("neighbours", NEIGHBOURS)
@pytest.mark.parametrize("length", [64, 65, 130])
def test_runs_that_cross_words_of_64_voxels(neighbours, length):
    rng = np.random.default_rng(length)
    for periodic, fraction in itertools.product(BOUNDARIES[::7], (0.2, 0.6)):
        mask = rng.random((2, 2, length)) < fraction
        twin = label_breadth_first(mask, neighbours, periodic)
        np.testing.assert_array_equal(find_clusters(mask, neighbours=neighbours, periodic=periodic).labels, twin)


@pytest.mark.parametrize("neighbours", NEIGHBOURS)
def test_single_voxels_at_the_ends_of_rows(neighbours):
    """Where a run is moved out of its row by the step to a neighbour, those behind it keep their names."""
    for bits in itertools.product((False, True), repeat=6):
        mask = np.zeros((1, 2, 66), bool)
        mask[0, 0, [0, 1, 65]], mask[0, 1, [0, 1, 65]] = bits[:3], bits[3:]
        for periodic in ((False, False, False), (False, False, True)):
            twin = label_breadth_first(mask, neighbours, periodic)
            np.testing.assert_array_equal(find_clusters(mask, neighbours=neighbours, periodic=periodic).labels, twin)


@pytest.mark.parametrize("neighbours", NEIGHBOURS)
def test_the_same_bytes_for_any_number_of_threads_and_any_layout(neighbours):
    rng = np.random.default_rng(8)
    mask = rng.random((40, 30, 70)) < {6: 0.3116, 18: 0.137, 26: 0.097}[neighbours]
    before = numba.get_num_threads()
    try:
        found = []
        for threads in (1, 2):
            numba.set_num_threads(min(threads, before))
            found.append(find_clusters(mask, neighbours=neighbours, periodic=(True, False, True)))
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(found[0].labels, found[1].labels)
    wide = np.zeros((40, 60, 70), bool)
    wide[:, ::2] = mask
    for layout in (np.asfortranarray(mask), wide[:, ::2], mask[::-1, :, ::-1][::-1, :, ::-1]):
        again = find_clusters(layout, neighbours=neighbours, periodic=(True, False, True))
        np.testing.assert_array_equal(again.labels, found[0].labels)


def test_rows_longer_than_a_short_integer_can_count():
    mask = np.random.default_rng(3).random((2, 2, 70_000)) < 0.5
    found = find_clusters(mask)
    labels, count = label(mask)
    assert found.count == count
    np.testing.assert_array_equal(found.labels, labels)


@pytest.mark.parametrize("neighbours", NEIGHBOURS)
def test_clusters_do_not_depend_on_the_order_of_axes_or_the_origin(neighbours):
    rng = np.random.default_rng(11)
    mask = rng.random((9, 8, 7)) < {6: 0.32, 18: 0.14, 26: 0.1}[neighbours]
    sizes = np.sort(find_clusters(mask, neighbours=neighbours, periodic=(True,) * 3).sizes)
    for order in itertools.permutations(range(3)):
        turned = np.roll(mask, (3, 2, 5), axis=(0, 1, 2)).transpose(order)
        found = find_clusters(turned, neighbours=neighbours, periodic=(True,) * 3)
        np.testing.assert_array_equal(np.sort(found.sizes), sizes)


def test_result_types_and_untouched_input():
    mask = np.random.default_rng(2).random((6, 6, 6)) < 0.3
    before = mask.copy()
    mask.flags.writeable = False
    found = find_clusters(mask)
    np.testing.assert_array_equal(mask, before)
    assert found.labels.dtype == np.int32
    assert found.sizes.dtype == np.int64
    assert type(found.count) is int
    assert found.sizes.sum() == mask.size
    assert f"{found.count} clusters" in str(found)


@pytest.mark.parametrize(
    ("mask", "options", "error", "words"),
    [
        (np.ones((3, 3, 3)), {}, TypeError, "bool"),
        ([[[True]]], {}, TypeError, "list"),
        (np.ones((3, 3), dtype=bool), {}, ValueError, "np.newaxis"),
        (np.ones((3, 0, 3), dtype=bool), {}, ValueError, "at least one voxel"),
        (np.ones((3, 3, 3), dtype=bool), {"neighbours": 8}, ValueError, "6 .*18 .*26"),
        (np.ones((3, 3, 3), dtype=bool), {"neighbours": "6"}, TypeError, "whole number"),
        (np.ones((3, 3, 3), dtype=bool), {"periodic": True}, TypeError, "three bools"),
        (np.ones((3, 3, 3), dtype=bool), {"periodic": (True, False)}, ValueError, "three bools"),
        (np.ones((3, 3, 3), dtype=bool), {"periodic": (1, 0, 0)}, TypeError, "three bools"),
    ],
)
def test_refusals(mask, options, error, words):
    with pytest.raises(error, match=words):
        find_clusters(mask, **options)
