"""Node potentials beyond double precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Potential:
    """Node potentials as high + low.

    Inside a good conductor the drop from node to node is below the rounding of the potential itself. The low part
    holds what rounding took away, so currents stay right at conductivity contrasts of 1e12.
    """

    high: NDArray[np.float64]
    low: NDArray[np.float32]

    @staticmethod
    def of(values: NDArray[np.float64]) -> Potential:
        """Take over the potential of the given nodes."""
        return Potential(np.asarray(values, np.float64), np.zeros(np.shape(values), np.float32))
