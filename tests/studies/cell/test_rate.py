"""A cathode at a C-rate: numbers by hand, limits, and a collapse where the drops use up the voltage."""

import math

import pytest

from microstructure.materials import Materials
from microstructure.recipe import Recipe
from studies.cell.rate import HOUR, active_mass_share, electronic_path, estimate_capacity

RECIPE = Recipe.parse("80:20:0")
GOOD = {"c_rate": 1.0, "utilisation": 0.5, "electronic": 0.1, "ionic": 0.01, "loading": 0.2, "length": 60e-6}
SLACK, FALL = 4.3 - 2.62, 4.3 - 3.55  # V: charged to the end of the discharge, and down to where the voltage is steep


def estimate(recipe=RECIPE, **changes):
    return estimate_capacity(recipe, **(GOOD | changes))


def test_drops_are_a_third_of_what_the_whole_current_would_lose():
    """1C of 160 mAh/g and 20 mg/cm2 is 3.2 mA/cm2; over 60 um of 0.01 S/m that are 64 mV, over 0.1 S/m 6.4 mV."""
    found = estimate()
    assert found.current == pytest.approx(32.0)
    assert found.ionic_drop == pytest.approx(0.064)
    assert found.electronic_drop == pytest.approx(0.0064)
    assert found.active_rate == 2.0
    assert estimate(c_rate=0.1).ionic_drop == pytest.approx(0.0064)


@pytest.mark.parametrize(("text", "share"), [("80:20:0", 0.8), ("80:20:3", 80 / 103), ("1:1:0", 0.5)])
def test_a_slow_rate_gives_what_is_reached(text, share):
    """200 mAh/g of the active material, by its share of the mass and by the utilisation."""
    recipe = Recipe.parse(text)
    assert active_mass_share(recipe) == pytest.approx(share)
    assert estimate(recipe, c_rate=1e-3).capacity / HOUR == pytest.approx(share * 200.0 * 0.5, rel=1e-12)


def test_the_capacity_is_that_of_the_material():
    other = Recipe.parse("80:20:0", Materials.load({"cam": {"capacity": "150 mA*h/g"}}))
    assert estimate(other, c_rate=1e-3, utilisation=1.0).capacity / HOUR == pytest.approx(120.0, rel=1e-12)


@pytest.mark.parametrize(
    ("lost", "share"), [(0.5, 1.0), (SLACK - 0.5 * FALL, 0.5), (SLACK - 0.25 * FALL, 0.25), (SLACK, 0.0), (5.0, 0.0)]
)
def test_capacity_falls_evenly_to_nothing_where_ions_and_electrons_lose_as_much(lost, share):
    """Half of the fall of the voltage beyond the slack is half of the capacity, all of it everything."""
    even = {"electronic": 0.01, "ionic": 0.01}
    full, drop = estimate(c_rate=1e-3).capacity, 2.0 * estimate(**even).ionic_drop
    assert estimate(**even, c_rate=lost / drop).capacity == pytest.approx(share * full, abs=1e-9 * full)


@pytest.mark.parametrize("worse", ["ionic", "electronic"])
@pytest.mark.parametrize("depth", [1.0, 0.8, 0.5])
def test_a_front_stops_where_it_has_used_up_the_mean_voltage(worse, depth):
    """1.305 V over the conductivity and the current; twice the current, half as deep."""
    mean = 0.5 * (4.3 + 3.55) - 2.62
    current, length = estimate().current, GOOD["length"]
    conductivity = current * depth * length / mean
    found = estimate(**{"ionic": 1e3, "electronic": 1e3} | {worse: conductivity})
    assert found.capacity == pytest.approx(depth * estimate(c_rate=1e-3).capacity, rel=1e-9)


@pytest.mark.parametrize("nothing", ["utilisation", "ionic"])
def test_what_does_not_conduct_or_is_not_reached_gives_nothing(nothing):
    found = estimate(**{nothing: 0.0})
    assert found.capacity == 0.0
    assert found.ionic_drop == found.electronic_drop == math.inf
    assert found.current == pytest.approx(32.0)


