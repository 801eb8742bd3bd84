"""How well a labelled image conducts along one axis: the effective conductivity, with the proof that it is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microstructure.errors import BoundsError, ConvergenceError
from microstructure.structure import Structure
from percolation.lattice_arguments import Triple, parse_axis, parse_periodic
from transport.bounds import Bounds, hashin_shtrikman, wiener
from transport.conduction_report import describe
from transport.solver_arguments import parse_flags, parse_tolerance
from transport.solvers.conjugate_gradients import Preconditioner, Solution, solve_circuit
from transport.solvers.multigrid import Multigrid
from transport.solvers.potential import Potential
from transport.voxels.grid import Grid
from transport.voxels.image import PhaseImage, parse_image, parse_start
from transport.voxels.memory import check_memory
from transport.voxels.voxel_circuit import VoxelCircuit, voxel_circuit

METHOD = (
    "cell-centred finite volumes on 6 neighbours, harmonic faces; "
    "conjugate gradients with aggregation multigrid, corrected by the exact residual"
)
ROUNDING = 1e-9  # relative excess over a bound that rounding explains


@dataclass(frozen=True, eq=False)
class Conduction:
    """An effective conductivity along one axis, with the flux balance, the residuals and the bounds that certify it.

    Fluxes are mean current densities through a plane per unit of mean gradient: each would equal `value` if the solve
    were exact. `flux_in` is taken at the first plate, `flux_out` at the second; in a periodic axis at the cell's
    boundary and its mid-plane. `imbalance` is the largest difference between any two planes, over `value`. The exact
    answer for the voxel image lies in `bracket`, whatever the solver did: at most the power of the potential, at least
    that of currents without divergence (to rounding, 1e-14). `bounds` are Wiener's, which every structure keeps;
    `isotropic_bounds` Hashin and Shtrikman's, for information: a single image may leave them.

    `tortuosity_factor` is the mean conductivity of the phases, by volume, over `value`: for one conducting phase
    epsilon sigma / sigma_eff, its dead ends and islands counted in epsilon. It is not squared again: a straight channel
    at an angle has the square of its relative length. `connected` is the share of each conducting label's voxels that
    is joined to both ends, `current_shares` the part of the mean current that flows in each label.
    """

    value: float = field(metadata={"unit": "S/m"})
    flux_in: float = field(metadata={"unit": "S/m"})
    flux_out: float = field(metadata={"unit": "S/m"})
    imbalance: float = field(metadata={"unit": ""})
    converged: bool = field(metadata={"unit": ""})
    percolates: bool = field(metadata={"unit": ""})
    bounds: Bounds = field(metadata={"unit": ""})
    isotropic_bounds: Bounds = field(metadata={"unit": ""})
    bracket: Bounds = field(metadata={"unit": ""})
    tortuosity_factor: float = field(metadata={"unit": ""})
    iterations: int = field(metadata={"unit": ""})
    axis: int = field(metadata={"unit": ""})
    periodic: Triple = field(metadata={"unit": ""})
    method: str = field(metadata={"unit": ""})
    residuals: tuple[float, ...] = field(repr=False, metadata={"unit": ""})
    plane_flux: NDArray[np.float64] = field(repr=False, metadata={"unit": "S/m"})
    mean_flux: NDArray[np.float64] = field(repr=False, metadata={"unit": "S/m"})
    connected: dict[int, float] = field(default_factory=dict, repr=False, metadata={"unit": ""})  # by label
    current_shares: dict[int, float] = field(default_factory=dict, repr=False, metadata={"unit": ""})  # by label
    potential: NDArray[np.float64] | None = field(default=None, repr=False, metadata={"unit": "V"})
    current_density: NDArray[np.float32] | None = field(default=None, repr=False, metadata={"unit": "A/m2"})

    def __str__(self) -> str:
        return describe(self)


def effective_conductivity(
    labels: ArrayLike | Structure,
    conductivity: Mapping[int, float],
    voxel_size: float | Sequence[float] | None = None,
    axis: int = 0,
    periodic: Sequence[bool] | None = None,
    interface_resistance: Mapping[tuple[int, int], float] | None = None,
    blocks: ArrayLike | None = None,
    *,
    tolerance: float = 1e-6,
    max_iterations: int = 1000,
    strict: bool = True,
    keep_potential: bool = False,
    keep_current: bool = False,
    start: ArrayLike | None = None,
) -> Conduction:
    """Return the conductivity of a voxel image along `axis`.

    An array is measured between plates at both ends of the axis, its other sides closed, as a sample is cut out: what
    would lie beyond them is not known. With `periodic[axis]` True, the image is one cell of an endless material under
    a unit mean gradient; another periodic axis joins its two sides, between plates or not. Without a path (a cluster
    from plate to plate, or one that wraps along the axis) the answer is exactly 0.0.

    Parameters
    ----------
    labels
        Phase of each voxel, integers (nx, ny, nz); or a `Structure`, which is taken as it is and brings its voxel
        size, its sides and its blocks: what is said beside it must not contradict them.
    conductivity
        Of each label [S/m]; zero is an insulator.
    voxel_size
        Edge of a voxel, or its three edges [m]; of an array.
    axis
        Direction of the current, 0 to 2.
    periodic
        Per axis; an array is periodic along none of them if nothing is said. True only where the image was made so
        that its two sides fit together: in a tomogram it joins what is apart.
    interface_resistance
        For pairs of labels [ohm m2], infinity cuts the contact. A pair (k, k) acts between different blocks of label
        k. It refers to the true interface, not to its staircase: each face counts with the share |n_axis| of its
        area, where n is the local normal.
    blocks
        Block of each voxel, integers of the shape of `labels`; needed by pairs (k, k).
    tolerance
        Largest difference of the flux between any two planes, over the flux; and width of the bracket, over the value.
    max_iterations
        Conjugate-gradient steps at most.
    strict
        False returns a result marked `converged=False` instead of raising.
    keep_potential
        Keep the potential, float64 (nx, ny, nz), with 1 V across the image and NaN where no current can flow.
    keep_current
        Keep the current density at the voxels' middles, float32 (nx, ny, nz, 3), at 1 V across the image.
    start
        The potential of a similar image, (nx, ny, nz) [V], to begin with: that which it kept, NaN included. It changes
        how long the solve takes, not what it finds, and it pays where little has changed: less than a thousandth of the
        voxels, or conductivities by less than a half. For many of these see `sweep_conductivities`.

    Returns
    -------
    Conduction
        `value` is the dissipated power over the squared mean gradient, whose error is the square of the potential's.
        Insulating inclusions carry a first-order staircase error (about -5 % at 48 voxels per cell of a sphere
        packing): extrapolate in voxel size. Contrasts between phases are certified up to 1e12.

    Raises
    ------
    TypeError
        Labels or blocks that are not integers, or another argument of the wrong kind; an array without a voxel size;
        a voxel size, sides or blocks beside a `Structure` that has others.
    ValueError
        A label without a conductivity; negative or NaN conductivities or resistances; images that are not 3D; an axis
        that is not 0 to 2; a voxel size not above zero; blocks missing or of the wrong shape; faces that conduct unlike
        each other by more than 1e30; a start beyond 1e6 V.
    MemoryError
        The image needs more than is free; the message names a size that would fit.
    ConvergenceError
        `tolerance` was not reached; `best` holds the partial result, its potential included.
    BoundsError
        The result left the Wiener bounds: a fault of the program.

    References
    ----------
    Patankar, Numerical Heat Transfer and Fluid Flow (1980), section 4.2: harmonic means at cell faces.
    N. Epstein, Chem. Eng. Sci. 44 (1989) 777: tortuosity factor.

    Examples
    --------
    >>> import numpy as np
    >>> layers = np.zeros((8, 4, 4), np.uint8)
    >>> layers[4:] = 1
    >>> round(effective_conductivity(layers, {0: 1.0, 1: 3.0}, voxel_size=1e-7, axis=0).value, 9)
    1.5
    """
    axis = parse_axis(axis)
    tolerance = parse_tolerance(tolerance, max_iterations)
    parse_flags(strict=strict, keep_potential=keep_potential, keep_current=keep_current)
    image = parse_image(labels, conductivity, voxel_size, periodic, interface_resistance, blocks)
    check_memory(image, (8.0 if keep_potential else 0.0) + (12.0 if keep_current else 0.0))
    given = None if start is None else parse_start(start, image.shape)
    result = solve_axis(
        image, axis, tolerance, max_iterations, keep_potential=keep_potential, keep_current=keep_current, start=given
    )
    return certify(result, tolerance, strict)


def solve_axis(
    image: PhaseImage,
    axis: int,
    tolerance: float,
    max_iterations: int,
    *,
    keep_potential: bool = False,
    keep_current: bool = False,
    start: NDArray[np.float64] | None = None,
    precondition: Callable[[Grid], Preconditioner] = Multigrid,
) -> Conduction:
    """Return the conduction of a parsed image along one axis, not yet certified.

    The work is done in lines along the last axis: a thin image is turned, so that they are long.
    """
    order = _line_order(image.shape)
    if order != (0, 1, 2):
        turned = None if start is None else start.transpose(order)
        result = solve_axis(
            image.turned(order), order.index(axis), tolerance, max_iterations, keep_potential=keep_potential,
            keep_current=keep_current, start=turned, precondition=precondition,
        )  # fmt: skip
        return _turned_back(result, axis, order)
    problem = voxel_circuit(image, axis)
    if problem is None:
        return _no_path(image, axis, keep_potential, keep_current)
    solution = solve_circuit(
        problem,
        start=problem.first_guess(start),
        tolerance=tolerance,
        max_iterations=max_iterations,
        precondition=precondition,
    )
    return _measure(image, axis, problem, solution, keep_potential, keep_current)


def _line_order(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Order of the axes with the longest at the end, unless the last one is half as long or longer."""
    longest = int(np.argmax(shape))
    if 2 * shape[2] >= shape[longest]:
        return (0, 1, 2)
    return (2, 1, 0) if longest == 0 else (0, 2, 1)


