"""Clusters of voxels that faces join, against a walk over every face: which hang together, and which wind round."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from transport.voxels.grid import Grid

TABLE = np.array([[0.0, 1.0, 2.0, 4.0]] * 4)


def random_grid(rng, shape, bonds):
    """Faces of random classes; only voxels with a face are kept."""
    faces = tuple((rng.integers(1, 4, shape) * (rng.random(shape) < bonds)).astype(np.uint8) for _ in range(3))
    live = np.zeros(shape, np.bool_)
    for axis, face in enumerate(faces):
        live |= (face > 0) | (np.roll(face, 1, axis) > 0)
    return faces, Grid.of(faces, TABLE, live)


def walked(faces, grid, bound, axis):
    """Graph of the rows; an edge knows how it turns round the axis."""
    number, graph = grid.image(np.arange(grid.size), -1), nx.MultiDiGraph()
    graph.add_nodes_from(range(grid.size))
    for direction, face in enumerate(faces):
        there = np.roll(number, -1, direction)
        for place in np.argwhere(TABLE[direction][face] > bound):
            turn = int(direction == axis and place[direction] == face.shape[direction] - 1)
            here, other = int(number[tuple(place)]), int(there[tuple(place)])
            graph.add_edge(here, other, turn=turn)
            graph.add_edge(other, here, turn=-turn)
    return graph


@pytest.mark.parametrize("shape", [(6, 5, 7), (3, 2, 9), (2, 2, 2), (4, 1, 5), (1, 4, 6), (5, 6, 1), (1, 1, 8)])
@pytest.mark.parametrize("bonds", [0.15, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("bound", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("blocks", [1, 3])
def test_rows_are_joined_as_their_faces_say(shape, bonds, bound, blocks, monkeypatch):
    monkeypatch.setattr("transport.voxels.grid.block_count", lambda _: blocks)
    rng = np.random.default_rng([*shape, int(100 * bonds), int(bound)])
    for _ in range(6):
        faces, grid = random_grid(rng, shape, bonds)
        if grid.size == 0:
            continue
        axis = int(rng.integers(3))
        root, offset, winds = grid.clusters(bound, axis)
        graph = walked(faces, grid, bound, axis)
        for cluster in nx.weakly_connected_components(graph):
            first = min(cluster)
            assert {int(root[row]) for row in cluster} == {first}
            turns, loops = {first: 0}, False
            for here, other, _ in nx.edge_bfs(graph, first):
                turn = next(iter(graph[here][other].values()))["turn"]
                turns.setdefault(other, turns[here] + turn)
            for here, other, turn in graph.subgraph(cluster).edges(data="turn"):
                loops |= turns[here] + turn != turns[other]
            assert bool(winds[first]) == loops
            if not loops:
                assert all(int(offset[row]) == turns[row] for row in cluster)
