"""Networks of blocks: resistors and one coat exactly, a dense twin, contrasts of many orders."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

import transport.networks.block_network
from microstructure.coats.contact_faces import lay_seams
from microstructure.cores.sphere_packing import pack_spheres
from microstructure.errors import ConvergenceError
from microstructure.recipe import Recipe
from transport.networks._block_network import conjugate_gradients, entry_resistance, sheet_resistance
from transport.networks.block_network import BlockNetwork, CoatContacts, Resistors

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


def dense_matrix(network, *, walls=(0, 1)):
    """All conductances in one full matrix, block after block; the nodes are faces, coats, cores, separator, collector.

    Faces at a wall are the wall, unless it conducts nothing; faces that resist infinitely are no part of their coats.
    """
    contacts, count, number = network.contacts, network.blocks, len(network.contacts.pairs)
    at_wall = np.isin(contacts.pairs[:, 1], count + np.array(walls))
    wall = number + 2 * count
    node = np.where(at_wall, wall + contacts.pairs[:, 1] - count, np.arange(number))
    matrix = np.zeros((wall + 2, wall + 2))
    halves = np.where(contacts.pairs[:, 1] >= count, 1.0, 0.5) * network.face_resistance
    for block in np.flatnonzero(network.conductivity):
        ports = np.flatnonzero(np.any(contacts.pairs == block, axis=1) & np.isfinite(halves))
        if not ports.size:
            continue
        sides = np.where(contacts.pairs[ports, 0] == block, 1.0, -1.0)
        sheet = np.empty((len(ports), len(ports)))
        own = contacts.radii[block], contacts.thickness[block], network.conductivity[block]
        getattr(sheet_resistance, "py_func", sheet_resistance)(
            ports, sides, contacts.areas, contacts.normals, halves, *own, sheet
        )
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
    return matrix


def dense_conductance(network):
    matrix, wall = dense_matrix(network), len(network.contacts.pairs) + 2 * network.blocks
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


def dense_feeding(network, volumes):
    """The mean potential of the cores that are joined with the collector, the last node."""
    inward = ~np.any(network.cores.pairs == network.blocks, axis=1)
    cores = Resistors(network.cores.pairs[inward], network.cores.conductance[inward])
    matrix = dense_matrix(replace(network, cores=cores), walls=(1,))
    last, first = len(matrix) - 1, len(network.contacts.pairs) + network.blocks
    group = connected_components(csr_matrix(matrix))[1]
    free = np.flatnonzero(group[:last] == group[last])
    resistance = np.linalg.inv(matrix[np.ix_(free, free)])
    joined = (free >= first) & (free < first + network.blocks)
    if not joined.any():
        return np.inf
    shares = volumes[free[joined] - first] / volumes[free[joined] - first].sum()
    return float(shares @ resistance[np.ix_(joined, joined)] @ shares)


def volumes_of(network):
    return 4.0 / 3.0 * np.pi * network.contacts.radii**3


def thinned(network, seed, share=0.7):
    """The same, but many faces carry nothing and many wires are gone."""
    rng = np.random.default_rng(seed)
    faces = np.where(rng.random(len(network.face_resistance)) < share, np.inf, network.face_resistance)
    kept = rng.random(len(network.cores.pairs)) > share
    return replace(
        network, face_resistance=faces, cores=Resistors(network.cores.pairs[kept], network.cores.conductance[kept])
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.0, 0.7, 0.9])
def test_feeding_of_a_random_packing_agrees_with_a_dense_matrix(seed, share):
    network = thinned(random_network(seed), seed, share)
    found, wanted = network.feeding_resistance(volumes_of(network)), dense_feeding(network, volumes_of(network))
    assert found == pytest.approx(wanted, rel=1e-9, abs=0.0)


@pytest.mark.parametrize("count", [1, 2, 10, 100])
def test_a_string_of_cores_is_fed_as_an_even_conductor(count):
    """A third of its resistance from plate to plate, and 1/6 of that over the square of the number of cores."""
    wires = [(0, count + 1), *((i, i + 1) for i in range(count - 1)), (count - 1, count)]
    string = cores_alone(count, wires, [2 * count, *[count] * (count - 1), 2 * count])
    assert string.conductance() == pytest.approx(1.0, rel=1e-9)
    wanted = 1.0 / 3.0 + 1.0 / (6.0 * count**2)
    assert string.feeding_resistance(np.ones(count)) == pytest.approx(wanted, rel=1e-9, abs=0.0)


def test_a_lattice_is_fed_as_each_of_its_strings():
    """Wires across carry nothing, whether or not it spans; cores without a wire draw nothing."""
    deep, wide, own = 8, 5, 7
    cores = np.arange(deep * wide).reshape(deep, wide)
    count = cores.size + own
    along = np.stack([cores[:-1], cores[1:]], axis=-1).reshape(-1, 2)
    across = np.stack([cores[:, :-1], cores[:, 1:]], axis=-1).reshape(-1, 2)
    wall = np.stack([cores[0], np.full(wide, count + 1)], axis=-1)
    pairs = np.concatenate([along, across, wall])
    values = np.concatenate([np.full(len(along), deep), np.full(len(across), 3.0), np.full(wide, 2.0 * deep)])
    network = cores_alone(count, pairs, values)
    assert network.conductance() == 0.0
    wanted = (1.0 / 3.0 + 1.0 / (6.0 * deep**2)) / wide
    assert network.feeding_resistance(np.ones(count)) == pytest.approx(wanted, rel=1e-9, abs=0.0)


def test_cores_draw_by_their_volume_and_weigh_as_they_draw():
    """Two cores of 1 and 3 volumes one behind the other, 2 S and 4 S: 1/2 V for both, 3/4 A through 1/4 ohm more."""
    network = cores_alone(2, [(0, 3), (0, 1)], [2.0, 4.0])
    assert network.feeding_resistance(np.array([1.0, 3.0])) == pytest.approx(0.5 + 0.75**2 / 4.0, rel=1e-9)


def test_one_core_is_fed_through_its_coat():
    """From core to coat, its sheet, and the face; what hangs on the separator changes nothing."""
    network = one_coat(0.05, 1e5)
    through = 1.0 / network.conductance() - 1.0 / 3e-6
    assert network.feeding_resistance(np.ones(1)) == pytest.approx(through, rel=1e-9, abs=0.0)


def test_nothing_is_fed_where_nothing_joins_the_collector():
    volume = np.ones(1)
    assert one_coat(sigma=0.0).feeding_resistance(volume) == np.inf
    assert one_coat(face=np.inf).feeding_resistance(volume) == np.inf
    assert replace(one_coat(), inner=np.zeros(1)).feeding_resistance(volume) == np.inf
    assert cores_alone(2, [(0, 2), (1, 2), (0, 1)], [1, 1, 1]).feeding_resistance(np.ones(2)) == np.inf
    assert cores_alone(1, [(0, 2)], [0.0]).feeding_resistance(volume) == np.inf


def test_the_separator_joins_no_cores():
    """A core behind another on the separator is fed through neither."""
    network = cores_alone(3, [(0, 4), (0, 3), (1, 3), (2, 3)], [2.0, 1e6, 1e6, 1e6])
    assert network.feeding_resistance(np.ones(3)) == pytest.approx(0.5, rel=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.7])
def test_feeding_does_not_depend_on_the_order_of_the_blocks(share):
    network = thinned(random_network(3), 3, share)
    count, rng = network.blocks, np.random.default_rng(8)
    order = rng.permutation(count)
    number = np.append(np.argsort(order), [count, count + 1])  # the new one of each block
    faces, contacts = rng.permutation(len(network.face_resistance)), network.contacts
    moved = BlockNetwork(
        CoatContacts(
            number[contacts.pairs[faces]],
            contacts.areas[faces],
            contacts.normals[faces],
            contacts.thickness[order],
            contacts.radii[order],
        ),
        network.conductivity[order],
        network.face_resistance[faces],
        network.inner[order],
        Resistors(number[network.cores.pairs[::-1]], network.cores.conductance[::-1]),
    )
    found, wanted = (one.feeding_resistance(volumes_of(one)) for one in (moved, network))
    assert found == pytest.approx(wanted, rel=1e-11, abs=0.0)


def test_feeding_falls_with_every_part_and_scales():
    network = thinned(random_network(5), 5, 0.3)
    volumes = volumes_of(network)
    base = network.feeding_resistance(volumes)
    assert 0.0 < base < np.inf
    double = Resistors(network.cores.pairs, 2 * network.cores.conductance)
    more = [
        replace(network, conductivity=2 * network.conductivity),
        replace(network, face_resistance=0.5 * network.face_resistance),
        replace(network, inner=2 * network.inner),
        replace(network, cores=double),
    ]
    assert all(one.feeding_resistance(volumes) < base for one in more)
    twice = BlockNetwork(
        network.contacts, 2 * network.conductivity, network.face_resistance / 2, 2 * network.inner, double
    )
    assert twice.feeding_resistance(volumes) == pytest.approx(base / 2, rel=1e-9, abs=0.0)


@pytest.mark.parametrize(("coat", "core"), [(1e-4, 1.0), (1e4, 1e-12)])
def test_feeding_over_a_contrast_of_ten_orders_and_by_a_factorisation(coat, core, monkeypatch):
    network = random_network(6, coat=coat, core=core)
    found = network.feeding_resistance(volumes := volumes_of(network))
    assert found == pytest.approx(dense_feeding(network, volumes), rel=1e-4, abs=0.0)
    monkeypatch.setattr(transport.networks.block_network, "PATIENCE", 1)
    assert network.feeding_resistance(volumes) == pytest.approx(found, rel=1e-4, abs=0.0)


@pytest.mark.parametrize("weak", [1e-6, 1e-10])
def test_a_weak_link_feeds_what_lies_behind_it(weak):
    """The 20 cores behind it draw half of the current; the others add a few ohm."""
    count = 40
    found, plain = (strings(one).feeding_resistance(np.ones(count)) for one in (weak, 1.0))
    assert found == pytest.approx(plain + 0.25 * (1.0 / weak - 1.0), rel=1e-6, abs=0.0)


def test_what_rounding_hides_is_not_fed():
    """Two cores that 1e8 S join behind a link of 1e-12 S: the sums of their rows lose the link."""
    network = cores_alone(3, [(0, 4), (0, 1), (1, 2)], [1.0, 1e-12, 1e8])
    with pytest.raises(ConvergenceError, match="orders"):
        network.feeding_resistance(np.ones(3))


@pytest.mark.parametrize("volumes", [np.ones(2), np.zeros(1), np.array([np.nan]), np.array([-1.0])])
def test_volumes_that_cannot_be_are_refused(volumes):
    with pytest.raises(ValueError, match="volumes are above zero, one for each of 1 cores"):
        one_coat().feeding_resistance(volumes)


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
    monkeypatch.setattr(transport.networks.block_network, "PATIENCE", 1)
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
    calls, slow = [], transport.networks.block_network._factorised
    monkeypatch.setattr(
        transport.networks.block_network, "_factorised", lambda *system: calls.append(1) or slow(*system)
    )
    network = random_network(1)
    patient = network.conductance()
    assert not calls
    monkeypatch.setattr(transport.networks.block_network, "PATIENCE", 1)
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
