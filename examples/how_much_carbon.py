"""How much carbon does a 150 nm coat need? Three thresholds, in vol% of CB + electrolyte."""

import numpy as np

from microstructure import build_library
from percolation import estimate_threshold, sweep_bridges, sweep_bulk, sweep_coat

rng = np.random.default_rng(1)
library = build_library(rng=rng, diameter=250e-9, size_measure="hydrodynamic")  # branched aggregates, 37 nm primaries
bulk = estimate_threshold(sweep_bulk(library, edge=2e-6, runs=32, rng=rng))
along = estimate_threshold(sweep_coat(library, thickness=150e-9, width=4e-6, runs=32, rng=rng))
across = sweep_bridges(library, thickness=150e-9, areas=[1.55e-12], windows=3, runs=16, rng=rng).half_point()
for name, found in {"bulk pellet": bulk, "along the coat": along, "from core to core": across}.items():
    print(f"{name:18s} {100 * found.value:5.1f} vol%   95 % interval {100 * found.low:.1f} - {100 * found.high:.1f}")
