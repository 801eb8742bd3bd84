"""Your own measurements, from a table: taken in whole, or refused with the row and the column at fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from microstructure.errors import StudyError
from studies.command import app
from studies.measurements import with_measurements
from studies.quantities import check_measured, measured_numbers, measured_value
from studies.study import load_study
from studies.two_scale.calibration import find_targets

HEAD = "quantity,composition,value,unit"


@pytest.fixture(scope="module")
def study():
    return load_study("kissel2026", quick=True)


def written(folder: Path, *rows: str, head: str = HEAD) -> Path:
    path = folder / "mine.csv"
    path.write_text("\n".join((head, *rows)) + "\n", "utf-8")
    return path


def test_values_take_the_place_of_the_studys(study, tmp_path):
    path = written(
        tmp_path,
        "matrix_ionic,80:20:0,0.5,mS/cm,,pellet of May",
        "",
        "matrix_electronic,80:20:0.20,< 0.02,mS/cm,,",
        "matrix_electronic,80:20:3,500,mS/cm,,",
        "threshold_bulk,all,2,%,5,",
        "composite_ionic,80:20:3,2e-4,S/m,,",
        head=HEAD + ",high,source",
    )
    changed = with_measurements(study, path)
    check_measured(changed)
    assert measured_numbers(changed, "matrix_ionic", "80:20:0") == ([0.5], False)
    assert measured_numbers(changed, "matrix_electronic", "80:20:0.2") == ([0.02], True)
    assert measured_numbers(changed, "threshold_bulk", "all") == ([2.0, 5.0], False)
    assert measured_numbers(changed, "composite_ionic", "80:20:3") == ([0.002], False)
    untouched = ("utilisation_electronic", "80:20:3")
    assert measured_numbers(changed, *untouched) == measured_numbers(study, *untouched)
    assert measured_numbers(study, "matrix_ionic", "80:20:0") == ([0.7], False)
    assert find_targets(changed)["cb.neck_conductance"].value == pytest.approx(50.0)


def test_a_spreadsheet_with_semicolons_and_a_byte_order_mark_is_read(study, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("\ufeffquantity; composition; value; unit\r\nmatrix_ionic; 80:20:0; 0.5; mS/cm\r\n", "utf-8")
    assert measured_numbers(with_measurements(study, path), "matrix_ionic", "80:20:0") == ([0.5], False)


GOOD = "matrix_ionic,80:20:0,0.5,mS/cm"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([GOOD, "matrix_ionic,80:20:3,0.5,"], "row 3, column 'unit': the unit is missing.*'mS/cm'"),
        ([GOOD, "matrix_ionic,80:20:3,0.5"], "row 3, column 'unit': the unit is missing"),
        ([GOOD, "matrix_ionic,80:20:3,0,5,mS/cm"], "row 3: more cells than headings; is it a decimal comma"),
        ([GOOD, "matrix_ionic,80:20:3,0.5,nm"], "row 3, column 'unit': 'nm' is no unit of the kind of 'mS/cm'"),
        ([GOOD, "matrix_ionic,80:20:3,-0.5,mS/cm"], "row 3, column 'value': a finite number, zero or more.*'-0.5'"),
        ([GOOD, "matrix_ionic,80:20:3,nan,mS/cm"], "row 3, column 'value'"),
        ([GOOD, "matrix_ionic,80:20:3,,mS/cm"], "row 3, column 'value': a number is wanted"),
        ([GOOD, 'matrix_ionic,80:20:3,"0,5",mS/cm'], "row 3, column 'value': .*write 0.5"),
        (
            [GOOD, 'matrix_ionic,80:20:3,"1,000",mS/cm'],
            "ambiguous: write 1.000 if it marks decimals, 1000 if thousands",
        ),
        ([GOOD, "matrix_ionic,80:20:3,1_000,mS/cm"], "row 3, column 'value': .*without anything between them"),
        ([GOOD, "matrix_ionic,80:20:3,1 000,mS/cm"], "row 3, column 'value': .*without anything between them"),
        ([GOOD, "matrix_ionic,80:20:3,１２,mS/cm"], "row 3, column 'value': a number is wanted"),
        ([GOOD, "matrix_ionic,80:20:3,0x1F,mS/cm"], "row 3, column 'value': a number is wanted"),
        ([GOOD, "matrix_ionic,80:20:3,inf,mS/cm"], "row 3, column 'value': a number is wanted"),
        ([GOOD, "matrix_ionic,80:20:3,1e400,mS/cm"], "row 3, column 'value': .*finite"),
        ([GOOD, "matrix_ionic,80:20:3,5 mS/cm,mS/cm"], "row 3, column 'value': a number is wanted"),
        ([GOOD, "matrix_ionic,80:20:3,0.5 +- 0.1 +- 0.1,mS/cm"], "row 3, column 'value': .*one value and one error"),
        ([GOOD, "matrix_ionic,80:20:3,0.5,5 mS/cm"], "row 3, column 'unit': '5 mS/cm' is no unit"),
        ([GOOD, "matrix_ionic,80:20:3,0.5,MS/cm"], "row 3, column 'unit': 'MS/cm' is no unit"),
        ([GOOD, "utilisation_electronic,80:20:3,140,%"], "row 3, column 'value': .*100 % at most"),
        ([GOOD, "utilisation_electronic,80:20:3,90,1"], "row 3, column 'value': .*100 % at most"),
        ([GOOD, "utilisation_electronic,80:20:3,90,wt%"], "row 3, column 'value': .*share by volume"),
        ([GOOD, "", GOOD], "row 4, column 'composition': matrix_ionic of 80:20:0 stands in row 2 already"),
        ([GOOD, "matrix_ionic,80:20:0.0,0.6,mS/cm"], "row 3, column 'composition'.*row 2 already"),
        (["matrix_ions,80:20:0,0.5,mS/cm"], "row 2, column 'quantity'.*Did you mean 'matrix_ionic'"),
        (["matrix_ionic,70:30:0,0.5,mS/cm"], "row 2, column 'composition'.*unknown composition of the study"),
        (["matrix_ionic,80-20,0.5,mS/cm"], "row 2, column 'composition'"),
    ],
)
def test_a_row_at_fault_is_named(study, tmp_path, rows, message):
    with pytest.raises(StudyError, match=message):
        with_measurements(study, written(tmp_path, *rows))


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("quantity,composition,value", "row 1: the column 'unit' is missing"),
        (HEAD + ",hihg", "row 1: unknown column: 'hihg'. Did you mean 'high'"),
    ],
)
def test_a_heading_at_fault_is_named(study, tmp_path, head, message):
    with pytest.raises(StudyError, match=message):
        with_measurements(study, written(tmp_path, head=head))


def test_an_interval_the_wrong_way_round_is_refused(study, tmp_path):
    path = written(tmp_path, "threshold_bulk,all,5,%,2", head=HEAD + ",high")
    with pytest.raises(StudyError, match="row 2, column 'high': the upper end 2 lies below"):
        with_measurements(study, path)


def test_an_interval_has_plain_ends_below_all_of_it(study, tmp_path):
    for low, high, words in ((2, "140", "'high': .*100 % at most"), (2, "1_0", "'high'"), ("2 +- 1", 5, "'value'")):
        path = written(tmp_path, f"threshold_bulk,all,{low},%,{high}", head=HEAD + ",high")
        with pytest.raises(StudyError, match=f"row 2, column {words}"):
            with_measurements(study, path)


def test_values_with_their_error_and_ratios_without_a_unit(study, tmp_path):
    rows = (
        "matrix_ionic,80:20:0,0.5 +- 0.1,mS/cm",
        "matrix_ionic,80:20:3,4 ± 1,S cm-1",
        "utilisation_ionic,80:20:3,0.9,1",
    )
    changed = with_measurements(study, written(tmp_path, *rows))
    check_measured(changed)
    assert measured_numbers(changed, "matrix_ionic", "80:20:0") == ([0.5], False)
    found = [measured_value(changed, "matrix_ionic", composition) for composition in ("80:20:0", "80:20:3")]
    assert [(one.low, one.error) for one in found] == [(0.05, 0.01), (400.0, 100.0)]
    assert measured_numbers(changed, "utilisation_ionic", "80:20:3") == ([90.0], False)
    assert find_targets(changed)["cb.neck_conductance"].value == pytest.approx(100.0)


def test_an_empty_table_lacks_its_columns(study, tmp_path):
    with pytest.raises(StudyError, match="row 1: the column 'quantity' is missing"):
        with_measurements(study, written(tmp_path, head=""))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b'quantity,composition,value,unit\n"open'])
def test_what_is_no_table_is_one_sentence(study, tmp_path, content):
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    with pytest.raises(StudyError, match="is no table of comma-separated values"):
        with_measurements(study, path)
    with pytest.raises(StudyError, match="cannot read the measurements"):
        with_measurements(study, tmp_path / "none.csv")


@pytest.mark.parametrize("command", ["run", "calibrate"])
def test_the_command_reads_the_table_before_it_computes(tmp_path, command):
    path = written(tmp_path, "matrix_ionic,80:20:0,-1,mS/cm")
    out = ["--out", str(tmp_path / "out")] if command == "run" else []
    done = CliRunner().invoke(app, [command, "kissel2026", "--quick", "--measured", str(path), *out])
    assert isinstance(done.exception, StudyError)
    assert "row 2, column 'value'" in str(done.exception)
    assert not (tmp_path / "out").exists()
