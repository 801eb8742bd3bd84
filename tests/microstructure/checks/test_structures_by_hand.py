"""A structure of which a part was replaced by hand: ids and places that are not there never reach a kernel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from microstructure import Equal, Recipe, build_composite, voxelise
from percolation import measure_thick_limit, measure_utilisation, sweep_carbon
from percolation.utilisation.ions import reach_ions
from transport import effective_conductivity

VOXEL = 0.25e-6


@pytest.fixture(scope="module")
def cell():
    recipe, rng = Recipe.parse("80:20:0.2"), np.random.default_rng(1)
    return build_composite(recipe, porosity=0.35, box=(5e-6,) * 3, voxel_size=VOXEL, sizes=Equal(2e-6), rng=rng)


def with_last(array, value):
    changed = array.copy()
    changed.reshape(-1)[-1] = value
    return changed


@pytest.mark.parametrize(
    ("part", "name", "value", "words"),
    [
        (None, "owners", 30_000, r"owners must lie within -1 and \d+; got 30000"),
        (None, "owners", -2, r"owners must lie within -1 and \d+; got -2"),
        ("cores", "centres", 1e3, r"cores\.centres must lie within"),
        ("cores", "centres", np.nan, r"cores\.centres must lie within"),
        ("cores", "diameters", -1e-6, r"cores\.diameters must lie within"),
        ("carbon", "bond", 10**8, r"carbon\.bond must be -1, or an earlier primary"),
        ("carbon", "aggregate", -1, r"carbon\.aggregate must be ids that rise"),
        ("carbon", "coat", 10**8, r"carbon\.coat must lie within"),
        ("carbon", "centres", np.inf, r"carbon\.centres must lie within"),
    ],
)
@pytest.mark.filterwarnings("ignore:a voxel of .* is larger")
def test_no_door_lets_it_through(cell, part, name, value, words):
    holder = cell if part is None else getattr(cell, part)
    changed = replace(holder, **{name: with_last(getattr(holder, name), value)})
    broken, rng = changed if part is None else replace(cell, **{part: changed}), np.random.default_rng(1)
    doors = [
        lambda: measure_utilisation(broken, rng=rng),
        lambda: measure_thick_limit(broken, rng=rng),
        lambda: sweep_carbon(broken, rng=rng),
        lambda: voxelise(broken, VOXEL, resolve_carbon=True, rng=rng),
    ]
    if part != "carbon":  # without its carbon, an image takes no notice of it
        doors.append(lambda: voxelise(broken, VOXEL))
    if name == "owners":
        sigma = dict.fromkeys(range(5), 1.0)
        doors.append(lambda: reach_ions(broken, np.array([0])))
        doors.append(lambda: effective_conductivity(broken, sigma, interface_resistance={(1, 1): 1.0}))
    for door in doors:
        with pytest.raises(ValueError, match=words):
            door()
