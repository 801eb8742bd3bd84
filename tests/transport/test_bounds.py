"""Bounds of mixtures: known values, their order, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from transport import bounds


def test_one_phase_is_its_conductivity_exactly():
    for value in (49.0, 1.0 / 3.0, 0.0):
        assert bounds([1.0], [value]).lower == value
        assert bounds([1.0], [value]).upper == value
    assert bounds([1.0, 0.0], [49.0, 1e9]).upper == 49.0


def test_known_values():
    wiener = bounds([0.25, 0.75], [4.0, 1.0])
    assert wiener.lower == pytest.approx(1.0 / (0.25 / 4.0 + 0.75), rel=1e-14)
    assert wiener.upper == pytest.approx(1.75, rel=1e-14)
    shells = bounds([0.7, 0.3], [1.0, 10.0], kind="hashin-shtrikman")
    assert shells.lower == pytest.approx(1.0 + 0.3 / (1.0 / 9.0 + 0.7 / 3.0), rel=1e-12)  # eq. (3.21), two phases
    assert shells.upper == pytest.approx(10.0 + 0.7 / (-1.0 / 9.0 + 0.3 / 30.0), rel=1e-12)


def test_insulating_spheres_stay_below_maxwell():
    assert bounds([0.7, 0.3], [1.0, 0.0], kind="hashin-shtrikman").upper == pytest.approx(0.7 / 1.15, rel=1e-12)
    assert bounds([0.7, 0.3], [1.0, 0.0], kind="hashin-shtrikman").lower == 0.0
    assert bounds([0.7, 0.3], [1.0, 0.0]).lower == 0.0
    assert bounds([0.5, 0.5], [0.0, 0.0], kind="hashin-shtrikman").upper == 0.0


@pytest.mark.parametrize("seed", range(20))
def test_hashin_shtrikman_lies_within_wiener(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 6))
    fractions, values = rng.dirichlet(np.ones(count)), 10.0 ** rng.uniform(-6, 3, count)
    wide, narrow = bounds(fractions, values), bounds(fractions, values, kind="hashin-shtrikman")
    assert wide.lower <= narrow.lower * (1 + 1e-9)
    assert narrow.lower <= narrow.upper * (1 + 1e-9)
    assert narrow.upper <= wide.upper * (1 + 1e-9)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (([0.5, 0.5], [1.0]), ValueError, "one conductivity for each"),
        (([], []), ValueError, "one conductivity for each"),
        (([0.5, 0.4], [1.0, 2.0]), ValueError, "sum to 1"),
        (([0.5, 0.5], [1.0, -2.0]), ValueError, "zero or more"),
        (([1.5, -0.5], [1.0, 2.0]), ValueError, "zero or more"),
        (([0.5, 0.5], [1.0, float("nan")]), ValueError, "finite"),
        (([0.5, 0.5], [1.0, "a lot"]), TypeError, "plain numbers"),
        (([1.0], [1.0], "voigt"), ValueError, "unknown kind"),
    ],
)
def test_wrong_arguments_are_refused(arguments, kind, message):
    with pytest.raises(kind, match=message):
        bounds(*arguments)


def test_bounds_print_themselves():
    assert "1.6 to 2.5 S/m" in str(bounds([0.5, 0.5], [1.0, 4.0]))
