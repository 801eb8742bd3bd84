"""A sheet whose conductance differs from place to place: what it conducts as a whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HALVINGS = 44  # of the interval that holds the answer


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
    low, high = sheets.min(axis=1), sheets.max(axis=1)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        above = _excess(sheets, shares, middle) > 0.0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.asarray(np.where(_excess(sheets, shares, low) > 0.0, 0.5 * (low + high), low))


def _excess(
    sheets: NDArray[np.float64], shares: NDArray[np.float64], middle: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean polarisation of the patches in a medium of this conductance, above zero below the effective one."""
    medium = np.maximum(middle, 1e-300)[:, None]
    return np.asarray(np.sum(shares * (sheets - medium) / (sheets + medium), axis=1))
