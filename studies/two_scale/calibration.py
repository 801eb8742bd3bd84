"""Fix each free parameter by the one measured number it is listed with, and say how well that fixes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from microstructure.errors import StudyError
from microstructure.recipe import Recipe
from studies.contact_law import FACE_CONSTANTS, ContactLaw
from studies.quantities import ARITHMETIC, measured_data, measured_value
from studies.seeding import PARAMETERS as DRAWN
from studies.seeding import stream
from studies.study import Study
from studies.two_scale.calibrated_model import QUANTITIES, Model, Response
from studies.two_scale.held_out import Prediction, predict_cathodes
from studies.two_scale.patch_library import PatchLibrary
from studies.two_scale.profile_likelihood import Profile, profile_parameter

Floats = NDArray[np.float64]

# in the order in which they can be fixed; the law of contacts between blocks has one more, before the last
PARAMETERS = (
    "cb.neck_conductance",
    "se.grain_contact_loss",
    "composite.bare_contact_share",
    "cam.electronic_conductivity",
    "composite.block_resistance_ionic",
)
SMALLEST = 1e-9  # of the largest value that a parameter may have, where it may be zero
CONVERTED = ("cam.specific_surface", "se.ionic_conductivity")  # measured material constants in another form
FLOOR = 1e-3  # of a target: what lies below is as far off as that, so that a root is looked for on a curve


def fitted_parameters(law: ContactLaw) -> tuple[str, ...]:
    """The parameters that a calibration fixes under a law of contacts between blocks, in the order in which it does."""
    return (*PARAMETERS[:-1], FACE_CONSTANTS[law][0], PARAMETERS[-1])


@dataclass(frozen=True)
class Target:
    """The one measured number that fixes a parameter."""

    recipe: Recipe
    quantity: str
    value: float = field(metadata={"unit": "SI"})
    error: float = field(metadata={"unit": "1", "what": "standard error of its logarithm, of the measurement"})

    @property
    def name(self) -> str:
        """As a study names it."""
        return f"{self.quantity} {self.recipe}"

    def miss(self, found: float) -> float:
        """Logarithm of a number over this one; what lies below `FLOOR` of it is as far off as that."""
        return float(np.log(max(found / self.value, FLOOR)))


@dataclass(frozen=True, eq=False)
class ParameterFit:
    """Fitted parameters, and how well their numbers fix them by the slopes at the fit."""

    values: dict[str, float] = field(metadata={"unit": "SI"})
    targets: dict[str, Target] = field(repr=False)
    covariance: Floats = field(repr=False, metadata={"shape": "(6, 6)", "what": "of the logarithms of the parameters"})
    fixing: Response = field(repr=False, metadata={"what": "the numbers that fix them, at the fit"})
    errors: Floats = field(
        repr=False, metadata={"shape": "(6,)", "what": "of the logarithms of these numbers, and of their means"}
    )


@dataclass(frozen=True, eq=False)
class Calibration:
    """Fitted parameters, how well their numbers fix them, and what they say about the numbers held out."""

    values: dict[str, float] = field(metadata={"unit": "SI"})
    targets: dict[str, Target] = field(repr=False)
    covariance: Floats = field(repr=False, metadata={"shape": "(6, 6)", "what": "of the logarithms of the parameters"})
    profiles: dict[str, Profile] = field(repr=False)
    held_out: dict[str, Prediction] = field(repr=False, metadata={"what": "numbers that fixed nothing, by name"})
    bare_alone: dict[str, Prediction] = field(
        repr=False, metadata={"what": "the same of electrons in composites, where no carbon between blocks carries"}
    )

    @property
    def errors(self) -> Floats:
        """Standard error of the logarithm of each parameter, by the slopes at the fit."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def correlations(self) -> Floats:
        """Of each pair of parameters, float64 (6, 6)."""
        return np.asarray(self.covariance / np.outer(self.errors, self.errors))


