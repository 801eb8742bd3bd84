"""Checks that many front doors share: each says what was wanted and what came."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from microstructure.free_memory import free_memory

Kind = TypeVar("Kind")

SHORTEST, LONGEST = 1e-10, 1e-2  # m: from an atom to a thick pellet; what is beyond was meant in another unit
SMALLEST_AREA, LARGEST_AREA = 1e-20, 1e-4  # m2, their squares
NANOMETRES = 20.0  # from here on a number given for metres was meant in nm, below in um
MOST_COUNT = 1_000_000  # runs, draws, points: more of them were meant for something else
MOST_VOXELS = 2**34  # whatever the memory
BYTES_A_VOXEL = 5.0  # of an image of phases while it is made


def check_rng(rng: object) -> np.random.Generator:
    """The generator itself; anything else is a TypeError, so that no run draws from a hidden seed."""
    if not isinstance(rng, np.random.Generator):
        came = type(rng).__name__
        raise TypeError(f"rng must be a numpy Generator, got {came}: use rng=numpy.random.default_rng(seed)")
    return rng


def check_kind(name: str, value: object, kind: type[Kind]) -> Kind:
    """The value itself if it is of this class, else a TypeError."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise TypeError(f"{name} must be {article} {kind.__name__}, got {value!r}")
    return value


def check_optional(name: str, value: object, kind: type[Kind]) -> Kind | None:
    """None, or the value itself if it is of this class, else a TypeError."""
    return None if value is None else check_kind(name, value, kind)


def check_name(name: str, value: object, known: Iterable[str]) -> str:
    """One of some names; a TypeError for another kind, a ValueError that brings the nearest for another name."""
    names = tuple(known)
    if not isinstance(value, str):
        raise TypeError(f"{name} is text, one of {', '.join(names)}; got {value!r}")
    if value not in names:
        nearest = difflib.get_close_matches(value.lower(), names, n=1, cutoff=0.0)[0]
        raise ValueError(f"unknown {name}: {value!r}. Did you mean {nearest!r}? Known are {', '.join(names)}")
    return value


