"""Between which two values a mixture's conductivity must lie, from volume fractions alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import as_numbers, check_name

Kind = Literal["wiener", "hashin-shtrikman"]


@dataclass(frozen=True)
class Bounds:
    """The lowest and highest conductivity that a mixture can have."""

    lower: float = field(metadata={"unit": "S/m"})
    upper: float = field(metadata={"unit": "S/m"})
    kind: str = field(default="wiener", metadata={"unit": ""})

    def __str__(self) -> str:
        return f"{self.lower:.6g} to {self.upper:.6g} S/m ({self.kind})"


def bounds(volume_fractions: Sequence[float], conductivities: Sequence[float], kind: Kind = "wiener") -> Bounds:
    """Return the bounds of a mixture's conductivity, contacts between the phases taken as ideal.

    Parameters
    ----------
    volume_fractions
        One per phase, (n,), summing to 1 [1].
    conductivities
        One per phase, (n,), zero or more [S/m].
    kind
        "wiener": any structure, any direction (layers along and across). "hashin-shtrikman": isotropic ones, in 3D.

    Raises
    ------
    TypeError
        Fractions or conductivities that are not numbers.
    ValueError
        Lengths that differ, negative or infinite or NaN values, fractions that do not sum to 1, an unknown kind.

    References
    ----------
    Hashin and Shtrikman, J. Appl. Phys. 33 (1962) 3125.

    Examples
    --------
    >>> round(bounds([0.7, 0.3], [1.0, 10.0], kind="hashin-shtrikman").lower, 4)
    1.871
    """
    check_name("kind", kind, LAWS)
    fractions, values = _parse("volume_fractions", volume_fractions), _parse("conductivities", conductivities)
    if fractions.shape != values.shape or fractions.size == 0:
        raise ValueError(
            f"bounds need one conductivity for each volume fraction, got {fractions.size} fractions and "
            f"{values.size} conductivities"
        )
    if abs(fractions.sum() - 1.0) > 1e-6:
        raise ValueError(f"volume fractions must sum to 1, these sum to {fractions.sum():.8g}; scale them first")
    return LAWS[kind](fractions, values)


def wiener(amounts: NDArray[np.float64], values: NDArray[np.float64]) -> Bounds:
    """Return the harmonic and the arithmetic mean; a single value comes back exactly, whatever the amounts are."""
    amounts, values = amounts[amounts > 0.0], values[amounts > 0.0]
    total, low, high = amounts.sum(), values.min(), values.max()
    upper = high * (np.sum(amounts * (values / high)) / total) if high > 0.0 else 0.0
    lower = low / (np.sum(amounts * (low / values)) / total) if low > 0.0 else 0.0
    return Bounds(float(lower), float(upper), "wiener")


def hashin_shtrikman(fractions: NDArray[np.float64], values: NDArray[np.float64]) -> Bounds:
    """Return the bounds of an isotropic mixture: z, the comparison value, is the lowest or the highest conductivity."""
    fractions, values = fractions[fractions > 0.0], values[fractions > 0.0]
    return Bounds(
        _comparison(fractions, values, values.min()), _comparison(fractions, values, values.max()), "hashin-shtrikman"
    )


LAWS: Mapping[str, Callable[[NDArray[np.float64], NDArray[np.float64]], Bounds]] = MappingProxyType(
    {"wiener": wiener, "hashin-shtrikman": hashin_shtrikman}
)


def _comparison(fractions: NDArray[np.float64], values: NDArray[np.float64], z: float) -> float:
    if np.any(values + 2.0 * z == 0.0):
        return 0.0
    return float(fractions.sum() / np.sum(fractions / (values + 2.0 * z)) - 2.0 * z)


def _parse(name: str, values: Sequence[float]) -> NDArray[np.float64]:
    array = as_numbers(name, values).astype(np.float64)
    if array.ndim != 1 or not np.all(np.isfinite(array)) or np.any(array < 0.0):
        raise ValueError(f"{name} must be a flat list of finite numbers, zero or more, got {values!r}")
    return array
