"""A sheet whose conductance differs from place to place: what it conducts as a whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STEPS, NEGLIGIBLE = 100, 1e-13  # of Newton's method at most; relative step that ends it


def effective_sheet(sheets: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Conductance of sheets made of patches, by the effective medium of two dimensions.

    Parameters
    ----------
    sheets : ndarray, float64 (n, patches)
        Conductance of each patch of each sheet [S].
    shares : ndarray, float64 (n, patches)
        Of the sheet's area; each row sums to 1.

    Returns
    -------
    ndarray, float64 (n,)
        [S]. Exact for two kinds of patches with equal shares: their geometric mean (Dykhne). Nothing is conducted by a
        sheet of which half or more does not.

    References
    ----------
    D. Bruggeman, Ann. Phys. 416 (1935) 636; A. Dykhne, Sov. Phys. JETP 32 (1971) 63.

    Examples
    --------
    >>> effective_sheet(np.array([[1.0, 4.0], [0.0, 4.0]]), np.full((2, 2), 0.5)).round(6)
    array([2., 0.])
    """
    found = sheets.min(axis=1)
    for _ in range(STEPS):  # rising from below: the excess is convex and falls
        medium = np.maximum(found, 1e-300)[:, None]
        excess = np.sum(shares * (sheets - medium) / (sheets + medium), axis=1)
        slope = np.sum(2.0 * shares * (sheets / (sheets + medium)) / (sheets + medium), axis=1)
        step = np.divide(excess, slope, out=np.zeros_like(found), where=(excess > 0.0) & (slope > 0.0))
        found += step
        if np.all(step <= NEGLIGIBLE * found):
            break
    return found
