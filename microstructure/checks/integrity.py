"""What must hold of a structure before anything is computed with it: kinds, shapes, ranges, and parts that agree."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any

import numpy as np

from microstructure.arguments import MOST_VOXELS
from microstructure.carbon.placement import Carbon
from microstructure.checks.agreement import check_agreement
from microstructure.checks.ranges import check_ranges, check_size, must, words
from microstructure.coats.unevenness import Relief
from microstructure.cores.shapes import Bodies
from microstructure.cores.sphere_packing import Packing
from microstructure.recipe import Recipe
from microstructure.structure import Structure

SHAPES: Mapping[type, Mapping[str, tuple[str | int, ...]]] = {
    Structure: {"labels": ("x", "y", "z"), "owners": ("x", "y", "z")},
    Packing: {"centres": ("cores", 3), "diameters": ("cores",), "box": (3,), "block": ("cores",)},
    Bodies: {
        "corners": ("corners", 3),
        "start": ("cores+1",),
        "normals": ("faces", 3),
        "offsets": ("faces",),
        "face_start": ("cores+1",),
        "rounding": ("cores",),
        "steiner": ("cores", 3),
        "axes": ("cores", 3, 3),
    },
    Relief: {"thick": ("grid", "grid", "grid"), "bare": ("grid", "grid", "grid"), "offsets": ("cores", 3)},
    Carbon: {
        "centres": ("primaries", 3),
        "aggregate": ("primaries",),
        "bond": ("primaries",),
        "coat": ("primaries",),
    },
}
NUMBERS = {"i": (np.int8, np.int16, np.int32, np.int64), "u": (np.uint8,), "f": (np.float32, np.float64)}
WHOLE = 0.01  # of a voxel: edges of the box are whole voxels


def check_structure(structure: Any) -> Structure:
    """The structure itself, if it is one with which everything can be computed.

    Takes some 20 ms for each million voxels, and as much for each million primaries.

    Raises
    ------
    TypeError
        If it is no Structure, or a field of it holds something of the wrong kind.
    ValueError
        If arrays have the wrong shape, numbers are out of their range, ids name what is not there, or two parts
        contradict each other. The message names the field.
    """
    check_layout(structure)
    check_ranges(structure)
    check_agreement(structure)
    return structure


def check_computable(structure: Any, *, carbon: bool = True) -> Structure:
    """The structure itself, if its kinds, shapes and ranges are right; whether its parts agree is not asked.

    Takes a tenth of the time of `check_structure`, and less where `carbon` is false: primaries are not looked at then.

    Raises
    ------
    TypeError, ValueError
        As `check_structure` does.
    """
    check_layout(structure)
    check_ranges(structure, carbon=carbon)
    return typing.cast(Structure, structure)


def check_layout(structure: Any) -> None:
    """What can be said before any array is read: kinds, dtypes, shapes, and an image as large as the box.

    Raises
    ------
    TypeError, ValueError
        As `check_structure` does.
    """
    if not isinstance(structure, Structure):
        raise TypeError(f"structure must be a Structure, got {structure!r}")
    labels = structure.labels
    if not _is_array(labels) or labels.ndim != 3 or labels.dtype != np.uint8 or 0 in labels.shape:
        raise ValueError("its labels are no three-dimensional image of uint8: give one with the Phase of each voxel")
    _check_record(structure, "", {})
    check_size("voxel_size", structure.voxel_size)
    for edge, count in zip(structure.box, labels.shape, strict=True):
        check_size("box", edge)
        if abs(count - edge / structure.voxel_size) > WHOLE:
            raise ValueError(
                f"its box of {words(structure.box)} m and its image of {words(labels.shape)} voxels of"
                f" {structure.voxel_size:.4g} m contradict each other"
            )
    must(math.prod(labels.shape) <= MOST_VOXELS, "labels", f"at most {MOST_VOXELS:.3g} voxels", labels.shape)


def _check_record(record: Any, path: str, lengths: dict[str, int]) -> None:
    """Kinds of all fields by their annotations, shapes by `SHAPES`; `lengths` are those met so far, by name."""
    hints, shapes = typing.get_type_hints(type(record)), SHAPES.get(type(record), {})
    for one in dataclasses.fields(record):
        value, name = getattr(record, one.name), path + one.name
        _check_kind(value, hints[one.name], one.name, name, lengths)
        if one.name in shapes and value is not None:
            _check_shape(value.shape, shapes[one.name], name, lengths)


def _check_kind(value: Any, hint: Any, field: str, path: str, lengths: dict[str, int]) -> None:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in inner:
            return
        hint = next(one for one in inner if one is not type(None))
        _check_kind(value, hint, field, path, lengths)
    elif origin is np.ndarray:
        if not _is_array(value):
            raise _wrong_kind(value, field, path, "an array")
        _check_dtype(value.dtype, typing.get_args(inner[1])[0], path)
    elif origin is tuple:
        if not isinstance(value, tuple):
            raise _wrong_kind(value, field, path, "a tuple")
        if len(value) != len(inner) and Ellipsis not in inner:
            raise ValueError(f"{path} has {len(value)} members, {len(inner)} are wanted")
        for number, member in enumerate(value):
            _check_kind(member, inner[0], str(number), f"{path}[{number}]", lengths)
    elif dataclasses.is_dataclass(hint):
        if not isinstance(value, typing.cast(type, hint)):
            raise _wrong_kind(value, field, path, f"a {getattr(hint, '__name__', hint)}")
        if not isinstance(value, Recipe):
            _check_record(value, f"{path}.", lengths)
    else:
        kinds = {bool: (bool, np.bool_), float: (int, float, np.integer, np.floating), str: (str,)}[hint]
        if not isinstance(value, kinds) or (hint is float and isinstance(value, bool)):
            raise _wrong_kind(value, field, path, {bool: "true or false", float: "a number", str: "text"}[hint])


def _wrong_kind(value: Any, field: str, path: str, wanted: str) -> TypeError:
    return TypeError(f"the field {field!r} holds a {type(value).__name__}; {path} must be {wanted}")


def _is_array(value: Any) -> bool:
    """An array, or one that still lies in a file."""
    return hasattr(value, "dtype") and hasattr(value, "shape") and not np.isscalar(value)


def _check_dtype(dtype: np.dtype[Any], wanted: type[np.generic], path: str) -> None:
    kind = "i" if issubclass(wanted, np.signedinteger) else np.dtype(wanted).kind
    if dtype.type not in NUMBERS[kind] or not dtype.isnative:
        raise ValueError(f"{path} is an array of {'/'.join(one.__name__ for one in NUMBERS[kind])}; got {dtype}")


def _check_shape(shape: tuple[int, ...], wanted: tuple[str | int, ...], path: str, lengths: dict[str, int]) -> None:
    words = f"{path} has the shape {shape}, ({', '.join(map(str, wanted))}) is wanted"
    if len(shape) != len(wanted):
        raise ValueError(words)
    for length, name in zip(shape, wanted, strict=True):
        if isinstance(name, int):
            if length != name:
                raise ValueError(words)
            continue
        base, _, more = name.partition("+")
        known = lengths.setdefault(base, length - int(more or 0))
        if known + int(more or 0) != length:
            raise ValueError(f"{words}, with {known} {base}")
