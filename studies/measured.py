"""A measured value as people write it: with its error, as a bound, as an interval; and its error if none is given."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
    usual: float | None = field(
        default=None, metadata={"unit": "SI", "what": "standard error of such a quantity where none is given"}
    )

    @property
    def value(self) -> float:
        """The value, the middle of an interval, or the limit below which it lies [SI]."""
        return 0.5 * (self.low + self.high)

    @property
    def standard_error(self) -> float:
        """Of the value [SI]: as given; else half the width of an interval; else the usual one; NaN of a bound."""
        if self.bound:
            return math.nan
        if self.error is not None:
            return self.error
        if self.high > self.low:
            return 0.5 * (self.high - self.low)
        return math.nan if self.usual is None else self.usual


@dataclass(frozen=True)
class UsualError:
    """Standard error of a measured value that comes without one: relative to the value, or absolute."""

    why: str
    relative: float = field(default=0.0, metadata={"unit": "1"})
    absolute: float = field(default=0.0, metadata={"unit": "1", "what": "of a share: 0.01 is one point"})

    def of(self, value: float) -> float:
        """Standard error of a value [SI]; NaN of a zero whose relative error is all that is known."""
        error = self.absolute + self.relative * value
        return error if error > 0.0 else math.nan


_CONDUCTIVITY = UsualError("assumed: pellets of one powder in one laboratory; papers print 1-2 digits", relative=0.2)
_UTILISATION = UsualError("assumed: capacity of a cell over that of its active material, 5 points", absolute=0.05)
_THICKNESS = UsualError("assumed: films in micrographs, or from an assumed surface", relative=0.1)
_DENSITY = UsualError("assumed: weights and a pycnometer", relative=0.01)
_SHARE = UsualError("assumed: thresholds and shares by volume or mass, 1 point", absolute=0.01)

# standard error of each quantity where a measured value comes without one
USUAL_ERRORS = {
    "mixed_density": _DENSITY,
    "soft_volume": _SHARE,
    "film_thickness": _THICKNESS,
    "shell_thickness": _THICKNESS,
    "coat_thickness": _THICKNESS,
    "carbon_mass_ratio": _SHARE,
    "carbon_mass_fraction": _SHARE,
    "carbon_volume_fraction": _SHARE,
    "core_fraction": _SHARE,
    "core_fraction_inside": _SHARE,
    "porosity_total": _SHARE,
    "matrix_in_film": _SHARE,
    "threshold_bulk": _SHARE,
    "threshold_in_plane": _SHARE,
    "threshold_across": _SHARE,
    "matrix_electronic": _CONDUCTIVITY,
    "matrix_ionic": _CONDUCTIVITY,
    "composite_electronic": _CONDUCTIVITY,
    "composite_ionic": _CONDUCTIVITY,
    "utilisation_electronic": _UTILISATION,
    "utilisation_ionic": _UTILISATION,
    "utilisation_joint": _UTILISATION,
    "reachable_area": _UTILISATION,
    "contact_network_over_voxels": _CONDUCTIVITY,  # a ratio of two
}


def named_compositions(key: str) -> tuple[str, ...]:
    """The compositions that a key of [measured.QUANTITY] names: "80:20:0, 80:20:0.2" is one number for both."""
    return tuple(part.strip(" ") for part in key.split(","))


def entry_of(entries: Mapping[str, Any], composition: str) -> Any:
    """The entry that holds for a composition, under a key of its own or with others; None if there is none."""
    if composition in entries:
        return entries[composition]
    return next((entry for key, entry in entries.items() if composition in named_compositions(key)), None)


def with_entry(entries: Mapping[str, Any], composition: str, entry: object) -> dict[str, Any]:
    """The entries of a quantity with that of one composition replaced; what it shared with others stays theirs."""
    changed: dict[str, Any] = {}
    for key, value in entries.items():
        others = ", ".join(name for name in named_compositions(key) if name != composition)
        changed[others or composition] = value
    return {**changed, composition: entry}


def repeated(entries: Mapping[str, Any]) -> str | None:
    """The first composition that stands twice in the keys of a quantity, if one does."""
    counts = Counter(name for key in entries for name in named_compositions(key))
    return next((name for name, count in counts.items() if count > 1), None)


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
