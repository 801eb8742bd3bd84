"""Crossings of two sizes and fitted exponents: known where percolation theory knows, refused where data cannot tell."""

import numpy as np
import pytest

from microstructure.errors import ThresholdError
from percolation import Sweep, Threshold, cross_thresholds, extrapolate_threshold, fit_exponent, sweep_sites
from percolation.extrapolation import EXPONENT_2D, EXPONENT_3D

CUBIC, SQUARE = 0.3116077, 0.59274605


def continuum(onsets, edge):
    onsets = np.asarray(onsets, float)
    table, never = np.stack([onsets] * 3, axis=1), np.full(len(onsets), np.inf)
    return Sweep(table, table, never, (edge,) * 3, (True,) * 3, 0, "q", "made up")


def point(value, error):
    return Threshold(value, value - 1.96 * error, value + 1.96 * error, 0.0, "", "span", 0, "q", 10)


@pytest.mark.parametrize(
    ("sizes", "flat", "expected", "wrong"),
    [((8, 16), False, CUBIC, (0.300, 0.323)), ((16, 32), True, SQUARE, (0.575, 0.610))],
)
def test_crossing_of_two_sizes_is_the_threshold(sizes, flat, expected, wrong):
    rng = np.random.default_rng(3)
    shapes = [(s, s, 1 if flat else s) for s in sizes]
    periodic = (True, True, not flat)
    small, large = (sweep_sites(shape, periodic=periodic, runs=800, rng=rng) for shape in shapes)
    found = cross_thresholds(small, large)
    assert found.low < expected < found.high
    assert found.high - found.low < 0.02
    for value in wrong:
        assert not found.low < value < found.high
    if flat:
        assert found.probability == pytest.approx(0.521, abs=0.1)


def test_crossing_of_made_up_curves():
    rng = np.random.default_rng(1)
    small, large = continuum(rng.normal(0.3, 0.04, 2000), 1.0), continuum(rng.normal(0.3, 0.01, 2000), 2.0)
    found = cross_thresholds(small, large)
    assert found.low < 0.3 < found.high
    assert found.high - found.low < 0.01


@pytest.mark.parametrize("shift", [0.0, 0.2])
def test_curves_that_do_not_cross_are_refused(shift):
    """Two samples of one kind, or one wholly above the other."""
    rng = np.random.default_rng(2)
    one = continuum(rng.normal(0.3, 0.02, 200), 1.0)
    other = continuum(rng.normal(0.3 + shift, 0.02, 200), 2.0)
    with pytest.raises(ThresholdError, match="do not cross"):
        cross_thresholds(one, other)


def test_crossing_refuses_what_makes_no_sense():
    rng = np.random.default_rng(2)
    one, other = continuum(rng.normal(0.3, 0.02, 20), 1.0), continuum(rng.normal(0.3, 0.01, 20), 2.0)
    with pytest.raises(ValueError, match="smaller box first"):
        cross_thresholds(other, one)
    with pytest.raises(ThresholdError, match="at least 8 runs"):
        cross_thresholds(continuum([0.1] * 5, 1.0), other)
    with pytest.raises(ThresholdError, match="ever percolates"):
        cross_thresholds(continuum([np.inf] * 9, 1.0), continuum([np.inf] * 9, 2.0))
    with pytest.raises(TypeError, match="small must be a Sweep"):
        cross_thresholds(0.3, other)


def test_exponent_of_the_cube():
    rng = np.random.default_rng(5)
    sizes = (8, 12, 16, 24)
    found = fit_exponent(sizes, [sweep_sites((s, s, s), runs=400, rng=rng) for s in sizes])
    assert found.low < EXPONENT_3D < found.high
    assert not found.low < EXPONENT_2D < found.high
    assert found.high - found.low < 0.35


def test_lateral_exponent_of_a_slab_is_that_of_the_plane():
    rng, sizes = np.random.default_rng(6), (12, 24, 48)
    slabs = [sweep_sites((2, s, s), axis=1, periodic=(False, True, True), runs=500, rng=rng) for s in sizes]
    found = fit_exponent(sizes, slabs)
    assert found.low < EXPONENT_2D < found.high
    assert not found.low < EXPONENT_3D < found.high


def test_a_fitted_exponent_recovers_what_made_the_points():
    sizes = np.array([8.0, 12.0, 16.0, 24.0, 32.0])
    for exponent in (0.75, 1.141, 2.0):
        exact = [point(0.3 + 0.4 * size**-exponent, 1e-4) for size in sizes]
        found = extrapolate_threshold(sizes, exact)
        assert found.value == pytest.approx(0.3, abs=1e-5)
        assert f"size^-{exponent:.4g} (fitted)" in found.method
        known = extrapolate_threshold(sizes, exact, exponent=exponent)
        assert found.high - found.low > 1.5 * (known.high - known.low), "what is fitted is known less well"


def test_intervals_of_fitted_extrapolations_hold_the_truth():
    sizes, rng, hits = np.array([8.0, 12.0, 16.0, 24.0, 32.0]), np.random.default_rng(8), 0
    for _ in range(200):
        points = [point(0.3 + 0.4 * size**-1.0 + 2e-4 * rng.standard_normal(), 2e-4) for size in sizes]
        found = extrapolate_threshold(sizes, points)
        hits += found.low < 0.3 < found.high
    assert hits >= 180


def test_an_exponent_that_data_do_not_tell_is_refused():
    sizes = [8.0, 10.0, 12.0]
    with pytest.raises(ThresholdError, match="tell it"):
        extrapolate_threshold(sizes, [point(0.3 + 0.05 / size, 0.02) for size in sizes])
    with pytest.raises(ThresholdError, match="three sizes"):
        extrapolate_threshold(sizes[:2], [point(0.3, 0.01)] * 2)
    with pytest.raises(ThresholdError, match="two sizes"):
        fit_exponent([8], [continuum([0.1] * 9, 1.0)])
    with pytest.raises(ThresholdError, match="all of which percolate"):
        fit_exponent([8, 9], [continuum([0.1] * 9, 1.0), continuum([0.1] * 8 + [np.inf], 2.0)])
    with pytest.raises(ThresholdError, match="do not scatter"):
        fit_exponent([8, 9], [continuum([0.1] * 9, 1.0), continuum([0.1] * 9, 2.0)])
