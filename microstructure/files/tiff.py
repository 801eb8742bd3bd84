"""TIFF stacks: one page per x, rows y, columns z, with the voxel size where ImageJ looks for it."""

from __future__ import annotations

import contextlib
import json
import lzma
import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_positive
from microstructure.files import tiff_pages
from microstructure.files.tiff_pages import Entry, Page, Tiff
from microstructure.files.tiff_voxels import read_voxels
from microstructure.files.voxel_edges import LARGEST_VOXEL, Edges, units_a_metre
from microstructure.files.xml_text import parse_xml

IMAGEJ_KINDS = ("uint8", "uint16")
IMAGEJ_BYTES = 2**32 - 2**25  # ImageJ reads no BigTIFF
AS_STORED, INVERTED = "as stored", "inverted"
CENTIMETRE = 3
DOTS_PER_INCH = (72, 96, 100, 150, 200, 300, 400, 600, 1200, 2400)  # of screens, cameras and printers
DAMAGE = (ValueError, TypeError, LookupError, ArithmeticError, EOFError, RecursionError)


def write_tiff(path: Path, image: NDArray[np.generic], voxel_size: float | None) -> None:
    """Write a stack; if the voxel size [m] is known, in micrometres for ImageJ."""
    import tifffile

    options: dict[str, Any] = {}
    # a single page or column would come back from an ImageJ stack as something flat: tifffile's own note keeps it
    imagej = image.dtype.name in IMAGEJ_KINDS and min(image.shape[0], image.shape[2]) > 1
    if voxel_size is not None and imagej and image.nbytes < IMAGEJ_BYTES:
        micrometres = float(f"{voxel_size * 1e6:.15g}")
        options = {"imagej": True, "resolution": (1.0 / micrometres, 1.0 / micrometres)}
        options["metadata"] = {"axes": "ZYX", "spacing": micrometres, "unit": "um"}
    elif voxel_size is not None:
        options["metadata"] = {"voxel_size": voxel_size}
    tifffile.imwrite(path, image, photometric="minisblack", **options)


def read_tiff(path: Path, photometric: str | None = None) -> NDArray[np.generic]:
    """The stack as [page, row, column].

    Raises
    ------
    ValueError
        If the file is no TIFF, is cut short, holds colours, channels, times or pages of several sizes, or says that 0
        is white while `photometric` does not say what to do.
    """
    with _opened(path) as tiff:
        stack = _stack(tiff)
        pages = _of_one_kind(stack.pages)
        planes = _planes(stack.note, len(pages))
        white = [number for number, page in enumerate(pages) if page.layout.white_is_zero]
        if white and photometric is None:
            raise ValueError(_which_is_white(white, len(pages)))
        image = read_voxels(tiff, pages, planes)
        if photometric == INVERTED:
            for number in white if planes == len(pages) else range(planes if white else 0):
                _invert(image[number], pages[0].layout.bits)
        return image.reshape(_shape(stack.note, image.shape))


def tiff_edges(path: Path) -> Edges | None:
    """Edges of a voxel along page, row and column [m]; None if the file does not say."""
    with _opened(path) as tiff:
        stack = _stack(tiff)
        if stack.note.edges is not None or stack.note.says_all:
            return stack.note.edges
        return _of_resolution(tiff, stack.first)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Tiff]:
    try:
        with path.open("rb") as file:
            yield Tiff(file)
    except (*DAMAGE, struct.error, zlib.error, lzma.LZMAError) as error:  # any, in a damaged file
        raise ValueError(f"{path} is not an image that can be read: {error}") from None


@dataclass(frozen=True)
class Note:
    """What the description of the first page says about the whole stack."""

    lengths: tuple[int, ...] = ()  # axes of the stack, rows and columns not among them
    shape: tuple[int, ...] = ()  # of the image, as tifffile writes it
    follows: bool = False  # the planes may follow the first page without pages of their own
    edges: Edges | None = None  # [m], along page, row and column
    says_all: bool = False  # no other tag speaks of lengths


@dataclass(frozen=True)
class Stack:
    """The pages of a file, the tags of the first one, and its note."""

    pages: list[Page]
    first: dict[int, Entry]
    note: Note


def _stack(tiff: Tiff) -> Stack:
    pages: list[Page] = []
    first: dict[int, Entry] = {}
    for entries in tiff.directories():
        first = first or entries
        pages.append(tiff.page(entries, len(pages) + 1))
    if not pages:
        raise ValueError("it has no page")
    return Stack(pages, first, _note(tiff, first))


def _of_one_kind(pages: list[Page]) -> list[Page]:
    """The pages without smaller copies of them (thumbnails, pyramids)."""
    first = pages[0].layout
    size = first.rows * first.columns
    kept = [page for page in pages if not (page.layout.reduced and page.layout.rows * page.layout.columns < size)]
    kinds = {(page.layout.rows, page.layout.columns, page.layout.kind, page.layout.bits) for page in kept}
    if len(kinds) > 1:
        raise ValueError(f"it holds {len(kinds)} series of pages that differ in size or kind; save one stack")
    return kept


def _planes(note: Note, pages: int) -> int:
    """How many planes the stack has: as many as pages, or all behind the one page."""
    stacked = [length for length in note.lengths if length > 1]
    if len(stacked) > 1:
        raise ValueError(f"its axes are {note.lengths}; save one channel and one time as a stack of pages")
    planes = math.prod(note.lengths)
    if not note.lengths or planes in (1, pages) or (note.shape and planes < pages):  # tifffile notes each part alone
        return pages
    if pages == 1 and note.follows:
        return planes
    raise ValueError(f"{planes} planes are wanted, it has {pages}: it is cut short; copy or save it again")


