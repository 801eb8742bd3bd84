"""A record (a frozen dataclass) as an HDF5 group: arrays are datasets, numbers and texts attributes, records groups."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microstructure.files.hdf5 import read_array

CLASS, MEMBERS = "class", "members"  # of a group: which record it holds, or how many members a tuple has
SMALL = 4096  # bytes: not worth compressing
CHUNK = 2**20  # bytes that are compressed at a time


@dataclass(frozen=True)
class TextForm:
    """How a record that is better read by people is written as text, and read back."""

    write: Callable[[Any], str]
    read: Callable[[str], Any]


Texts = Mapping[type, TextForm]
Names = tuple[str, ...]


def write_record(group: Any, record: Any, texts: Texts, skip: Names = ()) -> None:
    """Write all fields of a record but those to skip.

    Raises
    ------
    TypeError
        If a field holds what could not be read back: the message names it.
    """
    hints = typing.get_type_hints(type(record))
    group.attrs[CLASS] = type(record).__name__
    for one in _fields(type(record)):
        if one.name not in skip:
            _write(group, one.name, getattr(record, one.name), _records_in(hints[one.name]), texts)


def read_record(
    group: Any,
    kind: type,
    texts: Texts,
    *,
    skip: Names = (),
    ignored: Names = (),
    check: Callable[[Any], object] = lambda record: None,
) -> Any:
    """Read a record of this class; fields to skip, and those that the file has not, take their defaults.

    Parameters
    ----------
    check : callable, optional
        Is given the record before its arrays are read, with the datasets in their places, and raises if they cannot be
        right: of their shapes and dtypes alone, a file that claims too much is refused before any memory is taken.

    Raises
    ------
    ValueError
        If a field without a default is missing, or the file has a field that this class has not.
    """
    record = _read_record(group, kind, texts, skip, ignored)
    check(record)
    return _with_arrays(record)


def _read_record(group: Any, kind: type, texts: Texts, skip: Names = (), ignored: Names = ()) -> Any:
    """The record with datasets in the place of its arrays."""
    hints, known = typing.get_type_hints(kind), {one.name: one for one in _fields(kind)}
    stored = {*group.attrs, *group} - {CLASS, *ignored}
    unknown = sorted(stored - set(known))
    if unknown:
        few = ", ".join(unknown[:3])
        raise ValueError(f"it has {few} in its {kind.__name__}, unknown to this percoat: update percoat")
    values = {name: _read(group, name, _records_in(hints[name]), texts) for name in stored - set(skip)}
    missing = [name for name, one in known.items() if name not in values and not _has_default(one)]
    if missing:
        raise ValueError(f"its {kind.__name__} lacks {', '.join(missing)}: it is damaged, or too old for this percoat")
    return kind(**values)


def _with_arrays(value: Any) -> Any:
    """The same with every dataset read."""
    import h5py

    if isinstance(value, h5py.Dataset):
        return read_array(value)
    if isinstance(value, tuple):
        return tuple(map(_with_arrays, value))
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    named = {one.name: getattr(value, one.name) for one in _fields(type(value))}
    read = {name: _with_arrays(old) for name, old in named.items()}
    changed = {name: new for name, new in read.items() if new is not named[name]}
    return dataclasses.replace(value, **changed) if changed else value


def _fields(kind: type) -> list[dataclasses.Field[Any]]:
    return [one for one in dataclasses.fields(kind) if one.init]


def _has_default(one: dataclasses.Field[Any]) -> bool:
    return one.default is not dataclasses.MISSING or one.default_factory is not dataclasses.MISSING


def _records_in(hint: Any) -> dict[str, type]:
    """The records that an annotation such as `tuple[Core, ...] | None` allows: a file names one, it brings no code."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return {hint.__name__: hint}
    return {name: kind for part in typing.get_args(hint) for name, kind in _records_in(part).items()}


def _write(group: Any, name: str, value: Any, records: dict[str, type], texts: Texts) -> None:
    import h5py

    if value is None:
        group.attrs[name] = h5py.Empty("f")
    elif isinstance(value, (bool, int, float, str, np.bool_, np.integer, np.floating)):
        group.attrs[name] = value
    elif isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        group.create_dataset(name, data=value, **_packing(value))
    elif isinstance(value, tuple):
        _write_tuple(group, name, value, records, texts)
    elif type(value) not in records.values():
        raise TypeError(
            f"the field {name!r} holds a {type(value).__name__}: arrays, numbers, texts and records go to file"
        )
    elif type(value) in texts:
        group[name] = texts[type(value)].write(value)
    else:
        write_record(group.create_group(name), value, texts)


def _write_tuple(group: Any, name: str, value: tuple[Any, ...], records: dict[str, type], texts: Texts) -> None:
    plain = {type(member) for member in value}
    if len(plain) == 1 and plain <= {bool, int, float, str}:
        group.attrs[name] = value
        return
    members = group.create_group(name)
    members.attrs[MEMBERS] = len(value)
    for number, member in enumerate(value):
        _write(members, str(number), member, records, texts)


def _packing(array: NDArray[np.generic]) -> dict[str, Any]:
    """Ids and labels shrink tenfold and more; the random digits of coordinates do not, and would cost minutes."""
    if array.nbytes < SMALL or array.dtype.kind == "f":
        return {}
    rows = max(1, min(len(array), CHUNK * len(array) // array.nbytes))
    return {"compression": "gzip", "compression_opts": 1, "shuffle": True, "chunks": (rows, *array.shape[1:])}


def _read(group: Any, name: str, records: dict[str, type], texts: Texts) -> Any:
    import h5py

    if name in group.attrs:
        value = group.attrs[name]
        if isinstance(value, h5py.Empty):
            return None
        return tuple(value.tolist()) if isinstance(value, np.ndarray) else getattr(value, "item", lambda: value)()
    found = group[name]
    if isinstance(found, h5py.Dataset):
        text = [texts[kind] for kind in records.values() if kind in texts]
        return text[0].read(found.asstr()[()]) if text else found
    if MEMBERS in found.attrs:
        return tuple(_read(found, str(number), records, texts) for number in range(found.attrs[MEMBERS]))
    kind = records.get(str(found.attrs[CLASS]))
    if kind is None:
        raise ValueError(f"it has a {found.attrs[CLASS]} as {name}, unknown to this percoat: update percoat")
    return _read_record(found, kind, texts)
