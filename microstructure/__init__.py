"""Coated battery particles as voxels and spheres: recipes, packings, coats and the carbon in them."""

import microstructure.caches  # noqa: F401 first: all below compiles
from microstructure.building_block import building_block
from microstructure.carbon.aggregates import AggregateLibrary, build_library
from microstructure.carbon.dispersion import Dispersion
from microstructure.carbon.placement import Carbon
from microstructure.coats.coating import Coats
from microstructure.coats.contact_faces import Seams, lay_seams
from microstructure.coats.outer_face import OuterFace
from microstructure.coats.unevenness import Unevenness
from microstructure.composite import build_composite
from microstructure.cores.contacts import Contacts, find_contacts
from microstructure.cores.core_clusters import Clusters
from microstructure.cores.facet_packing import pack_bodies
from microstructure.cores.facets import Facets
from microstructure.cores.sizes import Equal, Lognormal, Table
from microstructure.cores.sphere_packing import Packing, jam_spheres, pack_spheres
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
from microstructure.images.voxelise import voxelise
from microstructure.materials import Materials
from microstructure.patch import bulk_patch, coating_patch
from microstructure.recipe import Recipe
from microstructure.structure import Phase, Structure

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
