"""Which measurement next: rival readings of the same measured numbers, and the number that would tell them apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microstructure.coats.outer_face import OuterFace
from microstructure.errors import StudyError
from microstructure.materials import known
from microstructure.recipe import Recipe
from studies.contact_law import FACE_CONSTANTS, ContactLaw
from studies.measured import USUAL_ERRORS
from studies.quantities import SHOWN, SI, measured_data, measured_value
from studies.seeding import PARAMETERS as DRAWN
from studies.seeding import stream
from studies.study import Mixing, Study
from studies.summary import NORMAL
from studies.two_scale.calibrated_model import QUANTITIES, STEP, Model, Reached
from studies.two_scale.calibration import ParameterFit, Target, draw_parameters, find_targets, fit_parameters, solve
from studies.two_scale.patch_library import PatchLibrary, study_library
from studies.two_scale.patch_plan import CarbonState
from studies.two_scale.prediction import check_cathode

Floats = NDArray[np.float64]
LibraryOf = Callable[[Study], PatchLibrary]

FLOOR = 1e-6  # S/m: below it (1e-5 mS/cm) no electrons are measured beside those of the electrolyte itself
ENOUGH = math.log(100.0)  # nats: odds of 100 to 1 tell two rivals apart
ALIKE = math.log(10.0)  # nats: below odds of 10 to 1 they are not told apart
COMPOSITES = ("utilisation_electronic", "composite_electronic", "composite_ionic")
UTILISATION, BARE = "utilisation_electronic", "composite.bare_contact_share"


@dataclass(frozen=True)
class Rival:
    """A reading of the measured numbers: switches on a study."""

    assumes: str
    law: ContactLaw
    mixing: Mixing | None = field(default=None, metadata={"what": "in place of the study's"})
    reached: Reached = "electronic"
    opens: bool = field(default=False, metadata={"what": "whether contacts between blocks open in a cell"})

    def of(self, study: Study) -> Study:
        """The study under this reading: its law of contacts, the constant of that law as what is fitted, its mixing."""
        firsts, own = {constants[0] for constants in FACE_CONSTANTS.values()}, FACE_CONSTANTS[self.law][0]
        fitted = {name: own if parameter in firsts else parameter for name, parameter in study.fitted.items()}
        carbon = study.carbon.model_copy(
            update={"contact_law": self.law, "dispersion": self.mixing or study.carbon.dispersion}
        )
        return study.model_copy(update={"carbon": carbon, "fitted": fitted})


RIVALS = {
    "skin": Rival("a skin of electrolyte leaves few contacts between blocks that carry, more at a wall", "skin"),
    "share": Rival("few contacts between blocks carry, and at a wall a share that is assumed", "share"),
    "resistance": Rival("all contacts between blocks carry, through a resistance per area", "resistance"),
    "agglomerates": Rival(
        "as 'resistance', and half of the aggregates lie in agglomerates of 1 um",
        "resistance",
        Mixing.model_validate({"share": 0.5, "agglomerate_size": "1 um"}),
    ),
    "breathing": Rival(
        "pristine as 'resistance'; in a cell most contacts of carbon between blocks open, bare contacts stay",
        "resistance",
        opens=True,
    ),
    "ions": Rival(
        "electrons as in 'skin'; what is utilised is what both electrons and ions reach", "skin", reached="joint"
    ),
}


@dataclass(frozen=True)
class Expected:
    """What one measurement on one more cathode is expected to give: a normal law."""

    centre: float = field(metadata={"what": "a share, or the logarithm of a conductivity in S/m"})
    spread: float = field(metadata={"what": "standard deviation: structure, parameters and the measurement itself"})
    share: bool
    below: bool = field(default=False, metadata={"what": "whether no more than `FLOOR` is expected"})

    @property
    def ends(self) -> tuple[float, float, float]:
        """The value and the interval that holds 95 % of such measurements [SI]."""
        low, high = self.centre - NORMAL * self.spread, self.centre + NORMAL * self.spread
        if self.share:
            return self.centre, max(low, 0.0), min(high, 1.0)
        return math.exp(self.centre), math.exp(low), math.exp(high)


def which_measurement(
    study: Study,
    rivals: Sequence[str] | None = None,
    *,
    library_of: LibraryOf = study_library,
    compositions: Sequence[str] | None = None,
    quantities: Sequence[str] = COMPOSITES,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Rank measurements by how well one of them tells rival readings of a study's numbers apart.

    Each rival is fitted to the numbers in the study's [measured] and [fitted] tables, and predicts what one more
    measurement on one more cathode would give: a normal law, of a share as it is and of a conductivity in its
    logarithm. Its spread is that of structures and of the parameters, and the usual error of such a measurement.

    Parameters
    ----------
    study : Study
    rivals : sequence of str, optional
        Two or more of `RIVALS`; if not given, all that the study has the numbers for.
    library_of : callable
        The patch library for the carbon of a study, asked once for each carbon: agglomerates need their own.
    compositions : sequence of str, optional
        Those of the study if not given.
    quantities : sequence of str
        Of `studies.two_scale.calibrated_model.QUANTITIES`.
    progress : callable, optional
        Called with the number of rivals done and to do.

    Returns
    -------
    DataFrame
        One row for each quantity and composition, in SI units. Columns quantity, composition and unit; for each rival
        NAME, NAME_low and NAME_high, the value and the 95 % interval of such measurements; smallest and mean, the
        evidence that one measurement is expected to give between two rivals in nats, over all pairs; alike, the pairs
        that it does not tell apart (odds below 10 to 1); below_floor, the rivals under which no electrons would be
        measured; and whether the study has this number already. ``attrs["left_out"]`` says of each rival that is
        left out why.

    Raises
    ------
    StudyError
        If a name is unknown, fewer than two rivals are left, or one that was named lacks a number it needs, or cannot
        meet one: leave it out then; it is refuted by that number, if the law alone is to blame.

    Notes
    -----
    Measured numbers come last. The others are sorted by the mean over the pairs, in which a pair counts up to odds of
    100 to 1: more evidence tells no two rivals further apart, and one that lies far off all others would make the
    mean by itself. The smallest decides between equals; first it would be 0 wherever any two rivals agree. Pairs count
    alike: nothing is said about which rival is likely.

    Where a rival leaves electrons no path, or less than 1e-5 mS/cm, that floor stands for its value.

    What is not in the spreads: the scatter of the patches, and what constants the study assumes.
    """
    names = _checked_rivals(rivals)
    asked, study = _with_compositions(study, compositions)
    for quantity in quantities:
        known(quantity, dict.fromkeys(QUANTITIES), "quantity that blocks and patches give")
    fitted, left_out = _fit_rivals(study, names, library_of, asked, strict=rivals is not None, progress=progress)
    if len(fitted) < 2:
        raise StudyError(f"two rivals or more are compared; left out: {'; '.join(left_out.values())}")
    rows = [_row(study, fitted, quantity, composition) for quantity in quantities for composition in asked]
    table = pd.DataFrame(rows).sort_values(
        ["measured", "mean", "smallest"], ascending=[True, False, False], kind="stable", ignore_index=True
    )
    table.attrs["left_out"] = left_out
    return table


