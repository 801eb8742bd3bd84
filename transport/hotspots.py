"""Where a structure throttles the current: the few voxels in which most of the power is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.ndimage
from numpy.typing import ArrayLike, NDArray

from microstructure.arguments import check_kind
from microstructure.structure import Structure
from percolation.lattice.sides import name_sides
from percolation.lattice_arguments import Triple
from transport.conduction import Conduction
from transport.conduction_report import describe
from transport.solver_arguments import parse_number
from transport.voxels.image import parse_labels
from transport.voxels.image_source import parse_source

EVERY_NEIGHBOUR = np.ones((3, 3, 3), np.bool_)


@dataclass(frozen=True, eq=False)
class HotSpots:
    """The fewest voxels that dissipate a share of the power, as groups of neighbours, the strongest group first."""

    power_share: float = field(metadata={"unit": "", "what": "of the power lost in them, at least what was asked for"})
    volume_share: float = field(metadata={"unit": "", "what": "of the image's volume they take"})
    count: int = field(metadata={"unit": "groups"})
    periodic: Triple = field(metadata={"unit": "", "what": "sides of the image that the current was computed with"})
    positions: NDArray[np.float64] = field(repr=False, metadata={"unit": "m", "what": "of their middles, (count, 3)"})
    powers: NDArray[np.float64] = field(repr=False, metadata={"unit": "", "what": "share of all power, (count,)"})
    voxels: NDArray[np.int64] = field(repr=False, metadata={"unit": "voxels", "what": "(count,)"})

    def __str__(self) -> str:
        return describe(self)


def find_hot_spots(
    result: Conduction,
    labels: ArrayLike | Structure,
    conductivity: Mapping[int, float],
    voxel_size: float | Sequence[float] | None = None,
    *,
    power_share: float = 0.5,
) -> HotSpots:
    """Return the constrictions of a conducting image: the fewest voxels that dissipate a share of the power.

    The power of a voxel is the square of its current density over its conductivity. What interfaces dissipate is not
    in it. Groups are of 26 neighbours; one that reaches over a periodic side counts as two.

    Parameters
    ----------
    result
        Of `effective_conductivity` with `keep_current=True`.
    labels, conductivity, voxel_size
        What it was computed for, (nx, ny, nz) [S/m, m]; a `Structure` brings its voxel size.
    power_share
        Of all power, between 0 and 1.

    Returns
    -------
    HotSpots
        Positions [m] from the image's corner, shares of the power.

    Raises
    ------
    TypeError, ValueError
        What is no result, or one without current densities, or without a path; labels of another shape, or without a
        conductivity; a `Structure` with other sides, or with another voxel size than is said; a share that is not
        between 0 and 1.

    Examples
    --------
    >>> from transport import effective_conductivity
    >>> neck = np.zeros((9, 9, 9), np.uint8)
    >>> neck[:4], neck[5:], neck[4, 4, 4] = 1, 1, 1
    >>> found = effective_conductivity(neck, {0: 0.0, 1: 1.0}, 1e-7, keep_current=True)
    >>> spots = find_hot_spots(found, neck, {0: 0.0, 1: 1.0}, 1e-7, power_share=0.4)
    >>> spots.count, (spots.positions / 1e-7).round(1).tolist()
    (1, [[4.5, 4.5, 4.5]])
    """
    check_kind("result", result, Conduction)
    if result.current_density is None:
        raise ValueError("the result has no current densities: call effective_conductivity with keep_current=True")
    if not result.percolates:
        raise ValueError(f"no current flows along axis {result.axis}, through no path: there are no hot spots")
    source = parse_source(labels, voxel_size, None if isinstance(labels, Structure) else result.periodic, None)
    if source.periodic != result.periodic:
        raise ValueError(
            f"the structure is {name_sides(source.periodic)}, the result of an image {name_sides(result.periodic)}: "
            "compute it of the structure itself"
        )
    voxels, known = parse_labels(source.labels, conductivity)
    if voxels.shape != result.current_density.shape[:3]:
        raise ValueError(
            f"labels must have the shape of the result, {result.current_density.shape[:3]}; got {voxels.shape}"
        )
    if not 0.0 < parse_number("power_share", power_share, "1") < 1.0:
        raise ValueError(f"power_share must be between 0 and 1, got {power_share!r}")
    power = np.sum(result.current_density.astype(np.float64) ** 2, axis=3)
    for label, sigma in known.items():
        power[voxels == label] *= 1.0 / sigma if sigma > 0.0 else 0.0
    falling = np.sort(power, axis=None)[::-1]
    reached = np.cumsum(falling)
    last = int(np.searchsorted(reached, power_share * reached[-1]))
    hot = (power >= falling[last]) & (power > 0.0)
    groups, count = scipy.ndimage.label(hot, EVERY_NEIGHBOUR)
    number = np.arange(1, count + 1)
    powers = scipy.ndimage.sum_labels(power, groups, number) / reached[-1]
    order = np.argsort(-powers, kind="stable")
    middles = np.asarray(scipy.ndimage.center_of_mass(power, groups, number), np.float64).reshape(count, 3)
    return HotSpots(
        power_share=float(powers.sum()),
        volume_share=float(hot.mean()),
        count=count,
        periodic=result.periodic,
        positions=((middles + 0.5) * source.voxel_size)[order],
        powers=powers[order],
        voxels=np.bincount(groups.ravel(), minlength=count + 1)[1:][order],
    )
