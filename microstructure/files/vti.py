"""VTI, the image data of VTK and ParaView: one array of labels on the cells, spaced by the voxel size in metres."""

from __future__ import annotations

import binascii
import lzma
import math
import re
import string
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from microstructure.files.unpacking import check_promise, check_voxel_count, deflated, fill, from_lzma, room
from microstructure.files.voxel_edges import LARGEST_VOXEL, Edges
from microstructure.files.xml_text import parse_xml

PHASE, BLOCK = "phase", "block"
KINDS = {f"{sign}Int{bits}": f"{sign}int{bits}".lower() for sign in ("", "U") for bits in (8, 16, 32, 64)}
KINDS |= {"Float32": "float32", "Float64": "float64"}
NAMES = {kind: name for name, kind in KINDS.items()}
UNPACKERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "vtkZLibDataCompressor": deflated,
    "vtkLZMADataCompressor": from_lzma,
}
PIECE = 2**20  # bytes that are compressed at a time
SIGNS = {"LittleEndian": "<", "BigEndian": ">"}
BASE64 = (string.ascii_letters + string.digits + "+/=" + string.whitespace).encode()
IDENTITY = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
APPENDED = re.compile(rb'<AppendedData\s+encoding="(raw|base64)"\s*>\s*_')
MARK = 200  # bytes: what opens the appended data is no longer
SPACE = re.compile(r"\s")
WORDS = 2**16  # characters of numbers that are read at a time


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
    with path.open("rb") as file:
        document = _opened(path, file)
        try:
            array, points = _chosen(document.piece, name)
            extent = document.extent
            shape = [high - low + points for low, high in zip(extent[::2], extent[1::2], strict=True)]
            if not points and min(shape) == 0:
                shape = [max(side, 1) for side in shape]  # one layer of cells lies in a plane
            if min(shape) < 1:
                raise ValueError(f"a three-dimensional image is wanted, its extent is {extent}")
            return _values(document, array, shape).reshape(shape[::-1]).transpose(2, 1, 0)  # x is the fastest
        except (ValueError, LookupError, ArithmeticError, EOFError, zlib.error, lzma.LZMAError) as error:
            raise ValueError(f"{path} is not an image that can be read: {error}") from None


def vti_edges(path: Path) -> Edges | None:
    """Edges of a voxel [m]; None for a spacing of 1, which stands for none.

    Raises
    ------
    ValueError
        If the spacing can be none in metres; VTI has no units.
    """
    with path.open("rb") as file:
        spacing = _opened(path, file).spacing
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
    """A VTI file, taken apart: what it says, and where the bytes are that are appended to it."""

    piece: ElementTree.Element
    extent: list[int]
    spacing: Edges
    byte_order: str
    header: np.dtype[Any]
    compressor: str | None
    encoding: str
    file: BinaryIO
    appended: int


@dataclass(frozen=True)
class ByteSource:
    """Bytes of a file or of a text, read from any place; what is not there is missing."""

    file: BinaryIO | None
    first: int
    text: bytes = b""

    def read(self, place: int, length: int) -> bytes:
        """As many bytes as there are, `length` at most."""
        if self.file is None:
            return self.text[place : place + length]
        size = self.file.seek(0, 2)
        self.file.seek(min(self.first + place, size))
        return self.file.read(max(min(length, size - self.first - place), 0))


def _opened(path: Path, file: BinaryIO) -> Document:
    try:
        return _document(file)
    except (ValueError, LookupError, ArithmeticError) as error:
        raise ValueError(f"{path} is no VTI that can be read: {error}") from None


def _document(file: BinaryIO) -> Document:
    found: list[tuple[str, int]] = []
    root = parse_xml(_before_appended(file, found))
    encoding, appended = found[0] if found else ("", 0)
    if root.tag != "VTKFile" or root.get("type") != "ImageData":
        raise ValueError(f"a VTKFile of type ImageData is wanted, it is a {root.tag} of type {root.get('type')!r}")
    compressor, order = root.get("compressor"), SIGNS[root.get("byte_order", "LittleEndian")]
    if compressor is not None and compressor not in UNPACKERS:
        raise ValueError(f"it is compressed by {compressor}; save it with ZLib or without compression")
    grid = _only(root.findall("ImageData"), "ImageData")
    piece = _only(grid.findall("Piece"), "Piece")
    extent = [int(bound) for bound in piece.get("Extent", "").split()]
    if len(extent) != 6:
        raise ValueError(f"an extent of six whole numbers is wanted; got {extent[:7]}")
    if [float(part) for part in grid.get("Direction", "").split() or IDENTITY] != IDENTITY:
        raise ValueError("its axes are turned (Direction); save it along x, y and z")
    x, y, z = (float(edge) for edge in grid.get("Spacing", "1 1 1").split())
    header = np.dtype(order + {"UInt32": "u4", "UInt64": "u8"}[root.get("header_type", "UInt32")])
    return Document(piece, extent, (x, y, z), order, header, compressor, encoding, file, appended)


def _before_appended(file: BinaryIO, found: list[tuple[str, int]]) -> Iterator[bytes]:
    """The XML up to the appended data, which are none; their encoding and place go into `found`."""
    held, start = b"", 0
    while part := file.read(PIECE):
        held += part
        match = APPENDED.search(held)
        if match:
            found.append((match.group(1).decode(), start + match.end()))
            yield held[: match.start()] + b"</VTKFile>"
            return
        yield held[:-MARK]
        start += max(len(held) - MARK, 0)
        held = held[-MARK:]
    yield held


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


