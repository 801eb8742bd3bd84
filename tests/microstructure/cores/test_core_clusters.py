"""Clusters of cores: how many, how large, that they touch within and nobody overlaps, with walls and with coats."""

from __future__ import annotations

import itertools
import math

import networkx as nx
import numpy as np
import pytest

from microstructure.cores.contacts import find_contacts
from microstructure.cores.core_clusters import Clusters, choose_blocks
from microstructure.cores.sizes import Equal, Lognormal
from microstructure.cores.sphere_packing import Packing, jam_spheres, pack_spheres
from microstructure.errors import PackingError

CORES = Lognormal(3.3e-6, 0.3)
WALLED = list(itertools.product([False, True], repeat=3))


def generator(seed=1):
    return np.random.default_rng(seed)


def pieces(packing, share_of_gap):
    """Connected pieces of the packing when only cores of one block hold, with gaps up to this share of the smaller."""
    contacts = find_contacts(packing, gap=share_of_gap * packing.diameters.max())
    i, j = contacts.pairs.T
    smaller = np.minimum(packing.diameters[i], packing.diameters[j])
    held = (packing.block[i] == packing.block[j]) & (contacts.gaps <= share_of_gap * smaller)
    graph = nx.Graph(contacts.pairs[held].tolist())
    graph.add_nodes_from(range(packing.count))
    return nx.number_connected_components(graph)


def check_clusters(packing, fraction):
    assert packing.fraction == pytest.approx(fraction, abs=1e-9)
    assert packing.overlap <= 1.001e-4
    assert pieces(packing, 1e-3) == packing.blocks < packing.count
    for axis in np.flatnonzero(~np.array(packing.periodic)):
        x, r = packing.centres[:, axis], packing.radii
        assert np.all((x >= r) & (x <= packing.box[axis] - r))


def block_diameters(packing):
    """Diameter of the sphere as large as all cores of a block together."""
    return np.cbrt(np.bincount(packing.block, weights=packing.diameters**3))


# How many and how large


@pytest.mark.parametrize(
    ("share", "cores", "count"), [(0.2, 3, 100), (0.5, 2, 37), (1.0, 4, 50), (0.33, 2.5, 200), (1.0, 50, 50)]
)
def test_share_and_mean_size_are_as_asked(share, cores, count):
    blocks = choose_blocks(Clusters(share, cores), CORES.draw(count, rng=generator()), rng=generator(2))
    sizes = np.bincount(blocks.block)
    clustered = sizes[sizes > 1]
    assert clustered.sum() == round(share * count)
    assert clustered.size == pytest.approx(share * count / cores, abs=0.5 + 1e-9)
    assert clustered.min() >= 2
    assert len(blocks.bonds) == np.sum(clustered - 1)  # a tree
    first = np.unique(blocks.block, return_index=True)[1]
    assert np.all(np.diff(first) > 0)  # numbered in the order of their first cores
    assert blocks.block.dtype == np.int32


def test_clusters_differ_in_size_and_their_cores_are_any_cores():
    diameters = CORES.draw(4000, rng=generator())
    blocks = choose_blocks(Clusters(0.5, 4), diameters, rng=generator(2))
    sizes = np.bincount(blocks.block)
    assert sizes.max() >= 7
    inside = sizes[blocks.block] > 1
    error = diameters.std() * math.sqrt(2 / 2000)
    assert abs(diameters[inside].mean() - diameters[~inside].mean()) < 4 * error
    # Where the cores stand in the list says nothing either.
    assert np.flatnonzero(inside).mean() == pytest.approx(2000, abs=4 * 4000 / math.sqrt(12 * 2000))


def test_free_clusters_touch_along_their_bonds_and_overlap_nowhere():
    diameters = CORES.draw(300, rng=generator())
    blocks = choose_blocks(Clusters(1.0, 12), diameters, rng=generator(2))
    i, j = blocks.bonds.T
    distance = np.linalg.norm(blocks.offsets[i] - blocks.offsets[j], axis=1)
    assert distance == pytest.approx(0.5 * (diameters[i] + diameters[j]), rel=1e-9)
    same = np.triu(blocks.block[:, None] == blocks.block[None], 1)
    apart = np.linalg.norm(blocks.offsets[:, None] - blocks.offsets[None], axis=2)
    touch = 0.5 * (diameters[:, None] + diameters[None])
    assert np.all(apart[same] >= touch[same] * (1 - 1e-9))


# Packed


@pytest.mark.parametrize("periodic", WALLED, ids=str)
def test_clusters_hold_together_and_nobody_overlaps(periodic):
    packing = pack_spheres(
        CORES, fraction=0.5, count=100, periodic=periodic, rng=generator(), clusters=Clusters(0.5, 3)
    )
    check_clusters(packing, 0.5)
    assert packing.blocks == 50 + 17
    assert "100 spheres in 67 blocks" in repr(packing)
    # Negative control: the same cores, packed alone, do not touch as asked.
    alone = pack_spheres(CORES, fraction=0.5, count=100, periodic=periodic, rng=generator())
    control = Packing(alone.centres, alone.diameters, alone.box, periodic, 0.5, 0.0, "relax", packing.block)
    assert pieces(control, 1e-3) > 90


