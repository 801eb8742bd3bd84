"""Faceted cores packed in a box: rigid bodies pushed and turned until none overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microstructure.arguments import check_kind, check_periodic, check_rng
from microstructure.cores._facet_packing import near_pairs, relax
from microstructure.cores.facets import Facets
from microstructure.cores.packing_request import (
    Periods,
    box_for,
    check_clearance,
    check_diameters,
    check_reach,
    check_sides,
    check_sizes,
    check_target,
    draw_sizes,
    volume_fraction,
)
from microstructure.cores.shapes import Bodies
from microstructure.cores.sizes import Distribution
from microstructure.cores.sphere_packing import Packing
from microstructure.errors import PackingError

Floats = NDArray[np.float64]

OVERLAP = 1e-4  # of the smaller diameter: what counts as not overlapping
FIRST_FRACTION = 0.4  # growth starts here: any random start relaxes to no overlap
STEP = 0.02  # of volume fraction
SMALLEST_STEP = 5e-4  # the densest fraction is known to this
MOST_STEPS = 3_000
COAT_STEPS = 1_000
# Pressing by these much (of volume fraction) and letting go settles a packing: it gains 0.01-0.03.
PRESSES = (0.1, 0.2, 0.1)
PRESS_STEPS = 300
PRESSING_GAINS = 0.03


def pack_bodies(
    shape: Facets,
    sizes: Distribution | ArrayLike,
    *,
    fraction: float | None = None,
    count: int | None = None,
    box: Sequence[float] | None = None,
    aspect: Sequence[float] = (1.0, 1.0, 1.0),
    periodic: Sequence[bool] = (False, True, True),
    clearance: float = 0.0,
    rng: np.random.Generator,
) -> Packing:
    """Pack faceted cores at random without overlap.

    Parameters
    ----------
    shape : Facets
        Aspect ratio, sharpness and faces; each core is drawn with a shape of its own.
    sizes : Distribution or array_like of float (n,)
        Diameters of the spheres of equal volume: a distribution from `microstructure.cores.sizes`, with two of
        `fraction`, `count` and `box`; or the diameters themselves [m], with either `fraction` or `box`.
    fraction : float
        Volume of the bodies over that of the box, reached exactly.
    count : int
        Number of bodies drawn.
    box : three floats [m]
        Edges of the box; without it the box follows from the volume of the bodies and `aspect`.
    aspect : three floats
        Edges of the box relative to each other, where `box` is not given.
    periodic : three bools
        Which axes are periodic; the others end at hard walls that no body crosses.
    clearance : float [m]
        Thickness of a soft coat on every body. The coats, which may be too many for the box, are pressed together
        first; from there the bare bodies are parted, if they overlap at all. Walls press on the coats.
    rng : numpy.random.Generator
        The same generator state gives the same bytes.

    Returns
    -------
    Packing
        With `bodies` as they lie in the box, and the `diameters` of the spheres of equal volume. No overlap exceeds
        3e-4 of the smaller diameter.

    Raises
    ------
    TypeError
        For too many or too few of `fraction`, `count` and `box`, or an argument of the wrong kind.
    ValueError
        For a fraction outside (0, 1), sizes that are not finite and positive, a box smaller than a body.
    PackingError
        If the fraction is out of reach; `best` holds the densest packing found. It keeps the sizes in a larger box,
        or where `box` was given, the box with smaller bodies.

    References
    ----------
    B. T. Polyak, USSR Comput. Math. Math. Phys. 4, 1 (1964); E. G. Gilbert, D. W. Johnson and S. S. Keerthi,
    IEEE J. Robot. Autom. 4, 193 (1988).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> crystals = pack_bodies(Facets(aspect_ratio=1.3), np.full(20, 3e-6), fraction=0.5, rng=rng)
    >>> round(crystals.fraction, 4)
    0.5
    """
    check_rng(rng)
    check_kind("shape", shape, Facets)
    check_sizes(sizes)
    walls = check_periodic(periodic)
    coat = check_clearance(clearance, "relax")
    fraction = None if fraction is None else check_target(fraction)
    sides = None if box is None else check_sides(box, "box", "m")
    edges = check_sides(aspect, "aspect", "")
    diameters = _sizes(sizes, fraction, count, sides, rng)
    edges = sides if sides is not None else box_for(diameters, fraction or math.nan, edges)
    check_reach("clearance", diameters.size, edges, walls, float(diameters.mean()) + 2.0 * coat)
    task = _Task(shape.draw(diameters, rng=rng), diameters, edges, walls, box_given=sides is not None)
    _check_fits(task)
    arrangement = _fill(task, coat / task.unit, rng)
    packing = _finish(task, arrangement)
    if arrangement.fraction < task.fraction:
        raise PackingError(
            f"{packing.count} bodies cannot be packed at random to a fraction of {task.fraction:.4f}: the densest "
            f"packing found has {packing.fraction:.4f} (in .best); ask for less, or for more bodies between walls",
            best=packing,
        )
    return packing


@dataclass(frozen=True)
class _Task:
    """What is packed into what [m]."""

    bodies: Bodies
    diameters: Floats
    box: Floats
    periodic: Periods
    box_given: bool

    @property
    def unit(self) -> float:
        return float(self.diameters.mean())

    @property
    def fraction(self) -> float:
        return volume_fraction(self.diameters, self.box)

    def scale(self, fraction: float) -> float:
        """Factor on the bodies that fills the box to `fraction`."""
        return float((fraction / self.fraction) ** (1.0 / 3.0))


@dataclass(frozen=True)
class _Arrangement:
    """Centres in mean diameters, how the bodies are turned, and the fraction to which they may grow there."""

    centres: Floats
    quaternions: Floats
    fraction: float


def _fill(task: _Task, clearance: float, rng: np.random.Generator) -> _Arrangement:
    """An arrangement at the task's own fraction; where that is out of reach, the densest one found, which is less."""
    radii = task.bodies.outer_radius[:, None]
    room = np.where(task.periodic, 0.0, 2.0 * radii)
    centres = (0.5 * room + rng.random((task.bodies.count, 3)) * (task.box - room)) / task.unit
    quaternions = np.tile([0.0, 0.0, 0.0, 1.0], (task.bodies.count, 1))
    best = _Arrangement(centres, quaternions, 0.0)
    if clearance > 0.0:
        _relax(task, best, task.fraction, clearance=clearance, wanted=0.0, most_steps=COAT_STEPS)
    best = _grow(task, best, start=task.fraction if clearance > 0.0 else FIRST_FRACTION)
    for press in PRESSES:
        if 0.0 < task.fraction - best.fraction <= PRESSING_GAINS:
            best = max(best, _pressed(task, best, press), key=lambda arrangement: arrangement.fraction)
    return best


