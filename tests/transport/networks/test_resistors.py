"""Resistor networks: chains, bridges and lattices with known answers, a dense twin, and clusters that carry nothing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.spatial import cKDTree

from microstructure.errors import ConvergenceError
from transport import network_conductance, network_conductivity
from transport.networks import resistors as network_module


def between(edges, conductance, count, source, sink, **options):
    return network_conductance(edges, conductance, count=count, source=source, sink=sink, **options)


def cubic(size, length):
    """All resistors of a periodic cubic lattice, with the displacement each spans."""
    number = np.arange(np.prod(size)).reshape(size)
    edges, steps = [], []
    for axis in range(3):
        edges.append(np.stack([number.ravel(), np.roll(number, -1, axis).ravel()], axis=1))
        steps.append(np.broadcast_to(np.eye(3)[axis] * length, (number.size, 3)))
    return np.concatenate(edges), np.concatenate(steps)


def random_network(seed, count=60, reach=0.28):
    rng = np.random.default_rng(seed)
    points = rng.random((count, 3))
    edges = cKDTree(points, boxsize=1.0).query_pairs(reach, output_type="ndarray")
    steps = points[edges[:, 1]] - points[edges[:, 0]]
    steps -= np.round(steps)
    return points, edges, 10.0 ** rng.uniform(-2, 2, len(edges)), steps


def dense_conductance(edges, conductance, count, source, sink):
    matrix = np.zeros((count, count))
    for (i, j), g in zip(edges, conductance, strict=True):
        matrix[[i, j], [i, j]] += g
        matrix[[i, j], [j, i]] -= g
    voltage = np.zeros(count)
    voltage[source] = 1.0
    free = np.setdiff1d(np.arange(count), [*source, *sink])
    rest = -matrix[np.ix_(free, source)].sum(axis=1)
    voltage[free] = np.linalg.lstsq(matrix[np.ix_(free, free)], rest, rcond=1e-14)[0]
    return float(voltage @ matrix @ voltage)


def dense_conductivity(edges, conductance, steps, count, volume, axis):
    matrix, drive = np.zeros((count, count)), np.zeros(count)
    for (i, j), g, step in zip(edges, conductance, steps[:, axis], strict=True):
        for a, b, sign in ((i, j, 1.0), (j, i, -1.0)):
            matrix[a, a] += g
            matrix[a, b] -= g
            drive[a] += sign * g * step
    potential = np.linalg.lstsq(matrix, drive, rcond=1e-13)[0]
    drops = potential[edges[:, 1]] - potential[edges[:, 0]] + steps[:, axis]
    return float(np.sum(conductance * drops**2) / volume)


# known answers


def test_series_and_parallel():
    chain = between([[0, 1], [1, 2], [2, 3]], [1.0, 2.0, 4.0], 4, [0], [3])
    assert chain.value == pytest.approx(1.0 / 1.75, rel=1e-12)
    np.testing.assert_allclose(chain.currents, 1.0 / 1.75, rtol=1e-12)
    np.testing.assert_allclose(chain.potentials, [1.0, 1.0 - 1.0 / 1.75, 0.25 / 1.75, 0.0], rtol=1e-12)
    assert between([[0, 1], [1, 0], [0, 1]], [1.0, 2.0, 4.0], 2, [0], [1]).value == pytest.approx(7.0, rel=1e-12)


def test_currents_run_along_the_edge():
    both = between([[0, 1], [2, 1]], [1.0, 1.0], 3, [0], [2])
    np.testing.assert_allclose(both.currents, [0.5, -0.5], rtol=1e-12)


def test_wheatstone_bridge():
    edges = [[0, 1], [0, 2], [1, 3], [2, 3], [1, 2]]
    balanced = between(edges, [1.0, 2.0, 3.0, 6.0, 5.0], 4, [0], [3])
    assert balanced.value == pytest.approx(0.75 + 1.5, rel=1e-12)
    assert balanced.currents[4] == pytest.approx(0.0, abs=1e-12)
    tilted = [1.0, 2.0, 6.0, 3.0, 5.0]
    assert between(edges, tilted, 4, [0], [3]).value == pytest.approx(
        dense_conductance(edges, tilted, 4, [0], [3]), rel=1e-12
    )


def test_cube_of_unit_resistors():
    corners = list(itertools.product((0, 1), repeat=3))
    edges = [
        (i, j) for i, j in itertools.combinations(range(8), 2) if np.abs(np.subtract(corners[i], corners[j])).sum() == 1
    ]
    assert between(edges, np.ones(12), 8, [0], [7]).value == pytest.approx(6.0 / 5.0, rel=1e-12)


@pytest.mark.parametrize("size", [(1, 1, 1), (2, 2, 2), (3, 4, 5)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_cubic_lattice_is_conductance_over_length(size, axis):
    edges, steps = cubic(size, 2.0)
    result = network_conductivity(
        edges, np.full(len(edges), 3.0), steps, count=np.prod(size), volume=8.0 * np.prod(size), axis=axis
    )
    assert result.value == pytest.approx(1.5, rel=1e-12)
    np.testing.assert_allclose(result.currents, 6.0 * (np.repeat(np.arange(3), np.prod(size)) == axis), atol=1e-9)


@pytest.mark.parametrize("axis", [0, 1])
def test_honeycomb_is_isotropic(axis):
    """A sheet of hexagons of side 1 conducts g / sqrt(3) per square: 4 nodes in a cell of 3 by sqrt(3)."""
    root = np.sqrt(3.0)
    edges = [[0, 1], [1, 2], [1, 2], [2, 3], [3, 0], [3, 0]]
    steps = np.array(
        [[1, 0, 0], [0.5, root / 2, 0], [0.5, -root / 2, 0], [1, 0, 0], [0.5, root / 2, 0], [0.5, -root / 2, 0]]
    )
    result = network_conductivity(edges, np.full(6, 2.0), steps, count=4, volume=3.0 * root, axis=axis)
    assert result.value == pytest.approx(2.0 / root, rel=1e-12)


# laws and twins


@pytest.mark.parametrize("seed", range(6))
def test_dense_twin_between_electrodes(seed):
    points, edges, conductance, _ = random_network(seed)
    source, sink = np.flatnonzero(points[:, seed % 3] < 0.2), np.flatnonzero(points[:, seed % 3] > 0.8)
    result = between(edges, conductance, 60, source, sink)
    expected = dense_conductance(edges, conductance, 60, source, sink)
    assert result.value == pytest.approx(expected, rel=1e-9)
    assert result.converged
    inflow = np.bincount(edges[:, 1], result.currents, 60) - np.bincount(edges[:, 0], result.currents, 60)
    free = np.setdiff1d(np.arange(60), np.concatenate([source, sink]))
    assert np.abs(inflow[free]).max() < 1e-9 * result.value
    assert -inflow[source].sum() == pytest.approx(result.value, rel=1e-9)
    assert inflow[sink].sum() == pytest.approx(result.value, rel=1e-9)
    known = np.isfinite(result.potentials[edges]).all(axis=1)
    drop = result.potentials[edges[:, 0]] - result.potentials[edges[:, 1]]
    np.testing.assert_allclose(result.currents[known], (conductance * drop)[known], atol=1e-9 * result.value)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_dense_twin_of_a_periodic_cell(seed, axis):
    _, edges, conductance, steps = random_network(10 + seed)
    result = network_conductivity(edges, conductance, steps, count=60, volume=1.0, axis=axis)
    assert result.value == pytest.approx(dense_conductivity(edges, conductance, steps, 60, 1.0, axis), rel=1e-9)
    known = np.isfinite(result.potentials[edges]).all(axis=1)
    drop = result.potentials[edges[:, 0]] - result.potentials[edges[:, 1]] + steps[:, axis]
    np.testing.assert_allclose(result.currents[known], (conductance * drop)[known], atol=1e-9 * conductance.max())


def test_order_and_direction_of_edges_do_not_matter():
    _, edges, conductance, steps = random_network(3)
    mixed = np.random.default_rng(0).permutation(len(edges))
    one = network_conductivity(edges, conductance, steps, count=60, volume=1.0, axis=2).value
    other = network_conductivity(
        edges[mixed][:, ::-1], conductance[mixed], -steps[mixed], count=60, volume=1.0, axis=2
    ).value
    assert other == pytest.approx(one, rel=1e-9)


def test_more_conductance_never_conducts_less():
    points, edges, conductance, _ = random_network(4)
    source, sink = np.flatnonzero(points[:, 0] < 0.2), np.flatnonzero(points[:, 0] > 0.8)
    before = between(edges, conductance, 60, source, sink).value
    for edge in range(0, len(edges), 11):
        better = conductance.copy()
        better[edge] *= 3.0
        assert between(edges, better, 60, source, sink).value >= before * (1.0 - 1e-12)


@pytest.mark.parametrize("method", ["direct", "multigrid"])
def test_both_preconditioners_agree_on_a_large_network(method, monkeypatch):
    _, edges, _, steps = random_network(5, 4000, 0.07)
    conductance = 10.0 ** np.random.default_rng(1).uniform(-1, 1, len(edges))
    expected = network_conductivity(edges, conductance, steps, count=4000, volume=1.0, axis=0).value
    for limit in ("DIRECT_UP_TO", "ALIKE_UP_TO"):
        monkeypatch.setattr(network_module, limit, 10**9 if method == "direct" else 0)
    result = network_conductivity(edges, conductance, steps, count=4000, volume=1.0, axis=0)
    assert result.value == pytest.approx(expected, rel=1e-9)
    assert (result.iterations > 5) == (method == "multigrid")


def test_conductances_spread_over_ten_decades():
    _, edges, _, steps = random_network(6, 3000, 0.08)
    conductance = 10.0 ** np.random.default_rng(2).uniform(-10, 0, len(edges))
    result = network_conductivity(edges, conductance, steps, count=3000, volume=1.0, axis=0)
    assert result.imbalance < 1e-10
    again = network_conductivity(edges, 1e-6 * conductance, steps, count=3000, volume=1.0, axis=0)
    assert again.value == pytest.approx(1e-6 * result.value, rel=1e-8)
    bridge = between([[0, 1], [1, 2], [2, 3], [1, 3]], [1e10, 1.0, 1e10, 1e-10], 4, [0], [3])
    assert bridge.value == pytest.approx(1.0 - 1e-10, rel=1e-11)


# clusters that carry nothing


def test_no_path_is_exactly_zero():
    result = between([[0, 1], [2, 3]], [1.0, 1.0], 5, [0], [3])
    assert result.value == 0.0
    assert not result.percolates
    assert result.currents.tolist() == [0.0, 0.0]
    assert np.isnan(result.potentials).all()
    assert between([[0, 1], [1, 2]], [1.0, 0.0], 3, [0], [2]).value == 0.0
    assert between(np.empty((0, 2), int), [], 2, [0], [1]).value == 0.0
    assert between([[0, 1]], [1.0], 2, [], [1]).value == 0.0


def test_dead_clusters_and_dangling_ends_change_nothing():
    edges = [[0, 1], [1, 2], [1, 3], [3, 4], [5, 6], [0, 7], [7, 8], [8, 0], [2, 9]]
    result = between(edges, np.full(9, 2.0), 10, [0], [2])
    assert result.value == pytest.approx(1.0, rel=1e-12)
    assert result.unknowns == 1
    np.testing.assert_allclose(result.potentials[:5], [1.0, 0.5, 0.0, 0.5, 0.5], rtol=1e-12)
    assert np.isnan(result.potentials[5:]).all()  # two lie apart, three hang on one electrode alone
    np.testing.assert_allclose(result.currents, [1, 1, 0, 0, 0, 0, 0, 0, 0], atol=1e-12)


def test_electrodes_that_touch_each_other():
    result = between([[0, 1], [1, 2], [0, 3]], [2.0, 5.0, 1.0], 4, [0, 3], [1, 2])
    assert result.value == pytest.approx(2.0, rel=1e-12)
    np.testing.assert_allclose(result.currents, [2.0, 0.0, 0.0])


def test_wrapping_is_decided_by_closed_loops():
    ring = [[0, 1], [1, 2], [2, 3], [3, 0]]
    steps = np.array([[0.25, 0, 0], [0.25, 0, 0], [0.25, 0, 0], [0.25, 0, 0]])
    wraps = network_conductivity(ring, np.ones(4), steps, count=4, volume=1.0, axis=0)
    assert wraps.value == pytest.approx(0.25, rel=1e-12)
    assert network_conductivity(ring, np.ones(4), steps, count=4, volume=1.0, axis=1).value == 0.0
    there_and_back = np.array([[0.25, 0, 0], [0.25, 0, 0], [-0.25, 0, 0], [-0.25, 0, 0]]) + 1e-12
    flat = network_conductivity(ring, np.ones(4), there_and_back, count=4, volume=1.0, axis=0)
    assert flat.value == 0.0
    assert not flat.percolates


def test_a_small_cluster_that_wraps_makes_a_larger_one_wrap():
    edges = [[0, 0], [1, 2], [2, 3], [0, 1]]
    steps = np.array([[1.0, 0, 0], [0.1, 0, 0], [0.1, 0, 0], [0.1, 0, 0]])
    result = network_conductivity(edges, np.ones(4), steps, count=4, volume=1.0, axis=0)
    assert result.value == pytest.approx(1.0, rel=1e-12)


def test_dangling_ends_of_a_periodic_cell_keep_the_mean_gradient():
    edges, steps = [[0, 0], [0, 1]], np.array([[1.0, 0, 0], [0.25, 0, 0]])
    result = network_conductivity(edges, [3.0, 1.0], steps, count=2, volume=1.0, axis=0)
    assert result.value == pytest.approx(3.0, rel=1e-12)
    assert result.potentials[1] - result.potentials[0] == pytest.approx(0.25, rel=1e-12)


# inputs


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"edges": [[0.0, 1.0]]}, TypeError, "edges must be integers"),
        ({"edges": [[0, 1, 2]]}, ValueError, "shape"),
        ({"edges": [[0, 5]]}, ValueError, "nodes 0 to 1"),
        ({"edges": [[-1, 0]]}, ValueError, "nodes 0 to 1"),
        ({"conductance": [1.0, 2.0]}, ValueError, "conductance must have shape"),
        ({"conductance": [-1.0]}, ValueError, "zero or more"),
        ({"conductance": [float("nan")]}, ValueError, "finite"),
        ({"conductance": [float("inf")]}, ValueError, "finite"),
        ({"conductance": ["one"]}, TypeError, "numbers"),
        ({"count": 0}, ValueError, "count"),
        ({"count": 2.0}, TypeError, "count"),
        ({"source": [2]}, ValueError, "source"),
        ({"sink": [0.5]}, TypeError, "sink"),
        ({"sink": [0, 1]}, ValueError, "source and sink at once"),
        ({"tolerance": -1.0}, ValueError, "tolerance"),
    ],
)
def test_wrong_arguments_are_refused(change, kind, message):
    good = {"edges": [[0, 1]], "conductance": [1.0], "count": 2, "source": [0], "sink": [1]}
    with pytest.raises(kind, match=message):
        network_conductance(**(good | change))


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"displacement": [[1.0, 0.0]]}, ValueError, "displacement must have shape"),
        ({"displacement": [[float("nan"), 0.0, 0.0]]}, ValueError, "finite"),
        ({"volume": 0.0}, ValueError, "volume"),
        ({"volume": -1.0}, ValueError, "volume"),
        ({"axis": 3}, ValueError, "axis"),
    ],
)
def test_wrong_cells_are_refused(change, kind, message):
    good = {"edges": [[0, 0]], "conductance": [1.0], "displacement": [[1.0, 0.0, 0.0]], "count": 1}
    with pytest.raises(kind, match=message):
        network_conductivity(**(good | {"volume": 1.0, "axis": 0} | change))


def test_not_converged_is_an_exception_with_the_partial_result(monkeypatch):
    monkeypatch.setattr(network_module, "DIRECT_UP_TO", 0)
    _, edges, conductance, steps = random_network(7, 2000, 0.1)
    options = {"count": 2000, "volume": 1.0, "axis": 0, "max_iterations": 1}
    with pytest.raises(ConvergenceError, match="did not converge") as caught:
        network_conductivity(edges, conductance, steps, **options)
    partial = network_conductivity(edges, conductance, steps, **options, strict=False)
    assert not partial.converged
    assert partial.value == caught.value.best.value


def test_callers_arrays_are_not_changed():
    _, edges, conductance, steps = random_network(8)
    copies = edges.copy(), conductance.copy(), steps.copy()
    for array in (edges, conductance, steps):
        array.setflags(write=False)
    network_conductivity(edges, conductance, steps, count=60, volume=1.0, axis=0)
    for array, copy in zip((edges, conductance, steps), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_result_prints_itself():
    assert "unknowns" in str(between([[0, 1]], [1.0], 2, [0], [1]))
