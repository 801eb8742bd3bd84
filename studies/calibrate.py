"""Fix each free parameter by the one measured number it is listed with, and say how well that fixes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from microstructure.errors import StudyError
from microstructure.recipe import Recipe
from microstructure.seams import Seams
from studies.blocks import Blocks, lay_blocks, matrix_conductivities
from studies.compare import ARITHMETIC, SHOWN, measured_numbers
from studies.patches.library import PatchLibrary
from studies.streams import BLOCKS, BONDS, stream
from studies.study import Study, with_constants
from studies.values import NORMAL

Floats = NDArray[np.float64]

# in the order in which they can be fixed
PARAMETERS = (
    "cb.neck_conductance",
    "se.grain_contact_loss",
    "composite.bare_contact_share",
    "cam.electronic_conductivity",
    "composite.block_resistance_electronic",
    "composite.block_resistance_ionic",
)
SMALLEST = 1e-9  # of the largest value that a parameter may have, where it may be zero
CONVERTED = ("cam.specific_surface", "se.ionic_conductivity")  # measured material constants in another form
QUANTITIES = (
    "matrix_electronic", "matrix_ionic", "composite_electronic", "composite_ionic", "utilisation_electronic",
)  # fmt: skip
MEASURED_WITHIN = 0.1  # relative standard error of a measured number: an assumption, papers rarely give one
STEP = 0.03  # by which parameters are turned to see what hangs on them


@dataclass(frozen=True)
class Target:
    """The one measured number that fixes a parameter."""

    recipe: Recipe
    quantity: str
    value: float = field(metadata={"unit": "SI"})

    @property
    def name(self) -> str:
        """As a study names it."""
        return f"{self.quantity} {self.recipe}"


@dataclass(frozen=True, eq=False)
class Calibration:
    """Fitted parameters, how well their numbers fix them, and what they say about the numbers held out."""

    values: dict[str, float] = field(metadata={"unit": "SI"})
    targets: dict[str, Target] = field(repr=False)
    covariance: Floats = field(repr=False, metadata={"shape": "(6, 6)", "what": "of the logarithms of the parameters"})
    held_out: dict[str, tuple[float, float, float]] = field(
        repr=False, metadata={"unit": "SI", "what": "prediction and its 95 % interval, by name"}
    )

    @property
    def errors(self) -> Floats:
        """Relative standard error of each parameter, where its profile likelihood falls by one half."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def correlations(self) -> Floats:
        """Of each pair of parameters, float64 (6, 6)."""
        return np.asarray(self.covariance / np.outer(self.errors, self.errors))


def find_targets(study: Study) -> dict[str, Target]:
    """The targets of a study by parameter, from its [fitted] and [measured] tables.

    Raises
    ------
    StudyError
        If a parameter has no target, or its target is an interval, a bound or missing.
    """
    recipes, found = {str(recipe): recipe for recipe in study.recipes}, {}
    for name, parameter in study.fitted.items():
        quantity, composition = name.split(" ")
        numbers, bound = measured_numbers(study, quantity, composition)
        if parameter in PARAMETERS:
            if bound or len(numbers) != 1:
                raise StudyError(f"{parameter} is fixed by one measured value; '{name}' has {len(numbers)} or a bound")
            found[parameter] = Target(recipes[composition], quantity, numbers[0] * SHOWN[quantity][2])
    missing = [parameter for parameter in PARAMETERS if parameter not in found]
    if missing:
        raise StudyError(f"[fitted] must name one measured value for each parameter; missing: {', '.join(missing)}")
    return {parameter: found[parameter] for parameter in PARAMETERS}


