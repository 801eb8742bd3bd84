"""Bulk against finite size: what a pellet of a matrix measures, and what the same matrix does as a thin coat."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from microstructure.coats.outer_face import OuterFace
from microstructure.recipe import Recipe
from studies.two_scale.patch_library import PatchLibrary
from studies.two_scale.prediction import matrix_conductivities

THICKNESSES = (5e-9, 10e-9, 20e-9, 37e-9, 50e-9, 75e-9, 100e-9, 150e-9, 200e-9, 250e-9, 350e-9, 500e-9)
IDEAL, FITTED = (f"threshold across two coats, {face}" for face in ("ideal contact", "fitted face"))
THIN = "thinner than a primary, which lies on the core and stands out of it"
Number = tuple[float, float, float]  # and its 95 % interval


def compare_coats(recipe: Recipe, library: PatchLibrary, face: OuterFace | None = None) -> pd.DataFrame:
    """Thresholds and conductivities of one matrix in the bulk and as coats, and the factor between them.

    Parameters
    ----------
    recipe : Recipe
        Whose carbon content the conductivities are taken at, and whose cores set the contact area.
    library : PatchLibrary
    face : OuterFace, optional
        Which share of the contacts between two coats carries; by default by the skin of the recipe's materials.

    Returns
    -------
    DataFrame
        Columns quantity, thickness [m], unit, bulk, coat, low, high, factor, note. A threshold along the coat is
        infinite where no carbon content is enough, one across it beyond the library's contents. Across, half of the
        contacts of pi R 2t are bridged: by ideal contact, where all carbon that meets carries, and at the fitted face,
        where that share of its contacts does.

    Notes
    -----
    In a coat thinner than the library's thinnest one, a primary's radius, all primaries lie on the core, however thin
    it is. Along it carbon per area alone counts: the thinnest coat with as much of it stands for it. Across two of them
    every aggregate is a bridge, so that bridges fall with the thickness. Most of a primary stands out of the film, and
    hinders ions less the thinner it is: they have the value of the thinnest coat, and an interval up to the upper
    Wiener bound of a film without any carbon in it.
    """
    if face is None:
        skin, reach = (recipe.materials[f"coat.{name}"] for name in ("skin_thickness", "tunnelling_range"))
        face = OuterFace.with_skin(skin, tunnelling_range=reach)
    coats, threshold = _Coats(recipe, library, face), float(library.threshold(0.0))
    electronic, ionic = matrix_conductivities(recipe, library)
    bulk = {
        "threshold along the coat": threshold,
        IDEAL: threshold,
        FITTED: threshold,
        "electrons along two coats": electronic,
        "ions along the coat": ionic,
        "ions across the coat": ionic,
    }
    rows: list[tuple[object, ...]] = []
    for thickness in THICKNESSES:
        note = THIN if thickness < library.reach[0] else ""
        for quantity, (coat, low, high) in coats.measured(thickness).items():
            unit = "1" if quantity.startswith("threshold") else "S/m"
            factor = coat / bulk[quantity] if bulk[quantity] > 0.0 else math.nan
            rows.append((quantity, thickness, unit, bulk[quantity], coat, low, high, factor, note))
    columns = ["quantity", "thickness", "unit", "bulk", "coat", "low", "high", "factor", "note"]
    return pd.DataFrame(rows, columns=columns).sort_values(["quantity", "thickness"], kind="stable", ignore_index=True)


@dataclass(frozen=True, eq=False)
class _Coats:
    """Coats of one matrix."""

    recipe: Recipe
    library: PatchLibrary
    face: OuterFace

    @cached_property
    def ends(self) -> tuple[PatchLibrary, PatchLibrary]:
        """The library at the lower and the upper ends of its intervals."""
        return self.library.at_end(-1), self.library.at_end(1)

    def measured(self, thickness: float) -> dict[str, Number]:
        """All quantities of a coat of this thickness [m]."""
        electrolyte = self.recipe.electrolyte_conductivity
        along, across = self._ions(thickness)
        return {
            "threshold along the coat": self._between(_threshold_along, thickness),
            IDEAL: self._between(self._threshold_across(1.0), thickness),
            FITTED: self._between(self._threshold_across(self.face.seam_share), thickness),
            "electrons along two coats": self._between(self._electrons, thickness),
            "ions along the coat": _times(electrolyte, along),
            "ions across the coat": _times(electrolyte, across),
        }

    def _between(self, measure: Callable[[PatchLibrary, float], float], thickness: float) -> Number:
        low, high = sorted(measure(end, thickness) for end in self.ends)
        return measure(self.library, thickness), low, high

    def _threshold_across(self, share: float) -> Callable[[PatchLibrary, float], float]:
        round_contact = math.pi * 0.5 * self.recipe.materials["cam.median_diameter"] * 2.0
        return lambda library, thickness: half_bridged(library, thickness, round_contact * thickness, share)

    def _electrons(self, library: PatchLibrary, thickness: float) -> float:
        share = min(thickness / library.reach[0], 1.0)
        content = self.recipe.volume_fraction * share
        along = float(library.value("along_electronic", content, thickness)) / share
        return self.recipe.materials["cb.neck_conductance"] * along

    def _ions(self, thickness: float) -> list[Number]:
        """Along and across the coat, over the conductivity of the electrolyte."""
        found = [self._between(self._ionic(name), thickness) for name in ("along_ionic", "across_ionic")]
        most = 1.0 - self.recipe.coat_porosity  # upper Wiener bound of a film without any carbon in it
        if thickness >= self.library.reach[0]:
            return [(value, low, max(min(high, most), value)) for value, low, high in found]
        return [(value, low, most) for value, low, _ in found]

    def _ionic(self, quantity: str) -> Callable[[PatchLibrary, float], float]:
        content = self.recipe.volume_fraction
        return lambda library, thickness: float(library.value(quantity, content, thickness))


def _threshold_along(library: PatchLibrary, thickness: float) -> float:
    share = min(thickness / library.reach[0], 1.0)
    found = float(library.threshold(thickness)) / share
    return found if found <= 1.0 else math.inf


def _times(factor: float, number: Number) -> Number:
    return factor * number[0], factor * number[1], factor * number[2]


def half_bridged(library: PatchLibrary, thickness: float, area: float, share: float = 1.0) -> float:
    """CB volume fraction at which half of the seams of this area are bridged; infinite beyond the library.

    Of the contacts between the two coats only this share carries.
    """

    def miss(content: float) -> float:
        rate = float(library.bridge_rate(content, share)(np.array([thickness]))[0])
        return rate * area - math.log(2.0)

    most = library.plan.contents[-1]
    return math.inf if miss(most) < 0.0 else float(brentq(miss, 0.0, most, xtol=1e-5))
