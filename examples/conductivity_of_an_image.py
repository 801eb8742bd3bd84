"""How well does a cathode conduct electrons, where does the current flow, and how sure is the number?"""

import numpy as np

from microstructure import Phase, Recipe, build_composite
from transport import effective_conductivity, find_hot_spots, sweep_conductivities

rng = np.random.default_rng(1)
cell = build_composite(Recipe.parse("80:20:3"), porosity=0.2, box=(8e-6,) * 3, voxel_size=80e-9, rng=rng)
sigma = {Phase.PORE: 0.0, Phase.CORE: 0.7, Phase.MATRIX: 100.0}  # S/m

found = effective_conductivity(cell, sigma, axis=0, keep_current=True)  # it brings its voxel size and its sides
low, high = found.bracket.lower, found.bracket.upper
print(f"{found.value:.4g} S/m; the exact answer of these voxels lies in {low:.8g} to {high:.8g}")
print(f"flux equal through all planes to {found.imbalance:.0e}, {found.iterations} iterations")
for label, share in found.current_shares.items():
    print(f"  {Phase(label).name.lower():12s} carries {100 * share:5.1f} % of the current")

spots = find_hot_spots(found, cell, sigma, power_share=0.5)
print(f"half of the power is lost in {100 * spots.volume_share:.2g} % of the volume, in {spots.count} places")

sets = [{**sigma, Phase.MATRIX: matrix} for matrix in (100.0, 10.0, 1.0)]  # what if it holds less carbon?
for values, result in zip(sets, sweep_conductivities(cell, sets), strict=True):
    print(f"matrix {values[Phase.MATRIX]:6.1f} S/m: {result.value:.4g} S/m")
