"""Faceted cores: exact volumes and aspect ratios, distances against slow twins, borders half-way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import nnls
from scipy.spatial import ConvexHull

from microstructure.cores._facets import spread
from microstructure.cores._shapes import foot, gap, ray_to_border
from microstructure.cores.facets import Facets
from microstructure.cores.shapes import Bodies

SHAPES = [
    Facets(1.0, 0.9, 6),
    Facets(1.3, 0.8, 14),
    Facets(2.0, 0.5, 30),
    Facets(1.5, 0.01, 14),  # nearly flat polyhedra
    Facets(2.0, 0.0, 14),
    Facets(1.0, 1e-6, 14),  # nearly spheres
    Facets(5.0, 0.99, 8),
]


def generator(seed=1):
    return np.random.default_rng(seed)


def draw(shape, count=4, seed=1, diameter=2.0):
    return shape.draw(np.full(count, diameter), rng=generator(seed))


def corners(bodies, i):
    return bodies.corners[bodies.start[i] : bodies.start[i + 1]]


def faces(bodies, i):
    chosen = slice(bodies.face_start[i], bodies.face_start[i + 1])
    return bodies.normals[chosen], bodies.offsets[chosen]


def arguments(bodies, i):
    normals, faces = bodies.normals, bodies.face_start
    span = bodies.start[i], bodies.start[i + 1]
    return (bodies.corners, *span, normals, bodies.offsets, faces[i], faces[i + 1], bodies.rounding[i])


def slow_distance(points, point):
    """Distance of a point to the hull of points: least squares with shares that are not negative and add up to 1."""
    heavy = 1e5
    shares, _ = nnls(np.vstack((points.T, np.full(len(points), heavy))), np.append(point, heavy), maxiter=10_000)
    return float(np.linalg.norm(points.T @ (shares / shares.sum()) - point))


def slow_gap(first, second):
    """Distance of two hulls: the same with the shares of both."""
    n, m, heavy = len(first), len(second), 1e5
    sums = heavy * np.block([[np.ones(n), np.zeros(m)], [np.zeros(n), np.ones(m)]])
    shares, _ = nnls(np.vstack((np.hstack((first.T, -second.T)), sums)), [0, 0, 0, heavy, heavy], maxiter=10_000)
    return float(np.linalg.norm(first.T @ shares[:n] / shares[:n].sum() - second.T @ shares[n:] / shares[n:].sum()))


def directions(count, rng):
    vectors = rng.standard_normal((count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


# Known answers


def test_a_cube_with_rounded_edges():
    cube = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    normals = np.vstack((np.eye(3), -np.eye(3)))
    edges = 12 * 2.0
    steiner = np.array([[8.0, 24.0, 0.5 * edges * math.pi / 2]])
    bodies = Bodies(
        cube, np.array([0, 8]), normals, np.ones(6), np.array([0, 6]), np.array([0.5]), steiner, np.eye(3)[None]
    )
    # six slabs, twelve quarter cylinders, one ball in eight pieces
    volume = 8 + 6 * 4 * 0.5 + 12 * 2 * math.pi * 0.25 / 4 + 4 / 3 * math.pi * 0.125
    assert bodies.volumes[0] == pytest.approx(volume, rel=1e-14)
    assert bodies.areas[0] == pytest.approx(24 + 12 * 2 * math.pi * 0.5 / 2 + math.pi, rel=1e-14)
    assert bodies.outer_radius[0] == pytest.approx(math.sqrt(3) + 0.5)
    assert bodies.inner_radius[0] == pytest.approx(1.5)
    body = arguments(bodies, 0)
    assert foot(*body, 3.0, 0.2, 0.1) == pytest.approx((1.5, 1, 0, 0))
    assert foot(*body, 4.0, 5.0, 0.1) == pytest.approx((4.5, 0.6, 0.8, 0))
    assert foot(*body, 2.0, 3.0, 3.0) == pytest.approx((2.5, 1 / 3, 2 / 3, 2 / 3))
    assert foot(*body, 0.0, -0.25, 0.0) == pytest.approx((-1.25, 0, -1, 0))
    assert foot(*body, 1.3, 0.0, 0.0) == pytest.approx((-0.2, 1, 0, 0))


def test_a_sphere_is_the_body_of_one_corner():
    spheres = Bodies.spheres(np.array([2.0, 3.0]))
    assert spheres.volumes == pytest.approx(math.pi / 6 * np.array([8.0, 27.0]))
    assert spheres.areas == pytest.approx(math.pi * np.array([4.0, 9.0]))
    assert spheres.outer_radius == pytest.approx([1.0, 1.5])
    assert spheres.inner_radius == pytest.approx([1.0, 1.5])
    for point in generator().standard_normal((20, 3)):
        distance = np.linalg.norm(point)
        assert foot(*arguments(spheres, 0), *point) == pytest.approx((distance - 1, *(point / distance)), abs=1e-14)
    assert foot(*arguments(spheres, 0), 0.0, 0.0, 0.0)[0] == -1.0


def test_no_sharpness_and_no_aspect_gives_spheres():
    bodies = Facets(1.0, 0.0).draw([2e-6, 3e-6], rng=generator())
    assert bodies.rounding == pytest.approx([1e-6, 1.5e-6])
    assert len(bodies.corners) == 2
    assert bodies.normals.size == 0


def test_the_border_between_two_spheres_is_the_closed_form():
    rng = generator()
    radii, reached = np.array([1.0, 0.6]), 0
    spheres = Bodies.spheres(2.0 * radii)
    difference = radii[1] - radii[0]
    for normal, way, distance in zip(directions(200, rng), directions(200, rng), rng.uniform(1.2, 4, 200), strict=True):
        vector = distance * way
        along = normal @ vector + difference
        expected = 0.5 * (vector @ vector - difference**2) / along - radii[0] if along > 0 else math.inf
        height = ray_to_border(*arguments(spheres, 1), *(radii[0] * normal - vector), *normal, math.inf)
        assert height == pytest.approx(expected, rel=1e-9, abs=1e-12)
        reached += math.isfinite(expected)
    assert 50 < reached < 150


# Laws


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_every_body_has_the_volume_and_the_extents_asked(shape):
    diameters = np.array([1e-6, 2e-6, 5e-6])
    bodies = shape.draw(diameters, rng=generator())
    assert bodies.volumes == pytest.approx(math.pi / 6 * diameters**3, rel=1e-12)
    assert bodies.diameters == pytest.approx(diameters, rel=1e-12)
    longest, middle, shortest = bodies.extents.T
    assert longest / shortest == pytest.approx(shape.aspect_ratio, rel=1e-5)
    assert middle**2 == pytest.approx(longest * shortest, rel=1e-5)
    assert 1 - 2 * bodies.rounding / shortest == pytest.approx(shape.sharpness, abs=1e-5)
    assert np.all(np.diff(bodies.face_start) == shape.faces)
    assert np.all(bodies.inner_radius <= 0.5 * shortest)
    assert np.all(bodies.outer_radius >= 0.5 * longest)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape.sharpness > 0.1], ids=repr)
def test_volume_and_area_of_the_polyhedra_are_those_of_an_independent_program(shape):
    bodies = draw(shape)
    for i in range(bodies.count):
        hull = ConvexHull(corners(bodies, i))
        assert bodies.steiner[i, :2] == pytest.approx([hull.volume, hull.area], rel=1e-10)
        normals, offsets = faces(bodies, i)
        assert np.max(corners(bodies, i) @ normals.T - offsets) < 1e-12
        assert np.max(np.abs(np.max(corners(bodies, i) @ normals.T, axis=0) - offsets)) < 1e-12


def test_volume_by_throwing_points():
    bodies, rng, thrown = draw(Facets(1.5, 0.6, 10), count=1), generator(2), 40_000
    half = bodies.outer_radius[0]
    inside = np.array([foot(*arguments(bodies, 0), *point)[0] < 0 for point in rng.uniform(-half, half, (thrown, 3))])
    expected = bodies.volumes[0] / (2 * half) ** 3
    assert inside.mean() == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / thrown))
    # without the term of the mean curvature it would show
    missing = bodies.steiner[0, 2] * bodies.rounding[0] ** 2 / (2 * half) ** 3
    assert missing > 8 * math.sqrt(expected * (1 - expected) / thrown)


def test_each_body_has_a_shape_of_its_own_and_lies_at_random():
    bodies = draw(Facets(2.0, 0.8, 14), count=400)
    assert len(np.unique(bodies.steiner[:, 1].round(9))) == 400
    share = np.mean(bodies.axes[:, 0] ** 2, axis=0)  # a third each, with a variance of 4/45
    assert np.all(np.abs(share - 1 / 3) < 4 * math.sqrt(4 / 45 / 400))
    skewed = bodies.turned(np.tile([0.0, 0.0, 0.0, 1.0], (400, 1))).axes[:, 0] ** 2 * [1.0, 0.5, 0.5]
    assert np.any(np.abs(np.mean(skewed, axis=0) - 1 / 3) > 4 * math.sqrt(4 / 45 / 400))


def test_the_same_seed_gives_the_same_bytes():
    shape = Facets()
    assert draw(shape).corners.tobytes() == draw(shape).corners.tobytes()
    assert draw(shape).corners.tobytes() != draw(shape, seed=2).corners.tobytes()


def test_turning_moves_what_it_should():
    bodies = draw(Facets(1.7, 0.7, 12))
    quarter = np.tile([0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5)], (4, 1))  # x to y
    turned = bodies.turned(quarter)
    assert turned.corners == pytest.approx(np.column_stack((-bodies.corners[:, 1], *bodies.corners.T[[0, 2]])))
    assert turned.extents == pytest.approx(bodies.extents)
    assert turned.volumes == pytest.approx(bodies.volumes)
    point = np.array([1.7, -0.4, 0.9])
    before, after = foot(*arguments(bodies, 0), *point), foot(*arguments(turned, 0), 0.4, 1.7, 0.9)
    assert after == pytest.approx((before[0], -before[2], before[1], before[3]))
    back = turned.turned(quarter * [1, 1, -1, 1])
    assert back.corners == pytest.approx(bodies.corners, abs=1e-14)


def test_scaling_scales_lengths_areas_and_volumes():
    bodies = draw(Facets())
    grown = bodies.scaled([1.0, 2.0, 3.0, 4.0])
    assert grown.volumes / bodies.volumes == pytest.approx([1, 8, 27, 64])
    assert grown.areas / bodies.areas == pytest.approx([1, 4, 9, 16])
    assert grown.inner_radius / bodies.inner_radius == pytest.approx([1, 2, 3, 4])


@pytest.mark.parametrize("diameter", [2.0, 3.3e-6])
@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_the_foot_of_a_point_is_that_of_the_slow_twin(shape, diameter):
    bodies, rng = draw(shape, count=3, diameter=diameter), generator(2)
    above = 0
    for k in range(60):
        i, point = k % 3, 0.5 * diameter * rng.choice([0.4, 1.0, 3.0]) * rng.standard_normal(3)
        height, *normal = foot(*arguments(bodies, i), *point)
        assert np.linalg.norm(normal) == pytest.approx(1.0, abs=1e-12)
        distance = height + bodies.rounding[i]
        if distance > 0:
            above += 1
            slow = slow_distance(corners(bodies, i) / diameter, point / diameter)
            assert distance / diameter == pytest.approx(slow, abs=1e-8)
            # the normal is that of a plane which parts point and polyhedron by just this distance
            parted = normal @ point - np.max(corners(bodies, i) @ normal)
            assert parted / diameter == pytest.approx(distance / diameter, abs=1e-13)
        else:
            normals, offsets = faces(bodies, i)
            assert distance == pytest.approx(np.max(normals @ point - offsets), abs=1e-12 * diameter)
    assert above > 20


def test_distances_are_those_to_a_dense_sample_of_the_surface():
    bodies, rng = draw(Facets(1.6, 0.6, 8), count=1), generator(3)
    surface = []
    for way in directions(8_000, rng):  # a surface point in each direction, by walking along it
        along = 0.0
        for _ in range(30):
            height = foot(*arguments(bodies, 0), *(along * way))[0]
            along -= height if height < -1e-9 else 0.0
        surface.append(along * way)
    surface = np.array(surface)
    spacing = 4 * bodies.outer_radius[0] / math.sqrt(len(surface))
    for point in rng.standard_normal((30, 3)) * 1.2:
        height = foot(*arguments(bodies, 0), *point)[0]
        nearest = np.min(np.linalg.norm(surface - point, axis=1))
        assert abs(height) - 1e-6 <= nearest <= abs(height) + 3 * spacing


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_the_gap_of_two_bodies(shape):
    bodies, rng = draw(shape, count=6), generator(4)
    solids, apart, shallow = bodies.solids, 0, 0
    for k in range(80):
        i, j = rng.choice(6, 2, replace=False)
        vector = directions(1, rng)[0] * rng.uniform(0.7, 2.2) * 0.5 * (bodies.outer_radius[i] + bodies.outer_radius[j])
        distance, normal, first, second = (np.array(part) for part in gap(solids, i, j, *vector))
        assert np.linalg.norm(normal) == pytest.approx(1.0, abs=1e-12)
        assert (vector + second - first) @ normal == pytest.approx(distance, abs=1e-6)
        swapped = gap(solids, j, i, *-vector)
        rounding = bodies.rounding[i] + bodies.rounding[j]
        if distance > -rounding + 1e-6:
            apart, shallow = apart + (distance > 0), shallow + (distance < 0)
            near, far = np.max(corners(bodies, i) @ normal), np.min((corners(bodies, j) + vector) @ normal)
            assert far - near - rounding == pytest.approx(distance, abs=1e-12)  # parted by no less
            assert vector + second - first == pytest.approx(distance * normal, abs=1e-7)  # and by no more
            assert foot(*arguments(bodies, i), *first)[0] == pytest.approx(0, abs=1e-7)
            assert foot(*arguments(bodies, j), *second)[0] == pytest.approx(0, abs=1e-7)
            assert swapped[0] == pytest.approx(distance, abs=1e-12)
        if k < 20:
            slow = slow_gap(corners(bodies, i), corners(bodies, j) + vector)
            assert max(distance + rounding, 0.0) == pytest.approx(slow, abs=1e-6)
    assert apart > 10


def test_the_depth_of_polyhedra_inside_each_other():
    """Never less than the least depth, which the difference body of the two gives, and mostly that."""
    bodies, rng = draw(Facets(1.3, 0.9, 8), count=6), generator(5)
    over = []
    while len(over) < 300:
        i, j = rng.choice(6, 2, replace=False)
        vector = directions(1, rng)[0] * rng.uniform(0.0, 2.0)
        depth = -gap(bodies.solids, i, j, *vector)[0] - bodies.rounding[i] - bodies.rounding[j]
        if depth > 1e-6:
            difference = (corners(bodies, j) + vector)[:, None] - corners(bodies, i)[None]
            least = -np.max(ConvexHull(difference.reshape(-1, 3)).equations[:, 3])
            over.append(depth / least)
    assert min(over) > 1 - 1e-6
    assert np.mean(np.array(over) < 1.0001) > 0.77
    assert max(over) < 1.4


def test_two_spheres_with_one_centre_and_a_body_with_itself():
    spheres = Bodies.spheres(np.array([2.0, 3.0]))
    distance, normal, *_ = gap(spheres.solids, 0, 1, 0.0, 0.0, 0.0)
    assert distance == pytest.approx(-2.5)
    assert np.linalg.norm(normal) == pytest.approx(1.0)
    bodies = draw(Facets())
    assert gap(bodies.solids, 0, 0, 0.0, 0.0, 0.0)[0] < -2 * bodies.rounding[0]
    far = gap(bodies.solids, 0, 0, 5.0, 0.0, 0.0)[0]
    assert far == pytest.approx(5 - np.ptp(bodies.corners[: bodies.start[1], 0]) - 2 * bodies.rounding[0], abs=0.5)


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_the_border_is_as_far_from_both_bodies(shape):
    bodies, rng = draw(shape, count=6), generator(6)
    found, missed = 0, 0
    for _ in range(120):
        i, j = rng.choice(6, 2, replace=False)
        normal = directions(1, rng)[0]
        vector = directions(1, rng)[0] * (bodies.outer_radius[i] + bodies.outer_radius[j]) * rng.uniform(1.0, 2.0)
        support = corners(bodies, i)[np.argmax(corners(bodies, i) @ normal)]
        start = support + bodies.rounding[i] * normal
        height = ray_to_border(*arguments(bodies, j), *(start - vector), *normal, math.inf)
        if math.isinf(height):
            missed += 1  # no point of the body lies in front of the tangent plane
            assert np.max((corners(bodies, j) + vector) @ normal) + bodies.rounding[j] <= start @ normal + 1e-12
            continue
        found += 1
        border = start + height * normal
        size = max(1.0, height)
        assert foot(*arguments(bodies, i), *border)[0] == pytest.approx(height, abs=1e-9 * size)
        assert foot(*arguments(bodies, j), *(border - vector))[0] == pytest.approx(height, abs=1e-9 * size)
        capped = ray_to_border(*arguments(bodies, j), *(start - vector), *normal, 0.5 * height)
        assert math.isinf(capped) or capped == pytest.approx(height, abs=1e-9 * size)
    assert min(found, missed) > 20


def test_normals_spread_evenly_and_stay_unit_vectors():
    normals = directions(40, generator()).reshape(2, 20, 3)

    def nearest(vectors):
        products = vectors @ vectors.T - 2 * np.eye(len(vectors))
        return math.acos(min(1.0, products.max()))

    before = [nearest(row) for row in normals]
    spread(normals, 60)
    assert np.linalg.norm(normals, axis=2) == pytest.approx(1.0)
    spacing = math.sqrt(4 * math.pi / 20)
    assert max(before) < 0.5 * spacing
    assert min(nearest(row) for row in normals) > 0.8 * spacing


# Bad input


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"aspect_ratio": 0.9}, ValueError),
        ({"aspect_ratio": math.nan}, ValueError),
        ({"aspect_ratio": 20.0}, ValueError),
        ({"aspect_ratio": "1.3"}, TypeError),
        ({"aspect_ratio": True}, TypeError),
        ({"sharpness": 1.0}, ValueError),
        ({"sharpness": -0.1}, ValueError),
        ({"sharpness": math.nan}, ValueError),
        ({"sharpness": None}, TypeError),
        ({"faces": 5}, ValueError),
        ({"faces": 31}, ValueError),
        ({"faces": 14.0}, TypeError),
    ],
)
def test_bad_shapes_are_refused(arguments, error):
    with pytest.raises(error, match=next(iter(arguments))):
        Facets(**arguments)


def test_bad_draws_are_refused():
    with pytest.raises(TypeError, match="rng"):
        Facets().draw([1e-6], rng=1)
    for wrong in ([], [0.0], [math.nan], [[1e-6]]):
        with pytest.raises(ValueError, match="diameter"):
            Facets().draw(wrong, rng=generator())
    bodies = draw(Facets())
    for wrong in (np.zeros((4, 4)), np.ones((3, 4)), np.full((4, 4), np.nan)):
        with pytest.raises(ValueError, match="quaternion"):
            bodies.turned(wrong)
    with pytest.raises(TypeError, match="quaternions"):
        bodies.turned(["a"])
    for wrong in (0.0, [1.0, 2.0], math.inf):
        with pytest.raises(ValueError, match="factor"):
            bodies.scaled(wrong)
    with pytest.raises(TypeError, match="factors"):
        bodies.scaled("2")


def test_the_caller_keeps_what_he_gave():
    diameters = np.array([1e-6, 2e-6])
    bodies = Facets().draw(diameters, rng=generator())
    kept = bodies.corners.copy()
    bodies.turned(np.tile([1.0, 0.0, 0.0, 1.0], (2, 1)))
    bodies.scaled(2.0)
    assert diameters.tolist() == [1e-6, 2e-6]
    assert np.array_equal(kept, bodies.corners)
    assert repr(bodies) == "Bodies(2 bodies of up to 14 faces, mean diameter 1.5 um)"
