"""A patch library: what a coat of any thickness does at any carbon content, interpolated between simulated patches."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import platformdirs
from numpy.typing import NDArray
from scipy import stats

from microstructure.caches import can_write, temporary_folder
from studies.jobs.checkpoints import Ledger, fingerprint
from studies.study import Study
from studies.summary import NORMAL
from studies.two_scale.patch_plan import CarbonState, PatchPlan
from studies.two_scale.patch_tasks import PatchRow, patch_tasks

Floats = NDArray[np.float64]
MODULES = ("studies.two_scale.patch_tasks",)
SQUARE = (
    "bridge_rate",
    "wall_bridge_rate",
    "across_electronic",
    "across_touches",
    "seam_contacts",
    "along_electronic",
    "bulk_electronic",
)
FITTED = ("bridge_rate", "wall_bridge_rate", "threshold")


class ContentTable(NamedTuple):
    """A quantity at every thickness (down) and content (across)."""

    thicknesses: Floats
    contents: Floats
    values: Floats


@dataclass(frozen=True, eq=False)
class PatchLibrary:
    """Numbers of patches against the thickness of a coat and its carbon content."""

    state: CarbonState = field(repr=False)
    plan: PatchPlan = field(repr=False)
    rows: pd.DataFrame = field(repr=False)
    deviates: Mapping[str, float] = field(
        default_factory=dict, repr=False, metadata={"what": "of each quantity, in half 95 % intervals off its values"}
    )

    _made: dict[tuple[str, float], ContentTable] = field(default_factory=dict, init=False, repr=False)

    def at_end(self, side: int) -> PatchLibrary:
        """The library with every number at the lower (-1) or upper (1) end of its interval."""
        return replace(self, deviates=dict.fromkeys(self.quantities, float(side)))

    def draw(self, rng: np.random.Generator) -> PatchLibrary:
        """A library as likely as any other: each quantity off its values by a normal deviate, all its patches alike.

        Half of an interval is Student's t of the plan's seeds for means, and 1.96 for what is fitted, standard errors.
        """
        normals, few = rng.standard_normal(len(self.quantities)), float(stats.t.ppf(0.975, self.plan.seeds - 1))
        deviates = {
            name: float(normal) / (NORMAL if name in FITTED else few)
            for name, normal in zip(self.quantities, normals, strict=True)
        }
        return replace(self, deviates=deviates)

    @property
    def quantities(self) -> list[str]:
        """Names of what it holds, in alphabetical order."""
        return sorted(self.rows.quantity.unique())

    def value(self, quantity: str, content: float, thickness: Floats | float = 0.0, *, share: float = 1.0) -> Floats:
        """Interpolate a quantity at a carbon content, for coats of these thicknesses [m].

        `share` is one of those that were tabulated.

        In carbon content and in the logarithm of the thickness linear, for the quantities that rise from a threshold
        in their square root.

        Raises
        ------
        StudyError
            If the carbon content lies beyond the library's. A coat thicker than its thickest counts as that one, one
            thinner than its thinnest as that one: `reach` tells both.
        """
        self.check_content(content)
        table = self._table(quantity, share)
        power = 0.5 if quantity in SQUARE else 1.0
        values = np.array([np.interp(content, table.contents, row) for row in table.values**power])
        if len(values) == 1:
            return np.full(np.shape(thickness), values[0] ** (1.0 / power))
        at = np.log(np.clip(thickness, *self.reach))
        return np.asarray(np.interp(at, np.log(table.thicknesses), values) ** (1.0 / power))

    @property
    def reach(self) -> tuple[float, float]:
        """Thinnest and thickest coat [m]."""
        return self.plan.thicknesses[0], self.plan.thicknesses[-1]

    def check_content(self, content: float) -> None:
        """Refuse a carbon content that was not simulated."""
        self.plan.check_content(content)

    def bridge_rate(self, content: float, share: float = 1.0) -> Callable[[Floats], Floats]:
        """Bridges per area [1/m2] through the seam of two coats, as a function of the height of one [m].

        Of the contacts between the coats only this share carries.
        """
        return self._rate("bridge_rate", content, share)

    def wall_bridge_rate(self, content: float, share: float = 1.0) -> Callable[[Floats], Floats]:
        """Bridges per area [1/m2] through one coat between a core and a wall, as a function of its height [m]."""
        return self._rate("wall_bridge_rate", content, share)

    def threshold(self, thickness: Floats | float) -> Floats:
        """CB volume fraction at which a coat of this thickness percolates along itself; 0 m stands for the bulk."""
        rows = self.rows[self.rows.quantity == "threshold"].sort_values("thickness")
        values = self._taken(rows, "threshold")
        coats = rows.thickness.to_numpy() > 0.0
        at = np.log(np.clip(np.maximum(thickness, 1e-12), *self.reach))
        found = np.interp(at, np.log(rows.thickness.to_numpy()[coats]), values[coats])
        return np.where(np.asarray(thickness) > 0.0, found, values[~coats][0])

    def interpolation_error(self, quantity: str) -> float:
        """Relative error of interpolation, estimated by leaving out every second content.

        The error of a straight line is a quarter of that over twice the distance. The median over all coats and
        contents where the quantity is above a hundredth of its largest value.
        """
        power = 0.5 if quantity in SQUARE else 1.0
        contents, values = self._table(quantity).contents, self._table(quantity).values ** power
        misses = []
        for row in values:
            for k in range(1, len(contents) - 1):
                guess = np.interp(contents[k], contents[[k - 1, k + 1]], row[[k - 1, k + 1]])
                truth = row[k] ** (1.0 / power)
                if truth > 0.01 * row.max() ** (1.0 / power):
                    misses.append(abs(guess ** (1.0 / power) / truth - 1.0) / 4.0)
        return float(np.median(misses)) if misses else math.nan

    def _rate(self, quantity: str, content: float, share: float) -> Callable[[Floats], Floats]:
        thinnest, shares = self.reach[0], self.shares(quantity)

        def tabulated(height: Floats, at: float) -> Floats:
            found = self.value(quantity, content, height, share=at)
            # in a gap no wider than a primary every aggregate is a bridge: as many as the gap holds
            return np.where(height < thinnest, found * height / thinnest, found)

        def rate(height: Floats) -> Floats:
            if share in shares:
                return tabulated(height, share)
            # between two shares a power law, which rises where they do; below the first each contact is alone
            above = min(int(np.searchsorted(shares, share)), len(shares) - 1)
            high = tabulated(height, shares[above])
            if above == 0:
                return high * (share / shares[0])
            low = np.minimum(tabulated(height, shares[above - 1]), high)
            part = math.log(share / shares[above - 1]) / math.log(shares[above] / shares[above - 1])
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.where(low > 0.0, low * (high / low) ** part, high * part)

        return rate

    def shares(self, quantity: str) -> list[float]:
        """Shares of contacts that carry for which a quantity was tabulated, rising."""
        return sorted(self.rows[self.rows["quantity"] == quantity]["share"].unique().tolist())

    def _taken(self, rows: pd.DataFrame, quantity: str) -> Floats:
        """The values of a quantity's rows, as far off as is asked."""
        value, deviate = rows["value"].to_numpy(), self.deviates.get(quantity, 0.0)
        if deviate == 0.0:
            return value
        end = rows["low" if deviate < 0.0 else "high"].to_numpy()
        known = np.isfinite(value) & np.isfinite(end)
        width = np.subtract(end, value, out=np.zeros_like(value), where=known)
        return np.maximum(value + abs(deviate) * width, 0.0)

    def _table(self, quantity: str, share: float = 1.0) -> ContentTable:
        """Thickness down, content across; no carbon means no electrons."""
        if (quantity, share) not in self._made:
            rows = self.rows[(self.rows["quantity"] == quantity) & (self.rows["share"] == share)]
            thicknesses, down = np.unique(rows["thickness"], return_inverse=True)
            contents, across = np.unique(rows["content"], return_inverse=True)
            values, rises = np.full((thicknesses.size, contents.size), np.nan), quantity in SQUARE
            taken = self._taken(rows, quantity)
            sure = np.isfinite(taken) & ~(rises & (rows["note"] == "at least").to_numpy())
            values[down[sure], across[sure]] = taken[sure]
            some = np.isfinite(values).any(axis=1)
            thicknesses, values = thicknesses[some], values[some]
            if rises and contents[0] > 0.0:
                contents, values = np.insert(contents, 0, 0.0), np.insert(values, 0, 0.0, axis=1)
            for row in values:  # a rate that is known to be larger only: between those known, and constant beyond
                known = np.isfinite(row)
                row[~known] = np.interp(contents[~known], contents[known], row[known], left=math.nan if rises else None)
            self._made[quantity, share] = ContentTable(thicknesses, contents, values)
        return self._made[quantity, share]


