"""Packing: jammed fractions that are known, exact fractions, walls, coats, and a slow twin for overlaps."""

from __future__ import annotations

import itertools
import math

import numba
import numpy as np
import pytest

from microstructure.cores.core_clusters import single_blocks
from microstructure.cores.relaxation import Cell
from microstructure.cores.sizes import Equal, Lognormal
from microstructure.cores.sphere_packing import Packing, jam_spheres, pack_spheres
from microstructure.errors import PackingError

CORES = Lognormal(3.3e-6, 0.3)
WALLED = list(itertools.product([False, True], repeat=3))


def generator(seed=1):
    return np.random.default_rng(seed)


def slow_overlap(packing):
    """Largest overlap over the smaller diameter, all pairs and all images within two boxes one by one."""
    worst = 0.0
    reaches = [range(-2, 3) if periodic else (0,) for periodic in packing.periodic]
    for shift in itertools.product(*reaches):
        moved = packing.centres + np.array(shift) * packing.box
        distances = np.linalg.norm(packing.centres[:, None] - moved[None], axis=2)
        overlaps = packing.radii[:, None] + packing.radii[None] - distances
        relative = overlaps / np.minimum(packing.diameters[:, None], packing.diameters[None])
        if shift == (0, 0, 0):
            np.fill_diagonal(relative, 0.0)
        worst = max(worst, relative.max())
    return worst


def check_packing(packing, fraction):
    volume = math.pi / 6 * np.sum(packing.diameters**3) / np.prod(packing.box)
    assert packing.fraction == pytest.approx(volume, rel=1e-12)
    assert packing.fraction == pytest.approx(fraction, abs=1e-9)
    assert packing.overlap == pytest.approx(slow_overlap(packing), abs=1e-12)
    assert packing.overlap <= 1.001e-4
    for axis in range(3):
        x, r, edge = packing.centres[:, axis], packing.radii, packing.box[axis]
        if packing.periodic[axis]:
            assert np.all((x >= 0) & (x < edge))
        else:
            assert np.all((x >= r) & (x <= edge - r))


def interval(values):
    """95 % interval of the mean of three values (Student)."""
    half = 4.303 * np.std(values, ddof=1) / math.sqrt(3)
    return np.mean(values) - half, np.mean(values) + half


# Known answers


def test_equal_spheres_jam_at_random_close_packing():
    jammed = [jam_spheres(Equal(2e-6), count=300, periodic=(True,) * 3, rng=generator(seed)) for seed in range(3)]
    fractions = [packing.fraction for packing in jammed]
    low, high = interval(fractions)
    assert 0.63 < np.mean(fractions) < 0.645
    assert low < 0.645
    assert high > 0.63
    assert all(packing.overlap < 1.001e-4 for packing in jammed)
    # Negative control: six walls cost space, and the same three seeds lie clearly below.
    walled = [jam_spheres(Equal(2e-6), count=100, periodic=(False,) * 3, rng=generator(seed)) for seed in range(3)]
    assert 0.5 < interval([packing.fraction for packing in walled])[1] < 0.6


def test_lognormal_spheres_jam_denser():
    fractions = [jam_spheres(CORES, count=250, periodic=(True,) * 3, rng=generator(seed)).fraction for seed in range(3)]
    low, high = interval(fractions)
    assert 0.65 < np.mean(fractions) < 0.675
    assert low < 0.67
    assert high > 0.66
    assert np.mean(fractions) > 0.645  # denser than equal spheres ever are


@pytest.mark.slow
@pytest.mark.parametrize(("sizes", "least", "most"), [(Equal(1.0), 0.635, 0.645), (Lognormal(1.0, 0.3), 0.66, 0.68)])
def test_every_start_of_500_jams_as_densely_as_it_should(sizes, least, most):
    """Five starts of each; a quench that is not pressed sticks below for one start in three."""
    for seed in range(5):
        packing = jam_spheres(sizes, count=500, periodic=(True,) * 3, rng=generator(seed))
        assert least <= packing.fraction <= most
        assert packing.overlap < 1.001e-4