def test_dense_and_large_clusters():
    options = {"count": 300, "periodic": (True,) * 3, "rng": generator()}
    check_clusters(pack_spheres(CORES, fraction=0.62, clusters=Clusters(0.2, 3), **options), 0.62)
    check_clusters(pack_spheres(CORES, fraction=0.6, clusters=Clusters(1.0, 20), **options), 0.6)
    jammed = pack_spheres(CORES, clusters=Clusters(0.2, 3), **options)
    check_clusters(jammed, jammed.fraction)
    assert jammed.method == "jam"
    assert 0.64 < jammed.fraction < 0.68


def test_two_bonded_spheres_in_a_row():
    """Known answer: between walls one diameter apart, two cores of one cluster touch in the plane between."""
    packing = pack_spheres([2.0, 2.0], box=(2.0, 9.0, 9.0), rng=generator(), clusters=Clusters(1.0, 2))
    way = packing.centres[1] - packing.centres[0]
    way -= packing.box * np.round(way / packing.box)
    assert way[0] == 0.0
    assert np.linalg.norm(way) == pytest.approx(2.0, abs=2e-4)
    assert packing.block.tolist() == [0, 0]


def test_coats_act_between_blocks_and_not_within():
    coat = 0.1
    packing = pack_spheres(
        Equal(2.0), fraction=0.40, count=100, rng=generator(), clearance=coat, clusters=Clusters(0.4, 2)
    )
    check_clusters(packing, 0.40)
    contacts = find_contacts(packing, gap=3 * coat)
    same = packing.block[contacts.pairs[:, 0]] == packing.block[contacts.pairs[:, 1]]
    assert np.all(contacts.gaps[same] < 2e-3)
    assert contacts.gaps[~same].min() > 2 * coat - 0.01
    assert contacts.separator_gaps.min() > coat - 0.01


def test_clusters_widen_the_particle_size_distribution():
    """Spread of ln d of the blocks, three seeds; equal cores without clusters have none."""
    spreads = {}
    for share, seed in itertools.product((0.0, 0.4), range(3)):
        packing = pack_spheres(CORES, fraction=0.4, count=150, rng=generator(seed), clusters=Clusters(share, 3))
        spreads[share, seed] = np.log(block_diameters(packing)).std()
    assert all(spreads[0.4, seed] > 1.08 * spreads[0.0, seed] for seed in range(3))
    equal = pack_spheres(Equal(1.0), fraction=0.4, count=90, rng=generator(), clusters=Clusters(1.0, 3))
    assert np.mean(block_diameters(equal) ** 3) == pytest.approx(3.0)


def test_same_seed_same_bytes():
    first, second, other = (
        pack_spheres(CORES, fraction=0.5, count=60, rng=generator(seed), clusters=Clusters()) for seed in (1, 1, 2)
    )
    for name in ("centres", "diameters", "block"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()
    assert first.block.tobytes() != other.block.tobytes()


def test_no_clusters_draw_nothing():
    """A share of 0 is no clusters, byte for byte."""
    with_none, with_zero = (
        pack_spheres(CORES, fraction=0.5, count=60, rng=generator(), clusters=clusters)
        for clusters in (None, Clusters(share=0.0))
    )
    assert with_none.centres.tobytes() == with_zero.centres.tobytes()
    assert with_none.block.tolist() == list(range(60))
    assert with_none.blocks == 60


def test_a_packing_by_hand_has_single_blocks():
    by_hand = Packing(np.zeros((2, 3)), np.ones(2), np.full(3, 9.0), (True,) * 3, 0.1, 0.0, "hand")
    assert by_hand.block.tolist() == [0, 1]
    assert by_hand.block.dtype == np.int32


# Refusals


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: Clusters(share=-0.1), ValueError, "share"),
        (lambda: Clusters(share=1.1), ValueError, "share"),
        (lambda: Clusters(share=math.nan), ValueError, "share"),
        (lambda: Clusters(share="0.2"), TypeError, "share"),
        (lambda: Clusters(share=True), TypeError, "share"),
        (lambda: Clusters(cores=1), ValueError, "cores"),
        (lambda: Clusters(cores=math.inf), ValueError, "cores"),
        (lambda: Clusters(cores=math.nan), ValueError, "cores"),
        (lambda: Clusters(cores=None), TypeError, "cores"),
    ],
)
def test_wrong_clusters(make, error, match):
    with pytest.raises(error, match=match):
        make()


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"clusters": 0.2}, TypeError, "Clusters"),
        ({"clusters": Clusters(), "method": "sequential"}, ValueError, "method='relax'"),
        ({"clusters": Clusters(share=0.1, cores=2)}, ValueError, "one cluster"),
        ({"clusters": Clusters(share=1.0, cores=10)}, ValueError, "one cluster"),
    ],
)
def test_refused_with_clusters(options, error, match):
    with pytest.raises(error, match=match):
        pack_spheres(Equal(1.0), fraction=0.3, count=9, rng=generator(), **options)


def test_out_of_reach_the_best_still_holds_together():
    with pytest.raises(PackingError) as caught:
        pack_spheres(
            Equal(1.0), fraction=0.75, count=60, periodic=(True,) * 3, rng=generator(), clusters=Clusters(1.0, 3)
        )
    best = caught.value.best
    check_clusters(best, best.fraction)
    with pytest.raises(TypeError, match="Clusters"):
        jam_spheres(Equal(1.0), count=9, rng=generator(), clusters=(0.2, 3))