def _pressed(task: _Task, jammed: _Arrangement, press: float) -> _Arrangement:
    """What a jammed arrangement grows to after it was pressed into itself and let go."""
    trial = _Arrangement(jammed.centres.copy(), jammed.quaternions.copy(), 0.0)
    _relax(task, trial, jammed.fraction + press, wanted=0.0, most_steps=PRESS_STEPS)
    return _grow(task, trial, start=jammed.fraction)


def _grow(task: _Task, first: _Arrangement, *, start: float) -> _Arrangement:
    """Grow the bodies step by step; once they overlap for good, each step is half the one before, up or down."""
    best, trial = first, replace(first, centres=first.centres.copy(), quaternions=first.quaternions.copy())
    fraction, step, jammed = min(start, task.fraction), STEP, False
    while step > SMALLEST_STEP and best.fraction < task.fraction:
        if _relax(task, trial, fraction):
            best = _Arrangement(trial.centres.copy(), trial.quaternions.copy(), fraction)
            step = 0.5 * step if jammed else step
            fraction = min(fraction + step, task.fraction)
        else:
            jammed = True
            # Short of any arrangement at all the step must not shrink, or the search would end in mid-air.
            step = 0.5 * step if best.fraction > 0.0 else STEP
            fraction = max(fraction - step, 0.5 * fraction)
    return best


