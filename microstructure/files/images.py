"""Label images on disk, as TIFF, npy, VTI or raw voxels: the suffix decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tokenize import TokenError
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from microstructure.arguments import check_lengths, check_path
from microstructure.files.labels import exchange
from microstructure.files.raw import raw_voxel_size, read_raw, write_raw
from microstructure.files.tiff import Edges, read_tiff, tiff_voxel_size, write_tiff
from microstructure.files.vti import read_vti, vti_voxel_size, write_vti
from microstructure.files.whole_file import whole_file

SUFFIXES = (".tif", ".tiff", ".npy", ".vti", ".raw")
SMALLEST_VOXEL = 1e-15  # [m]: TIFF has no numbers for a smaller one
CUBE = 1e-3  # edges that differ by a larger share make no cube


def write_image(
    labels: ArrayLike, path: str | Path, *, voxel_size: float | None = None, blocks: ArrayLike | None = None
) -> None:
    """Write a label image; the suffix decides how.

    ======== =====================================================================================================
    .tif     one page per x, rows y, columns z; the voxel size in micrometres where ImageJ looks for it
    .npy     the array [x, y, z] alone
    .vti     for ParaView: cell data "phase" (and "block"), spacing in metres, compressed without loss
    .raw     the voxels, z fastest, and a JSON file (cell.raw.json) with shape, dtype, voxel size and phases
    ======== =====================================================================================================

    Parameters
    ----------
    labels : whole numbers [x, y, z]
        Stored as uint8 if all lie within 0 to 255, otherwise as they are.
    path : str or Path
        An existing file is replaced once the new one is complete.
    voxel_size : float, optional
        [m]; npy has no place for it.
    blocks : whole numbers [x, y, z], optional
        Which core owns each voxel; for VTI alone.

    Raises
    ------
    TypeError
        If block ids are given for another format than VTI, or the voxel size is no number.
    ValueError
        If the suffix is another one, the image is not three-dimensional or not of whole numbers, the voxel size is
        not positive, or the path is a folder. Nothing is written then.
    """
    target, suffix = check_path(path), _suffix(path)
    image = _narrowed(_check_image(np.asarray(labels), "labels"))
    if voxel_size is not None:
        check_lengths(voxel_size=voxel_size)
        voxel_size = float(voxel_size)
        if voxel_size < SMALLEST_VOXEL:
            raise ValueError(f"voxel_size is in metres, {SMALLEST_VOXEL} or more; got {voxel_size}")
    if blocks is not None and suffix != ".vti":
        raise TypeError(f"blocks= goes into .vti alone; for {suffix} write the block ids as an image of their own")
    ids = None if blocks is None else _check_blocks(blocks, image)
    if suffix == ".raw":
        write_raw(target, image, voxel_size)
        return
    with whole_file(target) as temporary:
        if suffix == ".npy":
            with temporary.open("wb") as file:
                np.save(file, image)
        elif suffix == ".vti":
            write_vti(temporary, image, voxel_size, ids)
        else:
            write_tiff(temporary, image, voxel_size)


def read_image(
    path: str | Path,
    *,
    labels: Mapping[int, int] | None = None,
    axes: str = "xyz",
    shape: Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    name: str | None = None,
) -> NDArray[np.uint8]:
    """Read a label image, of percoat or of somebody else.

    Parameters
    ----------
    path : str or Path
        ".tif", ".tiff", ".npy", ".vti" or ".raw"; three-dimensional whole numbers.
    labels : mapping, optional
        Which label of percoat each value of the file stands for, such as ``{0: 0, 128: 3, 255: 1}``; every value
        must be named.
    axes : str
        Which axis of percoat each axis of the file is; x runs from the separator to the collector. The axes of a file
        are page, row and column in TIFF, x, y and z in VTI, and those of the array in npy and raw. ``"zyx"`` reads
        a stack of pages along z.
    shape : three ints, optional
    dtype : dtype, optional
        Of a raw file without percoat's JSON file (both together); last axis fastest.
    name : str, optional
        Which array of a VTI, if there are several and none is called "phase". Data on cells and on points are read.

    Returns
    -------
    uint8 [x, y, z]

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If an argument is of another kind, or does not belong to this format.
    ValueError
        If the file is no such image, or holds a value that is not named or not below 256.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_image(np.full((2, 3, 4), 255), f"{folder}/grey.tif")
    ...     read_image(f"{folder}/grey.tif", labels={255: 1}).sum()
    np.uint64(24)
    """
    source, suffix = check_path(path), _existing(path)
    order = _check_axes(axes)
    if suffix != ".raw" and not (shape is None and dtype is None):
        raise TypeError(f"shape= and dtype= are for .raw; {suffix} says them itself")
    if suffix != ".vti" and name is not None:
        raise TypeError(f"name= is for .vti, which may hold several arrays; {suffix} holds one")
    if suffix == ".raw":
        image = read_raw(source, shape, dtype)
    elif suffix == ".npy":
        image = _read_npy(source)
    else:
        image = read_vti(source, name) if suffix == ".vti" else read_tiff(source)
    return exchange(_check_image(image, str(path)).transpose(order), labels, str(path))


def read_voxel_size(path: str | Path) -> float | None:
    """Edge of a voxel [m] as an image file states it; None if it does not.

    TIFF says it as ImageJ does, raw in its JSON file, VTI as its spacing, which is taken as metres. npy never does.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no image, or its voxels are no cubes.
    """
    source, suffix = check_path(path), _existing(path)
    if suffix == ".npy":
        return None
    readers = {".raw": raw_voxel_size, ".vti": vti_voxel_size}
    edges = readers.get(suffix, tiff_voxel_size)(source)
    return None if edges is None else _cube(edges, source)


def _cube(edges: Edges, source: Path) -> float:
    if not all(np.isfinite(edge) and edge > 0 for edge in edges):
        raise ValueError(f"{source}: the edges of a voxel are positive lengths; it states {edges} m")
    if max(edges) - min(edges) > CUBE * max(edges):
        raise ValueError(f"{source}: cubic voxels are wanted, its edges are {edges} m: resample the image to cubes")
    return edges[0]


def _suffix(path: str | Path) -> str:
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"an image file ends in {', '.join(SUFFIXES)}; got {Path(path).name!r}")
    return suffix


def _existing(path: str | Path) -> str:
    source = check_path(path)
    if source.is_dir():
        raise ValueError(f"{path} is a folder: give one file; join the pages of a folder to one stack first")
    if not source.exists():
        raise FileNotFoundError(f"there is no file {path}")
    return _suffix(path)


def _check_axes(axes: object) -> list[int]:
    if not isinstance(axes, str):
        raise TypeError(f"axes is text such as 'zyx'; got {axes!r}")
    if sorted(axes) != ["x", "y", "z"]:
        raise ValueError(f"axes names x, y and z once each, in the order of the file; got {axes!r}")
    return [axes.index(axis) for axis in "xyz"]


def _check_image(image: NDArray[np.generic], name: str) -> NDArray[np.integer]:
    if image.ndim != 3 or 0 in image.shape:
        raise ValueError(f"{name} must be a three-dimensional image; got the shape {image.shape}")
    if image.dtype == np.bool_:
        return image.view(np.uint8)
    if image.dtype.kind not in "iu":
        raise ValueError(f"{name} must be an image of whole numbers; got {image.dtype}: {_advice(image)}")
    return cast(NDArray[np.integer], image)


def _advice(image: NDArray[np.generic]) -> str:
    if not np.issubdtype(image.dtype, np.floating):
        return "save labels from 0 to 255"
    if not np.isfinite(image).all():
        return "it holds NaN or infinite values; give each voxel a label first"
    if np.array_equal(image, np.rint(image)):
        return "all its values are whole, so save it with .astype('uint8')"
    return "it has grey values; segment it into phases first"


def _check_blocks(blocks: ArrayLike, image: NDArray[np.integer]) -> NDArray[np.integer]:
    ids = _check_image(np.asarray(blocks), "blocks")
    if ids.shape != image.shape:
        raise ValueError(f"blocks has the shape of the image, {image.shape}; got {ids.shape}")
    return ids


def _narrowed(image: NDArray[np.integer]) -> NDArray[np.integer]:
    """One byte per voxel where that is enough: ImageJ and ParaView read it everywhere."""
    if image.dtype != np.uint8 and image.min() >= 0 and image.max() <= 255:
        return image.astype(np.uint8)
    return image


def _read_npy(path: Path) -> NDArray[np.generic]:
    try:
        return np.lib.format.open_memmap(path, mode="r")  # refuses pickled objects and files cut short
    except (ValueError, TypeError, EOFError, OverflowError, SyntaxError, TokenError) as error:
        raise ValueError(f"{path} is not an image that can be read: {error}") from None