def _turned_back(result: Conduction, axis: int, order: tuple[int, ...]) -> Conduction:
    """What was found in a turned image, in the order of the image's own axes; these orders are their own inverses."""
    potential, density = result.potential, result.current_density
    return replace(
        result,
        axis=axis,
        periodic=parse_periodic([result.periodic[a] for a in order]),
        mean_flux=result.mean_flux[list(order)],
        potential=None if potential is None else np.ascontiguousarray(potential.transpose(order)),
        current_density=None if density is None else np.ascontiguousarray(density.transpose(*order, 3)[..., order]),
    )


def certify(result: Conduction, tolerance: float, strict: bool) -> Conduction:
    """Return the result if it converged and keeps its bounds; a result that did not converge passes if not strict."""
    if not result.converged:
        if strict:
            residual, width = result.residuals[-1], (result.bracket.upper - result.bracket.lower) / result.value
            short = f"residual {residual:.1e}" if residual > tolerance else f"a bracket {width:.1e} wide"
            raise ConvergenceError(
                f"conduction along axis {result.axis} did not converge: {short} after {result.iterations} iterations, "
                f"wanted {tolerance:.1e}; raise max_iterations or tolerance, let phases differ by 1e12 at most, or "
                "take the partial result from .best (strict=False returns it)",
                best=result,
            )
        return result
    slack = max(ROUNDING, tolerance)
    low, high = result.bounds.lower * (1.0 - slack), result.bounds.upper * (1.0 + slack)
    if not low <= result.value <= high:
        raise BoundsError(
            f"conductivity {result.value:.12g} S/m lies outside its Wiener bounds {result.bounds}: a fault of the "
            "program, please report it with the image"
        )
    return result