def expected_evidence(one: Expected, other: Expected) -> float:
    """Evidence that one measurement is expected to give between two rivals, for the one that is true [nats].

    The mean over both of the logarithm of the likelihood ratio, expected where either is true: half of Jeffreys'
    divergence, the symmetrised one of Kullback and Leibler (Ann. Math. Stat. 22 (1951) 79).

    Examples
    --------
    >>> expected_evidence(Expected(0.0, 1.0, share=True), Expected(2.0, 1.0, share=True))
    2.0
    """
    squares, apart = (one.spread**2, other.spread**2), (one.centre - other.centre) ** 2
    return 0.25 * ((squares[0] + apart) / squares[1] + (squares[1] + apart) / squares[0]) - 0.5


@dataclass(frozen=True, eq=False)
class FittedRival:
    """A rival, whose parameters meet the numbers of a study."""

    rival: Rival
    model: Model
    fit: ParameterFit

    def expect(self, name: str) -> Expected:
        """What a measurement of a quantity and composition on one more cathode would give."""
        quantity, share = name.split(" ")[0], name.startswith("utilisation")
        fit, drawn = self._cathodes(name, drawn=False), self._cathodes(name, drawn=True)
        value = float(fit.mean())
        error = USUAL_ERRORS[quantity].of(value)
        if share:
            return Expected(value, math.hypot(_scatter(drawn), error), share)
        value, below = max(value, FLOOR), value <= FLOOR
        scatter = _scatter(np.log(np.maximum(drawn, FLOOR)))
        return Expected(math.log(value), math.hypot(scatter, USUAL_ERRORS[quantity].relative), share, below)

    def _cathodes(self, name: str, *, drawn: bool) -> Floats:
        """A number on each cathode, at the fit or under parameters drawn for each, float64 (seeds,)."""
        quantity, composition = name.split(" ")
        recipe, seeds = self.model.recipe(composition), range(self.model.study.ensemble.seeds)
        return np.array(
            [
                self._as_measured(quantity, seed, drawn).number(recipe, quantity, self._values(seed, drawn), seed)
                for seed in seeds
            ]
        )

    def _values(self, seed: int, drawn: bool) -> Mapping[str, float]:
        study, fit = self.model.study, self.fit
        if not drawn:
            return fit.values
        return draw_parameters(fit.values, fit.covariance, study, stream(study, seed, DRAWN))

    def _as_measured(self, quantity: str, seed: int, drawn: bool) -> Model:
        """The model as a measurement meets it: pressed, or in a cell where contacts may have opened."""
        if not (self.rival.opens and quantity == UTILISATION):
            return self.model
        share, spread = self.staying
        if drawn:
            share *= math.exp(spread * float(stream(self.model.study, seed, DRAWN, 1).standard_normal()))
        return self._opened(min(share, 1.0))

    def _opened(self, share: float) -> Model:
        """The same blocks, where this share of the carbon contacts between blocks, and at walls, has stayed."""
        return self.model.with_face(OuterFace(self.model.study.carbon.protrusion, share, share))

    @cached_property
    def staying(self) -> tuple[float, float]:
        """Share of the carbon contacts that stay in a cell, and the standard error of its logarithm.

        By the measured utilisation of the composition with the most carbon; none stays if there is none.
        """
        target = _utilisation_with_carbon(self.model.study)
        if target is None:
            return 0.0, 0.0

        def found(share: float) -> float:
            return float(self._opened(share).by_seed(target.recipe, target.quantity, self.fit.values).mean())

        share = solve(lambda share: target.miss(found(share)), "the share of contacts that stay")
        slope = (found(min(share * math.exp(STEP), 1.0)) - found(share * math.exp(-STEP))) / (2.0 * STEP)
        return share, target.error * target.value / max(slope, 1e-12)


