"""Wrong inputs in Python: lengths in another unit, numbers that nothing can have, arrays of another shape or kind."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from benchmarks.reliability.sentences import attempt, refusal
from benchmarks.reliability.tally import Tally
from benchmarks.reliability.trial import clear, in_child, scratch

NAN, INF, MANY = math.nan, math.inf, 10**15
PATIENCE = 900.0  # s, for the right inputs, which may compile

BOX = (6e-6, 6e-6, 6e-6)
IMAGE = np.random.default_rng(3).choice(3, (8, 8, 8), p=[0.3, 0.5, 0.2])
SIGMA = {0: 0.0, 1: 1.0, 2: 0.1}


def run() -> Iterator[Tally]:
    """Every right call once, so that all is compiled; then each with one argument wrong."""
    tally = Tally("wrong inputs in Python")
    for name, (door, right) in doors().items():
        folder = scratch()
        ending = in_child(lambda d=door, r=right: d(**_made(r)) and None, folder=folder, seconds=PATIENCE, ceiling=None)
        if ending.status != 0:
            tally.count(f"{name}, all arguments right", f"refused though fine: {ending.stderr[-200:]}")
        clear(folder)
    for name, work in cases():
        folder = scratch()
        ending = in_child(attempt(work), folder=folder)
        tally.count(name, refusal(ending), ending=ending)
        clear(folder)
    yield tally


def cases() -> Iterator[tuple[str, Callable[[], Any]]]:
    """One wrong argument at a time."""
    known = doors()
    for name, wrongs in WRONG.items():
        door, right = known[name]
        for argument, values in wrongs.items():
            for value in values:
                shown = repr(value) if not isinstance(value, np.ndarray) else f"{value.dtype} {value.shape}"
                yield (
                    f"{name}({argument}={shown[:50]})",
                    lambda d=door, r=right, a=argument, v=value: d(**(_made(r) | {a: v})),
                )


def _made(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments that have to be built are given as functions."""
    return {name: value() if callable(value) else value for name, value in arguments.items()}


def _rng() -> np.random.Generator:
    return np.random.default_rng(1)


@cache
def _library() -> Any:
    from microstructure import build_library

    return build_library(rng=_rng(), count=20)


@cache
def _cell() -> Any:
    from microstructure import Recipe, build_composite

    warnings.simplefilter("ignore")
    return build_composite(Recipe.parse("80:20:0.2"), porosity=0.35, box=BOX, voxel_size=250e-9, rng=_rng())


@cache
def _sweep() -> Any:
    from percolation import sweep_sites

    return sweep_sites((8, 8, 8), runs=16, rng=_rng())


def _parsed() -> Any:
    from microstructure import Recipe

    return Recipe.parse("80:20:0.2")


def _mask() -> Any:
    return IMAGE > 0


def _write(labels: Any, path: str, **options: Any) -> None:
    from microstructure import write_image

    write_image(labels, path, **options)


