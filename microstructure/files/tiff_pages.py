"""The pages of a TIFF file as its tags describe them, read without believing any count in it."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from microstructure.files.unpacking import cut_short

MOST_PAGES = 2**14
MOST_TAGS = 2**10  # a page
MOST_WORDS = 2**24  # bytes of a description
TYPES = {1: "u1", 2: "u1", 3: "u2", 4: "u4", 5: "u4", 6: "i1", 7: "u1", 8: "i2", 9: "i4", 10: "i4", 11: "f4", 12: "f8"}
TYPES |= {13: "u4", 16: "u8", 17: "i8", 18: "u8"}
RATIONAL = (5, 10)

# codes of the tags [TIFF 6.0]
SUBFILE, COLUMNS, ROWS, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER, DESCRIPTION = 254, 256, 257, 258, 259, 262, 266, 270
STRIPS, ORIENTATION, SAMPLES, ROWS_A_STRIP, STRIP_BYTES, PREDICTOR = 273, 274, 277, 278, 279, 317
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
TILE_COLUMNS, TILE_ROWS, TILES, TILE_BYTES, SAMPLE_FORMAT = 322, 323, 324, 325, 339
METAMORPH = 33629  # all planes of a stack in one page, in an order of its own

COLOURS = {2: "red, green and blue", 5: "printing inks", 6: "YCbCr", 8: "CIELab", 9: "ICCLab", 10: "ITULab"}
LETTERS = {1: "u", 2: "i", 3: "f", 4: "u"}
WIDTHS = {"u": (1, 2, 4, 8, 16, 32, 64), "i": (8, 16, 32, 64), "f": (16, 32, 64)}


class Entry(NamedTuple):
    """One tag: its type, how many values, and the values or where they are."""

    type: int
    number: int
    payload: bytes


@dataclass(frozen=True)
class Layout:
    """How the voxels of a page are laid out; many pages share one."""

    rows: int
    columns: int
    kind: str  # of numpy, with the byte order
    bits: int
    compression: int
    predictor: int
    reversed_bits: bool
    white_is_zero: bool
    block: tuple[int, int]  # rows and columns of a strip or tile
    reduced: bool  # a smaller copy of another page

    @property
    def blocks(self) -> int:
        """How many strips or tiles."""
        return math.ceil(self.rows / self.block[0]) * math.ceil(self.columns / self.block[1])


class Page(NamedTuple):
    """A page: its layout, and where its strips or tiles and their lengths are listed."""

    layout: Layout
    places: Entry
    lengths: Entry | None


class Tiff:
    """An open file, its byte order and the width of its offsets; whatever is read lies inside it."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.size = file, os.fstat(file.fileno()).st_size
        head = file.read(16)
        sign, version = {b"II": "<", b"MM": ">"}.get(head[:2]), head[2:4]
        if sign is None or len(head) < 8 or struct.unpack(sign + "H", version)[0] not in (42, 43):
            raise ValueError("it does not begin as a TIFF file does")
        self.sign, self.big = sign, struct.unpack(sign + "H", version)[0] == 43
        if self.big and struct.unpack(sign + "HH", head[4:8]) != (8, 0):
            raise ValueError("its head is no BigTIFF head: it is damaged")
        self.first = int.from_bytes(head[8:16] if self.big else head[4:8], "little" if sign == "<" else "big")
        self.layouts: dict[Layout, Layout] = {}

    def read(self, place: int, length: int) -> bytes:
        """Bytes of the file; fewer than asked for are a ValueError."""
        if place < 0 or length < 0 or place + length > self.size:
            raise cut_short(place + length, self.size)
        self.file.seek(place)
        return self.file.read(length)

    def values(self, entry: Entry, most: int) -> NDArray[Any]:
        """The values of a tag, rationals in pairs; more than `most` are refused."""
        if entry.type not in TYPES:
            raise ValueError(f"a tag has the type {entry.type}, which there is not: it is damaged")
        if not 1 <= entry.number <= most:
            raise ValueError(f"a tag has {entry.number} values, {most} at most are wanted: it is damaged")
        dtype = np.dtype(self.sign + TYPES[entry.type])
        length = entry.number * dtype.itemsize * (2 if entry.type in RATIONAL else 1)
        if length <= len(entry.payload):
            return np.frombuffer(entry.payload[:length], dtype)
        return np.frombuffer(self.read(self._number(entry.payload), length), dtype)

    def one(self, entries: dict[int, Entry], code: int, default: int | None = None) -> int:
        """A tag that is one whole number."""
        if code not in entries:
            if default is None:
                raise ValueError(f"a page has no tag {code}: it is damaged")
            return default
        entry = entries[code]
        if entry.number == 1 and entry.type in (3, 4):  # nearly all; quick where pages are many
            return self._number(entry.payload[: 2 * entry.type - 4])
        values = self.values(entry, 1)
        if values.dtype.kind not in "ui" or len(values) != 1:
            raise ValueError(f"the tag {code} is no whole number: it is damaged")
        return int(values[0])

    def directories(self) -> Iterator[dict[int, Entry]]:
        """The tags of each page; each page names the next."""
        place, seen = self.first, set[int]()
        width = 8 if self.big else 4
        layout = struct.Struct(self.sign + ("HHQ8s" if self.big else "HHI4s"))
        while place:
            if place in seen or place + width >= self.size:
                raise ValueError(f"page {len(seen) + 1} is missing: it is cut short; copy or save it again")
            seen.add(place)
            if len(seen) > MOST_PAGES:
                raise ValueError(f"it has more than {MOST_PAGES} pages: save the stack in parts")
            first = 8 if self.big else 2
            count = self._number(self.read(place, first))
            if count > MOST_TAGS:
                raise ValueError(f"page {len(seen)} has {count} tags, more than {MOST_TAGS}: it is damaged")
            words = self.read(place + first, count * layout.size + width)
            yield {code: Entry(*rest) for code, *rest in layout.iter_unpack(words[: count * layout.size])}
            place = self._number(words[count * layout.size :])

    def page(self, entries: dict[int, Entry], number: int) -> Page:
        """What the tags of one page say, if it is one sample a pixel, packed as labels may be."""
        layout = self._layout(entries, number)
        tiled = TILES in entries
        places, lengths = entries.get(TILES if tiled else STRIPS), entries.get(TILE_BYTES if tiled else STRIP_BYTES)
        if places is None:
            raise ValueError(f"page {number} does not say where its voxels are: it is damaged")
        return Page(self.layouts.setdefault(layout, layout), places, lengths)

    def _layout(self, entries: dict[int, Entry], number: int) -> Layout:
        rows, columns = self.one(entries, ROWS), self.one(entries, COLUMNS)
        if rows < 1 or columns < 1:
            raise ValueError(f"page {number} has {rows} x {columns} voxels: it is damaged")
        photometric = self.one(entries, PHOTOMETRIC, 1)
        if photometric in COLOURS or self.one(entries, SAMPLES, 1) != 1:
            raise ValueError("it is a colour image, or has several values a pixel; save the labels as grey values")
        orientation = self.one(entries, ORIENTATION, 1)
        if orientation != 1:
            raise ValueError(
                f"page {number} is turned or mirrored (its Orientation is {orientation}); save it with the first row on"
                " top and the first column on the left (Orientation 1)"
            )
        bits, letter = self.one(entries, BITS, 1), LETTERS.get(self.one(entries, SAMPLE_FORMAT, 1), "")
        if bits not in WIDTHS.get(letter, ()):
            raise ValueError(f"it has {bits} bits a pixel, of a kind that is not read; save the labels as 8 or 16 bits")
        if METAMORPH in entries:
            raise ValueError("it is a stack of MetaMorph; save it as a plain TIFF stack")
        return Layout(
            rows=rows,
            columns=columns,
            kind=f"{self.sign}{letter}{bits // 8}" if bits > 8 else f"{letter}1",
            bits=bits,
            compression=self.one(entries, COMPRESSION, 1),
            predictor=self.one(entries, PREDICTOR, 1),
            reversed_bits=self.one(entries, FILL_ORDER, 1) == 2,
            white_is_zero=photometric == 0,
            block=self._block(entries, rows, columns),
            reduced=bool(self.one(entries, SUBFILE, 0) & 1),
        )

    def _block(self, entries: dict[int, Entry], rows: int, columns: int) -> tuple[int, int]:
        if TILES not in entries:
            strip = self.one(entries, ROWS_A_STRIP, rows) or rows
            return (min(strip, rows) if strip > 0 else rows), columns
        block = self.one(entries, TILE_ROWS), self.one(entries, TILE_COLUMNS)
        if min(block) < 1 or math.prod(block) > 4 * rows * columns + 2**20:
            raise ValueError(f"its tiles are {block} voxels, its pages {rows} x {columns}: it is damaged")
        return block

    def _number(self, data: bytes) -> int:
        return int.from_bytes(data, "little" if self.sign == "<" else "big")
