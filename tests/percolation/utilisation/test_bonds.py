"""Bonds of blocks: exact probabilities, chains of known utilisation with a negative control, exact zeros and ones."""

from dataclasses import replace

import networkx
import numpy as np
import pytest

from microstructure.coats.coating import Coats
from microstructure.coats.contact_faces import Seams, lay_seams
from microstructure.cores.sphere_packing import Packing, pack_spheres
from microstructure.recipe import Recipe
from percolation.utilisation.bonds import Bonds, find_bonds, measure_blocks
from percolation.utilisation.reach import NarrowContacts

DIAMETER, GAP, COAT = 3e-6, 0.1e-6, 0.15e-6
NO_CONTACTS = NarrowContacts(np.empty((0, 2), np.int64), np.empty((0, 2), np.int64))


def row(blocks, periodic=(False, True, True)):
    """Blocks in a row from the separator to the collector; the faces follow in this order, each in two pieces."""
    pitch = DIAMETER + GAP
    box = np.array([blocks * pitch, 2 * pitch, 2 * pitch])
    x = (np.arange(blocks) + 0.5) * pitch
    centres = np.stack([x, np.full(blocks, pitch), np.full(blocks, pitch)], axis=1)
    diameters = np.full(blocks, DIAMETER)
    fraction = float(np.pi / 6 * np.sum(diameters**3) / np.prod(box))
    packing = Packing(centres, diameters, box, periodic, fraction, 0.0, "relax")
    pairs = np.array([(0, blocks), *((i, i + 1) for i in range(blocks - 1)), (blocks - 1, blocks + 1)])
    faces = len(pairs)
    return Seams(
        recipe=Recipe.parse("80:20:0"),
        cores=packing,
        coats=Coats("film", COAT, COAT, 1.0, 0.0, 0.0),
        pairs=pairs,
        areas=np.full(faces, 3e-12),
        normals=np.tile([1.0, 0.0, 0.0], (faces, 1)),
        piece_pair=np.repeat(np.arange(faces), 2),
        piece_area=np.tile([1e-12, 2e-12], faces),
        piece_height=np.tile([1e-7, 2e-7], faces),
        matrix=np.full(blocks, 1e-18),
        covered=np.full(blocks, 1.0),
        heights=np.full((blocks, 2), COAT),
        shares=np.full((blocks, 2), 0.5),
    )


def bonds(blocks, bridges, *, narrow=NO_CONTACTS, share=0.0):
    seams = row(blocks)
    return Bonds(seams, np.broadcast_to(np.asarray(bridges, float), len(seams.pairs)), narrow, share)


def none(heights):
    return np.zeros_like(heights)


def test_the_contact_graph_of_a_row_is_a_path_from_wall_to_wall():
    graph = bonds(4, [0.5, 1.0, 2.0, 1.0, 0.5]).graph()
    assert networkx.shortest_path(graph, "separator", "collector") == ["separator", 0, 1, 2, 3, "collector"]
    assert graph.number_of_edges() == 5
    assert graph.nodes[2]["diameter"] == DIAMETER
    edge = graph.edges[1, 2]
    assert (edge["area"], edge["bridges"]) == (3e-12, 2.0)
    assert edge["probability"] == pytest.approx(1.0 - np.exp(-2.0))


def test_bridges_are_the_integral_of_the_rate_over_the_face():
    """1e12/m2 on 1e-12 m2 of 100 nm and twice that on 2e-12 m2 of 200 nm: 5; half of it at the walls."""
    found = find_bonds(
        row(3), bridge_rate=lambda h: 1e19 * h, wall_bridge_rate=lambda h: 0.5e19 * h, bare_contact_share=0.0
    )
    np.testing.assert_allclose(found.bridges, [2.5, 5.0, 5.0, 2.5])
    np.testing.assert_allclose(found.probability, 1.0 - np.exp([-2.5, -5.0, -5.0, -2.5]))
    assert measure_blocks(found, rng=np.random.default_rng(1)).bond_share == pytest.approx(1.0 - np.exp(-5.0))


