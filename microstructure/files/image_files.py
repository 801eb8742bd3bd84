"""Label images on disk, as TIFF, npy, npz, VTI or raw voxels: the suffix decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from microstructure.arguments import check_path
from microstructure.files.arrays import read_npy, read_npz
from microstructure.files.labels import exchange, pieces
from microstructure.files.raw import raw_voxel_size, read_raw, write_raw
from microstructure.files.tiff import AS_STORED, INVERTED, read_tiff, tiff_edges, write_tiff
from microstructure.files.unpacking import room
from microstructure.files.voxel_edges import Edges, check_stated, check_voxel_size, is_cube
from microstructure.files.vti import BLOCK, read_vti, vti_edges, write_vti
from microstructure.files.whole_file import whole_file

WRITTEN = (".tif", ".tiff", ".npy", ".vti", ".raw")
READ = (*WRITTEN, ".npz", ".raw.gz")
TIFFS, RAWS, NAMED = (".tif", ".tiff"), (".raw", ".raw.gz"), (".vti", ".npz")
LARGEST_WHOLE = 2**53  # floating-point numbers beyond are whole by accident
ALL_WHOLE = "all its values are whole, so save it with .astype('uint8')"
AXES = "xyz"


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
        [m], below 1e-4; npy has no place for it.
    blocks : whole numbers [x, y, z], optional
        Which core owns each voxel; for VTI alone.

    Raises
    ------
    TypeError
        If block ids are given for another format than VTI, or the voxel size is no number.
    ValueError
        If the suffix is another one, the image is not three-dimensional or not of whole numbers, the voxel size is
        not positive or none in metres, or the path is a folder. Nothing is written then.
    """
    target, suffix = check_path(path), _suffix(path, WRITTEN)
    image = _narrowed(_check_whole(np.asarray(labels), "labels"))
    if voxel_size is not None:
        voxel_size = check_voxel_size(voxel_size)
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
    axes: str = AXES,
    shape: Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    photometric: str | None = None,
) -> NDArray[np.uint8]:
    """Read a label image, of percoat or of somebody else.

    Parameters
    ----------
    path : str or Path
        ".tif", ".tiff", ".npy", ".npz", ".vti", ".raw" or ".raw.gz"; three-dimensional whole numbers, also where they
        are stored as floating-point ones. A TIFF of one page is one layer, and of a palette the numbers are read.
    labels : mapping, optional
        Which label of percoat each value of the file stands for, such as ``{0: 0, 128: 3, 255: 1}``; every value
        must be named.
    axes : str
        Which axis of percoat each axis of the file is; x runs from the separator to the collector. The axes of a file
        are page, row and column in TIFF, x, y and z in VTI, and those of the array in npy, npz and raw. ``"zyx"``
        reads a stack of pages along z.
    shape : three ints, optional
    dtype : dtype, optional
        Of a raw file without percoat's JSON file (both together); last axis fastest.
    name : str, optional
        Which array of a VTI or npz, if there are several and none is called "phase". Data on cells and on points are
        read.
    photometric : {"as stored", "inverted"}, optional
        For a TIFF whose tag PhotometricInterpretation says on some pages that 0 is white: take the numbers as they are
        in the file, or turn them round on these pages (255 into 0).

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
        If the file is no such image, holds a value that is not named or not below 256, or more values than labels
        have; if it is damaged, has more than 2**34 voxels, needs more memory than is free, or more than 250 times the
        bytes that are stored for it (above 16 MB).

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_image(np.full((2, 3, 4), 255), f"{folder}/grey.tif")
    ...     read_image(f"{folder}/grey.tif", labels={255: 1}).sum()
    np.uint64(24)
    """
    order = _check_axes(axes)
    image = _read(path, shape, dtype, name, photometric)
    return exchange(image.transpose(order), labels, str(path))