def _no_path(image: PhaseImage, axis: int, keep_potential: bool, keep_current: bool) -> Conduction:
    conducting = zip(image.labels, image.conductivities > 0.0, strict=True)
    planes = image.shape[axis] + (not image.periodic[axis])
    return Conduction(
        value=0.0,
        flux_in=0.0,
        flux_out=0.0,
        imbalance=0.0,
        converged=True,
        percolates=False,
        bounds=_wiener_bounds(image),
        isotropic_bounds=_isotropic_bounds(image),
        tortuosity_factor=float("inf"),
        bracket=Bounds(0.0, 0.0, "of the voxel image's exact answer"),
        iterations=0,
        axis=axis,
        periodic=parse_periodic(image.periodic),
        method="no path along the axis through the faces of conducting voxels (6 neighbours): nothing to solve",
        residuals=(),
        plane_flux=np.zeros(planes),
        mean_flux=np.zeros(3),
        connected={label: 0.0 for label, conducts in conducting if conducts},
        current_shares=dict.fromkeys(image.labels, 0.0),
        potential=np.full(image.shape, np.nan) if keep_potential else None,
        current_density=np.zeros((*image.shape, 3), np.float32) if keep_current else None,
    )


def _measure(
    image: PhaseImage, axis: int, problem: VoxelCircuit, solution: Solution, keep_potential: bool, keep_current: bool
) -> Conduction:
    lengths = image.voxel_size * image.shape
    per_volt = lengths[axis] ** 2 / np.prod(lengths)  # [1/m], from the current at 1 V to a conductivity
    limits = _wiener_bounds(image)
    value = _within(solution.power * per_volt, limits) if solution.converged else solution.power * per_volt
    gap = solution.gap * per_volt
    density = np.empty((*image.shape, 3), np.float32) if keep_current else None
    crossing, sums, shares = _flow(image, problem, solution.potential, density)
    plane_flux = per_volt * crossing
    steps = image.voxel_size * lengths[axis] / np.prod(lengths)
    mean_flux = steps * sums
    mean_flux[axis] = value
    last = image.shape[axis] // 2 if image.periodic[axis] else -1
    return Conduction(
        value=float(value),
        flux_in=float(plane_flux[0]),
        flux_out=float(plane_flux[last]),
        imbalance=float(np.ptp(plane_flux) / value),
        converged=solution.converged,
        percolates=True,
        bounds=limits,
        isotropic_bounds=_isotropic_bounds(image),
        tortuosity_factor=float(limits.upper / value),
        bracket=Bounds(max(float(value - gap), 0.0), float(value), "of the voxel image's exact answer"),
        iterations=solution.iterations,
        axis=axis,
        periodic=parse_periodic(image.periodic),
        method=METHOD,
        residuals=solution.residuals,
        plane_flux=plane_flux,
        mean_flux=mean_flux,
        connected=_connected(image, problem),
        current_shares=shares,
        potential=_potential_image(problem, solution) if keep_potential or not solution.converged else None,
        current_density=density,
    )


