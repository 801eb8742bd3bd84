"""The profile likelihood of one fitted parameter: how badly its numbers are missed when it is held elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from studies.two_scale.calibrated_model import Model, Values

Floats = NDArray[np.float64]

LIMIT = float(stats.chi2.ppf(0.95, 1))  # of the deviance, at the ends of a 95 % interval
GRID = (-3.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 3.0)  # standard deviations of the linear fit
FARTHEST = 12.0  # of them, to which an end is looked for
DOUBLED = 2.0


@dataclass(frozen=True, eq=False)
class Profile:
    """Deviance, twice the fall of the logarithm of the likelihood, against one parameter, all others refitted."""

    values: Floats = field(metadata={"unit": "SI", "what": "of the parameter, rising"})
    deviance: Floats = field(metadata={"unit": "1"})
    allowed: tuple[float, float] = field(metadata={"unit": "SI", "what": "lowest and highest value that it may have"})

    @property
    def interval(self) -> tuple[float, float]:
        """Where the deviance passes that of 95 %; the ends of what is allowed where it does not."""
        best = int(np.argmin(self.deviance))
        low = _crossing(self.values[best::-1], self.deviance[best::-1], self.allowed[0])
        high = _crossing(self.values[best:], self.deviance[best:], self.allowed[1])
        return low, high


def profile_parameter(
    model: Model,
    values: Values,
    parameter: str,
    names: Sequence[str],
    *,
    targets: Floats,
    errors: Floats,
    slopes: Floats,
    spread: float,
) -> Profile:
    """The profile likelihood of one parameter.

    Its numbers are computed anew at every value of it. The others follow along their slopes to where the sum of the
    squared misses is least.

    Parameters
    ----------
    model : Model
    values : mapping
        The fit.
    parameter : str
    names : sequence of str
        The numbers that fix the parameters.
    targets, errors : ndarray
        Logarithms of the measured values, and standard errors of them (measurement and scatter between structures).
    slopes : ndarray
        Of the logarithms of the numbers with those of the parameters at the fit, float64 (numbers, parameters).
    spread : float
        Standard error of the logarithm of the parameter by the linear fit: a scale for the values tried.
    """
    column = list(values).index(parameter)
    others = np.delete(slopes, column, axis=1) / errors[:, None]
    allowed = model.study.constants.constants[parameter]
    moved = np.flatnonzero(slopes[:, column])
    known = {0.0: 0.0}

    def deviance(turn: float) -> float:
        value = float(np.clip(values[parameter] * np.exp(turn), allowed.low, allowed.high))
        found = model.logarithms({**values, parameter: value}, [names[row] for row in moved.tolist()])
        misses = np.zeros(len(names))
        misses[moved] = (found - targets[moved]) / errors[moved]
        shift = np.linalg.lstsq(others, -misses, rcond=None)[0]
        return float(np.sum((misses + others @ shift) ** 2))

    for step in GRID:
        known[step * spread] = deviance(step * spread)
    for side in (-1.0, 1.0):
        step = side * abs(GRID[0])
        while known[step * spread] < LIMIT and abs(step) < FARTHEST:
            step *= DOUBLED
            known[step * spread] = deviance(step * spread)
    turns = np.array(sorted(known))
    tried = np.clip(values[parameter] * np.exp(turns), allowed.low, allowed.high)
    return Profile(tried, np.array([known[turn] for turn in turns.tolist()]), (allowed.low, allowed.high))


def _crossing(values: Floats, deviance: Floats, otherwise: float) -> float:
    """Where the deviance first passes the limit, between two values tried along its square root."""
    above = np.flatnonzero(deviance >= LIMIT)
    if above.size == 0:
        return otherwise
    right = int(above[0])
    roots, limit = np.sqrt(deviance[right - 1 : right + 1]), np.sqrt(LIMIT)
    share = (limit - roots[0]) / (roots[1] - roots[0])
    logs = np.log(values[right - 1 : right + 1])
    return float(np.exp(logs[0] + share * (logs[1] - logs[0])))
