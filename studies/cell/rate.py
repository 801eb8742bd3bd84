"""What a cathode gives at a C-rate: a closed estimate from its conductivities, and what it assumes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from microstructure.arguments import check_number
from microstructure.recipe import Recipe

CHARGED, PLATEAU_END = 4.3, 3.55  # V against lithium: the open-circuit voltage falls evenly between them
INDIUM = 0.62  # V against lithium: the indium-lithium counter electrode
LOWER = 2.0  # V against indium-lithium: where the discharge ends
HOUR = 3600.0
UNCOUNTED = "electrons do not span the cathode: electronic loss not counted"
FROM_COLLECTOR = "electrons do not span the cathode: loss from the collector to the cores they reach"


@dataclass(frozen=True)
class RateCapacity:
    """Capacity of a cathode at one C-rate, and where voltage is lost."""

    c_rate: float = field(metadata={"unit": "1/h"})
    capacity: float = field(metadata={"unit": "A s/kg", "what": "of the composite"})
    ionic_drop: float = field(metadata={"unit": "V", "what": "of ions in the cathode"})
    electronic_drop: float = field(metadata={"unit": "V", "what": "of electrons in the cathode; NaN if not counted"})
    active_rate: float = field(metadata={"unit": "1/h", "what": "C-rate that the active particles see"})
    current: float = field(metadata={"unit": "A/m2", "what": "of the cell"})
    remark: str = ""


def estimate_capacity(
    recipe: Recipe,
    *,
    c_rate: float,
    utilisation: float,
    electronic: float,
    ionic: float,
    loading: float,
    length: float,
    feeding: float | None = None,
) -> RateCapacity:
    """Estimate the capacity of a half cell in closed form.

    The cell's current is that of all its active material; what is not reached takes none, so that particles see the
    C-rate over the utilisation. Of two limits the lower one counts. Either the reaction is even over the thickness, and
    ions and electrons lose i L / 3 over their conductivity; or it is a front that begins at the separator (at the
    collector, where electrons are worse) and stops at the depth where i x over the worse conductivity has used up the
    mean voltage above the end of discharge. Assumed besides: the charge is complete (CCCV); the open-circuit voltage
    falls evenly from 4.3 to 3.55 V against lithium and then steeply; no resistance of the separator, the counter
    electrode, the interface of core and electrolyte, and none of diffusion in the particles.

    A core that electrons reach from the collector works even where they do not span the cathode. What they lose on
    their way to it no conductivity from plate to plate says, but that of the feeding does. Where electrons do not span
    and it is not given, their loss is not counted, its drop is NaN, the capacity is an upper limit, and the remark says
    so.

    Parameters
    ----------
    recipe : Recipe
    c_rate : float
        [1/h], of the cell.
    utilisation : float
        Share of the active material that electrons and ions reach.
    electronic, ionic : float
        Conductivities of the composite from plate to plate [S/m]; an electronic one of 0 where electrons do not span.
    loading : float
        Mass of the composite per area [kg/m2].
    length : float
        Thickness of the cathode [m].
    feeding : float, optional
        Conductivity of an even cathode in which electrons lose as much between the collector and the cores that they
        reach [S/m], 0 where they reach none; where given, it counts in place of `electronic`. See
        `BlockPrediction.electronic_feeding`.

    Raises
    ------
    ValueError
        If a number is negative, the utilisation above 1, or the rate not positive.

    Examples
    --------
    >>> recipe = Recipe.parse("80:20:0.5")
    >>> found = estimate_capacity(
    ...     recipe, c_rate=0.1, utilisation=0.65, electronic=0.01, ionic=0.004, loading=0.191, length=56e-6
    ... )
    >>> round(found.capacity / 3600)
    103
    """
    _check(
        c_rate=c_rate,
        utilisation=utilisation,
        electronic=electronic,
        ionic=ionic,
        loading=loading,
        length=length,
        feeding=feeding or 0.0,
    )
    full = full_capacity(recipe)
    current = c_rate / HOUR * full * loading
    carrying, remark = electronic_path(electronic, feeding)
    if utilisation == 0.0 or ionic == 0.0 or carrying == 0.0:
        return RateCapacity(c_rate, 0.0, math.inf, math.inf, math.inf, current)
    drops = [current * length / (3.0 * conductivity) for conductivity in (ionic, carrying)]
    end = LOWER + INDIUM
    even = (CHARGED - end - sum(drops)) / (CHARGED - PLATEAU_END)
    front = (0.5 * (CHARGED + PLATEAU_END) - end) / (3.0 * max(drops))
    capacity = full * utilisation * min(max(min(even, front), 0.0), 1.0)
    lost = drops[1] if math.isfinite(carrying) else math.nan
    return RateCapacity(c_rate, capacity, drops[0], lost, c_rate / utilisation, current, remark)


def electronic_path(electronic: float, feeding: float | None = None) -> tuple[float, str]:
    """Conductivity that says what electrons lose in a cathode, and what is to be remarked.

    Parameters
    ----------
    electronic : float
        From plate to plate [S/m]; 0 where electrons do not span.
    feeding : float, optional
        Of an even cathode that loses as much between the collector and the cores that electrons reach [S/m]; where
        given, it counts.

    Returns
    -------
    conductivity : float
        [S/m], 0 where electrons reach nothing; infinite where they do not span and no other is given.
    remark : str
        Empty where electrons span.

    Examples
    --------
    >>> electronic_path(0.01)
    (0.01, '')
    >>> electronic_path(0.0, 0.002)
    (0.002, 'electrons do not span the cathode: loss from the collector to the cores they reach')
    """
    if feeding is not None:
        return feeding, "" if electronic > 0.0 else FROM_COLLECTOR
    return (electronic, "") if electronic > 0.0 else (math.inf, UNCOUNTED)


def active_mass_share(recipe: Recipe) -> float:
    """Mass of the active material over that of the composite."""
    return recipe.cam / (recipe.cam + recipe.se + recipe.cb)


def full_capacity(recipe: Recipe) -> float:
    """Capacity of the composite if all of its active material is used [A s/kg]."""
    return active_mass_share(recipe) * recipe.materials["cam.capacity"]


def _check(**numbers: float) -> None:
    for name, value in numbers.items():
        if not 0.0 <= check_number(name, value) < float("inf"):
            raise ValueError(f"{name} is finite and not negative; got {value!r}")
    if numbers["utilisation"] > 1.0:
        raise ValueError(f"utilisation lies in [0, 1]; got {numbers['utilisation']!r}")
    for name in ("c_rate", "loading", "length"):
        if numbers[name] == 0.0:
            raise ValueError(f"{name} is above zero; got {numbers[name]!r}")
