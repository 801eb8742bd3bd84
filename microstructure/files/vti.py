"""VTI, the image data of VTK and ParaView: one array of labels on the cells, spaced by the voxel size in metres."""

from __future__ import annotations

import base64
import lzma
import math
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from microstructure.files.tiff import Edges

PHASE, BLOCK = "phase", "block"
KINDS = {f"{sign}Int{bits}": f"{sign}int{bits}".lower() for sign in ("", "U") for bits in (8, 16, 32, 64)}
KINDS |= {"Float32": "float32", "Float64": "float64"}
NAMES = {kind: name for name, kind in KINDS.items()}
PACKERS: dict[str, Callable[[], Any]] = {
    "vtkZLibDataCompressor": zlib.decompressobj,
    "vtkLZMADataCompressor": lzma.LZMADecompressor,
}
PIECE = 2**20  # bytes that are compressed at a time
SIGNS = {"LittleEndian": "<", "BigEndian": ">"}
IDENTITY = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
APPENDED = re.compile(rb'<AppendedData\s+encoding="(raw|base64)"\s*>\s*_')
LARGEST_VOXEL = 1e-4  # [m]: a file with larger ones was not written in metres


def write_vti(
    path: Path, image: NDArray[np.generic], voxel_size: float | None, blocks: NDArray[np.integer] | None = None
) -> None:
    """Write the labels as "phase" and, if given, the block ids as "block", both on the cells and compressed.

    The spacing is 1 if the voxel size is not known.
    """
    arrays = {PHASE: image} if blocks is None else {PHASE: image, BLOCK: blocks}
    parts = {name: list(_packed(array)) for name, array in arrays.items()}
    extent = " ".join(f"0 {count}" for count in image.shape)
    spacing = " ".join([repr(1.0 if voxel_size is None else float(voxel_size))] * 3)
    order = "LittleEndian" if sys.byteorder == "little" else "BigEndian"
    attributes = {"type": "ImageData", "version": "1.0", "byte_order": order, "header_type": "UInt64"}
    root = ElementTree.Element("VTKFile", attributes | {"compressor": "vtkZLibDataCompressor"})
    grid = ElementTree.SubElement(root, "ImageData", WholeExtent=extent, Origin="0 0 0", Spacing=spacing)
    cells = ElementTree.SubElement(ElementTree.SubElement(grid, "Piece", Extent=extent), "CellData", Scalars=PHASE)
    offset = 0
    for name, array in arrays.items():
        kind = NAMES[array.dtype.name]
        ElementTree.SubElement(cells, "DataArray", type=kind, Name=name, format="appended", offset=str(offset))
        offset += sum(map(len, parts[name]))
    head, _, tail = ElementTree.tostring(root, xml_declaration=True, encoding="utf-8").rpartition(b"</VTKFile>")
    with path.open("wb") as file:
        file.write(head + b'<AppendedData encoding="raw">_')
        for part in parts.values():
            file.writelines(part)
        file.write(b"</AppendedData></VTKFile>" + tail)


