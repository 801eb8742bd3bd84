"""The sides of somebody's image: closed unless more is known, and a structure's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.linalg import spsolve

from microstructure import Structure
from percolation import find_clusters, find_spanning
from percolation.lattice.sides import name_sides
from transport import conductivity_tensor, effective_conductivity, find_hot_spots, sweep_conductivities

CLOSED, PLATES, CELL = (False, False, False), (False, True, True), (True, True, True)
AXES = (0, 1, 2)
SIGMA = {0: 0.0, 1: 1.0, 2: 30.0}
ELECTRODE = Path(__file__).parents[2] / "data" / "electrode.npz"


def random_medium(shape, seed):
    return np.random.default_rng(seed).choice(3, shape, p=(0.5, 0.3, 0.2)).astype(np.uint8)


def structure(labels, periodic=PLATES, **more):
    return Structure(labels, 1e-7, periodic, tuple(1e-7 * edge for edge in labels.shape), **more)


def sparse_twin(conducts, axis):
    """Conductivity of voxels of 1 S/m between plates, other sides closed, by a direct sparse solve."""
    clusters, _ = ndimage.label(conducts)
    ends = (np.take(clusters, end, axis) for end in (0, -1))
    spanning = np.isin(clusters, np.setdiff1d(np.intersect1d(*ends), [0]))
    number = np.full(conducts.shape, -1)
    number[spanning] = np.arange(spanning.sum())
    size, links = int(spanning.sum()), []
    for direction in range(3):
        line = np.moveaxis(number, direction, 0)
        pairs = np.stack([line[:-1].ravel(), line[1:].ravel()])
        links.append(pairs[:, (pairs >= 0).all(axis=0)])
    i, j = np.concatenate(links, axis=1)
    first, last = (end[end >= 0] for end in np.moveaxis(number, axis, 0)[[0, -1]])
    diagonal = np.bincount(np.concatenate([i, j, first, first, last, last]), minlength=size).astype(float)
    every = np.arange(size)
    values = np.concatenate([-np.ones(2 * i.size), diagonal])
    matrix = coo_array((values, (np.concatenate([i, j, every]), np.concatenate([j, i, every]))), (size, size))
    fed = 2.0 * np.bincount(first, minlength=size)
    potential = spsolve(matrix.tocsc(), fed)
    return 2.0 * float((1.0 - potential[first]).sum()) * conducts.shape[axis] ** 2 / conducts.size


# arrays: plates and closed sides, along any axis


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("layers", [1, 3])
def test_what_touches_only_through_the_sides_does_not_conduct(axis, layers):
    rows = np.array([[1, 0, 0], [1, 0, 1], [0, 0, 1]], np.uint8)
    turned = np.repeat(np.moveaxis(rows, 0, axis)[:, :, None], layers, axis=2)
    found = effective_conductivity(turned, {0: 0.0, 1: 1.0}, 1.0, axis)
    (swept,) = sweep_conductivities(turned, [{0: 0.0, 1: 1.0}], 1.0, axis)
    for result in (found, swept):
        assert result.value == 0.0
        assert not result.percolates
        assert result.periodic == CLOSED
    spanning = find_spanning(turned == 1, axis=axis)
    assert not spanning.spans
    assert not spanning.wraps
    joined = tuple(other != axis for other in AXES)
    assert effective_conductivity(turned, {0: 0.0, 1: 1.0}, 1.0, axis, joined).value == pytest.approx(0.25)
    assert find_spanning(turned == 1, axis=axis, periodic=joined).spans


@pytest.mark.parametrize("axis", AXES)
def test_another_axis_is_measured_between_plates(axis):
    labels = random_medium((7, 6, 5), 3)
    found = effective_conductivity(labels, SIGMA, 1.0, axis)
    assert len(found.plane_flux) == labels.shape[axis] + 1
    assert found.value == effective_conductivity(labels, SIGMA, 1.0, axis, CLOSED).value
    turned = effective_conductivity(np.moveaxis(labels, axis, 0), SIGMA, 1.0)
    assert turned.value == pytest.approx(found.value, rel=1e-6)


@pytest.mark.parametrize("axis", AXES)
def test_a_real_electrode_agrees_with_a_direct_solve(axis):
    pores = np.load(ELECTRODE)["labels"] == 0
    expected = sparse_twin(pores, axis)
    found = effective_conductivity(pores.astype(np.uint8), {0: 0.0, 1: 1.0}, 1.0, axis)
    assert found.value == pytest.approx(expected, rel=1e-6)
    assert found.tortuosity_factor == pytest.approx(pores.mean() / expected, rel=1e-6)
    joined = effective_conductivity(pores.astype(np.uint8), {0: 0.0, 1: 1.0}, 1.0, axis, [a != axis for a in AXES])
    assert joined.value > 1.03 * found.value  # the control: joined sides are seen


# structures: as they are


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("periodic", [CLOSED, PLATES, CELL, (False, True, False)])
def test_a_structure_is_its_explicit_call_bit_for_bit(axis, periodic):
    labels = random_medium((7, 6, 8), axis)
    cell = structure(labels, periodic)
    expected = effective_conductivity(labels, SIGMA, 1e-7, axis, periodic, keep_current=True)
    found = effective_conductivity(cell, SIGMA, axis=axis, keep_current=True)
    again = effective_conductivity(cell, SIGMA, 1e-7, axis, periodic)  # the same said twice
    (swept,) = sweep_conductivities(cell, [SIGMA], axis=axis)
    (alone,) = sweep_conductivities(labels, [SIGMA], 1e-7, axis, periodic)
    assert found.value == again.value == expected.value
    assert found.residuals == again.residuals == expected.residuals
    assert swept.value == alone.value
    assert found.periodic == swept.periodic == periodic
    np.testing.assert_array_equal(found.current_density, expected.current_density)
    if found.percolates:
        spots, others = find_hot_spots(found, cell, SIGMA), find_hot_spots(expected, labels, SIGMA, 1e-7)
        np.testing.assert_array_equal(spots.positions, others.positions)
        assert spots.periodic == others.periodic == periodic


def test_a_structure_brings_its_blocks():
    labels = np.ones((4, 4, 4), np.uint8)
    owners = np.repeat(np.arange(4, dtype=np.int32) // 2, 16).reshape(4, 4, 4)
    cell = structure(labels, CLOSED, owners=owners)
    contacts = {(1, 1): 4e-7}
    expected = effective_conductivity(labels, {1: 1.0}, 1e-7, interface_resistance=contacts, blocks=owners)
    found = effective_conductivity(cell, {1: 1.0}, interface_resistance=contacts)
    assert found.value == expected.value == pytest.approx(0.5)
    assert effective_conductivity(cell, {1: 1.0}, interface_resistance=contacts, blocks=owners).value == found.value
    with pytest.raises(TypeError, match="its own blocks"):
        effective_conductivity(cell, {1: 1.0}, interface_resistance=contacts, blocks=owners + 1)
    bare = structure(labels, CLOSED)  # has none: they may be given
    assert effective_conductivity(bare, {1: 1.0}, interface_resistance=contacts, blocks=owners).value == found.value
    with pytest.raises(ValueError, match="needs blocks="):
        effective_conductivity(bare, {1: 1.0}, interface_resistance=contacts)


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        ({"periodic": CLOSED}, TypeError, r"its own periodic, \(False, True, True\).*leave periodic= out"),
        ({"periodic": CELL}, TypeError, "its own periodic"),
        ({"voxel_size": 2e-7}, TypeError, "its own voxel_size, 1e-07.*leave voxel_size= out"),
        ({"voxel_size": (1e-7, 1e-7, 2e-7)}, TypeError, "its own voxel_size"),
        ({"voxel_size": "100 nm"}, TypeError, "voxel_size must be a number"),
        ({"periodic": "yes"}, TypeError, "three bools"),
    ],
)
def test_what_contradicts_a_structure_is_refused(said, kind, message):
    cell = structure(random_medium((3, 3, 3), 1))
    with pytest.raises(kind, match=message):
        effective_conductivity(cell, SIGMA, **said)
    with pytest.raises(kind, match=message):
        sweep_conductivities(cell, [SIGMA], **said)


def test_an_array_needs_a_voxel_size():
    labels = random_medium((3, 3, 3), 1)
    found = effective_conductivity(labels, SIGMA, 1.0, keep_current=True)
    for solve in (
        lambda: effective_conductivity(labels, SIGMA),
        lambda: sweep_conductivities(labels, [SIGMA]),
        lambda: conductivity_tensor(labels, SIGMA),
        lambda: find_hot_spots(found, labels, SIGMA),
    ):
        with pytest.raises(TypeError, match="voxel_size is missing"):
            solve()


def test_hot_spots_of_another_image_are_refused():
    labels = random_medium((5, 5, 5), 2)
    found = effective_conductivity(labels, SIGMA, 1e-7, keep_current=True)
    with pytest.raises(ValueError, match=r"the structure is periodic along y and z.*compute it of the structure"):
        find_hot_spots(found, structure(labels), SIGMA)


def test_a_mask_is_asked_of_a_structure():
    cell = structure(random_medium((3, 3, 3), 1))
    for find in (find_clusters, find_spanning):
        with pytest.raises(TypeError, match=r"periodic=structure\.periodic"):
            find(cell)


# the tensor: a periodic cell


def test_a_tensor_is_of_a_periodic_cell_alone():
    labels = random_medium((5, 4, 6), 4)
    tensor = conductivity_tensor(labels, SIGMA, 1e-7)
    np.testing.assert_array_equal(conductivity_tensor(structure(labels, CELL), SIGMA).values, tensor.values)
    np.testing.assert_array_equal(conductivity_tensor(labels, SIGMA, 1e-7, periodic=CELL).values, tensor.values)
    assert tensor.periodic == CELL
    assert "periodic cell along x, y and z" in str(tensor)
    with pytest.raises(ValueError, match=r"periodic along y and z, closed along x.*each of the three axes"):
        conductivity_tensor(structure(labels), SIGMA)
    with pytest.raises(ValueError, match="closed along x, y and z"):
        conductivity_tensor(labels, SIGMA, 1e-7, periodic=CLOSED)


# words


@pytest.mark.parametrize("shape", [(4, 4, 4), (9, 3, 2)])  # the second is turned before it is solved
@pytest.mark.parametrize(
    ("axis", "periodic", "words"),
    [
        (0, CLOSED, "plates along x, closed along y and z"),
        (1, PLATES, "periodic cell along y, periodic along z, closed along x"),
        (2, (True, False, False), "plates along z, periodic along x, closed along y"),
        (2, CELL, "periodic cell along z, periodic along x and y"),
    ],
)
def test_a_result_names_its_sides(axis, periodic, words, shape):
    found = effective_conductivity(np.ones(shape, np.uint8), {1: 1.0}, 1.0, axis, periodic, keep_current=True)
    assert found.periodic == periodic
    assert f"sides              {words}\n" in str(found)
    assert name_sides(periodic) in str(find_hot_spots(found, np.ones(shape, np.uint8), {1: 1.0}, 1.0))
    assert name_sides(periodic) in str(find_spanning(np.ones(shape, bool), axis=axis, periodic=periodic))
    assert name_sides(periodic) in str(find_clusters(np.ones(shape, bool), periodic=periodic))
    nothing = effective_conductivity(np.zeros(shape, np.uint8), {0: 0.0}, 1.0, axis, periodic)
    assert nothing.periodic == periodic
