"""Networks of blocks: resistors and one coat exactly, a dense twin, contrasts of many orders."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

import transport.blocks
from microstructure.errors import ConvergenceError
from microstructure.packing import pack_spheres
from microstructure.recipe import Recipe
from microstructure.seams import lay_seams
from transport._blocks import conjugate_gradients, entry_resistance, sheet_resistance
from transport.blocks import BlockNetwork, CoatContacts, Resistors

RADIUS, THICK = 1.5e-6, 0.1e-6


def cores_alone(count, pairs, conductance):
    """Cores without coats; the walls are numbers `count` and `count` + 1."""
    nothing = np.zeros(count)
    contacts = CoatContacts(
        np.empty((0, 2), np.int64), np.empty(0), np.empty((0, 3)), nothing + THICK, nothing + RADIUS
    )
    wires = Resistors(np.array(pairs), np.array(conductance, float))
    return BlockNetwork(contacts, nothing, np.empty(0), nothing, wires)


def test_resistors_in_series_and_in_parallel():
    """2 S, 3 S and 6 S in series are 1 S; beside them, over the fourth core, 4 S and 4 S in series: 2 S."""
    series = [(0, 3), (0, 1), (1, 4)]
    assert cores_alone(3, series, [2, 3, 6]).conductance() == pytest.approx(1.0, rel=1e-9, abs=0.0)
    beside = [(0, 4), (0, 1), (1, 5), (3, 4), (3, 5)]
    assert cores_alone(4, beside, [2, 3, 6, 4, 4]).conductance() == pytest.approx(3.0, rel=1e-9, abs=0.0)
    twice = [(0, 1), (0, 1), (0, 2)]
    assert cores_alone(1, twice, [1, 1, 2]).conductance() == pytest.approx(1.0, rel=1e-9, abs=0.0)


def test_a_bridge_circuit():
    """Wheatstone's bridge out of balance: 0.4 V and 0.6 V in its middle."""
    edges = [(0, 2), (1, 2), (0, 1), (0, 3), (1, 3)]
    assert cores_alone(2, edges, [1, 2, 1, 2, 1]).conductance() == pytest.approx(1.4, rel=1e-9, abs=0.0)


def one_coat(sigma=0.05, face=0.0):
    """One block whose coat meets the collector in 0.01 um2, and whose core hangs on the separator."""
    contacts = CoatContacts(
        np.array([(0, 2)]), np.array([1e-14]), np.array([[1.0, 0.0, 0.0]]), np.array([THICK]), np.array([RADIUS])
    )
    wires = Resistors(np.array([(0, 1)]), np.array([3e-6]))
    return BlockNetwork(contacts, np.array([sigma]), np.array([face]), np.array([2e-6]), wires)


def test_one_core_and_its_coat_in_series():
    """A wire, core to coat, the sheet of the coat up to the rim of its one contact, and through the face into that."""
    sigma, face, area = 0.05, 1e5, 1e-14
    half_cap = area / (4.0 * np.pi * (RADIUS + THICK / 2) ** 2)  # (1 - cos a) / 2
    sheet = -np.log(half_cap) / (4.0 * np.pi * sigma * THICK)
    wanted = 1.0 / 3e-6 + 1.0 / 2e-6 + sheet + entry_resistance(area, THICK, sigma, face)
    assert 1.0 / one_coat(sigma, face).conductance() == pytest.approx(wanted, rel=1e-9, abs=0.0)


def test_what_does_not_conduct_is_exactly_zero():
    assert one_coat(sigma=0.0).conductance() == 0.0
    assert replace(one_coat(), inner=np.zeros(1)).conductance() == 0.0
    assert replace(one_coat(), cores=Resistors.none()).conductance() == 0.0
    assert replace(one_coat(), cores=Resistors(np.array([(0, 1)]), np.zeros(1))).conductance() == 0.0
    assert cores_alone(2, [(0, 2), (1, 3)], [1, 1]).conductance() == 0.0