def read_vti(path: Path, name: str | None = None) -> NDArray[np.generic]:
    """One array of the file as [x, y, z].

    Parameters
    ----------
    name : str, optional
        Which array; "phase" if there is one, or else the only one there is.

    Raises
    ------
    ValueError
        If the file is no VTI in one piece, names no such array, or is packed in a way not read here.
    """
    document = _opened(path)
    try:
        array, points = _chosen(document.piece, name)
        extent = document.extent
        shape = [high - low + points for low, high in zip(extent[::2], extent[1::2], strict=True)]
        if min(shape) < 1:
            raise ValueError(f"a three-dimensional image is wanted, its extent is {extent}")
        return _values(document, array, math.prod(shape)).reshape(shape[::-1]).transpose(2, 1, 0)  # x is the fastest
    except (ValueError, LookupError, ArithmeticError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise ValueError(f"{path} is not an image that can be read: {error}") from None


def vti_voxel_size(path: Path) -> Edges | None:
    """Edges of a voxel [m]; None for a spacing of 1, which stands for none.

    Raises
    ------
    ValueError
        If the spacing can be none in metres; VTI has no units.
    """
    spacing = _opened(path).spacing
    if spacing == (1.0, 1.0, 1.0):
        return None
    if not all(0.0 < edge < LARGEST_VOXEL for edge in spacing):
        raise ValueError(
            f"the spacing of {path} is {spacing}: metres are wanted, below {LARGEST_VOXEL} m; VTI has no units, so give"
            " the voxel size yourself"
        )
    return spacing


@dataclass(frozen=True)
class Document:
    """A VTI file, taken apart: what it says, and the bytes that are appended to it."""

    piece: ElementTree.Element
    extent: list[int]
    spacing: Edges
    byte_order: str
    header: np.dtype[Any]
    compressor: str | None
    encoding: str
    appended: memoryview


def _opened(path: Path) -> Document:
    content = path.read_bytes()
    try:
        return _document(content)
    except (ValueError, LookupError, ElementTree.ParseError) as error:
        raise ValueError(f"{path} is no VTI that can be read: {error}") from None


def _document(content: bytes) -> Document:
    found = APPENDED.search(content)
    root = ElementTree.fromstring(content[: found.start()] + b"</VTKFile>" if found else content)
    if root.tag != "VTKFile" or root.get("type") != "ImageData":
        raise ValueError(f"a VTKFile of type ImageData is wanted, it is a {root.tag} of type {root.get('type')!r}")
    compressor, order = root.get("compressor"), SIGNS[root.get("byte_order", "LittleEndian")]
    if compressor is not None and compressor not in PACKERS:
        raise ValueError(f"it is compressed by {compressor}; save it with ZLib or without compression")
    grid = _only(root.findall("ImageData"), "ImageData")
    piece = _only(grid.findall("Piece"), "Piece")
    extent = [int(bound) for bound in piece.get("Extent", "").split()]
    if len(extent) != 6:
        raise ValueError(f"an extent of six whole numbers is wanted; got {extent}")
    if [float(part) for part in grid.get("Direction", "").split() or IDENTITY] != IDENTITY:
        raise ValueError("its axes are turned (Direction); save it along x, y and z")
    x, y, z = (float(edge) for edge in grid.get("Spacing", "1 1 1").split())
    header = np.dtype(order + {"UInt32": "u4", "UInt64": "u8"}[root.get("header_type", "UInt32")])
    appended = memoryview(content)[found.end() :] if found else memoryview(b"")
    encoding = found.group(1).decode() if found else ""
    return Document(piece, extent, (x, y, z), order, header, compressor, encoding, appended)


def _only(found: list[ElementTree.Element], what: str) -> ElementTree.Element:
    if len(found) != 1:
        raise ValueError(f"one {what} is wanted, it has {len(found)}; save it in one piece")
    return found[0]


def _chosen(piece: ElementTree.Element, name: str | None) -> tuple[ElementTree.Element, int]:
    """The array, and 1 if it lies on the points, of which there is one more than cells along each axis."""
    cells = {array.get("Name", ""): (array, 0) for array in piece.iterfind("CellData/DataArray")}
    points = {array.get("Name", ""): (array, 1) for array in piece.iterfind("PointData/DataArray")}
    arrays = points | cells
    if name is None and (PHASE in arrays or len(arrays) == 1):
        name = PHASE if PHASE in arrays else next(iter(arrays))
    if name not in arrays:
        wanted = "name one of its arrays" if name is None else f"it has no array {name!r}, name another"
        raise ValueError(f"{wanted}, with name=; it has {', '.join(map(repr, arrays)) or 'none'}")
    return arrays[name]


def _values(document: Document, array: ElementTree.Element, count: int) -> NDArray[np.generic]:
    if array.get("NumberOfComponents", "1") != "1":
        raise ValueError(f"one number per voxel is wanted, {array.get('Name')!r} has {array.get('NumberOfComponents')}")
    kind = np.dtype(document.byte_order + np.dtype(KINDS[array.get("type", "")]).str[1:])
    layout, words = array.get("format"), (array.text or "").strip()
    if layout == "ascii":
        return _numbers(words, kind, count)
    if layout == "binary":
        stream = memoryview(_from_base64(words.encode()))
    elif layout == "appended":
        stream = _appended(document, int(array.get("offset", "")))
    else:
        raise ValueError(f"its data are written as {layout!r}; save them as ascii, binary or appended")
    return np.frombuffer(_unpacked(stream, document, count * kind.itemsize), kind)


def _numbers(words: str, kind: np.dtype[Any], count: int) -> NDArray[np.generic]:
    numbers = np.array(words.split(), np.float64 if kind.kind == "f" else np.int64)
    values = numbers.astype(kind)
    if len(values) != count or not np.array_equal(values, numbers, equal_nan=kind.kind == "f"):
        raise ValueError(
            f"{count} numbers of {kind.name} are wanted, it has {len(values)}, or some are too large for it"
        )
    return values


def _appended(document: Document, offset: int) -> memoryview:
    if document.encoding == "raw":
        return document.appended[offset:]
    text = bytes(document.appended[offset:])
    return memoryview(_from_base64(text[: text.find(b"<")] if b"<" in text else text))


def _from_base64(text: bytes) -> bytes:
    """Head and data are encoded one after the other, each with its own padding."""
    return b"".join(base64.b64decode(part, validate=True) for part in re.findall(rb"[^=]+=*", b"".join(text.split())))


def _unpacked(stream: memoryview, document: Document, wanted: int) -> bytes | memoryview:
    word = document.header
    if document.compressor is None:
        size = int(np.frombuffer(stream[: word.itemsize], word)[0])
        return _of_length(stream[word.itemsize :][:size], wanted)
    number, piece, last = (int(part) for part in np.frombuffer(stream[: 3 * word.itemsize], word))
    promised = (number - 1) * piece + (last or piece) if number else 0
    if promised != wanted or piece < 1:
        raise ValueError(f"{wanted} bytes are wanted, it promises {promised}: it is damaged")
    start = 3 * word.itemsize
    body = start + number * word.itemsize
    sizes = np.frombuffer(stream[start:body], word).astype(np.int64).tolist()
    bounds = np.concatenate([[body], body + np.cumsum(sizes)]).astype(np.int64).tolist()
    parts = [PACKERS[document.compressor]().decompress(stream[low:high], piece) for low, high in pairwise(bounds)]
    return _of_length(b"".join(parts), wanted)


def _of_length(data: bytes | memoryview, wanted: int) -> bytes | memoryview:
    if len(data) != wanted:
        raise ValueError(f"{wanted} bytes are wanted, it has {len(data)}: it is cut short or damaged")
    return data


def _packed(image: NDArray[np.generic]) -> Iterator[bytes]:
    """The array with x fastest: how many pieces, their size, that of the last, their compressed sizes, the pieces."""
    data = np.ascontiguousarray(image.T, image.dtype.newbyteorder("=")).data.cast("B")
    pieces = [zlib.compress(data[start : start + PIECE], 1) for start in range(0, len(data), PIECE)]
    yield np.array([len(pieces), PIECE, len(data) % PIECE, *map(len, pieces)], np.uint64).tobytes()
    yield from pieces
