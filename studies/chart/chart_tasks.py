"""The pieces of work of a chart: bulk, flat coats, the paper's own coats, and single blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from microstructure.carbon.aggregates import AggregateLibrary, build_library
from microstructure.coats.outer_face import OuterFace
from microstructure.errors import ThresholdError
from microstructure.recipe import Recipe
from percolation.carbon_paths.block_sweep import sweep_block
from percolation.carbon_paths.bridge_rate import fit_bridge_rate
from percolation.carbon_paths.bridges import Bridges, join_bridges, sweep_bridges
from percolation.carbon_paths.carbon_sweep import sweep_bulk, sweep_coat
from percolation.statistics.onsets import Sweep
from percolation.statistics.pooling import Pooled, pool
from percolation.statistics.universal import critical_probability
from studies.chart.chart_plan import ChartPlan
from studies.chart.chart_rows import SEAM, SKIN, Row
from studies.jobs.checkpoints import Task

# streams of random numbers of one seed
LIBRARY, BULK, COAT, ACROSS, BLOCK, FLAT = range(6)
SHARE = 0.16  # of the box that carbon takes in the largest patches, by which their number is set
WIDE = 3e-6  # m: a patch that is looked at across is at least as wide
SMALLER = (1.0, 4.0, 16.0, 64.0)  # parts of the largest window that bridge rates are read from
SKIN_UP_TO = 0.45  # carbon content beyond which no bridge through the skin is looked for
SKIN_COATS = 1.0  # aggregate sizes: thicker coats are not looked at with it


@dataclass(frozen=True)
class Condition:
    """Which carbon lies how in a coat."""

    structure: str
    dispersion: str = ""
    fit: str = "reorient"
    size_measure: str = "hydrodynamic"
    contact_gap: float = 0.0
    thickness: float = 0.0

    @property
    def name(self) -> str:
        """For the file that keeps its rows."""
        parts = [self.structure, self.dispersion, self.fit, self.size_measure]
        return "-".join([*parts, f"gap{self.contact_gap * 1e9:g}", f"{self.thickness * 1e9:.4g}nm"])


def chart_tasks(plan: ChartPlan) -> list[Task]:
    """All pieces of work: those first on which the chart hangs."""
    first = next(iter(plan.dispersions))
    mixed = [Condition(structure, dispersion) for structure in plan.structures for dispersion in plan.dispersions]
    size = plan.constants["cb.aggregate_diameter"]
    coats = [
        replace(condition, fit=fit, thickness=round(ratio * size, 12))
        for condition in mixed
        for fit in plan.fits
        for ratio in plan.ratios
    ]
    tasks = [_task(bulk_rows, "bulk", plan, condition) for condition in mixed]
    tasks += [_task(coat_rows, "coat", plan, condition) for condition in coats]
    tasks += [_task(block_rows, "block", plan, condition) for condition in _blocks(plan, first)]
    skins = [coat for coat in coats[: len(plan.ratios)] if coat.thickness <= SKIN_COATS * size * (1.0 + 1e-9)]
    tasks += [_task(skin_rows, "skin", plan, coat) for coat in skins if SEAM in plan.cases]
    return tasks + [
        Task(f"own-{condition.name}", 0, partial(own_rows, plan, condition)) for condition in _own_variants(plan, first)
    ]


def bulk_rows(plan: ChartPlan, condition: Condition) -> list[Row]:
    """The threshold of the bulk matrix."""

    def sweep(seed: int) -> Sweep:
        return sweep_bulk(
            _library(plan, condition, seed),
            edge=plan.effort.bulk_edge,
            runs=plan.effort.bulk_runs,
            contact_gap=condition.contact_gap,
            dispersion=plan.dispersions[condition.dispersion].dispersion,
            materials=plan.constants,
            rng=_stream(plan, seed, BULK, condition),
        )

    found = _pool_wraps([sweep(seed) for seed in _seeds(plan)], axis=0)
    return [_row(plan, "bulk", replace(condition, fit=""), found, plan.effort.bulk_runs)]


def coat_rows(plan: ChartPlan, condition: Condition) -> list[Row]:
    """The thresholds of one flat coat: along it, and across it for every case and contact area, with bridge rates."""
    rows = [in_plane_row(plan, condition)]
    for case in plan.cases:
        bridges = _bridges(plan, condition, case, plan.area_factors)
        rows += _half_rows(plan, condition, bridges)
        rows += _rate_rows(plan, condition, join_bridges(bridges))
    return rows


def skin_rows(plan: ChartPlan, condition: Condition) -> list[Row]:
    """The thresholds across a seam if of its contacts those alone carry whose skins are thin enough.

    The patches, and the places of their carbon, are those of ideal contact.
    """
    skin, reach = (plan.constants[f"coat.{name}"] for name in ("skin_thickness", "tunnelling_range"))
    face = OuterFace.with_skin(skin, tunnelling_range=reach)
    bridges = _bridges(plan, condition, SEAM, plan.area_factors, face, SKIN_UP_TO)
    remark = (
        f"skin of {1e9 * skin:.3g} nm: {100.0 * face.seam_share:.2g} % of the contacts of two coats carry;"
        f" looked for up to {100.0 * SKIN_UP_TO:g} vol%"
    )
    return [replace(row, case=SKIN, remark=remark) for row in _half_rows(plan, condition, bridges)]


def own_rows(plan: ChartPlan, condition: Condition) -> list[Row]:
    """Bulk and the paper's own coats for one size measure and contact gap."""
    rows = bulk_rows(plan, condition)
    for composition in plan.own_coats.compositions:
        thickness = Recipe.parse(composition, plan.constants).film_thickness()
        coat = replace(condition, thickness=thickness)
        found = [in_plane_row(plan, coat)]
        for case in plan.cases:
            found += _half_rows(plan, coat, _bridges(plan, coat, case, [1.0]))
        rows += [replace(row, composition=composition) for row in found]
    return rows


