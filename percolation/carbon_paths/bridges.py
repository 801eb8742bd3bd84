"""Carbon across a coat: how often a window of it is bridged, from core to outside or from core to core."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import (
    check_areas,
    check_kind,
    check_lengths,
    check_number,
    check_optional,
    check_room,
    check_runs,
)
from microstructure.carbon.aggregates import AggregateLibrary
from microstructure.carbon.dispersion import Dispersion
from microstructure.coats.outer_face import OuterFace
from microstructure.errors import ThresholdError
from microstructure.materials import Materials
from microstructure.recipe import box_share, solid_fraction
from percolation.carbon_paths._network import first_unions
from percolation.carbon_paths.bridging_contacts import count_bridging, cut_windows
from percolation.carbon_paths.carbon_sweep import (
    FIRST_SHARE,
    LAST_SHARE,
    QUANTITY,
    check_carbon_fits,
    completed,
    half_point,
    run_seeds,
)
from percolation.carbon_paths.coat_case import CoatCase, section_across
from percolation.carbon_paths.network import BOTH, CarbonNetwork, check_contact_gap, link_carbon
from percolation.statistics.threshold import Threshold

MOST_WINDOWS = 10_000  # along an edge of a patch
TICKETS = 2  # stream of a patch, after those of its two coats


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
    contents: tuple[float, ...] = field(default=(), metadata={"unit": "1", "what": "at which contacts are counted"})
    contacts: tuple[NDArray[np.int64], ...] = field(
        default=(),
        repr=False,
        metadata={"shape": "(contents, runs, windows) for each area", "what": "that would each be a bridge, alone"},
    )

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

    def open_windows(self, fraction: float, area: float, share: float = 1.0) -> NDArray[np.float64]:
        """Probability of each window of an area to be open if this share of its contacts carries, (runs, windows).

        Raises
        ------
        ValueError
            If contacts were not counted at this carbon content, and the share is below 1.
        """
        onsets = self.windows(area)
        if share == 1.0:
            return (onsets > fraction).astype(np.float64)
        for step, content in enumerate(self.contents):
            if math.isclose(content, fraction, rel_tol=1e-9):
                size = next(k for k, one in enumerate(self.areas) if math.isclose(one, area, rel_tol=1e-9))
                return np.asarray((1.0 - share) ** self.contacts[size][step])
        raise ValueError(
            f"contacts were counted at {list(self.contents)}, not at {fraction:g}: ask for it in contents="
        )

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
    face: OuterFace | None = None,
    up_to: float = 1.0,
    contents: Sequence[float] = (),
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
    case : {"core_to_outside", "core_to_core_merged", "core_to_core_seam", "core_to_wall"}
        One coat with a free outer face; two coats whose carbon mixes; two coats that keep their carbon and are joined
        where primaries of both come within `contact_gap`; one coat between a core and a wall.
    fit : {"reorient", "compress", "cut"}
        How an aggregate taller than the coat is made to fit.
    contact_gap : float
        [m], between primaries of two aggregates, and between a primary and a core.
    dispersion : Dispersion or float
        Share of the aggregates that lie independently; the others come in agglomerates.
    face : OuterFace, optional
        How far carbon stands out of a free face, and what share of its contacts through a seam or with a wall carry;
        by default by a radius, and all of them.
    up_to : float
        Carbon content (CB volume fraction of the matrix) beyond which nothing is looked for; onsets above are infinite.
    contents : sequence of float
        Carbon contents, up to `up_to`, at which the contacts through the outer face are counted that would each bridge
        their window if it alone carried; for `fit_bridge_rate` at any share of the contacts. They are those of the
        ideal face, whatever share of `face` carries.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> from microstructure.carbon.aggregates import build_library
    >>> rng = np.random.default_rng(1)
    >>> library = build_library(rng=rng, count=20)
    >>> sweep_bridges(library, thickness=150e-9, areas=[0.25e-12], windows=2, runs=3, rng=rng).onsets[0].size
    12
    """
    section_across(case)
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
    outer = check_optional("face", face, OuterFace) or OuterFace()
    coat = CoatCase(library, thickness, windows * math.sqrt(max(sizes)), case, fit, contact_gap, dispersion, outer)
    check_carbon_fits(library, coat.height * coat.width**2)
    enough = min(float(box_share(up_to, materials, materials.coat_porosity)), LAST_SHARE)
    looked_at = _parse_contents(contents, up_to)
    share, found = enough if looked_at else min(FIRST_SHARE, enough), []
    wanted = np.asarray(box_share(np.array(looked_at), materials, materials.coat_porosity))
    for seed in run_seeds(rng, runs):
        patch, share = _first_bridges(coat, sizes, share, enough, wanted, seed)
        found.append(patch)
    first = (
        solid_fraction(np.stack([one.onsets[k] for one in found]), materials, materials.coat_porosity)
        for k in range(len(sizes))
    )
    onsets = tuple(np.where(content <= up_to, content, np.inf) for content in first)
    contacts = tuple(
        np.stack([one.contacts[k] for one in found], axis=1) for k in range(len(sizes) if looked_at else 0)
    )
    name = f"{case}, coat of {thickness:g} m, {library}"
    return Bridges(sizes, onsets, thickness, case, fit, name, up_to, looked_at, contacts)


