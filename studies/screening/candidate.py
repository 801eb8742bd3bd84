"""One candidate on one seed: its blocks under parameters as likely as any others, and its capacity at each rate."""

from __future__ import annotations

from functools import partial

from threadpoolctl import threadpool_limits

from studies.cell.rate import HOUR, estimate_capacity
from studies.jobs.checkpoints import Task
from studies.screening.design import Candidate
from studies.seeding import BLOCKS, BONDS, PARAMETERS, PATCHES, stream
from studies.study import Study
from studies.summary import Value
from studies.two_scale.fitted import FittedSet, with_fitted
from studies.two_scale.patch_library import PatchLibrary
from studies.two_scale.prediction import Blocks, lay_blocks, matrix_conductivities

# shown name, unit shown, and 1 of it in SI
SHOWN = {
    "utilisation_joint": ("utilisation, both", "%", 1e-2),
    "utilisation_electronic": ("utilisation, electrons", "%", 1e-2),
    "utilisation_ionic": ("utilisation, ions", "%", 1e-2),
    "reachable_area": ("reachable area", "%", 1e-2),
    "composite_electronic": ("electrons", "mS/cm", 0.1),
    "electronic_feeding": ("electrons, from the collector", "mS/cm", 0.1),
    "composite_ionic": ("ions", "mS/cm", 0.1),
    "matrix_electronic": ("matrix, electrons", "mS/cm", 0.1),
    "matrix_ionic": ("matrix, ions", "mS/cm", 0.1),
    "bond_share": ("faces bridged", "%", 1e-2),
    "coat": ("coat", "nm", 1e-9),
    "over_threshold": ("carbon / coat threshold", "1", 1.0),
    "porosity": ("porosity", "%", 1e-2),
}
UNITS = {
    "coat": "m",
    "area_per_volume": "1/m",
    "composite_electronic": "S/m",
    "electronic_feeding": "S/m",
    "composite_ionic": "S/m",
}


def capacity_name(rate: float) -> str:
    """The quantity that holds the capacity at a C-rate."""
    return f"capacity_{rate:g}C"


def candidate_tasks(
    candidates: list[Candidate], libraries: list[PatchLibrary], fitted: FittedSet, rates: list[float], *, ideal: bool
) -> list[Task]:
    """One task for each candidate and seed."""
    return [
        Task(
            f"{number:04d}-seed{seed}",
            seed,
            partial(candidate_values, candidate, seed, library, fitted, tuple(rates), ideal=ideal),
        )
        for number, (candidate, library) in enumerate(zip(candidates, libraries, strict=True))
        for seed in range(candidate.study.ensemble.seeds)
    ]


def candidate_values(
    candidate: Candidate,
    seed: int,
    library: PatchLibrary,
    fitted: FittedSet,
    rates: tuple[float, ...],
    *,
    ideal: bool = False,
) -> list[Value]:
    """Pack, coat and bond one cathode under one draw of the parameters and of what the patches are known to.

    Every candidate of a seed has the same draw. Parameters were fitted on the patches' own values, and are drawn apart
    from them: what their errors have in common counts twice.

    With `ideal` the conductivities are also given without resistance between blocks, that of electrons on the first
    draw of the bonds alone.
    """
    study = with_fitted(candidate.study, fitted.draw(stream(candidate.study, seed, PARAMETERS), candidate.study))
    library, rng = library.draw(stream(study, seed, PATCHES)), stream(study, seed, BONDS)
    recipe = study.recipes[0]
    with threadpool_limits(1):
        blocks = Blocks(recipe, lay_blocks(study, recipe, stream(study, seed, BLOCKS)), library, study.outer_face)
        reached, bonds = blocks.reach(rng, study.composite.ionic_contact_share), blocks.draw(rng)
        found = blocks.predict(reached, bonds).named()
        found["matrix_electronic"], found["matrix_ionic"] = matrix_conductivities(recipe, library)
        found |= _capacities(study, found, rates)
        by_setting = {candidate.setting: found}
        if ideal:
            by_setting[_joined(candidate.setting, "ideal contacts")] = {
                "composite_electronic": blocks.electronic_conductivity(bonds[:1], ideal=True),
                "composite_ionic": blocks.ionic_conductivity(ideal=True),
            }
    return [
        Value(name, candidate.composition, setting, _unit(name), float(value))
        for setting, numbers in by_setting.items()
        for name, value in numbers.items()
    ]


def _capacities(study: Study, found: dict[str, float], rates: tuple[float, ...]) -> dict[str, float]:
    """Capacity at each C-rate [mAh/g], from utilisation and conductivities."""
    recipe = study.recipes[0]
    porosity = study.composite.total_porosity(recipe)
    length = study.cathode.length(recipe, porosity)
    capacities = {
        rate: estimate_capacity(
            recipe,
            c_rate=rate,
            utilisation=min(found["utilisation_joint"], 1.0),
            electronic=found["composite_electronic"],
            ionic=found["composite_ionic"],
            loading=length * recipe.mixed_density * (1.0 - porosity),
            length=length,
            feeding=found["electronic_feeding"],
        )
        for rate in rates
    }
    # A s/kg over an hour: mAh/g
    return {capacity_name(rate): capacity.capacity / HOUR for rate, capacity in capacities.items()}


def _unit(name: str) -> str:
    if name.startswith("capacity"):
        return "mA*h/g"
    return "S/m" if name.startswith("matrix") else UNITS.get(name, "1")


def _joined(setting: str, further: str) -> str:
    return f"{setting}, {further}" if setting else further
