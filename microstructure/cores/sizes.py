"""How large the particles are: size distributions that draw diameters and know the mean volume of a sphere."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from microstructure.arguments import check_name, check_number, check_rng

Weighting = Literal["volume", "number"]

PER_CENT = (np.arange(100) + 0.5) / 100.0  # where a cumulative curve is read off: the middle of each per cent
MOST_DRAWN = 10_000_000
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

    Shares are those of bins, not summed up: for a cumulative curve there is `Table.cumulative`, for D10, D50 and D90
    `Table.percentiles`.

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
        the weighting is unknown, or the weights look cumulative: they rise or fall from the finest size to the coarsest
        and end at 100 or 1 without adding up to it, or are percentiles such as 10, 50, 90.

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
        if _look_cumulative(diameters, weights):
            raise ValueError(
                f"the weights {_few(weights)} look cumulative: use Table.cumulative(diameters, percent), or for D10,"
                " D50 and D90 Table.percentiles(d10=..., d50=..., d90=...); shares of bins add up to 1 or to 100"
            )

    @classmethod
    def cumulative(
        cls,
        diameters: Sequence[float] | NDArray[np.floating],
        percent: Sequence[float] | NDArray[np.number],
        weighting: Weighting = "volume",
    ) -> Table:
        """A table from a cumulative curve, as laser diffraction and sieves report it.

        The curve is read off at the middle of each per cent, which gives a hundred sizes of equal share. Between two
        points the logarithm of the diameter is linear in the normal quantile of the share (a lognormal piece); next
        to a point of 0 or 100 % it is linear in the share. Beyond the outermost points, where these are not 0 and
        100 %, the nearest piece is continued.

        Parameters
        ----------
        diameters : sequence of float (n,)
            Rising [m], two or more.
        percent : sequence of float (n,)
            How much is finer than each diameter [%], not falling, 0 to 100.
        weighting : {"volume", "number"}
            What the per cent count.

        Raises
        ------
        TypeError
            If one of the two is no row of numbers.
        ValueError
            If the lengths differ, the diameters do not rise, the per cent fall, leave 0 to 100 or look like shares up
            to 1, fewer than two of them differ, or the weighting is unknown.

        Examples
        --------
        >>> curve = Table.cumulative((1.6e-6, 3.3e-6, 6.8e-6, 12e-6), (10, 50, 90, 100))
        >>> len(curve.diameters), round(1e18 * curve.mean_volume(), 2)
        (100, 4.86)
        """
        sizes = np.array([_positive(diameter, "each diameter", "m") for diameter in _row(diameters, "diameters")])
        shares = np.array([_number(share, "each per cent") for share in _row(percent, "percent")]) / 100.0
        _check_curve(sizes, shares)
        read = np.exp(_read_curve(np.log(sizes), shares))
        return cls(tuple(read.tolist()), (0.01,) * len(read), weighting)

    @classmethod
    def percentiles(cls, *, weighting: Weighting = "volume", **diameters: float) -> Table:
        """A table from percentiles by name: `d10`, `d50`, `d90` and whatever else was reported, such as `d99`.

        Read as in `cumulative`: D10, D50 and D90 of a lognormal distribution give that distribution.

        Parameters
        ----------
        weighting : {"volume", "number"}
            What the percentiles count.
        **diameters : float
            Two or more: the size below which so many per cent lie [m].

        Raises
        ------
        TypeError
            If a name is no percentile, or a diameter no number.
        ValueError
            If there are fewer than two, or they do not rise.

        Examples
        --------
        >>> cores = Table.percentiles(d10=2.2e-6, d50=3.3e-6, d90=4.9e-6)
        >>> round(1e18 * cores.mean_volume(), 1)
        12.1
        """
        for name in diameters:
            if not re.fullmatch(r"d(?:[0-9]{1,2}|100)", name):
                raise TypeError(f"percentiles are d10=..., d50=..., d90=... and the like; got {name!r}")
        points = sorted((int(name[1:]), diameter) for name, diameter in diameters.items())
        return cls.cumulative([size for _, size in points], [percent for percent, _ in points], weighting)

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


def _look_cumulative(diameters: tuple[float, ...], weights: tuple[float, ...]) -> bool:
    """Weights that rise or fall with the size and end at all there is, or percentiles even about the median."""
    ordered = [weight for _, weight in sorted(zip(diameters, weights, strict=True))]
    steps = np.diff(ordered)
    if len(ordered) < 2 or not (np.all(steps >= 0) or np.all(steps <= 0)) or not np.any(steps):
        return False
    for whole in (1.0, 100.0):
        if math.isclose(sum(ordered), whole, rel_tol=0.01):  # shares
            return False
        if max(ordered) > 1.001 * whole:
            continue
        even = len(ordered) > 2 and np.allclose(np.add(ordered, ordered[::-1]), whole, rtol=1e-6)
        if even or math.isclose(max(ordered), whole, rel_tol=1e-3):
            return True
    return False


def _check_curve(sizes: NDArray[np.float64], shares: NDArray[np.float64]) -> None:
    if len(sizes) != len(shares):
        raise ValueError(f"a per cent for each diameter is needed, got {len(shares)} for {len(sizes)} diameters")
    if not np.all(np.diff(sizes) > 0):
        raise ValueError(f"the diameters of a cumulative curve rise, got {_few(sizes)}")
    if not np.all((shares >= 0.0) & (shares <= 1.0)) or not np.all(np.diff(shares) >= 0):
        raise ValueError(f"percent is how much is finer: from 0 to 100 and never falling, got {_few(100.0 * shares)}")
    if len(shares) < 2 or not np.any(np.diff(shares)):
        raise ValueError(f"a cumulative curve has two points or more that differ, got {_few(100.0 * shares)} %")
    if shares[-1] <= 0.01:
        raise ValueError(f"percent goes up to 100, got {_few(100.0 * shares)}: multiply shares by 100")


def _read_curve(logs: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms of the sizes below which 0.5, 1.5, ... 99.5 % lie."""
    # where the curve is level nothing lies: of several points at 0 the last counts, of several at 100 the first
    first, last = int(np.flatnonzero(shares == shares[0])[-1]), int(np.flatnonzero(shares == shares[-1])[0])
    logs, shares = logs[first : last + 1], shares[first : last + 1]
    piece = np.clip(np.searchsorted(shares, PER_CENT, side="right") - 1, 0, len(shares) - 2)
    while np.any(level := shares[piece + 1] == shares[piece]):
        piece[level] -= 1
    low, high = shares[piece], shares[piece + 1]
    closed = (low == 0.0) | (high == 1.0)

    def along(values: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray(np.where(closed, values, ndtri(np.where(closed, 0.5, values))))

    place = (along(PER_CENT) - along(low)) / (along(high) - along(low))
    return np.asarray(logs[piece] + place * (logs[piece + 1] - logs[piece]))


def _few(values: Sequence[float] | NDArray[np.float64]) -> str:
    """Numbers for a message, a few of them where there are many."""
    texts = [f"{value:.4g}" for value in values]
    return ", ".join(texts if len(texts) <= 8 else [*texts[:4], "...", *texts[-3:]])


def check_count(count: object) -> int:
    """The number of spheres as an int; TypeError for another kind, ValueError below 1."""
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)):
        raise TypeError(f"count must be a whole number of spheres, got {count!r}")
    if count < 1:
        raise ValueError(f"count must be at least 1 sphere, got {count}")
    if count > MOST_DRAWN:
        raise ValueError(f"count is {MOST_DRAWN:,} spheres at most, got {count}")
    return int(count)


def _row(values: object, name: str) -> Sequence[object]:
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable) or getattr(values, "ndim", 1) != 1:
        raise TypeError(f"{name} must be a row of numbers (a list, an array, a column of a table), got {values!r}")
    return list(values)


def _number(value: object, name: str) -> float:
    return check_number(name, value)


def _positive(value: object, name: str, unit: str) -> float:
    number = _number(value, name)
    if not 0.0 < number < math.inf:
        raise ValueError(f"{name} must be finite and above 0 {unit}, got {number}")
    return number


def _check_weighting(weighting: object) -> None:
    check_name("weighting", weighting, get_args(Weighting))
