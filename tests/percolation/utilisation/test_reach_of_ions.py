"""Ions along the insertion sequence: surfaces and slabs with a known answer, a slow twin of every kernel, laws."""

from collections import deque
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from microstructure.carbon.aggregates import build_library
from microstructure.carbon.placement import Carbon
from microstructure.coats.coating import Coats
from microstructure.composite import build_composite
from microstructure.cores.sphere_packing import Packing
from microstructure.images.voxelise import voxelise
from microstructure.recipe import Recipe
from microstructure.structure import Phase, Structure
from percolation.utilisation._ions import SEEN, flood
from percolation.utilisation.ions import open_steps, reach_ions
from percolation.utilisation.reach import measure_utilisation

VOXEL = 1e-7
PERIODIC = (False, True, True)


def image(labels, centres, diameters, carbon=None, periodic=PERIODIC):
    """A structure of these voxels; lengths in voxels."""
    box = np.array(labels.shape) * VOXEL
    centres, diameters = np.asarray(centres, float) * VOXEL, np.asarray(diameters, float) * VOXEL
    packing = Packing(centres, diameters, box, periodic, 0.1, 0.0, "by hand")
    points = (np.indices(labels.shape).reshape(3, -1).T + 0.5) * VOXEL
    owners = np.argmin(np.linalg.norm(points[:, None] - centres, axis=2) - diameters / 2, axis=1)
    owners = owners.reshape(labels.shape).astype(np.int16)
    coats = Coats("film", 50e-9, 50e-9, 1.0, 0.0, 0.0)
    return Structure(labels, VOXEL, periodic, tuple(box), Recipe.parse("80:20:3"), owners, packing, coats, carbon)


def ball(radius, edge=32, outside=Phase.MATRIX):
    """One core in the middle of a cube, and the x of all voxels from its centre."""
    x, y, z = (line + 0.5 - edge / 2 for line in np.indices((edge,) * 3))
    labels = np.where(x * x + y * y + z * z < radius**2, Phase.CORE, outside).astype(np.uint8)
    return labels, x


def primaries(centres, diameter=1.0):
    """Single primaries at these places [voxels], in this order."""
    count = len(centres)
    names = np.arange(count, dtype=np.int32)
    return Carbon(np.asarray(centres) * VOXEL, names, np.full(count, -1), names * 0, diameter * VOXEL, "by hand")


def test_a_core_half_in_electrolyte_is_half_reached():
    labels, x = ball(11.0)
    labels[(labels == Phase.MATRIX) & (x > 0)] = Phase.PORE
    share = reach_ions(image(labels, [[16, 16, 16]], [22]), np.array([0]))
    assert share[0, 0] == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize("share", [0.2, 0.3, 0.6])
@pytest.mark.parametrize("axis", [(1, 0, 0), (1, 1, 0), (1, 1, 1), (1, 2, 3)])
def test_a_cap_has_the_share_that_archimedes_gave_it(share, axis):
    """The area of a cap rises with its height alone; the staircase of its voxels cancels, whichever way it faces."""
    labels, _ = ball(16.5, edge=44)
    along = np.tensordot(axis / np.linalg.norm(axis), np.indices(labels.shape) + 0.5 - 22.0, 1)
    labels[(labels == Phase.MATRIX) & (along > -16.5 * (1.0 - 2.0 * share))] = Phase.PORE
    found = reach_ions(image(labels, [[22, 22, 22]], [33]), np.array([0]))
    assert found[0, 0] == pytest.approx(share, rel=0.04)


def slab_behind_which_a_core_lies():
    """A slab of carbon one voxel thick, a primary in each of its voxels, between the separator and a core."""
    labels, _ = ball(6.0, edge=16, outside=Phase.ELECTROLYTE)
    labels = np.concatenate([np.full((4, 16, 16), Phase.ELECTROLYTE, np.uint8), labels])
    labels[2] = Phase.CARBON
    places = np.array([[2.5, j + 0.5, k + 0.5] for j, k in product(range(16), repeat=2)])
    places = np.random.default_rng(1).permutation(places)
    return image(labels, [[12, 8, 8]], [12], primaries(places))


def test_a_slab_of_carbon_stops_the_ions_with_its_last_voxel():
    slab = slab_behind_which_a_core_lies()
    assert reach_ions(slab, np.array([0, 255, 256]))[:, 0].tolist() == [1.0, 1.0, 0.0]
    found = measure_utilisation(slab, carbon=[0.0, 0.5, 1.0], rng=np.random.default_rng(0))
    assert found.ionic.tolist() == [1.0, 1.0, 0.0]
    assert found.joint[-1] == 0.0
    assert found.resolved


