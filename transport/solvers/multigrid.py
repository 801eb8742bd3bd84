"""Algebraic multigrid by aggregation: a preconditioner whose work does not grow with size or contrast.

Unknowns are gathered into aggregates of up to sixteen, each only if its quality is sure (Napov and Notay 2012), so that
one symmetric Gauss-Seidel sweep and an exact coarse solve would leave a condition number of `KAPPA` at most. The coarse
problems are solved roughly, by two steps of conjugate gradients each (K-cycle, Notay and Vassilevski 2008).
"""

from __future__ import annotations

import bisect
import itertools
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
import scipy.sparse.linalg

from microstructure.threads import crew, thread_count
from transport.solvers import _smoothing
from transport.solvers._aggregation import attach, gather
from transport.solvers.heap import trim_heap
from transport.solvers.operators import Array, Graph, Operator, as_graph, combine, dot, multiply
from transport.solvers.row_threads import passed, shared

KAPPA = 14.0  # bound of the two-grid condition number; 10 took a third more time and twice the memory, 20 as long as 14
EXACT_BELOW = 600  # unknowns of the coarsest level, which is factorised
ROUNDING = 1e-14  # of a diagonal
STALLED = 0.8  # share of unknowns left above which coarsening ends; that level is factorised if it is small enough
FACTORISED_UP_TO = 50_000
GOOD_STEP = 0.25  # reduction of a coarse residual after which its second step is left out
PRECISION = np.dtype(np.float32)  # of the cycle; double needed as many iterations, at contrasts up to 1e12

T = TypeVar("T")
Gathered = tuple[tuple[Array, Array, Array], Array, tuple[Array, Array, Array]]  # what `gather` returns of a part
logger = logging.getLogger(__name__)


class Multigrid:
    """One cycle of multigrid, made once for an operator and used many times."""

    precision = PRECISION

    def __init__(self, finest: Operator) -> None:
        self.levels: list[_Level] = []
        operator: Operator = finest
        while True:
            level = _Level(operator.astype(PRECISION), finest=not self.levels)
            self.levels.append(level)
            coarse = level.gather(operator) if operator.size > EXACT_BELOW else None
            if coarse is None or not 0 < coarse.size <= STALLED * level.live:  # 0: the ground holds every row
                break
            operator = coarse
        self.exact = _factorised(operator) if operator.size <= FACTORISED_UP_TO else None
        trim_heap()
        logger.debug("multigrid: %s unknowns", [level.live for level in self.levels])

    def __call__(self, r: Array, spare: Array) -> Array:
        """Return an approximate solution of A z = r, not quite linear in r, which the next call overwrites.

        `spare`, of the size of r, is overwritten, too.
        """
        return self._cycle(0, r, spare, self.levels[0].first)

    def _cycle(self, depth: int, r: Array, x: Array, out: Array) -> Array:
        """Smooth, correct by the coarse level, smooth the other way round."""
        last = depth == len(self.levels) - 1
        level = self.levels[depth]
        if last and self.exact is not None:
            out[:] = self.exact(r.astype(np.float64))
            return out
        level.forward(r, x)
        if not last:
            coarse = self.levels[depth + 1].residual
            level.restrict(x, coarse)
            level.prolong(self._solve(depth + 1, coarse), x)
        level.backward(r, x, out)
        return out

    def _solve(self, depth: int, r: Array) -> Array:
        """Two steps of flexible conjugate gradients, or one that is good enough (Notay and Vassilevski, section 3)."""
        level = self.levels[depth]
        first = self._cycle(depth, r, level.x, level.first)
        if depth == len(self.levels) - 1 and self.exact is not None:
            return first
        product, rest = level.product, level.rest
        curvature, gain = multiply(level.operator, first, r, product)
        if not curvature > 0.0:
            return first
        combine(1.0, r, -gain / curvature, product, rest)
        if dot(rest, rest) <= GOOD_STEP**2 * dot(r, r):
            return combine(gain / curvature, first, 0.0, first, first)
        second = self._cycle(depth, rest, level.x, level.second)
        mixed = dot(second, product)
        own, gained = multiply(level.operator, second, rest, product)
        further = own - mixed**2 / curvature
        if not further > 0.0:
            return combine(gain / curvature, first, 0.0, first, first)
        share = gained / further
        return combine((gain - mixed * share) / curvature, first, share, second, first)


