"""The chart of thresholds: read, looked up at any coat thickness between its points, written as a table."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microstructure.errors import StudyError
from microstructure.files import whole_file
from microstructure.materials import Materials, known
from microstructure.recipe import carbon_scales
from studies.chart.chart_rows import Row
from studies.chart.older_charts import has_pellet_pores, with_coat_pores

TABLE, RECORD = "coat_chart.csv", "coat_chart.json"
KEYS = ("structure", "dispersion", "fit")
ENDS = ("low", "high")  # of an interval: not known where thresholds are out of reach
NUMBERS = tuple(name for name, one in Row.__dataclass_fields__.items() if one.type in ("float", "int"))


@dataclass(frozen=True)
class Reading:
    """A threshold read off a chart, as CB volume fraction of the matrix, pores excluded."""

    quantity: str
    case: str
    area: float = field(metadata={"unit": "m2", "what": "of the contact; 0 where there is none"})
    value: float = field(metadata={"unit": "1"})
    low: float = field(metadata={"unit": "1"})
    high: float = field(metadata={"unit": "1"})
    between: bool = field(metadata={"what": "whether it is interpolated"})
    error: float = field(
        default=0.0, metadata={"unit": "1", "what": "of interpolation, relative; NaN where it is not known"}
    )
    remark: str = ""


@dataclass(frozen=True, eq=False)
class Chart:
    """Thresholds against coat thickness, with the record of how they were made."""

    rows: pd.DataFrame
    record: dict[str, Any]
    own: Materials | None = field(default=None, metadata={"what": "whose densities count, if not those of its record"})

    @classmethod
    def load(cls, folder: Path | None = None) -> Chart:
        """Read a chart from the folder of a recomputed one; the shipped chart if none is given.

        An older chart, whose coats had the pores of a pellet, is read as one of coats with their own.

        Raises
        ------
        StudyError
            If there is no chart in the folder, or it is damaged.
        """
        home = resources.files("studies.chart") if folder is None else folder
        try:
            table, record = (home.joinpath(name).read_text("utf-8") for name in (TABLE, RECORD))
        except OSError:
            raise StudyError(f"{folder} holds no chart: make one with percoat threshold --recompute --out") from None
        except UnicodeDecodeError as error:
            raise _damaged(folder, error) from None
        try:
            chart = cls(read_rows(table), read_record(record))
            chart.check()
            if has_pellet_pores(chart.record):
                chart = cls(*with_coat_pores(chart.rows, chart.record))
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise _damaged(folder, error) from None
        return chart

    def check(self) -> None:
        """Raise ValueError if the table is not all of what the record tells of."""
        numbers = [field.name for field in fields(Row) if field.type in ("float", "int")]
        for name in self.rows:
            if name in numbers and not pd.api.types.is_numeric_dtype(self.rows[name]):
                raise ValueError(f"{TABLE} holds text among the numbers of {name!r}")
        plan, found = self.record["plan"], self.rows[self.rows["quantity"] == "bulk"]
        bulk = set(zip(found["structure"], found["dispersion"], strict=True))
        whole = len(self.rows) == self.record.get("rows", len(self.rows))  # older records do not count them
        if not whole or not bulk >= {(one, other) for one in plan["structures"] for other in plan["dispersions"]}:
            raise ValueError(f"{TABLE} was cut off")

    def save(self, folder: Path) -> None:
        """Write the table and the record."""
        with whole_file(folder / TABLE) as path:
            self.rows.to_csv(path, index=False, lineterminator="\n")
        with whole_file(folder / RECORD) as path:
            path.write_text(json.dumps(self.record, indent=1, sort_keys=True) + "\n", "utf-8")

    @property
    def materials(self) -> Materials:
        """The constants whose densities turn volumes into masses: its own, if no others were given."""
        return Materials.load(self.record["plan"]["materials"]) if self.own is None else self.own

    def with_densities(self, overrides: Mapping[str, Mapping[str, Any]]) -> Chart:
        """The chart for other densities of electrolyte and carbon, nested as the [materials] of a study.

        They turn its volume fractions into masses; nothing else of them counts.
        """
        own: dict[str, Any] = self.record["plan"]["materials"]
        both = {group: {**own.get(group, {}), **overrides.get(group, {})} for group in {**own, **overrides}}
        return replace(self, own=Materials.load(both))

    @property
    def first(self) -> dict[str, str]:
        """The structure, dispersion and fit that its table has first."""
        bulk = self.rows[self.rows["quantity"] == "bulk"].iloc[0]
        fits = self.rows.loc[self.rows["fit"] != "", "fit"]
        return {"structure": bulk["structure"], "dispersion": bulk["dispersion"], "fit": fits.iloc[0]}

    def choose(self, **wanted: str) -> pd.DataFrame:
        """The rows of one structure, dispersion and fit that hold for any coat; unknown names are refused."""
        rows = self.rows[(self.rows["composition"] == "") & (self.rows["diameter"] == 0.0)]
        rows = rows[(rows["size_measure"] == "hydrodynamic") & (rows["contact_gap"] == 0.0)]
        for key, value in wanted.items():
            known(value, dict.fromkeys(name for name in rows[key].unique() if name), f"{key} in the chart")
            rows = rows[rows[key].isin([value, ""])] if key == "fit" else rows[rows[key] == value]
        return rows

    def read(self, thickness: float, *, structure: str, dispersion: str, fit: str) -> list[Reading]:
        """All thresholds of a coat: bulk, along it, across it for every case and contact area of the chart.

        Between two thicknesses of the chart, ln(value) is linear in ln(thickness).

        Raises
        ------
        StudyError
            If the thickness lies outside the chart, or a name is unknown.
        """
        rows = self.choose(structure=structure, dispersion=dispersion, fit=fit)
        found = rows[rows["quantity"].isin(["bulk", "in_plane", "across"])]
        edges = np.unique(found.loc[found["thickness"] > 0, "thickness"])
        check_thickness(thickness, edges[0], edges[-1], "chart", "make another one with --recompute")
        groups = found.groupby(["quantity", "case", "area_factor"], sort=False)
        readings = [_interpolate(str(q), str(case), group, thickness) for (q, case, _), group in groups]
        return [reading for reading in readings if reading is not None]


def check_thickness(thickness: float, thinnest: float, thickest: float, holder: str, remedy: str) -> None:
    """Refuse a coat outside of those of a chart or plan."""
    if not thinnest * (1 - 1e-9) <= thickness <= thickest * (1 + 1e-9):
        raise StudyError(
            f"the {holder} holds coats of {thinnest * 1e9:g} to {thickest * 1e9:g} nm; got {thickness * 1e9:g} nm:"
            f" it is not extrapolated, {remedy}"
        )


def read_rows(text: str) -> pd.DataFrame:
    """The table of a chart; a ValueError if it is none, or was cut off."""
    if not text.endswith("\n"):
        raise ValueError(f"{TABLE} ends in the middle of a line")
    names = list(Row.__dataclass_fields__)
    try:
        rows = pd.read_csv(io.StringIO(text), keep_default_na=False, na_values={name: [""] for name in NUMBERS})
    except pd.errors.ParserError as error:
        raise ValueError(f"{TABLE}: {error}") from None
    missing = [name for name in names if name not in rows.columns]
    if missing:
        raise ValueError(f"{TABLE} has no column '{missing[0]}'")
    rows = rows[names]
    for name in NUMBERS:
        if not pd.api.types.is_numeric_dtype(rows[name]) or (name not in ENDS and rows[name].isna().any()):
            raise ValueError(f"{TABLE}, column '{name}': numbers are wanted")
    if not {"bulk", "in_plane"} <= set(rows["quantity"]):
        raise ValueError(f"{TABLE} holds no thresholds")
    return rows


def read_record(text: str) -> dict[str, Any]:
    """The record of a chart; a ValueError if it is none."""
    try:
        record = json.loads(text)
        plan, constants = record["plan"], record["materials"]
        lengths = plan["core_diameter"], constants["cb.aggregate_diameter"], constants["cb.primary_diameter"]
        Materials.load(plan["materials"])
        _ = [plan[name].keys() for name in ("structures", "dispersions")]
        sound = isinstance(record["title"], str) and len(record["seeds"]) > 0 and all(one > 0.0 for one in lengths)
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{RECORD} lacks what a chart is made of: {error}") from None
    if not sound:
        raise ValueError(f"{RECORD} lacks what a chart is made of")
    return dict(record)


def _damaged(folder: Path | None, error: Exception) -> StudyError:
    return StudyError(f"the chart in {folder} is damaged ({error}): make it anew with --recompute")


def _interpolate(quantity: str, case: str, group: pd.DataFrame, thickness: float) -> Reading | None:
    """One reading, or None where the chart has no contact of that area at this thickness."""
    group = group.sort_values("thickness")
    points = group["thickness"].to_numpy(float)
    if quantity == "bulk":
        first = group.iloc[0]
        return Reading(quantity, "", 0.0, first["value"], first["low"], first["high"], between=False)
    right = int(np.searchsorted(points, thickness * (1 - 1e-9)))
    if right == len(points):
        return None
    near = group.iloc[right]
    hit = math.isclose(points[right], thickness, rel_tol=1e-6)
    if not hit and right == 0:
        return None
    left = group.iloc[right if hit else right - 1]
    share = 0.0 if hit else math.log(thickness / left["thickness"]) / math.log(near["thickness"] / left["thickness"])
    value, low, high = (_between(left[name], near[name], share) for name in ("value", "low", "high"))
    area = float(near["area"] * thickness / near["thickness"])
    error = 0.0 if hit else _line_error(points, group["value"].to_numpy(float), thickness)
    return Reading(quantity, case, area, value, low, high, between=not hit, error=error, remark=str(left["remark"]))


def _between(left: float, right: float, share: float) -> float:
    """On the straight line between two logarithms; infinite where either end is."""
    if share == 0.0 or math.isinf(left):
        return float(left)
    return float(math.exp((1 - share) * math.log(left) + share * math.log(right))) if right > 0 else 0.0


def _line_error(thicknesses: NDArray[np.float64], values: NDArray[np.float64], thickness: float) -> float:
    """Relative error of a straight line in the logarithms at a thickness between two points.

    By the remainder of linear interpolation, |f''| / 2 (x - a) (b - x): the curvature is the larger one of those that
    the two points have with their outer neighbours. NaN where that cannot be said.
    """
    x, at = np.log(thicknesses), math.log(thickness)
    y = np.log(np.where(values > 0.0, values, np.nan))
    right = int(np.searchsorted(x, at))
    curvatures = []
    for k in (right - 1, right):
        if 0 < k < len(x) - 1 and np.isfinite(y[k - 1 : k + 2]).all():
            slopes = np.diff(y[k - 1 : k + 2]) / np.diff(x[k - 1 : k + 2])
            curvatures.append(abs(slopes[1] - slopes[0]) / (x[k + 1] - x[k - 1]))
    if not curvatures:
        return math.nan
    return math.expm1(max(curvatures) * (at - x[right - 1]) * (x[right] - at))


def with_scales(chart: Chart) -> pd.DataFrame:
    """A table for a spreadsheet: lengths in nm, areas in um2, thresholds in % on all three scales of carbon content.

    Masses hold for the densities in its columns.
    """
    thresholds, materials = chart.rows[chart.rows["quantity"] != "bridge_rate"], chart.materials
    table = pd.DataFrame(
        {
            "quantity": thresholds["quantity"],
            "structure": thresholds["structure"],
            "dispersion": thresholds["dispersion"],
            "fit": thresholds["fit"],
            "size measure": thresholds["size_measure"],
            "contact gap [nm]": 1e9 * thresholds["contact_gap"],
            "composition": thresholds["composition"],
            "coat thickness [nm]": 1e9 * thresholds["thickness"],
            "thickness / aggregate size": thresholds["ratio"],
            "core diameter [um]": 1e6 * thresholds["diameter"],
            "case": thresholds["case"],
            "contact area [um2]": 1e12 * thresholds["area"],
        }
    )
    for name in ("value", "low", "high"):
        fraction = thresholds[name].to_numpy(float)
        for scale, numbers in zip(SCALES, scales(fraction, materials), strict=True):
            table[f"{scale}, {name} [%]"] = np.round(100.0 * numbers, 4)
    for group in ("se", "cb"):
        name = material_name(materials, group)
        table[group.upper()] = name
        table[f"{group.upper()} density [g/cm3]"] = float(f"{1e-3 * materials[f'{group}.density']:.6g}")
    table["seeds"], table["structures"] = thresholds["seeds"], thresholds["structures"]
    table["remark"] = thresholds["remark"]
    return table.replace([np.inf], "out of reach")


SCALES = ("CB of CB+SE by volume", "CB:SE by mass", "CB of CB+SE by mass")


def scales(fraction: NDArray[np.float64], materials: Materials) -> list[NDArray[np.float64]]:
    """A CB volume fraction as such, as CB:SE mass ratio and as CB mass fraction; infinite stays infinite."""
    out = ~np.isfinite(fraction) | (fraction >= 1.0)
    known_part = np.where(out, 0.0, fraction)
    pairs = np.array([carbon_scales(float(one), materials) for one in known_part]).reshape(-1, 2)
    return [np.where(out, np.inf, numbers) for numbers in (known_part, pairs[:, 0], pairs[:, 1])]


def material_name(materials: Materials, group: str) -> str:
    """Name of the electrolyte (se) or the carbon (cb); SE or CB where its density is not that of the one shipped."""
    shipped, density = Materials.load(), f"{group}.density"
    known_name = materials.names[group] != shipped.names[group] or materials[density] == shipped[density]
    return materials.names[group] if known_name else group.upper()


def rows_table(rows: list[Row]) -> pd.DataFrame:
    """Rows in their order, one column for each field."""
    return pd.DataFrame([asdict(row) for row in rows], columns=list(Row.__dataclass_fields__))
