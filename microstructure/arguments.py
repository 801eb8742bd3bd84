"""Checks that many front doors share: each says what was wanted and what came."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np

Kind = TypeVar("Kind")


def check_rng(rng: object) -> np.random.Generator:
    """The generator itself; anything else is a TypeError, so that no run draws from a hidden seed."""
    if not isinstance(rng, np.random.Generator):
        came = type(rng).__name__
        raise TypeError(f"rng must be a numpy Generator, got {came}: use rng=numpy.random.default_rng(seed)")
    return rng


def check_kind(name: str, value: object, kind: type[Kind]) -> Kind:
    """The value itself if it is of this class, else a TypeError."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, got {value!r}")
    return value


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
