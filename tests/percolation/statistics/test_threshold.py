"""Known thresholds of site percolation, what their intervals are worth, and where no threshold is given."""

from __future__ import annotations

import math

import numpy as np
import pytest

from microstructure.errors import ThresholdError
from percolation import Sweep, Threshold, estimate_threshold, extrapolate_threshold, sweep_sites

CUBIC = 0.3116077
SQUARE = 0.59274605


def continuum(onsets, **fields):
    """A sweep whose onsets along all axes are the given numbers."""
    onsets = np.asarray(onsets, dtype=float)
    settings = {
        "shape": (1.0, 1.0, 1.0),
        "periodic": (True,) * 3,
        "neighbours": 0,
        "quantity": "q",
        "recipe": "made up",
    }
    table = np.stack([onsets] * 3, axis=1)
    return Sweep(wrap=table, span=table, jump=onsets, **{**settings, **fields})


def point(value, error, **fields):
    """A threshold whose 95 % interval is that of a normal error."""
    reach = 1.959963984540054 * error
    settings = {"method": "", "kind": "span", "axis": 0, "quantity": "q", "runs": 10}
    return Threshold(value, value - reach, value + reach, 0.0, **{**settings, **fields})


def assert_holds(found, expected, beside):
    """The interval holds the right answer and, the negative control, not the wrong one beside it."""
    assert found.low < expected < found.high, str(found)
    assert not found.low < beside < found.high, str(found)


@pytest.mark.parametrize("axis", [0, 1, 2, "any", "all"])
def test_simple_cubic_sites(axis):
    sweep = sweep_sites((20, 20, 20), runs=400, rng=np.random.default_rng(1))
    found = estimate_threshold(sweep, axis=axis, confidence=0.999)
    assert_holds(found, CUBIC, 0.33)
    assert "Wang" in found.method
    assert found.high - found.low < 0.01


@pytest.mark.parametrize("axis", [0, 1, "either", "both"])
def test_square_sites(axis):
    sweep = sweep_sites((32, 32, 1), periodic=(True, True, False), runs=1000, rng=np.random.default_rng(2))
    found = estimate_threshold(sweep, axis=axis, confidence=0.999)  # four axes: 95 % would miss one in five times
    assert_holds(found, SQUARE, 0.60)
    assert "Pinson" in found.method


@pytest.mark.parametrize(("edge", "runs", "expected"), [(8, 4000, 0.3372), (16, 1000, 0.3248)])
def test_half_way_point_of_a_free_cube(edge, runs, expected):
    sweep = sweep_sites((edge,) * 3, periodic=(False,) * 3, runs=runs, rng=np.random.default_rng(3))
    found = estimate_threshold(sweep, kind="span", axis=0)
    assert found.value == pytest.approx(expected, abs=0.002)
    assert found.probability == 0.5
    assert not found.low < CUBIC < found.high, "a free cube lies above bulk"


@pytest.mark.parametrize(("layers", "expected"), [(2, 0.4750), (4, 0.3997)])
def test_along_a_slab(layers, expected):
    sweep = sweep_sites((48, 48, layers), periodic=(True, True, False), runs=800, rng=np.random.default_rng(4))
    found = estimate_threshold(sweep, axis=1)
    assert found.value == pytest.approx(expected, abs=0.002)
    assert found.probability == 0.521058


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("layers", [4, 8])
def test_through_a_slab_is_below_bulk_and_along_it_above(layers, axis):
    shape, periodic = [2 * layers] * 3, [True] * 3
    shape[axis], periodic[axis] = layers, False
    sweep = sweep_sites(shape, axis=axis, periodic=periodic, runs=300, rng=np.random.default_rng(5))
    through = estimate_threshold(sweep, kind="span")
    along = estimate_threshold(sweep, kind="wrap", axis=(axis + 1) % 3)
    assert through.high < CUBIC < along.low


@pytest.mark.parametrize("kind", ["wrap", "largest"])
def test_largest_jump_comes_near_the_threshold(kind):
    sweep = sweep_sites((20, 20, 20), runs=200, rng=np.random.default_rng(6))
    assert estimate_threshold(sweep, kind=kind).value == pytest.approx(CUBIC, abs=0.006)


def test_width_shrinks_as_the_box_grows():
    widths = [
        estimate_threshold(sweep_sites((edge,) * 3, runs=400, rng=np.random.default_rng(7))).width for edge in (8, 24)
    ]
    assert math.log(widths[0] / widths[1]) / math.log(3) == pytest.approx(1.141, abs=0.15)


