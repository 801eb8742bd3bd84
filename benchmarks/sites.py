"""Site sweeps side by side: time a run and bytes a site, ours beside a plain compiled sweep and public code.

The plain sweep is the obvious one: it knows the largest cluster after every site, and nothing of wrapping. `cpyrcolate`
adds bonds to a graph that it is handed as a list, three bonds a site, each of which it has to draw and look up, but
knows no sites; its list is not counted as its memory. `percolate` (pypercolate) asks networkx for methods that
versions 2 and later, and so those for Python 3.11, do not have: it does not run.
"""

from __future__ import annotations

import importlib.util
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numba import njit

from benchmarks.processes import measured
from benchmarks.tables import show
from percolation import sweep_sites

ROUNDS, SEED = 3, 1
EDGE, SMALL, COPIES = 256, 8, 4096
PLAIN = "plain compiled sweep"


@dataclass(frozen=True)
class Row:
    """One line of the table: seconds a run, its ratio to the plain sweep's, and bytes a site of one run."""

    what: str
    edge: int
    runs: int
    seconds: float
    ratio: float
    memory: float


def main() -> None:
    """Run every sweep in a process of its own, in turn, and print medians."""
    headings = ("what", "size", "runs", "time a run [s]", "over the plain sweep", "memory a site and run [B]")
    show(f"site sweeps, medians of {ROUNDS} rounds in turn", headings, map(cells, rows()))
    for name, why in skipped():
        print(f"skipped: {name}, {why}")


def cells(row: Row) -> list[str]:
    """A row as text."""
    memory = f"{row.memory:.1f}" if row.edge == EDGE else "-"
    return [row.what, f"{row.edge}^3", f"{row.runs:,}", f"{row.seconds:.3g}", f"{row.ratio:.2f}", memory]


def rows(*, small: bool = False) -> list[Row]:
    """Every sweep measured; `small` within seconds."""
    found = []
    for edge, runs in ((16, 2),) if small else ((EDGE, 2), (SMALL, COPIES)):
        pieces = works(edge, runs)
        rounds = 1 if small else ROUNDS
        kept = [[measured(work, warm) for _, _, work, warm in pieces] for _ in range(rounds)]
        medians = [statistics.median(run.seconds for run in runs) for runs in zip(*kept, strict=True)]
        memories = [statistics.median(run.memory for run in runs) for runs in zip(*kept, strict=True)]
        each = [seconds / count for seconds, (_, count, _, _) in zip(medians, pieces, strict=True)]
        plain = each[[what for what, _, _, _ in pieces].index(PLAIN)]
        for (what, count, _, _), seconds, memory in zip(pieces, each, memories, strict=True):
            found.append(Row(what, edge, count, seconds, seconds / plain, memory * 1e6 / edge**3 / min(count, 2)))
    return found


def works(edge: int, runs: int) -> list[tuple[str, int, Callable[[], object], Callable[[], object]]]:
    """What is compared: name, runs, the work, and a small one that compiles the same code."""
    alone = 1 if edge > SMALL else runs
    listed: list[tuple[str, int, Callable[[], object], Callable[[], object]]] = [
        (PLAIN, alone, partial(plain, edge, alone), partial(plain, 4, 1)),
        ("percoat, 1 worker", alone, partial(ours, edge, alone, 1, 0), partial(ours, 4, 1, 1, 0)),
        ("percoat, 1 worker, clusters noted", alone, partial(ours, edge, alone, 1, 100), partial(ours, 4, 1, 1, 4)),
        ("percoat, 2 workers", runs, partial(ours, edge, runs, 2, 0), partial(ours, 4, 2, 2, 0)),
    ]
    if importlib.util.find_spec("cpyrcolate") is not None:
        listed.append(("cpyrcolate, bonds", alone, partial(bonds, edge, alone), partial(list_bonds, edge)))
    return listed


def skipped() -> list[tuple[str, str]]:
    """Public code that is not in the table, and why."""
    missing = [("percolate (pypercolate)", "which does not run with networkx 2 and later")]
    if importlib.util.find_spec("cpyrcolate") is None:
        missing.append(("cpyrcolate", "which is not installed, and states no licence: install it by hand"))
    return missing


def ours(edge: int, runs: int, workers: int, points: int) -> None:
    """Sweeps of a periodic cube that know how each axis wraps."""
    sweep_sites((edge,) * 3, runs=runs, workers=workers, points=points, rng=np.random.default_rng(SEED))


def plain(edge: int, runs: int) -> None:
    """The obvious sweep of a periodic cube."""
    rng = np.random.default_rng(SEED)
    parents, largest = np.empty(edge**3, dtype=np.int64), np.empty(edge**3, dtype=np.int64)
    for _ in range(runs):
        _fill(rng.permutation(edge**3), edge, parents, largest)


def bonds(edge: int, runs: int) -> None:
    """Sweeps of as many bonds as a periodic cube has."""
    from cpyrcolate import compute_percolation_single

    edges = list_bonds(edge)
    for _ in range(runs):
        compute_percolation_single(edges=edges)


@cache
def list_bonds(edge: int) -> np.ndarray:
    """The bonds of a periodic cube, int32 (3 edge^3, 2)."""
    sites = np.arange(edge**3, dtype=np.int32).reshape((edge,) * 3)
    near = [np.roll(sites, -1, axis).ravel() for axis in range(3)]
    return np.concatenate([np.stack([sites.ravel(), other], axis=1) for other in near])


@njit(cache=True)
def _find(parents, site):
    while parents[site] >= 0:
        above = parents[site]
        if parents[above] >= 0:
            parents[site] = parents[above]
        site = above
    return site


@njit(cache=True)
def _fill(order, edge, parents, largest):
    empty = -order.size - 1
    parents[:] = empty
    most = 0
    for n in range(order.size):
        site = order[n]
        parents[site] = -1
        root = site
        x, y, z = site // (edge * edge), site // edge % edge, site % edge
        for axis in range(3):
            for step in (1, edge - 1):
                if axis == 0:
                    near = ((x + step) % edge * edge + y) * edge + z
                elif axis == 1:
                    near = (x * edge + (y + step) % edge) * edge + z
                else:
                    near = (x * edge + y) * edge + (z + step) % edge
                if parents[near] == empty:
                    continue
                other = _find(parents, near)
                if other == root:
                    continue
                if parents[root] > parents[other]:
                    root, other = other, root
                parents[root] += parents[other]
                parents[other] = root
        most = max(most, -parents[root])
        largest[n] = most


if __name__ == "__main__":
    main()
