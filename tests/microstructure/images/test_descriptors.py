"""Areas, correlations and coat thickness against spheres, planes and slow twins."""

import itertools
import math

import numba
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.measure import marching_cubes, mesh_surface_area

from microstructure.cores.directions import sphere_points
from microstructure.cores.sphere_packing import Packing
from microstructure.images._descriptors import crossing_rate
from microstructure.images.coat_thickness import coat_statistics, measure_coats
from microstructure.images.descriptors import (
    NORMAL_REACH,
    NORMAL_WIDTH,
    STEPS,
    VORONOI,
    interface_area,
    phase_fractions,
    two_point_correlation,
)
from microstructure.structure import Phase, Structure

FREE = (False, False, False)
WRAPPED = (True, True, True)
SHARES = VORONOI[np.sum(STEPS**2, axis=1)] / np.linalg.norm(STEPS, axis=1)


def ball(radius, *, margin=4, rng=None):
    """Voxels whose centre lies in a ball; its own centre anywhere in a voxel."""
    edge = 2 * radius + 2 * margin
    centre = edge / 2 + (np.zeros(3) if rng is None else rng.random(3) - 0.5)
    x, y, z = (np.arange(edge) + 0.5 - middle for middle in centre)
    return (x[:, None, None] ** 2 + y[:, None] ** 2 + z**2 <= radius**2).astype(np.uint8)


def random_medium(shape, *, phases, seed, length=1.5):
    """A smooth random medium with equal shares of phases, periodic."""
    field = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), length, mode="wrap")
    return np.digitize(field, np.quantile(field, np.arange(1, phases) / phases)).astype(np.uint8)


def area(labels, one=0, other=1, periodic=FREE):
    return interface_area(labels, voxel_size=1.0, periodic=periodic).between(one, other)


@pytest.mark.parametrize(("radius", "allowed"), [(10, 0.005), (20, 0.003), (40, 0.002)])
def test_a_sphere_has_its_true_area(radius, allowed):
    assert area(ball(radius, rng=np.random.default_rng(radius))) == pytest.approx(4 * math.pi * radius**2, rel=allowed)


def test_the_staircase_has_half_as_much_again():
    """The control: counted faces do not converge."""
    labels = ball(40).astype(int)
    faces = sum(np.abs(np.diff(labels, axis=axis)).sum() for axis in range(3))
    assert faces / (4 * math.pi * 40**2) == pytest.approx(1.5, rel=0.01)


def half_space(edge, normal, offset=0.0):
    """A half-space through a cube, and the area of its plane inside the cube by fine sampling."""
    x = np.arange(edge) + 0.5 - edge / 2
    height = x[:, None, None] * normal[0] + x[:, None] * normal[1] + x * normal[2] - offset
    across = np.linalg.svd(normal[None])[2][1:]
    line = (np.arange(500) + 0.5) / 500 * 2 * edge - edge
    points = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2) @ across + offset * normal
    return height, float(np.mean(np.abs(points).max(axis=1) <= edge / 2) * (2 * edge) ** 2)


def test_a_plane_in_any_direction_has_its_true_area():
    rng = np.random.default_rng(2)
    errors = []
    for _ in range(12):
        normal = rng.standard_normal(3)
        height, true = half_space(40, normal / np.linalg.norm(normal), rng.uniform(-2, 2))
        errors.append(area((height > 0).astype(np.uint8)) / true - 1)
    assert np.abs(errors).max() < 0.02  # half of it is what free sides hide
    assert abs(np.mean(errors)) < 0.01


@pytest.mark.parametrize("thickness", [1.5, 2.5, 4.0])
def test_a_thin_film_between_two_phases_keeps_both_its_areas(thickness):
    normal = np.array([0.48, 0.6, 0.64])
    height, true = half_space(40, normal)
    found = interface_area((height > 0).astype(int) + (height > thickness), voxel_size=1.0, periodic=FREE)
    assert found.between(0, 1) == pytest.approx(true, rel=0.03)
    assert found.between(1, 2) == pytest.approx(half_space(40, normal, thickness)[1], rel=0.03)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("periodic", [FREE, WRAPPED, (False, True, True)])
