"""Aggregates obey their scaling law and are trees of touching spheres; libraries have the median that was asked for."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import pytest

from microstructure.carbon.aggregates import build_library, grow_aggregate
from microstructure.carbon.size_measures import SIZE_MEASURES, measure_size
from microstructure.errors import PackingError


@pytest.fixture(scope="module")
def library():
    return build_library(rng=np.random.default_rng(20), count=120)


def law(aggregate, fractal_dimension, prefactor):
    """Primaries that the scaling law gives to this radius of gyration."""
    centred = aggregate.centres - aggregate.centres.mean(axis=0)
    return prefactor * (math.sqrt((centred**2).sum(axis=1).mean()) / aggregate.radius) ** fractal_dimension


def gaps(aggregate):
    """Slow twin: every pair's distance less one diameter, in radii; infinite on the diagonal."""
    centres = aggregate.centres / aggregate.radius
    distances = np.sqrt(((centres[:, None] - centres[None]) ** 2).sum(axis=-1))
    np.fill_diagonal(distances, np.inf)
    return distances - 2.0


def steps_from_the_first(touching):
    """Slow twin: breadth-first distance from primary 0 along contacts; -1 where there is no way."""
    steps = [-1] * len(touching)
    steps[0] = 0
    queue = deque([0])
    while queue:
        here = queue.popleft()
        for there in np.flatnonzero(touching[here]):
            if steps[there] < 0:
                steps[there] = steps[here] + 1
                queue.append(there)
    return steps


def require_tree(aggregate):
    """Nothing overlaps, the contacts are the bonds, and the bonds lead from the first primary to all, nearest first."""
    separation = gaps(aggregate)
    assert separation.min(initial=0.0) > -1e-6
    touching = separation < 1e-6
    assert touching.sum() == 2 * (aggregate.count - 1)
    assert aggregate.parent[0] == -1
    children = np.arange(1, aggregate.count)
    assert (aggregate.parent[1:] < children).all()
    assert (aggregate.parent[1:] >= 0).all()
    assert touching[children, aggregate.parent[1:]].all()
    steps = steps_from_the_first(touching)
    assert steps[0] == 0
    assert min(steps) == 0
    assert steps == sorted(steps)
    assert [steps[parent] for parent in aggregate.parent[1:]] == [step - 1 for step in steps[1:]]


@pytest.mark.parametrize("primaries", [1, 2, 3, 4, 5, 7, 11, 12, 13, 17, 41, 64, 100, 241])
def test_every_aggregate_is_a_tree_of_touching_spheres_on_the_scaling_law(primaries):
    rng = np.random.default_rng(primaries)
    for _ in range(5):
        aggregate = grow_aggregate(primaries, rng=rng)
        require_tree(aggregate)
        assert aggregate.count == primaries
        assert abs(aggregate.centres.mean(axis=0)).max() < 1e-12 * aggregate.radius * primaries
        if primaries >= 3:
            assert law(aggregate, 1.8, 1.3) == pytest.approx(primaries, rel=1e-9)


@pytest.mark.parametrize(
    ("fractal_dimension", "prefactor"), [(1.2, 1.2), (1.5, 1.3), (1.8, 0.5), (1.8, 2.3), (2.1, 1.3), (2.5, 1.0)]
)
@pytest.mark.parametrize("primaries", [6, 12, 60])
def test_other_laws_hold_as_well(fractal_dimension, prefactor, primaries):
    rng = np.random.default_rng(11)
    aggregate = grow_aggregate(primaries, rng=rng, fractal_dimension=fractal_dimension, prefactor=prefactor)
    require_tree(aggregate)
    if primaries >= 12:
        assert law(aggregate, fractal_dimension, prefactor) == pytest.approx(primaries, rel=1e-9)


