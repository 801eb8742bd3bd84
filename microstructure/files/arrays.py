"""Arrays as numpy saves them: one in an npy file, one or several in an npz."""

from __future__ import annotations

import io
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from microstructure.files.unpacking import PIECE, check_promise, check_voxel_count, cut_short, fill, room

HEAD = 2**16  # bytes: the head of an array is no longer
DIRECTORY = 2**20  # bytes: a thousand arrays have a shorter list
HEAD_DAMAGE = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, SyntaxError, tokenize.TokenError, EOFError),
    *(RecursionError, MemoryError),  # of Python's own parser, where brackets lie too deep
)
ZIP_DAMAGE = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, struct.error, OverflowError)


def read_npy(path: Path) -> NDArray[np.generic]:
    """The array, as the file has it; it stays on disk until it is used.

    Raises
    ------
    ValueError
        If the file is none of numpy, is cut short, or holds Python objects.
    """
    try:
        with path.open("rb") as file:
            shape, columns_first, kind = _head(file)
            place = file.tell()
        size = path.stat().st_size
        wanted = check_voxel_count(shape, kind.itemsize)
        if place + wanted > size:
            raise cut_short(place + wanted, size)
        if wanted == 0:
            return np.empty(shape, kind)
        if columns_first:
            return np.memmap(path, kind, mode="r", offset=place, shape=shape[::-1]).T
        return np.memmap(path, kind, mode="r", offset=place, shape=shape)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{path} is not an image that can be read: {error}") from None


def read_npz(path: Path, name: str | None = None) -> NDArray[np.generic]:
    """One array of the file.

    Raises
    ------
    ValueError
        If the file is no npz, holds several arrays and none is named, or the array is damaged.
    """
    try:
        _check_directory(path)
        with zipfile.ZipFile(path) as archive:
            arrays = {one.filename[:-4]: one for one in archive.infolist() if one.filename.endswith(".npy")}
            if name is None and len(arrays) == 1:
                name = next(iter(arrays))
            if name not in arrays:
                wanted = "name one of its arrays" if name is None else f"it has no array {name!r}, name another"
                raise ValueError(f"{wanted}, with name=; it has {', '.join(map(repr, list(arrays)[:20])) or 'none'}")
            return _member(archive, arrays[name])
    except PermissionError:
        raise
    except (ValueError, OSError, *ZIP_DAMAGE) as error:  # OSError: a damaged list that names places before the file
        raise ValueError(f"{path} is not an image that can be read: {error}") from None


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[np.generic]:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("it is packed in a way that numpy does not write; save it with numpy.savez_compressed")
    with archive.open(member) as file:
        shape, columns_first, kind = _head(file)
        wanted = check_voxel_count(shape, kind.itemsize)
        check_promise(wanted, member.compress_size)
        if wanted == 0:
            return np.empty(shape, kind)
        image = room(shape[::-1] if columns_first else shape, kind)
        fill(image, _parts(file))
    return image.T if columns_first else image


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    while part := file.read(PIECE):
        yield part


def _head(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether the first axis is the fastest, and kind of the array that begins here."""
    try:
        version = np.lib.format.read_magic(file)
    except ValueError:
        raise ValueError("it does not begin as an array of numpy does") from None
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"its version is {version[0]}.{version[1]}; save it again with numpy.save")
    length = file.read(2 if version == (1, 0) else 4)
    words = file.read(min(int.from_bytes(length, "little"), HEAD))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python 2
            shape, columns_first, kind = readers[version](io.BytesIO(length + words))
    except HEAD_DAMAGE:
        raise ValueError("its head is damaged, or longer than that of an image") from None
    if kind.hasobject:
        raise ValueError("it holds Python objects, which are not opened: save the labels as whole numbers")
    if not all(isinstance(side, int) and side >= 0 for side in shape):
        raise ValueError(f"its shape is {shape}: it is damaged")
    return shape, columns_first, kind


def _check_directory(path: Path) -> None:
    """Refuse a list of contents that is longer than that of any image, before Python reads it whole."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - HEAD - 22, 0))
        tail = file.read()
        lengths = [int.from_bytes(tail[place + 12 : place + 16], "little") for place in _places(tail, b"PK\5\6")]
        for place in _places(tail, b"PK\6\7"):
            file.seek(min(int.from_bytes(tail[place + 8 : place + 16], "little"), path.stat().st_size))
            lengths.append(int.from_bytes(file.read(56)[40:48], "little"))
    if lengths and max(lengths) > DIRECTORY:
        raise ValueError("its list of contents is too long for an image: it is damaged")


def _places(tail: bytes, mark: bytes) -> list[int]:
    found = tail.rfind(mark)
    return [] if found < 0 else [found]
