"""What a caller may say to a solver: numbers, tolerances, flags, checked at the door."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from percolation.lattice_arguments import parse_count


def parse_number(name: str, value: Any, unit: str, *, infinite: bool = False) -> float:
    """Return a number that is zero or more, finite unless `infinite` is allowed."""
    if isinstance(value, (str, bytes, bool, np.bool_)) or np.ndim(value) > 0:
        raise TypeError(f"{name} must be a number in {unit}, got {value!r}")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number in {unit}, got {value!r}") from None
    except OverflowError:
        number = math.inf
    if math.isnan(number) or number < 0.0 or (math.isinf(number) and not infinite):
        finite = "" if infinite else "finite and "
        raise ValueError(f"{name} must be {finite}zero or more, in {unit}; got {number!r}")
    return number


def parse_tolerance(tolerance: float, max_iterations: int) -> float:
    """Return the tolerance; both it and the number of iterations must be above zero."""
    number = parse_number("tolerance", tolerance, "1")
    if not 0.0 < number < 1.0:
        raise ValueError(f"tolerance must lie between 0 and 1, got {number!r}")
    parse_count(max_iterations, "max_iterations")
    return number


def parse_flags(**flags: object) -> None:
    """Refuse what is not True or False."""
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            raise TypeError(f"{name} must be True or False, got {flag!r}")
