"""The full conductivity tensor of a periodic cell: how a gradient along each axis drives current along all three."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microstructure.structure import Structure
from percolation.lattice.sides import name_sides
from percolation.lattice_arguments import Triple, parse_periodic
from transport.conduction import Conduction, certify, solve_axis
from transport.conduction_report import describe
from transport.solver_arguments import parse_flags, parse_tolerance
from transport.voxels.image import parse_image
from transport.voxels.memory import check_memory

CELL: Triple = (True, True, True)


@dataclass(frozen=True, eq=False)
class ConductivityTensor:
    """The effective conductivity tensor of a periodic cell, and the three solves it comes from.

    `values[i, j]` is the mean current density along axis i per mean gradient along axis j.
    """

    values: NDArray[np.float64] = field(metadata={"unit": "S/m"})
    principal: tuple[float, float, float] = field(metadata={"unit": "S/m", "what": "eigenvalues, rising"})
    asymmetry: float = field(metadata={"unit": "", "what": "largest |K_ij - K_ji| over largest |K_ij|, a check"})
    converged: bool = field(metadata={"unit": ""})
    periodic: Triple = field(metadata={"unit": "", "what": "always along all three axes"})
    percolates: tuple[bool, bool, bool] = field(metadata={"unit": "", "what": "a cluster wraps along each axis"})
    axes: tuple[Conduction, Conduction, Conduction] = field(repr=False, metadata={"unit": ""})

    def __str__(self) -> str:
        return describe(self)


def conductivity_tensor(
    labels: ArrayLike | Structure,
    conductivity: Mapping[int, float],
    voxel_size: float | Sequence[float] | None = None,
    interface_resistance: Mapping[tuple[int, int], float] | None = None,
    blocks: ArrayLike | None = None,
    *,
    periodic: Sequence[bool] | None = None,
    tolerance: float = 1e-6,
    max_iterations: int = 1000,
    strict: bool = True,
) -> ConductivityTensor:
    """Return the conductivity tensor of an image taken as one cell of an endless periodic material.

    Opposite sides of the image are joined along every axis: only there do currents across the mean gradient have a
    meaning. That is right for an image made so that its sides fit together, and for no other: of a tomogram, whose
    sides do not, take `effective_conductivity` along each of the three axes, between plates.

    Parameters
    ----------
    labels
        Phase of each voxel, integers (nx, ny, nz), taken as a periodic cell; or a `Structure` that is one.
    periodic
        Nothing other than (True, True, True): there to be said.
    conductivity, voxel_size, interface_resistance, blocks, tolerance, max_iterations, strict
        As in `effective_conductivity` [S/m, m, ohm m2].

    Returns
    -------
    ConductivityTensor
        `values` is float64 (3, 3) [S/m]; a column is exactly 0.0 when no cluster wraps along its axis.

    Raises
    ------
    TypeError, ValueError, MemoryError, ConvergenceError, BoundsError
        As `effective_conductivity`; ValueError for an image said to be closed along an axis, and for such a structure.

    Examples
    --------
    >>> import numpy as np
    >>> layers = np.zeros((4, 4, 4), np.uint8)
    >>> layers[2:] = 1
    >>> round(float(conductivity_tensor(layers, {0: 1.0, 1: 3.0}, voxel_size=1e-7).values[1, 1]), 9)
    2.0
    """
    tolerance = parse_tolerance(tolerance, max_iterations)
    parse_flags(strict=strict)
    _check_sides(labels.periodic if isinstance(labels, Structure) and periodic is None else periodic)
    image = parse_image(labels, conductivity, voxel_size, CELL, interface_resistance, blocks)
    check_memory(image)
    x, y, z = (certify(solve_axis(image, a, tolerance, max_iterations), tolerance, strict) for a in range(3))
    values = np.stack([x.mean_flux, y.mean_flux, z.mean_flux], axis=1)
    low, middle, high = np.linalg.eigvalsh(0.5 * (values + values.T)).tolist()
    largest = float(np.abs(values).max())
    return ConductivityTensor(
        values=values,
        principal=(low, middle, high),
        asymmetry=float(np.abs(values - values.T).max()) / largest if largest > 0.0 else 0.0,
        converged=x.converged and y.converged and z.converged,
        periodic=CELL,
        percolates=(x.percolates, y.percolates, z.percolates),
        axes=(x, y, z),
    )


def _check_sides(periodic: Sequence[bool] | None) -> None:
    """Raise ValueError if the image is said not to be a periodic cell."""
    if periodic is not None and parse_periodic(periodic) != CELL:
        raise ValueError(
            f"a conductivity tensor is that of a cell periodic along x, y and z, this image is {name_sides(periodic)}: "
            "take effective_conductivity along each of the three axes, between plates"
        )
