"""Coats on packed cores: exact volumes, region borders half-way, no carbon in a core."""

import numpy as np
import pytest

from microstructure.carbon.aggregates import build_library
from microstructure.coats._coating import (
    COLLECTOR,
    SEPARATOR,
    border_above,
    ceiling_above,
    foot_on,
    half_gap_at,
    level_before,
    next_above,
)
from microstructure.coats.coat_models import coat_thickness
from microstructure.coats.coating import neighbourhood
from microstructure.coats.unevenness import even_film
from microstructure.composite import build_composite
from microstructure.cores.facet_packing import pack_bodies
from microstructure.cores.facets import Facets
from microstructure.cores.sphere_packing import pack_spheres
from microstructure.errors import RecipeError
from microstructure.files import read_image, save_structure, write_image
from microstructure.materials import Materials
from microstructure.patch import bulk_patch, coating_patch
from microstructure.recipe import Recipe
from microstructure.structure import Phase

BOX = (9e-6, 7e-6, 7e-6)


@pytest.fixture(scope="module")
def library():
    return build_library(rng=np.random.default_rng(1), count=60)


@pytest.fixture(scope="module", params=["80:20:0.5", "80:20:3"])
def cell(request, library):
    recipe = Recipe.parse(request.param)
    return build_composite(
        recipe, porosity=0.25, box=BOX, voxel_size=125e-9, library=library, rng=np.random.default_rng(3)
    )


def test_every_phase_has_the_recipes_volume(cell):
    recipe, voxel = cell.recipe, 1.0 / cell.labels.size
    core = recipe.volume_fractions.cam * 0.75
    assert cell.fraction(Phase.CORE) == pytest.approx(core, abs=1.5 * voxel)
    assert cell.fraction(Phase.MATRIX) == pytest.approx(core * recipe.matrix_per_core, abs=2 * voxel)
    wanted = cell.volume * 0.75 * recipe.volume_fractions.cb
    assert cell.carbon.volume == pytest.approx(wanted, abs=3e-23, rel=2e-4)


def test_shares_of_the_matrix_add_up(cell):
    coats = cell.coats
    assert coats.film_share + coats.roughness_share + coats.recess_share + coats.interstice_share == pytest.approx(1.0)
    assert coats.film_share > 0.3
    assert coats.fill_height > 0.5 * coats.thickness


def distances(cell, points):
    """Signed distance to every core surface, slowly: shape (points, cores)."""
    box = np.asarray(cell.box)
    vectors = points[:, None] - cell.cores.centres
    vectors -= np.where(cell.periodic, box * np.rint(vectors / box), 0.0)
    return np.linalg.norm(vectors, axis=2) - 0.5 * cell.cores.diameters


def test_no_primary_reaches_into_a_core_and_each_keeps_to_its_coat(cell):
    rows = np.random.default_rng(0).choice(cell.carbon.count, 3000)
    found = distances(cell, cell.carbon.centres[rows])
    assert found.min() >= 0.5 * cell.carbon.diameter - 1e-12
    owners = cell.carbon.coat[rows]
    own = found[np.arange(len(rows)), owners]
    np.testing.assert_allclose(own, found.min(axis=1), atol=1e-12)


