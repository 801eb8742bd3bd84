"""Kirchhoff's laws on a network of resistors: carbon spheres that touch, or building blocks with bonds between them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microstructure.arguments import as_numbers, check_kind, check_room
from microstructure.errors import ConvergenceError
from percolation.lattice_arguments import parse_axis, parse_count
from transport.conduction_report import describe
from transport.networks.circuit import Circuit
from transport.solver_arguments import parse_number, parse_tolerance
from transport.solvers._circuit import join_clusters, prune_ends
from transport.solvers.conjugate_gradients import Factorised, Solution, solve_circuit
from transport.solvers.multigrid import Multigrid

BYTES_A_NODE = 60.0  # potentials, marks and clusters, before anything is solved
DIRECT_UP_TO = 400_000  # independent loops; a factorisation took 8 s at 380,000 and grows faster than their number
ALIKE = 1e3  # largest conductance over the smallest, up to which multigrid needs few steps
ALIKE_UP_TO = 30_000  # independent loops of such a network: 170,000 took 4.5 s directly, 0.7 s by multigrid


@dataclass(frozen=True, eq=False)
class NetworkConduction:
    """What a network conducts, and the potentials and currents that show it."""

    value: float = field(metadata={"unit": "S (S/m of a periodic cell)"})
    percolates: bool = field(metadata={"unit": ""})
    imbalance: float = field(metadata={"unit": "", "what": "current lost over all nodes / current carried"})
    converged: bool = field(metadata={"unit": ""})
    iterations: int = field(metadata={"unit": ""})
    unknowns: int = field(metadata={"unit": "nodes"})
    potentials: NDArray[np.float64] = field(repr=False, metadata={"unit": "V per V (m of a periodic cell)"})
    currents: NDArray[np.float64] = field(repr=False, metadata={"unit": "A per V (A per V/m of a periodic cell)"})

    def __str__(self) -> str:
        return describe(self)


def network_conductance(
    edges: ArrayLike,
    conductance: ArrayLike,
    *,
    count: int,
    source: ArrayLike,
    sink: ArrayLike,
    tolerance: float = 1e-10,
    max_iterations: int = 2000,
    strict: bool = True,
) -> NetworkConduction:
    """Return the conductance between two sets of nodes, the source held at 1 V and the sink at 0 V.

    Parameters
    ----------
    edges
        The two nodes of each resistor, integers (m, 2). Several resistors may join the same pair.
    conductance
        Of each resistor, (m,) [S]; zero means it is not there.
    count
        Number of nodes.
    source, sink
        Node numbers, integers; no node may be in both. An empty set is reached by no path.
    tolerance
        Current that may go missing, summed over all nodes, over the current carried.
    max_iterations
        Conjugate-gradient steps at most.
    strict
        False returns a result marked `converged=False` instead of raising.

    Returns
    -------
    NetworkConduction
        `value` [S] is exactly 0.0 without a path. `potentials` (count,) [V] are NaN off the clusters that join source
        and sink; `currents` (m,) [A per V] run from the first to the second node of each edge.

    Raises
    ------
    TypeError
        Node numbers that are not integers, or another argument of the wrong kind.
    ValueError
        Nodes outside 0 .. count-1, negative, infinite or NaN conductances, lengths that differ, a node that is both.
    ConvergenceError
        `tolerance` was not reached; `best` holds the partial result.

    References
    ----------
    Kirkpatrick, Rev. Mod. Phys. 45 (1973) 574: resistor networks.

    Examples
    --------
    >>> chain = network_conductance([[0, 1], [1, 2]], [2.0, 2.0], count=3, source=[0], sink=[2])
    >>> round(chain.value, 12)
    1.0
    """
    count = _parse_size(count)
    check_kind("strict", strict, bool)
    tolerance = parse_tolerance(tolerance, max_iterations)
    wires = _parse_wires(edges, conductance, count)
    source, sink = _parse_nodes("source", source, count), _parse_nodes("sink", sink, count)
    both = np.intersect1d(source, sink)
    if both.size:
        raise ValueError(f"a node cannot be source and sink at once: node {both[0]} is; take it out of one of them")
    network = _between(wires, source, sink)
    return _solve(network, tolerance, max_iterations, strict)


def network_conductivity(
    edges: ArrayLike,
    conductance: ArrayLike,
    displacement: ArrayLike,
    *,
    count: int,
    volume: float,
    axis: int,
    tolerance: float = 1e-10,
    max_iterations: int = 2000,
    strict: bool = True,
) -> NetworkConduction:
    """Return the conductivity of a periodic network under a unit mean gradient along `axis`.

    Parameters
    ----------
    edges
        The two nodes of each resistor, integers (m, 2).
    conductance
        Of each resistor, (m,) [S]; zero means it is not there.
    displacement
        From the first node to the image of the second that the resistor reaches, (m, 3) [m].
    count
        Number of nodes.
    volume
        Of the periodic cell [m3].
    axis
        Direction of the mean gradient, 0 to 2.
    tolerance, max_iterations, strict
        As in `network_conductance`.

    Returns
    -------
    NetworkConduction
        `value` [S/m] is exactly 0.0 when no cluster wraps along the axis, that is, no closed loop of resistors has a
        net displacement along it. `potentials` (count,) are the departure from the mean gradient.

    Raises
    ------
    TypeError, ValueError, ConvergenceError
        As `network_conductance`; also a displacement of the wrong shape, or a volume that is not above zero.

    Examples
    --------
    >>> edges, steps = [[0, 0], [0, 0], [0, 0]], [[2.0, 0, 0], [0, 2.0, 0], [0, 0, 2.0]]
    >>> network_conductivity(edges, [1.0, 1.0, 1.0], steps, count=1, volume=8.0, axis=0).value
    0.5
    """
    count, axis = _parse_size(count), parse_axis(axis)
    check_kind("strict", strict, bool)
    tolerance = parse_tolerance(tolerance, max_iterations)
    wires = _parse_wires(edges, conductance, count)
    steps = _parse_floats("displacement", displacement, (wires.tail.size, 3))
    cell = parse_number("volume", volume, "m3")
    if cell == 0.0:
        raise ValueError("volume must be above zero, in m3")
    network = _wrapping(wires, np.ascontiguousarray(steps[:, axis]), cell)
    return _solve(network, tolerance, max_iterations, strict)


@dataclass(frozen=True, eq=False)
class _Wires:
    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    conductance: NDArray[np.float64]
    count: int


@dataclass(frozen=True, eq=False)
class _Network:
    """Which wires carry current and between which nodes, and what drives them."""

    wires: _Wires
    used: NDArray[np.int64]  # wires of the clusters that conduct
    emf: NDArray[np.float64]  # drop that the mean gradient adds along each wire
    fixed: NDArray[np.bool_]  # nodes of given potential
    given: NDArray[np.float64]  # that potential
    voltage: float
    norm: float  # value = power / norm


def _between(wires: _Wires, source: NDArray[np.int64], sink: NDArray[np.int64]) -> _Network:
    given, fixed = np.zeros(wires.count), np.zeros(wires.count, np.bool_)
    given[source] = 1.0
    fixed[source] = fixed[sink] = True
    exists = wires.conductance > 0.0
    free = exists & ~fixed[wires.tail] & ~fixed[wires.head]
    # electrodes do not join clusters: a cluster that hangs on one of them alone carries nothing
    root, _ = join_clusters(wires.tail[free], wires.head[free], np.zeros(int(free.sum())), wires.count, 0.0)
    electrode = given.astype(np.int64)
    touches = np.zeros((2, wires.count), np.bool_)
    for a, b in ((wires.tail, wires.head), (wires.head, wires.tail)):
        contact = exists & fixed[a] & ~fixed[b]
        touches[electrode[a[contact]], root[b[contact]]] = True
    live = (touches[0] & touches[1])[root]
    direct = fixed[wires.tail] & fixed[wires.head] & (given[wires.tail] != given[wires.head])
    used = np.flatnonzero(exists & (live[wires.tail] | live[wires.head] | direct))
    return _Network(wires, used, np.zeros(wires.tail.size), fixed, given, 1.0, 1.0)


def _wrapping(wires: _Wires, emf: NDArray[np.float64], volume: float) -> _Network:
    exists = wires.conductance > 0.0
    # a loop that wraps is displaced by the cell's length, at least; one that does not, by rounding
    tolerance = 0.5 * float(np.max(np.abs(emf[exists]), initial=0.0))
    root, winds = join_clusters(wires.tail[exists], wires.head[exists], emf[exists], wires.count, tolerance)
    live = winds[root]
    fixed = live & (root == np.arange(wires.count))  # one node of each cluster is the zero of its potential
    used = np.flatnonzero(exists & live[wires.tail])
    return _Network(wires, used, emf, fixed, np.zeros(wires.count), volume ** (1.0 / 3.0), volume)


def _solve(network: _Network, tolerance: float, max_iterations: int, strict: bool) -> NetworkConduction:
    wires, used = network.wires, network.used
    if used.size == 0:
        return _no_path(wires)
    fallen = prune_ends(wires.tail[used], wires.head[used], network.fixed)
    ends = used[fallen[:, 1]]
    backbone = np.setdiff1d(used, ends, assume_unique=True)
    circuit, nodes = _circuit(network, backbone)
    loops = backbone.size - nodes.size
    solution = solve_circuit(
        circuit,
        start=np.zeros(nodes.size),
        tolerance=tolerance,
        max_iterations=max_iterations,
        precondition=_preconditioner(wires.conductance[backbone], loops),
    )
    currents = np.zeros(wires.tail.size)
    currents[backbone] = circuit.currents(solution.potential)
    result = _measure(network, nodes, fallen[:, 0], ends, solution, currents)
    if strict and not result.converged:
        raise ConvergenceError(
            f"the network's current did not converge: {result.imbalance:.1e} of it lost after {result.iterations} "
            f"iterations, wanted {tolerance:.1e}; raise max_iterations or tolerance, or take the result from .best",
            best=result,
        )
    return result


def _preconditioner(conductance: NDArray[np.float64], loops: int) -> type[Factorised | Multigrid]:
    """A factorisation of few loops; multigrid of many, and of fewer where conductances are alike, as in carbon."""
    alike = float(conductance.max()) <= ALIKE * float(conductance.min())
    return Factorised if loops <= (min(ALIKE_UP_TO, DIRECT_UP_TO) if alike else DIRECT_UP_TO) else Multigrid


def _circuit(network: _Network, backbone: NDArray[np.int64]) -> tuple[Circuit, NDArray[np.int64]]:
    wires = network.wires
    tail, head = wires.tail[backbone], wires.head[backbone]
    present = np.zeros(wires.count, np.bool_)
    present[tail] = present[head] = True
    nodes = np.flatnonzero(present & ~network.fixed)
    number = np.full(wires.count, nodes.size)
    number[nodes] = np.arange(nodes.size)
    emf = network.emf[backbone] + network.given[tail] - network.given[head]
    return Circuit(number[tail], number[head], wires.conductance[backbone], emf, nodes.size, network.voltage), nodes


def _measure(
    network: _Network,
    nodes: NDArray[np.int64],
    fallen: NDArray[np.int64],
    ends: NDArray[np.int64],
    solution: Solution,
    currents: NDArray[np.float64],
) -> NetworkConduction:
    wires = network.wires
    potentials = np.full(wires.count, np.nan)
    for ends_of_wires in (wires.tail[network.used], wires.head[network.used]):
        potentials[ends_of_wires] = network.given[ends_of_wires]
    potentials[nodes] = solution.potential.high
    for node, end in zip(fallen[::-1].tolist(), ends[::-1].tolist(), strict=True):  # no current: no drop on the way
        tail, head, emf = int(wires.tail[end]), int(wires.head[end]), float(network.emf[end])
        potentials[node] = potentials[head] - emf if node == tail else potentials[tail] + emf
    return NetworkConduction(
        value=solution.power / network.norm,
        percolates=True,
        imbalance=solution.residuals[-1],
        converged=solution.converged,
        iterations=solution.iterations,
        unknowns=int(nodes.size),
        potentials=potentials,
        currents=currents,
    )


def _no_path(wires: _Wires) -> NetworkConduction:
    nothing, nowhere = np.zeros(wires.tail.size), np.full(wires.count, np.nan)
    return NetworkConduction(0.0, False, 0.0, True, 0, 0, nowhere, nothing)


def _parse_size(count: int) -> int:
    """The number of nodes, as many as the memory holds."""
    nodes = parse_count(count, "count")
    check_room("nodes (count)", nodes, BYTES_A_NODE, "name only nodes that edges join")
    return nodes


def _parse_wires(edges: ArrayLike, conductance: ArrayLike, count: int) -> _Wires:
    pairs = as_numbers("edges", edges)
    if pairs.size == 0:
        pairs = np.empty((0, 2), np.int64)
    if pairs.dtype.kind not in "iu":
        raise TypeError(f"edges must be integers (m, 2), got {pairs.dtype}")
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"edges must have shape (m, 2), got {pairs.shape}")
    if pairs.size and not (pairs.min() >= 0 and pairs.max() < count):
        raise ValueError(f"edges must name nodes 0 to {count - 1}, got {pairs.min()} to {pairs.max()}; check count")
    values = _parse_floats("conductance", conductance, (len(pairs),))
    if np.any(values < 0.0):
        raise ValueError(f"conductance must be zero or more, in S; got {values.min()!r}")
    tail, head = np.ascontiguousarray(pairs.T, dtype=np.int64)
    return _Wires(tail, head, values, count)


def _parse_nodes(name: str, nodes: ArrayLike, count: int) -> NDArray[np.int64]:
    array = np.atleast_1d(as_numbers(name, nodes))
    if array.size == 0:
        return np.empty(0, np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be node numbers (integers), got {array.dtype}")
    if array.ndim != 1 or array.min() < 0 or array.max() >= count:
        raise ValueError(f"{name} must be a flat list of nodes from 0 to {count - 1}, got {nodes!r}")
    return np.unique(array).astype(np.int64)


def _parse_floats(name: str, values: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    try:
        array = np.array(values, np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be numbers of shape {shape}, got {type(values).__name__}") from None
    if array.size == 0 and 0 in shape:
        return np.zeros(shape)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, one row per edge; got {array.shape}")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return array
