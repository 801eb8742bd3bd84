"""What a network of carbon primaries conducts: along a periodic cell, and from one core to another across two coats."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from percolation.carbon_paths.network import CarbonNetwork
from transport.networks.resistors import network_conductance, network_conductivity


@dataclass(frozen=True, eq=False)
class AcrossConductance:
    """Conductance from core to core, and that of each cluster of carbon that joins the two: of each bridge."""

    value: float = field(metadata={"unit": "S per S of a neck"})
    touches: float = field(
        metadata={"unit": "1", "what": "conductance if only the aggregates on the cores resisted, each with 1 ohm"}
    )
    bridges: NDArray[np.float64] = field(repr=False, metadata={"unit": "S per S of a neck", "shape": "(bridges,)"})


def along_conductivity(network: CarbonNetwork, contact_ratio: float, *, axis: int) -> float:
    """Conductivity along a periodic axis for necks of 1 S [1/m], exactly 0.0 where no cluster wraps along it.

    Parameters
    ----------
    network : CarbonNetwork
    contact_ratio : float
        Conductance of a contact between two aggregates, over that of a neck inside one.
    axis : int

    Examples
    --------
    >>> from microstructure import bulk_patch
    >>> from percolation import link_carbon
    >>> cube = bulk_patch(1e-6, 0.01, 25e-9, rng=np.random.default_rng(1))
    >>> along_conductivity(link_carbon(cube.carbon, box=cube.box, periodic=cube.periodic), 0.1, axis=0)
    0.0
    """
    count = network.carbon.count
    if count == 0:
        return 0.0
    return network_conductivity(
        network.links,
        _conductances(network, contact_ratio),
        displacement=network.displacements,
        count=count,
        volume=float(np.prod(network.box)),
        axis=axis,
    ).value


def across_conductance(network: CarbonNetwork, faces: NDArray[np.uint8], contact_ratio: float) -> AcrossConductance:
    """Conductance between a core below and a core above for necks of 1 S; a primary on a core is a contact.

    Parameters
    ----------
    network : CarbonNetwork
    faces : ndarray, uint8 (primaries,)
        1 for a primary on the lower core, 2 on the upper one, 3 on both.
    contact_ratio : float
        Conductance of a contact between two aggregates, or of a primary and a core, over that of a neck.
    """
    count = network.carbon.count
    low, high = np.flatnonzero(faces & 1), np.flatnonzero(faces & 2)
    if low.size == 0 or high.size == 0:
        return AcrossConductance(0.0, 0.0, np.empty(0))
    touching = np.concatenate([low, high])
    cores = np.repeat([count, count + 1], [low.size, high.size])
    edges = np.concatenate([network.links, np.stack([touching, cores], axis=1)])
    conductances = np.concatenate([_conductances(network, contact_ratio), np.full(touching.size, contact_ratio)])
    found = network_conductance(edges, conductances, count=count + 2, source=[count], sink=[count + 1])
    entering = np.abs(found.currents[len(edges) - touching.size :][: low.size])
    clusters = _clusters(network)
    number = int(clusters.max()) + 1
    currents = np.bincount(clusters[low], entering, minlength=number)
    aggregate = network.carbon.aggregate
    resting = (side[np.unique(aggregate[side], return_index=True)[1]] for side in (low, high))
    below, above = (np.bincount(clusters[side], minlength=number) for side in resting)
    joined = np.flatnonzero((below > 0) & (above > 0))
    touches = float(np.sum(1.0 / (1.0 / below[joined] + 1.0 / above[joined])))
    return AcrossConductance(found.value, touches, np.asarray(currents[joined], np.float64))


def _conductances(network: CarbonNetwork, contact_ratio: float) -> NDArray[np.float64]:
    return np.where(network.necks, 1.0, contact_ratio)


def _clusters(network: CarbonNetwork) -> NDArray[np.int64]:
    count = network.carbon.count
    graph = coo_matrix((np.ones(len(network.earlier)), network.links.T), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)
