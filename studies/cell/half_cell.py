"""Hand-over to PyBaMM: a half cell with the effective numbers of a composite, none of them corrected twice."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from microstructure.errors import StudyError
from microstructure.recipe import Recipe
from studies.cell.rate import CHARGED, HOUR, INDIUM, LOWER, PLATEAU_END, UNCOUNTED, active_mass_share, electronic_path

if TYPE_CHECKING:
    import pybamm

FARADAY = 96485.33
UPPER = 3.7  # V against indium-lithium
SEPARATOR = 1e-6  # m: its resistance belongs to the cell, not to the cathode
EXCHANGE = 1.0  # A/m2 of core surface: an interface that hardly resists, as the closed estimate has it
FAST = 1e-12  # m2/s: no loss to diffusion in the particles
STEEP = 60.0  # how steeply the voltage leaves its line at either end
ROOM_TEMPERATURE = 298.15


@dataclass(frozen=True)
class Electrode:
    """What a half cell is made of: effective numbers of one composite."""

    recipe: Recipe
    utilisation: float = field(metadata={"unit": "1", "what": "share of the active material that is reached"})
    electronic: float = field(metadata={"unit": "S/m", "what": "of the composite, from plate to plate"})
    ionic: float = field(metadata={"unit": "S/m", "what": "of the composite"})
    area_per_volume: float = field(metadata={"unit": "1/m", "what": "reached CAM|SE area"})
    length: float = field(metadata={"unit": "m"})
    loading: float = field(metadata={"unit": "kg/m2"})
    diameter: float = field(default=10e-3, metadata={"unit": "m"})
    feeding: float | None = field(
        default=None,
        metadata={"unit": "S/m", "what": "of the composite, from the collector to what electrons reach; see rate"},
    )

    @property
    def electronic_path(self) -> tuple[float, str]:
        """Conductivity that says what electrons lose [S/m], and a remark: the rule of the closed estimate.

        Raises
        ------
        StudyError
            If electrons do not span, and no conductivity says what they lose on their way to the cores.
        """
        conductivity, remark = electronic_path(self.electronic, self.feeding)
        if math.isinf(conductivity):
            raise StudyError(f"{UNCOUNTED}; give the electrode the conductivity of their feeding, feeding=")
        return conductivity, remark

    @property
    def capacity(self) -> float:
        """Of all active material, reached or not [A s]: 1C empties it in an hour."""
        area = 0.25 * math.pi * self.diameter**2
        return self.loading * area * active_mass_share(self.recipe) * self.recipe.materials["cam.capacity"]

    @property
    def active_fraction(self) -> float:
        """Volume of the reached active material over that of the cathode."""
        cores = self.loading / self.length * active_mass_share(self.recipe) / self.recipe.materials["cam.density"]
        return cores * self.utilisation


@dataclass(frozen=True)
class Discharge:
    """One discharge of a half cell."""

    capacity: float = field(metadata={"unit": "A s/kg", "what": "of the composite"})
    ionic_drop: float = field(metadata={"unit": "V", "what": "of ions in the cathode, at the start"})
    electronic_drop: float = field(metadata={"unit": "V", "what": "of electrons in the cathode, at the start"})
    remark: str = ""


def discharge(electrode: Electrode, c_rate: float) -> Discharge:
    """Discharge a fully charged half cell against indium-lithium, from 3.7 to 2.0 V, with PyBaMM.

    The cell's current is that of all its active material, so that the reached particles see the C-rate over the
    utilisation. Ions move in a single-ion conductor: no salt gradient. Conductivities are effective already: Bruggeman
    exponents are zero. Beyond the closed estimate the reaction may wander through the cathode. Where electrons do not
    span the cathode, what they reach works, and the conductivity of their feeding says what they lose, as in the closed
    estimate; where nothing is reached, or ions do not pass, the capacity is 0.

    Raises
    ------
    StudyError
        If PyBaMM is not installed, or electrons do not span and the conductivity of their feeding is not given.
    """
    if electrode.utilisation == 0.0 or electrode.ionic == 0.0:
        return Discharge(0.0, math.inf, math.inf)
    carrying, remark = electrode.electronic_path
    if carrying == 0.0:
        return Discharge(0.0, math.inf, math.inf)
    pybamm = _pybamm()
    model = pybamm.lithium_ion.DFN({"working electrode": "positive"})
    values = half_cell_parameters(electrode, c_rate)
    simulation = pybamm.Simulation(model, parameter_values=values, var_pts={"x_n": 20, "x_s": 5, "x_p": 40, "r_p": 10})
    solution = simulation.solve([0.0, 1.5 * HOUR / c_rate])
    charge = float(solution["Discharge capacity [A.h]"].entries[-1]) * HOUR
    mass = electrode.loading * 0.25 * math.pi * electrode.diameter**2
    start = (solution[name].entries[0] for name in _LOSSES)
    ions, electrons = (abs(float(loss)) for loss in start)
    return Discharge(charge / mass, ions, electrons, remark)


_LOSSES = ("X-averaged electrolyte ohmic losses [V]", "X-averaged solid phase ohmic losses [V]")


def half_cell_parameters(electrode: Electrode, c_rate: float) -> pybamm.ParameterValues:
    """The numbers of the half cell under PyBaMM's names, on top of its set Xu2019."""
    pybamm = _pybamm()
    values = pybamm.ParameterValues("Xu2019")
    swing = 1.0  # of the stoichiometry
    radius = 3.0 * electrode.active_fraction / electrode.area_per_volume
    density, capacity = electrode.recipe.materials["cam.density"], electrode.recipe.materials["cam.capacity"]
    most = capacity * density / (FARADAY * swing)
    side = 0.5 * math.sqrt(math.pi) * electrode.diameter
    current = c_rate * electrode.capacity / HOUR
    values.update(
        {
            "Positive electrode thickness [m]": electrode.length,
            "Electrode height [m]": side,
            "Electrode width [m]": side,
            "Separator thickness [m]": SEPARATOR,
            "Separator porosity": 1.0,
            "Positive electrode active material volume fraction": electrode.active_fraction,
            "Positive electrode porosity": 1.0 - electrode.active_fraction,
            "Positive particle radius [m]": radius,
            "Positive electrode conductivity [S.m-1]": electrode.electronic_path[0],
            "Electrolyte conductivity [S.m-1]": electrode.ionic,
            "Positive electrode Bruggeman coefficient (electrode)": 0.0,
            "Positive electrode Bruggeman coefficient (electrolyte)": 0.0,
            "Separator Bruggeman coefficient (electrolyte)": 0.0,
            "Cation transference number": 1.0,
            "Thermodynamic factor": 1.0,
            "Electrolyte diffusivity [m2.s-1]": FAST,
            "Positive particle diffusivity [m2.s-1]": FAST,
            "Maximum concentration in positive electrode [mol.m-3]": most,
            "Initial concentration in positive electrode [mol.m-3]": 0.005 * most,
            "Positive electrode OCP [V]": open_circuit,
            "Positive electrode OCP entropic change [V.K-1]": 0.0,
            "Positive electrode exchange-current density [A.m-2]": lambda *_: pybamm.Scalar(EXCHANGE),
            "Exchange-current density for lithium metal electrode [A.m-2]": lambda *_: pybamm.Scalar(1e4),
            "Ambient temperature [K]": ROOM_TEMPERATURE,
            "Initial temperature [K]": ROOM_TEMPERATURE,
            "Nominal cell capacity [A.h]": electrode.capacity / HOUR,
            "Current function [A]": current,
            "Number of electrodes connected in parallel to make a cell": 1.0,
            "Number of cells connected in series to make a battery": 1.0,
            "Lower voltage cut-off [V]": LOWER + INDIUM,
            "Upper voltage cut-off [V]": UPPER + INDIUM + 1.0,  # the charge is complete: it must not end the discharge
        },
        check_already_exists=False,
    )
    return values


def open_circuit(stoichiometry: Any) -> Any:
    """Open-circuit voltage against lithium: the line of the closed estimate, and steep at either end."""
    line = CHARGED - (CHARGED - PLATEAU_END) * stoichiometry
    ends = -_pybamm().exp(STEEP * (stoichiometry - 0.99)) + _pybamm().exp(-STEEP * (stoichiometry + 0.02))
    return line + ends


def _pybamm() -> Any:
    try:
        import pybamm
    except ImportError:
        raise StudyError("the hand-over needs PyBaMM: pip install 'percoat[cell]'") from None
    return pybamm
