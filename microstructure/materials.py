"""The material constants with their units, ranges and sources, read from `materials.toml`."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microstructure.errors import StudyError
from microstructure.units import parse_quantity, shown

UNITS = {
    "density": "kg/m^3",
    "median_diameter": "m",
    "size_width": "1",
    "specific_surface": "m^2/kg",
    "roughness": "m",
    "capacity": "A*s/kg",
    "electronic_conductivity": "S/m",
    "ionic_conductivity": "S/m",
    "grain_contact_loss": "1",
    "aggregate_diameter": "m",
    "aggregate_width": "1",
    "primary_diameter": "m",
    "fractal_dimension": "1",
    "fractal_prefactor": "1",
    "neck_conductance": "S",
    "contact_ratio": "1",
    "pore_length": "m",
    "least_porosity": "1",
    "pores_between_blocks": "1",
    "largest_core_fraction": "1",
    "total_porosity": "1",
    "bare_contact_share": "1",
    "bare_contact_radius": "m",
    "core_carbon_resistance": "ohm*m^2",
    "block_resistance_electronic": "ohm*m^2",
    "skin_thickness": "m",
    "tunnelling_range": "m",
    "carrying_share": "1",
    "wall_carrying_share": "1",
    "block_resistance_ionic": "ohm*m^2",
}


TABLE = ("mass_ratio", "porosity")


@dataclass(frozen=True)
class Constant:
    """One material constant in SI units, with the range it may take and its source."""

    value: float
    unit: str
    low: float
    high: float
    source: str


@dataclass(frozen=True)
class Closure:
    """A dependence read off a table, linear between its points and constant beyond them."""

    points: tuple[float, ...]
    values: tuple[float, ...]
    source: str

    def __call__(self, point: float) -> float:
        return float(np.interp(point, self.points, self.values))

    def curve(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values at many points."""
        return np.interp(points, self.points, self.values)

    def capped(self, most: float) -> Closure:
        """The same dependence where it lies below `most`, and `most` where it lies above."""
        points, values = np.array(self.points), np.array(self.values)
        left = np.flatnonzero((values[:-1] - most) * (values[1:] - most) < 0.0)
        part = (most - values[left]) / (values[left + 1] - values[left])
        points = np.sort(np.append(points, points[left] + part * (points[left + 1] - points[left])))
        cut = np.minimum(self.curve(points), most)
        return Closure(tuple(points.tolist()), tuple(cut.tolist()), self.source)


@dataclass(frozen=True)
class Materials:
    """All constants of one study: `materials["se.density"]` is a float in SI units.

    Examples
    --------
    >>> Materials.load()["cb.density"]
    1960.0
    """

    constants: Mapping[str, Constant]
    names: Mapping[str, str]
    matrix_porosity: Closure = field(metadata={"unit": "1", "what": "of a pellet of matrix"})

    @classmethod
    def load(cls, overrides: Mapping[str, Any] | None = None) -> Materials:
        """Read the constants shipped with percoat, replacing those that a study names.

        Parameters
        ----------
        overrides : mapping, optional
            Nested as in `materials.toml`: ``{"se": {"density": "1.86 g/cm3"}}``. A value is text with a unit,
            or a table ``{value = ..., source = ...}``.

        Raises
        ------
        StudyError
            If a key is unknown (the nearest valid one is named) or a value is out of its range.
        """
        if overrides is not None and not isinstance(overrides, Mapping):
            raise TypeError(f"overrides is a mapping such as {{'se': {{'density': '1.86 g/cm3'}}}}; got {overrides!r}")
        table = _shipped()
        replaced = {group: dict(entries) for group, entries in table.items()}
        for group, entries in (overrides or {}).items():
            known(group, replaced, "material")
            if not isinstance(entries, Mapping):
                raise StudyError(f"[materials.{group}] must be a table of constants; got {shown(entries)}")
            for key, entry in entries.items():
                known(key, table[group], f"constant of [materials.{group}]")
                replaced[group][key] = _override(table[group][key], entry)
        return cls._from_table(replaced)

    @classmethod
    def _from_table(cls, table: Mapping[str, Mapping[str, Any]]) -> Materials:
        constants, names = {}, {}
        for group, entries in table.items():
            for key, entry in entries.items():
                if key == "name":
                    names[group] = _text(f"{group}.name", entry["value"])
                elif key in UNITS:
                    constants[f"{group}.{key}"] = _constant(f"{group}.{key}", entry, UNITS[key])
        return cls(constants, names, _closure(table["matrix"]["porosity"]))

    @property
    def coat_porosity(self) -> Closure:
        """Porosity of the matrix in a coat: a pellet's, or less, since matrix flows between cores that carry the load.

        "matrix.least_porosity" is what it flows down to.
        """
        return _capped(self.matrix_porosity, self["matrix.least_porosity"])

    def __getitem__(self, key: str) -> float:
        return self.constants[key].value

    def __iter__(self) -> Iterator[str]:
        return iter(self.constants)


