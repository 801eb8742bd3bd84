"""Structures that cannot be: refused in a sentence before any kernel sees them, from memory and from a file."""

from __future__ import annotations

import errno
import json
import math
import os
import tracemalloc
import zlib
from dataclasses import fields, is_dataclass, replace

import h5py
import numpy as np
import pytest

from microstructure import Recipe, Structure, Unevenness, load_structure, save_structure
from microstructure.carbon.placement import Carbon
from microstructure.checks.integrity import check_structure
from microstructure.coats.coating import Coats
from microstructure.coats.unevenness import Relief
from microstructure.cores.shapes import Bodies
from microstructure.cores.sphere_packing import Packing
from microstructure.errors import DiskFullError
from microstructure.files import hdf5, read_provenance

VOXEL, SIDE = 0.5e-6, 12
BOX = (SIDE * VOXEL,) * 3
CENTRES = np.array([[1.5e-6, 1.6e-6, 1.7e-6], [4.3e-6, 4.4e-6, 4.5e-6]])
CUBE = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])


def spheres_and_a_cube():
    """A sphere, and a cube with rounded edges, both 2 um wide."""
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    edge, rounding = 1.6e-6, 0.2e-6
    return Bodies(
        corners=np.concatenate([np.zeros((1, 3)), 0.5 * edge * CUBE]),
        start=np.array([0, 1, 9]),
        normals=axes,
        offsets=np.full(6, 0.5 * edge),
        face_start=np.array([0, 0, 6]),
        rounding=np.array([1e-6, rounding]),
        steiner=np.array([[0.0, 0.0, 0.0], [edge**3, 6.0 * edge**2, 3.0 * math.pi * edge]]),
        axes=np.tile(np.eye(3), (2, 1, 1)),
    )


