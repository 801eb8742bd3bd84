"""Whole structures as HDF5: voxels, cores, coats, every primary, the recipe with its constants, seed and versions."""

from __future__ import annotations

import contextlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from microstructure.arguments import check_kind, check_path
from microstructure.checks.integrity import check_layout, check_structure
from microstructure.files.hdf5 import check_contents, check_seal, writing
from microstructure.files.records import CLASS, TextForm, Texts, read_record, write_record
from microstructure.files.whole_file import whole_file
from microstructure.materials import Closure, Constant, Materials
from microstructure.recipe import Recipe
from microstructure.structure import Structure

FORMAT = "percoat structure"
VERSION = 1
OWN: Mapping[str, type] = {
    "format": str,
    "format_version": int,
    "percoat_version": str,
    "seed": str,
    "primaries": int,
    "primaries_saved": bool,
}
DAMAGE = (
    *(ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError, OSError, zlib.error),
    *(MemoryError, AssertionError, NotImplementedError),
)


@dataclass(frozen=True)
class Provenance:
    """Where a saved structure comes from."""

    recipe: str | None = field(metadata={"what": "by weight; None for a patch or an image"})
    seed: int | tuple[int, ...] | None = field(metadata={"what": "as save_structure was given it"})
    primaries: int = field(metadata={"what": "of carbon, saved or not"})
    primaries_saved: bool
    percoat_version: str
    format_version: int


def save_structure(
    structure: Structure, path: str | Path, *, carbon: bool = True, seed: int | Sequence[int] | None = None
) -> None:
    """Write a structure as HDF5, from which `load_structure` gives the same again: every array and every number.

    Arrays are datasets, named as their fields, in the dtype they have (the centres of primaries are float64: what
    touches still touches); numbers and texts are attributes. The recipe is JSON, with all its material constants.

    Parameters
    ----------
    structure : Structure
    path : str or Path
        Usually ends in ".h5". An existing file is replaced once the new one is complete.
    carbon : bool
        Write every primary, some 30 bytes each; without, their number alone.
    seed : int or ints, optional
        What the random numbers came from, for the record.

    Raises
    ------
    TypeError
        If it is no Structure, or a field of it cannot be stored. Nothing is written then.
    ValueError
        If the seed is negative, or the path a folder.
    DiskFullError
        If the disk has no room for it. A file of that name stays as it was.
    """
    check_kind("carbon", carbon, bool)
    check_structure(structure)
    number = 0 if structure.carbon is None else structure.carbon.count
    about = {
        "format": FORMAT,
        "format_version": VERSION,
        "percoat_version": metadata.version("percoat"),
        "seed": json.dumps(_check_seed(seed)),
        "primaries": number,
        "primaries_saved": carbon or number == 0,
    }
    with whole_file(check_path(path)) as temporary, writing(temporary) as file:
        file.attrs.update(about)
        write_record(file, structure, TEXTS, skip=() if about["primaries_saved"] else ("carbon",))


def load_structure(path: str | Path, *, carbon: bool = True) -> Structure:
    """Read a structure that `save_structure` wrote.

    Parameters
    ----------
    path : str or Path
    carbon : bool
        False leaves the primaries out, whether the file has them or not: the structure's `carbon` is None.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no structure of percoat, is damaged, comes from a newer percoat, or was saved without its
        primaries and `carbon` is true.

    Examples
    --------
    >>> import tempfile
    >>> from microstructure.patch import bulk_patch
    >>> cube = bulk_patch(1e-6, 0.1, 20e-9, rng=np.random.default_rng(1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_structure(cube, f"{folder}/cube.h5", seed=1)
    ...     again = load_structure(f"{folder}/cube.h5")
    >>> again.carbon.count - cube.carbon.count
    0
    """
    check_kind("carbon", carbon, bool)
    with _opened(path) as file:
        if carbon and not file.attrs["primaries_saved"]:
            raise ValueError(
                f"it was saved without its {file.attrs['primaries']} primaries: load_structure(..., carbon=False)"
                " gives all the rest"
            )
        left_out = () if carbon else ("carbon",)
        loaded = read_record(file, Structure, TEXTS, skip=left_out, ignored=tuple(OWN), check=check_layout)
        check_structure(loaded)
        if carbon and file.attrs["primaries"] != (0 if loaded.carbon is None else loaded.carbon.count):
            raise ValueError(f"it states {file.attrs['primaries']} primaries and has others: it is damaged")
        return loaded


