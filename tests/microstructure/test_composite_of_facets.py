"""Composites of faceted cores: volumes, owners, coats and carbon, and a round trip through a file."""

import numpy as np
import pytest

from microstructure import (
    Clusters,
    Facets,
    Phase,
    Recipe,
    build_composite,
    build_library,
    find_contacts,
    load_structure,
    save_structure,
)
from microstructure.cores._shapes import foot
from microstructure.images.coat_thickness import measure_coats
from percolation import measure_utilisation

BOX = (8e-6, 7e-6, 7e-6)


@pytest.fixture(scope="module")
def cell():
    return build_composite(
        Recipe.parse("80:20:0.2"),
        porosity=0.22,
        box=BOX,
        voxel_size=125e-9,
        shape=Facets(aspect_ratio=1.4, sharpness=0.85),
        library=build_library(rng=np.random.default_rng(1), count=40),
        rng=np.random.default_rng(2),
    )


def heights(cell, points):
    """Height of points above every core, one by one: shape (points, cores)."""
    bodies, found = cell.cores.shapes, np.empty((len(points), cell.cores.count))
    for core in range(cell.cores.count):
        vectors = points - cell.cores.centres[core]
        vectors -= np.where(cell.periodic, np.asarray(cell.box) * np.rint(vectors / cell.box), 0.0)
        own = slice(*bodies.start[core : core + 2]), slice(*bodies.face_start[core : core + 2])
        shape = (bodies.corners, own[0].start, own[0].stop, bodies.normals, bodies.offsets, own[1].start, own[1].stop)
        found[:, core] = [foot(*shape, bodies.rounding[core], *vector)[0] for vector in vectors]
    return found


def test_volumes_are_the_recipes(cell):
    core, one = cell.recipe.volume_fractions.cam * 0.78, 1.0 / cell.labels.size
    assert cell.fraction(Phase.CORE) == pytest.approx(core, abs=2 * one)
    assert cell.fraction(Phase.MATRIX) == pytest.approx(core * cell.recipe.matrix_per_core, abs=2 * one)
    assert cell.cores.shapes.volumes.sum() / cell.volume == pytest.approx(core, rel=1e-9)


def test_voxels_belong_to_the_nearest_body(cell):
    rng = np.random.default_rng(3)
    index = np.array([rng.integers(0, n, 1500) for n in cell.labels.shape]).T
    found = heights(cell, (index + 0.5) * cell.voxel_size)
    owner = cell.owners[tuple(index.T)]
    np.testing.assert_allclose(found[np.arange(len(index)), owner], found.min(axis=1), atol=1e-12)
    inside = cell.labels[tuple(index.T)] == Phase.CORE
    depth = found.min(axis=1)
    assert depth[inside].max() < 0.2 * cell.voxel_size
    assert depth[~inside].min() > -0.2 * cell.voxel_size


def test_no_primary_reaches_into_a_body(cell):
    rows = np.random.default_rng(4).choice(cell.carbon.count, 3000)
    found = heights(cell, cell.carbon.centres[rows])
    assert found.min() >= 0.5 * cell.carbon.diameter - 1e-12
    own = found[np.arange(len(rows)), cell.carbon.coat[rows]]
    np.testing.assert_allclose(own, found.min(axis=1), atol=1e-11)


def test_contacts_are_gaps_of_bodies_and_not_of_spheres(cell):
    contacts = find_contacts(cell.cores, gap=300e-9)
    assert contacts.gaps.min() > -1e-3 * cell.cores.diameters.min()
    spheres = np.linalg.norm(contacts.vectors, axis=1) - cell.cores.radii[contacts.pairs].sum(axis=1)
    assert np.abs(spheres - contacts.gaps).max() > 50e-9


def test_utilisation_and_coat_contacts_take_bodies(cell, coat_contacts):
    found = measure_utilisation(cell, draws=2, rng=np.random.default_rng(5))
    assert 0.0 < found.ionic <= 1.0
    assert np.all(coat_contacts(cell).areas > 0.0)


def test_a_file_keeps_the_bodies(cell, tmp_path):
    save_structure(cell, tmp_path / "cell.h5", seed=2)
    again = load_structure(tmp_path / "cell.h5")
    np.testing.assert_array_equal(again.cores.bodies.corners, cell.cores.bodies.corners)
    np.testing.assert_array_equal(again.owners, cell.owners)
    np.testing.assert_array_equal(again.carbon.centres, cell.carbon.centres)


def test_clusters_of_faceted_cores_are_refused():
    with pytest.raises(ValueError, match="either shape= or clusters="):
        build_composite(
            Recipe.parse("80:20:0"),
            porosity=0.2,
            box=BOX,
            voxel_size=125e-9,
            shape=Facets(),
            clusters=Clusters(),
            rng=np.random.default_rng(1),
        )


@pytest.mark.slow
def test_coats_are_measured_along_the_normals_of_bodies(cell):
    """Loose faceted cores in a shell: thickness and coverage as laid."""
    loose = build_composite(
        Recipe.parse("80:20:0"),
        porosity=0.6,
        box=(12e-6,) * 3,
        voxel_size=80e-9,
        coat="shell",
        shape=Facets(aspect_ratio=1.8, sharpness=0.8),
        rng=np.random.default_rng(3),
    )
    found = measure_coats(loose)
    assert found.coverage > 0.99
    assert found.median() == pytest.approx(loose.coats.thickness, rel=0.06)
    assert found.area.sum() == pytest.approx(loose.cores.shapes.areas.sum(), rel=0.01)
