"""A table of your own measurements, which takes the place of a study's measured values."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from microstructure.errors import PercoatError, StudyError
from microstructure.materials import known
from microstructure.recipe import Recipe
from microstructure.units import parse_number, parse_quantity, shown
from studies.measured import split_error, with_entry
from studies.quantities import SHOWN, SI, read_measured
from studies.study import Study

COLUMNS = ("quantity", "composition", "value", "unit")
FURTHER = ("high", "source")
ALL = "all"  # compositions: of a threshold


def with_measurements(study: Study, path: Path | None) -> Study:
    """The study with the measurements of a table, if there is one; where both have a value, that of the table counts.

    A number of the study that holds for several compositions stays with those that the table does not name.

    Parameters
    ----------
    study : Study
    path : Path
        A CSV file with the columns quantity, composition, value and unit. A value below a limit is written "< 0.01",
        one with its error "2.2 +- 0.3"; an interval has its upper end in a column `high`. A column `source` is for the
        reader.

    Raises
    ------
    StudyError
        If a column is missing or unknown, a unit is missing or of another kind, a value is no number or below zero, a
        quantity or composition is none of the study's, or a row stands twice. The message names row and column.
    """
    if path is None:
        return study
    rows = _read(path)
    compositions = dict.fromkeys([*(str(recipe) for recipe in study.recipes), ALL])
    table: dict[str, dict[str, object]] = {quantity: dict(entries) for quantity, entries in study.measured.items()}
    first: dict[tuple[str, str], int] = {}
    for number, row in rows.items():
        column = "quantity"
        try:
            known(row["quantity"], SHOWN, "quantity")
            column = "composition"
            composition = _composition(row["composition"], study)
            known(composition, compositions, "composition of the study")
            column = "unit"
            _check_unit(row["unit"], SI[SHOWN[row["quantity"]][1]])
            column = "value"
            entry: object = _value(row["value"], row["unit"], alone=not row.get("high"))
            read_measured(entry, row["quantity"])
            if row.get("high"):
                column = "high"
                entry = [entry, _value(row["high"], row["unit"], alone=False)]
                if parse_number(row["high"]) < parse_number(row["value"]):
                    raise ValueError(f"the upper end {row['high']} lies below the lower one, {row['value']}")
                read_measured(entry, row["quantity"])
        except (PercoatError, TypeError, ValueError) as error:
            raise StudyError(f"{path.name}, row {number}, column '{column}': {error}") from None
        same = first.setdefault((row["quantity"], composition), number)
        if same != number:
            raise StudyError(
                f"{path.name}, row {number}, column 'composition': {row['quantity']} of {composition} stands in row"
                f" {same} already; keep one, or an interval with its upper end in a column 'high'"
            )
        table[row["quantity"]] = with_entry(table.get(row["quantity"], {}), composition, entry)
    return study.model_copy(update={"measured": table})


def _read(path: Path) -> dict[int, dict[str, str]]:
    """Cells as text by the row they stand in, as a spreadsheet counts: the headings are row 1."""
    rows: dict[int, dict[str, str]] = {}
    try:
        text = path.read_text("utf-8-sig")
        separator = ";" if ";" in text.partition("\n")[0] else ","  # as spreadsheets write it where a comma is decimal
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True, restval="")
        headings = [heading.strip() for heading in reader.fieldnames or ()]
        reader.fieldnames = headings
        for row in reader:
            if None in row:
                raise StudyError(
                    f"{path.name}, row {reader.line_num}: more cells than headings; is it a decimal comma?"
                )
            rows[reader.line_num] = {heading: cell.strip() for heading, cell in row.items()}
    except OSError as error:
        raise StudyError(f"cannot read the measurements {path}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"{path} is no table of comma-separated values: {error}") from None
    missing = [column for column in COLUMNS if column not in headings]
    if missing:
        raise StudyError(f"{path.name}, row 1: the column '{missing[0]}' is missing; wanted are {', '.join(COLUMNS)}")
    for heading in headings:
        try:
            known(heading, dict.fromkeys((*COLUMNS, *FURTHER)), "column")
        except StudyError as error:
            raise StudyError(f"{path.name}, row 1: {error}") from None
    return {number: row for number, row in rows.items() if any(row.values())}


def _composition(text: str, study: Study) -> str:
    """As the study writes it: 80:20:0.50 is 80:20:0.5."""
    return text if text == ALL else str(Recipe.parse(text, study.constants))


def _check_unit(text: str, wanted: str) -> None:
    if not text:
        raise ValueError(f"the unit is missing; write one of the kind of {_example(wanted)}")
    try:
        parse_quantity(_with_unit("1", text), wanted)
    except ValueError:
        raise ValueError(f"'{text}' is no unit of the kind of {_example(wanted)}") from None


def _example(wanted: str) -> str:
    """A unit that people write, for an SI unit."""
    examples: Mapping[str, str] = {si: unit for unit, si in reversed(SI.items()) if unit != "1"}
    return f"'{examples[wanted]}'" if wanted in examples else "'1'"


def _value(text: str, unit: str, *, alone: bool) -> str:
    """Text with its unit, as a study writes it; `alone` allows "< 0.01" and "2.2 +- 0.3"."""
    bound = alone and text.startswith("<")
    parts = split_error(text) if alone and not bound else [text.removeprefix("<") if bound else text]
    for part in parts:
        if not 0.0 <= parse_number(part) < float("inf"):
            raise ValueError(f"a finite number, zero or more, is wanted; got {shown(text)}")
    return ("< " if bound else "") + " +- ".join(_with_unit(part.strip(), unit) for part in parts)


def _with_unit(number: str, unit: str) -> str:
    return number if unit == "1" else f"{number} {unit}"
