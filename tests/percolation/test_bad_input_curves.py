"""Wrong input to thresholds, exponents, utilisation and networks: a typed error that names the argument."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

from microstructure import Materials, Recipe, Structure, building_block, lay_seams, pack_spheres
from microstructure.carbon.size_measures import measure_size
from microstructure.coats.unevenness import Unevenness, draw_relief
from microstructure.composite import carbon_library, coat_composite
from microstructure.images.coat_thickness import coat_statistics
from microstructure.images.descriptors import interface_area, phase_fractions
from percolation import (
    BridgeRate,
    depth_profile,
    estimate_exponent,
    estimate_threshold,
    extrapolate_threshold,
    find_bare_contacts,
    find_bonds,
    find_crossing,
    known_exponent,
    measure_blocks,
    measure_thick_limit,
    measure_utilisation,
    reach_ions,
    sweep_sites,
)
from transport import (
    BlockNetwork,
    CoatContacts,
    Resistors,
    bounds,
    effective_conductivity,
    estimate_memory,
    extrapolate_voxel_size,
    network_conductance,
    network_conductivity,
)

NAN, INF = math.nan, math.inf
SLIPS = ("ambiguous", "broadcast", "inhomogeneous", "has no attribute", "subscriptable", "has no len", "could not")
SLIPS += ("allocate", "real number, not", "iteration over", "not supported", "cannot convert", "not callable")
RAGGED = [[1, 2], [3]]
NO_NUMBER = (None, "a", True, [], (1, 2), {}, 1j, object(), np.ones(3), np.array(0.5), np.array([None]), RAGGED)
NO_NUMBERS = (None, "a", [None], ["1"], {}, {1: 2}, object(), RAGGED, np.array(["a"]), np.array([None]))
NO_SHARE = (NAN, INF, -0.1, 1.5, 150, 10**400)


def rng():
    return np.random.default_rng(1)


@functools.cache
def sweeps():
    return tuple(sweep_sites((edge,) * 3, runs=16, points=2, rng=rng()) for edge in (4, 8))


@functools.cache
def cores():
    return pack_spheres(np.full(12, 2e-6), fraction=0.3, rng=rng())


@functools.cache
def cell():
    return building_block(Recipe.parse("80:20:0"), diameter=2e-6, voxel_size=200e-9, rng=rng())


@functools.cache
def bonds():
    seams = lay_seams(Recipe.parse("80:20:0"), cores(), coat="shell", rays=16)
    return find_bonds(seams, bridge_rate=np.zeros_like, wall_bridge_rate=np.zeros_like, bare_contact_share=0.0)


def refused(door, name, wrong, good, error):
    with pytest.raises(error) as caught:
        door(**(good | {name: wrong}))
    message = str(caught.value)
    assert type(caught.value) in (TypeError, ValueError), message
    assert name.split("_")[0].removesuffix("s") in message
    assert not any(slip in message for slip in SLIPS), message


def call(door, **good):
    return door, good


CONTACTS = CoatContacts(
    np.array([[0, 1], [0, 2], [1, 3]]), np.full(3, 1e-12), np.eye(3), np.full(2, 1e-7), np.full(2, 1e-6)
)
CHAIN = {"edges": [[0, 1]], "conductance": [1.0], "count": 2, "source": [0], "sink": [1]}
ONE = np.ones((2, 2, 2), np.uint8)
DOORS = {
    "threshold": lambda: call(estimate_threshold, sweep=sweeps()[1]),
    "crossing": lambda: call(find_crossing, one=sweeps()[0], other=sweeps()[1]),
    "exponent": lambda: call(estimate_exponent, sizes=[4, 8], sweeps=sweeps()),
    "known exponent": lambda: call(known_exponent, sweeps=sweeps()),
    "extrapolation": lambda: call(
        extrapolate_threshold, sizes=[4, 8], thresholds=[estimate_threshold(one) for one in sweeps()], exponent=1.0
    ),
    "curve": lambda: call(sweeps()[0].curve, p=[0.3]),
    "probability": lambda: call(sweeps()[0].probability, p=0.3),
    "growth": lambda: call(sweeps()[0].growth.largest_share, p=[0.3]),
    "sites": lambda: call(sweep_sites, shape=(4, 4, 4), runs=1, rng=rng()),
    "depth": lambda: call(depth_profile, cores=cores(), reached=np.ones(12), layers=2),
    "rate": lambda: call(BridgeRate(1e12, 9e11, 1.1e12, 0.0, 0.03, 3, 16.0, 0.5).probability, area=1e-12),
    "bare": lambda: call(find_bare_contacts, structure=cell(), share=0.5, rng=rng()),
    "bonds": lambda: call(
        find_bonds, seams=bonds().seams, bridge_rate=np.zeros_like, wall_bridge_rate=np.zeros_like, bare_contact_share=0
    ),
    "blocks": lambda: call(measure_blocks, bonds=bonds(), draws=1, rng=rng()),
    "draw": lambda: call(bonds().draw, rng=rng()),
    "utilisation": lambda: call(measure_utilisation, structure=cell(), draws=1, rng=rng()),
    "thick": lambda: call(measure_thick_limit, structure=cell(), draws=1, rng=rng()),
    "ions": lambda: call(reach_ions, structure=cell(), inserted=np.array([0])),
    "composite": lambda: call(
        coat_composite, recipe=Recipe.parse("80:20:0"), packing=cores(), voxel_size=2e-7, library=None, rng=rng()
    ),
    "library": lambda: call(carbon_library, materials=Materials.load(), rng=rng()),
    "relief": lambda: call(draw_relief, unevenness=Unevenness(), cores=cores(), rng=rng()),
    "seams": lambda: call(lay_seams, recipe=Recipe.parse("80:20:0"), packing=cores()),
    "density": lambda: call(bonds().seams.integrate, density=np.zeros_like),
    "fraction": lambda: call(Structure(ONE, 1e-7, (True,) * 3, (2e-7,) * 3).fraction, phase=1),
    "phases": lambda: call(phase_fractions, labels=ONE),
    "areas": lambda: call(interface_area, labels=ONE, voxel_size=1.0, periodic=(True,) * 3),
    "coats": lambda: call(coat_statistics, thickness=[1e-7], area=[1.0]),
    "size": lambda: call(measure_size, centres=np.eye(3), radius=0.5, measure="extent"),
    "constants": lambda: call(Materials.load, overrides=None),
    "conduction": lambda: call(effective_conductivity, labels=ONE, conductivity={1: 1.0}, voxel_size=1e-7),
    "faces": lambda: call(
        CoatContacts, **{name: getattr(CONTACTS, name) for name in ("pairs", "areas", "normals", "thickness", "radii")}
    ),
    "network": lambda: call(network_conductance, **CHAIN),
    "bounds": lambda: call(bounds, volume_fractions=[0.3, 0.7], conductivities=[1.0, 2.0]),
    "memory": lambda: call(estimate_memory, shape=(10, 10, 10)),
    "voxels": lambda: call(extrapolate_voxel_size, voxel_sizes=[2e-8, 1e-8], values=[1.04, 1.01]),
    "resistance": lambda: call(CONTACTS.resistance, between=1e-4),
    "coats in a network": lambda: call(BlockNetwork.of_coats, contacts=CONTACTS, conductivity=1.0),
    "spots": lambda: call(Resistors.spots, pairs=np.array([[0, 1]]), cores=2, conductivity=1.0, radius=1e-8),
}
WRONG = [
    ("threshold", "kind", (None, 1, np.array(["wrap"]), [], True), TypeError),
    ("threshold", "kind", ("warp", ""), ValueError),
    ("threshold", "axis", (2.0, NAN, [], (0,), {}, object(), np.ones(3), True), TypeError),
    ("threshold", "axis", (3, -1, "x"), ValueError),
    ("threshold", "confidence", NO_NUMBER, TypeError),
    ("threshold", "probability", (NAN, 0, 1, 150, 10**400), ValueError),
    ("crossing", "axis", (1.0, NAN, INF, [], b"0"), TypeError),
    ("crossing", "one", (None, "a", sweeps), TypeError),
    ("exponent", "sizes", NO_NUMBERS, TypeError),
    ("exponent", "sweeps", (None, 1, [], [1.0, 2.0], "ab"), TypeError),
    ("known exponent", "sweeps", (None, 1, [], [NAN], "ab"), TypeError),
    ("extrapolation", "sizes", NO_NUMBERS, TypeError),
    ("extrapolation", "thresholds", (None, 1, [], [NAN, NAN]), TypeError),
    ("extrapolation", "exponent", (*NO_NUMBER[2:], None), TypeError),
    ("extrapolation", "exponent", ("fit", 0, -1.0, NAN, INF, 150, 1e308, 10**400), ValueError),
    ("curve", "p", NO_NUMBERS, TypeError),
    ("curve", "p", ([NAN], [1.5], -1, np.ones((2, 2))), ValueError),
    ("probability", "p", NO_NUMBER, TypeError),
    ("growth", "p", NO_NUMBERS, TypeError),
    ("sites", "shape", (None, 4, "444", np.array(4), (4.0, 4, 4)), TypeError),
    ("sites", "shape", ((), (4, 4), (0, 4, 4), (2**20, 2**20, 2**20)), ValueError),
    ("sites", "periodic", (None, True, np.array(True), (1, 0, 1), [[True]] * 3), TypeError),
    ("sites", "runs", (10**7, 10**15, 10**30), ValueError),
    ("sites", "points", (None, 0.0, False, "a", np.zeros(3), [0]), TypeError),
    ("depth", "reached", NO_NUMBERS, TypeError),
    ("depth", "reached", ([1.0], np.full(12, 2.0), np.full(12, NAN), 1.0), ValueError),
    ("depth", "layers", (0, 10**15, 10**30), ValueError),
    ("rate", "area", NO_NUMBER, TypeError),
    ("rate", "area", (NAN, -1.0, 0, 1.5, 150), ValueError),
    ("bare", "structure", (None, "cell", ONE), TypeError),
    ("bare", "share", NO_NUMBER, TypeError),
    ("bare", "share", NO_SHARE, ValueError),
    ("bare", "rng", (None, 1, np.random), TypeError),
    ("bonds", "bridge_rate", (None, 1e12, "a", np.ones(3)), TypeError),
    ("bonds", "bare_contact_share", NO_SHARE, ValueError),
    ("blocks", "bonds", (None, 1, "bonds"), TypeError),
    ("blocks", "ions_pass", (None, 1, "yes", [True], np.ones(12, bool)), TypeError),
    ("blocks", "ionic_contact_share", NO_NUMBER, TypeError),
    ("blocks", "ionic_contact_share", NO_SHARE, ValueError),
    ("blocks", "draws", (0, 10**7, 10**15), ValueError),
    ("draw", "rng", (None, 1), TypeError),
    ("utilisation", "carbon", (None, 1.0, "a", np.array(1.0), [None], ["a"], [True]), TypeError),
    ("utilisation", "carbon", ([NAN], [2.0], [0.5, 0.1], [10**400]), ValueError),
    ("utilisation", "draws", (0, 10**7, 10**15), ValueError),
    ("thick", "draws", (0, 10**7, 10**15), ValueError),
    ("ions", "structure", (None, ONE), TypeError),
    ("ions", "inserted", (None, "a", 1.0, [0.5], RAGGED, np.array([None])), TypeError),
    ("ions", "inserted", ([-1], [2, 1], np.zeros((2, 2), int), 1), ValueError),
    ("composite", "recipe", (None, "80:20:0"), TypeError),
    ("composite", "packing", (None, [2e-6]), TypeError),
    ("composite", "voxel_size", NO_NUMBER, TypeError),
    ("composite", "voxel_size", (NAN, 0, 150, 1e-320), ValueError),
    ("composite", "unevenness", (0.1, "a"), TypeError),
    ("composite", "walls", (None, 1, np.ones(3, bool)), TypeError),
    ("composite", "coat", (None, np.array(["film"])), TypeError),
    ("library", "materials", (None, {}, "NCM82"), TypeError),
    ("relief", "unevenness", (None, 0.1), TypeError),
    ("relief", "cores", (None, 3, [2e-6]), TypeError),
    ("seams", "relief", (0.1, Unevenness()), TypeError),
    ("seams", "coat", ("flim",), ValueError),
    ("density", "density", (None, 1.0, "a", float), TypeError),
    ("density", "density", (np.sum, lambda heights: heights[:1], lambda heights: "a"), ValueError),
    ("fraction", "phase", (None, "core", 1.0, [1], True), TypeError),
    ("phases", "labels", (None, "a", RAGGED, [[["a"]]]), TypeError),
    ("areas", "periodic", (None, np.array(True), RAGGED), TypeError),
    ("areas", "voxel_size", (0, NAN, 1e308, 10**400), ValueError),
    ("coats", "thickness", NO_NUMBERS, TypeError),
    ("size", "centres", (None, "a", RAGGED), TypeError),
    ("constants", "overrides", ("a", 1, [("se", {})], np.ones(3)), TypeError),
    ("conduction", "labels", (None, "a", RAGGED, ONE * 0.5), TypeError),
    ("conduction", "strict", (None, 1, "no", np.array([True, False])), TypeError),
    ("conduction", "keep_potential", (None, 1, "no", np.ones(2)), TypeError),
    ("conduction", "keep_current", (None, 1, "no", np.ones(2)), TypeError),
    ("conduction", "tolerance", (None, "a", True, [1e-6], {}, np.full(2, 1e-6)), TypeError),
    ("faces", "pairs", (None, "a", [[0.5, 1]], RAGGED), TypeError),
    ("faces", "pairs", ([[0, 1, 2]] * 3, [[0, 9]] * 3, [[-1, 0]] * 3), ValueError),
    ("faces", "areas", (None, "abc", RAGGED), TypeError),
    ("faces", "areas", (np.ones(2), 1.0), ValueError),
    ("seams", "rays", (0, 10**6 + 1, 10**15), ValueError),
    ("network", "edges", (RAGGED, "a", [[0.5, 1]], [["a", "b"]]), TypeError),
    ("network", "count", (None, 2.0, "a", True), TypeError),
    ("network", "count", (0, 10**15, 10**30), ValueError),
    ("network", "source", (RAGGED, "a", 0.5), TypeError),
    ("network", "strict", (None, 1, np.ones(2)), TypeError),
    ("bounds", "kind", (None, 1, np.array(["wiener"])), TypeError),
    ("bounds", "kind", ("winer",), ValueError),
    ("bounds", "conductivities", NO_NUMBERS, TypeError),
    ("memory", "shape", (None, "a", 1.0, {}, RAGGED), TypeError),
    ("memory", "shape", ((), (10, 10), (0, 1, 1), 10), ValueError),
    ("memory", "conducting", NO_NUMBER, TypeError),
    ("memory", "conducting", NO_SHARE, ValueError),
    ("voxels", "values", (RAGGED, "a", None), TypeError),
    ("resistance", "between", (None, "a", [], {}), TypeError),
    ("resistance", "between", (NAN, -1.0), ValueError),
    ("coats in a network", "contacts", (None, 1), TypeError),
    ("coats in a network", "conductivity", NO_NUMBERS, TypeError),
    ("coats in a network", "conductivity", (-1.0, NAN, [1.0]), ValueError),
    ("spots", "pairs", NO_NUMBERS, TypeError),
    ("spots", "radius", (None, "a", {}), TypeError),
]


@pytest.mark.parametrize(("door", "name", "values", "error"), WRONG)
def test_wrong(door, name, values, error):
    function, good = DOORS[door]()
    for wrong in values:
        refused(function, name, wrong, good, error)


def test_a_periodic_network_of_too_many_nodes():
    with pytest.raises(ValueError, match="nodes"):
        network_conductivity([[0, 0]], [1.0], [[2.0, 0, 0]], count=10**15, volume=8.0, axis=0)


def test_masked_arrays_are_no_numbers():
    """Numpy would show what is hidden."""
    for door, name in (("curve", "p"), ("coats", "thickness"), ("network", "edges")):
        function, good = DOORS[door]()
        refused(function, name, np.ma.masked_array([1, 2], [0, 1]), good, TypeError)


@pytest.mark.parametrize(
    ("door", "name", "array"),
    [
        ("curve", "p", np.linspace(0.1, 0.5, 8)),
        ("growth", "p", np.linspace(0.1, 0.5, 8)),
        ("depth", "reached", np.linspace(0.1, 0.5, 24)),
        ("ions", "inserted", np.zeros(4, np.int64)),
        ("coats", "thickness", np.linspace(1e-8, 1e-7, 2)),
        ("phases", "labels", np.ones((2, 2, 4), np.uint8)),
    ],
)
def test_arrays_are_read_and_never_changed(door, name, array):
    """Whether they are read-only or every other element of another."""
    function, good = DOORS[door]()
    array.flags.writeable = False
    half, before = array[..., ::2], array.copy()
    function(**(good | {name: half}))
    assert np.array_equal(array, before)
