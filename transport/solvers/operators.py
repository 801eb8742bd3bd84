"""Resistor networks as linear operators, and the threads that share their rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from transport.solvers import _smoothing
from transport.solvers._aggregation import ALONE
from transport.solvers.row_threads import block_count, passed, shared

Array = NDArray[Any]
Rows = tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.float64], NDArray[np.float64]]


class Operator(Protocol):
    """Links between nodes and from each node to the ground: a symmetric matrix without its diagonal."""

    @property
    def size(self) -> int:
        """Unknowns."""

    @property
    def arrays(self) -> tuple[Any, ...]:
        """What its kernels take."""

    @property
    def kernels(self) -> Any:
        """Module of its kernels."""

    @property
    def blocks(self) -> int:
        """Blocks of rows, by the number of unknowns alone."""

    def bounds(self) -> list[int]:
        """Where each block of rows begins, and where the last one ends."""

    def parts(self) -> list[int]:
        """Where each part of a block begins, and where the last one ends: aggregates are gathered part by part."""

    def rows(self, part: int) -> Rows:
        """Links of a part as CSR, its rows counted from 0, and their conductances to the ground."""

    def known_aggregates(self, part: int, inverse: Array, kappa: float) -> NDArray[np.int32]:
        """Number the aggregates of a part that are as good as `kappa` for sure, by row; ALONE elsewhere."""

    def astype(self, precision: np.dtype[Any]) -> Operator:
        """The same in another precision."""


@dataclass(frozen=True, eq=False)
class Graph:
    """Links in CSR, each from both ends: of a row to rows before it until `lower`, in its block until `inner`."""

    indptr: NDArray[np.uint32] = field(repr=False)
    lower: NDArray[np.uint32] = field(repr=False)
    inner: NDArray[np.uint32] = field(repr=False)
    indices: NDArray[np.uint32] = field(repr=False)
    weight: Array = field(repr=False)
    excess: Array = field(repr=False)
    kernels = _smoothing

    @staticmethod
    def of(indptr: NDArray[np.integer], indices: NDArray[np.uint32], weight: Array, excess: Array) -> Graph:
        """Take over CSR arrays, and put each row's links in order (in place)."""
        starts = indptr.astype(np.uint32)
        lower, inner = np.empty_like(starts[1:]), np.empty_like(starts[1:])
        shared(_smoothing.arrange, block_count(excess.size), starts, lower, inner, indices, weight)
        return Graph(starts, lower, inner, indices, weight, excess)

    @property
    def size(self) -> int:
        """Rows."""
        return self.excess.size

    @property
    def arrays(self) -> tuple[Array, ...]:
        """CSR arrays."""
        return self.indptr, self.lower, self.inner, self.indices, self.weight, self.excess

    @property
    def blocks(self) -> int:
        """By the number of unknowns."""
        return block_count(self.size)

    def bounds(self) -> list[int]:
        """Equal numbers of rows."""
        return [block * self.size // self.blocks for block in range(self.blocks + 1)]

    def parts(self) -> list[int]:
        """The blocks."""
        return self.bounds()

    def rows(self, part: int) -> Rows:
        """A slice, in double precision."""
        first, last = self.bounds()[part : part + 2]
        begin, end = self.indptr[first], self.indptr[last]
        weight, excess = (part.astype(np.float64) for part in (self.weight[begin:end], self.excess[first:last]))
        starts = self.indptr[first : last + 1].astype(np.int64) - begin
        return starts, self.indices[begin:end], weight, excess

    def known_aggregates(self, part: int, inverse: Array, kappa: float) -> NDArray[np.int32]:
        """None."""
        first, last = self.bounds()[part : part + 2]
        return np.full(last - first, ALONE, np.int32)

    def astype(self, precision: np.dtype[Any]) -> Graph:
        """Weights and excess in another precision."""
        return replace(
            self,
            weight=self.weight.astype(precision, copy=False),
            excess=self.excess.astype(precision, copy=False),
        )

    def matrix(self) -> scipy.sparse.csr_matrix:
        """The same with its diagonal, float64."""
        size = self.size
        entries = (self.weight.astype(np.float64), self.indices.astype(np.int64), self.indptr.astype(np.int64))
        links = scipy.sparse.csr_matrix(entries, shape=(size, size))
        return scipy.sparse.csr_matrix(scipy.sparse.diags(links.sum(axis=1).A1 + self.excess) - links)


def as_graph(operator: Operator) -> Graph:
    """The links of any operator, all its parts in one."""
    pieces = [operator.rows(part) for part in range(len(operator.parts()) - 1)]
    starts = np.concatenate(([0], np.cumsum(np.concatenate([np.diff(piece[0]) for piece in pieces]))))
    indices, weight, excess = (np.concatenate([piece[k] for piece in pieces]) for k in (1, 2, 3))
    return Graph.of(starts, indices, weight, excess)


def multiply(operator: Operator, x: Array, b: Array, out: Array) -> tuple[float, float]:
    """Write A x to `out`, 0 where there are no links; x.A x, and b.x, the same for any number of threads."""
    parts = np.empty((operator.blocks, 2))
    shared(operator.kernels.multiply, operator.blocks, *operator.arrays, x, b, out, parts)
    energy, product = parts.sum(axis=0)
    return float(energy), float(product)


def dot(a: Array, b: Array) -> float:
    """a.b, the same for any number of threads."""
    parts = np.empty(block_count(a.size))
    passed(_smoothing.inner_product, a.size, a, b, parts)
    return float(parts.sum())


def combine(a: float, x: Array, b: float, y: Array, out: Array) -> Array:
    """Write a x + b y, in the precision of x, to `out`, which may be x or y, and return it."""
    passed(_smoothing.combine, x.size, x.dtype.type(a), x, x.dtype.type(b), y, out)
    return out