def find_targets(study: Study) -> dict[str, Target]:
    """The targets of a study by parameter, from its [fitted] and [measured] tables.

    An interval counts as its middle.

    Raises
    ------
    StudyError
        If a parameter has no target, or its target is a bound, zero or missing.
    """
    recipes, found = {str(recipe): recipe for recipe in study.recipes}, {}
    wanted = fitted_parameters(study.carbon.contact_law)
    for name, parameter in study.fitted.items():
        quantity, composition = name.split(" ")
        if parameter not in wanted:
            continue
        measured = measured_value(study, quantity, composition)
        if measured is None or composition not in recipes or measured.bound or measured.value == 0.0:
            raise StudyError(f"{parameter} is fixed by one measured value above 0; '{name}' has none, 0, or a bound")
        error = measured.standard_error / measured.value
        found[parameter] = Target(recipes[composition], quantity, measured.value, error)
    for datum in measured_data(study):
        several = [study.fitted[name] for name in datum.names if study.fitted.get(name) in wanted]
        if len(several) > 1:
            raise StudyError(f"{' and '.join(several)} cannot both be fixed by one number, '{datum.names[0]}'")
    missing = [parameter for parameter in wanted if parameter not in found]
    if missing:
        raise StudyError(f"[fitted] must name one measured value for each parameter; missing: {', '.join(missing)}")
    return {parameter: found[parameter] for parameter in wanted}


def count_data(study: Study) -> tuple[str, str, str, str]:
    """How many numbers were measured, which of them fix what, and which are held out, in a sentence each."""
    wanted = fitted_parameters(study.carbon.contact_law)
    kinds: dict[str, list[str]] = {kind: [] for kind in ("fixing", "converted", "arithmetic", "held out")}
    for datum in measured_data(study):
        roles = {study.fitted.get(name) for name in datum.names}
        kind = "arithmetic" if datum.quantity in ARITHMETIC else "held out"
        kind = "fixing" if roles & {*wanted} else "converted" if roles & {*CONVERTED} else kind
        kinds[kind].append(f"{datum.quantity} {' = '.join(datum.compositions)}")
    texts = {kind: ", ".join(names) or "none" for kind, names in kinds.items()}
    total = sum(map(len, kinds.values()))
    return (
        f"{total} measured numbers, of which {len(kinds['arithmetic'])} are arithmetic of the recipe.",
        f"{len(kinds['converted'])} are material constants in another form: {texts['converted']}.",
        f"{len(kinds['fixing'])} fix a parameter each: {texts['fixing']}.",
        f"{len(kinds['held out'])} are held out, and predicted: {texts['held out']}.",
    )


