"""Whole cathodes at the real scale: packed, coated, filled with every primary, and imaged."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from benchmarks.processes import measured
from benchmarks.tables import show
from microstructure import Recipe, Structure, build_composite, load_structure, save_structure, voxelise
from microstructure.composite import core_sizes

SEED, POROSITY, RECIPE = 1, 0.2, "80:20:3"


@dataclass(frozen=True)
class Built:
    """What came out of one piece of work."""

    cores: int
    primaries: int
    voxels: int


@dataclass(frozen=True)
class Row:
    """One line of the table: seconds, and megabytes on top of what the process held before."""

    what: str
    built: Built
    seconds: float
    memory: float


def main() -> None:
    """Run every piece of work in a process of its own and print the table."""
    title = f"{RECIPE}, one run each; an image's memory comes on top of its structure's"
    show(title, ("what", "cores", "primaries", "voxels", "time [s]", "memory [MB]"), map(cells, rows()))


def cells(row: Row) -> list[str]:
    """A row as text."""
    built = (f"{row.built.cores:,}", f"{row.built.primaries:,}", f"{round(row.built.voxels ** (1 / 3))}^3")
    return [row.what, *built, f"{row.seconds:.1f}", f"{row.memory:.0f}"]


def rows(*, small: bool = False) -> list[Row]:
    """A cathode built, and imaged without and with its carbon; `small` within seconds."""
    cores, build_voxels, image_voxels = (12, 30, 60) if small else (1_000, 320, 800)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cathode.h5"
        warm = partial(build, 12, 30, None)
        found = [_row("built", partial(build, cores, build_voxels, path), warm)]
        for what, resolve in (("imaged", False), ("imaged with its carbon", True)):
            work = partial(image, path, image_voxels, resolve)
            found.append(_row(what, work, partial(image, path, build_voxels, resolve)))
    return found


def build(cores: int, voxels: int, path: Path | None) -> Built:
    """A cathode with about so many cores, and a file of it."""
    warnings.simplefilter("ignore")  # the voxels of a small one are larger than its coats
    recipe = Recipe.parse(RECIPE)
    edge = (cores * core_sizes(recipe.materials).mean_volume() / recipe.core_fraction(POROSITY)) ** (1.0 / 3.0)
    cell = build_composite(
        recipe, porosity=POROSITY, box=(edge,) * 3, voxel_size=edge / voxels, rng=np.random.default_rng(SEED)
    )
    if path is not None:
        save_structure(cell, path, seed=SEED)
    return _built(cell)


def image(path: Path, voxels: int, resolve: bool) -> Built:
    """The same cathode at another resolution."""
    warnings.simplefilter("ignore")
    cell = cathode(path)
    rng = np.random.default_rng(SEED)
    return _built(voxelise(cell, cell.box[0] / voxels, resolve_carbon=resolve, rng=rng if resolve else None))


@cache
def cathode(path: Path) -> Structure:
    """The cathode of a file, kept in memory, so that after a first call only the work on it is measured."""
    return load_structure(path)


def _built(cell: Structure) -> Built:
    carbon = cell.carbon.count if cell.carbon is not None else 0
    return Built(cell.parts.cores.count, carbon, cell.labels.size)


def _row(what: str, work: Callable[[], Built], warm: Callable[[], Built]) -> Row:
    run = measured(work, warm)
    return Row(what, run.result, run.seconds, run.memory)


if __name__ == "__main__":
    main()
