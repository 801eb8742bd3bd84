"""Every example runs; the one of the README is the file in `examples/`."""

import runpy
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def test_how_much_carbon(capsys):
    found = runpy.run_path(str(ROOT / "examples" / "how_much_carbon.py"))
    lines = capsys.readouterr().out.splitlines()
    assert [line[:18].strip() for line in lines] == ["bulk pellet", "along the coat", "from core to core"]
    assert found["bulk"].value < found["along"].value
    assert 0.02 < found["bulk"].value < 0.08


def test_one_cathode(capsys):
    found = runpy.run_path(str(ROOT / "examples" / "one_cathode.py"))
    assert len(capsys.readouterr().out.splitlines()) == 6
    assert found["coats"].coverage > 0.85
    assert (found["folder"] / "cathode.vti").exists()


def test_conductivity_of_an_image(capsys):
    found = runpy.run_path(str(ROOT / "examples" / "conductivity_of_an_image.py"))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 9
    assert found["found"].converged
    assert found["spots"].power_share >= 0.5
    assert lines[-3].endswith(lines[0].split(";")[0])  # the sweep begins with what the first solve found


def test_conductivity_of_a_tomogram(capsys):
    found = runpy.run_path(str(ROOT / "examples" / "conductivity_of_a_tomogram.py"))["found"]
    text = capsys.readouterr().out
    assert [line[:8] for line in text.splitlines()[:3]] == ["along x:", "along y:", "along z:"]
    assert found.periodic == (False, False, False)
    assert "plates along z, closed along x and y" in text


def test_the_readme_shows_the_examples_as_they_are():
    readme, examples = (ROOT / "README.md").read_text(), ROOT / "examples"
    assert (examples / "how_much_carbon.py").read_text().split("import numpy", 1)[1].strip() in readme
    image = (examples / "conductivity_of_an_image.py").read_text()
    assert image[image.index("found = ") : image.index('print(f"flux')].strip() in readme
    tomogram = (examples / "conductivity_of_a_tomogram.py").read_text()
    assert tomogram[tomogram.index("image, voxel") : tomogram.index("    share, factor")].strip() in readme
    cathode = (examples / "one_cathode.py").read_text()
    assert cathode[cathode.index("cell = ") : cathode.index("areas =")].strip() in readme
