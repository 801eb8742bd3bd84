"""What a chart of thresholds is made of: aggregates, dispersions, coats, and how many structures of each."""

from __future__ import annotations

import math
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from microstructure.errors import StudyError
from microstructure.materials import Materials
from studies.study import Case, Ensemble, Fit, Gap, Length, Mixing, SizeMeasure, merged, read_toml, sentence

SHIPPED = "coat_chart.toml"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Structure(_Part):
    """One kind of aggregate; what is not given is that of the materials."""

    fractal_dimension: float | None = Field(default=None, gt=1.0, lt=2.5)
    prefactor: float | None = Field(default=None, gt=0.0)


class Effort(_Part):
    """Independent structures for each seed and condition."""

    bulk_runs: int = Field(default=8, ge=1)
    coat_runs: int = Field(default=16, ge=1)
    patches: int = Field(default=16, ge=1)
    primaries: int = Field(default=2_000_000, ge=1)
    bulk_edge: Length = 4e-6
    coat_width: Length = 6e-6
    least_window: Length = 250e-9


class OwnCoats(_Part):
    """Coats of named recipes, for every size measure and contact gap."""

    compositions: list[str] = []
    size_measures: list[SizeMeasure] = ["hydrodynamic"]
    contact_gaps: list[Gap] = [0.0]


class Blocks(_Part):
    """Single blocks: curved coats."""

    diameters: list[Length] = []
    thicknesses: list[Length] = []
    runs: int = Field(default=8, ge=1)


class ChartPlan(_Part):
    """The plan of a chart, checked."""

    title: str
    core_diameter: Length = 3.3e-6
    ratios: list[float] = Field(min_length=2)
    fits: list[Fit] = ["reorient"]
    cases: list[Case] = ["core_to_core_seam"]
    area_factors: list[float] = [1.0]
    contents: list[float] = []
    up_to: float = Field(default=0.25, gt=0.0, le=1.0)
    ensemble: Ensemble = Ensemble()
    effort: Effort = Effort()
    structures: dict[str, Structure] = Field(min_length=1)
    dispersions: dict[str, Mixing] = Field(min_length=1)
    own_coats: OwnCoats = OwnCoats()
    blocks: Blocks = Blocks()
    materials: dict[str, Any] = {}

    @property
    def constants(self) -> Materials:
        """The material constants, with the plan's own in place."""
        return Materials.load(self.materials)

    def contact_area(self, thickness: float) -> float:
        """The overlap zone of two touching coats, pi R (t1 + t2) [m2]."""
        return math.pi * 0.5 * self.core_diameter * 2.0 * thickness


def load_plan(path: Path | None = None, *, quick: bool = False, seeds: int | None = None) -> ChartPlan:
    """Read the shipped plan, or one's own.

    Parameters
    ----------
    path : Path, optional
        Of a .toml file; the shipped plan if not given.
    quick : bool
        Apply the file's [quick] tables.
    seeds : int, optional
        Replaces the file's number of seeds.

    Raises
    ------
    StudyError
        If there is no such file, or anything in it is unknown, missing or out of range.
    """
    table = read_toml(resources.files("studies.chart").joinpath(SHIPPED) if path is None else path)
    changes = table.pop("quick", {})
    table = merged(table, changes) if quick else table
    table = table if seeds is None else merged(table, {"ensemble": {"seeds": seeds}})
    try:
        plan = ChartPlan.model_validate(table)
    except ValidationError as error:
        raise StudyError(sentence(error, ChartPlan)) from None
    _check(plan)
    return plan


def _check(plan: ChartPlan) -> None:
    for name in ("ratios", "area_factors", "contents"):
        numbers = getattr(plan, name)
        if any(number <= 0 for number in numbers) or sorted(set(numbers)) != numbers:
            raise StudyError(f"'{name}' in the plan are positive numbers that rise; got {numbers}")
    if plan.contents and plan.contents[-1] > plan.up_to:
        raise StudyError(f"'contents' in the plan must not pass up_to = {plan.up_to:g}; got {plan.contents[-1]:g}")
    least = 2.0 * plan.constants["cb.aggregate_diameter"]
    for name in ("bulk_edge", "coat_width"):
        if getattr(plan.effort, name) < least:
            raise StudyError(f"'effort.{name}' in the plan must be two aggregates ({least * 1e9:.0f} nm) or more")
