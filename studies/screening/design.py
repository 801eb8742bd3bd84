"""What is screened: compositions and whatever else is varied, as a list, a grid or a space-filling design."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, ValidationError, field_validator
from scipy.stats import qmc

from microstructure.errors import StudyError
from microstructure.materials import UNITS, known
from microstructure.recipe import Recipe
from microstructure.units import parse_quantity, shown
from studies.contact_law import check_constant
from studies.quantities import check_values
from studies.settings import Number, SettingsTable, Whole, parse_kind, sentence
from studies.study import Study, merged, parse_study, quick_changes, read_study
from studies.two_scale.prediction import check_cathode

# what may be varied beside the material constants, and its unit
SETTINGS = {
    "carbon.dispersion": "1",
    "composite.pores_between_blocks": "1",
    "composite.porosity": "1",
    "cathode.thickness": "m",
    "cathode.mass": "kg",
}
MOST = 2000  # candidates
SLOWEST, FASTEST = 1e-6, 1e6  # C-rates
SMALLEST_SHARE = 1e-6  # of contacts that carry


def _level(value: object) -> object:
    """A value to be varied: text, or a number."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("a value is a number, or text with a unit such as '2 um'")
    return parse_kind(value, "1")


Level = Annotated[str | float, BeforeValidator(_level)]
ROUNDING = 1.0 + 1e-9


class Screen(SettingsTable):
    """The [screen] table of a study: what is varied, and what counts as good."""

    cam_to_se: list[str] = Field(default=[], max_length=MOST, description='weights such as "80:20"')
    x: list[Number] = Field(default=[], max_length=MOST, description="weights of carbon for each CAM:SE")
    vary: dict[str, list[Level]] = {}
    samples: Whole = Field(
        default=0, ge=0, le=MOST, description="points of a space-filling design in place of the grid"
    )
    rates: list[Number] = Field(default=[0.1, 1.0], min_length=1, max_length=100, description="C-rates")
    merit: Number = Field(default=1.0, description="the C-rate whose capacity ranks the candidates")
    goal: Literal["utilisation_joint", "utilisation_electronic", "composite_electronic", "composite_ionic"] = (
        "utilisation_joint"
    )
    least: Level = Field(default=0.9, description="of the goal: how little carbon suffices?")
    carrying: tuple[Level, Level] = Field(
        default=("0.05 %", "1 %"),
        description="lowest and highest credible share of the contacts between blocks that carry: the first candidates"
        " are predicted again at both",
    )

    @property
    def wanted(self) -> float:
        """What is wanted of the goal, in SI units: a share of 1 at most, or a conductivity."""
        share = not self.goal.startswith("composite")
        wanted = parse_quantity(self.least, "1" if share else "S/m")
        if wanted < 0.0 or (share and wanted > 1.0):
            raise ValueError(f"a {'share is 0 to 100 %' if share else 'conductivity is 0 or more'}; got {self.least!r}")
        return wanted

    @property
    def credible_shares(self) -> tuple[float, float]:
        """The ends of `carrying`."""
        low, high = (parse_quantity(share, "1") for share in self.carrying)
        if not SMALLEST_SHARE <= low < high <= 1.0:
            raise ValueError(f"two shares that rise, {SMALLEST_SHARE:g} to 1, are wanted; got {self.carrying!r}")
        return low, high

    @field_validator("rates")
    @classmethod
    def _positive(cls, rates: list[float]) -> list[float]:
        if min(rates) < SLOWEST or max(rates) > FASTEST or len(set(rates)) < len(rates):
            raise ValueError(f"C-rates are positive, {SLOWEST:g} to {FASTEST:g}, and stand once; got {shown(rates)}")
        return rates


@dataclass(frozen=True)
class Candidate:
    """One composition under one choice of what is varied."""

    study: Study = field(repr=False)
    composition: str
    setting: str = field(metadata={"what": "what is varied beside the composition, as text"})

    @property
    def name(self) -> str:
        """Composition, and setting if there is one."""
        return f"{self.composition}, {self.setting}" if self.setting else self.composition

    @property
    def recipe(self) -> Recipe:
        """The composition with the constants of the candidate."""
        return Recipe.parse(self.composition, self.study.constants)


@dataclass(frozen=True)
class ScreenPlan:
    """A study and what is screened around it."""

    study: Study
    screen: Screen
    table: dict[str, Any] = field(repr=False, metadata={"what": "the study as its file has it"})


def load_screen(path: str, *, quick: bool = False, seeds: int | None = None) -> ScreenPlan:
    """Read a study, or a study file with a [screen] table.

    Raises
    ------
    StudyError
        If there is no such file, or anything in it is unknown, missing or out of range.
    """
    table = read_study(path)
    changes = quick_changes(table)
    table = merged(table, changes) if quick else table
    table = table if seeds is None else merged(table, {"ensemble": {"seeds": seeds}})
    screen = table.pop("screen", {})
    try:
        settings = Screen.model_validate(screen)
    except ValidationError as error:
        raise StudyError(f"[screen]: {sentence(error, Screen)}") from None
    if settings.merit not in settings.rates:
        raise StudyError(f"[screen]: merit = {settings.merit:g} must be one of rates = {settings.rates}")
    try:
        _ = settings.wanted
    except (TypeError, ValueError) as error:
        raise StudyError(f"[screen] least, of {settings.goal}: {error}") from None
    try:
        _ = settings.credible_shares
    except (TypeError, ValueError) as error:
        raise StudyError(f"[screen] carrying: {error}") from None
    if bool(settings.cam_to_se) != bool(settings.x):
        raise StudyError("[screen]: cam_to_se and x go together: every CAM:SE with every x")
    if len(settings.cam_to_se) * len(settings.x) > MOST:
        raise StudyError(_too_many(len(settings.cam_to_se) * len(settings.x)))
    if settings.cam_to_se:
        table["compositions"] = [f"{ratio}:{x:g}" for ratio in settings.cam_to_se for x in settings.x]
    study = parse_study(table)
    check_values(study)
    return ScreenPlan(study, settings, table)


