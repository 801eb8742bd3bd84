"""How conduction through three phases grows with size and with contrast: iterations, seconds, bytes a voxel."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.images import PERIODIC, labels
from benchmarks.processes import measured
from benchmarks.tables import show

SIZES, CONTRAST = (64, 128, 256, 512), 1e7
EDGE, CONTRASTS = 200, (1.0, 1e2, 1e4, 1e7, 1e10, 1e12)
SMALL = 24
HEADINGS = ("voxels", "contrast", "iterations", "time [s]", "bytes a voxel", "S/m", "flux imbalance", "bracket")
TOLERANCE = 1e-6  # of the flux imbalance and the bracket, at any contrast


@dataclass(frozen=True)
class Row:
    """One solve; `bracket` is the width of the bracket over the value, `memory` in megabytes on top of the image."""

    edge: int
    contrast: float
    iterations: int
    seconds: float
    memory: float
    value: float
    imbalance: float
    bracket: float


def main() -> None:
    """Print every row."""
    show("three phases: 60 % cores, 3 % carbon, a matrix; one run each", HEADINGS, map(cells, rows()))


def cells(row: Row) -> list[str]:
    """A row as text."""
    return [
        f"{row.edge}^3", f"{row.contrast:.0e}", f"{row.iterations}", f"{row.seconds:.1f}",
        f"{row.memory * 1e6 / row.edge**3:.0f}", f"{row.value:.6g}", f"{row.imbalance:.0e}", f"{row.bracket:.0e}",
    ]  # fmt: skip


def rows(*, small: bool = False) -> list[Row]:
    """Sizes at one contrast, then contrasts at one size; `small` within seconds."""
    cases = [(SMALL, 1.0), (SMALL, CONTRAST), (SMALL, 1e12)]
    if not small:
        cases = [(edge, CONTRAST) for edge in SIZES] + [(EDGE, contrast) for contrast in CONTRASTS]
    found = []
    for edge, contrast in cases:
        run = measured(partial(solve, edge, contrast), partial(warm, edge))
        iterations, seconds, value, imbalance, bracket = run.result
        found.append(Row(edge, contrast, iterations, seconds, run.memory, value, imbalance, bracket))
    return found


def solve(edge: int, contrast: float) -> tuple[int, float, float, float, float]:
    """Matrix 1 / contrast, cores in between as in the other benchmarks, carbon 1 S/m.

    An even fall, from which a solve starts, is the answer already where all conduct alike: there it starts from noise.
    """
    from transport import effective_conductivity

    voxels, sigma = labels("three phases", edge), {0: 1.0 / contrast, 1: contrast ** (-3.0 / 7.0), 2: 1.0}
    noise = np.random.default_rng(0).random(voxels.shape) if contrast == 1.0 else None
    begin = time.perf_counter()
    found = effective_conductivity(voxels, sigma, 1.0, periodic=PERIODIC, tolerance=TOLERANCE, start=noise)
    seconds = time.perf_counter() - begin
    width = (found.bracket.upper - found.bracket.lower) / found.value
    return found.iterations, seconds, found.value, found.imbalance, width


def warm(edge: int) -> None:
    """Compile, and read the image."""
    solve(SMALL, CONTRAST)
    labels("three phases", edge)


if __name__ == "__main__":
    main()