def calibrate(
    study: Study, library: PatchLibrary, *, progress: Callable[[int, int], None] | None = None
) -> Calibration:
    """Fit six parameters to six numbers, one after the other, on the mean over all seeds of a study's blocks.

    Each number is fixed by its parameter and those before it. The parameters' covariance follows from the errors of the
    numbers (of the measurement, and of the mean over structures) by what each number changes with each parameter;
    profile likelihoods do not take the number of the parameter in question to change evenly.

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
    model, report = Model(study, library), progress or (lambda done, total: None)
    steps = 2 * len(fitted_parameters(study.carbon.contact_law)) + 3
    fit = fit_parameters(model, lambda done: report(done, steps))
    targets, values, covariance, fixing = fit.targets, fit.values, fit.covariance, fit.fixing
    names = [target.name for target in targets.values()]
    profiles = {}
    for done, (name, spread) in enumerate(zip(targets, np.sqrt(np.diag(covariance)).tolist(), strict=True)):
        report(len(targets) + 1 + done, steps)
        profiles[name] = profile_parameter(
            model,
            values,
            name,
            names,
            targets=np.log(fixing.means),
            errors=fit.errors,
            slopes=fixing.slopes,
            spread=spread,
        )
    report(steps - 2, steps)

    def draw(seed: int) -> Mapping[str, float]:
        return draw_parameters(values, covariance, study, stream(study, seed, DRAWN))

    held_out = predict_cathodes(model, values, _predictable(study, names), draw)
    report(steps - 1, steps)
    closed = model.with_face(replace(study.outer_face, seam_share=0.0, wall_share=0.0))
    bare = [name for name in held_out if name.startswith(("utilisation", "composite_electronic"))]
    bare_alone = predict_cathodes(closed, values, bare, draw)
    report(steps, steps)
    return Calibration(values, targets, covariance, profiles, held_out, bare_alone)


def fit_parameters(model: Model, report: Callable[[int], None] = lambda done: None) -> ParameterFit:
    """Fit the parameters of a model to the numbers that its study lists for them; `calibrate` says how.

    Parameters
    ----------
    model : Model
    report : callable, optional
        Called with the number of parameters fitted.

    Raises
    ------
    StudyError
        As `calibrate` does.
    """
    targets = find_targets(model.study)
    values = {name: model.study.constants[name] for name in targets}
    for done, (name, target) in enumerate(targets.items()):
        report(done)
        values[name] = _fit(model, values, name, target)
    report(len(targets))
    names = [target.name for target in targets.values()]
    fixing = model.respond(values, names)
    for name, number, slope in zip(values, names, np.diag(fixing.slopes), strict=True):
        if slope == 0.0:
            raise StudyError(f"{number} does not change with {name} near its fit: take more cores or seeds")
    errors = np.hypot([target.error for target in targets.values()], fixing.scatter)
    inverse = np.linalg.inv(fixing.slopes)
    return ParameterFit(values, targets, inverse @ np.diag(errors**2) @ inverse.T, fixing, errors)


def draw_parameters(
    values: Mapping[str, float], covariance: Floats, study: Study, rng: np.random.Generator
) -> dict[str, float]:
    """Parameters as likely as any others under what fixed them, within their ranges [SI]."""
    turns = rng.multivariate_normal(np.zeros(len(values)), covariance, method="cholesky")
    ranges, drawn = study.constants.constants, {}
    for (name, value), turn in zip(values.items(), turns, strict=True):
        drawn[name] = float(np.clip(value * np.exp(turn), ranges[name].low, ranges[name].high))
    return drawn


def _predictable(study: Study, fixing: list[str]) -> list[str]:
    """What blocks and patches predict: composites of every composition, and the matrix where it was measured."""
    compositions = [str(recipe) for recipe in study.recipes]
    named = [f"{quantity} {composition}" for quantity in QUANTITIES for composition in compositions]
    composites = [name for name in named if not name.startswith("matrix")]
    pellets = [name for name in named if name.startswith("matrix") and measured_value(study, *name.split(" "))]
    return [name for name in (*pellets, *composites) if name not in fixing and study.fitted.get(name) not in CONVERTED]


def _fit(model: Model, values: dict[str, float], name: str, target: Target) -> float:
    """The value of one parameter at which the mean over the seeds meets its target, in the logarithm."""

    def miss(value: float) -> float:
        return target.miss(float(model.by_seed(target.recipe, target.quantity, {**values, name: value}).mean()))

    allowed = model.study.constants.constants[name]
    return solve(miss, name, allowed.low, allowed.high)


def solve(miss: Callable[[float], float], name: str, low: float = 0.0, high: float = 1.0) -> float:
    """The root of `miss` within the range of a parameter, to 1e-4 of itself; a share, or a loss, to 1e-5."""
    ends = miss(low), miss(high)
    if ends[0] * ends[1] > 0:
        raise StudyError(f"{name} cannot reach its target: its logarithm is missed by {ends[0]:+.3g} to {ends[1]:+.3g}")
    if name.endswith(("contact_share", "loss")):
        return float(brentq(miss, low, high, xtol=1e-5))

    def value(log: float) -> float:
        return float(np.clip(np.exp(log), low, high))

    return value(brentq(lambda log: miss(value(log)), np.log(max(low, SMALLEST * high)), np.log(high), xtol=1e-4))
