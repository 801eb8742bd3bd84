"""Voxel images of coated cores at any resolution, in which every phase has exactly the recipe's volume."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_kind, check_lengths, check_rng, check_voxels
from microstructure.carbon.placement import Carbon
from microstructure.checks.integrity import check_computable
from microstructure.coats._coating import Cores, Film
from microstructure.coats.coat_models import coat_thickness
from microstructure.coats.coating import Coats, coat_reach, neighbourhood
from microstructure.coats.unevenness import GRID, POINTS_PER_LENGTH, periodic_field
from microstructure.cores.sphere_packing import Packing
from microstructure.errors import RecipeError
from microstructure.images._voxelise import (
    FILM_KEYS,
    GAP_KEYS,
    OPEN_KEYS,
    coat_keys,
    core_keys,
    count_in_planes,
    count_keys,
    field_keys,
    gap_key,
    label_keys,
    primary_keys,
    sort_into_planes,
)
from microstructure.materials import Materials
from microstructure.recipe import Recipe
from microstructure.structure import Phase, Structure
from microstructure.threads import in_threads

ROWS = 8  # shares of the planes in which keys are counted side by side
MARGIN = 1.0  # voxels on either side of a core's surface among which the recipe's volume is found
LARGEST_SHORT = np.iinfo(np.int16).max


@dataclass(frozen=True, eq=False)
class Image:
    """Label and nearest core of every voxel of a composite."""

    labels: NDArray[np.uint8]
    owners: NDArray[np.signedinteger]


@dataclass(frozen=True, eq=False)
class Filled:
    """How far the keys of an image had to be taken to label a wanted number of voxels."""

    counts: NDArray[np.int64]  # labelled voxels of each key
    limit: int  # the last key taken, -1 if none


def voxelise(
    structure: Structure, voxel_size: float, *, resolve_carbon: bool = False, rng: np.random.Generator | None = None
) -> Structure:
    """The voxel image of a composite at another resolution, with the same cores, coats and carbon.

    Parameters
    ----------
    structure : Structure
        A composite with cores and coats.
    voxel_size : float
        Edge of a voxel [m]; every edge of the box must be whole voxels, to 1e-3 of a voxel.
    resolve_carbon : bool
        Show the carbon, the electrolyte and the pores inside the matrix instead of the homogeneous matrix. The voxels
        nearest to a primary's centre are carbon, also where it stands out of the coat.
    rng : numpy.random.Generator
        Needed to resolve: the pores of the matrix are blobs of a random field, an assumed shape.

    Returns
    -------
    Structure
        `labels` uint8; `owners` int16 or int32. Every phase has the recipe's volume, exact to one voxel. Beyond the
        result, 2 bytes a voxel are needed, and 4 bytes a primary to resolve the carbon.

    Raises
    ------
    ValueError
        If the structure has no cores or coats, or the voxels do not fit the box.
    TypeError
        If the carbon is to be resolved without a generator.

    Examples
    --------
    >>> from microstructure import Recipe, build_composite
    >>> rng = np.random.default_rng(1)
    >>> cell = build_composite(Recipe.parse("80:20:0"), porosity=0.2, box=(8e-6,) * 3, voxel_size=125e-9, rng=rng)
    >>> voxelise(cell, 100e-9).labels.shape
    (80, 80, 80)
    """
    check_kind("resolve_carbon", resolve_carbon, bool)
    check_computable(structure, carbon=resolve_carbon)
    check_lengths(voxel_size=voxel_size)
    if rng is not None or resolve_carbon:
        check_rng(rng)
    parts = structure.parts
    check_voxel(voxel_size, parts.recipe, parts.coats.model)
    check_core(voxel_size, float(parts.cores.diameters.max()))
    if resolve_carbon:
        check_primary(voxel_size, parts.recipe.materials)
    shape = whole_shape(structure.box, voxel_size)
    reach = coat_reach(parts.recipe, parts.coats.model, parts.cores)
    near = neighbourhood(parts.cores, reach, walls=parts.coats.walls)
    image, _ = image_coats(parts.cores, near, parts.coats.film, parts.recipe, shape, voxel_size)
    fine = replace(structure, labels=image.labels, owners=image.owners, voxel_size=voxel_size)
    return _resolve(fine, check_rng(rng)) if resolve_carbon else fine


def check_voxel(voxel_size: float, recipe: Recipe, coat: str) -> None:
    """Refuse a voxel that cannot show a core; warn where it cannot show the coat.

    Raises
    ------
    ValueError
        If it is larger than a fifth of the median core.
    """
    check_core(voxel_size, recipe.materials["cam.median_diameter"])
    thickness = coat_thickness(recipe, coat)
    if voxel_size > thickness:
        warnings.warn(
            f"a voxel of {voxel_size * 1e9:.3g} nm is larger than the coat of {recipe}, {thickness * 1e9:.3g} nm: films"
            " break up in the image, ionic utilisation and conductivity come out too low",
            stacklevel=4,
        )


def check_core(voxel_size: float, diameter: float) -> None:
    """Refuse a voxel larger than a fifth of a core."""
    if voxel_size > 0.2 * diameter:
        raise ValueError(
            f"a voxel of {voxel_size * 1e9:.3g} nm does not show a core: take {2e8 * diameter:.3g} nm or less"
        )


def check_primary(voxel_size: float, materials: Materials) -> None:
    """Warn where a voxel hides the primaries."""
    primary = materials["cb.primary_diameter"]
    if voxel_size > primary:
        warnings.warn(
            f"a voxel of {voxel_size * 1e9:.3g} nm is larger than a primary of {primary * 1e9:.3g} nm: the image keeps"
            " the carbon's volume but not its shape; its connectivity is in .carbon",
            stacklevel=4,
        )


def lay_coats(packing: Packing, near: Cores, recipe: Recipe, voxel_size: float, *, film: Coats) -> tuple[Image, Coats]:
    """Lay a film on the cores and fill gaps with the rest of the matrix, narrow ones first; the rest is pore."""
    shape = whole_shape(packing.box.tolist(), voxel_size)
    image, filled = image_coats(packing, near, film.film, recipe, shape, voxel_size)
    return image, _filled(film, packing, filled)


def whole_shape(box: tuple[float, ...], voxel_size: float) -> tuple[int, int, int]:
    """Voxels along each edge; a ValueError where they do not fit."""
    x, y, z = (round(edge / voxel_size) for edge in box)
    if not _divides(voxel_size, box):
        finer = (min(box) / count for count in range(max(1, min(x, y, z)), 4 * min(x, y, z) + 4))
        fits = next((f": try {1e9 * size:.6g} nm" for size in finer if _divides(size, box)), "")
        edges = " x ".join(f"{1e6 * edge:.6g}" for edge in box)
        raise ValueError(f"voxel_size must divide the box {edges} um; {1e9 * voxel_size:.6g} nm does not{fits}")
    check_voxels(voxel_size, (x, y, z))
    return x, y, z


def _divides(voxel_size: float, box: tuple[float, ...]) -> bool:
    counts = [edge / voxel_size for edge in box]
    return all(abs(count - round(count)) < 1e-3 and round(count) > 0 for count in counts)


def image_coats(
    packing: Packing, near: Cores, film: Film, recipe: Recipe, shape: tuple[int, int, int], voxel_size: float
) -> tuple[Image, Filled]:
    """Label cores and matrix, each with its volume, and say how far the matrix reaches."""
    size = math.prod(shape)
    core_voxels, matrix_voxels = round(packing.fraction * size), round(packing.fraction * recipe.matrix_per_core * size)
    if matrix_voxels < 1:
        raise ValueError(f"all the matrix of {recipe} in this box is less than one voxel: take smaller voxels")
    if matrix_voxels > size - core_voxels + 1:  # both are rounded
        most = 1.0 / (1.0 + recipe.matrix_per_core)
        raise RecipeError(
            f"cores that fill {packing.fraction:.3f} of the box leave no room for all the matrix of {recipe}:"
            f" pack them to {most:.3f} or less"
        )
    labels, keys = np.zeros(shape, np.uint8), np.empty(shape, np.uint16)
    owners = np.empty(shape, np.int16 if packing.count < LARGEST_SHORT else np.int32)
    periodic, matrix_voxels = np.asarray(packing.periodic), min(matrix_voxels, size - core_voxels)
    in_threads(core_keys, len(keys), near, MARGIN * voxel_size, voxel_size, periodic, keys)
    label_lowest(labels, keys, core_voxels, Phase.CORE)
    narrowest, widest = gap_range(film, packing)
    levels = 0.25 * widest, narrowest, widest
    in_threads(coat_keys, len(keys), near, film, *levels, voxel_size, periodic, labels, keys, owners)
    return Image(labels, owners), label_lowest(labels, keys, matrix_voxels, Phase.MATRIX)


def gap_range(film: Film, packing: Packing) -> tuple[float, float]:
    """Half gaps between which the keys of gaps are spread [m]; a quarter of the wider is how far a core reaches."""
    mean = film.thickness + film.roughness
    return 0.25 * mean, 4.0 * max(float(np.median(packing.diameters)), 4.0 * mean)


def label_lowest(labels: NDArray[np.uint8], keys: NDArray[np.uint16], wanted: int, label: int) -> Filled:
    """Give exactly `wanted` voxels a label, those with the lowest keys; within the last key the first in the image."""
    rows = np.zeros((ROWS, 65536), np.int64)
    in_threads(count_keys, len(rows), keys, rows)
    counts = rows.sum(axis=0)
    counts[-1] = 0
    below = np.concatenate([[0], np.cumsum(counts)])
    if not 0 < wanted <= below[-1]:
        if wanted > 0:
            raise ValueError(f"{wanted} voxels of phase {label} are wanted, and there is room for {below[-1]}")
        return Filled(np.zeros_like(counts), -1)
    limit = int(np.searchsorted(below, wanted) - 1)
    in_plane = np.zeros(len(keys), np.int64)
    in_threads(count_in_planes, len(keys), keys, limit, in_plane)
    before = np.concatenate([[0], np.cumsum(in_plane)[:-1]])
    ties = np.clip(wanted - below[limit] - before, 0, in_plane)
    in_threads(label_keys, len(keys), keys, limit, ties, label, labels)
    counts[limit + 1 :] = 0
    counts[limit] = wanted - below[limit]
    return Filled(counts, limit)


def image_primaries(
    carbon: Carbon,
    labels: NDArray[np.uint8],
    keys: NDArray[np.uint16],
    voxel_size: float,
    periodic: tuple[bool, bool, bool],
    wanted: int,
) -> None:
    """Label the voxels nearest to the primaries' centres as carbon, as many as wanted, none of them a core."""
    start, order = np.zeros(len(labels) + 1, np.int64), np.empty(carbon.count, np.uint32)
    sort_into_planes(carbon.centres, voxel_size, start, order)
    reach = carbon.diameter + 2.0 * voxel_size  # the sum of overlapping primaries is larger than their union
    sides, core = np.asarray(periodic), int(Phase.CORE)
    in_threads(primary_keys, len(keys), carbon.centres, start, order, reach, voxel_size, sides, core, labels, keys)
    label_lowest(labels, keys, wanted, Phase.CARBON)