def random_network(seed, *, coat=1.0, core=1e-6, count=60):
    """Coats of a packing, some of them insulators, their cores, and wires between half of those that meet."""
    rng = np.random.default_rng(seed)
    packing = pack_spheres(3e-6 * np.exp(0.3 * rng.standard_normal(count)), fraction=0.55, rng=rng)
    seams = lay_seams(Recipe.parse("80:20:0"), packing)
    contacts = CoatContacts(seams.pairs, seams.areas, seams.normals, seams.thickness, packing.radii, seams.parting)
    wired = rng.random(len(seams.pairs)) < 0.4
    return BlockNetwork(
        contacts,
        conductivity=np.where(rng.random(count) < 0.9, coat * rng.uniform(0.5, 2.0, count), 0.0),
        face_resistance=contacts.resistance(1e-7 / coat) * rng.uniform(0.0, 2.0, len(seams.pairs)),
        inner=np.where(rng.random(count) < 0.9, core, 0.0),
        cores=Resistors(seams.pairs[wired], core * rng.uniform(0.5, 2.0, wired.sum())),
    )


def dense_conductance(network):
    """All conductances in one full matrix, block after block; the nodes are faces, coats, cores, separator, collector.

    Faces at a wall are the wall.
    """
    contacts, count, number = network.contacts, network.blocks, len(network.contacts.pairs)
    at_wall = contacts.pairs[:, 1] >= count
    wall = number + 2 * count
    node = np.where(at_wall, wall + contacts.pairs[:, 1] - count, np.arange(number))
    matrix = np.zeros((wall + 2, wall + 2))
    halves = np.where(at_wall, 1.0, 0.5) * network.face_resistance
    for block in np.flatnonzero(network.conductivity):
        ports = np.flatnonzero(np.any(contacts.pairs == block, axis=1))
        sides = np.where(contacts.pairs[ports, 0] == block, 1.0, -1.0)
        sheet = np.empty((len(ports), len(ports)))
        own = contacts.radii[block], contacts.thickness[block], network.conductivity[block]
        sheet_resistance.py_func(ports, sides, contacts.areas, contacts.normals, halves, *own, sheet)
        inverse = np.linalg.inv(sheet)
        drops = np.zeros((len(ports), wall + 2))  # from each port to the mean of the coat
        drops[np.arange(len(ports)), node[ports]] += 1.0
        drops[:, number + block] -= 1.0
        matrix += drops.T @ inverse @ drops
    wires = [(number + block, number + count + block, value) for block, value in enumerate(network.inner)]
    wires += [(*(number + count + pair), value) for pair, value in zip(*vars(network.cores).values(), strict=True)]
    for first, second, value in wires:
        matrix[[first, second], [first, second]] += value
        matrix[[first, second], [second, first]] -= value
    group = connected_components(csr_matrix(matrix))[1]
    free = np.flatnonzero(group[:wall] == group[wall])
    potential = np.zeros(wall + 2)
    potential[wall] = 1.0
    potential[free] = np.linalg.solve(matrix[np.ix_(free, free)], -matrix[free, wall])
    return float(potential @ matrix @ potential)


@pytest.mark.parametrize("seed", range(4))
def test_a_random_packing_agrees_with_a_dense_matrix(seed):
    network = random_network(seed)
    assert network.conductance() == pytest.approx(dense_conductance(network), rel=1e-9, abs=0.0)


def test_conjugate_gradients_solve_what_a_dense_solver_solves_and_stop_where_they_are_told():
    rng = np.random.default_rng(5)
    factor = rng.normal(size=(40, 40))
    dense = factor @ factor.T + np.diag(10.0 ** rng.uniform(0, 4, 40))
    matrix, drive = csr_matrix(dense), rng.normal(size=40)
    system = (matrix.indptr, matrix.indices, matrix.data, matrix.diagonal(), drive)
    exact = np.linalg.solve(dense, drive)
    np.testing.assert_allclose(conjugate_gradients(*system, 1e-12, 1000), exact, rtol=1e-9)
    rough = conjugate_gradients(*system, 1e-2, 1000)
    assert 1e-4 < np.linalg.norm(dense @ rough - drive) / np.linalg.norm(drive) <= 1e-2
    assert np.linalg.norm(conjugate_gradients(*system, 0.0, 3) - exact) > 1e-6 * np.linalg.norm(exact)
    assert not conjugate_gradients(*system[:-1], np.zeros(40), 1e-9, 1000).any()


