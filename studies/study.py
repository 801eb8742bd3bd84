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
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from microstructure.dispersion import Dispersion
from microstructure.errors import PercoatError, StudyError
from microstructure.materials import UNITS, Materials, known
from microstructure.recipe import Recipe
from microstructure.units import parse_quantity

Gap = Annotated[float, BeforeValidator(lambda value: parse_length(value)), Field(ge=0.0)]
Length = Annotated[float, BeforeValidator(lambda value: parse_length(value)), Field(gt=0.0)]
Mass = Annotated[float, BeforeValidator(lambda value: parse_kind(value, "kg")), Field(gt=0.0)]
SizeMeasure = Literal["extent", "gyration", "hydrodynamic", "projected_area"]
Fit = Literal["reorient", "compress", "cut"]
Case = Literal["core_to_outside", "core_to_core_merged", "core_to_core_seam"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Ensemble(_Part):
    """Independent repetitions."""

    seed: int = Field(default=1, ge=0)
    seeds: int = Field(default=8, ge=2, le=1000)


class Composite(_Part):
    """How cores and coats are built."""

    cores: int = Field(default=100, ge=50, le=100_000)
    thickness: float = Field(default=6.5, ge=5.0, description="in median core diameters")
    state: Literal["pressed", "loose"] = "pressed"
    pores_between_blocks: float | None = Field(default=None, ge=0.0, lt=1.0)
    porosity: float | None = Field(default=None, gt=0.0, lt=1.0)
    coat: Literal["film", "shell"] = "film"
    voxel_size: Length = 100e-9
    ionic_contact_share: float = Field(default=0.1, ge=0.0, le=1.0)

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


class Mixing(_Part):
    """How well aggregates are dispersed."""

    share: float = Field(default=1.0, ge=0.0, le=1.0, description="of the aggregates, that lie independently")
    agglomerate_size: Length = 2e-6
    solid_share: float = Field(default=0.25, gt=0.0, le=1.0)

    @property
    def dispersion(self) -> Dispersion:
        """As the generators take it."""
        return Dispersion(self.share, self.agglomerate_size, self.solid_share)


class CarbonSettings(_Part):
    """How carbon lies in the coats."""

    size_measure: SizeMeasure = "hydrodynamic"
    fit: Fit = "reorient"
    contact_gap: Gap = 0.0
    dispersion: Mixing = Mixing()


class Thresholds(_Part):
    """How the thresholds of bulk and coat are measured."""

    coat_thickness: Length | None = Field(default=None, description="the thickest film of the study, if not given")
    core_diameter: Length | None = Field(default=None, description="the median of the cores, if not given")
    bulk_edge: Length = 2e-6
    coat_width: Length = 4e-6
    runs: int = Field(default=16, ge=8)
    windows: int = Field(default=3, ge=1)
    size_measures: list[SizeMeasure] = ["extent", "gyration", "hydrodynamic", "projected_area"]
    fits: list[Fit] = ["reorient", "compress", "cut"]
    cases: list[Case] = ["core_to_outside", "core_to_core_merged", "core_to_core_seam"]
    contact_gaps: list[Gap] = [0.0]

    @field_validator("size_measures", "fits", "cases", "contact_gaps")
    @classmethod
    def _each_once(cls, values: list[Any]) -> list[Any]:
        if len(set(values)) < len(values):
            raise ValueError("an entry stands twice")
        return values


class Patches(_Part):
    """How much is simulated for the patch library."""

    effort: Literal["full", "quick"] = "full"


class Cathode(_Part):
    """The cathode that the two-scale route builds block by block."""

    mass: Mass = Field(default=15e-6)
    diameter: Length = 10e-3
    thickness: Length | None = Field(default=None, description="that of the mass on the diameter, if not given")
    cores: int = Field(default=1000, ge=50, le=100_000)

    @property
    def area(self) -> float:
        """Of one face [m2]."""
        return 0.25 * math.pi * self.diameter**2

    def length(self, recipe: Recipe, porosity: float) -> float:
        """From separator to collector [m]."""
        if self.thickness is not None:
            return self.thickness
        return self.mass / (self.area * recipe.mixed_density * (1.0 - porosity))


class Matrix(_Part):
    """How the conductivities of the matrix are solved."""

    network_edge: Length = 2e-6
    ion_voxels: int = Field(default=64, ge=16, le=512)
    ion_voxel_size: Length = 20e-9


class Study(_Part):
    """A study file, checked."""

    title: str
    compositions: list[str] = Field(min_length=1)
    ensemble: Ensemble = Ensemble()
    composite: Composite = Composite()
    carbon: CarbonSettings = CarbonSettings()
    thresholds: Thresholds = Thresholds()
    matrix: Matrix = Matrix()
    cathode: Cathode = Cathode()
    patches: Patches = Patches()
    materials: dict[str, Any] = {}
    measured: dict[str, dict[str, Any]] = {}
    fitted: dict[str, str] = {}

    @property
    def constants(self) -> Materials:
        """The material constants, with the study's own in place."""
        return _load_materials(json.dumps(self.materials, sort_keys=True))

    @property
    def recipes(self) -> list[Recipe]:
        """The compositions, parsed."""
        constants = self.constants
        return [Recipe.parse(text, constants) for text in self.compositions]

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


def parse_length(value: object) -> float:
    """A length as text with a unit, in metres."""
    return parse_kind(value, "m")


def parse_kind(value: object, unit: str) -> float:
    """Text with a unit, in an SI unit; pydantic reports a `ValueError` but lets a `TypeError` through."""
    try:
        return parse_quantity(value, unit)
    except TypeError as error:
        raise ValueError(str(error)) from None


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
        raise StudyError(f"[quick] holds tables of settings; got {changes!r}")
    return changes


def parse_study(table: dict[str, Any]) -> Study:
    """Check a study given as nested tables; see `load_study`."""
    try:
        study = Study.model_validate(table)
    except ValidationError as error:
        raise StudyError(sentence(error, Study)) from None
    names = [str(recipe) for recipe in study.recipes]
    if len(set(names)) < len(names):
        raise StudyError(f"a composition stands twice in {study.compositions}")
    _check_boxes(study)
    for recipe in study.recipes:
        try:
            recipe.core_fraction(study.composite.total_porosity(recipe))
        except PercoatError as error:
            raise StudyError(f"[composite]: {error}") from None
    return study


def _check_boxes(study: Study) -> None:
    """A box smaller than two aggregates says nothing about them."""
    least = 2.0 * study.constants["cb.aggregate_diameter"]
    boxes = {"thresholds.bulk_edge": study.thresholds.bulk_edge, "thresholds.coat_width": study.thresholds.coat_width}
    boxes |= {"matrix.network_edge": study.matrix.network_edge}
    boxes |= {"matrix.ion_voxels * ion_voxel_size": study.matrix.ion_voxels * study.matrix.ion_voxel_size}
    for name, edge in boxes.items():
        if edge < least:
            raise StudyError(f"{name} must be two aggregates ({least * 1e9:.0f} nm) or more; got {edge * 1e9:.0f} nm")
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
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise StudyError(f"cannot read the study file {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyError(f"{path} is no valid TOML: {error}") from None


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


def sentence(error: ValidationError, model: type[BaseModel]) -> str:
    """The first complaint in one sentence, with the nearest valid key if one is unknown."""
    # a misspelt key first: it is often why another one is missing
    complaint = min(error.errors(), key=lambda entry: entry["type"] != "extra_forbidden")
    path, where = complaint["loc"], ".".join(str(part) for part in complaint["loc"])
    if complaint["type"] == "extra_forbidden":
        try:
            known(
                str(path[-1]), dict.fromkeys(_fields_at(path[:-1], model)), f"key in [{'.'.join(map(str, path[:-1]))}]"
            )
        except StudyError as unknown:
            return str(unknown).replace(" in []", " in the study")
    if complaint["type"] == "missing":
        return f"the study needs the key '{where}'"
    message = complaint["msg"].removeprefix("Value error, ")
    return f"'{where}' in the study: {message} (got {complaint['input']!r})"


def _fields_at(path: tuple[int | str, ...], top: type[BaseModel]) -> list[str]:
    model: Any = top
    for part in path:
        # below a table of freely named tables stands their model
        model = model.model_fields[part].annotation if hasattr(model, "model_fields") else get_args(model)[1]
    return [*model.model_fields, *(["quick"] if model is top else [])]