def test_draws_are_poisson_and_bridged_as_often_as_said():
    """Means and bridged shares within 4 standard deviations; those of a rate a tenth higher are not."""
    expected, draws, rng = np.array([0.2, 1.0, 3.0]), 4000, np.random.default_rng(2)
    one = bonds(2, expected)
    counts = np.array([one.draw(rng).bridges for _ in range(draws)])
    error = np.sqrt(expected / draws)
    assert np.all(np.abs(counts.mean(axis=0) - expected) < 4 * error)
    assert not np.any(np.abs(counts.mean(axis=0)[1:] - 1.1 * expected[1:]) < 4 * error[1:])
    share = one.probability
    assert np.all(np.abs((counts > 0).mean(axis=0) - share) < 4 * np.sqrt(share * (1 - share) / draws))


def chain(probability, blocks):
    """Mean and standard deviation of the share of a chain that hangs on the collector: those up to the first gap."""
    reached = np.arange(blocks + 1)
    odds = probability**reached * np.where(reached < blocks, 1.0 - probability, 1.0)
    mean = float(odds @ reached)
    return mean / blocks, float(np.sqrt(odds @ (reached - mean) ** 2)) / blocks


def test_a_chain_has_its_exact_mean():
    assert chain(0.5, 2)[0] == pytest.approx((0.5 + 0.25) / 2)


@pytest.mark.parametrize("blocks", [1, 2, 6])
def test_a_chain_is_reached_as_far_as_its_first_gap(blocks):
    """Mean of p^k over the k-th block from the collector; the interval refuses another p."""
    expected, draws = 1.2, 3000
    found = measure_blocks(bonds(blocks, expected), draws=draws, rng=np.random.default_rng(blocks))
    p = 1.0 - np.exp(-expected)
    mean, spread = chain(p, blocks)
    assert mean == pytest.approx(np.mean(p ** np.arange(1, blocks + 1)))
    assert abs(found.electronic - mean) < 4 * spread / np.sqrt(draws)
    assert abs(found.electronic - chain(1.08 * p, blocks)[0]) > 4 * spread / np.sqrt(draws)
    assert np.all(np.diff(found.electronic_cores) >= 0.0)
    error = np.sqrt(p * (1 - p) / draws)
    assert abs(found.electronic_cores[-1] - p) < 4 * error


def test_the_separator_feeds_no_electrons():
    found = measure_blocks(bonds(3, [50.0, 50.0, 50.0, 0.0]), rng=np.random.default_rng(1))
    assert found.electronic == 0.0
    assert found.ionic == 1.0


def test_neither_wall_is_a_short_cut():
    """Blocks that meet at the separator alone hand no electrons on, and at the collector no ions."""
    one = bonds(2, 1e6)
    at_separator = replace(one, seams=replace(one.seams, pairs=np.array([[0, 2], [1, 2], [1, 3]])))
    assert measure_blocks(at_separator, rng=np.random.default_rng(1)).electronic_cores.tolist() == [0.0, 1.0]
    at_collector = replace(one, seams=replace(one.seams, pairs=np.array([[0, 2], [0, 3], [1, 3]])))
    assert measure_blocks(at_collector, rng=np.random.default_rng(1)).ionic_cores.tolist() == [True, False]


def test_no_carbon_and_no_bare_contact_is_exactly_zero():
    found = measure_blocks(bonds(5, 0.0), rng=np.random.default_rng(1))
    assert found.electronic == found.joint == found.bond_share == 0.0
    assert not found.electronic_cores.any()


def test_bridges_without_end_reach_everything():
    found = measure_blocks(bonds(5, 1e12), rng=np.random.default_rng(1))
    assert (found.electronic, found.ionic, found.joint, found.bond_share) == (1.0, 1.0, 1.0, 1.0)


@pytest.mark.slow
def test_bare_contacts_join_as_often_as_their_share():
    """A gap of 100 nm leaves less than half of two coats of 150 nm: narrow, also at the walls, 50 nm away."""
    seams = row(4)

    def found(share, seed=1):
        one = find_bonds(seams, bridge_rate=none, wall_bridge_rate=none, bare_contact_share=share)
        return measure_blocks(one, draws=3000, rng=np.random.default_rng(seed)).electronic

    assert found(0.0) == 0.0
    assert found(1.0) == 1.0
    mean, spread = chain(0.6, 4)
    assert abs(found(0.6) - mean) < 4 * spread / np.sqrt(3000)
    assert abs(found(0.6) - chain(0.65, 4)[0]) > 4 * spread / np.sqrt(3000)
    thin = replace(seams, coats=replace(seams.coats, thickness=0.09e-6))
    wide = find_bonds(thin, bridge_rate=none, wall_bridge_rate=none, bare_contact_share=1.0)
    np.testing.assert_array_equal(wide.narrow.pairs, [[0, 4], [3, 5]])  # the walls alone are near enough