@pytest.mark.parametrize("fractal_dimension", [1.4, 1.8, 2.2])
def test_parts_of_an_aggregate_obey_the_law_on_average(fractal_dimension):
    """Pairs within r go with r^D_f; near contact they are counted in whole spheres, which costs up to 0.2."""
    rng = np.random.default_rng(12)
    near, far = [], []
    for _ in range(40):
        separation = gaps(grow_aggregate(400, rng=rng, fractal_dimension=fractal_dimension)) + 2.0
        near.append((separation < 4.5).sum())
        far.append((separation < 9.0).sum())
    slopes = np.log2(np.array(far) / np.array(near))
    assert abs(slopes.mean() - fractal_dimension) < 0.2  # half the distance to the next of the three
    assert slopes.std() / math.sqrt(len(slopes)) < 0.02


@pytest.mark.parametrize("primaries", [2, 3, 20])
def test_aggregates_point_nowhere(primaries):
    rng = np.random.default_rng(13)
    centres = [grow_aggregate(primaries, rng=rng).centres for _ in range(400)]
    shares = np.array([(c**2).sum(axis=0) / (c**2).sum() for c in centres])
    error = shares.std(axis=0) / math.sqrt(len(shares))
    assert (abs(shares.mean(axis=0) - 1 / 3) < 4 * error).all()
    assert error.max() < 0.02
    assert error.min() > 0.005  # the control: they do point somewhere, each elsewhere


def test_a_library_is_made_of_such_aggregates(library):
    assert library.count == 120
    assert library.sizes.sum() == len(library.centres) == len(library.parent) == library.start[-1]
    assert library.centres.dtype == np.float64
    assert library.parent.dtype == np.int32
    assert library.start.dtype == np.int64
    assert library.primary_volume == pytest.approx(math.pi / 6 * 37e-9**3, rel=1e-12)
    for k in range(library.count):
        aggregate = library.member(k)
        require_tree(aggregate)
        assert aggregate.count == library.sizes[k]
        if aggregate.count >= 12:
            assert law(aggregate, 1.8, 1.3) == pytest.approx(aggregate.count, rel=0.02)
        assert library.diameters[k] == measure_size(aggregate.centres, library.radius, "hydrodynamic")


@pytest.mark.parametrize(("measure", "median"), [("extent", 16), ("gyration", 41), ("hydrodynamic", 58)])
def test_the_median_by_volume_is_the_one_asked_for(measure, median):
    libraries = [build_library(rng=np.random.default_rng(seed), count=100, size_measure=measure) for seed in range(8)]
    medians = np.array([library.median_size for library in libraries])
    error = max(medians.std(ddof=1) / math.sqrt(len(medians)), 0.002 * 250e-9)  # N is a whole number
    assert abs(medians.mean() - 250e-9) < 4 * error
    assert error < 0.015 * 250e-9
    assert np.mean([np.median(library.sizes) for library in libraries]) == pytest.approx(median, rel=0.06)
    widths = [np.log(library.diameters).std() for library in libraries]
    assert np.mean(widths) == pytest.approx(0.3 * 0.954, abs=0.02)  # cut at 2.5 widths


def test_projected_area_has_its_own_median():
    library = build_library(rng=np.random.default_rng(3), count=20, size_measure="projected_area")
    assert library.median_size == pytest.approx(250e-9, rel=0.04)
    assert np.median(library.sizes) == pytest.approx(67, rel=0.1)


def test_what_is_drawn_has_the_median_by_volume_and_not_by_number(library):
    drawn = library.draw(40_000, rng=np.random.default_rng(21))
    assert drawn.dtype == np.int64
    volume = library.sizes[drawn]
    below = library.diameters[drawn] <= library.median_size
    share = volume[below].sum() / volume.sum()
    error = np.std(volume * (below - share)) / volume.mean() / math.sqrt(len(drawn))
    assert abs(share - 0.5) < 4 * error
    assert error < 0.01
    assert below.mean() - 0.5 > 20 * error  # the control: half the number lies at a smaller size


def test_each_member_brings_the_same_volume(library):
    drawn = library.draw(60_000, rng=np.random.default_rng(22))
    hits = np.bincount(drawn, minlength=library.count)
    expected = len(drawn) / library.sizes / (1 / library.sizes).sum()
    statistic = ((hits - expected) ** 2 / expected).sum()  # chi squared with count - 1 degrees of freedom
    freedom = library.count - 1
    assert abs(statistic - freedom) < 4 * math.sqrt(2 * freedom)
    uniform = len(drawn) / library.count
    assert ((hits - uniform) ** 2 / uniform).sum() > 10 * freedom


