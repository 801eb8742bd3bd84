"""A small case for each kernel module of `percolation`."""

from itertools import product

import numpy as np

from microstructure.coats.coating import Coats
from microstructure.recipe import Recipe
from microstructure.structure import Structure
from percolation._union_find import find, join
from percolation.carbon_paths._network import body_groups, gather_touches, join_inside, largest_clusters
from percolation.carbon_paths.carbon_sweep import span_onset, wrap_onsets
from percolation.carbon_paths.network import link_carbon
from percolation.lattice.clusters import find_clusters
from percolation.lattice.sites import sweep_sites
from percolation.lattice.spanning import find_spanning
from percolation.utilisation._wrapping import in_wrapping_cluster, wrapping_groups
from percolation.utilisation.ions import reach_ions
from tests.project.kernel_inputs import EVERYWHERE, WALLED, balls, primaries, rng, shells


def union_find():
    """Trees of eight nodes."""
    parent = np.arange(8)
    apart = [join(parent, one, other) for one, other in ((5, 2), (7, 5), (2, 7), (3, 4))]
    return apart, [find(parent, node) for node in range(8)], parent


def carbon_network():
    """Primaries that touch in a periodic box and between walls: links, and what they join one after another."""
    found = []
    carbon = primaries(200e-9 * rng().random((60, 3)), np.zeros(60), 40e-9)
    for periodic in (EVERYWHERE, WALLED):
        network = link_carbon(carbon, box=(200e-9,) * 3, periodic=periodic, contact_gap=10e-9)
        largest, groups = np.empty(4, np.int64), np.empty((4, 3), np.int64)
        steps = np.array([0, 10, 25, 60])
        largest_clusters(network.first, network.earlier, steps, largest)
        start = np.minimum(np.arange(61), 6)
        body_groups(network.first, network.earlier, start, np.array([0, 1, 2, 0, 1, 2]), 3, steps, groups)
        parent, size, window = np.arange(60), np.ones(60, np.int64), np.arange(60) % 2
        join_inside(network.first, network.earlier, network.earlier > 30, window, 0, 60, parent, size)
        root, touched = np.empty(60, np.int64), np.empty(60, np.uint8)
        gather_touches((window + 1).astype(np.uint8), 60, parent, root, touched)
        found += [network.first, network.earlier, largest, groups, root, touched, wrap_onsets(network)]
    return [*found, span_onset(network, 0)]


def runs():
    """Rows of more than one word; neighbours by faces and by corners, layers of either kind."""
    found = []
    mask = rng().random((3, 4, 70)) < 0.4
    for neighbours, periodic in ((6, WALLED), (26, EVERYWHERE)):
        clusters = find_clusters(mask, neighbours=neighbours, periodic=periodic)
        found += [clusters.labels, clusters.sizes]
    return [*found, *(find_spanning(mask, axis=axis, neighbours=26).mask for axis in range(3))]


def sites():
    """Rings and boxes with walls; neighbours by faces and by corners."""
    found = []
    for shape, periodic, neighbours in (((4, 3, 3), EVERYWHERE, 6), ((4, 3, 3), WALLED, 26), ((4, 4, 1), WALLED, 6)):
        swept = sweep_sites(shape, periodic=periodic, neighbours=neighbours, runs=2, points=3, workers=1, rng=rng())
        early = sweep_sites(shape, periodic=periodic, neighbours=neighbours, runs=2, workers=1, rng=rng())
        found += [swept.wrap, swept.span, swept.jump, swept.growth.largest, swept.growth.pairs, early.wrap, early.span]
    return found


def spanning():
    """Clusters that close on themselves through the sides, and a staircase that does not."""
    mask = rng(2).random((5, 6, 5)) < 0.4
    found = [find_spanning(mask, axis=axis, periodic=sides) for axis in range(3) for sides in (EVERYWHERE, alone(axis))]
    stairs = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1]], bool)[:, :, None]
    found.append(find_spanning(stairs, axis=0, periodic=(True, True, False)))
    return [(one.spans, one.wraps, one.mask) for one in found]


def alone(axis):
    """Periodic along one axis."""
    return tuple(other == axis for other in range(3))


def ions():
    """A core behind a slab of carbon, which its primaries close one after another."""
    cores = balls([[0.65e-6, 0.4e-6, 0.4e-6]], [0.5e-6], [0.9e-6, 0.8e-6, 0.8e-6], WALLED)
    labels, owners = shells(cores, 0.1e-6, 0.2e-6)
    labels[labels == 0] = 3
    labels[1:3] = 4
    places = [[0.2e-6, 0.1e-6 * j, 0.1e-6 * k] for j, k in product(range(0, 8, 2), repeat=2)]
    carbon = primaries(rng().permutation(places), np.zeros(16), 0.25e-6)
    coats = Coats("film", 50e-9, 50e-9, 1.0, 0.0, 0.0)
    box = (0.9e-6, 0.8e-6, 0.8e-6)
    structure = Structure(labels, 0.1e-6, WALLED, box, Recipe.parse("80:20:3"), owners, cores, coats, carbon)
    return reach_ions(structure, np.array([0, 8, 15, 16]))


def wrapping():
    """Four bodies in a row, with spheres between them that close it at last."""
    heights = np.array([0.1, 0.35, 0.6, 0.85, 0.2, 0.5, 0.7, 0.95, 0.3, 0.4, 0.9, 0.0])
    first, earlier = np.array([0, 0, 0, 0, 0, 1, 2, 3, 5]), np.array([0, 1, 2, 3, 6])
    start, touches = np.array([0, 2, 3, 5, 7, 7, 7, 8, 9]), np.array([0, 1, 2, 2, 3, 3, 0, 3, 0])
    groups, shifts, wraps = np.empty((3, 4), np.int64), np.empty((3, 4), np.int64), np.zeros((3, 4), np.bool_)
    wrapping_groups(heights, 4, 1.0, first, earlier, start, touches, np.array([0, 4, 8]), groups, shifts, wraps)
    found = [groups, shifts, wraps]
    for pairs in (np.empty((0, 2), np.int64), np.array([[0, 2], [1, 3], [1, 2], [0, 1]])):
        inside = np.empty(4, np.bool_)
        in_wrapping_cluster(heights[:4], 1.0, pairs, groups[1], shifts[1], wraps[1], inside)
        found.append(inside)
    return found


CASES = {
    "percolation._union_find": union_find,
    "percolation.carbon_paths._network": carbon_network,
    "percolation.lattice._runs": runs,
    "percolation.lattice._sites": sites,
    "percolation.lattice._spanning": spanning,
    "percolation.utilisation._ions": ions,
    "percolation.utilisation._wrapping": wrapping,
}
