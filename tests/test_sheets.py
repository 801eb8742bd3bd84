"""The contact network of coats: exact sheets, exact zeros, and a voxel solve beside it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

from microstructure.coats import Coats
from microstructure.composite import build_composite
from microstructure.packing import pack_spheres
from microstructure.recipe import Recipe
from microstructure.structure import Structure
from percolation.utilisation import BareContacts
from transport import effective_conductivity
from transport.composite import ContactLaw, composite_conductivity, find_coat_contacts
from transport.sheets import CoatContacts, Resistors, coat_sheets, solve_sheets

RADIUS, THICK, SIGMA = 1.5e-6, 0.1e-6, 0.05


def chain(blocks, area=1e-14, normals=None):
    """Blocks in a row between the walls, all contacts alike."""
    pairs = [(0, blocks), *((i, i + 1) for i in range(blocks - 1)), (blocks - 1, blocks + 1)]
    normals = np.tile([1.0, 0.0, 0.0], (len(pairs), 1))
    normals[0, 0] = -1.0
    return CoatContacts(
        np.array(pairs), np.full(len(pairs), area), normals, np.full(blocks, THICK), np.full(blocks, RADIUS)
    )


def exact_pole_to_pole(area):
    """A thin sheet between two caps at its poles, by integrating its rings."""
    middle = RADIUS + THICK / 2
    half_angle = np.arccos(1 - area / (2 * np.pi * middle**2))
    rings, _ = quad(lambda angle: 1 / (2 * np.pi * np.sin(angle) * SIGMA * THICK), half_angle, np.pi - half_angle)
    return rings


def test_pole_to_pole_is_the_integral_of_the_rings():
    area = 1e-15
    contacts = chain(1, area)
    found = 1 / solve_sheets(coat_sheets(contacts, SIGMA, 0.0), Resistors.none(), nodes=1)
    through = THICK / (SIGMA * area)
    # even injection over a cap instead of at its rim: 1/(4 pi sigma t) more in all
    assert found - through == pytest.approx(exact_pole_to_pole(area) + 1 / (4 * np.pi * SIGMA * THICK), rel=1e-3)


def test_face_resistances_and_blocks_in_a_row_add_up():
    one, three = (1 / solve_sheets(coat_sheets(chain(n), SIGMA, 0.0), Resistors.none(), nodes=n) for n in (1, 3))
    assert three == pytest.approx(3 * one)
    loaded = 1 / solve_sheets(coat_sheets(chain(3), SIGMA, 1e-4), Resistors.none(), nodes=3)
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
    found = solve_sheets(coat_sheets(idle, SIGMA, 0.0), Resistors.none(), nodes=2)
    assert found == pytest.approx(solve_sheets(coat_sheets(contacts, SIGMA, 0.0), Resistors.none(), nodes=1))


def test_a_sheet_beside_ordinary_resistors():
    """Two resistors of 2 S in series beside a chain: conductances add."""
    contacts = chain(2)
    alone = solve_sheets(coat_sheets(contacts, SIGMA, 0.0), Resistors.none(), nodes=2)
    beside = Resistors(np.array([(2, 3), (2, 4)]), np.array([2.0, 2.0]))
    assert solve_sheets(coat_sheets(contacts, SIGMA, 0.0), beside, nodes=3) == pytest.approx(alone + 1.0)


def test_no_path_is_exactly_zero():
    contacts = chain(2)
    broken = CoatContacts(
        contacts.pairs[:-1], contacts.areas[:-1], contacts.normals[:-1], contacts.thickness, contacts.radii
    )
    assert solve_sheets(coat_sheets(broken, SIGMA, 0.0), Resistors.none(), nodes=2) == 0.0
    assert solve_sheets(coat_sheets(contacts, 0.0, 0.0), Resistors.none(), nodes=2) == 0.0


@pytest.fixture(scope="module")
def cell():
    return build_composite(
        Recipe.parse("80:20:0"),
        porosity=0.15,
        box=(9.6e-6, 7.2e-6, 7.2e-6),
        voxel_size=100e-9,
        rng=np.random.default_rng(3),
    )


def law(**settings):
    return ContactLaw(**({"electronic": 0.0, "ionic": 1.0, "core": 1.0, "bare_radius": 1e-7} | settings))


def test_an_oblique_face_has_its_true_area():
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
    contacts = find_coat_contacts(cell)
    assert contacts.pairs.tolist() == [[0, 1], [0, 2], [0, 3], [1, 3]]
    assert contacts.areas[0] == pytest.approx(np.sqrt(2) * edge**2, rel=0.02)
    assert contacts.areas[1] == pytest.approx(edge**2)
    assert contacts.areas[2] + contacts.areas[3] == pytest.approx(edge**2)


NONE = BareContacts(np.empty((0, 2), np.int64), 0)


def test_ions_of_a_composite_agree_with_voxels(cell):
    """Within 25 %, and below the upper Wiener bound: a network of uniform sheets is an estimate, and says so."""
    network = composite_conductivity(cell, law(), NONE).ionic
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


def test_conductivity_scales_and_falls_with_resistance(cell):
    ideal = composite_conductivity(cell, law(), NONE).ionic
    assert composite_conductivity(cell, law(ionic=3.0), NONE).ionic == pytest.approx(3 * ideal)
    falling = [composite_conductivity(cell, law(block_ionic=r), NONE).ionic for r in (0.0, 1e-7, 1e-5, 1e-3)]
    assert np.all(np.diff(falling) < 0)
    assert falling[-1] > 0


def test_electrons_need_carbon_or_bare_contacts(cell):
    assert composite_conductivity(cell, law(), NONE).electronic == 0.0
    assert composite_conductivity(cell, law(electronic=1.0), NONE).electronic > 0.0
