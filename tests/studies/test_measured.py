"""Measured numbers: the error that each carries, and one number that holds for several compositions."""

import io
import math

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from microstructure.errors import StudyError
from studies.measured import USUAL_ERRORS, Measured
from studies.measurements import with_measurements
from studies.quantities import (
    SHOWN,
    check_measured,
    measured_data,
    measured_error,
    measured_numbers,
    measured_text,
    measured_value,
    read_measured,
)
from studies.screening.design import load_screen
from studies.series.comparison import comparison
from studies.series.series_figures import draw_utilisation
from studies.study import load_study, parse_study

SERIES = ["80:20:0", "80:20:0.2", "80:20:0.5", "80:20:3"]
TOGETHER = "80:20:0, 80:20:0.2, 80:20:0.5"


def study_with(measured, **more):
    return parse_study({"title": "t", "compositions": SERIES, "measured": measured} | more)


@pytest.fixture
def study():
    return study_with({"utilisation_electronic": {TOGETHER: ["65 %", "70 %"], "80:20:3": "90 %"}})


@pytest.mark.parametrize(
    ("quantity", "entry", "value", "error"),
    [
        ("utilisation_electronic", "65 % +- 3 %", 0.65, 0.03),  # as given
        ("utilisation_electronic", ["65 %", "70 %"], 0.675, 0.025),  # half the width
        ("threshold_bulk", ["2.57 %", "6.20 %"], 0.04385, 0.01815),
        ("matrix_ionic", "0.7 mS/cm", 0.07, 0.014),  # 20 %
        ("composite_electronic", "0.03 mS/cm", 0.003, 0.0006),
        ("utilisation_electronic", "90 %", 0.9, 0.05),  # 5 points
        ("film_thickness", "150 nm", 150e-9, 15e-9),  # 10 %
        ("mixed_density", "3.94 g/cm3", 3940.0, 39.4),  # 1 %
        ("soft_volume", "31.4 %", 0.314, 0.01),  # 1 point
        ("threshold_bulk", "3 %", 0.03, 0.01),
        ("film_thickness", ["150 nm", "150 nm"], 150e-9, 15e-9),  # no width says nothing of its error
    ],
)
def test_a_measured_number_carries_its_standard_error(quantity, entry, value, error):
    found = read_measured(entry, quantity)
    assert found.value == pytest.approx(value, rel=1e-12)
    assert found.standard_error == pytest.approx(error, rel=1e-9)


def test_a_bound_and_what_was_not_measured_have_no_error():
    study = study_with({"matrix_electronic": {"80:20:0.2": "< 0.01 mS/cm", "80:20:0": "0 mS/cm"}})
    assert measured_value(study, "matrix_electronic", "80:20:0.2").value == 0.001
    for composition in ("80:20:0.2", "80:20:3", "80:20:0"):  # of a zero a share says nothing
        assert math.isnan(measured_error(study, "matrix_electronic", composition))
    assert math.isnan(measured_error(study, "matrix_ionic", "80:20:0"))
    assert math.isnan(Measured(0.5, 0.5).standard_error)


def test_every_quantity_has_a_usual_error_that_says_where_it_is_from():
    assert set(USUAL_ERRORS) == set(SHOWN)
    for quantity, usual in USUAL_ERRORS.items():
        assert 0.0 < usual.of(0.5) <= 0.1, quantity
        assert usual.why.startswith("assumed"), quantity
        assert (usual.relative > 0.0) != (usual.absolute > 0.0)  # one of the two


def test_one_number_holds_for_several_compositions(study):
    check_measured(study)
    for composition in SERIES[:3]:
        assert measured_text(study, "utilisation_electronic", composition) == "65 - 70"
        assert measured_numbers(study, "utilisation_electronic", composition) == ([65.0, 70.0], False)
        assert measured_error(study, "utilisation_electronic", composition) == pytest.approx(0.025)
    assert measured_text(study, "utilisation_electronic", "80:20:3") == "90"
    assert study.measured_entry("utilisation_electronic", "80:20:1") is None


def test_it_counts_once(study):
    first, second = measured_data(study)
    assert first.compositions == ("80:20:0", "80:20:0.2", "80:20:0.5")
    assert first.names[1] == "utilisation_electronic 80:20:0.2"
    assert first.measured == measured_value(study, "utilisation_electronic", "80:20:0.5")
    assert second.names == ("utilisation_electronic 80:20:3",)


