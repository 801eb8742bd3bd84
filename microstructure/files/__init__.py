"""Structures and images on disk: whole structures as HDF5, images as TIFF, npy, npz, VTI or raw voxels."""

from microstructure.files.archive import Provenance, load_structure, read_provenance, save_structure
from microstructure.files.image_files import read_blocks, read_image, read_voxel_edges, read_voxel_size, write_image
from microstructure.files.whole_file import whole_file

__all__ = [
    "Provenance",
    "load_structure",
    "read_blocks",
    "read_image",
    "read_provenance",
    "read_voxel_edges",
    "read_voxel_size",
    "save_structure",
    "whole_file",
    "write_image",
]
