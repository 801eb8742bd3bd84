"""What the fitted parameters say about numbers that fixed nothing, with the interval in which one cathode lies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from studies.two_scale.calibrated_model import Model, Values

Floats = NDArray[np.float64]
Draw = Callable[[int], Values]  # parameters of one seed [SI]


@dataclass(frozen=True)
class Prediction:
    """A number of a composition; SI units."""

    value: float = field(metadata={"what": "mean over the cathodes, at the fit"})
    low: float = field(metadata={"what": "end of the interval that holds 95 % of cathodes"})
    high: float
    without_path: int = field(default=0, metadata={"what": "cathodes through which electrons find no path"})
    cathodes: int = 1


def predict_cathodes(model: Model, values: Values, names: Sequence[str], draw: Draw) -> dict[str, Prediction]:
    """Predict numbers, each on the model's cathodes.

    Parameters
    ----------
    model : Model
    values : mapping
        The fitted parameters: the mean is theirs.
    names : sequence of str
        Quantity and composition.
    draw : callable
        Parameters for each seed, as likely as any others: the interval is that of one more cathode, with scatter of
        its structure and of the parameters.
    """
    found = {}
    for name in names:
        quantity, composition = name.split(" ")
        recipe = model.recipe(composition)
        mean = model.by_seed(recipe, quantity, values)
        drawn = np.array(
            [model.number(recipe, quantity, draw(seed), seed) for seed in range(model.study.ensemble.seeds)]
        )
        share = quantity.startswith("utilisation")
        low, high = cathode_interval(drawn, share=share)
        value = float(mean.mean())
        found[name] = Prediction(value, min(low, value), max(high, value), int(np.sum(mean == 0.0)), mean.size)
    return found


def cathode_interval(values: Floats, *, share: bool) -> tuple[float, float]:
    """The interval that holds 95 % of cathodes like these, by Student's t for one more of them.

    Of shares within 0 and 1; of conductivities in their logarithm, from 0 on where some cathodes have no path.
    """
    some = values if share else np.log(values[values > 0.0])
    if some.size < 2:
        return 0.0, math.inf if some.size else 0.0
    half = float(stats.t.ppf(0.975, some.size - 1) * some.std(ddof=1) * math.sqrt(1.0 + 1.0 / some.size))
    low, high = float(some.mean()) - half, float(some.mean()) + half
    if share:
        return max(low, 0.0), min(high, 1.0)
    return math.exp(low) if some.size == values.size else 0.0, math.exp(high)
