"""Spheres pushed apart until none overlap: growth to a wanted fraction, or until they jam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microstructure.cores._relaxation import relax
from microstructure.cores.core_clusters import CoreGroups

OVERLAP = 1e-4  # of the smaller diameter: what counts as not overlapping
FIRST_FRACTION = 0.5  # growth starts here: any random start relaxes to no overlap
STEP = 0.02  # of volume fraction
SMALLEST_STEP = 2e-5  # the jammed fraction is known to this
ROUGH_STEP = 1e-3  # and to this before it is pressed
MOST_STEPS = 50_000
STARTS = 3
# Pressing by these much (of volume fraction) and letting go settles a packing; one strength alone gets stuck in a
# loop of two states. It gains 0.01-0.02; further up, equal spheres would have to crystallise.
PRESSES = (0.1, 0.2, 0.3, 0.05) * 3
PRESS_STEPS = 2_000
PRESSING_GAINS = 0.025
# A quench from a random start sticks at 0.634-0.639 (equal spheres) or 0.657-0.663 (lognormal, width 0.3); pressed once
# by this much and let go it jams at 0.639-0.644 or 0.662-0.668.
JAMMING_PRESS = 0.05
BEYOND_REACH = 0.06


@dataclass(frozen=True)
class Cell:
    """Spheres of diameter 1 on average in a box that they would fill to `fraction`; some may be joined."""

    diameters: NDArray[np.float64]
    box: NDArray[np.float64]
    periodic: NDArray[np.bool_]
    fraction: float
    blocks: CoreGroups

    def scale(self, fraction: float) -> float:
        """Factor on the diameters that fills the box to `fraction`."""
        return float((fraction / self.fraction) ** (1.0 / 3.0))

    def scatter(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Random centres, float64 (n, 3), that keep every sphere off the walls; a cluster stands about its root."""
        room = np.where(self.periodic, 0.0, np.minimum(self.diameters[:, None], self.box))
        centres = 0.5 * room + rng.random((self.diameters.size, 3)) * (self.box - room)
        centres = centres[self.blocks.roots] + self.blocks.offsets
        return np.where(self.periodic, centres, np.clip(centres, 0.5 * room, self.box - 0.5 * room))


@dataclass(frozen=True)
class Arrangement:
    """Centres in the box of a cell, and the fraction up to which its spheres may grow there without overlap."""

    centres: NDArray[np.float64]
    fraction: float


def fill(cell: Cell, *, clearance: float, rng: np.random.Generator) -> Arrangement:
    """An arrangement at the cell's own fraction; where that is out of reach, the densest one found, which is less.

    Grown from a random start, or from coats of `clearance` pressed together; a jammed one is pressed and let go,
    then started again.
    """
    best = Arrangement(np.empty((0, 3)), 0.0)
    for _ in range(STARTS):
        centres = cell.scatter(rng)
        if clearance > 0.0:
            _press_coats(centres, cell, clearance)
        grown = grow(centres, cell, start=cell.fraction if clearance > 0.0 else FIRST_FRACTION, target=cell.fraction)
        missing = cell.fraction - grown.fraction
        if 0.0 < missing <= PRESSING_GAINS:
            grown = _settle(grown, cell)
        best = max(best, grown, key=lambda arrangement: arrangement.fraction)
        if best.fraction >= cell.fraction or missing > BEYOND_REACH:
            break
    return best


def jam(cell: Cell, *, rng: np.random.Generator) -> Arrangement:
    """The jammed arrangement that a random start leads to, pressed once: no overlap, and none denser nearby."""
    rough = grow(cell.scatter(rng), cell, start=FIRST_FRACTION, target=1.0, smallest_step=ROUGH_STEP)
    centres = rough.centres.copy()
    _relax(centres, cell, rough.fraction + JAMMING_PRESS, PRESS_STEPS)
    pressed = grow(centres, cell, start=rough.fraction, target=1.0, step=ROUGH_STEP)
    if pressed.fraction > rough.fraction:
        return pressed
    return grow(rough.centres, cell, start=rough.fraction, target=1.0, step=ROUGH_STEP)


def grow(
    centres: NDArray[np.float64],
    cell: Cell,
    *,
    start: float,
    target: float,
    step: float = STEP,
    smallest_step: float = SMALLEST_STEP,
) -> Arrangement:
    """Grow the spheres step by step to `target`, or to where they jam (O'Hern et al. 2003, section II B).

    Once they overlap for good they are shrunk, and from then on each step is half the one before.
    """
    centres = centres.copy()
    best = Arrangement(centres, 0.0)
    fraction, first_step, jammed = min(start, target), step, False
    while step > smallest_step and best.fraction < target:
        if _relax(centres, cell, fraction):
            best = Arrangement(centres.copy(), fraction)
            step = 0.5 * step if jammed else step
            fraction = min(fraction + step, target)
        else:
            jammed = True
            # Short of any arrangement at all the step must not shrink, or the search would end in mid-air.
            step = 0.5 * step if best.fraction > 0.0 else first_step
            fraction = max(fraction - step, 0.5 * fraction)
    return best


def _relax(centres: NDArray[np.float64], cell: Cell, fraction: float, most_steps: int = MOST_STEPS) -> bool:
    diameters = cell.diameters * cell.scale(fraction)
    return _balance(centres, diameters, diameters, cell, OVERLAP, most_steps) <= OVERLAP


def _press_coats(centres: NDArray[np.float64], cell: Cell, clearance: float) -> None:
    _balance(centres, cell.diameters + 2.0 * clearance, cell.diameters, cell, 0.0, MOST_STEPS)


def _balance(
    centres: NDArray[np.float64],
    diameters: NDArray[np.float64],
    hard: NDArray[np.float64],
    cell: Cell,
    wanted: float,
    most_steps: int,
) -> float:
    blocks = cell.blocks
    largest, _ = relax(
        centres, diameters, hard, blocks.block, blocks.bonds, cell.box, cell.periodic, wanted, most_steps
    )
    return float(largest)


def _settle(jammed: Arrangement, cell: Cell) -> Arrangement:
    centres = jammed.centres.copy()
    for press in PRESSES:
        _relax(centres, cell, cell.fraction + press, PRESS_STEPS)
        if _relax(centres, cell, cell.fraction):
            return Arrangement(centres, cell.fraction)
    settled = grow(centres, cell, start=jammed.fraction, target=cell.fraction)
    return settled if settled.fraction > jammed.fraction else jammed
