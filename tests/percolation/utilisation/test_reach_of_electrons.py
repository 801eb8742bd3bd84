"""Electrons along the insertion sequence: one bridge, a slow twin of the whole curve, what it is told against."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from microstructure.carbon.aggregates import build_library
from microstructure.carbon.placement import Carbon
from microstructure.coats.coating import Coats
from microstructure.composite import build_composite
from microstructure.cores.sphere_packing import Packing
from microstructure.recipe import Recipe
from microstructure.structure import Structure
from percolation.carbon_paths.carbon_sweep import sweep_carbon
from percolation.utilisation.reach import find_bare_contacts, measure_utilisation

PERIODIC = (False, True, True)


def cathode(centres, diameters, box, carbon=None):
    """Cores [m] in a box full of matrix."""
    packing = Packing(np.array(centres), np.array(diameters), np.array(box), PERIODIC, 0.3, 0.0, "by hand")
    shape = tuple(round(edge / 2.5e-7) for edge in box)
    labels, owners = np.full(shape, 2, np.uint8), np.zeros(shape, np.int32)
    coats = Coats("film", 60e-9, 60e-9, 1.0, 0.0, 0.0)
    return Structure(labels, 2.5e-7, PERIODIC, box, Recipe.parse("80:20:3"), owners, packing, coats, carbon)


def primaries(centres, coat, diameter):
    """Single primaries in this order, each in the coat of a core."""
    count = len(centres)
    names = np.arange(count, dtype=np.int32)
    return Carbon(np.asarray(centres), names, np.full(count, -1), np.asarray(coat, np.int32), diameter, "by hand")


def two_cores_and_a_bridge():
    """A large core 200 nm from the collector's core: two primaries of 100 nm lead across, a third lies beside."""
    places = [[2.55e-6, 1.5e-6, 1.5e-6], [1.5e-6, 2.54e-6, 1.5e-6], [2.65e-6, 1.5e-6, 1.5e-6]]
    carbon = primaries(places, [0, 0, 0], 0.1e-6)
    centres = [[1.5e-6, 1.5e-6, 1.5e-6], [3.2e-6, 1.5e-6, 1.5e-6]]
    return cathode(centres, [2e-6, 1e-6], (3.75e-6, 3e-6, 3e-6), carbon)


def test_a_bridge_joins_two_cores_with_its_last_primary():
    """The small core has the collector by a bare contact; by number and by volume it is not the same share."""
    found = measure_utilisation(
        two_cores_and_a_bridge(),
        carbon=[0.0, 1 / 3, 2 / 3, 1.0],
        bare_contact_share=1.0,
        contact_gap=1e-9,
        draws=1,
        rng=np.random.default_rng(0),
    )
    np.testing.assert_allclose(found.electronic, [1 / 9, 1 / 9, 1 / 9, 1.0])
    np.testing.assert_array_equal(found.electronic_cores.mean(axis=1), [0.5, 0.5, 0.5, 1.0])


@pytest.mark.parametrize("seed", range(4))
def test_the_curve_is_that_of_a_graph_built_at_every_step(seed):
    """Cores, collector, primaries and bare contacts as nodes and edges of networkx; all distances one by one."""
    rng, box, size = np.random.default_rng(seed), np.array([5e-6, 5e-6, 5e-6]), 0.3e-6
    grid = np.stack(np.meshgrid(*(np.arange(0.6e-6, edge - 0.5e-6, 1.25e-6) for edge in box), indexing="ij"), -1)
    centres = grid.reshape(-1, 3)
    places = rng.random((2500, 3)) * box
    vectors = places[:, None] - centres
    vectors[..., 1:] -= box[1:] * np.rint(vectors[..., 1:] / box[1:])
    gaps = np.linalg.norm(vectors, axis=2) - 0.6e-6
    free = gaps.min(axis=1) > 0.0
    carbon = primaries(places[free], gaps[free].argmin(axis=1), size)
    cell = cathode(centres, np.full(len(centres), 1.2e-6), tuple(box.tolist()), carbon)
    steps = np.linspace(0.0, 1.0, 15)
    found = measure_utilisation(
        cell, carbon=steps, bare_contact_share=0.15, draws=1, contact_gap=1e-8, rng=np.random.default_rng(seed)
    )
    bare = find_bare_contacts(cell, share=0.15, rng=np.random.default_rng(seed)).pairs
    collector, graph = len(centres) + 1, nx.Graph()
    graph.add_nodes_from(range(len(centres) + 2))
    graph.add_edges_from(pair for pair in bare.tolist() if pair[1] != len(centres))
    reached, inserted = [], 0
    for count in np.rint(steps * carbon.count).astype(int):
        for n in range(inserted, count):
            away = carbon.centres[:n] - carbon.centres[n]
            away[:, 1:] -= box[1:] * np.rint(away[:, 1:] / box[1:])
            touched = np.flatnonzero(gaps[free][n] <= 0.5 * size * (1 + 1e-3) + 1e-8)
            graph.add_edges_from((f"primary {n}", int(core)) for core in touched)
            near = np.flatnonzero(np.linalg.norm(away, axis=1) <= size + 1e-8)
            graph.add_edges_from((f"primary {n}", f"primary {other}") for other in near)
            if carbon.centres[n, 0] >= box[0] - 0.5 * size * (1 + 1e-3) - 1e-8:
                graph.add_edge(f"primary {n}", collector)
        inserted = count
        joined = nx.node_connected_component(graph, collector)
        reached.append([core in joined for core in range(len(centres))])
    np.testing.assert_array_equal(found.electronic_cores, reached)
    assert len(set(found.electronic.tolist())) > 4


