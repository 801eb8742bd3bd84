"""The two-scale route: its limits, and beside composites in which every primary is followed."""

from types import SimpleNamespace

import numpy as np
import pytest
from resolved_route import ResolvedCarbon, find_resolved_bonds, resolve_carbon, resolved_conductance

from microstructure.coats.contact_faces import lay_seams
from microstructure.coats.outer_face import OuterFace
from microstructure.recipe import Recipe
from percolation.utilisation.bonds import DrawnBonds, poisson_numbers
from percolation.utilisation.reach import BareContacts, find_bare_contacts, measure_utilisation
from studies.seeding import seed_library
from studies.series.composition import build_seed
from studies.study import parse_study
from studies.two_scale.patch_library import load_library
from studies.two_scale.patch_plan import CarbonState, PatchPlan
from studies.two_scale.prediction import Blocks, lay_blocks, matrix_conductivities
from transport.networks.resistors import network_conductance

PLAN = PatchPlan(
    thicknesses=(18.5e-9, 75e-9, 150e-9, 300e-9, 700e-9),
    contents=(0.013, 0.032, 0.05),
    seeds=2,
    patches=8,
    widest=2.4e-6,
    width=1.2e-6,
    ion_width=0.5e-6,
    bulk_edge=0.8e-6,
    runs=2,
)
SEEDS = (0, 1)
HALF, NO_PAIRS = np.full(2, 0.5), np.empty((0, 2), np.int64)


def study_of(*compositions, **tables):
    table = {"title": "t", "compositions": list(compositions), "ensemble": {"seed": 7, "seeds": 2}}
    table["cathode"] = {"cores": 60, "thickness": "16 um"}
    return parse_study(table | tables)


@pytest.fixture(scope="module")
def resolved():
    """Composites with all of their primaries, by composition and seed; blocks touch ideally."""
    study = study_of(
        "80:20:0.2",
        "80:20:0.5",
        composite={"cores": 60, "thickness": 5.0, "voxel_size": "125 nm"},
    )
    return {
        (str(recipe), seed): resolve_carbon(build_seed(study, seed, recipe, seed_library(study, seed)))
        for recipe in study.recipes
        for seed in SEEDS
    }


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    state = CarbonState.of(study_of("80:20:0.5"))
    return load_library(state, PLAN, folder=tmp_path_factory.mktemp("patches"), workers=2)


def blocks_of(carbon, library):
    """The same cores under the same recipe, their coats along rays and without a primary."""
    parts = carbon.structure.parts
    return Blocks(parts.recipe, lay_seams(parts.recipe, parts.cores), library)


def slow_bond(carbon, i, j):
    """Whether primaries of two coats alone join their bodies: the sets that links merge, one link after another."""
    coat = carbon.network.carbon.coat
    links = carbon.network.links[np.isin(coat[carbon.network.links], (i, j)).all(axis=1)]
    group = {}

    def top(node):
        while group.setdefault(node, node) != node:
            group[node] = group[group[node]]
            node = group[node]
        return node

    for one, other in links.tolist():
        group[top(one)] = top(other)
    own = carbon.touching[np.isin(coat[carbon.touching[:, 0]], (i, j))]
    low, high = ({top(primary) for primary, body in own.tolist() if body == wanted} for wanted in (i, j))
    return not low.isdisjoint(high)


@pytest.mark.slow
@pytest.mark.parametrize("composition", ["80:20:0.2", "80:20:0.5"])
def test_bonds_of_primaries_are_those_of_a_slow_search(resolved, composition):
    carbon = resolved[composition, 0]
    parts = carbon.structure.parts
    pairs = lay_seams(parts.recipe, parts.cores).pairs
    walls = pairs[:, 1] >= parts.cores.count
    some = np.concatenate([pairs[~walls][:40], pairs[walls][:8], pairs[walls][-8:]])
    found = find_resolved_bonds(carbon, some)
    assert found.tolist() == [slow_bond(carbon, i, j) for i, j in some.tolist()]
    assert 0 < found.sum() < len(found)


