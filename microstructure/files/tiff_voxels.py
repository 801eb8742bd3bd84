"""The voxels of TIFF pages: strips and tiles, unpacked one by one into the image."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microstructure.files.tiff_pages import Entry, Layout, Page, Tiff
from microstructure.files.unpacking import (
    MODEST,
    check_promise,
    check_voxel_count,
    cut_short,
    deflated,
    fill,
    from_lzma,
    from_packbits,
    room,
)

PLAIN, LZW, PACKBITS = 1, 5, 32773
UNPACKERS = {8: deflated, 32946: deflated, 34925: from_lzma, PACKBITS: from_packbits}
CODECS = {LZW: "lzw_decode", 34926: "zstd_decode", 50000: "zstd_decode"}
LOSSY = {6: "JPEG", 7: "JPEG", 22610: "JPEG XR", 33003: "JPEG 2000", 33004: "JPEG 2000", 33005: "JPEG 2000"}
LOSSY |= {
    34712: "JPEG 2000",
    34892: "JPEG",
    34927: "WebP",
    34933: "PNG",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
MOST_BLOCKS = 2**22  # strips and tiles of all pages
NONE, DIFFERENCES, OF_FLOATS = 1, 2, 3  # predictors


def read_voxels(tiff: Tiff, pages: Sequence[Page], planes: int) -> NDArray[Any]:
    """All pages [page, row, column], which have one size and kind; a single page may be followed by more planes."""
    layout = pages[0].layout
    shape, kind = (planes, layout.rows, layout.columns), np.dtype(layout.kind)
    check_promise(check_voxel_count(shape, kind.itemsize), 8 * tiff.size // min(layout.bits, 8))
    if all(page.layout.compression == PLAIN for page in pages):
        wanted = planes * layout.rows * ((layout.columns * layout.bits + 7) // 8)
        if wanted > tiff.size:
            raise cut_short(wanted, tiff.size)
    if sum(page.layout.blocks for page in pages) > MOST_BLOCKS:
        raise ValueError(f"it has more than {MOST_BLOCKS} strips or tiles; save it with one strip a page")
    image = room(shape, kind)
    if planes > len(pages):
        fill(image, _pieces(tiff, _first_place(tiff, pages[0]), image.nbytes))
        return image
    stored = decoded = 0
    for page, plane in zip(pages, image, strict=True):
        stored += _read_page(tiff, page, plane)
        decoded += plane.nbytes
        check_promise(decoded, stored)
        if stored > tiff.size and decoded > MODEST:
            raise ValueError("its pages share their data: it is damaged")
    return image


def _first_place(tiff: Tiff, page: Page) -> int:
    if page.layout.compression != PLAIN or page.layout.bits < 8 or page.layout.predictor != NONE:
        raise ValueError("it has one page, which is packed, and a note of more: it is cut short")
    return int(tiff.values(page.places, page.layout.blocks)[0])


def _read_page(tiff: Tiff, page: Page, plane: NDArray[Any]) -> int:
    """Fill one page, and return how many bytes of the file it took."""
    layout, stored = page.layout, 0
    plain = layout.compression == PLAIN and layout.bits >= 8
    direct = layout.bits >= 8 and layout.predictor != OF_FLOATS and layout.block[1] == layout.columns
    for rows, columns, place, length in _blocks(tiff, page, plain):
        whole = (rows.stop - rows.start, layout.block[1])
        out = plane[rows] if direct else np.empty((whole[0], -(-whole[1] * layout.bits // 8)), np.uint8)
        # some writers fill the last strip, and all fill the last tile
        spare = max(layout.block[0] - whole[0], 0) * out[0].nbytes
        length = min(length, out.nbytes) if layout.compression == PLAIN else length
        if length > 2 * (out.nbytes + spare) + 2**12:
            raise ValueError(f"{length} bytes are packed into {out.nbytes} bytes of image: it is damaged")
        fill(out, _unpacked(tiff, layout, place, length, out.nbytes + spare), spare)
        if direct:
            _undo_differences(out, layout)
        else:
            plane[rows, columns] = _as_voxels(out, layout, whole)[:, : columns.stop - columns.start]
        stored += length
    return stored * 8 // min(layout.bits, 8)


def _blocks(tiff: Tiff, page: Page, plain: bool) -> Iterator[tuple[slice, slice, int, int]]:
    """Each strip or tile: its rows, its columns, where it is in the file and how long."""
    layout = page.layout
    high, wide = layout.block
    places = _listed(tiff, page.places, layout.blocks)
    if page.lengths is not None:
        lengths = _listed(tiff, page.lengths, layout.blocks)
    elif plain:
        lengths = [high * wide * layout.bits // 8] * len(places)
    else:
        raise ValueError("it does not say how long its packed data are: it is damaged")
    if not all(places) or not all(lengths):
        raise ValueError("a strip or tile has no data: save the image whole")
    if plain and wide == layout.columns and len(places) > 1:
        row = wide * layout.bits // 8
        if all(place == places[0] + number * high * row for number, place in enumerate(places)):
            yield slice(0, layout.rows), slice(0, wide), places[0], layout.rows * row
            return
    corners = ((row, column) for row in range(0, layout.rows, high) for column in range(0, layout.columns, wide))
    for (row, column), place, length in zip(corners, places, lengths, strict=True):
        yield slice(row, min(row + high, layout.rows)), slice(column, min(column + wide, layout.columns)), place, length


def _listed(tiff: Tiff, entry: Entry, wanted: int) -> list[int]:
    values = tiff.values(entry, wanted)
    if len(values) != wanted or values.dtype.kind not in "ui":
        raise ValueError(f"{wanted} strips or tiles are wanted, {len(values)} are listed: it is damaged")
    return values.tolist()


def _unpacked(tiff: Tiff, layout: Layout, place: int, length: int, most: int) -> Iterator[bytes]:
    if layout.compression == PLAIN:
        return _pieces(tiff, place, length) if not layout.reversed_bits else iter([_mirrored(tiff.read(place, length))])
    packed = tiff.read(place, length)
    if layout.reversed_bits:
        packed = _mirrored(packed)
    if layout.compression in UNPACKERS:
        return UNPACKERS[layout.compression](packed)
    if layout.compression in CODECS:
        return iter([_codec(layout.compression)(packed, out=most + 1)])
    raise ValueError(_no_such(layout.compression))


def _no_such(compression: int) -> str:
    if compression in LOSSY:
        return f"its pages are packed as {LOSSY[compression]}, made for pictures; save the labels without it"
    return f"it is compressed in a way that is not read ({compression}); save it with deflate or without compression"


def _codec(compression: int) -> Callable[..., bytes]:
    name = CODECS[compression]
    try:
        imagecodecs = importlib.import_module("imagecodecs")
    except ImportError:
        raise ValueError(
            f"it is compressed by {name.split('_')[0].upper()}, which the package imagecodecs reads: install it (pip"
            " install imagecodecs), or save the image with deflate or without compression"
        ) from None

    def unpack(packed: bytes, out: int) -> bytes:
        try:
            return getattr(imagecodecs, name)(packed, out=out)
        except RuntimeError as error:  # each codec has its own class of it
            raise ValueError(f"its data cannot be unpacked: {error}") from None

    return unpack


def _pieces(tiff: Tiff, place: int, length: int) -> Iterator[bytes]:
    for start in range(place, place + length, 2**20):
        yield tiff.read(start, min(2**20, place + length - start))


def _mirrored(data: bytes) -> bytes:
    """FillOrder 2: the lowest bit of each byte comes first."""
    return np.packbits(np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")).tobytes()


def _as_voxels(data: NDArray[np.uint8], layout: Layout, shape: tuple[int, int]) -> NDArray[Any]:
    """The bytes of a block [row, byte] as its voxels [row, column]."""
    if layout.predictor == OF_FLOATS:
        return _undo_floats(data, layout, shape)
    if layout.bits >= 8:
        voxels = data.view(layout.kind)
        _undo_differences(voxels, layout)
        return voxels
    if layout.predictor != NONE:
        raise ValueError(f"pages of {layout.bits} bits with a predictor are not read; save it without")
    shifts = np.arange(8 - layout.bits, -1, -layout.bits, dtype=np.uint8)
    values = (data[:, :, None] >> shifts) & np.uint8(2**layout.bits - 1)
    return values.reshape(len(data), -1)[:, : shape[1]]


def _undo_differences(voxels: NDArray[Any], layout: Layout) -> None:
    """Predictor 2: each value but the first of a row is stored as its difference to the one before."""
    if layout.predictor == DIFFERENCES:
        if voxels.dtype.kind == "f":
            voxels = voxels.view(voxels.dtype.str.replace("f", "u"))
        step = max(1, 2**16 // voxels.shape[1])
        for rows in (voxels[start : start + step] for start in range(0, len(voxels), step)):
            rows[...] = np.cumsum(rows, axis=1, dtype=rows.dtype.newbyteorder("="))
    elif layout.predictor != NONE:
        raise ValueError(f"its predictor {layout.predictor} is not read; save it without")


def _undo_floats(data: NDArray[np.uint8], layout: Layout, shape: tuple[int, int]) -> NDArray[Any]:
    """Predictor 3: the bytes of a row sorted by their weight, highest first, then stored as differences."""
    kind = np.dtype(layout.kind)
    if kind.kind != "f":
        raise ValueError("its predictor is for floating-point numbers, its voxels are whole ones: it is damaged")
    sums = np.cumsum(data, axis=1, dtype=np.uint8).reshape(shape[0], kind.itemsize, shape[1])
    return np.ascontiguousarray(sums.transpose(0, 2, 1)).view(kind.newbyteorder(">"))[:, :, 0]
