"""The kinds of settings that study files and plans have: what each is read from, and the range it may take."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from microstructure.carbon.domains import fit_mode
from microstructure.carbon.size_measures import parse_measure
from microstructure.coats.coat_models import coat_model
from microstructure.errors import StudyError
from microstructure.materials import known
from microstructure.units import LONGEST, parse_quantity, shown
from percolation.carbon_paths.coat_case import section_across

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9 _.-]{0,59}")
DEEPEST = 10  # tables within tables


class SettingsTable(BaseModel):
    """A table of settings: no unknown key, no infinity, not changed once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def parse_kind(value: object, unit: str) -> float:
    """Text with a unit, in an SI unit; pydantic reports a `ValueError` but lets a `TypeError` through."""
    try:
        return parse_quantity(value, unit)
    except TypeError as error:
        raise ValueError(str(error)) from None


def parse_plain(value: object) -> float:
    """A number as it is, not text and not true or false."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("a plain number is wanted here, without quotes")
    return parse_kind(value, "1")


def parse_count(value: object) -> int:
    """A whole number, not text and not true or false."""
    whole = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value) and value.is_integer())
    if isinstance(value, bool) or not whole:
        raise ValueError("a whole number is wanted here, without quotes")
    return int(value)  # type: ignore[call-overload]


def parse_name(value: str) -> str:
    """A name that may stand in the name of a file."""
    if not NAME.fullmatch(value):
        raise ValueError("a name is 1 to 60 letters, digits, spaces and _ . - (a to z, no dot in front)")
    return value


def plain_tables(value: Any, depth: int = 0) -> Any:
    """The value, if it is made of text, finite numbers, lists and tables that are not too deep."""
    if depth > DEEPEST:
        raise ValueError(f"tables and lists go {DEEPEST} deep at most")
    if isinstance(value, dict):
        return {str(key): plain_tables(one, depth + 1) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_tables(one, depth + 1) for one in value]
    if not isinstance(value, (str, int, float)) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(f"text, finite numbers, lists and tables are wanted; {shown(value)} is none of them")
    return value


def _within(low: float, high: float, words: str) -> AfterValidator:
    def check(value: float) -> float:
        if not low <= value <= high:
            raise ValueError(f"{words}: check the unit")
        return value

    return AfterValidator(check)


def _named(find: Callable[[str], object]) -> AfterValidator:
    """A name that the generator itself finds when the file is read: what was added to its table is known."""

    def check(value: str) -> str:
        find(value)
        return value

    return AfterValidator(check)


def _length(value: object) -> float:
    return parse_kind(value, "m")


Whole = Annotated[int, BeforeValidator(parse_count)]
Number = Annotated[float, BeforeValidator(parse_plain)]
Share = Annotated[float, BeforeValidator(lambda value: parse_kind(value, "1"))]  # bounds stand with each
Name = Annotated[str, AfterValidator(parse_name)]
CoatModelName = Annotated[str, _named(coat_model)]
FitName = Annotated[str, _named(fit_mode)]
SizeMeasureName = Annotated[str, _named(parse_measure)]
CaseName = Annotated[str, _named(section_across)]
Tables = Annotated[dict[str, Any], BeforeValidator(plain_tables)]
Length = Annotated[
    float, BeforeValidator(_length), Field(gt=0.0), _within(1e-10, 1.0, "a length here is 0.1 nm to 1 m")
]
Edge = Annotated[float, BeforeValidator(_length), Field(gt=0.0), _within(1e-9, 1e-4, "an edge here is 1 nm to 100 um")]
Cube = Annotated[
    float, BeforeValidator(_length), Field(gt=0.0), _within(1e-9, 25e-6, "an edge of a cube of carbon is 1 nm to 25 um")
]
Coat = Annotated[
    float, BeforeValidator(_length), Field(gt=0.0), _within(1e-9, 1e-5, "the thickness of a coat is 1 nm to 10 um")
]
Core = Annotated[
    float, BeforeValidator(_length), Field(gt=0.0), _within(1e-8, 1e-4, "the diameter of a core is 10 nm to 100 um")
]
Gap = Annotated[float, BeforeValidator(_length), Field(ge=0.0), _within(0.0, 1e-6, "a gap here is 0 nm to 1 um")]
Mass = Annotated[
    float,
    BeforeValidator(lambda value: parse_kind(value, "kg")),
    Field(gt=0.0),
    _within(1e-12, 1.0, "a mass here is 1 ng to 1 kg"),
]


def sentence(error: ValidationError, model: type[BaseModel]) -> str:
    """The first complaint in one sentence, with the nearest valid key if one is unknown."""
    # a misspelt key first: it is often why another one is missing
    complaint = min(error.errors(), key=lambda entry: entry["type"] != "extra_forbidden")
    path, where = complaint["loc"], ".".join(_part(part) for part in complaint["loc"] if part != "[key]")
    if complaint["type"] == "extra_forbidden":
        try:
            known(
                str(path[-1]), dict.fromkeys(_fields_at(path[:-1], model)), f"key in [{'.'.join(map(str, path[:-1]))}]"
            )
        except StudyError as unknown:
            return str(unknown).replace(" in []", " in the study")
    if complaint["type"] == "missing":
        return f"the study needs the key '{where}'"
    message = complaint["msg"].removeprefix("Value error, ").replace("dictionary", "table") + _range(complaint, model)
    return f"'{where}' in the study: {message} (got {shown(complaint['input'])})"


def _part(part: int | str) -> str:
    """A part of the name of a setting, written so that it stays on one line."""
    text = str(part)
    return text if text.isprintable() and len(text) <= LONGEST else shown(part)


def _range(complaint: Any, top: type[BaseModel]) -> str:
    """Both ends of the range of a number that lies outside it."""
    names = [part for part in complaint["loc"] if isinstance(part, str)]
    if not complaint["type"].startswith(("greater_than", "less_than")) or not names:
        return ""
    field = _model_at(names[:-1], top).model_fields.get(names[-1])
    ends = [_end(field, ("ge", "gt")), _end(field, ("le", "lt"))]
    return "" if None in ends else f"; the range is {ends[0]:g} to {ends[1]:g}"


def _end(field: FieldInfo | None, words: tuple[str, str]) -> float | None:
    bounds = [getattr(one, word, None) for one in (field.metadata if field else ()) for word in words]
    return next((bound for bound in bounds if bound is not None), None)


def _fields_at(path: tuple[int | str, ...], top: type[BaseModel]) -> list[str]:
    model = _model_at(path, top)
    return [*model.model_fields, *(["quick"] if model is top else [])]


def _model_at(path: Sequence[int | str], top: type[BaseModel]) -> Any:
    model: Any = top
    for part in path:
        # below a table of freely named tables stands their model
        model = model.model_fields[part].annotation if hasattr(model, "model_fields") else get_args(model)[1]
    return model
