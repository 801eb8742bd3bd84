"""HDF5 files: a full disk is no crash of the library, a file of somebody else costs no more than it holds."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import math
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

MOST_PARTS = 1000  # groups, datasets and attributes; a structure has some sixty
MOST_BESIDES = 2**25  # bytes of names, numbers and texts, or of what was erased
LONGEST_ATTRIBUTE = 4096  # bytes
SEAL = b"percoat, SHA-256 of all before: "  # at the end of a file, behind what HDF5 reads
SHORTEST = 12  # bytes of it that are known again in a file that is cut short
PIECE = 2**20  # bytes read at a time
DEFLATE, SHUFFLE = 1, 2  # the filters that `records` writes, by HDF5's numbers


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Any]:
    """A new HDF5 file; what goes wrong while it is written is raised once HDF5 has closed it.

    Behind its last byte stands a checksum, which `check_seal` looks at before HDF5 sees the file.
    """
    import h5py

    with path.open("wb+", buffering=0) as disk:
        kept = _DeferredErrors(disk)
        try:
            with h5py.File(kept, "w") as file:
                yield file
        finally:
            if kept.error is not None:
                raise kept.error
        seal = SEAL + _checksum(disk, disk.seek(0, os.SEEK_END))
        if disk.write(seal) != len(seal):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def check_seal(path: Path) -> None:
    """Refuse a file that has changed since it was written: on one with a hole HDF5 may read for ever.

    A file without a checksum, of an earlier version or written by others, passes.

    Raises
    ------
    ValueError
        If its checksum is another one.
    """
    length = len(SEAL) + 2 * hashlib.sha256().digest_size
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        start = file.seek(max(size - length, 0))
        at = file.read().find(SEAL[:SHORTEST])
        if at > 0 or (at == 0 and size - start < length):
            raise ValueError("it is cut short: copy or save it again")
        if at == 0 and not _stands(file, start):
            raise ValueError("it is not what was saved: it is damaged")


def _stands(file: IO[bytes], end: int) -> bool:
    """Whether the checksum behind this byte is that of all before."""
    file.seek(end)
    return file.read() == SEAL + _checksum(file, end)


def _checksum(file: IO[bytes], size: int) -> bytes:
    """SHA-256 of the first bytes of a file, in hexadecimal."""
    found, left = hashlib.sha256(), size
    file.seek(0)
    while left and (piece := file.read(min(PIECE, left))):
        found.update(piece)
        left -= len(piece)
    file.seek(size)
    return found.hexdigest().encode()


class _DeferredErrors:
    """A file whose errors are kept for later: HDF5 crashes where a write fails.

    The first one is kept in `error` and nothing is written from then on; an interruption is kept there as well.
    """

    def __init__(self, disk: IO[bytes]) -> None:
        self.disk = disk
        self.error: BaseException | None = None

    def write(self, content: memoryview) -> int:
        rest = memoryview(content).cast("B")
        try:
            while self.error is None and rest:
                rest = rest[self.disk.write(rest) :]
        except BaseException as error:
            self.error = error
        return len(content)

    def truncate(self, size: int) -> int:
        try:
            if self.error is None:
                self.disk.truncate(size)
        except BaseException as error:
            self.error = error
        return size

    def __getattr__(self, name: str) -> Any:
        return getattr(self.disk, name)


def check_contents(file: Any) -> None:
    """Refuse a file that leads elsewhere, or whose arrays are not all in it.

    Raises
    ------
    ValueError
        If it has links other than plain ones or one part under two names, data in other files, virtual data, filters
        or types that `save_structure` does not write, arrays that claim more than is stored, or too many parts.
    """
    import h5py

    room, count, found, waiting = file.id.get_filesize(), 0, [], [file["/"]]
    while waiting:
        part = waiting.pop()
        found.append(part)
        if h5py.h5o.get_info(part.id).rc != 1:
            raise ValueError(f"{part.name} stands in it under two names")
        count += 1 + len(part.attrs) + (len(part) if isinstance(part, h5py.Group) else 0)
        if count > MOST_PARTS:
            raise ValueError(f"it has more than {MOST_PARTS} parts, a structure has some sixty")
        if isinstance(part, h5py.Dataset):
            room -= _check_dataset(part)
        else:
            waiting += [_member(part, name) for name in part]
    if room < 0:
        raise ValueError("its arrays claim more bytes than it has")
    if room > MOST_BESIDES:
        raise ValueError(f"it has {room:.3g} bytes besides its arrays, a structure has some thousand")
    for part in found:
        for name in part.attrs:
            _check_attribute(part, name)


def _member(group: Any, name: str) -> Any:
    import h5py

    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{name} in it is a link to something else; everything must be in the file itself")
    member = group[name]
    if not isinstance(member, (h5py.Group, h5py.Dataset)):
        raise ValueError(f"{name} in it is neither a group nor an array")
    return member


def _check_attribute(part: Any, name: str) -> None:
    import h5py

    found = h5py.h5a.open(part.id, name.encode())
    kind, count = found.get_type(), found.get_space().get_simple_extent_npoints()
    plain = (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.STRING, h5py.h5t.ENUM)
    if kind.get_class() not in plain or count * kind.get_size() > LONGEST_ATTRIBUTE:
        raise ValueError(f"its attribute {name} is no number, text or short list of them")


def _check_dataset(found: Any) -> int:
    """The bytes that an array takes in the file."""
    import h5py

    layout, name = found.id.get_create_plist(), found.name
    if found.is_virtual or layout.get_external_count() > 0:
        raise ValueError(f"the data of {name} lie in other files; everything must be in the file itself")
    stored = int(found.id.get_storage_size())
    if found.dtype.kind == "O":  # text: its length stands with it
        if found.shape != () or h5py.check_string_dtype(found.dtype) is None or layout.get_nfilters() > 0:
            raise ValueError(f"{name} in it is neither one text nor numbers")
        return stored
    own = h5py.h5t.py_create(found.dtype, logical=True)
    if found.dtype.kind not in "biuf" or not found.dtype.isnative or found.shape is None or own != found.id.get_type():
        raise ValueError(f"{name} in it is no array of numbers as this computer writes them")
    if layout.get_layout() == h5py.h5d.CHUNKED:
        filters = tuple(layout.get_filter(number)[0] for number in range(layout.get_nfilters()))
        if filters not in ((SHUFFLE, DEFLATE), (DEFLATE,), (SHUFFLE,), ()):
            raise ValueError(f"{name} is packed in a way that save_structure does not use")
        if any(step > max(edge, 1) for edge, step in zip(found.shape, found.chunks, strict=True)):
            raise ValueError(f"{name} lies in pieces larger than itself")
        pieces = math.prod(-(-edge // step) for edge, step in zip(found.shape, found.chunks, strict=True))
        if found.id.get_num_chunks() != pieces:
            raise ValueError(f"{name} claims {found.nbytes:.4g} bytes, of which pieces are missing")
    elif stored != found.nbytes:
        raise ValueError(f"{name} claims {found.nbytes:.4g} bytes, {stored} are there")
    return stored


def read_array(found: Any) -> NDArray[np.generic]:
    """All numbers of an array that `check_contents` has let pass.

    Packed ones are unpacked here and not by HDF5, which would unpack whatever a piece holds, beyond its own size.

    Raises
    ------
    ValueError
        If a piece holds more or less than it should.
    """
    if found.chunks is None:
        return np.asarray(found[()])
    array = np.empty(found.shape, found.dtype)
    size = math.prod(found.chunks) * found.dtype.itemsize
    layout = found.id.get_create_plist()
    filters = [layout.get_filter(number)[0] for number in range(layout.get_nfilters())]
    for number in range(found.id.get_num_chunks()):
        start = found.id.get_chunk_info(number).chunk_offset
        skipped, content = found.id.read_direct_chunk(start)
        used = [code for bit, code in enumerate(filters) if not skipped >> bit & 1]
        if DEFLATE in used:
            content = zlib.decompressobj().decompress(content, size + 1)
        if len(content) != size:
            raise ValueError(f"a piece of {found.name} holds more or less than it should: it is damaged")
        flat = np.frombuffer(content, np.uint8)
        if SHUFFLE in used:
            flat = np.ascontiguousarray(flat.reshape(found.dtype.itemsize, -1).T)
        piece = flat.view(found.dtype).reshape(found.chunks)
        place = tuple(slice(low, low + edge) for low, edge in zip(start, found.chunks, strict=True))
        inside = array[place]
        inside[...] = piece[tuple(map(slice, inside.shape))]
    return array