def doors() -> dict[str, tuple[Callable[..., Any], dict[str, Any]]]:
    """Front doors with arguments that are right."""
    import microstructure as m
    import percolation as p
    import transport as t

    image = {"labels": IMAGE, "conductivity": SIGMA, "voxel_size": 1e-7}
    wires = {
        "edges": np.array([[0, 1], [1, 2]]),
        "conductance": np.array([1.0, 2.0]),
        "count": 3,
        "source": [0],
        "sink": [2],
    }
    return {
        "pack_spheres": (m.pack_spheres, {"sizes": m.Equal(1e-6), "fraction": 0.3, "count": 20, "rng": _rng}),
        "jam_spheres": (m.jam_spheres, {"sizes": m.Equal(1e-6), "count": 20, "rng": _rng}),
        "Equal": (m.Equal, {"diameter": 1e-6}),
        "Lognormal": (m.Lognormal, {"median": 1e-6, "width": 0.3}),
        "Table": (m.Table, {"diameters": (1e-6, 2e-6), "weights": (1.0, 3.0), "weighting": "volume"}),
        "Recipe.parse": (m.Recipe.parse, {"text": "80:20:0.5"}),
        "build_library": (m.build_library, {"rng": _rng, "count": 20}),
        "bulk_patch": (m.bulk_patch, {"edge": 0.6e-6, "carbon_volume_fraction": 0.05, "voxel_size": 20e-9, "rng": _rng}),
        "coating_patch": (m.coating_patch, {"thickness": 150e-9, "width": 2.4e-6, "carbon_volume_fraction": 0.02, "voxel_size": 30e-9, "rng": _rng}),
        "building_block": (m.building_block, {"recipe": _parsed, "diameter": 2e-6, "voxel_size": 100e-9, "rng": _rng}),
        "build_composite": (m.build_composite, {"recipe": _parsed, "porosity": 0.35, "box": BOX, "voxel_size": 250e-9, "rng": _rng}),
        "voxelise": (m.voxelise, {"structure": _cell, "voxel_size": 250e-9}),
        "write_image": (_write, {"labels": IMAGE, "path": "image.tif", "voxel_size": 1e-7}),
        "find_clusters": (p.find_clusters, {"mask": _mask}),
        "find_spanning": (p.find_spanning, {"mask": _mask}),
        "sweep_sites": (p.sweep_sites, {"shape": (8, 8, 8), "runs": 8, "rng": _rng}),
        "estimate_threshold": (p.estimate_threshold, {"sweep": _sweep}),
        "sweep_bulk": (p.sweep_bulk, {"library": _library, "edge": 1e-6, "runs": 8, "rng": _rng}),
        "sweep_coat": (p.sweep_coat, {"library": _library, "thickness": 150e-9, "width": 1.2e-6, "runs": 8, "rng": _rng}),
        "sweep_bridges": (p.sweep_bridges, {"library": _library, "thickness": 150e-9, "areas": [1e-12], "runs": 4, "rng": _rng}),
        "sweep_block": (p.sweep_block, {"library": _library, "diameter": 1e-6, "thickness": 150e-9, "runs": 2, "rng": _rng}),
        "measure_utilisation": (p.measure_utilisation, {"structure": _cell, "rng": _rng}),
        "sweep_carbon": (p.sweep_carbon, {"structure": _cell, "steps": 5, "rng": _rng}),
        "effective_conductivity": (t.effective_conductivity, image),
        "sweep_conductivities": (t.sweep_conductivities, {"labels": IMAGE, "conductivities": [SIGMA], "voxel_size": 1e-7}),
        "bounds": (t.bounds, {"volume_fractions": [0.4, 0.6], "conductivities": [1.0, 2.0]}),
        "network_conductance": (t.network_conductance, wires),
        "extrapolate_voxel_size": (t.extrapolate_voxel_size, {"voxel_sizes": [1e-7, 2e-7, 4e-7], "values": [1.0, 0.98, 0.93]}),
        "estimate_memory": (t.estimate_memory, {"shape": (8, 8, 8)}),
    }  # fmt: skip


