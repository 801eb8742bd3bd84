"""The site sweep against a twin that asks `find_spanning` after every site, and against exact small lattices."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from microstructure.errors import ThresholdError
from percolation import Sweep, find_clusters, find_spanning, sweep_sites

NEIGHBOURS = (6, 18, 26)
BOUNDARIES = tuple(itertools.product((False, True), repeat=3))


def onsets_by_asking(order, shape, neighbours, periodic):
    """The slow obvious twin: add one site, then label everything again."""
    mask = np.zeros(shape, dtype=bool)
    wrap, span, jump, largest, most = np.full(3, np.inf), np.full(3, np.inf), np.inf, 0, 0
    for n, site in enumerate(order, start=1):
        mask.flat[site] = True
        for axis in range(3):
            found = find_spanning(mask, axis=axis, neighbours=neighbours, periodic=periodic)
            if found.wraps:
                wrap[axis] = min(wrap[axis], n)
            if found.spans and not periodic[axis]:
                span[axis] = min(span[axis], n)
        size = find_clusters(mask, neighbours=neighbours, periodic=periodic).sizes[1:].max()
        if size - largest > most:
            most, jump = size - largest, n
        largest = max(largest, size)
    return wrap, span, jump


@pytest.mark.parametrize("neighbours", NEIGHBOURS)
@pytest.mark.parametrize(
    "shape",
    [pytest.param((4, 5, 3), marks=pytest.mark.slow), (3, 4, 3), (2, 4, 3), (1, 4, 5), (4, 4, 1), (2, 2, 2), (1, 1, 4)],
)
def test_sweep_equals_the_twin(neighbours, shape):
    for periodic in BOUNDARIES:
        sweep = sweep_sites(shape, neighbours=neighbours, periodic=periodic, runs=2, rng=np.random.default_rng(21))
        rng = np.random.default_rng(21).spawn(1)[0]
        for run in range(2):
            order = rng.permutation(math.prod(shape))
            wrap, span, jump = onsets_by_asking(order, shape, neighbours, periodic)
            np.testing.assert_array_equal(sweep.wrap[run], wrap)
            np.testing.assert_array_equal(sweep.span[run], span)
            assert sweep.jump[run] == jump


def test_every_axis_gets_its_onset_and_no_other():
    for periodic in BOUNDARIES:
        sweep = sweep_sites((4, 4, 4), periodic=periodic, runs=3, rng=np.random.default_rng(0))
        for axis in range(3):
            assert np.isfinite(sweep.wrap[:, axis]).all() == periodic[axis]
            assert np.isfinite(sweep.span[:, axis]).all() != periodic[axis]


def test_rings_and_chains_need_every_site():
    for axis in range(3):
        shape = [1, 1, 1]
        shape[axis] = 7
        ring = sweep_sites(
            shape, axis=axis, periodic=[a == axis for a in range(3)], runs=4, rng=np.random.default_rng(1)
        )
        chain = sweep_sites(shape, axis=axis, periodic=(False,) * 3, runs=4, rng=np.random.default_rng(1))
        assert (ring.wrap[:, axis] == 7).all()
        assert (chain.span[:, axis] == 7).all()
        assert ring.probability(0.9, "wrap") == pytest.approx(0.9**7, abs=1e-12)
        assert chain.probability(0.9, "span") == pytest.approx(0.9**7, abs=1e-12)


def test_binomial_average_is_the_exact_polynomial_of_a_square():
    """Of the 2 x 2 square, p^2 (2 - p^2) is the chance that one column at least is full."""
    sweep = sweep_sites((2, 2, 1), periodic=(False,) * 3, runs=20_000, rng=np.random.default_rng(3))
    for p in (0.2, 0.5, 0.8):
        exact = p**2 * (2 - p**2)
        assert sweep.probability(p, "span", 0) == pytest.approx(exact, abs=0.01)
        # Negative control: treating p as a share of the four sites instead misses by far more.
        naive = float((sweep.span[:, 0] / 4 <= p).mean())
        assert abs(naive - exact) > 0.015


def test_curve_rises_from_zero_to_one_and_any_lies_above_all():
    sweep = sweep_sites((6, 6, 6), runs=20, rng=np.random.default_rng(4))
    p = np.linspace(0, 1, 101)
    one, either, both = (sweep.curve(p, "wrap", axis) for axis in (1, "any", "all"))
    assert one[0] == 0
    assert one[-1] == 1
    assert (np.diff(one) >= -1e-12).all()
    assert (either >= one).all()
    assert (one >= both).all()
    np.testing.assert_array_equal(sweep.curve(p, "wrap", "either"), either)
    np.testing.assert_array_equal(sweep.curve(p, "wrap", "both"), both)
    np.testing.assert_array_equal(sweep.curve(p), sweep.curve(p, "wrap", 0))


def test_same_seed_same_bytes_and_runs_are_independent():
    one, two = (sweep_sites((8, 8, 8), runs=10, rng=np.random.default_rng(5)) for _ in range(2))
    assert one.wrap.tobytes() == two.wrap.tobytes()
    assert one.jump.tobytes() == two.jump.tobytes()
    first = sweep_sites((8, 8, 8), runs=3, rng=np.random.default_rng(5))
    np.testing.assert_array_equal(first.wrap, one.wrap[:3])
    assert len(np.unique(one.wrap[:, 0])) > 3


# Along one direction, whatever the others do; along any; along all (Pinson 1994 on the torus, Wang 2013 in the cube).
@pytest.mark.parametrize(
    ("shape", "periodic", "critical", "expected", "runs"),
    [
        (
            (16, 16, 1),
            (True, True, False),
            0.59274605,
            {0: 0.521058, 1: 0.521058, "any": 0.690474, "all": 0.351643},
            8000,
        ),
        (
            (12, 12, 12),
            (True,) * 3,
            0.3116077,
            {0: 0.25780, 1: 0.25780, 2: 0.25780, "any": 0.45998, "all": 0.08044},
            4000,
        ),
    ],
)
def test_wrapping_probabilities_at_the_threshold(shape, periodic, critical, expected, runs):
    sweep = sweep_sites(shape, periodic=periodic, runs=runs, rng=np.random.default_rng(6))
    for axis, probability in expected.items():
        # Four standard errors, and 0.005 for the finite lattice.
        allowed = 4 * math.sqrt(probability * (1 - probability) / runs) + 0.005
        assert abs(sweep.probability(critical, "wrap", axis) - probability) < allowed
        # Negative control: three per cent beside the threshold the same test fails.
        assert abs(sweep.probability(1.03 * critical, "wrap", axis) - probability) > allowed


def test_continuum_sweep_counts_runs():
    onset = np.array([0.1, 0.2, 0.3, np.inf])
    sweep = Sweep(
        wrap=np.stack([onset] * 3, axis=1),
        span=np.full((4, 3), np.inf),
        jump=onset,
        shape=(1e-6, 1e-6, 1e-6),
        periodic=(True,) * 3,
        neighbours=0,
        quantity="CB volume fraction of the matrix",
        recipe="made up",
    )
    np.testing.assert_array_equal(sweep.curve([0.05, 0.1, 0.25, 5.0]), [0, 0.25, 0.5, 0.75])
    with pytest.raises(ThresholdError, match="make it free"):
        sweep.probability(0.1, "span", 0)
    with pytest.raises(ThresholdError, match="make it free"):
        sweep.probability(0.1, "span", "any")


def test_sweep_refuses_what_does_not_fit():
    good = {"shape": (4, 4, 4), "periodic": (True,) * 3, "neighbours": 6, "quantity": "q", "recipe": "r", "total": 64}
    with pytest.raises(ValueError, match=r"span must have shape \(2, 3\)"):
        Sweep(wrap=np.ones((2, 3)), span=np.ones((3, 3)), jump=np.ones(2), **good)
    with pytest.raises(ValueError, match="NaN"):
        Sweep(wrap=np.full((2, 3), np.nan), span=np.ones((2, 3)), jump=np.ones(2), **good)
    sweep = Sweep(wrap=np.ones((2, 3)), span=np.ones((2, 3)), jump=np.ones(2), **good)
    with pytest.raises(ValueError, match="kind"):
        sweep.probability(0.5, "cross")
    with pytest.raises(ValueError, match="axis"):
        sweep.probability(0.5, "wrap", "x")
    with pytest.raises(ValueError, match="occupation probability"):
        sweep.probability(1.5)
    with pytest.raises(ValueError, match="occupation probability"):
        sweep.probability(float("nan"))


@pytest.mark.parametrize(
    ("shape", "options", "error", "words"),
    [
        ((4, 4), {}, ValueError, "three"),
        ((4, 4, 0), {}, ValueError, r"shape\[2\] must be at least 1"),
        ((4, 4, 4.0), {}, TypeError, r"shape\[2\]"),
        (4, {}, TypeError, "shape"),
        ((2000, 2000, 2000), {}, ValueError, "2\\^31"),
        ((4, 4, 4), {"runs": 0}, ValueError, "runs"),
        ((4, 4, 4), {"rng": 7}, TypeError, "default_rng"),
        ((4, 4, 4), {"rng": None}, TypeError, "default_rng"),
        ((4, 4, 4), {"axis": 3}, ValueError, "axis"),
        ((4, 4, 4), {"neighbours": 4}, ValueError, "neighbours"),
    ],
)
def test_refusals(shape, options, error, words):
    with pytest.raises(error, match=words):
        sweep_sites(shape, **{"rng": np.random.default_rng(0), **options})


def test_rng_is_required():
    with pytest.raises(TypeError, match="rng"):
        sweep_sites((4, 4, 4))
