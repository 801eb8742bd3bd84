"""The two-scale route: a cathode as a network of blocks, whose coats do what patches of them do."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields

import numpy as np

from microstructure.coats import coat_thickness
from microstructure.composite import PERIODIC, core_sizes
from microstructure.materials import Materials
from microstructure.packing import Packing, pack_spheres
from microstructure.recipe import Recipe
from microstructure.seams import Seams, lay_seams
from percolation.bonds import Bonds, DrawnBonds, find_bonds, measure_blocks
from studies.patches.library import PatchLibrary
from transport.blocks import BlockNetwork
from transport.sheets import CoatContacts, Resistors

SOLVED = 4  # draws of the bonds for which electrons are solved


@dataclass(frozen=True)
class BlockPrediction:
    """What the two-scale route says about one composite; SI units."""

    utilisation_electronic: float = field(metadata={"unit": "1"})
    utilisation_ionic: float = field(metadata={"unit": "1"})
    utilisation_joint: float = field(metadata={"unit": "1"})
    reachable_area: float = field(metadata={"unit": "1", "what": "share of the core surface that ions reach"})
    area_per_volume: float = field(metadata={"unit": "1/m", "what": "that CAM|SE area over the volume of the cathode"})
    bond_share: float = field(metadata={"unit": "1", "what": "of the faces between blocks, that carbon bridges"})
    electronic: float = field(metadata={"unit": "S/m"})
    ionic: float = field(metadata={"unit": "S/m"})
    coat: float = field(metadata={"unit": "m", "what": "matrix of a core as an even shell, mean"})
    over_threshold: float = field(metadata={"unit": "1", "what": "carbon content over the threshold along such a coat"})
    porosity: float = field(metadata={"unit": "1", "what": "total"})

    def named(self) -> dict[str, float]:
        """The numbers by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


def pack_blocks(
    recipe: Recipe, *, porosity: float, cores: int, thickness: float, coat: str = "film", rng: np.random.Generator
) -> Packing:
    """Pack cores between two walls, for a composite of this total porosity.

    Parameters
    ----------
    recipe : Recipe
    porosity : float
    cores : int
    thickness : float
        From separator to collector [m].
    coat : {"film", "shell"}
    """
    diameters = core_sizes(recipe.materials).draw(cores, rng=rng)
    fraction = recipe.core_fraction(porosity)
    volume = math.pi / 6.0 * float(np.sum(diameters**3)) / fraction
    side = math.sqrt(volume / thickness)
    clearance = coat_thickness(recipe, coat)
    return pack_spheres(diameters, box=(thickness, side, side), periodic=PERIODIC, clearance=clearance, rng=rng)


def predict_blocks(
    recipe: Recipe,
    packing: Packing,
    library: PatchLibrary,
    *,
    coat: str = "film",
    ionic_contact_share: float = 0.1,
    draws: int = 16,
    rng: np.random.Generator,
) -> BlockPrediction:
    """Lay coats on packed cores, bond them, and measure what is reached and what is conducted.

    Parameters
    ----------
    recipe : Recipe
        With the constants of its materials.
    packing : Packing
        Cores between two walls.
    library : PatchLibrary
        For the carbon of the recipe.
    draws : int
        How often bridges and bare contacts are drawn.

    Raises
    ------
    StudyError
        If the carbon content is beyond the library's.
    """
    materials, content = recipe.materials, recipe.volume_fraction
    seams = lay_seams(recipe, packing, coat=coat)
    bonds = find_bonds(
        seams,
        bridge_rate=library.bridge_rate(content),
        wall_bridge_rate=library.wall_bridge_rate(content),
        bare_contact_share=materials["composite.bare_contact_share"],
    )
    matrix = Matrix(recipe, library)
    ions = matrix.ions(seams)
    reached = measure_blocks(
        bonds, ions_pass=bool(ions.max() > 0.0), ionic_contact_share=ionic_contact_share, draws=draws, rng=rng
    )
    scale = float(packing.box[0] / (packing.box[1] * packing.box[2]))
    electrons = [matrix.electrons(bonds, bonds.draw(rng)).conductance() for _ in range(min(SOLVED, draws))]
    thickness = float(seams.thickness.mean())
    return BlockPrediction(
        utilisation_electronic=reached.electronic,
        utilisation_ionic=reached.ionic,
        utilisation_joint=reached.joint,
        reachable_area=reached.reachable_area,
        area_per_volume=reached.area_per_volume,
        bond_share=reached.bond_share,
        electronic=float(np.mean(electrons)) * scale,
        ionic=matrix.ion_network(seams, ions).conductance() * scale,
        coat=thickness,
        over_threshold=content / float(library.threshold(thickness)),
        porosity=seams.pores_between + packing.fraction * recipe.matrix_per_core * recipe.matrix_porosity,
    )


