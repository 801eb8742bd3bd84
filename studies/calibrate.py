"""Fix each free parameter by the one measured number it is listed with, and by no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import brentq

from microstructure.errors import StudyError
from microstructure.recipe import Recipe
from microstructure.structure import Structure
from percolation.utilisation import measure_utilisation
from studies.compare import ARITHMETIC, SHOWN, measured_numbers
from studies.streams import BARE, seed_library, stream
from studies.study import Study
from studies.tasks import DRAWS, build_seed, contact_law, matrix_conductivities, mean_conductivity
from transport.composite import CompositeConductivity, ContactLaw

PARAMETERS = (
    "se.ionic_conductivity",
    "cb.neck_conductance",
    "composite.bare_contact_share",
    "cam.electronic_conductivity",
    "composite.block_resistance_electronic",
    "composite.block_resistance_ionic",
)


@dataclass(frozen=True)
class Target:
    """The one measured number that fixes a parameter."""

    recipe: Recipe
    quantity: str
    value: float = field(metadata={"unit": "SI"})


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
    return found


def count_data(study: Study) -> tuple[str, str, str]:
    """How many numbers were measured, which of them fix a parameter, and which are held out, in a sentence each."""
    measured = [f"{quantity} {composition}" for quantity, found in study.measured.items() for composition in found]
    fixing = [name for name in measured if name in study.fitted]
    arithmetic = [name for name in measured if name.split(" ")[0] in ARITHMETIC and name not in fixing]
    held_out = [name for name in measured if name not in (*fixing, *arithmetic)]
    return (
        f"{len(measured)} measured numbers, of which {len(arithmetic)} are arithmetic of the recipe.",
        f"{len(fixing)} fix a parameter each: {', '.join(fixing)}.",
        f"{len(held_out)} are held out, and predicted: {', '.join(held_out) or 'none'}.",
    )


def calibrate(study: Study) -> dict[str, float]:
    """Fit six parameters to six numbers, one after the other, on the mean over all seeds of a study.

    Returns
    -------
    dict
        The fitted parameters in SI units.

    Raises
    ------
    StudyError
        If a parameter has no target, or it lies outside of what the parameter can reach.
    """
    targets = find_targets(study)
    ions = _fit_ions(study, targets["se.ionic_conductivity"])
    neck = _fit_neck(study, targets["cb.neck_conductance"])
    share = _fit_share(study, targets["composite.bare_contact_share"])
    study = _with(study, "se", ionic_conductivity=f"{ions} S/m")
    study = _with(study, "cb", neck_conductance=f"{neck} S")
    study = _with(study, "composite", bare_contact_share=share)
    core = _fit_core(study, targets["cam.electronic_conductivity"])
    study = _with(study, "cam", electronic_conductivity=f"{core} S/m")
    resistances = {
        name: _fit_resistance(study, targets[f"composite.block_resistance_{name}"], name)
        for name in ("electronic", "ionic")
    }
    return dict(zip(PARAMETERS, (ions, neck, share, core, *resistances.values()), strict=True))


def _fit_ions(study: Study, target: Target) -> float:
    found = _mean_matrix(study, target.recipe)[1]
    return target.value / found * study.constants["se.ionic_conductivity"]


def _fit_neck(study: Study, target: Target) -> float:
    found = _mean_matrix(study, target.recipe)[0]
    if found == 0.0:
        raise StudyError(f"cb.neck_conductance cannot be fixed by {target.recipe}: its carbon does not percolate")
    return target.value / found * study.constants["cb.neck_conductance"]


def _fit_share(study: Study, target: Target) -> float:
    cells = _cells(study, target.recipe)

    def miss(share: float) -> float:
        found = [
            measure_utilisation(cell, bare_contact_share=share, draws=DRAWS, rng=stream(study, seed, BARE)).electronic[
                -1
            ]
            for seed, cell in enumerate(cells)
        ]
        return float(np.mean(found)) - target.value

    return solve(miss, "composite.bare_contact_share")


def _fit_core(study: Study, target: Target) -> float:
    matrix = _matrices(study, target.recipe)
    laws = [replace(contact_law(study, *one), core=1.0) for one in matrix]
    return target.value / _mean(study, _cells(study, target.recipe), laws).electronic


def _fit_resistance(study: Study, target: Target, name: str) -> float:
    cells, matrix = _cells(study, target.recipe), _matrices(study, target.recipe)

    def miss(resistance: float) -> float:
        laws = [replace(contact_law(study, *one), **{f"block_{name}": resistance}) for one in matrix]
        return float(getattr(_mean(study, cells, laws), name)) - target.value

    return solve(miss, f"composite.block_resistance_{name}")


def _matrices(study: Study, recipe: Recipe) -> list[tuple[float, float]]:
    return [
        matrix_conductivities(study, seed, recipe, seed_library(study, seed)) for seed in range(study.ensemble.seeds)
    ]


def _mean_matrix(study: Study, recipe: Recipe) -> tuple[float, float]:
    electronic, ionic = np.mean(_matrices(study, recipe), axis=0)
    return float(electronic), float(ionic)


def _cells(study: Study, recipe: Recipe) -> list[Structure]:
    return [build_seed(study, seed, recipe, seed_library(study, seed)) for seed in range(study.ensemble.seeds)]


def _mean(study: Study, cells: list[Structure], laws: list[ContactLaw]) -> CompositeConductivity:
    found = [
        mean_conductivity(study, seed, cell, law) for seed, (cell, law) in enumerate(zip(cells, laws, strict=True))
    ]
    electronic, ionic = (float(np.mean([getattr(one, name) for one in found])) for name in ("electronic", "ionic"))
    return CompositeConductivity(electronic, ionic, found[0].contacts)


def _with(study: Study, group: str, **constants: str | float) -> Study:
    """The study with some constants replaced."""
    materials = {**study.materials, group: {**study.materials.get(group, {}), **constants}}
    return study.model_copy(update={"materials": materials})


def solve(miss: Callable[[float], float], name: str) -> float:
    """The root of `miss` between 0 and 1."""
    ends = miss(0.0), miss(1.0)
    if ends[0] * ends[1] > 0:
        raise StudyError(f"{name} cannot reach its target: it is missed by {ends[0]:+.3g} to {ends[1]:+.3g}")
    return float(brentq(miss, 0.0, 1.0, xtol=1e-7))
