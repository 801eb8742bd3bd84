"""Utilisation: limits without and with plenty of carbon, monotony, and hand-made packings with a known answer."""

import itertools

import numpy as np
import pytest

from microstructure.carbon.aggregates import build_library
from microstructure.carbon.core_contacts import find_touches
from microstructure.coats.coating import Coats
from microstructure.composite import build_composite
from microstructure.cores.sphere_packing import pack_spheres
from microstructure.recipe import Recipe
from microstructure.structure import Structure
from percolation.utilisation.ions import reach_ions
from percolation.utilisation.reach import find_bare_contacts, measure_utilisation

BOX = (9e-6, 7e-6, 7e-6)


@pytest.fixture(scope="module")
def cell():
    rng = np.random.default_rng(3)
    library = build_library(rng=np.random.default_rng(1), count=60)
    return build_composite(
        Recipe.parse("80:20:0.5"), porosity=0.15, box=BOX, voxel_size=125e-9, library=library, rng=rng
    )


def measure(cell, seed=1, **settings):
    return measure_utilisation(cell, rng=np.random.default_rng(seed), **settings)


def test_nothing_is_reached_without_carbon_and_bare_contacts(cell):
    assert measure(cell, carbon=[0.0], bare_contact_share=0.0).electronic[0] == 0.0


def test_all_contacts_bare_reach_nearly_everything(cell):
    assert measure(cell, carbon=[0.0], bare_contact_share=1.0).electronic[0] > 0.9


def test_utilisation_rises_with_carbon_and_with_bare_contacts(cell):
    shares = np.linspace(0.0, 1.0, 21)
    curves = [measure(cell, carbon=shares, bare_contact_share=share).electronic for share in (0.0, 0.2, 0.5, 1.0)]
    for curve in curves:
        assert np.all(np.diff(curve) >= 0)
    for less, more in itertools.pairwise(curves):
        assert np.all(more >= less)
    assert curves[0][-1] > curves[0][0]


def test_touched_cores_are_those_within_reach(cell):
    reach = 0.5 * cell.carbon.diameter * (1 + 1e-3)
    found = find_touches(cell.carbon, cell.cores, reach=reach)
    first, touches = found.start, found.bodies
    rows = np.random.default_rng(2).choice(cell.carbon.count, 2000, replace=False)
    rows = np.append(rows, np.argsort(cell.carbon.centres[:, 0])[-50:])
    vectors = cell.carbon.centres[rows][:, None] - cell.cores.centres
    vectors -= np.where(cell.periodic, np.asarray(cell.box) * np.rint(vectors / cell.box), 0.0)
    gaps = np.linalg.norm(vectors, axis=2) - 0.5 * cell.cores.diameters
    at_collector = cell.carbon.centres[rows, 0] >= cell.box[0] - reach
    for row, gap, collector in zip(rows, gaps, at_collector, strict=True):
        expected = {*np.flatnonzero(gap <= reach), *([cell.cores.count] if collector else [])}
        assert set(touches[first[row] : first[row + 1]]) == expected
    assert at_collector.any()


def test_joint_is_below_both(cell):
    found = measure(cell, carbon=[0.0, 0.3, 1.0])
    assert np.all(found.joint <= np.minimum(found.electronic, found.ionic) + 1e-12)
    assert np.all((found.ionic > 0.9) & (found.ionic <= 1.0 + 1e-12))
    assert np.all((found.reachable_area > 0.5) & (found.reachable_area <= 1.0))


def test_ions_stop_where_the_matrix_is_cut(cell):
    """A wall of pores in the middle: nothing behind it is reached."""
    from dataclasses import replace

    labels = cell.labels.copy()
    middle = labels.shape[0] // 2
    labels[middle : middle + 2][labels[middle : middle + 2] == 2] = 0
    reached = reach_ions(replace(cell, labels=labels), np.array([0]))[0]
    centres, radii = cell.cores.centres[:, 0], 0.5 * cell.cores.diameters
    assert np.all(reached[centres - radii > (middle + 2) * cell.voxel_size] == 0.0)
    assert np.all(reached[centres + radii < middle * cell.voxel_size] > 0.5)


def row_of_cores():
    """One core at the separator; two that touch, and one of them the collector."""
    box, diameter = (4e-6, 3e-6, 3e-6), 1e-6
    packing = pack_spheres(np.full(3, diameter), box=box, rng=np.random.default_rng(0))
    from dataclasses import replace

    centres = np.array([[0.52e-6, 1.5e-6, 1.5e-6], [2.5e-6, 1.5e-6, 1.5e-6], [3.5e-6, 1.5e-6, 1.5e-6]])
    packing = replace(packing, centres=centres)
    coats = Coats("film", 50e-9, 50e-9, 1.0, 0.0, 0.0)
    labels = np.full((40, 30, 30), 2, np.uint8)
    blocks = np.zeros((40, 30, 30), np.int32)
    return Structure(labels, 1e-7, packing.periodic, box, Recipe.parse("80:20:0"), blocks, packing, coats, None)


def test_a_chain_reaches_the_collector_and_a_core_at_the_separator_does_not():
    row = row_of_cores()
    bare = find_bare_contacts(row, share=1.0, rng=np.random.default_rng(0))
    assert sorted(map(tuple, bare.pairs)) == [(0, 3), (1, 2), (2, 4)]  # walls are bodies 3 and 4
    found = measure_utilisation(row, bare_contact_share=1.0, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(found.electronic_cores[0], [False, True, True])
    assert found.electronic[0] == pytest.approx(2 / 3)


def test_the_draw_belongs_to_the_pair(cell):
    few = find_bare_contacts(cell, share=0.2, rng=np.random.default_rng(5)).pairs
    many = find_bare_contacts(cell, share=0.6, rng=np.random.default_rng(5))
    assert {tuple(pair) for pair in few} <= {tuple(pair) for pair in many.pairs}
    share = len(many.pairs) / many.candidates
    assert abs(share - 0.6) < 3 * np.sqrt(0.24 / many.candidates)


@pytest.mark.parametrize("bad", [{"carbon": [0.5, 0.1]}, {"carbon": [1.5]}, {"bare_contact_share": -0.1}])
def test_shares_outside_are_refused(cell, bad):
    with pytest.raises(ValueError, match=r"carbon|lies in"):
        measure(cell, **bad)
