"""A small flat piece of coat, or a cube of bulk matrix, with every primary of the carbon resolved."""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from microstructure.arguments import check_fraction, check_kind, check_lengths, check_optional, check_rng, check_voxels
from microstructure.carbon.aggregates import AggregateLibrary
from microstructure.carbon.dispersion import Dispersion
from microstructure.carbon.domains import parse_fit
from microstructure.carbon.placement import MAX_OVERLAP, Carbon, fill_bulk, fill_flat
from microstructure.composite import carbon_library
from microstructure.images.voxelise import check_primary, image_primaries
from microstructure.materials import Materials
from microstructure.recipe import carbon_scales
from microstructure.structure import Phase, Structure

BYTES_A_VOXEL = 36.0  # labels and keys, the random field, smoothed and turned, and the order of its values


def coating_patch(
    thickness: float,
    width: float,
    carbon_volume_fraction: float,
    voxel_size: float,
    *,
    fit: str = "reorient",
    max_overlap: float = MAX_OVERLAP,
    hard: bool = False,
    dispersion: Dispersion | float = 1.0,
    materials: Materials | None = None,
    library: AggregateLibrary | None = None,
    rng: np.random.Generator,
) -> Structure:
    """A square piece of coat: axis 0 points from the core (below) outwards, axes 1 and 2 are periodic.

    Parameters
    ----------
    thickness, width : float
        [m]. A width below eight aggregate diameters warns: its threshold is that of a small box.
    carbon_volume_fraction : float
        CB over CB + SE by volume, pores excluded; the pores follow from the materials' closure.
    voxel_size : float
        [m]; must divide thickness and width. One larger than a primary warns.
    fit : {"reorient", "compress", "cut"}
        How an aggregate taller than the coat is made to fit.
    max_overlap : float
        Share of a diameter by which two primaries of one squeezed aggregate may overlap. ("cut" lifts some onto the
        core; there they may overlap by half.)
    hard : bool
        Whether aggregates keep apart; by default they may overlap. Above some 5 vol% of carbon they cannot.
    dispersion : Dispersion or float
        Share of the aggregates that lie independently, 0 to 1; the others come in agglomerates.

    Returns
    -------
    Structure
        `labels` uint8: 0 pore, 3 electrolyte, 4 carbon, each with its exact volume; `carbon` holds the primaries.

    Examples
    --------
    >>> patch = coating_patch(150e-9, 2e-6, 0.032, 10e-9, rng=np.random.default_rng(1))
    >>> round(patch.fraction(Phase.CARBON), 4)
    0.0304
    """
    check_rng(rng)
    thickness, width, voxel_size = check_lengths(thickness=thickness, width=width, voxel_size=voxel_size)
    carbon_volume_fraction = check_fraction("carbon_volume_fraction", carbon_volume_fraction)
    check_optional("library", library, AggregateLibrary)
    materials = check_optional("materials", materials, Materials) or Materials.load()
    layers, side = whole_voxels(voxel_size, materials, thickness=thickness, width=width)
    check_voxels(voxel_size, (layers, side, side), BYTES_A_VOXEL)
    parse_fit(fit, max_overlap)
    check_kind("hard", hard, bool)
    if width < 8.0 * materials["cb.aggregate_diameter"]:
        warnings.warn(
            f"a patch {width * 1e9:.0f} nm wide is below eight aggregate diameters"
            f" ({8e9 * materials['cb.aggregate_diameter']:.0f} nm): expect a strong size effect",
            stacklevel=2,
        )
    library_rng, carbon_rng, pore_rng = rng.spawn(3)
    library = library or carbon_library(materials, rng=library_rng)
    shape = (layers, side, side)
    box = (thickness, width, width)
    porosity = materials.coat_porosity(carbon_scales(carbon_volume_fraction, materials)[0])
    carbon = fill_flat(
        library,
        width=(width, width),
        floor=library.radius,
        ceiling=thickness,
        fit=fit,
        max_overlap=max_overlap,
        hard=hard,
        dispersion=dispersion,
        rng=carbon_rng,
        volume=carbon_volume_fraction * (1.0 - porosity) * math.prod(box),
    )
    periodic = (False, True, True)
    labels = matrix_image(carbon, shape, box, periodic, porosity, materials["matrix.pore_length"], rng=pore_rng)
    return Structure(labels, voxel_size, periodic, box, carbon=carbon)


