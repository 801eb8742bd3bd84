"""Crossings, fitted exponents and widths on made-up data whose answer is exact, and where no answer is given."""

from __future__ import annotations

import numpy as np
import pytest

from microstructure.errors import ThresholdError
from percolation import (
    Sweep,
    Threshold,
    estimate_exponent,
    extrapolate_threshold,
    find_crossing,
    known_exponent,
    sweep_sites,
)


def sweep_of(onsets, edge, **fields):
    """A continuum sweep whose onsets along all axes are the given ones."""
    onsets = np.asarray(onsets, dtype=float)
    table = np.stack([onsets] * 3, axis=1)
    settings = {"periodic": (True,) * 3, "neighbours": 0, "quantity": "q", "recipe": "made up", "shape": (edge,) * 3}
    return Sweep(wrap=table, span=table, jump=onsets, **{**settings, **fields})


def normal(centre, width, runs, seed):
    return centre + width * np.random.default_rng(seed).standard_normal(runs)


def point(value, error):
    reach = 1.959963984540054 * error
    return Threshold(value, value - reach, value + reach, 0.0, "", "span", 0, "q", 10)


def test_two_normal_curves_cross_where_their_z_scores_agree():
    # (p - 0.32) / 0.04 = (p - 0.31) / 0.01 at p = 0.92 / 3
    exact = (0.31 * 0.04 - 0.32 * 0.01) / 0.03
    found = find_crossing(sweep_of(normal(0.32, 0.04, 2000, 1), 1.0), sweep_of(normal(0.31, 0.01, 2000, 2), 4.0))
    assert found.low < exact < found.high
    assert found.high - found.low < 0.003
    assert not found.low < 0.31 < found.high
    assert found.width == pytest.approx(0.01, rel=0.1)
    assert found.runs == 4000
    assert "crossing" in found.method


def test_crossing_does_not_hang_on_the_order_and_repeats_to_the_byte():
    small, large = (sweep_sites((edge,) * 3, runs=300, rng=np.random.default_rng(edge)) for edge in (5, 12))
    assert find_crossing(small, large) == find_crossing(large, small) == find_crossing(small, large)


@pytest.mark.slow
def test_crossing_interval_holds_the_truth_as_often_as_it_says(monkeypatch):
    monkeypatch.setattr("percolation.statistics.crossing.REPLICATES", 400)
    held = 0
    for seed in range(100):
        small, large = normal(0.30, 0.04, 200, 2 * seed), normal(0.30, 0.015, 200, 2 * seed + 1)
        found = find_crossing(sweep_of(small, 1.0), sweep_of(large, 4.0), confidence=0.9)
        held += found.low <= 0.30 <= found.high
    assert 82 <= held <= 98


@pytest.mark.parametrize(
    ("small", "large", "words"),
    [
        (normal(0.3, 0.02, 300, 1), normal(0.4, 0.001, 300, 2), "cross"),  # one above the other
        (normal(0.3, 0.02, 300, 3), normal(0.3, 0.02, 300, 4), "tell|cross"),  # alike
        (normal(0.3, 0.02, 300, 5), normal(0.3, 0.04, 300, 6), "tell|cross"),  # the wrong way round
        (normal(0.3, 0.02, 9, 7), normal(0.3, 0.018, 9, 8), "tell|cross"),  # too few to say
        (normal(0.3, 0.02, 5, 9), normal(0.3, 0.01, 50, 10), "at least 8 runs"),
        (np.full(20, np.inf), normal(0.3, 0.01, 50, 11), "only 0 of 20"),
    ],
)
def test_no_crossing_is_said(small, large, words):
    with pytest.raises(ThresholdError, match=words):
        find_crossing(sweep_of(small, 1.0), sweep_of(large, 4.0))


def test_crossing_refuses_what_cannot_be_compared():
    good = sweep_of(normal(0.3, 0.02, 50, 1), 1.0)
    with pytest.raises(TypeError, match="sweep_sites"):
        find_crossing(good, [0.1])
    for fields, words in (
        ({"neighbours": 6}, "neighbours"),
        ({"periodic": (True, True, False)}, "periodic"),
        ({"quantity": "r"}, "quantity"),
        ({"total": 64}, "lattices"),
        ({"shape": (1.0, 1.0, 1.0)}, "differ in size"),
    ):
        with pytest.raises(ValueError, match=words):
            find_crossing(good, sweep_of(normal(0.3, 0.01, 50, 2), 4.0, **fields))
    with pytest.raises(TypeError, match="rng"):
        find_crossing(good, sweep_of(normal(0.3, 0.01, 50, 2), 4.0), rng=1)