def test_layers_are_exact_wherever_they_lie(axis, periodic):
    labels = np.moveaxis(np.broadcast_to(np.array([0, 1, 1, 1, 2, 2, 2])[:, None, None], (7, 9, 8)), 0, axis)
    found = interface_area(labels, voxel_size=2.0, periodic=periodic)
    across = labels.size / 7 * 4.0
    assert found.between(0, 1) == found.between(2, 1) == pytest.approx(across)
    assert found.between(0, 2) == pytest.approx(across if periodic[axis] else 0.0)
    assert found.per_volume[0] == pytest.approx(1 / 14.0)


@pytest.mark.parametrize(("edge", "error"), [(10, -0.0895), (20, -0.0466), (40, -0.0237)])
def test_a_cube_loses_its_edges_and_no_more(edge, error):
    labels = np.pad(np.ones((edge,) * 3, np.uint8), 3)
    assert area(labels) / (6 * edge**2) - 1 == pytest.approx(error, abs=0.002)


def slow_areas(labels, periodic):
    """The same sums, voxel by voxel in plain Python."""
    shape, areas = labels.shape, {}

    def label(point):
        return labels[
            tuple(i % n if p else min(max(i, 0), n - 1) for i, n, p in zip(point, shape, periodic, strict=True))
        ]

    ball_of = list(itertools.product(range(-NORMAL_REACH, NORMAL_REACH + 1), repeat=3))
    for point in np.ndindex(shape):
        here, at = labels[point], np.array(point)
        around = {}
        for step, share in zip(STEPS, SHARES, strict=True):
            there = label(at + step)
            if there != here:
                around[there] = around.get(there, 0.0) + 2.0 * share
        for there, crossings in around.items():
            moment = np.zeros(3)
            for lag in map(np.array, ball_of):
                side = int(label(at + lag) == there) - int(label(at + lag) == here)
                moment += side * lag * np.exp(-0.5 * lag @ lag / NORMAL_WIDTH**2)
            norm = np.linalg.norm(moment)
            rate = 2.0 * np.sum(SHARES * np.abs(STEPS @ moment)) / norm if norm > 0 else 1.0
            pair = (min(here, there), max(here, there))
            areas[pair] = areas.get(pair, 0.0) + crossings / rate
    return areas


@pytest.mark.slow
@pytest.mark.parametrize("periodic", [FREE, (True, False, True)])
def test_areas_of_four_phases_agree_with_a_slow_twin(periodic):
    labels = random_medium((8, 7, 6), phases=4, seed=3, length=1.0) * 20
    found = interface_area(labels, voxel_size=1.0, periodic=periodic)
    slow = slow_areas(labels, periodic)
    assert len(found.pairs) == len(slow)
    for (one, other), value in slow.items():
        assert found.between(int(other), int(one)) == pytest.approx(value, rel=1e-6)


def test_the_directions_are_unbiased_over_all_planes():
    rates = [crossing_rate(STEPS, SHARES, *normal) for normal in sphere_points(2000)]
    assert np.mean(rates) == pytest.approx(1.0, abs=1e-3)
    for normal in np.eye(3):
        assert crossing_rate(STEPS, SHARES, *normal) == pytest.approx(0.9266, abs=1e-4)  # why one plane needs more


@pytest.mark.parametrize("seed", [1, 2])
def test_areas_turn_with_the_image_and_hang_on_no_labels(seed):
    labels = random_medium((24, 20, 22), phases=3, seed=seed)
    found = interface_area(labels, voxel_size=1.0, periodic=(False, True, False))
    for order in itertools.permutations(range(3)):
        turned = interface_area(
            labels.transpose(order)[::-1], voxel_size=1.0, periodic=tuple(np.array((False, True, False))[list(order)])
        )
        np.testing.assert_allclose(turned.areas, found.areas, rtol=1e-9)
    swapped = interface_area(np.array([9, 4, 200])[labels], voxel_size=1.0, periodic=(False, True, False))
    assert swapped.between(4, 200) == pytest.approx(found.between(1, 2), rel=1e-12)
    shifted = np.roll(labels, 5, axis=1)
    np.testing.assert_allclose(
        interface_area(shifted, voxel_size=1.0, periodic=(False, True, False)).areas, found.areas, rtol=1e-9
    )


def test_areas_agree_with_a_marching_cubes_mesh():
    field = gaussian_filter(np.random.default_rng(5).standard_normal((64,) * 3), 5.0)
    mesh = mesh_surface_area(*marching_cubes(field, 0.0)[:2])
    inner = area((field > 0).astype(np.uint8))
    assert inner == pytest.approx(mesh * 64 / 63, rel=0.02)  # the mesh ends half a voxel before each side
    staircase = mesh_surface_area(*marching_cubes((field > 0).astype(float), 0.5)[:2])
    assert staircase > 1.05 * mesh  # the usual mesh of a label image is too large