def _relax(
    task: _Task,
    trial: _Arrangement,
    fraction: float,
    *,
    clearance: float = 0.0,
    wanted: float = OVERLAP,
    most_steps: int = MOST_STEPS,
) -> bool:
    """Move and turn the bodies of `trial` in place, grown to `fraction`: whether none overlap."""
    bodies = task.bodies.scaled(1.0 / task.unit)
    overlap, _ = relax(
        bodies.solids,
        task.diameters / task.unit,
        bodies.outer_radius,
        task.scale(fraction),
        clearance,
        trial.centres,
        trial.quaternions,
        task.box / task.unit,
        np.array(task.periodic),
        wanted,
        most_steps,
    )
    return bool(overlap <= wanted)


def _finish(task: _Task, reached: _Arrangement) -> Packing:
    grown = task.scale(reached.fraction)
    scale, box = (grown, task.box) if task.box_given else (1.0, task.box / grown)
    bodies = task.bodies.turned(reached.quaternions).scaled(scale)
    diameters = task.diameters * scale
    centres = _confine(reached.centres * (task.unit * scale / grown), bodies, box, task.periodic)
    overlap = _largest_overlap(centres, bodies, diameters, box, task.periodic)
    fraction = volume_fraction(diameters, box)
    return Packing(centres, diameters, box.copy(), task.periodic, fraction, overlap, "relax", bodies=bodies)


def _confine(centres: Floats, bodies: Bodies, box: Floats, periodic: Periods) -> Floats:
    """Bring every body wholly inside: soft walls give way by up to a ten-thousandth of the smallest diameter."""
    starts, confined = bodies.start[:-1], centres.copy()
    for axis in range(3):
        if periodic[axis]:
            confined[:, axis] %= box[axis]
            confined[confined[:, axis] >= box[axis], axis] = 0.0
        else:
            below = bodies.rounding - np.minimum.reduceat(bodies.corners[:, axis], starts)
            above = bodies.rounding + np.maximum.reduceat(bodies.corners[:, axis], starts)
            confined[:, axis] = np.clip(confined[:, axis], below, box[axis] - above)
    return confined


def _largest_overlap(centres: Floats, bodies: Bodies, diameters: Floats, box: Floats, periodic: Periods) -> float:
    """Over the smaller diameter of the two; 0 when none overlap."""
    unit = float(diameters.mean())
    solids = bodies.scaled(1.0 / unit).solids
    pairs, _, _, gaps = near_pairs(
        solids, bodies.outer_radius / unit, centres / unit, box / unit, np.array(periodic), 0.0
    )
    smaller = np.minimum(diameters[pairs[:, 0]], diameters[pairs[:, 1]]) / unit
    return float(np.max(-gaps / smaller, initial=0.0))


def _sizes(
    sizes: Distribution | ArrayLike,
    fraction: float | None,
    count: int | None,
    box: Floats | None,
    rng: np.random.Generator,
) -> Floats:
    if isinstance(sizes, Distribution):
        if (fraction is None) + (count is None) + (box is None) != 1:
            raise TypeError("a distribution takes two of fraction=, count= and box=")
        return draw_sizes(sizes, fraction, count, box, rng)
    if count is not None or (fraction is None) == (box is None):
        raise TypeError("an array of diameters takes either fraction= or box=, not both, and no count=")
    return check_diameters(sizes)


def _check_fits(task: _Task) -> None:
    widest = 2.0 * float(task.bodies.outer_radius.max())
    if widest > task.box.min():
        raise ValueError(
            f"the box is {' x '.join(f'{side:.4g}' for side in task.box)} m, smaller than the longest body "
            f"({widest:.4g} m): give a larger box or more bodies"
        )
    if not task.fraction < 1.0:
        raise ValueError(f"the bodies have {task.fraction:.4g} times the volume of the box: enlarge it")
