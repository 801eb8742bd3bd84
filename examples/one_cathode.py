"""Build a cathode with every primary in it, look at it as instruments would, and save it."""

import tempfile
from pathlib import Path

import numpy as np

from microstructure import (
    Clusters,
    Dispersion,
    Recipe,
    Unevenness,
    build_composite,
    save_structure,
    voxelise,
    write_image,
)
from microstructure.images import interface_area, measure_coats, measure_porosity, xps_coverage

recipe = Recipe.parse("80:20:3")
cell = build_composite(
    recipe,
    porosity=0.2,
    box=(12e-6, 10e-6, 10e-6),
    voxel_size=100e-9,
    clusters=Clusters(share=0.2, cores=3),  # a fifth of the cores shares its coat with others
    unevenness=Unevenness(thickness_width=0.3, coverage=0.95),  # a film that wanders, and misses 5 % of the surface
    dispersion=Dispersion(share=0.8, agglomerate_size=1e-6),  # a fifth of the aggregates comes in clumps of 1 um
    rng=np.random.default_rng(1),
)
areas = interface_area(cell.labels, voxel_size=cell.voxel_size, periodic=cell.periodic)
coats, pores = measure_coats(cell), measure_porosity(cell)
print(cell.cores)
print(cell.carbon)
print(f"coat: median {1e9 * coats.median():.0f} nm, on {100 * coats.coverage:.0f} % of the surface")
print(f"core | matrix: {1e-6 * areas.between(1, 2) / areas.volume:.2f} m2 per cm3")
print(f"pores between blocks {100 * pores.between_blocks:.1f} %, in all {100 * pores.total:.1f} %")
print(f"XPS coverage of the smooth film: {xps_coverage(recipe).coverage:.2f}")

folder = Path(tempfile.mkdtemp())
save_structure(cell, folder / "cathode.h5", seed=1)
fine = voxelise(cell, 50e-9)  # the same cathode, finer
write_image(fine.labels, folder / "cathode.vti", voxel_size=fine.voxel_size)  # for ParaView
