"""A section as a scanning electron microscope would show it: a plane of a structure with its phases as grey levels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from microstructure.arguments import check_kind, check_lengths, check_number, check_rng
from microstructure.carbon.placement import Carbon
from microstructure.structure import Phase, Structure

# Backscattered electrons: the heavier the atoms, the brighter; a pore sends next to none back
GREY_LEVELS: Mapping[int, int] = {
    Phase.PORE: 10,
    Phase.CORE: 220,
    Phase.MATRIX: 130,
    Phase.ELECTROLYTE: 130,
    Phase.CARBON: 50,
}
MOST_SAMPLES = 2**32  # of a section
FINENESS = 8  # samples over the diameter of a primary, in a pixel that is larger than that
DISCS_AT_ONCE = 20_000


@dataclass(frozen=True, eq=False)
class Micrograph:
    """A grey image of a plane."""

    image: NDArray[np.uint8] = field(repr=False, metadata={"shape": "[first, second]", "what": "the other two axes"})
    pixel_size: float = field(metadata={"unit": "m"})
    axis: int = field(metadata={"what": "normal of the plane"})
    position: float = field(metadata={"unit": "m", "what": "where it cuts that axis"})


@dataclass(frozen=True)
class Plane:
    """A plane of samples: normal axis, the two axes in it, place, distance of samples and how many there are."""

    axis: int
    inside: tuple[int, int]
    position: float  # [m]
    spacing: float  # [m]
    counts: tuple[int, int]


def sem_section(
    structure: Structure,
    *,
    axis: int = 2,
    position: float | None = None,
    pixel_size: float | None = None,
    grey_levels: Mapping[int, int] = GREY_LEVELS,
    blur: float = 0.0,
    noise: float = 0.0,
    rng: np.random.Generator | None = None,
) -> Micrograph:
    """Cut a structure and show its phases as grey levels, as backscattered electrons do.

    Phases come from the image. Primaries that the image does not resolve are cut as spheres: a disc where one crosses
    the plane, with the right share of grey in pixels larger than itself.

    Parameters
    ----------
    structure : Structure
    axis : {0, 1, 2}
        Normal of the plane; the image keeps the order of the other two axes.
    position : float
        Where the plane cuts that axis [m]; half-way if not given.
    pixel_size : float
        [m]; one voxel if not given. Pixels that do not fit wholly into the box are left out.
    grey_levels : mapping
        0 to 255 for every phase that occurs, and for `Phase.CARBON` if there are primaries.
    blur : float
        Standard deviation of the Gaussian spot [m]; it goes through periodic sides.
    noise : float
        Standard deviation of the grey level of each pixel; needs `rng`.

    Returns
    -------
    Micrograph
        `image` uint8.

    Examples
    --------
    >>> labels = np.zeros((4, 4, 4), np.uint8)
    >>> labels[:2] = 1
    >>> int(sem_section(Structure(labels, 1e-7, (True,) * 3, (4e-7,) * 3)).image.max())
    220
    """
    check_kind("structure", structure, Structure)
    check_noise(noise, rng)
    if not 0.0 <= check_number("blur", blur) <= max(structure.box):
        raise ValueError(f"blur is a length from 0 m to that of the box, {max(structure.box):g} m; got {blur!r}")
    if not isinstance(grey_levels, Mapping):
        raise TypeError(f"grey_levels is a mapping such as {{0: 10, 1: 220}}, phase to grey level; got {grey_levels!r}")
    pixel = structure.voxel_size if pixel_size is None else pixel_size
    (pixel,) = check_lengths(pixel_size=pixel)
    carbon = hidden_carbon(structure)
    finer = 1 if carbon is None else math.ceil(min(FINENESS * pixel / carbon.diameter, FINENESS * 8.0))
    plane = lay_plane(structure, axis, position, pixel, finer)
    grey = grey_of(structure, plane, grey_levels, with_carbon=carbon is not None)
    if carbon is not None:
        draw_discs(grey, carbon, plane, structure, grey_levels[Phase.CARBON])
    first, second = (count // finer for count in plane.counts)
    grey = grey.reshape(first, finer, second, finer).mean(axis=(1, 3))
    if blur > 0.0:
        for column, side in enumerate(plane.inside):
            mode: Literal["wrap", "nearest"] = "wrap" if structure.periodic[side] else "nearest"
            grey = gaussian_filter1d(grey, blur / pixel, axis=column, mode=mode)
    if rng is not None and noise > 0.0:
        grey = grey + (noise * rng.standard_normal(grey.shape)).astype(np.float32)
    return Micrograph(np.clip(np.rint(grey), 0, 255).astype(np.uint8), float(pixel), plane.axis, plane.position)


def hidden_carbon(structure: Structure) -> Carbon | None:
    """The primaries, if there are any and the image does not show them."""
    carbon = structure.carbon
    if carbon is None or carbon.count == 0 or np.any(structure.labels == Phase.CARBON):
        return None
    return carbon


def lay_plane(structure: Structure, axis: int, position: float | None, pixel: float, finer: int) -> Plane:
    """The samples of a section, `finer` of them along the edge of a pixel."""
    if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
        raise TypeError(f"axis is 0, 1 or 2 (x, y, z); got {axis!r}")
    if axis not in (0, 1, 2):
        raise ValueError(f"axis is 0, 1 or 2 (x, y, z); got {axis!r}")
    place = 0.5 * structure.box[axis] if position is None else check_number("position", position)
    if not 0.0 <= place < structure.box[axis]:
        raise ValueError(f"position lies in the box, 0 to {structure.box[axis]:g} m; got {position!r}")
    one, other = (side for side in range(3) if side != axis)
    counts = [int(structure.box[side] / pixel + 1e-9) for side in (one, other)]
    if min(counts) < 1:
        raise ValueError(f"a pixel of {pixel:g} m is larger than the section: take a smaller one")
    if math.prod(counts) * finer**2 > MOST_SAMPLES:
        raise ValueError(f"pixels of {pixel:g} m make an image of {counts[0]:.3g} x {counts[1]:.3g}: take larger ones")
    return Plane(axis, (one, other), float(place), pixel / finer, (counts[0] * finer, counts[1] * finer))


def grey_of(
    structure: Structure, plane: Plane, grey_levels: Mapping[int, int], *, with_carbon: bool
) -> NDArray[np.float32]:
    """Grey level of the phase at every sample."""
    cut = structure.labels.take(_voxels(np.array([plane.position]), structure, plane.axis)[0], axis=plane.axis)
    wanted = {*map(int, np.unique(cut)), *([int(Phase.CARBON)] if with_carbon else [])}
    table = np.zeros(256, np.float32)
    for phase in wanted:
        if phase not in grey_levels:
            raise ValueError(f"phase {phase} has no grey level: name one from 0 to 255 in grey_levels=")
        level = grey_levels[phase]
        if isinstance(level, bool) or not isinstance(level, (int, np.integer)) or not 0 <= level <= 255:
            raise ValueError(f"grey levels are whole numbers from 0 to 255; got {level!r} for phase {phase}")
        table[phase] = level
    rows, columns = (
        _voxels((np.arange(count) + 0.5) * plane.spacing, structure, side)
        for side, count in zip(plane.inside, plane.counts, strict=True)
    )
    return np.asarray(table[cut[rows[:, None], columns]])


def draw_discs(grey: NDArray[np.float32], carbon: Carbon, plane: Plane, structure: Structure, level: int) -> None:
    """Give every sample inside a primary the grey level of carbon."""
    radius, box = 0.5 * carbon.diameter, structure.box
    height = carbon.centres[:, plane.axis] - plane.position
    if structure.periodic[plane.axis]:
        height = height - box[plane.axis] * np.rint(height / box[plane.axis])
    cut = np.abs(height) < radius
    discs = np.sqrt(radius**2 - height[cut] ** 2)
    centres = carbon.centres[cut][:, plane.inside]
    for index, side in enumerate(plane.inside):
        if structure.periodic[side]:
            centres, discs = _with_images(centres, discs, index, box[side], radius)
    reach = math.ceil(radius / plane.spacing) + 1
    square = np.arange(-reach, reach + 1)
    for begin in range(0, len(discs), DISCS_AT_ONCE):
        chosen = slice(begin, begin + DISCS_AT_ONCE)
        nearest = np.floor(centres[chosen] / plane.spacing).astype(np.int64)
        rows, columns = (nearest[:, [axis]] + square for axis in (0, 1))
        across = (rows + 0.5) * plane.spacing - centres[chosen, :1]
        along = (columns + 0.5) * plane.spacing - centres[chosen, 1:]
        inside = across[:, :, None] ** 2 + along[:, None] ** 2 < discs[chosen, None, None] ** 2
        inside &= ((rows >= 0) & (rows < grey.shape[0]))[:, :, None]
        inside &= ((columns >= 0) & (columns < grey.shape[1]))[:, None]
        disc, i, j = np.nonzero(inside)
        grey[rows[disc, i], columns[disc, j]] = level


def check_noise(noise: float, rng: np.random.Generator | None) -> None:
    """Refuse noise that is no number of 0 or more, and noise without a generator."""
    if not 0.0 <= check_number("noise", noise) < math.inf:
        raise ValueError(f"noise is a standard deviation of 0 grey levels or more; got {noise!r}")
    if noise > 0.0 or rng is not None:
        check_rng(rng)


def _voxels(places: NDArray[np.floating], structure: Structure, axis: int) -> NDArray[np.int64]:
    found = np.floor(places / structure.voxel_size * (1.0 + 1e-12)).astype(np.int64)
    return np.minimum(found, structure.labels.shape[axis] - 1)


def _with_images(
    centres: NDArray[np.float64], discs: NDArray[np.float64], column: int, edge: float, radius: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Discs and the images of those that cross a periodic side."""
    low, high = centres[:, column] < radius, centres[:, column] > edge - radius
    step = np.zeros(2)
    step[column] = edge
    return np.concatenate([centres, centres[low] + step, centres[high] - step]), np.concatenate(
        [discs, discs[low], discs[high]]
    )
