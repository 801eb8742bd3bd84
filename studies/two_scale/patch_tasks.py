"""The pieces of work of a patch library: one coat across, one coat at one carbon content, the bulk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from microstructure.carbon.aggregates import AggregateLibrary, build_library
from microstructure.carbon.placement import Carbon, fill_bulk, fill_flat
from microstructure.coats.outer_face import OuterFace
from microstructure.errors import ThresholdError
from microstructure.patch import matrix_image
from microstructure.recipe import box_share, carbon_scales
from microstructure.structure import Phase
from percolation.carbon_paths.bridge_rate import BridgeRate, fit_bridge_rate
from percolation.carbon_paths.bridges import Bridges, join_bridges, sweep_bridges
from percolation.carbon_paths.bridging_contacts import count_contacts, single_bridges
from percolation.carbon_paths.carbon_sweep import sweep_bulk, sweep_coat
from percolation.carbon_paths.coat_case import CoatCase
from percolation.carbon_paths.network import CarbonNetwork, link_carbon
from percolation.statistics.pooling import pool
from studies.jobs.checkpoints import Task
from studies.summary import NORMAL, half_interval
from studies.two_scale.patch_plan import CarbonState, PatchPlan
from transport import effective_conductivity
from transport.networks.carbon_resistors import AcrossConductance, across_conductance, along_conductivity

# streams of random numbers of one seed
LIBRARY, ACROSS, CONDUCTION, PORES, THRESHOLD = range(5)
SEAM, WALL = "core_to_core_seam", "core_to_wall"
SHARES = (0.01, 0.1, 0.3, 1.0)  # of the contacts of the outer face that carry; below the first, rates are linear
SINGLE = 1  # bridges of each seed that are solved alone
GROWTH = ("aggregate_diameter", "aggregate_width", "primary_diameter", "fractal_dimension", "fractal_prefactor")
NEVER = 3.0  # bridges that a window may hide where none was seen: 95 % of a Poisson law


@dataclass(frozen=True)
class PatchRow:
    """One number of a patch library, with its 95 % interval."""

    quantity: str
    thickness: float = field(metadata={"unit": "m", "what": "of one coat; 0 for the bulk"})
    content: float = field(metadata={"unit": "1", "what": "CB volume fraction of the matrix, pores excluded"})
    value: float
    low: float
    high: float
    note: str = ""
    share: float = field(default=1.0, metadata={"unit": "1", "what": "of the contacts of the outer face that carry"})


def patch_tasks(state: CarbonState, plan: PatchPlan) -> list[Task]:
    """All pieces of work, the long ones first."""
    nm = [f"{thickness * 1e9:g}nm" for thickness in plan.thicknesses]
    coats = list(zip(nm, plan.thicknesses, strict=True))[::-1]
    across = [
        Task(f"{name}-{case}", 0, partial(rate_rows, state, plan, thickness, case))
        for name, thickness in coats
        for case in (SEAM, WALL)
    ]
    thresholds = [
        Task(f"threshold-{name}", 0, partial(threshold_rows, state, plan, thickness)) for name, thickness in coats
    ]
    contents = (*plan.contents[::-1], 0.0)
    bulk = [Task(f"bulk-{content:g}", 0, partial(bulk_rows, state, plan, content)) for content in contents]
    conduction = [
        Task(f"{name}-{content:g}", 0, partial(coat_rows, state, plan, thickness, content))
        for content in contents
        for name, thickness in coats
    ]
    return [
        *across,
        *bulk,
        *conduction,
        *thresholds,
        Task("threshold-bulk", 0, partial(threshold_rows, state, plan, 0.0)),
    ]


def rate_rows(state: CarbonState, plan: PatchPlan, thickness: float, case: str) -> list[PatchRow]:
    """Bridges per area through the seam of two coats of this thickness, or through one coat between core and wall."""
    with threadpool_limits(1):
        bridges = join_bridges(
            [
                sweep_bridges(
                    _aggregates(state, plan, seed),
                    thickness=thickness,
                    areas=plan.windows,
                    runs=plan.patches,
                    case=case,
                    face=OuterFace(state.protrusion),
                    up_to=plan.contents[-1],
                    contents=plan.contents,
                    rng=plan.stream(seed, ACROSS, case == SEAM, _nm(thickness)),
                    **_settings(state),
                )
                for seed in range(plan.seeds)
            ]
        )
    quantity = "bridge_rate" if case == SEAM else "wall_bridge_rate"
    return [row for share in SHARES for row in _share_rows(bridges, plan, quantity, thickness, share)]


def _share_rows(bridges: Bridges, plan: PatchPlan, quantity: str, thickness: float, share: float) -> list[PatchRow]:
    """The rates at one share of contacts that carry."""
    rates = [_rate(bridges, content, share) for content in plan.contents]
    rims = [rate.rim for rate in rates if rate is not None]
    rim = rims[0] if rims else 0.0
    rows, most = [], 0.0
    for content, rate in zip(plan.contents, rates, strict=True):
        if rate is not None:
            row = PatchRow(quantity, thickness, content, rate.value, rate.low, rate.high, share=share)
        else:
            row = _counted(
                bridges, content, rim, PatchRow(quantity, thickness, content, most, most, math.inf, "at least", share)
            )
        most = max(most, row.value)
        rows.append(row)
    return rows


def coat_rows(state: CarbonState, plan: PatchPlan, thickness: float, content: float) -> list[PatchRow]:
    """Electrons along two coats that meet, and from core to core through them; ions along one coat, and across it."""
    with threadpool_limits(1):
        electrons = [_coat_electrons(state, plan, thickness, content, seed) for seed in range(plan.seeds)]
        ions = [_coat_ions(state, plan, thickness, content, seed) for seed in range(plan.seeds)]
    across, along, alone, contacts = zip(*electrons, strict=True)
    bridges = np.concatenate([one.bridges for one in across])
    spread = float(bridges.std() / bridges.mean()) if len(bridges) > 1 else math.nan
    area = plan.width**2
    found = {
        "along_electronic": along,
        "across_electronic": [one.value / area for one in across],
        "across_touches": [one.touches / area for one in across],
        "seam_contacts": [one / area for one in contacts],
        "along_ionic": [one[0] for one in ions],
        "across_ionic": [one[1] for one in ions],
        "bridges": [len(one.bridges) / area for one in across],
    }
    rows = [_row(name, thickness, content, values) for name, values in found.items()]
    single = [value for one in alone for value in one]
    if len(single) > 1:  # without any bridge the next contents tell
        rows.append(_row("single_bridge", thickness, content, single))
    return [*rows, PatchRow("bridge_spread", thickness, content, spread, math.nan, math.nan)]


def bulk_rows(state: CarbonState, plan: PatchPlan, content: float) -> list[PatchRow]:
    """Electrons and ions in the bulk matrix."""
    electronic, ionic = [], []
    with threadpool_limits(1):
        for seed in range(plan.seeds):
            share, rng = float(box_share(content, state.materials)), plan.stream(seed, CONDUCTION, 0, _ppm(content))
            carbon = _cube(state, plan, seed, plan.bulk_edge, share, rng)
            network = _link(state, carbon, (plan.bulk_edge,) * 3, (True,) * 3)
            electronic.append(along_conductivity(network, _ratio(state), axis=0))
            edge = round(plan.ion_width / plan.voxel) * plan.voxel
            carbon = _cube(state, plan, seed, edge, share, rng)
            ionic.append(_solve_ions(state, plan, carbon, (edge,) * 3, plan.voxel, content, seed, (0,), bulk=True)[0])
    return [_row("bulk_electronic", 0.0, content, electronic), _row("bulk_ionic", 0.0, content, ionic)]


def threshold_rows(state: CarbonState, plan: PatchPlan, thickness: float) -> list[PatchRow]:
    """The carbon content at which a coat of this thickness, or the bulk (0), percolates along itself."""
    onsets = []
    with threadpool_limits(1):
        for seed in range(plan.seeds):
            library, rng = _aggregates(state, plan, seed), plan.stream(seed, THRESHOLD, _nm(thickness))
            if thickness == 0.0:
                settings = {name: value for name, value in _settings(state).items() if name != "fit"}
                found = sweep_bulk(library, edge=plan.bulk_edge, runs=plan.runs, rng=rng, **settings).wrap
            else:
                width = max(1.5 * plan.width, 2.0 * thickness)
                settings = _settings(state)
                sweep = sweep_coat(library, thickness=thickness, width=width, runs=plan.runs, rng=rng, **settings)
                found = sweep.wrap[:, 1:]
            onsets.append(found)
    pooled = pool(onsets)
    return [PatchRow("threshold", thickness, math.nan, pooled.value, pooled.low, pooled.high)]


def _coat_electrons(
    state: CarbonState, plan: PatchPlan, thickness: float, content: float, seed: int
) -> tuple[AcrossConductance, float, list[float], int]:
    """Across the seam of two coats [S per S of a neck], and along it [1/m per S of a neck].

    And some of its bridges, each conducting alone, and the number of contacts between the two coats.
    """
    library, share = _aggregates(state, plan, seed), _coat_share(state, content)
    rng = plan.stream(seed, CONDUCTION, _nm(thickness), _ppm(content))
    place = (state.fit, state.contact_gap, state.dispersion)
    seam = CoatCase(library, thickness, plan.width, SEAM, *place, OuterFace(state.protrusion))
    carbon = seam.grow(share, np.random.SeedSequence(int(rng.integers(2**63))))
    network = _link(state, carbon, seam.box, (False, True, True))
    across = across_conductance(network, seam.faces(network.carbon), _ratio(state))
    alone = [
        across_conductance(one, faces, _ratio(state)).value
        for one, faces in single_bridges(network, seam, SINGLE, rng=rng)
    ]
    return across, along_conductivity(network, _ratio(state), axis=1), alone, count_contacts(network, seam)


def _coat_ions(state: CarbonState, plan: PatchPlan, thickness: float, content: float, seed: int) -> tuple[float, float]:
    """Along one coat and across it, over the conductivity of the electrolyte."""
    library, share = _aggregates(state, plan, seed), _coat_share(state, content)
    voxel = thickness / max(4, math.ceil(thickness / plan.voxel - 1e-9))
    sides = round(plan.ion_width / voxel)
    box = (thickness, sides * voxel, sides * voxel)
    carbon = fill_flat(
        library,
        width=box[1:],
        floor=library.radius,
        ceiling=OuterFace(state.protrusion).ceiling(thickness, library.radius),
        volume=share * math.prod(box),
        fit=state.fit,
        dispersion=state.dispersion,
        rng=plan.stream(seed, CONDUCTION, 1, _nm(thickness), _ppm(content)),
    )
    along, across = _solve_ions(state, plan, carbon, box, voxel, content, seed, (1, 0), bulk=False)
    return along, across


def _solve_ions(
    state: CarbonState,
    plan: PatchPlan,
    carbon: Carbon,
    box: tuple[float, float, float],
    voxel: float,
    content: float,
    seed: int,
    axes: Sequence[int],
    *,
    bulk: bool,
) -> list[float]:
    """Ionic conductivity of an image of bulk matrix, or of a coat, along some axes, over that of the electrolyte."""
    shape, periodic = tuple(round(edge / voxel) for edge in box), (bulk, True, True)
    pores = state.materials.matrix_porosity if bulk else state.materials.coat_porosity
    porosity = pores(carbon_scales(content, state.materials)[0])
    length, rng = state.materials["matrix.pore_length"], plan.stream(seed, PORES, *shape, _ppm(content))
    labels = matrix_image(carbon, shape, box, periodic, porosity, length, rng=rng)
    conductivity = dict.fromkeys(map(int, Phase), 0.0) | {int(Phase.ELECTROLYTE): 1.0}
    return [
        effective_conductivity(
            labels, conductivity=conductivity, voxel_size=voxel, axis=axis, periodic=periodic, tolerance=1e-4
        ).value
        for axis in axes
    ]


def _coat_share(state: CarbonState, content: float) -> float:
    """Share of a coat with its pores that carbon takes."""
    return float(box_share(content, state.materials, state.materials.coat_porosity))


def _cube(
    state: CarbonState, plan: PatchPlan, seed: int, edge: float, share: float, rng: np.random.Generator
) -> Carbon:
    library = _aggregates(state, plan, seed)
    return fill_bulk(library, box=(edge,) * 3, volume=share * edge**3, dispersion=state.dispersion, rng=rng)


def _link(
    state: CarbonState, carbon: Carbon, box: tuple[float, float, float], periodic: tuple[bool, bool, bool]
) -> CarbonNetwork:
    return link_carbon(carbon, box=box, periodic=periodic, contact_gap=state.contact_gap)


def _rate(bridges: Bridges, content: float, share: float) -> BridgeRate | None:
    """The fitted rate, or None where too few or too many windows are bridged."""
    try:
        return fit_bridge_rate(bridges, content, share=share)
    except ThresholdError:
        return None


def _counted(bridges: Bridges, content: float, rim: float, least: PatchRow) -> PatchRow:
    """Where no rate can be fitted: from the largest windows if few are bridged, else the `least` that is known."""
    side = math.sqrt(bridges.areas[0]) - rim
    opened = bridges.open_windows(content, bridges.areas[0], least.share)
    bridged, size = int(np.sum(opened < 1.0)), opened.size
    if 2.0 * (size - opened.sum()) > size:
        return least
    if least.share == 1.0 or bridged == 0:
        counts = [min(count * least.share / size, 1.0 - 0.5 / size) for count in _poisson(bridged)]
    else:  # contacts come in numbers: their scatter is that of the patches
        mean, half = float(1.0 - opened.mean()), half_interval(opened.mean(axis=1))
        counts = [mean, max(mean - half, 0.0), min(mean + half, 1.0 - 0.5 / size)]
    value, low, high = (-math.log1p(-count) / side**2 for count in counts)
    return replace(least, value=value, low=low, high=high, note="counted")


def _poisson(count: int) -> tuple[float, float, float]:
    """A count and its 95 % interval."""
    if count == 0:
        return 0.0, 0.0, NEVER
    half = NORMAL * math.sqrt(count)
    return float(count), max(count - half, 0.0), count + half


def _row(quantity: str, thickness: float, content: float, values: Sequence[float]) -> PatchRow:
    found = np.asarray(values, float)
    mean, half = float(found.mean()), half_interval(found)
    return PatchRow(quantity, thickness, content, mean, max(mean - half, 0.0), mean + half)


def _settings(state: CarbonState) -> dict[str, Any]:
    return {
        "fit": state.fit,
        "contact_gap": state.contact_gap,
        "dispersion": state.dispersion,
        "materials": state.materials,
    }


def _ratio(state: CarbonState) -> float:
    return state.materials["cb.contact_ratio"]


def _aggregates(state: CarbonState, plan: PatchPlan, seed: int) -> AggregateLibrary:
    return _grow(plan, seed, state.size_measure, *(state.materials[f"cb.{name}"] for name in GROWTH))


@lru_cache(maxsize=16)
def _grow(plan: PatchPlan, seed: int, size_measure: str, *growth: float) -> AggregateLibrary:
    """Growing aggregates takes a second, and every task asks often."""
    diameter, width, primary_diameter, fractal_dimension, prefactor = growth
    return build_library(
        rng=plan.stream(seed, LIBRARY),
        diameter=diameter,
        width=width,
        size_measure=size_measure,
        primary_diameter=primary_diameter,
        fractal_dimension=fractal_dimension,
        prefactor=prefactor,
    )


def _nm(thickness: float) -> int:
    return round(thickness * 1e10)


def _ppm(content: float) -> int:
    return round(content * 1e6)
