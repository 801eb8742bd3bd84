"""Coats as sheets that their contacts share: exact ones and zeros, a slower formulation and voxels beside them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from scipy.integrate import quad
from scipy.sparse.linalg import spsolve
from scipy.special import ive

from microstructure.coats.coating import Coats
from microstructure.coats.contact_faces import lay_seams
from microstructure.composite import build_composite
from microstructure.cores.sphere_packing import pack_spheres
from microstructure.recipe import Recipe
from microstructure.structure import Structure
from transport import effective_conductivity
from transport.networks._block_network import entry_resistance
from transport.networks.block_network import BlockNetwork, CoatContacts, Resistors

RADIUS, THICK, SIGMA = 1.5e-6, 0.1e-6, 0.05


def chain(blocks, area=1e-14, normals=None):
    """Blocks in a row between the walls, all contacts alike."""
    pairs = [(0, blocks), *((i, i + 1) for i in range(blocks - 1)), (blocks - 1, blocks + 1)]
    normals = np.tile([1.0, 0.0, 0.0], (len(pairs), 1))
    normals[0, 0] = -1.0
    return CoatContacts(
        np.array(pairs), np.full(len(pairs), area), normals, np.full(blocks, THICK), np.full(blocks, RADIUS)
    )


def coats(contacts, conductivity=SIGMA, between=0.0):
    return BlockNetwork.of_coats(contacts, conductivity, between).conductance()


def exact_pole_to_pole(area):
    """A thin sheet between two caps at its poles, by integrating its rings."""
    middle = RADIUS + THICK / 2
    half_angle = np.arccos(1 - area / (2 * np.pi * middle**2))
    rings, _ = quad(lambda angle: 1 / (2 * np.pi * np.sin(angle) * SIGMA * THICK), half_angle, np.pi - half_angle)
    return rings


def test_pole_to_pole_is_the_integral_of_the_rings():
    area = 1e-15
    contacts = chain(1, area)
    found = 1 / coats(contacts)
    assert found == pytest.approx(exact_pole_to_pole(area) + 2 * slow_entry(area, THICK, SIGMA, 0.0), rel=1e-3)


def slow_entry(area, thickness, conductivity, face):
    """Through a face into the sheet below it: a transmission line in Bessel functions, or Holm's disc in images."""
    radius, sheet = np.sqrt(area / np.pi), conductivity * thickness
    length = np.sqrt((2 * np.log(2) / np.pi * thickness) ** 2 + face * area * sheet)
    wide = length * ive(0, radius / length) / (2 * np.pi * radius * sheet * ive(1, radius / length))
    far, images = 1e3 * thickness, np.arange(1, 100_001) * 2 * thickness
    # each image acts on the disc and on a point far away; what is left of it there is the sheet's logarithm
    drop = np.sum(2 / images - 2 / np.hypot(images, far)) / (2 * np.pi * conductivity)
    narrow = 1 / (4 * conductivity * radius) - 1 / (2 * np.pi * conductivity * far) + drop
    return min(wide, narrow - np.log(far / radius) / (2 * np.pi * sheet) + face)


@pytest.mark.parametrize("radius", [1e-9, 3e-8, 1e-7, 1e-6, 1e-5])
@pytest.mark.parametrize("specific", [0.0, 1e-7, 1e-4])
def test_entry_into_a_sheet_is_that_of_the_slow_twin(radius, specific):
    area = np.pi * radius**2
    found = entry_resistance(area, THICK, SIGMA, specific / area)
    assert found == pytest.approx(slow_entry(area, THICK, SIGMA, specific / area), rel=2e-3)


def test_entry_at_its_limits():
    """A wide electrode: END thicknesses more of a strip as long as the rim; a point: Holm; a bad face: even flow."""
    area = np.pi * (100 * THICK) ** 2
    rim = 2 * np.log(2) / np.pi / (2 * np.pi * 100 * THICK * SIGMA)
    assert entry_resistance(area, THICK, SIGMA, 0.0) == pytest.approx(rim, rel=0.01)
    point = np.pi * (1e-3 * THICK) ** 2
    assert entry_resistance(point, THICK, SIGMA, 0.0) == pytest.approx(1 / (4 * SIGMA * 1e-3 * THICK), rel=0.01)
    even = 1 / (8 * np.pi * SIGMA * THICK)
    own = (2 * np.log(2) / np.pi) ** 2 * THICK / (SIGMA * 1e-13)
    assert entry_resistance(1e-13, THICK, SIGMA, 1e12) - 1e12 == pytest.approx(own + even, rel=1e-3)


