"""Aggregation multigrid against dense linear algebra: quality of aggregates, coarse matrices, sweeps, iterations."""

from __future__ import annotations

import itertools
import multiprocessing

import numba
import numpy as np
import pytest
import scipy.sparse

from transport import effective_conductivity
from transport.solvers import _smoothing, multigrid, row_threads
from transport.solvers._aggregation import ALONE, MOST, NOWHERE, attach, gather, is_good
from transport.solvers.multigrid import KAPPA
from transport.solvers.operators import Graph, dot, multiply
from transport.solvers.row_threads import ROWS_A_BLOCK, shared
from transport.voxels import _grid
from transport.voxels.grid import Grid

PLATES = (False, True, True)


def random_graph(rng, size, decades, degree=4, grounded=0.05):
    """Symmetric links between random nodes and along a chain, conductances over `decades`; some nodes grounded."""
    tail = np.concatenate((rng.integers(0, size, degree * size // 2), np.arange(size - 1)))
    head = np.concatenate((rng.integers(0, size, degree * size // 2), np.arange(1, size)))
    weight = 10.0 ** -rng.uniform(0, decades, tail.size)
    apart = tail != head
    tail, head, weight = tail[apart], head[apart], weight[apart]
    matrix = scipy.sparse.coo_matrix(
        (np.tile(weight, 2), (np.concatenate((tail, head)), np.concatenate((head, tail)))), (size, size)
    ).tocsr()
    matrix.sort_indices()
    excess = np.where(rng.random(size) < grounded, 10.0 ** -rng.uniform(0, decades, size), 0.0)
    excess[0] = 1.0
    return Graph.of(matrix.indptr.astype(np.int64), matrix.indices.astype(np.uint32), matrix.data, excess)


def three_phases(edge, seed=0):
    """Cores, a matrix between them, and some carbon in it."""
    rng = np.random.default_rng(seed)
    grain = np.kron(rng.random((edge // 4,) * 3), np.ones((4, 4, 4)))
    labels = (grain < 0.6).astype(np.uint8)
    labels[(labels == 0) & (rng.random(labels.shape) < 0.2)] = 2
    return labels


def quality(graph, members, outside=()):
    """Smallest kappa for which an aggregate is good, by the generalised eigenvalues of the dense matrices.

    Links to rows `outside` the block count twice on the diagonal.
    """
    dense = graph.matrix().toarray()
    diagonal = np.diag(dense)[members] - dense[np.ix_(members, np.asarray(outside, np.int64))].sum(axis=1)
    inside = -dense[np.ix_(members, members)]
    np.fill_diagonal(inside, 0.0)
    local = np.diag(inside.sum(axis=1) + graph.excess[members]) - inside
    projected = np.diag(diagonal) - np.outer(diagonal, diagonal) / diagonal.sum()
    basis = np.linalg.svd(np.outer(np.ones(len(members)), np.ones(len(members))))[0][:, 1:]  # sums of zero
    if graph.excess[members].any():
        values, vectors = np.linalg.eigh(local)
        whitened = vectors / np.sqrt(values)
        return np.linalg.eigvalsh(whitened.T @ projected @ whitened)[-1]
    # the constant costs nothing on either side: the rest is a plain generalised problem
    values, vectors = np.linalg.eigh(basis.T @ local @ basis)
    whitened = basis @ vectors / np.sqrt(values)
    return np.linalg.eigvalsh(whitened.T @ projected @ whitened)[-1]


def nothing_known(size):
    return np.full(size, ALONE, np.int32)


def aggregates(graph, kappa=KAPPA):
    aggregate = np.empty(graph.excess.size, np.int32)
    _, ground, _ = gather(*graph.rows(0), kappa, 0, graph.size, 0, nothing_known(graph.size), aggregate)
    return aggregate, ground.size


def given_aggregates(size, share):
    """Numbers of aggregates of one row or more, which take in a share of the rows; ALONE for the others."""
    rng = np.random.default_rng(size)
    known = np.where(rng.random(size) < share, rng.integers(0, max(size // 8, 1), size), ALONE)
    known[known != ALONE] = np.unique(known[known != ALONE], return_inverse=True)[1]
    return known.astype(np.int32)


@pytest.mark.parametrize("decades", [0, 3, 8])
def test_every_aggregate_has_the_quality_it_is_said_to_have(decades):
    graph = random_graph(np.random.default_rng(decades), 300, decades)
    aggregate, count = aggregates(graph)
    assert set(aggregate[aggregate != ALONE]) == set(range(count))
    for number in range(count):
        members = np.flatnonzero(aggregate == number)
        assert 1 <= len(members) <= MOST
        if len(members) > 1:
            assert quality(graph, members) <= KAPPA * (1 + 1e-6)


@pytest.mark.parametrize("grounded", [0.0, 0.5])
def test_the_check_agrees_with_eigenvalues(grounded):
    rng = np.random.default_rng(3)
    verdicts = []
    for _ in range(200):
        graph = random_graph(rng, 20, 2, grounded=grounded)
        graph.excess[0] *= grounded > 0
        count = int(rng.integers(2, MOST + 1))
        members = (int(rng.integers(0, 20 - count + 1)) + np.arange(count)).astype(np.uint32)  # joined by the chain
        place, work = np.full(20, NOWHERE, np.uint8), np.empty((MOST + 1, MOST))
        once = (graph.lower, graph.indptr[1:], graph.indices, graph.weight)  # to rows after
        found = is_good(members, count, once, graph.excess, graph.matrix().diagonal(), KAPPA, place, work)
        assert (place == NOWHERE).all()
        value = quality(graph, members)
        if abs(value / KAPPA - 1) > 1e-3:
            assert found == (value < KAPPA)
            verdicts.append(found)
    assert 20 < sum(verdicts) < len(verdicts) - 20


def test_nodes_that_the_ground_holds_stay_alone():
    graph = random_graph(np.random.default_rng(4), 100, 1)
    graph.excess[10:20] = 1e6
    assert set(aggregates(graph)[0][10:20]) == {ALONE}


@pytest.mark.parametrize("given", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("cuts", [(0, 200), (0, 70, 71, 150, 200)])
def test_coarse_matrix_is_the_galerkin_product(cuts, given):
    graph = random_graph(np.random.default_rng(5), 200, 4)
    graph.excess[50] = 1e6
    indptr, matrix = graph.indptr, graph.matrix()
    aggregate, starts, made, pieces = np.empty(200, np.int32), [0], [], []

    def rows(first, last):
        starts = indptr[first : last + 1].astype(np.int64)
        links = slice(starts[0], starts[-1])
        return starts - starts[0], graph.indices[links], graph.weight[links], graph.excess[first:last]

    for first, last in itertools.pairwise(cuts):
        own, known = aggregate[first:last], given_aggregates(last - first, given)
        made.append(gather(*rows(first, last), KAPPA, 0, 200, first, known, own))
        numbers, firsts = np.unique(own[own != ALONE], return_index=True)
        assert (np.diff(firsts) > 0).all()  # in the order of their first rows
        for number in numbers:
            members = first + np.flatnonzero(own == number)
            if (known[members - first] != ALONE).any():  # as it was, and nobody else
                assert set(members - first) == set(np.flatnonzero(known == known[members[0] - first]))
                continue
            assert len(members) == 1 or quality(graph, members) <= KAPPA * (1 + 1e-6)
        own[own != ALONE] += starts[-1]
        starts.append(starts[-1] + made[-1][1].size)
    for (first, last), low, (inside, ground, outer) in zip(itertools.pairwise(cuts), starts[:-1], made, strict=True):
        degree, head, link = attach(inside, ground, outer, aggregate[first:last], low, aggregate)
        pieces.append((degree, head, link, ground))
        assert all(np.unique(row).size == row.size for row in np.split(head, np.cumsum(degree)[:-1]))  # one each
    degrees, head, link, ground = (np.concatenate(made) for made in zip(*pieces, strict=True))
    coarse = Graph.of(np.concatenate(([0], np.cumsum(degrees))), head, link, ground).matrix().toarray()
    np.testing.assert_allclose(coarse, coarse.T, rtol=1.2e-7)  # rounded once
    taken = np.flatnonzero(aggregate != ALONE)
    prolongation = scipy.sparse.csr_matrix((np.ones(taken.size), (taken, aggregate[taken])), (200, starts[-1]))
    expected = (prolongation.T @ matrix @ prolongation).toarray()
    np.testing.assert_allclose(coarse, expected, rtol=1e-6, atol=1e-12 * expected.max())


def test_links_out_of_a_block_count_twice():
    graph = random_graph(np.random.default_rng(8), 200, 0)
    indptr, aggregate = graph.indptr.astype(np.int64), np.empty(40, np.int32)
    links = slice(indptr[100], indptr[140])
    rows = (indptr[100:141] - indptr[100], graph.indices[links], graph.weight[links], graph.excess[100:140])
    for low, high in ((0, 200), (100, 140), (80, 160)):
        outside = np.concatenate((np.arange(low), np.arange(high, 200)))
        merged = 0
        _, ground, _ = gather(*rows, KAPPA, low, high, 100, nothing_known(40), aggregate)
        for number in range(ground.size):
            members = 100 + np.flatnonzero(aggregate == number)
            assert len(members) == 1 or quality(graph, members, outside) <= KAPPA * (1 + 1e-6)
            merged += len(members) > 1
        assert merged >= 3


def check_kernels(kernels, arrays, dense, block, blocks, live, tolerance=1e-12):
    """Every kernel of a module, on vectors of random numbers, against dense linear algebra."""
    rng = np.random.default_rng(6)
    size = len(dense)
    inside = block[:, None] == block[None, :]
    off_diagonal = dense - np.diag(np.diag(dense))
    inverse, x, y = np.zeros((3, size))
    r = np.where(live, rng.normal(size=size), 0.0)
    shared(kernels.invert_diagonal, blocks, *arrays, inverse)
    diagonal = np.diag(dense) - np.where(inside, 0, off_diagonal).sum(axis=1)
    np.testing.assert_allclose(inverse, np.divide(1.0, diagonal, where=live, out=np.zeros(size)))
    lower = np.tril(np.where(inside, off_diagonal, 0), -1) + np.diag(np.where(live, diagonal, 1.0))
    shared(kernels.forward, blocks, *arrays, inverse, r, x)
    np.testing.assert_allclose(x, np.where(live, np.linalg.solve(lower, r), 0.0), atol=tolerance)
    counts = np.bincount(block, minlength=blocks) // 2  # two aggregates to three rows
    starts = np.concatenate(([0], np.cumsum(counts)))
    aggregate = np.concatenate(
        [
            start + rng.integers(-1, n, np.sum(block == b)) if n else np.full(np.sum(block == b), -1)
            for b, (start, n) in enumerate(zip(starts[:-1], counts, strict=True))
        ]
    ).astype(np.int32)
    aggregate[aggregate < starts[block]] = ALONE
    coarse = np.full(starts[-1], np.nan)
    shared(kernels.restrict, blocks, *arrays, x, aggregate, starts, coarse)
    rest = np.where(live, r - dense @ x, 0.0)
    expected = np.zeros(starts[-1])
    np.add.at(expected, aggregate[aggregate >= 0], rest[aggregate >= 0])
    np.testing.assert_allclose(coarse, expected, atol=tolerance)
    start = np.where(live, rng.normal(size=size), 0.0)
    shared(kernels.backward, blocks, *arrays, inverse, r, start, y)
    step = np.where(live, np.linalg.solve(lower.T, r - dense @ start), 0.0)
    np.testing.assert_allclose(y, start + step, atol=tolerance)
    parts = np.empty((blocks, 2))
    shared(kernels.multiply, blocks, *arrays, x, r, y, parts)
    np.testing.assert_allclose(y, dense @ x, atol=tolerance)
    np.testing.assert_allclose(parts.sum(axis=0), (x @ dense @ x, r @ x), atol=tolerance)


def test_a_step_loses_no_bit_of_the_potential():
    rng = np.random.default_rng(8)
    p, product, r, high = rng.normal(size=(4, 60))
    low, sums, left, before = np.zeros(60, np.float32), np.empty(3), r.copy(), high.copy()
    shared(_smoothing.step, 3, 0.3, 0.5, p, product, high, low, left, sums)
    np.testing.assert_allclose(high + low, before + 0.15 * p, atol=1e-15)
    moved = (high.astype(np.longdouble) - before) + low  # 64 bits of mantissa see what 53 lose
    np.testing.assert_allclose(moved - 0.15 * p, 0.0, atol=1e-18)
    np.testing.assert_allclose(left, r - 0.3 * product, atol=1e-15)
    assert sums.sum() == pytest.approx(np.abs(left).sum())


@pytest.mark.parametrize("blocks", [1, 3])
def test_loops_over_a_graph_are_dense_algebra_within_blocks(blocks):
    rng = np.random.default_rng(6)
    graph = random_graph(rng, 60, 1)
    block = np.searchsorted([cut * 60 // blocks for cut in range(1, blocks)], np.arange(60), side="right")
    shared(_smoothing.arrange, blocks, *graph.arrays[:-1])
    check_kernels(_smoothing, graph.arrays, graph.matrix().toarray(), block, blocks, np.ones(60, np.bool_))
    x, y, z = rng.normal(size=(3, 60))
    product = np.empty(60)
    energy, along = multiply(graph, x, y, product)
    np.testing.assert_allclose(product, graph.matrix() @ x, atol=1e-12)
    np.testing.assert_allclose((energy, along, dot(x, z)), (x @ product, x @ y, x @ z))


@pytest.mark.parametrize(
    "shape", [(5, 4, 6), (1, 4, 6), (4, 1, 3), (4, 5, 1), (2, 2, 2), (3, 1, 2), (3, 2, 8), (2, 3, 13), (1, 1, 9)]
)
@pytest.mark.parametrize("blocks", [1, 2, 4])
@pytest.mark.parametrize("bonds", [0.7, 0.2, 0.05])
def test_loops_over_a_grid_are_dense_algebra_within_blocks(shape, blocks, bonds, monkeypatch):
    rng = np.random.default_rng(7)
    table = np.insert(rng.random((4, 5)), 0, 0.0, axis=1)
    faces = tuple(rng.integers(0, 6, shape).astype(np.uint8) * (rng.random(shape) < bonds) for _ in range(3))
    blocks = min(blocks, shape[0] * shape[1])
    size = int(np.prod(shape))
    links = np.zeros((size, size))
    number = np.arange(size).reshape(shape)
    for axis, face in enumerate(faces):
        here, there = number.ravel(), np.roll(number, -1, axis).ravel()
        np.add.at(links, (here, there), table[axis][face].ravel())
        np.add.at(links, (there, here), table[axis][face].ravel())
    np.fill_diagonal(links, 0.0)
    live = links.sum(axis=1) > 0
    monkeypatch.setattr("transport.voxels.grid.block_count", lambda _: blocks)
    grid = Grid.of(faces, table, live.reshape(shape))
    row_of = grid.image(np.arange(grid.size), -1).ravel()
    places = np.flatnonzero(row_of >= 0)
    rows = row_of[places]
    assert set(np.flatnonzero(live)) <= set(places)
    assert np.unique(rows).size == rows.size
    np.testing.assert_array_equal(grid.places_of(rows), places)
    np.testing.assert_array_equal(grid.rows_at(places), rows)
    np.testing.assert_array_equal(grid.take(number + 1), np.bincount(rows, places + 1, grid.size))
    live, voxels = grid.take(live.reshape(shape)), links
    links = np.zeros((grid.size, grid.size))
    links[np.ix_(rows, rows)] = voxels[np.ix_(places, places)]
    grid.voxels.ground[:] = np.where(live, rng.integers(0, 6, grid.size), 0)
    dense = np.diag(links.sum(axis=1) + table[3][grid.voxels.ground]) - links
    bounds = grid.bounds()
    block = np.searchsorted(bounds[1:-1], np.arange(grid.size), side="right")
    check_kernels(_grid, grid.arrays, dense, block, grid.blocks, live)
    assert set(bounds) <= set(grid.parts())
    for number, (first, last) in enumerate(itertools.pairwise(grid.parts())):
        indptr, indices, weight, excess = grid.rows(number)
        rows = scipy.sparse.csr_matrix((weight, indices, indptr), shape=(last - first, grid.size)).toarray()
        np.testing.assert_allclose(rows, links[first:last])
        np.testing.assert_allclose(excess, table[3][grid.voxels.ground[first:last]])


def iterations(edge, contrast, **more):
    sigma = {0: 1.0 / contrast, 1: contrast**-0.5, 2: 1.0}
    found = effective_conductivity(three_phases(edge), sigma, 1.0, periodic=PLATES, tolerance=1e-6, **more)
    assert found.converged
    return found.iterations


def test_iterations_grow_neither_with_size_nor_with_contrast():
    sizes = [iterations(edge, 1e7) for edge in (16, 32, 64)]
    contrasts = [iterations(32, contrast) for contrast in (1e3, 1e6, 1e9, 1e12)]
    assert max(sizes) <= 1.5 * min(sizes)
    assert max(contrasts) <= 1.4 * min(contrasts)
    assert max(sizes + contrasts) <= 25


@pytest.mark.parametrize("shape", [(2, 40, 40), (1, 40, 40), (3, 300, 70)])
def test_thin_images_whose_rows_the_plates_hold(shape):
    """Every row, or all but the middle layer, is held by a plate: no aggregate, or few."""
    labels = np.random.default_rng(1).choice(2, shape).astype(np.uint8)
    found = effective_conductivity(labels, {0: 1.0, 1: 10.0}, 1.0, periodic=PLATES)
    assert found.converged
    assert found.iterations < 15
    assert found.bracket.lower == pytest.approx(found.value, rel=1e-6)


@pytest.mark.slow
def test_without_the_check_it_stalls(monkeypatch):
    checked = iterations(32, 1e7)
    monkeypatch.setattr(multigrid, "KAPPA", 1e30)
    assert iterations(32, 1e7, max_iterations=5000) > 3 * checked


def test_the_same_bytes_for_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(row_threads, "SHORT", 0)  # vectors are shared, too
    labels = three_phases(40)
    assert labels.size > 3 * ROWS_A_BLOCK

    def solved(threads):
        before = numba.get_num_threads()
        numba.set_num_threads(threads)
        try:
            kept = {"keep_potential": True, "keep_current": True}
            found = effective_conductivity(labels, {0: 1e-7, 1: 1e-3, 2: 1.0}, 1.0, **kept)
        finally:
            numba.set_num_threads(before)
        arrays = (found.potential, found.current_density, found.plane_flux, found.mean_flux)
        return found.value, found.residuals, found.bracket, [array.tobytes() for array in arrays]

    assert solved(1) == solved(min(2, numba.config.NUMBA_NUM_THREADS))


def conductivity_of(labels):
    return effective_conductivity(labels, {0: 1e-7, 1: 1e-3, 2: 1.0}, 1.0).value


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    labels = three_phases(40)
    before = conductivity_of(labels)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(conductivity_of, (labels,)).get(timeout=120) == before
