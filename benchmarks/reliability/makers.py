"""Files written byte by byte, so that any promise in them can be false."""

from __future__ import annotations

import functools
import gzip
import io
import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DEFLATE, LZMA, NONE = 8, 34925, 1
ZEROS = b"\0" * 2**20
SHORT, LONG, RATIO, TEXT = 3, 4, 5, 2


def label_image(shape: tuple[int, int, int] = (4, 5, 6)) -> NDArray[np.uint8]:
    """A small image of three labels, no two axes alike."""
    return np.random.default_rng(1).integers(0, 3, shape).astype(np.uint8)


@functools.cache
def deflated(megabytes: int) -> bytes:
    """So many megabytes of zeros as a zlib stream."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(ZEROS) for _ in range(megabytes)) + packer.flush()


@functools.cache
def lzma_packed(megabytes: int) -> bytes:
    """So many megabytes of zeros as an xz stream."""
    packer = lzma.LZMACompressor(preset=1)
    return b"".join(packer.compress(ZEROS) for _ in range(megabytes)) + packer.flush()


def tiff(
    path: Path,
    data: bytes,
    *,
    width: int,
    height: int,
    pages: int = 1,
    packing: int = NONE,
    bits: int = 8,
    sample: int = 1,
    photometric: Sequence[int] = (1,),
    more: dict[int, tuple[int, int]] | None = None,
    offset: int | None = None,
    count: int | None = None,
    chain: int | None = None,
) -> None:
    """A little-endian TIFF; all pages share one strip. `chain` is where the last page says that another one follows."""
    tags_of_all = {256: (LONG, width), 257: (LONG, height), 258: (SHORT, bits), 259: (SHORT, packing), 277: (SHORT, 1)}
    tags_of_all |= {278: (LONG, height), 339: (SHORT, sample), 279: (LONG, len(data) if count is None else count)}
    tags_of_all |= {273: (LONG, 8 if offset is None else offset)} | (more or {})
    start = 8 + len(data) + len(data) % 2
    with path.open("wb") as file:
        file.write(b"II*\0" + struct.pack("<I", start) + data + b"\0" * (len(data) % 2))
        for page in range(pages):
            tags = tags_of_all | {262: (SHORT, photometric[page % len(photometric)])}
            file.write(struct.pack("<H", len(tags)))
            for code, (kind, value) in sorted(tags.items()):
                file.write(
                    struct.pack("<HHI", code, kind, 1)
                    + struct.pack("<HH" if kind == SHORT else "<I", *((value, 0) if kind == SHORT else (value,)))
                )
            following = file.tell() + 4 if page + 1 < pages else chain or 0
            file.write(struct.pack("<I", following))


def npy_head(words: str, *, version: bytes = b"\1\0", length: int | None = None) -> bytes:
    """The head of an npy file with any words in it."""
    text = words.encode("latin1") + b"\n"
    size = len(text) if length is None else length
    return b"\x93NUMPY" + version + struct.pack("<H" if version[0] == 1 else "<I", size) + text


def npy(array: NDArray) -> bytes:
    """As numpy writes it."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=array.dtype == object)
    return file.getvalue()


def zip_of(path: Path, members: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> None:
    """An archive of these members."""
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, content)


def zip_bomb(path: Path, megabytes: int, head: bytes, *, method: int = zipfile.ZIP_DEFLATED) -> None:
    """One member `arr_0.npy`: a head and zeros."""
    with zipfile.ZipFile(path, "w", method) as file, file.open("arr_0.npy", "w", force_zip64=True) as member:
        member.write(head)
        for _ in range(megabytes):
            member.write(ZEROS)


def gzip_bomb(path: Path, megabytes: int) -> None:
    """Zeros."""
    with gzip.open(path, "wb") as file:
        for _ in range(megabytes):
            file.write(ZEROS)


def sidecar(path: Path, **changes: object) -> None:
    """The JSON file beside a raw image, with some words changed."""
    words = {
        "format": "percoat raw image", "version": 1, "shape": [4, 5, 6], "dtype": "uint8", "byte_order": "little",
        "axes": "xyz", "fastest": "last axis", "voxel_size": 1e-7, "voxel_size_unit": "m", "phases": {},
    }  # fmt: skip
    path.with_name(path.name + ".json").write_text(json.dumps(words | changes), "utf-8")


def vti(
    path: Path,
    body: str = "",
    *,
    extent: str = "0 4 0 5 0 6",
    spacing: str = "1e-7 1e-7 1e-7",
    kind: str = "UInt8",
    layout: str = "ascii",
    compressor: str = "",
    appended: bytes = b"",
    header: str = "UInt64",
    encoding: str = "raw",
) -> None:
    """An image file of VTK with one array on the cells."""
    packed = f' compressor="{compressor}"' if compressor else ""
    at = ' offset="0"' if layout == "appended" else ""
    head = (
        f'<?xml version="1.0"?><VTKFile type="ImageData" version="1.0" byte_order="LittleEndian" header_type="{header}"'
        f'{packed}><ImageData WholeExtent="{extent}" Origin="0 0 0" Spacing="{spacing}"><Piece Extent="{extent}">'
        f'<CellData Scalars="phase"><DataArray type="{kind}" Name="phase" format="{layout}"{at}>{body}</DataArray>'
        "</CellData></Piece></ImageData>"
    )
    tail = b'<AppendedData encoding="%s">_' % encoding.encode() + appended + b"</AppendedData>" if appended else b""
    path.write_bytes(head.encode() + tail + b"</VTKFile>")


def vti_blocks(packed: bytes, size: int, *, blocks: int = 1) -> bytes:
    """The head of compressed data in VTK: blocks, size of each, of the last, compressed sizes; then the data."""
    return np.array([blocks, size, 0, *[len(packed)] * blocks], np.uint64).tobytes() + packed * blocks
