"""What chains of primaries conduct: exact sums of resistances, across two coats and along a periodic cell."""

import numpy as np
import pytest

from microstructure.carbon.placement import Carbon
from percolation.carbon_paths.network import link_carbon
from transport.networks.carbon_resistors import across_conductance, along_conductivity

PRIMARY, RATIO = 40e-9, 0.1
BOX = (2e-6, 2e-6, 2e-6)


def carbon(*chains):
    """Chains of primaries that overlap by a tenth: rows of centres, each cut into aggregates of so many primaries."""
    centres, aggregate, bond = [], [], []
    for row, sizes in chains:
        starts = np.cumsum([0, *sizes[:-1]])
        first = aggregate[-1] + 1 if aggregate else 0
        for place in range(len(row)):
            bond.append(-1 if place in starts else len(centres) - 1)
            aggregate.append(first + int(np.searchsorted(starts, place, side="right")) - 1)
            centres.append(row[place])
    bonds, names = np.array(bond, np.int32), np.array(aggregate, np.int32)
    return Carbon(np.array(centres), names, bonds, np.full(len(bonds), -1, np.int32), PRIMARY, "none")


def straight(count, *, axis=0, at=0.5e-6, pitch=0.9 * PRIMARY):
    """A straight row of centres along an axis."""
    centres = np.full((count, 3), at)
    centres[:, axis] = (np.arange(count) + 0.5) * pitch
    return centres


def across(placed, low, high, ratio=RATIO):
    """Between a core that touches some primaries and one that touches others."""
    faces = np.zeros(placed.count, np.uint8)
    faces[low] |= 1
    faces[high] |= 2
    return across_conductance(link_carbon(placed, box=BOX, periodic=(False, True, True)), faces, ratio)


def test_one_aggregate_between_two_cores_is_its_necks_and_two_touches():
    found = across(carbon((straight(7), [7])), [0], [6])
    assert 1.0 / found.value == pytest.approx(6.0 + 2.0 / RATIO, rel=1e-9)
    np.testing.assert_allclose(found.bridges, [found.value], rtol=1e-9)


@pytest.mark.parametrize("ratio", [0.01, 0.1, 1.0])
def test_a_contact_between_aggregates_counts_as_a_touch(ratio):
    """Nine primaries in aggregates of 4, 3 and 2: six necks, two contacts, two touches."""
    found = across(carbon((straight(9), [4, 3, 2])), [0], [8], ratio)
    assert 1.0 / found.value == pytest.approx(6.0 + 4.0 / ratio, rel=1e-9)


def test_two_chains_are_two_bridges():
    placed = carbon((straight(7), [7]), (straight(9, at=1.0e-6), [4, 3, 2]))
    found = across(placed, [0, 7], [6, 15])
    wanted = [1.0 / (6.0 + 2.0 / RATIO), 1.0 / (6.0 + 4.0 / RATIO)]
    np.testing.assert_allclose(np.sort(found.bridges)[::-1], wanted, rtol=1e-9)
    assert found.value == pytest.approx(sum(wanted), rel=1e-9)


def test_chains_that_meet_are_one_bridge():
    """Two primaries of one chain touch the lower core: the part between them carries nothing of its own."""
    found = across(carbon((straight(5), [5])), [0, 2], [4])
    # 10 ohm, or 10 ohm and two necks, then two necks and 10 ohm
    wanted = 1.0 / (1.0 / 10.0 + 1.0 / 12.0) + 2.0 + 10.0
    assert len(found.bridges) == 1
    assert 1.0 / found.value == pytest.approx(wanted, rel=1e-9)
    assert found.bridges.sum() == pytest.approx(found.value, rel=1e-9)


def test_one_primary_between_two_cores_is_two_touches():
    found = across(carbon((straight(1), [1])), [0], [0])
    assert found.value == pytest.approx(RATIO / 2, rel=1e-9)


def test_dead_ends_and_other_clusters_change_nothing():
    bridge, aside = (straight(7), [7]), (straight(4, at=1.0e-6), [4])
    alone = across(carbon(bridge), [0], [6])
    beside = across(carbon(bridge, aside), [0, 7], [6])
    assert beside.value == pytest.approx(alone.value, rel=1e-9)
    assert len(beside.bridges) == 1


def test_no_bridge_is_exactly_zero():
    half = carbon((straight(7), [7]))
    for low, high in (([], [6]), ([0], []), ([], [])):
        found = across(half, low, high)
        assert found.value == 0.0
        assert found.bridges.size == 0
    apart = across(carbon((straight(4), [4]), (straight(4, at=1.0e-6), [4])), [0], [7])
    assert apart.value == 0.0
    assert apart.bridges.size == 0


def ring(axis, count=20):
    """A chain of two aggregates that closes on itself through a periodic face, in a cell as long as the chain."""
    pitch = 0.9 * PRIMARY
    box = np.full(3, 1e-6)
    box[axis] = count * pitch
    return link_carbon(
        carbon((straight(count, axis=axis), [count // 2, count // 2])), box=tuple(box), periodic=(True,) * 3
    )


@pytest.mark.parametrize("axis", range(3))
def test_a_straight_periodic_chain_has_the_conductivity_of_its_resistances(axis):
    """18 necks and two contacts over the length of the cell; nothing along the other axes."""
    network = ring(axis)
    box = network.box
    resistance = 18.0 + 2.0 / RATIO
    wanted = box[axis] / resistance / (np.prod(box) / box[axis])
    found = [along_conductivity(network, RATIO, axis=direction) for direction in range(3)]
    assert found[axis] == pytest.approx(wanted, rel=1e-9)
    assert [value for direction, value in enumerate(found) if direction != axis] == [0.0, 0.0]


def test_a_chain_that_does_not_close_conducts_nothing():
    placed = carbon((straight(19), [10, 9]))
    network = link_carbon(placed, box=(20 * 0.9 * PRIMARY, 1e-6, 1e-6), periodic=(True,) * 3)
    assert along_conductivity(network, RATIO, axis=0) == 0.0


def test_no_carbon_conducts_nothing():
    nothing = Carbon(np.empty((0, 3)), *(np.empty(0, np.int32) for _ in range(3)), PRIMARY, "none")
    network = link_carbon(nothing, box=BOX, periodic=(True,) * 3)
    assert along_conductivity(network, RATIO, axis=1) == 0.0
    assert across_conductance(network, np.empty(0, np.uint8), RATIO).value == 0.0
