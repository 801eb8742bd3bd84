"""Algebraic multigrid by aggregation: a preconditioner whose work does not grow with size or contrast.

Unknowns are gathered into aggregates of up to eight, each only if its quality is sure (Napov and Notay 2012), so that
one symmetric Gauss-Seidel sweep and an exact coarse solve would leave a condition number of `KAPPA` at most. The coarse
problems are solved roughly, by two steps of conjugate gradients each (K-cycle, Notay and Vassilevski 2008).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numba
import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from numpy.typing import NDArray

from transport import _sweeps
from transport._aggregates import coarsen, gather, sort_by

KAPPA = 10.0  # bound of the two-grid condition number; Notay and Napov's value for three passes of pairs
EXACT_BELOW = 600  # unknowns of the coarsest level, which is factorised
STALLED = 0.8  # share of unknowns left above which coarsening ends; that level is factorised if it is small enough
FACTORISED_UP_TO = 50_000
GOOD_STEP = 0.25  # reduction of a coarse residual after which its second step is left out
ROWS_A_BLOCK, MOST_BLOCKS = 15_000, 32  # of blocks that threads share
SINGLE_UP_TO = 1e7  # ratio of conductances up to which single precision preconditions as well as double

Array = NDArray[Any]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Graph:
    """Links between nodes (CSR, each from both ends) and from each node to the ground: a matrix without its diagonal."""

    indptr: NDArray[np.int64] = field(repr=False)
    indices: NDArray[np.int32] = field(repr=False)
    weight: Array = field(repr=False)
    excess: Array = field(repr=False)

    @property
    def size(self) -> int:
        """Unknowns."""
        return int(self.excess.size)

    @property
    def blocks(self) -> int:
        """Blocks of rows, by the number of unknowns alone."""
        return int(np.clip(self.size // ROWS_A_BLOCK, 1, MOST_BLOCKS))

    def matrix(self) -> scipy.sparse.csr_matrix:
        """The same with its diagonal, float64."""
        shape = (self.size, self.size)
        links = scipy.sparse.csr_matrix((self.weight.astype(np.float64), self.indices, self.indptr), shape=shape)
        return scipy.sparse.diags(links.sum(axis=1).A1 + self.excess) - links

    def product(self, x: Array) -> Array:
        """The matrix times x."""
        y = np.empty_like(x)
        shared(_sweeps.multiply, self.blocks, self.indptr, self.indices, self.weight, self.excess, x, y)
        return y


class Multigrid:
    """One cycle of multigrid, made once for a graph and used many times."""

    def __init__(self, graph: Graph) -> None:
        positive = np.concatenate((graph.weight, graph.excess[graph.excess > 0.0]))
        single = positive.max() <= SINGLE_UP_TO * positive.min()
        self.precision = np.dtype(np.float32 if single else np.float64)
        self.levels: list[_Level] = []
        self.exact: Callable[[Array], Array] | None = None
        while True:
            level = _Level(graph, self.precision)
            self.levels.append(level)
            if graph.size <= EXACT_BELOW:
                break
            coarse = level.gather(graph)
            if coarse.size > STALLED * graph.size:
                break
            graph = coarse
        if graph.size <= FACTORISED_UP_TO:
            self.exact = scipy.sparse.linalg.splu(graph.matrix().tocsc()).solve
        logger.debug("multigrid: %s unknowns, %s", [level.graph.size for level in self.levels], self.precision)

    def __call__(self, r: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return an approximate solution of A z = r; not quite linear in r."""
        largest = float(np.abs(r).max())
        if largest == 0.0:
            return np.zeros_like(r)
        return largest * self._cycle(0, (r / largest).astype(self.precision)).astype(np.float64)

    def _cycle(self, depth: int, r: Array) -> Array:
        """Smooth, correct by the coarse level, smooth the other way round."""
        last = depth == len(self.levels) - 1
        if last and self.exact is not None:
            return self.exact(r.astype(np.float64)).astype(self.precision)
        level = self.levels[depth]
        x = level.smooth(_sweeps.forward, r)
        rest = level.residual(r, x)
        if not last:
            level.prolong(self._solve(depth + 1, level.restrict(rest)), x)
            rest = level.residual(r, x)
        x += level.smooth(_sweeps.backward, rest)
        return x

    def _solve(self, depth: int, r: Array) -> Array:
        """Two steps of flexible conjugate gradients, or one that is good enough (Notay and Vassilevski, section 3)."""
        first = self._cycle(depth, r)
        if depth == len(self.levels) - 1 and self.exact is not None:
            return first
        graph = self.levels[depth].graph
        product = graph.product(first)
        curvature, gain = dots(graph.blocks, first, product, r)
        if not curvature > 0.0:
            return first
        rest = combined(graph.blocks, 1.0, r, -gain / curvature, product)
        left, _ = dots(graph.blocks, rest, rest, rest)
        before, _ = dots(graph.blocks, r, r, r)
        if left <= GOOD_STEP**2 * before:
            return combined(graph.blocks, gain / curvature, first, 0.0, first)
        second = self._cycle(depth, rest)
        mixed, gained = dots(graph.blocks, second, product, rest)
        own, _ = dots(graph.blocks, second, graph.product(second), rest)
        further = own - mixed**2 / curvature
        if not further > 0.0:
            return combined(graph.blocks, gain / curvature, first, 0.0, first)
        share = gained / further
        return combined(graph.blocks, (gain - mixed * share) / curvature, first, share, second)


