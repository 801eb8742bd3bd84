"""Structures and images on disk: whole structures as HDF5, images as TIFF or npy; written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microstructure.structure import Structure

SUFFIXES = (".tif", ".tiff", ".npy")


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block ends well, and vanishes when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def save_structure(structure: Structure, path: str | Path, *, carbon: bool = False) -> None:
    """Write a structure as HDF5: its voxels, cores and recipe, and its primaries if asked for.

    Parameters
    ----------
    structure : Structure
    path : str or Path
        Ends in ".h5".
    carbon : bool
        Write every primary too (20 bytes each); without, the count alone.
    """
    import h5py

    with whole_file(Path(path)) as temporary, h5py.File(temporary, "w", track_order=False) as file:
        file.attrs.update(voxel_size=structure.voxel_size, box=structure.box, periodic=structure.periodic)
        file.attrs["recipe"] = str(structure.recipe)
        file.create_dataset("labels", data=structure.labels, compression="gzip", compression_opts=1)
        if structure.blocks is not None:
            file.create_dataset("blocks", data=structure.blocks, compression="gzip", compression_opts=1)
        if structure.cores is not None:
            file.create_dataset("cores/centres", data=structure.cores.centres)
            file.create_dataset("cores/diameters", data=structure.cores.diameters)
        if structure.carbon is not None:
            group = file.create_group("carbon")
            group.attrs.update(count=structure.carbon.count, diameter=structure.carbon.diameter)
            if carbon:
                group.create_dataset("centres", data=structure.carbon.centres.astype(np.float32))
                group.create_dataset("aggregate", data=structure.carbon.aggregate)
                group.create_dataset("coat", data=structure.carbon.coat)


def write_image(labels: ArrayLike, path: str | Path) -> None:
    """Write a label image as TIFF (one page per x) or npy.

    Raises
    ------
    ValueError
        If the suffix is another one.
    """
    target, image = Path(path), np.asarray(labels)
    _suffix(target)
    _check_labels(image, "labels")
    with whole_file(target) as temporary:
        if target.suffix == ".npy":
            np.save(temporary, image)
        else:
            import tifffile

            tifffile.imwrite(temporary, image, photometric="minisblack")


def read_image(path: str | Path, *, labels: dict[int, int] | None = None) -> NDArray[np.uint8]:
    """Read a label image.

    Parameters
    ----------
    path : str or Path
        ".tif", ".tiff" or ".npy", three-dimensional whole numbers.
    labels : dict, optional
        Which label of percoat each value of the file stands for; every value must be named.

    Returns
    -------
    uint8 [x, y, z]

    Raises
    ------
    ValueError
        If the file is no such image, or holds a value that is not named or not below 256.
    """
    source = Path(path)
    _suffix(source)
    image = _load(source)
    _check_labels(image, str(path))
    values = np.unique(image)
    names = {int(value): int(value) for value in values} if labels is None else labels
    if not all(isinstance(label, (int, np.integer)) and 0 <= label <= 255 for label in names.values()):
        raise ValueError(f"labels are whole numbers from 0 to 255; name one for each value in labels=; got {names}")
    unknown = [int(value) for value in values if value not in names]
    if unknown:
        raise ValueError(f"{path} holds the values {unknown}: name a label from 0 to 255 for each in labels=")
    wanted = np.array([names[int(value)] for value in values])
    return wanted.astype(np.uint8)[np.searchsorted(values, image)]


def _check_labels(image: NDArray[np.generic], name: str) -> None:
    if image.ndim != 3 or not np.issubdtype(image.dtype, np.integer):
        raise ValueError(f"{name} must be a three-dimensional image of whole numbers; got {image.dtype} {image.shape}")


def _suffix(path: Path) -> None:
    if path.suffix not in SUFFIXES:
        raise ValueError(f"an image file ends in {', '.join(SUFFIXES)}; got {path.name!r}")


def _load(path: Path) -> NDArray[np.generic]:
    import tifffile

    try:
        return np.load(path) if path.suffix == ".npy" else tifffile.imread(path)
    except (tifffile.TiffFileError, ValueError, EOFError) as error:
        raise ValueError(f"{path} is not an image: {error}") from None