@pytest.fixture(scope="module")
def whole():
    """A structure by hand with every record there is, every field of it filled."""
    places = (np.moveaxis(np.indices((SIDE,) * 3), 0, -1) + 0.5) * VOXEL
    distances = np.linalg.norm(places[..., None, :] - CENTRES, axis=-1)
    labels = np.where(distances.min(axis=-1) < 1e-6, 1, np.where(distances.min(axis=-1) < 1.3e-6, 2, 0))
    bodies = spheres_and_a_cube()
    rng = np.random.default_rng(1)
    first = np.array([1.5e-6, 1.6e-6, 2.75e-6])
    step = np.array([4e-8, 0.0, 0.0])
    return Structure(
        labels.astype(np.uint8),
        VOXEL,
        (False, True, True),
        BOX,
        Recipe.parse("80:20:1"),
        distances.argmin(axis=-1).astype(np.int16),
        Packing(
            CENTRES, bodies.diameters, np.array(BOX), (False, True, True),
            float(bodies.volumes.sum() / np.prod(BOX)), 0.0, "relax", np.arange(2, dtype=np.int32), bodies,
        ),
        Coats(
            "film", 3e-7, 1e-7, 0.4, 0.3, 0.2, 0.1, 1e-8, 1e-8,
            relief=Relief(
                Unevenness(0.3, coverage=0.9), *rng.standard_normal((2, 4, 4, 4)).astype(np.float32),
                rng.random((2, 3)) * 1e-6, -1.2, 1.0,
            ),
        ),
        Carbon(
            np.stack([first, first + step, first + 2 * step, CENTRES[1] + 1.2e-6, CENTRES[1] - 1.2e-6]),
            np.array([0, 0, 0, 1, 2], np.int32), np.array([-1, 0, 1, -1, -1], np.int32),
            np.array([0, 0, 0, 1, 1], np.int32), 4e-8, "reorient", 0.01, 0.02,
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def content(whole, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "a.h5"
    save_structure(whole, path, seed=3)
    return path.read_bytes()


@pytest.fixture
def spoilt(content, tmp_path):
    """Load the file after something has been done to it."""

    def load(change, *, loader=load_structure, **options):
        path = tmp_path / "a.h5"
        path.write_bytes(content)
        with h5py.File(path, "a", **options) as file:
            change(file)
        return loader(path)

    return load


def arrays(record, path=""):
    for one in fields(record):
        value = getattr(record, one.name)
        if isinstance(value, np.ndarray):
            yield path + one.name
        elif is_dataclass(value) and not isinstance(value, Recipe):
            yield from arrays(value, f"{path}{one.name}/")


def replaced(record, path, value):
    name, _, rest = path.partition("/")
    return replace(record, **{name: replaced(getattr(record, name), rest, value) if rest else value})


def taken(record, path):
    for name in path.split("/"):
        record = getattr(record, name)
    return record


ARRAYS = (
    "labels", "owners", "cores/centres", "cores/diameters", "cores/box", "cores/block", "cores/bodies/corners",
    "cores/bodies/start", "cores/bodies/normals", "cores/bodies/offsets", "cores/bodies/face_start",
    "cores/bodies/rounding", "cores/bodies/steiner", "cores/bodies/axes", "coats/relief/thick", "coats/relief/bare",
    "coats/relief/offsets", "carbon/centres", "carbon/aggregate", "carbon/bond", "carbon/coat",
)  # fmt: skip


def with_one(array, value, place):
    changed = array.copy()
    changed.reshape(-1)[place] = value
    return changed


def wrong_arrays(array):
    """What no array of a structure can be."""
    values = [np.nan, np.inf, -np.inf, 1e300, -1e300] if array.dtype.kind == "f" else []
    with np.errstate(over="ignore"):
        for place in (0, array.size // 2, -1):
            yield from (with_one(array, value, place) for value in values)
            if array.dtype.kind in "iu":
                limits = np.iinfo(array.dtype)
                low = [limits.min, -2, -1000] if array.dtype.kind == "i" else []
                yield from (with_one(array, value, place) for value in (limits.max, 100, *low))
    yield array[:-1]
    yield array[:0]
    yield np.concatenate([array, array[-1:]])
    yield array[None]
    yield np.float64(1.0)
    yield array.astype(complex)
    yield array.astype(np.float16)
    yield array.astype(bool)
    yield array.astype(np.int64 if array.dtype.kind == "f" else np.float64)
    if array.dtype.itemsize > 1:
        yield array.astype(array.dtype.newbyteorder(">"))


def test_what_is_fine_comes_back(whole, spoilt):
    assert check_structure(whole) is whole
    assert tuple(arrays(whole)) == ARRAYS, (
        "a new array wants its law in microstructure.checks.integrity, and its name here"
    )
    again = spoilt(lambda file: None)
    for name in ARRAYS:
        assert np.array_equal(taken(again, name), taken(whole, name))
    bare = Structure(np.ones((2, 3, 4), np.uint8), 1e-7, (True,) * 3, (2e-7, 3e-7, 4e-7))
    assert check_structure(bare) is bare


@pytest.mark.parametrize("name", ARRAYS)
def test_no_wrong_array_passes(whole, spoilt, name):
    for number, wrong in enumerate(wrong_arrays(taken(whole, name))):
        with pytest.raises((ValueError, TypeError)):
            check_structure(replaced(whole, name, wrong))

        def put(file, wrong=wrong):
            del file[name]
            file[name] = wrong

        if number % 4 == 0 or number > 14:
            with pytest.raises(ValueError, match="not a structure that can be loaded"):
                spoilt(put)


NUMBERS = (
    "voxel_size", "cores/fraction", "cores/overlap", "coats/thickness", "coats/fill_height", "coats/film_share",
    "coats/recess_share", "coats/interstice_share", "coats/roughness_share", "coats/roughness", "coats/open_height",
    "coats/relief/bare_below", "coats/relief/scale", "coats/relief/unevenness/thickness_width",
    "coats/relief/unevenness/correlation_length", "coats/relief/unevenness/coverage", "carbon/diameter",
    "carbon/left_out", "carbon/overlap",
)  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_no_wrong_number_passes(whole, spoilt, name):
    holder, _, attribute = name.rpartition("/")
    for wrong in (np.nan, np.inf, 1e300, -1.0 if name != "coats/relief/bare_below" else np.nan, "x", True, np.ones(3)):
        with pytest.raises((ValueError, TypeError)):
            check_structure(replaced(whole, name, wrong))
        with pytest.raises(ValueError, match="not a structure that can be loaded"):
            spoilt(lambda file, wrong=wrong: file[holder or "/"].attrs.__setitem__(attribute, wrong))


@pytest.mark.parametrize(
    ("name", "wrong", "words"),
    [
        ("box", (6e-6, 6e-6, 7e-6), "contradict"), ("box", (6e-6, 6e-6), "3 are wanted"),
        ("voxel_size", 0.51e-6, "contradict"), ("voxel_size", 0.0, "length in metres"),
        ("periodic", (True, True), "3 are wanted"), ("periodic", (1, 0, 1), "true or false"),
        ("periodic", (True, True, True), r"cores\.periodic"),
        ("cores/periodic", (True, True, True), r"cores\.periodic"),
        ("cores/box", np.array([6e-6, 6e-6, 5e-6]), "contradict"),
        ("cores/fraction", 0.3, "contradict"), ("cores/diameters", np.array([2e-6, 1e-6]), "contradict"),
        ("cores/centres", CENTRES[::-1].copy(), "owners"), ("cores/centres", CENTRES + 1.4e-6, "no core where"),
        ("cores/centres", CENTRES * 10.0, "within"), ("cores/block", np.array([1, 0], np.int32), "order"),
        ("cores/bodies/start", np.array([0, 9, 9]), "rise"), ("cores/bodies/face_start", np.array([0, 6, 6]), "faces"),
        ("cores/bodies/normals", np.full((6, 3), 0.1), "contradict"),
        ("cores/bodies/axes", np.ones((2, 3, 3)), "perpendicular"),
        ("coats/film_share", 0.5, "shares"),
        ("coats/model", "paint", "film or shell"), ("coats/thickness", 7e-6, "within"),
        ("carbon/fit", "squash", "reorient or compress or cut"),
        ("carbon/aggregate", np.array([0, 0, 0, 1, 3], np.int32), "one after the other"),
        ("carbon/aggregate", np.array([0, 0, 1, 0, 2], np.int32), "one after the other"),
        ("carbon/bond", np.array([-1, 0, 3, -1, -1], np.int32), "earlier"),
        ("carbon/bond", np.array([-1, 0, 1, 0, -1], np.int32), "same aggregate"),
        ("carbon/coat", np.array([0, 0, 0, 1, 2], np.int32), "within 0 and 1"),
        ("carbon/coat", np.array([0, 0, 0, 1, -1], np.int32), "within 0 and 1"),
        ("carbon/diameter", 2e-8, "fused primaries"), ("carbon/diameter", 7e-6, "within"),
        ("labels", np.full((SIDE,) * 3, 5, np.uint8), "within 0 and 4"),
    ],
)  # fmt: skip
def test_parts_that_contradict_each_other(whole, tmp_path, name, wrong, words):
    broken = replaced(whole, name, wrong)
    with pytest.raises((ValueError, TypeError), match=words) as caught:
        check_structure(broken)
    assert "\n" not in str(caught.value)
    with pytest.raises((ValueError, TypeError), match=words):
        save_structure(broken, tmp_path / "a.h5")
    assert not list(tmp_path.iterdir())


def test_a_heap_of_primaries_is_refused(whole):
    """Their contacts would fill any memory."""
    count = 5000
    heap = Carbon(
        np.full((count, 3), 2.5e-6), np.arange(count, dtype=np.int32), np.full(count, -1, np.int32),
        np.zeros(count, np.int32), 4e-8, "reorient",
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"carbon\.centres must be at most 1000 in a cube"):
        check_structure(replace(whole, carbon=heap))


def constant(words):
    return words["materials"]["constants"]["se.density"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda words: constant(words).update(value=float("nan")), lambda words: constant(words).update(value="2"),
        lambda words: constant(words).update(value=1e9), lambda words: constant(words).update(unit="g"),
        lambda words: constant(words).update(value=10**400), lambda words: constant(words).pop("source"),
        lambda words: words["materials"]["constants"].pop("se.density"),
        lambda words: words["materials"]["constants"].update(odd=constant(words)),
        lambda words: constant(words).update(source=3), lambda words: words["materials"]["names"].update(cb=[]),
        lambda words: words["materials"]["names"].clear(), lambda words: words.update(materials=[]),
        lambda words: words["materials"]["matrix_porosity"].update(values=[0.1]),
        lambda words: words["materials"]["matrix_porosity"].update(values=[2.0] * 8, points=list(range(8))),
        lambda words: words.update(cam=-1.0), lambda words: words.update(cb=float("inf")), dict.clear,
    ],
)  # fmt: skip
def test_a_recipe_with_odd_constants_is_refused(spoilt, spoil):
    def put(file):
        words = json.loads(file["recipe"].asstr()[()])
        spoil(words)
        del file["recipe"]
        file["recipe"] = json.dumps(words)

    with pytest.raises(ValueError, match="not a structure that can be loaded: "):
        spoilt(put)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, "", "null", "[1]", "1" * 10_000])
def test_json_that_is_none_or_too_deep(spoilt, text):
    def put(file):
        del file["recipe"]
        file["recipe"] = text

    for loader in (load_structure, read_provenance):
        with pytest.raises(ValueError, match="not a structure that can be loaded: "):
            spoilt(put, loader=loader)
    seed = {"null": "x", "[1]": "[-1]"}.get(text, text[:60_000])
    with pytest.raises(ValueError, match="not a structure that can be loaded: "):
        spoilt(lambda file: file.attrs.__setitem__("seed", seed))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("format", 1), ("format", [1.0, 2.0]), ("format_version", 0), ("format_version", 1.0), ("format_version", "1"),
        ("percoat_version", 1.0), ("primaries", -1), ("primaries", 4), ("primaries", "5"), ("primaries_saved", 1),
        ("primaries_saved", [True, True, True]), ("seed", "-1"), ("seed", 3), ("seed", "[]"), ("class", [1.0]),
    ],
)  # fmt: skip
def test_what_the_file_says_of_itself_is_checked(spoilt, name, wrong):
    with pytest.raises(ValueError, match="not a structure that can be loaded: "):
        spoilt(lambda file: file.attrs.__setitem__(name, wrong))


