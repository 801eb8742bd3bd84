"""What must hold of a structure before anything is computed with it: kinds, shapes, ranges, and parts that agree."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import MOST_VOXELS
from microstructure.bodies import Bodies
from microstructure.carbon import Carbon
from microstructure.carbon_rooms import FIT_MODES
from microstructure.coats import COAT_MODELS, Coats
from microstructure.materials import Closure, Materials
from microstructure.packing import Packing
from microstructure.recipe import Recipe
from microstructure.relief import Relief
from microstructure.structure import Phase, Structure

Floats = NDArray[np.float64]

SHAPES: Mapping[type, Mapping[str, tuple[str | int, ...]]] = {
    Structure: {"labels": ("x", "y", "z"), "owners": ("x", "y", "z")},
    Packing: {"centres": ("cores", 3), "diameters": ("cores",), "box": (3,), "block": ("cores",)},
    Bodies: {
        "corners": ("corners", 3),
        "start": ("cores+1",),
        "normals": ("faces", 3),
        "offsets": ("faces",),
        "face_start": ("cores+1",),
        "rounding": ("cores",),
        "steiner": ("cores", 3),
        "axes": ("cores", 3, 3),
    },
    Relief: {"thick": ("grid", "grid", "grid"), "bare": ("grid", "grid", "grid"), "offsets": ("cores", 3)},
    Carbon: {
        "centres": ("primaries", 3),
        "aggregate": ("primaries",),
        "bond": ("primaries",),
        "coat": ("primaries",),
    },
}
NUMBERS = {"i": (np.int8, np.int16, np.int32, np.int64), "u": (np.uint8,), "f": (np.float32, np.float64)}
SMALLEST, LARGEST = 1e-12, 1.0  # [m]: no voxel, core or box is smaller or larger
FINEST = 1e-6  # of the longest edge of the box: nothing in it is smaller
ROUNDING = 1e-6  # relative: numbers that must agree
WHOLE = 0.01  # of a voxel: edges of the box are whole voxels
FUSED = 0.05  # of a diameter: squeezed into a coat, fused primaries come apart by as much as 0.02
CROWD = 1000  # primaries, or cores, in a cube one (smallest) diameter wide: a few dozen where they are densest
PIECE = 2**20  # numbers looked at at a time


def check_structure(structure: Any) -> Structure:
    """The structure itself, if it is one with which everything can be computed.

    Takes some 20 ms for each million voxels, and as much for each million primaries.

    Raises
    ------
    TypeError
        If it is no Structure, or a field of it holds something of the wrong kind.
    ValueError
        If arrays have the wrong shape, numbers are out of their range, ids name what is not there, or two parts
        contradict each other. The message names the field.
    """
    check_layout(structure)
    _check_image(structure)
    parts = (
        (structure.recipe, check_recipe),
        (structure.cores, check_packing),
        (structure.coats, check_coats),
        (structure.carbon, check_carbon),
    )
    for part, check in parts:
        if part is not None:
            check(part)
    _check_together(structure)
    return structure


def check_layout(structure: Any) -> None:
    """What can be said before any array is read: kinds, dtypes, shapes, and an image as large as the box.

    Raises
    ------
    TypeError, ValueError
        As `check_structure` does.
    """
    if not isinstance(structure, Structure):
        raise TypeError(f"structure must be a Structure, got {structure!r}")
    labels = structure.labels
    if not _is_array(labels) or labels.ndim != 3 or labels.dtype != np.uint8 or 0 in labels.shape:
        raise ValueError("its labels are no three-dimensional image of uint8: give one with the Phase of each voxel")
    _check_record(structure, "", {})
    _check_lengths("voxel_size", structure.voxel_size)
    for edge, count in zip(structure.box, labels.shape, strict=True):
        _check_lengths("box", edge)
        if abs(count - edge / structure.voxel_size) > WHOLE:
            raise ValueError(
                f"its box of {_words(structure.box)} m and its image of {_words(labels.shape)} voxels of"
                f" {structure.voxel_size:.4g} m contradict each other"
            )
    _must(math.prod(labels.shape) <= MOST_VOXELS, "labels", f"at most {MOST_VOXELS:.3g} voxels", labels.shape)


def _check_record(record: Any, path: str, lengths: dict[str, int]) -> None:
    """Kinds of all fields by their annotations, shapes by `SHAPES`; `lengths` are those met so far, by name."""
    hints, shapes = typing.get_type_hints(type(record)), SHAPES.get(type(record), {})
    for one in dataclasses.fields(record):
        value, name = getattr(record, one.name), path + one.name
        _check_kind(value, hints[one.name], one.name, name, lengths)
        if one.name in shapes and value is not None:
            _check_shape(value.shape, shapes[one.name], name, lengths)


def _check_kind(value: Any, hint: Any, field: str, path: str, lengths: dict[str, int]) -> None:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in inner:
            return
        hint = next(one for one in inner if one is not type(None))
        _check_kind(value, hint, field, path, lengths)
    elif origin is np.ndarray:
        if not _is_array(value):
            raise _wrong_kind(value, field, path, "an array")
        _check_dtype(value.dtype, typing.get_args(inner[1])[0], path)
    elif origin is tuple:
        if not isinstance(value, tuple):
            raise _wrong_kind(value, field, path, "a tuple")
        if len(value) != len(inner) and Ellipsis not in inner:
            raise ValueError(f"{path} has {len(value)} members, {len(inner)} are wanted")
        for number, member in enumerate(value):
            _check_kind(member, inner[0], str(number), f"{path}[{number}]", lengths)
    elif dataclasses.is_dataclass(hint):
        if not isinstance(value, typing.cast(type, hint)):
            raise _wrong_kind(value, field, path, f"a {getattr(hint, '__name__', hint)}")
        if not isinstance(value, Recipe):
            _check_record(value, f"{path}.", lengths)
    else:
        kinds = {bool: (bool, np.bool_), float: (int, float, np.integer, np.floating), str: (str,)}[hint]
        if not isinstance(value, kinds) or (hint is float and isinstance(value, bool)):
            raise _wrong_kind(value, field, path, {bool: "true or false", float: "a number", str: "text"}[hint])


def _wrong_kind(value: Any, field: str, path: str, wanted: str) -> TypeError:
    return TypeError(f"the field {field!r} holds a {type(value).__name__}; {path} must be {wanted}")


def _is_array(value: Any) -> bool:
    """An array, or one that still lies in a file."""
    return hasattr(value, "dtype") and hasattr(value, "shape") and not np.isscalar(value)


def _check_dtype(dtype: np.dtype[Any], wanted: type[np.generic], path: str) -> None:
    kind = "i" if issubclass(wanted, np.signedinteger) else np.dtype(wanted).kind
    if dtype.type not in NUMBERS[kind] or not dtype.isnative:
        raise ValueError(f"{path} is an array of {'/'.join(one.__name__ for one in NUMBERS[kind])}; got {dtype}")


def _check_shape(shape: tuple[int, ...], wanted: tuple[str | int, ...], path: str, lengths: dict[str, int]) -> None:
    words = f"{path} has the shape {shape}, ({', '.join(map(str, wanted))}) is wanted"
    if len(shape) != len(wanted):
        raise ValueError(words)
    for length, name in zip(shape, wanted, strict=True):
        if isinstance(name, int):
            if length != name:
                raise ValueError(words)
            continue
        base, _, more = name.partition("+")
        known = lengths.setdefault(base, length - int(more or 0))
        if known + int(more or 0) != length:
            raise ValueError(f"{words}, with {known} {base}")


def check_packing(cores: Packing, path: str = "cores") -> None:
    """Raise a ValueError unless these are cores in their box; kinds and shapes are taken as checked."""
    for edge in cores.box:
        _check_lengths(f"{path}.box", float(edge))
    fine = FINEST * float(cores.box.max())
    _must(cores.count > 0, path, "one core or more", cores.count)
    _within(f"{path}.diameters", cores.diameters, fine, 2.0 * float(cores.box.max()))
    for axis, edge in enumerate(cores.box):
        _within(f"{path}.centres", cores.centres[:, axis], -ROUNDING * edge, (1.0 + ROUNDING) * edge)
        if not cores.periodic[axis] and cores.bodies is None:
            wall = (1.0 - FUSED) * cores.radii
            inside = (cores.centres[:, axis] >= wall) & (cores.centres[:, axis] <= edge - wall)
            _must(bool(inside.all()), f"{path}.centres", "a radius or more from a wall", cores.centres[~inside])
    _within(f"{path}.fraction", cores.fraction, 0.0, 1.0)
    _within(f"{path}.overlap", cores.overlap, 0.0, float(cores.diameters.max() / cores.diameters.min()))
    highest = np.maximum.accumulate(np.concatenate([[-1], cores.block.astype(np.int64)]))
    ok = cores.block.min() >= 0 and np.all(cores.block <= highest[:-1] + 1)
    _must(bool(ok), f"{path}.block", "ids from 0 on, in the order of their first cores", cores.block)
    if cores.bodies is not None:
        _check_bodies(cores.bodies, f"{path}.bodies", fine, float(cores.box.max()))
    _check_crowd(f"{path}.centres", cores.centres, float(cores.diameters.min()))
    volumes = cores.shapes.volumes
    share = float(np.sum(volumes) / np.prod(cores.box))
    _same(f"{path}.fraction", cores.fraction, share)
    _same(f"{path}.diameters", cores.diameters, np.cbrt(6.0 / math.pi * volumes))


def _check_bodies(bodies: Bodies, path: str, fine: float, edge: float) -> None:
    for name, ends, most, least in (
        ("start", bodies.start, len(bodies.corners), 1),
        ("face_start", bodies.face_start, len(bodies.offsets), 0),
    ):
        ok = ends[0] == 0 and ends[-1] == most and np.all(np.diff(ends) >= least)
        _must(bool(ok), f"{path}.{name}", f"places that rise from 0 to {most}", ends)
    _within(f"{path}.corners", bodies.corners, -edge, edge)
    _within(f"{path}.rounding", bodies.rounding, 0.0, edge)
    _within(f"{path}.steiner", bodies.steiner, 0.0, max(edge, edge**3) * 100.0)
    _within(f"{path}.offsets", bodies.offsets, 0.0, edge)
    _within(f"{path}.normals", bodies.normals, -1.0 - ROUNDING, 1.0 + ROUNDING)
    _same(f"{path}.normals", np.sum(bodies.normals**2, axis=1), 1.0)
    _within(f"{path}.axes", bodies.axes, -1.0 - ROUNDING, 1.0 + ROUNDING)
    turned = np.einsum("nij,nkj->nik", bodies.axes, bodies.axes)
    _must(bool(np.allclose(turned, np.eye(3), atol=ROUNDING)), f"{path}.axes", "three perpendicular unit vectors", "")
    corners = np.diff(bodies.start)
    flat = np.diff(bodies.face_start) < 4
    _must(bool(np.all((corners == 1) == flat)), f"{path}.face_start", "four faces or more, and none of a sphere", "")
    _within(f"{path}.rounding", bodies.outer_radius, 0.5 * fine, edge)


def check_coats(coats: Coats, path: str = "coats") -> None:
    """Raise a ValueError unless this can be the state of coats; kinds and shapes are taken as checked."""
    _must(coats.model in COAT_MODELS, f"{path}.model", " or ".join(COAT_MODELS), coats.model)
    for name in ("thickness", "fill_height", "roughness", "open_height"):
        _within(f"{path}.{name}", getattr(coats, name), 0.0, LARGEST)
    for name in ("film_share", "recess_share", "interstice_share", "roughness_share"):
        _within(f"{path}.{name}", getattr(coats, name), -ROUNDING, 1.0 + ROUNDING)
    _same(
        f"{path}: the shares",
        coats.film_share + coats.recess_share + coats.interstice_share + coats.roughness_share,
        1.0,
    )
    relief = coats.relief
    if relief is not None:
        for name in ("thick", "bare"):  # Gaussian, of the width 1
            _within(f"{path}.relief.{name}", getattr(relief, name), -100.0, 100.0)
        _within(f"{path}.relief.offsets", relief.offsets, -LARGEST, LARGEST)
        _within(f"{path}.relief.bare_below", relief.bare_below, -np.inf, 100.0)
        _within(f"{path}.relief.scale", relief.scale, 0.0, 1e6)
        _within(f"{path}.relief.unevenness.correlation_length", relief.unevenness.correlation_length, SMALLEST, LARGEST)


def check_carbon(carbon: Carbon, path: str = "carbon") -> None:
    """Raise a ValueError unless these are primaries as they are inserted; kinds and shapes are taken as checked."""
    _check_lengths(f"{path}.diameter", carbon.diameter)
    _must(carbon.fit in FIT_MODES, f"{path}.fit", " or ".join(FIT_MODES), carbon.fit)
    _within(f"{path}.left_out", carbon.left_out, 0.0, 1.0 + ROUNDING)
    _within(f"{path}.overlap", carbon.overlap, 0.0, 1.0 + ROUNDING)
    _within(f"{path}.centres", carbon.centres, -LARGEST, LARGEST)
    before = 0
    for piece in _pieces(carbon.count):
        aggregate, bond = carbon.aggregate[piece].astype(np.int64), carbon.bond[piece].astype(np.int64)
        steps = np.diff(np.concatenate([[before], aggregate]))
        ok = aggregate[0] >= 0 and steps.min() >= 0 and steps.max() <= 1
        _must(bool(ok), f"{path}.aggregate", "ids that rise from 0 on, one after the other", aggregate)
        own = np.arange(piece.start, piece.start + len(bond))
        _must(bool(bond.min() >= -1 and np.all(bond < own)), f"{path}.bond", "-1, or an earlier primary", bond)
        fused = carbon.aggregate[bond[bond >= 0]]
        _must(bool(np.all(fused == aggregate[bond >= 0])), f"{path}.bond", "primaries of the same aggregate", bond)
        before = int(aggregate[-1])
    _within(f"{path}.coat", carbon.coat, -1, np.iinfo(np.int32).max)


def check_recipe(recipe: Recipe, path: str = "recipe") -> None:
    """Raise a ValueError unless the recipe has every constant that percoat knows, in its unit and range."""
    shipped, found = _shipped(), recipe.materials
    for verb, odd in (("lacks", set(shipped) - set(found)), ("has", set(found) - set(shipped))):
        if odd:
            raise ValueError(f"{path} {verb} the constant {min(odd)}: it is damaged, or of another version of percoat")
    _must(set(found.names) == set(shipped.names), f"{path}.names", " and ".join(shipped.names), list(found.names))
    _must(all(isinstance(one, str) for one in found.names.values()), f"{path}.names", "texts", "")
    for key, constant in found.constants.items():
        unit = shipped.constants[key].unit
        _must(constant.unit == unit, f"{path}.{key}", f"a value in {unit}", constant.unit)
        _must(isinstance(constant.source, str), f"{path}.{key}.source", "text", constant.source)
        for number in (constant.low, constant.value, constant.high):
            if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
                raise ValueError(f"{path}.{key} is a finite number with a range; got {number!r}")
        _within(f"{path}.{key}", constant.value, constant.low, constant.high)
    _check_closure(found.matrix_porosity, f"{path}.matrix_porosity")


@cache
def _shipped() -> Materials:
    return Materials.load()


def _check_closure(closure: Closure, path: str) -> None:
    points, values = (np.asarray(one, np.float64) for one in (closure.points, closure.values))
    ok = points.ndim == values.ndim == 1 and len(points) == len(values) > 0 and np.all(np.diff(points) > 0)
    _must(bool(ok), path, "as many mass ratios, rising, as porosities", closure.points)
    _within(path, points, 0.0, np.inf, open_above=True)
    _within(path, values, 0.0, 1.0, open_above=True)
    _must(isinstance(closure.source, str), f"{path}.source", "text", closure.source)


def _check_image(structure: Structure) -> None:
    _within("labels", structure.labels, min(Phase), max(Phase))
    if structure.owners is not None:
        most = np.iinfo(np.int64).max if structure.cores is None else structure.cores.count - 1
        _within("owners", structure.owners, -1, most)


def _check_together(structure: Structure) -> None:
    cores, carbon, box = structure.cores, structure.carbon, structure.box
    if cores is not None:
        _same("cores.box", cores.box, np.asarray(box))
        _must(cores.periodic == structure.periodic, "cores.periodic", str(structure.periodic), cores.periodic)
        _check_places(structure, cores)
    if structure.coats is not None:
        _within("coats.thickness", structure.coats.thickness, 0.0, max(box))
    if carbon is None or carbon.count == 0:
        return
    _within("carbon.diameter", carbon.diameter, FINEST * max(box), max(box))
    for axis, edge in enumerate(box):
        beyond = ROUNDING * edge if structure.periodic[axis] else edge
        _within("carbon.centres", carbon.centres[:, axis], -beyond, edge + beyond)
    if cores is not None:
        _within("carbon.coat", carbon.coat, 0, cores.count - 1)
    _check_crowd("carbon.centres", carbon.centres, carbon.diameter)
    _check_necks(carbon, np.asarray(box), np.asarray(structure.periodic))


def _check_places(structure: Structure, cores: Packing) -> None:
    """Where a core has its centre, the image shows this core, if it is large enough to be seen."""
    seen = np.flatnonzero(2.0 * cores.shapes.inner_radius > 3.0 * structure.voxel_size)
    places = (cores.centres[seen] / structure.voxel_size).astype(np.int64)
    x, y, z = np.minimum(places, np.array(structure.labels.shape) - 1).T
    if np.any(structure.labels[x, y, z] != Phase.CORE):
        raise ValueError("labels and cores.centres contradict each other: there is no core where one has its centre")
    if structure.owners is not None and np.any(structure.owners[x, y, z] != seen):
        raise ValueError("owners and cores.centres contradict each other: another core owns the centre of one")


def _check_necks(carbon: Carbon, box: Floats, periodic: NDArray[np.bool_]) -> None:
    """Fused primaries are one diameter apart, or overlap by as much as is stated."""
    for piece in _pieces(carbon.count):
        bond = carbon.bond[piece]
        vectors = carbon.centres[bond[bond >= 0]] - carbon.centres[piece][bond >= 0]
        vectors -= np.where(periodic, box * np.rint(vectors / box), 0.0)
        lengths = np.sqrt(np.sum(vectors**2, axis=1)) / carbon.diameter
        _within("the distance of fused primaries, in diameters,", lengths, 0.0, 1.0 + FUSED)


def _check_crowd(path: str, centres: Floats, size: float) -> None:
    """Refuse a heap of centres in one place, whose contacts no memory holds: cubes are counted by a mixed number."""
    counts = np.zeros(max(len(centres), PIECE // 64), np.int64)
    for piece in _pieces(len(centres)):
        cubes = np.floor(centres[piece] / size).astype(np.int64)
        mixed = (cubes @ np.array([73856093, 19349663, 83492791])) % len(counts)
        counts += np.bincount(mixed, minlength=len(counts))
    _must(int(counts.max()) <= CROWD, path, f"at most {CROWD} in a cube of one diameter", int(counts.max()))


def _must(holds: bool, path: str, wanted: str, came: Any) -> None:
    if not holds:
        raise ValueError(f"{path} must be {wanted}; got {_words(came)}")


def _within(path: str, values: Any, low: float, high: float, *, open_above: bool = False) -> None:
    """Refuse NaN and whatever lies outside a range; without copies, for arrays may be large."""
    array = np.asarray(values)
    if array.size == 0:
        return
    least, most = array.min(), array.max()
    if not (low <= least and (most < high if open_above else most <= high)):
        worst = least if not low <= least else most
        raise ValueError(f"{path} must lie within {low:.6g} and {high:.6g}; got {worst}")


def _same(path: str, values: Any, wanted: Any) -> None:
    if not np.allclose(values, wanted, rtol=ROUNDING, atol=0.0):
        raise ValueError(f"{path} and the rest contradict each other: {_words(values)} for {_words(wanted)}")


def _check_lengths(path: str, length: float) -> None:
    if not SMALLEST <= length <= LARGEST:
        raise ValueError(f"{path} is a length in metres, within {SMALLEST:g} and {LARGEST:g}; got {length!r}")


def _pieces(count: int) -> Iterator[slice]:
    for start in range(0, count, PIECE):
        yield slice(start, min(start + PIECE, count))


def _words(came: Any) -> str:
    if isinstance(came, tuple):
        return " x ".join(f"{one:.4g}" if isinstance(one, float) else str(one) for one in came)
    return " ".join(np.array2string(np.asarray(came), threshold=6, edgeitems=2, precision=6).split())
