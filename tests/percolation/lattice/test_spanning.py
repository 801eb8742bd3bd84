"""Spanning and wrapping: exact cases, twins that unroll the box, and laws over all three axes."""

from __future__ import annotations

import itertools
from collections import deque

import numpy as np
import pytest

from percolation import find_clusters, find_spanning

NEIGHBOURS = (6, 18, 26)
BOUNDARIES = tuple(itertools.product((False, True), repeat=3))


def steps_of(neighbours):
    reach = {6: 1, 18: 2, 26: 3}[neighbours]
    return [step for step in itertools.product((-1, 0, 1), repeat=3) if 0 < sum(map(abs, step)) <= reach]


def wrapping_by_walking(mask, axis, neighbours, periodic):
    """Walk each cluster with unrolled coordinates; a voxel met at two places along `axis` makes it a wrapping one."""
    place, found = {}, np.zeros(mask.shape, dtype=bool)
    for start in map(tuple, np.argwhere(mask)):
        if start in place:
            continue
        place[start], queue, members, wraps = start[axis], deque([start]), [start], False
        while queue:
            here = queue.popleft()
            for step in steps_of(neighbours):
                there = [here[a] + step[a] for a in range(3)]
                if any(not 0 <= there[a] < mask.shape[a] and not periodic[a] for a in range(3)):
                    continue
                there = tuple(there[a] % mask.shape[a] for a in range(3))
                if not mask[there]:
                    continue
                unrolled = place[here] + step[axis]
                if there not in place:
                    place[there] = unrolled
                    members.append(there)
                    queue.append(there)
                wraps |= place[there] != unrolled
        for member in members:
            found[member] = wraps
    return found


