"""Conductivity of a composite from its contact network: cores and coats are nodes, contacts are resistors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from microstructure.seams import face_normals
from microstructure.structure import Phase, Structure
from percolation.utilisation import BareContacts
from transport.blocks import BlockNetwork, CoatContacts, Resistors


@dataclass(frozen=True)
class ContactLaw:
    """What the contact network conducts with; SI units."""

    electronic: float = field(metadata={"unit": "S/m", "what": "matrix, electrons"})
    ionic: float = field(metadata={"unit": "S/m", "what": "matrix, ions"})
    core: float = field(metadata={"unit": "S/m", "what": "active material, electrons"})
    bare_radius: float = field(metadata={"unit": "m", "what": "of a bare core-core contact"})
    core_carbon: float = field(default=0.0, metadata={"unit": "ohm m2", "what": "between a core and its coat"})
    block_electronic: float = field(default=0.0, metadata={"unit": "ohm m2", "what": "between two coats"})
    block_ionic: float = field(default=0.0, metadata={"unit": "ohm m2", "what": "between two coats"})


@dataclass(frozen=True)
class CompositeConductivity:
    """Effective conductivities of a composite between its plates, along axis 0."""

    electronic: float = field(metadata={"unit": "S/m"})
    ionic: float = field(metadata={"unit": "S/m"})
    contacts: int = field(metadata={"unit": "1", "what": "contacts between coats, walls included"})


def composite_conductivity(structure: Structure, law: ContactLaw, bare: BareContacts) -> CompositeConductivity:
    """Solve the contact networks of electrons and ions of one composite between two plates.

    A block is not a point: a coat is a spherical sheet, and its contacts share it. Between two coats lie the matrix up
    to the face where they meet, and the resistance of that face. A core and its coat are joined by the core's own
    spreading and the core-carbon resistance, two cores by their bare contact (Holm).

    Parameters
    ----------
    structure : Structure
        A composite with cores, coats and block ids.
    law : ContactLaw
    bare : BareContacts
        Which cores touch, as `percolation.utilisation.find_bare_contacts` draws them.

    Returns
    -------
    CompositeConductivity
        Exactly 0.0 where there is no path.

    Raises
    ------
    ValueError
        If the structure has no cores or block ids.

    Examples
    --------
    >>> from microstructure import Recipe, build_composite
    >>> from percolation import find_bare_contacts
    >>> rng = np.random.default_rng(1)
    >>> cell = build_composite(Recipe.parse("80:20:0"), porosity=0.2, box=(8e-6,) * 3, voxel_size=125e-9, rng=rng)
    >>> law = ContactLaw(electronic=0.0, ionic=0.07, core=0.1, bare_radius=1e-7)
    >>> composite_conductivity(cell, law, find_bare_contacts(cell, share=0.0, rng=rng)).electronic
    0.0

    References
    ----------
    R. Holm, Electric Contacts, 4th ed. (Springer, 1967): spreading resistance 1/(4 sigma a) on each side.
    """
    return mean_composite_conductivity(structure, law, [bare])


def mean_composite_conductivity(
    structure: Structure, law: ContactLaw, draws: Sequence[BareContacts]
) -> CompositeConductivity:
    """The mean over several draws of the bare contacts: they change the electrons' network alone."""
    contacts = find_coat_contacts(structure)
    scale = structure.box[0] / (structure.box[1] * structure.box[2])
    ions = BlockNetwork.of_coats(contacts, law.ionic, law.block_ionic).conductance()
    electrons = [_electrons(contacts, law, bare).conductance() for bare in draws]
    return CompositeConductivity(float(np.mean(electrons)) * scale, ions * scale, len(contacts.pairs))


def find_coat_contacts(structure: Structure) -> CoatContacts:
    """Count the faces between matrix voxels of different blocks, each area freed of its voxel staircase.

    The sheets of faceted cores are those of spheres of equal volume; their contacts have the true areas and normals.
    """
    parts, voxel, matrix = structure.parts, structure.voxel_size, structure.labels == Phase.MATRIX
    owner = np.where(matrix, parts.owners, -1).astype(np.int64)
    count = parts.cores.count
    codes = [_face_codes(owner, axis, structure.periodic[axis], count) for axis in range(3)]
    pairs_code, faces = np.unique(np.concatenate(codes), return_counts=True)
    pairs = np.stack([pairs_code // (count + 2), pairs_code % (count + 2)], axis=1)
    normals = face_normals(parts.cores, pairs)
    areas = faces * voxel**2 / np.abs(normals).sum(axis=1)
    volumes = np.bincount(owner[matrix & (owner >= 0)], minlength=count) * voxel**3
    radii = 0.5 * parts.cores.diameters
    thickness = radii * np.expm1(np.log1p(volumes / (4.0 / 3.0 * np.pi * radii**3)) / 3.0)
    block = np.append(parts.cores.block, [-1, -2])
    parting = block[pairs[:, 0]] != block[pairs[:, 1]]
    return CoatContacts(pairs, areas, normals, thickness, radii, parting)


def _electrons(contacts: CoatContacts, law: ContactLaw, bare: BareContacts) -> BlockNetwork:
    """Coats joined to their cores, where they conduct, and cores to cores and walls by their bare contacts."""
    radii, none = contacts.radii, np.zeros(len(contacts.radii))
    to_wall = bare.pairs[:, 1] >= len(radii)
    spreading = np.where(to_wall, 4.0, 2.0) * law.core * law.bare_radius
    inner = 4.0 * np.pi * radii / (1.0 / law.core + law.core_carbon / radii) if law.electronic > 0.0 else none
    faces = contacts.resistance(law.block_electronic)
    return BlockNetwork(contacts, none + law.electronic, faces, inner, Resistors(bare.pairs, spreading))


def _face_codes(owner: NDArray[np.int64], axis: int, periodic: bool, count: int) -> NDArray[np.int64]:
    """One code i (count + 2) + j, i < j, for each voxel face between two blocks, or a block and a wall."""
    stacked = np.moveaxis(owner, axis, 0)
    below, above = (stacked, np.roll(stacked, -1, 0)) if periodic else (stacked[:-1], stacked[1:])
    between = (below >= 0) & (above >= 0) & (below != above)
    low, high = np.minimum(below, above)[between], np.maximum(below, above)[between]
    codes = [low * (count + 2) + high]
    if axis == 0 and not periodic:
        for end, wall in ((0, count), (-1, count + 1)):
            touching = stacked[end][stacked[end] >= 0]
            codes.append(touching * (count + 2) + wall)
    return np.concatenate(codes)
