"""The quantities that a study knows: their names, their units, and what was measured of them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from microstructure.errors import StudyError
from microstructure.materials import known
from microstructure.recipe import Recipe
from microstructure.units import shown
from studies.measured import USUAL_ERRORS, Measured, named_compositions, parse_measured
from studies.study import Study
from studies.summary import SHARES, rounded

# quantity, how it is headed, the unit it is shown in, and 1 of that unit in SI
ARITHMETIC = {
    "mixed_density": ("mixed density", "g/cm3", 1e3),
    "soft_volume": ("soft volume", "%", 1e-2),
    "film_thickness": ("film, pore-free", "nm", 1e-9),
    "shell_thickness": ("shell, pore-free", "nm", 1e-9),
    "carbon_mass_ratio": ("CB:SE by mass", "%", 1e-2),
    "carbon_mass_fraction": ("CB in CB+SE by mass", "%", 1e-2),
    "carbon_volume_fraction": ("CB in CB+SE by volume", "%", 1e-2),
}


STRUCTURE = {
    "core_fraction": ("cores", "%", 1e-2),
    "core_fraction_inside": ("cores away from walls", "%", 1e-2),
    "porosity_total": ("porosity, total", "%", 1e-2),
    "coat_thickness": ("film with its pores", "nm", 1e-9),
    "matrix_in_film": ("matrix in the film", "%", 1e-2),
}


PREDICTED = {
    "threshold_bulk": ("threshold, bulk", "vol% CB", 1e-2),
    "threshold_in_plane": ("threshold, along the coat", "vol% CB", 1e-2),
    "threshold_across": ("threshold, across the coat", "vol% CB", 1e-2),
    "matrix_electronic": ("matrix, electrons", "mS/cm", 0.1),
    "matrix_ionic": ("matrix, ions", "mS/cm", 0.1),
    "composite_electronic": ("composite, electrons", "mS/cm", 0.1),
    "composite_ionic": ("composite, ions", "mS/cm", 0.1),
    "utilisation_electronic": ("utilisation, electrons", "%", 1e-2),
    "utilisation_ionic": ("utilisation, ions", "%", 1e-2),
    "utilisation_joint": ("utilisation, both", "%", 1e-2),
    "reachable_area": ("reachable CAM|SE area", "%", 1e-2),
    "contact_network_over_voxels": ("two-block contact, network / voxels", "1", 1.0),
}


SHOWN = ARITHMETIC | STRUCTURE | PREDICTED


SHARES_BESIDE = ("threshold", "soft_volume", "carbon_mass_fraction", "carbon_volume_fraction")


SI = {"g/cm3": "kg/m^3", "%": "1", "vol% CB": "1", "nm": "m", "mS/cm": "S/m", "1": "1"}


@dataclass(frozen=True)
class Datum:
    """One measured number: of one composition, or of several that it holds for together."""

    quantity: str
    compositions: tuple[str, ...]
    measured: Measured

    @property
    def names(self) -> tuple[str, ...]:
        """As [fitted] may refer to it: the quantity with one of its compositions."""
        return tuple(f"{self.quantity} {composition}" for composition in self.compositions)


def natural(text: str) -> tuple[tuple[float, str], ...]:
    """A sorting key that puts 2 nm before 10 nm."""
    parts = re.split(r"(\d+\.?\d*)", text)
    return tuple((float(part), "") if part[:1].isdigit() else (0.0, part) for part in parts)


def composition_value(quantity: str, recipe: Recipe) -> float:
    """A quantity of `ARITHMETIC` in SI units."""
    return {
        "mixed_density": recipe.mixed_density,
        "soft_volume": recipe.volume_fractions.soft,
        "film_thickness": recipe.film_thickness(),
        "shell_thickness": recipe.shell_thickness(),
        "carbon_mass_ratio": recipe.mass_ratio,
        "carbon_mass_fraction": recipe.mass_fraction,
        "carbon_volume_fraction": recipe.volume_fraction,
    }[quantity]


def measured_text(study: Study, quantity: str, composition: str) -> str:
    """The measured value as text in the unit shown; empty if there is none."""
    numbers, bound = measured_numbers(study, quantity, composition)
    return ("< " if bound else "") + " - ".join(f"{number:g}" for number in numbers)


def measured_numbers(study: Study, quantity: str, composition: str) -> tuple[list[float], bool]:
    """The measured value in the unit shown: none, one, or the two ends of an interval; and whether it is a bound."""
    found = measured_value(study, quantity, composition)
    if found is None:
        return [], False
    scale, interval = SHOWN[quantity][2], isinstance(study.measured_entry(quantity, composition), (list, tuple))
    return [rounded(value / scale) for value in ((found.low, found.high) if interval else (found.low,))], found.bound


def measured_value(study: Study, quantity: str, composition: str) -> Measured | None:
    """The measured value with its standard error, in SI units; None if there is none.

    Raises
    ------
    TypeError, ValueError
        If it cannot be read, or is a share above 100 % or of another basis (per cent by weight in place of volume).
    """
    entry = study.measured_entry(quantity, composition)
    return None if entry is None else read_measured(entry, quantity)


def measured_error(study: Study, quantity: str, composition: str) -> float:
    """Standard error of a measured value [SI].

    The error that was given, else half the width of an interval, else the usual one of such a quantity
    (`USUAL_ERRORS`); NaN of a bound, or if nothing was measured.
    """
    found = measured_value(study, quantity, composition)
    return math.nan if found is None else found.standard_error


def measured_data(study: Study) -> list[Datum]:
    """Every measured number of a study once, in the order of the file, with the compositions that it holds for."""
    return [
        Datum(quantity, named_compositions(key), read_measured(entry, quantity))
        for quantity, entries in study.measured.items()
        for key, entry in entries.items()
    ]


def read_measured(entry: object, quantity: str) -> Measured:
    """A measured value of one quantity; raises as `measured_value` does."""
    found = parse_measured(entry, SI[SHOWN[quantity][1]])
    if quantity.startswith((*SHARES, *SHARES_BESIDE)) and found.high > 1.0:
        raise ValueError(f"{SHOWN[quantity][0]} is a share, 100 % at most; got {shown(entry)}")
    basis = re.search(r"(wt|mass|vol)\.?[ -]?%", str(entry))
    by_volume = not quantity.startswith("carbon_mass")
    if basis and (basis.group(1) == "vol") != by_volume:
        raise ValueError(
            f"{SHOWN[quantity][0]} is a share by {'volume' if by_volume else 'mass'}; got {shown(entry)}: convert it"
        )
    return replace(found, usual=USUAL_ERRORS[quantity].of(found.value))


def check_measured(study: Study) -> None:
    """Refuse measured values of unknown quantities or without their unit, before anything is computed."""
    check_values(study)
    compositions = dict.fromkeys([*(str(recipe) for recipe in study.recipes), "all"])
    for quantity, entries in study.measured.items():
        for composition in (name for key in entries for name in named_compositions(key)):
            known(composition, compositions, f"composition in [measured.{quantity}]")
    for name, parameter in study.fitted.items():
        known(name.split(" ")[0], SHOWN, "quantity in [fitted]")
        if len(name.split(" ")) != 2:
            raise StudyError(f"a name in [fitted] is a quantity and a composition; got {shown(name)}")
        known(parameter, study.constants.constants, "constant in [fitted]")


def check_values(study: Study) -> None:
    """Refuse measured values that cannot be read, whatever composition they are of."""
    for quantity, entries in study.measured.items():
        known(quantity, SHOWN, "quantity in [measured]")
        for composition, entry in entries.items():
            try:
                read_measured(entry, quantity)
            except (TypeError, ValueError) as error:
                raise StudyError(f"[measured.{quantity}] '{composition}': {error}") from None
