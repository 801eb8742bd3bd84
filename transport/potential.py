"""Node potentials to twice double precision."""

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
    low: NDArray[np.float64]

    @staticmethod
    def of(values: NDArray[np.float64]) -> Potential:
        """Return the potential of the given nodes."""
        high = np.asarray(values, np.float64)
        return Potential(high, np.zeros_like(high))

    def plus(self, step: NDArray[np.float64]) -> Potential:
        """Return the potential raised by `step` at each node, exactly to twice double precision."""
        step = self.low + step
        high = self.high + step
        part = high - self.high
        return Potential(high, (self.high - (high - part)) + (step - part))  # Knuth's two-sum