def fit_rival(rival: Rival, model: Model, fit: ParameterFit | None = None) -> FittedRival:
    """Fit a rival's parameters to its study's numbers.

    Parameters
    ----------
    rival : Rival
    model : Model
        Of the study under this rival.
    fit : ParameterFit, optional
        Of another rival with the same switches on the study; found if not given.

    Raises
    ------
    StudyError
        As `calibrate` does; if contacts open, and what fixes the share of bare contacts is a composition with carbon,
        whose contacts would have opened too; or if ions count and reach every core of every composition.
    """
    if rival.reached == "joint" and _ions_reach_all(model):
        raise StudyError("ions reach every core of every composition here, so that electrons alone decide")
    if rival.opens:
        bare = find_targets(model.study)[BARE]
        if bare.quantity != UTILISATION or bare.recipe.volume_fraction > 0.0:
            raise StudyError(
                f"needs the utilisation of a composition without carbon to fix {BARE}; it is fixed by '{bare.name}'"
            )
    found = FittedRival(rival, model, fit or fit_parameters(model))
    if rival.opens:
        _ = found.staying  # what cannot be met is said now
    return found


def _ions_reach_all(model: Model) -> bool:
    """Whether ions reach all active material of all compositions: that depends on no fitted parameter."""
    ions = model.with_carbon(model.study, model.library, reached="ionic")
    return all(ions.by_seed(recipe, UTILISATION, {}).min() == 1.0 for recipe in model.study.recipes)


