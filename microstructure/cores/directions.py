"""Directions spread evenly over the sphere."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_runs

MOST_POINTS = 1_000_000  # on one sphere


def sphere_points(count: int) -> NDArray[np.float64]:
    """Unit vectors spread evenly over the sphere, a Fibonacci lattice, float64 (count, 3).

    References
    ----------
    A. Gonzalez, Math. Geosci. 42, 49 (2010).
    """
    if check_runs(count, "points") > MOST_POINTS:
        raise ValueError(f"points are {MOST_POINTS:,} at most on a sphere, some hundred are enough; got {count}")
    numbers = np.arange(count) + 0.5
    height = 1.0 - 2.0 * numbers / count
    angle = math.pi * (1.0 + math.sqrt(5.0)) * numbers
    ring = np.sqrt(1.0 - height**2)
    return np.stack([ring * np.cos(angle), ring * np.sin(angle), height], axis=1)