def count_data(study: Study) -> tuple[str, str, str, str]:
    """How many numbers were measured, which of them fix what, and which are held out, in a sentence each."""
    measured = [f"{quantity} {composition}" for quantity, found in study.measured.items() for composition in found]
    fixing = [name for name in measured if study.fitted.get(name) in PARAMETERS]
    converted = [name for name in measured if study.fitted.get(name) in CONVERTED]
    arithmetic = [name for name in measured if name.split(" ")[0] in ARITHMETIC and name not in converted]
    held_out = [name for name in measured if name not in (*fixing, *converted, *arithmetic)]
    return (
        f"{len(measured)} measured numbers, of which {len(arithmetic)} are arithmetic of the recipe.",
        f"{len(converted)} are material constants in another form: {', '.join(converted) or 'none'}.",
        f"{len(fixing)} fix a parameter each: {', '.join(fixing)}.",
        f"{len(held_out)} are held out, and predicted: {', '.join(held_out) or 'none'}.",
    )


def calibrate(
    study: Study, library: PatchLibrary, *, progress: Callable[[int, int], None] | None = None
) -> Calibration:
    """Fit six parameters to six numbers, one after the other, on the mean over all seeds of a study's blocks.

    Each number is fixed by its parameter and those before it. Profile likelihoods are linear about the fit: the
    parameters' covariance follows from that of the numbers (measured within 10 %, and the scatter between structures)
    by what each number changes with each parameter.

    Parameters
    ----------
    study : Study
    library : PatchLibrary
        For the carbon of the study.
    progress : callable, optional
        Called with the number of steps done and to do.

    Raises
    ------
    StudyError
        If a parameter has no target, it lies outside of what the parameter can reach, or does not move with it.
    """
    targets, model = find_targets(study), Model(study, library)
    report, steps = progress or (lambda done, total: None), len(PARAMETERS) + 2
    values = {name: study.constants[name] for name in PARAMETERS}
    for done, (name, target) in enumerate(targets.items()):
        report(done, steps)
        values[name] = _fit(model, values, name, target)
    report(steps - 2, steps)
    names = [target.name for target in targets.values()]
    fixing = model.respond(values, names)
    for name, number, slope in zip(values, names, np.diag(fixing.slopes), strict=True):
        if slope == 0.0:
            raise StudyError(f"{number} does not change with {name} near its fit: take more cores or seeds")
    inverse = np.linalg.inv(fixing.slopes)
    covariance = inverse @ np.diag(MEASURED_WITHIN**2 + fixing.scatter**2) @ inverse.T
    report(steps - 1, steps)
    predicted = _predictable(study, names)
    held_out = model.respond(values, predicted).intervals(covariance, predicted)
    report(steps, steps)
    return Calibration(values, targets, covariance, held_out)


def _predictable(study: Study, fixing: list[str]) -> list[str]:
    """Measured numbers that blocks and patches predict, and that fix nothing."""
    named = [f"{quantity} {composition}" for quantity in QUANTITIES for composition in study.measured.get(quantity, {})]
    return [name for name in named if name not in fixing and study.fitted.get(name) not in CONVERTED]


