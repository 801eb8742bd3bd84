"""A small case for each kernel module of `transport`."""

from unittest.mock import patch

import numpy as np

from tests.project.kernel_inputs import WALLED, rng
from transport.conduction import effective_conductivity
from transport.networks.block_network import BlockNetwork, CoatContacts
from transport.networks.resistors import network_conductance, network_conductivity
from transport.solvers import _smoothing
from transport.solvers._aggregation import ALONE, attach, gather
from transport.solvers.multigrid import KAPPA
from transport.solvers.operators import Graph, combine, dot, multiply
from transport.solvers.row_threads import shared
from transport.voxels.faces import FaceClasses
from transport.voxels.image import parse_image
from transport.voxels.voxel_circuit import voxel_circuit


def block_network():
    """Two blocks in a row between the walls, one contact far wider than its coat is thick."""
    x = np.array([1.0, 0.0, 0.0])
    contacts = CoatContacts(
        np.array([[0, 2], [0, 1], [1, 3], [0, 1]]),
        np.array([1e-14, 1e-12, 1e-14, 2e-14]),
        np.stack([-x, x, x, np.array([0.0, 0.6, 0.8])]),
        np.array([0.1e-6, 0.08e-6]),
        np.array([1.5e-6, 1.2e-6]),
    )
    along, across = np.array([0.05, 0.02]), (0.0, 1e-12)
    return [BlockNetwork.of_coats(contacts, along, between).conductance() for between in across]


WIRES = [[0, 1], [1, 2], [2, 3], [0, 3], [1, 3], [3, 4], [4, 5], [6, 7]]
OHMS = [1.0, 2.0, 1.5, 0.5, 3.0, 1.0, 1.0, 1.0]


def circuit():
    """A mesh with dangling ends between two nodes, and one that winds round a cell."""
    between = network_conductance(WIRES, OHMS, count=8, source=[0], sink=[2])
    steps = 0.1 * rng().standard_normal((8, 3))
    steps[3, 0] += 1.0
    around = network_conductivity(WIRES, OHMS, steps, count=8, volume=1.0, axis=0)
    return [part for found in (between, around) for part in (found.value, found.currents, found.potentials)]


def mesh(nodes=24):
    """A chain with random links beside it, some nodes grounded."""
    tail = np.concatenate([np.arange(nodes - 1), rng(1).integers(0, nodes, 30)])
    head = np.concatenate([np.arange(1, nodes), rng(2).integers(0, nodes, 30)])
    dense = np.zeros((nodes, nodes))
    dense[tail, head] = dense[head, tail] = 10.0 ** -rng(3).uniform(0, 2, tail.size)
    np.fill_diagonal(dense, 0.0)
    rows, columns = np.nonzero(dense)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=nodes))])
    excess = np.where(np.arange(nodes) % 9 == 0, 0.1, 0.0)
    excess[5] = 50.0
    return Graph.of(indptr, columns.astype(np.uint32), dense[rows, columns], excess)


def smoothing():
    """A mesh in one block of rows, and in two."""
    found = []
    for blocks in (1, 2):
        with patch("transport.solvers.operators.block_count", lambda _, blocks=blocks: blocks):
            found += swept(mesh())
    return found


def swept(operator):
    """What every loop of a level makes of some vectors, in single precision."""
    kernels, single = operator.kernels, operator.astype(np.dtype(np.float32))
    r, x, y, low, inverse, up, down = rng().standard_normal((7, operator.size)).astype(np.float32)
    aggregate, starts = np.arange(operator.size, dtype=np.int32) // 4, np.array(operator.bounds()) // 4
    aggregate[:2], coarse = ALONE, np.empty(starts[-1], np.float32)
    shared(kernels.invert_diagonal, single.blocks, *single.arrays, inverse)
    shared(kernels.forward, single.blocks, *single.arrays, inverse, r, up)
    shared(kernels.restrict, single.blocks, *single.arrays, up, aggregate, starts, coarse)
    _smoothing.prolong(0, 1, 1, aggregate, coarse, up)
    shared(kernels.backward, single.blocks, *single.arrays, inverse, r, up, down)
    products = [multiply(one, x, r, y) for one in (operator, single)]
    high, parts = rng(2).standard_normal(operator.size), np.empty(1)
    _smoothing.step(0, 1, 1, 0.3, 1.7, x, y, high, low, r, parts)
    scaled = np.empty_like(r)
    _smoothing.scale(0, 1, 1, 0.3, high, scaled)
    return [inverse, up, coarse, down, *products, y, high, low, r, parts, scaled, dot(x, y), combine(0.3, x, 0.7, y, y)]