@pytest.mark.slow
@pytest.mark.parametrize(("runs", "least"), [(8, 0.88), (25, 0.91)])
@pytest.mark.parametrize("lattice", [True, False])
def test_interval_holds_the_truth_as_often_as_it_says(runs, least, lattice, monkeypatch):
    """Many small experiments drawn from one large pool, whose own threshold is the truth."""
    monkeypatch.setattr("percolation.statistics.threshold.REPLICATES", 500)  # enough here, and four times faster
    pool = sweep_sites((6, 6, 6), runs=4000, rng=np.random.default_rng(8))
    everything = pool if lattice else continuum(pool.wrap[:, 0] / pool.total)
    truth = estimate_threshold(everything).value
    rng, held, held_by_half = np.random.default_rng(9), 0, 0
    fields = {"total": pool.total, "shape": pool.shape} if lattice else {}
    for _ in range(200):
        picked = rng.choice(everything.wrap[:, 0], runs)
        found = estimate_threshold(continuum(picked, **fields), rng=rng)
        held += found.low <= truth <= found.high
        held_by_half += abs(found.value - truth) <= (found.high - found.low) / 4
    assert held / 200 > least
    # Negative control: half the interval holds it far less often.
    assert held_by_half / 200 < 0.83


def test_same_data_same_bytes_and_another_generator_moves_only_the_interval():
    sweep = sweep_sites((8, 8, 8), runs=30, rng=np.random.default_rng(10))
    one, two = estimate_threshold(sweep), estimate_threshold(sweep)
    assert one == two
    other = estimate_threshold(sweep, rng=np.random.default_rng(99))
    assert other.value == one.value
    assert other.low != one.low
    assert other.low == pytest.approx(one.low, abs=0.2 * (one.high - one.low))


def test_lattice_threshold_solves_its_own_curve():
    sweep = sweep_sites((6, 6, 6), periodic=(False, True, True), runs=40, rng=np.random.default_rng(11))
    for wanted in (0.1, 0.5, 0.9):
        found = estimate_threshold(sweep, kind="span", axis=0, probability=wanted)
        assert sweep.probability(found.value, "span", 0) == pytest.approx(wanted, abs=1e-9)
        assert found.low < found.value < found.high
        assert "as asked for" in found.method


def test_continuum_threshold_is_the_quantile():
    found = estimate_threshold(continuum(np.arange(1, 10) / 100), probability=0.5)
    assert found.value == pytest.approx(0.05)
    assert found.width == pytest.approx(np.std(np.arange(1, 10) / 100, ddof=1))
    assert estimate_threshold(continuum([0.3] * 8)).low == 0.3


def test_runs_that_never_percolate_leave_the_interval_open_upwards():
    onsets = np.append(np.linspace(0.1, 0.2, 12), [np.inf] * 8)
    found = estimate_threshold(continuum(onsets), probability=0.5)
    assert math.isfinite(found.value)
    assert math.isfinite(found.low)
    assert found.high == math.inf
    assert math.isfinite(found.width)


@pytest.mark.parametrize(
    ("shape", "periodic", "axis", "probability"),
    [
        ((9.0, 9.0, 9.0), (True, True, True), 0, 0.25780),
        ((9.0, 9.0, 9.0), (True, True, True), "any", 0.45998),
        ((9.0, 9.0, 9.0), (True, True, True), "all", 0.08044),
        ((9.0, 9.0, 8.0), (True, True, True), 0, 0.5),
        ((1.0, 9.0, 9.0), (False, True, True), 1, 0.521058),
        ((9.0, 9.0, 1.0), (True, True, False), "either", 0.690474),
        ((9.0, 1.0, 9.0), (True, False, True), "both", 0.351643),
        ((9.0, 9.0, 9.0), (True, True, False), 0, 0.5),
        ((9.0, 8.0, 1.0), (True, True, False), 0, 0.5),
        ((9.0, 1.0, 1.0), (True, False, False), 0, 0.5),
    ],
)
def test_default_probability_follows_the_box(shape, periodic, axis, probability):
    sweep = continuum(np.linspace(0.1, 0.2, 20), shape=shape, periodic=periodic)
    found = estimate_threshold(sweep, axis=axis)
    assert found.probability == probability
    assert f"{probability:.6g}" in found.method


