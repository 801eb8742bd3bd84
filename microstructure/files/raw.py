"""Raw voxels, a file of nothing but labels, with a JSON file beside it that says how to read them."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from microstructure.arguments import MOST_VOXELS, check_number
from microstructure.files.labels import distinct_values
from microstructure.files.unpacking import PIECE, check_promise, check_voxel_count, fill, room
from microstructure.files.voxel_edges import Edges
from microstructure.files.whole_file import whole_file
from microstructure.structure import Phase

FORMAT = "percoat raw image"
VERSION = 1
SIGNS = {"little": "<", "big": ">"}
AXES = "xyz"
LONGEST_JSON = 2**20  # bytes


def sidecar_path(path: Path) -> Path:
    """The JSON file that goes with a raw file: cell.raw.json beside cell.raw or cell.raw.gz."""
    return path.with_name((path.name[:-3] if path.name.lower().endswith(".gz") else path.name) + ".json")


def write_raw(path: Path, image: NDArray[np.integer], voxel_size: float | None) -> None:
    """Write the voxels [x, y, z], z fastest and little-endian, and the JSON file that says so."""
    values = distinct_values(image)
    description = {
        "format": FORMAT,
        "version": VERSION,
        "shape": list(image.shape),
        "dtype": image.dtype.name,
        "byte_order": "little",
        "axes": AXES,
        "fastest": "last axis",
        "voxel_size": voxel_size,
        "voxel_size_unit": "m",
        "phases": {str(int(phase)): phase.name.lower() for phase in Phase if phase in values},
    }
    sidecar = sidecar_path(path)
    with whole_file(sidecar) as words, whole_file(path) as voxels:
        image.astype(image.dtype.newbyteorder("<"), copy=False).tofile(voxels)
        words.write_text(json.dumps(description, indent=1) + "\n", "utf-8")
        sidecar.unlink(missing_ok=True)  # for a moment none: voxels beside the words of another image would be read


def read_raw(path: Path, shape: Sequence[int] | None = None, dtype: DTypeLike | None = None) -> NDArray[np.generic]:
    """The voxels as [x, y, z] by the JSON file, or with the shape and dtype given, last axis fastest.

    Raises
    ------
    TypeError
        If only one of shape and dtype is given, or not of whole numbers.
    ValueError
        If there is no JSON file, it is none of percoat's, or the raw file has not the size that it says.
    """
    if (shape is None) != (dtype is None):
        raise TypeError("a raw file without its JSON file wants both shape= and dtype=")
    layout = _read_layout(path) if shape is None else RawLayout(_check_shape(shape), _check_dtype(dtype))
    wanted, size = math.prod(layout.shape) * layout.dtype.itemsize, path.stat().st_size
    if path.suffix.lower() == ".gz":
        return _in_order(_unpacked(path, layout), layout)
    if wanted != size:
        raise ValueError(
            f"{path} has {size} bytes, {' x '.join(map(str, layout.shape))} voxels of {layout.dtype.name} have"
            f" {wanted}: give the shape= and dtype= it was written with, or copy it again"
        )
    check_voxel_count(layout.shape, layout.dtype.itemsize)
    return _in_order(np.fromfile(path, layout.dtype).reshape(layout.shape), layout)


def _in_order(image: NDArray[np.generic], layout: RawLayout) -> NDArray[np.generic]:
    return image.transpose([layout.axes.index(axis) for axis in AXES])


def _unpacked(path: Path, layout: RawLayout) -> NDArray[np.generic]:
    """The voxels of a file that gzip packed."""
    try:
        check_promise(check_voxel_count(layout.shape, layout.dtype.itemsize), path.stat().st_size)
        image = room(layout.shape, layout.dtype)
        with gzip.open(path) as file:
            fill(image, _parts(file))
        return image
    except (ValueError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path} does not hold {' x '.join(map(str, layout.shape))} voxels of {layout.dtype.name}: {error}"
        ) from None


def _parts(file: gzip.GzipFile) -> Iterator[bytes]:
    while part := file.read(PIECE):
        yield part


def raw_voxel_size(path: Path) -> Edges | None:
    """Edges of a voxel [m] by the JSON file; None if it is missing or does not say."""
    if not sidecar_path(path).is_file():
        return None
    edge = _read_layout(path).voxel_size
    return None if edge is None else (edge, edge, edge)


@dataclass(frozen=True)
class RawLayout:
    """How the voxels of a raw file are laid out."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    axes: str = AXES
    voxel_size: float | None = None


def _read_layout(path: Path) -> RawLayout:
    sidecar = sidecar_path(path)
    if not sidecar.is_file():
        raise ValueError(
            f"{path} has no {sidecar.name} beside it: give shape= and dtype=, such as shape=(200, 300, 300),"
            " dtype='uint8', the last axis fastest"
        )
    if sidecar.stat().st_size > LONGEST_JSON:
        raise ValueError(f"{sidecar} does not describe a raw image of percoat: it has more than {LONGEST_JSON} bytes")
    try:
        words = json.loads(sidecar.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{sidecar} is no JSON file: {error}") from None
    try:
        return _layout(words)
    except (TypeError, KeyError, ValueError, OverflowError, RecursionError) as error:
        cause = f"{error} is missing" if isinstance(error, KeyError) else f"{error}"
        raise ValueError(f"{sidecar} does not describe a raw image of percoat: {cause}") from None


def _layout(words: Any) -> RawLayout:
    if not isinstance(words, dict) or words.get("format") != FORMAT:
        raise ValueError(f"it does not say 'format': '{FORMAT}'; give shape= and dtype= instead")
    if words["version"] != VERSION:
        raise ValueError(f"its version is {words['version']!r}, this percoat reads {VERSION}: update percoat")
    if words["byte_order"] not in SIGNS:
        raise ValueError(f"byte_order is 'little' or 'big'; got {words['byte_order']!r}")
    if sorted(words["axes"]) != sorted(AXES):
        raise ValueError(f"axes names x, y and z once each; got {words['axes']!r}")
    size = words["voxel_size"]
    if size is not None and not 0.0 < check_number("voxel_size", size) < math.inf:
        raise ValueError(f"voxel_size is a positive length in m; got {size!r}")
    dtype = np.dtype(SIGNS[words["byte_order"]] + _check_dtype(words["dtype"]).str[1:])
    return RawLayout(_check_shape(words["shape"]), dtype, "".join(words["axes"]), None if size is None else float(size))


def _check_shape(shape: Any) -> tuple[int, ...]:
    counts = tuple(shape) if isinstance(shape, (tuple, list, np.ndarray)) else (shape,)
    if any(isinstance(count, (bool, np.bool_)) or not isinstance(count, (int, np.integer)) for count in counts):
        raise TypeError(f"shape is three whole numbers of voxels; got {shape!r}")
    if len(counts) != 3 or min(counts) < 1:
        raise ValueError(f"shape is three numbers of voxels, one or more each; got {shape!r}")
    if math.prod(map(int, counts)) > MOST_VOXELS:
        raise ValueError(f"shape has {MOST_VOXELS:.3g} voxels at most: give the one it was written with, or cut it")
    return tuple(int(count) for count in counts)


def _check_dtype(dtype: Any) -> np.dtype[Any]:
    try:
        kind = np.dtype(dtype)
    except TypeError as error:
        raise TypeError(f"dtype is a kind of whole number such as 'uint8' or '>u2'; got {dtype!r}: {error}") from None
    if kind.kind not in "iu":
        raise ValueError(f"labels are whole numbers, such as dtype='uint8' or '>u2'; got {kind}")
    return kind