@pytest.fixture(scope="module")
def cell():
    library = build_library(rng=np.random.default_rng(1), count=60)
    return build_composite(
        Recipe.parse("80:20:1"),
        porosity=0.17,
        box=(9e-6, 7e-6, 7e-6),
        voxel_size=125e-9,
        library=library,
        rng=np.random.default_rng(3),
    )


def test_the_content_is_that_of_the_recipe_and_of_a_sweep(cell):
    shares = [0.25, 0.5, 1.0]
    found = measure_utilisation(cell, carbon=shares, draws=1, rng=np.random.default_rng(1))
    recipe = cell.recipe
    assert found.volume_fraction[-1] == pytest.approx(recipe.volume_fraction, rel=1e-3)
    assert found.mass_ratio[-1] == pytest.approx(recipe.mass_ratio, rel=1e-3)
    with np.errstate(invalid="ignore"):
        full = sweep_carbon(cell, steps=4, rng=np.random.default_rng(1)).fraction
    assert found.volume_fraction[-1] == pytest.approx(full[-1], rel=1e-9)
    carbon = Recipe.parse("80:20:0.25")  # a quarter of the carbon, with fewer pores around it
    assert found.mass_ratio[0] == pytest.approx(carbon.mass_ratio, rel=0.2)


def test_without_carbon_the_content_is_zero(cell):
    found = measure_utilisation(replace(cell, carbon=None), carbon=[0.0, 1.0], draws=1, rng=np.random.default_rng(1))
    assert found.volume_fraction.tolist() == found.mass_ratio.tolist() == [0.0, 0.0]
    assert found.electronic[0] == found.electronic[1]


def test_the_same_seed_gives_the_same_bytes(cell):
    one, other = (measure_utilisation(cell, carbon=[0.1, 1.0], rng=np.random.default_rng(5)) for _ in range(2))
    for name in ("electronic", "ionic", "joint", "electronic_cores", "area_cores", "volume_fraction"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


@pytest.mark.parametrize(
    ("words", "error", "match"),
    [
        ({"carbon": []}, TypeError, "sequence of shares"),
        ({"carbon": "1.0"}, TypeError, "sequence of shares"),
        ({"carbon": 0.5}, TypeError, "sequence of shares"),
        ({"carbon": [float("nan")]}, ValueError, "lies in"),
        ({"carbon": ["0.5"]}, TypeError, "number"),
        ({"carbon": [0.5, 0.1]}, ValueError, "rise"),
        ({"ionic_contact_share": 1.1}, ValueError, "lies in"),
        ({"bare_contact_share": -0.1}, ValueError, "lies in"),
        ({"draws": 0}, ValueError, "one or more"),
        ({"contact_gap": -1e-9}, ValueError, "contact_gap"),
        ({"rng": 5}, TypeError, "Generator"),
    ],
)
def test_bad_input_is_refused_in_words(cell, words, error, match):
    with pytest.raises(error, match=match):
        measure_utilisation(cell, **({"rng": np.random.default_rng(1)} | words))
