"""A study file: which compositions, how they are built, how many seeds, and what was measured on them."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from microstructure.arguments import MOST_VOXELS
from microstructure.carbon.dispersion import Dispersion
from microstructure.coats.outer_face import OuterFace
from microstructure.composite import core_sizes
from microstructure.errors import PercoatError, StudyError
from microstructure.materials import UNITS, Materials
from microstructure.recipe import Recipe
from microstructure.units import parse_quantity, shown
from studies.contact_law import CONTACT_LAW, ContactLaw, check_constant
from studies.measured import entry_of, repeated
from studies.settings import (
    DEEPEST,
    CaseName,
    Coat,
    CoatModelName,
    Core,
    Cube,
    Edge,
    FitName,
    Gap,
    Length,
    Mass,
    Number,
    SettingsTable,
    Share,
    SizeMeasureName,
    Tables,
    Whole,
    sentence,
)

MOST_COMPOSITIONS = 2000
COARSEST = 0.2  # voxels, of the median core


class Ensemble(SettingsTable):
    """Independent repetitions."""

    seed: Whole = Field(default=1, ge=0, le=2**63 - 1)
    seeds: Whole = Field(default=8, ge=2, le=1000)


class Composite(SettingsTable):
    """How cores and coats are built."""

    cores: Whole = Field(default=100, ge=50, le=100_000)
    thickness: Number = Field(default=6.5, ge=5.0, le=1000.0, description="in median core diameters, or a length")
    state: Literal["pressed", "loose"] = "pressed"
    pores_between_blocks: Share | None = Field(default=None, ge=0.0, lt=1.0)
    porosity: Share | None = Field(default=None, gt=0.0, lt=1.0)
    coat: CoatModelName = "film"
    voxel_size: Edge = 100e-9
    ionic_contact_share: Share = Field(default=0.1, ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _one_porosity(self) -> Composite:
        if self.porosity is not None and self.pores_between_blocks is not None:
            raise ValueError("give either the total porosity or pores_between_blocks, not both")
        return self

    def total_porosity(self, recipe: Recipe) -> float:
        """Pores inside the matrix and between the blocks, as a share of the volume."""
        if self.porosity is not None:
            return self.porosity
        if self.pores_between_blocks is None and self.state == "loose":
            return recipe.materials["loose.total_porosity"]
        between = recipe.materials["pressed.pores_between_blocks"]
        between = between if self.pores_between_blocks is None else self.pores_between_blocks
        cores = (1.0 - between) / (1.0 + recipe.matrix_per_core)
        if self.pores_between_blocks is None:
            cores = min(cores, recipe.materials["pressed.largest_core_fraction"])
        return 1.0 - cores / recipe.volume_fractions.cam


class Mixing(SettingsTable):
    """How well aggregates are dispersed."""

    share: Share = Field(default=1.0, ge=0.0, le=1.0, description="of the aggregates, that lie independently")
    agglomerate_size: Edge = 2e-6
    solid_share: Share = Field(default=0.25, gt=0.0, le=1.0)

    @property
    def dispersion(self) -> Dispersion:
        """As the generators take it."""
        return Dispersion(self.share, self.agglomerate_size, self.solid_share)


class CarbonSettings(SettingsTable):
    """How carbon lies in the coats."""

    size_measure: SizeMeasureName = "hydrodynamic"
    fit: FitName = "reorient"
    contact_gap: Gap = 0.0
    dispersion: Mixing = Mixing()
    protrusion: Gap | None = Field(default=None, description="out of a coat's outer face; a radius if not given")
    contact_law: ContactLaw = Field(default=CONTACT_LAW, description="of carbon where two blocks meet")


class Thresholds(SettingsTable):
    """How the thresholds of bulk and coat are measured."""

    coat_thickness: Coat | None = Field(default=None, description="the thickest film of the study, if not given")
    core_diameter: Core | None = Field(default=None, description="the median of the cores, if not given")
    bulk_edge: Cube = 2e-6
    coat_width: Edge = 4e-6
    runs: Whole = Field(default=16, ge=8, le=100_000)
    windows: Whole = Field(default=3, ge=1, le=100)
    size_measures: list[SizeMeasureName] = ["extent", "gyration", "hydrodynamic", "projected_area"]
    fits: list[FitName] = ["reorient", "compress", "cut"]
    cases: list[CaseName] = ["core_to_outside", "core_to_core_merged", "core_to_core_seam"]
    contact_gaps: list[Gap] = [0.0]

    @field_validator("size_measures", "fits", "cases", "contact_gaps")
    @classmethod
    def _each_once(cls, values: list[Any]) -> list[Any]:
        if len(set(values)) < len(values):
            raise ValueError("an entry stands twice")
        return values


class Patches(SettingsTable):
    """How much is simulated for the patch library."""

    effort: Literal["full", "quick"] = "full"


class Cathode(SettingsTable):
    """The cathode that the two-scale route builds block by block."""

    mass: Mass = Field(default=15e-6)
    diameter: Length = 10e-3
    thickness: Length | None = Field(default=None, description="that of the mass on the diameter, if not given")
    cores: Whole = Field(default=1000, ge=50, le=100_000)

    @property
    def area(self) -> float:
        """Of one face [m2]."""
        return 0.25 * math.pi * self.diameter**2

    def length(self, recipe: Recipe, porosity: float) -> float:
        """From separator to collector [m]."""
        if self.thickness is not None:
            return self.thickness
        return self.mass / (self.area * recipe.mixed_density * (1.0 - porosity))


class Matrix(SettingsTable):
    """How the conductivities of the matrix are solved."""

    network_edge: Cube = 2e-6
    ion_voxels: Whole = Field(default=64, ge=16, le=512)
    ion_voxel_size: Edge = 20e-9


class Study(SettingsTable):
    """A study file, checked."""

    title: str
    compositions: list[str] = Field(min_length=1, max_length=MOST_COMPOSITIONS)
    ensemble: Ensemble = Ensemble()
    composite: Composite = Composite()
    carbon: CarbonSettings = CarbonSettings()
    thresholds: Thresholds = Thresholds()
    matrix: Matrix = Matrix()
    cathode: Cathode = Cathode()
    patches: Patches = Patches()
    materials: Tables = {}
    measured: dict[str, dict[str, Any]] = {}
    fitted: dict[str, str] = {}

    @property
    def constants(self) -> Materials:
        """The material constants, with the study's own in place."""
        return _load_materials(json.dumps(self.materials, sort_keys=True))

    @property
    def outer_face(self) -> OuterFace:
        """How far carbon stands out of the coats, and which of its contacts between blocks carry."""
        constants, carbon = self.constants, self.carbon
        if carbon.contact_law == "resistance":  # all of them, through a resistance that belongs to the face
            return OuterFace(carbon.protrusion, resistance=constants["composite.block_resistance_electronic"])
        if carbon.contact_law == "share":
            shares = constants["coat.carrying_share"], constants["coat.wall_carrying_share"]
            return OuterFace(carbon.protrusion, *shares)
        skin, reach = constants["coat.skin_thickness"], constants["coat.tunnelling_range"]
        return OuterFace.with_skin(skin, tunnelling_range=reach, protrusion=carbon.protrusion)

    @property
    def recipes(self) -> list[Recipe]:
        """The compositions, parsed."""
        constants = self.constants
        return [Recipe.parse(text, constants) for text in self.compositions]

    def measured_entry(self, quantity: str, composition: str) -> Any:
        """What was measured of a composition, alone or together with others, as it is written; None if nothing was."""
        return entry_of(self.measured.get(quantity, {}), composition)

    @property
    def coat_thickness(self) -> float:
        """Thickness of the coat whose thresholds are measured [m]: as set, else the thickest pore-free film."""
        given = self.thresholds.coat_thickness
        return max(recipe.film_thickness() for recipe in self.recipes) if given is None else given

    @property
    def contact_area(self) -> float:
        """The overlap zone of two touching coats, pi R (t1 + t2) [m2]."""
        given = self.thresholds.core_diameter
        diameter = self.constants["cam.median_diameter"] if given is None else given
        return math.pi * 0.5 * diameter * 2.0 * self.coat_thickness