class _Level:
    """A graph in the precision of the cycle, its smoother, and how it goes over into the next one."""

    def __init__(self, graph: Graph, precision: np.dtype[Any]) -> None:
        self.graph = Graph(graph.indptr, graph.indices, graph.weight.astype(precision), graph.excess.astype(precision))
        self.diagonal = np.empty(graph.size, precision)
        shared(
            _sweeps.smoothing_diagonal, graph.blocks,
            graph.indptr, graph.indices, self.graph.weight, self.graph.excess, self.diagonal,
        )  # fmt: skip

    def gather(self, graph: Graph) -> Graph:
        """Gather the unknowns, block by block, and return the graph of the aggregates."""
        self.aggregate = np.empty(graph.size, np.int32)
        links = (graph.indptr, graph.indices, graph.weight)
        bounds = [block * graph.size // graph.blocks for block in range(graph.blocks + 1)]

        def gather_block(first: int, last: int) -> int:
            return int(gather(*links, graph.excess, KAPPA, first, last, self.aggregate))

        counts = list(_crew().map(gather_block, bounds[:-1], bounds[1:]))
        for first, last, before in zip(bounds[:-1], bounds[1:], np.cumsum(counts) - counts, strict=True):
            block = self.aggregate[first:last]
            block[block >= 0] += before
        count = sum(counts)
        self.order, self.begin = sort_by(self.aggregate, count)
        (indptr, indices, weight), excess, _ = coarsen(*links, graph.excess, graph.excess, self.aggregate, count)
        return Graph(indptr, indices, weight, excess)

    def smooth(self, sweep: Callable[..., None], r: Array) -> Array:
        """One Gauss-Seidel sweep from zero."""
        x = np.empty_like(r)
        graph = self.graph
        shared(sweep, graph.blocks, graph.indptr, graph.indices, graph.weight, self.diagonal, r, x)
        return x

    def residual(self, r: Array, x: Array) -> Array:
        """r - A x."""
        rest = np.empty_like(r)
        graph = self.graph
        shared(_sweeps.residual, graph.blocks, graph.indptr, graph.indices, graph.weight, graph.excess, r, x, rest)
        return rest

    def restrict(self, rest: Array) -> Array:
        """Residual of the coarse level."""
        coarse = np.empty(self.begin.size - 1, rest.dtype)
        shared(_sweeps.restrict, self.graph.blocks, self.order, self.begin, rest, coarse)
        return coarse

    def prolong(self, coarse: Array, x: Array) -> None:
        """Add the coarse correction to x."""
        shared(_sweeps.prolong, self.graph.blocks, self.aggregate, coarse, x)


def dots(blocks: int, a: Array, b: Array, c: Array) -> tuple[float, float]:
    """a.b and a.c, the same for any number of threads."""
    parts = np.empty((blocks, 2))
    shared(_sweeps.inner_products, blocks, a, b, c, parts)
    one, two = parts.sum(axis=0)
    return float(one), float(two)


def combined(blocks: int, a: float, x: Array, b: float, y: Array) -> Array:
    """a x + b y in the precision of x."""
    out = np.empty_like(x)
    shared(_sweeps.combine, blocks, x.dtype.type(a), x, x.dtype.type(b), y, out)
    return out


def shared(kernel: Callable[..., None], blocks: int, *arrays: Any) -> None:
    """Run a kernel over all blocks, shared among threads if there are several blocks."""
    threads = min(numba.get_num_threads(), blocks)
    if threads == 1:
        kernel(0, blocks, blocks, *arrays)
        return
    bounds = [part * blocks // threads for part in range(threads + 1)]
    others = [_crew().submit(kernel, a, b, blocks, *arrays) for a, b in zip(bounds[1:-1], bounds[2:], strict=True)]
    kernel(0, bounds[1], blocks, *arrays)
    for other in others:
        other.result()


@cache
def _crew() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS, thread_name_prefix="multigrid")
