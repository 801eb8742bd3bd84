"""Conduction side by side: seconds and bytes a voxel to solve one image, ours beside pyamg's classical multigrid.

pyamg gets the matrix ready made, and conjugate gradients to a residual of 1e-8 of the right side; ours starts from the
labels. What counts as solved is in the last column: the current lost, summed over all voxels, over the current carried.
"""

from __future__ import annotations

import importlib.util
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.ndimage import gaussian_filter

from benchmarks.processes import measured

ROUNDS, SEED, EDGE, SMALL = 3, 1, 128, 32
TOLERANCE = 1e-3  # current lost in all voxels together; the flux through two planes then differs by about 1e-6
IMAGES = {"three phases": {0: 1e-7, 1: 1e-3, 2: 1.0}, "blobs": {0: 0.0, 1: 1.0}}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    image: str
    what: str
    seconds: float
    memory: float
    value: float
    lost: float


def main() -> None:
    """Solve every image in every way, each in a process of its own, in turn, and print medians."""
    table = Table(title=f"conduction, {EDGE}^3 voxels, medians of {ROUNDS} rounds in turn")
    for heading in ("image", "what", "time [s]", "bytes a voxel", "conductivity", "current lost"):
        table.add_column(heading)
    for row in rows():
        value, lost = f"{row.value:.6g}", f"{row.lost:.0e}"
        table.add_row(row.image, row.what, f"{row.seconds:.2f}", f"{row.memory * 1e6 / EDGE**3:.0f}", value, lost)
    Console().print(table)
    for name in skipped():
        Console().print(f"skipped: {name}, which is not installed")


def rows(*, small: bool = False) -> list[Row]:
    """Every solver on every image; `small` within seconds."""
    edge, rounds = (SMALL, 1) if small else (EDGE, ROUNDS)
    found = []
    for image in IMAGES:
        ways = [what for what in WAYS if what not in skipped()]
        kept = [
            [
                measured(partial(solve, what, image, edge, edge), partial(solve, what, image, SMALL, edge))
                for what in ways
            ]
            for _ in range(rounds)
        ]
        for what, runs in zip(ways, zip(*kept, strict=True), strict=True):
            value, lost = runs[0].result
            seconds = statistics.median(run.seconds for run in runs)
            found.append(Row(image, what, seconds, statistics.median(run.memory for run in runs), value, lost))
    return found


def skipped() -> list[str]:
    """Peers that are not installed."""
    return [] if importlib.util.find_spec("pyamg") else ["pyamg Ruge-Stueben, conjugate gradients"]


def solve(what: str, image: str, edge: int, ahead: int) -> tuple[float, float]:
    """Conductivity and current lost; what a way needs of another size is made ahead of the clock."""
    for size in (edge, ahead):
        prepared(what, image, size)
    return WAYS[what](image, edge)


def prepared(what: str, image: str, edge: int) -> object:
    """What is not on the clock: the image, and the peer's matrix."""
    return matrix(image, edge) if what.startswith("pyamg") else labels(image, edge)


@cache
def labels(image: str, edge: int) -> NDArray[np.uint8]:
    """Smoothed noise cut at its middle; or 60 % cores, 3 % carbon in between, and a matrix."""
    rng = np.random.default_rng(SEED)
    coarse = gaussian_filter(rng.standard_normal((edge,) * 3, dtype=np.float32), 4.0, mode="wrap")
    if image == "blobs":
        return (coarse > 0).astype(np.uint8)
    fine = gaussian_filter(rng.standard_normal((edge,) * 3, dtype=np.float32), 1.0, mode="wrap")
    found = (coarse > np.quantile(coarse, 0.4)).astype(np.uint8)
    between = found == 0
    found[between & (fine > np.quantile(fine[between], 1.0 - 0.03 / 0.4))] = 2
    return found


@cache
def matrix(image: str, edge: int) -> tuple[Any, Any]:
    """The system as ours solves it, unknowns without links left out."""
    import scipy.sparse

    from transport.image import parse_image
    from transport.voxels import voxel_circuit

    parsed = parse_image(labels(image, edge), IMAGES[image], 1.0, (False, True, True), None, None)
    circuit = voxel_circuit(parsed, 0)
    if circuit is None:
        raise ValueError(f"no path through {image} of {edge}^3")
    grid = circuit.operator
    pieces = [grid.rows(block) for block in range(grid.blocks)]
    starts = np.concatenate(([0], np.cumsum(np.concatenate([np.diff(piece[0]) for piece in pieces]))))
    indices, weight = (np.concatenate([piece[k] for piece in pieces]) for k in (1, 2))
    links = scipy.sparse.csr_matrix((weight, indices, starts), shape=(edge**3, edge**3))
    whole = scipy.sparse.diags(np.asarray(links.sum(axis=1)).ravel() + grid.excess) - links
    return scipy.sparse.csr_matrix(whole.tocsr()[circuit.live][:, circuit.live]), circuit


def ours(image: str, edge: int) -> tuple[float, float]:
    """percoat on all processors."""
    from transport import effective_conductivity

    found = effective_conductivity(labels(image, edge), IMAGES[image], 1.0, tolerance=TOLERANCE)
    return found.value, found.residuals[-1]


def ours_on_one(image: str, edge: int) -> tuple[float, float]:
    """percoat on one processor."""
    import numba

    numba.set_num_threads(1)
    return ours(image, edge)


def of_pyamg(image: str, edge: int) -> tuple[float, float]:
    """Classical multigrid, V-cycle, as a preconditioner."""
    import pyamg

    from transport.potential import Potential

    system, circuit = matrix(image, edge)
    right = circuit.balance(Potential.of(np.zeros(circuit.live.size)))[0][circuit.live] / circuit.scale
    hierarchy = pyamg.ruge_stuben_solver(system, strength=("classical", {"theta": 0.25, "norm": "min"}))
    potential = np.zeros(circuit.live.size)
    potential[circuit.live] = hierarchy.solve(right, tol=1e-8, accel="cg", maxiter=500)
    inflow, power = circuit.balance(Potential.of(potential))
    return power / edge, float(np.abs(inflow).sum() / power)


WAYS: dict[str, Callable[[str, int], tuple[float, float]]] = {
    "percoat": ours,
    "percoat, one thread": ours_on_one,
    "pyamg Ruge-Stueben, conjugate gradients": of_pyamg,
}

if __name__ == "__main__":
    main()