def study_plan(study: Study) -> PatchPlan:
    """What the patch library of a study is made of."""
    return PatchPlan.quick() if study.patches.effort == "quick" else PatchPlan()


def study_library(
    study: Study,
    *,
    content: float | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> PatchLibrary:
    """The patch library of a study's carbon, from the cache or made now; for one carbon `content` alone if given."""
    plan = study_plan(study) if content is None else study_plan(study).near(content)
    return load_library(CarbonState.of(study), plan, workers=workers, progress=progress)


def load_library(
    state: CarbonState,
    plan: PatchPlan | None = None,
    *,
    folder: Path | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> PatchLibrary:
    """The patch library of a carbon state, made where it is not kept on disk yet.

    Parameters
    ----------
    state : CarbonState
    plan : PatchPlan, optional
    folder : Path, optional
        Where libraries are kept, each under the hash of its inputs and of the code that made it: if not given, in
        $PERCOAT_CACHE, or else the user's cache folder. An interrupted one goes on from what it holds; what is damaged
        is made again.
    workers : int
        Processes; the numbers do not depend on it.
    progress : callable, optional
        Called with the number of patches done and to do.

    Raises
    ------
    StudyError
        If the folder is none or cannot be written, or `workers` is less than one.
    WorkerError
        If a process is killed: what is finished is kept.
    """
    plan = (plan or PatchPlan()).around(state)
    mark = fingerprint([state.settings, repr(plan)], "", MODULES)
    ledger = Ledger(_place(mark[:16]) if folder is None else folder / mark[:16], mark, PatchRow, cache=True)
    tasks = patch_tasks(state, plan)
    ledger.complete(tasks, workers=workers, progress=progress)
    rows = pd.DataFrame([row for _, found in ledger.results(tasks) for row in found])
    return PatchLibrary(state, plan, rows)


def _place(name: str) -> Path:
    """The folder of a library: a temporary one if the user chose none, and the user's caches cannot be written."""
    place = cache_folder() / "patches" / name
    if os.environ.get("PERCOAT_CACHE") or place.is_dir() or can_write(place.parent):
        return place
    return temporary_folder() / "patches" / name


def cache_folder() -> Path:
    """$PERCOAT_CACHE, or percoat's folder among the user's caches."""
    chosen = os.environ.get("PERCOAT_CACHE")
    return Path(chosen).absolute() if chosen else platformdirs.user_cache_path("percoat")