@pytest.mark.parametrize("beside", [0, 4])
@pytest.mark.parametrize(("thick", "cut"), [(0.2e-6, 0.5), (0.4e-6, 0.2), (0.4e-6, 0.8)])
def test_one_coat_with_two_or_six_contacts_is_its_voxel_solve(beside, thick, cut):
    """A shell cut flat on two or six sides, plates on two of them: within 10 %."""
    half = RADIUS + thick - cut * thick
    fine, coarse = (cut_shell(half, thick, count, beside > 0) for count in (140, 70))
    cap = np.pi * (cut * thick) ** 2 * (3 * (RADIUS + thick) - cut * thick) / 3
    volume = 4 / 3 * np.pi * ((RADIUS + thick) ** 3 - RADIUS**3) - (2 + beside) * cap
    even = RADIUS * np.expm1(np.log1p(volume / (4 / 3 * np.pi * RADIUS**3)) / 3)
    area = np.pi * ((RADIUS + thick) ** 2 - half**2)
    contacts = replace(chain(1, area), thickness=np.array([even]))
    assert coats(contacts, 1.0) == pytest.approx(2 * fine - coarse, rel=0.07)


def cut_shell(half, thick, count, sides):
    """Conductance of a shell of 1 S/m between its flat ends, `count` voxels apart."""
    voxel = 2 * half / count
    wide = count if sides else count + 2 * int(np.ceil((RADIUS + thick - half) / voxel))
    along, across = ((np.arange(number) + 0.5 - number / 2) * voxel for number in (count, wide))
    distance = np.sqrt(along[:, None, None] ** 2 + across[:, None] ** 2 + across**2)
    shell = ((distance >= RADIUS) & (distance <= RADIUS + thick)).astype(np.uint8)
    found = effective_conductivity(
        shell, conductivity={0: 0.0, 1: 1.0}, voxel_size=voxel, axis=0, periodic=(False, True, True)
    )
    return found.value * (wide * voxel) ** 2 / (2 * half)


def test_face_resistances_and_blocks_in_a_row_add_up():
    one, three = (1 / coats(chain(n)) for n in (1, 3))
    assert three == pytest.approx(3 * one)
    loaded = 1 / coats(chain(3), between=1e-4)
    assert loaded == pytest.approx(three + 4 * 1e-4 / 1e-14)


def test_an_idle_contact_changes_nothing():
    contacts = chain(1)
    pairs = np.array([(0, 2), (0, 3), (0, 1)])  # the second block leads nowhere
    idle = CoatContacts(
        pairs,
        np.full(3, 1e-14),
        np.array([[-1.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0]]),
        np.full(2, THICK),
        np.full(2, RADIUS),
    )
    assert coats(idle) == pytest.approx(coats(contacts), rel=1e-9, abs=0.0)


def test_a_sheet_beside_ordinary_resistors():
    """Two resistors of 20 nS in series, over a core, beside a chain of about as much: conductances add."""
    contacts = chain(2)
    network = BlockNetwork.of_coats(contacts, SIGMA)
    beside = replace(network, cores=Resistors(np.array([(1, 2), (1, 3)]), np.array([2e-8, 2e-8])))
    assert beside.conductance() == pytest.approx(network.conductance() + 1e-8, rel=1e-9, abs=0.0)


def test_no_path_is_exactly_zero():
    contacts = chain(2)
    broken = replace(contacts, pairs=contacts.pairs[:-1], areas=contacts.areas[:-1], normals=contacts.normals[:-1])
    assert coats(broken) == 0.0
    assert coats(contacts, conductivity=0.0) == 0.0


