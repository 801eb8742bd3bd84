"""One image, many sets of conductivities: each solve starts from the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from microstructure.structure import Structure
from percolation.lattice_arguments import parse_axis
from transport.conduction import Conduction, certify, solve_axis
from transport.solver_arguments import parse_flags, parse_tolerance
from transport.solvers.multigrid import Multigrid
from transport.voxels.grid import Grid
from transport.voxels.image import parse_image, with_conductivities
from transport.voxels.memory import check_memory

KEPT_UP_TO = 3.0  # change of conductances against each other, above which the multigrid is made anew
KEPT = 30.0  # bytes a voxel, of multigrid and potential from one solve to the next: 110 in all, measured at 200^3


def sweep_conductivities(
    labels: ArrayLike | Structure,
    conductivities: Sequence[Mapping[int, float]],
    voxel_size: float | Sequence[float] | None = None,
    axis: int = 0,
    periodic: Sequence[bool] | None = None,
    interface_resistance: Mapping[tuple[int, int], float] | None = None,
    blocks: ArrayLike | None = None,
    *,
    tolerance: float = 1e-6,
    max_iterations: int = 1000,
    strict: bool = True,
) -> list[Conduction]:
    """Return the conductivity of one voxel image for several sets of conductivities, in their order.

    Each solve starts from the potential of the one before, and keeps its multigrid while conductances change by less
    than a factor of three against each other: sets that follow each other closely are cheapest. Every result is
    certified by itself, like that of `effective_conductivity`, and the same to within its bracket.

    Parameters
    ----------
    labels, voxel_size, axis, periodic, interface_resistance, blocks, tolerance, max_iterations, strict
        As in `effective_conductivity`: the sides of an array are closed if nothing is said.
    conductivities
        Sets of conductivities of each label [S/m].

    Returns
    -------
    list of Conduction
        One for each set, without its potential.

    Raises
    ------
    TypeError, ValueError, MemoryError, ConvergenceError, BoundsError
        As `effective_conductivity`; a set at fault is found before the first solve.

    Examples
    --------
    >>> layers = np.zeros((8, 4, 4), np.uint8)
    >>> layers[4:] = 1
    >>> sets = [{0: 1.0, 1: 3.0}, {0: 1.0, 1: 4.0}]
    >>> [round(found.value, 6) for found in sweep_conductivities(layers, sets, voxel_size=1e-7)]
    [1.5, 1.6]
    """
    axis, tolerance = parse_axis(axis), parse_tolerance(tolerance, max_iterations)
    parse_flags(strict=strict)
    if not isinstance(conductivities, Sequence) or not conductivities:
        raise TypeError(f"conductivities must be a list of sets, as [{{0: 1.0, 1: 2.0}}, ...]; got {conductivities!r}")
    first = parse_image(labels, conductivities[0], voxel_size, periodic, interface_resistance, blocks)
    images = [with_conductivities(first, values, interface_resistance) for values in conductivities]
    for image in images:
        check_memory(image, KEPT)
    results, start, kept = [], None, _KeptMultigrid()
    for image in images:
        found = solve_axis(image, axis, tolerance, max_iterations, keep_potential=True, start=start, precondition=kept)
        start = found.potential
        certified = certify(found, tolerance, strict)
        results.append(replace(certified, potential=None) if certified.converged else certified)
    return results


class _KeptMultigrid:
    """Makes a multigrid, or hands out the last one if it is made for nearly the same."""

    def __init__(self) -> None:
        self.grid: Grid | None = None
        self.made: Multigrid | None = None

    def __call__(self, grid: Grid) -> Multigrid:
        if self.made is None or self.grid is None or _change(self.grid, grid) > KEPT_UP_TO:
            self.made = None  # its memory is free before the next one is made
            self.grid, self.made = grid, Multigrid(grid)
        return self.made


def _change(old: Grid, new: Grid) -> float:
    """Largest over smallest ratio of new and old conductances."""
    one, other = old.voxels, new.voxels
    same = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("kept", "x", "y", "z", "ground"))
    if not same or one.table.shape != other.table.shape:
        return np.inf
    linked = one.table > 0.0
    ratio = other.table[linked] / one.table[linked]
    return float(ratio.max() / ratio.min())
