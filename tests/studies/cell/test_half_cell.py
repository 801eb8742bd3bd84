"""The hand-over to PyBaMM, read back: effective numbers stay what they are, and the current is the cell's."""

import math

import numpy as np
import pytest

from microstructure.errors import StudyError
from microstructure.recipe import Recipe
from studies.cell.half_cell import Electrode, discharge, half_cell_parameters
from studies.cell.rate import FROM_COLLECTOR, HOUR, electronic_path, estimate_capacity

pybamm = pytest.importorskip("pybamm")
AREA = 0.25 * math.pi * 10e-3**2


def electrode(utilisation=0.65, electronic=0.02, ionic=0.004, recipe="80:20:0.5", feeding=None):
    own = Recipe.parse(recipe)
    length = 15e-6 / (AREA * own.mixed_density * 0.9)
    return Electrode(own, utilisation, electronic, ionic, 5e5, length, 15e-6 / AREA, feeding=feeding)


def test_current_is_that_of_all_active_material_and_capacity_that_of_what_is_reached():
    cell = electrode()
    values = half_cell_parameters(cell, 0.5)
    mass = 15e-6 * 80 / 100.5
    assert values["Current function [A]"] == pytest.approx(0.5 * mass * 200.0)  # 200 A/kg is 1C
    volume = values["Positive electrode active material volume fraction"] * cell.length * AREA
    assert volume * 4750.0 == pytest.approx(0.65 * mass)
    stored = values["Maximum concentration in positive electrode [mol.m-3]"] * volume * 96485.33
    assert stored == pytest.approx(0.65 * mass * 200.0 * 3600.0, rel=1e-6)


def test_conductivities_are_not_corrected_again():
    cell = electrode()
    values = half_cell_parameters(cell, 1.0)
    geometry = {"Positive electrode porosity", "Separator porosity"}
    assert all(0.0 < values[name] <= 1.0 for name in geometry)
    for part in (
        "Positive electrode Bruggeman coefficient (electrolyte)",
        "Separator Bruggeman coefficient (electrolyte)",
    ):
        assert values[part] == 0.0
    model = pybamm.lithium_ion.DFN({"working electrode": "positive"})
    solution = pybamm.Simulation(model, parameter_values=values).solve([0.0, 30.0])
    # beside the separator all current is ionic: the gradient is Ohm's law with the number given, uncorrected
    density = values["Current function [A]"] / AREA
    x = solution["x_p [m]"].entries[:, 0]
    slope = np.gradient(solution["Positive electrolyte potential [V]"].entries[:, -1], x)[0]
    assert abs(slope) == pytest.approx(density / cell.ionic, rel=0.1)


@pytest.mark.parametrize("c_rate", [0.1, 1.0])
def test_where_ions_conduct_well_both_levels_agree(c_rate):
    cell = electrode()
    closed = estimate_capacity(
        cell.recipe,
        c_rate=c_rate,
        utilisation=cell.utilisation,
        electronic=cell.electronic,
        ionic=cell.ionic,
        loading=cell.loading,
        length=cell.length,
    )
    found = discharge(cell, c_rate)
    assert found.capacity == pytest.approx(closed.capacity, rel=0.05)
    assert 0 < found.ionic_drop < 2.0 * closed.ionic_drop


def test_what_electrons_reach_works_where_they_do_not_span():
    """As an even cathode of the conductivity of the feeding; the closed estimate obeys the same rule."""
    cell, even = electrode(0.1, 0.0, feeding=0.002), electrode(0.1, 0.002)
    found, plain = discharge(cell, 1.0), discharge(even, 1.0)
    assert (found.capacity, found.electronic_drop) == (plain.capacity, plain.electronic_drop)
    assert found.electronic_drop > 0.0
    assert (found.remark, plain.remark) == (FROM_COLLECTOR, "")
    assert cell.electronic_path == electronic_path(0.0, 0.002)
    assert half_cell_parameters(cell, 1.0)["Positive electrode conductivity [S.m-1]"] == 0.002


def test_what_is_not_reached_or_not_fed_gives_nothing():
    for cell in (electrode(0.0, 0.0), electrode(0.5, 0.02, 0.0), electrode(0.5, 0.0, feeding=0.0)):
        assert discharge(cell, 0.1).capacity == 0.0


def test_electrons_that_neither_span_nor_say_what_they_lose_are_refused():
    with pytest.raises(StudyError, match=r"electronic loss not counted; give the electrode .* feeding="):
        discharge(electrode(0.1, 0.0), 0.1)


def test_where_ions_conduct_badly_the_capacity_collapses():
    slow, fast = (discharge(electrode(0.9, 0.18, 0.0006, "80:20:3"), rate).capacity / HOUR for rate in (0.1, 1.0))
    assert slow > 125
    assert fast < 0.7 * slow
