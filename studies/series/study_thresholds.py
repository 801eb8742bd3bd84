"""Carbon thresholds of one seed of a study: bulk, along the coat and across it, for every listed variant."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from microstructure.carbon.aggregates import AggregateLibrary
from microstructure.errors import ThresholdError
from percolation.carbon_paths.bridges import sweep_bridges
from percolation.carbon_paths.carbon_sweep import sweep_bulk, sweep_coat
from percolation.statistics.onsets import Sweep
from percolation.statistics.threshold import estimate_threshold
from studies.seeding import ACROSS, BULK, COAT, CONTACT, seed_library, stream
from studies.study import Study
from studies.summary import Value


def threshold_task(study: Study, seed: int) -> list[Value]:
    """Carbon thresholds of one seed: the study's own settings, each varied alone, and every case across the coat."""
    values = []
    for number, (setting, variant) in enumerate(variants(study)):
        library = seed_library(variant, seed)
        for kind, find in ((BULK, _bulk_threshold), (COAT, _coat_threshold), (CONTACT, _contact_threshold)):
            if kind != BULK or not setting.startswith("fit"):  # nothing has to fit in the bulk
                values.append(find(variant, library, setting, stream(study, seed, kind, number)))
    return values + _across_thresholds(study, seed, seed_library(study, seed))


def variants(study: Study) -> list[tuple[str, Study]]:
    """The study's own carbon settings under the name "", then each listed alternative to one of them."""
    settings, carbon = study.thresholds, study.carbon
    lists: dict[str, Sequence[str | float]] = {
        "size_measure": settings.size_measures,
        "fit": settings.fits,
        "contact_gap": settings.contact_gaps,
    }
    found = [("", study)]
    for key, alternatives in lists.items():
        for value in alternatives:
            if value != getattr(carbon, key):
                text = f"{value * 1e9:g} nm" if isinstance(value, float) else value
                changed = carbon.model_copy(update={key: value})
                found.append((f"{key}={text}", study.model_copy(update={"carbon": changed})))
    return found


def _bulk_threshold(study: Study, library: AggregateLibrary, setting: str, rng: np.random.Generator) -> Value:
    settings, gap = study.thresholds, study.carbon.contact_gap
    sweep = sweep_bulk(
        library,
        edge=settings.bulk_edge,
        runs=settings.runs,
        contact_gap=gap,
        dispersion=study.carbon.dispersion.dispersion,
        materials=study.constants,
        rng=rng,
    )
    return Value("threshold_bulk", "all", setting, "1", _value(sweep, 0))


def _coat_threshold(study: Study, library: AggregateLibrary, setting: str, rng: np.random.Generator) -> Value:
    settings, carbon = study.thresholds, study.carbon
    sweep = sweep_coat(
        library,
        thickness=study.coat_thickness,
        width=settings.coat_width,
        runs=settings.runs,
        fit=carbon.fit,
        contact_gap=carbon.contact_gap,
        dispersion=carbon.dispersion.dispersion,
        materials=study.constants,
        rng=rng,
    )
    return Value("threshold_in_plane", "all", setting, "1", _value(sweep, 1))


def _contact_threshold(study: Study, library: AggregateLibrary, setting: str, rng: np.random.Generator) -> Value:
    value = half_point(study, library, "core_to_core_seam", study.contact_area, study.thresholds.windows, rng)
    return Value("threshold_across", "all", setting, "1", value)


def _across_thresholds(study: Study, seed: int, library: AggregateLibrary) -> list[Value]:
    """The 50 % point of each case across the coat, for the contact area, a tenth and ten times of it."""
    settings, values = study.thresholds, []
    for number, case in enumerate(settings.cases):
        for factor, windows in ((0.1, 2 * settings.windows), (1.0, settings.windows), (10.0, 1)):
            area = factor * study.contact_area
            value = half_point(study, library, case, area, windows, stream(study, seed, ACROSS, number, windows))
            values.append(Value("threshold_across", "all", f"{case}, {area * 1e12:.2g} um2", "1", value))
    return values


def half_point(
    study: Study, library: AggregateLibrary, case: str, area: float, windows: int, rng: np.random.Generator
) -> float:
    """The carbon content at which half of the windows of this area are bridged."""
    bridges = sweep_bridges(
        library,
        thickness=study.coat_thickness,
        areas=[area],
        windows=windows,
        runs=max(2, math.ceil(4 * study.thresholds.runs / windows**2)),
        case=case,
        fit=study.carbon.fit,
        contact_gap=study.carbon.contact_gap,
        dispersion=study.carbon.dispersion.dispersion,
        materials=study.constants,
        rng=rng,
    )
    try:
        return bridges.half_point().value
    except ThresholdError:
        return math.inf


def _value(sweep: Sweep, axis: int) -> float:
    """The wrapping threshold, infinite where no carbon content that fits reaches it."""
    try:
        return estimate_threshold(sweep, kind="wrap", axis=axis).value
    except ThresholdError:
        return math.inf