def test_cores_that_touch_inside_a_block_are_joined_whatever_the_share():
    bonded = NarrowContacts(np.empty((0, 2), np.int64), np.array([[0, 1], [1, 2]]))
    found = measure_blocks(bonds(3, [0.0, 0.0, 0.0, 1e6], narrow=bonded), rng=np.random.default_rng(1))
    assert found.electronic == 1.0


def test_ions_stop_where_no_matrix_meets():
    one = bonds(4, 1e6)
    seams = one.seams
    keep = np.array([True, True, False, True, True])  # no face between the second and the third block
    cut = replace(seams, pairs=seams.pairs[keep], areas=seams.areas[keep], normals=seams.normals[keep])
    found = measure_blocks(replace(one, seams=cut, bridges=one.bridges[keep]), rng=np.random.default_rng(1))
    assert found.ionic_cores.tolist() == [True, True, False, False]
    assert found.ionic == found.electronic == found.reachable_area == 0.5
    assert found.joint == 0.0
    surface = 4 * np.pi * (DIAMETER / 2) ** 2 * 4
    assert found.area_per_volume == pytest.approx(0.5 * surface / np.prod(seams.cores.box))


def test_no_ions_pass_a_clogged_matrix():
    found = measure_blocks(bonds(4, 1e6), ions_pass=False, rng=np.random.default_rng(1))
    assert (found.ionic, found.joint, found.reachable_area, found.area_per_volume) == (0.0, 0.0, 0.0, 0.0)
    assert found.electronic == 1.0


def test_a_core_counts_from_a_share_of_its_surface():
    one = bonds(2, 1e6)
    barely = replace(one, seams=replace(one.seams, covered=np.array([0.3, 0.05])))
    found = measure_blocks(barely, ionic_contact_share=0.1, rng=np.random.default_rng(1))
    assert found.ionic_cores.tolist() == [True, False]
    assert found.reachable_area == pytest.approx(0.175)


def test_same_seed_same_result_and_wrong_arguments_are_refused():
    one = bonds(6, 1.0)
    first, same, other = (measure_blocks(one, rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.electronic_cores, same.electronic_cores)
    assert np.any(first.electronic_cores != other.electronic_cores)
    periodic = replace(one, seams=row(6, periodic=(True, True, True)))
    with pytest.raises(ValueError, match="axis 0"):
        measure_blocks(periodic, rng=np.random.default_rng(1))
    with pytest.raises(TypeError, match="default_rng"):
        measure_blocks(one, rng=7)
    with pytest.raises(ValueError, match="draws"):
        measure_blocks(one, draws=0, rng=np.random.default_rng(1))
    with pytest.raises(ValueError, match="bare_contact_share"):
        find_bonds(one.seams, bridge_rate=none, wall_bridge_rate=none, bare_contact_share=1.5)


def test_more_carbon_reaches_more_of_a_random_packing():
    rng = np.random.default_rng(3)
    seams = lay_seams(Recipe.parse("80:20:0"), pack_spheres(np.full(80, DIAMETER), fraction=0.55, rng=rng))
    shares = []
    for count in (0.0, 0.1, 0.3, 1.0, 300.0):  # bridges of a mean face
        one = find_bonds(
            seams,
            bridge_rate=lambda h, count=count: np.full_like(h, count / seams.areas.mean()),
            wall_bridge_rate=lambda h, count=count: np.full_like(h, count / seams.areas.mean()),
            bare_contact_share=0.0,
        )
        shares.append(measure_blocks(one, rng=np.random.default_rng(4)).electronic)
    assert shares[0] == 0.0
    assert np.all(np.diff(shares) > 0.0)
    assert shares[-1] > 0.99
