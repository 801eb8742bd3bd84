"""The public surface: what each package exports, and nothing that is not there."""

import importlib
import inspect
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("microstructure", "percolation", "transport", "studies")
DOORS = {
    "microstructure": {
        "Recipe", "Structure", "Phase", "pack_spheres", "coating_patch", "build_composite", "read_image", "write_image",
        "bulk_patch", "build_library", "find_contacts", "save_structure", "Materials", "Packing", "Carbon", "Coats",
        "Contacts", "AggregateLibrary", "Equal", "Lognormal", "Table",
        "building_block", "voxelise", "Unevenness", "Clusters", "jam_spheres",
        "Dispersion", "Facets", "pack_bodies",
        "Seams", "lay_seams", "OuterFace",
        "load_structure", "read_provenance", "read_voxel_size", "read_voxel_edges", "read_blocks", "Provenance",
    },
    "percolation": {
        "find_clusters", "find_spanning", "sweep_sites", "sweep_carbon", "estimate_threshold", "measure_utilisation",
        "sweep_bulk", "sweep_coat", "sweep_bridges", "link_carbon", "extrapolate_threshold", "Sweep", "Threshold",
        "Clusters", "Growth", "Spanning", "Bridges", "BridgeRate", "fit_bridge_rate", "BlockSweep", "sweep_block",
        "Exponent", "INVERSE_NU_2D", "INVERSE_NU_3D", "find_crossing", "known_exponent", "estimate_exponent",
        "BareContacts", "find_bare_contacts", "CarbonNetwork", "CarbonSweep", "Utilisation",
        "reach_ions", "DepthProfile", "depth_profile", "ThickLimit", "measure_thick_limit",
        "BlockUtilisation", "Bonds", "find_bonds", "measure_blocks",
    },
    "transport": {
        "effective_conductivity", "conductivity_tensor", "bounds", "network_conductance", "network_conductivity",
        "estimate_memory", "extrapolate_voxel_size", "Extrapolation",
        "HotSpots", "find_hot_spots", "sweep_conductivities",
        "BlockNetwork", "CoatContacts", "Resistors",
        "Conduction", "ConductivityTensor", "Bounds", "NetworkConduction",
    },
}  # fmt: skip


@pytest.mark.parametrize("package", DOORS)
def test_exports(package):
    module = importlib.import_module(package)
    assert set(module.__all__) == DOORS[package]
    for name in module.__all__:
        assert getattr(module, name).__doc__, f"{package}.{name} has no docstring"


@pytest.mark.parametrize(
    "package",
    [*DOORS, "microstructure.carbon", "microstructure.coats", "microstructure.images", "percolation.utilisation"],
)
def test_every_function_states_its_parameters(package):
    module = importlib.import_module(package)
    for name in module.__all__:
        function = getattr(module, name)
        if inspect.isfunction(function):
            assert "Parameters\n    ------" in function.__doc__, f"{package}.{name} does not say what it takes"


def test_only_our_packages_are_shipped():
    table = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text())
    assert table["tool"]["setuptools"]["packages"]["find"] == {"include": [f"{package}*" for package in PACKAGES]}
    for package in PACKAGES:
        for folder in ROOT.joinpath(package).rglob("*.py"):
            assert folder.with_name("__init__.py").exists(), f"{folder.parent} is no package, and would not be shipped"
