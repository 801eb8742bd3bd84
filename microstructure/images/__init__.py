"""Voxel images of structures, and what instruments would measure of them."""

from microstructure.images.coat_thickness import measure_coats
from microstructure.images.descriptors import interface_area, phase_fractions
from microstructure.images.porosity import measure_porosity, porosity_from_mass
from microstructure.images.sem import sem_section
from microstructure.images.voxelise import voxelise
from microstructure.images.xps import measure_xps, xps_coverage

__all__ = [
    "interface_area",
    "measure_coats",
    "measure_porosity",
    "measure_xps",
    "phase_fractions",
    "porosity_from_mass",
    "sem_section",
    "voxelise",
    "xps_coverage",
]
