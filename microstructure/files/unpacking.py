"""Compressed data, unpacked piece by piece into room that was asked for before: no file takes more than it promises."""

from __future__ import annotations

import lzma
import math
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import MOST_VOXELS
from microstructure.free_memory import free_memory

PIECE = 2**20  # bytes that are unpacked at a time
FED = 2**16  # packed bytes that are handed over at a time
LZMA_MEMORY = 2**27  # bytes: the strongest preset takes 65 MB
STRONGEST_PACKING = 250  # our own VTI reaches 228; labels of a real image 100
MODEST = 2**24  # bytes: an image up to here may be packed as strongly as it likes

Unpacker = Callable[[bytes], Iterator[bytes]]


def cut_short(wanted: int, size: int) -> ValueError:
    """The error of a file that ends before its image does."""
    return ValueError(f"it is cut short: {wanted} bytes are wanted, it has {size}; copy or save it again")


def check_promise(wanted: int, stored: int) -> None:
    """Refuse an image that is too many times larger than the bytes that it is made from."""
    if wanted > MODEST and wanted > STRONGEST_PACKING * stored:
        raise ValueError(
            f"it promises {wanted} bytes of image in {stored} bytes of file, more than {STRONGEST_PACKING} times as"
            " many: it is damaged, or empty; if it is neither, save it without compression"
        )


def check_voxel_count(shape: Iterable[int], itemsize: int = 1) -> int:
    """The bytes of an image, if it has not too many voxels and fits into the memory that is free."""
    sides = [int(side) for side in shape]
    count = math.prod(sides)
    if count > MOST_VOXELS:
        shown = " x ".join(f"{min(side, 10**18):.4g}" for side in sides[:4])
        raise ValueError(f"it has {shown} voxels, more than {MOST_VOXELS:.3g}: cut it, or make it coarser")
    needed, free = count * (itemsize + 1), free_memory()
    if needed > free:
        raise ValueError(
            f"it needs {needed / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free: cut it, or make it coarser"
        )
    return count * itemsize


def room(shape: Iterable[int], kind: np.dtype[Any]) -> NDArray[Any]:
    """An array to unpack into, its values not set."""
    sides = tuple(shape)
    needed = check_voxel_count(sides, kind.itemsize)
    try:
        return np.empty(sides, kind)
    except MemoryError:
        raise ValueError(f"it needs {needed / 1e9:.3g} GB of memory, more than there is: make it coarser") from None


def fill(out: NDArray[Any], parts: Iterable[bytes], spare: int = 0) -> None:
    """Put the parts one after the other into the bytes of a contiguous array; `spare` bytes may be left over.

    Raises
    ------
    ValueError
        If the parts hold more or less than that.
    """
    target, place = out.reshape(-1).view(np.uint8).data, 0
    for part in parts:
        end = place + len(part)
        if end > len(target) + spare:
            raise ValueError(f"more than the {len(target)} bytes that it promises come out of its data: it is damaged")
        if place < len(target):
            target[place : min(end, len(target))] = part[: len(target) - place]
        place = end
    if place < len(target):
        raise ValueError(f"{len(target)} bytes are wanted, it has {place}: it is cut short or damaged")


def deflated(packed: bytes) -> Iterator[bytes]:
    """What zlib packed."""
    unpacker = zlib.decompressobj()
    for start in range(0, len(packed), FED):
        left = packed[start : start + FED]
        while True:
            part = unpacker.decompress(left, PIECE)
            yield part
            left = unpacker.unconsumed_tail
            if not left and len(part) < PIECE:
                break
        if unpacker.eof:
            return


def from_lzma(packed: bytes) -> Iterator[bytes]:
    """What xz or LZMA packed."""
    unpacker = lzma.LZMADecompressor(memlimit=LZMA_MEMORY)
    for start in range(0, len(packed), FED):
        yield unpacker.decompress(packed[start : start + FED], PIECE)
        while not (unpacker.needs_input or unpacker.eof):
            yield unpacker.decompress(b"", PIECE)
        if unpacker.eof:
            return


def from_packbits(packed: bytes) -> Iterator[bytes]:
    """What PackBits packed: a byte n, then n + 1 bytes as they are, or one byte to be taken 257 - n times."""
    place, end, part = 0, len(packed), bytearray()
    while place < end - 1:
        head = packed[place]
        if head < 128:
            part += packed[place + 1 : place + head + 2]
            place += head + 2
        elif head > 128:
            part += packed[place + 1 : place + 2] * (257 - head)
            place += 2
        else:
            place += 1
        if len(part) >= FED:
            yield bytes(part)
            part.clear()
    yield bytes(part)