def block_rows(plan: ChartPlan, condition: Condition) -> list[Row]:
    """Curved coats of one thickness on cores of every diameter, beside flat coats of the same area."""
    return [row for diameter in plan.blocks.diameters for row in _curved_rows(plan, condition, diameter)]


def _curved_rows(plan: ChartPlan, condition: Condition, diameter: float) -> list[Row]:
    common = _settings(plan, condition)
    blocks, flats = [], []
    width = math.sqrt(math.pi) * (diameter + condition.thickness)  # a square as large as the middle of the coat
    for seed in _seeds(plan):
        library, thickness = _library(plan, condition, seed), condition.thickness
        rng, flat_rng = (_stream(plan, seed, kind, condition, round(diameter * 1e9)) for kind in (BLOCK, FLAT))
        runs = plan.blocks.runs
        blocks.append(sweep_block(library, diameter=diameter, thickness=thickness, runs=runs, rng=rng, **common))
        flats.append(sweep_coat(library, thickness=thickness, width=width, runs=runs, rng=flat_rng, **common))
    found = {name: pool([getattr(block, name) for block in blocks]) for name in ("all_round", "outward", "octants")}
    found["flat_in_plane"] = pool([flat.wrap[:, 1:] for flat in flats])
    area = math.pi / 8.0 * diameter**2
    bridges = _bridges(plan, condition, "core_to_outside", [area / plan.contact_area(condition.thickness)])
    found["flat_outward"] = pool([one.windows() for one in bridges])
    rows = [_row(plan, name, condition, value, plan.blocks.runs) for name, value in found.items()]
    return [replace(row, diameter=diameter) for row in rows]


def in_plane_row(plan: ChartPlan, condition: Condition) -> Row:
    """The threshold along one flat coat."""
    runs, common = plan.effort.coat_runs, _settings(plan, condition)

    def sweep(seed: int) -> Sweep:
        library, rng = _library(plan, condition, seed), _stream(plan, seed, COAT, condition)
        width = max(plan.effort.coat_width, 2.0 * condition.thickness)
        return sweep_coat(library, thickness=condition.thickness, width=width, runs=runs, rng=rng, **common)

    found = _pool_wraps([sweep(seed) for seed in _seeds(plan)], axis=1)
    return _row(plan, "in_plane", condition, found, runs)


def _bridges(
    plan: ChartPlan,
    condition: Condition,
    case: str,
    factors: Sequence[float],
    face: OuterFace | None = None,
    up_to: float | None = None,
) -> list[Bridges]:
    """The bridges of every seed, in windows of the contact areas, and of parts of the largest for the rates."""
    contacts = [factor * plan.contact_area(condition.thickness) for factor in factors]
    core = math.pi * plan.core_diameter**2  # no contact is larger than the whole core
    contacts = [area for area in contacts if area <= core] or contacts[:1]
    parts = [contacts[-1] / part for part in SMALLER if contacts[-1] / part >= plan.effort.least_window**2]
    areas = sorted({round(area, 24) for area in contacts + (parts if len(factors) > 1 else [])})
    side = math.sqrt(areas[-1])
    windows = max(1, math.ceil(WIDE / side))
    coats = 1.0 if case == "core_to_outside" else 2.0
    library = _library(plan, condition, 0)
    held = SHARE * coats * condition.thickness * (windows * side) ** 2 / library.primary_volume
    runs = int(np.clip(plan.effort.primaries / held, 2, plan.effort.patches))
    number = plan.cases.index(case) if case in plan.cases else len(plan.cases)
    return [
        sweep_bridges(
            _library(plan, condition, seed),
            thickness=condition.thickness,
            areas=areas,
            windows=windows,
            runs=runs,
            case=case,
            face=face,
            up_to=up_to or plan.up_to,
            rng=_stream(plan, seed, ACROSS, condition, number, len(factors)),
            **_settings(plan, condition),
        )
        for seed in _seeds(plan)
    ]


def _half_rows(plan: ChartPlan, condition: Condition, bridges: list[Bridges]) -> list[Row]:
    rows, default = [], plan.contact_area(condition.thickness)
    for area in bridges[0].areas:
        factor = area / default
        if any(math.isclose(factor, wanted, rel_tol=1e-6) for wanted in plan.area_factors):
            windows = [one.windows(area) for one in bridges]
            row = _row(plan, "across", condition, pool(windows), len(windows[0]))
            rows.append(replace(row, case=bridges[0].case, area=area, area_factor=round(factor, 6)))
    return rows


