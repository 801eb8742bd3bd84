"""Checks that many front doors share: each says what was wanted and what came."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

Kind = TypeVar("Kind")

MOST_VOXELS = 2**34  # with five bytes each while it is made, more than a computer of a laboratory holds


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


def check_number(name: str, value: object) -> float:
    """The number as a float, also where it is NaN or infinite; a TypeError for another kind, bool included."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} is a number; got {value!r}")
    return float(value)


def check_lengths(**lengths: object) -> None:
    """Refuse what is not a positive, finite length in metres."""
    for name, value in lengths.items():
        if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
            raise TypeError(f"{name} is a length in m, a number; got {value!r}")
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} is a positive length in m; got {value!r}")


def check_runs(runs: object, what: str = "runs") -> int:
    """A whole number of one or more."""
    if isinstance(runs, bool) or not isinstance(runs, (int, np.integer)):
        raise TypeError(f"{what} is a whole number, got {runs!r}")
    if runs < 1:
        raise ValueError(f"{what} is one or more, got {runs}")
    return int(runs)


def check_fraction(name: str, value: object) -> float:
    """A share in [0, 1)."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} is a share, a number; got {value!r}")
    if not 0.0 <= value < 1.0:
        raise ValueError(f"{name} lies in [0, 1); got {value!r}")
    return float(value)


def check_edges(name: str, edges: object) -> tuple[float, float, float]:
    """Three lengths in metres."""
    values = list(edges) if isinstance(edges, (tuple, list, np.ndarray)) else None
    if values is None:
        raise TypeError(f"{name} is three lengths in m, such as (20e-6, 20e-6, 20e-6); got {edges!r}")
    if len(values) != 3:
        raise ValueError(f"{name} is three lengths in m, along x, y and z; got {len(values)}: {edges!r}")
    check_lengths(**{f"{name}[{axis}]": edge for axis, edge in enumerate(values)})
    x, y, z = map(float, values)
    return x, y, z


def check_voxels(voxel_size: float, shape: tuple[int, ...]) -> None:
    """Refuse an image that is less than a voxel wide, or that no memory holds."""
    if min(shape) < 1:
        raise ValueError(f"a voxel of {voxel_size:.4g} m is larger than the box: take smaller voxels or a larger box")
    if math.prod(shape) > MOST_VOXELS:
        sides = " x ".join(f"{count:.4g}" for count in shape)
        raise ValueError(
            f"voxels of {voxel_size:.4g} m make an image of {sides}, more than {MOST_VOXELS:.3g} voxels: take larger"
            " ones or a smaller box, and check the units (metres)"
        )


def check_path(path: Any) -> Path:
    """The name of a file."""
    if not isinstance(path, (str, Path)):
        raise TypeError(f"path is the name of a file, a str or a Path; got {path!r}")
    return Path(path)