def _within(value: float, limits: Bounds) -> float:
    """Return the value with rounding beyond a bound taken off: a uniform block is its conductivity to the last bit."""
    nearest = min(max(value, limits.lower), limits.upper)
    return nearest if abs(nearest - value) <= ROUNDING * value else value


def _wiener_bounds(image: PhaseImage) -> Bounds:
    limits = wiener(image.amounts, image.conductivities)
    return Bounds(0.0, limits.upper) if image.interface.any() else limits


def _isotropic_bounds(image: PhaseImage) -> Bounds:
    limits = hashin_shtrikman(image.amounts / image.amounts.sum(), image.conductivities)
    return Bounds(0.0, limits.upper, limits.kind) if image.interface.any() else limits


def _connected(image: PhaseImage, problem: VoxelCircuit) -> dict[int, float]:
    """Share of each conducting label's voxels that current can reach, by label."""
    reached = problem.sum_by_phase(image, problem.live)
    shares = zip(image.labels, image.conductivities, reached / image.amounts, strict=True)
    return {label: float(share) for label, sigma, share in shares if sigma > 0.0}


def _potential_image(problem: VoxelCircuit, solution: Solution) -> NDArray[np.float64]:
    potential = np.where(problem.live, solution.potential.high, np.nan)
    if problem.root is not None:
        potential -= potential[problem.root]  # the zero of each cluster
    return problem.grid.image(potential, np.nan)


def _flow(
    image: PhaseImage, problem: VoxelCircuit, potential: Potential, density: NDArray[np.float32] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], dict[int, float]]:
    """Current through each plane, sum over the faces of each direction, share of each label; fill in the density."""
    axis = problem.axis
    plates = None if problem.periodic else problem.plate_currents(potential)
    crossing, sums, shares = np.empty(0), np.zeros(3), {}
    faces = np.empty(problem.grid.size)
    for direction in range(3):
        problem.face_currents(potential, direction, faces)
        sums[direction] = faces.sum()
        if direction != axis and density is None:
            continue
        cells = problem.cell_currents(faces, direction, plates)
        if direction == axis:
            layers = problem.layer_sums(faces)
            crossing = np.roll(layers, 1)  # plane 0 is that in front of the first voxel
            if plates is not None:
                entry, exit = (float(currents.sum()) for _, currents in plates)
                crossing = np.concatenate(([entry], layers[:-1], [exit]))
            totals = problem.sum_by_phase(image, cells)
            shares = dict(zip(image.labels, (totals / totals.sum()).tolist(), strict=True))
        if density is not None:
            area = np.prod(image.voxel_size) / image.voxel_size[direction]
            density[..., direction] = problem.grid.image(cells, 0.0) / area
    return crossing, sums, shares
