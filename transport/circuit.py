"""A circuit: nodes joined by resistors, driven by voltages; what voxel images and sphere networks have in common."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from transport._circuit import edge_currents, node_inflow
from transport.multigrid import Graph


@dataclass(frozen=True, eq=False)
class Circuit:
    """Resistors between nodes 0 .. count-1 and the ground, which is node number `count`, at 0 V.

    A current g (V_tail - V_head + emf) flows through each resistor. A plate at 1 V is a resistor from the ground with
    emf = 1; a periodic image is a resistor whose emf is the drop of the mean gradient across it.
    """

    tail: NDArray[np.int64] = field(repr=False)
    head: NDArray[np.int64] = field(repr=False)
    conductance: NDArray[np.float64] = field(repr=False, metadata={"unit": "S"})
    emf: NDArray[np.float64] = field(repr=False, metadata={"unit": "V"})
    count: int
    voltage: float = field(metadata={"unit": "V", "what": "the voltage that drives the whole, a scale"})

    def graph(self, scale: float) -> Graph:
        """Return the nodes' links and what joins them to the ground, in units of `scale` [S]."""
        t, h, g = self.tail, self.head, self.conductance / scale
        sunk, fed = h == self.count, t == self.count
        ends = np.concatenate((t[sunk], h[fed], [self.count]))  # the last is a float for numpy, which else counts
        ground = np.bincount(ends, np.concatenate((g[sunk], g[fed], [0.0])))
        inner = (t < self.count) & (h < self.count) & (t != h)  # one to a node's own image leaves its balance alone
        t, h, g = t[inner].astype(np.int32), h[inner].astype(np.int32), g[inner]
        rows, columns = np.concatenate((t, h)), np.concatenate((h, t))
        links = scipy.sparse.coo_matrix((np.concatenate((g, g)), (rows, columns)), (self.count, self.count)).tocsr()
        links.sort_indices()
        return Graph(links.indptr.astype(np.int64), links.indices, links.data, ground[:-1])

    def currents(self, potential: Potential) -> NDArray[np.float64]:
        """Return the current of each resistor from tail to head [A]."""
        return edge_currents(self.tail, self.head, self.conductance, self.emf, potential.high, potential.low)

    def inflow(self, currents: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the current lost at each node [A], zero when the potentials are exact."""
        return node_inflow(self.tail, self.head, currents, self.count + 1)[:-1]

    def power(self, currents: NDArray[np.float64]) -> float:
        """Return the dissipated power [W]: never below the exact one, and in error only by the error squared."""
        return float(np.sum(currents * (currents / self.conductance)))


@dataclass(frozen=True, eq=False)
class Potential:
    """Node potentials (ground last) as high + low.

    Inside a good conductor the drop from node to node is below the rounding of the potential itself. The low part
    holds what rounding took away, so currents stay right at conductivity contrasts of 1e12.
    """

    high: NDArray[np.float64]
    low: NDArray[np.float64]

    @staticmethod
    def of(values: NDArray[np.float64]) -> Potential:
        """Return the potential of the given nodes, with the ground appended."""
        high = np.append(np.asarray(values, np.float64), 0.0)
        return Potential(high, np.zeros_like(high))

    def plus(self, step: NDArray[np.float64]) -> Potential:
        """Return the potential raised by `step` at each node (ground left out), exactly to twice double precision."""
        step = self.low + np.append(step, 0.0)
        high = self.high + step
        part = high - self.high
        return Potential(high, (self.high - (high - part)) + (step - part))  # Knuth's two-sum
