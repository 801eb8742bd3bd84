"""Carbon added aggregate by aggregate until it percolates: in the bulk matrix, along a coat, in any structure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import (
    check_kind,
    check_lengths,
    check_number,
    check_optional,
    check_rng,
    check_room,
    check_runs,
)
from microstructure.carbon.aggregates import AggregateLibrary
from microstructure.carbon.dispersion import Dispersion
from microstructure.carbon.placement import Carbon, fill_bulk, fill_flat
from microstructure.checks.integrity import check_computable
from microstructure.materials import Materials
from microstructure.recipe import solid_fraction
from microstructure.structure import Structure
from percolation.carbon_paths._network import first_unions, first_wraps, largest_clusters
from percolation.carbon_paths.network import BOTH, TOUCH, CarbonNetwork, check_contact_gap, link_carbon
from percolation.statistics.onsets import Sweep
from percolation.statistics.threshold import Threshold, estimate_threshold

QUANTITY = "CB volume fraction of the matrix, pores excluded"
FIRST_SHARE, LAST_SHARE = 0.08, 0.64  # carbon shares of the box tried one after another, doubling


@dataclass(frozen=True, eq=False)
class CarbonSweep:
    """What the carbon of one structure joins, against how much of it is in."""

    fraction: NDArray[np.float64] = field(metadata={"unit": "1", "shape": "(steps,)", "what": QUANTITY})
    wraps: NDArray[np.bool_] = field(
        repr=False, metadata={"shape": "(steps, 3)", "what": "closes on itself along axis"}
    )
    spans: NDArray[np.bool_] = field(repr=False, metadata={"shape": "(steps, 3)", "what": "joins both faces of axis"})
    largest: NDArray[np.float64] = field(repr=False, metadata={"unit": "1", "what": "share in the largest cluster"})
    sweep: Sweep = field(repr=False, metadata={"what": "onsets of all runs, for estimate_threshold"})


def sweep_bulk(
    library: AggregateLibrary,
    *,
    edge: float,
    runs: int,
    contact_gap: float = 0.0,
    dispersion: Dispersion | float = 1.0,
    materials: Materials | None = None,
    rng: np.random.Generator,
) -> Sweep:
    """When carbon first wraps a periodic cube of bulk matrix.

    Parameters
    ----------
    library : AggregateLibrary
    edge : float
        Edge of the cube [m]; eight aggregate diameters or more are wanted.
    runs : int
        Independent cubes.
    contact_gap : float
        [m]
    dispersion : Dispersion or float
        Share of the aggregates that lie independently; the others come in agglomerates.

    Returns
    -------
    Sweep
        Onsets as CB volume fractions of the matrix, pores excluded, for wrapping along each axis.
    """
    check_kind("library", library, AggregateLibrary)
    (edge,) = check_lengths(edge=edge)
    box, periodic = (edge, edge, edge), (True, True, True)

    def grow(volume: float, seed: np.random.SeedSequence) -> Carbon:
        return fill_bulk(library, box=box, volume=volume, dispersion=dispersion, rng=np.random.default_rng(seed))

    return _sweep_boxes(grow, box, periodic, runs, contact_gap, materials, rng, library)


def sweep_coat(
    library: AggregateLibrary,
    *,
    thickness: float,
    width: float,
    runs: int,
    fit: str = "reorient",
    contact_gap: float = 0.0,
    dispersion: Dispersion | float = 1.0,
    materials: Materials | None = None,
    rng: np.random.Generator,
) -> Sweep:
    """When carbon first wraps a flat coat along its plane (axes 1 and 2).

    The volume that the fraction refers to is that of the coat. In a coat thinner than a primary the carbon stands
    out of it, and the fraction can pass 1: then it is no matrix any more, and the onset is infinite.

    Parameters
    ----------
    library : AggregateLibrary
    thickness, width : float
        Of the coat, and of the periodic square of it [m].
    runs : int
        Independent pieces of coat.
    fit : {"reorient", "compress", "cut"}
        How an aggregate taller than the coat is made to fit.
    contact_gap : float
        Between primaries of different aggregates that conduct [m].
    dispersion : Dispersion or float
        Share of the aggregates that lie independently; the others come in agglomerates.
    materials : Materials, optional
    rng : numpy.random.Generator

    Returns
    -------
    Sweep
        Onsets as CB volume fractions of the matrix, `wrap` float64 (runs, 3): infinite along axis 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> from microstructure.carbon.aggregates import build_library
    >>> rng = np.random.default_rng(1)
    >>> library = build_library(rng=rng, count=20)
    >>> sweep = sweep_coat(library, thickness=150e-9, width=1e-6, runs=8, rng=rng)
    >>> sweep.wrap.shape
    (8, 3)
    """
    check_kind("library", library, AggregateLibrary)
    thickness, width = check_lengths(thickness=thickness, width=width)
    box, periodic = (thickness, width, width), (False, True, True)

    def grow(volume: float, seed: np.random.SeedSequence) -> Carbon:
        return fill_flat(
            library,
            width=(width, width),
            floor=library.radius,
            ceiling=thickness,
            volume=volume,
            fit=fit,
            dispersion=dispersion,
            rng=np.random.default_rng(seed),
        )

    sweep = _sweep_boxes(grow, box, periodic, runs, contact_gap, materials, rng, library)
    return replace(sweep, axis=1)


def sweep_carbon(
    structure: Structure,
    *,
    steps: int | Sequence[float] = 50,
    runs: int = 1,
    contact_gap: float = 0.0,
    materials: Materials | None = None,
    rng: np.random.Generator,
) -> CarbonSweep:
    """Insert the carbon of a finished structure aggregate by aggregate, and note what it joins on the way.

    Parameters
    ----------
    structure : Structure
        With carbon in it.
    steps : int or sequence of float
        How many even steps, or the CB volume fractions (rising, up to what is there) at which the curve is given.
    runs : int
        The first run keeps the order of insertion, each further one shuffles the aggregates: runs of one structure
        are not independent structures.
    contact_gap : float
        [m]
    materials : Materials, optional
        For the pores that go with a carbon content; those of the recipe, or the shipped ones for a patch. A periodic
        cube without a recipe has those of a pellet, anything else those of a coat.

    Returns
    -------
    CarbonSweep

    Raises
    ------
    ValueError
        If the structure has no carbon, or a step lies outside.

    Examples
    --------
    >>> from microstructure import bulk_patch
    >>> rng = np.random.default_rng(1)
    >>> curve = sweep_carbon(bulk_patch(1e-6, 0.1, 25e-9, rng=rng), steps=[0.01, 0.1], rng=rng)
    >>> curve.wraps[:, 0].tolist()
    [False, True]
    """
    check_computable(structure)
    check_rng(rng)
    runs, materials = check_runs(runs), check_optional("materials", materials, Materials)
    if structure.carbon is None or structure.carbon.count == 0:
        raise ValueError("there is no carbon in this structure: a sweep adds it up to what is there")
    contents = _carbon_contents(structure, materials)
    fractions = _steps(steps, float(contents[-1]))
    check_room("numbers of the largest cluster", runs * len(fractions), 8.0, "ask for fewer runs or steps")
    checkpoints = np.rint(np.interp(fractions, contents, np.arange(len(contents)))).astype(np.int64)
    wrap, span = np.full((runs, 3), np.inf), np.full((runs, 3), np.inf)
    largest = np.zeros((runs, len(fractions)), np.int64)
    for run in range(runs):
        carbon = structure.carbon if run == 0 else shuffle_aggregates(structure.carbon, rng=rng)
        network = link_carbon(carbon, box=structure.box, periodic=structure.periodic, contact_gap=contact_gap)
        wrap[run] = _at(contents, completed(network, wrap_onsets(network)))
        for axis in (axis for axis in range(3) if not structure.periodic[axis]):
            span[run, axis] = _at(contents, completed(network, span_onset(network, axis)))[0]
        largest_clusters(network.first, network.earlier, checkpoints, largest[run])
    never = np.full(runs, np.inf)
    sweep = Sweep(wrap, span, never, structure.box, structure.periodic, 0, QUANTITY, repr(structure.carbon))
    shares = largest[0] / np.maximum(checkpoints, 1)
    reached = fractions[:, None] * (1.0 + 1e-9)
    return CarbonSweep(fractions, wrap[0] <= reached, span[0] <= reached, shares, sweep)


def _carbon_contents(structure: Structure, materials: Materials | None) -> NDArray[np.float64]:
    """The CB volume fraction of the matrix when so many primaries are in it, shape (n + 1,)."""
    if structure.carbon is None:
        raise ValueError("there is no carbon in this structure")
    if structure.recipe is None:
        matrix, constants = structure.volume, materials or Materials.load()
    else:
        cores = structure.parts.cores.fraction * structure.volume
        matrix, constants = cores * structure.recipe.matrix_per_core, materials or structure.recipe.materials
    volume = math.pi / 6.0 * structure.carbon.diameter**3
    shares = np.arange(structure.carbon.count + 1, dtype=np.float64) * (volume / matrix)
    bulk = structure.recipe is None and all(structure.periodic)
    return solid_fraction(shares, constants, constants.matrix_porosity if bulk else constants.coat_porosity)


def _at(contents: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The content at each number of primaries, infinite where that is."""
    reached = np.isfinite(counts)
    return np.where(reached, contents[np.where(reached, counts, 0).astype(np.int64)], np.inf)


