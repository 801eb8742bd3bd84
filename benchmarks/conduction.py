"""Conduction side by side: seconds and bytes a voxel to solve one image, ours beside public solvers.

    python -m benchmarks.conduction [EDGE] [ROUNDS]

All have both processors. Ours starts from the labels, set-up and certificate included; peers that solve a matrix get it
ready made. They, too, solve until the flux through any two planes is equal to 1e-6, or to ten roundings times the
contrast where that is more; those that check less are told apart by the last columns.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.images import CONDUCTIVITIES, PERIODIC, labels
from benchmarks.peers import Found, available, made_ready, wanted_imbalance
from benchmarks.processes import Measured, measured
from benchmarks.tables import show

ROUNDS, EDGE, SMALL = 3, 128, 32
HEADINGS = ("image", "program", "time [s]", "over ours", "bytes a voxel", "S/m", "flux imbalance", "remark")
ONLY = {"PoreSpy tortuosity_fd": "blobs", "OpenPNM, pyamg": "three phases"}  # no conductivities; no insulators


@dataclass(frozen=True)
class Row:
    """One line of the table; `ratio` is its seconds over ours."""

    image: str
    what: str
    seconds: float
    ratio: float
    memory: float
    found: Found


def main(edge: int = EDGE, rounds: int = ROUNDS) -> None:
    """Solve every image in every way, each in a process of its own, in turn, and print medians."""
    title = f"conduction, {edge}^3 voxels, {rounds} rounds in turn, medians"
    show(title, HEADINGS, (cells(row, edge) for row in rows(edge, rounds)))
    for name, why in available()[1].items():
        print(f"skipped: {name}: {why}")


def cells(row: Row, edge: int) -> list[str]:
    """A row as text."""
    imbalance = "" if np.isnan(row.found.imbalance) else f"{row.found.imbalance:.0e}"
    return [
        row.image, row.what, f"{row.seconds:.2f}", f"{row.ratio:.2f}", f"{row.memory * 1e6 / edge**3:.0f}",
        f"{row.found.value:.6g}", imbalance, row.found.remark,
    ]  # fmt: skip


def rows(edge: int = EDGE, rounds: int = ROUNDS, *, small: bool = False) -> list[Row]:
    """Every solver on every image, ours before each of them; `small` within seconds."""
    images = list(CONDUCTIVITIES)
    if small:
        edge, rounds, images = SMALL, 1, images[:1]
    ways: dict[str, Callable[[str, int], Found]] = {"percoat": ours, "percoat, one thread": ours_on_one}
    ways |= {name: way for name, way in available()[0].items() if not small or name.startswith("pyamg")}
    found = []
    for image in images:
        chosen = {what: way for what, way in ways.items() if ONLY.get(what, image) == image}
        kept: dict[str, list[Measured[Found]]] = {what: [] for what in chosen}
        for _, what in itertools.product(range(rounds), chosen):
            for name in dict.fromkeys(("percoat", what)):
                run = measured(partial(chosen[name], image, edge), partial(warm, chosen[name], image, edge))
                kept[name].append(run)
        medians = {what: statistics.median(run.result.seconds for run in runs) for what, runs in kept.items()}
        for what, runs in kept.items():
            one = runs[0].result
            memory = one.memory or statistics.median(run.memory for run in runs)
            found.append(Row(image, what, medians[what], medians[what] / medians["percoat"], memory, one))
    return found


def warm(way: Callable[[str, int], Found], image: str, edge: int) -> None:
    """Compile, or make ready what a peer is given; read the image."""
    if way in (ours, ours_on_one):
        ours(image, SMALL)
        labels(image, edge)
    else:
        made_ready(way, image, edge)


def ours(image: str, edge: int) -> Found:
    """percoat on all processors."""
    from transport import effective_conductivity

    voxels = labels(image, edge)
    begin = time.perf_counter()
    sigma, wanted = CONDUCTIVITIES[image], wanted_imbalance(image)
    found = effective_conductivity(voxels, sigma, 1.0, periodic=PERIODIC, tolerance=wanted)
    seconds = time.perf_counter() - begin
    return Found(seconds, found.value, found.imbalance, remark=f"{found.iterations} iterations")


def ours_on_one(image: str, edge: int) -> Found:
    """percoat on one processor."""
    import numba

    numba.set_num_threads(1)
    return ours(image, edge)


if __name__ == "__main__":
    main(*(int(number) for number in sys.argv[1:]))