def wraps_by_tiling(mask, axis, neighbours, periodic, copies=9):
    """Lay copies in a row: a wrapping cluster joins a voxel with one of its own images."""
    row = np.concatenate([mask] * copies, axis=axis)
    cut = [flag and a != axis for a, flag in enumerate(periodic)]
    labels = np.moveaxis(find_clusters(row, neighbours=neighbours, periodic=cut).labels, axis, 0)
    images = labels.reshape(copies, mask.shape[axis], -1)
    middle = images[copies // 2]
    return any(((images[c] == middle) & (middle > 0)).any() for c in range(copies) if c != copies // 2)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_straight_rod_spans_and_wraps_along_itself_only(axis):
    mask = np.zeros((5, 5, 5), dtype=bool)
    mask.swapaxes(0, axis)[:, 2, 2] = True
    for other in range(3):
        found = find_spanning(mask, axis=other, periodic=(True,) * 3)
        assert (found.spans, found.wraps) == (other == axis, other == axis)
        free = find_spanning(mask, axis=other, periodic=(False,) * 3)
        assert (free.spans, free.wraps) == (other == axis, False)
        assert free.fraction == float(other == axis)


def test_path_through_the_boundary_of_its_own_axis_does_not_span():
    mask = np.zeros((6, 3, 1), dtype=bool)
    mask[[0, 1, 4, 5], 0, 0] = True  # joins both faces only round the back
    found = find_spanning(mask, axis=0, periodic=(True, False, False))
    assert not found.spans
    assert not found.wraps


def test_path_through_a_lateral_boundary_does_span():
    mask = np.zeros((4, 6, 1), dtype=bool)
    mask[:2, 0, 0] = mask[1:, 5, 0] = True
    assert not find_spanning(mask, axis=0, periodic=(False, False, False)).spans
    assert find_spanning(mask, axis=0, periodic=(False, True, False)).spans


def test_staircase_closes_after_two_turns():
    mask = np.zeros((4, 8, 1), dtype=bool)
    # Advances four columns per period, so it meets itself only after the second one.
    for x, strand in itertools.product(range(4), (0, 4)):
        mask[x, [(x + strand) % 8, (x + strand + 1) % 8], 0] = True
    for axis in (0, 1):
        assert find_spanning(mask, axis=axis, periodic=(True, True, False)).wraps
        one_ring = tuple(a == axis for a in range(3))
        assert not find_spanning(mask, axis=axis, periodic=one_ring).wraps


@pytest.mark.parametrize("thickness", [1, 2])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_thin_periodic_axes(axis, thickness):
    shape = [4, 4, 4]
    shape[axis] = thickness
    one = np.zeros(shape, dtype=bool)
    one.swapaxes(0, axis)[0, 1, 1] = True
    single = find_spanning(one, axis=axis, periodic=(True,) * 3)
    # In one layer a voxel touches its own image; in two it needs the other layer as well.
    assert single.wraps == single.spans == (thickness == 1)
    one.swapaxes(0, axis)[:, 1, 1] = True
    both = find_spanning(one, axis=axis, periodic=(True,) * 3)
    assert both.wraps
    assert both.fraction == 1.0
    assert not any(find_spanning(one, axis=a, periodic=(True,) * 3).wraps for a in range(3) if a != axis)


@pytest.mark.parametrize("neighbours", NEIGHBOURS)
@pytest.mark.parametrize("shape", [(5, 6, 4), (2, 5, 3), (1, 4, 5), (4, 2, 2), (6, 3, 1), (1, 1, 3), (2, 2, 2)])
def test_wrapping_equals_both_twins(neighbours, shape):
    rng = np.random.default_rng(7)
    fraction = {6: 0.38, 18: 0.2, 26: 0.15}[neighbours]
    seen = set()
    for periodic, axis in itertools.product(BOUNDARIES, range(3)):
        if not periodic[axis]:
            continue
        mask = rng.random(shape) < fraction
        found = find_spanning(mask, axis=axis, neighbours=neighbours, periodic=periodic)
        np.testing.assert_array_equal(found.mask, wrapping_by_walking(mask, axis, neighbours, periodic))
        assert found.wraps == found.mask.any() == wraps_by_tiling(mask, axis, neighbours, periodic)
        seen.add(found.wraps)
    assert seen == {True, False} or min(shape) == 1 or max(shape) == 2


@pytest.mark.parametrize("neighbours", NEIGHBOURS)
def test_spanning_clusters_hold_both_faces(neighbours):
    rng = np.random.default_rng(8)
    seen = set()
    for periodic, axis in itertools.product(BOUNDARIES, range(3)):
        mask = rng.random((5, 6, 5)) < {6: 0.36, 18: 0.17, 26: 0.12}[neighbours]
        cut = [flag and a != axis for a, flag in enumerate(periodic)]
        labels = np.moveaxis(find_clusters(mask, neighbours=neighbours, periodic=cut).labels, axis, 0)
        crossing = (set(labels[0].ravel().tolist()) & set(labels[-1].ravel().tolist())) - {0}
        found = find_spanning(mask, axis=axis, neighbours=neighbours, periodic=periodic)
        assert found.spans == bool(crossing)
        if not periodic[axis]:
            np.testing.assert_array_equal(np.moveaxis(found.mask, axis, 0), np.isin(labels, list(crossing)))
            assert not found.wraps
        assert found.fraction == pytest.approx(found.mask.sum() / mask.sum())
        seen.add(found.spans)
    assert seen == {True, False}


def test_laws_on_random_media_over_all_axes():
    rng = np.random.default_rng(9)
    for trial in range(30):
        mask = rng.random((6, 6, 6)) < 0.33
        axis = trial % 3
        here = find_spanning(mask, axis=axis, periodic=(True,) * 3)
        shifted = find_spanning(np.roll(mask, (1, 2, 3), axis=(0, 1, 2)), axis=axis, periodic=(True,) * 3)
        assert here.wraps == shifted.wraps, "wrapping does not know where the box begins"
        flipped = find_spanning(np.flip(mask, axis), axis=axis, periodic=(True,) * 3)
        assert (here.spans, here.wraps) == (flipped.spans, flipped.wraps)
        turned = find_spanning(np.moveaxis(mask, axis, 0), axis=0, periodic=(True,) * 3)
        assert (here.spans, here.wraps, here.fraction) == (turned.spans, turned.wraps, turned.fraction)
        more = find_spanning(mask | (rng.random(mask.shape) < 0.1), axis=axis, periodic=(True,) * 3)
        assert more.wraps >= here.wraps
        assert more.spans >= here.spans


def test_empty_phase_is_an_answer():
    found = find_spanning(np.zeros((3, 3, 3), dtype=bool))
    assert (found.spans, found.wraps, found.fraction) == (False, False, 0.0)
    assert "spans no, wraps no" in str(found)


@pytest.mark.parametrize(("axis", "error"), [(3, ValueError), (-1, ValueError), (1.0, TypeError), (True, TypeError)])
def test_wrong_axis(axis, error):
    with pytest.raises(error, match="axis"):
        find_spanning(np.ones((3, 3, 3), dtype=bool), axis=axis)