def test_the_series_of_the_paper_has_one_utilisation_up_to_half_a_per_cent():
    """About 65 % of all three in one phrase, and 100 mAh/g of 180 mAh/g by 80/100.5 of the mass: 70 %."""
    study = load_study("kissel2026")
    found = [datum for datum in measured_data(study) if datum.quantity == "utilisation_electronic"]
    assert [len(datum.compositions) for datum in found] == [3, 1]
    assert found[0].measured.low == 0.65
    assert found[0].measured.high == pytest.approx(100.0 / (80.0 / 100.5) / 180.0, abs=0.005)
    assert len(measured_data(study)) == 17
    names = {name for datum in measured_data(study) for name in datum.names}
    assert set(study.fitted) <= names


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({TOGETHER: "65 %", "80:20:0.2": "70 %"}, r"\[measured.utilisation_electronic\]: '80:20:0.2' stands twice"),
        ({"80:20:0, 80:20:0": "65 %"}, "'80:20:0' stands twice"),
        ({"80:20:0, 80:20:4": "65 %"}, "unknown composition in .measured.utilisation_electronic.: '80:20:4'"),
        ({"80:20:0,": "65 %"}, "unknown composition"),
        ({"80:20:0 80:20:3": "65 %"}, "unknown composition"),
        ({TOGETHER: "650 %"}, f"'{TOGETHER}': .*100 % at most"),
    ],
)
def test_keys_at_fault_are_named(entries, words):
    with pytest.raises(StudyError, match=words):
        check_measured(study_with({"utilisation_electronic": entries}))


def test_a_screening_refuses_a_composition_that_stands_twice(tmp_path):
    path = tmp_path / "mine.toml"
    twice = '"80:20:0, 80:20:3" = "65 %"\n"80:20:3" = "90 %"\n'
    path.write_text(f'title = "t"\ncompositions = ["80:20:3"]\n[measured.utilisation_electronic]\n{twice}')
    with pytest.raises(StudyError, match="'80:20:3' stands twice"):
        load_screen(str(path))


def test_your_own_measurement_takes_one_composition_out_of_several(study, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("quantity,composition,value,unit\nutilisation_electronic,80:20:0.2,80,%\n")
    changed = with_measurements(study, path)
    check_measured(changed)
    texts = [measured_text(changed, "utilisation_electronic", composition) for composition in SERIES]
    assert texts == ["65 - 70", "80", "65 - 70", "90"]
    compositions = [datum.compositions for datum in measured_data(changed)]
    assert sorted(compositions) == [("80:20:0", "80:20:0.5"), ("80:20:0.2",), ("80:20:3",)]


def summary_of(quantity):
    """What a run would say: 80 % of everything."""
    row = {"quantity": quantity, "setting": "", "unit": "1", "mean": 0.8, "low": 0.7, "high": 0.9, "seeds": 2}
    return pd.DataFrame([row | {"composition": composition} for composition in SERIES])


def test_the_table_has_the_error_beside_the_measured_value(study):
    table = comparison(study, summary_of("utilisation_electronic"))
    assert list(table.columns[-3:]) == ["measured", "error", "role"]
    read = pd.read_csv(io.StringIO(table.to_csv(index=False)))
    rows = read[read["quantity"] == "utilisation_electronic"].set_index("composition")
    assert rows["measured"].tolist() == ["65 - 70", "65 - 70", "65 - 70", "90"]
    assert rows["error"].tolist() == [2.5, 2.5, 2.5, 5.0]  # per cent, as the value
    assert set(rows["role"]) == {"predicted"}
    other = read[read["quantity"] != "utilisation_electronic"]
    assert other["measured"].isna().all()
    assert other["error"].isna().all()


def test_what_is_shared_is_drawn_at_each_of_its_compositions(study):
    figure = plt.figure()
    try:
        draw_utilisation(study, summary_of("utilisation_electronic"), figure)
        lines = [line.get_ydata() for line in figure.axes[0].lines]
    finally:
        plt.close(figure)
    assert sum(list(line) == [65.0, 70.0] for line in lines) == 3