def with_constants(study: Study, values: Mapping[str, float]) -> Study:
    """The study with some constants replaced, given in SI units."""
    materials = {group: dict(constants) for group, constants in study.materials.items()}
    for name, value in values.items():
        group, key = name.split(".")
        unit = UNITS[key]
        materials.setdefault(group, {})[key] = value if unit == "1" else f"{value!r} {unit}"
    return study.model_copy(update={"materials": materials})


@lru_cache(maxsize=8)
def _load_materials(overrides: str) -> Materials:
    """Parsing forty quantities takes milliseconds, and every task asks often."""
    return Materials.load(json.loads(overrides))


def load_study(name: str, *, quick: bool = False, seeds: int | None = None) -> Study:
    """Read a study by the name of a shipped one or by the path of a file.

    Parameters
    ----------
    name : str
        "kissel2026", or a path that ends in ".toml".
    quick : bool
        Apply the file's [quick] tables.
    seeds : int, optional
        Replaces the file's number of seeds.

    Raises
    ------
    StudyError
        If there is no such study, or anything in it is unknown, missing or out of range.
    """
    table = read_study(name)
    table.pop("screen", None)  # what percoat screen does with it is no setting of the study
    changes = quick_changes(table)
    if seeds is not None:
        table, changes = (merged(one, {"ensemble": {"seeds": seeds}}) for one in (table, changes))
    full, small = parse_study(table), parse_study(merged(table, changes))  # both are checked, whichever is run
    return small if quick else full


def quick_changes(table: dict[str, Any]) -> dict[str, Any]:
    """Take the [quick] tables out of a study's."""
    changes = table.pop("quick", {})
    if not isinstance(changes, dict):
        raise StudyError(f"[quick] holds tables of settings; got {shown(changes)}")
    return changes