def _steps(steps: int | Sequence[float], full: float) -> NDArray[np.float64]:
    if not isinstance(steps, (list, tuple, np.ndarray)) or (isinstance(steps, np.ndarray) and steps.ndim == 0):
        return np.linspace(0.0, full, check_runs(steps, "steps") + 1)[1:]
    fractions = np.array([check_number(f"steps[{place}]", step) for place, step in enumerate(steps)])
    inside = np.all((fractions >= 0.0) & (fractions <= full * (1.0 + 1e-3)))
    if len(fractions) == 0 or not inside or np.any(np.diff(fractions) < 0):
        raise ValueError(f"steps are CB volume fractions that rise from 0 up to the {full:.4g} there is; got {steps!r}")
    return fractions


def wrap_onsets(network: CarbonNetwork) -> NDArray[np.int64]:
    """Number of primaries at which the network first wraps along each axis, -1 if never, shape (3,)."""
    onsets = np.full(3, -1, np.int64)
    box, periodic = np.asarray(network.box), np.asarray(network.periodic)
    first_wraps(network.first, network.earlier, network.carbon.centres, box, periodic, onsets)
    return onsets


def span_onset(network: CarbonNetwork, axis: int) -> NDArray[np.int64]:
    """Number of primaries at which the network first joins both faces of a free axis, -1 if never, shape (1,)."""
    heights, reach = network.carbon.centres[:, axis], 0.5 * network.carbon.diameter * (1 + TOUCH) + network.contact_gap
    faces = (heights <= reach).astype(np.uint8) + 2 * (heights >= network.box[axis] - reach).astype(np.uint8)
    onsets = np.full(1, -1, np.int64)
    first_unions(network.first, network.earlier, faces, BOTH, np.zeros(len(faces), np.int64), onsets)
    return onsets