def test_areas_are_the_same_for_any_number_of_threads():
    labels = random_medium((30, 20, 20), phases=3, seed=1)
    both = interface_area(labels, voxel_size=1.0, periodic=WRAPPED).areas
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        np.testing.assert_array_equal(interface_area(labels, voxel_size=1.0, periodic=WRAPPED).areas, both)
    finally:
        numba.set_num_threads(threads)


def slow_correlation(one, other, periodic, step, axis):
    """Pairs of voxels a step apart along an axis, forwards and backwards, counted one by one."""
    hits = pairs = 0
    for point in np.ndindex(one.shape):
        for sign in (1, -1):
            end = list(point)
            end[axis] += sign * step
            if not periodic[axis] and not 0 <= end[axis] < one.shape[axis]:
                continue
            end[axis] %= one.shape[axis]
            pairs += 1
            hits += bool(one[point] and other[tuple(end)])
    return hits / pairs


@pytest.mark.parametrize("periodic", [FREE, WRAPPED, (False, True, False)])
@pytest.mark.parametrize("other", [None, 2])
def test_correlation_agrees_with_a_slow_twin(periodic, other):
    labels = random_medium((9, 12, 10), phases=3, seed=4, length=1.0)
    found = two_point_correlation(labels, 0, other, voxel_size=2.0, periodic=periodic)
    one, two = labels == 0, labels == (0 if other is None else other)
    for axis, line in enumerate(found.along):
        assert len(line) == labels.shape[axis] // 2 + 1
        for step in range(len(line)):
            assert line[step] == pytest.approx(slow_correlation(one, two, periodic, step, axis), abs=1e-12)


