"""Spheres packed in a box: cores of a cathode at a stated volume fraction, between two walls or without any."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microstructure.arguments import check_name, check_periodic, check_rng
from microstructure.cores._relaxation import find_pairs, largest_overlap
from microstructure.cores._sequential_addition import add_spheres
from microstructure.cores.core_clusters import Clusters, choose_blocks, single_blocks
from microstructure.cores.packing_request import (
    PackingRequest,
    Periods,
    box_for,
    check_clearance,
    check_clusters,
    check_diameters,
    check_fits,
    check_reach,
    check_sides,
    check_sizes,
    check_target,
    draw_sizes,
    volume_fraction,
)
from microstructure.cores.relaxation import Arrangement, fill, jam
from microstructure.cores.shapes import Bodies
from microstructure.cores.sizes import Distribution
from microstructure.errors import PackingError

Method = Literal["relax", "sequential"]
PATIENCE = 100_000  # failures in a row after which random addition ends
TRIALS_AT_ONCE = 50_000
NEAR_JAMMING = 0.68  # a box to begin with; the jammed spheres are scaled to theirs


@dataclass(frozen=True, eq=False, repr=False)
class Packing:
    """Spheres in a box that begins at the origin; on an axis that is not periodic each lies wholly inside.

    Attributes
    ----------
    centres : ndarray, float64 (n, 3) [m]
    diameters : ndarray, float64 (n,) [m]
    box : ndarray, float64 (3,) [m]
    periodic : tuple of three bool
    fraction : float
        Sum of the sphere volumes over the volume of the box.
    overlap : float
        Largest overlap of two spheres over the smaller diameter of the two; 0 when none overlap.
    method : str
        "relax", "sequential" or "jam".
    block : ndarray, int32 (n,)
        The building block of each sphere, numbered from 0 in the order of their first spheres; spheres of one block
        are joined. By default each is its own.
    bodies : Bodies or None
        The true shapes where they are not spheres; `diameters` are then those of the spheres of equal volume.
    """

    centres: NDArray[np.float64] = field(metadata={"unit": "m"})
    diameters: NDArray[np.float64] = field(metadata={"unit": "m"})
    box: NDArray[np.float64] = field(metadata={"unit": "m"})
    periodic: Periods = field(metadata={"unit": ""})
    fraction: float = field(metadata={"unit": "1"})
    overlap: float = field(metadata={"unit": "1"})
    method: str = field(metadata={"unit": ""})
    block: NDArray[np.int32] = field(default=None, metadata={"unit": ""})  # type: ignore[arg-type]
    bodies: Bodies | None = field(default=None, metadata={"unit": ""})

    def __post_init__(self) -> None:
        if self.block is None:
            object.__setattr__(self, "block", np.arange(self.count, dtype=np.int32))

    @property
    def count(self) -> int:
        """Number of spheres."""
        return int(self.diameters.size)

    @property
    def blocks(self) -> int:
        """Number of building blocks."""
        return int(self.block.max()) + 1 if self.count else 0

    @property
    def shapes(self) -> Bodies:
        """The shapes of the cores: bodies, or the spheres themselves."""
        return Bodies.spheres(self.diameters) if self.bodies is None else self.bodies

    @property
    def radii(self) -> NDArray[np.float64]:
        """Radii, float64 (n,) [m]."""
        return 0.5 * self.diameters

    def __repr__(self) -> str:
        box = " x ".join(f"{1e6 * side:.4g}" for side in self.box)
        walls = "".join(name for name, periodic in zip("xyz", self.periodic, strict=True) if not periodic)
        blocks = f" in {self.blocks} blocks" if self.blocks < self.count else ""
        kind = "spheres" if self.bodies is None else "faceted cores"
        return (
            f"Packing({self.count} {kind}{blocks}, fraction {self.fraction:.4f}, box {box} um, "
            f"walls {walls or 'none'}, overlap {self.overlap:.1e}, {self.method})"
        )


def pack_spheres(
    sizes: Distribution | ArrayLike,
    *,
    fraction: float | None = None,
    count: int | None = None,
    box: Sequence[float] | None = None,
    aspect: Sequence[float] = (1.0, 1.0, 1.0),
    periodic: Sequence[bool] = (False, True, True),
    rng: np.random.Generator,
    method: Method = "relax",
    clearance: float = 0.0,
    clusters: Clusters | None = None,
) -> Packing:
    """Pack spheres at random without overlap.

    Parameters
    ----------
    sizes : Distribution or array_like of float (n,)
        A distribution from `microstructure.cores.sizes`, with two of `fraction`, `count` and `box` (with `count` alone
        the spheres are packed until they jam); or the diameters themselves [m], with either `fraction` or `box`.
    fraction : float
        Volume of the spheres over that of the box, reached exactly. With a distribution and a box, sizes are drawn
        until their volume comes closest, then all are scaled by the tiny factor that is left.
    count : int
        Number of spheres drawn.
    box : three floats [m]
        Edges of the box; without it the box follows from the volume of the spheres and `aspect`.
    aspect : three floats
        Edges of the box relative to each other, where `box` is not given.
    periodic : three bools
        Which axes are periodic; the others end at hard walls that no sphere crosses.
    rng : numpy.random.Generator
        The same generator state gives the same bytes.
    method : {"relax", "sequential"}
        "relax" pushes overlapping spheres apart (energy minimisation) while they grow, up to random close packing;
        "sequential" throws one after the other where there is room, which ends below 0.3841 for equal spheres.
    clearance : float [m]
        Thickness of a soft coat on every sphere ("relax" only). The coats, which may be too many for the box, first
        find their balance; from there the bare spheres are parted, if they overlap at all. Walls press on the coats.
    clusters : Clusters, optional
        A share of the spheres are joined in clusters ("relax" only), which touch within: spheres chosen at random,
        joined by bonds as a tree. Between spheres of one cluster coats do not count.

    Returns
    -------
    Packing
        No overlap and no gap of a bond exceeds 1e-4 of the smaller diameter.

    Raises
    ------
    TypeError
        For too many or too few of `fraction`, `count` and `box`, or an argument of the wrong kind.
    ValueError
        For a fraction outside (0, 1), sizes that are not finite and positive, a box smaller than a sphere, fewer
        clustered spheres than one cluster has.
    PackingError
        If the fraction is out of reach; `best` holds the densest packing found. It keeps the diameters in a larger
        box, or where `box` was given, the box with smaller spheres; "sequential" leaves spheres out.

    References
    ----------
    C. S. O'Hern, L. E. Silbert, A. J. Liu and S. R. Nagel, Phys. Rev. E 68, 011306 (2003).

    Examples
    --------
    >>> from microstructure.cores.sizes import Lognormal
    >>> sizes = Lognormal(median=3.3e-6, width=0.3)
    >>> spheres = pack_spheres(sizes, fraction=0.60, count=100, rng=np.random.default_rng(1))
    >>> round(spheres.fraction, 4)
    0.6
    """
    check_rng(rng)
    check_sizes(sizes)
    walls = check_periodic(periodic)
    check_name("method", method, METHODS)
    coat, groups = check_clearance(clearance, method), check_clusters(clusters, method)
    fraction = None if fraction is None else check_target(fraction)
    sides = None if box is None else check_sides(box, "box", "m")
    shape = check_sides(aspect, "aspect", "")
    if isinstance(sizes, Distribution):
        if fraction is None and box is None and count is not None:
            if method != "relax" or coat > 0.0:
                raise TypeError("count= alone packs to jamming, without method= or clearance=; for those add fraction=")
            return jam_spheres(sizes, count=count, aspect=aspect, periodic=periodic, rng=rng, clusters=groups)
        diameters = draw_sizes(sizes, fraction, count, sides, rng)
    else:
        if count is not None or (fraction is None) == (sides is None):
            raise TypeError("an array of diameters takes either fraction= or box=, not both, and no count=")
        diameters = check_diameters(sizes)
    edges = sides if sides is not None else box_for(diameters, fraction or math.nan, shape)
    check_fits(diameters, edges)
    check_reach("clearance", diameters.size, edges, walls, float(diameters.mean()) + 2.0 * coat)
    blocks = choose_blocks(groups, diameters, rng=rng)
    task = PackingRequest(diameters, edges, walls, blocks, box_given=sides is not None, rng=rng)
    return METHODS[method](task, coat)


def jam_spheres(
    sizes: Distribution | ArrayLike,
    *,
    count: int | None = None,
    aspect: Sequence[float] = (1.0, 1.0, 1.0),
    periodic: Sequence[bool] = (False, True, True),
    rng: np.random.Generator,
    clusters: Clusters | None = None,
) -> Packing:
    """Pack spheres at random until they jam: the box is the smallest that a random start leads to.

    The jammed spheres are pressed into each other once, let go, and jam again somewhat denser.

    Parameters
    ----------
    sizes : Distribution or array_like of float (n,)
        A distribution, with `count`; or the diameters themselves [m].
    count, aspect, periodic, rng, clusters
        As in `pack_spheres`.

    Returns
    -------
    Packing
        `fraction` is the jammed fraction, known to about 1e-4. Without walls and from 500 spheres on, equal spheres
        end at 0.638-0.645 and a lognormal of width 0.3 at 0.661-0.668. Walls cost space, the more the fewer spheres
        there are: 100-200 between two walls end at 0.60-0.64, in a closed box of six at 0.53-0.57.

    Raises
    ------
    TypeError, ValueError
        As `pack_spheres`.

    References
    ----------
    C. S. O'Hern, L. E. Silbert, A. J. Liu and S. R. Nagel, Phys. Rev. E 68, 011306 (2003).

    Examples
    --------
    >>> from microstructure.cores.sizes import Equal
    >>> jammed = jam_spheres(Equal(1e-6), count=100, periodic=(True, True, True), rng=np.random.default_rng(1))
    >>> round(jammed.fraction, 2)
    0.64
    """
    check_rng(rng)
    check_sizes(sizes)
    walls = check_periodic(periodic)
    if isinstance(sizes, Distribution):
        if count is None:
            raise TypeError("a distribution needs count= (and, to stop short of jamming, fraction= in pack_spheres)")
        diameters = draw_sizes(sizes, NEAR_JAMMING, count, None, rng)
    elif count is not None:
        raise TypeError("an array of diameters takes no count=")
    else:
        diameters = check_diameters(sizes)
    edges = box_for(diameters, NEAR_JAMMING, check_sides(aspect, "aspect", ""))
    check_fits(diameters, edges)
    blocks = choose_blocks(check_clusters(clusters, "relax"), diameters, rng=rng)
    task = PackingRequest(diameters, edges, walls, blocks, box_given=False, rng=rng)
    return _packing(task, jam(task.cell, rng=rng), "jam")


def _relaxed(task: PackingRequest, clearance: float) -> Packing:
    cell = task.cell
    reached = fill(cell, clearance=clearance / task.unit, rng=task.rng)
    packing = _packing(task, reached, "relax")
    if reached.fraction < cell.fraction:
        raise _out_of_reach(task, packing)
    return packing


def _added(task: PackingRequest, _: float) -> Packing:
    cell = task.cell
    centres = np.empty((task.diameters.size, 3))
    placed, failed = 0, 0
    while placed < task.diameters.size and failed < PATIENCE:
        trials = task.rng.random((TRIALS_AT_ONCE, 3))
        placed, failed = add_spheres(centres, cell.diameters, placed, failed, PATIENCE, cell.box, cell.periodic, trials)
    kept = PackingRequest(
        task.diameters[:placed], task.box, task.periodic, single_blocks(placed), box_given=True, rng=task.rng
    )
    packing = _finish(kept, centres[:placed] * task.unit, kept.diameters, kept.box, "sequential")
    if placed < task.diameters.size:
        raise _out_of_reach(task, packing)
    return packing


METHODS: Mapping[str, Callable[[PackingRequest, float], Packing]] = MappingProxyType(
    {"relax": _relaxed, "sequential": _added}
)


def _out_of_reach(task: PackingRequest, best: Packing) -> PackingError:
    advice = "ask for less, or " + (
        "use method='relax'" if best.method == "sequential" else "for more spheres between walls, if there are any"
    )
    return PackingError(
        f"{task.diameters.size} spheres cannot be packed at random to a fraction of {task.fraction:.4f}: "
        f"the densest packing found has {best.fraction:.4f} (in .best); {advice}",
        best=best,
    )


def _packing(task: PackingRequest, reached: Arrangement, method: str) -> Packing:
    scale = task.cell.scale(reached.fraction)
    if task.box_given:
        return _finish(task, reached.centres * task.unit, task.diameters * scale, task.box, method)
    return _finish(task, reached.centres * (task.unit / scale), task.diameters, task.box / scale, method)


def _finish(
    task: PackingRequest,
    centres: NDArray[np.float64],
    diameters: NDArray[np.float64],
    box: NDArray[np.float64],
    method: str,
) -> Packing:
    for axis in range(3):
        if not task.periodic[axis]:  # the change of unit may have moved a sphere on the wall by a last digit
            centres[:, axis] = np.clip(centres[:, axis], 0.5 * diameters, box[axis] - 0.5 * diameters)
        else:
            centres[centres[:, axis] >= box[axis], axis] = 0.0
    pairs, shifts = find_pairs(centres, diameters, box, np.array(task.periodic), 0.0)
    overlap = float(largest_overlap(centres, diameters, pairs, shifts))
    fraction, block = volume_fraction(diameters, box), task.blocks.block
    return Packing(centres, diameters.copy(), box.copy(), task.periodic, fraction, overlap, method, block)