@dataclass(frozen=True, eq=False)
class Model:
    """The blocks of a study, packed once, under any values of the parameters."""

    study: Study
    library: PatchLibrary

    @cached_property
    def seams(self) -> dict[str, list[Seams]]:
        """Coated cores by composition, one for each seed; filled as they are asked for."""
        return {}

    def blocks(self, recipe: Recipe, values: Mapping[str, float]) -> list[Blocks]:
        """The composites of all seeds under some values of the parameters."""
        key, seeds = str(recipe), range(self.study.ensemble.seeds)
        if key not in self.seams:
            self.seams[key] = [lay_blocks(self.study, recipe, stream(self.study, seed, BLOCKS)) for seed in seeds]
        study = with_constants(self.study, values)
        own, face = replace(recipe, materials=study.constants), study.outer_face
        return [Blocks(own, seams, self.library, face) for seams in self.seams[key]]

    def by_seed(self, recipe: Recipe, quantity: str, values: Mapping[str, float]) -> Floats:
        """A quantity under some values of the parameters, float64 (seeds,) or (1,) for the matrix."""
        if quantity.startswith("matrix"):
            matrix = matrix_conductivities(self._under(recipe, values), self.library)
            return np.array([matrix[quantity == "matrix_ionic"]])
        found = []
        for seed, blocks in enumerate(self.blocks(recipe, values)):
            rng = stream(self.study, seed, BONDS)
            if quantity == "utilisation_electronic":
                share = self.study.composite.ionic_contact_share
                found.append(blocks.reach(rng, share).electronic)
            elif quantity == "composite_ionic":
                found.append(blocks.ionic_conductivity())
            else:
                found.append(blocks.electronic_conductivity(blocks.draw(rng)))
        return np.array(found)

    def numbers(self, names: list[str], values: Mapping[str, float]) -> list[Floats]:
        """Quantities of compositions, each by seed."""
        recipes = {str(recipe): recipe for recipe in self.study.recipes}
        parts = [name.split(" ") for name in names]
        return [self.by_seed(recipes[composition], quantity, values) for quantity, composition in parts]

    def respond(self, values: Mapping[str, float], names: list[str]) -> Response:
        """The numbers under these values of the parameters, and what they change with each of them."""
        base = self.numbers(names, values)
        means = np.array([one.mean() for one in base])
        slopes = np.empty((len(names), len(values)))
        for column, name in enumerate(values):
            turned = {
                sign: np.array([one.mean() for one in self.numbers(names, _turned(values, name, sign * STEP))])
                for sign in (-1, 1)
            }
            slopes[:, column] = (turned[1] - turned[-1]) / (2.0 * STEP) / np.maximum(means, 1e-300)
        return Response(means, np.array([_error_of_mean(one) for one in base]) / np.maximum(means, 1e-300), slopes)

    def _under(self, recipe: Recipe, values: Mapping[str, float]) -> Recipe:
        return replace(recipe, materials=with_constants(self.study, values).constants)


@dataclass(frozen=True, eq=False)
class Response:
    """Numbers of a model, how far structures scatter them, and what the parameters do to them."""

    means: Floats = field(metadata={"unit": "SI", "shape": "(numbers,)"})
    scatter: Floats = field(
        metadata={"unit": "1", "shape": "(numbers,)", "what": "relative standard error of the mean"}
    )
    slopes: Floats = field(metadata={"unit": "1", "shape": "(numbers, parameters)", "what": "of the logarithms"})

    def intervals(self, covariance: Floats, names: list[str]) -> dict[str, tuple[float, float, float]]:
        """Predictions, with the 95 % interval that the parameters and the scatter between structures leave."""
        spread = np.sqrt(np.einsum("ij,jk,ik->i", self.slopes, covariance, self.slopes) + self.scatter**2)
        found = {}
        for name, mean, error in zip(names, self.means, spread, strict=True):
            low, high = mean * np.exp(-NORMAL * error), mean * np.exp(NORMAL * error)
            found[name] = (float(mean), float(low), float(min(high, 1.0) if name.startswith("util") else high))
        return found


def _fit(model: Model, values: dict[str, float], name: str, target: Target) -> float:
    """The value of one parameter at which the mean over the seeds meets its target."""

    def miss(value: float) -> float:
        found = model.by_seed(target.recipe, target.quantity, {**values, name: value})
        return float(found.mean()) - target.value

    allowed = model.study.constants.constants[name]
    return solve(miss, name, allowed.low, allowed.high)


def solve(miss: Callable[[float], float], name: str, low: float = 0.0, high: float = 1.0) -> float:
    """The root of `miss` within the range of a parameter, to 1e-4 of itself; a share, or a loss, to 1e-5."""
    ends = miss(low), miss(high)
    if ends[0] * ends[1] > 0:
        raise StudyError(f"{name} cannot reach its target: it is missed by {ends[0]:+.3g} to {ends[1]:+.3g}")
    if name.endswith(("share", "loss")):
        return float(brentq(miss, low, high, xtol=1e-5))

    def value(log: float) -> float:
        return float(np.clip(np.exp(log), low, high))

    return value(brentq(lambda log: miss(value(log)), np.log(max(low, SMALLEST * high)), np.log(high), xtol=1e-4))


def _turned(values: Mapping[str, float], name: str, step: float) -> dict[str, float]:
    return {**values, name: values[name] * float(np.exp(step))}


def _error_of_mean(values: Floats) -> float:
    return float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else 0.0