def bulk_patch(
    edge: float,
    carbon_volume_fraction: float,
    voxel_size: float,
    *,
    hard: bool = False,
    dispersion: Dispersion | float = 1.0,
    materials: Materials | None = None,
    library: AggregateLibrary | None = None,
    rng: np.random.Generator,
) -> Structure:
    """A periodic cube of bulk matrix with every primary in it.

    Parameters
    ----------
    edge : float
        [m]
    carbon_volume_fraction : float
        CB over CB + SE by volume, pores excluded; the pores follow from the materials' closure.
    voxel_size : float
        [m]; must divide the edge. One larger than a primary warns.
    hard, dispersion, materials, library, rng
        As for `coating_patch`.

    Returns
    -------
    Structure
        `labels` uint8 (n, n, n): 0 pore, 3 electrolyte, 4 carbon, each with its exact volume.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range; a RecipeError if carbon does not fit.

    Examples
    --------
    >>> cube = bulk_patch(1e-6, 0.1, 20e-9, rng=np.random.default_rng(1))
    >>> cube.labels.shape[0]
    50
    """
    check_rng(rng)
    edge, voxel_size = check_lengths(edge=edge, voxel_size=voxel_size)
    carbon_volume_fraction = check_fraction("carbon_volume_fraction", carbon_volume_fraction)
    check_optional("library", library, AggregateLibrary)
    materials = check_optional("materials", materials, Materials) or Materials.load()
    (side,) = whole_voxels(voxel_size, materials, edge=edge)
    check_voxels(voxel_size, (side, side, side), BYTES_A_VOXEL)
    library_rng, carbon_rng, pore_rng = rng.spawn(3)
    library = library or carbon_library(materials, rng=library_rng)
    shape, box = (side, side, side), (edge, edge, edge)
    porosity = materials.matrix_porosity(carbon_scales(carbon_volume_fraction, materials)[0])
    volume = carbon_volume_fraction * (1.0 - porosity) * edge**3
    carbon = fill_bulk(library, box=box, volume=volume, hard=hard, dispersion=dispersion, rng=carbon_rng)
    periodic = (True, True, True)
    labels = matrix_image(carbon, shape, box, periodic, porosity, materials["matrix.pore_length"], rng=pore_rng)
    return Structure(labels, voxel_size, periodic, box, carbon=carbon)


def matrix_image(
    carbon: Carbon,
    shape: tuple[int, ...],
    box: tuple[float, float, float],
    periodic: tuple[bool, bool, bool],
    porosity: float,
    pore_length: float,
    *,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Voxels of electrolyte, carbon and pores, each with its exact share.

    The voxels nearest to a primary's centre are carbon, as many as the recipe has (the union of overlapping primaries
    would be too small). Pores are the peaks of a Gaussian random field outside the carbon, an assumed shape.
    """
    voxel = box[1] / shape[1]
    size = int(np.prod(shape))
    carbon_voxels = round(carbon.volume / math.prod(box) * size)
    pore_voxels = min(round(porosity * size), size - carbon_voxels)
    labels, keys = np.full(shape, Phase.ELECTROLYTE, np.uint8), np.empty(shape, np.uint16)
    image_primaries(carbon, labels, keys, voxel, periodic, carbon_voxels)
    values = gaussian_filter(rng.standard_normal(shape), 0.5 * pore_length / voxel, mode="wrap")
    values[labels == Phase.CARBON] = -np.inf
    pores = np.argsort(-values.ravel(), kind="stable")[:pore_voxels]
    labels.reshape(-1)[pores] = Phase.PORE
    return labels


def whole_voxels(voxel_size: float, materials: Materials, **edges: float) -> list[int]:
    """How many voxels make each edge; refuses a size that does not divide it, warns where it hides the primaries."""
    check_primary(voxel_size, materials)
    counts = [round(edge / voxel_size) for edge in edges.values()]
    for (name, edge), count in zip(edges.items(), counts, strict=True):
        if abs(count * voxel_size - edge) > 1e-3 * edge:
            fits = " or ".join(f"{edge / n * 1e9:.6g}" for n in (count, count + 1) if n > 0)
            raise ValueError(
                f"voxel_size must divide the {name}: {edge * 1e9:.6g} nm are {edge / voxel_size:.3g} voxels of"
                f" {voxel_size * 1e9:.6g} nm; take {fits} nm"
            )
    return counts
