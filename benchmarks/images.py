"""Images to conduct through: blobs, three phases, and a coated cathode with its carbon. Conductivities in S/m."""

from __future__ import annotations

import tempfile
import warnings
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from microstructure import Phase, Recipe, build_composite, voxelise

SEED = 1
BOX = 7.4e-6  # edge of the cathode: at 200^3 a voxel is a primary of carbon, 37 nm
PERIODIC = (False, True, True)  # these images fit together along y and z
CONDUCTIVITIES = {
    "blobs": {0: 0.0, 1: 1.0},
    "three phases": {0: 1e-7, 1: 1e-3, 2: 1.0},
    "cathode": {Phase.PORE: 0.0, Phase.CORE: 1e-3, Phase.ELECTROLYTE: 1e-7, Phase.CARBON: 1.0},
}


@cache
def labels(image: str, edge: int) -> NDArray[np.uint8]:
    """An image of edge^3 voxels, kept in a file for the processes that follow."""
    path = Path(tempfile.gettempdir()) / f"percoat-{image.replace(' ', '-')}-{edge}-{SEED}.npy"
    if not path.exists():
        made = {"blobs": blobs, "three phases": three_phases, "cathode": cathode}[image](edge)
        np.save(path, made)
    found: NDArray[np.uint8] = np.load(path)
    return found


def smoothed(rng: np.random.Generator, edge: int, width: float) -> NDArray[np.float32]:
    """Noise, periodic, smoothed over so many voxels."""
    return gaussian_filter(rng.standard_normal((edge,) * 3, dtype=np.float32), width, mode="wrap")


def blobs(edge: int) -> NDArray[np.uint8]:
    """Smoothed noise cut at its middle."""
    return (smoothed(np.random.default_rng(SEED), edge, 4.0) > 0).astype(np.uint8)


def three_phases(edge: int) -> NDArray[np.uint8]:
    """60 % cores, 3 % carbon in between, and a matrix."""
    rng = np.random.default_rng(SEED)
    coarse, fine = smoothed(rng, edge, 4.0), smoothed(rng, edge, 1.0)
    found = (coarse > np.quantile(coarse, 0.4)).astype(np.uint8)
    between = found == 0
    found[between & (fine > np.quantile(fine[between], 1.0 - 0.03 / 0.4))] = 2
    return found


def cathode(edge: int) -> NDArray[np.uint8]:
    """80:20:3 with the paper's cores, coats and aggregates."""
    warnings.simplefilter("ignore")  # a coat of a few voxels
    rng = np.random.default_rng(SEED)
    cell = build_composite(Recipe.parse("80:20:3"), porosity=0.2, box=(BOX,) * 3, voxel_size=BOX / edge, rng=rng)
    return voxelise(cell, BOX / edge, resolve_carbon=True, rng=rng).labels
