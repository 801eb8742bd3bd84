"""Utilisation against the thickness of the cathode, up to the limit of an infinitely thick one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_kind, check_number, check_runs
from microstructure.carbon.aggregates import AggregateLibrary
from microstructure.coats.coat_models import coat_thickness
from microstructure.composite import coat_composite, core_sizes
from microstructure.cores.sphere_packing import pack_spheres
from microstructure.recipe import Recipe
from microstructure.structure import Structure
from percolation import depth_profile, measure_thick_limit, measure_utilisation
from percolation.utilisation.reach import Utilisation
from studies.seeding import BARE, CARBON, CORES, seed_library, stream
from studies.series.composition import build_seed
from studies.study import Study
from studies.summary import half_interval

Floats = NDArray[np.float64]

THICKNESSES = (5.0, 10.0, 15.0, 20.0)
THINNEST = 3.0  # below it a cathode is little more than two walls
COLUMNS = ("electronic", "ionic", "joint")
DRAWS = 8  # of the bare contacts, per structure


@dataclass(frozen=True)
class Interval:
    """Mean over the seeds, and the 95 % interval of that mean."""

    value: float
    low: float
    high: float

    @classmethod
    def of_shares(cls, values: Floats) -> Interval:
        """Of independent shares, cut at 0 and 1."""
        mean, half = float(values.mean()), half_interval(values)
        return cls(mean, max(0.0, mean - half), min(1.0, mean + half))


@dataclass(frozen=True, eq=False)
class ThicknessSweep:
    """Utilisation of one recipe at several thicknesses, seed by seed, and what it tends to."""

    recipe: str
    thicknesses: Floats = field(metadata={"unit": "median core diameters", "shape": "(n,)"})
    electronic: Floats = field(repr=False, metadata={"unit": "1", "shape": "(seeds, n)", "what": "by volume"})
    ionic: Floats = field(repr=False, metadata={"unit": "1", "shape": "(seeds, n)", "what": "by volume"})
    joint: Floats = field(repr=False, metadata={"unit": "1", "shape": "(seeds, n)", "what": "by volume"})
    limit: Floats = field(
        repr=False, metadata={"unit": "1", "shape": "(seeds,)", "what": "electronic, of periodic boxes"}
    )
    profiles: tuple[Floats, ...] = field(
        repr=False,
        metadata={
            "unit": "1",
            "shape": "n of (seeds, layers)",
            "what": "electronic, from the collector to the separator",
        },
    )
    sides: Floats = field(metadata={"unit": "median core diameters", "shape": "(n,)", "what": "width of the boxes"})

    def depths(self, which: int) -> Floats:
        """Distance of the middle of each layer of a profile from the collector [median core diameters]."""
        layers = self.profiles[which].shape[1]
        return (np.arange(layers) + 0.5) * self.thicknesses[which] / layers

    def __str__(self) -> str:
        """Tell the electronic utilisation against the thickness in one line."""
        means = ", ".join(
            f"{t:g}: {e:.3f}" for t, e in zip(self.thicknesses, self.electronic.mean(axis=0), strict=True)
        )
        return f"{self.recipe}, electronic by medians of thickness: {means}; thick limit {self.limit.mean():.3f}"


class Settings(NamedTuple):
    """What is measured, and how."""

    study: Study
    recipe: Recipe
    bare_contact_share: float | None
    draws: int


class Column(NamedTuple):
    """One thickness, seed by seed."""

    electronic: Floats
    ionic: Floats
    joint: Floats
    profile: Floats
    side: float


def sweep_thickness(
    study: Study,
    recipe: Recipe,
    *,
    thicknesses: Sequence[float] = THICKNESSES,
    cores_per_median: int = 100,
    limit_cores: int = 1000,
    bare_contact_share: float | None = None,
    draws: int = DRAWS,
) -> ThicknessSweep:
    """Measure utilisation at several thicknesses of the cathode, and in the thick limit, for every seed of a study.

    Composition, porosity, voxels and constants are those of the study; its thickness and number of cores are not used.
    The limit is not extrapolated: it is the share of the cores in the cluster that closes on itself in boxes without
    walls (`percolation.measure_thick_limit`).

    Parameters
    ----------
    study : Study
        Its seeds, from 2 on, are the independent repetitions.
    recipe : Recipe
    thicknesses : sequence of float
        From the separator to the collector, in median core diameters, 3 or more each.
    cores_per_median : int
        Cores for each median core diameter of thickness: what sets the width of the box, about the root of 0.6 of it in
        median diameters. In a narrow box utilisation comes out too low, since a network near its threshold is cut.
    limit_cores : int
        Cores in each periodic box.
    bare_contact_share : float, optional
        Share of the narrow contacts that are bare; that of the study's constants if not given.
    draws : int
        Draws of the bare contacts averaged over, for each structure.

    Returns
    -------
    ThicknessSweep
        The same for the same study, whatever it is asked together with.

    Raises
    ------
    TypeError, ValueError
        If a thickness is no number or below 3, a number of cores too small, or a share outside [0, 1].

    Examples
    --------
    >>> from studies.study import load_study
    >>> study = load_study("kissel2026", quick=True, seeds=2)
    >>> found = sweep_thickness(
    ...     study, study.recipes[0], thicknesses=[5.0], cores_per_median=12, limit_cores=60, bare_contact_share=0.0
    ... )
    >>> found.electronic.tolist()
    [[0.0], [0.0]]
    """
    check_kind("study", study, Study)
    check_kind("recipe", recipe, Recipe)
    lengths = parse_thicknesses(thicknesses)
    check_cores(cores_per_median)
    if check_runs(limit_cores, "limit_cores") < 50:
        raise ValueError(f"limit_cores is 50 or more: fewer always meet their own images; got {limit_cores}")
    settings = Settings(study, recipe, bare_contact_share, check_runs(draws, "draws"))
    columns = [_measure(settings, thickness, cores_per_median) for thickness in lengths]
    electronic, ionic, joint = (np.array([getattr(one, name) for one in columns]).T for name in COLUMNS)
    limit = _measure_limit(settings, limit_cores)
    profiles, sides = tuple(one.profile for one in columns), np.array([one.side for one in columns])
    return ThicknessSweep(str(recipe), np.array(lengths), electronic, ionic, joint, limit, profiles, sides)


def cathodes(study: Study, recipe: Recipe, thickness: float, cores_per_median: int) -> Iterator[Structure]:
    """The cathode of each seed of a study at another thickness [median core diameters]."""
    count = round(cores_per_median * thickness)
    settings = study.composite.model_copy(update={"thickness": thickness, "cores": count})
    thick = study.model_copy(update={"composite": settings})
    for seed in range(study.ensemble.seeds):
        yield build_seed(thick, seed, recipe, seed_library(study, seed))


def build_periodic(study: Study, seed: int, recipe: Recipe, library: AggregateLibrary, *, cores: int) -> Structure:
    """A cube of the same composite without walls, periodic along all axes."""
    materials, voxel = study.constants, study.composite.voxel_size
    core_fraction = recipe.core_fraction(study.composite.total_porosity(recipe))
    diameters = core_sizes(materials).draw(cores, rng=stream(study, seed, CORES, 2))
    volume = math.pi / 6.0 * float(np.sum(diameters**3)) / core_fraction
    edge = round(volume ** (1.0 / 3.0) / voxel) * voxel
    packing = pack_spheres(
        diameters * (edge**3 / volume) ** (1.0 / 3.0),
        box=(edge,) * 3,
        periodic=(True, True, True),
        clearance=coat_thickness(recipe, study.composite.coat),
        rng=stream(study, seed, CORES, 3),
    )
    return coat_composite(
        recipe,
        packing,
        voxel_size=voxel,
        coat=study.composite.coat,
        fit=study.carbon.fit,
        dispersion=study.carbon.dispersion.dispersion,
        library=library,
        rng=stream(study, seed, CARBON, 1),
    )


def parse_thicknesses(thicknesses: Sequence[float]) -> list[float]:
    """Thicknesses in median core diameters, as floats."""
    if not isinstance(thicknesses, (Sequence, np.ndarray)) or isinstance(thicknesses, str) or len(thicknesses) == 0:
        raise TypeError(f"thicknesses are numbers of median core diameters such as [5, 10, 20]; got {thicknesses!r}")
    lengths = [check_number("a thickness", value) for value in thicknesses]
    if not all(THINNEST <= value < math.inf for value in lengths):
        raise ValueError(f"a thickness is {THINNEST:g} median core diameters or more; got {thicknesses!r}")
    return lengths


def check_cores(cores_per_median: int) -> None:
    """Refuse a box that is narrower than its cores reach."""
    if check_runs(cores_per_median, "cores_per_median") < 8:
        raise ValueError(f"cores_per_median is 8 or more, for a box wider than its cores; got {cores_per_median}")


def _measure(settings: Settings, thickness: float, cores_per_median: int) -> Column:
    """All seeds at one thickness."""
    study, rows, profile = settings.study, [], []
    for seed, cell in enumerate(cathodes(study, settings.recipe, thickness, cores_per_median)):
        found = _utilisation(settings, seed, cell)
        rows.append([getattr(found, name)[-1] for name in COLUMNS])
        layers = depth_profile(cell.parts.cores, found.electronic_cores[-1], layers=round(thickness))
        profile.append(layers.reached)
    side = cell.box[1] / study.constants["cam.median_diameter"]
    electronic, ionic, joint = np.transpose(rows)
    return Column(electronic, ionic, joint, np.array(profile), side)


def _measure_limit(settings: Settings, cores: int) -> Floats:
    """The thick limit of each seed."""
    study, limit = settings.study, []
    for seed in range(study.ensemble.seeds):
        cell = build_periodic(study, seed, settings.recipe, seed_library(study, seed), cores=cores)
        found = measure_thick_limit(
            cell,
            bare_contact_share=settings.bare_contact_share,
            contact_gap=study.carbon.contact_gap,
            face=study.outer_face,
            draws=settings.draws,
            rng=stream(study, seed, BARE),
        )
        limit.append(found.electronic[-1])
    return np.array(limit)


def _utilisation(settings: Settings, seed: int, cell: Structure) -> Utilisation:
    return measure_utilisation(
        cell,
        bare_contact_share=settings.bare_contact_share,
        contact_gap=settings.study.carbon.contact_gap,
        face=settings.study.outer_face,
        ionic_contact_share=settings.study.composite.ionic_contact_share,
        draws=settings.draws,
        rng=stream(settings.study, seed, BARE),
    )
