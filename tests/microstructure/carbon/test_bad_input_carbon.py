"""Wrong input where carbon is swept and linked: a typed error before any memory is taken, which says what to write."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import psutil
import pytest

from microstructure import Materials, build_library, coating_patch
from microstructure.arguments import check_areas, check_gap, check_lengths, check_name, check_room, check_runs
from microstructure.carbon.aggregates import grow_aggregate
from microstructure.carbon.dispersion import Dispersion
from microstructure.carbon.domains import FIT_MODES
from microstructure.carbon.placement import fill_bulk, fill_flat
from microstructure.coats.coat_models import COAT_MODELS
from microstructure.cores.sphere_packing import METHODS
from microstructure.images.xps import CARBON_SEATS
from percolation import link_carbon, sweep_block, sweep_bridges, sweep_bulk, sweep_carbon, sweep_coat

NAN, INF = math.nan, math.inf
RAW = r"ambiguous|allowed dimension|allocate|subscriptable|not iterable|out of bounds|convert|inhomogeneous|real numb"
NO_NUMBER = (None, "a", True, [], (1, 2), {}, 1j, object(), np.ones(3), np.array(1.0), np.array([None]))
NO_COUNT = (*NO_NUMBER, 1.0, NAN, np.float64(2.0))
MATERIALS = ("NCM82", {}, 0, True, Materials)


def rng():
    return np.random.default_rng(1)


LIBRARY = build_library(rng=rng(), count=8)


@pytest.fixture(scope="module")
def patch():
    with pytest.warns(UserWarning, match="strong size effect"):
        return coating_patch(150e-9, 0.6e-6, 0.03, 30e-9, library=LIBRARY, rng=rng())


def bulk(**changes):
    return sweep_bulk(**({"library": LIBRARY, "edge": 0.6e-6, "runs": 1, "rng": rng()} | changes))


def coat(**changes):
    return sweep_coat(**({"library": LIBRARY, "thickness": 150e-9, "width": 0.6e-6, "runs": 1, "rng": rng()} | changes))


def across(**changes):
    return sweep_bridges(
        **({"library": LIBRARY, "thickness": 150e-9, "areas": [0.25e-12], "runs": 1, "rng": rng()} | changes)
    )


def round_a_block(**changes):
    return sweep_block(
        **({"library": LIBRARY, "diameter": 1e-6, "thickness": 150e-9, "runs": 1, "rng": rng()} | changes)
    )


def cube(**changes):
    return fill_bulk(**({"library": LIBRARY, "box": (1e-6,) * 3, "volume": 1e-21, "rng": rng()} | changes))


def flat(**changes):
    sides = {"width": (1e-6, 1e-6), "floor": 18.5e-9, "ceiling": 150e-9, "volume": 1e-21}
    return fill_flat(**({"library": LIBRARY, "rng": rng()} | sides | changes))


SWEEPS = (bulk, coat, across, round_a_block)
LENGTHS = [(bulk, "edge"), (coat, "thickness"), (coat, "width"), (across, "thickness"), (round_a_block, "diameter")]
LENGTHS += [(round_a_block, "thickness"), (flat, "floor"), (flat, "ceiling")]


def refused(door, error, **arguments):
    """The error names the argument and is no slip of numpy or numba."""
    with pytest.raises(error) as caught:
        door(**arguments)
    message = str(caught.value)
    assert type(caught.value) in (TypeError, ValueError), message
    assert next(iter(arguments)).split("_")[0].removesuffix("s") in message
    assert not any(word in message for word in RAW.split("|")), message


@pytest.mark.parametrize(("door", "name"), LENGTHS)
def test_lengths(door, name):
    for wrong in NO_NUMBER:
        refused(door, TypeError, **{name: wrong})
    for wrong in (NAN, INF, -INF, -1e-7, 0, 0.0, 1e-12, 1e-320, 2, 150, 1e30, 10**15, 10**400, np.float16(1.0)):
        refused(door, ValueError, **{name: wrong})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [(150, "looks like nm, written 150e-9"), (2, "looks like um, written 2e-6"), (1e-12, "1e-10 to 0.01")],
)
def test_the_unit_that_was_meant_is_named(wrong, words):
    with pytest.raises(ValueError, match=f"thickness is a length in metres.*{words}.*check the units"):
        coat(thickness=wrong)


def test_areas_are_square_metres():
    for wrong in (None, 1e-12, "a", [], (), {}, np.array(1e-12), [None], ["a"], [True], [[1e-12]], [1j]):
        refused(across, TypeError, areas=wrong)
    for wrong in ([NAN], [-1e-12], [0.0], [1.5], [INF], [1e-25], [10**30], [1e-12, 150]):
        refused(across, ValueError, areas=wrong)
    with pytest.raises(ValueError, match=r"areas\[0\].* looks like um2, written 1.5e-12; check the units"):
        across(areas=[1.5])


@pytest.mark.parametrize("door", SWEEPS)
def test_counts(door):
    for wrong in NO_COUNT:
        refused(door, TypeError, runs=wrong)
    for wrong in (0, -1, -(10**15), 10**7, 10**15, 10**30, np.int64(2**62)):
        refused(door, ValueError, runs=wrong)
    if door is across:
        for wrong in (0, 10**5, 10**15):
            refused(door, ValueError, windows=wrong)


@pytest.mark.parametrize("door", SWEEPS)
def test_gaps(door):
    for wrong in NO_NUMBER:
        refused(door, TypeError, contact_gap=wrong)
    for wrong in (NAN, INF, -1e-9, 1e-6, 2, 150, 10**15, 10**400):
        refused(door, ValueError, contact_gap=wrong)


@pytest.mark.parametrize("door", SWEEPS)
def test_kinds(door):
    for wrong in MATERIALS:
        refused(door, TypeError, materials=wrong)
    for wrong in (None, "library", 0, [LIBRARY]):
        refused(door, TypeError, library=wrong)
    for wrong in (None, 1, np.random.RandomState(1)):
        refused(door, TypeError, rng=wrong)
    for wrong in (None, "a", True, [0.5], 1j):
        refused(door, TypeError, dispersion=wrong)
    for wrong in (NAN, -0.1, 1.5, 150, 10**400):
        refused(door, ValueError, dispersion=wrong)


@pytest.mark.parametrize(
    ("door", "name", "nearest"),
    [(coat, "fit", "cut"), (across, "fit", "cut"), (across, "case", "core_to_outside"), (round_a_block, "fit", "cut")],
)
def test_names(door, name, nearest):
    for wrong in (None, 1, [nearest], np.array([nearest, nearest])):
        refused(door, TypeError, **{name: wrong})
    with pytest.raises(ValueError, match=f"unknown {name}: '{nearest[:-1]}x'. Did you mean '{nearest}'"):
        door(**{name: nearest[:-1] + "x"})


def test_boxes_of_carbon():
    for wrong in (None, 1e-6, "abc", {}, np.array(1e-6), ["a"] * 3, [True] * 3):
        refused(cube, TypeError, box=wrong)
    for wrong in ((), (1e-6,), (1e-6,) * 4, (1e-6, 1e-6, NAN), (1.0,) * 3, (1e-13,) * 3):
        refused(cube, ValueError, box=wrong)
    for wrong in (None, 1e-6, "ab", {}, ["a", "b"]):
        refused(flat, TypeError, width=wrong)
    for wrong in ((1e-6,), (1e-6,) * 3, (1e-6, 1.0)):
        refused(flat, ValueError, width=wrong)


@pytest.mark.parametrize("door", [cube, flat])
def test_volumes_of_carbon(door):
    for wrong in NO_NUMBER:
        refused(door, TypeError, volume=wrong)
    for wrong in (NAN, INF, -1.0, 10**400):
        refused(door, ValueError, volume=wrong)
    for wrong in (1e-9, 150, 1e30):  # a billiard ball of carbon, and more
        with pytest.raises(
            ValueError, match=r"primaries of carbon take .* GB of memory, .* GB are free: take a smaller"
        ):
            door(volume=wrong)


def test_more_primaries_than_memory_holds():
    """None of it is taken before it is refused."""
    tracemalloc.start()
    for arguments in ({"thickness": 1e-3, "width": 1e-3}, {"width": 1e-2}):
        with pytest.raises(ValueError, match="primaries of carbon take"):
            coat(**arguments)
    with pytest.raises(ValueError, match=r"[0-9.e+]+ primaries of carbon take .* smaller box or patch, or less carbon"):
        bulk(edge=1e-3)
    with pytest.raises(ValueError, match="windows"):
        across(areas=[1e-12, 1e-18], windows=100, runs=10_000)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_less_carbon_than_one_primary():
    for door, arguments in ((coat, {"thickness": 1e-9, "width": 1e-8}), (bulk, {"edge": 2e-8})):
        with pytest.raises(ValueError, match="less than one primary"):
            door(**arguments)


def test_a_coat_thinner_than_a_primary_is_swept():
    assert coat(thickness=5e-9).wrap.shape == (1, 3)
    assert across(up_to=1e-6).onsets[0].tolist() == [[INF]]  # so little carbon that there is no primary


def test_aggregates():
    for wrong in (10**6, 10**15, 10**30):
        refused(grow_aggregate, ValueError, primaries=wrong, rng=rng())
        refused(LIBRARY.draw, ValueError, count=wrong * 100, rng=rng())
    for wrong in (None, "a", True, 1.0, NAN, [0], np.zeros(2, int)):
        refused(LIBRARY.member, TypeError, index=wrong)
    for wrong in (150, 5.0, 1e30, 10**15, 10**400):  # denser than spheres can be: it did not return
        refused(grow_aggregate, ValueError, prefactor=wrong, primaries=60, rng=rng())
    for name in ("diameter", "primary_diameter"):
        refused(build_library, ValueError, **{name: 150}, rng=rng())


def test_links(patch):
    good = {"carbon": patch.carbon, "box": patch.box, "periodic": patch.periodic}
    for name, wrong, error in (
        ("carbon", None, TypeError),
        ("carbon", patch, TypeError),
        ("box", None, TypeError),
        ("box", "abc", TypeError),
        ("box", (1e-6, 1e-6), ValueError),
        ("box", [NAN] * 3, ValueError),
        ("periodic", None, TypeError),
        ("periodic", (2, 2, 2), TypeError),
        ("periodic", (True, True), ValueError),
        ("contact_gap", "1 nm", TypeError),
        ("contact_gap", 2, ValueError),
    ):
        refused(link_carbon, error, **({name: wrong} | {key: good[key] for key in good if key != name}))


def test_steps(patch):
    for wrong in (None, "a", {}, {0.01}, 2.0, [None], ["a"], [[0.01]], [True]):
        refused(sweep_carbon, TypeError, steps=wrong, structure=patch, rng=rng())
    for wrong in ([], [NAN], [0.02, 0.01], [2.0], 0, -1, 10**15):
        refused(sweep_carbon, ValueError, steps=wrong, structure=patch, rng=rng())
    refused(sweep_carbon, ValueError, runs=10**15, structure=patch, rng=rng())
    refused(sweep_carbon, TypeError, structure=patch.labels, rng=rng())


def test_nothing_of_the_caller_is_changed(patch):
    areas, steps = np.array([0.25e-12, 0.1e-12]), np.array([0.01, 0.02])
    for array in (areas, steps):
        array.flags.writeable = False
    across(areas=areas)
    before = patch.carbon.centres.copy()
    sweep_carbon(patch, steps=steps, runs=2, rng=rng())
    assert np.array_equal(before, patch.carbon.centres)


def test_single_precision_is_a_number():
    assert np.array_equal(coat(thickness=np.float32(2**-23)).wrap, coat(thickness=2**-23).wrap)


def test_the_checks_themselves(monkeypatch):
    assert check_lengths(a=1e-10, b=np.float32(0.0078125), c=1e-2) == (1e-10, 0.0078125, 1e-2)
    assert check_gap("gap", 0) == 0.0
    assert check_runs(np.int32(3)) == 3
    assert check_name("fit", "cut", FIT_MODES) == "cut"
    check_areas(a=1e-20, b=1e-4)
    free = psutil.virtual_memory()._replace(available=1000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    check_room("voxels", 100, 10.0, "take fewer")
    with pytest.raises(ValueError, match=r"101 voxels take 1.01e-06 GB of memory, 1e-06 GB are free: take fewer"):
        check_room("voxels", 101, 10.0, "take fewer")


def test_names_are_read_off_their_tables():
    assert tuple(COAT_MODELS) == ("film", "shell")
    assert tuple(FIT_MODES) == ("reorient", "compress", "cut")
    assert tuple(CARBON_SEATS) == ("core", "film", "mixed")
    assert tuple(METHODS) == ("relax", "sequential")
    for registry in (COAT_MODELS, FIT_MODES, CARBON_SEATS, METHODS):
        with pytest.raises(TypeError, match="does not support item assignment"):
            registry["other"] = None


def test_agglomerates_are_lengths_too():
    with pytest.raises(ValueError, match="agglomerate_size is a length in metres"):
        Dispersion(0.5, agglomerate_size=2)
