"""Thickness: chains that close on themselves, a tiled slow twin of the infinite cluster, and the laws of both sides."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from bare_share import fit_bare_share
from cathode_thickness import build_periodic, sweep_thickness

from microstructure.carbon.placement import Carbon
from microstructure.coats.coating import Coats
from microstructure.composite import coat_composite
from microstructure.cores.sphere_packing import Packing, pack_spheres
from microstructure.errors import StudyError
from microstructure.recipe import Recipe
from microstructure.structure import Structure
from percolation.utilisation._wrapping import find_along, in_wrapping_cluster, join_along, wrapping_groups
from percolation.utilisation.depth import depth_profile
from percolation.utilisation.reach import find_bare_contacts, measure_utilisation
from percolation.utilisation.thick_limit import measure_thick_limit
from studies.study import load_study

EVERYWHERE = (True, True, True)


def chain(gap=0.0, carbon=None):
    """Five cores of 1 um in a row along a periodic axis 0, and one beside them; one gap may be wider [m]."""
    box = (5e-6 + gap, 6e-6, 6e-6)
    centres = np.array([[0.5e-6 + i * 1e-6, 1e-6, 1e-6] for i in range(5)] + [[2e-6, 4e-6, 4e-6]])
    diameters = np.array([1e-6] * 5 + [2e-6])
    packing = Packing(centres, diameters, np.array(box), EVERYWHERE, 0.05, 0.0, "by hand")
    labels = np.full([round(edge / 0.2e-6) for edge in box], 2, np.uint8)
    owners, coats = np.zeros(labels.shape, np.int32), Coats("film", 50e-9, 50e-9, 1.0, 0.0, 0.0)
    return Structure(labels, 0.2e-6, EVERYWHERE, box, Recipe.parse("80:20:0"), owners, packing, coats, carbon)


def test_a_chain_that_closes_is_infinite_and_a_core_beside_it_is_not():
    found = measure_thick_limit(chain(), bare_contact_share=1.0, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(found.cores[0], [1, 1, 1, 1, 1, 0])
    assert found.electronic[0] == pytest.approx(5 / 13)
    assert found.cores[0].mean() == pytest.approx(5 / 6)


def test_one_gap_makes_the_chain_finite_and_the_limit_exactly_zero():
    found = measure_thick_limit(chain(gap=0.2e-6), bare_contact_share=1.0, rng=np.random.default_rng(0))
    assert found.electronic[0] == 0.0


def test_carbon_across_the_gap_closes_the_chain_with_its_last_primary():
    """Three primaries of 100 nm in a gap of 200 nm at the end of the box; the middle one lies on the seam."""
    places = np.array([[5.05e-6, 1e-6, 1e-6], [0.0, 1e-6, 1e-6], [5.12e-6, 1e-6, 1e-6]])
    names = np.arange(3, dtype=np.int32)
    carbon = Carbon(places, names, np.full(3, -1), np.array([4, 0, 4], np.int32), 0.1e-6, "by hand")
    bridged = chain(gap=0.2e-6, carbon=carbon)
    found = measure_thick_limit(
        bridged, carbon=[0.0, 2 / 3, 1.0], bare_contact_share=1.0, contact_gap=0.03e-6, rng=np.random.default_rng(0)
    )
    np.testing.assert_allclose(found.electronic, [0.0, 0.0, 5 / 13])


def tiled(links, count, copies=9):
    """Slow twin: the box tiled along axis 0 with open ends; who meets its own copy? `links` are (i, j, boxes on)."""
    graph = nx.Graph()
    graph.add_nodes_from((i, k) for i in range(count) for k in range(copies))
    graph.add_edges_from(
        ((i, k), (j, k + step)) for i, j, step in links for k in range(copies) if 0 <= k + step < copies
    )
    found = np.zeros(count, bool)
    for component in nx.connected_components(graph):
        names = [i for i, _ in component]
        if len(set(names)) < len(names):
            found[list(set(names))] = True
    return found


def steps(heights, pairs, edge):
    return [(i, j, -round((heights[j] - heights[i]) / edge)) for i, j in pairs]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.25, 0.4])
def test_the_infinite_cluster_is_that_of_a_tiled_box(seed, share):
    rng = np.random.default_rng(seed)
    cores = pack_spheres(np.full(80, 3e-6), fraction=0.62, periodic=EVERYWHERE, clearance=130e-9, rng=rng)
    size = cores.box[0] / 60
    with pytest.warns(UserWarning, match="voxel"):
        cell = coat_composite(Recipe.parse("80:20:0"), cores, voxel_size=size, library=None, rng=rng)
    found = measure_thick_limit(cell, bare_contact_share=share, draws=1, rng=np.random.default_rng(seed))
    pairs = find_bare_contacts(cell, share=share, rng=np.random.default_rng(seed)).pairs
    links = steps(cores.centres[:, 0], pairs[pairs[:, 1] < 80], cores.box[0])
    np.testing.assert_array_equal(found.cores[0] > 0, tiled(links, 80))


def not_flat(links, count):
    """Slow twin: walk through every cluster and note where each member lies; a link that disagrees closes it."""
    graph, found = nx.MultiGraph(), np.zeros(count, bool)
    graph.add_nodes_from(range(count))
    graph.add_edges_from((i, j, {"from_": i, "step": step}) for i, j, step in links)
    for component in nx.connected_components(graph):
        place = {min(component): 0}
        for i, j in nx.bfs_edges(graph, min(component)):
            link = graph.edges[i, j, 0]
            place[j] = place[i] + (link["step"] if link["from_"] == i else -link["step"])
        if any(place[i] + step != place[j] for i, j, step in links if i in component):
            found[list(component)] = True
    return found


@pytest.mark.parametrize("seed", range(12))
def test_joins_in_any_order_close_what_a_walk_says(seed):
    """Links that agree with hidden places, but for a few, joined pair by pair so that deep trees meet."""
    rng, count = np.random.default_rng(seed), 512
    hidden = rng.integers(-2, 3, size=count)
    links = []
    for block in 2 ** np.arange(8):  # neighbours first, then ever larger clusters with each other
        for start in range(0, count, 2 * block):
            i, j = rng.integers(start, start + block), rng.integers(start + block, start + 2 * block)
            if rng.random() < 0.9:
                links.append((int(i), int(j), int(hidden[j] - hidden[i])))
    links += [(i, j, step + 1) for i, j, step in links[:: len(links) // 3]]
    order = np.concatenate([np.arange(len(links) - 3), len(links) - 3 + rng.permutation(3)])
    order = np.insert(order[:-1], 300, order[-1])  # one of the odd ones early
    parent, shift = np.arange(count), np.zeros(count, np.int64)
    size, wraps = np.ones(count, np.int64), np.zeros(count, bool)
    for link in order:
        join_along(parent, shift, size, wraps, *links[link])
    roots = np.array([find_along(parent, shift, i) for i in range(count - 1, -1, -1)])[::-1]
    found = wraps[roots]
    twin = not_flat(links, count)
    np.testing.assert_array_equal(found, twin)
    assert 0 < twin.sum() < count
    np.testing.assert_array_equal((shift - hidden + hidden[roots])[~twin], 0)


@pytest.mark.parametrize("seed", range(12))
def test_spheres_and_contacts_wrap_as_a_walk_through_the_graph_says(seed):
    """Random links between what lies near along axis 0, growing sphere by sphere, then contacts between the bodies."""
    rng, bodies, spheres = np.random.default_rng(seed), 60, 300
    heights = rng.random(bodies + spheres)

    def near(i, others):
        away = heights[others] - heights[i]
        return np.asarray(others)[np.abs(away - np.rint(away)) < 0.25]

    touches = [rng.choice(near(bodies + n, range(bodies)), rng.integers(0, 2)).tolist() for n in range(spheres)]
    before = [near(bodies + n, np.arange(bodies, bodies + n)) - bodies for n in range(spheres)]
    earlier = [rng.choice(one, min(len(one), rng.integers(0, 2))).tolist() for one in before]
    lists = []
    for parts in (earlier, touches):
        lists += [np.cumsum([0, *map(len, parts)]), np.array([one for part in parts for one in part], np.int64)]
    counts = np.array([0, 50, 120, 200, 300])
    groups, shifts = np.zeros((5, bodies), np.int64), np.zeros((5, bodies), np.int64)
    wraps = np.zeros((5, bodies), bool)
    wrapping_groups(heights, bodies, 1.0, *lists, counts, groups, shifts, wraps)
    pairs = np.array([(i, j) for i in range(1, bodies) for j in near(i, np.arange(i)) if rng.random() < 0.02])
    for step, count in enumerate(counts):
        inside = np.zeros(bodies, bool)
        in_wrapping_cluster(heights[:bodies], 1.0, pairs, groups[step], shifts[step], wraps[step], inside)
        links = [(bodies + n, body) for n in range(count) for body in touches[n]]
        links += [(bodies + n, bodies + other) for n in range(count) for other in earlier[n]]
        twin = not_flat(steps(heights, links + pairs.tolist(), 1.0), bodies + spheres)[:bodies]
        np.testing.assert_array_equal(inside, twin)


def test_a_profile_tells_layers_apart_and_means_the_whole():
    cores = pack_spheres(np.full(3, 1e-6), box=(4e-6, 3e-6, 3e-6), rng=np.random.default_rng(0))
    cores = replace(cores, centres=np.array([[0.5e-6, 1e-6, 1e-6], [2.5e-6, 1e-6, 1e-6], [3.5e-6, 1e-6, 1e-6]]))
    found = depth_profile(cores, [0.0, 0.5, 1.0], layers=4)
    np.testing.assert_array_equal(found.reached, [1.0, 0.5, np.nan, 0.0])
    np.testing.assert_allclose(found.depths, [0.0, 1e-6, 2e-6, 3e-6, 4e-6])
    assert found.mean == pytest.approx(0.5)


@pytest.fixture(scope="module")
def study():
    return load_study("kissel2026", quick=True, seeds=4)


@pytest.fixture(scope="module")
def sparse(study):
    return sweep_thickness(
        study, study.recipes[0], thicknesses=[5.0, 10.0], cores_per_median=40, limit_cores=150, bare_contact_share=0.1
    )


@pytest.mark.slow
def test_below_the_threshold_utilisation_falls_as_one_over_the_thickness(sparse):
    thin, thick = sparse.electronic.mean(axis=0)
    assert thin > 0.0
    assert 2.0 * thick / thin == pytest.approx(1.0, abs=0.35)
    np.testing.assert_array_equal(sparse.limit, 0.0)
    far = np.nanmean(sparse.profiles[1][:, -4:])
    assert far < 0.05 * np.nanmean(sparse.profiles[1][:, 0])


@pytest.mark.slow
def test_above_the_threshold_it_tends_to_the_infinite_cluster(study):
    found = sweep_thickness(
        study, study.recipes[0], thicknesses=[5.0, 16.0], cores_per_median=40, limit_cores=400, bare_contact_share=0.6
    )
    thin, thick = found.electronic.mean(axis=0)
    limit = found.limit.mean()
    assert 0.8 < limit < thin
    assert abs(thick - limit) < 0.06
    assert np.all(np.diff(found.sides) < 0.5)


@pytest.mark.slow
def test_ions_reach_all_of_a_cathode_without_carbon(sparse):
    assert np.all(sparse.ionic > 0.99)
    assert np.all(sparse.joint <= sparse.electronic + 1e-12)


def test_a_profile_has_the_mean_of_its_cathode(study, sparse):
    """Layers of one median, weighted by their volume, give back the utilisation of the whole."""
    from cathode_thickness import DRAWS, cathodes

    cell = next(iter(cathodes(study, study.recipes[0], 5.0, 40)))
    found = measure_utilisation(cell, bare_contact_share=0.1, draws=DRAWS, rng=np.random.default_rng(0))
    profile = depth_profile(cell.cores, found.electronic_cores[0], layers=5)
    assert profile.mean == pytest.approx(found.electronic[0], rel=1e-9)
    assert sparse.profiles[0].shape == (4, 5)
    assert sparse.depths(0).tolist() == [0.5, 1.5, 2.5, 3.5, 4.5]


@pytest.mark.slow
def test_the_same_study_gives_the_same_bytes_whatever_else_is_asked(study, sparse):
    again = sweep_thickness(
        study, study.recipes[0], thicknesses=[10.0], cores_per_median=40, limit_cores=150, bare_contact_share=0.1
    )
    assert again.electronic[:, 0].tobytes() == sparse.electronic[:, 1].tobytes()
    assert again.profiles[0].tobytes() == sparse.profiles[1].tobytes()


def test_a_periodic_cathode_has_the_recipe_and_no_walls(study):
    cell = build_periodic(study, 0, study.recipes[0], None, cores=80)
    expected = study.recipes[0].core_fraction(study.composite.total_porosity(study.recipes[0]))
    assert cell.cores.fraction == pytest.approx(expected, rel=1e-9)
    assert cell.periodic == EVERYWHERE


@pytest.mark.slow
def test_the_fitted_share_gives_the_target_back(study):
    sizes = {"thickness": 5.0, "cores_per_median": 20}
    share = fit_bare_share(study, study.recipes[0], target=0.5, shares=[0.1, 0.2, 0.3, 0.4], **sizes)
    assert share.low < share.value < share.high
    found = sweep_thickness(
        study,
        study.recipes[0],
        thicknesses=[5.0],
        cores_per_median=20,
        limit_cores=50,
        bare_contact_share=share.value,
    )
    assert found.electronic.mean() == pytest.approx(0.5, abs=0.05)


def test_a_target_out_of_reach_is_refused(study):
    with pytest.raises(StudyError, match="try others"):
        fit_bare_share(study, study.recipes[0], target=0.99, thickness=5.0, cores_per_median=12, shares=[0.0, 0.1])


@pytest.mark.parametrize(
    ("words", "error", "match"),
    [
        ({"thicknesses": []}, TypeError, "medians|median"),
        ({"thicknesses": "5"}, TypeError, "median"),
        ({"thicknesses": [1.0]}, ValueError, "3 median"),
        ({"thicknesses": [float("nan")]}, ValueError, "3 median"),
        ({"thicknesses": ["5"]}, TypeError, "number"),
        ({"cores_per_median": 2}, ValueError, "8 or more"),
        ({"limit_cores": 10}, ValueError, "50 or more"),
        ({"draws": 0}, ValueError, "draws"),
        ({"bare_contact_share": 1.5}, ValueError, "lies in"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused(study, words, error, match):
    few = {"thicknesses": [5.0], "cores_per_median": 8, "limit_cores": 50}
    with pytest.raises(error, match=match):
        sweep_thickness(study, study.recipes[0], **(few | words))


def test_walls_have_no_thick_limit_and_boxes_without_walls_no_collector():
    walled = replace(chain(), periodic=(False, True, True))
    with pytest.raises(ValueError, match="ends at walls"):
        measure_thick_limit(walled, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="no separator"):
        measure_utilisation(chain(), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="no collector"):
        depth_profile(chain().cores, np.zeros(6), layers=3)


@pytest.mark.parametrize("reached", [[0.5, 0.5], np.full(6, 2.0), np.full(6, np.nan)])
def test_a_profile_of_something_else_is_refused(reached):
    with pytest.raises(ValueError, match="one share"):
        depth_profile(chain().cores, reached, layers=3)