WRONG: dict[str, dict[str, list[Any]]] = {
    "pack_spheres": {"sizes": [np.array([1.0, -1.0]), np.array([NAN]), [], "1 um", np.full((2, 2), 1e-6)], "fraction": [5.0, 0.99, NAN, -0.1, "half"], "count": [MANY, 0, 2.5, -3], "rng": [1, None]},
    "jam_spheres": {"count": [MANY, 0], "aspect": [(0.0, 1.0, 1.0), (NAN, 1, 1), (1.0, 1.0), (1e12, 1, 1)]},
    "Equal": {"diameter": [3.3, 0.0, NAN, "3 um", -1e-6, 1e-30]},
    "Lognormal": {"median": [3.3, NAN, 0.0], "width": [50.0, -0.3, NAN, INF]},
    "Table": {"diameters": [(1.0, 2.0), (1e-6,), (NAN, 1e-6)], "weights": [(NAN, 1.0), (-1.0, 2.0), (0.0, 0.0), (INF, 1.0), "ab"], "weighting": ["mass", None]},
    "Recipe.parse": {"text": ["80:20:0,5", "80:20", "1e-320:1e-320:1", "1e308:1e308:1", "80:20:-1", "", 80, None, "80:20:1_0", "nan:1:1", "0:0:0"]},
    "build_library": {"count": [MANY, 0, -1, 2.5], "diameter": [250.0, 1e-12, NAN], "width": [50.0, NAN], "primary_diameter": [37.0, 1e-30], "fractal_dimension": [9.0, NAN, 0.0], "size_measure": ["radius", None]},
    "bulk_patch": {"edge": [2.0, 1e-12, NAN], "carbon_volume_fraction": [3.2, -0.1, NAN, 1.0], "voxel_size": [20.0, 1e-15, 1e-30]},
    "coating_patch": {"thickness": [150.0, 1e-12], "width": [4.0, 1e-12, INF], "carbon_volume_fraction": [3.2, NAN], "voxel_size": [10.0, 1e-14], "fit": ["squash"]},
    "building_block": {"diameter": [3.3, 1e-12, NAN], "voxel_size": [100.0, 1e-15], "coat": ["third"], "cores": [MANY, 0]},
    "build_composite": {"porosity": [35.0, -0.1, NAN, 0.999999], "box": [(20.0, 20.0, 20.0), (1e-12,) * 3, (NAN,) * 3, 6e-6], "voxel_size": [40.0, 1e-15], "coat": ["third", 3], "recipe": ["80:20:1", None]},
    "voxelise": {"voxel_size": [80.0, 1e-14, NAN], "structure": [None, IMAGE]},
    "write_image": {"voxel_size": [80, NAN, 1e-30, 1e30], "labels": [IMAGE * 0.5, IMAGE[0], IMAGE[:0], "image", np.array([[[None]]])], "path": [".", "image.jpg", 3, ""]},
    "find_clusters": {"mask": [IMAGE, IMAGE[0] > 0, np.zeros((0, 3, 3), bool), None], "neighbours": [7, 0, "6", 6.5], "periodic": [(1, 2, 3), (True,), "yes", None]},
    "find_spanning": {"axis": [3, 0.5, "x"], "neighbours": [8]},
    "sweep_sites": {"shape": [(8, 8), (0, 8, 8), (MANY, 1, 1), (8.5, 8, 8), "888", (2, 2, 2, 2)], "runs": [MANY, 0, 2.5], "points": [-1, MANY], "rng": [1]},
    "estimate_threshold": {"sweep": [None, [0.1, 0.2]], "kind": ["percolate"], "axis": [7, "x"], "probability": [50, NAN, 0.0], "confidence": [95, NAN]},
    "sweep_bulk": {"edge": [2, 2.0, 1e-12, NAN, INF, "2 um"], "runs": [MANY, 0, 1.5], "contact_gap": [1.0, -1e-9, NAN], "dispersion": [5.0, NAN, "poor"], "library": [None]},
    "sweep_coat": {"thickness": [150, 150.0, 1e-12, NAN, 0.0], "width": [4, 1e-12, INF], "runs": [MANY, True], "fit": ["squash", None]},
    "sweep_bridges": {"thickness": [150, 1e-12], "areas": [[1.55], [NAN], [], [1e-30], [-1e-12], 1e-12], "windows": [MANY, 0], "runs": [MANY], "case": ["seam"], "up_to": [5.0, 0.0, NAN]},
    "sweep_block": {"diameter": [3.3, 1e-12, NAN], "thickness": [150, 1e-12], "runs": [MANY]},
    "measure_utilisation": {"structure": [IMAGE, None], "carbon": [[5.0], [NAN], [], "all"], "draws": [MANY, 0], "bare_contact_share": [50.0, NAN], "contact_gap": [1.0, NAN, -1.0]},
    "sweep_carbon": {"steps": [MANY, 0, [0.5, 0.1], [NAN]], "runs": [MANY], "contact_gap": [1.0]},
    "effective_conductivity": {
        "labels": [IMAGE * 0.5, IMAGE[0], IMAGE[:0], None, "image", IMAGE.astype(complex), np.full((3, 3, 3), NAN)],
        "conductivity": [{0: 0.0, 1: 1.0}, {0: NAN, 1: 1.0, 2: 1.0}, {0: -1.0, 1: 1.0, 2: 1.0}, {0: INF, 1: 1.0, 2: 1.0}, {"a": 1.0}, [1.0, 2.0, 3.0], {0: "1 S/m", 1: 1.0, 2: 1.0}, {}],
        "voxel_size": [0.0, NAN, -1e-7, (1e-7, 1e-7), "80 nm", None],
        "axis": [3, "x", 0.5],
        "periodic": [(True,), "yes", (1, 2, 3)],
        "interface_resistance": [{(1, 2): -1.0}, {(1, 2): NAN}, {(1, 1): 1.0}, {1: 1.0}, {(1, 9): "a"}],
        "blocks": [IMAGE[:4], IMAGE * 0.5],
        "tolerance": [0.0, NAN, -1.0, 2.0],
        "max_iterations": [0, 2.5, -1],
        "start": [IMAGE[0], np.full(IMAGE.shape, NAN)],
    },
    "sweep_conductivities": {"conductivities": [[], [{0: 1.0}], None, SIGMA], "voxel_size": [0.0, NAN]},
    "bounds": {"volume_fractions": [[0.4, 0.7], [NAN, 1.0], [-0.5, 1.5], [1.0], []], "conductivities": [[-1.0, 2.0], [NAN, 1.0], ["a", "b"]], "kind": ["wide"]},
    "network_conductance": {"edges": [np.array([[0, 9]]), np.array([[0, -7], [1, 2]]), np.array([[0.5, 1], [1, 2]]), np.array([0, 1])], "conductance": [np.array([1.0]), np.array([NAN, 1.0]), np.array([-1.0, 1.0])], "count": [MANY, 0, 2], "source": [[], [99], [2]], "sink": [[-5]]},
    "extrapolate_voxel_size": {"voxel_sizes": [[1e-7], [NAN, 1e-7, 2e-7], [1e-7, 1e-7, 1e-7], [-1e-7, 1e-7, 2e-7]], "values": [[1.0], [NAN, 1.0, 2.0]]},
    "estimate_memory": {"shape": [(0, 1, 1), (8, 8), "888", (NAN, 1, 1)], "conducting": [5.0, NAN]},
}  # fmt: skip