@pytest.mark.parametrize("text", ["99:1:0.2", "98:2:0.3", "95:5:0.8"])
def test_in_coats_thinner_than_a_primary_carbon_stays_out_of_the_cores(library, text):
    with pytest.warns(UserWarning, match="larger than the coat"):
        thin = build_composite(
            Recipe.parse(text), porosity=0.42, box=BOX, voxel_size=250e-9, library=library, rng=np.random.default_rng(3)
        )
    found = distances(thin, thin.carbon.centres[:: max(1, thin.carbon.count // 3000)])
    assert found.min() >= 0.5 * thin.carbon.diameter - 1e-12
    wanted = thin.volume * 0.58 * thin.recipe.volume_fractions.cb
    assert thin.carbon.volume == pytest.approx(wanted, abs=3e-23)


def test_patch_voxels_must_divide_it_and_warn_where_they_hide_primaries(library):
    with pytest.raises(ValueError, match=r"18\.75 nm"):
        coating_patch(150e-9, 2e-6, 0.03, 20e-9, library=library, rng=np.random.default_rng(1))
    with pytest.warns(UserWarning, match="larger than a primary"):
        coating_patch(150e-9, 2.1e-6, 0.03, 50e-9, library=library, rng=np.random.default_rng(1))


def test_a_voxel_that_shows_no_core_is_refused():
    with pytest.raises(ValueError, match="does not show a core"):
        build_composite(Recipe.parse("80:20:0"), porosity=0.2, box=BOX, voxel_size=1e-6, rng=np.random.default_rng(1))


def test_no_primary_reaches_through_a_wall(cell):
    x = cell.carbon.centres[:, 0]
    radius = 0.5 * cell.carbon.diameter
    inside = (x >= 0) & (x <= cell.box[0])
    assert inside.mean() > 0.999
    assert np.mean((x >= radius * 0.99) & (x <= cell.box[0] - radius * 0.99)) > 0.99


def test_owner_is_the_nearest_core(cell):
    rng = np.random.default_rng(1)
    index = np.array([rng.integers(0, n, 2000) for n in cell.labels.shape]).T
    found = distances(cell, (index + 0.5) * cell.voxel_size)
    owner = cell.blocks[tuple(index.T)]
    np.testing.assert_array_equal(owner, found.argmin(axis=1))


def test_rays_end_half_way_between_two_surfaces(cell):
    packing = cell.cores
    near = neighbourhood(packing, 6e-6)
    radii, rng = 0.5 * packing.diameters, np.random.default_rng(2)
    for core in range(0, len(radii), 5):
        direction = rng.standard_normal(3)
        direction /= np.linalg.norm(direction)
        height, beyond = next_above(near, core, *(radii[core] * direction), *direction)
        assert border_above(near, core, *(radii[core] * direction), *direction) == height
        end = packing.centres[core] + (radii[core] + height) * direction
        found = distances(cell, end[None] % [np.inf, *BOX[1:]])[0]
        order = np.argsort(found)
        if min(abs(end[0]), abs(end[0] - cell.box[0])) < 1e-12:  # a wall
            assert found[order[0]] == pytest.approx(height, abs=1e-12)
            assert beyond == (SEPARATOR if direction[0] < 0.0 else COLLECTOR)
        else:
            np.testing.assert_allclose(found[order[:2]], height, atol=1e-12)
            assert {core, int(near.neighbours[beyond])} == set(order[:2].tolist())


def test_film_is_thicker_by_the_pores_inside_the_matrix():
    for least, solid in (("5 %", 0.95), ("95 %", 0.7), ("0 %", 1.0)):  # 30 % in a pellet of it
        recipe = Recipe.parse("80:20:3", Materials.load({"matrix": {"least_porosity": least}}))
        assert coat_thickness(recipe, "film") == pytest.approx(recipe.film_thickness() / solid)
    with pytest.raises(ValueError, match="'film'"):
        coat_thickness(recipe, "flim")


def test_shell_takes_the_whole_recipe():
    recipe = Recipe.parse("80:20:3")
    outer = 1.65e-6 + coat_thickness(recipe, "shell")
    assert (outer / 1.65e-6) ** 3 - 1 == pytest.approx(recipe.matrix_per_core)


def test_a_surface_smaller_than_a_smooth_one_is_refused():
    recipe = Recipe.parse("80:20:3", Materials.load({"cam": {"specific_surface": "0.3 m2/g"}}))
    with pytest.raises(RecipeError, match="smooth spheres"):
        coat_thickness(recipe, "film")


def test_same_seed_same_structure(library):
    def build(seed):
        return build_composite(
            Recipe.parse("80:20:0.2"),
            porosity=0.3,
            box=(9e-6,) * 3,
            voxel_size=125e-9,
            library=library,
            rng=np.random.default_rng(seed),
        )

    one, same, other = build(4), build(4), build(5)
    assert one.labels.tobytes() == same.labels.tobytes()
    assert one.carbon.centres.tobytes() == same.carbon.centres.tobytes()
    assert one.labels.tobytes() != other.labels.tobytes()


@pytest.mark.parametrize("porosity", [0.0, 1.0, 0.015, float("nan")])
def test_porosity_that_cannot_be(porosity):
    with pytest.raises(RecipeError):
        build_composite(
            Recipe.parse("80:20:3"), porosity=porosity, box=BOX, voxel_size=2e-7, rng=np.random.default_rng(1)
        )


def test_patch_has_its_exact_shares(library):
    patch = coating_patch(150e-9, 2e-6, 0.1, 10e-9, library=library, rng=np.random.default_rng(1))
    porosity = Materials.load().coat_porosity(0.1 / 0.9 * 1.96 / 2.59)
    voxel = 1.0 / patch.labels.size
    assert patch.fraction(Phase.CARBON) == pytest.approx(0.1 * (1 - porosity), abs=2e-4)
    assert patch.fraction(Phase.PORE) == pytest.approx(porosity, abs=voxel)
    assert patch.labels.shape == (15, 200, 200)
    assert patch.phases == {0: Phase.PORE, 3: Phase.ELECTROLYTE, 4: Phase.CARBON}


def test_patch_voxels_of_carbon_lie_on_primaries(library):
    cube = bulk_patch(1e-6, 0.05, 20e-9, library=library, rng=np.random.default_rng(1))
    index = np.argwhere(cube.labels == Phase.CARBON)[::37]
    vectors = (index[:, None] + 0.5) * 20e-9 - cube.carbon.centres
    vectors -= 1e-6 * np.rint(vectors / 1e-6)
    # the union is corrected to the recipe's volume: a voxel may lie a little outside
    assert np.linalg.norm(vectors, axis=2).min(axis=1).max() < 18.5e-9 + 10e-9


def test_a_narrow_patch_warns(library):
    with pytest.warns(UserWarning, match="eight aggregate"):
        coating_patch(150e-9, 1e-6, 0.03, 25e-9, library=library, rng=np.random.default_rng(1))


@pytest.mark.parametrize("bad", [{"thickness": -1.0}, {"width": float("nan")}, {"voxel_size": 0.0}])
def test_patch_lengths_are_positive(bad, library):
    good = {"thickness": 150e-9, "width": 2e-6, "carbon_volume_fraction": 0.03, "voxel_size": 25e-9}
    with pytest.raises(ValueError, match="positive length"):
        coating_patch(**(good | bad), library=library, rng=np.random.default_rng(1))


def test_images_return_from_disk(tmp_path, cell):
    for suffix in (".tif", ".npy"):
        write_image(cell.labels, tmp_path / f"cell{suffix}")
        np.testing.assert_array_equal(read_image(tmp_path / f"cell{suffix}"), cell.labels)
    np.testing.assert_array_equal(
        read_image(tmp_path / "cell.tif", labels={0: 7, 1: 8, 2: 9}), cell.labels + np.uint8(7)
    )


def test_a_file_that_is_no_image_is_refused(tmp_path):
    (tmp_path / "text.tif").write_text("not an image")
    with pytest.raises(ValueError, match="not an image"):
        read_image(tmp_path / "text.tif")
    np.save(tmp_path / "flat.npy", np.zeros((3, 3), np.uint8))
    with pytest.raises(ValueError, match="three-dimensional"):
        read_image(tmp_path / "flat.npy")
    with pytest.raises(ValueError, match=r"\.tif"):
        write_image(np.zeros((2, 2, 2), np.uint8), tmp_path / "image.jpg")
    np.save(tmp_path / "values.npy", np.full((3, 3, 3), 300))
    with pytest.raises(ValueError, match="300"):
        read_image(tmp_path / "values.npy")


def test_a_structure_is_written_whole_or_not_at_all(tmp_path, cell, monkeypatch):
    import h5py

    save_structure(cell, tmp_path / "cell.h5", carbon=True)
    with h5py.File(tmp_path / "cell.h5") as file:
        np.testing.assert_array_equal(file["labels"], cell.labels)
        assert file.attrs["primaries"] == cell.carbon.count
    monkeypatch.setattr(h5py.File, "create_group", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_structure(cell, tmp_path / "broken.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["cell.h5"]


def test_gaps_are_filled_as_far_as_two_surfaces_are_near_on_average(cell):
    """Along every ray the filled height is where the distances to this core and the next add up to twice the level."""
    near, film = neighbourhood(cell.cores, 6e-6), cell.coats.film
    radii, rng, filled = cell.cores.radii, np.random.default_rng(6), 0
    mirrors = []
    for wall in (0.0, cell.box[0]):
        mirrors.append(cell.cores.centres * [-1.0, 1.0, 1.0] + [2.0 * wall, 0.0, 0.0])
    for core in range(0, len(radii), 4):
        for direction in rng.standard_normal((10, 3)):
            ray = direction / np.linalg.norm(direction)
            surface = radii[core] * ray
            border = border_above(near, core, *surface, *ray)
            found = ceiling_above(near, film, core, *surface, *ray, border)
            heights = np.linspace(0.0, min(border, 1.5 * film.level), 400)
            points = cell.cores.centres[core] + (radii[core] + heights[:, None]) * ray
            others = np.delete(distances(cell, points), core, axis=1).min(axis=1)
            own = [np.linalg.norm(points - mirror[core], axis=1) - radii[core] for mirror in mirrors]
            total = heights + np.minimum(others, np.min(own, axis=0))
            below = np.flatnonzero(total < 2.0 * film.level)
            slow = max(heights[below[-1]] if len(below) else 0.0, min(film.thickness + film.roughness, border))
            assert found == pytest.approx(slow, abs=2.0 * heights[1])
            filled += slow > film.thickness + film.roughness
    assert filled > 20


@pytest.fixture(scope="module", params=["spheres", "bodies"])
def mixed(request):
    """Cores of very different sizes between two walls, loose enough for some gaps to be wide."""
    sizes, rng = 2e-6 * np.exp(0.5 * np.random.default_rng(1).standard_normal(30)), np.random.default_rng(2)
    if request.param == "spheres":
        return pack_spheres(sizes, fraction=0.4, rng=rng)
    return pack_bodies(Facets(aspect_ratio=1.4, sharpness=0.8), sizes, fraction=0.4, rng=rng)


def rays(packing, count, seed):
    """Some cores, points on their surfaces, and the normals there."""
    rng = np.random.default_rng(seed)
    directions = rng.standard_normal((count, 3))
    surface = packing.shapes.surface(directions / np.linalg.norm(directions, axis=1, keepdims=True))
    cores, rows = rng.integers(packing.count, size=count), np.arange(count)
    return zip(cores.tolist(), surface.points[cores, rows], surface.normals[cores, rows], strict=True)


def heights_above(near, core, point):
    """Height of a point above each neighbour of a core, one by one: none is left out."""
    entries = range(near.start[core], near.start[core + 1])
    return np.array([foot_on(near, near.neighbours[n], *(point - near.vectors[n]))[0] for n in entries])


def mirrors(near, core, point):
    """A point as the core's images in the two walls see it."""
    ends = [2.0 * (wall - near.centres[core, 0]) - point[0] for wall in (0.0, near.wall)]
    return [np.array([x, point[1], point[2]]) for x in ends]


def test_no_neighbour_is_left_out_of_a_border(mixed):
    """Up to the border no other core is nearer; on it lies the one said to be beyond, or the wall."""
    near, beyonds = neighbourhood(mixed, 4e-6), set()
    for core, point, normal in rays(mixed, 200, 3):
        height, beyond = next_above(near, core, *point, *normal)
        if height == np.inf:
            continue
        others = heights_above(near, core, point + height * normal)
        assert others.min(initial=np.inf) > height - 1e-11
        if beyond >= 0:
            assert others[beyond - near.start[core]] == pytest.approx(height, abs=1e-11)
        else:
            end = mixed.centres[core, 0] + point[0] + height * normal[0]
            assert end == pytest.approx(0.0 if beyond == SEPARATOR else near.wall, abs=1e-12)
        beyonds.add(min(beyond, 0))
    assert beyonds >= {0, SEPARATOR, COLLECTOR}


def test_no_neighbour_is_left_out_of_a_half_gap(mixed):
    near, rng = neighbourhood(mixed, 4e-6), np.random.default_rng(4)
    for core, point, normal in rays(mixed, 300, 4):
        height = rng.uniform(0.0, 1.5e-6)
        place = point + height * normal
        own = [foot_on(near, core, *mirror)[0] for mirror in mirrors(near, core, place)]
        second = min(heights_above(near, core, place).min(initial=np.inf), *own)
        found = half_gap_at(near, core, *place, foot_on(near, core, *place)[0])
        assert found == pytest.approx(0.5 * (foot_on(near, core, *place)[0] + second), abs=1e-12)


def bisected_level(near, other, vector, normal, level):
    """As `level_before`: the sum of the two distances along the normal never falls."""
    low, high = 0.0, 2.0 * level
    if foot_on(near, other, *-vector)[0] >= high:
        return 0.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        below = foot_on(near, other, *(middle * normal - vector))[0] + middle < 2.0 * level
        low, high = (middle, high) if below else (low, middle)
    return low


def test_levels_before_a_core_are_those_of_a_bisection(mixed):
    near, between = neighbourhood(mixed, 4e-6), 0
    for level in (0.1e-6, 0.4e-6, 1.2e-6):
        for core, point, normal in rays(mixed, 60, 6):
            for n in range(near.start[core], near.start[core + 1]):
                vector, other = near.vectors[n] - point, near.neighbours[n]
                expected = bisected_level(near, other, vector, normal, level)
                found = min(level_before(near, other, *vector, *normal, level), 2.0 * level)
                assert found == pytest.approx(expected, abs=1e-6 * level)
                between += 0.0 < expected < 1.99 * level
    assert between > 30


def test_no_neighbour_is_left_out_of_a_ceiling(mixed):
    """The film, or the highest of the levels before every single neighbour and both mirrors."""
    near, filled, thickness = neighbourhood(mixed, 4e-6), 0, 0.05e-6
    for level in (0.1e-6, 0.4e-6, 1.2e-6):
        film = even_film(thickness, 0.0, level, 0.0)
        for core, point, normal in rays(mixed, 150, 5):
            heights = [thickness]
            for n in range(near.start[core], near.start[core + 1]):
                vector = near.vectors[n] - point
                heights.append(level_before(near, near.neighbours[n], *vector, *normal, level))
            for mirror in mirrors(near, core, point):
                heights.append(level_before(near, core, *-mirror, -normal[0], *normal[1:], level))
            found = ceiling_above(near, film, core, *point, *normal, np.inf)
            assert found == pytest.approx(max(heights), abs=1e-13)
            filled += found > thickness
    assert filled > 50
