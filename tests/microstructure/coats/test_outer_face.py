"""The outer face of a coat: flush carbon never bridges, and contacts are thinned as the law of the skin says."""

import itertools
import math

import numpy as np
import pytest
from resolved_route import resolve_carbon

from microstructure.carbon.aggregates import build_library
from microstructure.coats.outer_face import IDEAL, OuterFace, carrying_share
from microstructure.composite import build_composite
from microstructure.recipe import Recipe
from percolation.carbon_paths.bridge_rate import fit_bridge_rate
from percolation.carbon_paths.bridges import sweep_bridges
from percolation.carbon_paths.coat_case import CoatCase
from percolation.carbon_paths.network import link_carbon
from percolation.carbon_paths.outer_contacts import keep_carrying, seam_links, tickets
from percolation.utilisation.reach import measure_utilisation

RADIUS = 18.5e-9
AREAS = (1e-12, 0.25e-12)
CONTENTS = (0.03, 0.08)


@pytest.fixture(scope="module")
def library():
    return build_library(rng=np.random.default_rng(1), count=60)


def bridges(library, face=None, case="core_to_core_seam", runs=6, thickness=100e-9, **more):
    rng = np.random.default_rng(2)
    return sweep_bridges(
        library,
        thickness=thickness,
        areas=AREAS,
        windows=2,
        runs=runs,
        case=case,
        face=face,
        up_to=0.12,
        rng=rng,
        **more,
    )


@pytest.mark.parametrize("y", [0.01, 0.15, 1.0, 5.0])
def test_the_law_of_the_skin_against_a_direct_draw(y):
    rng = np.random.default_rng(3)
    skins = rng.exponential(1.0, size=(2, 400_000))
    for number, drawn in ((1, skins[0]), (2, skins.sum(axis=0))):
        share = carrying_share(1.0, tunnelling_range=y, skins=number)
        assert share == pytest.approx(np.mean(drawn < y), abs=4.0 * math.sqrt(share / drawn.size))


def test_the_law_of_the_skin_in_closed_form():
    assert carrying_share(10e-9, tunnelling_range=1.5e-9) == pytest.approx(1.0 - math.exp(-0.15) * 1.15, rel=1e-12)
    assert carrying_share(10e-9, tunnelling_range=1.5e-9, skins=1) == pytest.approx(1.0 - math.exp(-0.15), rel=1e-12)
    assert carrying_share(0.0, tunnelling_range=1.5e-9) == 1.0
    assert carrying_share(1e-9, tunnelling_range=0.0) == 0.0
    face = OuterFace.with_skin(10e-9, tunnelling_range=1.5e-9)
    assert (face.seam_share, face.wall_share) == pytest.approx((0.010186, 0.139292), abs=1e-6)


def test_tickets_are_even_and_the_same_in_either_order():
    first, second = (part.ravel() for part in np.meshgrid(np.arange(400), np.arange(400)))
    found = tickets(5, first, second)
    assert np.array_equal(found, tickets(5, second, first))
    once = found[first < second]
    assert len(np.unique(once)) == len(once)
    assert np.histogram(once, bins=10, range=(0.0, 1.0))[0] == pytest.approx(
        len(once) / 10, abs=5.0 * math.sqrt(len(once) / 10)
    )
    assert abs(np.corrcoef(once, tickets(6, first, second)[first < second])[0, 1]) < 0.02


@pytest.mark.parametrize("thickness", [40e-9, 100e-9])
def test_flush_carbon_never_bridges_a_seam(library, thickness):
    assert np.isinf(
        np.concatenate([o.ravel() for o in bridges(library, OuterFace(0.0), thickness=thickness).onsets])
    ).all()
    stands_out = bridges(library, OuterFace(2e-9), thickness=thickness).onsets
    assert np.isfinite(stands_out[0]).any()  # the control: two nanometres do