def test_jammed_spheres_hold_each_other():
    """Isostatic: 6 contacts a sphere on average, rattlers left aside (Maxwell; O'Hern et al. 2003)."""
    packing = jam_spheres(Equal(1.0), count=200, periodic=(True,) * 3, rng=generator(3))
    vectors = packing.centres[:, None] - packing.centres[None]
    vectors -= packing.box * np.round(vectors / packing.box)
    touch = np.linalg.norm(vectors, axis=2) < 1.0005
    np.fill_diagonal(touch, False)
    for _ in range(5):
        rattlers = touch.sum(axis=1) < 4
        touch[rattlers] = touch[:, rattlers] = False
    held = touch.sum(axis=1)
    assert held[held > 0].mean() == pytest.approx(6.0, abs=0.35)
    assert np.mean(held > 0) > 0.9


def test_sequential_addition_stops_below_its_limit():
    for seed in range(3):
        with pytest.raises(PackingError, match="densest packing found") as caught:
            pack_spheres(
                Equal(1e-6), fraction=0.40, count=200, periodic=(True,) * 3, rng=generator(seed), method="sequential"
            )
        best = caught.value.best
        assert 0.35 < best.fraction < 0.3841
        assert slow_overlap(best) == 0.0
        assert f"{best.fraction:.4f}" in str(caught.value)


def test_beyond_random_packing_the_densest_is_handed_over():
    with pytest.raises(PackingError) as caught:
        pack_spheres(Equal(2e-6), fraction=0.72, count=100, periodic=(True,) * 3, rng=generator())
    best = caught.value.best
    check_packing(best, best.fraction)
    assert 0.62 < best.fraction < 0.65
    assert np.all(best.diameters == 2e-6)
    assert f"{best.fraction:.4f}" in str(caught.value)


def test_two_spheres_between_walls_have_one_place():
    packing = pack_spheres([2.0, 2.0], box=(2.0, 4.0, 4.0), rng=generator())
    check_packing(packing, 2 * 4 / 3 * math.pi / 32)
    assert np.all(packing.centres[:, 0] == 1.0)


# Laws


@pytest.mark.parametrize("periodic", WALLED, ids=str)
@pytest.mark.parametrize("method", ["relax", "sequential"])
def test_fraction_walls_and_overlap(periodic, method):
    fraction = 0.50 if method == "relax" else 0.18
    packing = pack_spheres(CORES, fraction=fraction, count=80, periodic=periodic, rng=generator(), method=method)
    check_packing(packing, fraction)
    assert packing.count == 80
    assert packing.box == pytest.approx(packing.box[0])
    assert packing.periodic == periodic
    assert packing.method == method


def test_thin_periodic_boxes_see_every_image():
    for seed in range(5):
        packing = pack_spheres(Lognormal(1.0, 0.1), fraction=0.5, count=12, aspect=(6, 1, 1), rng=generator(seed))
        check_packing(packing, 0.5)
        assert packing.box[1:].min() < 2 * packing.diameters.max()


def test_box_and_fraction_of_a_distribution():
    packing = pack_spheres(CORES, fraction=0.5, box=(30e-6, 12e-6, 15e-6), rng=generator())
    check_packing(packing, 0.5)
    assert packing.box == pytest.approx([30e-6, 12e-6, 15e-6], rel=1e-12)
    expected = 0.5 * 30e-6 * 12e-6 * 15e-6 / CORES.mean_volume()
    assert packing.count == pytest.approx(expected, rel=0.25)
    equal = pack_spheres(Equal(3e-6), fraction=0.5, box=(30e-6, 12e-6, 15e-6), rng=generator())
    assert equal.diameters == pytest.approx(3e-6, rel=0.5 / 3 / equal.count)


def test_count_and_box_give_the_fraction():
    packing = pack_spheres(Equal(2.0), count=20, box=(8, 8, 8), rng=generator())
    check_packing(packing, 20 * 4 / 3 * math.pi / 512)


def test_aspect_and_array():
    diameters = CORES.draw(60, rng=generator())
    before = diameters.copy()
    packing = pack_spheres(diameters, fraction=0.6, aspect=(2, 1, 1), rng=generator())
    check_packing(packing, 0.6)
    assert packing.box[0] == pytest.approx(2 * packing.box[1])
    assert np.array_equal(packing.diameters, before)
    packing.diameters[:] = 0.0
    assert np.array_equal(diameters, before)
    boxed = pack_spheres(before, box=tuple(packing.box), rng=generator())
    check_packing(boxed, 0.6)


