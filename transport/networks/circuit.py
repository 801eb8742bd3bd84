"""A circuit: nodes joined by resistors, driven by voltages; what voxel images and sphere networks have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from transport.solvers._circuit import edge_currents, node_inflow
from transport.solvers.operators import Array, Graph
from transport.solvers.potential import Potential


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

    @cached_property
    def scale(self) -> float:
        """The largest conductance [S]."""
        return float(self.conductance.max())

    @cached_property
    def operator(self) -> Graph:
        """Return the nodes' links and what joins them to the ground, in units of `scale`."""
        t, h, g = self.tail, self.head, self.conductance / self.scale
        sunk, fed = h == self.count, t == self.count
        ends = np.concatenate((t[sunk], h[fed], [self.count]))  # the last is a float for numpy, which else counts
        ground = np.bincount(ends, np.concatenate((g[sunk], g[fed], [0.0])))
        inner = (t < self.count) & (h < self.count) & (t != h)  # one to a node's own image leaves its balance alone
        t, h, g = t[inner].astype(np.int32), h[inner].astype(np.int32), g[inner]
        rows, columns = np.concatenate((t, h)), np.concatenate((h, t))
        links = scipy.sparse.coo_matrix((np.concatenate((g, g)), (rows, columns)), (self.count, self.count)).tocsr()
        links.sort_indices()
        return Graph.of(links.indptr.astype(np.int64), links.indices.astype(np.uint32), links.data, ground[:-1])

    def currents(self, potential: Potential) -> NDArray[np.float64]:
        """Return the current of each resistor from tail to head [A]."""
        high, low = np.append(potential.high, 0.0), np.append(potential.low, 0.0)
        return edge_currents(self.tail, self.head, self.conductance, self.emf, high, low)

    def balance(self, potential: Potential) -> tuple[NDArray[np.float64], float]:
        """Return the current lost at each node [A] and the dissipated power [W].

        The power is never below the exact one, and in error only by the error squared.
        """
        currents = self.currents(potential)
        inflow = node_inflow(self.tail, self.head, currents, self.count + 1)[:-1]
        return inflow, float(np.sum(currents * (currents / self.conductance)))

    def imbalance(self, inflow: Array) -> float:
        """Return the sum of |current lost| over all nodes [A]."""
        return float(np.sum(np.abs(inflow), dtype=np.float64))

    def power_gap(self, lost: NDArray[np.float64]) -> float:
        """Return the most by which the power can exceed the exact one [W]: no potential is wrong by `voltage`."""
        return self.imbalance(lost) * self.voltage