def _rate_rows(plan: ChartPlan, condition: Condition, bridges: Bridges) -> list[Row]:
    rows = []
    for content in plan.contents:
        try:
            rate = fit_bridge_rate(bridges, content)
        except ThresholdError:  # too few or too many bridges at this content
            continue
        remark = (
            "constant" if rate.constant else f"known over a factor {rate.factor:.0f} in area, p {rate.consistency:.2g}"
        )
        row = _row(plan, "bridge_rate", condition, Pooled(rate.value, rate.low, rate.high), len(bridges.onsets[0]))
        row = replace(row, structures=row.structures // plan.ensemble.seeds, case=bridges.case)
        rows.append(replace(row, content=content, rim=rate.rim, remark=remark))
    return rows


def _row(plan: ChartPlan, quantity: str, condition: Condition, found: Pooled, runs: int) -> Row:
    thin = 0.0 < condition.thickness < plan.constants["cb.primary_diameter"]
    return Row(
        quantity,
        condition.structure,
        condition.dispersion,
        condition.fit,
        condition.size_measure,
        condition.contact_gap,
        condition.thickness,
        condition.thickness / plan.constants["cb.aggregate_diameter"],
        _digits(found.value),
        _digits(found.low),
        _digits(found.high),
        plan.ensemble.seeds,
        runs * plan.ensemble.seeds,
        remark="thinner than a primary: carbon stands out of it" if thin else "",
    )


def _pool_wraps(sweeps: list[Sweep], axis: int) -> Pooled:
    probability = critical_probability(sweeps[0], "wrap", axis).value
    axes = [a for a in range(3) if sweeps[0].periodic[a]]  # all periodic edges are equal here
    return pool([sweep.wrap[:, axes] for sweep in sweeps], probability)


def _settings(plan: ChartPlan, condition: Condition) -> dict[str, Any]:
    dispersion = plan.dispersions[condition.dispersion].dispersion
    gap, fit = condition.contact_gap, condition.fit
    return {"fit": fit, "contact_gap": gap, "dispersion": dispersion, "materials": plan.constants}


def _library(plan: ChartPlan, condition: Condition, seed: int) -> AggregateLibrary:
    own, materials, measure = plan.structures[condition.structure], plan.constants, condition.size_measure
    number = list(plan.structures).index(condition.structure)
    path = (seed, LIBRARY, number, *measure.encode())
    growth = (
        own.fractal_dimension or materials["cb.fractal_dimension"],
        own.prefactor or materials["cb.fractal_prefactor"],
    )
    sizes = tuple(materials[f"cb.{name}"] for name in ("aggregate_diameter", "aggregate_width", "primary_diameter"))
    return _grow_library(plan.ensemble.seed, path, measure, sizes, growth)


@lru_cache(maxsize=64)
def _grow_library(
    entropy: int, path: tuple[int, ...], size_measure: str, sizes: tuple[float, ...], growth: tuple[float, float]
) -> AggregateLibrary:
    """Growing a library takes a second, and every task asks often."""
    return build_library(
        rng=np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=path)),
        diameter=sizes[0],
        width=sizes[1],
        primary_diameter=sizes[2],
        size_measure=size_measure,
        fractal_dimension=growth[0],
        prefactor=growth[1],
    )


def _stream(plan: ChartPlan, seed: int, kind: int, condition: Condition, *path: int) -> np.random.Generator:
    """Random numbers of one purpose: what a condition draws depends on its name, not on what else is planned."""
    key = (seed, kind, *condition.name.encode(), *path)
    return np.random.default_rng(np.random.SeedSequence(plan.ensemble.seed, spawn_key=key))


def _seeds(plan: ChartPlan) -> Iterable[int]:
    return range(plan.ensemble.seeds)


def _task(work: Callable[[ChartPlan, Condition], list[Row]], kind: str, plan: ChartPlan, condition: Condition) -> Task:
    return Task(f"{kind}-{condition.name}", 0, partial(work, plan, condition))


def _blocks(plan: ChartPlan, dispersion: str) -> list[Condition]:
    if not plan.blocks.diameters:
        return []
    structure = next(iter(plan.structures))
    return [Condition(structure, dispersion, thickness=thickness) for thickness in plan.blocks.thicknesses]


def _own_variants(plan: ChartPlan, dispersion: str) -> list[Condition]:
    """Each size measure at the first contact gap, and each contact gap at the hydrodynamic size."""
    if not plan.own_coats.compositions:
        return []
    own, structure = plan.own_coats, next(iter(plan.structures))
    measures = [
        Condition(structure, dispersion, size_measure=m, contact_gap=own.contact_gaps[0]) for m in own.size_measures
    ]
    gaps = [Condition(structure, dispersion, contact_gap=gap) for gap in own.contact_gaps]
    return list(dict.fromkeys([*measures, *gaps]))


def _digits(value: float) -> float:
    return float(f"{value:.5g}")
