"""Sizes of known clusters, slow twins of the pair sums and of the shadow, and what is refused."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from microstructure.carbon import _size_measures
from microstructure.carbon.size_measures import SIZE_MEASURES, measure_size

A = 18.5e-9
DIMER = np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])


def rotation(rng):
    matrix, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    return matrix


def chain(count):
    return np.stack([2.0 * np.arange(count), np.zeros(count), np.zeros(count)], axis=1)


def cloud(rng, count=20, width=2.0):
    return width * rng.standard_normal((count, 3))


def union_by_points(x, y, rng, points=200_000):
    """Slow twin: the area that random points of the bounding box find within 1 of a centre, and its standard error."""
    low, high = np.array([x.min(), y.min()]) - 1.0, np.array([x.max(), y.max()]) + 1.0
    spots = low + (high - low) * rng.random((points, 2))
    inside = np.zeros(points, dtype=bool)
    for across, along in zip(x, y, strict=True):
        inside |= (spots[:, 0] - across) ** 2 + (spots[:, 1] - along) ** 2 < 1.0
    box, share = np.prod(high - low), inside.mean()
    return box * share, box * math.sqrt(share * (1.0 - share) / points)


def union_area(x, y):
    scratch = np.empty((2, 2 * len(x)))
    return _size_measures.union_area(np.asarray(x, float), np.asarray(y, float), 1.0, scratch[0], scratch[1])


@pytest.mark.parametrize("measure", SIZE_MEASURES)
def test_a_single_sphere_has_its_own_diameter_and_no_gyration_of_centres(measure):
    expected = 0.0 if measure == "gyration" else 2 * A
    assert measure_size([[3e-7, -1e-7, 2e-8]], A, measure) == pytest.approx(expected, rel=1e-12, abs=1e-20)


def test_a_dimer_has_the_closed_forms():
    rng = np.random.default_rng(3)
    centres = A * DIMER @ rotation(rng)
    assert measure_size(centres, A, "extent") == pytest.approx(4 * A, rel=1e-12)
    assert measure_size(centres, A, "gyration") == pytest.approx(2 * A, rel=1e-12)
    assert measure_size(centres, A, "hydrodynamic") == pytest.approx(8 / 3 * A, rel=1e-12)
    shadow = A * A * (math.pi + 8 / 3)  # two overlapping discs, averaged over orientations
    assert measure_size(centres, A, "projected_area") == pytest.approx(math.sqrt(4 * shadow / math.pi), rel=4e-3)


@pytest.mark.parametrize("count", [3, 10, 57])
def test_a_straight_chain_has_the_closed_forms(count):
    centres = A * chain(count)
    pairs = sum(1 / (2 * abs(i - j)) for i in range(count) for j in range(count) if i != j)
    assert measure_size(centres, A, "extent") == pytest.approx(2 * count * A, rel=1e-12)
    assert measure_size(centres, A, "gyration") == pytest.approx(2 * A * math.sqrt((count**2 - 1) / 3), rel=1e-12)
    assert measure_size(centres, A, "hydrodynamic") == pytest.approx(2 * count * A / (1 + pairs / count), rel=1e-12)


def test_pair_sums_agree_with_plain_loops():
    centres = cloud(np.random.default_rng(5))
    distances = [math.dist(p, q) for p, q in itertools.combinations(centres, 2)]
    mean = centres.mean(axis=0)
    gyration = math.sqrt(sum(math.dist(p, mean) ** 2 for p in centres) / len(centres))
    assert measure_size(centres, 1.0, "extent") == pytest.approx(max(distances) + 2, rel=1e-12)
    assert measure_size(centres, 1.0, "gyration") == pytest.approx(2 * gyration, rel=1e-12)
    drag = 1 + 2 * sum(1 / r for r in distances) / len(centres)
    assert measure_size(centres, 1.0, "hydrodynamic") == pytest.approx(2 * len(centres) / drag, rel=1e-12)


def test_the_union_of_two_discs_is_exact():
    for apart in (0.0, 1e-13, 1e-6, 0.5, 1.0, 1.999999, 2.0, 3.0):
        half = min(apart / 2, 1.0)
        lens = 2 * math.acos(half) - 2 * half * math.sqrt(1 - half * half)
        # on either side of the seam of the angles, and along both axes
        for angle in (0.0, 1.0, math.pi / 2, math.pi, 4.0):
            x, y = [0.3, 0.3 + apart * math.cos(angle)], [-0.7, -0.7 + apart * math.sin(angle)]
            assert union_area(x, y) == pytest.approx(2 * math.pi - lens, rel=1e-10)


def test_three_equal_discs_count_once_and_a_hole_counts_not():
    assert union_area([0.5] * 3, [2.0] * 3) == pytest.approx(math.pi, rel=1e-12)
    angles = np.linspace(0, 2 * math.pi, 8, endpoint=False)
    x, y = 2 * np.cos(angles), 2 * np.sin(angles)
    apart = math.hypot(x[1] - x[0], y[1] - y[0]) / 2
    lens = 2 * math.acos(apart) - 2 * apart * math.sqrt(1 - apart * apart)
    assert union_area(x, y) == pytest.approx(8 * (math.pi - lens), rel=1e-12)  # only neighbours overlap


def test_the_union_of_many_discs_agrees_with_random_points():
    rng = np.random.default_rng(8)
    for count in (3, 12, 40):
        x, y = 2.5 * rng.standard_normal((2, count))
        expected, error = union_by_points(x, y, rng)
        area = union_area(x, y)
        assert abs(area - expected) < 4 * error
        assert abs(area - count * math.pi) > 20 * error  # the control: the sum of the discs is refused


def test_the_mean_shadow_of_a_random_cluster_agrees_with_random_views():
    rng = np.random.default_rng(9)
    centres = cloud(rng, count=12)
    areas = np.array([union_area(*(centres @ rotation(rng))[:, :2].T) for _ in range(2000)])
    area = math.pi / 4 * measure_size(centres, 1.0, "projected_area") ** 2
    assert abs(area - areas.mean()) < 4 * areas.std() / math.sqrt(len(areas)) + 0.006 * area


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_mean_shadow_of_a_long_chain_hangs_on_no_axis(axis):
    # a cylinder of length L and radius a has the mean shadow pi a (L + a) / 2; a chain's edge is scalloped
    centres = np.roll(chain(100), axis, axis=1)
    views = np.array([union_area(*(centres @ rotation(np.random.default_rng(seed)))[:, :2].T) for seed in range(1500)])
    area = math.pi / 4 * measure_size(centres, 1.0, "projected_area") ** 2
    assert area == pytest.approx(views.mean(), rel=0.03)
    assert math.pi / 4 < area / (math.pi * 201 / 2) < 1


@pytest.mark.parametrize("measure", SIZE_MEASURES)
def test_sizes_turn_move_and_scale_with_the_cluster(measure):
    rng = np.random.default_rng(10)
    centres = cloud(rng)
    before = centres.copy()
    size = measure_size(centres, 1.0, measure)
    views = 0.004 if measure == "projected_area" else 1e-12
    assert measure_size(centres @ rotation(rng) + 7.0, 1.0, measure) == pytest.approx(size, rel=views)
    assert measure_size(1e-8 * centres, 1e-8, measure) == pytest.approx(1e-8 * size, rel=1e-12)
    assert measure_size(centres[::-1], 1.0, measure) == pytest.approx(size, rel=1e-12)
    assert type(size) is float
    assert (centres == before).all()


@pytest.mark.parametrize(
    ("centres", "radius", "measure", "error", "words"),
    [
        (DIMER, 1.0, "hydrodinamic", ValueError, "did you mean 'hydrodynamic'"),
        (DIMER, 1.0, "Gyration", ValueError, "did you mean 'gyration'"),
        (DIMER, 1.0, 3, TypeError, "size measure"),
        (DIMER, 0.0, "extent", ValueError, "radius"),
        (DIMER, math.nan, "extent", ValueError, "radius"),
        (DIMER, "1", "extent", TypeError, "radius"),
        (DIMER[:, :2], 1.0, "extent", ValueError, "shape"),
        (DIMER[:0], 1.0, "extent", ValueError, "shape"),
        (DIMER * math.nan, 1.0, "extent", ValueError, "finite"),
        ([["0", "0", "0"]], 1.0, "extent", TypeError, "real numbers"),
        ([[0, 0, 0], [0, 0, 0]], 1.0, "hydrodynamic", ValueError, "same centre"),
    ],
)
def test_wrong_input_is_refused(centres, radius, measure, error, words):
    with pytest.raises(error, match=words):
        measure_size(centres, radius, measure)
