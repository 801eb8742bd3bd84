"""Screen candidates: libraries for every kind of carbon, one task for each candidate and seed, then what it says."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from microstructure.files import whole_file
from studies.cell.rate import HOUR, full_capacity
from studies.jobs.checkpoints import Bars, Ledger, fingerprint, no_bars, versions, write_json
from studies.screening.candidate import SHOWN, candidate_tasks, capacity_name
from studies.screening.design import Candidate, ScreenPlan, candidates
from studies.screening.mechanism import rank_again
from studies.screening.ranking import KEY, by_seed, least_carbon, pareto_front, probability_best, table_of
from studies.screening.screening_result import Screening
from studies.screening.sensitivity import scatter_of
from studies.summary import Value, tidy
from studies.two_scale.fitted import FittedSet
from studies.two_scale.patch_library import PatchLibrary, study_library, study_plan
from studies.two_scale.patch_plan import CarbonState


def run_screening(
    plan: ScreenPlan, fitted: FittedSet, folder: Path, *, workers: int = 1, progress: Bars | None = None
) -> Screening:
    """Predict every candidate that has no result in `folder` yet, then rank them and write tables and figure.

    Parameters
    ----------
    plan : ScreenPlan
    fitted : FittedSet
        Parameters and their covariance; constants that the study sets itself go first.
    folder : Path
        Results folder; a run that was interrupted goes on from what it holds.
    workers : int
        Processes; the results do not depend on it.
    progress : callable, optional
        Given a title, returns what is called with the number of pieces done and to do.
    """
    report = progress or no_bars
    found, ledger = candidates(plan), Ledger(folder, _fingerprint(plan, fitted), Value)
    ledger.check()
    libraries = _libraries(found, workers, report)
    tasks = candidate_tasks(found, libraries, fitted, plan.screen.rates, ideal=not plan.screen.vary)
    ledger.complete(tasks, workers=workers, progress=report(f"{len(found)} candidates"))
    rows: dict[int, list[Value]] = {}
    for task, result in ledger.results(tasks):
        rows.setdefault(task.seed, []).extend(result)
    values = tidy(rows)
    ranking, enough = rank(plan, found, values)
    best = found[int(ranking["number"].iloc[0])]
    scatter = scatter_of(best, libraries[found.index(best)], fitted, plan.screen.merit, workers=workers)
    held = rank_again(plan, found, libraries, ranking, fitted, workers=workers)
    full = {(one.composition, one.setting): full_capacity(one.recipe) / HOUR for one in found}
    screening = Screening(plan, found, values, table_of(values, full), ranking, enough, scatter, held, folder)
    write_screening(screening, fitted)
    return screening


def _libraries(found: list[Candidate], workers: int, report: Bars) -> list[PatchLibrary]:
    """The patch library of each candidate; candidates with the same carbon share one."""
    for candidate in found:  # refused before anything is made
        study_plan(candidate.study).check_content(candidate.recipe.volume_fraction)
    made: dict[str, PatchLibrary] = {}
    keys = [json.dumps([CarbonState.of(one.study).settings, one.study.patches.effort], sort_keys=True) for one in found]
    for key, candidate in zip(keys, found, strict=True):
        if key not in made:
            title = f"patch library {len(made) + 1} of {len(set(keys))}"
            made[key] = study_library(candidate.study, workers=workers, progress=report(title))
    return [made[key] for key in keys]


def rank(
    plan: ScreenPlan, found: list[Candidate], values: pd.DataFrame
) -> tuple[pd.DataFrame, tuple[float, float, float]]:
    """Candidates from the best down, the Pareto front, and how little carbon reaches the goal."""
    screen = plan.screen
    headline = values[values["setting"].isin({one.setting for one in found})]
    keys = pd.MultiIndex.from_tuples([(one.composition, one.setting) for one in found], names=KEY)
    merit = by_seed(headline, capacity_name(screen.merit)).reindex(keys)
    means = {
        name: by_seed(headline, name).reindex(keys).mean(axis=1)
        for name in ("utilisation_joint", "composite_electronic", "composite_ionic")
    }
    ranking = pd.DataFrame({"number": range(len(found))}, index=keys)
    ranking["carbon"] = [one.recipe.volume_fraction for one in found]
    for rate in screen.rates:
        ranking[capacity_name(rate)] = by_seed(headline, capacity_name(rate)).reindex(keys).mean(axis=1)
    ranking = ranking.join(pd.DataFrame(means))
    ranking["probability_best"] = probability_best(merit)
    ranking["pareto"] = pareto_front(*means.values())
    ranking["electrons_span"] = (by_seed(headline, "composite_electronic").reindex(keys) > 0.0).mean(axis=1)
    ranking = ranking.sort_values(["probability_best", capacity_name(screen.merit)], ascending=False)
    kin = _kin(found, found[int(ranking["number"].iloc[0])], screen.samples > 0)
    enough = least_carbon(ranking["carbon"][kin], by_seed(headline, screen.goal).reindex(kin), screen.wanted)
    return ranking, enough


def _kin(found: list[Candidate], best: Candidate, scattered: bool) -> pd.MultiIndex:
    """Candidates that differ from the best one in their carbon alone; all of a space-filling design."""

    def family(candidate: Candidate) -> tuple[float, str]:
        return round(candidate.recipe.se / candidate.recipe.cam, 9), candidate.setting

    names = [(one.composition, one.setting) for one in found if scattered or family(one) == family(best)]
    return pd.MultiIndex.from_tuples(names, names=KEY)


def write_screening(screening: Screening, fitted: FittedSet) -> None:
    """Write `values.csv`, `table.csv`, `ranking.csv`, `screening.json` and `screening.png` into the results folder."""
    from studies.screening.screening_figure import draw_screening

    folder = screening.folder
    tables = {"values": screening.values, "table": screening.table, "ranking": screening.ranking.reset_index()}
    for name, content in tables.items():
        with whole_file(folder / f"{name}.csv") as path:
            content.to_csv(path, index=False, lineterminator="\n", float_format="%.6g")
    write_json(folder / "screening.json", _record(screening, fitted))
    draw_screening(screening, folder / "screening.png")


def _record(screening: Screening, fitted: FittedSet) -> dict[str, Any]:
    plan = screening.plan
    return {
        "study": plan.study.model_dump(mode="json"),
        "screen": plan.screen.model_dump(mode="json"),
        "fitted": {"values": fitted.values, "provenance": fitted.provenance},
        "seeds": plan.study.ensemble.seeds,
        "seed": plan.study.ensemble.seed,
        "least_carbon": [value if value < float("inf") else None for value in screening.enough],
        "scatter": [asdict(one) for one in screening.scatter],
        "other_shares": [asdict(one) for one in screening.held],
        "units": {name: unit for name, (_, unit, _) in SHOWN.items()},
        "versions": versions(),
        "interval": "holds 95 % of cathodes: scatter of structures, fitted parameters and patches, Student's t",
    }


def _fingerprint(plan: ScreenPlan, fitted: FittedSet) -> str:
    settings = plan.study.model_dump(mode="json")
    settings["ensemble"] = {"seed": plan.study.ensemble.seed}
    for shown in ("measured", "fitted", "title"):
        settings.pop(shown)
    drawn = [fitted.values, fitted.covariance.tolist()]
    predicted = [settings, plan.screen.model_dump(mode="json"), drawn]
    return fingerprint(predicted, plan.study.constants, ("studies.screening.candidate",))