def test_carbon_on_one_of_two_cores_cuts_off_that_one():
    """The second core's electrolyte is a pocket behind carbon; the first keeps all of its surface."""
    labels = np.full((30, 8, 8), Phase.PORE, np.uint8)
    labels[:14] = Phase.ELECTROLYTE
    labels[4:8, 2:6, 2:6] = Phase.CORE
    labels[12, :, :] = Phase.CARBON
    labels[13:25] = Phase.ELECTROLYTE
    labels[18:22, 2:6, 2:6] = Phase.CORE
    places = [[12.5, j + 0.5, k + 0.5] for j, k in product(range(8), repeat=2)]
    both = image(labels, [[6, 4, 4], [20, 4, 4]], [4, 4], primaries(places))
    np.testing.assert_array_equal(reach_ions(both, np.array([0, 64])), [[1.0, 1.0], [1.0, 0.0]])


def test_a_core_is_reached_from_the_stated_share_on():
    labels, x = ball(11.0)
    labels[(labels == Phase.MATRIX) & (x > 0)] = Phase.PORE
    half = image(labels, [[16, 16, 16]], [22])
    for share, reached in ((0.0, 1.0), (0.49, 1.0), (0.51, 0.0)):
        found = measure_utilisation(half, ionic_contact_share=share, rng=np.random.default_rng(0))
        assert found.ionic[0] == reached
        assert found.reachable_area[0] == pytest.approx(0.5)
        area = 0.5 * np.pi * (22 * VOXEL) ** 2
        assert found.area_per_volume[0] == pytest.approx(area / half.volume, rel=1e-9)


def twin_flood(until, periodic, level):
    """Breadth-first from the first layer through voxels that are still open at this step."""
    free, seen = until >= level, np.zeros(until.shape, bool)
    queue = deque((0, j, k) for j, k in np.argwhere(free[0]))
    for place in queue:
        seen[place] = True
    while queue:
        place = queue.popleft()
        for axis, step in product(range(3), (-1, 1)):
            other = list(place)
            other[axis] += step
            if periodic[axis]:
                other[axis] %= until.shape[axis]
            other = tuple(other)
            if min(other) >= 0 and other[axis] < until.shape[axis] and free[other] and not seen[other]:
                seen[other] = True
                queue.append(other)
    return seen


@pytest.mark.parametrize("periodic", list(product((False, True), repeat=2)))
@pytest.mark.parametrize("seed", range(3))
def test_one_flood_is_a_search_at_every_step(periodic, seed):
    rng = np.random.default_rng(seed)
    until = rng.integers(0, 6, size=(9, 8, 7)).astype(np.uint16)
    until[rng.random(until.shape) < 0.25] = 0
    until[rng.random(until.shape) < 0.25] = 5
    sides, reached = np.array([False, *periodic]), np.zeros(until.shape, np.uint16)
    flood(until, sides, np.full(until.shape, SEEN, np.int32), reached)
    for level in range(1, 6):
        np.testing.assert_array_equal(reached >= level, twin_flood(until, sides, level))
    assert len(np.unique(reached)) > 3


@pytest.mark.parametrize("seed", range(3))
def test_a_voxel_is_carbon_from_the_first_primary_that_covers_it(seed):
    """Slowly: all distances; the image's carbon is what lies within the largest of the nearest ones."""
    rng = np.random.default_rng(seed)
    shape, places = np.array([9, 8, 7]), rng.random((25, 3)) * [9, 8, 7]
    points = np.argwhere(np.ones(shape)) + 0.5
    vectors = points[:, None] - places
    vectors[..., 1:] -= shape[1:] * np.rint(vectors[..., 1:] / shape[1:])
    distances = np.linalg.norm(vectors, axis=2)
    dark = (distances.min(axis=1) < 1.3).reshape(shape)
    labels = np.where(dark, Phase.CARBON, Phase.ELECTROLYTE).astype(np.uint8)
    inserted = np.array([0, 3, 3, 10, 24, 25])
    until = open_steps(image(labels, [[4, 4, 3]], [2], primaries(places)), inserted)
    limit = distances.min(axis=1)[dark.ravel()].max() * (1.0 + 1e-6)
    for step, count in enumerate(inserted):
        covered = (distances[:, :count] <= limit).any(axis=1).reshape(shape)
        np.testing.assert_array_equal(until > step, ~(covered & dark))


