"""The probability to percolate exactly at the threshold, where it depends on the shape of the box alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from percolation.statistics.onsets import ALL, ANY, Sweep

# A slab counts as two-dimensional from this ratio of width to thickness on. Measured with 6 neighbours: read off at the
# universal probability, slabs of 2 and 8 layers give 0.4752(6) and 0.3560(2) at a ratio of 2, and 0.4756(4) and
# 0.3561(2) at 16; read off at 0.5 the narrow ones are 0.007 and 0.001 too low.
THIN = 2.0


@dataclass(frozen=True)
class Critical:
    """A probability to percolate at the threshold, and why this one.

    Attributes
    ----------
    value : float
        The probability.
    source : str
        The universal value's reference, or why 0.5 stands in.
    """

    value: float = field(metadata={"unit": "1"})
    source: str = field(metadata={"unit": "1"})


_CUBE = {"one": 0.25780, "any": 0.45998, "all": 0.08044}
_TORUS = {"one": 0.521058, "any": 0.690474, "all": 0.351643}


def critical_probability(sweep: Sweep, kind: str, axis: int | str) -> Critical:
    """Return the probability at which a sweep's threshold is best read off.

    Parameters
    ----------
    sweep : Sweep
        Its box decides.
    kind : {"wrap", "span", "largest"}
    axis : {0, 1, 2, "any", "either", "all", "both"}

    Returns
    -------
    Critical
        The universal value for wrapping in a periodic cube, and along a slab with a free third axis that is square
        and at least twice as wide as thick; else 0.5.

    References
    ----------
    J. Wang, Z. Zhou, W. Zhang, T. M. Garoni and Y. Deng, Phys. Rev. E 87 (2013) 052107; H. T. Pinson, J. Stat. Phys.
    75 (1994) 1167.

    Examples
    --------
    >>> import numpy as np
    >>> from percolation import sweep_sites
    >>> sweep = sweep_sites((8, 8, 1), periodic=(True, True, False), runs=1, rng=np.random.default_rng(1))
    >>> critical_probability(sweep, "wrap", 0).value
    0.521058
    """
    if kind != "wrap":
        return Critical(0.5, "the half-way point")
    which = "any" if axis in ANY else "all" if axis in ALL else "one"
    closed = [edge for edge, periodic in zip(sweep.shape, sweep.periodic, strict=True) if periodic]
    free = [edge for edge, periodic in zip(sweep.shape, sweep.periodic, strict=True) if not periodic]
    equal = all(math.isclose(edge, closed[0], rel_tol=1e-6) for edge in closed)
    if len(closed) == 3 and equal:
        return Critical(_CUBE[which], "universal in a periodic cube, Wang et al. 2013")
    if len(closed) == 2 and equal and closed[0] >= THIN * free[0]:
        return Critical(_TORUS[which], "universal along a thin square slab, Pinson 1994")
    return Critical(0.5, "the half-way point: no universal value for this box")