def _values(document: Document, array: ElementTree.Element, shape: list[int]) -> NDArray[Any]:
    if array.get("NumberOfComponents", "1") != "1":
        raise ValueError(f"one number per voxel is wanted, {array.get('Name')!r} has {array.get('NumberOfComponents')}")
    kind = np.dtype(document.byte_order + np.dtype(KINDS[array.get("type", "")]).str[1:])
    check_voxel_count(shape, kind.itemsize)
    layout, count = array.get("format"), math.prod(shape)
    if layout == "ascii":
        return _numbers(array.text or "", kind, count)
    if layout == "binary":
        return _decoded(document, (array.text or "").encode(), kind, count)
    if layout != "appended":
        raise ValueError(f"its data are written as {layout!r}; save them as ascii, binary or appended")
    offset = int(array.get("offset", ""))
    if offset < 0:
        raise ValueError(f"an array begins {-offset} bytes before the data: it is damaged")
    if document.encoding == "raw":
        return _unpacked(ByteSource(document.file, document.appended + offset), document, kind, count)
    return _decoded(document, _until_tag(ByteSource(document.file, document.appended + offset)), kind, count)


def _until_tag(source: ByteSource) -> bytes:
    """Text of base64, up to the tag that ends it."""
    text = bytearray()
    while part := source.read(len(text), PIECE):
        other = part.translate(None, BASE64)
        if other and other[:1] != b"<":
            raise ValueError("its data hold characters that base64 does not have: it is damaged")
        text += part[: part.find(b"<")] if other else part
        if other:
            break
    return bytes(text)


def _decoded(document: Document, text: bytes, kind: np.dtype[Any], count: int) -> NDArray[Any]:
    return _unpacked(ByteSource(None, 0, _from_base64(text)), document, kind, count)


def _numbers(words: str, kind: np.dtype[Any], count: int) -> NDArray[Any]:
    """Numbers written as text, some at a time: as objects of Python they take fifty times their bytes."""
    if count > len(words) or "_" in words:
        raise ValueError(f"{count} numbers of {kind.name} are wanted, its text is another")
    convert, wide = (float, np.float64) if kind.kind == "f" else (int, np.int64)
    values, place = room([count], kind), 0
    for part in _split(words):
        numbers = np.array([convert(word) for word in part], wide)
        with np.errstate(over="ignore"):
            kept = numbers.astype(kind)
        if place + len(kept) > count or not np.array_equal(kept, numbers, equal_nan=kind.kind == "f"):
            raise ValueError(f"{count} numbers of {kind.name} are wanted, it has more, or some are too large for it")
        values[place : place + len(kept)] = kept
        place += len(kept)
    if place != count:
        raise ValueError(f"{count} numbers of {kind.name} are wanted, it has {place}")
    return values


def _split(words: str) -> Iterator[list[str]]:
    start = 0
    while start < len(words):
        space = SPACE.search(words, start + WORDS)
        end = space.start() if space else len(words)
        yield words[start:end].split()
        start = end


def _from_base64(text: bytes) -> bytes:
    """Head and data are encoded one after the other, each with its own padding."""
    text = text.translate(None, b" \t\n\r\v\f")
    data = bytearray()
    for part in re.finditer(rb"[^=]+=*", text):
        data += binascii.a2b_base64(part.group(), strict_mode=True)
    return bytes(data)


def _unpacked(source: ByteSource, document: Document, kind: np.dtype[Any], count: int) -> NDArray[Any]:
    wanted, word = count * kind.itemsize, document.header
    if document.compressor is None:
        size = int(np.frombuffer(source.read(0, word.itemsize), word)[0])
        if size != wanted:
            raise ValueError(f"{wanted} bytes are wanted, it has {size}: it is cut short or damaged")
        plain = source.read(word.itemsize, wanted)
        if len(plain) != wanted:
            raise ValueError(f"{wanted} bytes are wanted, it has {len(plain)}: it is cut short or damaged")
        return np.frombuffer(plain, kind)
    number, piece, last = (int(part) for part in np.frombuffer(source.read(0, 3 * word.itemsize), word))
    promised = (number - 1) * piece + (last or piece) if number else 0
    if promised != wanted or piece < 1 or last > piece:
        raise ValueError(f"{wanted} bytes are wanted, it promises {promised}: it is damaged")
    start = 3 * word.itemsize
    listed = source.read(start, number * word.itemsize)
    if len(listed) != number * word.itemsize:
        raise ValueError(f"it promises {number} packed pieces, and does not list as many: it is cut short or damaged")
    sizes = np.frombuffer(listed, word)
    check_promise(wanted, sum(map(int, sizes)))
    values, place = room([count], kind), start + number * word.itemsize
    data, unpack = values.view(np.uint8), UNPACKERS[document.compressor]
    for number, size in enumerate(map(int, sizes)):
        packed = source.read(place, size)
        if len(packed) != size:
            raise ValueError(f"a packed piece of {size} bytes is wanted, it has {len(packed)}: it is cut short")
        fill(data[number * piece : (number + 1) * piece], unpack(packed))
        place += size
    return values


def _packed(image: NDArray[np.generic]) -> Iterator[bytes]:
    """The array with x fastest: how many pieces, their size, that of the last, their compressed sizes, the pieces."""
    data = np.ascontiguousarray(image.T, image.dtype.newbyteorder("=")).data.cast("B")
    pieces = [zlib.compress(data[start : start + PIECE], 1) for start in range(0, len(data), PIECE)]
    yield np.array([len(pieces), PIECE, len(data) % PIECE, *map(len, pieces)], np.uint64).tobytes()
    yield from pieces