def primaries(coats, links, touching):
    """Carbon whose links are known, without a structure around it."""
    links = np.array(links, np.int64).reshape(-1, 2)
    network = SimpleNamespace(links=links, carbon=SimpleNamespace(coat=np.array(coats)))
    return ResolvedCarbon(None, network, np.array(touching))


@pytest.mark.parametrize(
    ("coats", "links", "touching", "bonded"),
    [
        ([0, 1], [(1, 0)], [(0, 0), (1, 1)], True),
        ([0, 1], [], [(0, 0), (1, 1)], False),
        ([1], [], [(0, 0), (0, 1)], True),  # one primary on both cores, in the coat of either
        ([0], [], [(0, 0), (0, 1)], True),
        ([0, 1, 0, 1], [(1, 0), (2, 1), (3, 2)], [(0, 0), (3, 1)], True),  # to and fro
        ([0, 2, 1], [(1, 0), (2, 1)], [(0, 0), (2, 1)], False),  # through a third coat
        ([0, 1], [(1, 0)], [(0, 0), (1, 2)], False),  # to another core
    ],
)
def test_a_bond_is_a_path_through_two_coats_alone(coats, links, touching, bonded):
    carbon = primaries(coats, links, touching)
    assert find_resolved_bonds(carbon, np.array([(0, 1)])).tolist() == [bonded]
    assert slow_bond(carbon, 0, 1) == bonded


def circuit():
    """Three primaries on one core between two walls.

    Two fused ones lead from wall to wall; the third leads to the core, which hangs on the collector by a bare contact.
    """
    carbon = SimpleNamespace(count=3, aggregate=np.array([0, 0, 1]), diameter=40e-9)
    network = SimpleNamespace(links=np.array([[1, 0]]), necks=np.array([True]), carbon=carbon)
    structure = SimpleNamespace(parts=SimpleNamespace(cores=SimpleNamespace(count=1)))
    return ResolvedCarbon(structure, network, np.array([(0, 1), (1, 2), (2, 1), (2, 0)]))


def test_a_resolved_circuit_by_hand():
    neck, ratio, core, radius = 2e-4, 0.1, 1.5, 100e-9
    contact, disc, bare = neck * ratio, 4.0 * core * 20e-9, 4.0 * core * radius
    expected = 1.0 / (2.0 / contact + 1.0 / neck) + 1.0 / (2.0 / contact + 1.0 / disc + 1.0 / bare)
    settings = {"neck": neck, "contact_ratio": ratio, "core": core, "bare_radius": radius}
    found = resolved_conductance(circuit(), BareContacts(np.array([(0, 2)]), 1), **settings)
    assert found == pytest.approx(expected, rel=1e-6)
    none = resolved_conductance(circuit(), BareContacts(np.empty((0, 2), np.int64), 1), **settings)
    assert none == pytest.approx(1.0 / (2.0 / contact + 1.0 / neck), rel=1e-6)


@pytest.mark.parametrize("more", [1, 2])
def test_bridges_of_one_block_by_hand(handmade, more, one_block):
    """Carbon and the discs under it, as often as bridges are drawn, in series with the face; twice from wall to wall.

    At a wall an aggregate stands on one core only: that counts as two discs where two cores have one each in series.
    """
    recipe = Recipe.parse("80:20:1")
    library, content, area, resistance = handmade(along_electronic=0.0), recipe.volume_fraction, 3e-12, 1.4e-5
    blocks = Blocks(recipe, one_block(recipe), library, OuterFace(resistance=resistance))
    np.testing.assert_allclose(blocks.bonds.bridges, 8e14 * content**2 * area, rtol=1e-9)
    materials = recipe.materials
    carbon = materials["cb.neck_conductance"] * 2e14 * content**2 * area
    disc = 4.0 * materials["cam.electronic_conductivity"] * 0.5 * materials["cb.primary_diameter"]
    feet = 2.0 * disc * 6e14 * content**2 * area
    one_face = (1.0 / carbon + 1.0 / feet) / more + resistance / area
    drawn = DrawnBonds(more * blocks.bonds.bridges, HALF, NO_PAIRS)
    assert 1.0 / blocks.electrons(drawn).conductance() == pytest.approx(2.0 * one_face, rel=1e-6)
    none = DrawnBonds(0.0 * blocks.bonds.bridges, HALF, NO_PAIRS)
    assert blocks.electrons(none).conductance() == 0.0