def test_in_a_coat_thinner_than_a_primary_carbon_stands_out_whatever_is_asked(library):
    flush, free = (bridges(library, face, thickness=18e-9).onsets[0] for face in (OuterFace(0.0), None))
    assert np.array_equal(flush, free)
    assert np.isfinite(flush).any()


@pytest.mark.parametrize("case", ["core_to_core_seam", "core_to_wall", "core_to_core_merged", "core_to_outside"])
def test_where_all_contacts_carry_the_bytes_are_those_of_an_ideal_face(library, case):
    ideal = bridges(library, case=case)
    for face in (IDEAL, OuterFace(RADIUS), OuterFace(None, 1.0, 1.0)):
        assert all(map(np.array_equal, bridges(library, face, case=case).onsets, ideal.onsets))


def test_no_contact_that_carries_is_no_bridge(library):
    for case, face in (("core_to_core_seam", OuterFace(None, 0.0)), ("core_to_wall", OuterFace(None, 1.0, 0.0))):
        assert np.isinf(bridges(library, face, case=case).onsets[0]).all()
    # carbon of one coat, and of two that have merged, is not thinned
    for case in ("core_to_core_merged", "core_to_outside"):
        assert np.isfinite(bridges(library, OuterFace(None, 0.0, 0.0), case=case).onsets[0]).all()


def test_onsets_rise_as_fewer_contacts_carry(library):
    onsets = [bridges(library, OuterFace(None, share)).onsets[1] for share in (1.0, 0.5, 0.2, 0.05)]
    for more, fewer in itertools.pairwise(onsets):
        assert np.all(fewer >= more)


@pytest.mark.parametrize("case", ["core_to_core_seam", "core_to_wall"])
def test_counted_contacts_tell_what_thinned_patches_show(library, case):
    counted = bridges(library, case=case, contents=CONTENTS, runs=12)
    for area, windows in zip(AREAS, counted.contacts, strict=True):
        for content, contacts in zip(CONTENTS, windows, strict=True):
            # a window without such a contact is open, and the other way round
            assert np.array_equal(contacts == 0, counted.windows(area) > content)
    for share in (0.5, 0.15):
        drawn = bridges(library, OuterFace(None, share, share), case=case, runs=12)
        for area in AREAS:
            for content in CONTENTS:
                expected = counted.open_windows(content, area, share)
                error = math.sqrt(np.sum(expected * (1.0 - expected))) + 0.5
                assert abs(np.sum(drawn.windows(area) > content) - expected.sum()) < 4.0 * error


def test_a_rate_is_proportional_to_the_share_where_few_contacts_carry(library):
    found = bridges(library, contents=CONTENTS, runs=16)
    rates = {share: fit_bridge_rate(found, 0.03, share=share).value / share for share in (0.001, 0.01, 0.3, 1.0)}
    assert rates[0.01] == pytest.approx(rates[0.001], rel=0.02)
    assert rates[1.0] < rates[0.3] < rates[0.01]  # at 1 paths are counted, not their contacts
    with pytest.raises(ValueError, match="ask for it in contents="):
        fit_bridge_rate(found, 0.05, share=0.5)


def test_counting_contacts_leaves_the_onsets_as_they_are(library):
    for plain, counted in zip(bridges(library).onsets, bridges(library, contents=CONTENTS).onsets, strict=True):
        assert np.array_equal(plain, counted)


def test_thinning_beside_a_walk_over_every_link(library):
    coat = CoatCase(library, 100e-9, 1.5e-6, "core_to_core_seam", "reorient", 0.0, 1.0)
    carbon = coat.grow(0.08, np.random.SeedSequence(4))
    network = link_carbon(carbon, box=coat.box, periodic=(False, True, True))
    face = OuterFace(None, 0.3)
    drawn, wanted = {}, []
    for later, earlier in network.links.tolist():
        pair = tuple(sorted((int(carbon.aggregate[later]), int(carbon.aggregate[earlier]))))
        carries = drawn.setdefault(pair, float(tickets(9, [pair[0]], [pair[1]])[0])) < 0.3
        if carbon.coat[later] == carbon.coat[earlier] or carries:
            wanted.append((later, earlier))
    kept = keep_carrying(network, face, seed=9)
    assert kept.links.tolist() == [list(link) for link in wanted]
    assert 0 < seam_links(kept).sum() < seam_links(network).sum()
    assert keep_carrying(network, IDEAL, seed=9) is network