def slow_sheet(directions, areas, faces, radius, thickness, conductivity):
    """Potential behind each contact of a block, or half-way through it, for a unit current out of each."""
    middle = radius + 0.5 * thickness
    cap = areas / (2.0 * np.pi * middle**2) * min(1.0, 4.0 * np.pi * middle**2 / areas.sum())
    beside = np.add.outer(np.sqrt(cap), np.sqrt(cap)) ** 2
    mutual = -np.log(0.5 * np.minimum(np.maximum(1.0 - directions @ directions.T, beside), 2.0))
    np.fill_diagonal(mutual, -np.log(0.5 * cap))
    entry = [slow_entry(area, thickness, conductivity, face) for area, face in zip(areas, faces, strict=True)]
    return mutual / (4.0 * np.pi * conductivity * thickness) + np.diag(entry)


def slow_resistances(network):
    """The resistance matrix of all contacts, currents counted from the first block to the second."""
    contacts = network.contacts
    matrix = np.zeros((len(contacts.pairs),) * 2)
    halves = np.where(contacts.pairs[:, 1] < network.blocks, 0.5, 1.0) * network.face_resistance
    for block in range(network.blocks):
        ports = np.flatnonzero(np.any(contacts.pairs == block, axis=1))
        sign = np.where(contacts.pairs[ports, 0] == block, 1.0, -1.0)
        own = contacts.radii[block], contacts.thickness[block], network.conductivity[block]
        mutual = slow_sheet(contacts.normals[ports] * sign[:, None], contacts.areas[ports], halves[ports], *own)
        matrix[np.ix_(ports, ports)] += mutual * np.outer(sign, sign)
    return sparse.csr_matrix(matrix)


def slow_conductance(network):
    """The same network as a saddle-point problem: currents of the contacts and potentials of coats and cores.

    [resistances, -incidence; incidence', wires] [currents; potentials] = [driven by the wall; nothing injected]
    """
    count = network.blocks
    node = np.concatenate([np.arange(count), [2 * count, 2 * count + 1]])  # coats, cores, walls
    incidence = slow_incidence(node[network.contacts.pairs], 2 * count + 2)
    inner = np.stack([np.arange(count), count + np.arange(count)], axis=1)
    drops = slow_incidence(np.concatenate([inner, count + network.cores.pairs]), 2 * count + 2)
    wires = drops.T @ sparse.diags(np.concatenate([network.inner, network.cores.conductance])) @ drops
    wires += sparse.diags(np.where(wires.diagonal() == 0.0, 1e-30, 0.0))  # cores that nothing joins
    free, wall = np.arange(2 * count), 2 * count
    blocks = [[slow_resistances(network), -incidence[:, free]], [incidence.T[free], wires[free][:, free]]]
    drive = np.concatenate([incidence[:, [wall]].toarray().ravel(), -wires[free][:, [wall]].toarray().ravel()])
    matrix = sparse.bmat(blocks, format="csc")
    found = spsolve(matrix, drive)
    found += spsolve(matrix, drive - matrix @ found)  # its entries span fourteen decades
    currents, potential = found[: len(network.contacts.pairs)], np.append(found[-2 * count :], [1.0, 0.0])
    return float((incidence.T @ currents + wires @ potential)[wall])


def slow_incidence(pairs, nodes):
    """+1 at the first and -1 at the second node of each pair: times potentials, it gives the drops."""
    matrix = np.zeros((len(pairs), nodes))
    matrix[np.arange(len(pairs)), pairs[:, 0]] = 1.0
    matrix[np.arange(len(pairs)), pairs[:, 1]] = -1.0
    return sparse.csr_matrix(matrix)


