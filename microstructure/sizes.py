"""How large the particles are: size distributions that draw diameters and know the mean volume of a sphere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from microstructure.arguments import check_rng

Weighting = Literal["volume", "number"]

LARGEST_WIDTH = 3.0  # sizes over six powers of ten: what is wider was meant in another unit


@runtime_checkable
class Distribution(Protocol):
    """What a packing asks of sizes: diameters drawn by number, and the mean volume that goes with them."""

    def draw(self, count: int, *, rng: np.random.Generator) -> NDArray[np.float64]:
        """Diameters, float64 (count,) [m], drawn by number."""
        ...

    def mean_volume(self) -> float:
        """Mean sphere volume by number [m3]."""
        ...


@dataclass(frozen=True)
class Lognormal:
    """Lognormal diameters, as laser diffraction reports them: a median and a width, by volume or by number.

    Parameters
    ----------
    median : float
        Median diameter of the weighting [m], d50.
    width : float
        Standard deviation of ln(diameter); 0 gives equal spheres.
    weighting : {"volume", "number"}
        What the median and the width count. Both weightings of a lognormal have the same width, and
        median(number) = median(volume) exp(-3 width^2) (Hatch & Choate 1929).
    cutoff : float
        Sizes further than `cutoff` widths from the median (of the weighting) do not occur; `math.inf` for all sizes.

    Raises
    ------
    TypeError
        If a number is not a number.
    ValueError
        If the median or the cut-off is not positive, the width negative, or the weighting unknown.

    References
    ----------
    T. Hatch and S. P. Choate, J. Franklin Inst. 207, 369 (1929).

    Examples
    --------
    >>> round(1e18 * Lognormal(median=3.3e-6, width=0.3).mean_volume(), 2)
    13.12
    """

    median: float = field(metadata={"unit": "m"})
    width: float = field(metadata={"unit": "1"})
    weighting: Weighting = field(default="volume", metadata={"unit": ""})
    cutoff: float = field(default=2.5, metadata={"unit": "widths"})

    def __post_init__(self) -> None:
        object.__setattr__(self, "median", _positive(self.median, "median", "m"))
        object.__setattr__(self, "width", _number(self.width, "width"))
        object.__setattr__(self, "cutoff", _number(self.cutoff, "cutoff"))
        if not 0.0 <= self.width < math.inf:
            raise ValueError(f"width must be finite and not negative (standard deviation of ln d), got {self.width}")
        if self.width > LARGEST_WIDTH:
            raise ValueError(f"width is the standard deviation of ln d, {LARGEST_WIDTH:g} at most, got {self.width}")
        if not self.cutoff > 0.0:
            raise ValueError(f"cutoff must be above 0 widths (math.inf keeps all sizes), got {self.cutoff}")
        _check_weighting(self.weighting)

    def draw(self, count: int, *, rng: np.random.Generator) -> NDArray[np.float64]:
        """Diameters, float64 (count,) [m], drawn by number."""
        count, rng = check_count(count), check_rng(rng)
        # The normal quantile is taken in the upper tail, which is where a volume-weighted cut-off lies.
        low, high = ndtr(-self._upper), ndtr(-self._lower)
        z = -ndtri(low + (high - low) * (1.0 - rng.random(count)))
        return self._number_median * np.exp(self.width * np.clip(z, self._lower, self._upper))

    def mean_volume(self) -> float:
        """Mean sphere volume by number [m3], cut-off included."""
        s = self.width
        kept = ndtr(-self._lower) - ndtr(-self._upper)
        kept_cubed = ndtr(3.0 * s - self._lower) - ndtr(3.0 * s - self._upper)
        return float(math.pi / 6.0 * self._number_median**3 * math.exp(4.5 * s * s) * kept_cubed / kept)

    @property
    def _shift(self) -> float:
        return 3.0 * self.width if self.weighting == "volume" else 0.0

    @property
    def _number_median(self) -> float:
        return self.median * math.exp(-self.width * self._shift)

    @property
    def _lower(self) -> float:
        return self._shift - self.cutoff  # in widths above the median by number

    @property
    def _upper(self) -> float:
        return self._shift + self.cutoff


@dataclass(frozen=True)
class Equal:
    """Spheres of one diameter [m].

    Examples
    --------
    >>> round(Equal(2.0).mean_volume(), 4)
    4.1888
    """

    diameter: float = field(metadata={"unit": "m"})

    def __post_init__(self) -> None:
        object.__setattr__(self, "diameter", _positive(self.diameter, "diameter", "m"))

    def draw(self, count: int, *, rng: np.random.Generator) -> NDArray[np.float64]:
        """Diameters, float64 (count,) [m], all the same; `rng` is required as everywhere and not used."""
        check_rng(rng)
        return np.full(check_count(count), self.diameter)

    def mean_volume(self) -> float:
        """Volume of one sphere [m3]."""
        return math.pi / 6.0 * self.diameter**3


@dataclass(frozen=True)
class Table:
    """A measured distribution: these diameters and no others, with the share of each by volume or by number.

    Parameters
    ----------
    diameters : sequence of float (n,)
        The sizes [m]: a list, an array, a column of a pandas table.
    weights : sequence of float (n,)
        The share of each, in any unit; they are normalised when used.
    weighting : {"volume", "number"}
        What the shares count.

    Raises
    ------
    TypeError
        If one of the two is no row of numbers.
    ValueError
        If the table is empty, the two lengths differ, a diameter is not positive, a weight negative, all weights are 0,
        or the weighting is unknown.

    Examples
    --------
    >>> bins = Table(diameters=(1e-6, 2e-6), weights=(1.0, 8.0), weighting="volume")
    >>> round(1e18 * bins.mean_volume(), 4)    # as many small ones as large ones
    2.3562
    """

    diameters: Sequence[float] | NDArray[np.floating] = field(metadata={"unit": "m"})
    weights: Sequence[float] | NDArray[np.number] = field(metadata={"unit": "1"})
    weighting: Weighting = field(metadata={"unit": ""})

    def __post_init__(self) -> None:
        diameters = tuple(_positive(diameter, "each diameter", "m") for diameter in _row(self.diameters, "diameters"))
        weights = tuple(_number(weight, "each weight") for weight in _row(self.weights, "weights"))
        object.__setattr__(self, "diameters", diameters)
        object.__setattr__(self, "weights", weights)
        _check_weighting(self.weighting)
        if len(diameters) != len(weights):
            raise ValueError(f"a weight for each diameter is needed, got {len(weights)} for {len(diameters)} diameters")
        if not diameters:
            raise ValueError("a table needs at least 1 diameter and its weight, got none")
        if not all(0.0 <= weight < math.inf for weight in weights) or not sum(weights) > 0.0:
            raise ValueError(f"weights must be finite, not negative and not all 0, got {weights}")

    def draw(self, count: int, *, rng: np.random.Generator) -> NDArray[np.float64]:
        """Diameters, float64 (count,) [m], drawn by number from the table."""
        count, rng = check_count(count), check_rng(rng)
        return rng.choice(np.array(self.diameters), size=count, p=self._number_shares())

    def mean_volume(self) -> float:
        """Mean sphere volume by number [m3]."""
        return float(math.pi / 6.0 * np.sum(self._number_shares() * np.array(self.diameters) ** 3))

    def _number_shares(self) -> NDArray[np.float64]:
        diameters = np.array(self.diameters)
        # Relative to the largest: the cube of a diameter in metres is near the end of the floating-point range.
        per_number = (diameters / diameters.max()) ** 3 if self.weighting == "volume" else np.ones(diameters.size)
        shares = np.array(self.weights) / max(self.weights) / per_number
        return np.asarray(shares / shares.sum(), dtype=np.float64)


def check_count(count: object) -> int:
    """The number of spheres as an int; TypeError for another kind, ValueError below 1."""
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)):
        raise TypeError(f"count must be a whole number of spheres, got {count!r}")
    if count < 1:
        raise ValueError(f"count must be at least 1 sphere, got {count}")
    return int(count)


def _row(values: object, name: str) -> Sequence[object]:
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable) or getattr(values, "ndim", 1) != 1:
        raise TypeError(f"{name} must be a row of numbers (a list, an array, a column of a table), got {values!r}")
    return list(values)


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number, got {value!r}")
    return float(value)


def _positive(value: object, name: str, unit: str) -> float:
    number = _number(value, name)
    if not 0.0 < number < math.inf:
        raise ValueError(f"{name} must be finite and above 0 {unit}, got {number}")
    return number


def _check_weighting(weighting: object) -> None:
    if weighting not in get_args(Weighting):
        raise ValueError(f"weighting must be 'volume' or 'number', got {weighting!r}")
