"""Patch libraries made by hand: numbers known in closed form, in no time."""

import math

import pandas as pd
import pytest

from microstructure.materials import Materials
from studies.patches.library import SQUARE, PatchLibrary
from studies.patches.plan import CarbonState, PatchPlan

# at a carbon content of 1; electrons and bridges rise with its square, which is interpolated exactly
LEADING = {
    "bridge_rate": 4e14,
    "wall_bridge_rate": 8e14,
    "across_electronic": 2e14,
    "across_touches": 6e14,
    "along_electronic": 2e7,
    "bulk_electronic": 7e6,
}
IONIC = ("along_ionic", "across_ionic", "bulk_ionic")
ALONG, BULK = 0.08, 0.05  # thresholds


def content_rows(plan, content, scale):
    """Every quantity at one content: A content^2 for electrons, 1 - content for ions, the same in every coat."""
    for name in (*LEADING, *IONIC):
        value = scale.get(name, 1.0) * (LEADING[name] * content**2 if name in SQUARE else 1.0 - content)
        for thickness in (0.0,) if name.startswith("bulk") else plan.thicknesses:
            yield name, thickness, content, value, 0.8 * value, 1.2 * value, ""


@pytest.fixture(scope="session")
def handmade():
    """Make a library in which every number is a plain function of the carbon content, scaled by name if you like."""

    def make(plan=None, **scale):
        plan = plan or PatchPlan()
        rows = [row for content in (0.0, *plan.contents) for row in content_rows(plan, content, scale)]
        for thickness in (0.0, *plan.thicknesses):
            value = BULK if thickness == 0.0 else ALONG
            rows.append(("threshold", thickness, math.nan, value, 0.9 * value, 1.1 * value, ""))
        columns = ["quantity", "thickness", "content", "value", "low", "high", "note"]
        return PatchLibrary(CarbonState(Materials.load()), plan, pd.DataFrame(rows, columns=columns))

    return make
