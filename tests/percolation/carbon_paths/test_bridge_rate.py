"""Bridge rates from windows: known where bridges are thrown at random, refused where windows cannot tell."""

import math

import numpy as np
import pytest

from microstructure.carbon.aggregates import build_library
from microstructure.errors import ThresholdError
from percolation import Bridges, fit_bridge_rate, sweep_bridges

SIDES = (2e-6, 1e-6, 0.5e-6)
RATE = 0.8e12  # per m2 at full content
PATCH = 4e-6


def thrown(rim, runs=60, seed=1, rate=RATE, spread=0.0):
    """Bridges of a given width at random places, and when each came; a window counts those that lie inside."""
    rng, onsets = np.random.default_rng(seed), [[] for _ in SIDES]
    for _ in range(runs):
        local = rate * math.exp(spread * rng.standard_normal())
        number = rng.poisson(local * PATCH**2)
        lower = rng.uniform(-rim, PATCH, size=(number, 2))
        content = rng.random(number)
        for k, side in enumerate(SIDES):
            edge = round(PATCH / side)
            found = np.full(edge * edge, np.inf)
            place = np.floor(lower / side).astype(int)
            inside = ((lower >= 0) & (place == np.floor((lower + rim) / side)) & (place < edge)).all(axis=1)
            np.minimum.at(found, place[inside] @ (edge, 1), content[inside])
            onsets[k].append(found)
    areas = tuple(side**2 for side in SIDES)
    return Bridges(areas, tuple(np.array(one) for one in onsets), 1e-7, "core_to_outside", "reorient", "thrown")


def scaled(rim):
    """What `thrown` throws per area: its places reach a rim beyond the patch on two sides."""
    return RATE * PATCH**2 / (PATCH + rim) ** 2


@pytest.mark.parametrize("rim", [0.0, 0.1e-6, 0.2e-6])
@pytest.mark.parametrize("content", [0.5, 1.0])
def test_rate_and_rim_of_bridges_thrown_at_random(rim, content):
    found = fit_bridge_rate(thrown(rim, runs=120, seed=3), content)
    assert found.low < content * scaled(rim) < found.high
    assert found.rim == pytest.approx(rim, abs=0.06e-6)
    assert found.constant
    assert found.high / found.low < 1.3


@pytest.mark.parametrize("wrong", [0.7, 1.4])
def test_a_wrong_rate_is_outside_the_interval(wrong):
    found = fit_bridge_rate(thrown(0.1e-6), 1.0)
    assert not found.low < wrong * scaled(0.1e-6) < found.high


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    hits = 0
    for seed in range(60):
        found = fit_bridge_rate(thrown(0.1e-6, runs=24, seed=seed), 1.0)
        hits += found.low < scaled(0.1e-6) < found.high
    assert hits >= 50


def test_bridges_that_come_in_crowds_are_not_constant():
    """Patches that differ make large windows look emptier than small ones say: no one rate describes both."""
    found = fit_bridge_rate(thrown(0.0, runs=400, spread=1.5), 1.0)
    assert not found.constant


def test_windows_without_a_rim_give_the_plain_rate():
    bridges = thrown(0.0)
    plain = [bridges.rate(1.0, side**2) for side in SIDES]
    assert fit_bridge_rate(bridges, 1.0).value == pytest.approx(np.mean(plain), rel=0.15)


def test_probability_of_a_contact_is_that_of_the_windows():
    bridges = thrown(0.2e-6, runs=200)
    found = fit_bridge_rate(bridges, 1.0)
    for area in bridges.areas[1:]:
        assert found.probability(area) == pytest.approx(np.mean(bridges.windows(area) <= 1.0), abs=0.03)


def test_where_no_rate_can_be_told_it_is_refused():
    bridges = thrown(0.1e-6)
    with pytest.raises(ThresholdError, match="needs windows of two areas"):
        fit_bridge_rate(bridges, 1e-6)
    with pytest.raises(ValueError, match="carbon content"):
        fit_bridge_rate(bridges, 1.5)
    with pytest.raises(ValueError, match="none of"):
        bridges.windows(3e-12)


@pytest.mark.slow
def test_carbon_obeys_the_law_over_a_factor_of_16():
    """Three cases across a real coat: one rate for windows of 0.5 to 2 um, within the scatter."""
    library = build_library(rng=np.random.default_rng(1), count=100)
    areas = [4e-12, 1e-12, 0.25e-12]
    for case, content in (("core_to_outside", 0.004), ("core_to_core_merged", 0.012), ("core_to_core_seam", 0.03)):
        bridges = sweep_bridges(
            library, thickness=150e-9, areas=areas, windows=2, runs=60, case=case, up_to=0.1,
            rng=np.random.default_rng(3),
        )  # fmt: skip
        found = fit_bridge_rate(bridges, content)
        assert found.constant, found
        raw = [bridges.rate(content, area) for area in areas]
        assert raw[0] > raw[-1]  # the rim is real


def test_onsets_beyond_what_was_looked_at_are_infinite_and_the_rest_stays(tmp_path):
    library = build_library(rng=np.random.default_rng(1), count=50)

    def onsets(up_to):
        rng = np.random.default_rng(5)
        return sweep_bridges(
            library, thickness=150e-9, areas=[0.5e-12], windows=3, runs=4, up_to=up_to, rng=rng
        ).onsets[0]

    far, near = onsets(1.0), onsets(0.06)
    # where less carbon is filled in, its last aggregate may be incomplete: a part of a percent of what is in
    np.testing.assert_allclose(near[np.isfinite(near)], far[np.isfinite(near)], rtol=0.01)
    assert np.all(far[np.isinf(near)] > 0.06)
    assert np.isinf(near).any()


@pytest.mark.parametrize(
    ("areas", "error"), [([], TypeError), (1e-12, TypeError), ([0.0], ValueError), ([1e-12, np.nan], ValueError)]
)
def test_areas_are_positive_numbers(areas, error):
    library = build_library(rng=np.random.default_rng(1), count=10)
    with pytest.raises(error, match="areas"):
        sweep_bridges(library, thickness=1e-7, areas=areas, runs=2, rng=np.random.default_rng(1))