@dataclass(frozen=True)
class Matrix:
    """What the matrix of a recipe conducts, in coats of any thickness."""

    recipe: Recipe
    library: PatchLibrary

    @property
    def materials(self) -> Materials:
        """The constants of the recipe."""
        return self.recipe.materials

    def ions(self, seams: Seams) -> np.ndarray:
        """Ionic conductivity along each coat [S/m], float64 (cores,)."""
        along = self.library.value("along_ionic", self.recipe.volume_fraction, seams.thickness)
        return along * electrolyte_conductivity(self.recipe)

    def ion_network(self, seams: Seams, along: np.ndarray) -> BlockNetwork:
        """The coats as sheets, and the ionic resistance between two blocks."""
        faces = self.materials["composite.block_resistance_ionic"] * seams.parting / seams.areas
        return BlockNetwork(coat_contacts(seams), along, faces, np.zeros(seams.cores.count), Resistors.none())

    def electrons(self, bonds: Bonds, drawn: DrawnBonds) -> BlockNetwork:
        """Cores joined by bridges and bare contacts, and where carbon percolates along a coat, that coat as a sheet."""
        seams, materials, content = bonds.seams, self.materials, self.recipe.volume_fraction
        neck, core = materials["cb.neck_conductance"], materials["cam.electronic_conductivity"]
        along = neck * self.library.value("along_electronic", content, seams.thickness)
        along = along + materials["se.electronic_conductivity"]
        across = neck * seams.integrate(lambda height: self.library.value("across_electronic", content, height))
        between = materials["composite.block_resistance_electronic"] * seams.parting / seams.areas
        bridged = _bridges(bonds, drawn, across, between, 4.0 * core * 0.5 * materials["cb.primary_diameter"])
        to_wall = drawn.bare[:, 1] >= seams.cores.count
        bare = np.where(to_wall, 4.0, 2.0) * core * materials["composite.bare_contact_radius"]
        wires = Resistors(np.concatenate([seams.pairs, drawn.bare]), np.concatenate([bridged, bare]))
        with np.errstate(divide="ignore"):
            faces = between + np.where(across > 0.0, 1.0 / across, 0.0)
        radii = seams.cores.radii
        inner = 4.0 * np.pi * radii / (1.0 / core + materials["composite.core_carbon_resistance"] / radii)
        return BlockNetwork(coat_contacts(seams), along, faces, np.where(along > 0.0, inner, 0.0), wires)


def _bridges(bonds: Bonds, drawn: DrawnBonds, across: np.ndarray, between: np.ndarray, spreading: float) -> np.ndarray:
    """Conductance of the bridges drawn at each face [S]: their share of what carbon conducts there, in series with the
    spreading in the cores below (and above) each one, and with the resistance between the blocks."""
    count = drawn.bridges
    each = across / np.maximum(bonds.bridges, 1e-300)
    ends = np.where(bonds.seams.walls, 1.0, 2.0) / spreading
    with np.errstate(divide="ignore"):
        resistance = (1.0 / np.maximum(each, 1e-300) + ends) / np.maximum(count, 1) + between
    return np.where((count > 0) & (each > 0.0), 1.0 / resistance, 0.0)


def coat_contacts(seams: Seams) -> CoatContacts:
    """The faces of a packing as the networks of sheets want them."""
    return CoatContacts(seams.pairs, seams.areas, seams.normals, seams.thickness, seams.cores.radii, seams.parting)


def electrolyte_conductivity(recipe: Recipe) -> float:
    """Conductivity of the electrolyte between its pores and carbon [S/m]: what contacts of its grains leave of it."""
    return recipe.materials["se.ionic_conductivity"]
