"""Cuboids that conduct nearly evenly beside a walk through the image, and beside eigenvalues."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.linalg
from scipy.ndimage import gaussian_filter

from transport.solvers._aggregation import ALONE
from transport.solvers.multigrid import KAPPA
from transport.solvers.operators import as_graph
from transport.solvers.row_threads import shared
from transport.voxels._cuboids import cuboids
from transport.voxels._tiles import TILE
from transport.voxels.image import parse_image
from transport.voxels.voxel_circuit import voxel_circuit

SHAPES = [(12, 12, 12), (9, 18, 11), (17, 7, 8), (2, 2, 40), (1, 12, 12), (12, 1, 12), (3, 3, 3)]


def grid_of(seed, shape, sigma, spacing=(1.0, 1.0, 1.0), periodic=(False, True, True), width=2.0, axis=0):
    """Smoothed noise of as many phases as there are conductivities, as a grid."""
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=shape), width, mode="wrap")
    labels = np.searchsorted(np.quantile(noise, np.linspace(0, 1, len(sigma) + 1)[1:-1]), noise).astype(np.uint8)
    circuit = voxel_circuit(parse_image(labels, dict(enumerate(sigma)), spacing, periodic, None, None), axis)
    return None if circuit is None else circuit.operator


@pytest.fixture(params=[1, 3])
def blocks(request, monkeypatch):
    """Several blocks of several parts, also in a small image; one of them for those that look at all rows at once."""
    monkeypatch.setattr("transport.voxels.grid.block_count", lambda _: request.param)
    monkeypatch.setattr("transport.voxels.grid.ROWS_A_BLOCK", 300 if request.param > 1 else 10**9)
    return request.param


def found(grid, kappa=KAPPA):
    """Number of each row's cuboid, part by part, and the diagonal of the smoother."""
    inverse = np.empty(grid.size, np.float32)
    shared(grid.kernels.invert_diagonal, grid.blocks, *grid.arrays, inverse)
    parts = [cuboids(*grid.cuts[part : part + 2], grid.voxels, inverse, kappa) for part in range(grid.cuts.size - 1)]
    return parts, inverse


def expected(grid, first, last, inverse, kappa):
    """The rows of each good cuboid of a part, by the corners of the image and by what each face conducts."""
    shape = grid.voxels.shape
    row_of = grid.image(np.arange(grid.size), -1)
    table, v = grid.voxels.table, grid.voxels
    good = set()
    for i, j in itertools.product(range(0, shape[0] - 1, 2), range(0, shape[1] - 1, 2)):
        for k in range(shape[2] % TILE, shape[2], TILE):  # tiles are counted from the end of a line
            rows = row_of[i : i + 2, j : j + 2, k : k + TILE]
            if rows.size < 4 * TILE or rows.min() < first or rows.max() >= last:
                continue
            slowest = min(
                2.0 * table[0][v.x[rows[0]]].min(),
                2.0 * table[1][v.y[rows[:, 0]]].min(),
                (2.0 - np.sqrt(2.0)) * table[2][v.z[rows[:, :, :-1]]].min(),
            )
            if slowest > 0.0 and kappa * slowest * inverse[rows].min() >= 1.0:
                good.add(tuple(sorted(rows.ravel().tolist())))
    return good


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("sigma", [(0.0, 1.0, 1.0, 1.0), (1.0, 1.5, 2.0), (1e-7, 1e-3, 1.0)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_cuboids_are_those_of_a_walk_through_the_image(shape, sigma, axis, blocks):
    periodic = [True, True, True]
    periodic[axis] = axis == 1
    grid = grid_of(3, shape, sigma, (1.0, 1.2, 0.8), periodic, axis=axis)
    if grid is None:  # no way through
        assert sigma[0] == 0.0
        return
    parts, inverse = found(grid)
    assert blocks == 1 or len(parts) > 1 or grid.size < 300
    for (first, last), numbers in zip(itertools.pairwise(grid.parts()), parts, strict=True):
        taken = numbers != ALONE
        made = {tuple((first + np.flatnonzero(numbers == number)).tolist()) for number in np.unique(numbers[taken])}
        assert made == expected(grid, first, last, inverse, KAPPA)
        assert len(made) * 4 * TILE == np.count_nonzero(taken)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.0, 1.0, 0.8), (2.0, 1.0, 1.0), (1.0, 0.7, 1.0)])
@pytest.mark.parametrize("sigma", [(0.0, 1.0), (1.0, 1.5, 2.0), (1.0, 10.0)])
def test_every_cuboid_has_the_quality_it_is_said_to_have(spacing, sigma, blocks):
    """By generalised eigenvalues."""
    grid = grid_of(5, (12, 12, 12), sigma, spacing)
    parts, inverse = found(grid)
    dense = as_graph(grid).matrix().toarray()
    worst, count = 0.0, 0
    for first, numbers in zip(grid.parts(), parts, strict=False):
        for number in range(numbers.max() + 1):
            members = first + np.flatnonzero(numbers == number)
            inside = -dense[np.ix_(members, members)]
            np.fill_diagonal(inside, 0.0)
            excess = grid.voxels.table[3][grid.voxels.ground[members]]
            own = np.diag(inside.sum(axis=1) + excess) - inside
            diagonal = 1.0 / inverse[members].astype(np.float64)
            projected = np.diag(diagonal) - np.outer(diagonal, diagonal) / diagonal.sum()
            constant = np.ones((members.size,) * 2) * (not excess.any())  # of which the quality knows nothing
            worst = max(worst, scipy.linalg.eigh(projected, own + constant, eigvals_only=True)[-1])
            count += 1
    assert count >= (5 if blocks == 1 else 0)
    assert worst <= KAPPA * (1.0 + 1e-6)


def test_the_bound_of_an_even_block_is_that_of_its_longest_chain():
    """Six equal links on each voxel but those at the plates, which have seven: over 2 - sqrt 2, their slowest mode."""
    grid = grid_of(0, (12, 12, 12), (1.0,))
    slowest = 2.0 - np.sqrt(2.0)
    for links, count in ((5.99, 0), (6.01, 4 * 6 * 3), (6.99, 4 * 6 * 3), (7.01, 6 * 6 * 3)):
        parts, _ = found(grid, links / slowest)
        assert sum(int(numbers.max()) + 1 for numbers in parts) == count
