"""Thresholds and exponents known from the literature, each with a wrong one that the same test refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest

from percolation import (
    INVERSE_NU_2D,
    INVERSE_NU_3D,
    estimate_exponent,
    estimate_threshold,
    extrapolate_threshold,
    find_crossing,
    known_exponent,
    sweep_sites,
)

FLAT, CLOSED, OPEN = (True, True, False), (True,) * 3, (False,) * 3

# Shape, neighbours, periodic axes, runs, threshold, and what the finite box may shift it.
KNOWN = {
    "simple cubic, 6 (Wang et al. 2013)": ((24, 24, 24), 6, CLOSED, 800, 0.3116077, 0.0005),
    "simple cubic, 18 (Kurzawski and Malarz 2012)": ((24, 24, 24), 18, CLOSED, 400, 0.1372, 0.0005),
    "simple cubic, 26 (Kurzawski and Malarz 2012)": ((24, 24, 24), 26, CLOSED, 400, 0.0976, 0.0005),
    "square, 4 (Newman and Ziff 2000)": ((48, 48, 1), 6, FLAT, 4000, 0.59274605, 0.0005),
    # The square with corners is the matching lattice of the one without: Sykes and Essam 1964.
    "square, 8 (one minus square, 4)": ((48, 48, 1), 26, FLAT, 4000, 1 - 0.59274605, 0.0005),
    "square, 8, as edges of a layer": ((48, 48, 1), 18, FLAT, 4000, 1 - 0.59274605, 0.0005),
}


def agrees(found, expected, shift=0.0):
    """Whether the 99.9 % interval, widened by the finite box's shift, holds the expected value."""
    return found.low - shift < expected < found.high + shift


@pytest.mark.parametrize("case", KNOWN)
def test_threshold(case):
    shape, neighbours, periodic, runs, expected, shift = KNOWN[case]
    sweep = sweep_sites(shape, neighbours=neighbours, periodic=periodic, runs=runs, rng=np.random.default_rng(41))
    for axis in (0, 1, "any"):
        found = estimate_threshold(sweep, axis=axis, confidence=0.999)
        assert agrees(found, expected, shift), str(found)
        for wrong in (0.97 * expected, 1.03 * expected):  # as 0.3200 in place of 0.3116
            assert not agrees(found, wrong, shift), str(found)


def test_a_sweep_with_the_wrong_neighbours_is_refused():
    """Negative control of the code, not of the number: 18 neighbours do not pass for 26."""
    sweep = sweep_sites((24, 24, 24), neighbours=18, runs=100, rng=np.random.default_rng(42))
    assert not agrees(estimate_threshold(sweep, confidence=0.999), 0.0976, 0.0005)


# 50 % points of the project's known answers; they are given to 0.002.
@pytest.mark.parametrize(("edge", "runs", "expected"), [(8, 4000, 0.3372), (16, 1500, 0.3248), (32, 400, 0.3174)])
def test_free_cube(edge, runs, expected):
    sweep = sweep_sites((edge,) * 3, periodic=OPEN, runs=runs, rng=np.random.default_rng(43))
    found = estimate_threshold(sweep, kind="span")
    assert found.value == pytest.approx(expected, abs=0.002)
    assert found.value != pytest.approx(1.03 * expected, abs=0.002)


@pytest.mark.parametrize(("layers", "expected"), [(2, 0.4750), (4, 0.3997)])
def test_along_a_slab(layers, expected):
    sweep = sweep_sites((64, 64, layers), periodic=FLAT, runs=600, rng=np.random.default_rng(44))
    found = estimate_threshold(sweep)
    assert found.value == pytest.approx(expected, abs=0.002)
    assert found.value != pytest.approx(1.03 * expected, abs=0.002)


