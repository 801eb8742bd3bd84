"""Carbon across a coat: how often a window of it is bridged, from core to outside or from core to core."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from microstructure.aggregates import AggregateLibrary
from microstructure.arguments import (
    check_areas,
    check_kind,
    check_lengths,
    check_name,
    check_number,
    check_optional,
    check_room,
    check_runs,
)
from microstructure.dispersion import Dispersion
from microstructure.errors import ThresholdError
from microstructure.materials import Materials
from microstructure.recipe import box_share, solid_fraction
from percolation._network import first_unions
from percolation.carbon_sweep import (
    FIRST_SHARE,
    LAST_SHARE,
    QUANTITY,
    check_carbon_fits,
    completed,
    half_point,
    run_seeds,
)
from percolation.coat_case import CASES, CoatCase
from percolation.network import BOTH, CarbonNetwork, check_contact_gap, link_carbon
from percolation.threshold import Threshold

MOST_WINDOWS = 10_000  # along an edge of a patch


@dataclass(frozen=True, eq=False)
class Bridges:
    """The carbon content at which each of many windows of a coat is first bridged, for windows of one or more sizes."""

    areas: tuple[float, ...] = field(metadata={"unit": "m2", "what": "of one window"})
    onsets: tuple[NDArray[np.float64], ...] = field(
        repr=False, metadata={"unit": "1", "shape": "(runs, windows) for each area", "what": QUANTITY}
    )
    thickness: float = field(metadata={"unit": "m", "what": "of one coat"})
    case: str
    fit: str
    recipe: str
    up_to: float = field(default=1.0, metadata={"unit": "1", "what": "content beyond which nothing was looked for"})

    def windows(self, area: float | None = None) -> NDArray[np.float64]:
        """Onsets of the windows of one area, float64 (runs, windows); of the first area if none is named.

        Raises
        ------
        ValueError
            If there are no windows of that area.
        """
        wanted = self.areas[0] if area is None else check_number("area", area)
        for known_area, onsets in zip(self.areas, self.onsets, strict=True):
            if math.isclose(known_area, wanted, rel_tol=1e-9):
                return onsets
        areas = ", ".join(f"{known_area:.4g}" for known_area in self.areas)
        raise ValueError(f"there are windows of {areas} m2, none of {wanted:.4g} m2: ask for it in areas=")

    def rate(self, fraction: float, area: float | None = None) -> float:
        """Bridges per area [1/m2] at a carbon content: -ln P0 / A, P0 the share of windows without a path.

        A window cuts the aggregates at its rim, so that small windows give less: `fit_bridge_rate` allows for it.

        Raises
        ------
        ThresholdError
            If every window is bridged: then the rate lies above ln(windows) / A, and smaller windows are needed.
        """
        self.check_content(fraction)
        onsets, size = self.windows(area), self.areas[0] if area is None else area
        open_windows = float(np.mean(onsets > fraction))
        if open_windows == 0.0:
            raise ThresholdError(
                f"all {onsets.size} windows are bridged at {fraction:.3g}: the rate is above"
                f" {math.log(onsets.size) / size:.3g} per m2; use smaller windows"
            )
        return math.log(1.0 / open_windows) / size

    def check_content(self, fraction: float) -> None:
        """Refuse a carbon content that is none, or beyond what was looked at."""
        if not 0.0 <= check_number("fraction", fraction) <= self.up_to:
            raise ValueError(
                f"fraction, a carbon content, lies between 0 and the {self.up_to:g} looked at; got {fraction!r}"
            )

    def half_point(self, area: float | None = None, *, rng: np.random.Generator | None = None) -> Threshold:
        """The carbon content at which half of the windows of an area are bridged."""
        onsets, side = self.windows(area), math.sqrt(self.areas[0] if area is None else area)
        return half_point(onsets, (self.thickness, side, side), self.recipe, rng)


def sweep_bridges(
    library: AggregateLibrary,
    *,
    thickness: float,
    areas: Sequence[float],
    windows: int = 1,
    runs: int,
    case: str = "core_to_core_seam",
    fit: str = "reorient",
    contact_gap: float = 0.0,
    dispersion: Dispersion | float = 1.0,
    up_to: float = 1.0,
    materials: Materials | None = None,
    rng: np.random.Generator,
) -> Bridges:
    """Add carbon to coats and note when each window is first bridged by a path inside it.

    Parameters
    ----------
    library : AggregateLibrary
    thickness : float
        Of one coat [m].
    areas : sequence of float
        Of square windows [m2]. Windows of every area are cut from the same patches.
    windows : int
        Windows of the largest area along each edge of a simulated patch: a patch has windows**2 of them.
    runs : int
        Independent patches.
    case : {"core_to_outside", "core_to_core_merged", "core_to_core_seam"}
        One coat with a free outer face; two coats whose carbon mixes; two coats that keep their carbon and are joined
        where primaries of both come within `contact_gap`.
    fit : {"reorient", "compress", "cut"}
        How an aggregate taller than the coat is made to fit.
    contact_gap : float
        [m], between primaries of two aggregates, and between a primary and a core.
    dispersion : Dispersion or float
        Share of the aggregates that lie independently; the others come in agglomerates.
    up_to : float
        Carbon content (CB volume fraction of the matrix) beyond which nothing is looked for; onsets above are infinite.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> from microstructure.aggregates import build_library
    >>> rng = np.random.default_rng(1)
    >>> library = build_library(rng=rng, count=20)
    >>> sweep_bridges(library, thickness=150e-9, areas=[0.25e-12], windows=2, runs=3, rng=rng).onsets[0].size
    12
    """
    check_name("case", case, CASES)
    check_kind("library", library, AggregateLibrary)
    (thickness,) = check_lengths(thickness=thickness)
    sizes = _parse_areas(areas)
    windows, runs = check_runs(windows, "windows", most=MOST_WINDOWS), check_runs(runs)
    check_contact_gap(contact_gap, library.primary_diameter)
    if not 0.0 < check_number("up_to", up_to) <= 1.0:
        raise ValueError(f"up_to is a carbon content above 0, up to 1; got {up_to!r}")
    materials = check_optional("materials", materials, Materials) or Materials.load()
    cut = sum((windows * math.sqrt(max(sizes) / size)) ** 2 for size in sizes)
    check_room("windows", runs * cut, 24.0, "ask for fewer windows or runs, or areas that differ less")
    coat = CoatCase(library, thickness, windows * math.sqrt(max(sizes)), case, fit, contact_gap, dispersion)
    check_carbon_fits(library, coat.height * coat.width**2)
    enough = min(float(box_share(up_to, materials)), LAST_SHARE)
    share, found = min(FIRST_SHARE, enough), []
    for seed in run_seeds(rng, runs):
        shares, share = _first_bridges(coat, sizes, share, enough, seed)
        found.append(shares)
    contents = (solid_fraction(np.stack([run[k] for run in found]), materials) for k in range(len(sizes)))
    onsets = tuple(np.where(content <= up_to, content, np.inf) for content in contents)
    return Bridges(sizes, onsets, thickness, case, fit, f"{case}, coat of {thickness:g} m, {library}", up_to)


def join_bridges(bridges: Sequence[Bridges]) -> Bridges:
    """The patches of several sweeps of one coat together."""
    if not isinstance(bridges, Sequence) or len(bridges) == 0:
        raise TypeError(f"bridges is a sequence of Bridges, one at least; got {bridges!r}")
    for place, one in enumerate(bridges):
        check_kind(f"bridges[{place}]", one, Bridges)
    onsets = tuple(np.concatenate(parts) for parts in zip(*(one.onsets for one in bridges), strict=True))
    return replace(bridges[0], onsets=onsets)


def _parse_areas(areas: Sequence[float]) -> tuple[float, ...]:
    row = isinstance(areas, (list, tuple)) or (isinstance(areas, np.ndarray) and areas.ndim == 1)
    if not row or len(areas) == 0:
        raise TypeError(f"areas is a sequence of window areas in m2, such as [1.5e-12]; got {areas!r}")
    check_areas(**{f"areas[{k}]": area for k, area in enumerate(areas)})
    return tuple(float(area) for area in areas)


def _first_bridges(
    coat: CoatCase, areas: tuple[float, ...], share: float, enough: float, seed: np.random.SeedSequence
) -> tuple[list[NDArray[np.float64]], float]:
    """The carbon shares of the box at which each window of each area of one patch is first bridged.

    And the share that was filled in, `share` at first and twice as much each time until all are bridged: what one
    patch needed, the next will need too.
    """
    while True:
        carbon = coat.grow(share, seed)
        # no periodic sides: a path counts only inside its own window
        network = link_carbon(carbon, box=coat.box, periodic=(False, False, False), contact_gap=coat.contact_gap)
        faces = coat.faces(carbon)
        shares = [_window_onsets(network, faces, coat, math.sqrt(area)) for area in areas]
        if share >= enough or all(np.isfinite(found).all() for found in shares):
            return shares, share
        share = min(2.0 * share, enough)


def _window_onsets(
    network: CarbonNetwork, faces: NDArray[np.uint8], coat: CoatCase, side: float
) -> NDArray[np.float64]:
    """The carbon share of the box at which each window of a patch is bridged, the last aggregate counted whole."""
    edge = int(coat.width / side * (1.0 + 1e-9))  # whole windows; what is left of the patch belongs to none
    place = (network.carbon.centres[:, 1:] / (side * (1.0 + 1e-9))).astype(np.int64)
    window = np.where((place < edge).all(axis=1), place @ (edge, 1), edge * edge)
    onsets = np.full(edge * edge + 1, -1, np.int64)
    first_unions(network.first, network.earlier, faces, BOTH, window, onsets)
    done = completed(network, onsets[:-1])
    return done * (coat.library.primary_volume / (coat.height * coat.width**2))