def fill_level(limit: int, film: Film, packing: Packing) -> float:
    """Mean distance to two cores that the key of a gap stands for [m]; the widest for the open and beyond."""
    narrowest, widest = gap_range(film, packing)
    share = (limit + 1 - FILM_KEYS) / (GAP_KEYS - 1)
    return narrowest * math.exp(min(share, 1.0) * math.log(widest / narrowest))


def _filled(coats: Coats, packing: Packing, filled: Filled) -> Coats:
    """The same coats, with the shares of the matrix as they were found in the image."""
    matrix, film = int(filled.counts.sum()), coats.film
    in_film = int(filled.counts[:FILM_KEYS].sum()) / matrix
    height = coats.thickness + coats.roughness
    narrowest, widest = gap_range(film, packing)
    recess = int(filled.counts[FILM_KEYS : gap_key(2.0 * height, narrowest, widest)].sum()) / matrix
    bodies = packing.shapes
    under, outer = (float(np.sum(bodies.volumes_within(h) - bodies.volumes)) for h in (coats.roughness, height))
    rough = in_film * under / outer
    return replace(
        coats,
        fill_height=fill_level(filled.limit, film, packing) if filled.limit >= FILM_KEYS else 0.0,
        open_height=max(0.0, (filled.limit + 1 - FILM_KEYS - GAP_KEYS) / (OPEN_KEYS - 1) * 0.25 * widest),
        film_share=in_film - rough,
        roughness_share=rough,
        recess_share=recess,
        interstice_share=max(0.0, 1.0 - in_film - recess),
    )


