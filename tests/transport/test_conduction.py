"""The voxel solver against known answers, and against laws that any medium obeys."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from microstructure.errors import BoundsError, ConvergenceError
from transport import Bounds, bounds, effective_conductivity, sweep_conductivities
from transport import conduction as conduction_module
from transport.voxels.image import parse_image

CELL = (True, True, True)
PLATES = (False, True, True)
WALLS = (False, False, False)
AXES = (0, 1, 2)


def ranked(shape, centre):
    """Share of the voxels that are closer to a point than each voxel: `< f` is a ball of volume fraction f exactly."""
    square = 0.0
    for axis, (size, shift) in enumerate(zip(shape, centre, strict=True)):
        line = np.arange(size) + 0.5 - size / 2 - shift
        square = square + np.expand_dims(line**2, [a for a in range(len(shape)) if a != axis])
    order = np.empty(square.size)
    order[np.argsort(square, axis=None, kind="stable")] = np.arange(square.size)
    return order.reshape(shape) / square.size


def random_medium(shape, seed, fractions=(0.4, 0.3, 0.3)):
    return np.random.default_rng(seed).choice(len(fractions), size=shape, p=fractions).astype(np.uint8)


# known answers


@pytest.mark.parametrize("periodic", [CELL, PLATES, WALLS])
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 4, 3), (6, 1, 2), (5, 4, 3), (2, 2, 2)])
def test_uniform_block_is_its_conductivity_exactly(shape, periodic):
    for axis, value in itertools.product(AXES, (49.0, 1.0 / 3.0, 7e-12)):
        result = effective_conductivity(np.full(shape, 3), {3: value}, 1e-7, axis, periodic)
        assert result.value == value
        assert result.percolates
        assert result.converged


def test_uniform_block_of_two_equal_phases_goes_through_the_solver():
    labels = random_medium((5, 6, 7), 1, (0.5, 0.5))
    for axis, periodic in itertools.product(AXES, (CELL, PLATES, WALLS)):
        result = effective_conductivity(labels, {0: 0.3, 1: 0.3}, (1e-7, 2e-7, 5e-8), axis, periodic)
        assert result.flux_in == pytest.approx(0.3, rel=1e-12)
        assert result.flux_out == pytest.approx(0.3, rel=1e-12)


@pytest.mark.parametrize("periodic", [CELL, PLATES, WALLS])
@pytest.mark.parametrize("normal", AXES)
def test_layers_give_the_arithmetic_and_the_harmonic_mean(normal, periodic):
    values = {0: 1.0, 1: 1e-6, 2: 49.0}
    order = np.array([0, 1, 1, 2, 0, 2, 1])
    labels = np.moveaxis(np.broadcast_to(order[:, None, None], (7, 4, 3)), 0, normal)
    layers = np.array([values[k] for k in order])
    for axis in AXES:
        expected = 1.0 / np.mean(1.0 / layers) if axis == normal else layers.mean()
        result = effective_conductivity(labels, values, (1e-7, 3e-7, 2e-7), axis, periodic)
        assert result.value == pytest.approx(expected, rel=1e-8)


def test_checkerboard_approaches_the_square_root_of_ten_from_below():
    values = []
    for cell in (16, 32, 64):
        x, y = np.indices((2 * cell, 2 * cell)) // cell
        labels = ((x + y) % 2)[:, :, None]
        values.append(effective_conductivity(labels, {0: 1.0, 1: 10.0}, 1.0, 0, CELL).value)
    assert values[0] < values[1] < values[2] < np.sqrt(10.0)
    assert values[2] == pytest.approx(3.08, abs=0.01)


def test_square_array_of_cylinders():
    labels = (ranked((128, 128), (0.31, 0.17)) < 0.5).astype(int)
    for thin in AXES:
        axis = (thin + 1) % 3
        image = np.expand_dims(labels, thin)
        result = effective_conductivity(image, {0: 1.0, 1: 10.0}, 1e-8, axis, CELL)
        assert result.value == pytest.approx(2.4155, rel=0.01)


@pytest.mark.parametrize(("fraction", "expected"), [(0.3, 1.8877), (0.4, 2.3644)])
def test_simple_cubic_spheres(fraction, expected):
    labels = (ranked((32, 32, 32), (0.31, 0.17, -0.23)) < fraction).astype(np.uint8)
    result = effective_conductivity(labels, {0: 1.0, 1: 10.0}, 1e-8, 1, CELL)
    assert result.value == pytest.approx(expected, rel=0.01)


def test_insulating_spheres_carry_a_first_order_staircase_error_that_extrapolates():
    coarse, fine = (
        effective_conductivity(
            (ranked((n,) * 3, (0.31, 0.17, -0.23)) < 0.3).astype(int), {0: 1.0, 1: 0.0}, 1.0, 2, CELL
        ).value
        for n in (20, 40)
    )
    assert 0.94 < coarse / 0.6057 < fine / 0.6057 < 0.99
    assert 2.0 * fine - coarse == pytest.approx(0.6057, rel=0.01)


def test_neutral_coated_spheres_leave_their_host_as_it_is():
    def solved(n):
        nearest = ranked((n,) * 3, (0.31, 0.17, -0.23))
        labels = (nearest < 0.3).astype(int) + (nearest < 0.3 * 0.6454)
        return effective_conductivity(labels, {0: 0.2681, 1: 1.0, 2: 0.0}, 1.0, 0, CELL).value

    coarse, fine = solved(24), solved(48)
    assert coarse < fine < 0.2681  # staircase error, first order: -7 % and -3.5 %
    assert 2.0 * fine - coarse == pytest.approx(0.2681, rel=0.02)


@pytest.mark.parametrize(("share", "expected"), [(0.8, 0.560), (0.6, 0.228)])
def test_site_diluted_lattice(share, expected):
    values = []
    for seed in range(6):
        labels = (np.random.default_rng(seed).random((28, 28, 28)) < share).astype(np.uint8)
        values.append(effective_conductivity(labels, {0: 0.0, 1: 1.0}, 1.0, seed % 3, WALLS).value)
    assert np.mean(values) == pytest.approx(expected, rel=0.03)
    assert abs(np.mean(values) - share) > 0.1  # negative control: the volume fraction is not the answer


# laws


@pytest.mark.parametrize("periodic", [CELL, PLATES, WALLS])
@pytest.mark.parametrize("axis", AXES)
def test_flux_is_equal_through_every_plane_and_bounds_hold(axis, periodic):
    labels = random_medium((14, 12, 13), axis)
    result = effective_conductivity(labels, {0: 0.0, 1: 1.0, 2: 300.0}, 1e-7, axis, periodic, tolerance=1e-8)
    assert len(result.plane_flux) == labels.shape[axis] + (not periodic[axis])
    np.testing.assert_allclose(result.plane_flux, result.value, rtol=2e-8)
    assert result.imbalance < 2e-8
    # the link that ties a periodic cell to the ground carries a little of what is lost
    assert result.imbalance == pytest.approx(result.residuals[-1], rel=1e-3, abs=1e-9 if periodic[axis] else 1e-12)
    assert 0.0 <= 1.0 - result.bracket.lower / result.value <= 1e-8
    fractions = np.bincount(labels.ravel()) / labels.size
    assert result.bounds.upper == pytest.approx(bounds(fractions, [0.0, 1.0, 300.0]).upper, rel=1e-12)
    assert result.bounds.lower <= result.value <= result.bounds.upper


def test_no_voxels_increase_lowers_the_result():
    labels = random_medium((6, 6, 6), 5)
    for axis, periodic in itertools.product(AXES, (CELL, PLATES)):
        before = effective_conductivity(labels, {0: 0.01, 1: 1.0, 2: 10.0}, 1.0, axis, periodic, tolerance=1e-11).value
        for place in np.argwhere(labels < 2)[:: 29 + axis]:
            better = labels.copy()
            better[tuple(place)] += 1
            after = effective_conductivity(
                better, {0: 0.01, 1: 1.0, 2: 10.0}, 1.0, axis, periodic, tolerance=1e-11
            ).value
            assert after >= before * (1.0 - 1e-12)


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0), (1, 2, 0)])
def test_turned_image_conducts_the_same_along_the_turned_axis(order):
    labels = random_medium((6, 7, 8), 8)
    h = np.array([1e-7, 2e-7, 3e-7])
    values = {0: 0.0, 1: 1.0, 2: 30.0}
    for axis in AXES:
        turned = effective_conductivity(labels.transpose(order), values, h[list(order)], order.index(axis), WALLS)
        assert turned.value == pytest.approx(effective_conductivity(labels, values, h, axis, WALLS).value, rel=1e-8)
        mirrored = effective_conductivity(np.flip(labels, axis), values, h, axis, PLATES)
        assert mirrored.value == pytest.approx(effective_conductivity(labels, values, h, axis, PLATES).value, rel=1e-8)


def test_conductivity_scales_and_voxel_size_does_not_matter():
    labels = random_medium((8, 8, 8), 3)
    one = effective_conductivity(labels, {0: 0.0, 1: 1.0, 2: 5.0}, 1.0).value
    tiny = effective_conductivity(labels, {0: 0.0, 1: 1e-15, 2: 5e-15}, 1e-9).value
    assert tiny == pytest.approx(1e-15 * one, rel=1e-8)


@pytest.mark.parametrize("contrast", [1e15, 1e18, 1e22, 1e26, 1e29])
def test_what_hardly_conducts_is_right_or_refused(contrast):
    """Sixty percent conduct well: below 1e-12 of them the rest no longer matters."""
    labels = random_medium((16, 16, 16), 2, (0.4, 0.3, 0.3))
    found = effective_conductivity(labels, {0: 1.0 / contrast, 1: 1e-3, 2: 1.0}, 1.0).value
    assert found == pytest.approx(effective_conductivity(labels, {0: 0.0, 1: 1e-3, 2: 1.0}, 1.0).value, rel=2e-6)
    with pytest.raises(ValueError, match=r"alike to a factor of 1e\+30; got 1.0e-36"):
        effective_conductivity(labels, {0: 1e-36, 1: 1e-3, 2: 1.0}, 1.0)


@pytest.mark.parametrize("contrast", [1e16, 1e17, 1e20])
def test_a_contrast_lost_to_rounding_ends_in_a_sentence_or_in_its_bracket(contrast):
    labels = np.array([[[0, 0, 1, 1]]])
    found = effective_conductivity(labels, {0: 1.0 / contrast, 1: 1.0}, 1.0, 2, strict=False)
    exact = 4.0 / (2.0 * contrast + 2.0)
    assert found.bracket.lower * (1 - 1e-9) <= exact <= found.bracket.upper * (1 + 1e-9)


@pytest.mark.parametrize("periodic", [CELL, PLATES])
def test_contrast_of_1e12_is_certified(periodic):
    grains = np.random.default_rng(2).random((6, 6, 6)) < 0.2
    labels = np.kron(grains, np.ones((3, 3, 3))).astype(np.uint8)
    for low, high in ((1e-9, 1e3), (1e-12, 1.0)):
        result = effective_conductivity(labels, {0: low, 1: high}, 1e-7, 0, periodic, tolerance=1e-8)
        assert result.converged
        assert result.imbalance < 2e-8
        modest = effective_conductivity(labels, {0: low, 1: 1e6 * low}, 1e-7, 0, periodic)
        if modest.value < 1e3 * low:  # grains that do not join: their own conductivity no longer matters
            assert result.value == pytest.approx(modest.value, rel=1e-4)


def test_same_input_same_bytes():
    labels = random_medium((20, 20, 20), 4)
    first, second = (effective_conductivity(labels, {0: 0.0, 1: 1.0, 2: 50.0}, 1e-7) for _ in range(2))
    assert first.residuals == second.residuals
    assert first.value == second.value


# inputs


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", ">i4", "i8"])
def test_layout_and_kind_of_integer_do_not_matter(dtype):
    plain = random_medium((6, 5, 4), 6)
    expected = effective_conductivity(plain, {0: 0.0, 1: 1.0, 2: 7.0}, 1.0, 1).value
    padded = np.zeros((12, 5, 8), dtype)
    padded[::2, :, ::2] = plain
    frozen = plain.astype(dtype)
    frozen.setflags(write=False)
    for labels in (np.asfortranarray(plain.astype(dtype)), padded[::2, :, ::2], frozen):
        before = labels.copy()
        assert effective_conductivity(labels, {0: 0.0, 1: 1.0, 2: 7.0}, 1.0, 1).value == expected
        np.testing.assert_array_equal(labels, before)


@pytest.mark.parametrize("size", [1, 7, 50, 10**6])
@pytest.mark.parametrize("shape", [(9, 5, 4), (1, 30, 6), (3, 2, 40), (120, 1, 1)])
def test_images_are_read_in_pieces_of_any_size(shape, size, monkeypatch):
    labels = np.random.default_rng(size).choice(np.array([3, 70, 900]), shape)
    monkeypatch.setattr("transport.voxels.image.SLAB", size)
    image = parse_image(labels, {3: 1.0, 70: 2.0, 900: 3.0}, 1.0, WALLS, None, None)
    np.testing.assert_array_equal(np.array([3, 70, 900])[image.phases], labels)
    np.testing.assert_array_equal(image.amounts, [np.sum(labels == label) for label in (3, 70, 900)])


GOOD = {"labels": np.ones((3, 3, 3), int), "conductivity": {1: 1.0}, "voxel_size": 1e-7}


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"conductivity": {0: 1.0}}, ValueError, "label 1 has no conductivity"),
        ({"conductivity": {1: float("nan")}}, ValueError, "conductivity of label 1"),
        ({"conductivity": {1: 1.0, 2: -1.0}}, ValueError, "conductivity of label 2"),
        ({"conductivity": {1: float("inf")}}, ValueError, "finite"),
        ({"conductivity": {1: 10**400}}, ValueError, "finite"),
        ({"conductivity": {1: 1e-310}}, ValueError, "alike to a factor of"),
        ({"voxel_size": 1e200}, ValueError, "alike to a factor of"),
        ({"voxel_size": (1e-7, 1.0, 1e9)}, ValueError, "not so long"),
        ({"labels": np.ma.masked_equal(np.ones((3, 3, 3), int), 1)}, TypeError, "labels must be a plain array"),
        ({"start": np.ma.masked_equal(np.ones((3, 3, 3)), 1)}, TypeError, "start must be a plain array"),
        ({"conductivity": {1: "0.7 mS/cm"}}, TypeError, "number in S/m"),
        ({"conductivity": {1.5: 1.0}}, TypeError, "integer labels"),
        ({"conductivity": [1.0]}, TypeError, "must map each label"),
        ({"labels": np.ones((3, 3, 3))}, TypeError, "must be integers"),
        ({"labels": np.ones((3, 3, 3), bool)}, TypeError, "must be integers"),
        ({"labels": np.ones((3, 3), int)}, ValueError, "3D"),
        ({"labels": np.ones((3, 0, 3), int)}, ValueError, "at least one voxel"),
        ({"axis": 3}, ValueError, "axis"),
        ({"axis": -1}, ValueError, "axis"),
        ({"axis": 0.0}, TypeError, "axis"),
        ({"axis": "x"}, TypeError, "axis"),
        ({"periodic": (True, True)}, ValueError, "periodic"),
        ({"periodic": True}, TypeError, "periodic"),
        ({"voxel_size": 0.0}, ValueError, "voxel_size"),
        ({"voxel_size": (1e-7, 1e-7)}, ValueError, "voxel_size"),
        ({"voxel_size": float("nan")}, ValueError, "voxel_size"),
        ({"voxel_size": "100 nm"}, TypeError, "voxel_size"),
        ({"tolerance": 0.0}, ValueError, "tolerance"),
        ({"tolerance": float("nan")}, ValueError, "tolerance"),
        ({"max_iterations": 0}, ValueError, "max_iterations"),
        ({"interface_resistance": {(1, 2): 1.0}}, ValueError, "label 2"),
        ({"interface_resistance": {(1, 1): -1.0}}, ValueError, "zero or more"),
        ({"interface_resistance": {(1, 1): float("nan")}}, ValueError, "zero or more"),
        ({"interface_resistance": {(1, 1): 1.0}}, ValueError, "needs blocks="),
        ({"interface_resistance": {1: 1.0}}, TypeError, "pairs of labels"),
        ({"blocks": np.ones((3, 3, 2), int)}, ValueError, "shape of labels"),
        ({"blocks": np.ones((3, 3, 3))}, TypeError, "blocks must be integers"),
    ],
)
def test_wrong_arguments_are_refused(change, kind, message):
    with pytest.raises(kind, match=message):
        effective_conductivity(**(GOOD | change))


def test_not_converged_is_an_exception_with_the_partial_result():
    labels = random_medium((16, 16, 16), 9)
    options = {"conductivity": {0: 1e-4, 1: 1.0, 2: 100.0}, "voxel_size": 1.0, "max_iterations": 1}
    with pytest.raises(ConvergenceError, match="did not converge") as caught:
        effective_conductivity(labels, **options)
    partial = effective_conductivity(labels, **options, strict=False)
    assert not partial.converged
    assert caught.value.best.value == partial.value
    assert np.isfinite(caught.value.best.potential).all()
    with pytest.raises(ConvergenceError, match="residual") as caught:
        sweep_conductivities(labels, [{0: 1.0, 1: 1.0, 2: 1.0}, options["conductivity"]], 1.0, max_iterations=1)
    assert np.isfinite(caught.value.best.potential).all()
    assert "NOT CONVERGED" in str(partial)
    full = effective_conductivity(labels, options["conductivity"], 1.0)
    assert partial.value >= full.value  # the power of any potential is too high, never too low
    assert partial.bracket.lower <= full.value <= partial.bracket.upper
    assert "NOT CONVERGED" not in str(full)


def test_a_2d_image_is_told_how_to_become_one():
    flat = random_medium((12, 10), 1)
    with pytest.raises(ValueError, match=r"by \[:, :, None\]"):
        effective_conductivity(flat, {0: 1.0, 1: 2.0, 2: 3.0}, 1.0)
    thin = effective_conductivity(flat[:, :, None], {0: 1.0, 1: 2.0, 2: 3.0}, 1.0).value
    thick = effective_conductivity(np.repeat(flat[:, :, None], 3, axis=2), {0: 1.0, 1: 2.0, 2: 3.0}, 1.0).value
    assert thin == pytest.approx(thick, rel=1e-8)


def test_result_outside_its_bounds_is_a_fault(monkeypatch):
    monkeypatch.setattr(conduction_module, "_wiener_bounds", lambda image: Bounds(0.0, 0.5))
    with pytest.raises(BoundsError, match="outside its Wiener bounds"):
        effective_conductivity(np.ones((2, 2, 2), int), {1: 1.0}, 1.0)


@pytest.mark.parametrize("axis", AXES)
def test_tortuosity_factor_and_connected_share_of_channels(axis):
    """Straight pores, and as many that end in the middle."""
    labels = np.zeros((8, 4, 4), np.uint8)
    labels[:, 0::2, :] = 1
    labels[4:, 2, :] = 0
    labels[4:5, 0, :] = 1
    turned = np.moveaxis(labels, (0, 1, 2), np.roll((0, 1, 2), -axis))
    direction = int(np.roll((0, 1, 2), -axis)[0])
    found = effective_conductivity(turned, {0: 0.0, 1: 5.0}, 1.0, direction)
    assert found.value == pytest.approx(5.0 * 4 / 16)
    assert found.tortuosity_factor == pytest.approx(labels.mean() * 5.0 / found.value)
    assert found.connected == {1: pytest.approx(32 / 48)}
    assert found.isotropic_bounds.upper < found.bounds.upper
    assert effective_conductivity(turned, {0: 0.0, 1: 0.0}, 1.0, direction).tortuosity_factor == np.inf


def test_slanted_channel_has_the_square_of_its_length_as_tortuosity_factor():
    """A thin layer at 45 degrees in a periodic cell: sqrt(2) squared; its staircase has steps of one voxel."""
    edge, thick = 48, 6
    x, y = np.indices((edge, edge))
    layer = ((x + y) % edge < thick).astype(np.uint8)[:, :, None]
    found = effective_conductivity(layer, {0: 0.0, 1: 1.0}, 1.0, 0, (True, True, True))
    assert found.tortuosity_factor == pytest.approx(2.0, rel=0.25)


def test_thousands_of_labels_need_no_more_than_their_conductivities():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3000, (16, 14, 12)).astype(np.uint16)
    labels.ravel()[:3000] = np.arange(3000)[: labels.size]
    values = {label: (0.0, 1.0, 20.0)[label % 3] for label in range(3000)}
    few = (labels % 3).astype(np.uint8)
    expected = effective_conductivity(few, {0: 0.0, 1: 1.0, 2: 20.0}, 1.0)
    found = effective_conductivity(labels, values, 1.0)
    assert found.value == pytest.approx(expected.value, rel=1e-6)
    share = sum(found.current_shares.get(label, 0.0) for label in range(2, 3000, 3))
    assert share == pytest.approx(expected.current_shares[2], rel=1e-4)
    with pytest.raises(ValueError, match="round them"):
        effective_conductivity(labels, {label: 1.0 + label for label in range(3000)}, 1.0)


def test_result_prints_itself_with_units():
    text = str(effective_conductivity(np.ones((2, 2, 2), int), {1: 0.07}, 1e-7))
    assert "0.07 S/m" in text
    assert "tortuosity_factor  1" in text
    assert "6 neighbours" in text
