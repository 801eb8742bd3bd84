"""Utilisation of the series 80:20:x against the thickness of the cathode: utilisation.md and utilisation.png."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from bare_share import fit_bare_share
from cathode_thickness import (
    DRAWS,
    THICKNESSES,
    Interval,
    ThicknessSweep,
    build_periodic,
    cathodes,
    sweep_thickness,
)

from microstructure.recipe import Recipe
from percolation import measure_thick_limit
from studies.seeding import BARE, seed_library, stream
from studies.series.composition import inner_core_fraction
from studies.study import Study, load_study

HERE = Path(__file__).parent
COLOURS = ("#4477aa", "#228833", "#ccbb44", "#cc6677")


class Run(NamedTuple):
    """How large the structures of a composition are: more carbon needs more memory, and less width."""

    recipe: str
    seeds: int
    cores_per_median: int
    limit_cores: int


RUNS = (
    Run("80:20:0", 6, 200, 2000),
    Run("80:20:0.2", 3, 60, 800),
    Run("80:20:0.5", 2, 16, 150),
    Run("80:20:3", 2, 8, 50),
)
TARGET = 0.65  # electronic utilisation at 80:20:0
SHARES = np.linspace(0.24, 0.42, 7)  # of bare contacts, tried for it
FITS = {  # thickness in medians, cores per median of thickness, seeds
    "6.5, narrow: 100 cores as in the study": (6.5, 15, 24),
    "5": (5.0, 200, 4),
    "6.5": (6.5, 200, 4),
    "10": (10.0, 200, 4),
    "20": (20.0, 200, 4),
    "thick limit": (math.inf, 8, 4),
}


def settings(seeds: int) -> Study:
    """The shipped study in coarser voxels: electrons run on cores and primaries, not on voxels."""
    study = load_study("kissel2026", seeds=seeds)
    return study.model_copy(update={"composite": study.composite.model_copy(update={"voxel_size": 200e-9})})


def sweeps() -> list[tuple[Run, ThicknessSweep]]:
    """All compositions, each with the seeds and sizes of its run."""
    found = []
    for run in RUNS:
        study = settings(run.seeds)
        recipe = Recipe.parse(run.recipe, study.constants)
        sizes = {"cores_per_median": run.cores_per_median, "limit_cores": run.limit_cores}
        found.append((run, sweep_thickness(study, recipe, **sizes)))
    return found


def fits() -> dict[str, Interval]:
    """The share of bare contacts that gives 65 % without carbon."""
    found = {}
    for name, (thickness, cores, seeds) in FITS.items():
        study = settings(seeds)
        recipe = Recipe.parse(RUNS[0].recipe, study.constants)
        sizes = {"cores_per_median": cores, "limit_cores": RUNS[0].limit_cores}
        found[name] = fit_bare_share(study, recipe, target=TARGET, thickness=thickness, shares=SHARES, **sizes)
    return found


def insides(sweep: ThicknessSweep) -> dict[float, tuple[float, np.ndarray, np.ndarray]]:
    """Without carbon, by thickness: density away from the walls, utilisation there, and the limit at that density."""
    study, found = settings(RUNS[0].seeds), {}
    recipe = Recipe.parse(RUNS[0].recipe, study.constants)
    for which, thickness in enumerate(THICKNESSES):
        cells = cathodes(study, recipe, thickness, RUNS[0].cores_per_median)
        density = float(np.mean([inner_core_fraction(cell) for cell in cells]))
        porosity = 1.0 - density / recipe.volume_fractions.cam
        dense = study.model_copy(update={"composite": study.composite.model_copy(update={"porosity": porosity})})
        limit = []
        for seed in range(RUNS[0].seeds):
            cube = build_periodic(dense, seed, recipe, seed_library(dense, seed), cores=RUNS[0].limit_cores)
            limit.append(measure_thick_limit(cube, draws=DRAWS, rng=stream(dense, seed, BARE)).electronic[-1])
        found[thickness] = density, sweep.profiles[which][:, 2:-2].mean(axis=1), np.array(limit)
    return found


def inside_table(found: dict[float, tuple[float, np.ndarray, np.ndarray]]) -> str:
    """One row for each thickness."""
    heads = (
        "thickness in medians | cores inside [vol%] | utilisation in the middle [%] | thick limit at that density [%]"
    )
    lines = [f"| {heads} |", "|---|---|---|---|"]
    for thickness, (density, middle, limit) in found.items():
        lines.append(f"| {thickness:g} | {100 * density:.2f} | {percent(middle)} | {percent(limit)} |")
    return "\n".join(lines) + "\n"


def percent(shares: np.ndarray) -> str:
    """Mean and interval of shares, in percent."""
    found = Interval.of_shares(shares)
    if found.low == found.high:
        return f"{100 * found.value:.4g}"
    return f"{100 * found.value:.1f} ({100 * found.low:.1f} - {100 * found.high:.1f})"


def sweep_table(found: list[tuple[Run, ThicknessSweep]]) -> str:
    """One row for each composition."""
    heads = ["NCM:LIC:CB", "seeds", "width", *(f"{value:g} medians" for value in THICKNESSES), "thick limit"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for run, sweep in found:
        cells = [run.recipe, f"{run.seeds}", f"{sweep.sides.mean():.1f}"]
        cells += [percent(column) for column in (*sweep.electronic.T, sweep.limit)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def fit_table(found: dict[str, Interval]) -> str:
    """One row for each thickness."""
    lines = ["| thickness in medians | share of bare contacts for 65 % |", "|---|---|"]
    lines += [f"| {name} | {one.value:.3f} ({one.low:.3f} - {one.high:.3f}) |" for name, one in found.items()]
    return "\n".join(lines) + "\n"


def figure(found: list[tuple[Run, ThicknessSweep]]) -> plt.Figure:
    """Utilisation against one over the thickness, and against the distance from the collector."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.6), layout="constrained")
    for (run, sweep), colour in zip(found, COLOURS, strict=True):
        columns = [Interval.of_shares(column) for column in (*sweep.electronic.T, sweep.limit)]
        means = np.array([one.value for one in columns])
        errors = [means - [one.low for one in columns], [one.high for one in columns] - means]
        places = [*(1.0 / sweep.thicknesses), 0.0]
        left.errorbar(places, 100 * means, 100 * np.array(errors), fmt="o-", color=colour, capsize=2, label=run.recipe)
    bare = found[0][1]
    for which, (thickness, colour) in enumerate(zip(bare.thicknesses, COLOURS, strict=True)):
        profile = np.nanmean(bare.profiles[which], axis=0)
        right.plot(bare.depths(which), 100 * profile, ".-", color=colour, label=f"{thickness:g} medians thick")
    right.axhline(100 * bare.limit.mean(), color="k", ls=":", label="thick limit")
    left.set(xlabel="1 / thickness [1 / median diameter]", ylabel="electronic utilisation [%]")
    right.set(xlabel="distance from the collector [median diameters]", ylabel="80:20:0, electronic [%]")
    left.set_xticks(
        [0.0, *(1.0 / bare.thicknesses)],
        ["limit", *(f"1/{value:g}" if value != 15 else "" for value in bare.thicknesses)],
    )
    for axes in (left, right):
        axes.set_ylim(0.0, 103.0)
        axes.legend(frameon=False, fontsize=8, loc="lower right" if axes is left else "lower left")
        axes.spines[["top", "right"]].set_visible(False)
    return fig


