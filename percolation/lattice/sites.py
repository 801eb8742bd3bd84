"""Site percolation: fill a lattice site by site in random order and note when it first percolates."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_rng, check_room, check_runs
from percolation.lattice._sites import JUMP, SPAN, SiteLattice, insert_each
from percolation.lattice_arguments import (
    Triple,
    neighbour_offsets,
    parse_axis,
    parse_count,
    parse_neighbours,
    parse_periodic,
    parse_shape,
)
from percolation.statistics.cluster_growth import Growth
from percolation.statistics.onsets import Sweep

# Sites filled with one generator and one call, so that thousands of small lattices do not wait for Python.
_BLOCK = 2**16


def sweep_sites(
    shape: Sequence[int],
    *,
    neighbours: int = 6,
    axis: int = 0,
    periodic: Sequence[bool] = (True, True, True),
    runs: int = 100,
    points: int = 0,
    workers: int | None = None,
    rng: np.random.Generator,
) -> Sweep:
    """Fill empty lattices in random order and record the onset of percolation in each.

    One run gives the whole curve: `Sweep.curve` is the probability to percolate at every occupation.

    Parameters
    ----------
    shape : sequence of three int
        Edge lengths [sites]; ``(64, 64, 1)`` with its last axis free is a square lattice.
    neighbours : {6, 18, 26}
        Sites touch by faces; by faces and edges; by faces, edges and corners.
    axis : {0, 1, 2}
        Direction that `estimate_threshold` looks along unless told otherwise; all three are recorded.
    periodic : sequence of three bool
        Axes closed to a ring. Along these a cluster can wrap; along the free ones it can span.
    runs : int
        Independent lattices.
    points : int
        Occupations, evenly spaced from empty to full, at which the largest and the mean cluster are noted for
        `Sweep.growth`; at most one per site. With 0, none, a run stops as soon as its onsets are known.
    workers : int, optional
        Threads that share the runs, each with 12 bytes per site; by default as many as there are processors. The
        result does not depend on it.
    rng : numpy.random.Generator
        Spawns the generators that draw the orders of the sites, one for every run, or every 65,536 sites in small ones.

    Returns
    -------
    Sweep
        Onsets in numbers of occupied sites. Spanning is not recorded along a periodic axis (inf: it would need a
        second lattice, cut open there), nor wrapping along a free one.

    Raises
    ------
    TypeError
        If `rng` is not a Generator, or an argument is of the wrong kind.
    ValueError
        If an edge, `runs` or `workers` is below 1 or `points` below 0, the lattice has 2^31 sites or more, or `axis`
        or `neighbours` is none of those offered.

    References
    ----------
    M. E. J. Newman and R. M. Ziff, Phys. Rev. E 64 (2001) 016706.

    Examples
    --------
    A ring of four sites closes with the last of them:

    >>> import numpy as np
    >>> sweep_sites((4, 1, 1), periodic=(True, False, False), runs=2, rng=np.random.default_rng(1)).wrap[:, 0]
    array([4., 4.])
    """
    edges, neighbours, axis = parse_shape(shape), parse_neighbours(neighbours), parse_axis(axis)
    closed, runs, rng = parse_periodic(periodic), parse_count(runs, "runs"), check_rng(rng)
    threads = joblib.cpu_count() if workers is None else parse_count(workers, "workers")
    total = edges[0] * edges[1] * edges[2]
    check_runs(runs)
    check_room(
        "sites, one lattice a worker,", total * min(threads, runs), 20.0, "take a smaller lattice or fewer workers"
    )
    marks = _place_marks(points, total)
    lattice = _build_lattice(edges, neighbours, closed)
    check_room("notes of clusters", float(runs * marks.size), 16.0, "ask for fewer runs or points")
    noted = _Notes(runs, marks.size)
    _share_runs(lattice, marks, noted, threads, rng)
    return Sweep(
        wrap=noted.onsets[:, :SPAN].copy(),
        span=noted.onsets[:, SPAN:JUMP].copy(),
        jump=noted.onsets[:, JUMP].copy(),
        shape=edges,
        periodic=closed,
        neighbours=neighbours,
        quantity="site occupation",
        recipe=f"random sites on a {' x '.join(map(str, edges))} cubic lattice",
        total=total,
        axis=axis,
        growth=Growth(marks, noted.largest, noted.pairs, total) if marks.size else None,
    )


class _Notes:
    """What the runs leave behind: onsets [sites], sizes of the largest cluster [sites], pairs in one cluster."""

    def __init__(self, runs: int, points: int) -> None:
        self.onsets = np.full((runs, JUMP + 1), np.inf)
        self.largest = np.zeros((runs, points), dtype=np.int64)
        self.pairs = np.zeros((runs, points))


def _place_marks(points: int, total: int) -> NDArray[np.int64]:
    """Return the numbers of occupied sites to note clusters at, int64 (at most `points`,), the last of them `total`."""
    none = isinstance(points, int | np.integer) and not isinstance(points, bool) and points == 0
    wanted = 0 if none else min(parse_count(points, "points"), total)
    return np.arange(1, wanted + 1, dtype=np.int64) * total // max(wanted, 1)


def _build_lattice(shape: tuple[int, int, int], neighbours: int, periodic: Triple) -> SiteLattice:
    """Return the lattice with the steps that can lead anywhere: none along a free axis of one layer."""
    flat = [edge == 1 and not closed for edge, closed in zip(shape, periodic, strict=True)]
    steps = neighbour_offsets(neighbours)
    steps = np.ascontiguousarray(steps[~(steps[:, flat] != 0).any(axis=1)])
    x, y, z = (0 if thin else 1 for thin in flat)
    right, back, top = (edge if thin else edge - 1 for edge, thin in zip(shape, flat, strict=True))
    inner = sum(3 << (2 * axis) for axis in range(3) if flat[axis])
    offsets = steps @ [shape[1] * shape[2], shape[2], 1]
    return SiteLattice(shape, periodic, (x, y, z), (right, back, top), inner, steps, offsets)


def _share_runs(
    lattice: SiteLattice, marks: NDArray[np.int64], noted: _Notes, workers: int, rng: np.random.Generator
) -> None:
    """Fill all lattices, in blocks that do not depend on the number of workers."""
    runs, total = len(noted.onsets), lattice.edges[0] * lattice.edges[1] * lattice.edges[2]
    size = max(1, _BLOCK // total)
    starts = range(0, runs, size)
    children = rng.spawn(len(starts))

    def work(first: int) -> None:
        orders = np.empty((min(size, runs), total), dtype=np.int32)
        nodes, filled = np.empty(total, dtype=np.int64), np.empty(total // 8 + 1, dtype=np.uint8)
        for block in range(first, len(starts), workers):
            rows = slice(starts[block], min(starts[block] + size, runs))
            drawn = orders[: rows.stop - rows.start]
            drawn[:] = np.arange(total, dtype=np.int32)
            for order in drawn:
                children[block].shuffle(order)
            insert_each(
                drawn, lattice, nodes, filled, marks, noted.onsets[rows], noted.largest[rows], noted.pairs[rows]
            )

    workers = min(workers, len(starts))
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