def test_conductances_scale_and_rise_with_every_part():
    network = random_network(5)
    base = network.conductance()
    tenfold = BlockNetwork(
        network.contacts,
        10 * network.conductivity,
        network.face_resistance / 10,
        10 * network.inner,
        Resistors(network.cores.pairs, 10 * network.cores.conductance),
    )
    assert tenfold.conductance() == pytest.approx(10 * base, rel=1e-9, abs=0.0)
    more = [
        replace(network, conductivity=2 * network.conductivity),
        replace(network, face_resistance=0.5 * network.face_resistance),
        replace(network, inner=2 * network.inner),
        replace(network, cores=Resistors(network.cores.pairs, 2 * network.cores.conductance)),
    ]
    assert all(one.conductance() > base for one in more)


@pytest.mark.parametrize(("coat", "core"), [(1e-4, 1.0), (1e4, 1e-12)])
def test_a_contrast_of_ten_orders_is_right_and_a_factorisation_says_the_same(coat, core, monkeypatch):
    """A coat of 1e-4 S/m and 100 nm conducts 1e-10 S, its core 1 S; and the other way round."""
    network = random_network(6, coat=coat, core=core)
    found, wanted = network.conductance(), dense_conductance(network)
    assert found == pytest.approx(wanted, rel=1e-5, abs=0.0)
    monkeypatch.setattr(transport.blocks, "PATIENCE", 1)
    assert network.conductance() == pytest.approx(found, rel=1e-6, abs=0.0)


def strings(weak):
    """A string of 40 cores joined by 1 S, and by one weak link in the middle."""
    count = 40
    pairs = [(0, count), *((i, i + 1) for i in range(count - 1)), (count - 1, count + 1)]
    values = np.ones(len(pairs))
    values[len(pairs) // 2] = weak
    return cores_alone(count, pairs, values)


@pytest.mark.parametrize("weak", [1e-6, 1e-10])
def test_a_weak_link_in_a_strong_string(weak):
    assert 1.0 / strings(weak).conductance() == pytest.approx(40.0 + 1.0 / weak, rel=1e-6, abs=0.0)


def test_a_factorisation_takes_over_where_gradients_stop_too_early(monkeypatch):
    calls, slow = [], transport.blocks._factorised
    monkeypatch.setattr(transport.blocks, "_factorised", lambda *system: calls.append(1) or slow(*system))
    network = random_network(1)
    patient = network.conductance()
    assert not calls
    monkeypatch.setattr(transport.blocks, "PATIENCE", 1)
    assert network.conductance() == pytest.approx(patient, rel=1e-9, abs=0.0)
    assert len(calls) == 1


def test_a_contrast_beyond_doubles_is_refused():
    network = random_network(1, coat=1e-10, core=1e6)
    weak = replace(network, cores=Resistors(network.cores.pairs, 1e-22 * network.cores.conductance))
    with pytest.raises(ConvergenceError, match="orders"):
        weak.conductance()


def test_faces_inside_one_coat_have_no_resistance():
    contacts = replace(one_coat().contacts, parting=np.array([False]))
    assert contacts.resistance(1e-3).tolist() == [0.0]
    assert one_coat().contacts.resistance(1e-3).tolist() == [1e-3 / 1e-14]


@pytest.mark.parametrize(
    ("recipe", "width", "fraction"), [("80:20:0", 0.3, 0.55), ("60:40:0", 0.7, 0.4), ("90:10:0", 0.7, 0.6)]
)
def test_the_sheet_of_every_block_dissipates(recipe, width, fraction):
    """Resistances between contacts are positive definite, however many of them crowd on a core."""
    rng = np.random.default_rng(1)
    packing = pack_spheres(3.3e-6 * np.exp(width * rng.standard_normal(100)), fraction=fraction, rng=rng)
    seams = lay_seams(Recipe.parse(recipe), packing)
    for block in range(packing.count):
        ports = np.flatnonzero(np.any(seams.pairs == block, axis=1))
        sides = np.where(seams.pairs[ports, 0] == block, 1.0, -1.0)
        sheet, none = np.empty((len(ports), len(ports))), np.zeros(len(seams.areas))
        own = packing.radii[block], seams.thickness[block], 1.0
        sheet_resistance(ports, sides, seams.areas, seams.normals, none, *own, sheet)
        least = np.linalg.eigvalsh(sheet).min(initial=np.inf) * 4.0 * np.pi * seams.thickness[block]
        assert least > 0.2