def main() -> None:
    """Write both beside this file; some ten minutes on one core."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="a voxel of")  # coats are finer than these voxels: see the text
        found = sweeps()
        bare = inside_table(insides(found[0][1]))
        parts = [HEAD, sweep_table(found), MIDDLE, bare, INSIDE, fit_table(fits()), TAIL]
    (HERE / "utilisation.md").write_text("".join(parts))
    figure(found).savefig(HERE / "utilisation.png", dpi=150)


HEAD = """# Utilisation and the thickness of the cathode

From `python docs/utilisation.py` (ten minutes on one core): the pressed series 80:20:x of the shipped study, constants
as shipped, voxels of 200 nm. Mean over the seeds and 95 % interval of that mean. The thickness from separator to
collector and the width of the box are in median core diameters (3.3 um); utilisation is by volume. Electronic
utilisation in percent:

"""
MIDDLE = """
Ionic utilisation is 100 % throughout (homogeneous matrix), so that joint utilisation is the electronic one. The thick
limit is no extrapolation: it is the share of the cores in the cluster that closes on itself in cubes without walls,
which goes on for ever. With more carbon the boxes are narrower, because the primaries must fit into memory.

![against thickness, and against depth](utilisation.png)

From x = 0.5 on thickness does not matter. Without carbon it does, and the profile on the right tells why. It is no
layer at the collector: the profile is flat through most of the cathode, with a few percent more at the collector and
clearly less at the separator, where cores have neighbours on one side only. What falls with the thickness is the
plateau:

"""
INSIDE = """
All thicknesses have the recipe's porosity. The two walls loosen the packing beside them, so that the inside of a thin
cathode is denser than that of a thick one, and a packing close to jamming gains or loses contacts fast: one percent
by volume is worth ten to twenty points of utilisation. The plateau follows the thick limit *at its own density*, a
few points above it because the collector also feeds clusters that end. Close to its threshold, as at 80:20:0, the
limit scatters from seed to seed, and clusters are as wide as the boxes. Below the threshold (share of bare contacts
0.1, in the tests) the limit is exactly 0 and utilisation falls as 1 / thickness.

## What the one fitted number depends on

`composite.bare_contact_share` was fitted on networks of blocks so that 80:20:0 gives 65 % in a cathode of 15 mg on
10 mm, which is 17 medians thick and wide: 0.336. The same 65 % asks in voxels, and in other boxes, for

"""
TAIL = """
At 17 medians these boxes ask for about 0.32, 5 % less than the blocks. So narrow a box as that of the study (100 cores,
2.9 medians wide) cuts the network and asks for more bare contacts than a wide one of the same thickness; so thin a
cathode asks for fewer than a thick one: two errors of opposite sign, which nearly cancel. In a wide box of 6.5 medians
the share would be a sixth lower, in the thick limit a twelfth higher.
"""


if __name__ == "__main__":
    main()
