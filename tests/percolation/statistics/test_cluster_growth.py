"""Sizes of clusters as a lattice fills up, against labelling anew and against exact small lattices; and the threads."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from percolation import find_clusters, sweep_sites


def sizes_by_labelling(order, shape, neighbours, periodic, counts):
    """The slow obvious twin: label the first sites of the order."""
    found = []
    for count in counts:
        mask = np.zeros(shape, dtype=bool)
        mask.flat[order[:count]] = True
        sizes = find_clusters(mask, neighbours=neighbours, periodic=periodic).sizes[1:].astype(float)
        found.append((sizes.max(), (sizes**2).sum()))
    return np.array(found).T


def others_squared(growth):
    """Sum of size squared over all clusters but the largest, the mean over runs, at each number of sites."""
    return (growth.pairs - growth.largest.astype(float) ** 2).mean(axis=0)


@pytest.mark.parametrize("neighbours", [6, 18, 26])
@pytest.mark.parametrize(("shape", "points"), [((5, 4, 6), 120), ((5, 4, 6), 7), ((9, 8, 1), 20), ((1, 2, 9), 18)])
def test_sizes_equal_the_twin(neighbours, shape, points):
    for periodic in itertools.product((False, True), repeat=3):
        options = {"neighbours": neighbours, "periodic": periodic}
        sweep = sweep_sites(shape, **options, runs=2, points=points, rng=np.random.default_rng(31))
        rng = np.random.default_rng(31).spawn(1)[0]
        for run in range(2):
            order = rng.permutation(np.prod(shape))
            largest, pairs = sizes_by_labelling(order, shape, neighbours, periodic, sweep.growth.counts)
            np.testing.assert_array_equal(sweep.growth.largest[run], largest)
            np.testing.assert_array_equal(sweep.growth.pairs[run], pairs)
        without = sweep_sites(shape, **options, runs=2, rng=np.random.default_rng(31))
        np.testing.assert_array_equal(without.jump, sweep.jump)
        np.testing.assert_array_equal(without.wrap, sweep.wrap)
        assert without.growth is None


def test_exact_averages_of_three_sites_in_a_row():
    """The largest of three in a row and the other clusters, over all eight occupations."""
    p = np.array([0.0, 0.1, 0.5, 0.8, 1.0])
    q = 1 - p
    # One site: 3 ways. Two: side by side in 2 of 3, apart in 1, where the other cluster is a site. Three: all.
    largest = 3 * p * q**2 + (2 * 2 + 1) * p**2 * q + 3 * p**3
    others = p**2 * q
    sweep = sweep_sites((3, 1, 1), periodic=(False,) * 3, runs=60_000, points=3, rng=np.random.default_rng(32))
    np.testing.assert_allclose(sweep.growth.largest_share(p) * 3, largest, atol=0.005)
    mean = others_squared(sweep.growth)  # of one, two and three occupied sites
    np.testing.assert_allclose(3 * p * q**2 * mean[0] + 3 * p**2 * q * mean[1] + p**3 * mean[2], others, atol=0.005)


def test_average_is_the_binomial_sum():
    sweep = sweep_sites((3, 3, 3), runs=5, points=27, rng=np.random.default_rng(33))
    from scipy.stats import binom

    for p in (0.05, 0.3, 0.9):
        weights = binom.pmf(np.arange(1, 28), 27, p)
        assert sweep.growth.largest_share(p) == pytest.approx(weights @ sweep.growth.largest.mean(axis=0) / 27)
    few = sweep_sites((3, 3, 3), runs=5, points=4, rng=np.random.default_rng(33)).growth
    full = np.interp(np.arange(28), [0, *few.counts], [0, *few.largest.mean(axis=0)])
    assert few.largest_share(0.4) == pytest.approx(binom.pmf(np.arange(28), 27, 0.4) @ full / 27)


def test_largest_cluster_takes_over_at_the_threshold():
    growth = sweep_sites((24, 24, 24), runs=4, points=200, rng=np.random.default_rng(34)).growth
    p = np.linspace(0, 1, 41)
    share = growth.largest_share(p)
    assert (np.diff(share) > 0).all()
    assert share[p < 0.28].max() < 0.02
    assert share[-1] == pytest.approx(1)
    sizes = others_squared(growth) / growth.counts  # of an occupied site's cluster, the largest left out
    assert 0.26 < growth.counts[sizes.argmax()] / growth.total < 0.36


@pytest.mark.parametrize(("shape", "runs"), [((40, 41, 42), 5), ((8, 8, 8), 300)])
def test_same_bytes_for_any_number_of_workers(shape, runs):
    one, two, three, many = (
        sweep_sites(shape, runs=runs, points=5, workers=workers, rng=np.random.default_rng(35))
        for workers in (1, 2, 3, None)
    )
    for other in (two, three, many):
        assert one.wrap.tobytes() == other.wrap.tobytes()
        assert one.jump.tobytes() == other.jump.tobytes()
        assert one.growth.pairs.tobytes() == other.growth.pairs.tobytes()
    # Negative control: another seed gives other bytes.
    assert one.wrap.tobytes() != sweep_sites(shape, runs=runs, rng=np.random.default_rng(36)).wrap.tobytes()


def test_runs_differ_across_blocks():
    sweep = sweep_sites((8, 8, 8), runs=300, rng=np.random.default_rng(37))  # 128 runs a block
    assert not np.array_equal(sweep.wrap[:100], sweep.wrap[128:228])


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"workers": 0}, ValueError, "workers"),
        ({"workers": 1.5}, TypeError, "workers"),
        ({"points": -1}, ValueError, "points"),
        ({"points": "all"}, TypeError, "points"),
    ],
)
def test_refusals(options, error, words):
    with pytest.raises(error, match=words):
        sweep_sites((4, 4, 4), runs=1, rng=np.random.default_rng(0), **options)


def test_curves_refuse_what_is_no_probability():
    growth = sweep_sites((4, 4, 4), runs=1, points=8, rng=np.random.default_rng(0)).growth
    for p in (1.5, float("nan"), [0.1, -0.1]):
        with pytest.raises(ValueError, match="occupation probability"):
            growth.largest_share(p)
