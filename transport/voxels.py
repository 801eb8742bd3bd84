"""The voxel image as a circuit: one resistor per voxel face, of those voxels that a current can pass through."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from transport._circuit import join_clusters
from transport._links import face_conductances
from transport.circuit import Circuit
from transport.image import PhaseImage


@dataclass(frozen=True, eq=False)
class VoxelCircuit:
    """A circuit with 1 V across the image along `axis`, and where its nodes and resistors lie in the image.

    An open axis ends in two plates, half a voxel from the outer voxels' centres: the first at 1 V, the second at 0 V.
    A periodic axis has no plates; the potential falls by 1 V from each voxel to its image.
    """

    circuit: Circuit
    nodes: NDArray[np.int64] = field(repr=False)  # flat voxel index of each unknown
    grounded: NDArray[np.int64] = field(repr=False)  # flat index of voxels held at 0 V (one per cluster if periodic)
    start: NDArray[np.float64] = field(repr=False, metadata={"unit": "V"})
    direction: NDArray[np.int8] = field(repr=False)  # of each resistor, 0 to 2
    plane: NDArray[np.int64] = field(repr=False)  # that each resistor along the axis crosses; -1 for the others
    planes: int


@dataclass(frozen=True, eq=False)
class Links:
    """Resistors between voxels by flat index; the plates, if any, are the two numbers after the last voxel."""

    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    conductance: NDArray[np.float64] = field(metadata={"unit": "S"})
    direction: NDArray[np.int8]
    wraps: NDArray[np.bool_]  # crosses the periodic boundary of its direction


def voxel_links(image: PhaseImage) -> Links:
    """Return the resistor of every conducting voxel face: half cells in series, and the interface between them."""
    with np.errstate(divide="ignore"):
        resistivity = 1.0 / image.conductivities
    parts = []
    for direction in range(3):
        conductance = face_conductances(
            image.phases, image.blocks, resistivity, image.interface, image.voxel_size, image.periodic, direction
        ).ravel()
        tail = np.flatnonzero(conductance)
        size = image.shape[direction]
        stride = int(np.prod(image.shape[direction + 1 :], dtype=np.int64))
        wraps = (tail // stride) % size == size - 1
        head = tail + stride - wraps * (size * stride)
        parts.append(Links(tail, head, conductance[tail], np.full(tail.size, direction, np.int8), wraps))
    return _joined(parts)


def voxel_circuit(image: PhaseImage, links: Links, axis: int) -> VoxelCircuit | None:
    """Return the circuit along an axis, or None when no path leads through: decided by the resistors, not solved."""
    if image.periodic[axis]:
        return _periodic_circuit(image, links, axis)
    return _open_circuit(image, links, axis)


def _open_circuit(image: PhaseImage, links: Links, axis: int) -> VoxelCircuit | None:
    voxels = image.phases.size
    root, _ = join_clusters(links.tail, links.head, np.zeros(links.tail.size), voxels, 0.5)
    first, second = _plate(image, axis, 0), _plate(image, axis, 1)
    spanning = np.intersect1d(root[first.head], root[second.tail])
    if spanning.size == 0:
        return None
    spans = np.zeros(voxels, np.bool_)
    spans[spanning] = True
    live = np.append(spans[root], (False, False))
    return _assemble(image, _joined([links, first, second]), axis, live, root, np.empty(0, np.int64))


def _periodic_circuit(image: PhaseImage, links: Links, axis: int) -> VoxelCircuit | None:
    winding = (links.wraps & (links.direction == axis)).astype(np.float64)
    root, winds = join_clusters(links.tail, links.head, winding, image.phases.size, 0.5)
    live = winds[root]
    if not live.any():
        return None
    return _assemble(image, links, axis, np.append(live, (False, False)), root, np.unique(root[live]))


def _plate(image: PhaseImage, axis: int, end: int) -> Links:
    """Return the resistors between a plate and the voxels it touches: half a cell of the voxel's own phase."""
    voxels, spacing = image.phases.size, image.voxel_size
    touching = np.take(np.arange(voxels).reshape(image.shape), -end, axis).ravel()
    conductance = 2.0 * np.prod(spacing) / spacing[axis] ** 2 * image.conductivities[image.phases.ravel()[touching]]
    touching, conductance = touching[conductance > 0.0], conductance[conductance > 0.0]
    direction, wraps = np.full(touching.size, axis, np.int8), np.zeros(touching.size, np.bool_)
    if end == 0:
        return Links(np.full(touching.size, voxels), touching, conductance, direction, wraps)
    return Links(touching, np.full(touching.size, voxels + 1), conductance, direction, wraps)


def _assemble(
    image: PhaseImage,
    links: Links,
    axis: int,
    live: NDArray[np.bool_],
    root: NDArray[np.int64],
    grounded: NDArray[np.int64],
) -> VoxelCircuit:
    voxels, size, periodic = image.phases.size, image.shape[axis], bool(image.periodic[axis])
    unknown = live.copy()
    unknown[grounded] = False
    nodes = np.flatnonzero(unknown)
    number = np.full(voxels + 2, nodes.size)  # plates and grounded voxels are the ground
    number[nodes] = np.arange(nodes.size)
    used = np.flatnonzero(live[links.tail] | live[links.head])
    tail, head, along = links.tail[used], links.head[used], links.direction[used] == axis
    emf = ((links.wraps[used] & along) | (tail == voxels)).astype(np.float64)
    layer = np.append(np.indices(image.shape, np.int64)[axis].ravel(), -1)  # the first plate lies before layer 0
    planes = size if periodic else size + 1
    linear = 1.0 - (layer + 0.5) / size
    return VoxelCircuit(
        circuit=Circuit(number[tail], number[head], links.conductance[used], emf, nodes.size, 1.0),
        nodes=nodes,
        grounded=grounded,
        start=linear[nodes] - (linear[root[nodes]] if periodic else 0.0),
        direction=links.direction[used],
        plane=np.where(along, (layer[tail] + 1) % planes, -1),
        planes=planes,
    )


def _joined(parts: list[Links]) -> Links:
    return Links(
        np.concatenate([part.tail for part in parts]),
        np.concatenate([part.head for part in parts]),
        np.concatenate([part.conductance for part in parts]),
        np.concatenate([part.direction for part in parts]),
        np.concatenate([part.wraps for part in parts]),
    )