@pytest.fixture(scope="module")
def resolved():
    rng = np.random.default_rng(3)
    library = build_library(rng=np.random.default_rng(1), count=60)
    box = (9e-6, 6e-6, 6e-6)
    cell = build_composite(Recipe.parse("80:20:3"), porosity=0.2, box=box, voxel_size=1e-7, library=library, rng=rng)
    with pytest.warns(UserWarning, match="primary"):
        return voxelise(cell, 1e-7, resolve_carbon=True, rng=np.random.default_rng(4))


def test_electrons_never_fall_and_ions_never_rise(resolved):
    found = measure_utilisation(resolved, carbon=np.linspace(0.0, 1.0, 11), draws=4, rng=np.random.default_rng(1))
    electronic, ionic = found.electronic_cores, found.ionic_cores.astype(float)
    for rising in (found.electronic, electronic.mean(axis=1), found.volume_fraction, found.mass_ratio):
        assert np.all(np.diff(rising) >= 0)
    for falling in (found.ionic, ionic.mean(axis=1), found.reachable_area, found.area_per_volume):
        assert np.all(np.diff(falling) <= 0)
    assert found.reachable_area[0] > found.reachable_area[-1] + 0.02
    for joint, one, other in (
        (found.joint, found.electronic, found.ionic),
        ((electronic * ionic).mean(axis=1), electronic.mean(axis=1), ionic.mean(axis=1)),
    ):
        assert np.all(joint <= np.minimum(one, other) + 1e-12)


def test_the_last_step_is_the_image_itself(resolved):
    """All carbon in: the same as an image in which carbon is no phase of its own, but pore."""
    full = reach_ions(resolved, np.array([0, resolved.carbon.count]))[-1]
    labels = np.where(resolved.labels == Phase.CARBON, Phase.PORE, resolved.labels).astype(np.uint8)
    np.testing.assert_array_equal(reach_ions(replace(resolved, labels=labels), np.array([0]))[0], full)


@pytest.mark.slow
def test_a_step_does_not_hang_on_the_others(resolved):
    counts = np.rint(np.linspace(0.0, 1.0, 6) * resolved.carbon.count).astype(np.int64)
    together = reach_ions(resolved, counts)
    for count, row in zip(counts, together, strict=True):
        np.testing.assert_array_equal(reach_ions(resolved, np.array([count]))[0], row)


def test_volume_of_the_carbon_that_is_in_follows_the_share(resolved):
    """An image of all the carbon holds its volume exactly; of a part of it, to 2 % of the whole."""
    shares = np.linspace(0.0, 1.0, 5)
    until = open_steps(resolved, np.rint(shares * resolved.carbon.count).astype(np.int64))
    dark = resolved.labels == Phase.CARBON
    found = [np.count_nonzero(dark & (until <= step)) / np.count_nonzero(dark) for step in range(5)]
    np.testing.assert_allclose(found, shares, atol=0.02)
    assert found[-1] == 1.0


def test_a_homogeneous_matrix_gives_the_same_at_every_step(resolved):
    labels = resolved.labels.copy()
    labels[(labels == Phase.CARBON) | (labels == Phase.ELECTROLYTE)] = Phase.MATRIX
    found = measure_utilisation(
        replace(resolved, labels=labels), carbon=[0.0, 0.5, 1.0], draws=1, rng=np.random.default_rng(1)
    )
    assert not found.resolved
    assert len(set(found.reachable_area.tolist())) == 1


def test_a_separator_that_is_not_there_is_missed():
    labels, _ = ball(6.0, edge=16)
    with pytest.raises(ValueError, match="no separator"):
        reach_ions(image(labels, [[8, 8, 8]], [12], periodic=(True, True, True)), np.array([0]))


def test_carbon_in_the_image_only_is_refused():
    slab = slab_behind_which_a_core_lies()
    with pytest.raises(ValueError, match="no primaries"):
        reach_ions(replace(slab, carbon=None), np.array([0]))


def test_as_many_steps_as_voxels_can_count_are_refused():
    labels, _ = ball(6.0, edge=16)
    with pytest.raises(ValueError, match="steps"):
        reach_ions(image(labels, [[8, 8, 8]], [12]), np.zeros(70000, np.int64))