@pytest.fixture(scope="module")
def cells():
    """The same small cathode with carbon that stands out by a radius, and flush."""

    def build(protrusion):
        return build_composite(
            Recipe.parse("80:20:0.5"),
            porosity=0.16,
            box=(9e-6, 7e-6, 7e-6),
            voxel_size=125e-9,
            protrusion=protrusion,
            rng=np.random.default_rng(5),
        )

    return {protrusion: build(protrusion) for protrusion in (None, 0.0)}


def test_resolved_flush_carbon_keeps_to_its_own_coat(cells):
    """It meets that of another block only where it lies on its core, in a gap too narrow for a primary to be flush."""
    bonds = {key: seam_links(resolve_carbon(cell).network).sum() for key, cell in cells.items()}
    assert bonds[0.0] < 0.5 * bonds[None]
    network, cores = resolve_carbon(cells[0.0]).network, cells[0.0].parts.cores
    steps = network.carbon.centres - cores.centres[network.carbon.coat]
    steps -= np.where(cores.periodic, cores.box * np.rint(steps / cores.box), 0.0)
    heights = np.linalg.norm(steps, axis=1) - cores.radii[network.carbon.coat]
    lowest = heights[network.links[seam_links(network)]].min(axis=1)
    assert np.all(lowest < RADIUS * (1.0 + 1e-3))
    assert len(lowest) > 0


def test_resolved_utilisation_is_todays_at_one_and_that_of_bare_contacts_at_nought(cells):
    cell = cells[None]

    def electronic(face):
        return measure_utilisation(cell, face=face, rng=np.random.default_rng(6)).electronic_cores

    assert np.array_equal(electronic(None), electronic(OuterFace(None, 1.0, 1.0)))
    bare = measure_utilisation(cell, carbon=[0.0], rng=np.random.default_rng(6)).electronic_cores
    assert np.array_equal(electronic(OuterFace(None, 0.0, 0.0)), bare)
    reached = [electronic(OuterFace(None, share, share)).mean() for share in (0.0, 0.05, 0.3, 1.0)]
    assert reached == sorted(reached)
    assert reached[0] < reached[-1]


def test_resolved_law_of_the_skin_against_a_direct_draw(cells):
    """Every contact of the cathode gets two skins, or one at a wall, and carries when they are together thin."""
    carbon = resolve_carbon(cells[None])
    network, aggregate = carbon.network, carbon.network.carbon.aggregate
    crossing = network.links[seam_links(network)]
    contacts = {tuple(sorted(pair)) for pair in aggregate[crossing].tolist()}
    face = OuterFace.with_skin(5e-9, tunnelling_range=5e-9)
    kept = resolve_carbon(cells[None], face=face, seed=8).network
    left = {tuple(sorted(pair)) for pair in aggregate[kept.links[seam_links(kept)]].tolist()}
    drawn = np.random.default_rng(9).exponential(1.0, (2, len(contacts), 50)).sum(axis=0) < 1.0
    assert len(left) == pytest.approx(drawn.sum(axis=0).mean(), abs=5.0 * math.sqrt(len(contacts) * 0.25))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: OuterFace(-1e-9), "zero or more"),
        (lambda: OuterFace(math.nan), "zero or more"),
        (lambda: OuterFace(None, 1.1), r"\[0, 1\]"),
        (lambda: OuterFace(None, 1.0, -0.1), "wall_share"),
        (lambda: carrying_share(1e-9, tunnelling_range=1e-9, skins=3), "two coats"),
        (lambda: carrying_share(-1e-9, tunnelling_range=1e-9), "mean"),
    ],
)
def test_what_is_no_face_is_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()