def test_radial_mean_agrees_with_a_slow_twin():
    labels = random_medium((8, 9, 8), phases=2, seed=6, length=1.0)
    found = two_point_correlation(labels, 1, voxel_size=1.0, periodic=FREE)
    points = np.argwhere(np.ones_like(labels))
    lags = points[:, None] - points
    inside = np.all(np.abs(lags) <= np.array(labels.shape) // 2, axis=2)
    lengths = np.linalg.norm(lags, axis=2)
    both = np.multiply.outer(labels.ravel() == 1, labels.ravel() == 1)
    for shell in range(5):
        chosen = inside & (np.rint(lengths) == shell)
        assert found.radial[shell] == pytest.approx(both[chosen].mean(), abs=1e-12)
        assert found.distances[shell] == pytest.approx(lengths[chosen].mean())


def test_correlation_begins_at_the_fraction_and_ends_at_its_square():
    labels = random_medium((96, 96, 96), phases=3, seed=7, length=2.0)
    share = phase_fractions(labels).of(1)
    found = two_point_correlation(labels, 1, voxel_size=1e-8, periodic=WRAPPED)
    assert found.radial[0] == pytest.approx(share, abs=1e-15)
    assert found.uncorrelated == pytest.approx(share**2)
    assert found.radial[20:].mean() == pytest.approx(share**2, rel=0.02)
    assert abs(found.radial[1] - share**2) > 0.1 * share  # the control
    cross = two_point_correlation(labels, 1, 2, voxel_size=1e-8, periodic=WRAPPED)
    assert cross.radial[0] == 0.0
    assert cross.radial[20:].mean() == pytest.approx(share * phase_fractions(labels).of(2), rel=0.02)


def test_slope_at_zero_is_a_quarter_of_the_area_per_volume():
    """Debye: S2(r) = fraction - r area / (4 volume)."""
    labels = random_medium((80, 80, 80), phases=2, seed=8, length=5.0)
    found = two_point_correlation(labels, 1, voxel_size=1.0, periodic=WRAPPED, reach=3.0)
    slope = np.mean([line[1] - line[0] for line in found.along])
    surface = interface_area(labels, voxel_size=1.0, periodic=WRAPPED).per_volume[0]
    assert -4.0 * slope == pytest.approx(surface, rel=0.02)
    assert all(len(line) == 4 for line in found.along)


def coated(radius, thickness, *, edge=40, voxel=1e-8, bare=0.0, centre=None):
    """One core with an even coat whose cap up to a share `bare` of the surface is missing, in a box with free sides."""
    middle = np.full(3, edge / 2) if centre is None else np.asarray(centre)
    x, y, z = (np.arange(edge) + 0.5 - one for one in middle)
    distance = np.sqrt(x[:, None, None] ** 2 + y[:, None] ** 2 + z**2)
    labels = np.where(distance < radius, Phase.CORE, np.where(distance < radius + thickness, Phase.MATRIX, Phase.PORE))
    height = np.broadcast_to(x[:, None, None], distance.shape) / distance
    labels[(height > 1.0 - 2.0 * bare) & (labels == Phase.MATRIX)] = Phase.PORE
    box = np.full(3, edge * voxel)
    packing = Packing(middle[None] * voxel, np.array([2 * radius * voxel]), box, FREE, 0.1, 0.0, "relax")
    owners = np.zeros(labels.shape, np.int32)
    return Structure(labels.astype(np.uint8), voxel, FREE, tuple(box), owners=owners, cores=packing)


@pytest.mark.parametrize("thickness", [1.5, 3.0, 5.3])
def test_an_even_coat_has_its_thickness_between_voxels(thickness):
    found = measure_coats(coated(12.3, thickness, centre=(20.2, 19.6, 20.4)))
    assert found.coverage > 0.99
    assert found.mean() == pytest.approx(thickness * 1e-8, abs=0.1e-8)
    assert found.median("volume") == pytest.approx(thickness * 1e-8, abs=0.15e-8)
    assert found.quantile(0.95) - found.quantile(0.05) < 1.2e-8
    shell = 4 / 3 * math.pi * ((12.3 + thickness) ** 3 - 12.3**3)
    assert found.volume.sum() * 1e24 == pytest.approx(shell, rel=0.06)
    assert found.area.sum() * 1e16 == pytest.approx(4 * math.pi * 12.3**2)


@pytest.mark.parametrize("bare", [0.0, 0.25, 0.5, 1.0])
def test_coverage_is_that_of_the_true_sphere(bare):
    found = measure_coats(coated(14.0, 3.0, bare=bare))
    assert found.coverage == pytest.approx(1.0 - bare, abs=0.02)
    assert np.mean(found.thickness == 0) == pytest.approx(bare, abs=0.02)
    thick = measure_coats(coated(14.0, 3.0, bare=bare), least=4.2e-8)
    assert thick.coverage == 0.0
    if bare == 1.0:
        with pytest.raises(ValueError, match="no coat"):
            found.mean("volume")


def test_rays_end_at_the_seam_the_wall_and_half_way_to_the_next_image():
    one = coated(5.0, 100.0, edge=20)
    found = measure_coats(one, points=2000)
    directions = sphere_points(2000)
    walls = 10.0 / np.abs(directions).max(axis=1) - 5.0
    np.testing.assert_allclose(found.thickness * 1e8, walls, atol=1e-9)
    wrapped = Structure(one.labels, one.voxel_size, WRAPPED, one.box, owners=one.owners, cores=one.cores)
    np.testing.assert_allclose(measure_coats(wrapped, points=2000).thickness * 1e8, walls, atol=1e-9)
    owners = np.zeros_like(one.owners)
    owners[17:] = 1  # the neighbour's region
    seamed = Structure(one.labels, one.voxel_size, FREE, one.box, owners=owners, cores=one.cores)
    seam = np.where(directions[:, 0] > 0, 7.0 / np.maximum(directions[:, 0], 1e-9) - 5.0, np.inf)
    np.testing.assert_allclose(measure_coats(seamed, points=2000).thickness * 1e8, np.minimum(walls, seam), atol=0.3)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rays_go_on_through_each_periodic_side_alone(axis):
    middle = np.full(3, 10.0)
    middle[axis] = 1.0  # the core reaches over the side
    whole = coated(5.0, 3.0, edge=20)
    shifted = [np.roll(field, -9, axis=axis) for field in (whole.labels, whole.owners)]
    periodic = tuple(one == axis for one in range(3))
    cores = Packing(middle[None] * 1e-8, whole.cores.diameters, whole.cores.box, periodic, 0.1, 0.0, "relax")
    moved = Structure(shifted[0], 1e-8, periodic, whole.box, owners=shifted[1], cores=cores)
    np.testing.assert_allclose(measure_coats(moved).thickness, measure_coats(whole).thickness, rtol=1e-9)
    walled = Structure(shifted[0], 1e-8, FREE, whole.box, owners=shifted[1], cores=cores)
    assert measure_coats(walled).coverage < 0.7


def test_statistics_of_a_list_weigh_by_area_or_volume():
    found = coat_statistics([0.0, 1.0, 3.0], [1.0, 2.0, 1.0])
    assert (found.mean(), found.mean("volume"), found.median(), found.median("volume")) == (1.25, 2.2, 1.0, 3.0)
    assert (found.coverage, coat_statistics([0.0, 1.0, 3.0], [1.0, 2.0, 1.0], least=2.0).coverage) == (0.75, 0.25)
    assert (found.quantile(0.0), found.quantile(0.25), found.quantile(1.0)) == (0.0, 0.0, 3.0)
    shell = coat_statistics([1.0], [4 * math.pi * 9.0], radius=[3.0])
    assert shell.volume[0] == pytest.approx(4 / 3 * math.pi * (4**3 - 3**3))


def test_a_lognormal_thickness_weighs_as_hatch_and_choate_say():
    """The median by volume of a flat coat lies exp(width^2) above that by area."""
    draw = np.exp(0.3 * np.random.default_rng(1).standard_normal(200_000))
    found = coat_statistics(draw, np.ones(draw.size))
    assert found.median() == pytest.approx(1.0, rel=5e-3)
    assert found.median("volume") == pytest.approx(math.exp(0.3**2), rel=5e-3)
    assert found.mean() == pytest.approx(math.exp(0.5 * 0.3**2), rel=3e-3)


def test_points_on_the_sphere_are_even():
    points = sphere_points(1000)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1.0)
    np.testing.assert_allclose(points.T @ points / 1000, np.eye(3) / 3, atol=1e-4)


