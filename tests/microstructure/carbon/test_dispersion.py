"""Dispersion: independent aggregates are Poisson, agglomerates are as large and as full as stated."""

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.stats import chi2

from microstructure.carbon.aggregates import AggregateLibrary, build_library
from microstructure.carbon.dispersion import Dispersion, parse_dispersion
from microstructure.carbon.placement import fill_bulk, fill_flat

EDGE, SIZE = 4e-6, 1.2e-6
CELLS = 4  # per edge


@pytest.fixture(scope="module")
def library():
    return build_library(rng=np.random.default_rng(1), count=60)


@pytest.fixture(scope="module")
def singles():
    """A library of one single, small primary."""
    return AggregateLibrary(
        centres=np.zeros((1, 3)),
        parent=np.array([-1], np.int32),
        start=np.array([0, 1]),
        diameters=np.array([20e-9]),
        radius=10e-9,
        diameter=20e-9,
        size_measure="extent",
        width=0.0,
        fractal_dimension=1.8,
        prefactor=1.3,
    )


def bulk(library, share, content=0.02, seed=3, solid_share=0.25):
    return fill_bulk(
        library,
        box=(EDGE,) * 3,
        volume=content * EDGE**3,
        dispersion=Dispersion(share, SIZE, solid_share),
        rng=np.random.default_rng(seed),
    )


def middles(carbon):
    """One point of each aggregate: its first primary."""
    return carbon.centres[np.flatnonzero(np.diff(carbon.aggregate, prepend=-1))]


def unevenness(points):
    """Chi-square of the counts in equal cells, over its degrees of freedom: 1 for a Poisson process."""
    counts = np.histogramdd(points, bins=(CELLS,) * 3, range=[(0.0, EDGE)] * 3)[0]
    return float(((counts - counts.mean()) ** 2 / counts.mean()).sum()) / (CELLS**3 - 1)


def test_independent_aggregates_are_poisson_and_agglomerates_are_not(library):
    low, high = chi2.ppf([5e-4, 1 - 5e-4], CELLS**3 - 1) / (CELLS**3 - 1)
    assert low < unevenness(middles(bulk(library, 1.0))) < high
    clumped = [unevenness(middles(bulk(library, share))) for share in (0.0, 0.5)]
    assert clumped[0] > clumped[1] > 2 * high


def test_a_number_is_the_share_and_one_changes_no_random_stream(library):
    plain = fill_bulk(library, box=(EDGE,) * 3, volume=0.01 * EDGE**3, rng=np.random.default_rng(3))
    same = bulk(library, 1.0, content=0.01)
    assert plain.centres.tobytes() == same.centres.tobytes()
    box = np.full(3, EDGE)
    assert parse_dispersion(0.3, box) == Dispersion(0.3)


def test_pairs_inside_an_agglomerate_are_those_of_random_points_in_a_ball(singles):
    """A single agglomerate: the distribution of distances in a ball (Hammersley 1950), mean 36/35 of its radius."""
    carbon = bulk(singles, 0.0, content=0.9 * 0.002 * np.pi / 6.0 * (SIZE / EDGE) ** 3, solid_share=0.002)
    offset = carbon.centres - carbon.centres[0]
    points = offset - EDGE * np.rint(offset / EDGE)
    distances = np.linalg.norm(points[:, None] - points, axis=2)[np.triu_indices(len(points), 1)]
    ball = 0.5 * SIZE - singles.radius
    assert len(points) > 300
    assert distances.max() <= 2.0 * ball * (1 + 1e-12)
    assert distances.mean() == pytest.approx(36.0 / 35.0 * ball, rel=0.04)


def test_agglomerates_hold_their_solid_share_one_after_another(library):
    carbon = bulk(library, 0.0, content=0.03)
    quota = 0.25 * np.pi / 6.0 * SIZE**3 / library.primary_volume
    # the first is complete once its share is reached, and lies in a sphere of its size
    full = int(np.searchsorted(carbon.aggregate, carbon.aggregate[int(quota)], side="right"))
    offset = carbon.centres[: int(quota)] - carbon.centres[0]
    points = offset - EDGE * np.rint(offset / EDGE)
    assert np.ptp(points, axis=0).max() <= SIZE - library.primary_diameter
    assert np.linalg.norm(points - points.mean(axis=0), axis=1).max() < 0.6 * SIZE
    after = carbon.centres[full : full + int(0.9 * quota)] - carbon.centres[full]
    after -= EDGE * np.rint(after / EDGE)
    assert np.ptp(after, axis=0).max() <= SIZE - library.primary_diameter
    # the next one is somewhere else
    between = carbon.centres[full] - carbon.centres[0]
    assert np.linalg.norm(between - EDGE * np.rint(between / EDGE)) > 0.0


def test_clusters_are_as_large_as_stated(library):
    """Pair correlation: more pairs than in a random arrangement up to the size, no more beyond."""
    points = middles(bulk(library, 0.0, content=0.03))
    tree = cKDTree(points, boxsize=EDGE)
    shells = np.array([0.0, 0.25, 0.9, 1.1, 1.5]) * SIZE
    pairs = np.diff(tree.count_neighbors(tree, shells) - len(points) * (shells >= 0))
    random = len(points) ** 2 * 4.0 / 3.0 * np.pi * np.diff(shells**3) / EDGE**3
    correlation = pairs / random
    assert correlation[0] > 5.0
    assert correlation[0] > correlation[1] > correlation[2]
    assert correlation[3] < 1.3


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_every_part_of_the_sequence_has_its_share_of_independent_aggregates(singles, share):
    carbon = bulk(singles, share, content=3e-3)
    points = carbon.centres
    near = np.array([len(n) for n in cKDTree(points, boxsize=EDGE).query_ball_point(points, 60e-9)]) > 2
    for half in np.array_split(near, 2):
        assert np.mean(~half) == pytest.approx(share, abs=0.06)


def test_agglomerates_in_a_flat_coat_stay_in_it_and_keep_their_size(library):
    thickness, width = 300e-9, 6e-6
    carbon = fill_flat(
        library,
        width=(width, width),
        floor=library.radius,
        ceiling=thickness,
        volume=0.02 * thickness * width**2,
        dispersion=Dispersion(0.0, SIZE),
        rng=np.random.default_rng(4),
    )
    heights = carbon.centres[:, 0]
    assert heights.min() >= library.radius * (1 - 1e-12)
    assert heights.max() <= thickness * (1 + 1e-12)
    # a disc of the coat holds at most a quarter of its volume, so this much lies in the first agglomerate
    first = carbon.centres[: int(0.2 * np.pi / 4 * SIZE**2 * thickness * 0.8 / library.primary_volume), 1:]
    offset = first - first[0]
    offset -= width * np.rint(offset / width)
    assert np.ptp(offset, axis=0).max() < 1.1 * SIZE


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((-0.1,), ValueError),
        ((1.1,), ValueError),
        ((float("nan"),), ValueError),
        (("half",), TypeError),
        ((True,), TypeError),
        ((0.5, 0.0), ValueError),
        ((0.5, "2 um"), TypeError),
        ((0.5, 1e-6, 0.0), ValueError),
        ((0.5, 1e-6, 1.5), ValueError),
    ],
)
def test_bad_dispersions_are_refused(arguments, error):
    with pytest.raises(error):
        Dispersion(*arguments)