@lru_cache(maxsize=64)
def _capped(closure: Closure, most: float) -> Closure:
    return closure.capped(most)


def known(key: str, valid: Mapping[str, Any], what: str) -> None:
    """Raise `StudyError` with the nearest valid name if `key` is none of `valid`, `TypeError` if it is no text."""
    if not isinstance(key, str):
        raise TypeError(f"{what} is text, one of {', '.join(valid)}; got {key!r}")
    if key not in valid:
        nearest = difflib.get_close_matches(key, valid, n=1, cutoff=0.0)
        raise StudyError(f"unknown {what}: '{key}'. Did you mean '{nearest[0]}'? Valid: {', '.join(valid)}")


@cache
def _shipped() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(resources.files("microstructure").joinpath("materials.toml").read_text("utf-8"))


def _override(shipped: Mapping[str, Any], entry: Any) -> Mapping[str, Any]:
    if isinstance(entry, Mapping):
        for word in entry:
            known(word, dict.fromkeys([*shipped, "range"]), "word in a material constant")
        if not set(entry) & {"value", *TABLE}:
            raise StudyError(f"a material constant in a study wants a value; got {shown(dict(entry))}")
        return {**shipped, "source": "yours: set in the study file", **entry}
    if "mass_ratio" in shipped:  # one porosity for every carbon content
        return {"mass_ratio": [0.0], "porosity": [entry], "source": "yours: set in the study file"}
    return {**shipped, "value": entry, "source": "yours: set in the study file"}


def _constant(key: str, entry: Mapping[str, Any], unit: str) -> Constant:
    for word in entry:
        known(word, {"value": 0, "range": 0, "source": 0}, f"word in the constant '{key}'")
    try:
        value = parse_quantity(entry["value"], unit)
        low, high = (parse_quantity(bound, unit) for bound in _row(entry["range"], "range", 2))
    except (TypeError, ValueError) as error:
        raise StudyError(f"the constant '{key}': {error}") from None
    if not low <= value <= high:
        raise StudyError(f"the constant '{key}' must lie within {low:g} to {high:g} {unit}; got {value:g} {unit}")
    return Constant(value, unit, low, high, _text(f"{key}, source", entry["source"]))


def _closure(entry: Mapping[str, Any]) -> Closure:
    try:
        points, values = (tuple(parse_quantity(one, "1") for one in _row(entry[name], name)) for name in TABLE)
    except (TypeError, ValueError) as error:
        raise StudyError(
            f"[materials.matrix] porosity: lists of mass ratios and of porosities are wanted; {error}"
        ) from None
    if len(points) != len(values) or len(points) == 0 or not np.all(np.diff(points) > 0):
        raise StudyError("[materials.matrix] porosity wants as many mass ratios, rising, as porosities")
    if not all(0.0 <= value < 1.0 for value in values):
        raise StudyError(f"[materials.matrix] porosity: a porosity lies in [0, 1); got {values}")
    return Closure(points, values, _text("matrix.porosity, source", entry["source"]))


def _row(values: Any, name: str, count: int | None = None) -> list[Any]:
    if not isinstance(values, (list, tuple)) or (count is not None and len(values) != count):
        raise TypeError(f"{name} is a list{'' if count is None else f' of {count} values'}; got {shown(values)}")
    return list(values)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise StudyError(f"the constant '{name}' is text; got {shown(value)}")
    return value
