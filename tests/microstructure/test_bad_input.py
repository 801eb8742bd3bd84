"""Bad input at every front door of the structure generator: a typed error at once, which names what was wrong."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from microstructure import (
    Clusters,
    Equal,
    Facets,
    Lognormal,
    Materials,
    Recipe,
    Structure,
    Table,
    Unevenness,
    build_composite,
    build_library,
    building_block,
    bulk_patch,
    coating_patch,
    find_contacts,
    jam_spheres,
    load_structure,
    pack_bodies,
    pack_spheres,
    read_image,
    read_provenance,
    read_voxel_size,
    save_structure,
    voxelise,
    write_image,
)
from microstructure.carbon.dispersion import Dispersion
from microstructure.errors import PercoatError, RecipeError
from microstructure.images.coat_thickness import coat_statistics, measure_coats
from microstructure.images.descriptors import phase_fractions, two_point_correlation
from microstructure.images.porosity import measure_porosity
from microstructure.images.sem import sem_section
from microstructure.images.xps import xps_coverage

NAN, INF = math.nan, math.inf
RECIPE, MATERIALS = Recipe.parse("80:20:0"), Materials.load()
BOX = (6e-6, 6e-6, 6e-6)
NO_GENERATOR = (None, 1, np.random.RandomState(1), np.random)
NO_LENGTH = ((None, TypeError), ("5 um", TypeError), (True, TypeError), ([1e-7], TypeError), (1j, TypeError))
NO_LENGTH += ((0, ValueError), (-1e-7, ValueError), (NAN, ValueError), (INF, ValueError))
NO_NAME = ((None, TypeError), (1, TypeError), (["film"], TypeError), ("flim", ValueError))
OWN = (TypeError, ValueError, PercoatError)


def rng():
    return np.random.default_rng(1)


def composite(recipe=RECIPE, **changes):
    arguments = {"porosity": 0.35, "box": BOX, "voxel_size": 125e-9, "rng": rng()} | changes
    return build_composite(recipe, **arguments)


def block(recipe=RECIPE, **changes):
    return building_block(recipe, **({"diameter": 2e-6, "voxel_size": 100e-9, "rng": rng()} | changes))


def patch(**changes):
    arguments = {"thickness": 150e-9, "width": 2.4e-6, "carbon_volume_fraction": 0.0, "voxel_size": 30e-9}
    return coating_patch(**(arguments | {"rng": rng()} | changes))


def cube(**changes):
    return bulk_patch(**({"edge": 1e-6, "carbon_volume_fraction": 0.0, "voxel_size": 25e-9, "rng": rng()} | changes))


def spheres(sizes=None, **changes):
    arguments = {"fraction": 0.3, "count": 5, "rng": rng()} | changes
    return pack_spheres(Equal(1e-6) if sizes is None else sizes, **arguments)


def jammed(**changes):
    return jam_spheres(**({"sizes": Equal(1e-6), "count": 5, "rng": rng()} | changes))


def crystals(**changes):
    return pack_bodies(**({"shape": Facets(), "sizes": [1e-6] * 3, "fraction": 0.2, "rng": rng()} | changes))


def library(**changes):
    return build_library(**({"count": 2, "rng": rng()} | changes))


@pytest.fixture(scope="module")
def cell():
    return composite()


@pytest.fixture(scope="module")
def ball():
    labels = np.zeros((6, 6, 6), np.uint8)
    labels[2:4, 2:4, 2:4] = 1
    return Structure(labels, 1e-7, (False, True, True), (6e-7,) * 3)


def refused(door, error, **arguments):
    """The error is ours: it names the argument, or says what to do, and is no slip of numpy or numba."""
    with pytest.raises(error) as caught:
        door(**arguments)
    assert isinstance(caught.value, OWN)
    slips = (
        r"ambiguous|unhashable|not iterable|not supported between|positional arg|must be real|nopython|broadcast|Max"
    )
    assert not re.search(slips, str(caught.value))
    assert len(str(caught.value)) > 20


@pytest.mark.parametrize("door", [composite, block, patch, cube, spheres, jammed, crystals, library])
def test_a_seed_is_no_generator(door):
    for wrong in NO_GENERATOR:
        with pytest.raises(TypeError, match=r"default_rng\(seed\)"):
            door(rng=wrong)


@pytest.mark.parametrize(
    ("door", "name"),
    [
        (composite, "voxel_size"),
        (block, "voxel_size"),
        (block, "diameter"),
        (patch, "thickness"),
        (patch, "width"),
        (patch, "voxel_size"),
        (cube, "edge"),
        (cube, "voxel_size"),
        (Equal, "diameter"),
        (library, "diameter"),
        (library, "primary_diameter"),
        (Unevenness, "correlation_length"),
        (Dispersion, "agglomerate_size"),
    ],
)
def test_lengths(door, name):
    for wrong, error in NO_LENGTH:
        if name != "diameter" or wrong is not None or door is not block:  # the block's own default
            refused(door, error, **{name: wrong})


@pytest.mark.parametrize(
    ("box", "error", "words"),
    [
        (BOX[:2], ValueError, "three lengths"),
        (BOX * 2, ValueError, "three lengths"),
        ((), ValueError, "three lengths"),
        (None, TypeError, "three lengths"),
        (6e-6, TypeError, "three lengths"),
        ("666", TypeError, "three lengths"),
        (dict.fromkeys("xyz", 6e-6), TypeError, "three lengths"),
        ((6e-6, 6e-6, NAN), ValueError, r"box\[2\]"),
        ((6e-6, INF, 6e-6), ValueError, r"box\[1\]"),
        ((-6e-6, 6e-6, 6e-6), ValueError, r"box\[0\]"),
        ((0, 6e-6, 6e-6), ValueError, r"box\[0\]"),
        ((6e-6, "6 um", 6e-6), TypeError, r"box\[1\]"),
        ((1e-6,) * 3, ValueError, "check the units"),  # smaller than a core
        ((1e-8,) * 3, ValueError, "larger than the box"),  # smaller than a voxel
        ((6.0,) * 3, ValueError, "check the units"),  # micrometres taken for metres
    ],
)
def test_boxes(box, error, words):
    with pytest.raises(error, match=words):
        composite(box=box)
    if words == "three lengths":
        refused(spheres, OWN, box=box, count=None)


@pytest.mark.parametrize("door", [spheres, jammed, crystals])
def test_packings(door):
    for periodic in (None, True, "xyz", (True, True), (True,) * 4, (1, 0, 1), {}):
        refused(door, (TypeError, ValueError), periodic=periodic)
    for aspect in ((1, 1), (1, 1, NAN), (1, 0, 1), "abc", None, (1, 1, -1)):
        refused(door, (TypeError, ValueError), aspect=aspect)
    for sizes in ("abc", True, Equal, [NAN], [-1e-6], [0.0], [[1e-6]], ["a"], [], {}):
        refused(door, (TypeError, ValueError), sizes=sizes)


def test_packings_that_no_memory_holds():
    refused(spheres, ValueError, count=10**30)
    refused(jammed, ValueError, count=10**9)
    for clearance in (1e-3, 2.5, 1e30):  # metres; the coats would reach every sphere's images many times over
        refused(spheres, ValueError, clearance=clearance)
        refused(crystals, ValueError, clearance=clearance)
        refused(find_contacts, ValueError, packing=spheres(), gap=clearance)
    refused(library, ValueError, count=10**30)
    refused(block, ValueError, cores=10**30)


@pytest.mark.parametrize("door", [patch, cube, composite, block])
def test_images_that_no_memory_holds(door):
    refused(door, ValueError, voxel_size=1e-12)
    refused(door, ValueError, voxel_size=1e-30)


@pytest.mark.parametrize(("name", "size"), [("thickness", 3.0), ("width", 3.0)])
def test_patches_in_metres(name, size):
    with pytest.raises(ValueError, match="check the units"):
        patch(**{name: size})


@pytest.mark.parametrize(
    ("door", "name"), [(composite, "coat"), (composite, "fit"), (block, "coat"), (block, "fit"), (patch, "fit")]
)
def test_unknown_names(door, name):
    for wrong, error in NO_NAME:
        refused(door, error, **{name: wrong}, **({"carbon_volume_fraction": 0.01} if door is patch else {}))


def test_an_unknown_name_brings_the_nearest():
    with pytest.raises(ValueError, match=r"'flim'. Did you mean 'film'"):
        composite(coat="flim")
    with pytest.raises(ValueError, match=r"'squash'.*reorient, compress, cut"):
        composite(fit="squash")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"recipe": "80:20:0"}, TypeError),
        ({"porosity": None}, TypeError),
        ({"porosity": "25 %"}, TypeError),
        ({"porosity": True}, TypeError),
        ({"porosity": np.array([0.2, 0.3])}, TypeError),
        ({"porosity": NAN}, RecipeError),
        ({"porosity": 25}, RecipeError),
        ({"porosity": 0.0}, RecipeError),
        ({"recipe": Recipe.parse("80:20:3"), "porosity": 0.015}, RecipeError),  # below what the matrix pores need
        ({"shape": 1.3}, TypeError),
        ({"shape": Facets}, TypeError),
        ({"clusters": 0.2}, TypeError),
        ({"unevenness": 0.3}, TypeError),
        ({"unevenness": Unevenness}, TypeError),
        ({"library": 400}, TypeError),
        ({"hard": 1}, TypeError),
        ({"max_overlap": NAN}, ValueError),
        ({"dispersion": None}, TypeError),
        ({"dispersion": NAN}, ValueError),
        ({"dispersion": 1.2}, ValueError),
        ({"dispersion": Dispersion(0.5, agglomerate_size=7e-6)}, ValueError),  # wider than the box
        ({"sizes": Equal}, TypeError),
        ({"sizes": "3 um"}, TypeError),
    ],
)
def test_composites(arguments, error, monkeypatch):
    # raised before the cores are packed, which takes minutes where there are many
    monkeypatch.setattr("microstructure.cores.sphere_packing.METHODS", {"relax": None, "sequential": None})
    refused(composite, error, **arguments)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"recipe": None}, TypeError),
        ({"cores": 1.5}, TypeError),
        ({"cores": 0}, ValueError),
        ({"unevenness": 0.3}, TypeError),
        ({"library": "mine"}, TypeError),
        ({"hard": None}, TypeError),
        ({"porosity": 0.2}, TypeError),
        ({"voxel_size": 500e-9}, ValueError),  # a quarter of this core, though fine enough for the median one
        ({"recipe": Recipe.parse("99.9999:0.0001:0")}, ValueError),  # less matrix than a voxel
    ],
)
@pytest.mark.filterwarnings("ignore:a voxel of .* is larger than the coat")
def test_blocks(arguments, error):
    refused(block, error, **arguments)


@pytest.mark.parametrize("door", [patch, cube])
def test_patches(door):
    for materials in ({}, [], "NCM82", 1):  # what is empty is no default either
        refused(door, TypeError, materials=materials)
    for wrong in ({}, 0, "mine"):
        refused(door, TypeError, library=wrong)
    for share, error in (
        (NAN, ValueError),
        (1.0, ValueError),
        (-0.1, ValueError),
        ("3 %", TypeError),
        (None, TypeError),
    ):
        refused(door, error, carbon_volume_fraction=share)
    refused(door, ValueError, voxel_size=31e-9)


@pytest.mark.parametrize(
    ("kind", "arguments", "error"),
    [
        (Unevenness, {"coverage": 0}, ValueError),
        (Unevenness, {"coverage": 1.1}, ValueError),
        (Unevenness, {"coverage": NAN}, ValueError),
        (Unevenness, {"coverage": "half"}, TypeError),
        (Unevenness, {"thickness_width": -0.1}, ValueError),
        (Clusters, {"share": 1.5}, ValueError),
        (Clusters, {"cores": 1}, ValueError),
        (Clusters, {"cores": None}, TypeError),
        (Facets, {"faces": 5}, ValueError),
        (Facets, {"faces": 14.0}, TypeError),
        (Facets, {"aspect_ratio": NAN}, ValueError),
        (Facets, {"sharpness": True}, TypeError),
        (Dispersion, {"share": NAN}, ValueError),
        (Dispersion, {"solid_share": 0}, ValueError),
        (Lognormal, {"median": 3e-6, "width": NAN}, ValueError),
        (Lognormal, {"median": 3e-6, "width": 30}, ValueError),  # per cent: exp(30) overflows
        (Lognormal, {"median": NAN, "width": 0.3}, ValueError),
        (Lognormal, {"median": "3 um", "width": 0.3}, TypeError),
        (Lognormal, {"median": 3e-6, "width": 0.3, "weighting": "mass"}, ValueError),
        (Table, {"diameters": [1e-6, NAN], "weights": [1, 1], "weighting": "volume"}, ValueError),
        (Table, {"diameters": [1e-6, 2e-6], "weights": [1, NAN], "weighting": "volume"}, ValueError),
        (Table, {"diameters": [1e-6, 2e-6], "weights": [1], "weighting": "volume"}, ValueError),
        (Table, {"diameters": "1e-6", "weights": [1], "weighting": "volume"}, TypeError),
        (Recipe, {"cam": 80, "se": -20, "cb": 0, "materials": MATERIALS}, RecipeError),
        (Recipe, {"cam": NAN, "se": 20, "cb": 0, "materials": MATERIALS}, RecipeError),
        (Recipe, {"cam": "80", "se": 20, "cb": 0, "materials": MATERIALS}, TypeError),
        (Recipe, {"cam": 80, "se": 20, "cb": 0, "materials": None}, TypeError),
        (Recipe.parse, {"text": "80:20"}, RecipeError),
        (Recipe.parse, {"text": "80:20:nan"}, RecipeError),
        (Recipe.parse, {"text": "80:20:0", "materials": {}}, TypeError),
        (RECIPE.film_thickness, {"specific_surface": True}, TypeError),
        (RECIPE.shell_thickness, {"diameter": "3 um"}, TypeError),
        (RECIPE.core_fraction, {"porosity": None}, TypeError),
    ],
)
def test_what_a_structure_is_asked_for(kind, arguments, error):
    refused(kind, error, **arguments)


def test_voxels(cell):
    refused(voxelise, TypeError, structure=cell.labels, voxel_size=100e-9)
    for size in (1e-6, 110e-9, 1e-9, 1e-30):  # no core shown, does not divide the box, more than any memory (twice)
        refused(voxelise, ValueError, structure=cell, voxel_size=size)
    refused(voxelise, TypeError, structure=cell, voxel_size=125e-9, resolve_carbon="yes")
    for wrong in (1, "a"):
        refused(voxelise, TypeError, structure=cell, voxel_size=125e-9, rng=wrong)


@pytest.mark.filterwarnings("ignore:a voxel of .* is larger than the coat")
def test_a_small_core_needs_small_voxels():
    with pytest.raises(ValueError, match="take 200 nm or less"):
        composite(sizes=Equal(1e-6), box=(3e-6,) * 3, voxel_size=300e-9)


def test_voxels_larger_than_coat_or_primary_warn():
    with pytest.warns(UserWarning, match="utilisation and conductivity come out too low"):
        block(Recipe.parse("99:1:0"))
    with pytest.warns(UserWarning, match="but not its shape"):
        patch(voxel_size=50e-9, thickness=150e-9)


def test_agglomerates_smaller_than_a_voxel_are_placed():
    found = composite(Recipe.parse("80:20:0.05"), library=library(), dispersion=Dispersion(0.99, 1e-8))
    assert found.carbon.count > 0


@pytest.mark.parametrize("path", [None, 1, 3.5, True, b"a.tif", []])
def test_paths(path, ball):
    refused(write_image, TypeError, labels=ball.labels, path=path)
    refused(save_structure, TypeError, structure=ball, path=path)
    for reader in (read_image, read_voxel_size, load_structure, read_provenance):
        refused(reader, TypeError, path=path)


@pytest.mark.parametrize("suffix", ["tif", "npy", "vti", "raw", "h5", "png"])
def test_files_that_are_no_images(suffix, tmp_path):
    for content in (b"", b"hello", bytes(range(256)) * 8):
        path = tmp_path / f"a.{suffix}"
        path.write_bytes(content)
        refused(load_structure if suffix == "h5" else read_image, ValueError, path=path)


@pytest.mark.parametrize("suffix", ["tif", "npy", "vti", "raw"])
def test_nothing_is_written(suffix, tmp_path, ball):
    path = tmp_path / "new" / f"a.{suffix}"
    for labels in (np.zeros((2, 2)), np.full((2, 2, 2), NAN), np.zeros((0, 2, 2), int), np.full((2, 2, 2), "a"), None):
        refused(write_image, ValueError, labels=labels, path=path)
    for size, error in (*NO_LENGTH[1:], (1e-30, ValueError), (80, ValueError), (1e-4, ValueError)):
        refused(write_image, error, labels=ball.labels, path=path, voxel_size=size)
    for seed in (-1, 1.5, "a", True, []):
        refused(save_structure, (TypeError, ValueError), structure=ball, path=path, seed=seed)
    refused(save_structure, TypeError, structure=ball.labels, path=path)
    assert list(tmp_path.rglob("*")) == [] or [one.name for one in tmp_path.rglob("*")] == ["new"]


def test_measurements(cell, ball):
    for label, error in (
        (None, TypeError),
        ("core", TypeError),
        (1.5, TypeError),
        (True, TypeError),
        (256, ValueError),
    ):
        options = {"labels": ball.labels, "voxel_size": 1.0, "periodic": (True,) * 3}
        refused(two_point_correlation, error, phase=label, **options)
        refused(phase_fractions(ball.labels).of, error, phase=label)
    refused(two_point_correlation, TypeError, phase=1, reach="far", **options)
    refused(measure_coats, ValueError, structure=ball)
    refused(measure_coats, ValueError, structure=cell, points=10**30)
    refused(measure_coats, TypeError, structure=cell, least=None)
    for radius in (0.0, -1e-6, NAN, [1e-6] * 3, []):
        refused(coat_statistics, ValueError, thickness=[1e-7, 0.0], area=[1.0, 1.0], radius=radius)
    refused(coat_statistics, TypeError, thickness=[1e-7], area=[1.0], radius="round")
    refused(measure_porosity, TypeError, structure=cell, open_matrix_share=None)
    for wrong, error in (*NO_NAME[:3], ("seat", ValueError)):
        refused(xps_coverage, error, recipe=RECIPE, carbon=wrong)
    refused(xps_coverage, TypeError, recipe=RECIPE, specific_surface="780")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"axis": 1.0}, TypeError),
        ({"axis": np.array([0, 1])}, TypeError),
        ({"axis": 3}, ValueError),
        ({"position": "half"}, TypeError),
        ({"position": NAN}, ValueError),
        ({"pixel_size": 1e-15}, ValueError),
        ({"pixel_size": 1.0}, ValueError),
        ({"grey_levels": None}, TypeError),
        ({"grey_levels": [0, 1]}, TypeError),
        ({"grey_levels": {0: 0}}, ValueError),
        ({"grey_levels": {0: NAN, 1: 1}}, ValueError),
        ({"blur": None}, TypeError),
        ({"blur": NAN}, ValueError),
        ({"blur": 2.5}, ValueError),  # metres: would take minutes
        ({"noise": 3.0}, TypeError),  # without a generator
    ],
)
def test_sections(arguments, error, ball):
    refused(sem_section, error, structure=ball, **arguments)
