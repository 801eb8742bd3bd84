"""Site percolation: fill a lattice site by site in random order and note when it first percolates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_rng
from percolation._sites import JUMP, SPAN, insert_sites
from percolation.arguments import (
    neighbour_offsets,
    parse_axis,
    parse_count,
    parse_neighbours,
    parse_periodic,
    parse_shape,
)
from percolation.sweep import Sweep


def sweep_sites(
    shape: Sequence[int],
    *,
    neighbours: int = 6,
    axis: int = 0,
    periodic: Sequence[bool] = (True, True, True),
    runs: int = 100,
    rng: np.random.Generator,
) -> Sweep:
    """Fill empty lattices in random order and record the onset of percolation in each.

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
    rng : numpy.random.Generator
        Draws the order of the sites, before each run.

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
        If an edge or `runs` is below 1, the lattice has 2^31 sites or more, or `axis` or `neighbours` is none of
        those offered.

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
    onset = _run_sweeps(edges, neighbours, closed, runs, rng)
    wrap, span = onset[:, :SPAN].copy(), onset[:, SPAN:JUMP].copy()
    total = edges[0] * edges[1] * edges[2]
    size = " x ".join(map(str, edges))
    return Sweep(
        wrap=wrap,
        span=span,
        jump=onset[:, JUMP].copy(),
        shape=edges,
        periodic=closed,
        neighbours=neighbours,
        quantity="site occupation",
        recipe=f"random sites on a {size} cubic lattice",
        total=total,
        axis=axis,
    )


def _run_sweeps(
    shape: tuple[int, int, int],
    neighbours: int,
    periodic: tuple[bool, bool, bool],
    runs: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the onsets of all runs, float64 (runs, 7) [sites]; the scratch arrays serve one run after the other."""
    total = shape[0] * shape[1] * shape[2]
    steps, edges, closed = neighbour_offsets(neighbours), np.array(shape), np.array(periodic)
    nodes, faces = np.empty((total, 4), dtype=np.int32), np.empty(total, dtype=np.uint8)
    onset = np.full((runs, JUMP + 1), np.inf)
    for run in range(runs):
        insert_sites(rng.permutation(total), edges, steps, closed, nodes, faces, onset[run])
    return onset
