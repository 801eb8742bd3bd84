"""Packings side by side: time, memory, fraction and overlap, ours beside PoreSpy's and random sequential addition."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.processes import measured
from benchmarks.tables import show
from microstructure.cores.sizes import Distribution, Equal, Lognormal
from microstructure.cores.sphere_packing import Packing, jam_spheres, pack_spheres
from microstructure.errors import PackingError

EQUAL, CORES = Equal(3.3e-6), Lognormal(3.3e-6, 0.3)
OPEN, CLOSED = (True, True, True), (False, False, False)
SEED = 1


@dataclass(frozen=True)
class Packed:
    """What one packing reached; the overlap is unknown where spheres are voxels."""

    spheres: int
    fraction: float
    overlap: float | None


@dataclass(frozen=True)
class Row:
    """One line of the table: seconds, and megabytes on top of what the process held before."""

    what: str
    walls: bool
    spheres: int
    seconds: float
    memory: float
    fraction: float
    overlap: float | None


def main() -> None:
    """Run every packing in a process of its own and print the table."""
    headings = ("what", "walls", "spheres", "time [s]", "memory [MB]", "fraction", "largest overlap")
    show("packings, one run each", headings, map(cells, rows()))


def cells(row: Row) -> list[str]:
    """A row as text."""
    overlap = "voxels" if row.overlap is None else f"{row.overlap:.1e}"
    walls, count = "6" if row.walls else "none", f"{row.spheres:,}"
    return [row.what, walls, count, f"{row.seconds:.2f}", f"{row.memory:.0f}", f"{row.fraction:.4f}", overlap]


def rows(*, small: bool = False) -> list[Row]:
    """Every packing measured; with `small` one of each kind with few spheres, within seconds."""
    return [_measured(what, walls, work, warm) for what, walls, work, warm in works(small=small)]


def works(*, small: bool = False) -> list[tuple[str, bool, Callable[[], Packed], Callable[[], Packed]]]:
    """What is compared: name, whether between six walls, the work, and a small one that compiles the same code."""
    relax, jam, add, peer = "percoat, relaxed", "percoat, jammed", "percoat, random sequential addition", "PoreSpy"
    if small:
        return [
            (relax, False, partial(relaxed, 200, False), partial(relaxed, 20, False)),
            (jam, False, partial(jammed, CORES, False, 60), partial(jammed, CORES, False, 20)),
            (add, True, partial(added, 60), partial(added, 20)),
            (peer, True, partial(of_porespy, "pseudo_gravity_packing", 40), partial(of_porespy, "random_spheres", 40)),
        ]
    listed: list[tuple[str, bool, Callable[[], Packed], Callable[[], Packed]]] = []
    for count, walls in itertools.product((1_000, 10_000, 100_000), (False, True)):
        warm = partial(relaxed, 20, walls)
        listed.append((f"{relax}, lognormal", walls, partial(relaxed, count, walls), warm))
    for (name, sizes), walls in itertools.product((("equal", EQUAL), ("lognormal", CORES)), (False, True)):
        warm = partial(jammed, sizes, walls, 20)
        listed.append((f"{jam}, {name}", walls, partial(jammed, sizes, walls, 1_000), warm))
    listed.append((f"{add}, equal", True, partial(added, 1_000), partial(added, 20)))
    for name in ("pseudo_gravity_packing", "pseudo_electrostatic_packing", "random_spheres"):
        listed.append((f"{peer} {name}, equal", True, partial(of_porespy, name, 200), partial(of_porespy, name, 40)))
    return listed


def relaxed(count: int, walls: bool) -> Packed:
    """Cores pushed apart up to 0.60."""
    periodic, rng = CLOSED if walls else OPEN, np.random.default_rng(SEED)
    return _reached(lambda: pack_spheres(CORES, fraction=0.6, count=count, periodic=periodic, rng=rng))


def jammed(sizes: Distribution, walls: bool, count: int) -> Packed:
    """Spheres as dense as a random start leads to."""
    rng = np.random.default_rng(SEED)
    return _reached(lambda: jam_spheres(sizes, count=count, periodic=CLOSED if walls else OPEN, rng=rng))


def added(count: int) -> Packed:
    """Equal spheres thrown in until there is no room."""
    rng = np.random.default_rng(SEED)
    return _reached(
        lambda: pack_spheres(EQUAL, fraction=0.4, count=count, periodic=CLOSED, rng=rng, method="sequential")
    )


def of_porespy(name: str, edge: int, radius: int = 8) -> Packed:
    """As many equal spheres as PoreSpy's packing finds room for in a cube of voxels, whole ones only."""
    import porespy

    porespy.settings.tqdm["disable"] = True
    pack = getattr(porespy.generators, name)
    image = pack(shape=[edge] * 3, r=radius, maxiter=1_000_000, edges="contained", seed=SEED)
    filled = int(np.count_nonzero(image))
    return Packed(round(filled / (4.0 / 3.0 * math.pi * radius**3)), filled / image.size, None)


def _reached(pack: Callable[[], Packing]) -> Packed:
    try:
        packing = pack()
    except PackingError as error:  # out of reach: what counts is how far it came
        packing = error.best
    return Packed(packing.count, packing.fraction, packing.overlap)


def _measured(what: str, walls: bool, work: Callable[[], Packed], warm: Callable[[], Packed]) -> Row:
    run = measured(work, warm)
    packed = run.result
    return Row(what, walls, packed.spheres, run.seconds, run.memory, packed.fraction, packed.overlap)


if __name__ == "__main__":
    main()
