"""Text with a unit in, SI out: "150 nm" becomes 1.5e-7 m."""

from __future__ import annotations

import functools
import math
import numbers
import re
import tokenize
from typing import Any

# what pint lets through from Python's own tokenizer on text that is no quantity
_UNREADABLE = (AttributeError, TypeError, ValueError, AssertionError, SyntaxError, tokenize.TokenError)


def parse_quantity(text: object, unit: str) -> float:
    """Read a quantity such as "0.7 mS/cm" and give its value in `unit`.

    Parameters
    ----------
    text : str or number
        A number with a unit. A bare number is accepted only where `unit` is "1" (a ratio).
    unit : str
        The SI unit wanted, for example "S/m"; "1" for a ratio (then "5 %" is read as 0.05).

    Returns
    -------
    float
        The value in `unit`.

    Raises
    ------
    TypeError
        If `text` is neither text nor a number, or a bare number stands where a unit is needed.
    ValueError
        If the text is no quantity, has another dimension, or is not finite.

    Examples
    --------
    >>> parse_quantity("0.7 mS/cm", "S/m")
    0.07
    """
    if isinstance(text, bool) or not isinstance(text, (str, numbers.Real)):
        raise TypeError(f"a quantity in {unit} is text such as '1.5 {unit}'; got {text!r}")
    value = _magnitude(text, unit) if isinstance(text, str) else _bare_number(float(text), unit)
    if not math.isfinite(value):
        raise ValueError(f"a quantity in {unit} must be finite; got {text!r}")
    return value


def _bare_number(value: float, unit: str) -> float:
    if unit != "1":
        raise TypeError(f"a bare number has no unit: write '{value:g} {unit}' or another unit of that kind")
    return value


def _magnitude(text: str, unit: str) -> float:
    import pint

    if not re.match(r"\s*[-+]?\.?\d", text):
        raise ValueError(f"a quantity begins with a number, as in '1.5 {unit}'; got {text!r}")
    if unit != "1" and re.fullmatch(r"\s*[-+]?[\d.]+([eE][-+]?\d+)?\s*", text):
        raise ValueError(f"{text!r} has no unit: write '{text.strip()} {unit}' or another unit of that kind")
    registry = _registry()
    try:
        quantity = registry.Quantity(text)
        # rounding to 15 digits takes back what the conversion factor adds (0.7 mS/cm is 0.07 S/m, not 0.06999...)
        return float(f"{quantity.to(registry.Unit('' if unit == '1' else unit)).magnitude:.15g}")
    except pint.DimensionalityError as error:
        raise ValueError(f"{text!r} is no quantity in {unit}: {error}") from None
    except (pint.PintError, *_UNREADABLE) as error:
        raise ValueError(f"cannot read {text!r} as a quantity in {unit}: {error}") from None


@functools.cache
def _registry() -> Any:
    import pint

    # "g/cm3" as people write it: a digit behind a unit's letter is its power, but not the exponent of "1e9"
    powers = functools.partial(re.sub, r"(?<=[A-Za-z])(?<![0-9.][eE])(\d)\b", r"**\1")
    return pint.UnitRegistry(preprocessors=[powers])
