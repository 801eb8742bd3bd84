"""Charts made when coats had the pores of a pellet: the same carbon, told as a content of coats with fewer pores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microstructure.materials import Materials
from microstructure.recipe import box_share, solid_fraction
from percolation.carbon_paths.carbon_sweep import LAST_SHARE

LEAST = "matrix.least_porosity"
DIGITS = 5  # as rows are written


def has_pellet_pores(record: dict[str, Any]) -> bool:
    """Whether the coats of a chart were computed with the pores of a pellet: before there was a least porosity."""
    return LEAST not in record["materials"]


def with_coat_pores(rows: pd.DataFrame, record: dict[str, Any]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The rows and the record of an older chart as if its coats had been computed with their own pores.

    Carbon is placed without regard to pores, so that a threshold is a share of the coat with its pores. A content x
    found with a pellet's pores is the content x' for which this share is the same, x' (1 - p_coat(x')) =
    x (1 - p_pellet(x)). All thresholds of coats move, with their intervals, and the contents of bridge rates; the bulk
    is a pellet and stays.

    Parameters
    ----------
    rows : DataFrame
    record : dict
        Of a chart without "matrix.least_porosity": its own porosity of a pellet and its densities count.

    Returns
    -------
    DataFrame, dict
        The record names the least porosity that was taken, and how far its coats were looked at: what was out of reach
        stays so, and means beyond that.

    Raises
    ------
    LookupError, TypeError, ValueError, StudyError
        If the record does not say which porosity its coats had.
    """
    materials = _materials(record["materials"])
    moved = rows.copy()
    rates, coats = rows["quantity"] == "bridge_rate", rows["quantity"] != "bulk"
    for name in ("value", "low", "high"):
        moved.loc[coats & ~rates, name] = _in_coat(rows.loc[coats & ~rates, name].to_numpy(float), materials)
    moved.loc[rates, "content"] = _in_coat(rows.loc[rates, "content"].to_numpy(float), materials)
    across = float(_in_coat(np.array([record["plan"]["up_to"]]), materials)[0])
    along = float(solid_fraction(LAST_SHARE, materials, materials.coat_porosity))
    least = 100 * materials[LEAST]
    sentence = (
        "the coats of this chart were computed with the pores of a pellet; contents are those of the same carbon in"
        f" coats of {least:.3g} % of pores at most. Out of reach means beyond {100 * across:.3g} vol% across, beyond"
        f" {100 * along:.3g} vol% along and around"
    )
    return moved, {**record, "materials": {**record["materials"], LEAST: materials[LEAST]}, "converted": sentence}


def _materials(constants: dict[str, Any]) -> Materials:
    """The porosity of a pellet and the densities of a record, and the least porosity that percoat ships."""
    closure = constants["matrix.porosity"]
    densities = {group: {"density": f"{constants[f'{group}.density']!r} kg/m^3"} for group in ("se", "cb")}
    porosity = {"mass_ratio": closure["points"], "porosity": closure["values"], "source": closure["source"]}
    return Materials.load({**densities, "matrix": {"porosity": porosity}})


def _in_coat(contents: NDArray[np.float64], materials: Materials) -> NDArray[np.float64]:
    """Contents of coats with a pellet's pores as those of coats with their own; what is infinite stays so."""
    found = solid_fraction(box_share(contents, materials), materials, materials.coat_porosity)
    rounded = np.array([float(f"{one:.{DIGITS}g}") for one in found])
    return np.where(np.isfinite(contents), rounded, contents)