class _Level:
    """An operator in the precision of the cycle, its smoother, and how it goes over into the next one."""

    def __init__(self, operator: Operator, *, finest: bool) -> None:
        self.operator = operator
        vectors = np.zeros((1 if finest else 6, operator.size), PRECISION)  # kept: new pages cost as much as a sweep
        self.first = vectors[0]
        if not finest:
            self.second, self.x, self.residual, self.rest, self.product = vectors[1:]
        self.inverse = np.empty(operator.size, PRECISION)
        self._share(operator.kernels.invert_diagonal, self.inverse)
        self.live = int(np.count_nonzero(self.inverse))

    def gather(self, exact: Operator) -> Graph:
        """Gather the unknowns, part by part, and return the graph of the aggregates."""
        bounds, parts = exact.bounds(), exact.parts()
        self.aggregate = np.empty(exact.size, np.int32)
        made = dict(enumerate(_each(lambda part: self._gather_part(exact, part, bounds, parts), len(parts) - 1)))
        starts = np.cumsum([0, *(ground.size for _, ground, _ in made.values())])
        for (first, last), start in zip(itertools.pairwise(parts), starts, strict=False):
            own = self.aggregate[first:last]
            own[own >= 0] += start
        self.starts = starts[np.searchsorted(parts, bounds)]
        pieces = _each(lambda part: self._attach_part(made, part, parts, starts), len(parts) - 1)
        degrees, indices, weight, excess = (np.concatenate(field) for field in zip(*pieces, strict=True))
        return Graph.of(np.concatenate(([0], np.cumsum(degrees))), indices, weight, excess)

    def forward(self, r: Array, x: Array) -> None:
        """One Gauss-Seidel sweep from zero, rows up, to x."""
        self._share(self.operator.kernels.forward, self.inverse, r, x)

    def restrict(self, x: Array, coarse: Array) -> None:
        """Write the residual of the coarse level, where x is the forward sweep."""
        self._share(self.operator.kernels.restrict, x, self.aggregate, self.starts, coarse)

    def prolong(self, coarse: Array, x: Array) -> None:
        """Add the coarse correction to x."""
        passed(_smoothing.prolong, x.size, self.aggregate, coarse, x)

    def backward(self, r: Array, x: Array, swept: Array) -> None:
        """One Gauss-Seidel sweep from x, rows down, to `swept`."""
        self._share(self.operator.kernels.backward, self.inverse, r, x, swept)

    def _share(self, kernel: Callable[..., None], *vectors: Array) -> None:
        shared(kernel, self.operator.blocks, *self.operator.arrays, *vectors)

    def _gather_part(self, exact: Operator, part: int, bounds: list[int], parts: list[int]) -> Gathered:
        first, last = parts[part : part + 2]
        block = bisect.bisect_right(bounds, first) - 1
        found: Gathered = gather(
            *exact.rows(part), KAPPA, *bounds[block : block + 2], first,
            exact.known_aggregates(part, self.inverse, KAPPA), self.aggregate[first:last],
        )  # fmt: skip
        return found

    def _attach_part(self, made: dict[int, Gathered], part: int, parts: list[int], starts: Array) -> tuple[Array, ...]:
        graph, ground, outer = made.pop(part)  # its memory goes to what is made of it
        own = self.aggregate[slice(*parts[part : part + 2])]
        return *attach(graph, ground, outer, own, starts[part], self.aggregate), ground.astype(PRECISION)


def _each(work: Callable[[int], T], blocks: int) -> list[T]:
    """What `work` gives for each block, shared among threads."""
    if thread_count() == 1:
        return [work(block) for block in range(blocks)]
    return list(crew().map(work, range(blocks)))


def _factorised(operator: Operator) -> Callable[[Array], Array]:
    """Solve exactly; nodes without links or ground stay at zero."""
    graph = as_graph(operator)
    isolated = (np.diff(graph.indptr) == 0) & (graph.excess == 0.0)
    matrix = replace(graph, excess=graph.excess + isolated).matrix()
    try:
        factors = scipy.sparse.linalg.splu(matrix.tocsc())
    except RuntimeError:  # singular: a contrast beyond 1e15 was lost to rounding; roughly is good enough here
        factors = scipy.sparse.linalg.splu((matrix + ROUNDING * scipy.sparse.diags(matrix.diagonal())).tocsc())
    solve: Callable[[Array], Array] = factors.solve
    return solve