def test_extrapolation_recovers_a_line_and_its_error():
    sizes = np.array([8.0, 16.0, 32.0])
    exact = [point(0.3 + 0.4 * size**-1.141, 0.001) for size in sizes]
    found = extrapolate_threshold(sizes, exact, exponent=1.141)
    assert found.value == pytest.approx(0.3, abs=1e-12)
    design = np.stack([np.ones(3), sizes**-1.141], axis=1)
    error = 0.001 * math.sqrt(np.linalg.inv(design.T @ design)[0, 0])
    assert found.high - found.low == pytest.approx(2 * 1.959964 * error, rel=1e-6)
    assert found.runs == 30
    bent = [point(0.3 + 0.4 * size**-1.141 + shift, 0.001) for size, shift in zip(sizes, (0, 0.01, 0), strict=True)]
    wider = extrapolate_threshold(sizes, bent, exponent=1.141)
    assert wider.high - wider.low > 2 * (found.high - found.low), "points off the line are not trusted as much"


def test_free_cubes_extrapolate_to_bulk():
    rng, sizes = np.random.default_rng(12), (8, 12, 16, 24)
    found = [
        estimate_threshold(sweep_sites((s,) * 3, periodic=(False,) * 3, runs=400, rng=rng), kind="span") for s in sizes
    ]
    limit = extrapolate_threshold(sizes, found, exponent=1.141)
    assert limit.value == pytest.approx(CUBIC, abs=0.005)
    assert min(point.value for point in found) > limit.value


def test_printing():
    text = str(estimate_threshold(sweep_sites((8, 8, 8), runs=10, rng=np.random.default_rng(13))))
    assert text.startswith("site occupation 0.3")
    assert "wrap along axis 0" in text
    assert "10 runs" in text


@pytest.mark.parametrize(
    ("sweep", "options", "error", "words"),
    [
        (continuum([0.1] * 7), {}, ThresholdError, "at least 8 runs"),
        (continuum([0.1] * 2 + [np.inf] * 8), {"probability": 0.5}, ThresholdError, "only 2 of 10"),
        (continuum([0.1] * 5 + [np.inf] * 5), {"probability": 0.5}, ThresholdError, "only 5 of 10"),
        (continuum([np.inf] * 10), {"probability": 0.01}, ThresholdError, "only 0 of 10"),
        (continuum([0.1] * 9, periodic=(False, True, True)), {"axis": 0}, ThresholdError, "make it periodic"),
        (continuum([0.1] * 9), {"kind": "span"}, ThresholdError, "make it free"),
        (continuum([0.1] * 9), {"kind": "spans"}, ValueError, "kind"),
        (continuum([0.1] * 9), {"axis": 3}, ValueError, "axis"),
        (continuum([0.1] * 9), {"axis": 0.0}, TypeError, "axis"),
        (continuum([0.1] * 9), {"probability": 1.0}, ValueError, "probability"),
        (continuum([0.1] * 9), {"probability": "half"}, TypeError, "probability"),
        (continuum([0.1] * 9), {"confidence": 95}, ValueError, "confidence"),
        (continuum([0.1] * 9), {"rng": 5}, TypeError, "rng"),
        (np.ones(9), {}, TypeError, "sweep_sites"),
    ],
)
def test_refusals(sweep, options, error, words):
    with pytest.raises(error, match=words):
        estimate_threshold(sweep, **options)


@pytest.mark.parametrize(
    ("sizes", "points", "exponent", "error", "words"),
    [
        ([8], [point(0.3, 0.1)], 1.0, ThresholdError, "two sizes"),
        ([8, 8], [point(0.3, 0.1)] * 2, 1.0, ThresholdError, "two sizes"),
        ([8, 16], [point(0.3, 0.1)], 1.0, ValueError, "as many"),
        ([8, 16], [point(0.3, 0.1)] * 2, -1.0, ValueError, "positive"),
        ([8, 16], [point(0.3, 0.0)] * 2, 1.0, ThresholdError, "finite interval"),
        ([8, 16], [point(0.3, 0.1), point(0.3, 0.1, kind="wrap")], 1.0, ThresholdError, "differ"),
    ],
)
def test_extrapolation_refusals(sizes, points, exponent, error, words):
    with pytest.raises(error, match=words):
        extrapolate_threshold(sizes, points, exponent=exponent)
