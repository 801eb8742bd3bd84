"""The mass columns of the chart: whose electrolyte and carbon they are for."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from studies.chart.chart_densities import find_densities
from studies.chart.chart_report import interval_text, reading_texts
from studies.chart.threshold_chart import SCALES, Chart, Reading, with_scales


@pytest.fixture(scope="module")
def shipped():
    return Chart.load()


def test_masses_are_those_of_the_densities_given(shipped):
    """README's own electrolyte, argyrodite of 1.86 g/cm3: 2.59 / 1.86 times the carbon per electrolyte."""
    usual, own = with_scales(shipped), with_scales(shipped.with_densities(find_densities(se="1.86 g/cm3")))
    column = f"{SCALES[1]}, value [%]"
    ratio = pd.to_numeric(own[column], errors="coerce") / pd.to_numeric(usual[column], errors="coerce")
    np.testing.assert_allclose(ratio.dropna(), 2.59 / 1.86, rtol=1e-2)  # four digits of the smallest are written
    assert float(own[column][0]) == pytest.approx(float(usual[column][0]) * 2.59 / 1.86, rel=1e-4)
    pd.testing.assert_series_equal(own[f"{SCALES[0]}, value [%]"], usual[f"{SCALES[0]}, value [%]"])
    for table, name, density in ((usual, "Li3InCl6", 2.59), (own, "SE", 1.86)):
        assert set(table["SE"]) == {name}
        assert set(table["SE density [g/cm3]"]) == {density}
        assert set(table["CB density [g/cm3]"]) == {1.96}


def test_densities_come_from_a_study_too(shipped, percoat, tmp_path):
    study = Path(__file__).parents[2] / "data" / "tiny.toml"
    found = find_densities(str(study))
    assert shipped.with_densities(found).materials["se.density"] == 1860.0
    other = find_densities(str(study), se="2 g/cm3", cb="1.8 g/cm3")
    assert shipped.with_densities(other).materials["se.density"] == 2000.0
    done = percoat("threshold", "--thickness", "150 nm", "--study", study, folder=tmp_path)
    assert "by mass: for Li6PS5Cl 1.86 g/cm3 and Super C65 1.96 g/cm3" in done.out
    text = study.read_text().replace("[materials.se]", '[materials.cb]\naggregate_diameter = "200 nm"\n[materials.se]')
    (tmp_path / "mine.toml").write_text(text)
    done = percoat("threshold", "--thickness", "150 nm", "--study", "mine.toml", folder=tmp_path)
    assert "of mine.toml the densities count alone: the chart has its own cb.aggregate_diameter" in done.out
    done = percoat("threshold", "--thickness", "150 nm", "--cb-density", "1.9 g/cm3", folder=tmp_path)
    assert "by mass: for Li3InCl6 2.59 g/cm3 and CB 1.9 g/cm3" in done.out


def test_a_mass_ratio_may_be_more_than_all(shipped):
    """Of 60 vol% carbon: 1.5 of it to 1 of electrolyte by volume, 1.135 by mass."""
    reading = Reading("in_plane", "", 0.0, 0.6, 0.5, 0.999, between=False)
    volume, ratio, mass = reading_texts(reading, shipped.materials)
    assert volume == "60 (50 - 99.9)"
    assert ratio.startswith("114 (75.7 - ")
    assert mass.startswith("53.2 (43.1 - ")
    assert interval_text(0.9, 0.8, 1.3) == "90 (80 - 100)"
    assert interval_text(1.0, 0.8, 1.3) == "out of reach"
