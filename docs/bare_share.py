"""Which share of bare contacts gives a stated electronic utilisation, in a cathode of any thickness."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from cathode_thickness import DRAWS, Interval, build_periodic, cathodes, check_cores, parse_thicknesses

from microstructure.arguments import check_kind, check_number, check_runs
from microstructure.errors import StudyError
from microstructure.recipe import Recipe
from microstructure.structure import Structure
from percolation import measure_thick_limit
from percolation.utilisation.reach import check_shares, count_inserted, reach_electrons, weighted_mean
from studies.seeding import BARE, seed_library, stream
from studies.study import Study
from studies.summary import half_interval


def fit_bare_share(
    study: Study,
    recipe: Recipe,
    *,
    target: float,
    thickness: float,
    cores_per_median: int = 100,
    limit_cores: int = 1000,
    shares: Sequence[float],
    draws: int = DRAWS,
) -> Interval:
    """The share of bare contacts that gives a stated electronic utilisation at one thickness of the cathode.

    Parameters
    ----------
    study, recipe, cores_per_median, limit_cores, draws
        As for `cathode_thickness.sweep_thickness`.
    target : float
        Electronic utilisation by volume.
    thickness : float
        In median core diameters; infinite for the thick limit.
    shares : sequence of float
        Shares to try, rising; the answer is read off between them.

    Returns
    -------
    Interval
        Its ends are where the target meets the 95 % interval of the mean over the seeds.

    Raises
    ------
    StudyError
        If the shares tried do not enclose the target.
    TypeError, ValueError
        As `sweep_thickness`.

    Examples
    --------
    >>> from studies.study import load_study
    >>> study = load_study("kissel2026", quick=True, seeds=2)
    >>> found = fit_bare_share(
    ...     study, study.recipes[0], target=0.65, thickness=5.0, cores_per_median=12, shares=[0.0, 0.2, 0.4, 0.8]
    ... )
    >>> 0.2 < found.value < 0.4
    True
    """
    check_kind("study", study, Study)
    check_kind("recipe", recipe, Recipe)
    check_shares(target=[target])
    check_runs(draws, "draws")
    tried, found = check_shares(shares=shares), []
    for seed, cell in enumerate(_cells(study, recipe, thickness, cores_per_median, limit_cores)):
        found.append([_electronic(study, seed, cell, float(share), draws) for share in tried])
    mean, half = np.mean(found, axis=0), np.array([half_interval(column) for column in np.transpose(found)])
    if not mean[0] < target < mean[-1]:
        raise StudyError(f"the shares tried give {mean[0]:.3g} to {mean[-1]:.3g}, not {target:.3g}: try others")
    value, low, high = (float(np.interp(target, curve, tried)) for curve in (mean, mean + half, mean - half))
    return Interval(value, low, high)


def _cells(
    study: Study, recipe: Recipe, thickness: float, cores_per_median: int, limit_cores: int
) -> Iterator[Structure]:
    if check_number("thickness", thickness) < math.inf:
        check_cores(cores_per_median)
        yield from cathodes(study, recipe, parse_thicknesses([thickness])[0], cores_per_median)
        return
    for seed in range(study.ensemble.seeds):
        yield build_periodic(study, seed, recipe, seed_library(study, seed), cores=limit_cores)


def _electronic(study: Study, seed: int, cell: Structure, share: float, draws: int) -> float:
    """By volume, with all carbon in: from the collector, or of the infinite cluster where there are no walls."""
    settings: dict[str, Any] = {"contact_gap": study.carbon.contact_gap, "face": study.outer_face, "draws": draws}
    rng = stream(study, seed, BARE)
    if cell.periodic[0]:
        limit = measure_thick_limit(cell, bare_contact_share=share, rng=rng, **settings)
        return float(limit.electronic[-1])
    full = count_inserted(cell, np.ones(1))
    reached = reach_electrons(cell, full, bare_contact_share=share, rng=rng, **settings)
    return float(weighted_mean(reached, cell.parts.cores.shapes.volumes)[-1])
