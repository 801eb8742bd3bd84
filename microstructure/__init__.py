"""Coated battery particles as voxels and spheres: recipes, packings, coats and the carbon in them."""

import microstructure.caches  # noqa: F401 first: all below compiles
from microstructure.aggregates import AggregateLibrary, build_library
from microstructure.block import building_block
from microstructure.building_blocks import Clusters
from microstructure.carbon import Carbon
from microstructure.coats import Coats
from microstructure.composite import build_composite
from microstructure.contacts import Contacts, find_contacts
from microstructure.dispersion import Dispersion
from microstructure.faceted_packing import pack_bodies
from microstructure.facets import Facets
from microstructure.files import (
    Provenance,
    load_structure,
    read_blocks,
    read_image,
    read_provenance,
    read_voxel_edges,
    read_voxel_size,
    save_structure,
    write_image,
)
from microstructure.materials import Materials
from microstructure.outer_face import OuterFace
from microstructure.packing import Packing, jam_spheres, pack_spheres
from microstructure.patch import bulk_patch, coating_patch
from microstructure.recipe import Recipe
from microstructure.relief import Unevenness
from microstructure.seams import Seams, lay_seams
from microstructure.sizes import Equal, Lognormal, Table
from microstructure.structure import Phase, Structure
from microstructure.voxels import voxelise

__all__ = [
    "AggregateLibrary",
    "Carbon",
    "Clusters",
    "Coats",
    "Contacts",
    "Dispersion",
    "Equal",
    "Facets",
    "Lognormal",
    "Materials",
    "OuterFace",
    "Packing",
    "Phase",
    "Provenance",
    "Recipe",
    "Seams",
    "Structure",
    "Table",
    "Unevenness",
    "build_composite",
    "build_library",
    "building_block",
    "bulk_patch",
    "coating_patch",
    "find_contacts",
    "jam_spheres",
    "lay_seams",
    "load_structure",
    "pack_bodies",
    "pack_spheres",
    "read_blocks",
    "read_image",
    "read_provenance",
    "read_voxel_edges",
    "read_voxel_size",
    "save_structure",
    "voxelise",
    "write_image",
]
