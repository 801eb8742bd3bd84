"""Which scatter of the inputs hurts most: a candidate again, with one input at either end of its scatter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import joblib
import numpy as np

from microstructure.errors import RecipeError, StudyError
from studies.jobs.workers import in_parallel
from studies.screening.candidate import candidate_values, capacity_name
from studies.screening.design import Candidate, check_room
from studies.study import Study
from studies.two_scale.fitted import FittedSet
from studies.two_scale.patch_library import PatchLibrary, study_library
from studies.two_scale.prediction import check_cathode

WEIGHING = 0.02  # relative: of the electrolyte, of the carbon
THICKNESS = 0.05  # relative
POROSITY = 0.02  # of the volume, between the blocks
DISPERSED = 0.8  # share of the aggregates that lie independently, where all should
CORES = 0.05  # relative: of the median core
LESS = (1.0, 0.75, 0.5, 0.25)  # of a scatter, where the whole of it leads to what cannot be predicted

Change = Callable[[Candidate, float], Candidate]  # a candidate with an input off by a share of its scatter


@dataclass(frozen=True)
class InputScatter:
    """What one scattering input does to the merit of a candidate."""

    what: str
    low: float = field(metadata={"unit": "mAh/g", "what": "merit at the lower end, or with the worse dispersion"})
    high: float = field(metadata={"unit": "mAh/g"})
    nominal: float = field(metadata={"unit": "mAh/g"})

    @property
    def swing(self) -> float:
        """Between the two ends, relative."""
        return abs(self.high - self.low) / max(self.nominal, 1e-300)


def scatter_of(
    candidate: Candidate, library: PatchLibrary, fitted: FittedSet, rate: float, *, workers: int = 1
) -> list[InputScatter]:
    """Merit of a candidate when one input after another scatters, the largest swing first.

    Where an end of a scatter cannot be predicted, such as more carbon than patches are simulated with, it is moved
    towards the candidate until it can; the name of the scatter says so.
    """
    nominal = _merit(candidate, library, fitted, rate, workers)
    found = []
    for what, change in _changes().items():
        ends = {way: _end(candidate, change, sign, library) for way, sign in (("down", -1.0), ("up", 1.0))}
        less = [f"{way} only {share:.0%} of that" for way, (_, share) in ends.items() if share < 1.0]
        what += f" ({', '.join(less)}: more cannot be predicted)" if less else ""
        low, high = (_merit(end, library, fitted, rate, workers) for end, _ in ends.values())
        found.append(InputScatter(what, low, high, nominal))
    worse = _poorly_dispersed(candidate)
    if worse is not None:
        other = study_library(worse.study, content=worse.recipe.volume_fraction, workers=workers)
        value = _merit(worse, other, fitted, rate, workers)
        found.append(InputScatter(f"{DISPERSED:.0%} of the aggregates dispersed", value, nominal, nominal))
    return sorted(found, key=lambda one: one.swing, reverse=True)


def _end(candidate: Candidate, change: Change, sign: float, library: PatchLibrary) -> tuple[Candidate, float]:
    """A candidate at one end of a scatter, or as near to it as can be predicted, and how much of the way that is."""
    for share in LESS:
        try:
            end = change(candidate, sign * share)
            library.check_content(end.recipe.volume_fraction)
            check_cathode(end.study, end.recipe)
            check_room(end)
        except (StudyError, RecipeError):
            continue
        return end, share
    return candidate, 0.0


def _merit(candidate: Candidate, library: PatchLibrary, fitted: FittedSet, rate: float, workers: int) -> float:
    seeds = range(candidate.study.ensemble.seeds)
    work = joblib.delayed(candidate_values)
    results = in_parallel((work(candidate, seed, library, fitted, (rate,)) for seed in seeds), workers)
    name = capacity_name(rate)
    return float(np.mean([value.value for values in results for value in values if value.quantity == name]))


def _changes() -> dict[str, Change]:
    return {
        f"electrolyte weighed within {WEIGHING:.0%}": lambda one, sign: _weighed(one, se=1.0 + sign * WEIGHING),
        f"carbon weighed within {WEIGHING:.0%}": lambda one, sign: _weighed(one, cb=1.0 + sign * WEIGHING),
        f"mass of the cathode within {THICKNESS:.0%}": _thicker,
        f"pores between blocks within {POROSITY:.0%} of the volume": _looser,
        f"median core within {CORES:.0%}": _coarser,
    }


def _weighed(candidate: Candidate, *, se: float = 1.0, cb: float = 1.0) -> Candidate:
    recipe = candidate.recipe
    text = f"{recipe.cam:g}:{recipe.se * se:g}:{recipe.cb * cb:g}"
    return replace(candidate, composition=text, study=_with(candidate.study, compositions=[text]))


def _thicker(candidate: Candidate, sign: float) -> Candidate:
    cathode, factor = candidate.study.cathode, 1.0 + sign * THICKNESS
    given = cathode.thickness
    update = {"mass": cathode.mass * factor, "thickness": None if given is None else given * factor}
    return replace(candidate, study=_with(candidate.study, cathode=cathode.model_copy(update=update)))


def _looser(candidate: Candidate, sign: float) -> Candidate:
    study, recipe = candidate.study, candidate.recipe
    porosity = study.composite.total_porosity(recipe) + sign * POROSITY
    update = {"porosity": max(porosity, recipe.minimum_porosity * (1.0 + 1e-6)), "pores_between_blocks": None}
    return replace(candidate, study=_with(study, composite=study.composite.model_copy(update=update)))


def _coarser(candidate: Candidate, sign: float) -> Candidate:
    study = candidate.study
    diameter = study.constants["cam.median_diameter"] * (1.0 + sign * CORES)
    materials = {**study.materials, "cam": {**study.materials.get("cam", {}), "median_diameter": f"{diameter!r} m"}}
    return replace(candidate, study=_with(study, materials=materials))


def _poorly_dispersed(candidate: Candidate) -> Candidate | None:
    carbon = candidate.study.carbon
    if carbon.dispersion.share <= DISPERSED or candidate.recipe.cb == 0.0:
        return None
    update = {"share": DISPERSED, "agglomerate_size": 1e-6}
    changed = carbon.model_copy(update={"dispersion": carbon.dispersion.model_copy(update=update)})
    return replace(candidate, study=_with(candidate.study, carbon=changed))


def _with(study: Study, **changes: object) -> Study:
    return study.model_copy(update=changes)