def read_blocks(
    path: str | Path,
    *,
    axes: str = AXES,
    shape: Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    name: str | None = None,
) -> NDArray[np.int32]:
    """Read which core owns each voxel: block ids, beside the labels in a VTI, or an image of their own.

    Parameters
    ----------
    path, axes, shape, dtype
        As of `read_image`.
    name : str, optional
        Which array of a VTI or npz; "block" of a VTI by default.

    Returns
    -------
    int32 [x, y, z]
        The ids as they are in the file.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        As of `read_image`; if an id is no int32.

    Examples
    --------
    >>> import tempfile
    >>> ids = np.arange(600).reshape(6, 10, 10)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_image(ids > 0, f"{folder}/cell.vti", blocks=ids)
    ...     read_blocks(f"{folder}/cell.vti").max()
    np.int32(599)
    """
    order = _check_axes(axes)
    if name is None and check_path(path).suffix.lower() == ".vti":
        name = BLOCK
    image = _read(path, shape, dtype, name, None)
    bounds = np.iinfo(np.int32)
    low, high = int(image.min()), int(image.max())
    if low < bounds.min or high > bounds.max:
        raise ValueError(f"{path} holds values from {low} to {high}: block ids are whole numbers that an int32 holds")
    return np.require(image.transpose(order), np.int32, ["C", "W", "E"])


def read_voxel_size(path: str | Path) -> float | None:
    """Edge of a voxel as an image file states it.

    Parameters
    ----------
    path : str or Path
        TIFF, VTI, or raw voxels with their JSON file.

    Returns
    -------
    float or None
        [m]; None if the file does not state it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no image, its voxels are no cubes (`read_voxel_edges` reads those), or no voxel has that size.
    """
    edges = read_voxel_edges(path)
    if edges is None or is_cube(edges):
        return None if edges is None else edges[0]
    raise ValueError(
        f"{path}: cubic voxels are wanted, its edges are {edges} m: read_voxel_edges gives all three, which"
        " effective_conductivity takes as voxel_size"
    )


def read_voxel_edges(path: str | Path, *, axes: str = AXES) -> tuple[float, float, float] | None:
    """Edges of a voxel along x, y and z [m] as an image file states them; None if it does not.

    ======== =====================================================================================================
    TIFF     as ImageJ writes them (unit, yunit, zunit and spacing), as OME does (PhysicalSizeX, Y and Z), or pixels
             per centimetre, with pages as far apart as rows. Dots per inch, and the same in centimetres, are those
             of a screen or camera and not read.
    raw      in the JSON file
    VTI      the spacing, taken as metres; a spacing of 1 is none
    npy, npz never
    ======== =====================================================================================================

    Parameters
    ----------
    path : str or Path
    axes : str
        Which axis of percoat each axis of the file is, as of `read_image`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no image, or no voxel has that size.
    """
    order = _check_axes(axes)
    source, suffix = check_path(path), _existing(path)
    edges: Edges | None = None
    if suffix in RAWS:
        edges = raw_voxel_size(source)
    elif suffix == ".vti":
        edges = vti_edges(source)
    elif suffix in TIFFS:
        edges = tiff_edges(source)
    if edges is None:
        return None
    x, y, z = (check_stated(edges, source)[axis] for axis in order)
    return x, y, z


def _read(
    path: str | Path,
    shape: Sequence[int] | None,
    dtype: DTypeLike | None,
    name: str | None,
    photometric: str | None,
) -> NDArray[np.integer]:
    """The image along the axes of the file."""
    source, suffix = check_path(path), _existing(path)
    if suffix not in RAWS and not (shape is None and dtype is None):
        raise TypeError(f"shape= and dtype= are for .raw; {suffix} says them itself")
    if suffix not in NAMED and name is not None:
        raise TypeError(f"name= is for .vti and .npz, which may hold several arrays; {suffix} holds one")
    if suffix not in TIFFS and photometric is not None:
        raise TypeError(f"photometric= is for .tif, which may say that 0 is white; {suffix} does not")
    if photometric not in (None, AS_STORED, INVERTED):
        raise ValueError(f"photometric is {AS_STORED!r} or {INVERTED!r}; got {photometric!r}")
    if suffix in RAWS:
        image = read_raw(source, shape, dtype)
    elif suffix in TIFFS:
        image = read_tiff(source, photometric)
    elif suffix == ".vti":
        image = read_vti(source, name)
    else:
        image = read_npz(source, name) if suffix == ".npz" else read_npy(source)
    return _check_image(image, str(path))


