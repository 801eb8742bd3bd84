"""The benchmarks run: small, once, and without a look at the clock."""

import numpy as np
import pytest

from benchmarks import clusters, conduction, packings, scaling, sites, structures, sweeps
from benchmarks.images import CONDUCTIVITIES, labels


@pytest.mark.parametrize("table", [clusters, conduction, packings, scaling, sites, structures, sweeps])
def test_every_row_is_filled(table):
    rows = table.rows(small=True)
    assert len(rows) >= 3
    assert all(row.seconds > 0.0 for row in rows)


@pytest.mark.parametrize("image", CONDUCTIVITIES)
def test_images_hold_the_phases_that_conduct(image):
    assert set(np.unique(labels(image, 32))) == set(CONDUCTIVITIES[image])


def test_some_blobs_are_labelled():
    assert 0.1 < clusters.mask("blobs", 32).mean() < 0.9


def test_the_structures_rows_are_one_cathode():
    built, imaged, resolved = (row.built for row in structures.rows(small=True))
    assert built.primaries == imaged.primaries == resolved.primaries > 0
    assert imaged.voxels == resolved.voxels > built.voxels
