"""Where a structure throttles the current: the few voxels in which most of the power is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.ndimage
from numpy.typing import ArrayLike, NDArray

from transport.conduction import Conduction
from transport.image import parse_labels, parse_number, parse_voxel_size
from transport.report import describe

EVERY_NEIGHBOUR = np.ones((3, 3, 3), np.bool_)


@dataclass(frozen=True, eq=False)
class HotSpots:
    """The fewest voxels that dissipate a share of the power, as groups of neighbours, the strongest group first."""

    power_share: float = field(metadata={"unit": "", "what": "of the power lost in them, at least what was asked for"})
    volume_share: float = field(metadata={"unit": "", "what": "of the image's volume they take"})
    count: int = field(metadata={"unit": "groups"})
    positions: NDArray[np.float64] = field(repr=False, metadata={"unit": "m", "what": "of their middles, (count, 3)"})
    powers: NDArray[np.float64] = field(repr=False, metadata={"unit": "", "what": "share of all power, (count,)"})
    voxels: NDArray[np.int64] = field(repr=False, metadata={"unit": "voxels", "what": "(count,)"})

    def __str__(self) -> str:
        return describe(self)


def find_hot_spots(
    result: Conduction,
    labels: ArrayLike,
    conductivity: Mapping[int, float],
    voxel_size: float | Sequence[float],
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
        What it was computed for, (nx, ny, nz) [S/m, m].
    power_share
        Of all power, between 0 and 1.

    Returns
    -------
    HotSpots
        Positions [m] from the image's corner, shares of the power.

    Raises
    ------
    TypeError, ValueError
        A result without current densities, or without a path; labels of another shape, or without a conductivity; a
        share that is not between 0 and 1.

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
    if result.current_density is None:
        raise ValueError("the result has no current densities: call effective_conductivity with keep_current=True")
    if not result.percolates:
        raise ValueError(f"no current flows along axis {result.axis}, through no path: there are no hot spots")
    voxels, known = parse_labels(labels, conductivity)
    if voxels.shape != result.current_density.shape[:3]:
        raise ValueError(
            f"labels must have the shape of the result, {result.current_density.shape[:3]}; got {voxels.shape}"
        )
    if not 0.0 < parse_number("power_share", power_share, "1") < 1.0:
        raise ValueError(f"power_share must be between 0 and 1, got {power_share!r}")
    size = parse_voxel_size(voxel_size)
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
        positions=((middles + 0.5) * size)[order],
        powers=powers[order],
        voxels=np.bincount(groups.ravel(), minlength=count + 1)[1:][order],
    )
