"""Spheres packed in a box: cores of a cathode at a stated volume fraction, between two walls or without any."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microstructure._packing import add_spheres, find_pairs, largest_overlap
from microstructure.arguments import check_rng
from microstructure.errors import PackingError
from microstructure.relaxation import Arrangement, Cell, fill, jam
from microstructure.sizes import Distribution, check_count

Method = Literal["relax", "sequential"]
Periods = tuple[bool, bool, bool]

MOST_SPHERES = 10_000_000
PATIENCE = 100_000  # failures in a row after which random addition ends
TRIALS_AT_ONCE = 50_000


@dataclass(frozen=True, eq=False, repr=False)
class Packing:
    """Spheres in a box that begins at the origin; on an axis that is not periodic each lies wholly inside.

    Attributes
    ----------
    centres : ndarray, float64 (n, 3) [m]
    diameters : ndarray, float64 (n,) [m]
    box : ndarray, float64 (3,) [m]
    periodic : tuple of three bool
    fraction : float
        Sum of the sphere volumes over the volume of the box.
    overlap : float
        Largest overlap of two spheres over the smaller diameter of the two; 0 when none overlap.
    method : str
        "relax", "sequential" or "jam".
    """

    centres: NDArray[np.float64] = field(metadata={"unit": "m"})
    diameters: NDArray[np.float64] = field(metadata={"unit": "m"})
    box: NDArray[np.float64] = field(metadata={"unit": "m"})
    periodic: Periods = field(metadata={"unit": ""})
    fraction: float = field(metadata={"unit": "1"})
    overlap: float = field(metadata={"unit": "1"})
    method: str = field(metadata={"unit": ""})

    @property
    def count(self) -> int:
        """Number of spheres."""
        return int(self.diameters.size)

    @property
    def radii(self) -> NDArray[np.float64]:
        """Radii, float64 (n,) [m]."""
        return 0.5 * self.diameters

    def __repr__(self) -> str:
        box = " x ".join(f"{1e6 * side:.4g}" for side in self.box)
        walls = "".join(name for name, periodic in zip("xyz", self.periodic, strict=True) if not periodic)
        return (
            f"Packing({self.count} spheres, fraction {self.fraction:.4f}, box {box} um, "
            f"walls {walls or 'none'}, overlap {self.overlap:.1e}, {self.method})"
        )


def pack_spheres(
    sizes: Distribution | ArrayLike,
    *,
    fraction: float | None = None,
    count: int | None = None,
    box: Sequence[float] | None = None,
    aspect: Sequence[float] = (1.0, 1.0, 1.0),
    periodic: Sequence[bool] = (False, True, True),
    rng: np.random.Generator,
    method: Method = "relax",
    clearance: float = 0.0,
) -> Packing:
    """Pack spheres at random without overlap.

    Parameters
    ----------
    sizes : Distribution or array_like of float (n,)
        A distribution from `microstructure.sizes`, with two of `fraction`, `count` and `box` (with `count` alone the
        spheres are packed until they jam); or the diameters themselves [m], with either `fraction` or `box`.
    fraction : float
        Volume of the spheres over that of the box, reached exactly. With a distribution and a box, sizes are drawn
        until their volume comes closest, then all are scaled by the tiny factor that is left.
    count : int
        Number of spheres drawn.
    box : three floats [m]
        Edges of the box; without it the box follows from the volume of the spheres and `aspect`.
    aspect : three floats
        Edges of the box relative to each other, where `box` is not given.
    periodic : three bools
        Which axes are periodic; the others end at hard walls that no sphere crosses.
    rng : numpy.random.Generator
        The same generator state gives the same bytes.
    method : {"relax", "sequential"}
        "relax" pushes overlapping spheres apart (energy minimisation) while they grow, up to random close packing;
        "sequential" throws one after the other where there is room, which ends below 0.3841 for equal spheres.
    clearance : float [m]
        Thickness of a soft coat on every sphere ("relax" only). The coats, which may be too many for the box, first
        find their balance; from there the bare spheres are parted, if they overlap at all. Walls press on the coats.

    Returns
    -------
    Packing
        No overlap exceeds 1e-4 of the smaller diameter.

    Raises
    ------
    TypeError
        For too many or too few of `fraction`, `count` and `box`, or an argument of the wrong kind.
    ValueError
        For a fraction outside (0, 1), sizes that are not finite and positive, a box smaller than a sphere.
    PackingError
        If the fraction is out of reach; `best` holds the densest packing found. It keeps the diameters in a larger
        box, or where `box` was given, the box with smaller spheres; "sequential" leaves spheres out.

    References
    ----------
    C. S. O'Hern, L. E. Silbert, A. J. Liu and S. R. Nagel, Phys. Rev. E 68, 011306 (2003).

    Examples
    --------
    >>> from microstructure.sizes import Lognormal
    >>> sizes = Lognormal(median=3.3e-6, width=0.3)
    >>> spheres = pack_spheres(sizes, fraction=0.60, count=100, rng=np.random.default_rng(1))
    >>> round(spheres.fraction, 4)
    0.6
    """
    check_rng(rng)
    walls = _check_periodic(periodic)
    if method not in get_args(Method):
        raise ValueError(f"method must be 'relax' or 'sequential', got {method!r}")
    coat = _check_clearance(clearance, method)
    fraction = None if fraction is None else _check_fraction(fraction)
    sides = None if box is None else _check_sides(box, "box", "m")
    shape = _check_sides(aspect, "aspect", "")
    if isinstance(sizes, Distribution):
        if fraction is None and box is None and count is not None:
            if method != "relax" or coat > 0.0:
                raise TypeError("count= alone packs to jamming, without method= or clearance=; for those add fraction=")
            return jam_spheres(sizes, count=count, aspect=aspect, periodic=periodic, rng=rng)
        diameters = _draw_sizes(sizes, fraction, count, sides, rng)
    else:
        if count is not None or (fraction is None) == (sides is None):
            raise TypeError("an array of diameters takes either fraction= or box=, not both, and no count=")
        diameters = _check_diameters(sizes)
    edges = sides if sides is not None else _box_for(diameters, fraction or math.nan, shape)
    _check_fits(diameters, edges)
    task = _Task(diameters, edges, walls, box_given=sides is not None, rng=rng)
    return _relaxed(task, coat) if method == "relax" else _added(task)


def jam_spheres(
    sizes: Distribution | ArrayLike,
    *,
    count: int | None = None,
    aspect: Sequence[float] = (1.0, 1.0, 1.0),
    periodic: Sequence[bool] = (False, True, True),
    rng: np.random.Generator,
) -> Packing:
    """Pack spheres at random until they jam: the box is the smallest that a random start leads to.

    Parameters
    ----------
    sizes : Distribution or array_like of float (n,)
        A distribution, with `count`; or the diameters themselves [m].
    count, aspect, periodic, rng
        As in `pack_spheres`.

    Returns
    -------
    Packing
        `fraction` is the jammed fraction, known to about 1e-4; for 500 equal spheres without walls 0.636 +- 0.002.

    Raises
    ------
    TypeError, ValueError
        As `pack_spheres`.

    References
    ----------
    C. S. O'Hern, L. E. Silbert, A. J. Liu and S. R. Nagel, Phys. Rev. E 68, 011306 (2003).

    Examples
    --------
    >>> from microstructure.sizes import Equal
    >>> jammed = jam_spheres(Equal(1e-6), count=100, periodic=(True, True, True), rng=np.random.default_rng(1))
    >>> round(jammed.fraction, 2)
    0.63
    """
    check_rng(rng)
    walls = _check_periodic(periodic)
    if isinstance(sizes, Distribution):
        if count is None:
            raise TypeError("a distribution needs count= (and, to stop short of jamming, fraction= in pack_spheres)")
        diameters = sizes.draw(check_count(count), rng=rng)
    elif count is not None:
        raise TypeError("an array of diameters takes no count=")
    else:
        diameters = _check_diameters(sizes)
    edges = _box_for(diameters, 0.68, _check_sides(aspect, "aspect", ""))
    _check_fits(diameters, edges)
    task = _Task(diameters, edges, walls, box_given=False, rng=rng)
    return _packing(task, jam(task.cell, rng=rng), "jam")


@dataclass(frozen=True)
class _Task:
    """What is packed into what [m], and the same in mean diameters for the kernels."""

    diameters: NDArray[np.float64]
    box: NDArray[np.float64]
    periodic: Periods
    box_given: bool
    rng: np.random.Generator

    @property
    def unit(self) -> float:
        return float(self.diameters.mean())

    @property
    def fraction(self) -> float:
        return _fraction(self.diameters, self.box)

    @property
    def cell(self) -> Cell:
        return Cell(self.diameters / self.unit, self.box / self.unit, np.array(self.periodic), self.fraction)


def _relaxed(task: _Task, clearance: float) -> Packing:
    cell = task.cell
    reached = fill(cell, clearance=clearance / task.unit, rng=task.rng)
    packing = _packing(task, reached, "relax")
    if reached.fraction < cell.fraction:
        raise _out_of_reach(task, packing)
    return packing


def _added(task: _Task) -> Packing:
    cell = task.cell
    centres = np.empty((task.diameters.size, 3))
    placed, failed = 0, 0
    while placed < task.diameters.size and failed < PATIENCE:
        trials = task.rng.random((TRIALS_AT_ONCE, 3))
        placed, failed = add_spheres(centres, cell.diameters, placed, failed, PATIENCE, cell.box, cell.periodic, trials)
    kept = _Task(task.diameters[:placed], task.box, task.periodic, box_given=True, rng=task.rng)
    packing = _finish(kept, centres[:placed] * task.unit, kept.diameters, kept.box, "sequential")
    if placed < task.diameters.size:
        raise _out_of_reach(task, packing)
    return packing


def _out_of_reach(task: _Task, best: Packing) -> PackingError:
    advice = "ask for less, or " + (
        "use method='relax'" if best.method == "sequential" else "for more spheres between walls, if there are any"
    )
    return PackingError(
        f"{task.diameters.size} spheres cannot be packed at random to a fraction of {task.fraction:.4f}: "
        f"the densest packing found has {best.fraction:.4f} (in .best); {advice}",
        best=best,
    )


def _packing(task: _Task, reached: Arrangement, method: str) -> Packing:
    scale = task.cell.scale(reached.fraction)
    if task.box_given:
        return _finish(task, reached.centres * task.unit, task.diameters * scale, task.box, method)
    return _finish(task, reached.centres * (task.unit / scale), task.diameters, task.box / scale, method)


def _finish(
    task: _Task, centres: NDArray[np.float64], diameters: NDArray[np.float64], box: NDArray[np.float64], method: str
) -> Packing:
    for axis in range(3):
        if not task.periodic[axis]:  # the change of unit may have moved a sphere on the wall by a last digit
            centres[:, axis] = np.clip(centres[:, axis], 0.5 * diameters, box[axis] - 0.5 * diameters)
        else:
            centres[centres[:, axis] >= box[axis], axis] = 0.0
    pairs, shifts = find_pairs(centres, diameters, box, np.array(task.periodic), 0.0)
    overlap = float(largest_overlap(centres, diameters, pairs, shifts))
    return Packing(centres, diameters.copy(), box.copy(), task.periodic, _fraction(diameters, box), overlap, method)


def _draw_sizes(
    sizes: Distribution,
    fraction: float | None,
    count: int | None,
    box: NDArray[np.float64] | None,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    if (fraction is None) + (count is None) + (box is None) != 1:
        raise TypeError("a distribution takes two of fraction=, count= and box=, or count= alone to pack to jamming")
    if count is not None:
        return sizes.draw(check_count(count), rng=rng)
    if fraction is None or box is None:
        raise TypeError("a distribution takes two of fraction=, count= and box=")
    return _draw_volume(sizes, fraction * float(np.prod(box)), rng)


def _draw_volume(sizes: Distribution, wanted: float, rng: np.random.Generator) -> NDArray[np.float64]:
    expected = wanted / sizes.mean_volume()
    if not 0.5 <= expected <= MOST_SPHERES:
        raise ValueError(
            f"the box would hold {expected:.3g} spheres of this distribution; "
            f"between 1 and {MOST_SPHERES:,} can be packed: check the units of box and sizes (metres)"
        )
    diameters = np.empty(0)
    while math.pi / 6.0 * np.sum(diameters**3) < wanted:
        diameters = np.concatenate((diameters, sizes.draw(int(expected) + 1, rng=rng)))
    volumes = math.pi / 6.0 * np.cumsum(diameters**3)
    nearest = int(np.argmin(np.abs(volumes - wanted)))
    return np.asarray(diameters[: nearest + 1] * (wanted / volumes[nearest]) ** (1.0 / 3.0))


def _box_for(diameters: NDArray[np.float64], fraction: float, aspect: NDArray[np.float64]) -> NDArray[np.float64]:
    volume = math.pi / 6.0 * float(np.sum(diameters**3)) / fraction
    return np.asarray(aspect * (volume / np.prod(aspect)) ** (1.0 / 3.0))


def _fraction(diameters: NDArray[np.float64], box: NDArray[np.float64]) -> float:
    return float(math.pi / 6.0 * np.sum(diameters**3) / np.prod(box))


def _check_fits(diameters: NDArray[np.float64], box: NDArray[np.float64]) -> None:
    if diameters.max() > box.min():
        raise ValueError(
            f"the box is {' x '.join(f'{side:.4g}' for side in box)} m, smaller than the largest sphere "
            f"({diameters.max():.4g} m): give a larger box or more spheres"
        )
    if not _fraction(diameters, box) < 1.0:
        raise ValueError(f"the spheres have {_fraction(diameters, box):.4g} times the volume of the box: enlarge it")


def _check_fraction(fraction: object) -> float:
    if isinstance(fraction, bool) or not isinstance(fraction, (int, float, np.integer, np.floating)):
        raise TypeError(f"fraction must be a number between 0 and 1, got {fraction!r}")
    if not 0.0 < fraction < 1.0:
        raise ValueError(f"fraction must lie between 0 and 1 (volume of the spheres over the box), got {fraction}")
    return float(fraction)


def _check_clearance(clearance: object, method: str) -> float:
    if isinstance(clearance, bool) or not isinstance(clearance, (int, float, np.integer, np.floating)):
        raise TypeError(f"clearance must be a length in metres, got {clearance!r}")
    if not 0.0 <= clearance < math.inf:
        raise ValueError(f"clearance must be finite and not negative [m], got {clearance}")
    if clearance > 0.0 and method != "relax":
        raise ValueError(f"clearance needs method='relax', coats cannot be pressed by {method!r}")
    return float(clearance)


def _check_periodic(periodic: object) -> Periods:
    values = list(periodic) if isinstance(periodic, (tuple, list, np.ndarray)) else []
    if len(values) != 3 or not all(isinstance(value, (bool, np.bool_)) for value in values):
        raise TypeError(f"periodic must be three bools such as (False, True, True), got {periodic!r}")
    return bool(values[0]), bool(values[1]), bool(values[2])


def _check_sides(sides: object, name: str, unit: str) -> NDArray[np.float64]:
    values = _floats(sides, name)
    if values.shape != (3,) or not np.all(np.isfinite(values) & (values > 0.0)):
        raise ValueError(f"{name} must be three finite numbers above 0{' ' + unit if unit else ''}, got {sides!r}")
    return values


def _check_diameters(sizes: object) -> NDArray[np.float64]:
    values = _floats(sizes, "sizes")
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"sizes must be one row of at least 1 diameter, got the shape {values.shape}")
    wrong = ~(np.isfinite(values) & (values > 0.0))
    if np.any(wrong):
        raise ValueError(f"all sizes must be finite and above 0 m, got {values[wrong][0]} at place {np.argmax(wrong)}")
    return values


def _floats(values: object, name: str) -> NDArray[np.float64]:
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold numbers, got {values!r}")
    return array.astype(np.float64)  # a copy: what the caller gave is never changed