def _resolve(structure: Structure, rng: np.random.Generator) -> Structure:
    """Split the matrix of an image into carbon, electrolyte and pores, each with its volume."""
    recipe, labels = structure.parts.recipe, structure.labels
    volumes = recipe.volume_fractions
    electrolyte = round(structure.parts.cores.fraction * volumes.se / volumes.cam * labels.size)
    keys = np.empty(labels.shape, np.uint16)
    if structure.carbon is not None:
        wanted = round(structure.carbon.volume / structure.volume * labels.size)
        image_primaries(structure.carbon, labels, keys, structure.voxel_size, structure.periodic, wanted)
    field = periodic_field(rng=rng)
    period = GRID / POINTS_PER_LENGTH * recipe.materials["matrix.pore_length"]
    box = np.asarray(structure.box)
    spacings = box / np.maximum(1, np.rint(box / period)) / GRID  # whole periods: no seam at a periodic face
    highest, matrix = float(np.abs(field).max()), int(Phase.MATRIX)
    in_threads(field_keys, len(keys), field, spacings, highest, structure.voxel_size, matrix, labels, keys)
    left = sum(int(np.count_nonzero(plane == matrix)) for plane in labels)  # plane by plane: no copy of the image
    label_lowest(labels, keys, min(electrolyte, left), Phase.ELECTROLYTE)
    for plane in labels:
        plane[plane == matrix] = Phase.PORE
    return structure
