"""Which recommendations hold whatever share of the carbon contacts between blocks carries, within what is credible."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import exp, log

import joblib
import pandas as pd
from scipy.optimize import brentq

from microstructure.coats.outer_face import carrying_share
from studies.jobs.workers import in_parallel
from studies.screening.candidate import candidate_values, capacity_name
from studies.screening.design import Candidate, ScreenPlan
from studies.study import with_constants
from studies.two_scale.fitted import FittedSet
from studies.two_scale.patch_library import PatchLibrary

FIRST = 5  # candidates of the ranking that are looked at again
THICKEST = 1e3  # skin over the range of tunnelling


@dataclass(frozen=True)
class Held:
    """The first candidates of a ranking where another share of the contacts between blocks carries."""

    share: float = field(metadata={"unit": "1", "what": "of the contacts through a seam of two coats"})
    names: list[str] = field(metadata={"what": "composition and setting of each candidate"})
    merits: list[float] = field(metadata={"unit": "mAh/g", "what": "mean of each over the seeds"})

    @property
    def best(self) -> str:
        """The candidate with the largest merit."""
        return self.names[self.merits.index(max(self.merits))]


def rank_again(
    plan: ScreenPlan,
    found: list[Candidate],
    libraries: list[PatchLibrary],
    ranking: pd.DataFrame,
    fitted: FittedSet,
    *,
    workers: int = 1,
) -> list[Held]:
    """Predict the first candidates of a ranking again, at the lowest and the highest credible share of contacts.

    What varies is the law's own number, everything else stays as it was drawn for each seed. A study whose contacts all
    carry, through a resistance, has no such share: the list is empty.
    """
    if plan.study.carbon.contact_law == "resistance":
        return []
    numbers = [int(number) for number in ranking["number"].iloc[:FIRST]]
    rate, seeds = plan.screen.merit, range(plan.study.ensemble.seeds)
    held = []
    for share in plan.screen.credible_shares:
        others = [_with_share(found[number], share) for number in numbers]
        work = joblib.delayed(candidate_values)
        jobs = (
            work(other, seed, libraries[number], fitted, (rate,))
            for number, other in zip(numbers, others, strict=True)
            for seed in seeds
        )
        merits = [
            next(value.value for value in values if value.quantity == capacity_name(rate))
            for values in in_parallel(jobs, workers)
        ]
        count = len(seeds)
        means = [sum(merits[k : k + count]) / count for k in range(0, len(merits), count)]
        held.append(Held(share, [found[number].name for number in numbers], means))
    return held


def _with_share(candidate: Candidate, share: float) -> Candidate:
    """A candidate of whose contacts this share carries, whatever the fitted set says."""
    study = candidate.study
    if study.carbon.contact_law == "share":
        return replace(candidate, study=with_constants(study, {"coat.carrying_share": share}))
    skin = skin_of(share, study.constants["coat.tunnelling_range"])
    return replace(candidate, study=with_constants(study, {"coat.skin_thickness": skin}))


def skin_of(share: float, tunnelling_range: float) -> float:
    """Mean thickness of the skin [m] under which this share of the contacts of two coats carries.

    Examples
    --------
    >>> round(skin_of(0.01, 1.7e-9) * 1e9, 1)
    11.4
    """

    def miss(ratio: float) -> float:
        return log(carrying_share(exp(ratio) * tunnelling_range, tunnelling_range=tunnelling_range) / share)

    return tunnelling_range * exp(brentq(miss, log(1e-3), log(THICKEST)))
