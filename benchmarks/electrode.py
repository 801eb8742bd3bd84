"""A real electrode beside TauFactor: the tortuosity factor of its pores, between plates, the other sides closed.

    python -m benchmarks.electrode [PATH OF electrode.tiff]

The image, 256^3 voxels with 0 in the pores, is TauFactor's own example (MIT); its notebook says what TauFactor finds.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables import show
from microstructure import read_image
from transport import Conduction, effective_conductivity

SOURCE = "https://github.com/tldr-group/taufactor/blob/main/docs/notebooks/electrode.tiff"
PORE = 0
TAUFACTOR = {0: 2.0772, 1: 2.0766}  # by axis, of the notebook; its solves stop early, the digits that follow are open
HEADINGS = ("axis", "sides", "tortuosity factor", "its bracket", "TauFactor", "difference", "iterations", "time [s]")


@dataclass(frozen=True)
class Row:
    """One axis: what was found, and how long it took."""

    found: Conduction
    seconds: float


def main(path: Path) -> None:
    """Print every axis."""
    show(f"pores of {path.name}", HEADINGS, map(cells, rows(read_image(path))))


def rows(labels: NDArray[np.integer]) -> list[Row]:
    """Pores of 1 S/m, all else insulating, along each axis."""
    sigma = {int(label): float(label == PORE) for label in np.unique(labels)}
    found = []
    for axis in range(3):
        begin = time.perf_counter()
        solved = effective_conductivity(labels, sigma, 1.0, axis)
        found.append(Row(solved, time.perf_counter() - begin))
    return found


def cells(row: Row) -> list[str]:
    """A row as text."""
    found, known = row.found, TAUFACTOR.get(row.found.axis)
    factor, width = found.tortuosity_factor, (found.bracket.upper - found.bracket.lower) / found.value
    theirs = ["", ""] if known is None else [f"{known:.4f}", f"{factor / known - 1.0:+.0e}"]
    sides = "closed" if not any(found.periodic) else str(found.periodic)
    return [
        str(found.axis), sides, f"{factor:.5f}", f"{width:.0e}", *theirs, str(found.iterations), f"{row.seconds:.1f}"
    ]  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit(f"give the path of electrode.tiff, from {SOURCE}")
    main(Path(sys.argv[1]))
