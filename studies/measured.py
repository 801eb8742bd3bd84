"""A measured value as people write it: with its error, as a bound, or as an interval."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from microstructure.units import parse_number, parse_quantity, shown

_ERROR = re.compile(r"\u00b1|\+/?-")
_PLAIN = re.compile(r" *[-+0-9.eE]+ *")


@dataclass(frozen=True)
class Measured:
    """A measured value, or the two ends of an interval, with its error if one was given."""

    low: float = field(metadata={"unit": "SI"})
    high: float = field(metadata={"unit": "SI", "what": "as `low` where one value was given"})
    error: float | None = field(default=None, metadata={"unit": "SI", "what": "as given, of the value"})
    bound: bool = field(default=False, metadata={"what": "whether the value lies below"})


def parse_measured(entry: object, unit: str) -> Measured:
    """Read a measured value.

    Parameters
    ----------
    entry : str, number or list of two
        "2.2 mS/cm"; "2.2 +- 0.3 mS/cm" (also with ± or +/-, and with the unit at both); "< 0.01 mS/cm"; or the two ends
        of an interval, ["2 %", "5 %"].
    unit : str
        The SI unit wanted; "1" for a ratio.

    Raises
    ------
    TypeError
        If a part is of another kind.
    ValueError
        If it is none of these, a value or an error is below zero, or an interval the wrong way round.
    """
    if isinstance(entry, (list, tuple)):
        if len(entry) != 2:
            raise ValueError(f"one value with a unit, '< value', or [low, high] is wanted; got {shown(entry)}")
        low, high = (parse_quantity(one, unit) for one in entry)
        return _checked(Measured(low, high), entry)
    if not isinstance(entry, str):
        value = parse_quantity(entry, unit)
        return _checked(Measured(value, value), entry)
    if entry.lstrip(" ").startswith("<"):
        value = parse_quantity(entry.replace("<", "", 1), unit)
        return _checked(Measured(value, value, bound=True), entry)
    texts = split_error(entry)
    value = parse_quantity(texts[0], unit)
    error = parse_quantity(texts[1], unit) if len(texts) > 1 else None
    return _checked(Measured(value, value, error), entry)


def split_error(text: str) -> list[str]:
    """The value and its error, if there is one, each with its unit.

    Raises
    ------
    ValueError
        If there are several errors, or it is not clear which of the two a unit belongs to.
    """
    parts = [part.strip(" ") for part in _ERROR.split(text)]
    if len(parts) == 1:
        return [text]
    if len(parts) > 2 or not all(parts):
        raise ValueError(
            f"a value with its error is one value and one error, such as '2.2 +- 0.3 mS/cm'; got {shown(text)}"
        )
    value, error = parts
    if _PLAIN.fullmatch(value) and not _PLAIN.fullmatch(error):
        if "%" in error and abs(parse_number(value)) <= 1.0:
            raise ValueError(
                f"is it a share or per cent? Write the unit with both, as in '65 % +- 5 %'; got {shown(text)}"
            )
        return [f"{value} {_unit_of(error)}", error]
    if _PLAIN.fullmatch(error) and not _PLAIN.fullmatch(value):
        return [value, f"{error} {_unit_of(value)}"]
    return parts


def _unit_of(text: str) -> str:
    """What stands behind the number."""
    return re.sub(r"^[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?", "", text).strip(" ")


def _checked(found: Measured, entry: object) -> Measured:
    if not 0.0 <= found.low <= found.high:
        raise ValueError(
            f"one value with a unit, '< value', or [low, high] is wanted, zero or more; got {shown(entry)}"
        )
    if found.error is not None and not (0.0 < found.error < math.inf):
        raise ValueError(f"an error is above zero; got {shown(entry)}")
    return found