def test_count_alone_packs_to_jamming():
    packing = pack_spheres(CORES, count=60, periodic=(True,) * 3, rng=generator())
    assert packing.method == "jam"
    check_packing(packing, packing.fraction)
    assert packing.fraction > 0.62
    again = jam_spheres(CORES.draw(60, rng=generator(2)), periodic=(False, True, True), rng=generator())
    check_packing(again, again.fraction)
    assert again.fraction < packing.fraction  # walls cost space


@pytest.mark.parametrize("method", ["relax", "sequential"])
def test_same_seed_same_bytes(method):
    first, second, other = (
        pack_spheres(CORES, fraction=0.18, count=50, rng=generator(seed), method=method) for seed in (1, 1, 2)
    )
    assert first.centres.tobytes() == second.centres.tobytes()
    assert first.diameters.tobytes() == second.diameters.tobytes()
    assert first.centres.tobytes() != other.centres.tobytes()


def test_the_bytes_do_not_hang_on_the_number_of_threads():
    kept = numba.get_num_threads()
    packings = []
    for threads in (1, kept):
        numba.set_num_threads(threads)
        packings.append(pack_spheres(CORES, fraction=0.6, count=300, rng=generator()))
    numba.set_num_threads(kept)
    assert packings[0].centres.tobytes() == packings[1].centres.tobytes()


def test_same_in_every_unit_of_length():
    micron = pack_spheres(Lognormal(1e-6, 0.3), fraction=0.5, count=40, rng=generator())
    metre = pack_spheres(Lognormal(1.0, 0.3), fraction=0.5, count=40, rng=generator())
    assert micron.centres * 1e6 == pytest.approx(metre.centres, rel=1e-6)


# Coats


def nearest_gaps(packing):
    vectors = packing.centres[:, None] - packing.centres[None]
    vectors -= np.where(packing.periodic, packing.box * np.round(vectors / packing.box), 0.0)
    gaps = np.linalg.norm(vectors, axis=2) - packing.radii[:, None] - packing.radii[None]
    np.fill_diagonal(gaps, np.inf)
    return gaps.min(axis=1)


def test_coats_that_fit_keep_the_spheres_and_the_walls_apart():
    coat = 0.1
    packing = pack_spheres(Equal(2.0), fraction=0.40, count=100, aspect=(2, 1, 1), rng=generator(), clearance=coat)
    check_packing(packing, 0.40)
    assert nearest_gaps(packing).min() > 2 * coat - 0.01
    assert packing.centres[:, 0].min() > 1 + coat - 0.01
    assert packing.centres[:, 0].max() < packing.box[0] - 1 - coat + 0.01
    bare = pack_spheres(Equal(2.0), fraction=0.40, count=100, aspect=(2, 1, 1), rng=generator())
    assert nearest_gaps(bare).min() < coat  # negative control


def test_coats_give_way_and_cores_do_not():
    options = {"fraction": 0.62, "count": 150, "periodic": (True,) * 3}
    coated = pack_spheres(CORES, **options, rng=generator(), clearance=0.26e-6)
    bare = pack_spheres(CORES, **options, rng=generator())
    check_packing(coated, 0.62)
    assert np.array_equal(coated.diameters, bare.diameters)
    # Coats of 0.26 um would fill 0.97 of the box: they share what gap there is instead of leaving some at 0.
    assert np.median(nearest_gaps(coated)) > 1.5 * np.median(nearest_gaps(bare))


def test_eight_times_the_fraction_is_twice_the_diameter():
    cell = Cell(np.ones(2), np.full(3, 2.0), np.array([True] * 3), fraction=0.1, blocks=single_blocks(2))
    assert cell.scale(0.8) == pytest.approx(2.0)


# Refusals