def test_fitted_exponent_recovers_value_and_exponent():
    sizes = np.array([8.0, 12.0, 16.0, 24.0, 48.0])
    points = [point(0.31 + 0.3 * size**-1.141, 1e-5) for size in sizes]
    found = extrapolate_threshold(sizes, points, exponent="fitted")
    assert found.low < 0.31 < found.high
    assert found.value == pytest.approx(0.31, abs=2e-5)
    assert not found.low < 0.3105 < found.high
    assert "size^-1.14" in found.method
    known = extrapolate_threshold(sizes, points, exponent=1.141)
    assert found.high - found.low > 1.5 * (known.high - known.low), "a free exponent costs certainty"
    # Negative control: the wrong known exponent misses.
    wrong = extrapolate_threshold(sizes, points, exponent=0.75)
    assert abs(wrong.value - 0.31) > 0.002


def test_fitted_exponent_does_not_hang_on_the_unit_of_length():
    sizes = np.array([8.0, 16.0, 32.0, 64.0])
    points = [point(0.31 + 0.3 * size**-0.9, 1e-5) for size in sizes]
    one, other = (extrapolate_threshold(unit * sizes, points, exponent="fitted") for unit in (1.0, 1e-9))
    assert one.value == pytest.approx(other.value, rel=1e-9)
    assert one.high == pytest.approx(other.high, rel=1e-9)


@pytest.mark.slow
def test_fitted_interval_holds_the_truth_as_often_as_it_says():
    sizes, held, rng = np.array([8.0, 12.0, 20.0, 32.0, 64.0]), 0, np.random.default_rng(3)
    exact = 0.31 + 0.3 * sizes**-1.141
    for _ in range(100):
        points = [point(value, 2e-4) for value in exact + 2e-4 * rng.standard_normal(5)]
        found = extrapolate_threshold(sizes, points, exponent="fitted", confidence=0.9)
        held += found.low <= 0.31 <= found.high
    assert held >= 82


@pytest.mark.parametrize(
    ("sizes", "points", "words"),
    [
        ([8, 16], [point(0.33, 1e-3), point(0.32, 1e-3)], "three sizes"),
        ([8, 8, 16], [point(0.33, 1e-3)] * 3, "three sizes"),
        ([8, 16, 32], [point(0.3, 1e-3)] * 3, "do not tell an exponent"),  # no shift, any exponent
        ([8, 16, 32], [point(v, 0.02) for v in (0.33, 0.32, 0.315)], "do not tell an exponent"),  # too few runs
        ([8, 16, 32], [point(v, 1e-4) for v in (0.33, 0.32, 0.35)], "do not tell an exponent"),  # up and down
    ],
)
def test_fitted_exponent_refusals(sizes, points, words):
    with pytest.raises(ThresholdError, match=words):
        extrapolate_threshold(sizes, points, exponent="fitted")


def test_exponent_words():
    with pytest.raises(ValueError, match="'fitted', got 'free'"):
        extrapolate_threshold([8, 16], [point(0.3, 0.1)] * 2, exponent="free")


def test_exponent_of_made_up_widths():
    sizes = (1.0, 2.0, 4.0)
    sweeps = [sweep_of(normal(0.3, 0.05 * size**-0.9, 3000, int(size)), size) for size in sizes]
    found = estimate_exponent(sizes, sweeps, confidence=0.99)
    assert found.low < 0.9 < found.high
    assert not found.low < 0.75 < found.high
    assert str(found).startswith("exponent 0.")


def test_exponent_refusals():
    good = [sweep_of(normal(0.3, 0.1, 20, 1), 1.0), sweep_of(normal(0.3, 0.1, 20, 2), 2.0)]
    with pytest.raises(ValueError, match="as many"):
        estimate_exponent((1.0,), good)
    with pytest.raises(ValueError, match="positive"):
        estimate_exponent((0.0, 1.0), good)
    with pytest.raises(ThresholdError, match="two sizes"):
        estimate_exponent((1.0, 1.0), good)
    with pytest.raises(ThresholdError, match="no width"):
        estimate_exponent((1.0, 2.0), [good[0], sweep_of(np.full(20, 0.3), 2.0)])
    with pytest.raises(ThresholdError, match="at least 8 runs"):
        estimate_exponent((1.0, 2.0), [good[0], sweep_of([0.3] * 5, 2.0)])


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ([(8, 8, 8), (16, 16, 16)], 1.141),
        ([(8, 8, 4), (16, 16, 8)], 1.141),
        ([(8, 8, 2), (16, 16, 2), (64, 64, 2)], 0.75),
        ([(3, 8, 8), (3, 16, 16)], 0.75),
    ],
)
def test_known_exponent_follows_the_shapes(shapes, expected):
    assert known_exponent([sweep_of([0.3] * 9, 1.0, shape=shape) for shape in shapes]) == expected


@pytest.mark.parametrize("shapes", [[(8, 8, 8)], [(8, 8, 8), (16, 16, 12)], [(8, 2, 2), (16, 2, 2)]])
def test_no_known_exponent_is_said(shapes):
    with pytest.raises(ThresholdError, match="fitted"):
        known_exponent([sweep_of([0.3] * 9, 1.0, shape=shape) for shape in shapes])
