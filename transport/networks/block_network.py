"""Kirchhoff's laws on thousands of coated blocks: their coats are sheets that contacts share, their cores are nodes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from microstructure.arguments import as_numbers, check_kind
from microstructure.errors import ConvergenceError
from microstructure.threads import in_threads
from percolation.lattice_arguments import parse_count
from transport.networks._block_network import THINNEST as THINNEST
from transport.networks._block_network import coat_resistors, conjugate_gradients
from transport.solver_arguments import parse_number

TOLERANCE = 1e-7  # of the residual, whose square the conductance is off by: 1e-12 measured, as with 1e-10
PATIENCE = 3000  # steps, after which a factorisation takes over
LOST = 1e-4  # current that may go missing at all nodes, over that carried: else a factorisation takes over
RESOLVED = 1e-2  # and after that, by rounding
ROUNDED = (
    "the blocks' network is lost in rounding: its conductances differ by some twelve orders; set those that are as good"
    " as zero to 0"
)


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

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        pairs = as_numbers("pairs", self.pairs, "iu")
        blocks = as_numbers("radii", self.radii).shape
        shapes = {"pairs": (len(pairs), 2), "areas": (len(pairs),), "normals": (len(pairs), 3), "thickness": blocks}
        for name, wanted in shapes.items():
            found = as_numbers(name, getattr(self, name)).shape
            if found != wanted or len(blocks) != 1:
                raise ValueError(f"{name} must have the shape {wanted}, got {found}")
        if pairs.size and not (pairs.min() >= 0 and pairs.max() < blocks[0] + 2):
            raise ValueError(
                f"pairs name blocks 0 to {blocks[0] - 1} and two walls; got {pairs.min()} to {pairs.max()}"
            )

    def resistance(self, between: float) -> NDArray[np.float64]:
        """Of each face, where the coats of two blocks, or a coat and a wall, meet with this [ohm m2]: ohm, (m,)."""
        resistance = parse_number("between", between, "ohm m2", infinite=True)
        return np.asarray(resistance / self.areas * (1.0 if self.parting is None else self.parting))


@dataclass(frozen=True, eq=False)
class Resistors:
    """Ordinary resistors between nodes."""

    pairs: NDArray[np.int64]
    conductance: NDArray[np.float64]

    @classmethod
    def none(cls) -> Resistors:
        """A network without any."""
        return cls(np.empty((0, 2), np.int64), np.empty(0))

    @classmethod
    def spots(cls, pairs: NDArray[np.int64], cores: int, conductivity: float, radius: float) -> Resistors:
        """Round spots of this radius [m] where two cores touch, or a core and a wall (numbers from `cores` on).

        Spreading in each core; a wall conducts ideally (R. Holm, Electric Contacts, 4th ed., Springer, 1967).
        """
        nodes = as_numbers("pairs", pairs, "iu")
        if nodes.ndim != 2 or nodes.shape[1] != 2:
            raise ValueError(f"pairs are the two nodes of each spot, (m, 2); got shape {nodes.shape}")
        cores = parse_count(cores, "cores")
        conductivity = parse_number("conductivity", conductivity, "S/m")
        radius = parse_number("radius", radius, "m")
        sides = np.where(pairs[:, 1] >= cores, 4.0, 2.0)
        return cls(pairs, sides * conductivity * radius)


@dataclass(frozen=True, eq=False)
class BlockNetwork:
    """Coats, cores and the two walls of a composite, and what joins them, for one kind of charge.

    Current that enters a thin spherical sheet at one contact and leaves it evenly raises the potential at an angle g
    by -ln((1 - cos g)/2) / (4 pi conductivity thickness) (Green's function of the sphere), up to the rim of a contact;
    from there through the contact itself see `_block_network.entry_resistance`. Superposition gives each coat a
    full matrix of resistances between its contacts; inverted, it is a net of resistors.
    """

    contacts: CoatContacts
    conductivity: NDArray[np.float64] = field(metadata={"unit": "S/m", "shape": "(blocks,)", "what": "along the coat"})
    face_resistance: NDArray[np.float64] = field(
        metadata={"unit": "ohm", "shape": "(m,)", "what": "of each face, beyond the matrix of the two coats"}
    )
    inner: NDArray[np.float64] = field(metadata={"unit": "S", "shape": "(blocks,)", "what": "core to coat; 0: none"})
    cores: Resistors = field(metadata={"what": "between cores, or cores and walls (numbers `blocks`, `blocks` + 1)"})

    @classmethod
    def of_coats(
        cls, contacts: CoatContacts, conductivity: float | NDArray[np.float64], between: float = 0.0
    ) -> BlockNetwork:
        """Coats of one conductivity, or one each [S/m], without their cores; a resistance where two meet [ohm m2]."""
        none = np.zeros(len(check_kind("contacts", contacts, CoatContacts).radii))
        along = as_numbers("conductivity", conductivity).astype(np.float64)
        if along.shape not in ((), none.shape) or not np.all(np.isfinite(along) & (along >= 0.0)):
            raise ValueError(
                f"conductivity is one number of 0 S/m or more, or one for each of {none.size} blocks;"
                f" got {conductivity!r}"
            )
        return cls(contacts, none + along, contacts.resistance(between), none, Resistors.none())

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return len(self.contacts.radii)

    def conductance(self) -> float:
        """Between separator and collector [S], exactly 0.0 without a path.

        Raises
        ------
        ConvergenceError
            If the conductances differ by so many orders that the sums of a matrix lose the smaller ones.
        """
        matrix, walls = self._laplacian()
        group = connected_components(matrix, directed=False)[1]
        separator, collector = (group[wall] for wall in walls)
        through = np.intersect1d(separator, collector)
        if through.size == 0:
            return 0.0
        free = np.setdiff1d(np.flatnonzero(np.isin(group, through)), np.concatenate(walls), assume_unique=True)
        potential = np.zeros(matrix.shape[0])
        potential[walls[0]] = 1.0
        return _carried(matrix, free, potential)

    def feeding_resistance(self, volumes: NDArray[np.float64]) -> float:
        """Mean potential of the cores that are joined with the collector, over the current that they draw [ohm].

        Each of them draws current in proportion to its volume, and has that weight in the mean; the collector is at
        0 V, and nothing passes the separator. An even conductor has a third of its resistance from plate to plate.

        Parameters
        ----------
        volumes : array
            Of the cores [m3]: one each.

        Returns
        -------
        float
            Infinite where no core is joined with the collector.

        Raises
        ------
        ValueError
            If there is not one volume above zero for each core.
        ConvergenceError
            If the conductances differ by so many orders that the sums of a matrix lose the smaller ones.
        """
        count = self.blocks
        drawn = as_numbers("volumes", volumes).astype(np.float64)
        if drawn.shape != (count,) or not np.all(np.isfinite(drawn) & (drawn > 0.0)):
            raise ValueError(f"volumes are above zero, one for each of {count} cores; got {volumes!r}")
        inward = ~np.any(self.cores.pairs == count, axis=1)
        cores = Resistors(self.cores.pairs[inward], self.cores.conductance[inward])
        matrix, (_, collector) = replace(self, cores=cores)._laplacian()
        group = connected_components(matrix, directed=False)[1]
        joined = np.isin(group, group[collector])
        first = len(self.contacts.pairs) + count
        drawing = np.zeros(matrix.shape[0])
        drawing[first : first + count] = drawn * joined[first : first + count]
        if not drawing.any():
            return math.inf
        free = np.setdiff1d(np.flatnonzero(joined), collector, assume_unique=True)
        return _fed(matrix, free, drawing / drawing.sum())

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
        in_threads(
            coat_resistors,
            count,
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


def _carried(matrix: sparse.csr_matrix, free: NDArray[np.int64], potential: NDArray[np.float64]) -> float:
    """Current between the walls, whose potentials are given: by conjugate gradients, or directly where they fail."""
    rows = matrix[free]
    system, drive = rows[:, free], -(rows @ potential)
    for solve, lost in ((_iterated, LOST), (_factorised, RESOLVED)):
        potential[free] = solve(system, drive)
        currents = matrix @ potential
        carried = float(potential @ currents)
        if np.abs(currents[free]).sum() <= lost * carried:
            return carried
    raise ConvergenceError(ROUNDED)


def _fed(matrix: sparse.csr_matrix, free: NDArray[np.int64], drawing: NDArray[np.float64]) -> float:
    """Mean potential of the nodes that draw a current of 1 A together, each with the weight of what it draws.

    All nodes that are not free are at 0 V. Current that goes missing at a node changes the mean by its potential.
    """
    rows = matrix[free]
    system, potential = rows[:, free], np.zeros(len(drawing))
    for solve, lost in ((_iterated, LOST), (_factorised, RESOLVED)):
        potential[free] = solve(system, drawing[free])
        mean, currents = float(drawing @ potential), matrix @ potential
        missing = np.abs(currents - drawing)[free]
        leaking = abs(float(currents.sum()))  # on the way between the free nodes and the others
        if mean > 0.0 and leaking + missing.sum() + missing @ np.abs(potential[free]) / mean <= lost:
            return mean
    raise ConvergenceError(ROUNDED)


def _iterated(matrix: sparse.csr_matrix, drive: NDArray[np.float64]) -> NDArray[np.float64]:
    """What conjugate gradients reach, which may be far off where cores and coats differ by many orders."""
    found: NDArray[np.float64] = conjugate_gradients(
        matrix.indptr, matrix.indices, matrix.data, matrix.diagonal(), drive, TOLERANCE, PATIENCE
    )
    return found


def _factorised(matrix: sparse.csr_matrix, drive: NDArray[np.float64]) -> NDArray[np.float64]:
    """The solution, or NaN where rounding has left a matrix that has none."""
    options = {"SymmetricMode": True}
    try:
        factors = splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
    except RuntimeError:  # exactly singular
        return np.full(len(drive), np.nan)
    return np.asarray(factors.solve(drive))