@pytest.mark.parametrize("c_rate", [0.1, 1.0, 5.0])
def test_what_electrons_reach_works_where_they_do_not_span(c_rate):
    """As much as with electrons that lose nothing; what they lose on their way is not known."""
    found, free = (
        estimate(electronic=0.0, utilisation=0.08, c_rate=c_rate),
        estimate(electronic=1e12, utilisation=0.08, c_rate=c_rate),
    )
    assert found.capacity == pytest.approx(free.capacity, rel=1e-9)
    assert found.capacity > 0.0
    assert found.ionic_drop == free.ionic_drop
    assert math.isnan(found.electronic_drop)
    assert found.remark == "electrons do not span the cathode: electronic loss not counted"
    assert free.remark == ""


def test_electrons_that_do_not_span_lose_what_their_feeding_says():
    """1C of 20 mg/cm2 is 3.2 mA/cm2; over 60 um of 0.005 S/m a third of the current's loss is 128 mV."""
    found = estimate(electronic=0.0, feeding=0.005)
    assert found.electronic_drop == pytest.approx(0.128)
    assert found.remark == "electrons do not span the cathode: loss from the collector to the cores they reach"
    as_plates = estimate(electronic=0.005)
    assert (found.capacity, found.ionic_drop) == (as_plates.capacity, as_plates.ionic_drop)


@pytest.mark.parametrize("c_rate", [1.0, 5.0, 20.0, 60.0])
def test_capacity_falls_with_what_feeding_loses_from_the_upper_limit_to_nothing(c_rate):
    limit = estimate(electronic=0.0, c_rate=c_rate).capacity
    fed = [estimate(electronic=0.0, c_rate=c_rate, feeding=one).capacity for one in (1e12, 0.1, 1e-2, 1e-3, 1e-9, 0.0)]
    assert fed[0] == pytest.approx(limit, rel=1e-9)
    assert fed == sorted(fed, reverse=True)
    assert fed[-2] == pytest.approx(0.0, abs=1e-6 * estimate(c_rate=1e-3).capacity)
    assert fed[-1] == 0.0


def test_a_feeding_given_counts_in_place_of_the_conductivity_from_plate_to_plate():
    """A path or two may span where most of the cores hang on the collector by others."""
    assert electronic_path(0.1, 0.02) == (0.02, "")
    assert electronic_path(0.1) == (0.1, "")
    assert electronic_path(0.0, 0.0)[0] == 0.0
    assert electronic_path(0.0)[0] == math.inf
    assert estimate(feeding=0.02) == estimate(electronic=0.02)
    assert estimate(feeding=0.1) == estimate()


def test_where_nothing_is_reached_electrons_that_do_not_span_give_nothing():
    assert estimate(electronic=0.0, utilisation=0.0).capacity == 0.0
    assert estimate(electronic=0.0, ionic=0.0).capacity == 0.0
    assert estimate(electronic=0.0, feeding=0.0).electronic_drop == math.inf


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("utilisation", 1.01, r"utilisation lies in \[0, 1\]"),
        ("c_rate", 0.0, "c_rate is above zero"),
        ("loading", 0.0, "loading is above zero"),
        ("length", 0.0, "length is above zero"),
        ("ionic", -1.0, "ionic is finite and not negative"),
        ("electronic", math.inf, "electronic is finite"),
        ("length", math.nan, "length"),
        ("feeding", -1.0, "feeding is finite and not negative"),
        ("feeding", math.inf, "feeding is finite"),
        ("feeding", math.nan, "feeding"),
    ],
)
def test_numbers_that_cannot_be_are_refused(name, value, words):
    with pytest.raises(ValueError, match=words):
        estimate(**{name: value})


def test_words_are_refused():
    with pytest.raises(TypeError, match="c_rate"):
        estimate(c_rate="1C")
