"""Solve a circuit for its potentials, to a stated share of the current that may go missing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from numpy.typing import NDArray

from transport.solvers import _smoothing
from transport.solvers.multigrid import Multigrid
from transport.solvers.operators import Array, Graph, Operator, combine, dot, multiply
from transport.solvers.potential import Potential
from transport.solvers.row_threads import block_count, passed, shared

logger = logging.getLogger(__name__)

PASSES = 20  # corrections by the exact residual; one is the rule, two at a contrast of 1e12, three at tolerance 1e-13
CORRECTION = 1e-6  # reduction asked of one pass, above the rounding of its vectors in single precision
MARGIN = 0.9  # of the tolerance, which a pass aims at: its recursive residual drifts by some hundredths
FURTHER = 0.1  # of its aim, for a pass after one that has left too wide a gap


class DrivenCircuit(Protocol):
    """Resistors between nodes, driven by voltages: a network or the faces of a voxel image."""

    @property
    def voltage(self) -> float:
        """The voltage that drives the whole, a scale [V]."""

    @property
    def count(self) -> int:
        """Unknowns."""

    @property
    def scale(self) -> float:
        """The largest conductance [S]."""

    @property
    def operator(self) -> Operator:
        """Conductances over `scale`."""

    def balance(self, potential: Potential) -> tuple[NDArray[np.float64], float]:
        """Current lost at each node [A], dissipated power [W]."""

    def imbalance(self, inflow: Array) -> float:
        """What the current lost at each node amounts to, as the tolerance counts it [A]."""

    def power_gap(self, lost: NDArray[np.float64]) -> float:
        """The most by which the dissipated power can exceed the exact one [W], by the current lost [A], used up."""


class Preconditioner(Protocol):
    """An approximate inverse of an operator."""

    precision: np.dtype[Any]  # of the residuals that it takes, and of what it returns

    def __call__(self, r: Array, spare: Array) -> Array:
        """Return an approximate solution of A z = r, but for a factor; `spare`, another such vector, is overwritten."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Potentials of a solved circuit, and how far they can be trusted."""

    potential: Potential = field(repr=False, metadata={"unit": "V"})
    power: float = field(metadata={"unit": "W"})
    gap: float = field(metadata={"unit": "W", "what": "most by which the power can exceed the exact one"})
    residuals: tuple[float, ...] = field(repr=False, metadata={"unit": "1", "what": "imbalance / current carried"})
    iterations: int
    converged: bool


def solve_circuit(
    circuit: DrivenCircuit,
    *,
    start: NDArray[np.float64],
    tolerance: float,
    max_iterations: int,
    precondition: Callable[[Any], Preconditioner] = Multigrid,
) -> Solution:
    """Solve by preconditioned conjugate gradients, and correct by the exact residual until it is small enough.

    Parameters
    ----------
    circuit
        Every node must be joined to the ground through resistors above zero.
    start
        First guess of the potentials, float64 [V]; used up.
    tolerance
        To be reached by the circuit's imbalance over the current carried, and by the gap of its power over the power.
    max_iterations
        Conjugate-gradient steps at most, all passes together.
    precondition
        Makes the preconditioner of an operator: `Multigrid` for voxels, whose cost it keeps in proportion to their
        number; `Factorised`, with which one step is nearly enough, for sparse networks, whose conductances may spread
        evenly over ten decades, where multigrid stalls.
    """
    potential = Potential.of(start)
    residuals: list[float] = []
    inner: _ConjugateGradients | None = None  # made when the first guess is not yet the answer
    aim = MARGIN * tolerance
    for left in reversed(range(PASSES + 1)):
        inflow, power = circuit.balance(potential)
        exact = _share(circuit.imbalance(inflow), power / circuit.voltage)
        steps = len(residuals)
        logger.debug("%d unknowns, %d iterations, residual %.1e", circuit.count, steps, exact)
        last = steps >= max_iterations or left == 0
        gap = circuit.power_gap(inflow) if exact <= tolerance or last else float("inf")
        converged = exact <= tolerance and gap <= tolerance * power
        if converged or last:
            break
        if exact <= tolerance:
            aim *= FURTHER
            inflow, _ = circuit.balance(potential)
        inner = inner or _ConjugateGradients(circuit, precondition(circuit.operator))
        residuals.extend(inner.run(potential, inflow, power, aim, max_iterations - steps))
    return Solution(potential, power, gap, (*residuals, exact), steps, converged)


class _ConjugateGradients:
    """Conjugate gradients for a preconditioner that is not linear (Notay, SIAM J. Sci. Comput. 22 (2000) 1444)."""

    def __init__(self, circuit: DrivenCircuit, precondition: Preconditioner) -> None:
        self.circuit = circuit
        self.operator = circuit.operator  # kept near 1, conductivities may be 1e-12
        self.precondition = precondition

    def run(
        self, potential: Potential, inflow: NDArray[np.float64], power: float, tolerance: float, max_iterations: int
    ) -> list[float]:
        """Correct the potential (in place) until what it loses is small; return the imbalance after each step.

        `inflow`, used up, is lost in the beginning; `power` falls by what each step gains, and a step that gains more
        than the tolerance is not the last one. The residual has the precision of the preconditioner: what is left
        goes down by `CORRECTION` at most, and its rounding is left to the next pass.
        """
        operator, carried = self.operator, power / self.circuit.voltage
        unit = float(max(inflow.max(), -inflow.min())) or self.circuit.scale  # of r [A]
        volts = unit / self.circuit.scale  # of p
        r = np.empty(inflow.size, self.precondition.precision)
        passed(_smoothing.scale, r.size, unit, inflow, r)
        vectors = inflow.view(r.dtype).reshape(-1, r.size)  # its memory holds two in single precision
        spare, product = vectors if len(vectors) == 2 else (vectors[0], np.empty_like(r))
        blocks = block_count(r.size)
        parts = np.empty(blocks)
        first = float(np.abs(r, out=spare).sum(dtype=np.float64))
        p = self.precondition(r, spare).copy()
        residuals: list[float] = []
        for _ in range(max_iterations):
            curvature, gain = multiply(operator, p, r, product)
            if not curvature > 0.0:  # the step is lost in rounding; the next pass starts from the exact residual
                break
            alpha = gain / curvature
            shared(_smoothing.step, blocks, alpha, volts, p, product, potential.high, potential.low, r, parts)
            gained = unit * volts * alpha * gain  # the energy norm of the error falls by exactly this
            power -= gained
            carried = power / self.circuit.voltage
            residuals.append(_share(unit * self.circuit.imbalance(r), carried))
            done = residuals[-1] <= tolerance and gained <= tolerance * power
            if done or parts.sum() <= CORRECTION * first:
                break
            z = self.precondition(r, spare)
            combine(1.0, z, -dot(z, product) / curvature, p, p)
        return residuals or [_share(unit * self.circuit.imbalance(r), carried)]


class Factorised:
    """A network's matrix solved exactly, as a preconditioner."""

    precision: np.dtype[Any] = np.dtype(np.float64)

    def __init__(self, graph: Graph) -> None:
        # minimum degree removes chains and stars first, without fill: 0.4 s for 300,000 nodes of mean degree 3.2
        self.factors = scipy.sparse.linalg.splu(
            graph.matrix().tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
        )

    def __call__(self, r: Array, spare: Array) -> Array:
        """Solve A z = r."""
        solution: Array = self.factors.solve(r)
        return solution


def _share(lost: float, carried: float) -> float:
    return lost / carried if carried > 0.0 else (0.0 if lost == 0.0 else float("inf"))