def join_bridges(bridges: Sequence[Bridges]) -> Bridges:
    """The patches of several sweeps of one coat together."""
    if not isinstance(bridges, Sequence) or len(bridges) == 0:
        raise TypeError(f"bridges is a sequence of Bridges, one at least; got {bridges!r}")
    for place, one in enumerate(bridges):
        check_kind(f"bridges[{place}]", one, Bridges)
    onsets = tuple(np.concatenate(parts) for parts in zip(*(one.onsets for one in bridges), strict=True))
    contacts = tuple(np.concatenate(parts, axis=1) for parts in zip(*(one.contacts for one in bridges), strict=True))
    return replace(bridges[0], onsets=onsets, contacts=contacts)


def _parse_areas(areas: Sequence[float]) -> tuple[float, ...]:
    row = isinstance(areas, (list, tuple)) or (isinstance(areas, np.ndarray) and areas.ndim == 1)
    if not row or len(areas) == 0:
        raise TypeError(f"areas is a sequence of window areas in m2, such as [1.5e-12]; got {areas!r}")
    check_areas(**{f"areas[{k}]": area for k, area in enumerate(areas)})
    return tuple(float(area) for area in areas)


def _parse_contents(contents: Sequence[float], up_to: float) -> tuple[float, ...]:
    values = tuple(check_number(f"contents[{k}]", content) for k, content in enumerate(contents))
    if not all(0.0 <= content <= up_to for content in values) or any(np.diff(values) <= 0.0):
        raise ValueError(f"contents are carbon contents that rise, from 0 to up_to = {up_to:g}; got {contents!r}")
    return values


class _Patch(NamedTuple):
    """What one patch shows in the windows of each area."""

    onsets: list[NDArray[np.float64]]  # carbon shares of the box, (windows,)
    contacts: list[NDArray[np.int64]]  # (contents, windows)


def _first_bridges(
    coat: CoatCase,
    areas: tuple[float, ...],
    share: float,
    enough: float,
    wanted: NDArray[np.float64],
    seed: np.random.SeedSequence,
) -> tuple[_Patch, float]:
    """The carbon shares of the box at which each window of each area of one patch is first bridged.

    And the share that was filled in, `share` at first and twice as much each time until all are bridged: what one
    patch needed, the next will need too. Contacts are counted at the `wanted` shares, if there are any.
    """
    sides = [math.sqrt(area) for area in areas]
    while True:
        carbon = coat.grow(share, seed)
        # no periodic sides: a path counts only inside its own window
        ideal = link_carbon(carbon, box=coat.box, periodic=(False, False, False), contact_gap=coat.contact_gap)
        network, faces = coat.carrying(ideal, _word(seed))
        shares = [_window_onsets(network, faces, coat, side) for side in sides]
        if share >= enough or all(np.isfinite(found).all() for found in shares):
            contacts = count_bridging(ideal, coat, sides, wanted) if wanted.size else []
            return _Patch(shares, contacts), share
        share = min(2.0 * share, enough)


def _word(seed: np.random.SeedSequence) -> int:
    """A number for the tickets of a patch, the same however much carbon is filled in."""
    return int(np.random.SeedSequence(seed.entropy, spawn_key=(TICKETS,)).generate_state(1, np.uint64)[0])


def _window_onsets(
    network: CarbonNetwork, faces: NDArray[np.uint8], coat: CoatCase, side: float
) -> NDArray[np.float64]:
    """The carbon share of the box at which each window of a patch is bridged, the last aggregate counted whole."""
    window, number = cut_windows(network, coat, side)
    onsets = np.full(number + 1, -1, np.int64)
    first_unions(network.first, network.earlier, faces, BOTH, window, onsets)
    done = completed(network, onsets[:-1])
    return done * (coat.library.primary_volume / (coat.height * coat.width**2))