def _suffix(path: str | Path, known: Sequence[str]) -> str:
    name = Path(path).name.lower()
    suffix = ".raw.gz" if name.endswith(".raw.gz") else Path(name).suffix
    if suffix not in known:
        raise ValueError(f"an image file ends in {', '.join(known)}; got {Path(path).name!r}")
    return suffix


def _existing(path: str | Path) -> str:
    source = check_path(path)
    if source.is_dir():
        raise ValueError(f"{path} is a folder: give one file; join the pages of a folder to one stack first")
    if not source.exists():
        raise FileNotFoundError(f"there is no file {path}")
    if not source.is_file():
        raise ValueError(f"{path} is no regular file: copy the image into one first")
    return _suffix(path, READ)


def _check_axes(axes: object) -> list[int]:
    if not isinstance(axes, str):
        raise TypeError(f"axes is text such as 'zyx'; got {axes!r}")
    if sorted(axes) != ["x", "y", "z"]:
        raise ValueError(f"axes names x, y and z once each, in the order of the file; got {axes!r}")
    return [axes.index(axis) for axis in "xyz"]


def _check_image(image: NDArray[np.generic], name: str) -> NDArray[np.integer]:
    """An image that was read; whole numbers that were stored as floating-point ones are taken as whole."""
    if image.ndim == 3 and image.size and image.dtype.kind == "f" and _advice(image) == ALL_WHOLE:
        low, high = (float(bound(image)) for bound in (np.min, np.max))
        whole = room(image.shape, np.dtype(np.uint8 if low >= 0 and high <= 255 else np.int64))
        for box in pieces(image):
            whole[box] = image[box]
        return whole
    return _check_whole(image, name)


def _check_whole(image: NDArray[np.generic], name: str) -> NDArray[np.integer]:
    if image.ndim != 3 or 0 in image.shape:
        advice = ": give a single layer an axis of its own, image[None]" if image.ndim == 2 else ""
        raise ValueError(f"{name} must be a three-dimensional image; got the shape {image.shape}{advice}")
    if image.dtype == np.bool_:
        return image.view(np.uint8)
    if image.dtype.kind not in "iu":
        raise ValueError(f"{name} must be an image of whole numbers; got {image.dtype}: {_advice(image)}")
    return cast(NDArray[np.integer], image)


def _advice(image: NDArray[np.generic]) -> str:
    if not np.issubdtype(image.dtype, np.floating):
        return "save labels from 0 to 255"
    parts = [image[box] for box in pieces(image)]
    if not all(np.isfinite(part).all() for part in parts):
        return "it holds NaN or infinite values; give each voxel a label first"
    if not all(np.array_equal(part, np.rint(part)) for part in parts):
        return "it has grey values; segment it into phases first"
    if not all(float(np.abs(part).max()) < LARGEST_WHOLE for part in parts):
        return "its values are too large for labels; save labels from 0 to 255"
    return ALL_WHOLE


def _check_blocks(blocks: ArrayLike, image: NDArray[np.integer]) -> NDArray[np.integer]:
    ids = _check_whole(np.asarray(blocks), "blocks")
    if ids.shape != image.shape:
        raise ValueError(f"blocks has the shape of the image, {image.shape}; got {ids.shape}")
    return ids


def _narrowed(image: NDArray[np.integer]) -> NDArray[np.integer]:
    """One byte per voxel where that is enough: ImageJ and ParaView read it everywhere."""
    if image.dtype != np.uint8 and image.min() >= 0 and image.max() <= 255:
        return image.astype(np.uint8)
    return image
