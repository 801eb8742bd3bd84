"""The range of every number in a structure: what no computation may meet, whatever the rest of it holds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microstructure.carbon.placement import Carbon
from microstructure.coats.coat_models import COAT_MODELS
from microstructure.coats.coating import Coats
from microstructure.cores.shapes import Bodies
from microstructure.cores.sphere_packing import Packing
from microstructure.materials import Closure, Materials
from microstructure.recipe import Recipe
from microstructure.structure import Phase, Structure

Floats = NDArray[np.float64]

SMALLEST, LARGEST = 1e-12, 1.0  # [m]: no voxel, core or box is smaller or larger
FINEST = 1e-6  # of the longest edge of the box: nothing in it is smaller
ROUNDING = 1e-6  # relative: numbers that must agree
PIECE = 2**20  # numbers looked at at a time


def check_ranges(structure: Structure, *, carbon: bool = True) -> None:
    """Raise a ValueError if a number of the structure would lead a computation out of its arrays.

    Kinds and shapes are taken as checked. Takes some 30 ms for each million primaries; without `carbon` they are not
    looked at.
    """
    within("labels", structure.labels, min(Phase), max(Phase))
    check_owners(structure)
    if structure.recipe is not None:
        check_recipe(structure.recipe)
    cores, primaries, box = structure.cores, structure.carbon, structure.box
    if cores is not None:
        check_packing(cores)
        check_same("cores.box", cores.box, np.asarray(box))
    if structure.coats is not None:
        check_coats(structure.coats)
        within("coats.thickness", structure.coats.thickness, 0.0, max(box))
    if not carbon or primaries is None:
        return
    check_carbon(primaries)
    if primaries.count == 0:
        return
    within("carbon.diameter", primaries.diameter, FINEST * max(box), max(box))
    for axis, edge in enumerate(box):
        beyond = ROUNDING * edge if structure.periodic[axis] else edge
        within("carbon.centres", primaries.centres[:, axis], -beyond, edge + beyond)
    if cores is not None:
        within("carbon.coat", primaries.coat, 0, cores.count - 1)


def check_owners(structure: Structure) -> None:
    """Raise a ValueError unless the core ids of the voxels are whole numbers, and those of cores."""
    owners, cores = structure.owners, structure.cores
    if owners is None:
        return
    if not isinstance(owners, np.ndarray) or owners.dtype.kind != "i":
        raise ValueError(f"owners is an array of whole numbers, the core of each voxel; got {owners!r}")
    within("owners", owners, -1, np.iinfo(np.int64).max if cores is None else cores.count - 1)


def check_packing(cores: Packing, path: str = "cores") -> None:
    """Raise a ValueError unless these can be cores in their box; kinds and shapes are taken as checked."""
    for edge in cores.box:
        check_size(f"{path}.box", float(edge))
    fine = FINEST * float(cores.box.max())
    must(cores.count > 0, path, "one core or more", cores.count)
    within(f"{path}.diameters", cores.diameters, fine, 2.0 * float(cores.box.max()))
    for axis, edge in enumerate(cores.box):
        within(f"{path}.centres", cores.centres[:, axis], -ROUNDING * edge, (1.0 + ROUNDING) * edge)
    within(f"{path}.fraction", cores.fraction, 0.0, 1.0)
    within(f"{path}.overlap", cores.overlap, 0.0, float(cores.diameters.max() / cores.diameters.min()))
    highest = np.maximum.accumulate(np.concatenate([[-1], cores.block.astype(np.int64)]))
    ok = cores.block.min() >= 0 and np.all(cores.block <= highest[:-1] + 1)
    must(bool(ok), f"{path}.block", "ids from 0 on, in the order of their first cores", cores.block)
    if cores.bodies is not None:
        _check_bodies(cores.bodies, f"{path}.bodies", fine, float(cores.box.max()))


def _check_bodies(bodies: Bodies, path: str, fine: float, edge: float) -> None:
    for name, ends, most, least in (
        ("start", bodies.start, len(bodies.corners), 1),
        ("face_start", bodies.face_start, len(bodies.offsets), 0),
    ):
        ok = ends[0] == 0 and ends[-1] == most and np.all(np.diff(ends) >= least)
        must(bool(ok), f"{path}.{name}", f"places that rise from 0 to {most}", ends)
    within(f"{path}.corners", bodies.corners, -edge, edge)
    within(f"{path}.rounding", bodies.rounding, 0.0, edge)
    within(f"{path}.steiner", bodies.steiner, 0.0, max(edge, edge**3) * 100.0)
    within(f"{path}.offsets", bodies.offsets, 0.0, edge)
    within(f"{path}.normals", bodies.normals, -1.0 - ROUNDING, 1.0 + ROUNDING)
    check_same(f"{path}.normals", np.sum(bodies.normals**2, axis=1), 1.0)
    within(f"{path}.axes", bodies.axes, -1.0 - ROUNDING, 1.0 + ROUNDING)
    turned = np.einsum("nij,nkj->nik", bodies.axes, bodies.axes)
    must(bool(np.allclose(turned, np.eye(3), atol=ROUNDING)), f"{path}.axes", "three perpendicular unit vectors", "")
    corners = np.diff(bodies.start)
    flat = np.diff(bodies.face_start) < 4
    must(bool(np.all((corners == 1) == flat)), f"{path}.face_start", "four faces or more, and none of a sphere", "")
    within(f"{path}.rounding", bodies.outer_radius, 0.5 * fine, edge)


def check_coats(coats: Coats, path: str = "coats") -> None:
    """Raise a ValueError unless this can be the state of coats; kinds and shapes are taken as checked."""
    must(coats.model in COAT_MODELS, f"{path}.model", " or ".join(COAT_MODELS), coats.model)
    for name in ("thickness", "fill_height", "roughness", "open_height"):
        within(f"{path}.{name}", getattr(coats, name), 0.0, LARGEST)
    for name in ("film_share", "recess_share", "interstice_share", "roughness_share"):
        within(f"{path}.{name}", getattr(coats, name), -ROUNDING, 1.0 + ROUNDING)
    relief = coats.relief
    if relief is not None:
        for name in ("thick", "bare"):  # Gaussian, of the width 1
            within(f"{path}.relief.{name}", getattr(relief, name), -100.0, 100.0)
        within(f"{path}.relief.offsets", relief.offsets, -LARGEST, LARGEST)
        within(f"{path}.relief.bare_below", relief.bare_below, -np.inf, 100.0)
        within(f"{path}.relief.scale", relief.scale, 0.0, 1e6)
        within(f"{path}.relief.unevenness.correlation_length", relief.unevenness.correlation_length, SMALLEST, LARGEST)


def check_carbon(carbon: Carbon, path: str = "carbon") -> None:
    """Raise a ValueError unless these are primaries as they are inserted; kinds and shapes are taken as checked."""
    check_size(f"{path}.diameter", carbon.diameter)
    within(f"{path}.left_out", carbon.left_out, 0.0, 1.0 + ROUNDING)
    within(f"{path}.overlap", carbon.overlap, 0.0, 1.0 + ROUNDING)
    within(f"{path}.centres", carbon.centres, -LARGEST, LARGEST)
    before = 0
    for piece in pieces(carbon.count):
        aggregate, bond = carbon.aggregate[piece].astype(np.int64), carbon.bond[piece].astype(np.int64)
        steps = np.diff(np.concatenate([[before], aggregate]))
        ok = aggregate[0] >= 0 and steps.min() >= 0 and steps.max() <= 1
        must(bool(ok), f"{path}.aggregate", "ids that rise from 0 on, one after the other", aggregate)
        own = np.arange(piece.start, piece.start + len(bond))
        must(bool(bond.min() >= -1 and np.all(bond < own)), f"{path}.bond", "-1, or an earlier primary", bond)
        fused = carbon.aggregate[bond[bond >= 0]]
        must(bool(np.all(fused == aggregate[bond >= 0])), f"{path}.bond", "primaries of the same aggregate", bond)
        before = int(aggregate[-1])
    within(f"{path}.coat", carbon.coat, -1, np.iinfo(np.int32).max)


def check_recipe(recipe: Recipe, path: str = "recipe") -> None:
    """Raise a ValueError unless the recipe has every constant that percoat knows, in its unit and range."""
    shipped, found = _shipped(), recipe.materials
    for verb, odd in (("lacks", set(shipped) - set(found)), ("has", set(found) - set(shipped))):
        if odd:
            raise ValueError(f"{path} {verb} the constant {min(odd)}: it is damaged, or of another version of percoat")
    must(set(found.names) == set(shipped.names), f"{path}.names", " and ".join(shipped.names), list(found.names))
    must(all(isinstance(one, str) for one in found.names.values()), f"{path}.names", "texts", "")
    for key, constant in found.constants.items():
        unit = shipped.constants[key].unit
        must(constant.unit == unit, f"{path}.{key}", f"a value in {unit}", constant.unit)
        must(isinstance(constant.source, str), f"{path}.{key}.source", "text", constant.source)
        for number in (constant.low, constant.value, constant.high):
            if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
                raise ValueError(f"{path}.{key} is a finite number with a range; got {number!r}")
        within(f"{path}.{key}", constant.value, constant.low, constant.high)
    _check_closure(found.matrix_porosity, f"{path}.matrix_porosity")


@cache
def _shipped() -> Materials:
    return Materials.load()


def _check_closure(closure: Closure, path: str) -> None:
    points, values = (np.asarray(one, np.float64) for one in (closure.points, closure.values))
    ok = points.ndim == values.ndim == 1 and len(points) == len(values) > 0 and np.all(np.diff(points) > 0)
    must(bool(ok), path, "as many mass ratios, rising, as porosities", closure.points)
    within(path, points, 0.0, np.inf, open_above=True)
    within(path, values, 0.0, 1.0, open_above=True)
    must(isinstance(closure.source, str), f"{path}.source", "text", closure.source)


def must(holds: bool, path: str, wanted: str, came: Any) -> None:
    if not holds:
        raise ValueError(f"{path} must be {wanted}; got {words(came)}")


def within(path: str, values: Any, low: float, high: float, *, open_above: bool = False) -> None:
    """Refuse NaN and whatever lies outside a range; without copies, for arrays may be large."""
    array = np.asarray(values)
    if array.size == 0:
        return
    least, most = array.min(), array.max()
    if not (low <= least and (most < high if open_above else most <= high)):
        worst = least if not low <= least else most
        raise ValueError(f"{path} must lie within {low:.6g} and {high:.6g}; got {worst}")


def check_same(path: str, values: Any, wanted: Any) -> None:
    if not np.allclose(values, wanted, rtol=ROUNDING, atol=0.0):
        raise ValueError(f"{path} and the rest contradict each other: {words(values)} for {words(wanted)}")


def check_size(path: str, length: float) -> None:
    if not SMALLEST <= length <= LARGEST:
        raise ValueError(f"{path} is a length in metres, within {SMALLEST:g} and {LARGEST:g}; got {length!r}")


def pieces(count: int) -> Iterator[slice]:
    for start in range(0, count, PIECE):
        yield slice(start, min(start + PIECE, count))


def words(came: Any) -> str:
    if isinstance(came, tuple):
        return " x ".join(f"{one:.4g}" if isinstance(one, float) else str(one) for one in came)
    return " ".join(np.array2string(np.asarray(came), threshold=6, edgeitems=2, precision=6).split())
