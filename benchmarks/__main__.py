"""Print how long the main pieces take on this machine, each beside a piece of public code that does the same."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
from scipy.spatial import cKDTree

from benchmarks import clusters, conduction, packings, sites, structures, sweeps
from benchmarks.tables import show
from microstructure import build_library
from microstructure.carbon.placement import fill_bulk
from percolation import link_carbon

RUNS = 5


def main() -> None:
    """Run every pair in turn and print medians and ratios."""
    found = []
    for what, size, ours, peer, theirs in pairs():
        first, second = in_turn(ours, theirs)
        found.append([what, size, f"{first:.3f}", peer, f"{second:.3f}", f"{second / first:.2f}"])
    show(f"medians of {RUNS} runs, in turn", ("what", "size", "percoat [s]", "beside", "[s]", "ratio"), found)
    clusters.main()
    sites.main()
    conduction.main()
    sweeps.main()
    packings.main()
    structures.main()


def pairs() -> list[tuple[str, str, Callable[[], object], str, Callable[[], object]]]:
    """What is compared: name, size, ours, the peer's name, the peer."""
    rng = np.random.default_rng(1)
    library = build_library(rng=rng)
    edge = 5e-6
    carbon = fill_bulk(library, box=(edge,) * 3, volume=0.05 * edge**3, rng=rng)
    periodic = (True, True, True)
    return [
        (
            "contacts of primaries",
            f"{carbon.count}",
            lambda: link_carbon(carbon, box=(edge,) * 3, periodic=periodic),
            "scipy cKDTree.query_pairs",
            lambda: cKDTree(carbon.centres, boxsize=edge).query_pairs(carbon.diameter, output_type="ndarray"),
        ),
    ]


def in_turn(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Median seconds of two functions, called one after the other after one call to compile."""
    times: tuple[list[float], list[float]] = ([], [])
    ours(), theirs()
    for _ in range(RUNS):
        for work, kept in zip((ours, theirs), times, strict=True):
            begin = time.perf_counter()
            work()
            kept.append(time.perf_counter() - begin)
    return statistics.median(times[0]), statistics.median(times[1])


if __name__ == "__main__":
    main()