def parse_study(table: dict[str, Any]) -> Study:
    """Check a study given as nested tables; see `load_study`."""
    try:
        study = Study.model_validate(_in_core_diameters(table))
    except ValidationError as error:
        raise StudyError(sentence(error, Study)) from None
    names = [str(recipe) for recipe in study.recipes]
    if len(set(names)) < len(names):
        raise StudyError(f"a composition stands twice in {study.compositions}")
    for quantity, entries in study.measured.items():
        if (twice := repeated(entries)) is not None:
            raise StudyError(f"[measured.{quantity}]: '{twice}' stands twice; name it once, alone or with others")
    _check_boxes(study)
    for group, constants in study.materials.items():
        for key in constants:
            check_constant(f"{group}.{key}", study.carbon.contact_law, f"[materials.{group}]")
    for parameter in study.fitted.values():
        check_constant(parameter, study.carbon.contact_law, "[fitted]")
    for recipe in study.recipes:
        try:
            fraction = recipe.core_fraction(study.composite.total_porosity(recipe))
        except PercoatError as error:
            raise StudyError(f"[composite]: {error}") from None
        volume = study.composite.cores * core_sizes(study.constants).mean_volume() / fraction
        if volume / study.composite.voxel_size**3 > MOST_VOXELS:
            raise StudyError(
                f"[composite]: {study.composite.cores} cores in voxels of {study.composite.voxel_size * 1e9:.4g} nm are"
                f" more than {MOST_VOXELS:.2g} voxels: take larger ones or fewer cores"
            )
    return study


def _in_core_diameters(table: dict[str, Any]) -> dict[str, Any]:
    """The table with a thickness of the composite that is a length put as a multiple of the median core."""
    composite, materials = table.get("composite"), table.get("materials", {})
    given = composite.get("thickness") if isinstance(composite, dict) else None
    if not isinstance(given, str) or not isinstance(materials, dict):
        return table
    try:
        length = parse_quantity(given, "m")
    except ValueError as error:
        raise StudyError(
            "'composite.thickness' in the study: a number of median core diameters without quotes, or a length such as"
            f" '30 um', is wanted; {error}"
        ) from None
    return merged(table, {"composite": {"thickness": length / Materials.load(materials)["cam.median_diameter"]}})


def _check_boxes(study: Study) -> None:
    """A box smaller than two aggregates says nothing about them."""
    least = 2.0 * study.constants["cb.aggregate_diameter"]
    boxes = {"thresholds.bulk_edge": study.thresholds.bulk_edge, "thresholds.coat_width": study.thresholds.coat_width}
    boxes |= {"matrix.network_edge": study.matrix.network_edge}
    boxes |= {"matrix.ion_voxels * ion_voxel_size": study.matrix.ion_voxels * study.matrix.ion_voxel_size}
    for name, edge in boxes.items():
        if edge < least:
            raise StudyError(f"{name} must be two aggregates ({least * 1e9:.0f} nm) or more; got {edge * 1e9:.0f} nm")
    voxel, median = study.composite.voxel_size, study.constants["cam.median_diameter"]
    if voxel > COARSEST * median:
        raise StudyError(
            f"composite.voxel_size is a fifth of the median core ({COARSEST * median * 1e9:.0f} nm) at most; got"
            f" {voxel * 1e9:.4g} nm"
        )
    if study.matrix.ion_voxel_size > study.constants["cb.primary_diameter"]:
        raise StudyError("matrix.ion_voxel_size must not be larger than a primary of the carbon")


def read_study(name: str) -> dict[str, Any]:
    path = Path(name)
    if path.suffix != ".toml":
        shipped = resources.files("studies").joinpath(f"{name}.toml")
        if name not in shipped_studies():
            raise StudyError(f"no study '{name}': shipped are {', '.join(shipped_studies())}; or give a .toml file")
        return read_toml(shipped)
    return read_toml(path)


def read_toml(path: Traversable | Path) -> dict[str, Any]:
    """The tables of a file; a StudyError if there is none or it is no TOML."""
    try:
        table = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise StudyError(f"cannot read the study file {path}: {error.strerror}") from None
    except RecursionError:
        raise StudyError(f"{path} is no valid TOML: its lists and tables go too deep") from None
    except ValueError as error:  # no TOML, no UTF-8, or a number of thousands of digits
        raise StudyError(f"{path} is no valid TOML: {error}") from None
    _check_depth(table, path)
    return table


def _check_depth(table: dict[str, Any], path: Traversable | Path) -> None:
    """Refuse tables that are too deep to be walked through; dotted keys have no limit."""
    level: list[Any] = [table]
    for _ in range(DEEPEST):
        values = [one.values() if isinstance(one, dict) else one for one in level]
        level = [one for several in values for one in several if isinstance(one, (dict, list))]
    if level:
        raise StudyError(f"{path}: lists and tables go {DEEPEST} deep at most")


def shipped_studies() -> list[str]:
    """Names of the studies that come with percoat."""
    files = [file for file in resources.files("studies").iterdir() if file.name.endswith(".toml")]
    # a fitted set is a file of another kind
    return sorted(file.name.removesuffix(".toml") for file in files if "compositions" in read_toml(file))


def merged(table: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Nested tables with the changes in place."""
    changed = dict(table)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(changed.get(key), dict)
        changed[key] = merged(changed[key], value) if both else value
    return changed
