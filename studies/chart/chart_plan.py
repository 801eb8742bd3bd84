"""What a chart of thresholds is made of: aggregates, dispersions, coats, and how many structures of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from microstructure.errors import RecipeError, StudyError
from microstructure.materials import Materials, known
from microstructure.recipe import Recipe
from microstructure.units import shown
from studies.chart.threshold_chart import check_thickness
from studies.settings import (
    CaseName,
    Coat,
    Core,
    Cube,
    Edge,
    FitName,
    Gap,
    Name,
    Number,
    SettingsTable,
    Share,
    SizeMeasureName,
    Tables,
    Whole,
    sentence,
)
from studies.study import Ensemble, Mixing, merged, quick_changes, read_toml

SHIPPED = "coat_chart.toml"
ROUNDING = 1.0 - 1e-9


class AggregateKind(SettingsTable):
    """One kind of aggregate; what is not given is that of the materials."""

    fractal_dimension: Number | None = Field(default=None, gt=1.0, lt=2.5)
    prefactor: Number | None = Field(default=None, gt=0.0, le=10.0)


class Effort(SettingsTable):
    """Independent structures for each seed and condition."""

    bulk_runs: Whole = Field(default=8, ge=1, le=100_000)
    coat_runs: Whole = Field(default=16, ge=1, le=100_000)
    patches: Whole = Field(default=16, ge=1, le=100_000)
    primaries: Whole = Field(default=2_000_000, ge=1, le=10**9)
    bulk_edge: Cube = 4e-6
    coat_width: Edge = 6e-6
    least_window: Edge = 250e-9


class OwnCoats(SettingsTable):
    """Coats of named recipes, for every size measure and contact gap."""

    compositions: list[str] = []
    size_measures: list[SizeMeasureName] = Field(default=["hydrodynamic"], min_length=1)
    contact_gaps: list[Gap] = Field(default=[0.0], min_length=1)


class SingleBlocks(SettingsTable):
    """Single blocks: curved coats."""

    diameters: list[Core] = []
    thicknesses: list[Coat] = []
    runs: Whole = Field(default=8, ge=1, le=100_000)


class ChartPlan(SettingsTable):
    """The plan of a chart, checked."""

    title: str
    core_diameter: Core = 3.3e-6
    ratios: list[Number] = Field(min_length=2, max_length=1000)
    fits: list[FitName] = Field(default=["reorient"], min_length=1)
    cases: list[CaseName] = Field(default=["core_to_core_seam"], min_length=1)
    area_factors: list[Number] = Field(default=[1.0], min_length=1, max_length=1000)
    contents: list[Share] = Field(default=[], max_length=1000)
    up_to: Share = Field(default=0.25, gt=0.0, le=1.0)
    ensemble: Ensemble = Ensemble()
    effort: Effort = Effort()
    structures: dict[Name, AggregateKind] = Field(min_length=1)
    dispersions: dict[Name, Mixing] = Field(min_length=1)
    own_coats: OwnCoats = OwnCoats()
    blocks: SingleBlocks = SingleBlocks()
    materials: Tables = {}

    @property
    def constants(self) -> Materials:
        """The material constants, with the plan's own in place."""
        return Materials.load(self.materials)

    def contact_area(self, thickness: float) -> float:
        """The overlap zone of two touching coats, pi R (t1 + t2) [m2]."""
        return math.pi * 0.5 * self.core_diameter * 2.0 * thickness

    def choose(self, thickness: float | None, asked: Mapping[str, str | None]) -> dict[str, str]:
        """Structure, dispersion and fit that are shown, the first of each where none is asked for.

        Raises
        ------
        StudyError
            If one of them, or a coat of this thickness [m], is not in the plan.
        """
        plans = {"structure": [*self.structures], "dispersion": [*self.dispersions], "fit": [*map(str, self.fits)]}
        for key, names in plans.items():
            name = asked[key]
            if name is not None:
                known(name, dict.fromkeys(names), f"{key} in the plan")
        if thickness is not None:
            size = self.constants["cb.aggregate_diameter"]
            check_thickness(thickness, self.ratios[0] * size, self.ratios[-1] * size, "plan", "give it further ratios")
        return {key: asked[key] or names[0] for key, names in plans.items()}


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
    changes = quick_changes(table)
    if seeds is not None:
        table, changes = (merged(one, {"ensemble": {"seeds": seeds}}) for one in (table, changes))
    full, small = _parse(table), _parse(merged(table, changes))  # both are checked, whichever is made
    return small if quick else full


def _parse(table: dict[str, Any]) -> ChartPlan:
    try:
        plan = ChartPlan.model_validate(table)
    except ValidationError as error:
        raise StudyError(sentence(error, ChartPlan)) from None
    _check(plan)
    _check_names(plan)
    return plan


def _check(plan: ChartPlan) -> None:
    for name, least, most in (("ratios", 1e-3, 1e3), ("area_factors", 1e-3, 1e3), ("contents", 0.0, 1.0)):
        numbers = getattr(plan, name)
        if any(not least <= number <= most or number <= 0 for number in numbers) or sorted(set(numbers)) != numbers:
            raise StudyError(
                f"'{name}' in the plan are positive numbers that rise, {least:g} to {most:g}; got {shown(numbers)}"
            )
    if plan.contents and plan.contents[-1] > plan.up_to:
        raise StudyError(f"'contents' in the plan must not pass up_to = {plan.up_to:g}; got {plan.contents[-1]:g}")
    smallest = 2.0 * plan.constants["cb.aggregate_diameter"]
    for name in ("bulk_edge", "coat_width"):
        if getattr(plan.effort, name) < smallest:
            raise StudyError(f"'effort.{name}' in the plan must be two aggregates ({smallest * 1e9:.0f} nm) or more")
    for composition in plan.own_coats.compositions:
        try:
            Recipe.parse(composition, plan.constants)
        except RecipeError as error:
            raise StudyError(f"'own_coats.compositions' in the plan: {error}") from None


def _check_names(plan: ChartPlan) -> None:
    """Refuse two conditions of one name: the rows of one would take the place of the other's."""
    size = plan.constants["cb.aggregate_diameter"]
    named = {
        "structures and dispersions": [f"{one}-{other}" for one in plan.structures for other in plan.dispersions],
        "ratios": [f"{ratio * size * 1e9:.4g} nm" for ratio in plan.ratios],
        "blocks.thicknesses": [f"{thickness * 1e9:.4g} nm" for thickness in plan.blocks.thicknesses],
        "blocks.diameters": [f"{round(diameter * 1e9)} nm" for diameter in plan.blocks.diameters],
        "own_coats.compositions": list(plan.own_coats.compositions),
    }
    for name, texts in named.items():
        twice = [text for text in texts if texts.count(text) > 1]
        if twice:
            raise StudyError(
                f"'{name}' in the plan hold {shown(twice[0])} twice: leave one out, or set them further apart"
            )
