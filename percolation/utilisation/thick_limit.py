"""What electronic utilisation tends to in ever thicker cathodes: the share of the cores in the infinite cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_gap, check_optional, check_rng, check_room, check_runs
from microstructure.checks.integrity import check_computable
from microstructure.coats.outer_face import OuterFace
from microstructure.structure import Structure
from percolation.carbon_paths.outer_contacts import carrying_carbon
from percolation.utilisation._wrapping import in_wrapping_cluster, wrapping_groups
from percolation.utilisation.reach import (
    Floats,
    bare_share,
    check_shares,
    count_inserted,
    find_bare_contacts,
    weighted_mean,
)


@dataclass(frozen=True, eq=False)
class ThickLimit:
    """Share of the active material in the cluster that closes on itself along a periodic axis 0."""

    carbon: Floats = field(metadata={"unit": "1", "shape": "(steps,)", "what": "share of the structure's carbon, in"})
    electronic: Floats = field(metadata={"unit": "1", "shape": "(steps,)", "what": "by volume"})
    cores: Floats = field(
        repr=False, metadata={"unit": "1", "shape": "(steps, cores)", "what": "share of the draws that join it"}
    )
    draws: int = field(metadata={"what": "draws of the bare contacts averaged over"})


def measure_thick_limit(
    structure: Structure,
    *,
    carbon: Sequence[float] = (1.0,),
    bare_contact_share: float | None = None,
    contact_gap: float = 0.0,
    face: OuterFace | None = None,
    draws: int = 32,
    rng: np.random.Generator,
) -> ThickLimit:
    """Measure the electronic utilisation of an infinitely thick and wide cathode on one periodic composite.

    In a thick cathode a core far from the collector is reached only if it is in the cluster that goes on for ever; any
    finite cluster ends before. In a periodic box that is the cluster that wraps along axis 0. Below the network's
    threshold there is none and the limit is 0. In a box of finite size a cluster may wrap by chance: near the
    threshold the limit comes out too high, the less the larger the box is.

    Parameters
    ----------
    structure : Structure
        A composite, axis 0 periodic: `coat_composite` on cores packed with ``periodic=(True, True, True)``.
    carbon, bare_contact_share, contact_gap, face, draws, rng
        As for `measure_utilisation`.

    Returns
    -------
    ThickLimit

    Raises
    ------
    ValueError
        If axis 0 is not periodic, or for the same reasons as `measure_utilisation`.

    References
    ----------
    D. Stauffer and A. Aharony, Introduction to Percolation Theory, 2nd ed., Taylor & Francis (1994), chapter 2.

    Examples
    --------
    >>> from microstructure import Recipe, pack_spheres
    >>> from microstructure.composite import coat_composite
    >>> rng = np.random.default_rng(1)
    >>> cores = pack_spheres(np.full(60, 3e-6), fraction=0.6, periodic=(True, True, True), rng=rng)
    >>> size = cores.box[0] / 60
    >>> cell = coat_composite(Recipe.parse("80:20:0"), cores, voxel_size=size, coat="shell", library=None, rng=rng)
    >>> measure_thick_limit(cell, bare_contact_share=0.0, rng=rng).electronic.tolist()
    [0.0]
    """
    check_computable(structure)
    check_rng(rng)
    cores, draws = structure.parts.cores, check_runs(draws, "draws")
    contact_gap = check_gap("contact_gap", contact_gap)
    if not structure.periodic[0]:
        raise ValueError(
            "axis 0 ends at walls: give a composite on cores packed with periodic=(True, True, True), or ask"
            " measure_utilisation"
        )
    bare_contact_share = bare_share(structure, bare_contact_share)
    shares = check_shares(carbon=carbon)
    outer = check_optional("face", face, OuterFace) or OuterFace()
    joined = _carbon_joins(structure, count_inserted(structure, shares), contact_gap, outer, rng)
    check_room("draws of all cores", draws * len(shares) * cores.count, 1.0, "ask for fewer draws or steps")
    heights, edge = np.ascontiguousarray(cores.centres[:, 0]), float(structure.box[0])
    inside = np.empty((draws, len(shares), cores.count), np.bool_)
    for draw in inside:
        pairs = find_bare_contacts(structure, share=bare_contact_share, rng=rng).pairs
        for step, found in enumerate(draw):
            in_wrapping_cluster(heights, edge, pairs, *(part[step] for part in joined), found)
    reached = inside.mean(axis=0)
    return ThickLimit(shares, weighted_mean(reached, cores.shapes.volumes), reached, draws)


def _carbon_joins(
    structure: Structure, inserted: NDArray[np.int64], contact_gap: float, face: OuterFace, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Which core each hangs together with, how many boxes beyond it, and whether that wraps: (steps, cores) each."""
    cores, carbon = structure.parts.cores, structure.carbon
    shape = (len(inserted), cores.count)
    groups, shifts = np.tile(np.arange(cores.count), (len(inserted), 1)), np.zeros(shape, np.int64)
    wraps = np.zeros(shape, np.bool_)
    if carbon is not None:
        network, touches = carrying_carbon(structure, contact_gap, face, rng)
        heights = np.concatenate([cores.centres[:, 0], carbon.centres[:, 0]])
        links = network.first, network.earlier, touches.start, touches.bodies
        wrapping_groups(heights, cores.count, structure.box[0], *links, inserted, groups, shifts, wraps)
    return groups, shifts, wraps