def shuffle_aggregates(carbon: Carbon, *, rng: np.random.Generator) -> Carbon:
    """The same carbon, its aggregates inserted in another order."""
    return carbon.reordered(rng.permutation(int(carbon.aggregate[-1]) + 1))


def _sweep_boxes(
    grow: Callable[[float, np.random.SeedSequence], Carbon],
    box: tuple[float, float, float],
    periodic: tuple[bool, bool, bool],
    runs: int,
    contact_gap: float,
    materials: Materials | None,
    rng: np.random.Generator,
    library: AggregateLibrary,
) -> Sweep:
    runs, library_volume = check_runs(runs), library.primary_volume
    check_contact_gap(contact_gap, library.primary_diameter)
    check_carbon_fits(library, math.prod(box))
    materials = check_optional("materials", materials, Materials) or Materials.load()
    wanted, shares = np.array(periodic), np.full((runs, 3), np.inf)
    share = FIRST_SHARE  # what one run needed, the next will need too
    for run, seed in enumerate(run_seeds(rng, runs)):
        while True:
            carbon = grow(share * math.prod(box), seed)
            network = link_carbon(carbon, box=box, periodic=periodic, contact_gap=contact_gap)
            shares[run] = completed(network, wrap_onsets(network)) * library_volume / math.prod(box)
            if share >= LAST_SHARE or np.isfinite(shares[run, wanted]).all():
                break
            share *= 2.0
    never = np.full((runs, 3), np.inf)
    wrap = solid_fraction(shares, materials, materials.matrix_porosity if all(periodic) else materials.coat_porosity)
    return Sweep(wrap, never, never[:, 0], box, periodic, 0, QUANTITY, f"{library}")


def check_carbon_fits(library: AggregateLibrary, volume: float) -> None:
    """Refuse a piece of matrix [m3] that holds less than one primary at the largest content looked at."""
    if LAST_SHARE * volume < library.primary_volume:
        raise ValueError(
            f"{volume:.3g} m3 of matrix hold less than one primary of {library.primary_diameter:.3g} m: take a thicker"
            " or wider piece, and check the units (metres)"
        )


def half_point(
    onsets: NDArray[np.float64], box: tuple[float, float, float], recipe: str, rng: np.random.Generator | None
) -> Threshold:
    """The content at which half of some samples show an event, whatever it is; onsets of any shape."""
    found = np.full((onsets.size, 3), np.inf)
    found[:, 0] = onsets.ravel()
    never, free = np.full(onsets.size, np.inf), (False, False, False)
    return estimate_threshold(Sweep(found, found, never, box, free, 0, QUANTITY, recipe), kind="span", axis=0, rng=rng)


def run_seeds(rng: np.random.Generator, count: int) -> Iterator[np.random.SeedSequence]:
    """One seed a run, so that a run started again with more carbon repeats itself; all are drawn at once."""
    drawn = check_rng(rng).integers(2**63, size=count)
    return (np.random.SeedSequence(int(entropy)) for entropy in drawn)


def completed(network: CarbonNetwork, onsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Onsets rounded up to whole aggregates, infinite where there was none."""
    if network.carbon.count == 0:
        return np.full(onsets.shape, np.inf)
    return np.where(onsets < 0, np.inf, network.complete[np.maximum(onsets, 1) - 1])
