"""TIFF stacks: one page per x, rows y, columns z, with the voxel size where ImageJ looks for it."""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Edges = tuple[float, float, float]

IMAGEJ_KINDS = ("uint8", "uint16")
IMAGEJ_BYTES = 2**32 - 2**25  # ImageJ reads no BigTIFF
MICROMETRE = ("um", "µm", "\\u00b5m", "micron", "microns", "micrometer", "micrometre")
PER_METRE = {"nm": 1e9, "mm": 1e3, "cm": 1e2, "m": 1.0} | dict.fromkeys(MICROMETRE, 1e6)
STRONGEST_PACKING = 2000  # an image is no larger than this many times its file: a damaged head asks for terabytes
DAMAGE = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError, AssertionError, EOFError)


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


def read_tiff(path: Path) -> NDArray[np.generic]:
    """The stack as [page, row, column].

    Raises
    ------
    ValueError
        If the file is no TIFF, is cut short, or holds colours, channels, times or pages of several sizes.
    """
    with _opened(path) as file:
        series = file.series[0]
        _check_chain(file)
        shape = _stack_shape(file)
        _check_length(file)
        return np.asarray(series.asarray()).reshape(shape)


def tiff_voxel_size(path: Path) -> Edges | None:
    """Edges of a voxel along page, row and column [m]; None if the file does not say."""
    with _opened(path) as file:
        if file.is_imagej:
            return _imagej_edges(file)
        if file.is_shaped:
            edge = file.shaped_metadata[0].get("voxel_size")
            return None if edge is None else (float(edge), float(edge), float(edge))
        return None


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            yield file
    except (FileNotFoundError, PermissionError):
        raise
    except (*DAMAGE, OSError, struct.error, zlib.error, tifffile.TiffFileError) as error:  # any, in a damaged file
        advice = "; save it without compression" if "imagecodecs" in str(error) else ""
        raise ValueError(f"{path} is not an image that can be read: {error}{advice}") from None


def _stack_shape(file: Any) -> tuple[int, ...]:
    if len(file.series) != 1:
        raise ValueError(f"it holds {len(file.series)} series of pages that differ in size or kind; save one stack")
    series = file.series[0]
    axes, shape = series.get_axes(squeeze=False), series.get_shape(squeeze=False)
    if series.kind == "shaped" and len(shape) == 3 and "S" not in axes:
        return tuple(shape)  # tifffile's own note of the shape
    lengths = dict(zip(axes, shape, strict=True))
    if lengths.pop("S", 1) > 1:
        raise ValueError("it is a colour image; save the labels as grey values")
    rows, columns = lengths.pop("Y"), lengths.pop("X")
    stacked = [length for length in lengths.values() if length > 1]
    if len(stacked) > 1:
        raise ValueError(f"its axes are {series.axes}; save one channel and one time as a stack of pages")
    if not stacked:
        raise ValueError(f"a three-dimensional image is wanted, it has one page of {rows} x {columns}; save a stack")
    return stacked[0], rows, columns


def _check_chain(file: Any) -> None:
    """Each page names the next; tifffile passes over a page that is missing and all that follow it."""
    handle, head = file.filehandle, file.tiff
    seen: set[int] = set()
    page = file.pages[0].offset
    while page:
        if page in seen or page >= handle.size:
            raise ValueError(f"page {len(seen) + 1} is missing: it is cut short; copy or save it again")
        seen.add(page)
        handle.seek(page)
        (tags,) = struct.unpack(head.tagnoformat, handle.read(head.tagnosize))
        handle.seek(page + head.tagnosize + tags * head.tagsize)
        (page,) = struct.unpack(head.offsetformat, handle.read(head.offsetsize))


def _check_length(file: Any) -> None:
    """Refuse a file that is cut short, or whose head asks for too much, before room is made for it."""
    series, size = file.series[0], file.filehandle.size
    if series.dataoffset is not None:
        end = series.dataoffset + series.nbytes
    else:
        blocks = [block for page in series.pages for block in zip(page.dataoffsets, page.databytecounts, strict=True)]
        end = max((offset + length for offset, length in blocks), default=0)
    if end > size:
        raise ValueError(f"it is cut short: {end} bytes are wanted, it has {size}; copy or save it again")
    if series.nbytes > STRONGEST_PACKING * size:
        raise ValueError(f"its head promises {series.nbytes} bytes of image in a file of {size}: it is damaged")


def _imagej_edges(file: Any) -> Edges | None:
    metadata, tags = file.imagej_metadata, file.pages[0].tags
    per_metre = PER_METRE.get(str(metadata.get("unit", "")).strip().lower())
    if per_metre is None or "XResolution" not in tags or "YResolution" not in tags:
        return None
    page = float(metadata.get("spacing", 1.0))  # ImageJ leaves it out where it is 1
    row, column = (low / high for high, low in (tags[name].value for name in ("YResolution", "XResolution")))
    return page / per_metre, row / per_metre, column / per_metre
