"""Carbon across a coat: how often a window of it is bridged, from core to outside or from core to core."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from microstructure.aggregates import AggregateLibrary
from microstructure.arguments import check_kind, check_lengths, check_runs
from microstructure.carbon import Carbon, fill_flat, interleave
from microstructure.errors import ThresholdError
from microstructure.materials import Materials, known
from microstructure.recipe import solid_fraction
from percolation._network import first_bridges
from percolation.carbon_sweep import FIRST_SHARE, LAST_SHARE, QUANTITY, run_seeds
from percolation.network import TOUCH, link_carbon
from percolation.sweep import Sweep
from percolation.threshold import Threshold, estimate_threshold

CASES = ("core_to_outside", "core_to_core_merged", "core_to_core_seam")


@dataclass(frozen=True, eq=False)
class Bridges:
    """The carbon content at which each of many windows of a coat is first bridged."""

    onsets: NDArray[np.float64] = field(repr=False, metadata={"unit": "1", "shape": "(windows,)", "what": QUANTITY})
    area: float = field(metadata={"unit": "m2"})
    thickness: float = field(metadata={"unit": "m", "what": "of one coat"})
    case: str
    fit: str
    recipe: str

    def rate(self, fraction: float) -> float:
        """Bridges per area [1/m2] at a carbon content: -ln P0 / A, P0 the share of windows without a path.

        Raises
        ------
        ThresholdError
            If every window is bridged: then the rate lies above ln(windows) / A, and smaller windows are needed.
        """
        if math.isnan(fraction):
            raise ValueError("a carbon content is a number from 0 to 1; got NaN")
        open_windows = float(np.mean(self.onsets > fraction))
        if open_windows == 0.0:
            raise ThresholdError(
                f"all {len(self.onsets)} windows are bridged at {fraction:.3g}: the rate is above"
                f" {math.log(len(self.onsets)) / self.area:.3g} per m2; use smaller windows"
            )
        return math.log(1.0 / open_windows) / self.area

    def half_point(self, *, rng: np.random.Generator | None = None) -> Threshold:
        """The carbon content at which half of the windows are bridged."""
        onsets, runs = np.full((len(self.onsets), 3), np.inf), len(self.onsets)
        onsets[:, 0] = self.onsets
        side = math.sqrt(self.area)
        box, free = (self.thickness, side, side), (False, False, False)
        sweep = Sweep(onsets, onsets, np.full(runs, np.inf), box, free, 0, QUANTITY, self.recipe)
        return estimate_threshold(sweep, kind="span", axis=0, rng=rng)


def sweep_bridges(
    library: AggregateLibrary,
    *,
    thickness: float,
    area: float,
    windows: int,
    runs: int,
    case: str = "core_to_core_seam",
    fit: str = "reorient",
    contact_gap: float = 0.0,
    materials: Materials | None = None,
    rng: np.random.Generator,
) -> Bridges:
    """Add carbon to coats and note when each window is first bridged by a path inside it.

    Parameters
    ----------
    library : AggregateLibrary
    thickness : float
        Of one coat [m].
    area : float
        Of one square window [m2].
    windows : int
        Windows along each edge of a simulated patch: a patch has windows**2 of them.
    runs : int
        Independent patches.
    case : {"core_to_outside", "core_to_core_merged", "core_to_core_seam"}
        One coat with a free outer face; two coats whose carbon mixes; two coats that keep their carbon and are joined
        where primaries of both come within `contact_gap`.

    Examples
    --------
    >>> from microstructure.aggregates import build_library
    >>> rng = np.random.default_rng(1)
    >>> library = build_library(rng=rng, count=20)
    >>> len(sweep_bridges(library, thickness=150e-9, area=0.25e-12, windows=2, runs=3, rng=rng).onsets)
    12
    """
    known(case, dict.fromkeys(CASES), "case across the coat")
    check_kind("library", library, AggregateLibrary)
    check_lengths(thickness=thickness)
    if not (math.isfinite(area) and area > 0):
        raise ValueError(f"area is a positive area of one window in m2; got {area!r}")
    windows, runs = check_runs(windows, "windows"), check_runs(runs)
    materials = materials or Materials.load()
    side = math.sqrt(area)
    coat = _Coat(library, thickness, windows * side, case, fit, contact_gap)
    onsets = [_first_bridges(coat, side, windows, materials, seed) for seed in run_seeds(rng, runs)]
    return Bridges(np.concatenate(onsets), area, thickness, case, fit, f"{case}, coat of {thickness:g} m, {library}")


@dataclass(frozen=True)
class _Coat:
    """One case across the coat, ready to be filled with carbon."""

    library: AggregateLibrary
    thickness: float
    width: float
    case: str
    fit: str
    contact_gap: float

    @property
    def height(self) -> float:
        return self.thickness if self.case == "core_to_outside" else 2.0 * self.thickness

    def grow(self, share: float, seed: np.random.SeedSequence) -> Carbon:
        """Carbon of this share of the box."""
        volume = share * self.height * self.width**2
        lower_rng, upper_rng = (np.random.default_rng(child) for child in np.random.SeedSequence(seed.entropy).spawn(2))
        if self.case == "core_to_core_seam":
            lower, upper = (self._fill(0.5 * volume, self.thickness, rng) for rng in (lower_rng, upper_rng))
            upper.centres[:, 0] = self.height - upper.centres[:, 0]
            return interleave(lower, upper)
        ceiling = self.height - (self.library.radius if self.case == "core_to_core_merged" else 0.0)
        return self._fill(volume, ceiling, lower_rng)

    def _fill(self, volume: float, ceiling: float, rng: np.random.Generator) -> Carbon:
        width = (self.width, self.width)
        return fill_flat(
            self.library, width=width, floor=self.library.radius, ceiling=ceiling, volume=volume, fit=self.fit, rng=rng
        )

    def faces(self, carbon: Carbon) -> NDArray[np.uint8]:
        """1 where a primary touches the lower core, 2 where it touches the upper one or pierces the outer face."""
        reach = self.library.radius * (1.0 + TOUCH) + self.contact_gap
        heights = carbon.centres[:, 0]
        return (heights <= reach).astype(np.uint8) + 2 * (heights >= self.height - reach).astype(np.uint8)


def _first_bridges(
    coat: _Coat, side: float, windows: int, materials: Materials, seed: np.random.SeedSequence
) -> NDArray[np.float64]:
    shares, share = np.full(windows**2, np.inf), FIRST_SHARE
    while share <= LAST_SHARE and np.isinf(shares).any():
        carbon = coat.grow(share, seed)
        box = (coat.height, coat.width, coat.width)
        # no periodic sides: a path counts only inside its own window
        network = link_carbon(carbon, box=box, periodic=(False, False, False), contact_gap=coat.contact_gap)
        index = np.minimum((carbon.centres[:, 1:] / side).astype(np.int64), windows - 1)
        onsets = np.full(windows**2, -1, np.int64)
        first_bridges(network.first, network.earlier, coat.faces(carbon), index @ (windows, 1), onsets)
        done = network.complete[np.maximum(onsets, 1) - 1]
        shares = np.where(onsets < 0, np.inf, done * coat.library.primary_volume / math.prod(box))
        share *= 2.0
    return solid_fraction(shares, materials)
