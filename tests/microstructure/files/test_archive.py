"""Whole structures on disk: what is loaded is what was saved, and nothing half or foreign is loaded."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
from dataclasses import dataclass, field, replace
from importlib import metadata

import h5py
import numpy as np
import pytest

from microstructure.coats.unevenness import Unevenness
from microstructure.composite import build_composite
from microstructure.files.archive import (
    Provenance,
    load_structure,
    read_provenance,
    read_recipe,
    save_structure,
    write_recipe,
)
from microstructure.files.records import read_record, write_record
from microstructure.materials import Materials
from microstructure.patch import bulk_patch, coating_patch
from microstructure.recipe import Recipe
from microstructure.structure import Structure
from percolation.carbon_paths.network import TOUCH, link_carbon

CONSTANTS = {
    "se": {"density": {"value": "2.5901234567890123 g/cm3", "source": "weighed: 3 °C, ±0.1 %"}},
    "cam": {"median_diameter": "2.1 um"},
    "matrix": {"porosity": {"mass_ratio": [0.0, 0.1 / 3.0], "porosity": [0.01, 0.2 / 3.0], "source": "own"}},
}


def difference(one, other, path="structure"):
    """Where two records differ, in a kind, a dtype, a shape or a bit; None if nowhere."""
    if type(one) is not type(other):
        return f"{path}: {type(one).__name__} and {type(other).__name__}"
    if isinstance(one, np.ndarray):
        return (
            None if one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f") else path
        )
    if dataclasses.is_dataclass(one):
        pairs = [(f".{one_field.name}", one_field.name) for one_field in dataclasses.fields(one)]
        found = [difference(getattr(one, name), getattr(other, name), path + step) for step, name in pairs]
    elif isinstance(one, dict):
        found = [difference(one.get(key), other.get(key), f"{path}[{key}]") for key in one | other]
    elif isinstance(one, tuple) and len(one) == len(other):
        found = [difference(*pair, f"{path}[{number}]") for number, pair in enumerate(zip(one, other, strict=True))]
    else:
        return None if one == other else f"{path}: {one} and {other}"
    return next((step for step in found if step is not None), None)


@pytest.fixture(scope="module")
def composite():
    recipe = Recipe.parse("80:20:0.3", Materials.load(CONSTANTS))
    options = {"porosity": 0.2, "box": (5e-6, 4e-6, 4e-6), "voxel_size": 125e-9}
    return build_composite(recipe, **options, rng=np.random.default_rng(3))


@pytest.fixture(scope="module")
def patch():
    return bulk_patch(0.6e-6, 0.05, 20e-9, rng=np.random.default_rng(4))


@pytest.fixture(scope="module")
def image():
    return Structure(np.ones((2, 3, 4), np.uint8), 1e-7, (True, False, True), (2e-7, 3e-7, 4e-7))


@pytest.mark.filterwarnings("ignore:a voxel of", "ignore:a patch")
def test_every_kind_of_structure_comes_back(tmp_path, composite, patch, image):
    uneven = build_composite(
        Recipe.parse("80:20:0"), porosity=0.35, box=(8e-6, 6e-6, 6e-6), voxel_size=125e-9,
        unevenness=Unevenness(0.3, coverage=0.9), rng=np.random.default_rng(3),
    )  # fmt: skip
    coat = coating_patch(100e-9, 1e-6, 0.05, 25e-9, fit="cut", rng=np.random.default_rng(5))
    for number, structure in enumerate((composite, patch, image, uneven, coat)):
        save_structure(structure, tmp_path / f"new/{number}.h5")
        assert difference(structure, load_structure(str(tmp_path / f"new/{number}.h5"))) is None


def test_a_difference_would_be_seen(composite):
    """The negative control of `difference`."""
    labels = composite.labels.copy()
    labels[0, 0, 0] += 1
    assert difference(composite, replace(composite, labels=labels)) == "structure.labels"
    assert "cores.fraction" in difference(composite, replace(composite, cores=replace(composite.cores, fraction=0.1)))
    other = replace(composite.recipe, materials=Materials.load(CONSTANTS | {"cam": {"median_diameter": "2.2 um"}}))
    assert "cam.median_diameter" in difference(composite, replace(composite, recipe=other))
    assert "carbon" in difference(composite, replace(composite, carbon=None))


def test_what_touches_still_touches(tmp_path, patch):
    save_structure(patch, tmp_path / "a.h5")
    carbon = load_structure(tmp_path / "a.h5").carbon
    bonded = np.flatnonzero(carbon.bond >= 0)
    step = carbon.centres[bonded] - carbon.centres[carbon.bond[bonded]]
    step -= np.array(patch.box) * np.rint(step / patch.box)
    gaps = np.linalg.norm(step, axis=1) - carbon.diameter
    assert np.max(np.abs(gaps)) <= TOUCH * 0.5 * carbon.diameter
    links = [link_carbon(one, box=patch.box, periodic=patch.periodic) for one in (patch.carbon, carbon)]
    assert difference(*(replace(link, carbon=carbon) for link in links), "links") is None


def test_the_recipe_keeps_every_number(composite):
    recipe = composite.recipe
    again = read_recipe(write_recipe(recipe))
    assert difference(recipe.materials.constants, dict(again.materials.constants)) is None
    assert recipe.materials.matrix_porosity == again.materials.matrix_porosity
    assert recipe.materials.names == again.materials.names
    for name in ("volume_fractions", "mixed_density", "matrix_porosity", "minimum_porosity", "matrix_per_core"):
        assert getattr(recipe, name) == getattr(again, name)
    assert again.film_thickness() == recipe.film_thickness()
    words = json.loads(write_recipe(recipe))["materials"]["constants"]["se.density"]
    assert words["value"] == recipe.materials["se.density"] == pytest.approx(2590.1234567890123, rel=1e-14)
    assert words["unit"] == "kg/m^3"
    assert words["source"] == "weighed: 3 °C, ±0.1 %"


def test_other_programs_find_their_way(tmp_path, composite):
    """The layout of the file: datasets and attributes under the names of the fields."""
    save_structure(composite, tmp_path / "a.h5", seed=7)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file.attrs["format"] == "percoat structure"
        assert file.attrs["voxel_size"] == 125e-9
        assert file.attrs["box"].tolist() == list(composite.box)
        assert file["labels"].dtype == np.uint8
        assert file["carbon/centres"].dtype == np.float64
        assert file["cores"].attrs["fraction"] == composite.cores.fraction
        assert json.loads(file["recipe"].asstr()[()])["cb"] == 0.3


@pytest.mark.parametrize("seed", [None, 0, 2**100, (1, 2), (5,)])
def test_the_file_says_where_it_comes_from(tmp_path, composite, patch, seed):
    save_structure(composite, tmp_path / "a.h5", seed=seed)
    expected = Provenance("80:20:0.3", seed, composite.carbon.count, True, metadata.version("percoat"), 1)
    assert read_provenance(tmp_path / "a.h5") == expected
    save_structure(patch, tmp_path / "a.h5", carbon=False, seed=np.array([3, 4]))
    about = read_provenance(tmp_path / "a.h5")
    assert (about.recipe, about.seed) == (None, (3, 4))
    assert (about.primaries, about.primaries_saved) == (patch.carbon.count, False)


def test_without_primaries_nobody_takes_it_for_free_of_carbon(tmp_path, composite):
    save_structure(composite, tmp_path / "full.h5")
    save_structure(composite, tmp_path / "lean.h5", carbon=False)
    assert (tmp_path / "lean.h5").stat().st_size < 0.3 * (tmp_path / "full.h5").stat().st_size
    with pytest.raises(ValueError, match=rf"without its {composite.carbon.count} primaries.*carbon=False"):
        load_structure(tmp_path / "lean.h5")
    for name in ("lean", "full"):
        again = load_structure(tmp_path / f"{name}.h5", carbon=False)
        assert difference(replace(composite, carbon=None), again) is None


def test_no_carbon_needs_no_choice(tmp_path, image):
    save_structure(image, tmp_path / "a.h5", carbon=False)
    assert difference(image, load_structure(tmp_path / "a.h5")) is None


def test_the_same_structure_gives_the_same_bytes(tmp_path, composite):
    for name in ("a", "b"):
        save_structure(composite, tmp_path / f"{name}.h5", seed=1)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


# --- records, whatever fields they get --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Grain:
    name: str
    corners: np.ndarray


@dataclass(frozen=True)
class Rock:
    size: float


@dataclass(frozen=True, eq=False)
class Sample:
    flag: bool
    count: int
    share: float
    name: str
    nothing: float | None
    grains: tuple[Grain | Rock, ...]
    mixed: tuple[object, ...] = ()
    mask: np.ndarray | None = None
    inside: Rock | None = None
    later: float = field(default=2.5)


SAMPLE = Sample(
    True, -(2**40), float("inf"), "µ-CT, 3°", None,
    (Grain("a", np.eye(3)), Rock(0.1), Grain("b", np.empty((0, 3), np.float32))),
    (1, 2.0, "x", None, (True, False), (), ("p", "q"), np.arange(3, dtype=np.int16)),
    np.random.default_rng(1).random((30, 40, 50)) < 0.3, Rock(1.0 / 3.0),
)  # fmt: skip


def test_any_field_travels(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write_record(file, SAMPLE, {})
    with h5py.File(tmp_path / "a.h5") as file:
        assert difference(SAMPLE, read_record(file, Sample, {})) is None


def test_absent_fields_take_their_default_and_unknown_ones_are_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write_record(file, SAMPLE, {})
        for name in ("later", "mixed", "mask"):
            if name in file:
                del file[name]
            else:
                del file.attrs[name]
        assert difference(replace(SAMPLE, mixed=(), mask=None), read_record(file, Sample, {})) is None
        del file.attrs["share"]
        with pytest.raises(ValueError, match="Sample lacks share"):
            read_record(file, Sample, {})
        file.attrs["share"] = 0.5
        file["inside"].attrs["colour"] = "red"
        with pytest.raises(ValueError, match=r"has colour in its Rock.*update percoat"):
            read_record(file, Sample, {})
        file["inside"].attrs["class"] = "Stone"
        with pytest.raises(ValueError, match=r"a Stone as inside.*update percoat"):
            read_record(file, Sample, {})


@pytest.mark.parametrize("value", [{"a": 1}, [1], object(), np.array(["a"]), np.array([None]), 1j, Sample])
def test_what_could_not_be_read_back_is_not_written(tmp_path, image, value):
    for changed in (replace(image, cores=value), replace(image, periodic=(True, value, True))):
        with pytest.raises(TypeError, match=r"the field '(cores|1)' holds a"):
            save_structure(changed, tmp_path / "a.h5")
    assert not list(tmp_path.iterdir())


# --- what is refused --------------------------------------------------------------------------------------------------


def test_foreign_and_old_files_are_refused(tmp_path, image):
    (tmp_path / "text.h5").write_text("not a structure")
    (tmp_path / "empty.h5").write_text("")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["labels"] = image.labels
        file.attrs["voxel_size"] = 1e-7
    (tmp_path / "folder.h5").mkdir()
    for load in (load_structure, read_provenance):
        for name in ("text", "empty", "other"):
            with pytest.raises(ValueError, match=rf"{name}\.h5 is not a structure that can be loaded"):
                load(tmp_path / f"{name}.h5")
        with pytest.raises(ValueError, match="folder"):
            load(tmp_path / "folder.h5")
        with pytest.raises(FileNotFoundError, match="missing"):
            load(tmp_path / "missing.h5")
    with pytest.raises(ValueError, match="folder"):
        save_structure(image, tmp_path / "folder.h5")


def test_a_newer_file_says_so(tmp_path, image):
    save_structure(image, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.attrs.update(format_version=2, percoat_version="7.8.9")
    with pytest.raises(ValueError, match=r"format is 2, of percoat 7\.8\.9.*reads up to 1: update percoat"):
        load_structure(tmp_path / "a.h5")


def test_a_damaged_file_is_refused(tmp_path, patch):
    save_structure(patch, tmp_path / "whole.h5")
    content = (tmp_path / "whole.h5").read_bytes()
    for length in np.linspace(0, len(content) - 1, 25).astype(int):
        (tmp_path / "a.h5").write_bytes(content[:length])
        with pytest.raises(ValueError, match="not a structure that can be loaded"):
            load_structure(tmp_path / "a.h5")
    rng = np.random.default_rng(2)
    head = np.flatnonzero(rng.random(len(content)) < 60 / len(content))
    for place in head:
        damaged = bytearray(content)
        damaged[place] ^= 255
        (tmp_path / "a.h5").write_bytes(damaged)
        with contextlib.suppress(ValueError):
            load_structure(tmp_path / "a.h5")
    for name, wrong in (("labels", np.zeros((2, 2), np.uint8)), ("labels", np.zeros((2, 2, 2), np.int16))):
        (tmp_path / "a.h5").write_bytes(content)
        with h5py.File(tmp_path / "a.h5", "a") as file:
            del file[name]
            file[name] = wrong
        with pytest.raises(ValueError, match="three-dimensional image of uint8"):
            load_structure(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"seed": -1}, ValueError), ({"seed": ()}, ValueError), ({"seed": (1, -2)}, ValueError),
        ({"seed": 1.0}, TypeError), ({"seed": True}, TypeError), ({"seed": "1"}, TypeError), ({"carbon": 1}, TypeError),
    ],
)  # fmt: skip
def test_arguments_are_checked(tmp_path, image, options, error):
    with pytest.raises(error, match=r"seed|carbon"):
        save_structure(image, tmp_path / "a.h5", **options)
    with pytest.raises(TypeError, match="structure"):
        save_structure(image.labels, tmp_path / "a.h5")
    assert not list(tmp_path.iterdir())
    save_structure(image, tmp_path / "a.h5")
    with pytest.raises(TypeError, match="carbon"):
        load_structure(tmp_path / "a.h5", carbon="no")


# --- whole or not at all ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_interruption_leaves_the_old_file(tmp_path, composite, image, monkeypatch, error):
    save_structure(image, tmp_path / "a.h5")
    kept = (tmp_path / "a.h5").read_bytes()

    def fail(*_, **__):
        raise error

    monkeypatch.setattr("microstructure.files.archive.write_recipe", fail)
    monkeypatch.setattr(h5py.Group, "create_group", fail)
    for name in ("a", "b"):
        with pytest.raises(error):
            save_structure(composite, tmp_path / f"{name}.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]
    assert (tmp_path / "a.h5").read_bytes() == kept


def test_a_killed_run_leaves_the_old_file(tmp_path, image):
    save_structure(image, tmp_path / "a.h5")
    killed = (
        "import os, signal, pathlib\n"
        "from microstructure.files.whole_file import whole_file\n"
        f"with whole_file(pathlib.Path({str(tmp_path / 'a.h5')!r})) as path:\n"
        "    path.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", killed], check=False).returncode == -9
    assert difference(image, load_structure(tmp_path / "a.h5")) is None


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("width", [1, 1500])
def test_a_file_that_has_changed_since_it_was_saved_is_refused(tmp_path, share, width):
    """Also where each value may still be one, or where HDF5 would read for ever."""
    cube = bulk_patch(1e-6, 0.05, 25e-9, rng=np.random.default_rng(1))
    save_structure(cube, tmp_path / "a.h5")
    assert load_structure(tmp_path / "a.h5").carbon.count == cube.carbon.count
    content = bytearray((tmp_path / "a.h5").read_bytes())
    start = int(share * (len(content) - 100 - width))
    content[start : start + width] = bytes(byte ^ 1 for byte in content[start : start + width])
    (tmp_path / "b.h5").write_bytes(content)
    for read in (load_structure, read_provenance):
        with pytest.raises(ValueError, match="not what was saved: it is damaged"):
            read(tmp_path / "b.h5")
    with h5py.File(tmp_path / "a.h5") as file:  # the checksum is behind what others read
        assert file.attrs["primaries"] == cube.carbon.count