BAD_IMAGES = [
    (np.zeros((3, 3, 3)), TypeError),
    (np.zeros((3, 3), np.uint8), ValueError),
    (np.zeros((0, 3, 3), np.uint8), ValueError),
    (np.full((3, 3, 3), 256), ValueError),
    (np.full((3, 3, 3), -1), ValueError),
]


@pytest.mark.parametrize(("labels", "error"), BAD_IMAGES)
def test_what_is_no_image_is_refused(labels, error):
    with pytest.raises(error, match="labels"):
        phase_fractions(labels)
    with pytest.raises(error, match="labels"):
        interface_area(labels, voxel_size=1.0, periodic=FREE)
    with pytest.raises(error, match="labels"):
        two_point_correlation(labels, 1, voxel_size=1.0, periodic=FREE)


def test_bad_arguments_are_refused():
    labels = np.zeros((3, 3, 3), np.uint8)
    with pytest.raises(ValueError, match="voxel_size"):
        interface_area(labels, voxel_size=-1.0, periodic=FREE)
    with pytest.raises(TypeError, match="periodic"):
        interface_area(labels, voxel_size=1.0, periodic=True)
    with pytest.raises(TypeError, match="periodic"):
        interface_area(labels, voxel_size=1.0, periodic=(1, 0, 1))
    with pytest.raises(ValueError, match="periodic"):
        interface_area(labels, voxel_size=1.0, periodic=(True,))
    with pytest.raises(ValueError, match="reach"):
        two_point_correlation(labels, 1, voxel_size=1.0, periodic=FREE, reach=math.nan)
    with pytest.raises(ValueError, match="cores"):
        measure_coats(Structure(labels, 1.0, FREE, (3.0, 3.0, 3.0)))
    with pytest.raises(TypeError, match="structure"):
        measure_coats(labels)
    with pytest.raises(ValueError, match="points"):
        measure_coats(coated(5.0, 2.0, edge=20), points=0)
    with pytest.raises(ValueError, match="least"):
        measure_coats(coated(5.0, 2.0, edge=20), least=math.nan)
    with pytest.raises(ValueError, match="twice"):
        interface_area(labels, voxel_size=1.0, periodic=FREE).between(1, 1)
    for bad in ([-1.0], [math.nan], [], [[1.0]]):
        with pytest.raises(ValueError, match="thickness"):
            coat_statistics(bad, [1.0])
    with pytest.raises(TypeError, match="thickness"):
        coat_statistics(["thick"], [1.0])
    with pytest.raises(ValueError, match="one length"):
        coat_statistics([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="share"):
        coat_statistics([1.0], [1.0]).quantile(1.5)
    with pytest.raises(ValueError, match="weighting"):
        coat_statistics([1.0], [1.0]).mean("mass")