def _utilisation_with_carbon(study: Study) -> Target | None:
    """The measured utilisation with the most carbon, of those that fix nothing else; None if there is none."""
    recipes, found = {str(recipe): recipe for recipe in study.recipes}, []
    for datum in measured_data(study):
        fixes = any(name in study.fitted for name in datum.names)
        if datum.quantity == UTILISATION and not (fixes or datum.measured.bound):
            found += [(recipes[one], datum.measured) for one in datum.compositions if one in recipes]
    found = [(recipe, measured) for recipe, measured in found if recipe.volume_fraction > 0.0 and measured.value > 0.0]
    if not found:
        return None
    recipe, measured = max(found, key=lambda one: one[0].volume_fraction)
    return Target(recipe, UTILISATION, measured.value, measured.standard_error / measured.value)


def _checked_rivals(rivals: Sequence[str] | None) -> list[str]:
    """Names of rivals, each once."""
    names = list(RIVALS if rivals is None else rivals)
    for name in names:
        known(name, RIVALS, "rival")
    if len(set(names)) < max(len(names), 2):
        raise StudyError(f"two rivals or more are compared, each named once; got {', '.join(names) or 'none'}")
    return names


def _with_compositions(study: Study, compositions: Sequence[str] | None) -> tuple[list[str], Study]:
    """What is asked for, as a study names it, and the study with these among its compositions."""
    recipes = study.recipes if compositions is None else [Recipe.parse(one, study.constants) for one in compositions]
    asked = list(dict.fromkeys(str(recipe) for recipe in recipes))
    if not asked:
        raise StudyError("which_measurement needs a composition; got none")
    for recipe in recipes:
        check_cathode(study, recipe)
    own = [str(recipe) for recipe in study.recipes]
    more = [one for one in asked if one not in own]
    return asked, study.model_copy(update={"compositions": [*study.compositions, *more]})


def _fit_rivals(
    study: Study,
    names: list[str],
    library_of: LibraryOf,
    asked: list[str],
    *,
    strict: bool,
    progress: Callable[[int, int], None] | None,
) -> tuple[dict[str, FittedRival], dict[str, str]]:
    """Each rival on the same blocks; and of those that lack something, unless `strict`, what."""
    libraries: dict[str, PatchLibrary] = {}
    fitted: dict[str, FittedRival] = {}
    left_out: dict[str, str] = {}
    fits: dict[tuple[object, ...], ParameterFit] = {}  # rivals that differ in a cell alone share theirs
    blocks: Model | None = None
    for done, name in enumerate(names):
        if progress is not None:
            progress(done, len(names))
        rival, own = RIVALS[name], RIVALS[name].of(study)
        try:
            find_targets(own)
            key = repr(CarbonState.of(own).settings)
            if key not in libraries:
                libraries[key] = library_of(own)
            for composition in asked:
                libraries[key].check_content(Recipe.parse(composition, own.constants).volume_fraction)
            blocks = blocks or Model(own, libraries[key])
            model = blocks.with_carbon(own, libraries[key], reached=rival.reached)
            switches = (key, own.carbon, rival.reached)
            fitted[name] = fit_rival(rival, model, fits.get(switches))
            fits[switches] = fitted[name].fit
        except StudyError as error:
            left_out[name] = f"rival '{name}': {error}"
            if strict:
                raise StudyError(left_out[name]) from None
    if progress is not None:
        progress(len(names), len(names))
    return fitted, left_out


def _row(study: Study, fitted: Mapping[str, FittedRival], quantity: str, composition: str) -> dict[str, object]:
    """A line of the table."""
    expected = {name: one.expect(f"{quantity} {composition}") for name, one in fitted.items()}
    pairs = {pair: expected_evidence(expected[pair[0]], expected[pair[1]]) for pair in combinations(expected, 2)}
    row: dict[str, object] = {"quantity": quantity, "composition": composition, "unit": SI[SHOWN[quantity][1]]}
    for name, one in expected.items():
        row |= dict(zip((name, f"{name}_low", f"{name}_high"), one.ends, strict=True))
    return row | {
        "smallest": min(pairs.values()),
        "mean": float(np.mean([min(evidence, ENOUGH) for evidence in pairs.values()])),
        "alike": ", ".join(" = ".join(pair) for pair, evidence in pairs.items() if evidence < ALIKE),
        "below_floor": ", ".join(name for name, one in expected.items() if one.below),
        "measured": measured_value(study, quantity, composition) is not None,
    }


def _scatter(values: Floats) -> float:
    """Standard deviation of one more of these about their mean."""
    return float(values.std(ddof=1) * math.sqrt(1.0 + 1.0 / values.size))
