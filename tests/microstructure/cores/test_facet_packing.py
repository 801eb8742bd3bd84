"""Packing of faceted cores: exact fractions, no overlap by a slow twin, walls, coats, targets out of reach."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from microstructure.cores._facet_packing import copy_of, near_pairs, overlap_forces, spin, turn_all, wall_forces
from microstructure.cores._shapes import gap
from microstructure.cores.facet_packing import pack_bodies
from microstructure.cores.facets import Facets
from microstructure.cores.sizes import Equal, Lognormal
from microstructure.errors import PackingError

CORES = Lognormal(3.3e-6, 0.3)
WALLED = list(itertools.product([False, True], repeat=3))


def generator(seed=1):
    return np.random.default_rng(seed)


def slow_overlap(packing):
    """Largest overlap over the smaller diameter, all pairs and all images within a box one by one."""
    bodies, worst = packing.bodies.scaled(1e6), 0.0
    reaches = [range(-1, 2) if periodic else (0,) for periodic in packing.periodic]
    for shift in itertools.product(*reaches):
        for i, j in itertools.combinations_with_replacement(range(packing.count), 2):
            if i == j and shift == (0, 0, 0):
                continue
            vector = 1e6 * (packing.centres[j] + np.array(shift) * packing.box - packing.centres[i])
            if np.linalg.norm(vector) < bodies.outer_radius[i] + bodies.outer_radius[j]:
                distance = gap(bodies.solids, i, j, *vector)[0]
                worst = max(worst, -distance / (1e6 * min(packing.diameters[i], packing.diameters[j])))
    return worst


def check_packing(packing, fraction):
    volume = packing.bodies.volumes.sum() / np.prod(packing.box)
    assert packing.fraction == pytest.approx(volume, rel=1e-12)
    assert packing.fraction == pytest.approx(fraction, abs=1e-9)
    assert packing.diameters == pytest.approx(packing.bodies.diameters, rel=1e-12)
    assert packing.overlap <= 3e-4
    bodies = packing.bodies
    lowest = packing.centres + np.minimum.reduceat(bodies.corners, bodies.start[:-1]) - bodies.rounding[:, None]
    highest = packing.centres + np.maximum.reduceat(bodies.corners, bodies.start[:-1]) + bodies.rounding[:, None]
    for axis, periodic in enumerate(packing.periodic):
        x, edge = packing.centres[:, axis], packing.box[axis]
        if periodic:
            assert np.all((x >= 0) & (x < edge))
        else:
            assert np.all((lowest[:, axis] > -1e-15 * edge) & (highest[:, axis] < (1 + 1e-15) * edge))


def energy_and_forces(bodies, centres, quaternions, box, periodic):
    solids = copy_of(bodies.solids, 1.0, 0.0)
    turn_all(bodies.solids, quaternions, 1.0, solids)
    forces, diameters, levers = np.zeros((bodies.count, 6)), bodies.diameters, bodies.outer_radius
    pairs, shifts, axes, _ = near_pairs(solids, bodies.outer_radius, centres, box, periodic, 0.1)
    pair_energy, _ = overlap_forces(solids, diameters, levers, centres, pairs, shifts, axes, forces)
    wall_energy, _ = wall_forces(solids, diameters, levers, centres, box, periodic, forces)
    return 0.5 * (pair_energy + wall_energy), forces


# Known answers


def test_two_long_bodies_in_a_box_too_thin_to_lie_across():
    packing = pack_bodies(Facets(2.0, 0.9), [2e-6, 2e-6], box=(6e-6, 5e-6, 5e-6), rng=generator())
    check_packing(packing, 2 * math.pi / 6 * 8 / 150)
    assert slow_overlap(packing) <= 1e-4


def test_spheres_pack_as_spheres_do():
    packing = pack_bodies(Facets(1.0, 0.0), Equal(2e-6), fraction=0.6, count=60, periodic=(True,) * 3, rng=generator())
    check_packing(packing, 0.6)
    assert packing.bodies.rounding == pytest.approx(1e-6)
    vectors = packing.centres[:, None] - packing.centres
    vectors -= packing.box * np.rint(vectors / packing.box)
    distances = np.linalg.norm(vectors, axis=2)[np.triu_indices(60, 1)]
    assert 1 - distances.min() / 2e-6 == pytest.approx(packing.overlap, abs=1e-9)
    with pytest.raises(PackingError) as caught:  # random close packing is the end
        pack_bodies(Facets(1.0, 0.0), Equal(2e-6), fraction=0.8, count=60, periodic=(True,) * 3, rng=generator())
    assert 0.60 < caught.value.best.fraction < 0.66


# Laws


@pytest.mark.parametrize("periodic", WALLED)
def test_fraction_walls_and_overlap(periodic):
    packing = pack_bodies(Facets(), CORES, fraction=0.5, count=25, periodic=periodic, rng=generator())
    check_packing(packing, 0.5)
    assert packing.overlap == pytest.approx(slow_overlap(packing), abs=1e-9)
    assert packing.periodic == periodic
    assert packing.method == "relax"


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape",
    [Facets(1.0, 0.9), Facets(1.3, 0.99, 8), Facets(2.0, 0.9), Facets(2.0, 0.0), Facets(1.5, 0.5, 30)],
    ids=repr,
)
def test_dense_cathodes_of_many_shapes(shape):
    packing = pack_bodies(shape, CORES, fraction=0.58, count=60, rng=generator())
    check_packing(packing, 0.58)
    assert packing.overlap == pytest.approx(slow_overlap(packing), abs=1e-9)


def test_a_given_box_is_kept_and_filled():
    box = (12e-6, 10e-6, 11e-6)
    packing = pack_bodies(Facets(), CORES, fraction=0.5, box=box, rng=generator())
    assert packing.box.tolist() == list(box)
    check_packing(packing, 0.5)
    diameters = packing.diameters.copy()
    again = pack_bodies(Facets(), diameters, box=box, rng=generator(2))
    assert again.diameters == pytest.approx(diameters, rel=1e-14)
    check_packing(again, 0.5)


def test_the_box_has_the_proportions_asked():
    packing = pack_bodies(Facets(), CORES, fraction=0.5, count=40, aspect=(2, 1, 1), rng=generator())
    assert packing.box / packing.box[1] == pytest.approx([2, 1, 1])


def test_coats_part_the_cores():
    def mean_gap(clearance):
        packing = pack_bodies(Facets(), CORES, fraction=0.4, count=40, clearance=clearance, rng=generator())
        check_packing(packing, 0.4)
        bodies = packing.bodies.scaled(1e6)
        solids, radii = bodies.solids, bodies.outer_radius
        found = near_pairs(solids, radii, 1e6 * packing.centres, 1e6 * packing.box, np.array(packing.periodic), 1.0)
        return np.sort(found[3])[:40].mean()

    bare, coated = mean_gap(0.0), mean_gap(0.25e-6)
    assert coated > bare + 0.05


def test_the_same_seed_gives_the_same_bytes():
    first, second, other = (pack_bodies(Facets(), CORES, fraction=0.4, count=20, rng=generator(s)) for s in (1, 1, 2))
    assert first.centres.tobytes() == second.centres.tobytes()
    assert first.bodies.corners.tobytes() == second.bodies.corners.tobytes()
    assert first.centres.tobytes() != other.centres.tobytes()


def test_bodies_were_turned_as_well_as_moved():
    shape = Facets(2.0, 0.9)
    drawn = shape.draw(np.full(30, 2e-6), rng=generator())
    packing = pack_bodies(shape, np.full(30, 2e-6), fraction=0.55, rng=generator())
    turned = np.arccos(np.clip(np.abs(np.sum(packing.bodies.axes[:, 0] * drawn.axes[:, 0], axis=1)), 0, 1))
    assert np.median(turned) > 0.02
    assert packing.bodies.extents == pytest.approx(drawn.extents)


@pytest.mark.parametrize("periodic", [(True, True, True), (False, True, False)])
@pytest.mark.parametrize("shape", [Facets(1.3, 0.8), Facets(2.0, 0.3, 8)], ids=repr)
def test_forces_and_torques_are_the_slope_of_the_energy(shape, periodic):
    rng, walls = generator(3), np.array(periodic)
    bodies = shape.draw(rng.uniform(0.8, 1.2, 12), rng=rng)
    box, step = np.full(3, 2.2), 1e-6
    centres, quaternions = rng.random((12, 3)) * box, rng.standard_normal((12, 4))
    quaternions /= np.linalg.norm(quaternions, axis=1, keepdims=True)
    shallow = bodies.scaled(0.75)  # mostly the roundings alone overlap
    _, forces = energy_and_forces(shallow, centres, quaternions, box, walls)
    for i, axis in itertools.product(range(12), range(6)):
        energies = []
        for sign in (1, -1):
            moved, turned = centres.copy(), quaternions.copy()
            if axis < 3:
                moved[i, axis] += sign * step
            else:
                spin(turned[i], *(sign * step / shallow.outer_radius[i] * np.eye(3)[axis - 3]))
            energies.append(energy_and_forces(shallow, moved, turned, box, walls)[0])
        assert (energies[1] - energies[0]) / (2 * step) == pytest.approx(forces[i, axis], abs=1e-8)
    assert np.max(np.abs(forces)) > 0.01


def test_forces_balance_and_so_do_torques():
    rng = generator(4)
    bodies = Facets(1.5, 0.5).draw(np.full(15, 1.0), rng=rng)
    box, centres = np.full(3, 2.2), rng.random((15, 3)) * 2.2
    still = np.tile([0.0, 0.0, 0.0, 1.0], (15, 1))
    _, forces = energy_and_forces(bodies, centres, still, box, np.array([True] * 3))
    assert np.abs(forces[:, :3].sum(axis=0)) == pytest.approx(0, abs=1e-12)
    open_box, middle = np.full(3, 20.0), centres + 8.0  # no images: torques about the origin add up to nothing
    _, forces = energy_and_forces(bodies, middle, still, open_box, np.array([True] * 3))
    torques = forces[:, 3:] * bodies.outer_radius[:, None] + np.cross(middle, forces[:, :3])
    assert np.abs(forces).max() > 0.01
    assert np.abs(torques.sum(axis=0)) == pytest.approx(0, abs=1e-10)


def test_spinning_turns_as_scipy_does():
    rng = generator(5)
    for scale in (1e-10, 0.1, 2.0):
        quaternion, vector = rng.standard_normal(4), scale * rng.standard_normal(3)
        quaternion /= np.linalg.norm(quaternion)
        expected = Rotation.from_rotvec(vector) * Rotation.from_quat(quaternion)
        spin(quaternion, *vector)
        assert (Rotation.from_quat(quaternion) * expected.inv()).magnitude() < 1e-12


# Out of reach


def test_a_fraction_out_of_reach_brings_the_best():
    with pytest.raises(PackingError, match=r"cannot be packed at random to a fraction of 0\.8000") as caught:
        pack_bodies(Facets(), CORES, fraction=0.8, count=25, rng=generator())
    best = caught.value.best
    check_packing(best, best.fraction)
    assert 0.5 < best.fraction < 0.75
    assert best.overlap == pytest.approx(slow_overlap(best), abs=1e-9)


def test_a_box_out_of_reach_is_kept_with_smaller_bodies():
    diameters, box = np.full(25, 2e-6), (5.2e-6, 5.2e-6, 5.2e-6)
    with pytest.raises(PackingError) as caught:
        pack_bodies(Facets(), diameters, box=box, rng=generator())
    best = caught.value.best
    assert best.box.tolist() == list(box)
    assert np.ptp(best.diameters) < 1e-18
    assert best.diameters[0] < 2e-6
    check_packing(best, best.fraction)


# Bad input


@pytest.mark.parametrize(
    ("arguments", "error", "word"),
    [
        ({"shape": "cube"}, TypeError, "shape"),
        ({"rng": 1}, TypeError, "rng"),
        ({"fraction": 1.2}, ValueError, "fraction"),
        ({"fraction": "0.5"}, TypeError, "fraction"),
        ({"count": None}, TypeError, "two of"),
        ({"box": (1e-5,) * 3}, TypeError, "two of"),
        ({"count": 0}, ValueError, "count"),
        ({"count": 1}, ValueError, "longest body"),
        ({"periodic": True}, TypeError, "periodic"),
        ({"clearance": -1e-9}, ValueError, "clearance"),
        ({"clearance": "5 nm"}, TypeError, "clearance"),
        ({"aspect": (1, 1, 0)}, ValueError, "aspect"),
        ({"sizes": [1e-6, -1e-6], "count": None}, ValueError, "sizes"),
        ({"sizes": [1e-6, 2e-6]}, TypeError, "array of diameters"),
        ({"sizes": [1e-6, 2e-6], "count": None, "fraction": None}, TypeError, "array of diameters"),
        ({"fraction": None, "box": (3e-6,) * 3, "count": 30}, ValueError, "smaller than|times the volume"),
    ],
)
def test_bad_input_is_refused(arguments, error, word):
    given = {"shape": Facets(), "sizes": CORES, "fraction": 0.5, "count": 20, "rng": generator()} | arguments
    shape, sizes = given.pop("shape"), given.pop("sizes")
    with pytest.raises(error, match=word):
        pack_bodies(shape, sizes, **given)


def test_the_callers_sizes_are_not_changed():
    diameters = np.full(12, 2e-6)
    pack_bodies(Facets(), diameters, fraction=0.3, rng=generator())
    assert diameters.tolist() == [2e-6] * 12