def mean_over_seeds(measure):
    return float(np.mean([measure(seed) for seed in SEEDS]))


def bridged(resolved, library, composition):
    """Share of the faces between blocks that carbon bridges: resolved, and on two scales."""

    def pair(seed):
        carbon = resolved[composition, seed]
        blocks = blocks_of(carbon, library)
        inner = blocks.seams.parting & ~blocks.seams.walls
        resolved_share = find_resolved_bonds(carbon, blocks.seams.pairs)[inner].mean()
        return resolved_share, blocks.bonds.probability[inner].mean()

    return np.mean([pair(seed) for seed in SEEDS], axis=0)


@pytest.mark.slow
def test_as_many_faces_are_bridged_as_with_every_primary(resolved, library):
    """Within 0.15; the bonds of the one carbon content are not those of the other."""
    few, many = (bridged(resolved, library, text) for text in ("80:20:0.2", "80:20:0.5"))
    assert few[1] == pytest.approx(few[0], abs=0.15)
    assert many[1] == pytest.approx(many[0], abs=0.15)
    assert few[1] != pytest.approx(many[0], abs=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("composition", ["80:20:0.2", "80:20:0.5"])
def test_as_much_is_reached_as_with_every_primary(resolved, library, composition):
    def differences(seed):
        carbon = resolved[composition, seed]
        full = measure_utilisation(carbon.structure, draws=16, rng=np.random.default_rng(seed))
        found = blocks_of(carbon, library).reach(np.random.default_rng(seed))
        return found.electronic - full.electronic[-1], found.ionic - full.ionic[-1], found.joint - full.joint[-1]

    assert np.all(np.abs(np.mean([differences(seed) for seed in SEEDS], axis=0)) < 0.05)


@pytest.mark.parametrize("composition", ["80:20:0.2", "80:20:0.5"])
def test_electrons_conduct_as_with_every_primary_within_a_factor_of_two(resolved, library, composition):
    def full(seed):
        carbon, rng = resolved[composition, seed], np.random.default_rng(seed)
        materials = carbon.structure.parts.recipe.materials
        bare = find_bare_contacts(carbon.structure, share=materials["composite.bare_contact_share"], rng=rng)
        conductance = resolved_conductance(
            carbon,
            bare,
            neck=materials["cb.neck_conductance"],
            contact_ratio=materials["cb.contact_ratio"],
            core=materials["cam.electronic_conductivity"],
            bare_radius=materials["composite.bare_contact_radius"],
        )
        return conductance * blocks_of(carbon, library).scale

    def two_scale(seed):
        blocks = blocks_of(resolved[composition, seed], library)
        return blocks.electronic_conductivity(blocks.draw(np.random.default_rng(seed)))

    assert 0.5 < mean_over_seeds(two_scale) / mean_over_seeds(full) < 2.0


def predicted(blocks):
    rng = np.random.default_rng(1)
    return blocks.predict(blocks.reach(rng), blocks.draw(rng))


def without_carbon(handmade, share):
    study = study_of("80:20:0", materials={"composite": {"bare_contact_share": share}})
    recipe = study.recipes[0]
    return Blocks(recipe, lay_blocks(study, recipe, np.random.default_rng(3)), handmade())


def test_without_carbon_and_bare_contacts_nothing_is_reached_or_conducted(handmade):
    blocks = without_carbon(handmade, 0.0)
    found = predicted(blocks)
    assert found.utilisation_electronic == found.composite_electronic == found.bond_share == 0.0
    assert found.utilisation_joint == found.over_threshold == 0.0
    assert found.utilisation_ionic > 0.95
    assert found.composite_ionic > 0.0


def test_without_carbon_electrons_run_through_bare_contacts_alone(handmade):
    """The same conductance as that of the bare contacts as resistors: a disc on either side, one at a wall."""
    blocks = without_carbon(handmade, 0.7)
    materials, count = blocks.recipe.materials, blocks.seams.cores.count
    drawn = blocks.bonds.draw(np.random.default_rng(5))
    assert not drawn.bridges.any()
    disc = 4.0 * materials["cam.electronic_conductivity"] * materials["composite.bare_contact_radius"]
    expected = network_conductance(
        drawn.bare,
        np.where(drawn.bare[:, 1] >= count, disc, 0.5 * disc),
        count=count + 2,
        source=[count],
        sink=[count + 1],
    ).value
    assert expected > 0.0
    assert blocks.electrons(drawn).conductance() == pytest.approx(expected, rel=1e-6)


def test_far_above_the_threshold_everything_is_joined(handmade):
    study = study_of("80:20:3")
    recipe = study.recipes[0]
    library = handmade(bridge_rate=1e6, wall_bridge_rate=1e6)
    seams = lay_blocks(study, recipe, np.random.default_rng(3))
    found = predicted(Blocks(recipe, seams, library))
    assert found.bond_share == pytest.approx(1.0, abs=1e-6)
    assert found.utilisation_electronic == 1.0
    assert found.utilisation_joint == found.utilisation_ionic
    assert found.over_threshold == pytest.approx(recipe.volume_fraction / 0.08)
    assert found.porosity == pytest.approx(study.composite.total_porosity(recipe), abs=1e-3)
    assert found.coat == pytest.approx(seams.thickness.mean())


def test_a_matrix_that_passes_no_ions_reaches_nothing(handmade):
    study = study_of("80:20:3")
    recipe = study.recipes[0]
    library = handmade(bulk_ionic=0.0, along_ionic=0.0, across_ionic=0.0)
    seams = lay_blocks(study, recipe, np.random.default_rng(3))
    found = predicted(Blocks(recipe, seams, library))
    assert found.utilisation_ionic == found.utilisation_joint == found.reachable_area == found.composite_ionic == 0.0


@pytest.mark.parametrize(
    ("composition", "pores", "low", "high"), [("95:5:0.8", 0.3, 50e-9, 100e-9), ("60:40:3", 0.08, 500e-9, 1e-6)]
)
def test_thin_and_thick_coats_are_predicted(handmade, composition, pores, low, high):
    study = study_of(composition, composite={"pores_between_blocks": pores})
    recipe = study.recipes[0]
    seams = lay_blocks(study, recipe, np.random.default_rng(3))
    found = predicted(Blocks(recipe, seams, handmade())).named()
    assert all(np.isfinite(value) and value >= 0.0 for value in found.values())
    for name in ("electronic", "ionic", "joint"):
        assert found[f"utilisation_{name}"] <= 1.0
    assert found["utilisation_joint"] <= min(found["utilisation_electronic"], found["utilisation_ionic"]) + 1e-12
    assert low < found["coat"] < high


def test_blocks_draw_the_same_again(handmade):
    study = study_of("80:20:1")
    recipe, library = study.recipes[0], handmade()
    one, again = (
        predicted(Blocks(recipe, lay_blocks(study, recipe, np.random.default_rng(3)), library)) for _ in range(2)
    )
    assert one == again


def test_a_matrix_conducts_what_its_bulk_does(handmade):
    recipe = Recipe.parse("80:20:3")
    electronic, ionic = matrix_conductivities(recipe, handmade())
    content = recipe.volume_fraction
    assert electronic == pytest.approx(recipe.materials["cb.neck_conductance"] * 7e6 * content**2)
    assert ionic == pytest.approx(recipe.electrolyte_conductivity * (1.0 - content))
    assert matrix_conductivities(Recipe.parse("80:20:0"), handmade())[0] == 0.0


def test_sheets_and_bridges_share_the_resistance_of_a_face(handmade, one_block):
    """However well carbon conducts along and across, no more passes a face than its resistance lets through."""
    recipe = Recipe.parse("80:20:1")
    face = OuterFace(resistance=1.4e-5)
    blocks = Blocks(recipe, one_block(recipe), handmade(along_electronic=1e12, across_electronic=1e30), face)
    drawn = DrawnBonds(1e9 * blocks.bonds.bridges, HALF, NO_PAIRS)
    least = 2.0 * face.resistance / 3e-12
    assert 1.0 / blocks.electrons(drawn).conductance() >= least * (1.0 - 1e-9)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3])