@pytest.mark.parametrize("layers", [4, 5, 6, 8])
def test_sign_in_a_slab(layers):
    bulk = 0.3116077
    shape = (layers, 2 * layers, 2 * layers)
    sweep = sweep_sites(shape, periodic=(False, True, True), runs=600, rng=np.random.default_rng(45))
    through = estimate_threshold(sweep, kind="span", axis=0)
    along = estimate_threshold(sweep, kind="wrap", axis=1)
    assert through.high < bulk < along.low
    # Negative control: the threshold of two layers would not stand between.
    assert not through.high < 0.4750 < along.low


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "periodic", "expected", "wrong"),
    [
        (lambda edge: (edge, edge, edge), CLOSED, INVERSE_NU_3D, INVERSE_NU_2D),
        (lambda edge: (edge, edge, 2), FLAT, INVERSE_NU_2D, INVERSE_NU_3D),
        (lambda edge: (edge, edge, 1), FLAT, INVERSE_NU_2D, INVERSE_NU_3D),
    ],
)
def test_exponent_of_the_width(shape, periodic, expected, wrong):
    sizes, runs = ((8, 16, 24), (3000, 1500, 800)) if periodic == CLOSED else ((16, 32, 64), (3000, 2000, 1200))
    rng = np.random.default_rng(46)
    sweeps = [
        sweep_sites(shape(size), periodic=periodic, runs=count, rng=rng)
        for size, count in zip(sizes, runs, strict=True)
    ]
    assert known_exponent(sweeps) == expected
    found = estimate_exponent(sizes, sweeps, confidence=0.999)
    # 0.03 for corrections to scaling in boxes as small as these.
    assert agrees(found, expected, 0.03), str(found)
    assert not agrees(found, wrong, 0.03), str(found)
    assert not agrees(found, expected - 0.2, 0.03), str(found)


@pytest.mark.slow
def test_free_cubes_extrapolate_to_bulk_with_the_known_exponent_and_a_fitted_one():
    rng, sizes = np.random.default_rng(47), (12, 16, 24, 32)
    sweeps = [
        sweep_sites((size,) * 3, periodic=OPEN, runs=runs, rng=rng)
        for size, runs in zip(sizes, (4000, 3000, 1200, 600), strict=True)
    ]
    points = [estimate_threshold(sweep, kind="span") for sweep in sweeps]
    known = extrapolate_threshold(sizes, points, exponent=known_exponent(sweeps), confidence=0.999)
    assert agrees(known, 0.3116077, 0.001), str(known)
    assert not agrees(known, 0.3200, 0.001), str(known)
    assert known.value < min(point.value for point in points)


def test_slabs_extrapolate_in_their_lateral_size():
    rng, sizes = np.random.default_rng(48), (16, 32, 64)
    sweeps = [
        sweep_sites((size, size, 2), periodic=OPEN, runs=runs, rng=rng)
        for size, runs in zip(sizes, (4000, 2000, 1000), strict=True)
    ]
    points = [estimate_threshold(sweep, kind="span") for sweep in sweeps]
    found = extrapolate_threshold(sizes, points, exponent=known_exponent(sweeps), confidence=0.999)
    assert agrees(found, 0.4750, 0.002), str(found)
    for wrong in (0.97 * 0.4750, 1.03 * 0.4750):
        assert not agrees(found, wrong, 0.002), str(found)


@pytest.mark.parametrize(
    ("shape", "periodic", "expected"),
    [
        (lambda edge: (edge, edge, edge), CLOSED, 0.3116077),
        (lambda edge: (2 * edge, 2 * edge, 1), FLAT, 0.59274605),
    ],
)
def test_crossing(shape, periodic, expected):
    rng = np.random.default_rng(49)
    small, large = (sweep_sites(shape(edge), periodic=periodic, runs=1500, rng=rng) for edge in (8, 24))
    found = find_crossing(large, small, confidence=0.999)
    assert agrees(found, expected, 0.001), str(found)
    for wrong in (0.97 * expected, 1.03 * expected):
        assert not agrees(found, wrong, 0.001), str(found)
    # At the threshold the probability is the universal one.
    universal = 0.25780 if periodic == CLOSED else 0.521058
    assert math.isclose(found.probability, universal, abs_tol=0.06)
