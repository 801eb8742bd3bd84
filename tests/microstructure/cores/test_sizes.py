"""Sizes: the exact moments of a lognormal and its conversion from volume to number, against large draws."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from microstructure.cores.sizes import Distribution, Equal, Lognormal, Table

DRAWS = 200_000
D50 = 3.3e-6


def volume_median(diameters):
    ordered = np.sort(diameters)
    volumes = np.cumsum(ordered**3)
    return ordered[np.searchsorted(volumes, 0.5 * volumes[-1])]


def standard_error(volumes):
    return volumes.std() / math.sqrt(volumes.size)


@pytest.mark.parametrize("width", [0.1, 0.3, 0.5])
@pytest.mark.parametrize("cutoff", [1.0, 2.5, math.inf])
def test_median_by_volume_is_d50(width, cutoff):
    diameters = Lognormal(D50, width, cutoff=cutoff).draw(DRAWS, rng=np.random.default_rng(1))
    assert volume_median(diameters) == pytest.approx(D50, rel=0.02)


def test_median_by_number_is_hatch_choate():
    rng = np.random.default_rng(2)
    by_volume = Lognormal(D50, 0.3, cutoff=math.inf).draw(DRAWS, rng=rng)
    by_number = Lognormal(D50, 0.3, weighting="number").draw(DRAWS, rng=rng)
    assert np.median(by_volume) == pytest.approx(D50 * math.exp(-3 * 0.3**2), rel=0.005)
    assert np.median(by_number) == pytest.approx(D50, rel=0.005)
    assert np.log(by_volume).std() == pytest.approx(0.3, rel=0.01)
    # Negative control: without the conversion the median by volume would be off by exp(3 s^2) = 1.31.
    assert volume_median(by_number) > 1.2 * D50


def test_mean_volume_without_cutoff_is_the_moment_of_the_lognormal():
    by_number = math.pi / 6 * D50**3 * math.exp(4.5 * 0.3**2)
    assert Lognormal(D50, 0.3, weighting="number", cutoff=math.inf).mean_volume() == pytest.approx(by_number, rel=1e-12)
    by_volume = math.pi / 6 * D50**3 * math.exp(-4.5 * 0.3**2)
    assert Lognormal(D50, 0.3, cutoff=math.inf).mean_volume() == pytest.approx(by_volume, rel=1e-12)


@pytest.mark.parametrize(
    "sizes",
    [
        Lognormal(D50, 0.3),
        Lognormal(D50, 0.5, cutoff=1.0),
        Lognormal(D50, 0.3, weighting="number"),
        Lognormal(D50, 0.3, cutoff=math.inf),
        Table((1e-6, 2e-6, 4e-6), (1, 3, 2), "volume"),
        Table((1e-6, 2e-6, 4e-6), (1, 3, 2), "number"),
    ],
    ids=repr,
)
def test_mean_volume_against_draws(sizes):
    volumes = math.pi / 6 * sizes.draw(DRAWS, rng=np.random.default_rng(3)) ** 3
    assert abs(volumes.mean() - sizes.mean_volume()) < 4 * standard_error(volumes)


@pytest.mark.parametrize("weighting", ["volume", "number"])
def test_no_size_beyond_the_cutoff(weighting):
    sizes = Lognormal(D50, 0.3, weighting=weighting, cutoff=1.5)
    diameters = sizes.draw(DRAWS, rng=np.random.default_rng(4))
    assert diameters.min() >= D50 * math.exp(-0.45) * (1 - 1e-12)
    assert diameters.max() <= D50 * math.exp(0.45) * (1 + 1e-12)
    assert diameters.min() < D50 * math.exp(-0.43)  # both ends are reached
    assert diameters.max() > D50 * math.exp(0.43)


def test_width_zero_and_equal_are_one_size():
    rng = np.random.default_rng(5)
    assert np.ptp(Equal(D50).draw(10, rng=rng)) == 0.0
    assert Lognormal(D50, 0.0).draw(10, rng=rng) == pytest.approx(D50, rel=1e-12)
    assert Lognormal(D50, 0.0).mean_volume() == pytest.approx(Equal(D50).mean_volume(), rel=1e-12)


def test_table_by_volume_counts_volumes():
    diameters = Table((1e-6, 2e-6), (1.0, 1.0), "volume").draw(90_000, rng=np.random.default_rng(6))
    assert np.mean(diameters == 2e-6) == pytest.approx(1 / 9, abs=4 * math.sqrt(8 / 81 / 90_000))


@pytest.mark.parametrize("sizes", [Lognormal(D50, 0.3), Equal(D50), Table((D50,), (1,), "number")], ids=repr)
def test_draws_are_reproducible_and_never_from_a_hidden_seed(sizes):
    assert isinstance(sizes, Distribution)
    first, second = (sizes.draw(50, rng=np.random.default_rng(7)) for _ in range(2))
    assert first.dtype == np.float64
    assert first.tobytes() == second.tobytes()
    for wrong in (None, 7, np.random):
        with pytest.raises(TypeError, match="rng"):
            sizes.draw(5, rng=wrong)
    for count, error in ((2.0, TypeError), (True, TypeError), (0, ValueError)):
        with pytest.raises(error, match="count"):
            sizes.draw(count, rng=np.random.default_rng(1))


@pytest.mark.parametrize("wrong", [0.0, -1e-6, math.nan, math.inf])
def test_a_size_that_is_none(wrong):
    for make in (lambda: Equal(wrong), lambda: Lognormal(wrong, 0.3), lambda: Table((wrong,), (1,), "number")):
        with pytest.raises(ValueError, match="above 0 m"):
            make()


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: Lognormal("3 um", 0.3), TypeError, "median"),
        (lambda: Lognormal(D50, -0.1), ValueError, "width"),
        (lambda: Lognormal(D50, math.nan), ValueError, "width"),
        (lambda: Lognormal(D50, 0.3, cutoff=0.0), ValueError, "cutoff"),
        (lambda: Lognormal(D50, 0.3, weighting="mass"), ValueError, "weighting"),
        (lambda: Table((D50,), (1, 2), "number"), ValueError, "weight for each"),
        (lambda: Table((D50,), (0,), "number"), ValueError, "not all 0"),
        (lambda: Table((D50,), (-1,), "number"), ValueError, "not negative"),
        (lambda: Table((D50,), (1,), "area"), ValueError, "weighting"),
        (lambda: Table((), (), "number"), ValueError, "at least 1"),
        (lambda: Table((D50,), (), "number"), ValueError, "weight for each"),
        (lambda: Table((D50, D50), (1, math.nan), "number"), ValueError, "finite"),
        (lambda: Table((D50, D50), (1, math.inf), "volume"), ValueError, "finite"),
        (lambda: Table((D50, math.nan), (1, 1), "volume"), ValueError, "above 0 m"),
        (lambda: Table((D50, "2"), (1, 1), "volume"), TypeError, "each diameter"),
        (lambda: Table((D50,), (None,), "volume"), TypeError, "each weight"),
        (lambda: Table(D50, (1,), "number"), TypeError, "row of numbers"),
        (lambda: Table((D50,), 1.0, "number"), TypeError, "row of numbers"),
        (lambda: Table({D50: 1}, (1,), "number"), TypeError, "row of numbers"),
        (lambda: Table(np.full((2, 2), D50), np.ones((2, 2)), "number"), TypeError, "row of numbers"),
    ],
)
def test_wrong_parameters(make, error, match):
    with pytest.raises(error, match=match):
        make()


@pytest.mark.parametrize("make", [list, np.array, pd.Series], ids=["list", "array", "column"])
def test_a_table_is_read_from_lists_arrays_and_columns(make):
    expected = Table((1e-6, 2e-6), (1.0, 8.0), "volume")
    table = Table(make([1e-6, 2e-6]), make([1, 8]), "volume")
    assert table == expected
    assert isinstance(table.diameters[0], float)
    measured = pd.DataFrame({"d": [1e-6, 2e-6, math.nan], "share": [1.0, 8.0, 0.0]}, index=[7, 3, 5])
    assert Table(measured["d"][:2], measured["share"][:2], "volume") == expected
    with pytest.raises(ValueError, match="above 0 m"):
        Table(measured["d"], measured["share"], "volume")


CURVE = ((1.6e-6, 3.3e-6, 6.8e-6, 12e-6), (10, 50, 90, 100))


@pytest.mark.parametrize(
    ("diameters", "weights"),
    [
        CURVE,
        (CURVE[0], (0.1, 0.5, 0.9, 1.0)),
        (CURVE[0][:3], (10, 50, 90)),
        (CURVE[0][:3], (0.16, 0.5, 0.84)),
        (CURVE[0][::-1], (100, 90, 50, 10)),
        (CURVE[0], (100, 90, 50, 0)),  # what a sieve retains, summed up
        (CURVE[0], (5, 80, 100, 100)),
        (CURVE[0], (2.1, 45.2, 88.3, 99.98)),
        (CURVE[0][:2], (50, 100)),
    ],
)
@pytest.mark.parametrize("weighting", ["volume", "number"])
def test_what_looks_cumulative_is_no_share(diameters, weights, weighting):
    with pytest.raises(ValueError, match=r"look cumulative: use Table\.cumulative\(diameters, percent\)"):
        Table(diameters, weights, weighting)


@pytest.mark.parametrize(
    "weights", [(10, 40, 50), (0, 0, 100), (0.2, 0.3, 0.5), (1, 2, 3), (7, 7, 7), (1, 8, 1), (0, 1)]
)
def test_shares_that_rise_are_shares(weights):
    assert Table(CURVE[0][: len(weights)], weights, "volume").weights == weights


@pytest.mark.parametrize("width", [0.1, 0.3, 0.5])
def test_percentiles_of_a_lognormal_give_it_back(width):
    """As far as a hundred sizes can: between the one that is cut off at 2.5 widths and the whole one."""
    d10, d50, d90 = (D50 * math.exp(width * factor) for factor in (-1.2815515655, 0.0, 1.2815515655))
    table = Table.percentiles(d10=d10, d50=d50, d90=d90)
    whole, cut = (Lognormal(D50, width, cutoff=cutoff).mean_volume() for cutoff in (math.inf, 2.5))
    assert 0.99 * whole < table.mean_volume() < cut
    drawn = table.draw(DRAWS, rng=np.random.default_rng(8))
    assert volume_median(drawn) == pytest.approx(D50, rel=0.02)
    read = np.percentile(table.diameters, (10, 50, 90))
    assert read == pytest.approx([d10, d50, d90], rel=0.02)
    # negative control: percentiles taken for shares, which the table refuses, are far off
    assert Table((d10, d50, d90), (11, 50, 90), "volume").mean_volume() > 1.05 * table.mean_volume()


def test_a_cumulative_curve_by_hand():
    """From 1 to e in the logarithm, evenly by volume: the mean of d^-3 is (1 - e^-3) / 3."""
    table = Table.cumulative((1.0, math.e), (0, 100))
    assert table.mean_volume() == pytest.approx(math.pi / 6 * 3 / (1 - math.exp(-3)), rel=1e-4)
    assert np.median(table.diameters) == pytest.approx(math.sqrt(math.e), rel=1e-4)
    by_number = Table.cumulative((1.0, math.e), (0, 100), "number")
    assert by_number.mean_volume() == pytest.approx(math.pi / 6 * (math.exp(3) - 1) / 3, rel=1e-4)


def test_a_cumulative_curve_has_half_below_its_median():
    table = Table.cumulative(*CURVE)
    assert np.all(np.diff(table.diameters) > 0)
    assert np.sum(np.array(table.diameters) < 3.3e-6) == 50
    assert np.sum(np.array(table.diameters) < 6.8e-6) == 90
    assert max(table.diameters) < 12e-6
    assert table == Table.percentiles(d10=1.6e-6, d50=3.3e-6, d90=6.8e-6, d100=12e-6)
    # levels at either end and between say that nothing lies there
    level = Table.cumulative((1e-6, 1.6e-6, 2e-6, 3e-6, 4e-6, 5e-6), (0, 0, 50, 50, 100, 100))
    read = np.array(level.diameters)
    assert np.sum(read < 2e-6) == np.sum((read > 3e-6) & (read < 4e-6)) == 50
    assert read.min() > 1.6e-6


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: Table.cumulative((1e-6, 2e-6), (50, 40)), ValueError, "never falling"),
        (lambda: Table.cumulative((2e-6, 1e-6), (50, 100)), ValueError, "rise"),
        (lambda: Table.cumulative((1e-6, 2e-6), (50, 101)), ValueError, "from 0 to 100"),
        (lambda: Table.cumulative((1e-6, 2e-6), (-1, 100)), ValueError, "from 0 to 100"),
        (lambda: Table.cumulative((1e-6, 2e-6), (0.5, 1.0)), ValueError, "multiply shares by 100"),
        (lambda: Table.cumulative((1e-6, 2e-6), (math.nan, 100)), ValueError, "from 0 to 100"),
        (lambda: Table.cumulative((1e-6,), (100,)), ValueError, "two points"),
        (lambda: Table.cumulative((1e-6, 2e-6), (100, 100)), ValueError, "two points"),
        (lambda: Table.cumulative((1e-6, 2e-6), (100,)), ValueError, "per cent for each"),
        (lambda: Table.cumulative((1e-6, 2e-6), ("0", "100")), TypeError, "each per cent"),
        (lambda: Table.cumulative((1e-6, 2e-6), (0, 100), "mass"), ValueError, "weighting"),
        (lambda: Table.percentiles(d50=3e-6), ValueError, "two points"),
        (lambda: Table.percentiles(d10=3e-6, d50=2e-6), ValueError, "rise"),
        (lambda: Table.percentiles(d10=3e-6, median=4e-6), TypeError, "d10="),
        (lambda: Table.percentiles(d10="3 um", d90=4e-6), TypeError, "each diameter"),
        (lambda: Table.percentiles(), ValueError, "two points"),
    ],
)  # fmt: skip
def test_curves_that_are_none(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_a_table_with_the_largest_numbers_there_are():
    """Shares count relative to each other, so no sum may overflow."""
    assert Table((1.0, 2.0), (1e308, 1e308), "number").mean_volume() == pytest.approx(4.5 * math.pi / 6, rel=1e-12)
