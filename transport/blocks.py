"""Kirchhoff's laws on thousands of coated blocks: their coats are sheets that contacts share, their cores are nodes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import cg, splu

from transport._blocks import coat_resistors
from transport.sheets import CoatContacts, Resistors

TOLERANCE = 1e-8
PATIENCE = 3000  # steps, after which a factorisation takes over


@dataclass(frozen=True, eq=False)
class BlockNetwork:
    """Coats, cores and the two walls of a composite, and what joins them, for one kind of charge."""

    contacts: CoatContacts
    conductivity: NDArray[np.float64] = field(metadata={"unit": "S/m", "shape": "(blocks,)", "what": "along the coat"})
    face_resistance: NDArray[np.float64] = field(
        metadata={"unit": "ohm", "shape": "(m,)", "what": "of each face, beyond the matrix of the two coats"}
    )
    inner: NDArray[np.float64] = field(metadata={"unit": "S", "shape": "(blocks,)", "what": "core to coat; 0: none"})
    cores: Resistors = field(metadata={"what": "between cores, or cores and walls (numbers `blocks`, `blocks` + 1)"})

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return len(self.contacts.radii)

    def conductance(self) -> float:
        """Between separator and collector [S], exactly 0.0 without a path."""
        matrix, walls = self._laplacian()
        group = connected_components(matrix, directed=False)[1]
        separator, collector = (group[wall] for wall in walls)
        through = np.intersect1d(separator, collector)
        if through.size == 0:
            return 0.0
        fixed = np.concatenate(walls)
        live = np.isin(group, through)
        free = np.setdiff1d(np.flatnonzero(live), fixed, assume_unique=True)
        potential = np.zeros(matrix.shape[0])
        potential[walls[0]] = 1.0
        rows = matrix[free]
        potential[free] = _solve(rows[:, free].tocsc(), -(rows @ potential))
        return float(potential @ (matrix @ potential))

    def _laplacian(self) -> tuple[sparse.csr_matrix, tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Faces, coats, cores, then the two walls as cores see them; and the nodes at either wall."""
        contacts, count = self.contacts, self.blocks
        number = len(contacts.pairs)
        rows, values = self._coats()
        coats, cores = number + np.arange(count), number + count + np.arange(count + 2)
        first = np.concatenate([coats, cores[self.cores.pairs[:, 0]]])
        second = np.concatenate([cores[:count], cores[self.cores.pairs[:, 1]]])
        conductance = np.concatenate([self.inner, self.cores.conductance])
        size = number + 2 * count + 2
        wires = _wires(first[conductance > 0], second[conductance > 0], conductance[conductance > 0], size)
        matrix = sparse.coo_matrix((values, (rows[:, 0], rows[:, 1])), shape=(size, size)).tocsr() + wires
        at = contacts.pairs[:, 1]
        walls = tuple(
            np.append(np.flatnonzero((at == count + wall) & self._carrying()), cores[count + wall]) for wall in (0, 1)
        )
        return matrix.tocsr(), (walls[0], walls[1])

    def _carrying(self) -> NDArray[np.bool_]:
        """Faces whose block conducts."""
        return np.asarray(self.conductivity[self.contacts.pairs[:, 0]] > 0.0)

    def _coats(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The entries of all coats between faces and coats."""
        contacts, count = self.contacts, self.blocks
        pairs, number = contacts.pairs, len(contacts.pairs)
        inner = np.flatnonzero(pairs[:, 1] < count)
        owner = np.concatenate([pairs[:, 0], pairs[inner, 1]])
        port = np.concatenate([np.arange(number), inner])
        side = np.concatenate([np.ones(number), -np.ones(len(inner))])
        order = np.argsort(owner, kind="stable")
        start = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=count))])
        size = (np.diff(start) + 1) ** 2
        first = np.concatenate([[0], np.cumsum(size)])
        rows, values = np.zeros((first[-1], 2), np.int64), np.zeros(first[-1])
        halves = np.where(pairs[:, 1] < count, 0.5, 1.0) * self.face_resistance
        coat_resistors(
            start,
            port[order],
            side[order],
            contacts.areas,
            contacts.normals,
            halves,
            contacts.radii,
            contacts.thickness,
            self.conductivity,
            first[:-1],
            rows,
            values,
        )
        used = values != 0.0
        return rows[used], values[used]


def _wires(
    first: NDArray[np.int64], second: NDArray[np.int64], conductance: NDArray[np.float64], size: int
) -> sparse.csr_matrix:
    rows = np.concatenate([first, second, first, second])
    columns = np.concatenate([second, first, first, second])
    values = np.concatenate([-conductance, -conductance, conductance, conductance])
    return sparse.coo_matrix((values, (rows, columns)), shape=(size, size)).tocsr()


def _solve(matrix: sparse.csc_matrix, drive: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve a symmetric positive definite system: by conjugate gradients, and directly where they take long."""
    scale = sparse.diags(1.0 / matrix.diagonal())
    found, unfinished = cg(matrix.tocsr(), drive, rtol=TOLERANCE, maxiter=PATIENCE, M=scale)
    if not unfinished:
        return np.asarray(found)
    return np.asarray(splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve(drive))