def check_number(name: str, value: object) -> float:
    """The number as a float, also where it is NaN or infinite; a TypeError for another kind, bool included."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} is a number; got {value!r}")
    try:
        return float(value)
    except OverflowError:  # a whole number beyond all floats
        return math.inf if value > 0 else -math.inf


def as_numbers(name: str, values: Any, kinds: str = "iuf") -> np.ndarray[Any, Any]:
    """The array that the caller means, not copied; a TypeError for text, objects and rows of several lengths.

    `kinds` are those of numpy: by default whole numbers and floats, with "b" bools too.
    """
    try:
        array = np.asarray(values)
    except ValueError:  # rows of several lengths
        raise TypeError(f"{name} holds numbers in rows of one length; got {values!r}") from None
    if array.dtype.kind in kinds and not isinstance(values, np.ma.MaskedArray):
        return array
    if array.size:
        raise TypeError(f"{name} holds plain numbers; got {values!r}")
    return array.astype(np.float64)


def check_each(name: str, values: Any, kind: type[Kind]) -> Sequence[Kind]:
    """A list or tuple of one or more, each of this class; else a TypeError."""
    if not isinstance(values, (list, tuple)) or len(values) == 0:
        raise TypeError(f"{name} is a list of one {kind.__name__} or more; got {values!r}")
    for place, value in enumerate(values):
        check_kind(f"{name}[{place}]", value, kind)
    return values


def check_positive(name: str, value: object, unit: str) -> float:
    """A finite number above zero, in any unit."""
    number = check_number(name, value)
    if not 0.0 < number < math.inf:
        raise ValueError(f"{name} is finite and above 0, in {unit}; got {value!r}")
    return number


def check_lengths(**lengths: object) -> tuple[float, ...]:
    """Lengths as floats; refused if not positive, finite and in metres: of this trade, from an atom to a thick pellet.

    Raises
    ------
    TypeError
        If one is no number.
    ValueError
        If one is out of range; it says which unit was probably meant.
    """
    found = []
    for name, value in lengths.items():
        if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
            raise TypeError(f"{name} is a length in m, a number; got {value!r}")
        number = check_number(name, value)
        if not 0.0 < number < math.inf:
            raise ValueError(f"{name} is a positive length in m; got {value!r}")
        if not SHORTEST <= number <= LONGEST:
            raise ValueError(
                f"{name} is a length in metres, {SHORTEST:g} to {LONGEST:g}; got {value!r}:{_slip(number, 1)} check the"
                " units"
            )
        found.append(number)
    return tuple(found)


def check_areas(**areas: object) -> None:
    """Refuse what is not an area in square metres with edges of a length that `check_lengths` takes."""
    for name, value in areas.items():
        number = check_number(name, value)
        if not (math.isfinite(number) and number > 0.0):
            raise ValueError(f"{name} is a positive area in m2; got {value!r}")
        if not SMALLEST_AREA <= number <= LARGEST_AREA:
            raise ValueError(
                f"{name} is an area in square metres, {SMALLEST_AREA:g} to {LARGEST_AREA:g}; got {value!r}:"
                f"{_slip(number, 2)} check the units"
            )


def _slip(number: float, power: int) -> str:
    """What a length (power 1) or an area (2) was probably meant as."""
    if not LONGEST <= number < 1e9:
        return ""
    unit, exponent = ("nm", 9) if number >= NANOMETRES**power else ("um", 6)
    return f" it looks like {unit}{'' if power == 1 else power}, written {number:g}e-{exponent * power};"


def check_gap(name: str, value: object) -> float:
    """A length of zero or more [m], no longer than `check_lengths` takes."""
    number = check_number(name, value)
    if not (math.isfinite(number) and number >= 0.0):
        raise ValueError(f"{name} is a length of zero or more in m; got {value!r}")
    if number > LONGEST:
        raise ValueError(
            f"{name} is a length in metres, {LONGEST:g} at most; got {value!r}:{_slip(number, 1)} check the units"
        )
    return number


def check_runs(runs: object, what: str = "runs", *, most: int = MOST_COUNT) -> int:
    """A whole number of one or more, and not more than a computer finishes."""
    if isinstance(runs, bool) or not isinstance(runs, (int, np.integer)):
        raise TypeError(f"{what} is a whole number, got {runs!r}")
    if runs < 1:
        raise ValueError(f"{what} is one or more, got {runs}")
    if runs > most:
        raise ValueError(f"{what} is {most:,} at most, got {runs}: ask for fewer")
    return int(runs)


def check_room(what: str, count: float, each: float, advice: str) -> None:
    """Refuse so many things of so many bytes each if the memory that is free does not hold them.

    Raises
    ------
    ValueError
        It names how many, how much memory and what to reduce.
    """
    needed, free = count * each, free_memory()
    if not needed <= free:
        raise ValueError(
            f"{count:.3g} {what} take {1e-9 * needed:.3g} GB of memory, {1e-9 * free:.3g} GB are free: {advice}, and"
            " check the units (metres)"
        )


def check_fraction(name: str, value: object) -> float:
    """A share in [0, 1)."""
    if not 0.0 <= check_number(name, value) < 1.0:
        raise ValueError(f"{name}, a share, lies in [0, 1); got {value!r}")
    return check_number(name, value)


def check_edges(name: str, edges: object, axes: str = "xyz") -> tuple[float, ...]:
    """Lengths in metres, one along each of these axes."""
    number = {2: "two", 3: "three"}[len(axes)]
    if not isinstance(edges, (tuple, list, np.ndarray)) or getattr(edges, "ndim", 1) == 0:
        raise TypeError(f"{name} is {number} lengths in m, such as {(20e-6,) * len(axes)}; got {edges!r}")
    values = list(edges)
    if len(values) != len(axes):
        along = f"{', '.join(axes[:-1])} and {axes[-1]}"
        raise ValueError(f"{name} is {number} lengths in m, along {along}; got {len(values)}: {edges!r}")
    return check_lengths(**{f"{name}[{place}]": edge for place, edge in enumerate(values)})


def check_voxels(voxel_size: float, shape: tuple[int, ...], each: float = BYTES_A_VOXEL) -> None:
    """Refuse an image that is less than a voxel wide, or that the memory does not hold [bytes a voxel]."""
    if min(shape) < 1:
        raise ValueError(f"a voxel of {voxel_size:.4g} m is larger than the box: take smaller voxels or a larger box")
    count = math.prod(shape)
    if count > MOST_VOXELS:
        sides = " x ".join(f"{count:.4g}" for count in shape)
        raise ValueError(
            f"voxels of {voxel_size:.4g} m make an image of {sides}, more than {MOST_VOXELS:.3g} voxels: take larger"
            " ones or a smaller box, and check the units (metres)"
        )
    check_room(f"voxels of {voxel_size:.4g} m", count, each, "take larger ones or a smaller box")


def check_periodic(periodic: object) -> tuple[bool, bool, bool]:
    """Three bools, one for each axis."""
    row = isinstance(periodic, (tuple, list)) or (isinstance(periodic, np.ndarray) and periodic.ndim == 1)
    values: list[Any] = list(periodic) if row else []  # type: ignore[call-overload]
    if not row or not all(isinstance(value, (bool, np.bool_)) for value in values):
        raise TypeError(f"periodic is three bools, one for each axis, such as (False, True, True); got {periodic!r}")
    if len(values) != 3:
        raise ValueError(f"periodic is three bools, one for each axis; got {len(values)}: write (True,) * 3 for all")
    x, y, z = map(bool, values)
    return x, y, z


def check_path(path: Any) -> Path:
    """The name of a file."""
    if not isinstance(path, (str, Path)):
        raise TypeError(f"path is the name of a file, a str or a Path; got {path!r}")
    return Path(path)
