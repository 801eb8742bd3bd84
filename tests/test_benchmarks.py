"""The benchmarks run: small, once, and without a look at the clock."""

import pytest

from benchmarks import clusters, conduction, packings, scaling, sites, structures


@pytest.mark.parametrize("table", [clusters, conduction, packings, scaling, sites, structures])
def test_every_row_is_filled(table):
    rows = table.rows(small=True)
    assert len(rows) >= 2
    assert all(row.seconds > 0.0 for row in rows)


def test_the_structures_rows_are_one_cathode():
    built, imaged, resolved = (row.built for row in structures.rows(small=True))
    assert built.primaries == imaged.primaries == resolved.primaries > 0
    assert imaged.voxels == resolved.voxels > built.voxels