def _shape(note: Note, shape: tuple[int, ...]) -> tuple[int, ...]:
    return note.shape if len(note.shape) == 3 and math.prod(note.shape) == math.prod(shape) else shape


def _which_is_white(white: list[int], pages: int) -> str:
    which = "its pages say" if len(white) == pages else f"{len(white)} of its {pages} pages say"
    return (
        f"{which} that 0 is white (the tag PhotometricInterpretation), which some programs write by mistake: give"
        f" photometric={AS_STORED!r} to take the numbers as they are in the file, or photometric={INVERTED!r} to turn"
        " them round on these pages, 255 into 0"
    )


def _invert(plane: NDArray[Any], bits: int) -> None:
    if plane.dtype.kind != "u":
        raise ValueError(f"voxels of {plane.dtype.name} cannot be turned round: give photometric={AS_STORED!r}")
    np.subtract(plane.dtype.type(2**bits - 1), plane, out=plane)


def _note(tiff: Tiff, first: dict[int, Entry]) -> Note:
    if tiff_pages.DESCRIPTION not in first:
        return Note()
    words = tiff.values(first[tiff_pages.DESCRIPTION], tiff_pages.MOST_WORDS).tobytes().rstrip(b"\0 \r\n\t").lstrip()
    if words.startswith(b"ImageJ="):
        return _imagej(tiff, first, words.decode("utf-8", "replace"))
    if words.startswith(b"{"):
        return _tifffile(tiff, first, words)
    if words.startswith(b"<") and words.endswith(b"OME>"):
        return _ome(words)
    return Note()


def _imagej(tiff: Tiff, first: dict[int, Entry], words: str) -> Note:
    says = dict(line.split("=", 1) for line in words.splitlines() if "=" in line)
    lengths = tuple(int(says.get(axis, "1")) for axis in ("frames", "slices", "channels"))
    images = int(says.get("images", "1"))
    if images != math.prod(lengths):
        lengths = (images,)
    note = Note(lengths, follows=True, says_all="unit" in says)
    resolution = [_rational(tiff, first, code) for code in (tiff_pages.Y_RESOLUTION, tiff_pages.X_RESOLUTION)]
    unit = says.get("unit", "")
    units = [units_a_metre(says.get(name, unit)) for name in ("zunit", "yunit", "unit")]
    if None in units or None in resolution:
        return note
    sizes = float(says.get("spacing", "1")), *(1.0 / per for per in resolution if per is not None)
    page, row, column = (size / per for size, per in zip(sizes, units, strict=True) if per is not None)
    return replace(note, edges=(page, row, column))


def _tifffile(tiff: Tiff, first: dict[int, Entry], words: bytes) -> Note:
    """tifffile's own note, in which percoat keeps the voxel size; pages written one by one have one each."""
    says = json.loads(words)
    shape, edge = says.get("shape"), says.get("voxel_size")
    if edge is not None:
        check_positive("voxel_size", edge, "m")
    edges = None if edge is None else (float(edge),) * 3
    if not isinstance(shape, list) or not all(isinstance(side, int) and side > 0 for side in shape) or len(shape) < 2:
        return Note(edges=edges)
    lengths, truncated = tuple(shape[:-2]), says.get("truncated") is True
    rows, columns = tiff.one(first, tiff_pages.ROWS), tiff.one(first, tiff_pages.COLUMNS)
    if shape[-2:] != [rows, columns] or (math.prod(lengths) == 1 and not truncated):
        lengths = ()
    return Note(lengths, tuple(shape), truncated, edges)


def _ome(words: bytes) -> Note:
    root = parse_xml([words])
    images = [element for element in root.iter() if element.tag.rpartition("}")[2] == "Pixels"]
    if not images:
        return Note()
    if len(images) > 1:
        raise ValueError(f"it holds {len(images)} series of pages (OME); save one stack")
    says = images[0].attrib
    for data in images[0]:
        which = [int(data.get(name, "0")) for name in ("FirstT", "FirstZ", "FirstC")]
        if data.tag.endswith("TiffData") and "IFD" in data.attrib and int(data.get("IFD", "0")) != max(which):
            raise ValueError("its pages are stored in an order of their own (OME TiffData); save one stack")
    lengths = tuple(int(says.get(f"Size{axis}", "1")) for axis in "TZC")
    edges = []
    for axis in "ZYX":
        per_metre = units_a_metre(says.get(f"PhysicalSize{axis}Unit", "µm"))
        if f"PhysicalSize{axis}" not in says or per_metre is None:
            return Note(lengths, says_all=True)
        edges.append(float(says[f"PhysicalSize{axis}"]) / per_metre)
    return Note(lengths, edges=(edges[0], edges[1], edges[2]), says_all=True)


def _rational(tiff: Tiff, first: dict[int, Entry], code: int) -> float | None:
    if code not in first:
        return None
    high, low = tiff.values(first[code], 1).tolist()
    if high == 0 or low == 0:
        raise ValueError(f"it states a resolution of {high}/{low}: it is damaged")
    return high / low


def _of_resolution(tiff: Tiff, first: dict[int, Entry]) -> Edges | None:
    """Pixels per centimetre, if they are no dots per inch of a screen or camera; pages lie as far apart as rows."""
    if tiff.one(first, tiff_pages.RESOLUTION_UNIT, 2) != CENTIMETRE:
        return None
    row, column = (_rational(tiff, first, code) for code in (tiff_pages.Y_RESOLUTION, tiff_pages.X_RESOLUTION))
    if row is None or column is None:
        return None
    printed = any(abs(per * 2.54 / dots - 1.0) < 1e-2 for per in (row, column) for dots in DOTS_PER_INCH)
    if printed or 0.01 / min(row, column) >= LARGEST_VOXEL:
        return None
    return 0.01 / row, 0.01 / row, 0.01 / column
