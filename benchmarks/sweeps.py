"""Solves that start from the one before, beside solves that start anew: conductivities, and carbon content."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.images import CONDUCTIVITIES, PERIODIC, SEED, labels, smoothed
from benchmarks.tables import show
from transport import Conduction, effective_conductivity, sweep_conductivities

EDGE, SMALL = 200, 24
SOLVES = 5
CHANGES = (1.01, 1.1, 1.3)  # of the matrix's conductivity, from one solve to the next
MORE = (1e-4, 1e-3, 1e-2)  # carbon over the image, from one solve to the next
MATRIX, CARBON = 0, 2
HEADINGS = ("from one solve to the next", "iterations anew", "from the last", "anew [s]", "from the last [s]", "ratio")


@dataclass(frozen=True)
class Row:
    """Iterations of each solve, and the seconds of all: anew, and from the last."""

    what: str
    iterations_anew: list[int]
    iterations: list[int]
    seconds_anew: float
    seconds: float


def main() -> None:
    """Print every row."""
    show("sweeps through three phases", HEADINGS, map(cells, rows()))


def cells(row: Row) -> list[str]:
    """A row as text."""
    return [
        row.what, ", ".join(map(str, row.iterations_anew)), ", ".join(map(str, row.iterations)),
        f"{row.seconds_anew:.1f}", f"{row.seconds:.1f}", f"{row.seconds_anew / row.seconds:.2f}",
    ]  # fmt: skip


def rows(*, small: bool = False) -> list[Row]:
    """Conductivities, then carbon; `small` within seconds."""
    image, sigma = labels("three phases", SMALL if small else EDGE), CONDUCTIVITIES["three phases"]
    in_turn([image[:SMALL, :SMALL, :SMALL]] * 2, sigma)  # compiles
    found = []
    for change in CHANGES:
        sets = [{**sigma, MATRIX: change**step * sigma[MATRIX]} for step in range(SOLVES)]
        swept = partial(sweep_conductivities, image, sets, 1.0, periodic=PERIODIC)
        found.append(compared(f"matrix {change:g} times", [image] * SOLVES, sets, swept))
    for more in MORE:
        images = with_carbon(image, more)
        swept = partial(in_turn, images, sigma)
        found.append(compared(f"carbon {100 * more:g} vol% more", images, [sigma] * SOLVES, swept))
    return found


def compared(
    what: str,
    images: list[NDArray[np.uint8]],
    sets: list[dict[int, float]],
    swept: Callable[[], list[Conduction]],
) -> Row:
    """Solve each image anew, and all of them as swept."""
    begin = time.perf_counter()
    pairs = zip(images, sets, strict=True)
    anew = [effective_conductivity(image, sigma, 1.0, periodic=PERIODIC) for image, sigma in pairs]
    between = time.perf_counter()
    found = swept()
    end = time.perf_counter()
    counts = ([each.iterations for each in solves] for solves in (anew, found))
    return Row(what, *counts, between - begin, end - between)


def in_turn(images: list[NDArray[np.uint8]], sigma: dict[int, float]) -> list[Conduction]:
    """Each image from the potential of the one before."""
    found: list[Conduction] = []
    for image in images:
        start = found[-1].potential if found else None
        solved = effective_conductivity(image, sigma, 1.0, periodic=PERIODIC, start=start, keep_potential=True)
        found.append(solved)
    return found


def with_carbon(image: NDArray[np.uint8], more: float) -> list[NDArray[np.uint8]]:
    """The image as it is, and with more and more carbon, thrown into the matrix."""
    rng, found = np.random.default_rng(SEED), [image]
    while len(found) < SOLVES:
        noise, matrix = smoothed(rng, len(image), 1.0), found[-1] == MATRIX
        thrown = matrix & (noise > np.quantile(noise[matrix], 1.0 - more * image.size / np.count_nonzero(matrix)))
        found.append(np.where(thrown, CARBON, found[-1]).astype(np.uint8))
    return found


if __name__ == "__main__":
    main()
