"""Coats along rays: exact faces and volumes, the same coats as in voxels, and laws of images, axes and rays."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from microstructure.coats.coat_models import coat_thickness
from microstructure.coats.contact_faces import face_normals, lay_seams
from microstructure.composite import coat_composite
from microstructure.cores.facet_packing import pack_bodies
from microstructure.cores.facets import Facets
from microstructure.cores.sizes import Lognormal
from microstructure.cores.sphere_packing import Packing, pack_spheres
from microstructure.errors import RecipeError
from microstructure.recipe import Recipe
from studies.series.composition import extrapolated_ionic
from transport.networks.block_network import BlockNetwork, CoatContacts
from transport.networks.sheet import effective_sheet

DIAMETER = 3e-6
PURE = Recipe.parse("80:20:0")
EVERYWHERE = (True, True, True)
WALLED = (False, True, True)


def place(centres, box, periodic, diameter=DIAMETER):
    """Equal spheres where they are wanted."""
    diameters, box = np.full(len(centres), diameter), np.asarray(box, float)
    fraction = float(np.sum(np.pi / 6 * diameters**3) / np.prod(box))
    return Packing(np.asarray(centres, float), diameters, box, periodic, fraction, 0.0, "relax")


def wanted_matrix(recipe, packing):
    return recipe.matrix_per_core * packing.fraction * np.prod(packing.box)


def disc(height, gap):
    """Area of the plane half-way between two spheres, up to a height above them."""
    return np.pi * ((DIAMETER / 2 + height) ** 2 - (DIAMETER / 2 + gap / 2) ** 2)


@pytest.mark.parametrize("coat", ["film", "shell"])
@pytest.mark.parametrize("gap", [0.0, 0.05e-6, 0.2e-6])
def test_two_spheres_meet_in_a_disc(coat, gap):
    """On the plane half-way both are equally far: matrix reaches as high there as the film or the filled gap."""
    packing = place([[9e-6] * 3, [9e-6 + DIAMETER + gap, 9e-6, 9e-6]], [24e-6] * 3, EVERYWHERE)
    seams = lay_seams(PURE, packing, coat=coat, rays=30_000)
    height = max(seams.coats.thickness + seams.coats.roughness, seams.coats.fill_height)
    assert seams.pairs.tolist() == [[0, 1]]
    assert seams.normals[0] == pytest.approx([1.0, 0.0, 0.0])
    assert seams.areas[0] == pytest.approx(disc(height, gap), rel=0.01, abs=0.0)
    assert seams.integrate(np.ones_like)[0] == pytest.approx(seams.areas[0], rel=1e-9, abs=0.0)
    low, high = gap / 2, height
    moment = np.pi * DIAMETER / 2 * (high**2 - low**2) + 2 / 3 * np.pi * (high**3 - low**3)
    assert seams.integrate(lambda heights: heights)[0] == pytest.approx(moment, rel=0.01, abs=0.0)


def test_a_shell_that_touches_no_other_has_no_face_and_all_the_matrix():
    packing = place([[6e-6] * 3], [12e-6] * 3, EVERYWHERE)
    seams = lay_seams(PURE, packing, coat="shell")
    assert len(seams.pairs) == len(seams.areas) == 0
    assert seams.matrix[0] == pytest.approx(wanted_matrix(PURE, packing), rel=1e-9, abs=0.0)
    assert seams.thickness[0] == pytest.approx(coat_thickness(PURE, "shell", DIAMETER), rel=1e-9, abs=0.0)
    assert seams.covered[0] == 1.0


@pytest.mark.parametrize("wall", [0, 1])
def test_a_wall_is_met_in_a_disc(wall):
    gap, length = 0.1e-6, 20e-6
    at = DIAMETER / 2 + gap / 2
    packing = place([[length - at if wall else at, 10e-6, 10e-6]], [length, 20e-6, 20e-6], WALLED)
    seams = lay_seams(PURE, packing, coat="shell", rays=30_000)
    height = max(seams.coats.thickness, seams.coats.fill_height)
    assert seams.pairs.tolist() == [[0, 1 + wall]]
    assert seams.walls.tolist() == seams.parting.tolist() == [True]
    assert seams.normals[0] == pytest.approx([1.0 if wall else -1.0, 0.0, 0.0])
    assert seams.areas[0] == pytest.approx(disc(height, gap), rel=0.01, abs=0.0)


def cubic(recipe, slack, periodic):
    """Three spheres a side of a cubic lattice in cells that have as much room as the matrix wants, over the slack."""
    edge = DIAMETER * np.cbrt(np.pi / 6 * (1 + recipe.matrix_per_core) / slack)
    centres = [(np.array(index) + 0.5) * edge for index in product(range(3), repeat=3)]
    return edge, place(centres, [3 * edge] * 3, periodic)


@pytest.mark.parametrize("periodic", [EVERYWHERE, WALLED])
def test_matrix_that_fills_a_cubic_lattice_meets_in_whole_squares(periodic):
    recipe = Recipe.parse("60:40:0")
    edge, packing = cubic(recipe, 1.01, periodic)  # the cells hold a little less than the recipe has
    seams = lay_seams(recipe, packing, rays=10_000)
    np.testing.assert_allclose(seams.areas, edge**2, rtol=5e-3)
    assert seams.areas.mean() == pytest.approx(edge**2, rel=5e-4, abs=0.0)
    assert len(seams.pairs) == (81 if all(periodic) else 54 + 2 * 9 + 2 * 9)
    assert seams.walls.sum() == (0 if all(periodic) else 18)
    assert seams.matrix.sum() == pytest.approx(np.prod(packing.box) * (1 - packing.fraction), rel=1e-3, abs=0.0)


def test_more_rays_converge():
    recipe = Recipe.parse("60:40:0")
    edge, packing = cubic(recipe, 1.01, EVERYWHERE)
    errors = [np.abs(lay_seams(recipe, packing, rays=rays).areas / edge**2 - 1).mean() for rays in (100, 1000, 10_000)]
    assert errors[0] > 4 * errors[1] > 16 * errors[2]


def test_too_dense_and_too_loose_packings_are_refused():
    recipe = Recipe.parse("60:40:0")
    with pytest.raises(RecipeError, match="less densely"):
        lay_seams(recipe, cubic(recipe, 1.1, EVERYWHERE)[1])
    with pytest.raises(RecipeError, match="more densely"):
        lay_seams(PURE, place([[10e-6] * 3], [20e-6] * 3, EVERYWHERE))


def packed(seed, *, fraction=0.57, box=(12e-6, 9e-6, 9e-6), periodic=WALLED, recipe=PURE):
    sizes = Lognormal(3.3e-6, 0.3, weighting="volume")
    rng, clearance = np.random.default_rng(seed), coat_thickness(recipe, "film")
    return pack_spheres(sizes, fraction=fraction, box=box, periodic=periodic, clearance=clearance, rng=rng)


@pytest.mark.parametrize(("text", "fraction"), [("80:20:0", 0.57), ("80:20:3", 0.53), ("95:5:0.5", 0.6)])
@pytest.mark.parametrize("coat", ["film", "shell"])
def test_the_matrix_has_the_recipes_volume(text, fraction, coat):
    recipe = Recipe.parse(text)
    for seed, periodic in enumerate((WALLED, EVERYWHERE)):
        packing = packed(seed, fraction=fraction, periodic=periodic, recipe=recipe)
        seams = lay_seams(recipe, packing, coat=coat)
        assert seams.matrix.sum() == pytest.approx(wanted_matrix(recipe, packing), rel=5e-3, abs=0.0)
        pores = 1 - packing.fraction - seams.matrix.sum() / seams.volume
        assert seams.pores_between == pytest.approx(pores, abs=2e-3)


def test_means_over_a_coat_weigh_the_surface():
    """A coat's volume over a sphere's surface: height, and what the curvature adds."""
    packing = packed(7)
    seams = lay_seams(PURE, packing)
    np.testing.assert_allclose(seams.mean_over_coat(np.ones_like), 1.0)
    one, two, three = (seams.mean_over_coat(lambda height, power=power: height**power) for power in (1, 2, 3))
    above = one + two / packing.radii + three / (3 * packing.radii**2)
    np.testing.assert_allclose(above * packing.shapes.areas, seams.matrix, rtol=1e-9)
    np.testing.assert_allclose(seams.mean_over_coat(lambda height: height > 0.0), seams.covered)


def test_faces_agree_with_voxels_ever_finer(coat_contacts):
    """Voxels lose the rims of faces: 6 % of their area at 100 nm, half as much at 50 nm, nothing at none."""
    packing = packed(1, box=(9e-6, 8e-6, 8e-6))
    seams = lay_seams(PURE, packing)
    cells = [coat_composite(PURE, packing, voxel_size=size, library=None, rng=None) for size in (100e-9, 50e-9)]
    coarse, fine = (coat_contacts(cell) for cell in cells)
    assert coarse.areas.sum() == pytest.approx(seams.areas.sum(), rel=0.15, abs=0.0)
    assert 2 * fine.areas.sum() - coarse.areas.sum() == pytest.approx(seams.areas.sum(), rel=0.03, abs=0.0)
    common, mine, theirs = np.intersect1d(
        seams.pairs @ [packing.count + 2, 1], fine.pairs @ [packing.count + 2, 1], return_indices=True
    )
    assert len(common) > 0.95 * len(fine.pairs)
    large = fine.areas[theirs] > np.median(fine.areas)
    np.testing.assert_allclose(seams.areas[mine][large], fine.areas[theirs][large], rtol=0.35)
    np.testing.assert_array_equal(seams.parting[mine], fine.parting[theirs])


@pytest.mark.parametrize("seed", range(3))
def test_coats_agree_with_voxels(seed, coat_contacts):
    packing = packed(seed)
    seams, cell = lay_seams(PURE, packing), coat_composite(PURE, packing, voxel_size=1e-7, library=None, rng=None)
    voxels = coat_contacts(cell)
    assert seams.thickness.mean() == pytest.approx(voxels.thickness.mean(), rel=0.02, abs=0.0)
    np.testing.assert_allclose(seams.thickness, voxels.thickness, rtol=0.1)
    assert seams.coats.fill_height == pytest.approx(cell.coats.fill_height, rel=0.02, abs=0.0)
    for share in ("film_share", "roughness_share", "recess_share", "interstice_share"):
        assert getattr(seams.coats, share) == pytest.approx(getattr(cell.coats, share), abs=0.01)
    common = np.intersect1d(seams.pairs @ [packing.count + 2, 1], voxels.pairs @ [packing.count + 2, 1])
    assert len(common) > 0.95 * len(voxels.pairs)


@pytest.mark.slow
@pytest.mark.parametrize(("fraction", "within"), [(0.62, 0.06), (0.5, 0.2)])
def test_ions_of_coats_as_sheets_agree_with_a_voxel_solve(fraction, within):
    """Each coat an effective medium of its heights, no constant fitted; worse in loose packings, made of necks."""
    for seed in range(3):
        packing = packed(seed, fraction=fraction)
        seams, cell = lay_seams(PURE, packing), coat_composite(PURE, packing, voxel_size=1e-7, library=None, rng=None)
        contacts = CoatContacts(seams.pairs, seams.areas, seams.normals, seams.thickness, packing.radii)
        network = BlockNetwork.of_coats(contacts, effective_sheet(seams.heights, seams.shares) / seams.thickness)
        length, width, depth = cell.box
        found = network.conductance() * length / (width * depth)
        assert found == pytest.approx(extrapolated_ionic(cell, 1.0), rel=within)


def test_a_packing_moved_over_its_periodic_faces_keeps_its_seams():
    packing = packed(4, periodic=EVERYWHERE)
    moved = replace(packing, centres=(packing.centres + np.array([3.1e-6, 4.2e-6, 5.3e-6])) % packing.box)
    before, after = lay_seams(PURE, packing), lay_seams(PURE, moved)
    np.testing.assert_array_equal(before.pairs, after.pairs)
    np.testing.assert_allclose(before.areas, after.areas, rtol=1e-6)
    np.testing.assert_allclose(before.normals, after.normals, atol=1e-9)
    np.testing.assert_allclose(before.matrix, after.matrix, rtol=1e-6)
    assert before.coats.fill_height == pytest.approx(after.coats.fill_height, rel=1e-9, abs=0.0)


@pytest.mark.parametrize("axes", [(1, 2, 0), (2, 1, 0)])
def test_seams_turn_with_the_axes(axes):
    """The rays do not turn with them, so faces agree as far as many rays see them."""
    packing = packed(5, box=(9e-6, 8e-6, 7e-6), periodic=EVERYWHERE)
    turned = replace(packing, centres=packing.centres[:, axes].copy(order="C"), box=packing.box[list(axes)])
    one, two = (lay_seams(PURE, each, rays=3000) for each in (packing, turned))
    assert one.areas.sum() == pytest.approx(two.areas.sum(), rel=5e-3, abs=0.0)
    np.testing.assert_allclose(one.matrix, two.matrix, rtol=5e-3)
    large = one.areas > 0.1 * one.areas.mean()
    codes = one.pairs @ [packing.count + 2, 1], two.pairs @ [packing.count + 2, 1]
    place_in_two = np.searchsorted(codes[1], codes[0][large])
    np.testing.assert_array_equal(codes[1][place_in_two], codes[0][large])
    np.testing.assert_allclose(one.areas[large], two.areas[place_in_two], rtol=0.05)
    np.testing.assert_allclose(one.normals[large][:, axes], two.normals[place_in_two], atol=1e-9)


def test_normals_lead_to_the_nearest_image_or_the_wall():
    packing = place([[2e-6, 1e-6, 5e-6], [2e-6, 9.5e-6, 5e-6]], [10e-6] * 3, WALLED)
    normals = face_normals(packing, np.array([[0, 1], [0, 2], [1, 3]]))
    np.testing.assert_allclose(normals, [[0, -1, 0], [-1, 0, 0], [1, 0, 0]], atol=1e-12)


def test_faceted_cores_keep_the_volume_and_meet():
    rng = np.random.default_rng(2)
    sizes = Lognormal(3.3e-6, 0.3, weighting="volume")
    packing = pack_bodies(Facets(aspect_ratio=1.3, sharpness=0.8), sizes, fraction=0.5, count=25, rng=rng)
    seams = lay_seams(PURE, packing)
    assert seams.matrix.sum() == pytest.approx(wanted_matrix(PURE, packing), rel=0.05, abs=0.0)
    assert np.all(seams.areas > 0.0)
    assert len(seams.pairs) > 2 * packing.count
    np.testing.assert_allclose(np.linalg.norm(seams.normals, axis=1), 1.0)
    assert np.all((seams.covered > 0.9) & (seams.covered <= 1.0 + 1e-12))


def test_cores_of_one_block_do_not_part():
    packing = packed(6)
    joined = replace(packing, block=(np.arange(packing.count) // 2).astype(np.int32))
    seams = lay_seams(PURE, joined)
    inside = (seams.pairs[:, 0] // 2 == seams.pairs[:, 1] // 2) & ~seams.walls
    np.testing.assert_array_equal(seams.parting, ~inside)
