"""Fix each free parameter by the one measured number it is listed with, and by no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from microstructure.errors import StudyError
from microstructure.recipe import Recipe
from microstructure.structure import Structure
from percolation.utilisation import measure_utilisation
from studies.streams import BARE, seed_library, stream
from studies.study import Study
from studies.tasks import DRAWS, build_seed, contact_law, matrix_conductivities, mean_conductivity
from transport.composite import CompositeConductivity, ContactLaw


@dataclass(frozen=True)
class Targets:
    """The measured numbers that are used up by the fit; conductivities in S/m."""

    matrix_ionic: float  # first composition, no carbon
    matrix_electronic: float  # last composition
    utilisation: float  # first composition
    composite_electronic_low: float  # first composition
    composite_electronic_high: float  # last composition
    composite_ionic: float  # second composition


@dataclass(frozen=True)
class Fit:
    """Fitted parameters, SI units, in the order they were fixed."""

    ionic_conductivity: float
    neck_conductance: float
    bare_contact_share: float
    core_conductivity: float
    block_resistance_electronic: float
    block_resistance_ionic: float


def calibrate(study: Study, targets: Targets) -> Fit:
    """Fit six parameters to six numbers, one after the other, on the mean over all seeds of a study.

    Raises
    ------
    StudyError
        If a target lies outside of what its parameter can reach.
    """
    first, second, last = study.recipes[0], study.recipes[1], study.recipes[-1]
    materials = study.constants
    ions = targets.matrix_ionic / _mean_matrix(study, first)[1] * materials["se.ionic_conductivity"]
    neck = targets.matrix_electronic / _mean_matrix(study, last)[0] * materials["cb.neck_conductance"]
    seeds = range(study.ensemble.seeds)
    carbon = [neck / materials["cb.neck_conductance"] * _matrix(study, seed, last)[0] for seed in seeds]
    matrix = [ions / materials["se.ionic_conductivity"] * _matrix(study, seed, second)[1] for seed in seeds]
    plain, loaded, second_cells = (_cells(study, recipe) for recipe in (first, last, second))
    share = _solve(lambda s: _utilisation(study, plain, s) - targets.utilisation, 0.0, 1.0, "bare_contact_share")
    study = _with(study, "composite", bare_contact_share=share)
    law = replace(contact_law(study, 0.0, ions, 0.0), core=1.0)
    core = targets.composite_electronic_low / _mean(study, plain, lambda seed: law).electronic

    def electronic_miss(resistance: float) -> float:
        changes = {"core": core, "block_electronic": resistance}
        found = _mean(study, loaded, lambda seed: replace(contact_law(study, carbon[seed], ions), **changes))
        return found.electronic - targets.composite_electronic_high

    def ionic_miss(resistance: float) -> float:
        laws = [replace(contact_law(study, 0.0, one), block_ionic=resistance) for one in matrix]
        return _mean(study, second_cells, lambda seed: laws[seed]).ionic - targets.composite_ionic

    electronic = _solve(electronic_miss, 0.0, 1.0, "block_resistance_electronic")
    ionic = _solve(ionic_miss, 0.0, 1.0, "block_resistance_ionic")
    return Fit(ions, neck, share, core, electronic, ionic)


_matrix_cache: dict[tuple[str, int], tuple[float, float]] = {}


def _matrix(study: Study, seed: int, recipe: Recipe) -> tuple[float, float]:
    key = (f"{study.model_dump_json()} {recipe}", seed)
    if key not in _matrix_cache:
        _matrix_cache[key] = matrix_conductivities(study, seed, recipe, seed_library(study, seed))
    return _matrix_cache[key]


def _mean_matrix(study: Study, recipe: Recipe) -> tuple[float, float]:
    values = np.mean([_matrix(study, seed, recipe) for seed in range(study.ensemble.seeds)], axis=0)
    return float(values[0]), float(values[1])


def _cells(study: Study, recipe: Recipe) -> list[Structure]:
    return [build_seed(study, seed, recipe, seed_library(study, seed)) for seed in range(study.ensemble.seeds)]


def _utilisation(study: Study, cells: list[Structure], share: float) -> float:
    found = [
        measure_utilisation(cell, bare_contact_share=share, draws=DRAWS, rng=stream(study, seed, BARE)).electronic[-1]
        for seed, cell in enumerate(cells)
    ]
    return float(np.mean(found))


def _mean(study: Study, cells: list[Structure], law: Callable[[int], ContactLaw]) -> CompositeConductivity:
    found = [mean_conductivity(study, seed, cell, law(seed)) for seed, cell in enumerate(cells)]
    electronic, ionic = (float(np.mean([getattr(one, name) for one in found])) for name in ("electronic", "ionic"))
    return CompositeConductivity(electronic, ionic, found[0].contacts)


def _with(study: Study, group: str, **constants: float) -> Study:
    """The study with some constants replaced."""
    materials = {**study.materials, group: {**study.materials.get(group, {}), **constants}}
    return study.model_copy(update={"materials": materials})


def _solve(miss: Callable[[float], float], low: float, high: float, name: str) -> float:
    ends = miss(low), miss(high)
    if ends[0] * ends[1] > 0:
        raise StudyError(f"{name} cannot reach its target: it is missed by {ends[0]:+.3g} to {ends[1]:+.3g}")
    return float(brentq(miss, low, high, xtol=1e-6))
