"""Independent programs on the same image or graph: scikit-image, PoreSpy and networkx must agree with us."""

import warnings

import networkx as nx
import numpy as np
import pytest
from skimage.measure import label

from percolation import find_clusters, find_spanning
from transport import network_conductance

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import porespy


@pytest.mark.parametrize(("neighbours", "connectivity"), [(6, 1), (18, 2), (26, 3)])
def test_clusters_are_those_of_scikit_image(neighbours, connectivity):
    mask = np.random.default_rng(1).random((23, 19, 21)) < 0.25
    ours = find_clusters(mask, neighbours=neighbours)
    theirs, count = label(mask, connectivity=connectivity, return_num=True)
    assert ours.count == count
    assert len(np.unique(np.stack([ours.labels[mask], theirs[mask]]), axis=1).T) == count


@pytest.mark.parametrize("axis", range(3))
def test_percolating_voxels_are_those_of_porespy(axis):
    image = np.random.default_rng(4).random((24, 25, 26)) < 0.38
    theirs = porespy.filters.trim_nonpercolating_paths(image, axis=axis)
    ours = find_spanning(image, axis=axis, neighbours=6, periodic=(False,) * 3)
    assert ours.spans
    assert 0.2 < ours.fraction < 1.0
    np.testing.assert_array_equal(ours.mask, theirs)


def test_a_network_of_resistors_is_that_of_networkx():
    graph = nx.connected_watts_strogatz_graph(40, 4, 0.3, seed=2)
    rng = np.random.default_rng(3)
    for _, _, link in graph.edges(data=True):
        link["weight"] = float(rng.uniform(0.1, 10.0))  # conductance
    edges, conductance = np.array(graph.edges), np.array([link["weight"] for *_, link in graph.edges(data=True)])
    theirs = nx.resistance_distance(graph, 0, 20, weight="weight", invert_weight=False)
    ours = network_conductance(edges, conductance, count=40, source=[0], sink=[20])
    assert ours.value == pytest.approx(1.0 / theirs, rel=1e-9)
