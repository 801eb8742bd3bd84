"""Solve a circuit for its potentials, to a stated share of the current that may go missing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from numpy.typing import NDArray

from transport import _sweeps
from transport.graph import Graph, Operator, apply, block_count, dots, shared
from transport.multigrid import Multigrid
from transport.potential import Potential

Method = Literal["multigrid", "direct"]

logger = logging.getLogger(__name__)

PASSES = 20  # corrections of a solution by its exact residual; two or three are the rule, at contrasts of 1e12 ten
CORRECTION = 1e-9  # reduction asked of one pass, above the rounding of the recursive residual


class Circuit(Protocol):
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


@dataclass(frozen=True, eq=False)
class Solution:
    """Potentials of a solved circuit, and how far they can be trusted."""

    potential: Potential = field(repr=False, metadata={"unit": "V"})
    power: float = field(metadata={"unit": "W"})
    lost: NDArray[np.float64] = field(repr=False, metadata={"unit": "A"})
    residuals: tuple[float, ...] = field(repr=False, metadata={"unit": "1", "what": "current lost / current carried"})
    iterations: int
    converged: bool


def solve_circuit(
    circuit: Circuit, *, start: NDArray[np.float64], tolerance: float, max_iterations: int, method: Method = "multigrid"
) -> Solution:
    """Solve by preconditioned conjugate gradients, and correct by the exact residual until it is small enough.

    The residual is the sum of |current lost| over all nodes, divided by the current that the circuit carries: it
    bounds the relative difference of the flux between any two planes.

    Parameters
    ----------
    circuit
        Every node must be joined to the ground through resistors above zero.
    start
        First guess of the potentials, float64 [V].
    tolerance
        Residual to be reached.
    max_iterations
        Conjugate-gradient steps at most, all passes together.
    method
        "multigrid" preconditions by algebraic multigrid: for voxels, whose cost it keeps in proportion to their number.
        "direct" preconditions by the factorised matrix, so that one step is nearly enough: for sparse networks, whose
        conductances may spread evenly over ten decades, where multigrid stalls.
    """
    potential = Potential.of(start)
    residuals: list[float] = []
    inner: _ConjugateGradients | None = None  # made when the first guess is not yet the answer
    iterations = 0
    for left in reversed(range(PASSES + 1)):
        inflow, power = circuit.balance(potential)
        residuals.append(_share_lost(inflow, power / circuit.voltage))
        logger.debug("%d unknowns, %d iterations, residual %.1e", circuit.count, iterations, residuals[-1])
        if residuals[-1] <= tolerance or iterations >= max_iterations or left == 0:
            break
        inner = inner or _ConjugateGradients(circuit, method)
        step = inner.run(inflow, power, 0.3 * tolerance, max_iterations - iterations)
        iterations += max(len(step.residuals), 1)
        residuals.extend(step.residuals)
        potential = potential.plus(step.correction)
    converged = residuals[-1] <= tolerance
    return Solution(potential, power, inflow, tuple(residuals), iterations, converged)


@dataclass(frozen=True, eq=False)
class _Step:
    correction: NDArray[np.float64]
    residuals: list[float]  # one per iteration


class _ConjugateGradients:
    """Conjugate gradients for a preconditioner that is not linear (Notay, SIAM J. Sci. Comput. 22 (2000) 1444)."""

    def __init__(self, circuit: Circuit, method: Method) -> None:
        self.voltage = circuit.voltage
        self.scale = circuit.scale  # the matrix is kept near 1, conductivities may be 1e-12
        self.operator = circuit.operator
        self.precondition = Multigrid(self.operator) if method == "multigrid" else _factorised(self.operator)

    def run(self, inflow: NDArray[np.float64], power: float, tolerance: float, max_iterations: int) -> _Step:
        """Return the correction that brings `inflow` to zero; `power` falls by what each step gains."""
        blocks = block_count(inflow.size)
        r = inflow
        r /= self.scale  # in place: the next pass takes its own
        power /= self.scale
        first = float(np.sum(np.abs(r)))
        x, parts = np.zeros_like(r), np.empty(blocks)
        p = self.precondition(r).astype(np.float64)
        residuals: list[float] = []
        for _ in range(max_iterations):
            product = apply(self.operator, p)
            curvature, gain = dots(p, product, r)
            if not curvature > 0.0:  # the step is lost in rounding; the next pass starts from the exact residual
                break
            alpha = gain / curvature
            shared(_sweeps.step_down, blocks, alpha, p, product, x, r, parts)
            power -= alpha * gain  # the energy norm of the error falls by exactly this
            lost = float(parts.sum())
            residuals.append(_share(lost, power / self.voltage))
            if residuals[-1] <= tolerance or lost <= CORRECTION * first:
                break
            z = self.precondition(r)
            turn, _ = dots(z, product, product)
            shared(_sweeps.combine, blocks, 1.0, z, -turn / curvature, p, p)
        return _Step(x, residuals)


def _factorised(operator: Operator) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    # minimum degree removes chains and stars first, without fill; measured 0.4 s for 300,000 nodes of mean degree 3.2
    if not isinstance(operator, Graph):
        raise TypeError(f"a direct solve is for networks, got {type(operator).__name__}; take method='multigrid'")
    solve: Callable[[NDArray[np.float64]], NDArray[np.float64]] = scipy.sparse.linalg.splu(
        operator.matrix().tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    ).solve
    return solve


def _share_lost(inflow: NDArray[np.float64], carried: float) -> float:
    return _share(float(np.sum(np.abs(inflow))), carried)


def _share(lost: float, carried: float) -> float:
    return lost / carried if carried > 0.0 else (0.0 if lost == 0.0 else float("inf"))