@pytest.mark.parametrize(
    ("sizes", "options", "error", "match"),
    [
        ([1.0, 1.0], {"fraction": 0.5, "box": (4, 4, 4)}, TypeError, "not both"),
        ([1.0, 1.0], {}, TypeError, "either"),
        ([1.0, 1.0], {"fraction": 0.5, "count": 2}, TypeError, "no count"),
        (["a"], {"fraction": 0.5}, TypeError, "numbers"),
        (Equal(1.0), {"fraction": 0.5}, TypeError, "two of"),
        (Equal(1.0), {"fraction": 0.5, "count": 9, "box": (4, 4, 4)}, TypeError, "two of"),
        (Equal(1.0), {"fraction": "0.5", "count": 9}, TypeError, "fraction"),
        (Equal(1.0), {"fraction": 0.5, "count": 9.0}, TypeError, "count"),
        (Equal(1.0), {"fraction": 0.5, "count": 9, "periodic": True}, TypeError, "periodic"),
        (Equal(1.0), {"fraction": 0.5, "count": 9, "rng": 1}, TypeError, "rng"),
        (Equal(1.0), {"fraction": 0.5, "count": 9, "clearance": "1"}, TypeError, "clearance"),
        (Equal(1.0), {"count": 9, "method": "sequential"}, TypeError, "jamming"),
        (Equal(1.0), {"fraction": 0.5, "count": 0}, ValueError, "count"),
        (Equal(1.0), {"fraction": 0.0, "count": 9}, ValueError, "between 0 and 1"),
        (Equal(1.0), {"fraction": 1.0, "count": 9}, ValueError, "between 0 and 1"),
        (Equal(1.0), {"fraction": math.nan, "count": 9}, ValueError, "between 0 and 1"),
        (Equal(1.0), {"fraction": 0.5, "count": 9, "aspect": (1, 0, 1)}, ValueError, "aspect"),
        (Equal(1.0), {"fraction": 0.5, "count": 9, "clearance": -1.0}, ValueError, "clearance"),
        (Equal(1.0), {"fraction": 0.3, "count": 9, "clearance": 1.0, "method": "sequential"}, ValueError, "clearance"),
        (Equal(1.0), {"fraction": 0.5, "count": 9, "method": "shake"}, ValueError, "method"),
        (Equal(1.0), {"fraction": 0.5, "box": (4, 4)}, ValueError, "box"),
        (Equal(1.0), {"fraction": 0.5, "box": (4, 4, math.nan)}, ValueError, "box"),
        (Equal(1.0), {"fraction": 0.5, "box": (4, 4, 0.5)}, ValueError, "smaller than the largest sphere"),
        (Equal(1e-6), {"fraction": 0.5, "box": (4, 4, 4)}, ValueError, "units"),
        (Equal(1.0), {"fraction": 0.5, "box": (0.5, 0.5, 0.5)}, ValueError, "units"),
        ([1.0, -1.0], {"fraction": 0.5}, ValueError, "above 0"),
        ([1.0, math.nan], {"fraction": 0.5}, ValueError, "above 0"),
        ([], {"fraction": 0.5}, ValueError, "at least 1"),
        ([1.0] * 9, {"box": (1.5, 1.5, 1.5)}, ValueError, "larger|enlarge"),
    ],
)
def test_refusals(sizes, options, error, match):
    with pytest.raises(error, match=match):
        pack_spheres(sizes, **{"rng": generator(), **options})


def test_jam_refusals():
    with pytest.raises(TypeError, match="count"):
        jam_spheres(Equal(1.0), rng=generator())
    with pytest.raises(TypeError, match="count"):
        jam_spheres([1.0] * 20, count=20, rng=generator())


class Broken:
    """A distribution of somebody else that draws what is no size."""

    def __init__(self, drawn):
        self.drawn = drawn

    def draw(self, count, *, rng):
        return np.full(self.drawn.size if self.drawn.size > 1 else count, self.drawn)

    def mean_volume(self):
        return 1.0


@pytest.mark.parametrize(
    ("drawn", "match"), [(np.array([math.nan]), "above 0"), (np.array([-1.0]), "above 0"), (np.ones(3), "return 9")]
)
def test_what_a_foreign_distribution_draws_is_checked(drawn, match):
    for pack in (pack_spheres, jam_spheres):
        with pytest.raises(ValueError, match=match):
            pack(Broken(drawn), count=9, rng=generator())


def test_repr_is_short():
    packing = pack_spheres([2e-6] * 4, fraction=0.2, rng=generator())
    assert isinstance(packing, Packing)
    assert repr(packing).startswith("Packing(4 spheres, fraction 0.2000, box 4.376 x 4.376 x 4.376 um, walls x, ")
    assert len(repr(packing)) < 120