def test_contacts_that_carry_by_hand(handmade, share, one_block):
    """Bridges and contacts are expected in proportion to the share, and carbon conducts as they do."""
    recipe = Recipe.parse("80:20:1")
    ideal = Blocks(recipe, one_block(recipe), handmade())
    blocks = Blocks(recipe, ideal.seams, ideal.library, OuterFace(None, 1.0, share))
    for found, all_of_them in (
        (blocks.bonds.bridges, ideal.bonds.bridges),
        (blocks.expected_contacts, ideal.expected_contacts),
        (blocks.across, ideal.across),
        (blocks.feet, ideal.feet),
    ):
        np.testing.assert_allclose(found, share * all_of_them, rtol=1e-9, atol=1e-300)
    np.testing.assert_array_equal(blocks.all_carry.bonds.bridges, ideal.bonds.bridges)


def test_coats_as_sheets_meet_only_through_contacts_that_carry(handmade, one_block):
    recipe = Recipe.parse("80:20:1")
    blocks = Blocks(recipe, one_block(recipe), handmade(along_electronic=1e3), OuterFace(None, 1.0, 0.5))
    ranks = np.array([0.0, 0.999])
    drawn = DrawnBonds(np.zeros(2), ranks, NO_PAIRS)
    faces = blocks.electrons(drawn).face_resistance
    assert poisson_numbers(ranks, blocks.expected_contacts).tolist() == [
        0,
        np.round(blocks.expected_contacts[1] / blocks.across[1] / faces[1]),
    ]
    assert np.isinf(faces[0])
    assert np.isfinite(faces[1])
    assert blocks.electrons(drawn).conductance() == 0.0


def test_electrons_and_utilisation_rise_with_the_share_on_one_structure(handmade):
    """One number is drawn for each face and compared: nothing that carries at a small share is gone at a larger one."""
    study = study_of("80:20:3")
    recipe = study.recipes[0]
    seams = lay_blocks(study, recipe, np.random.default_rng(3))
    conducted, reached = [], []
    for share in (0.0, 0.001, 0.003, 0.01, 0.02, 0.05, 0.2, 0.5, 0.9):
        blocks = Blocks(recipe, seams, handmade(), OuterFace(None, share, share))
        conducted.append(blocks.electronic_conductivity(blocks.draw(np.random.default_rng(4), 2)))
        reached.append(blocks.reach(np.random.default_rng(5)).electronic)
    assert conducted == sorted(conducted)
    assert reached == sorted(reached)
    assert conducted[0] < 1e-3 * conducted[-1]
    # where all contacts carry, their mean counts in place of a number drawn for each face
    ideal = Blocks(recipe, seams, handmade()).electronic_conductivity(
        blocks.draw(np.random.default_rng(4), 2), ideal=True
    )
    assert 0.9 * conducted[-1] < ideal < 1.5 * conducted[-1]