# --- files that lead elsewhere, or claim what they have not -----------------------------------------------------------


def instead(name, put):
    def change(file):
        del file[name]
        put(file, name)

    return change


def virtual(file, name):
    layout = h5py.VirtualLayout((SIDE,) * 3, "u1")
    layout[...] = h5py.VirtualSource("other.h5", "labels", (SIDE,) * 3)
    file.create_virtual_dataset(name, layout)


def overfull(file, name):
    """One piece of the right size by its head, which unpacks to 100 MB."""
    found = file.create_dataset(name, shape=(SIDE,) * 3, dtype="u1", chunks=(SIDE,) * 3, compression="gzip")
    found.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(10**8), 1))


def large(shape, **options):
    return lambda file, name: file.create_dataset(name, shape=shape, **options)


HOSTILE = {
    "external link": instead("labels", lambda file, name: file.__setitem__(name, h5py.ExternalLink("b.h5", "/x"))),
    "external group": instead("carbon", lambda file, name: file.__setitem__(name, h5py.ExternalLink("b.h5", "/"))),
    "soft link": instead("owners", lambda file, name: file.__setitem__(name, h5py.SoftLink("/labels"))),
    "dangling link": instead("owners", lambda file, name: file.__setitem__(name, h5py.SoftLink("/nowhere"))),
    "second name": instead("owners", lambda file, name: file.__setitem__(name, file["labels"])),
    "loop": instead("carbon", lambda file, name: file.__setitem__(name, file["/"])),
    "external storage": instead(
        "labels", large((SIDE,) * 3, dtype="u1", external=[("/etc/hostname", 0, SIDE**3)])
    ),
    "virtual": instead("labels", virtual),
    "unallocated pieces": instead("labels", large((1240,) * 3, dtype="u1", chunks=(64,) * 3, compression="gzip")),
    "unallocated": instead("labels", large((1240,) * 3, dtype="u1")),
    "primaries that are not there": instead("carbon/centres", large((10**8, 3), dtype="f8", chunks=(1000, 3))),
    "other filter": instead("labels", large((SIDE,) * 3, dtype="u1", compression="lzf")),
    "pieces larger than all": instead("labels", large((4,) * 3, dtype="u1", maxshape=(None,) * 3, chunks=(999,) * 3)),
    "overfull piece": instead("labels", overfull),
    "texts": instead("labels", large((10**6,), dtype=h5py.string_dtype())),
    "lists": instead("labels", large((SIDE,) * 3, dtype=h5py.vlen_dtype("u1"))),
    "records": instead("labels", large((5,), dtype=[("a", "f8"), ("b", "i4")])),
    "a type": instead("labels", lambda file, name: file.__setitem__(name, np.dtype("f8"))),
    "nothing": instead("labels", lambda file, name: file.__setitem__(name, h5py.Empty("u1"))),
    "a group": instead("labels", lambda file, name: file.create_group(name)),
    "many attributes": lambda file: [file.attrs.__setitem__(f"a{number}", 1) for number in range(1100)],
    "a long attribute": lambda file: file.attrs.__setitem__("voxel_size", np.zeros(1000)),
    "a list without end": instead(
        "coats", lambda file, name: file.create_group(name).attrs.__setitem__("members", 2**60)
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused_before_they_cost_memory(spoilt, kind):
    def load(path):
        tracemalloc.start()
        try:
            load_structure(path)
        finally:
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()

    peaks = []
    with pytest.raises(ValueError, match="not a structure that can be loaded: ") as caught:
        spoilt(HOSTILE[kind], loader=load)
    assert "\n" not in str(caught.value)
    assert peaks[0] < 2e7


def test_a_pipe_is_no_structure(tmp_path):
    os.mkfifo(tmp_path / "a.h5")
    with pytest.raises(ValueError, match="is no file"):
        load_structure(tmp_path / "a.h5")


# --- a full disk ------------------------------------------------------------------------------------------------------


def test_a_disk_that_fills_at_any_moment(whole, tmp_path, monkeypatch):
    """HDF5 does not survive a write that fails: it must not notice."""
    written, write = [], hdf5._DeferredErrors.write
    save_structure(whole, tmp_path / "a.h5")
    kept = (tmp_path / "a.h5").read_bytes()

    class Disk:
        def __init__(self, disk):
            self.disk = disk

        def write(self, content):
            written.append(len(content))
            if len(written) > room[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.disk.write(content)

        def __getattr__(self, name):
            return getattr(self.disk, name)

    def onto_full_disk(self, content):
        if not isinstance(self.disk, Disk):
            self.disk = Disk(self.disk)
        return write(self, content)

    monkeypatch.setattr(hdf5._DeferredErrors, "write", onto_full_disk)
    room = [10**9]
    save_structure(whole, tmp_path / "a.h5")
    total = len(written)
    assert total > 10
    for written_well in range(0, total, 3):
        room[0] = written_well
        written.clear()
        with pytest.raises(DiskFullError, match=rf"disk that holds {tmp_path} is full: a\.h5 is not written"):
            save_structure(whole, tmp_path / "a.h5")
        assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]
    assert (tmp_path / "a.h5").read_bytes() == kept
