"""Carbon on a single block: what goes round it, what reaches out, and that a wide block is as good as flat."""

import math

import numpy as np
import pytest

from microstructure import Materials, build_library
from microstructure.building_block import coated_core
from percolation import estimate_threshold, sweep_block, sweep_bridges, sweep_coat
from percolation.carbon_paths.block_sweep import HEMISPHERES, _hemispheres, _spread_poles

COAT = 150e-9


@pytest.fixture(scope="module")
def library():
    return build_library(rng=np.random.default_rng(1), count=100)


def test_hemispheres_hold_a_cap_but_not_a_full_circle():
    full = np.uint64(2**HEMISPHERES - 1)
    angles = np.linspace(0, 2 * math.pi, 200, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles), np.zeros(200)], axis=1)
    rng = np.random.default_rng(2)
    for _ in range(20):
        pole = rng.standard_normal(3)
        cap = rng.standard_normal((500, 3))
        cap = cap[cap @ pole > 0.3 * np.linalg.norm(cap, axis=1) * np.linalg.norm(pole)]
        assert np.bitwise_or.reduce(_hemispheres(cap)) != full
        turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        assert np.bitwise_or.reduce(_hemispheres(circle @ turn)) == full
    assert np.abs(_spread_poles(HEMISPHERES).mean(axis=0)).max() < 0.02


def test_the_coat_has_the_thickness_asked_for():
    for thickness in (60e-9, 250e-9):
        block = coated_core(2e-6, thickness, voxel_size=50e-9, materials=Materials.load())
        assert block.coats.thickness == pytest.approx(thickness, rel=1e-9)
        matrix = math.pi / 6 * ((2e-6 + 2 * thickness) ** 3 - 8e-18)
        assert np.count_nonzero(block.labels == 2) * 50e-9**3 == pytest.approx(matrix, rel=2e-3)


@pytest.mark.slow
def test_an_eighth_of_a_block_is_bridged_like_a_flat_window_as_large(library):
    """The first answer of a wrong squeeze was 40 % off here."""
    block = sweep_block(library, diameter=3.3e-6, thickness=COAT, runs=24, rng=np.random.default_rng(3))
    area = math.pi / 8 * 3.3e-6**2
    flat = sweep_bridges(
        library, thickness=COAT, areas=[area], windows=2, runs=48, case="core_to_outside", rng=np.random.default_rng(4)
    ).half_point()
    curved = block.half_point("octants")
    assert curved.low < flat.high
    assert flat.low < curved.high
    assert curved.high / curved.low < 1.6


@pytest.mark.slow
def test_going_round_takes_more_on_larger_blocks_and_ends_at_the_flat_coat(library):
    small, large = (
        sweep_block(library, diameter=diameter, thickness=COAT, runs=12, rng=np.random.default_rng(5)).half_point()
        for diameter in (1e-6, 4e-6)
    )
    flat = estimate_threshold(sweep_coat(library, thickness=COAT, width=4e-6, runs=12, rng=np.random.default_rng(6)))
    assert small.high < large.low
    assert large.value < flat.value
    assert large.value > 0.6 * flat.value


def test_a_block_repeats_itself_and_refuses_what_makes_no_sense(library):
    def once():
        return sweep_block(library, diameter=1e-6, thickness=COAT, runs=2, rng=np.random.default_rng(7))

    one, other = once(), once()
    np.testing.assert_array_equal(one.all_round, other.all_round)
    np.testing.assert_array_equal(one.octants, other.octants)
    assert np.all(one.outward <= one.octants.min(axis=1))
    with pytest.raises(ValueError, match="unknown event"):
        one.half_point("inward")
    with pytest.raises(ValueError, match="thickness"):
        sweep_block(library, diameter=1e-6, thickness=-1.0, runs=2, rng=np.random.default_rng(7))
    with pytest.raises(TypeError, match="rng"):
        sweep_block(library, diameter=1e-6, thickness=COAT, runs=2, rng=7)
