"""From two or three voxel sizes to none: the value that a result tends to, its order and its error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from microstructure.arguments import as_numbers

FIRST_ORDER = 1.0  # of staircases, where two sizes cannot tell the order
ORDERS = (0.3, 4.0)  # between which an observed order is believed


@dataclass(frozen=True)
class Extrapolation:
    """A value at voxel size zero. `order` is observed with three sizes and assumed with two."""

    value: float
    order: float
    error: float  # distance to what the two finest sizes give in first order, or what was extrapolated over


def extrapolate_voxel_size(voxel_sizes: Sequence[float], values: Sequence[float]) -> Extrapolation:
    """Return the value that the same structure tends to as its voxels shrink.

    Parameters
    ----------
    voxel_sizes
        Two or three sizes [m], in any order; three must have equal ratios, such as 4 : 2 : 1.
    values
        The result at each of them, (n,), in any unit.

    Returns
    -------
    Extrapolation
        From three sizes value and observed order (Richardson), and as error the larger of the distances to first-order
        extrapolation of the two finest ones and a tenth of the last correction. From two sizes first order, which is
        that of staircases, and as error the whole correction.

    Raises
    ------
    TypeError
        Sizes or values that are not numbers.
    ValueError
        Other than two or three sizes, sizes that repeat or are not positive, unequal ratios; three values that do not
        approach anything (they turn, or their order is not between 0.3 and 4): a finer image is needed.

    References
    ----------
    P. J. Roache, Annu. Rev. Fluid Mech. 29 (1997) 123.

    Examples
    --------
    >>> found = extrapolate_voxel_size([4e-8, 2e-8, 1e-8], [1.16, 1.04, 1.01])
    >>> round(found.value, 6), round(found.order, 6)
    (1.0, 2.0)
    """
    sizes, results = as_numbers("voxel_sizes", voxel_sizes), as_numbers("values", values)
    if sizes.shape != results.shape or sizes.shape not in ((2,), (3,)):
        raise ValueError(f"two or three voxel sizes with a value each, got shapes {sizes.shape} and {results.shape}")
    if not (np.isfinite(sizes).all() and np.isfinite(results).all() and np.all(sizes > 0.0)):
        raise ValueError(f"voxel sizes must be above zero and values finite, got {voxel_sizes!r} and {values!r}")
    if len(np.unique(sizes)) < len(sizes):
        raise ValueError(f"voxel sizes must differ, got {voxel_sizes!r}")
    order = np.argsort(sizes)
    fine, *coarser = (float(value) for value in results[order])
    ratio = float(sizes[order[1]] / sizes[order[0]])
    first = fine + (fine - coarser[0]) / (ratio**FIRST_ORDER - 1.0)
    if len(sizes) == 2:
        return Extrapolation(first, FIRST_ORDER, abs(first - fine))
    if not math.isclose(sizes[order[2]] / sizes[order[1]], ratio, rel_tol=1e-6):
        raise ValueError(f"three voxel sizes must have equal ratios, as 4 : 2 : 1; got {voxel_sizes!r}")
    steps = coarser[0] - fine, coarser[1] - coarser[0]
    if steps[0] == 0.0 and steps[1] == 0.0:
        return Extrapolation(fine, FIRST_ORDER, 0.0)
    observed = math.log(steps[1] / steps[0]) / math.log(ratio) if steps[0] * steps[1] > 0.0 else math.nan
    if not ORDERS[0] <= observed <= ORDERS[1]:
        raise ValueError(
            f"values {values!r} at {voxel_sizes!r} approach nothing that can be told (observed order {observed:.2g}): "
            "a finer image is needed, or take the two finest alone"
        )
    value = fine - steps[0] / (ratio**observed - 1.0)
    return Extrapolation(value, observed, max(abs(value - first), 0.1 * abs(value - fine)))
