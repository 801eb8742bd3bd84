"""The chart of thresholds: read, looked up at any coat thickness between its points, written as a table."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, fields
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
from studies.chart.rows import Row

TABLE, RECORD = "coat_chart.csv", "coat_chart.json"
KEYS = ("structure", "dispersion", "fit")
TEXTS = ("composition", "case", "remark", "fit", "dispersion")


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
    remark: str = ""


@dataclass(frozen=True, eq=False)
class Chart:
    """Thresholds against coat thickness, with the record of how they were made."""

    rows: pd.DataFrame
    record: dict[str, Any]

    @classmethod
    def load(cls, folder: Path | None = None) -> Chart:
        """Read a chart from the folder of a recomputed one; the shipped chart if none is given.

        Raises
        ------
        StudyError
            If there is no chart in the folder, or it is damaged.
        """
        home = resources.files("studies.chart") if folder is None else folder
        try:
            with home.joinpath(TABLE).open("r", encoding="utf-8") as file:
                rows = pd.read_csv(file, keep_default_na=False, na_values={"value": [""], "low": [""], "high": [""]})
            record = json.loads(home.joinpath(RECORD).read_text("utf-8"))
            chart = cls(rows[list(Row.__dataclass_fields__)], record)
            chart.check()
        except OSError:
            raise StudyError(f"{folder} holds no chart: make one with percoat threshold --recompute --out") from None
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StudyError(f"the chart in {folder} is damaged ({error}): make it anew with --recompute") from None
        return chart

    def check(self) -> None:
        """Look for all that a reading takes.

        Raises
        ------
        KeyError, TypeError, ValueError
            If the table or the record is not whole.
        """
        if self.rows.empty:
            raise ValueError(f"{TABLE} holds no rows")
        numbers = [field.name for field in fields(Row) if field.type in ("float", "int")]
        for name in self.rows:
            column = self.rows[name]
            if name in numbers and not pd.api.types.is_numeric_dtype(column):
                raise ValueError(f"{TABLE} holds text among the numbers of {name!r}")
            if name not in ("value", "low", "high") and column.isna().any():
                raise ValueError(f"{TABLE} ends within a row")
        if not (math.isfinite(self.aggregate_size) and self.materials.constants):
            raise ValueError(f"{RECORD} holds no materials")

    def save(self, folder: Path) -> None:
        """Write the table and the record."""
        with whole_file(folder / TABLE) as path:
            self.rows.to_csv(path, index=False, lineterminator="\n")
        with whole_file(folder / RECORD) as path:
            path.write_text(json.dumps(self.record, indent=1, sort_keys=True) + "\n", "utf-8")

    @property
    def materials(self) -> Materials:
        """The constants it was made with."""
        return Materials.load(self.record["plan"]["materials"])

    @property
    def aggregate_size(self) -> float:
        """Size of the aggregates [m]."""
        return float(self.record["materials"]["cb.aggregate_diameter"])

    def first(self, key: str) -> str:
        """The first structure, dispersion or fit of the chart."""
        return str(next(name for name in self.rows[key] if name))

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
        if not edges[0] * (1 - 1e-9) <= thickness <= edges[-1] * (1 + 1e-9):
            raise StudyError(
                f"the chart holds coats of {edges[0] * 1e9:g} to {edges[-1] * 1e9:g} nm; got {thickness * 1e9:g} nm:"
                " it is not extrapolated, make another one with --recompute"
            )
        groups = found.groupby(["quantity", "case", "area_factor"], sort=False)
        readings = [_interpolate(str(q), str(case), group, thickness) for (q, case, _), group in groups]
        return [reading for reading in readings if reading is not None]


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
    return Reading(quantity, case, area, value, low, high, between=not hit, remark=str(left["remark"]))


def _between(left: float, right: float, share: float) -> float:
    """On the straight line between two logarithms; infinite where either end is."""
    if share == 0.0 or math.isinf(left):
        return float(left)
    return float(math.exp((1 - share) * math.log(left) + share * math.log(right))) if right > 0 else 0.0


def interpolation_error(chart: Chart, thickness: float, **wanted: str) -> float:
    """Largest relative change of a threshold next to this thickness when it is read off its two neighbours instead.

    Those are twice as far apart as the points themselves, so that it bounds the error of a reading between two points.
    """
    rows, worst = chart.choose(**wanted), 0.0
    for _, group in rows[rows["quantity"].isin(["in_plane", "across"])].groupby(["quantity", "case", "area_factor"]):
        group = group.sort_values("thickness")
        x, y = np.log(group["thickness"].to_numpy(float)), group["value"].to_numpy(float)
        right = int(np.searchsorted(x, math.log(thickness)))
        for k in range(max(right - 1, 1), min(right + 1, len(x) - 1)):
            if np.isfinite(y[k - 1 : k + 2]).all():
                share = (x[k] - x[k - 1]) / (x[k + 1] - x[k - 1])
                worst = max(worst, abs(_between(y[k - 1], y[k + 1], share) / y[k] - 1.0))
    return worst


def with_scales(chart: Chart) -> pd.DataFrame:
    """A table for a spreadsheet: lengths in nm, areas in um2, thresholds in % on all three scales of carbon content."""
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


def rows_table(rows: list[Row]) -> pd.DataFrame:
    """Rows in their order, one column for each field."""
    return pd.DataFrame([asdict(row) for row in rows], columns=list(Row.__dataclass_fields__))
