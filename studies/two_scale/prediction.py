"""The two-scale route: a cathode as a network of blocks, whose coats do what patches of them do."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from microstructure.coats.coat_models import coat_thickness
from microstructure.coats.contact_faces import Seams, lay_seams
from microstructure.coats.outer_face import IDEAL, OuterFace
from microstructure.composite import PERIODIC, core_sizes
from microstructure.cores.sphere_packing import Packing, pack_spheres
from microstructure.errors import StudyError
from microstructure.recipe import Recipe
from percolation.utilisation.bonds import (
    BlockUtilisation,
    Bonds,
    DrawnBonds,
    find_bonds,
    measure_blocks,
    poisson_numbers,
)
from studies.seeding import BLOCKS, stream
from studies.study import Study
from studies.two_scale.patch_library import PatchLibrary
from transport.networks.block_network import THINNEST, BlockNetwork, CoatContacts, Resistors
from transport.networks.sheet import effective_sheet

Floats = NDArray[np.float64]

DRAWS = 16  # of the bonds of one structure
SOLVED = 4  # of them for which electrons are solved
LEAST_SHARE = 1e-9  # of a face: what conducts nothing gets that much of it
VERY_FEW = 1e-6  # share of contacts that is so small that each is alone


@dataclass(frozen=True)
class BlockPrediction:
    """What the two-scale route says about one composite; SI units."""

    utilisation_electronic: float = field(metadata={"unit": "1"})
    utilisation_ionic: float = field(metadata={"unit": "1"})
    utilisation_joint: float = field(metadata={"unit": "1"})
    reachable_area: float = field(metadata={"unit": "1", "what": "share of the core surface that ions reach"})
    area_per_volume: float = field(metadata={"unit": "1/m", "what": "that CAM|SE area over the volume of the cathode"})
    bond_share: float = field(metadata={"unit": "1", "what": "of the faces between blocks, that carbon bridges"})
    composite_electronic: float = field(metadata={"unit": "S/m"})
    electronic_feeding: float = field(
        metadata={"unit": "S/m", "what": "of an even cathode that loses as much from the collector to reached cores"}
    )
    composite_ionic: float = field(metadata={"unit": "S/m"})
    coat: float = field(metadata={"unit": "m", "what": "matrix of a core as an even shell, mean"})
    over_threshold: float = field(metadata={"unit": "1", "what": "carbon content over the threshold along such a coat"})
    porosity: float = field(metadata={"unit": "1", "what": "total"})

    def named(self) -> dict[str, float]:
        """The numbers by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


def lay_blocks(study: Study, recipe: Recipe, rng: np.random.Generator) -> Seams:
    """Pack the cores of a study's cathode for one recipe, and lay its coats on them."""
    porosity = study.composite.total_porosity(recipe)
    packing = pack_blocks(
        recipe,
        porosity=porosity,
        cores=study.cathode.cores,
        thickness=study.cathode.length(recipe, porosity),
        coat=study.composite.coat,
        rng=rng,
    )
    return lay_seams(recipe, packing, coat=study.composite.coat)


def check_cathode(study: Study, recipe: Recipe) -> None:
    """Refuse a cathode whose box is smaller than a core of it, before anything is made.

    Raises
    ------
    StudyError
        If that is so for the cores of any seed.
    """
    porosity = study.composite.total_porosity(recipe)
    length, fraction = study.cathode.length(recipe, porosity), recipe.core_fraction(porosity)
    for seed in range(study.ensemble.seeds):
        diameters = core_sizes(recipe.materials).draw(study.cathode.cores, rng=stream(study, seed, BLOCKS))
        largest, side = float(diameters.max()), _side(diameters, fraction, length)
        for edge, word, remedy in ((length, "thick", "more mass, or thickness"), (side, "wide", "more cores")):
            if edge < largest:
                raise StudyError(
                    f"[cathode]: the cathode of {recipe} is {edge * 1e6:.3g} um {word}, less than its largest core of"
                    f" {largest * 1e6:.3g} um: give it {remedy}"
                )


