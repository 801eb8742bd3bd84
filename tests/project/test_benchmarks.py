"""The benchmarks run: small, once, and without a look at the clock."""

from functools import cache

import numpy as np
import pytest

from benchmarks import clusters, conduction, electrode, packings, scaling, sites, structures, sweeps
from benchmarks.images import CONDUCTIVITIES, labels
from benchmarks.tables import show

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rows_of():
    return cache(lambda table: table.rows(small=True))


@pytest.mark.parametrize("table", [clusters, conduction, packings, scaling, sites, structures, sweeps])
def test_every_row_is_filled(table, rows_of):
    rows = rows_of(table)
    assert len(rows) >= 2
    assert all(row.seconds > 0.0 for row in rows)
    size = (conduction.SMALL,) if table is conduction else ()
    assert all(isinstance(text, str) for row in rows for text in table.cells(row, *size))


@pytest.mark.parametrize("image", CONDUCTIVITIES)
def test_images_hold_the_phases_that_conduct(image):
    assert set(np.unique(labels(image, 32))) == set(CONDUCTIVITIES[image])


def test_a_table_shows_its_units(capsys):
    show("what", ("time [s]", "size"), [["1.0", "2^3"]])
    assert "time [s]" in capsys.readouterr().out


def test_the_electrode_is_solved_between_plates_along_every_axis():
    rows = electrode.rows(np.where(labels("blobs", 24) == 1, 85, electrode.PORE))
    assert [row.found.periodic for row in rows] == [(False, False, False)] * 3
    assert all(isinstance(text, str) for row in rows for text in electrode.cells(row))


def test_some_blobs_are_labelled():
    assert 0.1 < clusters.mask("blobs", 32).mean() < 0.9


def test_the_structures_rows_are_one_cathode(rows_of):
    built, imaged, resolved = (row.built for row in rows_of(structures))
    assert built.primaries == imaged.primaries == resolved.primaries > 0
    assert imaged.voxels == resolved.voxels > built.voxels