def aggregation():
    """Two parts of one block, gathered and attached to each other."""
    graph, found = mesh(), []
    starts, half = graph.indptr.astype(np.int64), graph.size // 2
    aggregate, known = np.empty(graph.size, np.int32), np.full(half, ALONE, np.int32)
    known[:2] = 0
    for first, last in ((0, half), (half, graph.size)):
        begin, end = starts[first], starts[last]
        rows = starts[first : last + 1] - begin, graph.indices[begin:end], graph.weight[begin:end]
        own = aggregate[first:last]
        found.append(gather(*rows, graph.excess[first:last], KAPPA, 0, graph.size, first, known, own))
        known = np.full(half, ALONE, np.int32)
    aggregate[half:][aggregate[half:] >= 0] += found[0][1].size
    attached = [
        attach(*made, own, low, aggregate)
        for made, own, low in zip(found, np.split(aggregate, 2), (0, found[0][1].size), strict=True)
    ]
    return found, aggregate, attached


def picture(laws=None, periodic=WALLED):
    """Two phases that conduct, one far better, and one that does not."""
    labels, blocks = rng().integers(0, 3, (4, 5, 6)), np.zeros((4, 5, 6), int)
    labels[:, 2], blocks[2:] = 1, 1
    return parse_image(labels, {0: 1e-3, 1: 1.0, 2: 0.0}, (1.0, 1.5, 2.0), periodic, laws, blocks)


def even_circuit(axis=0):
    """Of two phases that conduct nearly alike."""
    labels = rng().integers(0, 2, (4, 4, 9))
    return voxel_circuit(parse_image(labels, {0: 1.0, 1: 1.1}, 1.0, WALLED, None, None), axis)


def faces():
    """With interfaces that resist, or let nothing through, also between two blocks; sides of either kind."""
    found = []
    for laws, periodic in ({(0, 1): 0.3, (1, 1): 0.2}, WALLED), ({(0, 1): np.inf, (0, 0): 0.1}, (True, False, False)):
        image = picture(laws, periodic)
        found += FaceClasses.of(image, 0).faces(image)
    return found


def tiles():
    """Rows taken out of an image, and put back."""
    grid, image = voxel_circuit(picture(), 0).grid, rng().random((4, 5, 6))
    rows = grid.take(image)
    return *grid.voxels, rows, grid.image(rows, -1.0)


def voxel_rows():
    """An image in one block of rows, and in two."""
    found = []
    for blocks in (1, 2):
        with patch("transport.voxels.grid.block_count", lambda _, blocks=blocks: blocks):
            grid = voxel_circuit(picture(), blocks - 1).grid
            found += [*swept(grid), *grid.rows(0)]
    return found


def even_cuboids():
    """Of an image that conducts nearly evenly."""
    grid = even_circuit().grid
    inverse = np.empty(grid.size, np.float32)
    shared(grid.kernels.invert_diagonal, grid.blocks, *grid.arrays, inverse)
    return grid.known_aggregates(0, inverse, KAPPA)


def connected_rows():
    """Clusters with and without turns, and a first guess that is evened out inside good conductors."""
    found = []
    for axis in range(3):
        circuit = voxel_circuit(picture(), axis)
        start = rng().random((4, 5, 6))
        found += [*circuit.grid.clusters(0.1, axis), circuit.first_guess(), circuit.first_guess(start)]
    return found


def error_bound():
    """Random losses led to the ground."""
    circuit = voxel_circuit(picture(), 0)
    return circuit.power_gap(np.where(circuit.live, rng().standard_normal(circuit.grid.size), 0.0))


def flux():
    """Whole solutions along every axis, the current density, and what single precision loses in layers."""
    labels, found = rng().integers(0, 3, (3, 4, 6)), []
    labels[1, 2] = labels[:, 2, 3] = 1
    for axis in range(3):
        solved = effective_conductivity(
            labels, {0: 0.01, 1: 1.0, 2: 0.0}, 1.0, axis, WALLED, tolerance=1e-12, keep_current=True
        )
        found += [solved.value, solved.bracket.lower, solved.plane_flux, solved.mean_flux, solved.current_density]
        found += [list(solved.connected.values()), list(solved.current_shares.values())]
        circuit = even_circuit(axis)
        found.append(circuit.imbalance(rng().standard_normal(circuit.grid.size).astype(np.float32)))
    return found


CASES = {
    "transport.networks._block_network": block_network,
    "transport.solvers._circuit": circuit,
    "transport.solvers._smoothing": smoothing,
    "transport.solvers._aggregation": aggregation,
    "transport.voxels._faces": faces,
    "transport.voxels._tiles": tiles,
    "transport.voxels._grid": voxel_rows,
    "transport.voxels._cuboids": even_cuboids,
    "transport.voxels._connected_rows": connected_rows,
    "transport.voxels._error_bound": error_bound,
    "transport.voxels._flux": flux,
}