def _side(diameters: Floats, fraction: float, thickness: float) -> float:
    """Edge of the square face of a box that cores fill to this fraction [m]."""
    return math.sqrt(math.pi / 6.0 * float(np.sum(diameters**3)) / fraction / thickness)


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
    side = _side(diameters, fraction, thickness)
    clearance = coat_thickness(recipe, coat)
    return pack_spheres(diameters, box=(thickness, side, side), periodic=PERIODIC, clearance=clearance, rng=rng)


@dataclass(frozen=True, eq=False)
class Blocks:
    """Coated cores and the matrix of a recipe on them, which does what patches of it do."""

    recipe: Recipe
    seams: Seams
    library: PatchLibrary
    face: OuterFace = IDEAL

    @property
    def content(self) -> float:
        """CB volume fraction of the matrix, pores excluded."""
        return self.recipe.volume_fraction

    @property
    def scale(self) -> float:
        """Conductivity over conductance [1/m]."""
        length, width, depth = self.seams.cores.box.tolist()
        return float(length / (width * depth))

    @cached_property
    def bonds(self) -> Bonds:
        """What may join the blocks."""
        return find_bonds(
            self.seams,
            bridge_rate=self.library.bridge_rate(self.content, self.face.seam_share),
            wall_bridge_rate=self.library.wall_bridge_rate(self.content, self.face.wall_share),
            inner_bridge_rate=self.library.bridge_rate(self.content),
            bare_contact_share=self.recipe.materials["composite.bare_contact_share"],
        )

    @cached_property
    def carrying(self) -> Floats:
        """Share of the contacts at each face that carry: of two blocks, of a block and a wall, all inside a block."""
        shares = np.where(self.seams.walls, self.face.wall_share, self.face.seam_share)
        return np.where(self.seams.parting, shares, 1.0)

    def reach(self, rng: np.random.Generator, ionic_contact_share: float = 0.1) -> BlockUtilisation:
        """What electrons and ions reach, the mean over draws of the bonds."""
        passing = float(self.library.value("bulk_ionic", self.content)) > 0.0
        return measure_blocks(
            self.bonds, ions_pass=passing, ionic_contact_share=ionic_contact_share, draws=DRAWS, rng=rng
        )

    def draw(self, rng: np.random.Generator, draws: int = SOLVED) -> list[DrawnBonds]:
        """Draws of the bonds, to be solved for electrons."""
        return [self.bonds.draw(rng) for _ in range(draws)]

    def predict(self, reached: BlockUtilisation, drawn: list[DrawnBonds]) -> BlockPrediction:
        """What is reached, what is conducted, and what the blocks are."""
        recipe, seams, thickness = self.recipe, self.seams, float(self.seams.thickness.mean())
        electronic, feeding = self._plates_and_feeding(drawn)
        return BlockPrediction(
            utilisation_electronic=reached.electronic,
            utilisation_ionic=reached.ionic,
            utilisation_joint=reached.joint,
            reachable_area=reached.reachable_area,
            area_per_volume=reached.area_per_volume,
            bond_share=reached.bond_share,
            composite_electronic=electronic,
            electronic_feeding=feeding,
            composite_ionic=self.ionic_conductivity(),
            coat=thickness,
            over_threshold=self.content / float(self.library.threshold(thickness)),
            porosity=seams.pores_between + seams.cores.fraction * recipe.matrix_per_core * recipe.coat_porosity,
        )

    def ionic_conductivity(self, *, ideal: bool = False) -> float:
        """Of the composite [S/m]: coats as sheets, with a resistance where two meet, unless contacts are `ideal`."""
        between = 0.0 if ideal else self.recipe.materials["composite.block_resistance_ionic"]
        return BlockNetwork.of_coats(self.contacts, self.ionic_along, between).conductance() * self.scale

    def electronic_conductivity(self, drawn: list[DrawnBonds], *, ideal: bool = False) -> float:
        """Of the composite [S/m], the mean over draws of the bonds; `ideal` as for ions."""
        return float(np.mean([self.electrons(one, ideal=ideal).conductance() for one in drawn])) * self.scale

    def electronic_feeding(self, networks: list[BlockNetwork]) -> float:
        """Conductivity of an even cathode that loses as much between the collector and the cores it feeds [S/m].

        Every core that electrons reach from the collector draws current in proportion to its volume, whether ions reach
        it or not. The loss is the mean over those draws of the bonds, a network of `electrons` each, in which electrons
        reach some core; 0.0 where they reach none in any of them.
        """
        resistances = np.array([network.feeding_resistance(self.seams.cores.shapes.volumes) for network in networks])
        reached = resistances[np.isfinite(resistances)]
        return self.scale / (3.0 * float(reached.mean())) if reached.size else 0.0

    def _plates_and_feeding(self, drawn: list[DrawnBonds]) -> tuple[float, float]:
        """Electronic conductivity from plate to plate, and of the feeding where electrons do not span in every draw."""
        networks = [self.electrons(one) for one in drawn]
        conductances = np.array([network.conductance() for network in networks])
        plates = float(np.mean(conductances)) * self.scale
        return plates, plates if conductances.all() else self.electronic_feeding(networks)

    def electrons(self, drawn: DrawnBonds, *, ideal: bool = False) -> BlockNetwork:
        """Cores joined by bridges and bare contacts, and where carbon percolates along a coat, that coat as a sheet."""
        if ideal and self.all_carry is not self:
            return self.all_carry.electrons(self.all_carry.redrawn(drawn))
        seams, materials = self.seams, self.recipe.materials
        core, along, bridged = materials["cam.electronic_conductivity"], self.electronic_along, self._bridges(drawn)
        between = self.contacts.resistance(self.face.resistance)
        sheets = self._sheet_share(along, bridged)
        bare = Resistors.spots(drawn.bare, seams.cores.count, core, materials["composite.bare_contact_radius"])
        with np.errstate(divide="ignore"):
            bridged = 1.0 / (1.0 / bridged + between / np.maximum(1.0 - sheets, LEAST_SHARE))
        faces = between / np.maximum(sheets, LEAST_SHARE) + self._faces(drawn)
        wires = Resistors(np.concatenate([seams.pairs, bare.pairs]), np.concatenate([bridged, bare.conductance]))
        radii = seams.cores.radii
        inner = 4.0 * np.pi * radii / (1.0 / core + materials["composite.core_carbon_resistance"] / radii)
        return BlockNetwork(self.contacts, along, faces, np.where(along > 0.0, inner, 0.0), wires)

    @cached_property
    def all_carry(self) -> Blocks:
        """The same blocks, all of whose contacts carry ideally."""
        ideal = OuterFace(self.face.protrusion)
        return self if self.face == ideal else replace(self, face=ideal)

    def redrawn(self, drawn: DrawnBonds) -> DrawnBonds:
        """The same draw for these blocks, of bonds that were drawn for others on the same cores."""
        return replace(drawn, bridges=poisson_numbers(drawn.ranks, self.bonds.bridges))

    @cached_property
    def contacts(self) -> CoatContacts:
        """The faces as the networks of sheets want them."""
        seams = self.seams
        return CoatContacts(seams.pairs, seams.areas, seams.normals, seams.thickness, seams.cores.radii, seams.parting)

    @cached_property
    def across(self) -> Floats:
        """Conductance of the carbon that is expected to carry through each face [S].

        Few contacts conduct each on its own; many share the carbon on either side of them, which resists in series.
        """
        together, library = self.across_ideal, self.library
        if self.face.ideal:
            return together
        neck, contacts = self.recipe.materials["cb.neck_conductance"], library.bridge_rate(self.content, VERY_FEW)

        def conductance(height: Floats) -> Floats:
            return contacts(height) / VERY_FEW * library.value("single_bridge", self.content, height)

        with np.errstate(divide="ignore", invalid="ignore"):
            # where carbon is so rare that patches show little, the two scatter
            alone = np.maximum(neck * self.seams.integrate(conductance), together)
            thinned = 1.0 / (1.0 / (self.carrying * alone) + 1.0 / together - 1.0 / alone)
            return np.where(together > 0.0, thinned, 0.0)

    @cached_property
    def across_ideal(self) -> Floats:
        """The same if all contacts carry [S]."""
        return self.recipe.materials["cb.neck_conductance"] * self._over_faces("across_electronic")

    @cached_property
    def expected_contacts(self) -> Floats:
        """Contacts that are expected to carry through each face, float64 (m,)."""
        return self.carrying * self._over_faces("seam_contacts")

    @cached_property
    def feet(self) -> Floats:
        """Conductance of the spreading in the cores below the aggregates of the bridges of each face [S].

        Each bridge has as many aggregates on the cores as where all contacts carry.
        """
        materials = self.recipe.materials
        disc = 4.0 * materials["cam.electronic_conductivity"] * 0.5 * materials["cb.primary_diameter"]
        thinned = 1.0 if self.face.ideal else self.bonds.bridges / np.maximum(self.all_carry.bonds.bridges, 1e-300)
        return np.where(self.seams.walls, 2.0, 1.0) * disc * self._over_faces("across_touches") * thinned

    def _bridges(self, drawn: DrawnBonds) -> Floats:
        """Conductance of the bridges drawn at each face [S].

        As many times that of an expected bridge as were drawn: what their carbon conducts, in series with the spreading
        in the cores below the aggregates that stand on them.
        """
        share = drawn.bridges / np.maximum(self.bonds.bridges, 1e-300)
        with np.errstate(divide="ignore"):
            return np.asarray(share / (1.0 / self.across + 1.0 / self.feet))

    def _sheet_share(self, along: Floats, bridged: Floats) -> Floats:
        """Share of each face through which the coats conduct as sheets; bridges between the cores have the rest.

        Both cross the same face, and the resistance between two blocks belongs to its area: each gets of it as it
        conducts.
        """
        seams = self.seams
        sheet = along * seams.thickness
        first, second = seams.pairs[:, 0], np.where(seams.walls, seams.pairs[:, 0], seams.pairs[:, 1])
        carrying = 0.5 * (sheet[first] + sheet[second])
        return np.asarray(carrying / np.maximum(carrying + bridged, 1e-300))

    def _faces(self, drawn: DrawnBonds) -> Floats:
        """Resistance of carbon between two coats, or a coat and a wall, as sheets [ohm].

        As many contacts carry as are drawn, and the resistance is infinite where none does; where all of them carry,
        they are so many that their mean counts.
        """
        if self.face.ideal:
            return np.divide(1.0, self.across, out=np.zeros_like(self.across), where=self.across > 0.0)
        numbers = poisson_numbers(drawn.ranks, self.expected_contacts)
        share = numbers / np.maximum(self.expected_contacts, 1e-300)
        with np.errstate(divide="ignore"):
            # where there is no carbon the electrolyte may conduct: through a face as through a coat
            return np.where(self.across_ideal > 0.0, 1.0 / (share * self.across), 0.0)

    @cached_property
    def ionic_along(self) -> Floats:
        """Conductivity of each coat for ions [S/m], as if it were as thick all over as on average.

        All of a coat conducts ions: parts of uneven height lie as much between as beside each other.
        """
        sheets = effective_sheet(self._sheet("along_ionic")(self.seams.heights), self.seams.shares)
        return self.recipe.electrolyte_conductivity * sheets / np.maximum(self.seams.thickness, THINNEST)

    @cached_property
    def electronic_along(self) -> Floats:
        """Conductivity of each coat for electrons [S/m], the same.

        Carbon percolates first where a coat is thick: in the gaps between cores, which are connected, so that the
        thinner parts lie beside them and not between.
        """
        materials, sheets = self.recipe.materials, self.seams.mean_over_coat(self._sheet("along_electronic"))
        along = materials["cb.neck_conductance"] * sheets / np.maximum(self.seams.thickness, THINNEST)
        return np.asarray(along + materials["se.electronic_conductivity"])

    def _sheet(self, quantity: str) -> Callable[[Floats], Floats]:
        """Sheet conductance of a coat of this height [m]."""
        return lambda height: height * self.library.value(quantity, self.content, height)

    def _over_faces(self, quantity: str) -> Floats:
        """A quantity per area of seam, integrated over every face."""
        return self.seams.integrate(lambda height: self.library.value(quantity, self.content, height))


def matrix_conductivities(recipe: Recipe, library: PatchLibrary) -> tuple[float, float]:
    """Electronic and ionic conductivity of the bulk matrix, as a pellet shows it [S/m]."""
    content, neck = recipe.volume_fraction, recipe.materials["cb.neck_conductance"]
    electronic, ionic = (float(library.value(f"bulk_{name}", content)) for name in ("electronic", "ionic"))
    return neck * electronic, recipe.electrolyte_conductivity * ionic
