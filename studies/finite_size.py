"""Bulk against finite size: what a pellet of a matrix measures, and what the same matrix does as a thin coat."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from microstructure.recipe import Recipe
from studies.blocks import matrix_conductivities
from studies.patches.library import PatchLibrary

THICKNESSES = (5e-9, 10e-9, 20e-9, 37e-9, 50e-9, 75e-9, 100e-9, 150e-9, 200e-9, 250e-9, 350e-9, 500e-9)
THIN = "thinner than a primary: carbon stands out of it"


def compare_coats(recipe: Recipe, library: PatchLibrary) -> pd.DataFrame:
    """Thresholds and conductivities of one matrix in the bulk and as coats, and the factor between them.

    Parameters
    ----------
    recipe : Recipe
        Whose carbon content the conductivities are taken at, and whose cores set the contact area.
    library : PatchLibrary

    Returns
    -------
    DataFrame
        Columns quantity, thickness [m], unit, bulk, coat, low, high, factor, note. A coat thinner than a primary has no
        number: there the library does not reach, and nothing is extrapolated.
    """
    low, high = library.at_end(-1), library.at_end(1)
    rows: list[tuple[object, ...]] = []
    for thickness in THICKNESSES:
        for quantity, (unit, measure) in _measures(recipe).items():
            bulk = measure(library, 0.0)
            if thickness < library.reach[0]:
                rows.append((quantity, thickness, unit, bulk, math.nan, math.nan, math.nan, math.nan, THIN))
                continue
            ends = sorted(measure(one, thickness) for one in (low, high))
            coat = measure(library, thickness)
            factor = coat / bulk if bulk > 0.0 else math.nan
            rows.append((quantity, thickness, unit, bulk, coat, *ends, factor, ""))
    columns = ["quantity", "thickness", "unit", "bulk", "coat", "low", "high", "factor", "note"]
    return pd.DataFrame(rows, columns=columns).sort_values(["quantity", "thickness"], kind="stable", ignore_index=True)


def _measures(recipe: Recipe) -> dict[str, tuple[str, Callable[[PatchLibrary, float], float]]]:
    """What is compared: a number for a coat of a thickness [m], or for the bulk at 0."""
    content, neck = recipe.volume_fraction, recipe.materials["cb.neck_conductance"]
    electrolyte = recipe.electrolyte_conductivity

    def threshold_across(library: PatchLibrary, thickness: float) -> float:
        if thickness == 0.0:
            return float(library.threshold(0.0))
        area = math.pi * 0.5 * recipe.materials["cam.median_diameter"] * 2.0 * thickness
        return half_bridged(library, thickness, area)

    def electrons(library: PatchLibrary, thickness: float) -> float:
        if thickness == 0.0:
            return matrix_conductivities(recipe, library)[0]
        return neck * float(library.value("along_electronic", content, thickness))

    def ions(library: PatchLibrary, thickness: float) -> float:
        if thickness == 0.0:
            return matrix_conductivities(recipe, library)[1]
        return electrolyte * float(library.value("along_ionic", content, thickness))

    def ions_across(library: PatchLibrary, thickness: float) -> float:
        if thickness == 0.0:
            return matrix_conductivities(recipe, library)[1]
        return electrolyte * float(library.value("across_ionic", content, thickness))

    return {
        "threshold along the coat": ("1", lambda library, thickness: float(library.threshold(thickness))),
        "threshold across two coats": ("1", threshold_across),
        "electrons along two coats": ("S/m", electrons),
        "ions along the coat": ("S/m", ions),
        "ions across the coat": ("S/m", ions_across),
    }


def half_bridged(library: PatchLibrary, thickness: float, area: float) -> float:
    """CB volume fraction at which half of the seams of this area are bridged; infinite beyond the library."""

    def miss(content: float) -> float:
        rate = float(library.bridge_rate(content)(np.array([thickness]))[0])
        return rate * area - math.log(2.0)

    most = library.plan.contents[-1]
    return math.inf if miss(most) < 0.0 else float(brentq(miss, 0.0, most, xtol=1e-5))