def random_contacts(seed):
    """Coats of 60 cores of many sizes, some of them in blocks of several."""
    rng = np.random.default_rng(seed)
    sizes = 3e-6 * np.exp(0.3 * rng.standard_normal(60))
    packing = pack_spheres(sizes, fraction=0.55, rng=rng)
    seams = lay_seams(Recipe.parse("80:20:0"), replace(packing, block=(np.arange(60) // 2).astype(np.int32)))
    return CoatContacts(seams.pairs, seams.areas, seams.normals, seams.thickness, packing.radii, seams.parting)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("between", [0.0, 1e-4])
def test_ions_are_those_of_the_slow_twin(seed, between):
    network = BlockNetwork.of_coats(random_contacts(seed), SIGMA, between)
    assert network.conductance() == pytest.approx(slow_conductance(network), rel=1e-9, abs=0.0)


@pytest.mark.parametrize("seed", range(3))
def test_electrons_through_cores_and_bare_contacts_are_those_of_the_slow_twin(seed):
    contacts, rng = random_contacts(seed), np.random.default_rng(seed)
    count, bare = len(contacts.radii), rng.random(len(contacts.pairs)) < 0.3
    network = BlockNetwork(
        contacts,
        conductivity=rng.uniform(0.01, 10.0, count),
        face_resistance=contacts.resistance(1e-6) * rng.uniform(0.0, 2.0, len(bare)),
        inner=np.where(rng.random(count) < 0.8, 1e-5, 0.0),
        cores=Resistors(contacts.pairs[bare], rng.uniform(1e-8, 1e-6, bare.sum())),
    )
    assert network.conductance() == pytest.approx(slow_conductance(network), rel=1e-9, abs=0.0)
    alone = replace(network, cores=Resistors.none())
    assert network.conductance() > 1.01 * alone.conductance()


@pytest.fixture(scope="module")
def cell():
    return build_composite(
        Recipe.parse("80:20:0"),
        porosity=0.15,
        box=(9.6e-6, 7.2e-6, 7.2e-6),
        voxel_size=100e-9,
        rng=np.random.default_rng(3),
    )


def test_an_oblique_face_has_its_true_area(coat_contacts):
    """Two blocks that meet in a diagonal plane of a cube: sqrt(2) L^2, where the voxel staircase has 2 L^2."""
    count, edge = 60, 3e-6
    packing = pack_spheres(np.full(2, 1e-6), box=(edge,) * 3, periodic=(False,) * 3, rng=np.random.default_rng(0))
    centres = np.array([[0.9e-6, 0.9e-6, 1.5e-6], [2.1e-6, 2.1e-6, 1.5e-6]])
    x, y, _ = np.indices((count,) * 3)
    cell = Structure(
        labels=np.full((count,) * 3, 2, np.uint8),
        voxel_size=edge / count,
        periodic=(False, False, False),
        box=(edge,) * 3,
        owners=(x + y >= count).astype(np.int32),
        cores=replace(packing, centres=centres),
        coats=Coats("film", 1e-7, 1e-6, 1.0, 0.0, 0.0),
        recipe=Recipe.parse("80:20:0"),
    )
    contacts = coat_contacts(cell)
    assert contacts.pairs.tolist() == [[0, 1], [0, 2], [0, 3], [1, 3]]
    assert contacts.areas[0] == pytest.approx(np.sqrt(2) * edge**2, rel=0.02, abs=0.0)
    assert contacts.areas[1] == pytest.approx(edge**2, rel=1e-9, abs=0.0)
    assert contacts.areas[2] + contacts.areas[3] == pytest.approx(edge**2, rel=1e-9, abs=0.0)


def test_ions_of_a_composite_agree_with_voxels(cell, coat_contacts):
    """Within 25 %, and below the upper Wiener bound: a network of uniform sheets is an estimate, and says so."""
    network = coats(coat_contacts(cell), 1.0) * cell.box[0] / (cell.box[1] * cell.box[2])
    fine, coarse = (
        effective_conductivity(
            cell.labels[::n, ::n, ::n],
            conductivity={0: 0.0, 1: 0.0, 2: 1.0},
            voxel_size=n * 1e-7,
            axis=0,
            periodic=cell.periodic,
        ).value
        for n in (1, 2)
    )
    assert network < cell.fraction(2)
    assert network == pytest.approx(2 * fine - coarse, rel=0.25)


def test_conductivity_scales_and_falls_with_resistance(cell, coat_contacts):
    contacts = coat_contacts(cell)
    assert coats(contacts, 3.0) == pytest.approx(3 * coats(contacts, 1.0), rel=1e-5, abs=0.0)
    falling = [coats(contacts, 1.0, between) for between in (0.0, 1e-7, 1e-5, 1e-3)]
    assert np.all(np.diff(falling) < 0)
    assert falling[-1] > 0
