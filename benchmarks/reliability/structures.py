"""Saved structures (HDF5): an honest one comes back, damaged and hostile ones are refused before any kernel sees them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reliability.sentences import attempt, refusal, right
from benchmarks.reliability.tally import Tally
from benchmarks.reliability.trial import clear, in_child, scratch

Make = Callable[[Path], object]
PATIENCE = 600.0  # s, to make the honest one: it may compile


def run() -> Iterator[Tally]:
    """One small composite, saved, and what can be done to it."""
    tally, home = Tally("hostile files: structures (.h5)"), scratch()
    honest = home / "honest.h5"
    made = in_child(lambda: _save(honest), folder=home, seconds=PATIENCE, ceiling=None)
    if made.status != 0:
        raise RuntimeError(f"the honest structure cannot be made: {made.stderr[-500:]}")
    for name, make in bad_files().items():
        folder = scratch()
        path = folder / "cell.h5"
        shutil.copy(honest, path)
        damaged = in_child(lambda make=make, path=path: make(path) and None, folder=folder, ceiling=None)
        if damaged.status != 0:
            raise RuntimeError(f"{name} cannot be made: {damaged.stderr[-500:]}")
        ending = in_child(attempt(lambda path=path: _used(path)), folder=folder)
        tally.count(name, refusal(ending), ending=ending)
        clear(folder)
    ending = in_child(attempt(lambda: _comes_back(honest)), folder=home)
    tally.count("as it was saved", right(ending), ending=ending)
    clear(home)
    yield tally


def _save(path: Path) -> None:
    import warnings

    from microstructure import Recipe, build_composite, save_structure

    warnings.simplefilter("ignore")
    rng = np.random.default_rng(1)
    cell = build_composite(Recipe.parse("80:20:0.2"), porosity=0.35, box=(6e-6,) * 3, voxel_size=250e-9, rng=rng)
    save_structure(cell, path, seed=1)


def _used(path: Path) -> Any:
    from microstructure import load_structure
    from percolation import link_carbon

    found = load_structure(path)
    if found.carbon is not None:
        link_carbon(found.carbon, box=found.box, periodic=found.periodic)
    return found


def _comes_back(path: Path) -> Any:
    import h5py

    from microstructure import load_structure

    found = load_structure(path)
    with h5py.File(path) as file:
        same = np.array_equal(found.labels, file["labels"][()])
        return bool(same and np.array_equal(found.carbon.centres, file["carbon/centres"][()]))


def _array(name: str, change: Callable[[Any], Any]) -> Make:
    """Another array in place of the one of this name."""

    def make(path: Path) -> None:
        import h5py

        with h5py.File(path, "r+") as file:
            array = change(file[name][()])
            del file[name]
            file[name] = array

    return make


def _set(name: str, place: Any, value: Any) -> Make:
    def change(array: Any) -> Any:
        array[place] = value
        return array

    return _array(name, change)


def _attribute(group: str, name: str, value: Any) -> Make:
    def make(path: Path) -> None:
        import h5py

        with h5py.File(path, "r+") as file:
            file[group].attrs[name] = value

    return make


def _claim(name: str, shape: tuple[int, ...], kind: str, **options: Any) -> Make:
    """A dataset that promises much and holds nothing."""

    def make(path: Path) -> None:
        import h5py

        with h5py.File(path, "r+") as file:
            del file[name]
            file.create_dataset(name, shape, kind, **({"chunks": True, "compression": "gzip"} | options))

    return make


def _link(name: str, link: Callable[[Path], Any]) -> Make:
    def make(path: Path) -> None:
        import h5py

        other = path.with_name("other.h5")
        shutil.copy(path, other)
        with h5py.File(path, "r+") as file:
            del file[name]
            file[name] = link(other)

    return make


def _external(path: Path) -> None:
    import h5py

    secret = path.with_name("secret.bin")
    secret.write_bytes(bytes(24**3))
    with h5py.File(path, "r+") as file:
        del file["labels"]
        file.create_dataset("labels", (24, 24, 24), "u1", external=[(str(secret), 0, 24**3)])


def _recipe(change: Callable[[str], str]) -> Make:
    return _array("recipe", lambda text: change(text.decode()))


def _bytes(change: Callable[[bytes], bytes]) -> Make:
    return lambda path: path.write_bytes(change(path.read_bytes()))


def bad_files() -> dict[str, Make]:
    """What is done to an honest file, by name."""
    import h5py

    first = (0, 0)
    return {
        "empty": _bytes(lambda b: b""),
        "random bytes": _bytes(lambda b: os.urandom(5000)),
        "cut in half": _bytes(lambda b: b[: len(b) // 2]),
        "the head alone": _bytes(lambda b: b[:512]),
        "a hole of zeros": _bytes(lambda b: b[: len(b) // 2] + bytes(1500) + b[len(b) // 2 + 1500 :]),
        "a core id beyond the last": _set("owners", (0, 0, 0), 9999),
        "a core id of -5": _set("owners", (0, 0, 0), -5),
        "an aggregate id of -7": _set("carbon/aggregate", 0, -7),
        "an aggregate id of two billion": _set("carbon/aggregate", 0, 2_000_000_000),
        "a bond to a primary beyond the last": _set("carbon/bond", 5, 2_000_000_000),
        "a bond of -9": _set("carbon/bond", 5, -9),
        "a coat id beyond the last": _set("carbon/coat", 0, 2_000_000_000),
        "a block id beyond the last": _set("cores/block", 0, 2_000_000_000),
        "a block id of -3": _set("cores/block", 0, -3),
        "a primary at NaN": _set("carbon/centres", first, np.nan),
        "a primary at infinity": _set("carbon/centres", first, np.inf),
        "a primary at 1e300": _set("carbon/centres", first, 1e300),
        "all primaries at 1e9 m": _set("carbon/centres", slice(None), 1e9),
        "a core at NaN": _set("cores/centres", first, np.nan),
        "a core at 1e6 m": _set("cores/centres", first, 1e6),
        "a core of no diameter": _set("cores/diameters", 0, 0.0),
        "a core of a negative diameter": _set("cores/diameters", 0, -1e-6),
        "a core of NaN": _set("cores/diameters", 0, np.nan),
        "a core of a kilometre": _set("cores/diameters", 0, 1e3),
        "primaries of no diameter": _attribute("carbon", "diameter", 0.0),
        "primaries of NaN": _attribute("carbon", "diameter", np.nan),
        "voxels of no size": _attribute("/", "voxel_size", 0.0),
        "voxels of a negative size": _attribute("/", "voxel_size", -1e-7),
        "voxels of NaN": _attribute("/", "voxel_size", np.nan),
        "a box of NaN": _attribute("/", "box", np.array([np.nan, 6e-6, 6e-6])),
        "a box of two lengths": _attribute("/", "box", np.array([6e-6, 6e-6])),
        "a box of other lengths than its image": _attribute("/", "box", np.array([6e-6, 6e-6, 9e-6])),
        "periodic as numbers": _attribute("/", "periodic", np.array([7, 8, 9])),
        "a label that is no phase": _set("labels", (0, 0, 0), 200),
        "fewer bonds than primaries": _array("carbon/bond", lambda a: a[:-3]),
        "fewer aggregates than primaries": _array("carbon/aggregate", lambda a: a[:-3]),
        "centres in a plane": _array("carbon/centres", lambda a: a[:, :2]),
        "diameters without a core": _array("cores/diameters", lambda a: a[:-1]),
        "core ids of another shape": _array("owners", lambda a: a[:, :, :-1]),
        "core ids that are floats": _array("owners", lambda a: a.astype(float)),
        "centres that are words": _array("cores/centres", lambda a: np.array([b"here"] * len(a))),
        "centres that are complex": _array("cores/centres", lambda a: a.astype(complex)),
        "an image of 1.9 GB that holds nothing": _claim("labels", (1900, 1000, 1000), "u1"),
        "an image of 10^15 voxels": _claim("labels", (10**5, 10**5, 10**5), "u1"),
        "10^10 primaries": _claim("carbon/centres", (10**10, 3), "f8"),
        "1 GB of bonds": _claim("carbon/bond", (250_000_000,), "i4"),
        "an image in another file": _link("labels", lambda other: h5py.ExternalLink(str(other), "/labels")),
        "a group in another file": _link("cores", lambda other: h5py.ExternalLink(str(other), "/cores")),
        "a link to nothing": _link("labels", lambda other: h5py.SoftLink("/nowhere")),
        "a link in a circle": _link("labels", lambda other: h5py.SoftLink("/labels")),
        "voxels stored outside": _external,
        "a recipe that is no JSON": _recipe(lambda text: text[:-40]),
        "a recipe 100,000 levels deep": _recipe(lambda text: "[" * 100_000),
        "a recipe that is a list": _recipe(lambda text: "[]"),
        "a recipe of NaN": _recipe(lambda text: text.replace('"cam": 80.0', '"cam": NaN')),
        "another class": _attribute("/", "class", "Carbon"),
        "of a version to come": _attribute("/", "format_version", 99),
    }  # fmt: skip