def test_a_library_of_one_size_and_one_near_the_primary():
    library = build_library(rng=np.random.default_rng(4), count=7, width=0.0, size_measure="gyration")
    assert (library.sizes == library.sizes[0]).all()
    assert library.sizes[0] == round(1.3 * (250 / 37) ** 1.8)
    small = build_library(rng=np.random.default_rng(5), count=40, diameter=40e-9)
    assert small.sizes.min() == 1
    assert small.sizes.max() <= 6
    assert list(small.parent[small.start[:-1]]) == [-1] * 40


@pytest.mark.parametrize("measure", [m for m in SIZE_MEASURES if m != "projected_area"])
def test_the_same_seed_gives_the_same_bytes(measure):
    first, second, other = (
        build_library(rng=np.random.default_rng(seed), count=20, size_measure=measure) for seed in (6, 6, 7)
    )
    for name in ("centres", "parent", "start", "diameters"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()
    assert first.centres.tobytes() != other.centres.tobytes()
    draws = [first.draw(9, rng=np.random.default_rng(1)).tobytes() for _ in range(2)]
    assert draws[0] == draws[1]


def test_results_print_themselves(library):
    assert "120 aggregates" in str(library)
    assert "hydrodynamic" in repr(library)
    assert str(library.member(0)) == f"aggregate of {library.sizes[0]} primaries of 37 nm"


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"rng": 1}, TypeError, "Generator"),
        ({"rng": np.random.RandomState(1)}, TypeError, "Generator"),
        ({"count": 0}, ValueError, "count"),
        ({"count": 2.0}, TypeError, "count"),
        ({"count": True}, TypeError, "count"),
        ({"diameter": -250e-9}, ValueError, "diameter"),
        ({"diameter": math.nan}, ValueError, "diameter"),
        ({"diameter": "250 nm"}, TypeError, "diameter"),
        ({"diameter": 30e-9}, ValueError, "at least one primary diameter"),
        ({"diameter": 20e-6}, ValueError, "more than 5000"),
        ({"width": -0.1}, ValueError, "width"),
        ({"width": math.nan}, ValueError, "width"),
        ({"width": None}, TypeError, "width"),
        ({"cutoff": 0.0}, ValueError, "cutoff"),
        ({"cutoff": math.inf}, ValueError, "cutoff"),
        ({"primary_diameter": 0.0}, ValueError, "primary_diameter"),
        ({"primary_diameter": math.inf}, ValueError, "primary_diameter"),
        ({"fractal_dimension": 1.0}, ValueError, "fractal_dimension"),
        ({"fractal_dimension": 3.01}, ValueError, "fractal_dimension"),
        ({"fractal_dimension": math.nan}, ValueError, "fractal_dimension"),
        ({"prefactor": 0.0}, ValueError, "prefactor"),
        ({"prefactor": 0.3}, ValueError, "straight chain"),
        ({"size_measure": "hydro"}, ValueError, "did you mean 'hydrodynamic'"),
        ({"size_measure": None}, TypeError, "size measure"),
    ],
)
def test_wrong_arguments_are_refused(change, error, words):
    with pytest.raises(error, match=words):
        build_library(**({"rng": np.random.default_rng(1), "count": 2} | change))


def test_wrong_numbers_of_aggregates_are_refused(library):
    rng = np.random.default_rng(1)
    assert len(library.draw(0, rng=rng)) == 0
    with pytest.raises(ValueError, match="count"):
        library.draw(-1, rng=rng)
    with pytest.raises(TypeError, match="Generator"):
        library.draw(1, rng=None)
    with pytest.raises(ValueError, match="index"):
        library.member(120)
    with pytest.raises(ValueError, match="primaries"):
        grow_aggregate(0, rng=rng)


def test_a_law_that_is_too_dense_is_an_error_and_not_another_law():
    with pytest.raises(PackingError, match="too dense"):
        grow_aggregate(60, rng=np.random.default_rng(1), fractal_dimension=3.0, prefactor=1.3)