def read_provenance(path: str | Path) -> Provenance:
    """Recipe, seed and versions of a saved structure, without loading it.

    Parameters
    ----------
    path : str or Path
        A file that `save_structure` wrote.

    Returns
    -------
    Provenance

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no structure of percoat.
    """
    with _opened(path) as file:
        about, seed = file.attrs, json.loads(file.attrs["seed"])
        recipe = str(read_recipe(file["recipe"].asstr()[()])) if "recipe" in file else None
        return Provenance(
            recipe,
            tuple(seed) if isinstance(seed, list) else seed,
            int(about["primaries"]),
            bool(about["primaries_saved"]),
            str(about["percoat_version"]),
            int(about["format_version"]),
        )


def write_recipe(recipe: Recipe) -> str:
    """A recipe as JSON: its weights, every constant with value, unit, range and source, and the porosity closure."""
    materials = recipe.materials
    weights = {one.name: getattr(recipe, one.name) for one in fields(recipe) if one.name != "materials"}
    constants = {name: asdict(constant) for name, constant in materials.constants.items()}
    parts = {
        "names": dict(materials.names),
        "constants": constants,
        "matrix_porosity": asdict(materials.matrix_porosity),
    }
    return json.dumps(weights | {"materials": parts}, indent=1)


def read_recipe(text: str) -> Recipe:
    """The recipe that `write_recipe` wrote, the same in every number."""
    words = json.loads(text)
    parts = words.pop("materials")
    constants = {name: Constant(**constant) for name, constant in parts["constants"].items()}
    closure: dict[str, Any] = {
        name: tuple(word) if isinstance(word, list) else word for name, word in parts["matrix_porosity"].items()
    }
    return Recipe(**words, materials=Materials(constants, parts["names"], Closure(**closure)))


TEXTS: Texts = {Recipe: TextForm(write_recipe, read_recipe)}


def _check_seed(seed: Any) -> int | list[int] | None:
    if seed is None:
        return None
    numbers = list(seed) if isinstance(seed, (tuple, list, np.ndarray)) else [seed]
    if any(isinstance(number, bool) or not isinstance(number, (int, np.integer)) for number in numbers):
        raise TypeError(f"seed is a whole number, or several; got {seed!r}")
    if not numbers or min(numbers) < 0:
        raise ValueError(f"seed is zero or more; got {seed!r}")
    whole = [int(number) for number in numbers]
    return whole if isinstance(seed, (tuple, list, np.ndarray)) else whole[0]


@contextlib.contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    import h5py

    source = check_path(path)
    if not source.exists():
        raise FileNotFoundError(f"there is no file {path}")
    if not source.is_file():
        kind = "a folder" if source.is_dir() else "no file"
        raise ValueError(f"{path} is {kind}: give the .h5 file of one structure")
    try:
        check_seal(source)
        with h5py.File(source, "r") as file:
            check_contents(file)
            _check_format(file)
            yield file
    except PermissionError:
        raise
    except DAMAGE as error:  # h5py raises any of them on a damaged file
        raise ValueError(f"{path} is not a structure that can be loaded: {_cause(error)}") from None


def _cause(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, LookupError):
        return f"{error.args[0]}: it is damaged"
    return " ".join(str(error).split()) or type(error).__name__


def _check_format(file: Any) -> None:
    if str(file.attrs.get("format")) != FORMAT:
        raise ValueError("a file of save_structure is wanted; save it again with this percoat")
    for name, kind in OWN.items():
        value = file.attrs[name]
        if type(value if kind is str else value.item()) is not kind:
            raise ValueError(f"its {name} is a {kind.__name__}; it says {value!r}")
    if str(file.attrs[CLASS]) != Structure.__name__:
        raise ValueError(f"it holds a {file.attrs[CLASS]}, a {Structure.__name__} is wanted")
    version = int(file.attrs["format_version"])
    if version < 1 or file.attrs["primaries"] < 0:
        raise ValueError("its format_version or its number of primaries is below what they can be: it is damaged")
    _check_seed(json.loads(file.attrs["seed"]))
    if version > VERSION:
        raise ValueError(
            f"its format is {version}, of percoat {file.attrs['percoat_version']}; percoat"
            f" {metadata.version('percoat')} reads up to {VERSION}: update percoat"
        )
