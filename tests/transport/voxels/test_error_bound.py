"""The bracket of the exact answer: two principles that hold for any potential, not just for a solved one."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from transport import effective_conductivity
from transport.solvers.potential import Potential
from transport.voxels import _error_bound
from transport.voxels.image import parse_image
from transport.voxels.voxel_circuit import voxel_circuit


def random_circuit(rng):
    """A circuit of a random image with a path, of any shape up to 5^3."""
    while True:
        shape = tuple(rng.integers(1, 6, 3).tolist())
        values = {phase: float(10.0 ** -rng.uniform(0, 4)) * (rng.random() > 0.2) for phase in range(3)}
        axis, periodic = int(rng.integers(3)), tuple((rng.random(3) < 0.5).tolist())
        image = parse_image(rng.integers(0, 3, shape), values, 1.0, periodic, None, None)
        circuit = voxel_circuit(image, axis)
        if circuit is not None:
            return circuit


def links(circuit):
    """Row, row, conductance of every face of the live voxels, with the ground as row -1, and the row of the table."""
    grid = circuit.grid
    number = grid.image(np.arange(grid.size), -1)
    table = grid.voxels.table
    for axis, classes in enumerate((grid.voxels.x, grid.voxels.y, grid.voxels.z)):
        conductances = table[axis][grid.image(classes, 0)].ravel()
        for here, there, g in zip(number.ravel(), np.roll(number, -1, axis).ravel(), conductances, strict=True):
            if g > 0.0:
                yield int(here), int(there), float(g), axis
    for here in np.flatnonzero(grid.voxels.ground):
        yield int(here), -1, float(table[3, grid.voxels.ground[here]]), _error_bound.GROUND


def exact_power(circuit):
    """Dense: the loss of a zero potential, put right."""
    size = circuit.grid.size
    matrix = np.zeros((size + 1, size + 1))
    for a, b, g, _ in links(circuit):
        if a != b:
            matrix[[a, b], [a, b]] += g
            matrix[[a, b], [b, a]] -= g
    inflow, _ = circuit.balance(Potential.of(np.zeros(size)))
    potential = np.linalg.lstsq(matrix[:-1, :-1], inflow / circuit.scale, rcond=1e-13)[0]
    return circuit.balance(Potential.of(potential))[1]


def test_the_bracket_holds_for_any_potential():
    rng = np.random.default_rng(1)
    for _ in range(200):
        circuit = random_circuit(rng)
        exact = exact_power(circuit)
        potential = circuit.first_guess() + rng.normal(scale=10.0 ** -rng.uniform(0, 4), size=circuit.grid.size)
        lost, power = circuit.balance(Potential.of(potential * circuit.live))
        gap = circuit.power_gap(lost)
        assert power >= exact * (1 - 1e-10)
        assert power - gap <= exact * (1 + 1e-10)


def test_a_gap_a_hundred_times_smaller_would_not_hold():
    rng = np.random.default_rng(2)
    broken = 0
    for _ in range(100):
        circuit = random_circuit(rng)
        lost, power = circuit.balance(
            Potential.of((circuit.first_guess() + rng.normal(size=circuit.grid.size)) * circuit.live)
        )
        broken += power - 0.01 * circuit.power_gap(lost) > exact_power(circuit) * (1 + 1e-10)
    assert broken > 30


def test_the_tree_is_a_spanning_tree_of_the_best_conductors_and_its_currents_balance():
    rng = np.random.default_rng(3)
    for _ in range(60):
        circuit = random_circuit(rng)
        size, table = circuit.grid.size, circuit.grid.voxels.table
        every = np.unique(table[table > 0.0])[::-1]
        bits = np.zeros(size + 1, np.uint16)
        tree = (*_error_bound.grow_tree(circuit.grid.voxels, np.append(every[1:], 0.0), bits), bits)
        whole, chosen = nx.MultiGraph(), nx.Graph()
        for a, b, g, _ in links(circuit):
            whole.add_edge(a, b, weight=g)
        for a, b, g in stripped(tree, table, size):
            chosen.add_edge(a, b, weight=g)
            assert whole.has_edge(a, b)
        assert nx.is_tree(chosen)
        assert set(chosen) == set(whole) | {-1}
        best = nx.maximum_spanning_tree(whole)
        assert chosen.size("weight") == pytest.approx(best.size("weight"))
        lost = np.where(circuit.live, rng.normal(size=size), 0.0)
        incidence = nx.incidence_matrix(chosen, nodelist=sorted(chosen), oriented=True).toarray()[1:]  # without ground
        currents = np.linalg.lstsq(incidence, lost[sorted(set(chosen) - {-1})], rcond=None)[0]
        expected = sum(current**2 / g for current, (_, _, g) in zip(currents, chosen.edges(data="weight"), strict=True))
        assert _error_bound.lead_away(table, *tree, lost) == pytest.approx(expected)


def stripped(tree, table, size):
    """Links of a tree that keeps the exclusive or of each row's: end by end, whichever row has one left."""
    degree, others, links = (part.tolist() for part in tree)
    while any(degree[:size]):
        here = next(row for row in range(size) if degree[row] == 1)
        there, link = others[here], links[here]
        yield here, (there if there < size else -1), table[link % 4, link // 4]
        degree[here] = 0
        degree[there] -= 1
        others[there] ^= here
        links[there] ^= link


def test_a_rough_solve_is_certified_by_its_bracket():
    rng = np.random.default_rng(4)
    labels = rng.choice(3, size=(24, 24, 24), p=(0.6, 0.3, 0.1))
    values = {0: 1e-4, 1: 1e-2, 2: 1.0}
    exact = effective_conductivity(labels, values, 1.0, tolerance=1e-10).value
    rough = effective_conductivity(labels, values, 1.0, tolerance=0.5)
    assert rough.residuals[-1] > 1e-3
    assert rough.bracket.lower < exact < rough.bracket.upper
    assert 1e-10 < rough.bracket.upper / rough.bracket.lower - 1 < 0.1