def candidates(plan: ScreenPlan) -> list[Candidate]:
    """Every composition under every choice of what is varied; or points spread evenly between their ends.

    Raises
    ------
    StudyError
        If something unknown is varied, a value is of the wrong kind, or there are too many candidates.
    """
    screen, constants = plan.screen, plan.study.constants.constants
    for name in screen.vary:
        known(name, {**dict.fromkeys(SETTINGS), **dict.fromkeys(constants)}, "name in [screen.vary]")
        check_constant(name, plan.study.carbon.contact_law, "[screen.vary]")
        if not screen.vary[name]:
            raise StudyError(f"[screen.vary] '{name}' has no values")
    count = screen.samples or len(plan.study.compositions) * math.prod(map(len, screen.vary.values()))
    if count > MOST:
        raise StudyError(_too_many(count))
    found = _spread(plan) if screen.samples else _grid(plan)
    for candidate in found:
        check_room(candidate)
        check_cathode(candidate.study, candidate.recipe)
    return found


def _too_many(count: int) -> str:
    return f"[screen] asks for {shown(count)} candidates, {MOST} at most: take fewer values, or samples ="


def check_room(candidate: Candidate) -> None:
    """Refuse cores that would have to be packed beyond where they jam, before anything is packed."""
    recipe = candidate.recipe
    wanted = recipe.core_fraction(candidate.study.composite.total_porosity(recipe))
    most = recipe.materials["pressed.largest_core_fraction"]
    if wanted > most * ROUNDING:
        raise StudyError(
            f"the cores of {candidate.name} would fill {wanted:.1%} of the volume and jam at {most:.0%}: ask for more"
            " pores, or leave composite.porosity and composite.pores_between_blocks to percoat"
        )


def _grid(plan: ScreenPlan) -> list[Candidate]:
    names, levels = list(plan.screen.vary), list(plan.screen.vary.values())
    return [
        _candidate(plan, composition, dict(zip(names, choice, strict=True)))
        for choice in itertools.product(*levels)
        for composition in plan.study.compositions
    ]


def _spread(plan: ScreenPlan) -> list[Candidate]:
    """Sobol's points between the lowest and the highest value of each; what shapes the carbon keeps its levels."""
    screen, recipes = plan.screen, plan.study.recipes
    shares = [recipe.se / (recipe.cam + recipe.se) for recipe in recipes]
    carbon = [recipe.cb for recipe in recipes]
    names = list(screen.vary)
    power = math.ceil(math.log2(screen.samples))
    points = qmc.Sobol(2 + len(names), rng=np.random.default_rng(plan.study.ensemble.seed)).random_base2(power)
    found = []
    for point in points[: screen.samples]:
        se = 100.0 * (min(shares) + point[0] * (max(shares) - min(shares)))
        x = min(carbon) + point[1] * (max(carbon) - min(carbon))
        choice = {name: _between(name, screen.vary[name], share) for name, share in zip(names, point[2:], strict=True)}
        found.append(_candidate(plan, f"{100.0 - se:.4g}:{se:.4g}:{x:.3g}", choice))
    return found


def _between(name: str, levels: list[str | float], share: float) -> str | float:
    """A value between the first and the last level; one of the levels where each would need a patch library."""
    if name.startswith(("cb.", "carbon.", "matrix.")) or len(levels) == 1:
        return levels[min(int(share * len(levels)), len(levels) - 1)]
    unit = _unit(name)
    low, high = (_value(name, level) for level in (levels[0], levels[-1]))
    value = float(f"{low + share * (high - low):.4g}")
    return value if unit == "1" else f"{value!r} {unit}"


def _candidate(plan: ScreenPlan, composition: str, choice: dict[str, str | float]) -> Candidate:
    changes: dict[str, Any] = {"compositions": [composition]}
    materials: dict[str, dict[str, Any]] = {}
    for name, value in choice.items():
        _value(name, value)  # refused here, with its name
        group, key = name.split(".", 1)
        if name not in SETTINGS:
            materials.setdefault(group, {})[key] = value
        else:
            own = {"carbon": {"dispersion": {"share": value}}} if name == "carbon.dispersion" else {group: {key: value}}
            changes = merged(changes, own)
    text = ", ".join(f"{name} = {value}" for name, value in choice.items())
    return Candidate(parse_study(merged(plan.table, {**changes, "materials": materials})), composition, text)


def _unit(name: str) -> str:
    return SETTINGS[name] if name in SETTINGS else UNITS[name.split(".", 1)[1]]


def _value(name: str, level: str | float) -> float:
    try:
        return parse_quantity(level, _unit(name))
    except (TypeError, ValueError) as error:
        raise StudyError(f"[screen.vary] '{name}': {error}") from None
