"""Algebraic multigrid by aggregation: a preconditioner whose work does not grow with size or contrast.

Unknowns are gathered into aggregates of up to sixteen, each only if its quality is sure (Napov and Notay 2012), so that
one symmetric Gauss-Seidel sweep and an exact coarse solve would leave a condition number of `KAPPA` at most. The coarse
problems are solved roughly, by two steps of conjugate gradients each (K-cycle, Notay and Vassilevski 2008).
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numba
import numpy as np
import scipy.sparse.linalg
from numpy.typing import NDArray

from transport import _sweeps
from transport._aggregates import coarsen, gather, sort_by
from transport.graph import Array, Graph, Operator, apply, as_graph, block_count, combined, crew, dots, shared

KAPPA = 14.0  # bound of the two-grid condition number; 10 took a third more time and twice the memory, 20 as long as 14
EXACT_BELOW = 600  # unknowns of the coarsest level, which is factorised
STALLED = 0.8  # share of unknowns left above which coarsening ends; that level is factorised if it is small enough
FACTORISED_UP_TO = 50_000
GOOD_STEP = 0.25  # reduction of a coarse residual after which its second step is left out
PRECISION = np.dtype(np.float32)  # of the cycle; double needed as many iterations, at contrasts up to 1e12

T = TypeVar("T")
logger = logging.getLogger(__name__)


class Multigrid:
    """One cycle of multigrid, made once for an operator and used many times."""

    def __init__(self, finest: Operator) -> None:
        self.levels: list[_Level] = []
        operator: Operator = finest
        while True:
            level = _Level(operator.astype(PRECISION))
            self.levels.append(level)
            coarse = level.gather(operator) if operator.size > EXACT_BELOW else None
            if coarse is None or coarse.size > STALLED * level.live:
                break
            operator = coarse
        self.exact = _factorised(operator) if operator.size <= FACTORISED_UP_TO else None
        logger.debug("multigrid: %s unknowns", [level.live for level in self.levels])

    def __call__(self, r: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return an approximate solution of A z = r, but for a factor; not quite linear in r."""
        largest = max(float(r.max()), -float(r.min()))
        even = np.empty(r.shape, PRECISION)
        np.divide(r, largest if largest > 0.0 else 1.0, out=even, casting="same_kind")
        return self._cycle(0, even)

    def _cycle(self, depth: int, r: Array) -> Array:
        """Smooth, correct by the coarse level, smooth the other way round."""
        last = depth == len(self.levels) - 1
        if last and self.exact is not None:
            return self.exact(r.astype(np.float64)).astype(PRECISION)
        level = self.levels[depth]
        x = level.forward(r)
        if not last:
            level.prolong(self._solve(depth + 1, level.restrict(x)), x)
        return level.backward(r, x)

    def _solve(self, depth: int, r: Array) -> Array:
        """Two steps of flexible conjugate gradients, or one that is good enough (Notay and Vassilevski, section 3)."""
        first = self._cycle(depth, r)
        if depth == len(self.levels) - 1 and self.exact is not None:
            return first
        operator = self.levels[depth].operator
        product = apply(operator, first)
        curvature, gain = dots(first, product, r)
        if not curvature > 0.0:
            return first
        rest = combined(1.0, r, -gain / curvature, product)
        left, _ = dots(rest, rest, rest)
        before, _ = dots(r, r, r)
        if left <= GOOD_STEP**2 * before:
            return combined(gain / curvature, first, 0.0, first)
        second = self._cycle(depth, rest)
        mixed, gained = dots(second, product, rest)
        own, _ = dots(second, apply(operator, second), rest)
        further = own - mixed**2 / curvature
        if not further > 0.0:
            return combined(gain / curvature, first, 0.0, first)
        share = gained / further
        return combined((gain - mixed * share) / curvature, first, share, second)


class _Level:
    """An operator in the precision of the cycle, its smoother, and how it goes over into the next one."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator
        self.inverse = np.empty(operator.size, PRECISION)
        self._share(operator.kernels.invert_diagonal, self.inverse)
        self.live = int(np.count_nonzero(self.inverse))

    def gather(self, exact: Operator) -> Graph:
        """Gather the unknowns, block by block, and return the graph of the aggregates."""
        parts = [slice(first, last) for first, last in itertools.pairwise(exact.bounds())]
        self.aggregate = np.empty(exact.size, np.int32)
        counts = _each(lambda block: self._gather_block(exact, block, parts[block]), len(parts))
        self.starts = np.cumsum([0, *counts])
        for part, start in zip(parts, self.starts[:-1], strict=True):
            own = self.aggregate[part]
            own[own >= 0] += start
        pieces = _each(lambda block: self._coarsen_block(exact, block, parts[block]), len(parts))
        degrees, indices, weight, excess = (np.concatenate(made) for made in zip(*pieces, strict=True))
        return Graph.of(np.concatenate(([0], np.cumsum(degrees))), indices, weight, excess)

    def forward(self, r: Array) -> Array:
        """One Gauss-Seidel sweep from zero, rows up."""
        x = np.empty_like(r)
        self._share(self.operator.kernels.forward, self.inverse, r, x)
        return x

    def restrict(self, x: Array) -> Array:
        """Residual of the coarse level, where x is the forward sweep."""
        coarse = np.empty(self.starts[-1], x.dtype)
        self._share(self.operator.kernels.restrict, x, self.aggregate, self.starts, coarse)
        return coarse

    def prolong(self, coarse: Array, x: Array) -> None:
        """Add the coarse correction to x."""
        shared(_sweeps.prolong, block_count(x.size), self.aggregate, coarse, x)

    def backward(self, r: Array, x: Array) -> Array:
        """One Gauss-Seidel sweep from x, rows down."""
        swept = np.empty_like(x)
        self._share(self.operator.kernels.backward, self.inverse, r, x, swept)
        return swept

    def _share(self, kernel: Callable[..., None], *vectors: Array) -> None:
        shared(kernel, self.operator.blocks, *self.operator.arrays, *vectors)

    def _gather_block(self, exact: Operator, block: int, part: slice) -> int:
        return int(gather(*exact.rows(block), KAPPA, part.start, self.aggregate[part]))

    def _coarsen_block(self, exact: Operator, block: int, part: slice) -> tuple[Array, ...]:
        low, high = self.starts[block : block + 2]
        order, begin = sort_by(self.aggregate[part], low, high - low)
        (indptr, indices, weight), excess = coarsen(
            order, begin, *exact.rows(block), self.aggregate, low, self.starts[-1]
        )
        return np.diff(indptr), indices, weight.astype(PRECISION), excess.astype(PRECISION)


def _each(work: Callable[[int], T], blocks: int) -> list[T]:
    """What `work` gives for each block, shared among threads."""
    if numba.get_num_threads() == 1:
        return [work(block) for block in range(blocks)]
    return list(crew().map(work, range(blocks)))


def _factorised(operator: Operator) -> Callable[[Array], Array]:
    """Solve exactly; nodes without links or ground stay at zero."""
    graph = as_graph(operator)
    isolated = (np.diff(graph.indptr) == 0) & (graph.excess == 0.0)
    graph = replace(graph, excess=graph.excess + isolated)
    solve: Callable[[Array], Array] = scipy.sparse.linalg.splu(graph.matrix().tocsc()).solve
    return solve
