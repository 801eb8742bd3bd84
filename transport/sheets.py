"""Networks of coated spheres: each coat is a conducting sheet that all contacts of the sphere share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu


@dataclass(frozen=True, eq=False)
class CoatContacts:
    """The faces at which the coats of two blocks, or of a block and a wall, meet."""

    pairs: NDArray[np.int64] = field(metadata={"shape": "(m, 2)", "what": "blocks, then separator and collector"})
    areas: NDArray[np.float64] = field(metadata={"unit": "m2", "shape": "(m,)"})
    normals: NDArray[np.float64] = field(metadata={"unit": "1", "shape": "(m, 3)", "what": "from first to second"})
    thickness: NDArray[np.float64] = field(metadata={"unit": "m", "what": "even shell of a block's matrix"})
    radii: NDArray[np.float64] = field(metadata={"unit": "m", "shape": "(blocks,)"})
    parting: NDArray[np.bool_] | None = field(
        default=None, metadata={"shape": "(m,)", "what": "False inside one coat of several cores; None: all True"}
    )


@dataclass(frozen=True, eq=False)
class Sheets:
    """Contacts between sheets: drops of potential are `resistance` @ currents, currents counted first to second."""

    pairs: NDArray[np.int64]
    resistance: sparse.csr_matrix
    blocks: int


@dataclass(frozen=True, eq=False)
class Resistors:
    """Ordinary resistors between nodes."""

    pairs: NDArray[np.int64]
    conductance: NDArray[np.float64]

    @classmethod
    def none(cls) -> Resistors:
        """A network without any."""
        return cls(np.empty((0, 2), np.int64), np.empty(0))


def coat_sheets(contacts: CoatContacts, conductivity: float, face_resistance: float) -> Sheets:
    """The resistance matrix of all contacts between coats.

    Current that enters a thin spherical sheet at one contact and leaves it evenly raises the potential at an angle g
    by -ln((1 - cos g)/2) / (4 pi conductivity thickness) (Green's function of the sphere); over the contact's own cap
    of half-angle a the mean is that at g = a plus 1/2 in the logarithm. Superposition gives each block a full matrix.

    Parameters
    ----------
    contacts : CoatContacts
    conductivity : float
        Of the matrix [S/m]; zero leaves no contacts.
    face_resistance : float
        Where the coats of two blocks meet, or a coat and a wall [ohm m2].
    """
    blocks = len(contacts.radii)
    if conductivity == 0.0:
        return Sheets(np.empty((0, 2), np.int64), sparse.csr_matrix((0, 0)), blocks)
    number = len(contacts.pairs)
    parting = np.ones(number) if contacts.parting is None else contacts.parting
    matrix = sparse.diags(face_resistance * parting / contacts.areas, shape=(number, number), format="csr")
    rows, columns, values = [], [], []
    for block in range(blocks):
        first, second = (np.flatnonzero(contacts.pairs[:, side] == block) for side in (0, 1))
        ports = np.concatenate([first, second])
        sign = np.concatenate([np.ones(len(first)), -np.ones(len(second))])
        mutual = _sheet_matrix(
            contacts.normals[ports] * sign[:, None],
            contacts.areas[ports],
            contacts.radii[block],
            contacts.thickness[block],
            conductivity,
        )
        rows.append(np.repeat(ports, len(ports)))
        columns.append(np.tile(ports, len(ports)))
        values.append((mutual * sign[:, None] * sign).ravel())
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return Sheets(contacts.pairs, matrix + sparse.csr_matrix(entries, shape=(number, number)), blocks)


def solve_sheets(sheets: Sheets, resistors: Resistors, *, nodes: int) -> float:
    """Conductance between the two walls [S], exactly 0.0 without a path.

    Parameters
    ----------
    sheets : Sheets
        Its pairs number coats from 0, then the walls (`blocks` and `blocks` + 1).
    resistors : Resistors
        Its pairs number all nodes from 0, then the walls (`nodes` and `nodes` + 1).
    nodes : int
        Coats, and whatever else the resistors join.
    """
    pairs = np.where(sheets.pairs >= sheets.blocks, sheets.pairs - sheets.blocks + nodes, sheets.pairs)
    links = np.concatenate([pairs, resistors.pairs])
    graph = sparse.coo_matrix((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(nodes + 2, nodes + 2))
    group = connected_components(graph, directed=False)[1]
    if group[nodes] != group[nodes + 1]:
        return 0.0
    live = group == group[nodes]
    potential = np.zeros(nodes + 2)
    potential[nodes] = 1.0  # separator at 1 V, collector at 0 V
    incidence = _incidence(pairs, nodes + 2)
    laplacian = _incidence(resistors.pairs, nodes + 2)
    laplacian = laplacian.T @ sparse.diags(resistors.conductance) @ laplacian
    free = np.flatnonzero(live[:nodes])
    carrying = np.flatnonzero(live[pairs[:, 0]])
    # [resistance, -incidence; incidence', laplacian] [currents; potentials] = [driven by the wall; nothing injected]
    resistance, inner = sheets.resistance[carrying][:, carrying], incidence[carrying][:, free]
    system = sparse.bmat([[resistance, -inner], [inner.T, laplacian[free][:, free]]], format="csc")
    drive = np.concatenate([(incidence @ potential)[carrying], -(laplacian @ potential)[free]])
    solution = splu(system).solve(drive)
    current = np.zeros(len(pairs))
    current[carrying] = solution[: len(carrying)]
    potential[free] = solution[len(carrying) :]
    return float((incidence.T @ current + laplacian @ potential)[nodes])


def _sheet_matrix(
    directions: NDArray[np.float64], areas: NDArray[np.float64], radius: float, thickness: float, conductivity: float
) -> NDArray[np.float64]:
    """Potential at each contact of a block for a unit current out of each, the matrix up to its face included."""
    middle = radius + 0.5 * thickness
    # 1 - cos(a); the caps of one sheet do not overlap, whatever the areas of the faces they stand for
    cap = areas / (2.0 * np.pi * middle**2) * min(1.0, 4.0 * np.pi * middle**2 / areas.sum())
    chord = np.maximum(1.0 - directions @ directions.T, np.maximum.outer(cap, cap))
    mutual = -np.log(0.5 * chord)
    np.fill_diagonal(mutual, 0.5 - np.log(0.5 * cap))
    mutual /= 4.0 * np.pi * conductivity * max(thickness, 1e-12)
    mutual[np.diag_indices_from(mutual)] += 0.5 * thickness / (conductivity * areas)
    return mutual


def _incidence(pairs: NDArray[np.int64], nodes: int) -> sparse.csr_matrix:
    """+1 at the first and -1 at the second node of each pair: times potentials, it gives the drops."""
    number = np.arange(len(pairs))
    ones = np.ones(len(pairs))
    entries = (np.concatenate([ones, -ones]), (np.tile(number, 2), pairs.T.ravel()))
    return sparse.csr_matrix(entries, shape=(len(pairs), nodes))
